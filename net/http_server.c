/* What libmicrohttpd does not say, and what is done about it:
 *  - a resumed connection wakes no descriptor: `kick` makes the next turn run the daemon (server_kick);
 *  - resuming anything walks over everything that is suspended: beside 10,000 idle streams a request that
 *    suspends costs milliseconds. One that is answered within PATIENCE turns is never suspended; the
 *    daemon asks for it again each turn (on_request);
 *  - a suspended connection is not polled: every client's descriptor also stands in our own epoll, for
 *    hangups only (on_hangup);
 *  - nor does a connection that has left HTTP and is over: some further turns take it away (close_tunnel);
 *  - stopping a daemon aborts while anything is suspended: all is resumed and run dry first;
 *  - the URL it hands to the handler is unescaped and cut at the query: the raw one comes by on_uri;
 *  - request line and headers must fit the connection's pool, which is cleared after every request: so it
 *    is large enough for what people send and no larger. */
#include "net/http_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net/http_deadline.h"
#include "net/http_listen.h"
#include "net/http_refuse.h"
#include "net/http_tunnel.h"
#include "net/tls.h"
#include "world/loop.h"

#define POOL (64 * 1024)
#define STREAM_BLOCK 2048              /* of a reply to HTTP/1.0 only; chunks go through the pool */
#define DRAIN_MAX (16 * 1024 * 1024)   /* of a body behind its limit */
#define PATIENCE 4                     /* turns; each runs every task that is ready */
#define SPARE_FILES 64
#define STOP_TURNS 64
#define IDLE DURATION_S(90)
#define HEAD DURATION_S(32)
#define BODY DURATION_S(60)
#define HUNG_UP DURATION_MS(250)       /* for what a client that says no more has said before */

enum exchange_state {
    X_HEADERS,                         /* the first call of the handler is to come */
    X_BODY,
    X_HANDLED,                         /* the handler has it; suspended unless it is still inside */
    X_REPLIED,                         /* `response` is there, or `dropped`; to be queued */
    X_SENDING
};

struct connection {
    struct http_server *server;
    struct loop_watch *watch;
    struct http_exchange *current;     /* NULL between two requests */
    struct http_debt debt;
    bool hung_up;
    struct tls_greeting greeting;
    void *session;                     /* of GnuTLS; NULL: plain */
    struct arena *arena;               /* of `peer`; NULL: nobody asked yet */
    const struct tls_peer *peer;
};

struct http_exchange {
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct connection *connection;
    struct http_exchange *prev, *next;
    enum exchange_state state;
    char *target;
    const char *method, *target_at;    /* target_at: where it stood in the request line */
    DYN(struct http_header) headers;
    struct buf body;
    size_t drained;
    struct MHD_Response *response;
    unsigned status, asked;            /* asked: how often the daemon came for the reply */
    bool suspended, dropped, ended, leaving;
    void (*gone)(void *arg);
    void *gone_arg;
    http_pull_fn *pull;
    void *pull_arg;
    struct blob *blob;                 /* being sent */
    size_t blob_at;
    http_take_fn *take;                /* the connection leaves HTTP: its socket goes to `tunnel` until `handle` is closed */
    struct http_tunnel *tunnel;
    struct MHD_UpgradeResponseHandle *handle;
};

struct http_server {
    struct world *world;
    struct loop *loop;
    struct http_server_options options;
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;
    struct loop_prepare *prepare;
    struct http_deadlines *deadlines;
    char *address;
    struct http_exchange *exchanges;
    size_t n_handled;                  /* exchanges that the handler got and that are not gone */
    size_t n_leaving;                  /* of those: their tunnel is closed */
    unsigned more_turns;
    uint64_t suspensions;
    bool kick, stopped, freeing;
};

/* ---- turns ----------------------------------------------------------------------------------------- */

static void server_kick(struct http_server *s)
{
    s->kick = true;
}

static void server_run(struct http_server *s)
{
    if (s->options.before_turn)
        s->options.before_turn(s->options.arg);
    s->kick = false;
    MHD_run(s->daemon);
}

static void on_readable(void *arg, uint32_t events)
{
    struct http_server *s = arg;

    server_run(s);
    if (s->n_leaving && !s->more_turns)
        s->more_turns = 1;
}

static int on_prepare(void *arg)
{
    struct http_server *s = arg;
    MHD_UNSIGNED_LONG_LONG ms;

    if (s->kick || s->more_turns) {
        s->more_turns -= s->more_turns > 0;
        server_run(s);
        return 0;
    }
    if (MHD_get_timeout(s->daemon, &ms) != MHD_YES)
        return -1;
    if (ms == 0) {
        server_run(s);
        return 0;
    }
    return ms > 60000 ? 60000 : (int)ms;
}

