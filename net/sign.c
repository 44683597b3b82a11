#include "net/sign.h"

#include <gmp.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>

struct algorithm {
    const char *name, *curve_name;
    gnutls_ecc_curve_t curve;          /* GNUTLS_ECC_CURVE_INVALID: RSA */
    gnutls_sign_algorithm_t sign;
    size_t coordinate;                 /* bytes of a number on the curve */
};

static const struct algorithm algorithms[] = {
    { "RS256", NULL, GNUTLS_ECC_CURVE_INVALID, GNUTLS_SIGN_RSA_SHA256, 0 },
    { "ES256", "P-256", GNUTLS_ECC_CURVE_SECP256R1, GNUTLS_SIGN_ECDSA_SHA256, 32 },
    { "ES384", "P-384", GNUTLS_ECC_CURVE_SECP384R1, GNUTLS_SIGN_ECDSA_SHA384, 48 },
    { "ES512", "P-521", GNUTLS_ECC_CURVE_SECP521R1, GNUTLS_SIGN_ECDSA_SHA512, 66 },
};

struct sign_key {
    gnutls_privkey_t private;          /* NULL: public only */
    gnutls_pubkey_t public;
    const struct algorithm *algorithm;
};

/* ---- making ---------------------------------------------------------------------------------------- */

static const struct algorithm *algorithm_of(gnutls_pubkey_t public)
{
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
    int type = gnutls_pubkey_get_pk_algorithm(public, NULL);

    if (type == GNUTLS_PK_ECDSA && gnutls_pubkey_export_ecc_raw2(public, &curve, NULL, NULL, 0) < 0)
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
        if (algorithms[i].curve == curve && (type == GNUTLS_PK_RSA || type == GNUTLS_PK_ECDSA))
            return &algorithms[i];
    return NULL;
}

static gnutls_datum_t number(const mpz_t n, uint8_t bytes[32])
{
    size_t len = (mpz_sizeinbase(n, 2) + 7) / 8;

    memset(bytes, 0, 32);
    mpz_export(bytes + 32 - len, NULL, 1, 1, 1, 0, n);
    return (gnutls_datum_t){ bytes, 32 };
}

/* Nettle makes it from the bytes it is given; GnuTLS would ask its own generator. */
static int generate_from(gnutls_privkey_t key, sign_random_fn *random, void *arg)
{
    uint8_t x_bytes[32], y_bytes[32], k_bytes[32];
    struct ecc_point point;
    struct ecc_scalar scalar;
    mpz_t x, y, k;
    int r;

    ecc_point_init(&point, nettle_get_secp_256r1());
    ecc_scalar_init(&scalar, nettle_get_secp_256r1());
    mpz_inits(x, y, k, NULL);
    ecdsa_generate_keypair(&point, &scalar, arg, random);
    ecc_point_get(&point, x, y);
    ecc_scalar_get(&scalar, k);
    gnutls_datum_t dx = number(x, x_bytes), dy = number(y, y_bytes), dk = number(k, k_bytes);
    r = gnutls_privkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_SECP256R1, &dx, &dy, &dk);
    gnutls_memset(k_bytes, 0, sizeof(k_bytes));
    mpz_clears(x, y, k, NULL);
    ecc_scalar_clear(&scalar);
    ecc_point_clear(&point);
    return r;
}

static struct sign_key *key_init(bool private)
{
    struct sign_key *k = xcalloc(1, sizeof(*k));

    if (private)
        gnutls_privkey_init(&k->private);
    gnutls_pubkey_init(&k->public);
    return k;
}

struct sign_key *sign_key_new(sign_random_fn *random, void *arg)
{
    struct sign_key *k = key_init(true);
    int r;

    if (random)
        r = generate_from(k->private, random, arg);
    else
        r = gnutls_privkey_generate2(k->private, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0,
                                     NULL, 0);
    if (r >= 0)
        r = gnutls_pubkey_import_privkey(k->public, k->private, 0, 0);
    assert(r >= 0);                    /* there is no input that could be wrong */
    k->algorithm = algorithm_of(k->public);
    return k;
}

struct sign_key *sign_key_free(struct sign_key *k)
{
    if (!k)
        return NULL;
    if (k->private)
        gnutls_privkey_deinit(k->private);
    gnutls_pubkey_deinit(k->public);
    free(k);
    return NULL;
}

/* ---- reading --------------------------------------------------------------------------------------- */

const char *sign_next_pem(struct arena *a, const char **text)
{
    static const char begin[] = "-----BEGIN ", end[] = "-----END ";
    const char *from = *text, *to;

    while ((from = strstr(from, begin))) {
        to = strstr(from, end);
        if (!to)
            return NULL;
        to += strcspn(to, "\r\n");
        *text = to;
        if (!str_starts(from + strlen(begin), "EC PARAMETERS-"))
            return arena_strndup(a, from, (size_t)(to - from));
        from = to;
    }
    return NULL;
}

