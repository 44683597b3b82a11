/* Macros: calls that become loops, presence tests and bindings before anything is checked. */
#include "kube/cel/cel_priv.h"

const char cel_accumulator[] = "__result__";
static const char unused[] = "#unused";

/* ---- building --------------------------------------------------------------------------------- */

/* A macro at work: everything it makes points to where it was called. */
struct expansion {
    struct parser *p;
    size_t offset;
    struct cel_expr *target;
    struct cel_expr **args;
    size_t n;
};

static struct cel_expr *literal(struct expansion *x, struct cel_value v)
{
    return cel_expr_literal(x->p, x->offset, v);
}

static struct cel_expr *accu(struct expansion *x)
{
    return cel_expr_ident(x->p, x->offset, cel_accumulator);
}

static struct cel_expr *call1(struct expansion *x, const char *function, struct cel_expr *a)
{
    return cel_expr_call(x->p, x->offset, function, NULL, &a, 1);
}

static struct cel_expr *call2(struct expansion *x, const char *function, struct cel_expr *a, struct cel_expr *b)
{
    return cel_expr_call(x->p, x->offset, function, NULL, (struct cel_expr *[]){ a, b }, 2);
}

static struct cel_expr *call3(struct expansion *x, const char *function, struct cel_expr *a, struct cel_expr *b,
                              struct cel_expr *c)
{
    return cel_expr_call(x->p, x->offset, function, NULL, (struct cel_expr *[]){ a, b, c }, 3);
}

static struct cel_expr *member0(struct expansion *x, const char *function, struct cel_expr *target)
{
    return cel_expr_call(x->p, x->offset, function, target, NULL, 0);
}

static struct cel_expr *list(struct expansion *x, struct cel_expr *element)
{
    struct cel_expr *e = cel_expr_new(x->p, CEL_EXPR_LIST, x->offset);

    if (element) {
        e->list.n = 1;
        e->list.elements = arena_memdup(x->p->arena, &element, sizeof(struct cel_expr *));
    }
    return e;
}

static struct cel_expr *empty_map(struct expansion *x)
{
    return cel_expr_new(x->p, CEL_EXPR_MAP, x->offset);
}

/* An issue where `at` stands; the expansion is over. */
static struct cel_expr *complain(struct expansion *x, const struct cel_expr *at, const char *message)
{
    cel_issue_add(x->p->issues, &x->p->src, at->offset, "%s", message);
    return cel_expr_new(x->p, CEL_EXPR_NONE, at->offset);
}

/* ---- copying ---------------------------------------------------------------------------------- */

static struct cel_expr *copy(struct parser *p, const struct cel_expr *from);

static struct cel_expr **copy_all(struct parser *p, struct cel_expr *const *v, size_t n)
{
    struct cel_expr **made = n ? arena_alloc(p->arena, n * sizeof(struct cel_expr *)) : NULL;

    for (size_t i = 0; i < n; i++)
        made[i] = copy(p, v[i]);
    return made;
}

static struct cel_entry *copy_entries(struct parser *p, const struct cel_entry *v, size_t n)
{
    struct cel_entry *made = n ? arena_memdup(p->arena, v, n * sizeof(*v)) : NULL;

    for (size_t i = 0; i < n; i++) {
        made[i].id = p->next_id++;
        if (v[i].key)
            made[i].key = copy(p, v[i].key);
        made[i].value = copy(p, v[i].value);
    }
    return made;
}

/* As deep as the parser lets a tree become. Every node gets a number of its own. */
static struct cel_expr *copy(struct parser *p, const struct cel_expr *from)
{
    struct cel_expr *e = cel_expr_new(p, from->kind, from->offset);
    int64_t id = e->id;

