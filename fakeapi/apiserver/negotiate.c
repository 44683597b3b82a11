#include "fakeapi/apiserver/server.h"

#include <stdio.h>
#include <strings.h>

/* Accept and Content-Type: clauses by weight, then in their order; the first whose type
 * is served and whose parameters are understood wins. */

struct clause {
    const char *type;                  /* "application/json", lower case */
    const char *as, *group, *version;  /* "" = absent */
    double q;
    size_t order;
};

#define CLAUSES_MAX 32

const char *media_type(enum media m, bool stream)
{
    static const char *const plain[] = { "application/json", "application/yaml",
                                         "application/vnd.kubernetes.protobuf" };

    if (stream && m == MEDIA_PROTOBUF)
        return "application/vnd.kubernetes.protobuf;stream=watch";
    return plain[m];
}

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    size_t len = strlen(s);
    while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
        s[--len] = 0;
    return s;
}

static char *next_part(char **rest, char separator)
{
    char *part = *rest;

    if (!part)
        return NULL;
    *rest = strchr(part, separator);
    if (*rest)
        *(*rest)++ = 0;
    return trim(part);
}

/* The parameters of a clause; false where one of them rules the clause out. */
static void parse_param(struct clause *cl, char *param)
{
    char *value = strchr(param, '=');

    if (!value)
        return;
    *value++ = 0;
    param = trim(param);
    value = trim(value);
    if (strcasecmp(param, "q") == 0)
        cl->q = strtod(value, NULL);
    else if (strcasecmp(param, "as") == 0)
        cl->as = value;
    else if (strcasecmp(param, "g") == 0)
        cl->group = value;
    else if (strcasecmp(param, "v") == 0)
        cl->version = value;
}

static int by_weight(const void *a, const void *b)
{
    const struct clause *x = a, *y = b;

    if (x->q != y->q)
        return x->q < y->q ? 1 : -1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static size_t parse_accept(struct arena *a, const char *header, struct clause v[CLAUSES_MAX])
{
    char *rest = arena_strdup(a, header), *part;
    size_t n = 0;

    while (n < CLAUSES_MAX && (part = next_part(&rest, ','))) {
        struct clause cl = { .as = "", .group = "", .version = "", .q = 1, .order = n };
        char *params = part;
        cl.type = next_part(&params, ';');
        for (char *p; (p = next_part(&params, ';'));)
            parse_param(&cl, p);
        if (*cl.type)
            v[n++] = cl;
    }
    qsort(v, n, sizeof(*v), by_weight);
    return n;
}

/* "*" and the type's own first half match the first of the family: JSON. */
static bool media_of(const char *type, bool custom, enum media *ret)
{
    if (streq(type, "*/*") || strcasecmp(type, "application/*") == 0) {
        *ret = MEDIA_JSON;
        return true;
    }
    for (int m = MEDIA_JSON; m <= (custom ? MEDIA_YAML : MEDIA_PROTOBUF); m++) {
        if (strcasecmp(type, media_type(m, false)) == 0) {
            *ret = m;
            return true;
        }
    }
    return false;
}

/* ---- views -------------------------------------------------------------------------------------- */

static bool meta_version(const char *v)
{
    return streq(v, "v1") || streq(v, "v1beta1");
}

static bool view_of(struct call *c, const struct clause *cl, struct encoding *e)
{
    const struct route *r = &c->route;

    e->view = VIEW_PLAIN;
    e->view_version = "";
    if (!*cl->as)
        return true;
    if (r->type != ROUTE_RESOURCE || !streq(cl->group, "meta.k8s.io") || !meta_version(cl->version))
        return false;
    e->view_version = streq(cl->version, "v1") ? "v1" : "v1beta1";
    if (streq(cl->as, "Table"))
        e->view = VIEW_TABLE;
    else if (streq(cl->as, "PartialObjectMetadata"))
        e->view = VIEW_PARTIAL;
    else if (streq(cl->as, "PartialObjectMetadataList"))
        e->view = VIEW_PARTIAL_LIST;
    else
        return false;
    return e->view != VIEW_TABLE || e->media == MEDIA_JSON;
}

static bool pretty(struct call *c)
{
    static const char *const browsers[] = { "curl", "Wget", "Mozilla/5.0" };
    const char *v = query_get(&c->query, "pretty");

    if (v)
        return query_bool(&c->query, "pretty");
    for (size_t i = 0; i < ARRAY_SIZE(browsers); i++)
        if (str_starts(c->user_agent, browsers[i]))
            return true;
    return false;
}

#define PLAIN_TYPES "application/json, application/yaml, application/vnd.kubernetes.protobuf"
#define STREAM_TYPES "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"

static bool watching(const struct call *c)
{
    return c->route.verb == VERB_WATCH || (c->route.verb == VERB_LIST && c->opt.watch);
}

/* The router of built-in paths turns away what names none of its types, in words of its own. */
static bool router_knows(const struct clause *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum media m;
        if (streq(v[i].type, "*/*") || (!strchr(v[i].type, '*') && media_of(v[i].type, false, &m)))
            return true;
    }
    return false;
}

