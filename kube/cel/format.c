/* 'text %s and %.3f'.format([...]). */
#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "kube/cel/cel_priv.h"

enum { PRECISION = 6, PRECISION_MAX = 1000 };

/* One clause: what follows a percent sign. */
struct clause {
    char verb;
    int precision;                               /* -1: none given */
};

struct formatting {
    struct cel_run *run;
    struct buf *b;
    const char *wrong;
};

static bool wrong(struct formatting *f, const char *message)
{
    f->wrong = message;
    return false;
}

static bool unfit(struct formatting *f, const char *what, struct cel_value v)
{
    return wrong(f, arena_printf(f->run->arena, "%s, was given %s", what, cel_type_name(cel_value_type(v))));
}

/* ---- text ------------------------------------------------------------------------------------- */

static bool write_plain(struct formatting *f, struct cel_value v, bool nested);

static void write_go_quoted(struct buf *b, const char *s, size_t len)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";

    buf_add_char(b, '"');
    for (size_t i = 0; i < len; i++) {
        const char *special = s[i] ? strchr(from, s[i]) : NULL;
        if (special) {
            buf_add_char(b, '\\');
            buf_add_char(b, to[special - from]);
        } else if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
            buf_printf(b, "\\x%02x", (unsigned char)s[i]);
        } else {
            buf_add_char(b, s[i]);
        }
    }
    buf_add_char(b, '"');
}

static bool write_list(struct formatting *f, const struct cel_list *l)
{
    buf_add_char(f->b, '[');
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            buf_add_str(f->b, ", ");
        if (!write_plain(f, cel_list_get(f->run, l, i), true))
            return false;
    }
    buf_add_char(f->b, ']');
    return true;
}

