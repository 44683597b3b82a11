/* The driver dies at every step of a small life, and every unsynced byte and name is kept, lost or torn
 * by the seed: whatever it had answered still holds. DRV-010, DRV-012, DRV-015, DRV-042, DRV-044. */
#include "drivers/directory/test_bench.h"

#define SEEDS 40

/* What the driver has told its caller: it outlives the driver. */
enum step { NOT_ASKED, ASKED, ANSWERED };

struct life {
    struct snapshot {
        char pod;
        const char *id;
        int memory;
        enum step checkpoint, delete;
        char uid[64];
        int64_t size;
    } snapshots[3];
};

static void ask_checkpoint(struct co *co, struct bench *b, struct arena *a, struct snapshot *s)
{
    struct checkpoint_request q = want(a, s->pod, s->id);
    struct checkpoint_response r;

    s->checkpoint = ASKED;
    if (checkpoint(co, b, a, &q, &r) != RPC_OK)
        return;
    s->checkpoint = ANSWERED;
    snprintf(s->uid, sizeof(s->uid), "%s", r.snapshot_uid);
    s->size = r.size_bytes;
}

static void ask_delete(struct co *co, struct bench *b, struct arena *a, struct snapshot *s, bool by_uid)
{
    s->delete = ASKED;
    if (delete(co, b, a, by_uid ? s->uid : "", by_uid ? "" : s->id, arena_printf(a, "sandbox-uid-%c", s->pod))
        == RPC_OK)
        s->delete = ANSWERED;
}

static struct life *life_of(struct bench *b)
{
    return b->arg;
}

static void live(struct co *co, struct bench *b, struct arena *a)
{
    struct snapshot *s = life_of(b)->snapshots;

    ask_checkpoint(co, b, a, &s[0]);
    ask_checkpoint(co, b, a, &s[1]);
    ask_delete(co, b, a, &s[0], true);
    ask_checkpoint(co, b, a, &s[2]);
    ask_delete(co, b, a, &s[2], false);
}

static bool pod_runs(struct bench *b, char pod)
{
    for (size_t i = 0; i < b->n_pods; i++)
        if (b->pods[i].name[4] == pod)
            return b->pods[i].state == GUEST_RUNNING;
    return false;
}

/* Answered OK and not deleted: it is there, and the same. */
static void must_be_kept(struct co *co, struct bench *b, struct arena *a, struct snapshot *s)
{
    struct checkpoint_request q = want(a, s->pod, s->id);
    struct checkpoint_response r = { .snapshot_uid = "" };

    note(b, listed(co, b, a, s->id), "%s was answered OK and is not listed", s->id);
    note(b, checkpoint(co, b, a, &q, &r) == RPC_OK && streq(r.snapshot_uid, s->uid) && r.size_bytes == s->size,
         "%s: the same id is another artifact after the crash", s->id);
    note(b, restore(co, b, a, s->uid, q.sandbox_uid) == RPC_OK, "%s cannot be restored", s->id);
    note(b, streq(offered(b, s->uid), arena_printf(a, "memory of %s: %d", q.pod_uid, s->memory)),
         "%s came back as \"%s\"", s->id, offered(b, s->uid));
    note(b, !pod_runs(b, s->pod), "%s: its workload runs on (DRV-014)", s->id);
}

/* Never answered: there whole, with its workload quiesced, or not at all; either can be asked for again. */
static void must_be_whole_or_nothing(struct co *co, struct bench *b, struct arena *a, struct snapshot *s)
{
    bool there = listed(co, b, a, s->id);

    note(b, files_with(co, b, a, s->id) == there, "%s was never answered and left a file", s->id);
    note(b, pod_runs(b, s->pod) != there, "%s: listed %d, workload running %d", s->id, there,
         pod_runs(b, s->pod));
    if (there || world_steps(b->world) % 2)
        ask_checkpoint(co, b, a, s);
    if (s->checkpoint == ANSWERED)
        must_be_kept(co, b, a, s);
    ask_delete(co, b, a, s, false);
}

