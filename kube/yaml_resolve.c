#include "kube/yaml_priv.h"

#include <math.h>
#include <stdio.h>

static const struct word {
    const char *text, *kind;
    int value;                                   /* 'y', 'n', '0', '+', '-', '?' */
} words[] = {
    { "y", "!!bool", 'y' },      { "Y", "!!bool", 'y' },     { "yes", "!!bool", 'y' },
    { "Yes", "!!bool", 'y' },    { "YES", "!!bool", 'y' },   { "true", "!!bool", 'y' },
    { "True", "!!bool", 'y' },   { "TRUE", "!!bool", 'y' },  { "on", "!!bool", 'y' },
    { "On", "!!bool", 'y' },     { "ON", "!!bool", 'y' },    { "n", "!!bool", 'n' },
    { "N", "!!bool", 'n' },      { "no", "!!bool", 'n' },    { "No", "!!bool", 'n' },
    { "NO", "!!bool", 'n' },     { "false", "!!bool", 'n' }, { "False", "!!bool", 'n' },
    { "FALSE", "!!bool", 'n' },  { "off", "!!bool", 'n' },   { "Off", "!!bool", 'n' },
    { "OFF", "!!bool", 'n' },    { "", "!!null", '0' },      { "~", "!!null", '0' },
    { "null", "!!null", '0' },   { "Null", "!!null", '0' },  { "NULL", "!!null", '0' },
    { ".nan", "!!float", '?' },  { ".NaN", "!!float", '?' }, { ".NAN", "!!float", '?' },
    { ".inf", "!!float", '+' },  { ".Inf", "!!float", '+' }, { ".INF", "!!float", '+' },
    { "+.inf", "!!float", '+' }, { "+.Inf", "!!float", '+' },{ "+.INF", "!!float", '+' },
    { "-.inf", "!!float", '-' }, { "-.Inf", "!!float", '-' },{ "-.INF", "!!float", '-' },
};

