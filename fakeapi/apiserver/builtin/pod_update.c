#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/quantity.h"

/* What may change of a pod, by each of its endpoints (B-170, B.6). */

#define SPEC RULE_AT("spec")

/* ---- what a write keeps ------------------------------------------------------------------------- */

static void take_from(json_t *obj, const json_t *old, const char *name)
{
    json_t *v = json_object_get(old, name);

    if (v)
        json_object_set(obj, name, v);
    else
        json_object_del(obj, name);
}

/* Labels and their like belong to the main endpoint. */
static void keep_metadata(json_t *obj, const json_t *old)
{
    static const char *const kept[] = { "deletionTimestamp", "generation", "selfLink", "labels", "annotations",
                                        "finalizers", "ownerReferences" };

    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        obj_set_meta(obj, kept[i], json_incref(json_object_get(obj_metadata(old), kept[i])));
}

/* The old containers with the new ones' resources; the new ones where they are others. New. */
static json_t *resized(json_t *now, const json_t *old)
{
    json_t *out = json_array();

    for (size_t i = 0; i < json_array_size(now); i++) {
        const json_t *x = json_array_get(now, i), *y = json_array_get(old, i);
        if (!streq(text(x, "name"), text(y, "name"))) {
            json_decref(out);
            return json_incref(now);
        }
        json_t *c = json_copy((json_t *)y);
        take_from(c, x, "resources");
        take_from(c, x, "resizePolicy");
        json_array_append_new(out, c);
    }
    return out;
}

static void prepare_resize(json_t *obj, const json_t *old)
{
    static const char *const lists[] = { "containers", "initContainers" };
    json_t *now = json_object_get(obj, "spec"), *was = json_object_get(old, "spec"), *spec;

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        if (json_array_size(json_object_get(now, lists[i])) != json_array_size(json_object_get(was, lists[i])))
            return;                    /* validation has the words for it */
    spec = json_copy(was);
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        if (json_array_size(json_object_get(now, lists[i])))
            json_object_set_new(spec, lists[i], resized(json_object_get(now, lists[i]), json_object_get(was, lists[i])));
    obj_set(obj, "spec", spec);
    take_from(obj, old, "status");
    keep_metadata(obj, old);
}

static void prepare_ephemeral(json_t *obj, const json_t *old)
{
    json_t *spec = json_copy(json_object_get(old, "spec"));

    take_from(spec, json_object_get(obj, "spec"), "ephemeralContainers");
    obj_set(obj, "spec", spec);
    take_from(obj, old, "status");
    keep_metadata(obj, old);
}

/* A condition that does not say what it was observed of keeps what the same one said before. */
static void keep_observed(json_t *obj, const json_t *old)
{
    json_t *list = json_copy(json_path(obj, "status.conditions")), *before = json_path(old, "status.conditions");
    size_t i, k;
    json_t *c, *b;

    if (!obj_int(obj, "status.observedGeneration", 0) && obj_int(old, "status.observedGeneration", 0))
        obj_set(obj, "status.observedGeneration", json_integer(obj_int(old, "status.observedGeneration", 0)));
    json_array_foreach(list, i, c) {
        size_t nth = 0;
        int64_t was = 0;
        for (size_t n = 0; n < i; n++)
            nth += streq(text(json_array_get(list, n), "type"), text(c, "type"));
        json_array_foreach(before, k, b)
            if (streq(text(b, "type"), text(c, "type")) && nth-- == 0) {
                was = obj_int(b, "observedGeneration", 0);
                break;
            }
        if (was && !obj_int(c, "observedGeneration", 0))
            json_array_set_new(list, i, json_with(c, "observedGeneration", json_integer(was)));
    }
    if (list)
        obj_set(obj, "status.conditions", list);
}

