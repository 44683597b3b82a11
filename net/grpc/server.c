#include "net/grpc/grpc.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/grpc/frame.h"
#include "net/grpc/h2_priv.h"
#include "net/grpc/sock.h"

#define CONNS_MAX 256
#define CALLS_PER_CONN 128
#define BODY_BYTES_MAX ((size_t)64 << 20)       /* of all requests under way together */
#define PATH_MAX_BYTES 1024
#define STREAM_WINDOW (1 << 20)
#define CONN_WINDOW (4 << 20)
#define MESSAGE_TEXT_MAX 2048                   /* peers limit their headers to 8 KiB */
#define PREFACE_BOUND DURATION_S(10)
#define ACCEPT_PAUSE DURATION_MS(100)
#define DEADLINE_MAX DURATION_MIN(60 * 24)       /* a longer one is not watched here */

struct server_conn;

/* One call. It lives until both its stream is closed and its handler has returned. */
struct server_call {
    struct grpc_server *server;
    struct server_conn *conn;                   /* NULL: nobody waits for the answer any more */
    struct server_call *prev, *next;            /* of the connection */
    int32_t stream;
    char *path;
    bool is_post, is_grpc, has_timeout, bad_timeout;
    duration timeout;
    struct buf body;
    struct loop_timer *deadline;
    bool complete;                              /* the request is in, or was given up */
    bool running;                               /* a handler has it */
    bool answered;
    struct buf reply;
    size_t reply_at;
};

struct server_conn {
    struct h2_conn h2;
    struct grpc_server *server;
    struct server_conn *prev, *next;
    struct server_call *calls;
    struct loop_timer *preface;
};

struct grpc_server {
    struct world *world;
    struct loop *loop;
    struct grpc_server_options o;
    struct endpoint ep;
    struct socket_file file;
    char *endpoint;
    int fd;
    struct loop_watch *watch;
    struct loop_timer *accept_pause;
    struct server_conn *conns;
    size_t n_conns, n_running, body_bytes;
    struct waitq idle;
    bool stopped;
};

/* ---- the life of calls and connections ------------------------------------------------------- */

static void call_free(struct server_call *call)
{
    loop_timer_free(call->deadline);
    call->server->body_bytes -= call->body.len;
    buf_release(&call->body);
    buf_release(&call->reply);
    free(call->path);
    free(call);
}

/* Nobody waits for the answer any more; a handler that runs goes on (promise 4). */
static void call_detach(struct server_call *call)
{
    struct server_conn *conn = call->conn;

    if (call->prev)
        call->prev->next = call->next;
    else
        conn->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
    call->conn = NULL;
    call->deadline = loop_timer_free(call->deadline);
    if (!call->running)
        call_free(call);
}

static void conn_free(struct server_conn *conn)
{
    struct grpc_server *s = conn->server;

    while (conn->calls)
        call_detach(conn->calls);
    loop_timer_free(conn->preface);
    h2_release(&conn->h2);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        s->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    s->n_conns--;
    free(conn);
}

/* ---- answering ------------------------------------------------------------------------------- */

static size_t submit_status(nghttp2_nv *nv, char number[4], struct buf *text, enum grpc_code code,
                            const char *message)
{
    size_t n = 0, len = message ? strlen(message) : 0;

    snprintf(number, 4, "%d", (int)code);
    nv[n++] = H2_NV("grpc-status", number, strlen(number));
    if (len > MESSAGE_TEXT_MAX) {
        len = MESSAGE_TEXT_MAX;
        while (len > 0 && ((unsigned char)message[len] & 0xc0) == 0x80)
            len--;                              /* not in the middle of a character */
    }
    if (len > 0) {
        grpc_percent_encode(text, message, len);
        nv[n++] = H2_NV("grpc-message", text->data, text->len);
    }
    return n;
}

/* The reply's bytes, then the trailers. */
static ssize_t read_reply(nghttp2_session *session, int32_t stream, uint8_t *out, size_t room,
                          uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    struct server_call *call = source->ptr;
    size_t n = call->reply.len - call->reply_at;

    if (n > room)
        n = room;
    memcpy(out, call->reply.data + call->reply_at, n);
    call->reply_at += n;
    if (call->reply_at == call->reply.len) {
        cleanup_buf struct buf text = BUF_INIT;
        nghttp2_nv nv[2];
        char number[4];
        size_t n_nv = submit_status(nv, number, &text, GRPC_OK, NULL);
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, stream, nv, n_nv);
    }
    return (ssize_t)n;
}

