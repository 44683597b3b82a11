#include "fakeapi/apiserver/server.h"
#include "fakeapi/apiserver/test_lab.h"
#include "fakeapi/store/store.h"

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
static void empty_is_not_nothing_until_stored(void **state)  /* B-005 */
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

#define SERVICES "/api/v1/namespaces/default/services"
#define SERVICE(spec) "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"ports\":[{\"port\":80}],\"selector\":{\"a\":\"b\"}," spec "}}"

static void the_addresses_of_a_service(void **state)         /* G.3 */
{
    static const struct step steps[] = {
        { "POST", SERVICES, NULL, NULL, SERVICE("\"clusterIPs\":[\"10.0.0.7\"]"), 422, "must be empty when `clusterIP` is not specified" },
        { "POST", SERVICES, NULL, NULL, SERVICE("\"clusterIP\":\"1.2.3.4\""), 422, "failed to allocate IP 1.2.3.4: the provided network does not match" },
        { "POST", SERVICES, NULL, NULL, SERVICE("\"clusterIP\":\"fd00::1\",\"clusterIPs\":[]"), 422, "IPv6 is not configured on this cluster" },
        { "POST", SERVICES, NULL, NULL, SERVICE("\"clusterIP\":\"None\",\"type\":\"NodePort\""), 422, "may not be set to 'None' for NodePort services" },
        { "POST", SERVICES, NULL, NULL, SERVICE("\"ipFamilyPolicy\":\"SingleStack\",\"externalName\":\"x.y\",\"type\":\"ExternalName\""), 422, "spec.ipFamilyPolicy: Forbidden" },
        { "POST", SERVICES, NULL, NULL, SERVICE("\"clusterIP\":\"None\""), 201, NULL },
        { "PATCH", SERVICES "/a", NULL, MERGE, "{\"spec\":{\"clusterIP\":\"10.0.0.7\"}}", 422, "spec.clusterIPs[0]: Invalid value: [\\\"10.0.0.7\\\"]: may not change once set" },
        { "PATCH", SERVICES "/a", NULL, MERGE, "{\"spec\":{\"clusterIPs\":[\"10.0.0.7\"]}}", 422, "first value must match `clusterIP`" },
        { "PATCH", SERVICES "/a", NULL, MERGE, "{\"spec\":{\"ipFamilies\":[\"IPv6\",\"IPv6\"]}}", 422, "spec.ipFamilies[1]: Duplicate value" },
    };
    PLAY(state, steps);
}

#define CLAIMS "/api/v1/namespaces/default/persistentvolumeclaims"

static uint64_t revision_after(void **state, const struct step *step)
{
    struct lab *lab = *state;

    play(lab, step, 1);
    return store_revision(lab->s->store);
}

static void the_first_change_of_a_claim_writes_its_phase(void **state)    /* B-055 */
{
    static const struct step create = { "POST", CLAIMS, NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}", 201, NULL };
    static const struct step nothing = { "PATCH", CLAIMS "/a", NULL, MERGE, "{}", 200, NULL };
    uint64_t created = revision_after(state, &create);

    assert_int_equal(revision_after(state, &nothing), created + 1);
    assert_int_equal(revision_after(state, &nothing), created + 1);
}

#define RANGES "/api/v1/namespaces/default/limitranges"
#define RANGE(items) "{\"metadata\":{\"name\":\"l\"},\"spec\":{\"limits\":[" items "]}}"
#define PODS "/api/v1/namespaces/default/pods"
#define POD(name, resources) "{\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":" resources "}]}}"

static void what_a_limit_range_may_say(void **state)         /* G-093 */
{
    static const struct step steps[] = {
        { "POST", RANGES, NULL, NULL, RANGE("{\"type\":\"Bad\"}"), 422, "spec.limits[0].type: Invalid value: \\\"Bad\\\": must be a standard limit type or fully qualified" },
        { "POST", RANGES, NULL, NULL, RANGE("{\"type\":\"Pod\",\"default\":{\"cpu\":\"1\"}}"), 422, "may not be specified when `type` is 'Pod'" },
        { "POST", RANGES, NULL, NULL, RANGE("{\"type\":\"Container\",\"min\":{\"cpu\":\"2\"},\"max\":{\"cpu\":\"1\"}}"), 422, "spec.limits[0].min[cpu]: Invalid value: \\\"2\\\": min value 2 is greater than max value 1" },
        { "POST", RANGES, NULL, NULL, RANGE("{\"type\":\"Pod\",\"maxLimitRequestRatio\":{\"cpu\":\"500m\"}}"), 422, "ratio 500m is less than 1" },
        { "POST", RANGES, NULL, NULL, RANGE("{\"type\":\"PersistentVolumeClaim\"}"), 422, "either minimum or maximum storage value is required" },
        { "POST", RANGES, NULL, NULL, "{\"spec\":{\"limits\":[]}}", 201, NULL },
    };
    PLAY(state, steps);
}

