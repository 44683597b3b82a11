/* JSON as values, lazily: what is asked for is converted, nothing is copied. And values as JSON. */
#include <math.h>

#include "kube/base64.h"
#include "kube/cel/cel_priv.h"
#include "kube/json.h"

struct element {
    const json_t *json;                          /* NULL: it was never data */
    struct cel_value value;
};

struct json_list {
    struct cel_list base;
    const json_t *json;
    const struct cel_type *element;              /* NULL: as it is */
    const struct cel_type *type;                 /* of the list; NULL: as it is */
    struct { ARENA_LIST(struct element); } own;  /* after a + with a meaning of its own: instead of json */
    bool owned;
};

struct json_map {
    struct cel_map base;
    const json_t *json;
    const struct cel_type *value;                /* NULL: as it is, or an object's fields */
    struct arena *arena;
};

/* ---- as it is --------------------------------------------------------------------------------- */

static const struct cel_list_ops list_ops, typed_list_ops, place_ops;
static const struct cel_map_ops map_ops, typed_map_ops, object_ops;

struct cel_value cel_value_json(struct arena *a, const json_t *v)
{
    struct json_list *l;
    struct json_map *m;

    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_TRUE: return cel_bool(true);
    case JSON_FALSE: return cel_bool(false);
    case JSON_INTEGER: return cel_int(json_integer_value(v));
    case JSON_REAL: return cel_double(json_real_value(v));
    case JSON_STRING: return cel_string(json_string_value(v), json_string_length(v));
    case JSON_ARRAY:
        l = arena_alloc(a, sizeof(*l));
        *l = (struct json_list){ .base = { &list_ops, json_array_size(v) }, .json = v };
        return (struct cel_value){ .kind = CEL_LIST, .list = &l->base };
    case JSON_OBJECT:
        m = arena_alloc(a, sizeof(*m));
        *m = (struct json_map){ .base = { &map_ops, json_object_size(v), NULL }, .json = v, .arena = a };
        return (struct cel_value){ .kind = CEL_MAP, .map = &m->base };
    default: return CEL_NULL_VALUE;
    }
}

/* ---- as declared ------------------------------------------------------------------------------ */

/* As Go names what it did not want. */
static const char *go_name(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_TRUE:
    case JSON_FALSE: return "bool";
    case JSON_INTEGER: return "int64";
    case JSON_REAL: return "float64";
    case JSON_STRING: return "string";
    case JSON_ARRAY: return "[]interface {}";
    case JSON_OBJECT: return "map[string]interface {}";
    default: return "<nil>";
    }
}

static struct cel_value misfit(struct cel_run *run, const char *want, const json_t *v)
{
    return cel_error(run, "invalid data, expected %s, got %s", want, go_name(v));
}

/* A date stands for its midnight. */
static struct cel_value date(struct cel_run *run, const char *s, size_t len)
{
    char *text = arena_printf(run->arena, "%.*sT00:00:00Z", (int)len, s);
    struct cel_value v = cel_timestamp_parse(run, text, strlen(text));

    return cel_is_error(v) ? cel_error(run, "Invalid date formatted string %.*s: invalid date", (int)len, s) : v;
}

static struct cel_value bytes(struct cel_run *run, const char *s)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t other = strcspn(s, "+/");              /* digits to the schema, not to who decodes: for URLs there are others */
    int64_t len = s[other] ? -1 - (int64_t)other : base64_decode(&b, s, strlen(s));

    if (len < 0)
        return cel_error(run, "Invalid byte formatted string %s: illegal base64 data at input byte %lld", s,
                         (long long)(-1 - len));
    return cel_bytes(arena_strndup(run->arena, b.data ? b.data : "", b.len), b.len);
}

/* A string of a format is a value of its own. */
static struct cel_value formatted(struct cel_run *run, const json_t *v, const struct cel_type *type)
{
    const char *s = json_string_value(v);
    size_t len = json_string_length(v);
    struct cel_value made;

