#include "controller/sandbox/decide.h"

/* A cell of a table row is a set of enumerators, or ANY. Bool cells are NO, YES or ANY. */
#define ANY 0
#define IS(x) (1u << (x))
#define NO IS(0)
#define YES IS(1)

static bool fits(unsigned cell, unsigned value)
{
    return cell == ANY || (cell & (1u << value));
}

#define RUN IS(MODE_RUNNING)
#define SUSP IS(MODE_SUSPENDED)
#define STOP IS(STRATEGY_STOP)
#define FREEZE IS(STRATEGY_FREEZE)
#define HIBERNATE IS(STRATEGY_HIBERNATE)
#define ABSENT IS(POD_ABSENT)
#define OWNED IS(POD_OWNED)
#define UNCLEAR (IS(POD_MULTIPLE) | IS(POD_UNKNOWN))
#define FOREIGN IS(POD_NOT_OWNED)
#define NO_POD (ABSENT | FOREIGN)      /* none of ours */
#define PENDING IS(PHASE_PENDING)
#define RUNNING IS(PHASE_RUNNING)
#define FINISHED (IS(PHASE_SUCCEEDED) | IS(PHASE_FAILED))
#define HAS_RUN (RUNNING | FINISHED)
#define NO_SNAP IS(SNAPSHOT_NONE)
#define OF_POD IS(SNAPSHOT_OF_POD)
#define RESTORED IS(SNAPSHOT_RESTORED)
#define OTHER IS(SNAPSHOT_OTHER)
#define SNAP (OF_POD | RESTORED | OTHER)
#define STALE_INTENT IS(PENDING_OTHER)
#define INTENT (IS(PENDING_FOR_POD) | STALE_INTENT)

/* What to do next. The first row that fits wins. */
static const struct step_row {
    unsigned mode, strategy, pod, going, phase, intent, snapshot, frozen, ready;
    enum step step;
} step_rows[] = {
    /* mode  strategy   pod      going phase     intent        snapshot  frozen ready */
    /* nobody knows which Pod: nothing is touched (SBX-033, SUS-022, SUS-004) */
    {  ANY,  ANY,       UNCLEAR, ANY,  ANY,      ANY,          ANY,      ANY,   ANY,  STEP_NONE },
    /* an intent whose Pod has been replaced says nothing about the one that is there */
    {  ANY,  ANY,       OWNED,   ANY,  ANY,      STALE_INTENT, ANY,      ANY,   ANY,  STEP_ABANDON },

    /* suspended */
    {  SUSP, STOP,      NO_POD,  ANY,  ANY,      INTENT,       ANY,      ANY,   ANY,  STEP_ABANDON },
    {  SUSP, ANY,       NO_POD,  ANY,  ANY,      INTENT,       ANY,      ANY,   ANY,  STEP_DRIVE },
    {  SUSP, ANY,       NO_POD,  ANY,  ANY,      ANY,          ANY,      ANY,   ANY,  STEP_FORGET_POD },
    {  SUSP, STOP,      OWNED,   YES,  ANY,      INTENT,       ANY,      ANY,   ANY,  STEP_ABANDON },
    {  SUSP, ANY,       OWNED,   YES,  ANY,      INTENT,       ANY,      ANY,   ANY,  STEP_DRIVE },
    {  SUSP, ANY,       OWNED,   YES,  ANY,      ANY,          ANY,      ANY,   ANY,  STEP_WAIT },
    /* recorded: the source Pod goes, whatever the strategy says by now (SUS-073, H-20) */
    {  SUSP, ANY,       OWNED,   ANY,  ANY,      ANY,          OF_POD,   ANY,   ANY,  STEP_DELETE_POD },
    {  SUSP, STOP,      OWNED,   ANY,  HAS_RUN,  ANY,          SNAP,     ANY,   ANY,  STEP_INVALIDATE },
    {  SUSP, STOP,      OWNED,   ANY,  ANY,      ANY,          ANY,      ANY,   ANY,  STEP_DELETE_POD },
    {  SUSP, ANY,       OWNED,   ANY,  ANY,      INTENT,       ANY,      ANY,   ANY,  STEP_DRIVE },
    {  SUSP, FREEZE,    OWNED,   ANY,  ANY,      ANY,          ANY,      ANY,   ANY,  STEP_FREEZE },
    {  SUSP, HIBERNATE, OWNED,   ANY,  RUNNING,  ANY,          ANY,      ANY,   ANY,  STEP_CHECKPOINT },
    {  SUSP, HIBERNATE, OWNED,   ANY,  PENDING,  ANY,          ANY,      ANY,   ANY,  STEP_DELETE_POD },
    {  SUSP, HIBERNATE, OWNED,   ANY,  FINISHED, ANY,          ANY,      ANY,   ANY,  STEP_SKIP_CHECKPOINT },

    /* running */
    {  RUN,  ANY,       ANY,     ANY,  ANY,      INTENT,       ANY,      ANY,   ANY,  STEP_DRIVE },
    {  RUN,  ANY,       FOREIGN, ANY,  ANY,      ANY,          ANY,      ANY,   ANY,  STEP_NONE },
    {  RUN,  ANY,       OWNED,   ANY,  ANY,      ANY,          RESTORED, ANY,   YES,  STEP_CONSUME },
    {  RUN,  ANY,       OWNED,   ANY,  ANY,      ANY,          OTHER,    ANY,   ANY,  STEP_INVALIDATE },
    {  RUN,  ANY,       OWNED,   YES,  ANY,      ANY,          ANY,      ANY,   ANY,  STEP_WAIT },
    {  RUN,  ANY,       OWNED,   ANY,  ANY,      ANY,          OF_POD,   ANY,   ANY,  STEP_DELETE_POD },
    {  RUN,  ANY,       OWNED,   ANY,  ANY,      ANY,          ANY,      YES,   ANY,  STEP_UNFREEZE },
    {  RUN,  ANY,       OWNED,   ANY,  ANY,      ANY,          ANY,      ANY,   ANY,  STEP_KEEP },
    {  RUN,  ANY,       ABSENT,  ANY,  ANY,      ANY,          SNAP,     ANY,   ANY,  STEP_RESTORE },
    {  RUN,  ANY,       ABSENT,  ANY,  ANY,      ANY,          NO_SNAP,  ANY,   ANY,  STEP_CREATE },
    {  ANY,  ANY,       ANY,     ANY,  ANY,      ANY,          ANY,      ANY,   ANY,  STEP_NONE },
};

