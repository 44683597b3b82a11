#include "fakeapi/apiserver/packs.h"
#include "fakeapi/apiserver/server.h"

/* What a fresh kube-apiserver holds before anybody spoke to it. */

struct seed {
    const char *group, *version, *plural, *namespace;
    const char *json;
};

#define NAMESPACE(name) { "", "v1", "namespaces", "", \
    "{\"kind\":\"Namespace\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"" name "\"}}" }
#define PRIORITY_CLASS(name, value, text) { "scheduling.k8s.io", "v1", "priorityclasses", "", \
    "{\"kind\":\"PriorityClass\",\"apiVersion\":\"scheduling.k8s.io/v1\",\"metadata\":{\"name\":\"" name "\"}," \
    "\"value\":" value ",\"description\":\"" text "\",\"preemptionPolicy\":\"PreemptLowerPriority\"}" }

static const struct seed seeds[] = {
    NAMESPACE("kube-system"), NAMESPACE("kube-public"), NAMESPACE("kube-node-lease"), NAMESPACE("default"),
    PRIORITY_CLASS("system-node-critical", "2000001000",
                   "Used for system critical pods that must not be moved from their current node."),
    PRIORITY_CLASS("system-cluster-critical", "2000000000",
                   "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."),
};

static int plant(struct apiserver *s, const struct seed *seed, struct apierr *err)
{
    cleanup_arena struct arena *a = arena_new();
    struct call c;
    struct value *v = NULL;

    call_init(&c, s, a);
    c.internal = true;
    c.user_agent = "kube-apiserver/v1.34.2";
    c.route.kind = kinds_find(s->kinds, seed->group, seed->version, seed->plural);
    c.route.namespace = seed->namespace;
    assert(c.route.kind);              /* our own table */
    int r = create_object(&c, c.route.kind, seed->namespace, json_parse_str(seed->json), &v);
    if (r < 0)
        apierr_set(err, c.err.reason, "%s", c.err.message);
    value_unref(v);
    call_release(&c);
    return r;
}

static int plant_definitions(struct apiserver *s, const char *const *definitions, struct apierr *err)
{
    for (; *definitions; definitions++) {
        struct seed seed = { "apiextensions.k8s.io", "v1", "customresourcedefinitions", "", *definitions };
        int r = plant(s, &seed, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int bootstrap(struct apiserver *s, const char *crds, struct apierr *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(seeds); i++) {
        int r = plant(s, &seeds[i], err);
        if (r < 0)
            return r;
    }
    if (str_empty(crds))
        return 0;
    if (!streq(crds, "agent-sandbox"))
        return apierr_set(err, APIERR_BAD_REQUEST, "unknown set of definitions %s: there is agent-sandbox", crds);
    return plant_definitions(s, agent_sandbox_definitions, err);
}
