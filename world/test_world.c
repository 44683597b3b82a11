/* Tasks, time and chance: promises 1 to 3 of world.h. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "world/deep.h"
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

/* Takes the last of what there is, and looks who that is. */
static uint32_t last(void *arg, const struct world *w, enum choice_kind kind, uint32_t n, const char *what)
{
    const struct co *co = world_candidate(w, n - 1);
    struct order *o = arg;

    if (kind == CHOICE_RUN)
        o->text[strlen(o->text)] = co ? co_name(co)[0] : '-';
    return n - 1;
}

static void nothing(struct co *co, void *arg)
{
}

static void a_chooser_decides_after_the_replay(void **state)
{
    char text[32] = "";
    struct order order = { text, 0 };
    const uint32_t first[] = { 0 };
    struct world_options o = { .mode = WORLD_SIM, .chooser = last, .chooser_arg = &order, .replay = first,
                               .n_replay = 1 };
    struct world *w = world_new(&o);
    struct proc *p = proc_new(w, "p");
    struct timer t[3] = { 0 };
    struct order fired[3] = { { text, '1' }, { text, '2' }, { text, '3' } };

    co_spawn(p, "a", nothing, NULL);
    co_spawn(p, "b", nothing, NULL);
    co_spawn(p, "c", nothing, NULL);
    for (size_t i = 0; i < 3; i++)
        timer_set(w, &t[i], SIM_EPOCH, mark, &fired[i]);
    run(w);
    /* a by the replay; then the last each time; the very last is no choice. */
    assert_string_equal(text, "-3-2-1c");
    proc_free(p);
    world_free(w);
}

/* Every order of five timers is reached, and each is a permutation. */
static void any_due_timer_may_fire_first(void **state)
{
    unsigned seen[5] = { 0 };

    for (uint64_t seed = 0; seed < 300; seed++) {
        struct world *w = sim(seed);
        struct timer t[5] = { 0 };
        struct order order[5];
        char text[8] = "";
        for (size_t i = 0; i < 5; i++) {
            order[i] = (struct order){ text, (char)('a' + i) };
            timer_set(w, &t[i], instant_add(SIM_EPOCH, (duration)(5 - i) * (seed % 2)), mark, &order[i]);
        }
        world_step(w, INSTANT_NEVER);
        for (size_t i = 0; seed % 2 == 0 && i < 5; i++)
            seen[i] += text[0] == 'a' + (int)i;
        run(w);
        assert_int_equal(strlen(text), 5);
        for (size_t i = 0; i < 5; i++)
            assert_non_null(strchr(text, 'a' + (int)i));
        if (seed % 2)
            assert_string_equal(text, "edcba");
        world_free(w);
    }
    for (size_t i = 0; i < 5; i++)
        assert_true(seen[i] > 10);
}

static void many_timers_fire_in_time_order(void **state)
{
    enum { MANY = 3000 };
    struct world *w = sim(3);
    struct timer *t = xcalloc(MANY, sizeof(*t));
    struct instant before = SIM_EPOCH;
    struct order none = { (char[MANY + 1]){ 0 }, 'x' };

    for (size_t i = 0; i < MANY; i++)
        timer_set(w, &t[i], instant_add(SIM_EPOCH, (duration)(world_identity(w) % 1000)), mark, &none);
    for (size_t i = 0; i < MANY; i += 3)
        timer_cancel(&t[i]);
    for (size_t i = 0; i < MANY; i += 7)
        timer_set(w, &t[i], instant_add(SIM_EPOCH, (duration)(world_identity(w) % 1000)), mark, &none);
    while (world_step(w, INSTANT_NEVER)) {
        assert_false(instant_before(world_now(w), before));
        assert_false(instant_before(world_next_timer(w), world_now(w)));
        before = world_now(w);
    }
    assert_int_equal(strlen(none.text), MANY - MANY / 3 + MANY / 21 + 1);
    assert_int_equal(world_next_timer(w).ns, INSTANT_NEVER.ns);
    free(t);
    world_free(w);
}

static void the_limit_holds_the_clock(void **state)
{
    struct world *w = sim(1);
    struct timer t = { 0 };
    char text[4] = "";
    struct order order = { text, 'x' };

    timer_set(w, &t, instant_add(SIM_EPOCH, DURATION_S(10)), mark, &order);
    assert_false(world_step(w, instant_add(SIM_EPOCH, DURATION_S(9))));
    assert_int_equal(world_now(w).ns, SIM_EPOCH.ns);
    assert_false(world_runnable(w));
    assert_true(world_step(w, instant_add(SIM_EPOCH, DURATION_S(10))));
    assert_string_equal(text, "x");
    world_free(w);
}

