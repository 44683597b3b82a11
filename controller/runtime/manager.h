/* manager.h — what controller-runtime gives: shared informers, queues with workers, one leader.
 *
 * A manager lives in one process. It starts informers and registry at once, waits for the Lease where
 * leader election is on, then for the caches, and only then lets workers take keys. Losing the Lease
 * kills the process: nothing it still wanted to write reaches the server (SBX-132).
 *
 * A reconciler is a function of a key. An error is retried with the key's exponential backoff; success
 * forgets the failures; a moment in the result queues the key again at that time.
 */
#pragma once

#include "controller/runtime/events.h"
#include "controller/runtime/registry.h"
#include "kube/informer.h"

struct manager;
struct controller;

struct manager_options {
    const char *name;                  /* field manager, user agent, event source */
    const char *identity;              /* holder of the Lease; "" = name */
    bool leader_elect;
    const char *lease_namespace;       /* "" = "agent-sandbox-system" */
    duration resync, lag;              /* of every informer */
    const struct driver_entry *drivers;
    size_t n_drivers;
};

struct reconcile_result {
    struct instant again;              /* INSTANT_NEVER: not by itself */
};
typedef int reconcile_fn(struct co *co, void *arg, const struct objkey *key, struct reconcile_result *ret,
                         struct apierr *err);

struct manager *manager_new(struct proc *p, struct transport *t, const struct manager_options *o);
/* The process must be dead and have unwound. NULL is fine; returns NULL. */
struct manager *manager_free(struct manager *m);
void manager_start(struct manager *m);
int manager_stop(struct co *co, struct manager *m);             /* queues shut, Lease given back */
bool manager_is_leading(const struct manager *m);               /* workers run */
bool manager_holds_lease(const struct manager *m);              /* true without election */
bool manager_idle(const struct manager *m);                     /* no key is ready or being worked on */

struct world *manager_world(const struct manager *m);
struct proc *manager_proc(const struct manager *m);
struct client *manager_client(const struct manager *m);
struct registry *manager_registry(const struct manager *m);
struct events *manager_events(const struct manager *m);

/* One informer per kind, whoever asks first makes it. Before manager_start only. */
struct informer *manager_informer(struct manager *m, const struct resource *rs);
struct informer *manager_find_informer(const struct manager *m, const char *plural);    /* NULL: none */

struct controller *manager_add(struct manager *m, const char *name, unsigned workers, reconcile_fn *fn,
                               void *arg);
struct workq *controller_queue(const struct controller *c);
