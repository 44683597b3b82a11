/* What the server was told at its start: keys, issuer, audiences, tokens of a file. */
#include "fakeapi/apiserver/auth/auth.h"

#include "net/digest.h"
#include "net/sign.h"

#define ISSUER "https://kubernetes.default.svc"

/* ---- keys ---------------------------------------------------------------------------------------- */

static int read_keys(struct auth *a, const char *what, const char *text, bool sign, struct err *e)
{
    const char *rest = text, *pem;
    size_t before = a->keys.n;

    while ((pem = sign_next_pem(a->arena, &rest))) {
        struct sign_key *k = sign_key_read(pem, e);
        if (!k)
            return err_wrap(e, -ERR_INVALID, "%s", what);
        *dyn_push(&a->keys) = k;
    }
    if (a->keys.n == before)
        return err_set(e, ERR_INVALID, "%s: there is no key in it", what);
    if (sign && !sign_is_private(a->keys.v[before]))
        return err_set(e, ERR_INVALID, "%s: a public key cannot sign", what);
    return 0;
}

/* An endless row of bytes from the secret: the same one in every run of a simulation. */
struct stream {
    uint64_t secret, block;
};

static void stream_bytes(void *arg, size_t n, uint8_t *dst)
{
    struct stream *s = arg;

    while (n > 0) {
        unsigned char sum[32];
        size_t take = n < sizeof(sum) ? n : sizeof(sum);
        digest_sha256(s, sizeof(*s), sum);
        s->block++;
        memcpy(dst, sum, take);
        dst += take;
        n -= take;
    }
}

/* The key of a real server comes from real randomness; it is made when somebody needs it, not at the start. */
struct sign_key *const *auth_keys(struct apiserver *s, size_t *ret_n)
{
    struct auth *a = s->auth;
    struct stream from = { .secret = a->secret };

    if (a->keys.n == 0)
        *dyn_push(&a->keys) = world_is_sim(s->world) ? sign_key_new(stream_bytes, &from) : sign_key_new(NULL, NULL);
    *ret_n = a->keys.n;
    return a->keys.v;
}

/* ---- tokens of a file ---------------------------------------------------------------------------- */

#define FIELDS 4

/* One field of a CSV line: bare, or in quotes with "" for one. NULL where the quotes do not close. */
static const char *csv_field(struct arena *a, const char **at)
{
    cleanup_buf struct buf b = BUF_INIT;
    const char *p = *at;

    if (*p != '"') {
        p += strcspn(p, ",\r\n");
        const char *text = arena_strndup(a, *at, (size_t)(p - *at));
        *at = p;
        return text;
    }
    for (p++; *p && !(p[0] == '"' && p[1] != '"'); p++) {
        p += *p == '"';
        buf_add_char(&b, *p);
    }
    if (*p != '"' || (p[1] && !strchr(",\r\n", p[1])))
        return NULL;
    *at = p + 1;
    return arena_strndup(a, b.data ? b.data : "", b.len);
}

static void split_groups(struct arena *a, const char *text, struct api_user *ret)
{
    DYN(const char *) groups = { 0 };

    while (*text) {
        size_t len = strcspn(text, ",");
        *dyn_push(&groups) = arena_strndup(a, text, len);
        text += len + (text[len] == ',');
    }
    ret->groups = arena_memdup(a, groups.v ? groups.v : (void *)"", groups.n * sizeof(*groups.v));
    ret->n_groups = groups.n;
    dyn_release(&groups);
}

int static_tokens_parse(struct auth *auth, const char *text, struct err *e)
{
    struct arena *a = auth->arena;

    for (size_t line = 1; *text; line++) {
        const char *fields[FIELDS] = { "", "", "", "" }, *field;
        size_t n = 0;
        for (bool more = *text != '\n' && *text != '\r' && *text != '#'; more; text += more) {
            field = csv_field(a, &text);
            if (!field)
                return err_set(e, ERR_INVALID, "the token file, line %zu: a quote that does not close", line);
            if (n < FIELDS)
                fields[n] = field;
            n++;
            more = *text == ',';
        }
        text += strcspn(text, "\n");
        text += *text == '\n';
        if (n == 0)
            continue;
        if (n < 3)
            return err_set(e, ERR_INVALID, "the token file, line %zu: expected at least 3 columns, found %zu", line, n);
        if (!*fields[0])
            continue;
        struct static_token t = { .token = fields[0], .user = { .name = fields[1], .uid = fields[2] } };
        split_groups(a, fields[3], &t.user);
        *dyn_push(&auth->tokens) = t;
    }
    return 0;
}

/* ---- life ------------------------------------------------------------------------------------------ */

static const char *copy(struct arena *a, const char *text)
{
    return text ? arena_strdup(a, text) : NULL;
}

static void copy_audiences(struct auth *a, const struct auth_options *o)
{
    size_t n = o->n_audiences ? o->n_audiences : 1;
    const char **audiences = arena_alloc(a->arena, n * sizeof(*audiences));

    for (size_t i = 0; i < n; i++)
        audiences[i] = o->n_audiences ? copy(a->arena, o->audiences[i]) : a->issuer;
    a->audiences = audiences;
    a->n_audiences = n;
}

struct auth *auth_new(struct world *w, const struct auth_options *o, struct err *e)
{
    struct auth *a = xcalloc(1, sizeof(*a));
    int r = 0;

    a->arena = arena_new();
    a->rbac = o->rbac;
    a->anonymous = !o->no_anonymous;
    a->issuer = copy(a->arena, str_empty(o->issuer) ? ISSUER : o->issuer);
    a->jwks_uri = copy(a->arena, o->jwks_uri);
    a->secret = world_identity(w);
    copy_audiences(a, o);
    if (o->signing_key)
        r = read_keys(a, "the key that signs tokens", o->signing_key, true, e);
    if (r == 0 && o->verify_keys)
        r = read_keys(a, "the keys that tokens are checked with", o->verify_keys, false, e);
    if (r == 0 && o->tokens)
        r = static_tokens_parse(a, o->tokens, e);
    return r < 0 ? auth_free(a) : a;
}

struct auth *auth_free(struct auth *a)
{
    if (!a)
        return NULL;
    for (size_t i = 0; i < a->keys.n; i++)
        sign_key_free(a->keys.v[i]);
    dyn_release(&a->keys);
    dyn_release(&a->tokens);
    arena_free(a->arena);
    free(a);
    return NULL;
}
