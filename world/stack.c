/* Stacks: 256 KiB with a guard page below, kept in the world's pool. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "world/stack.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

enum { STACK_SIZE = 256 * 1024, GUARD_SIZE = 4096 };

struct stack *stack_take(struct world *w)
{
    struct stack *s = w->stack_pool;
    char *map;

    if (s) {
        w->stack_pool = s->next;
        return s;
    }
    map = mmap(NULL, STACK_SIZE + GUARD_SIZE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED || mprotect(map, GUARD_SIZE, PROT_NONE) < 0) {
        fputs("dormouse: no memory for one more stack\n", stderr);
        abort();
    }
    s = xcalloc(1, sizeof(*s));
    s->base = map + GUARD_SIZE;
    s->size = STACK_SIZE;
#if defined(__SANITIZE_ADDRESS__)
    __lsan_register_root_region(s->base, s->size);
#endif
    return s;
}

void stack_give(struct world *w, struct stack *s)
{
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(s->base, s->size);
#endif
    s->next = w->stack_pool;
    w->stack_pool = s;
}

void stacks_free(struct world *w)
{
    while (w->stack_pool) {
        struct stack *s = w->stack_pool;
        w->stack_pool = s->next;
#if defined(__SANITIZE_ADDRESS__)
        __lsan_unregister_root_region(s->base, s->size);
#endif
        munmap(s->base - GUARD_SIZE, s->size + GUARD_SIZE);
        free(s);
    }
}
