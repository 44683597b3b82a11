#include "fakeapi/apiserver/builtin/jobs_priv.h"

#include <inttypes.h>

#include "kube/gotime.h"
#include "world/base.h"
#include "world/buf.h"

/* The five fields of a line: what they may hold and which names they know. */
static const struct cron_field {
    unsigned low, high;
    const char *names;                 /* three letters each, the first is `low` */
} fields[] = {
    { 0, 59, "" }, { 0, 23, "" }, { 1, 31, "" }, { 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec" },
    { 0, 6, "sunmontuewedthufrisat" },
};

static const char *no_number(struct arena *a, const char *s, const char *why)
{
    cleanup_buf struct buf b = BUF_INIT;

    go_quote(&b, s, strlen(s));
    return arena_printf(a, "failed to parse int from %s: strconv.Atoi: parsing %s: %s", s, b.data, why);
}

static const char *number(struct arena *a, const char *s, uint64_t *ret)
{
    const char *digits = s + (*s == '-' || *s == '+');
    int64_t n;

    if (!*digits || digits[strspn(digits, "0123456789")])
        return no_number(a, s, "invalid syntax");
    if (!parse_i64(*s == '+' ? digits : s, &n))
        return no_number(a, s, "value out of range");
    if (n < 0)
        return arena_printf(a, "negative number (%" PRId64 ") not allowed: %s", n, s);
    *ret = (uint64_t)n;
    return NULL;
}

static const char *number_or_name(struct arena *a, const struct cron_field *f, const char *s, uint64_t *ret)
{
    for (size_t i = 0; strlen(s) == 3 && f->names[i]; i += 3)
        if (strncasecmp(f->names + i, s, 3) == 0) {
            *ret = f->low + i / 3;
            return NULL;
        }
    return number(a, s, ret);
}

/* "*", "3", "1-5", any of them with "/step". What follows "*-" nobody reads. */
static const char *range_problem(struct arena *a, const struct cron_field *f, const char *expr)
{
    char *low = arena_strdup(a, expr), *step = strchr(low, '/'), *high;
    uint64_t from = f->low, to = f->high, by = 1;
    const char *why = NULL;

    if (step)
        *step++ = '\0';
    high = strchr(low, '-');
    if (high)
        *high++ = '\0';
    if (!streq(low, "*") && !streq(low, "?")) {
        why = number_or_name(a, f, low, &from);
        if (!why && high)
            why = strchr(high, '-') ? arena_printf(a, "too many hyphens: %s", expr) : number_or_name(a, f, high, &to);
        else if (!step)
            to = from;
    }
    if (!why && step)
        why = strchr(step, '/') ? arena_printf(a, "too many slashes: %s", expr) : number(a, step, &by);
    if (why)
        return why;
    if (from < f->low)
        return arena_printf(a, "beginning of range (%" PRIu64 ") below minimum (%u): %s", from, f->low, expr);
    if (to > f->high)
        return arena_printf(a, "end of range (%" PRIu64 ") above maximum (%u): %s", to, f->high, expr);
    if (from > to)
        return arena_printf(a, "beginning of range (%" PRIu64 ") beyond end of range (%" PRIu64 "): %s", from, to, expr);
    if (by == 0)
        return arena_printf(a, "step of range should be a positive number: %s", expr);
    return NULL;
}

static const char *field_problem(struct arena *a, const struct cron_field *f, const char *text)
{
    const char *why = NULL;
    char *save = NULL, *s = arena_strdup(a, text);

    for (char *part = strtok_r(s, ",", &save); part && !why; part = strtok_r(NULL, ",", &save))
        why = range_problem(a, f, part);
    return why;
}

static const char *descriptor_problem(struct arena *a, const char *line)
{
    static const char *const known[] = { "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight",
                                         "@hourly" };
    duration every;

    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (streq(known[i], line))
            return NULL;
    if (str_starts(line, "@every ")) {
        const char *why = goduration_parse(a, line + 7, strlen(line + 7), &every);
        return why ? arena_printf(a, "failed to parse duration %s: %s", line, why) : NULL;
    }
    return arena_printf(a, "unrecognized descriptor: %s", line);
}

/* Takes "TZ=Europe/Berlin " off the line. Without a blank behind it the real parser breaks down; here nothing is left. */
static const char *zone_problem(struct arena *a, const char **line)
{
    const char *zone, *blank;

    if (!str_starts(*line, "TZ=") && !str_starts(*line, "CRON_TZ="))
        return NULL;
    zone = strchr(*line, '=') + 1;
    blank = zone + strcspn(zone, " ");
    zone = arena_strndup(a, zone, (size_t)(blank - zone));
    *line = blank + strspn(blank, " ");
    if (!*zone || streq(zone, "Local") || zone_known(zone))
        return NULL;
    return arena_printf(a, "provided bad location %s: unknown time zone %s", zone, zone);
}

const char *cron_problem(struct arena *a, const char *line)
{
    const char *parts[ARRAY_SIZE(fields)], *why = zone_problem(a, &line), *end = line + strlen(line);
    cleanup_buf struct buf shown = BUF_INIT;
    size_t n = 0, space;

    if (why)
        return why;
    if (*line == '@')
        return descriptor_problem(a, line);
    for (const char *p = line; p < end;) {
        const char *part = p;
        while (p < end && !(space = go_space(p, end)))
            p++;
        if (p > part) {
            part = arena_strndup(a, part, (size_t)(p - part));
            buf_printf(&shown, n ? " %s" : "%s", part);
            if (n < ARRAY_SIZE(parts))
                parts[n] = part;
            n++;
        }
        p += p < end ? space : 0;
    }
    if (n != ARRAY_SIZE(fields))
        return arena_printf(a, "expected exactly %zu fields, found %zu: [%s]", ARRAY_SIZE(fields), n, shown.data ? shown.data : "");
    for (size_t i = 0; i < n && !why; i++)
        why = field_problem(a, &fields[i], parts[i]);
    return why;
}
