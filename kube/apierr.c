#include "kube/apierr.h"

#include "kube/fielderr.h"

#include "kube/gvk.h"
#include "kube/nul.h"

static const struct reason_row {
    int code;
    const char *text;
} reasons[] = {
#define X(name, code, text) [APIERR_##name - APIERR_FIRST_ - 1] = { code, text },
    APIERR_REASONS(X)
#undef X
};
static_assert(ARRAY_SIZE(reasons) == APIERR_LIMIT_ - APIERR_FIRST_ - 1, "a row a reason");

static const struct reason_row *reason_row(int r)
{
    if (r < 0)
        r = -r;
    return r > APIERR_FIRST_ && r < APIERR_LIMIT_ ? &reasons[r - APIERR_FIRST_ - 1] : NULL;
}

static void apierr_reset(struct apierr *err, enum apierr_reason reason)
{
    *err = (struct apierr){ .arena = err->arena, .reason = reason };
}

static const char *keep(struct apierr *err, const char *s)
{
    return err->arena && s ? arena_strdup(err->arena, s) : NULL;
}

int apierr_set(struct apierr *err, enum apierr_reason reason, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return -(int)reason;
    apierr_reset(err, reason);
    if (err->arena) {
        va_start(args, fmt);
        err->message = arena_vprintf(err->arena, fmt, args);
        va_end(args);
    }
    return -(int)reason;
}

int apierr_wrap(struct apierr *err, int r, const char *fmt, ...)
{
    va_list args;

    if (!err || !err->arena)
        return r;
    va_start(args, fmt);
    err->message = arena_printf(err->arena, "%s: %s", arena_vprintf(err->arena, fmt, args),
                                err->message ? err->message : apierr_reason_text(r));
    va_end(args);
    return r;
}

int apierr_from(struct apierr *err, int r, const struct err *e)
{
    static const struct {
        enum err_code code;
        enum apierr_reason reason;
    } rows[] = {
        { ERR_TIMEOUT, APIERR_TIMEOUT },          { ERR_INVALID, APIERR_BAD_REQUEST },
        { ERR_UNAVAILABLE, APIERR_SERVICE_UNAVAILABLE },
        { ERR_TOO_LARGE, APIERR_REQUEST_ENTITY_TOO_LARGE },
    };
    enum apierr_reason reason = APIERR_INTERNAL_ERROR;
    const char *message = e && e->message ? e->message : err_code_text(r);

    if (r == -ERR_CANCELLED || reason_row(r))
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].code == (enum err_code)-r)
            reason = rows[i].reason;
    return apierr_set(err, reason, "%s", message);
}

static void set_details(struct apierr *err, const char *group, const char *kind, const char *name)
{
    if (!err)
        return;
    err->has_details = true;
    err->name = keep(err, name);
    err->group = keep(err, group);
    err->kind = keep(err, kind);
}

/* "deployments.apps \"x\"", in the error's arena. */
static const char *named(struct apierr *err, const char *group, const char *resource, const char *name)
{
    if (!err || !err->arena)
        return "";
    struct buf quoted = BUF_INIT;
    go_quote(&quoted, name, strlen(name));
    const char *text = arena_printf(err->arena, "%s %s", group_resource(err->arena, group, resource), quoted.data);
    buf_release(&quoted);
    return text;
}

int apierr_not_found(struct apierr *err, const char *group, const char *resource, const char *name)
{
    int r = apierr_set(err, APIERR_NOT_FOUND, "%s not found", named(err, group, resource, name));

    set_details(err, group, resource, name);
    return r;
}

int apierr_already_exists(struct apierr *err, const char *group, const char *resource, const char *name)
{
    int r = apierr_set(err, APIERR_ALREADY_EXISTS, "%s already exists",
                       named(err, group, resource, name));

    set_details(err, group, resource, name);
    return r;
}

int apierr_conflict(struct apierr *err, const char *group, const char *resource, const char *name,
                    const char *fmt, ...)
{
    const char *why = "";
    va_list args;
    int r;

    if (err && err->arena) {
        va_start(args, fmt);
        why = arena_vprintf(err->arena, fmt, args);
        va_end(args);
    }
    r = apierr_set(err, APIERR_CONFLICT, "Operation cannot be fulfilled on %s: %s",
                   named(err, group, resource, name), why);
    set_details(err, group, resource, name);
    return r;
}

/* The array doubles at each power of two; the arena keeps the old ones until the pass ends. */
static struct apicause *next_cause(struct apierr *err)
{
    size_t n = err->n_causes;

    if (!(n & (n - 1))) {
        struct apicause *grown = arena_alloc(err->arena, (n ? 2 * n : 1) * sizeof(*grown));

        if (n)
            memcpy(grown, err->causes, n * sizeof(*grown));
        err->causes = grown;
    }
    err->n_causes++;
    return &err->causes[n];
}

void apierr_cause(struct apierr *err, const char *reason, const char *field, const char *fmt, ...)
{
    struct apicause *cause;
    va_list args;

    if (!err || !err->arena)
        return;
    cause = next_cause(err);
    va_start(args, fmt);
    *cause = (struct apicause){ keep(err, reason), arena_vprintf(err->arena, fmt, args),
                                keep(err, field) };
    va_end(args);
    err->has_details = true;
}

