/* What an expression costs at most, before there are any data: cel-go's estimate, rule by rule. */
#include <math.h>

#include "kube/cel/cel_priv.h"
#include "world/deep.h"

/* ---- ranges ----------------------------------------------------------------------------------- */

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static uint64_t factor(uint64_t x, double f)
{
    double product = ceil((double)x * f);

    if (x > 0 && f > 0 && (double)x > 0x1p64 / f)
        return UINT64_MAX;
    return product >= 0x1p64 ? UINT64_MAX : (uint64_t)product;
}

struct cel_range cel_range_add(struct cel_range a, struct cel_range b)
{
    return (struct cel_range){ add(a.min, b.min), add(a.max, b.max) };
}

struct cel_range cel_range_multiply(struct cel_range a, struct cel_range b)
{
    return (struct cel_range){ multiply(a.min, b.min), multiply(a.max, b.max) };
}

struct cel_range cel_range_factor(struct cel_range a, double f)
{
    return (struct cel_range){ factor(a.min, f), factor(a.max, f) };
}

struct cel_range cel_range_union(struct cel_range a, struct cel_range b)
{
    return (struct cel_range){ a.min < b.min ? a.min : b.min, a.max > b.max ? a.max : b.max };
}

struct cel_range cel_node_size(const struct cel_estimator *e, const struct cel_node *node)
{
    struct cel_range size;

    if (node->size)
        return *node->size;
    if (e && e->size && e->size(e->arg, node, &size))
        return size;
    return CEL_RANGE_UNKNOWN;
}

/* ---- what is known of an expression -------------------------------------------------------------- */

struct path {
    const char *const *v;
    size_t n;
};

/* Of the keys and values of a list or map. */
struct entry_size {
    bool is_list;
    struct cel_range key, value;
};

struct known {
    struct path path;
    const struct cel_range *size;                /* NULL: not worked out */
    const struct entry_size *entries;            /* NULL: nothing is known */
};

struct local {
    struct local *outer;
    const char *name;
    struct known known;
};

struct estimation {
    struct arena *arena;
    const struct cel_estimator *estimator;
    struct known *known;                         /* by number of the expression */
    struct local *locals;                        /* variables of loops, the innermost first */
};

static struct cel_range cost(struct estimation *x, const struct cel_expr *e);

static struct known *known(struct estimation *x, const struct cel_expr *e)
{
    return &x->known[e->id];
}

static const struct local *local(const struct estimation *x, const struct cel_expr *e)
{
    if (e->kind == CEL_EXPR_IDENT)
        for (const struct local *l = x->locals; l; l = l->outer)
            if (streq(l->name, e->ident.name))
                return l;
    return NULL;
}

static struct path path_of(struct estimation *x, const struct cel_expr *e)
{
    const struct local *l = local(x, e);

    return l ? l->known.path : known(x, e)->path;
}

static struct path path_add(struct estimation *x, struct path p, const char *part)
{
    const char **v = arena_alloc(x->arena, (p.n + 1) * sizeof(*v));

    if (p.n)
        memcpy(v, p.v, p.n * sizeof(*v));
    v[p.n] = part;
    return (struct path){ v, p.n + 1 };
}

static const struct cel_range *keep(struct estimation *x, struct cel_range size)
{
    return arena_memdup(x->arena, &size, sizeof(size));
}

static bool is_scalar(const struct cel_type *t)
{
    switch (t->kind) {
    case CEL_TYPE_BOOL: case CEL_TYPE_DOUBLE: case CEL_TYPE_DURATION: case CEL_TYPE_INT: case CEL_TYPE_TIMESTAMP:
    case CEL_TYPE_UINT:
        return true;
    case CEL_TYPE_WRAPPER:
        return is_scalar(t->params[0]);
    default:
        return cel_type_is_optional(t) && is_scalar(t->params[0]);
    }
}

static const struct cel_range *literal_size(struct estimation *x, const struct cel_expr *e)
{
    switch (e->kind) {
    case CEL_EXPR_LITERAL: return keep(x, cel_range_fixed(cel_size(e->literal)));
    case CEL_EXPR_LIST: return keep(x, cel_range_fixed(e->list.n));
    case CEL_EXPR_MAP: return keep(x, cel_range_fixed(e->map.n));
    default: return NULL;
    }
}

