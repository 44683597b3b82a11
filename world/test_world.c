/* Tasks, time and chance: promises 1 to 3 of world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/world.h"

static struct world *sim(uint64_t seed)
{
    struct world_options o = { .mode = WORLD_SIM, .seed = seed, .trace_keep = true };

    return world_new(&o);
}

static void run(struct world *w)
{
    while (world_step(w, INSTANT_NEVER))
        ;
}

static void sleeper(struct co *co, void *arg)
{
    for (int i = 0; i < 3; i++) {
        world_trace(co_world(co), co_name(co), "turn %d", i);
        if (co_sleep(co, DURATION_S(1)) < 0)
            return;
    }
}

static char *story(uint64_t seed, size_t *ret_choices)
{
    struct world *w = sim(seed);
    struct proc *p = proc_new(w, "p");
    size_t len;
    char *text;

    co_spawn(p, "a", sleeper, NULL);
    co_spawn(p, "b", sleeper, NULL);
    co_spawn(p, "c", sleeper, NULL);
    run(w);
    text = xstrdup(world_trace_text(w, &len));
    world_choices(w, ret_choices);
    assert_int_equal(proc_tasks(p), 0);
    proc_kill(p);
    proc_free(p);
    world_free(w);
    return text;
}

static void same_seed_same_story(void **state)
{
    size_t n, m;
    cleanup_free char *first = story(7, &n), *other = story(8, &m);

    for (int i = 0; i < 1000; i++) {
        cleanup_free char *again = story(7, &m);
        assert_string_equal(first, again);
        assert_int_equal(n, m);
    }
    assert_true(n > 3);
    assert_string_not_equal(first, other);
}

static void replay_takes_the_choices(void **state)
{
    struct world *w = sim(42), *again;
    uint32_t taken[64];
    const struct choice *c;
    size_t n;

    for (int i = 0; i < 20; i++)
        choose(w, CHOICE_PICK, 10, "test");
    c = world_choices(w, &n);
    assert_int_equal(n, 20);
    for (size_t i = 0; i < n; i++)
        taken[i] = c[i].taken;
    struct world_options o = { .mode = WORLD_SIM, .seed = 1, .replay = taken, .n_replay = n,
                               .replay_then_default = true };
    again = world_new(&o);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(choose(again, CHOICE_PICK, 10, "test"), taken[i]);
    assert_int_equal(choose(again, CHOICE_PICK, 10, "test"), 0);
    assert_int_equal(choose(again, CHOICE_PICK, 1, "no choice"), 0);
    world_free(w);
    world_free(again);
}

struct waiting {
    struct waitq q;
    int result, unwound;
};

static void waiter(struct co *co, void *arg)
{
    struct waiting *t = arg;

    t->result = waitq_wait(co, &t->q);
    while (t->result == 0)
        t->result = co_sleep(co, DURATION_S(1));
    t->unwound++;
}

static void a_killed_process_unwinds(void **state)
{
    struct world *w = sim(1);
    struct proc *p = proc_new(w, "p");
    struct waiting t = { 0 };

    co_spawn(p, "waiter", waiter, &t);
    co_spawn(p, "waiter", waiter, &t);
    run(w);
    assert_int_equal(t.unwound, 0);
    proc_kill(p);
    assert_int_equal(t.unwound, 2);
    assert_int_equal(t.result, -ERR_CANCELLED);
    assert_null(t.q.head);
    proc_free(p);
    world_free(w);
}

static void suicide(struct co *co, void *arg)
{
    int *result = arg;

    proc_kill(co_proc(co));
    *result = co_yield(co);
}

static void a_task_may_kill_its_own_process(void **state)
{
    struct world *w = sim(1);
    struct proc *p = proc_new(w, "p");
    struct waiting t = { 0 };
    int result = 0;

    co_spawn(p, "waiter", waiter, &t);
    co_spawn(p, "suicide", suicide, &result);
    run(w);
    assert_int_equal(result, -ERR_CANCELLED);
    assert_int_equal(t.unwound, 1);
    proc_free(p);
    world_free(w);
}

static void times_out(struct co *co, void *arg)
{
    struct waiting *t = arg;

    t->result = waitq_wait_until(co, &t->q, instant_add(co_now(co), DURATION_S(5)));
}

static void a_wait_ends_at_its_deadline(void **state)
{
    struct world *w = sim(1);
    struct proc *p = proc_new(w, "p");
    struct waiting t = { 0 };

    co_spawn(p, "t", times_out, &t);
    run(w);
    assert_int_equal(t.result, -ERR_TIMEOUT);
    assert_int_equal(instant_sub(world_now(w), SIM_EPOCH), DURATION_S(5));
    proc_free(p);
    world_free(w);
}

struct order {
    char *text;
    char mark;
};

static void mark(void *arg)
{
    struct order *o = arg;

    o->text[strlen(o->text)] = o->mark;
}

static void timers_at_one_instant_keep_their_order(void **state)
{
    struct world_options o = { .mode = WORLD_SIM, .replay_then_default = true };
    struct world *w = world_new(&o);
    struct timer t[26] = { 0 };
    struct order order[26];
    char text[32] = "";

    for (size_t i = 0; i < 26; i++) {
        order[i] = (struct order){ text, (char)('a' + i) };
        timer_set(w, &t[i], instant_add(SIM_EPOCH, DURATION_S(1)), mark, &order[i]);
    }
    timer_cancel(&t[3]);
    run(w);
    assert_string_equal(text, "abcefghijklmnopqrstuvwxyz");
    world_free(w);
}

static void identity_is_no_choice(void **state)
{
    struct world *w = sim(5);
    char uuid[37];
    size_t n;

    world_uuid(w, uuid);
    world_choices(w, &n);
    assert_int_equal(n, 0);
    assert_int_equal(strlen(uuid), 36);
    assert_int_equal(uuid[14], '4');
    world_free(w);
}

static void deep(struct co *co, void *arg)
{
    volatile char room[100 * 1024];

    memset((char *)room, 1, sizeof(room));
    co_yield(co);
    *(int *)arg += room[50000];
}

static void ten_thousand_tasks(void **state)
{
    struct world_options o = { .mode = WORLD_SIM, .replay_then_default = true };
    struct world *w = world_new(&o);
    struct proc *p = proc_new(w, "p");
    int sum = 0;

    for (int i = 0; i < 2000; i++)
        co_spawn(p, "deep", deep, &sum);
    run(w);
    assert_int_equal(sum, 2000);
    proc_free(p);
    world_free(w);
}

static void time_text(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t seconds;
    } rows[] = {
        { "1970-01-01T00:00:00Z", true, 0 },
        { "2025-01-01T00:00:00Z", true, 1735689600 },
        { "2024-02-29T12:30:05+02:00", true, 1709202605 },
        { "1969-12-31T23:59:59Z", true, -1 },
        { "2023-02-29T00:00:00Z", false, 0 },
        { "2025-01-01 00:00:00Z", false, 0 },
        { "2025-01-01T00:00:00", false, 0 },
        { "2025-01-01T24:00:00Z", false, 0 },
        { "2025-01-01T00:00:00.Z", false, 0 },
        { "2025-01-01T00:00:00Zx", false, 0 },
    };
    struct instant t;
    char text[TIME_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(time_parse(rows[i].text, &t), rows[i].ok);
        if (rows[i].ok)
            assert_int_equal(t.ns, rows[i].seconds * 1000000000);
    }
    time_format((struct instant){ INT64_C(1709202605123456789) }, text);
    assert_string_equal(text, "2024-02-29T10:30:05Z");
    time_format_micro((struct instant){ INT64_C(1709202605123456789) }, text);
    assert_string_equal(text, "2024-02-29T10:30:05.123456Z");
    time_format((struct instant){ -1 }, text);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_story),
        cmocka_unit_test(replay_takes_the_choices),
        cmocka_unit_test(a_killed_process_unwinds),
        cmocka_unit_test(a_task_may_kill_its_own_process),
        cmocka_unit_test(a_wait_ends_at_its_deadline),
        cmocka_unit_test(timers_at_one_instant_keep_their_order),
        cmocka_unit_test(identity_is_no_choice),
        cmocka_unit_test(ten_thousand_tasks),
        cmocka_unit_test(time_text),
    };

    return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}
