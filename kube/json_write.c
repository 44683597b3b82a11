#include "kube/json.h"

#include <math.h>
#include <stdio.h>

#include "kube/nul.h"

/* Printing walks the tree with a stack of open containers. Scalars and strings go straight into the
 * buffer, runs of plain bytes at a time. */

struct member {
    const char *key;
    size_t len;
    const json_t *value;
};

struct open {
    const json_t *v;
    void *iter;                                  /* objects in their own order */
    struct member *sorted;                       /* objects by key */
    size_t i, n;
};

enum { OPEN_INLINE = 32 };

struct writer {
    struct buf *b;
    unsigned flags;
    struct open small[OPEN_INLINE], *stack;
    size_t n, cap;
};

/* ---- bytes ------------------------------------------------------------------------------------- */

/* buf_add without the call: this is where serialising spends its time. The NUL at the end is put by
 * whoever calls these last. */
static inline char *room(struct buf *b, size_t n)
{
    if (b->cap - b->len <= n)
        buf_reserve(b, n + 1);
    return b->data + b->len;
}

static inline void add_char(struct buf *b, char c)
{
    *room(b, 1) = c;
    b->len++;
}

static inline void add(struct buf *b, const void *data, size_t n)
{
    memcpy(room(b, n), data, n);
    b->len += n;
}

static inline void end(struct buf *b)
{
    *room(b, 1) = 0;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* The fewest digits that read back to `d`, as "d.ddde[+-]xx". */
static void shortest_exponent_form(char *ret, size_t size, double d, int bits)
{
    for (int precision = 0; precision < 17; precision++) {
        snprintf(ret, size, "%.*e", precision, d);
        if (bits == 32 ? strtof(ret, NULL) == (float)d : strtod(ret, NULL) == d)
            return;
    }
}

/* "1.5e-07" to digits "15" and exponent -7. */
static void split_exponent_form(const char *s, char digits[24], int *n, int *exponent)
{
    *n = 0;
    for (; *s != 'e'; s++)
        if (*s >= '0' && *s <= '9')
            digits[(*n)++] = *s;
    *exponent = atoi(s + 1);
    while (*n > 1 && digits[*n - 1] == '0')
        (*n)--;
}

static char *write_digits(char *out, const char *digits, int n, int point)
{
    if (point <= 0) {
        *out++ = '0';
        *out++ = '.';
        for (int i = point; i < 0; i++)
            *out++ = '0';
        memcpy(out, digits, (size_t)n);
        return out + n;
    }
    for (int i = 0; i < point || i < n; i++) {
        if (i == point)
            *out++ = '.';
        *out++ = i < n ? digits[i] : '0';
    }
    return out;
}

/* Plain digits where `low` <= exponent < `high`, else with an exponent: two digits of it at least, but for
 * negative ones only when `pad`. */
static void write_float(char out[JSON_NUMBER_MAX], double d, int bits, int low, int high, bool pad)
{
    char form[40], digits[24] = "";
    int n, exponent;

    if (d == 0) {
        strcpy(out, signbit(d) ? "-0" : "0");
        return;
    }
    if (d < 0) {
        *out++ = '-';
        d = -d;
    }
    shortest_exponent_form(form, sizeof(form), d, bits);
    split_exponent_form(form, digits, &n, &exponent);
    if (exponent >= low && exponent < high) {
        out = write_digits(out, digits, n, exponent + 1);
        *out = 0;
        return;
    }
    *out++ = digits[0];
    if (n > 1) {
        *out++ = '.';
        memcpy(out, digits + 1, (size_t)n - 1);
        out += n - 1;
    }
    if (exponent < 0)
        snprintf(out, 14, pad ? "e-%02d" : "e-%d", -exponent);
    else
        snprintf(out, 14, "e+%02d", exponent);
}

void json_write_real(char ret[JSON_NUMBER_MAX], double d)
{
    write_float(ret, d, 64, -6, 21, false);
}

void go_write_float(char ret[JSON_NUMBER_MAX], double d, int bits)
{
    write_float(ret, d, bits, -4, 6, true);
}

static void write_integer(struct buf *b, int64_t v)
{
    char text[24], *at = text + sizeof(text);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do {
        *--at = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0)
        *--at = '-';
    add(b, at, (size_t)(text + sizeof(text) - at));
}

/* ---- strings --------------------------------------------------------------------------------- */

enum { BYTE_PLAIN, BYTE_HTML, BYTE_ESCAPE, BYTE_HIGH };

/* What each byte needs: nothing, nothing unless HTML is escaped, an escape, a look at what follows. */
static const uint8_t classes[256] = {
    [0 ... 0x1f] = BYTE_ESCAPE, ['"'] = BYTE_ESCAPE, ['\\'] = BYTE_ESCAPE,
    ['<'] = BYTE_HTML, ['>'] = BYTE_HTML, ['&'] = BYTE_HTML, [0x80 ... 0xff] = BYTE_HIGH,
};

static void write_escape(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"': buf_add(b, "\\\"", 2); break;
    case '\\': buf_add(b, "\\\\", 2); break;
    case '\b': buf_add(b, "\\b", 2); break;
    case '\f': buf_add(b, "\\f", 2); break;
    case '\n': buf_add(b, "\\n", 2); break;
    case '\r': buf_add(b, "\\r", 2); break;
    case '\t': buf_add(b, "\\t", 2); break;
    default: buf_printf(b, "\\u%04x", c); break;
    }
}

