#include "fakeapi/apiserver/server.h"

#include "kube/apply.h"

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

void managed_describe(struct call *c, const struct kind *k, const char *subresource, struct apply_write *ret)
{
    char version[API_VERSION_MAX];

    *ret = (struct apply_write){
        .arena = c->arena, .schema = kind_schema(k), .manager = managed_manager(c), .subresource = subresource,
        .api_version = arena_strdup(c->arena, kind_api_version(k, version)), .now = call_text_time(c),
        .reset_fields = reset_fields(k, subresource),
    };
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
    json_t *next = apply_update(&w, old, *obj);
    json_decref(*obj);
    *obj = next;
    json_own(obj);
    return 0;
}
