#include "fakeapi/apiserver/openapi_priv.h"

#include <ctype.h>

/* What may be asked, path by path (A.2): operations follow from a kind's verbs and subresources. */

#define META OPENAPI_META

/* ---- words ---------------------------------------------------------------------------------------- */

#define JSON "application/json"
#define YAML "application/yaml"
#define PROTOBUF "application/vnd.kubernetes.protobuf"
#define STREAM ";stream=watch"

static const char *const objects[] = { JSON, YAML, PROTOBUF, NULL };
static const char *const streams[] = { JSON, YAML, PROTOBUF, JSON STREAM, PROTOBUF STREAM, NULL };
static const char *const custom_objects[] = { JSON, YAML, NULL };
static const char *const anything[] = { "*/*", NULL };
static const char *const patches[] = { "application/json-patch+json", "application/merge-patch+json",
                                       "application/strategic-merge-patch+json", "application/apply-patch+yaml", NULL };
static const char *const custom_patches[] = { "application/json-patch+json", "application/merge-patch+json",
                                              "application/apply-patch+yaml", NULL };

/* Query parameters by the options that hold them, in the order of their names. */
static const char *const of_lists[] = { "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit",
                                        "resourceVersion", "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds",
                                        "watch", NULL };
static const char *const of_writes[] = { "dryRun", "fieldManager", "fieldValidation", NULL };
static const char *const of_custom_reads[] = { "resourceVersion", NULL };
static const char *const of_patches[] = { "dryRun", "fieldManager", "fieldValidation", "force", NULL };
#define READ_ERROR "ignoreStoreReadErrorWithClusterBreakingPotential"
static const char *const of_deletes[] = { "dryRun", "gracePeriodSeconds", READ_ERROR, "orphanDependents",
                                          "propagationPolicy", NULL };
static const char *const of_collections[] = { "continue", "dryRun", "fieldSelector", "gracePeriodSeconds", READ_ERROR,
                                              "labelSelector", "limit", "orphanDependents", "propagationPolicy",
                                              "resourceVersion", "resourceVersionMatch", "sendInitialEvents",
                                              "timeoutSeconds", NULL };
static const char *const of_logs[] = { "container", "follow", "insecureSkipTLSVerifyBackend", "limitBytes", "previous",
                                       "sinceSeconds", "stream", "tailLines", "timestamps", NULL };

static const char *parameter_type(const char *name)
{
    static const char *const integers[] = { "gracePeriodSeconds", "limit", "limitBytes", "ports", "sinceSeconds", "tailLines",
                                            "timeoutSeconds" };
    static const char *const booleans[] = { "allowWatchBookmarks", "follow", "force", READ_ERROR,
                                            "insecureSkipTLSVerifyBackend", "orphanDependents", "previous",
                                            "sendInitialEvents", "stderr", "stdin", "stdout", "timestamps", "tty", "watch" };

    for (size_t i = 0; i < ARRAY_SIZE(integers); i++)
        if (streq(name, integers[i]))
            return "integer";
    for (size_t i = 0; i < ARRAY_SIZE(booleans); i++)
        if (streq(name, booleans[i]))
            return "boolean";
    return "string";
}

/* "apps" -> "Apps", "rbac.authorization.k8s.io" -> "RbacAuthorization", "" -> "Core"; a custom group keeps all its parts. */
static const char *camel_group(struct arena *a, const char *group)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t len = strlen(group);
    bool upper = true;

    if (!len)
        return "Core";
    if (str_ends(group, ".k8s.io"))
        len -= strlen(".k8s.io");
    for (size_t i = 0; i < len; i++) {
        if (group[i] == '.' || group[i] == '-') {
            upper = true;
            continue;
        }
        buf_add_char(&b, upper ? (char)toupper((unsigned char)group[i]) : group[i]);
        upper = false;
    }
    return arena_strdup(a, b.data);
}

static const char *capital(struct arena *a, const char *s)
{
    char *out = arena_strdup(a, s);

    out[0] = (char)toupper((unsigned char)out[0]);
    return out;
}

