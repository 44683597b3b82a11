/* From a tree to steps: names and calls resolved, constants folded, ways into values gathered. The folding is
 * cel-go's, because what is folded costs nothing. */
#include "kube/cel/plan_priv.h"
#include "kube/regex.h"

struct planner {
    struct cel_program *program;
    struct arena *arena;
    struct cel_run run;                          /* for folding */
    const char *wrong;
};

static struct step *plan_expr(struct planner *p, const struct cel_expr *e);

int64_t cel_attribute_id(const struct attribute *a)
{
    if (a->kind == ATTRIBUTE_CONDITIONAL)
        return cel_attribute_id(a->yes) == cel_attribute_id(a->no) ? cel_attribute_id(a->yes) : a->id;
    return a->qualifiers.n ? a->qualifiers.v[a->qualifiers.n - 1].id : a->id;
}

int64_t cel_step_id(const struct step *s)
{
    return s->kind == STEP_ATTRIBUTE ? cel_attribute_id(s->attribute) : s->id;
}

static struct step *wrong(struct planner *p, const char *message)
{
    if (!p->wrong)
        p->wrong = message;
    return NULL;
}

static struct step *step_new(struct planner *p, enum step_kind kind, int64_t id)
{
    struct step *s = arena_alloc(p->arena, sizeof(*s));

    s->kind = kind;
    s->id = id;
    return s;
}

static struct step *constant(struct planner *p, int64_t id, struct cel_value v)
{
    struct step *s = step_new(p, STEP_CONSTANT, id);

    s->constant = v;
    return s;
}

static bool is_constant(const struct step *s)
{
    return s->kind == STEP_CONSTANT;
}

static bool all_constant(const struct step *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (!is_constant(s->args[i]))
            return false;
    return true;
}

/* What only has constants is one. Errors in it come up when it runs. */
static struct step *folded(struct planner *p, struct step *s)
{
    struct cel_value v;

    if (!all_constant(s))
        return s;
    v = cel_step_eval(&p->run, s);
    return cel_is_error(v) ? s : constant(p, s->id, v);
}

/* ---- attributes ------------------------------------------------------------------------------- */

static struct attribute *attribute_new(struct planner *p, enum attribute_kind kind, int64_t id)
{
    struct attribute *a = arena_alloc(p->arena, sizeof(*a));

    a->kind = kind;
    a->id = id;
    return a;
}

static struct step *attribute_step(struct planner *p, struct attribute *a)
{
    struct step *s = step_new(p, STEP_ATTRIBUTE, a->id);

    s->attribute = a;
    return s;
}

/* Types have names that only the checker knows: google.protobuf.Int64Value is int, timestamp not even a message. */
static struct step *named_constant(struct planner *p, const struct cel_expr *e)
{
    const struct cel_value *v = e->ident.constant;

    if (v->kind == CEL_TYPE && !streq(cel_type_name(v->type), e->ident.name))
        return wrong(p, arena_printf(p->arena, "reference to undefined type: %s", e->ident.name));
    return constant(p, e->id, *v);
}

static struct step *variable(struct planner *p, const struct cel_expr *e)
{
    struct attribute *a = attribute_new(p, ATTRIBUTE_VARIABLE, e->id);

    a->name = e->ident.name;
    a->unresolved = !p->program->checked;
    return attribute_step(p, a);
}

/* The step itself if it is an attribute, or one that starts at its value. */
static struct step *as_attribute(struct planner *p, struct step *s)
{
    struct attribute *a;

    if (s->kind == STEP_ATTRIBUTE)
        return s;
    a = attribute_new(p, ATTRIBUTE_VALUE, s->id);
    a->operand = s;
    return attribute_step(p, a);
}

static void add_qualifier(struct planner *p, struct attribute *a, struct qualifier q)
{
    if (a->kind != ATTRIBUTE_CONDITIONAL) {
        *arena_push(p->arena, &a->qualifiers) = q;
        return;
    }
    add_qualifier(p, a->yes, q);
    add_qualifier(p, a->no, q);
}

static struct step *plan_select(struct planner *p, const struct cel_expr *e)
{
    struct step *operand = plan_expr(p, e->select.operand), *test;
    struct qualifier q = { .id = e->id, .constant = cel_str(e->select.field), .test = e->select.test };

