/* store_priv.h — the directory driver's files: artifacts, intents, tombstones. Private to the folder.
 *
 *   artifacts/SANDBOX~ID~UID    a snapshot: a line with its checksum, a line of JSON, the image
 *   artifacts/+SANDBOX~ID~UID   the same, being written
 *   intents/SANDBOX~ID          an attempt under way: which Pod to let go if it comes to nothing
 *   tombstones/SANDBOX~ID       a deleted id, with the time; SANDBOX is empty where Delete named none
 *
 * The life of an attempt, each step durable before the next: intent, [freeze, capture], artifact written
 * under its partial name, renamed, intent removed, [answer OK]. So an intent found on the disk says that
 * the attempt was never answered OK, whatever else is there: artifacts_open() undoes it. That one rule
 * covers a crash at any disk operation, and a rollback that itself failed: its workload is let go only
 * once nothing is left, so that no artifact ever is older than a workload that ran on.
 *
 * Parts of a name are percent-encoded but for letters, digits, '.', '_' and '-'.
 */
#pragma once

#include "kube/snapshot_driver.h"
#include "world/disk.h"

#define ID_MAX 128                              /* bytes of a sandbox_uid or checkpoint_id */
#define IMAGE_MAX ((size_t)1 << 30)

/* What is known of a snapshot. Texts live as long as the struct. */
struct artifact {
    char *sandbox_uid, *checkpoint_id, *snapshot_uid;
    char *file;                                 /* its name in artifacts/ */
    bool corrupt;                               /* only the name could be read */
    bool dying;                                 /* deleted, perhaps not yet off the disk */
    char *pod_uid, *metadata_checksum;
    struct kvmap parameters;
    int64_t size_bytes, creation_time_unix_ms;
    struct arena *arena;
};

struct artifacts;

struct artifacts *artifacts_new(struct world *w, struct disk *disk);
struct artifacts *artifacts_free(struct artifacts *s);      /* NULL is fine; returns NULL */

/* Reads the disk and undoes what a crash left; `thaw` is told the Pods of attempts that came to nothing.
 * Once it returned 0 it does nothing any more. Tasks that come meanwhile wait. */
typedef void artifacts_thaw_fn(void *arg, const char *pod_uid);
int artifacts_open(struct co *co, struct artifacts *s, artifacts_thaw_fn *thaw, void *arg, struct err *e);

/* Live ones, in the order of their file names; a loan until the next change. */
struct artifact **artifacts_all(struct artifacts *s, size_t *ret_n);
struct artifact *artifacts_by_id(struct artifacts *s, const char *checkpoint_id);
struct artifact *artifacts_by_uid(struct artifacts *s, const char *snapshot_uid);
bool artifacts_pod_is_source(struct artifacts *s, const char *pod_uid);   /* of a live artifact */

bool artifacts_tombstoned(struct artifacts *s, const char *sandbox_uid, const char *checkpoint_id);

/* An attempt. begin: the intent is durable. commit: the artifact is, and the intent is gone; then it is
 * live. abort: nothing is left; where that fails too, the id stays blocked until an abort succeeds or the
 * store is opened anew. */
struct blocked {
    char *sandbox_uid, *checkpoint_id, *pod_uid;
    bool was_running;
};
const struct blocked *artifacts_blocked(struct artifacts *s, const char *checkpoint_id);      /* NULL: it is not */
int artifacts_begin(struct co *co, struct artifacts *s, const char *sandbox_uid, const char *checkpoint_id,
                const char *pod_uid, bool was_running, struct err *e);
int artifacts_commit(struct co *co, struct artifacts *s, const struct checkpoint_request *q,
                 const char *snapshot_uid, const void *image, size_t len, struct artifact **ret,
                 struct err *e);
int artifacts_abort(struct co *co, struct artifacts *s, const char *sandbox_uid, const char *checkpoint_id,
                const char *pod_uid, bool was_running, struct err *e);

/* Durable before anything is removed: a late Checkpoint with the id is refused from here on. */
int artifacts_bury(struct co *co, struct artifacts *s, const char *sandbox_uid, const char *checkpoint_id,
               struct err *e);
/* The file is gone for good, and `art` with it. */
int artifacts_remove(struct co *co, struct artifacts *s, struct artifact *art, struct err *e);

/* The image, checked byte for byte. -ERR_PROTOCOL: it is not what was written. */
int artifacts_read(struct co *co, struct artifacts *s, const struct artifact *art, struct buf *ret, struct err *e);

/* True for 1 to ID_MAX bytes that make a file name. */
bool artifacts_id_ok(const char *id);

int artifacts_files(struct co *co, struct artifacts *s, struct arena *arena, const char *const **ret_names,
                size_t *ret_n, struct err *e);
