/* type.h — the types of CEL: what the checker reasons with, and what type(x) names.
 *
 * A type is an immutable value, shared freely; it lives in the arena it was made in, or is one of the
 * constants below. Two types are the same when cel_type_same says so, never by address. Object types are
 * declared by whoever knows the schema: a name and a way to find fields.
 */
#pragma once

#include "world/arena.h"

enum cel_type_kind {
    CEL_TYPE_ERROR,                              /* what could not be typed; agrees with everything */
    CEL_TYPE_DYN,
    CEL_TYPE_NULL,
    CEL_TYPE_BOOL,
    CEL_TYPE_INT,
    CEL_TYPE_UINT,
    CEL_TYPE_DOUBLE,
    CEL_TYPE_STRING,
    CEL_TYPE_BYTES,
    CEL_TYPE_TIMESTAMP,
    CEL_TYPE_DURATION,
    CEL_TYPE_LIST,                               /* one parameter */
    CEL_TYPE_MAP,                                /* two */
    CEL_TYPE_OBJECT,                             /* fields, by name */
    CEL_TYPE_OPAQUE,                             /* a library's own: optional_type, net.URL, kubernetes.Quantity */
    CEL_TYPE_TYPE,                               /* the type of types; one parameter or none */
    CEL_TYPE_PARAM,                              /* A, B in a signature, or a variable of the checker */
    CEL_TYPE_WRAPPER                             /* one parameter: that type, or null (google.protobuf.Int64Value) */
};

struct cel_type;

struct cel_field {
    const char *name;                            /* as an expression spells it (escaped, where escaping applies) */
    const char *json_name;                       /* the member in the data; NULL: the same */
    const struct cel_type *type;
};

/* How the data of a list behave in == and +, where a schema says so (x-kubernetes-list-type). */
enum cel_list_kind { CEL_LIST_ATOMIC, CEL_LIST_SET, CEL_LIST_MAP };

struct cel_type {
    enum cel_type_kind kind;
    const char *name;                            /* of objects, opaque types and type parameters; else NULL */
    size_t n_params;
    const struct cel_type *const *params;

    /* Objects. Either a table, or a function for types too many or too recursive to unfold (it wins). */
    const struct cel_field *fields;
    size_t n_fields;
    bool (*find_field)(const struct cel_type *object, const char *name, size_t len, struct cel_field *ret);

    /* What a schema adds for values that come from JSON (value.h, cel_value_typed). */
    enum cel_list_kind list_kind;
    const char *const *list_keys;                /* CEL_LIST_MAP: names of members, NULL-terminated */
    const char *format;                          /* of strings: "date", "date-time", "duration", "byte" or NULL */
    bool nullable;
    const void *user;                            /* the declarer's own; nobody here looks at it */
};

extern const struct cel_type cel_type_error, cel_type_dyn, cel_type_null, cel_type_bool, cel_type_int, cel_type_uint,
    cel_type_double, cel_type_string, cel_type_bytes, cel_type_timestamp, cel_type_duration, cel_type_type;
extern const struct cel_type cel_type_list_dyn, cel_type_map_dyn;          /* list(dyn), map(dyn, dyn) */

const struct cel_type *cel_type_list(struct arena *a, const struct cel_type *element);
const struct cel_type *cel_type_map(struct arena *a, const struct cel_type *key, const struct cel_type *value);
const struct cel_type *cel_type_optional(struct arena *a, const struct cel_type *value);
const struct cel_type *cel_type_of(struct arena *a, const struct cel_type *described);        /* type(T) */
const struct cel_type *cel_type_opaque(struct arena *a, const char *name);
const struct cel_type *cel_type_object(struct arena *a, const char *name, const struct cel_field *fields, size_t n);
const struct cel_type *cel_type_param(struct arena *a, const char *name);
const struct cel_type *cel_type_wrapper(struct arena *a, const struct cel_type *wrapped);
/* t with other parameters, as many. */
const struct cel_type *cel_type_with_params(struct arena *a, const struct cel_type *t,
                                            const struct cel_type *const *params);

bool cel_type_same(const struct cel_type *a, const struct cel_type *b);
bool cel_type_is_optional(const struct cel_type *t);
bool cel_type_find_field(const struct cel_type *object, const char *name, size_t len, struct cel_field *ret);

/* "int", "list", "optional_type", "net.URL": what type(x) is called, and what messages of the evaluator say. */
const char *cel_type_name(const struct cel_type *t);
/* "list(int)", "map(string, dyn)", "type(int)": what messages of the checker say. */
const char *cel_type_text(struct arena *a, const struct cel_type *t);
/* "list(google.protobuf.Duration)": the same in full, as who asks for a type says what it got. */
const char *cel_type_full_text(struct arena *a, const struct cel_type *t);
/* "(int, string)", or of a member "list(int).(string)": how arguments stand in a message. */
const char *cel_type_signature(struct arena *a, const struct cel_type *const *args, size_t n, bool member);