/* Submits the answer; `call->reply` holds the frame where the code is OK. The caller flushes. */
static void call_answer(struct server_call *call, enum grpc_code code, const char *message)
{
    cleanup_buf struct buf text = BUF_INIT;
    nghttp2_session *session;
    nghttp2_nv nv[5];
    char number[4];
    size_t n = 0;

    if (!call->conn || call->answered)
        return;
    call->answered = true;
    call->deadline = loop_timer_free(call->deadline);
    session = call->conn->h2.session;
    nv[n++] = H2_NV(":status", "200", 3);
    nv[n++] = H2_NV("content-type", "application/grpc", strlen("application/grpc"));
    if (code == GRPC_OK) {
        nghttp2_data_provider provider = { .source.ptr = call, .read_callback = read_reply };
        nghttp2_submit_response(session, call->stream, nv, n, &provider);
        return;
    }
    nv[n++] = H2_NV("grpc-accept-encoding", "identity", strlen("identity"));
    n += submit_status(nv + n, number, &text, code, message);
    nghttp2_submit_response(session, call->stream, nv, n, NULL);
}

static void call_answer_http(struct server_call *call, const char *status)
{
    nghttp2_nv nv = H2_NV(":status", status, strlen(status));

    call->answered = true;
    nghttp2_submit_response(call->conn->h2.session, call->stream, &nv, 1, NULL);
}

static void conn_flush(struct server_conn *conn)
{
    if (h2_flush(&conn->h2) != H2_ALIVE)
        conn_free(conn);
}

static void on_call_deadline(void *arg)
{
    struct server_call *call = arg;

    call_answer(call, GRPC_DEADLINE_EXCEEDED, "the deadline passed before the call was done");
    conn_flush(call->conn);
}

/* ---- running --------------------------------------------------------------------------------- */

static const struct grpc_method *find_method(const struct grpc_server *s, const char *path)
{
    for (size_t i = 0; i < s->o.n_methods; i++)
        if (streq(s->o.methods[i].path, path))
            return &s->o.methods[i];
    return NULL;
}

static void run_call(struct co *co, void *arg)
{
    struct server_call *call = arg;
    struct grpc_server *s = call->server;
    const struct grpc_method *method = find_method(s, call->path);
    struct grpc_request q = { .path = call->path, .has_deadline = call->has_timeout,
                              .timeout = call->timeout };
    cleanup_buf struct buf reply = BUF_INIT;
    const char *message = NULL;
    enum grpc_code code;

    grpc_frame_parse(call->body.data, call->body.len, &q.data, &q.len);
    code = method->handle(co, method->arg, &q, &reply, &message);
    call->running = false;
    if (--s->n_running == 0)
        waitq_wake_all(&s->idle);
    if (!call->conn) {
        call_free(call);
        return;
    }
    if (co_cancelled(co))
        return;                                 /* the process is dead: it answers nothing */
    if (code == GRPC_OK && reply.len > GRPC_MESSAGE_MAX) {
        code = GRPC_RESOURCE_EXHAUSTED;
        message = "the reply is larger than 4 MiB";
    }
    if (code == GRPC_OK && !call->answered)
        grpc_frame_add(&call->reply, reply.data, reply.len);
    call_answer(call, code, message);
    conn_flush(call->conn);
}

