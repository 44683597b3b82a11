/* The server side: any struct snapshot_driver on a socket. */
#include "drivers/remote/remote.h"

#include "drivers/remote/codec.h"
#include "drivers/remote/paths_priv.h"

struct served_method {
    struct driver_server *server;
    enum driver_method method;
};

struct driver_server {
    struct world *world;
    struct snapshot_driver *driver;
    struct grpc_server *grpc;
    struct served_method served[DRIVER_METHODS];
    struct grpc_method methods[2 * DRIVER_METHODS];
    char *paths[2 * DRIVER_METHODS];
};

union request {
    struct checkpoint_request checkpoint;
    struct restore_request restore;
    struct snapshot_delete_request remove;
    struct freeze_request freeze;
    struct snapshot_list_request list;
};

union reply {
    struct driver_info info;
    struct checkpoint_response checkpoint;
    struct restore_response restore;
    struct snapshot_list_response list;
};

static enum rpc_code dispatch(struct co *co, struct snapshot_driver *d, enum driver_method m,
                              const union request *q, struct instant deadline, struct arena *a,
                              union reply *r, struct rpc_status *st)
{
    switch (m) {
    case DRIVER_GET_INFO: return driver_get_info(co, d, deadline, a, &r->info, st);
    case DRIVER_CHECKPOINT: return driver_checkpoint(co, d, &q->checkpoint, deadline, a, &r->checkpoint, st);
    case DRIVER_RESTORE: return driver_restore(co, d, &q->restore, deadline, a, &r->restore, st);
    case DRIVER_DELETE: return driver_delete(co, d, &q->remove, deadline, a, st);
    case DRIVER_FREEZE_POD: return driver_freeze(co, d, &q->freeze, deadline, a, st);
    case DRIVER_UNFREEZE_POD: return driver_unfreeze(co, d, &q->freeze, deadline, a, st);
    case DRIVER_LIST_SNAPSHOTS: return driver_list(co, d, &q->list, deadline, a, &r->list, st);
    case DRIVER_METHODS: break;
    }
    return rpc_fail(a, st, RPC_UNIMPLEMENTED, "unknown method");
}

static enum grpc_code handle(struct co *co, void *arg, const struct grpc_request *q, struct buf *out,
                             const char **ret_message)
{
    const struct served_method *served = arg;
    const struct codec_method *method = codec_method(served->method);
    struct driver_server *s = served->server;
    struct arena *a = co_arena(co);
    struct rpc_status st = { 0 };
    union request request;
    union reply reply;
    const char *why;

    if (!codec_decode(method->request, q->data, q->len, a, &request, &why)) {
        *ret_message = arena_printf(a, "the request is not a %sRequest: %s", method->name, why);
        return GRPC_INVALID_ARGUMENT;
    }
    memset(&reply, 0, sizeof(reply));
    dispatch(co, s->driver, served->method, &request,
             instant_add(world_now(s->world), q->has_deadline ? q->timeout : method->deadline), a, &reply,
             &st);
    world_trace(s->world, "driver", "%s: %s%s%s", method->name, rpc_code_text(st.code),
                st.code == RPC_OK ? "" : ": ", st.code == RPC_OK ? "" : st.message);
    *ret_message = st.message;
    if (st.code == RPC_OK)
        codec_encode(method->reply, &reply, out);
    return (enum grpc_code)st.code;
}

struct driver_server *driver_serve(struct proc *p, struct snapshot_driver *d, const char *endpoint,
                                   struct err *e)
{
    struct driver_server *s = xcalloc(1, sizeof(*s));
    struct grpc_server_options o = { .proc = p, .endpoint = endpoint, .methods = s->methods,
                                     .n_methods = ARRAY_SIZE(s->methods), .who = "driver" };

    s->world = proc_world(p);
    s->driver = d;
    for (size_t i = 0; i < ARRAY_SIZE(s->methods); i++) {
        enum driver_method m = i % DRIVER_METHODS;
        s->served[m] = (struct served_method){ s, m };
        s->paths[i] = xasprintf("%s%s", i < DRIVER_METHODS ? LEGAL_SERVICE : LITERAL_SERVICE,
                                driver_method_name(m));
        s->methods[i] = (struct grpc_method){ s->paths[i], handle, &s->served[m] };
    }
    s->grpc = grpc_server_new(&o, e);
    return s->grpc ? s : driver_server_free(s);
}

const char *driver_server_endpoint(const struct driver_server *s)
{
    return grpc_server_endpoint(s->grpc);
}

void driver_server_stop(struct driver_server *s)
{
    grpc_server_stop(s->grpc);
}

int driver_server_drain(struct co *co, struct driver_server *s, struct instant until)
{
    return grpc_server_drain(co, s->grpc, until);
}

struct driver_server *driver_server_free(struct driver_server *s)
{
    if (!s)
        return NULL;
    grpc_server_free(s->grpc);
    for (size_t i = 0; i < ARRAY_SIZE(s->paths); i++)
        free(s->paths[i]);
    free(s);
    return NULL;
}
