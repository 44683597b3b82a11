#include "kube/kcel/rules.h"

#include "kube/json.h"
#include "kube/kcel/correlate.h"
#include "kube/kcel/declare.h"
#include "kube/kcel/rule.h"
#include "kube/object.h"

enum { DEPTH_MAX = 200 };

struct property {
    const char *name;
    struct kcel_rules *rules;
};

struct kcel_rules {
    struct arena *arena;               /* of the root: all types and texts */
    const json_t *node;
    const struct cel_type *type;       /* NULL: the schema declares none */
    struct kcel_rule *rules;
    const char **paths;                /* of each rule: its fieldPath, or NULL */
    size_t n_rules;
    bool reads_old;                    /* one of them does */
    struct kcel_scope scope;           /* of the rules; empty where there are none */
    struct kcel_rules *items, *values;
    struct property *properties;       /* by name */
    size_t n_properties;
    struct kcel_rules **all;
    size_t n_all;
};

/* ---- compiling ------------------------------------------------------------------------------------------------ */

struct compiling {
    const struct cel_env *base;
    struct arena *arena;
};

static struct kcel_rules *compile(struct compiling *c, const json_t *rules, const json_t *node, const struct cel_type *type,
                                  unsigned depth);

/* Is there a rule on the spine of the schema? */
static bool has_rules(const json_t *node, unsigned depth)
{
    static const char *const below[] = { "items", "additionalProperties" };
    const char *key;
    json_t *v;

    if (!json_is_object(node) || depth > DEPTH_MAX)
        return false;
    if (json_array_size(json_object_get(node, "x-kubernetes-validations")))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(below); i++)
        if (has_rules(json_object_get(node, below[i]), depth + 1))
            return true;
    json_object_foreach (json_object_get(node, "properties"), key, v)
        if (has_rules(v, depth + 1))
            return true;
    return false;
}

static void compile_own(struct compiling *c, struct kcel_rules *r, const json_t *list)
{
    size_t n = json_array_size(list);

    if (!n)
        return;
    r->rules = xcalloc(n, sizeof(*r->rules));
    r->paths = xcalloc(n, sizeof(*r->paths));
    r->n_rules = n;
    if (!r->type)
        return;
    kcel_scope_init(&r->scope, c->base, r->type);
    for (size_t i = 0; i < n; i++) {
        const json_t *node = json_array_get(list, i);
        const char *path = obj_str(node, "fieldPath");
        kcel_rule_compile(&r->scope, node, c->arena, &r->rules[i]);
        if (*path)
            r->paths[i] = kcel_field_path(c->arena, r->node, path);
        r->reads_old |= r->rules[i].uses_old;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct property *)a)->name, ((const struct property *)b)->name);
}

static bool embedded(const json_t *node)
{
    return json_is_true(json_object_get(node, "x-kubernetes-embedded-resource"));
}

static void compile_properties(struct compiling *c, struct kcel_rules *r, const json_t *properties, unsigned depth)
{
    const char *name;
    json_t *rules;

    json_object_foreach ((json_t *)properties, name, rules) {
        const json_t *node = json_object_get(json_object_get(r->node, "properties"), name);
        const struct cel_type *type = NULL;
        if (!node || !r->type)
            continue;
        /* What no identifier can name is declared for itself. */
        type = kcel_escape(c->arena, name) ? kcel_member_type(c->arena, r->type, name)
                                           : kcel_declare(c->arena, node, embedded(node));
        struct kcel_rules *below = type ? compile(c, rules, node, type, depth + 1) : NULL;
        if (!below)
            continue;
        if (!r->properties)
            r->properties = xcalloc(json_object_size(properties), sizeof(*r->properties));
        r->properties[r->n_properties++] = (struct property){ name, below };
    }
    if (r->n_properties)
        qsort(r->properties, r->n_properties, sizeof(*r->properties), by_name);
}

/* What the type says of elements or values. */
static const struct cel_type *element_type(const struct cel_type *t)
{
    return t && t->n_params && (t->kind == CEL_TYPE_LIST || t->kind == CEL_TYPE_MAP) ? t->params[t->n_params - 1] : NULL;
}

static void compile_all(struct compiling *c, struct kcel_rules *r, const json_t *list, unsigned depth)
{
    size_t i;
    json_t *v;

    json_array_foreach ((json_t *)list, i, v) {
        struct kcel_rules *one = compile(c, v, r->node, r->type, depth + 1);
        if (!one)
            continue;
        if (!r->all)
            r->all = xcalloc(json_array_size(list), sizeof(struct kcel_rules *));
        r->all[r->n_all++] = one;
    }
}

