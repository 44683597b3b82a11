/* apiserver.h — a request in, a reply out: kube-apiserver as a function.
 *
 * It knows nothing of sockets and reads no clock or random source but the world's. Three doors: the
 * function itself (fakeapi/http calls it), a transport for clients in the same program, and what only
 * the owner of a laboratory may do (compaction, marks, fault-free direct reads).
 */
#pragma once

#include "fakeapi/store/commitlog.h"
#include "kube/transport.h"

struct apiserver;
struct hook_caller;
struct hook_service;

/* Who is believed, and who may do what. Zero: everybody may do everything. */
struct auth_options {
    bool rbac;                         /* by roles and bindings, with those that a fresh server has */
    bool no_anonymous;                 /* who shows nothing is refused */
    const char *issuer;                /* of service accounts' tokens; NULL: "https://kubernetes.default.svc" */
    const char *const *audiences;      /* the server's own; none: the issuer */
    size_t n_audiences;
    const char *jwks_uri;              /* NULL: on the host that is asked */
    const char *signing_key;           /* PEM; NULL: made when first needed */
    const char *verify_keys;           /* PEM of further keys that are believed; NULL: none */
    const char *tokens;                /* lines of a token file: token,user,uid,"group,group"; NULL: none */
};

struct apiserver_options {
    const char *release;               /* "1.30": which Kubernetes it says it is (release.h); NULL: the newest */
    const char *crds;                  /* "" or "agent-sandbox": kinds to add to a fresh kube-apiserver's */
    struct auth_options auth;
    struct hook_caller *hook_caller;   /* how webhooks are called (hook.h); stolen. NULL: nobody listens */
    const struct hook_service *hook_services;        /* where services stand; borrowed */
    size_t n_hook_services;
    bool bare;                         /* of a fresh server's objects only namespaces and priority classes */
    struct commitlog *log;             /* what was served before and what survives; stolen. NULL: memory alone */
    /* The owner calls apiserver_sync() once a turn, before what he sends leaves; else each request of the
     * transport is made safe by itself. */
    bool group_commit;
    unsigned max_inflight, max_mutating_inflight;    /* at once; beyond them 429. 0: no limit */
    duration compact_every;            /* drops history older than that (C-006); 0: never */
    duration event_ttl;                /* Events are deleted so long after their last write (B-192); 0: never */
};

/* Serves what the log holds, or from a fresh store. Its background work (TTLs, bookmarks, CRD conditions)
 * runs as tasks of a process "apiserver". NULL with what store_open() said, too. */
struct apiserver *apiserver_new(struct world *w, const struct apiserver_options *o, struct err *e);
struct apiserver *apiserver_free(struct apiserver *s);          /* NULL is fine; returns NULL */
/* Frees the server and hands its log back, to serve from again. */
struct commitlog *apiserver_stop(struct apiserver *s);

/* One request, top to bottom. Suspends only where a real server waits (a webhook, a list at a future
 * revision, a commit group). Always fills `ret`. want_tree: the caller takes reply->object and no bytes
 * need be made. Returns 0, or -ERR_CANCELLED when the caller's task is cancelled while waiting. */
int apiserver_handle(struct co *co, struct apiserver *s, const struct api_request *q, bool want_tree,
                     struct api_reply *ret);

struct transport *apiserver_transport(struct apiserver *s);     /* in process; free it before the server */
struct store *apiserver_store(struct apiserver *s);
/* Open watches, and in *ret_unread how many of their frames nobody has taken yet. */
size_t apiserver_watches(const struct apiserver *s, size_t *ret_unread);

/* Makes everything written so far safe: now it may be told. Negative once the log has failed: then nothing
 * may leave this process any more. */
int apiserver_sync(struct apiserver *s, struct err *e);
