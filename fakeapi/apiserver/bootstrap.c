#include "fakeapi/apiserver/bootstrap.h"

#include "fakeapi/apiserver/packs.h"
#include "fakeapi/apiserver/server.h"
#include "kube/apply.h"

/* What a fresh kube-apiserver holds before anybody spoke to it: written through the same doors as all else,
 * by the managers that write it there. */

struct gardener {
    struct apiserver *s;
    struct apierr *err;
};

static void begin(struct gardener *g, struct call *c, struct arena *a, const char *manager, const struct kind *k,
                  const char *namespace)
{
    assert(k);                         /* our own tables name kinds that are served */
    call_init(c, g->s, a);
    c->internal = true;
    c->user_agent = manager;
    c->route.kind = k;
    c->route.namespace = namespace;
}

static json_t *dressed(const struct kind *k, json_t *obj)
{
    char version[API_VERSION_MAX];

    json_object_set_new(obj, "kind", json_string(k->res.kind));
    json_object_set_new(obj, "apiVersion", json_string(kind_api_version(k, version)));
    return obj;
}

static int finish(struct gardener *g, struct call *c, struct value *v, int r)
{
    value_unref(v);
    call_release(c);
    if (r < 0)
        return apierr_set(g->err, APIERR_INTERNAL_ERROR, "%s", c->err.message);
    return 0;
}

/* A store that was served before has most of it; what was removed since comes back, as it does there. */
static const json_t *planted(struct gardener *g, const struct kind *k, const char *namespace, const char *name)
{
    cleanup_arena struct arena *a = arena_new();
    struct record rec;
    struct call c;

    call_init(&c, g->s, a);
    int r = store_get(g->s->store, call_store_key(&c, k, namespace, name), 0, &rec);
    return r < 0 ? NULL : value_tree(rec.value);
}

static int plant(struct gardener *g, const struct seed *seed)
{
    cleanup_arena struct arena *a = arena_new();
    struct value *v = NULL;
    struct call c;

    begin(g, &c, a, seed->manager, kinds_find(g->s->kinds, seed->group, seed->version, seed->plural), seed->namespace);
    json_t *obj = dressed(c.route.kind, json_parse_str(seed->json));
    if (planted(g, c.route.kind, seed->namespace, obj_name(obj))) {
        json_decref(obj);
        return finish(g, &c, NULL, 0);
    }
    int r = create_object(&c, c.route.kind, seed->namespace, obj, &v);
    return finish(g, &c, v, r);
}

/* ---- status ------------------------------------------------------------------------------------- */

struct status_write {
    json_t *status;
    bool apply;
};

static int mutate_status(struct call *c, const json_t *old, void *arg, json_t **ret)
{
    const struct status_write *w = arg;
    struct apply_write how;

    if (!w->apply) {
        *ret = json_with(old, "status", json_incref(w->status));
        return 0;
    }
    json_auto_t *config = json_pack("{s:s, s:s, s:{s:s}, s:O}", "apiVersion", obj_api_version(old), "kind",
                                    obj_kind(old), "metadata", "name", obj_name(old), "status", w->status);
    managed_describe(c, c->route.kind, "status", &how);
    int r = apply_merge(&how, old, false, config, true, ret, &c->err);
    if (r == 0 && !*ret)
        *ret = json_incref((json_t *)old);
    c->managed_done = true;
    return r;
}

static int write_status(struct gardener *g, const char *manager, const struct kind *k, const char *name,
                        const struct status_write *w)
{
    cleanup_arena struct arena *a = arena_new();
    struct value *v = NULL;
    struct call c;
    bool created;

    begin(g, &c, a, manager, k, "");
    c.route.sub = kind_sub(k, "status");
    struct change ch = { .kind = k, .sub = c.route.sub, .namespace = "", .name = name, .mutate = mutate_status,
                         .arg = (void *)w };
    int r = change_object(&c, &ch, &v, &created);
    return finish(g, &c, v, r);
}

