/* Tokens to a tree, rule by rule as in CEL's grammar, and what is said of a text that does not fit.
 *
 * The messages come from how ANTLR recovers, so its ways are kept: a rule knows what may come next, asks before a
 * choice (sync), skips one token too many or supplies one too few, and when it fails, leaves out everything up to
 * what any rule around it waits for. What a rule's callers wait for stands on a stack of sets (follows).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>

#include "kube/cel/cel_priv.h"

enum {
    RECOVERIES_MAX = 30,
    LOOKAHEAD_MAX = 256,                         /* tokens left out in one recovery */
    NODES_MAX = 500000,                          /* what macros may make of a text */
    STATES_MAX = 64
};

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

/* ---- nodes ------------------------------------------------------------------------------------ */

static void __attribute__((noreturn)) give_up(struct parser *p, const char *message)
{
    if (message)
        cel_issue_add(p->issues, &p->src, NO_OFFSET, "%s", message);
    longjmp(p->grammar->give_up, 1);
}

struct cel_expr *cel_expr_new(struct parser *p, enum cel_expr_kind kind, size_t offset)
{
    struct cel_expr *e;

    if (++p->nodes > NODES_MAX)
        give_up(p, "expression expands to too many nodes");
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

static struct cel_expr *call_or_macro(struct parser *p, size_t offset, const char *function, struct cel_expr *target,
                                      struct cel_expr **args, size_t n)
{
    struct cel_expr *e = cel_expand_macro(p, offset, function, target, args, n);

    return e ? e : cel_expr_call(p, offset, function, target, args, n);
}

static struct cel_expr *binary(struct parser *p, size_t offset, const char *function, struct cel_expr *a,
                               struct cel_expr *b)
{
    return call_or_macro(p, offset, function, NULL, (struct cel_expr *[]){ a, b }, 2);
}

/* Nothing sensible can stand here; an issue says why. */
static struct cel_expr *nothing(struct parser *p, size_t offset)
{
    return cel_expr_new(p, CEL_EXPR_NONE, offset);
}

static struct cel_expr *wrong(struct parser *p, size_t offset, const char *message)
{
    cel_issue_add(p->issues, &p->src, offset, "%s", message);
    return nothing(p, offset);
}

static const char *token_text(struct parser *p, const struct token *t)
{
    return arena_strndup(p->arena, t->s, t->len);
}

/* ---- looking at tokens ------------------------------------------------------------------------ */

static const struct token *ahead(const struct parser *p, size_t n)
{
    size_t i = p->at + n - 1;

    return &p->tokens[i < p->n_tokens ? i : p->n_tokens - 1];
}

static enum token_kind next(const struct parser *p)
{
    return ahead(p, 1)->kind;
}

static bool in(uint64_t set, enum token_kind kind)
{
    return set >> kind & 1;
}

static bool next_in(const struct parser *p, uint64_t set)
{
    return in(set, next(p));
}

static void consume(struct parser *p)
{
    if (p->at + 1 < p->n_tokens)
        p->at++;
}

/* ---- messages --------------------------------------------------------------------------------- */

static const char *quoted(struct parser *p, const char *s, size_t len)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_char(&b, '\'');
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
            buf_add_char(&b, '\\');
            buf_add_char(&b, s[i] == '\t' ? 't' : s[i] == '\n' ? 'n' : 'r');
        } else {
            buf_add_char(&b, s[i]);
        }
    }
    buf_add_char(&b, '\'');
    return arena_strndup(p->arena, b.data, b.len);
}

static const char *shown(struct parser *p, const struct token *t)
{
    return t->kind == TOKEN_EOF ? "'<EOF>'" : quoted(p, t->s, t->len);
}

static const char *listed(struct parser *p, uint64_t set)
{
    cleanup_buf struct buf b = BUF_INIT;
    bool many = (set & (set - 1)) != 0;

    for (int kind = TOKEN_EOF; kind < TOKEN_EPSILON; kind++)
        if (in(set, (enum token_kind)kind)) {
            buf_add_str(&b, b.len ? ", " : many ? "{" : "");
            buf_add_str(&b, cel_token_name((enum token_kind)kind));
        }
    if (many)
        buf_add_char(&b, '}');
    return arena_strndup(p->arena, b.data, b.len);
}

static void syntax_error(struct parser *p, size_t token, const char *message)
{
    cel_issue_add(p->issues, &p->src, p->tokens[token].offset, "Syntax error: %s", message);
}

