#include "fakeapi/apiserver/history.h"

#include <stdio.h>

#include "kube/json.h"
#include "kube/object.h"

/* ---- the truth ----------------------------------------------------------------------------------- */

static void remember(struct history *h, uint64_t revision, enum store_event_type type, struct value *value,
                     struct value *previous)
{
    json_t *object = value_tree(value);

    *dyn_push(&h->log) = (struct happened){
        .revision = revision, .type = type, .namespace = xstrdup(obj_namespace(object)),
        .name = xstrdup(obj_name(object)), .object = json_incref(object),
        .previous = previous ? json_incref(value_tree(previous)) : NULL,
    };
}

static void on_event(void *arg, const struct store_event *e)
{
    remember(arg, e->revision, e->type, e->value, e->previous);
}

static bool on_record(void *arg, const struct record *r)
{
    remember(arg, r->mod_revision, STORE_CREATE, r->value, NULL);
    return true;
}

static int by_revision(const void *a, const void *b)
{
    const struct happened *x = a, *y = b;

    return x->revision < y->revision ? -1 : x->revision > y->revision;
}

struct history *history_new(struct store *s, const char *prefix)
{
    struct history *h = xcalloc(1, sizeof(*h));

    h->store = s;
    h->prefix = xstrdup(prefix);
    store_range(s, prefix, NULL, 0, 0, on_record, h, NULL);
    if (h->log.n)
        qsort(h->log.v, h->log.n, sizeof(*h->log.v), by_revision);
    h->watch = store_watch_new(s, prefix, on_event, h);
    return h;
}

struct history *history_free(struct history *h)
{
    if (!h)
        return NULL;
    store_watch_free(h->watch);
    for (size_t i = 0; i < h->log.n; i++) {
        free(h->log.v[i].namespace);
        free(h->log.v[i].name);
        json_decref(h->log.v[i].object);
        json_decref(h->log.v[i].previous);
    }
    dyn_release(&h->log);
    free(h->prefix);
    free(h);
    return NULL;
}

void watch_record_release(struct watch_record *w)
{
    for (size_t i = 0; i < w->frames.n; i++)
        json_decref(w->frames.v[i].object);
    dyn_release(&w->frames);
}

void list_record_release(struct list_record *l)
{
    for (size_t i = 0; i < l->items.n; i++)
        json_decref(l->items.v[i]);
    dyn_release(&l->items);
    dyn_release(&l->revisions);
    dyn_release(&l->remaining);
    dyn_release(&l->page_ends);
}

/* ---- selections ---------------------------------------------------------------------------------- */

static bool selects(const struct selection *of, const json_t *object)
{
    const json_t *labels = json_object_get(obj_metadata(object), "labels");

    if (!object || (*of->namespace && !streq(of->namespace, obj_namespace(object))))
        return false;
    const char *have = json_string_value(json_object_get(labels, of->label));
    return !*of->label || (have && streq(have, of->value));
}

/* The last thing that happened to the object of `e` at or before `at` is `e` itself, and it is there. */
static bool stands_at(const struct history *h, size_t i, uint64_t at)
{
    const struct happened *e = &h->log.v[i];

    if (e->type == STORE_DELETE)
        return false;
    for (size_t j = i + 1; j < h->log.n && h->log.v[j].revision <= at; j++)
        if (streq(h->log.v[j].name, e->name) && streq(h->log.v[j].namespace, e->namespace))
            return false;
    return true;
}

static int by_key(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    int r = strcmp(obj_namespace(x), obj_namespace(y));

    return r ? r : strcmp(obj_name(x), obj_name(y));
}

struct state {
    DYN(json_t *) objects;             /* borrowed from the log, in the order of keys */
};

static void state_at(const struct history *h, const struct selection *of, uint64_t at, struct state *ret)
{
    *ret = (struct state){ 0 };
    for (size_t i = 0; i < h->log.n && h->log.v[i].revision <= at; i++)
        if (stands_at(h, i, at) && selects(of, h->log.v[i].object))
            *dyn_push(&ret->objects) = h->log.v[i].object;
    if (ret->objects.n)
        qsort(ret->objects.v, ret->objects.n, sizeof(*ret->objects.v), by_key);
}

