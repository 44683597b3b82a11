/* The standard functions: sizes, conversions between types, what strings contain. */
#include <ctype.h>
#include <errno.h>
#include <math.h>

#include "kube/cel/cel_priv.h"
#include "kube/regex.h"

static struct cel_value size(struct cel_run *run, const struct cel_value *args, size_t n)
{
    switch (args[0].kind) {
    case CEL_STRING: case CEL_BYTES: case CEL_LIST: case CEL_MAP: case CEL_OBJECT:
        return cel_int((int64_t)cel_size(args[0]));
    case CEL_TIMESTAMP: case CEL_DURATION:
        return cel_no_such_overload(run);
    default:
        return cel_error(run, "no such overload: size");
    }
}

static struct cel_value type_of(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return cel_type_value(cel_value_type(args[0]));
}

static struct cel_value identity(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return args[0];
}

/* ---- conversions ------------------------------------------------------------------------------ */

static struct cel_value not_convertible(struct cel_run *run, struct cel_value v, const struct cel_type *to)
{
    return cel_error(run, "type conversion error from '%s' to '%s'", cel_type_name(cel_value_type(v)), cel_type_name(to));
}

/* Decimal digits with a sign, as strconv reads them; false: not all of the text. */
static bool parse_integer(struct cel_value v, bool is_signed, int64_t *ret_i, uint64_t *ret_u)
{
    bool minus = false;
    uint64_t u = 0;
    size_t i = 0;

    if (is_signed && v.len && (v.s[0] == '-' || v.s[0] == '+'))
        minus = v.s[i++] == '-';
    if (i == v.len)
        return false;
    for (; i < v.len; i++)
        if (!isdigit((unsigned char)v.s[i]) || __builtin_mul_overflow(u, UINT64_C(10), &u) ||
            __builtin_add_overflow(u, (uint64_t)(v.s[i] - '0'), &u))
            return false;
    *ret_u = u;
    if (is_signed && u > (uint64_t)INT64_MAX + minus)
        return false;
    *ret_i = minus ? (int64_t)(0 - u) : (int64_t)u;
    return true;
}

/* Spellings of no number, in any case. */
static bool special_double(const char *s, double *ret)
{
    bool minus = *s == '-', is_signed = minus || *s == '+';

    if (strcasecmp(s + is_signed, "inf") == 0 || strcasecmp(s + is_signed, "infinity") == 0)
        *ret = minus ? -INFINITY : INFINITY;
    else if (strcasecmp(s, "nan") == 0)
        *ret = NAN;
    else
        return false;
    return true;
}

static bool parse_double(struct cel_run *run, struct cel_value v, double *ret)
{
    const char *s = arena_strndup(run->arena, v.s, v.len);
    char *end;

    if (strlen(s) != v.len || !v.len)
        return false;
    if (special_double(s, ret))
        return true;
    if (isspace((unsigned char)*s) || isalpha((unsigned char)s[*s == '-' || *s == '+']))
        return false;
    if (strpbrk(s, "xX") && !strpbrk(s, "pP"))
        return false;
    *ret = strtod(s, &end);
    return !*end && !isinf(*ret);
}

static struct cel_value double_to_int(struct cel_run *run, double d)
{
    if (!(d > -0x1p63 && d < 0x1p63))
        return cel_error(run, "integer overflow");
    return cel_int((int64_t)d);
}

static struct cel_value double_to_uint(struct cel_run *run, double d)
{
    if (!(d >= 0 && d < 0x1p64))
        return cel_error(run, "unsigned integer overflow");
    return cel_uint((uint64_t)d);
}

static struct cel_value to_int(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value v = args[0];
    int64_t i;
    uint64_t u;

    switch (v.kind) {
    case CEL_INT: return v;
    case CEL_UINT: return v.u > INT64_MAX ? cel_error(run, "integer overflow") : cel_int((int64_t)v.u);
    case CEL_DOUBLE: return double_to_int(run, v.d);
    case CEL_DURATION: return cel_int(v.i);
    case CEL_TIMESTAMP: return cel_int(v.time.s);
    case CEL_STRING:
        if (parse_integer(v, true, &i, &u))
            return cel_int(i);
        /* fall through */
    default: return not_convertible(run, v, &cel_type_int);
    }
}

static struct cel_value to_uint(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value v = args[0];
    int64_t i;
    uint64_t u;

    switch (v.kind) {
    case CEL_UINT: return v;
    case CEL_INT: return v.i < 0 ? cel_error(run, "unsigned integer overflow") : cel_uint((uint64_t)v.i);
    case CEL_DOUBLE: return double_to_uint(run, v.d);
    case CEL_STRING:
        if (parse_integer(v, false, &i, &u))
            return cel_uint(u);
        /* fall through */
    default: return not_convertible(run, v, &cel_type_uint);
    }
}

