/* What Go's decoder and encoder make of a body: K.2, B.5. The sentences are those of a real server. */
#include "kube/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/types.h"

#define META "\"metadata\":{\"name\":\"a\"}"
#define CM(members) "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\"," META members "}"
#define LEASE(spec) "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\"," META ",\"spec\":" spec "}"
#define POD(spec) "{\"kind\":\"Pod\",\"apiVersion\":\"v1\"," META ",\"spec\":" spec "}"
#define POD_OUT(spec) "{\"kind\":\"Pod\",\"apiVersion\":\"v1\"," META ",\"spec\":" spec ",\"status\":{}}"
#define LIMITS(q) "{\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"cpu\":" q "}}}]}"
#define NOT(value, field, type) "json: cannot unmarshal " value " into Go struct field " field " of type " type
#define QUANTITY "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
#define UNKNOWN(list) "strict decoding error: " list
#define SECONDS "LeaseSpec.spec.leaseDurationSeconds"

static const struct row {
    const char *name, *group, *kind, *in, *out, *strict, *error;
} rows[] = {
    { "K-032 unknown members go, in every depth", "", "Pod",
      POD("{\"foo\":1,\"containers\":[{\"name\":\"c\",\"bar\":2}]}"),
      POD_OUT("{\"containers\":[{\"name\":\"c\",\"resources\":{}}]}"),
      UNKNOWN("unknown field \"spec.foo\", unknown field \"spec.containers[0].bar\"") },
    { "K-020 names are case-sensitive", "", "ConfigMap", CM(",\"Data\":{\"a\":\"b\"}"), CM(""),
      UNKNOWN("unknown field \"Data\"") },
    { "K-021 B-082 duplicates are named, the last wins", "", "ConfigMap",
      CM(",\"data\":{\"a\":\"1\",\"a\":\"2\"},\"data\":{\"b\":\"3\"}"), CM(",\"data\":{\"a\":\"2\",\"b\":\"3\"}"),
      UNKNOWN("duplicate field \"data.a\", duplicate field \"data\"") },
    { "A-078 members in Go's order, map keys sorted", "", "ConfigMap",
      "{\"data\":{\"b\":\"2\",\"a\":\"1\"}," META ",\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"}",
      CM(",\"data\":{\"a\":\"1\",\"b\":\"2\"}") },
    { "K-025 null is absent, in a map it is zero", "", "ConfigMap", CM(",\"data\":{\"a\":null},\"immutable\":null"),
      CM(",\"data\":{\"a\":\"\"}") },
    { "K-032 empty maps go, pointers to false stay", "", "ConfigMap", CM(",\"data\":{},\"immutable\":false"),
      CM(",\"immutable\":false") },
    { "K-025 null elements are zero", "", "Pod", POD("{\"containers\":[null]}"),
      POD_OUT("{\"containers\":[{\"name\":\"\",\"resources\":{}}]}") },
    { "structs that are no pointers are always there", "apps", "Deployment",
      "{\"kind\":\"Deployment\",\"apiVersion\":\"apps/v1\"}",
      "{\"kind\":\"Deployment\",\"apiVersion\":\"apps/v1\",\"metadata\":{},\"spec\":{\"selector\":null,\"template\":"
      "{\"metadata\":{},\"spec\":{\"containers\":null}},\"strategy\":{}},\"status\":{}}" },
    { "B-086 what is wrong within a decoder of its own is said of where that one stands", "apiextensions.k8s.io",
      "CustomResourceDefinition", "{\"spec\":{\"versions\":[{\"schema\":{\"openAPIV3Schema\":{\"properties\":{\"a\":{\"items\":"
      "{\"properties\":{\"b\":{\"type\":1}}}}}}}}]}}", NULL, NULL,
      NOT("number", "JSONSchemaProps.spec.versions.schema.openAPIV3Schema.properties.items", "string") },
    { "K-028 times print UTC whole seconds", "", "ConfigMap",
      "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"creationTimestamp\":"
      "\"2024-01-02T05:04:05.9+02:00\"}}",
      "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"creationTimestamp\":"
      "\"2024-01-02T03:04:05Z\"}}" },
    { "K-028 MicroTime wants six digits", "coordination.k8s.io", "Lease",
      LEASE("{\"renewTime\":\"2024-01-01T00:00:00Z\"}"), NULL, NULL,
      "parsing time \"2024-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"Z\" as \".000000\"" },
    { "K-028 a day is no time", "", "ConfigMap",
      "{\"metadata\":{\"deletionTimestamp\":\"2024-01-02\"}}", NULL, NULL,
      "parsing time \"2024-01-02\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"T\"" },
    { "K-028 a number is no time", "", "ConfigMap", "{\"metadata\":{\"deletionTimestamp\":5}}", NULL, NULL,
      NOT("number", "ObjectMeta.metadata.deletionTimestamp", "string") },
    { "K-029 quantities become canonical", "", "Pod", POD(LIMITS("\"1000m\"")),
      POD_OUT(LIMITS("\"1\"")) },
    { "K-029 numbers are quantities", "", "Pod", POD(LIMITS("0.5")), POD_OUT(LIMITS("\"500m\"")) },
    { "K-029 bad quantity", "", "Pod", POD(LIMITS("\"x\"")), NULL, NULL, QUANTITY },
    { "K-030 int or string", "", "Service",
      "{\"spec\":{\"ports\":[{\"port\":1,\"targetPort\":\"a\"},{\"port\":2}]}}",
      "{\"metadata\":{},\"spec\":{\"ports\":[{\"port\":1,\"targetPort\":\"a\"},{\"port\":2,\"targetPort\":0}]},"
      "\"status\":{\"loadBalancer\":{}}}" },
    { "K-030 true is neither", "policy", "PodDisruptionBudget", "{\"spec\":{\"minAvailable\":true}}", NULL, NULL,
      NOT("bool", "PodDisruptionBudgetSpec.spec.minAvailable", "int32") },
    { "K-031 bytes are base64", "", "Secret", "{\"data\":{\"a\":\"!\"}}", NULL, NULL,
      "illegal base64 data at input byte 0" },
    { "K-031 line ends within base64 go", "", "Secret", "{\"metadata\":{},\"data\":{\"a\":\"aGVs\\nbG8=\"}}",
      "{\"metadata\":{},\"data\":{\"a\":\"aGVsbG8=\"}}" },
    { "K-023 fractions", "coordination.k8s.io", "Lease", LEASE("{\"leaseDurationSeconds\":1.5}"), NULL, NULL,
      NOT("number 1.5", SECONDS, "int32") },
    { "K-023 15.0 is no integer", "coordination.k8s.io", "Lease", LEASE("{\"leaseDurationSeconds\":15.0}"), NULL,
      NULL, NOT("number 15.0", SECONDS, "int32") },
    { "K-023 int32 overflow", "coordination.k8s.io", "Lease", LEASE("{\"leaseDurationSeconds\":2147483648}"), NULL,
      NULL, NOT("number 2147483648", SECONDS, "int32") },
    { "K-023 float overflow", "coordination.k8s.io", "Lease", LEASE("{\"leaseDurationSeconds\":1e400}"), NULL, NULL,
      NOT("number 1e400", SECONDS, "int32") },
    { "K-023 int64 overflow", "coordination.k8s.io", "Lease",
      LEASE("{\"leaseDurationSeconds\":99999999999999999999}"), NULL, NULL,
      NOT("number 99999999999999999999", SECONDS, "int32") },
    { "K-024 int64 to the last digit", "", "Pod", POD("{\"containers\":null,\"activeDeadlineSeconds\":9007199254740993}"),
      POD_OUT("{\"containers\":null,\"activeDeadlineSeconds\":9007199254740993}") },
    { "B-086 list for object", "", "Pod", "{\"spec\":[]}", NULL, NULL, NOT("array", "Pod.spec", "v1.PodSpec") },
    { "B-086 object for list", "", "Pod", "{\"spec\":{\"containers\":{}}}", NULL, NULL,
      NOT("object", "PodSpec.spec.containers", "[]v1.Container") },
    { "B-086 map keys and indices are not named", "", "Pod",
      "{\"spec\":{\"containers\":[{\"ports\":[{\"containerPort\":\"x\"}]}]}}", NULL, NULL,
      NOT("string", "ContainerPort.spec.containers.ports.containerPort", "int32") },
    { "B-086 map values", "", "ConfigMap", "{\"data\":{\"a\":1}}", NULL, NULL,
      NOT("number", "ConfigMap.data", "string") },
    { "B-086 named strings", "", "Pod", "{\"spec\":{\"restartPolicy\":1}}", NULL, NULL,
      NOT("number", "PodSpec.spec.restartPolicy", "v1.RestartPolicy") },
    { "B-086 the root", "", "Pod", "[]", NULL, NULL, "json: cannot unmarshal array into Go value of type v1.Pod" },
    { "the first wrong type is told", "", "ConfigMap", "{\"data\":5,\"immutable\":5}", NULL, NULL,
      NOT("number", "ConfigMap.data", "map[string]string") },
    { "what Go stops at comes before what it goes on from", "", "Pod",
      "{\"spec\":{\"hostNetwork\":5,\"containers\":[{\"resources\":{\"limits\":{\"a\":\"x\"}}}]}}", NULL, NULL, QUANTITY },
    { "schemas in CRDs keep defaults as they came", "apiextensions.k8s.io", "CustomResourceDefinition",
      "{\"spec\":{\"group\":\"g\",\"names\":{\"plural\":\"p\",\"kind\":\"K\"},\"scope\":\"Cluster\",\"versions\":[{\"name\":\"v1\","
      "\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"default\":{\"b\":1,\"a\":null},\"maximum\":1.0,"
      "\"items\":{\"type\":\"string\",\"odd\":1},\"additionalProperties\":true}}}]}}",
      "{\"metadata\":{},\"spec\":{\"group\":\"g\",\"names\":{\"plural\":\"p\",\"kind\":\"K\"},\"scope\":\"Cluster\",\"versions\":"
      "[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"default\":{\"b\":1,\"a\":null},"
      "\"maximum\":1,\"items\":{\"type\":\"string\"},\"additionalProperties\":true}}}]},\"status\":{\"conditions\":null,"
      "\"acceptedNames\":{\"plural\":\"\",\"kind\":\"\"},\"storedVersions\":null}}" },
    { "fields behind a gate that is off are known and gone", "", "Pod",
      POD("{\"containers\":null,\"hostnameOverride\":\"x\"}"), POD_OUT("{\"containers\":null}") },
};

