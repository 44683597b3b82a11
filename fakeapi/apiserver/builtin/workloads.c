/* Deployments, ReplicaSets, StatefulSets, DaemonSets, ReplicationControllers, ControllerRevisions and
 * PodTemplates: what they refuse (G.3, B-177, B-182), in the order of the real server. */
#include "fakeapi/apiserver/builtin/warnings.h"

#include <inttypes.h>

#include "kube/selector.h"

static const struct fpath *const root = NULL;
#define SPEC FP_CHILD(root, "spec")
#define TEMPLATE FP_CHILD(SPEC, "template")

static const char *const always_only[] = { "Always", NULL };

/* ---- selectors and templates --------------------------------------------------------------------- */

static bool selector_is_empty(const json_t *s)
{
    return !json_object_size(json_object_get(s, "matchLabels"))
           && !json_array_size(json_object_get(s, "matchExpressions"));
}

static bool selector_read(struct fielderrs *e, const json_t *s, struct label_selector *ret)
{
    struct fielderrs trial = FIELDERRS_IN(e->arena);

    label_selector_validate(&trial, NULL, s);
    return trial.n == 0 && label_selector_from_object(e->arena, s, ret, NULL) >= 0;
}

static void template_labels_match(struct fielderrs *e, const json_t *template, const struct label_selector *s)
{
    const json_t *labels = json_path(template, "metadata.labels");
    json_auto_t *none = json_null();

    if (!label_selector_everything(s) && !label_selector_matches(s, labels))
        fielderr_invalid(e, FP_CHILD(FP_CHILD(TEMPLATE, "metadata"), "labels"), labels ? labels : none,
                         "`selector` does not match template `labels`");
}

/* The Pods of a workload run for ever. */
static void template_runs_always(struct fielderrs *e, const json_t *template, const char *kind)
{
    const json_t *spec = json_object_get(template, "spec"), *policy = member(spec, "restartPolicy");

    if (!policy || !streq(json_string_value(policy), "Always")) {
        json_auto_t *empty = json_string("");
        fielderr_not_supported(e, FP_CHILD(FP_CHILD(TEMPLATE, "spec"), "restartPolicy"), policy ? policy : empty,
                               always_only);
    }
    if (member(spec, "activeDeadlineSeconds"))
        fielderr_forbidden(e, FP_CHILD(FP_CHILD(TEMPLATE, "spec"), "activeDeadlineSeconds"),
                           "activeDeadlineSeconds in %s is not Supported", kind);
}

/* `unreadable`: what is said of a selector that cannot be read ("" for StatefulSets). */
static void selector_and_template(struct fielderrs *e, const json_t *spec, const char *kind, const char *empty_in,
                                  const char *unreadable)
{
    const json_t *selector = member(spec, "selector"), *template = json_object_get(spec, "template");
    json_auto_t *shown = rule_selector_shown(selector);
    bool stateful = streq(kind, "StatefulSet");
    struct label_selector s;

    if (!selector) {
        fielderr_required(e, FP_CHILD(SPEC, "selector"), "");
    } else {
        label_selector_validate(e, FP_CHILD(SPEC, "selector"), selector);
        if (selector_is_empty(selector))
            fielderr_invalid(e, FP_CHILD(SPEC, "selector"), shown, "empty selector is invalid for %s", empty_in);
    }
    if (selector && !selector_read(e, selector, &s)) {
        fielderr_invalid(e, FP_CHILD(SPEC, "selector"), shown, "%s", unreadable);
        if (stateful)
            template_runs_always(e, template, kind);
        return;
    }
    if (!selector)
        label_selector_from_object(e->arena, NULL, &s, NULL);
    template_labels_match(e, template, &s);
    if (stateful)                      /* whose metadata is looked at twice */
        pod_template_meta_validate(e, template, TEMPLATE);
    pod_template_validate(e, template, TEMPLATE);
    template_runs_always(e, template, kind);
}

