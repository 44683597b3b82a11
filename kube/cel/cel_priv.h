/* cel_priv.h — what the stages share: text to tokens (lex.c), tokens to a tree (parse.c, macros.c), types for the
 * tree (check.c, unify.c), a plan for the evaluator (plan.c), the evaluator (eval.c) and its costs (track.c).
 */
#pragma once

#include "kube/cel/ast.h"
#include "kube/cel/cel.h"

/* A growing array in an arena: `struct { ARENA_LIST(T); } l = { 0 }; *arena_push(a, &l) = x;` Evaluated in order: an
 * element that grows the same list must be worked out before. */
#define ARENA_LIST(type) \
    type *v;             \
    size_t n, cap
#define arena_push(a, l) \
    ((l)->v = cel_arena_grow((a), (l)->v, (l)->n, &(l)->cap, sizeof(*(l)->v)), &(l)->v[(l)->n++])
void *cel_arena_grow(struct arena *a, void *v, size_t n, size_t *cap, size_t size);

/* ---- environment (env.c) ---------------------------------------------------------------------- */

/* One overload, its signature taken apart. */
struct cel_signature {
    const struct cel_overload *row;
    bool member;
    bool generic;                                /* has type parameters */
    bool unguarded;                              /* its function looks at the arguments itself */
    size_t n;                                    /* the target included */
    const struct cel_type **args;
    const struct cel_type *result;
};

struct function {
    const char *name;
    const struct cel_signature **v;
    size_t n;
};

struct variable {
    const char *name;
    const struct cel_type *type;
    const struct cel_value *constant;
};

/* What names mean: the innermost environment that knows a name decides. */
const struct function *cel_env_function(const struct cel_env *env, const char *name);
const struct variable *cel_env_variable(const struct cel_env *env, const char *name);
/* The type an expression means by a name; NULL: none. */
const struct cel_type *cel_env_type_named(const struct cel_env *env, const char *name);
unsigned cel_env_libraries(const struct cel_env *env);
const char *cel_env_container(const struct cel_env *env);
cel_actual_hook *cel_env_actual_costs(const struct cel_env *env);
/* The i-th full name that `name` may stand for, the innermost container first; NULL: no more. */
const char *cel_env_candidate(const struct cel_env *env, struct arena *a, const char *name, size_t i);

/* ---- messages (messages.c) -------------------------------------------------------------------- */

/* The fields that a well-known message is written with, and what it is then; NULL: none of that name. */
const struct cel_type *cel_message_named(const char *name, const struct cel_type **ret_means);
/* Of such a message, with n fields in the order in which they were set. */
struct cel_value cel_message_value(struct cel_run *run, const struct cel_type *message, const char *const *fields,
                                   const struct cel_value *v, size_t n);

/* ---- text (issues.c) -------------------------------------------------------------------------- */

/* Where in the text a code point stands. */
struct cel_source {
    const char *text;
    size_t len;                                  /* bytes */
    size_t code_points;
};

#define NO_OFFSET SIZE_MAX                       /* an issue without a place: <input>:-1:0 */
void cel_issue_add(struct cel_issues *issues, const struct cel_source *src, size_t offset, const char *fmt, ...)
    PRINTF(4, 5);

/* ---- tokens (lex.c) --------------------------------------------------------------------------- */

/* In the order in which messages list them. */
enum token_kind {
    TOKEN_EOF,
    TOKEN_EQUALS, TOKEN_NOT_EQUALS, TOKEN_IN, TOKEN_LESS, TOKEN_LESS_EQUALS, TOKEN_GREATER_EQUALS, TOKEN_GREATER,
    TOKEN_AND, TOKEN_OR,
    TOKEN_LBRACKET, TOKEN_RBRACKET, TOKEN_LBRACE, TOKEN_RBRACE, TOKEN_LPAREN, TOKEN_RPAREN, TOKEN_DOT, TOKEN_COMMA,
    TOKEN_MINUS, TOKEN_NOT, TOKEN_QUESTION, TOKEN_COLON, TOKEN_PLUS, TOKEN_STAR, TOKEN_SLASH, TOKEN_PERCENT,
    TOKEN_TRUE, TOKEN_FALSE, TOKEN_NULL,
    TOKEN_FLOAT, TOKEN_INT, TOKEN_UINT, TOKEN_STRING, TOKEN_BYTES, TOKEN_IDENT, TOKEN_ESCAPED_IDENT,
    TOKEN_EPSILON                                /* in sets: the rule may end here */
};

