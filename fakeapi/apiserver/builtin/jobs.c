/* Jobs and CronJobs: generated selectors, what is immutable, what a status may say (G.3, B-176, B-178). */
#include "fakeapi/apiserver/builtin/jobs_priv.h"
#include "fakeapi/apiserver/builtin/warnings.h"

#include <inttypes.h>

#include "kube/selector.h"

#define SPEC RULE_AT("spec")

static const char controller_uid[] = "batch.kubernetes.io/controller-uid";

/* ---- creation ------------------------------------------------------------------------------------- */

static void job_defaults(struct call *c, json_t *obj)
{
    const json_t *labels = json_path(obj, "spec.template.metadata.labels");

    (void)c;
    if (json_is_object(json_object_get(obj, "spec")) && !json_path(obj, "spec.manualSelector"))
        obj_set(obj, "spec.manualSelector", json_false());
    if (json_object_size(labels) && !json_object_size(obj_labels(obj)))
        obj_set_meta(obj, "labels", json_clone(labels));
}

static void put_label(json_t *labels, const char *key, const char *value)
{
    if (!json_object_get(labels, key))
        json_object_set_new(labels, key, json_string(value));
}

static int job_create(struct call *c, json_t *obj)
{
    (void)c;
    if (json_is_true(json_path(obj, "spec.manualSelector")))
        return 0;
    /* Labels that were taken from the template are still those of the template: what it gets, they get. */
    bool taken = obj_labels(obj) && obj_labels(obj) == json_path(obj, "spec.template.metadata.labels");
    json_auto_t *labels = json_clone(json_path(obj, "spec.template.metadata.labels"));
    json_auto_t *selector = json_clone(json_path(obj, "spec.selector")), *found = NULL;
    if (!json_is_object(labels))
        labels = json_object();
    if (!json_is_object(selector))
        selector = json_object();
    put_label(labels, controller_uid, obj_uid(obj));
    put_label(labels, "batch.kubernetes.io/job-name", obj_name(obj));
    put_label(labels, "controller-uid", obj_uid(obj));
    put_label(labels, "job-name", obj_name(obj));
    found = json_incref(json_own_object(selector, "matchLabels"));
    put_label(found, controller_uid, obj_uid(obj));
    json_object_set_new(selector, "matchLabels", json_sorted(found));
    json_t *sorted = json_sorted(labels);
    if (taken)
        obj_set(obj, "metadata.labels", json_incref(sorted));
    obj_set(obj, "spec.template.metadata.labels", sorted);
    obj_set(obj, "spec.selector", STEAL(selector));
    return 0;
}

/* A job without labels has those of its template: which are made only after the defaults were. */
static void job_read_back(json_t *obj)
{
    const json_t *labels = json_path(obj, "spec.template.metadata.labels");

    if (!json_object_size(obj_labels(obj)) && json_object_size(labels))
        obj_set_meta(obj, "labels", json_clone(labels));
}

/* ---- spec ----------------------------------------------------------------------------------------- */

/* An error of which Go shows no value. */
static void invalid_bare(struct fielderrs *e, const struct fpath *path, const char *words)
{
    fielderr_invalid_str(e, path, "", "%s", words);
    e->v[e->n - 1].message = arena_printf(e->arena, "Invalid value: %s", words);
}

static bool has_container(const json_t *template, const char *name)
{
    static const char *const lists[] = { "spec.containers", "spec.initContainers" };

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        const json_t *list = json_path(template, lists[i]);
        if (name_before(list, json_array_size(list), name))
            return true;
    }
    return false;
}

