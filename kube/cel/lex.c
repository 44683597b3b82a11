/* Text to tokens, the longest first, as a generated lexer does it: what is no token is named up to where it failed. */
#include "kube/cel/cel_priv.h"

static const char *const names[] = {
    [TOKEN_EOF] = "<EOF>",
    [TOKEN_EQUALS] = "'=='",
    [TOKEN_NOT_EQUALS] = "'!='",
    [TOKEN_IN] = "'in'",
    [TOKEN_LESS] = "'<'",
    [TOKEN_LESS_EQUALS] = "'<='",
    [TOKEN_GREATER_EQUALS] = "'>='",
    [TOKEN_GREATER] = "'>'",
    [TOKEN_AND] = "'&&'",
    [TOKEN_OR] = "'||'",
    [TOKEN_LBRACKET] = "'['",
    [TOKEN_RBRACKET] = "']'",
    [TOKEN_LBRACE] = "'{'",
    [TOKEN_RBRACE] = "'}'",
    [TOKEN_LPAREN] = "'('",
    [TOKEN_RPAREN] = "')'",
    [TOKEN_DOT] = "'.'",
    [TOKEN_COMMA] = "','",
    [TOKEN_MINUS] = "'-'",
    [TOKEN_NOT] = "'!'",
    [TOKEN_QUESTION] = "'?'",
    [TOKEN_COLON] = "':'",
    [TOKEN_PLUS] = "'+'",
    [TOKEN_STAR] = "'*'",
    [TOKEN_SLASH] = "'/'",
    [TOKEN_PERCENT] = "'%'",
    [TOKEN_TRUE] = "'true'",
    [TOKEN_FALSE] = "'false'",
    [TOKEN_NULL] = "'null'",
    [TOKEN_FLOAT] = "NUM_FLOAT",
    [TOKEN_INT] = "NUM_INT",
    [TOKEN_UINT] = "NUM_UINT",
    [TOKEN_STRING] = "STRING",
    [TOKEN_BYTES] = "BYTES",
    [TOKEN_IDENT] = "IDENTIFIER",
    [TOKEN_ESCAPED_IDENT] = "ESC_IDENTIFIER",
};

const char *cel_token_name(enum token_kind kind)
{
    return names[kind];
}

/* ---- characters ------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Where in the text a scan is, and how far it ever looked: what a message quotes of what is no token. */
struct scan {
    const char *s, *end;
    const char *failed;                          /* the character that fitted nothing */
};

static char peek(const struct scan *c, const char *p)
{
    return p < c->end ? *p : '\0';
}

static const char *fail_at(struct scan *c, const char *p)
{
    if (p > c->failed)
        c->failed = p;
    return NULL;
}

/* ---- strings ---------------------------------------------------------------------------------- */

/* After an escape sequence that starts at the backslash `p`; NULL: none. */
static const char *scan_escape(struct scan *c, const char *p)
{
    size_t hex = 0, octal = 0;

    p++;
    switch (peek(c, p)) {
    case 'a': case 'b': case 'f': case 'n': case 'r': case 't': case 'v': case '"': case '\'': case '\\': case '?':
    case '`':
        return p + 1;
    case 'x': case 'X': hex = 2; break;
    case 'u': hex = 4; break;
    case 'U': hex = 8; break;
    case '0': case '1': case '2': case '3': octal = 2; break;
    default: return fail_at(c, p);
    }
    for (p++; hex; hex--, p++)
        if (p >= c->end || !is_hex(*p))
            return fail_at(c, p);
    for (; octal; octal--, p++)
        if (p >= c->end || *p < '0' || *p > '7')
            return fail_at(c, p);
    return p;
}

static bool three(const struct scan *c, const char *p, char quote)
{
    return c->end - p >= 3 && p[0] == quote && p[1] == quote && p[2] == quote;
}

/* The end of a string whose first quote is at `p`; NULL: it does not end. */
static const char *scan_quoted(struct scan *c, const char *p, bool raw, bool triple)
{
    char quote = *p;

    for (p += triple ? 3 : 1; p < c->end;) {
        if (triple ? three(c, p, quote) : *p == quote)
            return p + (triple ? 3 : 1);
        if (!triple && (*p == '\n' || *p == '\r'))
            return fail_at(c, p);
        if (*p == '\\' && !raw) {
            p = scan_escape(c, p);
            if (!p)
                return NULL;
            continue;
        }
        p++;
    }
    return fail_at(c, p);
}

