#include "kube/gourl.h"
#include "kube/kcel/libs.h"

/* url() and what one asks of a URL. */

struct url_value {
    struct cel_opaque base;
    struct gourl url;
    struct url_text text;              /* what two are compared by */
};

const struct cel_type kcel_type_url = { .kind = CEL_TYPE_OPAQUE, .name = "kubernetes.URL" };

static struct cel_value same_url(struct cel_run *run, const struct cel_opaque *a, const struct cel_opaque *b)
{
    const struct url_value *x = container_of(a, struct url_value, base), *y = container_of(b, struct url_value, base);

    return cel_bool(x->text.len == y->text.len && memcmp(x->text.s, y->text.s, x->text.len) == 0);
}

static const struct cel_opaque_ops ops = { .type = &kcel_type_url, .equal = same_url };

static struct cel_value value(struct url_text t)
{
    return cel_string(t.s ? t.s : "", t.len);
}

static const struct gourl *url_of(struct cel_value v)
{
    const struct cel_opaque *o = kcel_opaque_of(v, &ops);

    return o ? &container_of(o, struct url_value, base)->url : NULL;
}

static struct cel_value to_url(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct arena *a = cel_arena(run);
    struct url_value *u = arena_alloc(a, sizeof(*u));
    const char *why;

    if (args[0].kind != CEL_STRING)
        return cel_no_such_overload(run);
    why = gourl_parse_request(a, args[0].s, args[0].len, &u->url);
    if (!why)
        why = gourl_parse(a, args[0].s, args[0].len, &u->url);
    if (why)
        return cel_error(run, "URL parse error during conversion from string: %s", why);
    u->base.ops = &ops;
    u->text = gourl_text(a, &u->url);
    return cel_opaque(&u->base);
}

static struct cel_value is_url(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct gourl u;

    if (args[0].kind != CEL_STRING)
        return cel_no_such_overload(run);
    return cel_bool(!gourl_parse_request(cel_arena(run), args[0].s, args[0].len, &u));
}

static struct cel_value get_scheme(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct gourl *u = url_of(args[0]);

    return u ? value(u->scheme) : cel_no_such_overload(run);
}

static struct cel_value get_host(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct gourl *u = url_of(args[0]);

    return u ? value(u->host) : cel_no_such_overload(run);
}

static struct cel_value get_hostname(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct gourl *u = url_of(args[0]);

    return u ? value(gourl_hostname(cel_arena(run), u)) : cel_no_such_overload(run);
}

static struct cel_value get_port(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct gourl *u = url_of(args[0]);

    return u ? value(gourl_port(cel_arena(run), u)) : cel_no_such_overload(run);
}

static struct cel_value get_path(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct gourl *u = url_of(args[0]);

    return u ? value(gourl_escaped_path(cel_arena(run), u)) : cel_no_such_overload(run);
}

struct keyed {
    struct url_parameter *p;
    size_t at;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    size_t n = x->p->key.len < y->p->key.len ? x->p->key.len : y->p->key.len;
    int c = memcmp(x->p->key.s, y->p->key.s, n);

    if (!c && x->p->key.len != y->p->key.len)
        c = x->p->key.len < y->p->key.len ? -1 : 1;
    return c ? c : (x->at > y->at) - (x->at < y->at);
}

static bool same_key(const struct keyed *x, const struct keyed *y)
{
    return x->p->key.len == y->p->key.len && memcmp(x->p->key.s, y->p->key.s, x->p->key.len) == 0;
}

/* A map of lists: a parameter may come more than once. */
static struct cel_value get_query(struct cel_run *run, const struct cel_value *args, size_t unused)
{
    const struct gourl *u = url_of(args[0]);
    struct arena *a = cel_arena(run);
    struct url_parameter *p;
    size_t entries = 0;

    if (!u)
        return cel_no_such_overload(run);
    size_t n = gourl_query(a, u, &p);
    struct keyed *k = arena_alloc(a, (n + 1) * sizeof(*k));
    struct cel_value *map = arena_alloc(a, (2 * n + 1) * sizeof(*map)), *list = arena_alloc(a, (n + 1) * sizeof(*list));
    for (size_t i = 0; i < n; i++)
        k[i] = (struct keyed){ &p[i], i };
    qsort(k, n, sizeof(*k), by_key);
    for (size_t i = 0; i < n; entries++) {
        size_t from = i;
        for (; i < n && same_key(&k[from], &k[i]); i++)
            list[i - from] = value(k[i].p->value);
        map[2 * entries] = value(k[from].p->key);
        map[2 * entries + 1] = cel_list_of(a, list, i - from);
    }
    return cel_map_of(a, map, entries);
}

static const struct cel_overload rows[] = {
    { .function = "url", .id = "string_to_url", .signature = "(string) kubernetes.URL", .fn = to_url },
    { .function = "getScheme", .id = "url_get_scheme", .signature = "kubernetes.URL.() string", .fn = get_scheme },
    { .function = "getHost", .id = "url_get_host", .signature = "kubernetes.URL.() string", .fn = get_host },
    { .function = "getHostname", .id = "url_get_hostname", .signature = "kubernetes.URL.() string", .fn = get_hostname },
    { .function = "getPort", .id = "url_get_port", .signature = "kubernetes.URL.() string", .fn = get_port },
    { .function = "getEscapedPath", .id = "url_get_escaped_path", .signature = "kubernetes.URL.() string", .fn = get_path },
    { .function = "getQuery", .id = "url_get_query", .signature = "kubernetes.URL.() map(string, list(string))",
      .fn = get_query },
    { .function = "isURL", .id = "is_url_string", .signature = "(string) bool", .fn = is_url },
};

const struct kcel_lib kcel_urls = { rows, ARRAY_SIZE(rows) };
