/* hookrules.h — what the configurations of admission have in common: rules that say which requests they concern, and
 * match conditions.
 */
#pragma once

#include "fakeapi/apiserver/builtin/rules.h"

/* A RuleWithOperations; with resourceNames, where it has some. */
void hook_rule_validate(struct fielderrs *e, const struct fpath *path, const json_t *rule);
/* A list of them: `conditions` may be NULL. `params`: expressions may read them. */
void hook_conditions_validate(struct call *c, struct fielderrs *e, const struct fpath *path, const json_t *conditions,
                              bool params);
