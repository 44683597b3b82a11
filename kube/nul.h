/* nul.h — a NUL within a C string, written as modified UTF-8 writes it: C0 80, which no valid text holds.
 *
 * What a client sends may hold a NUL: a name, a path, a token. Our texts end at one. So it travels hidden, matches
 * nothing that is stored, and shows again in the Status that quotes it. Names of members come hidden from every
 * parser, since they are looked up as C strings everywhere; json_write() shows them.
 */
#pragma once

#include "world/arena.h"
#include "world/buf.h"

#define NUL_HIDDEN "\xc0\x80"

/* `len` bytes, with a NUL behind them, as a C string with its NULs hidden; `s` itself where there are none. */
static inline const char *nul_hide(struct arena *a, const char *s, size_t len)
{
    if (!memchr(s, 0, len))
        return s;
    char *out = arena_alloc(a, 2 * len + 1), *w = out;

    for (size_t i = 0; i < len; i++) {
        if (s[i]) {
            *w++ = s[i];
        } else {
            *w++ = NUL_HIDDEN[0];
            *w++ = NUL_HIDDEN[1];
        }
    }
    *w = 0;
    return out;
}

/* The same, appended. */
static inline void nul_hide_into(struct buf *b, const char *s, size_t len)
{
    buf_reserve(b, 2 * len + 1);
    for (const char *nul; (nul = memchr(s, 0, len)); len -= (size_t)(nul + 1 - s), s = nul + 1) {
        buf_add(b, s, (size_t)(nul - s));
        buf_add(b, NUL_HIDDEN, 2);
    }
    buf_add(b, s, len);
}

/* Shows them again, in place; returns the length. */
static inline size_t nul_show(char *s)
{
    char *w = s;

    for (char *p = s; *p; p++) {
        bool hidden = p[0] == NUL_HIDDEN[0] && p[1] == NUL_HIDDEN[1];
        *w++ = hidden ? 0 : *p;
        p += hidden;
    }
    *w = 0;
    return (size_t)(w - s);
}
