/* crash_vfs.h — a disk in memory for SQLite, which remembers every write and knows how power fails.
 *
 * Each write, truncation, deletion and sync of every file is recorded. crash_vfs_after() makes the disk that
 * a power cut behind the n-th of them may leave: what was synced is there; of the rest each 512-byte sector
 * is there or not. Full disks and failing ones too. For tests.
 */
#pragma once

#include "world/base.h"

struct crash_vfs;

struct crash_vfs *crash_vfs_new(void);
struct crash_vfs *crash_vfs_free(struct crash_vfs *v);           /* NULL is fine; returns NULL */
const char *crash_vfs_name(const struct crash_vfs *v);           /* for sqlite3_open_v2 */

size_t crash_vfs_steps(const struct crash_vfs *v);               /* recorded so far */

enum crash_loss {
    CRASH_ALL,                         /* nothing that was not synced reached the disk */
    CRASH_NONE,                        /* all did: the process died, the machine went on */
    CRASH_SOME                         /* by `seed`: sector by sector */
};
struct crash_vfs *crash_vfs_after(const struct crash_vfs *v, size_t steps, enum crash_loss loss, uint64_t seed);

void crash_vfs_quota(struct crash_vfs *v, size_t bytes);         /* of all files together; SIZE_MAX: none */
size_t crash_vfs_used(const struct crash_vfs *v);
void crash_vfs_fail_at(struct crash_vfs *v, size_t step);        /* that one and all later ones fail; SIZE_MAX */

/* The content of a file, to look at and to damage; NULL: there is none. */
char *crash_vfs_content(struct crash_vfs *v, const char *name, size_t *ret_len);
void crash_vfs_put(struct crash_vfs *v, const char *name, const void *data, size_t len);
