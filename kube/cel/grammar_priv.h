/* grammar_priv.h — what the rules of the grammar (parse.c, parse_primary.c) and the recovery (recover.c) share. */
#pragma once

#include <setjmp.h>

#include "kube/cel/cel_priv.h"

#define SET(kind) (UINT64_C(1) << TOKEN_##kind)
#define LITERALS \
    (SET(TRUE) | SET(FALSE) | SET(NULL) | SET(FLOAT) | SET(INT) | SET(UINT) | SET(STRING) | SET(BYTES) | SET(MINUS))
#define PRIMARY_START (LITERALS | SET(LBRACKET) | SET(LBRACE) | SET(LPAREN) | SET(DOT) | SET(IDENT))
#define EXPR_START (PRIMARY_START | SET(NOT))
#define RELATIONS \
    (SET(EQUALS) | SET(NOT_EQUALS) | SET(IN) | SET(LESS) | SET(LESS_EQUALS) | SET(GREATER_EQUALS) | SET(GREATER))
#define PRODUCTS (SET(STAR) | SET(SLASH) | SET(PERCENT))
#define SUMS (SET(PLUS) | SET(MINUS))
#define FIELD (SET(IDENT) | SET(ESCAPED_IDENT))
#define SUFFIX (SET(DOT) | SET(LBRACKET))
#define MAY_END SET(EPSILON)

enum { STATES_MAX = 64 };

enum rule { RULE_EXPR, RULE_RELATION, RULE_CALC, RULE_MEMBER, N_RULES };

enum failure { NO_FAILURE, MISMATCH, NO_ALTERNATIVE };

struct grammar_state {
    DYN(uint64_t) follows;                       /* what each caller waits for, the innermost last */
    size_t depth[N_RULES];
    size_t height;                               /* of the operators and members in what was parsed last */
    bool recovering;
    size_t recoveries;
    size_t error_at;                             /* token of the last recovery; SIZE_MAX: none */
    int error_states[STATES_MAX];
    size_t n_error_states;
    enum failure failure;                        /* of the rule at work */
    size_t failure_start;                        /* NO_ALTERNATIVE: the first token looked at */
    size_t failure_token;
    uint64_t failure_expected;
    int state;
    jmp_buf give_up;
};

/* ---- looking at tokens ------------------------------------------------------------------------ */

static inline const struct token *ahead(const struct parser *p, size_t n)
{
    size_t i = p->at + n - 1;

    return &p->tokens[i < p->n_tokens ? i : p->n_tokens - 1];
}

static inline enum token_kind next(const struct parser *p)
{
    return ahead(p, 1)->kind;
}

static inline bool in(uint64_t set, enum token_kind kind)
{
    return set >> kind & 1;
}

static inline bool next_in(const struct parser *p, uint64_t set)
{
    return in(set, next(p));
}

static inline void consume(struct parser *p)
{
    if (p->at + 1 < p->n_tokens)
        p->at++;
}

/* ---- recovery (recover.c) ---------------------------------------------------------------------- */

/* The whole parse ends; a message without a place says why, if there is one. */
void __attribute__((noreturn)) cel_give_up(struct parser *p, const char *message);
/* `set`: what may stand here. False: the rule has failed. */
bool cel_sync(struct parser *p, uint64_t set, int state);
/* Before the next round of a loop that must go on: what does not fit is left out. */
void cel_sync_loop(struct parser *p, uint64_t set, int state);
/* Takes a token of this kind; `after`: what may come after it. False: the rule has failed. */
bool cel_match(struct parser *p, enum token_kind kind, uint64_t after, int state);
void cel_matched(struct parser *p);              /* a token was taken without cel_match */
/* No alternative fits the tokens from here to the n-th. */
void cel_fail_alternative(struct parser *p, size_t n);
static inline bool cel_failed(const struct parser *p)
{
    return p->grammar->failure != NO_FAILURE;
}
/* At the end of a rule: if it failed, says so, and goes on with what its callers wait for. */
void cel_recover(struct parser *p);

/* Around the call of a rule: what the caller waits for. */
static inline void cel_call_rule(struct parser *p, uint64_t follow)
{
    *dyn_push(&p->grammar->follows) = follow;
}
static inline void cel_rule_done(struct parser *p)
{
    p->grammar->follows.n--;
}

/* ---- depth ------------------------------------------------------------------------------------ */

void cel_deeper(struct parser *p, enum rule r);  /* one more of this rule within another */
/* An operator or a member over what stands below it. cel-go walks the tree of the text once more and says then what
 * is too much for it. */
void cel_rise(struct parser *p, size_t below);
static inline size_t cel_higher(const struct parser *p, size_t height)
{
    return p->grammar->height > height ? p->grammar->height : height;
}

/* ---- rules ------------------------------------------------------------------------------------ */

struct args {
    ARENA_LIST(struct cel_expr *);
};

struct cel_expr *cel_sub_expr(struct parser *p, uint64_t follow);            /* expr */
struct cel_expr *cel_primary(struct parser *p);
const char *cel_field_name(struct parser *p);                                /* NULL where there is none */
/* After the opening parenthesis of a call, the closing one included; `after`: what may follow it. */
bool cel_call_arguments(struct parser *p, struct args *ret, uint64_t after, int state);
/* False with an issue where optionals are not turned on. */
bool cel_optional_syntax(struct parser *p, const struct token *t, const char *what);
struct cel_expr *cel_call_or_macro(struct parser *p, size_t offset, const char *function, struct cel_expr *target,
                                   struct cel_expr **args, size_t n);
/* Nothing sensible can stand here; an issue says why. */
struct cel_expr *cel_nothing(struct parser *p, size_t offset);
struct cel_expr *cel_wrong(struct parser *p, size_t offset, const char *message);
const char *cel_token_text(struct parser *p, const struct token *t);
static inline bool is_number(enum token_kind kind)
{
    return kind == TOKEN_INT || kind == TOKEN_FLOAT;
}
