/* Steps on what the Sandbox makes: volume claims, the Pod, the Service. */
#include "controller/sandbox/pass.h"

/* ---- volume claims (SBX-044, SBX-046, SBX-055 to SBX-059) ------------------------------------ */

/* One claim: there and ours, made, adopted, or an error in `err`. */
static int ensure_claim(struct pass *p, const json_t *claim_template, struct apierr *err)
{
    struct co *co = p->co;
    const char *name = pvc_name(co_arena(co), p->sandbox, claim_template);
    struct objref ref = { &kind_pvc, obj_namespace(p->sandbox), name };
    json_auto_t *pvc = informer_get(co, p->c->pvcs, ref.namespace, name), *body = NULL;
    int r = 0;

    if (!pvc) {
        body = pvc_build(co_arena(co), p->sandbox, claim_template);
        r = client_create(co, p->c->client, &kind_pvc, body, NULL, err);
        if (!apierr_is(r, APIERR_ALREADY_EXISTS))
            return r;
        r = client_get(co, p->c->client, &ref, &pvc, err);
        if (r < 0)
            return r;
    }
    if (ownership_of(pvc, p->sandbox) == OWNERSHIP_OURS)
        return 0;
    if (ownership_of(pvc, p->sandbox) == OWNERSHIP_FOREIGN || !is_adoptable(pvc, p->sandbox))
        return apierr_set(err, APIERR_INVALID, "PersistentVolumeClaim %s is not this Sandbox's", name);
    body = adoption_patch(p->sandbox, pvc);
    return client_patch(co, p->c->client, &ref, NULL, PATCH_MERGE, body, NULL, err);
}

int pass_volume_claims(struct pass *p)
{
    const json_t *t;
    size_t i;

    if (p->pvcs_done)
        return ROUND_DONE;
    p->pvcs_done = true;
    json_array_foreach (json_path(p->sandbox, "spec.volumeClaimTemplates"), i, t) {
        struct apierr err = APIERR_IN(co_arena(p->co));
        int r = ensure_claim(p, t, &err);
        if (r == 0)
            continue;
        p->pvcs_failed = true;
        r = pass_child_failed(p, r, &err);
        if (r < 0)
            return r;
    }
    return ROUND_DONE;
}

/* ---- the Pod --------------------------------------------------------------------------------- */

/* Under the name stands a Pod that the cache did not show: the ownership rules decide (SBX-022). */
static int look_at_existing(struct pass *p)
{
    struct objref ref = { &kind_pod, obj_namespace(p->sandbox), obj_name(p->sandbox) };
    struct apierr err = APIERR_IN(co_arena(p->co));
    json_t *pod = NULL;
    int r = client_get(p->co, p->c->client, &ref, &pod, &err);

    if (apierr_is(r, APIERR_NOT_FOUND))
        return apierr_set(p->err, APIERR_CONFLICT, "Pod %s came and went", ref.name);
    if (r < 0)
        return pass_child_failed(p, r, &err);
    if (ownership_of(pod, p->sandbox) == OWNERSHIP_OURS) {
        pass_take_pod(p, pod);
        return ROUND_AGAIN;
    }
    json_decref(p->pod);
    p->pod = pod;
    p->f.pod = POD_NOT_OWNED;
    return pass_adopt_pod(p);
}

