#include "kube/patch_strategic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* A few types, shaped like those they are named after. */
static const struct schema string_type = { .type = SCHEMA_STRING, .go_type = "string" },
    int_type = { .type = SCHEMA_INTEGER, .go_type = "int32" },
    strings = { .type = SCHEMA_ARRAY, .items = &string_type },
    string_map = { .type = SCHEMA_OBJECT, .additional = &string_type };

#define STRUCT(n, gotype, f)                                                                  \
    static const struct schema n = { .type = SCHEMA_OBJECT, .go_type = gotype, .fields = (f), \
                                     .n_fields = ARRAY_SIZE(f) }
#define MERGE(k) .patch_merge_key = (k), .patch_strategy = PATCH_STRATEGY_MERGE

static const struct schema_field env_fields[] = { { "name", &string_type }, { "value", &string_type } };
STRUCT(env, "v1.EnvVar", env_fields);
static const struct schema envs = { .type = SCHEMA_ARRAY, .items = &env };
static const struct schema_field container_fields[] = {
    { "name", &string_type }, { "image", &string_type }, { "args", &strings }, { "env", &envs, MERGE("name") },
};
STRUCT(container, "v1.Container", container_fields);
static const struct schema containers = { .type = SCHEMA_ARRAY, .items = &container };
static const struct schema_field toleration_fields[] = { { "key", &string_type } };
STRUCT(toleration, "v1.Toleration", toleration_fields);
static const struct schema tolerations = { .type = SCHEMA_ARRAY, .items = &toleration };
static const struct schema_field strategy_fields[] = { { "type", &string_type }, { "size", &int_type } };
STRUCT(strategy, "v1.Strategy", strategy_fields);
static const struct schema_field spec_fields[] = {
    { "containers", &containers, MERGE("name") },
    { "tolerations", &tolerations },
    { "strategy", &strategy, .patch_strategy = PATCH_STRATEGY_RETAIN_KEYS },
    { "selector", &strategy, .patch_strategy = PATCH_STRATEGY_REPLACE },
};
STRUCT(spec, "v1.PodSpec", spec_fields);
static const struct schema_field meta_fields[] = {
    { "labels", &string_map }, { "finalizers", &strings, .patch_strategy = PATCH_STRATEGY_MERGE },
};
STRUCT(meta, "v1.ObjectMeta", meta_fields);
static const struct schema_field root_fields[] = { { "metadata", &meta }, { "spec", &spec }, { "data", &string_map } };
STRUCT(root, "v1.Pod", root_fields);

#define C(...) "{\"spec\":{\"containers\":[" __VA_ARGS__ "]}}"
#define ONE(n) "{\"name\":\"" n "\"}"
#define F(...) "{\"metadata\":{\"finalizers\":[" __VA_ARGS__ "]}}"
#define S(...) "{\"spec\":{\"strategy\":{" __VA_ARGS__ "}}}"

