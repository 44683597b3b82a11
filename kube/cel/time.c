/* Timestamps and durations: how they are read, written and taken apart. */
#include <math.h>
#include <stdio.h>

#include "kube/cel/cel_priv.h"
#include "kube/gotime.h"
#include "kube/json.h"
#include "world/civil.h"

static struct cel_value not_convertible(struct cel_run *run, const char *to)
{
    return cel_error(run, "type conversion error from 'string' to '%s'", to);
}

/* ---- timestamps ------------------------------------------------------------------------------- */

static int two_digits(const char *s)
{
    return (s[0] - '0') * 10 + (s[1] - '0');
}

struct cel_value cel_timestamp_parse(struct cel_run *run, const char *s, size_t len)
{
    struct cel_value v;
    struct gotime t;

    if (gotime_parse(run->arena, s, len, false, &t))
        return not_convertible(run, "google.protobuf.Timestamp");
    if (t.s < INT64_C(-62135596800) || t.s > INT64_C(253402300799))
        return cel_error(run, "timestamp overflow");
    v = cel_timestamp(t.s, t.ns);
    if (s[len - 1] != 'Z')
        v.time.offset_s = (s[len - 6] == '-' ? -60 : 60) * (two_digits(s + len - 5) * 60 + two_digits(s + len - 2));
    return v;
}

/* RFC 3339 with as many digits of the second as it takes, in the zone it was written in. */
const char *cel_timestamp_text(struct arena *a, struct cel_value v)
{
    int offset = v.time.offset_s / 60;
    char text[GOTIME_TEXT_MAX], fraction[16] = "", zone[16] = "Z";

    gotime_format((struct gotime){ v.time.s + v.time.offset_s, 0 }, false, text);
    text[strlen(text) - 1] = '\0';                /* its Z */
    if (v.time.ns) {
        size_t n = (size_t)snprintf(fraction, sizeof(fraction), ".%09d", v.time.ns);
        while (fraction[n - 1] == '0')
            fraction[--n] = '\0';
    }
    if (offset)
        snprintf(zone, sizeof(zone), "%c%02d:%02d", offset < 0 ? '-' : '+', abs(offset) / 60, abs(offset) % 60);
    return arena_printf(a, "%s%s%s", text, fraction, zone);
}

/* ---- durations -------------------------------------------------------------------------------- */

struct cel_value cel_duration_parse(struct cel_run *run, const char *s, size_t len)
{
    duration d;

    return goduration_parse(run->arena, s, len, &d) ? not_convertible(run, "google.protobuf.Duration") : cel_duration(d);
}

/* Seconds, as a float64 prints without an exponent: "1.5s". */
const char *cel_duration_text(struct arena *a, int64_t ns)
{
    int64_t whole = ns / 1000000000;
    double seconds = (double)whole + (double)(ns % 1000000000) / 1e9;
    char text[64];

    for (int digits = 1; digits <= 17; digits++) {
        int decimals = digits - 1 - (seconds != 0 ? (int)floor(log10(fabs(seconds))) : 0);
        snprintf(text, sizeof(text), "%.*f", decimals > 0 ? decimals : 0, seconds);
        if (strtod(text, NULL) == seconds)
            break;
    }
    if (strchr(text, '.')) {
        size_t n = strlen(text);
        while (text[n - 1] == '0')
            text[--n] = '\0';
        if (text[n - 1] == '.')
            text[--n] = '\0';
    }
    return arena_printf(a, "%ss", text);
}

/* ---- taking apart ----------------------------------------------------------------------------- */

struct parts {
    int64_t year, month, day, day_of_year, day_of_week, hours, minutes, seconds;     /* month and days from 0 */
};

static struct parts take_apart(int64_t s)
{
    struct civil c = civil_from(s);
    int64_t days = civil_days(c.year, c.month, c.day);

    return (struct parts){ .year = c.year, .month = c.month - 1, .day = c.day - 1,
                           .day_of_year = days - civil_days(c.year, 1, 1),
                           .day_of_week = ((days + 4) % 7 + 7) % 7,      /* 1970 began on a Thursday */
                           .hours = c.hour, .minutes = c.minute, .seconds = c.second };
}

/* "+01:30", "-08:00", "UTC". Zones by name would need files, which nobody below the server reads. */
static struct cel_value zone_offset(struct cel_run *run, struct cel_value zone)
{
    const char *colon = memchr(zone.s, ':', zone.len), *text = arena_strndup(run->arena, zone.s, zone.len);
    char *end;
    long hours, minutes;