/* Go's struct names, as its JSON of an internal type has them: numbers that are no pointers there are never null. */
static json_t *internal_strategy(const json_t *strategy, const char *first, const char *second)
{
    const json_t *rolling = member(strategy, "rollingUpdate");
    json_t *out = json_pack("{s:s}", "Type", text(strategy, "type"));
    const char *names[] = { first, second };

    if (!rolling) {
        json_object_set_new(out, "RollingUpdate", json_null());
        return out;
    }
    json_t *shown = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char *member_name = xstrdup(names[i]);
        *member_name = (char)(*member_name - 'A' + 'a');
        json_t *v = json_object_get(rolling, member_name);
        bool pointer = streq(first, "Partition") && i == 1;
        free(member_name);
        json_object_set_new(shown, names[i], v ? json_incref(v) : pointer ? json_null() : json_integer(0));
    }
    json_object_set_new(out, "RollingUpdate", shown);
    return out;
}

/* ---- Deployment ----------------------------------------------------------------------------------- */

static void deployment_strategy(struct fielderrs *e, const json_t *strategy, const struct fpath *path)
{
    static const char *const types[] = { "Recreate", "RollingUpdate", NULL };
    const json_t *rolling = member(strategy, "rollingUpdate");
    const char *type = text(strategy, "type");

    if (streq(type, "Recreate")) {
        if (rolling)
            fielderr_forbidden(e, FP_CHILD(path, "rollingUpdate"),
                               "may not be specified when strategy `type` is 'Recreate'");
    } else if (streq(type, "RollingUpdate")) {
        const struct fpath *at = FP_CHILD(path, "rollingUpdate");
        const json_t *unavailable = member(rolling, "maxUnavailable"), *surge = member(rolling, "maxSurge");
        if (!rolling) {
            fielderr_required(e, at, "this should be defaulted and never be nil");
            return;
        }
        rule_int_or_percent(e, unavailable, FP_CHILD(at, "maxUnavailable"));
        rule_int_or_percent(e, surge, FP_CHILD(at, "maxSurge"));
        if (!rule_percent_value(unavailable) && !rule_percent_value(surge))
            fielderr_invalid(e, FP_CHILD(at, "maxUnavailable"), unavailable, "may not be 0 when `maxSurge` is 0");
        rule_at_most_all(e, unavailable, FP_CHILD(at, "maxUnavailable"));
    } else {
        json_auto_t *shown = internal_strategy(strategy, "MaxUnavailable", "MaxSurge");
        fielderr_not_supported(e, path, shown, types);
    }
}

static void deployment_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *spec = json_object_get(obj, "spec"), *deadline = member(spec, "progressDeadlineSeconds");

    rule_not_negative(e, spec, SPEC, "replicas");
    selector_and_template(e, spec, "ReplicaSet", "deployment", "invalid label selector");
    deployment_strategy(e, json_object_get(spec, "strategy"), FP_CHILD(SPEC, "strategy"));
    rule_not_negative(e, spec, SPEC, "minReadySeconds");
    rule_not_negative(e, spec, SPEC, "revisionHistoryLimit");
    rule_not_negative(e, spec, SPEC, "progressDeadlineSeconds");
    if (deadline && json_integer_value(deadline) <= json_integer_value(json_object_get(spec, "minReadySeconds")))
        fielderr_invalid(e, FP_CHILD(SPEC, "progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds");
}

/* Counters of a status: none negative, none above the whole. */
static void status_counters(struct fielderrs *e, const json_t *status, const char *const *names)
{
    const struct fpath *path = FP_CHILD(root, "status");

    for (; *names; names++)
        rule_not_negative(e, status, path, *names);
}

static int64_t count(const json_t *status, const char *name)
{
    return json_integer_value(json_object_get(status, name));
}

static void not_above(struct fielderrs *e, const json_t *status, const char *name, const char *limit,
                      const char *words)
{
    if (count(status, name) > count(status, limit))
        fielderr_invalid_int(e, FP_CHILD(FP_CHILD(root, "status"), name), count(status, name),
                             "cannot be greater than %s", words);
}

