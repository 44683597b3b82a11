/* Steps with a driver. The order of one suspension is fixed (agent-sandbox.md, section 2.2):
 *
 *     resolve -> finalizer -> intent -> Checkpoint -> record -> delete the Pod -> Suspended=True
 *
 * Each arrow is a write the API server accepted, so that a crash anywhere leaves what the next pass
 * needs to go on. */
#include "controller/sandbox/pass.h"

#define METADATA_ENTRIES_MAX 64
#define METADATA_BYTES_MAX (16 * 1024)

/* ---- claims (SNP-051 to SNP-064) ------------------------------------------------------------- */

static int create_claim(struct pass *p, const char *template_name, const json_t *template_obj)
{
    struct apierr err = APIERR_IN(co_arena(p->co));
    json_auto_t *claim = stamped_claim_build(co_arena(p->co), p->sandbox, template_name, template_obj);
    int r = client_create(p->co, p->c->client, &kind_snapshot_claim, claim, NULL, &err);

    if (r < 0 && !apierr_is(r, APIERR_ALREADY_EXISTS))
        return pass_child_failed(p, r, &err);
    return ROUND_DONE;                            /* whose it is, resolution looks at (SNP-057) */
}

/* A stamped claim of ours that nothing names any more goes (SNP-062). */
static int drop_old_claims(struct pass *p, const char *wanted)
{
    json_auto_t *claims = informer_by_index(p->co, p->c->sources.claims, "controller", obj_uid(p->sandbox));
    const json_t *c;
    size_t i;

    json_array_foreach (claims, i, c) {
        struct objref ref = { &kind_snapshot_claim, obj_namespace(c), obj_name(c) };
        struct delete_options opt = DELETE_DEFAULT;
        struct apierr err = APIERR_IN(co_arena(p->co));
        int r;
        if (streq(obj_name(c), wanted) || !obj_annotation(c, KEY_CLAIM_TEMPLATE) || obj_is_deleting(c) ||
            streq(obj_name(c), obj_str(snap_live(p->sandbox), "snapshotClaimName")) ||
            streq(obj_name(c), obj_str(snap_pending(p->sandbox), "snapshotClaimName")))
            continue;
        opt.uid = obj_uid(c);
        r = client_delete(p->co, p->c->client, &ref, &opt, &err);
        if (r < 0 && !apierr_is(r, APIERR_NOT_FOUND))
            return pass_child_failed(p, r, &err);
    }
    return ROUND_DONE;
}

int pass_stamp_claim(struct pass *p)
{
    const char *ns = obj_namespace(p->sandbox), *template_name, *name;
    json_auto_t *claim = NULL, *template_obj = NULL;
    bool implicit = p->f.mode == MODE_SUSPENDED && p->f.pod == POD_OWNED;

    if (strategy_of(p->sandbox) != STRATEGY_HIBERNATE)
        return ROUND_DONE;
    name = target_claim_name(p->co, &p->c->sources, p->sandbox, implicit, &template_name);
    if (!*template_name)
        return ROUND_DONE;
    claim = informer_get(p->co, p->c->sources.claims, ns, name);
    if (claim)
        return drop_old_claims(p, name);
    if (*obj_str(p->sandbox, "spec.suspensionStrategy.hibernate.snapshotClaimTemplateName")) {
        template_obj = informer_get(p->co, p->c->claim_templates, ns, template_name);
        if (!template_obj)
            return ROUND_DONE;                    /* M8 says so (SNP-058) */
    }
    return create_claim(p, template_name, template_obj);
}

/* ---- requests -------------------------------------------------------------------------------- */

static const char *copied(struct arena *a, const json_t *o, const char *path)
{
    return arena_strdup(a, obj_str(o, path));
}

static void checkpoint_request(struct pass *p, const json_t *pending)
{
    struct arena *a = drive_prepare(&p->mem->work);

    p->mem->work.request.checkpoint = (struct checkpoint_request){
        .sandbox_name = arena_strdup(a, p->mem->name),
        .sandbox_namespace = arena_strdup(a, p->mem->namespace),
        .sandbox_uid = arena_strdup(a, p->mem->uid),
        .pod_name = copied(a, pending, "podName"), .pod_uid = copied(a, pending, "podUID"),
        .checkpoint_id = copied(a, pending, "checkpointID"),
        .node_name = copied(a, p->f.pod == POD_OWNED ? p->pod : NULL, "spec.nodeName"),
        .parameters = kvmap_from_json(a, json_object_get(pending, "parameters")),
    };
}

