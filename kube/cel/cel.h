/* cel.h — the Common Expression Language: compile once against an environment, evaluate often.
 *
 *     struct cel_issues issues = { .arena = arena };
 *     struct cel_program *p = cel_compile(env, text, strlen(text), &issues);
 *     if (!p)
 *         return wrong(cel_issues_text(&issues, text, strlen(text)));
 *     struct cel_variable vars[] = { { "self", cel_value_typed(...) } };
 *     struct cel_activation act = { .vars = vars, .n = 1 };
 *     struct cel_result result;
 *     cel_eval(p, &act, arena, cost_limit, &result);
 *
 * env.h says what an expression may use, value.h what it yields, cost.h what it may cost, ast.h what it is made of.
 *
 * Promises
 *  (1) Messages are cel-go's, as Kubernetes 1.34 shows them, to the letter.
 *  (2) No expression and no data make it crash, recurse without bound, or allocate more than a constant times what the
 *      cost limit allows: what parses has a bounded depth, and what is deep runs on a stack of its own size.
 *  (3) A program that checks as bool yields a bool or an error.
 *  (4) The actual cost lies within the estimate, wherever the sizes lie within theirs.
 */
#pragma once

#include "kube/cel/env.h"

#define CEL_TEXT_MAX 100000                      /* code points of an expression */
#define CEL_DEPTH_MAX 250                        /* of its nesting: "expression recursion limit exceeded: 250" */
#define CEL_NO_LIMIT UINT64_MAX

struct cel_program;

struct cel_issue {
    size_t line, column;                         /* from 1, and from 0 in code points; line 0: it has no place */
    const char *message;
};

/* What is wrong with an expression, in the order of cel-go. Everything in `arena`. */
struct cel_issues {
    struct arena *arena;                         /* set by the caller */
    struct cel_issue *v;
    size_t n, cap;
    size_t total;                                /* with those beyond the first hundred */
};

/* "ERROR: <input>:1:6: undeclared reference to 'x' (in container '')\n | self.x\n | .....^", joined by newlines. */
const char *cel_issues_text(const struct cel_issues *issues, const char *text, size_t len);

/* Parses and checks. NULL with issues. Borrows env, copies text. */
struct cel_program *cel_compile(const struct cel_env *env, const char *text, size_t len, struct cel_issues *issues);
/* Parses alone: evaluates with every type found out at run time. */
struct cel_program *cel_parse(const struct cel_env *env, const char *text, size_t len, struct cel_issues *issues);
struct cel_program *cel_program_free(struct cel_program *p);       /* NULL is fine; returns NULL */

/* Some mistakes are seen only when the program is made, such as int('x'): Kubernetes calls that "program
 * instantiation failed". NULL: none; else evaluation yields this error. */
const char *cel_program_wrong(const struct cel_program *p);

const struct cel_type *cel_program_type(const struct cel_program *p);          /* of the result; dyn after cel_parse */

struct cel_variable {
    const char *name;
    struct cel_value value;
};

/* What the variables are: a table, and for those not in it (dear to make, or many) a function. */
struct cel_activation {
    const struct cel_variable *vars;
    size_t n;
    bool (*find)(void *arg, struct cel_run *run, const char *name, struct cel_value *ret);       /* may be NULL */
    void *arg;
};

struct cel_result {
    struct cel_value value;                      /* CEL_ERROR: value.error is the sentence */
    uint64_t cost;
    bool over_limit;                             /* "operation cancelled: actual cost limit exceeded" */
};

/* The value lives in `arena` and in the data of the activation. Returns false where the value is an error. */
bool cel_eval(const struct cel_program *p, const struct cel_activation *vars, struct arena *arena, uint64_t cost_limit,
              struct cel_result *ret);
