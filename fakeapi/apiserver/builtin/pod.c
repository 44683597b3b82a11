#include "fakeapi/apiserver/builtin/builtin.h"
#include "fakeapi/apiserver/builtin/podspec_priv.h"
#include "fakeapi/apiserver/server.h"

#include <inttypes.h>

#include "kube/quantity.h"

/* Pods: what admission adds, what a strategy sets, what may change later (B.7, B-170, G-040 to G-045). */

/* A pod that no node runs, or that has ended, needs no grace (B-130, B-131). */
static int64_t pod_grace(struct call *c, const json_t *obj, int64_t asked)
{
    const char *phase = obj_str(obj, "status.phase");
    int64_t period = asked != GRACE_OWN ? asked : obj_int(obj, "spec.terminationGracePeriodSeconds", 30);

    (void)c;
    if (!*obj_str(obj, "spec.nodeName") || streq(phase, "Succeeded") || streq(phase, "Failed"))
        period = 0;
    return period < 0 ? 1 : period;
}

/* ---- quality of service --------------------------------------------------------------------------- */

static bool amount(struct arena *a, const json_t *map, const char *name, struct quantity *ret)
{
    const json_t *v = json_object_get(map, name);

    return v && quantity_parse_json(a, v, ret, NULL) == 0 && !quantity_is_zero(ret);
}

/* Guaranteed: every container limits cpu and memory and requests just that. BestEffort: none asks for
 * anything of the two. */
static const char *qos_class(struct arena *a, const json_t *pod)
{
    static const char *const lists[] = { "spec.containers", "spec.initContainers" };
    static const char *const resources[] = { "cpu", "memory" };
    bool any = false, guaranteed = true;
    size_t i;
    json_t *c;

    for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
        json_array_foreach(json_path(pod, lists[l]), i, c) {
            const json_t *requests = json_path(c, "resources.requests"), *limits = json_path(c, "resources.limits");
            for (size_t r = 0; r < ARRAY_SIZE(resources); r++) {
                struct quantity asked, most;
                bool has_request = amount(a, requests, resources[r], &asked);
                bool has_limit = amount(a, limits, resources[r], &most);
                any |= has_request || has_limit;
                guaranteed &= has_limit && has_request && quantity_compare(&asked, &most) == 0;
            }
        }
    return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

static int pod_prepare_create(struct call *c, json_t *obj)
{
    json_t *status = json_pack("{s:s}", "phase", "Pending");

    if (json_array_size(json_path(obj, "spec.schedulingGates")))
        json_object_set_new(status, "conditions",
                            json_pack("[{s:s, s:s, s:n, s:s, s:s, s:s}]", "type", "PodScheduled", "status", "False",
                                      "lastProbeTime", "lastTransitionTime", call_text_time(c), "reason",
                                      "SchedulingGated", "message",
                                      "Scheduling is blocked due to non-empty scheduling gates"));
    json_object_set_new(status, "qosClass", json_string(qos_class(c->arena, obj)));
    obj_set(obj, "status", status);
    return 0;
}

/* ---- admission ------------------------------------------------------------------------------------- */

static int forbidden(struct call *c, const json_t *obj, const char *fmt, ...) PRINTF(3, 4);
static int forbidden(struct call *c, const json_t *obj, const char *fmt, ...)
{
    va_list args;
    int r;

    va_start(args, fmt);
    const char *why = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    r = apierr_set(&c->err, APIERR_FORBIDDEN, "pods \"%s\" is forbidden: %s", obj_name(obj), why);
    c->err.name = arena_strdup(c->arena, obj_name(obj));
    c->err.kind = "pods";
    return r;
}

/* The class by its name, or the default one of the cluster. NULL: there is none. */
static const json_t *priority_class(struct call *c, const char *name)
{
    const struct kind *k = kinds_find(c->s->kinds, "scheduling.k8s.io", "v1", "priorityclasses");
    struct record rec;

    if (!*name || store_get(c->s->store, call_store_key(c, k, "", name), 0, &rec) < 0)
        return NULL;
    return value_tree(rec.value);
}

struct default_class {
    const json_t *best;
};

static bool consider_default(void *arg, const struct record *rec)
{
    struct default_class *d = arg;
    const json_t *one = value_tree(rec->value);

    if (json_is_true(json_object_get(one, "globalDefault"))
        && (!d->best || json_integer_value(json_object_get(one, "value"))
                            < json_integer_value(json_object_get(d->best, "value"))))
        d->best = one;
    return true;
}

static int admit_priority(struct call *c, json_t *obj)
{
    const char *name = obj_str(obj, "spec.priorityClassName");
    const json_t *class = priority_class(c, name), *given = json_path(obj, "spec.priority");
    const json_t *policy_given = json_path(obj, "spec.preemptionPolicy");
    struct default_class def = { 0 };

    if (*name && !class)
        return forbidden(c, obj, "no PriorityClass with name %s was found", name);
    if (!*name) {
        store_range(c->s->store, "/registry/priorityclasses/", NULL, 0, 0, consider_default, &def, NULL);
        class = def.best;
        if (class)
            obj_set(obj, "spec.priorityClassName", json_string(obj_name(class)));
    }
    int64_t value = class ? json_integer_value(json_object_get(class, "value")) : 0;
    const char *policy = class && *text(class, "preemptionPolicy") ? text(class, "preemptionPolicy")
                                                                   : "PreemptLowerPriority";
    if (given && json_integer_value(given) != value)
        return forbidden(c, obj, "the integer value of priority (%" PRId64 ") must not be provided in pod spec; priority "
                         "admission controller computed %" PRId64 " from the given PriorityClass name",
                         (int64_t)json_integer_value(given), value);
    if (policy_given && !streq(json_string_value(policy_given), policy))
        return forbidden(c, obj, "the string value of PreemptionPolicy (%s) must not be provided in pod spec; priority "
                         "admission controller computed %s from the given PriorityClass name",
                         json_string_value(policy_given), policy);
    obj_set(obj, "spec.priority", json_integer(value));
    obj_set(obj, "spec.preemptionPolicy", json_string(policy));
    return 0;
}

static bool tolerated(const json_t *obj, const char *key)
{
    size_t i;
    json_t *t;

    json_array_foreach(json_path(obj, "spec.tolerations"), i, t) {
        const char *effect = text(t, "effect"), *tolerated_key = text(t, "key");
        if ((!*tolerated_key || streq(tolerated_key, key)) && (!*effect || streq(effect, "NoExecute")))
            return true;
    }
    return false;
}

/* Five minutes on a node that is lost, unless the pod says otherwise. */
static void admit_tolerations(json_t *obj)
{
    static const char *const keys[] = { "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable" };
    bool missing[ARRAY_SIZE(keys)];

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        missing[i] = !tolerated(obj, keys[i]);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        json_t *old = json_path(obj, "spec.tolerations"), *next = old ? json_copy(old) : json_array();
        if (missing[i])
            json_array_append_new(next, json_pack("{s:s, s:s, s:s, s:i}", "key", keys[i], "operator", "Exists",
                                                  "effect", "NoExecute", "tolerationSeconds", 300));
        if (json_array_size(next))
            obj_set(obj, "spec.tolerations", next);
        else
            json_decref(next);
    }
}

