/* The garbage collector: owner references over all kinds (H-070 to H-077).
 *
 * Each kind that can be listed, deleted and watched has an informer here, indexed by the owners' uids. A
 * queue key is "<kind index>/<namespace>" and the name. A pass looks at one object: is it on its way
 * out with one of our finalizers, and does it still have an owner? New kinds (CRDs) are found by asking
 * again whenever a CustomResourceDefinition changes. */
#include <stdio.h>

#include "fakeapi/cluster/loop.h"
#include "kube/json.h"
#include "kube/object.h"

struct gc_kind {
    struct gc *gc;
    struct resource resource;          /* strings are its own */
    char *strings[4];
    struct informer *informer;
};

struct gc {
    struct cluster_loop_state *loop;
    DYN(struct gc_kind *) kinds;
};

static const struct resource crds = { "apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                                      "customresourcedefinitions", false };

static const char *text_of(const json_t *v, const char *key)
{
    const char *s = json_string_value(json_object_get(v, key));

    return s ? s : "";
}

static const json_t *owners_of(const json_t *obj)
{
    return json_path(obj, "metadata.ownerReferences");
}

static bool has_finalizer(const json_t *obj, const char *name)
{
    size_t i;
    json_t *f;

    json_array_foreach(json_path(obj, "metadata.finalizers"), i, f)
        if (streq(json_string_value(f), name))
            return true;
    return false;
}

static void index_owners(const json_t *obj, struct index_sink *sink)
{
    size_t i;
    json_t *o;

    json_array_foreach(owners_of(obj), i, o)
        index_emit(sink, text_of(o, "uid"));
}

static void enqueue(struct gc_kind *k, const json_t *obj)
{
    const char *namespace = obj_namespace(obj);
    size_t at = 0;

    while (k->gc->kinds.v[at] != k)
        at++;
    cleanup_free char *scope = xasprintf("%zu/%s", at, namespace ? namespace : "");
    struct objkey key = { scope, obj_name(obj) };
    workq_add(k->gc->loop->queue, &key);
}

typedef void dependent_fn(struct gc_kind *k, json_t *obj, void *arg);

static void each_dependent(struct co *co, struct gc *gc, const char *uid, dependent_fn *fn, void *arg)
{
    for (size_t i = 0; i < gc->kinds.n; i++) {
        json_auto_t *list = informer_by_index(co, gc->kinds.v[i]->informer, "owner", uid);
        size_t n;
        json_t *obj;
        json_array_foreach(list, n, obj)
            fn(gc->kinds.v[i], obj, arg);
    }
}

static void enqueue_one(struct gc_kind *k, json_t *obj, void *arg)
{
    enqueue(k, obj);
}

static void on_object(void *arg, enum informer_event type, const json_t *old, const json_t *obj)
{
    struct gc_kind *k = arg;
    size_t i;
    json_t *o;

    if (type != INFORMER_DELETED) {
        if (json_array_size(owners_of(obj)) || obj_is_deleting(obj))
            enqueue(k, obj);
        return;
    }
    each_dependent(NULL, k->gc, obj_uid(obj), enqueue_one, NULL);
    /* An owner that waits for its dependents may be free to go now. */
    json_array_foreach(owners_of(obj), i, o) {
        for (size_t n = 0; n < k->gc->kinds.n; n++) {
            const char *namespace = k->gc->kinds.v[n]->resource.namespaced ? obj_namespace(obj) : NULL;
            if (!streq(k->gc->kinds.v[n]->resource.kind, text_of(o, "kind")))
                continue;
            json_auto_t *owner = informer_get(NULL, k->gc->kinds.v[n]->informer, namespace ? namespace : "",
                                              text_of(o, "name"));
            if (owner && obj_is_deleting(owner))
                enqueue(k->gc->kinds.v[n], owner);
        }
    }
}

/* ---- kinds ------------------------------------------------------------------------------------- */

static bool known(const struct gc *gc, const struct resource *rs)
{
    for (size_t i = 0; i < gc->kinds.n; i++)
        if (streq(gc->kinds.v[i]->resource.plural, rs->plural) && streq(gc->kinds.v[i]->resource.group, rs->group))
            return true;
    return false;
}

static void add_kind(struct gc *gc, const struct resource *rs)
{
    struct gc_kind *k = xcalloc(1, sizeof(*k));
    struct informer_options o = { 0 };

    k->gc = gc;
    k->strings[0] = xstrdup(rs->group);
    k->strings[1] = xstrdup(rs->version);
    k->strings[2] = xstrdup(rs->kind);
    k->strings[3] = xstrdup(rs->plural);
    k->resource = (struct resource){ k->strings[0], k->strings[1], k->strings[2], k->strings[3],
                                     rs->namespaced };
    k->informer = informer_new(gc->loop->proc, gc->loop->client, &k->resource, &o);
    informer_add_index(k->informer, "owner", index_owners);
    informer_add_handler(k->informer, on_object, k);
    *dyn_push(&gc->kinds) = k;
    informer_start(k->informer);
}

/* Events say nothing that anybody owns, and there are many. */
static bool ignored(const struct resource *rs)
{
    return streq(rs->plural, "events");
}

static int find_kinds(struct co *co, struct gc *gc, struct apierr *err)
{
    struct resource *found;
    size_t n;
    int r = discover_resources(co, gc->loop->cluster->transport, &found, &n, err);

    for (size_t i = 0; r == 0 && i < n; i++)
        if (!known(gc, &found[i]) && !ignored(&found[i]))
            add_kind(gc, &found[i]);
    return r;
}

/* ---- one object -------------------------------------------------------------------------------- */

enum owner_state { OWNER_PRESENT, OWNER_WAITING, OWNER_ABSENT, OWNER_UNKNOWN };

static const struct gc_kind *kind_of_owner(const struct gc *gc, const json_t *owner)
{
    char group[256], version[64];

    if (!api_version_split(text_of(owner, "apiVersion"), group, version))
        return NULL;
    for (size_t i = 0; i < gc->kinds.n; i++)
        if (streq(gc->kinds.v[i]->resource.kind, text_of(owner, "kind"))
            && streq(gc->kinds.v[i]->resource.group, group))
            return gc->kinds.v[i];
    return NULL;
}

/* Asks the server, not the cache: a cache that lags must not cost an object its life. An owner of a kind
 * that nobody serves is neither absent nor present. */
static int owner_state(struct co *co, struct gc *gc, const json_t *dependent, const json_t *owner,
                       enum owner_state *ret, struct apierr *err)
{
    const struct gc_kind *k = kind_of_owner(gc, owner);
    json_auto_t *live = NULL;
    int r;

    *ret = OWNER_UNKNOWN;
    if (!k)
        return 0;
    *ret = OWNER_ABSENT;
    if (k->resource.namespaced && str_empty(obj_namespace(dependent)))
        return *ret = OWNER_UNKNOWN, 0;           /* a cluster object owned by a namespaced one stays */
    struct objref ref = { &k->resource, k->resource.namespaced ? obj_namespace(dependent) : NULL,
                          text_of(owner, "name") };
    r = client_get(co, gc->loop->client, &ref, &live, err);
    if (apierr_is(r, APIERR_NOT_FOUND))
        return 0;
    if (r < 0)
        return r;
    if (!streq(obj_uid(live), text_of(owner, "uid")))
        return 0;
    *ret = obj_is_deleting(live) && has_finalizer(live, "foregroundDeletion") ? OWNER_WAITING : OWNER_PRESENT;
    return 0;
}

static int write_owners(struct co *co, struct gc_kind *k, const json_t *obj, json_t *kept, struct apierr *err)
{
    struct objref ref = { &k->resource, obj_namespace(obj), obj_name(obj) };
    json_auto_t *patch = json_pack("{s:{s:s, s:s, s:o}}", "metadata", "uid", obj_uid(obj), "resourceVersion",
                                   obj_resource_version(obj), "ownerReferences", kept);
    int r = client_patch(co, k->gc->loop->client, &ref, NULL, PATCH_MERGE, patch, NULL, err);

    return apierr_is(r, APIERR_NOT_FOUND) ? 0 : r;
}

static int delete_orphaned(struct co *co, struct gc_kind *k, const json_t *obj, bool foreground,
                           struct apierr *err)
{
    struct objref ref = { &k->resource, obj_namespace(obj), obj_name(obj) };
    struct delete_options o = { .uid = obj_uid(obj), .grace_s = -1,
                                .propagation = has_finalizer(obj, "orphan") ? "Orphan"
                                               : foreground || has_finalizer(obj, "foregroundDeletion")
                                                     ? "Foreground" : "Background" };
    int r = client_delete(co, k->gc->loop->client, &ref, &o, err);

    return apierr_is(r, APIERR_NOT_FOUND) || apierr_is(r, APIERR_CONFLICT) ? 0 : r;
}

struct dependents {
    size_t blocking, all;
    const char *uid;
};

static void count_dependent(struct gc_kind *k, json_t *obj, void *arg)
{
    struct dependents *d = arg;
    size_t i;
    json_t *o;

    d->all++;
    json_array_foreach(owners_of(obj), i, o)
        if (streq(text_of(o, "uid"), d->uid) && json_is_true(json_object_get(o, "blockOwnerDeletion")))
            d->blocking++;
    enqueue(k, obj);
}

static int drop_finalizer(struct co *co, struct gc_kind *k, const json_t *obj, const char *name,
                          struct apierr *err)
{
    struct objref ref = { &k->resource, obj_namespace(obj), obj_name(obj) };
    json_t *kept = json_array(), *f;
    size_t i;

    json_array_foreach(json_path(obj, "metadata.finalizers"), i, f)
        if (!streq(json_string_value(f), name))
            json_array_append(kept, f);
    json_auto_t *patch = json_pack("{s:{s:s, s:s, s:o}}", "metadata", "uid", obj_uid(obj), "resourceVersion",
                                   obj_resource_version(obj), "finalizers", kept);
    int r = client_patch(co, k->gc->loop->client, &ref, NULL, PATCH_MERGE, patch, NULL, err);
    return apierr_is(r, APIERR_NOT_FOUND) ? 0 : r;
}

struct stripping {
    struct co *co;
    const char *uid;
    struct apierr *err;
    int r;
};

static void strip_owner(struct gc_kind *k, json_t *obj, void *arg)
{
    struct stripping *s = arg;
    json_t *kept = json_array(), *o;
    size_t i;

    json_array_foreach(owners_of(obj), i, o)
        if (!streq(text_of(o, "uid"), s->uid))
            json_array_append(kept, o);
    if (s->r == 0)
        s->r = write_owners(s->co, k, obj, kept, s->err);
    else
        json_decref(kept);
}

/* An object on its way out that waits for us: dependents first, then our finalizer. */
static int process_deleting(struct co *co, struct gc_kind *k, const json_t *obj, struct apierr *err)
{
    if (has_finalizer(obj, "foregroundDeletion")) {
        struct dependents d = { .uid = obj_uid(obj) };
        each_dependent(co, k->gc, d.uid, count_dependent, &d);
        return d.blocking ? 0 : drop_finalizer(co, k, obj, "foregroundDeletion", err);
    }
    if (has_finalizer(obj, "orphan")) {
        struct stripping s = { .co = co, .uid = obj_uid(obj), .err = err };
        each_dependent(co, k->gc, s.uid, strip_owner, &s);
        return s.r < 0 ? s.r : drop_finalizer(co, k, obj, "orphan", err);
    }
    return 0;
}

static int process_owned(struct co *co, struct gc_kind *k, const json_t *obj, struct apierr *err)
{
    json_auto_t *kept = json_array();
    bool present = false, waiting = false, dropped = false;
    size_t i;
    json_t *o;

    json_array_foreach(owners_of(obj), i, o) {
        enum owner_state state;
        int r = owner_state(co, k->gc, obj, o, &state, err);
        if (r < 0)
            return r;
        present |= state == OWNER_PRESENT || state == OWNER_UNKNOWN;
        waiting |= state == OWNER_WAITING;
        if (state == OWNER_PRESENT || state == OWNER_UNKNOWN)
            json_array_append(kept, o);
        else
            dropped = true;
    }
    if (present)
        return dropped ? write_owners(co, k, obj, STEAL(kept), err) : 0;
    return delete_orphaned(co, k, obj, waiting, err);
}

static int collect(struct co *co, struct cluster_loop_state *l, const struct objkey *key, struct apierr *err)
{
    struct gc *gc = l->state;
    char *slash;
    size_t at = strtoul(key->namespace, &slash, 10);

    if (streq(key->namespace, "crds") || *slash != '/')
        return find_kinds(co, gc, err);
    struct gc_kind *k = gc->kinds.v[at];
    json_auto_t *obj = informer_get(co, k->informer, slash + 1, key->name);
    if (!obj)
        return 0;
    if (obj_is_deleting(obj))
        return process_deleting(co, k, obj, err);
    return json_array_size(owners_of(obj)) ? process_owned(co, k, obj, err) : 0;
}

static void crd_event(struct cluster_loop_state *l, enum informer_event type, const json_t *old,
                      const json_t *obj)
{
    struct objkey key = { "crds", "" };

    if (type != INFORMER_DELETED)
        workq_add(l->queue, &key);
}

static void gc_free(void *state)
{
    struct gc *gc = state;

    for (size_t i = 0; i < gc->kinds.n; i++) {
        struct gc_kind *k = gc->kinds.v[i];
        informer_free(k->informer);
        for (size_t n = 0; n < ARRAY_SIZE(k->strings); n++)
            free(k->strings[n]);
        free(k);
    }
    dyn_release(&gc->kinds);
    free(gc);
}

void gc_start(struct cluster *c)
{
    struct gc *gc = xcalloc(1, sizeof(*gc));
    struct objkey first = { "crds", "" };

    gc->loop = cluster_loop_new(c, "gc", "kube-controller-manager", collect, gc, gc_free);
    cluster_loop_watch(gc->loop, &crds, crd_event);
    workq_add(gc->loop->queue, &first);
    cluster_loop_start(gc->loop);
}
