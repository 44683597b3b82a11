#include "world/switch.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)

/* Downwards: two zeros that end a backtrace, co_boot's address, then what co_switch pops. */
void *co_switch_prepare(void *base, size_t size, void (*body)(void *), void *arg)
{
    uint64_t *sp = (uint64_t *)(((uintptr_t)base + size) & ~(uintptr_t)15);
    uint32_t mxcsr = 0x1f80, fcw = 0x037f;

    *--sp = 0;
    *--sp = 0;
    *--sp = (uint64_t)(uintptr_t)co_boot;
    *--sp = 0;                                    /* rbp */
    *--sp = 0;                                    /* rbx */
    *--sp = (uint64_t)(uintptr_t)arg;             /* r12 */
    *--sp = (uint64_t)(uintptr_t)body;            /* r13 */
    *--sp = 0;                                    /* r14 */
    *--sp = 0;                                    /* r15 */
    *--sp = (uint64_t)fcw << 32 | mxcsr;
    return sp;
}

#else

void *co_switch_prepare(void *base, size_t size, void (*body)(void *), void *arg)
{
    uint64_t *sp = (uint64_t *)(((uintptr_t)base + size) & ~(uintptr_t)15) - 22;

    memset(sp, 0, 22 * sizeof(*sp));
    sp[0] = (uint64_t)(uintptr_t)arg;             /* x19 */
    sp[1] = (uint64_t)(uintptr_t)body;            /* x20 */
    sp[11] = (uint64_t)(uintptr_t)co_boot;        /* x30 */
    return sp;
}

#endif
