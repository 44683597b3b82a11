#include "fakeapi/store/commitlog_sqlite.h"

#include <sqlite3.h>

#include "fakeapi/store/data_file.h"

#define PAGE 4096
#define FRAME_HEADER 24
#define FOLD_AFTER 1000                /* pages of the write-ahead log */
#define RESERVE (8 << 20)              /* holds any one transaction: */
#define BATCH (1 << 20)                /* what waits beyond this is committed before more is taken */

/* Of the columns the key comes before the value, so that SQLite need not read a long row to its end. */
static const char *const tables[] = {
    "CREATE TABLE log (revision INTEGER PRIMARY KEY, type INTEGER NOT NULL, created INTEGER NOT NULL,"
    " version INTEGER NOT NULL, previous INTEGER NOT NULL, sum INTEGER NOT NULL, key TEXT NOT NULL,"
    " value BLOB NOT NULL) STRICT",
    "CREATE TABLE floor (one INTEGER PRIMARY KEY CHECK (one = 1), compacted INTEGER NOT NULL,"
    " kept INTEGER NOT NULL) STRICT",
};

enum statement {
    S_BEGIN, S_COMMIT, S_INSERT, S_FLOOR, S_SUPERSEDED, S_DELETIONS, S_SET_FLOOR, S_ROWS, STATEMENTS
};

static const char *const statement_text[STATEMENTS] = {
    [S_BEGIN] = "BEGIN IMMEDIATE",
    [S_COMMIT] = "COMMIT",
    [S_INSERT] = "INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [S_FLOOR] = "SELECT compacted, kept FROM floor",
    /* Between the old floor and the new one each row names the one it replaced. */
    [S_SUPERSEDED] = "DELETE FROM log WHERE revision IN"
                     " (SELECT previous FROM log WHERE revision > ?1 AND revision <= ?2 AND previous > 0)",
    [S_DELETIONS] = "DELETE FROM log WHERE revision >= ?1 AND revision < ?2 AND type = ?3",
    [S_SET_FLOOR] = "UPDATE floor SET compacted = ?1, kept = ?2",
    [S_ROWS] = "SELECT revision, type, created, version, previous, sum, key, value FROM log ORDER BY revision",
};

struct sqlite_log {
    struct commitlog base;
    char *path;
    sqlite3_vfs *vfs;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    DYN(struct commit) waiting;        /* appended and not yet in the file; own their keys and values */
    size_t waiting_bytes;
    size_t fold_after;
    uint64_t compacted, kept;          /* as in the file: the floor, and how many rows are at or below it */
    uint64_t floor;                    /* as it shall be */
    sqlite3_file *reserve;             /* NULL: none is kept */
    char *reserve_name;
    bool full;                         /* the reserve was needed, or could not be had */
    bool folded;                       /* what an earlier process left in the write-ahead log is in the database */
};

static struct sqlite_log *sqlite_of(struct commitlog *l)
{
    return container_of(l, struct sqlite_log, base);
}

/* ---- SQLite's results -------------------------------------------------------------------------------- */

static enum err_code code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_UNAVAILABLE;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return ERR_ACCESS;
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
        return ERR_IO;
    default:
        return ERR_PROTOCOL;           /* CORRUPT, NOTADB, and SQL that does not fit what is there */
    }
}

static int failed(struct sqlite_log *s, struct err *e, int rc)
{
    enum err_code code = code_of(rc);

    switch (code) {
    case ERR_FULL:
        return err_set(e, code, "no space left on the device");
    case ERR_UNAVAILABLE:
        return err_set(e, code, "another process uses it");
    case ERR_ACCESS:
        if ((rc & 0xff) == SQLITE_CANTOPEN && sqlite3_system_errno(s->db))
            return err_set_errno(e, sqlite3_system_errno(s->db), "it cannot be opened");
        return err_set(e, code, "it cannot be written");
    case ERR_IO:
        return err_set(e, code, "%s", sqlite3_errstr(rc));
    default:
        return err_set(e, code, "the file is damaged: %s", sqlite3_errmsg(s->db));
    }
}

static int execute(struct sqlite_log *s, const char *sql, struct err *e)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : failed(s, e, rc);
}

