#include "fakeapi/apiserver/test_rules.h"

/* Rules of built-in kinds, each with the sentence of the real server (G.3, B-170 to B-178). */

#define NET "/apis/networking.k8s.io/v1/"
#define INGRESS NET "namespaces/default/ingresses"
#define BACKEND "\"defaultBackend\":{\"service\":{\"name\":\"s\",\"port\":{\"number\":80}}}"

static void networks(void **state)
{
    static const struct rule rules[] = {
        { INGRESS, "\"spec\":{" BACKEND ",\"tls\":[{\"hosts\":[\"A\"]}]}", NULL, NULL, 422,
          "spec.tls[0].hosts[0]: Invalid value: \\\"A\\\": a lowercase RFC 1123 subdomain" },
        { INGRESS, "\"spec\":{" BACKEND ",\"tls\":[{\"secretName\":\"A\"}]}", NULL, NULL, 422,
          "spec.tls[0].secretName: Invalid value: \\\"A\\\"" },
        { INGRESS, "\"spec\":{\"defaultBackend\":{\"resource\":{\"name\":\"a/b\"}}}", NULL, NULL, 422,
          "[spec.defaultBackend.resource.kind: Required value, spec.defaultBackend.resource.name: Invalid value: \\\"a/b\\\"" },
        { INGRESS, "\"spec\":{\"rules\":[{\"http\":{\"paths\":[{\"path\":\"/a/..\",\"pathType\":\"Exact\",\"backend\":{"
          "\"service\":{\"name\":\"s\",\"port\":{\"number\":80}}}}]}}]}", NULL, NULL, 422,
          ".path: Invalid value: \\\"/a/..\\\": cannot end with '/..'" },
        { INGRESS, "\"spec\":{" BACKEND "}", "/status", "{\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"x\"}]}}}", 422,
          "status.loadBalancer.ingress[0].ip: Invalid value: \\\"x\\\": must be a valid IP address" },
        /* what is stored knows no empty labels, and what is sent differs from it */
        { NET "namespaces/default/networkpolicies", "\"spec\":{\"podSelector\":{\"matchLabels\":{}}}", "",
          "{\"spec\":{\"podSelector\":{\"matchLabels\":{}}}}", 200, "\"generation\":2" },
        { NET "ingressclasses", "\"spec\":{}", NULL, NULL, 422, "spec.controller: Required value" },
        { NET "ingressclasses", "\"spec\":{\"controller\":\"a\"}", NULL, NULL, 422,
          "spec.controller: Invalid value: \\\"a\\\": must be a domain-prefixed path (such as \\\"acme.io/foo\\\")" },
        { NET "ingressclasses", "\"spec\":{\"controller\":\"a.b/c\",\"parameters\":{\"kind\":\"k\",\"name\":\"n\","
          "\"namespace\":\"x\"}}", NULL, NULL, 422,
          "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'" },
        { NET "ingressclasses", "\"spec\":{\"controller\":\"a.b/c\"}", "", "{\"spec\":{\"controller\":\"a.b/d\"}}", 422,
          "spec.controller: Invalid value: \\\"a.b/d\\\": field is immutable" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

#define SLICES "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"

static void endpoints(void **state)
{
    static const struct rule rules[] = {
        { NS "endpoints", "\"subsets\":[{\"addresses\":[{\"ip\":\"x\",\"hostname\":\"H\"}]}]", NULL, NULL, 422,
          "'[a-z0-9]([-a-z0-9]*[a-z0-9])?'), subsets[0].addresses[0].ip: Invalid value: \\\"x\\\": must be a valid IP address]" },
        { NS "endpoints", "\"subsets\":[{\"addresses\":[{\"ip\":\"10.1.1.1\",\"nodeName\":\"N\"}]}]", NULL, NULL, 422,
          "subsets[0].addresses[0].nodeName: Invalid value: \\\"N\\\"" },
        /* the warning of an old version comes before anything can go wrong */
        { NS "endpoints", "\"subsets\":true", NULL, NULL, 400, "v1 Endpoints is deprecated in v1.33+" },
        { SLICES, "\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.1.1.1\"],\"hints\":{\"forNodes\":[{\"name\":"
          "\"N\"}]}}]", NULL, NULL, 422, "endpoints[0].hints.forNodes[0].name: Invalid value: \\\"N\\\"" },
        { SLICES, "\"addressType\":\"x\",\"ports\":[{\"name\":\"P\"}]", NULL, NULL, 422, "ports[0].name: Invalid value: \\\"P\\\"" },
        { SLICES, "\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.1.1.1\"],\"deprecatedTopology\":{\"A B\":\"\"}}]",
          NULL, NULL, 201, "\"endpoints\":[{\"addresses\":[\"10.1.1.1\"],\"conditions\":{}}]" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

#define LIMIT(members) NS "limitranges", "\"spec\":{\"limits\":[{" members "}]}", NULL, NULL, 422

static void limits(void **state)
{
    static const struct rule rules[] = {
        { LIMIT("\"type\":\"x\""), "spec.limits[0].type: Invalid value: \\\"x\\\": must be a standard limit type or fully qualified" },
        { LIMIT("\"type\":\"Pod\",\"default\":{\"cpu\":\"1\"}"), "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'" },
        { LIMIT("\"type\":\"Container\",\"max\":{\"pods\":\"1\"}"),
          "spec.limits[0].max[pods]: Invalid value: \\\"pods\\\": must be a standard resource for containers" },
        { LIMIT("\"type\":\"PersistentVolumeClaim\""), "spec.limits[0].limits: Required value: either minimum or maximum storage value" },
        { LIMIT("\"type\":\"Container\",\"min\":{\"cpu\":\"2\"},\"max\":{\"cpu\":\"1\"}"),
          "spec.limits[0].min[cpu]: Invalid value: \\\"2\\\": min value 2 is greater than max value 1" },
        { LIMIT("\"type\":\"Container\",\"min\":{\"cpu\":\"1\"},\"max\":{\"cpu\":\"2\"},\"maxLimitRequestRatio\":{\"cpu\":\"3\"}"),
          "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \\\"3\\\": ratio 3 is greater than max/min = 2.000000" },
        { LIMIT("\"type\":\"Container\",\"maxLimitRequestRatio\":{\"cpu\":\"500m\"}"), "ratio 500m is less than 1" },
        { "/apis/node.k8s.io/v1/runtimeclasses", "\"handler\":\"h\",\"overhead\":{\"podFixed\":{\"a\":\"1\"}}", NULL, NULL, 422,
          "[overhead.limits[a]: Invalid value: \\\"a\\\": must be a standard resource type or fully qualified, " },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

#define SCALER(members) "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", \
    "\"spec\":{\"maxReplicas\":3,\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"d\"}," members "}", \
    NULL, NULL

static void scalers(void **state)
{
    static const struct rule rules[] = {
        { SCALER("\"metrics\":[{\"type\":\"Pods\"}]"), 422,
          "spec.metrics[0].pods: Required value: must populate information for the given metric source" },
        { SCALER("\"metrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"x\"}}}]"), 422,
          "[spec.metrics[0].resource.target.type: Invalid value: \\\"x\\\": must be either Utilization, Value, or AverageValue, "
          "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value" },
        { SCALER("\"metrics\":[{\"type\":\"Pods\",\"pods\":{\"metric\":{\"name\":\"m\"},\"target\":{\"type\":\"Value\",\"averageValue\":"
                 "\"0\"}},\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Value\"}}}]"), 422,
          "[spec.metrics[0].pods.target.averageValue: Invalid value: \\\"0\\\": must be positive, spec.metrics[0].resource: "
          "Forbidden: must populate the given metric source only]" },
        { SCALER("\"behavior\":{\"scaleDown\":{\"policies\":[{\"type\":\"x\",\"value\":1,\"periodSeconds\":1801}]}}"), 422,
          "[spec.behavior.scaleDown.policies[0].type: Unsupported value: \\\"x\\\": supported values: \\\"Percent\\\", \\\"Pods\\\", "
          "spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800]" },
        { SCALER("\"behavior\":{\"scaleUp\":{\"stabilizationWindowSeconds\":3601}}"), 422,
          "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

#define STORAGE "/apis/storage.k8s.io/v1/"
#define CLAIM(members) NS "persistentvolumeclaims", \
    "\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}" members "}"

static void storage(void **state)
{
    static const struct rule rules[] = {
        { CLAIM(",\"dataSourceRef\":{\"kind\":\"Pod\",\"name\":\"x\"}"), NULL, NULL, 422,
          "spec.dataSourceRef: Invalid value: \\\"Pod\\\": must be 'PersistentVolumeClaim' when referencing the default apiGroup" },
        { CLAIM(""), "/status", "{\"status\":{\"allocatedResources\":{\"cpu\":\"1\"}}}", 422,
          "status.allocatedResources: Unsupported value: \\\"cpu\\\": supported values: \\\"storage\\\"" },
        { CLAIM(""), "", "{\"spec\":{\"volumeMode\":\"Block\"}}", 422, "volumeMode: Invalid value: \\\"Block\\\": field is immutable" },
        { "/api/v1/persistentvolumes", "\"spec\":{\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":[\"ReadWriteOnce\"],\"hostPath\":{"
          "\"path\":\"/a\"},\"volumeAttributesClassName\":\"v\"}", NULL, NULL, 422,
          "spec.csi: Required value: has to be specified when using volumeAttributesClassName" },
        { "/api/v1/persistentvolumes", "\"spec\":{\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":[\"ReadWriteOnce\"],\"nfs\":{\"server\":\"s\",\"path\":\"\"},"
          "\"nodeAffinity\":{\"required\":{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"x\"}]}]}}}", NULL, NULL, 422,
          "[spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].operator: Invalid value: \\\"x\\\": not a valid selector operator, "
          "spec.nfs.path: Required value, spec.nfs.path: Invalid value: \\\"\\\": must be an absolute path]" },
        { STORAGE "storageclasses", "\"provisioner\":\"p\"", "", "{\"reclaimPolicy\":\"x\"}", 422,
          "[reclaimPolicy: Unsupported value: \\\"x\\\": supported values: \\\"Delete\\\", \\\"Retain\\\", reclaimPolicy: Forbidden:" },
        { STORAGE "csinodes", "\"spec\":{\"drivers\":[{\"name\":\"D\",\"nodeID\":\"i\",\"topologyKeys\":[\"\"]}]}", NULL, NULL, 422,
          "is invalid: [spec.drivers[0]: Required value, spec.drivers[0]: Invalid value: \\\"\\\": name part must be non-empty" },
        { STORAGE "csidrivers", "\"spec\":{\"tokenRequests\":[{\"audience\":\"a\",\"expirationSeconds\":599}]}", NULL, NULL, 422,
          "spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes" },
        { STORAGE "volumeattachments", "\"spec\":{\"attacher\":\"a\",\"nodeName\":\"n\",\"source\":{}}", NULL, NULL, 422,
          "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName" },
        { STORAGE "volumeattachments", "\"spec\":{\"attacher\":\"a\",\"nodeName\":\"n\",\"source\":{\"persistentVolumeName\":\"v\"}}", "",
          "{\"spec\":{\"nodeName\":\"m\"}}", 422, "\\\"NodeName\\\":\\\"m\\\"}: field is immutable" },
        { "/api/v1/persistentvolumes", "\"spec\":{\"capacity\":{\"storage\":\"1\"},\"accessModes\":[\"ReadWriteOnce\"],\"hostPath\":{\"path\":\"//./\"},"
          "\"persistentVolumeReclaimPolicy\":\"Recycle\"}", NULL, NULL, 422, "may not be 'recycle' for a hostPath mount of '/'" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

#define CSR "/apis/certificates.k8s.io/v1/certificatesigningrequests", "\"spec\":{\"request\":\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBS" \
    "RVFVRVNULS0tLS0KTUlJCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=\",\"signerName\":\"a.b/c\",\"usages\":[\"any\"]}"

static void others(void **state)
{
    static const struct rule rules[] = {
        { CSR, "/status", "{\"status\":{\"conditions\":[{\"type\":\"x\",\"status\":\"y\"}]}}", 422, "status.conditions[0].status: "
          "Unsupported value: \\\"y\\\": supported values: \\\"False\\\", \\\"True\\\", \\\"Unknown\\\"" },
        { CSR, "/status", "{\"status\":{\"conditions\":[{\"type\":\"Approved\",\"status\":\"True\"}]}}", 422,
          "status.conditions: Forbidden: updates may not add a condition of type \\\"Approved\\\"" },
        { CSR, "/approval", "{\"status\":{\"conditions\":[{\"type\":\"Approved\",\"status\":\"True\"},{\"type\":\"Denied\",\"status\":"
          "\"True\"}]}}", 422, "status.conditions: Invalid value: \\\"Denied\\\": Approved and Denied conditions are mutually exclusive" },
        { "/api/v1/nodes", "\"spec\":{\"externalID\":\"x\"}", NULL, NULL, 201, "spec.externalID: this field is deprecated" },
        { "/api/v1/nodes", "\"spec\":{}", "", "{\"spec\":{\"externalID\":\"x\"}}", 422, "spec.externalID: Forbidden: may not be updated" },
        { NS "serviceaccounts", "\"secrets\":[{\"name\":\"s\",\"namespace\":\"x\"}]", NULL, NULL, 201, "\"secrets\":[{\"name\":\"s\"}]" },
        { "/apis/policy/v1/namespaces/default/poddisruptionbudgets", "\"spec\":{}", "/status",
          "{\"status\":{\"conditions\":[{\"type\":\"A\",\"reason\":\"-\",\"lastTransitionTime\":\"2020-01-01T00:00:00Z\"}]}}", 422,
          "[status.conditions[0].status: Unsupported value: \\\"\\\": supported values: \\\"False\\\", \\\"True\\\", \\\"Unknown\\\", "
          "status.conditions[0].reason: Invalid value: \\\"-\\\": a condition reason must start with" },
        { "/apis/scheduling.k8s.io/v1/priorityclasses", "\"value\":1,\"globalDefault\":true", NULL, NULL, 201, NULL },
        { "/apis/scheduling.k8s.io/v1/priorityclasses", "\"value\":1,\"globalDefault\":true", NULL, NULL, 403,
          "PriorityClass r7 is already marked as default. Only one default can exist" },
        { "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", "\"spec\":{\"podSelector\":{},\"egress\":[{\"ports\":[{\"port\":70000,"
          "\"endPort\":70000}]}]}", NULL, NULL, 422, "endPort: Invalid value: 70000: must be between 1 and 65535, inclusive" },
        /* features that are off: owned, and gone */
        { STORAGE "csidrivers", "\"spec\":{\"attachRequired\":true,\"nodeAllocatableUpdatePeriodSeconds\":5}", NULL, NULL, 201,
          "\"spec\":{\"attachRequired\":true,\"podInfoOnMount\":false" },
        { STORAGE "csidrivers", "\"spec\":{\"nodeAllocatableUpdatePeriodSeconds\":5}", NULL, NULL, 201,
          "\"f:nodeAllocatableUpdatePeriodSeconds\":{}" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}


static void pods(void **state)
{
    static const struct rule rules[] = {
        { POD("\"dnsConfig\":{\"nameservers\":[\"x\"],\"options\":[{}]}"), "[spec.dnsConfig.nameservers[0]: Invalid value: \\\"x\\\": "
          "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff), spec.dnsConfig.options[0]: Required value: must not be empty]" },
        { POD("\"dnsConfig\":{\"searches\":[\"_a.b_c.\",\"A\"]}"), "is invalid: spec.dnsConfig.searches[1]: Invalid value: \\\"A\\\": a lowercase RFC 1123 "
          "subdomain must consist of lower case alphanumeric characters, '_', '-' or '.'" },
        { POD("\"volumes\":[{\"name\":\"v\",\"rbd\":{\"monitors\":[]}}]"), "[spec.volumes[0].rbd.monitors: Required value, spec.volumes[0].rbd.image: Required value]" },
        { POD("\"volumes\":[{\"name\":\"v\",\"gcePersistentDisk\":{\"pdName\":\"a\",\"partition\":256}}]"), "partition: Invalid value: 256: must be between 1 and 255" },
        { POD("\"resources\":{\"limits\":{\"a/b\":\"1\"}}"), "is invalid: spec.resources.limits[a/b]: Unsupported value: \\\"a/b\\\": supported values: \\\"cpu\\\", "
          "\\\"hugepages-\\\", \\\"memory\\\"\"" },
        { CONTAINER("\"env\":[{\"name\":\"E\",\"valueFrom\":{\"secretKeyRef\":{\"key\":\"k\"}}}]"), "secretKeyRef.name: Invalid value: \\\"\\\": a lowercase RFC 1123" },
        { POD("\"hostAliases\":[{\"ip\":\"x\"}]"), "spec.hostAliases[0].ip: Invalid value: \\\"x\\\": must be a valid IP address" },
        { POD("\"resourceClaims\":[{\"name\":\"a\"}]"), "spec.resourceClaims[0]: Invalid value: {\\\"Name\\\":\\\"a\\\",\\\"ResourceClaimName"
          "\\\":null,\\\"ResourceClaimTemplateName\\\":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`" },
        { POD("\"os\":{\"name\":\"x\"}"), "spec.os: Unsupported value: \\\"x\\\": supported values: \\\"linux\\\", \\\"windows\\\"" },
        { POD("\"os\":{\"name\":\"windows\"},\"securityContext\":{\"fsGroup\":1}"),
          "spec.securityContext.fsGroup: Forbidden: cannot be set for a windows pod" },
        { POD("\"hostUsers\":false,\"hostNetwork\":true"), "spec.hostNetwork: Forbidden: when `hostUsers` is false" },
        { POD("\"overhead\":{\"a\":\"1\"}"), "[spec.overhead.limits[a]: Invalid value: \\\"a\\\": must be a standard resource type" },
        { POD("\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"a\",\"whenUnsatisfiable\":\"ScheduleAnyway\",\"minDomains\":2,"
              "\"matchLabelKeys\":[\"x\"]}]"), "minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not "
          "ScheduleAnyway, spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set]" },
        { POD("\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{\"matchFields\":[{"
              "\"key\":\"x\",\"operator\":\"In\",\"values\":[\"a\"]}]}]}}}"), "matchFields[0].key: Invalid value: \\\"x\\\": not a valid field selector key" },
        { POD("\"securityContext\":{\"seccompProfile\":{\"type\":\"Unconfined\",\"localhostProfile\":\"a\"}}"), "localhostProfile: Invalid value: "
          "{\\\"Type\\\":\\\"Unconfined\\\",\\\"LocalhostProfile\\\":\\\"a\\\"}: can only be set when seccomp type is Localhost" },
        { POD("\"securityContext\":{\"appArmorProfile\":{\"type\":\"Localhost\"}}"),
          "appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost" },
        { CONTAINER("\"resizePolicy\":[{\"resourceName\":\"x\",\"restartPolicy\":\"NotRequired\"}]"),
          "resizePolicy: Unsupported value: \\\"x\\\": supported values: \\\"cpu\\\", \\\"memory\\\"" },
        { CONTAINER("\"resources\":{\"claims\":[{\"name\":\"x\"}]}"),
          "claims[0]: Not found: \\\"x\\\": must be one of the names in pod.spec.resourceClaims which is empty" },
        { CONTAINER("\"volumeDevices\":[{\"name\":\"x\",\"devicePath\":\"/../a\"}]"), "[spec.containers[0].volumeDevices[0].name: Not found: "
          "\\\"x\\\", spec.containers[0].volumeDevices[0].devicePath: Invalid value: \\\"/../a\\\": can not contain backsteps ('..')]" },
        { NS "podtemplates", "\"template\":{\"metadata\":{\"annotations\":{\"A B\":\"\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
          NULL, NULL, 422, "template.annotations: Invalid value: \\\"A B\\\": name part must consist of" },
        { NS "pods", "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}", "/status",
          "{\"status\":{\"resourceClaimStatuses\":[{\"name\":\"x\"}]}}", 422, "must match the name of an entry in `spec.resourceClaims`" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

/* What a class gives to the pods that name it, and when it refuses them (G-044). */
static void runtime_classes(void **state)
{
    static const struct step steps[] = {
        { "POST", "/apis/node.k8s.io/v1/runtimeclasses", NULL, NULL, "{\"metadata\":{\"name\":\"k\"},\"handler\":\"h\",\"overhead\":{"
          "\"podFixed\":{\"cpu\":\"1\"}},\"scheduling\":{\"nodeSelector\":{\"a\":\"b\"}}}", 201, NULL },
        { "POST", NS "pods", NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"runtimeClassName\":\"X\",\"containers\":[{\"name\":\"c\"}]}}",
          403, "pods \\\"p\\\" is forbidden: pod rejected: RuntimeClass \\\"X\\\" not found" },
        { "POST", NS "pods", NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"overhead\":{\"cpu\":\"1\"},\"containers\":[{\"name\":\"c\","
          "\"image\":\"i\"}]}}", 403, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead" },
        { "POST", NS "pods", NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"runtimeClassName\":\"k\",\"overhead\":{\"cpu\":\"2\"},"
          "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}", 403, "Pod's Overhead doesn't match RuntimeClass's defined Overhead" },
        { "POST", NS "pods", NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"runtimeClassName\":\"k\",\"nodeSelector\":{\"a\":\"c\"},"
          "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}", 403,
          "conflict: runtimeClass.scheduling.nodeSelector[a] = b; pod.spec.nodeSelector[a] = c" },
        { "POST", NS "pods", NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"runtimeClassName\":\"k\",\"containers\":[{\"name\":\"c\","
          "\"image\":\"i\"}]}}", 201, "\"overhead\":{\"cpu\":\"1\"}" },
        { "GET", NS "pods/p", NULL, NULL, NULL, 200, "\"nodeSelector\":{\"a\":\"b\"}" },
        { "PATCH", "/apis/node.k8s.io/v1/runtimeclasses/k", NULL, MERGE, "{\"handler\":\"x y\"}", 422, "[handler: Invalid value: \\\"x y\\\": a lowercase" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

#define SERVICE(members) NS "services", "\"spec\":{\"ports\":[{\"port\":80}]," members "}", NULL, NULL, 422

static void services(void **state)
{
    static const struct rule rules[] = {
        { SERVICE("\"loadBalancerSourceRanges\":[\"x\"]"), "[spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is "
          "'LoadBalancer', spec.LoadBalancerSourceRanges[0]: Invalid value: \\\"x\\\": must be a valid CIDR value" },
        { SERVICE("\"healthCheckNodePort\":30000"), "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is "
          "'LoadBalancer' and `externalTrafficPolicy` is 'Local'" },
        { SERVICE("\"loadBalancerClass\":\"a/b\""), "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'" },
        { SERVICE("\"allocateLoadBalancerNodePorts\":true"), "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when" },
        { SERVICE("\"externalIPs\":[\"127.0.0.1\"]"), "spec.externalIPs[0]: Invalid value: \\\"127.0.0.1\\\": may not be in the loopback range" },
        { NS "services", "\"spec\":{\"ports\":[{\"port\":80,\"appProtocol\":\"a b\"}]}", NULL, NULL, 422, "spec.ports[0].appProtocol: Invalid value" },
        /* the first port that cannot be had is all that is said */
        { NS "services", "\"spec\":{\"type\":\"NodePort\",\"ports\":[{\"port\":80,\"nodePort\":1},{\"port\":81,\"nodePort\":2}]}", NULL, NULL, 422,
          "Service \\\"r6\\\" is invalid: spec.ports[0].nodePort: Invalid value: 1: provided port is not in the valid range" },
        /* and one number has one port of the node, whatever its protocols */
        { NS "services", "\"spec\":{\"type\":\"NodePort\",\"ports\":[{\"name\":\"t\",\"port\":53,\"nodePort\":30053},{\"name\":\"u\",\"port\":53,"
          "\"protocol\":\"UDP\"}]}", NULL, NULL, 201, "\"protocol\":\"UDP\",\"port\":53,\"targetPort\":53,\"nodePort\":30053" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

/* Everybody is forgotten where an update says so, whatever the defaults of its kind do (E-118); an element that is
 * there twice is owned as a whole (E-060). */
static void owners(void **state)
{
    static const struct step steps[] = {
        { "POST", NS "secrets", NULL, NULL, "{\"metadata\":{\"name\":\"s\"},\"data\":{\"a\":\"\"}}", 201, "managedFields" },
        { "PUT", NS "secrets/s", NULL, NULL, "{\"metadata\":{\"name\":\"s\",\"managedFields\":[]},\"data\":{\"a\":\"\"}}", 200,
          "Z\"},\"data\":{\"a\":\"\"}" },
        { "POST", NS "services", NULL, NULL, "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"ports\":[{\"port\":80}]}}", 201, NULL },
        { "PATCH", NS "services/s/status", NULL, MERGE, "{\"status\":{\"conditions\":[{\"type\":\"A\",\"status\":\"True\"},{\"type\":\"A\"}]}}", 200,
          "\"f:conditions\":{\".\":{},\"k:{\\\"type\\\":\\\"A\\\"}\":{}}" },
        { "PATCH", NS "services/s/status", NULL, MERGE, "{\"status\":{\"conditions\":[{\"type\":\"A\",\"status\":\"True\"}]}}", 200,
          "\"k:{\\\"type\\\":\\\"A\\\"}\":{\".\":{}," },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* A selector that is none is told before what does not go together (C-036). */
static void selectors(void **state)
{
    static const struct step steps[] = {
        { "GET", NS "configmaps", "labelSelector=a-&resourceVersionMatch=Exact", NULL, NULL, 400, "unable to parse requirement" },
        { "GET", NS "configmaps", "fieldSelector=a&resourceVersionMatch=Exact", NULL, NULL, 400, "invalid selector: 'a'" },
        { "GET", NS "configmaps", "labelSelector=a&resourceVersionMatch=Exact", NULL, NULL, 422, "resourceVersionMatch is forbidden unless" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

#define APPS "/apis/apps/v1/namespaces/default/"
#define TEMPLATE "\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{" \
    "\"name\":\"c\",\"image\":\"i\"}]}}"
#define BATCH "/apis/batch/v1/namespaces/default/"
#define JOB "\"template\":{\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}"

static void workloads(void **state)
{
    static const struct rule rules[] = {
        { APPS "daemonsets", "\"spec\":{" TEMPLATE ",\"updateStrategy\":{\"type\":\"OnDelete\",\"rollingUpdate\":{}}}", NULL, NULL, 201,
          "\"rollingUpdate\":{\"maxUnavailable\":0,\"maxSurge\":0}" },
        { APPS "daemonsets", "\"spec\":{" TEMPLATE ",\"updateStrategy\":{\"type\":\"x\",\"rollingUpdate\":{}}}", NULL, NULL, 422, "spec.updateStrategy: "
          "Unsupported value: {\\\"Type\\\":\\\"x\\\",\\\"RollingUpdate\\\":{\\\"MaxUnavailable\\\":0,\\\"MaxSurge\\\":0}}: supported values" },
        { APPS "daemonsets", "\"spec\":{" TEMPLATE "}", "/status", "{\"status\":{\"collisionCount\":-1}}", 422,
          "status.collisionCount: Invalid value: -1: must be greater than or equal to 0" },
        { APPS "daemonsets", "\"spec\":{" TEMPLATE "}", "", "{\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"c\"}}}}", 422,
          "[spec.selector: Invalid value: {\\\"matchLabels\\\":{\\\"a\\\":\\\"c\\\"}}: field is immutable, spec.template.metadata.labels" },
        { APPS "statefulsets", "\"spec\":{" TEMPLATE "}", "", "{\"spec\":{\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"v\"}}]}}", 422,
          "is invalid: spec: Forbidden: updates to statefulset spec for fields other than" },
        { BATCH "jobs", "\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"q\":\"1\"}},\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\","
          "\"image\":\"i\"}]}}}", NULL, NULL, 201, "\"job-name\":\"r5\",\"q\":\"1\"},\"managedFields\"" },
        { BATCH "jobs", "\"spec\":{" JOB ",\"managedBy\":\"x\"}", NULL, NULL, 422, "spec.managedBy: Invalid value: \\\"x\\\": must be a domain-prefixed path" },
        { BATCH "jobs", "\"spec\":{" JOB ",\"podFailurePolicy\":{\"rules\":[{\"action\":\"Ignore\",\"onPodConditions\":[{\"type\":\"\"}]}]}}", NULL, NULL,
          422, "rules[0].onPodConditions[0].type: Invalid value: \\\"\\\": name part must be non-empty" },
        { BATCH "jobs", "\"spec\":{" JOB ",\"podFailurePolicy\":{\"rules\":[{\"action\":\"Ignore\",\"onExitCodes\":{\"operator\":\"In\",\"values\":[2,1]}}]}}",
          NULL, NULL, 422, "onExitCodes.values: Invalid value: [2,1]: must be ordered" },
        { APPS "deployments", "\"spec\":{\"selector\":{\"matchLabels\":{}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{"
          "\"name\":\"c\",\"image\":\"i\"}]}}}", NULL, NULL, 422, "spec.selector: Invalid value: {}: empty selector is invalid for deployment" },
        { NS "persistentvolumeclaims", "\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1\"}}}", "",
          "{\"metadata\":{\"annotations\":{\"volume.beta.kubernetes.io/storage-class\":\"x\"}},\"spec\":{\"storageClassName\":\"x\"}}", 422,
          "metadata.annotations.volume.beta.kubernetes.io/storage-class: Invalid value: \\\"x\\\": field is immutable" },
        { NS "serviceaccounts", "\"secrets\":[{\"name\":\"\"}]", NULL, NULL, 201, "\"creationTimestamp\":\"2025-01-01T00:00:00Z\"},\"secrets\":[{}]" },
        { "/apis/storage.k8s.io/v1/csidrivers", "\"spec\":{\"podInfoOnMount\":false}", "", "{\"spec\":{\"podInfoOnMount\":true}}", 200, "\"generation\":1" },
        { APPS "statefulsets", "\"spec\":{" TEMPLATE ",\"updateStrategy\":{\"type\":\"RollingUpdate\"}}", NULL, NULL, 201,
          "\"updateStrategy\":{\"type\":\"RollingUpdate\"}" },
        { APPS "controllerrevisions", "\"revision\":1,\"data\":\"x\"", NULL, NULL, 422, "data: Required value: data must be a valid JSON object" },
        { APPS "controllerrevisions", "\"revision\":1,\"data\":{\"a\":1}", "", "{\"data\":null}", 422, "is invalid: data: Invalid value: null: field is immutable" },
        { BATCH "jobs", "\"spec\":{\"selector\":{\"matchLabels\":{\"x\":\"y\"}}," JOB "}", NULL, NULL, 422,
          "spec.selector: Invalid value: {\\\"matchLabels\\\":{\\\"batch.kubernetes.io/controller-uid\\\":\\\"" },
        { BATCH "jobs", "\"spec\":{\"selector\":{\"matchLabels\":{\"x\":\"y z\"}}," JOB "}", NULL, NULL, 422,
          "is invalid: spec.selector.matchLabels: Invalid value: \\\"y z\\\": a valid label" },
        { BATCH "cronjobs", "\"spec\":{\"schedule\":\"* * * * *\",\"jobTemplate\":{\"spec\":{\"manualSelector\":true,\"selector\":{}," JOB "}}}", NULL, NULL, 422,
          "{}: `selector` will be auto-generated, spec.jobTemplate.spec.manualSelector: Unsupported value: true" },
        { BATCH "cronjobs", "\"spec\":{\"schedule\":\"TZ=UTC x\",\"jobTemplate\":{\"spec\":{" JOB "}}}", NULL, NULL, 422,
          "found 1: [x], spec.schedule: Invalid value: \\\"TZ=UTC x\\\": cannot use TZ or CRON_TZ" },
        { BATCH "cronjobs", "\"spec\":{\"schedule\":\"* * * * *\",\"timeZone\":\"Europe/Nowhere\",\"jobTemplate\":{\"spec\":{" JOB "}}}", NULL, NULL, 422,
          "spec.timeZone: Invalid value: \\\"Europe/Nowhere\\\": unknown time zone Europe/Nowhere" },
        { BATCH "cronjobs", "\"spec\":{\"schedule\":\"* * * * *\",\"timeZone\":\"Asia/Tokyo\",\"jobTemplate\":{\"spec\":{" JOB "}}}", NULL, NULL, 201, NULL },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

#define STATEFUL(more) "/apis/apps/v1/namespaces/default/statefulsets", "\"spec\":{\"serviceName\":\"s\",\"selector\":{\"matchLabels\":{" \
    "\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}," more "}", NULL, NULL
#define NEAR_CLAIM(more) NS "persistentvolumeclaims", "\"spec\":{\"resources\":{\"requests\":{\"storage\":\"1\"}}," more "}", NULL, NULL

/* zeros may lead the parts of an address in the fields of old, and so may an IPv6 address be none; one is warned. */
static void loose_addresses(void **state)
{
#define LOOSE(what, is, better) "non-standard " what " \\\"" is "\\\" will be considered invalid in a future Kubernetes release: use \\\"" better "\\\""
    static const struct rule rules[] = {
        { NS "services", "\"spec\":{\"ports\":[{\"port\":80}],\"externalIPs\":[\"1.2.3.04\"]}", NULL, NULL, 201,
          "spec.externalIPs[0]: " LOOSE("IP address", "1.2.3.04", "1.2.3.4") },
        { NS "services", "\"spec\":{\"ports\":[{\"port\":80}],\"externalIPs\":[\"::ffff:1.2.3.4\"]}", NULL, NULL, 201,
          LOOSE("IP address", "::ffff:1.2.3.4", "1.2.3.4") },
        { NS "services", "\"spec\":{\"ports\":[{\"port\":80}],\"externalIPs\":[\"2001:DB8::1\"]}", NULL, NULL, 201,
          "IPv6 address \\\"2001:DB8::1\\\" should be in RFC 5952 canonical format (\\\"2001:db8::1\\\")" },
        { NS "services", "\"spec\":{\"ports\":[{\"port\":80}],\"externalIPs\":[\"127.0.0.01\"]}", NULL, NULL, 422,
          "may not be in the loopback range" },
        { NS "services", "\"spec\":{\"ports\":[{\"port\":80}],\"type\":\"LoadBalancer\",\"loadBalancerSourceRanges\":[\"::ffff:1.2.3.4/120\"]}",
          NULL, NULL, 201, "is ambiguous in this context (should be \\\"1.2.3.0/24\\\" or \\\"1.2.3.4/128\\\"?)" },
        { NET "namespaces/default/networkpolicies", "\"spec\":{\"podSelector\":{},\"ingress\":[{\"from\":[{\"ipBlock\":{\"cidr\":\"010.0.0.0/8\"}}]}]}",
          NULL, NULL, 201, "spec.ingress[0].from[0].ipBlock.cidr: " LOOSE("CIDR value", "010.0.0.0/8", "10.0.0.0/8") },
        { SLICES, "\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"1.2.3.04\"]}]", NULL, NULL, 201,
          "endpoints[0].addresses[0]: " LOOSE("IP address", "1.2.3.04", "1.2.3.4") },
        { SLICES, "\"addressType\":\"ipV4\",\"endpoints\":[{\"addresses\":[\"127.0.0.1\"]}]", NULL, NULL, 422,
          "is invalid: addressType: Unsupported value: \\\"ipV4\\\"" },
        { NS "pods", "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}],\"hostAliases\":[{\"ip\":\"1.2.3.04\"}]}", NULL, NULL, 201,
          "spec.hostAliases[0].ip: " LOOSE("IP address", "1.2.3.04", "1.2.3.4") },
        { "/api/v1/nodes", "\"spec\":{\"podCIDR\":\"010.0.0.0/24\"}", NULL, NULL, 201, LOOSE("CIDR value", "010.0.0.0/24", "10.0.0.0/24") },
        { "/api/v1/nodes", "\"spec\":{\"podCIDRs\":[\"10.0.0.0/24\",\"x\"]}", NULL, NULL, 422,
          "(invalid CIDR address: x), spec.podCIDRs: Invalid value: [\\\"10.0.0.0/24\\\",\\\"x\\\"]: may specify no more than one CIDR" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
#undef LOOSE
}

/* G.3 B-178: what stands close to what is accepted. */
static void near_misses(void **state)
{
    static const struct rule rules[] = {
        { STATEFUL("\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"v\"},\"spec\":{\"accessModes\":[\"x\"],\"volumeMode\":\"y\"}}]"), 422,
          "[spec.volumeClaimTemplates[0].spec.accessModes: Unsupported value: \\\"x\\\": supported values: \\\"ReadOnlyMany\\\", \\\"ReadWriteMany\\\", "
          "\\\"ReadWriteOnce\\\", \\\"ReadWriteOncePod\\\", spec.volumeClaimTemplates[0].spec.resources[storage]: Required value, "
          "spec.volumeClaimTemplates[0].spec.volumeMode: Unsupported value" },
        { NEAR_CLAIM("\"accessModes\":[\"x\",\"ReadWriteOncePod\"],\"selector\":{\"matchLabels\":{\"-a\":\"b\"}}"), 422, "is invalid: [spec.selector.matchLabels: Invalid value" },
        { NEAR_CLAIM("\"accessModes\":[\"ReadWriteOnce\"],\"dataSource\":{\"kind\":\"X\",\"name\":\"a\"},\"dataSourceRef\":{\"kind\":"
          "\"PersistentVolumeClaim\",\"name\":\"a\"}"), 422, "must be 'PersistentVolumeClaim' when referencing the default apiGroup, spec: Invalid value: {}: must match dataSourceRef" },
        { POD("\"securityContext\":{\"sysctls\":[{\"name\":\"a.b.\",\"value\":\"\"}]}"), "spec.securityContext.sysctls[0].name: Invalid value: \\\"a.b.\\\"" },
        { POD("\"securityContext\":{\"seccompProfile\":{\"type\":\"\"}}"), "Required value: type is required when seccompProfile is set" },
        { "/apis/policy/v1/namespaces/default/poddisruptionbudgets", "\"spec\":{\"maxUnavailable\":\"101\"}", NULL, NULL, 422,
          "is invalid: spec.maxUnavailable: Invalid value: \\\"101\\\": a valid percent string must be a numeric string followed by an ending '%' "
          "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')\"" },
        { "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", "\"webhooks\":[{\"name\":\"a.b.c\",\"sideEffects\":\"None\","
          "\"admissionReviewVersions\":[\"v1\"],\"clientConfig\":{\"service\":{\"name\":\"n\",\"namespace\":\"\"}}}]", NULL, NULL, 422,
          "is invalid: webhooks[0].clientConfig.service.name: Required value" },
        { "/api/v1/persistentvolumes", "\"spec\":{\"capacity\":{\"storage\":\"1\"},\"accessModes\":[\"ReadWriteOnce\"],\"csi\":{\"driver\":\"A.example\","
          "\"volumeHandle\":\"h\"}}", NULL, NULL, 201, "\"driver\":\"A.example\"" },
        { "/apis/coordination.k8s.io/v1/namespaces/default/leases", "\"spec\":{\"renewTime\":\"2024\xc3\xa9\"}", NULL, NULL, 400, "2024\\\\xc3\\\\xa9" },
        { "/apis/certificates.k8s.io/v1/certificatesigningrequests", "\"spec\":{\"request\":\"aGk=\",\"usages\":[\"any\"],\"signerName\":\"a/b@\"}", NULL, NULL, 422,
          "spec.signerName: Invalid value: \\\"a\\\": should be a domain with at least two segments separated by dots, spec.signerName: Invalid value: "
          "\\\"b@\\\": validating label \\\"b@\\\": a lowercase RFC 1123 subdomain" },
        { NS "configmaps", "\"data\":{\"owned\":\"\"}", "", "{\"metadata\":{\"ownerReferences\":[{\"apiVersion\":\"a/\",\"kind\":\"K\",\"name\":\"n\","
          "\"uid\":\"u\"}]}}", 422, "version must not be empty" },
        { NS "configmaps", "\"data\":{}", "", "{\"metadata\":{\"ownerReferences\":[{\"apiVersion\":\"a-version-that-is-much-longer-than-anybody-would-ever-think"
          "-of-using\",\"kind\":\"K\",\"name\":\"n\",\"uid\":\"u\"}]}}", 200, NULL },
        { "/apis/batch/v1/namespaces/default/cronjobs", "\"spec\":{\"schedule\":\"0 0 * *\\\" *\",\"jobTemplate\":{\"spec\":{\"template\":{\"spec\":{"
          "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}}", NULL, NULL, 422,
          "strconv.Atoi: parsing \\\"*\\\\\\\"\\\": invalid syntax" },
    };
    play_rules(state, rules, ARRAY_SIZE(rules));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_LAB(networks), IN_LAB(endpoints), IN_LAB(limits), IN_LAB(scalers), IN_LAB(storage), IN_LAB(others),
        IN_LAB(pods), IN_LAB(runtime_classes), IN_LAB(services), IN_LAB(workloads),
        IN_LAB(owners), IN_LAB(selectors), IN_LAB(loose_addresses), IN_LAB(near_misses),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