static void deployment_status(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    static const char *const names[] = { "observedGeneration", "replicas", "updatedReplicas", "readyReplicas",
                                         "availableReplicas", "unavailableReplicas", NULL };
    const json_t *status = json_object_get(obj, "status"), *before = json_object_get(old, "status");

    status_counters(e, status, names);
    rule_not_negative(e, status, FP_CHILD(root, "status"), "collisionCount");
    not_above(e, status, "updatedReplicas", "replicas", "status.replicas");
    not_above(e, status, "readyReplicas", "replicas", "status.replicas");
    not_above(e, status, "availableReplicas", "replicas", "status.replicas");
    not_above(e, status, "availableReplicas", "readyReplicas", "readyReplicas");
    if (member(before, "collisionCount") && count(status, "collisionCount") < count(before, "collisionCount"))
        fielderr_invalid_int(e, FP_CHILD(FP_CHILD(root, "status"), "collisionCount"),
                             count(status, "collisionCount"), "cannot be decremented");
}

static void selector_immutable(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const json_t *selector = json_path(obj, "spec.selector");

    json_auto_t *shown = rule_selector_shown(selector);

    if (!json_same(selector, json_path(old, "spec.selector")))
        fielderr_invalid(e, FP_CHILD(SPEC, "selector"), shown, "field is immutable");
}

static bool is_status(const struct subresource *sub)
{
    return sub && streq(sub->name, "status");
}

static void deployment_update(struct call *c, const struct kind *k, const struct subresource *sub,
                              const json_t *obj, const json_t *old, struct fielderrs *e)
{
    if (is_status(sub)) {
        deployment_status(e, obj, old);
        return;
    }
    deployment_validate(c, k, obj, e);
    selector_immutable(e, obj, old);
}

/* Annotations count too: what rolls out may be told there. */
static bool deployment_differs(const struct kind *k, const json_t *a, const json_t *b)
{
    return !json_same(json_object_get(a, "spec"), json_object_get(b, "spec")) ||
           !json_same(obj_annotations(a), obj_annotations(b));
}

const struct kind_ops deployment_ops = {
    .spec_differs = deployment_differs, .validate = deployment_validate, .validate_update = deployment_update,
    .warn = workload_warn,
};

/* ---- ReplicaSet, ReplicationController ------------------------------------------------------------- */

static void replicaset_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *spec = json_object_get(obj, "spec");

    rule_not_negative(e, spec, SPEC, "replicas");
    rule_not_negative(e, spec, SPEC, "minReadySeconds");
    selector_and_template(e, spec, "ReplicaSet", "deployment", "invalid label selector");
}

static void replicaset_status(struct fielderrs *e, const json_t *obj)
{
    static const char *const names[] = { "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas",
                                         "observedGeneration", NULL };
    const json_t *status = json_object_get(obj, "status");

    status_counters(e, status, names);
    not_above(e, status, "fullyLabeledReplicas", "replicas", "status.replicas");
    not_above(e, status, "readyReplicas", "replicas", "status.replicas");
    not_above(e, status, "availableReplicas", "replicas", "status.replicas");
    not_above(e, status, "availableReplicas", "readyReplicas", "readyReplicas");
}

static void replicaset_update(struct call *c, const struct kind *k, const struct subresource *sub,
                              const json_t *obj, const json_t *old, struct fielderrs *e)
{
    if (is_status(sub)) {
        replicaset_status(e, obj);
        return;
    }
    replicaset_validate(c, k, obj, e);
    selector_immutable(e, obj, old);
}

const struct kind_ops replicaset_ops = {
    .validate = replicaset_validate, .validate_update = replicaset_update, .warn = workload_warn,
};

static void rc_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *spec = json_object_get(obj, "spec"), *template = member(spec, "template");
    const json_t *selector = member(spec, "selector");
    struct label_selector s;

    rule_not_negative(e, spec, SPEC, "minReadySeconds");
    if (!json_object_size(selector))
        fielderr_required(e, FP_CHILD(SPEC, "selector"), "");
    rule_not_negative(e, spec, SPEC, "replicas");
    if (!template) {
        fielderr_required(e, TEMPLATE, "");
        return;
    }
    label_selector_from_map(e->arena, selector, &s);
    template_labels_match(e, template, &s);
    pod_template_validate(e, template, TEMPLATE);
    template_runs_always(e, template, "ReplicationController");
}