/* NULL for the three that JSON has no number for. */
static json_t *word_value(int value)
{
    switch (value) {
    case 'y': return json_true();
    case 'n': return json_false();
    case '0': return json_null();
    default: return NULL;
    }
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static int digit_value(char c)
{
    if (digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Digits of `base` to the end of `s`; false when there are none, or too many. */
static bool parse_digits(const char *s, unsigned base, uint64_t *ret)
{
    *ret = 0;
    if (!*s)
        return false;
    for (; *s; s++) {
        unsigned d = (unsigned)digit_value(*s);

        if (d >= base || *ret > (UINT64_MAX - d) / base)
            return false;
        *ret = *ret * base + d;
    }
    return true;
}

/* Sign, then 0x, 0b, 0o, 0 or nothing, then digits: strconv.ParseInt or ParseUint with base 0. */
static bool parse_integer(const char *s, json_t **ret)
{
    bool negative = *s == '-', sign = *s == '-' || *s == '+';
    unsigned base = 10;
    uint64_t v;

    s += sign;
    if (s[0] == '0' && s[1]) {
        base = s[1] == 'x' || s[1] == 'X' ? 16 : s[1] == 'b' || s[1] == 'B' ? 2 : 8;
        s += base != 8 || s[1] == 'o' || s[1] == 'O' ? 2 : 1;
    }
    if (!parse_digits(s, base, &v))
        return false;
    if (v <= (uint64_t)INT64_MAX + negative)
        *ret = json_integer(negative ? (json_int_t)(0 - v) : (json_int_t)v);
    else if (!sign)
        *ret = json_real((double)v);
    else
        return false;
    return true;
}

/* ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$ */
static bool looks_like_float(const char *s)
{
    size_t whole = 0, part = 0;

    if (*s == '-' || *s == '+')
        s++;
    for (; digit(*s); s++)
        whole++;
    if (*s == '.')
        for (s++; digit(*s); s++)
            part++;
    if (!whole && !part)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '-' || *s == '+')
            s++;
        if (!digit(*s))
            return false;
        while (digit(*s))
            s++;
    }
    return !*s;
}

/* As it comes back from JSON: a float that prints without point and exponent is an integer. */
static json_t *real_value(double d)
{
    char text[JSON_NUMBER_MAX];

    json_write_real(text, d);
    if (!strpbrk(text, ".e")) {
        json_t *v = json_parse_str(text);

        if (v)
            return v;
    }
    return json_real(d);
}

static bool parse_real(const char *s, json_t **ret)
{
    double d;

    if (!looks_like_float(s))
        return false;
    d = strtod(s, NULL);
    if (isinf(d))
        return false;                            /* out of range: a string */
    *ret = real_value(d);
    return true;
}

/* ---- timestamps ------------------------------------------------------------------------------- */

/* One or two digits (four for a year) up to `max`. */
static bool number(const char **s, int digits, int min, int max)
{
    int v = 0, n = 0;

    for (; n < digits && digit(**s); n++)
        v = v * 10 + *(*s)++ - '0';
    return n && (digits < 4 || n == 4) && v >= min && v <= max;
}

static bool literal(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static bool valid_date(const char *s)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = atoi(s), month = atoi(s + 5), day = atoi(strchr(s + 5, '-') + 1);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return day <= days[month - 1] + (month == 2 && leap);
}

static bool is_timestamp(const char *s)
{
    const char *date = s;
    char between;

    if (!number(&s, 4, 0, 9999) || !literal(&s, '-') || !number(&s, 2, 1, 12) || !literal(&s, '-') ||
        !number(&s, 2, 1, 31) || !valid_date(date))
        return false;
    if (!*s)
        return true;
    between = *s++;
    if (between != 'T' && between != 't' && between != ' ')
        return false;
    if (!number(&s, 2, 0, 23) || !literal(&s, ':') || !number(&s, 2, 0, 59) || !literal(&s, ':') ||
        !number(&s, 2, 0, 59))
        return false;
    if (*s == '.' && digit(s[1]))
        for (s++; digit(*s); s++)
            ;
    if (between == ' ')
        return !*s;
    if (literal(&s, 'Z'))
        return !*s;
    return (literal(&s, '+') || literal(&s, '-')) && digit(s[0]) && digit(s[1]) && s[2] == ':' &&
           digit(s[3]) && digit(s[4]) && !s[5];
}

/* ---- the whole ------------------------------------------------------------------------------- */

static json_t *resolve_number(const char *tag, const char *text, const char **kind)
{
    cleanup_free char *plain = xmalloc(strlen(text) + 1);
    size_t n = 0;
    json_t *v = NULL;

    if (!*tag && is_timestamp(text)) {
        *kind = "!!timestamp";
        return json_string_nocheck(text);
    }
    for (const char *s = text; *s; s++)
        if (*s != '_')
            plain[n++] = *s;
    plain[n] = 0;
    *kind = "!!int";
    if (parse_integer(plain, &v))
        return v;
    *kind = "!!float";
    return parse_real(plain, &v) ? v : NULL;
}

json_t *yaml_resolve(const char *tag, const char *text, size_t len, const char **kind)
{
    json_t *v = NULL;

    *kind = "!!str";
    if (streq(tag, "!!str") || streq(tag, "!!binary") || strlen(text) != len)
        return json_stringn_nocheck(text, len);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (streq(words[i].text, text)) {
            *kind = words[i].kind;
            return word_value(words[i].value);
        }
    if (*text == '+' || *text == '-' || digit(*text))
        v = resolve_number(tag, text, kind);
    else if (*text == '.' && parse_real(text, &v))
        *kind = "!!float";
    if (v)
        return v;
    *kind = "!!str";
    return json_stringn_nocheck(text, len);
}

/* [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)? */
bool yaml_is_base60(const char *s)
{
    bool groups = false;

    if (*s == '-' || *s == '+')
        s++;
    if (!digit(*s))
        return false;
    while (digit(*s) || *s == '_')
        s++;
    while (*s == ':') {
        if (!digit(*++s))
            return false;
        if (digit(s[1]) && *s <= '5')
            s++;
        s++;
        groups = true;
    }
    if (groups && *s == '.')
        for (s++; digit(*s) || *s == '_'; s++)
            ;
    return groups && !*s;
}