struct token {
    enum token_kind kind;
    const char *s;
    size_t len;                                  /* bytes */
    size_t offset;                               /* code points */
    const char *hidden;                          /* white space and comments before it */
};

/* All tokens of a text, TOKEN_EOF last; what is no token becomes an issue. */
struct token *cel_lex(struct arena *a, const struct cel_source *src, struct cel_issues *issues, size_t *ret_n);
const char *cel_token_name(enum token_kind kind);    /* "'=='", "IDENTIFIER" */
/* The value of a string or bytes token; NULL with *ret_wrong. */
const char *cel_unquote(struct arena *a, const char *s, size_t len, bool bytes, size_t *ret_len, const char **ret_wrong);

/* ---- tree (parse.c, macros.c) ----------------------------------------------------------------- */

struct parser {
    const struct cel_env *env;
    unsigned libraries;
    struct arena *arena;
    struct cel_source src;
    struct cel_issues *issues;
    int64_t next_id;
    size_t nodes;

    struct token *tokens;
    size_t n_tokens, at;
    struct grammar_state *grammar;               /* parse.c */
};

struct cel_expr *cel_parse_text(struct parser *p);        /* NULL with issues */

struct cel_expr *cel_expr_new(struct parser *p, enum cel_expr_kind kind, size_t offset);
struct cel_expr *cel_expr_literal(struct parser *p, size_t offset, struct cel_value v);
struct cel_expr *cel_expr_ident(struct parser *p, size_t offset, const char *name);
struct cel_expr *cel_expr_call(struct parser *p, size_t offset, const char *function, struct cel_expr *target,
                           struct cel_expr *const *args, size_t n);
/* The expansion of a call if it is a macro, with or without issues; NULL if it is none. */
struct cel_expr *cel_expand_macro(struct parser *p, size_t offset, const char *function, struct cel_expr *target,
                              struct cel_expr **args, size_t n);

extern const char cel_accumulator[];             /* "__result__" */

/* ---- types (check.c, unify.c) ----------------------------------------------------------------- */

/* A variable of the checker: what a type parameter becomes where an overload is tried. */
struct type_var {
    struct cel_type type;                        /* CEL_TYPE_PARAM */
    size_t number;
};

/* What variables stand for. */
struct bindings {
    struct arena *arena;
    ARENA_LIST(const struct cel_type *);         /* by number; NULL: free */
    struct { ARENA_LIST(struct undo { size_t number; const struct cel_type *was; }); } trail;
    size_t work;                                 /* types left to look at: they may grow exponentially */
};

const struct cel_type *cel_type_var_new(struct bindings *b);
/* t with what variables stand for in their place; free ones become dyn if told so. */
const struct cel_type *cel_substitute(struct bindings *b, const struct cel_type *t, bool free_to_dyn);
/* All bind variables where they succeed, and leave `b` alone where they do not. */
bool cel_assignable(struct bindings *b, const struct cel_type *from, const struct cel_type *to);
bool cel_all_assignable(struct bindings *b, const struct cel_type *const *from, const struct cel_type *const *to, size_t n);
const struct cel_type *cel_most_general(const struct cel_type *a, const struct cel_type *b);

bool cel_check(const struct cel_env *env, struct arena *a, const struct cel_source *src, struct cel_expr *e,
           struct cel_issues *issues);
/* Literals that can be seen to be wrong: duration('x'), matches('('), [1, 'a'] (validate.c). */
bool cel_validate(const struct cel_env *env, struct arena *a, const struct cel_source *src, const struct cel_expr *e,
              struct cel_issues *issues);

