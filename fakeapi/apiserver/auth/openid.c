/* The keys by which others check our tokens, and where they are. */
#include "fakeapi/apiserver/auth/auth.h"

#include "fakeapi/apiserver/base64.h"
#include "net/sign.h"

static void add_number(struct arena *a, json_t *jwk, const char *name, const struct buf *b)
{
    json_object_set_new(jwk, name, json_string(base64url_encode(a, b->data, b->len)));
}

static json_t *jwk_of(struct arena *a, const struct sign_key *k)
{
    cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;
    const char *curve;
    json_t *jwk;

    sign_public_numbers(k, &curve, &first, &second);
    jwk = json_pack("{s:s, s:s, s:s}", "use", "sig", "kty", curve ? "EC" : "RSA", "kid", token_key_id(a, k));
    if (curve)
        json_object_set_new(jwk, "crv", json_string(curve));
    json_object_set_new(jwk, "alg", json_string(sign_algorithm(k)));
    add_number(a, jwk, curve ? "x" : "n", &first);
    add_number(a, jwk, curve ? "y" : "e", &second);
    return jwk;
}

static json_t *key_set(struct call *c)
{
    json_t *list = json_array();
    size_t n;
    struct sign_key *const *keys = auth_keys(c->s, &n);

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, jwk_of(c->arena, keys[i]));
    return json_pack("{s:o}", "keys", list);
}

static json_t *algorithms(struct call *c)
{
    static const char *const all[] = { "ES256", "ES384", "ES512", "RS256" };
    json_t *list = json_array();
    size_t n;
    struct sign_key *const *keys = auth_keys(c->s, &n);

    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        for (size_t k = 0; k < n; k++)
            if (streq(sign_algorithm(keys[k]), all[i])) {
                json_array_append_new(list, json_string(all[i]));
                break;
            }
    return list;
}

static json_t *configuration(struct call *c)
{
    const struct auth *a = c->s->auth;
    const char *host = api_request_header(c->q, "host"), *uri = a->jwks_uri;

    if (!uri)
        uri = arena_printf(c->arena, "https://%s/openid/v1/jwks", host ? host : "127.0.0.1:6443");
    return json_pack("{s:s, s:s, s:[s], s:[s], s:o}", "issuer", a->issuer, "jwks_uri", uri, "response_types_supported",
                     "id_token", "subject_types_supported", "public", "id_token_signing_alg_values_supported",
                     algorithms(c));
}

/* Bytes as they are, whatever is asked for: these are read by others than clients of this API. */
int openid_document(struct call *c, const char *path)
{
    bool keys = str_starts(path, "/openid/");
    json_auto_t *doc = NULL;

    if (!streq(c->q->method, "GET")) {
        int r = apierr_set(&c->err, APIERR_METHOD_NOT_ALLOWED,
                           "the server does not allow this method on the requested resource");
        c->err.has_details = true;
        return r;
    }
    doc = keys ? key_set(c) : configuration(c);
    call_header(c, "Cache-Control", "public, max-age=3600");
    return reply_blob(c, 200, keys ? "application/jwk-set+json" : "application/json", json_blob(doc, 0));
}
