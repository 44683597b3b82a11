/* Volumes (H-100, H-103): a claim that waits gets a made-up volume at once; a claim that is told to go
 * stays while a Pod that is not over uses it. */
#include "fakeapi/cluster/loop.h"
#include "kube/json.h"
#include "kube/object.h"

static const char protection[] = "kubernetes.io/pvc-protection";

struct volumes {
    struct informer *claims, *pods;
};

static const char *text_at(const json_t *v, const char *path)
{
    const char *s = json_string_value(json_path(v, path));

    return s ? s : "";
}

static bool pod_uses(const json_t *pod, const char *claim)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_path(pod, "spec.volumes"), i, v)
        if (streq(text_at(v, "persistentVolumeClaim.claimName"), claim))
            return true;
    return false;
}

static bool in_use(struct co *co, struct volumes *s, const json_t *claim)
{
    json_auto_t *pods = informer_list(co, s->pods, obj_namespace(claim));
    size_t i;
    json_t *pod;

    json_array_foreach(pods, i, pod)
        if (*text_at(pod, "spec.nodeName") && pod_uses(pod, obj_name(claim)))
            return true;
    return false;
}

static int make_volume(struct co *co, struct cluster_loop_state *l, const json_t *claim, const char *name,
                       struct apierr *err)
{
    json_t *storage = json_path(claim, "spec.resources.requests.storage");
    json_auto_t *pv = json_pack(
        "{s:s, s:s, s:{s:s}, s:{s:{s:O?}, s:O?, s:s, s:{s:s}, s:{s:s, s:s, s:s, s:s, s:s}}}", "apiVersion", "v1",
        "kind", "PersistentVolume", "metadata", "name", name, "spec", "capacity", "storage", storage,
        "accessModes", json_path(claim, "spec.accessModes"), "persistentVolumeReclaimPolicy", "Delete",
        "hostPath", "path", co_printf(co, "/volumes/%s", name), "claimRef", "apiVersion", "v1", "kind",
        "PersistentVolumeClaim", "namespace", obj_namespace(claim), "name", obj_name(claim), "uid",
        obj_uid(claim));
    int r = client_create(co, l->client, &cluster_volumes, pv, NULL, err);

    return apierr_is(r, APIERR_ALREADY_EXISTS) ? 0 : r;
}

static int bind_claim(struct co *co, struct cluster_loop_state *l, const json_t *claim, struct apierr *err)
{
    struct objref ref = { &cluster_claims, obj_namespace(claim), obj_name(claim) };
    const char *name = co_printf(co, "pvc-%s", obj_uid(claim));
    json_auto_t *spec = json_pack("{s:{s:{s:s, s:s}}, s:{s:s}}", "metadata", "annotations",
                                  "pv.kubernetes.io/bind-completed", "yes",
                                  "pv.kubernetes.io/bound-by-controller", "yes", "spec", "volumeName", name);
    json_auto_t *status = json_pack("{s:{s:s, s:O?, s:{s:O?}}}", "status", "phase", "Bound", "accessModes",
                                    json_path(claim, "spec.accessModes"), "capacity", "storage",
                                    json_path(claim, "spec.resources.requests.storage"));
    int r = make_volume(co, l, claim, name, err);

    if (r == 0)
        r = client_patch(co, l->client, &ref, NULL, PATCH_MERGE, spec, NULL, err);
    if (r == 0)
        r = client_patch(co, l->client, &ref, "status", PATCH_MERGE, status, NULL, err);
    return apierr_is(r, APIERR_NOT_FOUND) ? 0 : r;
}

static int release_claim(struct co *co, struct cluster_loop_state *l, const json_t *claim, struct apierr *err)
{
    struct objref ref = { &cluster_claims, obj_namespace(claim), obj_name(claim) };
    json_t *kept = json_array(), *f;
    bool had = false;
    size_t i;

    json_array_foreach(json_path(claim, "metadata.finalizers"), i, f) {
        if (streq(json_string_value(f), protection))
            had = true;
        else
            json_array_append(kept, f);
    }
    json_auto_t *patch = json_pack("{s:{s:s, s:o}}", "metadata", "resourceVersion",
                                   obj_resource_version(claim), "finalizers", kept);
    if (!had)
        return 0;
    int r = client_patch(co, l->client, &ref, NULL, PATCH_MERGE, patch, NULL, err);
    return apierr_is(r, APIERR_NOT_FOUND) ? 0 : r;
}

static int sync_claim(struct co *co, struct cluster_loop_state *l, const struct objkey *key, struct apierr *err)
{
    struct volumes *s = l->state;
    json_auto_t *claim = informer_get(co, s->claims, key->namespace, key->name);

    if (!claim)
        return 0;
    if (obj_is_deleting(claim))
        return in_use(co, s, claim) ? 0 : release_claim(co, l, claim, err);
    return streq(text_at(claim, "status.phase"), "Bound") ? 0 : bind_claim(co, l, claim, err);
}

/* A Pod came or went: the claims it names get another look. */
static void pod_event(struct cluster_loop_state *l, enum informer_event type, const json_t *old,
                      const json_t *obj)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_path(obj, "spec.volumes"), i, v) {
        struct objkey key = { obj_namespace(obj), text_at(v, "persistentVolumeClaim.claimName") };
        if (*key.name)
            workq_add(l->queue, &key);
    }
}

void volumes_start(struct cluster *c)
{
    struct volumes *s = xcalloc(1, sizeof(*s));
    struct cluster_loop_state *l = cluster_loop_new(c, "volume", "kube-controller-manager", sync_claim, s, free);

    s->claims = cluster_loop_watch(l, &cluster_claims, NULL);
    s->pods = cluster_loop_watch(l, &cluster_pods, pod_event);
    cluster_loop_start(l);
}
