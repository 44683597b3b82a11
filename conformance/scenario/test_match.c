/* Containment, its explanations, variables and paths. */
#include "conformance/scenario/history.h"
#include "conformance/scenario/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube/json.h"

static const struct row {
    const char *name, *pattern, *value, *mismatch;       /* mismatch "": contained */
} rows[] = {
    { "equal scalars", "1", "1", "" },
    { "an integer is no real", "1", "1.0", "the object: wanted 1, found 1" },
    { "a subset of members", "{\"a\":1}", "{\"a\":1,\"b\":2}", "" },
    { "a missing member", "{\"a\":{\"b\":1}}", "{\"a\":{}}", "a.b: wanted 1, found nothing" },
    { "null means absent", "{\"a\":null}", "{\"b\":1}", "" },
    { "null means null", "{\"a\":null}", "{\"a\":null}", "" },
    { "null means not there", "{\"a\":null}", "{\"a\":1}", "a: wanted null, found 1" },
    { "a list is contained in any order", "[2,1]", "[1,3,2]", "" },
    { "elements are contained, too", "[{\"k\":1}]", "[{\"k\":2},{\"k\":1,\"l\":3}]", "" },
    { "an element that is nowhere", "{\"l\":[4]}", "{\"l\":[1]}", "l: wanted [4], found [1]" },
    { "an empty list is in every list", "[]", "[1]", "" },
    { "an empty list is no object", "[]", "{}", "the object: wanted [], found {}" },
    { "an empty object is in every object", "{}", "{\"a\":1}", "" },
};

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    json_auto_t *pattern = json_parse_str(row->pattern), *value = json_parse_str(row->value);
    const char *got = match_mismatch(a, pattern, value);

    assert_int_equal(match_contains(pattern, value), *row->mismatch == '\0');
    assert_string_equal(got ? got : "", row->mismatch);
}

static void variables_are_expanded(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct variables v = { .arena = a };
    json_auto_t *pattern = json_parse_str("{\"a\":[\"x-${u}-y\",\"${u}${w}\",3]}"), *got = NULL;
    json_auto_t *want = json_parse_str("{\"a\":[\"x-1-y\",\"12\",3]}");

    variables_set(&v, "u", "0");
    variables_set(&v, "u", "1");
    variables_set(&v, "w", "2");
    got = variables_expand(&v, pattern);
    assert_true(json_same(got, want));
    variables_release(&v);
}

static void paths_reach_keys_with_dots_and_elements(void **state)
{
    json_auto_t *o = json_parse_str("{\"m\":{\"a.b/c\":\"x\"},\"l\":[{\"n\":\"y\"}],\"s\":\"z\"}");

    assert_string_equal(path_string(o, "m.a\\.b/c"), "x");
    assert_string_equal(path_string(o, "l.0.n"), "y");
    assert_string_equal(path_string(o, "s"), "z");
    assert_string_equal(path_string(o, "l.1.n"), "");
    assert_string_equal(path_string(o, "s.t"), "");
    assert_null(path_get(o, "m.a.b/c"));
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 2];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                          .initial_state = (void *)&rows[i] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(variables_are_expanded);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(paths_reach_keys_with_dots_and_elements);
    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
