/* What a Sandbox's situation means: the KEP-119 matrix M1 to M15 and the order of steps, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "controller/sandbox/decide.h"

#define OURS .pod = POD_OWNED
#define UP OURS, .phase = PHASE_RUNNING, .pod_ready = true, .pod_has_ip = true
#define RUNS OURS, .phase = PHASE_RUNNING
#define GOES OURS, .phase = PHASE_RUNNING, .pod_terminating = true
#define NONE .pod = POD_ABSENT, .phase = PHASE_OTHER
#define SUSPENDED .mode = MODE_SUSPENDED
#define HIBERNATE SUSPENDED, .strategy = STRATEGY_HIBERNATE
#define FREEZE SUSPENDED, .strategy = STRATEGY_FREEZE

static const struct row {
    const char *name;
    struct sandbox_facts facts;
    const char *suspended, *suspended_reason, *ready, *ready_reason;    /* NULL: not looked at */
    enum step step;
} rows[] = {
    /* the matrix */
    { "SUS-001 M1 running, first build", { NONE },
      "False", "NotSuspended", "False", "DependenciesNotReady", STEP_CREATE },
    { "SUS-002 M2 stopping, the Pod goes", { SUSPENDED, GOES },
      "False", "PodTerminating", "False", "SandboxSuspended", STEP_WAIT },
    { "SUS-003 M3 suspended, somebody else's Pod", { SUSPENDED, .pod = POD_NOT_OWNED },
      "False", "PodNotOwned", "False", "SandboxSuspended", STEP_FORGET_POD },
    { "SUS-004 M4 suspended, the lookup failed", { SUSPENDED, .pod = POD_UNKNOWN, .child_error = true },
      "Unknown", "PodStateUnknown", "False", "ReconcilerError", STEP_NONE },
    { "SUS-022 M4 suspended, two Pods are ours", { SUSPENDED, .pod = POD_MULTIPLE },
      "Unknown", "PodStateUnknown", "False", "MultiplePods", STEP_NONE },
    { "SUS-005 M5 suspended, confirmed gone", { SUSPENDED, NONE },
      "True", "PodTerminated", "False", "SandboxSuspended", STEP_FORGET_POD },
    { "SUS-006 M6 running again, no Pod yet", { NONE, .was_terminated = true },
      "False", "NotSuspended", "False", "DependenciesNotReady", STEP_CREATE },
    { "SUS-007 M7 running, Pod up", { UP },
      "False", "NotSuspended", "True", "DependenciesReady", STEP_KEEP },
    { "SUS-007 M7 running, Pod pending", { OURS, .phase = PHASE_PENDING },
      "False", "NotSuspended", "False", "DependenciesNotReady", STEP_KEEP },
    { "SUS-007 M7 running, Pod succeeded", { OURS, .phase = PHASE_SUCCEEDED },
      "False", "NotSuspended", "False", "PodSucceeded", STEP_KEEP },
    { "SUS-007 M7 running, Pod failed (SBX-024: never replaced)", { OURS, .phase = PHASE_FAILED },
      "False", "NotSuspended", "False", "PodFailed", STEP_KEEP },
    { "SUS-060 M8 hibernating, target unresolved", { HIBERNATE, UP, .checkpoint = CHECKPOINT_UNRESOLVED },
      "False", "SnapshotTargetNotReady", "False", "SandboxSuspended", STEP_CHECKPOINT },
    { "SUS-062 M9 hibernating, intent stands",
      { HIBERNATE, UP, .pending = PENDING_FOR_POD, .checkpoint = CHECKPOINT_RUNNING },
      "False", "Checkpointing", "False", "SandboxSuspended", STEP_DRIVE },
    { "SUS-074 M10 hibernating, last attempt failed",
      { HIBERNATE, UP, .pending = PENDING_FOR_POD, .checkpoint = CHECKPOINT_FAILED },
      "False", "CheckpointFailed", "False", "SandboxSuspended", STEP_DRIVE },
    { "SUS-073 M11 hibernating, snapshot recorded", { HIBERNATE, UP, .snapshot = SNAPSHOT_OF_POD },
      "False", "PodTerminating", "False", "SandboxSuspended", STEP_DELETE_POD },
    { "SUS-130 M12 freezing", { FREEZE, UP, .freeze = FREEZE_RUNNING },
      "False", "PodFreezing", "False", "SandboxSuspended", STEP_FREEZE },
    { "SUS-132 M13 frozen", { FREEZE, UP, .freeze = FREEZE_DONE, .freeze_intent = true },
      "True", "PodFrozen", "False", "SandboxSuspended", STEP_FREEZE },
    { "SUS-131 M14 nobody freezes", { FREEZE, UP, .freeze = FREEZE_FAILED },
      "False", "FreezeFailed", "False", "SandboxSuspended", STEP_FREEZE },
    { "SUS-100 M15 running, snapshot live, restoring", { NONE, .snapshot = SNAPSHOT_OTHER },
      "False", "NotSuspended", "False", "DependenciesNotReady", STEP_RESTORE },
    { "SUS-103 M15 running, restore failed",
      { NONE, .snapshot = SNAPSHOT_OTHER, .restore_failed = true },
      "False", "NotSuspended", "False", "RestoreFailed", STEP_RESTORE },

    /* Ready */
    { "SBX-081 expired beats MultiplePods", { .pod = POD_MULTIPLE, .expired = true },
      NULL, NULL, "False", "SandboxExpired", STEP_NONE },
    { "SBX-035 MultiplePods beats an error", { .pod = POD_MULTIPLE, .child_error = true },
      NULL, NULL, "False", "MultiplePods", STEP_NONE },
    { "SBX-090 an error beats everything below", { UP, .child_error = true },
      NULL, NULL, "False", "ReconcilerError", STEP_KEEP },
    { "SUS-011 the Pod's deletion failed", { SUSPENDED, RUNS, .child_error = true },
      "False", "PodTerminating", "False", "ReconcilerError", STEP_DELETE_POD },
    { "SBX-081 suspended beats Failed", { SUSPENDED, OURS, .phase = PHASE_FAILED },
      NULL, NULL, "False", "SandboxSuspended", STEP_DELETE_POD },
    { "SBX-082 ready without an address", { RUNS, .pod_ready = true },
      NULL, NULL, "False", "DependenciesNotReady", STEP_KEEP },
    { "SBX-083 ready without its Service", { UP, .service_needed = true },
      NULL, NULL, "False", "DependenciesNotReady", STEP_KEEP },
    { "SBX-080 ready with its Service", { UP, .service_needed = true, .service_present = true },
      NULL, NULL, "True", "DependenciesReady", STEP_KEEP },
    { "SBX-038 AS-RACE-05 ready but going", { UP, .pod_terminating = true },
      NULL, NULL, "False", "DependenciesNotReady", STEP_WAIT },
    { "SUS-078 ready while an intent stands", { UP, .pending = PENDING_FOR_POD },
      NULL, NULL, "False", "DependenciesNotReady", STEP_DRIVE },
    { "SUS-133 ready while frozen", { UP, .freeze_intent = true },
      NULL, NULL, "False", "DependenciesNotReady", STEP_UNFREEZE },
    { "SUS-079 ready but quiesced for good", { UP, .snapshot = SNAPSHOT_OF_POD },
      NULL, NULL, "False", "DependenciesNotReady", STEP_DELETE_POD },
    { "AS-RACE-53 an old failure does not colour a running Sandbox",
      { UP, .checkpoint = CHECKPOINT_FAILED, .freeze = FREEZE_FAILED },
      "False", "NotSuspended", "True", "DependenciesReady", STEP_KEEP },

    /* steps of a suspension */
    { "SUS-065 a running Pod is checkpointed", { HIBERNATE, RUNS }, .step = STEP_CHECKPOINT },
    { "SUS-066 a pending Pod is deleted", { HIBERNATE, OURS, .phase = PHASE_PENDING },
      .step = STEP_DELETE_POD },
    { "SUS-066 a pending shell keeps its snapshot",
      { HIBERNATE, OURS, .phase = PHASE_PENDING, .snapshot = SNAPSHOT_RESTORED }, .step = STEP_DELETE_POD },
    { "SUS-067 a finished Pod has nothing to save", { HIBERNATE, OURS, .phase = PHASE_SUCCEEDED },
      .step = STEP_SKIP_CHECKPOINT },
    { "SUS-068 a terminating Pod is not checkpointed", { HIBERNATE, GOES },
      "False", "PodTerminating", "False", "SandboxSuspended", STEP_WAIT },
    { "SUS-080 the Pod vanished under the intent",
      { HIBERNATE, NONE, .pending = PENDING_FOR_POD, .checkpoint = CHECKPOINT_RUNNING },
      "False", "Checkpointing", "False", "SandboxSuspended", STEP_DRIVE },
    { "SUS-080 AS-RACE-48 and the attempt failed",
      { HIBERNATE, NONE, .pending = PENDING_FOR_POD, .checkpoint = CHECKPOINT_FAILED },
      "True", "PodTerminated", "False", "SandboxSuspended", STEP_DRIVE },
    { "SUS-112 a running shell is checkpointed anew", { HIBERNATE, RUNS, .snapshot = SNAPSHOT_RESTORED },
      .step = STEP_CHECKPOINT },
    { "SUS-037 Stop of a Pod that ran ends an older snapshot",
      { SUSPENDED, RUNS, .snapshot = SNAPSHOT_RESTORED }, .step = STEP_INVALIDATE },
    { "SUS-037 Stop of a pending shell does not",
      { SUSPENDED, OURS, .phase = PHASE_PENDING, .snapshot = SNAPSHOT_RESTORED }, .step = STEP_DELETE_POD },
    { "SUS-038 a strategy edited while suspended keeps the snapshot",
      { SUSPENDED, NONE, .snapshot = SNAPSHOT_OTHER },
      "True", "PodTerminated", "False", "SandboxSuspended", STEP_FORGET_POD },
    { "SUS-039 Stop deletes the Pod under an intent",
      { SUSPENDED, RUNS, .pending = PENDING_FOR_POD, .checkpoint = CHECKPOINT_RUNNING },
      .step = STEP_DELETE_POD },
    { "SUS-039 and then gives the attempt up",
      { SUSPENDED, GOES, .pending = PENDING_FOR_POD, .checkpoint = CHECKPOINT_RUNNING },
      .step = STEP_ABANDON },
    { "SUS-040 Hibernate after Stop began: too late", { HIBERNATE, GOES }, .step = STEP_WAIT },
    { "SUS-137 a frozen Pod is checkpointed as it is", { HIBERNATE, RUNS, .freeze_intent = true },
      .step = STEP_CHECKPOINT },
    { "SUS-064 an intent for a Pod that was replaced",
      { HIBERNATE, RUNS, .pending = PENDING_OTHER, .checkpoint = CHECKPOINT_RUNNING }, .step = STEP_ABANDON },

    /* steps of a resume */
    { "SUS-078 running under an intent", { RUNS, .pending = PENDING_FOR_POD }, .step = STEP_DRIVE },
    { "SUS-079 recorded, then running: the source goes", { RUNS, .snapshot = SNAPSHOT_OF_POD },
      .step = STEP_DELETE_POD },
    { "SUS-105 discarded: cold boot", { NONE, .snapshot = SNAPSHOT_OTHER, .discard = true },
      .step = STEP_DISCARD },
    { "SUS-105 discard beats a changed template",
      { NONE, .snapshot = SNAPSHOT_OTHER, .discard = true, .template_changed = true }, .step = STEP_DISCARD },
    { "SUS-110 AS-RACE-50 the template changed: no RPC",
      { NONE, .snapshot = SNAPSHOT_OTHER, .template_changed = true, .restore_failed = true },
      "False", "NotSuspended", "False", "RestoreFailed", STEP_RESTORE_BLOCKED },
    { "SUS-106 the shell is Ready: the snapshot is consumed", { UP, .snapshot = SNAPSHOT_RESTORED },
      .step = STEP_CONSUME },
    { "SUS-108 AS-RACE-47 the shell was Ready and goes", { GOES, .pod_ready = true, .snapshot = SNAPSHOT_RESTORED },
      .step = STEP_CONSUME },
    { "SUS-107 the shell goes before it was Ready", { GOES, .snapshot = SNAPSHOT_RESTORED },
      .step = STEP_WAIT },
    { "SUS-109 the shell is not Ready yet: nothing is restored twice",
      { OURS, .phase = PHASE_PENDING, .snapshot = SNAPSHOT_RESTORED }, .step = STEP_KEEP },
    { "SUS-113 an unrelated Pod is kept", { UP, .snapshot = SNAPSHOT_OTHER }, .step = STEP_INVALIDATE },
    { "SUS-114 no snapshot: cold boot", { NONE }, .step = STEP_CREATE },
    { "SBX-037 SUS-017 the old Pod goes: no second one", { GOES }, .step = STEP_WAIT },
    { "SBX-033 two Pods: nothing is done", { .pod = POD_MULTIPLE }, .step = STEP_NONE },
    { "SUS-024 a finished Pod is deleted by Stop", { SUSPENDED, OURS, .phase = PHASE_SUCCEEDED },
      .step = STEP_DELETE_POD },
};