static void exchange_resume(struct http_exchange *x)
{
    server_kick(x->server);
    if (!x->suspended)
        return;
    x->suspended = false;
    MHD_resume_connection(x->mhd);
}

static void exchange_suspend(struct http_exchange *x)
{
    x->suspended = true;
    x->server->suspensions++;
    MHD_suspend_connection(x->mhd);
}

/* ---- connections ----------------------------------------------------------------------------------- */

static void await(struct connection *c, duration within)
{
    http_owe(c->server->deadlines, &c->debt, c->hung_up ? HUNG_UP : within);
}

static void on_hangup(void *arg, uint32_t events)
{
    struct connection *c = arg;

    c->hung_up = true;
    if (c->current && c->current->pull)
        http_stream_wake(c->current);
    else if (c->debt.owed)             /* what it has sent may be a whole request, or never become one */
        await(c, HUNG_UP);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = arg;
    struct connection *c;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        c = xcalloc(1, sizeof(*c));
        c->server = s;
        c->debt.fd = fd;
        await(c, s->options.head);
        c->watch = loop_watch_new(s->loop, fd, EPOLLRDHUP | EPOLLET, on_hangup, c);
        if (s->options.cert_pem) {
            c->session = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
            c->greeting.fd = fd;
            tls_greet(c->session, &c->greeting);
        }
        *slot = c;
        return;
    }
    c = *slot;
    http_paid(s->deadlines, &c->debt);
    loop_watch_free(c->watch);
    arena_free(c->arena);
    free(c);
}

/* ---- requests -------------------------------------------------------------------------------------- */

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    struct http_server *s = arg;
    struct http_exchange *x = xcalloc(1, sizeof(*x));

    x->server = s;
    x->mhd = mhd;
    x->target = xstrdup(uri);
    x->target_at = uri;
    x->next = s->exchanges;
    if (x->next)
        x->next->prev = x;
    s->exchanges = x;
    return x;
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    struct http_exchange *x = *slot;
    struct http_server *s = arg;

    *slot = NULL;
    if (!x)
        return;
    if (x->connection) {
        x->connection->current = NULL;
        await(x->connection, s->options.idle + s->options.head);
    }
    http_tunnel_free(STEAL(x->tunnel));
    if (x->gone)
        x->gone(x->gone_arg);
    if (x->prev)
        x->prev->next = x->next;
    else
        s->exchanges = x->next;
    if (x->next)
        x->next->prev = x->prev;
    s->n_handled -= x->state >= X_HANDLED;
    s->n_leaving -= x->leaving;
    if (x->response)
        MHD_destroy_response(x->response);
    blob_unref(x->blob);
    dyn_release(&x->headers);
    buf_release(&x->body);
    free(x->target);
    free(x);
}

static enum MHD_Result add_header(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct http_exchange *x = arg;

    *dyn_push(&x->headers) = (struct http_header){ .name = key, .value = value ? value : "" };
    return MHD_YES;
}

static enum MHD_Result take_body(struct http_exchange *x, const char *data, size_t *len)
{
    size_t room = x->server->options.body_limit + 1 - x->body.len;
    size_t take = *len < room ? *len : room;

    buf_add(&x->body, data, take);
    x->drained += *len - take;
    *len = 0;
    return x->drained > DRAIN_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result queue_reply(struct http_exchange *x)
{
    enum MHD_Result r;

    if (x->dropped)
        return MHD_NO;
    x->state = X_SENDING;
    r = MHD_queue_response(x->mhd, x->status, x->response);
    MHD_destroy_response(STEAL(x->response));
    return r;
}

/* Nobody has seen the request but libmicrohttpd, which is more lenient than Go. The version follows the target in one
 * line: what lies between them is behind a NUL, or are more spaces than one. */
static enum MHD_Result refuse(struct http_exchange *x, const char *version)
{
    struct http_head head = { .method = x->method, .target = x->target, .version = version, .headers = x->headers.v,
                              .n_headers = x->headers.n };
    size_t between = (size_t)(version - x->target_at);
    struct http_refusal no;

