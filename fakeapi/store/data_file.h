/* data_file.h — is this file ours to open? Asked before SQLite sees it, and only by reading.
 *
 * SQLite would roll a foreign database's journal back, take a file of zeros for a new one, and cut a
 * damaged write-ahead log at the damage as if a write had never finished. A server must say so instead.
 */
#pragma once

#include "world/err.h"

#define DATA_FILE_ID 0x646f726d        /* application_id: "dorm" */
#define DATA_FILE_FORMAT 1             /* user_version */

struct sqlite3_vfs;

/* 0 for one of ours, a new or an empty one; else -ERR_INVALID (not ours), -ERR_PROTOCOL (damaged) or what
 * the machine said. The message does not name the file. */
int data_file_check(struct sqlite3_vfs *vfs, const char *path, struct err *e);
