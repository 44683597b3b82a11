#include "fakeapi/apiserver/builtin/jobs_priv.h"
#include "fakeapi/apiserver/builtin/rules.h"

#include <inttypes.h>

/* What a status of a Job may become. Each rule looks only where something that it is about changes: what was
 * wrong before must not hold up an update of something else (B-178). */

#define STATUS RULE_AT("status")

struct job_change {
    const json_t *obj, *old;
    const json_t *now, *was;           /* their status */
};

static bool is_true(const json_t *obj, const char *type)
{
    return obj_condition_true(obj, type);
}

static bool finished(const json_t *obj)
{
    return is_true(obj, "Complete") || is_true(obj, "Failed");
}

static bool turned(const struct job_change *j, const char *type)
{
    return is_true(j->obj, type) != is_true(j->old, type);
}

static bool changed(const struct job_change *j, const char *name)
{
    return !json_same(member(j->now, name), member(j->was, name));
}

static int64_t count(const json_t *status, const char *name)
{
    return json_integer_value(member(status, name));
}

static bool indexed(const json_t *obj)
{
    return streq(obj_str(obj, "spec.completionMode"), "Indexed");
}

/* An error about the conditions, of which Go shows no value. */
static void conditions(struct fielderrs *e, const char *words)
{
    fielderr_invalid_str(e, FP_CHILD(STATUS, "conditions"), "", "%s", words);
    e->v[e->n - 1].message = arena_printf(e->arena, "Invalid value: %s", words);
}

static void uncounted(struct fielderrs *e, const json_t *status)
{
    static const char *const lists[] = { "succeeded", "failed" };
    const json_t *pods = member(status, "uncountedTerminatedPods");
    const struct fpath *path = FP_CHILD(STATUS, "uncountedTerminatedPods");
    json_auto_t *seen = json_object();
    size_t i;
    json_t *x;

    for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
        json_array_foreach(json_object_get(pods, lists[l]), i, x) {
            const char *uid = json_string_value(x) ? json_string_value(x) : "";
            const struct fpath *at = FP_INDEX(FP_CHILD(path, lists[l]), i);
            if (!*uid)
                fielderr_invalid_str(e, at, uid, "must not be empty");
            else if (json_object_get(seen, uid))
                fielderr_duplicate_str(e, at, uid);
            else
                json_object_set_new(seen, uid, json_true());
        }
}