/* NULL: nothing is known. */
static const struct cel_range *size_of(struct estimation *x, const struct cel_expr *e)
{
    struct path path = path_of(x, e);
    struct cel_node node = { .path = path.v, .n_path = path.n, .type = e->type, .expr = e };
    const struct cel_range *size;
    const struct local *l;
    struct cel_range asked;

    if (known(x, e)->size)
        return known(x, e)->size;
    size = literal_size(x, e);
    if (size)
        return size;
    if (x->estimator && x->estimator->size && x->estimator->size(x->estimator->arg, &node, &asked))
        return known(x, e)->size = keep(x, asked);
    if (is_scalar(e->type))
        return keep(x, cel_range_fixed(1));
    l = local(x, e);
    return l ? l->known.size : NULL;
}

static struct cel_range size_or_unknown(struct estimation *x, const struct cel_expr *e)
{
    const struct cel_range *size = size_of(x, e);

    return size ? *size : CEL_RANGE_UNKNOWN;
}

static const struct entry_size *entries_of(struct estimation *x, const struct cel_expr *e)
{
    const struct local *l;

    if (known(x, e)->entries)
        return known(x, e)->entries;
    l = local(x, e);
    return l ? l->known.entries : NULL;
}

static void set_entries(struct estimation *x, const struct cel_expr *e, bool is_list, struct cel_range key,
                        struct cel_range value)
{
    struct entry_size s = { is_list, key, value };

    known(x, e)->entries = arena_memdup(x->arena, &s, sizeof(s));
}

static void unite_entries(struct estimation *x, const struct cel_expr *e, const struct entry_size *a,
                          const struct entry_size *b)
{
    if (a && b)
        set_entries(x, e, a->is_list, cel_range_union(a->key, b->key), cel_range_union(a->value, b->value));
}

/* ---- calls ------------------------------------------------------------------------------------ */

struct call {
    const struct cel_expr *e;
    struct cel_call call;                        /* as an estimator sees it */
    const struct cel_range *costs;               /* of the arguments */
};

static struct cel_range args_cost(const struct call *c)
{
    struct cel_range sum = { 0, 0 };

    for (size_t i = 0; i < c->call.n_args; i++)
        sum = cel_range_add(sum, c->costs[i]);
    return sum;
}

static struct cel_range node_or_unknown(const struct cel_node *n)
{
    return n->size ? *n->size : CEL_RANGE_UNKNOWN;
}

static struct cel_range traversal(struct cel_range size)
{
    return cel_range_factor(size, CEL_STRING_COST_FACTOR);
}

static struct cel_call_estimate sized(struct cel_range cost, struct cel_range size)
{
    return (struct cel_call_estimate){ .cost = cost, .has_size = true, .size = size };
}

typedef bool rule_fn(struct estimation *x, const struct call *c, struct cel_call_estimate *ret);

static bool rule_format(struct estimation *x, const struct call *c, struct cel_call_estimate *ret)
{
    if (!c->call.target)
        return false;
    *ret = (struct cel_call_estimate){ .cost = traversal(node_or_unknown(c->call.target)) };
    return true;
}

static bool rule_to_bytes(struct estimation *x, const struct call *c, struct cel_call_estimate *ret)
{
    struct cel_range size = node_or_unknown(&c->call.args[0]);

    *ret = sized(traversal(size), (struct cel_range){ size.min, size.max * 4 });
    return true;
}

static bool rule_from_bytes(struct estimation *x, const struct call *c, struct cel_call_estimate *ret)
{
    struct cel_range size = node_or_unknown(&c->call.args[0]);

    *ret = sized(traversal(size), (struct cel_range){ size.min / 4, size.max });
    return true;
}

static bool rule_quote(struct estimation *x, const struct call *c, struct cel_call_estimate *ret)
{
    struct cel_range size = node_or_unknown(&c->call.args[0]);

    *ret = sized(traversal(size), (struct cel_range){ size.min + 2, size.max * 2 + 2 });
    return true;
}

