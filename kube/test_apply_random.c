/* The laws of server-side apply on random structural schemas and random histories (E-110 to E-142), against a model
 * that is a flat list of leaves:
 *   what a manager owns is what it last applied, less what others took from it;
 *   the object is the union of what all own, each leaf with the value of who wrote it last;
 *   what an applier drops goes, where nobody else owns it; applying twice changes nothing;
 *   without force, a leaf that another owns with another value is a conflict, and nothing changes;
 *   appliers with nothing in common may come in any order.
 * An apply that breaks one of them must be caught. What fails is made small. */
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "kube/apply.h"
#include "kube/crd_schema.h"
#include "kube/json.h"
#include "kube/object.h"

#define SEEDS 150
#define LIAR_SEEDS 150
#define STEPS 12
#define MANAGERS 4
#define UPDATER 3                      /* the last manager updates, the others apply */
#define BUSY_NAMES 3                   /* few names, so that managers meet */

static const char *const managers[MANAGERS] = { "a", "b", "c", "u" };

static uint32_t dice(uint64_t *s, uint32_t n)
{
    *s = *s * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*s >> 33) % n;
}

/* ---- random schemas -------------------------------------------------------------------------------- */

static json_t *some_struct(uint64_t *s, unsigned depth);

static json_t *some_scalar(uint64_t *s)
{
    return json_pack("{s:s}", "type", dice(s, 2) ? "string" : "integer");
}

static json_t *some_list_map(uint64_t *s, unsigned depth)
{
    json_t *element = some_struct(s, depth), *keys = json_pack("[s]", "name");
    json_t *properties = json_object_get(element, "properties");

    json_object_set_new(properties, "name", json_pack("{s:s}", "type", "string"));
    if (dice(s, 2)) {
        json_object_set_new(properties, "port", json_pack("{s:s}", "type", "integer"));
        json_array_append_new(keys, json_string("port"));
    }
    json_object_set(element, "required", keys);
    return json_pack("{s:s, s:s, s:o, s:o}", "type", "array", "x-kubernetes-list-type", "map",
                     "x-kubernetes-list-map-keys", keys, "items", element);
}

static json_t *some_schema(uint64_t *s, unsigned depth)
{
    switch (dice(s, depth ? 9 : 5)) {
    case 0:
    case 1:
        return some_scalar(s);
    case 2:
        return json_pack("{s:s, s:s, s:o}", "type", "array", "x-kubernetes-list-type", "atomic", "items",
                         some_scalar(s));
    case 3:
        return json_pack("{s:s, s:s, s:{s:s}}", "type", "array", "x-kubernetes-list-type", "set", "items", "type",
                         "string");
    case 4:
        return json_pack("{s:s, s:s, s:o}", "type", "object", "x-kubernetes-map-type", "atomic",
                         "additionalProperties", some_scalar(s));
    case 5:
        return json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
                         dice(s, 2) ? some_scalar(s) : some_struct(s, depth - 1));
    case 6:
        return some_struct(s, depth - 1);
    default:
        return some_list_map(s, depth - 1);
    }
}

static json_t *some_struct(uint64_t *s, unsigned depth)
{
    json_t *properties = json_object();
    uint32_t n = 1 + dice(s, 3);
    char name[16];

    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "f%u", i);
        json_object_set_new(properties, name, some_schema(s, depth));
    }
    return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}

static json_t *some_definition(uint64_t seed)
{
    uint64_t s = seed;
    json_t *spec = some_struct(&s, 3);

    json_object_set_new(json_object_get(spec, "properties"), "all", json_pack("{s:s}", "type", "string"));
    return json_pack("{s:s, s:{s:o}}", "type", "object", "properties", "spec", spec);
}

/* ---- random configurations, without empty maps and lists --------------------------------------------- */

enum share { ALL, ODD, EVEN };         /* two shares have no leaf in common */

static json_t *some_value(uint64_t *s, const json_t *schema, enum share share, unsigned turn);

static const char *name_of(char *name, uint64_t *s, enum share share)
{
    sprintf(name, "n%u%s", dice(s, BUSY_NAMES), share == ODD ? "x" : share == EVEN ? "y" : "");
    return name;
}

static json_t *scalar_value(uint64_t *s, const json_t *schema, enum share share)
{
    char name[8];

    if (streq(obj_str(schema, "type"), "integer"))
        return json_integer(dice(s, 3));
    return json_string(name_of(name, s, share));
}

