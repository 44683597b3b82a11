#include "fakeapi/apiserver/auth/auth.h"
#include "fakeapi/apiserver/openapi.h"
#include "fakeapi/apiserver/server.h"

/* Paths that are no resources: discovery, health, version (A.1 to A.3). */

#define TEXT_PLAIN "text/plain; charset=utf-8"

static int not_found_text(struct call *c)
{
    return reply_text(c, 404, TEXT_PLAIN, "404 page not found\n");
}

static int method_not_allowed(struct call *c)
{
    int r = apierr_set(&c->err, APIERR_METHOD_NOT_ALLOWED,
                       "the server does not allow this method on the requested resource");
    c->err.has_details = true;
    return r;
}

static int not_found(struct call *c)
{
    int r = apierr_set(&c->err, APIERR_NOT_FOUND, "the server could not find the requested resource");
    c->err.has_details = true;
    return r;
}

/* ---- discovery ---------------------------------------------------------------------------------- */

/* The aggregated form where any clause asks for it. */
static int aggregated(struct call *c, bool core, bool *ret_done)
{
    enum media media;

    *ret_done = negotiate_aggregated(c, &media);
    if (!*ret_done)
        return 0;
    struct encoding e = { .media = media, .view_version = "" };
    json_t *doc = discovery_aggregated(c->s, core);
    struct blob *body = encode_tree(c, doc, &e);
    json_decref(doc);
    if (!body) {
        *ret_done = false;
        return 0;
    }
    call_header(c, "Vary", "Accept");
    return reply_blob(c, 200, arena_printf(c->arena, "%s;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
                                           media_type(media, false)), body);
}

static const char all_types[] = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

static bool is_one_of(const char *types, const char *type, size_t len)
{
    for (const char *p = types; *p; p += strcspn(p, ","), p += *p ? 2 : 0)
        if (strcspn(p, ",") == len && strncmp(p, type, len) == 0)
            return true;
    return false;
}

/* The router looks for a type by its name alone, before the handler looks closer. */
static bool router_offers(struct call *c, const char *types)
{
    const char *accept = api_request_header(c->q, "accept");

    if (str_empty(accept))
        return true;
    for (const char *p = accept; *p; p += strcspn(p, ","), p += *p == ',') {
        const char *type = p + strspn(p, " ");
        size_t len = strcspn(type, ";,");
        while (len && type[len - 1] == ' ')
            len--;
        if (is_one_of("*/*", type, len) || is_one_of(types, type, len))
            return true;
    }
    return false;
}

static int router_refuses(struct call *c, const char *types)
{
    int r = apierr_set(&c->err, APIERR_NOT_ACCEPTABLE, "406: Not Acceptable\n\nAvailable representations: %s", types);

    c->err.has_details = true;
    return r;
}

static int root_document(struct call *c, bool core)
{
    bool done;
    int r;

    if (core && !streq(c->q->method, "GET"))
        return method_not_allowed(c);
    if (core && !router_offers(c, all_types))
        return router_refuses(c, all_types);
    r = aggregated(c, core, &done);
    if (r < 0 || done)
        return r;
    if ((r = negotiate(c)) < 0)
        return r;
    if (!core)
        return reply_tree(c, 200, discovery_group_list(c->s));
    json_t *doc = json_pack("{s:s, s:[s], s:[{s:s, s:s}]}", "kind", "APIVersions", "versions", "v1",
                            "serverAddressByClientCIDRs", "clientCIDR", "0.0.0.0/0", "serverAddress",
                            api_request_header(c->q, "host") ? api_request_header(c->q, "host") : "127.0.0.1:6443");
    return reply_tree(c, 200, doc);
}

static int version_document(struct call *c, const char *group, const char *version)
{
    int r;

    if (!streq(c->q->method, "GET") && kinds_is_builtin_group(group))
        return method_not_allowed(c);
    if (kinds_is_builtin_group(group) && !router_offers(c, all_types))
        return router_refuses(c, all_types);
    if ((r = negotiate(c)) < 0)
        return r;
    return reply_tree(c, 200, discovery_resources(c->s, group, version));
}

