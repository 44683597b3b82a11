#include "kube/kcel/declare.h"

#include "kube/json.h"
#include "kube/object.h"

enum {
    REQUEST_MAX = 3 * 1024 * 1024,
    DEPTH_MAX = 200,
    DURATION_MAX = 32, DATE_TIME_MAX = 32, DATE_MAX = 12,          /* as JSON, quotes included */
    DURATION_MIN = 3, DATE_TIME_MIN = 21,
    STRING_MIN = 2, BOOL_MIN = 4, NUMBER_MIN = 1, DYN_MIN = 1, CONTAINER_MIN = 2
};

struct declaring {
    struct arena *arena;
    unsigned depth;
};

static const struct cel_type *declare(struct declaring *d, const json_t *node, bool is_resource, const char *name);

/* ---- extents ----------------------------------------------------------------------------------------- */

static const struct kcel_extent *extent(const struct cel_type *t)
{
    return t->user;
}

/* A bound of the schema, at least 0; false: it has none. */
static bool bound(const json_t *node, const char *key, int64_t *ret)
{
    const json_t *v = json_object_get(node, key);
    double d = json_number_value(v);

    if (!json_is_number(v))
        return false;
    *ret = json_is_integer(v) ? json_integer_value(v) : d >= 9e18 ? INT64_MAX : (int64_t)d;
    if (*ret < 0)
        *ret = 0;
    return true;
}

/* A code point is four bytes at most. */
static bool bound_in_bytes(const json_t *node, int64_t *ret)
{
    if (!bound(node, "maxLength", ret))
        return false;
    *ret = *ret > INT64_MAX / 4 ? INT64_MAX : *ret * 4;
    return true;
}

static int64_t longest_of_enum(const json_t *values)
{
    int64_t longest = 0;
    size_t i;
    json_t *v;

    json_array_foreach ((json_t *)values, i, v)
        if ((int64_t)json_string_length(v) > longest)
            longest = (int64_t)json_string_length(v);
    return longest;
}

static struct cel_type *type_new(struct declaring *d, const json_t *node, enum cel_type_kind kind, int64_t max, int64_t min)
{
    struct cel_type *t = arena_alloc(d->arena, sizeof(*t));
    struct kcel_extent *e = arena_alloc(d->arena, sizeof(*e));

    e->max_elements = max;
    e->min_size = min;
    t->kind = kind;
    t->user = e;
    t->nullable = json_is_true(json_object_get(node, "nullable"));
    return t;
}

/* ---- strings ----------------------------------------------------------------------------------------- */

static struct cel_type *declare_string(struct declaring *d, const json_t *node)
{
    static const struct {
        const char *format;
        enum cel_type_kind kind;
        int64_t max, min;
    } formats[] = {
        { "duration", CEL_TYPE_DURATION, DURATION_MAX, DURATION_MIN },
        { "date", CEL_TYPE_TIMESTAMP, DATE_MAX, DATE_MAX },
        { "date-time", CEL_TYPE_TIMESTAMP, DATE_TIME_MAX, DATE_TIME_MIN },
    };
    const char *format = obj_str(node, "format");
    const json_t *values = json_object_get(node, "enum");
    int64_t max = REQUEST_MAX - 2;

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (!streq(formats[i].format, format))
            continue;
        struct cel_type *t = type_new(d, node, formats[i].kind, formats[i].max, formats[i].min);
        t->format = formats[i].format;
        return t;
    }
    if (streq(format, "byte")) {
        bound(node, "maxLength", &max);
        struct cel_type *t = type_new(d, node, CEL_TYPE_BYTES, max, STRING_MIN);
        t->format = "byte";
        return t;
    }
    if (!bound_in_bytes(node, &max) && json_array_size(values))
        max = longest_of_enum(values);
    return type_new(d, node, CEL_TYPE_STRING, max, STRING_MIN);
}

/* ---- containers ---------------------------------------------------------------------------------------- */

static const char *const *list_keys(struct declaring *d, const json_t *node)
{
    const json_t *keys = json_object_get(node, "x-kubernetes-list-map-keys");
    const char **out = arena_alloc(d->arena, (json_array_size(keys) + 1) * sizeof(*out));
    size_t i;
    json_t *key;

    json_array_foreach ((json_t *)keys, i, key)
        out[i] = json_string_value(key) ? json_string_value(key) : "";
    return out;
}