/* "appsV1" and "apps_v1": how operations and their tags call a group version. */
static const char *camel_version(struct arena *a, const char *group, const char *version)
{
    return arena_printf(a, "%s%s", camel_group(a, group), capital(a, version));
}

static const char *tag_of(struct arena *a, const char *group, const char *version)
{
    char *word = arena_strdup(a, camel_group(a, group));

    word[0] = (char)tolower((unsigned char)word[0]);
    return version ? arena_printf(a, "%s_%s", word, version) : word;
}

/* ---- operations ----------------------------------------------------------------------------------- */

struct operation {
    const char *method, *id, *tag;
    const char *action;                /* of Kubernetes; NULL: it is about no kind */
    const char *group, *version, *kind;
    const char *const *query;          /* NULL: none */
    const char *body;                  /* a definition; NULL: none */
    bool may_lack_body;
    const char *const *patch_types;    /* what the body may be, if it is a patch */
    const char *reply;                 /* a definition; NULL: a string */
    const char *const *produces;
    bool created, accepted;            /* 201, 202 besides 200 */
    const char *const *consumes;       /* what a body that is no patch may be; NULL: anything */
};

struct path {
    const char *path;
    const char *const *in_path;        /* names of what stands in braces; NULL: nothing */
    bool pretty;
    struct operation ops[8];
    size_t n;
};

static json_t *strings(const char *const *v)
{
    json_t *list = json_array();

    for (; *v; v++)
        json_array_append_new(list, json_string(*v));
    return list;
}

static json_t *parameter(struct doc *d, const char *name, bool in_path)
{
    const char *type = in_path ? "string" : parameter_type(name), *where = in_path ? "path" : "query";
    json_t *p = d->v3 ? json_pack("{s:s, s:s, s:s, s:{s:s, s:b}}", "name", name, "in", where, "description", "", "schema",
                                  "type", type, "uniqueItems", 1)
                      : json_pack("{s:b, s:s, s:s, s:s, s:s}", "uniqueItems", 1, "type", type, "description", "", "name",
                                  name, "in", where);

    if (in_path)
        json_object_set_new(p, "required", json_true());
    return p;
}

static json_t *schema_of(struct doc *d, const char *definition)
{
    return definition ? openapi_ref(d, definition) : json_pack("{s:s}", "type", "string");
}

/* v3: a schema by each of the content types. */
static json_t *content_of(struct doc *d, const char *const *types, const char *definition)
{
    json_t *content = json_object();

    for (; *types; types++)
        json_object_set_new(content, *types, json_pack("{s:o}", "schema", schema_of(d, definition)));
    return content;
}

static json_t *response(struct doc *d, const struct operation *op, const char *description)
{
    json_t *r = json_pack("{s:s}", "description", description);

    if (d->v3)
        json_object_set_new(r, "content", content_of(d, op->produces, op->reply));
    else
        json_object_set_new(r, "schema", schema_of(d, op->reply));
    return r;
}

static json_t *responses(struct doc *d, const struct operation *op)
{
    json_t *all = json_pack("{s:o}", "200", response(d, op, "OK"));

    if (op->created)
        json_object_set_new(all, "201", response(d, op, "Created"));
    if (op->accepted)
        json_object_set_new(all, "202", response(d, op, "Accepted"));
    json_object_set_new(all, "401", json_pack("{s:s}", "description", "Unauthorized"));
    return all;
}

static const char *const *consumed(const struct operation *op)
{
    return op->patch_types ? op->patch_types : op->consumes ? op->consumes : anything;
}

static void add_body(struct doc *d, const struct operation *op, json_t *o, json_t *parameters)
{
    json_t *body;

    if (!op->body)
        return;
    if (d->v3) {
        body = json_pack("{s:o}", "content", content_of(d, consumed(op), op->body));
        json_object_set_new(o, "requestBody", body);
    } else {
        body = json_pack("{s:s, s:s, s:o}", "name", "body", "in", "body", "schema", openapi_ref(d, op->body));
        json_array_append_new(parameters, body);
    }
    if (!op->may_lack_body)
        json_object_set_new(body, "required", json_true());
}

static bool asks_for(const struct operation *op, const char *name)
{
    for (const char *const *q = op->query; q && *q; q++)
        if (streq(*q, name))
            return true;
    return false;
}

