/* Processes, tasks and where they wait. Tasks are coroutines: one runs at a time, until it suspends. */
#include "world/annotate.h"
#include "world/switch.h"
#include "world/world_priv.h"

/* ---- switching --------------------------------------------------------------------------------- */

/* On the task's stack: back to the scheduler. A dying task keeps no fake stack. */
static void leave(struct co *co, bool dying)
{
    struct world *w = co->proc->world;
    void *fake = NULL;

    tsan_switch(w->tsan_scheduler);
    FIBER_START(dying ? NULL : &fake, w->scheduler_stack, w->scheduler_stack_size);
    co_switch(&co->sp, w->scheduler_sp);
    FIBER_FINISH(fake, &w->scheduler_stack, &w->scheduler_stack_size);
}

static void body(void *arg)
{
    struct co *co = arg;
    struct world *w = co->proc->world;

    FIBER_FINISH(NULL, &w->scheduler_stack, &w->scheduler_stack_size);
    co->fn(co, co->arg);
    co->state = CO_DONE;
    leave(co, true);
}

static void co_bury(struct co *co)
{
    struct proc *p = co->proc;

    timer_cancel(&co->timer);
    if (co->proc_prev)
        co->proc_prev->proc_next = co->proc_next;
    else
        p->cos = co->proc_next;
    if (co->proc_next)
        co->proc_next->proc_prev = co->proc_prev;
    p->n_cos--;
    tsan_fiber_free(co->tsan_fiber);
    pool_give_stack(p->world->pool, co->stack);
    pool_give_arena(p->world->pool, co->arena);
    free(co->name);
    free(co);
}

static void unready(struct co *co)
{
    struct world *w = co->proc->world;

    if (co->ready_prev)
        co->ready_prev->ready_next = co->ready_next;
    else
        w->ready_head = co->ready_next;
    if (co->ready_next)
        co->ready_next->ready_prev = co->ready_prev;
    else
        w->ready_tail = co->ready_prev;
    co->ready_prev = co->ready_next = NULL;
    w->n_ready--;
}

void co_make_ready(struct co *co)
{
    struct world *w = co->proc->world;

    co->state = CO_READY;
    co->ready_prev = w->ready_tail;
    co->ready_next = NULL;
    if (w->ready_tail)
        w->ready_tail->ready_next = co;
    else
        w->ready_head = co;
    w->ready_tail = co;
    w->n_ready++;
}

void co_run(struct world *w, struct co *co)
{
    void *fake = NULL;

    assert(!w->running);
    assert(co->state == CO_READY);
    unready(co);
    co->state = CO_RUNNING;
    w->running = co;
    w->tsan_scheduler = tsan_current();
    tsan_switch(co->tsan_fiber);
    FIBER_START(&fake, co->stack->base, co->stack->size);
    co_switch(&w->scheduler_sp, co->sp);
    FIBER_FINISH(fake, NULL, NULL);
    w->running = NULL;
    if (co->state == CO_DONE)
        co_bury(co);
}

/* ---- processes --------------------------------------------------------------------------------- */

struct proc *proc_new(struct world *w, const char *name)
{
    struct proc *p = xcalloc(1, sizeof(*p));

    *p = (struct proc){ .world = w, .name = xstrdup(name), .prev = w->last_proc };
    if (w->last_proc)
        w->last_proc->next = p;
    else
        w->procs = p;
    w->last_proc = p;
    return p;
}

const char *proc_name(const struct proc *p)
{
    return p->name;
}

struct world *proc_world(const struct proc *p)
{
    return p->world;
}

bool proc_dead(const struct proc *p)
{
    return p->dead;
}

size_t proc_tasks(const struct proc *p)
{
    return p->n_cos;
}

static void waitq_remove(struct co *co);

/* Resumes every task with -ERR_CANCELLED until it has returned. Each wait of a cancelled task returns
 * at once, so one resumption is enough for a task that keeps the rules. */
static void finish_kill(struct proc *p)
{
    while (p->cos) {
        struct co *co = p->cos;
        if (co->state == CO_WAITING) {
            waitq_remove(co);
            timer_cancel(&co->timer);
            co->wake_reason = -ERR_CANCELLED;
            co_make_ready(co);
        }
        co_run(p->world, co);
    }
}

/* What unwinds may kill another process, or start one more task in this one: both are seen to here. */
void proc_finish_kills(struct world *w)
{
    w->killing = true;
    while (w->kill_queue) {
        struct proc *p = w->kill_queue;
        finish_kill(p);
        w->kill_queue = p->kill_next;
        p->kill_queued = false;
    }
    w->killing = false;
}

static void kill_later(struct proc *p)
{
    struct proc **at = &p->world->kill_queue;

    if (p->kill_queued)
        return;
    while (*at)
        at = &(*at)->kill_next;
    *at = p;
    p->kill_next = NULL;
    p->kill_queued = true;
}

void proc_kill(struct proc *p)
{
    struct world *w = p->world;

    if (p->dead && !p->cos)
        return;
    p->dead = true;
    kill_later(p);
    /* A task cannot resume another: the scheduler does it as soon as this one suspends. */
    if (!w->running && !w->killing)
        proc_finish_kills(w);
}

