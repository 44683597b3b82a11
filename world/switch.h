/* switch.h — leaving one stack for another. */
#pragma once

/* Saves the caller's registers on its stack, stores its stack pointer in *save_sp and goes on at to_sp. */
void co_switch(void **save_sp, void *to_sp);

/* Where a fresh stack begins: calls body(arg), which never returns. */
void co_boot(void);

/* A stack pointer whose first switch calls body(arg) on the stack that ends at `top`. */
void *co_switch_prepare(void *top, void (*body)(void *), void *arg);