int pass_create_pod(struct pass *p, const struct kvmap *injected)
{
    struct apierr err = APIERR_IN(co_arena(p->co));
    json_auto_t *pod = NULL;
    json_t *reply = NULL;
    const char *why;
    int r;

    if (p->pvcs_failed)                           /* no Pod mounts what is not ours (SBX-046) */
        return ROUND_DONE;
    if (!str_empty(obj_annotation(p->sandbox, KEY_POD_NAME))) {
        r = pass_verify_absent(p);                /* it may live under another name (AS-RACE-01) */
        if (r != ROUND_DONE)
            return r;
    }
    pod = pod_build(p->sandbox);
    if (injected) {
        if (!pod_inject(pod, injected, co_arena(p->co), &why))
            return apierr_set(p->err, APIERR_INVALID, "%s", why);
        obj_set_annotation(pod, KEY_RESTORED_FROM, obj_str(snap_live(p->sandbox), "snapshotUID"));
    }
    r = client_create(p->co, p->c->client, &kind_pod, pod, &reply, &err);
    if (apierr_is(r, APIERR_ALREADY_EXISTS))
        return look_at_existing(p);
    if (r < 0)
        return pass_child_failed(p, r, &err);
    pass_take_pod(p, reply);
    return ROUND_AGAIN;
}

int pass_adopt_pod(struct pass *p)
{
    struct objref ref = { &kind_pod, obj_namespace(p->pod), obj_name(p->pod) };
    struct apierr err = APIERR_IN(co_arena(p->co));
    json_auto_t *patch = NULL;
    json_t *reply = NULL;
    int r;

    if (ownership_of(p->pod, p->sandbox) == OWNERSHIP_FOREIGN || !is_adoptable(p->pod, p->sandbox) ||
        obj_is_deleting(p->pod)) {
        apierr_set(&err, APIERR_INVALID, "Pod %s is not this Sandbox's", ref.name);
        r = pass_child_failed(p, -APIERR_INVALID, &err);
        if (r == 0 && obj_annotation(p->sandbox, KEY_POD_NAME))
            return pass_set_annotation(p, KEY_POD_NAME, NULL);   /* SBX-041 */
        return r;
    }
    patch = pod_adoption_patch(p->sandbox, p->pod);
    r = client_patch(p->co, p->c->client, &ref, NULL, PATCH_MERGE, patch, &reply, &err);
    if (r < 0)
        return pass_child_failed(p, r, &err);
    pass_take_pod(p, reply);
    return ROUND_AGAIN;
}

/* The annotation follows the Pod: made where absent, cleared where it names another (SBX-020, SBX-031). */
static int keep_pod_name(struct pass *p)
{
    const char *tracked = obj_annotation(p->sandbox, KEY_POD_NAME);

    if (str_empty(tracked))
        return pass_set_annotation(p, KEY_POD_NAME, obj_name(p->pod));
    if (!streq(tracked, obj_name(p->pod)))
        return pass_set_annotation(p, KEY_POD_NAME, NULL);
    return ROUND_DONE;
}

int pass_keep_pod(struct pass *p)
{
    struct objref ref = { &kind_pod, obj_namespace(p->pod), obj_name(p->pod) };
    struct apierr err = APIERR_IN(co_arena(p->co));
    json_auto_t *patch = pod_metadata_patch(p->sandbox, p->pod);
    json_t *reply = NULL;
    int r;

    if (patch) {
        r = client_patch(p->co, p->c->client, &ref, NULL, PATCH_MERGE, patch, &reply, &err);
        if (r < 0 && !apierr_is(r, APIERR_NOT_FOUND)) {
            r = pass_child_failed(p, r, &err);
            if (r < 0)
                return r;
        }
        if (reply) {
            json_decref(p->pod);
            p->pod = json_incref(reply);
            pass_take_pod(p, reply);
        }
    }
    return keep_pod_name(p);
}

/* The newest first; the oldest is forgotten. */
static void remember_told(struct sandbox_memory *m, const char *uid)
{
    free(m->told_to_go[TOLD_MAX - 1]);
    memmove(&m->told_to_go[1], &m->told_to_go[0], (TOLD_MAX - 1) * sizeof(*m->told_to_go));
    m->told_to_go[0] = xstrdup(uid);
}

