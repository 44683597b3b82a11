/* x-kubernetes-validations at work: what a rule refuses, how it says so, and what it lets be (F-130 to F-133, F-140). */
#include "kube/kcel/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/json.h"
#include "kube/kcel/kcel.h"

#define RULES(text) "\"x-kubernetes-validations\":[" text "]"
#define OBJECT(properties, rules) "{\"type\":\"object\",\"properties\":{" properties "}," RULES(rules) "}"
#define SPEC(schema) "{\"type\":\"object\",\"properties\":{\"spec\":" schema "}}"
#define INT "{\"type\":\"integer\"}"
#define STRING "{\"type\":\"string\"}"
#define ONE_SET(more) SPEC(OBJECT("\"a\":" STRING ",\"b\":" STRING, "{\"rule\":\"has(self.a) != has(self.b)\"" more "}"))
#define REFERENCES "(has(self.ref) ? 1 : 0) + (has(self.claim) && size(self.claim) > 0 ? 1 : 0) <= 1"
#define KEYED "{\"type\":\"array\",\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"k\"],\"items\":" \
    OBJECT("\"k\":" STRING ",\"v\":" INT, "{\"rule\":\"self.v == oldSelf.v\",\"message\":\"stays\"}") "}"

#define NO_OVERLOAD "'no such overload': call arguments did not match a supported operator, function or macro signature " \
    "for rule: "