/* The request is complete: refuse it by the first reason that holds, or start its handler. */
static void call_dispatch(struct server_call *call)
{
    const void *data;
    size_t len;
    enum grpc_frame_result frame;
    char text[128];

    if (call->complete)
        return;
    call->complete = true;
    if (!call->is_post) {
        call_answer_http(call, "405");
        return;
    }
    if (!call->is_grpc) {
        call_answer_http(call, "415");
        return;
    }
    if (!call->path || !find_method(call->server, call->path)) {
        call_answer(call, GRPC_UNIMPLEMENTED, "unknown method");
        return;
    }
    if (call->bad_timeout) {
        call_answer(call, GRPC_INTERNAL, "grpc-timeout is malformed");
        return;
    }
    frame = grpc_frame_parse(call->body.data, call->body.len, &data, &len);
    if (frame != FRAME_OK) {
        snprintf(text, sizeof(text), "the request %s", grpc_frame_text(frame));
        call_answer(call, frame == FRAME_COMPRESSED ? GRPC_UNIMPLEMENTED : GRPC_INTERNAL, text);
        return;
    }
    if (call->server->stopped || proc_dead(call->server->o.proc)) {
        call_answer(call, GRPC_UNAVAILABLE, "the server is shutting down");
        return;
    }
    call->running = true;
    call->server->n_running++;
    co_spawn(call->server->o.proc, strrchr(call->path, '/') + 1, run_call, call);
}

/* ---- nghttp2's callbacks --------------------------------------------------------------------- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct server_conn *conn = user_data;
    struct server_call *call;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    call = xcalloc(1, sizeof(*call));
    call->server = conn->server;
    call->conn = conn;
    call->stream = frame->hd.stream_id;
    call->next = conn->calls;
    if (conn->calls)
        conn->calls->prev = call;
    conn->calls = call;
    nghttp2_session_set_stream_user_data(session, call->stream, call);
    return 0;
}

static bool is(const uint8_t *a, size_t len, const char *b)
{
    return len == strlen(b) && memcmp(a, b, len) == 0;
}

static bool starts(const uint8_t *a, size_t len, const char *b)
{
    return len >= strlen(b) && memcmp(a, b, strlen(b)) == 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *user_data)
{
    struct server_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

    if (!call || frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    if (is(name, name_len, ":path")) {
        if (len <= PATH_MAX_BYTES && !call->path)
            call->path = xstrndup((const char *)value, len);
    } else if (is(name, name_len, ":method")) {
        call->is_post = is(value, len, "POST");
    } else if (is(name, name_len, "content-type")) {
        call->is_grpc = is(value, len, "application/grpc") || starts(value, len, "application/grpc+") ||
                        starts(value, len, "application/grpc;");
    } else if (is(name, name_len, "grpc-timeout")) {
        call->has_timeout = grpc_timeout_parse((const char *)value, len, &call->timeout);
        call->bad_timeout = !call->has_timeout;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t len, void *user_data)
{
    struct server_call *call = nghttp2_session_get_stream_user_data(session, stream);
    struct grpc_server *s;

    if (!call || call->complete)
        return 0;
    s = call->server;
    if (call->body.len + len > GRPC_MESSAGE_MAX + 5 || s->body_bytes + len > BODY_BYTES_MAX) {
        call->complete = true;
        call_answer(call, GRPC_RESOURCE_EXHAUSTED,
                    call->body.len + len > GRPC_MESSAGE_MAX + 5 ? "the request is larger than 4 MiB"
                                                               : "too many requests under way");
        return 0;
    }
    s->body_bytes += len;
    buf_add(&call->body, data, len);
    return 0;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct server_conn *conn = user_data;
    struct server_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    bool carries = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;

    conn->preface = loop_timer_free(conn->preface);
    if (!call || !carries)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && call->has_timeout && call->timeout < DEADLINE_MAX &&
        !call->deadline && !call->answered)
        call->deadline = loop_timer_new(conn->server->loop, call->timeout, on_call_deadline, call);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        call_dispatch(call);
    return 0;
}

/* We answered before the request was in: tell the peer to stop sending. */
static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct server_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

    if (call && frame->hd.type == NGHTTP2_HEADERS && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) &&
        nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t error, void *user_data)
{
    struct server_call *call = nghttp2_session_get_stream_user_data(session, stream);

    if (call) {
        nghttp2_session_set_stream_user_data(session, stream, NULL);
        call_detach(call);
    }
    return 0;
}

