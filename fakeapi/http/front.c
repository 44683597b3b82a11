#include "fakeapi/http/front.h"

#include <strings.h>

#include "kube/json.h"
#include "net/http_server.h"
#include "net/tls.h"
#include "net/websocket.h"
#include "world/loop.h"

struct front {
    struct world *world;
    struct proc *proc;
    struct http_server *server;
    struct front_options options;
    char *url;
    bool is_unix;
    /* Of the one flow schema and priority level that every request falls under. */
    char flow_uid[37], level_uid[37];
};

/* One request: first a task, then, if the reply is a watch, its stream. */
struct request {
    struct front *front;
    struct http_exchange *x;           /* NULL once it is gone */
    struct api_reply reply;
    struct websocket *socket;          /* NULL: the stream is HTTP's */
    struct loop_timer *limit;
    bool answered, over;
};

/* ---- headers --------------------------------------------------------------------------------------- */

/* Echoed back, so it must fit a header line (K-054). */
static bool audit_id_is_fine(const char *id)
{
    for (const char *p = id; *p; p++) {
        if (*p < ' ' || *p == 0x7f)
            return false;
    }
    return *id && strlen(id) <= 1024;
}

struct header_list {
    DYN(struct http_header) list;
};

/* What the reply has not set itself. */
static void add_default(struct header_list *l, const char *name, const char *value)
{
    for (size_t i = 0; i < l->list.n; i++) {
        if (strcasecmp(l->list.v[i].name, name) == 0)
            return;
    }
    *dyn_push(&l->list) = (struct http_header){ .name = name, .value = value };
}

static void collect_headers(struct request *r, char audit_id[37], struct header_list *ret)
{
    const char *asked = http_header(r->x, "Audit-ID");

    for (size_t i = 0; i < r->reply.n_headers; i++)
        *dyn_push(&ret->list) = (struct http_header){ .name = r->reply.headers[i].name,
                                                      .value = r->reply.headers[i].value };
    if (!asked || !audit_id_is_fine(asked)) {
        world_uuid(r->front->world, audit_id);
        asked = audit_id;
    }
    add_default(ret, "Audit-Id", asked);
    add_default(ret, "Cache-Control", "no-cache, private");
    add_default(ret, "X-Kubernetes-Pf-Flowschema-Uid", r->front->flow_uid);
    add_default(ret, "X-Kubernetes-Pf-Prioritylevel-Uid", r->front->level_uid);
}

/* ---- replies --------------------------------------------------------------------------------------- */

/* A client counts by its own clock, whatever the server's says: past that it waits for nothing (C-112). */
#define SLACK DURATION_MS(100)

static void on_limit(void *arg)
{
    struct request *r = arg;

    r->over = true;
    if (r->x)
        http_stream_wake(r->x);
}

static void request_free(struct request *r)
{
    loop_timer_free(r->limit);
    websocket_free(r->socket);
    api_reply_release(&r->reply);
    free(r);
}

/* Whoever comes last, the task or the exchange, frees the request. */
static void on_gone(void *arg)
{
    struct request *r = arg;

    r->x = NULL;
    if (r->answered)
        request_free(r);
}

static int on_pull(void *arg, struct blob **ret)
{
    struct request *r = arg;

    return r->over ? -ERR_UNAVAILABLE : api_stream_poll_bytes(r->reply.stream, ret);
}

/* A message has its length from the websocket, and none of its own. */
static int on_pull_binary(void *arg, struct blob **ret)
{
    struct blob *frame;
    int r = on_pull(arg, &frame);

    if (r > 0) {
        *ret = blob_new(frame->data + 4, frame->len - 4);
        blob_unref(frame);
    }
    return r;
}

/* A watch for those who cannot read a reply while it comes (C-084). */
static void start_socket(struct request *r)
{
    bool binary = false;

    for (size_t i = 0; i < r->reply.n_headers; i++)
        binary |= strcasecmp(r->reply.headers[i].name, "Content-Type") == 0 && strstr(r->reply.headers[i].value, "protobuf");
    r->socket = websocket_new(r->x, binary, binary ? on_pull_binary : on_pull, r);
}

static void on_frame(void *arg)
{
    struct request *r = arg;

    if (r->x)
        http_stream_wake(r->x);
}

static void answer(struct request *r)
{
    struct header_list headers = { 0 };
    struct blob *body = blob_ref(r->reply.body);
    char audit_id[37];

    collect_headers(r, audit_id, &headers);
    if (r->reply.stream) {
        r->reply.stream->notify = on_frame;
        r->reply.stream->notify_arg = r;
        if (r->front->options.clock_may_stand && r->reply.stream->asked > 0)
            r->limit = loop_timer_new(world_loop(r->front->world), r->reply.stream->asked + SLACK, on_limit, r);
        if (websocket_asked(r->x))
            start_socket(r);
        else
            http_stream(r->x, r->reply.status, headers.list.v, headers.list.n, on_pull, r);
    } else {
        if (!body && r->reply.object)
            body = json_blob(r->reply.object, 0);
        http_reply(r->x, r->reply.status, headers.list.v, headers.list.n, body);
    }
    dyn_release(&headers.list);
}