/* What may come here: the rule's own set, and where it may end, what its callers wait for. */
static uint64_t expected(const struct parser *p, uint64_t set)
{
    const struct grammar_state *g = p->grammar;

    for (size_t i = g->follows.n; i && in(set, TOKEN_EPSILON); i--)
        set = (set & ~MAY_END) | g->follows.v[i - 1];
    return in(set, TOKEN_EPSILON) ? (set & ~MAY_END) | SET(EOF) : set;
}

static uint64_t recovery_set(const struct parser *p)
{
    uint64_t set = 0;

    for (size_t i = 0; i < p->grammar->follows.n; i++)
        set |= p->grammar->follows.v[i];
    return set & ~MAY_END;
}

static void report_unwanted(struct parser *p, uint64_t set)
{
    if (p->grammar->recovering)
        return;
    p->grammar->recovering = true;
    syntax_error(p, p->at, arena_printf(p->arena, "extraneous input %s expecting %s", shown(p, ahead(p, 1)),
                                        listed(p, expected(p, set))));
}

static void matched(struct parser *p)
{
    p->grammar->recovering = false;
    p->grammar->n_error_states = 0;
    p->grammar->error_at = SIZE_MAX;
}

/* ---- failing and recovering ------------------------------------------------------------------- */

static void fail(struct parser *p, uint64_t set)
{
    struct grammar_state *g = p->grammar;

    g->failure = MISMATCH;
    g->failure_token = p->at;
    g->failure_expected = expected(p, set);
}

/* No alternative fits the tokens from here to the n-th. */
static void fail_alternative(struct parser *p, size_t n)
{
    p->grammar->failure = NO_ALTERNATIVE;
    p->grammar->failure_start = p->at;
    p->grammar->failure_token = (size_t)(ahead(p, n) - p->tokens);
}

static bool failed(const struct parser *p)
{
    return p->grammar->failure != NO_FAILURE;
}

/* A keyword where a field is named has a message of its own. */
static const char *no_alternative(struct parser *p, const struct token *from, const struct token *to)
{
    cleanup_buf struct buf text = BUF_INIT;

    if (from->kind == TOKEN_DOT && to == from + 1 && !*to->hidden &&
        (to->kind == TOKEN_TRUE || to->kind == TOKEN_FALSE || to->kind == TOKEN_NULL))
        return arena_printf(p->arena, "mismatched input %s expecting IDENTIFIER", quoted(p, to->s, to->len));
    if (from->kind == TOKEN_EOF)
        return "no viable alternative at input '<EOF>'";
    for (const struct token *t = from; t <= to; t++) {
        if (t > from)
            buf_add_str(&text, t->hidden);
        buf_add(&text, t->s, t->len);
    }
    return arena_printf(p->arena, "no viable alternative at input %s", quoted(p, text.data, text.len));
}

static void report(struct parser *p)
{
    struct grammar_state *g = p->grammar;
    const struct token *t = &p->tokens[g->failure_token];

    if (g->recovering)
        return;
    g->recovering = true;
    if (g->failure == NO_ALTERNATIVE)
        syntax_error(p, g->failure_token, no_alternative(p, &p->tokens[g->failure_start], t));
    else
        syntax_error(p, g->failure_token, arena_printf(p->arena, "mismatched input %s expecting %s", shown(p, t),
                                                       listed(p, g->failure_expected)));
}

static void count_recovery(struct parser *p)
{
    if (p->grammar->recoveries++ < RECOVERIES_MAX)
        return;
    syntax_error(p, p->at, arena_printf(p->arena, "error recovery attempt limit exceeded: %d", RECOVERIES_MAX));
    give_up(p, NULL);
}

static bool state_failed_before(const struct grammar_state *g)
{
    for (size_t i = 0; i < g->n_error_states; i++)
        if (g->error_states[i] == g->state)
            return true;
    return false;
}

static void skip_to(struct parser *p, uint64_t set)
{
    size_t skipped = 0;

    while (next(p) != TOKEN_EOF && !next_in(p, set)) {
        if (skipped++ == LOOKAHEAD_MAX)
            give_up(p, arena_printf(p->arena, "error recovery token lookahead limit exceeded: %d", LOOKAHEAD_MAX));
        consume(p);
    }
}