static const struct row {
    const char *name, *doc, *patch, *want;       /* what comes out, or the sentence after '!' */
} rows[] = {
    { "E-060 scalars and maps", "{\"data\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"data\":{\"a\":\"3\",\"b\":null,\"c\":\"4\"}}", "{\"data\":{\"a\":\"3\",\"c\":\"4\"}}" },
    { "E-060 null removes", "{\"data\":{\"a\":\"1\"}}", "{\"data\":null,\"none\":null}", "{}" },
    { "E-060 nulls in what is new go", "{}", "{\"data\":{\"a\":null,\"b\":\"1\"}}", "{\"data\":{\"b\":\"1\"}}" },
    { "E-060 lists without strategy replace", "{\"spec\":{\"tolerations\":[{\"key\":\"a\"}]}}", "{\"spec\":{\"tolerations\":[{\"key\":\"b\"}]}}", "{\"spec\":{\"tolerations\":[{\"key\":\"b\"}]}}" },
    { "E-060 by key", C("{\"name\":\"a\",\"image\":\"1\"}," ONE("b")), C("{\"name\":\"a\",\"image\":\"2\"}"), C("{\"name\":\"a\",\"image\":\"2\"}," ONE("b")) },
    { "E-060 nested by key", C("{\"name\":\"a\",\"env\":[{\"name\":\"x\",\"value\":\"1\"}],\"args\":[\"p\"]}"), C("{\"name\":\"a\",\"env\":[{\"name\":\"y\"}],\"args\":[\"q\"]}"), C("{\"name\":\"a\",\"env\":[{\"name\":\"y\"},{\"name\":\"x\",\"value\":\"1\"}],\"args\":[\"q\"]}") },
    { "E-060 another type replaces", "{\"data\":{\"a\":\"1\"}}", "{\"data\":\"x\"}", "{\"data\":\"x\"}" },
    { "E-060 strategy replace", "{\"spec\":{\"selector\":{\"type\":\"a\",\"size\":1}}}", "{\"spec\":{\"selector\":{\"size\":2}}}", "{\"spec\":{\"selector\":{\"size\":2}}}" },
    { "E-061 replace a map", "{\"data\":{\"a\":\"1\"}}", "{\"data\":{\"$patch\":\"replace\",\"b\":\"2\"}}", "{\"data\":{\"b\":\"2\"}}" },
    { "E-061 delete a map", "{\"data\":{\"a\":\"1\"}}", "{\"data\":{\"$patch\":\"delete\",\"b\":\"2\"}}", "{\"data\":{}}" },
    { "E-061 a directive for what is not there", "{}", "{\"data\":{\"$patch\":\"frob\"}}", "{}" },
    { "E-061 unknown directive", "{\"data\":{\"a\":\"1\"}}", "{\"data\":{\"$patch\":\"merge\",\"d\":\"4\"}}", "!unknown patch type: merge in map: map[$patch:merge d:4]" },
    { "E-061 directive of another type", C(ONE("a")), C("{\"name\":\"a\",\"$patch\":1}"), "!unknown patch type: %!s(int64=1) in map: map[$patch:1 name:a]" },
    { "E-061 delete an element", C(ONE("a") "," ONE("b")), C("{\"name\":\"a\",\"$patch\":\"delete\"}"), C(ONE("b")) },
    { "E-061 delete without key", C(ONE("a")), C("{\"$patch\":\"delete\"}"), "!map: map[$patch:delete] does not contain declared merge key: name" },
    { "E-061 replace the list", C(ONE("a") "," ONE("b")), C("{\"$patch\":\"replace\"}," ONE("c")), C(ONE("c")) },
    { "E-061 replace by nothing", C(ONE("a")), C("{\"$patch\":\"replace\",\"name\":\"x\"}"), C("") },
    { "E-061 merge in a list", C(ONE("a")), C("{\"name\":\"a\",\"$patch\":\"merge\"}"), "!merging lists cannot yet be specified in the patch" },
    { "E-062 delete values", F("\"a\",\"b\",\"c\""), "{\"metadata\":{\"$deleteFromPrimitiveList/finalizers\":[\"b\",\"z\"]}}", F("\"a\",\"c\"") },
    { "E-062 of a list that is not there", "{\"metadata\":{}}", "{\"metadata\":{\"$deleteFromPrimitiveList/finalizers\":[\"b\"]}}", "{\"metadata\":{}}" },
    { "E-061 directives within one", C(ONE("a")), C("{\"name\":\"a\",\"$patch\":{\"z\":[false,1.5,\"s\",null]}}"),
      "!unknown patch type: map[z:[%!s(bool=false) %!s(float64=1.5) s %!s(<nil>)]] in map: map[$patch:map[z:[false 1.5 s <nil>]] name:a]" },
    { "E-067 malformed", "{\"metadata\":{}}", "{\"metadata\":{\"$deleteFromPrimitiveList\":[\"b\"]}}", "!invalid patch format of primitive list" },
    { "E-060 values merge as a set", F("\"a\",\"b\""), F("\"c\",\"a\""), F("\"c\",\"a\",\"b\"") },
    { "E-063 order alone", C(ONE("a") "," ONE("b") "," ONE("c")), "{\"spec\":{\"$setElementOrder/containers\":[" ONE("c") "," ONE("b") "," ONE("a") "]}}", C(ONE("c") "," ONE("b") "," ONE("a")) },
    { "E-063 others keep their place", C(ONE("a") "," ONE("b") "," ONE("c")), "{\"spec\":{\"$setElementOrder/containers\":[" ONE("a") "," ONE("n") "," ONE("c") "],\"containers\":[" ONE("n") "]}}", C(ONE("a") "," ONE("n") "," ONE("b") "," ONE("c")) },
    { "E-063 with a deletion", C(ONE("a") "," ONE("b") "," ONE("c")), "{\"spec\":{\"$setElementOrder/containers\":[" ONE("c") "," ONE("a") "],\"containers\":[{\"name\":\"b\",\"$patch\":\"delete\"}]}}", C(ONE("c") "," ONE("a")) },
    { "E-063 of values", F("\"a\",\"b\",\"c\""), "{\"metadata\":{\"$setElementOrder/finalizers\":[\"c\",\"a\"]}}", F("\"b\",\"c\",\"a\"") },
    { "E-063 wrong order", C(ONE("a") "," ONE("b")), "{\"spec\":{\"$setElementOrder/containers\":[" ONE("a") "," ONE("b") "],\"containers\":[" ONE("b") "," ONE("a") "]}}", "!The order in patch list:\n[map[name:b] map[name:a]]\n doesn't match $setElementOrder list:\n[map[name:a] map[name:b]]\n" },
    { "E-063 not a list", C(ONE("a")), "{\"spec\":{\"$setElementOrder/containers\":\"x\"}}", "!expected a []interface {}, but received a string" },
    { "E-063 no key", C(ONE("a")), "{\"spec\":{\"$setElementOrder/containers\":[{\"image\":\"c1\"}]}}", "!map: map[image:c1] does not contain declared merge key: name" },
    { "E-063 no map", C(ONE("a")), "{\"spec\":{\"$setElementOrder/containers\":[\"c1\"]}}", "!value for key 0 is not a map" },
    { "E-063 unknown field", C(ONE("a")), "{\"spec\":{\"$setElementOrder/none\":[{\"name\":\"c1\"}]}}", "!unable to find api field in struct PodSpec for the json field \"none\"" },
    { "E-064 clears the others", S("\"type\":\"a\",\"size\":1"), S("\"$retainKeys\":[\"type\"],\"type\":\"b\""), S("\"type\":\"b\"") },
    { "E-064 a key too many", S("\"type\":\"a\""), S("\"$retainKeys\":[\"type\"],\"size\":1"), "!invalid patch format of retainKeys" },
    { "E-067 retainKeys is no list", S("\"type\":\"a\""), S("\"$retainKeys\":\"type\""), "!invalid patch format of retainKeys" },
    { "E-065 new ones first", C(ONE("a") "," ONE("b")), C(ONE("x") "," ONE("b")), C(ONE("x") "," ONE("a") "," ONE("b")) },
    { "E-066 no key", C(ONE("a")), C("{\"image\":\"x\"}"), "!map: map[image:x] does not contain declared merge key: name" },
    { "E-067 element types", C(ONE("a")), C("\"c1\""), "!list element types are not identical: [[map[name:a]] [c1]]" },
    { "E-067 lists of lists", C("[]"), C("[]"), "!the server rejected our request due to an error in our request" },
    { "E-067 list body", "{}", "[]", "!json: cannot unmarshal array into Go value of type map[string]interface {}" },
    { "E-067 cut body", "{}", "{", "!unexpected end of JSON input" },
    { "unknown field is taken", "{}", "{\"foo\":{\"a\":1}}", "{\"foo\":{\"a\":1}}" },
};

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    json_auto_t *doc = json_parse_str(row->doc), *result = NULL;
    cleanup_free char *before = json_text(doc, 0), *after = NULL, *text = NULL;
    int r = strategic_patch_apply(a, doc, &root, row->patch, strlen(row->patch), true, NULL, &result, NULL,
                                  &err);

    after = json_text(doc, 0);
    assert_string_equal(before, after);
    if (r == 0) {
        text = json_text(result, 0);
        assert_string_equal(text, row->want);
        return;
    }
    assert_string_equal(err.message, row->want + 1);
    assert_int_equal(*row->want, '!');
}

