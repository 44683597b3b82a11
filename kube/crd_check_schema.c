#include "kube/crd_check.h"

#include "kube/crd_check_rules.h"
#include "kube/crd_schema.h"
#include "kube/crd_text.h"
#include "kube/crd_validate.h"
#include "kube/kcel/kcel.h"
#include "kube/kcel/rules.h"
#include "kube/object.h"
#include "kube/regex.h"

/* Two readings of one schema: is it structural (every value has one place that says its type), and are its
 * keywords allowed and well used. */

enum { DEPTH_MAX = 200 };
enum level { ROOT, FIELD, ITEM };

static bool flag(const json_t *node, const char *key)
{
    return json_is_true(json_object_get(node, key));
}

static const char *text(const json_t *node, const char *key)
{
    const char *s = json_string_value(json_object_get(node, key));

    return s ? s : "";
}

static const char *type_of(const json_t *node)
{
    return text(node, "type");
}

/* ---- can it be structural at all? -------------------------------------------------------------------- */

/* None are as good as no word of them. */
static bool empty_map(const json_t *node, const char *key)
{
    return (streq(key, "definitions") || streq(key, "patternProperties")) && json_object_size(json_object_get(node, key)) == 0;
}

/* The first keyword for which there is no place in a structural schema; NULL: none. */
static const char *unsupported(const json_t *node, unsigned depth)
{
    static const struct {
        const char *key, *name;
    } words[] = {
        { "id", "id" }, { "$schema", "schema" }, { "$ref", "$ref" }, { "additionalItems", "additionalItems" },
        { "patternProperties", "patternProperties" }, { "definitions", "definitions" }, { "dependencies", "dependencies" },
    };
    static const char *const lists[] = { "allOf", "anyOf", "oneOf" };
    const char *found = NULL, *key;
    size_t n;
    json_t *v;

    if (!json_is_object(node) || depth > DEPTH_MAX)
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (json_object_get(node, words[i].key) && !empty_map(node, words[i].key))
            return words[i].name;
    if (json_is_array(json_object_get(node, "items")))
        return "items";
    if (json_is_false(json_object_get(node, "x-kubernetes-preserve-unknown-fields")))
        return "x-kubernetes-preserve-unknown-fields";
    json_object_foreach (json_object_get(node, "properties"), key, v)
        if (!found)
            found = unsupported(v, depth + 1);
    if (!found)
        found = unsupported(json_object_get(node, "items"), depth + 1);
    if (!found)
        found = unsupported(json_object_get(node, "not"), depth + 1);
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        json_array_foreach (json_object_get(node, lists[i]), n, v)
            if (!found)
                found = unsupported(v, depth + 1);
    return found ? found : unsupported(json_object_get(node, "additionalProperties"), depth + 1);
}

/* ---- structural ----------------------------------------------------------------------------------------- */

static void check_nested(struct fielderrs *errs, const struct fpath *path, const json_t *node, bool skip_any,
                         unsigned depth);

static void check_pattern(struct fielderrs *errs, const struct fpath *path, const json_t *node)
{
    const json_t *pattern = json_object_get(node, "pattern");
    const char *wrong = NULL;

    if (!json_string_length(pattern))
        return;
    regex_free(regex_new(errs->arena, json_string_value(pattern), json_string_length(pattern), &wrong));
    if (wrong)
        fielderr_invalid(errs, FP_CHILD(path, "pattern"), pattern, "must be a valid regular expression, but isn't: %s",
                         wrong);
}

/* anyOf, allOf, oneOf, not and the pattern of a node. */
static void check_values(struct fielderrs *errs, const struct fpath *path, const json_t *node, bool skip_any,
                         bool skip_first_all, unsigned depth)
{
    size_t i;
    json_t *v;

    if (!skip_any)
        json_array_foreach (json_object_get(node, "anyOf"), i, v)
            check_nested(errs, FP_INDEX(FP_CHILD(path, "anyOf"), i), v, false, depth + 1);
    json_array_foreach (json_object_get(node, "allOf"), i, v)
        check_nested(errs, FP_INDEX(FP_CHILD(path, "allOf"), i), v, skip_first_all && i == 0, depth + 1);
    json_array_foreach (json_object_get(node, "oneOf"), i, v)
        check_nested(errs, FP_INDEX(FP_CHILD(path, "oneOf"), i), v, false, depth + 1);
    if (json_object_get(node, "not"))
        check_nested(errs, FP_CHILD(path, "not"), json_object_get(node, "not"), false, depth + 1);
    check_pattern(errs, path, node);
}

