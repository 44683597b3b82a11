/* websocket.h — the server's half of a websocket (RFC 6455) on an exchange: blobs out, one message each.
 *
 * What the client says is read and forgotten, but for pings, which are answered, and its goodbye. Handshakes are
 * refused in the words of Go's x/net/websocket: a client without an Origin
 * is none of a browser's, and gets a 403.
 */
#pragma once

#include "net/http_server.h"

struct websocket;

/* The request asks to go on as a websocket. */
bool websocket_asked(const struct http_exchange *x);
/* Answers the exchange: 101 and the stream, or a refusal. `binary`: messages of bytes, not of text. The caller frees
 * it once the exchange is gone, wakes it by http_stream_wake(). */
struct websocket *websocket_new(struct http_exchange *x, bool binary, http_pull_fn *pull, void *arg);
struct websocket *websocket_free(struct websocket *ws);         /* NULL is fine; returns NULL */