static void restore_request(struct pass *p, const json_t *live)
{
    struct arena *a = drive_prepare(&p->mem->work);

    p->mem->work.request.restore = (struct restore_request){
        .sandbox_name = arena_strdup(a, p->mem->name),
        .sandbox_namespace = arena_strdup(a, p->mem->namespace),
        .sandbox_uid = arena_strdup(a, p->mem->uid),
        .pod_name = arena_strdup(a, p->mem->name),
        .snapshot_uid = copied(a, live, "snapshotUID"),
        .parameters = kvmap_from_json(a, json_object_get(live, "parameters")),
        .driver_metadata = kvmap_from_json(a, json_object_get(live, "driverMetadata")),
    };
}

static void freeze_request(struct pass *p, const json_t *pod)
{
    struct arena *a = drive_prepare(&p->mem->work);

    p->mem->work.request.freeze = (struct freeze_request){
        .sandbox_name = arena_strdup(a, p->mem->name),
        .sandbox_namespace = arena_strdup(a, p->mem->namespace),
        .sandbox_uid = arena_strdup(a, p->mem->uid),
        .pod_name = copied(a, pod, "metadata.name"), .pod_uid = copied(a, pod, "metadata.uid"),
        .node_name = copied(a, pod, "spec.nodeName"),
    };
}

/* ---- the drive of this Sandbox --------------------------------------------------------------- */

static enum drive_state work_state(struct pass *p, enum drive_kind kind, const char *id)
{
    struct drive *d = &p->mem->work;
    enum drive_state s = drive_state(d, kind, id, obj_generation(p->sandbox), pass_target(p)->stamp, p->now);

    if (s == DRIVE_WAITING)
        pass_wake_at(p, d->retry_at);
    return s;
}

static void work_failed(struct pass *p, bool terminal, const char *message)
{
    struct drive *d = &p->mem->work;

    drive_fail(d, message, terminal, obj_generation(p->sandbox), pass_target(p)->stamp, p->now);
    pass_wake_at(p, d->retry_at);
}

/* Starts the prepared call where the driver is usable; counts as a failure where it is not. */
static void work_start(struct pass *p, const char *driver_name)
{
    const char *why = NULL;
    struct snapshot_driver *driver = registry_find(p->c->registry, driver_name, NULL, &why);

    if (driver)
        drive_start(&p->mem->work, driver);
    else
        work_failed(p, true, co_printf(p->co, "driver %s: %s", driver_name, why));
}

/* ---- Checkpoint ------------------------------------------------------------------------------ */

static void put_text(json_t *o, const char *key, const char *value)
{
    if (*value)
        json_object_set_new(o, key, json_string(value));
}

/* The intent: all that the attempt needs, pinned (SUS-062, SNP-074). */
static json_t *make_intent(struct pass *p, const struct target *t)
{
    json_t *intent = json_object();
    char id[37], hash[9], now[TIME_TEXT_MAX];

    world_uuid(p->c->world, id);
    pod_template_hash(p->sandbox, hash);
    time_format(p->now, now);
    put_text(intent, "checkpointID", id);
    put_text(intent, "podName", obj_name(p->pod));
    put_text(intent, "podUID", obj_uid(p->pod));
    put_text(intent, "driverName", t->driver);
    json_object_set(intent, "parameters", t->parameters);
    put_text(intent, "snapshotClassName", t->class_name);
    put_text(intent, "snapshotProviderName", t->provider_name);
    put_text(intent, "snapshotClaimName", t->provider_name[0] ? "" : t->claim_name);
    put_text(intent, "podTemplateHash", hash);
    put_text(intent, "startTime", now);
    return intent;
}

