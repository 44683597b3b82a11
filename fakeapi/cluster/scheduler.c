/* The scheduler: binds each Pod that waits for a node (H-001 to H-005). */
#include "fakeapi/cluster/loop.h"
#include "kube/json.h"
#include "kube/object.h"

struct scheduler {
    struct informer *pods, *nodes;
};

static const char *text_at(const json_t *v, const char *path)
{
    const char *s = json_string_value(json_path(v, path));

    return s ? s : "";
}

static bool tolerates(const json_t *pod, const json_t *taint)
{
    const char *key = text_at(taint, "key"), *value = text_at(taint, "value"), *effect = text_at(taint, "effect");
    size_t i;
    json_t *t;

    json_array_foreach(json_path(pod, "spec.tolerations"), i, t) {
        const char *t_key = text_at(t, "key"), *t_effect = text_at(t, "effect");
        bool exists = streq(text_at(t, "operator"), "Exists");
        if (*t_effect && !streq(t_effect, effect))
            continue;
        if (exists ? !*t_key || streq(t_key, key) : streq(t_key, key) && streq(text_at(t, "value"), value))
            return true;
    }
    return false;
}

/* Why the node does not take the Pod, in the scheduler's words; NULL: it does. */
static const char *refusal(const json_t *pod, const json_t *node)
{
    const char *key;
    json_t *v, *taint;
    size_t i;

    if (json_is_true(json_path(node, "spec.unschedulable")))
        return "node(s) were unschedulable";
    json_array_foreach(json_path(node, "spec.taints"), i, taint)
        if (!streq(text_at(taint, "effect"), "PreferNoSchedule") && !tolerates(pod, taint))
            return "node(s) had untolerated taint(s)";
    json_object_foreach(json_path(pod, "spec.nodeSelector"), key, v) {
        const char *label = json_string_value(json_object_get(json_path(node, "metadata.labels"), key));
        if (!label || !streq(label, json_string_value(v)))
            return "node(s) didn't match Pod's node affinity/selector";
    }
    return NULL;
}

static size_t pods_on(const json_t *pods, const char *node)
{
    size_t i, n = 0;
    json_t *p;

    json_array_foreach(pods, i, p)
        n += streq(text_at(p, "spec.nodeName"), node);
    return n;
}

/* The fitting node with the fewest Pods, the first by name among equals; or why there is none. */
static const char *choose_node(struct co *co, struct scheduler *s, const json_t *pod, const char **ret_why)
{
    json_auto_t *nodes = informer_list(co, s->nodes, NULL), *pods = informer_list(co, s->pods, NULL);
    const char *best = NULL, *why = NULL;
    size_t i, least = 0, refused = 0;
    json_t *node;

    json_array_foreach(nodes, i, node) {
        const char *no = refusal(pod, node);
        if (no) {
            refused++;
            why = no;
            continue;
        }
        size_t n = pods_on(pods, obj_name(node));
        if (!best || n < least) {
            best = arena_strdup(co_arena(co), obj_name(node));
            least = n;
        }
    }
    *ret_why = why ? co_printf(co, "0/%zu nodes are available: %zu %s. no new claims to deallocate, "
                               "preemption: 0/%zu nodes are available: %zu Preemption is not helpful for "
                               "scheduling.", refused, refused, why, refused, refused)
                   : "no nodes available to schedule pods";
    return best;
}

static int say_unscheduled(struct co *co, struct cluster_loop_state *l, const json_t *pod,
                           const char *reason, const char *message, struct apierr *err)
{
    struct objref ref = { &cluster_pods, obj_namespace(pod), obj_name(pod) };
    json_auto_t *patch = NULL;
    size_t i;
    json_t *c;

    json_array_foreach(json_path(pod, "status.conditions"), i, c)
        if (streq(text_at(c, "type"), "PodScheduled") && streq(text_at(c, "message"), message))
            return 0;
    patch = json_pack("{s:{s:[o]}}", "status", "conditions",
                      cluster_loop_condition(co, pod, "PodScheduled", "False", reason, message));
    return client_patch(co, l->client, &ref, "status", PATCH_STRATEGIC, patch, NULL, err);
}

static int schedule(struct co *co, struct cluster_loop_state *l, const struct objkey *key, struct apierr *err)
{
    struct scheduler *s = l->state;
    json_auto_t *pod = informer_get(co, s->pods, key->namespace, key->name), *binding = NULL;
    const char *node, *why;
    int r;

    if (!pod || *text_at(pod, "spec.nodeName") || obj_is_deleting(pod)
        || (*text_at(pod, "spec.schedulerName") && !streq(text_at(pod, "spec.schedulerName"), "default-scheduler")))
        return 0;
    if (json_array_size(json_path(pod, "spec.schedulingGates")))
        return say_unscheduled(co, l, pod, "SchedulingGated",
                               "Scheduling is blocked due to non-empty scheduling gates", err);
    node = choose_node(co, s, pod, &why);
    if (!node)
        return say_unscheduled(co, l, pod, "Unschedulable", why, err);

    struct objref ref = { &cluster_pods, key->namespace, key->name };
    binding = json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s}}", "apiVersion", "v1", "kind", "Binding",
                        "metadata", "name", key->name, "namespace", key->namespace, "uid", obj_uid(pod),
                        "target", "kind", "Node", "name", node);
    r = client_post(co, l->client, &ref, "binding", binding, NULL, err);
    if (apierr_is(r, APIERR_CONFLICT) || apierr_is(r, APIERR_NOT_FOUND))
        return 0;                                 /* bound or gone meanwhile: its event will come */
    return r;
}

/* A node came or changed: every Pod that waits gets another chance. */
static void node_event(struct cluster_loop_state *l, enum informer_event type, const json_t *old,
                       const json_t *obj)
{
    struct scheduler *s = l->state;
    json_auto_t *pods = informer_list(NULL, s->pods, NULL);
    size_t i;
    json_t *pod;

    json_array_foreach(pods, i, pod)
        if (!*text_at(pod, "spec.nodeName"))
            cluster_loop_enqueue(l, pod);
}

void scheduler_start(struct cluster *c)
{
    struct scheduler *s = xcalloc(1, sizeof(*s));
    struct cluster_loop_state *l = cluster_loop_new(c, "scheduler", "kube-scheduler", schedule, s, free);

    s->pods = cluster_loop_watch(l, &cluster_pods, NULL);
    s->nodes = cluster_loop_watch(l, &cluster_nodes, node_event);
    cluster_loop_start(l);
}
