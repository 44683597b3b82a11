#include "kube/patch_merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define REJECTED "the server rejected our request due to an error in our request"

static const struct row {
    const char *name, *doc, *patch, *want;       /* what comes out, or the sentence after '!' */
} json_rows[] = {
    { "E-023 add member", "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":2}]", "{\"a\":1,\"b\":2}" },
    { "E-023 add over member", "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":[]}]", "{\"a\":[]}" },
    { "E-023 no parent", "{}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", "!" REJECTED },
    { "E-023 parent is a string", "{\"a\":\"x\"}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", "!" REJECTED },
    { "E-023 insert", "{\"a\":[1,3]}", "[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":2}]", "{\"a\":[1,2,3]}" },
    { "E-023 append", "{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-\",\"value\":2}]", "{\"a\":[1,2]}" },
    { "E-023 index is length", "{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":2}]", "{\"a\":[1,2]}" },
    { "E-023 beyond", "{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/2\",\"value\":2}]", "!" REJECTED },
    { "E-023 no index", "{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/x\",\"value\":2}]", "!" REJECTED },
    { "E-023 empty index", "{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/\",\"value\":2}]", "!" REJECTED },
    { "E-023 value left out is null", "{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", "{\"a\":null}" },
    { "E-025 -1 appends", "{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-1\",\"value\":2}]", "{\"a\":[1,2]}" },
    { "E-025 -2 inserts", "{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-2\",\"value\":2}]", "{\"a\":[2,1]}" },
    { "E-025 -3 is too far", "{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-3\",\"value\":2}]", "!" REJECTED },
    { "E-025 remove last", "{\"a\":[1,2]}", "[{\"op\":\"remove\",\"path\":\"/a/-1\"}]", "{\"a\":[1]}" },
    { "E-025 +1 and 001", "{\"a\":[1,2,3]}", "[{\"op\":\"remove\",\"path\":\"/a/+1\"},{\"op\":\"remove\",\"path\":\"/a/001\"}]", "{\"a\":[1]}" },
    { "E-024 replace missing member", "{}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]", "{\"a\":1}" },
    { "E-024 replace missing index", "{\"a\":[]}", "[{\"op\":\"replace\",\"path\":\"/a/0\",\"value\":1}]", "!" REJECTED },
    { "E-024 remove missing", "{}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "!" REJECTED },
    { "E-024 remove", "{\"a\":1,\"b\":2}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "{\"b\":2}" },
    { "E-022 test holds", "{\"a\":{\"b\":[1,null]}}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"b\":[1,null]}}]", "{\"a\":{\"b\":[1,null]}}" },
    { "E-022 1 is not 1.0", "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1.0}]", "!" REJECTED },
    { "E-022 letters by spelling", "{\"a\":\"v\"}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":\"\\u0076\"}]", "!" REJECTED },
    { "E-022 spelt as the server spells", "{\"a\":\"<\"}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":\"\\u003c\"}]", "{\"a\":\"\\u003c\"}" },
    { "E-022 what the patch added keeps its spelling", "{}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":1.50},{\"op\":\"test\",\"path\":\"/a\",\"value\":1.50}]", "{\"a\":1.5}" },
    { "E-022 missing is null", "{}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", "{}" },
    { "E-022 missing is not a value", "{}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":0}]", "!" REJECTED },
    { "E-022 sizes differ", "{\"a\":{\"k\":1}}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{}}]", "!" REJECTED },
    { "E-022 test of a missing index", "{\"a\":[]}", "[{\"op\":\"test\",\"path\":\"/a/7\",\"value\":null}]", "!" REJECTED },
    { "E-026 escapes", "{\"a/b\":1,\"m~n\":2}", "[{\"op\":\"remove\",\"path\":\"/a~1b\"},{\"op\":\"replace\",\"path\":\"/m~0n\",\"value\":3}]", "{\"m~n\":3}" },
    { "E-026 the first step is lost", "{}", "[{\"op\":\"add\",\"path\":\"data/k\",\"value\":1}]", "{\"k\":1}" },
    { "E-026 no slash", "{\"k\":1}", "[{\"op\":\"remove\",\"path\":\"k\"}]", "!" REJECTED },
    { "E-026 empty member", "{}", "[{\"op\":\"add\",\"path\":\"/\",\"value\":1}]", "{\"\":1}" },
    { "E-026 replace all", "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":{\"b\":2}}]", "{\"b\":2}" },
    { "E-026 replace all by a string does nothing", "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":\"x\"}]", "{\"a\":1}" },
    { "E-026 test all", "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"\",\"value\":{\"a\":1}}]", "{\"a\":1}" },
    { "E-026 add all", "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":{}}]", "!" REJECTED },
    { "move", "{\"a\":{\"x\":1},\"b\":{}}", "[{\"op\":\"move\",\"from\":\"/a/x\",\"path\":\"/b/y\"}]", "{\"a\":{},\"b\":{\"y\":1}}" },
    { "move into itself", "{\"a\":{}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", "!" REJECTED },
    { "move what is not there", "{}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/b\"}]", "!" REJECTED },
    { "copy", "{\"a\":[{\"x\":1}]}", "[{\"op\":\"copy\",\"from\":\"/a/0\",\"path\":\"/a/-\"},{\"op\":\"replace\",\"path\":\"/a/1/x\",\"value\":2}]", "{\"a\":[{\"x\":1},{\"x\":2}]}" },
    { "copy into itself", "{\"a\":{\"x\":1}}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/b\"}]", "{\"a\":{\"b\":{\"x\":1},\"x\":1}}" },
    { "copy what is not there", "{}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"}]", "{\"b\":null}" },
    { "E-021 unknown op", "{}", "[{\"op\":\"frob\",\"path\":\"/a\"}]", "!" REJECTED },
    { "E-021 null op", "{}", "[null]", "!" REJECTED },
    { "touched levels are sorted", "{\"z\":1,\"m\":{\"y\":1,\"b\":2},\"n\":{\"y\":1,\"b\":2}}", "[{\"op\":\"add\",\"path\":\"/m/a\",\"value\":0}]", "{\"m\":{\"a\":0,\"b\":2,\"y\":1},\"n\":{\"y\":1,\"b\":2},\"z\":1}" },
    { "E-020 object", "{}", "{}", "!error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp" },
    { "E-020 number inside", "{}", "[1]", "!error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp" },
    { "E-020 cut", "{}", "[", "!error decoding patch: unexpected end of JSON input" },
    { "E-020 op is a number", "{}", "[{\"op\":1}]", "!error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string" },
    { "null is no operation", "{\"a\":1}", "null", "{\"a\":1}" },
}, merge_rows[] = {
    { "E-040 deletes, adds, replaces", "{\"a\":1,\"b\":{\"c\":1,\"d\":2}}", "{\"a\":null,\"b\":{\"c\":3},\"e\":[1]}", "{\"b\":{\"c\":3,\"d\":2},\"e\":[1]}" },
    { "E-040 lists replace", "{\"a\":[1,2]}", "{\"a\":[3]}", "{\"a\":[3]}" },
    { "E-040 nulls in new objects go", "{}", "{\"a\":{\"b\":null,\"c\":{\"d\":null}}}", "{\"a\":{\"c\":{}}}" },
    { "E-040 nulls in lists stay", "{}", "{\"a\":[null,{\"x\":null,\"y\":1}]}", "{\"a\":[null,{\"y\":1}]}" },
    { "E-040 a list over an object is not pruned", "{\"a\":{}}", "{\"a\":[{\"x\":null}]}", "{\"a\":[{\"x\":null}]}" },
    { "E-040 an object over a string", "{\"a\":\"x\"}", "{\"a\":{\"b\":null,\"c\":1}}", "{\"a\":{\"c\":1}}" },
    { "E-041 null", "{}", "null", "!Invalid JSON Patch" },
    { "E-041 list", "{}", "[]", "!error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}" },
    { "E-041 string", "{}", "\"x\"", "!error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}" },
    { "E-041 cut", "{}", "{", "!error decoding patch: unexpected end of JSON input" },
    { "E-041 YAML", "{}", "data: {k: y}", "!error decoding patch: invalid character 'd' looking for beginning of value" },
};

