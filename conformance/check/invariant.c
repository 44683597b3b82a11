#include "conformance/check/invariant.h"

#include "conformance/scenario/match.h"
#include "kube/json.h"

struct monitor {
    struct history *history;
    struct violation violation;
    bool violated;
    DYN(const char *) waived;
    DYN(const struct happening *) open;          /* calls not yet answered */
};

static void violate(struct monitor *m, const struct invariant *i, const struct happening *h, const char *fmt,
                    ...) PRINTF(4, 5);
static void violate(struct monitor *m, const struct invariant *i, const struct happening *h, const char *fmt,
                    ...)
{
    va_list args;

    if (m->violated)
        return;
    for (size_t k = 0; k < m->waived.n; k++)
        if (streq(m->waived.v[k], i->name))
            return;
    va_start(args, fmt);
    m->violation = (struct violation){ i, h ? h->index : history_count(m->history),
                                       arena_vprintf(history_arena(m->history), fmt, args) };
    va_end(args);
    m->violated = true;
}

/* ---- what several of them ask ---------------------------------------------------------------- */

static bool is_write_of(const struct happening *h, const char *kind)
{
    return h->type == HAPPENED_WRITE && streq(h->kind, kind);
}

static bool has_finalizer(const json_t *object)
{
    const json_t *f;
    size_t i;

    json_array_foreach (path_get(object, "metadata.finalizers"), i, f)
        if (streq(json_string_value(f), "agents.x-k8s.io/snapshot-cleanup"))
            return true;
    return false;
}

static const char *controller_uid(const json_t *object)
{
    const json_t *o;
    size_t i;

    json_array_foreach (path_get(object, "metadata.ownerReferences"), i, o)
        if (json_is_true(json_object_get(o, "controller")))
            return path_string(o, "uid");
    return "";
}

static const json_t *sandbox_of_call(struct monitor *m, const struct happening *h)
{
    return history_object_by_uid(m->history, "Sandbox", h->uid);
}

static bool is_deleting(const json_t *object)
{
    return *path_string(object, "metadata.deletionTimestamp");
}

/* The call's Sandbox, by the name it gives where it gives no uid. */
static bool excludes_others(enum rpc_word m)
{
    return m == RPC_WORD_CHECKPOINT || m == RPC_WORD_RESTORE || m == RPC_WORD_FREEZE ||
           m == RPC_WORD_UNFREEZE;
}

static bool owed(const json_t *sandbox, const char *key, const char *value)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (path_get(sandbox, "status.snapshotsPendingDeletion"), i, entry)
        if (streq(path_string(entry, key), value))
            return true;
    return false;
}

/* ---- Sandboxes ------------------------------------------------------------------------------- */

static void not_suspended_and_ready(struct monitor *m, const struct invariant *self,
                                    const struct happening *h)
{
    const char *suspended, *ready;

    if (!is_write_of(h, "Sandbox"))
        return;
    suspended = condition_status(h->object, "Suspended", NULL);
    ready = condition_status(h->object, "Ready", NULL);
    if (suspended && ready && streq(suspended, "True") && streq(ready, "True"))
        violate(m, self, h, "Sandbox %s is Suspended True and Ready True at once", h->name);
}

static void one_condition_per_type(struct monitor *m, const struct invariant *self,
                                   const struct happening *h)
{
    const json_t *list, *a, *b;
    size_t i, k;

    if (h->type != HAPPENED_WRITE)
        return;
    list = path_get(h->object, "status.conditions");
    json_array_foreach (list, i, a)
        json_array_foreach (list, k, b)
            if (k < i && streq(path_string(a, "type"), path_string(b, "type")))
                violate(m, self, h, "%s %s lists the condition %s twice", h->kind, h->name,
                        path_string(a, "type"));
}

static void published_reasons(struct monitor *m, const struct invariant *self, const struct happening *h)
{
    static const char *const known[] = {
        "True/PodTerminated", "True/PodFrozen", "False/NotSuspended", "False/PodTerminating",
        "False/PodNotOwned", "False/SnapshotTargetNotReady", "False/Checkpointing",
        "False/CheckpointFailed", "False/PodFreezing", "False/FreezeFailed", "Unknown/PodStateUnknown",
    };
    const char *status, *reason = "";

    if (!is_write_of(h, "Sandbox"))
        return;
    status = condition_status(h->object, "Suspended", &reason);
    for (size_t i = 0; status && i < ARRAY_SIZE(known); i++)
        if (str_starts(known[i], status) && streq(known[i] + strlen(status) + 1, reason))
            return;
    if (status)
        violate(m, self, h, "Sandbox %s is Suspended %s with reason %s, which is not published", h->name,
                status, reason);
}

