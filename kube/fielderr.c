#include "kube/fielderr.h"

#include <inttypes.h>
#include <stdio.h>

#include "kube/json.h"
#include "kube/nul.h"

static void fpath_add(struct buf *b, const struct fpath *p)
{
    if (p->parent)
        fpath_add(b, p->parent);
    switch (p->kind) {
    case FP_NAME_:
        if (b->len)
            buf_add_char(b, '.');
        buf_add_str(b, p->name);
        break;
    case FP_INDEX_:
        buf_printf(b, "[%zu]", p->index);
        break;
    case FP_KEY_:
        buf_printf(b, "[%s]", p->name);
        break;
    }
}

const char *fpath_text(struct arena *arena, const struct fpath *path)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (!path)
        return "";
    fpath_add(&b, path);
    return b.len ? arena_strndup(arena, b.data, b.len) : "";
}

/* Decodes one UTF-8 character; 0 bytes where the input is invalid. */
static size_t utf8_next(const char *s, size_t len, uint32_t *ret)
{
    static const struct { uint8_t mask, lead; uint32_t min; } forms[] = {
        { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 },
    };

    for (size_t n = 1; n <= ARRAY_SIZE(forms) && n <= len; n++) {
        uint8_t first = (uint8_t)s[0];
        if ((first & forms[n - 1].mask) != forms[n - 1].lead)
            continue;
        uint32_t c = first & (uint8_t)~forms[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if (((uint8_t)s[i] & 0xc0) != 0x80)
                return 0;
            c = c << 6 | ((uint8_t)s[i] & 0x3f);
        }
        if (c < forms[n - 1].min || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
            return 0;
        *ret = c;
        return n;
    }
    return 0;
}

static bool go_printable(uint32_t c)
{
    /* control and format characters, spaces but the plain one, surrogates, what is private */
    static const uint32_t hidden[][2] = {
        { 0, 0x1f }, { 0x7f, 0xa0 }, { 0xad, 0xad }, { 0x600, 0x605 }, { 0x61c, 0x61c }, { 0x6dd, 0x6dd }, { 0x70f, 0x70f },
        { 0x1680, 0x1680 }, { 0x180e, 0x180e }, { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f },
        { 0x3000, 0x3000 }, { 0xd800, 0xf8ff }, { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xe0000, 0x10ffff },
    };

    for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
        if (c >= hidden[i][0] && c <= hidden[i][1])
            return false;
    return true;
}

void go_quote(struct buf *b, const char *s, size_t len)
{
    static const char plain[] = "\a\b\f\n\r\t\v", named[] = "abfnrtv";

    buf_add_char(b, '"');
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t n = utf8_next(s + i, len - i, &c);
        const char *hit = n == 1 && c ? strchr(plain, (int)c) : NULL;
        if (n == 0 && i + 1 < len && memcmp(s + i, NUL_HIDDEN, 2) == 0) {
            buf_add_str(b, "\\x00");
            n = 2;
        } else if (n == 0) {
            buf_printf(b, "\\x%02x", (uint8_t)s[i]);
            n = 1;
        } else if (hit) {
            buf_printf(b, "\\%c", named[hit - plain]);
        } else if (c == '"' || c == '\\') {
            buf_printf(b, "\\%c", (char)c);
        } else if (go_printable(c)) {
            buf_add(b, s + i, n);
        } else if (c < 0x80) {
            buf_printf(b, "\\x%02x", c);
        } else if (c < 0x10000) {
            buf_printf(b, "\\u%04x", c);
        } else {
            buf_printf(b, "\\U%08x", c);
        }
        i += n;
    }
    buf_add_char(b, '"');
}

size_t go_space(const char *p, const char *end)
{
    static const char *const wide[] = { "\xc2\x85", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
                                        "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
                                        "\u2028", "\u2029", "\u202f", "\u205f", "\u3000" };

    if (p < end && *p && strchr("\t\n\v\f\r ", *p))
        return 1;
    for (size_t i = 0; i < ARRAY_SIZE(wide); i++) {
        size_t n = strlen(wide[i]);
        if ((size_t)(end - p) >= n && memcmp(p, wide[i], n) == 0)
            return n;
    }
    return 0;
}

