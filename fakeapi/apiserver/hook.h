/* hook.h — the call to somebody else's webhook: where he is, what is posted to him, what came back.
 *
 * One struct hook_caller stands between the server and the wire: HTTPS (fakeapi/http/hook_https.h), or in a
 * simulated world a link with faults (hook_link.h). Without one nobody listens anywhere: every call is refused.
 *
 * Failures are worded as client-go words them: `Post "https://...": dial tcp 127.0.0.1:1: connect: connection
 * refused`.
 */
#pragma once

#include "kube/transport.h"

#include <jansson.h>

struct call;

/* ---- the seam ------------------------------------------------------------------------------------- */

struct hook_request {
    const char *url;                   /* with its query */
    const char *dial;                  /* HOST:PORT to connect to; NULL: the URL's */
    const char *ca_pem;                /* whom to trust; NULL: whom the system trusts */
    const char *body;
    size_t len;
    duration timeout;
};

struct hook_reply {                    /* in the arena of the call */
    int status;
    const char *content_type;          /* NULL: none */
    const char *body;
    size_t len;
    bool began;                        /* a failed call had its status already */
};

struct hook_caller;
struct hook_caller_ops {
    const char *name;
    /* 0, or negative with `e` in Go's words, without the `Post "..."`. Suspends. */
    int (*call)(struct co *co, struct hook_caller *h, const struct hook_request *q, struct arena *a,
                struct hook_reply *ret, struct err *e);
    void (*free)(struct hook_caller *h);
};
struct hook_caller {
    const struct hook_caller_ops *ops;
};
struct hook_caller *hook_caller_free(struct hook_caller *h);    /* NULL is fine; returns NULL */

/* ---- one review ----------------------------------------------------------------------------------- */

/* A service that stands somewhere real: `serve --webhook-service`. */
struct hook_service {
    const char *namespace, *name;
    int port;                          /* 0: any */
    const char *dial;                  /* HOST:PORT */
};

/* Until when a request may take: the client's ?timeout=, 34 seconds at most. */
struct instant hook_deadline(struct call *c);

/* How the time a call may take is bounded, and what is said when it is over. */
struct hook_time {
    duration timeout;
    bool of_client;                    /* the HTTP client's own limit: its words are longer */
};

/* Posts `review` to the clientConfig (a JSON object of it) and decodes the answer, which must be of the same kind
 * and version, into *ret. Negative: it failed, and *ret_why says how. -ERR_CANCELLED stays itself. */
int hook_review(struct call *c, const json_t *client_config, const json_t *review, const struct hook_time *time,
                json_t **ret, const char **ret_why);
