#include "conformance/scenario/kinds.h"

#define AGENTS "agents.x-k8s.io", "v1beta1"
#define EXTENSIONS "extensions.agents.x-k8s.io", "v1beta1"

static const struct resource kinds[] = {
    { AGENTS, "Sandbox", "sandboxes", true },
    { AGENTS, "SnapshotProvider", "snapshotproviders", false },
    { AGENTS, "SnapshotClass", "snapshotclasses", false },
    { AGENTS, "SnapshotClaim", "snapshotclaims", true },
    { AGENTS, "SnapshotClaimTemplate", "snapshotclaimtemplates", true },
    { AGENTS, "Snapshot", "snapshots", true },
    { EXTENSIONS, "SandboxTemplate", "sandboxtemplates", true },
    { EXTENSIONS, "SandboxWarmPool", "sandboxwarmpools", true },
    { EXTENSIONS, "SandboxClaim", "sandboxclaims", true },
    { "", "v1", "Pod", "pods", true },
    { "", "v1", "Service", "services", true },
    { "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true },
    { "", "v1", "PersistentVolume", "persistentvolumes", false },
    { "", "v1", "ConfigMap", "configmaps", true },
    { "", "v1", "Secret", "secrets", true },
    { "", "v1", "Event", "events", true },
    { "", "v1", "Node", "nodes", false },
    { "", "v1", "Namespace", "namespaces", false },
    { "coordination.k8s.io", "v1", "Lease", "leases", true },
    { "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", true },
};

const struct resource *kind_find(const char *kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (streq(kinds[i].kind, kind))
            return &kinds[i];
    return NULL;
}

const struct resource *kind_at(size_t i)
{
    return i < ARRAY_SIZE(kinds) ? &kinds[i] : NULL;
}
