/* What a crash leaves behind: synced is certain, unsynced is kept, lost or torn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "world/disk.h"
#include "world/process.h"

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

static const char *get_all(struct fixture *f, const char *path)
{
    cleanup_buf struct buf b = BUF_INIT;

    assert_int_equal(disk_read_file(NULL, f->d, path, 1000000, &b, &f->e), 0);
    return arena_strndup(f->a, b.data, b.len);
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

/* ---- what only crashes show ---- */

static void an_unsynced_removal_may_come_back(void **state)
{
    bool back = false, gone = false;

    for (uint64_t seed = 0; seed < 100; seed++) {
        struct fixture f = fixture(seed);
        put(&f, "a", "x", true);
        disk_sync_dir(NULL, f.d, "", &f.e);
        assert_int_equal(disk_unlink(NULL, f.d, "a", &f.e), 0);
        assert_null(get(&f, "a"));
        if (seed % 2)
            disk_sync_dir(NULL, f.d, "", &f.e);
        disk_crash(f.d);
        const char *a = get(&f, "a");
        back |= a != NULL;
        gone |= !a && seed % 2 == 0;
        if (seed % 2)
            assert_null(a);
        fixture_free(&f);
    }
    assert_true(back && gone);
}

/* Between two directories: both names or one, never none; whatever is made in the old place since. */
static void a_moved_file_is_never_lost(void **state)
{
    unsigned seen[4] = { 0 };

    for (uint64_t seed = 0; seed < 800; seed++) {
        struct fixture f = fixture(seed);
        disk_mkdir(NULL, f.d, "a", &f.e);
        disk_mkdir(NULL, f.d, "b", &f.e);
        put(&f, "a/f", "precious", true);
        disk_sync_dir(NULL, f.d, "a", &f.e);
        disk_sync_dir(NULL, f.d, "", &f.e);
        assert_int_equal(disk_rename(NULL, f.d, "a/f", "b/g", &f.e), 0);
        if (seed & 1)
            put(&f, "a/f", "new", true);
        if (seed & 2)
            disk_sync_dir(NULL, f.d, "a", &f.e);
        if (seed & 4)
            disk_sync_dir(NULL, f.d, "b", &f.e);
        if (seed & 8)
            assert_int_equal(disk_rename(NULL, f.d, "b/g", "h", &f.e), 0);
        disk_crash(f.d);
        const char *old = get(&f, "a/f"), *new = get(&f, "b/g"), *newer = get(&f, "h");
        bool in_old = old && streq(old, "precious"), in_new = new || newer;
        assert_true(in_old || in_new);
        seen[in_old + 2 * in_new]++;
        fixture_free(&f);
    }
    assert_true(seen[1] && seen[2] && seen[3]);
}

static void a_moved_directory_is_in_one_place(void **state)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct fixture f = fixture(seed);
        disk_mkdir(NULL, f.d, "a", &f.e);
        disk_mkdir(NULL, f.d, "b", &f.e);
        put(&f, "a/f", "x", true);
        disk_sync_dir(NULL, f.d, "a", &f.e);
        disk_sync_dir(NULL, f.d, "", &f.e);
        assert_int_equal(disk_rename(NULL, f.d, "a", "b/a", &f.e), 0);
        if (seed & 1)
            assert_int_equal(disk_rename(NULL, f.d, "b", "c", &f.e), 0);
        disk_crash(f.d);
        int places = (get(&f, "a/f") != NULL) + (get(&f, "b/a/f") != NULL) + (get(&f, "c/a/f") != NULL);
        assert_int_equal(places, 1);
        fixture_free(&f);
    }
}

/* A chain of renames, each kept or lost by itself, leaves one name. */
static void renames_leave_one_name(void **state)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct fixture f = fixture(seed);
        put(&f, "a", "x", true);
        disk_sync_dir(NULL, f.d, "", &f.e);
        disk_rename(NULL, f.d, "a", "b", &f.e);
        disk_rename(NULL, f.d, "b", "c", &f.e);
        disk_rename(NULL, f.d, "c", "d", &f.e);
        disk_crash(f.d);
        int names = 0;
        for (const char *n = "a\0b\0c\0d\0"; *n; n += 2)
            names += get(&f, n) != NULL;
        assert_int_equal(names, 1);
        fixture_free(&f);
    }
}

/* A directory that was never synced into its parent takes all it holds with it. */
static void an_unsynced_directory_may_vanish(void **state)
{
    bool vanished = false, kept = false;

    for (uint64_t seed = 0; seed < 50; seed++) {
        struct fixture f = fixture(seed);
        disk_mkdir(NULL, f.d, "d", &f.e);
        put(&f, "d/f", "x", true);
        disk_sync_dir(NULL, f.d, "d", &f.e);
        disk_crash(f.d);
        vanished |= !get(&f, "d/f");
        kept |= get(&f, "d/f") != NULL;
        fixture_free(&f);
    }
    assert_true(vanished && kept);
}

