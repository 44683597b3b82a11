/* history.h — everything that happened in one run, in order, with what it changed.
 *
 * Three sources feed it: the store's log (every object stored or gone, whoever did it), the link before
 * the API server (what a controller asked and was answered), and the link before the drivers. Listeners
 * (invariants) hear of each happening as it happens; expectations look back later.
 *
 * Ownership: the history holds a reference on every object; strings live in its arena. A happening is
 * never moved or freed before the history is.
 */
#pragma once

#include "conformance/scenario/scenario.h"
#include "fakeapi/store/store.h"
#include "kube/gvk.h"
#include "kube/snapshot_driver.h"
#include "world/world.h"

enum happening_type {
    HAPPENED_WRITE,                    /* an object was stored: object, previous (NULL: created) */
    HAPPENED_GONE,                     /* an object is no more: previous */
    HAPPENED_REQUEST,                  /* a controller's API request was answered: verb, status, body */
    HAPPENED_CALL,                     /* a driver call was sent: rpc, request */
    HAPPENED_ANSWER,                   /* and answered: rpc, request, code, reply, call */
    HAPPENED_FAULT,                    /* an injected fault struck: text */
    HAPPENED_CRASH, HAPPENED_START,    /* of a process: text */
    HAPPENED_STEP,                     /* of the scenario: text */
    HAPPENED_MARK                      /* text */
};

struct happening {
    enum happening_type type;
    size_t index;
    struct instant time;
    const char *actor;                 /* who did it, where that is known: "controller-0"; else "" */
    const char *kind, *namespace, *name, *uid, *subresource;        /* "" where there is none */
    json_t *object, *previous;         /* objects; of a request the body in `object` */
    const char *text;
    enum verb_word verb;               /* HAPPENED_REQUEST */
    int status;                        /* HTTP; 0: no reply reached the controller */
    bool wrote;                        /* the request changed something in the store */
    enum rpc_word rpc;                 /* calls and answers */
    const char *driver;
    json_t *request, *reply;
    enum rpc_code code;
    bool answered;                     /* false: the caller died or was cut off first */
    struct instant deadline;           /* of a call */
    const struct happening *call;      /* of an answer */
};

struct history;
typedef void history_listener_fn(void *arg, const struct happening *h);

struct history *history_new(struct world *w);
struct history *history_free(struct history *h);                /* NULL is fine; returns NULL */
struct arena *history_arena(struct history *h);
struct world *history_world(struct history *h);

/* Subscribes to the store; undone by history_free or when the store goes first, by history_unwatch. */
void history_watch(struct history *h, struct store *s);
void history_unwatch(struct history *h);
void history_listen(struct history *h, history_listener_fn *fn, void *arg);

/* A new happening to fill, stamped with the time; then told to the listeners by history_tell. */
struct happening *history_add(struct history *h, enum happening_type type, const char *actor);
void history_tell(struct history *h, const struct happening *e);
void history_note(struct history *h, enum happening_type type, const char *fmt, ...) PRINTF(3, 4);

/* Who is writing just now: set around a request so that what it stores carries the name. */
void history_set_actor(struct history *h, const char *actor);
/* Store writes so far: tells whether a request changed something. */
uint64_t history_writes(const struct history *h);

size_t history_count(const struct history *h);
const struct happening *history_at(const struct history *h, size_t i);
size_t history_mark(const struct history *h, const char *mark);  /* index after it; 0: the start */
/* Writes and calls matter, Leases and Events do not: the last moment something did. */
struct instant history_last_activity(const struct history *h);
struct waitq *history_changed(struct history *h);               /* woken at each happening */

/* The objects as they are now, in the order of kind, namespace and name. */
const json_t *history_object(const struct history *h, const char *kind, const char *namespace,
                             const char *name);
const json_t *history_object_by_uid(const struct history *h, const char *kind, const char *uid);
typedef bool history_object_fn(void *arg, const json_t *object);        /* false stops */
void history_each_object(const struct history *h, const char *kind, history_object_fn *fn, void *arg);

/* A dotted path into an object: "status.snapshot.snapshotUID", "metadata.annotations.a\.b/c",
 * "spec.containers.0.name". NULL where there is nothing. */
const json_t *path_get(const json_t *object, const char *path);
const char *path_string(const json_t *object, const char *path);        /* "" where there is none */
const char *condition_status(const json_t *object, const char *type, const char **ret_reason);  /* NULL */
