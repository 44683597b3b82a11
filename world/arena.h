/* arena.h — memory of one pass (a request, a reconcile): allocated piece by piece, freed at once.
 *
 * Nobody frees a single piece. An arena lives exactly as long as the pass it belongs to; what must
 * outlive the pass is copied out of it.
 */
#pragma once

#include "world/base.h"

struct arena;

struct arena *arena_new(void);
struct arena *arena_free(struct arena *a);      /* NULL is fine; returns NULL */
void arena_reset(struct arena *a);              /* all pieces gone, one chunk kept for the next pass */

void *arena_alloc(struct arena *a, size_t size);            /* zeroed, aligned for anything */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
void *arena_memdup(struct arena *a, const void *p, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list args) PRINTF(2, 0);

#define cleanup_arena __attribute__((cleanup(cleanup_arenap)))
static inline void cleanup_arenap(struct arena **a)
{
    arena_free(*a);
}