enum step decide_step(const struct sandbox_facts *f)
{
    const struct step_row *row = step_rows;

    while (!fits(row->mode, f->mode) || !fits(row->strategy, f->strategy) || !fits(row->pod, f->pod) ||
           !fits(row->going, f->pod_terminating) || !fits(row->phase, f->phase) ||
           !fits(row->intent, f->pending) || !fits(row->snapshot, f->snapshot) ||
           !fits(row->frozen, f->freeze_intent) || !fits(row->ready, f->pod_ready))
        row++;
    /* How a live snapshot becomes a Pod again, in order of precedence (SUS-105, SUS-110, SUS-100). */
    if (row->step == STEP_RESTORE)
        return f->discard ? STEP_DISCARD : f->template_changed ? STEP_RESTORE_BLOCKED : STEP_RESTORE;
    return row->step;
}

const char *step_text(enum step step)
{
    static const char *const texts[] = {
        [STEP_NONE] = "none", [STEP_WAIT] = "wait", [STEP_CREATE] = "create", [STEP_RESTORE] = "restore",
        [STEP_RESTORE_BLOCKED] = "restore blocked", [STEP_DISCARD] = "discard",
        [STEP_CHECKPOINT] = "checkpoint", [STEP_DRIVE] = "drive", [STEP_ABANDON] = "abandon",
        [STEP_DELETE_POD] = "delete pod", [STEP_SKIP_CHECKPOINT] = "skip checkpoint",
        [STEP_INVALIDATE] = "invalidate", [STEP_CONSUME] = "consume", [STEP_FREEZE] = "freeze",
        [STEP_UNFREEZE] = "unfreeze", [STEP_KEEP] = "keep", [STEP_FORGET_POD] = "forget pod",
    };

    return texts[step];
}

/* ---- Suspended ------------------------------------------------------------------------------- */

#define CP(x) IS(CHECKPOINT_##x)
#define FZ(x) IS(FREEZE_##x)

static const struct suspended_row {
    unsigned mode, strategy, pod, going, checkpoint, freeze, was;
    struct verdict out;
} suspended_rows[] = {
    /* mode  strategy   pod      going checkpoint      freeze       was   status     reason              row */
    {  RUN,  ANY,       ANY,     ANY,  ANY,            ANY,         ANY, { "False",   "NotSuspended",           "M1 M6 M7 M15" } },
    {  SUSP, ANY,       UNCLEAR, ANY,  ANY,            ANY,         ANY, { "Unknown", "PodStateUnknown",        "M4" } },
    {  SUSP, ANY,       FOREIGN, ANY,  ANY,            ANY,         ANY, { "False",   "PodNotOwned",            "M3" } },
    {  SUSP, ANY,       ABSENT,  ANY,  CP(RUNNING),    ANY,         NO,  { "False",   "Checkpointing",          "SUS-080" } },
    {  SUSP, ANY,       ABSENT,  ANY,  ANY,            ANY,         ANY, { "True",    "PodTerminated",          "M5" } },
    {  SUSP, ANY,       OWNED,   ANY,  CP(RUNNING),    ANY,         ANY, { "False",   "Checkpointing",          "M9" } },
    {  SUSP, ANY,       OWNED,   NO,   CP(FAILED),     ANY,         ANY, { "False",   "CheckpointFailed",       "M10" } },
    {  SUSP, ANY,       OWNED,   YES,  ANY,            ANY,         ANY, { "False",   "PodTerminating",         "M2 M11" } },
    {  SUSP, HIBERNATE, OWNED,   NO,   CP(UNRESOLVED), ANY,         ANY, { "False",   "SnapshotTargetNotReady", "M8" } },
    {  SUSP, FREEZE,    OWNED,   NO,   ANY,            FZ(RUNNING), ANY, { "False",   "PodFreezing",            "M12" } },
    {  SUSP, FREEZE,    OWNED,   NO,   ANY,            FZ(DONE),    ANY, { "True",    "PodFrozen",              "M13" } },
    {  SUSP, FREEZE,    OWNED,   NO,   ANY,            FZ(FAILED),  ANY, { "False",   "FreezeFailed",           "M14" } },
    {  ANY,  ANY,       ANY,     ANY,  ANY,            ANY,         ANY, { "False",   "PodTerminating",         "M2 M11" } },
};

