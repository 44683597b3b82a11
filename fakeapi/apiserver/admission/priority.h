/* priority.h — Priority, of the classes themselves: one of them alone is what pods get that name none (G-043). */
#pragma once

#include "fakeapi/apiserver/admission/admission.h"

int priority_validate(struct call *c, const struct admission *a);
