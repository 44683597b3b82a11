/* types.h — the built-in kinds: which there are and what they are made of.
 *
 * The tables are static and made at build time from the facts in kube/types/ (its README says how). All
 * kinds of a fresh kube-apiserver 1.34 are there, the options and reviews that travel beside them, and the
 * messages that they are made of.
 */
#pragma once

#include "kube/schema.h"

struct type_row {
    const char *group, *version, *kind;
    const struct schema *schema;
};

/* Sorted by group, version, kind. */
extern const struct type_row types_rows[];
extern const size_t types_n_rows;

/* Group "" is the core group. What belongs to no group in particular (DeleteOptions, Status, WatchEvent, List
 * ...) is found under any. NULL: no built-in kind. */
const struct schema *types_find(const char *group, const char *version, const char *kind);

/* By OpenAPI definition name, "io.k8s.api.core.v1.PodSpec"; NULL: unknown. */
const struct schema *types_by_name(const char *name);
/* All that have such a name, sorted by it. */
extern const struct schema *const types_named[];
extern const size_t types_n_named;

/* metadata of every object. */
const struct schema *types_object_meta(void);

/* What the server writes into a decoded object where its client said nothing (G-040 to G-063): constants
 * (kube/types/defaults.tsv) and what follows from other fields. Not what needs the rest of the cluster:
 * allocated addresses, admission, names, what a strategy resets. A new reference that shares what did not
 * change; doing it again changes nothing. */
json_t *types_default(const struct schema *s, const json_t *decoded);
