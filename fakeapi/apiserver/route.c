#include "fakeapi/apiserver/server.h"

#include <strings.h>

#include "kube/nul.h"

/* The router's table of methods; HEAD is no method of any resource (B-066). */
struct segments {
    const char *v[16];
    size_t n;
    bool too_many;
};

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Once, as Go's server does it (K-050). NULL where an escape is broken. A NUL goes hidden (kube/nul.h): no name
 * holds one, so that it can only miss. */
static char *decode_path(struct arena *a, const char *path)
{
    char *out = arena_strdup(a, path), *w = out;   /* an escape is longer than what it stands for */

    for (const char *p = path; *p; p++) {
        if (*p != '%') {
            *w++ = *p;
            continue;
        }
        int hi = hex(p[1]), lo = hi < 0 ? -1 : hex(p[2]);
        if (hi < 0 || lo < 0)
            return NULL;
        char c = (char)(hi << 4 | lo);
        if (c) {
            *w++ = c;
        } else {
            memcpy(w, NUL_HIDDEN, 2);
            w += 2;
        }
        p += 2;
    }
    *w = 0;
    return out;
}

/* "/api/v1/x/" has the segments api, v1, x: slashes at the end mean nothing. */
static void split(struct arena *a, const char *path, struct segments *s)
{
    char *p = arena_strdup(a, path[0] == '/' ? path + 1 : path);
    size_t len = strlen(p);

    *s = (struct segments){ 0 };
    while (len && p[len - 1] == '/')
        p[--len] = 0;
    for (char *next; p; p = next) {
        next = strchr(p, '/');
        if (next)
            *next++ = 0;
        if (s->n == ARRAY_SIZE(s->v)) {
            s->too_many = true;
            return;
        }
        s->v[s->n++] = p;
    }
}

static const char *join_rest(struct arena *a, const struct segments *s, size_t from)
{
    const char *text = "";

    for (size_t i = from; i < s->n; i++)
        text = arena_printf(a, "%s/%s", text, s->v[i]);
    return text;
}

/* ---- what a method means on what the path names ------------------------------------------------- */

enum place { PLACE_ALL_NAMESPACES, PLACE_COLLECTION, PLACE_ITEM, PLACE_SUB, PLACE_WATCH };

static const struct method_row {
    enum place place;
    const char *method;
    enum verbs verb;
    const char *text;                  /* the verb as the 405 of custom resources names it */
} method_rows[] = {
    { PLACE_ALL_NAMESPACES, "GET", VERB_LIST, "list" },
    { PLACE_COLLECTION, "GET", VERB_LIST, "list" },
    { PLACE_COLLECTION, "POST", VERB_CREATE, "create" },
    { PLACE_COLLECTION, "DELETE", VERB_DELETECOLLECTION, "deletecollection" },
    { PLACE_ITEM, "GET", VERB_GET, "get" },
    { PLACE_ITEM, "PUT", VERB_UPDATE, "update" },
    { PLACE_ITEM, "PATCH", VERB_PATCH, "patch" },
    { PLACE_ITEM, "DELETE", VERB_DELETE, "delete" },
    { PLACE_SUB, "GET", VERB_GET, "get" },
    { PLACE_SUB, "POST", VERB_CREATE, "create" },
    { PLACE_SUB, "PUT", VERB_UPDATE, "update" },
    { PLACE_SUB, "PATCH", VERB_PATCH, "patch" },
    { PLACE_SUB, "DELETE", VERB_DELETE, "delete" },
    { PLACE_WATCH, "GET", VERB_WATCH, "watch" },
};

static const struct method_row *method_row(enum place place, const char *method)
{
    for (size_t i = 0; i < ARRAY_SIZE(method_rows); i++)
        if (method_rows[i].place == place && streq(method_rows[i].method, method))
            return &method_rows[i];
    return NULL;
}

/* The handler of custom resources goes by the method alone: a POST to a name creates, too. Only "/watch/" is a watch
 * by whatever method. */
