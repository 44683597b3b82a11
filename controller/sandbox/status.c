/* What a pass tells: one status, computed from the facts, written under resourceVersion (H-57). */
#include <stdio.h>

#include "controller/sandbox/pass.h"

/* ---- what is owed ---------------------------------------------------------------------------- */

json_t *owed_copy(const json_t *sandbox)
{
    const json_t *owed = snap_owed(sandbox);

    return owed ? json_copy((json_t *)owed) : json_array();
}

/* Puts an entry unless one of its key is there. Steals both. */
static json_t *owed_put(json_t *owed, json_t *entry)
{
    const json_t *e;
    size_t i;

    owed = owed ? owed : json_array();
    json_array_foreach (owed, i, e) {
        if (streq(obj_str(e, "key"), obj_str(entry, "key"))) {
            json_decref(entry);
            return owed;
        }
    }
    json_array_append_new(owed, entry);
    return owed;
}

static void copy_member(json_t *to, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);

    if (value)
        json_object_set(to, key, value);
}

json_t *owed_with_snapshot(json_t *owed, const json_t *snapshot)
{
    cleanup_free char *key = xasprintf("uid:%s", obj_str(snapshot, "snapshotUID"));
    json_t *entry = json_pack("{s:s}", "key", key);

    copy_member(entry, snapshot, "snapshotUID");
    copy_member(entry, snapshot, "checkpointID");
    copy_member(entry, snapshot, "driverName");
    copy_member(entry, snapshot, "parameters");
    copy_member(entry, snapshot, "driverMetadata");
    return owed_put(owed, entry);
}

json_t *owed_with_intent(json_t *owed, const json_t *pending)
{
    cleanup_free char *key = xasprintf("cp:%s", obj_str(pending, "checkpointID"));
    json_t *entry = json_pack("{s:s}", "key", key);

    copy_member(entry, pending, "checkpointID");
    copy_member(entry, pending, "driverName");
    copy_member(entry, pending, "parameters");
    return owed_put(owed, entry);
}

/* ---- conditions ------------------------------------------------------------------------------ */

static void set_condition(struct pass *p, json_t *conditions, const char *type, struct verdict v,
                          const char *message)
{
    struct condition c = { .type = type, .status = v.status, .reason = v.reason, .message = message,
                           .observed_generation = obj_generation(p->sandbox) };

    conditions_set(conditions, &c, p->now);
}

/* The sentences say what a person would ask next; nothing depends on them. */
static const char *ready_message(const struct pass *p, struct verdict v)
{
    static const struct {
        const char *reason, *text;
    } texts[] = {
        { "DependenciesReady", "Pod is ready" },
        { "SandboxSuspended", "Sandbox is suspended" },
        { "SandboxExpired", "Sandbox has expired" },
        { "MultiplePods", "more than one Pod is controlled by this Sandbox" },
        { "PodSucceeded", "Pod has run to completion" },
        { "PodFailed", "Pod has failed" },
        { "DependenciesNotReady", "Pod is not ready" },
    };

    if (streq(v.reason, "ReconcilerError") && p->child_message)
        return p->child_message;
    if (p->ready_note && !streq(v.reason, "MultiplePods"))
        return p->ready_note;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (streq(v.reason, texts[i].reason))
            return texts[i].text;
    return v.reason;
}

static const char *suspended_message(const struct pass *p, struct verdict v)
{
    static const struct {
        const char *reason, *text;
    } texts[] = {
        { "NotSuspended", "Sandbox is running" },
        { "PodTerminated", "Pod is gone" },
        { "PodTerminating", "Pod is being deleted" },
        { "PodNotOwned", "the Pod of this name belongs to somebody else and is left alone" },
        { "PodStateUnknown", "the Pod could not be determined" },
        { "SnapshotTargetNotReady", "the snapshot target cannot be resolved" },
        { "Checkpointing", "Pod is being checkpointed" },
        { "CheckpointFailed", "the last checkpoint failed; Pod keeps running" },
        { "PodFreezing", "Pod is being frozen" },
        { "PodFrozen", "Pod is frozen" },
        { "FreezeFailed", "Pod could not be frozen" },
    };

    if (p->note)
        return p->note;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (streq(v.reason, texts[i].reason))
            return texts[i].text;
    return v.reason;
}