static bool rule_affix(struct estimation *x, const struct call *c, struct cel_call_estimate *ret)
{
    *ret = (struct cel_call_estimate){ .cost = traversal(node_or_unknown(&c->call.args[0])) };
    return true;
}

static bool rule_in_list(struct estimation *x, const struct call *c, struct cel_call_estimate *ret)
{
    *ret = (struct cel_call_estimate){ .cost = cel_range_factor(node_or_unknown(&c->call.args[1]), 1) };
    return true;
}

/* One more than the string is long: a pattern costs even where there is nothing to match. */
static bool rule_matches(struct estimation *x, const struct call *c, struct cel_call_estimate *ret)
{
    struct cel_range string, regex;

    if (!c->call.target)
        return false;
    string = traversal(cel_range_add(node_or_unknown(c->call.target), cel_range_fixed(1)));
    regex = cel_range_factor(node_or_unknown(&c->call.args[0]), CEL_REGEX_COST_FACTOR);
    *ret = (struct cel_call_estimate){ .cost = cel_range_multiply(string, regex) };
    return true;
}

static bool rule_contains(struct estimation *x, const struct call *c, struct cel_call_estimate *ret)
{
    if (!c->call.target)
        return false;
    *ret = (struct cel_call_estimate){ .cost = cel_range_multiply(traversal(node_or_unknown(c->call.target)),
                                                                  traversal(node_or_unknown(&c->call.args[0]))) };
    return true;
}

static bool rule_add(struct estimation *x, const struct call *c, struct cel_call_estimate *ret)
{
    struct cel_range size = cel_range_add(node_or_unknown(&c->call.args[0]), node_or_unknown(&c->call.args[1]));
    bool list = streq(c->call.overload, "add_list");

    unite_entries(x, c->e, entries_of(x, c->call.args[0].expr), entries_of(x, c->call.args[1].expr));
    *ret = sized(list ? cel_range_fixed(1) : traversal(size), size);
    return true;
}

static bool rule_compare(struct estimation *x, const struct call *c, struct cel_call_estimate *ret)
{
    struct cel_range a = node_or_unknown(&c->call.args[0]), b = node_or_unknown(&c->call.args[1]);
    uint64_t smaller = a.max < b.max ? a.max : b.max;

    *ret = (struct cel_call_estimate){ .cost = traversal((struct cel_range){ smaller > 0, smaller }) };
    return true;
}

static const struct { const char *overload; size_t n_args; rule_fn *rule; } rules[] = {
    { "string_format", 1, rule_format },
    { "string_to_bytes", 1, rule_to_bytes },
    { "bytes_to_string", 1, rule_from_bytes },
    { "strings_quote", 1, rule_quote },
    { "starts_with_string", 1, rule_affix },
    { "ends_with_string", 1, rule_affix },
    { "in_list", 2, rule_in_list },
    { "matches_string", 1, rule_matches },
    { "contains_string", 1, rule_contains },
    { "add_string", 2, rule_add },
    { "add_bytes", 2, rule_add },
    { "add_list", 2, rule_add },
    { "less_string", 2, rule_compare },
    { "greater_string", 2, rule_compare },
    { "less_equals_string", 2, rule_compare },
    { "greater_equals_string", 2, rule_compare },
    { "less_bytes", 2, rule_compare },
    { "greater_bytes", 2, rule_compare },
    { "less_equals_bytes", 2, rule_compare },
    { "greater_equals_bytes", 2, rule_compare },
    { "equals", 2, rule_compare },
    { "not_equals", 2, rule_compare },
};

/* Of && and || the right side may not be looked at. */
static struct cel_call_estimate logic(const struct call *c)
{
    struct cel_range both = cel_range_add(c->costs[0], c->costs[1]);

    return (struct cel_call_estimate){ .cost = { c->costs[0].min, both.max } };
}

static struct cel_call_estimate conditional(struct estimation *x, const struct call *c)
{
    struct cel_range size = cel_range_union(node_or_unknown(&c->call.args[1]), node_or_unknown(&c->call.args[2]));

