/* The scheduler: what runs next, and how time passes. */
#include "world/world_priv.h"

struct world *world_new(const struct world_options *o)
{
    struct world *w = xcalloc(1, sizeof(*w));

    w->options = *o;
    if (o->mode == WORLD_REAL && o->seed == 0)
        w->options.seed = loop_random();         /* uids of two processes must not meet */
    w->trace_hash = HASH64_INIT;
    w->now = SIM_EPOCH;
    if (o->mode == WORLD_REAL) {
        w->now = loop_wall_clock();
        w->wall_offset = w->now.ns - loop_monotonic();
    }
    if (!o->pool)
        w->own_pool = world_pool_new();
    w->pool = o->pool ? o->pool : w->own_pool;
    prng_seed(&w->chance, w->options.seed);
    prng_seed(&w->identity, ~w->options.seed);
    return w;
}

struct world *world_free(struct world *w)
{
    if (!w)
        return NULL;
    assert(!w->procs);
    assert(!w->running);
    world_pool_free(w->own_pool);
    loop_free(w->loop);
    buf_release(&w->trace);
    buf_release(&w->line);
    dyn_release(&w->choices);
    dyn_release(&w->timers);
    dyn_release(&w->due);
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
    /* A wall clock that nobody sets back while the world runs. */
    return (struct instant){ loop_monotonic() + w->wall_offset };
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

void world_advance(struct world *w, duration d)
{
    if (d <= 0)
        return;
    w->now = instant_add(w->now, d);
    w->n_due = count_due(w, w->now, 0);
}

static void collect_due(struct world *w, size_t at)
{
    if (at >= w->timers.n || w->timers.v[at]->when.ns > w->now.ns)
        return;
    *dyn_push(&w->due) = w->timers.v[at];
    collect_due(w, 2 * at + 1);
    collect_due(w, 2 * at + 2);
}

/* Moves what is earlier than a pivot before it; the place of the pivot. */
static size_t partition(struct timer **v, size_t n)
{
    struct timer *pivot = v[n / 2];
    size_t place = 0;

    v[n / 2] = v[n - 1];
    for (size_t i = 0; i + 1 < n; i++) {
        if (!timer_earlier(v[i], pivot))
            continue;
        struct timer *t = v[place];
        v[place++] = v[i];
        v[i] = t;
    }
    v[n - 1] = v[place];
    v[place] = pivot;
    return place;
}

/* The n-th due timer in the order (when, seq). */
static struct timer *nth_due(struct world *w, size_t n)
{
    struct timer **v;
    size_t left, place;

    if (n == 0)
        return timers_first(w);
    w->due.n = 0;
    collect_due(w, 0);
    v = w->due.v;
    left = w->due.n;
    while ((place = partition(v, left)) != n) {
        if (place > n) {
            left = place;
            continue;
        }
        v += place + 1;
        left -= place + 1;
        n -= place + 1;
    }
    return v[place];
}

const struct co *world_candidate(const struct world *w, uint32_t i)
{
    const struct co *co = w->ready_head;

    while (co && i--)
        co = co->ready_next;
    return co;
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

static void wait_outside(struct world *w);

static bool sim_step(struct world *w, struct instant limit)
{
    size_t n = w->n_ready + w->n_due;

    if (n == 0 && w->external > 0) {
        wait_outside(w);
        return true;
    }
    if (n == 0) {
        struct timer *next = timers_first(w);
        if (!next || next->when.ns > limit.ns)
            return false;
        w->now = next->when;
        w->n_due = n = count_due(w, w->now, 0);
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

/* How long nothing will happen here, unless the outside speaks. Negative: for ever. */
static duration idle_time(const struct world *w)
{
    struct timer *first = timers_first(w);
    duration d;

    if (w->n_ready || w->kill_queue || w->stop)
        return 0;
    if (!first)
        return -1;
    d = instant_sub(first->when, world_now(w));
    if (d <= 0)
        return 0;
    return w->options.mode == WORLD_SIM || w->options.virtual_time ? -1 : d;
}

/* The hooks first: what they wake may leave nothing to wait for. */
static void wait_outside(struct world *w)
{
    struct loop *l = world_loop(w);
    int hooks = loop_run_prepares(l);
    duration idle = idle_time(w);

    if (hooks >= 0 && (idle < 0 || DURATION_MS(hooks) < idle))
        idle = DURATION_MS(hooks);
    loop_wait(l, idle);
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
            wait_outside(w);
        proc_finish_kills(w);
    }
}

void world_stop(struct world *w)
{
    w->stop = true;
}
