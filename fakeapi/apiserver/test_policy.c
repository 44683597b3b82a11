#include "fakeapi/apiserver/test_lab.h"

/* ValidatingAdmissionPolicies: who is asked about what, and what is answered (I-050). */

#define POLICIES "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
#define BINDINGS "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
#define CM "/api/v1/namespaces/default/configmaps"
#define MERGE "application/merge-patch+json"
#define SAYS "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "

/* A policy "p" about config maps; `more` are members of its spec. */
#define POLICY(operations, more)                                                                    \
    { "POST", POLICIES, NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"matchConstraints\":{\"resourceRules\":[{" \
      "\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"operations\":[" operations "],\"resources\":[\"configmaps\"]}]}," more "}}", \
      201, NULL }
#define BINDING(actions, more)                                                                      \
    { "POST", BINDINGS, NULL, NULL, "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"policyName\":\"p\",\"validationActions\":[" \
      actions "]" more "}}", 201, NULL }
#define CREATE(name, members, status, want)                                                         \
    { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"" name "\"" members "}}", status, want }

static void refusals(void **state)
{
    static const struct step steps[] = {
        POLICY("\"CREATE\",\"UPDATE\",\"DELETE\"", "\"validations\":[{\"expression\":\"object == null || 'app' in "
               "object.metadata.?labels.orValue({})\",\"message\":\"label it\"},{\"expression\":\"request.operation != "
               "'DELETE' || oldObject.metadata.name != 'keep'\",\"messageExpression\":\"'keep ' + request.name\","
               "\"reason\":\"Forbidden\"}]"),
        CREATE("free", "", 201, NULL),                           /* nobody bound it yet */
        BINDING("\"Deny\"", ""),
        CREATE("a", "", 422, "configmaps \\\"a\\\" is forbidden: " SAYS "label it"),
        CREATE("a", "", 422, "\"causes\":[{\"message\":\"" SAYS "label it\"}]"),
        CREATE("keep", ",\"labels\":{\"app\":\"x\"}", 201, NULL),
        { "PATCH", CM "/keep", NULL, MERGE, "{\"metadata\":{\"labels\":null}}", 422, SAYS "label it" },
        { "DELETE", CM "/keep", NULL, NULL, NULL, 403, SAYS "keep keep" },
        { "GET", CM "/keep", NULL, NULL, NULL, 200, "\"app\":\"x\"" },
        { "DELETE", CM "/free", NULL, NULL, NULL, 200, NULL },
        { "POST", "/api/v1/namespaces/default/secrets", NULL, NULL, "{\"metadata\":{\"name\":\"s\"}}", 201, NULL },
        { "DELETE", BINDINGS "/b", NULL, NULL, NULL, 200, NULL },
        { "DELETE", CM "/keep", NULL, NULL, NULL, 200, NULL },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

static void warnings(void **state)
{
    static const struct step steps[] = {
        POLICY("\"CREATE\"", "\"validations\":[{\"expression\":\"false\"}]"),
        BINDING("\"Warn\",\"Audit\"", ""),
        CREATE("a", "", 201, "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': failed expression: false"),
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

static void variables_and_conditions(void **state)
{
    static const struct step steps[] = {
        POLICY("\"CREATE\"", "\"matchConditions\":[{\"name\":\"named\",\"expression\":\"object.metadata.name.startsWith('x')\"}],"
               "\"variables\":[{\"name\":\"n\",\"expression\":\"object.metadata.name.size()\"},{\"name\":\"twice\",\"expression\":"
               "\"variables.n * 2\"},{\"name\":\"bad\",\"expression\":\"object.nope\"}],\"validations\":[{\"expression\":"
               "\"variables.twice < 10\",\"messageExpression\":\"'long: ' + string(variables.twice)\"},{\"expression\":"
               "\"variables.n != 3 || variables.bad\"}]"),
        BINDING("\"Deny\"", ""),
        CREATE("abcdefghijkl", "", 201, NULL),                   /* the condition does not hold */
        CREATE("xbcdef", "", 422, SAYS "long: 12"),
        CREATE("xb", "", 201, NULL),
        CREATE("xbc", "", 422, SAYS "expression 'variables.n != 3 || variables.bad' resulted in error: composited variable "
                                    "\\\"bad\\\" fails to evaluate: no such key: nope"),
        { "PATCH", POLICIES "/p", NULL, MERGE, "{\"spec\":{\"failurePolicy\":\"Ignore\"}}", 200, NULL },
        CREATE("xbc", "", 201, NULL),
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

static void params(void **state)
{
    static const struct step steps[] = {
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"limit\",\"labels\":{\"is\":\"limit\"}},\"data\":{\"max\":\"2\"}}", 201, NULL },
        POLICY("\"CREATE\"", "\"paramKind\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"},\"validations\":[{\"expression\":"
               "\"object.metadata.name.size() <= int(params.data.max)\",\"messageExpression\":\"'at most ' + params.data.max\"}]"),
        BINDING("\"Deny\"", ",\"paramRef\":{\"name\":\"limit\",\"parameterNotFoundAction\":\"Deny\"}"),
        CREATE("ab", "", 201, NULL),
        CREATE("abc", "", 422, SAYS "at most 2"),
        { "DELETE", CM "/limit", NULL, NULL, NULL, 200, NULL },
        CREATE("abc", "", 422, SAYS "failed to configure binding: no params found for policy binding with `Deny` "
                                    "parameterNotFoundAction"),
        { "PATCH", BINDINGS "/b", NULL, MERGE, "{\"spec\":{\"paramRef\":{\"name\":null,\"selector\":{\"matchLabels\":{\"is\":"
          "\"limit\"}},\"parameterNotFoundAction\":\"Allow\"}}}", 200, NULL },
        CREATE("abc", "", 201, NULL),
        { "PATCH", POLICIES "/p", NULL, MERGE, "{\"spec\":{\"paramKind\":{\"kind\":\"Nope\"}}}", 200, NULL },
        CREATE("abcd", "", 422, "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find "
                                "resource referenced by paramKind: '/v1, Kind=Nope'"),
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

static void selectors(void **state)
{
    static const struct step steps[] = {
        POLICY("\"CREATE\"", "\"validations\":[{\"expression\":\"namespaceObject.metadata.name == 'other'\",\"message\":\"no\"}]"),
        BINDING("\"Deny\"", ",\"matchResources\":{\"namespaceSelector\":{\"matchLabels\":{\"strict\":\"yes\"}},\"objectSelector\":{"
                "\"matchExpressions\":[{\"key\":\"skip\",\"operator\":\"DoesNotExist\"}]},\"excludeResourceRules\":[{\"apiGroups\":["
                "\"\"],\"apiVersions\":[\"v1\"],\"operations\":[\"*\"],\"resources\":[\"*\"],\"resourceNames\":[\"spared\"]}]}"),
        CREATE("a", "", 201, NULL),
        { "PATCH", "/api/v1/namespaces/default", NULL, MERGE, "{\"metadata\":{\"labels\":{\"strict\":\"yes\"}}}", 200, NULL },
        CREATE("b", "", 422, SAYS "no"),
        CREATE("c", ",\"labels\":{\"skip\":\"me\"}", 201, NULL),
        CREATE("spared", "", 201, NULL),
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* Scale is what a write to /scale is about; and an equivalent resource is met under the name that the rule says. */
static void subresources_and_versions(void **state)
{
    static const struct step steps[] = {
        { "POST", POLICIES, NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"matchConstraints\":{\"resourceRules\":[{"
          "\"apiGroups\":[\"apps\"],\"apiVersions\":[\"v1\"],\"operations\":[\"UPDATE\"],\"resources\":[\"deployments/scale\"]}]},"
          "\"validations\":[{\"expression\":\"object.spec.replicas < 5\",\"messageExpression\":\"request.subResource + ' of a ' + "
          "object.kind\"}]}}", 201, NULL },
        BINDING("\"Deny\"", ""),
        { "POST", "/apis/apps/v1/namespaces/default/deployments", NULL, NULL, "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"selector\":{"
          "\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":"
          "\"c\",\"image\":\"i\"}]}}}}", 201, NULL },
        { "PATCH", "/apis/apps/v1/namespaces/default/deployments/d/scale", NULL, MERGE, "{\"spec\":{\"replicas\":3}}", 200, NULL },
        { "PATCH", "/apis/apps/v1/namespaces/default/deployments/d/scale", NULL, MERGE, "{\"spec\":{\"replicas\":7}}", 422,
          SAYS "scale of a Scale" },
        { "PATCH", "/apis/apps/v1/namespaces/default/deployments/d", NULL, MERGE, "{\"spec\":{\"replicas\":7}}", 200, NULL },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

#define POLICY_REFUSED(expression, why)                                                                                 \
    { "POST", POLICIES, NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"matchConstraints\":{\"resourceRules\":[{"      \
      "\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"operations\":[\"CREATE\"],\"resources\":[\"pods\"]}]},"                \
      "\"validations\":[{\"expression\":\"" expression "\"}]}}", 422, why }

static void what_may_be_written(void **state)    /* G-023 */
{
    static const struct step steps[] = {
        { "POST", POLICIES, NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"validations\":[{\"expression\":\"object.x\"}]}}",
          422, "spec.matchConstraints: Required value" },
        { "POST", POLICIES, NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"matchConstraints\":{\"resourceRules\":[{"
          "\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\",\"*\"],\"operations\":[\"GET\"],\"resources\":[\"a/*\",\"a/b\",\"*\",\"c\"]}]},"
          "\"validations\":[{\"expression\":\"true\"}]}}", 422,
          "[spec.matchConstraints.resourceRules[0].operations[0]: Unsupported value: \\\"GET\\\": supported values: \\\"*\\\", "
          "\\\"CONNECT\\\", \\\"CREATE\\\", \\\"DELETE\\\", \\\"UPDATE\\\", spec.matchConstraints.resourceRules[0].apiVersions: Invalid "
          "value: [\\\"v1\\\",\\\"*\\\"]: if '*' is present, must not specify other API versions, "
          "spec.matchConstraints.resourceRules[0].resources[1]: Invalid value: \\\"a/b\\\": if 'a/*' is present, must not specify "
          "a/b, spec.matchConstraints.resourceRules[0].resources: Invalid value: [\\\"a/*\\\",\\\"a/b\\\",\\\"*\\\",\\\"c\\\"]: if '*' is "
          "present, must not specify other resources without subresources]" },
        POLICY_REFUSED("[null]", "must evaluate to bool but got list(null_type)"),
        POLICY_REFUSED("duration('1s')", "must evaluate to bool but got google.protobuf.Duration"),
        POLICY_REFUSED("int('x') == 1", "spec.validations[0].expression: Internal error: program instantiation failed: type "
                                        "conversion error from 'string' to 'int'"),
        POLICY_REFUSED("'a'.find('(') == ''", "spec.validations[0].expression: Internal error: program instantiation failed: "
                                              "error parsing regexp: missing closing ): `(`"),
        { "POST", BINDINGS, NULL, NULL, "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"policyName\":\"p\",\"validationActions\":["
          "\"Deny\",\"Warn\",\"Deny\"],\"paramRef\":{}}}", 422, "one of name or selector must be specified" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refusals, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(warnings, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(variables_and_conditions, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(params, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(selectors, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(subresources_and_versions, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(what_may_be_written, lab_up, lab_down),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
