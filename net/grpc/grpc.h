/* grpc.h — unary gRPC over unix sockets and loopback TCP, both ends, on the world's epoll loop.
 *
 * nghttp2 carries the frames; what gRPC adds stands in frame.h. No message type is known here: a call
 * is a path, bytes in, and bytes or a status out. One thread; a handler is a task of the server's
 * process, a caller is whatever task calls.
 *
 * Promises
 *  (1) A call ends within its deadline in real time, whatever the peer does, and its stream is reset
 *      (CANCEL) when it ends early.
 *  (2) A reply names its cause: the peer's own answer, or one of the ways a peer can let us down. The
 *      message says which socket, and what to look at.
 *  (3) Nothing a peer sends crashes, hangs or allocates without bound: a message is at most 4 MiB, a
 *      connection at most 128 calls at once, a server at most 256 connections and 64 MiB of requests
 *      under way.
 *  (4) A handler runs to its end. When its caller is gone or its deadline has passed, its reply is
 *      dropped: work that changes something is not stopped half way (DRV-019).
 *  (5) A unix socket is created with mode 0600 and never shows another mode (DRV-003). A socket file
 *      left by a dead server is replaced; a live server's, or another kind of file, is an error.
 *
 * Not spoken: streaming calls, compression (answered UNIMPLEMENTED), TLS (an endpoint that is not
 * loopback is refused with a message, as DRV-003 asks for mutual TLS there).
 */
#pragma once

#include "world/buf.h"
#include "world/world.h"

/* The status codes, with their numbers on the wire. */
enum grpc_code {
    GRPC_OK = 0, GRPC_CANCELLED, GRPC_UNKNOWN, GRPC_INVALID_ARGUMENT, GRPC_DEADLINE_EXCEEDED,
    GRPC_NOT_FOUND, GRPC_ALREADY_EXISTS, GRPC_PERMISSION_DENIED, GRPC_RESOURCE_EXHAUSTED,
    GRPC_FAILED_PRECONDITION, GRPC_ABORTED, GRPC_OUT_OF_RANGE, GRPC_UNIMPLEMENTED, GRPC_INTERNAL,
    GRPC_UNAVAILABLE, GRPC_DATA_LOSS, GRPC_UNAUTHENTICATED
};

#define GRPC_MESSAGE_MAX ((size_t)4 << 20)

/* ---- endpoints ------------------------------------------------------------------------------- */

/* "unix:///run/my.sock" (or "unix:run/my.sock", relative), "tcp://127.0.0.1:7000", "tcp://[::1]:7000",
 * "tcp://localhost:0". Anything else, and any TCP address that is not loopback, is -ERR_INVALID with
 * the reason. Checks the text only. */
int grpc_endpoint_check(const char *endpoint, struct err *e);

/* ---- server ---------------------------------------------------------------------------------- */

struct grpc_server;

struct grpc_request {
    const char *path;                  /* "/package.Service/Method" */
    const void *data;                  /* the message, without its frame */
    size_t len;
    bool has_deadline;
    duration timeout;                  /* what the caller still gave when the call arrived */
};

/* Answers one call: fills `reply` and returns GRPC_OK, or returns another code with `*ret_message` (in
 * the task's arena; may stay NULL). The request is lent for the call. */
typedef enum grpc_code grpc_handler_fn(struct co *co, void *arg, const struct grpc_request *q,
                                       struct buf *reply, const char **ret_message);

struct grpc_method {
    const char *path;
    grpc_handler_fn *handle;
    void *arg;
};

struct grpc_server_options {
    struct proc *proc;                 /* handlers are its tasks */
    const char *endpoint;
    const struct grpc_method *methods; /* borrowed until grpc_server_free */
    size_t n_methods;
    const char *who;                   /* in traces; a literal */
};

struct grpc_server *grpc_server_new(const struct grpc_server_options *o, struct err *e);
/* The endpoint clients may use: with the port the system chose, where 0 was asked for. */
const char *grpc_server_endpoint(const struct grpc_server *s);
/* No new connection, no new call (GOAWAY); calls under way go on. The socket file is removed. */
void grpc_server_stop(struct grpc_server *s);
size_t grpc_server_calls(const struct grpc_server *s);          /* handlers running */
/* Suspends until no handler runs. 0, -ERR_TIMEOUT, -ERR_CANCELLED. */
int grpc_server_drain(struct co *co, struct grpc_server *s, struct instant until);
/* No handler may be running: drained, or its process is dead. NULL is fine; returns NULL. */
struct grpc_server *grpc_server_free(struct grpc_server *s);

/* ---- client ---------------------------------------------------------------------------------- */

struct grpc_client;

/* Who said it, and if nobody did, what happened instead. */
enum grpc_cause {
    GRPC_PEER,                         /* the peer's own answer */
    GRPC_ABSENT,                       /* no such socket, or no permission to use it */
    GRPC_REFUSED,                      /* a socket, and nobody who listens */
    GRPC_HUNG,                         /* the deadline passed without an answer */
    GRPC_GARBAGE,                      /* an answer that is not gRPC over HTTP/2 */
    GRPC_DIED,                         /* the connection ended in the middle of the call */
    GRPC_GIVEN_UP,                     /* the calling task was cancelled, or a plan cancelled it */
};
/* What the peer is, then: "absent", "not listening", "hung", "no gRPC server", "dead" ... */
const char *grpc_cause_text(enum grpc_cause cause);

struct grpc_reply {                    /* everything in the call's arena */
    enum grpc_code code;
    enum grpc_cause cause;
    const char *message;               /* never NULL */
    const void *data;                  /* the message where code is GRPC_OK */
    size_t len;
};

/* What the suite does to one call on its way. All zero: nothing. Times are real. */
struct grpc_plan {
    duration delay;                    /* before the request leaves */
    enum { GRPC_CUT_NONE, GRPC_CUT_BEFORE, GRPC_CUT_REQUEST, GRPC_CUT_REPLY } cut;
                                       /* the connection ends before the request, in the middle of it,
                                        * or when the first byte of its answer arrives */
    duration cancel_after;             /* RST_STREAM(CANCEL) that long after the request left; 0 never */
    bool duplicate;                    /* the same request once more, on another stream of the same
                                        * connection; the first one's answer counts, both are waited for */
};
typedef void grpc_plan_fn(void *arg, const char *path, struct grpc_plan *plan);

struct grpc_client_options {
    const char *endpoint;
    duration real_bound;               /* no call waits longer in real time; 0: its deadline alone */
    grpc_plan_fn *plan;                /* asked before each call; may be NULL */
    void *plan_arg;
};

/* One connection, made by the first call and made again after it was lost. NULL where the endpoint
 * makes no sense. */
struct grpc_client *grpc_client_new(struct world *w, const struct grpc_client_options *o, struct err *e);
/* No call may be under way. NULL is fine; returns NULL. */
struct grpc_client *grpc_client_free(struct grpc_client *c);
/* Ends the connection, as a restart of the client would. Calls under way end as GRPC_DIED. */
void grpc_client_disconnect(struct grpc_client *c);

/* One unary call; suspends. `timeout` is what the peer is told and what the call may take. Returns
 * ret->code. In a simulated world virtual time stands still until the answer; a hung peer costs the
 * virtual time up to the deadline as well. */
enum grpc_code grpc_call(struct co *co, struct grpc_client *c, const char *path, const void *data,
                         size_t len, duration timeout, struct arena *a, struct grpc_reply *ret);
