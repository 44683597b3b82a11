#include <stdio.h>

#include "world/world_priv.h"

/* A choice that a task makes is something it was told. */
static void told(struct world *w, uint64_t value)
{
    if (w->running)
        co_input(w->running, &value, sizeof(value));
}

/* What a simulated world takes where no replay says it: weight num/den for anything but 0. */
static uint32_t draw(struct world *w, uint32_t n, uint32_t num, uint32_t den)
{
    if (den) {
        bool fault = prng_next(&w->chance) % den < num;
        if (!fault)
            return 0;
        return n == 2 ? 1 : 1 + (uint32_t)(prng_next(&w->chance) % (n - 1));
    }
    return (uint32_t)(prng_next(&w->chance) % n);
}

static uint32_t decide(struct world *w, enum choice_kind kind, uint32_t n, uint32_t num, uint32_t den,
                       const char *what)
{
    size_t at = w->choices.n;

    if (at < w->options.n_replay)
        return w->options.replay[at] % n;        /* a shrunk list may name more than there is */
    if (w->options.chooser)
        return w->options.chooser(w->options.chooser_arg, w, kind, n, what) % n;
    return w->options.replay_then_default ? 0 : draw(w, n, num, den);
}

static uint32_t choose_weighted(struct world *w, enum choice_kind kind, uint32_t n, uint32_t num,
                                uint32_t den, const char *what)
{
    uint32_t taken;

    assert(n > 0);
    if (n == 1)
        return 0;
    if (w->options.mode == WORLD_REAL)
        return kind == CHOICE_PICK ? (uint32_t)(prng_next(&w->chance) % n) : 0;
    taken = decide(w, kind, n, num, den, what);
    told(w, taken);
    *dyn_push(&w->choices) = (struct choice){ .taken = taken, .n = n, .kind = kind, .what = what };
    return taken;
}

uint32_t choose(struct world *w, enum choice_kind kind, uint32_t n, const char *what)
{
    return choose_weighted(w, kind, n, 0, 0, what);
}

bool choose_fault(struct world *w, uint32_t num, uint32_t den, const char *what)
{
    return num > 0 && choose_weighted(w, CHOICE_FAULT, 2, num, den, what) == 1;
}

const struct choice *world_choices(const struct world *w, size_t *ret_n)
{
    *ret_n = w->choices.n;
    return w->choices.v;
}

uint64_t world_identity(struct world *w)
{
    uint64_t id = prng_next(&w->identity);

    told(w, id);
    return id;
}

void world_uuid(struct world *w, char ret[37])
{
    uint64_t a = world_identity(w), b = world_identity(w);

    snprintf(ret, 37, "%08x-%04x-4%03x-%04x-%012llx", (uint32_t)(a >> 32), (uint32_t)(a >> 16) & 0xffff,
             (uint32_t)a & 0xfff, 0x8000 | ((uint32_t)(b >> 48) & 0x3fff),
             (unsigned long long)(b & UINT64_C(0xffffffffffff)));
}
