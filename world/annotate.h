/* annotate.h — what the tools that watch memory and threads are told about stacks and switches.
 *
 * Nothing of it is in a plain build, except two words that valgrind reads.
 */
#pragma once

#include "world/world_priv.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED_BY_ASAN
#endif
#if __has_feature(thread_sanitizer)
#define WATCHED_BY_TSAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WATCHED_BY_ASAN
#endif
#if defined(__SANITIZE_THREAD__)
#define WATCHED_BY_TSAN
#endif

/* Before a switch and first thing after it; `save` NULL when the task dies. */
#if defined(WATCHED_BY_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#define FIBER_START(save, base, size) __sanitizer_start_switch_fiber(save, base, size)
#define FIBER_FINISH(save, base, size) __sanitizer_finish_switch_fiber(save, base, size)
/* A suspended stack is where live pointers are. */
#define STACK_IS_ROOT(s) __lsan_register_root_region((s)->base, (s)->size)
#define STACK_NO_ROOT(s) __lsan_unregister_root_region((s)->base, (s)->size)
#define MEMORY_USABLE(p, len) __asan_unpoison_memory_region(p, len)
#define MEMORY_DEAD(p, len) __asan_poison_memory_region(p, len)
#else
#define FIBER_START(save, base, size) ((void)(save), (void)(base), (void)(size))
#define FIBER_FINISH(save, base, size) ((void)(save), (void)(base), (void)(size))
#define STACK_IS_ROOT(s) ((void)(s))
#define STACK_NO_ROOT(s) ((void)(s))
#define MEMORY_USABLE(p, len) ((void)(p), (void)(len))
#define MEMORY_DEAD(p, len) ((void)(p), (void)(len))
#endif

#if defined(WATCHED_BY_TSAN)
#include <sanitizer/tsan_interface.h>
#define tsan_current() __tsan_get_current_fiber()
#define tsan_switch(fiber) __tsan_switch_to_fiber(fiber, 0)
#define tsan_fiber_new() __tsan_create_fiber(0)
#define tsan_fiber_free(fiber) __tsan_destroy_fiber(fiber)
#else
#define tsan_current() NULL
#define tsan_switch(fiber) ((void)(fiber))
#define tsan_fiber_new() NULL
#define tsan_fiber_free(fiber) ((void)(fiber))
#endif

#if defined(HAVE_VALGRIND)
#include <valgrind/valgrind.h>
#define STACK_KNOWN(s) ((s)->valgrind_id = VALGRIND_STACK_REGISTER((s)->base, (s)->base + (s)->size))
#define STACK_UNKNOWN(s) VALGRIND_STACK_DEREGISTER((s)->valgrind_id)
#else
#define STACK_KNOWN(s) ((void)(s))
#define STACK_UNKNOWN(s) ((void)(s))
#endif