static bool embedded(const json_t *node)
{
    return json_is_true(json_object_get(node, "x-kubernetes-embedded-resource"));
}

static const struct cel_type *const *one_more(struct arena *a, const struct cel_type *first, const struct cel_type *second)
{
    const struct cel_type **v = arena_alloc(a, 2 * sizeof(*v));

    v[0] = first;
    v[1] = second;
    return v;
}

static struct cel_type *declare_list(struct declaring *d, const json_t *node, const char *name)
{
    const json_t *items = json_object_get(node, "items");
    const char *list = obj_str(node, "x-kubernetes-list-type");
    const struct cel_type *item = declare(d, items, embedded(items), arena_printf(d->arena, "%s.@idx", name));
    int64_t max;

    if (!item)
        return NULL;
    if (!bound(node, "maxItems", &max))
        max = (REQUEST_MAX - 2) / (extent(item)->min_size + 1);
    struct cel_type *t = type_new(d, node, CEL_TYPE_LIST, max, CONTAINER_MIN);
    t->params = one_more(d->arena, item, NULL);
    t->n_params = 1;
    t->list_kind = streq(list, "set") ? CEL_LIST_SET : streq(list, "map") ? CEL_LIST_MAP : CEL_LIST_ATOMIC;
    if (t->list_kind == CEL_LIST_MAP)
        t->list_keys = list_keys(d, node);
    return t;
}

static struct cel_type *declare_map(struct declaring *d, const json_t *node, const char *name)
{
    const json_t *values = json_object_get(node, "additionalProperties");
    const struct cel_type *value = declare(d, values, embedded(values), arena_printf(d->arena, "%s.@elem", name));
    int64_t max;

    if (!value)
        return NULL;
    if (!bound(node, "maxProperties", &max))
        max = (REQUEST_MAX - 2) / (extent(value)->min_size + 6);
    struct cel_type *t = type_new(d, node, CEL_TYPE_MAP, max, CONTAINER_MIN);
    t->params = one_more(d->arena, type_new(d, NULL, CEL_TYPE_STRING, 0, STRING_MIN), value);
    t->n_params = 2;
    return t;
}

/* The names that are required, as members of an object. New reference. */
static json_t *required_names(const json_t *node)
{
    json_t *names = json_object();
    size_t i;
    json_t *v;

    json_array_foreach (json_object_get(node, "required"), i, v)
        if (json_is_string(v))
            json_object_set_new(names, json_string_value(v), json_true());
    return names;
}

static bool has_default(const json_t *node)
{
    const json_t *v = json_object_get(node, "default");

    return v && !json_is_null(v);
}

/* What every resource has. Replaces what the schema says of the same members. */
static bool is_implicit(const char *name)
{
    return streq(name, "apiVersion") || streq(name, "kind") || streq(name, "metadata");
}

static void add_field(struct declaring *d, struct cel_type *t, const char *name, const struct cel_type *type)
{
    const char *escaped = kcel_escape(d->arena, name);

    if (escaped)
        ((struct cel_field *)t->fields)[t->n_fields++] = (struct cel_field){ escaped, name, type };
    /* After a dot most reserved words can be said as they are, too. */
    if (kcel_is_reserved(name))
        ((struct cel_field *)t->fields)[t->n_fields++] = (struct cel_field){ name, name, type };
}

static struct cel_type *plain_string(struct declaring *d)
{
    return type_new(d, NULL, CEL_TYPE_STRING, REQUEST_MAX - 2, STRING_MIN);
}

static struct cel_type *object_new(struct declaring *d, const json_t *node, const char *name, size_t most)
{
    struct cel_type *t = type_new(d, node, CEL_TYPE_OBJECT, 0, CONTAINER_MIN);

    t->name = name;
    t->fields = arena_alloc(d->arena, (2 * most + 1) * sizeof(*t->fields));        /* reserved words stand twice */
    return t;
}

static void add_member(struct declaring *d, struct cel_type *t, const char *name, const struct cel_type *type, bool counts)
{
    add_field(d, t, name, type);
    if (counts)
        ((struct kcel_extent *)t->user)->min_size += (int64_t)strlen(name) + extent(type)->min_size + 4;
}