#define EMPTY "must be empty to be structural"
#define UNDEFINED "must be undefined to be structural"
#define NOT_TRUE "must be false to be structural"

/* Inside a combination only values may be constrained: what a value is must be said outside. */
static void check_nested(struct fielderrs *errs, const struct fpath *path, const json_t *node, bool skip_any,
                         unsigned depth)
{
    static const struct {
        const char *key, *must;
    } forbidden[] = {
        { "type", EMPTY }, { "additionalProperties", UNDEFINED }, { "default", UNDEFINED }, { "title", EMPTY },
        { "description", EMPTY }, { "nullable", NOT_TRUE }, { "x-kubernetes-preserve-unknown-fields", NOT_TRUE },
        { "x-kubernetes-embedded-resource", NOT_TRUE }, { "x-kubernetes-int-or-string", NOT_TRUE },
        { "x-kubernetes-list-map-keys", EMPTY }, { "x-kubernetes-list-type", UNDEFINED },
        { "x-kubernetes-map-type", UNDEFINED }, { "x-kubernetes-validations", EMPTY },
    };
    const json_t *properties = json_object_get(node, "properties");
    size_t n;

    if (!json_is_object(node) || depth > DEPTH_MAX)
        return;
    check_values(errs, path, node, skip_any, false, depth);
    if (json_object_get(node, "items"))
        check_nested(errs, FP_CHILD(path, "items"), json_object_get(node, "items"), false, depth + 1);
    const char **keys = crd_sorted_keys(errs->arena, properties, &n);
    for (size_t i = 0; i < n; i++)
        check_nested(errs, FP_KEY(FP_CHILD(path, "properties"), keys[i]), json_object_get(properties, keys[i]), false,
                     depth + 1);
    for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
        const json_t *v = json_object_get(node, forbidden[i].key);
        bool empty = (json_is_string(v) && !json_string_length(v)) || (json_is_array(v) && !json_array_size(v));
        bool off = json_is_false(v) && !streq(forbidden[i].key, "default");
        if (v && !json_is_null(v) && !off && !(empty && streq(forbidden[i].must, EMPTY)))
            fielderr_forbidden(errs, FP_CHILD(path, forbidden[i].key), "%s", forbidden[i].must);
    }
    if (json_object_get(properties, "metadata"))
        fielderr_forbidden(errs, FP_KEY(FP_CHILD(path, "properties"), "metadata"),
                           "must not be specified in a nested context");
}

/* anyOf integer and string and nothing else: how int-or-string is also said, with its flag or without. */
static bool is_int_or_string_any(const json_t *node)
{
    const json_t *any = json_object_get(node, "anyOf"), *first = json_array_get(any, 0), *second = json_array_get(any, 1);

    return json_array_size(any) == 2 && json_object_size(first) == 1 && json_object_size(second) == 1
           && streq(type_of(first), "integer") && streq(type_of(second), "string");
}

static void check_type_is(struct fielderrs *errs, const struct fpath *path, const json_t *node, const char *want,
                          const char *detail)
{
    const json_t *type = json_object_get(node, "type");

    if (streq(type_of(node), want))
        return;
    if (!json_string_length(type))
        fielderr_required(errs, FP_CHILD(path, "type"), detail);
    else
        fielderr_invalid(errs, FP_CHILD(path, "type"), type, "%s", detail);
}

/* metadata at the root may only narrow names. */
static void check_metadata(struct fielderrs *errs, const struct fpath *path, const json_t *node, bool check, bool root)
{
    const json_t *properties = json_object_get(node, "properties");
    const char *key;
    json_t *v;
    bool more = false;

    if (check && !streq(type_of(node), "object"))
        fielderr_invalid_str(errs, FP_CHILD(path, "type"), type_of(node), "must be object");
    if (!root)
        return;
    json_object_foreach ((json_t *)node, key, v)
        more = more || !(streq(key, "type") || streq(key, "default") || streq(key, "properties"));
    json_object_foreach ((json_t *)properties, key, v)
        more = more || !(streq(key, "name") || streq(key, "generateName"));
    if (more)
        fielderr_forbidden(errs, path,
                           "must not specify anything other than name and generateName, but metadata is implicitly specified");
}

