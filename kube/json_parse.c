#include "kube/json.h"

#include <stdio.h>

#include "kube/json_priv.h"
#include "kube/nul.h"

/* The parser is one loop over a stack of open containers. Each round reads one value; a container
 * opens a frame, anything else is put into the frame on top, which then says what may follow. */

enum { DUPLICATES_MAX = 100, NUMBERS_MAX = 1000 };

struct frame {
    json_t *value;                               /* NULL while only scanning */
    bool is_object;
    size_t key, key_len;                         /* of the open member: in parser.keys */
    size_t index;                                /* of the open element */
    json_t *earlier;                             /* the value a repeated member has so far */
    json_t *seen;                                /* keys, where the object goes on with an earlier one; or NULL */
};

struct parser {
    const char *at, *end;
    const char *bad;                             /* where the error is */
    const char *context;                         /* "looking for beginning of value"; NULL: too short */
    bool build;
    unsigned flags;
    struct json_notes *notes;
    DYN(struct frame) stack;
    struct buf keys;                             /* keys of open members, one after another */
    struct buf text;                             /* the string being unescaped */
    DYN(struct json_spelling) spellings;
    DYN(const char *) duplicates;
    DYN(json_t *) replaced;                      /* kept to the end: notes know nodes by address */
    size_t depth;
};

static bool fail_at(struct parser *p, const char *bad, const char *context)
{
    p->bad = bad;
    p->context = context;
    return false;
}

/* "'x'" as Go quotes a byte in a syntax error. */
static void quote_byte(char ret[16], unsigned char c)
{
    if (c == '\'')
        strcpy(ret, "'\\''");
    else if (c == '"')
        strcpy(ret, "'\"'");
    else if (c == '\\')
        strcpy(ret, "'\\\\'");
    else if (c >= 0x20 && c < 0x7f)
        snprintf(ret, 16, "'%c'", c);
    else if (c >= '\a' && c <= '\r')
        snprintf(ret, 16, "'\\%c'", "abtnvfr"[c - '\a']);
    else if (c < 0x80)
        snprintf(ret, 16, "'\\x%02x'", c);
    else if (c <= 0xa0 || c == 0xad)             /* what Unicode does not print */
        snprintf(ret, 16, "'\\u%04x'", c);
    else
        snprintf(ret, 16, "'%c%c'", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
}

static void parser_error(const struct parser *p, struct err *e)
{
    char quoted[16];

    if (!e)
        return;
    if (p->bad >= p->end) {
        err_set(e, ERR_INVALID, "unexpected end of JSON input");
    } else {
        quote_byte(quoted, (unsigned char)*p->bad);
        err_set(e, ERR_INVALID, "invalid character %s %s", quoted, p->context);
    }
}

static inline void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r'))
        p->at++;
}

/* ---- strings --------------------------------------------------------------------------------- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Four digits at `s`, all there (the scan saw them). */
static unsigned hex4(const char *s)
{
    return (unsigned)(hex_value(s[0]) << 12 | hex_value(s[1]) << 8 | hex_value(s[2]) << 4 |
                      hex_value(s[3]));
}

/* The length of the valid UTF-8 sequence at `s`, 0 if there is none. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        return n >= 2 && (s[1] & 0xc0) == 0x80 ? 2 : 0;
    if (s[0] >= 0xe0 && s[0] <= 0xef) {
        unsigned char low = s[0] == 0xe0 ? 0xa0 : 0x80, high = s[0] == 0xed ? 0x9f : 0xbf;

        return n >= 3 && s[1] >= low && s[1] <= high && (s[2] & 0xc0) == 0x80 ? 3 : 0;
    }
    if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        unsigned char low = s[0] == 0xf0 ? 0x90 : 0x80, high = s[0] == 0xf4 ? 0x8f : 0xbf;

        return n >= 4 && s[1] >= low && s[1] <= high && (s[2] & 0xc0) == 0x80 &&
                       (s[3] & 0xc0) == 0x80
                   ? 4
                   : 0;
    }
    return 0;
}

/* Past the closing quote; `*plain` when the bytes between stand for themselves. */
static bool scan_string(struct parser *p, bool *plain)
{
    const char *s = p->at + 1;

    *plain = true;
    for (;; s++) {
        if (s >= p->end)
            return fail_at(p, p->end, NULL);
        if (*s == '"')
            break;
        if ((unsigned char)*s < 0x20)
            return fail_at(p, s, "in string literal");
        if ((unsigned char)*s >= 0x80) {
            size_t n = *plain ? utf8_len((const unsigned char *)s, (size_t)(p->end - s)) : 1;

            if (n)
                s += n - 1;
            else
                *plain = false;
        }
        if (*s != '\\')
            continue;
        *plain = false;
        if (++s >= p->end)
            return fail_at(p, p->end, NULL);
        if (*s == 'u') {
            for (int i = 0; i < 4; i++) {
                if (++s >= p->end)
                    return fail_at(p, p->end, NULL);
                if (hex_value(*s) < 0)
                    return fail_at(p, s, "in \\u hexadecimal character escape");
            }
        } else if (!*s || !strchr("\"\\/bfnrt", *s)) {
            return fail_at(p, s, "in string escape code");
        }
    }
    p->at = s + 1;
    return true;
}

