/* What a pod is cleared of because the gate of its feature is off, and what the server adds to its selectors. */
#include "fakeapi/apiserver/builtin/builtin.h"
#include "fakeapi/apiserver/builtin/podspec_priv.h"

#include "kube/object.h"

/* ---- features that are off ------------------------------------------------------------------------- */

static bool is_image(const json_t *volumes, const char *name)
{
    size_t i;
    json_t *v;

    json_array_foreach(volumes, i, v)
        if (member(v, "image") && streq(text(v, "name"), name))
            return true;
    return false;
}

static json_t *mounts_of_others(const json_t *container, const json_t *volumes)
{
    json_t *kept = json_array(), *v;
    size_t i;

    json_array_foreach(json_object_get(container, "volumeMounts"), i, v)
        if (!is_image(volumes, text(v, "name")))
            json_array_append(kept, v);
    return kept;
}

static json_t *other_volumes(const json_t *volumes)
{
    json_t *kept = json_array(), *v;
    size_t i;

    json_array_foreach(volumes, i, v)
        if (!member(v, "image"))
            json_array_append(kept, v);
    return kept;
}

static void set_or_drop(json_t *owner, const char *name, json_t *list)
{
    if (json_array_size(list))
        json_object_set(owner, name, list);
    else
        json_object_del(owner, name);
    json_decref(list);
}

static bool has_image(const json_t *volumes)
{
    size_t i;
    json_t *v;

    json_array_foreach(volumes, i, v)
        if (member(v, "image"))
            return true;
    return false;
}

/* Only a sidecar may say for itself when it is restarted. */
static bool restarts_alone(const json_t *container, bool init)
{
    return member(container, "restartPolicy") && !(init && streq(text(container, "restartPolicy"), "Always"));
}

static void clear_containers(json_t *spec, const char *list, const json_t *volumes)
{
    bool images = has_image(volumes), init = streq(list, "initContainers");

    for (size_t i = 0; i < json_array_size(json_object_get(spec, list)); i++) {
        const json_t *c = json_array_get(json_object_get(spec, list), i);
        bool alone = restarts_alone(c, init);
        if (!alone && !(images && json_array_size(json_object_get(c, "volumeMounts"))))
            continue;
        json_t *own = json_own_element(json_own_array(spec, list), i);
        if (alone)
            json_object_del(own, "restartPolicy");
        if (images)
            set_or_drop(own, "volumeMounts", mounts_of_others(own, volumes));
    }
}

static void clear_spec(json_t *spec)
{
    json_auto_t *volumes = json_incref(json_object_get(spec, "volumes"));

    clear_containers(spec, "initContainers", volumes);
    clear_containers(spec, "containers", volumes);
    clear_containers(spec, "ephemeralContainers", volumes);
    if (has_image(volumes))
        set_or_drop(spec, "volumes", other_volumes(volumes));
}

void podspec_clear_gated(const struct kind *k, json_t *obj)
{
    static const struct {
        const struct kind_ops *ops;
        const char *path[5];           /* to the spec of the pod */
    } holders[] = {
        { &pod_ops, { "spec" } }, { &podtemplate_ops, { "template", "spec" } },
        { &deployment_ops, { "spec", "template", "spec" } }, { &replicaset_ops, { "spec", "template", "spec" } },
        { &rc_ops, { "spec", "template", "spec" } }, { &statefulset_ops, { "spec", "template", "spec" } },
        { &daemonset_ops, { "spec", "template", "spec" } }, { &job_ops, { "spec", "template", "spec" } },
        { &cronjob_ops, { "spec", "jobTemplate", "spec", "template", "spec" } },
    };

    for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
        json_t *at = obj;
        if (holders[i].ops != k->ops)
            continue;
        for (size_t n = 0; at && n < ARRAY_SIZE(holders[i].path) && holders[i].path[n]; n++)
            at = json_is_object(json_object_get(at, holders[i].path[n])) ? json_own_object(at, holders[i].path[n]) : NULL;
        if (at)
            clear_spec(at);
    }
}

/* ---- selectors ----------------------------------------------------------------------------------------- */

static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution",
                  preferred[] = "preferredDuringSchedulingIgnoredDuringExecution";

/* A key whose value is the pod's own becomes a term of the selector; a label that the pod lacks selects nothing. */
static void narrow(json_t *term, const char *keys, const char *operator, const json_t *labels)
{
    size_t i;
    json_t *key;

    if (!json_array_size(json_object_get(term, keys)) || !json_is_object(member(term, "labelSelector")))
        return;
    json_array_foreach(json_object_get(term, keys), i, key) {
        json_t *value = json_object_get(labels, json_string_value(key));
        if (value)
            json_array_append_new(json_own_array(json_own_object(term, "labelSelector"), "matchExpressions"),
                                  json_pack("{s:O, s:s, s:[O]}", "key", key, "operator", operator, "values", value));
    }
}

static void narrow_term(json_t *term, const json_t *labels)
{
    narrow(term, "matchLabelKeys", "In", labels);
    narrow(term, "mismatchLabelKeys", "NotIn", labels);
}

static void narrow_affinity(json_t *spec, const char *kind, const json_t *labels)
{
    const json_t *given = json_object_get(json_object_get(spec, "affinity"), kind);

    if (!json_is_object(given))
        return;
    json_t *own = json_own_object(json_own_object(spec, "affinity"), kind);
    for (size_t i = 0; i < json_array_size(json_object_get(given, required)); i++)
        narrow_term(json_own_element(json_own_array(own, required), i), labels);
    for (size_t i = 0; i < json_array_size(json_object_get(given, preferred)); i++)
        narrow_term(json_own_object(json_own_element(json_own_array(own, preferred), i), "podAffinityTerm"), labels);
}

void podspec_narrow_selectors(json_t *pod)
{
    json_auto_t *labels = json_incref(json_object_get(obj_metadata(pod), "labels"));
    json_t *spec = json_own_object(pod, "spec");

    narrow_affinity(spec, "podAffinity", labels);
    narrow_affinity(spec, "podAntiAffinity", labels);
    for (size_t i = 0; i < json_array_size(json_object_get(spec, "topologySpreadConstraints")); i++)
        narrow(json_own_element(json_own_array(spec, "topologySpreadConstraints"), i), "matchLabelKeys", "In", labels);
}
