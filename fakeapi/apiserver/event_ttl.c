#include "fakeapi/apiserver/server.h"

/* Events live for --event-ttl since they were last written, and are then deleted, as etcd's leases see to it (B-192).
 * Like etcd after a change of leader, a server that starts on what was there before lets all begin anew. */

#define EVENTS "/registry/events/"

/* All leases are of one length, so they end in the order in which they began. */
struct lease {
    char *key;
    uint64_t mod_revision;
    struct instant end;
};

struct event_ttl {
    struct apiserver *s;
    duration ttl;
    struct store_watch *watch;
    DYN(struct lease) leases;
    size_t first;                      /* those before have ended */
    struct waitq granted;
};

static void grant(struct event_ttl *t, const char *key, uint64_t mod_revision)
{
    *dyn_push(&t->leases) = (struct lease){ xstrdup(key), mod_revision, instant_add(world_now(t->s->world), t->ttl) };
    waitq_wake_all(&t->granted);
}

static void on_write(void *arg, const struct store_event *e)
{
    if (e->type != STORE_DELETE)
        grant(arg, e->key, e->revision);
}

static bool on_found(void *arg, const struct record *r)
{
    grant(arg, r->key, r->mod_revision);
    return true;
}

/* Whoever watches sees the event as it was, at the revision of its end. */
static void delete_event(struct store *s, const struct record *r)
{
    char revision[24];

    snprintf(revision, sizeof(revision), "%llu", (unsigned long long)store_revision(s) + 1);
    json_t *last = json_with(value_tree(r->value), "metadata.resourceVersion", json_string(revision));
    store_delete(s, r->key, r->mod_revision, value_from_tree(last), NULL);
}

static void end_first(struct event_ttl *t)
{
    struct lease *l = &t->leases.v[t->first++];
    struct record r;

    if (store_get(t->s->store, l->key, 0, &r) == 0 && r.mod_revision == l->mod_revision)
        delete_event(t->s->store, &r); /* written again since, it has a later lease */
    free(l->key);
    if (t->first < t->leases.n && t->first < 1024)
        return;
    t->leases.n -= t->first;
    memmove(t->leases.v, t->leases.v + t->first, t->leases.n * sizeof(*t->leases.v));
    t->first = 0;
}

static void lessor(struct co *co, void *arg)
{
    struct event_ttl *t = arg;
    int r = 0;

    while (r == 0) {
        if (t->first == t->leases.n)
            r = waitq_wait(co, &t->granted);
        else if ((r = co_sleep_until(co, t->leases.v[t->first].end)) == 0)
            end_first(t);
    }
}

void event_ttl_start(struct apiserver *s, duration ttl)
{
    struct event_ttl *t;

    if (ttl <= 0)
        return;
    s->event_ttl = t = xcalloc(1, sizeof(*t));
    *t = (struct event_ttl){ .s = s, .ttl = ttl };
    store_range(s->store, EVENTS, NULL, 0, 0, on_found, t, NULL);
    t->watch = store_watch_new(s->store, EVENTS, on_write, t);
    co_spawn(s->proc, "event-ttl", lessor, t);
}

void event_ttl_stop(struct apiserver *s)
{
    struct event_ttl *t = s->event_ttl;

    if (!t)
        return;
    store_watch_free(t->watch);
    for (size_t i = t->first; i < t->leases.n; i++)
        free(t->leases.v[i].key);
    dyn_release(&t->leases);
    free(t);
    s->event_ttl = NULL;
}
