/* match.h — does an object contain what a scenario says it contains, and if not, where not.
 *
 * A pattern object is contained in an object that has each of its members, contained in turn; null
 * means absent or null. A pattern list is contained in a list in which each of its elements is
 * contained in some element. Scalars are equal or not.
 */
#pragma once

#include <jansson.h>

#include "world/arena.h"

bool match_contains(const json_t *pattern, const json_t *value);

/* "status.phase: wanted \"Running\", found \"Pending\"", in `a`; NULL where it is contained. */
const char *match_mismatch(struct arena *a, const json_t *pattern, const json_t *value);

/* Variables: ${name} in strings becomes its value. */
struct variable {
    const char *name, *value;
};
struct variables {
    struct arena *arena;
    DYN(struct variable) list;
};
void variables_set(struct variables *v, const char *name, const char *value);
void variables_release(struct variables *v);
json_t *variables_expand(const struct variables *v, const json_t *j);   /* a new reference; NULL for NULL */
const char *variables_expand_text(const struct variables *v, const char *text); /* in the arena */
