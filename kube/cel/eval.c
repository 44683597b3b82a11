/* Steps to a value. */
#include <math.h>

#include "kube/cel/plan_priv.h"
#include "world/deep.h"

struct loop_frame {
    struct loop_frame *outer;
    const struct step *step;
    struct cel_value accu, var, var2;
    bool initialized, finishing;                 /* finishing: the result sees no loop variables */
};

const char *cel_go_type(enum cel_kind kind)
{
    static const char *const names[] = {
        [CEL_ERROR] = "*types.Err", [CEL_NULL] = "types.Null", [CEL_BOOL] = "types.Bool", [CEL_INT] = "types.Int",
        [CEL_UINT] = "types.Uint", [CEL_DOUBLE] = "types.Double", [CEL_STRING] = "types.String",
        [CEL_BYTES] = "types.Bytes", [CEL_TIMESTAMP] = "types.Timestamp", [CEL_DURATION] = "types.Duration",
        [CEL_LIST] = "*types.baseList", [CEL_MAP] = "*types.baseMap", [CEL_OBJECT] = "*types.baseMap",
        [CEL_TYPE] = "*types.Type", [CEL_OPTIONAL] = "*types.Optional", [CEL_OPAQUE] = "*types.Opaque",
    };

    return names[kind];
}

/* ---- variables -------------------------------------------------------------------------------- */

static bool same_name(const char *a, const char *b)
{
    return a == b || streq(a, b);
}

/* The start of a loop's accumulator is worked out when it is first read, outside of the loop. */
static struct cel_value accumulated(struct cel_run *run, struct loop_frame *f)
{
    if (!f->initialized) {
        struct loop_frame *inner = run->loops;
        f->initialized = true;
        run->loops = f->outer;
        f->accu = cel_step_eval(run, f->step->loop.init);
        run->loops = inner;
    }
    return f->accu;
}

static bool find_variable(struct cel_run *run, const char *name, struct cel_value *ret)
{
    for (struct loop_frame *f = run->loops; f; f = f->outer) {
        if (same_name(name, f->step->loop.accu)) {
            *ret = accumulated(run, f);
            return true;
        }
        if (f->finishing)
            continue;
        if (same_name(name, f->step->loop.var)) {
            *ret = f->var;
            return true;
        }
        if (f->step->loop.var2 && same_name(name, f->step->loop.var2)) {
            *ret = f->var2;
            return true;
        }
    }
    if (!run->vars)
        return false;
    for (size_t i = 0; i < run->vars->n; i++)
        if (streq(run->vars->vars[i].name, name)) {
            *ret = run->vars->vars[i].value;
            return true;
        }
    return run->vars->find && run->vars->find(run->vars->arg, run, name, ret);
}

/* ---- the way into a value ----------------------------------------------------------------------- */

static struct cel_value no_such_key(struct cel_run *run, struct cel_value key)
{
    return cel_error(run, "no such key: %s", cel_value_text(run, key));
}

static struct cel_value list_index(struct cel_run *run, struct cel_value key)
{
    if (key.kind == CEL_INT)
        return key;
    if (key.kind == CEL_DOUBLE && key.d > -0x1p63 && key.d < 0x1p63 && key.d == floor(key.d))
        return cel_int((int64_t)key.d);
    if (key.kind == CEL_UINT && key.u <= INT64_MAX)
        return cel_int((int64_t)key.u);
    if (key.kind == CEL_DOUBLE || key.kind == CEL_UINT)
        return cel_error(run, "unsupported index value %s in list", cel_value_text(run, key));
    return cel_error(run, "unsupported index type '%s' in list", cel_type_name(cel_value_type(key)));
}