static void rc_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                      const json_t *old, struct fielderrs *e)
{
    if (is_status(sub)) {
        replicaset_status(e, obj);
        return;
    }
    rc_validate(c, k, obj, e);
    rc_validate(c, k, obj, e);         /* as the real server does */
}

const struct kind_ops rc_ops = { .validate = rc_validate, .validate_update = rc_update, .warn = workload_warn };

/* ---- StatefulSet ------------------------------------------------------------------------------------ */

static void statefulset_strategy(struct fielderrs *e, const json_t *spec)
{
    const json_t *strategy = json_object_get(spec, "updateStrategy"), *rolling = member(strategy, "rollingUpdate");
    const struct fpath *path = FP_CHILD(SPEC, "updateStrategy"), *at = FP_CHILD(path, "rollingUpdate");
    const char *type = text(strategy, "type");

    if (!*type) {
        fielderr_required(e, path, "");
    } else if (streq(type, "OnDelete")) {
        if (rolling) {
            json_auto_t *shown = internal_strategy(strategy, "Partition", "MaxUnavailable");
            fielderr_invalid(e, at, json_object_get(shown, "RollingUpdate"), "only allowed for updateStrategy 'RollingUpdate'");
        }
    } else if (streq(type, "RollingUpdate")) {
        if (rolling)
            rule_not_negative(e, rolling, at, "partition");
    } else {
        json_auto_t *shown = internal_strategy(strategy, "Partition", "MaxUnavailable");
        fielderr_invalid(e, path, shown, "must be 'RollingUpdate' or 'OnDelete'");
    }
}

static void statefulset_claims(struct fielderrs *e, const json_t *spec)
{
    size_t i;
    json_t *claim;

    json_array_foreach(json_object_get(spec, "volumeClaimTemplates"), i, claim)
        claim_spec_validate(e, member(claim, "spec"), FP_CHILD(FP_INDEX(FP_CHILD(SPEC, "volumeClaimTemplates"), i), "spec"));
}

/* The spec as its pods will have it: with volumes for the claims, with names that the controller gives. */
static json_t *statefulset_made(const json_t *spec)
{
    static const char *const given[] = { "subdomain", "hostname" };
    const json_t *claims = member(spec, "volumeClaimTemplates");
    json_t *out = json_clone(spec), *volumes = json_array(), *pod = json_path(out, "template.spec"), *v;
    size_t i;

    for (i = 0; i < ARRAY_SIZE(given); i++)
        json_object_del(pod, given[i]);
    json_array_foreach(claims, i, v)
        if (!name_before(volumes, json_array_size(volumes), obj_name(v)))
            json_array_append_new(volumes, json_pack("{s:s, s:{s:s}}", "name", obj_name(v), "persistentVolumeClaim", "claimName",
                                                 obj_name(v)));
    size_t n = json_array_size(volumes);
    json_array_foreach(json_object_get(pod, "volumes"), i, v)
        if (!name_before(volumes, n, text(v, "name")))
            json_array_append(volumes, v);
    if (n)
        json_object_set(pod, "volumes", volumes);
    json_decref(volumes);
    return out;
}

