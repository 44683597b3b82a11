/* crd_check.h — may this CustomResourceDefinition be? (F.2)
 *
 * The definition is checked as apiextensions checks it, with its paths: what all versions share is told at
 * "spec.validation", "spec.subresources" ..., as if it stood there. Expressions in CEL are compiled and priced.
 * metadata is the caller's business, but for the rule that ties the name to plural and group.
 *
 * The object is one that decode() and types_default() left.
 */
#pragma once

#include "kube/fielderr.h"

struct cel_env;

/* `old` NULL: a create. On update what an established definition may not change is told too. `cel`: what expressions may
 * use (kcel_env_new); NULL: they are not looked at. */
void crd_check(const json_t *crd, const json_t *old, const struct cel_env *cel, struct fielderrs *errs);

/* What a write to /status is checked for. */
void crd_check_status(const json_t *crd, struct fielderrs *errs);

/* The schema alone: structural, with sound defaults, patterns, list types and rules. */
struct crd_check_options {
    const struct cel_env *cel;
    bool status_enabled;               /* the version has a status subresource */
    bool unchanged;                    /* the schema was so before: what one rule costs does not matter */
};
void crd_check_schema(const json_t *schema, const struct fpath *path, const struct crd_check_options *o,
                      struct fielderrs *errs);

/* Formats that nobody enforces, in the order found, each once: what F-122 warns of. In `arena`. */
const char *const *crd_unknown_formats(struct arena *arena, const json_t *crd, size_t *ret_n);