/* The rule ends here, whole or not; its caller goes on with what it waits for. */
static void recover(struct parser *p)
{
    struct grammar_state *g = p->grammar;

    if (!failed(p))
        return;
    report(p);
    count_recovery(p);
    if (g->error_at == p->at && state_failed_before(g))
        consume(p);                               /* or it would fail here for ever */
    g->error_at = p->at;
    if (g->n_error_states < STATES_MAX)
        g->error_states[g->n_error_states++] = g->state;
    skip_to(p, recovery_set(p));
    g->failure = NO_FAILURE;
}

/* The token after the next fits: this one is too many. */
static bool drop_one(struct parser *p, uint64_t set)
{
    if (!in(expected(p, set), ahead(p, 2)->kind))
        return false;
    report_unwanted(p, set);
    consume(p);
    matched(p);
    return true;
}

/* `set`: what may stand here. False: the rule has failed. */
static bool sync(struct parser *p, uint64_t set, int state)
{
    struct grammar_state *g = p->grammar;

    g->state = state;
    if (g->recovering || in(set, TOKEN_EPSILON) || next_in(p, set) || drop_one(p, set))
        return true;
    fail(p, set);
    return false;
}

/* Before the next round of a loop that must go on: what does not fit is left out. */
static void sync_loop(struct parser *p, uint64_t set, int state)
{
    struct grammar_state *g = p->grammar;

    g->state = state;
    if (g->recovering || next_in(p, set))
        return;
    report_unwanted(p, set);
    skip_to(p, expected(p, set) | recovery_set(p));
}

/* Takes a token of this kind; `after`: what may come after it. False: the rule has failed. */
static bool match(struct parser *p, enum token_kind kind, uint64_t after, int state)
{
    struct grammar_state *g = p->grammar;

    g->state = state;
    if (next(p) == kind) {
        matched(p);
        consume(p);
        return true;
    }
    count_recovery(p);
    if (drop_one(p, UINT64_C(1) << kind)) {
        consume(p);
        return true;
    }
    if (in(expected(p, after), next(p))) {
        if (!g->recovering) {
            g->recovering = true;
            syntax_error(p, p->at, arena_printf(p->arena, "missing %s at %s", cel_token_name(kind), shown(p, ahead(p, 1))));
        }
        return true;
    }
    fail(p, UINT64_C(1) << kind);
    return false;
}

/* ---- depth ------------------------------------------------------------------------------------ */

static void deeper(struct parser *p, enum rule r)
{
    if (++p->grammar->depth[r] > CEL_DEPTH_MAX)
        give_up(p, arena_printf(p->arena, "expression recursion limit exceeded: %d", CEL_DEPTH_MAX));
}

/* An operator or a member over what stands below it. cel-go walks the tree of the text once more and says then what
 * is too much for it. */
static void rise(struct parser *p, size_t below)
{
    if (below >= CEL_DEPTH_MAX)
        give_up(p, "max recursion depth exceeded");
    p->grammar->height = below + 1;
}

static size_t higher(const struct parser *p, size_t height)
{
    return p->grammar->height > height ? p->grammar->height : height;
}

static void call_rule(struct parser *p, uint64_t follow)
{
    *dyn_push(&p->grammar->follows) = follow;
}

static void rule_done(struct parser *p)
{
    p->grammar->follows.n--;
}

/* ---- literals and names ----------------------------------------------------------------------- */

static struct cel_expr *number(struct parser *p, const struct token *t, bool minus, size_t offset)
{
    char *text = arena_printf(p->arena, "%s%.*s", minus ? "-" : "", (int)t->len, t->s);
    bool hex = t->len > 2 && t->s[0] == '0' && t->s[1] == 'x';
    char *digits = text + (hex ? (minus ? 3 : 2) : 0);
    struct cel_value v = { 0 };

    errno = 0;
    if (t->kind == TOKEN_FLOAT) {
        v = cel_double(strtod(text, NULL));
        if (v.d > 1.7976931348623157e308 || v.d < -1.7976931348623157e308)
            return wrong(p, offset, "invalid double literal");
    } else if (t->kind == TOKEN_UINT) {
        v = cel_uint(strtoull(digits, NULL, hex ? 16 : 10));
        if (errno == ERANGE)
            return wrong(p, offset, "invalid uint literal");
    } else {
        if (hex && minus)
            *--digits = '-';
        v = cel_int(strtoll(digits, NULL, hex ? 16 : 10));
        if (errno == ERANGE)
            return wrong(p, offset, "invalid int literal");
    }
    return cel_expr_literal(p, offset, v);
}

