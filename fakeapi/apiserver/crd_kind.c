#include "fakeapi/apiserver/crd.h"

#include "fakeapi/apiserver/builtin/builtin.h"
#include "kube/crd_schema.h"
#include "kube/crd_validate.h"
#include "kube/kcel/rules.h"

/* From a definition to what is served. */

static const char *const *string_list(struct arena *a, const json_t *v)
{
    size_t n = json_array_size(v), i;
    json_t *s;

    if (!n)
        return NULL;
    const char **out = arena_alloc(a, (n + 1) * sizeof(*out));
    json_array_foreach (v, i, s)
        out[i] = arena_strdup(a, json_string_value(s) ? json_string_value(s) : "");
    return out;
}

static const struct subresource *make_subs(struct arena *a, const json_t *spec, size_t *ret_n)
{
    const json_t *subs = json_object_get(spec, "subresources");
    struct subresource *out = arena_alloc(a, 2 * sizeof(*out));

    *ret_n = 0;
    if (json_object_get(subs, "status"))
        out[(*ret_n)++] = (struct subresource){ "status", VERBS_RW, "", "", "", NULL, NULL };
    if (json_object_get(subs, "scale"))
        out[(*ret_n)++] = (struct subresource){ "scale", VERBS_RW, "autoscaling", "v1", "Scale", &custom_scale_view,
                                                NULL };
    return out;
}

static const struct selectable *make_fields(struct arena *a, const json_t *spec, size_t *ret_n)
{
    const json_t *fields = json_object_get(spec, "selectableFields");
    struct selectable *out = arena_alloc(a, (json_array_size(fields) + 1) * sizeof(*out));
    size_t i;
    json_t *f;

    *ret_n = 0;
    json_array_foreach (fields, i, f) {
        const char *path = obj_str(f, "jsonPath");
        out[(*ret_n)++] = (struct selectable){ arena_strdup(a, *path == '.' ? path + 1 : path), NULL, NULL };
    }
    return out;
}

/* GA before beta before alpha, the higher number first, anything else after them by name. */
struct version_rank {
    int class;                         /* 3 GA, 2 beta, 1 alpha, 0 other */
    unsigned long major, minor;
};

static struct version_rank rank_of(const char *v)
{
    struct version_rank r = { 0 };
    char *end;

    if (v[0] != 'v' || v[1] < '1' || v[1] > '9')
        return r;
    r.major = strtoul(v + 1, &end, 10);
    if (!*end) {
        r.class = 3;
        return r;
    }
    const char *word = str_starts(end, "beta") ? "beta" : "alpha";
    if (!str_starts(end, word))
        return r;
    const char *digits = end + strlen(word);
    if (*digits < '1' || *digits > '9')
        return r;
    r.minor = strtoul(digits, &end, 10);
    r.class = *end ? 0 : streq(word, "beta") ? 2 : 1;
    return r;
}

/* < 0: a comes first. */
int compare_versions(const char *a, const char *b)
{
    struct version_rank x = rank_of(a), y = rank_of(b);

    if (x.class != y.class)
        return y.class - x.class;
    if (x.class == 0)
        return strcmp(a, b);
    if (x.major != y.major)
        return x.major < y.major ? 1 : -1;
    return x.minor < y.minor ? 1 : x.minor > y.minor ? -1 : 0;
}

/* The text of the Warning which a deprecated version brings, NULL for none (F-071). */
static const char *deprecation(struct crd *d, const json_t *spec, const json_t *versions, const char *kind)
{
    const char *own = obj_str(spec, "deprecationWarning"), *name = obj_str(spec, "name"), *newer = NULL;
    size_t i;
    json_t *v;

    if (!obj_bool(spec, "deprecated", false))
        return NULL;
    if (json_object_get(spec, "deprecationWarning"))
        return arena_strdup(d->arena, own);
    json_array_foreach (versions, i, v) {
        const char *other = obj_str(v, "name");
        if (!obj_bool(v, "served", false) || obj_bool(v, "deprecated", false) || compare_versions(other, name) >= 0)
            continue;
        if (!newer || compare_versions(other, newer) < 0)
            newer = other;
    }
    const char *text = arena_printf(d->arena, "%s/%s %s is deprecated", d->group, name, kind);
    return newer ? arena_printf(d->arena, "%s; use %s/%s %s", text, d->group, newer, kind) : text;
}

