#include "controller/controller.h"

#include "controller/sandbox/sandbox.h"
#include "controller/snapshot/claim.h"

struct controllers {
    struct manager *manager;
    struct sandbox_controller *sandbox;
    struct claim_controller *claim;
    char *name, *identity, *cluster_domain, *freeze_driver;
};

static char *copy(const char *text, const char *otherwise)
{
    return xstrdup(str_empty(text) ? otherwise : text);
}

struct controllers *controller_start(struct world *w, struct proc *p, struct transport *t,
                                     const struct controller_options *o)
{
    struct controllers *c = xcalloc(1, sizeof(*c));
    struct manager_options mo = {
        .leader_elect = o->leader_elect, .lease_namespace = o->lease_namespace, .resync = o->resync,
        .lag = o->lag, .drivers = o->drivers, .n_drivers = o->n_drivers,
    };
    struct sandbox_options so = { .workers = o->sandbox_workers ? o->sandbox_workers : 100 };

    assert(proc_world(p) == w);
    mo.name = c->name = copy(o->name, "agent-sandbox");
    mo.identity = c->identity = copy(o->identity, proc_name(p));
    so.cluster_domain = c->cluster_domain = copy(o->cluster_domain, "cluster.local");
    so.freeze_driver = c->freeze_driver = copy(o->freeze_driver, "");
    c->manager = manager_new(p, t, &mo);
    c->sandbox = sandbox_controller_new(c->manager, &so);
    c->claim = claim_controller_new(c->manager);
    manager_start(c->manager);
    return c;
}

int controller_stop(struct co *co, struct controllers *c)
{
    return manager_stop(co, c->manager);
}

struct controllers *controller_free(struct controllers *c)
{
    if (!c)
        return NULL;
    claim_controller_free(c->claim);
    sandbox_controller_free(c->sandbox);
    manager_free(c->manager);
    free(c->name);
    free(c->identity);
    free(c->cluster_domain);
    free(c->freeze_driver);
    free(c);
    return NULL;
}

bool controller_ready(const struct controllers *c)
{
    return manager_is_leading(c->manager);
}

bool controller_idle(const struct controllers *c)
{
    return manager_idle(c->manager);
}

bool controller_holds_lease(const struct controllers *c)
{
    return manager_holds_lease(c->manager);
}

bool controller_hold(struct controllers *c, const char *plural, bool held)
{
    struct informer *i = manager_find_informer(c->manager, plural);

    if (i)
        informer_hold(i, held);
    return i != NULL;
}
