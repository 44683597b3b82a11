#include "net/http_refuse.h"

#include <ctype.h>
#include <strings.h>

#define BAD "400 Bad Request"

/* ---- characters ------------------------------------------------------------------------------------ */

static bool is_token_char(unsigned char c)
{
    return c < 0x80 && (isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c)));
}

static bool is_host_char(unsigned char c)
{
    return c < 0x80 && (isalnum(c) || (c && strchr("!$%&()*+,-.:;=[]'_~", c)));
}

static bool is_control(unsigned char c)
{
    return c < ' ' || c == 0x7f;
}

static bool all(const char *text, bool (*fits)(unsigned char))
{
    while (*text && fits((unsigned char)*text))
        text++;
    return !*text;
}

static bool is_token(const char *text)
{
    return *text && all(text, is_token_char);
}

/* ---- the request line ------------------------------------------------------------------------------ */

/* Of "http://host:port/path": brackets belong together. */
static bool authority_is_fine(const char *p)
{
    size_t len = strcspn(p, "/?#");
    const char *close = memchr(p, ']', len);

    for (size_t i = 0; i < len; i++)
        if (!is_host_char((unsigned char)p[i]) && p[i] != '@')
            return false;
    return (*p == '[') == (close != NULL);
}

static bool target_is_fine(const struct http_head *h)
{
    const char *t = h->target;
    size_t scheme = 0;

    if (h->torn)
        return false;
    for (const char *p = t; *p; p++)
        if (is_control((unsigned char)*p) || *p == ' ')
            return false;
    if (*t == '/' || streq(t, "*") || streq(h->method, "CONNECT"))
        return true;
    while (isalnum((unsigned char)t[scheme]) || (t[scheme] && strchr("+-.", t[scheme])))
        scheme++;
    if (!isalpha((unsigned char)*t) || t[scheme] != ':')
        return false;
    return !str_starts(t + scheme, "://") || authority_is_fine(t + scheme + 3);
}

/* ---- headers --------------------------------------------------------------------------------------- */

/* The names and values no header can have; `spaced` is told from the others, in words. */
static bool headers_are_fine(const struct http_head *h, bool *ret_spaced)
{
    for (size_t i = 0; i < h->n_headers; i++) {
        const char *name = h->headers[i].name;
        if (!*name)
            return false;
        for (const char *p = name; *p; p++) {
            *ret_spaced |= *p == ' ';
            if (*p != ' ' && !is_token_char((unsigned char)*p))
                return false;
        }
        for (const char *p = h->headers[i].value; *p; p++)
            if (is_control((unsigned char)*p) && *p != '\t')
                return false;
    }
    return true;
}

/* How many there are of a name; *ret: the first. */
static size_t count(const struct http_head *h, const char *name, const char **ret)
{
    size_t n = 0;

    for (size_t i = 0; i < h->n_headers; i++)
        if (strcasecmp(h->headers[i].name, name) == 0 && n++ == 0)
            *ret = h->headers[i].value;
    return n;
}

/* Several are fine where all say the same. */
static bool lengths_agree(const struct http_head *h)
{
    const char *first = NULL;

    for (size_t i = 0; i < h->n_headers; i++) {
        const char *value = h->headers[i].value;
        if (strcasecmp(h->headers[i].name, "Content-Length") != 0)
            continue;
        if (first && !streq(first, value))
            return false;
        first = value;
    }
    return true;
}

/* One of "a, b" by its name. */
static bool lists_token(const char *list, const char *token)
{
    size_t len = strlen(token);

    for (const char *p = list; *p; p += *p != '\0') {
        p += strspn(p, " \t,");
        size_t n = strcspn(p, " \t,");
        if (n == len && strncasecmp(p, token, len) == 0)
            return true;
        p += n;
    }
    return false;
}

/* ---- all of it ------------------------------------------------------------------------------------- */

struct http_refusal http_refuse(const struct http_head *h)
{
    const char *host = "", *coding = "", *expect = "";
    size_t hosts = count(h, "Host", &host), codings = count(h, "Transfer-Encoding", &coding);
    bool modern = !streq(h->version, "HTTP/1.0"), spaced = false;

    count(h, "Expect", &expect);
    if (!is_token(h->method) || !target_is_fine(h) || !headers_are_fine(h, &spaced) || hosts > 1)
        return (struct http_refusal){ 400, BAD };
    if (modern && codings > 0 && (codings > 1 || strcasecmp(coding, "chunked") != 0))
        return (struct http_refusal){ 501, "Unsupported transfer encoding" };
    if ((codings == 0 || !modern) && !lengths_agree(h))
        return (struct http_refusal){ 400, BAD };
    if (modern && hosts == 0 && !streq(h->method, "CONNECT"))
        return (struct http_refusal){ 400, BAD ": missing required Host header" };
    if (!all(host, is_host_char))
        return (struct http_refusal){ 400, BAD ": malformed Host header" };
    if (spaced)
        return (struct http_refusal){ 400, BAD ": invalid header name" };
    if (*expect && !lists_token(expect, "100-continue"))
        return (struct http_refusal){ 417, "" };
    return (struct http_refusal){ 0, NULL };
}
