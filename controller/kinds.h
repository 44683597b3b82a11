/* kinds.h — the kinds this controller speaks of, and the keys it writes on objects. */
#pragma once

#include "kube/gvk.h"

#define CORE_GROUP "agents.x-k8s.io"
#define EXTENSIONS_GROUP "extensions.agents.x-k8s.io"
#define SANDBOX_API_VERSION CORE_GROUP "/v1beta1"

extern const struct resource
    kind_sandbox, kind_snapshot_provider, kind_snapshot_class, kind_snapshot_claim,
    kind_snapshot_claim_template, kind_pod, kind_service, kind_pvc, kind_event, kind_lease;

/* Labels and annotations; agent-sandbox.md section 1.1 says who reads them. */
#define KEY_NAME_HASH CORE_GROUP "/sandbox-name-hash"
#define KEY_POD_NAME CORE_GROUP "/pod-name"
#define KEY_PROPAGATED_LABELS CORE_GROUP "/propagated-labels"
#define KEY_PROPAGATED_ANNOTATIONS CORE_GROUP "/propagated-annotations"
#define KEY_ADOPTABLE CORE_GROUP "/adoptable"
#define KEY_CREATED_BY CORE_GROUP "/created-by"
#define KEY_WARM_POOL CORE_GROUP "/warm-pool-sandbox"
#define KEY_TEMPLATE_REF_HASH CORE_GROUP "/sandbox-template-ref-hash"
#define KEY_RESTORED_FROM CORE_GROUP "/restored-from-snapshot"
#define KEY_FREEZE_INTENT CORE_GROUP "/freeze-intent"
#define KEY_DISCARD_SNAPSHOT CORE_GROUP "/discard-snapshot"
#define KEY_CLAIM_TEMPLATE CORE_GROUP "/snapshot-claim-template"
#define KEY_DEFAULT_CLASS "snapshotclass." CORE_GROUP "/is-default-class"
#define KEY_DEFAULT_CLAIM "snapshotclaim." CORE_GROUP "/is-default-claim"
#define KEY_TRACE_CONTEXT "opentelemetry.io/trace-context"
#define SNAPSHOT_FINALIZER CORE_GROUP "/snapshot-cleanup"

/* Parameters under this prefix are the controller's own (SNP-073). */
#define PARAMETER_RESERVED CORE_GROUP "/"

/* Eight hex digits of FNV-1a (32 bits): how names become label values. */
void hash8(const char *text, char ret[9]);
