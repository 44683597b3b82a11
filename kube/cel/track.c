/* What an evaluation costs, counted as cel-go counts: each step leaves its value under its number on a stack, and a
 * call is priced by what it finds there. The stack's habits show in the costs, so they are kept: what is not taken
 * stays, and taking a value takes all above it. */
#include <math.h>

#include "kube/cel/cel_priv.h"

struct pushed {
    struct cel_value v;
    int64_t id;
    uint32_t before;                             /* entry + 1 of the same id below; 0: none */
};

struct tracker {
    struct arena *arena;
    uint64_t cost, limit;
    cel_actual_hook *hook;
    uint32_t *top;                               /* by id: entry + 1 */
    ARENA_LIST(struct pushed);
};

struct tracker *cel_tracker_new(struct arena *a, int64_t max_id, uint64_t limit, cel_actual_hook *hook)
{
    struct tracker *t = arena_alloc(a, sizeof(*t));

    t->arena = a;
    t->limit = limit;
    t->hook = hook;
    t->top = arena_alloc(a, (size_t)(max_id + 1) * sizeof(*t->top));
    return t;
}

uint64_t cel_tracker_cost(const struct tracker *t)
{
    return t->cost;
}

/* ---- the stack -------------------------------------------------------------------------------- */

static void cut(struct tracker *t, size_t n)
{
    while (t->n > n) {
        const struct pushed *p = &t->v[--t->n];
        t->top[p->id] = p->before;
    }
}

void cel_track_value(struct cel_run *run, int64_t id, struct cel_value v, uint64_t cost)
{
    struct tracker *t = run->tracker;

    if (!t)
        return;
    *arena_push(t->arena, t) = (struct pushed){ v, id, t->top[id] };
    t->top[id] = (uint32_t)t->n;
    t->cost += cost;
    if (t->cost > t->limit)
        run->ended = true;
}

void cel_track_drop(struct cel_run *run, int64_t id)
{
    struct tracker *t = run->tracker;

    if (t && t->top[id])
        cut(t, t->top[id] - 1);
}

bool cel_track_take(struct cel_run *run, const int64_t *ids, size_t n, struct cel_value *ret)
{
    struct tracker *t = run->tracker;

    while (n--) {
        uint32_t at = t->top[ids[n]];
        if (!at)
            return false;
        ret[n] = t->v[at - 1].v;
        cut(t, at - 1);
    }
    return true;
}

/* ---- what a call costs ------------------------------------------------------------------------- */

enum price { PRICE_ONE, PRICE_FIRST, PRICE_SECOND_WHOLE, PRICE_SMALLER, PRICE_SUM, PRICE_REGEX, PRICE_PRODUCT };

static const struct { const char *overload; enum price price; } prices[] = {
    { "starts_with_string", PRICE_FIRST },
    { "ends_with_string", PRICE_FIRST },
    { "string_to_bytes", PRICE_FIRST },
    { "bytes_to_string", PRICE_FIRST },
    { "strings_quote", PRICE_FIRST },
    { "string_format", PRICE_FIRST },
    { "in_list", PRICE_SECOND_WHOLE },
    { "less_string", PRICE_SMALLER },
    { "less_equals_string", PRICE_SMALLER },
    { "greater_string", PRICE_SMALLER },
    { "greater_equals_string", PRICE_SMALLER },
    { "less_bytes", PRICE_SMALLER },
    { "less_equals_bytes", PRICE_SMALLER },
    { "greater_bytes", PRICE_SMALLER },
    { "greater_equals_bytes", PRICE_SMALLER },
    { "equals", PRICE_SMALLER },
    { "not_equals", PRICE_SMALLER },
    { "add_string", PRICE_SUM },
    { "add_bytes", PRICE_SUM },
    { "matches_string", PRICE_REGEX },
    { "contains_string", PRICE_PRODUCT },
};

static uint64_t tenth(double size)
{
    return (uint64_t)ceil(size * CEL_STRING_COST_FACTOR);
}

static uint64_t priced(enum price price, const struct cel_value *args)
{
    double first = (double)cel_size(args[0]), second = price > PRICE_FIRST ? (double)cel_size(args[1]) : 0;

    switch (price) {
    case PRICE_FIRST: return tenth(first);
    case PRICE_SECOND_WHOLE: return (uint64_t)second;
    case PRICE_SMALLER: return tenth(first < second ? first : second);
    case PRICE_SUM: return tenth(first + second);
    case PRICE_REGEX: return tenth(1 + first) * (uint64_t)ceil(second * CEL_REGEX_COST_FACTOR);
    case PRICE_PRODUCT: return tenth(first) * tenth(second);
    default: return 1;
    }
}

uint64_t cel_track_call_cost(const struct cel_run *run, const char *function, const struct cel_signature *s,
                         const struct cel_value *args, size_t n, struct cel_value result)
{
    const char *overload = s ? s->row->id : "";
    uint64_t cost;

    if (s && s->row->actual)
        return s->row->actual(args, n, result);
    if (run->tracker->hook && run->tracker->hook(function, overload, args, n, result, &cost))
        return cost;
    for (size_t i = 0; i < ARRAY_SIZE(prices); i++)
        if (streq(prices[i].overload, overload))
            return priced(prices[i].price, args);
    return 1;
}