static struct cel_expr *string(struct parser *p, const struct token *t)
{
    bool bytes = t->kind == TOKEN_BYTES;
    const char *why;
    size_t len;
    const char *s = cel_unquote(p->arena, t->s, t->len, bytes, &len, &why);

    if (!s)
        return wrong(p, t->offset, why);
    return cel_expr_literal(p, t->offset, bytes ? cel_bytes(s, len) : cel_string(s, len));
}

static bool is_number(enum token_kind kind)
{
    return kind == TOKEN_INT || kind == TOKEN_FLOAT;
}

static struct cel_expr *literal(struct parser *p)
{
    const struct token *t = ahead(p, 1);
    bool minus = t->kind == TOKEN_MINUS;
    size_t offset = t->offset;

    if (minus && !is_number(ahead(p, 2)->kind)) {
        fail_alternative(p, 2);
        return nothing(p, offset);
    }
    if (minus) {
        match(p, TOKEN_MINUS, SET(INT) | SET(FLOAT), 242);
        t = ahead(p, 1);
    }
    match(p, t->kind, MAY_END, 245);
    switch (t->kind) {
    case TOKEN_STRING: case TOKEN_BYTES: return string(p, t);
    case TOKEN_TRUE: return cel_expr_literal(p, offset, cel_bool(true));
    case TOKEN_FALSE: return cel_expr_literal(p, offset, cel_bool(false));
    case TOKEN_NULL: return cel_expr_literal(p, offset, CEL_NULL_VALUE);
    default: return number(p, t, minus, offset);
    }
}

static bool is_reserved(const char *name)
{
    static const char *const words[] = {
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
        "package", "namespace", "null", "return", "true", "var", "void", "while",
    };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (streq(words[i], name))
            return true;
    return false;
}

/* The name of a field, or NULL where there is none. Names in backquotes are not switched on in Kubernetes. */
static const char *field_name(struct parser *p)
{
    const struct token *t = NULL, *first = ahead(p, 1);

    if (sync(p, FIELD, 235)) {
        if (next_in(p, FIELD)) {
            t = ahead(p, 1);
            match(p, t->kind, MAY_END, 233);
        } else {
            fail_alternative(p, 1);
        }
    }
    recover(p);
    if (!t) {
        cel_issue_add(p->issues, &p->src, first->offset, "unsupported ident kind");
        return NULL;
    }
    if (t->kind == TOKEN_ESCAPED_IDENT) {
        cel_issue_add(p->issues, &p->src, t->offset, "unsupported syntax: '`'");
        return NULL;
    }
    return token_text(p, t);
}

/* ---- lists of expressions --------------------------------------------------------------------- */

static struct cel_expr *expr(struct parser *p);

static struct cel_expr *sub_expr(struct parser *p, uint64_t follow)
{
    struct cel_expr *e;

    call_rule(p, follow);
    e = expr(p);
    rule_done(p);
    return e;
}

struct args {
    ARENA_LIST(struct cel_expr *);
};

/* exprList: what stands between the parentheses of a call. */
static struct args arguments(struct parser *p)
{
    struct args args = { 0 };
    size_t height = 0;

    for (;;) {
        struct cel_expr *e = sub_expr(p, SET(COMMA) | MAY_END);
        *arena_push(p->arena, &args) = e;
        height = higher(p, height);
        if (next(p) != TOKEN_COMMA)
            break;
        match(p, TOKEN_COMMA, EXPR_START, 187);
    }
    p->grammar->height = height;
    return args;
}

/* After the opening parenthesis, the closing one included. */
static bool call_arguments(struct parser *p, struct args *ret, uint64_t after, int state)
{
    p->grammar->height = 0;
    if (!sync(p, EXPR_START | SET(RPAREN), state))
        return false;
    if (next_in(p, EXPR_START)) {
        call_rule(p, SET(RPAREN));
        *ret = arguments(p);
        rule_done(p);
    }
    return match(p, TOKEN_RPAREN, after, state + 2);
}

static bool optional_syntax(struct parser *p, const struct token *t, const char *what)
{
    if (p->libraries & CEL_LIB_OPTIONAL)
        return true;
    cel_issue_add(p->issues, &p->src, t->offset, "unsupported syntax '%s'", what);
    return false;
}