    if (!operand)
        return NULL;
    operand = as_attribute(p, operand);
    add_qualifier(p, operand->attribute, q);
    if (!e->select.test)
        return operand;
    test = step_new(p, STEP_TEST, e->id);
    test->attribute = operand->attribute;
    return test;
}

static struct step *plan_index(struct planner *p, const struct cel_expr *e, bool optional)
{
    struct step *operand = plan_expr(p, e->call.args[0]), *index = plan_expr(p, e->call.args[1]);
    struct qualifier q = { .id = e->id, .optional = optional };

    if (!operand || !index)
        return NULL;
    if (index->kind == STEP_CONSTANT) {
        q.constant = index->constant;
        switch (q.constant.kind) {
        case CEL_STRING: case CEL_INT: case CEL_UINT: case CEL_BOOL: case CEL_DOUBLE:
            break;
        default:
            return wrong(p, arena_printf(p->arena, "invalid qualifier type: %s", cel_go_type(q.constant.kind)));
        }
    } else if (index->kind == STEP_ATTRIBUTE) {
        q.attribute = index->attribute;
    } else {
        q.relative = true;
        q.attribute = attribute_new(p, ATTRIBUTE_VALUE, e->id);
        q.attribute->operand = index;
    }
    operand = as_attribute(p, operand);
    add_qualifier(p, operand->attribute, q);
    return operand;
}

static struct attribute *branch(struct planner *p, const struct cel_expr *e)
{
    struct step *s = plan_expr(p, e);

    return s ? as_attribute(p, s)->attribute : NULL;
}

static struct step *plan_conditional(struct planner *p, const struct cel_expr *e)
{
    struct attribute *a = attribute_new(p, ATTRIBUTE_CONDITIONAL, e->id);

    a->operand = plan_expr(p, e->call.args[0]);
    a->yes = branch(p, e->call.args[1]);
    a->no = branch(p, e->call.args[2]);
    return a->operand && a->yes && a->no ? attribute_step(p, a) : NULL;
}

/* ---- calls ------------------------------------------------------------------------------------ */

static bool plan_args(struct planner *p, struct step *s, const struct cel_expr *target, struct cel_expr *const *args,
                      size_t n)
{
    size_t first = target ? 1 : 0;

    s->n = n + first;
    s->args = arena_alloc(p->arena, (s->n + 1) * sizeof(*s->args));
    s->ids = arena_alloc(p->arena, (s->n + 1) * sizeof(*s->ids));
    for (size_t i = 0; i < s->n; i++) {
        s->args[i] = plan_expr(p, i < first ? target : args[i - first]);
        if (!s->args[i])
            return false;
    }
    return true;
}

/* Once the qualifiers are all there. */
static void number_args(struct step *s)
{
    for (size_t i = 0; i < s->n; i++)
        s->ids[i] = cel_step_id(s->args[i]);
}

/* A name with dots in a tree that was not checked; NULL where the expression is more than that. */
static const char *qualified(struct planner *p, const struct cel_expr *e)
{
    const char *prefix;

    if (e->kind == CEL_EXPR_IDENT)
        return e->ident.name;
    if (e->kind != CEL_EXPR_SELECT || e->select.test)
        return NULL;
    prefix = qualified(p, e->select.operand);
    return prefix ? arena_printf(p->arena, "%s.%s", prefix, e->select.field) : NULL;
}

static const struct function *find_function(struct planner *p, const char *name)
{
    const char *full;

    for (size_t i = 0; (full = cel_env_candidate(p->program->env, p->arena, name, i)); i++) {
        const struct function *f = cel_env_function(p->program->env, full);
        if (f)
            return f;
    }
    return NULL;
}

/* The function meant; *ret_target NULL where the target was part of its name. */
static const struct function *function_of(struct planner *p, const struct cel_expr *e, const struct cel_expr **ret_target)
{
    const char *prefix = NULL;
    const struct function *f;

    *ret_target = e->call.target;
    if (p->program->checked)
        return cel_env_function(p->program->env, e->call.function);
    if (e->call.target)
        prefix = qualified(p, e->call.target);
    if (!prefix)
        return find_function(p, e->call.function);
    f = find_function(p, arena_printf(p->arena, "%s.%s", prefix, e->call.function));
    if (f)
        *ret_target = NULL;
    return f ? f : find_function(p, e->call.function);
}

static const char *overload_id(const struct step *s)
{
    return s->signature ? s->signature->row->id : "";
}

