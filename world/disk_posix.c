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

/* Opens the directory that `len` bytes of `path` name, part by part: a link on the way is refused, so
 * that nothing outside the root is ever reached. */
static int open_dir(struct disk *d, const char *path, size_t len)
{
    int fd = openat(root_of(d), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; i < len && fd >= 0;) {
        size_t part = strcspn(path + i, "/");
        cleanup_free char *name = xstrndup(path + i, part);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), errnum = errno;
        close(fd);
        errno = errnum;
        fd = next;
        i += part + 1;
    }
    return fd;
}

/* The same for the directory that holds the last part; that part is *ret_name. */
static int open_parent(struct disk *d, const char *path, const char **ret_name)
{
    const char *slash = strrchr(path, '/');

    *ret_name = slash ? slash + 1 : path;
    return open_dir(d, path, slash ? (size_t)(slash - path) : 0);
}

/* Closes, and says what went wrong before. */
static int done(int fd, int failed, struct err *e, const char *what, const char *path)
{
    int errnum = errno;

    if (fd >= 0)
        close(fd);
    return failed ? err_set_errno(e, errnum, "%s %s", what, path) : 0;
}

static int regular_file(int fd, const char *path, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    return err_set(e, ERR_INVALID, "open %s: not a regular file", path);
}

static int posix_open(struct disk *d, const char *path, int flags, struct err *e)
{
    int mode = flags & DISK_WRITE ? flags & DISK_READ ? O_RDWR : O_WRONLY : O_RDONLY, fd, dir;
    const char *name;

    /* Without O_NONBLOCK somebody's FIFO would hold us for ever. */
    mode |= (flags & DISK_CREATE ? O_CREAT : 0) | (flags & DISK_EXCL ? O_EXCL : 0)
            | (flags & DISK_TRUNC ? O_TRUNC : 0) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    dir = open_parent(d, path, &name);
    fd = dir < 0 ? -1 : openat(dir, name, mode, 0600);
    done(dir, 0, e, "open", path);
    return fd < 0 ? err_set_errno(e, errno, "open %s", path) : regular_file(fd, path, e);
}

static void posix_close(struct disk *d, int handle)
{
    close(handle);
}

static int posix_write(struct disk *d, int handle, uint64_t offset, const void *data, size_t len,
                       struct err *e)
{
    const char *at = data;

    do {
        ssize_t n = offset > INT64_MAX ? (errno = EFBIG, -1) : pwrite(handle, at, len, (off_t)offset);
        if (n == 0 && len > 0)
            return err_set(e, ERR_FULL, "write: no space left");
        if (n < 0 && errno != EINTR)
            return err_set_errno(e, errno, "write");
        if (n > 0) {
            at += n;
            offset += (uint64_t)n;
            len -= (size_t)n;
        }
    } while (len > 0);
    return 0;
}

static int64_t posix_read(struct disk *d, int handle, uint64_t offset, void *data, size_t len, struct err *e)
{
    size_t got = 0;

    while (got < len && offset + got <= INT64_MAX) {
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
    int fd = open_dir(d, path, strlen(path));

    return done(fd, fd < 0 || fsync(fd) < 0, e, "sync", path);
}

static int posix_mkdir(struct disk *d, const char *path, struct err *e)
{
    const char *name;
    int dir = open_parent(d, path, &name);

    return done(dir, dir < 0 || mkdirat(dir, name, 0700) < 0, e, "make directory", path);
}

static int posix_rename(struct disk *d, const char *from, const char *to, struct err *e)
{
    const char *old, *new;
    int source = open_parent(d, from, &old), target, r;

    if (source < 0)
        return err_set_errno(e, errno, "rename %s", from);
    target = open_parent(d, to, &new);
    if (target < 0)
        r = err_set_errno(e, errno, "rename to %s", to);
    else
        r = done(target, renameat(source, old, target, new) < 0, e, "rename", from);
    close(source);
    return r;
}

static int posix_remove(struct disk *d, const char *path, int flags, struct err *e)
{
    const char *name;
    int dir = open_parent(d, path, &name);

    return done(dir, dir < 0 || unlinkat(dir, name, flags) < 0, e, "remove", path);
}

static int posix_unlink(struct disk *d, const char *path, struct err *e)
{
    return posix_remove(d, path, 0, e);
}

static int posix_rmdir(struct disk *d, const char *path, struct err *e)
{
    return posix_remove(d, path, AT_REMOVEDIR, e);
}

static int posix_list(struct disk *d, const char *path, struct arena *arena, const char *const **ret_names,
                      size_t *ret_n, struct err *e)
{
    int fd = open_dir(d, path, strlen(path));
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    DYN(const char *) names = { 0 };
    struct dirent *entry;

    if (!dir)
        return done(fd, 1, e, "list", path);
    errno = 0;
    while ((entry = readdir(dir)))
        if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
            *dyn_push(&names) = arena_strdup(arena, entry->d_name);
    int errnum = errno;
    closedir(dir);
    disk_sort_names(names.v, names.n);
    *ret_names = arena_memdup(arena, names.v, names.n * sizeof(*names.v));
    *ret_n = names.n;
    dyn_release(&names);
    return errnum ? err_set_errno(e, errnum, "list %s", path) : 0;
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
