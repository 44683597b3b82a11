/* Tokens to a tree: members, operators, and all of it. The inner rules are in parse_primary.c, and what is said of a
 * text that does not fit is in recover.c. */
#include "kube/cel/grammar_priv.h"

enum { NODES_MAX = 500000 };                     /* what macros may make of a text */

/* ---- nodes ------------------------------------------------------------------------------------ */

struct cel_expr *cel_expr_new(struct parser *p, enum cel_expr_kind kind, size_t offset)
{
    struct cel_expr *e;

    if (++p->nodes > NODES_MAX)
        cel_give_up(p, "expression expands to too many nodes");
    e = arena_alloc(p->arena, sizeof(*e));
    e->id = p->next_id++;
    e->offset = offset;
    e->kind = kind;
    return e;
}

struct cel_expr *cel_expr_literal(struct parser *p, size_t offset, struct cel_value v)
{
    struct cel_expr *e = cel_expr_new(p, CEL_EXPR_LITERAL, offset);

    e->literal = v;
    return e;
}

struct cel_expr *cel_expr_ident(struct parser *p, size_t offset, const char *name)
{
    struct cel_expr *e = cel_expr_new(p, CEL_EXPR_IDENT, offset);

    e->ident.name = name;
    return e;
}

struct cel_expr *cel_expr_call(struct parser *p, size_t offset, const char *function, struct cel_expr *target,
                           struct cel_expr *const *args, size_t n)
{
    struct cel_expr *e = cel_expr_new(p, CEL_EXPR_CALL, offset);

    e->call.function = function;
    e->call.target = target;
    e->call.n = n;
    if (n)
        e->call.args = arena_memdup(p->arena, args, n * sizeof(struct cel_expr *));
    return e;
}

struct cel_expr *cel_call_or_macro(struct parser *p, size_t offset, const char *function, struct cel_expr *target,
                                      struct cel_expr **args, size_t n)
{
    struct cel_expr *e = cel_expand_macro(p, offset, function, target, args, n);

    return e ? e : cel_expr_call(p, offset, function, target, args, n);
}

static struct cel_expr *binary(struct parser *p, size_t offset, const char *function, struct cel_expr *a,
                               struct cel_expr *b)
{
    return cel_call_or_macro(p, offset, function, NULL, (struct cel_expr *[]){ a, b }, 2);
}

/* Nothing sensible can stand here; an issue says why. */
struct cel_expr *cel_nothing(struct parser *p, size_t offset)
{
    return cel_expr_new(p, CEL_EXPR_NONE, offset);
}

struct cel_expr *cel_wrong(struct parser *p, size_t offset, const char *message)
{
    cel_issue_add(p->issues, &p->src, offset, "%s", message);
    return cel_nothing(p, offset);
}

const char *cel_token_text(struct parser *p, const struct token *t)
{
    return arena_strndup(p->arena, t->s, t->len);
}

static struct cel_expr *expr(struct parser *p);

struct cel_expr *cel_sub_expr(struct parser *p, uint64_t follow)
{
    struct cel_expr *e;

    cel_call_rule(p, follow);
    e = expr(p);
    cel_rule_done(p);
    return e;
}

/* ---- member ----------------------------------------------------------------------------------- */

static struct cel_expr *select_field(struct parser *p, struct cel_expr *operand, size_t start)
{
    const struct token *dot = ahead(p, 1);
    bool optional = false;
    const char *field;
    size_t field_offset;
    struct cel_expr *e;

    cel_match(p, TOKEN_DOT, FIELD, 105);
    if (!cel_sync(p, SET(QUESTION) | FIELD, 107))
        return cel_nothing(p, start);
    if (next(p) == TOKEN_QUESTION) {
        cel_match(p, TOKEN_QUESTION, FIELD, 106);
        optional = true;
    }
    field_offset = ahead(p, 1)->offset;
    cel_call_rule(p, SUFFIX | MAY_END);
    field = cel_field_name(p);
    cel_rule_done(p);
    if (!field)
        return cel_nothing(p, start);
    if (optional) {
        if (!cel_optional_syntax(p, dot, ".?"))
            return cel_nothing(p, start);
        return cel_expr_call(p, dot->offset, "_?._", NULL,
                         (struct cel_expr *[]){ operand, cel_expr_literal(p, field_offset, cel_str(field)) }, 2);
    }
    e = cel_expr_new(p, CEL_EXPR_SELECT, dot->offset);
    e->select.operand = operand;
    e->select.field = field;
    return e;
}

