/* tls.h — certificates for TLS on real sockets: an authority of one's own, what it signs, what a peer shows.
 *
 * Keys are ECDSA on P-256 and come from GnuTLS's own randomness: TLS exists on real sockets only, where no run
 * is ever replayed. What is issued is valid for a century, so that no clock has a say.
 */
#pragma once

#include "world/base.h"
#include "world/err.h"

/* A certificate and its private key, both PEM, the holder's own. */
struct tls_pair {
    char *cert_pem, *key_pem;
};
void tls_pair_release(struct tls_pair *p);       /* the pair is empty afterwards */
#define cleanup_tls_pair __attribute__((cleanup(tls_pair_release)))

/* A self-signed authority. */
int tls_authority_new(const char *name, struct tls_pair *ret, struct err *e);

struct tls_subject {
    const char *name;                            /* the common name */
    const char *const *organizations;
    size_t n_organizations;
    const char *const *hosts;                    /* DNS names and IP addresses: a server's; none: a client's */
    size_t n_hosts;
};
/* A certificate signed by the authority; a server's is followed by the authority's own in cert_pem. */
int tls_issue(const struct tls_pair *authority, const struct tls_subject *s, struct tls_pair *ret, struct err *e);

/* The certificate that a client has shown. */
struct tls_peer {
    bool trusted;                                /* by an authority that the server knows, for use by clients */
    const char *name;                            /* the common name; "" without one */
    const char *const *organizations;
    size_t n_organizations;
    const char *uid;                             /* what the object 1.3.6.1.4.1.57683.2 names; "" without one */
    bool uid_is_odd;                             /* there are several, or one is empty */
    char fingerprint[65];                        /* SHA-256, in hexadecimal */
};

/* What stands behind `session` (a gnutls_session_t after its handshake), in the arena; NULL: no certificate. */
const struct tls_peer *tls_peer_of(void *session, struct arena *a);

const struct tls_peer *tls_peer_copy(const struct tls_peer *p, struct arena *a);   /* NULL is fine */

/* Looks at what a new client says first. One that speaks plain HTTP is told so, as Go's server tells it, and its
 * connection ends. `g` is the caller's, with its fd set, and lives as long as the session. */
struct tls_greeting {
    int fd;
    bool seen;
};
void tls_greet(void *session, struct tls_greeting *g);
