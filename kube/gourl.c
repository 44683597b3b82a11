#include "kube/gourl.h"

#include "kube/fielderr.h"
#include "kube/netip.h"

enum part { PART_PATH, PART_HOST, PART_ZONE, PART_USER, PART_QUERY, PART_FRAGMENT };

/* ---- small things ------------------------------------------------------------------------------ */

static struct url_text text(const char *s, size_t len)
{
    return (struct url_text){ s, len };
}

static struct url_text from_buf(struct arena *a, const struct buf *b)
{
    return text(b->len ? arena_strndup(a, b->data, b->len) : "", b->len);
}

static struct url_text keep(struct arena *a, const char *s, size_t len)
{
    return text(len ? arena_strndup(a, s, len) : "", len);
}

static bool same(struct url_text a, struct url_text b)
{
    return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

static const char *quoted(struct arena *a, const char *s, size_t len)
{
    cleanup_buf struct buf b = BUF_INIT;

    go_quote(&b, s, len);
    return arena_strndup(a, b.data, b.len);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static bool letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* May this byte not stand in that part as it is? */
static bool must_escape(char c, enum part part)
{
    if (letter_or_digit(c) || is_one_of(c, "-_.~"))
        return false;
    if (part == PART_HOST || part == PART_ZONE)
        return !is_one_of(c, "!$&'()*+,;=:[]<>\"");
    if (is_one_of(c, "$&+,/:;=?@")) {
        switch (part) {
        case PART_PATH: return c == '?';
        case PART_USER: return is_one_of(c, "@/?:");
        case PART_FRAGMENT: return false;
        default: return true;
        }
    }
    return !(part == PART_FRAGMENT && is_one_of(c, "!()*"));
}

static struct url_text escape(struct arena *a, struct url_text t, enum part part)
{
    static const char digits[] = "0123456789ABCDEF";
    cleanup_buf struct buf b = BUF_INIT;

    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.s[i];
        if (!must_escape(t.s[i], part)) {
            buf_add_char(&b, t.s[i]);
        } else {
            buf_add_char(&b, '%');
            buf_add_char(&b, digits[c >> 4]);
            buf_add_char(&b, digits[c & 15]);
        }
    }
    return from_buf(a, &b);
}

/* Is this "%xy" allowed where a host or its zone is read? */
static bool escape_allowed(const char *s, enum part part)
{
    int value = hex(s[1]) << 4 | hex(s[2]);

    if (s[1] == '2' && s[2] == '5')
        return true;
    if (part == PART_HOST)
        return hex(s[1]) >= 8;
    return part != PART_ZONE || value == ' ' || !must_escape((char)value, PART_HOST);
}

static const char *unescape(struct arena *a, const char *s, size_t len, enum part part, struct url_text *ret)
{
    cleanup_buf struct buf b = BUF_INIT;

    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (c == '%') {
            if (i + 2 >= len || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
                return arena_printf(a, "invalid URL escape %s", quoted(a, s + i, len - i > 3 ? 3 : len - i));
            if (!escape_allowed(s + i, part))
                return arena_printf(a, "invalid URL escape %s", quoted(a, s + i, 3));
            buf_add_char(&b, (char)(hex(s[i + 1]) << 4 | hex(s[i + 2])));
            i += 2;
        } else if (c == '+' && part == PART_QUERY) {
            buf_add_char(&b, ' ');
        } else if ((part == PART_HOST || part == PART_ZONE) && !(c & 0x80) && must_escape(c, part)) {
            return arena_printf(a, "invalid character %s in host name", quoted(a, s + i, 1));
        } else {
            buf_add_char(&b, c);
        }
    }
    *ret = from_buf(a, &b);
    return NULL;
}

/* ---- host and user ------------------------------------------------------------------------------ */

static bool port_or_nothing(const char *s, size_t len)
{
    if (!len)
        return true;
    if (s[0] != ':')
        return false;
    for (size_t i = 1; i < len; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

static const char *bad_port(struct arena *a, const char *s, size_t len)
{
    return arena_printf(a, "invalid port %s after host", quoted(a, s, len));
}

/* "[fe80::1%25en0]:80" */
static const char *parse_literal(struct arena *a, const char *s, size_t len, struct gourl *u)
{
    const char *close = memrchr(s, ']', len), *why, *zone;
    struct url_text port, name, zone_name = { "", 0 };
    struct netip ip;

    if (!close)
        return "missing ']' in host";
    size_t rest = (size_t)(s + len - close - 1), n = (size_t)(close - s - 1);
    if (!port_or_nothing(close + 1, rest))
        return bad_port(a, close + 1, rest);
    if ((why = unescape(a, close + 1, rest, PART_HOST, &port)))
        return why;
    zone = memmem(s + 1, n, "%25", 3);
    if ((why = unescape(a, s + 1, zone ? (size_t)(zone - s - 1) : n, PART_HOST, &name)) ||
        (zone && (why = unescape(a, zone, (size_t)(close - zone), PART_ZONE, &zone_name))))
        return why;
    cleanup_buf struct buf b = BUF_INIT;
    buf_add(&b, name.s, name.len);
    buf_add(&b, zone_name.s, zone_name.len);
    if ((why = netip_parse(a, b.data ? b.data : "", b.len, &ip)))
        return arena_printf(a, "invalid host: %s", why);
    if (!ip.is6)
        return "invalid IP-literal";
    cleanup_buf struct buf all = BUF_INIT;
    buf_add_char(&all, '[');
    buf_add(&all, b.data, b.len);
    buf_add_char(&all, ']');
    buf_add(&all, port.s, port.len);
    u->host = from_buf(a, &all);
    return NULL;
}

static const char *parse_host(struct arena *a, const char *s, size_t len, struct gourl *u)
{
    const char *open = memrchr(s, '[', len), *colon = memrchr(s, ':', len);

    if (open && open > s)
        return "invalid IP-literal";
    if (open)
        return parse_literal(a, s, len, u);
    if (colon && !port_or_nothing(colon, (size_t)(s + len - colon)))
        return bad_port(a, colon, (size_t)(s + len - colon));
    return unescape(a, s, len, PART_HOST, &u->host);
}

static const char *parse_user(struct arena *a, const char *s, size_t len, struct gourl *u)
{
    const char *colon = memchr(s, ':', len), *why;

    for (size_t i = 0; i < len; i++)
        if (!letter_or_digit(s[i]) && !is_one_of(s[i], "-._:~!$&'()*+,;=%@"))
            return "net/url: invalid userinfo";
    u->has_user = true;
    u->has_password = colon != NULL;
    if ((why = unescape(a, s, colon ? (size_t)(colon - s) : len, PART_USER, &u->user)))
        return why;
    return colon ? unescape(a, colon + 1, (size_t)(s + len - colon - 1), PART_USER, &u->password) : NULL;
}

/* ---- the whole ----------------------------------------------------------------------------------- */

/* The scheme in front, in lower case. *ret: how long it is, with its colon. */
static const char *parse_scheme(struct arena *a, const char *s, size_t len, struct gourl *u, size_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (c == ':') {
            if (i == 0)
                return "missing protocol scheme";
            char *lower = arena_strndup(a, s, i);
            for (size_t k = 0; k < i; k++)
                if (lower[k] >= 'A' && lower[k] <= 'Z')
                    lower[k] = (char)(lower[k] + 32);
            u->scheme = text(lower, i);
            *ret = i + 1;
            return NULL;
        }
        if (!letter_or_digit(c) && !is_one_of(c, "+-."))
            return NULL;
        if (i == 0 && !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return NULL;
    }
    return NULL;
}

static const char *set_path(struct arena *a, const char *s, size_t len, struct gourl *u)
{
    const char *why = unescape(a, s, len, PART_PATH, &u->path);

    if (!why && !same(escape(a, u->path, PART_PATH), text(s, len)))
        u->raw_path = keep(a, s, len);
    return why;
}

static const char *parse_authority(struct arena *a, const char **s, size_t *len, struct gourl *u)
{
    const char *from = *s + 2, *slash = memchr(from, '/', *len - 2), *why;
    size_t n = slash ? (size_t)(slash - from) : *len - 2;
    const char *at = memrchr(from, '@', n), *host = at ? at + 1 : from;

    if ((why = parse_host(a, host, (size_t)(from + n - host), u)) ||
        (at && (why = parse_user(a, from, (size_t)(at - from), u))))
        return why;
    *s = from + n;
    *len -= n + 2;
    return NULL;
}

/* What may stand where neither a slash nor a scheme is in front. */
static const char *check_rootless(const char *s, size_t len, bool request)
{
    const char *slash = memchr(s, '/', len);

    if (request)
        return "invalid URI for request";
    if (memchr(s, ':', slash ? (size_t)(slash - s) : len))
        return "first path segment in URL cannot contain colon";
    return NULL;
}

static const char *parse(struct arena *a, const char *s, size_t len, bool request, struct gourl *u)
{
    const char *why, *question;
    size_t n;

    *u = (struct gourl){ 0 };
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return "net/url: invalid control character in URL";
    if (!len && request)
        return "empty url";
    if (len == 1 && s[0] == '*') {
        u->path = text("*", 1);
        return NULL;
    }
    if ((why = parse_scheme(a, s, len, u, &n)))
        return why;
    s += n;
    len -= n;
    if ((question = memchr(s, '?', len))) {
        u->force_query = question + 1 == s + len;
        u->query = keep(a, question + 1, (size_t)(s + len - question - 1));
        len = (size_t)(question - s);
    }
    if (!len || s[0] != '/') {
        if (u->scheme.len) {
            u->opaque = keep(a, s, len);
            return NULL;
        }
        if ((why = check_rootless(s, len, request)))
            return why;
    }
    bool authority = len >= 2 && s[0] == '/' && s[1] == '/';
    if (authority && (u->scheme.len || (!request && !(len >= 3 && s[2] == '/')))) {
        if ((why = parse_authority(a, &s, &len, u)))
            return why;
    } else if (u->scheme.len && len && s[0] == '/') {
        u->omit_host = true;
    }
    return set_path(a, s, len, u);
}

static const char *wrap(struct arena *a, const char *s, size_t len, const char *why)
{
    return why ? arena_printf(a, "parse %s: %s", quoted(a, s, len), why) : NULL;
}

const char *gourl_parse_request(struct arena *a, const char *s, size_t len, struct gourl *ret)
{
    return wrap(a, s, len, parse(a, s, len, true, ret));
}

const char *gourl_parse(struct arena *a, const char *s, size_t len, struct gourl *ret)
{
    const char *hash = memchr(s, '#', len), *why;
    size_t n = hash ? (size_t)(hash - s) : len, rest = hash ? len - n - 1 : 0;

    if ((why = parse(a, s, n, false, ret)))
        return wrap(a, s, n, why);
    if (!rest)
        return NULL;
    why = unescape(a, hash + 1, rest, PART_FRAGMENT, &ret->fragment);
    if (!why && !same(escape(a, ret->fragment, PART_FRAGMENT), text(hash + 1, rest)))
        ret->raw_fragment = keep(a, hash + 1, rest);
    return wrap(a, s, len, why);
}

/* ---- printing --------------------------------------------------------------------------------------- */

/* Is it a spelling that may be shown as it is? */
static bool valid_encoded(struct url_text t, enum part part)
{
    for (size_t i = 0; i < t.len; i++)
        if (!is_one_of(t.s[i], "!$&'()*+,;=:@[]%") && must_escape(t.s[i], part))
            return false;
    return true;
}

struct url_text gourl_escaped_path(struct arena *a, const struct gourl *u)
{
    if (u->raw_path.len && valid_encoded(u->raw_path, PART_PATH))
        return u->raw_path;
    if (u->path.len == 1 && u->path.s[0] == '*')
        return u->path;
    return u->path.len ? escape(a, u->path, PART_PATH) : text("", 0);
}

static struct url_text escaped_fragment(struct arena *a, const struct gourl *u)
{
    if (u->raw_fragment.len && valid_encoded(u->raw_fragment, PART_FRAGMENT))
        return u->raw_fragment;
    return escape(a, u->fragment, PART_FRAGMENT);
}

static void add(struct buf *b, struct url_text t)
{
    buf_add(b, t.s, t.len);
}

static void print_authority(struct arena *a, struct buf *b, const struct gourl *u)
{
    if ((!u->scheme.len && !u->host.len && !u->has_user) || (u->omit_host && !u->host.len && !u->has_user))
        return;
    if (u->host.len || u->path.len || u->has_user)
        buf_add_str(b, "//");
    if (u->has_user) {
        add(b, escape(a, u->user, PART_USER));
        if (u->has_password) {
            buf_add_char(b, ':');
            add(b, escape(a, u->password, PART_USER));
        }
        buf_add_char(b, '@');
    }
    if (u->host.len)
        add(b, escape(a, u->host, PART_HOST));
}

struct url_text gourl_text(struct arena *a, const struct gourl *u)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (u->scheme.len) {
        add(&b, u->scheme);
        buf_add_char(&b, ':');
    }
    if (u->opaque.len) {
        add(&b, u->opaque);
    } else {
        print_authority(a, &b, u);
        struct url_text path = gourl_escaped_path(a, u);
        if (path.len && path.s[0] != '/' && u->host.len)
            buf_add_char(&b, '/');
        add(&b, path);
    }
    if (u->force_query || u->query.len) {
        buf_add_char(&b, '?');
        add(&b, u->query);
    }
    if (u->fragment.len) {
        buf_add_char(&b, '#');
        add(&b, escaped_fragment(a, u));
    }
    return from_buf(a, &b);
}

static void split_host(const struct gourl *u, struct url_text *host, struct url_text *port)
{
    const char *colon = u->host.len ? memrchr(u->host.s, ':', u->host.len) : NULL, *end = u->host.s + u->host.len;

    *host = u->host;
    *port = text("", 0);
    if (colon && port_or_nothing(colon, (size_t)(end - colon))) {
        host->len = (size_t)(colon - u->host.s);
        *port = text(colon + 1, (size_t)(end - colon - 1));
    }
    if (host->len >= 2 && host->s[0] == '[' && host->s[host->len - 1] == ']')
        *host = text(host->s + 1, host->len - 2);
}

struct url_text gourl_hostname(struct arena *a, const struct gourl *u)
{
    struct url_text host, port;

    split_host(u, &host, &port);
    return keep(a, host.s, host.len);
}

struct url_text gourl_port(struct arena *a, const struct gourl *u)
{
    struct url_text host, port;

    split_host(u, &host, &port);
    return keep(a, port.s, port.len);
}

size_t gourl_query(struct arena *a, const struct gourl *u, struct url_parameter **ret)
{
    const char *s = u->query.s, *end = s + u->query.len;
    size_t n = 0, most = 1;

    for (const char *p = s; p < end; p++)
        most += *p == '&';
    *ret = arena_alloc(a, most * sizeof(**ret));
    while (s < end) {
        const char *amp = memchr(s, '&', (size_t)(end - s)), *stop = amp ? amp : end;
        const char *equals = memchr(s, '=', (size_t)(stop - s)), *key_end = equals ? equals : stop;
        struct url_parameter *p = *ret + n;
        if (stop > s && !memchr(s, ';', (size_t)(stop - s)) &&
            !unescape(a, s, (size_t)(key_end - s), PART_QUERY, &p->key) &&
            !unescape(a, equals ? equals + 1 : stop, equals ? (size_t)(stop - equals - 1) : 0, PART_QUERY, &p->value))
            n++;
        s = stop + 1;
    }
    return n;
}
