/* kubeconfig.h — the file that tells kubectl and every client library where the server is. */
#pragma once

#include "world/buf.h"
#include "world/err.h"

struct kubeconfig {
    const char *server;                /* "http://127.0.0.1:43117" */
    const char *ca_pem;                /* NULL: plain HTTP, or the system's */
    const char *cert_pem, *key_pem;    /* of the user; NULL: none */
    const char *token;                 /* NULL: none */
};

/* The text: one cluster, one user, one context, all named "dormouse". */
void kubeconfig_format(const struct kubeconfig *k, struct buf *ret);

/* Writes it whole or not at all, mode 0600. */
int kubeconfig_write(const struct kubeconfig *k, const char *path, struct err *e);
