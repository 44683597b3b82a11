#include "conformance/scenario/history.h"

struct live {
    const char *kind, *namespace, *name, *uid;
    json_t *object;
};

struct history {
    struct world *world;
    struct arena *arena;
    struct store_watch *watch;
    const char *actor;
    uint64_t writes;
    struct instant last_activity;
    struct waitq changed;
    DYN(struct happening *) list;
    DYN(struct live) live;             /* sorted by kind, namespace, name */
    DYN(struct listener { history_listener_fn *fn; void *arg; }) listeners;
};

struct history *history_new(struct world *w)
{
    struct history *h = xcalloc(1, sizeof(*h));

    h->world = w;
    h->arena = arena_new();
    h->actor = "";
    h->last_activity = world_now(w);
    return h;
}

struct history *history_free(struct history *h)
{
    if (!h)
        return NULL;
    history_unwatch(h);
    for (size_t i = 0; i < h->list.n; i++) {
        json_decref(h->list.v[i]->object);
        json_decref(h->list.v[i]->previous);
        json_decref(h->list.v[i]->request);
        json_decref(h->list.v[i]->reply);
    }
    for (size_t i = 0; i < h->live.n; i++)
        json_decref(h->live.v[i].object);
    dyn_release(&h->list);
    dyn_release(&h->live);
    dyn_release(&h->listeners);
    arena_free(h->arena);
    free(h);
    return NULL;
}

struct arena *history_arena(struct history *h)
{
    return h->arena;
}

struct world *history_world(struct history *h)
{
    return h->world;
}

/* ---- happenings ------------------------------------------------------------------------------ */

static bool is_activity(const struct happening *e)
{
    switch (e->type) {
    case HAPPENED_WRITE:
    case HAPPENED_GONE:
        return !streq(e->kind, "Lease") && !streq(e->kind, "Event");
    case HAPPENED_CALL:
    case HAPPENED_ANSWER:
        return e->rpc != RPC_WORD_INFO;
    default:
        return false;
    }
}

struct happening *history_add(struct history *h, enum happening_type type, const char *actor)
{
    struct happening *e = arena_alloc(h->arena, sizeof(*e));

    *e = (struct happening){ .type = type, .index = h->list.n, .time = world_now(h->world),
                             .actor = actor, .kind = "", .namespace = "", .name = "", .uid = "",
                             .subresource = "", .text = "", .driver = "" };
    *dyn_push(&h->list) = e;
    return e;
}

void history_tell(struct history *h, const struct happening *e)
{
    if (is_activity(e))
        h->last_activity = e->time;
    for (size_t i = 0; i < h->listeners.n; i++)
        h->listeners.v[i].fn(h->listeners.v[i].arg, e);
    waitq_wake_all(&h->changed);
}

void history_note(struct history *h, enum happening_type type, const char *fmt, ...)
{
    struct happening *e = history_add(h, type, "");
    va_list args;

    va_start(args, fmt);
    e->text = arena_vprintf(h->arena, fmt, args);
    va_end(args);
    history_tell(h, e);
}

void history_listen(struct history *h, history_listener_fn *fn, void *arg)
{
    *dyn_push(&h->listeners) = (struct listener){ fn, arg };
}

void history_set_actor(struct history *h, const char *actor)
{
    h->actor = actor;
}

uint64_t history_writes(const struct history *h)
{
    return h->writes;
}

size_t history_count(const struct history *h)
{
    return h->list.n;
}

const struct happening *history_at(const struct history *h, size_t i)
{
    return h->list.v[i];
}

size_t history_mark(const struct history *h, const char *mark)
{
    for (size_t i = h->list.n; i-- > 0;)
        if (h->list.v[i]->type == HAPPENED_MARK && (!mark || streq(h->list.v[i]->text, mark)))
            return i + 1;
    return 0;
}

struct instant history_last_activity(const struct history *h)
{
    return h->last_activity;
}

struct waitq *history_changed(struct history *h)
{
    return &h->changed;
}

/* ---- objects --------------------------------------------------------------------------------- */

static int live_compare(const struct live *l, const char *kind, const char *namespace, const char *name)
{
    int c = strcmp(l->kind, kind);

    if (c == 0)
        c = strcmp(l->namespace, namespace);
    return c ? c : strcmp(l->name, name);
}

static size_t live_find(const struct history *h, const char *kind, const char *namespace, const char *name,
                        bool *ret_found)
{
    size_t low = 0, high = h->live.n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = live_compare(&h->live.v[mid], kind, namespace, name);
        if (c == 0) {
            *ret_found = true;
            return mid;
        }
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *ret_found = false;
    return low;
}