static void prepare_status(json_t *obj, const json_t *old)
{
    take_from(obj, old, "spec");
    obj_set_meta(obj, "deletionTimestamp", NULL);
    obj_set_meta(obj, "ownerReferences", json_incref(json_object_get(obj_metadata(old), "ownerReferences")));
    if (!*obj_str(obj, "status.qosClass") && *obj_str(old, "status.qosClass"))
        obj_set(obj, "status.qosClass", json_incref(json_path(old, "status.qosClass")));
    keep_observed(obj, old);
}

int pod_prepare_update(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    (void)c;
    if (!sub)
        take_from(obj, old, "status");
    else if (streq(sub->name, "status"))
        prepare_status(obj, old);
    else if (streq(sub->name, "ephemeralcontainers"))
        prepare_ephemeral(obj, old);
    else if (streq(sub->name, "resize"))
        prepare_resize(obj, old);
    return 0;
}

/* ---- the pod itself ------------------------------------------------------------------------------ */

static void whole_spec(struct fielderrs *e, const json_t *obj)
{
    struct podspec_options o = { .pod = obj_name(obj) };

    podspec_validate(e, json_object_get(obj, "spec"), SPEC, &o);
    podspec_images_trimmed(e, json_object_get(obj, "spec"), SPEC);
}

static bool special_annotation(const char *key, const char **ret_what)
{
    if (strncmp(key, "container.apparmor.security.beta.kubernetes.io/", 47) == 0)
        *ret_what = "AppArmor annotations";
    else if (streq(key, "kubernetes.io/config.mirror"))
        *ret_what = "mirror pod annotation";
    else
        return false;
    return true;
}

static void annotations(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const struct fpath *path = FP_CHILD(RULE_AT("metadata"), "annotations");
    const char *key, *what;
    json_t *v;

    json_object_foreach((json_t *)obj_annotations(old), key, v)
        if (!json_same(v, json_object_get(obj_annotations(obj), key)) && special_annotation(key, &what))
            fielderr_forbidden(e, FP_KEY(path, key), "may not remove or update %s", what);
    json_object_foreach((json_t *)obj_annotations(obj), key, v)
        if (!json_object_get(obj_annotations(old), key) && special_annotation(key, &what))
            fielderr_forbidden(e, FP_KEY(path, key), "may not add %s", what);
}

/* False where nothing more is looked at. */
static bool update_containers(struct fielderrs *e, const json_t *obj, const json_t *old, const char *list)
{
    const json_t *now = json_object_get(json_object_get(obj, "spec"), list),
                 *before = json_object_get(json_object_get(old, "spec"), list);
    const struct fpath *path = FP_CHILD(SPEC, list);
    size_t i;
    json_t *c;

    if (json_array_size(now) != json_array_size(before)) {
        fielderr_forbidden(e, path, "pod updates may not add or remove containers");
        return false;
    }
    json_array_foreach(now, i, c) {
        if (!*text(c, "image"))
            fielderr_required(e, FP_CHILD(FP_INDEX(path, i), "image"), "");
        podspec_image_trimmed(e, c, FP_INDEX(path, i));
    }
    return true;
}

static bool update_deadline(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const json_t *now = json_path(obj, "spec.activeDeadlineSeconds"),
                 *before = json_path(old, "spec.activeDeadlineSeconds");
    const struct fpath *path = FP_CHILD(SPEC, "activeDeadlineSeconds");
    int64_t n = json_integer_value(now);

    if (!now && before)
        fielderr_invalid(e, path, json_null(), "must not update from a positive integer to nil value");
    if (!now)
        return true;
    if (n < 0 || n > INT32_MAX)
        fielderr_invalid_int(e, path, n, "must be between 0 and 2147483647, inclusive");
    else if (before && json_integer_value(before) < n)
        fielderr_invalid_int(e, path, n, "must be less than or equal to previous value");
    else
        return true;
    return false;
}

