#include "fakeapi/cluster/guests.h"

#include <jansson.h>

/* One Pod: what all its containers hold together, since an image is always the whole Pod (DRV-020). */
struct guest {
    char *namespace, *pod, *uid;
    enum guest_state state;
    int64_t steps;                     /* done before `since` */
    struct instant since;              /* running since */
    json_t *memory;                    /* object of strings */
};

struct image {
    char *snapshot_uid;
    json_t *content;
};

struct guests {
    struct guest_host host;
    struct world *world;
    DYN(struct guest) pods;
    DYN(struct image) images;
};

static struct guest *by_uid(const struct guests *g, const char *uid)
{
    for (size_t i = 0; i < g->pods.n; i++)
        if (streq(g->pods.v[i].uid, uid))
            return &g->pods.v[i];
    return NULL;
}

/* The newest of that name: an old Pod may still be on its way out. */
static struct guest *by_name(const struct guests *g, const char *namespace, const char *pod)
{
    for (size_t i = g->pods.n; i-- > 0;)
        if (streq(g->pods.v[i].pod, pod) && streq(g->pods.v[i].namespace, namespace))
            return &g->pods.v[i];
    return NULL;
}

static struct image *image_find(const struct guests *g, const char *snapshot_uid)
{
    for (size_t i = 0; i < g->images.n; i++)
        if (streq(g->images.v[i].snapshot_uid, snapshot_uid))
            return &g->images.v[i];
    return NULL;
}

static int64_t steps_now(const struct guests *g, const struct guest *p)
{
    if (p->state != GUEST_RUNNING)
        return p->steps;
    return p->steps + instant_sub(world_now(g->world), p->since) / DURATION_MS(1);
}

static void halt(struct guests *g, struct guest *p, enum guest_state state)
{
    p->steps = steps_now(g, p);
    p->state = state;
}

bool guests_start(struct guests *g, const char *namespace, const char *pod, const char *uid,
                  const char *restored_from)
{
    struct image *image = str_empty(restored_from) ? NULL : image_find(g, restored_from);
    struct guest *p = by_uid(g, uid);

    if (!str_empty(restored_from) && !image)
        return false;
    if (!p) {
        p = dyn_push(&g->pods);
        *p = (struct guest){ .namespace = xstrdup(namespace), .pod = xstrdup(pod), .uid = xstrdup(uid) };
    }
    json_decref(p->memory);
    p->memory = image ? json_deep_copy(json_object_get(image->content, "memory")) : NULL;
    if (!p->memory)
        p->memory = json_object();
    p->steps = image ? json_integer_value(json_object_get(image->content, "steps")) : 0;
    p->since = world_now(g->world);
    p->state = GUEST_RUNNING;
    return true;
}

void guests_stop(struct guests *g, const char *uid)
{
    struct guest *p = by_uid(g, uid);

    if (p)
        halt(g, p, GUEST_NOT_RUNNING);
}

static void guest_release(struct guest *p)
{
    free(p->namespace);
    free(p->pod);
    free(p->uid);
    json_decref(p->memory);
}

void guests_remove(struct guests *g, const char *uid)
{
    struct guest *p = by_uid(g, uid);

    if (!p)
        return;
    guest_release(p);
    size_t at = (size_t)(p - g->pods.v);
    memmove(p, p + 1, (--g->pods.n - at) * sizeof(*p));
}

enum guest_state guests_state(const struct guests *g, const char *uid)
{
    struct guest *p = by_uid(g, uid);

    return p ? p->state : GUEST_ABSENT;
}

const char *guests_read(const struct guests *g, const char *namespace, const char *pod, const char *cell)
{
    struct guest *p = by_name(g, namespace, pod);

    return p ? json_string_value(json_object_get(p->memory, cell)) : NULL;
}

int guests_write(struct guests *g, const char *namespace, const char *pod, const char *cell,
                 const char *value)
{
    struct guest *p = by_name(g, namespace, pod);

    if (!p || p->state != GUEST_RUNNING)
        return -ERR_NOT_FOUND;
    return json_object_set_new(p->memory, cell, json_string(value)) < 0 ? -ERR_INVALID : 0;
}

int64_t guests_steps(const struct guests *g, const char *namespace, const char *pod)
{
    struct guest *p = by_name(g, namespace, pod);

    return p ? steps_now(g, p) : -1;
}

/* ---- the seam for drivers --------------------------------------------------------------------- */

static enum guest_state host_lookup(struct guest_host *h, const char *namespace, const char *pod,
                                    char ret_uid[64])
{
    struct guest *p = by_name(container_of(h, struct guests, host), namespace, pod);

    ret_uid[0] = '\0';
    if (!p)
        return GUEST_ABSENT;
    strncat(ret_uid, p->uid, 63);
    return p->state;
}

static int host_freeze(struct guest_host *h, const char *pod_uid, bool frozen)
{
    struct guests *g = container_of(h, struct guests, host);
    struct guest *p = by_uid(g, pod_uid);

    if (!p)
        return -ERR_NOT_FOUND;
    if (p->state == GUEST_NOT_RUNNING)
        return -ERR_INVALID;
    if (frozen && p->state == GUEST_RUNNING) {
        halt(g, p, GUEST_FROZEN);
    } else if (!frozen && p->state == GUEST_FROZEN) {
        p->since = world_now(g->world);
        p->state = GUEST_RUNNING;
    }
    return 0;
}

static int host_capture(struct guest_host *h, const char *pod_uid, struct buf *ret)
{
    struct guest *p = by_uid(container_of(h, struct guests, host), pod_uid);
    cleanup_free char *text = NULL;

    if (!p)
        return -ERR_NOT_FOUND;
    if (p->state != GUEST_FROZEN)
        return -ERR_INVALID;
    json_auto_t *image = json_pack("{s:I, s:O}", "steps", (json_int_t)p->steps, "memory", p->memory);
    text = json_dumps(image, JSON_COMPACT | JSON_SORT_KEYS);
    buf_add_str(ret, text);
    return 0;
}

static void host_withdraw(struct guest_host *h, const char *snapshot_uid)
{
    struct guests *g = container_of(h, struct guests, host);
    struct image *i = image_find(g, snapshot_uid);

    if (!i)
        return;
    free(i->snapshot_uid);
    json_decref(i->content);
    *i = g->images.v[--g->images.n];
}

static void host_offer(struct guest_host *h, const char *snapshot_uid, const void *image, size_t len)
{
    struct guests *g = container_of(h, struct guests, host);
    json_t *content = json_loadb(image, len, 0, NULL);

    host_withdraw(h, snapshot_uid);
    *dyn_push(&g->images) = (struct image){ .snapshot_uid = xstrdup(snapshot_uid), .content = content };
}

static const struct guest_host_ops host_ops = {
    .lookup = host_lookup,
    .freeze = host_freeze,
    .capture = host_capture,
    .offer = host_offer,
    .withdraw = host_withdraw,
};

struct guests *guests_new(struct world *w)
{
    struct guests *g = xcalloc(1, sizeof(*g));

    g->host.ops = &host_ops;
    g->world = w;
    return g;
}

struct guest_host *guests_host(struct guests *g)
{
    return &g->host;
}

struct guests *guests_free(struct guests *g)
{
    if (!g)
        return NULL;
    for (size_t i = 0; i < g->pods.n; i++)
        guest_release(&g->pods.v[i]);
    for (size_t i = 0; i < g->images.n; i++) {
        free(g->images.v[i].snapshot_uid);
        json_decref(g->images.v[i].content);
    }
    dyn_release(&g->pods);
    dyn_release(&g->images);
    free(g);
    return NULL;
}