typedef int apply_fn(struct arena *, const json_t *, const char *, size_t, bool, struct patch_notes *,
                     json_t **, struct apierr *);

static void check_row(const struct row *row, apply_fn *apply)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    json_auto_t *doc = json_parse_str(row->doc), *result = NULL;
    cleanup_free char *before = json_text(doc, 0), *after = NULL, *text = NULL;
    int r = apply(a, doc, row->patch, strlen(row->patch), true, NULL, &result, &err);

    after = json_text(doc, 0);
    assert_string_equal(before, after);
    if (r == 0) {
        text = json_text(result, 0);
        assert_string_equal(text, row->want);
        return;
    }
    assert_true(*row->want == '!');
    assert_string_equal(err.message, row->want + 1);
    assert_int_equal(r, strstr(err.message, "rejected") ? -APIERR_INVALID : -APIERR_BAD_REQUEST);
}

static void check_json(void **state)
{
    check_row(*state, json_patch_apply);
}

static void check_merge(void **state)
{
    check_row(*state, merge_patch_apply);
}

static int apply(apply_fn *fn, struct arena *a, const char *doc, const char *patch, bool validate,
                 struct patch_notes *notes, json_t **ret, struct apierr *err)
{
    json_auto_t *d = json_parse_str(doc);

    return fn(a, d, patch, strlen(patch), validate, notes, ret, err);
}

