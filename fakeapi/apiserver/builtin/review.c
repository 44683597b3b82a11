#include "fakeapi/apiserver/builtin/builtin.h"
#include "fakeapi/apiserver/server.h"

/* Questions put to the server: who may do what, who is who. Authorization allows all. */

static int access_review(struct call *c, json_t *obj)
{
    const struct kind *k = c->route.kind;
    bool resource = json_path(obj, "spec.resourceAttributes"), other = json_path(obj, "spec.nonResourceAttributes");
    const struct fpath *spec = FP_CHILD(NULL, "spec");
    struct fielderrs errs = FIELDERRS_IN(c->arena);

    if (resource && other)
        fielderr_invalid(&errs, FP_CHILD(spec, "nonResourceAttributes"), json_path(obj, "spec.nonResourceAttributes"),
                         "cannot be specified in combination with resourceAttributes");
    if (!resource && !other)
        fielderr_invalid(&errs, FP_CHILD(spec, "resourceAttributes"), json_null(),
                         "exactly one of nonResourceAttributes or resourceAttributes must be specified");
    if (!str_starts(k->res.kind, "Self") && !*obj_str(obj, "spec.user") && !obj_count(obj, "spec.groups"))
        fielderr_invalid_str(&errs, FP_CHILD(spec, "user"), "", "at least one of user or group must be specified");
    int r = fielderrs_status(&errs, &c->err, k->res.group, "", "");
    if (r < 0)
        return r;
    obj_set(obj, "status", json_pack("{s:b}", "allowed", 1));
    return 0;
}

const struct kind_ops access_review_ops = { .review = access_review };

static int rules_review(struct call *c, json_t *obj)
{
    if (!*obj_str(obj, "spec.namespace"))
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "no namespace on request");
    obj_set(obj, "status", json_pack("{s:[{s:[s], s:[s], s:[s]}], s:[{s:[s], s:[s]}], s:b}",
        "resourceRules", "verbs", "*", "apiGroups", "*", "resources", "*",
        "nonResourceRules", "verbs", "*", "nonResourceURLs", "*", "incomplete", 0));
    return 0;
}

const struct kind_ops rules_review_ops = { .review = rules_review };

static json_t *user_info(const struct api_user *u)
{
    json_t *info = json_object(), *groups = json_array();

    json_object_set_new(info, "username", json_string(u->name));
    if (!str_empty(u->uid))
        json_object_set_new(info, "uid", json_string(u->uid));
    for (size_t i = 0; i < u->n_groups; i++)
        json_array_append_new(groups, json_string(u->groups[i]));
    json_object_set_new(info, "groups", groups);
    if (u->extra)
        json_object_set(info, "extra", u->extra);
    return info;
}

static int token_review(struct call *c, json_t *obj)
{
    const char *token = obj_str(obj, "spec.token");
    struct api_user user;

    if (!*token)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "token is required for TokenReview in authentication");
    if (!token_user(c, token, &user)) {
        obj_set(obj, "status", json_pack("{s:{}, s:s}", "user", "error", "invalid bearer token"));
        return 0;
    }
    json_t *audiences = json_path(obj, "spec.audiences");
    obj_set(obj, "status", json_pack("{s:b, s:o, s:o}", "authenticated", 1, "user", user_info(&user), "audiences",
        audiences ? json_incref(audiences) : json_pack("[s]", "https://kubernetes.default.svc.cluster.local")));
    return 0;
}

const struct kind_ops token_review_ops = { .review = token_review };

static int self_review(struct call *c, json_t *obj)
{
    static const char *const groups[] = { "system:masters", "system:authenticated" };
    static const struct api_user admin = { .name = "kubernetes-admin", .groups = groups, .n_groups = 2 };

    obj_set(obj, "status", json_pack("{s:o}", "userInfo", user_info(c->user && c->user->name ? c->user : &admin)));
    return 0;
}

const struct kind_ops self_review_ops = { .review = self_review };