/* What was there after a crash is durable: a second crash changes nothing. */
static void a_second_crash_changes_nothing(void **state)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct fixture f = fixture(seed);
        disk_mkdir(NULL, f.d, "d", &f.e);
        for (int i = 0; i < 8; i++)
            put(&f, arena_printf(f.a, i % 2 ? "d/%d" : "%d", i % 3), "0123456789", i % 5 == 0);
        disk_rename(NULL, f.d, "d/1", "9", &f.e);
        disk_crash(f.d);
        uint64_t once = disk_fingerprint(f.d);
        disk_crash(f.d);
        assert_true(disk_fingerprint(f.d) == once);
        fixture_free(&f);
    }
}

/* Unsynced work is bounded in memory: old changes become durable by themselves. */
static void much_unsynced_work(void **state)
{
    struct fixture f = fixture(1);
    char text[8];
    int h = disk_open(NULL, f.d, "log", DISK_WRITE | DISK_CREATE, &f.e);

    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof(text), "%05d,", i);
        assert_int_equal(disk_write(NULL, f.d, h, (uint64_t)i * 6, text, 6, &f.e), 0);
        put(&f, arena_printf(f.a, "n%d", i % 700), "x", false);
        assert_int_equal(disk_unlink(NULL, f.d, arena_printf(f.a, "n%d", i % 700), &f.e), 0);
    }
    assert_int_equal(disk_write(NULL, f.d, h, UINT64_MAX - 2, "xyz", 3, &f.e), -ERR_FULL);
    assert_int_equal(disk_write(NULL, f.d, h, (uint64_t)1 << 40, "x", 1, &f.e), -ERR_FULL);
    disk_crash(f.d);
    assert_memory_equal(get_all(&f, "log"), "00000,00001,", 12);
    fixture_free(&f);
}

