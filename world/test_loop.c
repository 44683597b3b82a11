/* The real world: the epoll loop, signals, children, time; and a simulation that waits for the outside. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "world/loop.h"
#include "world/world.h"

static struct world *real(void)
{
    struct world_options o = { .mode = WORLD_REAL, .seed = 1, .trace_keep = true };

    return world_new(&o);
}

static void stop(void *w)
{
    world_stop(w);
}

struct pipe_end {
    struct world *w;
    int fds[2];
    struct loop_watch *watch;
    struct waitq q;
    char got[16];
    struct instant at;
};

static void open_pipe(struct pipe_end *p, struct world *w)
{
    *p = (struct pipe_end){ .w = w };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->fds), 0);
}

static void close_pipe(struct pipe_end *p)
{
    loop_watch_free(p->watch);
    close(p->fds[0]);
    close(p->fds[1]);
}

static void write_x(void *arg)
{
    struct pipe_end *p = arg;

    if (write(p->fds[1], "x", 1) != 1)
        abort();
}

static void on_readable(void *arg, uint32_t events)
{
    struct pipe_end *p = arg;
    ssize_t n = read(p->fds[0], p->got, sizeof(p->got) - 1);

    if (n > 0)
        waitq_wake_all(&p->q);
    p->watch = loop_watch_free(p->watch);         /* from inside its own callback */
}

static void reader(struct co *co, void *arg)
{
    struct pipe_end *p = arg;

    p->watch = loop_watch_new(world_loop(p->w), p->fds[0], EPOLLIN, on_readable, p);
    world_external_begin(p->w);
    while (!p->got[0] && waitq_wait(co, &p->q) == 0)
        ;
    p->at = world_now(p->w);
    world_external_end(p->w);
    world_stop(p->w);
}

static void a_socket_wakes_a_task(void **state)
{
    struct world *w = real();
    struct proc *p = proc_new(w, "p");
    struct pipe_end end;

    open_pipe(&end, w);
    co_spawn(p, "reader", reader, &end);
    struct loop_timer *t = loop_timer_new(world_loop(w), DURATION_MS(2), write_x, &end);
    world_run(w);
    assert_string_equal(end.got, "x");
    loop_timer_free(t);
    close_pipe(&end);
    proc_kill(p);
    proc_free(p);
    world_free(w);
}

static void sleeps_a_virtual_second(struct co *co, void *arg)
{
    if (co_sleep(co, DURATION_S(1)) == 0)
        *(struct instant *)arg = world_now(co_world(co));
}

/* Promise 4: the reply takes 20 real ms, during which a timer one virtual second ahead does not fire. */
static void virtual_time_waits_for_the_outside(void **state)
{
    struct world_options o = { .mode = WORLD_SIM };
    struct world *w = world_new(&o);
    struct proc *p = proc_new(w, "p");
    struct pipe_end end;
    struct instant woke = { 0 };

    open_pipe(&end, w);
    co_spawn(p, "reader", reader, &end);
    co_spawn(p, "sleeper", sleeps_a_virtual_second, &woke);
    struct loop_timer *t = loop_timer_new(world_loop(w), DURATION_MS(20), write_x, &end);
    while (world_step(w, INSTANT_NEVER))
        assert_true(end.got[0] || world_now(w).ns == SIM_EPOCH.ns);
    assert_string_equal(end.got, "x");
    assert_int_equal(end.at.ns, SIM_EPOCH.ns);
    assert_int_equal(instant_sub(woke, SIM_EPOCH), DURATION_S(1));
    loop_timer_free(t);
    close_pipe(&end);
    proc_kill(p);
    proc_free(p);
    world_free(w);
}

struct nap {
    struct instant before, after;
    int result;
};

static void naps(struct co *co, void *arg)
{
    struct nap *n = arg;

    n->before = co_now(co);
    n->result = co_sleep(co, DURATION_MS(5));
    n->after = co_now(co);
    world_stop(co_world(co));
}