    switch (type->kind) {
    case CEL_TYPE_DURATION:
        made = cel_duration_parse(run, s, len);
        return cel_is_error(made) ? cel_error(run, "Invalid duration %s: unable to parse %s as duration", s, s) : made;
    case CEL_TYPE_TIMESTAMP:
        if (type->format && streq(type->format, "date"))
            return date(run, s, len);
        made = cel_timestamp_parse(run, s, len);
        return cel_is_error(made) ? cel_error(run, "Invalid date-time formatted string %s: invalid date-time", s) : made;
    case CEL_TYPE_BYTES: return bytes(run, s);
    default: return cel_string(s, len);
    }
}

static struct cel_value typed_list(struct cel_run *run, const json_t *v, const struct cel_type *type)
{
    struct json_list *l = arena_alloc(run->arena, sizeof(*l));

    *l = (struct json_list){ .base = { type->list_kind == CEL_LIST_ATOMIC ? &typed_list_ops : &place_ops, json_array_size(v) },
                             .json = v, .element = type->params[0], .type = type };
    return (struct cel_value){ .kind = CEL_LIST, .list = &l->base };
}

static struct cel_value typed_map(struct cel_run *run, const json_t *v, const struct cel_type *type)
{
    struct json_map *m = arena_alloc(run->arena, sizeof(*m));
    bool object = type->kind == CEL_TYPE_OBJECT;

    *m = (struct json_map){ .base = { object ? &object_ops : &typed_map_ops, json_object_size(v), object ? type : NULL }, .json = v,
                            .value = object ? NULL : type->params[1], .arena = run->arena };
    return (struct cel_value){ .kind = object ? CEL_OBJECT : CEL_MAP, .map = &m->base };
}

struct cel_value cel_value_typed(struct cel_run *run, const json_t *v, const struct cel_type *type)
{
    if (!v || json_is_null(v)) {
        if (type->kind == CEL_TYPE_DYN || type->kind == CEL_TYPE_NULL || type->nullable)
            return CEL_NULL_VALUE;
        return cel_error(run, "invalid data, got null for schema with nullable=false");
    }
    switch (type->kind) {
    case CEL_TYPE_BOOL: return json_is_boolean(v) ? cel_bool(json_is_true(v)) : misfit(run, "bool", v);
    case CEL_TYPE_INT: return json_is_integer(v) ? cel_int(json_integer_value(v)) : misfit(run, "int", v);
    case CEL_TYPE_UINT:
        return json_is_integer(v) && json_integer_value(v) >= 0 ? cel_uint((uint64_t)json_integer_value(v))
                                                                : misfit(run, "uint", v);
    case CEL_TYPE_DOUBLE: return json_is_number(v) ? cel_double(json_number_value(v)) : misfit(run, "float", v);
    case CEL_TYPE_STRING:
    case CEL_TYPE_BYTES:
    case CEL_TYPE_DURATION:
    case CEL_TYPE_TIMESTAMP: return json_is_string(v) ? formatted(run, v, type) : misfit(run, "string", v);
    case CEL_TYPE_LIST:
        return json_is_array(v) ? typed_list(run, v, type)
                                : cel_error(run, "invalid data, expected an array for the provided schema with type=array");
    case CEL_TYPE_MAP:
    case CEL_TYPE_OBJECT:
        return json_is_object(v) ? typed_map(run, v, type)
                                 : cel_error(run, "invalid data, expected a map for the provided schema with type=object");
    case CEL_TYPE_WRAPPER: return cel_value_typed(run, v, type->params[0]);
    default: return cel_value_json(run->arena, v);
    }
}

/* ---- lists ------------------------------------------------------------------------------------ */

static const json_t *item(const struct json_list *l, size_t i)
{
    return l->owned ? l->own.v[i].json : json_array_get(l->json, i);
}

static struct cel_value list_get(struct cel_run *run, const struct cel_list *list, size_t i)
{
    const struct json_list *l = (const struct json_list *)list;

    if (l->owned && !l->own.v[i].json)
        return l->own.v[i].value;
    return l->element ? cel_value_typed(run, item(l, i), l->element) : cel_value_json(run->arena, item(l, i));
}

static const struct json_list *as_json_list(const struct cel_list *l)
{
    return l->ops->get == list_get ? (const struct json_list *)l : NULL;
}

