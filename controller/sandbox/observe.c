/* What one pass sees: the Sandbox, its Pods, and the facts they come to. */
#include <stdio.h>

#include "controller/sandbox/pass.h"

/* ---- reading --------------------------------------------------------------------------------- */

static const json_t *object_at(const json_t *sandbox, const char *path)
{
    const json_t *v = json_path(sandbox, path);

    return json_is_object(v) ? v : NULL;
}

const json_t *snap_live(const json_t *sandbox)
{
    return object_at(sandbox, "status.snapshot");
}

const json_t *snap_pending(const json_t *sandbox)
{
    return object_at(sandbox, "status.pendingCheckpoint");
}

const json_t *snap_owed(const json_t *sandbox)
{
    const json_t *v = json_path(sandbox, "status.snapshotsPendingDeletion");

    return json_is_array(v) ? v : NULL;
}

bool is_suspended_mode(const json_t *sandbox)
{
    return streq(obj_str(sandbox, "spec.operatingMode"), "Suspended");
}

enum strategy strategy_of(const json_t *sandbox)
{
    const char *type = obj_str(sandbox, "spec.suspensionStrategy.type");

    return streq(type, "Hibernate") ? STRATEGY_HIBERNATE
         : streq(type, "Freeze") ? STRATEGY_FREEZE : STRATEGY_STOP;       /* absent: Stop (H-06) */
}

bool pod_is_ready(const json_t *pod)
{
    return obj_condition_true(pod, "Ready");
}

bool pod_told_to_go(const struct pass *p, const json_t *pod)
{
    for (size_t i = 0; i < TOLD_MAX; i++)
        if (p->mem->told_to_go[i] && streq(p->mem->told_to_go[i], obj_uid(pod)))
            return true;
    return false;
}

bool pod_is_going(const struct pass *p, const json_t *pod)
{
    return obj_is_deleting(pod) || pod_told_to_go(p, pod);
}

void pass_wake_at(struct pass *p, struct instant t)
{
    if (instant_before(t, p->wake))
        p->wake = t;
}

bool pass_now_after(const struct pass *p, struct instant t)
{
    return !instant_before(p->now, t);
}

int pass_child_failed(struct pass *p, int r, const struct apierr *err)
{
    if (r == -ERR_CANCELLED)
        return r;
    if (apierr_is(r, APIERR_CONFLICT)) {
        p->mem->reread = true;
        apierr_set(p->err, APIERR_CONFLICT, "%s", err->message);
        return r;
    }
    if (!p->child_error) {
        p->child_error = r;
        p->child_message = co_printf(p->co, "%s", err->message ? err->message : apierr_reason_text(r));
    }
    p->f.child_error = true;
    return ROUND_DONE;
}

const struct target *pass_target(struct pass *p)
{
    if (!p->target_known)
        target_resolve(p->co, &p->c->sources, p->sandbox, &p->target);
    p->target_known = true;
    return &p->target;
}

/* ---- the Sandbox ----------------------------------------------------------------------------- */

static uint64_t version_number(const json_t *obj)
{
    uint64_t n = 0;

    parse_u64(obj_resource_version(obj), &n);
    return n;
}

static struct sandbox_memory **memory_bucket(struct sandbox_controller *c, const char *namespace,
                                             const char *name)
{
    return &c->memory[hash64_str(hash64_str(HASH64_INIT, namespace), name) % MEMORY_BUCKETS];
}

static struct sandbox_memory *memory_of(struct sandbox_controller *c, const json_t *sandbox)
{
    struct sandbox_memory **bucket = memory_bucket(c, obj_namespace(sandbox), obj_name(sandbox)), *m;

    for (m = *bucket; m; m = m->next)
        if (streq(m->uid, obj_uid(sandbox)))
            return m;
    m = xcalloc(1, sizeof(*m));
    m->namespace = xstrdup(obj_namespace(sandbox));
    m->name = xstrdup(obj_name(sandbox));
    m->uid = xstrdup(obj_uid(sandbox));
    m->key = (struct objkey){ m->namespace, m->name };
    drive_init(&m->work, manager_proc(c->manager), c->queue, &m->key);
    m->next = *bucket;
    *bucket = m;
    return m;
}

static bool memory_busy(const struct sandbox_memory *m)
{
    for (size_t i = 0; i < m->removals.n; i++)
        if (m->removals.v[i]->running)
            return true;
    return m->work.running;
}

void memory_free(struct sandbox_memory *m)
{
    drive_release(&m->work);
    for (size_t i = 0; i < m->removals.n; i++) {
        drive_release(m->removals.v[i]);
        free(m->removals.v[i]);
    }
    dyn_release(&m->removals);
    free(m->namespace);
    free(m->name);
    free(m->uid);
    free(m->pod_uid);
    free(m->pod_name);
    for (size_t i = 0; i < TOLD_MAX; i++)
        free(m->told_to_go[i]);
    free(m->fresh_checkpoint);
    free(m);
}