    *e = *from;
    e->id = id;
    switch (from->kind) {
    case CEL_EXPR_NONE:
    case CEL_EXPR_LITERAL:
    case CEL_EXPR_IDENT:
        break;
    case CEL_EXPR_SELECT:
        e->select.operand = copy(p, from->select.operand);
        break;
    case CEL_EXPR_CALL:
        if (from->call.target)
            e->call.target = copy(p, from->call.target);
        e->call.args = copy_all(p, from->call.args, from->call.n);
        break;
    case CEL_EXPR_LIST:
        e->list.elements = copy_all(p, from->list.elements, from->list.n);
        break;
    case CEL_EXPR_MAP:
    case CEL_EXPR_STRUCT:
        e->map.entries = copy_entries(p, from->map.entries, from->map.n);
        break;
    case CEL_EXPR_LOOP:
        e->loop.range = copy(p, from->loop.range);
        e->loop.init = copy(p, from->loop.init);
        e->loop.condition = copy(p, from->loop.condition);
        e->loop.step = copy(p, from->loop.step);
        e->loop.result = copy(p, from->loop.result);
        break;
    }
    return e;
}

/* ---- loops ------------------------------------------------------------------------------------ */

struct loop {
    const char *var, *var2;
    struct cel_expr *init, *condition, *step, *result;
};

static struct cel_expr *loop(struct expansion *x, struct loop l)
{
    struct cel_expr *e = cel_expr_new(x->p, CEL_EXPR_LOOP, x->offset);

    e->loop.var = l.var;
    e->loop.var2 = l.var2;
    e->loop.range = x->target;
    e->loop.accu = cel_accumulator;
    e->loop.init = l.init;
    e->loop.condition = l.condition;
    e->loop.step = l.step;
    e->loop.result = l.result;
    return e;
}

/* `v` has a value while `result` is worked out. */
static struct cel_expr *binding(struct expansion *x, const char *v, struct cel_expr *value, struct cel_expr *result)
{
    struct cel_expr *e = cel_expr_new(x->p, CEL_EXPR_LOOP, x->offset);

    e->loop.var = unused;
    e->loop.range = list(x, NULL);
    e->loop.accu = v;
    e->loop.init = value;
    e->loop.condition = literal(x, cel_bool(false));
    e->loop.step = cel_expr_ident(x->p, x->offset, v);
    e->loop.result = result;
    return e;
}

/* The name of a loop's variable; NULL with *ret_wrong. */
static const char *loop_variable(struct expansion *x, size_t i, const char *what, struct cel_expr **ret_wrong)
{
    const struct cel_expr *e = x->args[i];

    if (e->kind != CEL_EXPR_IDENT) {
        *ret_wrong = complain(x, e, what);
        return NULL;
    }
    if (streq(e->ident.name, cel_accumulator)) {
        *ret_wrong = complain(x, e, "iteration variable overwrites accumulator variable");
        return NULL;
    }
    return e->ident.name;
}

static const char simple_name[] = "argument must be a simple name", identifier[] = "argument is not an identifier";

/* One variable, or two that differ. */
static bool loop_variables(struct expansion *x, bool two, struct loop *l, struct cel_expr **ret_wrong)
{
    for (size_t i = 0; two && i < 2; i++)
        if (x->args[i]->kind != CEL_EXPR_IDENT) {
            *ret_wrong = complain(x, x->args[i], simple_name);
            return false;
        }
    if (two && streq(x->args[0]->ident.name, x->args[1]->ident.name)) {
        *ret_wrong = complain(x, x->args[1],
                              arena_printf(x->p->arena, "duplicate variable name: %s", x->args[0]->ident.name));
        return false;
    }
    l->var = loop_variable(x, 0, simple_name, ret_wrong);
    if (l->var && two)
        l->var2 = loop_variable(x, 1, simple_name, ret_wrong);
    return l->var && (l->var2 || !two);
}

static struct cel_expr *all(struct expansion *x, bool two)
{
    struct loop l = { 0 };
    struct cel_expr *bad;

    if (!loop_variables(x, two, &l, &bad))
        return bad;
    l.init = literal(x, cel_bool(true));
    l.condition = call1(x, "@not_strictly_false", accu(x));
    l.step = call2(x, "_&&_", accu(x), x->args[x->n - 1]);
    l.result = accu(x);
    return loop(x, l);
}

