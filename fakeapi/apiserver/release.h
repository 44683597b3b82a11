/* release.h — which release of Kubernetes a server says it is, and what clients see of the difference (K-078).
 *
 * Clients ask for features rather than for versions: whether the stream of a list may replace the list, whether
 * discovery comes in one document, whether the server finds unknown fields itself. An older release refuses what it
 * did not know yet, in its words; everything else is as in 1.34.
 */
#pragma once

#include <stdbool.h>

struct release {
    const char *name;                  /* "1.34" */
    const char *minor;                 /* "34" */
    const char *before;                /* the minor version it still agrees with */
    const char *git_version;           /* "v1.34.2" */
    bool watch_list;                   /* sendInitialEvents (on in 1.32, off in 1.33, on again) */
    bool aggregated_discovery;         /* apidiscovery.k8s.io/v2 */
    bool field_validation;             /* ?fieldValidation= is in the OpenAPI documents */
};

/* NULL for a release that is not in the table; the newest for NULL. Static. */
const struct release *release_find(const char *name);
/* "1.24 to 1.34", for messages. Static. */
const char *release_names(void);