int apierr_code(const struct apierr *err)
{
    const struct reason_row *row = err ? reason_row(err->reason) : NULL;

    if (err && err->code)
        return err->code;
    return row ? row->code : 500;
}

const char *apierr_reason_text(int r)
{
    const struct reason_row *row = reason_row(r);

    return row ? row->text : err_code_text(r);
}

bool apierr_is(int r, enum apierr_reason reason)
{
    return r == -(int)reason;
}

static void set_text(json_t *object, const char *key, const char *value)
{
    if (str_empty(value))
        return;
    if (strstr(value, NUL_HIDDEN)) {
        cleanup_free char *shown = xstrdup(value);
        size_t len = nul_show(shown);
        json_object_set_new_nocheck(object, key, json_stringn_nocheck(shown, len));
        return;
    }
    json_object_set_new_nocheck(object, key, json_string_nocheck(value));
}

static json_t *details_object(const struct apierr *err)
{
    json_t *details = json_object(), *causes;

    set_text(details, "name", err->name);
    set_text(details, "group", err->group);
    set_text(details, "kind", err->kind);
    set_text(details, "uid", err->uid);
    if (err->n_causes) {
        causes = json_array();
        for (size_t i = 0; i < err->n_causes; i++) {
            json_t *cause = json_object();

            set_text(cause, "reason", err->causes[i].reason);
            set_text(cause, "message", err->causes[i].message);
            set_text(cause, "field", err->causes[i].field);
            json_array_append_new(causes, cause);
        }
        json_object_set_new_nocheck(details, "causes", causes);
    }
    if (err->retry_after_s)
        json_object_set_new_nocheck(details, "retryAfterSeconds", json_integer(err->retry_after_s));
    return details;
}

static bool details_wanted(const struct apierr *err)
{
    return err->has_details || err->name || err->group || err->kind || err->uid || err->n_causes ||
           err->retry_after_s;
}

json_t *apierr_status(const struct apierr *err)
{
    json_t *status = json_object();

    set_text(status, "kind", "Status");
    set_text(status, "apiVersion", "v1");
    json_object_set_new_nocheck(status, "metadata", json_object());
    set_text(status, "status", "Failure");
    set_text(status, "message", err->message);
    set_text(status, "reason", reason_row(err->reason) ? reason_row(err->reason)->text : "");
    if (details_wanted(err))
        json_object_set_new_nocheck(status, "details", details_object(err));
    json_object_set_new_nocheck(status, "code", json_integer(apierr_code(err)));
    return status;
}

/* By reason first, then by code (J-121). */
static enum apierr_reason reason_of(const char *text, int code)
{
    static const enum apierr_reason by_code[] = {
        APIERR_UNAUTHORIZED, APIERR_FORBIDDEN, APIERR_NOT_FOUND, APIERR_CONFLICT, APIERR_GONE,
        APIERR_INVALID, APIERR_TIMEOUT, APIERR_TOO_MANY_REQUESTS, APIERR_BAD_REQUEST,
        APIERR_METHOD_NOT_ALLOWED, APIERR_NOT_ACCEPTABLE, APIERR_REQUEST_ENTITY_TOO_LARGE,
        APIERR_UNSUPPORTED_MEDIA_TYPE, APIERR_SERVICE_UNAVAILABLE, APIERR_INTERNAL_ERROR,
    };

    for (size_t i = 0; !str_empty(text) && i < ARRAY_SIZE(reasons); i++)
        if (streq(reasons[i].text, text))
            return (enum apierr_reason)(APIERR_FIRST_ + 1 + i);
    if (str_empty(text) && code == 500)
        return APIERR_UNKNOWN;
    for (size_t i = 0; i < ARRAY_SIZE(by_code); i++)
        if (reason_row((int)by_code[i])->code == code)
            return by_code[i];
    return APIERR_UNKNOWN;
}

static const char *member(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

int apierr_from_status(struct apierr *err, const json_t *status)
{
    const json_t *details = json_object_get(status, "details"), *cause;
    int code = (int)json_integer_value(json_object_get(status, "code"));
    enum apierr_reason reason = reason_of(member(status, "reason"), code);
    const json_t *field;
    size_t i;

    if (!err)
        return -(int)reason;
    apierr_set(err, reason, "%s", member(status, "message"));
    err->code = code;
    if (!json_is_object(details))
        return -(int)reason;
    set_details(err, json_string_value(json_object_get(details, "group")),
                json_string_value(json_object_get(details, "kind")),
                json_string_value(json_object_get(details, "name")));
    err->uid = keep(err, json_string_value(json_object_get(details, "uid")));
    err->retry_after_s = (int)json_integer_value(json_object_get(details, "retryAfterSeconds"));
    json_array_foreach(json_object_get(details, "causes"), i, cause) {
        field = json_object_get(cause, "field");
        apierr_cause(err, member(cause, "reason"), json_string_value(field), "%s",
                     member(cause, "message"));
    }
    return -(int)reason;
}
