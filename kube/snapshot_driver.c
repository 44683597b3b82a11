#include "kube/snapshot_driver.h"

static const struct code_row {
    const char *text;
    enum rpc_outcome outcome;
} codes[] = {
    [RPC_OK] = { "OK", RPC_DONE },
    [RPC_CANCELLED] = { "CANCELLED", RPC_OUTCOME_UNKNOWN },
    [RPC_UNKNOWN] = { "UNKNOWN", RPC_OUTCOME_UNKNOWN },
    [RPC_INVALID_ARGUMENT] = { "INVALID_ARGUMENT", RPC_TERMINAL },
    [RPC_DEADLINE_EXCEEDED] = { "DEADLINE_EXCEEDED", RPC_OUTCOME_UNKNOWN },
    [RPC_NOT_FOUND] = { "NOT_FOUND", RPC_TERMINAL },
    [RPC_ALREADY_EXISTS] = { "ALREADY_EXISTS", RPC_TERMINAL },
    [RPC_PERMISSION_DENIED] = { "PERMISSION_DENIED", RPC_TERMINAL },
    [RPC_RESOURCE_EXHAUSTED] = { "RESOURCE_EXHAUSTED", RPC_RETRYABLE },
    [RPC_FAILED_PRECONDITION] = { "FAILED_PRECONDITION", RPC_TERMINAL },
    [RPC_ABORTED] = { "ABORTED", RPC_RETRYABLE },
    [RPC_OUT_OF_RANGE] = { "OUT_OF_RANGE", RPC_TERMINAL },
    [RPC_UNIMPLEMENTED] = { "UNIMPLEMENTED", RPC_TERMINAL },
    [RPC_INTERNAL] = { "INTERNAL", RPC_OUTCOME_UNKNOWN },
    [RPC_UNAVAILABLE] = { "UNAVAILABLE", RPC_OUTCOME_UNKNOWN },
    [RPC_DATA_LOSS] = { "DATA_LOSS", RPC_TERMINAL },
    [RPC_UNAUTHENTICATED] = { "UNAUTHENTICATED", RPC_TERMINAL },
};

const char *rpc_code_text(int code)
{
    return code >= 0 && code < (int)ARRAY_SIZE(codes) ? codes[code].text : "UNKNOWN";
}

enum rpc_outcome rpc_outcome(enum rpc_code code)
{
    return (size_t)code < ARRAY_SIZE(codes) ? codes[code].outcome : RPC_OUTCOME_UNKNOWN;
}

const char *kvmap_get(const struct kvmap *m, const char *key)
{
    for (size_t i = 0; i < m->n; i++)
        if (streq(m->v[i].key, key))
            return m->v[i].value;
    return NULL;
}

bool kvmap_equal(const struct kvmap *a, const struct kvmap *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!streq(a->v[i].key, b->v[i].key) || !streq(a->v[i].value, b->v[i].value))
            return false;
    return true;
}

enum rpc_code rpc_fail(struct arena *a, struct rpc_status *st, enum rpc_code code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    *st = (struct rpc_status){ code, arena_vprintf(a, fmt, args) };
    va_end(args);
    return code;
}

enum rpc_code rpc_ok(struct rpc_status *st)
{
    *st = (struct rpc_status){ RPC_OK, "" };
    return RPC_OK;
}

/* The contract, asserted once for all drivers: the code stands in the status, and there is a message. */
static enum rpc_code checked(enum rpc_code code, struct rpc_status *st)
{
    assert(st->code == code);
    if (!st->message)
        st->message = "";
    return code;
}

static enum rpc_code unimplemented(struct arena *a, struct rpc_status *st, const char *method)
{
    return rpc_fail(a, st, RPC_UNIMPLEMENTED, "method %s not implemented", method);
}

enum rpc_code driver_get_info(struct co *co, struct snapshot_driver *d, struct instant deadline,
                              struct arena *a, struct driver_info *ret, struct rpc_status *st)
{
    *ret = (struct driver_info){ 0 };
    if (!d->ops->get_info)
        return unimplemented(a, st, "GetDriverInfo");
    *st = (struct rpc_status){ 0 };
    return checked(d->ops->get_info(co, d, deadline, a, ret, st), st);
}

enum rpc_code driver_checkpoint(struct co *co, struct snapshot_driver *d,
                                const struct checkpoint_request *q, struct instant deadline,
                                struct arena *a, struct checkpoint_response *ret,
                                struct rpc_status *st)
{
    *ret = (struct checkpoint_response){ 0 };
    if (!d->ops->checkpoint)
        return unimplemented(a, st, "Checkpoint");
    *st = (struct rpc_status){ 0 };
    return checked(d->ops->checkpoint(co, d, q, deadline, a, ret, st), st);
}

enum rpc_code driver_restore(struct co *co, struct snapshot_driver *d,
                             const struct restore_request *q, struct instant deadline,
                             struct arena *a, struct restore_response *ret, struct rpc_status *st)
{
    *ret = (struct restore_response){ 0 };
    if (!d->ops->restore)
        return unimplemented(a, st, "Restore");
    *st = (struct rpc_status){ 0 };
    return checked(d->ops->restore(co, d, q, deadline, a, ret, st), st);
}

enum rpc_code driver_delete(struct co *co, struct snapshot_driver *d,
                            const struct snapshot_delete_request *q, struct instant deadline,
                            struct arena *a, struct rpc_status *st)
{
    if (!d->ops->remove)
        return unimplemented(a, st, "Delete");
    *st = (struct rpc_status){ 0 };
    return checked(d->ops->remove(co, d, q, deadline, a, st), st);
}

enum rpc_code driver_freeze(struct co *co, struct snapshot_driver *d,
                            const struct freeze_request *q, struct instant deadline,
                            struct arena *a, struct rpc_status *st)
{
    if (!d->ops->freeze)
        return unimplemented(a, st, "Freeze");
    *st = (struct rpc_status){ 0 };
    return checked(d->ops->freeze(co, d, q, deadline, a, st), st);
}

enum rpc_code driver_unfreeze(struct co *co, struct snapshot_driver *d,
                              const struct freeze_request *q, struct instant deadline,
                              struct arena *a, struct rpc_status *st)
{
    if (!d->ops->unfreeze)
        return unimplemented(a, st, "Unfreeze");
    *st = (struct rpc_status){ 0 };
    return checked(d->ops->unfreeze(co, d, q, deadline, a, st), st);
}

enum rpc_code driver_list(struct co *co, struct snapshot_driver *d,
                          const struct snapshot_list_request *q, struct instant deadline,
                          struct arena *a, struct snapshot_list_response *ret,
                          struct rpc_status *st)
{
    *ret = (struct snapshot_list_response){ 0 };
    if (!d->ops->list)
        return unimplemented(a, st, "List");
    *st = (struct rpc_status){ 0 };
    return checked(d->ops->list(co, d, q, deadline, a, ret, st), st);
}

struct snapshot_driver *driver_free(struct snapshot_driver *d)
{
    if (d)
        d->ops->free(d);
    return NULL;
}
