#include "kube/netip.h"

#include <stdio.h>

#include "kube/fielderr.h"

/* ---- reading ---------------------------------------------------------------------------------- */

struct in {
    struct arena *arena;
    const char *s;
    size_t len;
};

static const char *quoted(struct arena *a, const char *s, size_t len)
{
    cleanup_buf struct buf b = BUF_INIT;

    go_quote(&b, s, len);
    return arena_strndup(a, b.data, b.len);
}

/* `at`: the rest that could not be read; NULL: not said. */
static const char *wrong(const struct in *in, const char *what, const char *at, const char *end)
{
    const char *text = quoted(in->arena, in->s, in->len);

    if (!at || at == end)
        return arena_printf(in->arena, "ParseAddr(%s): %s", text, what);
    return arena_printf(in->arena, "ParseAddr(%s): %s (at %s)", text, what, quoted(in->arena, at, (size_t)(end - at)));
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *parse_4(const struct in *in, const char *s, const char *end, uint8_t *ret)
{
    int value = 0, digits = 0, n = 0;

    for (const char *p = s; p < end; p++) {
        if (digit(*p)) {
            if (digits == 1 && value == 0)
                return wrong(in, "IPv4 field has octet with leading zero", NULL, NULL);
            value = value * 10 + (*p - '0');
            digits++;
            if (value > 255)
                return wrong(in, "IPv4 field has value >255", NULL, NULL);
        } else if (*p == '.') {
            if (p == s || p == end - 1 || p[-1] == '.')
                return wrong(in, "IPv4 field must have at least one digit", p, end);
            if (n == 3)
                return wrong(in, "IPv4 address too long", NULL, NULL);
            ret[n++] = (uint8_t)value;
            value = digits = 0;
        } else {
            return wrong(in, "unexpected character", p, end);
        }
    }
    if (n < 3)
        return wrong(in, "IPv4 address too short", NULL, NULL);
    ret[3] = (uint8_t)value;
    return NULL;
}

static int hex(char c)
{
    if (digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One group of hex digits. */
static const char *parse_group(const struct in *in, const char *s, const char *end, const char **ret_rest, unsigned *ret)
{
    const char *p = s;
    unsigned value = 0;

    for (; p < end && hex(*p) >= 0; p++) {
        value = (value << 4) + (unsigned)hex(*p);
        if (p - s > 3)
            return wrong(in, "each group must have 4 or less digits", s, end);
    }
    if (p == s)
        return wrong(in, "each colon-separated field must have at least one digit", s, end);
    *ret_rest = p;
    *ret = value;
    return NULL;
}

/* An IPv4 address at the end of an IPv6 one. */
static const char *parse_tail(const struct in *in, const char *s, const char *end, int ellipsis, int i, uint8_t *b)
{
    if (ellipsis < 0 && i != 12)
        return wrong(in, "embedded IPv4 address must replace the final 2 fields of the address", s, end);
    if (i + 4 > 16)
        return wrong(in, "too many hex fields to fit an embedded IPv4 at the end of the address", s, end);
    return parse_4(in, s, end, b + i);
}

static const char *expand(const struct in *in, int ellipsis, int i, uint8_t *b)
{
    if (i < 16 && ellipsis < 0)
        return wrong(in, "address string too short", NULL, NULL);
    if (i == 16 && ellipsis >= 0)
        return wrong(in, "the :: must expand to at least one field of zeros", NULL, NULL);
    if (i < 16) {
        int n = 16 - i;
        memmove(b + ellipsis + n, b + ellipsis, (size_t)(i - ellipsis));
        memset(b + ellipsis, 0, (size_t)n);
    }
    return NULL;
}

static const char *parse_6(const struct in *in, struct netip *ret)
{
    const char *s = in->s, *end = s + in->len, *zone = memchr(s, '%', in->len), *why;
    int ellipsis = -1, i = 0;

    ret->is6 = true;
    if (zone) {
        if (zone + 1 == end)
            return wrong(in, "zone must be a non-empty string", NULL, NULL);
        ret->zoned = true;
        end = zone;
    }
    if (end - s >= 2 && s[0] == ':' && s[1] == ':') {
        ellipsis = 0;
        s += 2;
        if (s == end)
            return NULL;
    }
    while (i < 16) {
        const char *rest = s;
        unsigned value = 0;
        if ((why = parse_group(in, s, end, &rest, &value)))
            return why;
        if (rest < end && *rest == '.') {
            if ((why = parse_tail(in, s, end, ellipsis, i, ret->b)))
                return why;
            i += 4;
            s = end;
            break;
        }
        ret->b[i++] = (uint8_t)(value >> 8);
        ret->b[i++] = (uint8_t)value;
        s = rest;
        if (s == end)
            break;
        if (*s != ':')
            return wrong(in, "unexpected character, want colon", s, end);
        if (s + 1 == end)
            return wrong(in, "colon must be followed by more characters", s, end);
        s++;
        if (*s == ':') {
            if (ellipsis >= 0)
                return wrong(in, "multiple :: in address", s, end);
            ellipsis = i;
            s++;
            if (s == end)
                break;
        }
    }
    if (s != end)
        return wrong(in, "trailing garbage after address", s, end);
    return expand(in, ellipsis, i, ret->b);
}

const char *netip_parse(struct arena *a, const char *s, size_t len, struct netip *ret)
{
    struct in in = { a, s, len };

    *ret = (struct netip){ 0 };
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '.')
            return parse_4(&in, s, s + len, ret->b);
        if (s[i] == ':')
            return parse_6(&in, ret);
        if (s[i] == '%')
            return wrong(&in, "missing IPv6 address", NULL, NULL);
    }
    return wrong(&in, "unable to parse IP", NULL, NULL);
}

static const char *wrong_prefix(struct arena *a, const char *s, size_t len, const char *what)
{
    return arena_printf(a, "netip.ParsePrefix(%s): %s", quoted(a, s, len), what);
}

const char *netip_parse_prefix(struct arena *a, const char *s, size_t len, struct netip_prefix *ret)
{
    const char *slash = memrchr(s, '/', len), *end = s + len, *why;
    size_t n = slash ? (size_t)(end - slash - 1) : 0;
    int bits = 0;

    if (!slash)
        return wrong_prefix(a, s, len, "no '/'");
    if ((why = netip_parse(a, s, (size_t)(slash - s), &ret->addr)))
        return wrong_prefix(a, s, len, why);
    if (ret->addr.zoned)
        return wrong_prefix(a, s, len, "IPv6 zones cannot be present in a prefix");
    why = arena_printf(a, "bad bits after slash: %s", quoted(a, slash + 1, n));
    if (!n || n > 18 || (n > 1 && slash[1] == '0'))
        return wrong_prefix(a, s, len, why);
    for (const char *p = slash + 1; p < end; p++) {
        if (!digit(*p))
            return wrong_prefix(a, s, len, why);
        bits = bits > 1000 ? bits : bits * 10 + (*p - '0');
    }
    if (bits > (ret->addr.is6 ? 128 : 32))
        return wrong_prefix(a, s, len, "prefix length out of range");
    ret->bits = bits;
    return NULL;
}

/* ---- printing --------------------------------------------------------------------------------- */

static void text_6(const struct netip *ip, char ret[NETIP_TEXT_MAX])
{
    unsigned w[8];
    int from = -1, to = -1;
    size_t n = 0;

    for (int i = 0; i < 8; i++)
        w[i] = (unsigned)(ip->b[2 * i] << 8 | ip->b[2 * i + 1]);
    for (int i = 0; i < 8; i++) {
        int j = i;
        while (j < 8 && w[j] == 0)
            j++;
        if (j - i >= 2 && j - i > to - from)
            from = i, to = j;
    }
    for (int i = 0; i < 8; i++) {
        if (i == from) {
            n += (size_t)snprintf(ret + n, NETIP_TEXT_MAX - n, "::");
            i = to;
            if (i >= 8)
                break;
        } else if (i > 0) {
            n += (size_t)snprintf(ret + n, NETIP_TEXT_MAX - n, ":");
        }
        n += (size_t)snprintf(ret + n, NETIP_TEXT_MAX - n, "%x", w[i]);
    }
}

void netip_text(const struct netip *ip, char ret[NETIP_TEXT_MAX])
{
    const uint8_t *b = ip->b;

    if (!ip->is6)
        snprintf(ret, NETIP_TEXT_MAX, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    else if (netip_is_4in6(ip))
        snprintf(ret, NETIP_TEXT_MAX, "::ffff:%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
    else
        text_6(ip, ret);
}

void netip_prefix_text(const struct netip_prefix *p, char ret[NETIP_TEXT_MAX])
{
    netip_text(&p->addr, ret);
    size_t n = strlen(ret);
    snprintf(ret + n, NETIP_TEXT_MAX - n, "/%d", p->bits);
}

/* ---- what kind of address ---------------------------------------------------------------------- */

static bool is_zero(const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (b[i])
            return false;
    return true;
}

bool netip_same(const struct netip *a, const struct netip *b)
{
    return a->is6 == b->is6 && memcmp(a->b, b->b, 16) == 0;
}

bool netip_is_4in6(const struct netip *ip)
{
    return ip->is6 && is_zero(ip->b, 10) && ip->b[10] == 0xff && ip->b[11] == 0xff;
}

bool netip_is_unspecified(const struct netip *ip)
{
    return is_zero(ip->b, 16);
}

bool netip_is_loopback(const struct netip *ip)
{
    return ip->is6 ? is_zero(ip->b, 15) && ip->b[15] == 1 : ip->b[0] == 127;
}

static bool is_multicast(const struct netip *ip)
{
    return ip->is6 ? ip->b[0] == 0xff : (ip->b[0] & 0xf0) == 0xe0;
}

bool netip_is_link_local_multicast(const struct netip *ip)
{
    if (ip->is6)
        return ip->b[0] == 0xff && (ip->b[1] & 0x0f) == 2;
    return ip->b[0] == 224 && ip->b[1] == 0 && ip->b[2] == 0;
}

bool netip_is_link_local_unicast(const struct netip *ip)
{
    return ip->is6 ? ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80 : ip->b[0] == 169 && ip->b[1] == 254;
}

bool netip_is_global_unicast(const struct netip *ip)
{
    static const uint8_t broadcast[4] = { 255, 255, 255, 255 };

    return !netip_is_unspecified(ip) && (ip->is6 || memcmp(ip->b, broadcast, 4) != 0) && !netip_is_loopback(ip) &&
           !is_multicast(ip) && !netip_is_link_local_unicast(ip);
}

/* ---- prefixes ---------------------------------------------------------------------------------- */

static bool same_bits(const uint8_t *a, const uint8_t *b, int bits)
{
    size_t whole = (size_t)bits / 8;
    unsigned rest = (unsigned)bits % 8;

    return memcmp(a, b, whole) == 0 && (!rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

struct netip_prefix netip_masked(const struct netip_prefix *p)
{
    struct netip_prefix m = *p;

    for (int i = p->bits; i < 128; i++)
        m.addr.b[i / 8] &= (uint8_t)~(0x80 >> (i % 8));
    return m;
}

bool netip_contains(const struct netip_prefix *p, const struct netip *ip)
{
    return p->addr.is6 == ip->is6 && same_bits(p->addr.b, ip->b, p->bits);
}

bool netip_overlaps(const struct netip_prefix *a, const struct netip_prefix *b)
{
    int bits = a->bits < b->bits ? a->bits : b->bits;

    return a->addr.is6 == b->addr.is6 && same_bits(a->addr.b, b->addr.b, bits);
}