static json_t *list_value(uint64_t *s, const json_t *schema, enum share share)
{
    const char *type = obj_str(schema, "x-kubernetes-list-type");
    const json_t *keys = json_object_get(schema, "x-kubernetes-list-map-keys");
    json_auto_t *seen = json_object();
    json_t *list = json_array();

    for (uint32_t n = 1 + dice(s, 3); n > 0; n--) {
        const json_t *items = json_object_get(schema, "items");
        json_t *v = json_is_object(json_object_get(items, "properties")) ? some_value(s, items, share, 0)
                                                                         : scalar_value(s, items, share);
        char name[8];
        if (keys)
            json_object_set_new(v, "name", json_string(name_of(name, s, share)));
        if (json_array_size(keys) > 1)
            json_object_set_new(v, "port", json_integer(dice(s, 2)));
        json_auto_t *id = keys ? json_pack("[O, O*]", json_object_get(v, "name"), json_array_size(keys) > 1
                                           ? json_object_get(v, "port") : NULL) : json_incref(v);
        cleanup_free char *text = json_text(id, 0);
        if (!streq(type, "atomic") && json_object_get(seen, text)) {
            json_decref(v);
            continue;
        }
        json_object_set_new(seen, text, json_true());
        json_array_append_new(list, v);
    }
    return list;
}

static json_t *map_value(uint64_t *s, const json_t *schema, enum share share)
{
    json_t *map = json_object();

    for (uint32_t n = 1 + dice(s, 2); n > 0; n--) {
        char name[8];
        name_of(name, s, share);
        json_object_set_new(map, name, some_value(s, json_object_get(schema, "additionalProperties"), share, 0));
    }
    return map;
}

static bool shared_out(const json_t *schema, enum share share, unsigned turn)
{
    bool atom = !json_object_get(schema, "properties") && !json_object_get(schema, "additionalProperties")
        && !json_object_get(schema, "x-kubernetes-list-map-keys")
        && !streq(obj_str(schema, "x-kubernetes-list-type"), "set");

    atom = atom || streq(obj_str(schema, "x-kubernetes-map-type"), "atomic");
    return share != ALL && atom && turn % 2 != (share == ODD);
}

/* NULL where this share has nothing to say. */
static json_t *struct_value(uint64_t *s, const json_t *schema, enum share share)
{
    json_t *map = json_object(), *field;
    const char *name;
    unsigned turn = 0;

    json_object_foreach (json_object_get(schema, "properties"), name, field) {
        if (shared_out(field, share, turn++) || dice(s, 3) == 0 || streq(name, "name") || streq(name, "port"))
            continue;
        json_t *v = some_value(s, field, share, turn);
        if (v)
            json_object_set_new(map, name, v);
    }
    return map;
}

static json_t *some_value(uint64_t *s, const json_t *schema, enum share share, unsigned turn)
{
    if (json_object_get(schema, "properties")) {
        json_t *v = struct_value(s, schema, share);
        return json_object_size(v) || turn == 0 ? v : (json_decref(v), NULL);
    }
    if (json_object_get(schema, "additionalProperties"))
        return map_value(s, schema, share);
    return json_object_get(schema, "items") ? list_value(s, schema, share) : scalar_value(s, schema, share);
}

/* Empty maps are not said: what becomes of them depends on how they got empty. */
static json_t *without_empty(json_t *v)
{
    const char *key;
    void *next;
    json_t *x;
    size_t i;

    json_object_foreach_safe (v, next, key, x) {
        json_auto_t *kept = without_empty(json_incref(x));
        if (!kept)
            json_object_del(v, key);
    }
    json_array_foreach (v, i, x)
        json_decref(without_empty(json_incref(x)));
    if ((json_is_object(v) && !json_object_size(v)) || (json_is_array(v) && !json_array_size(v)) || json_is_null(v)) {
        json_decref(v);
        return NULL;
    }
    return v;
}

static json_t *some_config(const json_t *definition, uint64_t seed, enum share share)
{
    uint64_t s = seed;
    json_t *spec = without_empty(some_value(&s, json_path(definition, "properties.spec"), share, 0));
    json_t *config = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "example.com/v1", "kind", "Thing", "metadata",
                               "name", "x");

    /* All say one thing alike: an object that nobody owns anything of is another story (E-130). */
    if (!spec)
        spec = json_object();
    json_object_set_new(spec, "all", json_string("alike"));
    json_object_set_new(config, "spec", spec);
    return config;
}

