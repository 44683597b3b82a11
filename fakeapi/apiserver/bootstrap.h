/* bootstrap.h — the tables of what a fresh server holds. Private to bootstrap.c and bootstrap_seeds.c. */
#pragma once

#include "world/base.h"

struct seed {
    const char *manager;               /* who wrote it */
    const char *group, *version, *plural, *namespace;
    const char *json;
};
extern const struct seed bootstrap_seeds[];
extern const size_t bootstrap_n_seeds;
extern const struct seed rbac_policy[];          /* auth/policy.jsonl: roles and their bindings */
extern const size_t rbac_n_policy;

struct group_priority {
    const char *group;
    int minimum, version;
};
extern const struct group_priority bootstrap_priorities[];
extern const size_t bootstrap_n_priorities;