int pass_delete_pod(struct pass *p, const json_t *pod)
{
    struct objref ref = { &kind_pod, obj_namespace(pod), obj_name(pod) };
    struct delete_options opt = DELETE_DEFAULT;
    struct apierr err = APIERR_IN(co_arena(p->co));
    int r;

    if (pod_is_going(p, pod))
        return ROUND_DONE;
    opt.uid = obj_uid(pod);                       /* never another incarnation (SBX-049) */
    r = client_delete(p->co, p->c->client, &ref, &opt, &err);
    if (r < 0 && !apierr_is(r, APIERR_NOT_FOUND))
        return pass_child_failed(p, r, &err);
    remember_told(p->mem, obj_uid(pod));
    return ROUND_AGAIN;
}

int pass_forget_pod(struct pass *p)
{
    int r;

    if (p->f.pod == POD_ABSENT && !p->f.was_terminated) {
        r = pass_verify_absent(p);
        if (r != ROUND_DONE)
            return r;
    }
    if (obj_annotation(p->sandbox, KEY_POD_NAME))
        return pass_set_annotation(p, KEY_POD_NAME, NULL);
    return ROUND_DONE;
}

/* ---- the Service (SBX-060 to SBX-067) -------------------------------------------------------- */

static int create_service(struct pass *p, struct apierr *err)
{
    struct objref ref = { &kind_service, obj_namespace(p->sandbox), obj_name(p->sandbox) };
    json_auto_t *body = service_build(p->sandbox), *patch = NULL, *live = NULL;
    int r = client_create(p->co, p->c->client, &kind_service, body, &p->service, err);

    if (!apierr_is(r, APIERR_ALREADY_EXISTS))
        return r;
    r = client_get(p->co, p->c->client, &ref, &live, err);
    if (r < 0)
        return r;
    if (ownership_of(live, p->sandbox) == OWNERSHIP_OURS) {
        p->service = STEAL(live);
        return 0;
    }
    if (ownership_of(live, p->sandbox) == OWNERSHIP_FOREIGN || !is_adoptable(live, p->sandbox) ||
        (*obj_str(live, "spec.clusterIP") && !streq(obj_str(live, "spec.clusterIP"), "None")))
        return apierr_set(err, APIERR_INVALID, "Service %s is not this Sandbox's", ref.name);
    patch = service_adoption_patch(p->sandbox, live);
    return client_patch(p->co, p->c->client, &ref, NULL, PATCH_MERGE, patch, &p->service, err);
}

static int repair_service(struct pass *p, bool ports_too, struct apierr *err)
{
    struct objref ref = { &kind_service, obj_namespace(p->service), obj_name(p->service) };
    json_auto_t *patch = service_patch(p->sandbox, p->service, ports_too);

    return patch ? client_patch(p->co, p->c->client, &ref, NULL, PATCH_MERGE, patch, NULL, err) : 0;
}

static int remove_service(struct pass *p, struct apierr *err)
{
    struct objref ref = { &kind_service, obj_namespace(p->service), obj_name(p->service) };
    struct delete_options opt = DELETE_DEFAULT;
    int r = 0;

    opt.uid = obj_uid(p->service);
    if (!obj_is_deleting(p->service))
        r = client_delete(p->co, p->c->client, &ref, &opt, err);
    json_decref(STEAL(p->service));
    return apierr_is(r, APIERR_NOT_FOUND) ? 0 : r;
}

int pass_service(struct pass *p)
{
    enum service_wish wish = service_wish(p->sandbox);
    struct apierr err = APIERR_IN(co_arena(p->co));
    int r = 0;

    if (p->f.pod == POD_MULTIPLE || p->f.pod == POD_UNKNOWN)     /* SBX-033 */
        return ROUND_DONE;
    if (p->settling || p->f.expired || wish == SERVICE_NO)
        r = p->service ? remove_service(p, &err) : 0;
    else if (p->service)
        r = repair_service(p, wish == SERVICE_YES, &err);
    else if (wish == SERVICE_YES)
        r = create_service(p, &err);
    p->f.service_present = p->service != NULL;
    return r < 0 ? pass_child_failed(p, r, &err) : ROUND_DONE;
}
