/* Villains do what their rows say. Those that can be told from a good driver blind are caught by
 * `dormouse certify --villain`; here are the deeds that only Pods can tell, and that none falls over. */
#include "drivers/directory/test_bench.h"

#include "drivers/villains/villains.h"

static struct bench *bench_of(const char *villain)
{
    struct bench *b = bench_new(1);

    b->driver = villain_new_beside(villain, b->driver, b->world, &b->host);
    assert_non_null(b->driver);
    return b;
}

static void every_row_is_whole(void **state)
{
    size_t n;
    const struct villain_row *rows = villain_rows(&n);

    assert_true(n >= 15);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(villain_find(rows[i].name), &rows[i]);
        assert_true(str_starts(rows[i].breaks, "DRV-") || str_starts(rows[i].breaks, "SUS-"));
        assert_true(*rows[i].sentence);
        assert_non_null(rows[i].ops.checkpoint);
        assert_non_null(rows[i].ops.free);
    }
    assert_null(villain_find("nobody"));
    assert_null(villain_new("nobody", NULL, NULL));
}

/* A life with everything in it. Nothing is asserted of a villain's answers. */
static void a_life(struct co *co, struct bench *b, struct arena *a)
{
    struct checkpoint_request q = want(a, 'a', "c1"), other = want(a, 'b', "c2");
    struct freeze_request f = { "sandbox-a", "ns", "pod-a", "sandbox-uid-a", "pod-uid-a", "", { 0 } };
    struct checkpoint_response r = { .snapshot_uid = "" };
    struct driver_info info;
    struct rpc_status st;

    driver_get_info(co, b->driver, soon(co), a, &info, &st);
    for (int i = 0; i < 3; i++) {
        checkpoint(co, b, a, &q, &r);
        if (checkpoint(co, b, a, &other, &r) != RPC_OK)
            r.snapshot_uid = "none";
        restore(co, b, a, r.snapshot_uid, "sandbox-uid-b");
        driver_freeze(co, b->driver, &f, soon(co), a, &st);
        driver_unfreeze(co, b->driver, &f, soon(co), a, &st);
        listed(co, b, a, "c1");
        delete(co, b, a, r.snapshot_uid, "", "");
        delete(co, b, a, "", "c1", "sandbox-uid-a");
        delete(co, b, a, "", "", "");
    }
}

static void none_falls_over(void **state)
{
    size_t n;
    const struct villain_row *rows = villain_rows(&n);

    for (size_t i = 0; i < n; i++) {
        struct bench *b = bench_of(rows[i].name);
        run(b, a_life);
        bench_free(b);
    }
}

static void ask(struct co *co, struct bench *b, struct arena *a)
{
    struct checkpoint_request q = want(a, 'a', "c1");
    struct checkpoint_response r;

    if (checkpoint(co, b, a, &q, &r) == RPC_OK) {
        restore(co, b, a, r.snapshot_uid, "sandbox-uid-a");
        note(b, b->n_offers == 1, "nothing was offered");
    }
}

static void drv_014_lets_run_on(void **state)
{
    struct bench *b = bench_of("lets-run-on");

    run(b, ask);
    assert_int_equal(b->pods[0].state, GUEST_RUNNING);
    bench_free(b);
}

static void drv_015_leaves_frozen(void **state)
{
    struct bench *b = bench_of("leaves-frozen");

    run(b, ask);
    assert_int_equal(b->pods[0].state, GUEST_FROZEN);
    assert_int_equal(b->n_offers, 0);
    bench_free(b);
}

static void drv_016_takes_any_pod(void **state)
{
    struct bench *b = bench_of("takes-any-pod");

    b->pods[0].uid = "a-later-uid";
    run(b, ask);
    assert_int_equal(b->pods[0].state, GUEST_FROZEN);
    bench_free(b);
}

static void drv_010_restores_blank(void **state)
{
    struct bench *b = bench_of("restores-blank");

    run(b, ask);
    assert_string_equal(b->offers[0].image, "{\"memory\":{},\"steps\":0}");
    bench_free(b);
}

static void freeze_once(struct co *co, struct bench *b, struct arena *a)
{
    struct freeze_request f = { "sandbox-a", "ns", "pod-a", "sandbox-uid-a", "pod-uid-a", "", { 0 } };
    struct rpc_status st;

    note(b, driver_freeze(co, b->driver, &f, soon(co), a, &st) == RPC_OK, "Freeze failed");
    b->want_files = b->pods[0].state == GUEST_FROZEN;
    note(b, driver_unfreeze(co, b->driver, &f, soon(co), a, &st) == RPC_OK, "Unfreeze failed");
}

static void drv_050_freezes_nothing(void **state)
{
    struct bench *b = bench_of("freezes-nothing");

    run(b, freeze_once);
    assert_int_equal(b->want_files, 0);
    bench_free(b);
}

static void drv_051_never_thaws(void **state)
{
    struct bench *b = bench_of("never-thaws");

    run(b, freeze_once);
    assert_int_equal(b->want_files, 1);
    assert_int_equal(b->pods[0].state, GUEST_FROZEN);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(none_falls_over),
        cmocka_unit_test(drv_014_lets_run_on),
        cmocka_unit_test(drv_015_leaves_frozen),
        cmocka_unit_test(drv_016_takes_any_pod),
        cmocka_unit_test(drv_010_restores_blank),
        cmocka_unit_test(drv_050_freezes_nothing),
        cmocka_unit_test(drv_051_never_thaws),
    };

    return cmocka_run_group_tests_name("villains", tests, NULL, NULL);
}
