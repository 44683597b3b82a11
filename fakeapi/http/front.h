/* front.h — HTTP around a request function: one task per request, watches as chunked streams.
 *
 * What kube-apiserver's HTTP layer adds to every reply is added here: Audit-Id, Cache-Control and the
 * flow-control headers. Everything else, errors included, is the handler's.
 *
 * Promises
 *  (1) A request of any size up to the server's limits reaches the handler once, with the target split at
 *      the first '?' and nothing decoded. A body beyond FRONT_BODY_MAX arrives cut one byte behind it, so
 *      that the handler can refuse it with its own words (K-001).
 *  (2) A watch holds no task: 10,000 of them cost their connections and nothing else.
 *      A request beside them costs what it costs alone, as long as its handler does not wait.
 *  (3) A client that goes away ends its watch at once.
 *  (4) Stopping ends watches, lets requests under way finish, and then takes the rest down.
 */
#pragma once

#include "kube/transport.h"

#define FRONT_BODY_MAX 3145728

struct front;

/* As apiserver_handle with bytes wanted. A status of 0 closes the connection without an answer. */
typedef int front_handle_fn(struct co *co, void *arg, const struct api_request *q, struct api_reply *ret);

struct front_options {
    const char *listen;                /* "127.0.0.1:0", "[::1]:8080", "unix:/path" */
    const char *cert_pem, *key_pem, *client_ca_pem;             /* NULL: plain HTTP */
    front_handle_fn *handle;
    void *arg;
    void (*before_turn)(void *arg);    /* before bytes leave: where writes become durable; NULL fine */
    bool clock_may_stand;              /* the world's: watches then end by the client's clock, too */
};

struct front *front_new(struct world *w, const struct front_options *o, struct err *e);
const char *front_url(const struct front *f);    /* for clients on this machine: "http://127.0.0.1:43117" */
bool front_is_unix(const struct front *f);

void front_stop(struct front *f);                /* promise 4, without the rest */
size_t front_busy(const struct front *f);        /* requests and watches not yet over */
uint64_t front_suspensions(const struct front *f);               /* see http_server.h */
struct front *front_free(struct front *f);       /* NULL is fine; returns NULL */
