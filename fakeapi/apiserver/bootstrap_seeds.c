#include "fakeapi/apiserver/bootstrap.h"

/* What a fresh kube-apiserver 1.34 writes into an empty store, in the order in which it does. */

#define SERVER "kube-apiserver"
#define PRODUCER "api-priority-and-fairness-config-producer-v1"

const struct seed bootstrap_seeds[] = {
    { SERVER, "", "v1", "namespaces", "",
      "{\"metadata\":{\"name\":\"kube-system\"}}" },
    { SERVER, "", "v1", "namespaces", "",
      "{\"metadata\":{\"name\":\"kube-public\"}}" },
    { SERVER, "", "v1", "namespaces", "",
      "{\"metadata\":{\"name\":\"kube-node-lease\"}}" },
    { SERVER, "", "v1", "namespaces", "",
      "{\"metadata\":{\"name\":\"default\"}}" },
    { SERVER, "scheduling.k8s.io", "v1", "priorityclasses", "",
      "{\"metadata\":{\"name\":\"system-node-critical\"},\"value\":2000001000,\"description\":\"Used for system cr"
      "itical pods that must not be moved from their current node.\",\"preemptionPolicy\":\"PreemptLowerPri"
      "ority\"}" },
    { SERVER, "scheduling.k8s.io", "v1", "priorityclasses", "",
      "{\"metadata\":{\"name\":\"system-cluster-critical\"},\"value\":2000000000,\"description\":\"Used for system"
      " critical pods that must run in the cluster, but can be moved to another node if necessary.\",\"pr"
      "eemptionPolicy\":\"PreemptLowerPriority\"}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "",
      "{\"metadata\":{\"name\":\"system\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}},\"spec\":"
      "{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":30,\"limitResponse\":{\"type\":\"Queue\",\"queu"
      "ing\":{\"queues\":64,\"handSize\":6,\"queueLengthLimit\":50}},\"lendablePercent\":33}}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "",
      "{\"metadata\":{\"name\":\"node-high\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}},\"spe"
      "c\":{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":40,\"limitResponse\":{\"type\":\"Queue\",\"q"
      "ueuing\":{\"queues\":64,\"handSize\":6,\"queueLengthLimit\":50}},\"lendablePercent\":25}}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "",
      "{\"metadata\":{\"name\":\"leader-election\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}"
      "},\"spec\":{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":10,\"limitResponse\":{\"type\":\"Que"
      "ue\",\"queuing\":{\"queues\":16,\"handSize\":4,\"queueLengthLimit\":50}},\"lendablePercent\":0}}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "",
      "{\"metadata\":{\"name\":\"workload-high\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}},"
      "\"spec\":{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":40,\"limitResponse\":{\"type\":\"Queue"
      "\",\"queuing\":{\"queues\":128,\"handSize\":6,\"queueLengthLimit\":50}},\"lendablePercent\":50}}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "",
      "{\"metadata\":{\"name\":\"workload-low\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}},\""
      "spec\":{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":100,\"limitResponse\":{\"type\":\"Queue"
      "\",\"queuing\":{\"queues\":128,\"handSize\":6,\"queueLengthLimit\":50}},\"lendablePercent\":90}}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "",
      "{\"metadata\":{\"name\":\"global-default\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}}"
      ",\"spec\":{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":20,\"limitResponse\":{\"type\":\"Queu"
      "e\",\"queuing\":{\"queues\":128,\"handSize\":6,\"queueLengthLimit\":50}},\"lendablePercent\":50}}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "",
      "{\"metadata\":{\"name\":\"catch-all\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}},\"spe"
      "c\":{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":5,\"limitResponse\":{\"type\":\"Reject\"},\""
      "lendablePercent\":0}}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "",
      "{\"metadata\":{\"name\":\"exempt\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}},\"spec\":"
      "{\"type\":\"Exempt\",\"exempt\":{\"nominalConcurrencyShares\":0,\"lendablePercent\":0}}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "",
      "{\"metadata\":{\"name\":\"system-nodes\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}},\""
      "spec\":{\"priorityLevelConfiguration\":{\"name\":\"system\"},\"matchingPrecedence\":500,\"distinguisherMet"
      "hod\":{\"type\":\"ByUser\"},\"rules\":[{\"subjects\":[{\"kind\":\"Group\",\"group\":{\"name\":\"system:nodes\"}}],\""
      "resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"clusterScope\":true,\"namespac"
      "es\":[\"*\"]}],\"nonResourceRules\":[{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]}]}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "",
      "{\"metadata\":{\"name\":\"system-node-high\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\""
      "}},\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"node-high\"},\"matchingPrecedence\":400,\"distingui"
      "sherMethod\":{\"type\":\"ByUser\"},\"rules\":[{\"subjects\":[{\"kind\":\"Group\",\"group\":{\"name\":\"system:node"
      "s\"}}],\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"\"],\"resources\":[\"nodes\",\"nodes/status\"],\"clu"
      "sterScope\":true,\"namespaces\":[\"*\"]},{\"verbs\":[\"*\"],\"apiGroups\":[\"coordination.k8s.io\"],\"resource"
      "s\":[\"leases\"],\"namespaces\":[\"*\"]}]}]}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "",
      "{\"metadata\":{\"name\":\"system-leader-election\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":"
      "\"true\"}},\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"leader-election\"},\"matchingPrecedence\":10"
      "0,\"distinguisherMethod\":{\"type\":\"ByUser\"},\"rules\":[{\"subjects\":[{\"kind\":\"User\",\"user\":{\"name\":\"s"
      "ystem:kube-controller-manager\"}},{\"kind\":\"User\",\"user\":{\"name\":\"system:kube-scheduler\"}},{\"kind\""
      ":\"ServiceAccount\",\"serviceAccount\":{\"namespace\":\"kube-system\",\"name\":\"*\"}}],\"resourceRules\":[{\"v"
      "erbs\":[\"get\",\"create\",\"update\"],\"apiGroups\":[\"coordination.k8s.io\"],\"resources\":[\"leases\"],\"name"
      "spaces\":[\"*\"]}]}]}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "",
      "{\"metadata\":{\"name\":\"kube-controller-manager\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\""
      ":\"true\"}},\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"workload-high\"},\"matchingPrecedence\":800"
      ",\"distinguisherMethod\":{\"type\":\"ByNamespace\"},\"rules\":[{\"subjects\":[{\"kind\":\"User\",\"user\":{\"name"
      "\":\"system:kube-controller-manager\"}}],\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resourc"
      "es\":[\"*\"],\"clusterScope\":true,\"namespaces\":[\"*\"]}],\"nonResourceRules\":[{\"verbs\":[\"*\"],\"nonResour"
      "ceURLs\":[\"*\"]}]}]}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "",
      "{\"metadata\":{\"name\":\"kube-scheduler\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}}"
      ",\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"workload-high\"},\"matchingPrecedence\":800,\"disting"
      "uisherMethod\":{\"type\":\"ByNamespace\"},\"rules\":[{\"subjects\":[{\"kind\":\"User\",\"user\":{\"name\":\"system"
      ":kube-scheduler\"}}],\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"cluster"
      "Scope\":true,\"namespaces\":[\"*\"]}],\"nonResourceRules\":[{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]}]}"
      "}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "",
      "{\"metadata\":{\"name\":\"global-default\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}}"
      ",\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"global-default\"},\"matchingPrecedence\":9900,\"disti"
      "nguisherMethod\":{\"type\":\"ByUser\"},\"rules\":[{\"subjects\":[{\"kind\":\"Group\",\"group\":{\"name\":\"system:"
      "unauthenticated\"}},{\"kind\":\"Group\",\"group\":{\"name\":\"system:authenticated\"}}],\"resourceRules\":[{\""
      "verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"clusterScope\":true,\"namespaces\":[\"*\"]}],\"nonRe"
      "sourceRules\":[{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]}]}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "",
      "{\"metadata\":{\"name\":\"probes\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}},\"spec\":"
      "{\"priorityLevelConfiguration\":{\"name\":\"exempt\"},\"matchingPrecedence\":2,\"rules\":[{\"subjects\":[{\"k"
      "ind\":\"Group\",\"group\":{\"name\":\"system:unauthenticated\"}},{\"kind\":\"Group\",\"group\":{\"name\":\"system:"
      "authenticated\"}}],\"nonResourceRules\":[{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/healthz\",\"/readyz\",\""
      "/livez\"]}]}]}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "",
      "{\"metadata\":{\"name\":\"kube-system-service-accounts\",\"annotations\":{\"apf.kubernetes.io/autoupdate-"
      "spec\":\"true\"}},\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"workload-high\"},\"matchingPrecedence"
      "\":900,\"distinguisherMethod\":{\"type\":\"ByNamespace\"},\"rules\":[{\"subjects\":[{\"kind\":\"ServiceAccount"
      "\",\"serviceAccount\":{\"namespace\":\"kube-system\",\"name\":\"*\"}}],\"resourceRules\":[{\"verbs\":[\"*\"],\"api"
      "Groups\":[\"*\"],\"resources\":[\"*\"],\"clusterScope\":true,\"namespaces\":[\"*\"]}],\"nonResourceRules\":[{\"v"
      "erbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]}]}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "",
      "{\"metadata\":{\"name\":\"service-accounts\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\""
      "}},\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"workload-low\"},\"matchingPrecedence\":9000,\"disti"
      "nguisherMethod\":{\"type\":\"ByUser\"},\"rules\":[{\"subjects\":[{\"kind\":\"Group\",\"group\":{\"name\":\"system:"
      "serviceaccounts\"}}],\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"cluster"
      "Scope\":true,\"namespaces\":[\"*\"]}],\"nonResourceRules\":[{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]}]}"
      "}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "",
      "{\"metadata\":{\"name\":\"exempt\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}},\"spec\":"
      "{\"priorityLevelConfiguration\":{\"name\":\"exempt\"},\"matchingPrecedence\":1,\"rules\":[{\"subjects\":[{\"k"
      "ind\":\"Group\",\"group\":{\"name\":\"system:masters\"}}],\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*"
      "\"],\"resources\":[\"*\"],\"clusterScope\":true,\"namespaces\":[\"*\"]}],\"nonResourceRules\":[{\"verbs\":[\"*\"]"
      ",\"nonResourceURLs\":[\"*\"]}]}]}}" },
    { PRODUCER, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "",
      "{\"metadata\":{\"name\":\"catch-all\",\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":\"true\"}},\"spe"
      "c\":{\"priorityLevelConfiguration\":{\"name\":\"catch-all\"},\"matchingPrecedence\":10000,\"distinguisherM"
      "ethod\":{\"type\":\"ByUser\"},\"rules\":[{\"subjects\":[{\"kind\":\"Group\",\"group\":{\"name\":\"system:unauthent"
      "icated\"}},{\"kind\":\"Group\",\"group\":{\"name\":\"system:authenticated\"}}],\"resourceRules\":[{\"verbs\":[\""
      "*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"clusterScope\":true,\"namespaces\":[\"*\"]}],\"nonResourceRul"
      "es\":[{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]}]}}" },
    { SERVER, "", "v1", "configmaps", "kube-system",
      "{\"metadata\":{\"name\":\"kube-apiserver-legacy-service-account-token-tracking\"},\"data\":{\"since\":\"202"
      "5-01-01\"}}" },
    { SERVER, "networking.k8s.io", "v1", "servicecidrs", "",
      "{\"metadata\":{\"name\":\"kubernetes\"},\"spec\":{\"cidrs\":[\"10.0.0.0/24\"]}}" },
    { SERVER, "", "v1", "services", "default",
      "{\"metadata\":{\"name\":\"kubernetes\",\"labels\":{\"component\":\"apiserver\",\"provider\":\"kubernetes\"}},"
      "\"spec\":{\"ports\":[{\"name\":\"https\",\"protocol\":\"TCP\",\"port\":443,\"targetPort\":6443}],\"clusterIP\":"
      "\"10.0.0.1\",\"type\":\"ClusterIP\",\"sessionAffinity\":\"None\",\"ipFamilyPolicy\":"
      "\"SingleStack\"}}" },
    { SERVER, "", "v1", "endpoints", "default",
      "{\"metadata\":{\"name\":\"kubernetes\",\"labels\":{\"endpointslice.kubernetes.io/skip-mirror\":\"true\"}},"
      "\"subsets\":[{\"addresses\":[{\"ip\":\"192.0.2.2\"}],\"ports\":[{\"name\":\"https\",\"port\":6443,\"protocol\":"
      "\"TCP\"}]}]}" },
    { SERVER, "discovery.k8s.io", "v1", "endpointslices", "default",
      "{\"metadata\":{\"name\":\"kubernetes\",\"labels\":{\"kubernetes.io/service-name\":\"kubernetes\"}},\"addressType\":"
      "\"IPv4\",\"endpoints\":[{\"addresses\":[\"192.0.2.2\"],\"conditions\":{\"ready\":true}}],\"ports\":[{\"name\":"
      "\"https\",\"protocol\":\"TCP\",\"port\":6443}]}" },
};
const size_t bootstrap_n_seeds = ARRAY_SIZE(bootstrap_seeds);

