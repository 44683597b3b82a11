/* correlate.h — what a value was before an update, as far as the schema lets one say; and whether it is the same
 * still. What has not changed is not told again (F-133).
 */
#pragma once

#include "kube/keyed_list.h"

/* A value and what it was, at one node of a schema. node NULL: nobody can say. */
struct correlated {
    const json_t *node, *now, *was;
};

struct correlated correlate_member(struct correlated c, const char *name);
/* An element of a list; `index` finds those of the list before, and is c's own. */
struct correlated correlate_element(struct arena *a, struct correlated c, struct keyed_list *index, const json_t *element);

/* Equal, with keyed lists in any order; false where something is in it that the schema does not describe. Works in `a`. */
bool correlated_same(struct arena *a, struct correlated c);