/* optExpr: an element or a key, perhaps with a question mark. */
static struct cel_expr *optional_expr(struct parser *p, bool *ret_optional)
{
    struct cel_expr *e;

    *ret_optional = false;
    if (!sync(p, SET(QUESTION) | EXPR_START, 238)) {
        recover(p);
        return nothing(p, ahead(p, 1)->offset);
    }
    if (next(p) == TOKEN_QUESTION) {
        *ret_optional = optional_syntax(p, ahead(p, 1), "?");
        match(p, TOKEN_QUESTION, EXPR_START, 237);
    }
    e = sub_expr(p, MAY_END);
    recover(p);
    return e;
}

/* Does a comma lead to one more element, or to the end? */
static bool goes_on(struct parser *p, uint64_t start)
{
    return next(p) == TOKEN_COMMA && in(start, ahead(p, 2)->kind);
}

static struct cel_expr *list_elements(struct parser *p, size_t offset)
{
    struct cel_expr *e = cel_expr_new(p, CEL_EXPR_LIST, offset), *element;
    struct args elements = { 0 };
    struct { ARENA_LIST(bool); } optional = { 0 };
    bool any = false, one;
    size_t height = 0;

    for (;;) {
        call_rule(p, SET(COMMA) | MAY_END);
        element = optional_expr(p, &one);
        height = higher(p, height);
        *arena_push(p->arena, &elements) = element;
        rule_done(p);
        any |= one;
        *arena_push(p->arena, &optional) = one;
        if (!goes_on(p, EXPR_START | SET(QUESTION)))
            break;
        match(p, TOKEN_COMMA, EXPR_START, 195);
    }
    p->grammar->height = height;
    e->list.elements = elements.v;
    e->list.n = elements.n;
    if (any)
        e->list.optional = optional.v;
    return e;
}

/* The end of a list, map or message: a comma nobody needs, and the bracket. */
static bool close_bracket(struct parser *p, enum token_kind bracket, int state)
{
    if (!sync(p, SET(COMMA) | UINT64_C(1) << bracket, state))
        return false;
    if (next(p) == TOKEN_COMMA)
        match(p, TOKEN_COMMA, UINT64_C(1) << bracket, state + 1);
    return match(p, bracket, MAY_END, state + 2);
}

static struct cel_expr *create_list(struct parser *p)
{
    size_t offset = ahead(p, 1)->offset;
    struct cel_expr *e = NULL;

    match(p, TOKEN_LBRACKET, 0, 143);
    if (!sync(p, EXPR_START | SET(QUESTION) | SET(COMMA) | SET(RBRACKET), 145))
        return nothing(p, ahead(p, 1)->offset);
    if (next_in(p, EXPR_START | SET(QUESTION))) {
        call_rule(p, SET(COMMA) | SET(RBRACKET));
        e = list_elements(p, offset);
        rule_done(p);
    } else {
        e = cel_expr_new(p, CEL_EXPR_LIST, offset);
    }
    close_bracket(p, TOKEN_RBRACKET, 148);
    return e;
}

struct entries {
    struct cel_entry *v;
    size_t n, cap;
};

static void map_entries(struct parser *p, struct cel_expr *map)
{
    struct entries entries = { 0 };
    size_t height = 0;

    for (;;) {
        struct cel_entry entry = { 0 };
        call_rule(p, SET(COLON));
        entry.key = optional_expr(p, &entry.optional);
        height = higher(p, height);
        rule_done(p);
        entry.id = p->next_id++;
        if (!match(p, TOKEN_COLON, EXPR_START, 221))
            break;
        entry.value = sub_expr(p, SET(COMMA) | MAY_END);
        height = higher(p, height);
        *arena_push(p->arena, &entries) = entry;
        if (!goes_on(p, EXPR_START | SET(QUESTION)))
            break;
        match(p, TOKEN_COMMA, EXPR_START | SET(QUESTION), 223);
    }
    recover(p);
    p->grammar->height = height;
    map->map.entries = entries.v;
    map->map.n = entries.n;
}