static void statefulset_rules(struct fielderrs *e, const json_t *obj, bool created)
{
    static const char *const retention[] = { "Retain", "Delete", NULL };
    const json_t *spec = json_object_get(obj, "spec"), *policy = json_object_get(spec, "podManagementPolicy");
    const json_t *keep = member(spec, "persistentVolumeClaimRetentionPolicy");

    if (!*text(spec, "podManagementPolicy"))
        fielderr_required(e, FP_CHILD(SPEC, "podManagementPolicy"), "");
    else if (!streq(json_string_value(policy), "OrderedReady") && !streq(json_string_value(policy), "Parallel"))
        fielderr_invalid(e, FP_CHILD(SPEC, "podManagementPolicy"), policy, "must be 'OrderedReady' or 'Parallel'");
    statefulset_strategy(e, spec);
    if (keep) {
        rule_one_of(e, keep, FP_CHILD(SPEC, "persistentVolumeClaimRetentionPolicy"), "whenDeleted", retention);
        rule_one_of(e, keep, FP_CHILD(SPEC, "persistentVolumeClaimRetentionPolicy"), "whenScaled", retention);
    }
    if (created)
        statefulset_claims(e, spec);
    rule_not_negative(e, spec, SPEC, "replicas");
    rule_not_negative(e, spec, SPEC, "minReadySeconds");
    if (member(spec, "ordinals"))
        rule_not_negative(e, member(spec, "ordinals"), FP_CHILD(SPEC, "ordinals"), "start");
    if (created && *text(spec, "serviceName"))
        rule_name(e, FP_CHILD(SPEC, "serviceName"), NAME_DNS1123_LABEL, text(spec, "serviceName"));
    json_auto_t *made = statefulset_made(spec);
    selector_and_template(e, made, "StatefulSet", "statefulset", "");
}

static void statefulset_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    statefulset_rules(e, obj, true);
}

static void statefulset_status(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    static const char *const names[] = { "replicas", "readyReplicas", "currentReplicas", "updatedReplicas",
                                         "availableReplicas", "observedGeneration", NULL };
    const json_t *status = json_object_get(obj, "status");

    status_counters(e, status, names);
    not_above(e, status, "readyReplicas", "replicas", "status.replicas");
    not_above(e, status, "currentReplicas", "replicas", "status.replicas");
    not_above(e, status, "updatedReplicas", "replicas", "status.replicas");
    not_above(e, status, "availableReplicas", "replicas", "status.replicas");
    not_above(e, status, "availableReplicas", "readyReplicas", "status.readyReplicas");
}

/* All but what may change must be as it was (B-177). */
static void statefulset_frozen(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    static const char *const free_fields[] = { "replicas", "ordinals", "template", "updateStrategy",
                                               "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy",
                                               "minReadySeconds" };
    json_auto_t *now = json_copy(json_object_get(obj, "spec")), *before = json_copy(json_object_get(old, "spec"));

    for (size_t i = 0; i < ARRAY_SIZE(free_fields); i++) {
        json_object_del(now, free_fields[i]);
        json_object_del(before, free_fields[i]);
    }
    if (!json_same(now, before))
        fielderr_forbidden(e, SPEC, "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
                           "'template', 'updateStrategy', 'revisionHistoryLimit', "
                           "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
}

static void statefulset_update(struct call *c, const struct kind *k, const struct subresource *sub,
                               const json_t *obj, const json_t *old, struct fielderrs *e)
{
    if (is_status(sub)) {
        statefulset_status(e, obj, old);
        return;
    }
    statefulset_rules(e, obj, false);
    statefulset_frozen(e, obj, old);
}

const struct kind_ops statefulset_ops = {
    .validate = statefulset_validate, .validate_update = statefulset_update, .warn = statefulset_warn,
};

/* ---- DaemonSet --------------------------------------------------------------------------------------- */

static void daemonset_strategy(struct fielderrs *e, const json_t *strategy, const struct fpath *path)
{
    static const char *const types[] = { "RollingUpdate", "OnDelete", NULL };
    const json_t *rolling = member(strategy, "rollingUpdate");
    const struct fpath *at = FP_CHILD(path, "rollingUpdate");

    if (streq(text(strategy, "type"), "OnDelete"))
        return;
    if (!streq(text(strategy, "type"), "RollingUpdate")) {
        json_auto_t *shown = internal_strategy(strategy, "MaxUnavailable", "MaxSurge");
        fielderr_not_supported(e, path, shown, types);
        return;
    }
    if (!rolling) {
        fielderr_required(e, at, "");
        return;
    }
    const json_t *unavailable = member(rolling, "maxUnavailable"), *surge = member(rolling, "maxSurge");
    rule_int_or_percent(e, unavailable, FP_CHILD(at, "maxUnavailable"));
    rule_int_or_percent(e, surge, FP_CHILD(at, "maxSurge"));
    if (rule_percent_value(unavailable) && rule_percent_value(surge))
        fielderr_invalid(e, FP_CHILD(at, "maxSurge"), surge, "may not be set when maxUnavailable is non-zero");
    if (!rule_percent_value(unavailable) && !rule_percent_value(surge))
        fielderr_required(e, FP_CHILD(at, "maxUnavailable"), "cannot be 0 when maxSurge is 0");
    rule_at_most_all(e, unavailable, FP_CHILD(at, "maxUnavailable"));
    rule_at_most_all(e, surge, FP_CHILD(at, "maxSurge"));
}

static void daemonset_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *spec = json_object_get(obj, "spec"), *selector = member(spec, "selector");
    const json_t *template = json_object_get(spec, "template");
    struct label_selector s;

    label_selector_validate(e, FP_CHILD(SPEC, "selector"), selector);
    if (!selector) {
        json_auto_t *none = json_null();
        const json_t *labels = json_path(template, "metadata.labels");
        fielderr_invalid(e, FP_CHILD(FP_CHILD(TEMPLATE, "metadata"), "labels"), labels ? labels : none,
                         "`selector` does not match template `labels`");
    } else if (selector_read(e, selector, &s)) {
        template_labels_match(e, template, &s);
    }
    if (selector && selector_is_empty(selector)) {
        json_auto_t *shown = rule_selector_shown(selector);
        fielderr_invalid(e, FP_CHILD(SPEC, "selector"), shown, "empty selector is invalid for daemonset");
    }
    pod_template_validate(e, template, TEMPLATE);
    template_runs_always(e, template, "DaemonSet");
    daemonset_strategy(e, json_object_get(spec, "updateStrategy"), FP_CHILD(SPEC, "updateStrategy"));
    rule_not_negative(e, spec, SPEC, "minReadySeconds");
    rule_not_negative(e, spec, SPEC, "revisionHistoryLimit");
}

