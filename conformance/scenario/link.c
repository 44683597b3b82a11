#include "conformance/scenario/link.h"

#include "conformance/scenario/bend.h"
#include "conformance/scenario/kinds.h"
#include "kube/json.h"

struct held_stream {
    struct api_stream base;
    struct link *link;
    const char *kind;
    struct api_stream *inner;
    struct held_stream *next;
};

struct link {
    struct transport base;
    struct history *history;
    struct faults *faults;
    struct transport *inner;
    const char *actor;
    const struct bend *bend;
    struct held_stream *streams;
    DYN(const char *) held;
};

/* ---- what a request is about ----------------------------------------------------------------- */

/* The parts of "/api/v1/namespaces/ns/pods/name/status" after the version. */
static void split_path(struct arena *a, const char *path, const char **parts, size_t max, size_t *ret_n)
{
    *ret_n = 0;
    while (*path && *ret_n < max) {
        size_t len;
        path += strspn(path, "/");
        len = strcspn(path, "/?");
        if (len == 0)
            break;
        parts[(*ret_n)++] = arena_strndup(a, path, len);
        path += len;
    }
}

static const struct resource *find_resource(const char *group, const char *plural)
{
    const struct resource *rs;

    for (size_t i = 0; (rs = kind_at(i)); i++)
        if (streq(rs->group, group) && streq(rs->plural, plural))
            return rs;
    return NULL;
}

static enum verb_word verb_of(const struct api_request *q, bool named)
{
    if (streq(q->method, "POST"))
        return VERB_CREATE;
    if (streq(q->method, "PUT"))
        return VERB_UPDATE;
    if (streq(q->method, "PATCH"))
        return VERB_PATCH;
    if (streq(q->method, "DELETE"))
        return VERB_DELETE;
    if (q->query && (strstr(q->query, "watch=true") || strstr(q->query, "watch=1")))
        return VERB_WATCH;
    return named ? VERB_GET : VERB_LIST;
}

static struct subject describe(struct link *l, const struct api_request *q, const char **ret_namespace)
{
    struct arena *a = history_arena(l->history);
    struct subject s = { .actor = l->actor, .kind = "", .name = "", .subresource = "" };
    const char *parts[8], *group = "";
    const struct resource *rs;
    size_t n, i = 2;

    *ret_namespace = "";
    split_path(a, q->path, parts, ARRAY_SIZE(parts), &n);
    if (n > 1 && streq(parts[0], "apis")) {
        group = parts[1];
        i = 3;
    }
    if (n > i + 2 && streq(parts[i], "namespaces")) {
        *ret_namespace = parts[i + 1];
        i += 2;
    }
    if (n > i) {
        rs = find_resource(group, parts[i]);
        s.kind = rs ? rs->kind : parts[i];
    }
    if (n > i + 1)
        s.name = parts[i + 1];
    if (n > i + 2)
        s.subresource = parts[i + 2];
    s.verb = verb_of(q, n > i + 1);
    return s;
}

/* The body as a tree, a new reference; NULL where there is none or it is no JSON. */
static json_t *body_of(const struct api_request *q)
{
    if (q->object)
        return json_incref((json_t *)q->object);
    return q->body ? json_parse(q->body, q->body_len, 0, NULL, NULL) : NULL;
}

/* ---- watches --------------------------------------------------------------------------------- */

static bool is_held(const struct link *l, const char *kind)
{
    for (size_t i = 0; i < l->held.n; i++)
        if (streq(l->held.v[i], kind))
            return true;
    return false;
}

static int stream_poll(struct api_stream *s, struct api_frame *ret)
{
    struct held_stream *h = container_of(s, struct held_stream, base);

    return is_held(h->link, h->kind) ? 0 : api_stream_poll(h->inner, ret);
}

static int stream_poll_bytes(struct api_stream *s, struct blob **ret)
{
    struct held_stream *h = container_of(s, struct held_stream, base);

    return is_held(h->link, h->kind) ? 0 : api_stream_poll_bytes(h->inner, ret);
}

static void stream_free(struct api_stream *s)
{
    struct held_stream *h = container_of(s, struct held_stream, base);
    struct held_stream **at = &h->link->streams;

    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    api_stream_free(h->inner);
    free(h);
}

static void stream_notify(void *arg)
{
    api_stream_signal(arg);
}

static const struct api_stream_ops stream_ops = {
    .poll = stream_poll, .poll_bytes = stream_poll_bytes, .free = stream_free,
};

static struct api_stream *wrap_stream(struct link *l, const char *kind, struct api_stream *inner)
{
    struct held_stream *h = xcalloc(1, sizeof(*h));

    h->base.ops = &stream_ops;
    h->link = l;
    h->kind = kind;
    h->inner = inner;
    h->next = l->streams;
    l->streams = h;
    inner->notify = stream_notify;
    inner->notify_arg = &h->base;
    return &h->base;
}

