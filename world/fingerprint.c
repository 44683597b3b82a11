/* A number for where all tasks and timers stand. Addresses, and the way here, are not in it. */
#include "world/world_priv.h"

static uint64_t hash_number(uint64_t hash, uint64_t n)
{
    return hash64(hash, &n, sizeof(n));
}

/* How many stand before it in the queue it waits in; runnable: in the run queue. */
static uint64_t rank_of(const struct co *co)
{
    uint64_t rank = 0;

    if (co->state == CO_READY)
        for (const struct co *c = co->ready_prev; c; c = c->ready_prev)
            rank++;
    else
        for (const struct co *c = co->wait_prev; c; c = c->wait_prev)
            rank++;
    return rank;
}

static uint64_t hash_task(uint64_t hash, const struct co *co, struct instant now)
{
    hash = hash64(hash, co->name, strlen(co->name) + 1);
    hash = hash_number(hash, co->state);
    hash = hash_number(hash, co->input_hash);
    hash = hash_number(hash, rank_of(co));
    hash = hash_number(hash, (uint64_t)(co->state == CO_READY ? co->wake_reason : 0));
    return hash_number(hash, co->timer.slot ? (uint64_t)instant_sub(co->timer.when, now) : UINT64_MAX);
}

/* The other timers carry no name: their times to go are summed up, whatever the order of the heap. */
static uint64_t hash_timers(const struct world *w, struct instant now)
{
    uint64_t sum = w->timers.n;

    for (size_t i = 0; i < w->timers.n; i++)
        sum += hash_number(HASH64_INIT, (uint64_t)instant_sub(w->timers.v[i]->when, now));
    return sum;
}

uint64_t world_fingerprint(const struct world *w)
{
    struct instant now = world_now(w);
    uint64_t hash = hash_number(HASH64_INIT, hash_timers(w, now));

    for (const struct proc *p = w->procs; p; p = p->next) {
        hash = hash64(hash, p->name, strlen(p->name) + 1);
        hash = hash_number(hash, p->dead);
        hash = hash_number(hash, p->n_cos);
        for (const struct co *co = p->cos; co; co = co->proc_next)
            hash = hash_task(hash, co, now);
    }
    return hash;
}
