#include "kube/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *b, const void *data, size_t len)
{
    const unsigned char *p = data;

    buf_reserve(b, (len + 2) / 3 * 4);
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        unsigned v = (unsigned)p[i] << 16 | (n > 1 ? (unsigned)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
        char quad[4] = { digits[v >> 18], digits[v >> 12 & 63], n > 1 ? digits[v >> 6 & 63] : '=',
                         n > 2 ? digits[v & 63] : '=' };
        buf_add(b, quad, 4);
    }
}

static int digit_of(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t skip_line_ends(const char *s, size_t len, size_t i)
{
    while (i < len && (s[i] == '\n' || s[i] == '\r'))
        i++;
    return i;
}

/* After the '=' at i - 1, which stood as digit number `j` of its group: where the text is wrong, or len. */
static size_t after_padding(const char *s, size_t len, size_t i, int j)
{
    if (j < 2)
        return i - 1;
    if (j == 2) {
        i = skip_line_ends(s, len, i);
        if (i == len)
            return (size_t)-1;                    /* Go points behind the text */
        if (s[i] != '=')
            return i - 1;
        i++;
    }
    return skip_line_ends(s, len, i);
}

int64_t base64_decode(struct buf *b, const char *s, size_t len)
{
    unsigned v = 0;
    int j = 0;
    size_t i = 0;

    while (i < len) {
        unsigned char c = (unsigned char)s[i++];
        int d = digit_of(c);
        if (d < 0 && (c == '\n' || c == '\r'))
            continue;
        if (d < 0 && c != '=')
            return -1 - (int64_t)(i - 1);
        if (d < 0) {
            size_t bad = after_padding(s, len, i, j);
            if (bad != len)
                return -1 - (int64_t)(bad == (size_t)-1 ? len : bad);
            v <<= 6 * (4 - j);
            char bytes[2] = { (char)(v >> 16), (char)(v >> 8) };
            if (b)
                buf_add(b, bytes, (size_t)j - 1);
            return (int64_t)len;
        }
        v = v << 6 | (unsigned)d;
        if (++j < 4)
            continue;
        char bytes[3] = { (char)(v >> 16), (char)(v >> 8), (char)v };
        if (b)
            buf_add(b, bytes, 3);
        v = 0;
        j = 0;
    }
    return j ? -1 - (int64_t)(len - (size_t)j) : (int64_t)len;
}