/* PodScheduled mirrors the Pod's own condition, or says that it cannot (SBX-077, SBX-078, SBX-041). */
static void set_pod_scheduled(struct pass *p, json_t *conditions)
{
    const json_t *own = p->f.pod == POD_OWNED ? obj_condition(p->pod, "PodScheduled") : NULL;
    bool blind = p->f.pod == POD_UNKNOWN || p->f.pod == POD_MULTIPLE ||
                 (p->f.pod == POD_NOT_OWNED && p->f.mode == MODE_RUNNING);
    struct verdict v = { "Unknown", "PodSchedulingUnknown", "SBX-078" };

    if (p->f.expired || (p->f.pod != POD_OWNED && !blind)) {
        conditions_remove(conditions, "PodScheduled");
        return;
    }
    if (own) {
        v.status = obj_str(own, "status");
        v.reason = *obj_str(own, "reason") ? obj_str(own, "reason")
                 : streq(v.status, "True") ? "PodScheduled" : "PodSchedulingUnknown";
    }
    set_condition(p, conditions, "PodScheduled", v, obj_str(own, "message"));
}

static void set_finished(struct pass *p, json_t *conditions)
{
    const char *reason = decide_finished(&p->f);

    if (reason)
        set_condition(p, conditions, "Finished", (struct verdict){ "True", reason, "SBX-079" },
                      obj_str(p->pod, "status.message"));
    else if (!p->f.expired)                       /* expiry keeps what there was (SBX-115) */
        conditions_remove(conditions, "Finished");
}

static json_t *next_conditions(struct pass *p)
{
    const json_t *old = json_path(p->sandbox, "status.conditions");
    json_t *next = old ? json_clone(old) : json_array();
    struct verdict ready = decide_ready(&p->f), suspended = decide_suspended(&p->f);

    set_condition(p, next, "Ready", ready, ready_message(p, ready));
    if (!p->f.expired || p->f.mode == MODE_SUSPENDED)      /* SBX-121 */
        set_condition(p, next, "Suspended", suspended, suspended_message(p, suspended));
    set_pod_scheduled(p, next);
    set_finished(p, next);
    return next;
}

/* ---- the other fields ------------------------------------------------------------------------ */

static void set_text(json_t *status, const char *key, const char *value)
{
    if (*value)
        json_object_set_new(status, key, json_string(value));
    else
        json_object_del(status, key);
}

static json_t *pod_ips(const json_t *pod)
{
    const json_t *ips = json_path(pod, "status.podIPs"), *ip;
    json_t *out = json_array();
    size_t i;

    json_array_foreach (ips, i, ip)
        if (*obj_str(ip, "ip"))
            json_array_append_new(out, json_string(obj_str(ip, "ip")));
    if (!json_array_size(out) && *obj_str(pod, "status.podIP"))
        json_array_append_new(out, json_string(obj_str(pod, "status.podIP")));
    return out;
}

static void set_pod_fields(struct pass *p, json_t *status)
{
    const json_t *pod = decide_shows_pod(&p->f) ? p->pod : NULL;
    json_t *ips = pod_ips(pod);

    set_text(status, "nodeName", obj_str(pod, "spec.nodeName"));
    if (json_array_size(ips))
        json_object_set(status, "podIPs", ips);
    else
        json_object_del(status, "podIPs");
    json_decref(ips);
}

static void set_fields(struct pass *p, json_t *status)
{
    const char *name = p->service && service_wish(p->sandbox) != SERVICE_NO ? obj_name(p->service) : "";
    const char *fqdn = *name ? co_printf(p->co, "%s.%s.svc.%s", name, obj_namespace(p->sandbox),
                                         p->c->cluster_domain) : "";
    char hash[9];

    if (p->f.expired && !p->torn_down)            /* nothing but the verdict yet (SBX-111) */
        return;
    set_pod_fields(p, status);
    if (p->f.expired)
        name = fqdn = "";
    if (p->f.pod != POD_MULTIPLE && p->f.pod != POD_UNKNOWN) {
        set_text(status, "service", name);
        set_text(status, "serviceFQDN", fqdn);
    }
    name_hash(p->sandbox, hash);
    if (p->f.expired)
        json_object_del(status, "selector");
    else if (p->f.pod == POD_OWNED)               /* from the first Pod on (SBX-076) */
        set_text(status, "selector", co_printf(p->co, "%s=%s", KEY_NAME_HASH, hash));
}