static void real_time_passes(void **state)
{
    struct world *w = real();
    struct proc *p = proc_new(w, "p");
    struct nap n = { 0 };

    assert_true(world_now(w).ns > SIM_EPOCH.ns);
    co_spawn(p, "naps", naps, &n);
    world_run(w);
    assert_int_equal(n.result, 0);
    assert_true(instant_sub(n.after, n.before) >= DURATION_MS(5));
    proc_kill(p);
    proc_free(p);
    world_free(w);
}

/* `serve --time=virtual`: a sleeper wakes when the test says so, and not by waiting. */
static void virtual_time_is_advanced_by_hand(void **state)
{
    struct world_options o = { .mode = WORLD_REAL, .seed = 1, .virtual_time = true };
    struct world *w = world_new(&o);
    struct proc *p = proc_new(w, "p");
    struct instant woke = { 0 }, start = world_now(w);

    co_spawn(p, "sleeper", sleeps_a_virtual_second, &woke);
    struct loop_timer *t = loop_timer_new(world_loop(w), DURATION_MS(5), stop, w);
    world_run(w);
    assert_int_equal(woke.ns, 0);
    assert_int_equal(world_now(w).ns, start.ns);
    world_advance(w, DURATION_S(1));
    world_advance(w, -DURATION_S(5));
    loop_timer_free(t);
    t = loop_timer_new(world_loop(w), DURATION_MS(5), stop, w);
    world_run(w);
    assert_int_equal(instant_sub(woke, start), DURATION_S(1));
    loop_timer_free(t);
    proc_kill(p);
    proc_free(p);
    world_free(w);
}

/* ---- hooks ---- */

struct hooks {
    struct loop_prepare *a, *b;
    struct waitq q;
    char text[32];
};

static int hook_a(void *arg)
{
    struct hooks *h = arg;

    if (!h->text[0])
        strcat(h->text, "a");
    waitq_wake_all(&h->q);
    loop_prepare_remove(STEAL(h->a));             /* itself, and the next one, from inside */
    loop_prepare_remove(STEAL(h->b));
    return -1;
}

static int hook_b(void *arg)
{
    struct hooks *h = arg;

    strcat(h->text, "b");
    return -1;
}

static void woken_by_a_hook(struct co *co, void *arg)
{
    struct hooks *h = arg;

    if (waitq_wait(co, &h->q) == 0)
        strcat(h->text, "w");
    world_stop(co_world(co));
}

/* A hook that wakes a task and allows any sleep: the task runs all the same, at once. */
static void what_a_hook_wakes_runs(void **state)
{
    struct world *w = real();
    struct proc *p = proc_new(w, "p");
    struct hooks h = { 0 };

    co_spawn(p, "woken", woken_by_a_hook, &h);
    h.a = loop_prepare_add(world_loop(w), hook_a, &h);
    h.b = loop_prepare_add(world_loop(w), hook_b, &h);
    world_run(w);
    assert_string_equal(h.text, "aw");
    proc_kill(p);
    proc_free(p);
    world_free(w);
}

/* ---- loop timers ---- */

struct tick {
    struct world *w;
    struct loop_timer *t;
    char *text;
    char mark;
};

static void ticked(void *arg)
{
    struct tick *t = arg;

    t->text[strlen(t->text)] = t->mark;
    t->t = loop_timer_free(t->t);
    if (strlen(t->text) == 3)
        world_stop(t->w);
}

static void loop_timers_fire_in_order(void **state)
{
    struct world *w = real();
    struct loop *l = world_loop(w);
    char text[8] = "";
    struct tick a = { w, NULL, text, 'a' }, b = { w, NULL, text, 'b' }, c = { w, NULL, text, 'c' },
                never = { w, NULL, text, 'x' };

    c.t = loop_timer_new(l, DURATION_MS(3), ticked, &c);
    a.t = loop_timer_new(l, 0, ticked, &a);
    b.t = loop_timer_new(l, DURATION_MS(1), ticked, &b);
    never.t = loop_timer_new(l, DURATION_MS(2), ticked, &never);
    never.t = loop_timer_free(never.t);
    world_run(w);
    assert_string_equal(text, "abc");
    world_free(w);
}

/* ---- signals and children ---- */

