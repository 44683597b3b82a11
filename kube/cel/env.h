/* env.h — what an expression may refer to: variables, types, functions, macros.
 *
 * An environment is built once and then read by any number of compilations; a child adds to its parent, which
 * must outlive it. Functions are data: one row an overload, its signature written as one reads it.
 *
 *     static const struct cel_overload quantity_overloads[] = {
 *         { "quantity", "string_to_quantity", "(string) kubernetes.Quantity", string_to_quantity },
 *         { "add", "quantity_add", "kubernetes.Quantity.(kubernetes.Quantity) kubernetes.Quantity", add },
 *         { "join", "list_join_string", "list(string).(string) string", join },
 *         { "sum", "list_sum", "list(A).() A", sum },
 *     };
 *     cel_env_add_functions(env, quantity_overloads, ARRAY_SIZE(quantity_overloads));
 *
 * A signature is `(args) result` of a global function or `target.(args) result` of a member. Types: bool int uint
 * double string bytes null_type dyn timestamp duration list(T) map(K, V) optional_type(T) type(T) type, single
 * capital letters as type parameters, and names of types that were added before.
 */
#pragma once

#include "kube/cel/cost.h"

struct cel_env;

/* args[0] is the target of a member function. No argument is an error; each fits the signature of one
 * overload of that name. Returns a value or an error. */
typedef struct cel_value cel_fn(struct cel_run *run, const struct cel_value *args, size_t n);

struct cel_overload {
    const char *function;                        /* "quantity", "ip.isCanonical" */
    const char *id;
    const char *signature;
    cel_fn *fn;
    cel_estimate_fn *estimate;                   /* NULL: the environment's hook, then CEL's own rules */
    cel_actual_fn *actual;                       /* NULL: likewise */
};

enum cel_libraries {
    CEL_LIB_OPTIONAL = 1,                        /* optional types, ?. and [?, optMap, optFlatMap */
    CEL_LIB_STRINGS = 2,                         /* the strings extension, version 2 */
    CEL_LIB_STRINGS_3 = 4,                       /* and reverse() */
    CEL_LIB_SETS = 8,
    CEL_LIB_BINDINGS = 16,                       /* cel.bind */
    CEL_LIB_TWO_VARIABLES = 32,                  /* all(i, v, ...), transformList, transformMap, ... */

    CEL_HOMOGENEOUS_LITERALS = 1 << 16,          /* [1, 'a'] does not compile */
    CEL_CHECK_LITERALS = 1 << 17,                /* duration('x'), timestamp('x'), 's'.matches('(') do not compile */

    /* What Kubernetes 1.34 turns on by default; its own libraries are added with cel_env_add_functions. */
    CEL_KUBERNETES = CEL_LIB_OPTIONAL | CEL_LIB_STRINGS | CEL_LIB_SETS | CEL_LIB_TWO_VARIABLES |
                     CEL_HOMOGENEOUS_LITERALS | CEL_CHECK_LITERALS
};

struct cel_env *cel_env_new(unsigned libraries);                   /* the standard functions, and those */
struct cel_env *cel_env_child(const struct cel_env *parent);       /* borrows parent */
struct cel_env *cel_env_free(struct cel_env *env);                 /* NULL is fine; returns NULL */
struct arena *cel_env_arena(struct cel_env *env);                  /* for types that live as long as the environment */

/* What is added is borrowed and must outlive the environment. A bad row is a mistake of ours: it asserts. */
void cel_env_add_functions(struct cel_env *env, const struct cel_overload *v, size_t n);
/* A named type: signatures may say it; expressions too, if it is `public` (type(x) == net.IP). */
void cel_env_add_type(struct cel_env *env, const struct cel_type *type, bool public);
void cel_env_add_variable(struct cel_env *env, const char *name, const struct cel_type *type);
void cel_env_add_constant(struct cel_env *env, const char *name, const struct cel_type *type, struct cel_value value);
void cel_env_set_container(struct cel_env *env, const char *name); /* x is also looked for as name.x; "" at first */
void cel_env_set_actual_costs(struct cel_env *env, cel_actual_hook *hook);

const struct cel_type *cel_env_find_type(const struct cel_env *env, const char *name);        /* NULL: unknown */
/* A type as a signature spells it: "map(string, list(int))". A mistake asserts: for our own text. */
const struct cel_type *cel_env_type(struct cel_env *env, const char *text);
