/* base64.h — URL-safe base64 without padding, as continue tokens are written. Both live in the arena. */
#pragma once

#include "world/arena.h"

char *base64url_encode(struct arena *a, const void *data, size_t len);
/* NULL where it is none; *ret_len is then the place of the first bad byte. */
char *base64url_decode(struct arena *a, const char *text, size_t *ret_len);
/* Standard alphabet with padding. */
char *base64std_encode(struct arena *a, const void *data, size_t len);
