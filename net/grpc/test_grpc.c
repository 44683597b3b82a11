/* Both ends over real sockets in one world, and peers that misbehave. Promises 1 to 5 of grpc.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/grpc/grpc.h"
#include "world/loop.h"

#define CALLS_MAX 64

/* What stands behind the socket when it is not our server. */
enum raw_kind { RAW_SILENT, RAW_CLOSES, RAW_CLOSES_AFTER_READ, RAW_HTTP1, RAW_NOISE };

struct bench {
    char dir[32], endpoint[64];
    struct world *world;
    struct proc *server_proc, *client_proc;
    struct grpc_server *server;
    struct grpc_client *client;
    struct grpc_method methods[4];
    struct grpc_plan plan;             /* for the next call */
    struct waitq gate;                 /* the "Wait" method waits here */
    bool open;
    size_t handled, finished;          /* handlers begun, and ended */
    bool saw_deadline;
    duration saw_timeout;
    /* one entry for each call made */
    struct answer {
        enum grpc_code code;
        enum grpc_cause cause;
        char text[256];
        size_t len;
        bool done;
    } answers[CALLS_MAX];
    size_t n_calls, n_done;
    int raw_fd;
    enum raw_kind raw;
    struct loop_watch *raw_watch, *raw_conn_watch;
    int raw_conn;
    struct loop_timer *guard;
    bool overran;
};

/* ---- methods --------------------------------------------------------------------------------- */

static enum grpc_code echo(struct co *co, void *arg, const struct grpc_request *q, struct buf *reply,
                           const char **ret_message)
{
    struct bench *b = arg;

    b->handled++;
    b->saw_deadline = q->has_deadline;
    b->saw_timeout = q->timeout;
    buf_add(reply, q->data, q->len);
    b->finished++;
    return GRPC_OK;
}

static enum grpc_code refuse(struct co *co, void *arg, const struct grpc_request *q, struct buf *reply,
                             const char **ret_message)
{
    *ret_message = co_printf(co, "no: 100%% of %zu bytes — refused", q->len);
    return GRPC_FAILED_PRECONDITION;
}

static enum grpc_code wait_at_gate(struct co *co, void *arg, const struct grpc_request *q,
                                   struct buf *reply, const char **ret_message)
{
    struct bench *b = arg;

    b->handled++;
    while (!b->open)
        if (waitq_wait(co, &b->gate) < 0)
            return GRPC_CANCELLED;
    buf_add_str(reply, "through");
    b->finished++;
    return GRPC_OK;
}

static enum grpc_code huge(struct co *co, void *arg, const struct grpc_request *q, struct buf *reply,
                           const char **ret_message)
{
    buf_reserve(reply, GRPC_MESSAGE_MAX + 1);
    memset(reply->data, 'x', GRPC_MESSAGE_MAX + 1);
    reply->len = GRPC_MESSAGE_MAX + 1;
    return GRPC_OK;
}

/* ---- the bench ------------------------------------------------------------------------------- */

static void take_plan(void *arg, const char *path, struct grpc_plan *plan)
{
    struct bench *b = arg;

    *plan = b->plan;
    b->plan = (struct grpc_plan){ 0 };
}

static void on_guard(void *arg)
{
    struct bench *b = arg;

    b->overran = true;
    world_stop(b->world);
}

static void start_server(struct bench *b)
{
    static const struct {
        const char *path;
        grpc_handler_fn *handle;
    } rows[] = { { "/t.T/Echo", echo }, { "/t.T/Refuse", refuse }, { "/t.T/Wait", wait_at_gate },
                 { "/t.T/Huge", huge } };
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        b->methods[i] = (struct grpc_method){ rows[i].path, rows[i].handle, b };
    b->server_proc = proc_new(b->world, "server");
    b->server = grpc_server_new(&(struct grpc_server_options){ .proc = b->server_proc, .who = "server",
                                                               .endpoint = b->endpoint,
                                                               .methods = b->methods, .n_methods = 4 }, &e);
    if (!b->server)
        fail_msg("%s", err_message(&e));
}

