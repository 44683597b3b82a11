#include "fakeapi/store/model.h"

uint64_t model_revision(const struct model *m)
{
    return m->log.n + 1;
}

const struct model_event *model_at(const struct model *m, const char *key, uint64_t at)
{
    for (size_t i = m->log.n; i-- > 0;) {
        const struct model_event *e = &m->log.v[i];
        if (e->revision <= at && streq(e->key, key))
            return e->type == STORE_DELETE ? NULL : e;
    }
    return NULL;
}

int model_check(const struct model *m, uint64_t *at)
{
    if (*at == 0)
        *at = model_revision(m);
    if (*at > model_revision(m))
        return -ERR_UNAVAILABLE;
    return *at < m->compacted ? -ERR_INVALID : 0;
}

int model_put(struct model *m, const char *key, int64_t value, uint64_t expect)
{
    uint64_t next = model_revision(m) + 1;
    const struct model_event *old = model_at(m, key, next);
    struct model_event e = { .revision = next, .key = key, .value = value,
                             .create = old ? old->create : next,
                             .version = old ? old->version + 1 : 1,
                             .type = old ? STORE_UPDATE : STORE_CREATE };

    if (expect == 0 && old)
        return -ERR_EXISTS;
    if (expect != 0 && expect != STORE_ANY && !old)
        return -ERR_NOT_FOUND;
    if (expect != 0 && expect != STORE_ANY && old->revision != expect)
        return -ERR_INVALID;
    *dyn_push(&m->log) = e;
    return 0;
}

int model_delete(struct model *m, const char *key, uint64_t expect, int64_t last)
{
    uint64_t next = model_revision(m) + 1;
    const struct model_event *old = model_at(m, key, next);
    struct model_event e = { .revision = next, .key = key, .type = STORE_DELETE };

    if (!old)
        return -ERR_NOT_FOUND;
    if (expect != STORE_ANY && old->revision != expect)
        return -ERR_INVALID;
    e.value = last >= 0 ? last : old->value;
    *dyn_push(&m->log) = e;
    return 0;
}

int model_compact(struct model *m, uint64_t revision)
{
    if (revision <= m->compacted || revision > model_revision(m))
        return -ERR_INVALID;
    m->compacted = revision;
    return 0;
}

void model_truncate(struct model *m, uint64_t revision)
{
    m->log.n = revision - 1;
}