static bool still_blocked(struct pass *p)
{
    struct sandbox_memory *m = p->mem;

    if (!m->blocked)
        return false;
    if (!pass_now_after(p, m->blocked_until) && m->blocked_generation == obj_generation(p->sandbox) &&
        m->blocked_stamp == pass_target(p)->stamp) {
        pass_wake_at(p, m->blocked_until);
        return true;
    }
    m->blocked = false;
    p->f.checkpoint = CHECKPOINT_IDLE;
    return false;
}

/* A driver that does not know a call it has had before may leave what it made behind (DRV-005). */
static void warn_of_minimal(struct pass *p)
{
    const char *name = obj_str(snap_pending(p->sandbox), "driverName");
    unsigned capabilities = 0;

    if (registry_find(p->c->registry, name, &capabilities, NULL) &&
        !(capabilities & DRIVER_IDEMPOTENT_CHECKPOINT))
        event_record(p->c->events, p->sandbox, EVENT_WARNING, "CheckpointNotIdempotent",
                     "driver %s may leak a snapshot where an answer is lost", name);
}

int pass_checkpoint(struct pass *p)
{
    const struct target *t;
    json_t *intent;
    cleanup_free char *id = NULL;
    int r = pass_reread(p);                       /* never from a stale view (SUS-085) */

    if (r != ROUND_DONE || still_blocked(p))
        return r;
    t = pass_target(p);
    if (!t->ready) {
        p->f.checkpoint = CHECKPOINT_UNRESOLVED;
        p->note = t->why;
        return ROUND_DONE;
    }
    if (!obj_has_finalizer(p->sandbox, SNAPSHOT_FINALIZER))
        return pass_set_finalizer(p, true);       /* SUS-061 */
    if (p->mem->work.running)                     /* a call about something else is out (SUS-081) */
        return ROUND_DONE;
    intent = make_intent(p, t);
    id = xstrdup(obj_str(intent, "checkpointID"));
    p->f.checkpoint = CHECKPOINT_RUNNING;
    r = pass_commit(p, (struct snap_edit){ .pending = intent });
    if (r < 0)
        return r;                                 /* no RPC in this pass (SUS-063) */
    free(p->mem->fresh_checkpoint);
    p->mem->fresh_checkpoint = STEAL(id);
    event_record(p->c->events, p->sandbox, EVENT_NORMAL, "CheckpointStarted", "checkpointing Pod %s",
                 obj_name(p->pod));
    warn_of_minimal(p);
    return ROUND_AGAIN;
}

/* The metadata a driver may leave in status (SUS-083, H-29). */
static bool acceptable(const struct checkpoint_response *r)
{
    size_t bytes = 0;

    for (size_t i = 0; i < r->driver_metadata.n; i++)
        bytes += strlen(r->driver_metadata.v[i].key) + strlen(r->driver_metadata.v[i].value);
    return !str_empty(r->snapshot_uid) && strlen(r->snapshot_uid) <= 1024 && r->size_bytes >= 0 &&
           r->driver_metadata.n <= METADATA_ENTRIES_MAX && bytes <= METADATA_BYTES_MAX;
}

static json_t *make_record(struct pass *p, const json_t *pending, const struct checkpoint_response *r)
{
    static const char *const pinned[] = { "driverName", "snapshotClassName", "snapshotProviderName",
                                          "snapshotClaimName", "checkpointID", "podTemplateHash" };
    json_t *snapshot = json_object(), *parameters = json_object_get(pending, "parameters");
    struct instant created = p->now;
    char text[TIME_TEXT_MAX];

    if (r->creation_time_unix_ms > 0 && r->creation_time_unix_ms < INT64_MAX / DURATION_MS(1))
        created.ns = r->creation_time_unix_ms * DURATION_MS(1);
    time_format(created, text);
    put_text(snapshot, "snapshotUID", r->snapshot_uid);
    json_object_set_new(snapshot, "sizeBytes", json_integer(r->size_bytes));
    put_text(snapshot, "creationTime", text);
    if (r->driver_metadata.n)
        json_object_set_new(snapshot, "driverMetadata", kvmap_to_json(&r->driver_metadata));
    for (size_t i = 0; i < ARRAY_SIZE(pinned); i++)
        put_text(snapshot, pinned[i], obj_str(pending, pinned[i]));
    put_text(snapshot, "sourcePodUID", obj_str(pending, "podUID"));
    if (parameters)
        json_object_set(snapshot, "parameters", parameters);
    return snapshot;
}

