/* model.h — a store as a plain list: the oracle of the contract test. Slow and obvious on purpose. */
#pragma once

#include "fakeapi/store/store.h"

struct model_event {
    uint64_t revision, create, version;
    enum store_event_type type;
    const char *key;                   /* static */
    int64_t value;                     /* of a deletion: the last one as watchers see it */
};

struct model {
    DYN(struct model_event) log;       /* everything that ever happened; compaction only moves a number */
    uint64_t compacted;
};

uint64_t model_revision(const struct model *m);
/* The event that made the key what it was at `at`, or NULL where it was not there. */
const struct model_event *model_at(const struct model *m, const char *key, uint64_t at);
/* What a read at `at` answers: 0 or the error; 0 becomes the present. */
int model_check(const struct model *m, uint64_t *at);

int model_put(struct model *m, const char *key, int64_t value, uint64_t expect);
int model_delete(struct model *m, const char *key, uint64_t expect, int64_t last);
int model_compact(struct model *m, uint64_t revision);
void model_truncate(struct model *m, uint64_t revision);         /* as if it had ended there */
