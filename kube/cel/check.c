/* The type checker: every node gets its type, every call its overloads, every name its meaning. */
#include "kube/cel/cel_priv.h"

enum { TYPE_WORK_MAX = 20000000 };

struct scope {
    const struct scope *outer;
    const char *name;
    const struct cel_type *type;
};

struct checker {
    const struct cel_env *env;
    struct arena *arena;
    const struct cel_source *src;
    struct cel_issues *issues;
    struct bindings bindings;
    const struct scope *scope;                   /* variables of loops, the innermost first */
};

static const struct cel_type *check_expr(struct checker *c, struct cel_expr *e);

#define complain(c, e, ...) cel_issue_add((c)->issues, (c)->src, (e)->offset, __VA_ARGS__)

static const char *text(struct checker *c, const struct cel_type *t)
{
    return cel_type_text(c->arena, t);
}

static void mismatch(struct checker *c, const struct cel_expr *e, const struct cel_type *want,
                     const struct cel_type *got)
{
    complain(c, e, "expected type '%s' but found '%s'", text(c, want), text(c, got));
}

static const struct cel_type *known(struct checker *c, const struct cel_type *t)
{
    return cel_substitute(&c->bindings, t, false);
}

static const struct cel_type *optional_of(struct checker *c, const struct cel_type *t)
{
    return cel_type_optional(c->arena, t);
}

/* The T of an optional_type(T). */
static const struct cel_type *unwrapped(const struct cel_type *t, bool *ret_optional)
{
    *ret_optional = cel_type_is_optional(t);
    return *ret_optional ? t->params[0] : t;
}

/* ---- names ------------------------------------------------------------------------------------ */

struct meaning {
    const char *name;
    const struct cel_type *type;
    const struct cel_value *constant;
};

static const struct cel_value null_value = { .kind = CEL_INT };

static bool find_name(struct checker *c, const char *name, struct meaning *ret)
{
    const char *full;

    for (size_t i = 0; (full = cel_env_candidate(c->env, c->arena, name, i)); i++) {
        const struct variable *v;
        const struct cel_type *t;
        for (const struct scope *s = c->scope; s; s = s->outer)
            if (streq(s->name, full)) {
                *ret = (struct meaning){ s->name, s->type, NULL };
                return true;
            }
        v = cel_env_variable(c->env, full);
        if (v) {
            *ret = (struct meaning){ v->name, v->type, v->constant };
            return true;
        }
        if (streq(full, "google.protobuf.NullValue.NULL_VALUE")) {       /* the one enum there is */
            *ret = (struct meaning){ full, &cel_type_int, &null_value };
            return true;
        }
        t = cel_env_type_named(c->env, full);
        if (t) {
            struct cel_value value = cel_type_value(t);
            *ret = (struct meaning){ full, cel_type_of(c->arena, t), arena_memdup(c->arena, &value, sizeof(value)) };
            return true;
        }
    }
    return false;
}

/* "a.b.c" where the expression is no more than that; NULL where it is more. */
static const char *qualified(struct checker *c, const struct cel_expr *e)
{
    cleanup_buf struct buf b = BUF_INIT;
    const struct cel_expr *parts[CEL_DEPTH_MAX + 1];
    size_t n = 0;

    for (; e->kind == CEL_EXPR_SELECT && !e->select.test && n < CEL_DEPTH_MAX; e = e->select.operand)
        parts[n++] = e;
    if (e->kind != CEL_EXPR_IDENT)
        return NULL;
    buf_add_str(&b, e->ident.name);
    while (n)
        buf_printf(&b, ".%s", parts[--n]->select.field);
    return arena_strndup(c->arena, b.data, b.len);
}

static const struct function *find_function(struct checker *c, const char *name)
{
    const char *full;

    for (size_t i = 0; (full = cel_env_candidate(c->env, c->arena, name, i)); i++) {
        const struct function *f = cel_env_function(c->env, full);
        if (f)
            return f;
    }
    return NULL;
}

static void undeclared(struct checker *c, const struct cel_expr *e, const char *name)
{
    complain(c, e, "undeclared reference to '%s' (in container '%s')", name, cel_env_container(c->env));
}

static const struct cel_type *become_ident(struct cel_expr *e, const struct meaning *m)
{
    e->kind = CEL_EXPR_IDENT;
    e->ident.name = m->name;
    e->ident.constant = m->constant;
    return m->type;
}

static const struct cel_type *check_ident(struct checker *c, struct cel_expr *e)
{
    struct meaning m;

    if (find_name(c, e->ident.name, &m))
        return become_ident(e, &m);
    undeclared(c, e, e->ident.name);
    return &cel_type_error;
}

/* ---- fields ----------------------------------------------------------------------------------- */

