#include "fakeapi/store/data_file.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>

/* The formats are SQLite's own, documented and fixed: "Database File Format", sections 1.3 and 4. */

#define HEADER 100
#define AT_USER_VERSION 60
#define AT_APPLICATION_ID 68
#define WAL_HEADER 32
#define WAL_FRAME_HEADER 24

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t little32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* ---- reading through the VFS ------------------------------------------------------------------------- */

struct reader {
    sqlite3_vfs *vfs;
    const char *name;                  /* SQLite's form of it */
    sqlite3_file *file;                /* NULL: there is no such file */
    sqlite3_int64 size;
};

static int cannot_read(struct err *e)
{
    return err_set(e, ERR_IO, "it cannot be read");
}

static int reader_open(struct reader *r, sqlite3_vfs *vfs, const char *name, int type, struct err *e)
{
    int exists = 0, flags = SQLITE_OPEN_READONLY | type;

    *r = (struct reader){ .vfs = vfs, .name = name };
    if (vfs->xAccess(vfs, name, SQLITE_ACCESS_EXISTS, &exists) != SQLITE_OK)
        return cannot_read(e);
    if (!exists)
        return 0;
    r->file = xcalloc(1, (size_t)vfs->szOsFile);
    if (vfs->xOpen(vfs, name, r->file, flags, &flags) != SQLITE_OK)
        return errno == EACCES ? err_set_errno(e, errno, "it cannot be read") : cannot_read(e);
    return r->file->pMethods->xFileSize(r->file, &r->size) == SQLITE_OK ? 0 : cannot_read(e);
}

static void reader_close(struct reader *r)
{
    if (r->file && r->file->pMethods)
        r->file->pMethods->xClose(r->file);
    free(r->file);
}

static int reader_read(struct reader *r, void *data, size_t len, sqlite3_int64 at, struct err *e)
{
    return r->file->pMethods->xRead(r->file, data, (int)len, at) == SQLITE_OK ? 0 : cannot_read(e);
}

/* ---- the write-ahead log ----------------------------------------------------------------------------- */

struct wal {
    uint8_t header[WAL_HEADER];
    uint32_t page_size, sum[2];
    bool big;                          /* checksums over big-endian words */
};

static void checksum(const struct wal *w, uint32_t sum[2], const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        sum[0] += (w->big ? big32(p + i) : little32(p + i)) + sum[1];
        sum[1] += (w->big ? big32(p + i + 4) : little32(p + i + 4)) + sum[0];
    }
}

static bool wal_header_ok(struct wal *w)
{
    const uint8_t *h = w->header;
    uint32_t magic = big32(h);

    w->big = magic & 1;
    w->page_size = big32(h + 8);
    checksum(w, w->sum, h, 24);
    return (magic & ~1u) == 0x377f0682 && w->page_size >= 512 && w->page_size <= 65536
        && (w->page_size & (w->page_size - 1)) == 0 && w->sum[0] == big32(h + 24) && w->sum[1] == big32(h + 28);
}

static bool frame_ok(struct wal *w, const uint8_t *frame)
{
    checksum(w, w->sum, frame, 8);
    checksum(w, w->sum, frame + WAL_FRAME_HEADER, w->page_size);
    return w->sum[0] == big32(frame + 16) && w->sum[1] == big32(frame + 20);
}

/* A power cut tears the last transaction at most: the one before it was synced when the last one began. So
 * a bad frame, a commit at or behind it, and one more frame of this log's behind that: damage. */
static int wal_check_frames(struct reader *r, struct wal *w, struct err *e)
{
    size_t len = WAL_FRAME_HEADER + w->page_size;
    cleanup_free uint8_t *frame = xmalloc(len);
    bool torn = false, ended = false;

    for (sqlite3_int64 at = WAL_HEADER; at + (sqlite3_int64)len <= r->size; at += (sqlite3_int64)len) {
        int result = reader_read(r, frame, len, at, e);
        if (result < 0)
            return result;
        bool own = memcmp(frame + 8, w->header + 16, 8) == 0;
        if (torn && ended && own)
            return err_set(e, ERR_PROTOCOL, "its write-ahead log is damaged before byte %lld", (long long)at);
        torn = torn || !own || !frame_ok(w, frame);
        ended = ended || (torn && own && big32(frame + 4) != 0);
    }
    return 0;
}