static void suspended_condition_stays(struct monitor *m, const struct invariant *self,
                                      const struct happening *h)
{
    if (is_write_of(h, "Sandbox") && h->previous && condition_status(h->previous, "Suspended", NULL) &&
        !condition_status(h->object, "Suspended", NULL))
        violate(m, self, h, "Sandbox %s lost its Suspended condition", h->name);
}

/* No status pairs the generation that asked for suspension with Ready True. */
static void never_ready_when_asked_to_sleep(struct monitor *m, const struct invariant *self,
                                            const struct happening *h)
{
    const json_t *c;
    size_t i;

    if (!is_write_of(h, "Sandbox") || !streq(path_string(h->object, "spec.operatingMode"), "Suspended"))
        return;
    json_array_foreach (path_get(h->object, "status.conditions"), i, c)
        if (streq(path_string(c, "type"), "Ready") && streq(path_string(c, "status"), "True") &&
            json_integer_value(json_object_get(c, "observedGeneration")) ==
                json_integer_value(path_get(h->object, "metadata.generation")))
            violate(m, self, h, "Sandbox %s is Ready True for the generation that suspends it", h->name);
}

static const json_t *condition_of(const json_t *object, const char *type)
{
    const json_t *c;
    size_t i;

    json_array_foreach (path_get(object, "status.conditions"), i, c)
        if (streq(path_string(c, "type"), type))
            return c;
    return NULL;
}

static void transition_times(struct monitor *m, const struct invariant *self, const struct happening *h)
{
    const json_t *now, *was;
    size_t i;

    if (h->type != HAPPENED_WRITE || !h->previous ||
        !(streq(h->kind, "Sandbox") || streq(h->kind, "SnapshotClaim")))
        return;
    json_array_foreach (path_get(h->object, "status.conditions"), i, now) {
        was = condition_of(h->previous, path_string(now, "type"));
        if (was && streq(path_string(was, "status"), path_string(now, "status")) &&
            !streq(path_string(was, "lastTransitionTime"), path_string(now, "lastTransitionTime")))
            violate(m, self, h, "the transition time of %s of %s %s moved without a flip",
                    path_string(now, "type"), h->kind, h->name);
    }
}

static void generations_do_not_go_back(struct monitor *m, const struct invariant *self,
                                       const struct happening *h)
{
    const json_t *now, *was;
    json_int_t generation;
    size_t i;

    if (!is_write_of(h, "Sandbox"))
        return;
    generation = json_integer_value(path_get(h->object, "metadata.generation"));
    json_array_foreach (path_get(h->object, "status.conditions"), i, now) {
        json_int_t observed = json_integer_value(json_object_get(now, "observedGeneration"));
        was = condition_of(h->previous, path_string(now, "type"));
        if (observed > generation ||
            (was && observed < json_integer_value(json_object_get(was, "observedGeneration"))))
            violate(m, self, h, "%s of Sandbox %s has observedGeneration %lld at generation %lld",
                    path_string(now, "type"), h->name, (long long)observed, (long long)generation);
    }
}

static void spec_belongs_to_the_user(struct monitor *m, const struct invariant *self,
                                     const struct happening *h)
{
    if (is_write_of(h, "Sandbox") && str_starts(h->actor, "controller") && h->previous &&
        !json_same(json_object_get(h->object, "spec"), json_object_get(h->previous, "spec")))
        violate(m, self, h, "the controller changed the spec of Sandbox %s", h->name);
}

static void no_idle_status_write(struct monitor *m, const struct invariant *self, const struct happening *h)
{
    if (h->type == HAPPENED_REQUEST && streq(h->kind, "Sandbox") && streq(h->subresource, "status") &&
        h->status == 200 && !h->wrote)
        violate(m, self, h, "a status write of Sandbox %s changed nothing", h->name);
}

/* ---- Pods ------------------------------------------------------------------------------------ */

struct pod_count {
    const char *uid;
    size_t n;
};

static bool count_pod(void *arg, const json_t *pod)
{
    struct pod_count *c = arg;

    c->n += streq(controller_uid(pod), c->uid);
    return true;
}

