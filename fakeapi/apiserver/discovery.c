#include "fakeapi/apiserver/server.h"

#include "fakeapi/apiserver/base64.h"
#include "net/digest.h"

/* What is served, as clients ask for it: the old documents group by group, and the aggregated one (A.1). */

struct verb_name {
    unsigned verb;
    const char *name;
};
/* Built-in kinds list their verbs by name, custom ones in the order of their handler. */
static const struct verb_name builtin_order[] = {
    { VERB_CREATE, "create" }, { VERB_DELETE, "delete" }, { VERB_DELETECOLLECTION, "deletecollection" },
    { VERB_GET, "get" }, { VERB_LIST, "list" }, { VERB_PATCH, "patch" }, { VERB_UPDATE, "update" },
    { VERB_WATCH, "watch" }
};
static const struct verb_name custom_order[] = {
    { VERB_DELETE, "delete" }, { VERB_DELETECOLLECTION, "deletecollection" }, { VERB_GET, "get" },
    { VERB_LIST, "list" }, { VERB_PATCH, "patch" }, { VERB_CREATE, "create" }, { VERB_UPDATE, "update" },
    { VERB_WATCH, "watch" }
};

static json_t *verb_list(const struct kind *k, unsigned verbs)
{
    const struct verb_name *order = kind_custom(k) ? custom_order : builtin_order;
    json_t *out = json_array();

    for (size_t i = 0; i < ARRAY_SIZE(builtin_order); i++)
        if (verbs & order[i].verb)
            json_array_append_new(out, json_string(order[i].name));
    return out;
}

static json_t *strings(const char *const *v)
{
    json_t *out = json_array();

    for (; *v; v++)
        json_array_append_new(out, json_string(*v));
    return out;
}

static void add_strings(json_t *obj, const char *key, const char *const *v)
{
    if (v && v[0])
        json_object_set_new(obj, key, strings(v));
}

/* ---- one group version -------------------------------------------------------------------------- */

/* The real server keeps some kinds in a version that it no longer serves, or not by default. */
static const char *older_version(const struct kind *k)
{
    static const struct { const char *group, *kind, *version; } rows[] = {
        { "apiextensions.k8s.io", "CustomResourceDefinition", "apiextensions.k8s.io/v1beta1" },
        { "storage.k8s.io", "VolumeAttributesClass", "storage.k8s.io/v1beta1" },
        { "resource.k8s.io", NULL, "resource.k8s.io/v1beta2" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows) && !kind_custom(k); i++)
        if (streq(k->res.group, rows[i].group) && (!rows[i].kind || streq(k->res.kind, rows[i].kind)))
            return rows[i].version;
    return NULL;
}

static json_t *storage_hash(const struct kind *k)
{
    cleanup_arena struct arena *a = arena_new();
    char stored[API_VERSION_MAX];
    unsigned char sum[32];
    const char *older = older_version(k);
    const char *version = older ? older : k->store_version ? k->store_version : kind_api_version(k, stored);
    const char *text = arena_printf(a, strchr(version, '/') ? "%s/%s" : "/%s/%s", version, k->res.kind);
    digest_sha256(text, strlen(text), sum);
    return json_string(base64std_encode(a, sum, 8));
}

static json_t *api_resource(const struct kind *k)
{
    json_t *r = json_object();

    json_object_set_new(r, "name", json_string(k->res.plural));
    json_object_set_new(r, "singularName", json_string(k->singular));
    json_object_set_new(r, "namespaced", json_boolean(k->res.namespaced));
    json_object_set_new(r, "kind", json_string(k->res.kind));
    json_object_set_new(r, "verbs", verb_list(k, k->verbs));
    add_strings(r, "shortNames", k->short_names);
    add_strings(r, "categories", k->categories);
    if (!(k->flags & KIND_REVIEW) && (k->verbs & VERB_CREATE))
        json_object_set_new(r, "storageVersionHash", storage_hash(k));
    return r;
}

static json_t *api_subresource(const struct kind *k, const struct subresource *s)
{
    json_t *r = json_object();

    json_object_set_new(r, "name", json_sprintf("%s/%s", k->res.plural, s->name));
    json_object_set_new(r, "singularName", json_string(""));
    json_object_set_new(r, "namespaced", json_boolean(k->res.namespaced));
    if (*s->version) {
        json_object_set_new(r, "group", json_string(s->group));
        json_object_set_new(r, "version", json_string(s->version));
    }
    json_object_set_new(r, "kind", json_string(*s->kind ? s->kind : k->res.kind));
    json_object_set_new(r, "verbs", verb_list(k, s->verbs));
    return r;
}

json_t *discovery_resources(struct apiserver *s, const char *group, const char *version)
{
    json_t *doc = json_object(), *resources = json_array();
    size_t n;
    const struct kind *const *all = kinds_all(s->kinds, &n);

    for (size_t i = 0; i < n; i++) {
        const struct kind *k = all[i];
        if (!streq(k->res.group, group) || !streq(k->res.version, version))
            continue;
        json_array_append_new(resources, api_resource(k));
        for (size_t j = 0; j < k->n_subs; j++)
            json_array_append_new(resources, api_subresource(k, &k->subs[j]));
    }
    json_object_set_new(doc, "kind", json_string("APIResourceList"));
    if (*group)
        json_object_set_new(doc, "apiVersion", json_string("v1"));
    json_object_set_new(doc, "groupVersion", *group ? json_sprintf("%s/%s", group, version) : json_string(version));
    json_object_set_new(doc, "resources", resources);
    return doc;
}

/* ---- groups ------------------------------------------------------------------------------------- */

