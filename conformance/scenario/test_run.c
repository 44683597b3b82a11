/* The runner: one scenario many times in one process, and each bent client caught by an invariant. */
#include "conformance/scenario/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "conformance/scenario/bend.h"

#define WORLDS 1000

static struct scenario_file *load(const char *path)
{
    FILE *f = fopen(path, "re");
    char text[65536];
    size_t n;

    if (!f)
        return NULL;
    n = fread(text, 1, sizeof(text), f);
    fclose(f);
    return scenario_parse(path, text, n);
}

static void some_task(struct co *co, void *arg)
{
    co_sleep(co, DURATION_S(1));
    choose(co_world(co), CHOICE_PICK, 3, "some");
}

/* A world of little use: what matters is that it was there. */
static void another_world(uint64_t seed)
{
    struct world_options o = { .mode = WORLD_SIM, .seed = seed };
    struct world *w = world_new(&o);
    struct proc *p = proc_new(w, "some");

    co_spawn(p, "task", some_task, NULL);
    while (world_step(w, INSTANT_NEVER))
        ;
    proc_kill(p);
    proc_free(p);
    world_free(w);
}

static void the_thousandth_world_is_as_the_first(void **state)
{
    struct scenario_file *f = *state;
    struct run_options o = { .schedule = { SCHEDULE_PLAIN, 3, 0 } };
    struct run_result first, r;

    run_scenario(f->scenario, &o, &first);
    assert_true(first.held);
    for (int i = 1; i < WORLDS; i++) {
        if (i % 100 != 99) {
            another_world((uint64_t)i);
            continue;
        }
        run_scenario(f->scenario, &o, &r);
        assert_true(r.held);
        assert_int_equal(r.trace_hash, first.trace_hash);
        assert_int_equal(r.steps, first.steps);
        assert_int_equal(r.choices, first.choices);
        run_result_release(&r);
    }
    run_result_release(&first);
}

static void a_seed_is_a_schedule(void **state)
{
    struct scenario_file *f = *state;
    struct run_options o = { .schedule = { SCHEDULE_SEED, 11, 0 }, .trace = true };
    struct run_result a, b, other;

    run_scenario(f->scenario, &o, &a);
    run_scenario(f->scenario, &o, &b);
    o.schedule.seed = 12;
    run_scenario(f->scenario, &o, &other);
    assert_true(a.held && b.held && other.held);
    assert_string_equal(a.trace, b.trace);
    assert_string_not_equal(a.trace, other.trace);
    assert_true(a.choices > 10);
    run_result_release(&a);
    run_result_release(&b);
    run_result_release(&other);
}

static void the_crash_loop_ends_when_nothing_is_left_to_crash(void **state)
{
    struct scenario_file *f = *state;
    struct run_options o = { .schedule = { SCHEDULE_CRASH_BEFORE, 3, 1 } };
    struct run_result r;
    uint64_t effects;

    run_scenario(f->scenario, &o, &r);
    assert_true(r.held && r.reached);
    run_result_release(&r);
    o.schedule = (struct schedule){ SCHEDULE_PLAIN, 3, 0 };
    run_scenario(f->scenario, &o, &r);
    effects = r.effects;
    assert_true(effects > 10);
    run_result_release(&r);
    o.schedule = (struct schedule){ SCHEDULE_CRASH_AFTER, 3, effects + 20 };
    run_scenario(f->scenario, &o, &r);
    assert_true(r.held && !r.reached);
    run_result_release(&r);
}

/* Who notices: an invariant, or ("") the runner, because the controller turns in a circle. */
static const struct bent_row {
    const char *bend, *invariant;
} bent_rows[] = {
    { "deletes-blindly", "deletes-name-their-victim" },
    { "forgets-the-intent", "no-idle-status-write" },
    { "forgets-the-snapshot", "" },
    { "forgets-the-queue", "snapshots-are-not-dropped" },
    { "skips-the-finalizer", "" },
    { "hides-the-restore", "restore-before-pod" },
    { "restamps-conditions", "transition-times" },
    { "always-ready", "never-ready-when-asked-to-sleep" },
    { "writes-twice", "no-idle-status-write" },
};

static void bent_clients_are_caught(void **state)
{
    struct scenario_file *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(bent_rows); i++) {
        struct run_options o = { .schedule = { SCHEDULE_PLAIN, 3, 0 },
                                 .client_villain = bent_rows[i].bend };
        struct run_result r;
        run_scenario(f->scenario, &o, &r);
        if (r.held || !streq(r.invariant, bent_rows[i].invariant))
            fail_msg("%s: %s, %s", bent_rows[i].bend, r.held ? "not caught" : r.invariant, r.message);
        run_result_release(&r);
    }
    assert_null(bend_at(ARRAY_SIZE(bent_rows)));
}

static const struct schedule_row {
    const char *text;
    bool fine;
} schedule_rows[] = {
    { "plain", true },           { "seed", true },          { "crash-before:1", true },
    { "crash-after:20", true },  { "crash-after:", false }, { "crash-after:0", false },
    { "crash-after:x", false },  { "", false },             { "Plain", false },
};

static void schedules_are_read_as_they_are_printed(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(schedule_rows); i++) {
        cleanup_arena struct arena *a = arena_new();
        struct schedule s = { 0 };
        assert_int_equal(schedule_parse(schedule_rows[i].text, &s), schedule_rows[i].fine);
        if (schedule_rows[i].fine)
            assert_string_equal(schedule_text(a, &s), schedule_rows[i].text);
    }
}

int main(int argc, char **argv)
{
    struct scenario_file *f = argc == 2 ? load(argv[1]) : NULL;
    struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(the_thousandth_world_is_as_the_first, f),
        cmocka_unit_test_prestate(a_seed_is_a_schedule, f),
        cmocka_unit_test_prestate(the_crash_loop_ends_when_nothing_is_left_to_crash, f),
        cmocka_unit_test_prestate(bent_clients_are_caught, f),
        cmocka_unit_test(schedules_are_read_as_they_are_printed),
    };
    int r;

    if (!f || !f->scenario)
        return 2;
    r = cmocka_run_group_tests_name("run", tests, NULL, NULL);
    scenario_file_free(f);
    return r;
}
