/* HorizontalPodAutoscalers, of both versions (G.3, B-178). */
#include "fakeapi/apiserver/builtin/resource_names.h"
#include "fakeapi/apiserver/builtin/rules.h"

#define SPEC RULE_AT("spec")
#define STATUS RULE_AT("status")

static void scaler_amount(struct fielderrs *e, const json_t *target, const struct fpath *at, const char *name)
{
    if (member(target, name) && rule_amount_sign(e->arena, member(target, name)) <= 0)
        fielderr_invalid(e, FP_CHILD(at, name), member(target, name), "must be positive");
}

static void metric_target(struct fielderrs *e, const json_t *target, const struct fpath *at)
{
    static const char *const types[] = { "Utilization", "Value", "AverageValue", NULL };
    const json_t *percent = member(target, "averageUtilization");

    if (!*text(target, "type"))
        fielderr_required(e, FP_CHILD(at, "type"), "must specify a metric target type");
    if (!among(types, text(target, "type")))
        fielderr_invalid_str(e, FP_CHILD(at, "type"), text(target, "type"),
                             "must be either Utilization, Value, or AverageValue");
    scaler_amount(e, target, at, "value");
    scaler_amount(e, target, at, "averageValue");
    if (percent && json_integer_value(percent) < 1)
        fielderr_invalid(e, FP_CHILD(at, "averageUtilization"), percent, "must be greater than 0");
}

static void scaled_object(struct fielderrs *e, const json_t *ref, const struct fpath *at, bool grouped)
{
    static const char *const names[] = { "kind", "name" };
    const char *version = text(ref, "apiVersion"), *slash = strchr(version, '/');

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (rule_required_text(e, ref, at, names[i]))
            rule_name(e, FP_CHILD(at, names[i]), NAME_PATH_SEGMENT, text(ref, names[i]));
    if (slash && strchr(slash + 1, '/'))
        fielderr_invalid_str(e, FP_CHILD(at, "apiVersion"), version, "unexpected GroupVersion string: %s", version);
    else if (grouped && (!slash || slash == version))
        fielderr_invalid_str(e, FP_CHILD(at, "apiVersion"), version, "apiVersion must specify API group");
}

static void metric_name(struct fielderrs *e, const json_t *src, const struct fpath *at)
{
    const json_t *metric = member(src, "metric");

    if (!*text(metric, "name"))
        fielderr_required(e, FP_CHILD(FP_CHILD(at, "metric"), "name"), "must specify a metric name");
    else
        rule_name(e, FP_CHILD(FP_CHILD(at, "metric"), "name"), NAME_PATH_SEGMENT, text(metric, "name"));
}

static void object_metric(struct fielderrs *e, const json_t *src, const struct fpath *at)
{
    const json_t *target = member(src, "target");

    scaled_object(e, member(src, "describedObject"), FP_CHILD(at, "describedObject"), false);
    metric_name(e, src, at);
    metric_target(e, target, FP_CHILD(at, "target"));
    if (!member(target, "value") && !member(target, "averageValue"))
        fielderr_required(e, FP_CHILD(FP_CHILD(at, "target"), "averageValue"),
                          "must set either a target value or averageValue");
}

static void external_metric(struct fielderrs *e, const json_t *src, const struct fpath *at)
{
    const json_t *target = member(src, "target");
    bool value = member(target, "value"), average = member(target, "averageValue");

    metric_name(e, src, at);
    metric_target(e, target, FP_CHILD(at, "target"));
    if (!value && !average)
        fielderr_required(e, FP_CHILD(FP_CHILD(at, "target"), "averageValue"),
                          "must set either a target value for metric or a per-pod target");
    if (value && average)
        fielderr_forbidden(e, FP_CHILD(FP_CHILD(at, "target"), "value"),
                           "may not set both a target value for metric and a per-pod target");
}

static void pods_metric(struct fielderrs *e, const json_t *src, const struct fpath *at)
{
    metric_name(e, src, at);
    metric_target(e, member(src, "target"), FP_CHILD(at, "target"));
    if (!member(member(src, "target"), "averageValue"))
        fielderr_required(e, FP_CHILD(FP_CHILD(at, "target"), "averageValue"), "must specify a positive target averageValue");
}

static void resource_metric(struct fielderrs *e, const json_t *src, const struct fpath *at)
{
    const json_t *target = member(src, "target");
    bool percent = member(target, "averageUtilization"), value = member(target, "averageValue");

    if (!*text(src, "name"))
        fielderr_required(e, FP_CHILD(at, "name"), "must specify a resource name");
    metric_target(e, target, FP_CHILD(at, "target"));
    if (!percent && !value)
        fielderr_required(e, FP_CHILD(FP_CHILD(at, "target"), "averageUtilization"),
                          "must set either a target raw value or a target utilization");
    if (percent && value)
        fielderr_forbidden(e, FP_CHILD(FP_CHILD(at, "target"), "averageValue"),
                           "may not set both a target raw value and a target utilization");
}

static void container_metric(struct fielderrs *e, const json_t *src, const struct fpath *at)
{
    json_auto_t *rest = json_copy((json_t *)src);

    if (*text(src, "name"))
        rule_container_resource_name(e, FP_CHILD(at, "name"), text(src, "name"));
    else
        fielderr_required(e, FP_CHILD(at, "name"), "must specify a resource name");
    if (*text(src, "container"))
        rule_name(e, FP_CHILD(at, "container"), NAME_DNS1123_LABEL, text(src, "container"));
    else
        fielderr_required(e, FP_CHILD(at, "container"), "must specify a container");
    json_object_set_new(rest, "name", json_string("named"));     /* what stands above */
    resource_metric(e, rest, at);
}

