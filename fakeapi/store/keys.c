#include "fakeapi/store/keys.h"

#define FAN 64
#define HEIGHT_MAX 16                  /* half-full nodes: 32^16 keys */

struct node {
    unsigned n;
    struct node *prev, *next;          /* leaves only */
    void *item[FAN];                   /* entries in a leaf, else nodes */
};

/* Child i holds keys >= low[i]; low[0] stands for the lowest there could be and is NULL. */
struct inner {
    struct node node;
    char *low[FAN];
    size_t live[FAN];
};

static struct inner *inner_of(const struct node *n)
{
    return container_of(n, struct inner, node);
}

struct entry *entry_new(const char *key)
{
    size_t len = strlen(key) + 1;
    struct entry *e = xcalloc(1, sizeof(*e) + len);

    memcpy(e->key, key, len);
    return e;
}

void entry_free(struct entry *e)
{
    for (size_t i = 0; i < e->revs.n; i++)
        value_unref(e->revs.v[i].value);
    dyn_release(&e->revs);
    free(e);
}

void keys_init(struct keys *k)
{
    *k = (struct keys){ .root = xcalloc(1, sizeof(struct node)) };
    k->first = k->root;
}

static void inner_free(struct inner *in)
{
    for (unsigned i = 0; i < in->node.n; i++)
        free(in->low[i]);
    free(in);
}

void keys_release(struct keys *k)
{
    struct node *level = k->root;

    /* Level by level: the first node of each is the first child of the one above. */
    for (struct node *leaf = k->first, *next; leaf; leaf = next) {
        for (unsigned i = 0; i < leaf->n; i++)
            entry_free(leaf->item[i]);
        next = leaf->next;
        if (k->height == 0)
            free(leaf);
    }
    if (k->height > 0) {
        struct node *path[HEIGHT_MAX] = { level };
        unsigned at[HEIGHT_MAX] = { 0 }, depth = 0;

        for (;;) {
            if (at[depth] < path[depth]->n) {
                struct node *child = path[depth]->item[at[depth]++];
                if (depth + 1 == k->height) {
                    free(child);
                } else {
                    path[++depth] = child;
                    at[depth] = 0;
                }
                continue;
            }
            inner_free(inner_of(path[depth]));
            if (depth-- == 0)
                break;
        }
    }
    *k = (struct keys){ 0 };
}

/* Does `key` lie before the bound? */
static bool before(const char *key, struct bound b, size_t len)
{
    switch (b.side) {
    case BOUND_AT:
        return strcmp(key, b.key) < 0;
    case BOUND_AFTER:
        return strcmp(key, b.key) <= 0;
    case BOUND_PAST:
        break;
    }
    return strncmp(key, b.key, len) <= 0;
}

/* Which child the bound lies in. */
static unsigned child_of(const struct inner *in, struct bound b, size_t len)
{
    unsigned lo = 1, hi = in->node.n;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (before(in->low[mid], b, len))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo - 1;
}

