/* warnings.h — what is accepted and yet warned of. */
#pragma once

#include "fakeapi/apiserver/builtin/rules.h"

/* A pod, or a template below `path` (NULL: the object itself is the pod) (pod_warnings.c). */
void warn_of_pod(struct call *c, const json_t *pod, const struct fpath *path);
/* A term of node affinity that asks for labels of old; `values`: and for what can be no label's value. */
void warn_of_node_term(struct call *c, const json_t *term, bool values, const struct fpath *path);
/* Why a label of nodes is not used any more; NULL: it is. */
const char *warn_old_label(const char *key);
/* An amount of bytes with a fraction. */
void warn_of_fraction(struct call *c, const json_t *map, const struct fpath *path, const char *name);
/* The spec of a claim. */
void warn_of_claim(struct call *c, const json_t *spec, const struct fpath *path);

/* An address, a CIDR, where it is not written as it should be (net_addresses.c). */
void warn_of_address(struct call *c, const char *text, const struct fpath *at);
void warn_of_cidr(struct call *c, const char *text, const struct fpath *at);

/* The hooks of kinds (warnings.c). */
void pod_warn(struct call *c, const json_t *obj, const json_t *old);
void workload_warn(struct call *c, const json_t *obj, const json_t *old);
void statefulset_warn(struct call *c, const json_t *obj, const json_t *old);
void daemonset_warn(struct call *c, const json_t *obj, const json_t *old);
void podtemplate_warn(struct call *c, const json_t *obj, const json_t *old);
void job_warn(struct call *c, const json_t *obj, const json_t *old);
void cronjob_warn(struct call *c, const json_t *obj, const json_t *old);
void service_warn(struct call *c, const json_t *obj, const json_t *old);
void volume_warn(struct call *c, const json_t *obj, const json_t *old);
void ingress_warn(struct call *c, const json_t *obj, const json_t *old);
void storageclass_warn(struct call *c, const json_t *obj, const json_t *old);