static void exit_codes(struct fielderrs *e, const json_t *spec, const json_t *codes, const struct fpath *path)
{
    static const char *const operators[] = { "In", "NotIn", NULL };
    const json_t *values = json_object_get(codes, "values");
    bool ordered = true;
    size_t i, k;
    json_t *v;

    if (!*text(codes, "operator"))
        fielderr_required(e, FP_CHILD(path, "operator"), "valid values: [\"In\" \"NotIn\"]");
    else
        rule_required_one_of(e, codes, path, "operator", operators);
    if (member(codes, "containerName") && !has_container(json_object_get(spec, "template"), text(codes, "containerName")))
        fielderr_invalid_str(e, FP_CHILD(path, "containerName"), text(codes, "containerName"),
                             "must be one of the container or initContainer names in the pod template");
    if (!json_array_size(values))
        fielderr_invalid(e, FP_CHILD(path, "values"), rule_shown(values), "at least one value is required");
    else if (json_array_size(values) > 255)
        fielderr_too_many(e, FP_CHILD(path, "values"), json_array_size(values), 255);
    json_array_foreach(values, i, v) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "values"), i);
        if (streq(text(codes, "operator"), "In") && json_integer_value(v) == 0)
            fielderr_invalid_int(e, at, 0, "must not be 0 for the In operator");
        for (k = 0; k < i && !json_same(v, json_array_get(values, k)); k++)
            ;
        if (k < i)
            fielderr_duplicate(e, at, v);
        ordered &= i == 0 || json_integer_value(json_array_get(values, i - 1)) <= json_integer_value(v);
    }
    if (!ordered)
        fielderr_invalid(e, FP_CHILD(path, "values"), values, "must be ordered");
}

static void pod_conditions(struct fielderrs *e, const json_t *list, const struct fpath *path)
{
    static const char *const states[] = { "False", "True", "Unknown", NULL };
    size_t i;
    json_t *p;

    if (json_array_size(list) > 20)
        fielderr_too_many(e, path, json_array_size(list), 20);
    json_array_foreach(list, i, p) {
        const struct fpath *at = FP_INDEX(path, i);
        rule_name(e, FP_CHILD(at, "type"), NAME_QUALIFIED, text(p, "type"));
        if (!*text(p, "status"))
            fielderr_required(e, FP_CHILD(at, "status"), "valid values: [\"False\" \"True\" \"Unknown\"]");
        else
            rule_required_one_of(e, p, at, "status", states);
    }
}

