#include "conformance/scenario/lab.h"

#include "conformance/scenario/driver_link.h"
#include "conformance/scenario/link.h"
#include "controller/controller.h"
#include "drivers/directory/directory.h"
#include "drivers/villains/villains.h"
#include "fakeapi/apiserver/apiserver.h"
#include "fakeapi/cluster/cluster.h"
#include "fakeapi/store/commitlog_sqlite.h"
#include "world/disk.h"

struct replica {
    struct lab *lab;
    char *actor;
    struct proc *proc;                           /* NULL: does not run */
    struct link *link;
    struct controllers *controllers;
    struct timer restart;
    bool restart_due;
};

struct lab_driver {
    struct lab *lab;
    const char *name, *villain;
    struct driver_link *link;
    struct disk *disk;
    struct proc *proc;                           /* NULL: does not run */
    struct snapshot_driver *driver, *directory;  /* `directory` is inside, borrowed */
    struct timer restart;
    bool restart_due;
};

struct lab {
    const struct scenario *scenario;
    struct lab_options options;
    struct world *world;
    struct apiserver *server;
    struct transport *transport;
    struct cluster *cluster;
    struct history *history;
    struct faults *faults;
    struct monitor *monitor;
    struct proc *user;
    struct client *client;
    struct replica *replicas;
    size_t n_replicas;
    struct lab_driver *drivers;
    size_t n_drivers;
    DYN(const char *) held;
};

/* ---- drivers --------------------------------------------------------------------------------- */

static void driver_up(struct lab_driver *d)
{
    struct lab *l = d->lab;
    struct directory_driver_options o = { .world = l->world, .disk = d->disk, .name = d->name };

    const char *villain = l->options.villain ? l->options.villain : d->villain;

    if (l->cluster)
        o.guests = cluster_guest_host(l->cluster);
    d->proc = proc_new(l->world, "driver");
    d->directory = directory_driver_new(&o);
    d->driver = villain ? villain_new_beside(villain, d->directory, l->world, o.guests) : d->directory;
    driver_link_set(d->link, d->driver, d->proc);
}

/* Dead at once; what is left of it goes once its tasks have unwound. */
static void driver_kill(struct lab_driver *d)
{
    driver_link_set(d->link, NULL, NULL);
    proc_kill(d->proc);
}

static void driver_reap(struct lab_driver *d)
{
    d->driver = driver_free(d->driver);
    d->directory = NULL;
    d->proc = proc_free(d->proc);
}

static void driver_timer(void *arg)
{
    struct lab_driver *d = arg;

    d->restart_due = true;
}

void lab_crash_drivers(struct lab *l, duration restart)
{
    for (size_t i = 0; i < l->n_drivers; i++) {
        struct lab_driver *d = &l->drivers[i];
        if (!d->proc || proc_dead(d->proc))
            continue;
        history_note(l->history, HAPPENED_CRASH, "driver %s", d->name);
        driver_kill(d);
        if (restart >= 0)
            timer_set(l->world, &d->restart, instant_add(world_now(l->world), restart), driver_timer, d);
    }
}

static void add_driver(struct lab *l, const char *name, const char *villain)
{
    struct lab_driver *d = &l->drivers[l->n_drivers++];

    *d = (struct lab_driver){ .lab = l, .name = name, .villain = villain };
    d->link = driver_link_new(l->history, l->faults, name);
    d->disk = disk_sim_new(l->world);
    driver_up(d);
}

static void add_drivers(struct lab *l, const struct given *g)
{
    size_t n = g && g->drivers.n > 0 ? g->drivers.n : 1;

    l->drivers = xcalloc(n, sizeof(*l->drivers));
    if (g && g->no_driver)
        return;
    if (!g || g->drivers.n == 0)
        add_driver(l, DIRECTORY_DRIVER_NAME, NULL);
    for (size_t i = 0; g && i < g->drivers.n; i++) {
        const struct given_driver *d = g->drivers.v[i];
        add_driver(l, d->name, d->villain);
    }
}

/* ---- controllers ----------------------------------------------------------------------------- */