static void value_add(struct buf *b, const json_t *value)
{
    if (json_is_string(value))
        go_quote(b, json_string_value(value), json_string_length(value));
    else
        json_write(b, value, 0);
}

static void append(struct fielderrs *e, struct apicause cause)
{
    if ((e->n & (e->n + 1)) == 0) {
        struct apicause *grown = arena_alloc(e->arena, (2 * e->n + 1) * sizeof(*grown));
        if (e->n)
            memcpy(grown, e->v, e->n * sizeof(*grown));
        e->v = grown;
    }
    e->v[e->n++] = cause;
}

static void push(struct fielderrs *e, const struct fpath *p, const char *reason, const struct buf *body)
{
    append(e, (struct apicause){ .reason = reason, .message = arena_strndup(e->arena, body->data, body->len),
                                 .field = fpath_text(e->arena, p) });
}

void fielderrs_add(struct fielderrs *e, const struct fielderrs *more)
{
    for (size_t i = 0; i < more->n; i++)
        append(e, (struct apicause){ .reason = more->v[i].reason, .message = arena_strdup(e->arena, more->v[i].message),
                                     .field = arena_strdup(e->arena, more->v[i].field) });
}

static void add_detail(struct buf *b, const char *fmt, va_list args)
{
    cleanup_free char *detail = xvasprintf(fmt, args);

    if (*detail)
        buf_printf(b, ": %s", detail);
}

void fielderr_required(struct fielderrs *e, const struct fpath *p, const char *detail)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "Required value");
    if (!str_empty(detail))
        buf_printf(&b, ": %s", detail);
    push(e, p, "FieldValueRequired", &b);
}

/* "Invalid value: <what the caller put there>: <detail>". */
#define FINISH_INVALID(b, fmt)        \
    do {                              \
        va_list args;                 \
        va_start(args, fmt);          \
        add_detail(b, fmt, args);     \
        va_end(args);                 \
    } while (0)

void fielderr_invalid(struct fielderrs *e, const struct fpath *p, const json_t *value, const char *fmt, ...)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "Invalid value: ");
    value_add(&b, value);
    FINISH_INVALID(&b, fmt);
    push(e, p, "FieldValueInvalid", &b);
}

void fielderr_invalid_str(struct fielderrs *e, const struct fpath *p, const char *value, const char *fmt, ...)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "Invalid value: ");
    go_quote(&b, value, strlen(value));
    FINISH_INVALID(&b, fmt);
    push(e, p, "FieldValueInvalid", &b);
}

static void named_add(struct buf *b, const char *value)
{
    json_auto_t *v = json_string(value);

    json_write(b, v, 0);
}

void fielderr_invalid_named(struct fielderrs *e, const struct fpath *p, const char *value, const char *fmt, ...)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "Invalid value: ");
    named_add(&b, value);
    FINISH_INVALID(&b, fmt);
    push(e, p, "FieldValueInvalid", &b);
}

void fielderr_invalid_int(struct fielderrs *e, const struct fpath *p, int64_t value, const char *fmt, ...)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_printf(&b, "Invalid value: %" PRId64, value);
    FINISH_INVALID(&b, fmt);
    push(e, p, "FieldValueInvalid", &b);
}

void fielderr_invalid_raw(struct fielderrs *e, const struct fpath *p, const char *text, const char *fmt, ...)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_printf(&b, "Invalid value: %s", text);
    FINISH_INVALID(&b, fmt);
    push(e, p, "FieldValueInvalid", &b);
}

static void push_not_supported(struct fielderrs *e, const struct fpath *p, struct buf *b, const char *const *supported)
{
    for (size_t i = 0; supported && supported[i]; i++) {
        buf_add_str(b, i ? ", " : ": supported values: ");
        go_quote(b, supported[i], strlen(supported[i]));
    }
    push(e, p, "FieldValueNotSupported", b);
}

void fielderr_not_supported(struct fielderrs *e, const struct fpath *p, const json_t *value,
                            const char *const *supported)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "Unsupported value: ");
    value_add(&b, value);
    push_not_supported(e, p, &b, supported);
}

void fielderr_not_supported_named(struct fielderrs *e, const struct fpath *p, const char *value,
                                  const char *const *supported)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "Unsupported value: ");
    named_add(&b, value);
    push_not_supported(e, p, &b, supported);
}