static struct cel_expr *member_call(struct parser *p, struct cel_expr *target)
{
    const char *name = cel_token_text(p, ahead(p, 2));
    struct args args = { 0 };
    size_t open;

    cel_match(p, TOKEN_DOT, 0, 111);
    cel_match(p, TOKEN_IDENT, 0, 112);
    open = ahead(p, 1)->offset;
    cel_match(p, TOKEN_LPAREN, 0, 113);
    cel_call_arguments(p, &args, SUFFIX | MAY_END, 115);
    return cel_call_or_macro(p, open, name, target, args.v, args.n);
}

static struct cel_expr *index_member(struct parser *p, struct cel_expr *operand, size_t start)
{
    const struct token *bracket = ahead(p, 1);
    bool optional = false;
    struct cel_expr *index;

    cel_match(p, TOKEN_LBRACKET, 0, 119);
    if (!cel_sync(p, SET(QUESTION) | EXPR_START, 121))
        return cel_nothing(p, start);
    if (next(p) == TOKEN_QUESTION) {
        cel_match(p, TOKEN_QUESTION, EXPR_START, 120);
        optional = cel_optional_syntax(p, bracket, "[?");
    }
    index = cel_sub_expr(p, SET(RBRACKET));
    cel_match(p, TOKEN_RBRACKET, SUFFIX | MAY_END, 124);
    return binary(p, bracket->offset, optional ? "_[?_]" : "_[_]", operand, index);
}

static struct cel_expr *suffix(struct parser *p, struct cel_expr *e, size_t start)
{
    p->grammar->state = 126;
    if (next(p) == TOKEN_LBRACKET)
        return index_member(p, e, start);
    if (ahead(p, 2)->kind == TOKEN_IDENT && ahead(p, 3)->kind == TOKEN_LPAREN)
        return member_call(p, e);
    if (in(FIELD | SET(QUESTION), ahead(p, 2)->kind))
        return select_field(p, e, start);
    cel_fail_alternative(p, 2);
    return e;
}

static struct cel_expr *member(struct parser *p)
{
    struct grammar_state *g = p->grammar;
    size_t depth = g->depth[RULE_MEMBER], start = ahead(p, 1)->offset;
    struct cel_expr *e;

    cel_deeper(p, RULE_MEMBER);
    cel_call_rule(p, SUFFIX | MAY_END);
    e = cel_primary(p);
    cel_recover(p);
    cel_rule_done(p);
    while (!cel_failed(p) && next_in(p, SUFFIX)) {
        size_t height = g->height;
        g->height = 0;
        e = suffix(p, e, start);
        cel_rise(p, cel_higher(p, height));
    }
    cel_recover(p);
    g->depth[RULE_MEMBER] = depth;
    return e;
}

/* ---- operators -------------------------------------------------------------------------------- */

static struct cel_expr *sub_member(struct parser *p)
{
    struct cel_expr *e;

    cel_call_rule(p, MAY_END);
    e = member(p);
    cel_rule_done(p);
    return e;
}

/* Two of the same sign cancel out. */
static struct cel_expr *signs(struct parser *p, enum token_kind sign, const char *function, int state)
{
    size_t n = 0, offset = ahead(p, 1)->offset;
    struct cel_expr *e;

    /* Of `--1` both are signs; of `-1` the sign is the number's, but that never comes here. */
    for (; next(p) == sign; n++) {
        cel_match(p, sign, 0, state);
        if (sign == TOKEN_NOT)
            cel_sync_loop(p, SET(NOT) | PRIMARY_START, state + 3);
    }
    e = sub_member(p);
    if (n % 2 == 0)
        return e;
    return cel_call_or_macro(p, offset, function, NULL, &e, 1);
}

