/* The HTTP client against our own server, with and without TLS, and against raw peers that do wrong. */
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/tls.h"
#include "world/loop.h"

/* ---- a peer of our own making ----------------------------------------------------------------------- */

struct stream {
    struct http_exchange *x;
    int left;
};

struct house {
    struct world *world;
    struct proc *proc;
    struct http_server *server;
    struct http_client *client;
    struct arena *arena;
    struct tls_pair authority, pair;
    struct stream stream;
};

static int pull(void *arg, struct blob **ret)
{
    struct stream *s = arg;

    if (s->left-- <= 0)
        return -1;
    *ret = blob_new("piece\n", 6);
    return 1;
}

static void handle(void *arg, struct http_exchange *x)
{
    struct house *h = arg;
    struct http_header type = { "Content-Type", "text/plain" };
    size_t len;
    const char *body = http_body(x, &len), *target = http_target(x);

    if (streq(target, "/silent"))
        return;
    if (streq(target, "/stream")) {
        h->stream = (struct stream){ .x = x, .left = 3 };
        http_stream(x, 200, &type, 1, pull, &h->stream);
    } else if (streq(target, "/long")) {
        char *text = xcalloc(1, 5000);
        http_reply(x, 200, &type, 1, blob_new(text, 5000));
        free(text);
    } else {
        char *text = xasprintf("%s %s [%.*s] %s", http_method(x), target, (int)len, body,
                               http_header(x, "X-Test") ? http_header(x, "X-Test") : "-");
        http_reply(x, streq(target, "/teapot") ? 418 : 200, &type, 1, blob_new(text, strlen(text)));
        free(text);
    }
}

static struct house *house_new(enum world_mode mode, bool tls, const char *const *hosts, size_t n_hosts)
{
    struct house *h = xcalloc(1, sizeof(*h));
    struct world_options wo = { .mode = mode, .seed = 1 };
    struct http_server_options so = { .listen = "127.0.0.1:0", .body_limit = 100000, .handle = handle, .arg = h };

    h->arena = arena_new();
    h->world = world_new(&wo);
    h->proc = proc_new(h->world, "caller");
    if (tls) {
        struct tls_subject s = { .name = "peer", .hosts = hosts, .n_hosts = n_hosts };
        assert_int_equal(tls_authority_new("authority", &h->authority, NULL), 0);
        assert_int_equal(tls_issue(&h->authority, &s, &h->pair, NULL), 0);
        so.cert_pem = h->pair.cert_pem;
        so.key_pem = h->pair.key_pem;
    }
    h->server = http_server_new(h->world, &so, NULL);
    assert_non_null(h->server);
    h->client = http_client_new(h->world);
    return h;
}

static void house_free(struct house *h)
{
    proc_kill(h->proc);
    proc_free(h->proc);
    http_client_free(h->client);
    http_server_free(h->server);
    tls_pair_release(&h->authority);
    tls_pair_release(&h->pair);
    world_free(h->world);
    arena_free(h->arena);
    free(h);
}

static const char *url(struct house *h, const char *scheme, const char *path)
{
    return arena_printf(h->arena, "%s://%s%s", scheme, http_server_address(h->server), path);
}

/* ---- one call as a task ----------------------------------------------------------------------------- */

struct call {
    struct house *house;
    struct http_request q;
    struct http_response got;
    struct err err;
    struct buf streamed;
    int result;
    bool reads, done;
};

static void read_all(struct co *co, struct http_reader *r, struct buf *b)
{
    while (http_reader_poll(r, b) >= 0 && co_yield(co) == 0)
        ;
    http_reader_free(r);
}

static void run_call(struct co *co, void *arg)
{
    struct call *c = arg;
    struct http_reader *reader = NULL;

    if (c->reads) {
        c->result = http_open(co, c->house->client, &c->q, c->house->arena, &c->got, &reader, &c->err);
        if (c->result == 0)
            read_all(co, reader, &c->streamed);
    } else {
        c->result = http_call(co, c->house->client, &c->q, c->house->arena, &c->got, &c->err);
    }
    c->done = true;
    if (!world_is_sim(c->house->world))
        world_stop(c->house->world);
}

static void run(struct call *c)
{
    c->err = ERR_IN(c->house->arena);
    if (!c->q.timeout)
        c->q.timeout = DURATION_S(5);
    if (!c->q.method)
        c->q.method = "POST";
    co_spawn(c->house->proc, "call", run_call, c);
    if (world_is_sim(c->house->world))
        while (!c->done && world_step(c->house->world, INSTANT_NEVER))
            ;
    else
        world_run(c->house->world);
    assert_true(c->done);
}

static void says(struct call *c, int result, const char *message)
{
    if (c->result != result || !streq(err_message(&c->err), message))
        fail_msg("wanted %d \"%s\", got %d \"%s\"", result, message, c->result, err_message(&c->err));
}

/* ---- tests ------------------------------------------------------------------------------------------ */

