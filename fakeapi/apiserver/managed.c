#include "fakeapi/apiserver/admission/admission.h"
#include "fakeapi/apiserver/crd.h"

#include "kube/apply.h"
#include "kube/typed.h"
#include "kube/types.h"

/* Who set what, on every write: what kube/apply needs to know of a request. */

const char *managed_manager(struct call *c)
{
    return apply_manager_name(c->arena, c->opt.field_manager, c->user_agent);
}

/* What an endpoint drops from what it is sent, it does not own (E-122). */
static const struct reset_row {
    const char *kind, *subresource, *fields;
} reset_rows[] = {
    { "Pod", "status", "{\"f:spec\":{},\"f:metadata\":{\"f:deletionTimestamp\":{},\"f:ownerReferences\":{}}}" },
    { "Deployment", "status", "{\"f:spec\":{},\"f:metadata\":{\"f:labels\":{}}}" },
    { "CertificateSigningRequest", "", "{\"f:spec\":{},\"f:status\":{}}" },
    { "CertificateSigningRequest", "status", "{\"f:spec\":{},\"f:status\":{\"f:conditions\":{}}}" },
    { "CertificateSigningRequest", "approval", "{\"f:spec\":{},\"f:status\":{\"f:certificate\":{}}}" },
    { "CustomResourceDefinition", "status", "{\"f:spec\":{},\"f:metadata\":{}}" },
    { "APIService", "status", "{\"f:spec\":{},\"f:metadata\":{}}" },
    { "VolumeAttachment", "status", "{\"f:spec\":{},\"f:metadata\":{}}" },
    { "FlowSchema", "status", "{\"f:spec\":{},\"f:metadata\":{}}" },
    { "PriorityLevelConfiguration", "status", "{\"f:spec\":{},\"f:metadata\":{}}" },
    { "ValidatingAdmissionPolicy", "status", "{\"f:spec\":{},\"f:metadata\":{}}" },
    { "Namespace", "finalize", "{\"f:status\":{}}" },
};

static const char *reset_fields(const struct kind *k, const char *subresource)
{
    for (size_t i = 0; i < ARRAY_SIZE(reset_rows); i++)
        if (!kind_custom(k) && streq(reset_rows[i].kind, k->res.kind) && streq(reset_rows[i].subresource, subresource))
            return reset_rows[i].fields;
    if (streq(subresource, "status"))
        return "{\"f:spec\":{}}";
    if (!*subresource && kind_sub(k, "status"))
        return "{\"f:status\":{}}";
    return NULL;
}

/* ---- versions ------------------------------------------------------------------------------------ */

static const struct kind *kind_in(struct call *c, const char *api_version, const char *kind)
{
    char group[256], version[64];

    return api_version_split(api_version, group, version) ? kinds_find_kind(c->s->kinds, group, version, kind) : NULL;
}

static json_t *convert(void *arg, const json_t *obj, const char *api_version, const struct schema **ret_schema)
{
    struct call *c = arg;
    const struct kind *from = kind_in(c, obj_api_version(obj), obj_kind(obj));
    const struct kind *to = kind_in(c, api_version, obj_kind(obj));
    json_t *out = NULL;

    if (!to)
        return NULL;
    *ret_schema = kind_schema(to);
    if (!from || from == to)
        return json_incref((json_t *)obj);
    if (kind_custom(to) && !convert_by_hook(to))
        return json_with(obj, "apiVersion", json_string(api_version));
    struct apierr before = c->err;
    out = json_incref((json_t *)obj);
    if (convert_between(c, from, to, &out) == 0)
        return out;
    json_decref(out);
    c->err = before;
    return NULL;
}

void managed_describe(struct call *c, const struct kind *k, const char *subresource, struct apply_write *ret)
{
    char version[API_VERSION_MAX];

    *ret = (struct apply_write){
        .arena = c->arena, .schema = kind_schema(k), .manager = managed_manager(c), .subresource = subresource,
        .api_version = arena_strdup(c->arena, kind_api_version(k, version)), .now = call_text_time(c),
        .reset_fields = reset_fields(k, subresource), .convert = convert, .convert_arg = c,
    };
}

