/* guest.h — what a make-believe container holds, so that a test can tell whether what came back is
 * what went to sleep.
 *
 * The kubelet of fakeapi/cluster implements it; a driver that runs beside it (the directory driver in
 * a simulation) uses it. A guest is a small state: a memory counter that ticks while it runs, a few
 * files. Its image is its canonical JSON text: what a driver stores.
 */
#pragma once

#include "world/buf.h"
#include "world/err.h"

enum guest_state { GUEST_ABSENT, GUEST_NOT_RUNNING, GUEST_RUNNING, GUEST_FROZEN };

struct guest_host;
struct guest_host_ops {
    /* Is there a Pod of that name, and what state is it in? `ret_uid` (37 bytes) is its live uid. */
    enum guest_state (*lookup)(struct guest_host *h, const char *namespace, const char *pod,
                               char ret_uid[64]);
    /* Stops (true) or lets go (false) all containers of the Pod. -ERR_NOT_FOUND where it is not. */
    int (*freeze)(struct guest_host *h, const char *pod_uid, bool frozen);
    /* The whole Pod as one consistent image (DRV-020). It must be frozen. */
    int (*capture)(struct guest_host *h, const char *pod_uid, struct buf *ret);
    /* The image a Pod annotated restored-from-snapshot=`snapshot_uid` starts from. Kept until dropped. */
    void (*offer)(struct guest_host *h, const char *snapshot_uid, const void *image, size_t len);
    void (*withdraw)(struct guest_host *h, const char *snapshot_uid);
};
struct guest_host {
    const struct guest_host_ops *ops;
};
