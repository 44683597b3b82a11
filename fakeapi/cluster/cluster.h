/* cluster.h — the loops behind an API server that make a cluster of it: scheduler, kubelet, garbage
 * collector, namespaces. Each is switchable; all use the ordinary API (H-116, H-117).
 *
 * A loop is a controller like any other: informers, a queue, one worker. Nodes are make-believe: the
 * kubelet loop plays all of them. A container is a guest (kube/guest.h): a program counter that moves
 * while it runs, and a little memory; so a test can tell whether what came back is what went to sleep.
 *
 * What a container does is said by its image, command and args, the way a person would write it:
 *   command ["sleep", "5"]        runs 5 s, then exits 0
 *   command ["exit", "3"]         starts, then exits 3 at once
 *   image ending ":missing"       cannot be pulled: ErrImagePull, then ImagePullBackOff (H-024)
 *   anything else                 runs until stopped
 */
#pragma once

#include "kube/guest.h"
#include "kube/transport.h"

enum cluster_loop {
    CLUSTER_SCHEDULER = 1,
    CLUSTER_KUBELET = 2,
    CLUSTER_GC = 4,                    /* owner references: background, foreground, orphan */
    CLUSTER_NAMESPACE = 8,             /* empties what terminates; makes the default ServiceAccount */
    CLUSTER_VOLUME = 16,               /* binds claims to made-up volumes; claim protection */
    CLUSTER_ALL = 31,
    CLUSTER_ROLES = 32                 /* aggregated ClusterRoles: where roles count for something */
};

struct cluster_options {
    unsigned loops;
    unsigned nodes;                    /* 0 = 1; "node-1", "node-2" ... made when absent */
    duration start_delay;              /* bound to running; 0 = 200 ms */
    duration stop_delay;               /* SIGTERM to gone, bounded by the grace period; 0 = 100 ms */
};

struct cluster;

/* Starts the loops as tasks of processes of their own, talking through `t` (borrowed). */
struct cluster *cluster_start(struct world *w, struct transport *t, const struct cluster_options *o);
struct cluster *cluster_free(struct cluster *c);                /* stops them first; NULL is fine */

/* "all", "none" or a comma list of scheduler,kubelet,gc,namespace,volume,roles. -ERR_INVALID names the bad one
 * and what there is. */
int cluster_loops_parse(const char *text, unsigned *ret, struct err *e);

/* The containers, for a driver beside them and for tests. Borrowed from the cluster. */
struct guest_host *cluster_guest_host(struct cluster *c);

/* A cell of the Pod's memory. NULL where the Pod has no guest or no such cell. */
const char *cluster_guest_read(struct cluster *c, const char *namespace, const char *pod, const char *cell);
int cluster_guest_write(struct cluster *c, const char *namespace, const char *pod, const char *cell,
                        const char *value);
/* The program counter, in steps of a millisecond of running; -1 where there is no guest. */
int64_t cluster_guest_steps(struct cluster *c, const char *namespace, const char *pod);