/* `rules` is where rules stand, `node` what they are about: an allOf speaks of the node that it is in. */
static struct kcel_rules *compile(struct compiling *c, const json_t *rules, const json_t *node, const struct cel_type *type,
                                  unsigned depth)
{
    const json_t *items = json_object_get(node, "items"), *values = json_object_get(node, "additionalProperties");

    if (!json_is_object(rules) || !json_is_object(node) || depth > DEPTH_MAX)
        return NULL;
    struct kcel_rules *r = xcalloc(1, sizeof(*r));
    r->node = node;
    r->type = type;
    compile_own(c, r, json_object_get(rules, "x-kubernetes-validations"));
    if (json_is_object(items))
        r->items = compile(c, json_object_get(rules, "items"), items, element_type(type), depth + 1);
    compile_properties(c, r, json_object_get(rules, "properties"), depth);
    if (json_is_object(values))
        r->values = compile(c, json_object_get(rules, "additionalProperties"), values, element_type(type), depth + 1);
    compile_all(c, r, json_object_get(rules, "allOf"), depth);
    if (!r->n_rules && !r->items && !r->values && !r->n_properties && !r->n_all)
        return kcel_rules_free(r);
    return r;
}

struct kcel_rules *kcel_rules_new(const struct cel_env *base, const json_t *openapi, bool is_resource)
{
    struct compiling c = { .base = base };

    if (!has_rules(openapi, 0))
        return NULL;
    c.arena = arena_new();
    struct kcel_rules *r = compile(&c, openapi, openapi, kcel_declare(c.arena, openapi, is_resource), 0);
    if (r)
        r->arena = c.arena;
    else
        arena_free(c.arena);
    return r;
}

struct kcel_rules *kcel_rules_free(struct kcel_rules *r)
{
    if (!r)
        return NULL;
    for (size_t i = 0; i < r->n_rules; i++)
        kcel_rule_release(&r->rules[i]);
    kcel_scope_release(&r->scope);
    for (size_t i = 0; i < r->n_properties; i++)
        kcel_rules_free(r->properties[i].rules);
    for (size_t i = 0; i < r->n_all; i++)
        kcel_rules_free(r->all[i]);
    kcel_rules_free(r->items);
    kcel_rules_free(r->values);
    free(r->rules);
    free(r->paths);
    free(r->properties);
    free(r->all);
    arena_free(r->arena);
    free(r);
    return NULL;
}

/* ---- one rule ---------------------------------------------------------------------------------------------------- */

/* What a value was, and the nearest thing around it of which that can be said. */
struct ratchet {
    struct correlated here, around;
};

/* One node of the object, while its rules run. */
struct place {
    const struct kcel_rules *r;
    const struct fpath *path;
    const json_t *obj, *old;
    struct ratchet ratchet;
};

static const char *trimmed(struct arena *a, const char *s)
{
    static const char space[] = " \t\r\n\v\f";

    s += strspn(s, space);
    size_t n = strlen(s);
    while (n && strchr(space, s[n - 1]))
        n--;
    return arena_strndup(a, s, n);
}

/* How messages name a rule: by its message, or its text. */
static const char *rule_name(struct arena *a, const struct kcel_rule *rule)
{
    const char *message = obj_str(rule->node, "message");

    return trimmed(a, *message ? message : obj_str(rule->node, "rule"));
}

static const char *message_of(struct arena *a, const struct kcel_rule *rule)
{
    const char *message = obj_str(rule->node, "message");

    return *message ? trimmed(a, message) : arena_printf(a, "failed rule: %s", rule_name(a, rule));
}

static const struct fpath *nowhere(const struct fpath *path, struct fpath *none)
{
    *none = (struct fpath){ .name = "<nil>" };
    return path ? path : none;
}

/* The value in errors is the type that the schema says. */
static void wrong(const struct place *p, struct fielderrs *errs, const char *text)
{
    struct fpath none;

    fielderr_invalid_str(errs, nowhere(p->path, &none), obj_str(p->r->node, "type"), "%s", text);
}

static void wrong_for_reason(const struct place *p, struct fielderrs *errs, const char *where, const char *reason,
                             const char *text)
{
    struct fpath none, child = { .parent = p->path, .name = where };
    const struct fpath *at = where && *where ? &child : nowhere(p->path, &none);

    if (streq(reason, "FieldValueForbidden"))
        fielderr_forbidden(errs, at, "%s", text);
    else if (streq(reason, "FieldValueRequired"))
        fielderr_required(errs, at, text);
    else if (streq(reason, "FieldValueDuplicate"))
        fielderr_duplicate_str(errs, at, obj_str(p->r->node, "type"));
    else
        fielderr_invalid_str(errs, at, obj_str(p->r->node, "type"), "%s", text);
}

struct evaluation {
    const struct place *place;
    bool optional;                     /* oldSelf may be asked for and be none */
};