/* E-020, E-041 with fieldValidation=Ignore */
static void without_validation_the_words_differ(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    json_auto_t *result = NULL;
    cleanup_free char *text = NULL;

    assert_int_equal(apply(json_patch_apply, a, "{}", "{}", false, NULL, &result, &err), -APIERR_BAD_REQUEST);
    assert_string_equal(err.message, "json: cannot unmarshal object into Go value of type jsonpatch.Patch");
    apply(json_patch_apply, a, "{}", "[1]", false, NULL, &result, &err);
    assert_string_equal(err.message, "json: cannot unmarshal number into Go value of type jsonpatch.Operation");
    apply(json_patch_apply, a, "{}", "[", false, NULL, &result, &err);
    assert_string_equal(err.message, "unexpected end of JSON input");
    apply(merge_patch_apply, a, "{}", "{", false, NULL, &result, &err);
    assert_string_equal(err.message, "Invalid JSON Patch");
    assert_int_equal(apply(merge_patch_apply, a, "{}", "[{\"a\":null}]", false, NULL, &result, &err), 0);
    text = json_text(result, 0);
    assert_string_equal(text, "[{}]");
}

/* E-020: what Warn and Strict report. */
static void strict_findings_are_worded(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct patch_notes notes;
    json_auto_t *result = NULL, *merged = NULL;

    assert_int_equal(apply(json_patch_apply, a, "{}",
                           "[{\"op\":\"add\",\"op\":\"add\",\"path\":\"/a\",\"value\":1,\"extra\":1}]", true,
                           &notes, &result, NULL), 0);
    assert_int_equal(notes.n_strict, 2);
    assert_string_equal(notes.strict[0], "json patch duplicate field \"[0].op\"");
    assert_string_equal(notes.strict[1], "json patch unknown field \"[0].extra\"");
    assert_int_equal(apply(merge_patch_apply, a, "{}", "{\"data\":{\"k\":1,\"k\":2}}", true, &notes,
                           &merged, NULL), 0);
    assert_int_equal(notes.n_strict, 1);
    assert_string_equal(notes.strict[0], "duplicate field \"data.k\"");
}