/* ---- watches ------------------------------------------------------------------------------------- */

/* The events that a watch had to be told, one by one. */
struct due {
    const struct history *h;
    const struct selection *of;
    size_t at;
    const char *type;
    uint64_t revision;                 /* 0: no more */
    const json_t *object;              /* but for its resourceVersion */
};

static void due_next(struct due *d)
{
    d->revision = 0;
    while (d->at < d->h->log.n) {
        const struct happened *e = &d->h->log.v[d->at++];
        bool before = selects(d->of, e->previous), now = e->type != STORE_DELETE && selects(d->of, e->object);
        if (!before && !now)
            continue;
        d->type = !before ? "ADDED" : now ? "MODIFIED" : "DELETED";
        d->object = now || e->type == STORE_DELETE ? e->object : e->previous;
        d->revision = e->revision;
        return;
    }
}

static void due_start(struct due *d, const struct history *h, const struct selection *of, uint64_t after)
{
    *d = (struct due){ .h = h, .of = of };
    while (d->at < h->log.n && h->log.v[d->at].revision <= after)
        d->at++;
    due_next(d);
}

/* Equal but for the revision, which is compared by itself. */
static bool same_object(const json_t *a, const json_t *b)
{
    json_auto_t *x = json_with(a, "metadata.resourceVersion", json_string("")),
                *y = json_with(b, "metadata.resourceVersion", json_string(""));

    return json_same(x, y);
}

#define U(n) ((unsigned long long)(n))

static char *check_event(const struct told *t, const struct due *d)
{
    if (!d->revision)
        return xasprintf("%s %llu was told, and nothing was left to tell", t->type, U(t->revision));
    if (t->revision != d->revision)
        return xasprintf("%s %llu was told where %s %llu was due", t->type, U(t->revision), d->type, U(d->revision));
    if (!streq(t->type, d->type))
        return xasprintf("revision %llu was told as %s instead of %s", U(t->revision), t->type, d->type);
    if (!same_object(t->object, d->object))
        return xasprintf("revision %llu was told with another object", U(t->revision));
    return NULL;
}

static char *check_bookmark(const struct told *t, const struct due *d, uint64_t last)
{
    if (t->revision < last)
        return xasprintf("the bookmark %llu goes behind %llu", U(t->revision), U(last));
    if (d->revision && d->revision <= t->revision)
        return xasprintf("the bookmark %llu came before %s %llu", U(t->revision), d->type, U(d->revision));
    return NULL;
}

/* What follows the revision `after`, from frame `i` on. */
static char *check_live(const struct history *h, const struct watch_record *w, size_t i, uint64_t after)
{
    uint64_t last = after;
    struct due due;
    char *why = NULL;

    due_start(&due, h, &w->of, after);
    for (; !why && i < w->frames.n; i++) {
        const struct told *t = &w->frames.v[i];
        if (streq(t->type, "BOOKMARK")) {
            why = w->bookmarks ? check_bookmark(t, &due, last) : xstrdup("a bookmark that nobody asked for");
        } else {
            why = check_event(t, &due);
            due_next(&due);
        }
        last = t->revision;
    }
    if (!why && w->complete && due.revision)
        why = xasprintf("%s %llu was never told", due.type, U(due.revision));
    return why;
}

