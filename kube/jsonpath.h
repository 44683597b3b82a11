/* jsonpath.h — the JSONPath that printer columns are written in, as kubectl's library reads it (F-160 to F-162).
 *
 *     .spec.items[0].name   .status.conditions[?(@.type=="Ready")].status   .metadata.labels.a\.b   .spec..port
 *
 * Steps are fields, indices and slices, unions, wildcards, filters and descents. A missing member is no error, it
 * finds nothing; a comparison of unlike things is one.
 */
#pragma once

#include <jansson.h>

/* All that `path` finds in `obj`, in order: a new array of what is shared with `obj`; NULL where the path is
 * broken or goes where it cannot go, or finds more than JSONPATH_MAX things on its way. */
#define JSONPATH_MAX 100000
json_t *jsonpath_find(const json_t *obj, const char *path);
