/* sha2.h — SHA-256 and SHA-512 (FIPS 180-4), for hashes that clients see: storage versions, ETags. */
#pragma once

#include "world/base.h"

void sha256(const void *data, size_t len, unsigned char ret[32]);
void sha512(const void *data, size_t len, unsigned char ret[64]);