/* ---- plan and evaluation (plan.c, eval.c, track.c) -------------------------------------------- */

struct step;

struct cel_program {
    struct arena *arena;
    const struct cel_env *env;
    const char *text;
    struct cel_expr *expr;
    const struct cel_type *type;
    bool checked;
    size_t depth;                                /* of the tree */
    int64_t max_id;
    struct step *plan;                           /* NULL: see unplanned */
    const char *unplanned;
};

/* NULL with *ret_wrong: what cel-go finds when it makes a program ("no such overload: ..."). */
struct step *cel_plan(struct cel_program *p, const char **ret_wrong);

struct tracker;
struct loop_frame;

struct cel_run {
    struct arena *arena;
    const struct cel_env *env;
    const struct cel_activation *vars;
    struct loop_frame *loops;                    /* the innermost first */
    struct tracker *tracker;                     /* NULL: nobody counts */
    uint64_t work;                               /* steps left */
    size_t depth;                                /* of a traversal of values */
    bool ended;                                  /* over the limit: unwind */
    struct regex_entry *regexes;
};

void cel_run_release(struct cel_run *run);

/* What cel-go calls the kind in Go: "types.Int". */
const char *cel_go_type(enum cel_kind kind);

/* The evaluator (eval.c) tells what it did; the tracker counts, as cel-go's does, and ends the run over the limit. */
struct tracker *cel_tracker_new(struct arena *a, int64_t max_id, uint64_t limit, cel_actual_hook *hook);
uint64_t cel_tracker_cost(const struct tracker *t);
void cel_track_value(struct cel_run *run, int64_t id, struct cel_value v, uint64_t cost);
void cel_track_drop(struct cel_run *run, int64_t id);
/* The values last pushed for these steps, as arguments; false: not all of them are there. */
bool cel_track_take(struct cel_run *run, const int64_t *ids, size_t n, struct cel_value *ret);
uint64_t cel_track_call_cost(const struct cel_run *run, const char *function, const struct cel_signature *s,
                         const struct cel_value *args, size_t n, struct cel_value result);

/* ---- values ----------------------------------------------------------------------------------- */

#define WORK_MAX UINT64_C(50000000)

/* fn(arg), on a deep stack once run->depth says that this one will not do; false: deeper than any stack. */
bool cel_run_deeper(struct cel_run *run, void (*fn)(void *), void *arg);

struct cel_value cel_list_concat(struct cel_run *run, const struct cel_list *a, const struct cel_list *b);
/* m with one more entry: "insert failed: key %v already exists". */
struct cel_value cel_map_insert(struct cel_run *run, const struct cel_map *m, struct cel_value key, struct cel_value v);
bool cel_value_is_zero(struct cel_run *run, struct cel_value v);
/* Go's %v of a value in messages: strings bare. */
const char *cel_value_text(struct cel_run *run, struct cel_value v);
const char *cel_double_text(struct arena *a, double d);            /* "1.5", "1e+06", "+Inf" */
/* Does a value fit a declared parameter, as far as run time can tell? */
bool cel_value_fits(struct cel_value v, const struct cel_type *t);

/* time.c */
struct cel_value cel_timestamp_parse(struct cel_run *run, const char *s, size_t len);
struct cel_value cel_duration_parse(struct cel_run *run, const char *s, size_t len);
const char *cel_timestamp_text(struct arena *a, struct cel_value v);
const char *cel_duration_text(struct arena *a, int64_t ns);

/* format.c: "...%s".format([...]), and what can be said of it before it runs (NULL: nothing; *ret_bad: where). */
struct cel_value cel_format_string(struct cel_run *run, const struct cel_value *args, size_t n);
const char *cel_format_wrong(struct arena *a, const struct cel_expr *call, const struct cel_expr **ret_bad);

/* The rows of the libraries. */
struct overloads {
    const struct cel_overload *v;
    size_t n;
    bool unguarded;
};
extern const struct overloads std_operators, std_functions, std_conversions, std_time, lib_optional, lib_strings,
    lib_strings_3, lib_sets, lib_two_variables;
