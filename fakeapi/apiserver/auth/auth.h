/* auth.h — who asks, and whether he may: the stages before any verb, and the questions about them.
 *
 *   authenticate.c    a certificate, a token, nothing: c->user, or 401     (token.c: what a token says)
 *   impersonate.c     somebody else, where that is allowed
 *   authorize.c       what is asked for, and whether it is allowed, or 403  (rbac.c: by which rules)
 *
 * Roles and bindings are read from the store each time: nothing is kept, so nothing is stale. Nothing here suspends.
 */
#pragma once

#include "fakeapi/apiserver/server.h"

/* ---- what the server was told, and its keys ----------------------------------------------------------- */

struct auth;
struct sign_key;

struct static_token {
    const char *token;
    struct api_user user;
};

#define AUTH_SEEN 64

struct auth {
    struct arena *arena;               /* of all that is borrowed below */
    bool rbac, anonymous;
    const char *issuer, *jwks_uri;     /* jwks_uri NULL: on the host that was asked */
    const char *const *audiences;
    size_t n_audiences;
    DYN(struct static_token) tokens;
    uint64_t secret;                   /* what the key of a simulated world is made from */
    DYN(struct sign_key *) keys;       /* the first one signs, where it can; see auth_keys() */
    unsigned char signed_well[AUTH_SEEN][32];        /* hashes of tokens whose signature was checked */
};

struct auth *auth_new(struct world *w, const struct auth_options *o, struct err *e);
struct auth *auth_free(struct auth *a);          /* NULL is fine; returns NULL */
/* The keys that are believed. One that signs is made when first asked for, where none was given. */
struct sign_key *const *auth_keys(struct apiserver *s, size_t *ret_n);

/* Lines of "token,user,uid" or "token,user,uid,"group,group"" (CSV). Everything lives in the arena. */
int static_tokens_parse(struct auth *a, const char *text, struct err *e);

/* ---- the stages ---------------------------------------------------------------------------------------- */

int authenticate(struct call *c);
int impersonate(struct call *c);
int authorize_call(struct call *c);

/* ---- users --------------------------------------------------------------------------------------------- */

bool user_in_group(const struct api_user *u, const char *group);
/* Of a service account: its user name, and back; the groups of one. All in the arena. */
const char *account_user_name(struct arena *a, const char *namespace, const char *name);
bool account_of_user_name(struct arena *a, const char *user, const char **ret_namespace, const char **ret_name);
void account_groups(struct arena *a, const char *namespace, struct api_user *ret);
/* With the group that everybody has who is known. */
void add_authenticated(struct call *c, struct api_user *u);
json_t *user_info(const struct api_user *u);     /* as reviews and webhooks are told of him; new reference */

/* ---- tokens -------------------------------------------------------------------------------------------- */

struct token_answer {
    struct api_user user;
    const char *const *audiences;      /* those asked for that the token is good for; in the arena */
    size_t n_audiences;
};

/* What a bearer token says to these audiences (n 0: the server's own). False where nobody believes it; *ret_why is
 * then the reason, or NULL where nobody knows it at all. All in the call's arena. */
bool token_authenticate(struct call *c, const char *token, const char *const *audiences, size_t n,
                        struct token_answer *ret, const char **ret_why);
/* The token in a header "Bearer x"; NULL: no such header. *ret_space: there are blanks before it, so it is ignored. */
const char *token_of_header(struct call *c, const char *header, bool *ret_space);
/* A signed token with these claims; NULL where the key that was given cannot sign. */
const char *token_sign(struct call *c, const json_t *claims);

/* The id of a key, as tokens and key sets name it. */
const char *token_key_id(struct arena *a, const struct sign_key *k);
/* "/openid/v1/jwks" and "/.well-known/openid-configuration" (openid.c). */
int openid_document(struct call *c, const char *path);

/* ---- whether somebody may do something ----------------------------------------------------------------- */

struct access {
    const struct api_user *user;
    const char *verb;
    const char *path;                  /* of what is no resource; NULL: a resource is asked for */
    const char *group, *resource, *subresource, *namespace, *name;       /* never NULL */
};

/* True when it is allowed. *ret_reason is the authorizer's own, for people; "" for none; NULL is fine. */
bool access_allowed(struct apiserver *s, struct arena *a, const struct access *access, const char **ret_reason);
/* What the request in hand asks for, by its path and method alone. */
void access_of_call(struct call *c, struct access *ret);
/* A plain text with 500, for a request that makes no sense before anybody looks at it. 0. */
int reply_broken(struct call *c, const char *why);
/* 403 in the real server's words. */
int access_refuse(struct call *c, const struct access *access, const char *reason);

/* ---- rules (rbac.c) ------------------------------------------------------------------------------------ */

/* Where a rule comes from: a binding and the subject in it that names the user. */
struct rule_source {
    const json_t *binding, *subject;
};
/* Called for every rule, and once with `rule` NULL for each role that is not there: `missing` says so. False stops.
 * It must not write to the store. */
typedef bool rule_fn(void *arg, const struct rule_source *from, const json_t *rule, const char *missing);
/* Every rule that holds for `user` in a namespace, those for the whole cluster first; namespace "": these alone. */
void rbac_visit(struct apiserver *s, struct arena *a, const struct api_user *user, const char *namespace,
                rule_fn *visit, void *arg);
bool rbac_rule_allows(const json_t *rule, const struct access *access);
/* One of its nonResourceURLs is `path`, or begins it and ends with a star. */
bool rbac_rule_names_path(const json_t *rule, const char *path);
/* "RoleBinding "a/b" of Role "r" to User "u"". */
const char *rule_source_text(struct arena *a, const struct rule_source *from);
/* Errors as Go joins them: "a", "[a, b]", each once. */
const char *errors_join(struct arena *a, const char *const *errors, size_t n);

/* Refuses a role or a binding by which somebody would get, or give, more than he has (escalate.c). */
int escalation_check(struct call *c, const struct kind *k, const json_t *obj, const json_t *old);