static void the_disk_may_stay_broken(void **state)
{
    struct fixture f = fixture(1);

    disk_fail_from(f.d, 2, ERR_IO);
    assert_int_equal(disk_mkdir(NULL, f.d, "a", &f.e), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(disk_mkdir(NULL, f.d, "b", &f.e), -ERR_IO);
    disk_fail_after(f.d, 0, ERR_IO);
    assert_int_equal(disk_mkdir(NULL, f.d, "b", &f.e), 0);
    fixture_free(&f);
}

/* The fingerprint tells what will be from what only seems. */
static void a_fingerprint_sees_what_is_durable(void **state)
{
    struct fixture a = fixture(1), b = fixture(2), c = fixture(3);

    put(&a, "f", "x", true);
    put(&b, "f", "x", false);
    put(&c, "f", "x", true);
    assert_true(disk_fingerprint(a.d) != disk_fingerprint(b.d));
    assert_true(disk_fingerprint(a.d) == disk_fingerprint(c.d));
    disk_sync_dir(NULL, c.d, "", &c.e);
    assert_true(disk_fingerprint(a.d) != disk_fingerprint(c.d));
    fixture_free(&a);
    fixture_free(&b);
    fixture_free(&c);
}

/* ---- the dead write nothing ---- */

struct writer {
    struct fixture f;
    int opened, wrote, after;
};

static void writes(struct co *co, void *arg)
{
    struct writer *t = arg;

    t->opened = disk_open(co, t->f.d, "a", DISK_WRITE | DISK_CREATE, NULL);
    t->wrote = disk_write(co, t->f.d, t->opened, 0, "x", 1, NULL);
    t->after = disk_unlink(co, t->f.d, "a", NULL);
    disk_close(t->f.d, t->opened);
}

static void a_crash_falls_between_any_two_calls(void **state)
{
    for (int steps = 0; steps < 4; steps++) {
        struct writer t = { .f = fixture(1) };
        struct proc *p = proc_new(t.f.w, "p");
        co_spawn(p, "writer", writes, &t);
        for (int i = 0; i < steps; i++)
            assert_true(world_step(t.f.w, INSTANT_NEVER));
        proc_kill(p);
        assert_int_equal(t.opened < 0, steps < 2);
        assert_int_equal(t.wrote, steps < 3 ? -ERR_CANCELLED : 0);
        assert_int_equal(t.after, -ERR_CANCELLED);
        assert_int_equal(get(&t.f, "a") != NULL, steps >= 2);
        proc_free(p);
        fixture_free(&t.f);
    }
}

/* ---- one contract, both disks ---- */

static const char *const places[] = { "a", "b", "d", "d/a", "d/e", "d/e/a", "a/x", "", "nowhere/a", "d/../a" };

/* One random call on both; -code, or what it gave. */
static int both_do(struct disk *d, uint64_t dice, struct arena *a, struct buf *ret)
{
    const char *path = places[dice / 16 % ARRAY_SIZE(places)];
    const char *other = places[dice / 512 % ARRAY_SIZE(places)];
    const char *const *names;
    size_t n;
    struct err e = ERR_IN(a);
    int r;

    switch (dice % 16) {
    case 0 ... 4:
        r = disk_open(NULL, d, path, (int)(dice / 8192 % 32), &e);
        if (r < 0)
            return r;
        int w = disk_write(NULL, d, r, dice / 65536 % 9, "hello", dice / 1048576 % 6, &e);
        buf_printf(ret, "write %d ", w);
        char text[16];
        int64_t got = disk_read(NULL, d, r, dice / 65536 % 5, text, sizeof(text), &e);
        buf_printf(ret, "read %d ", (int)got);
        if (got > 0)
            buf_add(ret, text, (size_t)got);
        disk_close(d, r);
        return 0;
    case 5 ... 7:
        return disk_mkdir(NULL, d, path, &e);
    case 8 ... 10:
        return disk_rename(NULL, d, path, other, &e);
    case 11:
        return disk_unlink(NULL, d, path, &e);
    case 12:
        return disk_rmdir(NULL, d, path, &e);
    case 13:
        return dice / 4096 % 64 ? 0 : disk_sync_dir(NULL, d, path, &e);
    case 14:
        return disk_read_file(NULL, d, path, 4 + dice / 4096 % 9, ret, &e);
    default:
        r = disk_list(NULL, d, path, a, &names, &n, &e);
        for (size_t i = 0; r == 0 && i < n; i++)
            buf_printf(ret, "%s ", names[i]);
        return r;
    }
}

static void both_disks_answer_alike(void **state)
{
    unsigned answers[32] = { 0 };

    for (uint64_t seed = 0; seed < 300; seed++) {
        struct fixture f = fixture(seed);
        cleanup_free char *root = process_temp_dir(&f.e);
        struct disk *real = disk_posix_new(root, &f.e);
        assert_non_null(real);
        for (int i = 0; i < 60; i++) {
            uint64_t dice = world_identity(f.w);
            cleanup_buf struct buf x = BUF_INIT, y = BUF_INIT;
            int r = both_do(f.d, dice, f.a, &x), q = both_do(real, dice, f.a, &y);
            buf_reserve(&x, 0);
            buf_reserve(&y, 0);
            if (r != q)
                print_message("call %d on %s, %s: simulated %s, real %s\n", (int)(dice % 16),
                              places[dice / 16 % ARRAY_SIZE(places)], places[dice / 512 % ARRAY_SIZE(places)],
                              err_code_text(r), err_code_text(q));
            assert_int_equal(r, q);
            assert_string_equal(x.data, y.data);
            answers[-r]++;
        }
        disk_free(real);
        process_remove_dir(root);
        fixture_free(&f);
    }
    assert_true(answers[0] && answers[ERR_NOT_FOUND] && answers[ERR_EXISTS] && answers[ERR_INVALID]
                && answers[ERR_TOO_LARGE]);
}

/* Nothing outside the root is reached, whatever lies below it. */
static void the_real_disk_stays_below_its_root(void **state)
{
    struct fixture f = fixture(1);
    cleanup_free char *root = process_temp_dir(&f.e), *link = xasprintf("%s/link", root),
                      *fifo = xasprintf("%s/fifo", root), *file = xasprintf("%s/file-link", root);
    struct disk *d = disk_posix_new(root, &f.e);
    cleanup_buf struct buf b = BUF_INIT;
    const char *const *names;
    size_t n;

    assert_int_equal(symlink("/etc", link), 0);
    assert_int_equal(symlink("/etc/passwd", file), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(disk_read_file(NULL, d, "link/passwd", 100000, &b, &f.e), -ERR_INVALID);
    assert_int_equal(disk_read_file(NULL, d, "file-link", 100000, &b, &f.e), -ERR_INVALID);
    assert_int_equal(disk_list(NULL, d, "link", f.a, &names, &n, &f.e), -ERR_INVALID);
    assert_int_equal(disk_open(NULL, d, "fifo", DISK_READ, &f.e), -ERR_INVALID);
    assert_true(disk_open(NULL, d, "link/x", DISK_WRITE | DISK_CREATE, &f.e) < 0);
    assert_null(disk_posix_new("/nowhere/at/all", &f.e));
    assert_int_equal(f.e.code, ERR_NOT_FOUND);
    disk_free(d);
    process_remove_dir(root);
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
        cmocka_unit_test(an_unsynced_removal_may_come_back),
        cmocka_unit_test(a_moved_file_is_never_lost),
        cmocka_unit_test(a_moved_directory_is_in_one_place),
        cmocka_unit_test(renames_leave_one_name),
        cmocka_unit_test(an_unsynced_directory_may_vanish),
        cmocka_unit_test(a_second_crash_changes_nothing),
        cmocka_unit_test(much_unsynced_work),
        cmocka_unit_test(the_disk_may_stay_broken),
        cmocka_unit_test(a_fingerprint_sees_what_is_durable),
        cmocka_unit_test(a_crash_falls_between_any_two_calls),
        cmocka_unit_test(both_disks_answer_alike),
        cmocka_unit_test(the_real_disk_stays_below_its_root),
    };

    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
