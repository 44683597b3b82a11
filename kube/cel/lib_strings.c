/* The strings extension, version 2, and reverse() of version 3. Positions are code points. */
#include "kube/cel/cel_priv.h"
#include "kube/fielderr.h"

/* ---- code points ------------------------------------------------------------------------------ */

static size_t step_of(const char *p, const char *end)
{
    size_t n = 1;

    while (p + n < end && ((unsigned char)p[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Where the i-th code point starts; the end for i = their number. */
static const char *at(struct cel_value s, int64_t i)
{
    const char *p = s.s, *end = s.s + s.len;

    while (i-- > 0 && p < end)
        p += step_of(p, end);
    return p;
}

static int64_t count(struct cel_value s)
{
    return (int64_t)rune_count(s.s, s.len);
}

static struct cel_value out_of_range(struct cel_run *run, int64_t i)
{
    return cel_error(run, "index out of range: %lld", (long long)i);
}

static struct cel_value between(const char *from, const char *to)
{
    return cel_string(from, (size_t)(to - from));
}

static struct cel_value char_at(struct cel_run *run, const struct cel_value *args, size_t n)
{
    int64_t i = args[1].i, length = count(args[0]);

    if (i < 0 || i > length)
        return out_of_range(run, i);
    return between(at(args[0], i), at(args[0], i + 1));
}

static struct cel_value substring(struct cel_run *run, const struct cel_value *args, size_t n)
{
    int64_t length = count(args[0]), start = args[1].i, end = n > 2 ? args[2].i : length;

    if (n > 2 && start > end)
        return cel_error(run, "invalid substring range. start: %lld, end: %lld", (long long)start, (long long)end);
    if (start < 0 || start > length)
        return out_of_range(run, start);
    if (end < 0 || end > length)
        return out_of_range(run, end);
    return between(at(args[0], start), at(args[0], end));
}

/* ---- finding ---------------------------------------------------------------------------------- */

static struct cel_value index_of(struct cel_run *run, const struct cel_value *args, size_t n)
{
    int64_t offset = n > 2 ? args[2].i : 0;
    const char *from, *found;

    if (!args[1].len)
        return cel_int(offset);
    if (offset < 0)
        return out_of_range(run, offset);
    if (offset >= count(args[0]))
        return cel_int(-1);
    from = at(args[0], offset);
    found = memmem(from, (size_t)(args[0].s + args[0].len - from), args[1].s, args[1].len);
    return cel_int(found ? offset + (int64_t)rune_count(from, (size_t)(found - from)) : -1);
}

/* The last place at or before `offset` (in code points) where `sub` starts. */
static int64_t last_before(struct cel_run *run, struct cel_value s, struct cel_value sub, int64_t offset)
{
    const char *p, *end = s.s + s.len;

    for (p = at(s, offset);; p--) {
        if (!cel_work(run, 1))
            return -1;
        if (((unsigned char)*p & 0xc0) != 0x80) {
            if ((size_t)(end - p) >= sub.len && memcmp(p, sub.s, sub.len) == 0)
                return offset;
            offset--;
        }
        if (p == s.s)
            return -1;
    }
}

static struct cel_value last_index_of(struct cel_run *run, const struct cel_value *args, size_t n)
{
    int64_t length = count(args[0]), sub_length = count(args[1]), offset = n > 2 ? args[2].i : length - 1;

    if (!args[1].len)
        return cel_int(n > 2 ? offset : length);
    if (n == 2 && args[0].len < args[1].len)
        return cel_int(-1);
    if (offset < 0)
        return out_of_range(run, offset);
    if (offset >= length)
        return cel_int(-1);
    if (offset > length - sub_length)
        offset = length - sub_length;
    return cel_int(offset < 0 ? -1 : last_before(run, args[0], args[1], offset));
}

/* ---- changing --------------------------------------------------------------------------------- */

static struct cel_value mapped(struct cel_run *run, struct cel_value s, char from, char to)
{
    char *made = arena_strndup(run->arena, s.s, s.len);

    for (size_t i = 0; i < s.len; i++)
        if (made[i] >= from && made[i] <= to)
            made[i] ^= 0x20;
    return cel_string(made, s.len);
}

static struct cel_value lower_ascii(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return mapped(run, args[0], 'A', 'Z');
}

static struct cel_value upper_ascii(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return mapped(run, args[0], 'a', 'z');
}

static struct cel_value reverse(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value s = args[0];
    char *made = arena_alloc(run->arena, s.len + 1), *out = made + s.len;

    for (const char *p = s.s, *end = s.s + s.len; p < end;) {
        size_t step = step_of(p, end);
        out -= step;
        memcpy(out, p, step);
        p += step;
    }
    return cel_string(made, s.len);
}

static struct cel_value trim(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const char *p = args[0].s, *end = p + args[0].len, *kept;
    size_t space;

    while ((space = go_space(p, end)))
        p += space;
    kept = p;
    for (const char *q = p; q < end;) {
        space = go_space(q, end);
        q += space ? space : step_of(q, end);
        if (!space)
            kept = q;
    }
    return between(p, kept);
}

/* ---- replacing, splitting, joining -------------------------------------------------------------- */

/* Where `old` comes next: of nothing, after every code point. */
static const char *next_match(const char *p, const char *end, struct cel_value old, bool first)
{
    if (old.len)
        return memmem(p, (size_t)(end - p), old.s, old.len);
    if (first)
        return p;
    return p < end ? p + step_of(p, end) : NULL;
}

/* Results grow with the product of their arguments: the run ends before they are too large. */
enum { BYTES_A_STEP = 64 };

static struct cel_value replace(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value s = args[0], old = args[1], new = args[2];
    int64_t left = n > 3 ? args[3].i : -1;
    const char *p = s.s, *end = s.s + s.len, *match;
    cleanup_buf struct buf b = BUF_INIT;

    for (bool first = true; left != 0 && (match = next_match(p, end, old, first)); first = false, left--) {
        if (!cel_work(run, 1 + new.len / BYTES_A_STEP))
            return cel_overrun(run);
        buf_add(&b, p, (size_t)(match - p));
        buf_add(&b, new.s, new.len);
        p = match + old.len;
    }
    buf_add(&b, p, (size_t)(end - p));
    return cel_string(arena_strndup(run->arena, b.data ? b.data : "", b.len), b.len);
}

static struct cel_value split(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value s = args[0], separator = args[1];
    int64_t limit = n > 2 ? args[2].i : -1;
    const char *p = s.s, *end = s.s + s.len, *match;
    struct { ARENA_LIST(struct cel_value); } parts = { 0 };

    if (limit == 0)
        return cel_list_of(run->arena, NULL, 0);
    if (!separator.len && p == end)
        return cel_list_of(run->arena, NULL, 0);
    while ((limit < 0 || (int64_t)parts.n + 1 < limit) && (match = next_match(p, end, separator, false))) {
        if (!separator.len && match == end)
            break;
        if (!cel_work(run, 1))
            return cel_overrun(run);
        *arena_push(run->arena, &parts) = between(p, match);
        p = match + separator.len;
    }
    *arena_push(run->arena, &parts) = between(p, end);
    return cel_list_of(run->arena, parts.v, parts.n);
}

static struct cel_value join(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct cel_list *l = args[0].list;
    cleanup_buf struct buf b = BUF_INIT;

    for (size_t i = 0; i < l->n; i++) {
        struct cel_value v = cel_list_get(run, l, i);
        if (cel_is_error(v))
            return v;
        if (v.kind != CEL_STRING)
            return cel_error(run, "join: invalid input: %s", cel_value_text(run, v));
        if (!cel_work(run, 1 + (v.len + (n > 1 ? args[1].len : 0)) / BYTES_A_STEP))
            return cel_overrun(run);
        if (i && n > 1)
            buf_add(&b, args[1].s, args[1].len);
        buf_add(&b, v.s, v.len);
    }
    return cel_string(arena_strndup(run->arena, b.data ? b.data : "", b.len), b.len);
}

static struct cel_value quote(struct cel_run *run, const struct cel_value *args, size_t n)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_char(&b, '"');
    for (size_t i = 0; i < args[0].len; i++) {
        char c = args[0].s[i];
        const char *special = c ? strchr(from, c) : NULL;
        if (special)
            buf_add_char(&b, '\\');
        buf_add_char(&b, special ? to[special - from] : c);
    }
    buf_add_char(&b, '"');
    return cel_string(arena_strndup(run->arena, b.data, b.len), b.len);
}

static const struct cel_overload rows[] = {
    { "charAt", "string_char_at_int", "string.(int) string", char_at },
    { "indexOf", "string_index_of_string", "string.(string) int", index_of },
    { "indexOf", "string_index_of_string_int", "string.(string, int) int", index_of },
    { "lastIndexOf", "string_last_index_of_string", "string.(string) int", last_index_of },
    { "lastIndexOf", "string_last_index_of_string_int", "string.(string, int) int", last_index_of },
    { "lowerAscii", "string_lower_ascii", "string.() string", lower_ascii },
    { "replace", "string_replace_string_string", "string.(string, string) string", replace },
    { "replace", "string_replace_string_string_int", "string.(string, string, int) string", replace },
    { "split", "string_split_string", "string.(string) list(string)", split },
    { "split", "string_split_string_int", "string.(string, int) list(string)", split },
    { "substring", "string_substring_int", "string.(int) string", substring },
    { "substring", "string_substring_int_int", "string.(int, int) string", substring },
    { "trim", "string_trim", "string.() string", trim },
    { "upperAscii", "string_upper_ascii", "string.() string", upper_ascii },
    { "format", "string_format", "string.(list(dyn)) string", cel_format_string },
    { "strings.quote", "strings_quote", "(string) string", quote },
    { "join", "list_join", "list(string).() string", join },
    { "join", "list_join_string", "list(string).(string) string", join },
};
const struct overloads lib_strings = { rows, ARRAY_SIZE(rows), false };

static const struct cel_overload reverse_rows[] = {
    { "reverse", "string_reverse", "string.() string", reverse },
};
const struct overloads lib_strings_3 = { reverse_rows, ARRAY_SIZE(reverse_rows), false };
