/* workqueue.h — the queue between informers and reconcilers.
 *
 * It holds keys, never objects. A key added while it is being processed is remembered and queued
 * again on workq_done(), so one key is never reconciled by two tasks at once. A key added twice before
 * anybody took it is one key. A key that waits for a moment (workq_add_after) and is added meanwhile is
 * queued now, and once more at that moment only if the moment was asked for again.
 *
 * Ownership: the queue copies a key on add and lends it on get; the loan ends at workq_done(). It keeps
 * nothing of a key that neither waits, nor is processed, nor has failures to its name.
 *
 * Promises
 *  (1) No key is lent twice at once.
 *  (2) A key added after workq_get lent it is lent again after workq_done.
 *  (3) Keys come out in the order they became ready; those due at one instant in the order they were set.
 *  (4) The n-th failure in a row delays a key by base * 2^(n-1), at most max; workq_forget starts over.
 */
#pragma once

#include "world/world.h"

/* An object's name in its namespace ("" for cluster scope). Strings of one key live as long as it. */
struct objkey {
    const char *namespace, *name;
};
bool objkey_equal(const struct objkey *a, const struct objkey *b);
int objkey_compare(const struct objkey *a, const struct objkey *b);    /* by namespace, then name */

struct workq;

struct workq_options {
    const char *name;                  /* in traces; copied */
    duration base, max;                /* 0 = client-go's 5 ms and 1000 s */
};

struct workq *workq_new(struct world *w, const struct workq_options *o);
struct workq *workq_free(struct workq *q);      /* nobody may wait in it; NULL is fine; returns NULL */

void workq_add(struct workq *q, const struct objkey *key);
/* The earliest of several wins: adding with a later moment does not postpone. */
void workq_add_after(struct workq *q, const struct objkey *key, duration delay);
void workq_add_at(struct workq *q, const struct objkey *key, struct instant when);
/* A failure: after the key's own exponential delay (promise 4). Returns that delay. */
duration workq_add_rate_limited(struct workq *q, const struct objkey *key);
void workq_forget(struct workq *q, const struct objkey *key);
unsigned workq_failures(const struct workq *q, const struct objkey *key);

/* The next key, or NULL once the queue is shut down and empty, or the task's process is dead. */
const struct objkey *workq_get(struct co *co, struct workq *q);
void workq_done(struct workq *q, const struct objkey *key);

void workq_shutdown(struct workq *q);            /* what is queued is still handed out, timers are not */
size_t workq_len(const struct workq *q);         /* ready ones, neither waiting for a moment nor lent */
bool workq_idle(const struct workq *q);          /* nothing ready and nothing lent */
