/* value.h — the values of CEL.
 *
 * A value is three words, passed and returned by value. What it points to is immutable and lives in an arena, or
 * is a borrowed json_t tree that outlives the evaluation: a list or a map over JSON converts an element when it
 * is asked for, so nothing is copied. Lists, maps and opaque values are small objects with a table of
 * functions; a library brings its own by embedding the base.
 *
 * An error is a value too: functions return it, && and || may absorb it.
 */
#pragma once

#include <jansson.h>

#include "kube/cel/type.h"
#include "world/buf.h"

enum cel_kind {
    CEL_ERROR,
    CEL_NULL,
    CEL_BOOL,
    CEL_INT,
    CEL_UINT,
    CEL_DOUBLE,
    CEL_STRING,
    CEL_BYTES,
    CEL_TIMESTAMP,
    CEL_DURATION,
    CEL_LIST,
    CEL_MAP,
    CEL_OBJECT,                                  /* a map whose fields a type declares: `map`, with map->type */
    CEL_TYPE,
    CEL_OPTIONAL,
    CEL_OPAQUE
};

struct cel_run;                                  /* one evaluation (below) */
struct cel_list;
struct cel_map;
struct cel_opaque;

struct cel_value {
    enum cel_kind kind;
    union {
        bool b;
        int64_t i;                               /* CEL_DURATION: nanoseconds */
        uint64_t u;
        double d;
        struct {
            const char *s;                       /* CEL_STRING, CEL_BYTES; not NUL-terminated; valid UTF-8 if a string */
            size_t len;
        };
        struct {
            int64_t s;                           /* since 1970-01-01T00:00:00Z */
            int32_t ns;
            int32_t offset_s;                    /* of the zone it was written in, east of UTC; only string(x) shows it */
        } time;
        const struct cel_list *list;
        const struct cel_map *map;
        const struct cel_type *type;
        const struct cel_value *optional;        /* NULL: none */
        const struct cel_opaque *opaque;
        const char *error;                       /* the sentence */
    };
};

#define CEL_NULL_VALUE ((struct cel_value){ .kind = CEL_NULL })
static inline struct cel_value cel_bool(bool b) { return (struct cel_value){ .kind = CEL_BOOL, .b = b }; }
static inline struct cel_value cel_int(int64_t i) { return (struct cel_value){ .kind = CEL_INT, .i = i }; }
static inline struct cel_value cel_uint(uint64_t u) { return (struct cel_value){ .kind = CEL_UINT, .u = u }; }
static inline struct cel_value cel_double(double d) { return (struct cel_value){ .kind = CEL_DOUBLE, .d = d }; }
static inline struct cel_value cel_string(const char *s, size_t len)
{
    return (struct cel_value){ .kind = CEL_STRING, .s = s, .len = len };
}
static inline struct cel_value cel_str(const char *s) { return cel_string(s, strlen(s)); }
static inline struct cel_value cel_bytes(const char *s, size_t len)
{
    return (struct cel_value){ .kind = CEL_BYTES, .s = s, .len = len };
}
static inline struct cel_value cel_duration(int64_t ns) { return (struct cel_value){ .kind = CEL_DURATION, .i = ns }; }
static inline struct cel_value cel_timestamp(int64_t s, int32_t ns)
{
    return (struct cel_value){ .kind = CEL_TIMESTAMP, .time = { s, ns, 0 } };
}
static inline struct cel_value cel_type_value(const struct cel_type *t)
{
    return (struct cel_value){ .kind = CEL_TYPE, .type = t };
}
static inline struct cel_value cel_opaque(const struct cel_opaque *o)
{
    return (struct cel_value){ .kind = CEL_OPAQUE, .opaque = o };
}
static inline bool cel_is_error(struct cel_value v) { return v.kind == CEL_ERROR; }
static inline bool cel_is_true(struct cel_value v) { return v.kind == CEL_BOOL && v.b; }

/* ---- one evaluation --------------------------------------------------------------------------- */

/* What every function gets. Everything a function makes goes into cel_arena(run). */
struct arena *cel_arena(struct cel_run *run);
struct cel_value cel_error(struct cel_run *run, const char *fmt, ...) PRINTF(2, 3);
/* "no such overload": what a function says of arguments it was not declared for. */
struct cel_value cel_no_such_overload(struct cel_run *run);
/* Spends internal work (steps of a traversal whose cost CEL does not count); false: end at once with
 * cel_overrun(run), or an expression could keep the server busy for ever. */
bool cel_work(struct cel_run *run, size_t steps);
struct cel_value cel_overrun(struct cel_run *run);

/* A compiled pattern, kept until the run ends; NULL with *ret_wrong, Go's sentence. */
struct regex;
const struct regex *cel_regex(struct cel_run *run, const char *pattern, size_t len, const char **ret_wrong);

/* A run outside of an evaluation, to call library functions in tests. */
struct cel_run *cel_run_new(struct arena *a);
struct cel_run *cel_run_free(struct cel_run *run);                 /* NULL is fine; returns NULL */

/* ---- lists, maps, opaque values --------------------------------------------------------------- */

