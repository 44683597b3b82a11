/* sets.contains, sets.equivalent, sets.intersects: lists looked at as sets. */
#include "kube/cel/cel_priv.h"

static struct cel_value has(struct cel_run *run, const struct cel_list *l, struct cel_value v)
{
    for (size_t i = 0; i < l->n; i++) {
        struct cel_value eq = cel_equal(run, v, cel_list_get(run, l, i));
        if (cel_is_true(eq) || run->ended)
            return eq;
    }
    return cel_bool(false);
}

static struct cel_value contains_all(struct cel_run *run, const struct cel_list *l, const struct cel_list *sub)
{
    for (size_t i = 0; i < sub->n; i++) {
        struct cel_value found = has(run, l, cel_list_get(run, sub, i));
        if (!cel_is_true(found))
            return found;
    }
    return cel_bool(true);
}

static struct cel_value contains(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return contains_all(run, args[0].list, args[1].list);
}

static struct cel_value equivalent(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value there = contains_all(run, args[0].list, args[1].list);

    return cel_is_true(there) ? contains_all(run, args[1].list, args[0].list) : there;
}

static struct cel_value intersects(struct cel_run *run, const struct cel_value *args, size_t n)
{
    for (size_t i = 0; i < args[0].list->n; i++) {
        struct cel_value found = has(run, args[1].list, cel_list_get(run, args[0].list, i));
        if (cel_is_true(found) || run->ended)
            return found;
    }
    return cel_bool(false);
}

/* ---- costs: every element with every other, once or twice -------------------------------------- */

static bool estimate(const struct cel_estimator *e, const struct cel_call *call, double factor,
                     struct cel_call_estimate *ret)
{
    struct cel_range pairs;

    if (call->n_args != 2)
        return false;
    pairs = cel_range_multiply(cel_node_size(e, &call->args[0]), cel_node_size(e, &call->args[1]));
    *ret = (struct cel_call_estimate){ .cost = cel_range_add(cel_range_factor(pairs, factor), cel_range_fixed(1)) };
    return true;
}

static bool estimate_once(const struct cel_estimator *e, const struct cel_call *call, struct cel_call_estimate *ret)
{
    return estimate(e, call, 1, ret);
}

static bool estimate_twice(const struct cel_estimator *e, const struct cel_call *call, struct cel_call_estimate *ret)
{
    return estimate(e, call, 2, ret);
}

static uint64_t actual_once(const struct cel_value *args, size_t n, struct cel_value result)
{
    return 1 + cel_size(args[0]) * cel_size(args[1]);
}

static uint64_t actual_twice(const struct cel_value *args, size_t n, struct cel_value result)
{
    return 1 + 2 * cel_size(args[0]) * cel_size(args[1]);
}

static const struct cel_overload rows[] = {
    { "sets.contains", "list_sets_contains_list", "(list(T), list(T)) bool", contains, estimate_once, actual_once },
    { "sets.equivalent", "list_sets_equivalent_list", "(list(T), list(T)) bool", equivalent, estimate_twice, actual_twice },
    { "sets.intersects", "list_sets_intersects_list", "(list(T), list(T)) bool", intersects, estimate_once, actual_once },
};
const struct overloads lib_sets = { rows, ARRAY_SIZE(rows), false };
