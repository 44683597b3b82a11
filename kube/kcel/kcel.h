/* kcel.h — CEL as Kubernetes 1.34 sets it up: the libraries beside the language, and what they cost.
 *
 *     struct cel_env *base = kcel_env_new();
 *     struct cel_env *env = cel_env_child(base);
 *     cel_env_add_variable(env, "self", ...);
 *
 * Libraries: lists, regex, url, ip, cidr, quantity, format, semver, and the authorizer for those who give a
 * variable of its type. Each is a file of rows; costs are one table of rules by function name (cost.c), as the
 * real server has them.
 */
#pragma once

#include "kube/cel/cel.h"

/* The standard environment. Nothing in it stands for data: who compiles adds variables in a child. */
struct cel_env *kcel_env_new(void);

#define KCEL_CALL_LIMIT 1000000        /* run-time cost of one expression */
#define KCEL_BUDGET 10000000           /* of all expressions of one request's validation */
#define KCEL_MATCH_BUDGET 2500000      /* of all match conditions of one policy or webhook */
#define KCEL_MESSAGE_MAX 5120          /* bytes that a messageExpression may yield */

/* ---- estimates ---------------------------------------------------------------------------------- */

/* What a declared type knows of its data beyond what CEL asks (cel_type.user). */
struct kcel_extent {
    int64_t max_elements;              /* bytes of a string, elements of a list or a map */
    int64_t min_size;                  /* of the smallest value, as JSON */
};

/* Prices calls as the real server does; sizes come from the type of the variables by their extents. */
struct kcel_estimator {
    struct cel_estimator base;
    const struct cel_type *root;       /* of every variable; NULL: sizes are unknown */
};
void kcel_estimator_init(struct kcel_estimator *e, const struct cel_type *root);

/* ---- the authorizer ------------------------------------------------------------------------------ */

struct kcel_access {
    const char *user;                  /* NULL: who sent the request */
    const char *verb, *path;           /* path NULL: a resource */
    const char *group, *resource, *subresource, *namespace, *name, *field_selector, *label_selector;
};

struct kcel_decision {
    bool allowed;
    const char *reason, *error;        /* NULL: none */
};

/* Who is asked by `authorizer` and its checks. Borrowed by the values below. */
struct kcel_authority {
    void (*decide)(void *arg, struct arena *a, const struct kcel_access *access, struct kcel_decision *ret);
    void *arg;
};
struct cel_value kcel_authorizer(struct arena *a, const struct kcel_authority *authority);
/* authorizer.requestResource */
struct cel_value kcel_resource_check(struct arena *a, const struct kcel_authority *authority,
                                     const struct kcel_access *access);
extern const struct cel_type kcel_type_authorizer, kcel_type_resource_check;

/* ---- names ---------------------------------------------------------------------------------------- */

/* "__dash__" for what an identifier may not hold; NULL where there is no way to say it. */
const char *kcel_escape(struct arena *a, const char *name);
bool kcel_is_reserved(const char *name);         /* a word the language keeps for itself */
