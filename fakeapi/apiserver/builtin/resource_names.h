/* resource_names.h — the names of what containers ask for and quotas count, and where each may stand. */
#pragma once

#include "kube/fielderr.h"

enum { R_QUOTA = 1, R_WHOLE = 2, R_POD_COUNT = 4, R_POD_COMPUTE = 8, R_CLAIM = 16, R_CONTAINER = 32, R_STANDARD = 64 };
/* R_... of a name without a slash; 0: none that is known. */
unsigned resource_uses(const char *name);

bool resource_native(const char *name);          /* without a slash, or of kubernetes.io */
bool resource_extended(const char *name);        /* "example.com/device": no native one, no request already */
/* May be limited above what is requested. */
bool resource_overcommits(const char *name);

/* A standard one, or qualified by a domain; and one that a container may ask for. */
void rule_resource_name(struct fielderrs *e, const struct fpath *at, const char *name);
void rule_container_resource_name(struct fielderrs *e, const struct fpath *at, const char *name);
/* Not negative, and whole where the resource is counted. */
void rule_resource_amount(struct fielderrs *e, const struct fpath *at, const char *name, const json_t *v);
