#include "kube/kcel/libs.h"
#include "kube/regex.h"

/* find and findAll. */

static const struct regex *pattern_of(struct cel_run *run, struct cel_value v, struct cel_value *ret_error)
{
    const char *wrong = NULL;
    const struct regex *r = cel_regex(run, v.s, v.len, &wrong);

    if (!r)
        *ret_error = cel_error(run, "Illegal regex: %s", wrong);
    return r;
}

static struct cel_value find(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value error;
    size_t from, to;

    if (args[0].kind != CEL_STRING || args[1].kind != CEL_STRING)
        return cel_no_such_overload(run);
    const struct regex *r = pattern_of(run, args[1], &error);
    if (!r)
        return error;
    if (!regex_find(r, args[0].s, args[0].len, 0, &from, &to))
        return cel_str("");
    return cel_string(args[0].s + from, to - from);
}

static size_t rune_length(const char *s, size_t len)
{
    size_t n = 1;

    while (n < len && ((unsigned char)s[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Go's rule: an empty match right after a match is none. */
static struct cel_value find_some(struct cel_run *run, const struct regex *r, struct cel_value text, int64_t limit)
{
    struct arena *a = cel_arena(run);
    struct cel_value *found = NULL;
    size_t n = 0, cap = 0, at = 0, before = SIZE_MAX, from, to;

    while ((limit < 0 || (int64_t)n < limit) && at <= text.len && regex_find(r, text.s, text.len, at, &from, &to)) {
        bool accept = !(to == at && from == before);
        if (to == at)
            at += at < text.len ? rune_length(text.s + at, text.len - at) : 1;
        else
            at = to;
        before = to;
        if (!accept)
            continue;
        if (!cel_work(run, 1))
            return cel_overrun(run);
        if (n == cap) {
            struct cel_value *more = arena_alloc(a, (2 * cap + 8) * sizeof(*more));
            if (n)
                memcpy(more, found, n * sizeof(*more));
            found = more;
            cap = 2 * cap + 8;
        }
        found[n++] = cel_string(text.s + from, to - from);
    }
    return cel_list_of(a, found, n);
}

static struct cel_value find_all(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value error;

    if (args[0].kind != CEL_STRING || args[1].kind != CEL_STRING || (n == 3 && args[2].kind != CEL_INT))
        return cel_no_such_overload(run);
    const struct regex *r = pattern_of(run, args[1], &error);
    return r ? find_some(run, r, args[0], n == 3 ? args[2].i : -1) : error;
}

static const struct cel_overload rows[] = {
    { .function = "find", .id = "string_find_string", .signature = "string.(string) string", .fn = find },
    { .function = "findAll", .id = "string_find_all_string", .signature = "string.(string) list(string)", .fn = find_all },
    { .function = "findAll", .id = "string_find_all_string_int", .signature = "string.(string, int) list(string)",
      .fn = find_all },
};

const struct kcel_lib kcel_regex = { rows, ARRAY_SIZE(rows) };