/* As it is prolonged, before it is used. */
static bool only_zeros(struct reader *r)
{
    static const uint8_t zeros[4096];
    uint8_t chunk[sizeof(zeros)];

    for (sqlite3_int64 at = 0, n; at < r->size; at += n) {
        n = r->size - at < (sqlite3_int64)sizeof(chunk) ? r->size - at : (sqlite3_int64)sizeof(chunk);
        if (reader_read(r, chunk, (size_t)n, at, NULL) < 0 || memcmp(chunk, zeros, (size_t)n) != 0)
            return false;
    }
    return true;
}

static int wal_check(struct reader *r, struct err *e)
{
    static const uint8_t zeros[WAL_HEADER];
    struct wal w = { .page_size = 0 };
    int result;

    if (r->size < WAL_HEADER)
        return 0;
    result = reader_read(r, w.header, WAL_HEADER, 0, e);
    if (result < 0)
        return result;
    if (wal_header_ok(&w))
        return wal_check_frames(r, &w, e);
    /* It is synced before the first frame: a header that never reached the disk has nothing behind it. */
    if (memcmp(w.header, zeros, WAL_HEADER) != 0 || !only_zeros(r))
        return err_set(e, ERR_PROTOCOL, "the header of its write-ahead log is damaged");
    return 0;
}

/* ---- the database ------------------------------------------------------------------------------------ */

/* What creating it in one transaction can leave behind: nothing of the first sector yet, and a journal. */
static bool half_made(struct reader *r, const uint8_t *header)
{
    cleanup_free char *name = xasprintf("%s-journal", r->name);
    int exists = 0;

    for (size_t i = 0; i < HEADER; i++)
        if (header[i])
            return false;
    return r->vfs->xAccess(r->vfs, name, SQLITE_ACCESS_EXISTS, &exists) == SQLITE_OK && exists;
}

static int header_check(struct reader *r, struct err *e)
{
    uint8_t header[HEADER] = { 0 };
    int result = r->size < HEADER ? 0 : reader_read(r, header, HEADER, 0, e);

    if (result < 0 || half_made(r, header))
        return result;
    if (memcmp(header, "SQLite format 3", 16) != 0)
        return err_set(e, ERR_INVALID, "it is not a data file of dormouse");
    if (big32(header + AT_APPLICATION_ID) != DATA_FILE_ID)
        return err_set(e, ERR_INVALID, "it is a SQLite database of another program");
    if (big32(header + AT_USER_VERSION) > DATA_FILE_FORMAT)
        return err_set(e, ERR_INVALID, "a newer dormouse wrote it (format %u; this one reads %d)",
                       big32(header + AT_USER_VERSION), DATA_FILE_FORMAT);
    return 0;
}

static int check_files(struct reader *db, struct reader *wal, struct err *e)
{
    int r = 0;

    if (db->size == 0 && wal->size > 0)
        return err_set(e, ERR_PROTOCOL, "it is empty, but its write-ahead log is not");
    if (db->size == 0)
        return 0;
    r = header_check(db, e);
    return r == 0 && wal->file ? wal_check(wal, e) : r;
}

int data_file_check(struct sqlite3_vfs *vfs, const char *path, struct err *e)
{
    cleanup_free char *wal_name = xasprintf("%s-wal", path), *journal_name = xasprintf("%s-journal", path);
    const char *name = sqlite3_create_filename(path, journal_name, wal_name, 0, NULL);
    struct reader db = { 0 }, wal = { 0 };
    struct stat st;
    int r = 0;

    if (vfs == sqlite3_vfs_find(NULL) && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        r = err_set(e, ERR_INVALID, S_ISDIR(st.st_mode) ? "it is a folder" : "it is not a regular file");
    if (r == 0)
        r = reader_open(&db, vfs, name, SQLITE_OPEN_MAIN_DB, e);
    if (r == 0)
        r = reader_open(&wal, vfs, sqlite3_filename_wal(name), SQLITE_OPEN_WAL, e);
    if (r == 0)
        r = check_files(&db, &wal, e);
    reader_close(&wal);
    reader_close(&db);
    sqlite3_free_filename((char *)name);
    return r;
}
