/* transport.h — a request to an API server and its reply, whoever serves it.
 *
 * The seam between everything that speaks to an API server and what answers: the server itself
 * (fakeapi/apiserver, in process), a link with faults before it (conformance), HTTP (net). A request
 * carries its object as a tree or as bytes, whichever its sender had; a reply likewise.
 *
 * Ownership: the caller keeps everything in the request, alive until the call returns. Everything in
 * the reply is the caller's: api_reply_release(). Trees may be shared with the store: never edit one.
 */
#pragma once

#include "kube/apierr.h"
#include "world/buf.h"
#include "world/world.h"

struct api_header {
    const char *name, *value;          /* names compare without case */
};

struct tls_peer;

/* Who asks. NULL user: let the server's authenticator decide from the headers. */
struct api_user {
    const char *name, *uid;
    const char *const *groups;
    size_t n_groups;
    json_t *extra;                     /* object of string lists, or NULL */
};

struct api_request {
    const char *method;                /* "GET" ... */
    const char *path;                  /* as on the wire, still percent-encoded, without the query */
    const char *query;                 /* as on the wire, without '?'; NULL = none */
    const struct api_header *headers;
    size_t n_headers;
    const json_t *object;              /* the body as a tree, or NULL */
    const char *body;                  /* the body as bytes, or NULL (both NULL: no body) */
    size_t body_len;
    const struct api_user *user;
    bool remote;                       /* it came over a network: who sent it must show who he is */
    const struct tls_peer *peer;       /* the certificate that the client has shown (net/tls.h); NULL: none */
};

const char *api_request_header(const struct api_request *q, const char *name);   /* first, or NULL */

/* One frame of a watch: the event as a tree, and its bytes once somebody asked for them. */
struct api_stream;
struct api_frame {
    const char *type;                  /* ADDED, MODIFIED, DELETED, BOOKMARK, ERROR: static */
    json_t *object;                    /* new reference; may be shared with the store */
};

struct api_stream_ops {
    /* 1: a frame; 0: nothing now; -ERR_UNAVAILABLE: the stream is over. Never suspends. */
    int (*poll)(struct api_stream *s, struct api_frame *ret);
    /* The same, encoded as negotiated (JSON line, Table, protobuf frame): what HTTP sends. */
    int (*poll_bytes)(struct api_stream *s, struct blob **ret);
    void (*free)(struct api_stream *s);
};

struct api_stream {
    const struct api_stream_ops *ops;
    struct waitq ready;                /* woken when poll may have news */
    void (*notify)(void *arg);         /* the same for those who are no task; may be NULL */
    void *notify_arg;
    duration asked;                    /* how long its client wants it; 0: it did not say */
};

int api_stream_poll(struct api_stream *s, struct api_frame *ret);
int api_stream_poll_bytes(struct api_stream *s, struct blob **ret);
/* Suspends until a frame (1), the end (-ERR_UNAVAILABLE), the deadline (-ERR_TIMEOUT) or the crash. */
int api_stream_next(struct co *co, struct api_stream *s, struct instant deadline, struct api_frame *ret);
void api_stream_signal(struct api_stream *s);   /* for implementations: wakes both kinds */
struct api_stream *api_stream_free(struct api_stream *s);       /* NULL is fine; returns NULL */

struct api_reply {
    int status;                        /* HTTP */
    struct api_header *headers;        /* content-type among them; live in `arena` */
    size_t n_headers;
    json_t *object;                    /* the body as a tree, or NULL when only bytes were made */
    struct blob *body;                 /* the body as bytes, or NULL when only a tree was asked for */
    struct api_stream *stream;         /* a watch: no body then */
    struct arena *arena;               /* the reply's own */
};

void api_reply_release(struct api_reply *r);
#define cleanup_reply __attribute__((cleanup(api_reply_release)))
const char *api_reply_header(const struct api_reply *r, const char *name);

struct transport;
struct transport_ops {
    const char *name;
    /* Always fills `ret`, with a Status body where the server refused; 0. Negative only where no reply
     * came: -ERR_CANCELLED, -ERR_TIMEOUT, -ERR_UNAVAILABLE. Suspends. */
    int (*call)(struct co *co, struct transport *t, const struct api_request *q, struct api_reply *ret);
    void (*free)(struct transport *t);
};
struct transport {
    const struct transport_ops *ops;
};
int transport_call(struct co *co, struct transport *t, const struct api_request *q, struct api_reply *ret);
struct transport *transport_free(struct transport *t);          /* NULL is fine; returns NULL */
