/* unstructured.h — whether an untyped tree fits a built-in type, in the words of apimachinery's converter.
 *
 * The result of a strategic merge patch is converted from maps, not decoded from bytes: what does not fit
 * is refused with other sentences than a body is ("cannot restore slice from string").
 */
#pragma once

#include "kube/json.h"
#include "kube/schema.h"

/* NULL where it fits, else the sentence for the first field, in Go's order, that does not; in `arena`. */
const char *unstructured_error(struct arena *arena, const json_t *tree, const struct schema *s);
