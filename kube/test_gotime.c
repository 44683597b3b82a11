/* Times and base64 as Go reads and prints them: K-028, K-031. */
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
        { "K-031 base64", base64_rows, NULL, NULL, NULL },
    };

    return cmocka_run_group_tests_name("gotime", tests, NULL, NULL);
}
