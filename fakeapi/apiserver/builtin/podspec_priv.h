/* podspec_priv.h — what the files of the pod spec share. */
#pragma once

#include "fakeapi/apiserver/builtin/podspec.h"
#include "kube/json.h"
#include "kube/names.h"

/* A string member, "" where it is absent. */
static inline const char *text(const json_t *obj, const char *name)
{
    const char *s = json_string_value(json_object_get(obj, name));

    return s ? s : "";
}

/* A member, NULL where it is absent or null. */
static inline const json_t *member(const json_t *obj, const char *name)
{
    const json_t *v = json_object_get(obj, name);

    return json_is_null(v) ? NULL : v;
}

bool among(const char *const *list, const char *value);
/* Whether one of the first n items of a list has that name. */
bool name_before(const json_t *list, size_t n, const char *name);

/* podspec.c */
void podspec_images_trimmed(struct fielderrs *e, const json_t *spec, const struct fpath *path);
void podspec_image_trimmed(struct fielderrs *e, const json_t *container, const struct fpath *path);
/* the `tolerations` of whatever has some */
void podspec_tolerations(struct fielderrs *e, const json_t *spec, const struct fpath *path);

/* The terms of a node selector that must hold. */
void podspec_node_selector(struct fielderrs *e, const json_t *selector, const struct fpath *path);

/* podspec_volumes.c; `pod` is the name of the pod, "" in a template. Returns a new list of those with nothing wrong:
 * only they are there for containers. */
json_t *podspec_volumes(struct fielderrs *e, const json_t *list, const char *pod, const struct fpath *path);
/* podspec_sources.c: the source of that name in a volume, where it is one that comes from outside */
void podspec_outside_source(struct fielderrs *e, const json_t *volume, const char *name, const struct fpath *path);
/* No step upwards in a path. */
bool podspec_has_backsteps(const char *path);
void podspec_no_backsteps(struct fielderrs *e, const char *value, const struct fpath *path);
void podspec_local_path(struct fielderrs *e, const char *value, const struct fpath *path);
void podspec_field_ref(struct fielderrs *e, const json_t *ref, const struct fpath *path, const char *const *allowed);
void podspec_resource_ref(struct fielderrs *e, const json_t *ref, const struct fpath *path, bool volume);

/* podspec_containers.c */
void podspec_containers(struct fielderrs *e, const json_t *spec, const json_t *volumes, const struct fpath *path);
void podspec_seccomp(struct fielderrs *e, const json_t *profile, const struct fpath *path);
void podspec_seccomp_annotations(struct fielderrs *e, const json_t *annotations, const struct fpath *path);
void podspec_app_armor(struct fielderrs *e, const json_t *profile, const struct fpath *path);

/* podspec_claims.c: the pod's resourceClaims, a container's resources.claims of those, its resizePolicy */
void podspec_pod_claims(struct fielderrs *e, const json_t *spec, const struct fpath *path);
void podspec_taken_claims(struct fielderrs *e, const json_t *resources, const json_t *spec, const struct fpath *path);
void podspec_resize_policy(struct fielderrs *e, const json_t *list, const char *restart, const struct fpath *path);

/* podspec_system.c: dnsConfig; hostAliases; what a pod with users of its own, or for an operating system, may not ask */
void podspec_dns(struct fielderrs *e, const json_t *spec, const struct fpath *path);
void podspec_host_aliases(struct fielderrs *e, const json_t *list, const struct fpath *path);
void podspec_host_users(struct fielderrs *e, const json_t *spec, const struct fpath *path);
void podspec_os(struct fielderrs *e, const json_t *spec, const struct fpath *path);

/* podspec_windows.c: the windowsOptions of a securityContext, and what they mean for the pod together */
void podspec_windows_options(struct fielderrs *e, const json_t *security, const struct fpath *path);
void podspec_host_process(struct fielderrs *e, const json_t *spec, const struct fpath *path);

/* podspec_gates.c: the selectors of a new pod, with the labels that matchLabelKeys and mismatchLabelKeys name */
void podspec_narrow_selectors(json_t *pod);

/* podspec_resources.c */
void podspec_container_resources(struct fielderrs *e, const json_t *resources, const struct fpath *path);
void podspec_pod_resources(struct fielderrs *e, const json_t *spec, const struct fpath *path);
/* What a pod asks for itself where it leaves that to its containers and limits; the spec is the caller's own. */
void podspec_default_resources(struct arena *a, json_t *spec);
/* "BestEffort", "Burstable", "Guaranteed" */
const char *pod_qos_class(struct arena *a, const json_t *pod);

struct call;
struct kind;
struct subresource;

/* pod_update.c: what each endpoint of a pod may change */
int pod_prepare_update(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old);
void pod_validate_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                         const json_t *old, struct fielderrs *e);
/* pod_status.c */
void pod_validate_status(struct fielderrs *e, const json_t *obj, const json_t *old);
