#include "controller/runtime/events.h"

#include "controller/kinds.h"
#include "kube/object.h"

#define PENDING_MAX 1000               /* waiting to be written; older ones win, newer are dropped */
#define REMEMBERED_MAX 4096            /* aggregation keys; the oldest is forgotten */

struct remembered {
    uint64_t key;
    char *namespace, *name;
    int64_t count;
};

struct pending {
    json_t *event;
    uint64_t key;
};

struct events {
    struct proc *proc;
    struct client *client;
    char *component;
    DYN(struct pending) queue;
    DYN(struct remembered) seen;
    struct waitq more;
};

struct events *events_new(struct proc *p, struct client *c, const char *component)
{
    struct events *e = xcalloc(1, sizeof(*e));

    e->proc = p;
    e->client = c;
    e->component = xstrdup(component);
    return e;
}

static void forget(struct remembered *r)
{
    free(r->namespace);
    free(r->name);
}

struct events *events_free(struct events *e)
{
    if (!e)
        return NULL;
    for (size_t i = 0; i < e->queue.n; i++)
        json_decref(e->queue.v[i].event);
    for (size_t i = 0; i < e->seen.n; i++)
        forget(&e->seen.v[i]);
    dyn_release(&e->queue);
    dyn_release(&e->seen);
    free(e->component);
    free(e);
    return NULL;
}

static uint64_t aggregation_key(const json_t *involved, const char *type, const char *reason,
                                const char *message)
{
    const char *parts[] = { obj_uid(involved), type, reason, message };
    uint64_t h = HASH64_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        h = hash64(h, parts[i], strlen(parts[i]) + 1);
    return h;
}

static json_t *event_build(struct events *e, const json_t *involved, const char *type, const char *reason,
                           const char *message)
{
    struct world *w = proc_world(e->proc);
    const char *namespace = *obj_namespace(involved) ? obj_namespace(involved) : "default";
    cleanup_free char *name = xasprintf("%.200s.%016llx", obj_name(involved),
                                        (unsigned long long)world_identity(w));
    json_t *event = obj_new("v1", "Event", namespace, name);
    char now[TIME_TEXT_MAX];

    time_format(world_now(w), now);
    json_object_update_new(event, json_pack(
        "{s:{s:s, s:s, s:s, s:s, s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:i, s:{s:s}}",
        "involvedObject", "kind", obj_kind(involved), "namespace", obj_namespace(involved),
        "name", obj_name(involved), "uid", obj_uid(involved), "apiVersion", obj_api_version(involved),
        "resourceVersion", obj_resource_version(involved),
        "reason", reason, "message", message, "type", type, "firstTimestamp", now, "lastTimestamp", now,
        "count", 1, "source", "component", e->component));
    return event;
}

void event_record(struct events *e, const json_t *involved, const char *type, const char *reason,
                  const char *fmt, ...)
{
    cleanup_free char *message = NULL;
    va_list args;

    va_start(args, fmt);
    message = xvasprintf(fmt, args);
    va_end(args);
    world_trace(proc_world(e->proc), "controller", "event %s %s on %s %s: %s", type, reason,
                obj_kind(involved), obj_name(involved), message);
    if (e->queue.n >= PENDING_MAX || proc_dead(e->proc))
        return;
    *dyn_push(&e->queue) = (struct pending){ event_build(e, involved, type, reason, message),
                                             aggregation_key(involved, type, reason, message) };
    waitq_wake_one(&e->more);
}

static struct remembered *recall(struct events *e, uint64_t key)
{
    for (size_t i = 0; i < e->seen.n; i++)
        if (e->seen.v[i].key == key)
            return &e->seen.v[i];
    return NULL;
}

static void remember(struct events *e, uint64_t key, const json_t *event)
{
    if (e->seen.n >= REMEMBERED_MAX) {
        forget(&e->seen.v[0]);
        memmove(&e->seen.v[0], &e->seen.v[1], (e->seen.n - 1) * sizeof(*e->seen.v));
        e->seen.n--;
    }
    *dyn_push(&e->seen) = (struct remembered){ key, xstrdup(obj_namespace(event)),
                                               xstrdup(obj_name(event)), 1 };
}

/* Raises the count of an event written before. The slot may have moved while the call was out. */
static int event_repeat(struct co *co, struct events *e, uint64_t key, const json_t *event,
                        struct apierr *err)
{
    struct remembered *seen = recall(e, key);
    struct objref ref = { &kind_event, co_printf(co, "%s", seen->namespace), co_printf(co, "%s", seen->name) };
    json_auto_t *patch = json_pack("{s:I, s:s}", "count", (json_int_t)seen->count + 1, "lastTimestamp",
                                   obj_str(event, "lastTimestamp"));
    int r = client_patch(co, e->client, &ref, NULL, PATCH_MERGE, patch, NULL, err);

    seen = recall(e, key);
    if (r == 0 && seen)
        seen->count++;
    return r;
}

static void event_write(struct co *co, struct events *e, const struct pending *p)
{
    struct apierr err = APIERR_IN(co_arena(co));

    if (recall(e, p->key) && event_repeat(co, e, p->key, p->event, &err) == 0)
        return;
    if (client_create(co, e->client, &kind_event, p->event, NULL, &err) == 0 && !recall(e, p->key))
        remember(e, p->key, p->event);
}

static void events_run(struct co *co, void *arg)
{
    struct events *e = arg;

    while (!co_cancelled(co)) {
        struct pending p;
        json_auto_t *event = NULL;
        while (!e->queue.n)
            if (waitq_wait(co, &e->more) < 0)
                return;
        p = e->queue.v[0];
        event = p.event;
        memmove(&e->queue.v[0], &e->queue.v[1], (e->queue.n - 1) * sizeof(*e->queue.v));
        e->queue.n--;
        co_pass_begin(co);
        event_write(co, e, &p);
    }
}

void events_start(struct events *e)
{
    co_spawn(e->proc, "events", events_run, e);
}
