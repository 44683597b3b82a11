/* digest.h — SHA-2 (FIPS 180-4), as Nettle makes it. */
#pragma once

#include "world/base.h"

void digest_sha256(const void *data, size_t len, unsigned char ret[32]);
void digest_sha512(const void *data, size_t len, unsigned char ret[64]);