    unite_entries(x, c->e, entries_of(x, c->call.args[1].expr), entries_of(x, c->call.args[2].expr));
    return sized(cel_range_add(c->costs[0], cel_range_union(c->costs[1], c->costs[2])), size);
}

/* The cost of one overload, arguments included. */
static struct cel_call_estimate overload_cost(struct estimation *x, const struct call *c, const struct cel_signature *s)
{
    const struct cel_estimator *e = x->estimator;
    struct cel_call_estimate est = { .cost = cel_range_fixed(1) };
    bool found = (s->row->estimate && s->row->estimate(e, &c->call, &est)) ||
                 (e && e->call && e->call(e->arg, &c->call, &est));

    if (!found && (streq(s->row->id, "logical_and") || streq(s->row->id, "logical_or")))
        return logic(c);
    if (!found && streq(s->row->id, "conditional"))
        return conditional(x, c);
    for (size_t i = 0; !found && i < ARRAY_SIZE(rules); i++)
        if (streq(rules[i].overload, s->row->id) && rules[i].n_args == c->call.n_args) {
            if (!rules[i].rule(x, c, &est))
                est = (struct cel_call_estimate){ .cost = cel_range_fixed(1) };
            break;
        }
    est.cost = cel_range_add(est.cost, args_cost(c));
    return est;
}

static bool is_accumulator(const char *name)
{
    return streq(name, cel_accumulator) || streq(name, "@result");
}

static struct cel_node node(struct estimation *x, const struct cel_expr *e)
{
    struct path path = path_of(x, e);
    bool hidden = path.n && is_accumulator(path.v[0]);

    return (struct cel_node){ .path = hidden ? NULL : path.v, .n_path = hidden ? 0 : path.n, .type = e->type, .expr = e,
                              .size = size_of(x, e) };
}

/* Elements have a path, and maybe a size that is known from the list. */
static bool index_path(struct estimation *x, const struct cel_expr *e, const char *overload, const struct cel_range **ret)
{
    const char *part = streq(overload, "index_list") ? "@items" : streq(overload, "index_map") ? "@values" : NULL;
    const struct entry_size *entries;

    if (!part || !e->call.n)
        return false;
    entries = entries_of(x, e->call.args[0]);
    *ret = entries ? &entries->value : NULL;
    known(x, e)->path = path_add(x, path_of(x, e->call.args[0]), part);
    return true;
}

static struct cel_range call_cost(struct estimation *x, const struct cel_expr *e)
{
    struct cel_node *args = arena_alloc(x->arena, (e->call.n + 1) * sizeof(*args)), target;
    struct cel_range *costs = arena_alloc(x->arena, (e->call.n + 1) * sizeof(*costs));
    struct cel_range sum = { 0, 0 }, function = { UINT64_MAX, 0 };
    const struct cel_range *size = NULL;
    struct call c = { .e = e, .call = { .function = e->call.function, .args = args, .n_args = e->call.n }, .costs = costs };

    for (size_t i = 0; i < e->call.n; i++) {
        costs[i] = cost(x, e->call.args[i]);
        args[i] = node(x, e->call.args[i]);
    }
    if (e->call.target) {
        sum = cost(x, e->call.target);
        target = node(x, e->call.target);
        c.call.target = &target;
    }
    for (size_t i = 0; i < e->call.n_overloads; i++) {
        struct cel_call_estimate est;
        c.call.overload = e->call.overloads[i]->row->id;
        est = overload_cost(x, &c, e->call.overloads[i]);
        function = cel_range_union(function, est.cost);
        if (est.has_size)
            size = keep(x, size ? cel_range_union(*size, est.size) : est.size);
        index_path(x, e, c.call.overload, &size);
        if (!size)
            size = size_of(x, e);
    }
    if (size)
        known(x, e)->size = size;
    return e->call.n_overloads ? cel_range_add(sum, function) : (struct cel_range){ 0, 0 };
}

