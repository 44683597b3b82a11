/* json.h — bytes to json_t and back as Go's encoding/json (and sigs.k8s.io/json) do it, and what one
 * does with trees that are shared.
 *
 * jansson holds the tree; parser, serialiser, deep copy, equality and the freeing of deep trees are
 * ours: none of them recurses, so a body of 10,000 levels is safe on a 256 KiB stack. For that every
 * program that links kube_dep has json_delete, json_deep_copy, json_equal and the calls that overwrite a
 * member wrapped at link time (meson.build): json_decref and json_auto_t stay what one writes.
 *
 * Shared trees are never edited. Either make the next tree with json_with()/json_without(), which
 * share what they did not touch, or take a tree over with json_own() and go down with json_own_*():
 * copy on write, one level at a time, only where somebody else holds a reference.
 *
 * Promises
 *  (1) What json_write prints, json_parse reads back to an equal tree; but whole floats print as integers, so
 *      they come back as such (as they do in Go).
 *  (2) An int64 survives byte-exactly; 1 and 1.0 are different values.
 *  (3) Errors are Go's sentences: "invalid character 'x' looking for beginning of value".
 *  (4) No function here recurses or allocates more than a constant times the size of its input.
 */
#pragma once

#include <jansson.h>

#include "world/buf.h"
#include "world/err.h"

/* ---- parsing --------------------------------------------------------------------------------- */

#define JSON_PARSE_DEPTH_MAX 10000               /* deeper: "... exceeded max depth", as Go says */

enum json_parse_flags {
    /* A repeated member whose two values are objects becomes their union, as when Go decodes twice
     * into one struct. Without it the last one replaces the former (maps, custom resources). */
    JSON_PARSE_MERGE_DUPLICATES = 1,
    /* Accept bytes after the value; notes->consumed tells where it ended. */
    JSON_PARSE_PREFIX = 2,
    /* Note every scalar that json_write(flags 0) would spell otherwise, strings too. */
    JSON_PARSE_SPELLINGS = 4
};

/* A scalar whose tree does not spell it as the sender did ("1.0", "1e3", "9223372036854775808"). */
struct json_spelling {
    const json_t *node;                          /* not a reference: compare only */
    const char *text;
};

/* What the parser noticed besides the value; all of it in `arena`. */
struct json_notes {
    struct arena *arena;                         /* set by the caller */
    const char **duplicates;                     /* paths "spec.a[0].b", distinct, in order, at most 100 */
    size_t n_duplicates;
    const struct json_spelling *spellings;       /* numbers, at most 1000; or JSON_PARSE_SPELLINGS */
    size_t n_spellings;
    size_t depth;                                /* of containers: 1 is "{}"; replaced duplicates count */
    size_t consumed;
    /* The first number too big for a float64, as written; the tree has 0 in its place. NULL: none. */
    const char *overflow;
};
#define JSON_NOTES_IN(a) ((struct json_notes){ .arena = (a) })

/* A new tree, or NULL with `e` (-ERR_INVALID; the message is Go's). Invalid UTF-8 becomes U+FFFD, NUL is
 * kept (use json_string_length), and hidden in a key (nul.h). `notes` and `e` may be NULL. */
json_t *json_parse(const char *text, size_t len, unsigned flags, struct json_notes *notes,
                   struct err *e);
json_t *json_parse_str(const char *text);        /* NULL when it is not JSON: for our own literals */

/* The text of a number as its sender wrote it, or NULL where it was spelt as we would. Linear. */
const char *json_notes_number(const struct json_notes *notes, const json_t *node);

/* Checks syntax only, from `text` on: the length of the value that starts there (white space before it
 * included), or 0 with `e`. Used to cut raw values out of a body without building them. */
size_t json_scan(const char *text, size_t len, struct err *e);

/* ---- printing -------------------------------------------------------------------------------- */

enum json_write_flags {
    JSON_WRITE_SORTED = 1,                       /* members by key, bytewise: Go's maps */
    JSON_WRITE_PLAIN = 2,                        /* leave < > & alone (Go's SetEscapeHTML(false)) */
    JSON_WRITE_INDENT = 4                        /* two spaces a level, as MarshalIndent */
};
/* Compact, no newline at the end. The API server escapes < > &: flags 0. */
void json_write(struct buf *b, const json_t *v, unsigned flags);
char *json_text(const json_t *v, unsigned flags);                /* the caller's to free */
struct blob *json_blob(const json_t *v, unsigned flags);
json_t *json_sorted(const json_t *v);  /* a copy whose members stand by name, as Go prints maps; new reference */
const char *json_arena_text(struct arena *a, const json_t *v, unsigned flags);

void json_write_string(struct buf *b, const char *s, size_t len, unsigned flags);   /* with quotes */
#define JSON_NUMBER_MAX 40
void json_write_real(char ret[JSON_NUMBER_MAX], double d);       /* as Go's encoder prints a float64 */

/* As strconv.FormatFloat(d, 'g', -1, bits) and %v: "1e+06". bits: 32 or 64. */
void go_write_float(char ret[JSON_NUMBER_MAX], double d, int bits);

/* Go's %v of an untyped tree: "map[a:1 b:[x y]]", strings bare, null "<nil>". */
void go_write_value(struct buf *b, const json_t *v);
void go_write_text(struct buf *b, const json_t *v);     /* the same as "%s" prints it: "map[a:%!s(int64=1)]" */
const char *go_value(struct arena *a, const json_t *v);

/* ---- trees ----------------------------------------------------------------------------------- */

json_t *json_clone(const json_t *v);             /* deep, unshared; NULL for NULL */
bool json_same(const json_t *a, const json_t *b);                /* members in any order; NULL = NULL */
uint64_t json_hash(uint64_t hash, const json_t *v);              /* same trees, same hash */
size_t json_depth(const json_t *v);

/* Down a dotted path of plain member names, "status.conditions"; "[2]" takes an element. NULL as soon as
 * something is missing or of another type. Keys that hold dots: json_object_get. */
json_t *json_path(const json_t *v, const char *path);

/* New trees that share with `v` all that the path does not touch. Missing objects are made on the
 * way; whatever is no object in the way is replaced. json_with steals `value`; json_without of what is
 * not there is a new reference to `v` itself. */
json_t *json_with(const json_t *v, const char *path, json_t *value);
json_t *json_without(const json_t *v, const char *path);
/* The same with the keys as they are. */
json_t *json_with_keys(const json_t *v, const char *const *keys, size_t n, json_t *value);

/* Copy on write. `slot` holds a reference; afterwards it holds a value nobody else does (a shallow copy
 * if it was shared) and which may therefore be edited. Returns *slot. */
json_t *json_own(json_t **slot);
/* A member of an object that is ours, made ours too. The object form makes an empty object (array) where
 * there is none or another type. Borrowed. */
json_t *json_own_object(json_t *owner, const char *key);
json_t *json_own_array(json_t *owner, const char *key);
/* The member as it is, ours to edit if it is a container; NULL when absent. */
json_t *json_own_member(json_t *owner, const char *key);
json_t *json_own_element(json_t *owner, size_t index);