/* Old tolerations stay as they were, but for their seconds; new ones may come. */
static void update_tolerations(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const json_t *now = json_path(obj, "spec.tolerations");
    size_t i, k;
    json_t *before, *t;

    json_array_foreach(json_path(old, "spec.tolerations"), i, before) {
        bool kept = false;
        json_auto_t *a = json_copy(before);
        json_object_del(a, "tolerationSeconds");
        json_array_foreach(now, k, t) {
            json_auto_t *b = json_copy(t);
            json_object_del(b, "tolerationSeconds");
            kept |= json_same(a, b);
        }
        if (!kept) {
            fielderr_forbidden(e, FP_CHILD(SPEC, "tolerations"),
                               "existing toleration can not be modified except its tolerationSeconds");
            return;
        }
    }
    podspec_tolerations(e, json_object_get(obj, "spec"), SPEC);
}

static bool name_after(const json_t *list, size_t i, const char *name)
{
    while (++i < json_array_size(list))
        if (streq(text(json_array_get(list, i), "name"), name))
            return true;
    return false;
}

/* A gate that is there twice is told where it stands last. */
static void update_gates(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const json_t *before = json_path(old, "spec.schedulingGates"), *list = json_path(obj, "spec.schedulingGates");
    size_t i;
    json_t *g;

    json_array_foreach(list, i, g)
        if (!name_before(before, json_array_size(before), text(g, "name")) && !name_after(list, i, text(g, "name")))
            fielderr_forbidden(e, FP_CHILD(FP_INDEX(FP_CHILD(SPEC, "schedulingGates"), i), "name"),
                               "only deletion is allowed, but found new scheduling gate '%s'", text(g, "name"));
}

/* The images of `from` put into `spec`, container by container. */
static void copy_images(json_t *spec, const json_t *from, const char *list)
{
    json_t *containers = json_object_get(spec, list), *out;

    if (!json_array_size(containers))
        return;
    out = json_array();
    for (size_t i = 0; i < json_array_size(containers); i++) {
        json_t *c = json_copy(json_array_get(containers, i));
        take_from(c, json_array_get(json_object_get(from, list), i), "image");
        json_array_append_new(out, c);
    }
    json_object_set_new(spec, list, out);
}

/* ---- a pod that waits at its gates may still say where it can run ---------------------------------- */

static void gated_selector(struct fielderrs *e, const json_t *now, const json_t *before)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)before, key, v)
        if (!json_same(v, json_object_get(now, key))) {
            fielderr_invalid(e, FP_CHILD(SPEC, "nodeSelector"), rule_shown(now),
                             "only additions to spec.nodeSelector are allowed (no mutations or deletions)");
            return;
        }
}

/* The first requirements are the old ones. */
static bool begins_with(const json_t *now, const json_t *before)
{
    for (size_t i = 0; i < json_array_size(before); i++)
        if (!json_same(json_array_get(now, i), json_array_get(before, i)))
            return false;
    return true;
}

static bool only_additions(const json_t *now, const json_t *before)
{
    static const char *const lists[] = { "matchExpressions", "matchFields" };
    size_t had = 0, has = 0;
    bool kept = true;

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        had += json_array_size(json_object_get(before, lists[i]));
        has += json_array_size(json_object_get(now, lists[i]));
        kept &= begins_with(json_object_get(now, lists[i]), json_object_get(before, lists[i]));
    }
    return kept && (had || !has);
}

static json_t *terms_view(const json_t *terms)
{
    json_t *out = json_array(), *t;
    size_t i;

    if (!terms) {
        json_decref(out);
        return json_null();
    }
    json_array_foreach(terms, i, t)
        json_array_append_new(out, internal_view("core.NodeSelectorTerm", t));
    return out;
}

