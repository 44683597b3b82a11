/* Who asks: what the caller shows decides; who shows nothing is the administrator where everything is allowed, and
 * nobody in particular elsewhere. */
#include "fakeapi/apiserver/auth/auth.h"

#include "net/tls.h"

static const char *const admin_groups[] = { "system:masters", "system:authenticated" };
static const char *const anonymous_groups[] = { "system:unauthenticated" };
static const struct api_user admin = { .name = "admin", .uid = "admin", .groups = admin_groups, .n_groups = 2 };
static const struct api_user anonymous = { .name = "system:anonymous", .groups = anonymous_groups, .n_groups = 1 };

enum answer { NOT_SHOWN, BELIEVED, REFUSED };

static void take_user(struct call *c, const struct api_user *user)
{
    struct api_user *u = arena_memdup(c->arena, user, sizeof(*user));

    add_authenticated(c, u);
    c->user = u;
}

/* The common name is the user, each organization a group. */
static enum answer by_certificate(struct call *c)
{
    const struct tls_peer *p = c->q->peer;

    if (!p)
        return NOT_SHOWN;
    if (!p->trusted || (*p->name && p->uid_is_odd))
        return REFUSED;
    if (!*p->name)
        return NOT_SHOWN;
    json_t *extra = json_pack("{s:[s+]}", "authentication.kubernetes.io/credential-id", "X509SHA256=", p->fingerprint);
    struct api_user user = { .name = p->name, .uid = p->uid, .groups = p->organizations,
                             .n_groups = p->n_organizations, .extra = call_keep(c, extra) };
    take_user(c, &user);
    return BELIEVED;
}

static enum answer by_token(struct call *c)
{
    const char *header = api_request_header(c->q, "authorization"), *token, *why;
    struct token_answer answer;
    bool space;

    token = header ? token_of_header(c, header, &space) : NULL;
    if (header && space)
        call_warn(c, "the provided Authorization header contains extra space before the bearer token, and is ignored");
    if (!token)
        return NOT_SHOWN;
    if (!token_authenticate(c, token, NULL, 0, &answer, &why))
        return REFUSED;
    take_user(c, &answer.user);
    return BELIEVED;
}

int authenticate(struct call *c)
{
    const struct auth *a = c->s->auth;
    enum answer first, second;

    if (c->user)
        return 0;
    if ((first = by_certificate(c)) == BELIEVED || (second = by_token(c)) == BELIEVED)
        return 0;
    if (first == NOT_SHOWN && second == NOT_SHOWN) {
        if (!c->q->remote || (!a->rbac && a->anonymous))
            c->user = &admin;
        else if (a->anonymous)
            c->user = &anonymous;
        if (c->user)
            return 0;
    }
    return apierr_set(&c->err, APIERR_UNAUTHORIZED, "Unauthorized");
}