static struct cel_value to_double(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value v = args[0];
    double d;

    switch (v.kind) {
    case CEL_DOUBLE: return v;
    case CEL_INT: return cel_double((double)v.i);
    case CEL_UINT: return cel_double((double)v.u);
    case CEL_STRING:
        if (parse_double(run, v, &d))
            return cel_double(d);
        /* fall through */
    default: return not_convertible(run, v, &cel_type_double);
    }
}

static bool is_word(struct cel_value v, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(words[i]) == v.len && memcmp(words[i], v.s, v.len) == 0)
            return true;
    return false;
}

static struct cel_value to_bool(struct cel_run *run, const struct cel_value *args, size_t n)
{
    static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
    static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };

    if (args[0].kind == CEL_BOOL)
        return args[0];
    if (args[0].kind == CEL_STRING && is_word(args[0], yes, ARRAY_SIZE(yes)))
        return cel_bool(true);
    if (args[0].kind == CEL_STRING && is_word(args[0], no, ARRAY_SIZE(no)))
        return cel_bool(false);
    return not_convertible(run, args[0], &cel_type_bool);
}

static struct cel_value to_bytes(struct cel_run *run, const struct cel_value *args, size_t n)
{
    if (args[0].kind == CEL_BYTES || args[0].kind == CEL_STRING)
        return cel_bytes(args[0].s, args[0].len);
    return not_convertible(run, args[0], &cel_type_bytes);
}

static bool is_utf8(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text, *end = s + len;

    while (s < end) {
        size_t more = *s < 0x80 ? 0 : *s >= 0xc2 && *s < 0xe0 ? 1 : *s >= 0xe0 && *s < 0xf0 ? 2 : *s >= 0xf0 && *s < 0xf5 ? 3 : 4;
        if (more == 4 || (size_t)(end - s) <= more)
            return false;
        if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
            (s[0] == 0xf4 && s[1] > 0x8f))
            return false;
        for (s++; more; more--)
            if ((*s++ & 0xc0) != 0x80)
                return false;
    }
    return true;
}

struct cel_value cel_to_string(struct cel_run *run, struct cel_value v)
{
    struct cel_value made;

    switch (v.kind) {
    case CEL_STRING: return v;
    case CEL_BOOL: return cel_str(v.b ? "true" : "false");
    case CEL_NULL: return cel_str("null");
    case CEL_INT: return cel_str(arena_printf(run->arena, "%lld", (long long)v.i));
    case CEL_UINT: return cel_str(arena_printf(run->arena, "%llu", (unsigned long long)v.u));
    case CEL_DOUBLE: return cel_str(cel_double_text(run->arena, v.d));
    case CEL_BYTES:
        return is_utf8(v.s, v.len) ? cel_string(v.s, v.len)
                                   : cel_error(run, "invalid UTF-8 in bytes, cannot convert to string");
    case CEL_TIMESTAMP: return cel_str(cel_timestamp_text(run->arena, v));
    case CEL_DURATION: return cel_str(cel_duration_text(run->arena, v.i));
    case CEL_TYPE: return cel_str(cel_type_name(v.type));
    case CEL_OPAQUE:
        if (v.opaque->ops->convert && v.opaque->ops->convert(run, v.opaque, &cel_type_string, &made))
            return made;
        return not_convertible(run, v, &cel_type_string);
    default: return not_convertible(run, v, &cel_type_string);
    }
}

static struct cel_value to_string(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return cel_to_string(run, args[0]);
}

static struct cel_value to_timestamp(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value v = args[0];

    if (v.kind == CEL_STRING)
        v = cel_timestamp_parse(run, v.s, v.len);
    if (v.kind == CEL_INT)
        v = v.i < INT64_C(-62135596800) || v.i > INT64_C(253402300799) ? cel_error(run, "timestamp overflow")
                                                                       : cel_timestamp(v.i, 0);
    if (v.kind == CEL_TIMESTAMP || v.kind == CEL_ERROR)
        return v;
    return not_convertible(run, args[0], &cel_type_timestamp);
}

static struct cel_value to_duration(struct cel_run *run, const struct cel_value *args, size_t n)
{
    switch (args[0].kind) {
    case CEL_DURATION: return args[0];
    case CEL_STRING: return cel_duration_parse(run, args[0].s, args[0].len);
    default: return not_convertible(run, args[0], &cel_type_duration);       /* integers too: cel-go declares what it lacks */
    }
}

/* ---- strings ---------------------------------------------------------------------------------- */

static bool two_strings(const struct cel_value *args)
{
    return args[0].kind == CEL_STRING && args[1].kind == CEL_STRING;
}

