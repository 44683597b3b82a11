/* driver_link.h — what lies between the controllers and one driver, and what goes wrong there.
 *
 * The driver's work runs as tasks of the driver's own process: a controller that dies in the middle of
 * a call does not take the driver with it, and a driver that dies leaves its callers with UNAVAILABLE.
 */
#pragma once

#include "conformance/scenario/faults.h"
#include "kube/snapshot_driver.h"

struct driver_link;

struct driver_link *driver_link_new(struct history *h, struct faults *f, const char *name);
struct driver_link *driver_link_free(struct driver_link *l);    /* no call may be open; NULL is fine */

/* Borrows both. NULL: the driver is away, calls are answered UNAVAILABLE. */
void driver_link_set(struct driver_link *l, struct snapshot_driver *driver, struct proc *proc);

/* What the controller `actor` calls; freed with the link, and by nobody else. */
struct snapshot_driver *driver_link_for(struct driver_link *l, const char *actor);
const char *driver_link_name(const struct driver_link *l);
