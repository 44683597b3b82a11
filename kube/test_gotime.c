/* Times, durations and base64 as Go reads and prints them: A-096, K-028, K-031. */
#include "kube/gotime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/base64.h"

static const struct time_row {
    const char *in, *out;              /* out NULL: refused with `wrong` */
    bool micro;
    const char *wrong;
} times[] = {
    { "2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z" },
    { "2024-01-02T3:04:05Z", "2024-01-02T03:04:05Z" },
    { "2024-01-02T03:04:05,5+05:30", "2024-01-01T21:34:05Z" },
    { "0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z" },
    { "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z" },
    { "9999-12-31T23:59:59-01:00", "10000-01-01T00:59:59Z" },
    { "0000-01-01T00:00:00+01:00", "-0001-12-31T23:00:00Z" },
    { "2024-01-02T03:04:05.000001Z", "2024-01-02T03:04:05.000001Z", true },
    { "2024-01-02T03:04:05.1234567Z", NULL, true,
      "parsing time \"2024-01-02T03:04:05.1234567Z\" as \"2006-01-02T15:04:05.000000Z07:00\": "
      "cannot parse \"7Z\" as \"Z07:00\"" },
    { "2023-02-29T00:00:00Z", NULL, false, "parsing time \"2023-02-29T00:00:00Z\": day out of range" },
    { "2023-13-01T00:00:00Z", NULL, false, "parsing time \"2023-13-01T00:00:00Z\": month out of range" },
    { "2023-01-01T24:00:00Z", NULL, false, "parsing time \"2023-01-01T24:00:00Z\": hour out of range" },
    { "2023-01-01T00:00:00Zx", NULL, false, "parsing time \"2023-01-01T00:00:00Zx\": extra text: \"x\"" },
    { "", NULL, false, "parsing time \"\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"2006\"" },
    { "2024-01-02T03:04:05", NULL, false,
      "parsing time \"2024-01-02T03:04:05\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"Z07:00\"" },
};

static const struct duration_row {
    const char *in;
    duration out;
    const char *wrong;
} durations[] = {
    { "0", 0 },
    { "-0", 0 },
    { "1h30m", DURATION_MIN(90) },
    { "+5s", DURATION_S(5) },
    { "-1.5s", -DURATION_MS(1500) },
    { ".5h", DURATION_MIN(30) },
    { "1.h", DURATION_MIN(60) },
    { "1us1\u00b5s1\u03bcs", DURATION_US(3) },
    { "0.3333333333333333333333h", 1200000000000 },
    { "9223372036854775807ns", INT64_MAX },
    { "-9223372036854775808ns", INT64_MIN },
    { "", 0, "time: invalid duration \"\"" },
    { "-", 0, "time: invalid duration \"-\"" },
    { "x", 0, "time: invalid duration \"x\"" },
    { ".h", 0, "time: invalid duration \".h\"" },
    { "9223372036854775808ns", 0, "time: invalid duration \"9223372036854775808ns\"" },
    { "99999999999h", 0, "time: invalid duration \"99999999999h\"" },
    { "99999999999999999999s", 0, "time: invalid duration \"99999999999999999999s\"" },
    { "5000000000000000000ns5000000000000000000ns", 0,
      "time: invalid duration \"5000000000000000000ns5000000000000000000ns\"" },
    { "1", 0, "time: missing unit in duration \"1\"" },
    { "1.5", 0, "time: missing unit in duration \"1.5\"" },
    { "1d", 0, "time: unknown unit \"d\" in duration \"1d\"" },
    { "1h 30m", 0, "time: unknown unit \"h \" in duration \"1h 30m\"" },
    { "1\u00e9", 0, "time: unknown unit \"\\xc3\\xa9\" in duration \"1\\xc3\\xa9\"" },
    { "1h\"", 0, "time: unknown unit \"h\\\"\" in duration \"1h\\\"\"" },
};

static void duration_rows(void **state)
{
    cleanup_arena struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
        const struct duration_row *r = &durations[i];
        duration d;
        const char *wrong = goduration_parse(a, r->in, strlen(r->in), &d);

        if (r->wrong)
            assert_string_equal(wrong ? wrong : r->in, r->wrong);
        else if (wrong)
            fail_msg("%s: %s", r->in, wrong);
        assert_int_equal(d, r->out);
    }
}

static void time_rows(void **state)
{
    cleanup_arena struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        struct gotime t;
        char text[GOTIME_TEXT_MAX];
        const char *wrong = gotime_parse(a, times[i].in, strlen(times[i].in), times[i].micro, &t);
        assert_string_equal(wrong ? wrong : "", times[i].wrong ? times[i].wrong : "");
        if (wrong)
            continue;
        gotime_format(t, times[i].micro, text);
        assert_string_equal(text, times[i].out);
    }
}

static const struct base64_row {
    const char *in, *out;
    int64_t bad;
} base64s[] = {
    { "", "", -1 }, { "aGk=", "hi", -1 }, { "aGkh", "hi!", -1 }, { "aA==", "h", -1 }, { "a\nG\r\nk=\n", "hi", -1 },
    { "!", NULL, 0 }, { "aGk", NULL, 0 }, { "aGkhaG", NULL, 4 }, { "aGk=x", NULL, 4 }, { "aA=x", NULL, 2 },
    { "aA=", NULL, 3 }, { "=", NULL, 0 }, { "aGk=aGk=", NULL, 4 },
};

static void base64_rows(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(base64s); i++) {
        cleanup_buf struct buf b = BUF_INIT;
        int64_t n = base64_decode(&b, base64s[i].in, strlen(base64s[i].in));
        if (!base64s[i].out) {
            assert_int_equal(n, -1 - base64s[i].bad);
            continue;
        }
        assert_int_equal(n, strlen(base64s[i].in));
        assert_string_equal(b.data ? b.data : "", base64s[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        { "K-028 times", time_rows, NULL, NULL, NULL },
        { "A-096 durations", duration_rows, NULL, NULL, NULL },
        { "K-031 base64", base64_rows, NULL, NULL, NULL },
    };

    return cmocka_run_group_tests_name("gotime", tests, NULL, NULL);
}