struct proc *proc_free(struct proc *p)
{
    if (!p)
        return NULL;
    if (p->dead)
        proc_kill(p);                             /* a task born since has not run yet */
    assert(p->n_cos == 0);
    assert(!p->kill_queued);
    if (p->prev)
        p->prev->next = p->next;
    else
        p->world->procs = p->next;
    if (p->next)
        p->next->prev = p->prev;
    else
        p->world->last_proc = p->prev;
    free(p->name);
    free(p);
    return NULL;
}

/* ---- tasks ------------------------------------------------------------------------------------- */

struct co *co_spawn(struct proc *p, const char *name, co_fn *fn, void *arg)
{
    struct world *w = p->world;
    struct co *co = xcalloc(1, sizeof(*co));

    *co = (struct co){ .proc = p, .name = xstrdup(name), .fn = fn, .arg = arg,
                       .input_hash = HASH64_INIT, .stack = pool_stack(w->pool),
                       .arena = pool_arena(w->pool), .tsan_fiber = tsan_fiber_new() };
    co->sp = co_switch_prepare(co->stack->base, co->stack->size, body, co);
    co->proc_next = p->cos;
    if (p->cos)
        p->cos->proc_prev = co;
    p->cos = co;
    p->n_cos++;
    co_make_ready(co);
    if (p->dead)
        kill_later(p);                            /* born dead: it runs cancelled, and is gone */
    return co;
}

struct world *co_world(const struct co *co)
{
    return co->proc->world;
}

struct proc *co_proc(const struct co *co)
{
    return co->proc;
}

const char *co_name(const struct co *co)
{
    return co->name;
}

struct arena *co_arena(struct co *co)
{
    return co->arena;
}

char *co_printf(struct co *co, const char *fmt, ...)
{
    va_list args;
    char *text;

    va_start(args, fmt);
    text = arena_vprintf(co->arena, fmt, args);
    va_end(args);
    return text;
}

bool co_cancelled(const struct co *co)
{
    return co->proc->dead;
}

struct instant co_now(struct co *co)
{
    struct instant now = world_now(co->proc->world);

    co_input(co, &now.ns, sizeof(now.ns));
    return now;
}

void co_pass_begin(struct co *co)
{
    arena_reset(co->arena);
    co->input_hash = HASH64_INIT;
}

void co_input(struct co *co, const void *data, size_t len)
{
    co->input_hash = hash64(co->input_hash, data, len);
}

uint64_t co_input_hash(const struct co *co)
{
    return co->input_hash;
}

/* ---- waiting ----------------------------------------------------------------------------------- */

static void suspend(struct co *co)
{
    assert(co->proc->world->running == co);
    leave(co, false);
}

int co_yield(struct co *co)
{
    if (co_cancelled(co))
        return -ERR_CANCELLED;
    co_make_ready(co);
    suspend(co);
    return co_cancelled(co) ? -ERR_CANCELLED : 0;
}

static void waitq_remove(struct co *co)
{
    struct waitq *q = co->waiting_in;

    if (!q)
        return;
    if (co->wait_prev)
        co->wait_prev->wait_next = co->wait_next;
    else
        q->head = co->wait_next;
    if (co->wait_next)
        co->wait_next->wait_prev = co->wait_prev;
    else
        q->tail = co->wait_prev;
    co->wait_prev = co->wait_next = NULL;
    co->waiting_in = NULL;
}

static void wake(struct co *co, int reason)
{
    waitq_remove(co);
    timer_cancel(&co->timer);
    co->wake_reason = reason;
    co_make_ready(co);
}

static void wait_timed_out(void *arg)
{
    wake(arg, -ERR_TIMEOUT);
}

/* `q` NULL: nothing but the deadline (or the end) wakes it. */
static int wait_in(struct co *co, struct waitq *q, struct instant deadline)
{
    int reason;

    if (co_cancelled(co))
        return -ERR_CANCELLED;
    co->state = CO_WAITING;
    co->waiting_in = q;
    if (q) {
        co->wait_prev = q->tail;
        if (q->tail)
            q->tail->wait_next = co;
        else
            q->head = co;
        q->tail = co;
    }
    if (deadline.ns != INSTANT_NEVER.ns)
        timer_set(co->proc->world, &co->timer, deadline, wait_timed_out, co);
    suspend(co);
    reason = co->wake_reason;
    co->wake_reason = 0;
    if (co_cancelled(co))
        return -ERR_CANCELLED;
    co_input(co, &reason, sizeof(reason));
    return reason;
}

int waitq_wait(struct co *co, struct waitq *q)
{
    return wait_in(co, q, INSTANT_NEVER);
}

int waitq_wait_until(struct co *co, struct waitq *q, struct instant deadline)
{
    return wait_in(co, q, deadline);
}

void waitq_wake_one(struct waitq *q)
{
    if (q->head)
        wake(q->head, 0);
}

void waitq_wake_all(struct waitq *q)
{
    while (q->head)
        wake(q->head, 0);
}

int co_sleep_until(struct co *co, struct instant t)
{
    int r = wait_in(co, NULL, t);

    return r == -ERR_TIMEOUT ? 0 : r;
}

int co_sleep(struct co *co, duration d)
{
    return co_sleep_until(co, instant_add(world_now(co->proc->world), d > 0 ? d : 0));
}
