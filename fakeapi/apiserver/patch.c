#include "fakeapi/apiserver/server.h"

#include <strings.h>

/* PATCH: which kind of patch, and what it makes of the object (section E). */

static int unsupported_type(struct call *c)
{
    return apierr_set(&c->err, APIERR_UNSUPPORTED_MEDIA_TYPE,
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
        "application/merge-patch+json, application/apply-patch+yaml%s",
        kind_custom(c->route.kind) ? "" : ", application/strategic-merge-patch+json");
}

/* RFC 7386, level by level on an explicit stack: no recursion over what a client sends. */
struct merge_step {
    json_t *target;
    const json_t *patch;
};

static void merge_patch(json_t **root, const json_t *patch)
{
    DYN(struct merge_step) todo = { 0 };

    *dyn_push(&todo) = (struct merge_step){ json_own(root), patch };
    while (todo.n) {
        struct merge_step s = todo.v[--todo.n];
        const char *key;
        json_t *value;
        json_object_foreach ((json_t *)s.patch, key, value) {
            if (json_is_null(value))
                json_object_del(s.target, key);
            else if (json_is_object(value))
                *dyn_push(&todo) = (struct merge_step){ json_own_object(s.target, key), value };
            else
                json_object_set_new(s.target, key, json_clone(value));
        }
    }
    dyn_release(&todo);
}

static int mutate_merge(struct call *c, const json_t *old, void *arg, json_t **ret)
{
    json_t *obj = json_incref((json_t *)old);

    merge_patch(&obj, arg);
    return decode_patched(c, c->route.kind, obj, ret);
}

static int read_patch(struct call *c, json_t **ret)
{
    struct err e = ERR_IN(c->arena);
    int r = check_body_size(c);

    if (r < 0)
        return r;
    if (c->q->object) {
        *ret = json_incref((json_t *)c->q->object);
        return 0;
    }
    *ret = json_parse(c->q->body ? c->q->body : "", c->q->body_len, 0, NULL, &e);
    if (!*ret)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "error decoding patch: %s", err_message(&e));
    return 0;
}

int handle_patch(struct call *c)
{
    const struct kind *k = c->route.kind;
    const char *type = api_request_header(c->q, "content-type");
    json_auto_t *patch = NULL;
    struct value *v = NULL;
    bool created;
    int r;

    if (str_empty(type) || strncasecmp(type, "application/merge-patch+json", 28) != 0)
        return unsupported_type(c);
    if ((r = check_url_name(c, c->route.name)) < 0 || (r = options_patch(c, false)) < 0 ||
        (r = read_patch(c, &patch)) < 0)
        return r;
    if (k->deprecation)
        call_warn(c, "%s", k->deprecation);
    struct change ch = { .kind = k, .sub = c->route.sub, .namespace = c->route.namespace, .name = c->route.name,
                         .mutate = mutate_merge, .arg = patch };
    r = change_object(c, &ch, &v, &created);
    if (r < 0)
        return r;
    r = reply_value(c, created ? 201 : 200, v);
    value_unref(v);
    return r;
}