/* ---- requests -------------------------------------------------------------------------------------- */

/* The path and the query of a target; one with a scheme and a host loses them, as Go's server does. */
static void split_target(struct co *co, const char *target, struct api_request *q)
{
    const char *query, *authority = strstr(target, "://");

    if (*target != '/' && authority) {
        target = strchr(authority + 3, '/');
        if (!target)
            target = "/";
    }
    query = strchr(target, '?');
    q->path = query ? arena_strndup(co_arena(co), target, (size_t)(query - target)) : arena_strdup(co_arena(co), target);
    q->query = query ? arena_strdup(co_arena(co), query + 1) : NULL;
}

/* Copies: the handler may wait for somebody while the client and his exchange go away. */
static void fill_request(struct co *co, struct http_exchange *x, struct api_request *q)
{
    struct arena *a = co_arena(co);
    size_t n, len;
    const struct http_header *headers = http_headers(x, &n);
    const char *body = http_body(x, &len);
    struct api_header *copy = arena_alloc(a, (n + 1) * sizeof(*copy));

    for (size_t i = 0; i < n; i++)
        copy[i] = (struct api_header){ arena_strdup(a, headers[i].name), arena_strdup(a, headers[i].value) };
    *q = (struct api_request){ .method = arena_strdup(a, http_method(x)), .headers = copy, .n_headers = n,
                               .remote = true, .peer = tls_peer_copy(http_peer(x), a) };
    split_target(co, http_target(x), q);
    q->body = len ? arena_strndup(a, body, len) : NULL;
    q->body_len = len;
}

static void run_request(struct co *co, void *arg)
{
    struct request *r = arg;
    struct api_request q;
    int result = -ERR_CANCELLED;

    if (r->x && !co_cancelled(co)) {
        fill_request(co, r->x, &q);
        result = r->front->options.handle(co, r->front->options.arg, &q, &r->reply);
    }
    r->answered = true;
    if (!r->x)
        request_free(r);
    else if (result < 0 || r->reply.status == 0)
        http_drop(r->x);
    else
        answer(r);
}

static void on_request(void *arg, struct http_exchange *x)
{
    struct front *f = arg;
    struct request *r = xcalloc(1, sizeof(*r));

    r->front = f;
    r->x = x;
    http_on_gone(x, on_gone, r);
    co_spawn(f->proc, "request", run_request, r);
}

static void before_turn(void *arg)
{
    struct front *f = arg;

    if (f->options.before_turn)
        f->options.before_turn(f->options.arg);
}

/* ---- life ------------------------------------------------------------------------------------------ */

/* A server that listens on every address is reached on the loopback one. */
static char *url_of(const char *address, bool tls)
{
    const char *scheme = tls ? "https" : "http";

    if (str_starts(address, "0.0.0.0:"))
        return xasprintf("%s://127.0.0.1%s", scheme, address + strlen("0.0.0.0"));
    if (str_starts(address, "[::]:"))
        return xasprintf("%s://[::1]%s", scheme, address + strlen("[::]"));
    if (str_starts(address, "unix:"))
        return xstrdup(address);
    return xasprintf("%s://%s", scheme, address);
}

struct front *front_new(struct world *w, const struct front_options *o, struct err *e)
{
    struct front *f = xcalloc(1, sizeof(*f));
    struct http_server_options http = {
        .listen = o->listen, .body_limit = FRONT_BODY_MAX, .cert_pem = o->cert_pem,
        .key_pem = o->key_pem, .client_ca_pem = o->client_ca_pem, .handle = on_request, .arg = f,
        .before_turn = before_turn
    };

    f->world = w;
    f->options = *o;
    f->server = http_server_new(w, &http, e);
    if (!f->server) {
        free(f);
        return NULL;
    }
    f->proc = proc_new(w, "http");
    f->url = url_of(http_server_address(f->server), o->cert_pem != NULL);
    f->is_unix = str_starts(f->url, "unix:");
    world_uuid(w, f->flow_uid);
    world_uuid(w, f->level_uid);
    return f;
}

const char *front_url(const struct front *f)
{
    return f->url;
}

bool front_is_unix(const struct front *f)
{
    return f->is_unix;
}

void front_stop(struct front *f)
{
    http_server_stop(f->server);
}

size_t front_busy(const struct front *f)
{
    return http_server_busy(f->server);
}

uint64_t front_suspensions(const struct front *f)
{
    return http_server_suspensions(f->server);
}

/* The tasks first: they drop what they were to answer. */
struct front *front_free(struct front *f)
{
    if (!f)
        return NULL;
    proc_kill(f->proc);
    proc_free(f->proc);
    http_server_free(f->server);
    free(f->url);
    free(f);
    return NULL;
}
