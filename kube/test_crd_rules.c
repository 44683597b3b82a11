/* Rules between fields: what each of our definitions' rules refuses, and how it says so. */
#include "kube/crd_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube/json.h"

#define RULE(text) "{\"type\":\"object\",\"x-kubernetes-validations\":[{\"rule\":\"" text "\",\"message\":\"m\"}]}"
#define BELOW(schema) "{\"type\":\"object\",\"properties\":{\"spec\":" schema "}}"
#define REFERENCES "(has(self.snapshotProviderRef) ? 1 : 0) + (has(self.snapshotClaimName) && " \
    "size(self.snapshotClaimName) > 0 ? 1 : 0) + (has(self.snapshotClaimTemplateName) && " \
    "size(self.snapshotClaimTemplateName) > 0 ? 1 : 0) <= 1"

static const struct row {
    const char *name, *schema, *obj, *old;
    const char *field;                 /* NULL: it holds */
} rows[] = {
    { "SUS-032 Hibernate without its block", BELOW(RULE("self.type != 'Hibernate' || has(self.hibernate)")),
      "{\"spec\":{\"type\":\"Hibernate\"}}", NULL, "spec" },
    { "SUS-032 Hibernate with an empty block", BELOW(RULE("self.type != 'Hibernate' || has(self.hibernate)")),
      "{\"spec\":{\"type\":\"Hibernate\",\"hibernate\":{}}}", NULL, NULL },
    { "SUS-034 another type needs none", BELOW(RULE("self.type != 'Hibernate' || has(self.hibernate)")),
      "{\"spec\":{\"type\":\"Stop\"}}", NULL, NULL },
    { "SUS-033 two references", BELOW(RULE(REFERENCES)),
      "{\"spec\":{\"snapshotClaimName\":\"a\",\"snapshotClaimTemplateName\":\"b\"}}", NULL, "spec" },
    { "SUS-033 an empty one does not count", BELOW(RULE(REFERENCES)),
      "{\"spec\":{\"snapshotClaimName\":\"a\",\"snapshotClaimTemplateName\":\"\"}}", NULL, NULL },
    { "SNP-003 two backends", BELOW(RULE("!(has(self.s3) && has(self.gcs))")),
      "{\"spec\":{\"s3\":{},\"gcs\":{}}}", NULL, "spec" },
    { "SNP-040 a changed spec", BELOW(RULE("self == oldSelf")), "{\"spec\":{\"a\":1}}", "{\"spec\":{\"a\":2}}",
      "spec" },
    { "SNP-040 the same spec", BELOW(RULE("self == oldSelf")), "{\"spec\":{\"a\":1}}", "{\"spec\":{\"a\":1}}",
      NULL },
    { "a transition rule is not asked on create", BELOW(RULE("self == oldSelf")), "{\"spec\":{\"a\":1}}", NULL,
      NULL },
    { "SNP-021 parameters set later", RULE("has(self.parameters) == has(oldSelf.parameters) && "
      "(!has(self.parameters) || self.parameters == oldSelf.parameters)"), "{\"parameters\":{\"a\":\"b\"}}", "{}",
      "" },
    { "SNP-080 neither class nor provider", RULE("(has(self.snapshotClassName) && "
      "size(self.snapshotClassName) > 0) != (has(self.snapshotProviderName) && "
      "size(self.snapshotProviderName) > 0)"), "{}", NULL, "" },
    { "rules inside lists", "{\"type\":\"array\",\"items\":" RULE("!(has(self.s3) && has(self.gcs))") "}",
      "[{},{\"s3\":1,\"gcs\":1}]", NULL, "[1]" },
    { "rules inside maps", "{\"type\":\"object\",\"additionalProperties\":"
      RULE("!(has(self.s3) && has(self.gcs))") "}", "{\"k\":{\"s3\":1,\"gcs\":1}}", NULL, "[k]" },
    { "a rule nobody knows is not enforced", RULE("false"), "{}", NULL, NULL },
};

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *schema = json_parse_str(row->schema), *obj = json_parse_str(row->obj);
    json_auto_t *old = row->old ? json_parse_str(row->old) : NULL;

    crd_rules_check(schema, NULL, obj, old, &errs);
    assert_int_equal(errs.n, row->field ? 1 : 0);
    if (row->field) {
        assert_string_equal(errs.v[0].message, "Invalid value: \"object\": m");
        assert_string_equal(errs.v[0].field, row->field);
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows)];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                        .initial_state = (void *)&rows[i] };
    return cmocka_run_group_tests_name("crd_rules", tests, NULL, NULL);
}
