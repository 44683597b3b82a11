#include "net/grpc/grpc.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/grpc/frame.h"
#include "net/grpc/h2_priv.h"
#include "net/grpc/sock.h"

#define STREAM_WINDOW (1 << 20)
#define CONN_WINDOW (4 << 20)
#define STATUS_TEXT_MAX 16384
#define BACKLOG_PAUSE DURATION_MS(10)
#define BOUND_MAX DURATION_MIN(60 * 24 * 7)

/* One stream of one call: a duplicated call has two. */
struct stream {
    struct call *call;
    int32_t id;
    size_t sent;                       /* of the call's frame */
    int http_status;
    bool is_grpc, has_status, closed;
    uint64_t status;
    struct buf message, body;
    bool too_large;
    uint32_t reset;                    /* HTTP/2 error code it was closed with */
};

struct call {
    struct grpc_client *client;
    struct conn *conn;                 /* NULL: none yet, or it has ended */
    struct call *prev, *next;
    const char *path;
    struct grpc_plan plan;
    struct buf frame;
    char timeout[GRPC_TIMEOUT_TEXT];
    struct stream streams[2];
    size_t n_streams;
    struct waitq wake;
    struct loop_timer *bound, *pause, *cancel;
    bool out_of_time, paused, cancel_now;
    bool cut_now;                      /* half of the request is out, or the answer begins */
    /* How the connection failed it: the first reason counts. */
    bool failed;
    enum grpc_code code;
    enum grpc_cause cause;
    char *text;
};

/* A connection. One that goes away still serves the calls it has; the next call makes a new one. */
struct conn {
    struct grpc_client *client;
    struct conn *prev, *next;
    struct h2_conn h2;
    bool connecting, going_away, broken;
};

struct grpc_client {
    struct world *world;
    struct loop *loop;
    char *endpoint;
    struct endpoint ep;
    duration real_bound;
    grpc_plan_fn *plan;
    void *plan_arg;
    struct conn *conns;
    struct call *calls;
};

static const char *const cause_texts[] = {
    [GRPC_PEER] = "answering", [GRPC_ABSENT] = "absent", [GRPC_REFUSED] = "not listening",
    [GRPC_HUNG] = "hung", [GRPC_GARBAGE] = "no gRPC server", [GRPC_DIED] = "dead",
    [GRPC_GIVEN_UP] = "given up",
};

const char *grpc_cause_text(enum grpc_cause cause)
{
    return cause_texts[cause];
}

/* ---- how a call fails ------------------------------------------------------------------------ */

static void call_fail(struct call *call, enum grpc_code code, enum grpc_cause cause, const char *fmt, ...)
    PRINTF(4, 5);

static void call_fail(struct call *call, enum grpc_code code, enum grpc_cause cause, const char *fmt, ...)
{
    va_list args;

    waitq_wake_all(&call->wake);
    if (call->failed)
        return;
    call->failed = true;
    call->code = code;
    call->cause = cause;
    va_start(args, fmt);
    call->text = xvasprintf(fmt, args);
    va_end(args);
}

static bool call_done(const struct call *call)
{
    for (size_t i = 0; i < call->n_streams; i++)
        if (!call->streams[i].closed)
            return false;
    return call->n_streams > 0;
}

/* ---- the connection -------------------------------------------------------------------------- */

static void conn_free(struct conn *conn)
{
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        conn->client->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    h2_release(&conn->h2);
    free(conn);
}

/* The connection has ended: the calls on it that are open fail for this reason. */
static void conn_end(struct conn *conn, enum grpc_code code, enum grpc_cause cause, const char *what)
{
    struct grpc_client *c = conn->client;

    for (struct call *call = c->calls; call; call = call->next) {
        bool open = !call_done(call) || call->cut_now;
        if (call->conn != conn)
            continue;
        call->conn = NULL;
        for (size_t i = 0; i < call->n_streams; i++)
            call->streams[i].closed = true;
        if (open)
            call_fail(call, code, cause, "%s: %s", c->endpoint, what);
    }
    conn_free(conn);
}

