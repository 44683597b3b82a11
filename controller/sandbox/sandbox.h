/* sandbox.h — the controller of Sandboxes: one Pod each, put to sleep and brought back.
 *
 * Start reading at reconcile.c:sandbox_reconcile; decide.h says what is decided, the other files of the
 * folder how each step is taken.
 */
#pragma once

#include "controller/runtime/manager.h"

struct sandbox_controller;

struct sandbox_options {
    unsigned workers;
    const char *cluster_domain;        /* "" = "cluster.local"; borrowed */
    const char *freeze_driver;         /* "" = the only one that can; borrowed */
};

/* Adds itself to the manager, which must not have been started. */
struct sandbox_controller *sandbox_controller_new(struct manager *m, const struct sandbox_options *o);
struct sandbox_controller *sandbox_controller_free(struct sandbox_controller *c);   /* NULL is fine */
