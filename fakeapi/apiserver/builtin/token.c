/* Tokens of service accounts on request: what they say, and what they are bound to. */
#include "fakeapi/apiserver/admission/admission.h"
#include "fakeapi/apiserver/auth/auth.h"
#include "fakeapi/apiserver/builtin/builtin.h"

#define GROUP "authentication.k8s.io"
#define WARN_AFTER 3607                /* a pod's token of this age is warned of and lives on for a year */
#define LONG_LIFE 31536000

static const struct kind token_kind = {
    .res = { GROUP, "v1", "TokenRequest", "tokenrequests", true }, .singular = "tokenrequest",
    .list_kind = "TokenRequestList", .ops = &plain_ops,
};

/* A request under way: the account and what the token shall be bound to, held. */
struct request {
    json_t *account, *bound, *node;    /* node: of a bound pod */
    const char *bound_as;              /* "pod", "secret", "node"; NULL: to nothing */
};

/* ---- checks ---------------------------------------------------------------------------------------- */

static int must_match(struct call *c, const json_t *obj, const char *field, const char *want)
{
    struct fielderrs errs = FIELDERRS_IN(c->arena);
    const char *have = obj_str(obj_metadata(obj), field);

    if (*have && !streq(have, want))
        fielderr_invalid_str(&errs, FP_CHILD(FP_CHILD(NULL, "metadata"), field), have,
                             "must match the service account %s if specified", field);
    return fielderrs_status(&errs, &c->err, GROUP, "TokenRequest", c->route.name);
}

static int find_account(struct call *c, const json_t *obj, struct request *rq)
{
    const char *uid = obj_uid(obj);
    struct record rec;
    int r;

    if ((r = must_match(c, obj, "name", c->route.name)) < 0 ||
        (r = must_match(c, obj, "namespace", c->route.namespace)) < 0 ||
        (r = get_record(c, c->route.kind, c->route.namespace, c->route.name, &rec)) < 0)
        return r;
    rq->account = json_incref(value_tree(rec.value));
    if (*uid && !streq(uid, obj_uid(rq->account)))
        return apierr_conflict(&c->err, GROUP, "TokenRequest", c->route.name, "the UID in the token request (%s) does "
                               "not match the UID of the service account (%s)", uid, obj_uid(rq->account));
    return 0;
}

static int check_expiration(struct call *c, const json_t *obj)
{
    const struct fpath *at = FP_CHILD(FP_CHILD(NULL, "spec"), "expirationSeconds");
    struct fielderrs errs = FIELDERRS_IN(c->arena);
    int64_t seconds = obj_int(obj, "spec.expirationSeconds", 0);

    if (seconds < 600)
        fielderr_invalid_int(&errs, at, seconds, "may not specify a duration less than 10 minutes");
    if (seconds > INT64_C(1) << 32)
        fielderr_invalid_int(&errs, at, seconds, "may not specify a duration larger than 2^32 seconds");
    return fielderrs_status(&errs, &c->err, GROUP, "TokenRequest", "");
}

static const struct bound_row {
    const char *kind, *plural, *claim;
    bool namespaced;
} bound_rows[] = {
    { "Pod", "pods", "pod", true }, { "Secret", "secrets", "secret", true }, { "Node", "nodes", "node", false },
};

static int no_such_binding(struct call *c, const json_t *ref)
{
    char group[256], v[64];

    if (!api_version_split(obj_api_version(ref), group, v))
        group[0] = v[0] = 0;
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "cannot bind token to object of type %s/%s, Kind=%s", group, v,
                      obj_kind(ref));
}

/* The node that a pod is on; without a uid where it is not there. */
static json_t *node_of(struct call *c, const char *name)
{
    struct record rec;

    if (!*name)
        return NULL;
    if (get_record(c, kinds_find(c->s->kinds, "", "v1", "nodes"), "", name, &rec) == 0)
        return json_incref(value_tree(rec.value));
    return json_pack("{s:{s:s}}", "metadata", "name", name);
}

static int find_bound(struct call *c, const json_t *obj, struct request *rq)
{
    const json_t *ref = json_path(obj, "spec.boundObjectRef");
    const char *name = obj_str(ref, "name"), *want = obj_str(ref, "uid"), *account;
    const struct bound_row *row = NULL;
    struct record rec;
    int r;

    if (!json_is_object(ref))
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(bound_rows); i++)
        if (streq(bound_rows[i].kind, obj_kind(ref)) && !strchr(obj_api_version(ref), '/'))
            row = &bound_rows[i];
    if (!row)
        return no_such_binding(c, ref);
    if (!*name)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "Name parameter required.");
    r = get_record(c, kinds_find(c->s->kinds, "", "v1", row->plural), row->namespaced ? c->route.namespace : "", name,
                   &rec);
    if (r < 0)
        return r;
    rq->bound = json_incref(value_tree(rec.value));
    rq->bound_as = row->claim;
    account = obj_str(rq->bound, "spec.serviceAccountName");
    if (streq(row->kind, "Pod")) {
        if (!streq(account, c->route.name))
            return apierr_set(&c->err, APIERR_BAD_REQUEST, "cannot bind token for serviceaccount \"%s\" to pod running "
                              "with different serviceaccount name.", c->route.name);
        rq->node = node_of(c, obj_str(rq->bound, "spec.nodeName"));
    }
    if (*want && !streq(obj_uid(rq->bound), want))
        return apierr_conflict(&c->err, "", row->kind, name, "the UID in the bound object reference (%s) does not "
                               "match the UID in record. The object might have been deleted and then recreated", want);
    return 0;
}

