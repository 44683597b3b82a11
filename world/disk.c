#include "world/disk_priv.h"

#include <stdio.h>

enum { PATH_MAX_BYTES = 1023, NAME_MAX_BYTES = 255 };

/* Relative, no empty, "." or ".." part. "" is the root. */
static bool path_ok(const char *path)
{
    if (strlen(path) > PATH_MAX_BYTES)
        return false;
    if (!*path)
        return true;
    for (const char *part = path;; part++) {
        const char *end = strchrnul(part, '/');
        size_t len = (size_t)(end - part);
        if (len == 0 || len > NAME_MAX_BYTES || (part[0] == '.' && (len == 1 || (len == 2 && part[1] == '.'))))
            return false;
        if (!*end)
            return true;
        part = end;
    }
}

static int check_path(const char *path, struct err *e)
{
    return path_ok(path) ? 0 : err_set(e, ERR_INVALID, "\"%s\" is no path inside the disk", path);
}

/* Where a crash may fall, and where a dead process is turned away. */
static int enter(struct co *co, struct disk *d, struct err *e)
{
    int r = 0;

    if (co)
        r = d->world ? co_yield(co) : co_cancelled(co) ? -ERR_CANCELLED : 0;
    return r < 0 ? err_set(e, ERR_CANCELLED, "cancelled") : 0;
}

static int enter_write(struct co *co, struct disk *d, struct err *e)
{
    int r = enter(co, d, e);

    if (r < 0 || !d->fail_after || --d->fail_after)
        return r;
    d->fail_after = d->fail_for_good;
    return err_set(e, d->fail_code, "%s", err_code_text((int)d->fail_code));
}

/* Where a change of names may fall. The root has no name to change. */
static int enter_change(struct co *co, struct disk *d, const char *path, struct err *e)
{
    int r = check_path(path, e);

    if (r < 0)
        return r;
    return *path ? enter_write(co, d, e) : err_set(e, ERR_INVALID, "the root stays as it is");
}

static bool flags_ok(int flags)
{
    if (flags & (DISK_TRUNC | DISK_CREATE) && !(flags & DISK_WRITE))
        return false;
    return flags & (DISK_READ | DISK_WRITE) && (!(flags & DISK_EXCL) || flags & DISK_CREATE);
}

int disk_open(struct co *co, struct disk *d, const char *path, int flags, struct err *e)
{
    int r = check_path(path, e);

    if (r == 0 && (!*path || !flags_ok(flags)))
        r = err_set(e, ERR_INVALID, "\"%s\" cannot be opened with flags %d", path, flags);
    if (r == 0)
        r = flags & (DISK_CREATE | DISK_TRUNC) ? enter_write(co, d, e) : enter(co, d, e);
    return r < 0 ? r : d->ops->open(d, path, flags, e);
}

void disk_close(struct disk *d, int handle)
{
    d->ops->close(d, handle);
}

int disk_write(struct co *co, struct disk *d, int handle, uint64_t offset, const void *data, size_t len,
               struct err *e)
{
    int r = enter_write(co, d, e);

    return r < 0 ? r : d->ops->write(d, handle, offset, data, len, e);
}

int64_t disk_read(struct co *co, struct disk *d, int handle, uint64_t offset, void *data, size_t len,
                  struct err *e)
{
    int r = enter(co, d, e);

    return r < 0 ? r : d->ops->read(d, handle, offset, data, len, e);
}

int disk_sync(struct co *co, struct disk *d, int handle, struct err *e)
{
    int r = enter_write(co, d, e);

    return r < 0 ? r : d->ops->sync(d, handle, e);
}

int disk_sync_dir(struct co *co, struct disk *d, const char *path, struct err *e)
{
    int r = check_path(path, e);

    if (r == 0)
        r = enter_write(co, d, e);

    return r < 0 ? r : d->ops->sync_dir(d, path, e);
}

int disk_mkdir(struct co *co, struct disk *d, const char *path, struct err *e)
{
    int r = enter_change(co, d, path, e);

    return r < 0 ? r : d->ops->mkdir(d, path, e);
}

int disk_rename(struct co *co, struct disk *d, const char *from, const char *to, struct err *e)
{
    int r = check_path(to, e);

    if (r == 0 && !*to)
        r = err_set(e, ERR_INVALID, "the root stays as it is");
    if (r == 0)
        r = enter_change(co, d, from, e);
    return r < 0 ? r : d->ops->rename(d, from, to, e);
}

int disk_unlink(struct co *co, struct disk *d, const char *path, struct err *e)
{
    int r = enter_change(co, d, path, e);

    return r < 0 ? r : d->ops->unlink(d, path, e);
}

int disk_rmdir(struct co *co, struct disk *d, const char *path, struct err *e)
{
    int r = enter_change(co, d, path, e);

    return r < 0 ? r : d->ops->rmdir(d, path, e);
}

int disk_list(struct co *co, struct disk *d, const char *path, struct arena *arena,
              const char *const **ret_names, size_t *ret_n, struct err *e)
{
    int r = check_path(path, e);

    if (r == 0)
        r = enter(co, d, e);
    return r < 0 ? r : d->ops->list(d, path, arena, ret_names, ret_n, e);
}

int disk_read_file(struct co *co, struct disk *d, const char *path, size_t max, struct buf *ret,
                   struct err *e)
{
    int handle = disk_open(co, d, path, DISK_READ, e);
    size_t start = ret->len;
    int64_t n = 1;
    char piece[4096];

    if (handle < 0)
        return handle;
    while (n > 0) {
        n = disk_read(co, d, handle, ret->len - start, piece, sizeof(piece), e);
        if (n > 0)
            buf_add(ret, piece, (size_t)n);
        if (ret->len - start > max)
            n = err_set(e, ERR_TOO_LARGE, "%s: more than %zu bytes", path, max);
    }
    disk_close(d, handle);
    return (int)n;
}

void disk_fail_after(struct disk *d, uint64_t writes, enum err_code code)
{
    d->fail_after = writes;
    d->fail_code = code;
    d->fail_for_good = false;
}

void disk_fail_from(struct disk *d, uint64_t writes, enum err_code code)
{
    disk_fail_after(d, writes, code);
    d->fail_for_good = true;
}

struct disk *disk_free(struct disk *d)
{
    if (d)
        d->ops->free(d);
    return NULL;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void disk_sort_names(const char **names, size_t n)
{
    if (n)
        qsort(names, n, sizeof(*names), by_bytes);
}
