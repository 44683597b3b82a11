/* ast.h — the tree of an expression, macros expanded, for those who look into it.
 *
 * Nodes live with their program. After the check every node has its type. A comprehension is a loop: macros such as
 * all() and map() become one.
 */
#pragma once

#include "kube/cel/value.h"

enum cel_expr_kind {
    CEL_EXPR_NONE,                               /* in place of what is wrong; never in a program */
    CEL_EXPR_LITERAL,
    CEL_EXPR_IDENT,
    CEL_EXPR_SELECT,
    CEL_EXPR_CALL,
    CEL_EXPR_LIST,
    CEL_EXPR_MAP,
    CEL_EXPR_STRUCT,
    CEL_EXPR_LOOP
};

struct cel_entry {                               /* of a map or a struct */
    int64_t id;
    struct cel_expr *key;                        /* NULL in a struct */
    const char *field;                           /* NULL in a map */
    struct cel_expr *value;
    bool optional;                               /* {?k: v} */
    size_t offset;                               /* of the colon: where what is said of a field points */
};

struct cel_signature;
struct cel_program;

struct cel_expr {
    int64_t id;                                  /* unique in the program, from 1 */
    size_t offset;                               /* in code points: where messages point */
    enum cel_expr_kind kind;
    const struct cel_type *type;                 /* by the checker */
    union {
        struct cel_value literal;
        struct {
            const char *name;                    /* fully qualified after the check */
            const struct cel_value *constant;    /* a named constant; else NULL */
        } ident;
        struct {
            struct cel_expr *operand;
            const char *field;
            bool test;                           /* has(operand.field) */
        } select;
        struct {
            const char *function;                /* "_+_", "size", "ip.isCanonical" */
            struct cel_expr *target;             /* NULL: global */
            struct cel_expr **args;
            size_t n;
            const struct cel_signature *const *overloads;      /* those that may be meant, by the checker */
            size_t n_overloads;
        } call;
        struct {
            struct cel_expr **elements;
            bool *optional;                      /* NULL: none is */
            size_t n;
        } list;
        struct {
            const char *name;                    /* of a struct; NULL in a map */
            struct cel_entry *entries;
            size_t n;
        } map;
        struct {
            const char *var, *var2;              /* var2 NULL: one variable */
            struct cel_expr *range;
            const char *accu;
            struct cel_expr *init, *condition, *step, *result;
        } loop;
    };
};

const struct cel_expr *cel_program_expr(const struct cel_program *p);

/* Every node, parents first, in the order of the text. `each` answers false to leave a node's children out. Never
 * recurses. */
void cel_expr_walk(const struct cel_expr *e, bool (*each)(void *arg, const struct cel_expr *e), void *arg);

/* Is the free variable read anywhere (not a loop's own of the same name)? */
bool cel_program_reads(const struct cel_program *p, const char *variable);