static int not_acceptable(struct call *c, const struct clause *v, size_t n)
{
    const struct route *r = &c->route;

    if (r->type == ROUTE_RESOURCE && !kind_custom(r->kind) && !router_knows(v, n)) {
        bool list = r->verb == VERB_LIST || r->verb == VERB_WATCH;
        int e = apierr_set(&c->err, APIERR_NOT_ACCEPTABLE, "406: Not Acceptable\n\nAvailable representations: %s",
                           list ? PLAIN_TYPES ", " STREAM_TYPES : PLAIN_TYPES);
        c->err.has_details = true;
        c->pretty_error = true;
        return e;
    }
    return apierr_set(&c->err, APIERR_NOT_ACCEPTABLE, "only the following media types are accepted: %s",
                      watching(c) ? STREAM_TYPES : PLAIN_TYPES);
}

int negotiate_check_view(struct call *c, const struct kind *k, bool list)
{
    char group[256] = "core";
    const char *view = c->out.view == VIEW_PARTIAL ? "PartialObjectMetadata" : "PartialObjectMetadataList";

    if ((c->out.view != VIEW_PARTIAL && c->out.view != VIEW_PARTIAL_LIST) || list == (c->out.view == VIEW_PARTIAL_LIST))
        return 0;
    if (*k->res.group)
        snprintf(group, sizeof(group), "%.*s", (int)strcspn(k->res.group, "."), k->res.group);
    const char *what = kind_custom(k) ? arena_printf(c->arena, "*unstructured.Unstructured%s", list ? "List" : "")
                                      : arena_printf(c->arena, "*%s.%s%s", group, k->res.kind, list ? "List" : "");
    return apierr_set(&c->err, APIERR_NOT_ACCEPTABLE, "you requested %s, but the requested object is %sa list (%s)", view,
                      list ? "" : "not ", what);
}

int negotiate(struct call *c)
{
    struct clause clauses[CLAUSES_MAX];
    const char *accept = api_request_header(c->q, "accept");
    bool custom = c->route.kind && kind_custom(c->route.kind);
    bool stream = watching(c);

    c->out = (struct encoding){ .media = MEDIA_JSON, .view_version = "", .pretty = pretty(c) };
    if (str_empty(accept))
        return 0;
    size_t n = parse_accept(c->arena, accept, clauses);
    for (size_t i = 0; i < n; i++) {
        struct encoding e = c->out;
        if (!media_of(clauses[i].type, custom, &e.media) || !view_of(c, &clauses[i], &e))
            continue;
        if (stream && e.media == MEDIA_YAML)
            continue;
        c->out = e;
        return 0;
    }
    return not_acceptable(c, clauses, n);
}

struct encoding negotiate_error(struct call *c)
{
    struct clause clauses[CLAUSES_MAX];
    const char *accept = api_request_header(c->q, "accept");
    struct encoding e = { .media = MEDIA_JSON, .view_version = "", .pretty = pretty(c) || c->pretty_error };
    bool custom = c->route.kind && kind_custom(c->route.kind);

    if (str_empty(accept))
        return e;
    size_t n = parse_accept(c->arena, accept, clauses);
    for (size_t i = 0; i < n; i++)
        if (media_of(clauses[i].type, custom, &e.media))
            break;
    return e;
}

int negotiate_body(struct call *c, enum media *ret)
{
    const char *type = api_request_header(c->q, "content-type");
    /* What a DELETE says are options: no custom resource. */
    bool custom = c->route.kind && kind_custom(c->route.kind)
                  && !(c->route.verb & (VERB_DELETE | VERB_DELETECOLLECTION));

    *ret = MEDIA_JSON;
    if (str_empty(type) || c->q->object)
        return 0;
    char *rest = arena_strdup(c->arena, type);
    const char *name = next_part(&rest, ';');
    if (media_of(name, custom, ret) && !strchr(name, '*'))
        return 0;
    return apierr_set(&c->err, APIERR_UNSUPPORTED_MEDIA_TYPE,
                      "the body of the request was in an unknown format - accepted media types include: %s",
                      custom ? "application/json, application/yaml"
                             : "application/json, application/yaml, application/vnd.kubernetes.protobuf");
}

/* Whether the aggregated discovery document is what the first usable clause asks for. */
bool negotiate_aggregated(struct call *c, enum media *ret)
{
    struct clause clauses[CLAUSES_MAX];
    const char *accept = api_request_header(c->q, "accept");
    size_t n = str_empty(accept) ? 0 : parse_accept(c->arena, accept, clauses);

    for (size_t i = 0; i < n; i++) {
        const struct clause *cl = &clauses[i];
        if (!media_of(cl->type, false, ret))
            continue;
        if (!*cl->as && !*cl->group && !*cl->version)
            return false;
        if (streq(cl->as, "APIGroupDiscoveryList") && streq(cl->group, "apidiscovery.k8s.io") &&
            streq(cl->version, "v2"))
            return true;
    }
    return false;
}