static void must_be_gone(struct co *co, struct bench *b, struct arena *a, struct snapshot *s)
{
    struct checkpoint_request q = want(a, s->pod, s->id);
    struct checkpoint_response r;

    note(b, s->delete == ANSWERED, "%s: Delete after the crash failed", s->id);
    note(b, !listed(co, b, a, s->id), "%s was deleted and is listed", s->id);
    note(b, checkpoint(co, b, a, &q, &r) != RPC_OK, "%s was deleted and came back", s->id);
    note(b, files_with(co, b, a, s->id) == 0, "%s was deleted and left a file", s->id);
}

static void judge(struct co *co, struct bench *b, struct arena *a)
{
    struct life *l = life_of(b);

    for (size_t i = 0; i < ARRAY_SIZE(l->snapshots); i++) {
        struct snapshot *s = &l->snapshots[i];
        if (s->checkpoint == NOT_ASKED)
            continue;
        if (s->delete == ASKED)
            ask_delete(co, b, a, s, false);
        else if (s->delete == NOT_ASKED && s->checkpoint == ANSWERED)
            must_be_kept(co, b, a, s);
        else if (s->delete == NOT_ASKED)
            must_be_whole_or_nothing(co, b, a, s);
        if (s->delete != NOT_ASKED)
            must_be_gone(co, b, a, s);
    }
}

static void recover(struct co *co, struct bench *b, struct arena *a)
{
    struct err e = ERR_IN(a);

    note(b, directory_driver_recover(co, b->driver, &e) == 0 || co_cancelled(co), "recovery: %s",
         err_message(&e));
}

static void crash(struct bench *b)
{
    driver_down(b);
    disk_crash(b->disk);
    driver_up(b);
}

/* One life that ends after `steps`, a recovery that may die too, then the judgement. False: the life was
 * over before. */
static bool one(uint64_t seed, size_t steps, size_t recovery_steps)
{
    struct bench *b = bench_new(seed);
    struct life l = { .snapshots = { { .pod = 'a', .id = "first", .memory = 11 },
                                     { .pod = 'b', .id = "second", .memory = 22 },
                                     { .pod = 'c', .id = "third", .memory = 55 } } };
    bool ended;

    b->arg = &l;
    b->pods[3] = (struct pod){ "pod-c", "pod-uid-c", GUEST_RUNNING, 55 };
    ended = run_steps(b, live, steps);
    crash(b);
    if (!run_steps(b, recover, recovery_steps))
        crash(b);
    run_steps(b, judge, 1000000);
    if (*b->wrong)
        fail_msg("seed %d, crash after step %zu, recovery cut after %zu: %s", (int)seed, steps,
                 recovery_steps, b->wrong);
    assert_true(b->told);
    bench_free(b);
    return !ended;
}

static void a_crash_at_every_step(void **state)
{
    size_t lives = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        for (size_t steps = 0; one(seed, steps, 1000000); steps++)
            lives++;
    assert_true(lives > SEEDS * 40);   /* disk operations of one life: none was skipped */
}

static void a_crash_in_the_recovery_too(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS / 4; seed++)
        for (size_t steps = seed % 3; one(seed, steps, (steps * 7 + seed) % 40); steps += 3)
            ;
}

/* Double faults: the disk fails in the middle of an attempt, its rollback fails too, then a crash. */
static void fail_twice(struct co *co, struct bench *b, struct arena *a)
{
    struct snapshot *s = &life_of(b)->snapshots[0];

    recover(co, b, a);
    if (b->want_files % 2)
        disk_fail_from(b->disk, b->want_files / 2 + 1, ERR_IO);
    else
        disk_fail_after(b->disk, b->want_files / 2 + 1, ERR_IO);
    ask_checkpoint(co, b, a, s);
    disk_fail_after(b->disk, 0, ERR_NONE);
}

static void a_failing_disk_then_a_crash(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS / 2; seed++) {
        for (size_t n = 0; n < 40; n++) {
            struct bench *b = bench_new(seed);
            struct life l = { .snapshots = { { .pod = 'a', .id = "first", .memory = 11 } } };
            b->arg = &l;
            b->want_files = n;
            run_steps(b, fail_twice, 1000000);
            crash(b);
            run_steps(b, judge, 1000000);
            if (*b->wrong)
                fail_msg("seed %d, failure %zu: %s", (int)seed, n, b->wrong);
            bench_free(b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_at_every_step),
        cmocka_unit_test(a_crash_in_the_recovery_too),
        cmocka_unit_test(a_failing_disk_then_a_crash),
    };

    return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