struct result {
    struct arena *arena;
    json_t *out;
    struct decode_notes notes;
    struct apierr err;
    int r;
};

static struct result run(const char *group, const char *kind, const char *text)
{
    struct result res = { .arena = arena_new() };
    struct json_notes *parsed = arena_alloc(res.arena, sizeof(*parsed));
    struct err e = ERR_IN(res.arena);
    const struct schema *s = types_find(group, "v1", kind);

    assert_non_null(s);
    *parsed = JSON_NOTES_IN(res.arena);
    json_auto_t *in = json_parse(text, strlen(text), JSON_PARSE_MERGE_DUPLICATES, parsed, &e);
    assert_non_null(in);
    res.notes = DECODE_NOTES_IN(res.arena, parsed);
    res.err.arena = res.arena;
    res.r = decode(s, in, &res.notes, &res.out, &res.err);
    return res;
}

static void check_row(void **state)
{
    const struct row *row = *state;
    struct result res = run(row->group, row->kind, row->in);
    const char *strict = decode_strict_error(&res.notes);

    if (row->error) {
        assert_int_equal(res.r, -APIERR_BAD_REQUEST);
        assert_string_equal(res.err.message, row->error);
    } else {
        assert_int_equal(res.r, 0);
        cleanup_free char *text = json_text(res.out, 0);
        assert_string_equal(text, row->out);
        assert_string_equal(strict ? strict : "", row->strict ? row->strict : "");
    }
    json_decref(res.out);
    arena_free(res.arena);
}

