/* Children: their lines, their ends, and that no wait lasts longer than it was told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "world/process.h"

static void lines_and_end(void **state)
{
    const char *const argv[] = { "/bin/sh", "-c", "echo one; echo two; exit 3", NULL };
    struct process *p = process_start(argv, NULL);
    cleanup_buf struct buf line = BUF_INIT;

    assert_non_null(p);
    assert_int_equal(process_read_line(p, DURATION_S(10), &line, NULL), 0);
    assert_string_equal(line.data, "one");
    buf_reset(&line);
    assert_int_equal(process_read_line(p, DURATION_S(10), &line, NULL), 0);
    assert_string_equal(line.data, "two");
    assert_int_equal(process_read_line(p, DURATION_S(10), &line, NULL), -ERR_UNAVAILABLE);
    assert_int_equal(process_stop(p, DURATION_S(10)), 3 << 8);
    assert_null(process_free(p));
}

static void waits_are_bounded(void **state)
{
    const char *const argv[] = { "/bin/sh", "-c", "trap '' TERM; exec sleep 60", NULL };
    struct process *p = process_start(argv, NULL);
    cleanup_buf struct buf line = BUF_INIT;

    assert_int_equal(process_read_line(p, DURATION_MS(20), &line, NULL), -ERR_TIMEOUT);
    assert_true(process_running(p));
    process_stop(p, DURATION_MS(20));
    assert_false(process_running(p));
    process_free(p);
}

static void absent_program(void **state)
{
    const char *const argv[] = { "/no/such/program", NULL };
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    assert_null(process_start(argv, &e));
    assert_string_equal(err_message(&e), "/no/such/program: No such file or directory");
}

static void temp_dir_goes_with_its_files(void **state)
{
    cleanup_free char *dir = process_temp_dir(NULL), *sub = xasprintf("%s/a", dir);
    struct stat st;

    assert_int_equal(mkdir(sub, 0700), 0);
    process_remove_dir(dir);
    assert_int_equal(stat(dir, &st), -1);
}

static void the_user_s_places(void **state)
{
    cleanup_free char *dir = process_temp_dir(NULL), *tool = xasprintf("%s/tool", dir);
    cleanup_free char *path = xasprintf("/nowhere:%s", dir);

    setenv("XDG_CACHE_HOME", "/c", 1);
    setenv("HOME", "/h", 1);
    cleanup_free char *named = process_cache_dir();
    assert_string_equal(named, "/c");
    setenv("XDG_CACHE_HOME", "relative", 1);
    cleanup_free char *usual = process_cache_dir();
    assert_string_equal(usual, "/h/.cache");
    unsetenv("HOME");
    assert_null(process_cache_dir());

    setenv("PATH", path, 1);
    assert_null(process_find("tool"));
    assert_int_equal(symlink("/bin/true", tool), 0);
    cleanup_free char *found = process_find("tool");
    assert_string_equal(found, tool);
    process_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_end),
        cmocka_unit_test(waits_are_bounded),
        cmocka_unit_test(absent_program),
        cmocka_unit_test(temp_dir_goes_with_its_files),
        cmocka_unit_test(the_user_s_places),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