static void live_set(struct history *h, const struct happening *e)
{
    bool found;
    size_t at = live_find(h, e->kind, e->namespace, e->name, &found);

    if (!found) {
        dyn_push(&h->live);
        memmove(&h->live.v[at + 1], &h->live.v[at], (h->live.n - 1 - at) * sizeof(struct live));
        h->live.v[at].object = NULL;
    }
    json_decref(h->live.v[at].object);
    h->live.v[at] = (struct live){ e->kind, e->namespace, e->name, e->uid, json_incref(e->object) };
}

static void live_drop(struct history *h, const struct happening *e)
{
    bool found;
    size_t at = live_find(h, e->kind, e->namespace, e->name, &found);

    if (!found)
        return;
    json_decref(h->live.v[at].object);
    memmove(&h->live.v[at], &h->live.v[at + 1], (h->live.n - 1 - at) * sizeof(struct live));
    h->live.n--;
}

const json_t *history_object(const struct history *h, const char *kind, const char *namespace,
                             const char *name)
{
    bool found;
    size_t at = live_find(h, kind, namespace, name, &found);

    return found ? h->live.v[at].object : NULL;
}

const json_t *history_object_by_uid(const struct history *h, const char *kind, const char *uid)
{
    for (size_t i = 0; i < h->live.n; i++)
        if (streq(h->live.v[i].kind, kind) && streq(h->live.v[i].uid, uid))
            return h->live.v[i].object;
    return NULL;
}

void history_each_object(const struct history *h, const char *kind, history_object_fn *fn, void *arg)
{
    for (size_t i = 0; i < h->live.n; i++)
        if (streq(h->live.v[i].kind, kind) && !fn(arg, h->live.v[i].object))
            return;
}

/* ---- the store's log ------------------------------------------------------------------------- */

static const char *keep(struct history *h, const json_t *object, const char *path)
{
    return arena_strdup(h->arena, path_string(object, path));
}

static void on_store_event(void *arg, const struct store_event *s)
{
    struct history *h = arg;
    bool gone = s->type == STORE_DELETE;
    struct value *current = gone ? (s->value ? s->value : s->previous) : s->value;
    json_t *tree = value_tree(current);
    struct happening *e;

    if (!tree || *path_string(tree, "kind") == '\0')
        return;                                   /* the server's own bookkeeping, no object */
    e = history_add(h, gone ? HAPPENED_GONE : HAPPENED_WRITE, h->actor);
    h->writes++;
    e->kind = keep(h, tree, "kind");
    e->namespace = keep(h, tree, "metadata.namespace");
    e->name = keep(h, tree, "metadata.name");
    e->uid = keep(h, tree, "metadata.uid");
    if (gone) {
        e->previous = json_incref(tree);
        live_drop(h, e);
    } else {
        e->object = json_incref(tree);
        e->previous = s->previous ? json_incref(value_tree(s->previous)) : NULL;
        live_set(h, e);
    }
    history_tell(h, e);
}

void history_watch(struct history *h, struct store *s)
{
    h->watch = store_watch_new(s, "", on_store_event, h);
}

void history_unwatch(struct history *h)
{
    h->watch = store_watch_free(h->watch);
}

/* ---- looking into objects -------------------------------------------------------------------- */

static const json_t *step_into(const json_t *j, const char *key)
{
    uint64_t i;

    if (json_is_array(j))
        return parse_u64(key, &i) ? json_array_get(j, i) : NULL;
    return json_object_get(j, key);
}

const json_t *path_get(const json_t *object, const char *path)
{
    char key[512];
    size_t n = 0;

    for (const char *p = path;; p++) {
        if (*p == '\\' && p[1]) {
            key[n++] = *++p;
        } else if (*p == '.' || *p == '\0') {
            key[n] = '\0';
            n = 0;
            object = step_into(object, key);
            if (!object || *p == '\0')
                return object;
        } else {
            key[n++] = *p;
        }
        if (n >= sizeof(key) - 1)
            return NULL;
    }
}

const char *path_string(const json_t *object, const char *path)
{
    const char *s = json_string_value(path_get(object, path));

    return s ? s : "";
}

const char *condition_status(const json_t *object, const char *type, const char **ret_reason)
{
    const json_t *list = path_get(object, "status.conditions"), *c;
    size_t i;

    json_array_foreach (list, i, c)
        if (streq(path_string(c, "type"), type)) {
            if (ret_reason)
                *ret_reason = path_string(c, "reason");
            return path_string(c, "status");
        }
    return NULL;
}