static void one_pod(struct monitor *m, const struct invariant *self, const struct happening *h)
{
    struct pod_count c = { 0 };

    if (!is_write_of(h, "Pod") || h->previous || !str_starts(h->actor, "controller"))
        return;
    c.uid = controller_uid(h->object);
    if (*c.uid)
        history_each_object(m->history, "Pod", count_pod, &c);
    if (c.n > 1)
        violate(m, self, h, "the controller made Pod %s although its Sandbox has %zu already", h->name,
                c.n - 1);
}

static void deletes_name_their_victim(struct monitor *m, const struct invariant *self,
                                      const struct happening *h)
{
    if (h->type == HAPPENED_REQUEST && h->verb == VERB_DELETE &&
        (streq(h->kind, "Pod") || streq(h->kind, "Sandbox")) &&
        !*path_string(h->object, "preconditions.uid"))
        violate(m, self, h, "the controller deletes %s %s without a UID precondition", h->kind, h->name);
}

static bool is_sleeping_by_hibernation(const json_t *sandbox)
{
    return sandbox && !is_deleting(sandbox) &&
           streq(path_string(sandbox, "spec.operatingMode"), "Suspended") &&
           streq(path_string(sandbox, "spec.suspensionStrategy.type"), "Hibernate") &&
           !*path_string(sandbox, "spec.shutdownTime");
}

/* A delete may only be asked for by the controller once the Pod's checkpoint is in the stored status. A
 * Pod that does not run, or runs no more, has nothing to lose. */
static void checkpoint_before_delete(struct monitor *m, const struct invariant *self,
                                     const struct happening *h)
{
    const json_t *sandbox;
    bool told_now = is_write_of(h, "Pod") && h->previous && is_deleting(h->object) &&
                    !is_deleting(h->previous);
    bool gone_now = h->type == HAPPENED_GONE && streq(h->kind, "Pod") && !is_deleting(h->previous);
    const json_t *pod = told_now ? h->object : h->previous;

    if ((!told_now && !gone_now) || !str_starts(h->actor, "controller") ||
        !streq(path_string(pod, "status.phase"), "Running"))
        return;
    sandbox = history_object_by_uid(m->history, "Sandbox", controller_uid(pod));
    if (is_sleeping_by_hibernation(sandbox) &&
        !streq(path_string(sandbox, "status.snapshot.sourcePodUID"), h->uid))
        violate(m, self, h, "the controller deletes the running Pod %s of hibernating Sandbox %s before its "
                "checkpoint is recorded", h->name, path_string(sandbox, "metadata.name"));
}

static bool was_restored(struct monitor *m, const char *snapshot_uid, const char *sandbox_uid)
{
    for (size_t i = history_count(m->history); i-- > 0;) {
        const struct happening *h = history_at(m->history, i);
        if (h->type == HAPPENED_ANSWER && h->rpc == RPC_WORD_RESTORE && h->code == RPC_OK &&
            streq(h->uid, sandbox_uid) && streq(path_string(h->request, "snapshot_uid"), snapshot_uid))
            return true;
    }
    return false;
}

static void restore_before_pod(struct monitor *m, const struct invariant *self, const struct happening *h)
{
    const json_t *sandbox;
    const char *live;

    if (!is_write_of(h, "Pod") || h->previous || !str_starts(h->actor, "controller"))
        return;
    sandbox = history_object_by_uid(m->history, "Sandbox", controller_uid(h->object));
    live = path_string(sandbox, "status.snapshot.snapshotUID");
    if (!*live)
        return;
    if (!was_restored(m, live, path_string(sandbox, "metadata.uid")))
        violate(m, self, h, "Pod %s is made while snapshot %s was never restored", h->name, live);
    if (!streq(path_string(h->object, "metadata.annotations.agents\\.x-k8s\\.io/restored-from-snapshot"),
               live))
        violate(m, self, h, "Pod %s does not say that it comes from snapshot %s", h->name, live);
}

/* ---- snapshots ------------------------------------------------------------------------------- */

