#include "controller/runtime/manager.h"

#include <stdio.h>

#include "controller/runtime/leader.h"

struct controller {
    struct manager *manager;
    char *name;
    unsigned workers;
    reconcile_fn *fn;
    void *arg;
    struct workq *queue;
};

struct manager {
    struct proc *proc;
    struct world *world;
    struct client *client;
    struct registry *registry;
    struct events *events;
    struct leader *leader;             /* NULL: no election */
    duration resync, lag;
    DYN(struct informer *) informers;
    DYN(struct controller *) controllers;
    bool leading;
};

static void lost_lease(void *arg)
{
    struct manager *m = arg;

    proc_kill(m->proc);
}

struct manager *manager_new(struct proc *p, struct transport *t, const struct manager_options *o)
{
    struct manager *m = xcalloc(1, sizeof(*m));
    struct leader_options lo = {
        .namespace = str_empty(o->lease_namespace) ? "agent-sandbox-system" : o->lease_namespace,
        .identity = str_empty(o->identity) ? o->name : o->identity, .lost = lost_lease, .arg = m,
    };

    m->proc = p;
    m->world = proc_world(p);
    m->client = client_new(p, t, o->name);
    m->registry = registry_new(p, o->drivers, o->n_drivers);
    m->events = events_new(p, m->client, o->name);
    m->resync = o->resync;
    m->lag = o->lag;
    if (o->leader_elect)
        m->leader = leader_new(p, m->client, &lo);
    return m;
}

struct manager *manager_free(struct manager *m)
{
    if (!m)
        return NULL;
    assert(proc_tasks(m->proc) == 0);
    for (size_t i = 0; i < m->controllers.n; i++) {
        workq_free(m->controllers.v[i]->queue);
        free(m->controllers.v[i]->name);
        free(m->controllers.v[i]);
    }
    for (size_t i = 0; i < m->informers.n; i++)
        informer_free(m->informers.v[i]);
    dyn_release(&m->controllers);
    dyn_release(&m->informers);
    leader_free(m->leader);
    events_free(m->events);
    registry_free(m->registry);
    client_free(m->client);
    free(m);
    return NULL;
}

/* ---- workers --------------------------------------------------------------------------------- */

static void work_one(struct co *co, struct controller *c, const struct objkey *key)
{
    struct reconcile_result result = { .again = INSTANT_NEVER };
    struct apierr err = APIERR_IN(co_arena(co));
    int r = c->fn(co, c->arg, key, &result, &err);

    if (r == -ERR_CANCELLED)
        return;
    if (r < 0) {
        duration d = workq_add_rate_limited(c->queue, key);
        world_trace(c->manager->world, c->name, "%s/%s failed, again in %lld ms: %s", key->namespace,
                    key->name, (long long)(d / DURATION_MS(1)), err.message ? err.message : err_code_text(r));
        return;
    }
    workq_forget(c->queue, key);
    if (result.again.ns != INSTANT_NEVER.ns)
        workq_add_at(c->queue, key, result.again);
}

static void worker_run(struct co *co, void *arg)
{
    struct controller *c = arg;
    const struct objkey *key;

    while ((key = workq_get(co, c->queue)) != NULL) {
        co_pass_begin(co);
        co_input(co, key->namespace, strlen(key->namespace) + 1);
        co_input(co, key->name, strlen(key->name) + 1);
        work_one(co, c, key);
        workq_done(c->queue, key);
        if (co_yield(co) < 0)                     /* a key that is always ready starves nobody */
            return;
    }
}

static void manager_run(struct co *co, void *arg)
{
    struct manager *m = arg;

    if (m->leader && leader_wait(co, m->leader) < 0)
        return;
    for (size_t i = 0; i < m->informers.n; i++)
        if (informer_wait_synced(co, m->informers.v[i]) < 0)
            return;
    m->leading = true;
    for (size_t i = 0; i < m->controllers.n; i++) {
        struct controller *c = m->controllers.v[i];
        for (unsigned n = 0; n < c->workers; n++) {
            char name[128];
            snprintf(name, sizeof(name), "%s worker %u", c->name, n + 1);
            co_spawn(m->proc, name, worker_run, c);
        }
    }
}

void manager_start(struct manager *m)
{
    events_start(m->events);
    registry_start(m->registry);
    if (m->leader)
        leader_start(m->leader);
    for (size_t i = 0; i < m->informers.n; i++)
        informer_start(m->informers.v[i]);
    co_spawn(m->proc, "manager", manager_run, m);
}

int manager_stop(struct co *co, struct manager *m)
{
    for (size_t i = 0; i < m->controllers.n; i++)
        workq_shutdown(m->controllers.v[i]->queue);
    return m->leader ? leader_release(co, m->leader) : 0;
}

bool manager_is_leading(const struct manager *m)
{
    return m->leading;
}

bool manager_holds_lease(const struct manager *m)
{
    return !m->leader || leader_holds(m->leader);
}

bool manager_idle(const struct manager *m)
{
    for (size_t i = 0; i < m->controllers.n; i++)
        if (!workq_idle(m->controllers.v[i]->queue))
            return false;
    return true;
}

/* ---- parts ----------------------------------------------------------------------------------- */

struct world *manager_world(const struct manager *m)
{
    return m->world;
}

struct proc *manager_proc(const struct manager *m)
{
    return m->proc;
}

struct client *manager_client(const struct manager *m)
{
    return m->client;
}

struct registry *manager_registry(const struct manager *m)
{
    return m->registry;
}

struct events *manager_events(const struct manager *m)
{
    return m->events;
}

struct informer *manager_find_informer(const struct manager *m, const char *plural)
{
    for (size_t i = 0; i < m->informers.n; i++)
        if (streq(informer_resource(m->informers.v[i])->plural, plural))
            return m->informers.v[i];
    return NULL;
}

struct informer *manager_informer(struct manager *m, const struct resource *rs)
{
    struct informer_options o = { .resync = m->resync, .lag = m->lag };
    struct informer *i = manager_find_informer(m, rs->plural);

    if (i)
        return i;
    i = informer_new(m->proc, m->client, rs, &o);
    *dyn_push(&m->informers) = i;
    return i;
}

struct controller *manager_add(struct manager *m, const char *name, unsigned workers, reconcile_fn *fn,
                               void *arg)
{
    struct controller *c = xcalloc(1, sizeof(*c));
    struct workq_options o = { .name = name };

    c->manager = m;
    c->name = xstrdup(name);
    c->workers = workers ? workers : 1;
    c->fn = fn;
    c->arg = arg;
    c->queue = workq_new(m->world, &o);
    *dyn_push(&m->controllers) = c;
    return c;
}

struct workq *controller_queue(const struct controller *c)
{
    return c->queue;
}