static size_t utf8_len(const unsigned char *s, size_t n)
{
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        return n >= 2 && (s[1] & 0xc0) == 0x80 ? 2 : 0;
    if (s[0] >= 0xe0 && s[0] <= 0xef)
        return n >= 3 && s[1] >= (s[0] == 0xe0 ? 0xa0 : 0x80) &&
                       s[1] <= (s[0] == 0xed ? 0x9f : 0xbf) && (s[2] & 0xc0) == 0x80
                   ? 3
                   : 0;
    if (s[0] >= 0xf0 && s[0] <= 0xf4)
        return n >= 4 && s[1] >= (s[0] == 0xf0 ? 0x90 : 0x80) &&
                       s[1] <= (s[0] == 0xf4 ? 0x8f : 0xbf) && (s[2] & 0xc0) == 0x80 &&
                       (s[3] & 0xc0) == 0x80
                   ? 4
                   : 0;
    return 0;
}

/* One sequence above ASCII; how many bytes of it were taken. */
static size_t write_high(struct buf *b, const char *s, size_t n)
{
    size_t len = utf8_len((const unsigned char *)s, n);

    if (!len) {
        bool hidden = n >= 2 && memcmp(s, NUL_HIDDEN, 2) == 0;
        buf_add_str(b, hidden ? "\\u0000" : "\\ufffd");
        return hidden ? 2 : 1;
    }
    if (len == 3 && (memcmp(s, "\xe2\x80\xa8", 3) == 0 || memcmp(s, "\xe2\x80\xa9", 3) == 0))
        buf_add_str(b, s[2] == '\xa8' ? "\\u2028" : "\\u2029");
    else
        buf_add(b, s, len);
    return len;
}

static void write_string(struct buf *b, const char *s, size_t len, unsigned flags)
{
    uint8_t plain = flags & JSON_WRITE_PLAIN ? BYTE_HTML : BYTE_PLAIN;
    size_t i = 0;
    char *out = room(b, len + 2);

    *out++ = '"';
    while (i < len && classes[(unsigned char)s[i]] <= plain)
        *out++ = s[i++];
    b->len += i + 1;
    while (i < len) {
        size_t start = i;

        if (classes[(unsigned char)s[i]] == BYTE_HIGH) {
            i += write_high(b, s + i, len - i);
            continue;
        }
        if (classes[(unsigned char)s[i]] > plain) {
            write_escape(b, (unsigned char)s[i++]);
            continue;
        }
        while (i < len && classes[(unsigned char)s[i]] <= plain)
            i++;
        add(b, s + start, i - start);
    }
    add_char(b, '"');
}

void json_write_string(struct buf *b, const char *s, size_t len, unsigned flags)
{
    write_string(b, s, len, flags);
    end(b);
}

/* ---- containers ------------------------------------------------------------------------------ */

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static struct member *sorted_members(const json_t *v, size_t n)
{
    struct member *m = xmalloc((n + 1) * sizeof(*m));
    size_t i = 0;

    for (void *it = json_object_iter((json_t *)v); it; it = json_object_iter_next((json_t *)v, it))
        m[i++] = (struct member){ json_object_iter_key(it), json_object_iter_key_len(it),
                                  json_object_iter_value(it) };
    qsort(m, n, sizeof(*m), compare_members);
    return m;
}

