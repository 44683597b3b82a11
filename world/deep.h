/* deep.h — a call on a stack of its own, for what recurses deeper than a task's 256 KiB allow.
 *
 * Who recurses over what a client sent bounds the depth first and then asks for a stack that holds it. Costs a
 * mapping (some ten microseconds), so one does it for what is deep, not for every call.
 */
#pragma once

#include <stddef.h>

/* fn(arg) on a fresh stack of `size` bytes with a guard page; returns when it does. fn must not suspend. */
void deep_call(size_t size, void (*fn)(void *), void *arg);