static struct cel_expr *exists(struct expansion *x, bool two)
{
    struct loop l = { 0 };
    struct cel_expr *bad;

    if (!loop_variables(x, two, &l, &bad))
        return bad;
    l.init = literal(x, cel_bool(false));
    l.condition = call1(x, "@not_strictly_false", call1(x, "!_", accu(x)));
    l.step = call2(x, "_||_", accu(x), x->args[x->n - 1]);
    l.result = accu(x);
    return loop(x, l);
}

static struct cel_expr *exists_one(struct expansion *x, bool two)
{
    struct loop l = { 0 };
    struct cel_expr *bad;

    if (!loop_variables(x, two, &l, &bad))
        return bad;
    l.init = literal(x, cel_int(0));
    l.condition = literal(x, cel_bool(true));
    l.step = call3(x, "_?_:_", x->args[x->n - 1], call2(x, "_+_", accu(x), literal(x, cel_int(1))), accu(x));
    l.result = call2(x, "_==_", accu(x), literal(x, cel_int(1)));
    return loop(x, l);
}

/* A list or a map that grows by `step` wherever `filter` (if any) holds. */
static struct cel_expr *collect(struct expansion *x, struct loop l, struct cel_expr *filter)
{
    l.condition = literal(x, cel_bool(true));
    if (filter)
        l.step = call3(x, "_?_:_", filter, l.step, accu(x));
    l.result = accu(x);
    return loop(x, l);
}

static struct cel_expr *map(struct expansion *x, bool two)
{
    struct loop l = { 0 };
    struct cel_expr *bad;

    l.var = loop_variable(x, 0, identifier, &bad);
    if (!l.var)
        return bad;
    l.init = list(x, NULL);
    l.step = call2(x, "_+_", accu(x), list(x, x->args[x->n - 1]));
    return collect(x, l, x->n == 3 ? x->args[1] : NULL);
}

static struct cel_expr *filter(struct expansion *x, bool two)
{
    struct loop l = { 0 };
    struct cel_expr *bad;

    l.var = loop_variable(x, 0, identifier, &bad);
    if (!l.var)
        return bad;
    l.init = list(x, NULL);
    l.step = call2(x, "_+_", accu(x), list(x, x->args[0]));
    return collect(x, l, x->args[1]);
}

static struct cel_expr *transform_list(struct expansion *x, bool two)
{
    struct loop l = { 0 };
    struct cel_expr *bad;

    if (!loop_variables(x, two, &l, &bad))
        return bad;
    l.init = list(x, NULL);
    l.step = call2(x, "_+_", accu(x), list(x, x->args[x->n - 1]));
    return collect(x, l, x->n == 4 ? x->args[2] : NULL);
}

static struct cel_expr *transform_map(struct expansion *x, bool two)
{
    struct loop l = { 0 };
    struct cel_expr *bad;

    if (!loop_variables(x, two, &l, &bad))
        return bad;
    l.init = empty_map(x);
    l.step = call3(x, "cel.@mapInsert", accu(x), cel_expr_ident(x->p, x->offset, l.var), x->args[x->n - 1]);
    return collect(x, l, x->n == 4 ? x->args[2] : NULL);
}

static struct cel_expr *transform_map_entry(struct expansion *x, bool two)
{
    struct loop l = { 0 };
    struct cel_expr *bad;

    if (!loop_variables(x, two, &l, &bad))
        return bad;
    l.init = empty_map(x);
    l.step = call2(x, "cel.@mapInsert", accu(x), x->args[x->n - 1]);
    return collect(x, l, x->n == 4 ? x->args[2] : NULL);
}

/* ---- the others ------------------------------------------------------------------------------- */

static struct cel_expr *has(struct expansion *x, bool two)
{
    struct cel_expr *e;

