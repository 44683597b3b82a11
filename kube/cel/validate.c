/* Literals that can be seen to be wrong, once the types are known. */
#include "kube/cel/cel_priv.h"
#include "kube/regex.h"

struct validation {
    const struct cel_env *env;
    struct arena *arena;
    const struct cel_source *src;
    struct cel_issues *issues;
    struct cel_run run;
};

/* The validators of cel-go one after another, each over the whole tree: issues come in that order. */
typedef bool look_fn(void *arg, const struct cel_expr *e);

#define complain(v, e, ...) cel_issue_add((v)->issues, (v)->src, (e)->offset, __VA_ARGS__)

/* The literal argument of a function; NULL: it is something else. */
static const struct cel_expr *literal_arg(const struct cel_expr *e, const char *function)
{
    return e->kind == CEL_EXPR_CALL && streq(e->call.function, function) && e->call.n &&
           e->call.args[0]->kind == CEL_EXPR_LITERAL ? e->call.args[0] : NULL;
}

/* A conversion is tried out. */
static bool look_at_conversion(struct validation *v, const struct cel_expr *e, const char *function)
{
    const struct cel_expr *arg = literal_arg(e, function);

    if (arg && e->call.n_overloads == 1 &&
        cel_is_error(e->call.overloads[0]->row->fn(&v->run, &arg->literal, 1)))
        complain(v, arg, "invalid %s argument", function);
    return true;
}

static bool look_at_duration(void *arg, const struct cel_expr *e)
{
    return look_at_conversion(arg, e, "duration");
}

static bool look_at_timestamp(void *arg, const struct cel_expr *e)
{
    return look_at_conversion(arg, e, "timestamp");
}

static bool look_at_regex(void *arg, const struct cel_expr *e)
{
    struct validation *v = arg;
    const struct cel_expr *pattern = literal_arg(e, "matches");
    const char *why;

    if (pattern && !cel_regex(&v->run, pattern->literal.s, pattern->literal.len, &why))
        complain(v, pattern, "invalid matches argument");
    return true;
}

/* ---- one type a literal ------------------------------------------------------------------------ */

static const struct cel_type *content(const struct cel_expr *e, bool optional)
{
    return optional && e->type->n_params ? e->type->params[0] : e->type;
}

static void mismatch(struct validation *v, const struct cel_expr *e, const struct cel_type *want, const struct cel_type *got)
{
    complain(v, e, "expected type '%s' but found '%s'", cel_type_text(v->arena, want), cel_type_text(v->arena, got));
}

static bool is_format(const struct cel_expr *e)
{
    return e->kind == CEL_EXPR_CALL && streq(e->call.function, "format");
}

static bool look_at_list(void *arg, const struct cel_expr *e)
{
    struct validation *v = arg;
    const struct cel_type *first = NULL;

    if (is_format(e) && (cel_env_libraries(v->env) & (CEL_LIB_STRINGS | CEL_LIB_STRINGS_3)))
        return false;
    for (size_t i = 0; e->kind == CEL_EXPR_LIST && i < e->list.n; i++) {
        const struct cel_type *t = content(e->list.elements[i], e->list.optional && e->list.optional[i]);
        if (!first)
            first = t;
        if (!cel_type_same(first, t)) {
            mismatch(v, e->list.elements[i], first, t);
            break;
        }
    }
    return true;
}

static bool look_at_map(void *arg, const struct cel_expr *e)
{
    struct validation *v = arg;
    const struct cel_type *key = NULL, *value = NULL;

    if (is_format(e) && (cel_env_libraries(v->env) & (CEL_LIB_STRINGS | CEL_LIB_STRINGS_3)))
        return false;
    for (size_t i = 0; e->kind == CEL_EXPR_MAP && i < e->map.n; i++) {
        const struct cel_entry *entry = &e->map.entries[i];
        const struct cel_type *t = content(entry->value, entry->optional);
        if (!key) {
            key = entry->key->type;
            value = t;
        }
        if (!cel_type_same(key, entry->key->type))
            mismatch(v, entry->key, key, entry->key->type);
        if (!cel_type_same(value, t))
            mismatch(v, entry->value, value, t);
    }
    return true;
}

/* ---- format ----------------------------------------------------------------------------------- */

static bool look_at_format(void *arg, const struct cel_expr *e)
{
    struct validation *v = arg;
    const struct cel_expr *bad;
    const char *why;

    if (!is_format(e) || !e->call.target || e->call.target->kind != CEL_EXPR_LITERAL ||
        e->call.target->literal.kind != CEL_STRING || e->call.n != 1 || e->call.args[0]->kind != CEL_EXPR_LIST)
        return true;
    why = cel_format_wrong(v->arena, e, &bad);
    if (why)
        complain(v, bad, "%s", why);
    return true;
}

bool cel_validate(const struct cel_env *env, struct arena *a, const struct cel_source *src, const struct cel_expr *e,
              struct cel_issues *issues)
{
    static const struct { unsigned flag; look_fn *look; } looks[] = {
        { CEL_CHECK_LITERALS, look_at_duration },
        { CEL_CHECK_LITERALS, look_at_timestamp },
        { CEL_CHECK_LITERALS, look_at_regex },
        { CEL_HOMOGENEOUS_LITERALS, look_at_list },
        { CEL_HOMOGENEOUS_LITERALS, look_at_map },
        { CEL_LIB_STRINGS | CEL_LIB_STRINGS_3, look_at_format },
    };
    struct validation v = { .env = env, .arena = a, .src = src, .issues = issues,
                            .run = { .arena = a, .work = WORK_MAX } };
    size_t before = issues->total;

    for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
        if (cel_env_libraries(env) & looks[i].flag)
            cel_expr_walk(e, looks[i].look, &v);
    cel_run_release(&v.run);
    return issues->total == before;
}