/* One write: the snapshot stands, the intent is gone, an older snapshot is owed (SUS-070, SUS-084). */
static int record(struct pass *p, const json_t *pending)
{
    const json_t *older = snap_live(p->sandbox);
    struct snap_edit edit = {
        .snapshot = make_record(p, pending, &p->mem->work.checkpointed), .pending = json_null(),
        .owed = older ? owed_with_snapshot(owed_copy(p->sandbox), older) : NULL,
    };
    int r;

    p->f.checkpoint = CHECKPOINT_IDLE;
    p->f.pending = PENDING_NONE;
    p->f.snapshot = p->f.pod == POD_OWNED ? SNAPSHOT_OF_POD : SNAPSHOT_OTHER;
    r = pass_commit(p, edit);
    if (r < 0)
        return r;                                 /* the answer stays for the next pass */
    drive_settle(&p->mem->work);
    event_record(p->c->events, p->sandbox, EVENT_NORMAL, "CheckpointCompleted", "recorded snapshot %s",
                 obj_str(snap_live(p->sandbox), "snapshotUID"));
    return ROUND_AGAIN;
}

/* The attempt is over without a snapshot: its id is owed, so that nothing made under it stays. */
static int give_up(struct pass *p, const json_t *pending)
{
    struct snap_edit edit = { .pending = json_null(),
                              .owed = owed_with_intent(owed_copy(p->sandbox), pending) };

    p->f.checkpoint = p->mem->blocked ? CHECKPOINT_FAILED : CHECKPOINT_IDLE;
    p->f.pending = PENDING_NONE;
    return pass_commit(p, edit);
}

/* A definite answer, in spite of all that went before (DRV-063). ABORTED may speak of our own earlier
 * call that is still under way, so it settles nothing once an attempt is uncertain. */
static bool is_definite(const struct pass *p, const char *id)
{
    const struct drive *d = &p->mem->work;
    bool uncertain = d->uncertain || !p->mem->fresh_checkpoint || !streq(p->mem->fresh_checkpoint, id);

    switch (rpc_outcome(d->code)) {
    case RPC_TERMINAL: return true;
    case RPC_RETRYABLE: return d->code != RPC_ABORTED || !uncertain;
    default: return false;
    }
}

/* Whether nothing can come of another attempt under this intent. */
static bool is_hopeless(const struct pass *p)
{
    return p->f.mode == MODE_RUNNING || p->f.pod != POD_OWNED || p->f.pod_terminating ||
           p->f.phase != PHASE_RUNNING;
}

static int checkpoint_refused(struct pass *p, const json_t *pending)
{
    const char *id = obj_str(pending, "checkpointID");
    bool definite = is_definite(p, id), lost = p->f.pod != POD_OWNED || p->f.pod_terminating;
    bool terminal = rpc_outcome(p->mem->work.code) == RPC_TERMINAL;
    const char *message = co_printf(p->co, "%s", p->mem->work.message);
    int r;

    if (definite && is_hopeless(p)) {
        r = give_up(p, pending);
        if (r < 0)
            return r;
        drive_settle(&p->mem->work);
        if (p->f.mode == MODE_SUSPENDED && lost)
            event_record(p->c->events, p->sandbox, EVENT_WARNING, "SnapshotLost",
                         "the Pod went before it could be checkpointed: %s", message);
        return r;
    }
    event_record(p->c->events, p->sandbox, EVENT_WARNING, "CheckpointFailed", "%s", message);
    work_failed(p, terminal, message);
    p->f.checkpoint = CHECKPOINT_FAILED;
    p->note = message;
    return ROUND_DONE;
}

/* OK with nothing in it: the id is burnt, the next attempt is another one, not soon (SUS-083). */
static int checkpoint_empty(struct pass *p, const json_t *pending)
{
    struct sandbox_memory *m = p->mem;
    int r;

    m->blocked = p->f.mode == MODE_SUSPENDED && p->f.pod == POD_OWNED;
    m->blocked_until = instant_add(p->now, DURATION_MIN(5));
    m->blocked_generation = obj_generation(p->sandbox);
    m->blocked_stamp = pass_target(p)->stamp;
    r = give_up(p, pending);
    if (r < 0)
        return r;
    drive_settle(&m->work);
    event_record(p->c->events, p->sandbox, EVENT_WARNING, "CheckpointFailed",
                 "the driver answered OK without a usable snapshot");
    return r;
}