    if (x->args[0]->kind != CEL_EXPR_SELECT)
        return complain(x, x->args[0], "invalid argument to has() macro");
    e = cel_expr_new(x->p, CEL_EXPR_SELECT, x->offset);
    e->select = x->args[0]->select;
    e->select.test = true;
    return e;
}

static struct cel_expr *opt_map(struct expansion *x, bool flat)
{
    const char *name;
    struct cel_expr *value;

    if (x->args[0]->kind != CEL_EXPR_IDENT)
        return complain(x, x->args[0], flat ? "optFlatMap() variable name must be a simple identifier"
                                            : "optMap() variable name must be a simple identifier");
    name = x->args[0]->ident.name;
    value = binding(x, name, member0(x, "value", copy(x->p, x->target)), x->args[1]);
    if (!flat)
        value = call1(x, "optional.of", value);
    return call3(x, "_?_:_", member0(x, "hasValue", x->target), value,
                 cel_expr_call(x->p, x->offset, "optional.none", NULL, NULL, 0));
}

static struct cel_expr *cel_bind(struct expansion *x, bool two)
{
    if (x->target->kind != CEL_EXPR_IDENT || !streq(x->target->ident.name, "cel"))
        return NULL;
    if (x->args[0]->kind != CEL_EXPR_IDENT)
        return complain(x, x->args[0], "cel.bind() variable names must be simple identifiers");
    return binding(x, x->args[0]->ident.name, x->args[1], x->args[2]);
}

/* ---- the table -------------------------------------------------------------------------------- */

static const struct macro {
    const char *name;
    bool member;
    size_t n;                                    /* arguments */
    unsigned library;                            /* 0: always */
    struct cel_expr *(*expand)(struct expansion *x, bool variant);
    bool variant;
} macros[] = {
    { "has", false, 1, 0, has, false },
    { "all", true, 2, 0, all, false },
    { "exists", true, 2, 0, exists, false },
    { "exists_one", true, 2, 0, exists_one, false },
    { "map", true, 2, 0, map, false },
    { "map", true, 3, 0, map, false },
    { "filter", true, 2, 0, filter, false },
    { "optMap", true, 2, CEL_LIB_OPTIONAL, opt_map, false },
    { "optFlatMap", true, 2, CEL_LIB_OPTIONAL, opt_map, true },
    { "bind", true, 3, CEL_LIB_BINDINGS, cel_bind, false },
    { "all", true, 3, CEL_LIB_TWO_VARIABLES, all, true },
    { "exists", true, 3, CEL_LIB_TWO_VARIABLES, exists, true },
    { "existsOne", true, 3, CEL_LIB_TWO_VARIABLES, exists_one, true },
    { "exists_one", true, 3, CEL_LIB_TWO_VARIABLES, exists_one, true },
    { "transformList", true, 3, CEL_LIB_TWO_VARIABLES, transform_list, true },
    { "transformList", true, 4, CEL_LIB_TWO_VARIABLES, transform_list, true },
    { "transformMap", true, 3, CEL_LIB_TWO_VARIABLES, transform_map, true },
    { "transformMap", true, 4, CEL_LIB_TWO_VARIABLES, transform_map, true },
    { "transformMapEntry", true, 3, CEL_LIB_TWO_VARIABLES, transform_map_entry, true },
    { "transformMapEntry", true, 4, CEL_LIB_TWO_VARIABLES, transform_map_entry, true },
};

struct cel_expr *cel_expand_macro(struct parser *p, size_t offset, const char *function, struct cel_expr *target,
                              struct cel_expr **args, size_t n)
{
    struct expansion x = { .p = p, .offset = offset, .target = target, .args = args, .n = n };

    for (size_t i = 0; i < ARRAY_SIZE(macros); i++) {
        const struct macro *m = &macros[i];
        bool enabled = !m->library || (p->libraries & m->library);
        if (enabled && m->member == !!target && m->n == n && streq(m->name, function))
            return m->expand(&x, m->variant);
    }
    return NULL;
}
