/* base.h — what every file of the house may assume: allocation that cannot fail, a few macros.
 *
 * Running out of memory ends the process with a message (style of git and crun): no caller has a
 * better answer. Everything else that can fail is returned.
 */
#pragma once

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

/* Hands ownership on: the variable is NULL afterwards. */
#define STEAL(p) ({ __typeof__(p) steal_ = (p); (p) = NULL; steal_; })

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
void *xmemdup(const void *p, size_t len);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);
char *xvasprintf(const char *fmt, va_list args) PRINTF(1, 0);

#define cleanup_free __attribute__((cleanup(cleanup_freep)))
static inline void cleanup_freep(void *p)
{
    free(*(void **)p);
}

static inline bool streq(const char *a, const char *b)
{
    return *a == *b && strcmp(a, b) == 0;           /* most that differ differ at once */
}

/* NULL and "" are the same nothing. */
static inline bool str_empty(const char *s)
{
    return !s || !*s;
}

static inline bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix);

/* Whole-string parse of a decimal number; false where anything else is in `text`. */
bool parse_u64(const char *text, uint64_t *ret);
bool parse_i64(const char *text, int64_t *ret);

/* FNV-1a, the hash of names and fingerprints (not of hostile keys). */
#define HASH64_INIT UINT64_C(0xcbf29ce484222325)
uint64_t hash64(uint64_t hash, const void *data, size_t len);
static inline uint64_t hash64_str(uint64_t hash, const char *s)
{
    return hash64(hash, s, strlen(s));
}

/* A growing array: `DYN(struct row) rows = { 0 }; *dyn_push(&rows) = row; ... dyn_release(&rows);` */
#define DYN(type)      \
    struct {           \
        type *v;       \
        size_t n, cap; \
    }
#define dyn_push(d) \
    (dyn_grow_((void **)&(d)->v, (d)->n, &(d)->cap, sizeof(*(d)->v)), &(d)->v[(d)->n++])
#define dyn_release(d) (free((d)->v), (d)->v = NULL, (d)->n = (d)->cap = 0)
void dyn_grow_(void **v, size_t n, size_t *cap, size_t size);