int pass_drive(struct pass *p)
{
    const json_t *pending = snap_pending(p->sandbox);
    const char *id = obj_str(pending, "checkpointID");
    int r;

    if (p->f.mode == MODE_SUSPENDED && p->f.pod == POD_ABSENT) {
        r = pass_verify_absent(p);
        if (r != ROUND_DONE)
            return r;
    }
    r = pass_reread(p);
    if (r != ROUND_DONE)
        return r;
    switch (work_state(p, DRIVE_CHECKPOINT, id)) {
    case DRIVE_MAY_CALL:
        checkpoint_request(p, pending);
        work_start(p, obj_str(pending, "driverName"));
        break;
    case DRIVE_ANSWERED:
        if (p->mem->work.code != RPC_OK)
            return checkpoint_refused(p, pending);
        if (!acceptable(&p->mem->work.checkpointed))
            return checkpoint_empty(p, pending);
        return record(p, pending);
    case DRIVE_BUSY:
    case DRIVE_WAITING:
        break;
    }
    if (drive_failed(&p->mem->work, DRIVE_CHECKPOINT, id)) {
        p->f.checkpoint = CHECKPOINT_FAILED;
        p->note = p->mem->work.failure;
    }
    return ROUND_DONE;
}

int pass_abandon(struct pass *p)
{
    return give_up(p, snap_pending(p->sandbox));
}

/* ---- Restore --------------------------------------------------------------------------------- */

static int restore_failed_again(struct pass *p, bool terminal, const char *message)
{
    event_record(p->c->events, p->sandbox, EVENT_WARNING, "RestoreFailed", "%s", message);
    work_failed(p, terminal, message);
    p->ready_note = p->mem->work.failure;
    p->f.restore_failed = true;
    return ROUND_DONE;
}

/* The driver is ready: the Pod is made as it says (SUS-102). The answer stays until the Pod stands. */
static int restore_pod(struct pass *p)
{
    struct apierr *outer = p->err, err = APIERR_IN(co_arena(p->co));
    int r;

    p->err = &err;
    r = pass_create_pod(p, &p->mem->work.restored.restore_metadata);
    p->err = outer;
    if (apierr_is(r, APIERR_INVALID))
        return restore_failed_again(p, true, err.message);
    if (r < 0) {
        *outer = err;
        return r;
    }
    if (r == ROUND_AGAIN && p->f.pod == POD_ABSENT) {
        drive_settle(&p->mem->work);
        event_record(p->c->events, p->sandbox, EVENT_NORMAL, "SandboxRestored", "Pod is built from snapshot %s",
                     obj_str(snap_live(p->sandbox), "snapshotUID"));
    }
    return r;
}

int pass_restore(struct pass *p)
{
    const json_t *live = snap_live(p->sandbox);
    int r = pass_verify_absent(p);                /* the source Pod is gone (DRV-061) */

    if (r == ROUND_DONE)
        r = pass_reread(p);
    if (r != ROUND_DONE || p->pvcs_failed)
        return r;
    switch (work_state(p, DRIVE_RESTORE, obj_str(live, "snapshotUID"))) {
    case DRIVE_MAY_CALL:
        restore_request(p, live);
        work_start(p, obj_str(live, "driverName"));
        break;
    case DRIVE_ANSWERED:
        if (p->mem->work.code != RPC_OK)
            return restore_failed_again(p, rpc_outcome(p->mem->work.code) == RPC_TERMINAL,
                                        p->mem->work.message);
        return restore_pod(p);
    case DRIVE_BUSY:
    case DRIVE_WAITING:
        break;
    }
    if (drive_failed(&p->mem->work, DRIVE_RESTORE, obj_str(live, "snapshotUID"))) {
        p->f.restore_failed = true;
        p->ready_note = p->mem->work.failure;
    }
    return ROUND_DONE;
}

