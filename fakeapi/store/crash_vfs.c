#include "fakeapi/store/crash_vfs.h"

#include <sqlite3.h>
#include <stdio.h>

#include "world/buf.h"

#define SECTOR 512

struct disk_file {
    char *name;
    struct buf content;
    size_t held;                       /* space reserved beside the content */
    bool exists;
    bool new_in_folder;                /* its first sync will sync the folder, as SQLite's unix VFS does */
};

enum step_type { STEP_CREATE, STEP_WRITE, STEP_TRUNCATE, STEP_SYNC, STEP_DELETE };

struct step {
    enum step_type type;
    size_t file;                       /* its place among the files */
    size_t at;                         /* of a write; the size of a truncation; of the others: with the folder */
    struct blob *data;                 /* of a write */
};

struct crash_vfs {
    sqlite3_vfs vfs;
    char name[32];
    DYN(struct disk_file *) files;
    DYN(struct step) steps;
    size_t quota, fail_at;
    uint64_t random;
};

struct open_file {
    sqlite3_file base;
    struct crash_vfs *disk;
    size_t file;
    bool chunked;                      /* somebody wants it to have its size on the disk */
};

/* ---- files ------------------------------------------------------------------------------------------- */

static size_t file_at(struct crash_vfs *v, const char *name)
{
    for (size_t i = 0; i < v->files.n; i++)
        if (streq(v->files.v[i]->name, name))
            return i;
    struct disk_file *f = xcalloc(1, sizeof(*f));
    f->name = xstrdup(name);
    *dyn_push(&v->files) = f;
    return v->files.n - 1;
}

static struct disk_file *file_named(struct crash_vfs *v, const char *name)
{
    size_t at = file_at(v, name);

    return v->files.v[at];
}

static void content_size(struct buf *b, size_t size)
{
    if (size > b->len) {
        size_t more = size - b->len;
        buf_reserve(b, more);
        memset(b->data + b->len, 0, more);
    }
    b->len = size;
}

static void content_write(struct buf *b, const void *data, size_t len, size_t at)
{
    if (at + len > b->len)
        content_size(b, at + len);
    memcpy(b->data + at, data, len);
}

size_t crash_vfs_used(const struct crash_vfs *v)
{
    size_t used = 0;

    for (size_t i = 0; i < v->files.n; i++)
        used += v->files.v[i]->exists ? v->files.v[i]->content.len + v->files.v[i]->held : 0;
    return used;
}

static int record(struct crash_vfs *v, struct step s)
{
    if (v->steps.n >= v->fail_at) {
        blob_unref(s.data);
        return SQLITE_IOERR;
    }
    *dyn_push(&v->steps) = s;
    return SQLITE_OK;
}

/* ---- one open file ----------------------------------------------------------------------------------- */

static struct disk_file *of(sqlite3_file *f)
{
    struct open_file *o = (struct open_file *)f;

    return o->disk->files.v[o->file];
}

static int file_close(sqlite3_file *f)
{
    return SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *data, int amount, sqlite3_int64 at)
{
    const struct buf *b = &of(f)->content;
    size_t have = (size_t)at < b->len ? b->len - (size_t)at : 0, want = (size_t)amount;

    if (have > want)
        have = want;
    if (have)
        memcpy(data, b->data + at, have);
    memset((char *)data + have, 0, want - have);
    return have == want ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static bool fits(struct crash_vfs *v, const struct buf *b, size_t end)
{
    return end <= b->len || crash_vfs_used(v) + (end - b->len) <= v->quota;
}

static int file_write(sqlite3_file *f, const void *data, int amount, sqlite3_int64 at)
{
    struct open_file *o = (struct open_file *)f;
    struct buf *b = &of(f)->content;
    int rc;

    if (!fits(o->disk, b, (size_t)at + (size_t)amount))
        return SQLITE_FULL;
    rc = record(o->disk, (struct step){ STEP_WRITE, o->file, (size_t)at, blob_new(data, (size_t)amount) });
    if (rc == SQLITE_OK)
        content_write(b, data, (size_t)amount, (size_t)at);
    return rc;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct open_file *o = (struct open_file *)f;
    int rc = record(o->disk, (struct step){ STEP_TRUNCATE, o->file, (size_t)size, NULL });

    if (rc == SQLITE_OK) {
        content_size(&of(f)->content, (size_t)size);
        of(f)->held = 0;
    }
    return rc;
}

static int file_sync(sqlite3_file *f, int flags)
{
    struct open_file *o = (struct open_file *)f;
    int rc = record(o->disk, (struct step){ .type = STEP_SYNC, .file = o->file, .at = of(f)->new_in_folder });

    if (rc == SQLITE_OK)
        of(f)->new_in_folder = false;
    return rc;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)of(f)->content.len;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *f, int level)
{
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *f, int *ret)
{
    *ret = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    struct open_file *o = (struct open_file *)f;
    struct disk_file *file = of(f);
    size_t held = file->held;

    if (op == SQLITE_FCNTL_CHUNK_SIZE) {
        o->chunked = true;
        return SQLITE_OK;
    }
    if (op != SQLITE_FCNTL_SIZE_HINT || !o->chunked)
        return SQLITE_NOTFOUND;
    file->held = 0;
    if (crash_vfs_used(o->disk) + *(size_t *)arg > o->disk->quota) {
        file->held = held;
        return SQLITE_FULL;
    }
    file->held = *(size_t *)arg;
    return SQLITE_OK;
}

