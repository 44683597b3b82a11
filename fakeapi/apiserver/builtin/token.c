#include "fakeapi/apiserver/builtin/builtin.h"

#include "fakeapi/apiserver/base64.h"
#include "fakeapi/apiserver/admission/admission.h"
#include "fakeapi/apiserver/sha2.h"

#include <stdio.h>

/* Tokens of service accounts: three parts as a JWT has them, signed with this server's secret, so
 * that nothing need be remembered of them. */

#define AUDIENCE "https://kubernetes.default.svc.cluster.local"

static const struct kind token_kind = {
    .res = { "authentication.k8s.io", "v1", "TokenRequest", "tokenrequests", true }, .singular = "tokenrequest",
    .list_kind = "TokenRequestList", .ops = &plain_ops,
};

/* ---- signing ------------------------------------------------------------------------------------ */

static const char *sign(struct call *c, const char *text)
{
    const char *keyed = arena_printf(c->arena, "%016llx.%s", (unsigned long long)c->s->token_secret, text);
    unsigned char sum[32];

    sha256(keyed, strlen(keyed), sum);
    return base64url_encode(c->arena, sum, sizeof(sum));
}

static const char *make_token(struct call *c, const json_t *claims)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    const char *body = json_arena_text(c->arena, claims, 0);
    const char *text = arena_printf(c->arena, "%s.%s", base64url_encode(c->arena, header, strlen(header)),
                                    base64url_encode(c->arena, body, strlen(body)));

    return arena_printf(c->arena, "%s.%s", text, sign(c, text));
}

bool token_user(struct call *c, const char *token, struct api_user *ret)
{
    const char *last = strrchr(token, '.'), *first = strchr(token, '.');
    size_t len;

    if (!last || first == last)
        return false;
    if (!streq(sign(c, arena_strndup(c->arena, token, (size_t)(last - token))), last + 1))
        return false;
    char *raw = base64url_decode(c->arena, arena_strndup(c->arena, first + 1, (size_t)(last - first - 1)), &len);
    json_auto_t *claims = raw ? json_parse(raw, len, 0, NULL, NULL) : NULL;
    if (!claims || obj_int(claims, "exp", 0) * INT64_C(1000000000) <= c->now.ns)
        return false;
    const char *ns = arena_strdup(c->arena, obj_str(claims, "ns"));
    const char **groups = arena_alloc(c->arena, 3 * sizeof(*groups));
    groups[0] = "system:serviceaccounts";
    groups[1] = arena_printf(c->arena, "system:serviceaccounts:%s", ns);
    groups[2] = "system:authenticated";
    *ret = (struct api_user){ .name = arena_strdup(c->arena, obj_str(claims, "sub")),
                              .uid = arena_strdup(c->arena, obj_str(claims, "uid")), .groups = groups, .n_groups = 3 };
    return true;
}

/* ---- the request -------------------------------------------------------------------------------- */

static int check_expiration(struct call *c, const json_t *obj, int64_t *ret)
{
    const struct fpath *at = FP_CHILD(FP_CHILD(NULL, "spec"), "expirationSeconds");
    struct fielderrs errs = FIELDERRS_IN(c->arena);

    *ret = obj_int(obj, "spec.expirationSeconds", 3600);
    if (*ret < 600)
        fielderr_invalid_int(&errs, at, *ret, "may not specify a duration less than 10 minutes");
    if (*ret > INT64_C(1) << 32)
        fielderr_invalid_int(&errs, at, *ret, "may not specify a duration larger than 2^32 seconds");
    return fielderrs_status(&errs, &c->err, "authentication.k8s.io", "TokenRequest", "");
}

static const struct bound_row {
    const char *kind, *plural;
} bound_rows[] = { { "Pod", "pods" }, { "Secret", "secrets" }, { "Node", "nodes" } };