/* What an update leaves out stays as it was. */
static void keep_priority(json_t *obj, const json_t *old)
{
    static const char *const kept[] = { "spec.priority", "spec.preemptionPolicy" };

    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        if (!json_path(obj, kept[i]) && json_path(old, kept[i]))
            obj_set(obj, kept[i], json_incref(json_path(old, kept[i])));
}

/* One address is also a list of one; the class of service is nobody's to change. */
static void complete_status(json_t *obj, const json_t *old)
{
    const char *ip = obj_str(obj, "status.podIP");

    if (*ip && !json_array_size(json_path(obj, "status.podIPs")))
        obj_set(obj, "status.podIPs", json_pack("[{s:s}]", "ip", ip));
    if (!*obj_str(obj, "status.qosClass") && *obj_str(old, "status.qosClass"))
        obj_set(obj, "status.qosClass", json_incref(json_path(old, "status.qosClass")));
}

static int pod_admit(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    int r = 0;

    if (sub) {
        if (streq(sub->name, "status") && old)
            complete_status(obj, old);
        return 0;
    }
    if (old)
        keep_priority(obj, old);
    else
        r = admit_priority(c, obj);
    if (r == 0)
        admit_tolerations(obj);
    return r;
}

/* ---- validation ------------------------------------------------------------------------------------ */

static void pod_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    (void)c, (void)k;
    pod_validate_create(e, obj);
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
            fielderr_forbidden(e, FP_CHILD(FP_CHILD(NULL, "spec"), "tolerations"),
                               "existing toleration can not be modified except its tolerationSeconds");
            return;
        }
    }
}

