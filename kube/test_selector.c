/* Usage: test_selector fixtures/kube/selectors.json: what a real server said to each selector. */
#include "kube/selector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/test_fixture.h"

static const char *fixture_path(void **state)
{
    return *state;
}

/* Parses either kind; prints it into `*printed` when it is one. */
static int parse(struct arena *a, const char *kind, const char *text, const char **printed,
                 struct apierr *err)
{
    struct label_selector labels, again;
    struct field_selector fields, fields_again;
    int r;

    if (streq(kind, "label")) {
        r = label_selector_parse(a, text, strlen(text), &labels, err);
        if (r < 0)
            return r;
        *printed = label_selector_format(a, &labels);
        assert_int_equal(label_selector_parse(a, *printed, strlen(*printed), &again, err), 0);
        assert_true(label_selector_equal(&labels, &again));
        return 0;
    }
    r = field_selector_parse(a, text, strlen(text), &fields, err);
    if (r < 0)
        return r;
    *printed = field_selector_format(a, &fields);
    assert_int_equal(field_selector_parse(a, *printed, strlen(*printed), &fields_again, err), 0);
    assert_true(field_selector_equal(&fields, &fields_again));
    return 0;
}

/* D-001, D-003, D-004, D-005, D-020, J-051, J-052: every sentence as recorded; promise 1. */
static void recorded_selectors_are_judged_alike(void **state)
{
    json_auto_t *rows = fixture_load(fixture_path(state));
    const json_t *row;
    size_t i;

    assert_true(json_array_size(rows) > 200);
    json_array_foreach(rows, i, row) {
        cleanup_arena struct arena *a = arena_new();
        struct apierr err = APIERR_IN(a);
        const char *want = json_string_value(json_object_get(row, "error")), *printed = "";
        const char *text = json_string_value(json_object_get(row, "selector"));
        int r = parse(a, json_string_value(json_object_get(row, "kind")), text, &printed, &err);

        if (want && r == 0)
            fail_msg("'%s' was accepted as '%s', not refused with: %s", text, printed, want);
        if (!want && r < 0)
            fail_msg("'%s' was refused: %s", text, err.message);
        if (want)
            assert_string_equal(err.message, want);
    }
}

static const struct match_row {
    const char *selector, *labels;
    bool want;
} match_rows[] = {
    { "", "{}", true },
    { "a", "{\"a\":\"\"}", true },
    { "a", "{\"b\":\"\"}", false },
    { "!a", "{\"b\":\"\"}", true },
    { "a=1", "{\"a\":\"1\"}", true },
    { "a==1", "{\"a\":\"2\"}", false },
    { "a=", "{\"a\":\"\"}", true },
    { "a!=1", "{}", true },
    { "a!=1", "{\"a\":\"1\"}", false },
    { "a in (x,y)", "{\"a\":\"y\"}", true },
    { "a in (x,y)", "{}", false },
    { "a in (,x)", "{\"a\":\"\"}", true },
    { "a in ()", "{\"a\":\"\"}", true },
    { "a notin (x,y)", "{}", true },
    { "a notin (x,y)", "{\"a\":\"x\"}", false },
    { "a>5", "{\"a\":\"6\"}", true },
    { "a>5", "{\"a\":\"5\"}", false },
    { "a<5", "{\"a\":\"-7\"}", true },
    { "a<5", "{\"a\":\"4x\"}", false },
    { "a>5", "{\"a\":\"99999999999999999999\"}", false },
    { "a<5", "{}", false },
    { "in in (in),notin notin (notin)", "{\"in\":\"in\",\"notin\":\"x\"}", true },
    { " a = 1 , b ", "{\"a\":\"1\",\"b\":\"\"}", true },
};

/* D-002, D-003, D-006 */
static void requirements_match_as_the_table_says(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(match_rows); i++) {
        const struct match_row *row = &match_rows[i];
        cleanup_arena struct arena *a = arena_new();
        json_auto_t *labels = json_parse_str(row->labels);
        struct label_selector s;

        assert_int_equal(label_selector_parse(a, row->selector, strlen(row->selector), &s, NULL), 0);
        if (label_selector_matches(&s, labels) != row->want)
            fail_msg("%s on %s", row->selector, row->labels);
    }
}