struct verdict decide_suspended(const struct sandbox_facts *f)
{
    const struct suspended_row *row = suspended_rows;

    while (!fits(row->mode, f->mode) || !fits(row->strategy, f->strategy) || !fits(row->pod, f->pod) ||
           !fits(row->going, f->pod_terminating) || !fits(row->checkpoint, f->checkpoint) ||
           !fits(row->freeze, f->freeze) || !fits(row->was, f->was_terminated))
        row++;
    return row->out;
}

/* ---- Ready ----------------------------------------------------------------------------------- */

#define MULTIPLE IS(POD_MULTIPLE)
#define UNKNOWN IS(POD_UNKNOWN)

/* The order of the reasons is SBX-081. `up` is: phase Running, PodReady, an IP, not terminating, no
 * intent and no frozen Pod in the way, and the Service present where it is needed (SBX-080). */
static const struct ready_row {
    unsigned expired, pod, error, restore_failed, mode, phase, up;
    struct verdict out;
} ready_rows[] = {
    /* expired pod      error restore mode  phase                 up    status    reason             row */
    {  YES,   ANY,      ANY,  ANY,    ANY,  ANY,                  ANY, { "False", "SandboxExpired",       "SBX-113" } },
    {  ANY,   MULTIPLE, ANY,  ANY,    ANY,  ANY,                  ANY, { "False", "MultiplePods",         "M4 SBX-033" } },
    {  ANY,   UNKNOWN,  ANY,  ANY,    ANY,  ANY,                  ANY, { "False", "ReconcilerError",      "M4" } },
    {  ANY,   ANY,      YES,  ANY,    ANY,  ANY,                  ANY, { "False", "ReconcilerError",      "SBX-090" } },
    {  ANY,   ANY,      ANY,  YES,    RUN,  ANY,                  ANY, { "False", "RestoreFailed",        "M15" } },
    {  ANY,   ANY,      ANY,  ANY,    SUSP, ANY,                  ANY, { "False", "SandboxSuspended",     "M2 M3 M5 M8-M14" } },
    {  ANY,   OWNED,    ANY,  ANY,    ANY,  IS(PHASE_SUCCEEDED),  ANY, { "False", "PodSucceeded",         "M7" } },
    {  ANY,   OWNED,    ANY,  ANY,    ANY,  IS(PHASE_FAILED),     ANY, { "False", "PodFailed",            "M7" } },
    {  ANY,   OWNED,    ANY,  ANY,    ANY,  RUNNING,              YES, { "True",  "DependenciesReady",    "M7" } },
    {  ANY,   ANY,      ANY,  ANY,    ANY,  ANY,                  ANY, { "False", "DependenciesNotReady", "M1 M6 M7 M15" } },
};

static bool is_up(const struct sandbox_facts *f)
{
    return f->pod_ready && f->pod_has_ip && !f->pod_terminating && f->pending == PENDING_NONE &&
           !f->freeze_intent && f->snapshot != SNAPSHOT_OF_POD &&
           (!f->service_needed || f->service_present);
}

struct verdict decide_ready(const struct sandbox_facts *f)
{
    const struct ready_row *row = ready_rows;

    while (!fits(row->expired, f->expired) || !fits(row->pod, f->pod) ||
           !fits(row->error, f->child_error) || !fits(row->restore_failed, f->restore_failed) ||
           !fits(row->mode, f->mode) || !fits(row->phase, f->phase) || !fits(row->up, is_up(f)))
        row++;
    return row->out;
}

/* ---- the rest of the status ------------------------------------------------------------------ */

const char *decide_finished(const struct sandbox_facts *f)
{
    if (f->pod != POD_OWNED)
        return NULL;
    return f->phase == PHASE_SUCCEEDED ? "PodSucceeded" : f->phase == PHASE_FAILED ? "PodFailed" : NULL;
}

bool decide_shows_pod(const struct sandbox_facts *f)
{
    return f->pod == POD_OWNED && !f->expired;
}
