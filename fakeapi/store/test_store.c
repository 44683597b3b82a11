/* The contract of the store (its promises 1 to 7; C-001, C-002) over every commit log, against a plain
 * list; and what lists of operations do not reach. */
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "fakeapi/store/oracle.h"
#include "kube/json.h"

#define SEEDS 60
#define OPS 250

/* ---- random operations ---------------------------------------------------------------------------- */

static void report(enum oracle_log log, uint64_t seed, struct op *ops, size_t n)
{
    cleanup_buf struct buf b = BUF_INIT;
    cleanup_free char *why = NULL;
    size_t at;

    n = oracle_shrink(log, seed, ops, n);
    why = oracle_run(log, seed, ops, n, &at);
    buf_printf(&b, "log %d, seed %llu: %s, after\n", (int)log, (unsigned long long)seed, why);
    for (size_t i = 0; i < n; i++) {
        oracle_describe(&b, &ops[i]);
        buf_add_char(&b, '\n');
    }
    print_error("%s", b.data);
}

static void check_log(void **state)
{
    enum oracle_log log = *(enum oracle_log *)*state;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        cleanup_free struct op *ops = oracle_ops(log, seed, OPS);
        char *why = oracle_run(log, seed, ops, OPS, NULL);
        free(why);
        if (!why)
            continue;
        report(log, seed, ops, OPS);
        fail();
    }
}

/* ---- many keys: the tree splits, empties and shrinks ------------------------------------------------ */

#define MANY 20000

static struct value *number(int64_t n)
{
    return value_from_tree(json_integer(n));
}

static bool count_sorted(void *arg, const struct record *r)
{
    char *last = arg;

    if (strcmp(last, r->key) >= 0)
        return false;
    strcpy(last, r->key);
    return true;
}

static void tree_of_many_keys(void **state)
{
    struct store *s = store_new();
    char key[64], last[64] = "";
    size_t remaining, before;
    uint64_t print, mark;

    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(key, sizeof(key), "/pods/ns%02u/p%07u", i % 7, (i * 7919) % MANY);
        assert_int_equal(store_put(s, key, number(i), 0, NULL), 0);
    }
    assert_int_equal(store_count(s, "/pods/"), MANY);
    before = store_count(s, "/pods/ns03/");
    print = store_fingerprint(s);
    mark = store_mark(s);
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(key, sizeof(key), "/pods/ns%02u/p%07u", i % 7, (i * 7919) % MANY);
        if (i % 100)
            assert_int_equal(store_delete(s, key, STORE_ANY, NULL, NULL), 0);
    }
    assert_int_equal(store_count(s, "/pods/"), MANY / 100);
    store_undo(s, mark);
    assert_int_equal(store_count(s, "/pods/ns03/"), before);
    assert_true(store_fingerprint(s) == print);
    assert_int_equal(store_range(s, "/pods/", NULL, 0, 0, count_sorted, last, &remaining), 0);
    assert_int_equal(remaining, 0);
    store_forget(s, mark);

    /* Deleted and compacted away: nothing is left, and all can come again. */
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(key, sizeof(key), "/pods/ns%02u/p%07u", i % 7, (i * 7919) % MANY);
        assert_int_equal(store_delete(s, key, STORE_ANY, NULL, NULL), 0);
    }
    assert_int_equal(store_put(s, "/z", number(1), 0, NULL), 0);
    assert_int_equal(store_compact(s, store_revision(s)), 0);
    assert_int_equal(store_count(s, ""), 1);
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(key, sizeof(key), "/pods/%07u", i);
        assert_int_equal(store_put(s, key, number(i), 0, NULL), 0);
    }
    assert_int_equal(store_count(s, "/pods/00001"), 100);
    store_free(s);
}

static void undo_of_a_new_key_forgets_it(void **state)
{
    struct store *s = store_new();
    struct record r;
    uint64_t mark = store_mark(s);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(store_put(s, "/a", number(i), 0, &r), 0);
        assert_int_equal(r.mod_revision, 2);
        store_undo(s, mark);
        assert_int_equal(store_get(s, "/a", 0, &r), -ERR_NOT_FOUND);
        assert_int_equal(store_revision(s), 1);
    }
    store_free(s);
}

/* ---- values ------------------------------------------------------------------------------------------ */

