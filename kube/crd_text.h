/* crd_text.h — the versions of a definition as Go prints its own form of them: they stand so in sentences about
 * spec.versions. Part of crd_check: private to it.
 */
#pragma once

#include "kube/json.h"

/* What all versions share stands elsewhere in that form, and is null in each. */
struct crd_text_hidden {
    bool schema, subresources, columns, selectable;
};

const char *crd_versions_text(struct arena *a, const json_t *versions, const struct crd_text_hidden *hidden);

/* The names of a map in order: errors come the same way every time. */
const char **crd_sorted_keys(struct arena *a, const json_t *map, size_t *ret_n);