static int file_sector(sqlite3_file *f)
{
    return 4096;                       /* as SQLite takes it of any disk */
}

static int file_traits(sqlite3_file *f)
{
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;     /* as SQLite takes it of any disk */
}

static const sqlite3_io_methods file_methods = {
    1, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_lock,
    file_reserved, file_control, file_sector, file_traits,
};

/* ---- the disk ---------------------------------------------------------------------------------------- */

static struct crash_vfs *disk_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    struct open_file *o = (struct open_file *)f;
    struct crash_vfs *v = disk_of(vfs);
    size_t at = file_at(v, name);
    int rc = SQLITE_OK;

    o->base.pMethods = NULL;
    if (!v->files.v[at]->exists) {
        if (!(flags & SQLITE_OPEN_CREATE))
            return SQLITE_CANTOPEN;
        rc = record(v, (struct step){ .type = STEP_CREATE, .file = at });
        if (rc != SQLITE_OK)
            return SQLITE_CANTOPEN;
        v->files.v[at]->exists = true;
        v->files.v[at]->content.len = 0;
        v->files.v[at]->new_in_folder = flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL);
    }
    *o = (struct open_file){ .base.pMethods = &file_methods, .disk = v, .file = at };
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    struct crash_vfs *v = disk_of(vfs);
    size_t at = file_at(v, name);
    int rc;

    if (!v->files.v[at]->exists)
        return SQLITE_IOERR_DELETE_NOENT;
    rc = record(v, (struct step){ .type = STEP_DELETE, .file = at, .at = sync_folder != 0 });
    if (rc == SQLITE_OK)
        v->files.v[at]->exists = false;
    return rc;
}

static int disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    const struct disk_file *f = file_named(disk_of(vfs), name);

    *ret = f->exists && (flags != SQLITE_ACCESS_EXISTS || f->content.len > 0);   /* as the unix VFS sees it */
    return SQLITE_OK;
}