static const struct method_row *custom_row(enum place place, const char *method)
{
    const struct method_row *row = method_row(place, place == PLACE_WATCH ? "GET" : method);

    if (row || place == PLACE_SUB)
        return row;
    row = method_row(PLACE_COLLECTION, method);
    return row ? row : method_row(PLACE_ITEM, method);
}

static void settle_custom(struct call *c, struct route *r, enum place place)
{
    const struct method_row *row = custom_row(place, streq(c->q->method, "HEAD") ? "GET" : c->q->method);
    unsigned verbs = place == PLACE_SUB ? r->sub->verbs : r->kind->verbs | VERBS_ALL;

    if (place == PLACE_ALL_NAMESPACES && (!row || row->verb != VERB_LIST)) {
        r->type = ROUTE_NOT_FOUND_TEXT;
        return;
    }
    r->verb_text = row ? row->text : custom_row(PLACE_ITEM, c->q->method) ? c->q->method : "";
    r->type = row && (verbs & row->verb) ? ROUTE_RESOURCE : ROUTE_METHOD_KIND;
    if (row)
        r->verb = row->verb;
    if (!*r->name && (r->verb & (VERB_UPDATE | VERB_PATCH)))
        r->type = ROUTE_NO_NAME;
}

static void settle(struct call *c, struct route *r, enum place place)
{
    const struct method_row *row = method_row(place, c->q->method);
    unsigned verbs = place == PLACE_SUB ? r->sub->verbs : r->kind->verbs;
    unsigned need = row ? row->verb : 0;

    r->watch_path = place == PLACE_WATCH;
    if (kind_custom(r->kind)) {
        settle_custom(c, r, place);
        return;
    }
    if (place == PLACE_ALL_NAMESPACES && !(verbs & VERB_LIST)) {
        r->type = ROUTE_NOT_FOUND;     /* what is only asked in one is not there over all of them */
        return;
    }
    if (row && (verbs & need)) {
        r->type = ROUTE_RESOURCE;
        r->verb = row->verb;
        r->verb_text = row->text;
        return;
    }
    r->type = ROUTE_METHOD;
}

/* ---- paths below a group version ---------------------------------------------------------------- */

/* A name is watched where it stands, even over all namespaces; a subresource never is. */
static void route_custom_watch(struct call *c, struct route *r, const struct segments *s, size_t at)
{
    if (s->n - at <= 1) {
        settle(c, r, PLACE_WATCH);
        return;
    }
    r->sub = kind_sub(r->kind, s->v[at + 1]);
    r->type = r->sub ? ROUTE_METHOD_KIND : ROUTE_NO_SUCH_SUB;
    r->verb_text = "watch";
}

/* What follows the resource's name: nothing, a name, a name and a subresource. */
static void route_item(struct call *c, struct route *r, const struct segments *s, size_t at, bool watch,
                       bool has_namespace)
{
    size_t left = s->n - at;
    bool namespaced = r->kind->res.namespaced;

    r->type = ROUTE_NOT_FOUND;
    if (left > 0)
        r->name = s->v[at];
    if (!namespaced && has_namespace)
        return;
    if (watch && kind_custom(r->kind)) {
        route_custom_watch(c, r, s, at);
        return;
    }
    if (watch) {
        if (left <= 1 && (has_namespace || !namespaced || left == 0))
            settle(c, r, PLACE_WATCH);
        return;
    }
    if (left == 0) {
        settle(c, r, namespaced && !has_namespace ? PLACE_ALL_NAMESPACES : PLACE_COLLECTION);
        return;
    }
    bool nameless = !*r->name && (left == 1 || kind_custom(r->kind));
    if ((namespaced && !has_namespace) || nameless || (r->kind->flags & KIND_REVIEW))
        return;
    if (left == 1) {
        settle(c, r, PLACE_ITEM);
        return;
    }
    r->sub = kind_sub(r->kind, s->v[at + 1]);
    if (!r->sub) {
        if (kind_custom(r->kind))
            r->type = ROUTE_NO_SUCH_SUB;
        return;
    }
    r->rest = join_rest(c->arena, s, at + 2);
    if (left > 2 && !streq(r->sub->name, "proxy") && !kind_custom(r->kind))
        return;                        /* of custom resources what follows is not looked at */
    settle(c, r, PLACE_SUB);
    if (!*r->name && r->type == ROUTE_RESOURCE)             /* "pods//log" */
        r->type = ROUTE_NO_NAME;
}