/* What an object has under a key. *ret_present false: nothing, or an error if that was not asked. */
static struct cel_value look_up(struct cel_run *run, struct cel_value object, struct cel_value key, bool ask,
                                bool *ret_present)
{
    struct cel_value found;

    *ret_present = false;
    switch (object.kind) {
    case CEL_ERROR:
        return object;
    case CEL_MAP:
    case CEL_OBJECT:
        if (!cel_map_find(run, object.map, key, &found))
            break;
        *ret_present = !cel_is_error(found);
        return found;
    case CEL_LIST:
        if (!ask && object.list->ops->strict && (key.kind == CEL_UINT || key.kind == CEL_DOUBLE))
            return cel_error(run, "unsupported index: %s", cel_value_text(run, key));
        found = list_index(run, key);
        if (cel_is_error(found))
            return found;
        if (found.i >= 0 && (uint64_t)found.i < object.list->n) {
            found = cel_list_get(run, object.list, (size_t)found.i);
            *ret_present = true;
            return found;
        }
        return ask ? CEL_NULL_VALUE : cel_error(run, "index out of bounds: %s", cel_value_text(run, key));
    default:
        break;
    }
    return ask ? CEL_NULL_VALUE : no_such_key(run, key);
}

static struct cel_value attribute_value(struct cel_run *run, const struct attribute *a);

static struct cel_value qualifier_key(struct cel_run *run, const struct qualifier *q)
{
    struct cel_value key;

    if (!q->attribute)
        return q->constant;
    key = attribute_value(run, q->attribute);
    switch (key.kind) {
    case CEL_ERROR: case CEL_STRING: case CEL_INT: case CEL_UINT: case CEL_BOOL: case CEL_DOUBLE:
        return key;
    default:
        return cel_error(run, "invalid qualifier type: %s", cel_go_type(key.kind));
    }
}

/* One step into a value. `ask`: an optional; what is not there is no error. */
static struct cel_value qualify(struct cel_run *run, const struct qualifier *q, struct cel_value object, bool ask,
                                bool *ret_present)
{
    struct cel_value key = qualifier_key(run, q), v;

    *ret_present = false;
    if (cel_is_error(key)) {
        v = key;
    } else {
        v = look_up(run, object, key, ask || q->test, ret_present);
        if (q->test && !cel_is_error(v))
            v = ask ? CEL_NULL_VALUE : cel_bool(*ret_present);
    }
    if (ask && !*ret_present)
        return v;
    if (q->relative)
        cel_track_drop(run, cel_attribute_id(q->attribute));
    cel_track_value(run, q->id, v, 1);
    return v;
}

static struct cel_value qualified(struct cel_run *run, struct cel_value v, const struct qualifier *q, size_t n)
{
    bool optional = v.kind == CEL_OPTIONAL, present;

    if (optional && !v.optional)
        return v;
    if (optional)
        v = *v.optional;
    for (size_t i = 0; i < n; i++) {
        optional |= q[i].optional;
        v = qualify(run, &q[i], v, optional, &present);
        if (cel_is_error(v))
            return v;
        if (optional && !present)
            return cel_optional_none();
    }
    return optional ? cel_optional_of(run->arena, v) : v;
}

/* A name in a tree that was not checked: as much of `a.b.c` as is a variable's name. */
static struct cel_value unresolved_value(struct cel_run *run, const struct attribute *a)
{
    size_t most = 0;

    while (most < a->qualifiers.n && !a->qualifiers.v[most].attribute && !a->qualifiers.v[most].test &&
           !a->qualifiers.v[most].optional && a->qualifiers.v[most].constant.kind == CEL_STRING)
        most++;
    for (size_t k = most + 1; k-- > 0;) {
        cleanup_buf struct buf name = BUF_INIT;
        const char *full;
        buf_add_str(&name, a->name);
        for (size_t i = 0; i < k; i++)
            buf_printf(&name, ".%.*s", (int)a->qualifiers.v[i].constant.len, a->qualifiers.v[i].constant.s);
        for (size_t i = 0; (full = cel_env_candidate(run->env, run->arena, name.data, i)); i++) {
            struct cel_value v;
            const struct variable *known;
            const struct cel_type *t;
            if (find_variable(run, full, &v))
                return cel_is_error(v) ? v : qualified(run, v, a->qualifiers.v + k, a->qualifiers.n - k);
            known = cel_env_variable(run->env, full);
            if (known && known->constant)
                return qualified(run, *known->constant, a->qualifiers.v + k, a->qualifiers.n - k);
            t = cel_env_type_named(run->env, full);
            if (t && k == a->qualifiers.n)
                return cel_type_value(t);
        }
    }
    return cel_error(run, "no such attribute(s): %s", a->name);
}

static struct cel_value attribute_value(struct cel_run *run, const struct attribute *a)
{
    struct cel_value v;

