/* disk_priv.h — the seam between disk.h and its two implementations. */
#pragma once

#include "world/disk.h"

struct disk_ops {
    int (*open)(struct disk *d, const char *path, int flags, struct err *e);
    void (*close)(struct disk *d, int handle);
    int (*write)(struct disk *d, int handle, uint64_t offset, const void *data, size_t len, struct err *e);
    int64_t (*read)(struct disk *d, int handle, uint64_t offset, void *data, size_t len, struct err *e);
    int (*sync)(struct disk *d, int handle, struct err *e);
    int (*sync_dir)(struct disk *d, const char *path, struct err *e);
    int (*mkdir)(struct disk *d, const char *path, struct err *e);
    int (*rename)(struct disk *d, const char *from, const char *to, struct err *e);
    int (*unlink)(struct disk *d, const char *path, struct err *e);
    int (*rmdir)(struct disk *d, const char *path, struct err *e);
    int (*list)(struct disk *d, const char *path, struct arena *arena, const char *const **ret_names,
                size_t *ret_n, struct err *e);
    void (*free)(struct disk *d);
};

struct disk {
    const struct disk_ops *ops;
    struct world *world;               /* NULL: the real one */
    uint64_t fail_after;               /* writes until one fails; 0 = none will */
    enum err_code fail_code;
    bool fail_for_good;
};

/* Sorts names bytewise. */
void disk_sort_names(const char **names, size_t n);
