#include "fakeapi/apiserver/server.h"

#include "kube/apply.h"
#include "kube/patch_merge.h"
#include "kube/patch_strategic.h"

/* PATCH: which kind of patch, and what it makes of the object (section E). */

struct patch_row;

struct patch {
    const struct patch_row *row;
    const char *text;
    size_t len;
    json_t *config;                    /* of an apply */
};

/* What the patch makes of `old`; `printed` is what an error shows as the patched object, NULL: itself. */
typedef int patch_fn(struct call *c, const json_t *old, const struct patch *p, struct patch_notes *notes,
                     json_t **ret, json_t **ret_printed);

static bool wants_notes(const struct call *c)
{
    return c->opt.field_validation != VALIDATION_IGNORE;
}

static int patch_json(struct call *c, const json_t *old, const struct patch *p, struct patch_notes *notes,
                      json_t **ret, json_t **ret_printed)
{
    (void)ret_printed;
    return json_patch_apply(c->arena, old, p->text, p->len, wants_notes(c), notes, ret, &c->err);
}

static int patch_merge(struct call *c, const json_t *old, const struct patch *p, struct patch_notes *notes,
                       json_t **ret, json_t **ret_printed)
{
    (void)ret_printed;
    return merge_patch_apply(c->arena, old, p->text, p->len, wants_notes(c), notes, ret, &c->err);
}

static int patch_strategic(struct call *c, const json_t *old, const struct patch *p, struct patch_notes *notes,
                           json_t **ret, json_t **ret_printed)
{
    return strategic_patch_apply(c->arena, old, kind_schema(body_kind(c)), p->text, p->len, wants_notes(c), notes,
                                 ret, ret_printed, &c->err);
}

static const struct patch_row {
    const char *type;
    patch_fn *make;                    /* NULL: apply */
    bool builtin_only;
} patch_rows[] = {
    { "application/json-patch+json", patch_json, false },
    { "application/merge-patch+json", patch_merge, false },
    { "application/strategic-merge-patch+json", patch_strategic, true },
    { "application/apply-patch+yaml", NULL, false },
};

static int unsupported_type(struct call *c, bool by_router)
{
    if (by_router) {                   /* that of built-in paths knows the types of patches too */
        int r = apierr_set(&c->err, APIERR_UNSUPPORTED_MEDIA_TYPE, "415: Unsupported Media Type");
        c->err.has_details = true;
        return r;
    }
    return apierr_set(&c->err, APIERR_UNSUPPORTED_MEDIA_TYPE,
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
        "application/merge-patch+json, %sapplication/apply-patch+yaml",
        kind_custom(c->route.kind) ? "" : "application/strategic-merge-patch+json, ");
}

static const char spaces[] = " \t";

static const struct patch_row *row_of(const struct call *c, const char *type, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(patch_rows); i++) {
        const struct patch_row *row = &patch_rows[i];
        if (strlen(row->type) == len && strncmp(row->type, type, len) == 0 &&
            !(row->builtin_only && kind_custom(c->route.kind)))
            return row;
    }
    return NULL;
}

/* The router looks for one of several types that it knows; the handler wants it alone. */
static bool router_takes(const struct call *c, const char *type)
{
    while (*type) {
        size_t part = strcspn(type, ","), len = strcspn(type, ";,");
        const char *start = type + strspn(type, spaces);
        size_t lead = (size_t)(start - type);
        while (len > lead && strchr(spaces, type[len - 1]))
            len--;
        if (len > lead && row_of(c, start, len - lead))
            return true;
        type += part + (type[part] == ',');
    }
    return false;
}

static int find_row(struct call *c, const struct patch_row **ret)
{
    const char *type = api_request_header(c->q, "content-type");

    type = type ? type + strspn(type, spaces) : "";
    if (!kind_custom(c->route.kind) && !router_takes(c, type))
        return unsupported_type(c, true);
    size_t len = strcspn(type, ";");
    if (type[len] != ';')
        while (len && strchr(spaces, type[len - 1]))
            len--;
    *ret = row_of(c, type, len);
    return *ret ? 0 : unsupported_type(c, false);
}

int patch_check_type(struct call *c)
{
    const struct patch_row *unused;

    return find_row(c, &unused);
}

/* A patch that a neighbour sends as a tree has its bytes made here: how numbers are spelt matters. */
static void read_patch(struct call *c, struct patch *p)
{
    if (c->q->object) {
        p->text = json_arena_text(c->arena, c->q->object, 0);
        p->len = strlen(p->text);
    } else {
        p->text = c->q->body ? c->q->body : "";
        p->len = c->q->body_len;
    }
}

/* ---- the three patches that change what is there ------------------------------------------------ */

static int mutate_patch(struct call *c, const json_t *old, void *arg, json_t **ret)
{
    const struct patch *p = arg;
    struct patch_notes notes = { 0 };
    json_t *obj = NULL;
    json_auto_t *printed = NULL;
    const struct subresource *sub = c->route.sub;
    json_auto_t *shown = NULL, *body = NULL;
    int r = sub && sub->view ? managed_view_show(c, c->route.kind, sub->view, old, &shown) : 0;

    if (r < 0 || (r = p->row->make(c, shown ? shown : old, p, &notes, &obj, &printed)) < 0)
        return r;
    if ((r = decode_patched(c, body_kind(c), obj, &notes, printed, &body)) < 0 ||
        (r = check_object_name(c, body)) < 0 || (r = meta_check_namespace(c, c->route.kind, json_own(&body))) < 0)
        return r;
    if (shown)
        return managed_view_update(c, c->route.kind, sub, shown, body, old, ret);
    if (kind_custom(c->route.kind) && !*obj_api_version(body))
        return apierr_set(&c->err, APIERR_INTERNAL_ERROR, "Internal error occurred: Object 'apiVersion' is missing in 'object has "
                          "no apiVersion field'");
    *ret = STEAL(body);
    return fill_defaults(c, c->route.kind, ret);
}