static void a_call_brings_status_headers_and_body(void **state)
{
    struct house *h = house_new(WORLD_REAL, false, NULL, 0);
    struct http_header extra = { "X-Test", "yes" };
    struct call c = { .house = h, .q = { .url = url(h, "http", "/a?b=c"), .body = "body", .body_len = 4,
                                         .headers = &extra, .n_headers = 1 } };

    run(&c);
    assert_int_equal(c.result, 0);
    assert_int_equal(c.got.status, 200);
    assert_string_equal(c.got.body, "POST /a?b=c [body] yes");
    assert_string_equal(http_response_header(&c.got, "content-type"), "text/plain");
    struct call again = { .house = h, .q = { .method = "GET", .url = url(h, "http", "/teapot") } };
    run(&again);
    assert_int_equal(again.got.status, 418);
    assert_string_equal(again.got.body, "GET /teapot [] -");
    house_free(h);
}

static void a_name_may_be_dialled_elsewhere(void **state)
{
    static const char *const hosts[] = { "hook.ns.svc" };
    struct house *h = house_new(WORLD_REAL, true, hosts, 1);
    struct call c = { .house = h, .q = { .url = "https://hook.ns.svc:443/x", .dial = http_server_address(h->server),
                                         .ca_pem = h->authority.cert_pem } };

    run(&c);
    assert_string_equal(err_message(&c.err), err_code_text(0));
    assert_int_equal(c.result, 0);
    assert_string_equal(c.got.body, "POST /x [] -");
    house_free(h);
}

static void who_is_not_trusted_is_not_called(void **state)
{
    static const char *const hosts[] = { "hook.ns.svc", "10.1.2.3" };
    struct house *h = house_new(WORLD_REAL, true, hosts, 2);
    struct tls_pair other = { 0 };

    assert_int_equal(tls_authority_new("other", &other, NULL), 0);
    struct call stranger = { .house = h, .q = { .url = "https://hook.ns.svc/", .dial = http_server_address(h->server),
                                                .ca_pem = other.cert_pem } };
    run(&stranger);
    says(&stranger, -ERR_UNAVAILABLE, "tls: failed to verify certificate: x509: certificate signed by unknown authority");
    struct call name = { .house = h, .q = { .url = "https://else.ns.svc/", .dial = http_server_address(h->server),
                                            .ca_pem = h->authority.cert_pem } };
    run(&name);
    says(&name, -ERR_UNAVAILABLE, "tls: failed to verify certificate: x509: certificate is valid for hook.ns.svc, not "
         "else.ns.svc");
    struct call address = { .house = h, .q = { .url = url(h, "https", "/"), .ca_pem = h->authority.cert_pem } };
    run(&address);
    says(&address, -ERR_UNAVAILABLE, "tls: failed to verify certificate: x509: certificate is valid for 10.1.2.3, not "
         "127.0.0.1");
    struct call junk = { .house = h, .q = { .url = url(h, "https", "/"), .ca_pem = "no certificate" } };
    run(&junk);
    says(&junk, -ERR_INVALID, "unable to load root certificates: unable to parse bytes as PEM block");
    struct call anybody = { .house = h, .q = { .url = url(h, "https", "/"), .insecure = true } };
    run(&anybody);
    assert_int_equal(anybody.result, 0);
    tls_pair_release(&other);
    house_free(h);
}

static void nobody_listens(void **state)
{
    struct house *h = house_new(WORLD_REAL, false, NULL, 0);
    struct call c = { .house = h, .q = { .url = "https://127.0.0.1:1/x" } };

    run(&c);
    says(&c, -ERR_UNAVAILABLE, "dial tcp 127.0.0.1:1: connect: connection refused");
    assert_false(c.got.began);
    house_free(h);
}

static void a_silent_peer_costs_the_timeout(void **state)
{
    struct house *h = house_new(WORLD_REAL, false, NULL, 0);
    struct call c = { .house = h, .q = { .url = url(h, "http", "/silent"), .timeout = DURATION_MS(50) } };

    run(&c);
    says(&c, -ERR_TIMEOUT, "context deadline exceeded");
    house_free(h);
}

static void in_a_simulated_world_the_timeout_is_virtual(void **state)
{
    struct house *h = house_new(WORLD_SIM, false, NULL, 0);
    struct instant before = world_now(h->world);
    struct call fine = { .house = h, .q = { .url = url(h, "http", "/") } };

    run(&fine);
    assert_int_equal(fine.result, 0);
    assert_int_equal(world_now(h->world).ns, before.ns);        /* promise 4 */
    struct call c = { .house = h, .q = { .url = url(h, "http", "/silent"), .timeout = DURATION_MS(60) } };
    run(&c);
    says(&c, -ERR_TIMEOUT, "context deadline exceeded");
    assert_int_equal(world_now(h->world).ns - before.ns, DURATION_MS(60));
    house_free(h);
}

