/* HTTP around a request function that parks, streams and refuses (promises 1 to 4); the kubeconfig. */
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakeapi/http/front.h"
#include "fakeapi/http/kubeconfig.h"
#include "kube/json.h"
#include "world/loop.h"

struct house {
    struct world *world;
    struct front *front;
    struct waitq parked;
    size_t n_parked, n_cancelled, streams_freed;
    struct stream *stream;
};

/* Two frames, then whatever push() says. */
struct stream {
    struct api_stream base;
    struct house *house;
    int frames;
    bool over;
};

static int stream_poll_bytes(struct api_stream *base, struct blob **ret)
{
    struct stream *s = container_of(base, struct stream, base);

    if (s->frames > 0) {
        s->frames--;
        *ret = blob_new("frame\n", 6);
        return 1;
    }
    return s->over ? -ERR_UNAVAILABLE : 0;
}

static void stream_free(struct api_stream *base)
{
    struct stream *s = container_of(base, struct stream, base);

    s->house->streams_freed++;
    s->house->stream = NULL;
    free(s);
}

static const struct api_stream_ops stream_ops = { .poll_bytes = stream_poll_bytes, .free = stream_free };

static const char *text_or_dash(const char *text)
{
    return text ? text : "-";
}

static void reply_tree(struct api_reply *ret, const struct api_request *q)
{
    ret->status = 200;
    ret->arena = arena_new();
    ret->headers = arena_alloc(ret->arena, sizeof(*ret->headers));
    ret->headers[0] = (struct api_header){ "Cache-Control", "mine" };
    ret->n_headers = 1;
    ret->object = json_pack("{s:s, s:s, s:s, s:s, s:I}", "method", q->method, "path", q->path, "query",
                            text_or_dash(q->query), "agent",
                            text_or_dash(api_request_header(q, "user-agent")), "body",
                            (json_int_t)q->body_len);
}

static int handle(struct co *co, void *arg, const struct api_request *q, struct api_reply *ret)
{
    struct house *h = arg;

    if (str_starts(q->path, "/park")) {
        h->n_parked++;
        if (waitq_wait(co, &h->parked) < 0) {
            h->n_cancelled++;
            return -ERR_CANCELLED;
        }
    }
    reply_tree(ret, q);
    if (str_starts(q->path, "/drop"))
        ret->status = 0;
    if (str_starts(q->path, "/stream")) {
        h->stream = xcalloc(1, sizeof(*h->stream));
        *h->stream = (struct stream){ .base.ops = &stream_ops, .house = h, .frames = 2 };
        ret->stream = &h->stream->base;
    }
    return 0;
}

/* ---- a client ------------------------------------------------------------------------------------------ */

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

