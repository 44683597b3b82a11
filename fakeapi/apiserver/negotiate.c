#include "fakeapi/apiserver/server.h"

#include <stdio.h>
#include <strings.h>

/* Accept and Content-Type: clauses by weight, then in their order; the first whose type
 * is served and whose parameters are understood wins. */

struct clause {
    const char *type, *subtype;        /* as sent: case counts */
    const char *as, *group, *version, *stream;   /* NULL = absent */
    bool pretty;                       /* asks for it in so many words: "pretty=1" */
    double q;
};

#define CLAUSES_MAX 32

struct clauses {
    struct clause v[CLAUSES_MAX];
    size_t n;
};

const char *media_type(enum media m, bool stream)
{
    static const char *const plain[] = { "application/json", "application/yaml",
                                         "application/vnd.kubernetes.protobuf" };

    if (stream && m == MEDIA_PROTOBUF)
        return "application/vnd.kubernetes.protobuf;stream=watch";
    return plain[m];
}

/* ---- clauses ------------------------------------------------------------------------------------ */

static char *trim(char *s)
{
    while (*s == ' ')
        s++;
    size_t len = strlen(s);
    while (len && s[len - 1] == ' ')
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
    return part;
}

/* One "key=value"; what has no value, or more than one, means nothing. */
static void parse_param(struct clause *cl, char *param)
{
    char *value = strchr(param, '=');

    if (!value || !value[1])
        return;
    *value++ = 0;
    if (strchr(value, '='))
        return;
    param = trim(param);
    if (streq(param, "q")) {
        char *end;
        cl->q = strtod(value, &end);
        if (*end || end == value)
            cl->q = 0;
        return;
    }
    value = trim(value);
    if (streq(param, "as"))
        cl->as = value;
    else if (streq(param, "g"))
        cl->group = value;
    else if (streq(param, "v"))
        cl->version = value;
    else if (streq(param, "stream"))
        cl->stream = value;
    else if (streq(param, "pretty"))
        cl->pretty = streq(value, "1");
}

static bool parse_clause(char *part, struct clause *ret)
{
    char *params = trim(part), *type = next_part(&params, ';'), *slash = strchr(type, '/');

    *ret = (struct clause){ .q = 1, .type = type };
    if (!slash || !slash[1]) {
        if (slash)
            *slash = 0;
        ret->subtype = "*";
        ret->type = trim(type);
        if (!streq(ret->type, "*"))
            return false;
    } else {
        *slash++ = 0;
        if (strchr(slash, '/'))
            return false;
        ret->type = trim(type);
        ret->subtype = trim(slash);
    }
    for (char *p; (p = next_part(&params, ';'));)
        parse_param(ret, p);
    return true;
}

static bool goes_before(const struct clause *a, const struct clause *b)
{
    return a->q > b->q || (!streq(a->type, "*") && streq(b->type, "*")) ||
           (!streq(a->subtype, "*") && streq(b->subtype, "*"));
}

/* By insertion: the order is none that could be relied on, so that the way to it counts. */
static void parse_accept(struct arena *a, const char *header, struct clauses *ret)
{
    char *rest = arena_strdup(a, header), *part;

    ret->n = 0;
    while (ret->n < CLAUSES_MAX && (part = next_part(&rest, ',')))
        if (parse_clause(part, &ret->v[ret->n]))
            ret->n++;
    for (size_t i = 1; i < ret->n; i++)
        for (size_t j = i; j && goes_before(&ret->v[j], &ret->v[j - 1]); j--) {
            struct clause other = ret->v[j];
            ret->v[j] = ret->v[j - 1];
            ret->v[j - 1] = other;
        }
}

static bool clause_matches(const struct clause *cl, enum media m)
{
    const char *subtype = strchr(media_type(m, false), '/') + 1;

    if (streq(cl->type, "*"))
        return streq(cl->subtype, "*");
    return streq(cl->type, "application") && (streq(cl->subtype, "*") || streq(cl->subtype, subtype));
}

static bool clause_transforms(const struct clause *cl)
{
    return cl->as || cl->group || cl->version;
}

static bool same_word(const char *a, const char *b)
{
    return streq(a ? a : "", b);
}

/* ---- views -------------------------------------------------------------------------------------- */

static bool meta_version(const struct clause *cl)
{
    return same_word(cl->group, "meta.k8s.io") && (same_word(cl->version, "v1") || same_word(cl->version, "v1beta1"));
}

/* What an end point makes of a clause in one of its media types; false where it does not serve that. */
typedef bool accepts_fn(const struct call *c, const struct clause *cl, struct encoding *e);

/* What can only be created is never listed: nobody made columns for it. */
static bool has_columns(const struct call *c)
{
    return (c->route.sub ? c->route.sub->verbs : c->route.kind->verbs) != VERB_CREATE;
}