/* How many entries of the leaf lie before the bound. */
static unsigned place_in(const struct node *leaf, struct bound b, size_t len)
{
    unsigned lo = 0, hi = leaf->n;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (before(((struct entry *)leaf->item[mid])->key, b, len))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static const struct node *descend(const struct keys *k, struct bound b, size_t len)
{
    const struct node *n = k->root;

    for (unsigned h = k->height; h > 0; h--)
        n = n->item[child_of(inner_of(n), b, len)];
    return n;
}

struct entry *keys_find(const struct keys *k, const char *key)
{
    struct bound b = { key, BOUND_AFTER };
    const struct node *leaf = descend(k, b, 0);
    unsigned i = place_in(leaf, b, 0);

    if (i == 0 || !streq(((struct entry *)leaf->item[i - 1])->key, key))
        return NULL;
    return leaf->item[i - 1];
}

void keys_seek(const struct keys *k, struct bound b, struct cursor *ret)
{
    size_t len = strlen(b.key);

    ret->leaf = descend(k, b, len);
    ret->i = place_in(ret->leaf, b, len);
}

struct entry *cursor_next(struct cursor *c)
{
    while (c->leaf && c->i >= c->leaf->n) {
        c->leaf = c->leaf->next;
        c->i = 0;
    }
    return c->leaf ? c->leaf->item[c->i++] : NULL;
}

static size_t live_in(const struct node *leaf, unsigned from, unsigned to)
{
    size_t live = 0;

    for (unsigned i = from; i < to; i++)
        live += ((struct entry *)leaf->item[i])->live;
    return live;
}

size_t keys_live_before(const struct keys *k, struct bound b)
{
    const struct node *n = k->root;
    size_t live = 0, len = strlen(b.key);

    for (unsigned h = k->height; h > 0; h--) {
        const struct inner *in = inner_of(n);
        unsigned child = child_of(in, b, len);
        for (unsigned i = 0; i < child; i++)
            live += in->live[i];
        n = n->item[child];
    }
    return live + live_in(n, 0, place_in(n, b, len));
}

static void insert_child(struct inner *in, unsigned i, struct node *child, char *low, size_t live)
{
    unsigned tail = in->node.n - i;

    assert(in->node.n < FAN);
    memmove(&in->node.item[i + 1], &in->node.item[i], tail * sizeof(void *));
    memmove(&in->low[i + 1], &in->low[i], tail * sizeof(char *));
    memmove(&in->live[i + 1], &in->live[i], tail * sizeof(size_t));
    in->node.item[i] = child;
    in->low[i] = low;
    in->live[i] = live;
    in->node.n++;
}

static struct node *leaf_split(struct node *leaf, char **ret_low, size_t *ret_live)
{
    struct node *right = xcalloc(1, sizeof(*right));

    right->n = leaf->n / 2;
    leaf->n -= right->n;
    memcpy(right->item, &leaf->item[leaf->n], right->n * sizeof(void *));
    right->prev = leaf;
    right->next = leaf->next;
    if (right->next)
        right->next->prev = right;
    leaf->next = right;
    *ret_low = xstrdup(((struct entry *)right->item[0])->key);
    *ret_live = live_in(right, 0, right->n);
    return right;
}

static struct node *inner_split(struct inner *in, char **ret_low, size_t *ret_live)
{
    struct inner *right = xcalloc(1, sizeof(*right));
    unsigned n = in->node.n / 2;

    in->node.n -= n;
    right->node.n = n;
    memcpy(right->node.item, &in->node.item[in->node.n], n * sizeof(void *));
    memcpy(right->low, &in->low[in->node.n], n * sizeof(char *));
    memcpy(right->live, &in->live[in->node.n], n * sizeof(size_t));
    *ret_low = STEAL(right->low[0]);
    *ret_live = 0;
    for (unsigned i = 0; i < n; i++)
        *ret_live += right->live[i];
    return &right->node;
}

/* Makes two of a full child; `height` is the child's. */
static void split_child(struct inner *parent, unsigned i, unsigned height)
{
    struct node *child = parent->node.item[i], *right;
    char *low;
    size_t live;

    right = height == 0 ? leaf_split(child, &low, &live) : inner_split(inner_of(child), &low, &live);
    parent->live[i] -= live;
    insert_child(parent, i + 1, right, low, live);
}

static void grow_root(struct keys *k)
{
    struct inner *root = xcalloc(1, sizeof(*root));

    assert(k->height + 1 < HEIGHT_MAX);
    root->node.n = 1;
    root->node.item[0] = k->root;
    root->live[0] = k->live;
    k->root = &root->node;
    k->height++;
    split_child(root, 0, k->height - 1);
}

/* An entry comes in dead: no count moves. Full nodes are split on the way down. */
void keys_insert(struct keys *k, struct entry *e)
{
    struct bound b = { e->key, BOUND_AFTER };
    struct node *n;
    unsigned i;

    assert(!e->live);
    if (k->root->n == FAN)
        grow_root(k);
    n = k->root;
    for (unsigned h = k->height; h > 0; h--) {
        struct inner *in = inner_of(n);
        i = child_of(in, b, 0);
        if (((struct node *)n->item[i])->n == FAN) {
            split_child(in, i, h - 1);
            i = child_of(in, b, 0);
        }
        n = n->item[i];
    }
    i = place_in(n, b, 0);
    memmove(&n->item[i + 1], &n->item[i], (n->n - i) * sizeof(void *));
    n->item[i] = e;
    n->n++;
}

static void remove_child(struct inner *in, unsigned i)
{
    unsigned tail = in->node.n - i - 1;

    free(in->low[i]);
    memmove(&in->node.item[i], &in->node.item[i + 1], tail * sizeof(void *));
    memmove(&in->low[i], &in->low[i + 1], tail * sizeof(char *));
    memmove(&in->live[i], &in->live[i + 1], tail * sizeof(size_t));
    in->node.n--;
    if (i == 0 && in->node.n > 0) {
        free(in->low[0]);
        in->low[0] = NULL;
    }
}

static void leaf_unlink(struct keys *k, struct node *leaf)
{
    if (leaf->prev)
        leaf->prev->next = leaf->next;
    else
        k->first = leaf->next;
    if (leaf->next)
        leaf->next->prev = leaf->prev;
    free(leaf);
}

static void shrink_root(struct keys *k)
{
    while (k->height > 0 && k->root->n == 1) {
        struct node *child = k->root->item[0];
        inner_free(inner_of(k->root));
        k->root = child;
        k->height--;
    }
}

/* Nodes may run low, never empty: an empty one goes, and its parent if that was its last child. */
void keys_remove(struct keys *k, struct entry *e)
{
    struct bound b = { e->key, BOUND_AFTER };
    struct inner *path[HEIGHT_MAX];
    unsigned at[HEIGHT_MAX], i, depth = 0;
    struct node *n = k->root;

    assert(!e->live);
    for (unsigned h = k->height; h > 0; h--, depth++) {
        path[depth] = inner_of(n);
        at[depth] = child_of(path[depth], b, 0);
        n = n->item[at[depth]];
    }
    i = place_in(n, b, 0) - 1;
    assert(n->item[i] == e);
    n->n--;
    memmove(&n->item[i], &n->item[i + 1], (n->n - i) * sizeof(void *));
    if (n->n > 0 || depth == 0)
        return;
    leaf_unlink(k, n);
    while (depth-- > 0) {
        remove_child(path[depth], at[depth]);
        if (path[depth]->node.n > 0)
            break;
        assert(depth > 0);             /* two leaves at least: the root keeps a child */
        inner_free(path[depth]);
    }
    shrink_root(k);
}

void keys_set_live(struct keys *k, struct entry *e, bool live)
{
    struct bound b = { e->key, BOUND_AFTER };
    struct node *n = k->root;
    size_t by = live ? 1 : (size_t)-1;

    if (e->live == live)
        return;
    e->live = live;
    k->live += by;
    for (unsigned h = k->height; h > 0; h--) {
        unsigned i = child_of(inner_of(n), b, 0);
        inner_of(n)->live[i] += by;
        n = n->item[i];
    }
}