static void limits_fill_in_and_refuse(void **state)          /* G-093 */
{
    static const struct step steps[] = {
        { "POST", RANGES, NULL, NULL, RANGE("{\"type\":\"Container\",\"default\":{\"cpu\":\"500m\"},\"defaultRequest\":{\"cpu\":\"100m\"},\"max\":{\"cpu\":\"1\"},\"maxLimitRequestRatio\":{\"cpu\":\"6\"}},"
                                              "{\"type\":\"Pod\",\"min\":{\"memory\":\"1Mi\"}},{\"type\":\"PersistentVolumeClaim\",\"max\":{\"storage\":\"1Gi\"}}"), 201, NULL },
        { "POST", PODS, NULL, NULL, POD("a", "{}"), 403, "pods \\\"a\\\" is forbidden: minimum memory usage per Pod is 1Mi.  No request is specified" },
        { "POST", PODS, NULL, NULL, POD("a", "{\"requests\":{\"memory\":\"1Mi\"}}"), 201, "\"resources\":{\"limits\":{\"cpu\":\"500m\"},\"requests\":{\"cpu\":\"100m\",\"memory\":\"1Mi\"}}" },
        { "GET", PODS "/a", NULL, NULL, NULL, 200, "\"kubernetes.io/limit-ranger\":\"LimitRanger plugin set: cpu request for container c; cpu limit for container c\"" },
        { "POST", PODS, NULL, NULL, POD("b", "{\"limits\":{\"cpu\":\"2\"},\"requests\":{\"memory\":\"1Mi\"}}"), 403, "maximum cpu usage per Container is 1, but limit is 2" },
        { "POST", PODS, NULL, NULL, POD("b", "{\"limits\":{\"cpu\":\"1\"},\"requests\":{\"cpu\":\"100m\",\"memory\":\"1Mi\"}}"), 403, "cpu max limit to request ratio per Container is 6, but provided ratio is 10.000000" },
        { "POST", CLAIMS, NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"2Gi\"}}}}", 403, "maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi" },
    };
    PLAY(state, steps);
}

static void what_containers_ask_for_fits_together(void **state)          /* G-040 */
{
    static const struct step steps[] = {
        { "POST", PODS, NULL, NULL, POD("a", "{\"requests\":{\"example.com/g\":\"1\"}}"), 422, "spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources" },
        { "POST", PODS, NULL, NULL, POD("a", "{\"limits\":{\"example.com/g\":\"500m\"}}"), 422, "Invalid value: \\\"500m\\\": must be an integer" },
        { "POST", PODS, NULL, NULL, POD("a", "{\"limits\":{\"cpu\":\"1\",\"hugepages-2Mi\":\"3\"}}"), 422, "3 is not positive integer multiple of hugepages-2Mi" },
        { "POST", PODS, NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"resources\":{\"requests\":{\"cpu\":\"1\"}},\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"3\"}}}]}}", 422, "must be greater than or equal to aggregate container requests of 3" },
        { "POST", PODS, NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"resources\":{\"requests\":{\"cpu\":\"1\"}},\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}", 201, "\"qosClass\":\"Burstable\"" },
    };
    PLAY(state, steps);
}

#define VOLUMES "/api/v1/persistentvolumes"
#define WHEN "\"lastPhaseTransitionTime\":\"2024-01-02T03:04:05Z\""

