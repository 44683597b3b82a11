#include "net/digest.h"

#include <nettle/sha2.h>

void digest_sha256(const void *data, size_t len, unsigned char ret[32])
{
    struct sha256_ctx c;

    sha256_init(&c);
    sha256_update(&c, len, data);
    sha256_digest(&c, 32, ret);
}

void digest_sha512(const void *data, size_t len, unsigned char ret[64])
{
    struct sha512_ctx c;

    sha512_init(&c);
    sha512_update(&c, len, data);
    sha512_digest(&c, 64, ret);
}