int pass_restore_blocked(struct pass *p)
{
    const char *stored = obj_str(obj_condition(p->sandbox, "Ready"), "reason");

    p->f.restore_failed = true;
    p->ready_note = "podTemplate.spec is not what was checkpointed";
    if (!streq(stored, "RestoreFailed"))
        event_record(p->c->events, p->sandbox, EVENT_WARNING, "RestoreFailed", "%s", p->ready_note);
    return ROUND_DONE;
}

/* ---- the end of a snapshot ------------------------------------------------------------------- */

int pass_retire(struct pass *p, const char *event)
{
    const json_t *live = snap_live(p->sandbox);
    const char *uid = co_printf(p->co, "%s", obj_str(live, "snapshotUID"));
    struct snap_edit edit = { .snapshot = json_null(),
                              .owed = owed_with_snapshot(owed_copy(p->sandbox), live) };
    int r;

    p->f.snapshot = SNAPSHOT_NONE;
    r = pass_commit(p, edit);
    if (r >= 0 && event)
        event_record(p->c->events, p->sandbox, EVENT_WARNING, event, "snapshot %s is of no use any more", uid);
    return r;
}

int pass_discard(struct pass *p)
{
    int r = pass_retire(p, NULL);

    /* The annotation goes after the snapshot: a crash in between leaves one that names nothing. */
    return r < 0 ? r : pass_set_annotation(p, KEY_DISCARD_SNAPSHOT, NULL);
}

/* ---- Freeze and Unfreeze (H-03) -------------------------------------------------------------- */

static int set_freeze_intent(struct pass *p, const char *driver)
{
    struct objref ref = { &kind_pod, obj_namespace(p->pod), obj_name(p->pod) };
    struct apierr err = APIERR_IN(co_arena(p->co));
    json_auto_t *patch = json_pack("{s:{s:s, s:{s:o}}}", "metadata", "uid", obj_uid(p->pod), "annotations",
                                   KEY_FREEZE_INTENT, driver ? json_string(driver) : json_null());
    json_t *reply = NULL;
    int r = client_patch(p->co, p->c->client, &ref, NULL, PATCH_MERGE, patch, &reply, &err);

    if (r < 0)
        return pass_child_failed(p, r, &err);
    pass_take_pod(p, reply);
    return ROUND_AGAIN;
}

static int freeze_failed(struct pass *p, const char *why)
{
    p->f.freeze = FREEZE_FAILED;
    p->note = why;
    return ROUND_DONE;
}

static int freeze_answered(struct pass *p)
{
    struct drive *d = &p->mem->work;
    const char *message = co_printf(p->co, "%s", d->message);
    bool terminal = rpc_outcome(d->code) == RPC_TERMINAL;

    if (d->code == RPC_OK) {
        drive_settle(d);
        p->f.freeze = FREEZE_DONE;
        return ROUND_DONE;
    }
    event_record(p->c->events, p->sandbox, EVENT_WARNING, "FreezeFailed", "%s", message);
    work_failed(p, terminal, message);
    freeze_failed(p, message);
    return terminal ? set_freeze_intent(p, NULL) : ROUND_DONE;     /* nothing is frozen: say so */
}

int pass_freeze(struct pass *p)
{
    const json_t *cond = obj_condition(p->sandbox, "Suspended");
    const char *intent = obj_annotation(p->pod, KEY_FREEZE_INTENT), *name = intent;
    struct snapshot_driver *driver;
    enum drive_state state;
    int r;

    p->f.freeze = FREEZE_RUNNING;
    if (intent && streq(obj_str(cond, "status"), "True") && streq(obj_str(cond, "reason"), "PodFrozen")) {
        p->f.freeze = FREEZE_DONE;
        return ROUND_DONE;
    }
    if (p->f.phase != PHASE_RUNNING)
        return p->f.phase == PHASE_PENDING ? ROUND_DONE : freeze_failed(p, "Pod does not run any more");
    driver = intent ? registry_find(p->c->registry, intent, NULL, NULL)
                    : registry_find_freezer(p->c->registry, p->c->freeze_driver, &name);
    if (!driver)
        return freeze_failed(p, "there is no driver that freezes");
    r = pass_reread(p);
    if (r != ROUND_DONE)
        return r;
    state = work_state(p, DRIVE_FREEZE_POD, obj_uid(p->pod));
    if (state == DRIVE_WAITING || (p->mem->work.failures && state != DRIVE_ANSWERED))
        freeze_failed(p, p->mem->work.failure);
    if (state == DRIVE_ANSWERED)
        return freeze_answered(p);
    if (state != DRIVE_MAY_CALL)
        return ROUND_DONE;
    if (!intent)
        return set_freeze_intent(p, name);
    freeze_request(p, p->pod);
    drive_start(&p->mem->work, driver);
    return ROUND_DONE;
}