/* The end of STRING at `p`, raw prefix included; NULL: there is none. Of ''' without an end '' remains. */
static const char *scan_string(struct scan *c, const char *p)
{
    const char *end = NULL;
    bool raw = peek(c, p) == 'r' || peek(c, p) == 'R';

    if (raw)
        p++;
    if (peek(c, p) != '"' && peek(c, p) != '\'')
        return NULL;
    if (three(c, p, *p))
        end = scan_quoted(c, p, raw, true);
    return end ? end : scan_quoted(c, p, raw, false);
}

/* ---- the other tokens ------------------------------------------------------------------------- */

static const char *digits(const struct scan *c, const char *p)
{
    while (p < c->end && is_digit(*p))
        p++;
    return p;
}

/* After an exponent at `p`, or `p` itself. */
static const char *exponent(const struct scan *c, const char *p)
{
    const char *q = p;

    if (peek(c, q) != 'e' && peek(c, q) != 'E')
        return p;
    q++;
    if (peek(c, q) == '+' || peek(c, q) == '-')
        q++;
    return digits(c, q) > q ? digits(c, q) : p;
}

static const char *scan_number(const struct scan *c, const char *p, enum token_kind *ret)
{
    const char *whole = digits(c, p), *end;

    if (peek(c, p) == '0' && peek(c, p + 1) == 'x' && p + 2 < c->end && is_hex(p[2])) {
        for (end = p + 2; end < c->end && is_hex(*end);)
            end++;
    } else {
        end = whole;
        if (peek(c, whole) == '.' && digits(c, whole + 1) > whole + 1)
            end = digits(c, whole + 1);
        end = exponent(c, end);
        if (end > whole) {
            *ret = TOKEN_FLOAT;
            return end;
        }
    }
    *ret = TOKEN_INT;
    if (peek(c, end) == 'u' || peek(c, end) == 'U') {
        *ret = TOKEN_UINT;
        end++;
    }
    return end;
}

static const char *scan_ident(const struct scan *c, const char *p, enum token_kind *ret)
{
    static const struct { const char *word; enum token_kind kind; } words[] = {
        { "in", TOKEN_IN }, { "true", TOKEN_TRUE }, { "false", TOKEN_FALSE }, { "null", TOKEN_NULL },
    };
    const char *end = p;

    while (end < c->end && (is_letter(*end) || is_digit(*end)))
        end++;
    *ret = TOKEN_IDENT;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strlen(words[i].word) == (size_t)(end - p) && memcmp(words[i].word, p, (size_t)(end - p)) == 0)
            *ret = words[i].kind;
    return end;
}

static const char *scan_escaped_ident(struct scan *c, const char *p)
{
    const char *end = p + 1;

    while (end < c->end && (is_letter(*end) || is_digit(*end) || strchr(".-/ ", *end)))
        end++;
    if (peek(c, end) != '`' || end == p + 1)
        return fail_at(c, end);
    return end + 1;
}

static const char *scan_operator(struct scan *c, const char *p, enum token_kind *ret)
{
    static const struct { char text[3]; enum token_kind kind; } operators[] = {
        { "==", TOKEN_EQUALS }, { "!=", TOKEN_NOT_EQUALS }, { "<=", TOKEN_LESS_EQUALS },
        { ">=", TOKEN_GREATER_EQUALS }, { "&&", TOKEN_AND }, { "||", TOKEN_OR }, { "<", TOKEN_LESS },
        { ">", TOKEN_GREATER }, { "[", TOKEN_LBRACKET }, { "]", TOKEN_RBRACKET }, { "{", TOKEN_LBRACE },
        { "}", TOKEN_RBRACE }, { "(", TOKEN_LPAREN }, { ")", TOKEN_RPAREN }, { ".", TOKEN_DOT },
        { ",", TOKEN_COMMA }, { "-", TOKEN_MINUS }, { "!", TOKEN_NOT }, { "?", TOKEN_QUESTION },
        { ":", TOKEN_COLON }, { "+", TOKEN_PLUS }, { "*", TOKEN_STAR }, { "/", TOKEN_SLASH },
        { "%", TOKEN_PERCENT },
    };

    for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
        size_t n = strlen(operators[i].text);
        if ((size_t)(c->end - p) >= n && memcmp(p, operators[i].text, n) == 0) {
            *ret = operators[i].kind;
            return p + n;
        }
    }
    return fail_at(c, strchr("=&|", *p) ? p + 1 : p);
}

static const char *skip_space(const struct scan *c, const char *p)
{
    for (;;) {
        while (p < c->end && *p && strchr("\t \r\n\f", *p))
            p++;
        if (peek(c, p) != '/' || peek(c, p + 1) != '/')
            return p;
        while (p < c->end && *p != '\n')
            p++;
    }
}

