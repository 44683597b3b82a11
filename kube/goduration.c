#include <ctype.h>

#include "kube/gotime.h"

#define HALF (UINT64_C(1) << 63)       /* what no sum of parts may pass; as a negative duration it still fits */

static const struct { const char *name; uint64_t ns; } units[] = {
    { "ns", 1 }, { "us", 1000 }, { "\u00b5s", 1000 }, { "\u03bcs", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
    { "m", UINT64_C(60000000000) }, { "h", UINT64_C(3600000000000) },
};

struct parsing {
    struct arena *arena;
    const char *text, *at, *end;
    const char *wrong;
};

static bool at_digit(const struct parsing *p)
{
    return p->at < p->end && isdigit((unsigned char)*p->at);
}

static bool invalid(struct parsing *p)
{
    p->wrong = arena_printf(p->arena, "time: invalid duration %s",
                            gotime_quote(p->arena, p->text, (size_t)(p->end - p->text)));
    return false;
}

static bool take_whole(struct parsing *p, uint64_t *ret)
{
    for (*ret = 0; at_digit(p); p->at++) {
        if (*ret > HALF / 10)
            return invalid(p);
        *ret = *ret * 10 + (uint64_t)(*p->at - '0');
        if (*ret > HALF)
            return invalid(p);
    }
    return true;
}

/* Digits behind the point, as far as they matter. */
static void take_fraction(struct parsing *p, uint64_t *ret, double *ret_scale)
{
    bool full = false;

    *ret_scale = 1;
    for (*ret = 0; at_digit(p); p->at++) {
        uint64_t more = *ret * 10 + (uint64_t)(*p->at - '0');
        full = full || *ret > (HALF - 1) / 10 || more > HALF;
        if (full)
            continue;
        *ret = more;
        *ret_scale *= 10;
    }
}

static bool take_unit(struct parsing *p, uint64_t *ret)
{
    const char *unit = p->at;
    size_t len;

    while (p->at < p->end && *p->at != '.' && !at_digit(p))
        p->at++;
    len = (size_t)(p->at - unit);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (strlen(units[i].name) == len && memcmp(units[i].name, unit, len) == 0) {
            *ret = units[i].ns;
            return true;
        }
    const char *all = gotime_quote(p->arena, p->text, (size_t)(p->end - p->text));
    p->wrong = len == 0 ? arena_printf(p->arena, "time: missing unit in duration %s", all)
               : arena_printf(p->arena, "time: unknown unit %s in duration %s", gotime_quote(p->arena, unit, len), all);
    return false;
}

/* One "1.5h", added to *sum. */
static bool take_part(struct parsing *p, uint64_t *sum)
{
    uint64_t whole, fraction = 0, unit;
    const char *start = p->at;
    double scale = 1;
    bool digits;

    if (!take_whole(p, &whole))
        return false;
    digits = p->at > start;
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        digits = digits || at_digit(p);
        take_fraction(p, &fraction, &scale);
    }
    if (!digits)
        return invalid(p);
    if (!take_unit(p, &unit))
        return false;
    if (whole > HALF / unit)
        return invalid(p);
    whole *= unit;
    if (fraction)
        whole += (uint64_t)((double)fraction * ((double)unit / scale));
    if (whole > HALF || __builtin_add_overflow(*sum, whole, sum) || *sum > HALF)
        return invalid(p);
    return true;
}

const char *goduration_parse(struct arena *arena, const char *text, size_t len, duration *ret)
{
    struct parsing p = { .arena = arena, .text = text, .at = text, .end = text + len };
    bool minus = false;
    uint64_t ns = 0;

    *ret = 0;
    if (p.at < p.end && (*p.at == '-' || *p.at == '+'))
        minus = *p.at++ == '-';
    if (p.end - p.at == 1 && *p.at == '0')
        return NULL;
    if (p.at == p.end)
        invalid(&p);
    while (p.at < p.end && !p.wrong)
        take_part(&p, &ns);
    if (!p.wrong && ns > HALF - !minus)
        invalid(&p);
    if (!p.wrong)
        *ret = minus ? (duration)(0 - ns) : (duration)ns;
    return p.wrong;
}
