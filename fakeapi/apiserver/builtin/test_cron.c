/* Schedules of CronJobs (G.3, B-176): what the parser of Go says of a line. */
#include "fakeapi/apiserver/builtin/jobs_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void lines_that_are_fine(void **state)
{
    static const char *const lines[] = { "* * * * *", "*/5 0-6,22 1 jan-mar MON", "@hourly", "@every 1h30m", "0 0 31 12 6",
                                         "@every -1.5h", "@every +5s", "@every .5h", "+5 * * * *", "*/9223372036854775807 * * * *",
                                         "*\u00a0*\v*\f* *", "* * * *\r*", ", * * * *", "TZ=UTC * * * * *",
                                         "CRON_TZ=Europe/Berlin @daily" };
    cleanup_arena struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        assert_null(cron_problem(a, lines[i]));
}

static void lines_that_are_not(void **state)
{
    static const struct { const char *line, *why; } rows[] = {
        { "x", "expected exactly 5 fields, found 1: [x]" },
        { "60 * * * *", "end of range (60) above maximum (59): 60" },
        { "*/0 * * * *", "step of range should be a positive number: */0" },
        { "5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1" },
        { "1-2-3 * * * *", "too many hyphens: 1-2-3" },
        { "* * 0 * *", "beginning of range (0) below minimum (1): 0" },
        { "-1-5 * * * *", "failed to parse int from : strconv.Atoi: parsing \"\": invalid syntax" },
        { "*/-5 * * * *", "negative number (-5) not allowed: -5" },
        { "9223372036854775808 * * * *",
          "failed to parse int from 9223372036854775808: strconv.Atoi: parsing \"9223372036854775808\": value out of range" },
        { "* * * * \u00e9", "failed to parse int from \u00e9: strconv.Atoi: parsing \"\u00e9\": invalid syntax" },
        { "TZ=Foo/Bar * * * * *", "provided bad location Foo/Bar: unknown time zone Foo/Bar" },
        { "CRON_TZ=UTC x", "expected exactly 5 fields, found 1: [x]" },
        { "@every 1d", "failed to parse duration @every 1d: time: unknown unit \"d\" in duration \"1d\"" },
        { "@every 1", "failed to parse duration @every 1: time: missing unit in duration \"1\"" },
        { "@sometimes", "unrecognized descriptor: @sometimes" },
    };
    cleanup_arena struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_string_equal(cron_problem(a, rows[i].line), rows[i].why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_are_fine),
        cmocka_unit_test(lines_that_are_not),
    };

    return cmocka_run_group_tests_name("cron", tests, NULL, NULL);
}
