/* The HTTP server and raw clients in one world (promises 1 to 7; A-132, K-001, K-005). */
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/http_server.h"
#include "world/loop.h"

#define BODY_LIMIT 1000
#define WATCHERS 300

struct stream {
    struct house *house;
    struct http_exchange *x;
    DYN(struct blob *) queue;
    size_t at;
    bool over, gone;
};

/* A server that answers by the target: see handle(). */
struct house {
    struct world *world;
    struct http_server *server;
    struct http_exchange *parked[8];
    size_t n_parked, gone, turns;
    struct stream streams[WATCHERS];
    size_t n_streams;
};

/* ---- the handler ----------------------------------------------------------------------------------- */

static int pull(void *arg, struct blob **ret)
{
    struct stream *s = arg;

    if (s->at < s->queue.n) {
        *ret = blob_ref(s->queue.v[s->at++]);
        return 1;
    }
    return s->over ? -1 : 0;
}

static void stream_gone(void *arg)
{
    struct stream *s = arg;

    s->gone = true;
    s->x = NULL;
    s->house->gone++;
}

static void push(struct stream *s, struct blob *b)
{
    *dyn_push(&s->queue) = blob_ref(b);
    if (s->x)
        http_stream_wake(s->x);
}

static void count_gone(void *arg)
{
    ++*(size_t *)arg;
}

static struct blob *describe(struct http_exchange *x)
{
    struct buf b = BUF_INIT;
    size_t len;
    const char *body = http_body(x, &len);

    buf_printf(&b, "%s %zu %zu %s %.20s", http_method(x), strlen(http_target(x)), len,
               http_header(x, "x-test") ? http_header(x, "x-test") : "-", body);
    return blob_from_buf(&b);
}

static void handle(void *arg, struct http_exchange *x)
{
    static const struct http_header headers[] = { { "Content-Type", "text/plain" } };
    struct house *h = arg;
    const char *target = http_target(x);

    if (str_starts(target, "/park")) {
        http_on_gone(x, count_gone, &h->gone);
        h->parked[h->n_parked++] = x;
    } else if (str_starts(target, "/stream")) {
        struct stream *s = &h->streams[h->n_streams++];
        s->house = h;
        s->x = x;
        http_on_gone(x, stream_gone, s);
        http_stream(x, 200, headers, 1, pull, s);
    } else if (str_starts(target, "/drop")) {
        http_drop(x);
    } else if (str_starts(target, "/raw")) {
        http_reply(x, 200, headers, 1, blob_new(target, strlen(target)));
    } else {
        http_reply(x, 200, headers, 1, describe(x));
    }
}

static void count_turn(void *arg)
{
    ((struct house *)arg)->turns++;
}

/* ---- the clients ----------------------------------------------------------------------------------- */

struct client {
    struct house *house;
    int fd;
    struct buf got;
    bool closed;
};

static void stop_world(void *arg)
{
    world_stop(arg);
}

static void run_for(struct house *h, duration d)
{
    struct loop_timer *t = loop_timer_new(world_loop(h->world), d, stop_world, h->world);

    world_run(h->world);
    loop_timer_free(t);
}

