/* The namespace controller (H-090, H-091): a terminating namespace is emptied, Pods first, then let go.
 * And the ServiceAccount that every living namespace has (H-110). */
#include "fakeapi/cluster/loop.h"
#include "kube/json.h"
#include "kube/object.h"

struct namespaces {
    struct informer *namespaces;
};

/* ---- what stays ----------------------------------------------------------------------------------- */

struct tally {
    const char *what;                  /* a kind or a finalizer; strings live in the pass's arena */
    size_t n;
};
typedef DYN(struct tally) tallies;

struct remains {
    tallies kinds, finalizers;
    DYN(const char *) failures;
};

static void remains_release(struct remains *r)
{
    dyn_release(&r->kinds);
    dyn_release(&r->finalizers);
    dyn_release(&r->failures);
}

static void count(tallies *t, const char *what, size_t n)
{
    for (size_t i = 0; i < t->n; i++)
        if (streq(t->v[i].what, what)) {
            t->v[i].n += n;
            return;
        }
    *dyn_push(t) = (struct tally){ what, n };
}

/* Pods may take their time: whether the longest grace of those that run has not passed since the deletion. */
static bool in_grace(struct co *co, const json_t *pods, const json_t *namespace)
{
    struct instant since;
    int64_t longest = 0;
    size_t i;
    json_t *pod;

    json_array_foreach(pods, i, pod) {
        const char *phase = obj_str(pod, "status.phase");
        int64_t grace = obj_int(pod, "spec.terminationGracePeriodSeconds", 0);
        if (!streq(phase, "Succeeded") && !streq(phase, "Failed") && grace > longest)
            longest = grace;
    }
    return obj_time(namespace, "metadata.deletionTimestamp", &since) &&
           instant_sub(co_now(co), since) < DURATION_S(longest);
}

static void note_left(struct co *co, const struct resource *rs, const json_t *items, const json_t *namespace,
                      struct remains *ret)
{
    size_t i, k, held = 0;
    json_t *item, *f;

    count(&ret->kinds, co_printf(co, "%s.%s", rs->plural, rs->group), json_array_size(items));
    json_array_foreach(items, i, item)
        json_array_foreach(json_path(item, "metadata.finalizers"), k, f) {
            count(&ret->finalizers, co_printf(co, "%s", json_string_value(f)), 1);
            held++;
        }
    if (!held && !(streq(rs->plural, "pods") && in_grace(co, items, namespace)))
        *dyn_push(&ret->failures) = co_printf(co, "unexpected items still remain in namespace: %s for gvr: %s/%s, Resource=%s",
                                              obj_name(namespace), rs->group, rs->version, rs->plural);
}

/* ---- conditions (B-156) --------------------------------------------------------------------------- */

static int in_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "a, b": sorted. */
static const char *joined(struct co *co, const char **texts, size_t n)
{
    cleanup_buf struct buf b = BUF_INIT;

    qsort(texts, n, sizeof(*texts), in_order);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", texts[i]);
    return co_printf(co, "%s", b.data ? b.data : "");
}

/* NULL: nothing of it is left. */
static const char *told(struct co *co, const tallies *t, const char *head, const char *verb)
{
    const char **texts = arena_alloc(co_arena(co), (t->n + 1) * sizeof(*texts));

    for (size_t i = 0; i < t->n; i++)
        texts[i] = co_printf(co, "%s %s %zu resource instances", t->v[i].what, verb, t->v[i].n);
    return t->n ? co_printf(co, "%s%s", head, joined(co, texts, t->n)) : NULL;
}

static const char *failures(struct co *co, struct remains *left)
{
    size_t n = left->failures.n;

    return n ? co_printf(co, "Failed to delete all resource types, %zu remaining: %s", n,
                         joined(co, left->failures.v, n)) : NULL;
}

/* Writes down how it goes where that is news. *ret: the namespace as it is then (a new reference). While Pods remain
 * nobody has looked at the rest, and all of it is called well. */
static int tell(struct co *co, struct cluster_loop_state *l, const json_t *namespace, struct remains *left, bool pods_alone,
                json_t **ret, struct apierr *err)
{
    const struct row {
        const char *type, *good, *good_message, *bad, *bad_message;
    } rows[] = {
        { "NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered", "", NULL },
        { "NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions",
          "All legacy kube types successfully parsed", "", NULL },
        { "NamespaceDeletionContentFailure", "ContentDeleted",
          "All content successfully deleted, may be waiting on finalization", "ContentDeletionFailed", failures(co, left) },
        { "NamespaceContentRemaining", "ContentRemoved", "All content successfully removed", "SomeResourcesRemain",
          pods_alone ? NULL : told(co, &left->kinds, "Some resources are remaining: ", "has") },
        { "NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished",
          "SomeFinalizersRemain",
          pods_alone ? NULL : told(co, &left->finalizers, "Some content in the namespace has finalizers remaining: ", "in") },
    };
    json_t *conditions = json_path(namespace, "status.conditions") ? json_clone(json_path(namespace, "status.conditions"))
                                                                   : json_array();
    bool news = false;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *bad = rows[i].bad_message;
        news |= conditions_set(conditions, &(struct condition){
            .type = rows[i].type, .status = bad ? "True" : "False", .reason = bad ? rows[i].bad : rows[i].good,
            .message = bad ? bad : rows[i].good_message }, co_now(co));
    }
    json_auto_t *next = json_with(namespace, "status.conditions", conditions);
    *ret = json_incref((json_t *)namespace);
    if (!news)
        return 0;
    json_decref(STEAL(*ret));
    return client_update_status(co, l->client, &cluster_namespaces, next, ret, err);
}

