#include "kube/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define WRONG "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

/* K-029: text and canonical form; what a server answered is marked R. */
static const struct row {
    const char *text, *want;
} rows[] = {
    { "1000m", "1" } /* R */, { "0.5", "500m" } /* R */, { "1024Mi", "1Gi" } /* R */, { "1.5Gi", "1536Mi" } /* R */,
    { "1e3", "1e3" } /* R */, { "1E3", "1E3" } /* R */, { "1000", "1k" } /* R */, { "1000k", "1M" } /* R */,
    { "1025", "1025" } /* R */, { "0", "0" } /* R */, { ".5", "500m" } /* R */, { "5.", "5." } /* R */,
    { "+3", "+3" } /* R */, { "12e-1", "1200e-3" } /* R */, { "0.0000000001", "1n" },
    { "123456789012345678901234567890", "123456789012345678901234567890" } /* R */, { "2.25", "2250m" } /* R */,
    { "00012", "00012" }, { "0m", "0" }, { "-0", "0" }, { "-1500m", "-1500m" }, { "-1.5", "-1500m" },
    { "8Gi", "8Gi" }, { "1023", "1023" }, { "512Mi", "512Mi" }, { "0.5Ki", "512" }, { "1.1Ki", "1126400m" },
    { "0.0001Ki", "102400u" }, { "1100Mi", "1100Mi" }, { "1Ei", "1Ei" }, { "16Ei", "9223372036854775807" },
    { "-16Ei", "-9223372036854775807" }, { "12345E", "12345E" }, { "100n", "100n" }, { "0.1n", "1n" },
    { "1.0000000001", "1000000001n" }, { "1e2", "100" }, { "1e-2", "10e-3" }, { "3e6", "3e6" }, { "3000e3", "3e6" },
    { "1e2147483647", "10e2147483646" },
}, bad_rows[] = {
    { "", WRONG }, { "x", WRONG }, { "1x", WRONG }, { "1 Gi", WRONG }, { "1e3.5", WRONG },
    { "1GiB", WRONG }, { "1ki", "unable to parse quantity's suffix" }, { "1K", "unable to parse quantity's suffix" },
    { "1e", "unable to parse quantity's suffix" }, { "--1", "unable to parse quantity's suffix" }, { "1mm", "unable to parse quantity's suffix" },
    { "1e99999999999999999999", "unable to parse quantity's suffix" },
};

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct quantity q, again;

    assert_int_equal(quantity_parse(a, row->text, &q, NULL), 0);
    assert_string_equal(quantity_text(a, &q), row->want);
    assert_int_equal(quantity_parse(a, row->want, &again, NULL), 0);
    assert_int_equal(quantity_compare(&q, &again), 0);
}

static void check_bad(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    struct quantity q;

    assert_int_equal(quantity_parse(a, row->text, &q, &e), -ERR_INVALID);
    assert_string_equal(err_message(&e), row->want);
}

static struct quantity q_of(struct arena *a, const char *text)
{
    struct quantity q;

    assert_int_equal(quantity_parse(a, text, &q, NULL), 0);
    return q;
}

static void quantities_compare_by_value(void **state)
{
    static const char *const rising[] = {
        "-1e30", "-2Ki", "-2000", "-1n", "0", "1n", "1u", "999999n", "1m", "0.5", "1", "1001m", "1k", "1Ki", "1Mi",
        "1e7", "1e20", "1e2000000000",
    };
    cleanup_arena struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(rising); i++)
        for (size_t j = 0; j < ARRAY_SIZE(rising); j++) {
            struct quantity x = q_of(a, rising[i]), y = q_of(a, rising[j]);
            int order = quantity_compare(&x, &y);

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static void sums_keep_the_format_of_the_first(void **state)
{
    static const struct {
        const char *a, *b, *sum, *difference;
    } sums[] = {
        { "1", "500m", "1500m", "500m" },      { "1Gi", "1Mi", "1025Mi", "1023Mi" },
        { "0", "1Ki", "1Ki", "-1Ki" },         { "1k", "1Ki", "2024", "-24" },
        { "100m", "-1", "-900m", "1100m" },    { "999", "1", "1k", "998" },
        { "5", "5", "10", "0" },               { "1e3", "1", "1001", "999" },
    };
    cleanup_arena struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
        struct quantity x = q_of(a, sums[i].a), y = q_of(a, sums[i].b);
        struct quantity sum = quantity_add(a, &x, &y), difference = quantity_sub(a, &x, &y);

        assert_string_equal(quantity_text(a, &sum), sums[i].sum);
        assert_string_equal(quantity_text(a, &difference), sums[i].difference);
    }
}