static const struct cel_type *field_type(struct checker *c, const struct cel_expr *e, const struct cel_type *object,
                                         const char *field)
{
    struct cel_field found;

    if (cel_type_find_field(object, field, strlen(field), &found))
        return found.type;
    complain(c, e, "undefined field '%s'", field);
    return &cel_type_error;
}

static const struct cel_type *check_field(struct checker *c, struct cel_expr *e, struct cel_expr *operand,
                                          const char *field, bool optional)
{
    const struct cel_type *target, *result;
    bool was_optional;

    check_expr(c, operand);
    target = unwrapped(known(c, operand->type), &was_optional);
    switch (target->kind) {
    case CEL_TYPE_MAP:
        result = target->params[1];
        break;
    case CEL_TYPE_OBJECT:
        result = field_type(c, e, target, field);
        break;
    case CEL_TYPE_PARAM:
        cel_assignable(&c->bindings, &cel_type_dyn, target);           /* it stays dyn from here on */
        result = &cel_type_dyn;
        break;
    case CEL_TYPE_DYN:
    case CEL_TYPE_ERROR:
        result = &cel_type_dyn;
        break;
    case CEL_TYPE_OPAQUE:
        if (!cel_env_type_named(c->env, target->name)) {                 /* a message, cel-go thinks, and looks for it */
            complain(c, e, "unexpected failed resolution of '%s'", target->name);
            result = &cel_type_error;
            break;
        }
        /* fall through */
    default:
        complain(c, e, "type '%s' does not support field selection", text(c, target));
        result = &cel_type_dyn;
    }
    return was_optional || optional ? optional_of(c, result) : result;
}

static const struct cel_type *check_select(struct checker *c, struct cel_expr *e)
{
    const char *name = qualified(c, e);
    const struct cel_type *t;
    struct meaning m;

    if (name && find_name(c, name, &m))
        return become_ident(e, &m);
    t = check_field(c, e, e->select.operand, e->select.field, false);
    return e->select.test ? &cel_type_bool : known(c, t);
}

static const struct cel_type *check_optional_select(struct checker *c, struct cel_expr *e)
{
    const struct cel_expr *field = e->call.args[1];
    const struct function *f = cel_env_function(c->env, "_?._");
    const char *name = arena_strndup(c->arena, field->literal.s, field->literal.len);
    const struct cel_type *t = known(c, check_field(c, e, e->call.args[0], name, true));

    e->call.args[1]->type = &cel_type_string;
    e->call.overloads = f->v;
    e->call.n_overloads = 1;
    return t;
}

/* ---- calls ------------------------------------------------------------------------------------ */

static const struct cel_type *instantiate(struct checker *c, const struct cel_type *t, const struct cel_type **letters)
{
    const struct cel_type *params[2];

    if (t->kind == CEL_TYPE_PARAM) {
        size_t letter = (size_t)(t->name[0] - 'A');
        if (!letters[letter])
            letters[letter] = cel_type_var_new(&c->bindings);
        return letters[letter];
    }
    if (!t->n_params)
        return t;
    for (size_t i = 0; i < t->n_params; i++)
        params[i] = instantiate(c, t->params[i], letters);
    return cel_type_with_params(c->arena, t, params);
}

struct resolution {
    const struct cel_type *result;               /* NULL: nothing fits */
    struct { ARENA_LIST(const struct cel_signature *); } fits;
};

static void try_overload(struct checker *c, const struct cel_signature *s, const struct cel_type *const *args, size_t n,
                         struct resolution *r)
{
    const struct cel_type *letters[26] = { 0 }, *result = s->result, **want = s->args;

    if (s->n != n)
        return;
    if (s->generic) {
        want = arena_alloc(c->arena, (n + 1) * sizeof(*want));
        for (size_t i = 0; i < n; i++)
            want[i] = instantiate(c, s->args[i], letters);
        result = instantiate(c, s->result, letters);
    }
    if (!cel_all_assignable(&c->bindings, args, want, n))
        return;
    *arena_push(c->arena, &r->fits) = s;
    result = known(c, result);
    if (!r->result)
        r->result = result;
    else if (r->result->kind != CEL_TYPE_DYN && !cel_type_same(result, r->result))
        r->result = &cel_type_dyn;
}

/* && and || look at each term for itself. */
static const struct cel_type *check_logic(struct checker *c, struct cel_expr *e, const struct function *f)
{
    const struct cel_type *result = &cel_type_bool;

    for (size_t i = 0; i < e->call.n; i++)
        if (!cel_assignable(&c->bindings, e->call.args[i]->type, &cel_type_bool)) {
            mismatch(c, e->call.args[i], &cel_type_bool, e->call.args[i]->type);
            result = &cel_type_error;
        }
    e->call.overloads = f->v;
    e->call.n_overloads = 1;
    return result;
}

