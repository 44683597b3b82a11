#include "net/http_client.h"

#include <stdio.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/http_client_priv.h"
#include "world/loop.h"

#define STREAM_HIGH ((size_t)1 << 20)  /* a reader that is this far behind holds its peer */
#define BOUND_MAX DURATION_MIN(60 * 24 * 7)

struct socket_watch {
    struct http_client *client;
    struct loop_watch *watch;
    int fd;
    struct socket_watch *prev, *next;
};

struct http_client {
    struct world *world;
    struct loop *loop;
    struct curl_lib lib;
    CURLM *multi;                      /* NULL until the first call */
    struct loop_timer *timer;
    struct socket_watch *sockets;
    struct transfer *transfers;
};

/* ---- libcurl on the loop -------------------------------------------------------------------------- */

static void transfer_done(struct transfer *t, CURLcode result)
{
    t->done = true;
    t->result = result;
    waitq_wake_all(&t->wake);
    if (t->notify)
        t->notify(t->notify_arg);
}

static void read_messages(struct http_client *c)
{
    CURLMsg *m;
    int left;

    while ((m = c->lib.multi_info_read(c->multi, &left))) {
        char *transfer = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode result = m->data.result;
        c->lib.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer_done((struct transfer *)transfer, result);
    }
}

static void act(struct http_client *c, int fd, int events)
{
    int running;

    c->lib.multi_socket_action(c->multi, fd, events, &running);
    read_messages(c);
}

static void on_socket(void *arg, uint32_t events)
{
    struct socket_watch *w = arg;
    int mask = 0;

    if (events & (EPOLLIN | EPOLLRDHUP))
        mask |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        mask |= CURL_CSELECT_OUT;
    if (events & (EPOLLERR | EPOLLHUP))
        mask |= CURL_CSELECT_ERR;
    act(w->client, w->fd, mask);
}

static void socket_forget(struct socket_watch *w)
{
    loop_watch_free(w->watch);
    if (w->prev)
        w->prev->next = w->next;
    else
        w->client->sockets = w->next;
    if (w->next)
        w->next->prev = w->prev;
    free(w);
}

/* libcurl says what to look for on which of its sockets. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket)
{
    struct http_client *c = arg;
    struct socket_watch *w = socket;
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            socket_forget(w);
        return 0;
    }
    if (w) {
        loop_watch_set(w->watch, events);
        return 0;
    }
    w = xcalloc(1, sizeof(*w));
    *w = (struct socket_watch){ .client = c, .fd = fd, .next = c->sockets };
    w->watch = loop_watch_new(c->loop, fd, events, on_socket, w);
    if (c->sockets)
        c->sockets->prev = w;
    c->sockets = w;
    c->lib.multi_assign(c->multi, fd, w);
    return 0;
}

static void on_timer(void *arg)
{
    struct http_client *c = arg;

    c->timer = loop_timer_free(c->timer);
    act(c, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
    struct http_client *c = arg;

    (void)multi;
    c->timer = loop_timer_free(c->timer);
    if (ms >= 0)
        c->timer = loop_timer_new(c->loop, DURATION_MS(ms), on_timer, c);
    return 0;
}

/* ---- what comes back ------------------------------------------------------------------------------ */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * n;

    if (t->streaming && t->body.len >= STREAM_HIGH) {
        t->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!t->streaming && t->body.len + len > t->body_limit) {
        t->too_long = true;
        return 0;
    }
    buf_add(&t->body, data, len);
    if (t->notify)
        t->notify(t->notify_arg);
    return len;
}