static struct client request(struct house *h, const char *text)
{
    struct client c = { .house = h, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    in.sin_port = htons((uint16_t)atoi(strrchr(front_url(h->front), ':') + 1));
    assert_int_equal(connect(c.fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(send(c.fd, text, strlen(text), 0), strlen(text));
    return c;
}

static bool await_text(struct client *c, const char *text)
{
    for (int i = 0; i < 400 && !c->closed; i++) {
        char data[4096];
        ssize_t n = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);
        c->closed = n == 0;
        if (n > 0)
            buf_add(&c->got, data, (size_t)n);
        if (text && c->got.data && strstr(c->got.data, text))
            return true;
        if (n < 0)
            run_for(c->house, DURATION_MS(i < 20 ? 1 : 5));
    }
    return !text && c->closed;
}

static void client_close(struct client *c)
{
    close(c->fd);
    buf_release(&c->got);
}

static int set_up(void **state)
{
    struct house *h = xcalloc(1, sizeof(*h));
    struct front_options o = { .listen = "127.0.0.1:0", .handle = handle, .arg = h };

    h->world = world_new(&(struct world_options){ .mode = WORLD_REAL });
    h->front = front_new(h->world, &o, NULL);
    *state = h;
    return h->front ? 0 : -1;
}

static int tear_down(void **state)
{
    struct house *h = *state;

    front_free(h->front);
    world_free(h->world);
    free(h);
    return 0;
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static void a_request_is_split_and_not_decoded(void **state)
{
    struct client c = request(*state, "PATCH /a%2Fb?x=1&y=?z HTTP/1.1\r\nHost: x\r\nUser-Agent: me\r\n"
                                      "Audit-ID: mine\r\nContent-Length: 3\r\n\r\nabc");

    assert_true(await_text(&c, "{\"method\":\"PATCH\",\"path\":\"/a%2Fb\",\"query\":\"x=1\\u0026y=?z\","
                               "\"agent\":\"me\",\"body\":3}"));
    assert_non_null(strstr(c.got.data, "Audit-Id: mine\r\n"));
    assert_non_null(strstr(c.got.data, "Cache-Control: mine\r\n"));
    assert_null(strstr(c.got.data, "no-cache"));
    client_close(&c);
}

static void an_absolute_target_loses_its_host(void **state)
{
    struct client c = request(*state, "GET http://example.com/a?b HTTP/1.1\r\nHost: x\r\n\r\n"
                                      "GET http://example.com HTTP/1.1\r\nHost: x\r\n\r\n");

    assert_true(await_text(&c, "\"path\":\"/a\",\"query\":\"b\""));
    assert_true(await_text(&c, "\"path\":\"/\",\"query\":\"-\""));
    client_close(&c);
}

static void status_zero_is_no_answer(void **state)
{
    struct client c = request(*state, "GET /drop HTTP/1.1\r\nHost: x\r\n\r\n");

    assert_true(await_text(&c, NULL));
    assert_int_equal(c.got.len, 0);
    client_close(&c);
}

static void a_stream_flows_and_ends_with_its_source(void **state)
{
    struct house *h = *state;
    struct client c = request(h, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");

    assert_true(await_text(&c, "frame\nframe\n"));
    h->stream->frames = 1;
    api_stream_signal(&h->stream->base);
    assert_true(await_text(&c, "6\r\nframe\n\r\n"));
    h->stream->over = true;
    api_stream_signal(&h->stream->base);
    assert_true(await_text(&c, "\r\n0\r\n\r\n"));
    run_for(h, DURATION_MS(2));
    assert_int_equal(h->streams_freed, 1);
    client_close(&c);
}

static void a_client_that_leaves_frees_the_stream(void **state)
{
    struct house *h = *state;
    struct client c = request(h, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");

    assert_true(await_text(&c, "frame\n"));
    client_close(&c);
    for (int i = 0; i < 200 && h->streams_freed == 0; i++)
        run_for(h, DURATION_MS(1));
    assert_int_equal(h->streams_freed, 1);
    assert_int_equal(front_busy(h->front), 0);
}

/* Beside 10,000 idle watches a request that was suspended cost 4 ms instead of 12 us. */
static void a_prompt_request_is_never_suspended(void **state)
{
    struct house *h = *state;
    struct client watcher = request(h, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"), c;
    uint64_t before;

    assert_true(await_text(&watcher, "frame\nframe\n"));
    run_for(h, DURATION_MS(2));
    before = front_suspensions(h->front);
    assert_true(before > 0);           /* the watch that ran dry */
    for (int i = 0; i < 20; i++) {
        c = request(h, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(await_text(&c, "\"path\":\"/a\""));
        client_close(&c);
    }
    assert_int_equal(front_suspensions(h->front), before);
    c = request(h, "GET /park HTTP/1.1\r\nHost: x\r\n\r\n");
    run_for(h, DURATION_MS(5));
    assert_int_equal(front_suspensions(h->front), before + 1);   /* and does not spin while it waits */
    waitq_wake_all(&h->parked);
    assert_true(await_text(&c, "\"path\":\"/park\""));
    client_close(&c);
    client_close(&watcher);
}

static void stopping_lets_a_parked_request_finish(void **state)
{
    struct house *h = *state;
    struct client c = request(h, "GET /park HTTP/1.1\r\nHost: x\r\n\r\n");

    run_for(h, DURATION_MS(10));
    assert_int_equal(h->n_parked, 1);
    front_stop(h->front);
    assert_int_equal(front_busy(h->front), 1);
    waitq_wake_all(&h->parked);
    assert_true(await_text(&c, "\"path\":\"/park\""));
    client_close(&c);
}

static void freeing_cancels_what_is_parked(void **state)
{
    struct house *h = *state;
    struct client parked = request(h, "GET /park HTTP/1.1\r\nHost: x\r\n\r\n");
    struct client stream = request(h, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");

    assert_true(await_text(&stream, "frame\n"));
    run_for(h, DURATION_MS(5));
    h->front = front_free(h->front);
    assert_int_equal(h->n_cancelled, 1);
    assert_int_equal(h->streams_freed, 1);
    assert_true(await_text(&parked, NULL));
    assert_int_equal(parked.got.len, 0);
    client_close(&parked);
    client_close(&stream);
}

/* ---- the kubeconfig -------------------------------------------------------------------------------------- */

static void a_kubeconfig_with_a_ca_and_a_token(void **state)
{
    cleanup_buf struct buf b = BUF_INIT;

    kubeconfig_format(&(struct kubeconfig){ .server = "https://h:1", .ca_pem = "a\nbcde", .token = "t" }, &b);
    assert_non_null(strstr(b.data, "    server: https://h:1\n    certificate-authority-data: YQpiY2Rl\n"));
    assert_non_null(strstr(b.data, "  user:\n    token: \"t\"\n"));
}

#define checked(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        checked(a_request_is_split_and_not_decoded),
        checked(an_absolute_target_loses_its_host),
        checked(status_zero_is_no_answer),
        checked(a_stream_flows_and_ends_with_its_source),
        checked(a_client_that_leaves_frees_the_stream),
        checked(a_prompt_request_is_never_suspended),
        checked(stopping_lets_a_parked_request_finish),
        checked(freeing_cancels_what_is_parked),
        cmocka_unit_test(a_kubeconfig_with_a_ca_and_a_token),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("front", tests, NULL, NULL);
}
