/* The ends of a Sandbox: its time is up, or somebody deleted it. */
#include "controller/sandbox/pass.h"

static bool expired_in_status(const json_t *sandbox)
{
    return streq(obj_str(obj_condition(sandbox, "Ready"), "reason"), "SandboxExpired");
}

bool pass_is_expired(struct pass *p)
{
    struct instant end, soon = instant_add(p->now, DURATION_S(2));

    if (!obj_time(p->sandbox, "spec.shutdownTime", &end))
        return false;
    if (pass_now_after(p, end))                   /* equality included (SBX-110) */
        return true;
    pass_wake_at(p, instant_before(end, soon) ? soon : end);     /* SBX-116 */
    return false;
}

/* Tells every Pod of ours to go. AGAIN once one was told, DONE when none is left to tell. */
static int delete_pods(struct pass *p, bool *ret_waiting)
{
    json_auto_t *pods = json_incref(p->pods);
    const json_t *pod;
    size_t i;
    bool told = false;

    *ret_waiting = false;
    json_array_foreach (pods, i, pod) {
        int r = pass_thaw_for_deletion(p, pod);
        if (r > 0) {
            *ret_waiting = true;
            continue;
        }
        r = pass_delete_pod(p, pod);
        if (r < 0)
            return r;
        told = told || r == ROUND_AGAIN;
    }
    return told ? ROUND_AGAIN : ROUND_DONE;
}

/* All of ours are on their way out, or gone. */
static bool pods_are_going(const struct pass *p)
{
    const json_t *pod;
    size_t i;

    json_array_foreach (p->pods, i, pod)
        if (!pod_is_going(p, pod))
            return false;
    return true;
}

/* ---- expiry (SBX-110 to SBX-121, SUS-156) ---------------------------------------------------- */

static int delete_sandbox(struct pass *p)
{
    struct objref ref = { &kind_sandbox, p->mem->namespace, p->mem->name };
    struct delete_options opt = DELETE_DEFAULT;
    int r;

    opt.uid = p->mem->uid;
    r = client_delete(p->co, p->c->client, &ref, &opt, p->err);
    return apierr_is(r, APIERR_NOT_FOUND) ? ROUND_DONE : r;
}

int pass_expire(struct pass *p)
{
    bool waiting;
    int r = pass_observe(p);

    if (r < 0)
        return r;
    p->f.expired = true;
    if (!expired_in_status(p->sandbox)) {         /* the verdict first, the axe in a later pass */
        pass_wake_at(p, p->now);
        return pass_commit(p, NO_EDIT);
    }
    r = delete_pods(p, &waiting);
    if (r != ROUND_DONE)
        return r;
    r = pass_service(p);
    if (r < 0)
        return r;
    if (p->child_error)                           /* not torn down: nothing is reset (SBX-118) */
        return ROUND_DONE;
    if (snap_pending(p->sandbox) && pods_are_going(p))
        return pass_abandon(p);
    if (streq(obj_str(p->sandbox, "spec.shutdownPolicy"), "Delete") && !waiting)
        return delete_sandbox(p);
    if (p->f.mode == MODE_SUSPENDED && p->f.pod == POD_ABSENT && !p->f.was_terminated) {
        r = pass_verify_absent(p);
        if (r != ROUND_DONE)
            return r;
    }
    r = pass_settle_owed(p);
    if (r != ROUND_DONE)
        return r;
    p->torn_down = !waiting;
    return pass_commit(p, NO_EDIT);
}

/* ---- deletion (SUS-151 to SUS-154) ----------------------------------------------------------- */

/* What the status still holds of snapshots becomes owed, in one write. */
static int owe_everything(struct pass *p)
{
    const json_t *live = snap_live(p->sandbox), *pending = snap_pending(p->sandbox);
    struct snap_edit edit = { .owed = owed_copy(p->sandbox) };

    if (live) {
        edit.snapshot = json_null();
        edit.owed = owed_with_snapshot(edit.owed, live);
    }
    if (pending) {
        edit.pending = json_null();
        edit.owed = owed_with_intent(edit.owed, pending);
    }
    return pass_commit(p, edit);
}

int pass_finalize(struct pass *p)
{
    bool waiting;
    int r;

    if (!obj_has_finalizer(p->sandbox, SNAPSHOT_FINALIZER))
        return ROUND_DONE;                        /* garbage collection does it all (SBX-008) */
    p->settling = true;
    r = pass_observe(p);
    if (r < 0)
        return r;
    r = delete_pods(p, &waiting);
    if (r != ROUND_DONE)
        return r;
    r = pass_service(p);
    if (r < 0 || waiting || !pods_are_going(p))
        return r;
    if (snap_live(p->sandbox) || snap_pending(p->sandbox))
        return owe_everything(p);
    if (!json_array_size(p->pods)) {
        r = pass_verify_absent(p);
        if (r != ROUND_DONE)
            return r;
    }
    r = pass_settle_owed(p);
    if (r != ROUND_DONE || p->child_error || json_array_size(p->pods) || pass_owes(p))
        return r;
    return pass_set_finalizer(p, false);
}
