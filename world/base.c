#include "world/base.h"

#include <errno.h>
#include <stdio.h>

static void *checked(void *p)
{
    if (!p) {
        fputs("dormouse: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *xmalloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
    return checked(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
    return checked(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
    return checked(strdup(s));
}

char *xstrndup(const char *s, size_t len)
{
    return checked(strndup(s, len));
}

void *xmemdup(const void *p, size_t len)
{
    void *copy = xmalloc(len);

    if (len)
        memcpy(copy, p, len);
    return copy;
}

char *xvasprintf(const char *fmt, va_list args)
{
    char *text = NULL;

    if (vasprintf(&text, fmt, args) < 0)
        checked(NULL);
    return text;
}

char *xasprintf(const char *fmt, ...)
{
    va_list args;
    char *text;

    va_start(args, fmt);
    text = xvasprintf(fmt, args);
    va_end(args);
    return text;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t len = strlen(s), tail = strlen(suffix);

    return len >= tail && memcmp(s + len - tail, suffix, tail) == 0;
}

bool parse_u64(const char *text, uint64_t *ret)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value)
            || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret = value;
    return true;
}

bool parse_i64(const char *text, int64_t *ret)
{
    bool minus = *text == '-';
    uint64_t value;

    if (!parse_u64(text + minus, &value) || value > (uint64_t)INT64_MAX + minus)
        return false;
    *ret = minus ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

uint64_t hash64(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

void dyn_grow_(void **v, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return;
    *cap = *cap ? *cap * 2 : 8;
    *v = xrealloc(*v, *cap * size);
}