struct entry {
    const char *key, *text;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* A nested value on its own. */
static const char *plain_text(struct formatting *f, struct cel_value v)
{
    cleanup_buf struct buf b = BUF_INIT;
    struct buf *outer = f->b;
    bool good;

    f->b = &b;
    good = write_plain(f, v, true);
    f->b = outer;
    return good ? arena_strndup(f->run->arena, b.data ? b.data : "", b.len) : NULL;
}

static bool write_map(struct formatting *f, const struct cel_map *m)
{
    struct { ARENA_LIST(struct entry); } entries = { 0 };
    struct cel_value key, v;
    void *pos = NULL;

    while (cel_map_next(f->run, m, &pos, &key, &v)) {
        struct entry e;
        if (key.kind != CEL_STRING && key.kind != CEL_BOOL && key.kind != CEL_INT && key.kind != CEL_UINT)
            return wrong(f, arena_printf(f->run->arena, "no formatting function for map key of type %s",
                                         cel_type_name(cel_value_type(key))));
        e.key = plain_text(f, key);
        e.text = plain_text(f, v);
        if (!e.text)
            return false;
        *arena_push(f->run->arena, &entries) = e;
    }
    if (entries.n)
        qsort(entries.v, entries.n, sizeof(*entries.v), by_key);
    buf_add_char(f->b, '{');
    for (size_t i = 0; i < entries.n; i++)
        buf_printf(f->b, "%s%s:%s", i ? ", " : "", entries.v[i].key, entries.v[i].text);
    buf_add_char(f->b, '}');
    return true;
}

struct inside {
    struct formatting *f;
    struct cel_value v;
    bool good;
};

static void write_inside(void *arg)
{
    struct inside *i = arg;

    i->good = i->v.kind == CEL_LIST ? write_list(i->f, i->v.list) : write_map(i->f, i->v.map);
}

static bool write_nested_double(struct formatting *f, double d)
{
    if (isnan(d) || isinf(d))
        buf_printf(f->b, "\"%s\"", isnan(d) ? "NaN" : d > 0 ? "+Inf" : "-Inf");
    else
        buf_printf(f->b, "%.6f", d);
    return true;
}

/* What %s says; `nested` in a list or map, where strings are quoted and types are told apart. */
static bool write_plain(struct formatting *f, struct cel_value v, bool nested)
{
    struct inside inside = { f, v, false };
    struct cel_value text;

    if (!cel_work(f->run, 1 + (v.kind == CEL_STRING || v.kind == CEL_BYTES ? v.len / 64 : 0)))
        return wrong(f, "too much text");
    switch (v.kind) {
    case CEL_NULL:
        buf_add_str(f->b, "null");
        return true;
    case CEL_LIST:
    case CEL_MAP:
    case CEL_OBJECT:
        return cel_run_deeper(f->run, write_inside, &inside) && inside.good;
    case CEL_DOUBLE:
        if (nested)
            return write_nested_double(f, v.d);
        break;
    case CEL_BOOL: case CEL_INT: case CEL_UINT: case CEL_STRING: case CEL_BYTES: case CEL_TIMESTAMP: case CEL_DURATION:
    case CEL_TYPE:
        break;
    default:
        if (nested)
            return wrong(f, arena_printf(f->run->arena, "no formatting function for %s",
                                         cel_type_name(cel_value_type(v))));
        return unfit(f, "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, "
                        "durations, and timestamps", v);
    }
    text = cel_to_string(f->run, v);
    if (cel_is_error(text))
        return wrong(f, arena_printf(f->run->arena, "could not convert argument \"%s\" to string", text.error));
    if (nested && (v.kind == CEL_TIMESTAMP || v.kind == CEL_DURATION)) {
        buf_printf(f->b, "%s(\"%.*s\")", v.kind == CEL_TIMESTAMP ? "timestamp" : "duration", (int)text.len, text.s);
    } else if (nested && (v.kind == CEL_STRING || v.kind == CEL_BYTES)) {
        if (v.kind == CEL_BYTES)
            buf_add_char(f->b, 'b');
        write_go_quoted(f->b, text.s, text.len);
    } else {
        buf_add(f->b, text.s, text.len);
    }
    return true;
}

/* ---- numbers ---------------------------------------------------------------------------------- */

static bool write_decimal(struct formatting *f, struct cel_value v)
{
    if (v.kind == CEL_INT)
        buf_printf(f->b, "%lld", (long long)v.i);
    else if (v.kind == CEL_UINT)
        buf_printf(f->b, "%llu", (unsigned long long)v.u);
    else
        return unfit(f, "decimal clause can only be used on integers", v);
    return true;
}

/* A double, or a string that names what no digits can. */
static bool as_double(struct cel_value v, double *ret)
{
    static const struct { const char *name; double d; } names[] = { { "NaN", NAN }, { "Infinity", INFINITY },
                                                                    { "-Infinity", -INFINITY } };

    for (size_t i = 0; v.kind == CEL_STRING && i < ARRAY_SIZE(names); i++)
        if (strlen(names[i].name) == v.len && memcmp(names[i].name, v.s, v.len) == 0) {
            *ret = names[i].d;
            return true;
        }
    *ret = v.d;
    return v.kind == CEL_DOUBLE;
}

static bool write_special(struct buf *b, double d)
{
    if (isnan(d))
        buf_add_str(b, "NaN");
    else if (isinf(d))
        buf_add_str(b, d > 0 ? "∞" : "-∞");
    return isnan(d) || isinf(d);
}

/* English groups thousands. */
static bool write_fixed(struct formatting *f, struct cel_value v, int precision)
{
    char *text;
    size_t whole, sign;
    double d;

    if (!as_double(v, &d))
        return unfit(f, "fixed-point clause can only be used on doubles", v);
    if (write_special(f->b, d))
        return true;
    text = arena_printf(f->run->arena, "%.*f", precision, d == 0 ? 0 : d);         /* no sign of a zero */
    sign = *text == '-';
    whole = strcspn(text, ".") - sign;
    buf_add(f->b, text, sign);
    for (size_t i = 0; i < whole; i++) {
        if (i && (whole - i) % 3 == 0)
            buf_add_char(f->b, ',');
        buf_add_char(f->b, text[sign + i]);
    }
    buf_add_str(f->b, text + sign + whole);
    return true;
}

static void write_raised(struct buf *b, double d)
{
    static const char *const raised[] = { "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹" };
    char text[40], *exponent;

    snprintf(text, sizeof(text), "%.6e", d == 0 ? 0 : d);
    exponent = strchr(text, 'e');
    *exponent++ = '\0';
    buf_printf(b, "%s×10", text);
    if (*exponent == '-')
        buf_add_str(b, "⁻");
    for (exponent++; *exponent; exponent++)
        buf_add_str(b, raised[*exponent - '0']);
}

/* Six digits, always: what is meant for the precision is taken for the width. */
static bool write_scientific(struct formatting *f, struct cel_value v, int width)
{
    cleanup_buf struct buf text = BUF_INIT;
    double d;

    if (!as_double(v, &d))
        return unfit(f, "scientific clause can only be used on doubles", v);
    if (!write_special(&text, d))
        write_raised(&text, d);
    for (size_t n = cel_size(cel_string(text.data, text.len)); n < (size_t)width; n++)
        buf_add_char(f->b, ' ');
    buf_add(f->b, text.data, text.len);
    return true;
}

static void write_based(struct buf *b, uint64_t u, bool minus, unsigned bits, const char *digits)
{
    char text[72], *p = text + sizeof(text);

    do
        *--p = digits[u & ((1u << bits) - 1)];
    while (u >>= bits);
    if (minus)
        *--p = '-';
    buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

static bool write_integer(struct formatting *f, struct cel_value v, unsigned bits, const char *digits)
{
    if (v.kind == CEL_INT)
        write_based(f->b, v.i < 0 ? 0 - (uint64_t)v.i : (uint64_t)v.i, v.i < 0, bits, digits);
    else if (v.kind == CEL_UINT)
        write_based(f->b, v.u, false, bits, digits);
    return v.kind == CEL_INT || v.kind == CEL_UINT;
}

static bool write_binary(struct formatting *f, struct cel_value v)
{
    if (v.kind == CEL_BOOL) {
        buf_add_char(f->b, v.b ? '1' : '0');
        return true;
    }
    return write_integer(f, v, 1, "01") || unfit(f, "only integers and bools can be formatted as binary", v);
}

static bool write_hex(struct formatting *f, struct cel_value v, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

    if (v.kind != CEL_STRING && v.kind != CEL_BYTES)
        return write_integer(f, v, 4, digits) ||
               unfit(f, "only integers, byte buffers, and strings can be formatted as hex", v);
    for (size_t i = 0; i < v.len; i++) {
        buf_add_char(f->b, digits[(unsigned char)v.s[i] >> 4]);
        buf_add_char(f->b, digits[v.s[i] & 15]);
    }
    return true;
}

static bool write_octal(struct formatting *f, struct cel_value v)
{
    return write_integer(f, v, 3, "01234567") || unfit(f, "octal clause can only be used on integers", v);
}

static bool write_clause(struct formatting *f, struct clause c, struct cel_value v)
{
    int precision = c.precision < 0 ? PRECISION : c.precision;

    switch (c.verb) {
    case 's': return write_plain(f, v, false);
    case 'd': return write_decimal(f, v);
    case 'f': return write_fixed(f, v, precision);
    case 'e': return write_scientific(f, v, precision);
    case 'b': return write_binary(f, v);
    case 'x': return write_hex(f, v, false);
    case 'X': return write_hex(f, v, true);
    default: return write_octal(f, v);
    }
}

/* ---- clauses ---------------------------------------------------------------------------------- */

#define CLAUSE_WRONG "could not parse formatting clause: "

/* After the percent sign at `p`; NULL with *ret_wrong. */
static const char *read_clause(struct arena *a, const char *p, const char *end, struct clause *ret,
                               const char **ret_wrong)
{
    ret->precision = -1;
    if (*p == '.') {
        const char *digits = ++p;
        long precision = 0;
        while (p < end && isdigit((unsigned char)*p) && precision <= PRECISION_MAX)
            precision = precision * 10 + (*p++ - '0');
        if (p >= end) {
            *ret_wrong = CLAUSE_WRONG "error while parsing precision: could not find end of precision specifier";
            return NULL;
        }
        if (p == digits) {
            *ret_wrong = CLAUSE_WRONG "error while parsing precision: error while converting precision to integer: "
                                      "strconv.Atoi: parsing \"\": invalid syntax";
            return NULL;
        }
        if (precision > PRECISION_MAX) {
            *ret_wrong = CLAUSE_WRONG "error while parsing precision: precision is too large";
            return NULL;
        }
        ret->precision = (int)precision;
    }
    ret->verb = *p;
    if (!strchr("sdfebxXo", *p) || !*p) {
        *ret_wrong = arena_printf(a, CLAUSE_WRONG "unrecognized formatting clause \"%c\"", *p);
        return NULL;
    }
    return p + 1;
}

struct cel_value cel_format_string(struct cel_run *run, const struct cel_value *args, size_t n)
{
    cleanup_buf struct buf b = BUF_INIT;
    struct formatting f = { .run = run, .b = &b };
    const char *p = args[0].s, *end = p + args[0].len, *why;
    const struct cel_list *list = args[1].list;
    size_t next = 0;

    while (p < end) {
        struct clause c;
        if (*p != '%') {
            buf_add_char(&b, *p++);
            continue;
        }
        if (++p < end && *p == '%') {
            buf_add_char(&b, *p++);
            continue;
        }
        if (next >= list->n)
            return cel_error(run, "index %zu out of range", next);
        if (p >= end)
            return cel_error(run, "unexpected end of string");
        p = read_clause(run->arena, p, end, &c, &why);
        if (!p)
            return cel_error(run, "%s", why);
        if (!write_clause(&f, c, cel_list_get(run, list, next++)))
            return run->ended ? cel_overrun(run) : cel_error(run, "error during formatting: %s", f.wrong ? f.wrong : "too deep");
    }
    return cel_string(arena_strndup(run->arena, b.data ? b.data : "", b.len), b.len);
}

/* ---- before it runs ----------------------------------------------------------------------------- */

static bool is_one_of(const struct cel_type *t, const enum cel_type_kind *kinds, size_t n)
{
    if (t->kind == CEL_TYPE_DYN)
        return true;
    for (size_t i = 0; i < n; i++)
        if (t->kind == kinds[i])
            return true;
    return false;
}

#define ONE_OF(t, ...) \
    is_one_of(t, (const enum cel_type_kind[]){ __VA_ARGS__ }, \
              sizeof((const enum cel_type_kind[]){ __VA_ARGS__ }) / sizeof(enum cel_type_kind))

/* The first expression in `e` that %s does not take; NULL: all are fine. */
static const struct cel_expr *not_text(const struct cel_expr *e)
{
    const struct cel_expr *bad = NULL;

    if (!ONE_OF(e->type, CEL_TYPE_LIST, CEL_TYPE_MAP, CEL_TYPE_INT, CEL_TYPE_UINT, CEL_TYPE_DOUBLE, CEL_TYPE_BOOL,
                CEL_TYPE_STRING, CEL_TYPE_TIMESTAMP, CEL_TYPE_BYTES, CEL_TYPE_DURATION, CEL_TYPE_TYPE, CEL_TYPE_NULL))
        return e;
    for (size_t i = 0; e->kind == CEL_EXPR_LIST && i < e->list.n && !bad; i++)
        bad = not_text(e->list.elements[i]);
    for (size_t i = 0; e->kind == CEL_EXPR_MAP && i < e->map.n && !bad; i++) {
        bad = not_text(e->map.entries[i].key);
        if (!bad)
            bad = not_text(e->map.entries[i].value);
    }
    return bad;
}

/* What a clause says of an argument that it cannot take; NULL: it can. *ret_bad: where. */
static const char *clause_wrong(struct arena *a, struct clause c, const struct cel_expr *e, const struct cel_expr **ret_bad)
{
    const struct cel_type *t = e->type;
    const char *what = NULL;

    *ret_bad = e;
    switch (c.verb) {
    case 's':
        *ret_bad = not_text(e);
        what = *ret_bad ? "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, "
                          "durations, and timestamps" : NULL;
        break;
    case 'd':
        what = ONE_OF(t, CEL_TYPE_INT, CEL_TYPE_UINT) ? NULL : "decimal clause can only be used on integers";
        break;
    case 'f':
        what = ONE_OF(t, CEL_TYPE_DOUBLE, CEL_TYPE_STRING) ? NULL : "fixed-point clause can only be used on doubles";
        break;
    case 'e':
        what = ONE_OF(t, CEL_TYPE_DOUBLE, CEL_TYPE_STRING) ? NULL : "scientific clause can only be used on doubles";
        break;
    case 'b':
        what = ONE_OF(t, CEL_TYPE_INT, CEL_TYPE_UINT, CEL_TYPE_BOOL) ? NULL
                                                                      : "only integers and bools can be formatted as binary";
        break;
    case 'o':
        what = ONE_OF(t, CEL_TYPE_INT, CEL_TYPE_UINT) ? NULL : "octal clause can only be used on integers";
        break;
    default:
        what = ONE_OF(t, CEL_TYPE_INT, CEL_TYPE_UINT, CEL_TYPE_STRING, CEL_TYPE_BYTES)
                   ? NULL : "only integers, byte buffers, and strings can be formatted as hex";
    }
    return what ? arena_printf(a, "error during formatting: %s, was given %s", what, cel_type_name((*ret_bad)->type)) : NULL;
}

const char *cel_format_wrong(struct arena *a, const struct cel_expr *call, const struct cel_expr **ret_bad)
{
    const struct cel_expr *list = call->call.args[0];
    const char *p = call->call.target->literal.s, *end = p + call->call.target->literal.len, *why;
    size_t next = 0;

    *ret_bad = call;
    while (p < end) {
        struct clause c;
        if (*p++ != '%')
            continue;
        if (p < end && *p == '%') {
            p++;
            continue;
        }
        if (p >= end)
            return "unexpected end of string";
        if (next >= list->list.n)
            return arena_printf(a, "index %zu out of range", next);
        p = read_clause(a, p, end, &c, &why);
        if (p)
            why = clause_wrong(a, c, list->list.elements[next++], ret_bad);
        if (why)
            return why;
        *ret_bad = call;
    }
    if (list->list.n > next)
        return arena_printf(a, "too many arguments supplied to string.format (expected %zu, got %zu)", next, list->list.n);
    return NULL;
}