/* Unwinding may start tasks and kill others: all of them end. */
struct family {
    struct proc *other;
    struct waitq q;
    int ended;
};

static void relative(struct co *co, void *arg)
{
    struct family *f = arg;

    while (waitq_wait(co, &f->q) == 0)
        ;
    f->ended++;
}

static void testator(struct co *co, void *arg)
{
    struct family *f = arg;

    relative(co, f);
    co_spawn(co_proc(co), "born dead", relative, f);
    proc_kill(f->other);
}

static void unwinding_may_spawn_and_kill(void **state)
{
    struct world *w = sim(1);
    struct proc *p = proc_new(w, "p"), *other = proc_new(w, "other");
    struct family f = { .other = other };

    co_spawn(p, "testator", testator, &f);
    co_spawn(other, "relative", relative, &f);
    run(w);
    proc_kill(p);
    assert_int_equal(f.ended, 3);
    assert_true(proc_dead(other));
    proc_free(p);
    proc_free(other);
    world_free(w);
}

static void a_task_born_dead_runs_cancelled(void **state)
{
    struct world *w = sim(1);
    struct proc *p = proc_new(w, "p");
    struct family f = { 0 };

    proc_kill(p);
    struct co *co = co_spawn(p, "late", relative, &f);
    assert_int_equal(f.ended, 0);
    assert_string_equal(co_name(co), "late");
    assert_true(world_runnable(w));
    run(w);
    assert_int_equal(f.ended, 1);
    co_spawn(p, "later", relative, &f);
    proc_free(p);
    assert_int_equal(f.ended, 2);
    world_free(w);
}

static void cancelled_calls_return_at_once(struct co *co, void *arg)
{
    int *seen = arg;
    struct waitq q = WAITQ_INIT;

    if (co_sleep(co, DURATION_S(1)) != -ERR_CANCELLED)
        return;
    *seen += co_yield(co) == -ERR_CANCELLED;
    *seen += co_sleep(co, 0) == -ERR_CANCELLED;
    *seen += co_sleep_until(co, INSTANT_NEVER) == -ERR_CANCELLED;
    *seen += waitq_wait(co, &q) == -ERR_CANCELLED;
    *seen += waitq_wait_until(co, &q, SIM_EPOCH) == -ERR_CANCELLED;
    *seen += q.head == NULL;
}

static void every_call_of_the_dead_is_refused(void **state)
{
    struct world *w = sim(1);
    struct proc *p = proc_new(w, "p");
    int seen = 0;

    co_spawn(p, "t", cancelled_calls_return_at_once, &seen);
    world_step(w, SIM_EPOCH);
    proc_kill(p);
    assert_int_equal(seen, 6);
    assert_int_equal(world_next_timer(w).ns, INSTANT_NEVER.ns);
    proc_free(p);
    world_free(w);
}

struct roll {
    struct waitq q;
    char text[16];
};

static void answers(struct co *co, void *arg)
{
    struct roll *r = arg;

    if (waitq_wait(co, &r->q) == 0)
        strcat(r->text, co_name(co));
}

static void waiters_wake_in_the_order_they_came(void **state)
{
    struct world_options o = { .mode = WORLD_SIM, .replay_then_default = true };
    struct world *w = world_new(&o);
    struct proc *p = proc_new(w, "p"), *gone = proc_new(w, "gone");
    struct roll r = { 0 };

    co_spawn(p, "a", answers, &r);
    co_spawn(gone, "x", answers, &r);
    co_spawn(p, "b", answers, &r);
    co_spawn(p, "c", answers, &r);
    run(w);
    proc_kill(gone);
    waitq_wake_one(&r.q);
    run(w);
    assert_string_equal(r.text, "a");
    waitq_wake_all(&r.q);
    run(w);
    assert_string_equal(r.text, "abc");
    waitq_wake_one(&r.q);
    proc_kill(p);
    proc_free(gone);
    proc_free(p);
    world_free(w);
}

/* ---- the fingerprint ---- */

/* A task that naps, told `heard`, in a world whose clock has gone on by `start`; a timer due in `nap`. */
static uint64_t napping(uint64_t seed, duration start, duration nap, const char *heard)
{
    struct world *w = sim(seed);
    struct proc *p = proc_new(w, "p");
    struct timer t = { 0 };
    char text[4] = "";
    struct order order = { text, 'x' };
    uint64_t fingerprint;

    timer_set(w, &t, instant_add(SIM_EPOCH, start), mark, &order);
    run(w);
    struct co *co = co_spawn(p, "nap", sleeper, NULL);
    co_input(co, heard, strlen(heard));
    while (world_runnable(w))
        world_step(w, world_now(w));
    timer_set(w, &t, instant_add(world_now(w), nap), mark, &order);
    fingerprint = world_fingerprint(w);
    timer_cancel(&t);
    proc_kill(p);
    proc_free(p);
    world_free(w);
    return fingerprint;
}