/* A statement that gives no rows. */
static int run(struct sqlite_log *s, enum statement which, struct err *e)
{
    sqlite3_stmt *st = s->statements[which];
    int rc = sqlite3_step(st);

    if (rc == SQLITE_DONE || rc == SQLITE_ROW)
        rc = sqlite3_reset(st);
    else
        sqlite3_reset(st);
    return rc == SQLITE_OK ? 0 : failed(s, e, rc);
}

/* The first column of the first row as text, the caller's to free; NULL where there is none. */
static int ask(struct sqlite_log *s, const char *sql, char **ret, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

    *ret = NULL;
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && sqlite3_column_text(st, 0))
        *ret = xstrdup((const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : failed(s, e, rc);
}

/* ---- the reserve ------------------------------------------------------------------------------------- */

static bool reserve_resize(struct sqlite_log *s, sqlite3_int64 size)
{
    const sqlite3_io_methods *m = s->reserve->pMethods;
    int chunk = RESERVE;

    if (size == 0)
        return m->xTruncate(s->reserve, 0) == SQLITE_OK;
    m->xFileControl(s->reserve, SQLITE_FCNTL_CHUNK_SIZE, &chunk);
    if (m->xFileControl(s->reserve, SQLITE_FCNTL_SIZE_HINT, &size) == SQLITE_OK)
        return true;
    m->xTruncate(s->reserve, 0);
    return false;
}

static void reserve_open(struct sqlite_log *s)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_JOURNAL;

    s->reserve_name = xasprintf("%s-reserve", s->path);
    s->reserve = xcalloc(1, (size_t)s->vfs->szOsFile);
    if (s->vfs->xOpen(s->vfs, s->reserve_name, s->reserve, flags, &flags) != SQLITE_OK || !s->reserve->pMethods) {
        free(STEAL(s->reserve));
        s->full = true;
        return;
    }
    s->full = !reserve_resize(s, RESERVE);
}

static void reserve_close(struct sqlite_log *s)
{
    if (s->reserve) {
        s->reserve->pMethods->xClose(s->reserve);
        s->vfs->xDelete(s->vfs, s->reserve_name, 0);
    }
    free(s->reserve);
    free(s->reserve_name);
}

/* ---- folding ----------------------------------------------------------------------------------------- */

/* A sync is twice as fast where the file does not grow by it: the write-ahead log gets the size that it comes
 * to before it is used again, in zeros. Without the room for that it grows as it goes. */
static void prolong(struct sqlite_log *s)
{
    static const char zeros[65536];
    sqlite3_file *wal = NULL;
    size_t len = (s->fold_after + 32) * (size_t)(PAGE + FRAME_HEADER);

    if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) != SQLITE_OK || !wal || !wal->pMethods)
        return;
    for (size_t at = 0, n; at < len; at += n) {
        n = len - at < sizeof(zeros) ? len - at : sizeof(zeros);
        if (wal->pMethods->xWrite(wal, zeros, (int)n, (sqlite3_int64)at) == SQLITE_OK)
            continue;
        wal->pMethods->xTruncate(wal, 0);
        return;
    }
    wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
}

/* Once the file is known to be whole. What comes later in the write-ahead log is then certain to be this
 * process's (data_file.c counts on it). Until then closing leaves the files as they were. */
static int fold(struct sqlite_log *s, struct err *e)
{
    cleanup_free char *busy = NULL;
    int r = ask(s, "PRAGMA wal_checkpoint(TRUNCATE)", &busy, e);

    if (r == 0) {
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        s->folded = true;
        prolong(s);
    }
    return r;
}

/* True when appends may be taken again. */
static bool regained(struct sqlite_log *s)
{
    if (!s->folded && fold(s, NULL) < 0)
        return false;
    s->full = s->reserve_name && (!s->reserve || !reserve_resize(s, RESERVE));
    return !s->full;
}

/* ---- writing ----------------------------------------------------------------------------------------- */

static uint64_t row_sum(const struct commit *c, const void *value, size_t len)
{
    uint64_t numbers[] = { c->revision, (uint64_t)c->type, c->create_revision, c->version, c->previous, len };
    uint64_t h = hash64(HASH64_INIT, numbers, sizeof(numbers));

    h = hash64(h, c->key, strlen(c->key) + 1);
    return hash64(h, value, len);
}