static const struct row {
    const char *name, *schema, *obj, *old;
    const char *errors;                /* "field: message; ..." */
    const char *warnings;
} rows[] = {
    { "F-130 failed rule", ONE_SET(""), "{\"spec\":{\"a\":\"x\",\"b\":\"y\"}}", NULL,
      "spec: Invalid value: \"object\": failed rule: has(self.a) != has(self.b)", "" },
    { "F-130 it holds", ONE_SET(""), "{\"spec\":{\"a\":\"x\"}}", NULL, "", "" },
    { "F-130 message", ONE_SET(",\"message\":\" one of them \""), "{\"spec\":{}}", NULL,
      "spec: Invalid value: \"object\": one of them", "" },
    { "F-130 messageExpression", ONE_SET(",\"messageExpression\":\"'has ' + string(has(self.a))\""), "{\"spec\":{}}", NULL,
      "spec: Invalid value: \"object\": has false", "" },
    { "F-130 a message that fails", ONE_SET(",\"message\":\"m\",\"messageExpression\":\"self.a\""), "{\"spec\":{}}", NULL,
      "spec: Invalid value: \"object\": m", "" },
    { "F-130 reason and field", ONE_SET(",\"reason\":\"FieldValueForbidden\",\"fieldPath\":\".a\",\"message\":\"m\""),
      "{\"spec\":{}}", NULL, "spec.a: Forbidden: m", "" },
    { "F-130 required", ONE_SET(",\"reason\":\"FieldValueRequired\",\"message\":\"m\""), "{\"spec\":{}}", NULL,
      "spec: Required value: m", "" },
    { "F-130 duplicate", ONE_SET(",\"reason\":\"FieldValueDuplicate\""), "{\"spec\":{}}", NULL,
      "spec: Duplicate value: \"object\"", "" },
    { "F-140 the root has no path", OBJECT("\"spec\":" INT, "{\"rule\":\"self.kind == 'X' && has(self.spec)\"}"),
      "{\"kind\":\"X\"}", NULL, "<nil>: Invalid value: \"object\": failed rule: self.kind == 'X' && has(self.spec)", "" },
    { "F-131 an error", SPEC(OBJECT("\"a\":" INT, "{\"rule\":\"1 / self.a == 1\"}")), "{\"spec\":{\"a\":0}}", NULL,
      "spec: Invalid value: \"object\": division by zero evaluating rule: 1 / self.a == 1", "" },
    { "F-131 a member that is not there", SPEC(OBJECT("\"a\":" INT, "{\"rule\":\"self.a == 1\",\"message\":\"m\"}")),
      "{\"spec\":{}}", NULL, "spec: Invalid value: \"object\": no such key: a evaluating rule: m", "" },
    { "F-131 int-or-string", SPEC("{\"x-kubernetes-int-or-string\":true," RULES("{\"rule\":\"self < 5\"}") "}"),
      "{\"spec\":\"x\"}", NULL, "spec: Invalid value: \"\": 'no such overload': call arguments did not match a supported "
      "operator, function or macro signature for rule: self < 5", "" },
    { "F-140 a transition rule is not asked on create", SPEC(OBJECT("\"a\":" INT, "{\"rule\":\"self == oldSelf\"}")),
      "{\"spec\":{\"a\":1}}", NULL, "", "" },
    { "F-140 a transition rule", SPEC(OBJECT("\"a\":" INT, "{\"rule\":\"self == oldSelf\",\"message\":\"immutable\"}")),
      "{\"spec\":{\"a\":1}}", "{\"spec\":{\"a\":2}}", "spec: Invalid value: \"object\": immutable", "" },
    { "F-140 optionalOldSelf on create", SPEC(OBJECT("\"a\":" INT, "{\"rule\":\"oldSelf.hasValue() || self.a == 1\","
      "\"optionalOldSelf\":true}")), "{\"spec\":{\"a\":2}}", NULL,
      "spec: Invalid value: \"object\": failed rule: oldSelf.hasValue() || self.a == 1", "" },
    { "F-140 optionalOldSelf on update", SPEC(OBJECT("\"a\":" INT, "{\"rule\":\"oldSelf.hasValue() || self.a == 1\","
      "\"optionalOldSelf\":true}")), "{\"spec\":{\"a\":2}}", "{\"spec\":{\"a\":3}}", "", "" },
    { "F-145 elements of keyed lists have a before", SPEC(KEYED),
      "{\"spec\":[{\"k\":\"b\",\"v\":3},{\"k\":\"a\",\"v\":1}]}", "{\"spec\":[{\"k\":\"a\",\"v\":1},{\"k\":\"b\",\"v\":2}]}",
      "spec[0]: Invalid value: \"object\": stays", "" },
    { "F-145 rules inside lists", SPEC("{\"type\":\"array\",\"items\":{\"type\":\"integer\"," RULES("{\"rule\":\"self > 1\"}") "}}"),
      "{\"spec\":[2,1,3]}", NULL, "spec[1]: Invalid value: \"integer\": failed rule: self > 1", "" },
    { "F-145 rules inside maps", SPEC("{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\","
      RULES("{\"rule\":\"self > 1\"}") "}}"), "{\"spec\":{\"k\":1}}", NULL,
      "spec[k]: Invalid value: \"integer\": failed rule: self > 1", "" },
    { "F-130 rules in allOf", "{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"integer\",\"allOf\":[{"
      RULES("{\"rule\":\"self > 1\"}") "}]," RULES("{\"rule\":\"self > 2\"}") "}}}", "{\"spec\":1}", NULL,
      "spec: Invalid value: \"integer\": failed rule: self > 2; spec: Invalid value: \"integer\": failed rule: self > 1", "" },
    { "F-133 what has not changed is a warning", ONE_SET(",\"message\":\"m\""), "{\"spec\":{}}", "{\"spec\":{}}", "",
      "spec: Invalid value: \"object\": m" },
    { "F-133 what has changed is told", ONE_SET(",\"message\":\"m\""), "{\"spec\":{}}",
      "{\"spec\":{\"a\":\"x\"}}", "spec: Invalid value: \"object\": m", "" },
    { "F-133 keyed lists in another order are the same", SPEC("{\"type\":\"array\",\"x-kubernetes-list-type\":\"map\","
      "\"x-kubernetes-list-map-keys\":[\"k\"],\"items\":{\"type\":\"object\",\"properties\":{\"k\":" STRING "}},"
      RULES("{\"rule\":\"self.size() > 5\",\"message\":\"few\"}") "}"), "{\"spec\":[{\"k\":\"a\"},{\"k\":\"b\"}]}",
      "{\"spec\":[{\"k\":\"b\"},{\"k\":\"a\"}]}", "", "spec: Invalid value: \"array\": few" },
    { "F-141 escaped names", SPEC(OBJECT("\"a-b\":" INT ",\"namespace\":" INT,
      "{\"rule\":\"self.a__dash__b == self.__namespace__\"}")), "{\"spec\":{\"a-b\":1,\"namespace\":2}}", NULL,
      "spec: Invalid value: \"object\": failed rule: self.a__dash__b == self.__namespace__", "" },
    { "F-141 a reserved word as it is", SPEC(OBJECT("\"namespace\":" STRING, "{\"rule\":\"self.namespace == 'a'\"}")),
      "{\"spec\":{\"namespace\":\"b\"}}", NULL, "spec: Invalid value: \"object\": failed rule: self.namespace == 'a'", "" },
    { "F-145 lists are compared with lists", SPEC("{\"type\":\"array\",\"items\":" INT "," RULES("{\"rule\":\"dyn(self) == 1\"}")
      "}"), "{\"spec\":[1]}", NULL, "spec: Invalid value: \"array\": " NO_OVERLOAD "dyn(self) == 1", "" },
    { "F-145 from the other side it is false", SPEC("{\"type\":\"array\",\"items\":" INT ","
      RULES("{\"rule\":\"1 == dyn(self) || dyn(self) == null || !(dyn(self) != 1)\"}") "}"), "{\"spec\":[1]}", NULL,
      "spec: Invalid value: \"array\": failed rule: 1 == dyn(self) || dyn(self) == null || !(dyn(self) != 1)", "" },
    { "F-145 a list that holds one does not look so close", SPEC("{\"type\":\"array\",\"items\":" INT ","
      RULES("{\"rule\":\"[dyn(self)] == [dyn(1)] && {'a': dyn(self)} == {'a': dyn(1)}\"}") "}"), "{\"spec\":[1]}", NULL, "", "" },
    { "F-145 maps are compared with maps", SPEC("{\"type\":\"object\",\"additionalProperties\":" INT ","
      RULES("{\"rule\":\"dyn(self) == [1]\"}") "}"), "{\"spec\":{\"a\":1}}", NULL,
      "spec: Invalid value: \"object\": " NO_OVERLOAD "dyn(self) == [1]", "" },
    { "F-145 objects are compared with maps", SPEC(OBJECT("\"a\":" INT, "{\"rule\":\"dyn(self) == 1\"}")),
      "{\"spec\":{\"a\":1}}", NULL, "spec: Invalid value: \"object\": " NO_OVERLOAD "dyn(self) == 1", "" },
    { "F-145 objects are maps", SPEC(OBJECT("\"a\":" INT, "{\"rule\":\"type(self) == map && false\",\"messageExpression\":"
      "\"'%s '.format([type(self)]) + '%s'.format([[dyn(self)]])\"}")), "{\"spec\":{\"a\":1}}", NULL,
      "spec: Invalid value: \"object\": map [{\"a\":1}]", "" },
    { "F-145 sets take in what is no data", SPEC("{\"type\":\"array\",\"x-kubernetes-list-type\":\"set\",\"items\":" STRING ","
      RULES("{\"rule\":\"false\",\"messageExpression\":\"'%s'.format([self + ['a', 'c'] + ['d', 'c']])\"},"
            "{\"rule\":\"self + ['c'] == ['c', 'a', 'b']\"}") "}"), "{\"spec\":[\"b\",\"a\"]}", NULL,
      "spec: Invalid value: \"array\": [\"b\", \"a\", \"c\", \"d\"]", "" },
    { "F-145 keys of maps are strings", SPEC("{\"type\":\"object\",\"additionalProperties\":" INT ","
      RULES("{\"rule\":\"dyn(self)[1] == 1\"},{\"rule\":\"1 in dyn(self)\"}") "}"), "{\"spec\":{\"a\":1}}", NULL,
      "spec: Invalid value: \"object\": " NO_OVERLOAD "dyn(self)[1] == 1; spec: Invalid value: \"object\": " NO_OVERLOAD
      "1 in dyn(self)", "" },
    { "F-145 places in lists are ints", SPEC("{\"type\":\"array\",\"items\":" INT "," RULES("{\"rule\":\"dyn(self)[0u] == 1\"},"
      "{\"rule\":\"dyn(self)[0.0] == 1\"}") "}"), "{\"spec\":[1]}", NULL, "spec: Invalid value: \"array\": unsupported index: 0 "
      "evaluating rule: dyn(self)[0u] == 1; spec: Invalid value: \"array\": unsupported index: 0 evaluating rule: "
      "dyn(self)[0.0] == 1", "" },
    { "F-146 bytes are read by the digits of URLs", SPEC("{\"type\":\"string\",\"format\":\"byte\"," RULES("{\"rule\":\"self == b'a'\"}")
      "}"), "{\"spec\":\"YW+j\"}", NULL, "spec: Invalid value: \"string\": Invalid byte formatted string YW+j: illegal base64 "
      "data at input byte 2 evaluating rule: self == b'a'", "" },
    { "F-146 durations and dates", SPEC(OBJECT("\"d\":{\"type\":\"string\",\"format\":\"duration\"},\"t\":{\"type\":"
      "\"string\",\"format\":\"date-time\"}", "{\"rule\":\"self.d < duration('1h') && self.t > timestamp('2020-01-01T00:00:00Z')\"}")),
      "{\"spec\":{\"d\":\"5m\",\"t\":\"2021-01-01T00:00:00Z\"}}", NULL, "", "" },
    { "F-145 sets are equal in any order", SPEC("{\"type\":\"array\",\"x-kubernetes-list-type\":\"set\",\"items\":" STRING ","
      RULES("{\"rule\":\"self == oldSelf\"}") "}"), "{\"spec\":[\"a\",\"b\"]}", "{\"spec\":[\"b\",\"a\"]}", "", "" },
    { "nothing to do", SPEC(INT), "{\"spec\":1}", NULL, "", "" },
    /* the rules of the sandbox kinds */
    { "SUS-032 Hibernate without its block", SPEC(OBJECT("\"type\":" STRING ",\"hibernate\":{\"type\":\"object\"}",
      "{\"rule\":\"self.type != 'Hibernate' || has(self.hibernate)\",\"message\":\"m\"}")),
      "{\"spec\":{\"type\":\"Hibernate\"}}", NULL, "spec: Invalid value: \"object\": m", "" },
    { "SUS-033 two references", SPEC(OBJECT("\"ref\":{\"type\":\"object\"},\"claim\":" STRING, "{\"rule\":\"" REFERENCES
      "\",\"message\":\"m\"}")), "{\"spec\":{\"ref\":{},\"claim\":\"b\"}}", NULL, "spec: Invalid value: \"object\": m", "" },
    { "SUS-033 an empty one does not count", SPEC(OBJECT("\"ref\":{\"type\":\"object\"},\"claim\":" STRING, "{\"rule\":\""
      REFERENCES "\",\"message\":\"m\"}")), "{\"spec\":{\"ref\":{},\"claim\":\"\"}}", NULL, "", "" },
};

