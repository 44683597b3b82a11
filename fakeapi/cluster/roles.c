/* The controller of aggregated ClusterRoles: one that has an aggregationRule gets the rules of all that its selectors
 * match, in the order of their names, each once. */
#include "fakeapi/cluster/loop.h"
#include "kube/json.h"
#include "kube/object.h"
#include "kube/selector.h"

#define MANAGER "clusterrole-aggregation-controller"

static const struct resource cluster_roles = {
    "rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false
};

struct roles {
    struct informer *roles;
};

static bool has_rule(const json_t *rules, const json_t *rule)
{
    size_t i;
    json_t *have;

    json_array_foreach ((json_t *)rules, i, have)
        if (json_same(have, rule))
            return true;
    return false;
}

/* `all` is in the order of names, as the cache hands it out. */
static int add_selected(struct co *co, const json_t *all, const char *self, const json_t *selector, json_t *rules,
                        struct apierr *err)
{
    struct label_selector s;
    size_t i, j;
    json_t *role, *rule;
    int r = label_selector_from_object(co_arena(co), selector, &s, err);

    if (r < 0)
        return r;
    json_array_foreach ((json_t *)all, i, role) {
        if (streq(obj_name(role), self) || !label_selector_matches(&s, obj_labels(role)))
            continue;
        json_array_foreach (json_object_get(role, "rules"), j, rule)
            if (!has_rule(rules, rule))
                json_array_append(rules, rule);
    }
    return 0;
}

static int apply_rules(struct co *co, struct cluster_loop_state *l, const char *name, const json_t *rules,
                       struct apierr *err)
{
    static const struct api_header type = { "Content-Type", "application/apply-patch+yaml" };
    json_auto_t *config = json_pack("{s:s, s:s, s:{s:s}, s:O}", "apiVersion", "rbac.authorization.k8s.io/v1", "kind",
                                    "ClusterRole", "metadata", "name", name, "rules", rules);
    struct api_request q = { .method = "PATCH", .object = config, .headers = &type, .n_headers = 1,
                             .query = "fieldManager=" MANAGER "&force=true",
                             .path = resource_path(co_arena(co), &cluster_roles, NULL, name, NULL) };
    cleanup_reply struct api_reply reply = { 0 };
    int r = transport_call(co, l->cluster->transport, &q, &reply);

    if (r < 0 || reply.status < 300 || reply.status == 404)
        return r;
    return apierr_set(err, APIERR_INTERNAL_ERROR, "apply the rules of %s: %d", name, reply.status);
}

static int sync_role(struct co *co, struct cluster_loop_state *l, const struct objkey *key, struct apierr *err)
{
    struct roles *rs = l->state;
    json_auto_t *role = informer_get(co, rs->roles, "", key->name), *all = NULL, *rules = json_array();
    const json_t *selectors = json_path(role, "aggregationRule.clusterRoleSelectors");
    size_t i;
    json_t *selector;
    int r = 0;

    if (!json_is_array(selectors))
        return 0;
    all = informer_list(co, rs->roles, NULL);
    json_array_foreach ((json_t *)selectors, i, selector)
        if (r == 0)
            r = add_selected(co, all, key->name, selector, rules, err);
    const json_t *have = json_object_get(role, "rules");
    if (r < 0 || (json_array_size(rules) == 0 && json_array_size(have) == 0) || json_same(rules, have))
        return r;
    return apply_rules(co, l, key->name, rules, err);
}

/* Any role may be one that others are made of. */
static void role_changed(struct cluster_loop_state *l, enum informer_event type, const json_t *old, const json_t *obj)
{
    struct roles *rs = l->state;
    json_auto_t *all = informer_list(NULL, rs->roles, NULL);
    size_t i;
    json_t *role;

    json_array_foreach (all, i, role)
        if (json_object_get(role, "aggregationRule"))
            cluster_loop_enqueue(l, role);
}

void roles_start(struct cluster *c)
{
    struct roles *rs = xcalloc(1, sizeof(*rs));
    struct cluster_loop_state *l = cluster_loop_new(c, "roles", MANAGER, sync_role, rs, free);

    rs->roles = cluster_loop_watch(l, &cluster_roles, role_changed);
    cluster_loop_start(l);
}
