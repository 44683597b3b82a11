/* decide.h — what a Sandbox's situation means: pure functions from facts, written as tables.
 *
 * The facts are what one pass observed. decide_step() says what to do next; decide_suspended() and
 * decide_ready() say what the status shall tell: the KEP-119 matrix with the rows that the snapshot
 * strategies add (agent-sandbox.md, section 2.2, M1 to M15). No clock, no client, no order of events.
 */
#pragma once

#include "world/base.h"

enum operating_mode { MODE_RUNNING, MODE_SUSPENDED };
enum strategy { STRATEGY_STOP, STRATEGY_FREEZE, STRATEGY_HIBERNATE };

enum pod_relation {
    POD_ABSENT,                        /* confirmed gone, or never made */
    POD_OWNED,                         /* one Pod whose controller is this Sandbox's uid */
    POD_NOT_OWNED,                     /* somebody else's Pod stands under the name */
    POD_MULTIPLE,                      /* two or more are ours: none is chosen */
    POD_UNKNOWN                        /* the lookup failed */
};

enum pod_phase { PHASE_PENDING, PHASE_RUNNING, PHASE_SUCCEEDED, PHASE_FAILED, PHASE_OTHER };

enum snapshot_relation {
    SNAPSHOT_NONE,
    SNAPSHOT_OF_POD,                   /* taken from the Pod that is there */
    SNAPSHOT_RESTORED,                 /* the Pod that is there was built from it */
    SNAPSHOT_OTHER                     /* neither, or there is no Pod */
};

enum pending_relation {
    PENDING_NONE,
    PENDING_FOR_POD,                   /* the intent names the Pod that is there, or none is there */
    PENDING_OTHER                      /* the intent's Pod is gone and another has taken its place */
};

enum checkpoint_state { CHECKPOINT_IDLE, CHECKPOINT_UNRESOLVED, CHECKPOINT_RUNNING, CHECKPOINT_FAILED };
enum freeze_state { FREEZE_IDLE, FREEZE_RUNNING, FREEZE_DONE, FREEZE_FAILED };

struct sandbox_facts {
    enum operating_mode mode;
    enum strategy strategy;
    enum pod_relation pod;
    enum pod_phase phase;
    bool pod_terminating, pod_ready, pod_has_ip;
    bool freeze_intent;                /* the Pod carries the annotation */
    enum snapshot_relation snapshot;
    enum pending_relation pending;
    bool discard;                      /* the annotation names the live snapshot */
    bool template_changed;             /* podTemplate.spec is not what was checkpointed */
    /* for conditions only */
    bool expired;
    bool child_error;                  /* a PVC, Pod or Service could not be brought in order */
    bool restore_failed;
    bool service_needed, service_present;
    bool was_terminated;               /* the status already says Suspended=True/PodTerminated */
    enum checkpoint_state checkpoint;
    enum freeze_state freeze;
};

enum step {
    STEP_NONE,                         /* nothing but the status */
    STEP_WAIT,                         /* the Pod is going: its end wakes us */
    STEP_CREATE,                       /* cold boot */
    STEP_RESTORE,                      /* Restore, then create the Pod from what it says */
    STEP_RESTORE_BLOCKED,              /* the template is not the checkpoint's: no RPC (SUS-110) */
    STEP_DISCARD,                      /* the user gave the snapshot up (SUS-105) */
    STEP_CHECKPOINT,                   /* resolve, finalizer, intent, RPC, record */
    STEP_DRIVE,                        /* an intent stands: bring it to a definite answer */
    STEP_ABANDON,                      /* the intent's Pod is not wanted any more: owe its deletion */
    STEP_DELETE_POD,
    STEP_SKIP_CHECKPOINT,              /* delete the Pod, say that there was no state to save */
    STEP_INVALIDATE,                   /* the live snapshot is of no use any more: owe its deletion */
    STEP_CONSUME,                      /* the restored Pod was Ready: owe the snapshot's deletion */
    STEP_FREEZE,
    STEP_UNFREEZE,
    STEP_KEEP,                         /* a Pod lives: keep its metadata in order */
    STEP_FORGET_POD                    /* suspended without a Pod of ours: drop its name */
};
enum step decide_step(const struct sandbox_facts *f);
const char *step_text(enum step step);           /* "create": for traces and test names */

struct verdict {
    const char *status, *reason, *row;           /* row: "M5", or the requirement behind it */
};
struct verdict decide_suspended(const struct sandbox_facts *f);
struct verdict decide_ready(const struct sandbox_facts *f);
/* Finished=True with this reason, or NULL: the condition is absent (SBX-079). */
const char *decide_finished(const struct sandbox_facts *f);
/* Whether status.podIPs and nodeName mirror the Pod (SBX-075). */
bool decide_shows_pod(const struct sandbox_facts *f);