static void snapshots_are_complete(struct monitor *m, const struct invariant *self,
                                   const struct happening *h)
{
    const json_t *snapshot = is_write_of(h, "Sandbox") ? path_get(h->object, "status.snapshot") : NULL;

    if (!json_is_object(snapshot))
        return;
    if (!*path_string(snapshot, "snapshotUID") || !*path_string(snapshot, "driverName"))
        violate(m, self, h, "Sandbox %s records a snapshot without uid or driver", h->name);
    if (!*path_string(snapshot, "snapshotClassName") == !*path_string(snapshot, "snapshotProviderName"))
        violate(m, self, h, "Sandbox %s records a snapshot with neither or both of class and provider",
                h->name);
}

static void snapshots_are_not_dropped(struct monitor *m, const struct invariant *self,
                                      const struct happening *h)
{
    const char *was, *now;

    if (!is_write_of(h, "Sandbox") || !h->previous || is_deleting(h->object))
        return;
    was = path_string(h->previous, "status.snapshot.snapshotUID");
    now = path_string(h->object, "status.snapshot.snapshotUID");
    if (*was && !streq(was, now) && !owed(h->object, "snapshotUID", was))
        violate(m, self, h, "Sandbox %s drops snapshot %s without queueing it for deletion", h->name, was);
}

static void debts_outlive_nobody(struct monitor *m, const struct invariant *self, const struct happening *h)
{
    const json_t *status = h->type == HAPPENED_GONE && streq(h->kind, "Sandbox")
                               ? path_get(h->previous, "status")
                               : NULL;

    if (json_is_object(path_get(status, "pendingCheckpoint")) ||
        json_array_size(path_get(status, "snapshotsPendingDeletion")) > 0 ||
        json_is_object(path_get(status, "snapshot")))
        violate(m, self, h, "Sandbox %s is gone while its status still names driver-side artifacts",
                h->name);
}

/* ---- driver calls ---------------------------------------------------------------------------- */

static void track_open_calls(struct monitor *m, const struct happening *h)
{
    if (h->type == HAPPENED_CALL)
        *dyn_push(&m->open) = h;
    for (size_t i = 0; h->type == HAPPENED_ANSWER && i < m->open.n; i++)
        if (m->open.v[i] == h->call) {
            m->open.v[i] = m->open.v[--m->open.n];
            return;
        }
}

static void one_call_at_a_time(struct monitor *m, const struct invariant *self, const struct happening *h)
{
    if (h->type != HAPPENED_CALL || !excludes_others(h->rpc))
        return;
    for (size_t i = 0; i < m->open.n; i++) {
        const struct happening *o = m->open.v[i];
        if (o != h && excludes_others(o->rpc) && streq(o->uid, h->uid))
            violate(m, self, h, "%s is called for Sandbox %s while %s is still open",
                    scenario_rpc_words[h->rpc], h->name, scenario_rpc_words[o->rpc]);
    }
}

static void calls_have_deadlines(struct monitor *m, const struct invariant *self, const struct happening *h)
{
    if (h->type == HAPPENED_CALL && (h->deadline.ns == INSTANT_NEVER.ns || h->deadline.ns == 0))
        violate(m, self, h, "%s is called without a deadline", scenario_rpc_words[h->rpc]);
}

static void intent_before_checkpoint(struct monitor *m, const struct invariant *self,
                                     const struct happening *h)
{
    const json_t *sandbox;

    if (h->type != HAPPENED_CALL || h->rpc != RPC_WORD_CHECKPOINT)
        return;
    sandbox = sandbox_of_call(m, h);
    if (!sandbox)
        return;                                   /* gone meanwhile: a late call is judged by what it leaves */
    if (!has_finalizer(sandbox))
        violate(m, self, h, "Checkpoint is called for Sandbox %s without the finalizer stored", h->name);
    if (owed(sandbox, "checkpointID", path_string(h->request, "checkpoint_id")))
        return;                                   /* given up while the call was on its way: it is deleted */
    if (!streq(path_string(sandbox, "status.pendingCheckpoint.checkpointID"),
               path_string(h->request, "checkpoint_id")))
        violate(m, self, h, "Checkpoint is called for Sandbox %s under an id that is not stored", h->name);
    if (!json_same(path_get(sandbox, "status.pendingCheckpoint.parameters"),
                   json_object_get(h->request, "parameters")) &&
        json_object_size(json_object_get(h->request, "parameters")) +
                json_object_size(path_get(sandbox, "status.pendingCheckpoint.parameters")) > 0)
        violate(m, self, h, "Checkpoint is called for Sandbox %s with parameters that are not stored",
                h->name);
}