    if (!colon) {
        if (!zone.len || streq(text, "UTC"))
            return cel_int(0);
        return cel_error(run, "unknown time zone %s", text);
    }
    hours = strtol(text, &end, 10);
    if (end != text + (colon - zone.s) || end == text)
        return cel_error(run, "strconv.Atoi: parsing \"%.*s\": invalid syntax", (int)(colon - zone.s), text);
    text += colon - zone.s + 1;
    minutes = strtol(text, &end, 10);
    if (*end || end == text || labs(hours) > 100000 || labs(minutes) > 100000)
        return cel_error(run, "strconv.Atoi: parsing \"%s\": invalid syntax", text);
    return cel_int(60 * (*zone.s == '-' ? hours * 60 - minutes : hours * 60 + minutes));
}

static struct cel_value in_zone(struct cel_run *run, const struct cel_value *args, size_t n, struct parts *ret)
{
    struct cel_value offset = n > 1 ? zone_offset(run, args[1]) : cel_int(0);

    if (!cel_is_error(offset))
        *ret = take_apart(args[0].time.s + offset.i);
    return offset;
}

#define PART(function, field, shift)                                                              \
    static struct cel_value function(struct cel_run *run, const struct cel_value *args, size_t n) \
    {                                                                                             \
        struct parts p;                                                                           \
        struct cel_value zone = in_zone(run, args, n, &p);                                        \
                                                                                                  \
        return cel_is_error(zone) ? zone : cel_int(p.field + (shift));                            \
    }
PART(full_year, year, 0)
PART(month, month, 0)
PART(day_of_year, day_of_year, 0)
PART(date, day, 1)
PART(day_of_month, day, 0)
PART(day_of_week, day_of_week, 0)
PART(hours, hours, 0)
PART(minutes, minutes, 0)
PART(seconds, seconds, 0)

static struct cel_value milliseconds(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct parts p;
    struct cel_value zone = in_zone(run, args, n, &p);

    return cel_is_error(zone) ? zone : cel_int(args[0].time.ns / 1000000);
}

#define WHOLE(function, unit)                                                                     \
    static struct cel_value function(struct cel_run *run, const struct cel_value *args, size_t n) \
    {                                                                                             \
        return cel_int(args[0].i / INT64_C(unit));                                                \
    }
WHOLE(duration_hours, 3600000000000)
WHOLE(duration_minutes, 60000000000)
WHOLE(duration_seconds, 1000000000)
WHOLE(duration_milliseconds, 1000000)

/* ---- the rows --------------------------------------------------------------------------------- */

#define ACCESS(name, id, tz_id, fn)                                  \
    { name, id, "timestamp.() int", fn },                \
    { name, tz_id, "timestamp.(string) int", fn }

static const struct cel_overload rows[] = {
    ACCESS("getFullYear", "timestamp_to_year", "timestamp_to_year_with_tz", full_year),
    ACCESS("getMonth", "timestamp_to_month", "timestamp_to_month_with_tz", month),
    ACCESS("getDayOfYear", "timestamp_to_day_of_year", "timestamp_to_day_of_year_with_tz", day_of_year),
    ACCESS("getDayOfMonth", "timestamp_to_day_of_month", "timestamp_to_day_of_month_with_tz", day_of_month),
    ACCESS("getDate", "timestamp_to_day_of_month_1_based", "timestamp_to_day_of_month_1_based_with_tz", date),
    ACCESS("getDayOfWeek", "timestamp_to_day_of_week", "timestamp_to_day_of_week_with_tz", day_of_week),
    ACCESS("getHours", "timestamp_to_hours", "timestamp_to_hours_with_tz", hours),
    ACCESS("getMinutes", "timestamp_to_minutes", "timestamp_to_minutes_with_tz", minutes),
    ACCESS("getSeconds", "timestamp_to_seconds", "timestamp_to_seconds_tz", seconds),
    ACCESS("getMilliseconds", "timestamp_to_milliseconds", "timestamp_to_milliseconds_with_tz", milliseconds),
    { "getHours", "duration_to_hours", "duration.() int", duration_hours },
    { "getMinutes", "duration_to_minutes", "duration.() int", duration_minutes },
    { "getSeconds", "duration_to_seconds", "duration.() int", duration_seconds },
    { "getMilliseconds", "duration_to_milliseconds", "duration.() int", duration_milliseconds },
};
const struct overloads std_time = { rows, ARRAY_SIZE(rows), false };