static void conn_lost(struct conn *conn, enum h2_state state)
{
    cleanup_arena struct arena *a = arena_new();

    if (!h2_began_well(&conn->h2))
        conn_end(conn, GRPC_INTERNAL, GRPC_GARBAGE,
                 arena_printf(a, "what listens there does not speak gRPC: it began with %s",
                              h2_first_bytes(&conn->h2, a)));
    else if (state == H2_BROKEN || conn->broken)
        conn_end(conn, GRPC_INTERNAL, GRPC_GARBAGE, "the peer broke the HTTP/2 protocol");
    else
        conn_end(conn, GRPC_UNAVAILABLE, GRPC_DIED, "the peer closed the connection before it answered");
}

/* False: it was lost. */
static bool conn_check(struct conn *conn, enum h2_state state)
{
    if (state != H2_ALIVE || !h2_began_well(&conn->h2)) {
        conn_lost(conn, state);
        return false;
    }
    for (struct call *call = conn->client->calls; call; call = call->next) {
        if (call->conn != conn || !call->cut_now)
            continue;
        conn_end(conn, GRPC_UNAVAILABLE, GRPC_DIED, "the connection was cut, as planned");
        return false;
    }
    return true;
}

static void on_event(void *arg, uint32_t events)
{
    struct conn *conn = arg;
    int errnum;

    if (conn->connecting) {
        errnum = sock_error(conn->h2.fd);
        if (errnum) {
            conn_end(conn, GRPC_UNAVAILABLE, errnum == ECONNREFUSED ? GRPC_REFUSED : GRPC_ABSENT,
                     errnum == ECONNREFUSED ? "connection refused: nobody listens there"
                                            : strerror(errnum));
            return;
        }
        conn->connecting = false;
        for (struct call *call = conn->client->calls; call; call = call->next)
            waitq_wake_all(&call->wake);
    }
    conn_check(conn, h2_pump(&conn->h2, events));
}

/* ---- nghttp2's callbacks --------------------------------------------------------------------- */

static struct stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct stream *s = stream_of(session, frame->hd.stream_id);

    if (s && s->call->plan.cut == GRPC_CUT_REPLY)
        s->call->cut_now = true;
    return 0;
}

static bool is(const uint8_t *a, size_t len, const char *b)
{
    return len == strlen(b) && memcmp(a, b, len) == 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *user_data)
{
    struct stream *s = stream_of(session, frame->hd.stream_id);
    char number[24];
    uint64_t n;

    if (!s || s->call->plan.cut == GRPC_CUT_REPLY)
        return 0;
    if (is(name, name_len, "content-type")) {
        s->is_grpc = len >= 16 && memcmp(value, "application/grpc", 16) == 0;
    } else if (is(name, name_len, "grpc-message")) {
        buf_reset(&s->message);
        buf_add(&s->message, value, len < STATUS_TEXT_MAX ? len : STATUS_TEXT_MAX);
    } else if (len < sizeof(number)) {
        memcpy(number, value, len);
        number[len] = '\0';
        if (is(name, name_len, ":status") && parse_u64(number, &n) && n < 1000) {
            s->http_status = (int)n;
        } else if (is(name, name_len, "grpc-status")) {
            s->has_status = true;
            s->status = parse_u64(number, &n) && n <= GRPC_UNAUTHENTICATED ? n : GRPC_UNKNOWN;
        }
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
                   void *user_data)
{
    struct stream *s = stream_of(session, id);

    if (!s || s->too_large)
        return 0;
    if (s->body.len + len > GRPC_MESSAGE_MAX + 5) {
        s->too_large = true;
        buf_release(&s->body);
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
        return 0;
    }
    buf_add(&s->body, data, len);
    return 0;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct conn *conn = user_data;

    if (frame->hd.type == NGHTTP2_GOAWAY)
        conn->going_away = true;
    return 0;
}

/* We only ever say GOAWAY with an error when the peer broke a rule. */
static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct conn *conn = user_data;

    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        conn->broken = true;
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *user_data)
{
    struct stream *s = stream_of(session, id);

    if (s) {
        s->closed = true;
        s->reset = error;
        nghttp2_session_set_stream_user_data(session, id, NULL);
        waitq_wake_all(&s->call->wake);
    }
    return 0;
}