void fielderr_forbidden(struct fielderrs *e, const struct fpath *p, const char *fmt, ...)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "Forbidden");
    FINISH_INVALID(&b, fmt);
    push(e, p, "FieldValueForbidden", &b);
}

static void value_only(struct fielderrs *e, const struct fpath *p, const char *reason, const char *words,
                       const json_t *value)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, words);
    value_add(&b, value);
    push(e, p, reason, &b);
}

void fielderr_duplicate(struct fielderrs *e, const struct fpath *p, const json_t *value)
{
    value_only(e, p, "FieldValueDuplicate", "Duplicate value: ", value);
}

void fielderr_duplicate_str(struct fielderrs *e, const struct fpath *p, const char *value)
{
    json_auto_t *text = json_string_nocheck(value);

    fielderr_duplicate(e, p, text);
}

void fielderr_not_found(struct fielderrs *e, const struct fpath *p, const json_t *value)
{
    value_only(e, p, "FieldValueNotFound", "Not found: ", value);
}

void fielderr_too_long(struct fielderrs *e, const struct fpath *p, int64_t max_bytes)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (max_bytes < 0)
        buf_add_str(&b, "Too long: value is too long");
    else
        buf_printf(&b, "Too long: may not be more than %" PRId64 " byte%s", max_bytes, max_bytes == 1 ? "" : "s");
    push(e, p, "FieldValueTooLong", &b);
}

void fielderr_too_many(struct fielderrs *e, const struct fpath *p, int64_t actual, int64_t max)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_printf(&b, "Too many: %" PRId64 ": ", actual);
    if (max < 0)
        buf_add_str(&b, "has too many items");
    else
        buf_printf(&b, "must have at most %" PRId64 " item%s", max, max == 1 ? "" : "s");
    push(e, p, "FieldValueTooMany", &b);
}

void fielderr_type_invalid(struct fielderrs *e, const struct fpath *p, const char *value_text,
                           const char *fmt, ...)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_printf(&b, "Invalid value: %s", value_text);
    FINISH_INVALID(&b, fmt);
    push(e, p, "FieldValueTypeInvalid", &b);
}

void fielderr_internal(struct fielderrs *e, const struct fpath *p, const char *fmt, ...)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "Internal error");
    FINISH_INVALID(&b, fmt);
    push(e, p, "InternalError", &b);
}

/* One error stands alone, several in brackets; the same text is said once. */
static void aggregate(const struct fielderrs *e, struct buf *b)
{
    cleanup_arena struct arena *scratch = arena_new();
    const char **said = arena_alloc(scratch, e->n * sizeof(*said));
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++) {
        const char *text = arena_printf(scratch, "%s: %s", e->v[i].field, e->v[i].message);
        bool again = false;
        for (size_t k = 0; k < n && !again; k++)
            again = streq(said[k], text);
        if (!again)
            said[n++] = text;
    }
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s%s", i ? ", " : n > 1 ? "[" : "", said[i]);
    if (n > 1)
        buf_add_char(b, ']');
}

const char *fielderrs_text(const struct fielderrs *e)
{
    cleanup_buf struct buf text = BUF_INIT;

    aggregate(e, &text);
    return arena_strdup(e->arena, text.data);
}

int fielderrs_status(const struct fielderrs *e, struct apierr *err, const char *group, const char *kind,
                     const char *name)
{
    cleanup_buf struct buf text = BUF_INIT, quoted = BUF_INIT;
    int r;

    if (e->n == 0)
        return 0;
    if (!err)
        return -APIERR_INVALID;
    aggregate(e, &text);
    go_quote(&quoted, name, strlen(name));
    r = apierr_set(err, APIERR_INVALID, "%s%s%s %s is invalid: %s", kind, *group ? "." : "", group,
                   quoted.data, text.data);
    err->name = arena_strdup(err->arena, name);
    err->group = arena_strdup(err->arena, group);
    err->kind = arena_strdup(err->arena, kind);
    err->causes = arena_alloc(err->arena, e->n * sizeof(*err->causes));
    for (size_t i = 0; i < e->n; i++)
        err->causes[i] = (struct apicause){ .reason = e->v[i].reason,
                                            .message = arena_strdup(err->arena, e->v[i].message),
                                            .field = arena_strdup(err->arena, e->v[i].field) };
    err->n_causes = e->n;
    return r;
}
