/* link.h — what lies between a controller and the rest of the world, and what goes wrong there.
 *
 * One transport per controller replica leads to the API server; one driver per registered name leads to
 * a driver that runs in a process of its own: a controller that dies in the middle of a call does not
 * take the driver with it. Both tell the history what they saw, and ask the faults what becomes of it.
 */
#pragma once

#include "conformance/scenario/history.h"
#include "kube/transport.h"

/* ---- faults ---------------------------------------------------------------------------------- */

struct faults;

/* The controller `actor` dies now and is to start again after `restart`. Called on one of its tasks. */
typedef void faults_crash_fn(void *arg, const char *actor, duration restart);

struct faults *faults_new(struct history *h, faults_crash_fn *crash, void *arg);
struct faults *faults_free(struct faults *f);                   /* NULL is fine; returns NULL */
void faults_add(struct faults *f, const struct fault *fault);   /* borrowed until faults_free */
void faults_heal(struct faults *f);
/* The first fault that had to strike and did not; NULL: none. */
const struct fault *faults_missed(const struct faults *f);

/* The systematic loop: the controller dies at its n-th effect (a write or a driver call, from 1), before
 * or after it takes effect. */
void faults_crash_at(struct faults *f, uint64_t n, bool after);
bool faults_crashed(const struct faults *f);     /* that point was reached */
uint64_t faults_effects(const struct faults *f);

/* ---- links ----------------------------------------------------------------------------------- */

struct link;

/* Borrows everything. `actor` is the replica's name. */
struct link *link_new(struct history *h, struct faults *f, struct transport *inner, const char *actor);
struct link *link_free(struct link *l);          /* its streams must be gone; NULL is fine */
struct transport *link_transport(struct link *l);
void link_hold(struct link *l, const char *kind, bool held);    /* watches of that kind deliver nothing */

struct driver_link;

/* `driver` may be changed (a restart): NULL answers UNAVAILABLE. Calls run as tasks of `driver_proc`. */
struct driver_link *driver_link_new(struct history *h, struct faults *f, const char *name);
struct driver_link *driver_link_free(struct driver_link *l);
void driver_link_set(struct driver_link *l, struct snapshot_driver *driver, struct proc *driver_proc);
/* What a controller called `actor` calls. Freed with the link. */
struct snapshot_driver *driver_link_driver(struct driver_link *l, const char *actor);