static const char *joined(struct arena *a, const struct fielderrs *e)
{
    const char *text = "";

    for (size_t i = 0; i < e->n; i++)
        text = arena_printf(a, "%s%s%s: %s", text, i ? "; " : "", e->v[i].field, e->v[i].message);
    return text;
}

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a), warnings = FIELDERRS_IN(a);
    json_auto_t *schema = json_parse_str(row->schema), *obj = json_parse_str(row->obj);
    json_auto_t *old = row->old ? json_parse_str(row->old) : NULL;
    struct cel_env *env = kcel_env_new();
    struct kcel_rules_run run = { .obj = obj, .old = old, .ratchet = old != NULL, .budget = KCEL_BUDGET, .errs = &errs,
                                  .warnings = &warnings };

    assert_non_null(schema);
    assert_non_null(obj);
    struct kcel_rules *rules = kcel_rules_new(env, schema, true);
    kcel_rules_check(rules, &run);
    assert_string_equal(joined(a, &errs), row->errors);
    assert_string_equal(joined(a, &warnings), row->warnings);
    kcel_rules_free(rules);
    cel_env_free(env);
}

/* F-131: the budget of a request is spent by all its rules, and then no more are run. */
static void budget(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *schema = json_parse_str(SPEC("{\"type\":\"array\",\"items\":{\"type\":\"integer\","
                                              RULES("{\"rule\":\"self > 1\"}") "}}"));
    json_auto_t *obj = json_parse_str("{\"spec\":[2,2,2,2]}");
    struct cel_env *env = kcel_env_new();
    struct kcel_rules *rules = kcel_rules_new(env, schema, true);
    struct kcel_rules_run run = { .obj = obj, .budget = 5, .errs = &errs };

    kcel_rules_check(rules, &run);
    assert_true(run.budget < 0);
    assert_string_equal(joined(a, &errs), "spec[2]: Invalid value: \"integer\": validation failed due to running out of cost "
                                          "budget, no further validation rules will be run");
    kcel_rules_free(rules);
    cel_env_free(env);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row, .initial_state = (void *)&rows[i] };
    tests[n++] = (struct CMUnitTest){ .name = "F-131 budget", .test_func = budget };
    return cmocka_run_group_tests_name("kcel_rules", tests, NULL, NULL);
}
