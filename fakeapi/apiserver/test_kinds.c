#include "fakeapi/apiserver/test_lab.h"

/* Built-in kinds that have a will of their own; beside what recordings of a real server show of them. */

#define MERGE "application/merge-patch+json"
#define PLAY(state, steps) play(*(state), steps, ARRAY_SIZE(steps))

#define CM "/api/v1/namespaces/default/configmaps"
#define REVISIONS "/apis/apps/v1/namespaces/default/controllerrevisions"
#define REVISION(more, data) "{\"metadata\":{\"name\":\"a\"" more "},\"revision\":1,\"data\":" data "}"

static void the_data_of_a_revision_is_bytes(void **state)    /* J-032 */
{
    static const struct step steps[] = {
        { "POST", REVISIONS, NULL, NULL, REVISION(",\"finalizers\":[\"x.io/f\"]", "{\"b\": 1,\"a\":\"<\"}"), 201, "\"data\":{\"b\":1,\"a\":\"\\u003c\"}" },
        { "GET", REVISIONS "/a", NULL, NULL, NULL, 200, "\"data\":{\"b\":1,\"a\":\"\\u003c\"},\"revision\":1}" },
        { "PUT", REVISIONS "/a", NULL, NULL, REVISION("", "{\"b\":1,\"a\":\"<\"}"), 422, "field is immutable" },
        { "PATCH", REVISIONS "/a", NULL, MERGE, "{\"metadata\":{\"labels\":{\"x\":\"y\"}}}", 422, "field is immutable" },
        { "DELETE", REVISIONS "/a", NULL, NULL, NULL, 200, "\"revision\":1}" },
        { "PUT", REVISIONS "/a", NULL, NULL, REVISION(",\"finalizers\":[\"x.io/f\"]", " {\"b\":1,\"a\":\"<\"}"), 422, "field is immutable" },
        { "PUT", REVISIONS "/a", NULL, NULL, REVISION("", " {\"b\": 1,\"a\":\"<\"} "), 200, NULL },
        { "GET", REVISIONS "/a", NULL, NULL, NULL, 404, NULL },
        { "POST", REVISIONS, NULL, NULL, REVISION("", "{\"b\":1,\"a\":2}"), 201, NULL },
        { "PATCH", REVISIONS "/a", NULL, MERGE, "{\"revision\":2}", 200, "\"revision\":2" },
        { "PATCH", REVISIONS "/a", NULL, "application/strategic-merge-patch+json", "{\"revision\":3}", 422, "Invalid value: {\\\"a\\\":2,\\\"b\\\":1}: field is immutable" },
    };
    PLAY(state, steps);
}

#define POLICIES "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"

/* An empty list or map is not the same as none until it is stored: messages show it, some generations count it. */
static void empty_is_not_nothing_until_stored(void **state)  /* J-030 */
{
    static const struct step steps[] = {
        { "POST", "/api/v1/persistentvolumes", NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"capacity\":{}}}", 422, "Unsupported value: {}: supported values" },
        { "POST", "/api/v1/persistentvolumes", NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"spec\":{}}", 422, "Unsupported value: null: supported values" },
        { "POST", POLICIES, NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"podSelector\":{},\"egress\":[]}}", 201, "\"generation\":1" },
        { "PUT", POLICIES "/a", NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"podSelector\":{},\"policyTypes\":[\"Ingress\"],\"egress\":[]}}", 200, "\"generation\":2" },
        { "PUT", POLICIES "/a", NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"podSelector\":{},\"policyTypes\":[\"Ingress\"]}}", 200, "\"generation\":2" },
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\",\"labels\":{}},\"data\":{},\"immutable\":true}", 201, "\"fieldsV1\":{\"f:immutable\":{}}" },
        { "PUT", CM "/a", NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"binaryData\":{},\"immutable\":true}", 422, "binaryData: Forbidden" },
    };
    PLAY(state, steps);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_data_of_a_revision_is_bytes, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(empty_is_not_nothing_until_stored, lab_up, lab_down),
    };
    return cmocka_run_group_tests_name("kinds", tests, NULL, NULL);
}