/* The objects of the state at `at`, then the bookmark that says so. */
static char *check_initial(const struct history *h, const struct watch_record *w, uint64_t at, size_t *ret_next)
{
    struct state s;
    char *why = NULL;
    size_t i = 0;

    state_at(h, &w->of, at, &s);
    for (; !why && i < s.objects.n && i < w->frames.n; i++) {
        const struct told *t = &w->frames.v[i];
        if (!streq(t->type, "ADDED") || !json_same(t->object, s.objects.v[i]))
            why = xasprintf("%s %llu was told among the objects of revision %llu, where %s was due", t->type,
                            U(t->revision), U(at), obj_name(s.objects.v[i]));
    }
    if (!why && i < s.objects.n && w->complete)
        why = xasprintf("%s of revision %llu was never told", obj_name(s.objects.v[i]), U(at));
    if (!why && w->bookmarks && i < w->frames.n) {
        const struct told *t = &w->frames.v[i++];
        if (!streq(t->type, "BOOKMARK") || !t->initial_end || t->revision != at)
            why = xasprintf("%s %llu was told where the end of the objects of revision %llu was due", t->type,
                            U(t->revision), U(at));
    }
    dyn_release(&s.objects);
    *ret_next = i;
    return why;
}

static char *check_from_present(const struct history *h, const struct watch_record *w)
{
    char *why = NULL;
    size_t next;

    for (uint64_t at = w->high; at >= w->low; at--) {
        free(why);
        why = check_initial(h, w, at, &next);
        if (!why)
            why = check_live(h, w, next, at);
        if (!why)
            break;
    }
    return why;
}

char *history_check_watch(const struct history *h, const struct watch_record *w)
{
    if (w->frames.n && streq(w->frames.v[0].type, "ERROR")) {
        if (w->from == 0 || w->from + 1 >= w->floor)
            return xasprintf("expired at %llu, and the floor is %llu", U(w->from), U(w->floor));
        return w->frames.n == 1 ? NULL : xstrdup("something was told after the end");
    }
    return w->from ? check_live(h, w, 0, w->from) : check_from_present(h, w);
}

/* ---- lists and writes ----------------------------------------------------------------------------- */

static char *check_pages(const struct list_record *l, uint64_t at)
{
    for (size_t i = 0; i < l->revisions.n; i++)
        if (l->revisions.v[i] != at)
            return xasprintf("page %zu is of revision %llu, the first of %llu", i + 1, U(l->revisions.v[i]), U(at));
    if (l->exact && at != l->asked)
        return xasprintf("revision %llu instead of exactly %llu", U(at), U(l->asked));
    if (at < l->asked)
        return xasprintf("revision %llu is older than %llu", U(at), U(l->asked));
    if (!l->exact && (at < l->low || at > l->high))
        return xasprintf("revision %llu is not of the present, %llu to %llu", U(at), U(l->low), U(l->high));
    return NULL;
}

/* Items of a list do not say what kind they are. */
static bool same_item(const json_t *a, const json_t *b)
{
    return json_same(obj_metadata(a), obj_metadata(b)) && json_same(json_object_get(a, "data"), json_object_get(b, "data"));
}

static char *check_items(const struct list_record *l, const struct state *s, uint64_t at)
{
    for (size_t i = 0; i < l->items.n || i < s->objects.n; i++) {
        if (i >= l->items.n)
            return xasprintf("%s is missing at %llu", obj_name(s->objects.v[i]), U(at));
        if (i >= s->objects.n || !same_item(l->items.v[i], s->objects.v[i]))
            return xasprintf("item %zu, %s, is not of the state at %llu", i, obj_name(l->items.v[i]), U(at));
    }
    for (size_t i = 0; i < l->remaining.n; i++)
        if (l->remaining.v[i] >= 0 && (size_t)l->remaining.v[i] != s->objects.n - l->page_ends.v[i])
            return xasprintf("%lld remain behind page %zu, it says", (long long)l->remaining.v[i], i + 1);
    return NULL;
}

char *history_check_list(const struct history *h, const struct list_record *l)
{
    uint64_t at = l->revisions.v[0];
    char *why = check_pages(l, at);
    struct state s;

    if (why)
        return why;
    state_at(h, &l->of, at, &s);
    why = check_items(l, &s, at);
    dyn_release(&s.objects);
    return why;
}

char *history_check_write(const struct history *h, uint64_t revision, const json_t *object)
{
    for (size_t i = 0; i < h->log.n; i++)
        if (h->log.v[i].revision == revision && json_same(h->log.v[i].object, object))
            return NULL;
    return xasprintf("a write was answered with revision %llu, which is not in the log so", U(revision));
}
