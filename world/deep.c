#include "world/deep.h"

#include "world/annotate.h"
#include "world/switch.h"
#include "world/world_priv.h"

struct deep {
    void (*fn)(void *);
    void *arg;
    void *caller_sp, *sp;
    const void *caller_stack;
    size_t caller_size;
    void *tsan_caller, *tsan_fiber;
};

static void body(void *arg)
{
    struct deep *d = arg;

    FIBER_FINISH(NULL, &d->caller_stack, &d->caller_size);
    d->fn(d->arg);
    tsan_switch(d->tsan_caller);
    FIBER_START(NULL, d->caller_stack, d->caller_size);
    co_switch(&d->sp, d->caller_sp);
}

void deep_call(size_t size, void (*fn)(void *), void *arg)
{
    struct stack *s = stack_new(size);
    struct deep d = { .fn = fn, .arg = arg, .tsan_caller = tsan_current(), .tsan_fiber = tsan_fiber_new() };
    void *fake = NULL;

    d.sp = co_switch_prepare(s->base, s->size, body, &d);
    tsan_switch(d.tsan_fiber);
    FIBER_START(&fake, s->base, s->size);
    co_switch(&d.caller_sp, d.sp);
    FIBER_FINISH(fake, NULL, NULL);
    tsan_fiber_free(d.tsan_fiber);
    MEMORY_USABLE(s->base, s->size);
    stack_free(s);
}
