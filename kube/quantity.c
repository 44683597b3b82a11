#include "kube/quantity.h"

#include <ctype.h>
#include <stdio.h>

#include "kube/json.h"

#define WRONG_FORMAT                                           \
    "quantities must match the regular expression "            \
    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

enum { NANO = -9, INT64_DIGITS = 18, ADD_SPREAD_MAX = 1000 };

static const struct suffix {
    const char *text;
    int base, exponent;
} suffixes[] = {
    { "n", 10, -9 }, { "u", 10, -6 }, { "m", 10, -3 }, { "", 10, 0 },   { "k", 10, 3 },  { "M", 10, 6 },
    { "G", 10, 9 },  { "T", 10, 12 }, { "P", 10, 15 }, { "E", 10, 18 }, { "Ki", 2, 10 }, { "Mi", 2, 20 },
    { "Gi", 2, 30 }, { "Ti", 2, 40 }, { "Pi", 2, 50 }, { "Ei", 2, 60 },
};

/* ---- digits ----------------------------------------------------------------------------------- */

/* Drops zeros at both ends; the caller's digits stay where they are. */
static void trim(struct quantity *q)
{
    while (q->n && !q->digits[0]) {
        q->digits++;
        q->n--;
    }
    while (q->n && !q->digits[q->n - 1]) {
        q->n--;
        q->exponent++;
    }
    if (!q->n) {
        q->exponent = 0;
        q->negative = false;
    }
}

/* One power of ten above the highest digit. */
static int64_t magnitude(const struct quantity *q)
{
    return (int64_t)q->n + q->exponent;
}

/* The digit at 10^place. */
static int digit_at(const struct quantity *q, int64_t place)
{
    int64_t i = magnitude(q) - 1 - place;

    return i >= 0 && i < (int64_t)q->n ? q->digits[i] : 0;
}

static int compare_absolute(const struct quantity *a, const struct quantity *b)
{
    size_t n = a->n < b->n ? a->n : b->n;
    int order;

    if (!a->n || !b->n)
        return (a->n > 0) - (b->n > 0);
    if (magnitude(a) != magnitude(b))
        return magnitude(a) < magnitude(b) ? -1 : 1;
    order = memcmp(a->digits, b->digits, n);
    return order ? order : (a->n > b->n) - (a->n < b->n);
}

int quantity_compare(const struct quantity *a, const struct quantity *b)
{
    int order = compare_absolute(a, b);

    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    return a->negative ? -order : order;
}

/* Multiplies whole digits by 1024, `times` times. */
static void multiply_1024(struct arena *arena, struct quantity *q, int times)
{
    size_t room = q->n + 4 * (size_t)times;
    uint8_t *digits = arena_alloc(arena, room + 1);

    memcpy(digits + 4 * (size_t)times, q->digits, q->n);
    for (int t = 0; t < times; t++) {
        unsigned carry = 0;

        for (size_t i = room; i-- > 0;) {
            carry += digits[i] * 1024u;
            digits[i] = (uint8_t)(carry % 10);
            carry /= 10;
        }
    }
    q->digits = digits;
    q->n = room;
}

struct quantity quantity_round_up(struct arena *arena, const struct quantity *q, int scale)
{
    struct quantity r = *q;
    int64_t keep = magnitude(q) - scale;
    uint8_t *digits;
    size_t i;

    if (q->exponent >= scale || !q->n)
        return r;
    if (keep < 0)
        keep = 0;
    digits = arena_alloc(arena, (size_t)keep + 2);         /* a leading 0 for the carry */
    memcpy(digits + 1, q->digits, (size_t)keep);
    for (i = (size_t)keep; digits[i] == 9; i--)
        digits[i] = 0;
    digits[i]++;
    r.digits = digits;
    r.n = (size_t)keep + 1;
    r.exponent = scale;
    r.text = NULL;
    trim(&r);
    return r;
}

/* ---- parsing ---------------------------------------------------------------------------------- */

