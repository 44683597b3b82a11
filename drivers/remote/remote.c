/* The client side: somebody's socket as a struct snapshot_driver. */
#include "drivers/remote/remote.h"

#include "drivers/remote/codec.h"
#include "drivers/remote/paths_priv.h"

static_assert((int)RPC_UNAUTHENTICATED == (int)GRPC_UNAUTHENTICATED &&
              (int)RPC_UNIMPLEMENTED == (int)GRPC_UNIMPLEMENTED, "one numbering for both");

struct remote_driver {
    struct snapshot_driver base;
    struct world *world;
    struct grpc_client *client;
    struct remote_driver_options o;
    bool literal;                      /* the path that this driver answers to, once known */
    bool path_known;
    enum grpc_cause last_cause;
};

static struct remote_driver *of(struct snapshot_driver *d)
{
    return container_of(d, struct remote_driver, base);
}

/* One exchange, whichever path it takes: what the peer said, or why it said nothing. */
static void ask_socket(struct co *co, struct remote_driver *rd, struct driver_exchange *x, duration timeout,
                       struct arena *a)
{
    struct grpc_reply r;

    for (;;) {
        const char *path = arena_printf(a, "%s%s", rd->literal ? LITERAL_SERVICE : LEGAL_SERVICE,
                                        driver_method_name(x->method));
        grpc_call(co, rd->client, path, x->request, x->request_len, timeout, a, &r);
        if (r.cause != GRPC_PEER || rd->path_known)
            break;
        if (r.code != GRPC_UNIMPLEMENTED) {
            rd->path_known = true;
            break;
        }
        rd->literal = !rd->literal;    /* back to the legal one if neither has the method */
        if (!rd->literal)
            break;
    }
    *x = (struct driver_exchange){ x->method, x->request, r.data, x->request_len, r.len,
                                   (int)r.code, r.cause, r.message };
}

static enum rpc_code remote_call(struct co *co, struct snapshot_driver *d, enum driver_method m,
                                 const void *q, struct instant deadline, struct arena *a, void *ret,
                                 struct rpc_status *st)
{
    struct remote_driver *rd = of(d);
    const struct codec_method *method = codec_method(m);
    cleanup_buf struct buf bytes = BUF_INIT;
    struct driver_exchange x = { .method = m };
    duration timeout = deadline.ns == INSTANT_NEVER.ns ? method->deadline
                                                       : instant_sub(deadline, world_now(rd->world));
    const char *why;

    codec_encode(method->request, q, &bytes);
    x.request = bytes.data;
    x.request_len = bytes.len;
    if (!rd->o.replay || !rd->o.replay(rd->o.arg, &x, a, &x))
        ask_socket(co, rd, &x, timeout, a);
    if (rd->o.on_exchange)
        rd->o.on_exchange(rd->o.arg, &x);
    rd->last_cause = x.cause;
    if (x.code != RPC_OK)
        return rpc_fail(a, st, (enum rpc_code)x.code, "%s", x.message);
    if (!codec_decode(method->reply, x.reply, x.reply_len, a, ret, &why)) {
        rd->last_cause = GRPC_GARBAGE;
        return rpc_fail(a, st, RPC_INTERNAL, "%s: the reply to %s is not one: %s", rd->o.endpoint,
                        method->name, why);
    }
    return rpc_ok(st);
}

/* ---- the seam -------------------------------------------------------------------------------- */

static enum rpc_code remote_info(struct co *co, struct snapshot_driver *d, struct instant deadline,
                                 struct arena *a, struct driver_info *ret, struct rpc_status *st)
{
    return remote_call(co, d, DRIVER_GET_INFO, NULL, deadline, a, ret, st);
}

static enum rpc_code remote_checkpoint(struct co *co, struct snapshot_driver *d,
                                       const struct checkpoint_request *q, struct instant deadline,
                                       struct arena *a, struct checkpoint_response *ret,
                                       struct rpc_status *st)
{
    return remote_call(co, d, DRIVER_CHECKPOINT, q, deadline, a, ret, st);
}

static enum rpc_code remote_restore(struct co *co, struct snapshot_driver *d, const struct restore_request *q,
                                    struct instant deadline, struct arena *a, struct restore_response *ret,
                                    struct rpc_status *st)
{
    return remote_call(co, d, DRIVER_RESTORE, q, deadline, a, ret, st);
}

static enum rpc_code remote_remove(struct co *co, struct snapshot_driver *d,
                                   const struct snapshot_delete_request *q, struct instant deadline,
                                   struct arena *a, struct rpc_status *st)
{
    return remote_call(co, d, DRIVER_DELETE, q, deadline, a, NULL, st);
}

static enum rpc_code remote_freeze(struct co *co, struct snapshot_driver *d, const struct freeze_request *q,
                                   struct instant deadline, struct arena *a, struct rpc_status *st)
{
    return remote_call(co, d, DRIVER_FREEZE_POD, q, deadline, a, NULL, st);
}

static enum rpc_code remote_unfreeze(struct co *co, struct snapshot_driver *d,
                                     const struct freeze_request *q, struct instant deadline,
                                     struct arena *a, struct rpc_status *st)
{
    return remote_call(co, d, DRIVER_UNFREEZE_POD, q, deadline, a, NULL, st);
}

static enum rpc_code remote_list(struct co *co, struct snapshot_driver *d,
                                 const struct snapshot_list_request *q, struct instant deadline,
                                 struct arena *a, struct snapshot_list_response *ret, struct rpc_status *st)
{
    return remote_call(co, d, DRIVER_LIST_SNAPSHOTS, q, deadline, a, ret, st);
}

static void remote_free(struct snapshot_driver *d)
{
    struct remote_driver *rd = of(d);

    grpc_client_free(rd->client);
    free((char *)rd->o.endpoint);
    free(rd);
}

static const struct snapshot_driver_ops remote_ops = {
    .name = "remote",
    .get_info = remote_info,
    .checkpoint = remote_checkpoint,
    .restore = remote_restore,
    .remove = remote_remove,
    .freeze = remote_freeze,
    .unfreeze = remote_unfreeze,
    .list = remote_list,
    .free = remote_free,
};

struct snapshot_driver *remote_driver_new(struct world *w, const struct remote_driver_options *o,
                                          struct err *e)
{
    struct grpc_client_options co = { o->endpoint, o->real_bound, o->plan, o->plan_arg };
    struct grpc_client *client = grpc_client_new(w, &co, e);
    struct remote_driver *rd;

    if (!client)
        return NULL;
    rd = xcalloc(1, sizeof(*rd));
    rd->base.ops = &remote_ops;
    rd->world = w;
    rd->client = client;
    rd->o = *o;
    rd->o.endpoint = xstrdup(o->endpoint);
    return &rd->base;
}

enum grpc_cause remote_driver_last_cause(const struct snapshot_driver *d)
{
    assert(d->ops == &remote_ops);
    return container_of(d, const struct remote_driver, base)->last_cause;
}

void remote_driver_disconnect(struct snapshot_driver *d)
{
    assert(d->ops == &remote_ops);
    grpc_client_disconnect(of(d)->client);
}
