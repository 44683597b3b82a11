/* podsecurity.h — PodSecurity: what the labels of a namespace allow of the pods in it.
 *
 * `enforce` refuses a pod; `warn` warns of it, and of what would make such pods. `audit` is for a log that is not
 * kept here.
 */
#pragma once

#include "fakeapi/apiserver/admission/admission.h"

int podsecurity_admit(struct call *c, const struct admission *a);
