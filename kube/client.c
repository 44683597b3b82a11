#include "kube/client.h"

#include <stdio.h>

#include "kube/json.h"

struct client {
    struct proc *owner;
    struct transport *transport;
    char *name;
};

struct client *client_new(struct proc *owner, struct transport *t, const char *name)
{
    struct client *c = xcalloc(1, sizeof(*c));

    c->owner = owner;
    c->transport = t;
    c->name = xstrdup(name);
    return c;
}

struct client *client_free(struct client *c)
{
    if (c) {
        free(c->name);
        free(c);
    }
    return NULL;
}

const char *client_name(const struct client *c)
{
    return c->name;
}

/* ---- the query ------------------------------------------------------------------------------- */

static void query_escape(struct buf *b, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || strchr("-_.~", *p);
        if (plain)
            buf_add_char(b, (char)*p);
        else
            buf_printf(b, "%%%02X", *p);
    }
}

static void query_add(struct buf *b, const char *name, const char *value)
{
    if (str_empty(value))
        return;
    if (b->len)
        buf_add_char(b, '&');
    buf_add_str(b, name);
    buf_add_char(b, '=');
    query_escape(b, value);
}

static void query_add_list(struct buf *b, const struct list_options *opt)
{
    char limit[24];

    if (!opt)
        return;
    query_add(b, "labelSelector", opt->label_selector);
    query_add(b, "fieldSelector", opt->field_selector);
    query_add(b, "resourceVersion", opt->resource_version);
    query_add(b, "resourceVersionMatch", opt->match);
    query_add(b, "continue", opt->cont);
    if (opt->limit > 0) {
        snprintf(limit, sizeof(limit), "%lld", (long long)opt->limit);
        query_add(b, "limit", limit);
    }
}

/* ---- one exchange ---------------------------------------------------------------------------- */

struct call {
    const char *method, *path;
    struct buf query;
    const char *content_type;
    const json_t *object;
};

static void call_release(struct call *q)
{
    buf_release(&q->query);
}
#define cleanup_call __attribute__((cleanup(call_release)))

/* What the task was told becomes part of its input: the code and the version of what came. */
static void mix_reply(struct co *co, int status, const json_t *object)
{
    const json_t *meta = json_object_get(object, "metadata");
    const char *fields[] = { "resourceVersion", "uid", "name", "continue" };

    co_input(co, &status, sizeof(status));
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const char *text = json_string_value(json_object_get(meta, fields[i]));
        if (text)
            co_input(co, text, strlen(text) + 1);
    }
}

static int reply_object(struct api_reply *reply, struct apierr *err)
{
    struct err e = ERR_IN(reply->arena);

    if (reply->object || !reply->body)
        return 0;
    reply->object = json_parse(reply->body->data, reply->body->len, 0, NULL, &e);
    if (!reply->object && reply->status < 400)    /* "404 page not found" is no JSON, and need not be */
        return apierr_set(err, APIERR_INTERNAL_ERROR, "the server's reply (code %d) is not JSON: %s",
                          reply->status, err_message(&e));
    return 0;
}

/* A refusal as an apierr; whoever refused without a Status is quoted by his code. */
static int reply_error(const struct api_reply *reply, struct apierr *err)
{
    const char *kind = json_string_value(json_object_get(reply->object, "kind"));

    if (kind && streq(kind, "Status"))
        return apierr_from_status(err, reply->object);
    if (reply->status == 404)
        return apierr_set(err, APIERR_NOT_FOUND, "the server could not find the requested resource");
    return apierr_set(err, APIERR_INTERNAL_ERROR, "the server answered with code %d and no Status",
                      reply->status);
}

static int client_call(struct co *co, struct client *c, const struct call *q, struct api_reply *ret,
                       struct apierr *err)
{
    const struct api_header headers[] = {
        { "Accept", "application/json" },
        { "User-Agent", c->name },
        { "Content-Type", q->content_type },
    };
    struct api_request request = {
        .method = q->method, .path = q->path, .query = q->query.len ? q->query.data : NULL,
        .headers = headers, .n_headers = q->content_type ? 3 : 2, .object = q->object,
    };
    int r;

    if (proc_dead(c->owner) || co_cancelled(co))
        return -ERR_CANCELLED;
    r = transport_call(co, c->transport, &request, ret);
    if (proc_dead(c->owner) || co_cancelled(co))
        return -ERR_CANCELLED;
    if (r < 0) {
        struct err e = ERR_IN(co_arena(co));
        err_set(&e, (enum err_code)-r, "%s %s: %s", q->method, q->path, err_code_text(r));
        co_input(co, &r, sizeof(r));
        return apierr_from(err, r, &e);
    }
    r = reply_object(ret, err);
    if (r < 0)
        return r;
    mix_reply(co, ret->status, ret->object);
    return ret->status >= 400 ? reply_error(ret, err) : 0;
}

/* The common case: an exchange whose body is the answer. */
static int client_exchange(struct co *co, struct client *c, const struct call *q, json_t **ret,
                           struct apierr *err)
{
    cleanup_reply struct api_reply reply = { 0 };
    int r = client_call(co, c, q, &reply, err);

    if (r < 0)
        return r;
    if (ret)
        *ret = reply.object ? STEAL(reply.object) : json_null();
    return 0;
}

/* ---- the verbs ------------------------------------------------------------------------------- */

int client_get(struct co *co, struct client *c, const struct objref *o, json_t **ret, struct apierr *err)
{
    cleanup_call struct call q = {
        .method = "GET",
        .path = resource_path(co_arena(co), o->resource, o->namespace, o->name, NULL),
    };

    return client_exchange(co, c, &q, ret, err);
}