static void replica_up(struct replica *r)
{
    struct lab *l = r->lab;
    struct controller_options o = { .name = "", .identity = r->actor, .lease_namespace = "kube-system",
                                    .cluster_domain = "", .freeze_driver = "" };
    struct driver_entry *entries = xcalloc(l->n_drivers + 1, sizeof(*entries));

    for (size_t i = 0; i < l->n_drivers; i++)
        entries[i] = (struct driver_entry){ l->drivers[i].name,
                                            driver_link_for(l->drivers[i].link, r->actor) };
    o.leader_elect = l->n_replicas > 1;
    o.drivers = entries;
    o.n_drivers = l->n_drivers;
    r->proc = proc_new(l->world, r->actor);
    r->link = link_new(l->history, l->faults, l->transport, r->actor, l->options.client_villain);
    for (size_t i = 0; i < l->held.n; i++)
        link_hold(r->link, l->held.v[i], true);
    history_note(l->history, HAPPENED_START, "%s", r->actor);
    r->controllers = controller_start(l->world, r->proc, link_transport(r->link), &o);
    free(entries);
}

/* Once its tasks have unwound. */
static void replica_reap(struct replica *r)
{
    r->controllers = controller_free(r->controllers);
    r->link = link_free(r->link);
    r->proc = proc_free(r->proc);
}

static void replica_timer(void *arg)
{
    struct replica *r = arg;

    r->restart_due = true;
}

static void replica_down(struct replica *r, duration restart)
{
    struct lab *l = r->lab;

    if (!r->proc || proc_dead(r->proc))
        return;
    history_note(l->history, HAPPENED_CRASH, "%s", r->actor);
    proc_kill(r->proc);
    if (restart >= 0)
        timer_set(l->world, &r->restart, instant_add(world_now(l->world), restart), replica_timer, r);
}

static void crash_actor(void *arg, const char *actor, duration restart)
{
    struct lab *l = arg;

    for (size_t i = 0; i < l->n_replicas; i++)
        if (streq(l->replicas[i].actor, actor))
            replica_down(&l->replicas[i], restart);
}

void lab_crash_controllers(struct lab *l, duration restart)
{
    for (size_t i = 0; i < l->n_replicas; i++)
        replica_down(&l->replicas[i], restart);
}

void lab_start_controllers(struct lab *l)
{
    for (size_t i = 0; i < l->n_replicas; i++)
        if (!l->replicas[i].proc)
            replica_up(&l->replicas[i]);
        else if (proc_dead(l->replicas[i].proc))
            l->replicas[i].restart_due = true;
}

bool lab_controllers_ready(struct lab *l)
{
    bool any = false, ready = false;

    for (size_t i = 0; i < l->n_replicas; i++) {
        struct replica *r = &l->replicas[i];
        any |= r->proc != NULL;
        ready |= r->proc && !proc_dead(r->proc) && controller_ready(r->controllers);
    }
    return ready || !any;
}

