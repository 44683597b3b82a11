#include "controller/sandbox/pass.h"

#define ROUNDS_MAX 32                  /* more steps than any pass has to take at once */

/* ---- one round ------------------------------------------------------------------------------- */

/* Delete the Pod of a suspension; a frozen one is let go first (SUS-136). */
static int delete_step(struct pass *p)
{
    if (p->f.mode == MODE_SUSPENDED && pass_thaw_for_deletion(p, p->pod))
        return ROUND_DONE;
    return pass_delete_pod(p, p->pod);
}

static int skip_step(struct pass *p)
{
    int r = pass_delete_pod(p, p->pod);

    if (r == ROUND_AGAIN)
        event_record(p->c->events, p->sandbox, EVENT_WARNING, "CheckpointSkipped",
                     "Pod %s had finished: there was no state to save", obj_name(p->pod));
    return r;
}

/* Somebody else deleted the Pod before it was checkpointed (SUS-068): said once, as it is first seen. */
static int wait_step(struct pass *p)
{
    const char *stored = obj_str(obj_condition(p->sandbox, "Suspended"), "reason");


    if (p->f.mode == MODE_SUSPENDED && p->f.strategy == STRATEGY_HIBERNATE && !pod_told_to_go(p, p->pod) &&
        p->f.snapshot != SNAPSHOT_OF_POD && !streq(stored, "PodTerminating"))
        event_record(p->c->events, p->sandbox, EVENT_WARNING, "CheckpointSkipped",
                     "Pod %s was already being deleted", obj_name(p->pod));
    return ROUND_DONE;
}

static int take_step(struct pass *p)
{
    switch (decide_step(&p->f)) {
    case STEP_NONE: return p->f.pod == POD_NOT_OWNED ? pass_adopt_pod(p) : ROUND_DONE;
    case STEP_WAIT: return wait_step(p);
    case STEP_CREATE: return pass_create_pod(p, NULL);
    case STEP_RESTORE: return pass_restore(p);
    case STEP_RESTORE_BLOCKED: return pass_restore_blocked(p);
    case STEP_DISCARD: return pass_discard(p);
    case STEP_CHECKPOINT: return pass_checkpoint(p);
    case STEP_DRIVE: return pass_drive(p);
    case STEP_ABANDON: return pass_abandon(p);
    case STEP_DELETE_POD: return delete_step(p);
    case STEP_SKIP_CHECKPOINT: return skip_step(p);
    case STEP_INVALIDATE: return pass_retire(p, p->f.mode == MODE_RUNNING ? "SnapshotInvalidated" : NULL);
    case STEP_CONSUME: return pass_retire(p, NULL);
    case STEP_FREEZE: return pass_freeze(p);
    case STEP_UNFREEZE: return pass_unfreeze(p);
    case STEP_KEEP: return pass_keep_pod(p);
    case STEP_FORGET_POD: return pass_forget_pod(p);
    }
    return ROUND_DONE;
}

/* MultiplePods is told once per transition into it (SBX-034). */
static void tell_multiple(struct pass *p)
{
    if (p->f.pod == POD_MULTIPLE &&
        !streq(obj_str(obj_condition(p->sandbox, "Ready"), "reason"), "MultiplePods"))
        event_record(p->c->events, p->sandbox, EVENT_WARNING, "MultiplePods",
                     "%zu Pods are controlled by this Sandbox", json_array_size(p->pods));
}

/* The finalizer stands only as long as something is owed, or is about to be (SUS-155). */
static int drop_idle_finalizer(struct pass *p)
{
    if (!obj_has_finalizer(p->sandbox, SNAPSHOT_FINALIZER) || pass_owes(p) || p->mem->blocked ||
        decide_step(&p->f) == STEP_CHECKPOINT)
        return ROUND_DONE;
    return pass_set_finalizer(p, false);
}