static void ends(struct fielderrs *e, const struct job_change *j)
{
    const json_t *done = member(j->now, "completionTime"), *started = member(j->now, "startTime");
    bool complete = is_true(j->obj, "Complete"), failed = is_true(j->obj, "Failed");
    bool ended = turned(j, "Complete") || changed(j, "completionTime");

    if ((turned(j, "Complete") || turned(j, "Failed")) && complete && failed)
        conditions(e, "cannot set Complete=True and Failed=true conditions");
    if ((turned(j, "Complete") || turned(j, "FailureTarget")) && complete && is_true(j->obj, "FailureTarget"))
        conditions(e, "cannot set Complete=True and FailureTarget=true conditions");
    if (ended && done && !complete)
        fielderr_invalid(e, FP_CHILD(STATUS, "completionTime"), done,
                         "cannot set completionTime when there is no Complete=True condition");
    if (ended && !done && complete)
        fielderr_required(e, FP_CHILD(STATUS, "completionTime"), "completionTime is required for Complete jobs");
    if ((changed(j, "startTime") || changed(j, "completionTime")) && started && done &&
        strcmp(json_string_value(done), json_string_value(started)) < 0)
        fielderr_invalid(e, FP_CHILD(STATUS, "completionTime"), done, "must be equal to or after `startTime`");
    if ((turned(j, "Failed") || changed(j, "failedIndexes")) && failed && !is_true(j->obj, "FailureTarget"))
        conditions(e, "cannot set Failed=True condition without the FailureTarget=true condition");
    if ((turned(j, "Complete") || turned(j, "SuccessCriteriaMet")) && complete && !is_true(j->obj, "SuccessCriteriaMet"))
        conditions(e, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
}

static void of_finished(struct fielderrs *e, const struct job_change *j)
{
    const json_t *pods = member(j->now, "uncountedTerminatedPods");
    bool turn = finished(j->obj) != finished(j->old);
    bool none = json_is_true(json_path(j->obj, "spec.suspend")) && json_path(j->obj, "spec.completions") &&
                obj_int(j->obj, "spec.completions", 1) == 0;

    if (!finished(j->obj))
        return;
    if ((turn || count(j->now, "active") != count(j->was, "active")) && count(j->now, "active") > 0)
        fielderr_invalid_int(e, FP_CHILD(STATUS, "active"), count(j->now, "active"), "active>0 is invalid for finished job");
    if ((turn || changed(j, "startTime")) && !none && !member(j->now, "startTime"))
        fielderr_required(e, FP_CHILD(STATUS, "startTime"), "startTime is required for finished job");
    if ((turn || changed(j, "uncountedTerminatedPods")) && obj_count(pods, "succeeded") + obj_count(pods, "failed") > 0) {
        json_auto_t *shown = internal_view("batch.UncountedTerminatedPods", pods);
        fielderr_invalid(e, FP_CHILD(STATUS, "uncountedTerminatedPods"), shown, "must be empty for finished job");
    }
}

static void index_lists(struct fielderrs *e, const struct job_change *j)
{
    const char *completed = text(j->now, "completedIndexes"), *failed = text(j->now, "failedIndexes"), *why;
    const json_t *failed_given = member(j->now, "failedIndexes"), *completions = json_path(j->obj, "spec.completions"),
                 *per_index = json_path(j->obj, "spec.backoffLimitPerIndex");
    bool more_completed = !streq(completed, text(j->was, "completedIndexes")), more_failed = changed(j, "failedIndexes");
    const struct fpath *at = FP_CHILD(STATUS, "completedIndexes"), *at_failed = FP_CHILD(STATUS, "failedIndexes");
    int64_t total = json_integer_value(completions), listed, shared;

    if (more_completed && completions && (why = job_indexes(e->arena, completed, total, &listed)))
        fielderr_invalid_str(e, at, completed, "error parsing completedIndexes: %s", why);
    if (more_failed && completions && per_index && (why = job_indexes(e->arena, failed, total, &listed)))
        fielderr_invalid_str(e, at_failed, failed, "error parsing failedIndexes: %s", why);
    if (more_completed && *completed && !indexed(j->obj))
        fielderr_invalid_str(e, at, completed, "cannot set non-empty completedIndexes when non-indexed completion mode");
    if (more_failed && failed_given && !per_index)
        fielderr_invalid_str(e, at_failed, failed, "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
    if ((more_completed || more_failed) && completions && job_indexes_meet(e->arena, completed, failed, total, &shared))
        fielderr_invalid_str(e, at_failed, failed, "failedIndexes and completedIndexes overlap at index: %" PRId64, shared);
}

static void counters(struct fielderrs *e, const struct job_change *j)
{
    int64_t terminating = count(j->now, "terminating"), ready = count(j->now, "ready"), active = count(j->now, "active");
    bool turn = finished(j->obj) != finished(j->old);

    if ((turn || changed(j, "terminating")) && finished(j->obj) && terminating > 0)
        fielderr_invalid_int(e, FP_CHILD(STATUS, "terminating"), terminating, "terminating>0 is invalid for finished job");
    if ((changed(j, "ready") || active != count(j->was, "active")) && member(j->now, "ready") && ready > active)
        fielderr_invalid_int(e, FP_CHILD(STATUS, "ready"), ready, "cannot set more ready pods than active");
}

static void success(struct fielderrs *e, const struct job_change *j)
{
    bool met = is_true(j->obj, "SuccessCriteriaMet");

    if (met && is_true(j->obj, "Failed"))
        conditions(e, "cannot set SuccessCriteriaMet=True and Failed=true conditions");
    if (met && is_true(j->obj, "FailureTarget"))
        conditions(e, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
    if (json_path(j->obj, "spec.successPolicy") && !met && is_true(j->obj, "Complete"))
        conditions(e, "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
}

/* ---- from what it was -------------------------------------------------------------------------------- */

static bool resuming(const struct job_change *j)
{
    const json_t *now = obj_condition(j->obj, "Suspended");

    return is_true(j->old, "Suspended") && streq(text(now, "status"), "False");
}

static void no_way_back(struct fielderrs *e, const struct job_change *j)
{
    static const char *const terminal[] = { "Failed", "Complete", "FailureTarget" };
    const json_t *done = member(j->now, "completionTime"), *before = member(j->was, "completionTime");
    bool scaled = indexed(j->obj) && json_same(json_path(j->obj, "spec.completions"), json_path(j->obj, "spec.parallelism"));

    for (size_t i = 0; i < ARRAY_SIZE(terminal); i++)
        if (is_true(j->old, terminal[i]) && !is_true(j->obj, terminal[i]))
            conditions(e, arena_printf(e->arena, "cannot disable the terminal %s=True condition", terminal[i]));
    if (count(j->now, "failed") < count(j->was, "failed"))
        fielderr_invalid_int(e, FP_CHILD(STATUS, "failed"), count(j->now, "failed"), "cannot decrease the failed counter");
    if (!scaled && count(j->now, "succeeded") < count(j->was, "succeeded"))
        fielderr_invalid_int(e, FP_CHILD(STATUS, "succeeded"), count(j->now, "succeeded"),
                             "cannot decrease the succeeded counter");
    if (done && before && !json_same(done, before))
        fielderr_invalid(e, FP_CHILD(STATUS, "completionTime"), done, "field is immutable");
    if (member(j->was, "startTime") && changed(j, "startTime") && !resuming(j) &&
        !json_is_true(json_path(j->obj, "spec.suspend")))
        fielderr_required(e, FP_CHILD(STATUS, "startTime"), "startTime cannot be removed for unsuspended job");
    if (is_true(j->old, "SuccessCriteriaMet") && !is_true(j->obj, "SuccessCriteriaMet"))
        conditions(e, "cannot disable the SuccessCriteriaMet=True condition");
    if (is_true(j->old, "Complete") && !is_true(j->old, "SuccessCriteriaMet") && is_true(j->obj, "SuccessCriteriaMet"))
        conditions(e, "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
}

void job_validate_status(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    static const char *const counts[] = { "active", "succeeded", "failed", "ready", "terminating" };
    const struct job_change j = { obj, old, json_object_get(obj, "status"), json_object_get(old, "status") };

    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        rule_not_negative(e, j.now, STATUS, counts[i]);
    uncounted(e, j.now);
    ends(e, &j);
    of_finished(e, &j);
    index_lists(e, &j);
    counters(e, &j);
    success(e, &j);
    no_way_back(e, &j);
}
