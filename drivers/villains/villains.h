/* villains.h — drivers that break one rule each, so that every check is seen to catch somebody.
 *
 * A villain wraps a good driver and lies about it. A restart is: free the villain (and its inner
 * driver), make both again over the same disk.
 */
#pragma once

#include "kube/guest.h"
#include "kube/snapshot_driver.h"

struct villain_row {
    const char *name;                  /* "stores-nothing" */
    const char *breaks;                /* requirement ids, space between: "DRV-010 DRV-012" */
    const char *sentence;              /* what it does, for the report */
    bool needs_pods;                   /* blind, nobody can tell it from a good driver */
    struct snapshot_driver_ops ops;    /* how */
};
const struct villain_row *villain_rows(size_t *ret_n);          /* in a fixed order */
const struct villain_row *villain_find(const char *name);       /* NULL: nobody of that name */

/* Owns `inner`, also when it returns NULL because nobody has that name. */
struct snapshot_driver *villain_new(const char *name, struct snapshot_driver *inner, struct world *w);
/* The same beside guests, which it may mistreat. NULL: as villain_new(). */
struct snapshot_driver *villain_new_beside(const char *name, struct snapshot_driver *inner, struct world *w,
                                           struct guest_host *guests);
