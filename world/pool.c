/* Stacks (256 KiB with a guard page below) and arenas, kept for the next task or the next world. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "world/annotate.h"
#include "world/world_priv.h"

/* What is kept beyond a burst: a parked stack costs the pages it once touched. */
enum { STACK_SIZE = 256 * 1024, STACKS_KEPT = 1024, ARENAS_KEPT = 64 };

struct world_pool *world_pool_new(void)
{
    return xcalloc(1, sizeof(struct world_pool));
}

void stack_free(struct stack *s)
{
    STACK_NO_ROOT(s);
    STACK_UNKNOWN(s);
    munmap(s->base - s->guard, s->size + s->guard);
    free(s);
}

struct world_pool *world_pool_free(struct world_pool *p)
{
    if (!p)
        return NULL;
    while (p->stacks) {
        struct stack *s = p->stacks;
        p->stacks = s->next;
        stack_free(s);
    }
    while (p->arenas.n)
        arena_free(p->arenas.v[--p->arenas.n]);
    dyn_release(&p->arenas);
    free(p);
    return NULL;
}

struct stack *stack_new(size_t size)
{
    struct stack *s = xcalloc(1, sizeof(*s));
    char *map;

    s->guard = (size_t)sysconf(_SC_PAGESIZE);
    s->size = size;
    map = mmap(NULL, s->size + s->guard, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED || mprotect(map, s->guard, PROT_NONE) < 0) {
        fputs("dormouse: no memory for one more stack (vm.max_map_count allows about 32,000)\n", stderr);
        abort();
    }
    s->base = map + s->guard;
    STACK_IS_ROOT(s);
    STACK_KNOWN(s);
    return s;
}

struct stack *pool_stack(struct world_pool *p)
{
    struct stack *s = p->stacks;

    if (!s)
        return stack_new(STACK_SIZE);
    p->stacks = s->next;
    p->n_stacks--;
    return s;
}

void pool_give_stack(struct world_pool *p, struct stack *s)
{
    MEMORY_USABLE(s->base, s->size);
    if (p->n_stacks >= STACKS_KEPT) {
        stack_free(s);
        return;
    }
    s->next = p->stacks;
    p->stacks = s;
    p->n_stacks++;
}

struct arena *pool_arena(struct world_pool *p)
{
    return p->arenas.n ? p->arenas.v[--p->arenas.n] : arena_new();
}

void pool_give_arena(struct world_pool *p, struct arena *a)
{
    if (p->arenas.n >= ARENAS_KEPT) {
        arena_free(a);
        return;
    }
    arena_reset(a);
    *dyn_push(&p->arenas) = a;
}
