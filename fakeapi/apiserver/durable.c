#include "fakeapi/apiserver/server.h"

/* Between a write and its being safe: who waits, what a full disk is called, when history is dropped. */

/* ---- what the store refused ---------------------------------------------------------------------- */

int store_refused(struct call *c, int r, const struct kind *k, const char *name)
{
    switch (-r) {
    case ERR_FULL:                     /* what etcd says, and the server hands on as it is */
        return apierr_set(&c->err, APIERR_UNKNOWN, "etcdserver: mvcc: database space exceeded");
    case ERR_EXISTS:
    case ERR_NOT_FOUND:
    case ERR_INVALID:
        return apierr_conflict(&c->err, k->res.group, k->res.plural, name,
            "the object has been modified; please apply your changes to the latest version and try again");
    default:
        return apierr_set(&c->err, APIERR_INTERNAL_ERROR, "store: %s", err_code_text(r));
    }
}

enum {
    ETCD_REQUEST_MAX = 3 * 512 * 1024, /* --max-request-bytes */
    GRPC_MESSAGE_MAX = 2 * 1024 * 1024,          /* of etcd's client */
    TXN_AROUND = 200,                  /* what a transaction says beside the value */
    BODY_HARMLESS = 256 * 1024         /* an object does not become too large by a request of so few bytes, or seldom */
};

/* Custom resources are kept as JSON, all others as protobuf (K-002). */
static size_t transaction_size(const struct kind *k, const json_t *stored)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (kind_custom(k) || !encode_protobuf(&b, stored))
        json_write(&b, stored, 0);
    return b.len + TXN_AROUND;
}

int store_check_size(struct call *c, const struct kind *k, json_t **stored)
{
    size_t size;

    if (!c->q || c->q->body_len < BODY_HARMLESS)
        return 0;
    size = transaction_size(k, *stored);
    if (size > ETCD_REQUEST_MAX && json_object_get(obj_metadata(*stored), "managedFields")) {
        json_object_del(obj_own_metadata(json_own(stored)), "managedFields");
        size = transaction_size(k, *stored);
    }
    if (size > GRPC_MESSAGE_MAX)
        return apierr_set(&c->err, APIERR_UNKNOWN,
                          "rpc error: code = ResourceExhausted desc = trying to send message larger than max (%zu vs. %d)",
                          size, GRPC_MESSAGE_MAX);
    if (size > ETCD_REQUEST_MAX)
        return apierr_set(&c->err, APIERR_UNKNOWN, "etcdserver: request is too large");
    return 0;
}

/* ---- waiting ------------------------------------------------------------------------------------- */

bool durable_pending(const struct apiserver *s)
{
    return store_committed(s->store) < store_revision(s->store);
}

int apiserver_sync(struct apiserver *s, struct err *e)
{
    int r = durable_pending(s) ? store_sync(s->store, e) : 0;

    if (r == 0 && s->streams_held)
        watches_release(s);
    return r;
}

int durable_wait(struct co *co, struct apiserver *s)
{
    if (!s->group_commit)
        return apiserver_sync(s, NULL);
    return store_wait_committed(co, s->store, store_revision(s->store));
}

/* ---- compaction ---------------------------------------------------------------------------------- */

#define STEP 1000                      /* revisions at once, so that nobody waits long for it */
#define PAUSE DURATION_MS(10)

static int compact_upto(struct co *co, struct apiserver *s, uint64_t target)
{
    int r = 0;

    while (r == 0 && store_compacted(s->store) < target) {
        uint64_t from = store_compacted(s->store);
        store_compact(s->store, target - from > STEP ? from + STEP : target);
        if (store_compacted(s->store) == from)
            return 0;                  /* refused: the next round tries again */
        r = co_sleep(co, PAUSE);
    }
    return r;
}

/* What was the present at one round is the floor at the next: history is at least one period long (C-006). */
static void compactor(struct co *co, void *arg)
{
    struct apiserver *s = arg;
    uint64_t target = store_compacted(s->store);

    while (co_sleep(co, s->compact_every) == 0) {
        if (compact_upto(co, s, target) < 0)
            return;
        target = store_revision(s->store);
    }
}

void durable_start(struct apiserver *s, const struct apiserver_options *o)
{
    s->group_commit = o->group_commit;
    s->compact_every = o->compact_every;
    if (s->compact_every > 0)
        co_spawn(s->proc, "compactor", compactor, s);
}