static void make_kind(struct crd *d, const json_t *spec, struct kind *k)
{
    struct arena *a = d->arena;
    const json_t *names = json_path(d->object, "status.acceptedNames");
    bool namespaced = streq(obj_str(d->object, "spec.scope"), "Namespaced");
    const char *version = obj_str(spec, "name");

    *k = (struct kind){
        .res = { d->group, arena_strdup(a, version), arena_strdup(a, obj_str(names, "kind")),
                 arena_strdup(a, obj_str(names, "plural")), namespaced },
        .singular = arena_strdup(a, obj_str(names, "singular")),
        .list_kind = arena_strdup(a, obj_str(names, "listKind")),
        .short_names = string_list(a, json_object_get(names, "shortNames")),
        .categories = string_list(a, json_object_get(names, "categories")),
        .verbs = d->terminating ? VERBS_ALL & ~(VERB_CREATE | VERB_PATCH | VERB_UPDATE) : VERBS_ALL,
        .flags = KIND_GENERATION, .ops = &custom_ops, .crd = d,
        .deprecation = deprecation(d, spec, json_path(d->object, "spec.versions"), obj_str(names, "kind")),
    };
    k->store_prefix = arena_printf(a, "/registry/%s/%s/", k->res.group, k->res.plural);
    k->subs = make_subs(a, spec, &k->n_subs);
    k->schema = crd_schema_parse(a, json_path(spec, "schema.openAPIV3Schema"));
    k->fields = make_fields(a, spec, &k->n_fields);
    if (!streq(version, d->storage_version))
        k->store_version = arena_printf(a, "%s/%s", d->group, d->storage_version);
}

const json_t *custom_version_spec(const struct kind *k)
{
    return k->crd->version_specs[k - k->crd->kinds];
}

/* Compiling takes longer than all the rest: of versions nobody writes it is never done. */
const struct crd_compiled *custom_compiled(struct apiserver *s, const struct kind *k)
{
    struct crd_compiled *c = &k->crd->compiled[k - k->crd->kinds];
    const json_t *schema = json_path(custom_version_spec(k), "schema.openAPIV3Schema");

    if (!c->done) {
        c->validator = crd_validator_new(schema);
        if (crd_validator_has_rules(c->validator))
            c->rules = kcel_rules_new(server_cel(s), schema, true);
        c->done = true;
    }
    return c;
}

static int by_version(const void *a, const void *b)
{
    return compare_versions(obj_str(*(json_t *const *)a, "name"), obj_str(*(json_t *const *)b, "name"));
}

static bool has_condition(const json_t *object, const char *type)
{
    return obj_condition_true(object, type);
}

struct crd *crd_new(const json_t *object)
{
    struct crd *d = xcalloc(1, sizeof(*d));
    const json_t *versions = json_path(object, "spec.versions");
    size_t n = json_array_size(versions), i;
    json_t *v;

    d->refs = 1;
    d->arena = arena_new();
    d->object = json_incref((json_t *)object);
    d->name = arena_strdup(d->arena, obj_name(object));
    d->group = arena_strdup(d->arena, obj_str(object, "spec.group"));
    d->terminating = has_condition(object, "Terminating");
    d->storage_version = "";
    const json_t **specs = arena_alloc(d->arena, (n + 1) * sizeof(*specs));
    d->kinds = arena_alloc(d->arena, (n + 1) * sizeof(*d->kinds));
    json_array_foreach (versions, i, v) {
        if (obj_bool(v, "storage", false))
            d->storage_version = arena_strdup(d->arena, obj_str(v, "name"));
        if (obj_bool(v, "served", false))
            specs[d->n_kinds++] = v;
    }
    qsort(specs, d->n_kinds, sizeof(*specs), by_version);
    d->n_all = d->n_kinds;
    json_array_foreach (versions, i, v)
        if (!obj_bool(v, "served", false))
            specs[d->n_all++] = v;
    d->version_specs = specs;
    d->compiled = arena_alloc(d->arena, (n + 1) * sizeof(*d->compiled));
    for (i = 0; i < d->n_all; i++)
        make_kind(d, specs[i], &d->kinds[i]);
    return d;
}

const struct kind *crd_version(const struct crd *d, const char *api_version)
{
    char text[API_VERSION_MAX];

    for (size_t i = 0; i < d->n_all; i++)
        if (streq(kind_api_version(&d->kinds[i], text), api_version))
            return &d->kinds[i];
    return NULL;
}

struct crd *crd_ref(struct crd *d)
{
    d->refs++;
    return d;
}

void crd_unref(struct crd *d)
{
    if (!d || --d->refs)
        return;
    for (size_t i = 0; i < d->n_kinds; i++) {
        crd_validator_free(d->compiled[i].validator);
        kcel_rules_free(d->compiled[i].rules);
    }
    json_decref((json_t *)d->object);
    arena_free(d->arena);
    free(d);
}

void kind_hold(const struct kind *k)
{
    if (k && k->crd)
        crd_ref(k->crd);
}

void kind_release(const struct kind *k)
{
    if (k && k->crd)
        crd_unref(k->crd);
}
