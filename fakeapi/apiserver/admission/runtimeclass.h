/* runtimeclass.h — RuntimeClass: what a pod that names one gets of it, and that its overhead is what the class says.
 *
 * The last to change a pod before anybody outside is asked (G-044).
 */
#pragma once

#include "fakeapi/apiserver/admission/admission.h"

int runtimeclass_mutate(struct call *c, struct admission *a);
int runtimeclass_validate(struct call *c, const struct admission *a);