static struct cel_expr *unary(struct parser *p)
{
    struct cel_expr *e;

    if (!cel_sync(p, EXPR_START, 99))
        e = cel_nothing(p, ahead(p, 1)->offset);
    else if (next(p) == TOKEN_NOT)
        e = signs(p, TOKEN_NOT, "!_", 89);
    else if (next(p) != TOKEN_MINUS || is_number(ahead(p, 2)->kind))
        e = sub_member(p);
    else if (in(PRIMARY_START, ahead(p, 2)->kind))
        e = signs(p, TOKEN_MINUS, "-_", 94);
    else {
        cel_fail_alternative(p, 2);
        e = cel_nothing(p, ahead(p, 1)->offset);
    }
    cel_recover(p);
    return e;
}

static const char *operator_name(enum token_kind kind)
{
    static const char *const functions[] = {
        [TOKEN_EQUALS] = "_==_", [TOKEN_NOT_EQUALS] = "_!=_", [TOKEN_IN] = "@in", [TOKEN_LESS] = "_<_",
        [TOKEN_LESS_EQUALS] = "_<=_", [TOKEN_GREATER_EQUALS] = "_>=_", [TOKEN_GREATER] = "_>_",
        [TOKEN_PLUS] = "_+_", [TOKEN_MINUS] = "_-_", [TOKEN_STAR] = "_*_", [TOKEN_SLASH] = "_/_",
        [TOKEN_PERCENT] = "_%_",
    };

    return functions[kind];
}

static void take_operator(struct parser *p)
{
    cel_matched(p);
    consume(p);
}

/* calc: products bind closer (2) than sums (1); only those of at least `precedence`. */
static struct cel_expr *calc(struct parser *p, int precedence)
{
    static const uint64_t follow = PRODUCTS | SUMS | MAY_END;
    struct grammar_state *g = p->grammar;
    size_t depth = g->depth[RULE_CALC];
    struct cel_expr *e;

    cel_deeper(p, RULE_CALC);
    cel_call_rule(p, follow);
    e = unary(p);
    cel_rule_done(p);
    for (;;) {
        int binds = next_in(p, PRODUCTS) ? 2 : next_in(p, SUMS) ? 1 : 0;
        const struct token *op = ahead(p, 1);
        struct cel_expr *right;
        size_t height = g->height;
        if (!binds || binds < precedence)
            break;
        take_operator(p);
        cel_call_rule(p, follow);
        right = calc(p, binds + 1);
        cel_rule_done(p);
        cel_rise(p, cel_higher(p, height));
        e = binary(p, op->offset, operator_name(op->kind), e, right);
    }
    g->depth[RULE_CALC] = depth;
    return e;
}

static struct cel_expr *sub_calc(struct parser *p)
{
    struct cel_expr *e;

    cel_call_rule(p, RELATIONS | MAY_END);
    e = calc(p, 0);
    cel_rule_done(p);
    return e;
}

static struct cel_expr *relation(struct parser *p)
{
    struct grammar_state *g = p->grammar;
    size_t depth = g->depth[RULE_RELATION];
    struct cel_expr *e;

    cel_deeper(p, RULE_RELATION);
    e = sub_calc(p);
    while (next_in(p, RELATIONS)) {
        const struct token *op = ahead(p, 1);
        struct cel_expr *right;
        size_t height = g->height;
        take_operator(p);
        cel_call_rule(p, RELATIONS | MAY_END);
        cel_deeper(p, RULE_RELATION);
        right = sub_calc(p);
        g->depth[RULE_RELATION]--;
        cel_rule_done(p);
        cel_rise(p, cel_higher(p, height));
        e = binary(p, op->offset, operator_name(op->kind), e, right);
    }
    g->depth[RULE_RELATION] = depth;
    return e;
}

/* ---- && and || -------------------------------------------------------------------------------- */