/* Promise 1: what was decoded decodes to itself, the same nodes. */
static void decoding_twice_changes_nothing(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!rows[i].out)
            continue;
        struct result res = run(rows[i].group, rows[i].kind, rows[i].in);
        json_t *again = NULL;
        assert_int_equal(decode(types_find(rows[i].group, "v1", rows[i].kind), res.out, &res.notes, &again, NULL), 0);
        assert_ptr_equal(again, res.out);
        json_decref(again);
        json_decref(res.out);
        arena_free(res.arena);
    }
}

/* B-088: at most 100 are kept. */
static void many_unknown_fields(void **state)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_char(&b, '{');
    for (int i = 0; i < 300; i++)
        buf_printf(&b, "%s\"f%03d\":1", i ? "," : "", i);
    buf_add_char(&b, '}');
    struct result res = run("", "ConfigMap", b.data);
    assert_int_equal(res.notes.n_strict, DECODE_STRICT_MAX);
    json_decref(res.out);
    arena_free(res.arena);
}

/* A schema nested beyond reason is refused, not recursed into. */
static void deep_schema(void **state)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "{\"spec\":{\"versions\":[{\"schema\":{\"openAPIV3Schema\":");
    for (int i = 0; i < 4000; i++)
        buf_add_str(&b, "{\"not\":");
    buf_add_str(&b, "{}");
    for (int i = 0; i < 4000; i++)
        buf_add_char(&b, '}');
    buf_add_str(&b, "}}]}}");
    struct result res = run("apiextensions.k8s.io", "CustomResourceDefinition", b.data);
    assert_int_equal(res.r, -APIERR_BAD_REQUEST);
    assert_string_equal(res.err.message, "exceeded max depth");
    arena_free(res.arena);
}

/* Every field leads somewhere, every index is sorted. */
static void tables_hold_together(void **state)
{
    assert_non_null(types_object_meta());
    assert_null(types_find("", "v1", "Nope"));
    assert_ptr_equal(types_find("batch", "v1", "DeleteOptions"), types_find("meta.k8s.io", "v1", "DeleteOptions"));
    for (size_t i = 0; i < types_n_named; i++) {
        const struct schema *s = types_named[i];
        assert_ptr_equal(types_by_name(s->name), s);
        for (size_t f = 0; f < s->n_fields; f++) {
            assert_non_null(s->fields[f].schema);
            assert_ptr_equal(schema_field(s, s->fields[f].name), &s->fields[f]);
            assert_true(f == 0 || strcmp(s->fields[s->by_name[f - 1]].name, s->fields[s->by_name[f]].name) < 0);
        }
    }
    for (size_t i = 0; i < types_n_rows; i++)
        assert_ptr_equal(types_find(types_rows[i].group, types_rows[i].version, types_rows[i].kind),
                         types_rows[i].schema);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 4] = {
        cmocka_unit_test(decoding_twice_changes_nothing),
        cmocka_unit_test(many_unknown_fields),
        cmocka_unit_test(deep_schema),
        cmocka_unit_test(tables_hold_together),
    };

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i + 4] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                            .initial_state = (void *)&rows[i] };
    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
