/* gvk.h — names of kinds and resources, and the paths they are served under. */
#pragma once

#include "kube/apierr.h"

/* A kind of resource as clients know it. Static tables of them stand in kube/resources.h; those of
 * CRDs are made at run time. Group "" is the core group. */
struct resource {
    const char *group, *version, *kind, *plural;
    bool namespaced;
};

/* "v1", "apps/v1": the apiVersion of a resource; written into `ret`. */
#define API_VERSION_MAX 320
const char *resource_api_version(const struct resource *rs, char ret[API_VERSION_MAX]);

/* Splits apiVersion; "v1" has group "". False where it has more than one '/'. */
bool api_version_split(const char *api_version, char group[256], char version[64]);

/* "/api/v1/namespaces/ns/pods/name/status": namespace, name and subresource may be NULL or "". Names are
 * percent-encoded. In `arena`. */
const char *resource_path(struct arena *arena, const struct resource *rs, const char *namespace,
                          const char *name, const char *subresource);

/* "pods", "deployments.apps": the GroupResource as errors spell it; in `arena`. */
const char *group_resource(struct arena *arena, const char *group, const char *resource);