static void forget_headers(struct transfer *t)
{
    for (size_t i = 0; i < t->got.n; i++) {
        free((char *)t->got.v[i].name);
        free((char *)t->got.v[i].value);
    }
    t->got.n = 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One line each; those of an interim answer (100) are followed by another status line. */
static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * n, all = len;
    const char *colon = memchr(line, ':', len);

    while (len && is_space(line[len - 1]))
        len--;
    if (!len) {
        long status = 0;
        t->client->lib.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        t->headers_done = status >= 200;
        waitq_wake_all(&t->wake);
    } else if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        forget_headers(t);
    } else if (colon && !t->headers_done && t->got.n < 256) {
        const char *value = colon + 1, *end = line + len;
        while (value < end && is_space(*value))
            value++;
        *dyn_push(&t->got) = (struct http_header){ xstrndup(line, (size_t)(colon - line)),
                                                   xstrndup(value, (size_t)(end - value)) };
    }
    return all;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = arg;

    (void)purpose;
    if (!t->has_dialled && address->addrlen <= sizeof(t->dialled)) {
        memcpy(&t->dialled, &address->addr, address->addrlen);
        t->has_dialled = true;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- a transfer ----------------------------------------------------------------------------------- */

static void on_bound(void *arg)
{
    struct transfer *t = arg;

    t->bound = loop_timer_free(t->bound);
    t->out_of_time = true;
    waitq_wake_all(&t->wake);
}

static void set_blob(struct transfer *t, CURLoption option, const char *pem)
{
    if (!pem)
        return;
    struct curl_blob blob = { .data = (char *)pem, .len = strlen(pem), .flags = CURL_BLOB_COPY };
    t->client->lib.easy_setopt(t->easy, option, &blob);
}

static void set_trust(struct transfer *t, const struct http_request *q)
{
    const struct curl_lib *lib = &t->client->lib;

    set_blob(t, CURLOPT_CAINFO_BLOB, q->ca_pem);
    if (q->ca_pem)
        lib->easy_setopt(t->easy, CURLOPT_CAPATH, NULL);
    set_blob(t, CURLOPT_SSLCERT_BLOB, q->cert_pem);
    set_blob(t, CURLOPT_SSLKEY_BLOB, q->key_pem);
    lib->easy_setopt(t->easy, CURLOPT_CERTINFO, 1L);
    if (q->insecure) {
        lib->easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        lib->easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void add_header(struct transfer *t, const char *name, const char *value)
{
    char *line = xasprintf("%s: %s", name, value);

    t->headers = t->client->lib.slist_append(t->headers, line);
    free(line);
}

static void set_headers(struct transfer *t, const struct http_request *q)
{
    for (size_t i = 0; i < q->n_headers; i++)
        add_header(t, q->headers[i].name, q->headers[i].value);
    t->headers = t->client->lib.slist_append(t->headers, "Expect:");
    t->client->lib.easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

static void set_body(struct transfer *t, const struct http_request *q)
{
    const struct curl_lib *lib = &t->client->lib;

    if (streq(q->method, "HEAD"))
        lib->easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    if (q->body || streq(q->method, "POST") || streq(q->method, "PUT")) {
        lib->easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
        lib->easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, q->body ? q->body : "");
    }
    lib->easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, q->method);
}

static void set_options(struct transfer *t, const struct http_request *q)
{
    const struct curl_lib *lib = &t->client->lib;

    lib->easy_setopt(t->easy, CURLOPT_URL, q->url);
    lib->easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    lib->easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    lib->easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->text);
    lib->easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    lib->easy_setopt(t->easy, CURLOPT_PROXY, "");
    lib->easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    lib->easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    lib->easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    lib->easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    lib->easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    lib->easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
    if (q->dial) {
        char *to = xasprintf("::%s", q->dial);
        t->connect_to = lib->slist_append(NULL, to);
        free(to);
        lib->easy_setopt(t->easy, CURLOPT_CONNECT_TO, t->connect_to);
    }
    set_trust(t, q);
    set_headers(t, q);
    set_body(t, q);
}

static int client_start(struct http_client *c, struct err *e)
{
    int r = curl_lib_load(&c->lib, e);

    if (r < 0 || c->multi)
        return r;
    c->loop = world_loop(c->world);
    c->multi = c->lib.multi_init();
    c->lib.multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    c->lib.multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    c->lib.multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    c->lib.multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    return 0;
}

static struct transfer *transfer_new(struct http_client *c, const struct http_request *q, bool streaming)
{
    struct transfer *t = xcalloc(1, sizeof(*t));

    *t = (struct transfer){ .client = c, .next = c->transfers, .streaming = streaming,
                            .body_limit = q->body_limit ? q->body_limit : HTTP_BODY_MAX };
    if (c->transfers)
        c->transfers->prev = t;
    c->transfers = t;
    t->easy = c->lib.easy_init();
    set_options(t, q);
    if (q->timeout > 0)
        t->bound = loop_timer_new(c->loop, q->timeout < BOUND_MAX ? q->timeout : BOUND_MAX, on_bound, t);
    c->lib.multi_add_handle(c->multi, t->easy);
    return t;
}

static struct transfer *transfer_free(struct transfer *t)
{
    struct http_client *c = t->client;

    loop_timer_free(t->bound);
    c->lib.multi_remove_handle(c->multi, t->easy);
    c->lib.easy_cleanup(t->easy);
    c->lib.slist_free_all(t->headers);
    c->lib.slist_free_all(t->connect_to);
    forget_headers(t);
    dyn_release(&t->got);
    buf_release(&t->body);
    if (t->prev)
        t->prev->next = t->next;
    else
        c->transfers = t->next;
    if (t->next)
        t->next->prev = t->prev;
    free(t);
    return NULL;
}

/* Suspends until it is over, or, for a stream, has begun: 0, -ERR_TIMEOUT, -ERR_CANCELLED. */
static int transfer_wait(struct co *co, struct transfer *t)
{
    while (!t->done && !(t->streaming && t->headers_done)) {
        if (t->out_of_time)
            return -ERR_TIMEOUT;
        int r = waitq_wait(co, &t->wake);
        if (r < 0)
            return r;
    }
    return 0;
}

static void transfer_answer(struct transfer *t, struct arena *a, struct http_response *ret)
{
    long status = 0;

    t->client->lib.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    ret->status = (int)status;
    ret->headers = arena_alloc(a, (t->got.n + 1) * sizeof(*ret->headers));
    for (size_t i = 0; i < t->got.n; i++)
        ret->headers[ret->n_headers++] = (struct http_header){ arena_strdup(a, t->got.v[i].name),
                                                               arena_strdup(a, t->got.v[i].value) };
    if (t->streaming)
        return;
    ret->body = arena_strndup(a, t->body.data ? t->body.data : "", t->body.len);
    ret->len = t->body.len;
}

/* Starts it and waits. *ret NULL on failure. */
static int run(struct co *co, struct http_client *c, const struct http_request *q, bool streaming, struct arena *a,
               struct http_response *ret, struct transfer **ret_transfer, struct err *e)
{
    *ret_transfer = NULL;
    struct instant deadline = instant_add(world_now(c->world), q->timeout);
    int r = client_start(c, e);

    *ret = (struct http_response){ .body = "" };
    if (r < 0)
        return r;
    world_external_begin(c->world);
    struct transfer *t = transfer_new(c, q, streaming);
    r = transfer_wait(co, t);
    ret->began = t->headers_done;
    if (r == -ERR_CANCELLED)
        err_set(e, ERR_CANCELLED, "context canceled");
    else if (r < 0)
        err_set(e, ERR_TIMEOUT, "context deadline exceeded");
    else if (t->done && t->result != CURLE_OK)
        r = transfer_failure(t, &c->lib, e);
    else
        transfer_answer(t, a, ret);
    if (r < 0 || !streaming)
        t = transfer_free(t);
    *ret_transfer = t;
    world_external_end(c->world);
    if (r == -ERR_TIMEOUT && world_is_sim(c->world))
        co_sleep_until(co, deadline);  /* the time that a hung peer costs */
    return r;
}

/* ---- calls ---------------------------------------------------------------------------------------- */

int http_call(struct co *co, struct http_client *c, const struct http_request *q, struct arena *a,
              struct http_response *ret, struct err *e)
{
    struct transfer *t;
    int r = run(co, c, q, false, a, ret, &t, e);

    co_input(co, &ret->status, sizeof(ret->status));
    co_input(co, ret->body, ret->len);
    return r;
}

const char *http_response_header(const struct http_response *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (strcasecmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    return NULL;
}

/* ---- readers -------------------------------------------------------------------------------------- */

struct http_reader {
    struct transfer *transfer;
};

int http_open(struct co *co, struct http_client *c, const struct http_request *q, struct arena *a,
              struct http_response *ret, struct http_reader **ret_reader, struct err *e)
{
    struct transfer *t;
    int r = run(co, c, q, true, a, ret, &t, e);

    if (r < 0)
        return r;
    t->bound = loop_timer_free(t->bound);
    *ret_reader = xcalloc(1, sizeof(**ret_reader));
    (*ret_reader)->transfer = t;
    return 0;
}

int http_reader_poll(struct http_reader *r, struct buf *b)
{
    struct transfer *t = r->transfer;

    if (t->body.len) {
        buf_add(b, t->body.data, t->body.len);
        buf_reset(&t->body);
        if (t->paused) {
            t->paused = false;
            t->client->lib.easy_pause(t->easy, CURLPAUSE_CONT);
        }
        return 1;
    }
    return t->done ? -ERR_UNAVAILABLE : 0;
}

void http_reader_notify(struct http_reader *r, void (*fn)(void *arg), void *arg)
{
    r->transfer->notify = fn;
    r->transfer->notify_arg = arg;
}

struct http_reader *http_reader_free(struct http_reader *r)
{
    if (!r)
        return NULL;
    transfer_free(r->transfer);
    free(r);
    return NULL;
}

/* ---- the client ----------------------------------------------------------------------------------- */

struct http_client *http_client_new(struct world *w)
{
    struct http_client *c = xcalloc(1, sizeof(*c));

    c->world = w;
    return c;
}

struct http_client *http_client_free(struct http_client *c)
{
    if (!c)
        return NULL;
    assert(!c->transfers);
    if (c->multi)
        c->lib.multi_cleanup(c->multi);
    loop_timer_free(c->timer);
    while (c->sockets)
        socket_forget(c->sockets);
    free(c);
    return NULL;
}
