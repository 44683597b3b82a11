/* policy_priv.h — ValidatingAdmissionPolicies, compiled, and which requests they concern. */
#pragma once

#include "fakeapi/apiserver/admission/expressions.h"

struct policy {
    const json_t *object;              /* a reference: what it was compiled from */
    const char *name;
    struct expression_env *env;
    struct expression *conditions, *validations, *messages, *annotations;
    size_t n_conditions, n_validations, n_annotations;             /* as many messages as validations */
};

struct policy *policy_new(struct apiserver *s, const json_t *object);
struct policy *policy_free(struct policy *p);  /* NULL is fine; returns NULL */

/* Does a MatchResources concern the request? 1 yes, as *ret_kind and *ret_body; 0 no; negative: it cannot be told, and
 * c->err says why. */
int policy_matches(struct call *c, const struct admission *a, const json_t *match, const struct kind **ret_kind,
                   const struct kind **ret_body);