/* "/apis", "/apis/g", "/apis/g/v"; the router has checked that they exist. */
static int apis_document(struct call *c, const char *rest)
{
    char *group = arena_strdup(c->arena, *rest == '/' ? rest + 1 : rest), *version;
    size_t len = strlen(group);
    int r;

    if (len && group[len - 1] == '/')
        group[len - 1] = 0;
    if (!*group && !*rest)
        return root_document(c, false);
    if (!*group) {                     /* "/apis/": the old document only */
        r = negotiate(c);
        return r < 0 ? r : reply_tree(c, 200, discovery_group_list(c->s));
    }
    version = strchr(group, '/');
    if (version) {
        *version++ = 0;
        return version_document(c, group, version);
    }
    if ((r = negotiate(c)) < 0)
        return r;
    return reply_tree(c, 200, discovery_group(c->s, group));
}

/* ---- health ------------------------------------------------------------------------------------- */

/* The checks of 1.34, in the order of its verbose answer; READY: of readiness alone. */
#define READY "!"
static const char *const checks[] = {
    "ping", "log", "etcd", READY "etcd-readiness", READY "informer-sync",
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/generic-apiserver-start-informers", "poststarthook/priority-and-fairness-config-consumer",
    "poststarthook/priority-and-fairness-filter", "poststarthook/storage-object-count-tracker-hook",
    "poststarthook/start-apiextensions-informers", "poststarthook/start-apiextensions-controllers",
    "poststarthook/crd-informer-synced", "poststarthook/start-system-namespaces-controller",
    "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/start-kube-apiserver-identity-lease-controller",
    "poststarthook/start-kube-apiserver-identity-lease-garbage-collector",
    "poststarthook/start-legacy-token-tracking-controller", "poststarthook/start-service-ip-repair-controllers",
    "poststarthook/rbac/bootstrap-roles", "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/priority-and-fairness-config-producer", "poststarthook/bootstrap-controller",
    "poststarthook/start-kubernetes-service-cidr-controller", "poststarthook/start-kube-aggregator-informers",
    "poststarthook/apiservice-status-local-available-controller",
    "poststarthook/apiservice-status-remote-available-controller", "poststarthook/apiservice-registration-controller",
    "poststarthook/apiservice-discovery-controller", "poststarthook/kube-apiserver-autoregistration",
    "autoregister-completion", "poststarthook/apiservice-openapi-controller",
    "poststarthook/apiservice-openapiv3-controller", READY "shutdown",
};

static const char *const healths[] = { "healthz", "livez", "readyz" };

/* The name of a check where it is one of `health`; else NULL. */
static const char *check_of(const char *health, size_t i)
{
    bool ready = *checks[i] == *READY;

    return ready && !streq(health, "readyz") ? NULL : checks[i] + ready;
}

static const char *find_check(const char *health, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
        if (check_of(health, i) && streq(check_of(health, i), name))
            return name;
    return NULL;
}


/* ---- version and index -------------------------------------------------------------------------- */

static int version_info(struct call *c)
{
    const struct release *r = c->s->release;

    if (!streq(c->q->method, "GET"))
        return method_not_allowed(c);
    if (!router_offers(c, "application/json"))
        return router_refuses(c, "application/json");
    c->out.pretty = true;
    return reply_tree(c, 200, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
        "major", "1", "minor", r->minor, "emulationMajor", "1", "emulationMinor", r->minor, "minCompatibilityMajor", "1",
        "minCompatibilityMinor", r->before, "gitVersion", r->git_version, "gitCommit",
        "8cc511e399b929453cd98ae65b419c3cc227ec79", "gitTreeState", "clean", "buildDate", "2025-11-11T19:05:12Z",
        "goVersion", "go1.24.9", "compiler", "gc", "platform", "linux/amd64"));
}