static void new_session(struct conn *conn)
{
    nghttp2_session_callbacks *cb;
    nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
    };

    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_client_new(&conn->h2.session, cb, conn);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(conn->h2.session, NGHTTP2_FLAG_NONE, settings, ARRAY_SIZE(settings));
    nghttp2_session_set_local_window_size(conn->h2.session, NGHTTP2_FLAG_NONE, 0, CONN_WINDOW);
}

/* ---- waiting in real time -------------------------------------------------------------------- */

static void on_bound(void *arg)
{
    struct call *call = arg;

    call->out_of_time = true;
    waitq_wake_all(&call->wake);
}

static void on_pause(void *arg)
{
    struct call *call = arg;

    call->paused = false;
    waitq_wake_all(&call->wake);
}

static void on_cancel(void *arg)
{
    struct call *call = arg;

    call->cancel_now = true;
    waitq_wake_all(&call->wake);
}

/* 0 after `d`; -ERR_TIMEOUT once the call is out of time, -ERR_CANCELLED. */
static int call_pause(struct co *co, struct call *call, duration d)
{
    call->paused = true;
    call->pause = loop_timer_new(call->client->loop, d, on_pause, call);
    while (call->paused && !call->out_of_time) {
        int r = waitq_wait(co, &call->wake);
        if (r < 0)
            return r;
    }
    call->pause = loop_timer_free(call->pause);
    return call->out_of_time ? -ERR_TIMEOUT : 0;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static const struct connect_row {
    int errnum;
    enum grpc_cause cause;
    const char *text;
} connect_rows[] = {
    { ENOENT, GRPC_ABSENT, "there is no such socket: is its server running, and is the path right?" },
    { EACCES, GRPC_ABSENT, "permission denied" },
    { ECONNREFUSED, GRPC_REFUSED, "connection refused: nobody listens there" },
};

static int connect_failed(struct call *call, int errnum)
{
    enum grpc_cause cause = GRPC_ABSENT;
    const char *text = strerror(errnum);

    for (size_t i = 0; i < ARRAY_SIZE(connect_rows); i++) {
        if (connect_rows[i].errnum != errnum)
            continue;
        cause = connect_rows[i].cause;
        text = connect_rows[i].text;
    }
    call_fail(call, GRPC_UNAVAILABLE, cause, "%s: %s", call->client->endpoint, text);
    return -ERR_UNAVAILABLE;
}

static struct conn *conn_new(struct grpc_client *c, int fd, bool connecting)
{
    struct conn *conn = xcalloc(1, sizeof(*conn));

    conn->client = c;
    conn->connecting = connecting;
    conn->next = c->conns;
    if (c->conns)
        c->conns->prev = conn;
    c->conns = conn;
    h2_init(&conn->h2, c->loop, fd, connecting ? EPOLLOUT : EPOLLIN, on_event, conn);
    new_session(conn);
    return conn;
}

/* A connection that still serves, or NULL. What happened to it since the last call is read first: a
 * server that was restarted meanwhile must not cost a call. */
static struct conn *usable_conn(struct grpc_client *c)
{
    struct conn *conn, *next;

    for (conn = c->conns; conn; conn = next) {
        next = conn->next;
        if (conn->connecting)
            return conn;
        if (!conn_check(conn, h2_pump(&conn->h2, EPOLLIN)))
            continue;
        if (sock_at_end(conn->h2.fd))
            conn_lost(conn, H2_CLOSED);
        else if (!conn->going_away)
            return conn;
    }
    return NULL;
}

/* Returns 0 with a connection that the call may use. */
static int call_connect(struct co *co, struct call *call)
{
    struct grpc_client *c = call->client;
    bool connecting;
    int r, fd;

    while (!(call->conn = usable_conn(c))) {
        fd = sock_connect(&c->ep, &connecting);
        if (fd >= 0) {
            call->conn = conn_new(c, fd, connecting);
            break;
        }
        if (fd != -EAGAIN)
            return connect_failed(call, -fd);
        r = call_pause(co, call, BACKLOG_PAUSE);        /* its queue is full: our turn may come */
        if (r < 0)
            return r;
    }
    while (call->conn && call->conn->connecting) {
        if (call->out_of_time)
            return -ERR_TIMEOUT;
        r = waitq_wait(co, &call->wake);
        if (r < 0)
            return r;
    }
    return call->conn ? 0 : -ERR_UNAVAILABLE;
}

/* ---- one call -------------------------------------------------------------------------------- */

static ssize_t read_request(nghttp2_session *session, int32_t id, uint8_t *out, size_t room,
                            uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    struct stream *s = source->ptr;
    struct call *call = s->call;
    size_t end = call->frame.len, n;

    if (call->plan.cut == GRPC_CUT_REQUEST)
        end /= 2;
    n = end - s->sent < room ? end - s->sent : room;
    if (n == 0 && end < call->frame.len) {
        call->cut_now = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    memcpy(out, call->frame.data + s->sent, n);
    s->sent += n;
    if (s->sent == call->frame.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static void stream_submit(struct call *call)
{
    struct grpc_client *c = call->client;
    struct stream *s = &call->streams[call->n_streams++];
    nghttp2_data_provider provider = { .source.ptr = s, .read_callback = read_request };
    const char *authority = c->ep.is_unix ? "localhost" : c->endpoint + strlen("tcp://");
    nghttp2_nv nv[] = {
        H2_NV(":method", "POST", 4),
        H2_NV(":scheme", "http", 4),
        H2_NV(":path", call->path, strlen(call->path)),
        H2_NV(":authority", authority, strlen(authority)),
        H2_NV("te", "trailers", strlen("trailers")),
        H2_NV("grpc-timeout", call->timeout, strlen(call->timeout)),
        H2_NV("content-type", "application/grpc", strlen("application/grpc")),
        H2_NV("user-agent", "dormouse/" DORMOUSE_VERSION, strlen("dormouse/" DORMOUSE_VERSION)),
        H2_NV("grpc-accept-encoding", "identity", strlen("identity")),
    };

    s->call = call;
    s->id = nghttp2_submit_request(call->conn->h2.session, NULL, nv, ARRAY_SIZE(nv), &provider, s);
    if (s->id < 0) {
        s->closed = true;
        call_fail(call, GRPC_UNAVAILABLE, GRPC_DIED, "%s: %s", c->endpoint, nghttp2_strerror(s->id));
    }
}

/* Lets go of the streams that are still open: the peer is told, nothing of them comes back here. */
static void call_reset(struct call *call)
{
    struct conn *conn = call->conn;
    bool any = false;

    for (size_t i = 0; i < call->n_streams && conn; i++) {
        struct stream *s = &call->streams[i];
        if (s->closed)
            continue;
        nghttp2_session_set_stream_user_data(conn->h2.session, s->id, NULL);
        nghttp2_submit_rst_stream(conn->h2.session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
        s->closed = any = true;
    }
    if (any)
        conn_check(conn, h2_flush(&conn->h2));
}

/* Suspends until the call is decided: 0, -ERR_TIMEOUT, -ERR_CANCELLED, or it has failed. */
static int call_run(struct co *co, struct call *call)
{
    struct grpc_client *c = call->client;
    int r;

    if (call->plan.delay > 0) {
        r = call_pause(co, call, call->plan.delay);
        if (r < 0)
            return r;
    }
    if (call->plan.cut == GRPC_CUT_BEFORE) {
        grpc_client_disconnect(c);
        call_fail(call, GRPC_UNAVAILABLE, GRPC_DIED, "%s: the connection was cut, as planned", c->endpoint);
        return 0;
    }
    r = call_connect(co, call);
    if (r < 0)
        return r;
    stream_submit(call);
    if (call->plan.duplicate)
        stream_submit(call);
    conn_check(call->conn, h2_flush(&call->conn->h2));
    if (call->plan.cancel_after > 0)
        call->cancel = loop_timer_new(c->loop, call->plan.cancel_after, on_cancel, call);
    while (!call_done(call) && !call->failed) {
        if (call->out_of_time)
            return -ERR_TIMEOUT;
        if (call->cancel_now) {
            call_fail(call, GRPC_CANCELLED, GRPC_GIVEN_UP, "%s: cancelled, as planned", c->endpoint);
            break;
        }
        r = waitq_wait(co, &call->wake);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- what the answer says -------------------------------------------------------------------- */

static enum grpc_code answer(struct grpc_reply *ret, enum grpc_code code, enum grpc_cause cause,
                             const char *message)
{
    ret->code = code;
    ret->cause = cause;
    ret->message = message;
    return code;
}

static enum grpc_code garbage(struct call *call, struct arena *a, struct grpc_reply *ret, const char *what)
{
    return answer(ret, GRPC_INTERNAL, GRPC_GARBAGE,
                  arena_printf(a, "%s: the answer %s", call->client->endpoint, what));
}

static enum grpc_code read_answer(struct call *call, struct arena *a, struct grpc_reply *ret)
{
    struct stream *s = &call->streams[0];
    enum grpc_frame_result frame;
    const void *data = NULL;
    size_t len = 0;

    if (s->too_large)
        return answer(ret, GRPC_RESOURCE_EXHAUSTED, GRPC_PEER,
                      arena_printf(a, "%s: the answer is larger than 4 MiB", call->client->endpoint));
    if (s->has_status && s->status != GRPC_OK)
        return answer(ret, (enum grpc_code)s->status, GRPC_PEER,
                      grpc_percent_decode(a, s->message.data ? s->message.data : "", s->message.len));
    if (s->reset != NGHTTP2_NO_ERROR)
        return answer(ret, grpc_code_of_reset(s->reset), GRPC_DIED,
                      arena_printf(a, "%s: the peer reset the call (%s)", call->client->endpoint,
                                   nghttp2_http2_strerror(s->reset)));
    if (s->http_status != 200)
        return answer(ret, grpc_code_of_http(s->http_status), GRPC_GARBAGE,
                      arena_printf(a, "%s: the answer is HTTP status %d, and no gRPC",
                                   call->client->endpoint, s->http_status));
    if (!s->is_grpc)
        return garbage(call, a, ret, "is not of type application/grpc");
    if (!s->has_status)
        return garbage(call, a, ret, "has no grpc-status");
    frame = grpc_frame_parse(s->body.data, s->body.len, &data, &len);
    if (frame != FRAME_OK)
        return garbage(call, a, ret, grpc_frame_text(frame));
    ret->data = arena_memdup(a, data, len);
    ret->len = len;
    return answer(ret, GRPC_OK, GRPC_PEER, "");
}

static void call_release(struct call *call)
{
    struct grpc_client *c = call->client;

    call_reset(call);
    loop_timer_free(call->bound);
    loop_timer_free(call->pause);
    loop_timer_free(call->cancel);
    for (size_t i = 0; i < call->n_streams; i++) {
        buf_release(&call->streams[i].message);
        buf_release(&call->streams[i].body);
    }
    buf_release(&call->frame);
    free(call->text);
    if (call->prev)
        call->prev->next = call->next;
    else
        c->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
    free(call);
}

static enum grpc_code call_finish(struct call *call, int r, struct arena *a, struct grpc_reply *ret)
{
    const char *where = call->client->endpoint;

    if (r == -ERR_CANCELLED)
        return answer(ret, GRPC_CANCELLED, GRPC_GIVEN_UP, "the caller was cancelled");
    if (call->failed)
        return answer(ret, call->code, call->cause, arena_strdup(a, call->text));
    if (r == -ERR_TIMEOUT && call->n_streams == 0)
        return answer(ret, GRPC_DEADLINE_EXCEEDED, GRPC_HUNG,
                      arena_printf(a, "%s: the connection did not come about in time", where));
    if (r == -ERR_TIMEOUT)
        return answer(ret, GRPC_DEADLINE_EXCEEDED, GRPC_HUNG,
                      arena_printf(a, "%s: no answer within the deadline", where));
    if (r < 0)
        return answer(ret, GRPC_UNAVAILABLE, GRPC_DIED,
                      arena_printf(a, "%s: the connection was lost", where));
    return read_answer(call, a, ret);
}

static struct call *call_new(struct grpc_client *c, const char *path, const void *data, size_t len,
                             duration timeout)
{
    struct call *call = xcalloc(1, sizeof(*call));

    call->client = c;
    call->path = path;
    grpc_frame_add(&call->frame, data, len);
    grpc_timeout_format(timeout, call->timeout);
    call->next = c->calls;
    if (c->calls)
        c->calls->prev = call;
    c->calls = call;
    if (c->plan)
        c->plan(c->plan_arg, path, &call->plan);
    if (c->real_bound > 0 && timeout > c->real_bound)
        timeout = c->real_bound;
    if (timeout > BOUND_MAX)
        timeout = BOUND_MAX;
    call->bound = loop_timer_new(c->loop, timeout, on_bound, call);
    return call;
}

enum grpc_code grpc_call(struct co *co, struct grpc_client *c, const char *path, const void *data,
                         size_t len, duration timeout, struct arena *a, struct grpc_reply *ret)
{
    struct instant deadline = instant_add(world_now(c->world), timeout);
    struct call *call;
    int r;

    *ret = (struct grpc_reply){ 0 };
    if (timeout <= 0)
        return answer(ret, GRPC_DEADLINE_EXCEEDED, GRPC_GIVEN_UP, "the deadline passed before the call");
    if (len > GRPC_MESSAGE_MAX)
        return answer(ret, GRPC_RESOURCE_EXHAUSTED, GRPC_GIVEN_UP, "the request is larger than 4 MiB");
    world_external_begin(c->world);
    call = call_new(c, path, data, len, timeout);
    r = call_run(co, call);
    call_finish(call, r, a, ret);
    call_release(call);
    world_external_end(c->world);
    if (ret->cause == GRPC_HUNG && world_is_sim(c->world))
        co_sleep_until(co, deadline);  /* the time that a hung peer costs */
    co_input(co, &ret->code, sizeof(ret->code));
    co_input(co, ret->data, ret->len);
    return ret->code;
}

/* ---- the client ------------------------------------------------------------------------------ */

int grpc_endpoint_check(const char *endpoint, struct err *e)
{
    struct endpoint ep;

    return endpoint_parse(endpoint, &ep, e);
}

struct grpc_client *grpc_client_new(struct world *w, const struct grpc_client_options *o, struct err *e)
{
    struct endpoint ep;
    struct grpc_client *c;

    if (endpoint_parse(o->endpoint, &ep, e) < 0)
        return NULL;
    c = xcalloc(1, sizeof(*c));
    c->world = w;
    c->loop = world_loop(w);
    c->endpoint = xstrdup(o->endpoint);
    c->ep = ep;
    c->real_bound = o->real_bound;
    c->plan = o->plan;
    c->plan_arg = o->plan_arg;
    return c;
}

void grpc_client_disconnect(struct grpc_client *c)
{
    while (c->conns)
        conn_end(c->conns, GRPC_UNAVAILABLE, GRPC_DIED, "the connection was closed on this side");
}

struct grpc_client *grpc_client_free(struct grpc_client *c)
{
    if (!c)
        return NULL;
    assert(!c->calls);
    grpc_client_disconnect(c);
    free(c->endpoint);
    free(c);
    return NULL;
}
