/* registry.h — the snapshot drivers this controller knows: name, driver, what it can do (H-32).
 *
 * A driver is usable once GetDriverInfo has answered with the very name it is registered under; one
 * that does not implement GetDriverInfo is taken as KEP-minimal: CHECKPOINT_RESTORE and no more
 * (DRV-005). A task per driver asks, again after a second doubling to a minute while it is not usable,
 * and tells whoever listens of each change (DRV-066).
 */
#pragma once

#include "kube/snapshot_driver.h"

struct registry;

struct driver_entry {                            /* as an option names it; the driver is borrowed */
    const char *name;
    struct snapshot_driver *driver;
};

typedef void registry_changed_fn(void *arg);

struct registry *registry_new(struct proc *p, const struct driver_entry *drivers, size_t n);
struct registry *registry_free(struct registry *r);             /* NULL is fine; returns NULL */
void registry_listen(struct registry *r, registry_changed_fn *fn, void *arg);
void registry_start(struct registry *r);

/* The usable driver of that name, or NULL with `ret_why` (static; may be NULL). */
struct snapshot_driver *registry_find(const struct registry *r, const char *name,
                                      unsigned *ret_capabilities, const char **ret_why);
/* The one that freezes: `preferred` if it is usable and can, else the only one that can, else NULL
 * (H-03). `ret_name` is borrowed. */
struct snapshot_driver *registry_find_freezer(const struct registry *r, const char *preferred,
                                              const char **ret_name);
/* Moves with each change of what is usable. */
uint64_t registry_generation(const struct registry *r);