/* What every operation of a path asks for is said once, beside them. */
static bool shared(const struct path *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (!asks_for(&p->ops[i], name))
            return false;
    return true;
}

static bool known(struct doc *d, const char *name)
{
    return d->c->s->release->field_validation || !streq(name, "fieldValidation");
}

static json_t *operation_json(struct doc *d, const struct path *p, const struct operation *op)
{
    json_t *o = json_pack("{s:s, s:s, s:[s]}", "description", "", "operationId", op->id, "tags", op->tag);
    json_t *parameters = json_array();

    add_body(d, op, o, parameters);
    for (const char *const *q = op->query; q && *q; q++)
        if (known(d, *q) && !shared(p, *q))
            json_array_append_new(parameters, parameter(d, *q, false));
    if (!d->v3) {
        if (*consumed(op))
            json_object_set_new(o, "consumes", strings(consumed(op)));
        json_object_set_new(o, "produces", strings(op->produces));
        json_object_set_new(o, "schemes", json_pack("[s]", "https"));
    }
    if (json_array_size(parameters))
        json_object_set(o, "parameters", parameters);
    json_decref(parameters);
    json_object_set_new(o, "responses", responses(d, op));
    if (op->action) {
        json_object_set_new(o, "x-kubernetes-action", json_string(op->action));
        json_object_set_new(o, "x-kubernetes-group-version-kind", openapi_gvk(op->group, op->version, op->kind));
    }
    return o;
}

/* ---- paths ---------------------------------------------------------------------------------------- */

struct named {
    const char *name;
    bool in_path;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static json_t *parameters_beside(struct doc *d, const struct path *p)
{
    struct named list[24];
    size_t n = 0;
    json_t *out = json_array();

    for (const char *const *name = p->in_path; name && *name; name++)
        list[n++] = (struct named){ *name, true };
    if (p->pretty)
        list[n++] = (struct named){ "pretty", false };
    for (const char *const *q = p->ops[0].query; q && *q && n < ARRAY_SIZE(list); q++)
        if (known(d, *q) && shared(p, *q))
            list[n++] = (struct named){ *q, false };
    qsort(list, n, sizeof(*list), by_name);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, parameter(d, list[i].name, list[i].in_path));
    return out;
}

static void add_path(struct doc *d, const struct path *p)
{
    json_t *item, *beside;

    if (!p->n)
        return;
    item = json_object();
    for (size_t i = 0; i < p->n; i++)
        json_object_set_new(item, p->ops[i].method, operation_json(d, p, &p->ops[i]));
    beside = parameters_beside(d, p);
    if (json_array_size(beside))
        json_object_set(item, "parameters", beside);
    json_decref(beside);
    json_object_set_new(d->paths, p->path, item);
}

/* ---- kinds ---------------------------------------------------------------------------------------- */

struct subject {
    struct doc *d;
    struct arena *a;
    const struct kind *k;
    const char *gv, *tag, *scope;      /* "AppsV1", "apps_v1", "Namespaced" or "" */
    const char *root;                  /* "/apis/apps/v1" */
    const char *name, *list;           /* definitions */
    const char *const *produces, *const *streams, *const *consumes, *const *patch_types;
};

static struct operation about(const struct subject *s, const char *method, const char *action, const char *id)
{
    return (struct operation){ .method = method, .id = id, .tag = s->tag, .action = action, .group = s->k->res.group,
                               .version = s->k->res.version, .kind = s->k->res.kind, .reply = s->name,
                               .produces = s->produces, .consumes = s->consumes };
}

static const char *id_of(const struct subject *s, const char *verb, const char *between, const char *after)
{
    return arena_printf(s->a, "%s%s%s%s%s%s", verb, s->gv, between, s->scope, s->k->res.kind, after);
}

static struct operation *add(struct path *p, struct operation op)
{
    p->ops[p->n] = op;
    return &p->ops[p->n++];
}

static const char *path_of(const struct subject *s, const char *prefix)
{
    return arena_printf(s->a, "%s%s%s/%s", s->root, prefix, s->k->res.namespaced ? "/namespaces/{namespace}" : "",
                        s->k->res.plural);
}

