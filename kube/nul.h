/* nul.h — a NUL within a C string, written as modified UTF-8 writes it: C0 80, which no valid text holds.
 *
 * What a client sends may hold a NUL: a name, a path, a token. Our texts end at one. So it travels hidden, matches
 * nothing that is stored, and shows again in the Status that quotes it.
 */
#pragma once

#include "world/arena.h"

#define NUL_HIDDEN "\xc0\x80"

/* `len` bytes as a C string, with its NULs hidden. */
static inline const char *nul_hide(struct arena *a, const char *s, size_t len)
{
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
