#include "fakeapi/apiserver/auth/auth.h"

#include "fakeapi/apiserver/admission/admission.h"
#include "fakeapi/apiserver/builtin/builtin.h"
#include "fakeapi/apiserver/hook.h"
#include "kube/kcel/kcel.h"

/* A request from top to bottom: route, negotiate, the verb, and a Status where one of them refused. */

/* ---- dispatch ----------------------------------------------------------------------------------- */

static int refuse_route(struct call *c)
{
    const struct route *r = &c->route;
    int result = 0;

    switch (r->type) {
    case ROUTE_METHOD:
        result = apierr_set(&c->err, APIERR_METHOD_NOT_ALLOWED,
                            "the server does not allow this method on the requested resource");
        c->err.has_details = true;
        return result;
    case ROUTE_METHOD_KIND:
        result = apierr_set(&c->err, APIERR_METHOD_NOT_ALLOWED, "%s is not supported on resources of kind \"%s\"",
                            r->verb_text, kind_group_resource(c->arena, r->kind));
        c->err.group = r->kind->res.group;
        c->err.kind = r->kind->res.plural;
        return result;
    case ROUTE_NO_SUCH_SUB:
        return apierr_not_found(&c->err, r->kind->res.group, r->kind->res.plural, r->name);
    case ROUTE_NO_NAME:
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "name must be provided");
    case ROUTE_NOT_FOUND_TEXT:
        return reply_text(c, 404, "text/plain; charset=utf-8", "404 page not found\n");
    case ROUTE_NO_RESOURCE: {
        const char *uri = c->q->query && *c->q->query ? arena_printf(c->arena, "%s?%s", c->q->path, c->q->query) : c->q->path;
        return reply_text(c, 500, "text/plain; charset=utf-8",
                          arena_printf(c->arena, "Internal Server Error: \"%s\": failed to create RequestInfo: unable to "
                                       "determine kind and namespace from url, %s\n", uri, r->path));
    }
    case ROUTE_BAD_ESCAPE:
        return reply_blob(c, 400, "text/plain; charset=utf-8", blob_new("400 Bad Request", 15));
    default:
        result = apierr_set(&c->err, APIERR_NOT_FOUND, "the server could not find the requested resource");
        c->err.has_details = true;
        return result;
    }
}

static const struct verb_row {
    enum verbs verb;
    int (*handle)(struct call *c);
} verb_rows[] = {
    { VERB_GET, handle_get },       { VERB_LIST, handle_list },     { VERB_CREATE, handle_create },
    { VERB_UPDATE, handle_update }, { VERB_PATCH, handle_patch },   { VERB_DELETE, handle_delete },
    { VERB_WATCH, handle_watch },   { VERB_DELETECOLLECTION, handle_deletecollection },
};

static int handle_verb(struct call *c)
{
    for (size_t i = 0; i < ARRAY_SIZE(verb_rows); i++)
        if (verb_rows[i].verb == c->route.verb)
            return verb_rows[i].handle(c);
    return refuse_route(c);
}

static bool lists(const struct call *c)
{
    return c->route.verb & (VERB_LIST | VERB_WATCH | VERB_DELETECOLLECTION);
}

/* A list reads its options before it looks for a view that is acceptable; but what no handler is routed to. */
static int negotiate_listing(struct call *c)
{
    int r = negotiate(c), bad;

    if (r < 0 && (c->route.verb & (VERB_LIST | VERB_WATCH)) && !c->not_routed) {
        struct apierr why = c->err;
        if ((bad = options_list(c)) < 0)
            return bad;
        c->err = why;
    }
    return r;
}

static int handle_resource(struct call *c)
{
    const char *deprecation = c->route.kind->deprecation;
    int r;

    if (deprecation)
        call_warn(c, "%s", deprecation);
    if (lists(c)) {
        /* A watch is a list with ?watch: what is acceptable depends on it. */
        c->opt.watch = c->route.watch_path || (c->route.verb == VERB_LIST && query_bool(&c->query, "watch"));
    }
    /* What is sent is looked at before what is wanted. */
    bool patch = c->route.verb == VERB_PATCH && !(c->route.sub && c->route.sub->answer);
    if ((patch && (r = patch_check_type(c)) < 0) || (r = negotiate_listing(c)) < 0)
        return r;
    if (c->route.needs_namespace && c->route.verb != VERB_CREATE)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "Namespace parameter required.");
    if (lists(c) && (r = options_list(c)) < 0)
        return r;
    if (c->route.verb == VERB_LIST && c->opt.watch)
        c->route.verb = VERB_WATCH;
    if (c->route.sub && c->route.sub->answer)
        return c->route.sub->answer(c);
    return handle_verb(c);
}

static int dispatch(struct call *c)
{
    int bad;

    route_request(c, &c->route);
    query_parse(c->arena, c->q->query, &c->query);
    /* Nothing bounds what is long by its path, whoever serves that: its ?timeout= is not read. */
    if ((!call_is_long(c) && (bad = options_timeout(c)) < 0) || (bad = authenticate(c)) < 0 ||
        (bad = impersonate(c)) < 0 || (bad = inflight_enter(c)) < 0)
        return bad;
    if (c->reply->status)
        return 0;
    if ((bad = authorize_call(c)) < 0)
        return bad;
    if (c->route.type == ROUTE_OTHER)
        return handle_other(c);
    if (c->route.type != ROUTE_RESOURCE)
        return refuse_route(c);
    const struct kind *k = c->route.kind;
    kind_hold(k);
    int r = handle_resource(c);
    if (r < 0 && r != -ERR_CANCELLED)
        reply_error(c);
    kind_release(k);
    return r == -ERR_CANCELLED ? r : 0;
}