/* GroupPriorityMinimum and the priority of the version. */
const struct group_priority bootstrap_priorities[] = {
    { "", 18000, 1 },
    { "apiregistration.k8s.io", 20000, 18 },
    { "apps", 17800, 15 },
    { "events.k8s.io", 17750, 15 },
    { "authentication.k8s.io", 17700, 15 },
    { "authorization.k8s.io", 17600, 15 },
    { "autoscaling", 17500, 15 },
    { "batch", 17400, 15 },
    { "certificates.k8s.io", 17300, 15 },
    { "networking.k8s.io", 17200, 15 },
    { "policy", 17100, 15 },
    { "rbac.authorization.k8s.io", 17000, 15 },
    { "storage.k8s.io", 16800, 15 },
    { "apiextensions.k8s.io", 16700, 15 },
    { "admissionregistration.k8s.io", 16700, 15 },
    { "scheduling.k8s.io", 16600, 15 },
    { "coordination.k8s.io", 16500, 15 },
    { "node.k8s.io", 16300, 15 },
    { "discovery.k8s.io", 16200, 15 },
    { "resource.k8s.io", 16200, 15 },
    { "flowcontrol.apiserver.k8s.io", 16100, 21 },
};
const size_t bootstrap_n_priorities = ARRAY_SIZE(bootstrap_priorities);
