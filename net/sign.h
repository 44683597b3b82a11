/* sign.h — keys that sign text, with the algorithms of JOSE: RS256, ES256, ES384 and ES512.
 *
 * Promises
 *  (1) The same key signs the same text with the same bytes.
 *  (2) A key made from a source of randomness depends on what that source gives and on nothing else.
 *  (3) A signature of any bytes and length is checked, never trusted.
 */
#pragma once

#include "world/buf.h"
#include "world/err.h"

struct sign_key;

typedef void sign_random_fn(void *arg, size_t n, uint8_t *dst);

/* A key on P-256. random NULL: GnuTLS's own. */
struct sign_key *sign_key_new(sign_random_fn *random, void *arg);
/* From one PEM block: a private key, a public one, or the public key of a certificate. NULL with `e`. */
struct sign_key *sign_key_read(const char *pem, struct err *e);
struct sign_key *sign_key_free(struct sign_key *k);              /* NULL is fine; returns NULL */

/* The next PEM block of `*text` that may hold a key, in the arena, and `*text` behind it; NULL: no more. */
const char *sign_next_pem(struct arena *a, const char **text);

const char *sign_algorithm(const struct sign_key *k);            /* "ES256" */
bool sign_is_private(const struct sign_key *k);
/* The signature's bytes; false where the key is a public one. */
bool sign_text(const struct sign_key *k, const char *text, size_t len, struct buf *ret);
bool sign_check(const struct sign_key *k, const char *text, size_t len, const void *signature, size_t signature_len);

/* ---- the public half ------------------------------------------------------------------------------- */

void sign_public_der(const struct sign_key *k, struct buf *ret); /* SubjectPublicKeyInfo */
/* Its two numbers, big-endian: modulus and exponent, or x and y as long as the curve wants them. `ret_curve`:
 * "P-256", or NULL for RSA. */
void sign_public_numbers(const struct sign_key *k, const char **ret_curve, struct buf *first, struct buf *second);