static json_t *version_entry(const struct kind *k)
{
    json_t *v = json_object();
    char text[API_VERSION_MAX];

    json_object_set_new(v, "groupVersion", json_string(kind_api_version(k, text)));
    json_object_set_new(v, "version", json_string(k->res.version));
    return v;
}

/* The kinds of one group stand together, its versions likewise. */
static size_t group_end(const struct kind *const *all, size_t n, size_t i)
{
    const char *group = all[i]->res.group;

    while (i < n && streq(all[i]->res.group, group))
        i++;
    return i;
}

static size_t version_end(const struct kind *const *all, size_t n, size_t i)
{
    const struct kind *k = all[i];

    while (i < n && streq(all[i]->res.group, k->res.group) && streq(all[i]->res.version, k->res.version))
        i++;
    return i;
}

static json_t *group_entry(const struct kind *const *all, size_t from, size_t to)
{
    json_t *g = json_object(), *versions = json_array();

    for (size_t i = from; i < to; i = version_end(all, to, i))
        json_array_append_new(versions, version_entry(all[i]));
    json_object_set_new(g, "name", json_string(all[from]->res.group));
    json_object_set_new(g, "versions", versions);
    json_object_set_new(g, "preferredVersion", version_entry(all[from]));
    return g;
}

json_t *discovery_group_list(struct apiserver *s)
{
    json_t *doc = json_object(), *groups = json_array();
    size_t n;
    const struct kind *const *all = kinds_all(s->kinds, &n);

    for (size_t i = 0; i < n;) {
        size_t end = group_end(all, n, i);
        if (*all[i]->res.group)
            json_array_append_new(groups, group_entry(all, i, end));
        i = end;
    }
    json_object_set_new(doc, "kind", json_string("APIGroupList"));
    json_object_set_new(doc, "apiVersion", json_string("v1"));
    json_object_set_new(doc, "groups", groups);
    return doc;
}

json_t *discovery_group(struct apiserver *s, const char *group)
{
    size_t n;
    const struct kind *const *all = kinds_all(s->kinds, &n);

    for (size_t i = 0; i < n; i++) {
        if (!streq(all[i]->res.group, group))
            continue;
        json_auto_t *entry = group_entry(all, i, group_end(all, n, i));
        json_t *doc = json_object();
        json_object_set_new(doc, "kind", json_string("APIGroup"));
        json_object_set_new(doc, "apiVersion", json_string("v1"));
        json_object_update(doc, entry);
        return doc;
    }
    return NULL;
}

/* ---- all at once -------------------------------------------------------------------------------- */

static json_t *response_kind(const char *group, const char *version, const char *kind)
{
    json_t *r = json_object();

    json_object_set_new(r, "group", json_string(group));
    json_object_set_new(r, "version", json_string(version));
    json_object_set_new(r, "kind", json_string(kind));
    return r;
}

static json_t *own_response_kind(const struct kind *k)
{
    return kind_custom(k) ? response_kind(k->res.group, k->res.version, k->res.kind)
                          : response_kind("", "", k->res.kind);
}

static json_t *aggregated_resource(const struct kind *k)
{
    json_t *r = json_object(), *subs = json_array();

    json_object_set_new(r, "resource", json_string(k->res.plural));
    json_object_set_new(r, "responseKind", own_response_kind(k));
    json_object_set_new(r, "scope", json_string(k->res.namespaced ? "Namespaced" : "Cluster"));
    json_object_set_new(r, "singularResource", json_string(k->singular));
    json_object_set_new(r, "verbs", verb_list(k, k->verbs));
    add_strings(r, "shortNames", k->short_names);
    add_strings(r, "categories", k->categories);
    for (size_t i = 0; i < k->n_subs; i++) {
        const struct subresource *s = &k->subs[i];
        json_t *e = json_object();
        json_object_set_new(e, "subresource", json_string(s->name));
        json_object_set_new(e, "responseKind", *s->kind ? response_kind(s->group, s->version, s->kind)
                                                        : own_response_kind(k));
        json_object_set_new(e, "verbs", verb_list(k, s->verbs));
        json_array_append_new(subs, e);
    }
    if (json_array_size(subs))
        json_object_set_new(r, "subresources", subs);
    else
        json_decref(subs);
    return r;
}

static json_t *aggregated_group(const struct kind *const *all, size_t from, size_t to)
{
    json_t *item = json_object(), *meta = json_object(), *versions = json_array();

    if (*all[from]->res.group)
        json_object_set_new(meta, "name", json_string(all[from]->res.group));
    for (size_t i = from; i < to;) {
        size_t end = version_end(all, to, i);
        json_t *v = json_object(), *resources = json_array();
        json_object_set_new(v, "version", json_string(all[i]->res.version));
        for (; i < end; i++)
            json_array_append_new(resources, aggregated_resource(all[i]));
        json_object_set_new(v, "resources", resources);
        json_object_set_new(v, "freshness", json_string("Current"));
        json_array_append_new(versions, v);
    }
    json_object_set_new(item, "metadata", meta);
    json_object_set_new(item, "versions", versions);
    return item;
}

json_t *discovery_aggregated(struct apiserver *s, bool core)
{
    json_t *doc = json_object(), *items = json_array();
    size_t n;
    const struct kind *const *all = kinds_all(s->kinds, &n);

    for (size_t i = 0; i < n;) {
        size_t end = group_end(all, n, i);
        if (core == !*all[i]->res.group)
            json_array_append_new(items, aggregated_group(all, i, end));
        i = end;
    }
    json_object_set_new(doc, "kind", json_string("APIGroupDiscoveryList"));
    json_object_set_new(doc, "apiVersion", json_string("apidiscovery.k8s.io/v2"));
    json_object_set_new(doc, "metadata", json_object());
    json_object_set_new(doc, "items", items);
    return doc;
}
