/* Usage: test_crd_answers fixtures/kube: what a real server said to each value under each schema (crd_values.json), to
 * each schema (crd_schemas.json), and to each rule of one schema (crd_rules.json). Errors whose order is that of a map
 * stand by name. */
#include "kube/crd_validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/crd_check.h"
#include "kube/crd_schema.h"
#include "kube/kcel/kcel.h"
#include "kube/test_fixture.h"

static json_t *load(void **state, const char *name)
{
    cleanup_arena struct arena *a = arena_new();

    return fixture_load(arena_printf(a, "%s/%s", (const char *)*state, name));
}

/* NULL: accepted. */
static const char *answer(struct arena *a, const json_t *schema, const json_t *value)
{
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *whole = json_pack("{s:s,s:{s:{s:s,s:{s:O}}}}", "type", "object", "properties", "spec", "type", "object",
                                   "properties", "x", schema);
    json_t *obj = json_pack("{s:{s:O}}", "spec", "x", value);
    const struct schema *s = crd_schema_parse(a, whole);
    struct crd_validator *v = crd_validator_new(whole);

    crd_prune(s, &obj, NULL);
    crd_default(s, &obj);
    crd_validate(v, NULL, obj, NULL, &errs);
    crd_validator_free(v);
    json_decref(obj);
    return errs.n ? fielderrs_text(&errs) : NULL;
}

/* F-115 to F-124: keywords, and which Go-made conversions they allow. */
static void values_are_judged_alike(void **state)
{
    json_auto_t *fixture = load(state, "crd_values.json");
    const json_t *values = json_object_get(fixture, "values"), *row, *value;
    size_t i, k;

    assert_true(json_array_size(json_object_get(fixture, "schemas")) > 50);
    json_array_foreach (json_object_get(fixture, "schemas"), i, row)
        json_array_foreach (values, k, value) {
            cleanup_arena struct arena *a = arena_new();
            const json_t *schema = json_object_get(row, "schema");
            const char *want = json_string_value(json_array_get(json_object_get(row, "answers"), k));
            const char *have = answer(a, schema, value);

            if (!streq(want ? want : "", have ? have : ""))
                fail_msg("%s under %s\n  want %s\n  have %s", json_arena_text(a, value, 0), json_arena_text(a, schema, 0),
                         want ? want : "no error", have ? have : "no error");
        }
}

/* A definition whose spec.x has this schema. */
static json_t *definition(const json_t *schema)
{
    return json_pack("{s:s,s:s,s:{s:s},s:{s:s,s:s,s:{s:s,s:s,s:s,s:s},s:{s:s},s:[{s:s,s:b,s:b,s:{s:{s:s,s:{s:{s:s,s:{s:O}}}}}}]},"
                     "s:{s:[s]}}",
                     "apiVersion", "apiextensions.k8s.io/v1", "kind", "CustomResourceDefinition", "metadata", "name",
                     "widgets.pre.example.com", "spec", "group", "pre.example.com", "scope", "Namespaced", "names", "plural",
                     "widgets", "singular", "widget", "kind", "Widget", "listKind", "WidgetList", "conversion", "strategy",
                     "None", "versions", "name", "v1", "served", true, "storage", true, "schema", "openAPIV3Schema", "type",
                     "object", "properties", "spec", "type", "object", "properties", "x", schema, "status", "storedVersions",
                     "v1");
}

/* F-032 to F-042: keywords and how they meet; the warnings of unknown formats. */
static void schemas_are_judged_alike(void **state)
{
    json_auto_t *rows = load(state, "crd_schemas.json");
    struct cel_env *cel = kcel_env_new();
    const json_t *row;
    size_t i;

    assert_true(json_array_size(rows) > 400);
    json_array_foreach (rows, i, row) {
        cleanup_arena struct arena *a = arena_new();
        struct fielderrs errs = FIELDERRS_IN(a);
        const json_t *schema = json_object_get(row, "schema"), *warnings = json_object_get(row, "warnings");
        const char *want = json_string_value(json_object_get(row, "error"));
        json_auto_t *crd = definition(schema);
        size_t n_formats;

        crd_check(crd, NULL, cel, &errs);
        const char *have = errs.n ? fielderrs_text(&errs) : NULL;
        if (!streq(want ? want : "", have ? have : ""))
            fail_msg("%s\n  want %s\n  have %s", json_arena_text(a, schema, 0), want ? want : "no error",
                     have ? have : "no error");
        crd_unknown_formats(a, crd, &n_formats);
        if (!want)
            assert_int_equal(n_formats, json_array_size(warnings));
    }
    cel_env_free(cel);
}

/* F-043, F-143, F-145: what a rule may say. All that differ are told, then the test fails. */
static void rules_are_judged_alike(void **state)
{
    json_auto_t *fixture = load(state, "crd_rules.json");
    struct cel_env *cel = kcel_env_new();
    const json_t *row;
    size_t i, wrong = 0;

    assert_true(json_array_size(json_object_get(fixture, "rows")) > 100);
    json_array_foreach (json_object_get(fixture, "rows"), i, row) {
        cleanup_arena struct arena *a = arena_new();
        struct fielderrs errs = FIELDERRS_IN(a);
        const json_t *rule = json_object_get(row, "rule");
        const char *want = json_string_value(json_object_get(row, "error"));
        json_t *schema = json_copy(json_object_get(fixture, "schema"));

        json_object_set_new(schema, "x-kubernetes-validations", json_pack("[O]", rule));
        json_auto_t *crd = definition(schema);
        json_decref(schema);
        crd_check(crd, NULL, cel, &errs);
        const char *have = errs.n ? fielderrs_text(&errs) : NULL;
        if (streq(want ? want : "", have ? have : ""))
            continue;
        print_message("%s\n  want %s\n  have %s\n", json_arena_text(a, rule, 0), want ? want : "no error",
                      have ? have : "no error");
        wrong++;
    }
    cel_env_free(cel);
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(values_are_judged_alike, argc > 1 ? argv[1] : NULL),
        cmocka_unit_test_prestate(schemas_are_judged_alike, argc > 1 ? argv[1] : NULL),
        cmocka_unit_test_prestate(rules_are_judged_alike, argc > 1 ? argv[1] : NULL),
    };

    return cmocka_run_group_tests_name("crd_answers", tests, NULL, NULL);
}