static void message_fields(struct parser *p, struct cel_expr *message)
{
    struct entries entries = { 0 };
    size_t height = 0;

    for (;;) {
        struct cel_entry entry = { 0 };
        call_rule(p, SET(COLON));
        if (sync(p, SET(QUESTION) | FIELD, 216)) {
            if (next(p) == TOKEN_QUESTION) {
                entry.optional = optional_syntax(p, ahead(p, 1), "?");
                match(p, TOKEN_QUESTION, FIELD, 215);
            }
            call_rule(p, MAY_END);
            entry.field = field_name(p);
            rule_done(p);
        }
        recover(p);
        rule_done(p);
        entry.id = p->next_id++;
        if (!match(p, TOKEN_COLON, EXPR_START, 203))
            break;
        entry.value = sub_expr(p, SET(COMMA) | MAY_END);
        height = higher(p, height);
        if (entry.field)
            *arena_push(p->arena, &entries) = entry;
        if (!goes_on(p, FIELD | SET(QUESTION)))
            break;
        match(p, TOKEN_COMMA, FIELD | SET(QUESTION), 205);
    }
    recover(p);
    p->grammar->height = height;
    message->map.entries = entries.v;
    message->map.n = entries.n;
}

static struct cel_expr *create_map(struct parser *p)
{
    struct cel_expr *e = cel_expr_new(p, CEL_EXPR_MAP, ahead(p, 1)->offset);

    match(p, TOKEN_LBRACE, 0, 152);
    if (!sync(p, EXPR_START | SET(QUESTION) | SET(COMMA) | SET(RBRACE), 154))
        return e;
    if (next_in(p, EXPR_START | SET(QUESTION))) {
        call_rule(p, SET(COMMA) | SET(RBRACE));
        map_entries(p, e);
        rule_done(p);
    }
    close_bracket(p, TOKEN_RBRACE, 157);
    return e;
}

/* ---- primary ---------------------------------------------------------------------------------- */

/* The tokens of `.a.b.c` from here on, if they are followed by a brace; else 0. */
static size_t message_name_length(const struct parser *p)
{
    size_t n = next(p) == TOKEN_DOT ? 2 : 1;

    while (ahead(p, n + 1)->kind == TOKEN_DOT && ahead(p, n + 2)->kind == TOKEN_IDENT)
        n += 2;
    return ahead(p, n + 1)->kind == TOKEN_LBRACE ? n : 0;
}

static struct cel_expr *create_message(struct parser *p, size_t n)
{
    cleanup_buf struct buf name = BUF_INIT;
    struct cel_expr *e;

    for (size_t i = 0; i < n; i++) {
        buf_add(&name, ahead(p, 1)->s, ahead(p, 1)->len);
        match(p, next(p), 0, 161);
    }
    e = cel_expr_new(p, CEL_EXPR_STRUCT, ahead(p, 1)->offset);
    e->map.name = arena_strndup(p->arena, name.data, name.len);
    match(p, TOKEN_LBRACE, 0, 172);
    if (!sync(p, FIELD | SET(QUESTION) | SET(COMMA) | SET(RBRACE), 174))
        return e;
    if (next_in(p, FIELD | SET(QUESTION))) {
        call_rule(p, SET(COMMA) | SET(RBRACE));
        message_fields(p, e);
        rule_done(p);
    }
    close_bracket(p, TOKEN_RBRACE, 177);
    return e;
}

/* A variable or a call. `.x` is x whatever the container. */
static struct cel_expr *ident_or_call(struct parser *p)
{
    const struct token *first = ahead(p, 1), *id;
    const char *name;
    bool dot = first->kind == TOKEN_DOT;
    struct args args = { 0 };
    size_t open;

    if (dot)
        match(p, TOKEN_DOT, SET(IDENT), 131);
    id = ahead(p, 1);
    match(p, TOKEN_IDENT, MAY_END, 132);
    name = arena_printf(p->arena, "%s%.*s", dot ? "." : "", (int)id->len, id->s);
    open = ahead(p, 1)->offset;
    if (next(p) == TOKEN_LPAREN) {
        match(p, TOKEN_LPAREN, 0, 137);
        call_arguments(p, &args, MAY_END, 139);
        if (!is_reserved(name + dot))
            return call_or_macro(p, open, name, NULL, args.v, args.n);
    } else if (!is_reserved(name + dot)) {
        return cel_expr_ident(p, id->offset, name);
    }
    return wrong(p, first->offset, arena_printf(p->arena, "reserved identifier: %s", name + dot));
}

static struct cel_expr *nested(struct parser *p)
{
    struct cel_expr *e;

    match(p, TOKEN_LPAREN, EXPR_START, 139);
    e = sub_expr(p, SET(RPAREN));
    match(p, TOKEN_RPAREN, MAY_END, 141);
    return e;
}