static bool is_conversion(const char *function)
{
    static const char *const names[] = { "bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp",
                                         "type", "uint" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (streq(names[i], function))
            return true;
    return false;
}

/* x in [1, 2, 3]. */
static struct step *as_set(struct planner *p, struct step *s)
{
    struct { ARENA_LIST(struct cel_value); } entries = { 0 };
    const struct cel_list *list;
    struct step *made;

    if (s->args[1]->kind != STEP_CONSTANT)
        return s;
    list = s->args[1]->constant.list;
    if (!list->n)
        return constant(p, s->id, cel_bool(false));
    for (size_t i = 0; i < list->n; i++) {
        struct cel_value v = cel_list_get(&p->run, list, i);
        if (v.kind != CEL_BOOL && v.kind != CEL_DOUBLE && v.kind != CEL_INT && v.kind != CEL_UINT && v.kind != CEL_STRING)
            return s;
        *arena_push(p->arena, &entries) = v;
        *arena_push(p->arena, &entries) = cel_bool(true);
    }
    made = step_new(p, STEP_IN_SET, s->id);
    made->args = s->args;
    made->n = 1;
    made->set = cel_map_of(p->arena, entries.v, list->n).map;
    return made;
}

/* Functions whose second argument is a pattern; Kubernetes has two more of them. */
static bool takes_pattern(const struct step *s)
{
    static const char *const names[] = { "matches", "find", "findAll" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (s->n >= 2 && streq(s->function, names[i]) && is_constant(s->args[1]))
            return s->args[1]->constant.kind == CEL_STRING;
    return false;
}

/* A pattern that is known is compiled before anything runs. */
static struct step *with_pattern(struct planner *p, struct step *s)
{
    const char *why;

    if (!cel_regex(&p->run, s->args[1]->constant.s, s->args[1]->constant.len, &why))
        return wrong(p, why);
    s->first_error = true;
    return s;
}

static struct step *optimized(struct planner *p, struct step *s)
{
    struct cel_value v;

    if (streq(overload_id(s), "in_list"))
        return as_set(p, s);
    if (s->n == 1 && is_conversion(s->function) && is_constant(s->args[0])) {
        v = cel_step_eval(&p->run, s);
        return cel_is_error(v) ? wrong(p, v.error) : constant(p, s->id, v);
    }
    return takes_pattern(s) ? with_pattern(p, s) : s;
}

static enum step_kind call_kind(const struct cel_expr *e, size_t n)
{
    static const struct { const char *function; size_t n; enum step_kind kind; } kinds[] = {
        { "_&&_", 2, STEP_AND }, { "_||_", 2, STEP_OR }, { "_==_", 2, STEP_EQUAL }, { "_!=_", 2, STEP_NOT_EQUAL },
        { "@not_strictly_false", 1, STEP_NOT_STRICTLY_FALSE },
        { "or", 2, STEP_OPTIONAL_OR }, { "orValue", 2, STEP_OPTIONAL_OR_VALUE },
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].n == n && streq(kinds[i].function, e->call.function))
            return kinds[i].kind;
    return STEP_CALL;
}

static struct step *plan_call(struct planner *p, const struct cel_expr *e)
{
    const struct cel_expr *target;
    const struct function *f;
    struct step *s;

    if (streq(e->call.function, "_?_:_") && e->call.n == 3)
        return plan_conditional(p, e);
    if (streq(e->call.function, "_[_]") && e->call.n == 2)
        return plan_index(p, e, false);
    if ((streq(e->call.function, "_[?_]") || streq(e->call.function, "_?._")) && e->call.n == 2)
        return plan_index(p, e, true);
    f = function_of(p, e, &target);
    s = step_new(p, call_kind(e, e->call.n + !!target), e->id);
    s->function = f ? f->name : e->call.function;
    s->f = f;
    if (e->call.n_overloads == 1)
        s->signature = e->call.overloads[0];
    if ((s->kind == STEP_OPTIONAL_OR || s->kind == STEP_OPTIONAL_OR_VALUE) &&
        !(cel_env_libraries(p->program->env) & CEL_LIB_OPTIONAL))
        s->kind = STEP_CALL;
    if (!plan_args(p, s, target, e->call.args, e->call.n))
        return NULL;
    if (!s->n && !f)
        return wrong(p, arena_printf(p->arena, "no such overload: %s()", s->function));
    number_args(s);
    s->first_error = s->n > 2;
    return s->kind == STEP_CALL ? optimized(p, s) : s;
}

/* ---- literals and loops ------------------------------------------------------------------------ */

static struct step *plan_list(struct planner *p, const struct cel_expr *e)
{
    struct step *s = step_new(p, STEP_LIST, e->id);

    if (!plan_args(p, s, NULL, e->list.elements, e->list.n))
        return NULL;
    s->optional = e->list.optional;
    number_args(s);
    return folded(p, s);
}

static struct step *plan_map(struct planner *p, const struct cel_expr *e)
{
    struct step *s = step_new(p, STEP_MAP, e->id);
    struct cel_expr **args = arena_alloc(p->arena, (2 * e->map.n + 1) * sizeof(struct cel_expr *));
    bool *optional = arena_alloc(p->arena, e->map.n + 1);

    for (size_t i = 0; i < e->map.n; i++) {
        args[2 * i] = e->map.entries[i].key;
        args[2 * i + 1] = e->map.entries[i].value;
        optional[i] = e->map.entries[i].optional;
    }
    if (!plan_args(p, s, NULL, args, 2 * e->map.n))
        return NULL;
    s->optional = optional;
    number_args(s);
    return folded(p, s);
}

static const struct cel_type *struct_type(struct planner *p, const char *name)
{
    const char *full;

    for (size_t i = 0; (full = cel_env_candidate(p->program->env, p->arena, name, i)); i++) {
        const struct cel_type *t = cel_env_find_type(p->program->env, full), *unused;
        if (cel_message_named(full, &unused))
            return cel_message_named(full, &unused);
        if (t && t->kind == CEL_TYPE_OBJECT)
            return t;
    }
    return NULL;
}

static struct step *plan_struct(struct planner *p, const struct cel_expr *e)
{
    struct step *s = step_new(p, STEP_STRUCT, e->id);
    struct cel_expr **args = arena_alloc(p->arena, (e->map.n + 1) * sizeof(struct cel_expr *));
    const char **fields = arena_alloc(p->arena, (e->map.n + 1) * sizeof(*fields));
    bool *optional = arena_alloc(p->arena, e->map.n + 1);

    for (size_t i = 0; i < e->map.n; i++) {
        args[i] = e->map.entries[i].value;
        fields[i] = e->map.entries[i].field;
        optional[i] = e->map.entries[i].optional;
    }
    s->type = struct_type(p, e->map.name);
    if (!s->type)
        return wrong(p, arena_printf(p->arena, "unknown type: %s", e->map.name));
    if (!plan_args(p, s, NULL, args, e->map.n))
        return NULL;
    s->optional = optional;
    s->fields = fields;
    number_args(s);
    return s;
}

static struct step *plan_loop(struct planner *p, const struct cel_expr *e)
{
    struct step *s = step_new(p, STEP_LOOP, e->id);

    s->loop.var = e->loop.var;
    s->loop.var2 = e->loop.var2;
    s->loop.accu = e->loop.accu;
    s->loop.init = plan_expr(p, e->loop.init);
    s->loop.range = plan_expr(p, e->loop.range);
    s->loop.condition = plan_expr(p, e->loop.condition);
    s->loop.step = plan_expr(p, e->loop.step);
    s->loop.result = plan_expr(p, e->loop.result);
    return p->wrong ? NULL : s;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static struct step *plan_expr(struct planner *p, const struct cel_expr *e)
{
    switch (e->kind) {
    case CEL_EXPR_LITERAL: return constant(p, e->id, e->literal);
    case CEL_EXPR_IDENT: return e->ident.constant ? named_constant(p, e) : variable(p, e);
    case CEL_EXPR_SELECT: return plan_select(p, e);
    case CEL_EXPR_CALL: return plan_call(p, e);
    case CEL_EXPR_LIST: return plan_list(p, e);
    case CEL_EXPR_MAP: return plan_map(p, e);
    case CEL_EXPR_STRUCT: return plan_struct(p, e);
    case CEL_EXPR_LOOP: return plan_loop(p, e);
    case CEL_EXPR_NONE: break;
    }
    return wrong(p, "unsupported expr");
}

struct step *cel_plan(struct cel_program *program, const char **ret_wrong)
{
    struct planner p = { .program = program, .arena = program->arena,
                         .run = { .arena = program->arena, .env = program->env, .work = WORK_MAX } };
    struct step *s = plan_expr(&p, program->expr);

    cel_run_release(&p.run);
    *ret_wrong = p.wrong;
    return p.wrong ? NULL : s;
}
