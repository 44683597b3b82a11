#include "fakeapi/replay/replay.h"

#include <ctype.h>
#include <stdio.h>

/* Numbers and uids are renamed by rank and by first sight within one case. */
struct names {
    const char *ns;
    DYN(uint64_t) revisions;           /* sorted, unique */
    json_t *uids;                      /* uid -> "<uid n>" */
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool in_set(char c, const char *set)
{
    return c && strchr(set, c);
}

static const char hash_set[] = "456789bcdf", suffix_set[] = "bcdfghjklmnpqrstvwxz2456789";

static bool word_ends(const char *at)
{
    return !is_word(*at);
}

/* ---- revisions -------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void collect_revisions(struct names *n, const json_t *v, const char *key)
{
    const char *k;
    json_t *x;
    size_t i;
    uint64_t revision;

    if (json_is_object(v)) {
        json_object_foreach((json_t *)v, k, x)
            collect_revisions(n, x, k);
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, x)
            collect_revisions(n, x, key);
    } else if (json_is_string(v) && key && streq(key, "resourceVersion")
               && parse_u64(json_string_value(v), &revision) && revision != 0) {
        *dyn_push(&n->revisions) = revision;
    }
}

static void rank_revisions(struct names *n)
{
    size_t kept = 0;

    if (n->revisions.n)
        qsort(n->revisions.v, n->revisions.n, sizeof(*n->revisions.v), by_value);
    for (size_t i = 0; i < n->revisions.n; i++)
        if (!kept || n->revisions.v[kept - 1] != n->revisions.v[i])
            n->revisions.v[kept++] = n->revisions.v[i];
    n->revisions.n = kept;
}

/* Its rank, from 1; 0 where the text is no revision of the case. */
static size_t revision_rank(const struct names *n, const char *text, size_t len)
{
    char digits[24];
    uint64_t value, *hit;

    if (len >= sizeof(digits) || (len > 1 && text[0] == '0'))
        return 0;
    memcpy(digits, text, len);
    digits[len] = '\0';
    if (!parse_u64(digits, &value) || !n->revisions.n)
        return 0;
    hit = bsearch(&value, n->revisions.v, n->revisions.n, sizeof(value), by_value);
    return hit ? (size_t)(hit - n->revisions.v) + 1 : 0;
}

/* ---- one text, rule by rule: each pass reads `from`, writes `to` ------------------------------- */

static void pass_ns(struct names *n, const char *from, struct buf *to)
{
    size_t len = strlen(n->ns);

    while (*from) {
        if (strncmp(from, n->ns, len) == 0) {
            buf_add_str(to, "<ns>");
            from += len;
        } else {
            buf_add_char(to, *from++);
        }
    }
}

/* The length of what matches `shape` ('x' hex digit, 'd' digit, else itself); 0 where it does not. */
static size_t shape_match(const char *at, const char *shape)
{
    for (size_t i = 0; shape[i]; i++) {
        if (shape[i] == 'x' ? !in_set(at[i], "0123456789abcdef")
                            : shape[i] == 'd' ? !is_digit(at[i]) : at[i] != shape[i])
            return 0;
    }
    return strlen(shape);
}

static void pass_uids(struct names *n, const char *from, struct buf *to)
{
    for (char before = 0; *from;) {
        size_t len = is_word(before) ? 0 : shape_match(from, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        if (!len || !word_ends(from + len)) {
            buf_add_char(to, before = *from++);
            continue;
        }
        cleanup_free char *uid = xstrndup(from, len);
        if (!json_object_get(n->uids, uid))
            json_object_set_new(n->uids, uid,
                                json_sprintf("<uid %zu>", json_object_size(n->uids) + 1));
        buf_add_str(to, json_string_value(json_object_get(n->uids, uid)));
        from += len;
        before = from[-1];
    }
}

static size_t time_match(const char *at)
{
    size_t len = shape_match(at, "dddd-dd-ddTdd:dd:dd");

    if (len && at[len] == '.' && is_digit(at[len + 1]))
        for (len++; is_digit(at[len]);)
            len++;
    return len && at[len] == 'Z' && word_ends(at + len + 1) ? len + 1 : 0;
}

static void pass_times(struct names *n, const char *from, struct buf *to)
{
    for (char before = 0; *from;) {
        size_t len = is_word(before) ? 0 : time_match(from);
        if (len) {
            buf_add_str(to, "<time>");
            from += len;
            before = 'Z';
        } else {
            buf_add_char(to, before = *from++);
        }
    }
}

static bool follows(const char *start, const char *at, const char *what)
{
    size_t len = strlen(what);

    return (size_t)(at - start) >= len && strncmp(at - len, what, len) == 0;
}

/* A run of characters of the set, whole up to the word's end, with a length between min and max. */
static size_t run_match(const char *at, const char *set, size_t min, size_t max)
{
    size_t len = 0;

    while (in_set(at[len], set))
        len++;
    return len >= min && len <= max && word_ends(at + len) ? len : 0;
}

static void pass_generated(struct names *n, const char *from, struct buf *to)
{
    for (const char *at = from; *at;) {
        size_t len = follows(from, at, "-gen-") ? run_match(at, suffix_set, 5, 5) : 0;
        if (len)
            buf_add_str(to, "<rand>");
        else
            buf_add_char(to, *at);
        at += len ? len : 1;
    }
}

static bool whole_hash(const char *s)
{
    size_t len = strlen(s);

    return len >= 8 && len <= 10 && strspn(s, hash_set) == len && strpbrk(s, "bcdf");
}

static void pass_hashes(struct names *n, const char *from, struct buf *to)
{
    if (whole_hash(from)) {
        buf_add_str(to, "<hash>");
        return;
    }
    for (const char *at = from; *at;) {
        bool gen = follows(from, at, "-gen-");
        size_t len = gen || follows(from, at, "-hash=") ? run_match(at, hash_set, 7, 10) : 0;
        if (!len) {
            buf_add_char(to, *at++);
            continue;
        }
        buf_add_str(to, "<hash>");
        at += len;
        size_t tail = gen && *at == '-' ? run_match(at + 1, suffix_set, 5, 5) : 0;
        if (tail) {
            buf_add_str(to, "-<rand>");
            at += tail + 1;
        }
    }
}

/* Where an error shows an object, as JSON in quotes or as Go prints a map. */
static bool after_version(const char *start, const char *at)
{
    return follows(start, at, "resourceVersion\\\":\\\"") || follows(start, at, "resourceVersion:");
}

static void pass_numbers(struct names *n, const char *from, struct buf *to)
{
    const char *start = from;

    for (char before = 0; *from;) {
        size_t len = 0;
        if (is_digit(*from) && !is_word(before) && before != '.') {
            while (is_digit(from[len]))
                len++;
            if (is_word(from[len]) || from[len] == '.')
                len = 0;
        }
        /* short numbers are revisions only where messages put those: "in record (9)" */
        bool sure = len >= 3 || before == '(' || after_version(start, from);
        size_t rank = sure ? revision_rank(n, from, len) : 0;
        if (rank) {
            buf_printf(to, "<rv %zu>", rank);
            from += len;
            before = '0';
        } else {
            buf_add_char(to, before = *from++);
        }
    }
}

static char *normal_text(struct names *n, const char *s)
{
    static void (*const passes[])(struct names *, const char *, struct buf *) = {
        pass_ns, pass_uids, pass_times, pass_generated, pass_hashes, pass_numbers,
    };
    char *text = xstrdup(s);

    for (size_t i = 0; i < ARRAY_SIZE(passes); i++) {
        struct buf to = BUF_INIT;
        buf_add_str(&to, "");
        passes[i](n, text, &to);
        free(text);
        text = buf_steal(&to);
    }
    return text;
}

/* A text with NULs: each piece between them by itself. */
static json_t *normal_pieces(struct names *n, const json_t *v)
{
    cleanup_buf struct buf b = BUF_INIT;
    const char *s = json_string_value(v), *end = s + json_string_length(v);

    for (; s <= end; s += strlen(s) + 1) {
        cleanup_free char *piece = normal_text(n, s);
        buf_add_str(&b, piece);
        if (s + strlen(s) < end)
            buf_add(&b, "", 1);
    }
    return json_stringn_nocheck(b.data, b.len);
}

/* ---- the tree --------------------------------------------------------------------------------- */

struct sortable {
    char *text;
    json_t *value;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct sortable *)a)->text, ((const struct sortable *)b)->text);
}