static void an_answer_has_a_limit(void **state)
{
    struct house *h = house_new(WORLD_REAL, false, NULL, 0);
    struct call c = { .house = h, .q = { .url = url(h, "http", "/long"), .body_limit = 4999 } };

    run(&c);
    says(&c, -ERR_TOO_LARGE, "the answer is longer than 4999 bytes");
    house_free(h);
}

static void a_stream_is_read_piece_by_piece(void **state)
{
    struct house *h = house_new(WORLD_REAL, false, NULL, 0);
    struct call c = { .house = h, .reads = true, .q = { .method = "GET", .url = url(h, "http", "/stream") } };

    run(&c);
    assert_int_equal(c.result, 0);
    assert_int_equal(c.got.status, 200);
    assert_string_equal(c.streamed.data, "piece\npiece\npiece\n");
    buf_release(&c.streamed);
    house_free(h);
}

static void a_cancelled_caller_leaves_nothing(void **state)
{
    struct house *h = house_new(WORLD_REAL, false, NULL, 0);
    struct call c = { .house = h, .err = ERR_IN(h->arena),
                      .q = { .method = "GET", .url = url(h, "http", "/silent"), .timeout = DURATION_S(60) } };

    co_spawn(h->proc, "call", run_call, &c);
    for (int i = 0; i < 4; i++)
        world_step(h->world, INSTANT_NEVER);
    assert_false(c.done);
    proc_kill(h->proc);
    assert_true(c.done);
    says(&c, -ERR_CANCELLED, "context canceled");
    house_free(h);                     /* asserts that no transfer is left */
}

/* ---- raw peers: what they say, and what it is called ------------------------------------------------- */

static const struct row {
    const char *name, *scheme, *said;
    int result;
    const char *message;
} rows[] = {
    { "closes at once", "http", "", -ERR_PROTOCOL, "EOF" },
    { "says something else", "http", "hello\r\n\r\n", -ERR_PROTOCOL,
      "net/http: HTTP/1.x transport connection broken: malformed HTTP response" },
    { "speaks plain HTTP where TLS was meant", "https", "HTTP/1.0 400 Bad Request\r\n\r\n", -ERR_UNAVAILABLE,
      "http: server gave HTTP response to HTTPS client" },
    { "is cut short", "http", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", -ERR_PROTOCOL, "unexpected EOF" },
};

struct raw {
    struct house *house;
    int listener, peer;
    const char *said;
    struct loop_watch *on_listener, *on_peer;
};

static void on_peer(void *arg, uint32_t events)
{
    struct raw *r = arg;
    char junk[4096];

    if (recv(r->peer, junk, sizeof(junk), MSG_DONTWAIT) > 0 && *r->said)
        (void)!send(r->peer, r->said, strlen(r->said), MSG_NOSIGNAL);
    r->on_peer = loop_watch_free(r->on_peer);
    shutdown(r->peer, SHUT_RDWR);
    close(r->peer);
}

static void on_listener(void *arg, uint32_t events)
{
    struct raw *r = arg;

    r->peer = accept(r->listener, NULL, NULL);
    r->on_peer = loop_watch_new(world_loop(r->house->world), r->peer, EPOLLIN, on_peer, r);
}

static void a_peer_that_does_wrong(void **state)
{
    const struct row *row = *state;
    struct house *h = house_new(WORLD_REAL, false, NULL, 0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    struct raw r = { .house = h, .said = row->said, .listener = socket(AF_INET, SOCK_STREAM, 0) };

    assert_int_equal(bind(r.listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(r.listener, 4), 0);
    getsockname(r.listener, (struct sockaddr *)&at, &len);
    r.on_listener = loop_watch_new(world_loop(h->world), r.listener, EPOLLIN, on_listener, &r);
    struct call c = { .house = h, .q = { .url = arena_printf(h->arena, "%s://127.0.0.1:%u/", row->scheme,
                                                              ntohs(at.sin_port)) } };
    run(&c);
    says(&c, row->result, row->message);
    loop_watch_free(r.on_peer);
    loop_watch_free(r.on_listener);
    close(r.listener);
    house_free(h);
}

int main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(a_call_brings_status_headers_and_body), cmocka_unit_test(a_name_may_be_dialled_elsewhere),
        cmocka_unit_test(who_is_not_trusted_is_not_called), cmocka_unit_test(nobody_listens),
        cmocka_unit_test(a_silent_peer_costs_the_timeout),
        cmocka_unit_test(in_a_simulated_world_the_timeout_is_virtual), cmocka_unit_test(an_answer_has_a_limit),
        cmocka_unit_test(a_stream_is_read_piece_by_piece), cmocka_unit_test(a_cancelled_caller_leaves_nothing),
    };
    struct CMUnitTest tests[ARRAY_SIZE(plain) + ARRAY_SIZE(rows)];

    memcpy(tests, plain, sizeof(plain));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[ARRAY_SIZE(plain) + i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = a_peer_that_does_wrong,
                                                            .initial_state = (void *)&rows[i] };
    return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
