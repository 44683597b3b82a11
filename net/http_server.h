/* http_server.h — an HTTP/1.1 server on the world's loop: whole requests in, replies at any later time.
 *
 * The handler is called when a request is there completely, headers and body. It answers at once or
 * later, with a blob or with a stream of blobs that the server pulls as fast as the client reads: a slow
 * client costs nobody anything but what its own source keeps for it.
 *
 * Ownership: an exchange belongs to the server. It lives until its `gone` callback returned, which
 * comes exactly once: after the reply was sent, or when the client vanished, or when the server stops.
 * Everything in it (headers, body, target) is borrowed from it.
 *
 * One thread, no lock: libmicrohttpd with an epoll of its own inside ours.
 *
 * Promises
 *  (1) A request line and headers of 40 KiB are taken; a body never takes more memory than body_limit + 1
 *      bytes, and its rest is read and dropped, or the connection is.
 *  (2) A streaming reply sends its headers at once, each blob as soon as the client takes it, and in
 *      order.
 *  (3) A client that goes away ends its stream without a further blob being needed.
 *  (4) A slow or silent client delays nobody else, and none is waited for without end.
 *  (5) With TLS: noise, plain HTTP (answered in plain words) and a handshake that stands still cost their own
 *      connection and nobody else anything.
 *  (6) What libmicrohttpd takes and Go's net/http does not is refused in Go's words (http_refuse.h).
 *  (7) Freeing a server with requests under way, suspended streams and blocked clients is safe.
 */
#pragma once

#include "net/http.h"
#include "world/buf.h"
#include "world/world.h"

struct http_server;
struct http_exchange;
struct tls_peer;

typedef void http_handle_fn(void *arg, struct http_exchange *x);

struct http_server_options {
    const char *listen;                /* "127.0.0.1:0", "[::1]:8080", ":80", "unix:/path" */
    size_t body_limit;                 /* a longer body arrives cut at body_limit + 1 bytes */
    /* A connection ends that is silent for `idle` (0: 90 s), or takes longer than `head` for request line and headers
     * (0: 32 s), or longer than `body` for what follows them (0: 60 s), however busy it looks. */
    duration idle, head, body;
    const char *cert_pem, *key_pem;    /* both: TLS */
    const char *client_ca_pem;         /* asks for a client certificate; with TLS only */
    http_handle_fn *handle;
    void *arg;
    /* Called before every turn of the server in which bytes may leave; NULL: nothing. */
    void (*before_turn)(void *arg);
};

/* Listens. NULL with `e`; the message names the address. Options are copied but for nothing they point
 * to: only `listen` and the PEM texts may go after the call. */
struct http_server *http_server_new(struct world *w, const struct http_server_options *o, struct err *e);

const char *http_server_address(const struct http_server *s);   /* "127.0.0.1:43117", "unix:/path" */

/* Accepts nothing more and ends every stream; what is under way may still be answered. */
void http_server_stop(struct http_server *s);
size_t http_server_busy(const struct http_server *s);           /* handled and not gone */
/* How often a connection was suspended so far: once for each time a stream ran dry or a request had to
 * wait, never for a request that is answered promptly. Resuming costs a walk over all that is suspended. */
uint64_t http_server_suspensions(const struct http_server *s);
/* Whatever is left loses its connection; every `gone` is called. NULL is fine; returns NULL. */
struct http_server *http_server_free(struct http_server *s);

/* ---- one exchange --------------------------------------------------------------------------------- */

const char *http_method(const struct http_exchange *x);
const char *http_target(const struct http_exchange *x);         /* as on the wire, with the query */
const struct http_header *http_headers(const struct http_exchange *x, size_t *ret_n);
const char *http_header(const struct http_exchange *x, const char *name);      /* the first, or NULL */
const char *http_body(const struct http_exchange *x, size_t *ret_len);         /* never NULL */
bool http_is_tls(const struct http_exchange *x);
/* The certificate that the client has shown, trusted or not; NULL: none, or no TLS. */
const struct tls_peer *http_peer(const struct http_exchange *x);
/* The server takes leave: a protocol of its own (http_upgrade) ends now, in its own way. */
bool http_stopping(const struct http_exchange *x);
/* The client went away, or shut down its side: whatever is answered, nobody may be there to read. */
bool http_hung_up(const struct http_exchange *x);

/* Called once when the exchange is over: no call with `x` after that. */
void http_on_gone(struct http_exchange *x, void (*gone)(void *arg), void *arg);

/* The reply; exactly one of these. `body` is stolen, NULL is an empty one. */
void http_reply(struct http_exchange *x, int status, const struct http_header *headers, size_t n,
                struct blob *body);
/* Chunked. pull: 1 with a blob (the server's), 0 when there is nothing now (call http_stream_wake() when
 * there is), negative at the end. It is called from the loop, never from inside http_stream_wake(), and
 * not after `gone`. */
typedef int http_pull_fn(void *arg, struct blob **ret);
void http_stream(struct http_exchange *x, int status, const struct http_header *headers, size_t n,
                 http_pull_fn *pull, void *arg);
void http_stream_wake(struct http_exchange *x);
/* 101: the connection leaves HTTP. Blobs go out as they are, what the client sends comes by take(), which says false
 * when it is over. `headers` name the new protocol (Upgrade). */
typedef bool http_take_fn(void *arg, const char *data, size_t len);
void http_upgrade(struct http_exchange *x, const struct http_header *headers, size_t n, http_pull_fn *pull,
                  http_take_fn *take, void *arg);
/* Closes the connection without an answer. */
void http_drop(struct http_exchange *x);
