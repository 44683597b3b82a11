/* http_listen.h — a listening socket from the text of an address. */
#pragma once

#include "world/err.h"

/* A non-blocking, close-on-exec descriptor, or negative with `e`. *ret_address: where it really listens,
 * the caller's to free. A unix socket file that nobody listens on is replaced. */
int http_listen(const char *text, char **ret_address, struct err *e);
