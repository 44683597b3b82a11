/* switch.h — leaving one stack for another. In assembly for x86-64 and aarch64 (switch.S), by ucontext
 * elsewhere or when the build option `coroutines` says so. */
#pragma once

#include <stddef.h>

/* Leaves the caller's registers on its stack, stores where in *save_sp, and goes on at to_sp. */
void co_switch(void **save_sp, void *to_sp);

/* Where a fresh stack begins (switch.S): calls body(arg), which never returns. */
void co_boot(void);

/* A stack pointer whose first switch calls body(arg) on the stack of `size` bytes at `base`. */
void *co_switch_prepare(void *base, size_t size, void (*body)(void *), void *arg);
