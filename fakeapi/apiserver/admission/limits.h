/* limits.h — LimitRange: what containers, pods and claims of a namespace ask for when they do not say, and may.
 *
 * The first to change an object once its namespace is known to live, and the first to refuse it.
 */
#pragma once

#include "fakeapi/apiserver/admission/admission.h"

void limits_mutate(struct call *c, struct admission *a);
int limits_validate(struct call *c, const struct admission *a);