static void update_deadline(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const json_t *now = json_path(obj, "spec.activeDeadlineSeconds"), *before = json_path(old, "spec.activeDeadlineSeconds");
    const struct fpath *path = FP_CHILD(FP_CHILD(NULL, "spec"), "activeDeadlineSeconds");

    if (now) {
        struct fielderrs own = FIELDERRS_IN(e->arena);
        rule_range(&own, json_object_get(obj, "spec"), FP_CHILD(NULL, "spec"), "activeDeadlineSeconds", 1, INT32_MAX);
        if (own.n)
            rule_range(e, json_object_get(obj, "spec"), FP_CHILD(NULL, "spec"), "activeDeadlineSeconds", 1, INT32_MAX);
        else if (before && json_integer_value(before) < json_integer_value(now))
            fielderr_invalid(e, path, now, "must be less than or equal to previous value");
    } else if (before) {
        json_auto_t *none = json_null();
        fielderr_invalid(e, path, none, "must not update from a positive integer to nil value");
    }
}

static void update_gates(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    size_t i;
    json_t *g;

    json_array_foreach(json_path(obj, "spec.schedulingGates"), i, g) {
        const json_t *before = json_path(old, "spec.schedulingGates");
        if (!name_before(before, json_array_size(before), text(g, "name")))
            fielderr_forbidden(e, FP_CHILD(FP_INDEX(FP_CHILD(FP_CHILD(NULL, "spec"), "schedulingGates"), i), "name"),
                               "only deletion is allowed, but found new scheduling gate '%s'", text(g, "name"));
    }
}

/* The images of `from` put into `spec`, container by container. */
static void copy_images(json_t *spec, const json_t *from, const char *list)
{
    json_t *containers = json_object_get(spec, list), *out;
    const json_t *other = json_object_get(from, list);

    if (json_array_size(containers) != json_array_size(other))
        return;
    out = json_array();
    for (size_t i = 0; i < json_array_size(containers); i++) {
        json_t *c = json_copy(json_array_get(containers, i)), *image = json_object_get(json_array_get(other, i), "image");
        if (image)
            json_object_set(c, "image", image);
        json_array_append_new(out, c);
    }
    if (json_array_size(out))
        json_object_set(spec, list, out);
    json_decref(out);
}

static void take_from(json_t *spec, const json_t *old, const char *name)
{
    json_t *v = json_object_get(old, name);

    if (v)
        json_object_set(spec, name, v);
    else
        json_object_del(spec, name);
}

/* What is left when everything that may change is as it was must be as it was (B-170). */
static void update_frozen(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const json_t *before = json_object_get(old, "spec");
    json_auto_t *munged = json_copy(json_object_get(obj, "spec"));
    bool gated = json_array_size(json_object_get(before, "schedulingGates"));

    copy_images(munged, before, "containers");
    copy_images(munged, before, "initContainers");
    take_from(munged, before, "activeDeadlineSeconds");
    take_from(munged, before, "tolerations");
    take_from(munged, before, "schedulingGates");
    if (json_integer_value(json_object_get(before, "terminationGracePeriodSeconds")) < 0
        && json_integer_value(json_object_get(munged, "terminationGracePeriodSeconds")) == 1)
        take_from(munged, before, "terminationGracePeriodSeconds");
    if (gated) {
        take_from(munged, before, "nodeSelector");
        take_from(munged, before, "affinity");
    }
    if (!json_same(munged, before))
        fielderr_forbidden(e, FP_CHILD(NULL, "spec"),
                           "pod updates may not change fields other than `spec.containers[*].image`,"
                           "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions "
                           "to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
                           "previously negative)");
}

static void pod_validate_update(struct call *c, const struct kind *k, const struct subresource *sub,
                                const json_t *obj, const json_t *old, struct fielderrs *e)
{
    (void)c, (void)k;
    if (sub)
        return;
    struct podspec_options o = { .is_template = false };
    podspec_validate(e, json_object_get(obj, "spec"), FP_CHILD(NULL, "spec"), &o);
    update_deadline(e, obj, old);
    update_gates(e, obj, old);
    update_tolerations(e, obj, old);
    update_frozen(e, obj, old);
}

const struct kind_ops pod_ops = {
    .prepare_create = pod_prepare_create,
    .admit = pod_admit,
    .validate = pod_validate,
    .validate_update = pod_validate_update,
    .grace = pod_grace,
};