/* Memories under this key whose Sandbox is not `uid` ("" = none is left) go once no call is out. */
static void memory_forget(struct sandbox_controller *c, const struct objkey *key, const char *uid)
{
    for (struct sandbox_memory **slot = memory_bucket(c, key->namespace, key->name); *slot;) {
        struct sandbox_memory *m = *slot;
        if (objkey_equal(&m->key, key) && !streq(m->uid, uid) && !memory_busy(m)) {
            *slot = m->next;
            memory_free(m);
        } else {
            slot = &m->next;
        }
    }
}

static int read_sandbox(struct pass *p, const struct objkey *key, json_t **ret)
{
    struct objref ref = { &kind_sandbox, key->namespace, key->name };

    return client_get(p->co, p->c->client, &ref, ret, p->err);
}

int pass_begin(struct pass *p, const struct objkey *key)
{
    int r;

    p->now = co_now(p->co);
    p->wake = INSTANT_NEVER;
    p->sandbox = informer_get(p->co, p->c->sandboxes, key->namespace, key->name);
    memory_forget(p->c, key, obj_uid(p->sandbox));
    if (!p->sandbox)
        return apierr_set(p->err, APIERR_NOT_FOUND, "Sandbox %s/%s is gone", key->namespace, key->name);
    p->mem = memory_of(p->c, p->sandbox);
    if (!p->mem->reread && version_number(p->sandbox) >= p->mem->seen)
        return 0;
    json_decref(p->sandbox);
    p->sandbox = NULL;
    r = read_sandbox(p, key, &p->sandbox);
    if (r < 0)
        return r;
    if (!streq(obj_uid(p->sandbox), p->mem->uid))  /* recreated: the cache will tell of the new one */
        return apierr_set(p->err, APIERR_NOT_FOUND, "Sandbox %s/%s is another one now", key->namespace,
                          key->name);
    p->fresh = true;
    p->mem->reread = false;
    p->mem->seen = version_number(p->sandbox);
    return 0;
}

/* Takes a newer view over (stolen): a reply to a write or a live read. */
void pass_take_view(struct pass *p, json_t *sandbox)
{
    json_decref(p->sandbox);
    p->sandbox = sandbox;
    p->mem->seen = version_number(sandbox);
    p->fresh = true;
    target_release(&p->target);
    p->target_known = false;
}

int pass_reread(struct pass *p)
{
    json_t *live = NULL;
    int r;

    if (p->fresh)
        return ROUND_DONE;
    r = read_sandbox(p, &p->mem->key, &live);
    if (r < 0)
        return r;
    if (!streq(obj_uid(live), p->mem->uid)) {
        json_decref(live);
        return apierr_set(p->err, APIERR_CONFLICT, "the Sandbox has been recreated");
    }
    if (streq(obj_resource_version(live), obj_resource_version(p->sandbox))) {
        json_decref(live);
        p->fresh = true;
        return ROUND_DONE;
    }
    pass_take_view(p, live);
    return ROUND_AGAIN;
}

void pass_end(struct pass *p)
{
    json_decref(p->sandbox);
    json_decref(p->pods);
    json_decref(p->verified);
    json_decref(p->pod);
    json_decref(p->service);
    target_release(&p->target);
}

/* ---- the Pods -------------------------------------------------------------------------------- */

/* Adds what is ours of `list` to `out`. */
static void keep_ours(const json_t *list, const json_t *sandbox, json_t *out)
{
    json_t *pod;
    size_t i;

    json_array_foreach (list, i, pod)
        if (ownership_of(pod, sandbox) == OWNERSHIP_OURS)
            json_array_append(out, pod);
}

static const json_t *find_uid(const json_t *list, const char *uid)
{
    const json_t *o;
    size_t i;

    json_array_foreach (list, i, o)
        if (streq(obj_uid(o), uid))
            return o;
    return NULL;
}

static const char *tracked_name(const json_t *sandbox)
{
    const char *name = obj_annotation(sandbox, KEY_POD_NAME);

    return str_empty(name) ? obj_name(sandbox) : name;
}

/* One Pod by name from the server, added to `out` where it is ours. */
static int verify_named(struct pass *p, const char *name, json_t *out)
{
    struct objref ref = { &kind_pod, obj_namespace(p->sandbox), name };
    json_auto_t *pod = NULL;
    int r = client_get(p->co, p->c->client, &ref, &pod, p->err);

    if (apierr_is(r, APIERR_NOT_FOUND))
        return 0;
    if (r < 0)
        return r;
    if (ownership_of(pod, p->sandbox) == OWNERSHIP_OURS && !find_uid(out, obj_uid(pod)))
        json_array_append(out, pod);
    return 0;
}

