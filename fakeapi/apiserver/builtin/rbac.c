/* Roles, ClusterRoles and their bindings (G.3, B-178); who may write them is ../auth's to say. */
#include "fakeapi/apiserver/auth/auth.h"
#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/selector.h"

static const char rbac_group[] = "rbac.authorization.k8s.io";

/* ---- roles ---------------------------------------------------------------------------------------- */

static void policy_rule(struct fielderrs *e, const json_t *rule, const struct fpath *path, bool namespaced)
{
    const json_t *urls = member(rule, "nonResourceURLs");
    bool groups = json_array_size(json_object_get(rule, "apiGroups"));
    bool resources = json_array_size(json_object_get(rule, "resources"));

    if (!json_array_size(json_object_get(rule, "verbs")))
        fielderr_required(e, FP_CHILD(path, "verbs"), "verbs must contain at least one value");
    if (json_array_size(urls)) {
        if (namespaced)
            fielderr_invalid(e, FP_CHILD(path, "nonResourceURLs"), urls,
                             "namespaced rules cannot apply to non-resource URLs");
        if (groups || resources || json_array_size(json_object_get(rule, "resourceNames")))
            fielderr_invalid(e, FP_CHILD(path, "nonResourceURLs"), urls,
                             "rules cannot apply to both regular resources and non-resource URLs");
        return;
    }
    if (!groups)
        fielderr_required(e, FP_CHILD(path, "apiGroups"), "resource rules must supply at least one api group");
    if (!resources)
        fielderr_required(e, FP_CHILD(path, "resources"), "resource rules must supply at least one resource");
}

static void role_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    size_t i;
    json_t *rule;

    json_array_foreach(json_object_get(obj, "rules"), i, rule)
        policy_rule(e, rule, FP_INDEX(RULE_AT("rules"), i), k->res.namespaced);
}

static int may_write(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    return escalation_check(c, c->route.kind, obj, old);
}

RULE_TWICE(role_update, role_validate)

const struct kind_ops role_ops = { .validate = role_validate, .validate_update = role_update, .admit = may_write };

/* A selector as it stands in an error where Go could not read it: nil. */
static void aggregation(struct fielderrs *e, const json_t *list)
{
    const struct fpath *path = FP_CHILD(RULE_AT("aggregationRule"), "clusterRoleSelectors");
    size_t i;
    json_t *s;

    if (!json_array_size(list))
        fielderr_required(e, path, "at least one clusterRoleSelector required if aggregationRule is non-nil");
    json_array_foreach(list, i, s) {
        size_t before = e->n;
        label_selector_validate(e, FP_INDEX(path, i), s);
        if (e->n > before)
            fielderr_invalid(e, FP_INDEX(path, i), rule_shown(NULL), "invalid label selector.");
    }
}

static void clusterrole_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    role_validate(c, k, obj, e);
    if (member(obj, "aggregationRule"))
        aggregation(e, json_path(obj, "aggregationRule.clusterRoleSelectors"));
}

RULE_TWICE(clusterrole_update, clusterrole_validate)

const struct kind_ops clusterrole_ops = {
    .validate = clusterrole_validate, .validate_update = clusterrole_update, .admit = may_write,
};

/* ---- bindings ------------------------------------------------------------------------------------- */

/* A name that must be one segment of a path. */
static void segment_name(struct fielderrs *e, const json_t *obj, const struct fpath *path)
{
    if (rule_required_text(e, obj, path, "name"))
        rule_name(e, FP_CHILD(path, "name"), NAME_PATH_SEGMENT, text(obj, "name"));
}

static void subject(struct fielderrs *e, const json_t *s, const struct fpath *path, bool namespaced)
{
    static const char *const kinds[] = { "ServiceAccount", "User", "Group", NULL };
    static const char *const none[] = { "", NULL }, *const rbac[] = { rbac_group, NULL };
    bool account = streq(text(s, "kind"), "ServiceAccount");

    rule_required_text(e, s, path, "name");
    if (!among(kinds, text(s, "kind"))) {
        rule_required_one_of(e, s, path, "kind", kinds);
        return;
    }
    if (account && *text(s, "name"))
        rule_name(e, FP_CHILD(path, "name"), NAME_DNS1123_SUBDOMAIN, text(s, "name"));
    rule_required_one_of(e, s, path, "apiGroup", account ? none : rbac);
    if (account && !namespaced)
        rule_required_text(e, s, path, "namespace");
}

static void binding_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char *const either[] = { "Role", "ClusterRole", NULL }, *const cluster[] = { "ClusterRole", NULL };
    static const char *const groups[] = { rbac_group, NULL };
    const json_t *ref = json_object_get(obj, "roleRef");
    size_t i;
    json_t *s;

    rule_required_one_of(e, ref, RULE_AT("roleRef"), "apiGroup", groups);
    rule_required_one_of(e, ref, RULE_AT("roleRef"), "kind", k->res.namespaced ? either : cluster);
    segment_name(e, ref, RULE_AT("roleRef"));
    json_array_foreach(json_object_get(obj, "subjects"), i, s)
        subject(e, s, FP_INDEX(RULE_AT("subjects"), i), k->res.namespaced);
}

static void binding_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                           const json_t *old, struct fielderrs *e)
{
    const json_t *ref = json_object_get(obj, "roleRef");

    binding_validate(c, k, obj, e);
    binding_validate(c, k, obj, e);    /* as the real server does */
    if (json_same(ref, json_object_get(old, "roleRef")))
        return;
    json_auto_t *shown = json_pack("{s:s, s:s, s:s}", "APIGroup", text(ref, "apiGroup"), "Kind", text(ref, "kind"),
                                   "Name", text(ref, "name"));
    fielderr_invalid(e, RULE_AT("roleRef"), shown, "cannot change roleRef");
}

const struct kind_ops rolebinding_ops = { .validate = binding_validate, .validate_update = binding_update,
                                         .admit = may_write };
