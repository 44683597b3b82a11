/* disk.h — files that survive a crash only as far as they were synced.
 *
 * The simulated disk keeps, for each file and directory, what is durable and what is not yet. After
 * disk_crash() only durable content is certain; each unsynced write or directory entry is kept, lost
 * or (a write) torn, by choose(). A new name is durable once its directory is synced, bytes once the
 * file is. The real one is POSIX below a root directory. Paths are relative, '/'-separated, without
 * "..", at most 1,023 bytes, a name at most 255: anything else is -ERR_INVALID.
 *
 * Every call with `co` may suspend, so that a crash can fall between any two of them.
 */
#pragma once

#include "world/buf.h"
#include "world/world.h"

struct disk;

struct disk *disk_sim_new(struct world *w);
struct disk *disk_posix_new(const char *root, struct err *e);   /* NULL on error; root must exist */
struct disk *disk_free(struct disk *d);                         /* NULL is fine; returns NULL */

enum disk_open_flags { DISK_READ = 1, DISK_WRITE = 2, DISK_CREATE = 4, DISK_EXCL = 8, DISK_TRUNC = 16 };

/* A handle (>= 0) or negative. CREATE and TRUNC want WRITE; EXCL wants CREATE. Handles die with
 * disk_crash(). Only regular files are opened, and no symbolic link is followed. */
int disk_open(struct co *co, struct disk *d, const char *path, int flags, struct err *e);
void disk_close(struct disk *d, int handle);
int disk_write(struct co *co, struct disk *d, int handle, uint64_t offset, const void *data, size_t len,
               struct err *e);
/* The number of bytes read, short only at the end of the file. */
int64_t disk_read(struct co *co, struct disk *d, int handle, uint64_t offset, void *data, size_t len,
                  struct err *e);
int disk_sync(struct co *co, struct disk *d, int handle, struct err *e);
int disk_sync_dir(struct co *co, struct disk *d, const char *path, struct err *e);
int disk_mkdir(struct co *co, struct disk *d, const char *path, struct err *e);
/* Within one directory whole or not at all. Between two, a crash may leave both names of a file, never
 * none. A file replaces a file, a directory an empty directory. */
int disk_rename(struct co *co, struct disk *d, const char *from, const char *to, struct err *e);
int disk_unlink(struct co *co, struct disk *d, const char *path, struct err *e);
int disk_rmdir(struct co *co, struct disk *d, const char *path, struct err *e);
/* Names in byte order, living in `arena`; "" is the root. */
int disk_list(struct co *co, struct disk *d, const char *path, struct arena *arena,
              const char *const **ret_names, size_t *ret_n, struct err *e);
/* Whole-file conveniences. */
int disk_read_file(struct co *co, struct disk *d, const char *path, size_t max, struct buf *ret,
                   struct err *e);

/* Simulated only. */
void disk_crash(struct disk *d);
void disk_fail_after(struct disk *d, uint64_t writes, enum err_code code);   /* the n-th write fails */
void disk_fail_from(struct disk *d, uint64_t writes, enum err_code code);    /* and all after it */
uint64_t disk_fingerprint(const struct disk *d);
