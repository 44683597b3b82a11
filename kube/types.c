#include "kube/types.h"

static int row_cmp(const struct type_row *r, const char *group, const char *version, const char *kind)
{
    int order = strcmp(r->group, group);

    if (!order)
        order = strcmp(r->version, version);
    return order ? order : strcmp(r->kind, kind);
}

static const struct schema *find(const char *group, const char *version, const char *kind)
{
    size_t low = 0, high = types_n_rows;

    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = row_cmp(&types_rows[mid], group, version, kind);
        if (order == 0)
            return types_rows[mid].schema;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct schema *types_find(const char *group, const char *version, const char *kind)
{
    const struct schema *s = find(group, version, kind);

    if (!s && streq(kind, "WatchEvent"))
        return types_by_name("io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent");
    return s ? s : find("meta.k8s.io", "v1", kind);
}

const struct schema *types_by_name(const char *name)
{
    size_t low = 0, high = types_n_named;

    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(types_named[mid]->name, name);
        if (order == 0)
            return types_named[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct schema *types_object_meta(void)
{
    return types_by_name("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
}