static void add_implicit(struct declaring *d, struct cel_type *t, const json_t *required, const char *name)
{
    struct cel_type *metadata = object_new(d, NULL, arena_printf(d->arena, "%s.metadata", name), 2);

    add_field(d, metadata, "name", plain_string(d));
    add_field(d, metadata, "generateName", plain_string(d));
    add_member(d, t, "apiVersion", plain_string(d), json_object_get(required, "apiVersion"));
    add_member(d, t, "kind", plain_string(d), json_object_get(required, "kind"));
    add_member(d, t, "metadata", metadata, json_object_get(required, "metadata"));
}

/* The schema says all of it itself: then it stands. */
static bool says_implicit(const json_t *properties)
{
    const json_t *metadata = json_object_get(properties, "metadata");
    const json_t *members = json_object_get(metadata, "properties");

    return streq(obj_str(json_object_get(properties, "kind"), "type"), "string") &&
           streq(obj_str(json_object_get(properties, "apiVersion"), "type"), "string") &&
           streq(obj_str(metadata, "type"), "object") &&
           streq(obj_str(json_object_get(members, "name"), "type"), "string") &&
           streq(obj_str(json_object_get(members, "generateName"), "type"), "string");
}

static struct cel_type *declare_object(struct declaring *d, const json_t *node, bool is_resource, const char *name)
{
    const json_t *properties = json_object_get(node, "properties");
    bool add = is_resource && !says_implicit(properties);
    struct cel_type *t = object_new(d, node, name, json_object_size(properties) + 3);
    json_auto_t *required = required_names(node);
    const char *key;
    json_t *member;

    json_object_foreach ((json_t *)properties, key, member) {
        if (add && is_implicit(key))
            continue;
        const struct cel_type *type = declare(d, member, embedded(member), arena_printf(d->arena, "%s.%s", name, key));
        if (type)
            add_member(d, t, key, type, json_object_get(required, key) && !has_default(member));
    }
    if (add)
        add_implicit(d, t, required, name);
    return t;
}

static struct cel_type *declare_any(struct declaring *d, const json_t *node, bool is_resource, const char *name)
{
    const char *type = obj_str(node, "type");
    int64_t max = REQUEST_MAX - 2;

    if (json_is_true(json_object_get(node, "x-kubernetes-int-or-string"))) {
        bound_in_bytes(node, &max);
        return type_new(d, node, CEL_TYPE_DYN, max, DYN_MIN);
    }
    if (streq(type, "array"))
        return json_is_object(json_object_get(node, "items")) ? declare_list(d, node, name) : NULL;
    if (streq(type, "object") && json_is_object(json_object_get(node, "additionalProperties")))
        return declare_map(d, node, name);
    if (streq(type, "object"))
        return declare_object(d, node, is_resource, name);
    if (streq(type, "string"))
        return declare_string(d, node);
    if (streq(type, "boolean"))
        return type_new(d, node, CEL_TYPE_BOOL, 0, BOOL_MIN);
    if (streq(type, "number"))
        return type_new(d, node, CEL_TYPE_DOUBLE, 0, NUMBER_MIN);
    if (streq(type, "integer"))
        return type_new(d, node, CEL_TYPE_INT, 0, NUMBER_MIN);
    return NULL;
}

static const struct cel_type *declare(struct declaring *d, const json_t *node, bool is_resource, const char *name)
{
    if (!json_is_object(node) || d->depth > DEPTH_MAX)
        return NULL;
    d->depth++;
    const struct cel_type *t = declare_any(d, node, is_resource, name);
    d->depth--;
    return t;
}

const struct cel_type *kcel_declare(struct arena *a, const json_t *node, bool is_resource)
{
    struct declaring d = { .arena = a };

    return declare(&d, node, is_resource, "selfType");
}

uint64_t kcel_max_cardinality(const struct cel_type *t)
{
    return (uint64_t)(REQUEST_MAX / (extent(t)->min_size + 1));
}

const struct cel_type *kcel_member_type(struct arena *a, const struct cel_type *object, const char *name)
{
    const char *escaped = kcel_escape(a, name);
    struct cel_field field;

    if (!escaped || object->kind != CEL_TYPE_OBJECT || !cel_type_find_field(object, escaped, strlen(escaped), &field))
        return NULL;
    return field.type;
}