/* E-067: which kind of refusal. */
static void refusals_have_their_codes(void **state)
{
    static const struct {
        const char *doc, *patch;
        int code;
    } codes[] = {
        { C(ONE("a")), C("{}"), 500 },
        { S("\"type\":\"a\""), S("\"$retainKeys\":1"), 400 },
        { S("\"type\":\"a\""), S("\"$retainKeys\":[],\"size\":1"), 400 },
        { C("[]"), C("[]"), 422 },
        { "{}", "[]", 400 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        cleanup_arena struct arena *a = arena_new();
        struct apierr err = APIERR_IN(a);
        json_auto_t *doc = json_parse_str(codes[i].doc), *result = NULL;

        strategic_patch_apply(a, doc, &root, codes[i].patch, strlen(codes[i].patch), true, NULL, &result,
                              NULL, &err);
        assert_int_equal(apierr_code(&err), codes[i].code);
    }
}

/* What the server prints of a patch whose result does not decode. */
static void the_patch_comes_back_without_directives(void **state)
{
    static const char doc_text[] = C(ONE("a")), patch_text[] =
        "{\"spec\":{\"$setElementOrder/containers\":[{\"name\":\"a\"}],\"strategy\":{\"$retainKeys\":[\"type\"],"
        "\"type\":1}}}";
    cleanup_arena struct arena *a = arena_new();
    json_auto_t *doc = json_parse_str(doc_text), *result = NULL, *patch = NULL;

    assert_int_equal(strategic_patch_apply(a, doc, &root, patch_text, strlen(patch_text), true, NULL, &result,
                                           &patch, NULL), 0);
    assert_string_equal(go_value(a, patch), "map[spec:map[strategy:map[$retainKeys:[type] type:1]]]");
}

/* Property: a patch without directives applied twice changes nothing the second time. */
static void twice_is_once(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_auto_t *doc = json_parse_str(rows[i].doc), *patch = json_parse_str(rows[i].patch), *once = NULL,
                    *twice = NULL;

        if (*rows[i].want == '!' || strstr(rows[i].name, "unknown field"))
            continue;                            /* decoding drops unknown fields before the second time */
        if (strategic_patch_merge(doc, &root, patch, &once, NULL) < 0 ||
            strategic_patch_merge(once, &root, patch, &twice, NULL) < 0 || !json_same(once, twice))
            fail_msg("%s", rows[i].name);
    }
}