    head.torn = between != strlen(x->target) + 1;
    no = http_refuse(&head);
    if (!no.text)
        return MHD_YES;
    x->server->n_handled++;
    x->status = (unsigned)no.status;
    x->response = MHD_create_response_from_buffer(strlen(no.text), (void *)no.text, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(x->response, "Connection", "close");
    if (*no.text)
        MHD_add_response_header(x->response, "Content-Type", "text/plain; charset=utf-8");
    return queue_reply(x);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_len, void **slot)
{
    struct http_exchange *x = *slot;
    struct http_server *s = arg;

    if (x->state == X_HEADERS) {
        x->method = method;
        x->connection = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
        x->connection->current = x;
        await(x->connection, s->options.body);
        MHD_get_connection_values(mhd, MHD_HEADER_KIND, add_header, x);
        x->state = X_BODY;
        return refuse(x, version);
    }
    if (*data_len > 0)
        return take_body(x, data, data_len);
    if (x->state == X_BODY) {
        x->state = X_HANDLED;
        http_paid(s->deadlines, &x->connection->debt);
        s->n_handled++;
        s->options.handle(s->options.arg, x);
    }
    if (x->state == X_REPLIED)
        return queue_reply(x);
    if (s->freeing || x->state != X_HANDLED)
        return MHD_NO;
    if (++x->asked < PATIENCE)
        server_kick(s);
    else
        exchange_suspend(x);
    return MHD_YES;
}

/* ---- replies --------------------------------------------------------------------------------------- */

static void reply_with(struct http_exchange *x, int status, const struct http_header *headers, size_t n,
                       struct MHD_Response *response)
{
    assert(x->state == X_HANDLED);
    x->status = (unsigned)status;
    x->response = response;
    for (size_t i = 0; i < n; i++)
        MHD_add_response_header(response, headers[i].name, headers[i].value);
    x->state = X_REPLIED;
    exchange_resume(x);
}

static void free_blob(void *arg)
{
    blob_unref(arg);
}

void http_reply(struct http_exchange *x, int status, const struct http_header *headers, size_t n,
                struct blob *body)
{
    struct MHD_Response *response;

    if (!body)
        body = blob_new("", 0);
    response = MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->data, free_blob,
                                                                      body);
    reply_with(x, status, headers, n, response);
}

/* As many blobs as fit; a blob that does not goes on in the next call. */
static ssize_t on_read(void *arg, uint64_t pos, char *buf, size_t max)
{
    struct http_exchange *x = arg;
    size_t n = 0;

    if (x->connection->hung_up || x->dropped)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    while (n < max && !x->ended) {
        size_t left;
        if (!x->blob) {
            int r = x->server->stopped ? -1 : x->pull(x->pull_arg, &x->blob);
            x->blob_at = 0;
            x->ended = r < 0;
            if (r <= 0)
                break;
        }
        left = x->blob->len - x->blob_at;
        if (left > max - n)
            left = max - n;
        memcpy(buf + n, x->blob->data + x->blob_at, left);
        n += left;
        x->blob_at += left;
        if (x->blob_at == x->blob->len)
            blob_unref(STEAL(x->blob));
    }
    if (n > 0)
        return (ssize_t)n;
    if (x->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    exchange_suspend(x);
    return 0;
}

void http_stream(struct http_exchange *x, int status, const struct http_header *headers, size_t n,
                 http_pull_fn *pull, void *arg)
{
    x->pull = pull;
    x->pull_arg = arg;
    reply_with(x, status, headers, n,
               MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, on_read, x, NULL));
}

void http_stream_wake(struct http_exchange *x)
{
    if (x->tunnel)
        http_tunnel_wake(x->tunnel);
    else if (x->state == X_SENDING)
        exchange_resume(x);
}

/* ---- other protocols ------------------------------------------------------------------------------- */

/* The daemon takes the socket back, and then the exchange is completed. */
static void close_tunnel(void *arg)
{
    struct http_exchange *x = arg;

    if (!x->handle)
        return;
    x->leaving = true;
    x->server->n_leaving++;
    x->server->more_turns = 4;
    MHD_upgrade_action(STEAL(x->handle), MHD_UPGRADE_ACTION_CLOSE);
}

static void on_upgraded(void *arg, struct MHD_Connection *mhd, void *slot, const char *early, size_t n, MHD_socket sock,
                        struct MHD_UpgradeResponseHandle *handle)
{
    struct http_exchange *x = arg;

