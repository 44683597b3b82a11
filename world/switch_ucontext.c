/* The stack switch where nobody wrote one for the processor: slower (a system call each), and ASan sees
 * less. A suspended stack holds its own context, so its stack pointer is that context's address. */
#include <stdint.h>
#include <ucontext.h>

#include "world/switch.h"

void co_switch(void **save_sp, void *to_sp)
{
    ucontext_t here;

    *save_sp = &here;
    swapcontext(&here, to_sp);
}

/* makecontext passes ints only. */
static void boot(unsigned body_high, unsigned body_low, unsigned arg_high, unsigned arg_low)
{
    void (*body)(void *) = (void (*)(void *))(uintptr_t)((uint64_t)body_high << 32 | body_low);

    body((void *)(uintptr_t)((uint64_t)arg_high << 32 | arg_low));
}

void *co_switch_prepare(void *base, size_t size, void (*body)(void *), void *arg)
{
    size_t room = (sizeof(ucontext_t) + 63) & ~(size_t)63;
    ucontext_t *start = (ucontext_t *)((char *)base + size - room);
    uint64_t b = (uintptr_t)body, a = (uintptr_t)arg;

    getcontext(start);
    start->uc_stack.ss_sp = base;
    start->uc_stack.ss_size = size - room;
    start->uc_link = NULL;
    makecontext(start, (void (*)(void))boot, 4, (unsigned)(b >> 32), (unsigned)b, (unsigned)(a >> 32),
                (unsigned)a);
    return start;
}
