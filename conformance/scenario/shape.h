/* shape.h — a language of maps described once: the same table parses it and makes its JSON schema.
 *
 * A shape is a kind of map: its fields, their types, where each lands in a C struct. Every field that
 * is not in the table is an error with file, line and column, and so is every wrong type; so a scenario
 * that parses says only what the runner understands.
 *
 * Ownership: structs, strings and lists live in the arena; JSON values are the parse's own references,
 * kept in `jsons` and released with shape_release().
 */
#pragma once

#include "conformance/scenario/yaml.h"
#include "world/clock.h"

enum field_type {
    FIELD_STRING,                      /* const char * */
    FIELD_BOOL,                        /* bool */
    FIELD_COUNT,                       /* int64_t, not negative */
    FIELD_DURATION,                    /* duration: "500ms", "30s", "5m", "1h" */
    FIELD_WORD,                        /* int: index into `words` */
    FIELD_WORDS,                       /* unsigned: bit set of indices into `words`; one word or a list */
    FIELD_STRINGS,                     /* struct strings */
    FIELD_STRING_MAP,                  /* struct string_map */
    FIELD_OBJECT,                      /* json_t *: a map of anything */
    FIELD_OBJECTS,                     /* struct objects: a list of maps of anything */
    FIELD_JSON,                        /* json_t *: anything */
    FIELD_SHAPE,                       /* struct of `shape` *, NULL when absent */
    FIELD_SHAPES                       /* struct shapes: a list of them */
};

/* Every struct a shape fills begins with it. */
struct at {
    int line, col;
};

struct strings {
    const char **v;
    struct at *at;
    size_t n;
};
struct string_map {
    struct string_pair { const char *key, *value; struct at at; } *v;
    size_t n;
};
struct objects {
    struct object_at { json_t *json; struct at at; } *v;
    size_t n;
};
struct shapes {
    void **v;
    size_t n;
};

enum field_flags {
    FIELD_REQUIRED = 1,
    FIELD_ONE_OF = 2                   /* exactly one of the fields so marked must be there */
};

struct field {
    const char *name;
    enum field_type type;
    unsigned flags;
    size_t offset;
    const struct shape *shape;
    const char *const *words;          /* NULL-terminated */
    const char *doc;
};

struct shape {
    const char *name;                  /* "Step": its definition in the schema */
    const char *doc;
    size_t size;
    const struct field *fields;
    size_t n_fields;
};

struct shape_parse {
    struct arena *arena;
    const char *file;
    struct diags *diags;
    DYN(json_t *) jsons;
};

/* The struct, filled as far as it was right; what was wrong is in the diags. */
void *shape_parse(struct shape_parse *p, const struct shape *s, const struct ynode *n);
void shape_release(struct shape_parse *p);

/* Durations as the language writes them. */
bool duration_parse(const char *text, duration *ret);

/* The JSON schema (draft 2020-12) whose root is `s`, every shape under it as a definition. */
json_t *shape_schema(const struct shape *s, const char *id, const char *title);
