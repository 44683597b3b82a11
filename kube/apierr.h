/* apierr.h — an error as Kubernetes answers it: a reason, an HTTP code, a sentence, its causes.
 *
 * The reason is also the return value, negative: `return apierr_set(err, APIERR_NOT_FOUND, ...)`.
 * Reasons start above world's codes (world/err.h), so one `int r` carries either. Everything an
 * apierr points to lives in its arena (the pass's), so it cannot leak; nothing is cut.
 */
#pragma once

#include <jansson.h>

#include "world/err.h"

#define APIERR_REASONS(X)                                         \
    X(UNKNOWN, 500, "")                                           \
    X(UNAUTHORIZED, 401, "Unauthorized")                          \
    X(FORBIDDEN, 403, "Forbidden")                                \
    X(NOT_FOUND, 404, "NotFound")                                 \
    X(ALREADY_EXISTS, 409, "AlreadyExists")                       \
    X(CONFLICT, 409, "Conflict")                                  \
    X(GONE, 410, "Gone")                                          \
    X(EXPIRED, 410, "Expired")                                    \
    X(INVALID, 422, "Invalid")                                    \
    X(SERVER_TIMEOUT, 500, "ServerTimeout")                       \
    X(TIMEOUT, 504, "Timeout")                                    \
    X(TOO_MANY_REQUESTS, 429, "TooManyRequests")                  \
    X(BAD_REQUEST, 400, "BadRequest")                             \
    X(METHOD_NOT_ALLOWED, 405, "MethodNotAllowed")                \
    X(NOT_ACCEPTABLE, 406, "NotAcceptable")                       \
    X(REQUEST_ENTITY_TOO_LARGE, 413, "RequestEntityTooLarge")     \
    X(UNSUPPORTED_MEDIA_TYPE, 415, "UnsupportedMediaType")        \
    X(INTERNAL_ERROR, 500, "InternalError")                       \
    X(SERVICE_UNAVAILABLE, 503, "ServiceUnavailable")

enum apierr_reason {
    APIERR_FIRST_ = ERR_LIMIT,
#define X(name, code, text) APIERR_##name,
    APIERR_REASONS(X)
#undef X
    APIERR_LIMIT_
};

struct apicause {
    const char *reason;                /* "FieldValueRequired", "FieldManagerConflict" ... */
    const char *message;
    const char *field;                 /* NULL: absent */
};

struct apierr {
    struct arena *arena;
    enum apierr_reason reason;
    int code;                          /* HTTP; 0 = the reason's own */
    const char *message;
    /* Status.details; NULL = absent */
    const char *name, *group, *kind, *uid;
    int retry_after_s;
    struct apicause *causes;           /* in the order found */
    size_t n_causes;
    bool has_details;                  /* details present even when all of it is empty */
};

#define APIERR_IN(a) ((struct apierr){ .arena = (a) })

/* All return the negative reason. `err` may be NULL when the caller does not care why. Setting again
 * replaces everything but the arena. */
int apierr_set(struct apierr *err, enum apierr_reason reason, const char *fmt, ...) PRINTF(3, 4);
int apierr_wrap(struct apierr *err, int r, const char *fmt, ...) PRINTF(3, 4);   /* "fmt: message" */
int apierr_from(struct apierr *err, int r, const struct err *e);   /* a world error becomes an API one;
                                                                      -ERR_CANCELLED stays itself */
/* The usual ones, worded and with details as apimachinery words them (J section). `resource` is plural;
 * group "" is the core group. */
int apierr_not_found(struct apierr *err, const char *group, const char *resource, const char *name);
int apierr_already_exists(struct apierr *err, const char *group, const char *resource, const char *name);
int apierr_conflict(struct apierr *err, const char *group, const char *resource, const char *name,
                    const char *fmt, ...) PRINTF(5, 6);
void apierr_cause(struct apierr *err, const char *reason, const char *field, const char *fmt, ...)
    PRINTF(4, 5);

int apierr_code(const struct apierr *err);
const char *apierr_reason_text(int r);           /* "NotFound"; for world codes their text */
bool apierr_is(int r, enum apierr_reason reason);

/* The Status object, a new reference; and back from one (a client's side). */
json_t *apierr_status(const struct apierr *err);
int apierr_from_status(struct apierr *err, const json_t *status);
