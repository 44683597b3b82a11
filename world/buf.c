#include "world/buf.h"

#include <stdio.h>

void buf_release(struct buf *b)
{
    free(b->data);
    *b = (struct buf)BUF_INIT;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buf_reserve(struct buf *b, size_t more)
{
    size_t need, cap = b->cap ? b->cap : 64;

    if (__builtin_add_overflow(b->len, more, &need) || need >= SIZE_MAX / 2)
        need = cap = SIZE_MAX / 2;                /* refused by malloc */
    need++;
    if (need <= b->cap)
        return;
    while (cap < need)
        cap *= 2;
    b->data = xrealloc(b->data, cap);
    b->cap = cap;
    b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    buf_reserve(b, len);
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    va_list again;
    int len;

    va_copy(again, args);
    buf_reserve(b, 0);
    len = vsnprintf(b->data + b->len, b->cap - b->len, fmt, args);
    if (len > 0 && (size_t)len >= b->cap - b->len) {
        buf_reserve(b, (size_t)len);
        vsnprintf(b->data + b->len, b->cap - b->len, fmt, again);
    }
    if (len > 0)
        b->len += (size_t)len;
    va_end(again);
}

size_t rune_encode(char ret[4], unsigned r)
{
    static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    size_t more = r < 0x80 ? 0 : r < 0x800 ? 1 : r < 0x10000 ? 2 : 3;

    for (size_t i = more; i > 0; i--, r >>= 6)
        ret[i] = (char)(0x80 | (r & 0x3f));
    ret[0] = (char)(lead[more] | r);
    return more + 1;
}

size_t rune_count(const char *s, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)s[i] & 0xc0) != 0x80;
    return n;
}

void buf_add_rune(struct buf *b, unsigned rune)
{
    char s[4];

    buf_add(b, s, rune_encode(s, rune));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    buf_vprintf(b, fmt, args);
    va_end(args);
}

char *buf_steal(struct buf *b)
{
    char *data;

    buf_reserve(b, 0);
    data = b->data;
    *b = (struct buf)BUF_INIT;
    return data;
}

struct blob *blob_new(const void *data, size_t len)
{
    struct blob *b = xmalloc(sizeof(*b) + len + 1);

    b->refs = 1;
    b->len = len;
    if (len)
        memcpy(b->data, data, len);
    b->data[len] = '\0';
    return b;
}

struct blob *blob_from_buf(struct buf *b)
{
    struct blob *blob = blob_new(b->data, b->len);

    buf_release(b);
    return blob;
}

struct blob *blob_ref(struct blob *b)
{
    if (b)
        b->refs++;
    return b;
}

void blob_unref(struct blob *b)
{
    if (b && --b->refs == 0)
        free(b);
}