int pass_unfreeze(struct pass *p)
{
    const char *name = obj_annotation(p->pod, KEY_FREEZE_INTENT);
    struct drive *d = &p->mem->work;
    int r = pass_reread(p);

    if (r != ROUND_DONE)
        return r;
    switch (work_state(p, DRIVE_UNFREEZE_POD, obj_uid(p->pod))) {
    case DRIVE_MAY_CALL:
        freeze_request(p, p->pod);
        work_start(p, name);
        break;
    case DRIVE_ANSWERED:
        if (d->code != RPC_OK && d->code != RPC_NOT_FOUND) {
            work_failed(p, rpc_outcome(d->code) == RPC_TERMINAL, d->message);
            break;
        }
        r = set_freeze_intent(p, NULL);
        if (r == ROUND_AGAIN)
            drive_settle(d);
        return r;
    case DRIVE_BUSY:
    case DRIVE_WAITING:
        break;
    }
    if (d->failures)
        p->ready_note = d->failure;
    return ROUND_DONE;
}

int pass_thaw_for_deletion(struct pass *p, const json_t *pod)
{
    const char *name = obj_annotation(pod, KEY_FREEZE_INTENT);
    const json_t *live = snap_live(p->sandbox);
    struct snapshot_driver *driver;

    if (!name || pod_is_going(p, pod) || snap_pending(p->sandbox) ||
        streq(obj_str(live, "sourcePodUID"), obj_uid(pod)))      /* quiesced for good (H-15) */
        return 0;
    driver = registry_find(p->c->registry, name, NULL, NULL);
    if (!driver)
        return 0;
    switch (work_state(p, DRIVE_UNFREEZE_POD, obj_uid(pod))) {
    case DRIVE_MAY_CALL:
        freeze_request(p, pod);
        drive_start(&p->mem->work, driver);
        return 1;
    case DRIVE_BUSY:
        return drive_is_about(&p->mem->work, DRIVE_UNFREEZE_POD, obj_uid(pod));
    case DRIVE_ANSWERED:
    case DRIVE_WAITING:
        break;
    }
    return 0;                                     /* tried: whatever came of it, the Pod goes */
}

/* ---- Delete (SUS-152, SUS-153, SUS-158) ------------------------------------------------------ */

bool pass_owes(const struct pass *p)
{
    return snap_live(p->sandbox) || snap_pending(p->sandbox) || json_array_size(snap_owed(p->sandbox));
}

static struct drive *removal_of(struct pass *p, const char *key)
{
    struct sandbox_memory *m = p->mem;
    struct drive *d;

    for (size_t i = 0; i < m->removals.n; i++)
        if (drive_is_about(m->removals.v[i], DRIVE_REMOVE, key))
            return m->removals.v[i];
    d = xcalloc(1, sizeof(*d));
    drive_init(d, manager_proc(p->c->manager), p->c->queue, &m->key);
    *dyn_push(&m->removals) = d;
    return d;
}

static void removals_drop(struct pass *p, const char *key)
{
    struct sandbox_memory *m = p->mem;

    for (size_t i = 0; i < m->removals.n; i++) {
        if (!drive_is_about(m->removals.v[i], DRIVE_REMOVE, key))
            continue;
        drive_release(m->removals.v[i]);
        free(m->removals.v[i]);
        m->removals.v[i] = m->removals.v[--m->removals.n];
        return;
    }
}

