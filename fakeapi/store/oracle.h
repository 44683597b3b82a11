/* oracle.h — random operations on a store, each compared with the model; what failed, made small. */
#pragma once

#include "fakeapi/store/commitlog.h"
#include "fakeapi/store/model.h"

enum op_kind {
    OP_PUT, OP_DELETE, OP_GET, OP_RANGE, OP_COUNT, OP_REPLAY, OP_COMPACT, OP_WATCH, OP_UNWATCH,
    OP_FINGERPRINT, OP_MARK, OP_UNDO, OP_FORGET, OP_SYNC, OP_RESTART, OP_CUT, OP_KINDS
};

/* Numbers are resolved against the state when the operation runs, so that a list with holes in it is
 * still a list of operations. */
struct op {
    enum op_kind kind;
    uint32_t a, b, c, d;
};

enum oracle_log { LOG_NONE, LOG_MEMORY, LOG_TRACED, LOG_FAULTY, LOG_SQLITE, LOG_KINDS };

/* What went wrong, in the caller's hands to free, or NULL. *ret_at: which operation. */
char *oracle_run(enum oracle_log log, uint64_t seed, const struct op *ops, size_t n, size_t *ret_at);

/* `n` operations of a seed; the caller frees. */
struct op *oracle_ops(enum oracle_log log, uint64_t seed, size_t n);

/* Drops operations as long as it still fails; returns how many are left at the front of `ops`. */
size_t oracle_shrink(enum oracle_log log, uint64_t seed, struct op *ops, size_t n);
void oracle_describe(struct buf *b, const struct op *op);