static void on_signal(void *arg, int signo)
{
    struct tick *t = arg;

    if (signo == SIGUSR1)
        t->mark++;
    world_stop(t->w);
}

static void a_signal_is_a_callback(void **state)
{
    struct world *w = real();
    struct tick t = { .w = w, .mark = 'a' };
    struct err e = { 0 };

    assert_int_equal(loop_on_signal(world_loop(w), SIGUSR1, on_signal, &t, &e), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    world_run(w);
    assert_int_equal(t.mark, 'b');
    assert_true(loop_on_signal(world_loop(w), 9999, on_signal, &t, &e) < 0);
    world_free(w);
}

struct child {
    struct world *w;
    int status;
};

static void on_child(void *arg, int status)
{
    struct child *c = arg;

    c->status = status;
    world_stop(c->w);
}

static pid_t child_that(int code, int signo)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (signo)
            raise(signo);
        _exit(code);
    }
    return pid;
}

static void a_childs_end_is_a_callback(void **state)
{
    struct world *w = real();
    struct child c = { .w = w };
    struct err e = { 0 };

    assert_int_equal(loop_on_child(world_loop(w), child_that(7, 0), on_child, &c, &e), 0);
    world_run(w);
    assert_true(WIFEXITED(c.status) && WEXITSTATUS(c.status) == 7);

    assert_int_equal(loop_on_child(world_loop(w), child_that(0, SIGKILL), on_child, &c, &e), 0);
    world_run(w);
    assert_true(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGKILL);

    /* Somebody else was quicker. */
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    assert_int_equal(loop_on_child(world_loop(w), pid, on_child, &c, &e), 0);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    world_run(w);
    assert_int_equal(c.status, -1);

    assert_true(loop_on_child(world_loop(w), -1, on_child, &c, &e) < 0);
    world_free(w);
}

/* An owner that goes before its child forgets it. */
static void a_forgotten_child_calls_nobody(void **state)
{
    struct world *w = real();
    struct child c = { .w = w, .status = 99 };
    struct err e = { 0 };
    pid_t pid = child_that(0, 0);

    assert_int_equal(loop_on_child(world_loop(w), pid, on_child, &c, &e), 0);
    loop_forget_child(world_loop(w), pid);
    loop_forget_child(world_loop(w), pid);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct loop_timer *t = loop_timer_new(world_loop(w), DURATION_MS(3), stop, w);
    world_run(w);
    assert_int_equal(c.status, 99);
    loop_timer_free(t);
    world_free(w);
}

/* In the real world nothing fails on purpose, and the plain schedule runs. */
static void real_choices(void **state)
{
    struct world *w = real();
    bool other = false;
    size_t n;

    for (int i = 0; i < 100; i++) {
        assert_int_equal(choose(w, CHOICE_FAULT, 3, "t"), 0);
        assert_int_equal(choose(w, CHOICE_DELAY, 3, "t"), 0);
        assert_false(choose_fault(w, 1, 1, "t"));
        other |= choose(w, CHOICE_PICK, 2, "t") == 1;
    }
    assert_true(other);
    world_choices(w, &n);
    assert_int_equal(n, 0);
    world_free(w);
}

static void two_real_worlds_have_different_uids(void **state)
{
    struct world_options o = { .mode = WORLD_REAL };
    struct world *a = world_new(&o), *b = world_new(&o);

    assert_true(world_identity(a) != world_identity(b));
    world_free(a);
    world_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_wakes_a_task),
        cmocka_unit_test(virtual_time_waits_for_the_outside),
        cmocka_unit_test(real_time_passes),
        cmocka_unit_test(virtual_time_is_advanced_by_hand),
        cmocka_unit_test(what_a_hook_wakes_runs),
        cmocka_unit_test(loop_timers_fire_in_order),
        cmocka_unit_test(a_signal_is_a_callback),
        cmocka_unit_test(a_childs_end_is_a_callback),
        cmocka_unit_test(a_forgotten_child_calls_nobody),
        cmocka_unit_test(real_choices),
        cmocka_unit_test(two_real_worlds_have_different_uids),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
