/* drive.h — one driver call for one Sandbox, as a task of its own, and the memory of how calls went.
 *
 * A pass never waits for a driver: it starts a call, returns, and is woken by the answer (SUS-082). A
 * drive is about one thing at a time, a kind and an id; asking about another forgets the history of the
 * former, once no call is out. Answers stay until the pass has made use of them.
 *
 *     MAY_CALL --start--> BUSY --answer--> ANSWERED --settle--> MAY_CALL
 *                                              \-----fail-----> WAITING --moment, or change--> MAY_CALL
 *
 * The owner frees a drive only when it is not running.
 */
#pragma once

#include "kube/object.h"
#include "kube/snapshot_driver.h"
#include "kube/workqueue.h"

enum drive_kind {
    DRIVE_NOTHING, DRIVE_CHECKPOINT, DRIVE_RESTORE, DRIVE_REMOVE, DRIVE_FREEZE_POD, DRIVE_UNFREEZE_POD
};

struct drive {
    /* whom an answer wakes: borrowed, set by drive_init */
    struct proc *proc;
    struct workq *queue;
    const struct objkey *key;
    /* what it is about */
    enum drive_kind kind;
    char *id;
    /* the call */
    struct arena *arena;               /* request and answer; emptied at the next start */
    struct snapshot_driver *driver;
    bool running, answered;
    enum rpc_code code;
    const char *message;
    union {
        struct checkpoint_request checkpoint;
        struct restore_request restore;
        struct snapshot_delete_request remove;
        struct freeze_request freeze;
    } request;
    struct checkpoint_response checkpointed;
    struct restore_response restored;
    /* the history */
    unsigned failures;
    char *failure;                     /* what the last one said; NULL where none did */
    bool terminal;                     /* the last failure was */
    bool uncertain;                    /* some attempt may have happened without our knowing */
    struct instant retry_at;
    int64_t generation;                /* of the Sandbox, at the last failure */
    uint64_t stamp;                    /* of what it refers to, at the last failure */
};

void drive_init(struct drive *d, struct proc *p, struct workq *queue, const struct objkey *key);
void drive_release(struct drive *d);             /* must not be running */

enum drive_state { DRIVE_MAY_CALL, DRIVE_BUSY, DRIVE_ANSWERED, DRIVE_WAITING };

/* BUSY also while a call about something else is out. `generation` and `stamp` are what a terminal
 * failure waits for a change of (SUS-075). */
enum drive_state drive_state(struct drive *d, enum drive_kind kind, const char *id, int64_t generation,
                             uint64_t stamp, struct instant now);
bool drive_is_about(const struct drive *d, enum drive_kind kind, const char *id);
bool drive_failed(const struct drive *d, enum drive_kind kind, const char *id);   /* the last one did */

/* Starts the call whose request stands in d->request, made with d->arena after drive_prepare. */
struct arena *drive_prepare(struct drive *d);
void drive_start(struct drive *d, struct snapshot_driver *driver);

void drive_settle(struct drive *d);              /* the answer has been used: the history is clean */
/* The answer, or the lack of a driver, was a failure: exponential from 1 s to 5 min, or (terminal) 5 min
 * unless something changes. */
void drive_fail(struct drive *d, const char *message, bool terminal, int64_t generation, uint64_t stamp,
                struct instant now);

/* A string map, sorted, in `arena`; and back. */
struct kvmap kvmap_from_json(struct arena *arena, const json_t *object);
json_t *kvmap_to_json(const struct kvmap *m);
