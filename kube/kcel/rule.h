/* rule.h — one rule of x-kubernetes-validations, compiled: what it may cost, or what is wrong with it (F-043). */
#pragma once

#include "kube/kcel/kcel.h"

/* The environments of the rules of one node of a schema: `self` and `oldSelf` are its data. */
struct kcel_scope {
    struct cel_env *env, *optional;    /* optional: oldSelf may be absent, where a rule says optionalOldSelf */
    struct kcel_estimator estimator;
};
void kcel_scope_init(struct kcel_scope *s, const struct cel_env *base, const struct cel_type *self);     /* borrows both */
void kcel_scope_release(struct kcel_scope *s);

struct kcel_rule {
    const json_t *node;                          /* {"rule": ..., "message": ...}; borrowed */
    struct cel_program *program, *message;       /* NULL: not said, or wrong */
    const char *wrong, *message_wrong;           /* the details of a field error; NULL: none. In the arena given */
    bool uses_old, optional_old;
    uint64_t max_cost, message_max_cost;
};
void kcel_rule_compile(const struct kcel_scope *s, const json_t *node, struct arena *a, struct kcel_rule *ret);
void kcel_rule_release(struct kcel_rule *r);

/* Where a rule's fieldPath leads: ".spec.ports['x']" against the schema below `node`, as a path prints it. NULL: nowhere. */
const char *kcel_field_path(struct arena *a, const json_t *node, const char *path);
