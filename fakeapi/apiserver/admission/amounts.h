/* amounts.h — a few amounts by the name of their resource, and what a pod asks for in all. */
#pragma once

#include <jansson.h>

#include "kube/quantity.h"
#include "world/base.h"

struct amount {
    const char *name;                  /* not a copy */
    struct quantity q;
};
typedef DYN(struct amount) amounts_t;  /* of which dyn_release() is the end */

struct amount *amounts_find(const amounts_t *list, const char *name);       /* NULL: none */
void amounts_add(struct arena *a, amounts_t *list, const char *name, const struct quantity *q);
void amounts_add_map(struct arena *a, amounts_t *list, const json_t *map);  /* {"cpu": "1"}; NULL adds nothing */
bool amounts_parse(struct arena *a, const json_t *v, struct quantity *ret); /* false: no amount */

/* The `part` ("requests", "limits") of a pod's containers together: the sum of those that run side by side, or what
 * the most demanding moment before them takes. What the pod says for itself stands instead, where `whole` is true
 * of the resource. */
void amounts_pod(struct arena *a, const json_t *spec, const char *part, bool (*whole)(const char *name), amounts_t *ret);
