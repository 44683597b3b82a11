/* driver_check.h — checks whose outcome a snapshot driver alone decides (DRV-*).
 *
 * They run blind: the suite makes up Sandboxes and Pods (drivers/CONTRACT.md), so a driver on any
 * machine can be judged through its socket, with no cluster. Every identity is fresh, drawn from the
 * world; nothing depends on what an earlier run left behind, and what a check made it deletes.
 *
 * A check ends as soon as something is not as it must be; what was said to and by the driver is in its
 * exchange, for the report.
 */
#pragma once

#include "conformance/requirements/requirement.h"
#include "conformance/scenario/rpc.h"

enum check_verdict {
    CHECK_PASS,
    CHECK_FAIL,                        /* a MUST does not hold */
    CHECK_NON_STRICT,                  /* a SHOULD does not hold */
    CHECK_UNSUPPORTED,                 /* the driver declares that it cannot, or it cannot be tried here */
    CHECK_ERROR,                       /* it could not be carried out: the driver is gone */
    CHECK_VERDICTS
};
const char *check_verdict_text(enum check_verdict v);           /* "pass", "fail", "non-strict" ... */

struct check;
struct driver_check {
    const char *name;                  /* "same-id-same-answer" */
    const char *title;                 /* one sentence */
    const char *requirements;          /* ids, space between */
    enum requirement_level level;
    const char *feature;               /* "core", or the extended feature it belongs to */
    unsigned needs;                    /* enum driver_capability, or-ed */
    bool needs_restart;
    void (*run)(struct check *c);
};
const struct driver_check *driver_check_at(size_t i);           /* NULL past the last */

/* One exchange with the driver, as it went. */
struct exchange {
    enum rpc_word method;
    json_t *request, *reply;           /* reply NULL unless the code is OK */
    enum rpc_code code;
    const char *message;
};

struct check_result {
    const struct driver_check *check;
    enum check_verdict verdict;
    const char *message;               /* why it did not pass; "" */
    DYN(struct exchange) exchanges;
};

struct driver_checks;
struct driver_checks_options {
    struct world *world;
    struct snapshot_driver *driver;    /* borrowed; may be exchanged by restart */
    /* Ends the driver without a word and starts it again; NULL: it cannot be done. Returns the driver to
     * go on with, NULL where it did not come back. Suspends. */
    struct snapshot_driver *(*restart)(struct co *co, void *arg);
    /* Is the driver still there? Asked when a call failed for want of it; NULL: yes. */
    void (*done)(void *arg, const struct check_result *r);      /* after each check; may be NULL */
    void *arg;
    const char *only;                  /* a check's name, or NULL */
    duration call_bound;               /* deadline of each call; 0: 30 s */
};

/* Runs them all, in the order of the table; suspends nobody: it steps the world itself. */
struct driver_checks *driver_checks_run(const struct driver_checks_options *o);
struct driver_checks *driver_checks_free(struct driver_checks *d);      /* NULL is fine; returns NULL */

const struct check_result *driver_checks_at(const struct driver_checks *d, size_t i);   /* NULL: past */
const struct driver_info *driver_checks_info(const struct driver_checks *d);
/* What made the driver unfit to be asked at all: "" where it answered. */
const char *driver_checks_unreachable(const struct driver_checks *d);
