#include "fakeapi/store/hub.h"

struct hub_group {
    struct hub_group *parent;          /* the longest prefix of this prefix, or NULL */
    DYN(struct store_watch *) watches; /* by seq; NULL where one left while others were told */
    size_t len;
    char prefix[];
};

struct store_watch {
    struct hub *hub;
    struct hub_group *group;
    store_watch_fn *fn;
    void *arg;
    uint64_t seq;
};

static bool starts_with(const char *text, const struct hub_group *g)
{
    return strncmp(text, g->prefix, g->len) == 0;
}

/* How many groups have a prefix <= text. */
static size_t groups_upto(const struct hub *h, const char *text)
{
    size_t lo = 0, hi = h->groups.n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(h->groups.v[mid]->prefix, text) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The longest prefix of `text`. The one before it in order, or one that this starts with: whatever
 * sorts between a prefix of the text and the text starts with that prefix. */
static struct hub_group *longest(const struct hub *h, const char *text)
{
    size_t n = groups_upto(h, text);
    struct hub_group *g = n > 0 ? h->groups.v[n - 1] : NULL;

    while (g && !starts_with(text, g))
        g = g->parent;
    return g;
}

static struct hub_group *group_get(struct hub *h, const char *prefix)
{
    struct hub_group *g = longest(h, prefix), *parent = g;
    size_t at = groups_upto(h, prefix);

    if (g && streq(g->prefix, prefix))
        return g;
    g = xcalloc(1, sizeof(*g) + strlen(prefix) + 1);
    g->len = strlen(prefix);
    memcpy(g->prefix, prefix, g->len);
    g->parent = parent;
    *dyn_push(&h->groups) = NULL;
    memmove(&h->groups.v[at + 1], &h->groups.v[at], (h->groups.n - 1 - at) * sizeof(*h->groups.v));
    h->groups.v[at] = g;
    for (size_t i = at + 1; i < h->groups.n && starts_with(h->groups.v[i]->prefix, g); i++) {
        if (h->groups.v[i]->parent == parent)
            h->groups.v[i]->parent = g;
    }
    return g;
}

static void group_drop(struct hub *h, struct hub_group *g)
{
    size_t at = groups_upto(h, g->prefix) - 1;

    assert(h->groups.v[at] == g);
    for (size_t i = at + 1; i < h->groups.n && starts_with(h->groups.v[i]->prefix, g); i++) {
        if (h->groups.v[i]->parent == g)
            h->groups.v[i]->parent = g->parent;
    }
    h->groups.n--;
    memmove(&h->groups.v[at], &h->groups.v[at + 1], (h->groups.n - at) * sizeof(*h->groups.v));
    dyn_release(&g->watches);
    free(g);
}

struct store_watch *hub_add(struct hub *h, const char *prefix, store_watch_fn *fn, void *arg)
{
    struct store_watch *w = xcalloc(1, sizeof(*w));

    *w = (struct store_watch){ .hub = h, .group = group_get(h, prefix), .fn = fn, .arg = arg,
                               .seq = ++h->seq };
    *dyn_push(&w->group->watches) = w;
    return w;
}

static void group_sweep(struct hub *h, struct hub_group *g)
{
    size_t n = 0;

    for (size_t i = 0; i < g->watches.n; i++) {
        if (g->watches.v[i])
            g->watches.v[n++] = g->watches.v[i];
    }
    g->watches.n = n;
    if (n == 0)
        group_drop(h, g);
}

/* Where in its group: watches are sorted by seq, holes stand nowhere. */
static size_t place_of(const struct store_watch *w)
{
    size_t lo = 0, hi = w->group->watches.n;

    if (w->hub->telling) {
        while (w->group->watches.v[lo] != w)
            lo++;
        return lo;
    }
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (w->group->watches.v[mid]->seq < w->seq)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void hub_remove(struct store_watch *w)
{
    struct hub_group *g = w->group;
    size_t at = place_of(w);

    assert(g->watches.v[at] == w);
    if (w->hub->telling) {
        g->watches.v[at] = NULL;
        w->hub->swept = true;
    } else {
        g->watches.n--;
        memmove(&g->watches.v[at], &g->watches.v[at + 1],
                (g->watches.n - at) * sizeof(*g->watches.v));
        if (g->watches.n == 0)
            group_drop(w->hub, g);
    }
    free(w);
}

void hub_release(struct hub *h)
{
    assert(h->groups.n == 0);
    dyn_release(&h->groups);
}

static void sweep_all(struct hub *h)
{
    for (size_t i = h->groups.n; i-- > 0;)
        group_sweep(h, h->groups.v[i]);
    h->swept = false;
}

#define CHAIN_MAX 32

/* Groups made meanwhile are in no chain; watches added meanwhile have a later seq than `last`. */
void hub_tell(struct hub *h, const struct store_event *e)
{
    struct {
        struct hub_group *group;
        size_t at;
    } chain[CHAIN_MAX];
    uint64_t last = h->seq;
    size_t n = 0;

    assert(!h->telling);
    for (struct hub_group *g = longest(h, e->key); g; g = g->parent) {
        assert(n < CHAIN_MAX);
        chain[n].group = g;
        chain[n++].at = 0;
    }
    h->telling = true;
    for (;;) {
        struct store_watch *next = NULL;
        size_t from = 0;
        for (size_t i = 0; i < n; i++) {
            struct hub_group *g = chain[i].group;
            while (chain[i].at < g->watches.n && !g->watches.v[chain[i].at])
                chain[i].at++;
            if (chain[i].at < g->watches.n && g->watches.v[chain[i].at]->seq <= last
                && (!next || g->watches.v[chain[i].at]->seq < next->seq)) {
                next = g->watches.v[chain[i].at];
                from = i;
            }
        }
        if (!next)
            break;
        chain[from].at++;
        next->fn(next->arg, e);
    }
    h->telling = false;
    if (h->swept)
        sweep_all(h);
}