/* Objects: as they are, as Tables where the media type can, as partial ones in any. */
static bool accepts_views(const struct call *c, const struct clause *cl, struct encoding *e)
{
    e->view = VIEW_PLAIN;
    e->view_version = "";
    if (!clause_transforms(cl))
        return e->media != MEDIA_PROTOBUF || !kind_custom(c->route.kind);
    if (!meta_version(cl))
        return false;
    e->view_version = same_word(cl->version, "v1") ? "v1" : "v1beta1";
    if (same_word(cl->as, "Table") && has_columns(c))
        e->view = VIEW_TABLE;
    else if (same_word(cl->as, "PartialObjectMetadata"))
        e->view = VIEW_PARTIAL;
    else if (same_word(cl->as, "PartialObjectMetadataList"))
        e->view = VIEW_PARTIAL_LIST;
    else
        return false;
    return e->view != VIEW_TABLE || e->media != MEDIA_PROTOBUF;
}

static bool accepts_plain(const struct call *c, const struct clause *cl, struct encoding *e)
{
    (void)c;
    (void)e;
    return !clause_transforms(cl);
}

static bool accepts_aggregated(const struct call *c, const struct clause *cl, struct encoding *e)
{
    (void)e;
    return c->s->release->aggregated_discovery && same_word(cl->as, "APIGroupDiscoveryList") &&
           same_word(cl->group, "apidiscovery.k8s.io") && same_word(cl->version, "v2");
}

/* The first clause that the end point serves decides *e. */
static bool settle_clause(const struct call *c, const struct clauses *cs, accepts_fn *accepts,
                          struct encoding *e)
{
    for (size_t i = 0; i < cs->n; i++) {
        const struct clause *cl = &cs->v[i];
        for (int m = MEDIA_JSON; m <= MEDIA_PROTOBUF; m++) {
            struct encoding one = *e;
            one.media = m;
            if (!clause_matches(cl, m) || !accepts(c, cl, &one))
                continue;
            if (cl->stream && (m == MEDIA_YAML || !streq(cl->stream, "watch")))
                continue;
            one.pretty = one.pretty || cl->pretty;
            *e = one;
            return true;
        }
    }
    return false;
}

/* strconv.ParseBool: what is no boolean is false. */
static bool parse_bool(const char *v)
{
    static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
        if (streq(v, yes[i]))
            return true;
    return false;
}

static bool pretty(struct call *c)
{
    static const char *const browsers[] = { "curl", "Wget", "Mozilla/5.0" };
    const char *v = query_get(&c->query, "pretty");

    if (!str_empty(v))
        return parse_bool(v);
    for (size_t i = 0; i < ARRAY_SIZE(browsers); i++)
        if (str_starts(c->user_agent, browsers[i]))
            return true;
    return false;
}

#define PLAIN_TYPES "application/json, application/yaml, application/vnd.kubernetes.protobuf"
#define STREAM_TYPES "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"

/* The router of built-in paths turns away what names none of its types, in words of its own. */
static bool router_knows(const char *accept)
{
    char *copy = xstrdup(accept), *rest = copy, *part;
    bool knows = false;

    while ((part = next_part(&rest, ','))) {
        char *type = trim(next_part(&part, ';'));
        knows = knows || streq(type, "*/*");
        for (int m = MEDIA_JSON; m <= MEDIA_PROTOBUF; m++)
            knows = knows || streq(type, media_type(m, false));
    }
    free(copy);
    return knows;
}

static int not_routed(struct call *c)
{
    const struct route *r = &c->route;
    bool list = r->verb == VERB_LIST || r->verb == VERB_WATCH;
    int e = apierr_set(&c->err, APIERR_NOT_ACCEPTABLE, "406: Not Acceptable\n\nAvailable representations: %s",
                       list ? PLAIN_TYPES ", " STREAM_TYPES : PLAIN_TYPES);
    c->err.has_details = true;
    c->not_routed = true;
    return e;
}

int negotiate_check_view(struct call *c, const struct kind *k, bool list)
{
    char group[256] = "core";
    const char *view = c->out.view == VIEW_PARTIAL ? "PartialObjectMetadata" : "PartialObjectMetadataList";

    if ((c->out.view != VIEW_PARTIAL && c->out.view != VIEW_PARTIAL_LIST) || list == (c->out.view == VIEW_PARTIAL_LIST))
        return 0;
    if (*k->res.group)
        snprintf(group, sizeof(group), "%.*s", (int)strcspn(k->res.group, "."), k->res.group);
    if (!list && kind_custom(k))
        return apierr_set(&c->err, APIERR_UNKNOWN, "content is not a list");
    const char *what = kind_custom(k) ? arena_printf(c->arena, "*unstructured.Unstructured%s", list ? "List" : "")
                                      : arena_printf(c->arena, "*%s.%s%s", group, k->res.kind, list ? "List" : "");
    return apierr_set(&c->err, APIERR_NOT_ACCEPTABLE, "you requested %s, but the requested object is %sa list (%s)", view,
                      list ? "" : "not ", what);
}

