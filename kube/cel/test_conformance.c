/* The conformance tests of the CEL specification: what holds must go on holding.
 *
 *     test_cel_conformance fixtures/cel [-v]
 *
 * differs.txt names the tests that do not hold, each with its reason; one that holds must leave it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/cel/cel.h"
#include "kube/json.h"

static const char *folder;
static bool verbose;

/* ---- values ----------------------------------------------------------------------------------- */

/* The same kinds all the way down, NaN the same as NaN. */
static bool same(struct cel_run *run, struct cel_value a, struct cel_value b)
{
    struct cel_value key, v, other;
    void *pos = NULL;

    if (a.kind != b.kind)
        return false;
    if (a.kind == CEL_DOUBLE)
        return a.d == b.d || (a.d != a.d && b.d != b.d);
    if (a.kind == CEL_LIST) {
        if (a.list->n != b.list->n)
            return false;
        for (size_t i = 0; i < a.list->n; i++)
            if (!same(run, cel_list_get(run, a.list, i), cel_list_get(run, b.list, i)))
                return false;
        return true;
    }
    if (a.kind == CEL_MAP) {
        if (a.map->n != b.map->n)
            return false;
        while (cel_map_next(run, a.map, &pos, &key, &v))
            if (!cel_map_find(run, b.map, key, &other) || !same(run, v, other))
                return false;
        return true;
    }
    return cel_is_true(cel_equal(run, a, b));
}

/* ---- one test --------------------------------------------------------------------------------- */

struct playing {
    struct arena *arena;
    struct cel_env *base, *env;
    struct cel_run *run;
    const json_t *test;
    const char *why;                             /* it does not hold; NULL: it does */
};

static const char *field(const struct playing *p, const char *name)
{
    return json_string_value(json_object_get(p->test, name));
}

static struct cel_value literal(struct playing *p, const char *text)
{
    struct cel_issues issues = { .arena = p->arena };
    struct cel_program *program = cel_compile(p->base, text, strlen(text), &issues);
    struct cel_result result = { .value = { .kind = CEL_ERROR, .error = "does not compile" } };

    assert_non_null(program);
    cel_eval(program, &(struct cel_activation){ 0 }, p->arena, CEL_NO_LIMIT, &result);
    /* Strings point into the program, which must not outlive the test: a copy through the arena. */
    if (result.value.kind == CEL_STRING || result.value.kind == CEL_BYTES)
        result.value.s = arena_strndup(p->arena, result.value.s, result.value.len);
    return result.value;
}

static const char *shown(struct playing *p, struct cel_value v)
{
    cleanup_buf struct buf b = BUF_INIT;

    cel_write(p->run, &b, v);
    return arena_strndup(p->arena, b.data ? b.data : "", b.len);
}

static void evaluate(struct playing *p, const struct cel_program *program)
{
    const json_t *vars = json_object_get(p->test, "vars");
    struct cel_variable table[8];
    struct cel_activation activation = { .vars = table };
    struct cel_result result;
    const char *name;
    json_t *text;

    json_object_foreach((json_t *)vars, name, text) {
        assert_in_range(activation.n, 0, 7);
        table[activation.n++] = (struct cel_variable){ name, literal(p, json_string_value(text)) };
    }
    cel_eval(program, &activation, p->arena, CEL_NO_LIMIT, &result);
    if (json_object_get(p->test, "error")) {
        if (!cel_is_error(result.value))
            p->why = arena_printf(p->arena, "%s instead of an error", shown(p, result.value));
    } else if (cel_is_error(result.value)) {
        p->why = arena_printf(p->arena, "error: %s", result.value.error);
    } else if (field(p, "want") && !same(p->run, result.value, literal(p, field(p, "want")))) {
        p->why = arena_printf(p->arena, "%s instead of %s", shown(p, result.value), field(p, "want"));
    }
}

static void check_type(struct playing *p, const struct cel_program *program)
{
    const struct cel_type *want;

    if (!field(p, "type"))
        return;
    want = cel_env_type(p->env, field(p, "type"));
    if (!cel_type_same(want, cel_program_type(program)))
        p->why = arena_printf(p->arena, "type %s instead of %s", cel_type_text(p->arena, cel_program_type(program)),
                              field(p, "type"));
}

