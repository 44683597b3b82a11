/* remote.h — a driver behind a socket, and a socket before a driver.
 *
 * remote_driver_new() makes anybody's SnapshotDriver service a struct snapshot_driver. driver_serve()
 * makes any struct snapshot_driver a service. Both speak drivers/snapshot.proto on net/grpc.
 *
 * Promises
 *  (1) Both service paths are served: the legal /agents.x_k8s.io.v1beta1.SnapshotDriver/ and the literal
 *      /agents.x-k8s.io.v1beta1.SnapshotDriver/ of the KEP. A client calls the legal one and, on
 *      UNIMPLEMENTED, the literal one once; what worked is remembered (DRV-001, H-01).
 *  (2) Every call carries a deadline (DRV-007); a call without one gets the default of its method.
 *  (3) A reply that is not what the method returns is INTERNAL; a request that is not, or whose text is
 *      not UTF-8 or holds a NUL, is INVALID_ARGUMENT. Neither reaches the code behind (DRV-006:
 *      unknown fields are skipped).
 *  (4) Each reply, and each failure to get one, is reported once to on_exchange, and can be given again
 *      by replay without any socket.
 */
#pragma once

#include "kube/snapshot_driver.h"
#include "net/grpc/grpc.h"

enum driver_method {
    DRIVER_GET_INFO, DRIVER_CHECKPOINT, DRIVER_RESTORE, DRIVER_DELETE, DRIVER_FREEZE_POD,
    DRIVER_UNFREEZE_POD, DRIVER_LIST_SNAPSHOTS, DRIVER_METHODS
};
const char *driver_method_name(enum driver_method m);           /* "GetDriverInfo", "Checkpoint" ... */
duration driver_method_deadline(enum driver_method m);          /* the default (DRV-007) */

/* One call as it went over the socket. Bytes and texts are lent for the callback. */
struct driver_exchange {
    enum driver_method method;
    const void *request, *reply;       /* protobuf; reply empty unless the code is OK */
    size_t request_len, reply_len;
    int code;                          /* gRPC status */
    enum grpc_cause cause;
    const char *message;
};

struct remote_driver_options {
    const char *endpoint;              /* "unix:///run/x.sock", "tcp://127.0.0.1:7000" */
    duration real_bound;               /* no call waits longer in real time; 0: its deadline alone */
    void (*on_exchange)(void *arg, const struct driver_exchange *x);        /* may be NULL */
    /* True: `ret` is the answer (what it points to lives in `a`), and no socket is touched. */
    bool (*replay)(void *arg, const struct driver_exchange *request, struct arena *a,
                   struct driver_exchange *ret);
    void *arg;
    grpc_plan_fn *plan;                /* delays, cuts and repeats calls; may be NULL */
    void *plan_arg;
};

/* NULL where the endpoint makes no sense; an absent or dead peer is the calls' business. */
struct snapshot_driver *remote_driver_new(struct world *w, const struct remote_driver_options *o,
                                          struct err *e);
/* What was the cause of the last failed call: GRPC_PEER when the peer itself said it. */
enum grpc_cause remote_driver_last_cause(const struct snapshot_driver *d);
/* Drops the connection, as a restart of the controller does. */
void remote_driver_disconnect(struct snapshot_driver *d);

struct driver_server;
/* Calls of `d` run as tasks of `p`. The driver is borrowed until driver_server_free. */
struct driver_server *driver_serve(struct proc *p, struct snapshot_driver *d, const char *endpoint,
                                   struct err *e);
const char *driver_server_endpoint(const struct driver_server *s);
void driver_server_stop(struct driver_server *s);               /* as grpc_server_stop */
int driver_server_drain(struct co *co, struct driver_server *s, struct instant until);
struct driver_server *driver_server_free(struct driver_server *s);
