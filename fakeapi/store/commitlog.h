/* commitlog.h — what makes a write survive: the seam between the store and its durable log.
 *
 * Every write is appended before it takes effect; a log that refuses it makes it fail without effect.
 * An appended write is safe once a sync that began after it returned. "Acknowledged" means: nobody
 * outside was told before that. So whoever answers a write waits with store_wait_committed(), and the
 * owner of the loop calls store_sync() once a turn: everything of one turn is one commit.
 *
 * Implementations: `none` (a simulation, `serve` without --data: all is safe at once), `sqlite` (a file:
 * commitlog_sqlite.h), `memory` (keeps what was synced over the death of a store, loses the rest: a machine
 * that loses power), and two that wrap another: `faulty` and `traced`.
 *
 * Promises (the contract test checks them over every implementation)
 *  (1) append takes revisions one by one, without a hole;
 *  (2) load gives every record that a store with this history and these compactions still holds, in
 *      order of revision, up to the last synced one at least, and never one that was not appended;
 *  (3) after a failed sync every later append and sync fails: what is on the disk is not known any more.
 */
#pragma once

#include "fakeapi/store/store.h"
#include "world/world.h"

struct commit {
    uint64_t revision;
    enum store_event_type type;
    const char *key;
    struct value *value;               /* borrowed; of a deletion what watchers see last */
    uint64_t create_revision, version; /* 0 for a deletion */
    uint64_t previous;                 /* the revision that this one replaces; 0 for a create */
};

struct commitlog;

/* A false return stops the load. */
typedef bool commit_fn(void *arg, const struct commit *c);

struct commitlog_ops {
    const char *name;                  /* in traces and test names */
    bool instant;                      /* safe once appended: no sync is ever needed */
    int (*append)(struct commitlog *l, const struct commit *c, struct err *e);
    int (*sync)(struct commitlog *l, struct err *e);
    int (*compact)(struct commitlog *l, uint64_t revision, struct err *e);
    /* The compaction floor goes to *ret_compacted before the first record. What was loaded is synced. */
    int (*load)(struct commitlog *l, uint64_t *ret_compacted, commit_fn *each, void *arg, struct err *e);
    void (*free)(struct commitlog *l);
};

struct commitlog {
    const struct commitlog_ops *ops;
    uint64_t appended, synced;         /* revisions; 1 = nothing yet */
    bool failed;
};

/* ---- for the store -------------------------------------------------------------------------------- */

int commitlog_append(struct commitlog *l, const struct commit *c, struct err *e);
int commitlog_sync(struct commitlog *l, struct err *e);
int commitlog_compact(struct commitlog *l, uint64_t revision, struct err *e);
int commitlog_load(struct commitlog *l, uint64_t *ret_compacted, commit_fn *each, void *arg,
                   struct err *e);
struct commitlog *commitlog_free(struct commitlog *l);          /* NULL is fine; returns NULL */

/* ---- implementations ------------------------------------------------------------------------------ */

struct commitlog *commitlog_none_new(void);
struct commitlog *commitlog_memory_new(void);
/* Power is cut: what was not synced is gone, and the log can be loaded into another store. */
void commitlog_memory_cut(struct commitlog *l);

/* Steals `inner`. The n-th call (append, sync or compact; the first is 1) fails with `code`; with `stays`
 * so does every later one. */
struct commitlog *commitlog_faulty_new(struct commitlog *inner, uint64_t nth, enum err_code code,
                                       bool stays);
/* Steals `inner`, writes each call as a line: "append 7 UPDATE /a version 2". */
struct commitlog *commitlog_traced_new(struct commitlog *inner, void (*line)(void *arg, const char *text),
                                       void *arg);

/* ---- a store on a log ----------------------------------------------------------------------------- */

/* A store with all that `log` holds; steals `log`, even on error. NULL with `e` where it cannot be
 * loaded or its records contradict each other. */
struct store *store_open(struct commitlog *log, struct err *e);

/* Frees the store and hands its log back: what a restart does. */
struct commitlog *store_close(struct store *s);

uint64_t store_committed(const struct store *s);                /* safe up to here */
/* Makes everything written so far safe and wakes those who wait for it. Never suspends; blocks as long
 * as the disk needs. */
int store_sync(struct store *s, struct err *e);
/* Suspends until `revision` is safe. -ERR_IO once the log has failed, -ERR_CANCELLED. */
int store_wait_committed(struct co *co, struct store *s, uint64_t revision);
/* Called after a write that needs a sync where none was needed before; NULL: nobody. */
void store_on_unsynced(struct store *s, void (*fn)(void *arg), void *arg);