/* Our Pods as the server has them now: those with the label, and those under the names. */
static int list_ours(struct pass *p, json_t *ours)
{
    struct list_options opt = { 0 };
    json_auto_t *list = NULL;
    const char *tracked = tracked_name(p->sandbox);
    char hash[9];
    int r;

    name_hash(p->sandbox, hash);
    opt.label_selector = co_printf(p->co, "%s=%s", KEY_NAME_HASH, hash);
    r = client_list(p->co, p->c->client, &kind_pod, obj_namespace(p->sandbox), &opt, &list, p->err);
    if (r < 0)
        return r;
    keep_ours(json_object_get(list, "items"), p->sandbox, ours);
    r = verify_named(p, obj_name(p->sandbox), ours);
    if (r == 0 && !streq(tracked, obj_name(p->sandbox)))
        r = verify_named(p, tracked, ours);
    return r;
}

/* The lookup itself failed: nothing is known of the Pod (M4). The error ends the pass. */
static int lookup_failed(struct pass *p, int r)
{
    struct apierr err = *p->err;

    if (r == -ERR_CANCELLED)
        return r;
    p->f.pod = POD_UNKNOWN;
    pass_child_failed(p, r, &err);
    return r;
}

int pass_verify_absent(struct pass *p)
{
    json_auto_t *ours = NULL;
    int r;

    if (p->verified)
        return ROUND_DONE;
    ours = json_array();
    r = list_ours(p, ours);
    if (r < 0)
        return lookup_failed(p, r);
    p->verified = STEAL(ours);
    return json_array_size(p->verified) ? ROUND_AGAIN : ROUND_DONE;
}

void pass_take_pod(struct pass *p, json_t *pod)
{
    struct sandbox_memory *m = p->mem;

    free(m->pod_uid);
    free(m->pod_name);
    m->pod_uid = xstrdup(obj_uid(pod));
    m->pod_name = xstrdup(obj_name(pod));
    m->pod_seen = version_number(pod);
    json_decref(p->verified);
    p->verified = json_pack("[o]", pod);
}

/* A Pod that we wrote and the cache does not show, or not as we wrote it, is asked for by name. */
static int find_written(struct pass *p)
{
    struct sandbox_memory *m = p->mem;
    const json_t *cached = m->pod_uid ? find_uid(p->pods, m->pod_uid) : NULL;
    json_t *live;
    int r;

    if (!m->pod_uid || (cached && version_number(cached) >= m->pod_seen) ||
        json_array_size(p->pods) > (cached ? 1 : 0))
        return 0;
    live = json_array();
    json_decref(p->pods);
    p->pods = live;
    r = verify_named(p, m->pod_name, live);
    if (r == 0 && !find_uid(live, m->pod_uid)) {
        free(STEAL(m->pod_uid));
        free(STEAL(m->pod_name));
    }
    return r;
}

static int find_pods(struct pass *p)
{
    json_decref(p->pods);
    if (p->verified) {
        p->pods = json_incref(p->verified);
        return 0;
    }
    p->pods = informer_by_index(p->co, p->c->pods, "controller", obj_uid(p->sandbox));
    return find_written(p);
}

/* Somebody else's Pod under the tracked or the default name, or NULL. */
static json_t *find_stranger(struct pass *p)
{
    const char *ns = obj_namespace(p->sandbox), *tracked = tracked_name(p->sandbox);
    json_t *pod = informer_get(p->co, p->c->pods, ns, tracked);

    if (!pod && !streq(tracked, obj_name(p->sandbox)))
        pod = informer_get(p->co, p->c->pods, ns, obj_name(p->sandbox));
    return pod;
}

static enum pod_phase phase_of(const json_t *pod)
{
    static const struct {
        const char *text;
        enum pod_phase phase;
    } phases[] = {
        { "", PHASE_PENDING }, { "Pending", PHASE_PENDING }, { "Running", PHASE_RUNNING },
        { "Succeeded", PHASE_SUCCEEDED }, { "Failed", PHASE_FAILED },
    };

    for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
        if (streq(obj_str(pod, "status.phase"), phases[i].text))
            return phases[i].phase;
    return PHASE_OTHER;
}

/* ---- the facts ------------------------------------------------------------------------------- */