static void new_session(struct server_conn *conn)
{
    nghttp2_session_callbacks *cb;
    nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, CALLS_PER_CONN },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
    };

    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_server_new(&conn->h2.session, cb, conn);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(conn->h2.session, NGHTTP2_FLAG_NONE, settings, ARRAY_SIZE(settings));
    nghttp2_session_set_local_window_size(conn->h2.session, NGHTTP2_FLAG_NONE, 0, CONN_WINDOW);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void on_conn_event(void *arg, uint32_t events)
{
    struct server_conn *conn = arg;

    if (h2_pump(&conn->h2, events) != H2_ALIVE)
        conn_free(conn);
}

static void on_preface_bound(void *arg)
{
    conn_free(arg);
}

static void conn_new(struct grpc_server *s, int fd)
{
    struct server_conn *conn = xcalloc(1, sizeof(*conn));

    conn->server = s;
    conn->next = s->conns;
    if (s->conns)
        s->conns->prev = conn;
    s->conns = conn;
    s->n_conns++;
    h2_init(&conn->h2, s->loop, fd, EPOLLIN, on_conn_event, conn);
    conn->preface = loop_timer_new(s->loop, PREFACE_BOUND, on_preface_bound, conn);
    new_session(conn);
    conn_flush(conn);
}

static void on_accept_again(void *arg)
{
    struct grpc_server *s = arg;

    s->accept_pause = loop_timer_free(s->accept_pause);
    loop_watch_set(s->watch, EPOLLIN);
}

static void on_accept(void *arg, uint32_t events)
{
    struct grpc_server *s = arg;

    for (int i = 0; i < 16; i++) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
            loop_watch_set(s->watch, 0);        /* the fd stays readable: do not spin on it */
            s->accept_pause = loop_timer_new(s->loop, ACCEPT_PAUSE, on_accept_again, s);
            return;
        }
        if (fd < 0)
            return;
        if (s->n_conns >= CONNS_MAX)
            close(fd);
        else
            conn_new(s, fd);
    }
}

/* ---- the server ------------------------------------------------------------------------------ */

struct grpc_server *grpc_server_new(const struct grpc_server_options *o, struct err *e)
{
    struct grpc_server *s;
    struct endpoint ep;
    struct socket_file file;
    int fd;

    if (endpoint_parse(o->endpoint, &ep, e) < 0)
        return NULL;
    fd = sock_listen(&ep, o->endpoint, &file, e);
    if (fd < 0)
        return NULL;
    s = xcalloc(1, sizeof(*s));
    s->o = *o;
    s->world = proc_world(o->proc);
    s->loop = world_loop(s->world);
    s->ep = ep;
    s->file = file;
    s->fd = fd;
    if (ep.is_unix)
        s->endpoint = xstrdup(o->endpoint);
    else
        s->endpoint = xasprintf("%.*s:%d", (int)(strrchr(o->endpoint, ':') - o->endpoint), o->endpoint,
                                sock_port(fd));
    s->watch = loop_watch_new(s->loop, fd, EPOLLIN, on_accept, s);
    world_trace(s->world, o->who, "listens on %s", s->endpoint);
    return s;
}

const char *grpc_server_endpoint(const struct grpc_server *s)
{
    return s->endpoint;
}

void grpc_server_stop(struct grpc_server *s)
{
    struct server_conn *conn, *next;

    if (s->stopped)
        return;
    s->stopped = true;
    s->watch = loop_watch_free(s->watch);
    s->accept_pause = loop_timer_free(s->accept_pause);
    sock_unlink(&s->ep, &s->file);
    close(s->fd);
    for (conn = s->conns; conn; conn = next) {
        next = conn->next;
        nghttp2_submit_goaway(conn->h2.session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(conn->h2.session),
                              NGHTTP2_NO_ERROR, NULL, 0);
        conn_flush(conn);
    }
}

size_t grpc_server_calls(const struct grpc_server *s)
{
    return s->n_running;
}

int grpc_server_drain(struct co *co, struct grpc_server *s, struct instant until)
{
    while (s->n_running > 0) {
        int r = waitq_wait_until(co, &s->idle, until);
        if (r < 0)
            return r;
    }
    return 0;
}

struct grpc_server *grpc_server_free(struct grpc_server *s)
{
    if (!s)
        return NULL;
    assert(s->n_running == 0);
    grpc_server_stop(s);
    while (s->conns)
        conn_free(s->conns);
    free(s->endpoint);
    free(s);
    return NULL;
}