static struct cel_value contains(struct cel_run *run, const struct cel_value *args, size_t n)
{
    if (!two_strings(args))
        return cel_no_such_overload(run);
    return cel_bool(!args[1].len || memmem(args[0].s, args[0].len, args[1].s, args[1].len));
}

static struct cel_value starts_with(struct cel_run *run, const struct cel_value *args, size_t n)
{
    if (!two_strings(args))
        return cel_no_such_overload(run);
    return cel_bool(args[0].len >= args[1].len && memcmp(args[0].s, args[1].s, args[1].len) == 0);
}

static struct cel_value ends_with(struct cel_run *run, const struct cel_value *args, size_t n)
{
    if (!two_strings(args))
        return cel_no_such_overload(run);
    return cel_bool(args[0].len >= args[1].len &&
                    memcmp(args[0].s + args[0].len - args[1].len, args[1].s, args[1].len) == 0);
}

static struct cel_value matches(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct regex *r;
    const char *why;

    if (args[0].kind != CEL_STRING)
        return args[0].kind == CEL_TIMESTAMP || args[0].kind == CEL_DURATION ? cel_no_such_overload(run)
                                                                             : cel_error(run, "no such overload: matches");
    if (args[1].kind != CEL_STRING)
        return cel_no_such_overload(run);
    r = cel_regex(run, args[1].s, args[1].len, &why);
    return r ? cel_bool(regex_match(r, args[0].s, args[0].len)) : cel_error(run, "%s", why);
}

/* ---- the rows --------------------------------------------------------------------------------- */

static const struct cel_overload functions[] = {
    { "size", "size_bytes", "(bytes) int", size },
    { "size", "bytes_size", "bytes.() int", size },
    { "size", "size_list", "(list(A)) int", size },
    { "size", "list_size", "list(A).() int", size },
    { "size", "size_map", "(map(A, B)) int", size },
    { "size", "map_size", "map(A, B).() int", size },
    { "size", "size_string", "(string) int", size },
    { "size", "string_size", "string.() int", size },
    { "type", "type", "(A) type(A)", type_of },
    { "dyn", "to_dyn", "(A) dyn", identity },
    { "contains", "contains_string", "string.(string) bool", contains },
    { "endsWith", "ends_with_string", "string.(string) bool", ends_with },
    { "startsWith", "starts_with_string", "string.(string) bool", starts_with },
    { "matches", "matches", "(string, string) bool", matches },
    { "matches", "matches_string", "string.(string) bool", matches },
};
const struct overloads std_functions = { functions, ARRAY_SIZE(functions), true };

static const struct cel_overload conversions[] = {
    { "bool", "bool_to_bool", "(bool) bool", identity },
    { "bool", "string_to_bool", "(string) bool", to_bool },
    { "bytes", "bytes_to_bytes", "(bytes) bytes", identity },
    { "bytes", "string_to_bytes", "(string) bytes", to_bytes },
    { "double", "double_to_double", "(double) double", identity },
    { "double", "int64_to_double", "(int) double", to_double },
    { "double", "string_to_double", "(string) double", to_double },
    { "double", "uint64_to_double", "(uint) double", to_double },
    { "duration", "duration_to_duration", "(duration) duration", identity },
    { "duration", "int64_to_duration", "(int) duration", to_duration },
    { "duration", "string_to_duration", "(string) duration", to_duration },
    { "int", "int64_to_int64", "(int) int", identity },
    { "int", "double_to_int64", "(double) int", to_int },
    { "int", "duration_to_int64", "(duration) int", to_int },
    { "int", "string_to_int64", "(string) int", to_int },
    { "int", "timestamp_to_int64", "(timestamp) int", to_int },
    { "int", "uint64_to_int64", "(uint) int", to_int },
    { "string", "string_to_string", "(string) string", identity },
    { "string", "bool_to_string", "(bool) string", to_string },
    { "string", "bytes_to_string", "(bytes) string", to_string },
    { "string", "double_to_string", "(double) string", to_string },
    { "string", "duration_to_string", "(duration) string", to_string },
    { "string", "int64_to_string", "(int) string", to_string },
    { "string", "timestamp_to_string", "(timestamp) string", to_string },
    { "string", "uint64_to_string", "(uint) string", to_string },
    { "timestamp", "timestamp_to_timestamp", "(timestamp) timestamp", identity },
    { "timestamp", "int64_to_timestamp", "(int) timestamp", to_timestamp },
    { "timestamp", "string_to_timestamp", "(string) timestamp", to_timestamp },
    { "uint", "uint64_to_uint64", "(uint) uint", identity },
    { "uint", "double_to_uint64", "(double) uint", to_uint },
    { "uint", "int64_to_uint64", "(int) uint", to_uint },
    { "uint", "string_to_uint64", "(string) uint", to_uint },
};
const struct overloads std_conversions = { conversions, ARRAY_SIZE(conversions), false };
