/* fielderr.h — what is wrong with an object, field by field, worded as apimachinery words it (J-018 to
 * J-029): the list that every validation fills and that becomes one 422 Invalid answer.
 *
 * A path is a chain of stack values, written out only when something is wrong:
 *
 *     validate_ports(errs, FP_CHILD(spec, "ports"), ports);
 *     ... fielderr_required(errs, FP_CHILD(FP_INDEX(path, i), "containerPort"), "");
 *
 * Everything is copied into the list's arena; trees given as values are only read during the call.
 */
#pragma once

#include "kube/apierr.h"
#include "world/buf.h"

struct fpath {
    const struct fpath *parent;
    enum { FP_NAME_, FP_INDEX_, FP_KEY_ } kind;
    const char *name;                  /* name or map key */
    size_t index;
};

/* Live as long as the enclosing block of the caller. A NULL parent is the object itself. */
#define FP_CHILD(p, n) (&(const struct fpath){ .parent = (p), .kind = FP_NAME_, .name = (n) })
#define FP_INDEX(p, i) (&(const struct fpath){ .parent = (p), .kind = FP_INDEX_, .index = (i) })
#define FP_KEY(p, k) (&(const struct fpath){ .parent = (p), .kind = FP_KEY_, .name = (k) })

/* "spec.ports[0].name", "metadata.labels[a/b]"; in `arena`; "" for NULL. */
const char *fpath_text(struct arena *arena, const struct fpath *path);

struct fielderrs {
    struct arena *arena;
    struct apicause *v;                /* reason, body of the message, field: in the order found */
    size_t n;
};
#define FIELDERRS_IN(a) ((struct fielderrs){ .arena = (a) })

/* `detail` "" = none. A value is printed as Go prints it: strings quoted, the rest as JSON. */
void fielderr_required(struct fielderrs *e, const struct fpath *p, const char *detail);
void fielderr_invalid(struct fielderrs *e, const struct fpath *p, const json_t *value, const char *fmt, ...)
    PRINTF(4, 5);
void fielderr_invalid_str(struct fielderrs *e, const struct fpath *p, const char *value, const char *fmt, ...)
    PRINTF(4, 5);
void fielderr_invalid_int(struct fielderrs *e, const struct fpath *p, int64_t value, const char *fmt, ...)
    PRINTF(4, 5);
/* A string of a type with a name of its own, or behind a pointer: Go prints it as JSON. */
void fielderr_invalid_named(struct fielderrs *e, const struct fpath *p, const char *value, const char *fmt, ...)
    PRINTF(4, 5);
/* `text` as it stands after "Invalid value: " (a struct that Go prints in its own way). */
void fielderr_invalid_raw(struct fielderrs *e, const struct fpath *p, const char *text, const char *fmt, ...)
    PRINTF(4, 5);
/* `supported` is NULL-terminated and printed in the order given (the callers sort as Go's sets do). */
void fielderr_not_supported(struct fielderrs *e, const struct fpath *p, const json_t *value,
                            const char *const *supported);
void fielderr_not_supported_named(struct fielderrs *e, const struct fpath *p, const char *value,
                                  const char *const *supported);
void fielderr_forbidden(struct fielderrs *e, const struct fpath *p, const char *fmt, ...) PRINTF(3, 4);
void fielderr_duplicate(struct fielderrs *e, const struct fpath *p, const json_t *value);
void fielderr_duplicate_str(struct fielderrs *e, const struct fpath *p, const char *value);
void fielderr_not_found(struct fielderrs *e, const struct fpath *p, const json_t *value);
void fielderr_too_long(struct fielderrs *e, const struct fpath *p, int64_t max_bytes);
void fielderr_too_many(struct fielderrs *e, const struct fpath *p, int64_t actual, int64_t max);
void fielderr_type_invalid(struct fielderrs *e, const struct fpath *p, const char *value_text,
                           const char *fmt, ...) PRINTF(4, 5);
void fielderr_internal(struct fielderrs *e, const struct fpath *p, const char *fmt, ...) PRINTF(3, 4);

/* Appends what another list holds. */
void fielderrs_add(struct fielderrs *e, const struct fielderrs *more);

/* The errors of a list that is not empty in one line, as Go joins them; in the arena. */
const char *fielderrs_text(const struct fielderrs *e);

/* 0 when the list is empty, else -APIERR_INVALID with the aggregated message and all causes. `kind` is the
 * Kind, `group` "" for the core group. */
int fielderrs_status(const struct fielderrs *e, struct apierr *err, const char *group, const char *kind,
                     const char *name);

/* Appends `s` as Go's strconv.Quote does. */
void go_quote(struct buf *b, const char *s, size_t len);

/* The bytes of white space that start at `p`, as unicode.IsSpace has it; 0: none. */
size_t go_space(const char *p, const char *end);
