/* PodDisruptionBudgets and HorizontalPodAutoscalers (G.3, B-178). */
#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/selector.h"

#define SPEC RULE_AT("spec")
#define STATUS RULE_AT("status")

/* ---- PodDisruptionBudget -------------------------------------------------------------------------- */

static void budget_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char *const policies[] = { "AlwaysAllow", "IfHealthyBudget", NULL };
    const json_t *spec = json_object_get(obj, "spec"), *min = member(spec, "minAvailable"),
                 *max = member(spec, "maxUnavailable");

    if (min && max) {
        json_auto_t *shown = json_pack("{s:O, s:O, s:O, s:O}", "MinAvailable", min, "Selector",
                                       rule_shown(member(spec, "selector")), "MaxUnavailable", max,
                                       "UnhealthyPodEvictionPolicy", rule_shown(member(spec, "unhealthyPodEvictionPolicy")));
        fielderr_invalid(e, SPEC, shown, "minAvailable and maxUnavailable cannot be both set");
    }
    rule_int_or_percent(e, min, FP_CHILD(SPEC, "minAvailable"));
    rule_at_most_all(e, min, FP_CHILD(SPEC, "minAvailable"));
    rule_int_or_percent(e, max, FP_CHILD(SPEC, "maxUnavailable"));
    rule_at_most_all(e, max, FP_CHILD(SPEC, "maxUnavailable"));
    rule_one_of(e, spec, SPEC, "unhealthyPodEvictionPolicy", policies);
    label_selector_validate(e, FP_CHILD(SPEC, "selector"), member(spec, "selector"));
}

static void budget_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                          const json_t *old, struct fielderrs *e)
{
    static const char *const counts[] = { "disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods" };

    if (!rule_is_status(sub)) {
        budget_validate(c, k, obj, e);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        rule_not_negative(e, json_object_get(obj, "status"), STATUS, counts[i]);
}

const struct kind_ops budget_ops = { .validate = budget_validate, .validate_update = budget_update };

/* ---- HorizontalPodAutoscaler ---------------------------------------------------------------------- */

static void scaler_metrics(struct fielderrs *e, const json_t *spec, bool to_zero)
{
    static const char *const types[] = { "ContainerResource", "External", "Object", "Pods", "Resource", NULL };
    bool elsewhere = false;
    size_t i;
    json_t *m;

    json_array_foreach(json_object_get(spec, "metrics"), i, m) {
        rule_required_one_of(e, m, FP_INDEX(FP_CHILD(SPEC, "metrics"), i), "type", types);
        if (!among(types, text(m, "type")))        /* and again, as a type without a source */
            fielderr_not_supported(e, FP_CHILD(FP_INDEX(FP_CHILD(SPEC, "metrics"), i), "type"),
                                   rule_shown(member(m, "type")), types);
        elsewhere |= streq(text(m, "type"), "Object") || streq(text(m, "type"), "External");
    }
    if (to_zero && !elsewhere)
        fielderr_forbidden(e, FP_CHILD(SPEC, "metrics"),
                           "must specify at least one Object or External metric to support scaling to zero replicas");
}

static void scaler_target(struct fielderrs *e, const json_t *ref)
{
    const struct fpath *path = FP_CHILD(SPEC, "scaleTargetRef");

    if (rule_required_text(e, ref, path, "kind"))
        rule_name(e, FP_CHILD(path, "kind"), NAME_PATH_SEGMENT, text(ref, "kind"));
    if (rule_required_text(e, ref, path, "name"))
        rule_name(e, FP_CHILD(path, "name"), NAME_PATH_SEGMENT, text(ref, "name"));
    if (!*text(ref, "apiVersion"))
        fielderr_invalid_str(e, FP_CHILD(path, "apiVersion"), "", "apiVersion must specify API group");
}

static void scaler_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *spec = json_object_get(obj, "spec");
    int64_t min = obj_int(spec, "minReplicas", 1), max = obj_int(spec, "maxReplicas", 0);

    if (min < 1)
        fielderr_invalid_int(e, FP_CHILD(SPEC, "minReplicas"), min, "must be greater than or equal to 1");
    if (max < 1)
        fielderr_invalid_int(e, FP_CHILD(SPEC, "maxReplicas"), max, "must be greater than 0");
    if (max < min)
        fielderr_invalid_int(e, FP_CHILD(SPEC, "maxReplicas"), max, "must be greater than or equal to `minReplicas`");
    scaler_target(e, json_object_get(spec, "scaleTargetRef"));
    scaler_metrics(e, spec, min == 0);
}

static void scaler_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                          const json_t *old, struct fielderrs *e)
{
    if (!rule_is_status(sub)) {
        scaler_validate(c, k, obj, e);
        return;
    }
    rule_not_negative(e, json_object_get(obj, "status"), STATUS, "currentReplicas");
    rule_not_negative(e, json_object_get(obj, "status"), STATUS, "desiredReplicas");
}

const struct kind_ops scaler_ops = { .validate = scaler_validate, .validate_update = scaler_update };

/* ---- the old version, which knows one metric ------------------------------------------------------ */

static bool is_cpu(const json_t *metric)
{
    return streq(text(metric, "type"), "Resource") && streq(obj_str(metric, "resource.name"), "cpu")
           && json_path(metric, "resource.target.averageUtilization");
}

static int old_scaler_from_storage(struct call *c, const struct kind *k, const json_t *stored, json_t **ret)
{
    json_t *obj = json_clone(stored), *metrics = json_path(obj, "spec.metrics"), *m;
    size_t i;

    json_object_set_new(obj, "apiVersion", json_string("autoscaling/v1"));
    json_array_foreach(metrics, i, m)
        if (is_cpu(m)) {
            obj_set(obj, "spec.targetCPUUtilizationPercentage",
                    json_incref(json_path(m, "resource.target.averageUtilization")));
            break;
        }
    obj_set(obj, "spec.metrics", NULL);
    obj_set(obj, "spec.behavior", NULL);
    obj_set(obj, "status.currentMetrics", NULL);
    obj_set(obj, "status.conditions", NULL);
    int r = decode_default(c, k, &obj);
    if (r < 0 || (r = decode_finish(c, k, &obj)) < 0) {
        json_decref(obj);
        return r;
    }
    *ret = obj;
    return 0;
}

static int old_scaler_to_storage(struct call *c, const struct kind *k, const json_t *obj, json_t **ret)
{
    const struct kind *now = kinds_find(c->s->kinds, "autoscaling", "v2", "horizontalpodautoscalers");
    json_t *out = json_clone(obj), *percent = json_path(obj, "spec.targetCPUUtilizationPercentage");

    json_object_set_new(out, "apiVersion", json_string("autoscaling/v2"));
    obj_set(out, "spec.targetCPUUtilizationPercentage", NULL);
    obj_set(out, "status.currentCPUUtilizationPercentage", NULL);
    if (percent)
        obj_set(out, "spec.metrics", json_pack("[{s:s, s:{s:s, s:{s:s, s:O}}}]", "type", "Resource", "resource", "name",
                                               "cpu", "target", "type", "Utilization", "averageUtilization", percent));
    *ret = out;
    int r = decode_default(c, now, ret);
    return r < 0 ? r : decode_finish(c, now, ret);
}

const struct kind_ops old_scaler_ops = {
    .validate = scaler_validate, .validate_update = scaler_update,
    .from_storage = old_scaler_from_storage, .to_storage = old_scaler_to_storage,
};