static struct element element_of(struct cel_run *run, const struct cel_list *list, size_t i)
{
    const struct json_list *l = as_json_list(list);
    struct element e = { .value = cel_list_get(run, list, i) };

    e.json = l ? item(l, i) : cel_value_json_of(e.value);
    return e;
}

static bool same_keys(const struct cel_type *type, const json_t *a, const json_t *b)
{
    for (const char *const *key = type->list_keys; key && *key; key++)
        if (!json_same(json_object_get(a, *key), json_object_get(b, *key)))
            return false;
    return true;
}

/* Where an element with the same keys stands, or for sets the same value; l->base.n: nowhere. */
static size_t place_of(struct cel_run *run, const struct json_list *l, const struct element *e)
{
    bool set = l->type->list_kind == CEL_LIST_SET;

    for (size_t i = 0; i < l->base.n && (set || e->json); i++)
        if (!cel_work(run, 1) || (set ? cel_is_true(cel_equal(run, list_get(run, &l->base, i), e->value))
                                      : same_keys(l->type, item(l, i), e->json)))
            return i;
    return l->base.n;
}

/* What cannot be told of two elements cannot be told of the lists. */
static struct cel_value equal_in_order(struct cel_run *run, const struct cel_list *list, const struct cel_list *other)
{
    if (list->n != other->n)
        return cel_bool(false);
    for (size_t i = 0; i < list->n; i++) {
        struct cel_value eq = cel_equal(run, cel_list_get(run, list, i), cel_list_get(run, other, i));
        if (!cel_is_true(eq) || run->ended)
            return eq;
    }
    return cel_bool(true);
}

/* Order does not count in sets and maps. */
static struct cel_value equal_by_place(struct cel_run *run, const struct cel_list *list, const struct cel_list *other)
{
    const struct json_list *l = (const struct json_list *)list;

    if (l->base.n != other->n)
        return cel_bool(false);
    for (size_t i = 0; i < other->n; i++) {
        struct element e = element_of(run, other, i);
        struct cel_value eq;
        size_t place = place_of(run, l, &e);
        if (place == l->base.n)
            return cel_bool(false);
        eq = cel_equal(run, list_get(run, list, place), e.value);
        if (!cel_is_true(eq) || run->ended)
            return eq;
    }
    return cel_bool(true);
}

/* What is there already keeps its place; of a map its content is the newer. */
static struct cel_value add_by_place(struct cel_run *run, const struct cel_list *list, const struct cel_list *other)
{
    const struct json_list *l = (const struct json_list *)list;
    struct json_list *made = arena_memdup(run->arena, l, sizeof(*l));

    memset(&made->own, 0, sizeof(made->own));
    made->owned = true;
    for (size_t i = 0; i < l->base.n; i++)
        *arena_push(run->arena, &made->own) = element_of(run, list, i);
    for (size_t i = 0; i < other->n; i++) {
        struct element e = element_of(run, other, i);
        size_t place;
        if (!e.json && l->type->list_kind == CEL_LIST_MAP)
            return cel_no_such_overload(run);
        made->base.n = made->own.n;
        place = place_of(run, made, &e);
        if (place == made->base.n)
            *arena_push(run->arena, &made->own) = e;
        else if (l->type->list_kind == CEL_LIST_MAP)
            made->own.v[place] = e;
    }
    made->base.n = made->own.n;
    return (struct cel_value){ .kind = CEL_LIST, .list = &made->base };
}

static const struct cel_list_ops list_ops = { .get = list_get };
static const struct cel_list_ops typed_list_ops = { .get = list_get, .equal = equal_in_order, .strict = true };
static const struct cel_list_ops place_ops = { .get = list_get, .equal = equal_by_place, .add = add_by_place,
                                               .strict = true };

/* ---- maps and objects --------------------------------------------------------------------------- */

static struct cel_value member(struct cel_run *run, const struct json_map *m, const json_t *v)
{
    return m->value ? cel_value_typed(run, v, m->value) : cel_value_json(run->arena, v);
}

