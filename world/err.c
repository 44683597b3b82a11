#include "world/err.h"

#include <errno.h>

static const char *const texts[] = {
    [ERR_NONE] = "no error",
#define X(name, text) [ERR_##name] = text,
    ERR_CODES(X)
#undef X
};

const char *err_code_text(int r)
{
    size_t code = (size_t)(r < 0 ? -r : r);

    return code < ARRAY_SIZE(texts) && texts[code] ? texts[code] : "error";
}

const char *err_message(const struct err *e)
{
    return e->message ? e->message : err_code_text((int)e->code);
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list args;

    if (e) {
        e->code = code;
        e->message = NULL;
        if (e->arena) {
            va_start(args, fmt);
            e->message = arena_vprintf(e->arena, fmt, args);
            va_end(args);
        }
    }
    return -(int)code;
}

int err_wrap(struct err *e, int r, const char *fmt, ...)
{
    va_list args;

    if (e)
        e->code = (enum err_code)-r;
    if (e && e->arena) {
        va_start(args, fmt);
        const char *where = arena_vprintf(e->arena, fmt, args);
        va_end(args);
        e->message = arena_printf(e->arena, "%s: %s", where, e->message ? e->message : err_code_text(r));
    }
    return r;
}

static enum err_code code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
    case EADDRINUSE:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_ACCESS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case EINVAL:
    case EBADF:
    case EISDIR:
    case ELOOP:
    case ENOTDIR:
    case ENAMETOOLONG:
        return ERR_INVALID;
    case EAGAIN:
    case ECONNABORTED:
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case EMFILE:
    case ENETUNREACH:
    case ENFILE:
    case ENOTCONN:
    case ECONNRESET:
    case EPIPE:
        return ERR_UNAVAILABLE;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    default:
        return ERR_IO;
    }
}

int err_set_errno(struct err *e, int errnum, const char *fmt, ...)
{
    va_list args;

    if (e) {
        e->code = code_of_errno(errnum);
        e->message = NULL;
        if (e->arena) {
            va_start(args, fmt);
            e->message = arena_printf(e->arena, "%s: %s", arena_vprintf(e->arena, fmt, args),
                                      strerror(errnum));
            va_end(args);
        }
    }
    return -(int)code_of_errno(errnum);
}
