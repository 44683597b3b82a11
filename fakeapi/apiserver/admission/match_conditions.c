#include "fakeapi/apiserver/admission/expressions.h"

/* Match conditions: one that is false is enough to be spared, whatever the others yield (I-006). */

int conditions_hold(struct evaluation *e, const struct expression *x, size_t n, bool ignores, const char **ret_wrong)
{
    struct arena *a = e->c->arena;
    const char *wrong = NULL;
    size_t n_wrong = 0;

    e->budget = KCEL_MATCH_BUDGET;
    evaluation_begin(e);
    for (size_t i = 0; i < n; i++) {
        struct cel_value v = cel_bool(true);
        const char *why;
        if (expression_run(e, &x[i], &v, &why) < 0) {
            *ret_wrong = why;
            return ignores ? 0 : -1;
        }
        if (why)
            wrong = n_wrong++ ? arena_printf(a, "%s, %s", wrong, why) : why;
        else if (!cel_is_true(v))
            return 0;
    }
    if (!n_wrong)
        return 1;
    *ret_wrong = n_wrong > 1 ? arena_printf(a, "[%s]", wrong) : wrong;
    return ignores ? 0 : -1;
}

static struct expression *compile(struct expression_env *env, const json_t *conditions, size_t n)
{
    struct expression *x = arena_alloc(expression_env_arena(env), (n + 1) * sizeof(*x));

    for (size_t i = 0; i < n; i++)
        expression_compile(env, obj_str(json_array_get(conditions, i), "expression"), EXPRESSION_BOOL, true, &x[i]);
    return x;
}

static int forbidden(struct call *c, const struct admission *a, const char *why)
{
    const struct kind *k = a->kind;
    int r = apierr_set(&c->err, APIERR_FORBIDDEN, "%s \"%s\" is forbidden: %s", kind_group_resource(c->arena, k), a->name, why);

    c->err.name = arena_strdup(c->arena, a->name);
    c->err.group = arena_strdup(c->arena, k->res.group);
    c->err.kind = arena_strdup(c->arena, k->res.plural);
    return r;
}

int match_conditions(struct call *c, const struct admission *a, const json_t *conditions, bool ignores,
                     const json_t *object, const json_t *old)
{
    size_t n = json_array_size(conditions);
    struct expression_env *env = expression_env_new(c->s, false);
    struct expression *x = compile(env, conditions, n);
    struct evaluation e = { .c = c, .a = a, .env = env, .kind = a->kind, .body = a->body, .object = object, .old = old };
    const char *wrong = NULL;
    int r = conditions_hold(&e, x, n, ignores, &wrong);

    evaluation_release(&e);
    for (size_t i = 0; i < n; i++)
        expression_release(&x[i]);
    expression_env_free(env);
    return r < 0 ? forbidden(c, a, wrong) : r;
}
