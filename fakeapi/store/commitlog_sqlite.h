/* commitlog_sqlite.h — the durable commit log: one SQLite file in WAL mode, synchronous=FULL.
 *
 * The file is a log of revisions (a row each: README.md says which columns) and the compaction floor. What
 * was appended since the last sync waits in memory and goes in one transaction; a row that a compaction
 * makes unnecessary is deleted. The store reads the file once, when it opens.
 *
 * Promises, beside those of commitlog.h
 *  (1) A file that is not ours (another program's, a newer format, a folder) is refused before SQLite
 *      touches it; one that is damaged is refused with what is wrong, and not written to.
 *  (2) One process at a time: the file stays locked while the log lives.
 *  (3) A disk that fills up refuses appends and loses nothing: the space for what was appended before is
 *      held in reserve (FILE-reserve). Appends work again once there is room for the reserve.
 */
#pragma once

#include "fakeapi/store/commitlog.h"

struct commitlog_sqlite_options {
    const char *path;                  /* ":memory:": a database that dies with the log */
    const char *vfs;                   /* of SQLite; NULL: the machine's own files */
    bool careless;                     /* synchronous=OFF: only so that a test can catch it */
    unsigned fold_after;               /* pages of the write-ahead log; 0: a thousand */
};

/* NULL with `e`: -ERR_INVALID where the file is not ours, -ERR_PROTOCOL where it is damaged, else what the
 * machine said (-ERR_ACCESS, -ERR_FULL, -ERR_IO; -ERR_UNAVAILABLE: another process has it). No message of
 * this log's names the file: the caller knows how it was given. */
struct commitlog *commitlog_sqlite_new(const struct commitlog_sqlite_options *o, struct err *e);

/* The process dies here: what was not synced is gone, and the log can be loaded into another store. */
void commitlog_sqlite_cut(struct commitlog *l);
