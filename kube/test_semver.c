/* Versions: what the parser says of them, and their order (F-143). The rows of errors are the real parser's answers. */
#include "kube/semver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct row {
    const char *in, *wrong, *text;     /* text: the three numbers, and how many parts stand after '-' */
} rows[] = {
    { "", "Version string empty", "" },
    { "1", "No Major.Minor.Patch elements found", "" },
    { "1.2", "No Major.Minor.Patch elements found", "" },
    { "1.2.3", "", "1.2.3 0" },
    { "v1.2.3", "Invalid character(s) found in major number \"v1\"", "" },
    { "1.2.3-rc.1", "", "1.2.3 2" },
    { "1.2.3-rc.01", "Numeric PreRelease version must not contain leading zeroes \"01\"", "" },
    { "1.2.3-", "Prerelease is empty", "" },
    { "1.2.3-a..b", "Prerelease is empty", "" },
    { "1.2.3+b", "", "1.2.3 0" },
    { "1.2.3+", "Build meta data is empty", "" },
    { "1.2.3-a+b.c", "", "1.2.3 1" },
    { "1.2.3+b-c", "", "1.2.3 0" },
    { "01.2.3", "Major number must not contain leading zeroes \"01\"", "" },
    { "1.02.3", "Minor number must not contain leading zeroes \"02\"", "" },
    { "1.2.03", "Patch number must not contain leading zeroes \"03\"", "" },
    { "a.2.3", "Invalid character(s) found in major number \"a\"", "" },
    { "1.b.3", "Invalid character(s) found in minor number \"b\"", "" },
    { "1.2.c", "Invalid character(s) found in patch number \"c\"", "" },
    { "1.2.3.4", "Invalid character(s) found in patch number \"3.4\"", "" },
    { "1..3", "strconv.ParseUint: parsing \"\": invalid syntax", "" },
    { "1.2.", "strconv.ParseUint: parsing \"\": invalid syntax", "" },
    { "18446744073709551616.0.0", "strconv.ParseUint: parsing \"18446744073709551616\": value out of range", "" },
    { "1.2.3-\303\251", "Invalid character(s) found in prerelease \"\303\251\"", "" },
    { "1.2.3+\303\251", "Invalid character(s) found in build meta data \"\303\251\"", "" },
    { "1.2.3-18446744073709551616", "strconv.ParseUint: parsing \"18446744073709551616\": value out of range", "" },
    { "v1", "No Major.Minor.Patch elements found", "" },
    { "v1.2", "No Major.Minor.Patch elements found", "" },
    { "01.02.03", "Major number must not contain leading zeroes \"01\"", "" },
    { "1-a", "No Major.Minor.Patch elements found", "" },
    { "1.2-a", "No Major.Minor.Patch elements found", "" },
    { "1.2+b", "No Major.Minor.Patch elements found", "" },
    { "v", "No Major.Minor.Patch elements found", "" },
    { "0", "No Major.Minor.Patch elements found", "" },
    { "00.00.00", "Major number must not contain leading zeroes \"00\"", "" },
    { "1.2.3-0", "", "1.2.3 1" },
    { "1.2.3-00", "Numeric PreRelease version must not contain leading zeroes \"00\"", "" },
    { " 1.2.3", "Invalid character(s) found in major number \" 1\"", "" },
};

static void version(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct semver v;
    const char *why = semver_parse(a, row->in, strlen(row->in), false, &v);

    assert_string_equal(why ? why : "", row->wrong);
    if (!why)
        assert_string_equal(arena_printf(a, "%llu.%llu.%llu %zu", (unsigned long long)v.major, (unsigned long long)v.minor,
                                         (unsigned long long)v.patch, v.n_pre), row->text);
}

static void tolerance(void **state)
{
    static const struct {
        const char *in, *wrong;
        uint64_t minor;
    } tolerated[] = {
        { "v1.2.3", "", 2 }, { "1", "", 0 }, { "v1.02", "", 2 }, { "01.00.3", "", 0 },
        { "1.2-a", "short version cannot contain PreRelease/Build meta data", 0 },
        { "1.xy", "Invalid character(s) found in minor number \"0xy\"", 0 },
    };
    cleanup_arena struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(tolerated); i++) {
        struct semver v;
        const char *why = semver_parse(a, tolerated[i].in, strlen(tolerated[i].in), true, &v);
        assert_string_equal(why ? why : "", tolerated[i].wrong);
        if (!why)
            assert_int_equal(v.minor, tolerated[i].minor);
    }
}

/* Each is less than the next. */
static void order(void **state)
{
    static const char *const rising[] = { "0.9.9", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-a", "1.0.0-a.1", "1.0.0-b",
                                          "1.0.0", "1.0.1", "1.2.0", "10.0.0" };
    cleanup_arena struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rising); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(rising); k++) {
            struct semver x, y;
            assert_null(semver_parse(a, rising[i], strlen(rising[i]), false, &x));
            assert_null(semver_parse(a, rising[k], strlen(rising[k]), false, &y));
            assert_int_equal(semver_compare(&x, &y), i < k ? -1 : i > k);
        }
    }
}

int main(void)
{
    cleanup_arena struct arena *a = arena_new();
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 2];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = arena_printf(a, "version %zu", i), .test_func = version,
                                          .initial_state = (void *)&rows[i] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(tolerance);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(order);
    return cmocka_run_group_tests_name("semver", tests, NULL, NULL);
}
