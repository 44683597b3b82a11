/* plan_priv.h — what the evaluator runs: steps, and attributes (a variable or a value, and the way into it). */
#pragma once

#include "kube/cel/cel_priv.h"

enum step_kind {
    STEP_CONSTANT,
    STEP_ATTRIBUTE,
    STEP_TEST,                                   /* has(): an attribute whose last qualifier only looks */
    STEP_AND,
    STEP_OR,
    STEP_EQUAL,
    STEP_NOT_EQUAL,
    STEP_NOT_STRICTLY_FALSE,
    STEP_OPTIONAL_OR,
    STEP_OPTIONAL_OR_VALUE,
    STEP_IN_SET,                                 /* in a list of constants */
    STEP_CALL,
    STEP_LIST,
    STEP_MAP,
    STEP_STRUCT,
    STEP_LOOP
};

struct attribute;

struct qualifier {
    int64_t id;
    struct cel_value constant;
    struct attribute *attribute;                 /* the key is worked out; NULL: a constant */
    bool relative;                               /* the attribute is no more than an expression's value */
    bool optional, test;
};

enum attribute_kind { ATTRIBUTE_VARIABLE, ATTRIBUTE_VALUE, ATTRIBUTE_CONDITIONAL };

struct attribute {
    enum attribute_kind kind;
    int64_t id;
    struct { ARENA_LIST(struct qualifier); } qualifiers;           /* not of conditionals: their branches have them */
    const char *name;                            /* ATTRIBUTE_VARIABLE */
    bool unresolved;                             /* not checked: qualifiers may belong to the name */
    const struct step *operand;                  /* ATTRIBUTE_VALUE; the condition of ATTRIBUTE_CONDITIONAL */
    struct attribute *yes, *no;
};

struct step {
    enum step_kind kind;
    int64_t id;
    union {
        struct cel_value constant;
        struct attribute *attribute;             /* STEP_ATTRIBUTE, STEP_TEST */
        struct {                                 /* all with arguments */
            const struct step **args;
            int64_t *ids;                        /* of the arguments */
            size_t n;
            bool first_error;                    /* ends it: later arguments are not worked out */
            const char *function;
            const struct function *f;            /* NULL: unknown */
            const struct cel_signature *signature;                 /* NULL: several remain */
            const struct cel_map *set;           /* STEP_IN_SET */
            const bool *optional;                /* STEP_LIST: elements; STEP_MAP, STEP_STRUCT: entries */
            const char *const *fields;           /* STEP_STRUCT */
            const struct cel_type *type;
        };
        struct {
            const char *var, *var2, *accu;
            const struct step *range, *init, *condition, *step, *result;
        } loop;
    };
};

/* The number under which an attribute's value is known: that of its last qualifier. */
int64_t cel_attribute_id(const struct attribute *a);
int64_t cel_step_id(const struct step *s);
bool attribute_has_qualifiers(const struct attribute *a);

struct cel_value cel_step_eval(struct cel_run *run, const struct step *s);
