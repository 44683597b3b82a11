/* Promise 5 of the store on a disk that loses power behind any write (crash_vfs.h), fills up, fails, or holds
 * something else than it should. */
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "fakeapi/store/commitlog_sqlite.h"
#include "fakeapi/store/crash_vfs.h"
#include "fakeapi/store/data_file.h"
#include "fakeapi/store/model.h"
#include "kube/json.h"

#define FILE_NAME "data"
#define BATCHES 10
#define SOAK_BATCHES 40
#define ROOM (9 << 20)                 /* the log's reserve, and something to write into */

/* ---- a life: random writes in batches, and what was acknowledged when ---------------------------------- */

static const char *const keys[] = { "/a", "/b", "/c/1", "/c/2", "/c/3", "/d", "/e", "/f", "/g" };

struct batch {
    size_t steps;                      /* of the disk, when it was acknowledged */
    uint64_t revision;                 /* the last one in it */
};

struct life {
    struct crash_vfs *disk;
    struct store *store;
    struct model model;
    DYN(struct batch) batches;
    bool careless, hasty;              /* villains: never syncs; acknowledges before the sync */
    size_t n_batches;                  /* to live; 0: BATCHES */
    uint64_t chance;
};

static uint64_t chance(struct life *l, uint64_t n)
{
    l->chance = l->chance * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (l->chance >> 33) % n;
}

/* From a few bytes to some pages, and the number can be read back. */
static struct value *make_value(int64_t n)
{
    size_t len = (size_t)(n * 2654435761u % 97) * 60;
    cleanup_free char *pad = xcalloc(len + 1, 1);

    memset(pad, 'a' + (int)(n % 26), len);
    return value_from_tree(json_pack("{s:I, s:s}", "n", (json_int_t)n, "pad", pad));
}

static int64_t number_of(struct value *v)
{
    return json_integer_value(json_object_get(value_tree(v), "n"));
}

static struct store *open_on(struct crash_vfs *disk, bool careless, struct err *e)
{
    struct commitlog *log = commitlog_sqlite_new(&(struct commitlog_sqlite_options){
        .path = FILE_NAME, .vfs = crash_vfs_name(disk), .careless = careless, .fold_after = 12 }, e);

    return log ? store_open(log, e) : NULL;
}

static void write_one(struct life *l)
{
    const char *key = keys[chance(l, ARRAY_SIZE(keys))];
    int64_t n = (int64_t)chance(l, 1000000);

    if (chance(l, 4) > 0) {
        assert_int_equal(model_put(&l->model, key, n, STORE_ANY), 0);
        assert_int_equal(store_put(l->store, key, make_value(n), STORE_ANY, NULL), 0);
    } else {
        int want = model_delete(&l->model, key, STORE_ANY, n);
        assert_int_equal(store_delete(l->store, key, STORE_ANY, make_value(n), NULL), want);
    }
}

static void acknowledge(struct life *l)
{
    *dyn_push(&l->batches) = (struct batch){ crash_vfs_steps(l->disk), store_revision(l->store) };
}

static void live_batch(struct life *l)
{
    uint64_t revision = store_revision(l->store);

    for (uint64_t n = 1 + chance(l, 5); n > 0; n--)
        write_one(l);
    if (chance(l, 5) == 0 && revision > 4)
        store_compact(l->store, revision - chance(l, 4));
    if (l->hasty)
        acknowledge(l);
    assert_int_equal(store_sync(l->store, NULL), 0);
    if (!l->hasty)
        acknowledge(l);
}

static void live(struct life *l, uint64_t seed)
{
    struct err e = { 0 };

    l->chance = seed;
    l->disk = crash_vfs_new();
    l->store = open_on(l->disk, l->careless, &e);
    assert_non_null(l->store);
    for (size_t i = 0, n = l->n_batches ? l->n_batches : BATCHES; i < n; i++) {
        live_batch(l);
        if (chance(l, 8))
            continue;
        store_free(l->store);          /* a restart: the log is folded into the database */
        l->store = open_on(l->disk, l->careless, &e);
        assert_non_null(l->store);
    }
}

static void life_release(struct life *l)
{
    store_free(l->store);
    crash_vfs_free(l->disk);
    dyn_release(&l->model.log);
    dyn_release(&l->batches);
}

/* ---- what must be there after a cut --------------------------------------------------------------------- */

