#include "fakeapi/apiserver/builtin/warnings.h"
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

static int pod_prepare_create(struct call *c, json_t *obj)
{
    json_t *status = json_pack("{s:s}", "phase", "Pending");

    if (json_array_size(json_path(obj, "spec.schedulingGates")))
        json_object_set_new(status, "conditions",
                            json_pack("[{s:s, s:s, s:n, s:s, s:s, s:s}]", "type", "PodScheduled", "status", "False",
                                      "lastProbeTime", "lastTransitionTime", call_text_time(c), "reason",
                                      "SchedulingGated", "message",
                                      "Scheduling is blocked due to non-empty scheduling gates"));
    json_object_set_new(status, "qosClass", json_string(pod_qos_class(c->arena, obj)));
    obj_set(obj, "status", status);
    podspec_narrow_selectors(obj);
    return 0;
}

/* ---- admission ------------------------------------------------------------------------------------- */

static int forbidden(struct call *c, const json_t *obj, const char *fmt, ...) PRINTF(3, 4);
static int forbidden(struct call *c, const json_t *obj, const char *fmt, ...)
{
    va_list args;
    int r;

    va_start(args, fmt);
    const char *why = arena_vprintf(c->arena, fmt, args), *name = *obj_name(obj) ? obj_name(obj) : "Unknown";
    va_end(args);
    r = apierr_set(&c->err, APIERR_FORBIDDEN, "pods \"%s\" is forbidden: %s", name, why);
    c->err.name = arena_strdup(c->arena, name);
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

/* One address is also a list of one; and what a pod asks for itself. */
static void pod_defaults(struct call *c, json_t *obj)
{
    const char *ip = obj_str(obj, "status.podIP"), *first = obj_str(json_path(obj, "status.podIPs[0]"), "ip");

    if (json_is_object(json_path(obj, "spec.resources")))
        podspec_default_resources(c->arena, json_own_object(obj, "spec"));
    if (*ip && !streq(ip, first))
        obj_set(obj, "status.podIPs", json_pack("[{s:s}]", "ip", ip));
    else if (!*ip && *first)
        obj_set(obj, "status.podIP", json_string(first));
}

static int pod_admit(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    int r = 0;

    if (sub)
        return 0;
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

const struct kind_ops pod_ops = {
    .defaults = pod_defaults,
    .prepare_create = pod_prepare_create,
    .prepare_update = pod_prepare_update,
    .admit = pod_admit,
    .validate = pod_validate,
    .validate_update = pod_validate_update,
    .warn = pod_warn,
    .grace = pod_grace,
};
