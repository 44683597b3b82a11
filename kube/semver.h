/* semver.h — versions such as "1.2.3-rc.1+build": Semantic Versioning 2.0, with the sentences of the parser that
 * kube-apiserver uses.
 */
#pragma once

#include "world/arena.h"

struct semver_part {
    const char *s;
    size_t len;
    uint64_t number;                   /* where it is one */
    bool is_number;
};

struct semver {
    uint64_t major, minor, patch;
    struct semver_part *pre;           /* what stands after '-', by the dots */
    size_t n_pre;
};

/* NULL when all is well, else why not, in `a`. `tolerant`: "v1.2" and "01.2.3" will do. */
const char *semver_parse(struct arena *a, const char *s, size_t len, bool tolerant, struct semver *ret);
int semver_compare(const struct semver *a, const struct semver *b);       /* builds do not count */