static const struct cel_type *resolve(struct checker *c, struct cel_expr *e, const struct function *f)
{
    bool member = e->call.target;
    size_t n = e->call.n + member;
    const struct cel_type **args = arena_alloc(c->arena, (n + 1) * sizeof(*args));
    struct resolution r = { 0 };

    e->call.function = f->name;
    if (streq(f->name, "_&&_") || streq(f->name, "_||_"))
        return check_logic(c, e, f);
    if (member)
        args[0] = e->call.target->type;
    for (size_t i = 0; i < e->call.n; i++)
        args[i + member] = e->call.args[i]->type;
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i]->member == member)
            try_overload(c, f->v[i], args, n, &r);
    if (r.result) {
        e->call.overloads = r.fits.v;
        e->call.n_overloads = r.fits.n;
        return r.result;
    }
    for (size_t i = 0; i < n; i++)
        args[i] = cel_substitute(&c->bindings, args[i], true);
    complain(c, e, "found no matching overload for '%s' applied to '%s'", f->name,
             cel_type_signature(c->arena, args, n, member));
    return &cel_type_error;
}

static const struct cel_type *check_call(struct checker *c, struct cel_expr *e)
{
    const struct function *f = NULL;
    const char *prefix;

    if (streq(e->call.function, "_?._"))
        return check_optional_select(c, e);
    for (size_t i = 0; i < e->call.n; i++)
        check_expr(c, e->call.args[i]);
    if (!e->call.target) {
        f = find_function(c, e->call.function);
    } else {
        prefix = qualified(c, e->call.target);
        if (prefix)
            f = find_function(c, arena_printf(c->arena, "%s.%s", prefix, e->call.function));
        if (f) {
            e->call.target = NULL;                /* not a member: the name of a function has dots */
        } else {
            check_expr(c, e->call.target);
            f = find_function(c, e->call.function);
        }
    }
    if (f)
        return resolve(c, e, f);
    undeclared(c, e, e->call.function);
    return &cel_type_error;
}

/* ---- literals --------------------------------------------------------------------------------- */

/* What has nothing in common is dyn. Kubernetes objects, but later: see validate.c. */
static const struct cel_type *join(struct checker *c, const struct cel_type *before, const struct cel_type *now)
{
    if (!before)
        return now;
    return cel_assignable(&c->bindings, before, now) ? cel_most_general(before, now) : &cel_type_dyn;
}

/* What an element or entry marked with ? holds. */
static const struct cel_type *optional_content(struct checker *c, const struct cel_expr *e)
{
    bool is_optional;
    const struct cel_type *t = unwrapped(e->type, &is_optional);

    if (!is_optional && t->kind != CEL_TYPE_DYN)
        mismatch(c, e, optional_of(c, t), t);
    return t;
}

static const struct cel_type *check_list(struct checker *c, struct cel_expr *e)
{
    const struct cel_type *all = NULL;

    for (size_t i = 0; i < e->list.n; i++) {
        struct cel_expr *element = e->list.elements[i];
        const struct cel_type *t = check_expr(c, element);
        if (e->list.optional && e->list.optional[i])
            t = optional_content(c, element);
        all = join(c, all, t);
    }
    return cel_type_list(c->arena, all ? all : cel_type_var_new(&c->bindings));
}

static const struct cel_type *check_map(struct checker *c, struct cel_expr *e)
{
    const struct cel_type *keys = NULL, *values = NULL;

    for (size_t i = 0; i < e->map.n; i++) {
        const struct cel_entry *entry = &e->map.entries[i];
        const struct cel_type *t;
        keys = join(c, keys, check_expr(c, entry->key));
        t = check_expr(c, entry->value);
        if (entry->optional)
            t = optional_content(c, entry->value);
        values = join(c, values, t);
    }
    if (!keys) {
        keys = cel_type_var_new(&c->bindings);
        values = cel_type_var_new(&c->bindings);
    }
    return cel_type_map(c->arena, keys, values);
}

static void check_struct_fields(struct checker *c, struct cel_expr *e, const struct cel_type *object)
{
    for (size_t i = 0; i < e->map.n; i++) {
        const struct cel_entry *entry = &e->map.entries[i];
        const struct cel_expr at = { .offset = entry->offset };
        const struct cel_type *want = &cel_type_error, *got = check_expr(c, entry->value);
        if (object)
            want = field_type(c, &at, object, entry->field);
        if (entry->optional)
            got = optional_content(c, entry->value);
        if (!cel_assignable(&c->bindings, want, got))
            complain(c, &at, "expected type of field '%s' is '%s' but provided type is '%s'", entry->field,
                     text(c, want), text(c, got));
    }
}

