/* crd_check_rules.h — the rules in CEL of a definition's schema: well formed, compiling, and cheap enough (F-043, F-044).
 * Part of crd_check: private to it.
 */
#pragma once

#include "kube/cel/env.h"
#include "kube/fielderr.h"

/* Of one schema. What is wrong with expressions is told after all else that is wrong with the schema. */
struct rules_check {
    const struct cel_env *env;
    bool unchanged;                    /* it was so before this update: what a rule costs alone does not matter */
    struct fielderrs errs;
    uint64_t total;
    struct {
        const char *path;
        uint64_t cost;
    } dear[4];                         /* the most expensive first */
    size_t n_dear;
};

/* A node of the schema as rules see it; a chain on the stack, down to the node. */
struct rules_site {
    struct rules_check *check;         /* NULL: expressions are not looked at here */
    struct rules_site *up;
    const json_t *node;
    enum { SITE_ROOT, SITE_MEMBER, SITE_ELEMENT } step;
    const char *name;                  /* SITE_MEMBER */
    const struct fpath *lost;          /* where, above, elements have no before to compare with; NULL: nowhere */
    bool in_scope;                     /* a rule stands here or above */
    bool bounded;                      /* how many of these an object may hold at most is known */
    uint64_t most;
    enum { TYPE_UNASKED, TYPE_KNOWN, TYPE_NONE } state;
    const struct cel_type *type;
};

struct rules_site rules_site_root(struct rules_check *check, const json_t *node);
struct rules_site rules_site_below(struct rules_site *up, const json_t *node, int step, const char *name);

/* What can be said of the rules of a node without reading their expressions. */
void rules_check_words(struct fielderrs *errs, const struct fpath *path, const json_t *node);
/* And what can be said by reading them: into the check's own list. */
void rules_check_expressions(struct rules_site *site, const struct fpath *path);
/* After the whole schema: what all rules together cost. Adds all to `errs`. */
void rules_check_end(struct rules_check *check, const struct fpath *path, struct fielderrs *errs);

/* A rule as Go prints its own form of it. */
const char *crd_rule_text(struct arena *a, const json_t *rule);