struct cel_list_ops {
    struct cel_value (*get)(struct cel_run *run, const struct cel_list *l, size_t i);        /* i < n */
    /* NULL: element by element; else it decides (bool or error). `other` is a list. */
    struct cel_value (*equal)(struct cel_run *run, const struct cel_list *l, const struct cel_list *other);
    /* NULL: one after the other. */
    struct cel_value (*add)(struct cel_run *run, const struct cel_list *l, const struct cel_list *other);
    bool strict;                                 /* l == 1 is "no such overload", not false */
};
struct cel_list {
    const struct cel_list_ops *ops;
    size_t n;
};

struct cel_map_ops {
    /* The value of a key; false: there is none. What it finds may be an error. */
    bool (*find)(struct cel_run *run, const struct cel_map *m, struct cel_value key, struct cel_value *ret);
    /* Entries in order. *pos is NULL at first and belongs to the map. false: that was all. */
    bool (*next)(struct cel_run *run, const struct cel_map *m, void **pos, struct cel_value *ret_key,
                 struct cel_value *ret_value);
    /* NULL: entry by entry; else it decides (bool or error). `other` is a map. */
    struct cel_value (*equal)(struct cel_run *run, const struct cel_map *m, const struct cel_map *other);
    bool strict;                                 /* m == 1 is "no such overload", not false */
};
struct cel_map {
    const struct cel_map_ops *ops;
    size_t n;
    const struct cel_type *type;                 /* of a CEL_OBJECT; else NULL */
};

struct cel_opaque_ops {
    const struct cel_type *type;
    /* Of two with the same ops; NULL: never equal. bool or error. */
    struct cel_value (*equal)(struct cel_run *run, const struct cel_opaque *a, const struct cel_opaque *b);
    uint64_t (*size)(const struct cel_opaque *o);                  /* for costs; NULL: 1 */
    /* string(x), type conversions: false where there is none. NULL: none at all. */
    bool (*convert)(struct cel_run *run, const struct cel_opaque *o, const struct cel_type *to, struct cel_value *ret);
};
struct cel_opaque {
    const struct cel_opaque_ops *ops;
};

struct cel_value cel_list_of(struct arena *a, const struct cel_value *v, size_t n);         /* copies v */
/* Keys and values in turn: v[0] is the first key, v[1] its value; keys differ. Copies v. */
struct cel_value cel_map_of(struct arena *a, const struct cel_value *v, size_t n_entries);
/* Fields by name, of an object type. */
struct cel_value cel_object_of(struct arena *a, const struct cel_type *type, const struct cel_value *v, size_t n_fields);
struct cel_value cel_optional_of(struct arena *a, struct cel_value v);
struct cel_value cel_optional_none(void);

static inline struct cel_value cel_list_get(struct cel_run *run, const struct cel_list *l, size_t i)
{
    return l->ops->get(run, l, i);
}
/* find, with 1, 1u and 1.0 as the same key. */
bool cel_map_find(struct cel_run *run, const struct cel_map *m, struct cel_value key, struct cel_value *ret);
static inline bool cel_map_next(struct cel_run *run, const struct cel_map *m, void **pos, struct cel_value *ret_key,
                                struct cel_value *ret_value)
{
    return m->ops->next(run, m, pos, ret_key, ret_value);
}

/* ---- from and to JSON ------------------------------------------------------------------------- */

/* JSON as it is: int, double, string, bool, null, list(dyn), map(string, dyn). Borrows `v`. */
struct cel_value cel_value_json(struct arena *a, const json_t *v);

/* JSON as a type declares it: objects with their fields, "duration" strings as durations, integers as doubles
 * where a number is declared, and the type's list_kind. NULL counts as null. What does not fit is an error value
 * ("invalid data, expected int, got string"). Borrows `v` and `type`. */
struct cel_value cel_value_typed(struct cel_run *run, const json_t *v, const struct cel_type *type);

/* A new tree; NULL with *ret_wrong where the value has no JSON form. Timestamps, durations and bytes become strings. */
json_t *cel_value_to_json(struct cel_run *run, struct cel_value v, const char **ret_wrong);

/* The tree a value of cel_value_json or cel_value_typed is a view of, or NULL. Borrowed. */
const json_t *cel_value_json_of(struct cel_value v);

/* ---- what one asks of values ------------------------------------------------------------------ */

const struct cel_type *cel_value_type(struct cel_value v);         /* list(dyn) for any list */
/* a == b: a bool, or an error. Numbers compare by value across types; other kinds differ. */
struct cel_value cel_equal(struct cel_run *run, struct cel_value a, struct cel_value b);
/* -1, 0, 1 in *ret; false where the two have no order. */
bool cel_compare(struct cel_value a, struct cel_value b, int *ret);
/* Code points of strings, bytes, elements, entries; of other values 1: what costs are counted by. */
uint64_t cel_size(struct cel_value v);

/* What string(x) says; and a literal-like rendering for messages and tests: `{"a": [1, 2u, 1.5, b"x"]}`. */
struct cel_value cel_to_string(struct cel_run *run, struct cel_value v);
void cel_write(struct cel_run *run, struct buf *b, struct cel_value v);
