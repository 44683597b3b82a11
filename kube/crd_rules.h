/* crd_rules.h — rules between fields that definitions state in CEL, checked by small named functions.
 *
 * The rules of our own definitions (fixtures/crds/agent-sandbox) stand in a table by their text; a rule
 * that is not in the table is not enforced. A rule about oldSelf is a transition rule: it is asked only
 * where something stood before.
 */
#pragma once

#include "kube/fielderr.h"

/* All rules at and below a node of an openAPIV3Schema. `path` is where `obj` stands (NULL: the root); `old`
 * is what stood there before, NULL on create. */
void crd_rules_check(const json_t *openapi, const struct fpath *path, const json_t *obj, const json_t *old,
                     struct fielderrs *errs);