/* ---- the call ----------------------------------------------------------------------------------- */

void call_init(struct call *c, struct apiserver *s, struct arena *a)
{
    *c = (struct call){ .s = s, .arena = a, .err = APIERR_IN(a), .now = world_now(s->world), .user_agent = "" };
    c->route = (struct route){ .path = "", .namespace = "", .name = "", .rest = "", .verb_text = "" };
    c->opt = (struct options){ .field_manager = "", .label_selector = "", .field_selector = "",
                               .resource_version = "", .match = "", .cont = "" };
    c->out.view_version = "";
}

void call_release(struct call *c)
{
    dyn_release(&c->warnings);
    dyn_release(&c->headers);
    for (size_t i = 0; i < c->kept.n; i++)
        json_decref(c->kept.v[i]);
    dyn_release(&c->kept);
    json_decref(c->body);
    json_decref(c->status);
    json_decref(c->admission_options);
    c->body = c->status = c->admission_options = NULL;
}

json_t *call_keep(struct call *c, json_t *tree)
{
    *dyn_push(&c->kept) = tree;
    return tree;
}

int apiserver_handle(struct co *co, struct apiserver *s, const struct api_request *q, bool want_tree,
                     struct api_reply *ret)
{
    struct call c;

    *ret = (struct api_reply){ .arena = arena_new() };
    call_init(&c, s, ret->arena);
    c.co = co;
    c.q = q;
    c.reply = ret;
    c.want_tree = want_tree;
    c.head = streq(q->method, "HEAD");
    if (api_request_header(q, "user-agent"))
        c.user_agent = api_request_header(q, "user-agent");
    c.user = q->user;
    int r = dispatch(&c);
    if (r < 0 && r != -ERR_CANCELLED) {
        reply_error(&c);
        r = 0;
    }
    inflight_leave(&c);
    call_release(&c);
    return r;
}

/* ---- the transport ------------------------------------------------------------------------------ */

static int transport_handle(struct co *co, struct transport *t, const struct api_request *q, struct api_reply *ret)
{
    struct apiserver *s = container_of(t, struct apiserver, transport);

    int r = apiserver_handle(co, s, q, true, ret);
    return r < 0 ? r : durable_wait(co, s);      /* over HTTP the front's owner sees to it */
}

static void transport_free_noop(struct transport *t)
{
    (void)t;                           /* it is part of the server */
}

static const struct transport_ops transport_ops = { "apiserver", transport_handle, transport_free_noop };

struct transport *apiserver_transport(struct apiserver *s)
{
    return &s->transport;
}

struct store *apiserver_store(struct apiserver *s)
{
    return s->store;
}

/* ---- life --------------------------------------------------------------------------------------- */

struct apiserver *apiserver_new(struct world *w, const struct apiserver_options *o, struct err *e)
{
    const struct release *release = release_find(o->release);
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);

    if (!release) {
        err_set(e, ERR_INVALID, "there is no release \"%s\"; there are %s", o->release, release_names());
        return NULL;
    }
    struct apiserver *s = xcalloc(1, sizeof(*s));
    s->world = w;
    s->hook_caller = o->hook_caller;
    s->hook_services = o->hook_services;
    s->n_hook_services = o->n_hook_services;
    s->release = release;
    s->inflight[false].limit = o->max_inflight;
    s->inflight[true].limit = o->max_mutating_inflight;
    s->proc = proc_new(w, "apiserver");
    s->store = o->log ? store_open(o->log, e) : store_new();
    if (!s->store)
        return apiserver_free(s);
    bool fresh = store_revision(s->store) == 1;
    s->kinds = kinds_new();
    s->transport.ops = &transport_ops;
    s->crds = crds_new(s);
    s->auth = auth_new(w, &o->auth, e);
    if (!s->auth)
        return apiserver_free(s);
    durable_start(s, o);
    if (bootstrap(s, o, &err) < 0) {
        err_set(e, ERR_INTERNAL, "apiserver: %s", err.message);
        return apiserver_free(s);
    }
    /* What was before the first request is no history (C-007). */
    if (fresh)
        store_compact(s->store, store_revision(s->store));
    event_ttl_start(s, o->event_ttl);
    return apiserver_sync(s, e) < 0 ? apiserver_free(s) : s;
}

struct commitlog *apiserver_stop(struct apiserver *s)
{
    watches_end(s, NULL);
    assert(!s->watches);               /* the streams belong to their callers, who free them first */
    watch_event_release(s);
    proc_kill(s->proc);
    proc_free(s->proc);
    event_ttl_stop(s);
    hook_caller_free(s->hook_caller);
    if (s->crds)
        s->crds = crds_free(s->crds);
    s->auth = auth_free(s->auth);
    for (size_t i = 0; i < ARRAY_SIZE(s->discovery); i++)
        blob_unref(s->discovery[i]);
    if (s->kinds)
        kinds_free(s->kinds);
    policies_free(s->policies);
    cel_env_free(s->cel);
    struct commitlog *log = s->store ? store_close(s->store) : NULL;
    free(s);
    return log;
}

struct apiserver *apiserver_free(struct apiserver *s)
{
    if (s)
        commitlog_free(apiserver_stop(s));
    return NULL;
}

const struct cel_env *server_cel(struct apiserver *s)
{
    if (!s->cel)
        s->cel = kcel_env_new();
    return s->cel;
}
