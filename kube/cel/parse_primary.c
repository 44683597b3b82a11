/* The inner rules: literals, names, calls, lists, maps, messages, and what stands in parentheses. */
#include <errno.h>

#include "kube/cel/grammar_priv.h"

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
            return cel_wrong(p, offset, "invalid double literal");
    } else if (t->kind == TOKEN_UINT) {
        v = cel_uint(strtoull(digits, NULL, hex ? 16 : 10));
        if (errno == ERANGE)
            return cel_wrong(p, offset, "invalid uint literal");
    } else {
        if (hex && minus)
            *--digits = '-';
        v = cel_int(strtoll(digits, NULL, hex ? 16 : 10));
        if (errno == ERANGE)
            return cel_wrong(p, offset, "invalid int literal");
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
        return cel_wrong(p, t->offset, why);
    return cel_expr_literal(p, t->offset, bytes ? cel_bytes(s, len) : cel_string(s, len));
}

static struct cel_expr *literal(struct parser *p)
{
    const struct token *t = ahead(p, 1);
    bool minus = t->kind == TOKEN_MINUS;
    size_t offset = t->offset;

    if (minus && !is_number(ahead(p, 2)->kind)) {
        cel_fail_alternative(p, 2);
        return cel_nothing(p, offset);
    }
    if (minus) {
        cel_match(p, TOKEN_MINUS, SET(INT) | SET(FLOAT), 242);
        t = ahead(p, 1);
    }
    cel_match(p, t->kind, MAY_END, 245);
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
const char *cel_field_name(struct parser *p)
{
    const struct token *t = NULL, *first = ahead(p, 1);

    if (cel_sync(p, FIELD, 235)) {
        if (next_in(p, FIELD)) {
            t = ahead(p, 1);
            cel_match(p, t->kind, MAY_END, 233);
        } else {
            cel_fail_alternative(p, 1);
        }
    }
    cel_recover(p);
    if (!t) {
        cel_issue_add(p->issues, &p->src, first->offset, "unsupported ident kind");
        return NULL;
    }
    if (t->kind == TOKEN_ESCAPED_IDENT) {
        cel_issue_add(p->issues, &p->src, t->offset, "unsupported syntax: '`'");
        return NULL;
    }
    return cel_token_text(p, t);
}

/* ---- lists of expressions --------------------------------------------------------------------- */

/* exprList: what stands between the parentheses of a call. */
static struct args arguments(struct parser *p)
{
    struct args args = { 0 };
    size_t height = 0;

    for (;;) {
        struct cel_expr *e = cel_sub_expr(p, SET(COMMA) | MAY_END);
        *arena_push(p->arena, &args) = e;
        height = cel_higher(p, height);
        if (next(p) != TOKEN_COMMA)
            break;
        cel_match(p, TOKEN_COMMA, EXPR_START, 187);
    }
    p->grammar->height = height;
    return args;
}

/* After the opening parenthesis, the closing one included. */
bool cel_call_arguments(struct parser *p, struct args *ret, uint64_t after, int state)
{
    p->grammar->height = 0;
    if (!cel_sync(p, EXPR_START | SET(RPAREN), state))
        return false;
    if (next_in(p, EXPR_START)) {
        cel_call_rule(p, SET(RPAREN));
        *ret = arguments(p);
        cel_rule_done(p);
    }
    return cel_match(p, TOKEN_RPAREN, after, state + 2);
}

bool cel_optional_syntax(struct parser *p, const struct token *t, const char *what)
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
    if (!cel_sync(p, SET(QUESTION) | EXPR_START, 238)) {
        cel_recover(p);
        return cel_nothing(p, ahead(p, 1)->offset);
    }
    if (next(p) == TOKEN_QUESTION) {
        *ret_optional = cel_optional_syntax(p, ahead(p, 1), "?");
        cel_match(p, TOKEN_QUESTION, EXPR_START, 237);
    }
    e = cel_sub_expr(p, MAY_END);
    cel_recover(p);
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
        cel_call_rule(p, SET(COMMA) | MAY_END);
        element = optional_expr(p, &one);
        height = cel_higher(p, height);
        *arena_push(p->arena, &elements) = element;
        cel_rule_done(p);
        any |= one;
        *arena_push(p->arena, &optional) = one;
        if (!goes_on(p, EXPR_START | SET(QUESTION)))
            break;
        cel_match(p, TOKEN_COMMA, EXPR_START, 195);
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
    if (!cel_sync(p, SET(COMMA) | UINT64_C(1) << bracket, state))
        return false;
    if (next(p) == TOKEN_COMMA)
        cel_match(p, TOKEN_COMMA, UINT64_C(1) << bracket, state + 1);
    return cel_match(p, bracket, MAY_END, state + 2);
}

static struct cel_expr *create_list(struct parser *p)
{
    size_t offset = ahead(p, 1)->offset;
    struct cel_expr *e = NULL;