static void writer_open(struct writer *w, const json_t *v)
{
    bool is_object = json_is_object(v);
    struct open o = { .v = v, .n = is_object ? json_object_size(v) : json_array_size(v) };

    if (is_object && w->flags & JSON_WRITE_SORTED && o.n)
        o.sorted = sorted_members(v, o.n);
    else if (is_object)
        o.iter = json_object_iter((json_t *)v);
    if (w->n == w->cap) {
        struct open *grown = xmalloc(2 * w->cap * sizeof(*grown));

        memcpy(grown, w->stack, w->n * sizeof(*grown));
        if (w->stack != w->small)
            free(w->stack);
        w->stack = grown;
        w->cap *= 2;
    }
    w->stack[w->n++] = o;
    add_char(w->b, is_object ? '{' : '[');
}

static void write_line(const struct writer *w)
{
    if (!(w->flags & JSON_WRITE_INDENT))
        return;
    add_char(w->b, '\n');
    for (size_t i = 0; i < w->n; i++)
        add(w->b, "  ", 2);
}

static void write_key(const struct writer *w, const char *key, size_t len)
{
    write_string(w->b, key, len, w->flags);
    add_char(w->b, ':');
    if (w->flags & JSON_WRITE_INDENT)
        add_char(w->b, ' ');
}

/* The next value of the container on top, its comma and key written; NULL at its end. */
static const json_t *writer_next(struct writer *w)
{
    struct open *o = &w->stack[w->n - 1];
    const json_t *v;

    if (o->i == o->n)
        return NULL;
    if (o->i)
        add_char(w->b, ',');
    write_line(w);
    if (json_is_array(o->v))
        return json_array_get(o->v, o->i++);
    if (o->sorted) {
        const struct member *m = &o->sorted[o->i++];

        write_key(w, m->key, m->len);
        return m->value;
    }
    write_key(w, json_object_iter_key(o->iter), json_object_iter_key_len(o->iter));
    v = json_object_iter_value(o->iter);
    o->iter = json_object_iter_next((json_t *)o->v, o->iter);
    o->i++;
    return v;
}

static void write_scalar(const struct writer *w, const json_t *v)
{
    char text[JSON_NUMBER_MAX];

    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_STRING:
        write_string(w->b, json_string_value(v), json_string_length(v), w->flags);
        break;
    case JSON_INTEGER: write_integer(w->b, json_integer_value(v)); break;
    case JSON_REAL:
        json_write_real(text, json_real_value(v));
        buf_add_str(w->b, text);
        break;
    case JSON_TRUE: add(w->b, "true", 4); break;
    case JSON_FALSE: add(w->b, "false", 5); break;
    default: add(w->b, "null", 4); break;
    }
}

void json_write(struct buf *b, const json_t *v, unsigned flags)
{
    struct writer w = { .b = b, .flags = flags, .cap = OPEN_INLINE };

    w.stack = w.small;
    for (;;) {
        if (json_is_object(v) || json_is_array(v))
            writer_open(&w, v);
        else
            write_scalar(&w, v);
        while (w.n && !(v = writer_next(&w))) {
            struct open *o = &w.stack[--w.n];

            if (o->n)
                write_line(&w);
            add_char(b, json_is_object(o->v) ? '}' : ']');
            free(o->sorted);
        }
        if (!w.n)
            break;
    }
    end(b);
    if (w.stack != w.small)
        free(w.stack);
}

char *json_text(const json_t *v, unsigned flags)
{
    struct buf b = BUF_INIT;

    json_write(&b, v, flags);
    return buf_steal(&b);
}

struct blob *json_blob(const json_t *v, unsigned flags)
{
    struct buf b = BUF_INIT;

    json_write(&b, v, flags);
    return blob_from_buf(&b);
}

json_t *json_sorted(const json_t *v)
{
    cleanup_free char *text = json_text(v, JSON_WRITE_SORTED | JSON_WRITE_PLAIN);
    json_t *sorted = json_parse_str(text);

    return sorted ? sorted : json_incref((json_t *)v);
}

const char *json_arena_text(struct arena *a, const json_t *v, unsigned flags)
{
    cleanup_buf struct buf b = BUF_INIT;

    json_write(&b, v, flags);
    return arena_strndup(a, b.data, b.len);
}
