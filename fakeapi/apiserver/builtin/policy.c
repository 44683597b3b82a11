/* PodDisruptionBudgets (G.3, B-178). */
#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/selector.h"

#define SPEC RULE_AT("spec")
#define STATUS RULE_AT("status")

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
    label_selector_validate(e, FP_CHILD(SPEC, "selector"), member(spec, "selector"));
    rule_one_of(e, spec, SPEC, "unhealthyPodEvictionPolicy", policies);
}

static void budget_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                          const json_t *old, struct fielderrs *e)
{
    static const char *const counts[] = { "disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods" };

    if (!rule_is_status(sub)) {
        budget_validate(c, k, obj, e);
        return;
    }
    rule_conditions(e, json_path(obj, "status.conditions"), FP_CHILD(STATUS, "conditions"));
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        rule_not_negative(e, json_object_get(obj, "status"), STATUS, counts[i]);
}

const struct kind_ops budget_ops = { .validate = budget_validate, .validate_update = budget_update };
