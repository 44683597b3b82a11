/* Which kinds a server has: legacy discovery, each group's preferred version. */
#include "fakeapi/cluster/loop.h"
#include "kube/json.h"

static int get_json(struct co *co, struct transport *t, const char *path, json_t **ret, struct apierr *err)
{
    static const struct api_header accept = { "Accept", "application/json" };
    struct api_request q = { .method = "GET", .path = path, .headers = &accept, .n_headers = 1 };
    cleanup_reply struct api_reply r = { 0 };
    int e = transport_call(co, t, &q, &r);

    if (e < 0)
        return e;
    *ret = r.object ? json_incref(r.object) : r.body ? json_parse(r.body->data, r.body->len, 0, NULL, NULL)
                                                     : NULL;
    if (r.status != 200 || !*ret) {
        int code = *ret ? apierr_from_status(err, *ret) : 0;
        json_decref(*ret);
        *ret = NULL;
        return code < 0 ? code : apierr_set(err, APIERR_INTERNAL_ERROR, "%s: %d", path, r.status);
    }
    return 0;
}

static bool has_verb(const json_t *resource, const char *verb)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_object_get(resource, "verbs"), i, v)
        if (streq(json_string_value(v), verb))
            return true;
    return false;
}

struct found {
    struct arena *arena;
    struct resource *v;
    size_t n, cap;
};

static void keep(struct found *f, const char *group, const char *version, const json_t *r)
{
    if (f->n == f->cap) {
        struct resource *grown = arena_alloc(f->arena, (f->cap * 2 + 32) * sizeof(*grown));
        if (f->n)
            memcpy(grown, f->v, f->n * sizeof(*grown));
        f->v = grown;
        f->cap = f->cap * 2 + 32;
    }
    f->v[f->n++] = (struct resource){
        .group = arena_strdup(f->arena, group),
        .version = arena_strdup(f->arena, version),
        .kind = arena_strdup(f->arena, json_string_value(json_object_get(r, "kind"))),
        .plural = arena_strdup(f->arena, json_string_value(json_object_get(r, "name"))),
        .namespaced = json_is_true(json_object_get(r, "namespaced")),
    };
}

static int discover_group(struct co *co, struct transport *t, const char *path, const char *group,
                          const char *version, struct found *f, struct apierr *err)
{
    json_auto_t *list = NULL;
    json_t *r;
    size_t i;
    int e = get_json(co, t, path, &list, err);

    if (e < 0)
        return e;
    json_array_foreach(json_object_get(list, "resources"), i, r) {
        const char *name = json_string_value(json_object_get(r, "name"));
        if (!strchr(name, '/') && has_verb(r, "list") && has_verb(r, "delete") && has_verb(r, "watch"))
            keep(f, group, version, r);
    }
    return 0;
}

int discover_resources(struct co *co, struct transport *t, struct resource **ret, size_t *ret_n,
                       struct apierr *err)
{
    struct found f = { .arena = co_arena(co) };
    json_auto_t *groups = NULL;
    json_t *g;
    size_t i;
    int r = discover_group(co, t, "/api/v1", "", "v1", &f, err);

    if (r == 0)
        r = get_json(co, t, "/apis", &groups, err);
    json_array_foreach(json_object_get(groups, "groups"), i, g) {
        const char *name = json_string_value(json_object_get(g, "name"));
        const char *version = json_string_value(json_path(g, "preferredVersion.version"));
        if (r == 0 && name && version)
            r = discover_group(co, t, co_printf(co, "/apis/%s/%s", name, version), name, version, &f, err);
        if (apierr_is(r, APIERR_NOT_FOUND))
            r = 0;                                /* a group that went away while we asked */
    }
    if (r < 0)
        return r;
    *ret = f.v;
    *ret_n = f.n;
    return 0;
}
