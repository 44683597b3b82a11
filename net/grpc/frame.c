#include "net/grpc/frame.h"

#include <stdio.h>

#include <nghttp2/nghttp2.h>

static const char *const code_texts[] = {
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"
};
static_assert(ARRAY_SIZE(code_texts) == GRPC_UNAUTHENTICATED + 1, "one text for each code");

const char *grpc_code_text(int code)
{
    return code >= 0 && code < (int)ARRAY_SIZE(code_texts) ? code_texts[code] : "UNKNOWN";
}

/* ---- the message's frame --------------------------------------------------------------------- */

#define PREFIX 5

void grpc_frame_add(struct buf *out, const void *data, size_t len)
{
    assert(len <= UINT32_MAX);
    unsigned char prefix[PREFIX] = { 0, (unsigned char)(len >> 24), (unsigned char)(len >> 16),
                                     (unsigned char)(len >> 8), (unsigned char)len };
    buf_add(out, prefix, PREFIX);
    buf_add(out, data, len);
}

enum grpc_frame_result grpc_frame_parse(const void *body, size_t len, const void **ret_data,
                                        size_t *ret_len)
{
    const unsigned char *p = body;
    size_t n;

    if (len == 0)
        return FRAME_NONE;
    if (p[0] > 1)
        return FRAME_BAD_FLAG;
    if (len < PREFIX)
        return FRAME_CUT;
    n = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
    if (n > len - PREFIX)
        return FRAME_CUT;
    if (n < len - PREFIX)
        return FRAME_MORE;
    if (p[0] == 1)
        return FRAME_COMPRESSED;
    *ret_data = p + PREFIX;
    *ret_len = n;
    return FRAME_OK;
}

static const char *const frame_texts[] = {
    [FRAME_OK] = "is one message",
    [FRAME_NONE] = "holds no message",
    [FRAME_CUT] = "ends before its message does",
    [FRAME_MORE] = "holds more than one message",
    [FRAME_COMPRESSED] = "is compressed, and no compression is supported",
    [FRAME_BAD_FLAG] = "starts with a flag that gRPC does not have",
};
static_assert(ARRAY_SIZE(frame_texts) == FRAME_RESULTS, "one text for each result");

const char *grpc_frame_text(enum grpc_frame_result r)
{
    return frame_texts[r];
}

/* ---- grpc-timeout ---------------------------------------------------------------------------- */

static const struct unit {
    char letter;
    duration size;
} units[] = {                          /* the finest first */
    { 'n', DURATION_NS(1) }, { 'u', DURATION_US(1) }, { 'm', DURATION_MS(1) },
    { 'S', DURATION_S(1) },  { 'M', DURATION_MIN(1) }, { 'H', DURATION_MIN(60) },
};

#define TIMEOUT_DIGITS 8
#define TIMEOUT_MAX 99999999

void grpc_timeout_format(duration d, char ret[GRPC_TIMEOUT_TEXT])
{
    const struct unit *u = units;

    if (d < 1)
        d = 1;
    while (d / u->size > TIMEOUT_MAX && u < units + ARRAY_SIZE(units) - 1)
        u++;
    duration n = d / u->size;
    snprintf(ret, GRPC_TIMEOUT_TEXT, "%d%c", n > TIMEOUT_MAX ? TIMEOUT_MAX : (int)n, u->letter);
}

bool grpc_timeout_parse(const char *text, size_t len, duration *ret)
{
    duration n = 0;

    if (len < 2 || len > TIMEOUT_DIGITS + 1)
        return false;
    for (size_t i = 0; i < len - 1; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (text[i] - '0');
    }
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (text[len - 1] != units[i].letter)
            continue;
        if (__builtin_mul_overflow(n, units[i].size, ret))
            *ret = INT64_MAX;          /* 99999999 hours: for ever */
        return true;
    }
    return false;
}

/* ---- grpc-message ---------------------------------------------------------------------------- */

void grpc_percent_encode(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c <= 0x7e && c != '%')
            buf_add_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

char *grpc_percent_decode(struct arena *a, const char *text, size_t len)
{
    char *out = arena_alloc(a, len + 1), *p = out;

    for (size_t i = 0; i < len; i++) {
        int hi = -1, lo = -1;
        if (text[i] == '%' && len - i > 2) {
            hi = hex_digit(text[i + 1]);
            lo = hex_digit(text[i + 2]);
        }
        if (hi < 0 || lo < 0) {
            *p++ = text[i];
            continue;
        }
        *p++ = (char)(hi << 4 | lo);
        i += 2;
    }
    *p = '\0';
    return out;
}

/* ---- codes of the floors below --------------------------------------------------------------- */

enum grpc_code grpc_code_of_http(int status)
{
    switch (status) {
    case 400: return GRPC_INTERNAL;
    case 401: return GRPC_UNAUTHENTICATED;
    case 403: return GRPC_PERMISSION_DENIED;
    case 404: return GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504: return GRPC_UNAVAILABLE;
    default: return GRPC_UNKNOWN;
    }
}

enum grpc_code grpc_code_of_reset(uint32_t http2_error)
{
    switch (http2_error) {
    case NGHTTP2_REFUSED_STREAM: return GRPC_UNAVAILABLE;
    case NGHTTP2_CANCEL: return GRPC_CANCELLED;
    case NGHTTP2_ENHANCE_YOUR_CALM: return GRPC_RESOURCE_EXHAUSTED;
    case NGHTTP2_INADEQUATE_SECURITY: return GRPC_PERMISSION_DENIED;
    default: return GRPC_INTERNAL;
    }
}
