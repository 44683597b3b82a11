/* buf.h — a growing byte buffer, and the blob it becomes: immutable bytes shared by reference.
 *
 * A blob is how bytes travel: a stored object's JSON, a watch event encoded once for a thousand
 * watchers, a reply body. It is never edited; the last blob_unref frees it.
 */
#pragma once

#include "world/base.h"

struct buf {
    char *data;                        /* NUL-terminated after the first append; NULL before */
    size_t len, cap;
};

#define BUF_INIT { 0 }
#define cleanup_buf __attribute__((cleanup(buf_release)))

void buf_release(struct buf *b);       /* frees the bytes; the buffer is empty and usable again */
void buf_reset(struct buf *b);         /* empties, keeps the memory */
void buf_reserve(struct buf *b, size_t more);  /* and a NUL */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_add_rune(struct buf *b, unsigned rune);        /* in UTF-8 */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list args) PRINTF(2, 0);
char *buf_steal(struct buf *b);        /* the bytes, NUL-terminated, the caller's to free */

size_t rune_encode(char ret[4], unsigned rune);        /* in UTF-8; from 1 to 4 bytes */
size_t rune_count(const char *s, size_t len);  /* how many begin there */

struct blob {
    unsigned refs;                     /* one thread: plain */
    size_t len;
    char data[];                       /* data[len] == 0 */
};

struct blob *blob_new(const void *data, size_t len);
struct blob *blob_from_buf(struct buf *b);      /* takes the content; the buffer is empty after */
struct blob *blob_ref(struct blob *b);          /* NULL is fine */
void blob_unref(struct blob *b);                /* NULL is fine */
#define cleanup_blob __attribute__((cleanup(cleanup_blobp)))
static inline void cleanup_blobp(struct blob **b)
{
    blob_unref(*b);
}