    x->handle = handle;
    x->tunnel = http_tunnel_new(x->server->loop, sock, early, n, x->pull, x->take, x->pull_arg, close_tunnel, x);
}

void http_upgrade(struct http_exchange *x, const struct http_header *headers, size_t n, http_pull_fn *pull,
                  http_take_fn *take, void *arg)
{
    x->pull = pull;
    x->pull_arg = arg;
    x->take = take;
    reply_with(x, MHD_HTTP_SWITCHING_PROTOCOLS, headers, n, MHD_create_response_for_upgrade(on_upgraded, x));
}

void http_drop(struct http_exchange *x)
{
    assert(x->state == X_HANDLED);
    x->dropped = true;
    x->state = X_REPLIED;
    exchange_resume(x);
}

/* ---- what a handler asks --------------------------------------------------------------------------- */

const char *http_method(const struct http_exchange *x)
{
    return x->method;
}

const char *http_target(const struct http_exchange *x)
{
    return x->target;
}

const struct http_header *http_headers(const struct http_exchange *x, size_t *ret_n)
{
    *ret_n = x->headers.n;
    return x->headers.v;
}

const char *http_header(const struct http_exchange *x, const char *name)
{
    for (size_t i = 0; i < x->headers.n; i++) {
        if (strcasecmp(x->headers.v[i].name, name) == 0)
            return x->headers.v[i].value;
    }
    return NULL;
}

const char *http_body(const struct http_exchange *x, size_t *ret_len)
{
    *ret_len = x->body.len;
    return x->body.data ? x->body.data : "";
}

bool http_is_tls(const struct http_exchange *x)
{
    return x->server->options.cert_pem != NULL;
}

const struct tls_peer *http_peer(const struct http_exchange *x)
{
    struct connection *c = x->connection;

    if (c->session && !c->arena) {
        c->arena = arena_new();
        c->peer = tls_peer_of(c->session, c->arena);
    }
    return c->peer;
}

bool http_stopping(const struct http_exchange *x)
{
    return x->server->stopped;
}

bool http_hung_up(const struct http_exchange *x)
{
    return x->connection->hung_up;
}

void http_on_gone(struct http_exchange *x, void (*gone)(void *arg), void *arg)
{
    x->gone = gone;
    x->gone_arg = arg;
}

/* ---- life ------------------------------------------------------------------------------------------ */

static unsigned connection_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY)
        return 100000;
    return files.rlim_cur > 2 * SPARE_FILES ? (unsigned)files.rlim_cur - SPARE_FILES : SPARE_FILES;
}

static struct MHD_Daemon *start_daemon(struct http_server *s, int fd)
{
    const struct http_server_options *o = &s->options;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE, idle = (unsigned)(o->idle / DURATION_S(1));
    struct MHD_OptionItem tls[4] = { { MHD_OPTION_END, 0, NULL } };
    size_t n = 0;

    if (o->cert_pem) {
        flags |= MHD_USE_TLS;
        tls[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)o->cert_pem };
        tls[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)o->key_pem };
        if (o->client_ca_pem)
            tls[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)o->client_ca_pem };
        tls[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    }
    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
                            MHD_OPTION_CONNECTION_LIMIT, connection_limit(),
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL,
                            MHD_OPTION_CONNECTION_TIMEOUT, idle,
                            MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
                            MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                            MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static void default_to(duration *d, duration value)
{
    if (!*d)
        *d = value;
}

struct http_server *http_server_new(struct world *w, const struct http_server_options *o, struct err *e)
{
    struct http_server *s = xcalloc(1, sizeof(*s));
    int fd = http_listen(o->listen, &s->address, e);

    if (fd < 0) {
        free(s);
        return NULL;
    }
    s->world = w;
    s->loop = world_loop(w);
    s->options = *o;
    default_to(&s->options.idle, IDLE);
    default_to(&s->options.head, HEAD);
    default_to(&s->options.body, BODY);
    s->deadlines = http_deadlines_new(s->loop);
    s->daemon = start_daemon(s, fd);
    if (!s->daemon) {
        http_deadlines_free(s->deadlines);
        err_set(e, o->cert_pem ? ERR_INVALID : ERR_INTERNAL, "listen on %s: %s", o->listen,
                o->cert_pem ? "the certificate and its key cannot be used" : "no HTTP server");
        close(fd);
        free(s->address);
        free(s);
        return NULL;
    }
    s->options.listen = NULL;
    fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    s->watch = loop_watch_new(s->loop, fd, EPOLLIN, on_readable, s);
    s->prepare = loop_prepare_add(s->loop, on_prepare, s);
    return s;
}

const char *http_server_address(const struct http_server *s)
{
    return s->address;
}

size_t http_server_busy(const struct http_server *s)
{
    return s->n_handled;
}

uint64_t http_server_suspensions(const struct http_server *s)
{
    return s->suspensions;
}

void http_server_stop(struct http_server *s)
{
    int fd;

    if (s->stopped)
        return;
    s->stopped = true;
    fd = MHD_quiesce_daemon(s->daemon);
    if (fd >= 0)
        close(fd);
    if (str_starts(s->address, "unix:"))
        unlink(s->address + 5);
    for (struct http_exchange *x = s->exchanges; x; x = x->next) {
        if (x->pull)
            http_stream_wake(x);
    }
}

struct http_server *http_server_free(struct http_server *s)
{
    if (!s)
        return NULL;
    http_server_stop(s);
    s->freeing = true;
    for (struct http_exchange *x = s->exchanges; x; x = x->next) {
        x->dropped = true;
        if (x->tunnel)
            close_tunnel(x);
        else
            exchange_resume(x);
    }
    for (int i = 0; i < STOP_TURNS && s->n_handled > 0; i++)
        server_run(s);
    loop_prepare_remove(s->prepare);
    loop_watch_free(s->watch);
    MHD_stop_daemon(s->daemon);
    http_deadlines_free(s->deadlines);
    assert(!s->exchanges && s->n_handled == 0);
    free(s->address);
    free(s);
    return NULL;
}