const char *managed_problem(struct call *c, const json_t *list)
{
    size_t i;
    json_t *m;

    json_array_foreach ((json_t *)list, i, m) {
        const char *op = obj_str(m, "operation"), *type = obj_str(m, "fieldsType");
        if (!streq(op, "Apply") && !streq(op, "Update"))
            return "operation must be `Apply` or `Update`";
        if (!*obj_str(m, "apiVersion"))
            return "apiVersion must not be empty";
        if (!*type)
            return arena_printf(c->arena, "missing fieldsType in managed fields entry %zu", i);
        if (!streq(type, "FieldsV1"))
            return arena_printf(c->arena, "invalid fieldsType \"%s\" in managed fields entry %zu", type, i);
    }
    return NULL;
}

static bool fits(struct call *c, const struct kind *k, const json_t *obj, const json_t *old)
{
    struct ftype t = ftype_root(kind_schema(k));

    return typed_fits(c->arena, t, obj) && typed_fits(c->arena, t, old);
}

/* What its schema cannot make sense of, nobody owns: all records go (of a built-in kind: an element without its key). So
 * they do where one of them is of another version, that differs in more than its name. */
static bool owners_known(struct call *c, const struct kind *k, const json_t *obj, const json_t *old)
{
    size_t i;
    json_t *m;

    if (kind_schema(k) && !fits(c, k, obj, old))
        return false;
    if (!kind_custom(k))
        return true;
    json_array_foreach (json_path(old, "metadata.managedFields"), i, m) {
        const struct kind *of = crd_version(k->crd, obj_api_version(m));
        if (of && of != k && !convert_by_hook(k) && !fits(c, of, obj, old))
            return false;
    }
    return true;
}

/* An apply is refused where an update forgets: what is there must be an object of each version that somebody set
 * fields in, and what is applied one of the version it was applied in last. */
int managed_check_apply(struct call *c, const struct kind *k, const json_t *old, const json_t *config)
{
    size_t i;
    json_t *m;

    if (!kind_custom(k) || convert_by_hook(k))
        return 0;
    json_array_foreach (json_path(old, "metadata.managedFields"), i, m) {
        const struct kind *of = crd_version(k->crd, obj_api_version(m));
        if (of && of != k && !typed_fits(c->arena, ftype_root(kind_schema(of)), old))
            return apierr_set(&c->err, APIERR_UNKNOWN, "%s", typed_check(c->arena, ftype_root(kind_schema(of)), old));
    }
    json_array_foreach (json_path(old, "metadata.managedFields"), i, m) {
        const struct kind *of = crd_version(k->crd, obj_api_version(m));
        bool mine = streq(obj_str(m, "operation"), "Apply") && streq(obj_str(m, "manager"), managed_manager(c)) &&
                    streq(obj_str(m, "subresource"), c->route.sub ? c->route.sub->name : "");
        const char *why = mine && of && of != k ? typed_check(c->arena, ftype_root(kind_schema(of)), config) : NULL;
        if (why)
            return apierr_set(&c->err, APIERR_UNKNOWN, "failed to prune fields: failed to convert merged object to last "
                              "applied version: %s", why);
    }
    return 0;
}

int managed_update(struct call *c, const struct kind *k, const char *subresource, json_t **obj, const json_t *old)
{
    struct apply_write w;
    json_auto_t *empty = NULL;

    /* What nobody was recorded for at first is not recorded later, but by an apply. */
    if (old && !obj_count(old, "metadata.managedFields") && !obj_count(*obj, "metadata.managedFields"))
        return 0;
    managed_describe(c, k, subresource, &w);
    if (!old)
        old = empty = apply_empty_object(w.schema, w.api_version, k->res.kind);
    json_t *next = owners_known(c, k, *obj, old) ? apply_update(&w, old, *obj)
                                                 : json_without(*obj, "metadata.managedFields");
    json_decref(*obj);
    *obj = next;
    json_own(obj);
    return 0;
}