static void add_collection(const struct subject *s)
{
    struct path p = { .path = path_of(s, ""), .pretty = true };
    static const char *const in_namespace[] = { "namespace", NULL };
    struct operation *op;

    if (s->k->res.namespaced)
        p.in_path = in_namespace;
    if (s->k->verbs & VERB_LIST) {
        op = add(&p, about(s, "get", "list", id_of(s, "list", "", "")));
        op->reply = s->list;
        op->query = of_lists;
        op->produces = s->streams;
    }
    if (s->k->verbs & VERB_CREATE) {
        op = add(&p, about(s, "post", "post", id_of(s, "create", "", "")));
        op->body = s->name;
        op->query = of_writes;
        op->created = op->accepted = true;
    }
    if (s->k->verbs & VERB_DELETECOLLECTION) {
        op = add(&p, about(s, "delete", "deletecollection", id_of(s, "delete", "Collection", "")));
        op->body = kind_custom(s->k) ? NULL : META "DeleteOptions";
        op->may_lack_body = true;
        op->reply = META "Status";
        op->query = kind_custom(s->k) ? of_lists : of_collections;
    }
    add_path(s->d, &p);
}

/* The verbs on one object: the whole, or one of its subresources, whose body and reply are `name`. */
static void add_item_ops(const struct subject *s, struct path *p, unsigned verbs, const char *suffix, const char *name)
{
    struct operation *op;

    if (verbs & VERB_GET) {
        op = add(p, about(s, "get", "get", id_of(s, "read", "", suffix)));
        op->reply = name;
        op->query = kind_custom(s->k) ? of_custom_reads : NULL;
    }
    if (verbs & VERB_UPDATE) {
        op = add(p, about(s, "put", "put", id_of(s, "replace", "", suffix)));
        op->body = op->reply = name;
        op->query = of_writes;
        op->created = true;
    }
    if (verbs & VERB_PATCH) {
        op = add(p, about(s, "patch", "patch", id_of(s, "patch", "", suffix)));
        op->body = META "Patch";
        op->reply = name;
        op->query = of_patches;
        op->patch_types = s->patch_types;
        op->created = !kind_custom(s->k);
    }
}

static const char *const in_item[] = { "name", "namespace", NULL }, *const in_cluster_item[] = { "name", NULL };

static const char *const *item_braces(const struct subject *s)
{
    return s->k->res.namespaced ? in_item : in_cluster_item;
}

static void add_item(const struct subject *s)
{
    struct path p = { .path = arena_printf(s->a, "%s/{name}", path_of(s, "")), .in_path = item_braces(s), .pretty = true };
    bool namespaces = streq(s->k->res.kind, "Namespace");          /* they answer with themselves, and do not say so */
    struct operation *op;

    add_item_ops(s, &p, s->k->verbs, "", s->name);
    if (s->k->verbs & VERB_DELETE) {
        op = add(&p, about(s, "delete", "delete", id_of(s, "delete", "", "")));
        op->body = META "DeleteOptions";
        op->may_lack_body = true;
        op->reply = s->k->flags & KIND_RETURNS_DELETED && !namespaces ? s->name : META "Status";
        op->query = of_deletes;
        op->accepted = true;
    }
    add_path(s->d, &p);
}

/* A list or a watch of all namespaces, and the watches by path of old. */
static void add_reader(const struct subject *s, const char *path, const char *const *in_path, const char *id,
                       const char *action, const char *reply)
{
    struct path p = { .path = path, .in_path = in_path, .pretty = true };
    struct operation *op = add(&p, about(s, "get", action, id));

    op->reply = reply;
    op->query = of_lists;
    op->produces = s->streams;
    add_path(s->d, &p);
}