static void value_makes_the_other_form_once(void **state)
{
    struct value *v = value_from_tree(json_pack("{s:s}", "a", "<b>")), *w;
    struct blob *bytes = value_bytes(v);

    assert_string_equal(bytes->data, "{\"a\":\"\\u003cb\\u003e\"}");
    assert_ptr_equal(value_bytes(v), bytes);
    w = value_from_bytes(blob_ref(bytes));
    assert_true(json_same(value_tree(w), value_tree(v)));
    assert_ptr_equal(value_tree(w), value_tree(w));
    value_unref(v);
    value_unref(w);
}

/* ---- subscribing and unsubscribing from inside an event ------------------------------------------------ */

struct guest {
    struct store *store;
    struct guest *other;
    struct store_watch *watch, *made;
    int told;
};

static void count_told(void *arg, const struct store_event *e)
{
    struct guest *g = arg;

    g->told++;
}

static void drop_the_other(void *arg, const struct store_event *e)
{
    struct guest *g = arg;

    g->told++;
    g->watch = store_watch_free(g->watch);
    g->other->watch = store_watch_free(g->other->watch);
    g->made = store_watch_new(g->store, "/", count_told, g);
}

static void watches_change_while_told(void **state)
{
    struct store *s = store_new();
    struct guest a = { .store = s }, b = { .store = s }, c = { .store = s };

    a.other = &b;
    a.watch = store_watch_new(s, "/", drop_the_other, &a);
    b.watch = store_watch_new(s, "/a", count_told, &b);
    c.watch = store_watch_new(s, "", count_told, &c);
    assert_int_equal(store_put(s, "/a", number(1), 0, NULL), 0);
    assert_int_equal(a.told, 1);       /* once: the watch it made begins with the next write */
    assert_int_equal(b.told, 0);       /* left before its turn */
    assert_int_equal(c.told, 1);
    assert_int_equal(store_put(s, "/a", number(2), STORE_ANY, NULL), 0);
    assert_int_equal(a.told, 2);
    assert_int_equal(c.told, 2);
    store_watch_free(a.made);
    store_watch_free(c.watch);
    store_free(s);
}

/* ---- acknowledged means committed ---------------------------------------------------------------------- */

struct waiter {
    struct store *store;
    uint64_t revision;
    int result;
    bool done;
};

static void wait_committed(struct co *co, void *arg)
{
    struct waiter *w = arg;

    w->result = store_wait_committed(co, w->store, w->revision);
    w->done = true;
}

static void note_unsynced(void *arg)
{
    ++*(int *)arg;
}

static void run_all(struct world *w)
{
    while (world_step(w, INSTANT_NEVER))
        ;
}

static void a_writer_waits_for_the_sync(void **state)
{
    struct world *world = world_new(&(struct world_options){ .seed = 1 });
    struct proc *p = proc_new(world, "server");
    struct store *s = store_open(commitlog_memory_new(), NULL);
    struct waiter w = { .store = s, .revision = 2 };
    int asked = 0;

    store_on_unsynced(s, note_unsynced, &asked);
    assert_int_equal(store_put(s, "/a", number(1), 0, NULL), 0);
    assert_int_equal(store_put(s, "/b", number(1), 0, NULL), 0);
    assert_int_equal(asked, 1);        /* one sync for both */
    co_spawn(p, "writer", wait_committed, &w);
    run_all(world);
    assert_false(w.done);
    assert_int_equal(store_sync(s, NULL), 0);
    run_all(world);
    assert_true(w.done);
    assert_int_equal(w.result, 0);
    assert_int_equal(store_committed(s), 3);
    store_free(s);
    proc_kill(p);
    proc_free(p);
    world_free(world);
}

static void a_failed_sync_acknowledges_nothing(void **state)
{
    struct world *world = world_new(&(struct world_options){ .seed = 1 });
    struct proc *p = proc_new(world, "server");
    struct store *s = store_open(commitlog_faulty_new(commitlog_memory_new(), 2, ERR_FULL, false), NULL);
    struct waiter w = { .store = s, .revision = 2 };

    assert_int_equal(store_put(s, "/a", number(1), 0, NULL), 0);
    co_spawn(p, "writer", wait_committed, &w);
    run_all(world);
    assert_int_equal(store_sync(s, NULL), -ERR_FULL);
    run_all(world);
    assert_true(w.done);
    assert_int_equal(w.result, -ERR_IO);
    assert_int_equal(store_put(s, "/b", number(1), 0, NULL), -ERR_IO);
    assert_int_equal(store_revision(s), 2);
    store_free(s);
    proc_kill(p);
    proc_free(p);
    world_free(world);
}

static void add_line(void *arg, const char *text)
{
    buf_add_str(arg, text);
    buf_add_char(arg, '\n');
}