static bool object_find(struct cel_run *run, const struct json_map *m, struct cel_value key, struct cel_value *ret)
{
    const char *json_name;
    struct cel_field f;
    const json_t *v;

    if (!cel_type_find_field(m->base.type, key.s, key.len, &f))
        return false;
    json_name = f.json_name ? f.json_name : f.name;
    v = json_object_get(m->json, json_name);
    if (!v || json_is_null(v))                    /* a null is as good as nothing */
        return false;
    *ret = cel_value_typed(run, v, f.type);
    return true;
}

static bool map_find(struct cel_run *run, const struct cel_map *map, struct cel_value key, struct cel_value *ret)
{
    const struct json_map *m = (const struct json_map *)map;
    const json_t *v;

    if (key.kind != CEL_STRING && map->ops->strict) {
        *ret = cel_no_such_overload(run);
        return true;
    }
    if (key.kind != CEL_STRING)
        return false;
    if (map->type)
        return object_find(run, m, key, ret);
    v = json_object_getn(m->json, key.s, key.len);
    if (!v)
        return false;
    *ret = member(run, m, v);
    return true;
}

/* The field that a member of the data is; false: no field is. */
static bool field_of(const struct cel_type *type, const char *json_name, struct cel_field *ret)
{
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct cel_field *f = &type->fields[i];
        if (streq(f->json_name ? f->json_name : f->name, json_name)) {
            *ret = *f;
            return true;
        }
    }
    return type->find_field && type->find_field(type, json_name, strlen(json_name), ret);
}

static bool map_next(struct cel_run *run, const struct cel_map *map, void **pos, struct cel_value *ret_key,
                     struct cel_value *ret_value)
{
    const struct json_map *m = (const struct json_map *)map;
    json_t *json = (json_t *)m->json;             /* jansson's iterators want it so; nothing is changed */
    void *it = *pos ? json_object_iter_next(json, *pos) : json_object_iter(json);
    struct cel_field f;

    for (; it; it = json_object_iter_next(json, it)) {
        const json_t *v = json_object_iter_value(it);
        const char *key = json_object_iter_key(it);
        *pos = it;
        if (!map->type) {
            *ret_key = cel_string(key, json_object_iter_key_len(it));
            *ret_value = member(run, m, v);
            return true;
        }
        if (!json_is_null(v) && field_of(map->type, key, &f)) {
            *ret_key = cel_str(f.name);
            *ret_value = cel_value_typed(run, v, f.type);
            return true;
        }
    }
    return false;
}

/* Members that no field declares are compared as they are. */
static struct cel_value object_equal(struct cel_run *run, const struct cel_map *map, const struct cel_map *other)
{
    const struct json_map *m = (const struct json_map *)map;
    const json_t *others = other->ops == &object_ops ? ((const struct json_map *)other)->json : NULL;
    struct cel_value theirs;
    const char *key;
    json_t *v;

    if (map->n != other->n)
        return cel_bool(false);
    json_object_foreach((json_t *)m->json, key, v) {
        struct cel_field f;
        struct cel_value eq;
        bool there;
        if (!field_of(map->type, key, &f)) {
            if (!others)
                return cel_no_such_overload(run);
            if (json_object_get(others, key) && !json_same(v, json_object_get(others, key)))
                return cel_bool(false);
            continue;
        }
        there = cel_map_find(run, other, cel_str(f.name), &theirs);
        if (there == json_is_null(v))
            return cel_bool(false);
        if (!there)
            continue;
        eq = cel_equal(run, cel_value_typed(run, v, f.type), theirs);
        if (!cel_is_true(eq) || run->ended)
            return eq;
    }
    return cel_bool(true);
}

static struct cel_value map_equal(struct cel_run *run, const struct cel_map *map, const struct cel_map *other)
{
    struct cel_value key, value, theirs;
    void *pos = NULL;

    if (map->n != other->n)
        return cel_bool(false);
    while (cel_map_next(run, map, &pos, &key, &value)) {
        struct cel_value eq;
        if (!cel_map_find(run, other, key, &theirs))
            return cel_bool(false);
        eq = cel_equal(run, value, theirs);
        if (!cel_is_true(eq) || run->ended)
            return eq;
    }
    return cel_bool(true);
}

