/* material.h — the certificates of a serving process: given as files, or made when it starts.
 *
 * What is not given is made: an authority of its own, the server's certificate signed by it, and an
 * administrator's client certificate (group system:masters), which the kubeconfig carries.
 */
#pragma once

#include "net/tls.h"

struct serve_tls {
    bool on;
    const char *const *hosts;          /* names and addresses beside those that every server has */
    size_t n_hosts;
    const char *cert_file, *key_file;  /* both: the server's own; NULL: see cert_dir */
    const char *cert_dir;              /* holds apiserver.crt and apiserver.key, or gets them, and ca.crt; NULL: none */
    const char *client_ca_file;        /* who else signs clients; NULL: nobody */
};

struct material {
    struct tls_pair server, admin;
    char *ca_pem;                      /* what a client must trust */
    char *client_ca_pem;               /* whom the server trusts about its clients */
};

/* `listen` is the address asked for: its host is one of the server's names. */
int material_make(const struct serve_tls *o, const char *listen, struct material *ret, struct err *e);
void material_release(struct material *m);
