/* What a schema drops from a custom resource and fills in: F-080 to F-085. */
#include "kube/crd_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OBJECT(members) "{\"type\":\"object\",\"properties\":{" members "}}"
#define SPEC(x) OBJECT("\"spec\":" OBJECT("\"x\":" x))
#define X(value) "{\"spec\":{\"x\":" value "}}"

static const struct row {
    const char *name, *schema, *in, *out, *strict;
} rows[] = {
    { "F-082 unknown members go, at every level", SPEC(OBJECT("\"a\":{\"type\":\"string\"}")),
      "{\"z\":1,\"spec\":{\"y\":1,\"x\":{\"a\":\"1\",\"b\":2}}}", X("{\"a\":\"1\"}"),
      "unknown field \"spec.x.b\", unknown field \"spec.y\", unknown field \"z\"" },
    { "F-083 apiVersion, kind and metadata stay", SPEC("{\"type\":\"string\"}"),
      "{\"apiVersion\":\"v\",\"kind\":\"K\",\"metadata\":{\"any\":1}}", "{\"apiVersion\":\"v\",\"kind\":\"K\",\"metadata\":{\"any\":1}}" },
    { "F-082 in lists", SPEC("{\"type\":\"array\",\"items\":" OBJECT("\"a\":{\"type\":\"string\"}") "}"),
      X("[{\"a\":\"1\"},{\"b\":1}]"), X("[{\"a\":\"1\"},{}]"), "unknown field \"spec.x[1].b\"" },
    { "F-082 preserved here, pruned where it is specified",
      SPEC("{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true,\"properties\":{\"k\":" OBJECT("") "}}"),
      X("{\"any\":{\"deep\":1},\"k\":{\"z\":1}}"), X("{\"any\":{\"deep\":1},\"k\":{}}"), "unknown field \"spec.x.k.z\"" },
    { "F-082 maps keep every key", SPEC("{\"type\":\"object\",\"additionalProperties\":" OBJECT("") "}"), X("{\"a\":{\"z\":1}}"),
      X("{\"a\":{}}"), "unknown field \"spec.x.a.z\"" },
    { "F-082 what additionalProperties: true holds is unknown inside", SPEC("{\"type\":\"object\",\"additionalProperties\":true}"),
      X("{\"a\":{\"z\":1},\"b\":1}"), X("{\"a\":{},\"b\":1}"), "unknown field \"spec.x.a.z\"" },
    { "F-082 embedded resources keep what every object has",
      SPEC("{\"type\":\"object\",\"x-kubernetes-embedded-resource\":true,\"properties\":{\"spec\":{\"type\":\"string\"}}}"),
      X("{\"kind\":\"K\",\"metadata\":{\"a\":1},\"z\":1}"), X("{\"kind\":\"K\",\"metadata\":{\"a\":1}}"), "unknown field \"spec.x.z\"" },
    { "F-084 nulls that may not be go", SPEC("{\"type\":\"string\"}"), X("null"), "{\"spec\":{}}" },
    { "F-084 nullable stays", SPEC("{\"type\":\"string\",\"nullable\":true}"), X("null"), X("null") },
    { "F-084 a default", SPEC("{\"type\":\"string\",\"default\":\"d\"}"), "{\"spec\":{}}", X("\"d\"") },
    { "F-084 no parent, no default", SPEC("{\"type\":\"string\",\"default\":\"d\"}"), "{}", "{}" },
    { "F-084 a default for null", SPEC("{\"type\":\"string\",\"default\":\"d\"}"), X("null"), X("\"d\"") },
    { "F-084 defaults within defaults", SPEC("{\"type\":\"object\",\"default\":{},\"properties\":{\"a\":{\"type\":\"integer\",\"default\":1}}}"),
      "{\"spec\":{}}", X("{\"a\":1}") },
    { "F-084 in lists and maps", SPEC("{\"type\":\"array\",\"items\":{\"type\":\"object\",\"additionalProperties\":" 
      "{\"type\":\"object\",\"properties\":{\"a\":{\"default\":1}}}}}"), X("[{\"k\":{}},{}]"), X("[{\"k\":{\"a\":1}},{}]") },
    { "F-085 not in metadata", "{\"type\":\"object\",\"properties\":{\"metadata\":{\"type\":\"object\",\"properties\":{\"name\":{"
      "\"type\":\"string\",\"default\":\"n\"}}}}}", "{\"metadata\":{}}", "{\"metadata\":{}}" },
};

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct decode_notes notes = DECODE_NOTES_IN(a, NULL);
    json_auto_t *schema = json_parse_str(row->schema), *in = json_parse_str(row->in);
    const struct schema *s = crd_schema_parse(a, schema);
    json_t *obj = json_incref(in);

    assert_non_null(schema);
    crd_prune(s, &obj, &notes);
    crd_default(s, &obj);
    cleanup_free char *text = json_text(obj, 0), *before = json_text(in, 0);
    const char *strict = decode_strict_error(&notes);
    assert_string_equal(text, row->out);
    assert_string_equal(strict ? strict + strlen("strict decoding error: ") : "", row->strict ? row->strict : "");
    assert_string_equal(before, row->in);         /* promise 2: the input was not edited */

    json_t *again = json_incref(obj);             /* and what is as it should be comes back itself */
    crd_prune(s, &again, NULL);
    crd_default(s, &again);
    assert_ptr_equal(again, obj);
    json_decref(again);
    json_decref(obj);
}

/* F-081: metadata of the objects inside. */
static void embedded_metadata(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct decode_notes notes = DECODE_NOTES_IN(a, NULL);
    struct apierr err = { .arena = a };
    json_auto_t *schema = json_parse_str(SPEC("{\"type\":\"object\",\"x-kubernetes-embedded-resource\":true,"
                                              "\"x-kubernetes-preserve-unknown-fields\":true}"));
    const struct schema *s = crd_schema_parse(a, schema);
    json_t *good = json_parse_str(X("{\"metadata\":{\"name\":\"n\",\"odd\":1}}"));
    json_t *bad = json_parse_str(X("{\"apiVersion\":1,\"metadata\":{\"labels\":{\"a\":1}}}"));

    assert_int_equal(crd_coerce_embedded(s, &good, &notes, &err), 0);
    cleanup_free char *text = json_text(good, 0);
    assert_string_equal(text, X("{\"metadata\":{\"name\":\"n\"}}"));
    assert_string_equal(decode_strict_error(&notes), "strict decoding error: unknown field \"spec.x.metadata.odd\"");
    assert_int_equal(crd_coerce_embedded(s, &bad, &notes, &err), -APIERR_BAD_REQUEST);
    assert_string_equal(err.message, "spec.x.apiVersion: Invalid value: 1: must be a string");
    json_decref(good);
    json_decref(bad);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 1] = {
        { "F-081 embedded metadata", embedded_metadata, NULL, NULL, NULL },
    };

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i + 1] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                            .initial_state = (void *)&rows[i] };
    return cmocka_run_group_tests_name("crd_schema", tests, NULL, NULL);
}
