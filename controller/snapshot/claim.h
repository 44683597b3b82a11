/* claim.h — binds SnapshotClaims to SnapshotClasses (SNP-030 to SNP-044). */
#pragma once

#include "controller/runtime/manager.h"
#include "kube/object.h"

struct claim_controller;

/* Adds itself to the manager, which must not have been started. */
struct claim_controller *claim_controller_new(struct manager *m);
struct claim_controller *claim_controller_free(struct claim_controller *c);     /* NULL is fine */

/* ---- the decision, pure ---- */

struct binding {
    const char *status, *reason;       /* of the condition Bound */
    const char *class_name;            /* "" = none */
    const char *key;                   /* the parameter that class and claim disagree on, or NULL */
};
/* `classes` is an array of SnapshotClass. A default stays bound while its class exists (SNP-035). */
struct binding claim_bind(const json_t *claim, const json_t *classes);
/* The newest class marked default, ties by the smallest name; NULL: none (SNP-022, SNP-023). */
const json_t *default_class(const json_t *classes);
