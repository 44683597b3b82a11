#include "fakeapi/apiserver/server.h"

#include <strings.h>

#include "kube/nul.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False where an escape is broken. */
static bool unescape(char *s)
{
    char *w = s;

    for (char *p = s; *p; p++) {
        if (*p == '+') {
            *w++ = ' ';
        } else if (*p == '%') {
            int hi = hex(p[1]), lo = hi < 0 ? -1 : hex(p[2]);
            if (hi < 0 || lo < 0)
                return false;
            p += 2;
            if (hi << 4 | lo) {
                *w++ = (char)(hi << 4 | lo);
            } else {
                memcpy(w, NUL_HIDDEN, 2);
                w += 2;
            }
        } else {
            *w++ = *p;
        }
    }
    *w = 0;
    return true;
}

/* As Go's url.Query: a pair that cannot be decoded, or holds a ';', is left out. */
void query_parse(struct arena *a, const char *text, struct query *ret)
{
    *ret = (struct query){ 0 };
    if (str_empty(text))
        return;
    size_t max = 1;
    for (const char *p = text; *p; p++)
        max += *p == '&';
    ret->v = arena_alloc(a, max * sizeof(*ret->v));
    for (char *pair = arena_strdup(a, text), *next; pair; pair = next) {
        next = strchr(pair, '&');
        if (next)
            *next++ = 0;
        char *value = strchr(pair, '=');
        if (value)
            *value++ = 0;
        if (!*pair && !value)
            continue;
        if (strchr(pair, ';') || (value && strchr(value, ';')))
            continue;
        if (!unescape(pair) || (value && !unescape(value)))
            continue;
        ret->v[ret->n++] = (struct query_item){ pair, value ? value : "" };
    }
}

const char *query_get(const struct query *q, const char *key)
{
    for (size_t i = 0; i < q->n; i++)
        if (streq(q->v[i].key, key))
            return q->v[i].value;
    return NULL;
}

bool query_bool(const struct query *q, const char *key)
{
    const char *v = query_get(q, key);

    return v && !streq(v, "0") && strcasecmp(v, "false") != 0;
}

/* strconv.ParseInt(text, 10, 64): a sign and digits. */
int query_int(struct call *c, const char *key, int64_t *ret, bool *ret_present)
{
    const char *v = query_get(&c->query, key);
    bool digits = v && *v;

    if (ret_present)
        *ret_present = v != NULL;
    if (!v)
        return 0;
    const char *p = *v == '-' || *v == '+' ? v + 1 : v;
    digits = *p != 0;
    for (const char *d = p; *d; d++)
        digits = digits && *d >= '0' && *d <= '9';
    struct buf quoted = BUF_INIT;
    go_quote(&quoted, v, strlen(v));
    const char *text = arena_strdup(c->arena, quoted.data);
    buf_release(&quoted);
    if (!digits)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "strconv.ParseInt: parsing %s: invalid syntax", text);
    if (!parse_i64(*v == '+' ? v + 1 : v, ret))
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "strconv.ParseInt: parsing %s: value out of range",
                          text);
    return 0;
}
