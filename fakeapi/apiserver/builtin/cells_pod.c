/* The row of a Pod (G-100, G-120): what `kubectl get pods` makes of a status. */
#include <inttypes.h>
#include <stdio.h>

#include "fakeapi/apiserver/builtin/cells.h"
#include "kube/json.h"
#include "kube/object.h"

static const char *text_at(const json_t *v, const char *path)
{
    const char *s = json_string_value(json_path(v, path));

    return s ? s : "";
}

static int64_t number_at(const json_t *v, const char *path)
{
    return json_integer_value(json_path(v, path));
}

struct pod_view {
    const json_t *pod;
    struct arena *a;
    const char *reason;
    int64_t restarts, restarts_of_sidecars, total, ready;
    struct instant last_restart, last_sidecar_restart;
    bool initializing;
};

static bool condition_true(const json_t *pod, const char *type)
{
    size_t i;
    json_t *c;

    json_array_foreach(json_path(pod, "status.conditions"), i, c)
        if (streq(text_at(c, "type"), type))
            return streq(text_at(c, "status"), "True");
    return false;
}

static bool is_sidecar(const json_t *pod, const char *name)
{
    size_t i;
    json_t *c;

    json_array_foreach(json_path(pod, "spec.initContainers"), i, c)
        if (streq(text_at(c, "name"), name))
            return streq(text_at(c, "restartPolicy"), "Always");
    return false;
}

static void later(struct instant *t, const char *text)
{
    struct instant at;

    if (time_parse(text, &at) && at.ns > t->ns)
        *t = at;
}

static const char *exit_words(struct arena *a, const json_t *terminated, const char *prefix)
{
    int64_t signal = number_at(terminated, "signal");

    if (*text_at(terminated, "reason"))
        return arena_printf(a, "%s%s", prefix, text_at(terminated, "reason"));
    return signal ? arena_printf(a, "%sSignal:%" PRId64, prefix, signal)
                  : arena_printf(a, "%sExitCode:%" PRId64, prefix, number_at(terminated, "exitCode"));
}

/* The first init container that is not over tells the story. */
static void look_at_init(struct pod_view *v)
{
    const json_t *statuses = json_path(v->pod, "status.initContainerStatuses");
    size_t n = json_array_size(json_path(v->pod, "spec.initContainers")), i;
    json_t *s;

    json_array_foreach(statuses, i, s) {
        const json_t *terminated = json_path(s, "state.terminated"), *waiting = json_path(s, "state.waiting");
        bool sidecar = is_sidecar(v->pod, text_at(s, "name"));
        v->restarts += number_at(s, "restartCount");
        later(&v->last_restart, text_at(s, "lastState.terminated.finishedAt"));
        if (sidecar) {
            v->restarts_of_sidecars += number_at(s, "restartCount");
            later(&v->last_sidecar_restart, text_at(s, "lastState.terminated.finishedAt"));
        }
        if (terminated && number_at(terminated, "exitCode") == 0)
            continue;
        if (sidecar && json_is_true(json_object_get(s, "started"))) {
            if (json_is_true(json_object_get(s, "ready")))
                v->ready++;
            continue;
        }
        if (terminated)
            v->reason = exit_words(v->a, terminated, "Init:");
        else if (*text_at(waiting, "reason") && !streq(text_at(waiting, "reason"), "PodInitializing"))
            v->reason = arena_printf(v->a, "Init:%s", text_at(waiting, "reason"));
        else
            v->reason = arena_printf(v->a, "Init:%zu/%zu", i, n);
        v->initializing = true;
        return;
    }
}

/* From the last to the first: the first container has the last word. */
static void look_at_containers(struct pod_view *v)
{
    const json_t *statuses = json_path(v->pod, "status.containerStatuses");
    bool running = false;

    v->restarts = v->restarts_of_sidecars;
    v->last_restart = v->last_sidecar_restart;
    for (size_t i = json_array_size(statuses); i-- > 0;) {
        const json_t *s = json_array_get(statuses, i);
        const json_t *terminated = json_path(s, "state.terminated");
        const char *waiting = text_at(s, "state.waiting.reason");
        v->restarts += number_at(s, "restartCount");
        later(&v->last_restart, text_at(s, "lastState.terminated.finishedAt"));
        if (*waiting) {
            v->reason = waiting;
        } else if (terminated) {
            v->reason = exit_words(v->a, terminated, "");
        } else if (json_is_true(json_object_get(s, "ready")) && json_path(s, "state.running")) {
            running = true;
            v->ready++;
        }
    }
    if (streq(v->reason, "Completed") && running)
        v->reason = condition_true(v->pod, "Ready") ? "Running" : "NotReady";
}

static void count_containers(struct pod_view *v)
{
    size_t i;
    json_t *c;

    v->total = (int64_t)json_array_size(json_path(v->pod, "spec.containers"));
    json_array_foreach(json_path(v->pod, "spec.initContainers"), i, c)
        v->total += streq(text_at(c, "restartPolicy"), "Always");
}

static void look(struct pod_view *v)
{
    const char *phase = text_at(v->pod, "status.phase");
    size_t i;
    json_t *c;

    v->reason = *text_at(v->pod, "status.reason") ? text_at(v->pod, "status.reason") : phase;
    json_array_foreach(json_path(v->pod, "status.conditions"), i, c)
        if (streq(text_at(c, "type"), "PodScheduled") && streq(text_at(c, "reason"), "SchedulingGated"))
            v->reason = "SchedulingGated";
    count_containers(v);
    look_at_init(v);
    if (!v->initializing || condition_true(v->pod, "Initialized"))
        look_at_containers(v);
    if (*text_at(v->pod, "metadata.deletionTimestamp")) {
        if (streq(text_at(v->pod, "status.reason"), "NodeLost"))
            v->reason = "Unknown";
        else if (!streq(phase, "Failed") && !streq(phase, "Succeeded"))
            v->reason = "Terminating";
    }
}

static const char *gates(const struct pod_view *v)
{
    const json_t *list = json_path(v->pod, "spec.readinessGates");
    size_t i, n = json_array_size(list), passed = 0;
    json_t *g;

    json_array_foreach(list, i, g)
        passed += condition_true(v->pod, text_at(g, "conditionType"));
    return n ? arena_printf(v->a, "%zu/%zu", passed, n) : "<none>";
}

static const char *or_none(const char *s)
{
    return *s ? s : "<none>";
}

json_t *pod_cells(const json_t *obj, struct instant now, struct arena *a)
{
    struct pod_view v = { .pod = obj, .a = a };
    const char *restarts;

    look(&v);
    restarts = arena_printf(a, "%" PRId64, v.restarts);
    if (v.restarts && v.last_restart.ns)
        restarts = arena_printf(a, "%s (%s ago)", restarts, human_duration(a, instant_sub(now, v.last_restart)));
    const char *ip = text_at(obj, "status.podIPs[0].ip");
    return json_pack("[s, s, s, s, s, s, s, s, s]", obj_name(obj),
                     arena_printf(a, "%" PRId64 "/%" PRId64, v.ready, v.total), v.reason, restarts,
                     human_since(a, text_at(obj, "metadata.creationTimestamp"), now), or_none(ip),
                     or_none(text_at(obj, "spec.nodeName")), or_none(text_at(obj, "status.nominatedNodeName")),
                     gates(&v));
}
