/* rules.h — x-kubernetes-validations of a custom resource, compiled once and run on every write (F-130 to F-133).
 *
 * Rules stand beside the schema's other keywords and are run after them, top down: a node's own, those in its allOf, then
 * those of its members and elements. All of one request share a budget.
 */
#pragma once

#include "kube/cel/env.h"
#include "kube/fielderr.h"

struct kcel_rules;

/* Of an openAPIV3Schema, or a node below one; NULL where no rule stands in it. Borrows the schema and the environment. */
struct kcel_rules *kcel_rules_new(const struct cel_env *base, const json_t *openapi, bool is_resource);
struct kcel_rules *kcel_rules_free(struct kcel_rules *r);          /* NULL is fine; returns NULL */

struct kcel_rules_run {
    const struct fpath *path;          /* where `obj` stands; NULL: it is the object */
    const json_t *obj, *old;           /* old NULL: a create */
    bool ratchet;                      /* what was wrong before and is the same still is a warning */
    int64_t budget;                    /* spent as they run; negative: it ran out */
    struct fielderrs *errs, *warnings; /* warnings NULL where `ratchet` is not set */
};

/* r NULL: nothing to do. */
void kcel_rules_check(const struct kcel_rules *r, struct kcel_rules_run *run);