/* ---- leaves ---------------------------------------------------------------------------------------------- */

struct leaf {
    char *path;                        /* "/f:spec/f:f0/k:{\"name\":\"n1\"}" */
    json_t *value;                     /* NULL: being there is all it says (an element) */
    unsigned owners;                   /* a bit each */
};

struct leaves {
    DYN(struct leaf) list;
};

static void leaves_release(struct leaves *l)
{
    for (size_t i = 0; i < l->list.n; i++) {
        free(l->list.v[i].path);
        json_decref(l->list.v[i].value);
    }
    dyn_release(&l->list);
}

static struct leaf *leaf_find(const struct leaves *l, const char *path)
{
    for (size_t i = 0; i < l->list.n; i++)
        if (streq(l->list.v[i].path, path))
            return &l->list.v[i];
    return NULL;
}

static void leaf_add(struct leaves *l, const char *path, const json_t *value)
{
    *dyn_push(&l->list) = (struct leaf){ .path = xstrdup(path), .value = json_incref((json_t *)value) };
}

static void flatten(struct leaves *l, const char *path, const json_t *schema, const json_t *v);

static void flatten_element(struct leaves *l, const char *path, const json_t *schema, const json_t *v)
{
    const json_t *keys = json_object_get(schema, "x-kubernetes-list-map-keys");
    json_auto_t *key = keys ? json_object() : json_incref((json_t *)v);
    size_t i;
    json_t *k;

    json_array_foreach (keys, i, k)
        json_object_set(key, json_string_value(k), json_object_get(v, json_string_value(k)));
    cleanup_free char *text = json_text(key, JSON_WRITE_SORTED);
    cleanup_free char *at = xasprintf("%s/%s:%s", path, keys ? "k" : "v", text);
    leaf_add(l, at, NULL);
    if (keys)
        flatten(l, at, json_object_get(schema, "items"), v);
}

static void flatten(struct leaves *l, const char *path, const json_t *schema, const json_t *v)
{
    const char *list = obj_str(schema, "x-kubernetes-list-type"), *key;
    json_t *x;
    size_t i;

    if (json_is_array(v) && !streq(list, "atomic")) {
        json_array_foreach (v, i, x)
            flatten_element(l, path, schema, x);
        return;
    }
    if (!json_is_object(v) || streq(obj_str(schema, "x-kubernetes-map-type"), "atomic")) {
        if (v && !json_is_null(v))
            leaf_add(l, path, v);
        return;
    }
    json_object_foreach ((json_t *)v, key, x) {
        const json_t *member = json_object_get(json_object_get(schema, "properties"), key);
        cleanup_free char *at = xasprintf("%s/f:%s", path, key);
        flatten(l, at, member ? member : json_object_get(schema, "additionalProperties"), x);
        if (!member && !leaf_find(l, at))
            leaf_add(l, at, NULL);     /* an entry of a map is owned as such, too; emptied it is null */
    }
}

static void flatten_object(struct leaves *l, const json_t *definition, const json_t *object)
{
    *l = (struct leaves){ 0 };
    if (json_object_get(object, "spec"))
        flatten(l, "/f:spec", json_path(definition, "properties.spec"), json_object_get(object, "spec"));
}

/* The members of fieldsV1. */
static void flatten_owned(struct leaves *l, const char *path, const json_t *fields)
{
    const char *key;
    json_t *x;

    json_object_foreach ((json_t *)fields, key, x) {
        cleanup_free char *at = xasprintf("%s/%s", path, key);
        if (streq(key, "."))
            continue;
        if (!json_object_size(x) || json_object_get(x, "."))
            leaf_add(l, at, NULL);
        flatten_owned(l, at, x);
    }
}

/* ---- the model -------------------------------------------------------------------------------------------- */

static bool same_value(const json_t *a, const json_t *b)
{
    return (!a && !b) || (a && b && json_same(a, b));
}

static size_t model_conflicts(const struct leaves *model, const struct leaves *config, unsigned who)
{
    size_t n = 0;

    for (size_t i = 0; i < config->list.n; i++) {
        const struct leaf *have = leaf_find(model, config->list.v[i].path);
        if (have && !same_value(have->value, config->list.v[i].value))
            n += (size_t)__builtin_popcount(have->owners & ~who);        /* one a manager */
    }
    return n;
}

