#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <sys/socket.h>

#define VALID_FROM 1577836800          /* 2020-01-01 */
#define VALID_UNTIL 4733510400         /* 2120-01-01 */
#define SERIAL_BYTES 16
#define ORGANIZATIONS_MAX 1000
#define OID_UID "1.3.6.1.4.1.57683.2"

void tls_pair_release(struct tls_pair *p)
{
    free(p->cert_pem);
    if (p->key_pem)
        gnutls_memset(p->key_pem, 0, strlen(p->key_pem));
    free(p->key_pem);
    *p = (struct tls_pair){ 0 };
}

/* ---- issuing --------------------------------------------------------------------------------------- */

/* One certificate in the making. The first failure stays in `r`; what follows one does nothing. */
struct draft {
    gnutls_x509_crt_t cert;
    gnutls_x509_privkey_t key;
    int r;
};

static void then(struct draft *d, int r)
{
    if (d->r >= 0 && r < 0)
        d->r = r;
}

static void draft_name(struct draft *d, const char *oid, const char *text)
{
    if (d->r >= 0 && *text)
        then(d, gnutls_x509_crt_set_dn_by_oid(d->cert, oid, 0, text, (unsigned)strlen(text)));
}

static void draft_host(struct draft *d, const char *host)
{
    unsigned char ip[16];
    unsigned len = inet_pton(AF_INET, host, ip) == 1 ? 4 : inet_pton(AF_INET6, host, ip) == 1 ? 16 : 0;

    if (d->r < 0)
        return;
    if (len)
        then(d, gnutls_x509_crt_set_subject_alt_name(d->cert, GNUTLS_SAN_IPADDRESS, ip, len, GNUTLS_FSAN_APPEND));
    else
        then(d, gnutls_x509_crt_set_subject_alt_name(d->cert, GNUTLS_SAN_DNSNAME, host, (unsigned)strlen(host),
                                                     GNUTLS_FSAN_APPEND));
}

static void draft_key_id(struct draft *d)
{
    unsigned char id[64];
    size_t len = sizeof(id);

    if (d->r >= 0)
        then(d, gnutls_x509_crt_get_key_id(d->cert, 0, id, &len));
    if (d->r >= 0)
        then(d, gnutls_x509_crt_set_subject_key_id(d->cert, id, len < 20 ? len : 20));
}

/* A fresh key, and all that has nothing to do with whose certificate it is. */
static void draft_begin(struct draft *d)
{
    unsigned char serial[SERIAL_BYTES];

    then(d, gnutls_x509_crt_init(&d->cert));
    then(d, gnutls_x509_privkey_init(&d->key));
    if (d->r < 0)
        return;
    then(d, gnutls_x509_privkey_generate(d->key, GNUTLS_PK_ECDSA,
                                         GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    then(d, gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial)));
    if (d->r < 0)
        return;
    serial[0] = (serial[0] & 0x3f) | 0x40;       /* positive, and of one length */
    then(d, gnutls_x509_crt_set_version(d->cert, 3));
    then(d, gnutls_x509_crt_set_serial(d->cert, serial, sizeof(serial)));
    then(d, gnutls_x509_crt_set_activation_time(d->cert, VALID_FROM));
    then(d, gnutls_x509_crt_set_expiration_time(d->cert, VALID_UNTIL));
    then(d, gnutls_x509_crt_set_key(d->cert, d->key));
    draft_key_id(d);
}

static char *datum_text(gnutls_datum_t *d)
{
    char *text = xasprintf("%.*s", (int)d->size, (const char *)d->data);

    gnutls_free(d->data);
    return text;
}

static int draft_end(struct draft *d, const char *name, struct tls_pair *ret, struct err *e)
{
    gnutls_datum_t cert = { 0 }, key = { 0 };
    int r = d->r;

    if (r >= 0)
        r = gnutls_x509_crt_export2(d->cert, GNUTLS_X509_FMT_PEM, &cert);
    if (r >= 0)
        r = gnutls_x509_privkey_export2_pkcs8(d->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &key);
    if (r >= 0)
        *ret = (struct tls_pair){ datum_text(&cert), datum_text(&key) };
    else
        gnutls_free(cert.data);
    gnutls_x509_crt_deinit(d->cert);
    gnutls_x509_privkey_deinit(d->key);
    if (r < 0)
        return err_set(e, ERR_INVALID, "a certificate for %s: %s", name, gnutls_strerror(r));
    return 0;
}

