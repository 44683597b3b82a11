#include "kube/cel/type.h"

#include "world/buf.h"

#define CONSTANT(which, KIND) const struct cel_type cel_type_##which = { .kind = CEL_TYPE_##KIND }
CONSTANT(error, ERROR);
CONSTANT(dyn, DYN);
CONSTANT(null, NULL);
CONSTANT(bool, BOOL);
CONSTANT(int, INT);
CONSTANT(uint, UINT);
CONSTANT(double, DOUBLE);
CONSTANT(string, STRING);
CONSTANT(bytes, BYTES);
CONSTANT(timestamp, TIMESTAMP);
CONSTANT(duration, DURATION);
CONSTANT(type, TYPE);

static const struct cel_type *const two_dyns[] = { &cel_type_dyn, &cel_type_dyn };
const struct cel_type cel_type_list_dyn = { .kind = CEL_TYPE_LIST, .n_params = 1, .params = two_dyns };
const struct cel_type cel_type_map_dyn = { .kind = CEL_TYPE_MAP, .n_params = 2, .params = two_dyns };

static const char optional_name[] = "optional_type";

/* ---- making ----------------------------------------------------------------------------------- */

static const struct cel_type *type_new(struct arena *a, enum cel_type_kind kind, const char *name,
                                       const struct cel_type *const *params, size_t n)
{
    struct cel_type *t = arena_alloc(a, sizeof(*t));

    t->kind = kind;
    t->name = name ? arena_strdup(a, name) : NULL;
    t->n_params = n;
    if (n)
        t->params = arena_memdup(a, params, n * sizeof(*params));
    return t;
}

const struct cel_type *cel_type_list(struct arena *a, const struct cel_type *element)
{
    return type_new(a, CEL_TYPE_LIST, NULL, &element, 1);
}

const struct cel_type *cel_type_map(struct arena *a, const struct cel_type *key, const struct cel_type *value)
{
    return type_new(a, CEL_TYPE_MAP, NULL, (const struct cel_type *[]){ key, value }, 2);
}

const struct cel_type *cel_type_optional(struct arena *a, const struct cel_type *value)
{
    return type_new(a, CEL_TYPE_OPAQUE, optional_name, &value, 1);
}

const struct cel_type *cel_type_of(struct arena *a, const struct cel_type *described)
{
    return type_new(a, CEL_TYPE_TYPE, NULL, &described, 1);
}

const struct cel_type *cel_type_opaque(struct arena *a, const char *name)
{
    return type_new(a, CEL_TYPE_OPAQUE, name, NULL, 0);
}

const struct cel_type *cel_type_param(struct arena *a, const char *name)
{
    return type_new(a, CEL_TYPE_PARAM, name, NULL, 0);
}

const struct cel_type *cel_type_wrapper(struct arena *a, const struct cel_type *wrapped)
{
    return type_new(a, CEL_TYPE_WRAPPER, NULL, &wrapped, 1);
}

const struct cel_type *cel_type_object(struct arena *a, const char *name, const struct cel_field *fields, size_t n)
{
    struct cel_type *t = arena_alloc(a, sizeof(*t));

    *t = (struct cel_type){ .kind = CEL_TYPE_OBJECT, .name = arena_strdup(a, name), .n_fields = n };
    if (n)
        t->fields = arena_memdup(a, fields, n * sizeof(*fields));
    return t;
}

const struct cel_type *cel_type_with_params(struct arena *a, const struct cel_type *t,
                                            const struct cel_type *const *params)
{
    struct cel_type *made = arena_memdup(a, t, sizeof(*t));

    made->params = arena_memdup(a, params, t->n_params * sizeof(*params));
    return made;
}

/* ---- asking ----------------------------------------------------------------------------------- */

static bool same_name(const struct cel_type *a, const struct cel_type *b)
{
    return a->name == b->name || (a->name && b->name && streq(a->name, b->name));
}

