#include "fakeapi/apiserver/base64.h"

static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *encode(struct arena *a, const void *data, size_t len, const char *alphabet, bool pad)
{
    const unsigned char *p = data;
    char *out = arena_alloc(a, (len + 2) / 3 * 4 + 1), *w = out;

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
        for (size_t k = 0; k <= n; k++)
            *w++ = alphabet[v >> (18 - 6 * k) & 63];
        for (size_t k = n; pad && k < 3; k++)
            *w++ = '=';
    }
    *w = 0;
    return out;
}

char *base64url_encode(struct arena *a, const void *data, size_t len)
{
    return encode(a, data, len, url_alphabet, false);
}

char *base64std_encode(struct arena *a, const void *data, size_t len)
{
    return encode(a, data, len, std_alphabet, true);
}

char *base64url_decode(struct arena *a, const char *text, size_t *ret_len)
{
    size_t len = strlen(text), n = 0;
    char *out = arena_alloc(a, len / 4 * 3 + 4);
    uint32_t v = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < len; i++) {
        const char *at = text[i] ? strchr(url_alphabet, text[i]) : NULL;
        if (!at) {
            *ret_len = i;
            return NULL;
        }
        v = v << 6 | (uint32_t)(at - url_alphabet);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (char)(v >> bits);
        }
    }
    if (len % 4 == 1) {
        *ret_len = len - 1;
        return NULL;
    }
    out[n] = 0;
    *ret_len = n;
    return out;
}
