#include "controller/kinds.h"

#include <stdio.h>

const struct resource
    kind_sandbox = { CORE_GROUP, "v1beta1", "Sandbox", "sandboxes", true },
    kind_snapshot_provider = { CORE_GROUP, "v1beta1", "SnapshotProvider", "snapshotproviders", false },
    kind_snapshot_class = { CORE_GROUP, "v1beta1", "SnapshotClass", "snapshotclasses", false },
    kind_snapshot_claim = { CORE_GROUP, "v1beta1", "SnapshotClaim", "snapshotclaims", true },
    kind_snapshot_claim_template = { CORE_GROUP, "v1beta1", "SnapshotClaimTemplate",
                                     "snapshotclaimtemplates", true },
    kind_pod = { "", "v1", "Pod", "pods", true },
    kind_service = { "", "v1", "Service", "services", true },
    kind_pvc = { "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true },
    kind_event = { "", "v1", "Event", "events", true },
    kind_lease = { "coordination.k8s.io", "v1", "Lease", "leases", true };

void hash8(const char *text, char ret[9])
{
    uint32_t hash = UINT32_C(2166136261);

    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        hash = (hash ^ *p) * UINT32_C(16777619);
    snprintf(ret, 9, "%08x", hash);
}
