/* invariant.h — what may not happen at any moment of any schedule, whatever a scenario is about.
 *
 * A monitor listens to a history and checks each happening as it happens, so that a state that lasts one
 * scheduling step is seen as surely as one that stays. At rest, once the world has come to a halt, the
 * drivers' books are compared with the objects'.
 */
#pragma once

#include "conformance/scenario/history.h"

struct monitor;
struct invariant {
    const char *name;                  /* "checkpoint-before-delete" */
    const char *requirements;          /* ids, space between */
    const char *text;
    void (*observe)(struct monitor *m, const struct invariant *self, const struct happening *h);
};
const struct invariant *invariant_find(const char *name);       /* NULL: there is none */
const struct invariant *invariant_at(size_t i);                 /* NULL past the last */

struct violation {
    const struct invariant *invariant;
    size_t happening;                  /* its index */
    const char *message;
};

struct monitor *monitor_new(struct history *h);
struct monitor *monitor_free(struct monitor *m); /* NULL is fine; returns NULL */
void monitor_waive(struct monitor *m, const char *invariant);
/* The first one, or NULL. A monitor reports one violation: what comes after follows from it. */
const struct violation *monitor_violation(const struct monitor *m);

/* At rest: `uids` are the snapshots the drivers hold, `n` of them. */
void monitor_at_rest(struct monitor *m, const char *const *uids, size_t n);
