/* base64.h — standard base64 with padding, as encoding/base64 reads it: line ends between digits are skipped. */
#pragma once

#include "world/buf.h"

void base64_encode(struct buf *b, const void *data, size_t len);
/* Appends the bytes. Returns the length of `text`, or -1 - N where Go says "illegal base64 data at input byte N".
 * `b` may be NULL to check only. */
int64_t base64_decode(struct buf *b, const char *text, size_t len);