void lab_hold(struct lab *l, const char *kind, bool held)
{
    for (size_t i = 0; i < l->held.n; i++)
        if (streq(l->held.v[i], kind)) {
            l->held.v[i] = l->held.v[--l->held.n];
            break;
        }
    if (held)
        *dyn_push(&l->held) = kind;
    for (size_t i = 0; i < l->n_replicas; i++)
        if (l->replicas[i].link)
            link_hold(l->replicas[i].link, kind, held);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static unsigned loops_of(const struct given *g)
{
    return g && g->loops ? g->loops : CLUSTER_ALL;
}

static void add_controllers(struct lab *l, const struct given *g)
{
    l->n_replicas = g && g->replicas ? (size_t)g->replicas : 1;
    l->replicas = xcalloc(l->n_replicas, sizeof(*l->replicas));
    for (size_t i = 0; i < l->n_replicas; i++) {
        l->replicas[i].lab = l;
        l->replicas[i].actor = xasprintf("controller-%zu", i);
    }
}

struct lab *lab_new(const struct scenario *s, const struct lab_options *o, struct err *e)
{
    struct world_options wo = { .mode = WORLD_SIM, .seed = o->seed, .replay_then_default = o->plain,
                                .trace_keep = o->trace };
    struct apiserver_options so = { .crds = "agent-sandbox", .bare = true };
    struct cluster_options co = { .loops = loops_of(s->given) };
    struct lab *l = xcalloc(1, sizeof(*l));

    l->scenario = s;
    l->options = *o;
    l->world = world_new(&wo);
    if (o->durable)
        so.log = commitlog_sqlite_new(&(struct commitlog_sqlite_options){ .path = ":memory:" }, e);
    l->server = apiserver_new(l->world, &so, e);
    if (!l->server) {
        world_free(l->world);
        free(l);
        return NULL;
    }
    l->history = history_new(l->world);
    history_watch(l->history, apiserver_store(l->server));
    l->monitor = monitor_new(l->history);
    l->faults = faults_new(l->history, crash_actor, l);
    faults_crash_at(l->faults, o->crash_at, o->crash_after);
    l->transport = apiserver_transport(l->server);
    l->cluster = cluster_start(l->world, l->transport, &co);
    l->user = proc_new(l->world, "user");
    l->client = client_new(l->user, l->transport, "user");
    add_drivers(l, s->given);
    add_controllers(l, s->given);
    return l;
}

static void free_driver(struct lab_driver *d)
{
    timer_cancel(&d->restart);
    if (d->proc) {
        driver_kill(d);
        driver_reap(d);
    }
    driver_link_free(d->link);
    disk_free(d->disk);
}

struct lab *lab_free(struct lab *l)
{
    if (!l)
        return NULL;
    for (size_t i = 0; i < l->n_replicas; i++) {
        timer_cancel(&l->replicas[i].restart);
        if (l->replicas[i].proc) {
            proc_kill(l->replicas[i].proc);
            replica_reap(&l->replicas[i]);
        }
        free(l->replicas[i].actor);
    }
    free(l->replicas);
    proc_kill(l->user);
    client_free(l->client);
    proc_free(l->user);
    for (size_t i = 0; i < l->n_drivers; i++)
        free_driver(&l->drivers[i]);
    free(l->drivers);
    cluster_free(l->cluster);
    history_unwatch(l->history);
    transport_free(l->transport);
    apiserver_free(l->server);
    faults_free(l->faults);
    monitor_free(l->monitor);
    history_free(l->history);
    dyn_release(&l->held);
    world_free(l->world);
    free(l);
    return NULL;
}

bool lab_step(struct lab *l)
{
    bool more = world_step(l->world, INSTANT_NEVER);

    for (size_t i = 0; i < l->n_replicas; i++) {
        struct replica *r = &l->replicas[i];
        if (r->proc && proc_dead(r->proc) && proc_tasks(r->proc) == 0)
            replica_reap(r);
        if (r->restart_due && !r->proc) {
            r->restart_due = false;
            replica_up(r);
        }
    }
    for (size_t i = 0; i < l->n_drivers; i++) {
        struct lab_driver *d = &l->drivers[i];
        if (d->proc && proc_dead(d->proc) && proc_tasks(d->proc) == 0) {
            driver_reap(d);
            disk_crash(d->disk);
        }
        if (d->restart_due && !d->proc) {
            d->restart_due = false;
            history_note(l->history, HAPPENED_START, "driver %s", d->name);
            driver_up(d);
        }
    }
    return more;
}

int lab_artifacts(struct co *co, struct lab *l, struct arena *a, const char *const **ret, size_t *ret_n)
{
    DYN(const char *) all = { 0 };
    int r = 0;

    for (size_t i = 0; i < l->n_drivers && r >= 0; i++) {
        const char *const *names = NULL;
        size_t n = 0;
        if (!l->drivers[i].directory)
            continue;
        r = directory_driver_files(co, l->drivers[i].directory, a, &names, &n, NULL);
        for (size_t k = 0; r >= 0 && k < n; k++)
            *dyn_push(&all) = names[k];
    }
    *ret = all.n ? arena_memdup(a, all.v, all.n * sizeof(*all.v)) : NULL;
    *ret_n = all.n;
    dyn_release(&all);
    return r < 0 ? r : 0;
}

struct world *lab_world(struct lab *l)
{
    return l->world;
}

struct history *lab_history(struct lab *l)
{
    return l->history;
}

struct faults *lab_faults(struct lab *l)
{
    return l->faults;
}

struct monitor *lab_monitor(struct lab *l)
{
    return l->monitor;
}

struct proc *lab_user(struct lab *l)
{
    return l->user;
}

struct client *lab_client(struct lab *l)
{
    return l->client;
}

struct cluster *lab_cluster(struct lab *l)
{
    return l->cluster;
}