static int insert(struct sqlite_log *s, const struct commit *c, struct err *e)
{
    sqlite3_stmt *st = s->statements[S_INSERT];
    const struct blob *value = value_bytes(c->value);

    sqlite3_bind_int64(st, 1, (sqlite3_int64)c->revision);
    sqlite3_bind_int(st, 2, (int)c->type);
    sqlite3_bind_int64(st, 3, (sqlite3_int64)c->create_revision);
    sqlite3_bind_int64(st, 4, (sqlite3_int64)c->version);
    sqlite3_bind_int64(st, 5, (sqlite3_int64)c->previous);
    sqlite3_bind_int64(st, 6, (sqlite3_int64)row_sum(c, value->data, value->len));
    sqlite3_bind_text(st, 7, c->key, -1, SQLITE_STATIC);
    sqlite3_bind_blob64(st, 8, value->data, value->len, SQLITE_STATIC);
    return run(s, S_INSERT, e);
}

static int insert_waiting(struct sqlite_log *s, struct err *e)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < s->waiting.n; i++)
        r = insert(s, &s->waiting.v[i], e);
    return r;
}

static int delete_between(struct sqlite_log *s, enum statement which, uint64_t *deleted, struct err *e)
{
    sqlite3_stmt *st = s->statements[which];
    int r;

    sqlite3_bind_int64(st, 1, (sqlite3_int64)s->compacted);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)s->floor);
    if (which == S_DELETIONS)
        sqlite3_bind_int(st, 3, STORE_DELETE);
    r = run(s, which, e);
    *deleted += (uint64_t)sqlite3_changes64(s->db);
    return r;
}

/* All rows from the old floor to the new one are there; of those at or below it, what nobody can see goes. */
static int move_floor(struct sqlite_log *s, uint64_t *ret_kept, struct err *e)
{
    uint64_t from = s->compacted ? s->compacted : 1, deleted = 0;
    int r = delete_between(s, S_SUPERSEDED, &deleted, e);

    if (r == 0)
        r = delete_between(s, S_DELETIONS, &deleted, e);
    if (r < 0)
        return r;
    *ret_kept = s->kept + (s->floor - from) - deleted;
    sqlite3_bind_int64(s->statements[S_SET_FLOOR], 1, (sqlite3_int64)s->floor);
    sqlite3_bind_int64(s->statements[S_SET_FLOOR], 2, (sqlite3_int64)*ret_kept);
    return run(s, S_SET_FLOOR, e);
}

