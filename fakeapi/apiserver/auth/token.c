/* What a bearer token says: one of a file, or a JWT of a service account. */
#include "fakeapi/apiserver/auth/auth.h"

#include <strings.h>

#include "fakeapi/apiserver/base64.h"
#include "net/digest.h"
#include "net/sign.h"

#define LEEWAY 60                      /* seconds by which two clocks may differ */
#define CRYPTO "go-jose/go-jose: error in cryptographic primitive"

const char *token_key_id(struct arena *a, const struct sign_key *k)
{
    cleanup_buf struct buf der = BUF_INIT;
    unsigned char sum[32];

    sign_public_der(k, &der);
    digest_sha256(der.data, der.len, sum);
    return base64url_encode(a, sum, sizeof(sum));
}

/* ---- making ------------------------------------------------------------------------------------------ */

const char *token_sign(struct call *c, const json_t *claims)
{
    size_t n;
    const struct sign_key *k = auth_keys(c->s, &n)[0];
    cleanup_buf struct buf sum = BUF_INIT;
    const char *id = token_key_id(c->arena, k);
    const char *header = arena_printf(c->arena, "{\"alg\":\"%s\",\"kid\":\"%s\"}", sign_algorithm(k), id);
    const char *body = json_arena_text(c->arena, claims, JSON_WRITE_SORTED);
    const char *text = arena_printf(c->arena, "%s.%s", base64url_encode(c->arena, header, strlen(header)),
                                    base64url_encode(c->arena, body, strlen(body)));

    if (!sign_text(k, text, strlen(text), &sum))
        return NULL;
    return arena_printf(c->arena, "%s.%s", text, base64url_encode(c->arena, sum.data, sum.len));
}

/* ---- reading ------------------------------------------------------------------------------------------ */

/* A token cut in its three parts. */
struct jwt {
    const char *signed_text;           /* and behind it the signature: the whole token */
    size_t signed_len;
    json_t *header, *claims;
    const char *signature;
    size_t signature_len;
};

static json_t *decode_part(struct call *c, const char *from, const char *to)
{
    size_t len;
    const char *raw = base64url_decode(c->arena, arena_strndup(c->arena, from, (size_t)(to - from)), &len);
    json_t *tree = raw ? json_parse(raw, len, 0, NULL, NULL) : NULL;

    if (json_is_object(tree))
        return tree;
    json_decref(tree);
    return NULL;
}

static void jwt_release(struct jwt *t)
{
    json_decref(t->header);
    json_decref(t->claims);
}

/* False for what is no JWT of our issuer: nobody knows it. */
static bool jwt_parse(struct call *c, const char *token, struct jwt *ret)
{
    const char *first = strchr(token, '.'), *last = strrchr(token, '.');

    *ret = (struct jwt){ 0 };
    if (!first || first == last || memchr(first + 1, '.', (size_t)(last - first - 1)))
        return false;
    ret->signed_text = token;
    ret->signed_len = (size_t)(last - token);
    ret->claims = decode_part(c, first + 1, last);
    if (!ret->claims || !streq(obj_str(ret->claims, "iss"), c->s->auth->issuer))
        return false;
    ret->header = decode_part(c, token, first);
    ret->signature = base64url_decode(c->arena, last + 1, &ret->signature_len);
    return ret->header && *obj_str(ret->header, "alg") && ret->signature;
}

/* Why no key of ours vouches for it; NULL: one does. */
static const char *check_keys(struct call *c, const struct jwt *t)
{
    const char *kid = obj_str(t->header, "kid"), *why = "invalid signature, no keys found";
    size_t n;
    struct sign_key *const *keys = auth_keys(c->s, &n);

    for (size_t i = 0; i < n; i++) {
        if (*kid && !streq(kid, token_key_id(c->arena, keys[i])))
            continue;
        if (streq(obj_str(t->header, "alg"), sign_algorithm(keys[i])) && !json_object_get(t->header, "crit") &&
            sign_check(keys[i], t->signed_text, t->signed_len, t->signature, t->signature_len))
            return NULL;
        why = CRYPTO;
    }
    return why;
}

/* A signature stays what it is: one that was good needs no second look. */
static const char *check_signature(struct call *c, const struct jwt *t)
{
    unsigned char sum[32];
    const char *why;

    digest_sha256(t->signed_text, strlen(t->signed_text), sum);
    unsigned char *seen = c->s->auth->signed_well[sum[0] % AUTH_SEEN];
    if (memcmp(seen, sum, sizeof(sum)) == 0)
        return NULL;
    why = check_keys(c, t);
    if (!why)
        memcpy(seen, sum, sizeof(sum));
    return why;
}