/* K-022, K-008: deep values and long lists cost what they weigh. */
static void patches_are_bounded(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf b = BUF_INIT;
    json_auto_t *empty = json_object(), *result = NULL, *longer = NULL;

    for (int i = 0; i < JSON_PARSE_DEPTH_MAX; i++)
        buf_add_str(&b, "{\"a\":");
    buf_add_str(&b, "1");
    for (int i = 0; i < JSON_PARSE_DEPTH_MAX; i++)
        buf_add_char(&b, '}');
    assert_int_equal(strategic_patch_apply(a, empty, &root, b.data, b.len, true, NULL, &result, NULL, NULL), 0);
    buf_reset(&b);
    buf_add_str(&b, "{\"spec\":{\"containers\":[");
    for (int i = 0; i < 20000; i++)
        buf_printf(&b, "%s{\"name\":\"c%d\"}", i ? "," : "", i * 7919 % 20000);
    buf_add_str(&b, "]}}");
    json_decref(result);
    result = NULL;
    assert_int_equal(strategic_patch_apply(a, empty, &root, b.data, b.len, true, NULL, &result, NULL, NULL), 0);
    assert_int_equal(strategic_patch_apply(a, result, &root, b.data, b.len, true, NULL, &longer, NULL, NULL), 0);
    assert_true(json_same(result, longer));
}

int main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(refusals_have_their_codes),
        cmocka_unit_test(the_patch_comes_back_without_directives),
        cmocka_unit_test(twice_is_once),
        cmocka_unit_test(patches_are_bounded),
    };
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(plain)];

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                        .initial_state = (void *)&rows[i] };
    memcpy(tests + ARRAY_SIZE(rows), plain, sizeof(plain));
    return cmocka_run_group_tests_name("patch_strategic", tests, NULL, NULL);
}