static void gated_affinity(struct fielderrs *e, const json_t *now, const json_t *before)
{
    static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution";
    const struct fpath *path = FP_CHILD(FP_CHILD(FP_CHILD(FP_CHILD(SPEC, "affinity"), "nodeAffinity"), required),
                                        "nodeSelectorTerms");
    const json_t *had = json_object_get(json_object_get(before, required), "nodeSelectorTerms"),
                 *has = json_object_get(json_object_get(now, required), "nodeSelectorTerms");

    if (json_array_size(had) && json_array_size(had) != json_array_size(has)) {
        json_auto_t *shown = terms_view(has);
        fielderr_invalid(e, path, shown, "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
        return;
    }
    for (size_t i = 0; i < json_array_size(had); i++)
        if (!only_additions(json_array_get(has, i), json_array_get(had, i))) {
            json_auto_t *shown = internal_view("core.NodeSelectorTerm", json_array_get(has, i));
            fielderr_invalid(e, FP_INDEX(path, i), shown, "only additions are allowed (no mutations or deletions)");
        }
}

static void munge_gated(struct fielderrs *e, json_t *munged, const json_t *before)
{
    json_t *affinity = json_object_get(munged, "affinity"), *had = json_object_get(before, "affinity");

    if (!json_same(json_object_get(munged, "nodeSelector"), json_object_get(before, "nodeSelector"))) {
        gated_selector(e, json_object_get(munged, "nodeSelector"), json_object_get(before, "nodeSelector"));
        take_from(munged, before, "nodeSelector");
    }
    if (json_same(json_object_get(affinity, "nodeAffinity"), json_object_get(had, "nodeAffinity")))
        return;
    gated_affinity(e, json_object_get(affinity, "nodeAffinity"), json_object_get(had, "nodeAffinity"));
    if (!had && !json_object_get(affinity, "podAffinity") && !json_object_get(affinity, "podAntiAffinity")) {
        json_object_del(munged, "affinity");
        return;
    }
    json_t *next = affinity ? json_copy(affinity) : json_object();
    take_from(next, had, "nodeAffinity");
    json_object_set_new(munged, "affinity", next);
}

/* ---- the rest ------------------------------------------------------------------------------------- */

/* What is left when everything that may change is as it was must be as it was. */
static void update_frozen(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const json_t *before = json_object_get(old, "spec");
    json_auto_t *munged = json_copy(json_object_get(obj, "spec"));

    if (json_same(munged, before))
        return;
    copy_images(munged, before, "containers");
    copy_images(munged, before, "initContainers");
    take_from(munged, before, "activeDeadlineSeconds");
    take_from(munged, before, "tolerations");
    take_from(munged, before, "schedulingGates");
    if (json_integer_value(json_object_get(before, "terminationGracePeriodSeconds")) < 0
        && json_integer_value(json_object_get(munged, "terminationGracePeriodSeconds")) == 1)
        take_from(munged, before, "terminationGracePeriodSeconds");
    if (json_array_size(json_object_get(before, "schedulingGates")))
        munge_gated(e, munged, before);
    if (json_same(munged, before))
        return;
    json_auto_t *x = internal_view("core.PodSpec", before), *y = internal_view("core.PodSpec", munged);
    fielderr_forbidden(e, SPEC, "pod updates may not change fields other than `spec.containers[*].image`,"
                       "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions "
                       "to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
                       "previously negative)\n%s", rule_diff(e->arena, x, y));
}

static void validate_main(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    whole_spec(e, obj);
    annotations(e, obj, old);
    if (!update_containers(e, obj, old, "containers") || !update_containers(e, obj, old, "initContainers") ||
        !update_deadline(e, obj, old))
        return;
    update_tolerations(e, obj, old);
    update_gates(e, obj, old);
    update_frozen(e, obj, old);
}

/* ---- ephemeral containers --------------------------------------------------------------------------- */

static bool is_mirror(const json_t *pod)
{
    return obj_annotation(pod, "kubernetes.io/config.mirror");
}

static void only_error(struct fielderrs *e, const char *words)
{
    e->n = 0;
    fielderr_forbidden(e, RULE_AT(""), "%s", words);
}

static const json_t *by_name(const json_t *list, const char *name)
{
    const json_t *found = NULL;
    size_t i;
    json_t *c;

    json_array_foreach(list, i, c)
        if (streq(text(c, "name"), name))
            found = c;
    return found;
}

static void validate_ephemeral(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const struct fpath *path = FP_CHILD(SPEC, "ephemeralContainers");
    size_t i;
    json_t *c;

    whole_spec(e, obj);
    annotations(e, obj, old);
    if (is_mirror(old)) {
        only_error(e, "static pods do not support ephemeral containers");
        return;
    }
    json_array_foreach(json_path(old, "spec.ephemeralContainers"), i, c) {
        const json_t *now = by_name(json_path(obj, "spec.ephemeralContainers"), text(c, "name"));
        if (!now) {
            fielderr_forbidden(e, path, "existing ephemeral containers \"%s\" may not be removed\n", text(c, "name"));
        } else if (!json_same(now, c)) {
            json_auto_t *x = internal_view("core.EphemeralContainer", c),
                        *y = internal_view("core.EphemeralContainer", now);
            fielderr_forbidden(e, path, "existing ephemeral containers \"%s\" may not be changed\n%s", text(c, "name"),
                               rule_diff(e->arena, x, y));
        }
    }
}

/* ---- resize ------------------------------------------------------------------------------------------- */

static bool pod_level_resources(const json_t *pod)
{
    return obj_count(pod, "spec.resources.requests") || obj_count(pod, "spec.resources.limits");
}

static bool resize_supported(const json_t *pod)
{
    size_t i;
    json_t *c;

    json_array_foreach(json_path(pod, "status.containerStatuses"), i, c)
        if (json_path(c, "state.running"))
            return member(c, "resources");
    return true;
}

static bool same_order(struct fielderrs *e, const json_t *obj, const json_t *old, const char *list)
{
    const json_t *now = json_object_get(json_object_get(obj, "spec"), list),
                 *before = json_object_get(json_object_get(old, "spec"), list);
    const struct fpath *path = FP_CHILD(SPEC, list);
    size_t had = e->n;

    if (json_array_size(now) != json_array_size(before))
        fielderr_forbidden(e, path, "%s may not be added or removed on resize", list);
    for (size_t i = 0; e->n == had && i < json_array_size(now); i++)
        if (!streq(text(json_array_get(now, i), "name"), text(json_array_get(before, i), "name")))
            fielderr_forbidden(e, FP_CHILD(FP_INDEX(path, i), "name"),
                               "%s may not be renamed or reordered on resize", list);
    return e->n == had;
}

static bool amounts_removed(const json_t *now, const json_t *before)
{
    const char *key;
    json_t *unused;

    json_object_foreach((json_t *)before, key, unused)
        if (!json_object_get(now, key))
            return true;
    return false;
}

static void container_resize(struct fielderrs *e, const json_t *now, const json_t *before, const struct fpath *path)
{
    if (amounts_removed(json_path(now, "resources.requests"), json_path(before, "resources.requests")))
        fielderr_forbidden(e, FP_CHILD(path, "requests"), "resource requests cannot be removed");
    if (amounts_removed(json_path(now, "resources.limits"), json_path(before, "resources.limits")))
        fielderr_forbidden(e, FP_CHILD(path, "limits"), "resource limits cannot be removed");
}

/* One list of amounts with the old cpu and memory; NULL where there was none. */
static json_t *without_changes(const json_t *now, const json_t *before)
{
    static const char *const free_to_change[] = { "cpu", "memory" };
    json_t *out = now ? json_copy((json_t *)now) : json_object();

    if (!before) {
        json_decref(out);
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(free_to_change); i++)
        take_from(out, before, free_to_change[i]);
    return out;
}

/* The container with its cpu and memory as they were, and no other resources than those. New. */
static json_t *munged_container(const json_t *now, const json_t *before)
{
    static const char *const lists[] = { "limits", "requests" };
    json_t *out = json_copy((json_t *)now), *resources = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        json_t *v = without_changes(json_object_get(json_object_get(now, "resources"), lists[i]),
                                    json_object_get(json_object_get(before, "resources"), lists[i]));
        if (v)
            json_object_set_new(resources, lists[i], v);
    }
    json_t *claims = json_object_get(json_object_get(before, "resources"), "claims");
    if (claims && !json_array_size(claims))                 /* no claims are as good as none */
        json_object_set(resources, "claims", claims);
    json_object_set_new(out, "resources", resources);
    return out;
}

