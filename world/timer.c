/* Timers in a binary heap ordered by (when, seq): those due at one instant keep the order of setting. */
#include "world/world_priv.h"

bool timer_earlier(const struct timer *a, const struct timer *b)
{
    return a->when.ns != b->when.ns ? a->when.ns < b->when.ns : a->seq < b->seq;
}

static void place(struct world *w, size_t at, struct timer *t)
{
    w->timers.v[at] = t;
    t->slot = at + 1;
}

static void sift_up(struct world *w, size_t at)
{
    struct timer *t = w->timers.v[at];

    while (at > 0 && timer_earlier(t, w->timers.v[(at - 1) / 2])) {
        place(w, at, w->timers.v[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(w, at, t);
}

static void sift_down(struct world *w, size_t at)
{
    struct timer *t = w->timers.v[at];

    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= w->timers.n)
            break;
        if (child + 1 < w->timers.n && timer_earlier(w->timers.v[child + 1], w->timers.v[child]))
            child++;
        if (!timer_earlier(w->timers.v[child], t))
            break;
        place(w, at, w->timers.v[child]);
        at = child;
    }
    place(w, at, t);
}

void timer_cancel(struct timer *t)
{
    struct world *w = t->world;
    size_t at = t->slot;

    if (at == 0)
        return;
    t->slot = 0;
    w->n_due -= t->when.ns <= w->now.ns;
    struct timer *last = w->timers.v[--w->timers.n];
    if (last == t)
        return;
    place(w, at - 1, last);
    sift_up(w, at - 1);
    sift_down(w, last->slot - 1);
}

void timer_set(struct world *w, struct timer *t, struct instant when, void (*fire)(void *), void *arg)
{
    timer_cancel(t);
    *t = (struct timer){ .world = w, .when = when, .seq = ++w->timer_seq, .fire = fire, .arg = arg };
    *dyn_push(&w->timers) = t;
    t->slot = w->timers.n;
    w->n_due += when.ns <= w->now.ns;
    sift_up(w, w->timers.n - 1);
}

struct timer *timers_first(const struct world *w)
{
    return w->timers.n ? w->timers.v[0] : NULL;
}

void timer_fire(struct world *w, struct timer *t)
{
    timer_cancel(t);
    t->fire(t->arg);
}

struct instant world_next_timer(const struct world *w)
{
    return w->timers.n ? w->timers.v[0]->when : INSTANT_NEVER;
}
