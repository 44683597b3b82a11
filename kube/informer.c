#include "kube/informer.h"

#include <stdio.h>

#include "kube/json.h"

/* How long a reflector waits after a failure: client-go's 800 ms doubling to 30 s, without jitter. */
#define BACKOFF_BASE DURATION_MS(800)
#define BACKOFF_MAX DURATION_S(30)

struct entry {
    struct objkey key;
    json_t *obj;
};

struct index_row {
    char *value;
    const struct entry *entry;
};

struct index {
    const char *name;
    informer_index_fn *fn;
    DYN(struct index_row) rows;        /* by value, then key */
};

struct handler {
    informer_handler_fn *fn;
    void *arg;
};

struct informer {
    struct proc *owner;
    struct client *client;
    const struct resource *resource;
    char *namespace, *label_selector, *field_selector;
    duration resync, lag;
    int64_t page;
    DYN(struct entry *) entries;       /* by namespace, then name */
    DYN(struct index *) indexes;
    DYN(struct handler) handlers;
    char *version;
    struct waitq changed;              /* synced, or let go */
    bool synced, held, started;
};

struct informer *informer_new(struct proc *owner, struct client *c, const struct resource *rs,
                              const struct informer_options *o)
{
    static const struct informer_options none;
    struct informer *i = xcalloc(1, sizeof(*i));

    o = o ? o : &none;
    i->owner = owner;
    i->client = c;
    i->resource = rs;
    i->namespace = xstrdup(o->namespace ? o->namespace : "");
    i->label_selector = xstrdup(o->label_selector ? o->label_selector : "");
    i->field_selector = xstrdup(o->field_selector ? o->field_selector : "");
    i->resync = o->resync;
    i->lag = o->lag;
    i->page = o->page;
    i->version = xstrdup("");
    return i;
}

void informer_add_handler(struct informer *i, informer_handler_fn *fn, void *arg)
{
    assert(!i->started);
    *dyn_push(&i->handlers) = (struct handler){ fn, arg };
}

void informer_add_index(struct informer *i, const char *name, informer_index_fn *fn)
{
    struct index *x = xcalloc(1, sizeof(*x));

    assert(!i->started);
    x->name = name;
    x->fn = fn;
    *dyn_push(&i->indexes) = x;
}

static void entry_free(struct entry *e)
{
    json_decref(e->obj);
    free(e);
}

struct informer *informer_free(struct informer *i)
{
    if (!i)
        return NULL;
    for (size_t n = 0; n < i->indexes.n; n++) {
        struct index *x = i->indexes.v[n];
        for (size_t r = 0; r < x->rows.n; r++)
            free(x->rows.v[r].value);
        dyn_release(&x->rows);
        free(x);
    }
    dyn_release(&i->indexes);
    for (size_t n = 0; n < i->entries.n; n++)
        entry_free(i->entries.v[n]);
    dyn_release(&i->entries);
    dyn_release(&i->handlers);
    free(i->namespace);
    free(i->label_selector);
    free(i->field_selector);
    free(i->version);
    free(i);
    return NULL;
}

/* ---- the cache ------------------------------------------------------------------------------- */

static const char *meta_text(const json_t *obj, const char *field)
{
    const char *text = json_string_value(json_object_get(json_object_get(obj, "metadata"), field));

    return text ? text : "";
}

static struct objkey key_of(const json_t *obj)
{
    return (struct objkey){ meta_text(obj, "namespace"), meta_text(obj, "name") };
}