static bool has_text(const char *const *list, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (streq(list[i], text))
            return true;
    return false;
}

static void add_quoted(struct buf *b, const char *const *list, size_t n)
{
    buf_add_char(b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_char(b, ' ');
        go_quote(b, list[i], strlen(list[i]));
    }
    buf_add_char(b, ']');
}

/* The claim "aud": one text or a list. */
static const char *const *token_audiences(struct call *c, const json_t *claims, size_t *ret_n)
{
    const json_t *aud = json_object_get(claims, "aud");
    const char **list = arena_alloc(c->arena, (json_array_size(aud) + 1) * sizeof(*list));
    size_t i, n = 0;
    json_t *v;

    if (json_is_string(aud))
        list[n++] = arena_strdup(c->arena, json_string_value(aud));
    json_array_foreach((json_t *)aud, i, v)
        if (json_is_string(v))
            list[n++] = arena_strdup(c->arena, json_string_value(v));
    *ret_n = n;
    return list;
}

static const char *check_audiences(struct call *c, const json_t *claims, const char *const *asked, size_t n_asked,
                                   struct token_answer *ret)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t n, found = 0;
    const char *const *list = token_audiences(c, claims, &n);
    const char **both = arena_alloc(c->arena, (n + 1) * sizeof(*both));

    for (size_t i = 0; i < n; i++)
        if (has_text(asked, n_asked, list[i]))
            both[found++] = list[i];
    ret->audiences = both;
    ret->n_audiences = found;
    if (found)
        return NULL;
    buf_add_str(&b, "token audiences ");
    add_quoted(&b, list, n);
    buf_add_str(&b, " is invalid for the target audiences ");
    add_quoted(&b, asked, n_asked);
    return arena_strdup(c->arena, b.data);
}

static const char *check_times(struct call *c, const json_t *claims)
{
    int64_t now = c->now.ns / 1000000000;

    if (json_object_get(claims, "nbf") && now + LEEWAY < obj_int(claims, "nbf", 0))
        return "service account token is not valid yet";
    if (json_object_get(claims, "exp") && now - LEEWAY > obj_int(claims, "exp", 0))
        return "service account token has expired";
    if (json_object_get(claims, "iat") && now + LEEWAY < obj_int(claims, "iat", 0))
        return "service account token is issued in the future";
    return NULL;
}

/* ---- what it is bound to -------------------------------------------------------------------------------- */

static bool deleted_before_now(struct call *c, const json_t *obj)
{
    struct instant at;

    return obj_time(obj, "metadata.deletionTimestamp", &at) &&
           at.ns < c->now.ns - LEEWAY * INT64_C(1000000000);
}

static const char *check_account(struct call *c, const char *namespace, const json_t *ref)
{
    const char *name = obj_str(ref, "name"), *uid = obj_str(ref, "uid");
    struct record rec;

    if (get_record(c, kinds_find(c->s->kinds, "", "v1", "serviceaccounts"), namespace, name, &rec) < 0)
        return c->err.message;
    if (!streq(obj_uid(value_tree(rec.value)), uid))
        return arena_printf(c->arena, "service account UID (%s) does not match claim (%s)",
                            obj_uid(value_tree(rec.value)), uid);
    if (deleted_before_now(c, value_tree(rec.value)))
        return arena_printf(c->arena, "service account %s/%s has been deleted", namespace, name);
    return NULL;
}

static const struct bound_row {
    const char *claim, *plural;
    bool namespaced;
} bound_rows[] = { { "secret", "secrets", true }, { "pod", "pods", true }, { "node", "nodes", false } };

static const char *check_bound(struct call *c, const char *namespace, const struct bound_row *row, const json_t *ref)
{
    const char *uid = obj_str(ref, "uid");
    struct record rec;

    if (get_record(c, kinds_find(c->s->kinds, "", "v1", row->plural), row->namespaced ? namespace : "",
                   obj_str(ref, "name"), &rec) < 0)
        return "service account token has been invalidated";
    if (!streq(obj_uid(value_tree(rec.value)), uid))
        return arena_printf(c->arena, "%s UID (%s) does not match service account %s ref claim (%s)", row->claim,
                            obj_uid(value_tree(rec.value)), row->claim, uid);
    if (deleted_before_now(c, value_tree(rec.value)))
        return "service account token has been invalidated";
    return NULL;
}