static int live_round(struct pass *p)
{
    int r = pass_volume_claims(p);

    if (r == ROUND_DONE)
        r = pass_observe(p);
    if (r == ROUND_DONE)
        r = pass_stamp_claim(p);
    if (r == ROUND_DONE)
        r = take_step(p);
    if (r < 0 && r != -ERR_CANCELLED && p->f.pod == POD_UNKNOWN && pass_commit(p, NO_EDIT) < 0)
        return r;                                 /* told or not: the key is tried again */
    if (r == ROUND_DONE)
        r = pass_service(p);
    tell_multiple(p);
    if (r == ROUND_DONE)
        r = pass_commit(p, NO_EDIT);
    if (r == ROUND_DONE)
        r = pass_settle_owed(p);
    return r == ROUND_DONE ? drop_idle_finalizer(p) : r;
}

/* ---- one pass -------------------------------------------------------------------------------- */

static int one_round(struct pass *p)
{
    if (obj_is_deleting(p->sandbox))
        return pass_finalize(p);
    if (pass_is_expired(p))
        return pass_expire(p);
    return live_round(p);
}

/* One pass over one Sandbox. A call that takes `co` may suspend; what was read before it may be stale
 * after it. Writes to the Sandbox carry resourceVersion: a stale pass loses with Conflict, and the next
 * one asks the server. */
static int sandbox_reconcile(struct co *co, void *arg, const struct objkey *key,
                             struct reconcile_result *ret, struct apierr *err)
{
    struct pass p = { .co = co, .c = arg, .err = err };
    int r = pass_begin(&p, key), rounds = 0;

    if (r == 0) {
        do
            r = one_round(&p);
        while (r == ROUND_AGAIN && ++rounds < ROUNDS_MAX);
    }
    if (apierr_is(r, APIERR_NOT_FOUND))
        r = 0;                                    /* gone: nothing is left to do (SBX-007, SBX-089) */
    else if (r == ROUND_AGAIN)
        pass_wake_at(&p, p.now);
    if (r >= 0 && p.child_error)
        r = apierr_set(err, APIERR_INTERNAL_ERROR, "%s", p.child_message);
    ret->again = p.wake;
    pass_end(&p);
    return r < 0 ? r : 0;
}

/* ---- what wakes a Sandbox -------------------------------------------------------------------- */

static void wake(struct sandbox_controller *c, const char *namespace, const char *name)
{
    struct objkey key = { namespace, name };

    workq_add(c->queue, &key);
}

static void sandbox_changed(void *arg, enum informer_event type, const json_t *old, const json_t *obj)
{
    wake(arg, obj_namespace(obj), obj_name(obj));
}

static void wake_owner(struct sandbox_controller *c, const json_t *obj)
{
    const json_t *ref = obj_controller_ref(obj);

    if (ref && streq(obj_str(ref, "kind"), "Sandbox") &&
        str_starts(obj_str(ref, "apiVersion"), CORE_GROUP "/"))
        wake(c, obj_namespace(obj), obj_str(ref, "name"));
}

/* A Pod, a Service, a volume claim: its controller's Sandbox, and the one whose name it holds. */
static void child_changed(void *arg, enum informer_event type, const json_t *old, const json_t *obj)
{
    struct sandbox_controller *c = arg;
    json_auto_t *namesake = informer_get(NULL, c->sandboxes, obj_namespace(obj), obj_name(obj));

    if (old)
        wake_owner(c, old);
    wake_owner(c, obj);
    if (namesake && !obj_controlled_by(obj, namesake))
        wake(c, obj_namespace(obj), obj_name(obj));
}

/* Sandboxes whose snapshots may wait for what changed. namespace "" = all. */
static void wake_waiting(struct sandbox_controller *c, const char *namespace)
{
    json_auto_t *all = informer_list(NULL, c->sandboxes, namespace);
    const json_t *s;
    size_t i;

    json_array_foreach (all, i, s)
        if (strategy_of(s) != STRATEGY_STOP || snap_live(s) || snap_pending(s) || snap_owed(s))
            wake(c, obj_namespace(s), obj_name(s));
}

