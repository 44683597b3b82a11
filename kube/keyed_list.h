/* keyed_list.h — the elements of a list that is a map (x-kubernetes-list-type: map), found by their keys. */
#pragma once

#include "kube/json.h"

struct keyed_list {
    const json_t *keys, *list;         /* names of members; the elements. Both may be NULL */
    struct keyed_row *rows;            /* made when first asked */
};

/* The element with the keys of `item`, the first of several; NULL: none. Works in `a`. */
const json_t *keyed_list_find(struct arena *a, struct keyed_list *k, const json_t *item);