struct sign_key *sign_key_read(const char *pem, struct err *e)
{
    bool private = strstr(pem, " PRIVATE KEY-----") || strstr(pem, "BEGIN PRIVATE KEY-----");
    struct sign_key *k = key_init(private);
    gnutls_datum_t d = { (unsigned char *)pem, (unsigned)strlen(pem) };
    int r;

    if (private) {
        r = gnutls_privkey_import_x509_raw(k->private, &d, GNUTLS_X509_FMT_PEM, NULL, 0);
        if (r >= 0)
            r = gnutls_pubkey_import_privkey(k->public, k->private, 0, 0);
    } else if (strstr(pem, "BEGIN CERTIFICATE-----")) {
        r = gnutls_pubkey_import_x509_raw(k->public, &d, GNUTLS_X509_FMT_PEM, 0);
    } else {
        r = gnutls_pubkey_import(k->public, &d, GNUTLS_X509_FMT_PEM);
    }
    if (r >= 0)
        k->algorithm = algorithm_of(k->public);
    if (k->algorithm)
        return k;
    err_set(e, ERR_INVALID, "%s", r < 0 ? gnutls_strerror(r) : "neither RSA nor ECDSA on P-256, P-384 or P-521");
    return sign_key_free(k);
}

/* ---- signing --------------------------------------------------------------------------------------- */

const char *sign_algorithm(const struct sign_key *k)
{
    return k->algorithm->name;
}

bool sign_is_private(const struct sign_key *k)
{
    return k->private != NULL;
}

/* Big-endian with `len` bytes, whatever zeros it came with. */
static void add_number(struct buf *b, const gnutls_datum_t *d, size_t len)
{
    const unsigned char *p = d->data;
    size_t n = d->size;

    for (; n > 0 && *p == 0; n--)
        p++;
    for (size_t i = n; i < len; i++)
        buf_add_char(b, 0);
    buf_add(b, p, n);
}

bool sign_text(const struct sign_key *k, const char *text, size_t len, struct buf *ret)
{
    gnutls_datum_t data = { (unsigned char *)text, (unsigned)len }, sum = { 0 }, first = { 0 }, second = { 0 };
    unsigned flags = k->algorithm->coordinate ? GNUTLS_PRIVKEY_FLAG_REPRODUCIBLE : 0;
    int r;

    if (!k->private)
        return false;
    r = gnutls_privkey_sign_data2(k->private, k->algorithm->sign, flags, &data, &sum);
    if (r < 0)
        return false;
    if (!k->algorithm->coordinate) {
        buf_add(ret, sum.data, sum.size);
    } else if ((r = gnutls_decode_rs_value(&sum, &first, &second)) >= 0) {
        add_number(ret, &first, k->algorithm->coordinate);
        add_number(ret, &second, k->algorithm->coordinate);
        gnutls_free(first.data);
        gnutls_free(second.data);
    }
    gnutls_free(sum.data);
    return r >= 0;
}

bool sign_check(const struct sign_key *k, const char *text, size_t len, const void *signature, size_t signature_len)
{
    gnutls_datum_t data = { (unsigned char *)text, (unsigned)len };
    gnutls_datum_t sum = { (unsigned char *)signature, (unsigned)signature_len };
    size_t half = k->algorithm->coordinate;
    int r;

    if (!half)
        return gnutls_pubkey_verify_data2(k->public, k->algorithm->sign, 0, &data, &sum) >= 0;
    if (signature_len != 2 * half)
        return false;
    gnutls_datum_t first = { (void *)signature, (unsigned)half };
    gnutls_datum_t second = { (unsigned char *)signature + half, (unsigned)half };
    if (gnutls_encode_rs_value(&sum, &first, &second) < 0)
        return false;
    r = gnutls_pubkey_verify_data2(k->public, k->algorithm->sign, 0, &data, &sum);
    gnutls_free(sum.data);
    return r >= 0;
}

/* ---- the public half ------------------------------------------------------------------------------- */

void sign_public_der(const struct sign_key *k, struct buf *ret)
{
    gnutls_datum_t der = { 0 };

    if (gnutls_pubkey_export2(k->public, GNUTLS_X509_FMT_DER, &der) < 0)
        return;
    buf_add(ret, der.data, der.size);
    gnutls_free(der.data);
}

void sign_public_numbers(const struct sign_key *k, const char **ret_curve, struct buf *first, struct buf *second)
{
    gnutls_datum_t a = { 0 }, b = { 0 };
    gnutls_ecc_curve_t curve;

    *ret_curve = k->algorithm->curve_name;
    if (k->algorithm->coordinate)
        gnutls_pubkey_export_ecc_raw2(k->public, &curve, &a, &b, 0);
    else
        gnutls_pubkey_export_rsa_raw2(k->public, &a, &b, 0);
    add_number(first, &a, k->algorithm->coordinate);
    add_number(second, &b, k->algorithm->coordinate);
    gnutls_free(a.data);
    gnutls_free(b.data);
}