int tls_authority_new(const char *name, struct tls_pair *ret, struct err *e)
{
    struct draft d = { 0 };

    draft_begin(&d);
    draft_name(&d, GNUTLS_OID_X520_COMMON_NAME, name);
    if (d.r >= 0) {
        then(&d, gnutls_x509_crt_set_basic_constraints(d.cert, 1, -1));
        then(&d, gnutls_x509_crt_set_key_usage(d.cert, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_DIGITAL_SIGNATURE |
                                               GNUTLS_KEY_KEY_ENCIPHERMENT));
        then(&d, gnutls_x509_crt_sign2(d.cert, d.cert, d.key, GNUTLS_DIG_SHA256, 0));
    }
    return draft_end(&d, name, ret, e);
}

static gnutls_datum_t text_datum(const char *text)
{
    return (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
}

static void draft_sign(struct draft *d, const struct tls_pair *authority)
{
    gnutls_datum_t cert_pem = text_datum(authority->cert_pem), key_pem = text_datum(authority->key_pem);
    unsigned char id[64];
    size_t len = sizeof(id);
    gnutls_x509_crt_t ca = NULL;
    gnutls_x509_privkey_t ca_key = NULL;

    then(d, gnutls_x509_crt_init(&ca));
    then(d, gnutls_x509_privkey_init(&ca_key));
    if (d->r >= 0)
        then(d, gnutls_x509_crt_import(ca, &cert_pem, GNUTLS_X509_FMT_PEM));
    if (d->r >= 0)
        then(d, gnutls_x509_privkey_import(ca_key, &key_pem, GNUTLS_X509_FMT_PEM));
    if (d->r >= 0 && gnutls_x509_crt_get_subject_key_id(ca, id, &len, NULL) >= 0)
        then(d, gnutls_x509_crt_set_authority_key_id(d->cert, id, len));
    if (d->r >= 0)
        then(d, gnutls_x509_crt_sign2(d->cert, ca, ca_key, GNUTLS_DIG_SHA256, 0));
    gnutls_x509_crt_deinit(ca);
    gnutls_x509_privkey_deinit(ca_key);
}

int tls_issue(const struct tls_pair *authority, const struct tls_subject *s, struct tls_pair *ret, struct err *e)
{
    struct draft d = { 0 };
    int r;

    draft_begin(&d);
    for (size_t i = 0; i < s->n_organizations; i++)
        draft_name(&d, GNUTLS_OID_X520_ORGANIZATION_NAME, s->organizations[i]);
    draft_name(&d, GNUTLS_OID_X520_COMMON_NAME, s->name);
    for (size_t i = 0; i < s->n_hosts; i++)
        draft_host(&d, s->hosts[i]);
    if (d.r >= 0) {
        then(&d, gnutls_x509_crt_set_basic_constraints(d.cert, 0, -1));
        then(&d, gnutls_x509_crt_set_key_usage(d.cert, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT));
        then(&d, gnutls_x509_crt_set_key_purpose_oid(d.cert, s->n_hosts ? GNUTLS_KP_TLS_WWW_SERVER
                                                                        : GNUTLS_KP_TLS_WWW_CLIENT, 0));
    }
    draft_sign(&d, authority);
    r = draft_end(&d, s->name, ret, e);
    if (r == 0 && s->n_hosts) {
        char *alone = ret->cert_pem;
        ret->cert_pem = xasprintf("%s%s", alone, authority->cert_pem);
        free(alone);
    }
    return r;
}

/* ---- who is there ---------------------------------------------------------------------------------- */

static const char *name_part(gnutls_x509_crt_t cert, const char *oid, unsigned i, struct arena *a)
{
    char text[1024];
    size_t len = sizeof(text);

    if (gnutls_x509_crt_get_dn_by_oid(cert, oid, i, 0, text, &len) < 0)
        return NULL;
    return arena_strndup(a, text, len);
}

/* Of a name that GnuTLS does not know: the text in its DER form; "" for what is no short text. */
static const char *raw_part(gnutls_x509_crt_t cert, const char *oid, unsigned i, struct arena *a)
{
    enum { UTF8 = 0x0c, PRINTABLE = 0x13, IA5 = 0x16 };
    unsigned char der[256];
    size_t len = sizeof(der);

    if (gnutls_x509_crt_get_dn_by_oid(cert, oid, i, 1, der, &len) < 0)
        return NULL;
    if (len < 2 || (der[0] != UTF8 && der[0] != PRINTABLE && der[0] != IA5) || der[1] != len - 2 || der[1] > 127)
        return "";
    return arena_strndup(a, (const char *)der + 2, len - 2);
}

static void read_names(gnutls_x509_crt_t cert, struct arena *a, struct tls_peer *p)
{
    const char **organizations = NULL, *text;
    size_t n = 0;

    text = name_part(cert, GNUTLS_OID_X520_COMMON_NAME, 0, a);
    p->name = text ? text : "";
    while (n < ORGANIZATIONS_MAX && name_part(cert, GNUTLS_OID_X520_ORGANIZATION_NAME, (unsigned)n, a))
        n++;
    organizations = arena_alloc(a, (n + 1) * sizeof(*organizations));
    for (size_t i = 0; i < n; i++)
        organizations[i] = name_part(cert, GNUTLS_OID_X520_ORGANIZATION_NAME, (unsigned)i, a);
    p->organizations = organizations;
    p->n_organizations = n;
    text = raw_part(cert, OID_UID, 0, a);
    p->uid = text ? text : "";
    p->uid_is_odd = text && (!*text || raw_part(cert, OID_UID, 1, a));
}

static bool is_trusted(gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
                                      .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT };
    unsigned status = ~0u;

    return gnutls_certificate_verify_peers(session, &purpose, 1, &status) >= 0 && status == 0;
}