static int check_bound(struct call *c, const json_t *obj)
{
    const json_t *ref = json_path(obj, "spec.boundObjectRef");
    const char *kind = obj_kind(ref), *name = obj_str(ref, "name"), *version = obj_api_version(ref);
    struct record rec;

    if (!json_is_object(ref))
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(bound_rows); i++) {
        if (!streq(bound_rows[i].kind, kind) || !streq(version, "v1"))
            continue;
        const struct kind *k = kinds_find(c->s->kinds, "", "v1", bound_rows[i].plural);
        int r = get_record(c, k, c->route.namespace, name, &rec);
        if (r < 0)
            return r;
        const char *uid = obj_uid(value_tree(rec.value)), *want = obj_str(ref, "uid");
        if (*want && !streq(uid, want))
            return apierr_conflict(&c->err, "", bound_rows[i].plural, name,
                                   "the UID in the bound object reference (%s) does not match the UID in record. The "
                                   "object might have been deleted and then recreated", want);
        return 0;
    }
    char group[256], v[64];
    if (!api_version_split(version, group, v))
        group[0] = v[0] = 0;
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "cannot bind token to object of type %s/%s, Kind=%s", group, v, kind);
}

static json_t *status_of(struct call *c, const json_t *account, int64_t seconds, const json_t *audiences)
{
    int64_t expires = c->now.ns / 1000000000 + seconds;
    char text[TIME_TEXT_MAX];
    json_auto_t *claims = json_object();

    json_object_set_new(claims, "aud", json_incref((json_t *)audiences));
    json_object_set_new(claims, "exp", json_integer(expires));
    json_object_set_new(claims, "iat", json_integer(c->now.ns / 1000000000));
    json_object_set_new(claims, "iss", json_string(AUDIENCE));
    json_object_set_new(claims, "ns", json_string(obj_namespace(account)));
    json_object_set_new(claims, "uid", json_string(obj_uid(account)));
    json_object_set_new(claims, "sub", json_string(arena_printf(c->arena, "system:serviceaccount:%s:%s",
                                                                obj_namespace(account), obj_name(account))));
    time_format((struct instant){ expires * 1000000000 }, text);
    return json_pack("{s:s, s:s}", "token", make_token(c, claims), "expirationTimestamp", text);
}

int serviceaccount_token(struct call *c)
{
    json_auto_t *obj = NULL, *account = NULL;
    struct admission a;
    struct record rec;
    int64_t seconds;
    int r;

    if ((r = options_write(c, "CreateOptions")) < 0 || (r = decode_object(c, &token_kind, &obj)) < 0 ||
        (r = meta_check_namespace(c, &token_kind, json_own(&obj))) < 0)
        return r;
    if (!json_is_integer(json_path(obj, "spec.expirationSeconds")))
        obj_set(obj, "spec.expirationSeconds", json_integer(3600));
    if (!obj_count(obj, "spec.audiences"))
        obj_set(obj, "spec.audiences", json_pack("[s]", AUDIENCE));
    if ((r = managed_update(c, &token_kind, "token", &obj, NULL)) < 0 ||
        (r = admission_begin(c, &token_kind, &a, &obj)) < 0 ||
        (r = get_record(c, c->route.kind, c->route.namespace, c->route.name, &rec)) < 0)
        return r;
    account = json_incref(value_tree(rec.value));
    if ((r = admission_end(c, &a, json_own(&obj))) < 0 || (r = check_expiration(c, obj, &seconds)) < 0 ||
        (r = check_bound(c, obj)) < 0)
        return r;
    obj_set_name(obj, c->route.name);
    obj_set_namespace(obj, c->route.namespace);
    obj_set_meta_str(obj, "creationTimestamp", call_text_time(c));
    obj_set(obj, "status", status_of(c, account, seconds, json_path(obj, "spec.audiences")));
    if ((r = decode_finish(c, &token_kind, &obj)) < 0)
        return r;
    return reply_object(c, 201, &token_kind, STEAL(obj));
}
