#include "controller/runtime/leader.h"

#include "controller/kinds.h"
#include "kube/object.h"

#define LEASE_DURATION DURATION_S(15)
#define RENEW_DEADLINE DURATION_S(10)
#define RETRY_PERIOD DURATION_S(2)

struct leader {
    struct proc *proc;
    struct client *client;
    char *namespace, *identity;
    void (*lost)(void *arg);
    void *arg;
    bool holds, released;
    struct instant renewed;            /* last success of ours */
    char *seen;                        /* resourceVersion of the lease as last read ... */
    struct instant seen_at;            /* ... and since when it has not moved, by our clock */
    struct waitq changed;
};

struct leader *leader_new(struct proc *p, struct client *c, const struct leader_options *o)
{
    struct leader *l = xcalloc(1, sizeof(*l));

    l->proc = p;
    l->client = c;
    l->namespace = xstrdup(o->namespace);
    l->identity = xstrdup(o->identity);
    l->lost = o->lost;
    l->arg = o->arg;
    l->seen = xstrdup("");
    return l;
}

struct leader *leader_free(struct leader *l)
{
    if (l) {
        free(l->namespace);
        free(l->identity);
        free(l->seen);
        free(l);
    }
    return NULL;
}

static json_t *lease_spec(const struct leader *l, const json_t *old, struct instant now)
{
    bool mine = streq(obj_str(old, "spec.holderIdentity"), l->identity);
    char text[TIME_TEXT_MAX];

    time_format_micro(now, text);
    return json_pack("{s:s, s:i, s:s, s:s, s:I}", "holderIdentity", l->identity, "leaseDurationSeconds",
                     (int)(LEASE_DURATION / DURATION_S(1)),
                     "acquireTime", mine ? obj_str(old, "spec.acquireTime") : text, "renewTime", text,
                     "leaseTransitions",
                     (json_int_t)(obj_int(old, "spec.leaseTransitions", 0) + (old && !mine ? 1 : 0)));
}

/* Whether nobody else may be the holder any more. */
static bool lease_is_free(struct leader *l, const json_t *lease, struct instant now)
{
    const char *holder = obj_str(lease, "spec.holderIdentity");
    duration lasts = DURATION_S(obj_int(lease, "spec.leaseDurationSeconds", 15));

    if (!streq(l->seen, obj_resource_version(lease))) {
        free(l->seen);
        l->seen = xstrdup(obj_resource_version(lease));
        l->seen_at = now;
    }
    return !*holder || streq(holder, l->identity) || instant_sub(now, l->seen_at) >= lasts;
}

static int lease_create(struct co *co, struct leader *l, struct apierr *err)
{
    json_auto_t *lease = obj_new("coordination.k8s.io/v1", "Lease", l->namespace, LEADER_LEASE_NAME);

    json_object_set_new(lease, "spec", lease_spec(l, NULL, co_now(co)));
    return client_create(co, l->client, &kind_lease, lease, NULL, err);
}

/* 0: held until now + duration. */
static int try_lease(struct co *co, struct leader *l, struct apierr *err)
{
    struct objref ref = { &kind_lease, l->namespace, LEADER_LEASE_NAME };
    json_auto_t *lease = NULL, *next = NULL;
    int r = client_get(co, l->client, &ref, &lease, err);

    if (apierr_is(r, APIERR_NOT_FOUND))
        return lease_create(co, l, err);
    if (r < 0)
        return r;
    if (!lease_is_free(l, lease, co_now(co)))
        return apierr_set(err, APIERR_CONFLICT, "the lease is held by %s", obj_str(lease, "spec.holderIdentity"));
    next = json_clone(lease);
    json_object_set_new(next, "spec", lease_spec(l, lease, co_now(co)));
    return client_update(co, l->client, &kind_lease, next, NULL, err);
}

static void leader_run(struct co *co, void *arg)
{
    struct leader *l = arg;

    while (!co_cancelled(co) && !l->released) {
        struct apierr err;
        struct instant sent;
        co_pass_begin(co);
        err = APIERR_IN(co_arena(co));
        sent = co_now(co);
        int r = try_lease(co, l, &err);
        if (l->released)
            return;
        if (r == 0) {
            l->renewed = sent;
            if (!l->holds)
                world_trace(proc_world(l->proc), l->identity, "leads");
            l->holds = true;
            waitq_wake_all(&l->changed);
        } else if (l->holds && !instant_before(co_now(co), instant_add(l->renewed, RENEW_DEADLINE))) {
            world_trace(proc_world(l->proc), l->identity, "lost the lease");
            l->holds = false;
            l->lost(l->arg);
            return;
        }
        if (co_sleep(co, RETRY_PERIOD) < 0)
            return;
    }
}

void leader_start(struct leader *l)
{
    co_spawn(l->proc, "leader", leader_run, l);
}

int leader_wait(struct co *co, struct leader *l)
{
    int r = 0;

    while (!l->holds && r == 0)
        r = waitq_wait(co, &l->changed);
    return r;
}

bool leader_holds(const struct leader *l)
{
    return l->holds;
}

int leader_release(struct co *co, struct leader *l)
{
    struct apierr err = APIERR_IN(co_arena(co));
    struct objref ref = { &kind_lease, l->namespace, LEADER_LEASE_NAME };
    json_auto_t *lease = NULL, *patch = NULL;
    int r;

    l->released = true;
    if (!l->holds)
        return 0;
    l->holds = false;
    r = client_get(co, l->client, &ref, &lease, &err);
    if (r < 0 || !streq(obj_str(lease, "spec.holderIdentity"), l->identity))
        return r;
    patch = json_pack("{s:{s:s}, s:{s:s, s:i}}", "metadata", "resourceVersion", obj_resource_version(lease),
                      "spec", "holderIdentity", "", "leaseDurationSeconds", 1);
    return client_patch(co, l->client, &ref, NULL, PATCH_MERGE, patch, NULL, &err);
}