static void add_readers(const struct subject *s)
{
    static const char *const in_namespace[] = { "namespace", NULL };
    const char *kind = s->k->res.kind, *plural = s->k->res.plural;
    bool namespaced = s->k->res.namespaced, watched = (s->k->verbs & VERB_WATCH) && !kind_custom(s->k);

    if (namespaced && (s->k->verbs & VERB_LIST))
        add_reader(s, arena_printf(s->a, "%s/%s", s->root, plural), NULL,
                   arena_printf(s->a, "list%s%sForAllNamespaces", s->gv, kind), "list", s->list);
    if (!watched)
        return;
    if (namespaced)
        add_reader(s, arena_printf(s->a, "%s/watch/%s", s->root, plural), NULL,
                   arena_printf(s->a, "watch%s%sListForAllNamespaces", s->gv, kind), "watchlist", META "WatchEvent");
    add_reader(s, path_of(s, "/watch"), namespaced ? in_namespace : NULL, id_of(s, "watch", "", "List"), "watchlist",
               META "WatchEvent");
    add_reader(s, arena_printf(s->a, "%s/{name}", path_of(s, "/watch")), item_braces(s), id_of(s, "watch", "", ""), "watch",
               META "WatchEvent");
}

/* ---- subresources --------------------------------------------------------------------------------- */

/* What is connected to: any method, and no bodies that a schema could describe. */
static const struct connection {
    const char *kind;
    bool proxy;
    const char *query[8];
} connections[] = {
    { "PodAttachOptions", false, { "container", "stderr", "stdin", "stdout", "tty" } },
    { "PodExecOptions", false, { "command", "container", "stderr", "stdin", "stdout", "tty" } },
    { "PodPortForwardOptions", false, { "ports" } },
    { "PodProxyOptions", true, { "path" } },
    { "ServiceProxyOptions", true, { "path" } },
    { "NodeProxyOptions", true, { "path" } },
};

static const struct connection *connection_of(const struct subresource *sub)
{
    for (size_t i = 0; i < ARRAY_SIZE(connections); i++)
        if (sub->kind && streq(connections[i].kind, sub->kind))
            return &connections[i];
    return NULL;
}

static void add_connection(const struct subject *s, const char *path, const struct connection *c, const char *suffix,
                           const char *const *in_path)
{
    static const char *const methods[] = { "get", "post", "put", "delete", "options", "head", "patch" };
    struct path p = { .path = path, .in_path = in_path };

    for (size_t i = 0; i < (c->proxy ? ARRAY_SIZE(methods) : 2); i++) {
        struct operation op = about(s, methods[i], "connect", arena_printf(s->a, "connect%s%s%s%s%s", s->gv,
                                    capital(s->a, methods[i]), s->scope, s->k->res.kind, suffix));
        op.kind = c->kind;
        op.reply = NULL;
        op.produces = anything;
        op.query = c->query;
        add(&p, op);
    }
    add_path(s->d, &p);
}

static void add_subresource(const struct subject *s, const struct subresource *sub)
{
    static const char *const with_path[] = { "name", "namespace", "path", NULL }, *const in_cluster[] = { "name", "path", NULL };
    static const char *const texts[] = { "text/plain", JSON, YAML, PROTOBUF, NULL };
    const char *suffix = capital(s->a, sub->name);
    struct path p = { .path = arena_printf(s->a, "%s/{name}/%s", path_of(s, ""), sub->name), .in_path = item_braces(s),
                      .pretty = true };
    const struct connection *c = connection_of(sub);
    bool own = str_empty(sub->kind);
    struct kind view = { .res = { own ? s->k->res.group : sub->group, own || !*sub->version ? s->k->res.version : sub->version,
                                  own ? s->k->res.kind : sub->kind, "", false }, .list_kind = "" };
    const char *name = own ? s->name : openapi_name(s->d, &view);

    if (c) {
        add_connection(s, p.path, c, suffix, item_braces(s));
        if (c->proxy)
            add_connection(s, arena_printf(s->a, "%s/{path}", p.path), c, arena_printf(s->a, "%sWithPath", suffix),
                           s->k->res.namespaced ? with_path : in_cluster);
        return;
    }
    if (streq(sub->name, "log")) {
        struct operation op = about(s, "get", "get", id_of(s, "read", "", suffix));
        op.reply = NULL;
        op.produces = texts;
        op.query = of_logs;
        add(&p, op);
    } else {
        add_item_ops(s, &p, sub->verbs, suffix, name);
    }
    if (sub->verbs & VERB_CREATE) {
        struct operation *op = add(&p, about(s, "post", "post", id_of(s, "create", "", suffix)));
        op->body = op->reply = name;
        op->query = of_writes;
        op->created = op->accepted = true;
    }
    for (size_t i = 0; i < p.n && !own && !kind_custom(s->k); i++) {
        p.ops[i].group = view.res.group;
        p.ops[i].version = view.res.version;
        p.ops[i].kind = view.res.kind;
    }
    add_path(s->d, &p);
}