static int end(struct sqlite_log *s, int r, struct err *e)
{
    if (r == 0)
        r = run(s, S_COMMIT, e);
    if (r < 0 && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

static int commit_rows(struct sqlite_log *s, struct err *e)
{
    int r = run(s, S_BEGIN, e);

    return r < 0 ? r : end(s, insert_waiting(s, e), e);
}

static void forget_waiting(struct sqlite_log *s)
{
    for (size_t i = 0; i < s->waiting.n; i++) {
        free((char *)s->waiting.v[i].key);
        value_unref(s->waiting.v[i].value);
    }
    s->waiting.n = s->waiting_bytes = 0;
}

/* Promise 3: once with the space there is, once with the reserve's. */
static int write_rows(struct sqlite_log *s, struct err *e)
{
    int r;

    if (s->waiting.n == 0)
        return 0;
    r = commit_rows(s, e);
    if (r == -ERR_FULL && s->reserve && reserve_resize(s, 0)) {
        s->full = true;
        r = commit_rows(s, e);
    }
    if (r == 0)
        forget_waiting(s);
    return r;
}

/* In a transaction of its own: without it the rows are merely more than needed. */
static int write_floor(struct sqlite_log *s, struct err *e)
{
    uint64_t kept = 0;
    int r;

    if (s->floor == s->compacted)
        return 0;
    r = run(s, S_BEGIN, e);
    if (r == 0)
        r = end(s, move_floor(s, &kept, e), e);
    if (r == -ERR_FULL)
        return 0;                      /* again with the next sync */
    if (r == 0) {
        s->compacted = s->floor;
        s->kept = kept;
    }
    return r;
}

static int sqlite_sync(struct commitlog *l, struct err *e)
{
    struct sqlite_log *s = sqlite_of(l);
    int r = write_rows(s, e);

    return r < 0 ? r : write_floor(s, e);
}

static int sqlite_append(struct commitlog *l, const struct commit *c, struct err *e)
{
    struct sqlite_log *s = sqlite_of(l);
    int r = s->waiting_bytes > BATCH ? write_rows(s, e) : 0;
    struct commit *own;

    if (r < 0)
        return r;
    if (s->full && !regained(s))
        return err_set(e, ERR_FULL, "no space left on the device");
    own = dyn_push(&s->waiting);
    *own = *c;
    own->key = xstrdup(c->key);
    value_ref(own->value);
    s->waiting_bytes += value_bytes(own->value)->len;
    return 0;
}

static int sqlite_compact(struct commitlog *l, uint64_t revision, struct err *e)
{
    sqlite_of(l)->floor = revision;
    return 0;
}

/* ---- reading ----------------------------------------------------------------------------------------- */

static int damaged_row(const struct commit *c, struct err *e)
{
    return err_set(e, ERR_PROTOCOL, "the file is damaged: revision %llu is not what was written",
                   (unsigned long long)c->revision);
}

/* The key is valid until the next step; the value is a new reference. */
static int read_row(struct sqlite_log *s, struct commit *ret, struct err *e)
{
    sqlite3_stmt *st = s->statements[S_ROWS];
    const void *value = sqlite3_column_blob(st, 7);
    size_t len = (size_t)sqlite3_column_bytes(st, 7);
    int type = sqlite3_column_int(st, 1);

    *ret = (struct commit){
        .revision = (uint64_t)sqlite3_column_int64(st, 0), .create_revision = (uint64_t)sqlite3_column_int64(st, 2),
        .version = (uint64_t)sqlite3_column_int64(st, 3), .previous = (uint64_t)sqlite3_column_int64(st, 4),
        .key = (const char *)sqlite3_column_text(st, 6), .type = (enum store_event_type)type,
    };
    if (!ret->key || !value || type < STORE_CREATE || type > STORE_DELETE
        || row_sum(ret, value, len) != (uint64_t)sqlite3_column_int64(st, 5))
        return damaged_row(ret, e);
    ret->value = value_from_bytes(blob_new(value, len));
    return 0;
}

static int read_rows(struct sqlite_log *s, commit_fn *each, void *arg, struct err *e)
{
    sqlite3_stmt *st = s->statements[S_ROWS];
    uint64_t below = 0;
    bool more = true;
    int rc, r = 0;

    while (more && r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct commit c;
        r = read_row(s, &c, e);
        if (r < 0)
            break;
        below += c.revision <= s->compacted;
        more = each(arg, &c);
        value_unref(c.value);
    }
    if (more && r == 0 && rc != SQLITE_DONE)
        r = failed(s, e, rc);
    sqlite3_reset(st);
    if (more && r == 0 && below != s->kept)
        return err_set(e, ERR_PROTOCOL, "the file is damaged: %llu rows at or below revision %llu, not %llu",
                       (unsigned long long)below, (unsigned long long)s->compacted,
                       (unsigned long long)s->kept);
    if (more && r == 0 && !s->folded)
        r = fold(s, e);
    if (r == -ERR_FULL)
        s->full = true;                /* to be read it is good enough */
    return r == -ERR_FULL ? 0 : r;
}

static int read_floor(struct sqlite_log *s, struct err *e)
{
    sqlite3_stmt *st = s->statements[S_FLOOR];
    int rc = sqlite3_step(st), r = 0;

    if (rc == SQLITE_ROW) {
        s->compacted = s->floor = (uint64_t)sqlite3_column_int64(st, 0);
        s->kept = (uint64_t)sqlite3_column_int64(st, 1);
    } else {
        r = rc == SQLITE_DONE ? err_set(e, ERR_PROTOCOL, "the file is damaged: it has no floor")
                              : failed(s, e, rc);
    }
    sqlite3_reset(st);
    return r;
}

static int sqlite_load(struct commitlog *l, uint64_t *ret_compacted, commit_fn *each, void *arg, struct err *e)
{
    struct sqlite_log *s = sqlite_of(l);
    int r = sqlite_sync(l, e);         /* what another store appended */

    if (r == 0)
        r = read_floor(s, e);
    *ret_compacted = s->compacted;
    return r < 0 ? r : read_rows(s, each, arg, e);
}

/* ---- opening and closing ------------------------------------------------------------------------------ */

static int create(struct sqlite_log *s, struct err *e)
{
    cleanup_free char *sql = xasprintf("BEGIN EXCLUSIVE; %s; %s; INSERT INTO floor VALUES (1, 0, 0);"
                                       "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                                       tables[0], tables[1], DATA_FILE_ID, DATA_FILE_FORMAT);
    return execute(s, sql, e);
}

/* Made as this program makes it, and whole as far as SQLite can see. */
static int check_whole(struct sqlite_log *s, struct err *e)
{
    cleanup_free char *schema = NULL, *want = xasprintf("%s;%s", tables[1], tables[0]), *verdict = NULL;
    int r = ask(s, "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)", &schema, e);

    if (r == 0 && (!schema || !streq(schema, want)))
        r = err_set(e, ERR_PROTOCOL, "the file is damaged: its tables are not as they were made");
    if (r == 0)
        r = ask(s, "PRAGMA quick_check(1)", &verdict, e);
    if (r < 0 || (verdict && streq(verdict, "ok")))
        return r;
    const char *line = verdict ? strchr(verdict, '\n') : NULL;           /* the first only names the database */
    return err_set(e, ERR_PROTOCOL, "the file is damaged: %s", line ? line + 1 : "it cannot be checked");
}

static int prepare(struct sqlite_log *s, struct err *e)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        int rc = sqlite3_prepare_v3(s->db, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i],
                                    NULL);
        if (rc != SQLITE_OK)
            return failed(s, e, rc);
    }
    return 0;
}