static void failure_policy(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const actions[] = { "Count", "FailIndex", "FailJob", "Ignore", NULL };
    const json_t *rules = json_path(spec, "podFailurePolicy.rules");
    size_t i;
    json_t *r;

    if (json_array_size(rules) > 20)
        fielderr_too_many(e, FP_CHILD(FP_CHILD(path, "podFailurePolicy"), "rules"), json_array_size(rules), 20);
    json_array_foreach(rules, i, r) {
        const struct fpath *at = FP_INDEX(FP_CHILD(FP_CHILD(path, "podFailurePolicy"), "rules"), i);
        if (!*text(r, "action"))
            fielderr_required(e, FP_CHILD(at, "action"), "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
        else if (streq(text(r, "action"), "FailIndex") && !member(spec, "backoffLimitPerIndex"))
            fielderr_invalid_str(e, FP_CHILD(at, "action"), "FailIndex", "requires the backoffLimitPerIndex to be set");
        else
            rule_required_one_of(e, r, at, "action", actions);
        bool codes = member(r, "onExitCodes"), conditions = json_array_size(json_object_get(r, "onPodConditions"));
        if (codes)
            exit_codes(e, spec, member(r, "onExitCodes"), FP_CHILD(at, "onExitCodes"));
        pod_conditions(e, json_object_get(r, "onPodConditions"), FP_CHILD(at, "onPodConditions"));
        if (codes && conditions)
            invalid_bare(e, at, "specifying both OnExitCodes and OnPodConditions is not supported");
        else if (!codes && !conditions)
            invalid_bare(e, at, "specifying one of OnExitCodes and OnPodConditions is required");
    }
}

static void success_rule(struct fielderrs *e, const json_t *spec, const json_t *r, const struct fpath *at)
{
    const json_t *count = member(r, "succeededCount"), *indexes = member(r, "succeededIndexes");
    const char *list = text(r, "succeededIndexes"), *why;
    int64_t total = json_integer_value(json_object_get(spec, "completions")), listed;

    if (!count && !indexes)
        fielderr_required(e, at, "at least one of succeededCount or succeededIndexes must be specified");
    if ((why = job_indexes(e->arena, list, total, &listed)))
        fielderr_invalid_str(e, FP_CHILD(at, "succeededIndexes"), list, "error parsing succeededIndexes: %s", why);
    rule_not_negative(e, r, at, "succeededCount");
    if (count && json_integer_value(count) > total)
        fielderr_invalid(e, FP_CHILD(at, "succeededCount"), count,
                         "must be less than or equal to %" JSON_INTEGER_FORMAT " (the number of specified completions)",
                         (json_int_t)total);
    if (count && indexes && json_integer_value(count) > listed)
        fielderr_invalid(e, FP_CHILD(at, "succeededCount"), count,
                         "must be less than or equal to %" PRId64
                         " (the number of indexes in the specified succeededIndexes field)", listed);
}

static void success_policy(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    const json_t *policy = member(spec, "successPolicy"), *rules = json_object_get(policy, "rules");
    const struct fpath *at = FP_CHILD(path, "successPolicy");
    size_t i;
    json_t *r;

    if (!streq(text(spec, "completionMode"), "Indexed")) {
        json_auto_t *dump = internal_view("batch.SuccessPolicy", policy);
        fielderr_invalid(e, at, dump, "requires indexed completion mode");
        return;
    }
    if (!json_array_size(rules))
        fielderr_required(e, FP_CHILD(at, "rules"), "at least one rules must be specified when the successPolicy is specified");
    json_array_foreach(rules, i, r)
        success_rule(e, spec, r, FP_INDEX(FP_CHILD(at, "rules"), i));
}

static void restart_policy(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const allowed[] = { "OnFailure", "Never", NULL };
    const json_t *pod = json_path(spec, "template.spec");
    const struct fpath *at = FP_CHILD(FP_CHILD(path, "template"), "spec");
    const char *policy = text(pod, "restartPolicy");

    if (!*policy || streq(policy, "Always"))
        fielderr_required(e, FP_CHILD(at, "restartPolicy"), "valid values: \"OnFailure\", \"Never\"");
    else if (!among(allowed, policy))
        fielderr_not_supported(e, FP_CHILD(at, "restartPolicy"), json_object_get(pod, "restartPolicy"), allowed);
    else if (member(spec, "podFailurePolicy") && !streq(policy, "Never"))
        fielderr_invalid_str(e, FP_CHILD(at, "restartPolicy"), policy,
                             "only \"Never\" is supported when podFailurePolicy is specified");
}

static void at_most(struct fielderrs *e, const json_t *spec, const struct fpath *path, const char *name, int64_t most,
                    const char *words)
{
    int64_t n = json_integer_value(member(spec, name));

    if (member(spec, name) && n > most)
        fielderr_invalid_int(e, FP_CHILD(path, name), n, "%s", words);
}

/* What goes with a number for each pod, and what needs it. */
static void indexed_spec(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const indexed_only[] = { "backoffLimitPerIndex", "maxFailedIndexes" };
    const json_t *completions = member(spec, "completions");
    const char *mode = text(spec, "completionMode");

    for (size_t i = 0; (!*mode || streq(mode, "NonIndexed")) && i < ARRAY_SIZE(indexed_only); i++)
        if (member(spec, indexed_only[i]))
            fielderr_invalid(e, FP_CHILD(path, indexed_only[i]), member(spec, indexed_only[i]),
                             "requires indexed completion mode");
    if (!streq(mode, "Indexed"))
        return;
    if (!completions)
        fielderr_required(e, FP_CHILD(path, "completions"), "when completion mode is Indexed");
    at_most(e, spec, path, "parallelism", 100000, "must be less than or equal to 100000 when completion mode is Indexed");
    if (completions)
        at_most(e, spec, path, "maxFailedIndexes", json_integer_value(completions),
                "must be less than or equal to completions");
    at_most(e, spec, path, "maxFailedIndexes", 100000, "must be less than or equal to 100000");
    if (json_integer_value(completions) <= 100000 || !member(spec, "backoffLimitPerIndex"))
        return;
    if (!member(spec, "maxFailedIndexes"))
        fielderr_required(e, FP_CHILD(path, "maxFailedIndexes"), "must be specified when completions is above 100000");
    at_most(e, spec, path, "parallelism", 10000, "must be less than or equal to 10000 when completions are above 100000 and "
            "used with backoff limit per index");
    at_most(e, spec, path, "maxFailedIndexes", 10000, "must be less than or equal to 10000 when completions are above 100000 "
            "and used with backoff limit per index");
}

static void job_spec(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const counts[] = { "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
                                          "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes" };
    static const char *const replacements[] = { "Failed", "TerminatingOrFailed", NULL };
    static const char *const modes[] = { "NonIndexed", "Indexed", NULL };
    bool failing = member(spec, "podFailurePolicy");

    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        rule_not_negative(e, spec, path, counts[i]);
    if (member(spec, "maxFailedIndexes") && !member(spec, "backoffLimitPerIndex"))
        fielderr_required(e, FP_CHILD(path, "backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    if (member(spec, "managedBy"))
        rule_domain_path(e, FP_CHILD(path, "managedBy"), text(spec, "managedBy"), 63);
    rule_one_of(e, spec, path, "completionMode", modes);
    indexed_spec(e, spec, path);
    if (failing)
        failure_policy(e, spec, path);
    if (member(spec, "successPolicy"))
        success_policy(e, spec, path);
    if (failing && *text(spec, "podReplacementPolicy") && !streq(text(spec, "podReplacementPolicy"), "Failed"))
        fielderr_not_supported(e, FP_CHILD(path, "podReplacementPolicy"), member(spec, "podReplacementPolicy"),
                               (const char *const[]){ "Failed", NULL });
    else
        rule_one_of(e, spec, path, "podReplacementPolicy", replacements);
    pod_template_validate(e, json_object_get(spec, "template"), FP_CHILD(path, "template"));
    restart_policy(e, spec, path);
}

static void has_label(struct fielderrs *e, const json_t *labels, const char *key, const char *value)
{
    const struct fpath *path = FP_CHILD(FP_CHILD(FP_CHILD(SPEC, "template"), "metadata"), "labels");
    const char *have = json_string_value(json_object_get(labels, key));

    if (!have)
        fielderr_required(e, FP_KEY(path, key), arena_printf(e->arena, "must be '%s'", value));
    else if (!streq(have, value))
        fielderr_invalid(e, FP_KEY(path, key), labels, "must be '%s'", value);
}

static void generated_selector(struct fielderrs *e, const json_t *obj)
{
    static const char *const names[] = { "controller-uid", "job-name", controller_uid, "batch.kubernetes.io/job-name" };
    const json_t *selector = json_path(obj, "spec.selector"), *labels = json_path(obj, "spec.template.metadata.labels");
    struct fielderrs wrong = FIELDERRS_IN(e->arena);
    struct label_selector s;

    if (!selector || json_is_true(json_path(obj, "spec.manualSelector")))
        return;
    json_auto_t *expected = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *value = i % 2 ? obj_name(obj) : obj_uid(obj);
        has_label(e, labels, names[i], value);
        json_object_set_new(expected, names[i], json_string(value));
    }
    label_selector_validate(&wrong, SPEC, selector);
    if (!wrong.n && label_selector_from_object(e->arena, selector, &s, NULL) >= 0 && !label_selector_matches(&s, expected))
        fielderr_invalid(e, FP_CHILD(SPEC, "selector"), selector, "`selector` not auto-generated");
}

/* The spec and whether its selector finds what it makes. */
static void whole_spec(struct fielderrs *e, const json_t *spec)
{
    const json_t *selector = member(spec, "selector"), *labels = json_path(spec, "template.metadata.labels");
    struct label_selector s;

    job_spec(e, spec, SPEC);
    if (!selector)
        fielderr_required(e, FP_CHILD(SPEC, "selector"), "");
    size_t before = e->n;
    if (selector)
        label_selector_validate(e, FP_CHILD(SPEC, "selector"), selector);
    if (!selector || (e->n == before && label_selector_from_object(e->arena, selector, &s, NULL) >= 0 &&
                      !label_selector_matches(&s, labels)))
        fielderr_invalid(e, FP_CHILD(FP_CHILD(FP_CHILD(SPEC, "template"), "metadata"), "labels"), rule_shown(labels),
                         "`selector` does not match template `labels`");
}

/* Pods of an indexed job have its name and a number. */
static void long_names(struct fielderrs *e, const json_t *obj)
{
    int64_t n = obj_int(obj, "spec.completions", 0);
    struct name_problems p;

    if (!streq(obj_str(obj, "spec.completionMode"), "Indexed") || n <= 0)
        return;
    const char *longest = arena_printf(e->arena, "%s-%lld", obj_name(obj), (long long)(n - 1));
    if (!name_check_str(NAME_DNS1123_LABEL, longest, &p))
        fielderr_invalid_str(e, FP_CHILD(RULE_AT("metadata"), "name"), obj_name(obj),
                             "will not able to create pod with invalid DNS label: %s", longest);
}

static void job_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    (void)c, (void)k;
    generated_selector(e, obj);
    whole_spec(e, json_object_get(obj, "spec"));
    long_names(e, obj);
}

/* ---- update --------------------------------------------------------------------------------------- */

/* Those of an indexed job may follow its parallelism. */
static void completions_update(struct fielderrs *e, const json_t *spec, const json_t *was)
{
    const json_t *now = member(spec, "completions"), *before = member(was, "completions");
    const struct fpath *path = FP_CHILD(SPEC, "completions");

    if (!streq(text(spec, "completionMode"), "Indexed"))
        rule_immutable(e, path, now, before);
    else if (now && !json_same(now, before) && !json_same(now, member(spec, "parallelism")))
        fielderr_invalid(e, path, now, "can only be modified in tandem with spec.parallelism");
}

static void take_from(json_t *obj, const json_t *other, const char *name)
{
    json_t *v = json_object_get(other, name);

    if (v)
        json_object_set(obj, name, v);
    else
        json_object_del(obj, name);
}

/* The old template with what a job that waits, suspended, to be started for the first time may still change. */
static json_t *schedulable(const json_t *was, const json_t *now)
{
    static const char *const spec_free[] = { "nodeSelector", "tolerations", "schedulingGates" },
                      *const meta_free[] = { "annotations", "labels" };
    json_t *out = json_clone(was), *spec = json_own_object(out, "spec"), *meta = json_own_object(out, "metadata");
    const json_t *new_spec = json_object_get(now, "spec"), *new_affinity = json_object_get(new_spec, "affinity");

    for (size_t i = 0; i < ARRAY_SIZE(spec_free); i++)
        take_from(spec, new_spec, spec_free[i]);
    for (size_t i = 0; i < ARRAY_SIZE(meta_free); i++)
        take_from(meta, json_object_get(now, "metadata"), meta_free[i]);
    if (!json_object_size(meta) && !json_object_get(now, "metadata"))
        json_object_del(out, "metadata");
    if (!json_object_get(spec, "affinity") && !new_affinity)
        return out;
    json_t *affinity = json_own_object(spec, "affinity");
    take_from(affinity, new_affinity, "nodeAffinity");
    if (!json_object_size(affinity) && !new_affinity)
        json_object_del(spec, "affinity");
    return out;
}

static void template_update(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const json_t *now = json_path(obj, "spec.template"), *was = json_path(old, "spec.template");
    bool waits = json_is_true(json_path(old, "spec.suspend")) && !json_path(old, "status.startTime");
    json_auto_t *allowed = waits ? schedulable(was, now) : json_incref((json_t *)was);

    rule_immutable_as(e, FP_CHILD(SPEC, "template"), now, allowed, "core.PodTemplateSpec");
}

/* The job as a whole, then its spec once more with what it was. */
static void job_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                       const json_t *old, struct fielderrs *e)
{
    const json_t *spec = json_object_get(obj, "spec"), *was = json_object_get(old, "spec");

    if (rule_is_status(sub)) {
        job_validate_status(e, obj, old);
        return;
    }
    job_validate(c, k, obj, e);
    whole_spec(e, spec);
    completions_update(e, spec, was);
    json_auto_t *selector = rule_selector_shown(member(spec, "selector"));
    if (!json_same(member(spec, "selector"), member(was, "selector")))
        fielderr_invalid(e, FP_CHILD(SPEC, "selector"), selector, "field is immutable");
    template_update(e, obj, old);
    rule_immutable(e, FP_CHILD(SPEC, "completionMode"), member(spec, "completionMode"), member(was, "completionMode"));
    rule_immutable_as(e, FP_CHILD(SPEC, "podFailurePolicy"), member(spec, "podFailurePolicy"),
                      member(was, "podFailurePolicy"), "batch.PodFailurePolicy");
    rule_immutable(e, FP_CHILD(SPEC, "backoffLimitPerIndex"), member(spec, "backoffLimitPerIndex"),
                   member(was, "backoffLimitPerIndex"));
    rule_immutable(e, FP_CHILD(SPEC, "managedBy"), member(spec, "managedBy"), member(was, "managedBy"));
    rule_immutable_as(e, FP_CHILD(SPEC, "successPolicy"), member(spec, "successPolicy"), member(was, "successPolicy"),
                      "batch.SuccessPolicy");
}