int client_list(struct co *co, struct client *c, const struct resource *rs, const char *namespace,
                const struct list_options *opt, json_t **ret, struct apierr *err)
{
    cleanup_call struct call q = {
        .method = "GET", .path = resource_path(co_arena(co), rs, namespace, NULL, NULL),
    };

    query_add_list(&q.query, opt);
    return client_exchange(co, c, &q, ret, err);
}

/* metadata.`field` of an object that the caller sends; "" where it has none. */
static const char *sent_meta(const json_t *obj, const char *field)
{
    const char *text = json_string_value(json_object_get(json_object_get(obj, "metadata"), field));

    return text ? text : "";
}

int client_create(struct co *co, struct client *c, const struct resource *rs, const json_t *obj,
                  json_t **ret, struct apierr *err)
{
    cleanup_call struct call q = {
        .method = "POST",
        .path = resource_path(co_arena(co), rs, sent_meta(obj, "namespace"), NULL, NULL),
        .content_type = "application/json", .object = obj,
    };

    query_add(&q.query, "fieldManager", c->name);
    return client_exchange(co, c, &q, ret, err);
}

static int client_put(struct co *co, struct client *c, const struct resource *rs, const char *subresource,
                      const json_t *obj, json_t **ret, struct apierr *err)
{
    cleanup_call struct call q = {
        .method = "PUT",
        .path = resource_path(co_arena(co), rs, sent_meta(obj, "namespace"), sent_meta(obj, "name"),
                              subresource),
        .content_type = "application/json", .object = obj,
    };

    query_add(&q.query, "fieldManager", c->name);
    return client_exchange(co, c, &q, ret, err);
}

int client_update(struct co *co, struct client *c, const struct resource *rs, const json_t *obj,
                  json_t **ret, struct apierr *err)
{
    return client_put(co, c, rs, NULL, obj, ret, err);
}

int client_update_status(struct co *co, struct client *c, const struct resource *rs, const json_t *obj,
                         json_t **ret, struct apierr *err)
{
    return client_put(co, c, rs, "status", obj, ret, err);
}

int client_patch(struct co *co, struct client *c, const struct objref *o, const char *subresource,
                 enum patch_type type, const json_t *patch, json_t **ret, struct apierr *err)
{
    static const char *const content_types[] = {
        [PATCH_JSON] = "application/json-patch+json",
        [PATCH_MERGE] = "application/merge-patch+json",
        [PATCH_STRATEGIC] = "application/strategic-merge-patch+json",
        [PATCH_APPLY] = "application/apply-patch+yaml",
    };
    cleanup_call struct call q = {
        .method = "PATCH",
        .path = resource_path(co_arena(co), o->resource, o->namespace, o->name, subresource),
        .content_type = content_types[type], .object = patch,
    };

    query_add(&q.query, "fieldManager", c->name);
    return client_exchange(co, c, &q, ret, err);
}

static json_t *delete_body(const struct delete_options *opt)
{
    json_t *body = json_pack("{s:s, s:s}", "kind", "DeleteOptions", "apiVersion", "v1");
    json_t *pre = json_object();

    if (opt->uid)
        json_object_set_new(pre, "uid", json_string(opt->uid));
    if (opt->resource_version)
        json_object_set_new(pre, "resourceVersion", json_string(opt->resource_version));
    if (json_object_size(pre))
        json_object_set(body, "preconditions", pre);
    json_decref(pre);
    if (opt->propagation)
        json_object_set_new(body, "propagationPolicy", json_string(opt->propagation));
    if (opt->grace_s >= 0)
        json_object_set_new(body, "gracePeriodSeconds", json_integer(opt->grace_s));
    return body;
}

int client_delete(struct co *co, struct client *c, const struct objref *o,
                  const struct delete_options *opt, struct apierr *err)
{
    json_auto_t *body = delete_body(opt ? opt : &DELETE_DEFAULT);
    cleanup_call struct call q = {
        .method = "DELETE",
        .path = resource_path(co_arena(co), o->resource, o->namespace, o->name, NULL),
        .content_type = "application/json", .object = body,
    };

    return client_exchange(co, c, &q, NULL, err);
}

int client_post(struct co *co, struct client *c, const struct objref *o, const char *subresource,
                const json_t *body, json_t **ret, struct apierr *err)
{
    cleanup_call struct call q = {
        .method = "POST",
        .path = resource_path(co_arena(co), o->resource, o->namespace, o->name, subresource),
        .content_type = "application/json", .object = body,
    };

    query_add(&q.query, "fieldManager", c->name);
    return client_exchange(co, c, &q, ret, err);
}

int client_watch(struct co *co, struct client *c, const struct resource *rs, const char *namespace,
                 const struct list_options *opt, bool bookmarks, struct api_stream **ret,
                 struct apierr *err)
{
    cleanup_call struct call q = {
        .method = "GET", .path = resource_path(co_arena(co), rs, namespace, NULL, NULL),
    };
    cleanup_reply struct api_reply reply = { 0 };
    int r;

    query_add(&q.query, "watch", "true");
    if (bookmarks)
        query_add(&q.query, "allowWatchBookmarks", "true");
    query_add_list(&q.query, opt);
    r = client_call(co, c, &q, &reply, err);
    if (r < 0)
        return r;
    if (!reply.stream)
        return apierr_set(err, APIERR_INTERNAL_ERROR, "the server answered a watch of %s with no stream",
                          rs->plural);
    *ret = STEAL(reply.stream);
    return 0;
}