/* The answered Checkpoint that made a snapshot. */
static const struct happening *origin(struct monitor *m, const char *snapshot_uid)
{
    for (size_t i = 0; i < history_count(m->history); i++) {
        const struct happening *h = history_at(m->history, i);
        if (h->type == HAPPENED_ANSWER && h->rpc == RPC_WORD_CHECKPOINT && h->code == RPC_OK &&
            streq(path_string(h->reply, "snapshot_uid"), snapshot_uid))
            return h;
    }
    return NULL;
}

static void parameters_stay_the_same(struct monitor *m, const struct invariant *self,
                                     const struct happening *h)
{
    const struct happening *made;
    const char *uid;

    if (h->type != HAPPENED_CALL || (h->rpc != RPC_WORD_RESTORE && h->rpc != RPC_WORD_DELETE))
        return;
    uid = path_string(h->request, "snapshot_uid");
    made = *uid ? origin(m, uid) : NULL;
    if (made && !json_same(json_object_get(made->request, "parameters"),
                           json_object_get(h->request, "parameters")))
        violate(m, self, h, "%s of %s sends other parameters than its Checkpoint did",
                scenario_rpc_words[h->rpc], uid);
    if (made && !json_same(json_object_get(made->reply, "driver_metadata"),
                           json_object_get(h->request, "driver_metadata")))
        violate(m, self, h, "%s of %s does not send back the driver's metadata", scenario_rpc_words[h->rpc],
                uid);
}

static void source_gone_before_restore(struct monitor *m, const struct invariant *self,
                                       const struct happening *h)
{
    const json_t *sandbox;

    if (h->type != HAPPENED_CALL || h->rpc != RPC_WORD_RESTORE)
        return;
    sandbox = sandbox_of_call(m, h);
    if (history_object_by_uid(m->history, "Pod", path_string(sandbox, "status.snapshot.sourcePodUID")))
        violate(m, self, h, "Restore is called for Sandbox %s while its source Pod still exists", h->name);
}

static void delete_only_what_is_owed(struct monitor *m, const struct invariant *self,
                                     const struct happening *h)
{
    const json_t *sandbox;
    const char *uid, *id;

    if (h->type != HAPPENED_CALL || h->rpc != RPC_WORD_DELETE)
        return;
    sandbox = sandbox_of_call(m, h);
    if (!sandbox || is_deleting(sandbox))
        return;
    uid = path_string(h->request, "snapshot_uid");
    id = path_string(h->request, "checkpoint_id");
    if (*uid && streq(uid, path_string(sandbox, "status.snapshot.snapshotUID")))
        violate(m, self, h, "Delete is called for snapshot %s, which Sandbox %s still lives on", uid,
                path_string(sandbox, "metadata.name"));
    if (*id && streq(id, path_string(sandbox, "status.pendingCheckpoint.checkpointID")))
        violate(m, self, h, "Delete is called for checkpoint %s, whose outcome is still open", id);
}

/* ---- at rest --------------------------------------------------------------------------------- */

static void nothing(struct monitor *m, const struct invariant *self, const struct happening *h)
{
}

struct owner_search {
    const char *uid;
    bool found;
};