static struct cel_expr *primary(struct parser *p)
{
    size_t n;

    p->grammar->height = 0;
    if (!sync(p, PRIMARY_START, 184))
        return nothing(p, ahead(p, 1)->offset);
    switch (next(p)) {
    case TOKEN_LPAREN: return nested(p);
    case TOKEN_LBRACKET: return create_list(p);
    case TOKEN_LBRACE: return create_map(p);
    case TOKEN_DOT:
    case TOKEN_IDENT:
        if (next(p) == TOKEN_DOT && ahead(p, 2)->kind != TOKEN_IDENT) {
            fail_alternative(p, 2);
            return nothing(p, ahead(p, 1)->offset);
        }
        n = message_name_length(p);
        return n ? create_message(p, n) : ident_or_call(p);
    default:
        if (next_in(p, LITERALS))
            return literal(p);
        fail_alternative(p, 1);
        return nothing(p, ahead(p, 1)->offset);
    }
}

/* ---- member ----------------------------------------------------------------------------------- */

static struct cel_expr *select_field(struct parser *p, struct cel_expr *operand, size_t start)
{
    const struct token *dot = ahead(p, 1);
    bool optional = false;
    const char *field;
    size_t field_offset;
    struct cel_expr *e;

    match(p, TOKEN_DOT, FIELD, 105);
    if (!sync(p, SET(QUESTION) | FIELD, 107))
        return nothing(p, start);
    if (next(p) == TOKEN_QUESTION) {
        match(p, TOKEN_QUESTION, FIELD, 106);
        optional = true;
    }
    field_offset = ahead(p, 1)->offset;
    call_rule(p, SUFFIX | MAY_END);
    field = field_name(p);
    rule_done(p);
    if (!field)
        return nothing(p, start);
    if (optional) {
        if (!optional_syntax(p, dot, ".?"))
            return nothing(p, start);
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
    const char *name = token_text(p, ahead(p, 2));
    struct args args = { 0 };
    size_t open;

    match(p, TOKEN_DOT, 0, 111);
    match(p, TOKEN_IDENT, 0, 112);
    open = ahead(p, 1)->offset;
    match(p, TOKEN_LPAREN, 0, 113);
    call_arguments(p, &args, SUFFIX | MAY_END, 115);
    return call_or_macro(p, open, name, target, args.v, args.n);
}

static struct cel_expr *index_member(struct parser *p, struct cel_expr *operand, size_t start)
{
    const struct token *bracket = ahead(p, 1);
    bool optional = false;
    struct cel_expr *index;

    match(p, TOKEN_LBRACKET, 0, 119);
    if (!sync(p, SET(QUESTION) | EXPR_START, 121))
        return nothing(p, start);
    if (next(p) == TOKEN_QUESTION) {
        match(p, TOKEN_QUESTION, EXPR_START, 120);
        optional = optional_syntax(p, bracket, "[?");
    }
    index = sub_expr(p, SET(RBRACKET));
    match(p, TOKEN_RBRACKET, SUFFIX | MAY_END, 124);
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
    fail_alternative(p, 2);
    return e;
}

static struct cel_expr *member(struct parser *p)
{
    struct grammar_state *g = p->grammar;
    size_t depth = g->depth[RULE_MEMBER], start = ahead(p, 1)->offset;
    struct cel_expr *e;

    deeper(p, RULE_MEMBER);
    call_rule(p, SUFFIX | MAY_END);
    e = primary(p);
    recover(p);
    rule_done(p);
    while (!failed(p) && next_in(p, SUFFIX)) {
        size_t height = g->height;
        g->height = 0;
        e = suffix(p, e, start);
        rise(p, higher(p, height));
    }
    recover(p);
    g->depth[RULE_MEMBER] = depth;
    return e;
}

/* ---- operators -------------------------------------------------------------------------------- */

static struct cel_expr *sub_member(struct parser *p)
{
    struct cel_expr *e;

    call_rule(p, MAY_END);
    e = member(p);
    rule_done(p);
    return e;
}

/* Two of the same sign cancel out. */
static struct cel_expr *signs(struct parser *p, enum token_kind sign, const char *function, int state)
{
    size_t n = 0, offset = ahead(p, 1)->offset;
    struct cel_expr *e;

