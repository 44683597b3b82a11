/* material.h — certificates, keys and tokens of a serving process: given as files, or made when it starts.
 *
 * What is not given is made: an authority of its own, the server's certificate signed by it, and what makes the
 * holder of the kubeconfig an administrator (group system:masters): a client certificate, or without TLS a token.
 */
#pragma once

#include "fakeapi/apiserver/apiserver.h"
#include "net/tls.h"

struct serve_tls {
    bool on;
    const char *const *hosts;          /* names and addresses beside those that every server has */
    size_t n_hosts;
    const char *cert_file, *key_file;  /* both: the server's own; NULL: see cert_dir */
    const char *cert_dir;              /* holds apiserver.crt and apiserver.key, or gets them, and ca.crt; NULL: none */
    const char *client_ca_file;        /* who else signs clients; NULL: nobody */
};

struct text_files {
    const char *const *v;
    size_t n;
};

/* As kube-apiserver's flags of the same names; NULL or none: not given. */
struct serve_auth {
    bool rbac;                         /* --authorization-mode=RBAC; else AlwaysAllow */
    bool no_anonymous;                 /* --anonymous-auth=false */
    const char *token_auth_file;
    const char *service_account_issuer;
    const char *service_account_signing_key_file;
    struct text_files service_account_key_files, api_audiences;  /* the latter are the audiences themselves */
};

struct material {
    struct tls_pair server, admin;
    char *admin_token;                 /* with RBAC and without TLS; NULL else */
    struct auth_options auth;          /* its texts belong to the three below and to the options */
    char *tokens, *signing_key, *verify_keys;
    char *ca_pem;                      /* what a client must trust */
    char *client_ca_pem;               /* whom the server trusts about its clients */
};

/* `listen` is the address asked for: its host is one of the server's names. */
int material_make(struct world *w, const struct serve_tls *tls, const struct serve_auth *auth, const char *listen,
                  struct material *ret, struct err *e);
void material_release(struct material *m);