/* "/namespaces/x/status" is a subresource of the namespace x, not a resource in it. */
static bool namespace_itself(const struct segments *s, size_t at)
{
    return s->n - at < 3 || streq(s->v[at + 2], "status") || streq(s->v[at + 2], "finalize");
}

static void route_resource(struct call *c, struct route *r, const struct segments *s, size_t at,
                           const char *group, const char *version)
{
    struct kinds *ks = c->s->kinds;
    bool watch = false, has_namespace = false;
    bool core = !*group;

    r->type = ROUTE_NOT_FOUND;
    if (at < s->n && streq(s->v[at], "watch")) {
        watch = true;
        at++;
    }
    if (at >= s->n) {
        if (watch)
            r->type = ROUTE_NO_RESOURCE;
        return;
    }
    if (streq(s->v[at], "namespaces") && !(core && namespace_itself(s, at))) {
        if (s->n - at < 3)
            return;
        r->namespace = s->v[at + 1];
        has_namespace = true;
        at += 2;
    }
    r->kind = kinds_find(ks, group, version, s->v[at]);
    if (!r->kind)
        return;
    /* "/namespaces//configmaps": an empty namespace is all of them to those who list; others need one (K-052). */
    if (has_namespace && !*r->namespace) {
        r->needs_namespace = r->kind->res.namespaced && !kind_custom(r->kind) &&
                             (at + 1 < s->n || !streq(c->q->method, "GET"));
        has_namespace = r->needs_namespace;
    }
    route_item(c, r, s, at + 1, watch, has_namespace);
}

/* ---- all paths ---------------------------------------------------------------------------------- */

static void route_group(struct call *c, struct route *r, const struct segments *s)
{
    struct kinds *ks = c->s->kinds;

    if (!*s->v[1] || !kinds_has_group(ks, s->v[1])) {
        r->type = ROUTE_NOT_FOUND_TEXT;
        return;
    }
    if (s->n == 2) {
        r->type = ROUTE_OTHER;
        return;
    }
    bool known = kinds_has_version(ks, s->v[1], s->v[2]);
    if (s->n == 3)
        r->type = known ? ROUTE_OTHER : ROUTE_NOT_FOUND;
    else
        route_resource(c, r, s, 3, s->v[1], s->v[2]);
    if (r->type == ROUTE_NOT_FOUND && !kinds_is_builtin_group(s->v[1]))
        r->type = ROUTE_NOT_FOUND_TEXT;
}

void route_request(struct call *c, struct route *r)
{
    struct segments s;

    *r = (struct route){ .namespace = "", .name = "", .rest = "", .verb_text = "" };
    r->path = decode_path(c->arena, c->q->path);
    if (!r->path) {
        r->type = ROUTE_BAD_ESCAPE;
        r->path = "";
        return;
    }
    split(c->arena, r->path, &s);
    if (s.too_many) {
        r->type = ROUTE_NOT_FOUND;
        return;
    }
    if (s.n >= 2 && streq(s.v[0], "api")) {
        if (s.n == 2)
            r->type = streq(s.v[1], "v1") ? ROUTE_OTHER : ROUTE_NOT_FOUND;
        else
            route_resource(c, r, &s, 2, "", s.v[1]);
    } else if (s.n >= 2 && streq(s.v[0], "apis")) {
        route_group(c, r, &s);
    } else {
        r->type = ROUTE_OTHER;
    }
}