/* ---- deleting ------------------------------------------------------------------------------------- */

static int list_all(struct co *co, struct cluster_loop_state *l, const struct resource *rs, const char *namespace,
                    json_t **ret, struct apierr *err)
{
    struct list_options o = { 0 };

    return client_list(co, l->client, rs, namespace, &o, ret, err);
}

static int delete_all(struct co *co, struct cluster_loop_state *l, const struct resource *rs,
                      const char *namespace, struct apierr *err)
{
    struct api_request q = { .method = "DELETE",
                             .path = resource_path(co_arena(co), rs, namespace, NULL, NULL) };
    cleanup_reply struct api_reply reply = { 0 };
    int r = transport_call(co, l->cluster->transport, &q, &reply);

    if (r < 0)
        return r;
    return reply.status < 300 || reply.status == 404 || reply.status == 405
               ? 0 : apierr_set(err, APIERR_INTERNAL_ERROR, "delete all %s: %d", rs->plural, reply.status);
}

/* Deletes what is there of one kind; `left` grows by what stays (graceful deletion, finalizers). */
static int empty_kind(struct co *co, struct cluster_loop_state *l, const struct resource *rs, const json_t *namespace,
                      struct remains *left, struct apierr *err)
{
    json_auto_t *before = NULL, *after = NULL;
    const json_t *items;
    int r = list_all(co, l, rs, obj_name(namespace), &before, err);

    if (r < 0 || !json_array_size(json_object_get(before, "items")))
        return r;
    r = delete_all(co, l, rs, obj_name(namespace), err);
    if (r == 0)
        r = list_all(co, l, rs, obj_name(namespace), &after, err);
    items = json_object_get(after, "items");
    if (r == 0 && json_array_size(items))
        note_left(co, rs, items, namespace, left);
    return r;
}

static int finalize(struct co *co, struct cluster_loop_state *l, const json_t *namespace, struct apierr *err)
{
    json_auto_t *next = json_with(namespace, "spec.finalizers", json_array());
    struct api_request q = { .method = "PUT", .object = next,
                             .path = resource_path(co_arena(co), &cluster_namespaces, NULL,
                                                   obj_name(namespace), "finalize") };
    static const struct api_header type = { "Content-Type", "application/json" };
    cleanup_reply struct api_reply reply = { 0 };
    int r;

    q.headers = &type;
    q.n_headers = 1;
    r = transport_call(co, l->cluster->transport, &q, &reply);
    if (r < 0)
        return r;
    return reply.status < 300 || reply.status == 404 || reply.status == 409
               ? 0 : apierr_set(err, APIERR_INTERNAL_ERROR, "finalize: %d", reply.status);
}

static int empty_all(struct co *co, struct cluster_loop_state *l, const json_t *namespace, struct remains *left,
                     bool *ret_pods_alone, struct apierr *err)
{
    struct resource *kinds;
    size_t n;
    int r = empty_kind(co, l, &cluster_pods, namespace, left, err);

    *ret_pods_alone = left->kinds.n > 0;
    if (r < 0 || *ret_pods_alone)
        return r;
    r = discover_resources(co, l->cluster->transport, &kinds, &n, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (kinds[i].namespaced)
            r = empty_kind(co, l, &kinds[i], namespace, left, err);
    return r;
}

static int empty_namespace(struct co *co, struct cluster_loop_state *l, const json_t *namespace,
                           struct apierr *err)
{
    struct objkey key = { "", obj_name(namespace) };
    struct remains left = { 0 };
    json_auto_t *told_of = NULL;
    bool pods_alone;
    int r = empty_all(co, l, namespace, &left, &pods_alone, err);

    if (r == 0)
        r = tell(co, l, namespace, &left, pods_alone, &told_of, err);
    if (r == 0 && left.kinds.n == 0)
        r = finalize(co, l, told_of, err);
    else if (r == 0)
        workq_add_after(l->queue, &key, DURATION_S(1));
    remains_release(&left);
    return r;
}

/* ---- the loop ------------------------------------------------------------------------------------- */

static int make_service_account(struct co *co, struct cluster_loop_state *l, const char *namespace,
                                struct apierr *err)
{
    json_auto_t *account = json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "v1", "kind", "ServiceAccount",
                                     "metadata", "name", "default", "namespace", namespace);
    int r = client_create(co, l->client, &cluster_service_accounts, account, NULL, err);

    return apierr_is(r, APIERR_ALREADY_EXISTS) || apierr_is(r, APIERR_NOT_FOUND)
                   || apierr_is(r, APIERR_FORBIDDEN) ? 0 : r;
}

static int sync_namespace(struct co *co, struct cluster_loop_state *l, const struct objkey *key,
                          struct apierr *err)
{
    struct namespaces *n = l->state;
    json_auto_t *namespace = informer_get(co, n->namespaces, "", key->name);

    if (!namespace)
        return 0;
    if (!obj_is_deleting(namespace))
        return make_service_account(co, l, key->name, err);
    return json_array_size(json_path(namespace, "spec.finalizers")) ? empty_namespace(co, l, namespace, err)
                                                                    : 0;
}

void namespaces_start(struct cluster *c)
{
    struct namespaces *n = xcalloc(1, sizeof(*n));
    struct cluster_loop_state *l = cluster_loop_new(c, "namespace", "kube-controller-manager", sync_namespace, n, free);

    n->namespaces = cluster_loop_watch(l, &cluster_namespaces, NULL);
    cluster_loop_start(l);
}