static json_t *sorted(json_t *list)
{
    size_t n = json_array_size(list);
    struct sortable *v = xcalloc(n + 1, sizeof(*v));
    json_t *out = json_array();

    for (size_t i = 0; i < n; i++) {
        v[i].value = json_array_get(list, i);
        v[i].text = json_dumps(v[i].value, JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_COMPACT);
    }
    qsort(v, n, sizeof(*v), by_text);
    for (size_t i = 0; i < n; i++) {
        json_array_append(out, v[i].value);
        free(v[i].text);
    }
    free(v);
    json_decref(list);
    return out;
}

/* Lists whose order depends on Go's maps or on the second in which things happened. */
static bool unordered(const char *key)
{
    const char *slash = key ? strrchr(key, '/') : NULL;
    const char *last = slash ? slash + 1 : key;

    return last && (streq(last, "managedFields") || streq(last, "causes"));
}

static bool truthy(const json_t *v)
{
    return !json_is_null(v) && !(json_is_string(v) && !json_string_length(v));
}

static json_t *walk(struct names *n, const json_t *v, const char *key)
{
    json_t *out, *x;
    const char *k;
    size_t i;

    if (json_is_object(v)) {
        out = json_object();
        json_object_foreach((json_t *)v, k, x) {
            cleanup_free char *name = normal_text(n, k);
            json_object_set_new_nocheck(out, name, streq(k, "continue") && truthy(x)
                                                       ? json_string("<continue>") : walk(n, x, k));
        }
        return out;
    }
    if (json_is_array(v)) {
        out = json_array();
        json_array_foreach(v, i, x)
            json_array_append_new(out, walk(n, x, key));
        return unordered(key) ? sorted(out) : out;
    }
    if (json_is_string(v)) {
        const char *s = json_string_value(v);
        if (strlen(s) != json_string_length(v))
            return normal_pieces(n, v);
        if (key && streq(key, "resourceVersion")) {
            size_t rank = revision_rank(n, s, strlen(s));
            return rank ? json_sprintf("<rv %zu>", rank) : json_string_nocheck(s);
        }
        cleanup_free char *text = normal_text(n, s);
        return json_string_nocheck(text);
    }
    return json_incref((json_t *)v);
}

json_t *replay_normalise(const json_t *answers, const char *ns)
{
    struct names n = { .ns = ns, .uids = json_object() };
    json_t *out;

    collect_revisions(&n, answers, NULL);
    rank_revisions(&n);
    out = walk(&n, answers, NULL);
    json_decref(n.uids);
    dyn_release(&n.revisions);
    return out;
}