static struct client connect_to(struct house *h)
{
    struct client c = { .house = h, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    in.sin_port = htons((uint16_t)atoi(strrchr(http_server_address(h->server), ':') + 1));
    assert_int_equal(connect(c.fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return c;
}

static void drain(struct client *c)
{
    char data[65536];

    for (;;) {
        ssize_t n = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            c->closed = true;
        if (n <= 0)
            return;
        buf_add(&c->got, data, (size_t)n);
    }
}

/* Sends as the server takes it. */
static void send_all(struct client *c, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        } else {
            run_for(c->house, DURATION_MS(1));
        }
    }
}

static void send_text(struct client *c, const char *text)
{
    send_all(c, text, strlen(text));
}

/* Runs the world until the client has read `text`, at most two seconds. */
static bool await_text(struct client *c, const char *text)
{
    for (int i = 0; i < 400; i++) {
        drain(c);
        if (c->got.data && strstr(c->got.data, text))
            return true;
        if (c->closed)
            return false;
        run_for(c->house, DURATION_MS(i < 20 ? 1 : 5));
    }
    return false;
}

static bool await_close(struct client *c)
{
    for (int i = 0; i < 400 && !c->closed; i++) {
        drain(c);
        run_for(c->house, DURATION_MS(i < 20 ? 1 : 5));
    }
    return c->closed;
}

static void client_close(struct client *c)
{
    close(c->fd);
    buf_release(&c->got);
}

static int set_up_within(void **state, duration head, duration body, duration idle)
{
    struct house *h = xcalloc(1, sizeof(*h));
    struct http_server_options o = { .listen = "127.0.0.1:0", .body_limit = BODY_LIMIT, .head = head, .body = body,
                                     .idle = idle, .handle = handle, .arg = h, .before_turn = count_turn };

    h->world = world_new(&(struct world_options){ .mode = WORLD_REAL });
    h->server = http_server_new(h->world, &o, NULL);
    *state = h;
    return h->server ? 0 : -1;
}

static int set_up(void **state)
{
    return set_up_within(state, 0, 0, 0);
}

static int set_up_in_haste(void **state)
{
    return set_up_within(state, DURATION_MS(50), DURATION_MS(50), DURATION_S(1));
}

static int tear_down(void **state)
{
    struct house *h = *state;

    http_server_free(h->server);
    for (size_t i = 0; i < h->n_streams; i++) {
        for (size_t j = 0; j < h->streams[i].queue.n; j++)
            blob_unref(h->streams[i].queue.v[j]);
        dyn_release(&h->streams[i].queue);
    }
    world_free(h->world);
    free(h);
    return 0;
}

/* ---- requests and replies ---------------------------------------------------------------------------- */

static void two_requests_on_one_connection(void **state)
{
    struct client c = connect_to(*state);

    send_text(&c, "GET /a HTTP/1.1\r\nHost: x\r\nX-Test: yes\r\n\r\n");
    assert_true(await_text(&c, "GET 2 0 yes "));
    assert_non_null(strstr(c.got.data, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(c.got.data, "Content-Type: text/plain\r\n"));
    send_text(&c, "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    assert_true(await_text(&c, "POST 6 5 - hello"));
    send_text(&c, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
    assert_true(await_text(&c, "PUT 1 7 - abcdefg"));
    client_close(&c);
}

static void the_target_comes_as_it_was_sent(void **state)
{
    struct client c = connect_to(*state);

    send_text(&c, "GET /raw/a%2Fb%zz/../+?x=%20+&&=1 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await_text(&c, "/raw/a%2Fb%zz/../+?x=%20+&&=1"));
    client_close(&c);
}

static void head_has_a_length_and_no_body(void **state)
{
    struct client c = connect_to(*state);

    send_text(&c, "HEAD /raw/12345 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_true(await_close(&c));
    assert_non_null(strstr(c.got.data, "Content-Length: 10\r\n"));
    assert_null(strstr(c.got.data, "/raw/12345"));
    client_close(&c);
}

static void a_long_body_is_cut_at_the_limit(void **state)
{
    struct client c = connect_to(*state);
    cleanup_free char *body = xcalloc(1, 300000);

    memset(body, 'x', 300000);
    send_text(&c, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
    send_all(&c, body, 300000);
    assert_true(await_text(&c, "POST 2 1001 -"));
    client_close(&c);
}

static void a_body_without_end_loses_its_connection(void **state)
{
    struct client c = connect_to(*state);
    cleanup_free char *body = xcalloc(1, 1 << 20);

    send_text(&c, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
    for (int i = 0; i < 40; i++) {
        send_all(&c, body, 1 << 20);
        drain(&c);
        if (c.closed)
            break;
    }
    assert_true(await_close(&c));
    client_close(&c);
}

static void forty_kilobytes_of_target_or_headers(void **state)
{
    struct client c = connect_to(*state);
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "GET /");
    for (int i = 0; i < 40959; i++)
        buf_add_char(&b, 'a');
    buf_add_str(&b, " HTTP/1.1\r\nHost: x\r\n\r\n");
    send_all(&c, b.data, b.len);
    assert_true(await_text(&c, "GET 40960 0 -"));
    buf_reset(&b);
    buf_add_str(&b, "GET /b HTTP/1.1\r\nHost: x\r\nX-Test: last\r\n");
    for (int i = 0; i < 40; i++)
        buf_printf(&b, "X-Long-%d: %01000d\r\n", i, i);
    buf_add_str(&b, "\r\n");
    send_all(&c, b.data, b.len);
    assert_true(await_text(&c, "GET 2 0 last"));
    client_close(&c);
}

static void a_megabyte_of_headers_is_refused(void **state)
{
    struct client c = connect_to(*state);
    cleanup_free char *line = xasprintf("X-Long: %08000d\r\n", 1);

    send_text(&c, "GET /b HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 130; i++)
        send_text(&c, line);
    drain(&c);
    assert_true(c.closed || await_text(&c, "HTTP/1.1 4"));
    client_close(&c);
}

static void a_parked_request_is_answered_later(void **state)
{
    struct house *h = *state;
    struct client c = connect_to(h);

    send_text(&c, "GET /park HTTP/1.1\r\nHost: x\r\n\r\n");
    run_for(h, DURATION_MS(20));
    assert_int_equal(h->n_parked, 1);
    http_reply(h->parked[0], 201, NULL, 0, blob_new("late", 4));
    assert_true(await_text(&c, "\r\n\r\nlate"));
    assert_non_null(strstr(c.got.data, "201 Created"));
    assert_int_equal(h->gone, 1);
    assert_true(h->turns > 0);
    client_close(&c);
}

static void a_dropped_request_gets_no_answer(void **state)
{
    struct client c = connect_to(*state);

    send_text(&c, "GET /drop HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await_close(&c));
    assert_int_equal(c.got.len, 0);
    client_close(&c);
}

static void noise_does_not_reach_the_handler(void **state)
{
    static const char *const noise[] = { "\r\n\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02", "GET / HTTP/9.9\r\n\r\n",
                                         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                                         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
                                         "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" };
    struct house *h = *state;

    for (size_t i = 0; i < ARRAY_SIZE(noise); i++) {
        struct client c = connect_to(h);
        send_text(&c, noise[i]);
        run_for(h, DURATION_MS(3));
        client_close(&c);
    }
    struct client c = connect_to(h);
    send_text(&c, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await_text(&c, "GET 2 0 -"));
    client_close(&c);
}

/* Each promptly said and the connection ended, whatever is to follow. */
static void what_go_refuses_never_reaches_the_handler(void **state)
{
    static const struct { const char *sent, *status, *words; } rows[] = {
        { "GET /drop HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "\r\n\r\n400 Bad Request: missing required Host header" },
        { "GET /drop\x01 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 ", "\r\n\r\n400 Bad Request" },
        { "POST /drop HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 400 ",
          "\r\n\r\n400 Bad Request" },
        { "POST /drop HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nabc", "HTTP/1.1 501 ",
          "\r\n\r\nUnsupported transfer encoding" },
        { "POST /drop HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: tea\r\n\r\n", "HTTP/1.1 417 ", "\r\n\r\n" },
    };
    struct house *h = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct client c = connect_to(h);
        send_text(&c, rows[i].sent);
        assert_true(await_close(&c));
        assert_non_null(c.got.data);
        assert_true(str_starts(c.got.data, rows[i].status));
        assert_string_equal(strstr(c.got.data, "\r\n\r\n"), rows[i].words);
        client_close(&c);
    }
    assert_int_equal(http_server_busy(h->server), 0);
}

/* As if the request ended there: what follows a NUL is nobody's path. */
static void a_nul_tears_the_request_line(void **state)
{
    static const char sent[] = "GET /raw\0/more HTTP/1.1\r\nHost: x\r\n\r\n";
    struct client c = connect_to(*state);

    send_all(&c, sent, sizeof(sent) - 1);
    assert_true(await_close(&c));
    assert_string_equal(strstr(c.got.data, "\r\n\r\n"), "\r\n\r\n400 Bad Request");
    client_close(&c);
}

/* ---- streams ------------------------------------------------------------------------------------------ */

static void a_stream_sends_its_headers_and_each_blob_at_once(void **state)
{
    struct house *h = *state;
    struct client c = connect_to(h);
    cleanup_blob struct blob *one = blob_new("one\n", 4), *two = blob_new("two\n", 4);

    send_text(&c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await_text(&c, "\r\n\r\n"));
    assert_non_null(strstr(c.got.data, "Transfer-Encoding: chunked\r\n"));
    push(&h->streams[0], one);
    assert_true(await_text(&c, "4\r\none\n\r\n"));
    push(&h->streams[0], two);
    push(&h->streams[0], one);
    assert_true(await_text(&c, "two\none\n"));
    h->streams[0].over = true;
    http_stream_wake(h->streams[0].x);
    assert_true(await_text(&c, "\r\n0\r\n\r\n"));
    assert_true(h->streams[0].gone);
    send_text(&c, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await_text(&c, "GET 2 0 -"));
    client_close(&c);
}

static void a_large_blob_arrives_whole(void **state)
{
    struct house *h = *state;
    struct client c = connect_to(h);
    cleanup_blob struct blob *big = NULL;
    struct buf b = BUF_INIT;
    size_t sum;

    for (int i = 0; i < 500000; i++)
        buf_printf(&b, "%d\n", i);
    big = blob_from_buf(&b);
    send_text(&c, "GET /stream HTTP/1.0\r\nHost: x\r\n\r\n");
    assert_true(await_text(&c, "\r\n\r\n"));
    push(&h->streams[0], big);
    h->streams[0].over = true;
    assert_true(await_text(&c, "\n499999\n"));
    assert_true(await_close(&c));
    sum = c.got.len - (size_t)(strstr(c.got.data, "\r\n\r\n") + 4 - c.got.data);
    assert_int_equal(sum, big->len);
    client_close(&c);
}

static void a_hangup_ends_the_stream_by_itself(void **state)
{
    struct house *h = *state;
    struct client c = connect_to(h);

    send_text(&c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await_text(&c, "\r\n\r\n"));
    client_close(&c);
    for (int i = 0; i < 200 && !h->streams[0].gone; i++)
        run_for(h, DURATION_MS(1));
    assert_true(h->streams[0].gone);
    assert_int_equal(http_server_busy(h->server), 0);
}

static void many_watchers_and_one_who_does_not_read(void **state)
{
    struct house *h = *state;
    static struct client c[WATCHERS];
    cleanup_free char *big = xcalloc(1, 1 << 20);
    cleanup_blob struct blob *event = blob_new("event\n", 6), *flood;

    memset(big, 'x', 1 << 20);
    flood = blob_new(big, 1 << 20);
    for (size_t i = 0; i < WATCHERS; i++) {
        c[i] = connect_to(h);
        send_text(&c[i], "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = 0; i < 200 && h->n_streams < WATCHERS; i++)
        run_for(h, DURATION_MS(1));
    assert_int_equal(h->n_streams, WATCHERS);
    for (int i = 0; i < 16; i++)
        push(&h->streams[0], flood);   /* whose client never reads: it fills the socket and waits */
    run_for(h, DURATION_MS(20));
    assert_true(h->streams[0].at < h->streams[0].queue.n);
    for (size_t i = 1; i < WATCHERS; i++)
        push(&h->streams[i], event);
    run_for(h, DURATION_MS(20));
    for (size_t i = 1; i < WATCHERS; i++)
        assert_true(await_text(&c[i], "event\n"));
    for (size_t i = 0; i < WATCHERS; i++)
        client_close(&c[i]);
    for (int i = 0; i < 200 && h->gone < WATCHERS; i++)
        run_for(h, DURATION_MS(1));
    assert_int_equal(h->gone, WATCHERS);
}

/* ---- those who take their time ----------------------------------------------------------------------- */

/* Sends `what`, then a byte every few milliseconds; true: the server ended it before `n` of them. */
static bool ends_early(struct client *c, const char *what, const char *each, int n)
{
    send_text(c, what);
    for (int i = 0; i < n; i++) {
        run_for(c->house, DURATION_MS(5));
        drain(c);
        if (c->closed)
            return true;
        send_text(c, each);
    }
    return false;
}

static void a_head_without_end_is_not_waited_for(void **state)
{
    struct client silent = connect_to(*state), slow = connect_to(*state), second = connect_to(*state);

    assert_true(ends_early(&silent, "", "", 100));
    assert_int_equal(silent.got.len, 0);
    assert_true(ends_early(&slow, "GET /a HTTP/1.1\r\nHost: x\r\nX-Test: ", "y", 100));
    assert_int_equal(slow.got.len, 0);
    assert_true(second.closed || await_close(&second));
    client_close(&silent);
    client_close(&slow);
    client_close(&second);
}

static void nor_is_a_body(void **state)
{
    struct client c = connect_to(*state);

    assert_true(ends_early(&c, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n", "y", 100));
    assert_int_equal(c.got.len, 0);
    client_close(&c);
}

/* Who has paid may wait: for an answer, for events, or with nothing to say. */
static void others_have_all_the_time_they_need(void **state)
{
    struct house *h = *state;
    struct client parked = connect_to(h), watcher = connect_to(h), idle = connect_to(h);
    cleanup_blob struct blob *one = blob_new("one\n", 4);

    send_text(&parked, "POST /park HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
    send_text(&watcher, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    send_text(&idle, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    run_for(h, DURATION_MS(120));
    http_reply(h->parked[0], 200, NULL, 0, blob_new("late", 4));
    push(&h->streams[0], one);
    assert_true(await_text(&parked, "late"));
    assert_true(await_text(&watcher, "one\n"));
    send_text(&idle, "GET /raw/b HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await_text(&idle, "/raw/b"));
    client_close(&parked);
    client_close(&watcher);
    client_close(&idle);
}

/* What is under way to him is no more than his socket holds, and in the end he loses it. */
static void who_never_reads_is_dropped(void **state)
{
    struct house *h = *state;
    struct client deaf = connect_to(h), idle = connect_to(h);
    cleanup_free char *big = xcalloc(1, 1 << 20);
    cleanup_blob struct blob *flood = blob_new(big, 1 << 20), *one = blob_new("one\n", 4);

    send_text(&deaf, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    send_text(&idle, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await_text(&deaf, "\r\n\r\n") && await_text(&idle, "\r\n\r\n"));
    for (int i = 0; i < 16; i++)
        push(&h->streams[0], flood);
    for (int i = 0; i < 100 && !h->streams[0].gone; i++)
        run_for(h, DURATION_MS(30));
    assert_true(h->streams[0].gone);
    assert_true(h->streams[0].at < h->streams[0].queue.n);
    push(&h->streams[1], one);         /* who has nothing to read is not deaf */
    assert_true(await_text(&idle, "one\n"));
    client_close(&deaf);
    client_close(&idle);
}

/* Nothing more can come, so nothing is waited for. */
static void a_client_that_says_no_more_is_not_waited_for(void **state)
{
    struct client half = connect_to(*state), whole = connect_to(*state);

    send_text(&half, "GET /a HTTP/1.1\r\nHost: x\r\n");
    shutdown(half.fd, SHUT_WR);
    send_text(&whole, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(whole.fd, SHUT_WR);
    assert_true(await_text(&whole, "GET 2 0 -"));
    assert_true(await_close(&half));
    assert_true(await_close(&whole));
    assert_int_equal(half.got.len, 0);
    client_close(&half);
    client_close(&whole);
}

/* ---- stopping ------------------------------------------------------------------------------------------ */

static void a_stop_ends_streams_and_lets_the_rest_finish(void **state)
{
    struct house *h = *state;
    struct client watcher = connect_to(h), parked = connect_to(h);

    send_text(&watcher, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    send_text(&parked, "GET /park HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await_text(&watcher, "\r\n\r\n"));
    run_for(h, DURATION_MS(10));
    http_server_stop(h->server);
    assert_true(await_text(&watcher, "\r\n0\r\n\r\n"));
    assert_int_equal(http_server_busy(h->server), 1);
    http_reply(h->parked[0], 200, NULL, 0, blob_new("done", 4));
    assert_true(await_text(&parked, "done"));
    assert_int_equal(http_server_busy(h->server), 0);
    client_close(&watcher);
    client_close(&parked);
}

static void freeing_with_everything_under_way(void **state)
{
    struct house *h = *state;
    struct client watcher = connect_to(h), parked = connect_to(h), half = connect_to(h),
                  flooded = connect_to(h);
    cleanup_free char *big = xcalloc(1, 8 << 20);
    cleanup_blob struct blob *flood = blob_new(big, 8 << 20);

    send_text(&watcher, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await_text(&watcher, "\r\n\r\n"));
    send_text(&flooded, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    send_text(&parked, "GET /park HTTP/1.1\r\nHost: x\r\n\r\n");
    send_text(&half, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
    run_for(h, DURATION_MS(10));
    push(&h->streams[1], flood);
    push(&h->streams[1], flood);
    run_for(h, DURATION_MS(10));
    h->server = http_server_free(h->server);
    assert_int_equal(h->gone, 3);
    assert_true(await_close(&watcher));
    assert_true(await_close(&parked));
    client_close(&watcher);
    client_close(&parked);
    client_close(&half);
    client_close(&flooded);
}

/* ---- addresses ------------------------------------------------------------------------------------------ */

static void addresses_that_cannot_be(void **state)
{
    static const char *const bad[] = { "", "8080", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "::1:80",
                                       "[::1:80", "no.such.host.invalid:80", "unix:",
                                       "unix:/no/such/folder/s.sock", "127.0.0.1:-1" };
    struct house *h = *state;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        cleanup_arena struct arena *a = arena_new();
        struct err e = ERR_IN(a);
        struct http_server_options o = { .listen = bad[i], .handle = handle, .arg = h };
        assert_null(http_server_new(h->world, &o, &e));
        assert_non_null(strstr(e.message, "listen on "));
    }
}

static void a_port_in_use_is_said(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct house *h = *state;
    struct err e = ERR_IN(a);
    struct http_server_options o = { .listen = http_server_address(h->server), .handle = handle,
                                     .arg = h };

    assert_null(http_server_new(h->world, &o, &e));
    assert_non_null(strstr(e.message, "Address already in use"));
}

static void a_unix_socket_of_a_dead_server_is_replaced(void **state)
{
    cleanup_free char *path = xasprintf("/tmp/dormouse-http-%d.sock", getpid());
    cleanup_free char *listen_on = xasprintf("unix:%s", path);
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct house *h = *state;
    struct http_server_options o = { .listen = listen_on, .handle = handle, .arg = h };
    struct http_server *one, *two;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(un.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    close(fd);                         /* the file stays, nobody listens */
    one = http_server_new(h->world, &o, NULL);
    assert_non_null(one);
    two = http_server_new(h->world, &o, NULL);
    assert_null(two);                  /* a live one is not replaced */
    http_server_free(one);
    assert_int_not_equal(access(path, F_OK), 0);
}

#define checked(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define hasty(f) cmocka_unit_test_setup_teardown(f, set_up_in_haste, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        checked(two_requests_on_one_connection),
        checked(the_target_comes_as_it_was_sent),
        checked(head_has_a_length_and_no_body),
        checked(a_long_body_is_cut_at_the_limit),
        checked(a_body_without_end_loses_its_connection),
        checked(forty_kilobytes_of_target_or_headers),
        checked(a_megabyte_of_headers_is_refused),
        checked(a_parked_request_is_answered_later),
        checked(a_dropped_request_gets_no_answer),
        checked(noise_does_not_reach_the_handler),
        checked(what_go_refuses_never_reaches_the_handler),
        checked(a_nul_tears_the_request_line),
        checked(a_stream_sends_its_headers_and_each_blob_at_once),
        checked(a_large_blob_arrives_whole),
        checked(a_hangup_ends_the_stream_by_itself),
        checked(many_watchers_and_one_who_does_not_read),
        hasty(a_head_without_end_is_not_waited_for),
        hasty(nor_is_a_body),
        hasty(others_have_all_the_time_they_need),
        hasty(who_never_reads_is_dropped),
        checked(a_client_that_says_no_more_is_not_waited_for),
        checked(a_stop_ends_streams_and_lets_the_rest_finish),
        checked(freeing_with_everything_under_way),
        checked(addresses_that_cannot_be),
        checked(a_port_in_use_is_said),
        checked(a_unix_socket_of_a_dead_server_is_replaced),
    };

    return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
