#include "fakeapi/apiserver/builtin/jobs_priv.h"

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

static const char *number(struct arena *a, const struct cron_field *f, const char *s, uint64_t *ret)
{
    for (size_t i = 0; strlen(s) == 3 && f->names[i]; i += 3)
        if (strncasecmp(f->names + i, s, 3) == 0) {
            *ret = f->low + i / 3;
            return NULL;
        }
    if (*s != '-' && parse_u64(s, ret))
        return NULL;
    cleanup_buf struct buf b = BUF_INIT;
    go_quote(&b, s, strlen(s));
    return arena_printf(a, "failed to parse int from %s: strconv.Atoi: parsing %s: invalid syntax", s, b.data);
}

static size_t count_char(const char *s, char c)
{
    size_t n = 0;

    for (; *s; s++)
        n += *s == c;
    return n;
}

/* "*", "3", "1-5", any of them with "/step". */
static const char *range_problem(struct arena *a, const struct cron_field *f, const char *expr)
{
    char *range = arena_strdup(a, expr), *step = strchr(range, '/'), *dash;
    uint64_t from = f->low, to = f->high, by = 1;
    const char *why;

    if (step)
        *step++ = '\0';
    dash = strchr(range, '-');
    if (count_char(range, '-') > 1)
        return arena_printf(a, "too many hyphens: %s", expr);
    if (dash)
        *dash++ = '\0';
    if (!streq(range, "*") && !streq(range, "?")) {
        if ((why = number(a, f, range, &from)))
            return why;
        to = step && !dash ? f->high : from;
        if (dash && (why = number(a, f, dash, &to)))
            return why;
    }
    if (step && strchr(step, '/'))
        return arena_printf(a, "too many slashes: %s", expr);
    if (step && (why = number(a, &(struct cron_field){ 0, 0, "" }, step, &by)))
        return why;
    if (from < f->low)
        return arena_printf(a, "beginning of range (%u) below minimum (%u): %s", (unsigned)from, f->low, expr);
    if (to > f->high)
        return arena_printf(a, "end of range (%u) above maximum (%u): %s", (unsigned)to, f->high, expr);
    if (from > to)
        return arena_printf(a, "beginning of range (%u) beyond end of range (%u): %s", (unsigned)from, (unsigned)to, expr);
    if (by == 0)
        return arena_printf(a, "step of range should be a positive number: %s", expr);
    return NULL;
}

static const char *field_problem(struct arena *a, const struct cron_field *f, char *s)
{
    const char *why = NULL;
    char *save = NULL;

    for (char *part = strtok_r(s, ",", &save); part && !why; part = strtok_r(NULL, ",", &save))
        why = range_problem(a, f, part);
    return why;
}

static const char *descriptor_problem(struct arena *a, const char *line)
{
    static const char *const known[] = { "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight",
                                         "@hourly" };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (streq(known[i], line))
            return NULL;
    if (str_starts(line, "@every "))
        return line[7] >= '0' && line[7] <= '9' ? NULL
               : arena_printf(a, "failed to parse duration %s: time: invalid duration \"%s\"", line, line + 7);
    return arena_printf(a, "unrecognized descriptor: %s", line);
}

const char *cron_problem(struct arena *a, const char *line)
{
    char *copy = arena_strdup(a, line), *save = NULL, *parts[ARRAY_SIZE(fields)];
    const char *shown = "", *why = NULL;
    size_t n = 0;

    if (*line == '@')
        return descriptor_problem(a, line);
    for (char *part = strtok_r(copy, " \t\n", &save); part; part = strtok_r(NULL, " \t\n", &save)) {
        if (n < ARRAY_SIZE(parts))
            parts[n] = part;
        if (n < 64)
            shown = arena_printf(a, "%s%s%s", shown, n ? " " : "", part);
        n++;
    }
    if (n != ARRAY_SIZE(fields))
        return arena_printf(a, "expected exactly %zu fields, found %zu: [%s]", ARRAY_SIZE(fields), n, shown);
    for (size_t i = 0; i < n && !why; i++)
        why = field_problem(a, &fields[i], parts[i]);
    return why;
}