/* A token of a pod names the pod's node, too: that one is not looked for. */
static const char *check_objects(struct call *c, const json_t *claims)
{
    const json_t *mine = json_object_get(claims, "kubernetes.io");
    const char *namespace = obj_str(mine, "namespace"), *why = check_account(c, namespace,
                                                                            json_object_get(mine, "serviceaccount"));

    for (size_t i = 0; !why && i < ARRAY_SIZE(bound_rows); i++) {
        const json_t *ref = json_object_get(mine, bound_rows[i].claim);
        if (ref && !(streq(bound_rows[i].claim, "node") && json_object_get(mine, "pod")))
            why = check_bound(c, namespace, &bound_rows[i], ref);
    }
    return why;
}

/* ---- who it is -------------------------------------------------------------------------------------------- */

static void add_extra(json_t *extra, const char *key, const char *value)
{
    cleanup_free char *name = xasprintf("authentication.kubernetes.io/%s", key);

    if (*value)
        json_object_set_new(extra, name, json_pack("[s]", value));
}

static void fill_user(struct call *c, const json_t *claims, struct api_user *ret)
{
    const json_t *mine = json_object_get(claims, "kubernetes.io");
    const char *namespace = arena_strdup(c->arena, obj_str(mine, "namespace")), *jti = obj_str(claims, "jti");
    json_t *extra = json_object();

    *ret = (struct api_user){ .uid = arena_strdup(c->arena, obj_str(mine, "serviceaccount.uid")), .extra = extra };
    ret->name = account_user_name(c->arena, namespace, obj_str(mine, "serviceaccount.name"));
    account_groups(c->arena, namespace, ret);
    add_extra(extra, "credential-id", *jti ? arena_printf(c->arena, "JTI=%s", jti) : "");
    add_extra(extra, "node-name", obj_str(mine, "node.name"));
    add_extra(extra, "node-uid", obj_str(mine, "node.uid"));
    add_extra(extra, "pod-name", obj_str(mine, "pod.name"));
    add_extra(extra, "pod-uid", obj_str(mine, "pod.uid"));
    call_keep(c, extra);
}

static bool account_token(struct call *c, const char *token, const char *const *audiences, size_t n,
                          struct token_answer *ret, const char **ret_why)
{
    struct jwt t;
    const char *why = NULL;
    bool known = jwt_parse(c, token, &t);

    if (known && !(why = check_signature(c, &t)) && !(why = check_audiences(c, t.claims, audiences, n, ret)) &&
        !(why = check_times(c, t.claims)) && !(why = check_objects(c, t.claims)))
        fill_user(c, t.claims, &ret->user);
    jwt_release(&t);
    *ret_why = why;
    return known && !why;
}

/* A token of a file is good for the server's own audiences only. */
static bool file_token(struct call *c, const char *token, const char *const *audiences, size_t n,
                       struct token_answer *ret)
{
    const struct auth *a = c->s->auth;
    const char **both = arena_alloc(c->arena, (n + 1) * sizeof(*both));

    *ret = (struct token_answer){ .audiences = both };
    for (size_t i = 0; i < n; i++)
        if (has_text(a->audiences, a->n_audiences, audiences[i]))
            both[ret->n_audiences++] = audiences[i];
    for (size_t i = 0; ret->n_audiences && i < a->tokens.n; i++) {
        if (!streq(a->tokens.v[i].token, token))
            continue;
        ret->user = a->tokens.v[i].user;
        return true;
    }
    return false;
}

bool token_authenticate(struct call *c, const char *token, const char *const *audiences, size_t n,
                        struct token_answer *ret, const char **ret_why)
{
    const struct auth *a = c->s->auth;

    if (n == 0) {
        audiences = a->audiences;
        n = a->n_audiences;
    }
    *ret_why = NULL;
    return file_token(c, token, audiences, n, ret) || account_token(c, token, audiences, n, ret, ret_why);
}

static bool is_blank(char ch)
{
    return ch && strchr(" \t\r\n", ch);
}

const char *token_of_header(struct call *c, const char *header, bool *ret_space)
{
    const char *end;

    *ret_space = false;
    while (is_blank(*header))
        header++;
    if (strncasecmp(header, "Bearer ", 7) != 0)
        return NULL;
    header += 7;
    for (end = header; *end && *end != ' '; end++)
        ;
    *ret_space = end == header && *end;
    const char *token = arena_strndup(c->arena, header, (size_t)(end - header));
    size_t len = strlen(token);
    while (len && is_blank(token[len - 1]))
        len--;
    return len ? arena_strndup(c->arena, token, len) : NULL;
}
