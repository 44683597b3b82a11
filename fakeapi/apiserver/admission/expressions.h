/* expressions.h — CEL in admission: what match conditions, validations and their messages may say, compiled and run
 * (I-006, I-050).
 *
 * Every expression sees object, oldObject, request and namespaceObject; some see params, authorizer, and the variables of
 * a policy, each worked out when first asked for and then kept. Objects are taken as they are (dyn).
 */
#pragma once

#include "fakeapi/apiserver/admission/admission.h"
#include "kube/kcel/kcel.h"

enum expression_type {
    EXPRESSION_BOOL,
    EXPRESSION_STRING,
    EXPRESSION_STRING_OR_NULL,
    EXPRESSION_ANY
};

struct expression {
    const char *text;                  /* NULL: not said */
    struct cel_program *program;       /* NULL: it does not compile */
    const char *wrong;                 /* then why: "compilation failed: ..." */
    bool internal;                     /* it compiled, but made no program: the real server blames itself */
};

/* The environments of one owner: a policy, or the conditions of a webhook. */
struct expression_env;
struct expression_env *expression_env_new(struct apiserver *s, bool params);
struct expression_env *expression_env_free(struct expression_env *e);          /* NULL is fine; returns NULL */
struct arena *expression_env_arena(struct expression_env *e);  /* for what lives as long */

/* Makes `variables` known, with none in it at first. */
void expression_env_use_variables(struct expression_env *e);
/* One more, which may read those before it. The expression is the environment's. */
const struct expression *expression_env_add_variable(struct expression_env *e, const char *name, const char *text);

/* Copies text. `authorizer`: it may be asked. */
void expression_compile(struct expression_env *e, const char *text, enum expression_type type, bool authorizer,
                        struct expression *ret);
void expression_release(struct expression *x);
/* Says what is wrong, if anything is. `text`: the value blamed. */
void expression_tell(const struct expression *x, struct fielderrs *errs, const struct fpath *path, const char *text);

/* ---- running -------------------------------------------------------------------------------------- */

/* What one request looks like to expressions. The caller fills it; evaluation_release() in the end. */
struct evaluation {
    struct call *c;
    const struct admission *a;
    struct expression_env *env;
    const struct kind *kind, *body;    /* the resource and what its objects are, as matched */
    const json_t *object, *old, *params;                           /* NULL: null */
    const json_t *namespace_object;    /* the stored Namespace; NULL: null */
    int64_t budget;
    /* ours */
    json_t *request, *namespace_view;
    struct arena *arena;               /* of values: until the next evaluation_begin() */
    struct variable_slot *variables;
    struct kcel_authority authority;
    uint64_t variables_cost;
};
/* Before each group of expressions: variables are forgotten. */
void evaluation_begin(struct evaluation *e);
void evaluation_release(struct evaluation *e);

/* 0 with a value, or with *ret_wrong, a sentence in the call's arena; -1 with *ret_wrong when the budget is spent. */
int expression_run(struct evaluation *e, const struct expression *x, struct cel_value *ret, const char **ret_wrong);

/* Match conditions: 1 all hold; 0 one does not, or cannot be told and `ignores` says that it is the same; -1 with
 * *ret_wrong. */
int conditions_hold(struct evaluation *e, const struct expression *x, size_t n, bool ignores, const char **ret_wrong);