const struct tls_peer *tls_peer_of(void *session, struct arena *a)
{
    struct tls_peer *p;
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    unsigned char sum[32];
    gnutls_x509_crt_t cert;

    if (!chain || n == 0 || gnutls_x509_crt_init(&cert) < 0)
        return NULL;
    p = arena_alloc(a, sizeof(*p));
    *p = (struct tls_peer){ .name = "", .uid = "" };
    if (gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER) >= 0) {
        p->trusted = is_trusted(session);
        read_names(cert, a, p);
        gnutls_hash_fast(GNUTLS_DIG_SHA256, chain[0].data, chain[0].size, sum);
        for (size_t i = 0; i < sizeof(sum); i++)
            snprintf(p->fingerprint + 2 * i, 3, "%02x", sum[i]);
    }
    gnutls_x509_crt_deinit(cert);
    return p;
}

const struct tls_peer *tls_peer_copy(const struct tls_peer *p, struct arena *a)
{
    const char **organizations;
    struct tls_peer *copy;

    if (!p)
        return NULL;
    copy = arena_memdup(a, p, sizeof(*p));
    organizations = arena_alloc(a, (p->n_organizations + 1) * sizeof(*organizations));
    for (size_t i = 0; i < p->n_organizations; i++)
        organizations[i] = arena_strdup(a, p->organizations[i]);
    copy->organizations = organizations;
    copy->name = arena_strdup(a, p->name);
    copy->uid = arena_strdup(a, p->uid);
    return copy;
}

/* ---- plain words on a TLS port --------------------------------------------------------------------- */

static bool looks_like_http(const char *start, size_t len)
{
    static const char *const words[] = { "GET /", "HEAD ", "POST ", "PUT /", "OPTIO" };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (len >= 5 && memcmp(start, words[i], 5) == 0)
            return true;
    return false;
}

/* What was sent is read first: closing over unread bytes would reset the connection under the answer. */
static void answer_plainly(int fd)
{
    static const char answer[] = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    char rest[4096];

    for (int i = 0; i < 64 && recv(fd, rest, sizeof(rest), MSG_DONTWAIT) > 0; i++)
        ;
    if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        shutdown(fd, SHUT_WR);
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *data, size_t len)
{
    struct tls_greeting *g = ptr;
    char start[5];
    ssize_t n;

    if (!g->seen) {
        n = recv(g->fd, start, sizeof(start), MSG_PEEK | MSG_DONTWAIT);
        if (n < 0)
            return n;
        g->seen = true;
        if (looks_like_http(start, (size_t)n)) {
            answer_plainly(g->fd);
            errno = ECONNRESET;
            return -1;
        }
    }
    return recv(g->fd, data, len, 0);
}

void tls_greet(void *session, struct tls_greeting *g)
{
    gnutls_transport_ptr_t from, to;

    gnutls_transport_get_ptr2(session, &from, &to);
    gnutls_transport_set_ptr2(session, g, to);
    gnutls_transport_set_pull_function(session, pull);
}
