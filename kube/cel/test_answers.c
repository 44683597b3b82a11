/* What cel-go 0.26 answered, as Kubernetes configures it: issues, types, values, errors, costs and estimates, to the
 * letter. The lines of fixtures/cel/answers.jsonl were made at random; some are broken on purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/cel/cel.h"
#include "kube/json.h"

static const char *folder;

enum { COST_LIMIT = 1000000 };

struct table {
    struct cel_env *env;
    json_t *x, *l, *m, *ls;
};

static struct table table_new(void)
{
    static const struct { const char *name, *type; } vars[] = {
        { "x", "dyn" }, { "s", "string" }, { "l", "list(int)" }, { "m", "map(string, int)" }, { "ls", "list(string)" },
        { "i", "int" }, { "d", "double" }, { "b", "bool" }, { "u", "uint" },
    };
    struct table t = { .env = cel_env_new(CEL_KUBERNETES | CEL_LIB_BINDINGS),
                       .x = json_parse_str("{\"a\":1,\"b\":[1,2.5,\"z\"],\"c\":null}"),
                       .l = json_parse_str("[1,2,3]"),
                       .m = json_parse_str("{\"k\":7}"),
                       .ls = json_parse_str("[\"aa\",\"b\",\"aa\"]") };

    for (size_t i = 0; i < ARRAY_SIZE(vars); i++)
        cel_env_add_variable(t.env, vars[i].name, cel_env_type(t.env, vars[i].type));
    return t;
}

static void table_release(struct table *t)
{
    t->env = cel_env_free(t->env);
    json_decref(t->x);
    json_decref(t->l);
    json_decref(t->m);
    json_decref(t->ls);
}

/* What was declared of the sizes when cel-go was asked. */
static bool size_of(void *arg, const struct cel_node *node, struct cel_range *ret)
{
    static const struct { const char *path; uint64_t max; } sizes[] = {
        { "s", 100 }, { "l", 20 }, { "m", 20 }, { "ls", 20 }, { "ls.@items", 30 }, { "m.@keys", 30 }, { "m.@values", 30 },
    };
    cleanup_buf struct buf path = BUF_INIT;

    for (size_t i = 0; i < node->n_path; i++)
        buf_printf(&path, "%s%s", i ? "." : "", node->path[i]);
    for (size_t i = 0; path.len && i < ARRAY_SIZE(sizes); i++)
        if (streq(sizes[i].path, path.data)) {
            *ret = (struct cel_range){ 0, sizes[i].max };
            return true;
        }
    return false;
}

static void evaluate(const struct table *t, struct arena *a, const struct cel_program *p, json_t *got)
{
    const struct cel_variable vars[] = {
        { "x", cel_value_json(a, t->x) }, { "s", cel_str("h\u00e9llo") }, { "l", cel_value_json(a, t->l) },
        { "m", cel_value_json(a, t->m) }, { "ls", cel_value_json(a, t->ls) }, { "i", cel_int(5) },
        { "d", cel_double(2.5) }, { "b", cel_bool(true) }, { "u", cel_uint(6) },
    };
    struct cel_activation activation = { .vars = vars, .n = ARRAY_SIZE(vars) };
    struct cel_run *run = cel_run_new(a);
    cleanup_buf struct buf b = BUF_INIT;
    struct cel_result result;

    cel_eval(p, &activation, a, COST_LIMIT, &result);
    json_object_set_new(got, "cost", json_string(arena_printf(a, "%llu", (unsigned long long)result.cost)));
    if (cel_is_error(result.value)) {
        json_object_set_new(got, "error", json_string(result.value.error));
    } else {
        cel_write(run, &b, result.value);
        json_object_set_new(got, "value", json_string(b.data));
    }
    run = cel_run_free(run);
}

static json_t *answer(const struct table *t, struct arena *a, const char *expr)
{
    struct cel_estimator estimator = { .size = size_of };
    struct cel_issues issues = { .arena = a };
    struct cel_program *p = cel_compile(t->env, expr, strlen(expr), &issues);
    json_t *got = json_pack("{ss}", "expr", expr);
    struct cel_range cost;

    if (!p) {
        json_object_set_new(got, "issues", json_string(cel_issues_text(&issues, expr, strlen(expr))));
        return got;
    }
    cost = cel_estimate_cost(p, &estimator);
    json_object_set_new(got, "type", json_string(cel_type_text(a, cel_program_type(p))));
    json_object_set_new(got, "estimate", json_pack("[ss]", arena_printf(a, "%llu", (unsigned long long)cost.min),
                                                   arena_printf(a, "%llu", (unsigned long long)cost.max)));
    if (cel_program_wrong(p))
        json_object_set_new(got, "program", json_string(cel_program_wrong(p)));
    else
        evaluate(t, a, p, got);
    p = cel_program_free(p);
    return got;
}

static void ours_are_the_same(void **state)
{
    cleanup_free char *path = xasprintf("%s/answers.jsonl", folder);
    struct table t = table_new();
    char *line = NULL;
    size_t cap = 0, n = 0, wrong = 0;
    ssize_t len;
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    while ((len = getline(&line, &cap, f)) > 0) {
        cleanup_arena struct arena *a = arena_new();
        json_auto_t *want = json_parse(line, (size_t)len, 0, NULL, NULL);
        json_auto_t *got = answer(&t, a, json_string_value(json_object_get(want, "expr")));
        n++;
        if (json_same(want, got))
            continue;
        wrong++;
        print_message("want %s\n got %s\n", json_arena_text(a, want, JSON_WRITE_SORTED | JSON_WRITE_PLAIN),
                      json_arena_text(a, got, JSON_WRITE_SORTED | JSON_WRITE_PLAIN));
    }
    fclose(f);
    free(line);
    table_release(&t);
    assert_in_range(n, 700, 100000);
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(ours_are_the_same) };

    assert(argc > 1);
    folder = argv[1];
    return cmocka_run_group_tests_name("cel_answers", tests, NULL, NULL);
}