static void values_are_rounded_up(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct quantity q = q_of(a, "1.2345"), huge = q_of(a, "1e30"), minus = q_of(a, "-1.5"), milli;

    assert_int_equal(quantity_scaled(&q, 0), 2);
    assert_int_equal(quantity_scaled(&q, -3), 1235);
    assert_int_equal(quantity_scaled(&minus, 0), -1);
    /* beyond int64: nothing of what is short, of the rest the low bits */
    struct quantity wide = q_of(a, "9223372036854775808"), few = q_of(a, "999999999999999999"), capped = q_of(a, "8Ei");
    assert_true(quantity_scaled(&huge, 0) == 0);
    assert_true(quantity_scaled(&wide, 0) == INT64_MIN);
    assert_true(quantity_scaled(&few, -3) == 3875820019684211736);
    assert_true(quantity_scaled(&capped, 0) == INT64_MAX);
    assert_true(quantity_scaled(&capped, -3) == -1000);
    milli = quantity_round_up(a, &q, -3);
    assert_string_equal(quantity_text(a, &milli), "1235m");
    q = q_of(a, "0.0000000001");
    milli = quantity_round_up(a, &q, -3);
    assert_string_equal(quantity_text(a, &milli), "1m");
    q = q_of(a, "99.9999");
    milli = quantity_round_up(a, &q, 0);
    assert_string_equal(quantity_text(a, &milli), "100");
}

static void numbers_are_quantities_too(void **state)
{
    static const struct row numbers[] = { { "1", "1" }, { "0.5", "500m" }, { "1000.0", "1k" }, { "\" 2 \"", "2" } };
    cleanup_arena struct arena *a = arena_new();
    struct quantity q;

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        json_auto_t *v = json_loads(numbers[i].text, JSON_DECODE_ANY, NULL);

        assert_int_equal(quantity_parse_json(a, v, &q, NULL), 0);
        assert_string_equal(quantity_text(a, &q), numbers[i].want);
    }
}

/* Promise 3 */
static void exponents_cost_nothing(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct quantity big = q_of(a, "1e2000000000"), one = q_of(a, "1"), sum = quantity_add(a, &big, &one);

    assert_int_equal(quantity_compare(&sum, &big), 0);
    assert_true(quantity_scaled(&big, 0) == 0);
    sum = q_of(a, "1e-2000000000");
    assert_string_equal(quantity_text(a, &sum), "1e-9");
}

int main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(quantities_compare_by_value), cmocka_unit_test(sums_keep_the_format_of_the_first),
        cmocka_unit_test(values_are_rounded_up), cmocka_unit_test(numbers_are_quantities_too),
        cmocka_unit_test(exponents_cost_nothing),
    };
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(bad_rows) + ARRAY_SIZE(plain)];
    size_t n = 0;

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = rows[i].text, .test_func = check_row,
                                          .initial_state = (void *)&rows[i] };
    for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = *bad_rows[i].text ? bad_rows[i].text : "empty",
                                          .test_func = check_bad, .initial_state = (void *)&bad_rows[i] };
    memcpy(tests + n, plain, sizeof(plain));
    return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}