/* What a Sandbox's strategy names, as "<kind>/<namespace>/<name>". */
static void by_reference(const json_t *sandbox, struct index_sink *sink)
{
    static const struct {
        const char *path, *kind;
        bool namespaced;
    } references[] = {
        { "snapshotClaimName", "SnapshotClaim", true },
        { "snapshotClaimTemplateName", "SnapshotClaimTemplate", true },
        { "snapshotProviderRef.name", "SnapshotProvider", false },
    };
    const json_t *h = json_path(sandbox, "spec.suspensionStrategy.hibernate");

    for (size_t i = 0; i < ARRAY_SIZE(references); i++) {
        const char *name = obj_str(h, references[i].path);
        cleanup_free char *value = xasprintf("%s/%s/%s", references[i].kind,
            references[i].namespaced ? obj_namespace(sandbox) : "", name);
        if (*name)
            index_emit(sink, value);
    }
}

static bool is_default_claim(const json_t *claim)
{
    return claim && obj_annotation(claim, KEY_DEFAULT_CLAIM);
}

/* A provider, a claim or a template: the Sandboxes that name it, and the one that owns it. A claim that
 * is, or was, its namespace's default may be what anybody there waits for. */
static void reference_changed(void *arg, enum informer_event type, const json_t *old, const json_t *obj)
{
    struct sandbox_controller *c = arg;
    cleanup_free char *value = xasprintf("%s/%s/%s", obj_kind(obj), obj_namespace(obj), obj_name(obj));
    json_auto_t *naming = informer_by_index(NULL, c->sandboxes, "reference", value);
    const json_t *s;
    size_t i;

    json_array_foreach (naming, i, s)
        wake(c, obj_namespace(s), obj_name(s));
    wake_owner(c, obj);
    if (is_default_claim(obj) || is_default_claim(old))
        wake_waiting(c, obj_namespace(obj));
}

/* Which claims mean a class only their status tells: whoever may wait is woken. */
static void class_changed(void *arg, enum informer_event type, const json_t *old, const json_t *obj)
{
    wake_waiting(arg, "");
}

static void drivers_changed(void *arg)
{
    wake_waiting(arg, "");
}

static void by_controller(const json_t *obj, struct index_sink *sink)
{
    const json_t *ref = obj_controller_ref(obj);

    if (ref)
        index_emit(sink, obj_str(ref, "uid"));
}

/* ---- making it ------------------------------------------------------------------------------- */

static struct informer *watch(struct sandbox_controller *c, const struct resource *rs,
                              informer_handler_fn *fn, bool indexed)
{
    struct informer *i = manager_informer(c->manager, rs);

    informer_add_handler(i, fn, c);
    if (indexed)
        informer_add_index(i, "controller", by_controller);
    return i;
}

struct sandbox_controller *sandbox_controller_new(struct manager *m, const struct sandbox_options *o)
{
    struct sandbox_controller *c = xcalloc(1, sizeof(*c));

    c->manager = m;
    c->world = manager_world(m);
    c->client = manager_client(m);
    c->registry = manager_registry(m);
    c->events = manager_events(m);
    c->cluster_domain = str_empty(o->cluster_domain) ? "cluster.local" : o->cluster_domain;
    c->freeze_driver = o->freeze_driver ? o->freeze_driver : "";
    c->controller = manager_add(m, "sandbox", o->workers, sandbox_reconcile, c);
    c->queue = controller_queue(c->controller);
    c->sandboxes = watch(c, &kind_sandbox, sandbox_changed, false);
    informer_add_index(c->sandboxes, "reference", by_reference);
    c->pods = watch(c, &kind_pod, child_changed, true);
    c->services = watch(c, &kind_service, child_changed, false);
    c->pvcs = watch(c, &kind_pvc, child_changed, false);
    c->claim_templates = watch(c, &kind_snapshot_claim_template, reference_changed, false);
    c->sources = (struct target_sources){
        .claims = watch(c, &kind_snapshot_claim, reference_changed, true),
        .classes = watch(c, &kind_snapshot_class, class_changed, false),
        .providers = watch(c, &kind_snapshot_provider, reference_changed, false),
        .registry = c->registry,
    };
    registry_listen(c->registry, drivers_changed, c);
    return c;
}

struct sandbox_controller *sandbox_controller_free(struct sandbox_controller *c)
{
    if (!c)
        return NULL;
    for (size_t i = 0; i < MEMORY_BUCKETS; i++) {
        for (struct sandbox_memory *m = c->memory[i], *next; m; m = next) {
            next = m->next;
            memory_free(m);
        }
    }
    free(c);
    return NULL;
}