/* Types nest as deep as literals or schemas do: bounded by the parser and by who declares. */
bool cel_type_same(const struct cel_type *a, const struct cel_type *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->n_params != b->n_params || !same_name(a, b))
        return false;
    for (size_t i = 0; i < a->n_params; i++)
        if (!cel_type_same(a->params[i], b->params[i]))
            return false;
    return true;
}

bool cel_type_is_optional(const struct cel_type *t)
{
    return t->kind == CEL_TYPE_OPAQUE && streq(t->name, optional_name);
}

bool cel_type_find_field(const struct cel_type *object, const char *name, size_t len, struct cel_field *ret)
{
    if (object->find_field)
        return object->find_field(object, name, len, ret);
    for (size_t i = 0; i < object->n_fields; i++)
        if (strlen(object->fields[i].name) == len && memcmp(object->fields[i].name, name, len) == 0) {
            *ret = object->fields[i];
            return true;
        }
    return false;
}

/* ---- in words --------------------------------------------------------------------------------- */

const char *cel_type_name(const struct cel_type *t)
{
    static const char *const names[] = {
        [CEL_TYPE_ERROR] = "error",
        [CEL_TYPE_DYN] = "dyn",
        [CEL_TYPE_NULL] = "null_type",
        [CEL_TYPE_BOOL] = "bool",
        [CEL_TYPE_INT] = "int",
        [CEL_TYPE_UINT] = "uint",
        [CEL_TYPE_DOUBLE] = "double",
        [CEL_TYPE_STRING] = "string",
        [CEL_TYPE_BYTES] = "bytes",
        [CEL_TYPE_TIMESTAMP] = "google.protobuf.Timestamp",
        [CEL_TYPE_DURATION] = "google.protobuf.Duration",
        [CEL_TYPE_LIST] = "list",
        [CEL_TYPE_MAP] = "map",
        [CEL_TYPE_TYPE] = "type",
    };

    if (t->kind == CEL_TYPE_WRAPPER)
        return cel_type_name(t->params[0]);
    return t->name ? t->name : names[t->kind];
}

/* A type may name itself many times over: nobody reads more. */
enum { TEXT_MAX = 65536 };

static void write_type(struct buf *b, const struct cel_type *t, bool full)
{
    if (b->len > TEXT_MAX)
        return;
    switch (t->kind) {
    case CEL_TYPE_ERROR: buf_add_str(b, "!error!"); return;
    case CEL_TYPE_NULL: buf_add_str(b, full ? "null_type" : "null"); return;
    case CEL_TYPE_TIMESTAMP: buf_add_str(b, full ? "google.protobuf.Timestamp" : "timestamp"); return;
    case CEL_TYPE_DURATION: buf_add_str(b, full ? "google.protobuf.Duration" : "duration"); return;
    case CEL_TYPE_WRAPPER: buf_printf(b, "wrapper(%s)", cel_type_name(t)); return;
    default: buf_add_str(b, cel_type_name(t));
    }
    for (size_t i = 0; i < t->n_params; i++) {
        buf_add_str(b, i ? ", " : "(");
        write_type(b, t->params[i], full);
    }
    if (t->n_params)
        buf_add_char(b, ')');
}

const char *cel_type_text(struct arena *a, const struct cel_type *t)
{
    cleanup_buf struct buf b = BUF_INIT;

    write_type(&b, t, false);
    return arena_strndup(a, b.data, b.len);
}

const char *cel_type_full_text(struct arena *a, const struct cel_type *t)
{
    cleanup_buf struct buf b = BUF_INIT;

    write_type(&b, t, true);
    return arena_strndup(a, b.data, b.len);
}

const char *cel_type_signature(struct arena *a, const struct cel_type *const *args, size_t n, bool member)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t first = member ? 1 : 0;

    if (member) {
        write_type(&b, args[0], false);
        buf_add_char(&b, '.');
    }
    buf_add_char(&b, '(');
    for (size_t i = first; i < n; i++) {
        if (i > first)
            buf_add_str(&b, ", ");
        write_type(&b, args[i], false);
    }
    buf_add_char(&b, ')');
    return arena_strndup(a, b.data, b.len);
}
