/* http_tunnel.h — the socket of a connection that has left HTTP for another protocol. Private to net.
 *
 * Bytes come from pull(), as with http_stream(), and go to take() as they arrive. Everything happens in turns of the
 * loop, none of it inside a call from here but http_tunnel_free().
 */
#pragma once

#include "net/http_server.h"
#include "world/loop.h"

struct http_tunnel;

/* `sock` stays the caller's. over() is called once: at the end of pull(), when take() returned false, or when the peer
 * went away. `early`: bytes that came before the protocol was left. */
struct http_tunnel *http_tunnel_new(struct loop *l, int sock, const void *early, size_t n, http_pull_fn *pull,
                                    http_take_fn *take, void *arg, void (*over)(void *), void *over_arg);
struct http_tunnel *http_tunnel_free(struct http_tunnel *t);    /* NULL is fine; returns NULL */
void http_tunnel_wake(struct http_tunnel *t);                   /* pull() may have something */