static void equal_states_have_equal_fingerprints(void **state)
{
    uint64_t f = napping(1, 0, DURATION_S(3), "x");

    assert_true(f == napping(2, DURATION_S(7), DURATION_S(3), "x"));
    assert_true(f != napping(1, 0, DURATION_S(4), "x"));
    assert_true(f != napping(1, 0, DURATION_S(3), "y"));
}

static void deep(struct co *co, void *arg)
{
    volatile char room[100 * 1024];

    memset((char *)room, 1, sizeof(room));
    co_yield(co);
    *(int *)arg += room[50000];
}

/* gcc's thread sanitizer has no room for more. */
#if defined(__SANITIZE_THREAD__)
enum { TASKS = 4000 };
#else
enum { TASKS = 10000 };
#endif

static void flat(struct co *co, void *arg)
{
    *(int *)arg += co_yield(co) == 0;
}

static void ten_thousand_tasks(void **state)
{
    struct world_options o = { .mode = WORLD_SIM, .replay_then_default = true };
    struct world *w = world_new(&o);
    struct proc *p = proc_new(w, "p");
    int sum = 0;

    for (int i = 0; i < 1000; i++)
        co_spawn(p, "deep", deep, &sum);
    for (int i = 1000; i < TASKS; i++)
        co_spawn(p, "flat", flat, &sum);
    run(w);
    assert_int_equal(sum, TASKS);
    proc_free(p);
    world_free(w);
}

/* Over the end of a stack: the process dies there, it does not write into a neighbour. */
static __attribute__((noinline)) int dig(int depth, volatile char *above)
{
    volatile char room[1024];

    room[0] = above[0];
    return depth == 0 ? 0 : dig(depth - 1, room) + room[0];
}

static void digger(struct co *co, void *arg)
{
    *(int *)arg = dig(300, (volatile char[1]){ 1 });
}

static void a_stack_ends_in_a_guard_page(void **state)
{
    const struct rlimit no_core = { 0, 0 };
    int status = 0, result = 0;
    pid_t pid = fork();

    if (pid == 0) {
        dup2(open("/dev/null", O_WRONLY), 2);
        setrlimit(RLIMIT_CORE, &no_core);
        /* The first stack lies above the others: what ran over its end without a fault would be theirs. */
        struct world_options o = { .mode = WORLD_SIM, .replay_then_default = true };
        struct world *w = world_new(&o);
        struct proc *p = proc_new(w, "p");
        co_spawn(p, "digger", digger, &result);
        for (int i = 0; i < 4; i++)
            co_spawn(p, "neighbour", nothing, NULL);
        run(w);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    /* A sanitizer reports the signal and exits instead. */
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV : WEXITSTATUS(status) != 0);
}

/* Each call is felt on the stack: the result depends on what comes back. */
static size_t dig_down(size_t depth)
{
    volatile char room[512];

    room[0] = (char)depth;
    return depth ? dig_down(depth - 1) + (size_t)(room[0] == (char)depth) : 0;
}

static void dig_deep(void *arg)
{
    size_t *depth = arg;

    *depth = dig_down(*depth);
}

/* 20,000 frames of half a KiB do not fit the stack of a task, but a stack of 64 MiB holds them. */
static void a_deep_call_has_room(void **state)
{
    size_t depth = 20000;

    (void)state;
    deep_call((size_t)64 << 20, dig_deep, &depth);
    assert_int_equal(depth, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deep_call_has_room),
        cmocka_unit_test(same_seed_same_story),
        cmocka_unit_test(replay_takes_the_choices),
        cmocka_unit_test(a_killed_process_unwinds),
        cmocka_unit_test(a_task_may_kill_its_own_process),
        cmocka_unit_test(a_wait_ends_at_its_deadline),
        cmocka_unit_test(timers_at_one_instant_keep_their_order),
        cmocka_unit_test(identity_is_no_choice),
        cmocka_unit_test(a_chooser_decides_after_the_replay),
        cmocka_unit_test(any_due_timer_may_fire_first),
        cmocka_unit_test(many_timers_fire_in_time_order),
        cmocka_unit_test(the_limit_holds_the_clock),
        cmocka_unit_test(unwinding_may_spawn_and_kill),
        cmocka_unit_test(a_task_born_dead_runs_cancelled),
        cmocka_unit_test(every_call_of_the_dead_is_refused),
        cmocka_unit_test(waiters_wake_in_the_order_they_came),
        cmocka_unit_test(equal_states_have_equal_fingerprints),
        cmocka_unit_test(a_stack_ends_in_a_guard_page),
        cmocka_unit_test(ten_thousand_tasks),
    };

    return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}