static bool names_snapshot(void *arg, const json_t *sandbox)
{
    struct owner_search *s = arg;

    s->found |= streq(path_string(sandbox, "status.snapshot.snapshotUID"), s->uid) ||
                owed(sandbox, "snapshotUID", s->uid) ||
                json_is_object(path_get(sandbox, "status.pendingCheckpoint"));
    return !s->found;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct invariant invariants[] = {
    { "no-orphan-artifacts", "SUS-152 SUS-158 DRV-044",
      "At rest every artifact a driver holds is named by some Sandbox's status.", nothing },
    { "checkpoint-before-delete", "SUS-072 SUS-076 DRV-060",
      "The controller deletes the running Pod of a hibernating Sandbox only after its checkpoint is recorded.",
      checkpoint_before_delete },
    { "one-pod", "SBX-030 SUS-018", "The controller never makes a second Pod for a Sandbox.", one_pod },
    { "not-suspended-and-ready", "SUS-005 SUS-010", "No Sandbox is Suspended True and Ready True at once.",
      not_suspended_and_ready },
    { "never-ready-when-asked-to-sleep", "SUS-010",
      "No status pairs the generation that asked for suspension with Ready True.",
      never_ready_when_asked_to_sleep },
    { "one-call-at-a-time", "SUS-081", "One Checkpoint, Restore, Freeze or Unfreeze is open per Sandbox.",
      one_call_at_a_time },
    { "intent-before-checkpoint", "SUS-061 SUS-062 SUS-085",
      "Checkpoint is called only under the id, and with the parameters, that the stored status names.",
      intent_before_checkpoint },
    { "source-gone-before-restore", "DRV-061 SUS-079",
      "Restore is called only after the source Pod is gone.", source_gone_before_restore },
    { "restore-before-pod", "SUS-100 DRV-061",
      "With a live snapshot, a Pod is made only after Restore answered OK, and says where it comes from.",
      restore_before_pod },
    { "parameters-stay-the-same", "DRV-064 SNP-081",
      "Restore and Delete send the parameters and the metadata of the Checkpoint.",
      parameters_stay_the_same },
    { "delete-only-what-is-owed", "DRV-062", "No live snapshot and no open attempt is deleted.",
      delete_only_what_is_owed },
    { "snapshots-are-complete", "SNP-080", "A recorded snapshot has uid, driver and class or provider.",
      snapshots_are_complete },
    { "snapshots-are-not-dropped", "SNP-082 SUS-084 SUS-106",
      "A snapshot that leaves the status is queued for deletion in the same write.",
      snapshots_are_not_dropped },
    { "debts-outlive-nobody", "SUS-152 SUS-153",
      "A Sandbox goes only when its status names no artifact any more.", debts_outlive_nobody },
    { "calls-have-deadlines", "DRV-007", "Every driver call carries a deadline.", calls_have_deadlines },
    { "published-reasons", "SUS-021", "Reasons of the Suspended condition come from the published set.",
      published_reasons },
    { "suspended-condition-stays", "SUS-008", "The Suspended condition is never removed.",
      suspended_condition_stays },
    { "one-condition-per-type", "SBX-088 SNP-030", "No condition type is listed twice.",
      one_condition_per_type },
    { "transition-times", "SUS-009 SBX-085 SNP-044", "Transition times move only when a status flips.",
      transition_times },
    { "generations-do-not-go-back", "SBX-084",
      "observedGeneration never goes back and never runs ahead.", generations_do_not_go_back },
    { "spec-belongs-to-the-user", "SBX-009", "The controller never changes the spec of a Sandbox.",
      spec_belongs_to_the_user },
    { "no-idle-status-write", "SBX-086 SUS-019", "No status write changes nothing.", no_idle_status_write },
    { "deletes-name-their-victim", "SBX-049 SUS-073",
      "Each delete of a Pod or Sandbox by the controller carries the UID it means.",
      deletes_name_their_victim },
};

const struct invariant *invariant_at(size_t i)
{
    return i < ARRAY_SIZE(invariants) ? &invariants[i] : NULL;
}

const struct invariant *invariant_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(invariants); i++)
        if (streq(invariants[i].name, name))
            return &invariants[i];
    return NULL;
}

/* ---- the monitor ----------------------------------------------------------------------------- */

static void on_happening(void *arg, const struct happening *h)
{
    struct monitor *m = arg;

    track_open_calls(m, h);
    for (size_t i = 0; i < ARRAY_SIZE(invariants) && !m->violated; i++)
        invariants[i].observe(m, &invariants[i], h);
}

struct monitor *monitor_new(struct history *h)
{
    struct monitor *m = xcalloc(1, sizeof(*m));

    m->history = h;
    history_listen(h, on_happening, m);
    return m;
}

struct monitor *monitor_free(struct monitor *m)
{
    if (!m)
        return NULL;
    dyn_release(&m->waived);
    dyn_release(&m->open);
    free(m);
    return NULL;
}

void monitor_waive(struct monitor *m, const char *invariant)
{
    *dyn_push(&m->waived) = invariant;
}

const struct violation *monitor_violation(const struct monitor *m)
{
    return m->violated ? &m->violation : NULL;
}

void monitor_at_rest(struct monitor *m, const char *const *uids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct owner_search s = { .uid = uids[i] };
        history_each_object(m->history, "Sandbox", names_snapshot, &s);
        if (!s.found)
            violate(m, invariant_find("no-orphan-artifacts"), NULL,
                    "at rest a driver holds snapshot %s, which no Sandbox names", uids[i]);
    }
}
