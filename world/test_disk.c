/* What a crash leaves behind: synced is certain, unsynced is kept, lost or torn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/disk.h"

struct fixture {
    struct world *w;
    struct disk *d;
    struct arena *a;
    struct err e;
};

static struct fixture fixture(uint64_t seed)
{
    struct world_options o = { .mode = WORLD_SIM, .seed = seed };
    struct fixture f = { .w = world_new(&o), .a = arena_new() };

    f.d = disk_sim_new(f.w);
    f.e = ERR_IN(f.a);
    return f;
}

static void fixture_free(struct fixture *f)
{
    disk_free(f->d);
    arena_free(f->a);
    world_free(f->w);
}

static void put(struct fixture *f, const char *path, const char *text, bool sync)
{
    int h = disk_open(NULL, f->d, path, DISK_WRITE | DISK_CREATE | DISK_TRUNC, &f->e);

    assert_true(h >= 0);
    assert_int_equal(disk_write(NULL, f->d, h, 0, text, strlen(text), &f->e), 0);
    if (sync)
        assert_int_equal(disk_sync(NULL, f->d, h, &f->e), 0);
    disk_close(f->d, h);
}

/* The content, or NULL where there is no such file; in the fixture's arena. */
static const char *get(struct fixture *f, const char *path)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (disk_read_file(NULL, f->d, path, 1000, &b, &f->e) < 0)
        return NULL;
    return arena_strndup(f->a, b.len ? b.data : "", b.len);
}

static void synced_is_certain(void **state)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct fixture f = fixture(seed);
        put(&f, "a", "hello", true);
        assert_int_equal(disk_sync_dir(NULL, f.d, "", &f.e), 0);
        put(&f, "b", "unsynced", false);
        disk_crash(f.d);
        assert_string_equal(get(&f, "a"), "hello");
        fixture_free(&f);
    }
}

static void unsynced_is_kept_lost_or_torn(void **state)
{
    bool kept = false, lost = false, torn = false, nameless = false;

    for (uint64_t seed = 0; seed < 300; seed++) {
        struct fixture f = fixture(seed);
        put(&f, "b", "0123456789", false);
        disk_crash(f.d);
        const char *b = get(&f, "b");
        nameless |= !b;
        kept |= b && strlen(b) == 10;
        lost |= b && strlen(b) == 0;
        torn |= b && strlen(b) > 0 && strlen(b) < 10;
        fixture_free(&f);
    }
    assert_true(kept && lost && torn && nameless);
}

/* The way every careful program replaces a file: at any crash the old or the new one is there, whole. */
static void rename_after_sync_is_all_or_nothing(void **state)
{
    bool old = false, new = false;

    for (uint64_t seed = 0; seed < 500; seed++) {
        struct fixture f = fixture(seed);
        put(&f, "f", "old", true);
        disk_sync_dir(NULL, f.d, "", &f.e);
        put(&f, "f.tmp", "new content", true);
        assert_int_equal(disk_rename(NULL, f.d, "f.tmp", "f", &f.e), 0);
        if (seed % 2)
            disk_sync_dir(NULL, f.d, "", &f.e);
        disk_crash(f.d);
        const char *text = get(&f, "f");
        assert_non_null(text);
        old |= streq(text, "old");
        new |= streq(text, "new content");
        assert_true(streq(text, "new content") || (streq(text, "old") && !(seed % 2)));
        fixture_free(&f);
    }
    assert_true(old && new);
}

static void handles_die_with_the_crash(void **state)
{
    struct fixture f = fixture(1);
    int h = disk_open(NULL, f.d, "a", DISK_WRITE | DISK_CREATE, &f.e);

    disk_crash(f.d);
    assert_int_equal(disk_write(NULL, f.d, h, 0, "x", 1, &f.e), -ERR_INVALID);
    fixture_free(&f);
}

static void bad_paths_are_refused(void **state)
{
    static const char *const paths[] = { "/a", "a/", "a//b", "..", "a/../b", "./a" };
    struct fixture f = fixture(1);

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        assert_int_equal(disk_open(NULL, f.d, paths[i], DISK_WRITE | DISK_CREATE, &f.e), -ERR_INVALID);
    fixture_free(&f);
}

static void the_nth_write_fails(void **state)
{
    struct fixture f = fixture(1);
    int h;

    disk_fail_after(f.d, 2, ERR_FULL);
    h = disk_open(NULL, f.d, "a", DISK_WRITE | DISK_CREATE, &f.e);
    assert_true(h >= 0);
    assert_int_equal(disk_write(NULL, f.d, h, 0, "x", 1, &f.e), -ERR_FULL);
    assert_int_equal(disk_write(NULL, f.d, h, 0, "y", 1, &f.e), 0);
    assert_string_equal(get(&f, "a"), "y");
    fixture_free(&f);
}

static void names_come_in_byte_order(void **state)
{
    struct fixture f = fixture(1);
    const char *const *names;
    size_t n;

    disk_mkdir(NULL, f.d, "d", &f.e);
    put(&f, "d/b", "", false);
    put(&f, "d/a", "", false);
    put(&f, "d/B", "", false);
    assert_int_equal(disk_list(NULL, f.d, "d", f.a, &names, &n, &f.e), 0);
    assert_int_equal(n, 3);
    assert_string_equal(names[0], "B");
    assert_string_equal(names[1], "a");
    assert_int_equal(disk_rmdir(NULL, f.d, "d", &f.e), -ERR_EXISTS);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synced_is_certain),
        cmocka_unit_test(unsynced_is_kept_lost_or_torn),
        cmocka_unit_test(rename_after_sync_is_all_or_nothing),
        cmocka_unit_test(handles_die_with_the_crash),
        cmocka_unit_test(bad_paths_are_refused),
        cmocka_unit_test(the_nth_write_fails),
        cmocka_unit_test(names_come_in_byte_order),
    };

    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