void link_hold(struct link *l, const char *kind, bool held)
{
    if (held && !is_held(l, kind))
        *dyn_push(&l->held) = kind;
    for (size_t i = 0; !held && i < l->held.n; i++)
        if (streq(l->held.v[i], kind)) {
            l->held.v[i] = l->held.v[--l->held.n];
            break;
        }
    for (struct held_stream *h = l->streams; h && !held; h = h->next)
        if (streq(h->kind, kind))
            api_stream_signal(&h->base);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void answer(const char *reason, const struct subject *s, struct api_reply *ret)
{
    struct apierr err;

    *ret = (struct api_reply){ .arena = arena_new() };
    err = APIERR_IN(ret->arena);
    for (int r = APIERR_FIRST_ + 1; r < APIERR_LIMIT_; r++)
        if (streq(apierr_reason_text(-r), reason))
            apierr_set(&err, r, "%s \"%s\": the suite answers so", s->kind, s->name);
    ret->status = apierr_code(&err);
    ret->object = apierr_status(&err);
}

/* What the history keeps of an answered (or lost) request. */
static void record(struct link *l, const struct subject *s, const char *namespace, const json_t *body,
                   int status, bool wrote)
{
    struct happening *e;

    if (s->verb > VERB_DELETE)
        return;
    e = history_add(l->history, HAPPENED_REQUEST, l->actor);
    e->verb = s->verb;
    e->kind = s->kind;
    e->namespace = namespace;
    e->name = s->name;
    e->subresource = s->subresource;
    e->object = body ? json_incref((json_t *)body) : NULL;
    e->status = status;
    e->wrote = wrote;
    history_tell(l->history, e);
}

/* A bent client sends its status writes twice: the second time from what the first one answered. */
static int send_again(struct co *co, struct link *l, const struct api_request *q, const struct subject *s,
                      const char *namespace, const struct api_reply *first)
{
    uint64_t before = history_writes(l->history);
    struct api_request again = *q;
    struct api_reply reply = { 0 };
    int r;

    if (s->verb == VERB_UPDATE) {
        again.object = first->object;
        again.body = NULL;
    }
    r = transport_call(co, l->inner, &again, &reply);
    if (r == 0)
        record(l, s, namespace, s->body, reply.status, history_writes(l->history) != before);
    api_reply_release(&reply);
    return r;
}

static int pass_on(struct co *co, struct link *l, const struct api_request *q, const struct subject *s,
                   const char *namespace, struct api_reply *ret)
{
    json_auto_t *bent = l->bend && l->bend->body && s->body ? l->bend->body(s) : NULL;
    uint64_t before;
    struct api_request sent = *q;
    int r = co_yield(co);                         /* on its way: anybody else may come first */

    if (r < 0)
        return r;
    before = history_writes(l->history);
    if (bent) {
        sent.object = bent;
        sent.body = NULL;
    }
    history_set_actor(l->history, l->actor);
    r = transport_call(co, l->inner, &sent, ret);
    record(l, s, namespace, bent ? bent : s->body, r < 0 ? 0 : ret->status,
           history_writes(l->history) != before);
    if (r == 0 && l->bend && l->bend->twice && streq(s->subresource, "status") && ret->status == 200)
        r = send_again(co, l, &sent, s, namespace, ret);
    history_set_actor(l->history, "");
    if (r == 0 && ret->stream)
        ret->stream = wrap_stream(l, s->kind, ret->stream);
    if (r == 0)
        r = co_yield(co);                         /* and so does its reply travel */
    if (r < 0)
        api_reply_release(ret);
    return r;
}

static int time_out(struct co *co)
{
    int r = co_sleep(co, LINK_TIMEOUT);

    return r < 0 ? r : -ERR_TIMEOUT;
}

static int suffer(struct co *co, struct link *l, const struct api_request *q, const struct subject *s,
                  const char *namespace, const struct verdict *v, struct api_reply *ret)
{
    int r = v->action == FAULT_LATE ? co_sleep(co, v->fault->delay) : 0;

    if (r < 0)
        return r;
    if (v->action == FAULT_CRASH_AFTER || v->action == FAULT_LATE || v->action == FAULT_LOSE_REPLY ||
        v->action == FAULT_ANSWER_AFTER || v->action == FAULT_DELAY)
        r = pass_on(co, l, q, s, namespace, ret);
    if (r < 0)
        return r;
    switch (v->action) {
    case FAULT_DELAY:
        r = co_sleep(co, v->fault->delay);
        break;
    case FAULT_LATE:
        break;
    case FAULT_CRASH_BEFORE:
    case FAULT_CRASH_AFTER:
        faults_crash(l->faults, s, v);
        r = -ERR_CANCELLED;
        break;
    case FAULT_LOSE_REQUEST:
    case FAULT_LOSE_REPLY:
        r = time_out(co);
        break;
    default:
        api_reply_release(ret);
        answer(v->fault->code, s, ret);
        return 0;
    }
    if (r < 0)
        api_reply_release(ret);
    return r;
}

static int link_call(struct co *co, struct transport *t, const struct api_request *q,
                     struct api_reply *ret)
{
    struct link *l = container_of(t, struct link, base);
    const char *namespace;
    struct subject s = describe(l, q, &namespace);
    json_auto_t *body = s.verb <= VERB_DELETE ? body_of(q) : NULL;
    struct verdict v;

    s.body = body;
    v = faults_judge(l->faults, &s);
    return v.action < 0 ? pass_on(co, l, q, &s, namespace, ret) : suffer(co, l, q, &s, namespace, &v, ret);
}

static const struct transport_ops link_ops = { .name = "link", .call = link_call };

struct link *link_new(struct history *h, struct faults *f, struct transport *inner, const char *actor,
                      const char *bend)
{
    struct link *l = xcalloc(1, sizeof(*l));

    l->base.ops = &link_ops;
    l->history = h;
    l->faults = f;
    l->inner = inner;
    l->actor = actor;
    l->bend = bend ? bend_find(bend) : NULL;
    return l;
}

struct link *link_free(struct link *l)
{
    if (!l)
        return NULL;
    assert(!l->streams);
    dyn_release(&l->held);
    free(l);
    return NULL;
}

struct transport *link_transport(struct link *l)
{
    return &l->base;
}