static json_t *resize_containers(struct fielderrs *e, json_t *spec, const json_t *before, const char *list)
{
    bool init = streq(list, "initContainers");
    json_t *out = json_array(), *c;
    size_t i;

    json_array_foreach(json_object_get(spec, list), i, c) {
        const json_t *was = json_array_get(json_object_get(before, list), i);
        bool sidecar = streq(text(c, "restartPolicy"), "Always"), mutable = !init || sidecar;
        json_t *munged = mutable ? munged_container(c, was) : json_incref(c);
        if (!json_same(munged, was))
            fielderr_forbidden(e, SPEC, "%s", !init ? "only cpu and memory resources are mutable"
                               : sidecar ? "only cpu and memory resources for sidecar containers are mutable"
                                         : "resources for non-sidecar init containers are immutable");
        json_array_append_new(out, munged);
    }
    return out;
}

static void only_cpu_and_memory(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    static const char *const lists[] = { "containers", "initContainers" };
    const json_t *before = json_object_get(old, "spec");
    json_auto_t *munged = json_copy(json_object_get(obj, "spec"));

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        json_t *list = resize_containers(e, munged, before, lists[i]);
        if (json_array_size(list))
            json_object_set(munged, lists[i], list);
        json_decref(list);
    }
    if (!e->n && !json_same(munged, before))
        fielderr_forbidden(e, SPEC, "only cpu and memory resources are mutable");
}