    cel_match(p, TOKEN_LBRACKET, 0, 143);
    if (!cel_sync(p, EXPR_START | SET(QUESTION) | SET(COMMA) | SET(RBRACKET), 145))
        return cel_nothing(p, ahead(p, 1)->offset);
    if (next_in(p, EXPR_START | SET(QUESTION))) {
        cel_call_rule(p, SET(COMMA) | SET(RBRACKET));
        e = list_elements(p, offset);
        cel_rule_done(p);
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
        cel_call_rule(p, SET(COLON));
        entry.key = optional_expr(p, &entry.optional);
        height = cel_higher(p, height);
        cel_rule_done(p);
        entry.id = p->next_id++;
        if (!cel_match(p, TOKEN_COLON, EXPR_START, 221))
            break;
        entry.value = cel_sub_expr(p, SET(COMMA) | MAY_END);
        height = cel_higher(p, height);
        *arena_push(p->arena, &entries) = entry;
        if (!goes_on(p, EXPR_START | SET(QUESTION)))
            break;
        cel_match(p, TOKEN_COMMA, EXPR_START | SET(QUESTION), 223);
    }
    cel_recover(p);
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
        cel_call_rule(p, SET(COLON));
        if (cel_sync(p, SET(QUESTION) | FIELD, 216)) {
            if (next(p) == TOKEN_QUESTION) {
                entry.optional = cel_optional_syntax(p, ahead(p, 1), "?");
                cel_match(p, TOKEN_QUESTION, FIELD, 215);
            }
            cel_call_rule(p, MAY_END);
            entry.field = cel_field_name(p);
            cel_rule_done(p);
        }
        cel_recover(p);
        cel_rule_done(p);
        entry.id = p->next_id++;
        entry.offset = ahead(p, 1)->offset;
        if (!cel_match(p, TOKEN_COLON, EXPR_START, 203))
            break;
        entry.value = cel_sub_expr(p, SET(COMMA) | MAY_END);
        height = cel_higher(p, height);
        if (entry.field)
            *arena_push(p->arena, &entries) = entry;
        if (!goes_on(p, FIELD | SET(QUESTION)))
            break;
        cel_match(p, TOKEN_COMMA, FIELD | SET(QUESTION), 205);
    }
    cel_recover(p);
    p->grammar->height = height;
    message->map.entries = entries.v;
    message->map.n = entries.n;
}

static struct cel_expr *create_map(struct parser *p)
{
    struct cel_expr *e = cel_expr_new(p, CEL_EXPR_MAP, ahead(p, 1)->offset);

    cel_match(p, TOKEN_LBRACE, 0, 152);
    if (!cel_sync(p, EXPR_START | SET(QUESTION) | SET(COMMA) | SET(RBRACE), 154))
        return e;
    if (next_in(p, EXPR_START | SET(QUESTION))) {
        cel_call_rule(p, SET(COMMA) | SET(RBRACE));
        map_entries(p, e);
        cel_rule_done(p);
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
    size_t len = 0;
    char *name;                                     /* in the arena: who gives up does not come back here */
    struct cel_expr *e;

    for (size_t i = 1; i <= n; i++)
        len += ahead(p, i)->len;
    name = arena_alloc(p->arena, len + 1);
    for (len = 0; n > 0; n--) {
        memcpy(name + len, ahead(p, 1)->s, ahead(p, 1)->len);
        len += ahead(p, 1)->len;
        cel_match(p, next(p), 0, 161);
    }
    e = cel_expr_new(p, CEL_EXPR_STRUCT, ahead(p, 1)->offset);
    e->map.name = name;
    cel_match(p, TOKEN_LBRACE, 0, 172);
    if (!cel_sync(p, FIELD | SET(QUESTION) | SET(COMMA) | SET(RBRACE), 174))
        return e;
    if (next_in(p, FIELD | SET(QUESTION))) {
        cel_call_rule(p, SET(COMMA) | SET(RBRACE));
        message_fields(p, e);
        cel_rule_done(p);
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
        cel_match(p, TOKEN_DOT, SET(IDENT), 131);
    id = ahead(p, 1);
    cel_match(p, TOKEN_IDENT, MAY_END, 132);
    name = arena_printf(p->arena, "%s%.*s", dot ? "." : "", (int)id->len, id->s);
    open = ahead(p, 1)->offset;
    if (next(p) == TOKEN_LPAREN) {
        cel_match(p, TOKEN_LPAREN, 0, 137);
        cel_call_arguments(p, &args, MAY_END, 139);
        if (!is_reserved(name + dot))
            return cel_call_or_macro(p, open, name, NULL, args.v, args.n);
    } else if (!is_reserved(name + dot)) {
        return cel_expr_ident(p, id->offset, name);
    }
    return cel_wrong(p, first->offset, arena_printf(p->arena, "reserved identifier: %s", name + dot));
}

static struct cel_expr *nested(struct parser *p)
{
    struct cel_expr *e;

    cel_match(p, TOKEN_LPAREN, EXPR_START, 139);
    e = cel_sub_expr(p, SET(RPAREN));
    cel_match(p, TOKEN_RPAREN, MAY_END, 141);
    return e;
}

struct cel_expr *cel_primary(struct parser *p)
{
    size_t n;

    p->grammar->height = 0;
    if (!cel_sync(p, PRIMARY_START, 184))
        return cel_nothing(p, ahead(p, 1)->offset);
    switch (next(p)) {
    case TOKEN_LPAREN: return nested(p);
    case TOKEN_LBRACKET: return create_list(p);
    case TOKEN_LBRACE: return create_map(p);
    case TOKEN_DOT:
    case TOKEN_IDENT:
        if (next(p) == TOKEN_DOT && ahead(p, 2)->kind != TOKEN_IDENT) {
            cel_fail_alternative(p, 2);
            return cel_nothing(p, ahead(p, 1)->offset);
        }
        n = message_name_length(p);
        return n ? create_message(p, n) : ident_or_call(p);
    default:
        if (next_in(p, LITERALS))
            return literal(p);
        cel_fail_alternative(p, 1);
        return cel_nothing(p, ahead(p, 1)->offset);
    }
}
