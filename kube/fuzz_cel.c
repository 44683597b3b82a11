/* Whatever compiles has an estimate and yields a value or an error, the same each time; what checks as bool yields a
 * bool. The first line is the expression, the rest is JSON that `x` stands for, or nothing. */
#include "kube/cel/cel.h"
#include "kube/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COST_LIMIT = 10000 };

static struct cel_env *environment(void)
{
    static const struct { const char *name, *type; } vars[] = {
        { "x", "dyn" }, { "s", "string" }, { "l", "list(int)" }, { "m", "map(string, int)" },
    };
    struct cel_env *env = cel_env_new(CEL_KUBERNETES | CEL_LIB_BINDINGS | CEL_LIB_STRINGS_3);

    for (size_t i = 0; i < ARRAY_SIZE(vars); i++)
        cel_env_add_variable(env, vars[i].name, cel_env_type(env, vars[i].type));
    return env;
}

static struct cel_result evaluate(const struct cel_program *p, struct arena *a, const json_t *x)
{
    const struct cel_variable vars[] = {
        { "x", cel_value_json(a, x) }, { "s", cel_str("text") },
        { "l", cel_list_of(a, (struct cel_value[]){ cel_int(1), cel_int(-2) }, 2) },
        { "m", cel_map_of(a, (struct cel_value[]){ cel_str("k"), cel_int(7) }, 1) },
    };
    struct cel_activation activation = { .vars = vars, .n = ARRAY_SIZE(vars) };
    struct cel_result result;

    cel_eval(p, &activation, a, COST_LIMIT, &result);
    assert(result.over_limit || result.cost <= COST_LIMIT);
    return result;
}

static const char *shown(struct arena *a, struct cel_value v)
{
    struct cel_run *run = cel_run_new(a);
    cleanup_buf struct buf b = BUF_INIT;
    const char *text;

    cel_write(run, &b, v);
    text = arena_strndup(a, b.data ? b.data : "", b.len);
    cel_run_free(run);
    return text;
}

static void check(const struct cel_program *p, struct arena *a, const json_t *x)
{
    struct cel_range cost = cel_estimate_cost(p, NULL);
    struct cel_result once = evaluate(p, a, x), again = evaluate(p, a, x);

    assert(cost.min <= cost.max);
    assert(once.cost == again.cost);
    assert(streq(shown(a, once.value), shown(a, again.value)));
    if (cel_program_type(p)->kind == CEL_TYPE_BOOL)
        assert(once.value.kind == CEL_BOOL || cel_is_error(once.value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *a = arena_new();
    const char *text = (const char *)data, *line = size ? memchr(text, '\n', size) : NULL;
    size_t len = line ? (size_t)(line - text) : size;
    json_auto_t *x = line ? json_parse(line + 1, size - len - 1, 0, NULL, NULL) : NULL;
    struct cel_issues issues = { .arena = a };
    struct cel_env *env = environment();
    struct cel_program *p = cel_compile(env, text, len, &issues);

    if (p)
        check(p, a, x);
    else
        assert(*cel_issues_text(&issues, text, len));
    cel_program_free(p);
    cel_env_free(env);
    return 0;
}
