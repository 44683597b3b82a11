#include "fakeapi/cluster/cluster.h"

#include "fakeapi/cluster/loop.h"
#include "kube/json.h"

static const struct loop_row {
    const char *name;
    unsigned bit;
    void (*start)(struct cluster *c);
} loop_rows[] = {
    { "scheduler", CLUSTER_SCHEDULER, scheduler_start },
    { "kubelet", CLUSTER_KUBELET, kubelet_start },
    { "gc", CLUSTER_GC, gc_start },
    { "namespace", CLUSTER_NAMESPACE, namespaces_start },
    { "volume", CLUSTER_VOLUME, volumes_start },
    { "roles", CLUSTER_ROLES, roles_start },
};

int cluster_loops_parse(const char *text, unsigned *ret, struct err *e)
{
    cleanup_free char *copy = xstrdup(text);
    unsigned loops = 0;
    char *rest = copy;

    if (streq(text, "all") || streq(text, "none")) {
        *ret = streq(text, "all") ? CLUSTER_ALL : 0;
        return 0;
    }
    for (char *name; (name = strsep(&rest, ","));) {
        const struct loop_row *hit = NULL;
        for (size_t i = 0; i < ARRAY_SIZE(loop_rows); i++)
            if (streq(loop_rows[i].name, name))
                hit = &loop_rows[i];
        if (!hit)
            return err_set(e, ERR_INVALID, "\"%s\" is no cluster loop: there are all, none, scheduler, "
                           "kubelet, gc, namespace, volume, roles", name);
        loops |= hit->bit;
    }
    *ret = loops;
    return 0;
}

static duration or_default(duration d, duration otherwise)
{
    return d ? d : otherwise;
}

struct cluster *cluster_start(struct world *w, struct transport *t, const struct cluster_options *o)
{
    struct cluster *c = xcalloc(1, sizeof(*c));

    *c = (struct cluster){ .world = w, .transport = t, .options = *o, .guests = guests_new(w) };
    c->options.nodes = o->nodes ? o->nodes : 1;
    c->options.start_delay = or_default(o->start_delay, DURATION_MS(200));
    c->options.stop_delay = or_default(o->stop_delay, DURATION_MS(100));
    for (size_t i = 0; i < ARRAY_SIZE(loop_rows); i++)
        if (o->loops & loop_rows[i].bit)
            loop_rows[i].start(c);
    return c;
}

struct cluster *cluster_free(struct cluster *c)
{
    if (!c)
        return NULL;
    for (size_t i = 0; i < c->n_loops; i++) {
        struct cluster_loop_state *l = c->loops[i];
        proc_kill(l->proc);
        if (c->free_state[i])
            c->free_state[i](l->state);
        for (size_t k = 0; k < l->n_watched; k++)
            informer_free(l->watched[k].informer);
        workq_free(l->queue);
        client_free(l->client);
        proc_free(l->proc);
        free(l);
    }
    guests_free(c->guests);
    free(c);
    return NULL;
}

struct guest_host *cluster_guest_host(struct cluster *c)
{
    return guests_host(c->guests);
}

const char *cluster_guest_read(struct cluster *c, const char *namespace, const char *pod, const char *cell)
{
    return guests_read(c->guests, namespace, pod, cell);
}

int cluster_guest_write(struct cluster *c, const char *namespace, const char *pod, const char *cell,
                        const char *value)
{
    return guests_write(c->guests, namespace, pod, cell, value);
}

int64_t cluster_guest_steps(struct cluster *c, const char *namespace, const char *pod)
{
    return guests_steps(c->guests, namespace, pod);
}