/* ---- Scale --------------------------------------------------------------------------------------- */

static const char *const built_in_path[] = { "f:spec", "f:replicas" };

/* ".spec.n" as field path elements. */
static struct scale_path custom_path(struct arena *a, const char *api_version, const char *text)
{
    const char **path = arena_alloc(a, (strlen(text) + 1) * sizeof(*path));
    size_t n = 0;

    while (*text) {
        size_t len = strcspn(++text, ".");
        path[n++] = arena_printf(a, "f:%.*s", (int)len, text);
        text += len;
    }
    return (struct scale_path){ api_version, path, n };
}

/* Where each version of the kind has its replicas. */
static const struct scale_path *scale_paths(struct call *c, const struct kind *k)
{
    size_t n = k->crd ? k->crd->n_kinds : 1;
    struct scale_path *out = arena_alloc(c->arena, (n + 1) * sizeof(*out));
    char version[API_VERSION_MAX];

    for (size_t i = 0; i < n; i++) {
        const struct kind *one = k->crd ? &k->crd->kinds[i] : k;
        const char *v = arena_strdup(c->arena, kind_api_version(one, version));
        if (k->crd)
            out[i] = custom_path(c->arena, v, obj_str(json_path(k->crd->version_specs[i], "subresources.scale"),
                                                      "specReplicasPath"));
        else
            out[i] = (struct scale_path){ v, built_in_path, ARRAY_SIZE(built_in_path) };
    }
    out[n] = (struct scale_path){ 0 };
    return out;
}

void managed_view_describe(struct call *c, const char *subresource, struct apply_write *ret)
{
    *ret = (struct apply_write){
        .arena = c->arena, .schema = types_find("autoscaling", "v1", "Scale"), .manager = managed_manager(c),
        .subresource = subresource, .api_version = "autoscaling/v1", .now = call_text_time(c),
    };
}

int managed_view_show(struct call *c, const struct kind *k, const struct view_ops *view, const json_t *old,
                      json_t **ret)
{
    json_t *list = NULL;
    int r = view->show(c, k, old, ret);

    if (r < 0)
        return r;
    list = apply_scale_shown(c->arena, json_path(old, "metadata.managedFields"), scale_paths(c, k));
    if (list)
        obj_set_meta(json_own(ret), "managedFields", list);
    return 0;
}

int managed_view_take(struct call *c, const struct kind *k, const struct view_ops *view, const json_t *body,
                      const json_t *old, json_t **ret)
{
    char version[API_VERSION_MAX];
    json_auto_t *admitted = json_incref((json_t *)body);
    int r;

    if ((r = admission_mutate_view(c, k, view, old, &admitted)) < 0 || (r = view->take(c, k, admitted, old, ret)) < 0)
        return r;
    obj_set_meta(json_own(ret), "managedFields",
                 apply_scale_taken(c->arena, json_path(old, "metadata.managedFields"),
                                   json_path(admitted, "metadata.managedFields"), kind_api_version(k, version),
                                   scale_paths(c, k)));
    c->managed_done = true;
    return 0;
}

int managed_view_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *shown,
                        const json_t *body, const json_t *old, json_t **ret)
{
    struct apply_write w;

    managed_view_describe(c, sub->name, &w);
    json_auto_t *next = apply_update(&w, shown, body);
    /* The type of what a custom resource's client sends is taken from the body: without one nothing is worked out,
     * and who owned the replicas does so no more. */
    if (k->crd && c->route.verb == VERB_UPDATE && c->untyped)
        obj_set_meta(json_own(&next), "managedFields", NULL);
    return managed_view_take(c, k, sub->view, next, old, ret);
}