static void the_trace_tells_each_call(void **state)
{
    cleanup_buf struct buf b = BUF_INIT;
    struct store *s = store_open(commitlog_traced_new(commitlog_memory_new(), add_line, &b), NULL);

    assert_int_equal(store_put(s, "/a", number(1), 0, NULL), 0);
    assert_int_equal(store_put(s, "/a", number(2), 0, NULL), -ERR_EXISTS);
    assert_int_equal(store_delete(s, "/a", 2, NULL, NULL), 0);
    assert_int_equal(store_compact(s, 3), 0);
    assert_int_equal(store_sync(s, NULL), 0);
    assert_string_equal(b.data, "load\nappend 2 CREATE /a version 1\nappend 3 DELETE /a version 0\n"
                                "compact 3\nsync 3\n");
    store_free(s);
}

/* ---- a log that lies ------------------------------------------------------------------------------------ */

struct lying {
    struct commitlog base;
    uint64_t compacted;
    struct commit rows[2];
    size_t n;
};

static int lying_load(struct commitlog *l, uint64_t *ret_compacted, commit_fn *each, void *arg,
                      struct err *e)
{
    struct lying *lie = container_of(l, struct lying, base);

    *ret_compacted = lie->compacted;
    for (size_t i = 0; i < lie->n && each(arg, &lie->rows[i]); i++)
        ;
    return 0;
}

static void lying_free(struct commitlog *l)
{
}

static const struct commitlog_ops lying_ops = { .name = "lying", .load = lying_load, .free = lying_free };

static void a_log_that_contradicts_itself_is_refused(void **state)
{
    struct value *good = number(1), *bad = value_from_bytes(blob_new("{", 1));
    struct lying lies[] = {
        { .n = 1, .rows = { { .revision = 3, .key = "/a", .value = good, .create_revision = 3,
                              .version = 1 } } },
        { .n = 1, .rows = { { .revision = 2, .key = "/a", .value = bad, .create_revision = 2,
                              .version = 1 } } },
        { .n = 1, .rows = { { .revision = 2, .key = "/a", .create_revision = 2, .version = 1 } } },
        { .n = 1, .rows = { { .revision = 2, .key = "/a", .value = good, .create_revision = 3,
                              .version = 1 } } },
        { .n = 1, .rows = { { .revision = 2, .key = "/a", .type = STORE_DELETE } } },
        { .n = 1, .compacted = 9, .rows = { { .revision = 2, .key = "/a", .value = good,
                                              .create_revision = 2, .version = 1 } } },
        { .n = 2, .rows = { { .revision = 2, .key = "/a", .value = good, .create_revision = 2,
                              .version = 1 },
                            { .revision = 2, .key = "/b", .value = good, .create_revision = 2,
                              .version = 1 } } },
    };

    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        cleanup_arena struct arena *a = arena_new();
        struct err e = ERR_IN(a);
        lies[i].base.ops = &lying_ops;
        assert_null(store_open(&lies[i].base, &e));
        assert_int_equal(e.code, ERR_PROTOCOL);
        assert_non_null(strstr(e.message, "revision "));
    }
    value_unref(good);
    value_unref(bad);
}

int main(void)
{
    static const char *const names[LOG_KINDS] = {
        [LOG_NONE] = "promises 1-4, 6, 7 over the log 'none'",
        [LOG_MEMORY] = "promises 1-6 over the log 'memory'",
        [LOG_TRACED] = "promises 1-6 over the log 'traced'",
        [LOG_FAULTY] = "promises 1-6 over the log 'faulty'",
        [LOG_SQLITE] = "promises 1-6 over the log 'sqlite'",
    };
    enum oracle_log logs[LOG_KINDS];
    struct CMUnitTest tests[LOG_KINDS + 8] = {
        [LOG_KINDS] = cmocka_unit_test(tree_of_many_keys),
        cmocka_unit_test(undo_of_a_new_key_forgets_it),
        cmocka_unit_test(value_makes_the_other_form_once),
        cmocka_unit_test(watches_change_while_told),
        cmocka_unit_test(a_writer_waits_for_the_sync),
        cmocka_unit_test(a_failed_sync_acknowledges_nothing),
        cmocka_unit_test(the_trace_tells_each_call),
        cmocka_unit_test(a_log_that_contradicts_itself_is_refused),
    };

    json_object_seed(1);
    for (size_t i = 0; i < LOG_KINDS; i++) {
        logs[i] = (enum oracle_log)i;
        tests[i] = (struct CMUnitTest){ .name = names[i], .test_func = check_log,
                                        .initial_state = &logs[i] };
    }
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
