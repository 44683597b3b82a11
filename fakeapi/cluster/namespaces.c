/* The namespace controller (H-090, H-091): a terminating namespace is emptied, Pods first, then let go.
 * And the ServiceAccount that every living namespace has (H-110). */
#include "fakeapi/cluster/loop.h"
#include "kube/json.h"
#include "kube/object.h"

struct namespaces {
    struct informer *namespaces;
};

static int count_left(struct co *co, struct cluster_loop_state *l, const struct resource *rs,
                      const char *namespace, size_t *ret, struct apierr *err)
{
    struct list_options o = { 0 };
    json_auto_t *list = NULL;
    int r = client_list(co, l->client, rs, namespace, &o, &list, err);

    if (r == 0)
        *ret = json_array_size(json_object_get(list, "items"));
    return r;
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

/* Deletes what is there of one kind; *left grows by what stays (graceful deletion, finalizers). */
static int empty_kind(struct co *co, struct cluster_loop_state *l, const struct resource *rs,
                      const char *namespace, size_t *left, struct apierr *err)
{
    size_t n = 0;
    int r = count_left(co, l, rs, namespace, &n, err);

    if (r < 0 || n == 0)
        return r;
    r = delete_all(co, l, rs, namespace, err);
    if (r == 0)
        r = count_left(co, l, rs, namespace, &n, err);
    *left += n;
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

static int empty_namespace(struct co *co, struct cluster_loop_state *l, const json_t *namespace,
                           struct apierr *err)
{
    struct objkey key = { "", obj_name(namespace) };
    struct resource *kinds;
    size_t n, left = 0;
    int r = empty_kind(co, l, &cluster_pods, key.name, &left, err);

    if (r == 0 && left == 0)
        r = discover_resources(co, l->cluster->transport, &kinds, &n, err);
    for (size_t i = 0; r == 0 && left == 0 && i < n; i++)
        if (kinds[i].namespaced)
            r = empty_kind(co, l, &kinds[i], key.name, &left, err);
    if (r < 0)
        return r;
    if (left == 0)
        return finalize(co, l, namespace, err);
    workq_add_after(l->queue, &key, DURATION_S(1));
    return 0;
}

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