static struct bench *bench_in(enum world_mode mode, const char *endpoint)
{
    struct bench *b = calloc(1, sizeof(*b));

    strcpy(b->dir, "/tmp/dormouse-grpc-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    if (endpoint)
        strcpy(b->endpoint, endpoint);
    else
        snprintf(b->endpoint, sizeof(b->endpoint), "unix://%s/s.sock", b->dir);
    b->world = world_new(&(struct world_options){ .mode = mode, .seed = 1, .trace_keep = true });
    b->client_proc = proc_new(b->world, "client");
    b->raw_fd = b->raw_conn = -1;
    return b;
}

static void new_client(struct bench *b)
{
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    b->client = grpc_client_new(b->world, &(struct grpc_client_options){ .endpoint = b->endpoint,
                                .plan = take_plan, .plan_arg = b }, &e);
    if (!b->client)
        fail_msg("%s", err_message(&e));
}

static struct bench *bench(void)
{
    struct bench *b = bench_in(WORLD_REAL, NULL);

    start_server(b);
    new_client(b);
    return b;
}

static void stop_server(struct bench *b)
{
    proc_kill(b->server_proc);
    b->server = grpc_server_free(b->server);
    b->server_proc = proc_free(b->server_proc);
}

static void bench_free(struct bench *b)
{
    cleanup_free char *path = xasprintf("%s/s.sock", b->dir);

    proc_kill(b->client_proc);
    grpc_client_free(b->client);
    proc_free(b->client_proc);
    if (b->server)
        stop_server(b);
    loop_watch_free(b->raw_watch);
    loop_watch_free(b->raw_conn_watch);
    if (b->raw_fd >= 0)
        close(b->raw_fd);
    if (b->raw_conn >= 0)
        close(b->raw_conn);
    unlink(path);
    rmdir(b->dir);
    loop_timer_free(b->guard);
    world_free(b->world);
    free(b);
}

/* ---- calls ----------------------------------------------------------------------------------- */

struct order {
    struct bench *b;
    const char *path;
    const char *data;
    size_t len;
    duration timeout;
    struct answer *answer;
};

static void make_call(struct co *co, void *arg)
{
    struct order o = *(struct order *)arg;
    struct grpc_reply r;

    free(arg);
    grpc_call(co, o.b->client, o.path, o.data, o.len, o.timeout, co_arena(co), &r);
    o.answer->code = r.code;
    o.answer->cause = r.cause;
    snprintf(o.answer->text, sizeof(o.answer->text), "%.*s", r.code == GRPC_OK ? (int)r.len : 255,
             r.code == GRPC_OK ? (const char *)r.data : r.message);
    o.answer->len = r.len;
    o.answer->done = true;
    if (++o.b->n_done == o.b->n_calls)
        world_stop(o.b->world);
}

static struct answer *order(struct bench *b, const char *path, const void *data, size_t len, duration timeout)
{
    struct order *o = malloc(sizeof(*o));
    struct answer *a = &b->answers[b->n_calls++];

    *o = (struct order){ b, path, data, len, timeout, a };
    co_spawn(b->client_proc, "call", make_call, o);
    return a;
}

static void run(struct bench *b)
{
    b->guard = loop_timer_new(world_loop(b->world), DURATION_S(10), on_guard, b);
    if (world_is_sim(b->world))
        while (!b->overran && world_step(b->world, INSTANT_NEVER))
            ;
    else
        world_run(b->world);
    b->guard = loop_timer_free(b->guard);
    assert_false(b->overran);
}

static struct answer *call(struct bench *b, const char *path, const char *text)
{
    struct answer *a = order(b, path, text, strlen(text), DURATION_S(5));