struct reading {
    const struct life *life;
    uint64_t at;
    size_t n;
    bool wrong;
};

static bool read_record(void *arg, const struct record *r)
{
    struct reading *g = arg;
    const struct model_event *e = model_at(&g->life->model, r->key, g->at);

    g->n++;
    g->wrong |= !e || number_of(r->value) != e->value || r->mod_revision != e->revision
        || r->create_revision != e->create || r->version != e->version;
    return !g->wrong;
}

static bool read_event(void *arg, const struct store_event *e)
{
    struct reading *g = arg;
    const struct model_event *want = &g->life->model.log.v[g->at++ - 1];

    g->wrong |= want->revision != e->revision || want->type != e->type || !streq(want->key, e->key)
        || number_of(e->value) != want->value;
    return !g->wrong;
}

/* The state at `at` is the model's, all keys of it. */
static const char *compare_state(const struct life *l, struct store *s, uint64_t at)
{
    struct reading g = { .life = l, .at = at };
    size_t n = 0;

    if (store_range(s, "/", NULL, at, 0, read_record, &g, NULL) < 0 || g.wrong)
        return "a record is not what it was";
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        n += model_at(&l->model, keys[i], at) != NULL;
    return n == g.n ? NULL : "a record is missing";
}

static const char *compare_history(const struct life *l, struct store *s)
{
    uint64_t floor = store_compacted(s) ? store_compacted(s) : 1;
    struct reading g = { .life = l, .at = floor };

    if (store_replay(s, "", floor, read_event, &g) < 0 || g.wrong)
        return "an event is not what it was";
    return g.at == store_revision(s) ? NULL : "events are missing";
}

/* What is wrong with the disk after a cut behind `steps`, or NULL. */
static const char *judge(const struct life *l, struct store *s, size_t steps)
{
    uint64_t acknowledged = 1, revision = store_revision(s);
    bool whole = revision == 1;
    const char *why;

    for (size_t i = 0; i < l->batches.n; i++) {
        if (l->batches.v[i].steps <= steps)
            acknowledged = l->batches.v[i].revision;
        whole = whole || revision == l->batches.v[i].revision;
    }
    if (revision < acknowledged)
        return "an acknowledged revision is gone";
    if (!whole)
        return "half a batch is there";
    why = compare_state(l, s, revision);
    if (!why && store_compacted(s))
        why = compare_state(l, s, store_compacted(s));
    return why ? why : compare_history(l, s);
}

/* It goes on from there: another write, another start. */
static const char *judge_second_life(struct crash_vfs *disk, uint64_t revision)
{
    struct err e = { 0 };
    struct store *s = open_on(disk, false, &e);
    const char *why = NULL;

    if (!s)
        return "it does not open again";
    if (store_revision(s) != revision || store_get(s, "/second", 0, &(struct record){ 0 }) < 0)
        why = "what the second life wrote is gone";
    store_free(s);
    return why;
}

static const char *cut(const struct life *l, size_t steps, enum crash_loss loss, uint64_t seed)
{
    struct crash_vfs *disk = crash_vfs_after(l->disk, steps, loss, seed);
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    struct store *s = open_on(disk, l->careless, &e);
    const char *why = s ? judge(l, s, steps) : "it does not open";
    uint64_t revision;

    if (!s)
        print_error("# %s\n", err_message(&e));
    if (!why) {
        assert_int_equal(store_put(s, "/second", make_value(1), STORE_ANY, NULL), 0);
        assert_int_equal(store_sync(s, NULL), 0);
        revision = store_revision(s);
        store_free(s);
        why = judge_second_life(disk, revision);
    } else {
        store_free(s);
    }
    crash_vfs_free(disk);
    return why;
}

/* Every prefix of what was written, `losses` ways each; what was wrong first, or NULL. */
static const char *cut_everywhere(const struct life *l, uint64_t losses, size_t stride)
{
    for (size_t steps = 0; steps <= crash_vfs_steps(l->disk); steps += stride) {
        for (uint64_t seed = 0; seed < losses; seed++) {
            enum crash_loss loss = seed == 0 ? CRASH_ALL : seed == 1 ? CRASH_NONE : CRASH_SOME;
            const char *why = cut(l, steps, loss, seed);
            if (!why)
                continue;
            if (!l->careless && !l->hasty)
                print_error("cut behind step %zu, loss %llu: %s\n", steps, (unsigned long long)seed, why);
            return why;
        }
    }
    return NULL;
}

