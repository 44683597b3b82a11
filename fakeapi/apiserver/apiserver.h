/* apiserver.h — a request in, a reply out: kube-apiserver as a function.
 *
 * It knows nothing of sockets and reads no clock or random source but the world's. Three doors: the
 * function itself (fakeapi/http calls it), a transport for clients in the same program, and what only
 * the owner of a laboratory may do (compaction, marks, fault-free direct reads).
 */
#pragma once

#include "fakeapi/store/store.h"
#include "kube/transport.h"

struct apiserver;

struct apiserver_options {
    const char *crds;                  /* "" or "agent-sandbox": kinds to add to a fresh kube-apiserver's */
    bool bare;                         /* of a fresh server's objects only namespaces and priority classes */
};

/* Serves from a fresh store of its own. Its background work (TTLs, bookmarks, CRD conditions) runs as
 * tasks of a process "apiserver". */
struct apiserver *apiserver_new(struct world *w, const struct apiserver_options *o, struct err *e);
struct apiserver *apiserver_free(struct apiserver *s);          /* NULL is fine; returns NULL */

/* One request, top to bottom. Suspends only where a real server waits (a webhook, a list at a future
 * revision, a commit group). Always fills `ret`. want_tree: the caller takes reply->object and no bytes
 * need be made. Returns 0, or -ERR_CANCELLED when the caller's task is cancelled while waiting. */
int apiserver_handle(struct co *co, struct apiserver *s, const struct api_request *q, bool want_tree,
                     struct api_reply *ret);

struct transport *apiserver_transport(struct apiserver *s);     /* in process; free it before the server */
struct store *apiserver_store(struct apiserver *s);
