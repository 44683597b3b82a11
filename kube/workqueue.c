#include "kube/workqueue.h"

#define BUCKETS_MIN 64

struct item {
    struct objkey key;
    uint64_t hash;
    struct item *bucket_next;
    struct item *queue_next;
    struct workq *q;
    struct timer timer;                /* set while it waits for a moment */
    unsigned failures;
    bool queued;                       /* in the ready list, or owed after workq_done */
    bool lent;
};

struct workq {
    struct world *world;
    char *name;
    duration base, max;
    struct item **buckets;
    size_t n_buckets, n_items, n_ready, n_lent;
    struct item *head, *tail;
    struct waitq waiters;
    bool shut;
};

bool objkey_equal(const struct objkey *a, const struct objkey *b)
{
    return streq(a->namespace, b->namespace) && streq(a->name, b->name);
}

int objkey_compare(const struct objkey *a, const struct objkey *b)
{
    int r = strcmp(a->namespace, b->namespace);

    return r ? r : strcmp(a->name, b->name);
}

static uint64_t key_hash(const struct objkey *key)
{
    uint64_t h = hash64_str(HASH64_INIT, key->namespace);

    h = hash64(h, "/", 1);
    return hash64_str(h, key->name);
}

struct workq *workq_new(struct world *w, const struct workq_options *o)
{
    struct workq *q = xcalloc(1, sizeof(*q));

    q->world = w;
    q->name = xstrdup(o && o->name ? o->name : "queue");
    q->base = o && o->base ? o->base : DURATION_MS(5);
    q->max = o && o->max ? o->max : DURATION_S(1000);
    q->n_buckets = BUCKETS_MIN;
    q->buckets = xcalloc(q->n_buckets, sizeof(*q->buckets));
    return q;
}

struct workq *workq_free(struct workq *q)
{
    if (!q)
        return NULL;
    for (size_t i = 0; i < q->n_buckets; i++) {
        for (struct item *it = q->buckets[i], *next; it; it = next) {
            next = it->bucket_next;
            timer_cancel(&it->timer);
            free(it);
        }
    }
    free(q->buckets);
    free(q->name);
    free(q);
    return NULL;
}

/* ---- the table of items ---------------------------------------------------------------------- */

static struct item **item_slot(const struct workq *q, const struct objkey *key, uint64_t hash)
{
    struct item **slot = &q->buckets[hash & (q->n_buckets - 1)];

    while (*slot && ((*slot)->hash != hash || !objkey_equal(&(*slot)->key, key)))
        slot = &(*slot)->bucket_next;
    return slot;
}

static void table_grow(struct workq *q)
{
    size_t n = q->n_buckets * 2;
    struct item **buckets = xcalloc(n, sizeof(*buckets));

    for (size_t i = 0; i < q->n_buckets; i++) {
        for (struct item *it = q->buckets[i], *next; it; it = next) {
            next = it->bucket_next;
            it->bucket_next = buckets[it->hash & (n - 1)];
            buckets[it->hash & (n - 1)] = it;
        }
    }
    free(q->buckets);
    q->buckets = buckets;
    q->n_buckets = n;
}

static struct item *item_find(const struct workq *q, const struct objkey *key)
{
    return *item_slot(q, key, key_hash(key));
}

static struct item *item_make(struct workq *q, const struct objkey *key)
{
    uint64_t hash = key_hash(key);
    struct item *it = *item_slot(q, key, hash);
    size_t ns = strlen(key->namespace) + 1, name = strlen(key->name) + 1;

    if (it)
        return it;
    if (q->n_items >= q->n_buckets)
        table_grow(q);
    it = xcalloc(1, sizeof(*it) + ns + name);
    it->key.namespace = memcpy(it + 1, key->namespace, ns);
    it->key.name = memcpy((char *)(it + 1) + ns, key->name, name);
    it->hash = hash;
    it->q = q;
    it->bucket_next = q->buckets[hash & (q->n_buckets - 1)];
    q->buckets[hash & (q->n_buckets - 1)] = it;
    q->n_items++;
    return it;
}