static void check_row(void **state)
{
    const struct row *row = *state;
    struct verdict suspended = decide_suspended(&row->facts), ready = decide_ready(&row->facts);

    assert_string_equal(step_text(decide_step(&row->facts)), step_text(row->step));
    if (row->suspended) {
        assert_string_equal(suspended.status, row->suspended);
        assert_string_equal(suspended.reason, row->suspended_reason);
    }
    if (row->ready) {
        assert_string_equal(ready.status, row->ready);
        assert_string_equal(ready.reason, row->ready_reason);
    }
}

/* Every combination of facts, for what must never happen. */
static void no_situation_breaks_the_rules(void **state)
{
    struct sandbox_facts f = { 0 };
    unsigned n = 0;

    for (unsigned bits = 0; bits < 1u << 21; bits++) {
        unsigned b = bits;
        #define TAKE(n_) (b % (n_)); b /= (n_)
        f.mode = TAKE(2);
        f.strategy = TAKE(3);
        f.pod = TAKE(5);
        f.phase = TAKE(5);
        f.pod_terminating = TAKE(2);
        f.pod_ready = TAKE(2);
        f.snapshot = TAKE(4);
        f.pending = TAKE(3);
        f.freeze_intent = TAKE(2);
        f.checkpoint = TAKE(4);
        f.was_terminated = TAKE(2);
        #undef TAKE
        if (b)
            break;
        enum step step = decide_step(&f);
        struct verdict suspended = decide_suspended(&f), ready = decide_ready(&f);
        n++;
        /* SUS-072, SUS-076: a Pod that could be saved is not deleted unsaved */
        if (step == STEP_DELETE_POD && f.strategy == STRATEGY_HIBERNATE && f.phase == PHASE_RUNNING)
            assert_true(f.snapshot == SNAPSHOT_OF_POD);
        /* SBX-033, SBX-039: what is not one Pod of ours is never deleted */
        if (step == STEP_DELETE_POD || step == STEP_SKIP_CHECKPOINT)
            assert_true(f.pod == POD_OWNED && !f.pod_terminating);
        /* SBX-030: a Pod is made only where none of ours is */
        if (step == STEP_CREATE || step == STEP_RESTORE)
            assert_true(f.pod == POD_ABSENT && f.mode == MODE_RUNNING && f.pending == PENDING_NONE);
        /* SUS-004: never True from a failed lookup; never True and Ready */
        if (streq(suspended.status, "True"))
            assert_true(f.mode == MODE_SUSPENDED && f.pod != POD_UNKNOWN && f.pod != POD_MULTIPLE &&
                        streq(ready.status, "False"));
        /* SUS-007: running is never suspended */
        if (f.mode == MODE_RUNNING)
            assert_string_equal(suspended.reason, "NotSuspended");
        /* SUS-036: Stop calls no driver */
        if (f.mode == MODE_SUSPENDED && f.strategy == STRATEGY_STOP)
            assert_true(step != STEP_CHECKPOINT && step != STEP_FREEZE && step != STEP_DRIVE);
    }
    assert_true(n > 100000);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                        .initial_state = (void *)&rows[i] };
    tests[ARRAY_SIZE(rows)] = (struct CMUnitTest)cmocka_unit_test(no_situation_breaks_the_rules);
    return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