static bool find_variable(void *arg, struct cel_run *run, const char *name, struct cel_value *ret)
{
    const struct evaluation *e = arg;
    const struct place *p = e->place;

    if (streq(name, "self")) {
        *ret = cel_value_typed(run, p->obj, p->r->type);
        return true;
    }
    if (!streq(name, "oldSelf") || !p->r->reads_old)
        return false;
    if (p->old)
        *ret = cel_value_typed(run, p->old, p->r->type);
    if (e->optional)
        *ret = p->old ? cel_optional_of(cel_arena(run), *ret) : cel_optional_none();
    return p->old || e->optional;
}

static bool evaluate(const struct place *p, const struct cel_program *program, bool optional, struct arena *a,
                     struct cel_result *ret)
{
    struct evaluation e = { p, optional };
    struct cel_activation act = { .find = find_variable, .arg = &e };

    return cel_eval(program, &act, a, KCEL_CALL_LIMIT, ret);
}

/* 0, or -1 when the budget ran out. */
static int spend(struct kcel_rules_run *run, uint64_t cost)
{
    if (cost > INT64_MAX || (int64_t)cost > run->budget)
        return -1;
    run->budget -= (int64_t)cost;
    return 0;
}

static bool has_lines(const char *s)
{
    return strchr(s, '\n') != NULL;
}

/* What the messageExpression says, or NULL where the rule's message must do; -1: no more rules. */
static int evaluate_message(const struct place *p, const struct kcel_rule *rule, struct kcel_rules_run *run, struct arena *a,
                            const char **ret)
{
    struct cel_result result;
    cleanup_buf struct buf quoted = BUF_INIT;

    evaluate(p, rule->message, false, a, &result);
    if (spend(run, result.cost) < 0) {
        *ret = "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be "
               "run";
        return -1;
    }
    if (result.over_limit) {
        const char *text = obj_str(rule->node, "messageExpression");
        go_quote(&quoted, text, strlen(text));
        *ret = arena_printf(a, "no further validation rules will be run due to call cost exceeds limit for "
                               "messageExpression: %s", quoted.data);
        return -1;
    }
    *ret = NULL;
    if (result.value.kind != CEL_STRING)
        return 0;
    const char *text = trimmed(a, arena_strndup(a, result.value.s, result.value.len));
    if (*text && strlen(text) <= KCEL_MESSAGE_MAX && !has_lines(text))
        *ret = text;
    return 0;
}

static bool is_old_news(const struct place *p, const struct kcel_rules_run *run, const struct kcel_rule *rule,
                        struct arena *a)
{
    if (!run->ratchet || rule->uses_old)
        return false;
    return correlated_same(a, p->ratchet.here.node ? p->ratchet.here : p->ratchet.around);
}

/* A rule that does not hold. */
static int tell(const struct place *p, size_t i, struct kcel_rules_run *run, struct arena *a)
{
    const struct kcel_rule *rule = &p->r->rules[i];
    struct fielderrs *errs = is_old_news(p, run, rule, a) ? run->warnings : run->errs;
    const char *text = NULL;
    struct place at = *p;

    int r = rule->message ? evaluate_message(p, rule, run, a, &text) : 0;
    if (r < 0) {
        struct fpath child = { .parent = p->path, .name = p->r->paths[i] };
        if (p->r->paths[i] && *p->r->paths[i])
            at.path = &child;
        wrong(&at, errs, text);
        return r;
    }
    wrong_for_reason(p, errs, p->r->paths[i], obj_str(rule->node, "reason"), text ? text : message_of(a, rule));
    return 0;
}

static int fail(const struct place *p, const struct kcel_rule *rule, const struct cel_result *result,
                struct kcel_rules_run *run, struct arena *a)
{
    const char *error = result->value.error, *name = rule_name(a, rule);

    if (result->over_limit) {
        wrong(p, run->errs, arena_printf(a, "'%s': no further validation rules will be run due to call cost exceeds limit "
                                            "for rule: %s", "operation cancelled: actual cost limit exceeded", name));
        return -1;
    }
    if (str_starts(error, "no such overload"))
        wrong(p, run->errs, arena_printf(a, "'%s': call arguments did not match a supported operator, function or macro "
                                            "signature for rule: %s", error, name));
    else
        wrong(p, run->errs, arena_printf(a, "%s evaluating rule: %s", error, name));
    return 0;
}

static int run_rule(const struct place *p, size_t i, struct kcel_rules_run *run, struct arena *a)
{
    const struct kcel_rule *rule = &p->r->rules[i];
    struct cel_result result;

    if (rule->wrong) {
        wrong(p, run->errs, arena_printf(a, "rule compile error: %s", rule->wrong));
        return 0;
    }
    if (!rule->program || (rule->uses_old && !p->old && !rule->optional_old))
        return 0;
    bool good = evaluate(p, rule->program, rule->optional_old, a, &result);
    if (spend(run, result.cost) < 0) {
        wrong(p, run->errs, "validation failed due to running out of cost budget, no further validation rules will be run");
        return -1;
    }
    if (!good)
        return fail(p, rule, &result, run, a);
    return cel_is_true(result.value) ? 0 : tell(p, i, run, a);
}