static void daemonset_update(struct call *c, const struct kind *k, const struct subresource *sub,
                             const json_t *obj, const json_t *old, struct fielderrs *e)
{
    static const char *const names[] = { "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled",
                                         "numberReady", "observedGeneration", "updatedNumberScheduled",
                                         "numberAvailable", "numberUnavailable", "collisionCount", NULL };

    if (is_status(sub)) {
        status_counters(e, json_object_get(obj, "status"), names);
        if (count(json_object_get(obj, "status"), "collisionCount") < count(json_object_get(old, "status"), "collisionCount"))
            fielderr_invalid_int(e, FP_CHILD(FP_CHILD(root, "status"), "collisionCount"),
                                 count(json_object_get(obj, "status"), "collisionCount"), "cannot be decremented");
        return;
    }
    selector_immutable(e, obj, old);
    daemonset_validate(c, k, obj, e);
}

/* How often the template changed: a field of Go's type that only an annotation shows. */
static const char template_generation[] = "deprecated.daemonset.template.generation";

static void daemonset_defaults(struct call *c, json_t *obj)
{
    if (!obj_annotation(obj, template_generation))
        obj_set_annotation(obj, template_generation, "0");
}

static int daemonset_admit(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    const char *was = obj_annotation(old, template_generation);
    json_auto_t *kept = json_copy(obj);
    uint64_t n = 0;

    podspec_clear_gated(c->route.kind, json_own(&kept));     /* what will be gone changes nothing */
    bool changed = !sub && !json_same(json_path(kept, "spec.template"), json_path(old, "spec.template"));
    parse_u64(was ? was : "0", &n);
    obj_set_annotation(obj, template_generation, arena_printf(c->arena, "%" PRIu64, n + changed));
    return 0;
}

const struct kind_ops daemonset_ops = {
    .defaults = daemonset_defaults, .admit = daemonset_admit, .validate = daemonset_validate,
    .validate_update = daemonset_update, .warn = daemonset_warn,
};

/* ---- PodTemplate ---------------------------------------------------------------------------------- */

static void podtemplate_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    pod_template_validate(e, json_object_get(obj, "template"), FP_CHILD(root, "template"));
}

const struct kind_ops podtemplate_ops = { .validate = podtemplate_validate, .warn = podtemplate_warn };
