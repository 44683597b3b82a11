#include "kube/semver.h"

#include "kube/fielderr.h"

static const char *quoted(struct arena *a, const char *s, size_t len)
{
    cleanup_buf struct buf b = BUF_INIT;

    go_quote(&b, s, len);
    return arena_strndup(a, b.data, b.len);
}

static bool digits_only(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

static bool words_only(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '-'))
            return false;
    return true;
}

static const char *parse_uint(struct arena *a, const char *s, size_t len, uint64_t *ret)
{
    uint64_t v = 0;

    if (!len)
        return "strconv.ParseUint: parsing \"\": invalid syntax";
    for (size_t i = 0; i < len; i++) {
        unsigned d = (unsigned)(s[i] - '0');
        if (v > (UINT64_MAX - d) / 10)
            return arena_printf(a, "strconv.ParseUint: parsing %s: value out of range", quoted(a, s, len));
        v = v * 10 + d;
    }
    *ret = v;
    return NULL;
}

/* Major, minor or patch. */
static const char *parse_number(struct arena *a, const char *what, const char *s, size_t len, uint64_t *ret)
{
    static const char *const upper[] = { "Major", "Minor", "Patch" };
    const char *name = what[0] == 'm' && what[1] == 'a' ? upper[0] : what[0] == 'm' ? upper[1] : upper[2];

    if (!digits_only(s, len))
        return arena_printf(a, "Invalid character(s) found in %s number %s", what, quoted(a, s, len));
    if (len > 1 && s[0] == '0')
        return arena_printf(a, "%s number must not contain leading zeroes %s", name, quoted(a, s, len));
    return parse_uint(a, s, len, ret);
}

static const char *parse_pre(struct arena *a, const char *s, size_t len, struct semver_part *ret)
{
    *ret = (struct semver_part){ .s = s, .len = len };
    if (!len)
        return "Prerelease is empty";
    if (digits_only(s, len)) {
        if (len > 1 && s[0] == '0')
            return arena_printf(a, "Numeric PreRelease version must not contain leading zeroes %s", quoted(a, s, len));
        ret->is_number = true;
        return parse_uint(a, s, len, &ret->number);
    }
    return words_only(s, len) ? NULL : arena_printf(a, "Invalid character(s) found in prerelease %s", quoted(a, s, len));
}

static const char *parse_pres(struct arena *a, const char *s, const char *end, struct semver *ret)
{
    const char *why;
    size_t most = 1;

    for (const char *p = s; p < end; p++)
        most += *p == '.';
    ret->pre = arena_alloc(a, most * sizeof(*ret->pre));
    for (;;) {
        const char *dot = memchr(s, '.', (size_t)(end - s)), *stop = dot ? dot : end;
        if ((why = parse_pre(a, s, (size_t)(stop - s), &ret->pre[ret->n_pre++])))
            return why;
        if (!dot)
            return NULL;
        s = dot + 1;
    }
}

static const char *check_build(struct arena *a, const char *s, const char *end)
{
    for (;;) {
        const char *dot = memchr(s, '.', (size_t)(end - s)), *stop = dot ? dot : end;
        if (stop == s)
            return "Build meta data is empty";
        if (!words_only(s, (size_t)(stop - s)))
            return arena_printf(a, "Invalid character(s) found in build meta data %s", quoted(a, s, (size_t)(stop - s)));
        if (!dot)
            return NULL;
        s = dot + 1;
    }
}

static const char *parse_strict(struct arena *a, const char *s, size_t len, struct semver *ret)
{
    const char *end = s + len, *minor = memchr(s, '.', len), *patch, *why;

    *ret = (struct semver){ 0 };
    if (!len)
        return "Version string empty";
    patch = minor ? memchr(minor + 1, '.', (size_t)(end - minor - 1)) : NULL;
    if (!patch)
        return "No Major.Minor.Patch elements found";
    if ((why = parse_number(a, "major", s, (size_t)(minor - s), &ret->major)) ||
        (why = parse_number(a, "minor", minor + 1, (size_t)(patch - minor - 1), &ret->minor)))
        return why;
    patch++;
    const char *plus = memchr(patch, '+', (size_t)(end - patch)), *stop = plus ? plus : end;
    const char *dash = memchr(patch, '-', (size_t)(stop - patch)), *number_end = dash ? dash : stop;
    if ((why = parse_number(a, "patch", patch, (size_t)(number_end - patch), &ret->patch)) ||
        (dash && (why = parse_pres(a, dash + 1, stop, ret))))
        return why;
    return plus ? check_build(a, plus + 1, end) : NULL;
}

/* One of the three parts with the zeros in front of it gone. */
static void add_trimmed(struct buf *b, const char *s, size_t len)
{
    size_t i = 0;

    if (len > 1) {
        while (i < len && s[i] == '0')
            i++;
        if (i == len || s[i] < '0' || s[i] > '9')
            buf_add_char(b, '0');
    }
    buf_add(b, s + i, len - i);
}

static const char *normalize(struct arena *a, const char *s, size_t len, struct buf *b)
{
    const char *end = s + len;
    int parts = 0;

    if (len && s[0] == 'v')
        s++;
    for (;;) {
        const char *dot = parts < 2 ? memchr(s, '.', (size_t)(end - s)) : NULL, *stop = dot ? dot : end;
        if (!dot && parts < 2 && (memchr(s, '+', (size_t)(stop - s)) || memchr(s, '-', (size_t)(stop - s))))
            return "short version cannot contain PreRelease/Build meta data";
        add_trimmed(b, s, (size_t)(stop - s));
        parts++;
        if (!dot)
            break;
        buf_add_char(b, '.');
        s = dot + 1;
    }
    for (; parts < 3; parts++)
        buf_add_str(b, ".0");
    return NULL;
}

const char *semver_parse(struct arena *a, const char *s, size_t len, bool tolerant, struct semver *ret)
{
    cleanup_buf struct buf b = BUF_INIT;
    const char *why;

    if (!tolerant)
        return parse_strict(a, s, len, ret);
    if ((why = normalize(a, s, len, &b)))
        return why;
    return parse_strict(a, arena_strndup(a, b.data ? b.data : "", b.len), b.len, ret);
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_part(const struct semver_part *a, const struct semver_part *b)
{
    if (a->is_number != b->is_number)
        return a->is_number ? -1 : 1;
    if (a->is_number)
        return compare_u64(a->number, b->number);
    int c = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);
    return c ? (c > 0) - (c < 0) : compare_u64(a->len, b->len);
}

int semver_compare(const struct semver *a, const struct semver *b)
{
    int c = compare_u64(a->major, b->major);

    c = c ? c : compare_u64(a->minor, b->minor);
    c = c ? c : compare_u64(a->patch, b->patch);
    if (c || (!a->n_pre && !b->n_pre))
        return c;
    if (!a->n_pre || !b->n_pre)
        return a->n_pre ? -1 : 1;
    for (size_t i = 0; i < a->n_pre && i < b->n_pre; i++)
        if ((c = compare_part(&a->pre[i], &b->pre[i])))
            return c;
    return compare_u64(a->n_pre, b->n_pre);
}
