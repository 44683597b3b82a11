/* The queue between informers and reconcilers: promises 1 to 4 of workqueue.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/workqueue.h"

static const struct objkey a = { "ns", "a" }, b = { "ns", "b" };

/* What one worker does with each key: writes it down, works for a while, maybe adds it again. */
struct bench {
    struct world *world;
    struct proc *proc;
    struct workq *q;
    char log[512];
    unsigned working, overlap;         /* of key a */
    duration takes;
    struct instant until;
    bool again;                        /* add a once more while it is being worked on */
};

static void worker(struct co *co, void *arg)
{
    struct bench *t = arg;
    const struct objkey *key;

    while ((key = workq_get(co, t->q)) != NULL) {
        strcat(t->log, key->name);
        if (streq(key->name, "a") && ++t->working > 1)
            t->overlap++;
        if (t->again && streq(key->name, "a")) {
            t->again = false;
            workq_add(t->q, &a);
            workq_add(t->q, &a);
        }
        if (t->takes)
            co_sleep(co, t->takes);
        if (streq(key->name, "a"))
            t->working--;
        workq_done(t->q, key);
    }
}

static void setup(struct bench *t, unsigned workers, uint64_t seed)
{
    struct world_options o = { .mode = WORLD_SIM, .seed = seed };

    *t = (struct bench){ 0 };
    t->world = world_new(&o);
    t->until = world_now(t->world);
    t->proc = proc_new(t->world, "p");
    t->q = workq_new(t->world, NULL);
    for (unsigned i = 0; i < workers; i++)
        co_spawn(t->proc, "worker", worker, t);
}

static void run(struct bench *t, duration d)
{
    t->until = instant_add(t->until, d);         /* the clock stands at the last timer, not here */
    while (world_step(t->world, t->until))
        ;
}

static void teardown(struct bench *t)
{
    proc_kill(t->proc);
    while (proc_tasks(t->proc) && world_step(t->world, INSTANT_NEVER))
        ;
    proc_free(t->proc);
    workq_free(t->q);
    world_free(t->world);
}

static void adding_twice_is_once(void **state)
{
    struct bench t;

    setup(&t, 1, 1);
    workq_add(t.q, &b);
    workq_add(t.q, &a);
    workq_add(t.q, &b);
    assert_int_equal(workq_len(t.q), 2);
    run(&t, DURATION_S(1));
    assert_string_equal(t.log, "ba");
    assert_true(workq_idle(t.q));
    teardown(&t);
}

static void never_lent_twice_at_once(void **state)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct bench t;
        setup(&t, 3, seed);
        t.takes = DURATION_MS(5);
        t.again = true;
        for (int i = 0; i < 20; i++) {
            workq_add(t.q, &a);
            workq_add(t.q, &b);
            run(&t, DURATION_MS(1));
        }
        run(&t, DURATION_S(1));
        assert_int_equal(t.overlap, 0);
        assert_true(strlen(t.log) >= 4);
        assert_true(workq_idle(t.q));
        teardown(&t);
    }
}

static void added_while_lent_comes_again_once(void **state)
{
    struct bench t;

    setup(&t, 2, 1);
    t.takes = DURATION_MS(5);
    t.again = true;
    workq_add(t.q, &a);
    run(&t, DURATION_S(1));
    assert_string_equal(t.log, "aa");
    teardown(&t);
}

static void moments_come_in_order(void **state)
{
    struct bench t;

    setup(&t, 1, 1);
    workq_add_after(t.q, &a, DURATION_S(3));
    workq_add_after(t.q, &b, DURATION_S(2));
    workq_add_after(t.q, &a, DURATION_S(9));      /* the earlier moment stays */
    run(&t, DURATION_S(1));
    assert_string_equal(t.log, "");
    run(&t, DURATION_S(1));
    assert_string_equal(t.log, "b");
    run(&t, DURATION_S(1));
    assert_string_equal(t.log, "ba");
    run(&t, DURATION_S(20));
    assert_string_equal(t.log, "ba");
    teardown(&t);
}

static void failures_back_off_and_are_forgotten(void **state)
{
    struct bench t;
    duration want = DURATION_MS(5);

    setup(&t, 0, 1);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(workq_add_rate_limited(t.q, &a), want);
        want = want * 2 > DURATION_S(1000) ? DURATION_S(1000) : want * 2;
    }
    assert_int_equal(workq_failures(t.q, &a), 30);
    workq_forget(t.q, &a);
    assert_int_equal(workq_add_rate_limited(t.q, &a), DURATION_MS(5));
    teardown(&t);
}

static void shutdown_ends_the_workers(void **state)
{
    struct bench t;

    setup(&t, 2, 1);
    workq_add(t.q, &a);
    workq_add_after(t.q, &b, DURATION_S(1));
    workq_shutdown(t.q);
    workq_add(t.q, &b);
    run(&t, DURATION_S(5));
    assert_string_equal(t.log, "a");
    assert_int_equal(proc_tasks(t.proc), 0);
    teardown(&t);
}

static void a_crash_loses_no_memory(void **state)
{
    struct bench t;

    setup(&t, 2, 1);
    t.takes = DURATION_S(5);
    for (int i = 0; i < 200; i++) {
        char name[16];
        struct objkey key = { "ns", name };
        snprintf(name, sizeof(name), "k%d", i);
        workq_add(t.q, &key);
    }
    run(&t, DURATION_S(1));
    teardown(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adding_twice_is_once),
        cmocka_unit_test(never_lent_twice_at_once),
        cmocka_unit_test(added_while_lent_comes_again_once),
        cmocka_unit_test(moments_come_in_order),
        cmocka_unit_test(failures_back_off_and_are_forgotten),
        cmocka_unit_test(shutdown_ends_the_workers),
        cmocka_unit_test(a_crash_loses_no_memory),
    };

    return cmocka_run_group_tests_name("workqueue", tests, NULL, NULL);
}
