/* informer.h — a local copy of one kind of object, kept up to date by list and watch.
 *
 * A reflector lists, then watches from the list's resourceVersion with bookmarks; a watch that ends is
 * taken up where it stopped, an expired one (410) begins with a new list. What it learns becomes the
 * cache, in the order the server said it; then handlers hear of it. A cache lags behind the server: the
 * delivery of every event is a scheduling step of its own, so that in a simulation any other task may
 * run first. informer_hold() makes the lag as long as a test wants.
 *
 * Objects are shared with the server's store or at least with the other readers: json_own or
 * json_clone before the first edit.
 *
 * Promises
 *  (1) The cache is at any time a state the server had for each object, never older than shown before.
 *  (2) Handlers hear of each change of the cache once, in its order: ADDED, MODIFIED, DELETED.
 *  (3) informer_synced() is true from the first complete list on; its objects were handed out before.
 *  (4) Listing is in the order of namespace and name, whatever the order of arrival.
 *  (5) After a crash of the owner nothing is delivered any more.
 */
#pragma once

#include "kube/client.h"
#include "kube/workqueue.h"

struct informer;

enum informer_event { INFORMER_ADDED, INFORMER_MODIFIED, INFORMER_DELETED };

/* `old` is NULL for ADDED; `obj` is the last known state for DELETED. Both equal: a resync. Borrowed.
 * Runs on the reflector's stack and must not suspend: it puts keys into queues. */
typedef void informer_handler_fn(void *arg, enum informer_event type, const json_t *old, const json_t *obj);

/* Says under which values an object is found: calls emit(value) any number of times. Pure. */
struct index_sink;
typedef void informer_index_fn(const json_t *obj, struct index_sink *sink);
void index_emit(struct index_sink *sink, const char *value);

struct informer_options {
    const char *namespace;                       /* "" or NULL: all */
    const char *label_selector, *field_selector; /* NULL: all */
    duration resync;                             /* every object as MODIFIED(same, same); 0: never */
    duration lag;                                /* each event is late by 0 or this (a choice); 0: never */
    int64_t page;                                /* list in pages of so many; 0: in one piece */
};

/* Made stopped: add handlers and indexes, then start. Borrows client and resource. */
struct informer *informer_new(struct proc *owner, struct client *c, const struct resource *rs,
                              const struct informer_options *o);
void informer_add_handler(struct informer *i, informer_handler_fn *fn, void *arg);
void informer_add_index(struct informer *i, const char *name, informer_index_fn *fn);   /* name: literal */
void informer_start(struct informer *i);
struct informer *informer_free(struct informer *i);             /* the owner must be dead or free of tasks */

const struct resource *informer_resource(const struct informer *i);
bool informer_synced(const struct informer *i);
int informer_wait_synced(struct co *co, struct informer *i);    /* 0 or -ERR_CANCELLED */

/* A new reference or NULL. Mixes what it found into the task's input hash; `co` may be NULL in handlers. */
json_t *informer_get(struct co *co, struct informer *i, const char *namespace, const char *name);
/* A new array of them, shared elements; namespace "" or NULL: all. */
json_t *informer_list(struct co *co, struct informer *i, const char *namespace);
json_t *informer_by_index(struct co *co, struct informer *i, const char *index, const char *value);
size_t informer_count(const struct informer *i);
/* The resourceVersion the cache has reached; "" before the first list. */
const char *informer_version(const struct informer *i);

/* While held nothing is delivered; what comes waits in the watch. */
void informer_hold(struct informer *i, bool held);