    switch (a->kind) {
    case ATTRIBUTE_VARIABLE:
        if (a->unresolved)
            return unresolved_value(run, a);
        if (!find_variable(run, a->name, &v))
            return cel_error(run, "no such attribute(s): %s", a->name);
        break;
    case ATTRIBUTE_VALUE:
        v = cel_step_eval(run, a->operand);
        break;
    default:
        v = cel_step_eval(run, a->operand);
        if (v.kind == CEL_BOOL)
            return attribute_value(run, v.b ? a->yes : a->no);
        return cel_is_error(v) ? v : cel_no_such_overload(run);
    }
    return cel_is_error(v) ? v : qualified(run, v, a->qualifiers.v, a->qualifiers.n);
}

/* The cost of an attribute as such: none for a conditional. Looking only gives one back, whatever it cost. */
static void track_attribute(struct cel_run *run, const struct attribute *a, int64_t id, bool test, struct cel_value v)
{
    if (!run->tracker)
        return;
    if (a->kind == ATTRIBUTE_CONDITIONAL) {
        cel_track_drop(run, cel_attribute_id(a->no));
        cel_track_drop(run, cel_attribute_id(a->yes));
        cel_track_drop(run, cel_step_id(a->operand));
    } else {
        cel_track_drop(run, cel_attribute_id(a));
    }
    cel_track_value(run, id, v, (uint64_t)(a->kind != ATTRIBUTE_CONDITIONAL) - test);
}

static struct cel_value eval_attribute(struct cel_run *run, const struct step *s)
{
    struct cel_value v = attribute_value(run, s->attribute);

    track_attribute(run, s->attribute, cel_attribute_id(s->attribute), false, v);
    return v;
}

static struct cel_value eval_test(struct cel_run *run, const struct step *s)
{
    struct cel_value v = attribute_value(run, s->attribute);

    if (v.kind == CEL_OPTIONAL)
        v = cel_bool(v.optional);
    track_attribute(run, s->attribute, s->id, true, v);
    return v;
}

/* ---- logic ------------------------------------------------------------------------------------ */

/* An error is forgotten if the other term decides. */
static struct cel_value eval_logic(struct cel_run *run, const struct step *s, bool decisive)
{
    struct cel_value result = cel_bool(!decisive);

    for (size_t i = 0; i < s->n; i++) {
        struct cel_value v = cel_step_eval(run, s->args[i]);
        if (run->ended)
            return v;
        if (v.kind == CEL_BOOL && v.b == decisive) {
            result = v;
            break;
        }
        if (v.kind != CEL_BOOL && !cel_is_error(result))
            result = cel_is_error(v) ? v : cel_no_such_overload(run);
    }
    for (size_t i = 0; i < s->n; i++)
        cel_track_drop(run, s->ids[i]);
    cel_track_value(run, s->id, result, 0);
    return result;
}

/* ---- calls ------------------------------------------------------------------------------------ */

static void track_call(struct cel_run *run, const struct step *s, const struct cel_signature *signature,
                       struct cel_value result)
{
    struct cel_value few[4], *args = few;
    uint64_t cost = 0;

    if (!run->tracker)
        return;
    if (s->n > ARRAY_SIZE(few))
        args = arena_alloc(run->arena, s->n * sizeof(*args));
    if (cel_track_take(run, s->ids, s->n, args))
        cost = cel_track_call_cost(run, s->function, signature, args, s->n, result);
    cel_track_value(run, s->id, result, cost);
}

static struct cel_value eval_equality(struct cel_run *run, const struct step *s, bool negated)
{
    struct cel_value a = cel_step_eval(run, s->args[0]), b = cel_step_eval(run, s->args[1]), v;

    if (run->ended)
        return a;
    v = cel_is_error(a) ? a : cel_is_error(b) ? b : cel_equal(run, a, b);
    if (negated && !cel_is_error(a) && !cel_is_error(b) && !run->ended)
        v = cel_bool(!cel_is_true(v));
    track_call(run, s, s->f->v[0], v);
    return v;
}

static struct cel_value eval_not_strictly_false(struct cel_run *run, const struct step *s)
{
    struct cel_value v = cel_step_eval(run, s->args[0]);

    if (v.kind != CEL_BOOL)
        v = cel_bool(true);
    track_call(run, s, s->f->v[0], v);
    return v;
}