void openapi_paths_of_kind(struct doc *d, const struct kind *k)
{
    struct arena *a = d->c->arena;
    bool custom = kind_custom(k);
    struct subject s = {
        .d = d, .a = a, .k = k, .gv = camel_version(a, k->res.group, k->res.version),
        .tag = tag_of(a, k->res.group, k->res.version), .scope = k->res.namespaced ? "Namespaced" : "",
        .root = *k->res.group ? arena_printf(a, "/apis/%s/%s", k->res.group, k->res.version)
                              : arena_printf(a, "/api/%s", k->res.version),
        .name = openapi_name(d, k), .list = openapi_list_name(d, k), .produces = custom ? custom_objects : objects,
        .streams = custom ? custom_objects : streams, .consumes = custom ? custom_objects : NULL,
        .patch_types = custom ? custom_patches : patches,
    };

    if (!s.name)
        return;                        /* a kind whose type is not known */
    add_readers(&s);
    add_collection(&s);
    add_item(&s);
    for (size_t i = 0; i < k->n_subs; i++)
        add_subresource(&s, &k->subs[i]);
}

/* ---- discovery ------------------------------------------------------------------------------------ */

/* What has a body of its own and no type says nothing of what it reads. */
static void add_plain(struct doc *d, const char *path, const char *tag, const char *id, const char *reply,
                      const char *const *types)
{
    static const char *const nothing[] = { NULL };
    struct path p = { .path = path };

    add(&p, (struct operation){ .method = "get", .id = id, .tag = tag, .reply = reply, .produces = types,
                                .consumes = reply ? types : nothing });
    add_path(d, &p);
}

void openapi_path_of_group(struct doc *d, const char *group)
{
    struct arena *a = d->c->arena;

    add_plain(d, arena_printf(a, "/apis/%s/", group), tag_of(a, group, NULL),
              arena_printf(a, "get%sAPIGroup", camel_group(a, group)), META "APIGroup", objects);
}

void openapi_path_of_version(struct doc *d, const char *group, const char *version)
{
    struct arena *a = d->c->arena;
    const char *root = *group ? arena_printf(a, "/apis/%s/%s/", group, version) : arena_printf(a, "/api/%s/", version);

    add_plain(d, root, tag_of(a, group, version), arena_printf(a, "get%sAPIResources", camel_version(a, group, version)),
              META "APIResourceList", objects);
}

const char *const openapi_server_documents[] = { ".well-known/openid-configuration", "api", "apis", "openid/v1/jwks",
                                                 "version", NULL };

bool openapi_path_of_server(struct doc *d, const char *name)
{
    static const char *const json[] = { JSON, NULL }, *const keys[] = { "application/jwk-set+json", NULL };
    static const struct {
        const char *name, *tag, *id, *reply;
        const char *const *types;
    } rows[] = {
        { ".well-known/openid-configuration", "WellKnown", "getServiceAccountIssuerOpenIDConfiguration", NULL, json },
        { "api", "core", "getCoreAPIVersions", META "APIVersions", objects },
        { "apis", "apis", "getAPIVersions", META "APIGroupList", objects },
        { "openid/v1/jwks", "openid", "getServiceAccountIssuerOpenIDKeyset", NULL, keys },
        { "version", "version", "getCodeVersion", "io.k8s.apimachinery.pkg.version.Info", json },
    };
    bool found = false;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (name && !streq(name, rows[i].name))
            continue;
        add_plain(d, arena_printf(d->c->arena, "/%s/", rows[i].name), rows[i].tag, rows[i].id, rows[i].reply, rows[i].types);
        found = true;
    }
    return found;
}
