/* etcd.h — a process that is to a test suite what etcd is: something that starts, is well, and stops.
 *
 * The API server here keeps its own state, so there is nothing behind it: the client address answers GET
 * /health, /livez, /readyz and /version as etcd does, and nothing else.
 */
#pragma once

#include "world/err.h"

#define ETCD_VERSION "3.6.5"

/* Listens on each of the comma-separated `http://HOST:PORT` until SIGTERM or SIGINT. */
int etcd_process(const char *client_urls, struct err *e);