static struct cel_value eval_optional_or(struct cel_run *run, const struct step *s)
{
    struct cel_value v = cel_step_eval(run, s->args[0]);

    if (v.kind == CEL_OPTIONAL) {
        if (!v.optional)
            v = cel_step_eval(run, s->args[1]);
        else if (s->kind == STEP_OPTIONAL_OR_VALUE)
            v = *v.optional;
    }
    cel_track_value(run, s->id, v, 0);
    return v;
}

static struct cel_value eval_in_set(struct cel_run *run, const struct step *s)
{
    struct cel_value v = cel_step_eval(run, s->args[0]), found;

    if (!cel_is_error(v))
        v = cel_bool(cel_map_find(run, s->set, v, &found));
    cel_track_value(run, s->id, v, 0);
    return v;
}

static bool args_fit(const struct cel_signature *s, const struct cel_value *args, size_t n)
{
    if (s->n != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!cel_value_fits(args[i], s->args[i]))
            return false;
    return true;
}

/* "no such overload: f(int, string)". */
static struct cel_value no_overload(struct cel_run *run, const char *function, const struct cel_value *args, size_t n)
{
    cleanup_buf struct buf b = BUF_INIT;

    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", cel_type_name(cel_value_type(args[i])));
    return cel_error(run, "no such overload: %s(%s)", function, b.len ? b.data : "");
}

static bool has_methods(struct cel_value v)
{
    return v.kind == CEL_STRING || v.kind == CEL_TIMESTAMP || v.kind == CEL_DURATION;
}

static struct cel_value dispatch(struct cel_run *run, const struct step *s, const struct cel_value *args)
{
    if (!s->f) {
        if (s->n && has_methods(args[0]))
            return cel_no_such_overload(run);
        return cel_error(run, "no such overload: %s", s->function);
    }
    if (s->signature)
        return s->signature->unguarded || args_fit(s->signature, args, s->n) ? s->signature->row->fn(run, args, s->n)
                                                                            : no_overload(run, s->function, args, s->n);
    for (size_t i = 0; i < s->f->n; i++) {
        const struct cel_signature *o = s->f->v[i];
        if (o->unguarded ? o->n == s->n : args_fit(o, args, s->n))
            return o->row->fn(run, args, s->n);
    }
    return no_overload(run, s->function, args, s->n);
}

/* Two arguments are both worked out before an error counts; of more, the first error ends it. */
static struct cel_value eval_call(struct cel_run *run, const struct step *s)
{
    struct cel_value few[4] = { 0 }, *args = few, result = CEL_NULL_VALUE;
    bool bad = false;

    if (s->n > ARRAY_SIZE(few))
        args = arena_alloc(run->arena, s->n * sizeof(*args));
    for (size_t i = 0; i < s->n && !(bad && s->first_error); i++) {
        args[i] = cel_step_eval(run, s->args[i]);
        if (run->ended)
            return args[i];
        if (cel_is_error(args[i]) && !bad) {
            result = args[i];
            bad = true;
        }
    }
    if (!bad)
        result = dispatch(run, s, args);
    track_call(run, s, s->signature, result);
    return result;
}

/* ---- literals --------------------------------------------------------------------------------- */

enum { LIST_COST = 10, MAP_COST = 30, STRUCT_COST = 40 };

static struct cel_value finish_literal(struct cel_run *run, const struct step *s, struct cel_value v, uint64_t cost)
{
    if (run->tracker) {
        struct cel_value *taken = arena_alloc(run->arena, (s->n + 1) * sizeof(*taken));
        cel_track_take(run, s->ids, s->n, taken);
    }
    cel_track_value(run, s->id, v, cost);
    return v;
}

static struct cel_value eval_list(struct cel_run *run, const struct step *s)
{
    struct cel_value *v = arena_alloc(run->arena, (s->n + 1) * sizeof(*v)), made;
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        struct cel_value e = cel_step_eval(run, s->args[i]);
        if (cel_is_error(e) || run->ended)
            return finish_literal(run, s, e, LIST_COST);
        if (s->optional && s->optional[i]) {
            if (e.kind != CEL_OPTIONAL)
                return finish_literal(run, s, cel_error(run, "cannot initialize optional list element from "
                                                        "non-optional value %s", cel_value_text(run, e)), LIST_COST);
            if (!e.optional)
                continue;
            e = *e.optional;
        }
        v[n++] = e;
    }
    made = cel_list_of(run->arena, v, n);
    return finish_literal(run, s, made, LIST_COST);
}