/* Nobody owns it, or the element or entry that it is in: it goes. What somebody else has in a dropped element goes
 * with it, as he does not own the element. */
static bool dead(const struct leaves *model, const struct leaf *l)
{
    if (!l->owners)
        return true;
    for (size_t i = 0; i < model->list.n; i++) {
        const struct leaf *over = &model->list.v[i];
        size_t len = strlen(over->path);
        if (!over->owners && !over->value && strncmp(l->path, over->path, len) == 0 && l->path[len] == '/')
            return true;
    }
    return false;
}

static void model_sweep(struct leaves *model)
{
    struct leaves kept = { 0 };

    for (size_t i = 0; i < model->list.n; i++) {
        struct leaf *l = &model->list.v[i];
        if (dead(model, l))
            continue;
        leaf_add(&kept, l->path, l->value);
        kept.list.v[kept.list.n - 1].owners = l->owners;
    }
    leaves_release(model);
    *model = kept;
}

static void model_apply(struct leaves *model, const struct leaves *config, unsigned who)
{
    for (size_t i = 0; i < model->list.n; i++)
        if (!leaf_find(config, model->list.v[i].path))
            model->list.v[i].owners &= ~who;
    for (size_t i = 0; i < config->list.n; i++) {
        const struct leaf *c = &config->list.v[i];
        struct leaf *have = leaf_find(model, c->path);
        if (!have) {
            leaf_add(model, c->path, c->value);
            have = &model->list.v[model->list.n - 1];
        }
        have->owners = same_value(have->value, c->value) ? have->owners | who : who;
        json_decref(have->value);
        have->value = json_incref(c->value);
    }
    model_sweep(model);
}

/* ---- what is tried: the real apply, or one that lies --------------------------------------------------------- */

typedef int apply_fn(const struct apply_write *w, const json_t *live, bool is_new, const json_t *config, bool force,
                     json_t **ret, struct apierr *err);

static int forces_always(const struct apply_write *w, const json_t *live, bool is_new, const json_t *config,
                         bool force, json_t **ret, struct apierr *err)
{
    return apply_merge(w, live, is_new, config, true, ret, err);
}

static int never_forces(const struct apply_write *w, const json_t *live, bool is_new, const json_t *config, bool force,
                        json_t **ret, struct apierr *err)
{
    return apply_merge(w, live, is_new, config, false, ret, err);
}

static int always_writes(const struct apply_write *w, const json_t *live, bool is_new, const json_t *config,
                         bool force, json_t **ret, struct apierr *err)
{
    int r = apply_merge(w, live, is_new, config, force, ret, err);

    if (r == 0 && !*ret)
        *ret = json_with(live, "metadata.generation", json_integer(2));
    return r;
}

/* Members of `under` that `over` has not, at any depth of maps. */
static json_t *laid_over(const json_t *under, const json_t *over)
{
    json_t *out = json_copy((json_t *)over), *x;
    const char *key;

    json_object_foreach ((json_t *)under, key, x) {
        const json_t *have = json_object_get(over, key);
        if (!have || json_is_null(have))
            json_object_set(out, key, x);
        else if (json_is_object(x) && json_is_object(have))
            json_object_set_new(out, key, laid_over(x, have));
    }
    return out;
}

static int keeps_what_was_dropped(const struct apply_write *w, const json_t *live, bool is_new, const json_t *config,
                                  bool force, json_t **ret, struct apierr *err)
{
    int r = apply_merge(w, live, is_new, config, force, ret, err);
    const json_t *before = json_object_get(live, "spec"), *after = json_object_get(*ret, "spec");

    if (r == 0 && *ret && before && after) {
        json_t *next = json_with(*ret, "spec", laid_over(before, after));
        json_decref(*ret);
        *ret = next;
    }
    return r;
}

/* What others have is gone with every apply. */
static int replaces_all(const struct apply_write *w, const json_t *live, bool is_new, const json_t *config,
                        bool force, json_t **ret, struct apierr *err)
{
    int r = apply_merge(w, live, is_new, config, force, ret, err);

    if (r == 0 && *ret && json_object_get(config, "spec")) {
        json_t *next = json_with(*ret, "spec", json_incref(json_object_get(config, "spec")));
        json_decref(*ret);
        *ret = next;
    }
    return r;
}

