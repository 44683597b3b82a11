#include "world/arena.h"

#include <stdio.h>

#include "world/annotate.h"

/* Watched, no two pieces touch: writing past one is seen. */
#if defined(WATCHED_BY_ASAN)
enum { GAP = 16 };
#else
enum { GAP = 0 };
#endif

/* Chunks double up to this; a larger piece gets a chunk of its own. */
enum { CHUNK_FIRST = 1024, CHUNK_MAX = 64 * 1024 };

struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(max_align_t) char data[];
};

struct arena {
    struct chunk *chunks;              /* the current one first */
};

static struct chunk *chunk_new(struct arena *a, size_t at_least)
{
    size_t size = a->chunks ? a->chunks->size * 2 : CHUNK_FIRST;
    struct chunk *c;

    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    if (size < at_least)
        size = at_least;
    c = xmalloc(size > SIZE_MAX / 2 ? SIZE_MAX : sizeof(*c) + size);
    *c = (struct chunk){ .next = a->chunks, .size = size };
    MEMORY_DEAD(c->data, size);
    a->chunks = c;
    return c;
}

struct arena *arena_new(void)
{
    return xcalloc(1, sizeof(struct arena));
}

static void chunks_free(struct chunk *c)
{
    while (c) {
        struct chunk *next = c->next;
        MEMORY_USABLE(c->data, c->size);
        free(c);
        c = next;
    }
}

struct arena *arena_free(struct arena *a)
{
    if (a)
        chunks_free(a->chunks);
    free(a);
    return NULL;
}

void arena_reset(struct arena *a)
{
    struct chunk *keep = a->chunks;

    if (!keep)
        return;
    chunks_free(keep->next);
    keep->next = NULL;
    keep->used = 0;
    MEMORY_DEAD(keep->data, keep->size);
    if (keep->size > CHUNK_MAX) {
        chunks_free(keep);
        a->chunks = NULL;
    }
}

void *arena_alloc(struct arena *a, size_t size)
{
    struct chunk *c = a->chunks;
    size_t need;

    if (__builtin_add_overflow(size, _Alignof(max_align_t) - 1 + GAP, &need))
        need = SIZE_MAX;                          /* refused by malloc */
    need &= ~(_Alignof(max_align_t) - 1);
    if (!c || c->size - c->used < need)
        c = chunk_new(a, need);
    void *p = c->data + c->used;
    c->used += need;
    MEMORY_USABLE(p, size);
    return memset(p, 0, size);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    char *copy = arena_alloc(a, len + 1);

    if (len)
        memcpy(copy, s, len);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

void *arena_memdup(struct arena *a, const void *p, size_t len)
{
    void *copy = arena_alloc(a, len);

    if (len)
        memcpy(copy, p, len);
    return copy;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
    va_list again;
    char *text;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    text = arena_alloc(a, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, args);
    return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    char *text;

    va_start(args, fmt);
    text = arena_vprintf(a, fmt, args);
    va_end(args);
    return text;
}
