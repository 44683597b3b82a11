/* store.h — an ordered multi-version map with etcd's promises: what is kept, and its history.
 *
 * Keys are bytes ordered as bytes ("/pods/default/a"); values are immutable and shared: a JSON tree,
 * its wire bytes, or both, the missing one made once when asked for. Every write gets the next revision
 * and one entry in the log; watches are subscriptions on the log. The store knows nothing of Kubernetes.
 *
 * Nothing here suspends. Durability is behind the commit-log seam (commitlog.h): who needs it waits for
 * store_wait_committed() (commitlog.h) before he answers.
 *
 * Promises (the contract test checks each against a plain list)
 *  (1) one revision counter, strictly increasing, gapless in the log;
 *  (2) a write carries the mod revision it expects, and loses without effect if it moved;
 *  (3) a range read at revision R sees exactly the state after R, or fails EXPIRED if R is compacted;
 *  (4) a watch from R delivers every later event once, in order, or fails EXPIRED;
 *  (5) an acknowledged write survives kill -9 (with a durable log);
 *  (6) a failed write changes nothing and emits nothing;
 *  (7) store_undo(mark) restores state, log and revision exactly as they were at the mark.
 */
#pragma once

#include <jansson.h>

#include "world/buf.h"
#include "world/err.h"

struct store;

/* A value: one reference = one holder. */
struct value {
    unsigned refs;
    json_t *tree;                      /* never edited; NULL until asked for when it came as bytes */
    struct blob *bytes;                /* canonical JSON; NULL until asked for */
    uint64_t hash;                     /* of the tree; 0 until asked for */
};
struct value *value_from_tree(json_t *tree);     /* steals the reference */
struct value *value_from_bytes(struct blob *bytes);             /* steals the reference */
struct value *value_ref(struct value *v);
void value_unref(struct value *v);               /* NULL is fine */
json_t *value_tree(struct value *v);             /* borrowed; parses once */
struct blob *value_bytes(struct value *v);       /* borrowed; serialises once */

struct store *store_new(void);
struct store *store_free(struct store *s);       /* NULL is fine; returns NULL */

uint64_t store_revision(const struct store *s);  /* of the last write; 1 when nothing was written */
uint64_t store_compacted(const struct store *s); /* revisions below are gone; 0 = none */

struct record {
    const char *key;                   /* owned by the store: valid until the next write */
    struct value *value;               /* borrowed */
    uint64_t create_revision, mod_revision, version;
};

/* at = 0: now. 0, -ERR_NOT_FOUND; for a revision ahead of the store -ERR_UNAVAILABLE,
 * for a compacted one -ERR_INVALID. */
int store_get(struct store *s, const char *key, uint64_t at, struct record *ret);

/* Every record with prefix <= key < end of prefix, in key order, starting after `after` (NULL: from the
 * first), at most `limit` (0: all). Calls each(); a false return stops. The count that remains after a
 * stop by limit goes to *ret_remaining (NULL fine). */
typedef bool record_fn(void *arg, const struct record *r);
int store_range(struct store *s, const char *prefix, const char *after, uint64_t at, size_t limit,
                record_fn *each, void *arg, size_t *ret_remaining);
size_t store_count(struct store *s, const char *prefix);

/* expect: the mod revision the key must have; 0 = must not exist; STORE_ANY = whatever. The value's
 * reference is stolen in every case. Fills `ret` (NULL fine). -ERR_EXISTS / -ERR_NOT_FOUND / -ERR_INVALID
 * (another revision) where the expectation fails. The caller learns the revision before making the value
 * by store_revision() + 1. */
#define STORE_ANY UINT64_MAX
int store_put(struct store *s, const char *key, struct value *v, uint64_t expect, struct record *ret);
/* Deleting what is not there is -ERR_NOT_FOUND whatever is expected. Both also return what the commit
 * log said when it refused the write (-ERR_FULL, -ERR_IO ...). */
int store_delete(struct store *s, const char *key, uint64_t expect, struct value *last,
                 uint64_t *ret_revision);       /* `last` (stolen, may be NULL) is what watchers see */

/* ---- the log ---------------------------------------------------------------------------------- */

enum store_event_type { STORE_CREATE, STORE_UPDATE, STORE_DELETE };
struct store_event {
    uint64_t revision;
    enum store_event_type type;
    const char *key;
    struct value *value;               /* after; for a delete the last value as watchers see it */
    struct value *previous;            /* before; NULL for a create */
};

/* Called inside the write, in the order of subscription; must not write to the store, but may subscribe
 * (from the next write on) and unsubscribe anybody. */
typedef void store_watch_fn(void *arg, const struct store_event *e);
struct store_watch *store_watch_new(struct store *s, const char *prefix, store_watch_fn *fn, void *arg);
struct store_watch *store_watch_free(struct store_watch *w);    /* NULL is fine */

/* Replays events with revision > from under the prefix; a false return stops. -ERR_INVALID where the
 * event after `from` is compacted away, -ERR_UNAVAILABLE where `from` is ahead of the store. */
typedef bool store_event_fn(void *arg, const struct store_event *e);
int store_replay(struct store *s, const char *prefix, uint64_t from, store_event_fn *each, void *arg);

int store_compact(struct store *s, uint64_t revision);          /* -ERR_INVALID: behind or ahead */

/* ---- undo, for simulations -------------------------------------------------------------------- */

uint64_t store_mark(struct store *s);            /* remembers the present; marks nest */
/* Back to it, any number of times; marks made since are forgotten, watches made since must be gone. */
void store_undo(struct store *s, uint64_t mark);
void store_forget(struct store *s, uint64_t mark);              /* this mark and those made since */

/* Of everything a reader can see now: keys, values, revisions. Only what changed since is hashed. */
uint64_t store_fingerprint(struct store *s);