/* In the order of the checks. */
static const struct {
    const char *type, *field;
    void (*check)(struct fielderrs *e, const json_t *src, const struct fpath *at);
} metric_sources[] = {
    { "Object", "object", object_metric }, { "External", "external", external_metric }, { "Pods", "pods", pods_metric },
    { "Resource", "resource", resource_metric }, { "ContainerResource", "containerResource", container_metric },
};

static void scaler_metric(struct fielderrs *e, const json_t *m, const struct fpath *at)
{
    static const char *const types[] = { "ContainerResource", "External", "Object", "Pods", "Resource", NULL };
    const char *type = text(m, "type");
    size_t n = 0;

    if (!*type)
        fielderr_required(e, FP_CHILD(at, "type"), "must specify a metric source type");
    rule_required_one_of(e, m, at, "type", types);
    for (size_t i = 0; i < ARRAY_SIZE(metric_sources); i++)
        if (member(m, metric_sources[i].field) && n++ == 0)
            metric_sources[i].check(e, member(m, metric_sources[i].field), FP_CHILD(at, metric_sources[i].field));
    for (size_t i = 0; i < ARRAY_SIZE(metric_sources); i++)
        if (streq(metric_sources[i].type, type) && !member(m, metric_sources[i].field))
            fielderr_required(e, FP_CHILD(at, metric_sources[i].field),
                              "must populate information for the given metric source");
    rule_required_one_of(e, m, at, "type", types);               /* and again, as a type without a source */
    for (size_t i = 0; n > 1 && i < ARRAY_SIZE(metric_sources); i++)
        if (!streq(metric_sources[i].type, type) && member(m, metric_sources[i].field))
            fielderr_forbidden(e, FP_CHILD(at, metric_sources[i].field), "must populate the given metric source only");
}

static void scaler_metrics(struct fielderrs *e, const json_t *spec, bool to_zero)
{
    bool elsewhere = false;
    size_t i;
    json_t *m;

    json_array_foreach(json_object_get(spec, "metrics"), i, m) {
        scaler_metric(e, m, FP_INDEX(FP_CHILD(SPEC, "metrics"), i));
        elsewhere |= streq(text(m, "type"), "Object") || streq(text(m, "type"), "External");
    }
    if (to_zero && !elsewhere)
        fielderr_forbidden(e, FP_CHILD(SPEC, "metrics"),
                           "must specify at least one Object or External metric to support scaling to zero replicas");
}

static void scaling_policy(struct fielderrs *e, const json_t *policy, const struct fpath *at)
{
    static const char *const types[] = { "Percent", "Pods", NULL };
    int64_t value = obj_int(policy, "value", 0), period = obj_int(policy, "periodSeconds", 0);

    rule_required_one_of(e, policy, at, "type", types);
    if (value <= 0)
        fielderr_invalid_int(e, FP_CHILD(at, "value"), value, "must be greater than zero");
    if (period <= 0)
        fielderr_invalid_int(e, FP_CHILD(at, "periodSeconds"), period, "must be greater than zero");
    if (period > 1800)
        fielderr_invalid_int(e, FP_CHILD(at, "periodSeconds"), period, "must be less than or equal to 1800");
}

static void scaling_rules(struct fielderrs *e, const json_t *rules, const struct fpath *at)
{
    static const char *const selects[] = { "Disabled", "Max", "Min", NULL };
    int64_t window = obj_int(rules, "stabilizationWindowSeconds", 0);
    size_t i;
    json_t *policy;

    if (!rules)
        return;
    if (window < 0)
        fielderr_invalid_int(e, FP_CHILD(at, "stabilizationWindowSeconds"), window, "must be greater than or equal to zero");
    if (window > 3600)
        fielderr_invalid_int(e, FP_CHILD(at, "stabilizationWindowSeconds"), window, "must be less than or equal to 3600");
    if (member(rules, "selectPolicy"))
        rule_required_one_of(e, rules, at, "selectPolicy", selects);
    if (!json_array_size(json_object_get(rules, "policies")))
        fielderr_required(e, FP_CHILD(at, "policies"), "must specify at least one Policy");
    json_array_foreach(json_object_get(rules, "policies"), i, policy)
        scaling_policy(e, policy, FP_INDEX(FP_CHILD(at, "policies"), i));
}

static void scaler_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *spec = json_object_get(obj, "spec"), *behavior = member(spec, "behavior");
    int64_t min = obj_int(spec, "minReplicas", 1), max = obj_int(spec, "maxReplicas", 0);

    if (min < 1)
        fielderr_invalid_int(e, FP_CHILD(SPEC, "minReplicas"), min, "must be greater than or equal to 1");
    if (max < 1)
        fielderr_invalid_int(e, FP_CHILD(SPEC, "maxReplicas"), max, "must be greater than 0");
    if (max < min)
        fielderr_invalid_int(e, FP_CHILD(SPEC, "maxReplicas"), max, "must be greater than or equal to `minReplicas`");
    scaled_object(e, json_object_get(spec, "scaleTargetRef"), FP_CHILD(SPEC, "scaleTargetRef"), true);
    scaler_metrics(e, spec, min == 0);
    scaling_rules(e, member(behavior, "scaleUp"), FP_CHILD(FP_CHILD(SPEC, "behavior"), "scaleUp"));
    scaling_rules(e, member(behavior, "scaleDown"), FP_CHILD(FP_CHILD(SPEC, "behavior"), "scaleDown"));
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
