/* What no recording happens to name: merges by key, orders of checks, what is being deleted, where a server begins. */
#include "fakeapi/apiserver/test_lab.h"

#include "fakeapi/apiserver/base64.h"
#include "fakeapi/store/store.h"

#define CM "/api/v1/namespaces/default/configmaps"
#define PODS "/api/v1/namespaces/default/pods"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"
#define ROLES "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
#define JOBS "/apis/batch/v1/namespaces/default/jobs"
#define STRATEGIC "application/strategic-merge-patch+json"

/* ---- strategic patches ---------------------------------------------------------------------------- */

#define WEB "{\"metadata\":{\"name\":\"web\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"strategy\":" \
    "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":3}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}}," \
    "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}"

/* E-077: claims of a container are replaced; E-081: those of a Pod merge by name (a Pod's spec may not change, so the
 * template of a Deployment shows it); E-090: a strategy keeps what its patch names; E-095: rules are replaced. */
static void lists_are_merged_or_replaced(void **state)
{
    static const struct step steps[] = {
        { "POST", DEPLOYMENTS, NULL, NULL, WEB, 201, "\"maxSurge\":3" },
        { "PATCH", DEPLOYMENTS "/web", NULL, STRATEGIC, "{\"spec\":{\"strategy\":{\"$retainKeys\":[\"type\"],\"type\":\"Recreate\"}}}",
          200, "\"strategy\":{\"type\":\"Recreate\"}" },
        { "PATCH", DEPLOYMENTS "/web", NULL, STRATEGIC, "{\"spec\":{\"template\":{\"spec\":{\"resourceClaims\":["
          "{\"name\":\"a\",\"resourceClaimName\":\"x\"},{\"name\":\"b\",\"resourceClaimName\":\"y\"}],\"containers\":[{\"name\":\"c\","
          "\"resources\":{\"claims\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}]}}}}", 200, "\"claims\":[{\"name\":\"a\"},{\"name\":\"b\"}]" },
        { "PATCH", DEPLOYMENTS "/web", NULL, STRATEGIC, "{\"spec\":{\"template\":{\"spec\":{\"resourceClaims\":["
          "{\"name\":\"b\",\"resourceClaimName\":\"z\"}],\"containers\":[{\"name\":\"c\",\"resources\":{\"claims\":[{\"name\":\"b\"}]}}]}}}}",
          200, "\"claims\":[{\"name\":\"b\"}]" },
        { "GET", DEPLOYMENTS "/web", NULL, NULL, NULL, 200,
          "\"resourceClaims\":[{\"name\":\"a\",\"resourceClaimName\":\"x\"},{\"name\":\"b\",\"resourceClaimName\":\"z\"}]" },
        { "POST", ROLES, NULL, NULL, "{\"metadata\":{\"name\":\"r\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],"
          "\"verbs\":[\"get\"]}]}", 201, NULL },
        { "PATCH", ROLES "/r", NULL, STRATEGIC, "{\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"nodes\"],\"verbs\":[\"list\"]}]}",
          200, "\"rules\":[{\"verbs\":[\"list\"],\"apiGroups\":[\"\"],\"resources\":[\"nodes\"]}]" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* ---- being deleted -------------------------------------------------------------------------------- */

#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define GIZMOS "/apis/x.io/v1/namespaces/default/gizmos"
#define GIZMO_CRD "{\"metadata\":{\"name\":\"gizmos.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":\"Namespaced\"," \
    "\"names\":{\"plural\":\"gizmos\",\"kind\":\"Gizmo\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true," \
    "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}}}]}}"

/* F-166 F-169: who makes again what is not gone yet is told so. */
static void what_is_being_deleted_is_still_there(void **state)
{
    static const struct step steps[] = {
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"x.io/f\"]}}", 201, NULL },
        { "DELETE", CM "/a", NULL, NULL, NULL, 200, NULL },
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 409,
          "\"message\":\"object is being deleted: configmaps \\\"a\\\" already exists\"" },
        { "POST", CRDS, NULL, NULL, GIZMO_CRD, 201, NULL },
        { "SLEEP" },
        { "POST", GIZMOS, NULL, NULL, "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Gizmo\",\"metadata\":{\"name\":\"g\","
          "\"finalizers\":[\"x.io/f\"]}}", 201, NULL },
        { "DELETE", CRDS "/gizmos.x.io", NULL, NULL, NULL, 200, NULL },
        { "SLEEP" },
        { "POST", CRDS, NULL, NULL, GIZMO_CRD, 409, "object is being deleted: customresourcedefinitions.apiextensions.k8s.io "
          "\\\"gizmos.x.io\\\" already exists" },
        { "PATCH", GIZMOS "/g", NULL, "application/merge-patch+json", "{\"metadata\":{\"finalizers\":null}}", 200, NULL },
        { "SLEEP" }, { "SLEEP" },
        { "POST", CRDS, NULL, NULL, GIZMO_CRD, 201, NULL },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* ---- what comes first ----------------------------------------------------------------------------- */

/* the form of the answer, the options, the body, its names, the namespace's life, then the object itself. */
static void checks_come_in_their_order(void **state)
{
    static const struct step steps[] = {
        { "POST", "/api/v1/namespaces/none/pods", "dryRun=yes", "text/nonsense", "{", 415, "unknown format" },
        { "PUT", "/api/v1/namespaces/none/pods/a", "dryRun=yes", "text/nonsense", "{", 422, "dryRun: Unsupported value" },
        { "POST", "/api/v1/namespaces/none/pods", "dryRun=yes", NULL, "{", 422, "dryRun: Unsupported value" },
        { "POST", "/api/v1/namespaces/none/pods", NULL, NULL, "{", 400, NULL },
        { "POST", "/api/v1/namespaces/none/pods", NULL, NULL, "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"namespace\":"
          "\"other\"},\"spec\":{}}", 400, "the namespace of the provided object does not match" },
        { "POST", "/api/v1/namespaces/none/pods", NULL, NULL, "{\"metadata\":{\"name\":\"A\"},\"spec\":{}}", 404,
          "namespaces \\\"none\\\" not found" },
        { "POST", PODS, NULL, NULL, "{\"metadata\":{\"name\":\"A\"},\"spec\":{}}", 422, "spec.containers: Required value" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* C-038 K-051: a token is read before the revision beside it; of selectors, that of labels before that of fields. */
static void options_of_a_list_come_in_their_order(void **state)
{
#define TOKEN "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiYVx1MDAwMCJ9"
    static const struct step steps[] = {
        { "GET", CM, "resourceVersion=1&continue=e30", NULL, NULL, 400, "server does not recognize this encoded version " },
        { "GET", CM, "resourceVersion=x&continue=e30", NULL, NULL, 400, "server does not recognize this encoded version " },
        { "GET", CM, "resourceVersion=x&" TOKEN, NULL, NULL, 400, "specifying resource version is not allowed" },
        { "GET", CM, "resourceVersion=00&" TOKEN, NULL, NULL, 400, "specifying resource version is not allowed" },
        { "GET", CM, "resourceVersion=0&" TOKEN, NULL, NULL, 200, NULL },
        { "GET", CM, "fieldSelector=a&labelSelector=l+in+(a,b", NULL, NULL, 400, "found '', expected: ',' or ')'" },
    };
#undef TOKEN
    play(*state, steps, ARRAY_SIZE(steps));
}

/* kinds with columns of their own have an empty array of rows, the others none at all. */
static void no_rows(void **state)
{
#define TABLE "application/json;as=Table;v=v1;g=meta.k8s.io"
    static const struct step steps[] = {
        { "GET", "/api/v1/namespaces/default/limitranges", NULL, NULL, NULL, 200, "\"rows\":null", TABLE },
        { "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "labelSelector=a%3Db", NULL, NULL, 200, "\"rows\":null",
          TABLE },
        { "GET", CM, "labelSelector=a%3Db", NULL, NULL, 200, "\"rows\":[]", TABLE },
    };
#undef TABLE
    play(*state, steps, ARRAY_SIZE(steps));
}

/* ---- kinds ---------------------------------------------------------------------------------------- */

/* G-013 D-037: Jobs are chosen by how many Pods succeeded. */
static void jobs_are_chosen_by_their_success(void **state)
{
    static const struct step steps[] = {
        { "POST", JOBS, NULL, NULL, "{\"metadata\":{\"name\":\"j\"},\"spec\":{\"template\":{\"spec\":{\"restartPolicy\":\"Never\","
          "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}", 201, "\"batch.kubernetes.io/job-name\":\"j\"" },
        { "GET", JOBS, "fieldSelector=status.successful%3D0", NULL, NULL, 200, "\"name\":\"j\"" },
        { "GET", JOBS, "fieldSelector=status.successful%3D1", NULL, NULL, 200, "\"items\":[]" },
        { "GET", JOBS, "fieldSelector=status.failed%3D1", NULL, NULL, 400, "field label \\\"status.failed\\\" not supported for Job" },
        { "GET", JOBS "/j/status", NULL, NULL, NULL, 200, "\"kind\":\"Job\"" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

#define MERGE_PATCH "application/merge-patch+json"
#define INDEXED(name, more) "{\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"completionMode\":\"Indexed\",\"completions\":9," more \
    ",\"template\":{\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}"

/* B-178: lists of indexes rise, stay below the completions, and no index is both completed and failed. */
static void lists_of_indexes_rise(void **state)
{
    static const struct step steps[] = {
        { "POST", JOBS, NULL, NULL, INDEXED("k", "\"successPolicy\":{\"rules\":[{\"succeededIndexes\":\"3-2\"}]}"), 422,
          "non-increasing order, previous: 3, current: 2" },
        { "POST", JOBS, NULL, NULL, INDEXED("k", "\"successPolicy\":{\"rules\":[{\"succeededIndexes\":\"1-2-3\"}]}"), 422,
          "an index interval can have at most two parts separated by '-'" },
        { "POST", JOBS, NULL, NULL, INDEXED("k", "\"successPolicy\":{\"rules\":[{\"succeededIndexes\":\"1,3-4\",\"succeededCount\":4}]}"),
          422, "Invalid value: 4: must be less than or equal to 3 (the number of indexes in the specified succeededIndexes field)" },
        { "POST", JOBS, NULL, NULL, INDEXED("k", "\"backoffLimitPerIndex\":1"), 201, NULL },
        { "PATCH", JOBS "/k/status", NULL, MERGE_PATCH, "{\"status\":{\"completedIndexes\":\"1-4,7\",\"failedIndexes\":\"0,5-6,9\"}}", 422,
          "too large index: \\\"9\\\"" },
        { "PATCH", JOBS "/k/status", NULL, MERGE_PATCH, "{\"status\":{\"completedIndexes\":\"1-4,7\",\"failedIndexes\":\"0,5-8\"}}", 422,
          "failedIndexes and completedIndexes overlap at index: 7" },
        { "PATCH", JOBS "/k/status", NULL, MERGE_PATCH, "{\"status\":{\"completedIndexes\":\"1-4,7\",\"failedIndexes\":\"0,5-6,8\"}}", 200,
          "\"failedIndexes\":\"0,5-6,8\"" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

#define CLASSES "/apis/storage.k8s.io/v1/storageclasses"

/* G-026 G-047: a claim without a class gets the default one, and so does an Ingress. */
static void who_names_no_class_gets_the_default(void **state)
{
    static const struct step steps[] = {
        { "POST", CLASSES, NULL, NULL, "{\"metadata\":{\"name\":\"slow\"},\"provisioner\":\"x.io/p\"}", 201, "\"reclaimPolicy\":\"Delete\"" },
        { "POST", CLASSES, NULL, NULL, "{\"metadata\":{\"name\":\"fast\",\"annotations\":{\"storageclass.kubernetes.io/is-default-class\":"
          "\"true\"}},\"provisioner\":\"x.io/p\"}", 201, "\"volumeBindingMode\":\"Immediate\"" },
        { "POST", "/api/v1/namespaces/default/persistentvolumeclaims", NULL, NULL, "{\"metadata\":{\"name\":\"c\"},\"spec\":{"
          "\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}", 201, "\"storageClassName\":\"fast\"" },
        { "POST", "/api/v1/namespaces/default/persistentvolumeclaims", NULL, NULL, "{\"metadata\":{\"name\":\"d\"},\"spec\":{"
          "\"storageClassName\":\"slow\",\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}", 201,
          "\"storageClassName\":\"slow\"" },
        { "POST", "/apis/networking.k8s.io/v1/ingressclasses", NULL, NULL, "{\"metadata\":{\"name\":\"i\",\"annotations\":{"
          "\"ingressclass.kubernetes.io/is-default-class\":\"true\"}},\"spec\":{\"controller\":\"x.io/c\"}}", 201, NULL },
        { "POST", "/apis/networking.k8s.io/v1/namespaces/default/ingresses", NULL, NULL, "{\"metadata\":{\"name\":\"i\"},\"spec\":{"
          "\"defaultBackend\":{\"service\":{\"name\":\"s\",\"port\":{\"number\":80}}}}}", 201, "\"ingressClassName\":\"i\"" },
        { "GET", "/apis/storage.k8s.io/v1", NULL, NULL, NULL, 200, "\"shortNames\":[\"sc\"]" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* Of a Pod's own containers the only one is meant; what stands beside them is named, and not meant. */
static void logs_are_of_one_container(void **state)
{
    static const struct step steps[] = {
        { "POST", PODS, NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}],"
          "\"initContainers\":[{\"name\":\"i\",\"image\":\"i\"}]}}", 201, NULL },
        { "GET", PODS "/p/log", NULL, NULL, NULL, 204, NULL },
        { "POST", PODS, NULL, NULL, "{\"metadata\":{\"name\":\"q\",\"annotations\":{\"kubectl.kubernetes.io/default-container\":\"c\"}},"
          "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"},{\"name\":\"d\",\"image\":\"i\"}],\"initContainers\":[{\"name\":"
          "\"i\",\"image\":\"i\"}]}}", 201, NULL },
        { "GET", PODS "/q/log", NULL, NULL, NULL, 400, "a container name must be specified for pod q, choose one of: [i c d]" },
        { "GET", PODS "/q/log", "container=d", NULL, NULL, 204, NULL },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* J-101: a token lives ten minutes at least. */
static void a_token_lives_ten_minutes(void **state)
{
    static const struct step steps[] = {
        { "POST", "/api/v1/namespaces/default/serviceaccounts", NULL, NULL, "{\"metadata\":{\"name\":\"s\"}}", 201, NULL },
        { "POST", "/api/v1/namespaces/default/serviceaccounts/s/token", NULL, NULL, "{\"spec\":{\"expirationSeconds\":10}}", 422,
          "spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes" },
        { "POST", "/api/v1/namespaces/default/serviceaccounts/s/token", NULL, NULL, "{\"spec\":{\"expirationSeconds\":600}}", 201,
          "\"expirationTimestamp\"" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* a body too large is told before wrong options, and, but for a POST, before a type that nobody reads. */
static void a_large_body_comes_before_the_options(void **state)
{
    static const char merge[] = "application/merge-patch+json", too_large[] = "Request entity too large: limit is 3145728";
    cleanup_free char *body = xcalloc(3145730, 1);

    memset(body, ' ', 3145729);
    PLAY_STEPS(state, { "POST", CM, "dryRun=yes", NULL, body, 413, too_large },
         { "POST", CM, "dryRun=yes", "text/nonsense", body, 415, NULL },
         { "PUT", CM "/a", "dryRun=yes", "text/nonsense", body, 413, too_large },
         { "PATCH", CM "/a", "dryRun=yes", merge, body, 413, too_large },
         { "DELETE", CM "/a", NULL, "text/nonsense", body, 413, too_large });
}

/* J-086: ten thousand operations are a patch, one more is too many. */
static void a_patch_has_ten_thousand_operations(void **state)
{
    static const char one[] = "{\"op\":\"test\",\"path\":\"/kind\",\"value\":\"ConfigMap\"}";
    cleanup_buf struct buf most = BUF_INIT, more = BUF_INIT;

    for (int i = 0; i < 10000; i++)
        buf_printf(&most, "%s%s", i ? "," : "[", one);
    buf_printf(&more, "%s,%s]", most.data, one);
    buf_add_str(&most, "]");
    const struct step steps[] = {
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, NULL },
        { "PATCH", CM "/a", NULL, "application/json-patch+json", most.data, 200, NULL },
        { "PATCH", CM "/a", NULL, "application/json-patch+json", more.data, 413,
          "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* E-149: what an apply would do is shown with who would own it, and not done. */
static void a_dry_apply_shows_who_would_own_what(void **state)
{
    static const struct step steps[] = {
        { "PATCH", CM "/a", "fieldManager=me&dryRun=All", "application/apply-patch+yaml",
          "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}", 201,
          "\"managedFields\":[{\"manager\":\"me\",\"operation\":\"Apply\"" },
        { "GET", CM "/a", NULL, NULL, NULL, 404, NULL },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* What a watch is asked comes before how it can be told. */
static void a_watch_is_asked_before_it_is_told(void **state)
{
    static const char yaml[] = "application/yaml";

    PLAY_STEPS(state,
        { "GET", CM, "watch=1&resourceVersion=x", NULL, NULL, 500, "resourceVersion: Invalid value: \"x\"", yaml },
        { "GET", CM, "watch=1&fieldSelector=spec.x%3D1", NULL, NULL, 400, "is not a known field selector", yaml },
        { "GET", CM, "watch=1&resourceVersion=1", NULL, NULL, 406, "only the following media types are accepted: ", yaml });
}

/* What can only be created has no columns. */
static void what_is_only_asked_is_no_table(void **state)
{
    static const char table[] = "application/json;as=Table;v=v1;g=meta.k8s.io", either[] = "application/json;as=Table;v=v1;"
        "g=meta.k8s.io,application/json", partial[] = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    static const char refused[] = "only the following media types are accepted: application/json, ";
    static const char reviews[] = "/apis/authentication.k8s.io/v1/tokenreviews", review[] = "{\"spec\":{\"token\":\"x\"}}";

    PLAY_STEPS(state,
        { "POST", reviews, NULL, NULL, review, 406, refused, table },
        { "POST", reviews, NULL, NULL, review, 201, "\"kind\":\"TokenReview\"", either },
        { "POST", reviews, NULL, NULL, review, 201, "\"kind\":\"PartialObjectMetadata\"", partial },
        { "POST", "/api/v1/namespaces/default/pods/p/eviction", NULL, NULL, "{}", 406, refused, table },
        { "POST", "/api/v1/namespaces/default/bindings", NULL, NULL, "{}", 406, refused, table },
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, "\"kind\":\"Table\"", table });
}

/* ---- addresses of Services ------------------------------------------------------------------------ */

#define CONTROLLERS "/api/v1/namespaces/default/replicationcontrollers"
#define SERVICES "/api/v1/namespaces/default/services"
#define ADDRESSES "/apis/networking.k8s.io/v1/ipaddresses"
#define SERVICE(name, more) "{\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"ports\":[{\"port\":80}]" more "}}"

/* G-003: an address is in a range and had by one; its IPAddress comes and goes with the Service. */
static void addresses_are_given_out_once(void **state)
{
    static const struct step steps[] = {
        { "GET", SERVICES "/kubernetes", NULL, NULL, NULL, 200, "\"clusterIP\":\"10.0.0.1\"" },
        { "POST", SERVICES, NULL, NULL, SERVICE("a", ",\"clusterIP\":\"10.0.0.1\""), 422,
          "failed to allocate IP 10.0.0.1: provided IP is already allocated" },
        { "POST", SERVICES, NULL, NULL, SERVICE("a", ",\"clusterIP\":\"10.0.0.01\""), 422,
          "failed to allocate IP 10.0.0.01: provided IP is already allocated" },
        { "POST", SERVICES, NULL, NULL, SERVICE("a", ",\"clusterIP\":\"10.0.1.5\""), 422,
          "failed to allocate IP 10.0.1.5: the provided network does not match the current range" },
        { "POST", SERVICES, NULL, NULL, SERVICE("a", ",\"clusterIP\":\"10.0.0.255\""), 422, "does not match the current range" },
        { "POST", SERVICES, NULL, NULL, SERVICE("a", ",\"clusterIP\":\"fd00::1\""), 422,
          "Invalid value: [\\\"fd00::1\\\"]: IPv6 is not configured on this cluster" },
        { "POST", SERVICES, "dryRun=All", NULL, SERVICE("a", ""), 201, "\"clusterIP\":\"10.0.0.0\"" },
        { "GET", ADDRESSES, NULL, NULL, NULL, 200, "\"items\":[{\"metadata\":{\"name\":\"10.0.0.1\"" },
        { "POST", SERVICES, NULL, NULL, SERVICE("a", ""), 201, "\"clusterIP\":\"10.0.0.17\"" },
        { "GET", ADDRESSES "/10.0.0.17", NULL, NULL, NULL, 200,
          "\"parentRef\":{\"resource\":\"services\",\"namespace\":\"default\",\"name\":\"a\"}" },
        { "PATCH", SERVICES "/a", NULL, "application/merge-patch+json", "{\"spec\":{\"type\":\"ExternalName\",\"externalName\":\"x.y\"}}",
          200, NULL },
        { "GET", ADDRESSES "/10.0.0.17", NULL, NULL, NULL, 404, NULL },
        { "PATCH", SERVICES "/a", NULL, "application/merge-patch+json", "{\"spec\":{\"type\":\"ClusterIP\"}}", 200,
          "\"clusterIP\":\"10.0.0.17\"" },
        { "DELETE", SERVICES "/a", NULL, NULL, NULL, 200, NULL },
        { "GET", ADDRESSES "/10.0.0.17", NULL, NULL, NULL, 404, NULL },
        { "POST", ADDRESSES, NULL, NULL, "{\"metadata\":{\"name\":\"10.0.0.77\"},\"spec\":{\"parentRef\":{\"resource\":\"x\",\"name\":\"y\"}}}",
          201, NULL },
        { "POST", SERVICES, NULL, NULL, SERVICE("b", ",\"clusterIP\":\"10.0.0.77\""), 422, "provided IP is already allocated" },
        { "POST", ADDRESSES, NULL, NULL, "{\"metadata\":{\"name\":\"10.0.0.078\"},\"spec\":{}}", 422, "must be a valid IP address" },
        { "POST", "/apis/networking.k8s.io/v1/servicecidrs", NULL, NULL, "{\"metadata\":{\"name\":\"more\"},\"spec\":{\"cidrs\":"
          "[\"10.7.0.1/24\"]}}", 422, "must not have bits set beyond the prefix length" },
        { "POST", "/apis/networking.k8s.io/v1/servicecidrs", NULL, NULL, "{\"metadata\":{\"name\":\"more\"},\"spec\":{\"cidrs\":"
          "[\"10.7.0.0/24\"]}}", 201, NULL },
        { "POST", SERVICES, NULL, NULL, SERVICE("b", ",\"clusterIP\":\"10.7.0.9\""), 201, NULL },
        { "POST", SERVICES, NULL, NULL, SERVICE("h", ",\"type\":\"LoadBalancer\",\"externalTrafficPolicy\":\"Local\",\"healthCheckNodePort\":30300"),
          201, "\"healthCheckNodePort\":30300" },
        { "POST", SERVICES, NULL, NULL, SERVICE("i", ",\"type\":\"LoadBalancer\",\"externalTrafficPolicy\":\"Local\",\"healthCheckNodePort\":30300"),
          500, "failed to allocate requested HealthCheck NodePort 30300: provided port is already allocated" },
        { "POST", SERVICES, NULL, NULL, SERVICE("i", ",\"type\":\"LoadBalancer\",\"externalTrafficPolicy\":\"Local\""),
          201, "\"healthCheckNodePort\":3000" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

#define BALANCER ",\"type\":\"LoadBalancer\",\"externalTrafficPolicy\":\"Local\""
#define PORTS(a, b) "{\"spec\":{\"ports\":[{\"name\":\"a\",\"port\":80,\"nodePort\":" #a "},{\"name\":\"b\",\"port\":81,\"nodePort\":" #b "}]}}"

/* An IPAddress is written before its Service is looked at: where it cannot be, that is all that is said. */
static void an_address_needs_a_name(void **state)
{
    static const struct step steps[] = {
        { "POST", SERVICES, NULL, NULL, SERVICE("", ""), 500, "failed to allocate a serviceIP: range is full" },
        { "POST", SERVICES, NULL, NULL, SERVICE("a%", ",\"type\":\"x\""), 500, "failed to allocate a serviceIP: range is full" },
        { "POST", SERVICES, NULL, NULL, SERVICE("A", ""), 422, "metadata.name: Invalid value" },
        { "POST", SERVICES, NULL, NULL, SERVICE("", ",\"ipFamilyPolicy\":\"x\""), 422, "spec.ipFamilyPolicy: Unsupported value" },
        { "POST", SERVICES, NULL, NULL, SERVICE("", ",\"clusterIP\":\"None\""), 422, "metadata.name: Required value" },
        { "POST", SERVICES, "dryRun=All", NULL, SERVICE("", ""), 422, "metadata.name: Required value" },
        { "POST", SERVICES, NULL, NULL, SERVICE("a/b", ",\"clusterIP\":\"10.0.0.1\""), 422,
          "failed to allocate IP 10.0.0.1: IPAddress.networking.k8s.io \\\"10.0.0.1\\\" is invalid: "
          "spec.parentRef.name: Invalid value: \\\"a/b\\\": may not contain '/'" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* What cannot be given out at update, and is no field's error. */
static void ports_are_given_out_once(void **state)
{
    static const char merge[] = "application/merge-patch+json", twice[] = "\"message\":\"duplicate nodePort: {TCP 30503}\"";
    const struct step steps[] = {
        { "POST", SERVICES, NULL, NULL, SERVICE("a", BALANCER ",\"healthCheckNodePort\":30601"), 201, NULL },
        { "POST", SERVICES, NULL, NULL, SERVICE("b", ",\"type\":\"NodePort\""), 201, NULL },
        { "PATCH", SERVICES "/b", NULL, merge, PORTS(30503, 30503), 500, twice },
        { "PATCH", SERVICES "/b", "dryRun=All", merge, PORTS(30503, 30503), 500, twice },
        { "PATCH", SERVICES "/b", NULL, merge, PORTS(30601, 30601), 422, "spec.ports[0].nodePort: Invalid value: 30601: provided" },
        { "PATCH", SERVICES "/b", NULL, merge, "{\"spec\":{\"type\":\"LoadBalancer\",\"externalTrafficPolicy\":\"Local\","
          "\"healthCheckNodePort\":30601}}", 500, "HealthCheck NodePort 30601: provided port is already allocated" },
        { "PATCH", SERVICES "/a", NULL, merge, "{\"spec\":{\"healthCheckNodePort\":30777}}", 422,
          "spec.healthCheckNodePort: Forbidden: field is immutable" },
        { "PATCH", SERVICES "/a", NULL, merge, "{\"spec\":{\"healthCheckNodePort\":null}}", 200, "\"healthCheckNodePort\":30601" },
        { "POST", SERVICES, "dryRun=All", NULL, SERVICE("c", BALANCER ",\"healthCheckNodePort\":6"), 201, NULL },
        { "POST", SERVICES, NULL, NULL, "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"ports\":[{\"port\":80,\"nodePort\":30808}]"
          BALANCER ",\"healthCheckNodePort\":30808}}", 500, "NodePort 30808: provided port is already allocated" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* ---- where a server begins ------------------------------------------------------------------------ */

/* C-004: keys are laid out as in etcd. C-007: a fresh server is past revision 1, and what was before is no history.
 * whoever can ask at all finds the namespaces. */
static void a_fresh_server(void **state)
{
    static const char *const keys[] = { "/registry/namespaces/default", "/registry/services/specs/default/kubernetes",
                                        "/registry/services/endpoints/default/kubernetes",
                                        "/registry/apiextensions.k8s.io/customresourcedefinitions/gizmos.x.io",
                                        "/registry/minions/n", "/registry/deployments/default/web" };
    static const struct step steps[] = {
        { "GET", "/readyz", NULL, NULL, NULL, 200, "ok" },
        { "GET", "/readyz", "verbose", NULL, NULL, 200, "[+]etcd ok\n[+]etcd-readiness ok\n[+]informer-sync ok\n" },
        { "GET", "/livez", "verbose&exclude=shutdown", NULL, NULL, 200,
          "[+]etcd ok\n[+]poststarthook/start-apiserver-admission-initializer ok\n" },
        { "GET", "/livez/shutdown", NULL, NULL, NULL, 404, NULL },
        { "GET", "/", NULL, NULL, NULL, 200, "\"/readyz/shutdown\"" },
        { "GET", "/apis/storage.k8s.io/v1", NULL, NULL, NULL, 200, "\"storageVersionHash\":\"Bl3MtjZ/n/s=\"" },
        { "GET", "/metrics/slis", NULL, NULL, NULL, 200, "{name=\"shutdown\",type=\"readyz\"} 1" },
        { "GET", "/api/v1/namespaces/kube-system", NULL, NULL, NULL, 200, "\"phase\":\"Active\"" },
        { "GET", CM, "watch=1&resourceVersion=1", NULL, NULL, 200, NULL },
        { "GET", CM, "resourceVersion=1&resourceVersionMatch=Exact", NULL, NULL, 410, "\"reason\":\"Expired\"" },
        { "POST", "/api/v1/nodes", NULL, NULL, "{\"metadata\":{\"name\":\"n\"}}", 201, NULL },
        { "POST", DEPLOYMENTS, NULL, NULL, WEB, 201, NULL },
        { "POST", CRDS, NULL, NULL, GIZMO_CRD, 201, NULL },
    };
    struct store *s = apiserver_store(((struct lab *)*state)->s);
    struct record r;

    assert_true(store_revision(s) > 1);
    play(*state, steps, ARRAY_SIZE(steps));
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (store_get(s, keys[i], 0, &r) < 0)
            fail_msg("no %s", keys[i]);
}

/* K-020: what a body is may be said in either case, and the last that is said counts; a field of its own it is not. */
static void a_kind_is_said_in_either_case(void **state)
{
    static const struct step steps[] = {
        { "POST", CM, NULL, NULL, "{\"apiVersion\":\"v1\",\"APIVERSION\":\"v2\",\"kind\":\"ConfigMap\"}", 400,
          "no kind \\\"ConfigMap\\\" is registered for version \\\"v2\\\"" },
        { "POST", CM, NULL, NULL, "{\"apiVersion\":\"v1\",\"Kind\":7}", 400,
          "cannot unmarshal number into Go struct field .kind of type string" },
        { "POST", CM, "fieldValidation=Strict", NULL, "{\"ApiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}", 400,
          "unknown field \\\"ApiVersion\\\"" },
        { "POST", CM, NULL, NULL, "{\"ApiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}", 201, NULL },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

#define SERVICES "/api/v1/namespaces/default/services"
#define FLOWS "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
#define MERGE "application/merge-patch+json"
#define APPLY "application/apply-patch+yaml"

/* B-100: what metadata a status takes along, and what may even begin with one. */
static void a_status_and_the_rest(void **state)
{
    static const struct step steps[] = {
        { "POST", DEPLOYMENTS, NULL, NULL, WEB, 201, NULL },
        { "PATCH", DEPLOYMENTS "/web/status", NULL, MERGE, "{\"metadata\":{\"labels\":{\"l\":\"1\"},\"annotations\":{\"n\":\"2\"}}}", 200,
          "\"annotations\":{\"n\":\"2\"},\"managedFields\"" },
        { "GET", DEPLOYMENTS, "labelSelector=l", NULL, NULL, 200, "\"items\":[]" },
        { "POST", FLOWS, NULL, NULL, "{\"metadata\":{\"name\":\"f\"},\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"exempt\"}}}", 201, NULL },
        { "PATCH", FLOWS "/f/status", NULL, MERGE, "{\"metadata\":{\"labels\":{\"l\":\"1\"}}}", 200, NULL },
        { "GET", FLOWS, "labelSelector=l", NULL, NULL, 200, "\"items\":[]" },
        { "POST", CRDS, NULL, NULL, GIZMO_CRD, 201, NULL },
        { "PATCH", CRDS "/gizmos.x.io/status", NULL, MERGE, "{\"metadata\":{\"labels\":{\"l\":\"1\"}}}", 200, "\"labels\":{\"l\":\"1\"}" },
        { "PATCH", SERVICES "/s/status", "fieldManager=m", APPLY, "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s\"},"
          "\"spec\":{\"ports\":[{\"port\":80}]}}", 201, "\"targetPort\":80}],\"type\":\"ClusterIP\"" },
        { "PUT", SERVICES "/t/status", NULL, NULL, "{\"metadata\":{\"name\":\"t\"},\"spec\":{\"ports\":[{\"port\":80}]}}", 201, NULL },
        { "POST", CONTROLLERS, NULL, NULL, "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{"
          "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}", 201, NULL },
        { "PUT", CONTROLLERS "/r/status", NULL, NULL, "{\"metadata\":{\"name\":\"r\"}}", 200, "Z\",\"labels\":{\"a\":\"b\"}" },
        { "PATCH", DEPLOYMENTS "/none/status", "fieldManager=m", APPLY, "{\"apiVersion\":\"apps/v1\",\"kind\":\"Foo\"}", 404, NULL },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

#define GADGETS "/apis/x.io/v1/gadgets"
#define GADGET_CRD "{\"metadata\":{\"name\":\"gadgets.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":\"Cluster\"," \
    "\"names\":{\"plural\":\"gadgets\",\"kind\":\"Gadget\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true," \
    "\"subresources\":{\"status\":{}},\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":" \
    "\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}},\"status\":{\"type\":\"object\"}}}}}]}}"

/* A status brings along a spec that no schema makes sense of: it is dropped, and with it who owns what. */
static void a_status_with_a_broken_spec(void **state)
{
    PLAY_STEPS(state,
        { "POST", CRDS, NULL, NULL, GADGET_CRD, 201, NULL },
        { .method = "SLEEP" },
        { "POST", GADGETS, NULL, NULL, "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Gadget\",\"metadata\":{\"name\":\"g\"},\"spec\":{\"n\":1}}", 201,
          "\"managedFields\"" },
        { "PATCH", GADGETS "/g/status", "dryRun=All", MERGE, "{\"spec\":{\"n\":2}}", 200, "\"managedFields\"" },
        { "PATCH", GADGETS "/g/status", NULL, MERGE, "{\"spec\":true}", 200, "\"metadata\":{\"name\":\"g\",\"uid\"" });
}

/* A cluster-scoped custom kind has no namespace to select by, a built-in one without fields of its own does. */
static void namespaces_of_what_has_none(void **state)
{
    PLAY_STEPS(state,
        { "POST", CRDS, NULL, NULL, GADGET_CRD, 201, NULL },
        { .method = "SLEEP" },
        { "GET", GADGETS, "fieldSelector=metadata.namespace=x", NULL, NULL, 400, "field label not supported: metadata.namespace" },
        { "GET", "/apis/node.k8s.io/v1/runtimeclasses", "fieldSelector=metadata.namespace=x", NULL, NULL, 200, NULL });
}

/* "!=" says as little as "=". */
static void empty_terms_say_nothing(void **state)
{
    PLAY_STEPS(state,
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, NULL },
        { "GET", CM, "fieldSelector=!=", NULL, NULL, 200, "\"name\":\"a\"" },
        { "GET", CM, "fieldSelector=!=,metadata.name=a,=", NULL, NULL, 200, "\"name\":\"a\"" },
        { "GET", CM, "fieldSelector=!=x", NULL, NULL, 400, "is not a known field selector" });
}

/* What a path says is a watch of custom resources is one by any method, and no subresource has one. */
static void custom_watches(void **state)
{
    PLAY_STEPS(state,
        { "POST", CRDS, NULL, NULL, GADGET_CRD, 201, NULL },
        { "POST", CRDS, NULL, NULL, GIZMO_CRD, 201, NULL },
        { .method = "SLEEP" },
        { "POST", "/apis/x.io/v1/watch/gadgets", "timeoutSeconds=1", NULL, NULL, 200, NULL },
        { "FOO", "/apis/x.io/v1/watch/gizmos/g", "timeoutSeconds=1", NULL, NULL, 200, NULL },
        { "GET", "/apis/x.io/v1/watch/gadgets/g/status", NULL, NULL, NULL, 405, "watch is not supported on resources of kind" },
        { "GET", "/apis/x.io/v1/watch/gadgets/g/none", NULL, NULL, NULL, 404, "gadgets.x.io \\\"g\\\" not found" },
        { "POST", "/api/v1/watch/pods", NULL, NULL, NULL, 405, NULL });
}

/* How long a request may last is not read of what would be long by its path, though nobody serves it. */
static void long_requests_have_no_timeout(void **state)
{
    PLAY_STEPS(state,
        { "GET", CM "/a/exec", "timeout=x", NULL, NULL, 404, NULL },
        { "GET", "/apis/none.io/v1/foos", "watch=1&timeout=x", NULL, NULL, 404, NULL },
        { "GET", "/apis/apps/v1/proxy/foos", "timeout=x", NULL, NULL, 404, NULL },
        { "GET", CM "/a/foo", "timeout=x", NULL, NULL, 400, "invalid timeout" },
        { "GET", CM "/a", "watch=1&timeout=x", NULL, NULL, 400, "invalid timeout" });
}

#define PARTIAL "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
#define EVENTS "/api/v1/namespaces/default/events"
#define EVENT(name) "{\"metadata\":{\"name\":\"" name "\",\"finalizers\":[\"orphan\",\"x.io/f\"]},\"involvedObject\":{\"namespace\":" \
    "\"default\"},\"reason\":\"R\",\"type\":\"Normal\"}"

/* A collection is deleted as it is listed: selectors before the body, in pages, and shown like a list. */
static void collections_are_deleted_as_listed(void **state)
{
    PLAY_STEPS(state,
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, NULL },
        { "DELETE", CM, "fieldSelector=a=b", NULL, "[]", 400, "\"a\\\" is not a known field selector" },
        { "DELETE", CM, "resourceVersion=1&dryRun=All", NULL, NULL, 410, "too old" },
        { "DELETE", CM, "resourceVersion=1&limit=-1&dryRun=All", NULL, NULL, 409, "the ResourceVersion in the precondition" },
        { "DELETE", CM, "resourceVersion=1&fieldSelector=metadata.name=a&dryRun=All", NULL, NULL, 409,
          "the ResourceVersion in the precondition" },
        { "DELETE", CM, NULL, NULL, NULL, 406, "the requested object is a list (*core.ConfigMapList)", PARTIAL },
        { "GET", CM "/a", NULL, NULL, NULL, 404, NULL });
}

/* No garbage collector looks at Events, so that none is asked to orphan or to follow what they own. */
static void events_are_left_alone(void **state)
{
    PLAY_STEPS(state,
        { "POST", EVENTS, NULL, NULL, EVENT("e"), 201, NULL },
        { "DELETE", EVENTS "/e", NULL, NULL, NULL, 200, "\"finalizers\":[\"x.io/f\"]" },
        { "GET", EVENTS "/e", "resourceVersion=x", NULL, NULL, 400, "invalid resource version: resourceVersion: Invalid value" },
        { "GET", CM "/e", "resourceVersion=x", NULL, NULL, 500, "\"message\":\"resourceVersion: Invalid value" });
}

/* One object by its name is read now, whatever the limit; its name alone names it only where it can be. */
static void one_by_its_name_is_no_page(void **state)
{
    PLAY_STEPS(state,
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, NULL },
        { "GET", CM, "limit=1&resourceVersion=1&fieldSelector=metadata.name=a", NULL, NULL, 200, "\"name\":\"a\"" },
        { "GET", "/api/v1/configmaps", "limit=1&resourceVersion=1&fieldSelector=metadata.name=a,metadata.namespace=default", NULL, NULL,
          200, "\"name\":\"a\"" },
        { "GET", "/api/v1/configmaps", "limit=1&resourceVersion=1&fieldSelector=metadata.name=a", NULL, NULL, 410, NULL },
        { "GET", CM, "limit=x&timeoutSeconds=y", NULL, NULL, 400, "parsing \\\"y\\\"" });
}

/* ---- how an answer ends --------------------------------------------------------------------------- */

struct asked {
    struct lab *lab;
    const char *path, *query, *accept;
    char *body;
};

static void ask(struct co *co, void *arg)
{
    struct asked *a = arg;
    struct api_header accept = { "Accept", a->accept };
    struct api_request q = { .method = "GET", .path = a->path, .query = a->query, .headers = &accept,
                             .n_headers = a->accept != NULL };
    cleanup_reply struct api_reply reply;

    if (apiserver_handle(co, a->lab->s, &q, false, &reply) == 0 && reply.body)
        a->body = xstrdup(reply.body->data);
}

static char *body_of(struct lab *lab, const char *path, const char *query, const char *accept)
{
    struct asked a = { .lab = lab, .path = path, .query = query, .accept = accept };
    struct instant limit = instant_add(world_now(lab->w), DURATION_S(10));

    co_spawn(lab->p, "ask", ask, &a);
    while (!a.body && world_step(lab->w, limit))
        ;
    assert_non_null(a.body);
    return a.body;
}

/* One line ends in a newline, many do not; who asks for JSON may ask for many. */
static void many_lines_end_in_a_brace(void **state)
{
    static const struct {
        const char *path, *query, *accept;
        bool many;
    } rows[] = {
        { CM "/none", NULL, NULL, false },
        { CM "/none", "pretty=true", NULL, true },
        { CM, "pretty=1", NULL, true },
        { CM, "pretty=0", "application/json;pretty=1", true },
        { CM, NULL, "application/json;pretty=true", false },
        { CM "/none", NULL, "*/*;pretty=1", true },
        { CM "/none", NULL, "*", false },
        { CM "/none", NULL, "nonsense", true },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cleanup_free char *body = body_of(*state, rows[i].path, rows[i].query, rows[i].accept);
        bool many = strncmp(body, "{\n  \"", 5) == 0, ended = body[strlen(body) - 1] == '\n';
        if (many != rows[i].many || ended == many)
            print_error("row %zu: %s\n", i, body);
        assert_int_equal(many, rows[i].many);
        assert_int_equal(ended, !many);
    }
}

static void check_token_start(struct lab *lab, const char *path, const char *want)
{
    cleanup_free char *body = body_of(lab, path, "limit=1", NULL);
    char *token = strstr(body, "\"continue\":\"");
    cleanup_arena struct arena *a = arena_new();
    size_t len;

    assert_non_null(token);
    token += strlen("\"continue\":\"");
    token[strcspn(token, "\"")] = 0;
    const char *text = base64url_decode(a, token, &len);
    assert_non_null(text);
    assert_non_null(strstr(text, want));
}

/* A token says where to go on by a path, from its first slash; for Events from behind it. */
static void tokens_begin_with_a_slash(void **state)
{
    PLAY_STEPS(state,
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, NULL },
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"b\"}}", 201, NULL },
        { "POST", EVENTS, NULL, NULL, EVENT("a"), 201, NULL },
        { "POST", EVENTS, NULL, NULL, EVENT("b"), 201, NULL });
    check_token_start(*state, CM, "\"start\":\"/a\\u0000\"");
    check_token_start(*state, EVENTS, "\"start\":\"a\\u0000\"");
}

static int count_frames(struct lab *lab, const char *accept)
{
    struct api_header header = { "Accept", accept };
    struct api_request q = { .method = "GET", .path = CM, .query = "watch=1", .headers = &header, .n_headers = 1 };
    cleanup_reply struct api_reply reply;
    struct blob *bytes;
    int n = 0, r;

    assert_int_equal(apiserver_handle(NULL, lab->s, &q, false, &reply), 0);
    assert_non_null(reply.stream);
    while ((r = api_stream_poll_bytes(reply.stream, &bytes)) > 0) {
        blob_unref(bytes);
        n++;
    }
    return r < 0 ? r : n;
}

/* One object is no list: who watches for lists is told nothing, and it is over. */
static void nobody_watches_for_lists(void **state)
{
    PLAY_STEPS(state, { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, NULL });
    assert_int_equal(count_frames(*state, PARTIAL), 1);
    assert_true(count_frames(*state, "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io") < 0);
}

/* A dry run that would take the last finalizer off shows an object that nobody filled in. */
static void what_would_be_gone_is_empty(void **state)
{
    PLAY_STEPS(state,
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"orphan\"]},\"data\":{\"k\":\"v\"}}", 201, NULL },
        { "DELETE", CM "/a", "dryRun=All&propagationPolicy=Background", NULL, NULL, 200,
          "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{}}" },
        { "DELETE", CM "/a", "dryRun=All&orphanDependents=false", NULL, NULL, 200, "\"metadata\":{}}" },
        { "DELETE", CM "/a", "dryRun=All&propagationPolicy=Background", NULL, NULL, 200, "\"kind\":\"Table\"",
          "application/json;as=Table;v=v1;g=meta.k8s.io" },
        { "DELETE", CM "/a", "dryRun=All", NULL, NULL, 200, "\"finalizers\":[\"orphan\"]" },
        { "POST", CRDS, NULL, NULL, GADGET_CRD, 201, NULL },
        { .method = "SLEEP" },
        { "POST", GADGETS, NULL, NULL, "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Gadget\",\"metadata\":{\"name\":\"g\",\"finalizers\":[\"orphan\"]}}", 201, NULL },
        { "DELETE", GADGETS "/g", "dryRun=All&propagationPolicy=Background", NULL, NULL, 200, "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Gadget\"}" },
        { "DELETE", GADGETS "/g", "dryRun=All&propagationPolicy=Background", NULL, NULL, 200, "\"kind\":\"Table\"",
          "application/json;as=Table;v=v1;g=meta.k8s.io" },
        { "DELETE", GADGETS "/g", "propagationPolicy=Background", NULL, NULL, 200, "\"status\":\"Success\"" },
        { "GET", "/apis/x.io/v1/watch/gadgets", "labelSelector=!", NULL, NULL, 400, NULL, "application/json;stream=x" });
}

/* What says it is of no version is no options; what is only asked in a namespace is not there without one. */
static void neither_options_nor_there(void **state)
{
    PLAY_STEPS(state,
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, NULL },
        { "DELETE", CM "/a", NULL, NULL, "{\"apiVersion\":\"a/b/c\",\"kind\":\"Foo\"}", 500, "unexpected GroupVersion string: a/b/c" },
        { "PUT", "/api/v1/bindings", NULL, NULL, "{}", 404, "could not find" },
        { "PUT", "/api/v1/namespaces/default/bindings", NULL, NULL, "{}", 405, NULL });
}

/* What no YAML may hold is refused there, and nowhere else. */
static void yaml_holds_no_controls(void **state)
{
    static const struct step steps[] = {
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"\\u007f\"}}", 201, NULL },
        { "GET", CM "/a", NULL, NULL, NULL, 500, "message: 'yaml: control characters are not allowed'", "application/yaml" },
        { "GET", CM, NULL, NULL, NULL, 500, "code: 500", "application/yaml" },
        { "GET", CM "/a\x7f", NULL, NULL, NULL, 404, "code: 500", "application/yaml" },
        { "GET", CM "/a", NULL, NULL, NULL, 200, "\"k\":\"\x7f\"" },
        { "PUT", CM "/a", NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"\\u0085\\u0007\\ufeff\"}}", 200, "data:", "application/yaml" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* What is applied to a custom resource is decoded as what is sent: metadata without empties. */
static void applied_metadata_is_decoded(void **state)
{
    static const struct step steps[] = {
        { "POST", CRDS, NULL, NULL, GIZMO_CRD, 201, NULL },
        { "SLEEP" },
        { "PATCH", GIZMOS "/g", "fieldManager=m", APPLY, "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Gizmo\",\"metadata\":{\"name\":\"g\","
          "\"finalizers\":[]}}", 201, "\"name\":\"g\",\"namespace\"" },
        { "GET", GIZMOS "/g", NULL, NULL, NULL, 200, "\"generation\":1,\"resourceVersion\":" },
        { "PATCH", GIZMOS "/g", NULL, MERGE, "{\"kind\":7}", 422, "json parse error: json: cannot unmarshal number into Go struct field .kind" },
        { "PATCH", GIZMOS "/g", NULL, MERGE, "{\"apiVersion\":null}", 500, "Object 'apiVersion' is missing in 'object has no apiVersion field'" },
        { "PATCH", GIZMOS "/g", NULL, "application/json-patch+json", "[{\"op\":\"replace\",\"path\":\"/apiVersion\",\"value\":null}]", 422,
          ".apiVersion accessor error: \\u003cnil\\u003e is of the type" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_are_merged_or_replaced, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(what_is_being_deleted_is_still_there, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(checks_come_in_their_order, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(options_of_a_list_come_in_their_order, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(no_rows, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(jobs_are_chosen_by_their_success, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(lists_of_indexes_rise, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(who_names_no_class_gets_the_default, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(logs_are_of_one_container, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_token_lives_ten_minutes, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_large_body_comes_before_the_options, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_patch_has_ten_thousand_operations, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_dry_apply_shows_who_would_own_what, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_watch_is_asked_before_it_is_told, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(what_is_only_asked_is_no_table, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(addresses_are_given_out_once, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(an_address_needs_a_name, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(ports_are_given_out_once, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_kind_is_said_in_either_case, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_status_and_the_rest, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(yaml_holds_no_controls, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(applied_metadata_is_decoded, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_status_with_a_broken_spec, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(namespaces_of_what_has_none, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(collections_are_deleted_as_listed, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(events_are_left_alone, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(one_by_its_name_is_no_page, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(many_lines_end_in_a_brace, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(tokens_begin_with_a_slash, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(empty_terms_say_nothing, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(custom_watches, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(long_requests_have_no_timeout, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(nobody_watches_for_lists, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(neither_options_nor_there, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(what_would_be_gone_is_empty, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_fresh_server, lab_up, lab_down),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("details", tests, NULL, NULL);
}
