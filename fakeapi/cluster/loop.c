#include "fakeapi/cluster/loop.h"

#include "kube/json.h"
#include "kube/object.h"

const struct resource cluster_pods = { "", "v1", "Pod", "pods", true },
    cluster_nodes = { "", "v1", "Node", "nodes", false },
    cluster_namespaces = { "", "v1", "Namespace", "namespaces", false },
    cluster_claims = { "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true },
    cluster_volumes = { "", "v1", "PersistentVolume", "persistentvolumes", false },
    cluster_service_accounts = { "", "v1", "ServiceAccount", "serviceaccounts", true };

struct cluster_loop_state *cluster_loop_new(struct cluster *c, const char *name, const char *manager,
                                    loop_reconcile_fn *reconcile, void *state, void (*free_state)(void *))
{
    struct cluster_loop_state *l = xcalloc(1, sizeof(*l));
    struct workq_options o = { .name = name };

    *l = (struct cluster_loop_state){ .cluster = c, .name = name, .reconcile = reconcile, .state = state };
    l->proc = proc_new(c->world, name);
    l->client = client_new(l->proc, c->transport, manager);
    l->queue = workq_new(c->world, &o);
    assert(c->n_loops < ARRAY_SIZE(c->loops));
    c->free_state[c->n_loops] = free_state;
    c->loops[c->n_loops++] = l;
    return l;
}

void cluster_loop_enqueue(struct cluster_loop_state *l, const json_t *obj)
{
    const char *namespace = obj_namespace(obj), *name = obj_name(obj);
    struct objkey key = { namespace ? namespace : "", name ? name : "" };

    workq_add(l->queue, &key);
}

static void on_event(void *arg, enum informer_event type, const json_t *old, const json_t *obj)
{
    struct watched *w = arg;

    if (w->event)
        w->event(w->loop, type, old, obj);
    else
        cluster_loop_enqueue(w->loop, obj);
}

struct informer *cluster_loop_watch(struct cluster_loop_state *l, const struct resource *rs, loop_event_fn *event)
{
    struct informer_options o = { 0 };
    struct watched *w = &l->watched[l->n_watched++];

    assert(l->n_watched <= ARRAY_SIZE(l->watched));
    *w = (struct watched){ .loop = l, .informer = informer_new(l->proc, l->client, rs, &o), .event = event };
    informer_add_handler(w->informer, on_event, w);
    return w->informer;
}

static void worker(struct co *co, void *arg)
{
    struct cluster_loop_state *l = arg;
    const struct objkey *key;

    for (size_t i = 0; i < l->n_watched; i++)
        if (informer_wait_synced(co, l->watched[i].informer) < 0)
            return;
    while ((key = workq_get(co, l->queue))) {
        co_pass_begin(co);
        struct apierr err = APIERR_IN(co_arena(co));
        int r = l->reconcile(co, l, key, &err);
        if (r == -ERR_CANCELLED) {
            workq_done(l->queue, key);
            return;
        }
        if (r < 0) {
            world_trace(co_world(co), l->name, "%s/%s: %s", key->namespace, key->name,
                        err.message ? err.message : apierr_reason_text(r));
            workq_add_rate_limited(l->queue, key);
        } else {
            workq_forget(l->queue, key);
        }
        workq_done(l->queue, key);
    }
}

void cluster_loop_start(struct cluster_loop_state *l)
{
    for (size_t i = 0; i < l->n_watched; i++)
        informer_start(l->watched[i].informer);
    co_spawn(l->proc, l->name, worker, l);
}

const char *cluster_loop_now_text(struct co *co)
{
    char text[TIME_TEXT_MAX];

    time_format(co_now(co), text);
    return arena_strdup(co_arena(co), text);
}

static const json_t *condition_of(const json_t *obj, const char *type)
{
    size_t i;
    json_t *c;

    json_array_foreach(json_path(obj, "status.conditions"), i, c) {
        const char *have = json_string_value(json_object_get(c, "type"));
        if (have && streq(have, type))
            return c;
    }
    return NULL;
}

json_t *cluster_loop_condition(struct co *co, const json_t *obj, const char *type, const char *status,
                       const char *reason, const char *message)
{
    const json_t *before = condition_of(obj, type);
    const char *was = json_string_value(json_object_get(before, "status"));
    const char *since = json_string_value(json_object_get(before, "lastTransitionTime"));
    json_t *c = json_pack("{s:s, s:s, s:n, s:s}", "type", type, "status", status, "lastProbeTime",
                          "lastTransitionTime", was && since && streq(was, status) ? since
                                                                                   : cluster_loop_now_text(co));

    json_object_set_new(c, "reason", reason ? json_string(reason) : json_null());
    json_object_set_new(c, "message", message ? json_string(message) : json_null());
    return c;
}
