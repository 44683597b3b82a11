#include "fakeapi/apiserver/builtin/resource_names.h"

#include "fakeapi/apiserver/builtin/rules.h"
#include "kube/quantity.h"

static const struct resource_row {
    const char *name;
    unsigned uses;
} rows[] = {
    { "cpu", R_QUOTA | R_POD_COMPUTE | R_CONTAINER }, { "memory", R_QUOTA | R_POD_COMPUTE | R_CONTAINER },
    { "ephemeral-storage", R_QUOTA | R_CONTAINER }, { "requests.cpu", R_QUOTA | R_POD_COMPUTE },
    { "requests.memory", R_QUOTA | R_POD_COMPUTE }, { "requests.storage", R_QUOTA | R_CLAIM },
    { "requests.ephemeral-storage", R_QUOTA }, { "limits.cpu", R_QUOTA | R_POD_COMPUTE },
    { "limits.memory", R_QUOTA | R_POD_COMPUTE }, { "limits.ephemeral-storage", R_QUOTA },
    { "pods", R_QUOTA | R_WHOLE | R_POD_COUNT }, { "resourcequotas", R_QUOTA | R_WHOLE },
    { "services", R_QUOTA | R_WHOLE }, { "replicationcontrollers", R_QUOTA | R_WHOLE }, { "secrets", R_QUOTA | R_WHOLE },
    { "persistentvolumeclaims", R_QUOTA | R_WHOLE | R_CLAIM }, { "configmaps", R_QUOTA | R_WHOLE },
    { "services.nodeports", R_QUOTA | R_WHOLE }, { "services.loadbalancers", R_QUOTA | R_WHOLE }, { "storage", 0 },
};

unsigned resource_uses(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (streq(rows[i].name, name))
            return rows[i].uses | R_STANDARD;
    if (str_starts(name, "hugepages-"))
        return R_QUOTA | R_CONTAINER | R_STANDARD;
    return str_starts(name, "requests.hugepages-") ? R_QUOTA | R_STANDARD : 0;
}

bool resource_native(const char *name)
{
    return !strchr(name, '/') || strstr(name, "kubernetes.io/");
}

bool resource_extended(const char *name)
{
    cleanup_free char *request = xasprintf("requests.%s", name);
    struct name_problems p;

    if (resource_native(name) || str_starts(name, "requests."))
        return false;
    name_check_str(NAME_QUALIFIED, request, &p);
    return p.n == 0;
}

bool resource_overcommits(const char *name)
{
    return resource_native(name) && !str_starts(name, "hugepages-");
}

void rule_resource_name(struct fielderrs *e, const struct fpath *at, const char *name)
{
    size_t before = e->n;

    rule_name(e, at, NAME_QUALIFIED, name);
    if (e->n == before && !strchr(name, '/') && !resource_uses(name))
        fielderr_invalid_str(e, at, name, "must be a standard resource type or fully qualified");
}

void rule_container_resource_name(struct fielderrs *e, const struct fpath *at, const char *name)
{
    rule_resource_name(e, at, name);
    if (!strchr(name, '/') && !(resource_uses(name) & R_CONTAINER))
        fielderr_invalid_str(e, at, name, "must be a standard resource for containers");
    else if (!resource_native(name) && !resource_extended(name))
        fielderr_invalid_str(e, at, name, "doesn't follow extended resource name standard");
}

void rule_resource_amount(struct fielderrs *e, const struct fpath *at, const char *name, const json_t *v)
{
    struct quantity q;

    if (quantity_parse_json(e->arena, v, &q, NULL) < 0)
        return;
    if (q.negative)
        fielderr_invalid(e, at, v, "must be greater than or equal to 0");
    if (((resource_uses(name) & R_WHOLE) || resource_extended(name)) && quantity_scaled(&q, -3) % 1000 != 0)
        fielderr_invalid(e, at, v, "must be an integer");
}