static void check_extensions(struct fielderrs *errs, const struct fpath *path, const json_t *node)
{
    static const char *const not_both[] = { "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource" };

    for (size_t i = 0; i < ARRAY_SIZE(not_both); i++)
        if (flag(node, "x-kubernetes-int-or-string") && flag(node, not_both[i]))
            fielderr_invalid(errs, FP_CHILD(path, not_both[i]), json_object_get(node, not_both[i]),
                             "must be false if x-kubernetes-int-or-string is true");
}

static void check_own_type(struct fielderrs *errs, const struct fpath *path, const json_t *node, enum level level)
{
    static const char *const missing[] = { "must not be empty at the root", "must not be empty for specified object fields",
                                           "must not be empty for specified array items" };
    bool embedded = flag(node, "x-kubernetes-embedded-resource"), keeps = flag(node, "x-kubernetes-preserve-unknown-fields");
    const char *type = type_of(node);

    if (embedded && !keeps && !json_object_size(json_object_get(node, "properties")))
        fielderr_required(errs, FP_CHILD(path, "properties"),
                          "must not be empty if x-kubernetes-embedded-resource is true without "
                          "x-kubernetes-preserve-unknown-fields");
    if (embedded)
        check_type_is(errs, path, node, "object", "must be object if x-kubernetes-embedded-resource is true");
    else if (!*type && !flag(node, "x-kubernetes-int-or-string") && !keeps)
        fielderr_required(errs, FP_CHILD(path, "type"), missing[level]);
    if (streq(type, "array") && !json_object_get(node, "items"))
        fielderr_required(errs, FP_CHILD(path, "items"), "must be specified");
    if (embedded && json_object_get(node, "additionalProperties"))
        fielderr_forbidden(errs, FP_CHILD(path, "additionalProperties"),
                           "must not be used if x-kubernetes-embedded-resource is set");
    if (level == ROOT && *type && !streq(type, "object"))
        fielderr_invalid_str(errs, FP_CHILD(path, "type"), type, "must be object at the root");
}

static void check_structural(struct fielderrs *errs, const struct fpath *path, const json_t *node, enum level level,
                             unsigned depth)
{
    static const char *const implicit[] = { "kind", "apiVersion" };
    const json_t *properties = json_object_get(node, "properties"), *additional = json_object_get(node, "additionalProperties");
    const struct fpath *members = FP_CHILD(path, "properties");
    bool is_resource = level == ROOT || flag(node, "x-kubernetes-embedded-resource");
    size_t n;

    if (!json_is_object(node) || depth > DEPTH_MAX)
        return;
    check_structural(errs, FP_CHILD(path, "items"), json_object_get(node, "items"), ITEM, depth + 1);
    const char **keys = crd_sorted_keys(errs->arena, properties, &n);
    for (size_t i = 0; i < n; i++)
        check_structural(errs, FP_KEY(members, keys[i]), json_object_get(properties, keys[i]), FIELD, depth + 1);
    check_structural(errs, FP_CHILD(path, "additionalProperties"), additional, FIELD, depth + 1);
    if (additional && level == ROOT)
        fielderr_forbidden(errs, FP_CHILD(path, "additionalProperties"), "must not be used at the root");
    check_extensions(errs, path, node);
    check_values(errs, path, node, is_int_or_string_any(node),
                 is_int_or_string_any(json_array_get(json_object_get(node, "allOf"), 0)), depth);
    check_own_type(errs, path, node, level);
    for (size_t i = 0; is_resource && i < ARRAY_SIZE(implicit); i++) {
        const json_t *member = json_object_get(properties, implicit[i]);
        if (member && !streq(type_of(member), "string"))
            fielderr_invalid_str(errs, FP_CHILD(FP_KEY(members, implicit[i]), "type"), type_of(member), "must be string");
    }
    if (json_object_get(properties, "metadata"))
        check_metadata(errs, FP_KEY(members, "metadata"), json_object_get(properties, "metadata"), is_resource, level == ROOT);
}

/* ---- defaults ------------------------------------------------------------------------------------------------ */

/* All defaults of a schema; the rules that they must keep share a budget. */
struct defaults {
    struct fielderrs *errs;
    const struct cel_env *cel;
    int64_t budget;
};

