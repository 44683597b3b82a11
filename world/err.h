/* err.h — an error of the ground floors: a code, also returned negative, and one sentence.
 *
 * Functions of world and net return 0 (or a count) or -ERR_x, and fill `struct err` where they are
 * given one. The codes stay below ERR_LIMIT; kube/apierr.h continues the numbering above it, so that
 * one `int r` can carry either and -ERR_CANCELLED means the same on every floor.
 */
#pragma once

#include "world/arena.h"

#define ERR_CODES(X)                                                               \
    X(CANCELLED, "cancelled")         /* the task's process was killed: unwind */  \
    X(TIMEOUT, "deadline exceeded")                                                \
    X(INVALID, "invalid argument")                                                 \
    X(NOT_FOUND, "not found")                                                      \
    X(EXISTS, "already exists")                                                    \
    X(ACCESS, "permission denied")                                                 \
    X(FULL, "no space left")                                                       \
    X(IO, "input/output error")                                                    \
    X(UNAVAILABLE, "unavailable")     /* the peer is absent, refused or went away */ \
    X(PROTOCOL, "protocol error")     /* the peer answered what no peer may answer */ \
    X(TOO_LARGE, "too large")                                                      \
    X(INTERNAL, "internal error")

enum err_code {
    ERR_NONE,
#define X(name, text) ERR_##name,
    ERR_CODES(X)
#undef X
    ERR_LIMIT = 100
};

/* The message lives in `arena`; without an arena only the code is kept. */
struct err {
    struct arena *arena;
    enum err_code code;
    const char *message;
};

#define ERR_IN(a) ((struct err){ .arena = (a) })

int err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF(3, 4);   /* -code */
int err_wrap(struct err *e, int r, const char *fmt, ...) PRINTF(3, 4);     /* "fmt: message"; r */
int err_set_errno(struct err *e, int errnum, const char *fmt, ...) PRINTF(3, 4);
const char *err_code_text(int r);               /* the sentence of a negative or positive code */
const char *err_message(const struct err *e);   /* the message, or the code's text */