/* At the 'u' of an escape. Returns the last byte of it (of both, for a pair). */
static const char *unescape_unicode(struct buf *b, const char *s, const char *end)
{
    unsigned r = hex4(s + 1);

    s += 4;
    if (r >= 0xd800 && r < 0xdc00 && end - s > 6 && s[1] == '\\' && s[2] == 'u') {
        unsigned low = hex4(s + 3);

        if (low >= 0xdc00 && low < 0xe000) {
            buf_add_rune(b, 0x10000 + ((r - 0xd800) << 10) + (low - 0xdc00));
            return s + 6;
        }
    }
    buf_add_rune(b, r >= 0xd800 && r < 0xe000 ? 0xfffd : r);
    return s;
}

/* The bytes between `s` and `end` (already scanned) as Go's string, appended to `b`. */
static void unescape(struct buf *b, const char *s, const char *end)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

    for (; s < end; s++) {
        if (*s == '\\') {
            s++;
            if (*s == 'u') {
                s = unescape_unicode(b, s, end);
            } else {
                const char *f = strchr(from, *s);

                buf_add_char(b, f ? to[f - from] : *s);
            }
        } else if ((unsigned char)*s < 0x80) {
            buf_add_char(b, *s);
        } else {
            size_t n = utf8_len((const unsigned char *)s, (size_t)(end - s));

            if (n) {
                buf_add(b, s, n);
                s += n - 1;
            } else {
                buf_add_rune(b, 0xfffd);
            }
        }
    }
}

/* The string at p->at, as bytes that live until the next string. */
static bool read_string(struct parser *p, const char **ret, size_t *ret_len)
{
    const char *start = p->at + 1;
    bool plain;

    if (!scan_string(p, &plain))
        return false;
    if (plain) {
        *ret = start;
        *ret_len = (size_t)(p->at - 1 - start);
        return true;
    }
    if (!p->build) {
        *ret = "";
        *ret_len = 0;
        return true;
    }
    buf_reset(&p->text);
    buf_reserve(&p->text, 1);
    unescape(&p->text, start, p->at - 1);
    *ret = p->text.len ? p->text.data : "";
    *ret_len = p->text.len;
    return true;
}

/* ---- numbers and words ----------------------------------------------------------------------- */

static bool is_digit(const struct parser *p, const char *s)
{
    return s < p->end && *s >= '0' && *s <= '9';
}

static bool scan_number(struct parser *p, bool *integer)
{
    const char *s = p->at;

    *integer = true;
    if (*s == '-' && !is_digit(p, ++s))
        return fail_at(p, s, "in numeric literal");
    if (*s == '0')
        s++;
    else
        while (is_digit(p, s))
            s++;
    if (s < p->end && *s == '.') {
        *integer = false;
        if (!is_digit(p, ++s))
            return fail_at(p, s, "after decimal point in numeric literal");
        while (is_digit(p, s))
            s++;
    }
    if (s < p->end && (*s == 'e' || *s == 'E')) {
        *integer = false;
        s++;
        if (s < p->end && (*s == '+' || *s == '-'))
            s++;
        if (!is_digit(p, s))
            return fail_at(p, s, "in exponent of numeric literal");
        while (is_digit(p, s))
            s++;
    }
    p->at = s;
    return true;
}