static void facts_of_pod(struct pass *p)
{
    const json_t *intent_pod = snap_pending(p->sandbox), *live = snap_live(p->sandbox);
    const char *restored = obj_annotation(p->pod, KEY_RESTORED_FROM);
    struct sandbox_facts *f = &p->f;

    f->phase = phase_of(p->pod);
    f->pod_terminating = pod_is_going(p, p->pod);
    f->pod_ready = pod_is_ready(p->pod);
    f->pod_has_ip = *obj_str(p->pod, "status.podIP") || obj_count(p->pod, "status.podIPs");
    f->freeze_intent = obj_annotation(p->pod, KEY_FREEZE_INTENT) != NULL;
    if (intent_pod && !streq(obj_str(intent_pod, "podUID"), obj_uid(p->pod)))
        f->pending = PENDING_OTHER;
    if (!live)
        return;
    if (streq(obj_str(live, "sourcePodUID"), obj_uid(p->pod)))
        f->snapshot = SNAPSHOT_OF_POD;
    else if (restored && streq(restored, obj_str(live, "snapshotUID")))
        f->snapshot = SNAPSHOT_RESTORED;
}

/* Whether the last completed attempt of the standing intent failed (M10). After a restart the stored
 * condition is what there is to know. */
static enum checkpoint_state checkpoint_state(const struct pass *p)
{
    const char *id = obj_str(snap_pending(p->sandbox), "checkpointID");
    const char *stored = obj_str(obj_condition(p->sandbox, "Suspended"), "reason");

    if (!snap_pending(p->sandbox))
        return p->mem->blocked ? CHECKPOINT_FAILED : CHECKPOINT_IDLE;
    if (drive_failed(&p->mem->work, DRIVE_CHECKPOINT, id))
        return CHECKPOINT_FAILED;
    if (!drive_is_about(&p->mem->work, DRIVE_CHECKPOINT, id) && streq(stored, "CheckpointFailed"))
        return CHECKPOINT_FAILED;
    return CHECKPOINT_RUNNING;
}

static bool restore_failed(const struct pass *p)
{
    const char *uid = obj_str(snap_live(p->sandbox), "snapshotUID");
    const char *stored = obj_str(obj_condition(p->sandbox, "Ready"), "reason");

    if (drive_is_about(&p->mem->work, DRIVE_RESTORE, uid))
        return p->mem->work.failures > 0;
    return *uid && streq(stored, "RestoreFailed");
}

static void facts_of_snapshot(struct pass *p)
{
    const json_t *live = snap_live(p->sandbox);
    const char *discard = obj_annotation(p->sandbox, KEY_DISCARD_SNAPSHOT);
    const char *recorded = obj_str(live, "podTemplateHash");
    char hash[9];

    if (!live)
        return;
    pod_template_hash(p->sandbox, hash);
    p->f.discard = discard && streq(discard, obj_str(live, "snapshotUID"));
    p->f.template_changed = *recorded && !streq(recorded, hash);
}

static void choose_pod(struct pass *p)
{
    size_t n = json_array_size(p->pods);

    json_decref(p->pod);
    p->pod = NULL;
    if (n > 1) {
        p->f.pod = POD_MULTIPLE;
    } else if (n == 1) {
        p->f.pod = POD_OWNED;
        p->pod = json_incref(json_array_get(p->pods, 0));
        facts_of_pod(p);
    } else {
        p->pod = find_stranger(p);
        if (p->pod && ownership_of(p->pod, p->sandbox) == OWNERSHIP_OURS)
            json_decref(STEAL(p->pod));            /* an old view of one that the server says is gone */
        p->f.pod = p->pod ? POD_NOT_OWNED : POD_ABSENT;
    }
}

static void find_service(struct pass *p)
{
    json_decref(p->service);
    p->service = informer_get(p->co, p->c->services, obj_namespace(p->sandbox), obj_name(p->sandbox));
    if (p->service && ownership_of(p->service, p->sandbox) != OWNERSHIP_OURS)
        json_decref(STEAL(p->service));
    p->f.service_present = p->service != NULL;
    p->f.service_needed = service_wish(p->sandbox) == SERVICE_YES ||
                          (service_wish(p->sandbox) == SERVICE_UNSET && p->service);
}

int pass_observe(struct pass *p)
{
    const json_t *suspended = obj_condition(p->sandbox, "Suspended");
    bool error = p->f.child_error;
    int r;

    p->f = (struct sandbox_facts){
        .mode = is_suspended_mode(p->sandbox) ? MODE_SUSPENDED : MODE_RUNNING,
        .strategy = strategy_of(p->sandbox), .phase = PHASE_OTHER, .child_error = error,
        .snapshot = snap_live(p->sandbox) ? SNAPSHOT_OTHER : SNAPSHOT_NONE,
        .pending = snap_pending(p->sandbox) ? PENDING_FOR_POD : PENDING_NONE,
        .was_terminated = streq(obj_str(suspended, "status"), "True") &&
                          streq(obj_str(suspended, "reason"), "PodTerminated"),
    };
    r = find_pods(p);
    if (r < 0)
        return lookup_failed(p, r);
    choose_pod(p);
    facts_of_snapshot(p);
    p->f.checkpoint = checkpoint_state(p);
    p->f.restore_failed = restore_failed(p);
    find_service(p);
    return 0;
}