struct chain {
    const char *function;
    struct args terms;
    struct { ARENA_LIST(size_t); } offsets;      /* of the operators */
};

/* Long chains are trees of small depth: the terms commute. */
static struct cel_expr *balanced(struct parser *p, const struct chain *c, size_t low, size_t high)
{
    size_t middle = (low + high + 1) / 2;
    struct cel_expr *left = middle == low ? c->terms.v[middle] : balanced(p, c, low, middle - 1);
    struct cel_expr *right = middle == high ? c->terms.v[middle + 1] : balanced(p, c, middle + 1, high);

    return cel_expr_call(p, c->offsets.v[middle], c->function, NULL, (struct cel_expr *[]){ left, right }, 2);
}

static struct cel_expr *chain(struct parser *p, enum token_kind op, const char *function,
                              struct cel_expr *(*term)(struct parser *p))
{
    struct chain c = { .function = function };
    uint64_t follow = UINT64_C(1) << op | MAY_END;
    struct cel_expr *e;
    size_t height = 0;

    for (;;) {
        cel_call_rule(p, follow);
        e = term(p);
        height = cel_higher(p, height);
        *arena_push(p->arena, &c.terms) = e;
        cel_rule_done(p);
        if (next(p) != op)
            break;
        *arena_push(p->arena, &c.offsets) = ahead(p, 1)->offset;
        take_operator(p);
    }
    p->grammar->height = height;
    return c.terms.n == 1 ? c.terms.v[0] : balanced(p, &c, 0, c.terms.n - 2);
}

static struct cel_expr *conditional_and(struct parser *p)
{
    return chain(p, TOKEN_AND, "_&&_", relation);
}

static struct cel_expr *conditional_or(struct parser *p, uint64_t follow)
{
    struct cel_expr *e;

    cel_call_rule(p, follow);
    e = chain(p, TOKEN_OR, "_||_", conditional_and);
    cel_rule_done(p);
    return e;
}

/* ---- expr ------------------------------------------------------------------------------------- */

static struct cel_expr *expr(struct parser *p)
{
    struct cel_expr *e, *then, *other;
    size_t offset, height;

    cel_deeper(p, RULE_EXPR);
    e = conditional_or(p, SET(QUESTION) | MAY_END);
    offset = ahead(p, 1)->offset;
    if (next(p) == TOKEN_QUESTION) {
        height = p->grammar->height;
        cel_match(p, TOKEN_QUESTION, EXPR_START, 36);
        then = conditional_or(p, SET(COLON));
        height = cel_higher(p, height);
        other = cel_match(p, TOKEN_COLON, EXPR_START, 38) ? cel_sub_expr(p, MAY_END) : cel_nothing(p, offset);
        cel_rise(p, cel_higher(p, height));
        e = cel_call_or_macro(p, offset, "_?_:_", NULL, (struct cel_expr *[]){ e, then, other }, 3);
    }
    cel_recover(p);
    p->grammar->depth[RULE_EXPR]--;
    return e;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static struct cel_expr *parse_tokens(struct parser *p)
{
    struct cel_expr *volatile e = NULL;

    if (setjmp(p->grammar->give_up))
        return NULL;
    p->tokens = cel_lex(p->arena, &p->src, p->issues, &p->n_tokens);
    e = cel_sub_expr(p, SET(EOF));
    cel_match(p, TOKEN_EOF, 0, 35);
    cel_recover(p);
    return e;
}

struct cel_expr *cel_parse_text(struct parser *p)
{
    struct grammar_state g = { .error_at = SIZE_MAX };
    struct cel_expr *e;

    p->grammar = &g;
    p->next_id = 1;
    if (p->src.code_points > CEL_TEXT_MAX) {
        cel_issue_add(p->issues, &p->src, NO_OFFSET, "expression code point size exceeds limit: size: %zu, limit %d",
                  p->src.code_points, CEL_TEXT_MAX);
        return NULL;
    }
    e = parse_tokens(p);
    dyn_release(&g.follows);
    return p->issues->total ? NULL : e;
}