static const char *scan_token(struct scan *c, const char *p, enum token_kind *ret)
{
    const char *end;

    *ret = TOKEN_STRING;
    end = scan_string(c, p);
    if (end)
        return end;
    if (*p == 'b' || *p == 'B') {
        *ret = TOKEN_BYTES;
        end = scan_string(c, p + 1);
        if (end)
            return end;
    }
    if (*p == '"' || *p == '\'')
        return NULL;
    if (is_digit(*p) || (*p == '.' && is_digit(peek(c, p + 1))))
        return scan_number(c, p, ret);
    if (is_letter(*p))
        return scan_ident(c, p, ret);
    if (*p == '`') {
        *ret = TOKEN_ESCAPED_IDENT;
        return scan_escaped_ident(c, p);
    }
    return scan_operator(c, p, ret);
}

/* ---- all of it -------------------------------------------------------------------------------- */

static const char *next_code_point(const char *p, const char *end)
{
    if (p < end)
        p++;
    while (p < end && ((unsigned char)*p & 0xc0) == 0x80)
        p++;
    return p;
}

struct token *cel_lex(struct arena *a, const struct cel_source *src, struct cel_issues *issues, size_t *ret_n)
{
    struct scan c = { .s = src->text, .end = src->text + src->len };
    DYN(struct token) tokens = { 0 };
    cleanup_buf struct buf hidden = BUF_INIT;
    struct token *made;
    const char *p = c.s, *counted = c.s;
    size_t offset = 0;

    for (;;) {
        enum token_kind kind = TOKEN_EOF;
        const char *end = skip_space(&c, p);
        buf_add(&hidden, p, (size_t)(end - p));
        p = end;
        offset += rune_count(counted, (size_t)(p - counted));
        counted = p;
        c.failed = p;
        end = p < c.end ? scan_token(&c, p, &kind) : p;
        if (end) {
            *dyn_push(&tokens) = (struct token){ .kind = kind, .s = p, .len = (size_t)(end - p), .offset = offset,
                                                 .hidden = arena_strndup(a, hidden.data ? hidden.data : "", hidden.len) };
            buf_reset(&hidden);
            if (kind == TOKEN_EOF)
                break;
            p = end;
            continue;
        }
        end = next_code_point(c.failed, c.end);
        cel_issue_add(issues, src, offset, "Syntax error: token recognition error at: '%.*s'", (int)(end - p), p);
        p = end;
    }
    *ret_n = tokens.n;
    made = arena_memdup(a, tokens.v, tokens.n * sizeof(*tokens.v));
    dyn_release(&tokens);
    return made;
}

/* ---- what a literal means --------------------------------------------------------------------- */

static unsigned hex_value(char c)
{
    return is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a' + 10);
}

/* One escape, its backslash at *p; false: not one that may stand here. The lexer has seen its form. */
static bool unescape(const char **p, char **out, bool bytes, const char **ret_wrong)
{
    static const char from[] = "abfnrtv\"'\\?`", to[] = "\a\b\f\n\r\t\v\"'\\?`";
    char c = (*p)[1];
    const char *simple = strchr(from, c);
    unsigned value = 0;
    size_t n;

    *p += 2;
    if (simple) {
        *(*out)++ = to[simple - from];
        return true;
    }
    if (is_digit(c)) {
        value = (unsigned)(c - '0') * 64 + (unsigned)((*p)[0] - '0') * 8 + (unsigned)((*p)[1] - '0');
        *p += 2;
    } else {
        n = c == 'u' ? 4 : c == 'U' ? 8 : 2;
        *ret_wrong = "unable to unescape string";
        if (bytes && n > 2)
            return false;
        for (; n; n--)
            value = value << 4 | hex_value(*(*p)++);
    }
    *ret_wrong = "invalid unicode code point";
    if (!bytes && (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)))
        return false;
    if (bytes)
        *(*out)++ = (char)value;
    else
        *out += rune_encode(*out, value);
    return true;
}

const char *cel_unquote(struct arena *a, const char *s, size_t len, bool bytes, size_t *ret_len, const char **ret_wrong)
{
    const char *end = s + len;
    char *made = arena_alloc(a, len + 1), *out = made;
    bool raw;
    size_t quotes;

    if (bytes)
        s++;
    raw = *s == 'r' || *s == 'R';
    if (raw)
        s++;
    quotes = end - s >= 6 && s[1] == *s && s[2] == *s ? 3 : 1;
    for (s += quotes, end -= quotes; s < end;) {
        if (*s == '\r') {                         /* lines end in \n, however they were written */
            *out++ = '\n';
            s += s + 1 < end && s[1] == '\n' ? 2 : 1;
        } else if (*s == '\\' && !raw) {
            if (!unescape(&s, &out, bytes, ret_wrong))
                return NULL;
        } else {
            *out++ = *s++;
        }
    }
    *ret_len = (size_t)(out - made);
    return made;
}