/* Rules must hold for a default as if it had been there before, and as if it were new. */
static void check_default_rules(struct defaults *d, const struct fpath *path, const json_t *node, bool root)
{
    const json_t *value = json_object_get(node, "default");
    struct kcel_rules *rules = kcel_rules_new(d->cel, node, root || flag(node, "x-kubernetes-embedded-resource"));
    struct kcel_rules_run run = { .path = path, .obj = value, .old = value, .budget = d->budget, .errs = d->errs };
    size_t before = d->errs->n;

    kcel_rules_check(rules, &run);
    int64_t left = run.budget;
    if (d->errs->n == before) {
        run.old = NULL;
        run.budget = d->budget;
        kcel_rules_check(rules, &run);
    }
    d->budget = run.budget < left ? run.budget : left;
    kcel_rules_free(rules);
}

static void check_default(struct defaults *d, const struct fpath *parent, const json_t *node, bool root)
{
    const struct fpath *path = FP_CHILD(parent, "default");
    json_t *value = json_object_get(node, "default");
    cleanup_arena struct arena *arena = arena_new();
    json_auto_t *wrapped = json_object(), *before = NULL;
    size_t found = d->errs->n;

    if (!value || json_is_null(value))
        return;
    /* Pruning works on objects: the value becomes the one member of one. */
    json_auto_t *schema = json_pack("{s:s,s:{s:O}}", "type", "object", "properties", "x", node);
    json_object_set_new(wrapped, "x", json_clone(value));
    before = json_clone(wrapped);
    crd_prune(crd_schema_parse(arena, schema), &wrapped, NULL);
    if (!json_same(json_object_get(before, "x"), json_object_get(wrapped, "x"))) {
        json_auto_t *sorted = json_sorted(value);
        fielderr_invalid(d->errs, path, sorted, "must not have unknown fields");
        found = d->errs->n;
    }
    struct crd_validator *v = crd_validator_new_for_default(node);
    crd_validate_embedded(v, path, value, d->errs);
    if (d->errs->n == found)                     /* and never lists: a set may start with the same twice */
        crd_validate_keywords(v, path, value, NULL, d->errs);
    crd_validator_free(v);
    if (d->errs->n == found && d->cel)
        check_default_rules(d, path, node, root);
}

static void check_defaults(struct defaults *d, const struct fpath *path, const json_t *node, unsigned depth)
{
    const json_t *properties = json_object_get(node, "properties");
    size_t n;

    if (!json_is_object(node) || depth > DEPTH_MAX || d->budget < 0)
        return;
    check_default(d, path, node, depth == 0);
    check_defaults(d, FP_CHILD(path, "items"), json_object_get(node, "items"), depth + 1);
    check_defaults(d, FP_CHILD(path, "additionalProperties"), json_object_get(node, "additionalProperties"), depth + 1);
    const char **keys = crd_sorted_keys(d->errs->arena, properties, &n);
    for (size_t i = 0; i < n; i++)
        check_defaults(d, FP_KEY(FP_CHILD(path, "properties"), keys[i]), json_object_get(properties, keys[i]), depth + 1);
}

/* ---- keywords -------------------------------------------------------------------------------------------------- */

static const char *const openapi_types[] = { "array", "boolean", "integer", "number", "object", "string", NULL };

static bool known_type(const char *type)
{
    for (size_t i = 0; openapi_types[i]; i++)
        if (streq(openapi_types[i], type))
            return true;
    return false;
}

static void check_standard(struct fielderrs *errs, const struct fpath *path, const json_t *node, bool inside_metadata)
{
    static const char *const unknown[] = { "id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref" };
    const char *type = type_of(node);

    if (*type && !known_type(type))
        fielderr_not_supported(errs, FP_CHILD(path, "type"), json_object_get(node, "type"), openapi_types);
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
        if (json_object_get(node, unknown[i]) && !empty_map(node, unknown[i]))
            fielderr_forbidden(errs, FP_CHILD(path, unknown[i]), "%s is not supported", unknown[i]);
    if (streq(type, "null"))
        fielderr_forbidden(errs, FP_CHILD(path, "type"), "type cannot be set to null, use nullable as an alternative");
    if (json_is_array(json_object_get(node, "items")))
        fielderr_forbidden(errs, FP_CHILD(path, "items"), "items must be a schema object and not an array");
    if (inside_metadata && flag(node, "x-kubernetes-embedded-resource"))
        fielderr_forbidden(errs, FP_CHILD(path, "x-kubernetes-embedded-resource"), "must not be used inside of resource meta");
}