/* ---- writing --------------------------------------------------------------------------------- */

static void apply_edit(json_t *status, const char *key, json_t *value)
{
    if (!value)
        return;
    if (json_is_null(value) || (json_is_array(value) && !json_array_size(value)))
        json_object_del(status, key);
    else
        json_object_set(status, key, value);
}

static json_t *next_status(struct pass *p, const struct snap_edit *edit)
{
    const json_t *old = json_object_get(p->sandbox, "status");
    json_t *status = json_is_object(old) ? json_copy((json_t *)old) : json_object();

    if (!p->settling) {                           /* a Sandbox that goes only settles (SBX-008) */
        json_object_set_new(status, "conditions", next_conditions(p));
        set_fields(p, status);
    }
    apply_edit(status, "snapshot", edit->snapshot);
    apply_edit(status, "pendingCheckpoint", edit->pending);
    apply_edit(status, "snapshotsPendingDeletion", edit->owed);
    return status;
}

/* Nothing but the node's name moved, and nobody may rely on it yet (SBX-087). */
static bool only_node_name(const struct pass *p, const json_t *old, const json_t *next)
{
    json_auto_t *a = NULL, *b = NULL;

    if (!old || streq(decide_ready(&p->f).status, "True"))
        return false;
    a = json_without(old, "nodeName");
    b = json_without(next, "nodeName");
    return json_same(a, b);
}

static int write_status(struct pass *p, json_t *status)
{
    json_auto_t *body = json_copy(p->sandbox);
    json_t *reply = NULL;
    int r;

    json_object_set(body, "status", status);
    r = client_update_status(p->co, p->c->client, &kind_sandbox, body, &reply, p->err);
    if (apierr_is(r, APIERR_NOT_FOUND))
        return r;
    if (r < 0) {
        p->mem->reread = true;                    /* stale, or its effect is unknown */
        return r;
    }
    pass_take_view(p, reply);
    return 0;
}

int pass_commit(struct pass *p, struct snap_edit edit)
{
    json_auto_t *status = next_status(p, &edit);
    const json_t *old = json_object_get(p->sandbox, "status");
    bool edited = edit.snapshot || edit.pending || edit.owed;
    int r;

    json_decref(edit.snapshot);
    json_decref(edit.pending);
    json_decref(edit.owed);
    if (json_same(status, old) || (!edited && only_node_name(p, old, status)))
        return ROUND_DONE;
    r = write_status(p, status);
    return r < 0 ? r : edited ? ROUND_AGAIN : ROUND_DONE;
}

int pass_patch_metadata(struct pass *p, json_t *metadata)
{
    json_auto_t *patch = json_pack("{s:o}", "metadata", metadata);
    struct objref ref = { &kind_sandbox, p->mem->namespace, p->mem->name };
    json_t *reply = NULL;
    int r;

    obj_set_meta_str(patch, "uid", p->mem->uid);
    obj_set_meta_str(patch, "resourceVersion", obj_resource_version(p->sandbox));
    r = client_patch(p->co, p->c->client, &ref, NULL, PATCH_MERGE, patch, &reply, p->err);
    if (r < 0) {
        p->mem->reread = true;
        return r;
    }
    pass_take_view(p, reply);
    return ROUND_AGAIN;
}

int pass_set_annotation(struct pass *p, const char *key, const char *value)
{
    return pass_patch_metadata(p, json_pack("{s:{s:o}}", "annotations", key,
                                            value ? json_string(value) : json_null()));
}

int pass_set_finalizer(struct pass *p, bool present)
{
    const json_t *old = json_object_get(obj_metadata(p->sandbox), "finalizers"), *f;
    json_t *next = json_array();
    size_t i;

    json_array_foreach (old, i, f)
        if (!streq(json_string_value(f), SNAPSHOT_FINALIZER))
            json_array_append(next, (json_t *)f);
    if (present)
        json_array_append_new(next, json_string(SNAPSHOT_FINALIZER));
    return pass_patch_metadata(p, json_pack("{s:o}", "finalizers", next));
}