static int disk_full_name(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
    return snprintf(ret, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int disk_random(sqlite3_vfs *vfs, int size, char *ret)
{
    uint64_t *state = &disk_of(vfs)->random;

    for (int i = 0; i < size; i++) {
        *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
        ret[i] = (char)(*state >> 56);
    }
    return size;
}

static int disk_sleep(sqlite3_vfs *vfs, int us)
{
    return us;
}

static int disk_time(sqlite3_vfs *vfs, double *ret)
{
    *ret = 2461000.5;
    return SQLITE_OK;
}

static int disk_error(sqlite3_vfs *vfs, int size, char *ret)
{
    return 0;
}

struct crash_vfs *crash_vfs_new(void)
{
    struct crash_vfs *v = xcalloc(1, sizeof(*v));

    v->quota = v->fail_at = SIZE_MAX;
    v->random = 1;
    snprintf(v->name, sizeof(v->name), "crash-%p", (void *)v);
    v->vfs = (sqlite3_vfs){
        .iVersion = 1, .szOsFile = sizeof(struct open_file), .mxPathname = 256, .zName = v->name, .pAppData = v,
        .xOpen = disk_open, .xDelete = disk_delete, .xAccess = disk_access, .xFullPathname = disk_full_name,
        .xRandomness = disk_random, .xSleep = disk_sleep, .xCurrentTime = disk_time, .xGetLastError = disk_error,
    };
    sqlite3_vfs_register(&v->vfs, 0);
    return v;
}

struct crash_vfs *crash_vfs_free(struct crash_vfs *v)
{
    if (!v)
        return NULL;
    sqlite3_vfs_unregister(&v->vfs);
    for (size_t i = 0; i < v->files.n; i++) {
        free(v->files.v[i]->name);
        buf_release(&v->files.v[i]->content);
        free(v->files.v[i]);
    }
    for (size_t i = 0; i < v->steps.n; i++)
        blob_unref(v->steps.v[i].data);
    dyn_release(&v->files);
    dyn_release(&v->steps);
    free(v);
    return NULL;
}

const char *crash_vfs_name(const struct crash_vfs *v)
{
    return v->name;
}

size_t crash_vfs_steps(const struct crash_vfs *v)
{
    return v->steps.n;
}

void crash_vfs_quota(struct crash_vfs *v, size_t bytes)
{
    v->quota = bytes;
}

void crash_vfs_fail_at(struct crash_vfs *v, size_t step)
{
    v->fail_at = step;
}

char *crash_vfs_content(struct crash_vfs *v, const char *name, size_t *ret_len)
{
    struct disk_file *f = file_named(v, name);

    *ret_len = f->exists ? f->content.len : 0;
    return f->exists && f->content.len ? f->content.data : NULL;
}

void crash_vfs_put(struct crash_vfs *v, const char *name, const void *data, size_t len)
{
    struct disk_file *f = file_named(v, name);

    f->exists = true;
    content_size(&f->content, len);
    if (len)
        memcpy(f->content.data, data, len);
}

/* ---- power cuts --------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ (z >> 27);
}

/* Whether an unsynced effect reached the disk. */
static bool survives(enum crash_loss loss, uint64_t seed, size_t step, size_t sector)
{
    return loss == CRASH_NONE || (loss == CRASH_SOME && mix(mix(seed ^ step) ^ sector) % 2);
}

static void write_sectors(struct disk_file *f, const struct step *s, enum crash_loss loss, uint64_t seed, size_t step)
{
    for (size_t at = s->at, end = s->at + s->data->len; at < end;) {
        size_t next = (at / SECTOR + 1) * SECTOR;
        if (next > end)
            next = end;
        if (survives(loss, seed, step, at / SECTOR))
            content_write(&f->content, s->data->data + (at - s->at), next - at, at);
        at = next;
    }
}

static void play(struct disk_file *f, const struct step *s, bool durable, enum crash_loss loss, uint64_t seed,
                 size_t step)
{
    bool whole = durable || survives(loss, seed, step, 0);

    switch (s->type) {
    case STEP_CREATE:
        f->exists = whole;
        f->content.len = 0;
        break;
    case STEP_WRITE:
        if (durable)
            content_write(&f->content, s->data->data, s->data->len, s->at);
        else
            write_sectors(f, s, loss, seed, step);
        break;
    case STEP_TRUNCATE:
        if (whole)
            content_size(&f->content, s->at);
        break;
    case STEP_DELETE:
        if (whole)
            f->exists = false;
        break;
    case STEP_SYNC:
        break;
    }
}

struct crash_vfs *crash_vfs_after(const struct crash_vfs *v, size_t steps, enum crash_loss loss, uint64_t seed)
{
    struct crash_vfs *w = crash_vfs_new();

    cleanup_free size_t *synced = xcalloc(v->files.n + 1, sizeof(*synced));      /* up to which step */
    size_t folder_synced = 0;

    w->random = mix(seed + steps);     /* another machine would draw other salts too */
    for (size_t i = 0; i < v->files.n; i++)
        file_at(w, v->files.v[i]->name);
    for (size_t i = 0; i < steps; i++) {
        const struct step *s = &v->steps.v[i];
        if (s->type == STEP_SYNC)
            synced[s->file] = i;
        if (s->at && (s->type == STEP_SYNC || s->type == STEP_DELETE))
            folder_synced = i + 1;
    }
    for (size_t i = 0; i < steps; i++) {
        const struct step *s = &v->steps.v[i];
        bool in_folder = i < folder_synced && (s->type == STEP_CREATE || s->type == STEP_DELETE);
        play(w->files.v[s->file], s, in_folder || i < synced[s->file], loss, seed, i);
    }
    return w;
}