static bool is_one_of(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (streq(*list, s))
            return true;
    return false;
}

static void check_keys_of_list(struct fielderrs *errs, const struct fpath *path, const json_t *node, const json_t *items)
{
    const struct fpath *at = FP_CHILD(path, "x-kubernetes-list-map-keys"), *below = FP_CHILD(FP_CHILD(path, "items"), "properties");
    const json_t *keys = json_object_get(node, "x-kubernetes-list-map-keys"), *properties = json_object_get(items, "properties");
    size_t i, k;
    json_t *key, *other;

    json_array_foreach ((json_t *)keys, i, key) {
        const char *name = json_string_value(key);
        const json_t *member = json_object_get(properties, name);
        if (!member)
            fielderr_invalid(errs, at, keys, "entries must all be names of item properties");
        else if (streq(type_of(member), "array") || streq(type_of(member), "object"))
            fielderr_invalid_str(errs, FP_CHILD(FP_KEY(below, name), "type"), type_of(member),
                                 "must be a scalar type if parent array's x-kubernetes-list-type is map");
        json_array_foreach ((json_t *)keys, k, other)
            if (k < i && json_same(key, other)) {
                fielderr_invalid(errs, at, keys, "must not contain duplicate entries");
                break;
            }
    }
}

static void check_map_list(struct fielderrs *errs, const struct fpath *path, const json_t *node)
{
    const json_t *keys = json_object_get(node, "x-kubernetes-list-map-keys"), *items = json_object_get(node, "items");

    if (!json_array_size(keys))
        fielderr_required(errs, FP_CHILD(path, "x-kubernetes-list-map-keys"), "must not be empty if x-kubernetes-list-type is map");
    if (!items)
        fielderr_required(errs, FP_CHILD(path, "items"), "must have a schema if x-kubernetes-list-type is map");
    else if (json_is_object(items) && !streq(type_of(items), "object"))
        fielderr_invalid_str(errs, FP_CHILD(FP_CHILD(path, "items"), "type"), type_of(items),
                             "must be object if parent array's x-kubernetes-list-type is map");
    else if (json_is_object(items))
        check_keys_of_list(errs, path, node, items);
}

/* Elements of sets must not be taken apart. */
static void check_set_list(struct fielderrs *errs, const struct fpath *path, const json_t *items)
{
    static const struct {
        const char *type, *key;
    } rows[] = { { "array", "x-kubernetes-list-type" }, { "object", "x-kubernetes-map-type" } };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const json_t *v = json_object_get(items, "x-kubernetes-list-type");      /* the real server tells this of maps, too */
        if (!streq(type_of(items), rows[i].type) || streq(text(items, rows[i].key), "atomic") || (i == 0 && !v))
            continue;
        if (v)
            fielderr_invalid(errs, FP_CHILD(FP_CHILD(path, "items"), rows[i].key), v,
                             "must be atomic as item of a list with x-kubernetes-list-type=set");
        else
            fielderr_invalid_raw(errs, FP_CHILD(FP_CHILD(path, "items"), rows[i].key), "null",
                                 "must be atomic as item of a list with x-kubernetes-list-type=set");
    }
}

static bool is_required(const json_t *node, const json_t *name)
{
    size_t i;
    json_t *v;

    json_array_foreach (json_object_get(node, "required"), i, v)
        if (json_same(v, name))
            return true;
    return false;
}