static void note_spelling(struct parser *p, const json_t *node, const char *text, size_t len)
{
    if (p->notes && (p->spellings.n < NUMBERS_MAX || p->flags & JSON_PARSE_SPELLINGS))
        *dyn_push(&p->spellings) =
            (struct json_spelling){ node, arena_strndup(p->notes->arena, text, len) };
}

/* Decimal text to int64; false when it does not fit. */
static bool to_int64(const char *s, size_t len, int64_t *ret)
{
    bool negative = *s == '-';
    uint64_t v = 0, max = (uint64_t)INT64_MAX + negative;

    for (size_t i = negative; i < len; i++) {
        unsigned digit = (unsigned)(s[i] - '0');

        if (v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static json_t *make_number(struct parser *p, const char *start, size_t len, bool integer)
{
    char small[64], spelt[JSON_NUMBER_MAX];
    char *text = len < sizeof(small) ? small : NULL;
    cleanup_free char *big = NULL;
    int64_t i;
    json_t *v;
    double d;

    if (integer && to_int64(start, len, &i)) {
        v = json_integer(i);
        if (p->flags & JSON_PARSE_SPELLINGS && *start == '-' && i == 0)
            note_spelling(p, v, start, len);
        return v;
    }
    if (!text)
        text = big = xmalloc(len + 1);
    memcpy(text, start, len);
    text[len] = 0;
    d = strtod(text, NULL);
    if (d > 1.7976931348623157e308 || d < -1.7976931348623157e308) {
        if (p->notes && !p->notes->overflow)
            p->notes->overflow = arena_strdup(p->notes->arena, text);
        d = 0;
    }
    v = json_real(d);
    json_write_real(spelt, d);
    if (!streq(spelt, text))
        note_spelling(p, v, text, len);
    return v;
}

static bool read_number(struct parser *p, json_t **ret)
{
    const char *start = p->at;
    bool integer;

    if (!scan_number(p, &integer))
        return false;
    if (p->build)
        *ret = make_number(p, start, (size_t)(p->at - start), integer);
    return true;
}

static bool read_word(struct parser *p, json_t **ret)
{
    static const struct {
        const char *word, *context[4];
    } words[] = {
        { "true",
          { "in literal true (expecting 'r')", "in literal true (expecting 'u')",
            "in literal true (expecting 'e')" } },
        { "false",
          { "in literal false (expecting 'a')", "in literal false (expecting 'l')",
            "in literal false (expecting 's')", "in literal false (expecting 'e')" } },
        { "null",
          { "in literal null (expecting 'u')", "in literal null (expecting 'l')",
            "in literal null (expecting 'l')" } },
    };
    size_t w = *p->at == 't' ? 0 : *p->at == 'f' ? 1 : 2;
    const char *word = words[w].word;

    for (size_t i = 1; word[i]; i++)
        if (p->at + i >= p->end || p->at[i] != word[i])
            return fail_at(p, p->at + i, words[w].context[i - 1]);
    p->at += strlen(word);
    if (p->build)
        *ret = w == 0 ? json_true() : w == 1 ? json_false() : json_null();
    return true;
}

/* ---- members --------------------------------------------------------------------------------- */

static void add_path(struct parser *p, struct buf *b)
{
    for (size_t i = 0; i < p->stack.n; i++) {
        const struct frame *f = &p->stack.v[i];

        if (!f->is_object) {
            buf_printf(b, "[%zu]", f->index);
            continue;
        }
        if (b->len)
            buf_add_char(b, '.');
        buf_add(b, p->keys.data + f->key, f->key_len);
    }
}

static void note_duplicate(struct parser *p)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (!p->notes || p->duplicates.n >= DUPLICATES_MAX)
        return;
    add_path(p, &b);
    buf_add_char(&b, 0);
    for (size_t i = 0; i < p->duplicates.n; i++)
        if (streq(p->duplicates.v[i], b.data))
            return;
    *dyn_push(&p->duplicates) = arena_strdup(p->notes->arena, b.data);
}

/* Reads `"key" :` into the frame on top. */
static bool read_key(struct parser *p, struct frame *f)
{
    const char *key;
    size_t len;

    if (p->at >= p->end || *p->at != '"')
        return fail_at(p, p->at, "looking for beginning of object key string");
    if (!read_string(p, &key, &len))
        return false;
    if (p->build) {
        p->keys.len = f->key;
        nul_hide_into(&p->keys, key, len);
        f->key_len = p->keys.len - f->key;
    }
    skip_space(p);
    if (p->at >= p->end || *p->at != ':')
        return fail_at(p, p->at, "after object key");
    p->at++;
    if (p->build) {
        f->earlier = json_object_getn(f->value, p->keys.data + f->key, f->key_len);
        if (f->earlier && (!f->seen || json_object_getn(f->seen, p->keys.data + f->key, f->key_len)))
            note_duplicate(p);
        if (f->seen)
            json_object_setn_new_nocheck(f->seen, p->keys.data + f->key, f->key_len, json_null());
    }
    return true;
}

static void replace_value(struct parser *p, struct frame *f, json_t *value)
{
    if (value != f->earlier)
        *dyn_push(&p->replaced) = json_incref(f->earlier);
    json_object_setn_new_nocheck(f->value, p->keys.data + f->key, f->key_len, value);
}

/* Puts a finished value into the container on top (steals it). */
static void put_value(struct parser *p, json_t *value)
{
    struct frame *f = &p->stack.v[p->stack.n - 1];

    if (!p->build)
        return;
    if (!f->is_object)
        json_array_append_new(f->value, value);
    else if (f->earlier)
        replace_value(p, f, value);
    else
        json_object_add_new(f->value, p->keys.data + f->key, f->key_len, value);
}

static bool open_container(struct parser *p)
{
    bool is_object = *p->at == '{';
    const struct frame *top = p->stack.n ? &p->stack.v[p->stack.n - 1] : NULL;
    json_t *merge = is_object && top && p->flags & JSON_PARSE_MERGE_DUPLICATES ? top->earlier : NULL;
    struct frame f = { .is_object = is_object };

    if (p->stack.n >= JSON_PARSE_DEPTH_MAX)
        return fail_at(p, p->at, "exceeded max depth");
    if (p->build)
        f.value = json_is_object(merge) ? json_incref(merge) : is_object ? json_object() : json_array();
    if (p->build && json_is_object(merge))
        f.seen = json_object();
    f.key = p->keys.len;
    p->at++;
    *dyn_push(&p->stack) = f;
    if (p->stack.n > p->depth)
        p->depth = p->stack.n;
    return true;
}

enum step { STEP_VALUE, STEP_AFTER, STEP_FAIL };

/* After an opening bracket: the container may be empty, or its first value begins. */
static enum step container_begin(struct parser *p)
{
    struct frame *f = &p->stack.v[p->stack.n - 1];

    skip_space(p);
    if (p->at < p->end && *p->at == (f->is_object ? '}' : ']'))
        return STEP_AFTER;
    if (!f->is_object)
        return STEP_VALUE;
    return read_key(p, f) ? STEP_VALUE : STEP_FAIL;
}

/* After a comma. */
static enum step container_next(struct parser *p, struct frame *f)
{
    p->at++;
    f->index++;
    if (!f->is_object)
        return STEP_VALUE;
    skip_space(p);
    return read_key(p, f) ? STEP_VALUE : STEP_FAIL;
}

/* A value is complete: closes what it completes. STEP_AFTER: the outermost is done, in `*ret`. */
static enum step after_value(struct parser *p, json_t **ret)
{
    while (p->stack.n) {
        struct frame *f = &p->stack.v[p->stack.n - 1];

        skip_space(p);
        if (p->at < p->end && *p->at == ',')
            return container_next(p, f);
        if (p->at >= p->end || *p->at != (f->is_object ? '}' : ']')) {
            fail_at(p, p->at, f->is_object ? "after object key:value pair" : "after array element");
            return STEP_FAIL;
        }
        p->at++;
        *ret = f->value;
        json_decref(f->seen);
        p->keys.len = f->key;
        p->stack.n--;
        if (p->stack.n)
            put_value(p, STEAL(*ret));
    }
    return STEP_AFTER;
}

/* `start` is its opening quote in the source. */
static json_t *make_string(struct parser *p, const char *start, const char *s, size_t len)
{
    json_t *v = json_stringn_nocheck(s, len);
    cleanup_buf struct buf spelt = BUF_INIT;
    size_t raw = (size_t)(p->at - start);

    if (!(p->flags & JSON_PARSE_SPELLINGS))
        return v;
    json_write_string(&spelt, s, len, 0);
    if (spelt.len != raw || memcmp(spelt.data, start, raw) != 0)
        note_spelling(p, v, start, raw);
    return v;
}

static bool read_scalar(struct parser *p, json_t **ret)
{
    const char *s, *start = p->at;
    size_t len;

    switch (*p->at) {
    case '"':
        if (!read_string(p, &s, &len))
            return false;
        if (p->build)
            *ret = make_string(p, start, s, len);
        return true;
    case 't': case 'f': case 'n':
        return read_word(p, ret);
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7':
    case '8': case '9':
        return read_number(p, ret);
    default:
        return fail_at(p, p->at, "looking for beginning of value");
    }
}

/* One value with all that is in it. */
static bool read_value(struct parser *p, json_t **ret)
{
    enum step step = STEP_VALUE;

    for (;;) {
        json_t *scalar = NULL;

        skip_space(p);
        if (p->at >= p->end)
            return fail_at(p, p->end, NULL);
        if (*p->at == '{' || *p->at == '[') {
            if (!open_container(p))
                return false;
            step = container_begin(p);
            if (step == STEP_FAIL)
                return false;
            if (step == STEP_VALUE)
                continue;
        } else {
            if (!read_scalar(p, &scalar))
                return false;
            if (!p->stack.n) {
                *ret = scalar;
                return true;
            }
            put_value(p, scalar);
        }
        step = after_value(p, ret);
        if (step == STEP_FAIL)
            return false;
        if (step == STEP_AFTER)
            return true;
    }
}

static void parser_release(struct parser *p)
{
    while (p->stack.n) {
        struct frame *f = &p->stack.v[--p->stack.n];
        json_decref(f->value);
        json_decref(f->seen);
    }
    dyn_release(&p->stack);
    while (p->replaced.n)
        json_decref(p->replaced.v[--p->replaced.n]);
    dyn_release(&p->replaced);
    dyn_release(&p->spellings);
    dyn_release(&p->duplicates);
    buf_release(&p->keys);
    buf_release(&p->text);
}

static void notes_fill(struct parser *p)
{
    struct json_notes *n = p->notes;

    if (!n)
        return;
    n->duplicates = arena_memdup(n->arena, p->duplicates.v,
                                 p->duplicates.n * sizeof(*p->duplicates.v));
    n->n_duplicates = p->duplicates.n;
    n->spellings = arena_memdup(n->arena, p->spellings.v, p->spellings.n * sizeof(*p->spellings.v));
    n->n_spellings = p->spellings.n;
    n->depth = p->depth;
}

json_t *json_parse(const char *text, size_t len, unsigned flags, struct json_notes *notes,
                   struct err *e)
{
    struct parser p = { .at = text, .end = text + len, .build = true, .flags = flags, .notes = notes };
    json_t *value = NULL;
    bool ok;

    if (notes)
        *notes = JSON_NOTES_IN(notes->arena);
    ok = read_value(&p, &value);
    if (ok && notes)
        notes->consumed = (size_t)(p.at - text);
    if (ok && !(flags & JSON_PARSE_PREFIX)) {
        skip_space(&p);
        if (p.at < p.end)
            ok = fail_at(&p, p.at, "after top-level value");
    }
    if (ok) {
        notes_fill(&p);
    } else {
        parser_error(&p, e);
        json_decref(value);
        value = NULL;
    }
    parser_release(&p);
    return value;
}

json_t *json_parse_str(const char *text)
{
    return json_parse(text, strlen(text), 0, NULL, NULL);
}

const char *json_notes_number(const struct json_notes *notes, const json_t *node)
{
    for (size_t i = 0; notes && i < notes->n_spellings; i++)
        if (notes->spellings[i].node == node)
            return notes->spellings[i].text;
    return NULL;
}

size_t json_scan(const char *text, size_t len, struct err *e)
{
    struct parser p = { .at = text, .end = text + len };
    json_t *none = NULL;
    bool ok = read_value(&p, &none);

    if (!ok)
        parser_error(&p, e);
    parser_release(&p);
    return ok ? (size_t)(p.at - text) : 0;
}