/* Locked from the first read on. */
static int set_up(struct sqlite_log *s, const struct commitlog_sqlite_options *o, struct err *e)
{
    cleanup_free char *version = NULL, *mode = NULL;
    int r = execute(s, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_spill = OFF; PRAGMA trusted_schema = OFF;"
                       "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY", e);
    if (r == 0)
        r = execute(s, o->careless ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL", e);
    if (r == 0)
        r = ask(s, "PRAGMA user_version", &version, e);
    if (r == 0 && streq(version, "0"))
        r = create(s, e);
    if (r == 0)
        r = ask(s, "PRAGMA journal_mode = WAL", &mode, e);
    return r < 0 ? r : check_whole(s, e);
}

static int open_database(struct sqlite_log *s, const struct commitlog_sqlite_options *o, struct err *e)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc, r = streq(s->path, ":memory:") ? 0 : data_file_check(s->vfs, s->path, e);

    if (r < 0)
        return r;
    rc = sqlite3_open_v2(s->path, &s->db, flags, o->vfs);
    if (rc != SQLITE_OK)
        return failed(s, e, rc);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_wal_autocheckpoint(s->db, (int)s->fold_after);
    if (sqlite3_db_readonly(s->db, "main"))
        return err_set(e, ERR_ACCESS, "it cannot be written");
    r = set_up(s, o, e);
    if (r == 0)
        r = prepare(s, e);
    if (r == 0)
        r = read_floor(s, e);
    if (r == 0 && !streq(s->path, ":memory:"))
        reserve_open(s);
    return r;
}

/* The floor need not be safe, but if it can be, it saves the next reader work. */
static void sqlite_free(struct commitlog *l)
{
    struct sqlite_log *s = sqlite_of(l);

    if (s->folded && !l->failed)
        write_floor(s, NULL);
    forget_waiting(s);
    dyn_release(&s->waiting);
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    reserve_close(s);
    free(s->path);
    free(s);
}

static const struct commitlog_ops sqlite_ops = {
    .name = "sqlite", .append = sqlite_append, .sync = sqlite_sync, .compact = sqlite_compact,
    .load = sqlite_load, .free = sqlite_free
};

struct commitlog *commitlog_sqlite_new(const struct commitlog_sqlite_options *o, struct err *e)
{
    struct sqlite_log *s = xcalloc(1, sizeof(*s));

    sqlite3_initialize();
    s->base = (struct commitlog){ .ops = &sqlite_ops, .appended = 1, .synced = 1 };
    s->path = xstrdup(o->path);
    s->fold_after = o->fold_after ? o->fold_after : FOLD_AFTER;
    s->vfs = sqlite3_vfs_find(o->vfs);
    assert(s->vfs);
    return open_database(s, o, e) < 0 ? commitlog_free(&s->base) : &s->base;
}

void commitlog_sqlite_cut(struct commitlog *l)
{
    struct sqlite_log *s = sqlite_of(l);

    assert(l->ops == &sqlite_ops);
    forget_waiting(s);
    s->floor = s->compacted;
    l->appended = l->synced;
    l->failed = false;
}