/* Whether somebody may still need, or still be making, what the entry names (DRV-062). */
static bool must_wait(const struct pass *p, const json_t *entry)
{
    const char *uid = obj_str(entry, "snapshotUID"), *id = obj_str(entry, "checkpointID");
    const struct drive *work = &p->mem->work;
    const json_t *pod;
    size_t i;

    if (p->settling && json_array_size(p->pods))
        return true;                              /* the Pods go first (SUS-151) */
    if (work->running && (drive_is_about(work, DRIVE_CHECKPOINT, id) || drive_is_about(work, DRIVE_RESTORE, uid)))
        return true;
    json_array_foreach (p->pods, i, pod) {
        const char *restored = obj_annotation(pod, KEY_RESTORED_FROM);
        if (!*uid && pod_is_going(p, pod))
            return true;                          /* its outcome is unknown and its Pod still there */
        if (*uid && restored && streq(restored, uid) && !pod_is_ready(pod))
            return true;
    }
    return false;
}

static void removal_request(struct pass *p, struct drive *d, const json_t *entry)
{
    struct arena *a = drive_prepare(d);

    d->request.remove = (struct snapshot_delete_request){
        .snapshot_uid = copied(a, entry, "snapshotUID"), .checkpoint_id = copied(a, entry, "checkpointID"),
        .sandbox_uid = arena_strdup(a, p->mem->uid),
        .parameters = kvmap_from_json(a, json_object_get(entry, "parameters")),
        .driver_metadata = kvmap_from_json(a, json_object_get(entry, "driverMetadata")),
    };
}

static void removal_failed(struct pass *p, struct drive *d, bool terminal, const char *message)
{
    event_record(p->c->events, p->sandbox, EVENT_WARNING, "SnapshotDeleteFailed", "%s", message);
    drive_fail(d, message, terminal, obj_generation(p->sandbox), registry_generation(p->c->registry), p->now);
    pass_wake_at(p, d->retry_at);
}

static int removal_done(struct pass *p, const json_t *entry)
{
    const char *key = co_printf(p->co, "%s", obj_str(entry, "key"));
    json_t *owed = json_array(), *e;
    size_t i;
    int r;

    json_array_foreach (snap_owed(p->sandbox), i, e)
        if (!streq(obj_str(e, "key"), key))
            json_array_append(owed, e);
    r = pass_commit(p, (struct snap_edit){ .owed = owed });
    if (r < 0)
        return r;
    removals_drop(p, key);
    event_record(p->c->events, p->sandbox, EVENT_NORMAL, "SnapshotDeleted", "%s is deleted", key);
    return ROUND_AGAIN;
}

static int settle_entry(struct pass *p, const json_t *entry)
{
    const char *key = obj_str(entry, "key"), *why = NULL;
    struct drive *d = removal_of(p, key);
    struct snapshot_driver *driver;

    switch (drive_state(d, DRIVE_REMOVE, key, obj_generation(p->sandbox),
                        registry_generation(p->c->registry), p->now)) {
    case DRIVE_MAY_CALL:
        removal_request(p, d, entry);
        driver = registry_find(p->c->registry, obj_str(entry, "driverName"), NULL, &why);
        if (driver)
            drive_start(d, driver);
        else
            removal_failed(p, d, true, co_printf(p->co, "driver %s: %s", obj_str(entry, "driverName"), why));
        return ROUND_DONE;
    case DRIVE_ANSWERED:
        if (d->code == RPC_OK || d->code == RPC_NOT_FOUND)
            return removal_done(p, entry);
        removal_failed(p, d, rpc_outcome(d->code) == RPC_TERMINAL, d->message);
        return ROUND_DONE;
    case DRIVE_WAITING:
        pass_wake_at(p, d->retry_at);
        return ROUND_DONE;
    case DRIVE_BUSY:
        break;
    }
    return ROUND_DONE;
}

int pass_settle_owed(struct pass *p)
{
    const json_t *entry;
    size_t i;

    if (!json_array_size(snap_owed(p->sandbox)))
        return ROUND_DONE;
    int r = pass_reread(p);
    if (r != ROUND_DONE)
        return r;
    json_array_foreach (snap_owed(p->sandbox), i, entry) {
        if (must_wait(p, entry))
            continue;
        r = settle_entry(p, entry);
        if (r != ROUND_DONE)
            return r;
    }
    return ROUND_DONE;
}
