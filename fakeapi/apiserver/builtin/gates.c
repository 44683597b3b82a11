#include "fakeapi/apiserver/builtin/gates.h"

#include "kube/json.h"
#include "kube/object.h"

static const struct gate {
    const char *kind, *path;
} gates[] = {
    { "CSIDriver", "spec.nodeAllocatableUpdatePeriodSeconds" },
    { "Deployment", "status.terminatingReplicas" },
    { "DeviceClass", "spec.extendedResourceName" },
    { "HorizontalPodAutoscaler", "spec.behavior.scaleUp.tolerance" },
    { "HorizontalPodAutoscaler", "spec.behavior.scaleDown.tolerance" },
    { "Lease", "spec.preferredHolder" },
    { "Lease", "spec.strategy" },
    { "Node", "spec.configSource" },
    { "Node", "status.config" },
    { "ReplicaSet", "status.terminatingReplicas" },
    { "StatefulSet", "spec.updateStrategy.rollingUpdate.maxUnavailable" },
    { "VolumeAttachment", "status.attachError.errorCode" },
    { "VolumeAttachment", "status.detachError.errorCode" },
};

void gates_drop(const struct kind *k, json_t *obj)
{
    for (size_t i = 0; i < ARRAY_SIZE(gates); i++) {
        if (!streq(gates[i].kind, k->res.kind) || kind_custom(k) || !json_path(obj, gates[i].path))
            continue;
        obj_set(obj, gates[i].path, NULL);
    }
}
