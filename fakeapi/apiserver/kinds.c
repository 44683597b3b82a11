#include "fakeapi/apiserver/kinds.h"

#include "kube/types.h"

struct kinds {
    DYN(const struct kind *) all;
    size_t n_builtin;
    uint64_t generation;
};

const char *kind_api_version(const struct kind *k, char ret[API_VERSION_MAX])
{
    return resource_api_version(&k->res, ret);
}

const char *kind_group_resource(struct arena *a, const struct kind *k)
{
    return group_resource(a, k->res.group, k->res.plural);
}

const struct subresource *kind_sub(const struct kind *k, const char *name)
{
    for (size_t i = 0; i < k->n_subs; i++)
        if (streq(k->subs[i].name, name))
            return &k->subs[i];
    return NULL;
}

struct kinds *kinds_new(void)
{
    struct kinds *ks = xcalloc(1, sizeof(*ks));
    size_t n;
    const struct kind *builtin = builtin_kinds(&n);

    for (size_t i = 0; i < n; i++)
        *dyn_push(&ks->all) = &builtin[i];
    ks->n_builtin = n;
    ks->generation = 1;
    return ks;
}

struct kinds *kinds_free(struct kinds *ks)
{
    if (!ks)
        return NULL;
    dyn_release(&ks->all);
    free(ks);
    return NULL;
}

static bool same_version(const struct kind *k, const char *group, const char *version)
{
    return streq(k->res.version, version) && streq(k->res.group, group);
}

const struct kind *kinds_find(const struct kinds *ks, const char *group, const char *version,
                              const char *plural)
{
    for (size_t i = 0; i < ks->all.n; i++)
        if (streq(ks->all.v[i]->res.plural, plural) && same_version(ks->all.v[i], group, version))
            return ks->all.v[i];
    return NULL;
}

const struct kind *kinds_find_kind(const struct kinds *ks, const char *group, const char *version,
                                   const char *kind)
{
    for (size_t i = 0; i < ks->all.n; i++)
        if (streq(ks->all.v[i]->res.kind, kind) && same_version(ks->all.v[i], group, version))
            return ks->all.v[i];
    return NULL;
}

bool kinds_has_group(const struct kinds *ks, const char *group)
{
    for (size_t i = 0; i < ks->all.n; i++)
        if (streq(ks->all.v[i]->res.group, group))
            return true;
    return false;
}

bool kinds_has_version(const struct kinds *ks, const char *group, const char *version)
{
    for (size_t i = 0; i < ks->all.n; i++)
        if (same_version(ks->all.v[i], group, version))
            return true;
    return false;
}

bool kinds_is_builtin_group(const char *group)
{
    size_t n;
    const struct kind *builtin = builtin_kinds(&n);

    for (size_t i = 0; i < n; i++)
        if (streq(builtin[i].res.group, group))
            return true;
    return false;
}

const struct kind *const *kinds_all(const struct kinds *ks, size_t *ret_n)
{
    *ret_n = ks->all.n;
    return ks->all.v;
}

uint64_t kinds_generation(const struct kinds *ks)
{
    return ks->generation;
}

void kinds_set_custom(struct kinds *ks, const struct kind *const *custom, size_t n)
{
    ks->all.n = ks->n_builtin;
    for (size_t i = 0; i < n; i++)
        *dyn_push(&ks->all) = custom[i];
    ks->generation++;
}

const struct schema *kind_schema(const struct kind *k)
{
    if (k->schema || kind_custom(k))
        return k->schema;
    return types_find(k->res.group, k->res.version, k->res.kind);
}
