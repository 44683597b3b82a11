/* http_client.h — an HTTP/1.1 client, with or without TLS, on the world's loop: a call looks blocking, and suspends.
 *
 * libcurl does it, by its multi interface on our epoll loop. It is loaded at the first call, and with it what
 * speaks TLS: a program that calls nobody does not pay for either.
 *
 * A failure is worded as Go's net/http words it, without the `Post "https://..."` before it: those who imitate a
 * server written in Go pass it on, and everybody else finds it readable.
 *
 * Promises
 *  (1) A call ends within its timeout in real time, whatever the peer does.
 *  (2) What a peer does wrong is told apart: absent, refused, hung, not trusted, no HTTP, cut short, too long.
 *  (3) An answer takes at most its limit of memory.
 *  (4) In a simulated world virtual time stands still while a call is open; a peer that hangs costs its caller the
 *      virtual time up to the deadline.
 *  (5) A cancelled caller returns at once; its connection is closed.
 */
#pragma once

#include "net/http.h"
#include "world/buf.h"
#include "world/world.h"

#define HTTP_BODY_MAX ((size_t)32 << 20)

struct http_client;

/* One pool of connections. Nothing is loaded yet. */
struct http_client *http_client_new(struct world *w);
/* No call may be under way. NULL is fine; returns NULL. */
struct http_client *http_client_free(struct http_client *c);

struct http_request {
    const char *method, *url;
    const char *dial;                  /* "127.0.0.1:8443": connect there, whoever the URL names; NULL: to him */
    const struct http_header *headers;
    size_t n_headers;
    const void *body;
    size_t body_len;
    const char *ca_pem;                /* whom to trust; NULL: whom the system trusts */
    const char *cert_pem, *key_pem;    /* who we are; NULL: nobody */
    bool insecure;                     /* trusts everybody */
    duration timeout;                  /* of the whole call; 0: none */
    size_t body_limit;                 /* 0: HTTP_BODY_MAX */
};

struct http_response {                 /* everything in the arena of the call */
    int status;
    struct http_header *headers;
    size_t n_headers;
    const char *body;                  /* never NULL; NUL-terminated */
    size_t len;
    bool began;                        /* the status was there already when a call failed */
};
const char *http_response_header(const struct http_response *r, const char *name);       /* the first, or NULL */

/* 0, or: -ERR_UNAVAILABLE absent, refused or not trusted; -ERR_TIMEOUT; -ERR_PROTOCOL no HTTP or cut short;
 * -ERR_TOO_LARGE; -ERR_INVALID the request makes no sense; -ERR_CANCELLED; -ERR_INTERNAL no libcurl. */
int http_call(struct co *co, struct http_client *c, const struct http_request *q, struct arena *a,
              struct http_response *ret, struct err *e);

/* ---- answers without an end ------------------------------------------------------------------------ */

/* The same until the headers are there; what follows is read piece by piece, as fast as the reader takes it. */
struct http_reader;
int http_open(struct co *co, struct http_client *c, const struct http_request *q, struct arena *a,
              struct http_response *ret, struct http_reader **ret_reader, struct err *e);
/* Appends what is there: 1; 0 nothing now; -ERR_UNAVAILABLE it is over. Never suspends. */
int http_reader_poll(struct http_reader *r, struct buf *b);
/* Called from the loop when http_reader_poll() may have news. */
void http_reader_notify(struct http_reader *r, void (*fn)(void *arg), void *arg);
struct http_reader *http_reader_free(struct http_reader *r);    /* ends the connection; NULL is fine */
