#include "fakeapi/apiserver/test_rules.h"

/* Rules of pods that are rarely met, each with the sentence of the real server (B-170). */

#define VOLUME(source) POD("\"volumes\":[{\"name\":\"v\"," source "}]")
#define PERSISTENT(source) "/api/v1/persistentvolumes", \
    "\"spec\":{\"capacity\":{\"storage\":\"1\"},\"accessModes\":[\"ReadWriteOnce\"]," source "}", NULL, NULL, 422

static void volumes_from_outside(void **state)
{
    static const struct rule rules[] = {
        { VOLUME("\"iscsi\":{\"targetPortal\":\"t\",\"iqn\":\"iqn.bad\",\"lun\":256,\"initiatorName\":\"x\"}"),
          "[spec.volumes[0].iscsi.iqn: Invalid value: \\\"iqn.bad\\\": must be valid format, spec.volumes[0].iscsi.lun: Invalid value: 256: "
          "must be between 0 and 255, inclusive, spec.volumes[0].iscsi.initiatorname: Invalid value: \\\"x\\\": must be valid format starting "
          "with iqn, eui, or naa]" },
        { VOLUME("\"fc\":{\"targetWWNs\":[\"a\"]}"), "fc.lun: Required value: lun is required if targetWWNs is specified" },
        { VOLUME("\"quobyte\":{\"registry\":\"a:1,b\",\"volume\":\"\"}"), "[spec.volumes[0].quobyte.registry: Invalid value: \\\"a:1,b\\\": must be a "
          "host:port pair or multiple pairs separated by commas, spec.volumes[0].quobyte.volume: Required value]" },
        { VOLUME("\"scaleIO\":{\"gateway\":\"g\"}"), "[spec.volumes[0].scaleIO.system: Required value, spec.volumes[0].scaleIO.volumeName" },
        { VOLUME("\"flexVolume\":{\"driver\":\"d\",\"options\":{\"a.k8s.io/y\":\"\"}}"), "options[a.k8s.io/y]: Invalid value: \\\"a.k8s.io/y\\\": "
          "kubernetes.io and k8s.io namespaces are reserved" },
        { VOLUME("\"azureDisk\":{\"diskName\":\"d\",\"diskURI\":\"u\",\"kind\":\"Managed\"}"), "diskURI: Unsupported value: \\\"u\\\": supported values: "
          "\\\"/subscriptions/{sub-id}/" },
        { VOLUME("\"emptyDir\":{},\"cephfs\":{\"monitors\":[\"a\"]}"), "spec.volumes[0].cephFS: Forbidden: may not specify more than 1 volume type" },
        { PERSISTENT("\"capacity\":{\"storage\":\"-1\"},\"hostPath\":{\"path\":\"/a\"}"), "[spec.capacity[storage]: Invalid value: -1: must be a valid "
          "resource quantity, spec.capacity[storage]: Invalid value: \\\"-1\\\": must be greater than zero]" },
        { VOLUME("\"flocker\":{}"), "spec.volumes[0].flocker: Required value: one of datasetName and datasetUUID is required" },
        { VOLUME("\"gcePersistentDisk\":{}"), "spec.volumes[0].persistentDisk.pdName: Required value" },
        { VOLUME("\"csi\":{\"driver\":\"d\",\"nodePublishSecretRef\":{}}"), "spec.volumes[0].csi.nodePublishSecretRef.name: Required value" },
        { PERSISTENT("\"iscsi\":{\"targetPortal\":\"t\",\"iqn\":\"x\",\"lun\":1,\"chapAuthSession\":true}"), "[spec.iscsi.iqn: Invalid value: \\\"x\\\": "
          "must be valid format, spec.iscsi.secretRef: Required value]" },
        { PERSISTENT("\"glusterfs\":{\"endpoints\":\"e\",\"path\":\"p\",\"endpointsNamespace\":\"\"}"),
          "spec.glusterfs.endpointsNamespace: Invalid value: \\\"\\\": if the endpointnamespace is set, it must be a valid namespace name" },
        { PERSISTENT("\"storageos\":{\"volumeName\":\"v\",\"secretRef\":{}}"), "[spec.storageos.secretRef.name: Required value, "
          "spec.storageos.secretRef.namespace: Required value]" },
        { PERSISTENT("\"csi\":{\"driver\":\"d\",\"volumeHandle\":\"h\",\"nodeExpandSecretRef\":{\"name\":\"a\"}}"),
          "spec.csi.nodeExpandSecretRef.namespace: Required value" },
        { PERSISTENT("\"hostPath\":{\"path\":\"/a\",\"type\":\"x\"}"), "spec.hostPath.type: Unsupported value: \\\"x\\\"" },
        { PERSISTENT("\"local\":{\"path\":\"../a\"}"), "[spec.local.path: Invalid value: \\\"../a\\\": must not contain '..', spec.nodeAffinity: Required" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

static void volumes_from_inside(void **state)
{
    static const struct rule rules[] = {
        { VOLUME("\"ephemeral\":{}"), "spec.volumes[0].ephemeral.volumeClaimTemplate: Required value" },
        { VOLUME("\"ephemeral\":{\"volumeClaimTemplate\":{\"metadata\":{\"uid\":\"u\"},\"spec\":{}}}"), "[spec.volumes[0].ephemeral.volumeClaimTemplate."
          "metadata.uID: Forbidden: cannot be set, spec.volumes[0].ephemeral.volumeClaimTemplate.spec.accessModes: Required value" },
        { NS "pods", "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}],\"volumes\":[{\"name\":\"V\",\"ephemeral\":{\"volumeClaimTemplate\":{\"spec\":{"
          "\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1\"}}}}}}]}", NULL, NULL, 422,
          "[spec.volumes[0].name: Invalid value: \\\"V\\\": PVC name \\\"r2-V\\\": a lowercase RFC 1123 subdomain" },
        { VOLUME("\"downwardAPI\":{\"items\":[{\"path\":\"..a\",\"fieldRef\":{\"fieldPath\":\"metadata.labels['a b']\"}}]}"),
          "[spec.volumes[0].downwardAPI.path: Invalid value: \\\"..a\\\": must not start with '..', spec.volumes[0].downwardAPI.fieldRef: Invalid value: "
          "\\\"a b\\\": name part must consist of" },
        { VOLUME("\"downwardAPI\":{\"items\":[{\"path\":\"a\",\"fieldRef\":{\"fieldPath\":\"metadata.labels[']\"}}]}"),
          "error converting fieldPath: field label not supported: metadata.labels[']" },
        { VOLUME("\"downwardAPI\":{\"items\":[{\"path\":\"a\",\"resourceFieldRef\":{\"containerName\":\"c\",\"resource\":\"limits.hugepages-2Mi\","
          "\"divisor\":\"2\"}}]}"), "divisor: Invalid value: \\\"limits.hugepages-2Mi\\\": only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, "
          "1Gi, 1Ti, 1Pi, 1Ei are supported with the hugepages resource" },
        { VOLUME("\"projected\":{\"sources\":[{\"secret\":{\"name\":\"a\"},\"configMap\":{\"name\":\"b\"}}]}"),
          "spec.volumes[0].projected.sources[0]: Forbidden: may not specify more than 1 volume type per source" },
        /* a volume with something wrong is none to mount */
        { NS "pods", "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/a\"}]}],"
          "\"volumes\":[{\"name\":\"v\",\"hostPath\":{}}]}", NULL, NULL, 422,
          "[spec.volumes[0].hostPath.path: Required value, spec.containers[0].volumeMounts[0].name: Not found: \\\"v\\\"]" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

static void containers(void **state)
{
    static const struct rule rules[] = {
        { CONTAINER("\"volumeDevices\":[{\"name\":\"a\",\"devicePath\":\"/a\"}],\"volumeMounts\":[{\"name\":\"a\",\"mountPath\":\"/a\"}]"),
          "spec.containers[0].volumeMounts[0].name: Invalid value: \\\"a\\\": must not already exist in volumeDevices, spec.containers[0].volumeMounts[0]."
          "mountPath: Invalid value: \\\"/a\\\": must not already exist as a path in volumeDevices" },
        { CONTAINER("\"volumeDevices\":[{\"name\":\"d\",\"devicePath\":\"/a\"}],\"volumeMounts\":[{\"name\":\"a\",\"mountPath\":\"/a\"},{\"name\":\"b\",\"mountPath\":\"/a\"}]"),
          "volumeDevices[0].name\"},{\"reason\":\"FieldValueInvalid\",\"message\":\"Invalid value: \\\"/a\\\": must not already "
          "exist as a path in volumeMounts\",\"field\":\"spec.containers[0].volumeDevices[0].devicePath\"}]" },
        { CONTAINER("\"resources\":{\"claims\":[{\"name\":\"A\"},{\"name\":\"A\",\"request\":\"B\"}]}"), "which is empty, spec.containers[0].resources."
          "claims[1]: Duplicate value: \\\"A\\\", spec.containers[0].resources.claims[1]: Not found" },
        { POD("\"securityContext\":{\"sysctls\":[{\"name\":\"\"},{\"name\":\"\"}]}"),
          "[spec.securityContext.sysctls[0].name: Required value, spec.securityContext.sysctls[1].name: Required value]" },
        { NS "pods", "\"spec\":{\"runtimeClassName\":\"/a\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}", NULL, NULL, 500,
          "invalid resource name \\\"/a\\\": [may not contain '/']" },
        { NS "pods", "\"spec\":{\"overhead\":{},\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}", NULL, NULL, 403,
          "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead" },
        { NS "podtemplates", "\"template\":{\"spec\":{\"runtimeClassName\":\"\",\"preemptionPolicy\":\"\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
          NULL, NULL, 422, "template.spec.preemptionPolicy: Required value" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

/* What is behind a gate that is off: owned, and gone. */
static void gates_that_are_off(void **state)
{
    static const struct rule rules[] = {
        { NS "pods", "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"restartPolicy\":\"x\"}],\"initContainers\":[{\"name\":\"n\",\"image\":\"i\","
          "\"restartPolicy\":\"Never\"}]}", NULL, NULL, 201, "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{}," },
        { NS "pods", "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"restartPolicy\":\"x\"}]}", NULL, NULL, 201,
          "\"f:resources\":{},\"f:restartPolicy\":{}" },
        { NS "pods", "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/a\"}]}],\"volumes\":[{"
          "\"name\":\"v\",\"image\":{\"reference\":\"r\"}},{\"name\":\"w\",\"emptyDir\":{}}]}", NULL, NULL, 201,
          "\"spec\":{\"volumes\":[{\"name\":\"w\",\"emptyDir\":{}}],\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{},\"terminationMessagePath\"" },
        { NS "pods", "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}],\"volumes\":[{\"name\":\"v\",\"image\":{}},{\"name\":\"v\",\"emptyDir\":{}}]}",
          NULL, NULL, 201, "\"spec\":{\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]," },
        { POD("\"ephemeralContainers\":[{\"name\":\"e\",\"image\":\"i\",\"restartPolicy\":\"x\"}]"),
          "is invalid: spec.ephemeralContainers: Forbidden: cannot be set on create" },
        { NS "podtemplates", "\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"restartPolicy\":\"x\"}]}}", NULL, NULL, 201,
          "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{}," },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

#define LABELLED(name, members) { "POST", NS "pods", NULL, NULL, "{\"metadata\":{\"name\":\"" name "\",\"labels\":{\"a\":\"1\",\"b\":\"2\"}},\"spec\":{" \
    "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]," members "}}"
#define SPREAD(selector, keys) "\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"k\",\"whenUnsatisfiable\":\"DoNotSchedule\"," \
    "\"labelSelector\":{" selector "},\"matchLabelKeys\":[" keys "]}]"

/* The labels of the pod that matchLabelKeys name stand in the selector, once it is made. */
static void label_keys(void **state)
{
    static const struct step steps[] = {
        LABELLED("p", SPREAD("\"matchLabels\":{\"a\":\"1\"}", "\"b\",\"z\"")), 201,
          "\"matchExpressions\":[{\"key\":\"b\",\"operator\":\"In\",\"values\":[\"2\"]}]" },
        LABELLED("q", SPREAD("\"matchLabels\":{\"a\":\"1\"}", "\"a\"")), 422,
          "spec.topologySpreadConstraints[0][0]: Invalid value: \\\"a\\\": exists in both matchLabelKeys and labelSelector" },
        LABELLED("q", SPREAD("", "\"b\",\"b\"")), 422, "spec.topologySpreadConstraints[0][1]: Invalid value: \\\"b\\\": exists in both" },
        LABELLED("q", "\"affinity\":{\"podAntiAffinity\":{\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":1,\"podAffinityTerm\":{"
                 "\"topologyKey\":\"k\",\"labelSelector\":{},\"mismatchLabelKeys\":[\"b\"]}}]}}"), 201,
          "\"labelSelector\":{\"matchExpressions\":[{\"key\":\"b\",\"operator\":\"NotIn\",\"values\":[\"2\"]}]}" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

#define WINDOWS(options) POD("\"securityContext\":{\"windowsOptions\":{" options "}}")

static void windows(void **state)
{
    static const struct rule rules[] = {
        { WINDOWS("\"gmsaCredentialSpec\":\"\""), "gmsaCredentialSpec: Invalid value: \\\"\\\": gmsaCredentialSpec cannot be an empty string" },
        { WINDOWS("\"runAsUserName\":\"\\\\u\""), "runAsUserName's Domain doesn't match the NetBios nor the DNS format" },
        { WINDOWS("\"runAsUserName\":\"a\\u0001<\""), "Invalid value: \\\"a\\\\u0001\\\\u003c\\\": runAsUserName cannot contain control characters" },
        { WINDOWS("\"runAsUserName\":\"d\\\\ .\""), "runAsUserName's User cannot contain only periods or spaces" },
        { POD("\"securityContext\":{\"seLinuxChangePolicy\":\"MountOption\"}"), "Unsupported value: \\\"MountOption\\\": supported values: \\\"Recursive\\\"" },
        { WINDOWS("\"hostProcess\":true"), "spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers" },
        { POD("\"hostNetwork\":true,\"securityContext\":{\"windowsOptions\":{\"hostProcess\":true}},\"initContainers\":[{\"name\":\"n\",\"image\":\"i\","
              "\"securityContext\":{\"windowsOptions\":{\"hostProcess\":false}}}]"), "[spec.initContainers[0].securityContext.windowsOptions.hostProcess: "
          "Invalid value: false: pod hostProcess value must be identical if both are specified, was true, spec: Invalid value: \\\"\\\": If pod contains "
          "any hostProcess containers then all containers must be HostProcess containers]" },
        { CONTAINER("\"securityContext\":{\"windowsOptions\":{\"gmsaCredentialSpecName\":\"A\"}}"),
          "spec.containers[0].securityContext.windowsOptions.gmsaCredentialSpecName: Invalid value: \\\"A\\\": a lowercase RFC 1123 subdomain" },
        { POD("\"hostUsers\":false,\"volumes\":[{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"x\"}}],\"initContainers\":[{\"name\":\"n\",\"image\":"
              "\"i\",\"volumeDevices\":[{\"name\":\"v\",\"devicePath\":\"/x\"}]}]"), "spec.initContainers[0].volumeDevices: Forbidden: when `hostUsers` is false" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

/* What a pod asks for itself follows from what its containers ask for. */
static void resources_of_the_pod(void **state)
{
    static const struct rule rules[] = {
        { NS "pods", "\"spec\":{\"resources\":{\"limits\":{\"cpu\":\"2\"}},\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{"
          "\"cpu\":\"500m\"}}}]}", NULL, NULL, 201, "\"resources\":{\"limits\":{\"cpu\":\"2\"},\"requests\":{\"cpu\":\"500m\"}}" },
        { NS "pods", "\"spec\":{\"resources\":{\"requests\":{\"cpu\":\"1\"}},\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"limits\":{"
          "\"hugepages-2Mi\":\"4Mi\",\"cpu\":\"1\"}}}]}", NULL, NULL, 201,
          "\"resources\":{\"limits\":{\"hugepages-2Mi\":\"4Mi\"},\"requests\":{\"cpu\":\"1\",\"hugepages-2Mi\":\"4Mi\"}}" },
        { NS "pods", "\"spec\":{\"resources\":{\"limits\":{\"memory\":\"1Gi\"}},\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{"
          "\"memory\":\"2Gi\"}}}]}", NULL, NULL, 422, "spec.resources.requests: Invalid value: \\\"2Gi\\\": must be less than or equal to memory limit of 1Gi" },
        /* beyond int64 an amount is what is left of its thousandths */
        { CONTAINER("\"resources\":{\"limits\":{\"a.b/c\":\"1Ei\"}}"), "[spec.containers[0].resources.limits[a.b/c]: Invalid value: \\\"1Ei\\\": must be an integer" },
        { CONTAINER("\"resources\":{\"limits\":{\"hugepages-2Mi\":\"1e30\"}}"), "is invalid: spec.containers[0].resources: Forbidden: HugePages require cpu or memory" },
        { CONTAINER("\"image\":\"i\xc2\xa0\""), "spec.containers[0].image: Invalid value: \\\"i\\\\u00a0\\\": must not have leading or trailing whitespace" },
        { CONTAINER("\"image\":\"\xe3\x80\x80i\""), "spec.containers[0].image: Invalid value: \\\"\\\\u3000i\\\": must not have leading or trailing whitespace" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

#define PLAIN "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"1\"}}}]}"

static void updates(void **state)
{
    static const struct rule rules[] = {
        { NS "pods", PLAIN, "/resize", "{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"claims\":[],\"requests\":{\"cpu\":\"2\"}}}]}}", 200, NULL },
        { NS "pods", PLAIN, "/status", "{\"status\":{\"containerStatuses\":[{\"name\":\"c\",\"user\":{\"linux\":{\"uid\":-1,\"gid\":1,\"supplementalGroups\":[-2]}}}]}}", 422,
          "[status.containerStatuses[0].user.linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive, status.containerStatuses[0].user.linux."
          "supplementalGroups[0]: Invalid value: -2" },
        /* both the rules of pods and those of updates look at images */
        { NS "pods", PLAIN, "", "{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\" i\",\"resources\":{\"requests\":{\"cpu\":\"1\"}}}]}}", 422,
          "whitespace\",\"field\":\"spec.containers[0].image\"},{\"reason\":\"FieldValueInvalid\",\"message\":\"Invalid value: \\\" i\\\": must not have" },
        { NS "pods", PLAIN, "", "{\"spec\":{\"schedulingGates\":[{\"name\":\"b\"},{\"name\":\"b\"}]}}", 422,
          "[spec.schedulingGates[1]: Duplicate value: \\\"b\\\", spec.schedulingGates[1].name: Forbidden: only deletion is allowed" },
        { "/apis/apps/v1/namespaces/default/daemonsets", "\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},"
          PLAIN "}}", "", "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"restartPolicy\":\"x\",\"resources\":{\"requests\":{"
          "\"cpu\":\"1\"}}}]}}}}", 200, "\"deprecated.daemonset.template.generation\":\"1\"" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

#define EVICT(pod, options) "{\"kind\":\"Eviction\",\"apiVersion\":\"policy/v1\",\"metadata\":{\"name\":\"" pod "\"},\"deleteOptions\":{" options "}}"

static void names(void **state)
{
    static const struct step steps[] = {
        { "POST", NS "pods", NULL, NULL, "{\"spec\":{\"priorityClassName\":\"z\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}", 403,
          "pods \\\"Unknown\\\" is forbidden: no PriorityClass with name z was found" },
        /* who is not there is not found, whatever is asked for; two dry runs agree before anything else */
        { "POST", NS "pods/x/eviction", NULL, NULL, EVICT("x", "\"propagationPolicy\":\"z\""), 404, "pods \\\"x\\\" not found" },
        { "POST", NS "pods/x/eviction", "dryRun=All", NULL, EVICT("x", "\"dryRun\":[\"z\"]"), 500,
          "Non-matching dry-run options in request and content: [All] and [z]" },
        { "POST", NS "bindings", NULL, NULL, "{\"target\":{\"name\":\"n\"}}", 400, "Name parameter required." },
        { "GET", NS "pods//log", NULL, NULL, NULL, 400, "name must be provided" },
        { "GET", NS "pods//binding", NULL, NULL, NULL, 405, "does not allow this method" },
        { "GET", NS "pods//x", NULL, NULL, NULL, 404, "could not find the requested resource" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_LAB(volumes_from_outside), IN_LAB(volumes_from_inside), IN_LAB(containers), IN_LAB(gates_that_are_off), IN_LAB(label_keys), IN_LAB(windows),
        IN_LAB(resources_of_the_pod), IN_LAB(names), IN_LAB(updates),
    };
    return cmocka_run_group_tests_name("pods", tests, NULL, NULL);
}