const struct kind_ops job_ops = {
    .read_back = job_read_back,
    .defaults = job_defaults, .prepare_create = job_create, .validate = job_validate, .validate_update = job_update,
    .warn = job_warn,
};

/* ---- CronJob -------------------------------------------------------------------------------------- */

static void time_zone(struct fielderrs *e, const json_t *zone)
{
    const struct fpath *at = FP_CHILD(SPEC, "timeZone");
    const char *name = json_string_value(zone);

    if (!name)
        return;
    if (!*name)
        fielderr_invalid_str(e, at, "", "timeZone must be nil or non-empty string");
    else if (strcasecmp(name, "Local") == 0)
        fielderr_invalid_str(e, at, name,
                             "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
    if (*name && !streq(name, "Local") && !zone_known(name))
        fielderr_invalid_str(e, at, name, "unknown time zone %s", name);
}

static void schedule(struct fielderrs *e, const json_t *spec)
{
    const char *s = text(spec, "schedule"), *why;
    const struct fpath *at = FP_CHILD(SPEC, "schedule");

    if (!*s) {
        fielderr_required(e, at, "");
        return;
    }
    why = cron_problem(e->arena, s);
    if (why)
        fielderr_invalid_str(e, at, s, "%s", why);
    if (strstr(s, "TZ"))
        fielderr_invalid_str(e, at, s, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
}

static void cron_template(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const manual[] = { "nil", "false", NULL };

    job_spec(e, spec, path);
    if (member(spec, "selector"))
        fielderr_invalid(e, FP_CHILD(path, "selector"), member(spec, "selector"), "`selector` will be auto-generated");
    if (json_is_true(json_object_get(spec, "manualSelector")))
        fielderr_not_supported(e, FP_CHILD(path, "manualSelector"), json_object_get(spec, "manualSelector"), manual);
}

static void cronjob_rules(struct fielderrs *e, const json_t *obj)
{
    static const char *const policies[] = { "Allow", "Forbid", "Replace", NULL };
    const json_t *spec = json_object_get(obj, "spec");

    schedule(e, spec);
    rule_not_negative(e, spec, SPEC, "startingDeadlineSeconds");
    time_zone(e, member(spec, "timeZone"));
    rule_one_of(e, spec, SPEC, "concurrencyPolicy", policies);
    cron_template(e, json_path(spec, "jobTemplate.spec"), FP_CHILD(FP_CHILD(SPEC, "jobTemplate"), "spec"));
    rule_not_negative(e, spec, SPEC, "successfulJobsHistoryLimit");
    rule_not_negative(e, spec, SPEC, "failedJobsHistoryLimit");
}

#define CRONJOB_NAME_MAX 52

static void cronjob_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    cronjob_rules(e, obj);
    if (strlen(obj_name(obj)) > CRONJOB_NAME_MAX)
        fielderr_invalid_str(e, FP_CHILD(RULE_AT("metadata"), "name"), obj_name(obj),
                             "must be no more than %d characters", CRONJOB_NAME_MAX);
}

static void cronjob_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                           const json_t *old, struct fielderrs *e)
{
    if (!rule_is_status(sub))
        cronjob_rules(e, obj);
}

const struct kind_ops cronjob_ops = { .validate = cronjob_validate, .validate_update = cronjob_update,
                                        .warn = cronjob_warn };