    /* Of `--1` both are signs; of `-1` the sign is the number's, but that never comes here. */
    for (; next(p) == sign; n++) {
        match(p, sign, 0, state);
        if (sign == TOKEN_NOT)
            sync_loop(p, SET(NOT) | PRIMARY_START, state + 3);
    }
    e = sub_member(p);
    if (n % 2 == 0)
        return e;
    return call_or_macro(p, offset, function, NULL, &e, 1);
}

static struct cel_expr *unary(struct parser *p)
{
    struct cel_expr *e;

    if (!sync(p, EXPR_START, 99))
        e = nothing(p, ahead(p, 1)->offset);
    else if (next(p) == TOKEN_NOT)
        e = signs(p, TOKEN_NOT, "!_", 89);
    else if (next(p) != TOKEN_MINUS || is_number(ahead(p, 2)->kind))
        e = sub_member(p);
    else if (in(PRIMARY_START, ahead(p, 2)->kind))
        e = signs(p, TOKEN_MINUS, "-_", 94);
    else {
        fail_alternative(p, 2);
        e = nothing(p, ahead(p, 1)->offset);
    }
    recover(p);
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
    matched(p);
    consume(p);
}

/* calc: products bind closer (2) than sums (1); only those of at least `precedence`. */
static struct cel_expr *calc(struct parser *p, int precedence)
{
    static const uint64_t follow = PRODUCTS | SUMS | MAY_END;
    struct grammar_state *g = p->grammar;
    size_t depth = g->depth[RULE_CALC];
    struct cel_expr *e;

    deeper(p, RULE_CALC);
    call_rule(p, follow);
    e = unary(p);
    rule_done(p);
    for (;;) {
        int binds = next_in(p, PRODUCTS) ? 2 : next_in(p, SUMS) ? 1 : 0;
        const struct token *op = ahead(p, 1);
        struct cel_expr *right;
        size_t height = g->height;
        if (!binds || binds < precedence)
            break;
        take_operator(p);
        call_rule(p, follow);
        right = calc(p, binds + 1);
        rule_done(p);
        rise(p, higher(p, height));
        e = binary(p, op->offset, operator_name(op->kind), e, right);
    }
    g->depth[RULE_CALC] = depth;
    return e;
}

static struct cel_expr *sub_calc(struct parser *p)
{
    struct cel_expr *e;

    call_rule(p, RELATIONS | MAY_END);
    e = calc(p, 0);
    rule_done(p);
    return e;
}

static struct cel_expr *relation(struct parser *p)
{
    struct grammar_state *g = p->grammar;
    size_t depth = g->depth[RULE_RELATION];
    struct cel_expr *e;

    deeper(p, RULE_RELATION);
    e = sub_calc(p);
    while (next_in(p, RELATIONS)) {
        const struct token *op = ahead(p, 1);
        struct cel_expr *right;
        size_t height = g->height;
        take_operator(p);
        call_rule(p, RELATIONS | MAY_END);
        deeper(p, RULE_RELATION);
        right = sub_calc(p);
        g->depth[RULE_RELATION]--;
        rule_done(p);
        rise(p, higher(p, height));
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
        call_rule(p, follow);
        e = term(p);
        height = higher(p, height);
        *arena_push(p->arena, &c.terms) = e;
        rule_done(p);
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

    call_rule(p, follow);
    e = chain(p, TOKEN_OR, "_||_", conditional_and);
    rule_done(p);
    return e;
}

/* ---- expr ------------------------------------------------------------------------------------- */

static struct cel_expr *expr(struct parser *p)
{
    struct cel_expr *e, *then, *other;
    size_t offset, height;

    deeper(p, RULE_EXPR);
    e = conditional_or(p, SET(QUESTION) | MAY_END);
    offset = ahead(p, 1)->offset;
    if (next(p) == TOKEN_QUESTION) {
        height = p->grammar->height;
        match(p, TOKEN_QUESTION, EXPR_START, 36);
        then = conditional_or(p, SET(COLON));
        height = higher(p, height);
        other = match(p, TOKEN_COLON, EXPR_START, 38) ? sub_expr(p, MAY_END) : nothing(p, offset);
        rise(p, higher(p, height));
        e = call_or_macro(p, offset, "_?_:_", NULL, (struct cel_expr *[]){ e, then, other }, 3);
    }
    recover(p);
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
    e = sub_expr(p, SET(EOF));
    match(p, TOKEN_EOF, 0, 35);
    recover(p);
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