struct parts {
    bool negative;
    const char *num, *denom, *suffix;
    size_t num_len, denom_len, suffix_len;
};

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Sign, digits without leading zeros, digits behind the point, and a suffix that has the right letters. */
static bool split(const char *s, struct parts *ret)
{
    *ret = (struct parts){ .negative = *s == '-' };
    if (*s == '-' || *s == '+')
        s++;
    while (*s == '0')
        s++;
    for (ret->num = s; digit(*s); s++)
        ret->num_len++;
    if (*s == '.')
        for (ret->denom = ++s; digit(*s); s++)
            ret->denom_len++;
    ret->suffix = s;
    s += strspn(s, "eEinumkKMGTP");
    if (*s == '-' || *s == '+')
        s++;
    while (digit(*s))
        s++;
    ret->suffix_len = (size_t)(s - ret->suffix);
    return !*s;
}

/* "e3": as strconv.ParseInt, then cut to 32 bits. */
static bool parse_exponent(const char *s, size_t len, int32_t *ret)
{
    bool negative = len && *s == '-';
    size_t i = len && (*s == '-' || *s == '+');
    uint64_t v = 0;

    if (i == len)
        return false;
    for (; i < len; i++) {
        if (!digit(s[i]) || v > (UINT64_C(9223372036854775807) - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(s[i] - '0');
    }
    *ret = (int32_t)(uint32_t)(negative ? 0 - v : v);
    return true;
}

static bool interpret(const char *s, size_t len, int *base, int32_t *exponent,
                      enum quantity_format *format)
{
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
        if (strlen(suffixes[i].text) == len && memcmp(s, suffixes[i].text, len) == 0) {
            *base = suffixes[i].base;
            *exponent = suffixes[i].exponent;
            *format = *base == 10 ? QUANTITY_DECIMAL_SI : QUANTITY_BINARY_SI;
            return true;
        }
    *base = 10;
    *format = QUANTITY_DECIMAL_EXPONENT;
    return len > 1 && (*s == 'e' || *s == 'E') && parse_exponent(s + 1, len - 1, exponent);
}

/* Does upstream's parser take a shorter way, at whose end is an int64 and a power of ten? */
static bool fits_short(const struct parts *p, int base, int32_t exponent)
{
    size_t len = p->num_len + p->denom_len;

    if (base == 2)
        return !p->denom_len && 15 - (int64_t)p->num_len - (int)((float)exponent * 3 / 10) - 1 >= 0;
    return len <= INT64_DIGITS && (int64_t)exponent - (int64_t)p->denom_len >= NANO;
}

/* And does it take this for canonical, and keep the spelling? */
static bool keeps_spelling(const struct parts *p, int base, int32_t exponent)
{
    size_t len = p->num_len + p->denom_len;
    char last[4] = "";
    unsigned value = 0;

    if (!fits_short(p, base, exponent))
        return false;
    if (base == 2) {
        for (size_t i = 0; i < p->num_len; i++)
            value = (value * 10 + (unsigned)(p->num[i] - '0')) & 7;
        return value != 0;
    }
    if (((int64_t)exponent - (int64_t)p->denom_len) % 3 != 0 || !p->num_len)
        return false;
    for (size_t i = 0; i < 3 && i < len; i++)
        last[i] = i < p->denom_len ? p->denom[p->denom_len - 1 - i]
                                   : p->num[p->num_len - 1 - (i - p->denom_len)];
    return !streq(last, "000");
}

/* What is too big for its format is cut, what is too small rounded up. */
static void bound(struct arena *arena, struct quantity *q)
{
    struct quantity max = quantity_from_int(arena, INT64_MAX, QUANTITY_BINARY_SI);
    struct quantity one = quantity_from_int(arena, 1, QUANTITY_BINARY_SI);
    bool negative = q->negative;

    *q = quantity_round_up(arena, q, NANO);
    if (q->format != QUANTITY_BINARY_SI || !q->n)
        return;
    if (compare_absolute(q, &max) > 0) {
        *q = max;
        q->negative = negative;
    }
    if (compare_absolute(q, &one) < 0)
        q->format = QUANTITY_DECIMAL_SI;
}

int quantity_parse(struct arena *arena, const char *text, struct quantity *ret, struct err *e)
{
    struct quantity q = { 0 };
    struct parts p;
    uint8_t *digits;
    int32_t exponent = 0;
    int base;

    if (!*text || !split(text, &p))
        return err_set(e, ERR_INVALID, WRONG_FORMAT);
    if (!interpret(p.suffix, p.suffix_len, &base, &exponent, &q.format))
        return err_set(e, ERR_INVALID, "unable to parse quantity's suffix");
    q.negative = p.negative;
    q.n = p.num_len + p.denom_len;
    digits = arena_alloc(arena, q.n + 1);
    for (size_t i = 0; i < q.n; i++)
        digits[i] = (uint8_t)((i < p.num_len ? p.num[i] : p.denom[i - p.num_len]) - '0');
    q.digits = digits;
    q.exponent = (base == 10 ? exponent : 0) - (int64_t)p.denom_len;
    q.is_short = fits_short(&p, base, exponent);
    q.short_scale = q.exponent;
    if (base == 2)
        multiply_1024(arena, &q, exponent / 10);
    trim(&q);
    bound(arena, &q);
    if (q.n && keeps_spelling(&p, base, exponent))
        q.text = arena_strdup(arena, text);
    *ret = q;
    return 0;
}

int quantity_parse_json(struct arena *arena, const json_t *v, struct quantity *ret, struct err *e)
{
    char *text;
    size_t len;

    if (!json_is_string(v))
        return quantity_parse(arena, json_arena_text(arena, v, 0), ret, e);
    if (strlen(json_string_value(v)) != json_string_length(v))
        return err_set(e, ERR_INVALID, WRONG_FORMAT);
    text = arena_strdup(arena, json_string_value(v));
    while (isspace((unsigned char)*text))
        text++;
    len = strlen(text);
    while (len && isspace((unsigned char)text[len - 1]))
        text[--len] = 0;
    return quantity_parse(arena, text, ret, e);
}

struct quantity quantity_from_int(struct arena *arena, int64_t value, enum quantity_format format)
{
    struct quantity q = { .negative = value < 0, .format = format };
    uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint8_t *digits = arena_alloc(arena, 20);

    for (size_t i = 20; i-- > 0; v /= 10)
        digits[i] = (uint8_t)(v % 10);
    q.digits = digits;
    q.n = 20;
    trim(&q);
    return q;
}

/* ---- printing --------------------------------------------------------------------------------- */

/* Its absolute value as an integer, where it is one below 2^63. */
static bool whole(const struct quantity *q, uint64_t *ret)
{
    *ret = 0;
    if (q->exponent < 0 || magnitude(q) > 19)
        return false;
    for (int64_t place = magnitude(q) - 1; place >= 0; place--) {
        int d = digit_at(q, place);

        if (*ret > ((uint64_t)INT64_MAX - (uint64_t)d) / 10)
            return false;
        *ret = *ret * 10 + (uint64_t)d;
    }
    return true;
}

static const char *suffix_of(int base, int64_t exponent)
{
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
        if (suffixes[i].base == base && suffixes[i].exponent == exponent)
            return suffixes[i].text;
    return "";                                   /* as upstream: there is none, and none is written */
}

static const char *binary_text(struct arena *arena, const struct quantity *q, uint64_t v)
{
    int exponent = 0;

    while (v % 1024 == 0) {
        v /= 1024;
        exponent += 10;
    }
    return arena_printf(arena, "%s%llu%s", q->negative ? "-" : "", (unsigned long long)v,
                        exponent ? suffix_of(2, exponent) : "");
}

const char *quantity_text(struct arena *arena, const struct quantity *q)
{
    enum quantity_format format = q->format;
    int64_t exponent = q->exponent;
    size_t zeros = 0;
    uint64_t v;
    char *text, *at;

    if (!q->n)
        return "0";
    if (q->text)
        return q->text;
    if (format == QUANTITY_BINARY_SI) {
        if (whole(q, &v) && v >= 1024)
            return binary_text(arena, q, v);
        format = QUANTITY_DECIMAL_SI;
    }
    for (; exponent % 3 != 0; exponent--)
        zeros++;
    text = at = arena_alloc(arena, q->n + zeros + 32);
    if (q->negative)
        *at++ = '-';
    for (size_t i = 0; i < q->n; i++)
        *at++ = (char)('0' + q->digits[i]);
    for (; zeros; zeros--)
        *at++ = '0';
    if (format == QUANTITY_DECIMAL_SI)
        strcpy(at, suffix_of(10, exponent));
    else if (exponent)
        sprintf(at, "e%lld", (long long)exponent);
    return text;
}

/* ---- arithmetic ------------------------------------------------------------------------------- */

/* |a| + |b|, or |a| - |b| where |a| >= |b|; the sign is a's. */
static struct quantity combine(struct arena *arena, const struct quantity *a, const struct quantity *b,
                               bool subtract)
{
    struct quantity r = *a;
    int64_t low = a->exponent < b->exponent ? a->exponent : b->exponent;
    int64_t high = magnitude(a) > magnitude(b) ? magnitude(a) : magnitude(b);
    size_t n = (size_t)(high - low) + 1;
    uint8_t *digits = arena_alloc(arena, n);
    int carry = 0;

    for (size_t i = 0; i < n; i++) {
        int64_t place = low + (int64_t)i;
        int d = digit_at(a, place) + carry;

        d += subtract ? -digit_at(b, place) : digit_at(b, place);
        carry = d < 0 ? -1 : d > 9;
        digits[n - 1 - i] = (uint8_t)(d - 10 * carry);
    }
    r.digits = digits;
    r.n = n;
    r.exponent = low;
    r.text = NULL;
    trim(&r);
    return r;
}

struct quantity quantity_add(struct arena *arena, const struct quantity *a, const struct quantity *b)
{
    enum quantity_format format = a->n ? a->format : b->format;
    bool a_larger = compare_absolute(a, b) >= 0;
    const struct quantity *large = a_larger ? a : b, *small = a_larger ? b : a;
    struct quantity r = *large;

    r.text = NULL;
    if (small->n && magnitude(large) - magnitude(small) <= ADD_SPREAD_MAX &&
        large->exponent - small->exponent <= ADD_SPREAD_MAX + (int64_t)small->n)
        r = combine(arena, large, small, a->negative != b->negative);
    r.format = format;
    return r;
}

struct quantity quantity_sub(struct arena *arena, const struct quantity *a, const struct quantity *b)
{
    struct quantity negated = *b;

    negated.negative = b->n && !b->negative;
    negated.text = NULL;
    return quantity_add(arena, a, &negated);
}

/* digits * 10^exponent / 10^scale, of which the low 64 bits are kept. */
static int64_t wrapped(const struct quantity *q, int scale)
{
    int64_t zeros = q->exponent - scale;
    uint64_t v = 0;

    for (size_t i = 0; i < q->n && (zeros >= 0 || (int64_t)i < (int64_t)q->n + zeros); i++)
        v = v * 10 + q->digits[i];
    for (int64_t i = 0; i < zeros && i < 64; i++)           /* 10^64 has 64 zeros in binary, too */
        v *= 10;
    return (int64_t)(q->negative ? 0 - v : v);
}

/* What does not fit is what upstream makes of it: of a short number nothing where it is multiplied step by step. */
static int64_t overflowed(const struct quantity *q, int scale)
{
    int64_t steps = q->short_scale - scale;
    bool at_once = steps <= 3 || steps == 6 || steps == 9;

    return q->is_short && !at_once ? 0 : wrapped(q, scale);
}

int64_t quantity_scaled(const struct quantity *q, int scale)
{
    uint64_t v = 0, limit = (uint64_t)INT64_MAX + q->negative;
    bool rest = q->n && q->exponent < scale;

    if (magnitude(q) - scale > 19)
        return overflowed(q, scale);
    for (int64_t place = magnitude(q) - 1; place >= scale; place--) {
        uint64_t d = (uint64_t)digit_at(q, place);

        if (v > (limit - d) / 10)
            return overflowed(q, scale);
        v = v * 10 + d;
    }
    if (q->negative)
        return (int64_t)(0 - v);
    return (int64_t)(v + (rest && v < (uint64_t)INT64_MAX));
}