/* With --soak: many ways, many lives. */
static void power_may_be_cut_behind_any_write(void **state)
{
    bool soak = *(bool *)*state;

    for (uint64_t seed = 1; seed <= (soak ? 6 : 1); seed++) {
        struct life l = { .n_batches = soak ? SOAK_BATCHES : BATCHES };
        live(&l, seed);
        assert_true(crash_vfs_steps(l.disk) > 200);
        assert_null(cut_everywhere(&l, soak ? 8 : 3, 1));
        life_release(&l);
    }
}

static void who_does_not_sync_is_caught(void **state)
{
    struct life l = { .careless = true };

    live(&l, 1);
    assert_non_null(cut_everywhere(&l, 3, 1));
    life_release(&l);
}

static void who_acknowledges_before_the_sync_is_caught(void **state)
{
    struct life l = { .hasty = true };

    live(&l, 1);
    assert_non_null(cut_everywhere(&l, 3, 1));
    life_release(&l);
}

/* ---- a disk that fills up (promise 3 of commitlog_sqlite.h) ---------------------------------------------- */

/* Batches until the disk is full; what was refused changed nothing, what was taken is acknowledged. */
static size_t fill(struct life *l)
{
    size_t refused = 0;

    while (refused < 3) {
        const char *key = keys[chance(l, ARRAY_SIZE(keys))];
        int64_t n = (int64_t)chance(l, 1000000);
        uint64_t before = store_revision(l->store);
        int r = store_put(l->store, key, make_value(n), STORE_ANY, NULL);
        if (r == 0)
            assert_int_equal(model_put(&l->model, key, n, STORE_ANY), 0);
        else
            assert_int_equal(r, -ERR_FULL);
        refused += r < 0;
        assert_int_equal(store_revision(l->store), before + (r == 0));
        if (refused > 0 || chance(l, 3) > 0)
            continue;
        assert_int_equal(store_sync(l->store, NULL), 0);
        acknowledge(l);
    }
    assert_int_equal(store_sync(l->store, NULL), 0);
    acknowledge(l);
    return l->model.log.n;
}

static void a_full_disk_refuses_and_goes_on_later(void **state)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct life l = { .chance = seed, .disk = crash_vfs_new() };
        crash_vfs_quota(l.disk, ROOM + (size_t)seed * 1500);
        l.store = open_on(l.disk, false, NULL);
        assert_non_null(l.store);
        assert_true(fill(&l) > 100);
        assert_null(compare_state(&l, l.store, store_revision(l.store)));              /* reads go on */
        assert_null(cut(&l, crash_vfs_steps(l.disk), CRASH_ALL, seed));
        crash_vfs_quota(l.disk, 2 * ROOM);
        for (int i = 0; i < 5; i++)
            live_batch(&l);
        assert_null(cut(&l, crash_vfs_steps(l.disk), CRASH_ALL, seed));
        life_release(&l);
    }
}

static void it_opens_on_a_full_disk_to_be_read(void **state)
{
    struct life l = { 0 };
    struct crash_vfs *disk;
    struct store *s;

    live(&l, 3);
    disk = crash_vfs_after(l.disk, crash_vfs_steps(l.disk), CRASH_ALL, 0);
    crash_vfs_quota(disk, crash_vfs_used(disk));
    s = open_on(disk, false, NULL);
    assert_non_null(s);
    assert_null(judge(&l, s, SIZE_MAX));
    assert_int_equal(store_put(s, "/a", make_value(1), STORE_ANY, NULL), -ERR_FULL);
    crash_vfs_quota(disk, SIZE_MAX);
    assert_int_equal(store_put(s, "/a", make_value(1), STORE_ANY, NULL), 0);
    assert_int_equal(store_sync(s, NULL), 0);
    store_free(s);
    crash_vfs_free(disk);
    life_release(&l);
}

/* ---- a disk that fails -------------------------------------------------------------------------------------- */

