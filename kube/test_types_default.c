/* What a server writes where its client said nothing: G-040 to G-063. The answers are those of a real one. */
#include "kube/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/decode.h"

#define PROBE "\"timeoutSeconds\":1,\"periodSeconds\":10,\"successThreshold\":1,\"failureThreshold\":3"
#define ENDS "\"terminationMessagePath\":\"/dev/termination-log\",\"terminationMessagePolicy\":\"File\","
#define POD_ENDS "\"restartPolicy\":\"Always\",\"terminationGracePeriodSeconds\":30,\"dnsPolicy\":\"ClusterFirst\","
#define C1 "{\"name\":\"c\",\"image\":\"i:1\",\"resources\":{}," ENDS "\"imagePullPolicy\":\"IfNotPresent\"}"
#define SPEC POD_ENDS "\"securityContext\":{},\"schedulerName\":\"default-scheduler\""
#define PODSPEC(containers, more) "{\"containers\":[" containers "]," SPEC more "}"
#define POD(spec) "{\"metadata\":{},\"spec\":" spec ",\"status\":{}}"
#define TEMPLATE "\"template\":{\"metadata\":{},\"spec\":" PODSPEC(C1, "") "}"
#define TEMPLATE_IN "\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}}"
#define LINKS ",\"enableServiceLinks\":true"
#define IMAGE(i) "{\"containers\":[{\"name\":\"c\",\"image\":\"" i "\"}]}"
#define PULLED(i, p) PODSPEC("{\"name\":\"c\",\"image\":\"" i "\",\"resources\":{}," ENDS "\"imagePullPolicy\":\"" p "\"}", LINKS)
#define SUM "sha256:0123456789012345678901234567890123456789012345678901234567890123"
#define SVC_PORT "{\"protocol\":\"TCP\",\"port\":80,\"targetPort\":80}"