/* ---- the token -------------------------------------------------------------------------------------- */

static json_t *ref_to(const json_t *obj)
{
    json_t *ref = json_pack("{s:s}", "name", obj_name(obj));

    if (*obj_uid(obj))
        json_object_set_new(ref, "uid", json_string(obj_uid(obj)));
    return ref;
}

static bool all_ours(struct call *c, const json_t *audiences)
{
    const struct auth *a = c->s->auth;
    size_t i, j;
    json_t *v;

    json_array_foreach ((json_t *)audiences, i, v) {
        for (j = 0; j < a->n_audiences && !streq(a->audiences[j], json_string_value(v)); j++)
            ;
        if (j == a->n_audiences)
            return false;
    }
    return true;
}

static json_t *claims_of(struct call *c, const struct request *rq, int64_t seconds, const json_t *audiences)
{
    int64_t now = c->now.ns / 1000000000, life = seconds;
    char jti[37];
    json_t *mine = json_pack("{s:s, s:o}", "namespace", obj_namespace(rq->account), "serviceaccount",
                             ref_to(rq->account));

    if (rq->bound_as)
        json_object_set_new(mine, rq->bound_as, ref_to(rq->bound));
    if (rq->node)
        json_object_set_new(mine, "node", ref_to(rq->node));
    if (rq->bound_as && streq(rq->bound_as, "pod") && seconds == WARN_AFTER && all_ours(c, audiences)) {
        json_object_set_new(mine, "warnafter", json_integer(now + seconds));
        life = LONG_LIFE;
    }
    world_uuid(c->s->world, jti);
    return json_pack("{s:O, s:I, s:I, s:s, s:s, s:o, s:I, s:s}", "aud", audiences, "exp", (json_int_t)(now + life),
                     "iat", (json_int_t)now, "iss", c->s->auth->issuer, "jti", jti, "kubernetes.io", mine, "nbf",
                     (json_int_t)now, "sub", account_user_name(c->arena, obj_namespace(rq->account),
                                                               obj_name(rq->account)));
}

static int add_token(struct call *c, const struct request *rq, json_t *obj)
{
    int64_t seconds = obj_int(obj, "spec.expirationSeconds", 0);
    json_auto_t *claims = claims_of(c, rq, seconds, json_path(obj, "spec.audiences"));
    const char *token = token_sign(c, claims);
    char text[TIME_TEXT_MAX];

    if (!token)
        return apierr_set(&c->err, APIERR_INTERNAL_ERROR, "Internal error occurred: failed to generate token: no key");
    time_format((struct instant){ (c->now.ns / 1000000000 + seconds) * 1000000000 }, text);
    obj_set(obj, "status", json_pack("{s:s, s:s}", "token", token, "expirationTimestamp", text));
    return 0;
}

static json_t *own_audiences(struct call *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->s->auth->n_audiences; i++)
        json_array_append_new(list, json_string(c->s->auth->audiences[i]));
    return list;
}

static int answer(struct call *c, struct request *rq, json_t **obj)
{
    struct admission a;
    int r;

    json_own(obj);
    if (!json_is_integer(json_path(*obj, "spec.expirationSeconds")))
        obj_set(*obj, "spec.expirationSeconds", json_integer(3600));
    if ((r = managed_update(c, &token_kind, "token", obj, NULL)) < 0 ||
        (r = admission_begin(c, &token_kind, &a, obj)) < 0 || (r = find_account(c, *obj, rq)) < 0)
        return r;
    json_own(obj);
    if (!obj_count(*obj, "spec.audiences"))
        obj_set(*obj, "spec.audiences", own_audiences(c));
    obj_set_name(*obj, c->route.name);
    obj_set_namespace(*obj, c->route.namespace);
    obj_set_meta_str(*obj, "uid", obj_uid(rq->account));
    obj_set_meta_str(*obj, "creationTimestamp", call_text_time(c));
    if ((r = check_expiration(c, *obj)) < 0 || (r = admission_end(c, &a, *obj)) < 0 ||
        (r = find_bound(c, *obj, rq)) < 0 || (r = add_token(c, rq, *obj)) < 0)
        return r;
    return decode_finish(c, &token_kind, obj);
}

int serviceaccount_token(struct call *c)
{
    struct request rq = { 0 };
    json_auto_t *obj = NULL;
    int r;

    if ((r = options_create(c)) < 0 || (r = decode_object(c, &token_kind, &obj)) < 0)
        return r;
    r = answer(c, &rq, &obj);
    json_decref(rq.account);
    json_decref(rq.bound);
    json_decref(rq.node);
    return r < 0 ? r : reply_object(c, 201, &token_kind, STEAL(obj));
}