/* A manager that once owned something owns it for ever. */
static int never_disowns(const struct apply_write *w, const json_t *live, bool is_new, const json_t *config,
                         bool force, json_t **ret, struct apierr *err)
{
    int r = apply_merge(w, live, is_new, config, force, ret, err);
    const json_t *before = json_path(live, "metadata.managedFields");

    if (r == 0 && *ret && json_array_size(before) == json_array_size(json_path(*ret, "metadata.managedFields"))) {
        json_t *next = json_with(*ret, "metadata.managedFields", json_incref((json_t *)before));
        json_decref(*ret);
        *ret = next;
    }
    return r;
}

/* ---- histories --------------------------------------------------------------------------------------------------- */

struct step {
    uint32_t who;
    bool force;
    uint64_t seed;
};

struct run {
    struct arena *arena;
    const json_t *definition;
    const struct schema *schema;
    apply_fn *apply;
    json_t *live;
    struct leaves model;
    bool is_new;
    char *why;
};

PRINTF(2, 3)
static void wrong(struct run *r, const char *fmt, ...)
{
    va_list args;

    if (r->why)
        return;
    va_start(args, fmt);
    r->why = xvasprintf(fmt, args);
    va_end(args);
}

static struct apply_write write_by(const struct run *r, const char *manager)
{
    return (struct apply_write){ .arena = r->arena, .schema = r->schema, .manager = manager,
                                 .api_version = "example.com/v1", .subresource = "", .now = "2025-01-01T00:00:00Z" };
}

static const json_t *owned_by(const json_t *object, const char *manager)
{
    size_t i;
    json_t *e;

    json_array_foreach (json_path(object, "metadata.managedFields"), i, e)
        if (streq(obj_str(e, "manager"), manager))
            return json_object_get(e, "fieldsV1");
    return NULL;
}

static void check_owner(struct run *r, unsigned m)
{
    struct leaves owned = { 0 };

    flatten_owned(&owned, "", owned_by(r->live, managers[m]));
    for (size_t i = 0; i < r->model.list.n; i++)
        if ((r->model.list.v[i].owners & 1u << m) && !leaf_find(&owned, r->model.list.v[i].path))
            wrong(r, "%s does not own %s", managers[m], r->model.list.v[i].path);
    for (size_t i = 0; i < owned.list.n; i++) {
        const struct leaf *have = leaf_find(&r->model, owned.list.v[i].path);
        if (!have || !(have->owners & 1u << m))
            wrong(r, "%s owns %s", managers[m], owned.list.v[i].path);
    }
    leaves_release(&owned);
}

static void check_state(struct run *r)
{
    struct leaves live;

    flatten_object(&live, r->definition, r->live);
    for (size_t i = 0; i < r->model.list.n; i++) {
        const struct leaf *want = &r->model.list.v[i], *have = leaf_find(&live, want->path);
        if (!have)
            wrong(r, "%s is not there", want->path);
        else if (!same_value(have->value, want->value))
            wrong(r, "%s has another value", want->path);
    }
    for (size_t i = 0; i < live.list.n; i++)
        if (!leaf_find(&r->model, live.list.v[i].path))
            wrong(r, "%s is still there", live.list.v[i].path);
    leaves_release(&live);
}

static void check_all(struct run *r)
{
    check_state(r);
    for (unsigned m = 0; m < MANAGERS; m++)
        check_owner(r, m);
}

static void apply_once(struct run *r, unsigned m, const json_t *config, bool force)
{
    struct apply_write w = write_by(r, managers[m]);
    struct apierr err = APIERR_IN(r->arena);
    struct leaves leaves;
    json_t *next = NULL;

    flatten_object(&leaves, r->definition, config);
    size_t conflicts = force ? 0 : model_conflicts(&r->model, &leaves, 1u << m);
    int result = r->apply(&w, r->live, r->is_new, config, force, &next, &err);
    if (result != (conflicts ? -APIERR_CONFLICT : 0))
        wrong(r, "%s applies with %d (%s), and there are %zu conflicts", managers[m], result,
              err.message ? err.message : "", conflicts);
    else if (conflicts && err.n_causes != conflicts)
        wrong(r, "%zu conflicts instead of %zu: %s", err.n_causes, conflicts, err.message);
    if (result == 0)
        model_apply(&r->model, &leaves, 1u << m);
    leaves_release(&leaves);
    if (next) {
        json_decref(r->live);
        r->live = next;
        r->is_new = false;
    }
    next = NULL;
    check_all(r);
    if (result == 0 && !r->why) {
        result = r->apply(&w, r->live, r->is_new, config, force, &next, &err);
        if (result < 0 || (next && !apply_same_but_times(next, r->live)))
            wrong(r, "%s applies the same again, and something changes", managers[m]);
        json_decref(next);
    }
}

