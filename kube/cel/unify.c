/* When one type may stand for another, and what type variables become on the way. */
#include "kube/cel/cel_priv.h"

/* ---- bindings --------------------------------------------------------------------------------- */

static size_t number_of(const struct cel_type *param)
{
    return container_of(param, const struct type_var, type)->number;
}

const struct cel_type *cel_type_var_new(struct bindings *b)
{
    struct type_var *v = arena_alloc(b->arena, sizeof(*v));

    v->number = b->n;
    v->type = (struct cel_type){ .kind = CEL_TYPE_PARAM, .name = arena_printf(b->arena, "_var%zu", b->n) };
    *arena_push(b->arena, b) = NULL;
    return &v->type;
}

static const struct cel_type *bound(const struct bindings *b, const struct cel_type *param)
{
    return b->v[number_of(param)];
}

static void bind(struct bindings *b, const struct cel_type *param, const struct cel_type *type)
{
    size_t number = number_of(param);

    *arena_push(b->arena, &b->trail) = (struct undo){ number, b->v[number] };
    b->v[number] = type;
}

static void undo_to(struct bindings *b, size_t mark)
{
    while (b->trail.n > mark) {
        const struct undo *u = &b->trail.v[--b->trail.n];
        b->v[u->number] = u->was;
    }
}

static bool spend(struct bindings *b)
{
    return b->work && --b->work;
}

/* ---- substitution ----------------------------------------------------------------------------- */

const struct cel_type *cel_substitute(struct bindings *b, const struct cel_type *t, bool free_to_dyn)
{
    const struct cel_type *params[8];
    bool changed = false;

    while (t->kind == CEL_TYPE_PARAM && bound(b, t))
        t = bound(b, t);
    if (t->kind == CEL_TYPE_PARAM)
        return free_to_dyn ? &cel_type_dyn : t;
    if (!t->n_params || t->n_params > ARRAY_SIZE(params) || !spend(b))
        return t;
    for (size_t i = 0; i < t->n_params; i++) {
        params[i] = cel_substitute(b, t->params[i], free_to_dyn);
        changed |= params[i] != t->params[i];
    }
    return changed ? cel_type_with_params(b->arena, t, params) : t;
}

/* ---- agreement -------------------------------------------------------------------------------- */

static bool is_dyn(const struct cel_type *t)
{
    return t->kind == CEL_TYPE_DYN;
}

static bool is_dyn_or_error(const struct cel_type *t)
{
    return is_dyn(t) || t->kind == CEL_TYPE_ERROR;
}

static bool same(struct bindings *b, const struct cel_type *x, const struct cel_type *y)
{
    return x == y || (spend(b) && cel_type_same(x, y));
}

/* x says no more than y: it has dyn, or a variable, where y has something. */
static bool equal_or_less_specific(const struct cel_type *x, const struct cel_type *y)
{
    if (is_dyn(x) || x->kind == CEL_TYPE_PARAM)
        return true;
    if (is_dyn(y) || y->kind == CEL_TYPE_PARAM || x->kind != y->kind)
        return false;
    switch (x->kind) {
    case CEL_TYPE_TYPE:
        return true;
    case CEL_TYPE_OPAQUE:
    case CEL_TYPE_LIST:
    case CEL_TYPE_MAP:
        if (x->n_params != y->n_params || !streq(cel_type_name(x), cel_type_name(y)))
            return false;
        for (size_t i = 0; i < x->n_params; i++)
            if (!equal_or_less_specific(x->params[i], y->params[i]))
                return false;
        return true;
    default:
        return cel_type_same(x, y);
    }
}

const struct cel_type *cel_most_general(const struct cel_type *a, const struct cel_type *b)
{
    return equal_or_less_specific(a, b) ? a : b;
}

/* The variable does not occur in the type, not even through what others stand for. */
static bool absent(struct bindings *b, const struct cel_type *var, const struct cel_type *within)
{
    while (within->kind == CEL_TYPE_PARAM) {
        if (within == var)
            return false;
        within = bound(b, within);
        if (!within)
            return true;
    }
    if (!spend(b))
        return false;
    for (size_t i = 0; i < within->n_params; i++)
        if (!absent(b, var, within->params[i]))
            return false;
    return true;
}

static bool agree(struct bindings *b, const struct cel_type *from, const struct cel_type *to);

/* May `var` stand for `t`? *ret_bound: it stands for something already. */
static bool may_stand_for(struct bindings *b, const struct cel_type *t, const struct cel_type *var, bool *ret_bound)
{
    const struct cel_type *now = bound(b, var);

    *ret_bound = true;
    if (t->kind == CEL_TYPE_PARAM && same(b, t, var))
        return true;
    if (now) {
        if (t->kind == now->kind && same(b, t, now))
            return true;
        if (!agree(b, t, now))
            return false;
        now = cel_most_general(t, now);
        if (absent(b, var, now))
            bind(b, var, now);
        return true;
    }
    *ret_bound = false;
    if (!absent(b, var, t))
        return false;
    bind(b, var, t);
    return true;
}

static bool nullable(const struct cel_type *t)
{
    switch (t->kind) {
    case CEL_TYPE_NULL: case CEL_TYPE_OPAQUE: case CEL_TYPE_OBJECT: case CEL_TYPE_DURATION: case CEL_TYPE_TIMESTAMP:
    case CEL_TYPE_WRAPPER:
        return true;
    default:
        return false;
    }
}

static bool agree_in_params(struct bindings *b, const struct cel_type *from, const struct cel_type *to)
{
    for (size_t i = 0; i < from->n_params; i++)
        if (!agree(b, from->params[i], to->params[i]))
            return false;
    return true;
}

static bool agree(struct bindings *b, const struct cel_type *from, const struct cel_type *to)
{
    bool is_bound;

    if (!spend(b))
        return false;
    if (to->kind == CEL_TYPE_PARAM) {
        if (may_stand_for(b, from, to, &is_bound))
            return true;
        if (is_bound)
            return false;
    }
    if (from->kind == CEL_TYPE_PARAM)
        return may_stand_for(b, to, from, &is_bound);
    if (is_dyn_or_error(from) || is_dyn_or_error(to))
        return true;
    if (from->kind == CEL_TYPE_NULL)
        return nullable(to);
    if (to->kind == CEL_TYPE_NULL)
        return nullable(from);
    if (to->kind == CEL_TYPE_WRAPPER)
        return agree(b, from->kind == CEL_TYPE_WRAPPER ? from->params[0] : from, to->params[0]);
    if (from->kind == CEL_TYPE_WRAPPER)
        return agree(b, from->params[0], to);
    switch (from->kind) {
    case CEL_TYPE_TYPE:
        return to->kind == CEL_TYPE_TYPE;
    case CEL_TYPE_OPAQUE:
    case CEL_TYPE_LIST:
    case CEL_TYPE_MAP:
        return from->kind == to->kind && from->n_params == to->n_params &&
               streq(cel_type_name(from), cel_type_name(to)) && agree_in_params(b, from, to);
    default:
        return from->kind == to->kind && streq(cel_type_name(from), cel_type_name(to));
    }
}

bool cel_assignable(struct bindings *b, const struct cel_type *from, const struct cel_type *to)
{
    return cel_all_assignable(b, &from, &to, 1);
}

bool cel_all_assignable(struct bindings *b, const struct cel_type *const *from, const struct cel_type *const *to, size_t n)
{
    size_t mark = b->trail.n;

    for (size_t i = 0; i < n; i++)
        if (!agree(b, from[i], to[i])) {
            undo_to(b, mark);
            return false;
        }
    return true;
}
