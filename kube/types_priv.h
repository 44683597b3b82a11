/* types_priv.h — what the generated tables and the defaulting functions agree on. */
#pragma once

#include "kube/types.h"

/* A row "hook" of kube/types/defaults.tsv names one of these in small letters. */
#define TYPE_HOOKS(X)                                                                              \
    X(POD, pod)                                                                                    \
    X(POD_SPEC, pod_spec)                                                                          \
    X(CONTAINER, container)                                                                        \
    X(VOLUME, volume)                                                                              \
    X(SECRET, secret)                                                                              \
    X(NAMESPACE, namespace)                                                                        \
    X(NODE_STATUS, node_status)                                                                    \
    X(SERVICE, service)                                                                            \
    X(LOAD_BALANCER_INGRESS, load_balancer_ingress)                                                \
    X(LIMIT_RANGE_ITEM, limit_range_item)                                                          \
    X(REPLICATION_CONTROLLER, replication_controller)                                              \
    X(ROLLING_DEPLOYMENT, rolling_deployment)                                                      \
    X(ROLLING_STATEFUL_SET, rolling_stateful_set)                                                  \
    X(ROLLING_DAEMON_SET, rolling_daemon_set)                                                      \
    X(STATEFUL_SET, stateful_set)                                                                  \
    X(JOB, job)                                                                                    \
    X(AUTOSCALER, autoscaler)                                                                      \
    X(NETWORK_POLICY, network_policy)                                                              \
    X(RBAC_SUBJECT, rbac_subject)                                                                  \
    X(CUSTOM_RESOURCE_DEFINITION, custom_resource_definition)                                      \
    X(RESOURCE_LIST, resource_list)

enum type_hook {
    HOOK_NONE,
#define X(name, function) HOOK_##name,
    TYPE_HOOKS(X)
#undef X
    HOOK_LIMIT_
};
