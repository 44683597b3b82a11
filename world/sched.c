/* The scheduler: what runs next, and how time passes. */
#include "world/world_priv.h"

struct world *world_new(const struct world_options *o)
{
    struct world *w = xcalloc(1, sizeof(*w));

    w->options = *o;
    if (o->mode == WORLD_REAL && o->seed == 0)
        w->options.seed = loop_random();         /* uids of two processes must not meet */
    w->trace_hash = HASH64_INIT;
    w->now = o->mode == WORLD_SIM ? SIM_EPOCH : loop_wall_clock();
    prng_seed(&w->chance, w->options.seed);
    prng_seed(&w->identity, ~w->options.seed);
    return w;
}

struct world *world_free(struct world *w)
{
    if (!w)
        return NULL;
    assert(w->n_procs == 0);
    assert(!w->running);
    stacks_free(w);
    while (w->n_arena_pool)
        arena_free(w->arena_pool[--w->n_arena_pool]);
    loop_free(w->loop);
    buf_release(&w->trace);
    dyn_release(&w->choices);
    dyn_release(&w->timers);
    free(w);
    return NULL;
}

bool world_is_sim(const struct world *w)
{
    return w->options.mode == WORLD_SIM;
}

uint64_t world_seed(const struct world *w)
{
    return w->options.seed;
}

struct instant world_now(const struct world *w)
{
    if (w->options.mode == WORLD_SIM || w->options.virtual_time)
        return w->now;
    return loop_wall_clock();
}

void world_advance(struct world *w, duration d)
{
    if (d > 0)
        w->now = instant_add(w->now, d);
}

uint64_t world_steps(const struct world *w)
{
    return w->steps;
}

struct loop *world_loop(struct world *w)
{
    if (!w->loop)
        w->loop = loop_new();
    return w->loop;
}

void world_external_begin(struct world *w)
{
    w->external++;
}

void world_external_end(struct world *w)
{
    assert(w->external > 0);
    w->external--;
}

bool world_runnable(const struct world *w)
{
    struct timer *first = timers_first(w);

    return w->kill_queue || w->n_ready || (first && first->when.ns <= world_now(w).ns);
}

/* ---- one step ---------------------------------------------------------------------------------- */

static size_t count_due(const struct world *w, struct instant now, size_t at)
{
    if (at >= w->timers.n || w->timers.v[at]->when.ns > now.ns)
        return 0;
    return 1 + count_due(w, now, 2 * at + 1) + count_due(w, now, 2 * at + 2);
}

/* The n-th due timer in the order (when, seq). There are few: look for the next bigger each time. */
static struct timer *nth_due(const struct world *w, size_t n)
{
    struct timer *best = timers_first(w);

    for (; n > 0; n--) {
        struct timer *next = NULL;
        for (size_t i = 0; i < w->timers.n; i++) {
            struct timer *t = w->timers.v[i];
            bool after = t->when.ns != best->when.ns ? t->when.ns > best->when.ns : t->seq > best->seq;
            bool before = !next || (t->when.ns != next->when.ns ? t->when.ns < next->when.ns
                                                                 : t->seq < next->seq);
            if (after && before)
                next = t;
        }
        best = next;
    }
    return best;
}

static void run_candidate(struct world *w, uint32_t taken)
{
    struct co *co = w->ready_head;

    w->steps++;
    if (taken >= w->n_ready) {
        timer_fire(w, nth_due(w, taken - w->n_ready));
        return;
    }
    while (taken--)
        co = co->ready_next;
    co_run(w, co);
}

static bool sim_step(struct world *w, struct instant limit)
{
    size_t n = w->n_ready + count_due(w, w->now, 0);

    if (n == 0 && w->external > 0) {
        loop_wait(world_loop(w), -1);
        return true;
    }
    if (n == 0) {
        struct timer *next = timers_first(w);
        if (!next || next->when.ns > limit.ns)
            return false;
        w->now = next->when;
        n = count_due(w, w->now, 0);
    }
    run_candidate(w, choose(w, CHOICE_RUN, (uint32_t)n, "run"));
    return true;
}

static bool real_step(struct world *w)
{
    struct timer *first = timers_first(w);

    if (first && first->when.ns <= world_now(w).ns) {
        w->steps++;
        timer_fire(w, first);
        return true;
    }
    if (!w->n_ready)
        return false;
    run_candidate(w, 0);
    return true;
}

bool world_step(struct world *w, struct instant limit)
{
    bool more = true;

    if (w->kill_queue)
        proc_finish_kills(w);
    else
        more = w->options.mode == WORLD_SIM ? sim_step(w, limit) : real_step(w);
    proc_finish_kills(w);
    return more;
}

/* ---- running for real -------------------------------------------------------------------------- */

static duration until_next_timer(const struct world *w)
{
    struct timer *first = timers_first(w);

    if (w->n_ready || w->kill_queue)
        return 0;
    if (!first || w->options.virtual_time)
        return first && first->when.ns <= w->now.ns ? 0 : -1;
    duration d = instant_sub(first->when, world_now(w));
    return d > 0 ? d : 0;
}

void world_run(struct world *w)
{
    w->stop = false;
    while (!w->stop) {
        /* What is ready now; what becomes ready meanwhile comes after the sockets had their turn. */
        for (size_t n = w->n_ready + count_due(w, world_now(w), 0); n > 0 && !w->stop; n--)
            if (!world_step(w, INSTANT_NEVER))
                break;
        if (!w->stop)
            loop_wait(world_loop(w), until_next_timer(w));
        proc_finish_kills(w);
    }
}

void world_stop(struct world *w)
{
    w->stop = true;
}