/* Takes the content of an optional entry; false: there is none. */
static bool entry_content(struct cel_run *run, struct cel_value key, struct cel_value *v)
{
    if (v->kind != CEL_OPTIONAL) {
        *v = cel_error(run, "cannot initialize optional entry '%s' from non-optional value %s", cel_value_text(run, key),
                       cel_value_text(run, *v));
        return true;
    }
    if (!v->optional)
        return false;
    *v = *v->optional;
    return true;
}

/* The last value of a key wins, at the place of the first. */
static void set_entry(struct cel_run *run, struct cel_value *v, size_t *n, struct cel_value key, struct cel_value value)
{
    int order;

    for (size_t i = 0; i < *n && *n < 64; i++)
        if (v[2 * i].kind == key.kind && cel_compare(v[2 * i], key, &order) && order == 0) {
            v[2 * i + 1] = value;
            return;
        }
    v[2 * *n] = key;
    v[2 * (*n)++ + 1] = value;
}

static struct cel_value eval_map(struct cel_run *run, const struct step *s)
{
    struct cel_value *v = arena_alloc(run->arena, (s->n + 1) * sizeof(*v)), made;
    size_t n = 0;

    for (size_t i = 0; i < s->n; i += 2) {
        struct cel_value key = cel_step_eval(run, s->args[i]), value;
        if (cel_is_error(key) || run->ended)
            return finish_literal(run, s, key, MAP_COST);
        value = cel_step_eval(run, s->args[i + 1]);
        if (!cel_is_error(value) && s->optional[i / 2] && !entry_content(run, key, &value))
            continue;
        if (cel_is_error(value) || run->ended)
            return finish_literal(run, s, value, MAP_COST);
        set_entry(run, v, &n, key, value);
    }
    made = cel_map_of(run->arena, v, n);
    return finish_literal(run, s, made, MAP_COST);
}

/* A message that CEL knows is what it stands for: no fields are looked up in it. */
static struct cel_value make_message(struct cel_run *run, const struct step *s, const struct cel_value *entries, size_t n)
{
    const char **fields = arena_alloc(run->arena, (n + 1) * sizeof(*fields));
    struct cel_value *v = arena_alloc(run->arena, (n + 1) * sizeof(*v));

    for (size_t i = 0; i < n; i++) {
        fields[i] = entries[2 * i].s;
        v[i] = entries[2 * i + 1];
    }
    return cel_message_value(run, s->type, fields, v, n);
}

static struct cel_value eval_struct(struct cel_run *run, const struct step *s)
{
    const struct cel_type *means;

    struct cel_value *v = arena_alloc(run->arena, (2 * s->n + 1) * sizeof(*v)), made;
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        struct cel_value value = cel_step_eval(run, s->args[i]);
        if (!cel_is_error(value) && s->optional[i] && !entry_content(run, cel_str(s->fields[i]), &value))
            continue;
        if (cel_is_error(value) || run->ended)
            return finish_literal(run, s, value, STRUCT_COST);
        set_entry(run, v, &n, cel_str(s->fields[i]), value);
    }
    made = cel_message_named(s->type->name, &means) ? make_message(run, s, v, n)
                                                    : cel_object_of(run->arena, s->type, v, n);
    return finish_literal(run, s, made, STRUCT_COST);
}

/* ---- loops ------------------------------------------------------------------------------------ */

/* One round; false: the loop is over. */
static bool loop_round(struct cel_run *run, struct loop_frame *f)
{
    struct cel_value go_on = cel_step_eval(run, f->step->loop.condition);

    if (run->ended || !cel_work(run, 1) || (go_on.kind == CEL_BOOL && !go_on.b))
        return false;
    f->accu = cel_step_eval(run, f->step->loop.step);
    f->initialized = true;
    return !run->ended;
}

static void loop_list(struct cel_run *run, struct loop_frame *f, const struct cel_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        struct cel_value v = cel_list_get(run, l, i);
        f->var = f->step->loop.var2 ? cel_int((int64_t)i) : v;
        f->var2 = v;
        if (!loop_round(run, f))
            return;
    }
}