static void declare(struct playing *p)
{
    const char *name;
    json_t *type;

    if (field(p, "container"))
        cel_env_set_container(p->env, field(p, "container"));
    json_object_foreach(json_object_get(p->test, "env"), name, type)
        cel_env_add_variable(p->env, name, cel_env_type(p->env, json_string_value(type)));
}

static void play(struct playing *p)
{
    const json_t *text = json_object_get(p->test, "expr");
    const char *expr = json_string_value(text);
    size_t len = json_string_length(text);
    struct cel_issues issues = { .arena = p->arena };
    bool parse_only = json_is_false(json_object_get(p->test, "check"));
    struct cel_program *program;

    declare(p);
    program = parse_only ? cel_parse(p->env, expr, len, &issues)
                         : cel_compile(p->env, expr, len, &issues);
    if (!program) {
        if (!json_object_get(p->test, "error"))
            p->why = cel_issues_text(&issues, expr, len);
        return;
    }
    if (!json_is_true(json_object_get(p->test, "only_check")))
        evaluate(p, program);
    check_type(p, program);
    cel_program_free(program);
}

/* ---- all of them -------------------------------------------------------------------------------- */

struct count {
    size_t held, differs, skipped, wrong;
};

static char *read_file(const char *name)
{
    cleanup_free char *path = xasprintf("%s/%s", folder, name);
    cleanup_buf struct buf b = BUF_INIT;
    FILE *f = fopen(path, "r");
    char chunk[4096];
    size_t n;

    assert_non_null(f);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        buf_add(&b, chunk, n);
    fclose(f);
    buf_add_char(&b, '\0');
    return buf_steal(&b);
}

/* Lines are "name: reason". */
static bool is_listed(const char *differs, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = differs; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
        if (strncmp(p, name, n) == 0 && p[n] == ':')
            return true;
    return false;
}

static void judge(struct count *c, const struct playing *p, bool listed)
{
    const char *name = field(p, "name");

    if (!p->why)
        c->held++;
    else
        c->differs++;
    if (p->why && verbose)
        print_message("%s: %s\n    %s\n", name, field(p, "expr"), p->why);
    if (p->why && !listed)
        print_message("%s differs now: %s\n    %s\n", name, field(p, "expr"), p->why);
    if (!p->why && listed)
        print_message("%s holds: take it off differs.txt\n", name);
    c->wrong += !!p->why != listed;
}

static void play_line(struct cel_env *base, const char *differs, const char *line, size_t len, struct count *c)
{
    cleanup_arena struct arena *a = arena_new();
    json_auto_t *test = json_parse(line, len, 0, NULL, NULL);
    struct playing p = { .arena = a, .base = base, .env = cel_env_child(base), .run = cel_run_new(a), .test = test };

    assert_non_null(test);
    if (json_object_get(test, "skip")) {
        c->skipped++;
    } else {
        play(&p);
        judge(c, &p, is_listed(differs, field(&p, "name")));
    }
    p.run = cel_run_free(p.run);
    p.env = cel_env_free(p.env);
}

static void the_specification_holds(void **state)
{
    cleanup_free char *tests = read_file("conformance.jsonl"), *differs = read_file("differs.txt");
    struct cel_env *env = cel_env_new(CEL_LIB_OPTIONAL | CEL_LIB_STRINGS | CEL_LIB_STRINGS_3 | CEL_LIB_SETS |
                                      CEL_LIB_BINDINGS | CEL_LIB_TWO_VARIABLES);
    struct count c = { 0 };

    (void)state;
    for (const char *line = tests; *line;) {
        size_t len = strcspn(line, "\n");
        play_line(env, differs, line, len, &c);
        line += len + (line[len] == '\n');
    }
    env = cel_env_free(env);
    print_message("%zu of %zu tests hold (%.1f %%); %zu need what is not here\n", c.held, c.held + c.differs,
                  100.0 * (double)c.held / (double)(c.held + c.differs), c.skipped);
    assert_int_equal(c.wrong, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_specification_holds) };

    assert(argc > 1);
    folder = argv[1];
    verbose = argc > 2 && streq(argv[2], "-v");
    return cmocka_run_group_tests_name("cel_conformance", tests, NULL, NULL);
}
