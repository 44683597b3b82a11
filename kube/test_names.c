#include "kube/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct row {
    const char *name;
    unsigned rule;
    const char *value;
    const char *want[3];               /* the start of each problem */
} rows[] = {
    { "B-021 dots are fine", NAME_DNS1123_SUBDOMAIN, "a.b-c.1" },
    { "B-021 upper case", NAME_DNS1123_SUBDOMAIN, "A", { "a lowercase RFC 1123 subdomain must" } },
    { "B-021 empty part", NAME_DNS1123_SUBDOMAIN, "a..b", { "a lowercase RFC 1123 subdomain must" } },
    { "B-021 empty", NAME_DNS1123_SUBDOMAIN, "", { "a lowercase RFC 1123 subdomain must" } },
    { "B-025 253", NAME_DNS1123_SUBDOMAIN, X63 "." X63 "." X63 ".x" X60 },
    { "B-025 254", NAME_DNS1123_SUBDOMAIN, X63 "." X63 "." X63 ".xx" X60,
      { "must be no more than 253 characters" } },
    { "B-022 63", NAME_DNS1123_LABEL, X63 },
    { "B-022 64", NAME_DNS1123_LABEL, X63 "x", { "must be no more than 63 characters" } },
    { "B-022 dots", NAME_DNS1123_LABEL, "a.b", { "must not contain dots" } },
    { "B-022 dash at the end", NAME_DNS1123_LABEL, "a-", { "a lowercase RFC 1123 label must" } },
    { "B-023 digit first", NAME_DNS1035_LABEL, "1a", { "a DNS-1035 label must" } },
    { "B-023 good", NAME_DNS1035_LABEL, "a1-b" },
    { "B-020 dot", NAME_PATH_SEGMENT, ".", { "may not be '.'" } },
    { "B-020 dots", NAME_PATH_SEGMENT, "..", { "may not be '..'" } },
    { "B-020 slash and percent", NAME_PATH_SEGMENT, "a/b%", { "may not contain '/'", "may not contain '%'" } },
    { "B-024 colon", NAME_PATH_SEGMENT, "system:controller:x" },
    { "B-028 prefix", NAME_DNS1123_SUBDOMAIN | NAME_IS_PREFIX, "a-" },
    { "B-028 masked whole", NAME_DNS1123_SUBDOMAIN | NAME_IS_PREFIX, "A-" },
    { "B-028 prefix dot", NAME_DNS1123_SUBDOMAIN | NAME_IS_PREFIX, "a.", { "a lowercase RFC 1123" } },
    { "B-035 plain", NAME_QUALIFIED, "MyName" },
    { "B-035 prefixed", NAME_QUALIFIED, "example.com/My.name_1" },
    { "B-035 two slashes", NAME_QUALIFIED, "a/b/c", { "a qualified name must consist" } },
    { "B-035 empty prefix", NAME_QUALIFIED, "/a", { "prefix part must be non-empty" } },
    { "B-035 empty name", NAME_QUALIFIED, "a/",
      { "name part must be non-empty", "name part must consist" } },
    { "B-035 upper prefix", NAME_QUALIFIED, "A.b/c", { "prefix part a lowercase RFC 1123 subdomain" } },
    { "B-035 64", NAME_QUALIFIED, "a/" X63 "x", { "name part must be no more than 63 characters" } },
    { "B-036 empty", NAME_LABEL_VALUE, "" },
    { "B-036 slash", NAME_LABEL_VALUE, "a/b", { "a valid label must be an empty string or" } },
    { "B-036 both", NAME_LABEL_VALUE, "-" X63, { "must be no more than 63", "a valid label must be" } },
    { "config key", NAME_CONFIG_MAP_KEY, "a.b_C-1" },
    { "config key dots", NAME_CONFIG_MAP_KEY, "..", { "must not be '..'" } },
    { "config key starts with dots", NAME_CONFIG_MAP_KEY, "..a", { "must not start with '..'" } },
    { "environment variable", NAME_ENV_VAR, "a b" },
    { "environment variable with =", NAME_ENV_VAR, "a=b", { "a valid environment variable name must" } },
    { "environment variable empty", NAME_ENV_VAR, "", { "environment variable name must be non-empty" } },
    { "port", NAME_PORT, "http-2" },
    { "port of digits", NAME_PORT, "80", { "must contain at least one letter (a-z)" } },
    { "port with dashes", NAME_PORT, "a--b", { "must not contain consecutive hyphens" } },
    { "port with dash", NAME_PORT, "-a", { "must not begin or end with a hyphen" } },
    { "wildcard", NAME_WILDCARD_SUBDOMAIN, "*.a.b" },
    { "wildcard twice", NAME_WILDCARD_SUBDOMAIN, "*.*.b", { "a wildcard DNS-1123 subdomain must" } },
    { "percent", NAME_PERCENT, "25%" },
    { "percent sign alone", NAME_PERCENT, "%", { "a valid percent string must" } },
};

static void check_row(void **state)
{
    const struct row *row = *state;
    struct name_problems p;
    size_t n = 0;

    name_check_str(row->rule, row->value, &p);
    while (n < ARRAY_SIZE(row->want) && row->want[n])
        n++;
    assert_int_equal(p.n, n);
    for (size_t i = 0; i < n; i++)
        assert_true(str_starts(p.v[i], row->want[i]));
}

/* K-026: a NUL is a character like others, and no good one. */
static void nul_does_not_end_a_name(void **state)
{
    static const enum name_rule rule_list[] = { NAME_DNS1123_SUBDOMAIN, NAME_LABEL_VALUE, NAME_QUALIFIED,
                                                NAME_CONFIG_MAP_KEY, NAME_ENV_VAR, NAME_PORT };

    for (size_t i = 0; i < ARRAY_SIZE(rule_list); i++)
        assert_false(name_check(rule_list[i], "a\0", 2, NULL));
}

/* B-037 */
static void annotations_are_measured_in_bytes(void **state)
{
    json_auto_t *map = json_pack("{s:s,s:s}", "ab", "cde", "f", "\xc3\xa9");

    assert_int_equal(annotations_size(map), 8);
    assert_int_equal(annotations_size(NULL), 0);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 2] = {
        cmocka_unit_test(nul_does_not_end_a_name),
        cmocka_unit_test(annotations_are_measured_in_bytes),
    };

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i + 2] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                            .initial_state = (void *)&rows[i] };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