static void loop_map(struct cel_run *run, struct loop_frame *f, const struct cel_map *m)
{
    void *pos = NULL;

    while (cel_map_next(run, m, &pos, &f->var, &f->var2))
        if (!loop_round(run, f))
            return;
}

static struct cel_value loop_value(struct cel_run *run, const struct step *s)
{
    struct cel_value range = cel_step_eval(run, s->loop.range), v;
    struct loop_frame f = { .outer = run->loops, .step = s };

    if (cel_is_error(range) || run->ended)
        return range;
    if (range.kind != CEL_LIST && range.kind != CEL_MAP && range.kind != CEL_OBJECT)
        return s->loop.var2 ? cel_error(run, "unsupported comprehension range type: %s", cel_go_type(range.kind))
                            : cel_error(run, "got '%s', expected iterable type", cel_go_type(range.kind));
    run->loops = &f;
    if (range.kind == CEL_LIST)
        loop_list(run, &f, range.list);
    else
        loop_map(run, &f, range.map);
    f.finishing = true;
    v = cel_step_eval(run, s->loop.result);
    run->loops = f.outer;
    return v;
}

static struct cel_value eval_loop(struct cel_run *run, const struct step *s)
{
    struct cel_value v = loop_value(run, s);

    cel_track_drop(run, cel_step_id(s->loop.range));
    cel_track_value(run, s->id, v, 0);
    return v;
}

/* ---- all of it -------------------------------------------------------------------------------- */

struct cel_value cel_step_eval(struct cel_run *run, const struct step *s)
{
    if (run->ended)
        return cel_overrun(run);
    switch (s->kind) {
    case STEP_CONSTANT:
        cel_track_value(run, s->id, s->constant, 0);
        return s->constant;
    case STEP_ATTRIBUTE: return eval_attribute(run, s);
    case STEP_TEST: return eval_test(run, s);
    case STEP_AND: return eval_logic(run, s, false);
    case STEP_OR: return eval_logic(run, s, true);
    case STEP_EQUAL: return eval_equality(run, s, false);
    case STEP_NOT_EQUAL: return eval_equality(run, s, true);
    case STEP_NOT_STRICTLY_FALSE: return eval_not_strictly_false(run, s);
    case STEP_OPTIONAL_OR:
    case STEP_OPTIONAL_OR_VALUE: return eval_optional_or(run, s);
    case STEP_IN_SET: return eval_in_set(run, s);
    case STEP_CALL: return eval_call(run, s);
    case STEP_LIST: return eval_list(run, s);
    case STEP_MAP: return eval_map(run, s);
    case STEP_STRUCT: return eval_struct(run, s);
    case STEP_LOOP: return eval_loop(run, s);
    }
    return cel_overrun(run);
}

struct evaluation {
    struct cel_run run;
    const struct step *plan;
    struct cel_value value;
};

static void evaluate(void *arg)
{
    struct evaluation *e = arg;

    e->value = cel_step_eval(&e->run, e->plan);
}

/* Deeper trees run on a stack that holds them. */
enum { DEPTH_DIRECT = 48, DEEP_STACK = 64 << 20 };

bool cel_eval(const struct cel_program *p, const struct cel_activation *vars, struct arena *arena, uint64_t cost_limit,
              struct cel_result *ret)
{
    struct evaluation e = { .run = { .arena = arena, .env = p->env, .vars = vars, .work = WORK_MAX }, .plan = p->plan };

    *ret = (struct cel_result){ 0 };
    if (!p->plan) {
        ret->value = cel_error(&e.run, "%s", p->unplanned);
        return false;
    }
    e.run.tracker = cel_tracker_new(arena, p->max_id, cost_limit, cel_env_actual_costs(p->env));
    if (p->depth <= DEPTH_DIRECT)
        evaluate(&e);
    else
        deep_call(DEEP_STACK, evaluate, &e);
    cel_run_release(&e.run);
    ret->over_limit = e.run.ended;
    ret->value = e.run.ended ? cel_overrun(&e.run) : e.value;
    ret->cost = cel_tracker_cost(e.run.tracker);
    return !cel_is_error(ret->value);
}
