#include "kube/cel/cel.h"

#include "kube/cel/cel_priv.h"
#include "world/deep.h"

/* ---- walking ---------------------------------------------------------------------------------- */

struct children {
    struct arena *arena;
    ARENA_LIST(const struct cel_expr *);
};

static void push(struct children *c, const struct cel_expr *e)
{
    if (e)
        *arena_push(c->arena, c) = e;
}

/* The children of a node, the last first: they come off in the order of the text. */
static void push_children(struct children *c, const struct cel_expr *e)
{
    switch (e->kind) {
    case CEL_EXPR_SELECT:
        push(c, e->select.operand);
        break;
    case CEL_EXPR_CALL:
        for (size_t i = e->call.n; i--;)
            push(c, e->call.args[i]);
        push(c, e->call.target);
        break;
    case CEL_EXPR_LIST:
        for (size_t i = e->list.n; i--;)
            push(c, e->list.elements[i]);
        break;
    case CEL_EXPR_MAP:
    case CEL_EXPR_STRUCT:
        for (size_t i = e->map.n; i--;) {
            push(c, e->map.entries[i].value);
            push(c, e->map.entries[i].key);
        }
        break;
    case CEL_EXPR_LOOP:
        push(c, e->loop.result);
        push(c, e->loop.step);
        push(c, e->loop.condition);
        push(c, e->loop.init);
        push(c, e->loop.range);
        break;
    case CEL_EXPR_NONE:
    case CEL_EXPR_LITERAL:
    case CEL_EXPR_IDENT:
        break;
    }
}

void cel_expr_walk(const struct cel_expr *e, bool (*each)(void *arg, const struct cel_expr *e), void *arg)
{
    cleanup_arena struct arena *a = arena_new();
    struct children c = { .arena = a };

    push(&c, e);
    while (c.n) {
        e = c.v[--c.n];
        if (each(arg, e))
            push_children(&c, e);
    }
}

/* ---- what is read ------------------------------------------------------------------------------ */

/* Names bound on the way from the root to a node. */
struct reading {
    struct arena *arena;
    const char *variable;
    bool found;
    struct { ARENA_LIST(struct visit { const struct cel_expr *e; bool bound; }); } stack;
};

static void visit(struct reading *r, const struct cel_expr *e, bool bound)
{
    if (e)
        *arena_push(r->arena, &r->stack) = (struct visit){ e, bound };
}

static void visit_loop(struct reading *r, const struct cel_expr *e, bool bound)
{
    bool by_accu = bound || streq(r->variable, e->loop.accu);
    bool inside = by_accu || streq(r->variable, e->loop.var) || (e->loop.var2 && streq(r->variable, e->loop.var2));

    visit(r, e->loop.range, bound);
    visit(r, e->loop.init, bound);
    visit(r, e->loop.condition, inside);
    visit(r, e->loop.step, inside);
    visit(r, e->loop.result, by_accu);
}

bool cel_program_reads(const struct cel_program *p, const char *variable)
{
    cleanup_arena struct arena *a = arena_new();
    struct reading r = { .arena = a, .variable = variable };
    struct children c = { .arena = a };

    visit(&r, p->expr, false);
    while (r.stack.n) {
        struct visit v = r.stack.v[--r.stack.n];
        if (v.e->kind == CEL_EXPR_IDENT && !v.bound && streq(v.e->ident.name, variable))
            return true;
        if (v.e->kind == CEL_EXPR_LOOP) {
            visit_loop(&r, v.e, v.bound);
            continue;
        }
        c.n = 0;
        push_children(&c, v.e);
        for (size_t i = 0; i < c.n; i++)
            visit(&r, c.v[i], v.bound);
    }
    return false;
}

/* ---- compiling -------------------------------------------------------------------------------- */

static size_t depth_of(const struct cel_expr *root)
{
    cleanup_arena struct arena *a = arena_new();
    struct { ARENA_LIST(struct level { const struct cel_expr *e; size_t depth; }); } stack = { 0 };
    struct children c = { .arena = a };
    size_t deepest = 0;

    *arena_push(a, &stack) = (struct level){ root, 1 };
    while (stack.n) {
        struct level l = stack.v[--stack.n];
        if (l.depth > deepest)
            deepest = l.depth;
        c.n = 0;
        push_children(&c, l.e);
        for (size_t i = 0; i < c.n; i++)
            *arena_push(a, &stack) = (struct level){ c.v[i], l.depth + 1 };
    }
    return deepest;
}

struct compilation {
    struct parser parser;
    struct cel_program *program;
    bool check, good;
};

/* Parser, checker and planner recurse over the tree, which the parser keeps within bounds. */
static void compile(void *arg)
{
    struct compilation *c = arg;
    struct cel_program *p = c->program;
    const char *wrong;

    p->expr = cel_parse_text(&c->parser);
    if (!p->expr)
        return;
    p->max_id = c->parser.next_id;
    p->depth = depth_of(p->expr);
    p->type = &cel_type_dyn;
    if (c->check) {
        if (!cel_check(p->env, p->arena, &c->parser.src, p->expr, c->parser.issues))
            return;
        p->checked = true;
        p->type = p->expr->type;
        if (!cel_validate(p->env, p->arena, &c->parser.src, p->expr, c->parser.issues))
            return;
    }
    p->plan = cel_plan(p, &wrong);
    if (!p->plan)
        p->unplanned = wrong;
    c->good = true;
}

enum { COMPILE_STACK = 64 << 20 };

static struct cel_program *compile_text(const struct cel_env *env, const char *text, size_t len,
                                        struct cel_issues *issues, bool checked)
{
    struct cel_program *p = xcalloc(1, sizeof(*p));
    struct compilation c = { .program = p, .check = checked };

    p->arena = arena_new();
    p->env = env;
    p->text = arena_strndup(p->arena, text, len);
    c.parser = (struct parser){ .env = env, .libraries = cel_env_libraries(env), .arena = p->arena, .issues = issues,
                                .src = { p->text, len, rune_count(text, len) } };
    deep_call(COMPILE_STACK, compile, &c);
    return c.good ? p : cel_program_free(p);
}

struct cel_program *cel_compile(const struct cel_env *env, const char *text, size_t len, struct cel_issues *issues)
{
    return compile_text(env, text, len, issues, true);
}

struct cel_program *cel_parse(const struct cel_env *env, const char *text, size_t len, struct cel_issues *issues)
{
    return compile_text(env, text, len, issues, false);
}

struct cel_program *cel_program_free(struct cel_program *p)
{
    if (p) {
        arena_free(p->arena);
        free(p);
    }
    return NULL;
}

const struct cel_type *cel_program_type(const struct cel_program *p)
{
    return p->type;
}

const struct cel_expr *cel_program_expr(const struct cel_program *p)
{
    return p->expr;
}

const char *cel_program_wrong(const struct cel_program *p)
{
    return p->unplanned;
}
