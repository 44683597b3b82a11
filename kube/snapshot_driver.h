/* snapshot_driver.h — the SnapshotDriver contract in C (DRV-*; KEP-0694 with H-01, H-02, H-38, H-39).
 *
 * The seam between the controller, which calls a driver, and whoever fulfils the contract: the
 * directory driver in process, a socket with anybody's driver behind it (drivers/remote), a link with
 * faults, a villain. The wire form is drivers/snapshot.proto.
 *
 * Requests are borrowed for the call. Responses live in the arena given. Every call suspends and carries
 * a deadline on the world's clock; a call that returns DEADLINE_EXCEEDED may or may not have happened.
 */
#pragma once

#include "world/world.h"

/* gRPC status codes, their numbers on the wire. */
enum rpc_code {
    RPC_OK = 0, RPC_CANCELLED, RPC_UNKNOWN, RPC_INVALID_ARGUMENT, RPC_DEADLINE_EXCEEDED, RPC_NOT_FOUND,
    RPC_ALREADY_EXISTS, RPC_PERMISSION_DENIED, RPC_RESOURCE_EXHAUSTED, RPC_FAILED_PRECONDITION,
    RPC_ABORTED, RPC_OUT_OF_RANGE, RPC_UNIMPLEMENTED, RPC_INTERNAL, RPC_UNAVAILABLE, RPC_DATA_LOSS,
    RPC_UNAUTHENTICATED
};
const char *rpc_code_text(int code);             /* "FAILED_PRECONDITION"; "code 42" is not made: "UNKNOWN" */

/* What a code says about the outcome (DRV-063). */
enum rpc_outcome { RPC_DONE, RPC_TERMINAL, RPC_RETRYABLE, RPC_OUTCOME_UNKNOWN };
enum rpc_outcome rpc_outcome(enum rpc_code code);

struct rpc_status {
    enum rpc_code code;
    const char *message;                          /* in the call's arena; never NULL after a call */
};

struct kv {
    const char *key, *value;
};
struct kvmap {                                    /* sorted by key, keys unique */
    const struct kv *v;
    size_t n;
};
const char *kvmap_get(const struct kvmap *m, const char *key);
bool kvmap_equal(const struct kvmap *a, const struct kvmap *b);

enum driver_capability {
    DRIVER_CHECKPOINT_RESTORE = 1, DRIVER_IDEMPOTENT_CHECKPOINT = 2, DRIVER_FREEZE = 4, DRIVER_LIST = 8
};

struct driver_info {
    const char *name, *version;
    unsigned capabilities;                        /* enum driver_capability, or-ed */
};

struct checkpoint_request {
    const char *sandbox_name, *sandbox_namespace, *pod_name, *checkpoint_id, *sandbox_uid, *pod_uid,
        *node_name;                               /* never NULL; "" = absent, as in proto3 */
    struct kvmap parameters;
};
struct checkpoint_response {
    const char *snapshot_uid;
    int64_t size_bytes, creation_time_unix_ms;
    struct kvmap driver_metadata;
};
struct restore_request {
    const char *sandbox_name, *sandbox_namespace, *snapshot_uid, *sandbox_uid, *pod_name;
    struct kvmap parameters, driver_metadata;
};
struct restore_response {
    struct kvmap restore_metadata;                /* keys as DRV-033 */
};
struct snapshot_delete_request {
    const char *snapshot_uid, *checkpoint_id, *sandbox_uid;
    struct kvmap parameters, driver_metadata;
};
struct freeze_request {                           /* Freeze and Unfreeze */
    const char *sandbox_name, *sandbox_namespace, *pod_name, *sandbox_uid, *pod_uid, *node_name;
    struct kvmap parameters;
};
struct snapshot_list_request {
    const char *sandbox_uid;
    struct kvmap parameters;
};
struct snapshot_list_entry {
    const char *snapshot_uid, *checkpoint_id;
    int64_t size_bytes, creation_time_unix_ms;
};
struct snapshot_list_response {
    const struct snapshot_list_entry *v;
    size_t n;
};

struct snapshot_driver;
struct snapshot_driver_ops {
    const char *name;
    /* Each returns what stands in `st`: RPC_OK with the response filled, else the code. */
    enum rpc_code (*get_info)(struct co *, struct snapshot_driver *, struct instant deadline,
                              struct arena *, struct driver_info *ret, struct rpc_status *st);
    enum rpc_code (*checkpoint)(struct co *, struct snapshot_driver *, const struct checkpoint_request *,
                                struct instant deadline, struct arena *, struct checkpoint_response *ret,
                                struct rpc_status *st);
    enum rpc_code (*restore)(struct co *, struct snapshot_driver *, const struct restore_request *,
                             struct instant deadline, struct arena *, struct restore_response *ret,
                             struct rpc_status *st);
    enum rpc_code (*remove)(struct co *, struct snapshot_driver *, const struct snapshot_delete_request *,
                            struct instant deadline, struct arena *, struct rpc_status *st);
    enum rpc_code (*freeze)(struct co *, struct snapshot_driver *, const struct freeze_request *,
                            struct instant deadline, struct arena *, struct rpc_status *st);
    enum rpc_code (*unfreeze)(struct co *, struct snapshot_driver *, const struct freeze_request *,
                              struct instant deadline, struct arena *, struct rpc_status *st);
    enum rpc_code (*list)(struct co *, struct snapshot_driver *, const struct snapshot_list_request *,
                          struct instant deadline, struct arena *, struct snapshot_list_response *ret,
                          struct rpc_status *st);
    void (*free)(struct snapshot_driver *);
};
struct snapshot_driver {
    const struct snapshot_driver_ops *ops;
};

/* The calls. A method the driver leaves NULL answers RPC_UNIMPLEMENTED. */
enum rpc_code driver_get_info(struct co *co, struct snapshot_driver *d, struct instant deadline,
                              struct arena *a, struct driver_info *ret, struct rpc_status *st);
enum rpc_code driver_checkpoint(struct co *co, struct snapshot_driver *d,
                                const struct checkpoint_request *q, struct instant deadline,
                                struct arena *a, struct checkpoint_response *ret, struct rpc_status *st);
enum rpc_code driver_restore(struct co *co, struct snapshot_driver *d, const struct restore_request *q,
                             struct instant deadline, struct arena *a, struct restore_response *ret,
                             struct rpc_status *st);
enum rpc_code driver_delete(struct co *co, struct snapshot_driver *d,
                            const struct snapshot_delete_request *q, struct instant deadline,
                            struct arena *a, struct rpc_status *st);
enum rpc_code driver_freeze(struct co *co, struct snapshot_driver *d, const struct freeze_request *q,
                            struct instant deadline, struct arena *a, struct rpc_status *st);
enum rpc_code driver_unfreeze(struct co *co, struct snapshot_driver *d, const struct freeze_request *q,
                              struct instant deadline, struct arena *a, struct rpc_status *st);
enum rpc_code driver_list(struct co *co, struct snapshot_driver *d, const struct snapshot_list_request *q,
                          struct instant deadline, struct arena *a, struct snapshot_list_response *ret,
                          struct rpc_status *st);
struct snapshot_driver *driver_free(struct snapshot_driver *d); /* NULL is fine; returns NULL */

/* Fills a status and returns its code: `return rpc_fail(a, st, RPC_NOT_FOUND, "no snapshot %s", uid)`. */
enum rpc_code rpc_fail(struct arena *a, struct rpc_status *st, enum rpc_code code, const char *fmt, ...)
    PRINTF(4, 5);
enum rpc_code rpc_ok(struct rpc_status *st);
