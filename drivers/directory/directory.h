/* directory.h — the reference driver: artifacts are files, all or nothing.
 *
 * It works on a world disk, simulated or a real directory, and beside guests (kube/guest.h) or blind.
 * Blind, it has never seen a Pod: it takes the request's word for it (drivers/CONTRACT.md), unless a
 * directory "pods" on the disk says which Pods there are.
 *
 * Promises
 *  (1) An artifact that was answered OK survives any crash (DRV-010), and the same checkpoint_id is
 *      answered the same ever after (DRV-012).
 *  (2) All or nothing: an attempt that failed leaves nothing, and its workload runs again as before
 *      (DRV-015). After a crash an attempt that nobody heard of is either there whole, its workload
 *      quiesced, or has left nothing; that is settled before the first call is served. The same holds
 *      where undoing fails as well: the answer is then INTERNAL, the outcome unknown (DRV-063).
 *  (3) What Delete answered OK for is gone and stays gone: a Checkpoint with that id that comes late is
 *      refused for TOMBSTONE_LIFE (DRV-042, DRV-044).
 *  (4) An artifact that is not byte for byte what was written is DATA_LOSS, never restored (DRV-032).
 *  (5) Calls for one checkpoint_id, and for one Pod, go one after the other; others go on meanwhile
 *      (DRV-008).
 *
 * Layout of the disk: artifacts/ (one file each, SANDBOX~ID~UID, DRV-018), intents/ (attempts under way),
 * tombstones/; see store_priv.h.
 */
#pragma once

#include "kube/guest.h"
#include "kube/snapshot_driver.h"
#include "world/disk.h"

#define DIRECTORY_DRIVER_NAME "directory.dormouse.dev"
#define TOMBSTONE_LIFE DURATION_MIN(60)         /* twelve times the Checkpoint deadline */

struct directory_driver_options {
    struct world *world;
    struct disk *disk;                 /* borrowed; its root is the driver's alone */
    struct guest_host *guests;         /* borrowed; NULL: blind, and no FREEZE capability */
    const char *name;                  /* copied; NULL: DIRECTORY_DRIVER_NAME */
    /* The usable buckets (parameters bucket, s3.bucket, gcs.bucket), borrowed. None given: any bucket with
     * a well-formed name. Others are PERMISSION_DENIED (DRV-017). */
    const char *const *buckets;
    size_t n_buckets;
};

struct snapshot_driver *directory_driver_new(const struct directory_driver_options *o);

/* Reads the disk and rolls back what a crash left. The first call does it by itself; a program does it
 * when it starts, to fail early. */
int directory_driver_recover(struct co *co, struct snapshot_driver *d, struct err *e);

/* Introspection: every file that holds something of a snapshot, live or partial, in byte order and in
 * `arena`. What invariants count ("nothing of it remains", DRV-044). Tombstones are not counted. */
int directory_driver_files(struct co *co, struct snapshot_driver *d, struct arena *arena,
                           const char *const **ret_names, size_t *ret_n, struct err *e);
