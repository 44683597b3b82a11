/* cost.h — what an expression may cost at most, from its text alone; and the hooks that price a library.
 *
 * Costs and sizes are ranges; all arithmetic saturates at UINT64_MAX. The rules are cel-go's: reading a
 * variable or a field is 1, making a list 10, a map 30, strings cost a tenth of their length, a loop its body
 * as often as its range is long.
 */
#pragma once

#include "kube/cel/value.h"

struct cel_expr;
struct cel_program;

struct cel_range {
    uint64_t min, max;
};
#define CEL_RANGE_UNKNOWN ((struct cel_range){ 0, UINT64_MAX })
#define CEL_STRING_COST_FACTOR 0.1               /* of a traversal, by code point */
#define CEL_REGEX_COST_FACTOR 0.25               /* by code point of the pattern */

static inline struct cel_range cel_range_fixed(uint64_t n) { return (struct cel_range){ n, n }; }
struct cel_range cel_range_add(struct cel_range a, struct cel_range b);
struct cel_range cel_range_multiply(struct cel_range a, struct cel_range b);
struct cel_range cel_range_factor(struct cel_range a, double factor);          /* rounded up, as cel-go rounds */
struct cel_range cel_range_union(struct cel_range a, struct cel_range b);

/* An expression as an estimator sees it. The path leads from a variable: "self", "spec", "@items" of a list,
 * "@keys" and "@values" of a map; n_path 0: not reached by a path. */
struct cel_node {
    const char *const *path;
    size_t n_path;
    const struct cel_type *type;
    const struct cel_expr *expr;                 /* NULL for nodes made up by an estimator */
    const struct cel_range *size;                /* known without asking; NULL: not */
};

struct cel_call_estimate {
    struct cel_range cost;                       /* without that of the arguments */
    bool has_size;
    struct cel_range size;                       /* of the result */
};

/* A call to be priced: `target` is NULL for global functions. */
struct cel_call {
    const char *function, *overload;             /* overload "" where several remained possible */
    const struct cel_node *target;
    const struct cel_node *args;
    size_t n_args;
};

/* Both answer false where they know nothing; then the rules of CEL apply. `arg` is the estimator's. */
struct cel_estimator {
    void *arg;
    bool (*size)(void *arg, const struct cel_node *node, struct cel_range *ret);
    bool (*call)(void *arg, const struct cel_call *call, struct cel_call_estimate *ret);
};

/* The size of a node: its own, or what the estimator says, or unknown. */
struct cel_range cel_node_size(const struct cel_estimator *e, const struct cel_node *node);

/* `e` may be NULL. The program must have compiled. has(x) costs nothing, as Kubernetes has it. */
struct cel_range cel_estimate_cost(const struct cel_program *p, const struct cel_estimator *e);

/* Per overload, in its declaration (env.h). An estimate asks `e` for sizes. */
typedef bool cel_estimate_fn(const struct cel_estimator *e, const struct cel_call *call, struct cel_call_estimate *ret);
/* What a call did cost; args[0] is the target of a member function. */
typedef uint64_t cel_actual_fn(const struct cel_value *args, size_t n, struct cel_value result);

/* Per environment, for a whole family of functions by name: asked after the overload's own. false: not mine. */
typedef bool cel_actual_hook(const char *function, const char *overload, const struct cel_value *args, size_t n,
                             struct cel_value result, uint64_t *ret);