/* Somebody changes one value without asking. */
static void update_once(struct run *r, uint64_t seed)
{
    struct apply_write w = write_by(r, managers[UPDATER]);
    json_auto_t *config = NULL;
    struct leaves leaves;

    /* Another configuration's value for a leaf that is there: of the right type. */
    config = some_config(r->definition, seed, ALL);
    flatten_object(&leaves, r->definition, config);
    for (size_t i = 0; i < leaves.list.n; i++) {
        const struct leaf *c = &leaves.list.v[i];
        struct leaf *have = leaf_find(&r->model, c->path);
        /* Fields of structs alone can be reached by a plain path. */
        if (!have || !c->value || same_value(have->value, c->value) || strstr(c->path, "/k:") || strstr(c->path, "/v:"))
            continue;
        cleanup_buf struct buf path = BUF_INIT;
        for (const char *p = c->path; *p; p++)
            if (strncmp(p, "/f:", 3) == 0) {
                buf_add_str(&path, path.len ? "." : "");
                p += 2;
            } else {
                buf_add_char(&path, *p);
            }
        json_auto_t *next = json_with(r->live, path.data, json_incref(c->value));
        json_t *got = apply_update(&w, r->live, next);
        json_decref(r->live);
        r->live = got;
        json_decref(have->value);
        have->value = json_incref(c->value);
        have->owners = 1u << UPDATER;
        break;
    }
    leaves_release(&leaves);
    model_sweep(&r->model);
    check_all(r);
}

static void run_begin(struct run *r, struct arena *a, const json_t *definition, apply_fn *apply)
{
    *r = (struct run){ .arena = a, .definition = definition, .apply = apply, .is_new = true };
    r->schema = crd_schema_parse(a, definition);
    r->live = apply_empty_object(r->schema, "example.com/v1", "Thing");
}

static char *run_end(struct run *r)
{
    json_decref(r->live);
    leaves_release(&r->model);
    return r->why;
}

static char *run_history(uint64_t seed, apply_fn *apply, const struct step *steps, size_t n)
{
    cleanup_arena struct arena *a = arena_new();
    json_auto_t *definition = some_definition(seed);
    struct run r;

    run_begin(&r, a, definition, apply);
    for (size_t i = 0; i < n && !r.why; i++) {
        json_auto_t *config = some_config(definition, steps[i].seed, ALL);
        if (steps[i].who == UPDATER && !r.is_new)
            update_once(&r, steps[i].seed);
        else if (steps[i].who != UPDATER)
            apply_once(&r, steps[i].who, config, steps[i].force);
    }
    return run_end(&r);
}

/* Three appliers with nothing in common... but two shares are all that can be told apart: x, y, and x again. */
static char *run_orders(uint64_t seed, apply_fn *apply)
{
    cleanup_arena struct arena *a = arena_new();
    json_auto_t *definition = some_definition(seed);
    json_auto_t *x = some_config(definition, seed * 2 + 1, ODD), *y = some_config(definition, seed * 2 + 2, EVEN);
    struct run xy, yx;
    char *one, *two;

    run_begin(&xy, a, definition, apply);
    run_begin(&yx, a, definition, apply);
    apply_once(&xy, 0, x, false);
    apply_once(&xy, 1, y, false);
    apply_once(&yx, 1, y, false);
    apply_once(&yx, 0, x, false);
    for (size_t i = 0; i < xy.model.list.n; i++)
        if (!leaf_find(&yx.model, xy.model.list.v[i].path))
            wrong(&xy, "%s depends on the order", xy.model.list.v[i].path);
    one = run_end(&xy);
    two = run_end(&yx);
    if (one)
        free(two);
    return one ? one : two;
}

static void some_steps(uint64_t seed, struct step steps[STEPS])
{
    uint64_t s = ~seed;

    for (size_t i = 0; i < STEPS; i++) {
        steps[i].who = dice(&s, MANAGERS);
        steps[i].force = dice(&s, 2);
        steps[i].seed = dice(&s, UINT32_MAX);
    }
}