/* Each flow schema is told that its priority level exists. */
static int tell_schemas(struct gardener *g)
{
    const struct kind *k = kinds_find(g->s->kinds, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas");
    char now[TIME_TEXT_MAX];
    int r = 0;

    time_format(world_now(g->s->world), now);
    for (size_t i = 0; r == 0 && i < bootstrap_n_seeds; i++) {
        if (!streq(bootstrap_seeds[i].plural, "flowschemas"))
            continue;
        json_auto_t *obj = json_parse_str(bootstrap_seeds[i].json);
        if (obj_condition(planted(g, k, "", obj_name(obj)), "Dangling"))
            continue;
        cleanup_free char *message = xasprintf("This FlowSchema references the PriorityLevelConfiguration object named "
            "\"%s\" and it exists", obj_str(obj, "spec.priorityLevelConfiguration.name"));
        json_auto_t *status = json_pack("{s:[{s:s, s:s, s:s, s:s, s:s}]}", "conditions", "type", "Dangling", "status",
                                        "False", "lastTransitionTime", now, "reason", "Found", "message", message);
        struct status_write w = { status, true };
        r = write_status(g, "api-priority-and-fairness-config-consumer-v1", k, obj_name(obj), &w);
    }
    return r;
}

/* The range that Services get their addresses from. */
static int tell_range(struct gardener *g)
{
    const struct kind *k = kinds_find(g->s->kinds, "networking.k8s.io", "v1", "servicecidrs");
    char now[TIME_TEXT_MAX];

    if (obj_condition(planted(g, k, "", "kubernetes"), "Ready"))
        return 0;
    time_format(world_now(g->s->world), now);
    json_auto_t *status = json_pack("{s:[{s:s, s:s, s:s, s:s}]}", "conditions", "type", "Ready", "status", "True",
        "lastTransitionTime", now, "message", "Kubernetes default Service CIDR is ready");
    struct status_write w = { status, true };
    return write_status(g, "kubernetes-service-cidr-controller", k, "kubernetes", &w);
}

/* ---- one APIService a group version -------------------------------------------------------------- */

static const struct group_priority *priority_of(const char *group)
{
    for (size_t i = 0; i < bootstrap_n_priorities; i++)
        if (streq(bootstrap_priorities[i].group, group))
            return &bootstrap_priorities[i];
    return NULL;
}

static int plant_service(struct gardener *g, const struct kind *k, const struct kind *services)
{
    const struct group_priority *p = priority_of(k->res.group);
    cleanup_arena struct arena *a = arena_new();
    const char *name = arena_printf(a, "%s.%s", k->res.version, k->res.group);
    char now[TIME_TEXT_MAX];
    struct value *v = NULL;
    struct call c;

    if (!p || planted(g, services, "", name))
        return 0;
    time_format(world_now(g->s->world), now);
    json_t *obj = json_pack("{s:{s:s, s:{s:s}}, s:{s:s, s:s, s:i, s:i}}", "metadata", "name", name, "labels",
        "kube-aggregator.kubernetes.io/automanaged", "onstart", "spec", "group", k->res.group, "version",
        k->res.version, "groupPriorityMinimum", p->minimum, "versionPriority", p->version);
    begin(g, &c, a, "kube-apiserver", services, "");
    int r = create_object(&c, services, "", dressed(services, obj), &v);
    r = finish(g, &c, v, r);
    if (r < 0)
        return r;
    json_auto_t *status = json_pack("{s:[{s:s, s:s, s:s, s:s, s:s}]}", "conditions", "type", "Available", "status",
        "True", "lastTransitionTime", now, "reason", "Local", "message", "Local APIServices are always available");
    struct status_write w = { status, false };
    return write_status(g, "kube-apiserver", services, name, &w);
}

static int plant_services(struct gardener *g)
{
    const struct kind *services = kinds_find(g->s->kinds, "apiregistration.k8s.io", "v1", "apiservices");
    size_t n;
    const struct kind *builtin = builtin_kinds(&n);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        if (i == 0 || !streq(builtin[i].res.group, builtin[i - 1].res.group) ||
            !streq(builtin[i].res.version, builtin[i - 1].res.version))
            r = plant_service(g, &builtin[i], services);
    return r;
}

/* ---- sets of definitions ------------------------------------------------------------------------- */

static int plant_definitions(struct gardener *g, const char *set)
{
    if (str_empty(set))
        return 0;
    if (!streq(set, "agent-sandbox"))
        return apierr_set(g->err, APIERR_BAD_REQUEST, "unknown set of definitions %s: there is agent-sandbox", set);
    for (const char *const *d = agent_sandbox_definitions; *d; d++) {
        struct seed seed = { "kube-apiserver", "apiextensions.k8s.io", "v1", "customresourcedefinitions", "", *d };
        int r = plant(g, &seed);
        if (r < 0)
            return r;
    }
    return 0;
}

int bootstrap(struct apiserver *s, const struct apiserver_options *o, struct apierr *err)
{
    struct gardener g = { s, err };
    int r = 0;

    for (size_t i = 0; r == 0 && i < bootstrap_n_seeds; i++)
        if (!o->bare || streq(bootstrap_seeds[i].plural, "namespaces") ||
            streq(bootstrap_seeds[i].plural, "priorityclasses"))
            r = plant(&g, &bootstrap_seeds[i]);
    for (size_t i = 0; r == 0 && o->auth.rbac && i < rbac_n_policy; i++)
        r = plant(&g, &rbac_policy[i]);
    if (r == 0 && !o->bare)
        r = tell_schemas(&g);
    if (r == 0 && !o->bare)
        r = tell_range(&g);
    if (r == 0 && !o->bare)
        r = plant_services(&g);
    return r < 0 ? r : plant_definitions(&g, o->crds);
}
