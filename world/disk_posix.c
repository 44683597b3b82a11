#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world/disk_priv.h"

struct posix_disk {
    struct disk base;
    int root;
};

static int root_of(struct disk *d)
{
    return container_of(d, struct posix_disk, base)->root;
}

static const char *or_dot(const char *path)
{
    return *path ? path : ".";
}

static int posix_open(struct disk *d, const char *path, int flags, struct err *e)
{
    int mode = flags & DISK_WRITE ? flags & DISK_READ ? O_RDWR : O_WRONLY : O_RDONLY, fd;

    mode |= (flags & DISK_CREATE ? O_CREAT : 0) | (flags & DISK_EXCL ? O_EXCL : 0)
            | (flags & DISK_TRUNC ? O_TRUNC : 0) | O_CLOEXEC | O_NOFOLLOW;
    fd = openat(root_of(d), path, mode, 0600);
    return fd < 0 ? err_set_errno(e, errno, "open %s", path) : fd;
}

static void posix_close(struct disk *d, int handle)
{
    close(handle);
}

static int posix_write(struct disk *d, int handle, uint64_t offset, const void *data, size_t len,
                       struct err *e)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = pwrite(handle, at, len, (off_t)offset);
        if (n < 0 && errno != EINTR)
            return err_set_errno(e, errno, "write");
        if (n > 0) {
            at += n;
            offset += (uint64_t)n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int64_t posix_read(struct disk *d, int handle, uint64_t offset, void *data, size_t len, struct err *e)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = pread(handle, (char *)data + got, len - got, (off_t)(offset + got));
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return err_set_errno(e, errno, "read");
        if (n > 0)
            got += (size_t)n;
    }
    return (int64_t)got;
}

static int posix_sync(struct disk *d, int handle, struct err *e)
{
    return fsync(handle) < 0 ? err_set_errno(e, errno, "sync") : 0;
}

static int posix_sync_dir(struct disk *d, const char *path, struct err *e)
{
    int fd = openat(root_of(d), or_dot(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

    if (fd < 0)
        return err_set_errno(e, errno, "open %s", or_dot(path));
    r = fsync(fd) < 0 ? err_set_errno(e, errno, "sync %s", or_dot(path)) : 0;
    close(fd);
    return r;
}

static int posix_mkdir(struct disk *d, const char *path, struct err *e)
{
    return mkdirat(root_of(d), path, 0700) < 0 ? err_set_errno(e, errno, "make directory %s", path) : 0;
}

static int posix_rename(struct disk *d, const char *from, const char *to, struct err *e)
{
    return renameat(root_of(d), from, root_of(d), to) < 0 ? err_set_errno(e, errno, "rename %s", from) : 0;
}

static int posix_unlink(struct disk *d, const char *path, struct err *e)
{
    return unlinkat(root_of(d), path, 0) < 0 ? err_set_errno(e, errno, "remove %s", path) : 0;
}

static int posix_rmdir(struct disk *d, const char *path, struct err *e)
{
    return unlinkat(root_of(d), path, AT_REMOVEDIR) < 0 ? err_set_errno(e, errno, "remove %s", path) : 0;
}

static int posix_list(struct disk *d, const char *path, struct arena *arena, const char *const **ret_names,
                      size_t *ret_n, struct err *e)
{
    int fd = openat(root_of(d), or_dot(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DYN(const char *) names = { 0 };
    struct dirent *entry;
    DIR *dir;

    if (fd < 0)
        return err_set_errno(e, errno, "list %s", or_dot(path));
    dir = fdopendir(fd);
    while ((entry = readdir(dir)))
        if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
            *dyn_push(&names) = arena_strdup(arena, entry->d_name);
    closedir(dir);
    disk_sort_names(names.v, names.n);
    *ret_names = arena_memdup(arena, names.v, names.n * sizeof(*names.v));
    *ret_n = names.n;
    dyn_release(&names);
    return 0;
}

static void posix_free(struct disk *d)
{
    close(root_of(d));
    free(container_of(d, struct posix_disk, base));
}

static const struct disk_ops posix_ops = {
    .open = posix_open, .close = posix_close, .write = posix_write, .read = posix_read,
    .sync = posix_sync, .sync_dir = posix_sync_dir, .mkdir = posix_mkdir, .rename = posix_rename,
    .unlink = posix_unlink, .rmdir = posix_rmdir, .list = posix_list, .free = posix_free,
};

struct disk *disk_posix_new(const char *root, struct err *e)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct posix_disk *d;

    if (fd < 0) {
        err_set_errno(e, errno, "%s", root);
        return NULL;
    }
    d = xcalloc(1, sizeof(*d));
    d->base.ops = &posix_ops;
    d->root = fd;
    return &d->base;
}