static void the_phase_of_a_volume_has_its_time(void **state)         /* G-048 */
{
    static const struct step steps[] = {
        { "POST", VOLUMES, NULL, NULL, "{\"metadata\":{\"name\":\"v\"},\"spec\":{\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":[\"ReadWriteOnce\"],\"hostPath\":{\"path\":\"/d\"}}}", 201, "lastPhaseTransitionTime" },
        { "PATCH", VOLUMES "/v/status", NULL, MERGE, "{\"status\":null}", 200, "\"phase\":\"Pending\",\"lastPhaseTransitionTime\"" },
        { "PATCH", VOLUMES "/v/status", NULL, MERGE, "{\"status\":{\"phase\":\"Bound\"," WHEN "}}", 200, WHEN },
        { "PATCH", VOLUMES "/v/status", NULL, MERGE, "{\"status\":{\"lastPhaseTransitionTime\":null}}", 200, WHEN },
        { "PATCH", VOLUMES "/v/status", NULL, MERGE, "{\"status\":{\"phase\":\"Failed\"}}", 200, "\"lastPhaseTransitionTime\":\"2025-" },
    };
    PLAY(state, steps);
}

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/default/leases"
#define DEPLOYMENT "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\" i\"}]}}}}"

/* What random changes to recorded requests brought up. */
static void words_of_the_real_server(void **state)           /* A-062 A-063 J-051 B-045 G-040 */
{
    static const struct step steps[] = {
        { "PUT", LEASES "/l", NULL, NULL, "{\"metadata\":{\"name\":\"l\",\"resourceVersion\":\"None\"}}", 500, "strconv.ParseUint: parsing \\\"None\\\": invalid syntax" },
        { "PUT", LEASES "/l", "dryRun=All", NULL, "{\"metadata\":{\"name\":\"l\",\"uid\":\"u\"}}", 409, "Key: /leases/default/l," },
        { "GET", LEASES, "labelSelector=a%20in&resourceVersionMatch=Exact", NULL, NULL, 400, "unable to parse requirement" },
        { "POST", PODS, NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"nodeName\":\"A\",\"containers\":[{\"name\":\"c\",\"image\":\" i\"}]}}", 422, "'), spec.containers[0].image: Invalid value: \\\" i\\\": must not have leading or trailing whitespace" },
        { "POST", "/apis/apps/v1/namespaces/default/deployments", NULL, NULL, DEPLOYMENT, 201, NULL },
        { "PATCH", "/apis/apps/v1/namespaces/default/deployments/d", NULL, "application/strategic-merge-patch+json", "{\"spec\":{\"replicas\":4294967299}}", 200, "\"replicas\":3" },
        { "GET", LEASES, "limit=x", NULL, NULL, 400, "strconv.ParseInt: parsing \\\"x\\\": invalid syntax", "application/json;as=Table;v=v9;g=meta.k8s.io" },
        { "GET", LEASES, "limit=x", NULL, NULL, 406, "Available representations", "text/html" },
        { "PATCH", LEASES "/l", NULL, "text/plain", "{}", 415, "Unsupported Media Type", "text/html" },
        { "POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", NULL, NULL, "{\"metadata\":{\"name\":\"q\"},\"spec\":{}}", 422, "spec.request: Invalid value: null: PEM block type" },
    };
    PLAY(state, steps);
}

#define NS "/api/v1/namespaces/default"
#define ENFORCE(level) "{\"metadata\":{\"labels\":{\"pod-security.kubernetes.io/enforce\":" level "}}}"

/* The pods that are there stay, and are told of. */
static void a_stricter_namespace_warns_of_its_pods(void **state)         /* I-002 */
{
    static const struct step steps[] = {
        { "POST", PODS, NULL, NULL, POD("b", "{}"), 201, NULL },
        { "POST", PODS, NULL, NULL, POD("a", "{}"), 201, NULL },
        { "PATCH", NS, NULL, MERGE, ENFORCE("\"baseline\""), 200, NULL },
        { "PATCH", NS, NULL, MERGE, ENFORCE("\"restricted\""), 200, "existing pods in namespace \\\"default\\\" violate the new PodSecurity enforce level \\\"restricted:latest\\\"" },
        { "PATCH", NS, NULL, MERGE, ENFORCE("\"privileged\""), 200, NULL },
        { "PATCH", NS, NULL, MERGE, ENFORCE("\"restricted\""), 200, "a (and 1 other pod): allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile" },
        { "PATCH", NS, NULL, MERGE, ENFORCE("\"none\""), 422, "must be one of privileged, baseline, restricted" },
    };
    PLAY(state, steps);
}

/* ---- versions of custom resources ------------------------------------------------------------------- */

#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define VERSION(name, storage, own, filled) "{\"name\":\"" name "\",\"served\":true,\"storage\":" storage ",\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"," \
    "\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{\"" own "\":{\"type\":\"string\"},\"both\":{\"type\":\"string\"},\"" filled "\":{\"type\":\"string\",\"default\":\"x\"}}}}}}}"
#define WIDGETS(version) "/apis/x.io/" version "/namespaces/default/widgets"
#define WIDGET(version, name, spec) "{\"apiVersion\":\"x.io/" version "\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"" name "\"},\"spec\":" spec "}"

/* What is stored is of one version: another that is written loses what that one does not know, and one that is read
 * gets no defaults of its own. */
static void a_version_is_seen_through_the_stored_one(void **state)       /* F-061 F-084 */
{
    static const struct step steps[] = {
        { "POST", CRDS, NULL, NULL, "{\"metadata\":{\"name\":\"widgets.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":\"Namespaced\",\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},\"versions\":["
                                      VERSION("v1", "true", "a", "d1") "," VERSION("v2", "false", "b", "d2") "]}}", 201, NULL },
        { "SLEEP", "", NULL, NULL, NULL, 0, NULL },
        { "POST", WIDGETS("v2"), NULL, NULL, WIDGET("v2", "w", "{\"a\":\"1\",\"b\":\"2\",\"both\":\"3\"}"), 201, "\"spec\":{\"both\":\"3\"}" },
        { "GET", WIDGETS("v1") "/w", NULL, NULL, NULL, 200, "\"spec\":{\"both\":\"3\",\"d1\":\"x\"}" },
        { "PATCH", WIDGETS("v1") "/w", NULL, MERGE, "{\"spec\":{\"a\":\"4\"}}", 200, "\"a\":\"4\"" },
        { "PATCH", WIDGETS("v2") "/w", "dryRun=All", MERGE, "{\"spec\":{\"b\":\"5\"}}", 200, "\"spec\":{\"both\":\"3\"}" },
        { "PATCH", WIDGETS("v2") "/w", NULL, MERGE, "{}", 200, "\"spec\":{\"both\":\"3\"}" },
        { "GET", WIDGETS("v1") "/w", NULL, NULL, NULL, 200, "\"spec\":{\"both\":\"3\",\"d1\":\"x\"}" },
        { "PATCH", WIDGETS("v1") "/a", "fieldManager=m", "application/apply-patch+yaml", WIDGET("v1", "a", "{\"a\":\"1\",\"both\":\"2\"}"), 201, NULL },
        { "PATCH", WIDGETS("v2") "/a", "fieldManager=m", "application/apply-patch+yaml", WIDGET("v2", "a", "{\"b\":\"1\",\"both\":\"2\"}"), 500, "failed to convert merged object to last applied version: .spec.b: field not declared in schema" },
        { "PATCH", CRDS "/widgets.x.io", NULL, "application/json-patch+json", "[{\"op\":\"replace\",\"path\":\"/spec/versions/0/storage\",\"value\":false},{\"op\":\"replace\",\"path\":\"/spec/versions/1/storage\",\"value\":true}]", 200, "\"storedVersions\":[\"v1\",\"v2\"]" },
        { "PATCH", CRDS "/widgets.x.io/status", NULL, MERGE, "{\"status\":{\"storedVersions\":[]}}", 200, "\"storedVersions\":[\"v2\"]" },
        { "PATCH", CRDS "/widgets.x.io", NULL, "application/json-patch+json", "[{\"op\":\"remove\",\"path\":\"/spec/versions/0\"}]", 200, NULL },
        { "GET", WIDGETS("v2") "/w", NULL, NULL, NULL, 500, "request to convert CR from an invalid group/version: x.io/v1" },
    };
    PLAY(state, steps);
}

#define EMBEDDED "{\"type\":\"object\",\"x-kubernetes-embedded-resource\":true,\"x-kubernetes-preserve-unknown-fields\":true}"
#define HOLDER(member) "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"h\"}," member "}"

static void an_embedded_object_is_refused_for_one_thing(void **state)    /* F-127 */
{
    static const struct step steps[] = {
        { "POST", CRDS, NULL, NULL, "{\"metadata\":{\"name\":\"widgets.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":\"Namespaced\",\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,"
                                      "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"t\":" EMBEDDED ",\"m\":{\"type\":\"object\",\"additionalProperties\":" EMBEDDED "}}}}}]}}", 201, NULL },
        { "SLEEP", "", NULL, NULL, NULL, 0, NULL },
        { "POST", WIDGETS("v1"), NULL, NULL, HOLDER("\"t\":{\"apiVersion\":1,\"metadata\":\"x\"}"), 400, "cannot be handled as a Widget: t.apiVersion: Invalid value: 1: must be a string\"" },
        { "POST", WIDGETS("v1"), NULL, NULL, HOLDER("\"m\":{\"k\":{\"kind\":1}}"), 400, "m[k].kind: Invalid value: 1: must be a string" },
    };
    PLAY(state, steps);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_data_of_a_revision_is_bytes, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(empty_is_not_nothing_until_stored, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(the_addresses_of_a_service, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(the_first_change_of_a_claim_writes_its_phase, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(what_a_limit_range_may_say, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(limits_fill_in_and_refuse, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(what_containers_ask_for_fits_together, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(the_phase_of_a_volume_has_its_time, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(words_of_the_real_server, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_stricter_namespace_warns_of_its_pods, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_version_is_seen_through_the_stored_one, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(an_embedded_object_is_refused_for_one_thing, lab_up, lab_down),
    };
    return cmocka_run_group_tests_name("kinds", tests, NULL, NULL);
}
