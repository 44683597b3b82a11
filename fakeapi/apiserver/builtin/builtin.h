/* builtin.h — where built-in kinds have a will of their own: one kind_ops each, one file a family. */
#pragma once

#include "fakeapi/apiserver/kinds.h"

extern const struct kind_ops plain_ops;          /* no will at all */
extern const struct kind_ops pod_ops;            /* pod.c */
/* workloads.c */
extern const struct kind_ops deployment_ops, replicaset_ops, rc_ops, statefulset_ops, daemonset_ops, podtemplate_ops;
extern const struct kind_ops revision_ops;       /* revision.c */
extern const struct kind_ops namespace_ops;      /* namespace.c */
extern const struct kind_ops configmap_ops, secret_ops, serviceaccount_ops, lease_ops;  /* config.c */
extern const struct kind_ops event_ops, new_event_ops;  /* event.c */
extern const struct kind_ops priority_ops, runtimeclass_ops;  /* sched.c */
extern const struct kind_ops node_ops;  /* node.c */
extern const struct kind_ops claim_ops, volume_ops;  /* storage.c */
extern const struct kind_ops storageclass_ops, csidriver_ops, csinode_ops, attachment_ops;  /* drivers.c */
extern const struct kind_ops job_ops, cronjob_ops;  /* jobs.c */
extern const struct kind_ops role_ops, clusterrole_ops, rolebinding_ops;  /* rbac.c */
extern const struct kind_ops budget_ops;  /* policy.c */
extern const struct kind_ops scaler_ops, old_scaler_ops;  /* scaler.c */
extern const struct kind_ops mutating_config_ops, validating_config_ops;  /* webhookconfig.c */
extern const struct kind_ops admission_policy_ops, policy_binding_ops;  /* admissionpolicy.c */
extern const struct kind_ops service_ops;  /* service.c */
extern const struct kind_ops ipaddress_ops, servicecidr_ops;     /* addresses.c */
extern const struct kind_ops ingress_ops, ingressclass_ops, netpol_ops;  /* net.c */
extern const struct kind_ops endpoints_ops, slice_ops;  /* endpoints.c */
extern const struct kind_ops csr_ops;  /* csr.c */
extern const struct kind_ops quota_ops, limitrange_ops;  /* quota.c, limitrange.c */
extern const struct kind_ops flowschema_ops, prioritylevel_ops;  /* flow.c */
extern const struct kind_ops apiservice_ops;  /* aggregation.c */
extern const struct kind_ops crd_ops;            /* ../crd.c */
extern const struct kind_ops binding_ops;        /* pod_sub.c: the old way to bind */
extern const struct kind_ops access_review_ops, rules_review_ops, token_review_ops, self_review_ops;  /* review.c */

/* Scale of a Deployment, ReplicaSet, StatefulSet, ReplicationController (scale.c). */
extern const struct view_ops scale_view;
extern const struct kind scale_kind;
extern const struct kind_ops scale_ops;
json_t *scale_metadata(const json_t *obj);
/* Of a custom resource, by the paths its definition names (custom_scale.c). */
extern const struct view_ops custom_scale_view;

/* Takes from a pod, or from the template of one, what is behind a gate that is off and no schema can tell: who sent it
 * owns it, and it is gone (podspec_gates.c). The object is the caller's own. */
void podspec_clear_gated(const struct kind *k, json_t *obj);

/* Subresources of pods (pod_sub.c) and of service accounts (token.c). */
int pod_binding(struct call *c);
int pod_eviction(struct call *c);
int pod_log(struct call *c);
int pod_connect(struct call *c);
int connect_dry_run(struct call *c);  /* what is connected to knows no dry run (proxy.c) */
int proxy_connect(struct call *c);
int serviceaccount_token(struct call *c);
