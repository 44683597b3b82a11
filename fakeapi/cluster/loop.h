/* loop.h — what every cluster loop is made of: a process, a client, informers, a queue, one worker. */
#pragma once

#include "fakeapi/cluster/cluster.h"
#include "fakeapi/cluster/guests.h"
#include "kube/client.h"
#include "kube/informer.h"

struct cluster_loop_state;

/* One pass over one key. 0: done; negative: again after a backoff. `err` has the pass's arena. */
typedef int loop_reconcile_fn(struct co *co, struct cluster_loop_state *l, const struct objkey *key,
                              struct apierr *err);
/* Which keys an event of a watched kind concerns: NULL means the object's own. */
typedef void loop_event_fn(struct cluster_loop_state *l, enum informer_event type, const json_t *old,
                           const json_t *obj);

struct cluster_loop_state {
    struct cluster *cluster;
    const char *name;
    struct proc *proc;
    struct client *client;
    struct workq *queue;
    loop_reconcile_fn *reconcile;
    void *state;                       /* the loop's own */
    struct watched {
        struct cluster_loop_state *loop;
        struct informer *informer;
        loop_event_fn *event;
    } watched[8];
    size_t n_watched;
};

struct cluster {
    struct world *world;
    struct transport *transport;
    struct cluster_options options;
    struct guests *guests;
    struct cluster_loop_state *loops[8];
    size_t n_loops;
    void (*free_state[8])(void *state);
};

/* Made stopped. `manager` is the field manager and user agent the real loop has ("kube-scheduler"). */
struct cluster_loop_state *cluster_loop_new(struct cluster *c, const char *name, const char *manager,
                                    loop_reconcile_fn *reconcile, void *state, void (*free_state)(void *));
struct informer *cluster_loop_watch(struct cluster_loop_state *l, const struct resource *rs, loop_event_fn *event);
void cluster_loop_start(struct cluster_loop_state *l);
void cluster_loop_enqueue(struct cluster_loop_state *l, const json_t *obj);

/* The loops. Each starts itself. */
void scheduler_start(struct cluster *c);
void kubelet_start(struct cluster *c);
void gc_start(struct cluster *c);
void namespaces_start(struct cluster *c);
void volumes_start(struct cluster *c);
void roles_start(struct cluster *c);

extern const struct resource cluster_pods, cluster_nodes, cluster_namespaces, cluster_claims,
    cluster_volumes, cluster_service_accounts;

/* Every kind the server can list, delete and watch, by discovery: an array in the pass's arena. */
int discover_resources(struct co *co, struct transport *t, struct resource **ret, size_t *ret_n,
                       struct apierr *err);

/* A condition for a strategic merge patch: keeps lastTransitionTime where the status did not change. */
json_t *cluster_loop_condition(struct co *co, const json_t *obj, const char *type, const char *status,
                       const char *reason, const char *message);
const char *cluster_loop_now_text(struct co *co);       /* RFC 3339, in the pass's arena */
