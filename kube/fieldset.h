/* fieldset.h — sets of field paths: who owns what, as metadata.managedFields records it (E-111).
 *
 * A path is a list of elements, each spelt as fieldsV1 spells it: "f:spec" (a field), `k:{"name":"a"}` (an
 * element of a list with keys), `v:"x"` (an element of a set), "i:3" (a position). A set is a tree of
 * them; a node may be a member, have members below it, or both. Everything lives in the set's arena;
 * sets are values: the operations make new ones, which share what they can.
 */
#pragma once

#include <jansson.h>

#include "world/arena.h"
#include "world/err.h"

struct fset;

struct fset_node {
    const char *element;
    bool member;
    struct fset *below;                /* NULL: nothing below */
};

struct fset {
    struct arena *arena;
    struct fset_node *v;               /* in path element order */
    size_t n, cap;
};

struct fset *fset_new(struct arena *a);
bool fset_empty(const struct fset *s);                          /* NULL is empty */
bool fset_equal(const struct fset *a, const struct fset *b);

/* The elements are copied. The empty path is everything and nothing: it is not recorded. */
void fset_insert(struct fset *s, const char *const *path, size_t n);
const struct fset_node *fset_find(const struct fset *s, const char *element);   /* NULL: not there */
bool fset_has(const struct fset *s, const char *const *path, size_t n);

struct fset *fset_union(struct arena *a, const struct fset *x, const struct fset *y);
struct fset *fset_intersection(struct arena *a, const struct fset *x, const struct fset *y);
/* x without the members of y; what lies below a member of y stays. */
struct fset *fset_difference(struct arena *a, const struct fset *x, const struct fset *y);
/* x without the members of y and all that lies below them. */
struct fset *fset_subtract(struct arena *a, const struct fset *x, const struct fset *y);

json_t *fset_to_json(const struct fset *s);                     /* fieldsV1; a new reference */
/* -ERR_INVALID with what is wrong. NULL or null is the empty set. */
int fset_from_json(struct arena *a, const json_t *fields, struct fset **ret, struct err *e);

/* Calls each() with the path of every member, in order, as conflicts print it: `.spec.ports[port=80]`. */
typedef void fset_path_fn(void *arg, const char *path);
void fset_each(const struct fset *s, fset_path_fn *each, void *arg);
