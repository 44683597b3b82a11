/* lab.h — one make-believe cluster for one run of one scenario, every part of it under control.
 *
 * A simulated world with an API server, its cluster loops, the drivers (each in a process of its own over
 * a disk that can lose what was not synced), and controller replicas behind links on which faults are
 * injected. The history sees all of it; the monitor judges all of it.
 */
#pragma once

#include "conformance/check/invariant.h"
#include "conformance/scenario/faults.h"
#include "kube/client.h"

struct lab;

struct lab_options {
    uint64_t seed;
    bool plain;                        /* the plain FIFO schedule: every choice is 0 */
    uint64_t crash_at;                 /* faults_crash_at; 0: no crash loop */
    bool crash_after;
    bool trace;                        /* keep the trace */
    const char *villain;               /* overrides the scenario's drivers; NULL: as it says */
    const char *client_villain;        /* see bend.h; NULL: honest */
    bool durable;                      /* the store of `serve --data`, on a database in memory */
};

/* NULL with `e` where the machine or the scenario's given does not allow it. Borrows the scenario. */
struct lab *lab_new(const struct scenario *s, const struct lab_options *o, struct err *e);
struct lab *lab_free(struct lab *l);             /* NULL is fine; returns NULL */

struct world *lab_world(struct lab *l);
struct history *lab_history(struct lab *l);
struct faults *lab_faults(struct lab *l);
struct monitor *lab_monitor(struct lab *l);
struct proc *lab_user(struct lab *l);            /* the process of who plays the scenario */
struct client *lab_client(struct lab *l);        /* theirs: no link, no faults */
struct cluster *lab_cluster(struct lab *l);

void lab_start_controllers(struct lab *l);       /* those that are not running */
bool lab_controllers_ready(struct lab *l);       /* those that run; without any, true */
/* Ends every replica; each starts again after `restart`, or never of itself (negative). */
void lab_crash_controllers(struct lab *l, duration restart);
void lab_crash_drivers(struct lab *l, duration restart);
void lab_hold(struct lab *l, const char *kind, bool held);

/* What the drivers hold, as file names ("artifacts/..."), in `a`. Suspends. */
int lab_artifacts(struct co *co, struct lab *l, struct arena *a, const char *const **ret, size_t *ret_n);

/* One scheduling step and what follows from it. False: nothing is left to do. */
bool lab_step(struct lab *l);