int negotiate(struct call *c)
{
    const char *accept = api_request_header(c->q, "accept");
    bool resource = c->route.type == ROUTE_RESOURCE;
    struct clauses clauses;

    c->out = (struct encoding){ .media = MEDIA_JSON, .view_version = "", .pretty = pretty(c) };
    if (str_empty(accept))
        return 0;
    if (resource && !kind_custom(c->route.kind) && !router_knows(accept))
        return not_routed(c);
    parse_accept(c->arena, accept, &clauses);
    if (!settle_clause(c, &clauses, resource ? accepts_views : accepts_plain, &c->out))
        return apierr_set(&c->err, APIERR_NOT_ACCEPTABLE, "only the following media types are accepted: " PLAIN_TYPES);
    return 0;
}

int negotiate_stream(struct call *c)
{
    if (c->out.media != MEDIA_YAML)
        return 0;
    return apierr_set(&c->err, APIERR_NOT_ACCEPTABLE, "only the following media types are accepted: " STREAM_TYPES);
}

struct encoding negotiate_error(struct call *c)
{
    const char *accept = api_request_header(c->q, "accept");
    struct encoding e = { .media = MEDIA_JSON, .view_version = "", .pretty = pretty(c) };
    struct clauses clauses;

    if (str_empty(accept))
        return e;
    parse_accept(c->arena, accept, &clauses);
    if (!settle_clause(c, &clauses, accepts_plain, &e))
        e.pretty = true;               /* nothing to go by: JSON, indented */
    return e;
}

/* Whether the aggregated discovery document is asked for. */
bool negotiate_aggregated(struct call *c, enum media *ret)
{
    const char *accept = api_request_header(c->q, "accept");
    struct encoding e = { .media = MEDIA_JSON };
    struct clauses clauses;

    if (str_empty(accept))
        return false;
    parse_accept(c->arena, accept, &clauses);
    if (!settle_clause(c, &clauses, accepts_aggregated, &e))
        return false;
    *ret = e.media;
    return true;
}

/* ---- bodies ------------------------------------------------------------------------------------- */

static bool token_char(char c)
{
    return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static size_t token_len(const char *s)
{
    size_t n = 0;

    while (token_char(s[n]))
        n++;
    return n;
}

static const char *skip_space(const char *s)
{
    return s + strspn(s, " \t\r\n\v\f");
}

/* "; name=value" at s: what follows it, NULL where that is not there. */
static const char *skip_param(const char *s)
{
    size_t n;

    s = skip_space(s);
    if (*s != ';')
        return NULL;
    s = skip_space(s + 1);
    n = token_len(s);
    s = skip_space(s + n);
    if (!n || *s != '=')
        return NULL;
    s = skip_space(s + 1);
    if (*s != '"')
        return (n = token_len(s)) ? s + n : NULL;
    for (s++; *s && *s != '"'; s++)
        if (*s == '\\' && s[1])
            s++;
    return *s ? s + 1 : NULL;
}

/* mime.ParseMediaType: the type in lower case, NULL where the header is not well formed. */
static const char *content_type(struct arena *a, const char *header)
{
    size_t len = strcspn(header, ";");
    char *type = arena_strndup(a, header, len);
    const char *rest = header + len;

    type = trim(type);
    for (char *p = type; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p |= 0x20;
    size_t first = token_len(type);
    if (!first || (type[first] && (type[first] != '/' || !token_len(type + first + 1) ||
                                   type[first + 1 + token_len(type + first + 1)])))
        return NULL;
    while (*rest) {
        const char *next = skip_param(rest);
        if (!next)
            return *rest == ';' && !*skip_space(rest + 1) ? type : NULL;
        rest = next;
    }
    return type;
}

int negotiate_body(struct call *c, enum media *ret)
{
    const char *header = api_request_header(c->q, "content-type"), *type;

    *ret = MEDIA_JSON;
    if (str_empty(header) || c->q->object)
        return 0;
    type = content_type(c->arena, header);
    for (int m = MEDIA_JSON; type && m <= MEDIA_PROTOBUF; m++) {
        *ret = m;
        if (streq(type, media_type(m, false)))
            return 0;
    }
    return apierr_set(&c->err, APIERR_UNSUPPORTED_MEDIA_TYPE, "the body of the request was in an unknown format - "
                      "accepted media types include: " PLAIN_TYPES);
}