/* Until a sync fails; from then on nothing is taken (promise 3 of commitlog.h). */
static bool live_until_it_fails(struct life *l)
{
    for (size_t i = 0; i < BATCHES; i++) {
        for (uint64_t n = 1 + chance(l, 4); n > 0; n--) {
            const char *key = keys[chance(l, ARRAY_SIZE(keys))];
            int64_t value = (int64_t)chance(l, 1000000);
            assert_int_equal(store_put(l->store, key, make_value(value), STORE_ANY, NULL), 0);
            model_put(&l->model, key, value, STORE_ANY);
        }
        if (store_sync(l->store, NULL) < 0) {
            acknowledge(l);            /* to judge(): a batch that may be there or not */
            l->batches.v[l->batches.n - 1].steps = SIZE_MAX;
            assert_int_equal(store_put(l->store, "/a", make_value(1), STORE_ANY, NULL), -ERR_IO);
            return true;
        }
        acknowledge(l);
    }
    return false;
}

static void a_failing_disk_loses_nothing_acknowledged(void **state)
{
    size_t failed = 0, opened = 0;

    for (size_t step = 1; step < 300; step += 5) {
        struct life l = { .chance = step, .disk = crash_vfs_new() };
        cleanup_arena struct arena *a = arena_new();
        struct err e = ERR_IN(a);
        crash_vfs_fail_at(l.disk, step);
        l.store = open_on(l.disk, false, &e);
        if (!l.store)
            assert_true(e.code == ERR_IO || e.code == ERR_ACCESS);
        else
            failed += live_until_it_fails(&l);
        opened += l.store != NULL;
        assert_null(cut(&l, crash_vfs_steps(l.disk), CRASH_ALL, step));
        assert_null(cut(&l, crash_vfs_steps(l.disk), CRASH_NONE, step));
        life_release(&l);
    }
    assert_true(failed > 20 && opened > 50);
}

/* ---- files that are not as they should be --------------------------------------------------------------------- */

/* A life that ended: by a clean close, or (killed) with the write-ahead log beside the database. */
static void end_life(struct life *l, uint64_t seed, bool killed)
{
    live(l, seed);
    if (killed)
        return;
    store_free(l->store);
    l->store = NULL;
}

static bool same_content(struct crash_vfs *disk, const char *name, const char *before, size_t len)
{
    size_t now;
    const char *content = crash_vfs_content(disk, name, &now);

    return now == len && (len == 0 || memcmp(content, before, len) == 0);
}

/* One byte of a file is another, or the file is shorter; NULL where that is refused with a clear word and the
 * file left as it is, or where nothing of what matters was hit. */
static const char *open_damaged(struct life *l, const char *name, size_t at, uint8_t flip, uint64_t least)
{
    struct crash_vfs *disk = crash_vfs_after(l->disk, crash_vfs_steps(l->disk), CRASH_NONE, at);
    size_t len, after;
    char *content = crash_vfs_content(disk, name, &len);
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    const char *why = NULL;
    struct store *s;

    if (flip)
        content[at] = (char)(content[at] ^ flip);
    else
        crash_vfs_put(disk, name, content, at);
    len = flip ? len : at;
    cleanup_free char *before = xmemdup(crash_vfs_content(disk, name, &after) ? content : "", len);
    s = open_on(disk, false, &e);
    if (s)
        why = store_revision(s) < least ? "revisions are gone" : compare_state(l, s, store_revision(s));
    else if (e.code != ERR_PROTOCOL && e.code != ERR_INVALID)
        why = "another error";
    else if (!same_content(disk, name, before, len))
        why = "a file that was refused has been written to";
    store_free(s);
    crash_vfs_free(disk);
    return why;
}

static uint64_t acknowledged(const struct life *l, size_t batches_ago)
{
    return l->batches.v[l->batches.n - 1 - batches_ago].revision;
}

static void expect_seen(struct life *l, const char *name, size_t at, uint8_t flip, uint64_t least)
{
    const char *why = open_damaged(l, name, at, flip, least);

    if (why)
        print_error("%s, byte %zu: %s\n", name, at, why);
    assert_null(why);
}

static size_t size_of(struct life *l, const char *name)
{
    size_t len;

    crash_vfs_content(l->disk, name, &len);
    assert_true(len > 8192);
    return len;
}

static void a_damaged_database_is_refused(void **state)
{
    bool soak = *(bool *)*state;
    struct life l = { 0 };
    size_t len;

    end_life(&l, 5, false);
    len = size_of(&l, FILE_NAME);
    for (size_t at = 0; at < len; at += soak ? 1 : 151)
        expect_seen(&l, FILE_NAME, at, (uint8_t)(1u << at % 8), acknowledged(&l, 0));
    for (size_t at = 1; at < len; at += soak ? 64 : 777)
        expect_seen(&l, FILE_NAME, at, 0, acknowledged(&l, 0));
    life_release(&l);
}