/* dyn(x) changes nothing but the checker's mind. */
static struct cel_range dyn_cost(struct estimation *x, const struct cel_expr *e)
{
    const struct cel_expr *arg = e->call.args[0];
    struct cel_range c = cost(x, arg);
    const struct cel_range *size = size_of(x, arg);

    if (size)
        known(x, e)->size = size;
    known(x, e)->entries = entries_of(x, arg);
    return cel_range_add(cel_range_fixed(1), c);
}

/* ---- the other expressions ----------------------------------------------------------------------- */

enum { LIST_COST = 10, MAP_COST = 30, STRUCT_COST = 40 };

static struct cel_range ident_cost(struct estimation *x, const struct cel_expr *e)
{
    const struct local *l = local(x, e);

    known(x, e)->path = l ? l->known.path : path_add(x, (struct path){ 0 }, e->ident.name);
    return cel_range_fixed(1);
}

static struct cel_range select_cost(struct estimation *x, const struct cel_expr *e)
{
    struct cel_range c = cost(x, e->select.operand);

    if (e->select.test)
        return c;
    known(x, e)->path = path_add(x, path_of(x, e->select.operand), e->select.field);
    switch (e->select.operand->type->kind) {
    case CEL_TYPE_MAP: case CEL_TYPE_OBJECT: case CEL_TYPE_PARAM:
        return cel_range_add(c, cel_range_fixed(1));
    default:
        return c;
    }
}

static struct cel_range list_cost(struct estimation *x, const struct cel_expr *e)
{
    struct cel_range sum = { 0, 0 }, element = { e->list.n ? UINT64_MAX : 0, 0 };

    for (size_t i = 0; i < e->list.n; i++) {
        sum = cel_range_add(sum, cost(x, e->list.elements[i]));
        element = cel_range_union(element, size_or_unknown(x, e->list.elements[i]));
    }
    set_entries(x, e, true, cel_range_fixed(1), element);
    return cel_range_add(sum, cel_range_fixed(LIST_COST));
}

static struct cel_range map_cost(struct estimation *x, const struct cel_expr *e)
{
    struct cel_range sum = { 0, 0 }, key = { e->map.n ? UINT64_MAX : 0, 0 }, value = key;

    for (size_t i = 0; i < e->map.n; i++) {
        sum = cel_range_add(sum, cost(x, e->map.entries[i].key));
        sum = cel_range_add(sum, cost(x, e->map.entries[i].value));
        key = cel_range_union(key, size_or_unknown(x, e->map.entries[i].key));
        value = cel_range_union(value, size_or_unknown(x, e->map.entries[i].value));
    }
    set_entries(x, e, false, key, value);
    return cel_range_add(sum, cel_range_fixed(MAP_COST));
}

static struct cel_range struct_cost(struct estimation *x, const struct cel_expr *e)
{
    struct cel_range sum = { 0, 0 };

    for (size_t i = 0; i < e->map.n; i++)
        sum = cel_range_add(sum, cost(x, e->map.entries[i].value));
    return cel_range_add(sum, cel_range_fixed(STRUCT_COST));
}

/* ---- loops ------------------------------------------------------------------------------------ */

static bool is_list(struct estimation *x, const struct cel_expr *range)
{
    const struct entry_size *entries = entries_of(x, range);

    return entries ? entries->is_list : range->type->kind == CEL_TYPE_LIST;
}

/* What a loop's variable is of its range: the key, or the value. */
static struct local loop_local(struct estimation *x, const struct cel_expr *range, const char *name, bool value)
{
    const struct entry_size *entries = entries_of(x, range);
    bool list = is_list(x, range);
    const char *part = value ? (list ? "@items" : "@values") : (list ? "@indices" : "@keys");

    return (struct local){ .name = name, .known = { .path = path_add(x, path_of(x, range), part),
                                                     .size = !entries ? NULL : value ? &entries->value : &entries->key } };
}

static struct local bound_local(struct estimation *x, const char *name, const struct cel_expr *e)
{
    return (struct local){ .outer = x->locals, .name = name,
                           .known = { .path = path_of(x, e), .size = size_of(x, e), .entries = entries_of(x, e) } };
}

