/* pass.h — one pass over one Sandbox, shared by the files of this folder only.
 *
 * A pass decides on one view of the Sandbox and never on an older one than it, or a pass before it in
 * this process, has seen or written (SUS-085). It goes in rounds: observe, decide one step, take it. A
 * step that changed what was observed says ROUND_AGAIN, and the next round looks anew.
 */
#pragma once

#include "controller/kinds.h"
#include "controller/sandbox/children.h"
#include "controller/sandbox/decide.h"
#include "controller/sandbox/drive.h"
#include "controller/sandbox/sandbox.h"
#include "controller/sandbox/target.h"

#define TOLD_MAX 8

/* What the controller remembers of one Sandbox between passes. Nothing here is needed for correctness
 * after a restart; it saves repeated calls and keeps caches from deceiving us. */
struct sandbox_memory {
    struct sandbox_memory *next;
    char *namespace, *name, *uid;
    struct objkey key;
    uint64_t seen;                     /* resourceVersion of the newest view so far */
    bool reread;                       /* the cache is known to be behind: ask the server */
    /* Our Pod as a reply to a write of ours showed it; the cache may not have got there yet. */
    char *pod_uid, *pod_name;
    uint64_t pod_seen;
    char *told_to_go[TOLD_MAX];        /* uids of Pods we deleted; the cache may show them live */
    char *fresh_checkpoint;            /* the intent that this process wrote, no attempt uncertain */
    struct instant blocked_until;      /* after an answer that was no answer (SUS-083) */
    int64_t blocked_generation;
    uint64_t blocked_stamp;
    bool blocked;
    struct drive work;                 /* Checkpoint, Restore, Freeze, Unfreeze: one at a time (SUS-081) */
    DYN(struct drive *) removals;      /* one per entry of snapshotsPendingDeletion */
};

#define MEMORY_BUCKETS 1024

struct sandbox_controller {
    struct manager *manager;
    struct world *world;
    struct client *client;
    struct registry *registry;
    struct events *events;
    struct controller *controller;
    struct workq *queue;
    struct informer *sandboxes, *pods, *services, *pvcs, *claim_templates;
    struct target_sources sources;
    const char *cluster_domain, *freeze_driver;
    struct sandbox_memory *memory[MEMORY_BUCKETS];            /* by key, then by uid */
};

enum { ROUND_DONE = 0, ROUND_AGAIN = 1 };

struct pass {
    struct co *co;
    struct sandbox_controller *c;
    struct sandbox_memory *mem;
    struct apierr *err;                /* the first child error, then whatever ends the pass */
    int child_error;                   /* its code; 0: none */
    const char *child_message;
    json_t *sandbox;                   /* the view that this pass decides on */
    bool fresh;                        /* it was read or written by this pass */
    json_t *pods;                      /* ours, array */
    json_t *verified;                  /* ours as the server itself said, in this pass; NULL: not asked */
    json_t *pod;                       /* the one that is meant (ours or a stranger's), or NULL */
    json_t *service;                   /* ours, or NULL */
    bool pvcs_done, pvcs_failed, torn_down, settling;
    struct sandbox_facts f;
    const char *note;                  /* a sentence for the Suspended condition, or NULL */
    const char *ready_note;            /* for Ready */
    struct target target;              /* resolved where the step needs it */
    bool target_known;
    struct instant now, wake;
};

/* Every function here returns ROUND_DONE, ROUND_AGAIN or a negative error that ends the pass. */

/* ---- observe.c ---- */
int pass_begin(struct pass *p, const struct objkey *key);       /* -APIERR_NOT_FOUND: there is none */
void pass_end(struct pass *p);
void pass_take_view(struct pass *p, json_t *sandbox);           /* steals a newer view: reply or read */
void memory_free(struct sandbox_memory *m);
int pass_observe(struct pass *p);
int pass_verify_absent(struct pass *p);          /* asks the server for our Pods (SUS-026) */
int pass_reread(struct pass *p);                 /* the Sandbox from the server: AGAIN where it moved */
/* Our Pod as a reply shows it (stolen): what the rest of the pass, and the next ones, go by. */
void pass_take_pod(struct pass *p, json_t *pod);
void pass_wake_at(struct pass *p, struct instant t);
/* A child could not be brought in order: Ready=ReconcilerError, the key is retried (SBX-090). A conflict
 * only means that the view was old. Passes -ERR_CANCELLED on. */
int pass_child_failed(struct pass *p, int r, const struct apierr *err);
bool pass_now_after(const struct pass *p, struct instant t);
const struct target *pass_target(struct pass *p);

const json_t *snap_live(const json_t *sandbox);                 /* status.snapshot, or NULL */
const json_t *snap_pending(const json_t *sandbox);
const json_t *snap_owed(const json_t *sandbox);
bool is_suspended_mode(const json_t *sandbox);
enum strategy strategy_of(const json_t *sandbox);
bool pod_is_ready(const json_t *pod);
bool pod_is_going(const struct pass *p, const json_t *pod);     /* terminating, or told to by us */
bool pod_told_to_go(const struct pass *p, const json_t *pod);

/* ---- status.c ---- */

/* The next snapshot fields. What is NULL keeps its value; json_null() removes. All stolen. */
struct snap_edit {
    json_t *snapshot, *pending, *owed;
};
/* Writes the status that the facts mean, with the snapshot fields as edited, under resourceVersion; no
 * write where nothing changed. AGAIN after an edit was accepted. */
int pass_commit(struct pass *p, struct snap_edit edit);
#define NO_EDIT ((struct snap_edit){ 0 })
/* A merge patch of the Sandbox's metadata; the reply becomes the view. AGAIN. */
int pass_patch_metadata(struct pass *p, json_t *metadata);      /* steals */
int pass_set_annotation(struct pass *p, const char *key, const char *value);   /* NULL removes */
int pass_set_finalizer(struct pass *p, bool present);
/* A copy of snapshotsPendingDeletion with one more entry, made of a snapshot or of an intent. */
json_t *owed_with_snapshot(json_t *owed, const json_t *snapshot);    /* steals owed (NULL: empty) */
json_t *owed_with_intent(json_t *owed, const json_t *pending);
json_t *owed_copy(const json_t *sandbox);

/* ---- pods.c: steps on children ---- */
int pass_volume_claims(struct pass *p);
int pass_service(struct pass *p);
int pass_adopt_pod(struct pass *p);
int pass_create_pod(struct pass *p, const struct kvmap *injected);
int pass_keep_pod(struct pass *p);
int pass_delete_pod(struct pass *p, const json_t *pod);
int pass_forget_pod(struct pass *p);

/* ---- snapshots.c: steps with a driver ---- */
int pass_stamp_claim(struct pass *p);
int pass_checkpoint(struct pass *p);
int pass_drive(struct pass *p);
int pass_abandon(struct pass *p);
int pass_restore(struct pass *p);
int pass_restore_blocked(struct pass *p);
int pass_discard(struct pass *p);
int pass_retire(struct pass *p, const char *event);             /* the live snapshot is owed now */
int pass_freeze(struct pass *p);
int pass_unfreeze(struct pass *p);
/* Before a frozen Pod is deleted: 1 while Unfreeze is out, 0 when the delete may go (SUS-136). */
int pass_thaw_for_deletion(struct pass *p, const json_t *pod);
/* Calls Delete for what is owed and may go; removes what is done. */
int pass_settle_owed(struct pass *p);
bool pass_owes(const struct pass *p);

/* ---- retire.c ---- */
int pass_finalize(struct pass *p);
int pass_expire(struct pass *p);
bool pass_is_expired(struct pass *p);