static const struct row {
    const char *name, *group, *version, *kind, *in, *out;
} rows[] = {
    { "G-040 no tag is pulled always", "", "v1", "Pod", "{\"spec\":" IMAGE("r:5/i") "}", POD(PULLED("r:5/i", "Always")) },
    { "G-040 a tag is not", "", "v1", "Pod", "{\"spec\":" IMAGE("r:5/i:2") "}", POD(PULLED("r:5/i:2", "IfNotPresent")) },
    { "G-040 a digest is not", "", "v1", "Pod", "{\"spec\":" IMAGE("i@" SUM) "}", POD(PULLED("i@" SUM, "IfNotPresent")) },
    { "G-040 latest is, whatever its digest", "", "v1", "Pod", "{\"spec\":" IMAGE("i:latest@" SUM) "}",
      POD(PULLED("i:latest@" SUM, "Always")) },
    { "G-040 what is no name is not: a digest that is none", "", "v1", "Pod", "{\"spec\":" IMAGE("i:latest@sha256:a") "}",
      POD(PULLED("i:latest@sha256:a", "IfNotPresent")) },
    { "G-040 capitals are for hosts", "", "v1", "Pod", "{\"spec\":" IMAGE("Host/i") "}", POD(PULLED("Host/i", "Always")) },
    { "G-040 what is no name is not: capitals", "", "v1", "Pod", "{\"spec\":" IMAGE("r/Img") "}", POD(PULLED("r/Img", "IfNotPresent")) },
    { "G-040 what is no name is not: a space", "", "v1", "Pod", "{\"spec\":" IMAGE(" i") "}", POD(PULLED(" i", "IfNotPresent")) },
    { "G-040 requests follow from limits, rounded to a thousandth", "", "v1", "Pod",
      "{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\",\"resources\":{\"limits\":{\"cpu\":\"1u\",\"memory\":\"1Gi\"},"
      "\"requests\":{\"memory\":\"1Mi\"}}}]}}",
      POD(PODSPEC("{\"name\":\"c\",\"image\":\"i:1\",\"resources\":{\"limits\":{\"cpu\":\"1m\",\"memory\":\"1Gi\"},"
                  "\"requests\":{\"cpu\":\"1m\",\"memory\":\"1Mi\"}}," ENDS "\"imagePullPolicy\":\"IfNotPresent\"}", LINKS)) },
    { "G-041 ports of the host, a service account in both places", "", "v1", "Pod",
      "{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\",\"ports\":[{\"containerPort\":5}]}],\"hostNetwork\":true,"
      "\"serviceAccount\":\"s\"}}",
      POD("{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\",\"ports\":[{\"hostPort\":5,\"containerPort\":5,\"protocol\":"
          "\"TCP\"}],\"resources\":{}," ENDS "\"imagePullPolicy\":\"IfNotPresent\"}]," POD_ENDS
          "\"serviceAccountName\":\"s\",\"serviceAccount\":\"s\",\"hostNetwork\":true,\"securityContext\":{},"
          "\"schedulerName\":\"default-scheduler\",\"enableServiceLinks\":true}") },
    { "G-044 volumes", "", "v1", "Pod",
      "{\"spec\":{\"containers\":null,\"volumes\":[{\"name\":\"a\"},{\"name\":\"b\",\"secret\":{\"secretName\":\"s\"}},"
      "{\"name\":\"c\",\"hostPath\":{\"path\":\"/\"}}]}}",
      POD("{\"volumes\":[{\"name\":\"a\",\"emptyDir\":{}},{\"name\":\"b\",\"secret\":{\"secretName\":\"s\",\"defaultMode\":420}},"
          "{\"name\":\"c\",\"hostPath\":{\"path\":\"/\",\"type\":\"\"}}],\"containers\":null," SPEC LINKS "}") },
    { "G-045 probes", "", "v1", "Pod",
      "{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\",\"livenessProbe\":{\"httpGet\":{\"port\":1}},"
      "\"readinessProbe\":{\"grpc\":{\"port\":1},\"periodSeconds\":3}}]}}",
      POD(PODSPEC("{\"name\":\"c\",\"image\":\"i:1\",\"resources\":{},\"livenessProbe\":{\"httpGet\":{\"path\":\"/\",\"port\":1,"
                  "\"scheme\":\"HTTP\"}," PROBE "},\"readinessProbe\":{\"grpc\":{\"port\":1,\"service\":\"\"},"
                  "\"timeoutSeconds\":1,\"periodSeconds\":3,\"successThreshold\":1,\"failureThreshold\":3}," ENDS
                  "\"imagePullPolicy\":\"IfNotPresent\"}", LINKS)) },
    { "G-046 Service", "", "v1", "Service", "{\"spec\":{\"ports\":[{\"port\":80}],\"type\":\"LoadBalancer\"}}",
      "{\"metadata\":{},\"spec\":{\"ports\":[" SVC_PORT "],\"type\":\"LoadBalancer\",\"sessionAffinity\":\"None\","
      "\"externalTrafficPolicy\":\"Cluster\",\"allocateLoadBalancerNodePorts\":true,\"internalTrafficPolicy\":\"Cluster\"},"
      "\"status\":{\"loadBalancer\":{}}}" },
    { "G-047 PersistentVolumeClaim", "", "v1", "PersistentVolumeClaim", "{}",
      "{\"metadata\":{},\"spec\":{\"resources\":{},\"volumeMode\":\"Filesystem\"},\"status\":{\"phase\":\"Pending\"}}" },
    { "G-048 PersistentVolume", "", "v1", "PersistentVolume", "{}",
      "{\"metadata\":{},\"spec\":{\"persistentVolumeReclaimPolicy\":\"Retain\",\"volumeMode\":\"Filesystem\"},"
      "\"status\":{\"phase\":\"Pending\"}}" },
    { "G-049 StorageClass", "storage.k8s.io", "v1", "StorageClass", "{\"provisioner\":\"p\"}",
      "{\"metadata\":{},\"provisioner\":\"p\",\"reclaimPolicy\":\"Delete\",\"volumeBindingMode\":\"Immediate\"}" },
    { "G-050 stringData is data", "", "v1", "Secret", "{\"data\":{\"a\":\"eA==\",\"b\":\"eA==\"},\"stringData\":{\"b\":\"y\"}}",
      "{\"metadata\":{},\"data\":{\"a\":\"eA==\",\"b\":\"eQ==\"},\"type\":\"Opaque\"}" },
    { "G-051 Namespace", "", "v1", "Namespace", "{\"metadata\":{\"name\":\"n\"}}",
      "{\"metadata\":{\"name\":\"n\",\"labels\":{\"kubernetes.io/metadata.name\":\"n\"}},\"spec\":{},\"status\":"
      "{\"phase\":\"Active\"}}" },
    { "G-052 Job", "batch", "v1", "Job", "{\"spec\":{" TEMPLATE_IN "}}",
      "{\"metadata\":{},\"spec\":{\"parallelism\":1,\"completions\":1,\"backoffLimit\":6," TEMPLATE ",\"completionMode\":"
      "\"NonIndexed\",\"suspend\":false,\"podReplacementPolicy\":\"TerminatingOrFailed\"},\"status\":{}}" },
    { "G-053 CronJob leaves its Job alone", "batch", "v1", "CronJob",
      "{\"spec\":{\"schedule\":\"x\",\"jobTemplate\":{\"spec\":{" TEMPLATE_IN "}}}}",
      "{\"metadata\":{},\"spec\":{\"schedule\":\"x\",\"concurrencyPolicy\":\"Allow\",\"suspend\":false,\"jobTemplate\":"
      "{\"metadata\":{},\"spec\":{" TEMPLATE "}},\"successfulJobsHistoryLimit\":3,\"failedJobsHistoryLimit\":1},"
      "\"status\":{}}" },
    { "G-054 Deployment", "apps", "v1", "Deployment", "{\"spec\":{" TEMPLATE_IN "}}",
      "{\"metadata\":{},\"spec\":{\"replicas\":1,\"selector\":null," TEMPLATE ",\"strategy\":{\"type\":\"RollingUpdate\","
      "\"rollingUpdate\":{\"maxUnavailable\":\"25%\",\"maxSurge\":\"25%\"}},\"revisionHistoryLimit\":10,"
      "\"progressDeadlineSeconds\":600},\"status\":{}}" },
    { "G-054 Recreate has no rolling update", "apps", "v1", "Deployment",
      "{\"spec\":{\"strategy\":{\"type\":\"Recreate\"}," TEMPLATE_IN "}}",
      "{\"metadata\":{},\"spec\":{\"replicas\":1,\"selector\":null," TEMPLATE ",\"strategy\":{\"type\":\"Recreate\"},"
      "\"revisionHistoryLimit\":10,\"progressDeadlineSeconds\":600},\"status\":{}}" },
    { "G-055 NetworkPolicy", "networking.k8s.io", "v1", "NetworkPolicy", "{\"spec\":{\"egress\":[{\"ports\":[{}]}]}}",
      "{\"metadata\":{},\"spec\":{\"podSelector\":{},\"egress\":[{\"ports\":[{\"protocol\":\"TCP\"}]}],\"policyTypes\":"
      "[\"Ingress\",\"Egress\"]}}" },
    { "G-057 subjects of RBAC", "rbac.authorization.k8s.io", "v1", "RoleBinding",
      "{\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"},{\"kind\":\"ServiceAccount\",\"name\":\"s\"}],\"roleRef\":"
      "{\"kind\":\"Role\",\"name\":\"r\"}}",
      "{\"metadata\":{},\"subjects\":[{\"kind\":\"User\",\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":\"u\"},"
      "{\"kind\":\"ServiceAccount\",\"name\":\"s\"}],\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
      "\"Role\",\"name\":\"r\"}}" },
    { "G-060 PriorityClass", "scheduling.k8s.io", "v1", "PriorityClass", "{\"value\":5}",
      "{\"metadata\":{},\"value\":5,\"preemptionPolicy\":\"PreemptLowerPriority\"}" },
    { "what was said stays", "scheduling.k8s.io", "v1", "PriorityClass", "{\"value\":5,\"preemptionPolicy\":\"Never\"}",
      "{\"metadata\":{},\"value\":5,\"preemptionPolicy\":\"Never\"}" },
    { "kinds without defaults", "coordination.k8s.io", "v1", "Lease", "{}", "{\"metadata\":{},\"spec\":{}}" },
};

static json_t *decoded(struct arena *a, const struct schema *s, const json_t *in)
{
    struct decode_notes notes = DECODE_NOTES_IN(a, NULL);
    json_t *out = NULL;

    assert_int_equal(decode(s, in, &notes, &out, NULL), 0);
    assert_int_equal(notes.n_strict, 0);
    return out;
}

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    const struct schema *s = types_find(row->group, row->version, row->kind);
    json_auto_t *in = json_parse_str(row->in);

    assert_non_null(in);
    json_auto_t *plain = decoded(a, s, in);
    cleanup_free char *before = json_text(plain, 0);
    json_auto_t *full = types_default(s, plain);
    cleanup_free char *text = json_text(full, 0), *after = json_text(plain, 0);
    assert_string_equal(text, row->out);
    assert_string_equal(before, after);           /* the input was not edited */

    json_auto_t *again = decoded(a, s, full);
    assert_ptr_equal(again, full);                /* defaulted objects are as decode() leaves them */
    json_auto_t *twice = types_default(s, full);
    assert_true(json_same(twice, full));
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows)];

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                        .initial_state = (void *)&rows[i] };
    return cmocka_run_group_tests_name("types_default", tests, NULL, NULL);
}