static void add_path(json_t *paths, const char *path)
{
    json_array_append_new(paths, json_string(path));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int index_document(struct call *c)
{
    static const char *const fixed[] = {
        "/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/", "/healthz", "/livez", "/metrics",
        "/metrics/slis", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks", "/readyz", "/version"
    };
    DYN(const char *) all = { 0 };
    size_t n;
    const struct kind *const *kinds = kinds_all(c->s->kinds, &n);

    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
        *dyn_push(&all) = fixed[i];
    for (size_t h = 0; h < ARRAY_SIZE(healths); h++)
        for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
            if (check_of(healths[h], i))
                *dyn_push(&all) = arena_printf(c->arena, "/%s/%s", healths[h], check_of(healths[h], i));
    for (size_t i = 0; i < n; i++) {
        const struct resource *rs = &kinds[i]->res;
        if (!*rs->group)
            continue;
        *dyn_push(&all) = arena_printf(c->arena, "/apis/%s", rs->group);
        *dyn_push(&all) = arena_printf(c->arena, "/apis/%s/%s", rs->group, rs->version);
    }
    qsort(all.v, all.n, sizeof(*all.v), by_text);
    json_t *paths = json_array();
    for (size_t i = 0; i < all.n; i++)
        if (i == 0 || !streq(all.v[i], all.v[i - 1]))
            add_path(paths, all.v[i]);
    dyn_release(&all);
    return reply_tree(c, 200, json_pack("{s:o}", "paths", paths));
}

static bool excluded(struct call *c, const char *check)
{
    for (size_t i = 0; i < c->query.n; i++)
        if (streq(c->query.v[i].key, "exclude") && streq(c->query.v[i].value, check))
            return true;
    return false;
}

static void unknown_excludes(struct call *c, const char *health, struct buf *b)
{
    for (size_t i = 0; i < c->query.n; i++) {
        if (streq(c->query.v[i].key, "exclude") && !find_check(health, c->query.v[i].value))
            buf_printf(b, "warn: some health checks cannot be excluded: no matches for \"%s\"\n", c->query.v[i].value);
    }
}

static int health(struct call *c, const char *name, const char *rest)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (*rest)                         /* said without a nosniff, as there */
        return find_check(name, rest + 1) ? reply_blob(c, 200, TEXT_PLAIN, blob_new("ok", 2)) : not_found_text(c);
    if (!query_get(&c->query, "verbose"))
        return reply_text(c, 200, TEXT_PLAIN, "ok");
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        const char *check = check_of(name, i);
        if (check)
            buf_printf(&b, excluded(c, check) ? "[+]%s excluded: ok\n" : "[+]%s ok\n", check);
    }
    unknown_excludes(c, name, &b);
    buf_printf(&b, "%s check passed\n", name);
    return reply_text(c, 200, TEXT_PLAIN, b.data);
}

/* ---- by path ------------------------------------------------------------------------------------ */

static const char *below(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    if (strncmp(path, prefix, len) != 0 || (path[len] && path[len] != '/'))
        return NULL;
    return path + len;
}

#define METRICS "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"

/* Whether each check holds, for those who count. */
static int health_metrics(struct call *c)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "# HELP kubernetes_healthcheck [STABLE] The outcome of a health check: 1 where it holds.\n"
                    "# TYPE kubernetes_healthcheck gauge\n");
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
        for (size_t h = 0; h < ARRAY_SIZE(healths); h++)
            if (check_of(healths[h], i))
                buf_printf(&b, "kubernetes_healthcheck{name=\"%s\",type=\"%s\"} 1\n", check_of(healths[h], i), healths[h]);
    return reply_blob(c, 200, METRICS, blob_from_buf(&b));
}

static int metrics(struct call *c)
{
    static const char text[] = "# HELP apiserver_request_total Counter of apiserver requests.\n"
                               "# TYPE apiserver_request_total counter\n", reset[] = "metrics reset\n";

    if (streq(c->q->method, "DELETE"))
        return reply_blob(c, 200, TEXT_PLAIN, blob_new(reset, sizeof(reset) - 1));
    return reply_blob(c, 200, METRICS, blob_new(text, sizeof(text) - 1));
}

int handle_other(struct call *c)
{
    const char *path = c->route.path, *rest;

    for (size_t i = 0; i < ARRAY_SIZE(healths); i++)
        if ((rest = below(path, arena_printf(c->arena, "/%s", healths[i]))))
            return health(c, healths[i], rest);
    if (streq(path, "") || streq(path, "/"))
        return index_document(c);
    if (streq(path, "/api") || streq(path, "/api/"))
        return root_document(c, true);
    if ((rest = below(path, "/api")))
        return version_document(c, "", "v1");
    if ((rest = below(path, "/apis")))
        return apis_document(c, rest);
    if (streq(path, "/version") || streq(path, "/version/"))
        return version_info(c);
    if (below(path, "/version"))
        return not_found(c);
    if (below(path, "/openapi"))
        return openapi_handle(c, path);
    if (streq(path, "/metrics"))
        return metrics(c);
    if (streq(path, "/metrics/slis"))
        return health_metrics(c);
    if (streq(path, "/openid/v1/jwks") || streq(path, "/openid/v1/jwks/") ||
        streq(path, "/.well-known/openid-configuration") || streq(path, "/.well-known/openid-configuration/"))
        return openid_document(c, path);
    return not_found_text(c);
}