/* D-007 */
static void selector_objects(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    json_auto_t *object = json_parse_str(
        "{\"matchLabels\":{\"b\":\"1\"},\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\","
        "\"values\":[\"y\",\"x\",\"x\"]},{\"key\":\"c\",\"operator\":\"DoesNotExist\"}]}");
    json_auto_t *empty = json_object();
    json_auto_t *bad = json_parse_str("{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Is\"}]}");
    json_auto_t *yes = json_parse_str("{\"a\":\"x\",\"b\":\"1\"}");
    struct label_selector s;
    struct apierr err = APIERR_IN(a);

    assert_int_equal(label_selector_from_object(a, object, &s, &err), 0);
    assert_string_equal(label_selector_format(a, &s), "a in (x,y),b=1,!c");
    assert_true(label_selector_matches(&s, yes));
    assert_false(label_selector_matches(&s, empty));
    assert_int_equal(label_selector_from_object(a, NULL, &s, &err), 0);
    assert_false(label_selector_matches(&s, yes));
    assert_int_equal(label_selector_from_object(a, empty, &s, &err), 0);
    assert_true(label_selector_matches(&s, yes));
    assert_true(label_selector_everything(&s));
    assert_int_equal(label_selector_from_object(a, bad, &s, &err), -APIERR_BAD_REQUEST);
    assert_string_equal(err.message, "\"Is\" is not a valid label selector operator");
    label_selector_from_map(a, json_object_get(object, "matchLabels"), &s);
    assert_string_equal(label_selector_format(a, &s), "b=1");
}

/* D-007 */
static void selector_objects_are_validated(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    json_auto_t *object = json_parse_str(
        "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"},{\"key\":\"a\",\"operator\":\"Exists\","
        "\"values\":[\"x\"]},{\"key\":\"\",\"operator\":\"X\"}]}");
    struct fielderrs errs = FIELDERRS_IN(a);

    label_selector_validate(&errs, FP_CHILD(NULL, "selector"), object);
    assert_int_equal(errs.n, 5);
    assert_string_equal(errs.v[0].field, "selector.matchExpressions[0].values");
    assert_string_equal(errs.v[0].message,
                        "Required value: must be specified when `operator` is 'In' or 'NotIn'");
    assert_string_equal(errs.v[1].message,
                        "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    assert_string_equal(errs.v[2].message, "Invalid value: \"X\": not a valid selector operator");
    assert_string_equal(errs.v[3].field, "selector.matchExpressions[2].key");
}

static const char *value_of(void *arg, const char *field)
{
    const char *v = json_string_value(json_object_get(arg, field));

    return v ? v : "";
}

/* D-020, D-045 */
static void field_terms_match_strings(void **state)
{
    static const struct {
        const char *selector;
        bool want;
    } rows[] = {
        { "", true }, { "status.phase=Running", true }, { "status.phase!=Running", false },
        { "status.podIP=", true }, { "status.podIP!=", false }, { "a==b\\,c\\=d\\\\", true },
        { "status.phase=Running,a=x", false }, { ",status.phase=Running,,", true },
    };
    json_auto_t *fields = json_parse_str("{\"status.phase\":\"Running\",\"a\":\"b,c=d\\\\\"}");
    cleanup_arena struct arena *a = arena_new();
    struct field_selector s;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(field_selector_parse(a, rows[i].selector, strlen(rows[i].selector), &s, NULL), 0);
        if (field_selector_matches(&s, value_of, fields) != rows[i].want)
            fail_msg("%s", rows[i].selector);
    }
    assert_int_equal(field_selector_parse(a, "x!=1,metadata.name=n", 20, &s, NULL), 0);
    assert_string_equal(field_selector_exact(&s, "metadata.name"), "n");
    assert_null(field_selector_exact(&s, "x"));
}

/* D-020: what no recording has. */
static void escapes_that_are_none(void **state)
{
    static const struct {
        const char *selector, *want;
    } rows[] = {
        { "a=b\\x", "invalid field selector: invalid escape sequence: \\x" },
        { "a=b\\\xc3\xa9", "invalid field selector: invalid escape sequence: \\\xc3\xa9" },
        { "a=b\\", "invalid field selector: invalid escape sequence: \\" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cleanup_arena struct arena *a = arena_new();
        struct apierr err = APIERR_IN(a);
        struct field_selector s;

        assert_int_equal(field_selector_parse(a, rows[i].selector, strlen(rows[i].selector), &s, &err),
                         -APIERR_BAD_REQUEST);
        assert_string_equal(err.message, rows[i].want);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(recorded_selectors_are_judged_alike, argc > 1 ? argv[1] : NULL),
        cmocka_unit_test(requirements_match_as_the_table_says),
        cmocka_unit_test(selector_objects),
        cmocka_unit_test(selector_objects_are_validated),
        cmocka_unit_test(field_terms_match_strings),
        cmocka_unit_test(escapes_that_are_none),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("selector", tests, NULL, NULL);
}