static void check_list_items(struct fielderrs *errs, const struct fpath *path, const json_t *node, const char *list)
{
    const json_t *items = json_object_get(node, "items");
    const struct fpath *below = FP_CHILD(FP_CHILD(path, "items"), "properties");
    size_t i;
    json_t *key;

    if (!json_is_object(items) || (!streq(list, "set") && !streq(list, "map")))
        return;
    if (flag(items, "nullable"))
        fielderr_forbidden(errs, FP_CHILD(FP_CHILD(path, "items"), "nullable"),
                           "cannot be nullable when x-kubernetes-list-type is %s", list);
    if (!streq(list, "map"))
        return;
    json_array_foreach (json_object_get(node, "x-kubernetes-list-map-keys"), i, key) {
        const json_t *member = json_object_get(json_object_get(items, "properties"), json_string_value(key));
        if (member && !is_required(items, key) && !json_object_get(member, "default"))
            fielderr_required(errs, FP_CHILD(FP_KEY(below, json_string_value(key)), "default"),
                              "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required "
                              "property");
        if (member && flag(member, "nullable"))
            fielderr_forbidden(errs, FP_CHILD(FP_KEY(below, json_string_value(key)), "nullable"),
                               "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
    }
}

static void check_list_and_map_types(struct fielderrs *errs, const struct fpath *path, const json_t *node)
{
    static const char *const map_types[] = { "atomic", "granular", NULL };
    static const char *const list_types[] = { "atomic", "set", "map", NULL };
    const json_t *map = json_object_get(node, "x-kubernetes-map-type"), *list = json_object_get(node, "x-kubernetes-list-type");
    const char *list_text = text(node, "x-kubernetes-list-type");

    if (map)
        check_type_is(errs, path, node, "object", "must be object if x-kubernetes-map-type is specified");
    if (map && !is_one_of(text(node, "x-kubernetes-map-type"), map_types))
        fielderr_not_supported(errs, FP_CHILD(path, "x-kubernetes-map-type"), map, map_types);
    if (list && !streq(type_of(node), "array"))
        check_type_is(errs, path, node, "array", "must be array if x-kubernetes-list-type is specified");
    if (list && !is_one_of(list_text, list_types))
        fielderr_not_supported(errs, FP_CHILD(path, "x-kubernetes-list-type"), list, list_types);
    if (json_array_size(json_object_get(node, "x-kubernetes-list-map-keys")) && !streq(list_text, "map")) {
        if (list)
            fielderr_invalid(errs, FP_CHILD(path, "x-kubernetes-list-type"), list,
                             "must be map if x-kubernetes-list-map-keys is non-empty");
        else
            fielderr_required(errs, FP_CHILD(path, "x-kubernetes-list-type"),
                              "must be map if x-kubernetes-list-map-keys is non-empty");
    }
    if (streq(list_text, "map"))
        check_map_list(errs, path, node);
    if (streq(list_text, "set") && streq(type_of(node), "array"))
        check_set_list(errs, path, json_object_get(node, "items"));
    check_list_items(errs, path, node, list_text);
}

static void check_keywords(struct fielderrs *errs, const struct fpath *path, struct rules_site *site, bool root,
                           bool inside_metadata, unsigned depth);

/* A part of a schema, `site` its place in it; part of no place of its own where it is an alternative. */
static void check_part(struct fielderrs *errs, const struct fpath *path, struct rules_site site, bool inside_metadata,
                       unsigned depth)
{
    check_keywords(errs, path, &site, false, inside_metadata, depth + 1);
}

static void check_properties(struct fielderrs *errs, const struct fpath *path, struct rules_site *site, bool resource,
                             bool inside_metadata, unsigned depth)
{
    const json_t *properties = json_object_get(site->node, "properties");
    size_t n;
    const char **keys = crd_sorted_keys(errs->arena, properties, &n);

    for (size_t i = 0; i < n; i++)
        check_part(errs, FP_KEY(FP_CHILD(path, "properties"), keys[i]),
                   rules_site_below(site, json_object_get(properties, keys[i]), SITE_MEMBER, keys[i]),
                   inside_metadata || (resource && streq(keys[i], "metadata")), depth);
}

static void check_alternatives(struct fielderrs *errs, const struct fpath *path, const json_t *node, bool inside_metadata,
                               unsigned depth)
{
    static const char *const lists[] = { "allOf", "oneOf", "anyOf" };
    size_t i;
    json_t *v;

    check_part(errs, FP_CHILD(path, "not"), (struct rules_site){ .node = json_object_get(node, "not") }, inside_metadata, depth);
    for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
        json_array_foreach (json_object_get(node, lists[k]), i, v)
            check_part(errs, FP_INDEX(FP_CHILD(path, lists[k]), i), (struct rules_site){ .node = v }, inside_metadata, depth);
}

/* definitions and dependencies are not supported, and what they hold is still looked at. */
static void check_named(struct fielderrs *errs, const struct fpath *path, const json_t *node, const char *key,
                        bool inside_metadata, unsigned depth)
{
    const json_t *named = json_object_get(node, key);
    size_t n;
    const char **names = crd_sorted_keys(errs->arena, named, &n);

    for (size_t i = 0; i < n; i++)
        check_part(errs, FP_KEY(FP_CHILD(path, key), names[i]),
                   (struct rules_site){ .node = json_object_get(named, names[i]) }, inside_metadata, depth);
}

/* Only the elements of keyed lists can be told from each other after an update. */
static void check_items(struct fielderrs *errs, const struct fpath *path, struct rules_site *site, bool inside_metadata,
                        unsigned depth)
{
    struct rules_site items = rules_site_below(site, json_object_get(site->node, "items"), SITE_ELEMENT, NULL);
    size_t i;
    json_t *v;

    if (!items.lost && !streq(text(site->node, "x-kubernetes-list-type"), "map"))
        items.lost = path;
    check_part(errs, FP_CHILD(path, "items"), items, inside_metadata, depth);
    json_array_foreach (json_object_get(site->node, "items"), i, v)
        check_part(errs, FP_INDEX(FP_CHILD(path, "items"), i), (struct rules_site){ .node = v }, inside_metadata, depth);
}

static void check_keywords(struct fielderrs *errs, const struct fpath *path, struct rules_site *site, bool root,
                           bool inside_metadata, unsigned depth)
{
    const json_t *node = site->node;
    const json_t *additional = json_object_get(node, "additionalProperties"), *properties = json_object_get(node, "properties");
    const json_t *preserve = json_object_get(node, "x-kubernetes-preserve-unknown-fields");
    size_t before = errs->n;

    if (!json_is_object(node) || depth > DEPTH_MAX)
        return;
    check_standard(errs, path, node, inside_metadata);
    if (flag(node, "uniqueItems"))
        fielderr_forbidden(errs, FP_CHILD(path, "uniqueItems"),
                           "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
    if (additional && json_object_size(properties) && !json_is_true(additional))
        fielderr_forbidden(errs, FP_CHILD(path, "additionalProperties"),
                           "additionalProperties and properties are mutual exclusive");
    check_part(errs, FP_CHILD(path, "additionalProperties"), rules_site_below(site, additional, SITE_ELEMENT, NULL),
               inside_metadata, depth);
    check_properties(errs, path, site, root || flag(node, "x-kubernetes-embedded-resource"), inside_metadata, depth);
    check_alternatives(errs, path, node, inside_metadata, depth);
    check_named(errs, path, node, "definitions", inside_metadata, depth);
    check_items(errs, path, site, inside_metadata, depth);
    check_named(errs, path, node, "dependencies", inside_metadata, depth);
    if (json_is_false(preserve))
        fielderr_invalid(errs, FP_CHILD(path, "x-kubernetes-preserve-unknown-fields"), preserve, "must be true or undefined");
    check_list_and_map_types(errs, path, node);
    rules_check_words(errs, path, node);
    if (errs->n == before)
        rules_check_expressions(site, path);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

void crd_check_schema(const json_t *schema, const struct fpath *path, const struct crd_check_options *o,
                      struct fielderrs *errs)
{
    const char *cannot = unsupported(schema, 0);
    struct rules_check rules = { .env = o->cel, .unchanged = o->unchanged, .errs = FIELDERRS_IN(errs->arena) };
    struct defaults defaults = { .errs = errs, .cel = o->cel, .budget = KCEL_BUDGET };
    size_t before;

    if (o->status_enabled && *type_of(schema) && !streq(type_of(schema), "object"))
        fielderr_invalid_str(errs, FP_CHILD(path, "type"), type_of(schema),
                             "only \"object\" is allowed as the type at the root of the schema if the status subresource is "
                             "enabled");
    if (flag(schema, "nullable"))
        fielderr_forbidden(errs, FP_CHILD(path, "nullable"), "nullable cannot be true at the root");
    before = errs->n;
    if (!cannot) {
        check_structural(errs, path, schema, ROOT, 0);
        if (errs->n == before)
            check_defaults(&defaults, path, schema, 0);
    }
    struct rules_site site = rules_site_root(!cannot && errs->n == before && o->cel ? &rules : NULL, schema);
    check_keywords(errs, path, &site, true, false, 0);
    if (cannot && errs->n == before)
        fielderr_invalid_str(errs, path, "", "OpenAPIV3Schema '%s' is not supported", cannot);
    rules_check_end(&rules, path, errs);
}
