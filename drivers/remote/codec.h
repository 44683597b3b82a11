/* codec.h — the contract's structs and their bytes: one table for each message, one engine for all.
 *
 * protobuf-c reads and writes the wire; what it does not check is checked here before it sees a byte:
 * texts are UTF-8 without NUL, and the whole may not grow beyond CODEC_MEMORY_MAX when decoded. Unknown
 * fields are skipped (DRV-006); a map with one key twice keeps the last, as protobuf has it.
 */
#pragma once

#include "drivers/remote/remote.h"

#define CODEC_MEMORY_MAX ((size_t)64 << 20)

struct codec_shape;                    /* one message: its descriptor, and where each field stands */

struct codec_method {
    const char *name;                  /* "Checkpoint" */
    duration deadline;                 /* DRV-007 */
    const struct codec_shape *request, *reply;
};
const struct codec_method *codec_method(enum driver_method m);

/* `ours` is the struct of kube/snapshot_driver.h that belongs to the shape. */
void codec_encode(const struct codec_shape *shape, const void *ours, struct buf *out);
/* False: it is not such a message; `ret_why` (in `a`) is a clause. Everything decoded lives in `a`. */
bool codec_decode(const struct codec_shape *shape, const void *data, size_t len, struct arena *a,
                  void *ours, const char **ret_why);