/* The last batch alone may look like one that was never finished. A shorter log is an older one. */
static void a_damaged_write_ahead_log_is_refused(void **state)
{
    bool soak = *(bool *)*state;
    struct life l = { 0 };
    size_t len;

    end_life(&l, 7, true);
    len = size_of(&l, FILE_NAME "-wal");
    for (size_t at = 0; at < len; at += soak ? 1 : 151)
        expect_seen(&l, FILE_NAME "-wal", at, (uint8_t)(1u << at % 8), acknowledged(&l, 1));
    for (size_t at = 0; at < len; at += soak ? 64 : 1111)
        expect_seen(&l, FILE_NAME "-wal", at, 0, 1);
    life_release(&l);
}

/* Another program's file: refused by name, and not a byte of it is touched. */
static void foreign_files_are_refused(void **state)
{
    static const struct {
        const char *content;
        size_t len;
        const char *says;
    } rows[] = {
        { "hello, world\n", 13, "not a data file of dormouse" },
        { "SQLite format 3", 16, "not a data file of dormouse" },
        { "\0\0\0\0\0\0\0\0", 8, "not a data file of dormouse" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct crash_vfs *disk = crash_vfs_new();
        cleanup_arena struct arena *a = arena_new();
        struct err e = ERR_IN(a);
        size_t len;
        crash_vfs_put(disk, FILE_NAME, rows[i].content, rows[i].len);
        assert_null(open_on(disk, false, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(err_message(&e), rows[i].says));
        assert_memory_equal(crash_vfs_content(disk, FILE_NAME, &len), rows[i].content, rows[i].len);
        assert_int_equal(len, rows[i].len);
        assert_int_equal(crash_vfs_steps(disk), 0);
        crash_vfs_free(disk);
    }
}

static void other_databases_and_newer_formats_are_refused(void **state)
{
    static const struct {
        size_t at;                     /* of the header: application_id, user_version */
        char byte;
        const char *says;
    } rows[] = { { 68, 1, "SQLite database of another program" }, { 63, 2, "a newer dormouse wrote it (format 2" } };
    struct life l = { 0 };

    end_life(&l, 2, false);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct crash_vfs *disk = crash_vfs_after(l.disk, crash_vfs_steps(l.disk), CRASH_NONE, 0);
        cleanup_arena struct arena *a = arena_new();
        struct err e = ERR_IN(a);
        size_t len;
        crash_vfs_content(disk, FILE_NAME, &len)[rows[i].at] = rows[i].byte;
        assert_null(open_on(disk, false, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(err_message(&e), rows[i].says));
        assert_int_equal(crash_vfs_steps(disk), 0);
        crash_vfs_free(disk);
    }
    life_release(&l);
}

static void an_empty_file_is_a_new_one(void **state)
{
    struct crash_vfs *disk = crash_vfs_new();
    struct err e = { 0 };
    struct store *s;

    crash_vfs_put(disk, FILE_NAME, "", 0);
    s = open_on(disk, false, &e);
    assert_non_null(s);
    assert_int_equal(store_revision(s), 1);
    store_free(s);
    crash_vfs_put(disk, FILE_NAME, "", 0);
    crash_vfs_put(disk, FILE_NAME "-wal", "something", 9);
    assert_null(open_on(disk, false, &e));
    assert_int_equal(e.code, ERR_PROTOCOL);
    crash_vfs_free(disk);
}

int main(int argc, char **argv)
{
    bool soak = argc > 1 && streq(argv[1], "--soak");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(power_may_be_cut_behind_any_write, &soak),
        cmocka_unit_test(who_does_not_sync_is_caught),
        cmocka_unit_test(who_acknowledges_before_the_sync_is_caught),
        cmocka_unit_test(a_full_disk_refuses_and_goes_on_later),
        cmocka_unit_test(it_opens_on_a_full_disk_to_be_read),
        cmocka_unit_test(a_failing_disk_loses_nothing_acknowledged),
        cmocka_unit_test_prestate(a_damaged_database_is_refused, &soak),
        cmocka_unit_test_prestate(a_damaged_write_ahead_log_is_refused, &soak),
        cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(other_databases_and_newer_formats_are_refused),
        cmocka_unit_test(an_empty_file_is_a_new_one),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("durable", tests, NULL, NULL);
}