/* ---- apply -------------------------------------------------------------------------------------- */

/* YAML, of which JSON is a part; null and nothing are an empty object (E-131). */
static int read_config(struct call *c, struct patch *p)
{
    if (c->q->object) {
        p->config = json_clone(c->q->object);
        return 0;
    }
    return decode_config(c, p->text, p->len, &p->config);
}

static int check_config(struct call *c, const struct kind *k, const json_t *config)
{
    const char *version = obj_api_version(config), *kind = obj_kind(config);
    char want[API_VERSION_MAX], group[256], v[64];
    bool split = api_version_split(version, group, v);

    if (streq(version, kind_api_version(k, want)) && streq(kind, k->res.kind))
        return 0;
    if (!split)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "invalid object type: /, Kind=");
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "invalid object type: %s/%s, Kind=%s", group, v, kind);
}

/* What the patch makes of `old` (or of nothing), with its managers. */
static int merge_config(struct call *c, const struct apply_write *w, const struct patch *p, const json_t *old,
                        json_t **ret)
{
    json_auto_t *empty = old ? NULL : apply_empty_object(w->schema, w->api_version, body_kind(c)->res.kind);
    int r = apply_merge(w, old ? old : empty, !old, p->config, c->opt.force, ret, &c->err);

    if (r == 0 && !*ret)
        *ret = json_incref((json_t *)old);
    return r;
}

static bool same_but_managers(const json_t *a, const json_t *b)
{
    json_auto_t *x = json_without(a, "metadata.managedFields"), *y = json_without(b, "metadata.managedFields");

    return json_same(x, y);
}

static int mutate_apply_view(struct call *c, const json_t *old, const struct patch *p, json_t **ret)
{
    const struct kind *k = c->route.kind;
    const struct view_ops *view = c->route.sub->view;
    json_auto_t *shown = NULL, *next = NULL, *body = NULL;
    struct apply_write w;
    int r;

    managed_view_describe(c, c->route.sub->name, &w);
    if ((r = managed_view_show(c, k, view, old, &shown)) < 0)
        return r;
    if (kind_custom(k) && !json_path(shown, "metadata.managedFields"))
        return apierr_set(&c->err, APIERR_UNKNOWN, "failed to create manager for existing fields: failed to convert live object "
                          "(/; autoscaling/v1, Kind=Scale) to proper version: request to convert CR to an invalid "
                          "group/version: autoscaling/v1");
    if ((r = merge_config(c, &w, p, shown, &next)) < 0)
        return r;
    if (kind_custom(k) && !same_but_managers(shown, next))
        return apierr_set(&c->err, APIERR_UNKNOWN, "failed to convert new object (%s/%s; autoscaling/v1, Kind=Scale) to "
                          "proper version: request to convert CR to an invalid group/version: autoscaling/v1",
                          obj_namespace(p->config), obj_name(p->config));
    if ((r = meta_check_namespace(c, k, json_own(&next))) < 0 || (r = check_object_name(c, next)) < 0 ||
        (r = decode_applied(c, view->body, p->config, json_incref(next), &body)) < 0)
        return r;
    return managed_view_take(c, k, view, body, old, ret);
}

static int mutate_apply(struct call *c, const json_t *old, void *arg, json_t **ret)
{
    const struct patch *p = arg;
    const struct kind *k = c->route.kind;
    struct apply_write w;
    json_t *next = NULL;
    int r;

    if ((r = check_config(c, body_kind(c), p->config)) < 0)
        return r;
    if (c->route.sub && c->route.sub->view)
        return mutate_apply_view(c, old, p, ret);
    managed_describe(c, k, c->route.sub ? c->route.sub->name : "", &w);
    if ((r = managed_check_apply(c, k, old, p->config)) < 0 || (r = merge_config(c, &w, p, old, &next)) < 0)
        return r;
    c->managed_done = true;
    if ((r = decode_applied(c, k, p->config, next, ret)) < 0 || (r = fill_defaults(c, k, ret)) < 0 ||
        (r = meta_check_namespace(c, k, json_own(ret))) < 0)
        return r;
    return check_object_name(c, *ret);
}

/* ---- the whole of it ---------------------------------------------------------------------------- */

int handle_patch(struct call *c)
{
    const struct kind *k = c->route.kind;
    struct patch p = { 0 };
    struct value *v = NULL;
    bool created;
    int r = find_row(c, &p.row);

    if (r < 0)
        return r;
    bool apply = !p.row->make;
    if ((r = options_patch(c, apply)) < 0 || (r = check_url_name(c, c->route.name)) < 0)
        return r;
    read_patch(c, &p);
    if (apply && (r = read_config(c, &p)) < 0)
        return r;
    struct change ch = {
        .kind = k, .sub = c->route.sub, .namespace = c->route.namespace, .name = c->route.name,
        .mutate = apply ? mutate_apply : mutate_patch, .arg = &p, .allow_create = apply && change_may_create(c),
    };
    r = change_object(c, &ch, &v, &created);
    json_decref(p.config);
    if (r < 0)
        return r;
    r = reply_value(c, created ? 201 : 200, v);
    value_unref(v);
    return r;
}