static void validate_resize(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    size_t i;
    json_t *c;

    whole_spec(e, obj);
    if (pod_level_resources(old) || pod_level_resources(obj)) {
        only_error(e, "pods with pod-level resources cannot be resized");
        return;
    }
    if (is_mirror(old)) {
        only_error(e, "static pods cannot be resized");
        return;
    }
    if (streq(obj_str(old, "spec.os.name"), "windows")) {
        only_error(e, "windows pods cannot be resized");
        return;
    }
    const char *had = obj_str(old, "status.qosClass");
    if (!streq(*had ? had : pod_qos_class(e->arena, old), pod_qos_class(e->arena, obj)))
        fielderr_invalid_str(e, SPEC, obj_str(obj, "status.qosClass"), "Pod QOS Class may not change as a result of resizing");
    if (!resize_supported(old))
        fielderr_forbidden(e, SPEC, "Pod running on node without support for resize");
    bool ordered = same_order(e, obj, old, "containers");
    if (!same_order(e, obj, old, "initContainers") || !ordered)
        return;
    json_array_foreach(json_path(old, "spec.initContainers"), i, c)
        if (streq(text(c, "restartPolicy"), "Always"))
            container_resize(e, json_array_get(json_path(obj, "spec.initContainers"), i), c,
                             FP_CHILD(FP_INDEX(FP_CHILD(SPEC, "initContainers"), i), "resources"));
    json_array_foreach(json_path(old, "spec.containers"), i, c)
        container_resize(e, json_array_get(json_path(obj, "spec.containers"), i), c,
                         FP_CHILD(FP_INDEX(FP_CHILD(SPEC, "containers"), i), "resources"));
    only_cpu_and_memory(e, obj, old);
}

void pod_validate_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                         const json_t *old, struct fielderrs *e)
{
    (void)c, (void)k;
    if (!sub)
        validate_main(e, obj, old);
    else if (streq(sub->name, "status"))
        pod_validate_status(e, obj, old);
    else if (streq(sub->name, "ephemeralcontainers"))
        validate_ephemeral(e, obj, old);
    else if (streq(sub->name, "resize"))
        validate_resize(e, obj, old);
}