/* Forgets an item that nothing speaks for any more. */
static void item_settle(struct item *it)
{
    struct workq *q = it->q;
    struct item **slot;

    if (it->queued || it->lent || it->failures || it->timer.slot)
        return;
    slot = item_slot(q, &it->key, it->hash);
    assert(*slot == it);
    *slot = it->bucket_next;
    q->n_items--;
    free(it);
}

/* ---- adding ---------------------------------------------------------------------------------- */

static void item_append(struct item *it)
{
    struct workq *q = it->q;

    it->queue_next = NULL;
    if (q->tail)
        q->tail->queue_next = it;
    else
        q->head = it;
    q->tail = it;
    q->n_ready++;
    waitq_wake_one(&q->waiters);
}

static void item_queue(struct item *it)
{
    if (it->queued)
        return;
    it->queued = true;
    if (!it->lent)                     /* a lent one is appended by workq_done (promise 1) */
        item_append(it);
}

void workq_add(struct workq *q, const struct objkey *key)
{
    if (!q->shut)
        item_queue(item_make(q, key));
}

static void item_due(void *arg)
{
    struct item *it = arg;

    if (it->q->shut)
        item_settle(it);
    else
        item_queue(it);
}

void workq_add_at(struct workq *q, const struct objkey *key, struct instant when)
{
    struct item *it;

    if (q->shut)
        return;
    if (!instant_before(world_now(q->world), when)) {
        workq_add(q, key);
        return;
    }
    it = item_make(q, key);
    if (it->timer.slot && !instant_before(when, it->timer.when))
        return;
    timer_cancel(&it->timer);
    timer_set(q->world, &it->timer, when, item_due, it);
}

void workq_add_after(struct workq *q, const struct objkey *key, duration delay)
{
    workq_add_at(q, key, instant_add(world_now(q->world), delay));
}

duration workq_add_rate_limited(struct workq *q, const struct objkey *key)
{
    struct item *it;
    duration d = q->base;

    if (q->shut)
        return 0;
    it = item_make(q, key);
    for (unsigned i = 0; i < it->failures && d < q->max; i++)
        d = d > q->max / 2 ? q->max : d * 2;
    if (d > q->max)
        d = q->max;
    it->failures++;
    workq_add_after(q, key, d);
    return d;
}

void workq_forget(struct workq *q, const struct objkey *key)
{
    struct item *it = item_find(q, key);

    if (!it)
        return;
    it->failures = 0;
    item_settle(it);
}

unsigned workq_failures(const struct workq *q, const struct objkey *key)
{
    const struct item *it = item_find(q, key);

    return it ? it->failures : 0;
}

/* ---- taking ---------------------------------------------------------------------------------- */

const struct objkey *workq_get(struct co *co, struct workq *q)
{
    struct item *it;

    while (!q->head) {
        if (q->shut || waitq_wait(co, &q->waiters) < 0)
            return NULL;
    }
    if (co_cancelled(co))
        return NULL;
    it = q->head;
    q->head = it->queue_next;
    if (!q->head)
        q->tail = NULL;
    q->n_ready--;
    it->queued = false;
    it->lent = true;
    q->n_lent++;
    return &it->key;
}

void workq_done(struct workq *q, const struct objkey *key)
{
    struct item *it = item_find(q, key);

    assert(it && it->lent);
    it->lent = false;
    q->n_lent--;
    if (it->queued)
        item_append(it);
    else
        item_settle(it);
}

void workq_shutdown(struct workq *q)
{
    q->shut = true;
    waitq_wake_all(&q->waiters);
}

size_t workq_len(const struct workq *q)
{
    return q->n_ready;
}

bool workq_idle(const struct workq *q)
{
    return q->n_ready == 0 && q->n_lent == 0;
}
