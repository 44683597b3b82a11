#include "world/clock.h"

#include <stdio.h>
#include "world/civil.h"

struct instant instant_add(struct instant t, duration d)
{
    int64_t sum;

    if (__builtin_add_overflow(t.ns, d, &sum))
        sum = d < 0 ? INT64_MIN : INT64_MAX;
    return (struct instant){ sum };
}

duration instant_sub(struct instant a, struct instant b)
{
    int64_t diff;

    if (__builtin_sub_overflow(a.ns, b.ns, &diff))
        diff = a.ns < b.ns ? INT64_MIN : INT64_MAX;
    return diff;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int put_seconds(struct instant t, char *ret, size_t size)
{
    struct civil c = civil_from(floor_div(t.ns, 1000000000));

    return snprintf(ret, size, "%04d-%02u-%02uT%02u:%02u:%02u", (int)c.year, c.month, c.day, c.hour,
                    c.minute, c.second);
}

void time_format(struct instant t, char ret[TIME_TEXT_MAX])
{
    int n = put_seconds(t, ret, TIME_TEXT_MAX);

    snprintf(ret + n, TIME_TEXT_MAX - (size_t)n, "Z");
}

void time_format_micro(struct instant t, char ret[TIME_TEXT_MAX])
{
    int64_t fraction = t.ns - floor_div(t.ns, 1000000000) * 1000000000;
    int n = put_seconds(t, ret, TIME_TEXT_MAX);

    snprintf(ret + n, TIME_TEXT_MAX - (size_t)n, ".%06dZ", (int)(fraction / 1000));
}

/* Exactly `digits` digits at *at; moves on. */
static bool take_number(const char **at, int digits, unsigned *ret)
{
    unsigned value = 0;

    for (; digits > 0; digits--, (*at)++) {
        unsigned d = (unsigned)(**at - '0');
        if (d > 9)
            return false;
        value = value * 10 + d;
    }
    *ret = value;
    return true;
}

static bool take_char(const char **at, char c)
{
    return **at == c && (*at)++;
}

static bool take_offset(const char **at, int64_t *ret_seconds)
{
    unsigned hour, minute;
    bool minus = **at == '-';

    *ret_seconds = 0;
    if (take_char(at, 'Z'))
        return true;
    if (!take_char(at, '+') && !take_char(at, '-'))
        return false;
    if (!take_number(at, 2, &hour) || !take_char(at, ':') || !take_number(at, 2, &minute) || hour > 23
        || minute > 59)
        return false;
    *ret_seconds = (hour * 3600 + minute * 60) * (minus ? -1 : 1);
    return true;
}

bool time_parse(const char *text, struct instant *ret)
{
    unsigned year, month, day, hour, minute, second;
    int64_t fraction = 0, scale = 100000000, offset, seconds;

    if (!take_number(&text, 4, &year) || !take_char(&text, '-') || !take_number(&text, 2, &month)
        || !take_char(&text, '-') || !take_number(&text, 2, &day) || !take_char(&text, 'T')
        || !take_number(&text, 2, &hour) || !take_char(&text, ':') || !take_number(&text, 2, &minute)
        || !take_char(&text, ':') || !take_number(&text, 2, &second))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > civil_days_in(year, month) || hour > 23 || minute > 59
        || second > 59)
        return false;
    if (take_char(&text, '.')) {
        if (*text < '0' || *text > '9')
            return false;
        for (; *text >= '0' && *text <= '9'; text++, scale /= 10)
            fraction += (*text - '0') * scale;
    }
    if (!take_offset(&text, &offset) || *text)
        return false;
    seconds = civil_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    if (seconds > INT64_MAX / 1000000000 - 1)
        ret->ns = INT64_MAX;
    else if (seconds < INT64_MIN / 1000000000 + 1)
        ret->ns = INT64_MIN;
    else
        ret->ns = seconds * 1000000000 + fraction;
    return true;
}