/* A name for a value, made of a loop over nothing. */
static bool is_binding(const struct cel_expr *e)
{
    return e->loop.range->kind == CEL_EXPR_LIST && !e->loop.range->list.n &&
           e->loop.condition->kind == CEL_EXPR_LITERAL && e->loop.condition->literal.kind == CEL_BOOL &&
           !e->loop.condition->literal.b && !streq(e->loop.accu, cel_accumulator);
}

static struct cel_range binding_cost(struct estimation *x, const struct cel_expr *e)
{
    struct cel_range sum = cel_range_add(cost(x, e->loop.range), cost(x, e->loop.init));
    struct local value = bound_local(x, e->loop.accu, e->loop.init);
    const struct cel_range *size;

    x->locals = &value;
    sum = cel_range_add(sum, cost(x, e->loop.result));
    x->locals = value.outer;
    size = size_of(x, e->loop.result);
    if (size)
        known(x, e)->size = size;
    known(x, e)->entries = entries_of(x, e->loop.result);
    return sum;
}

static struct cel_range loop_cost(struct estimation *x, const struct cel_expr *e)
{
    struct cel_range sum = cel_range_add(cost(x, e->loop.range), cost(x, e->loop.init)), round, rounds;
    struct local accu = bound_local(x, e->loop.accu, e->loop.init), var, var2;

    x->locals = &accu;
    var = loop_local(x, e->loop.range, e->loop.var, !e->loop.var2 && is_list(x, e->loop.range));
    var2 = loop_local(x, e->loop.range, e->loop.var2, true);
    var.outer = &accu;
    var2.outer = &var;
    x->locals = e->loop.var2 ? &var2 : &var;
    round = cost(x, e->loop.condition);
    round = cel_range_add(cost(x, e->loop.step), round);
    x->locals = &accu;
    sum = cel_range_add(sum, cost(x, e->loop.result));
    x->locals = accu.outer;
    rounds = size_or_unknown(x, e->loop.range);
    switch (e->loop.init->kind) {
    case CEL_EXPR_LITERAL:
        known(x, e)->size = size_of(x, e->loop.init);
        break;
    case CEL_EXPR_LIST:
    case CEL_EXPR_MAP:
        known(x, e)->size = keep(x, rounds);
        if (entries_of(x, e->loop.step))
            known(x, e)->entries = entries_of(x, e->loop.step);
        break;
    default:
        break;
    }
    return cel_range_add(sum, cel_range_multiply(rounds, round));
}

/* ---- all of it -------------------------------------------------------------------------------- */

static struct cel_range cost(struct estimation *x, const struct cel_expr *e)
{
    switch (e->kind) {
    case CEL_EXPR_IDENT: return ident_cost(x, e);
    case CEL_EXPR_SELECT: return select_cost(x, e);
    case CEL_EXPR_CALL: return streq(e->call.function, "dyn") ? dyn_cost(x, e) : call_cost(x, e);
    case CEL_EXPR_LIST: return list_cost(x, e);
    case CEL_EXPR_MAP: return map_cost(x, e);
    case CEL_EXPR_STRUCT: return struct_cost(x, e);
    case CEL_EXPR_LOOP: return is_binding(e) ? binding_cost(x, e) : loop_cost(x, e);
    default: return (struct cel_range){ 0, 0 };
    }
}

struct whole {
    struct estimation x;
    const struct cel_expr *e;
    struct cel_range cost;
};

static void estimate(void *arg)
{
    struct whole *w = arg;

    w->cost = cost(&w->x, w->e);
}

enum { DEPTH_DIRECT = 32, DEEP_STACK = 64 << 20 };

struct cel_range cel_estimate_cost(const struct cel_program *p, const struct cel_estimator *e)
{
    cleanup_arena struct arena *a = arena_new();
    struct whole w = { .x = { .arena = a, .estimator = e }, .e = p->expr };

    assert(p->checked);
    w.x.known = arena_alloc(a, (size_t)(p->max_id + 1) * sizeof(*w.x.known));
    if (p->depth <= DEPTH_DIRECT)
        estimate(&w);
    else
        deep_call(DEEP_STACK, estimate, &w);
    return w.cost;
}
