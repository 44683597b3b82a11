/* controller.h — the whole controller of one process: started the same way by `dormouse controller`,
 * `dormouse serve --controllers` and a scenario.
 *
 * Promises (the others are in the README)
 *  (1) controller_start returns at once; everything happens in tasks of the process given.
 *  (2) After proc_kill(process), no request and no driver call leaves it.
 */
#pragma once

#include "controller/runtime/registry.h"
#include "kube/transport.h"

struct controllers;

struct controller_options {
    const char *name;                  /* field manager, user agent, event source; "" = "agent-sandbox" */
    const char *identity;              /* of this replica, for the Lease; "" = the process's name */
    bool leader_elect;                 /* losing the Lease kills the process */
    const char *lease_namespace;       /* "" = "agent-sandbox-system" */
    unsigned sandbox_workers;          /* 0 = 100 (SBX-137) */
    const char *cluster_domain;        /* "" = "cluster.local" */
    const char *freeze_driver;         /* "" = the only registered one that freezes */
    duration resync;                   /* of every informer; 0: never */
    duration lag;                      /* each cache event may be late by so much; 0: by a step only */
    const struct driver_entry *drivers;          /* name -> driver; the drivers are borrowed */
    size_t n_drivers;
};

/* Strings and the list of drivers are copied. `t` and the drivers must outlive the process. */
struct controllers *controller_start(struct world *w, struct proc *p, struct transport *t,
                                     const struct controller_options *o);
/* An orderly stop: no worker takes another key, and the Lease is given back, so that a standby need not
 * wait for it to run out (SBX-131). What is being worked on is left as it is; proc_kill ends it. */
int controller_stop(struct co *co, struct controllers *c);
/* Once the process is dead and unwound. NULL is fine; returns NULL. */
struct controllers *controller_free(struct controllers *c);

bool controller_ready(const struct controllers *c);             /* caches are full, workers run */
bool controller_idle(const struct controllers *c);              /* no key is ready or in work */
bool controller_holds_lease(const struct controllers *c);       /* true without election */

/* A cache that stands still: what is watched of `plural` ("pods") is delivered only after the release.
 * False: there is no such cache. */
bool controller_hold(struct controllers *c, const char *plural, bool held);