/* E-027, K-008 */
static void patches_are_bounded(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf b = BUF_INIT;
    struct apierr err = APIERR_IN(a);
    json_auto_t *result = NULL;

    buf_add_char(&b, '[');
    for (int i = 0; i <= JSON_PATCH_OPS_MAX; i++)
        buf_printf(&b, "%s{}", i ? "," : "");
    buf_add_char(&b, ']');
    assert_int_equal(apply(json_patch_apply, a, "{}", b.data, true, NULL, &result, &err),
                     -APIERR_REQUEST_ENTITY_TOO_LARGE);
    assert_string_equal(err.message, "Request entity too large: The allowed maximum operations in a JSON "
                                     "patch is 10000, got 10001");
    buf_reset(&b);
    buf_add_char(&b, '[');
    for (int i = 0; i < 40; i++)
        buf_printf(&b, "%s{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/%d\"}", i ? "," : "", i);
    buf_add_char(&b, ']');
    assert_int_equal(apply(json_patch_apply, a, "{\"a\":{\"x\":\"0123456789\"}}", b.data, true, NULL, &result,
                           &err), -APIERR_INVALID);
}

/* K-022: a patch as deep as the parser allows is merged without recursion. */
static void deep_patches_merge(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf b = BUF_INIT;
    json_auto_t *once = NULL, *twice = NULL, *diff = NULL, *empty = json_object();

    for (int i = 0; i < JSON_PARSE_DEPTH_MAX; i++)
        buf_add_str(&b, "{\"a\":");
    buf_add_char(&b, '1');
    for (int i = 0; i < JSON_PARSE_DEPTH_MAX; i++)
        buf_add_char(&b, '}');
    assert_int_equal(merge_patch_apply(a, empty, b.data, b.len, true, NULL, &once, NULL), 0);
    assert_int_equal(merge_patch_apply(a, once, b.data, b.len, true, NULL, &twice, NULL), 0);
    assert_true(json_same(once, twice));
    diff = merge_patch_diff(empty, once);
    assert_true(json_same(diff, once));
}

/* Property: merge(from, diff(from, to)) is `to`, where `to` has no nulls. */
static void diffs_lead_from_one_to_the_other(void **state)
{
    static const char *const docs[] = {
        "{}", "{\"a\":1}", "{\"a\":{\"b\":1,\"c\":[1,2]}}", "{\"a\":{\"b\":{}}}", "{\"a\":[{\"x\":1}],\"z\":\"s\"}",
        "{\"a\":\"s\",\"b\":{\"c\":{\"d\":1}}}", "{\"b\":{\"c\":{\"d\":2,\"e\":3}}}", "{\"a\":1.0}",
    };

    for (size_t i = 0; i < ARRAY_SIZE(docs); i++)
        for (size_t j = 0; j < ARRAY_SIZE(docs); j++) {
            json_auto_t *from = json_parse_str(docs[i]), *to = json_parse_str(docs[j]);
            json_auto_t *patch = merge_patch_diff(from, to), *got = merge_patch_merge(from, patch);

            assert_true(json_same(got, to));
            assert_true(i != j || !json_object_size(patch));
        }
}

int main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(without_validation_the_words_differ),
        cmocka_unit_test(strict_findings_are_worded),
        cmocka_unit_test(patches_are_bounded),
        cmocka_unit_test(deep_patches_merge),
        cmocka_unit_test(diffs_lead_from_one_to_the_other),
    };
    struct CMUnitTest tests[ARRAY_SIZE(json_rows) + ARRAY_SIZE(merge_rows) + ARRAY_SIZE(plain)];
    size_t n = 0;

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(json_rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = json_rows[i].name, .test_func = check_json,
                                          .initial_state = (void *)&json_rows[i] };
    for (size_t i = 0; i < ARRAY_SIZE(merge_rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = merge_rows[i].name, .test_func = check_merge,
                                          .initial_state = (void *)&merge_rows[i] };
    memcpy(tests + n, plain, sizeof(plain));
    return cmocka_run_group_tests_name("patch", tests, NULL, NULL);
}