static size_t shrink(uint64_t seed, apply_fn *apply, struct step *steps, size_t n)
{
    for (size_t at = 0; at < n;) {
        struct step less[STEPS];
        memcpy(less, steps, at * sizeof(*steps));
        memcpy(less + at, steps + at + 1, (n - at - 1) * sizeof(*steps));
        char *why = run_history(seed, apply, less, n - 1);
        if (why)
            memcpy(steps, less, --n * sizeof(*steps));
        else
            at++;
        free(why);
    }
    return n;
}

static void tell(uint64_t seed, const struct step *steps, size_t n, const char *why)
{
    json_auto_t *definition = some_definition(seed);
    cleanup_free char *schema = json_text(json_path(definition, "properties.spec"), 0);

    print_error("seed %llu: %s\n  schema of spec %s\n", (unsigned long long)seed, why, schema);
    for (size_t i = 0; i < n; i++) {
        json_auto_t *config = some_config(definition, steps[i].seed, ALL);
        cleanup_free char *spec = json_object_get(config, "spec") ? json_text(json_object_get(config, "spec"), 0)
                                                                  : xstrdup("nothing");
        print_error("  %s %s %s\n", managers[steps[i].who],
                    steps[i].who == UPDATER ? "updates a value from" : steps[i].force ? "forces" : "applies", spec);
    }
}

/* ---- tests --------------------------------------------------------------------------------------------------------- */

static void histories_follow_the_model(void **state)
{
    uint64_t seeds = *(uint64_t *)*state;

    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct step steps[STEPS];
        some_steps(seed, steps);
        char *why = run_history(seed, apply_merge, steps, STEPS);
        if (!why)
            continue;
        free(why);
        size_t n = shrink(seed, apply_merge, steps, STEPS);
        why = run_history(seed, apply_merge, steps, n);
        tell(seed, steps, n, why);
        free(why);
        fail();
    }
}

static void disjoint_appliers_come_in_any_order(void **state)
{
    uint64_t seeds = *(uint64_t *)*state;

    for (uint64_t seed = 1; seed <= seeds; seed++) {
        char *why = run_orders(seed, apply_merge);
        if (!why)
            continue;
        json_auto_t *definition = some_definition(seed), *x = some_config(definition, seed * 2 + 1, ODD),
                    *y = some_config(definition, seed * 2 + 2, EVEN);
        cleanup_free char *schema = json_text(definition, 0), *one = json_text(x, 0), *two = json_text(y, 0);
        print_error("seed %llu: %s\n  schema %s\n  a %s\n  b %s\n", (unsigned long long)seed, why, schema, one, two);
        free(why);
        fail();
    }
}

static const struct liar {
    const char *name;
    apply_fn *apply;
} liars[] = {
    { "an apply that always forces is caught", forces_always },
    { "an apply that never forces is caught", never_forces },
    { "an apply that always writes is caught", always_writes },
    { "an apply that keeps what was dropped is caught", keeps_what_was_dropped },
    { "an apply that takes what is others' is caught", replaces_all },
    { "an apply that never disowns is caught", never_disowns },
};

static void a_liar_is_caught(void **state)
{
    const struct liar *liar = *state;

    for (uint64_t seed = 1; seed <= LIAR_SEEDS; seed++) {
        struct step steps[STEPS];
        some_steps(seed, steps);
        char *why = run_history(seed, liar->apply, steps, STEPS);
        if (!why)
            continue;
        free(why);
        assert_true(shrink(seed, liar->apply, steps, STEPS) <= 4);
        return;
    }
    fail();
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[ARRAY_SIZE(liars) + 2];
    uint64_t seeds = SEEDS;

    if (argc > 1)
        parse_u64(argv[1], &seeds);
    json_object_seed(1);
    tests[0] = (struct CMUnitTest){ .name = "random histories follow the model", .initial_state = &seeds,
                                    .test_func = histories_follow_the_model };
    tests[1] = (struct CMUnitTest){ .name = "disjoint appliers come in any order", .initial_state = &seeds,
                                    .test_func = disjoint_appliers_come_in_any_order };
    for (size_t i = 0; i < ARRAY_SIZE(liars); i++)
        tests[i + 2] = (struct CMUnitTest){ .name = liars[i].name, .test_func = a_liar_is_caught,
                                            .initial_state = (void *)&liars[i] };
    return cmocka_run_group_tests_name("apply_random", tests, NULL, NULL);
}
