/* crd_scale.h — what a custom resource must hold where its scale subresource looks (F-128): paths like
 * ".spec.replicas", worded as apimachinery's NestedInt64 and NestedString word them. A NULL or empty path is
 * none.
 */
#pragma once

#include "kube/fielderr.h"

void crd_validate_scale_spec(const json_t *obj, const char *replicas, struct fielderrs *errs);
void crd_validate_scale_status(const json_t *obj, const char *replicas, const char *selector, struct fielderrs *errs);