static int run_own(const struct place *p, struct kcel_rules_run *run)
{
    struct arena *a = NULL;
    int r = 0;

    if (!p->r->n_rules)
        return 0;
    if (!p->r->type) {
        wrong(p, run->errs, "rule compiler initialization error: failed to convert to declType for CEL validation rules");
        return 0;
    }
    if (run->budget <= 0) {
        wrong(p, run->errs, "validation failed due to running out of cost budget, no further validation rules will be run");
        return -1;
    }
    a = arena_new();
    for (size_t i = 0; i < p->r->n_rules && r == 0; i++) {
        r = run_rule(p, i, run, a);
        arena_reset(a);
    }
    arena_free(a);
    return r;
}

/* ---- all of them --------------------------------------------------------------------------------------------------- */

static int run_place(const struct place *p, struct kcel_rules_run *run);

static struct ratchet ratchet_below(struct ratchet up, struct correlated here)
{
    return up.here.node ? (struct ratchet){ here, up.here } : up;
}

static struct ratchet ratchet_member(struct ratchet up, const char *name)
{
    /* Both are converted to one version: what they said they were is not to be seen. */
    if (up.here.node && !up.around.node && (streq(name, "apiVersion") || streq(name, "kind")))
        return (struct ratchet){ 0 };
    return ratchet_below(up, correlate_member(up.here, name));
}

static const struct kcel_rules *find_property(const struct kcel_rules *r, const char *name)
{
    struct property key = { name, NULL }, *found;

    found = r->n_properties ? bsearch(&key, r->properties, r->n_properties, sizeof(key), by_name) : NULL;
    return found ? found->rules : NULL;
}

static int run_members(const struct place *p, struct kcel_rules_run *run)
{
    const char *key;
    json_t *v;
    int r = 0;

    json_object_foreach ((json_t *)p->obj, key, v) {
        const struct kcel_rules *below = p->r->values ? p->r->values : find_property(p->r, key);
        struct place m = { .r = below, .obj = v, .old = json_object_get(p->old, key),
                           .path = p->r->values ? FP_KEY(p->path, key) : FP_CHILD(p->path, key) };
        if (!below)
            continue;
        m.ratchet = ratchet_member(p->ratchet, key);
        if ((r = run_place(&m, run)) < 0)
            return r;
    }
    return 0;
}

static int run_elements(const struct place *p, struct kcel_rules_run *run)
{
    cleanup_arena struct arena *a = arena_new();
    struct keyed_list before = { .keys = json_object_get(p->r->node, "x-kubernetes-list-map-keys") }, index = { 0 };
    bool keyed = streq(obj_str(p->r->node, "x-kubernetes-list-type"), "map");
    size_t i;
    json_t *v;
    int r = 0;

    before.list = json_is_array(p->old) ? p->old : NULL;
    json_array_foreach ((json_t *)p->obj, i, v) {
        struct place e = { .r = p->r->items, .obj = v, .path = FP_INDEX(p->path, i) };
        if (keyed && before.list)
            e.old = keyed_list_find(a, &before, v);
        e.ratchet = ratchet_below(p->ratchet, correlate_element(a, p->ratchet.here, &index, v));
        if ((r = run_place(&e, run)) < 0)
            return r;
    }
    return 0;
}

/* No deeper than the schema. */
static int run_place(const struct place *p, struct kcel_rules_run *run)
{
    struct place here = *p;
    int r;

    if (!p->obj || json_is_null(p->obj))
        return 0;
    if (json_is_null(p->old))
        here.old = NULL;
    if ((r = run_own(&here, run)) < 0)
        return r;
    for (size_t i = 0; i < p->r->n_all; i++) {
        struct place one = here;
        one.r = p->r->all[i];
        one.ratchet.here = (struct correlated){ 0 };
        if ((r = run_place(&one, run)) < 0)
            return r;
    }
    if (json_is_array(p->obj) && p->r->items)
        return run_elements(&here, run);
    return json_is_object(p->obj) ? run_members(&here, run) : 0;
}

void kcel_rules_check(const struct kcel_rules *r, struct kcel_rules_run *run)
{
    struct place root = { .r = r, .path = run->path, .obj = run->obj, .old = run->old };

    if (!r)
        return;
    if (run->ratchet && run->old)
        root.ratchet.here = (struct correlated){ r->node, run->obj, run->old };
    if (run_place(&root, run) < 0)
        run->budget = -1;
}
