/* typed.h — what can be done with a value once it is known how its parts merge: which fields it has, what
 * changed between two, what becomes of two laid over each other, what stays when some paths go.
 *
 * Pure functions over shared trees; results are new references, nothing given is edited.
 */
#pragma once

#include "kube/fieldpath.h"
#include "kube/fieldset.h"

/* The leaves (and owned elements) of a configuration. */
struct fset *typed_fields(struct arena *a, struct ftype t, const json_t *v);

/* Which paths appear, vanish or differ from `before` to `after`. */
struct typed_comparison {
    struct fset *added, *modified, *removed;
};
struct typed_comparison typed_compare(struct arena *a, struct ftype t, const json_t *before,
                                      const json_t *after);

/* `over` laid over `under`: its values win; lists with keys keep the order of `under`, new elements come
 * where `over` has them. Either may be NULL. */
json_t *typed_merge(struct ftype t, const json_t *under, const json_t *over);

/* v without the members of `gone`; a map or list emptied so becomes null. */
json_t *typed_without(struct ftype t, const json_t *v, const struct fset *gone);

/* The set with every declared field on the way to a member made a member too. */
struct fset *typed_with_parents(struct arena *a, struct ftype t, const struct fset *s);

/* Does `v` fit its type: no unknown fields, maps and lists where they belong, keys present and unique. The
 * errors, joined as apply joins them, or NULL (E-132). In `a`. */
const char *typed_check(struct arena *a, struct ftype t, const json_t *v);
/* The same, but keys may come twice: what is asked of objects that are not applied. */
bool typed_fits(struct arena *a, struct ftype t, const json_t *v);

bool typed_equal(const json_t *a, const json_t *b);             /* 1 equals 1.0 (E-150) */
