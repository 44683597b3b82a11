/* One driver call as a task, and the memory of how calls went (drive.h; SUS-075, SUS-082, DRV-007). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "controller/sandbox/drive.h"

struct bench {
    struct world *world;
    struct proc *proc;
    struct workq *queue;
    struct drive drive;
    struct snapshot_driver driver;
    enum rpc_code code;
    duration takes;
    duration allowed;                  /* what the deadline left when the call came in */
    unsigned calls;
};

static const struct objkey key = { "ns", "s" };

static enum rpc_code remove_call(struct co *co, struct snapshot_driver *d,
                                 const struct snapshot_delete_request *q, struct instant deadline,
                                 struct arena *a, struct rpc_status *st)
{
    struct bench *b = container_of(d, struct bench, driver);

    b->calls++;
    b->allowed = instant_sub(deadline, world_now(b->world));
    if (co_sleep(co, b->takes) < 0)
        return rpc_fail(a, st, RPC_CANCELLED, "cancelled");
    return b->code ? rpc_fail(a, st, b->code, "no") : rpc_ok(st);
}

static const struct snapshot_driver_ops ops = { .name = "bench", .remove = remove_call };

static void setup(struct bench *b)
{
    struct world_options o = { .mode = WORLD_SIM, .seed = 1 };

    *b = (struct bench){ .driver = { &ops }, .takes = DURATION_S(3) };
    b->world = world_new(&o);
    b->proc = proc_new(b->world, "p");
    b->queue = workq_new(b->world, NULL);
    drive_init(&b->drive, b->proc, b->queue, &key);
}

static void teardown(struct bench *b)
{
    proc_kill(b->proc);
    while (proc_tasks(b->proc) && world_step(b->world, INSTANT_NEVER))
        ;
    drive_release(&b->drive);
    workq_free(b->queue);
    proc_free(b->proc);
    world_free(b->world);
}

static void run(struct bench *b)
{
    while (world_step(b->world, INSTANT_NEVER))
        ;
}

static enum drive_state state(struct bench *b, const char *id, int64_t generation, duration later)
{
    return drive_state(&b->drive, DRIVE_REMOVE, id, generation, 0, instant_add(world_now(b->world), later));
}

static void start(struct bench *b)
{
    drive_prepare(&b->drive);
    drive_start(&b->drive, &b->driver);
}

static void a_call_wakes_its_key(void **s)
{
    struct bench b;

    setup(&b);
    assert_int_equal(state(&b, "x", 1, 0), DRIVE_MAY_CALL);
    start(&b);
    assert_int_equal(state(&b, "x", 1, 0), DRIVE_BUSY);
    assert_int_equal(state(&b, "y", 1, 0), DRIVE_BUSY);       /* SUS-081: nothing else meanwhile */
    assert_int_equal(workq_len(b.queue), 0);
    run(&b);
    assert_int_equal(workq_len(b.queue), 1);
    assert_int_equal(state(&b, "x", 1, 0), DRIVE_ANSWERED);
    assert_int_equal(b.drive.code, RPC_OK);
    assert_int_equal(b.allowed, DURATION_MIN(1));             /* DRV-007 */
    drive_settle(&b.drive);
    assert_int_equal(state(&b, "x", 1, 0), DRIVE_MAY_CALL);
    assert_int_equal(b.calls, 1);
    teardown(&b);
}

static void retries_double_to_five_minutes(void **s)
{
    static const int seconds[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300 };
    struct bench b;

    setup(&b);
    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        duration wait = DURATION_S(seconds[i]);
        assert_int_equal(state(&b, "x", 1, i ? DURATION_MIN(5) : 0), DRIVE_MAY_CALL);
        drive_fail(&b.drive, "no", false, 1, 0, world_now(b.world));
        assert_int_equal(state(&b, "x", 1, wait - 1), DRIVE_WAITING);
        assert_int_equal(state(&b, "x", 2, wait - 1), DRIVE_WAITING);     /* a change is no reason */
        assert_int_equal(state(&b, "x", 1, wait), DRIVE_MAY_CALL);
    }
    assert_true(drive_failed(&b.drive, DRIVE_REMOVE, "x"));
    assert_string_equal(b.drive.failure, "no");
    teardown(&b);
}

static void terminal_waits_for_a_change(void **s)
{
    struct bench b;

    setup(&b);
    state(&b, "x", 1, 0);
    drive_fail(&b.drive, "no", true, 1, 0, world_now(b.world));
    assert_int_equal(state(&b, "x", 1, DURATION_S(299)), DRIVE_WAITING);
    assert_int_equal(state(&b, "x", 2, 0), DRIVE_MAY_CALL);
    assert_int_equal(state(&b, "x", 1, DURATION_MIN(5)), DRIVE_MAY_CALL);
    teardown(&b);
}

static void another_id_starts_clean(void **s)
{
    struct bench b;

    setup(&b);
    state(&b, "x", 1, 0);
    drive_fail(&b.drive, "no", true, 1, 0, world_now(b.world));
    assert_int_equal(state(&b, "y", 1, 0), DRIVE_MAY_CALL);
    assert_false(drive_failed(&b.drive, DRIVE_REMOVE, "x"));
    teardown(&b);
}

static void unknown_outcomes_are_remembered(void **s)         /* SUS-077 */
{
    struct bench b;

    setup(&b);
    b.code = RPC_UNAVAILABLE;
    state(&b, "x", 1, 0);
    start(&b);
    run(&b);
    assert_true(b.drive.uncertain);
    drive_fail(&b.drive, "no", false, 1, 0, world_now(b.world));
    b.code = RPC_ABORTED;
    assert_int_equal(state(&b, "x", 1, DURATION_S(9)), DRIVE_MAY_CALL);
    start(&b);
    run(&b);
    assert_true(b.drive.uncertain);               /* still: a definite answer to a later call is not one to it */
    drive_settle(&b.drive);
    assert_false(b.drive.uncertain);
    teardown(&b);
}

static void a_crash_under_a_call(void **s)
{
    struct bench b;

    setup(&b);
    state(&b, "x", 1, 0);
    start(&b);
    world_step(b.world, INSTANT_NEVER);
    proc_kill(b.proc);
    run(&b);
    assert_false(b.drive.running);
    assert_false(b.drive.answered);
    assert_int_equal(workq_len(b.queue), 0);
    teardown(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_wakes_its_key),
        cmocka_unit_test(retries_double_to_five_minutes),
        cmocka_unit_test(terminal_waits_for_a_change),
        cmocka_unit_test(another_id_starts_clean),
        cmocka_unit_test(unknown_outcomes_are_remembered),
        cmocka_unit_test(a_crash_under_a_call),
    };

    return cmocka_run_group_tests_name("drive", tests, NULL, NULL);
}