static const struct cel_map_ops map_ops = { .find = map_find, .next = map_next };
static const struct cel_map_ops typed_map_ops = { .find = map_find, .next = map_next, .equal = map_equal, .strict = true };
static const struct cel_map_ops object_ops = { .find = map_find, .next = map_next, .equal = object_equal, .strict = true };

const json_t *cel_value_json_of(struct cel_value v)
{
    if (v.kind == CEL_LIST && v.list->ops->get == list_get)
        return ((const struct json_list *)v.list)->json;
    if ((v.kind == CEL_MAP || v.kind == CEL_OBJECT) && v.map->ops->next == map_next)
        return ((const struct json_map *)v.map)->json;
    return NULL;
}

/* ---- values as JSON ------------------------------------------------------------------------------ */

struct writing {
    struct cel_run *run;
    struct cel_value v;
    json_t *made;
    const char *wrong;
};

static json_t *to_json(struct cel_run *run, struct cel_value v, const char **ret_wrong)
{
    return cel_value_to_json(run, v, ret_wrong);
}

static json_t *list_to_json(struct writing *w)
{
    json_auto_t *made = json_array();

    for (size_t i = 0; i < w->v.list->n; i++) {
        json_t *element = to_json(w->run, cel_list_get(w->run, w->v.list, i), &w->wrong);
        if (!element)
            return NULL;
        json_array_append_new(made, element);
    }
    return json_incref(made);
}

static json_t *map_to_json(struct writing *w)
{
    json_auto_t *made = json_object();
    struct cel_value key, v;
    void *pos = NULL;

    while (cel_map_next(w->run, w->v.map, &pos, &key, &v)) {
        struct cel_value name = cel_to_string(w->run, key);
        json_t *value = name.kind == CEL_STRING ? to_json(w->run, v, &w->wrong) : NULL;
        if (!value)
            return NULL;
        json_object_setn_new_nocheck(made, name.s, name.len, value);
    }
    return json_incref(made);
}

static void write_inside(void *arg)
{
    struct writing *w = arg;

    if (w->v.kind == CEL_LIST)
        w->made = list_to_json(w);
    else if (w->v.kind == CEL_OPTIONAL)
        w->made = to_json(w->run, *w->v.optional, &w->wrong);
    else
        w->made = map_to_json(w);
}

static json_t *string_to_json(struct cel_value s)
{
    return json_stringn_nocheck(s.s, s.len);
}

json_t *cel_value_to_json(struct cel_run *run, struct cel_value v, const char **ret_wrong)
{
    struct writing w = { .run = run, .v = v, .wrong = "the value is too large" };
    cleanup_buf struct buf encoded = BUF_INIT;

    if (!cel_work(run, 1)) {
        *ret_wrong = w.wrong;
        return NULL;
    }
    switch (v.kind) {
    case CEL_ERROR: *ret_wrong = v.error; return NULL;
    case CEL_NULL: return json_null();
    case CEL_BOOL: return json_boolean(v.b);
    case CEL_INT: return json_integer(v.i);
    case CEL_UINT: return v.u <= INT64_MAX ? json_integer((json_int_t)v.u) : json_real((double)v.u);
    case CEL_DOUBLE:
        *ret_wrong = "a number that JSON does not have";
        return isfinite(v.d) ? json_real(v.d) : NULL;
    case CEL_STRING: return string_to_json(v);
    case CEL_TIMESTAMP: return json_string(cel_timestamp_text(run->arena, v));
    case CEL_DURATION: return json_string(cel_duration_text(run->arena, v.i));
    case CEL_BYTES:
        base64_encode(&encoded, v.s, v.len);
        return json_string(encoded.data ? encoded.data : "");
    case CEL_TYPE:
    case CEL_OPAQUE:
        v = cel_to_string(run, v);
        *ret_wrong = v.kind == CEL_ERROR ? v.error : NULL;
        return v.kind == CEL_STRING ? string_to_json(v) : NULL;
    case CEL_OPTIONAL:
        *ret_wrong = "optional.none() dereference";
        if (!v.optional)
            return NULL;
        break;
    case CEL_LIST:
    case CEL_MAP:
    case CEL_OBJECT:
        break;
    }
    if (!cel_run_deeper(run, write_inside, &w) || !w.made)
        *ret_wrong = w.wrong;
    return w.made;
}
