/* PriorityClasses and RuntimeClasses (G.3, B-178). */
#include "fakeapi/apiserver/builtin/rules.h"

/* ---- PriorityClass -------------------------------------------------------------------------------- */

#define USER_PRIORITY_MAX 1000000000

static bool known_system_class(const json_t *obj)
{
    return streq(obj_name(obj), "system-node-critical") || streq(obj_name(obj), "system-cluster-critical");
}

static void priority_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char *const policies[] = { "PreemptLowerPriority", "Never", NULL };
    const char *name = obj_name(obj);

    if (str_starts(name, "system-")) {
        if (!known_system_class(obj))
            fielderr_forbidden(e, FP_CHILD(RULE_AT("metadata"), "name"), "priority class names with 'system-' prefix "
                               "are reserved for system use only. error: %s is not a known system priority class", name);
    } else if (json_integer_value(json_object_get(obj, "value")) > USER_PRIORITY_MAX) {
        fielderr_forbidden(e, RULE_AT("value"), "maximum allowed value of a user defined priority is %d",
                           USER_PRIORITY_MAX);
    }
    rule_one_of(e, obj, NULL, "preemptionPolicy", policies);
}

static void priority_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                            const json_t *old, struct fielderrs *e)
{
    if (!json_same(json_object_get(obj, "value"), json_object_get(old, "value")))
        fielderr_forbidden(e, RULE_AT("value"), "may not be changed in an update.");
    rule_immutable(e, RULE_AT("preemptionPolicy"), member(obj, "preemptionPolicy"), member(old, "preemptionPolicy"));
}

const struct kind_ops priority_ops = { .validate = priority_validate, .validate_update = priority_update };

/* ---- RuntimeClass --------------------------------------------------------------------------------- */

static json_t *internal_toleration(const json_t *t)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:O}", "Key", text(t, "key"), "Operator", text(t, "operator"),
                     "Value", text(t, "value"), "Effect", text(t, "effect"),
                     "TolerationSeconds", rule_shown(member(t, "tolerationSeconds")));
}

static void runtime_tolerations(struct fielderrs *e, const json_t *scheduling, const struct fpath *path)
{
    const json_t *list = member(scheduling, "tolerations");
    const struct fpath *at = FP_CHILD(path, "tolerations");
    size_t i;
    json_t *t;

    podspec_tolerations(e, scheduling, at);
    json_array_foreach(list, i, t)
        for (size_t k = 0; k < i; k++) {
            if (!json_same(t, json_array_get(list, k)))
                continue;
            json_auto_t *shown = internal_toleration(t);
            fielderr_duplicate(e, FP_INDEX(at, i), shown);
            break;
        }
}

static void runtime_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *scheduling = member(obj, "scheduling");

    rule_name(e, RULE_AT("handler"), NAME_DNS1123_LABEL, text(obj, "handler"));
    if (json_path(obj, "overhead.podFixed")) {
        json_auto_t *as_limits = json_pack("{s:O}", "limits", json_path(obj, "overhead.podFixed"));
        podspec_container_resources(e, as_limits, RULE_AT("overhead"));
    }
    if (!scheduling)
        return;
    rule_labels(e, member(scheduling, "nodeSelector"), FP_CHILD(RULE_AT("scheduling"), "nodeSelector"));
    runtime_tolerations(e, scheduling, RULE_AT("scheduling"));
}

static void runtime_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                           const json_t *old, struct fielderrs *e)
{
    runtime_validate(c, k, obj, e);
    rule_immutable_text(e, NULL, obj, old, "handler");
}

const struct kind_ops runtimeclass_ops = { .validate = runtime_validate, .validate_update = runtime_update };
