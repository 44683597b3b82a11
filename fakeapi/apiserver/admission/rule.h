/* rule.h — which requests a rule of a webhook or a policy is about (I-004).
 *
 * Operations, groups, versions, resources with their subresources, scope and, for policies, names. A star is any.
 */
#pragma once

#include "fakeapi/apiserver/admission/admission.h"

/* Does `rule` speak of `a`, were its kind `k`? Pure. */
bool admission_rule_matches(const json_t *rule, const struct admission *a, const struct kind *k);