    run(b);
    return a;
}

struct until {
    struct bench *b;
    const size_t *n;
    size_t want;
};

static void watch_count(struct co *co, void *arg)
{
    struct until *u = arg;

    while (*u->n < u->want)
        if (co_sleep(co, DURATION_MS(1)) < 0)
            return;
    world_stop(co_world(co));
}

/* Turns of the loop until `*n` has reached `want`. */
static void run_until(struct bench *b, const size_t *n, size_t want)
{
    struct until u = { b, n, want };

    co_spawn(b->client_proc, "until", watch_count, &u);
    run(b);
}

/* ---- the peer answers ------------------------------------------------------------------------ */

static void a_call_is_answered(void **state)
{
    struct bench *b = bench();
    struct answer *a = call(b, "/t.T/Echo", "hello");

    assert_int_equal(a->code, GRPC_OK);
    assert_int_equal(a->cause, GRPC_PEER);
    assert_string_equal(a->text, "hello");
    assert_true(b->saw_deadline);
    assert_true(b->saw_timeout > DURATION_S(4) && b->saw_timeout <= DURATION_S(5));
    bench_free(b);
}

static void an_error_carries_its_message(void **state)
{
    struct bench *b = bench();
    struct answer *a = call(b, "/t.T/Refuse", "abc");

    assert_int_equal(a->code, GRPC_FAILED_PRECONDITION);
    assert_int_equal(a->cause, GRPC_PEER);
    assert_string_equal(a->text, "no: 100% of 3 bytes — refused");
    bench_free(b);
}

static void an_unknown_method_is_unimplemented(void **state)
{
    struct bench *b = bench();
    struct answer *a = call(b, "/t.T/Nothing", "");

    assert_int_equal(a->code, GRPC_UNIMPLEMENTED);
    assert_int_equal(a->cause, GRPC_PEER);
    bench_free(b);
}

static void large_messages_pass_and_larger_do_not(void **state)
{
    struct bench *b = bench();
    char *big = malloc(GRPC_MESSAGE_MAX + 1);
    struct answer *most, *over, *reply;

    memset(big, 'z', GRPC_MESSAGE_MAX + 1);
    most = order(b, "/t.T/Echo", big, GRPC_MESSAGE_MAX, DURATION_S(5));
    over = order(b, "/t.T/Echo", big, GRPC_MESSAGE_MAX + 1, DURATION_S(5));
    reply = order(b, "/t.T/Huge", "", 0, DURATION_S(5));
    run(b);
    assert_int_equal(most->code, GRPC_OK);
    assert_int_equal(most->len, GRPC_MESSAGE_MAX);
    assert_int_equal(over->code, GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(reply->code, GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(b->handled, 1);
    free(big);
    bench_free(b);
}

static void many_calls_share_a_connection(void **state)
{
    struct bench *b = bench();
    struct answer *a[50];

    for (size_t i = 0; i < 50; i++)
        a[i] = order(b, i % 2 ? "/t.T/Echo" : "/t.T/Wait", "x", 1, DURATION_S(5));
    run_until(b, &b->handled, 50);
    assert_int_equal(b->finished, 25);          /* those at the gate do not hold up the others */
    b->open = true;
    waitq_wake_all(&b->gate);
    run(b);
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(a[i]->code, GRPC_OK);
        assert_string_equal(a[i]->text, i % 2 ? "x" : "through");
    }
    bench_free(b);
}

static void tcp_on_loopback_works(void **state)
{
    struct bench *b = bench_in(WORLD_REAL, "tcp://127.0.0.1:0");
    struct answer *a;

    start_server(b);
    assert_true(strlen(grpc_server_endpoint(b->server)) > strlen("tcp://127.0.0.1:0"));
    strcpy(b->endpoint, grpc_server_endpoint(b->server));
    new_client(b);
    a = call(b, "/t.T/Echo", "over tcp");
    assert_string_equal(a->text, "over tcp");
    bench_free(b);
}

/* ---- deadlines and cancellation: promises 1 and 4 -------------------------------------------- */

static void a_deadline_ends_the_call_but_not_the_handler(void **state)
{
    struct bench *b = bench();
    struct answer *a = order(b, "/t.T/Wait", "", 0, DURATION_MS(50)), *again;

    run(b);
    assert_int_equal(a->code, GRPC_DEADLINE_EXCEEDED);
    assert_int_equal(b->handled, 1);
    assert_int_equal(grpc_server_calls(b->server), 1);
    b->open = true;
    waitq_wake_all(&b->gate);
    again = call(b, "/t.T/Echo", "the connection still serves");
    assert_int_equal(again->code, GRPC_OK);
    assert_int_equal(grpc_server_calls(b->server), 0);
    assert_int_equal(b->finished, 2);
    bench_free(b);
}

static void a_cancelled_call_runs_to_its_end(void **state)
{
    struct bench *b = bench();
    struct answer *a;

    b->plan = (struct grpc_plan){ .cancel_after = DURATION_MS(20) };
    a = call(b, "/t.T/Wait", "");
    assert_int_equal(a->code, GRPC_CANCELLED);
    assert_int_equal(a->cause, GRPC_GIVEN_UP);
    b->open = true;
    waitq_wake_all(&b->gate);
    run_until(b, &b->finished, 1);
    assert_int_equal(grpc_server_calls(b->server), 0);
    bench_free(b);
}

static void a_killed_caller_lets_go(void **state)
{
    struct bench *b = bench();
    struct proc *p = proc_new(b->world, "short-lived");
    struct order *o = malloc(sizeof(*o));
    struct answer *a = &b->answers[0], *again;

    *o = (struct order){ b, "/t.T/Wait", "", 0, DURATION_S(5), a };
    b->n_calls = 2;                             /* the other is run_until's: nobody stops the world but it */
    co_spawn(p, "call", make_call, o);
    run_until(b, &b->handled, 1);
    proc_kill(p);
    assert_true(a->done);
    assert_int_equal(a->cause, GRPC_GIVEN_UP);
    proc_free(p);
    b->n_calls = 1;
    again = call(b, "/t.T/Echo", "still here");
    assert_int_equal(again->code, GRPC_OK);
    b->open = true;
    waitq_wake_all(&b->gate);
    run_until(b, &b->finished, 2);
    bench_free(b);
}

static void in_a_simulation_a_hung_peer_costs_virtual_time(void **state)
{
    struct bench *b = bench_in(WORLD_SIM, NULL);
    struct instant before = world_now(b->world);
    struct answer *ok, *hung;

    start_server(b);
    new_client(b);
    ok = order(b, "/t.T/Echo", "hi", 2, DURATION_MIN(5));
    run(b);
    assert_string_equal(ok->text, "hi");
    assert_int_equal(instant_sub(world_now(b->world), before), 0);
    grpc_client_free(b->client);
    b->client = grpc_client_new(b->world, &(struct grpc_client_options){ .endpoint = b->endpoint,
                                .real_bound = DURATION_MS(30) }, NULL);
    hung = order(b, "/t.T/Wait", "", 0, DURATION_MIN(5));
    run(b);
    assert_int_equal(hung->code, GRPC_DEADLINE_EXCEEDED);
    assert_int_equal(hung->cause, GRPC_HUNG);
    assert_int_equal(instant_sub(world_now(b->world), before), DURATION_MIN(5));
    bench_free(b);
}

/* ---- what the suite does to calls ------------------------------------------------------------ */

static void plans_cut_and_repeat(void **state)
{
    struct bench *b = bench();
    struct answer *a;

    b->plan = (struct grpc_plan){ .cut = GRPC_CUT_BEFORE };
    a = call(b, "/t.T/Echo", "one");
    assert_int_equal(a->code, GRPC_UNAVAILABLE);
    assert_int_equal(b->handled, 0);

    b->plan = (struct grpc_plan){ .cut = GRPC_CUT_REQUEST };
    a = call(b, "/t.T/Echo", "two");
    assert_int_equal(a->code, GRPC_UNAVAILABLE);
    assert_int_equal(a->cause, GRPC_DIED);
    assert_int_equal(b->handled, 0);

    b->plan = (struct grpc_plan){ .cut = GRPC_CUT_REPLY };
    a = call(b, "/t.T/Echo", "three");
    assert_int_equal(a->code, GRPC_UNAVAILABLE);
    assert_int_equal(a->cause, GRPC_DIED);
    assert_int_equal(b->handled, 1);            /* it happened, and the caller cannot know */

    b->plan = (struct grpc_plan){ .duplicate = true };
    a = call(b, "/t.T/Echo", "four");
    assert_int_equal(a->code, GRPC_OK);
    assert_int_equal(b->handled, 3);

    b->plan = (struct grpc_plan){ .delay = DURATION_MS(10) };
    a = call(b, "/t.T/Echo", "five");
    assert_string_equal(a->text, "five");
    bench_free(b);
}

/* ---- peers that let us down: promise 2 ------------------------------------------------------- */

static void on_raw_conn(void *arg, uint32_t events)
{
    struct bench *b = arg;
    char data[4096];

    ssize_t n = read(b->raw_conn, data, sizeof(data));
    if (n > 0 && b->raw == RAW_SILENT)
        return;
    if (n > 0 && b->raw == RAW_HTTP1)
        n = write(b->raw_conn, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    if (n > 0 && b->raw == RAW_NOISE)
        n = write(b->raw_conn, "\0\0\1\4\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 19);
    b->raw_conn_watch = loop_watch_free(b->raw_conn_watch);
    close(b->raw_conn);
    b->raw_conn = -1;
}

static void on_raw(void *arg, uint32_t events)
{
    struct bench *b = arg;

    b->raw_conn = accept(b->raw_fd, NULL, NULL);
    if (b->raw == RAW_CLOSES) {
        close(b->raw_conn);
        b->raw_conn = -1;
        return;
    }
    b->raw_conn_watch = loop_watch_new(world_loop(b->world), b->raw_conn, EPOLLIN, on_raw_conn, b);
}

static struct bench *raw_bench(enum raw_kind kind)
{
    struct bench *b = bench_in(WORLD_REAL, NULL);
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    b->raw = kind;
    b->raw_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(un.sun_path, sizeof(un.sun_path), "%s/s.sock", b->dir);
    assert_int_equal(bind(b->raw_fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(b->raw_fd, 5), 0);
    b->raw_watch = loop_watch_new(world_loop(b->world), b->raw_fd, EPOLLIN, on_raw, b);
    new_client(b);
    return b;
}

static const struct raw_row {
    enum raw_kind kind;
    enum grpc_code code;
    enum grpc_cause cause;
    const char *says;
} raw_rows[] = {
    { RAW_SILENT, GRPC_DEADLINE_EXCEEDED, GRPC_HUNG, "no answer within the deadline" },
    { RAW_CLOSES, GRPC_UNAVAILABLE, GRPC_DIED, "the peer closed the connection" },
    { RAW_CLOSES_AFTER_READ, GRPC_UNAVAILABLE, GRPC_DIED, "the peer closed the connection" },
    { RAW_HTTP1, GRPC_INTERNAL, GRPC_GARBAGE, "it began with \"HTTP/1.1 400 Bad" },
    { RAW_NOISE, GRPC_INTERNAL, GRPC_GARBAGE, "broke the HTTP/2 protocol" },
};

static void bad_peers_are_told_apart(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(raw_rows); i++) {
        const struct raw_row *row = &raw_rows[i];
        struct bench *b = raw_bench(row->kind);
        struct answer *a = order(b, "/t.T/Echo", "x", 1, DURATION_MS(row->kind == RAW_SILENT ? 50 : 5000));
        run(b);
        assert_int_equal(a->code, row->code);
        assert_int_equal(a->cause, row->cause);
        if (!strstr(a->text, row->says) || !strstr(a->text, b->dir))
            fail_msg("\"%s\" does not say \"%s\" and where", a->text, row->says);
        bench_free(b);
    }
}

static void absent_and_refused_are_told_apart(void **state)
{
    struct bench *b = bench_in(WORLD_REAL, NULL);
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct answer *a;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    new_client(b);
    a = call(b, "/t.T/Echo", "x");
    assert_int_equal(a->code, GRPC_UNAVAILABLE);
    assert_int_equal(a->cause, GRPC_ABSENT);
    assert_non_null(strstr(a->text, "there is no such socket"));

    snprintf(un.sun_path, sizeof(un.sun_path), "%s/s.sock", b->dir);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    a = call(b, "/t.T/Echo", "x");
    assert_int_equal(a->code, GRPC_UNAVAILABLE);
    assert_int_equal(a->cause, GRPC_REFUSED);
    close(fd);
    bench_free(b);
}

static void a_restarted_server_costs_no_call(void **state)
{
    struct bench *b = bench();
    struct answer *a = call(b, "/t.T/Echo", "before");

    assert_int_equal(a->code, GRPC_OK);
    stop_server(b);
    start_server(b);
    a = call(b, "/t.T/Echo", "after");
    assert_int_equal(a->code, GRPC_OK);
    assert_string_equal(a->text, "after");
    bench_free(b);
}

static void a_stopping_server_finishes_its_calls(void **state)
{
    struct bench *b = bench();
    struct answer *a = order(b, "/t.T/Wait", "", 0, DURATION_S(5)), *late;

    run_until(b, &b->handled, 1);
    grpc_server_stop(b->server);
    late = order(b, "/t.T/Echo", "x", 1, DURATION_S(5));
    b->n_calls++;                               /* so that only run_until stops the world */
    run_until(b, &b->n_done, 1);
    assert_int_equal(late->cause, GRPC_ABSENT); /* the socket file is gone */
    b->n_calls--;
    b->open = true;
    waitq_wake_all(&b->gate);
    run(b);
    assert_int_equal(a->code, GRPC_OK);
    assert_string_equal(a->text, "through");
    bench_free(b);
}

/* ---- sockets: promise 5 ---------------------------------------------------------------------- */

static void drv_003_a_socket_is_the_owners_alone(void **state)
{
    struct bench *b = bench();
    cleanup_free char *path = xasprintf("%s/s.sock", b->dir);
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    grpc_server_stop(b->server);
    assert_int_equal(lstat(path, &st), -1);
    bench_free(b);
}

static void a_live_socket_is_not_taken_over(void **state)
{
    struct bench *b = bench();
    cleanup_arena struct arena *arena = arena_new();
    struct err e = ERR_IN(arena);
    struct answer *a;

    assert_null(grpc_server_new(&(struct grpc_server_options){ .proc = b->server_proc, .who = "second",
                                                               .endpoint = b->endpoint }, &e));
    assert_int_equal(e.code, ERR_EXISTS);
    assert_non_null(strstr(err_message(&e), "another process listens"));
    a = call(b, "/t.T/Echo", "the first goes on");
    assert_int_equal(a->code, GRPC_OK);
    bench_free(b);
}

static void a_dead_servers_socket_is_replaced_and_a_file_is_not(void **state)
{
    struct bench *b = bench_in(WORLD_REAL, NULL);
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    cleanup_arena struct arena *arena = arena_new();
    struct err e = ERR_IN(arena);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    FILE *f;

    snprintf(un.sun_path, sizeof(un.sun_path), "%s/s.sock", b->dir);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    close(fd);
    start_server(b);
    stop_server(b);
    f = fopen(un.sun_path, "w");
    fclose(f);
    b->server_proc = proc_new(b->world, "again");
    assert_null(grpc_server_new(&(struct grpc_server_options){ .proc = b->server_proc, .who = "again",
                                                               .endpoint = b->endpoint }, &e));
    assert_non_null(strstr(err_message(&e), "it is not a socket"));
    proc_kill(b->server_proc);
    proc_free(b->server_proc);
    bench_free(b);
}

static void endpoints_are_checked(void **state)
{
    static const char *const good[] = { "unix:///run/x.sock", "unix:x.sock", "tcp://127.0.0.1:7000",
                                        "tcp://localhost:0", "tcp://[::1]:80", "tcp://127.9.9.9:1" };
    static const char *const bad[] = { "", "unix://", "/run/x.sock", "http://127.0.0.1:80", "tcp://127.0.0.1",
                                       "tcp://127.0.0.1:99999", "tcp://example.org:80", "tcp://0.0.0.0:80",
                                       "tcp://10.0.0.1:80", "tcp://[::]:80" };
    cleanup_arena struct arena *a = arena_new();
    char endless[300];
    struct err e = ERR_IN(a);

    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_int_equal(grpc_endpoint_check(good[i], &e), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(grpc_endpoint_check(bad[i], &e), -ERR_INVALID);
    memset(endless, 'a', sizeof(endless));
    memcpy(endless, "unix:///", 8);
    endless[sizeof(endless) - 1] = '\0';
    assert_int_equal(grpc_endpoint_check(endless, &e), -ERR_INVALID);
    assert_int_equal(grpc_endpoint_check("tcp://10.0.0.1:80", &e), -ERR_INVALID);
    assert_non_null(strstr(err_message(&e), "mutual TLS"));
}

/* ---- noise at the server: promise 3 ---------------------------------------------------------- */

static void noise_does_not_hurt_the_server(void **state)
{
    static const char *const noise[] = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "",
    };
    struct bench *b = bench();
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct answer *a;

    snprintf(un.sun_path, sizeof(un.sun_path), "%s/s.sock", b->dir);
    for (size_t i = 0; i < ARRAY_SIZE(noise); i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
        assert_true(send(fd, noise[i], strlen(noise[i]), MSG_NOSIGNAL) >= 0);
        a = call(b, "/t.T/Echo", "meanwhile");
        assert_int_equal(a->code, GRPC_OK);
        close(fd);
        a = call(b, "/t.T/Echo", "afterwards");
        assert_int_equal(a->code, GRPC_OK);
    }
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_answered),
        cmocka_unit_test(an_error_carries_its_message),
        cmocka_unit_test(an_unknown_method_is_unimplemented),
        cmocka_unit_test(large_messages_pass_and_larger_do_not),
        cmocka_unit_test(many_calls_share_a_connection),
        cmocka_unit_test(tcp_on_loopback_works),
        cmocka_unit_test(a_deadline_ends_the_call_but_not_the_handler),
        cmocka_unit_test(a_cancelled_call_runs_to_its_end),
        cmocka_unit_test(a_killed_caller_lets_go),
        cmocka_unit_test(in_a_simulation_a_hung_peer_costs_virtual_time),
        cmocka_unit_test(plans_cut_and_repeat),
        cmocka_unit_test(bad_peers_are_told_apart),
        cmocka_unit_test(absent_and_refused_are_told_apart),
        cmocka_unit_test(a_restarted_server_costs_no_call),
        cmocka_unit_test(a_stopping_server_finishes_its_calls),
        cmocka_unit_test(drv_003_a_socket_is_the_owners_alone),
        cmocka_unit_test(a_live_socket_is_not_taken_over),
        cmocka_unit_test(a_dead_servers_socket_is_replaced_and_a_file_is_not),
        cmocka_unit_test(endpoints_are_checked),
        cmocka_unit_test(noise_does_not_hurt_the_server),
    };

    return cmocka_run_group_tests_name("grpc", tests, NULL, NULL);
}
