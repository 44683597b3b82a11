#include "kube/gotime.h"

#include <stdio.h>

#include "world/buf.h"
#include "world/civil.h"

bool gotime_is_zero(struct gotime t)
{
    return t.s == GOTIME_ZERO.s && t.ns == 0;
}

void gotime_format(struct gotime t, bool micro, char ret[GOTIME_TEXT_MAX])
{
    struct civil c = civil_from(t.s);
    int n = snprintf(ret, GOTIME_TEXT_MAX, "%s%04d-%02u-%02uT%02u:%02u:%02u", c.year < 0 ? "-" : "", abs((int)c.year), c.month,
                     c.day, c.hour, c.minute, c.second);

    if (micro)
        n += snprintf(ret + n, GOTIME_TEXT_MAX - (size_t)n, ".%06d", t.ns / 1000);
    strcpy(ret + n, "Z");
}

/* ---- how the package of time quotes ------------------------------------------------------------- */

const char *gotime_quote(struct arena *a, const char *s, size_t len)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_char(&b, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char ch = (unsigned char)s[i];
        if (ch < ' ' || ch >= 0x80)
            buf_printf(&b, "\\x%02x", ch);
        else
            buf_printf(&b, ch == '"' || ch == '\\' ? "\\%c" : "%c", ch);
    }
    buf_add_char(&b, '"');
    return arena_strndup(a, b.data, b.len);
}

/* ---- parsing, element by element of the layout --------------------------------------------------- */

struct parsing {
    struct arena *arena;
    const char *text, *at, *end, *layout;
    const char *wrong;
};

static int fail(struct parsing *p, const char *element)
{
    p->wrong = arena_printf(p->arena, "parsing time %s as %s: cannot parse %s as %s",
                            gotime_quote(p->arena, p->text, (size_t)(p->end - p->text)),
                            gotime_quote(p->arena, p->layout, strlen(p->layout)),
                            gotime_quote(p->arena, p->at, (size_t)(p->end - p->at)),
                            gotime_quote(p->arena, element, strlen(element)));
    return -1;
}

static int out_of_range(struct parsing *p, const char *what)
{
    p->wrong = arena_printf(p->arena, "parsing time %s: %s out of range",
                            gotime_quote(p->arena, p->text, (size_t)(p->end - p->text)), what);
    return -1;
}

static bool digit_at(const struct parsing *p, ptrdiff_t i)
{
    return p->end - p->at > i && p->at[i] >= '0' && p->at[i] <= '9';
}

static int number(struct parsing *p, int width, const char *element, int *ret)
{
    int v = 0;

    for (int i = 0; i < width; i++) {
        if (!digit_at(p, i))
            return fail(p, element);
        v = v * 10 + (p->at[i] - '0');
    }
    p->at += width;
    *ret = v;
    return 0;
}

static int literal(struct parsing *p, char c)
{
    char element[2] = { c, 0 };

    if (p->at == p->end || *p->at != c)
        return fail(p, element);
    p->at++;
    return 0;
}

/* The layout's hour alone may have one digit. */
static int hour(struct parsing *p, int *ret)
{
    if (digit_at(p, 0) && !digit_at(p, 1)) {
        *ret = *p->at++ - '0';
        return 0;
    }
    return number(p, 2, "15", ret);
}

static int fraction(struct parsing *p, bool micro, int32_t *ret)
{
    int n = 0;
    int64_t v = 0;
    bool point = p->at < p->end && (*p->at == '.' || *p->at == ',');

    *ret = 0;
    if (!micro && (!point || !digit_at(p, 1)))
        return 0;
    while (point && digit_at(p, n + 1) && (!micro || n < 6)) {
        if (n < 9)
            v = v * 10 + (p->at[n + 1] - '0');
        n++;
    }
    if (micro && n < 6)
        return fail(p, ".000000");
    for (int i = n; i < 9; i++)
        v *= 10;
    p->at += n + 1;
    *ret = (int32_t)v;
    return 0;
}

static int zone(struct parsing *p, int *ret_offset_s)
{
    int h, m;

    *ret_offset_s = 0;
    if (p->at < p->end && *p->at == 'Z') {
        p->at++;
        return 0;
    }
    if (p->end - p->at < 6 || p->at[3] != ':' || !digit_at(p, 1) || !digit_at(p, 2) || !digit_at(p, 4)
        || !digit_at(p, 5) || (p->at[0] != '+' && p->at[0] != '-'))
        return fail(p, "Z07:00");
    h = (p->at[1] - '0') * 10 + p->at[2] - '0';
    m = (p->at[4] - '0') * 10 + p->at[5] - '0';
    if (h > 24)
        return out_of_range(p, "time zone offset hour");
    if (m > 60)
        return out_of_range(p, "time zone offset minute");
    *ret_offset_s = (h * 3600 + m * 60) * (p->at[0] == '-' ? -1 : 1);
    p->at += 6;
    return 0;
}

static int parse(struct parsing *p, bool micro, struct gotime *ret)
{
    int year = 0, month = 0, day = 0, h = 0, m = 0, s = 0, offset = 0;

    if (number(p, 4, "2006", &year) || literal(p, '-') || number(p, 2, "01", &month))
        return -1;
    if (month < 1 || month > 12)
        return out_of_range(p, "month");
    if (literal(p, '-') || number(p, 2, "02", &day) || literal(p, 'T') || hour(p, &h))
        return -1;
    if (h > 23)
        return out_of_range(p, "hour");
    if (literal(p, ':') || number(p, 2, "04", &m))
        return -1;
    if (m > 59)
        return out_of_range(p, "minute");
    if (literal(p, ':') || number(p, 2, "05", &s))
        return -1;
    if (s > 59)
        return out_of_range(p, "second");
    if (fraction(p, micro, &ret->ns) || zone(p, &offset))
        return -1;
    if (p->at != p->end) {
        p->wrong = arena_printf(p->arena, "parsing time %s: extra text: %s",
                                gotime_quote(p->arena, p->text, (size_t)(p->end - p->text)),
                                gotime_quote(p->arena, p->at, (size_t)(p->end - p->at)));
        return -1;
    }
    if (day < 1 || day > (int)civil_days_in(year, (unsigned)month))
        return out_of_range(p, "day");
    ret->s = civil_days(year, (unsigned)month, (unsigned)day) * 86400 + h * 3600 + m * 60 + s - offset;
    return 0;
}

const char *gotime_parse(struct arena *arena, const char *text, size_t len, bool micro, struct gotime *ret)
{
    struct parsing p = { .arena = arena, .text = text, .at = text, .end = text + len,
                         .layout = micro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00" };
    struct gotime t = { 0 };

    if (parse(&p, micro, &t) < 0)
        return p.wrong;
    *ret = t;
    return NULL;
}