/* Where the key is, or would be. */
static size_t entry_position(const struct informer *i, const struct objkey *key, bool *ret_found)
{
    size_t low = 0, high = i->entries.n;

    *ret_found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int r = objkey_compare(&i->entries.v[mid]->key, key);
        if (r == 0) {
            *ret_found = true;
            return mid;
        }
        if (r < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct entry *entry_find(const struct informer *i, const struct objkey *key)
{
    bool found;
    size_t at = entry_position(i, key, &found);

    return found ? i->entries.v[at] : NULL;
}

static struct entry *entry_new(const struct objkey *key)
{
    size_t ns = strlen(key->namespace) + 1, name = strlen(key->name) + 1;
    struct entry *e = xcalloc(1, sizeof(*e) + ns + name);

    e->key.namespace = memcpy(e + 1, key->namespace, ns);
    e->key.name = memcpy((char *)(e + 1) + ns, key->name, name);
    return e;
}

/* ---- indexes --------------------------------------------------------------------------------- */

struct index_sink {
    struct index *index;
    const struct entry *entry;
    bool removing;
};

static int row_compare(const struct index_row *row, const char *value, const struct objkey *key)
{
    int r = strcmp(row->value, value);

    return r ? r : key ? objkey_compare(&row->entry->key, key) : 0;
}

/* The first row that is not before (value, key); key NULL: the first of that value. */
static size_t row_position(const struct index *x, const char *value, const struct objkey *key)
{
    size_t low = 0, high = x->rows.n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int r = row_compare(&x->rows.v[mid], value, key);
        if (r < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void index_emit(struct index_sink *sink, const char *value)
{
    struct index *x = sink->index;
    size_t at = row_position(x, value, &sink->entry->key);

    bool there = at < x->rows.n && row_compare(&x->rows.v[at], value, &sink->entry->key) == 0;

    if (sink->removing && there) {
        free(x->rows.v[at].value);
        memmove(&x->rows.v[at], &x->rows.v[at + 1], (x->rows.n - 1 - at) * sizeof(*x->rows.v));
        x->rows.n--;
    }
    if (sink->removing || there)
        return;
    dyn_push(&x->rows);
    memmove(&x->rows.v[at + 1], &x->rows.v[at], (x->rows.n - 1 - at) * sizeof(*x->rows.v));
    x->rows.v[at] = (struct index_row){ xstrdup(value), sink->entry };
}

static void indexes_update(struct informer *i, const struct entry *e, const json_t *obj, bool present)
{
    for (size_t n = 0; n < i->indexes.n; n++) {
        struct index_sink sink = { i->indexes.v[n], e, !present };
        i->indexes.v[n]->fn(obj, &sink);
    }
}

/* ---- changes --------------------------------------------------------------------------------- */

static void tell(struct informer *i, enum informer_event type, const json_t *old, const json_t *obj)
{
    for (size_t n = 0; n < i->handlers.n; n++)
        i->handlers.v[n].fn(i->handlers.v[n].arg, type, old, obj);
}

static void cache_put(struct informer *i, json_t *obj)
{
    struct objkey key = key_of(obj);
    bool found;
    size_t at = entry_position(i, &key, &found);
    json_auto_t *old = NULL;
    struct entry *e;

    if (found) {
        e = i->entries.v[at];
        old = e->obj;
    } else {
        e = entry_new(&key);
        dyn_push(&i->entries);
        memmove(&i->entries.v[at + 1], &i->entries.v[at],
                (i->entries.n - 1 - at) * sizeof(*i->entries.v));
        i->entries.v[at] = e;
    }
    if (old)
        indexes_update(i, e, old, false);
    e->obj = json_incref(obj);
    indexes_update(i, e, obj, true);
    if (!old)
        tell(i, INFORMER_ADDED, NULL, obj);
    else if (!streq(meta_text(old, "resourceVersion"), meta_text(obj, "resourceVersion")))
        tell(i, INFORMER_MODIFIED, old, obj);
}

static void cache_drop(struct informer *i, const struct objkey *key, json_t *last)
{
    bool found;
    size_t at = entry_position(i, key, &found);
    struct entry *e;
    json_auto_t *old = NULL;

    if (!found)
        return;
    e = i->entries.v[at];
    old = json_incref(e->obj);
    indexes_update(i, e, old, false);
    memmove(&i->entries.v[at], &i->entries.v[at + 1], (i->entries.n - 1 - at) * sizeof(*i->entries.v));
    i->entries.n--;
    tell(i, INFORMER_DELETED, old, last ? last : old);
    entry_free(e);
}

static void set_version(struct informer *i, const char *version)
{
    if (str_empty(version))
        return;
    free(i->version);
    i->version = xstrdup(version);
}

/* ---- the reflector: list, then watch --------------------------------------------------------- */

static int wait_released(struct co *co, struct informer *i)
{
    int r = 0;

    while (i->held && r == 0)
        r = waitq_wait(co, &i->changed);
    return r;
}

/* Items of a list say neither kind nor apiVersion; whoever reads the cache need not know. */
static json_t *list_item(const struct informer *i, const json_t *item)
{
    char api_version[API_VERSION_MAX];
    json_t *copy;

    if (json_object_get(item, "kind"))
        return json_incref((json_t *)item);
    copy = json_object();
    json_object_set_new(copy, "apiVersion", json_string(resource_api_version(i->resource, api_version)));
    json_object_set_new(copy, "kind", json_string(i->resource->kind));
    json_object_update(copy, (json_t *)item);
    return copy;
}

static int list_pages(struct co *co, struct informer *i, json_t *ret_items, const char **ret_version,
                      struct apierr *err)
{
    struct list_options opt = {
        .label_selector = i->label_selector, .field_selector = i->field_selector, .limit = i->page,
        .resource_version = i->page || i->synced ? NULL : "0",
    };

    do {
        json_auto_t *list = NULL;
        const json_t *item;
        size_t n;
        int r = client_list(co, i->client, i->resource, i->namespace, &opt, &list, err);
        if (r < 0)
            return r;
        json_array_foreach (json_object_get(list, "items"), n, item)
            json_array_append_new(ret_items, list_item(i, item));
        *ret_version = co_printf(co, "%s", meta_text(list, "resourceVersion"));
        opt.cont = co_printf(co, "%s", meta_text(list, "continue"));
    } while (*opt.cont);
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    return objkey_compare(a, b);
}

/* Makes the cache equal to the list: what is gone is dropped, the rest put. */
static void cache_replace(struct informer *i, const json_t *items)
{
    size_t n_items = json_array_size(items), n;
    struct objkey *keys = xcalloc(n_items + 1, sizeof(*keys));
    json_t *item;

    json_array_foreach (items, n, item)
        keys[n] = key_of(item);
    qsort(keys, n_items, sizeof(*keys), compare_keys);
    for (n = 0; n < i->entries.n;) {
        struct objkey key = i->entries.v[n]->key;
        if (bsearch(&key, keys, n_items, sizeof(*keys), compare_keys))
            n++;
        else
            cache_drop(i, &key, NULL);
    }
    free(keys);
    json_array_foreach (items, n, item)
        cache_put(i, item);
}

static int reflector_list(struct co *co, struct informer *i, struct apierr *err)
{
    json_auto_t *items = json_array();
    const char *version = "";
    int r = list_pages(co, i, items, &version, err);

    if (r < 0)
        return r;
    r = wait_released(co, i);
    if (r < 0)
        return r;
    cache_replace(i, items);
    set_version(i, version);
    i->synced = true;
    waitq_wake_all(&i->changed);
    return 0;
}

/* One frame into the cache. -APIERR_EXPIRED: begin with a list. */
static int reflector_apply(struct informer *i, const struct api_frame *f, struct apierr *err)
{
    struct objkey key = key_of(f->object);

    if (streq(f->type, "ERROR"))
        return apierr_from_status(err, f->object);
    if (streq(f->type, "DELETED"))
        cache_drop(i, &key, f->object);
    else if (!streq(f->type, "BOOKMARK"))
        cache_put(i, f->object);
    set_version(i, meta_text(f->object, "resourceVersion"));
    return 0;
}

/* Every event is late by at least one scheduling step. */
static int reflector_delay(struct co *co, struct informer *i)
{
    if (i->lag && choose(proc_world(i->owner), CHOICE_DELAY, 2, "informer lag"))
        return co_sleep(co, i->lag);
    return co_yield(co);
}

static struct instant next_resync(struct co *co, const struct informer *i)
{
    return i->resync ? instant_add(world_now(co_world(co)), i->resync) : INSTANT_NEVER;
}

static void resync(struct informer *i)
{
    for (size_t n = 0; n < i->entries.n; n++)
        tell(i, INFORMER_MODIFIED, i->entries.v[n]->obj, i->entries.v[n]->obj);
}

static int reflector_watch(struct co *co, struct informer *i, struct api_stream *stream, struct apierr *err)
{
    struct instant due = next_resync(co, i);

    for (;;) {
        struct api_frame frame = { 0 };
        int r = api_stream_next(co, stream, due, &frame);
        if (r == -ERR_TIMEOUT) {
            resync(i);
            due = next_resync(co, i);
            continue;
        }
        if (r < 0)
            return r;
        json_auto_t *object = frame.object;
        co_pass_begin(co);
        r = reflector_delay(co, i);
        if (r == 0)
            r = wait_released(co, i);
        if (r == 0)
            r = reflector_apply(i, &frame, err);
        if (r < 0)
            return r;
    }
}

static int reflector_round(struct co *co, struct informer *i, struct apierr *err)
{
    struct list_options opt = { .label_selector = i->label_selector, .field_selector = i->field_selector };
    struct api_stream *stream = NULL;
    int r;

    if (!*i->version) {
        r = reflector_list(co, i, err);
        if (r < 0)
            return r;
    }
    opt.resource_version = i->version;
    r = client_watch(co, i->client, i->resource, i->namespace, &opt, true, &stream, err);
    if (r == 0)
        r = reflector_watch(co, i, stream, err);
    api_stream_free(stream);
    return r;
}

/* Expired, in any of the ways a server says it: the version is no use any more. */
static bool is_expired(int r)
{
    return apierr_is(r, APIERR_EXPIRED) || apierr_is(r, APIERR_GONE);
}

static void reflector_run(struct co *co, void *arg)
{
    struct informer *i = arg;
    duration wait = 0;

    while (!co_cancelled(co)) {
        struct apierr err;
        uint64_t before = hash64_str(HASH64_INIT, i->version);
        int r;

        co_pass_begin(co);
        err = APIERR_IN(co_arena(co));
        r = reflector_round(co, i, &err);
        if (r == -ERR_CANCELLED)
            return;
        if (before != hash64_str(HASH64_INIT, i->version))
            wait = 0;                             /* it got on: a stream that ends is no failure */
        if (is_expired(r)) {
            free(i->version);
            i->version = xstrdup("");
        }
        if (wait && co_sleep(co, wait) < 0)
            return;
        wait = !wait ? BACKOFF_BASE : wait < BACKOFF_MAX / 2 ? wait * 2 : BACKOFF_MAX;
    }
}

void informer_start(struct informer *i)
{
    char name[128];

    assert(!i->started);
    i->started = true;
    snprintf(name, sizeof(name), "informer %s", i->resource->plural);
    co_spawn(i->owner, name, reflector_run, i);
}

/* ---- readers --------------------------------------------------------------------------------- */

const struct resource *informer_resource(const struct informer *i)
{
    return i->resource;
}

bool informer_synced(const struct informer *i)
{
    return i->synced;
}

int informer_wait_synced(struct co *co, struct informer *i)
{
    int r = 0;

    while (!i->synced && r == 0)
        r = waitq_wait(co, &i->changed);
    return r;
}

static void mix(struct co *co, const json_t *obj)
{
    const char *version = meta_text(obj, "resourceVersion"), *uid = meta_text(obj, "uid");

    if (!co)
        return;
    co_input(co, uid, strlen(uid) + 1);
    co_input(co, version, strlen(version) + 1);
}

json_t *informer_get(struct co *co, struct informer *i, const char *namespace, const char *name)
{
    struct objkey key = { namespace ? namespace : "", name };
    const struct entry *e = entry_find(i, &key);

    mix(co, e ? e->obj : NULL);
    return e ? json_incref(e->obj) : NULL;
}

json_t *informer_list(struct co *co, struct informer *i, const char *namespace)
{
    json_t *out = json_array();

    for (size_t n = 0; n < i->entries.n; n++) {
        const struct entry *e = i->entries.v[n];
        if (!str_empty(namespace) && !streq(e->key.namespace, namespace))
            continue;
        mix(co, e->obj);
        json_array_append(out, e->obj);
    }
    return out;
}

json_t *informer_by_index(struct co *co, struct informer *i, const char *index, const char *value)
{
    json_t *out = json_array();

    for (size_t n = 0; n < i->indexes.n; n++) {
        const struct index *x = i->indexes.v[n];
        if (!streq(x->name, index))
            continue;
        for (size_t r = row_position(x, value, NULL); r < x->rows.n && streq(x->rows.v[r].value, value); r++) {
            mix(co, x->rows.v[r].entry->obj);
            json_array_append(out, x->rows.v[r].entry->obj);
        }
    }
    return out;
}

size_t informer_count(const struct informer *i)
{
    return i->entries.n;
}

const char *informer_version(const struct informer *i)
{
    return i->version;
}

void informer_hold(struct informer *i, bool held)
{
    i->held = held;
    if (!held)
        waitq_wake_all(&i->changed);
}