static const struct cel_type *check_struct(struct checker *c, struct cel_expr *e)
{
    const struct cel_type *result = &cel_type_error, *fields = NULL, *means;
    struct meaning m;

    if (!find_name(c, e->map.name, &m)) {
        undeclared(c, e, e->map.name);
        return &cel_type_error;
    }
    e->map.name = m.name;
    if (m.type->kind != CEL_TYPE_TYPE || !m.type->n_params) {
        complain(c, e, "'%s' is not a type", text(c, m.type));
    } else if ((fields = cel_message_named(m.name, &means))) {
        result = means;
    } else if (m.type->params[0]->kind != CEL_TYPE_OBJECT) {
        fields = &cel_type_error;                /* has none */
        complain(c, e, "'%s' is not a message type", cel_type_name(m.type->params[0]));
    } else {
        result = fields = m.type->params[0];
    }
    check_struct_fields(c, e, fields);
    return result;
}

/* ---- loops ------------------------------------------------------------------------------------ */

static void loop_types(struct checker *c, const struct cel_expr *range, bool two, const struct cel_type **ret_var,
                       const struct cel_type **ret_var2)
{
    const struct cel_type *t = known(c, range->type);

    switch (t->kind) {
    case CEL_TYPE_LIST:
        *ret_var = two ? &cel_type_int : t->params[0];
        *ret_var2 = t->params[0];
        break;
    case CEL_TYPE_MAP:
        *ret_var = t->params[0];
        *ret_var2 = t->params[1];
        break;
    case CEL_TYPE_DYN:
    case CEL_TYPE_ERROR:
    case CEL_TYPE_PARAM:
        cel_assignable(&c->bindings, &cel_type_dyn, t);
        *ret_var = *ret_var2 = &cel_type_dyn;
        break;
    default:
        complain(c, range, "expression of type '%s' cannot be range of a comprehension (must be list, map, or dynamic)",
                 text(c, t));
        *ret_var = *ret_var2 = &cel_type_error;
    }
}

static void assert_type(struct checker *c, const struct cel_expr *e, const struct cel_type *want)
{
    if (!cel_assignable(&c->bindings, want, e->type))
        mismatch(c, e, want, e->type);
}

static const struct cel_type *check_loop(struct checker *c, struct cel_expr *e)
{
    const struct scope *outside = c->scope;
    struct scope accu, var, var2;
    const struct cel_type *t, *t2;

    check_expr(c, e->loop.range);
    check_expr(c, e->loop.init);
    loop_types(c, e->loop.range, e->loop.var2, &t, &t2);
    accu = (struct scope){ outside, e->loop.accu, e->loop.init->type };
    var = (struct scope){ &accu, e->loop.var, t };
    var2 = (struct scope){ &var, e->loop.var2, t2 };
    c->scope = e->loop.var2 ? &var2 : &var;
    check_expr(c, e->loop.condition);
    assert_type(c, e->loop.condition, &cel_type_bool);
    check_expr(c, e->loop.step);
    assert_type(c, e->loop.step, e->loop.init->type);
    c->scope = &accu;
    check_expr(c, e->loop.result);
    c->scope = outside;
    return known(c, e->loop.result->type);
}

/* ---- all of it -------------------------------------------------------------------------------- */

static const struct cel_type *check_expr(struct checker *c, struct cel_expr *e)
{
    switch (e->kind) {
    case CEL_EXPR_NONE: e->type = &cel_type_error; break;
    case CEL_EXPR_LITERAL: e->type = cel_value_type(e->literal); break;
    case CEL_EXPR_IDENT: e->type = check_ident(c, e); break;
    case CEL_EXPR_SELECT: e->type = check_select(c, e); break;
    case CEL_EXPR_CALL: e->type = check_call(c, e); break;
    case CEL_EXPR_LIST: e->type = check_list(c, e); break;
    case CEL_EXPR_MAP: e->type = check_map(c, e); break;
    case CEL_EXPR_STRUCT: e->type = check_struct(c, e); break;
    case CEL_EXPR_LOOP: e->type = check_loop(c, e); break;
    }
    return e->type;
}

/* Every type as it turned out: what stayed open is dyn. */
static bool settle(void *arg, const struct cel_expr *e)
{
    struct checker *c = arg;

    ((struct cel_expr *)e)->type = cel_substitute(&c->bindings, e->type, true);
    return true;
}

bool cel_check(const struct cel_env *env, struct arena *a, const struct cel_source *src, struct cel_expr *e,
           struct cel_issues *issues)
{
    struct checker c = { .env = env, .arena = a, .src = src, .issues = issues,
                         .bindings = { .arena = a, .work = TYPE_WORK_MAX } };
    size_t before = issues->total;

    check_expr(&c, e);
    if (issues->total == before)
        cel_expr_walk(e, settle, &c);
    if (!c.bindings.work)
        cel_issue_add(issues, src, NO_OFFSET, "the types of the expression are too complex");
    return issues->total == before;
}
