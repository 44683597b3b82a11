#include "kube/image_name.h"

#include <stdbool.h>
#include <string.h>

#include "world/base.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HEX DIGITS "abcdef"

enum { PATH_MAX_BYTES = 255, TAG_MAX = 128, ID_HEX = 64 };

/* A piece of the text. */
struct piece {
    const char *s;
    size_t len;
};

static size_t span(struct piece p, const char *set)
{
    size_t n = 0;

    while (n < p.len && p.s[n] && strchr(set, p.s[n]))
        n++;
    return n;
}

static struct piece after(struct piece p, size_t n)
{
    return (struct piece){ p.s + n, p.len - n };
}

/* What stands before the first `c`, and the rest behind it in *ret_rest; false where there is none. */
static bool cut(struct piece p, char c, struct piece *ret_head, struct piece *ret_rest)
{
    const char *at = p.len ? memchr(p.s, c, p.len) : NULL;

    if (!at)
        return false;
    *ret_head = (struct piece){ p.s, (size_t)(at - p.s) };
    *ret_rest = after(p, ret_head->len + 1);
    return true;
}

static bool is(struct piece p, const char *text)
{
    return p.len == strlen(text) && memcmp(p.s, text, p.len) == 0;
}

/* Letters and digits, with one period, one or two underscores, or dashes between them. */
static bool path_component(struct piece p)
{
    for (;;) {
        size_t n = span(p, LOWER DIGITS), between;
        if (!n)
            return false;
        p = after(p, n);
        if (!p.len)
            return true;
        between = *p.s == '-' ? span(p, "-") : *p.s == '.' ? 1 : span(p, "_");
        if (!between || (*p.s == '_' && between > 2))
            return false;
        p = after(p, between);
    }
}

static bool path(struct piece p)
{
    struct piece head, rest;

    if (p.len > PATH_MAX_BYTES)
        return false;
    for (; cut(p, '/', &head, &rest); p = rest)
        if (!path_component(head))
            return false;
    return path_component(p);
}

static bool host_component(struct piece p)
{
    return p.len && p.s[0] != '-' && p.s[p.len - 1] != '-' && span(p, LOWER UPPER DIGITS "-") == p.len;
}

static bool host(struct piece p)
{
    struct piece head, rest;

    if (p.len > 2 && p.s[0] == '[' && p.s[p.len - 1] == ']')
        return span((struct piece){ p.s + 1, p.len - 2 }, HEX "ABCDEF:") == p.len - 2;
    for (; cut(p, '.', &head, &rest); p = rest)
        if (!host_component(head))
            return false;
    return host_component(p);
}

static bool host_and_port(struct piece p)
{
    size_t port = 0;

    while (port < p.len && strchr(DIGITS, p.s[p.len - 1 - port]))
        port++;
    if (port && port < p.len && p.s[p.len - 1 - port] == ':')
        p.len -= port + 1;
    return host(p);
}

/* Whether what stands before the first slash is a host, or the first part of a path. */
static bool names_host(struct piece p)
{
    return is(p, "localhost") || span(p, LOWER DIGITS "_-/@+") < p.len;
}

static bool digest(struct piece p)
{
    static const struct { const char *algorithm; size_t hex; } rows[] = { { "sha256", 64 }, { "sha384", 96 }, { "sha512", 128 } };
    struct piece algorithm, hex;

    if (!cut(p, ':', &algorithm, &hex))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (is(algorithm, rows[i].algorithm))
            return hex.len == rows[i].hex && span(hex, HEX) == hex.len;
    return false;
}

static bool tag(struct piece p)
{
    return p.len && p.len <= TAG_MAX && *p.s != '.' && *p.s != '-' && span(p, LOWER UPPER DIGITS "_.-") == p.len;
}

/* The whole name without tag and digest. */
static bool repository(struct piece p)
{
    struct piece head, rest;

    if (!cut(p, '/', &head, &rest))
        return p.len + strlen("library/") <= PATH_MAX_BYTES && path(p);
    if (!names_host(head))
        return path(p);
    return (host_and_port(head) && path(rest)) || path(p);
}

const char *image_name_tag(const char *image, size_t *ret_len)
{
    struct piece all = { image, strlen(image) }, name = all, said = { "", 0 }, sum = { "", 0 };
    bool has_digest = cut(all, '@', &name, &sum), has_tag = false;
    size_t last = name.len;

    *ret_len = 0;
    while (last && name.s[last - 1] != '/')
        last--;
    if (cut(after(name, last), ':', &(struct piece){ 0 }, &said)) {
        has_tag = true;
        name.len -= said.len + 1;
    }
    if ((all.len == ID_HEX && span(all, HEX) == ID_HEX) || (has_digest && !digest(sum)) || (has_tag && !tag(said)) ||
        !repository(name))
        return "";
    if (!has_tag && !has_digest)
        said = (struct piece){ "latest", 6 };
    *ret_len = said.len;
    return said.s;
}
