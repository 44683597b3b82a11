#include "fakeapi/apiserver/openapi_priv.h"

#include "fakeapi/apiserver/crd.h"
#include "net/digest.h"

/* ---- documents -------------------------------------------------------------------------------------- */

static bool belongs(const struct kind *k, const char *group, const char *version)
{
    return streq(k->res.group, group) && streq(k->res.version, version);
}

/* Whether kind `i` is the first of its group, and of its version if that matters. */
static bool first_of(const struct kind *const *all, size_t i, bool of_version)
{
    for (size_t k = 0; k < i; k++)
        if (streq(all[k]->res.group, all[i]->res.group) &&
            (!of_version || streq(all[k]->res.version, all[i]->res.version)))
            return false;
    return true;
}

static void add_kind(struct doc *d, const struct kind *k)
{
    if (kind_custom(k))
        openapi_define_custom(d, k);
    openapi_paths_of_kind(d, k);
}

static void add_everything(struct doc *d)
{
    size_t n;
    const struct kind *const *all = kinds_all(d->c->s->kinds, &n);

    openapi_path_of_server(d, NULL);
    for (size_t i = 0; i < n; i++) {
        bool builtin = !kind_custom(all[i]);
        if (builtin && *all[i]->res.group && first_of(all, i, false))
            openapi_path_of_group(d, all[i]->res.group);
        if (builtin && first_of(all, i, true))
            openapi_path_of_version(d, all[i]->res.group, all[i]->res.version);
        add_kind(d, all[i]);
    }
}

static void add_version(struct doc *d, const char *group, const char *version)
{
    size_t n;
    const struct kind *const *all = kinds_all(d->c->s->kinds, &n);
    bool builtin = false;

    for (size_t i = 0; i < n; i++)
        if (belongs(all[i], group, version)) {
            add_kind(d, all[i]);
            builtin |= !kind_custom(all[i]);
        }
    if (builtin)
        openapi_path_of_version(d, group, version);
}

/* "v1.34.2" is 1.34. */
static json_t *info(struct call *c, bool custom)
{
    if (custom)
        return json_pack("{s:s, s:s}", "title", "Kubernetes CRD Swagger", "version", "v0.1.0");
    const char *v = c->s->release->git_version + 1;
    size_t len = strcspn(v, ".");

    len += 1 + strcspn(v + len + 1, ".");
    return json_pack("{s:s, s:s%}", "title", "Kubernetes", "version", v, len);
}

static json_t *bearer_token(void)
{
    return json_pack("{s:{s:s, s:s, s:s, s:s}}", "BearerToken", "description", "Bearer Token authentication", "type",
                     "apiKey", "name", "authorization", "in", "header");
}

static json_t *finish_v3(struct doc *d)
{
    json_t *components = json_object();

    openapi_define(d);
    dyn_release(&d->wanted);
    if (json_object_size(d->definitions))
        json_object_set(components, "schemas", d->definitions);
    json_decref(d->definitions);
    if (!d->custom)
        json_object_set_new(components, "securitySchemes", bearer_token());
    return json_pack("{s:s, s:o, s:o, s:o}", "openapi", "3.0.0", "info", info(d->c, d->custom), "paths", d->paths, "components",
                     components);
}

static struct doc doc_new(struct call *c, bool v3)
{
    return (struct doc){ .c = c, .v3 = v3, .definitions = json_object(), .paths = json_object() };
}

static json_t *whole_v2(struct call *c)
{
    struct doc d = doc_new(c, false);

    add_everything(&d);
    openapi_define(&d);
    dyn_release(&d.wanted);
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:[{s:[]}]}", "swagger", "2.0", "info", info(c, false), "paths", d.paths,
                     "definitions", d.definitions, "securityDefinitions", bearer_token(), "security", "BearerToken");
}

/* What tells two states of a document apart: what is served, not its bytes. */
static const char *document_hash(struct call *c, const char *name, bool custom)
{
    unsigned char digest[64];
    cleanup_buf struct buf b = BUF_INIT;
    uint64_t generation = custom ? kinds_generation(c->s->kinds) : 0;

    buf_printf(&b, "%s %llu", name, (unsigned long long)generation);
    digest_sha512(b.data, b.len, digest);
    buf_reset(&b);
    for (size_t i = 0; i < sizeof(digest); i++)
        buf_printf(&b, "%02X", digest[i]);
    return arena_strdup(c->arena, b.data);
}

static const char *group_version_path(struct arena *a, const char *group, const char *version)
{
    return *group ? arena_printf(a, "apis/%s/%s", group, version) : arena_printf(a, "api/%s", version);
}

static void add_to_index(struct call *c, json_t *paths, const char *at, bool custom)
{
    if (!json_object_get(paths, at))
        json_object_set_new(paths, at, json_pack("{s:o}", "serverRelativeURL",
                                                 json_sprintf("/openapi/v3/%s?hash=%s", at, document_hash(c, at, custom))));
}

static int index_v3(struct call *c)
{
    json_t *paths = json_object(), *doc;
    size_t n;
    const struct kind *const *all = kinds_all(c->s->kinds, &n);

    for (const char *const *name = openapi_server_documents; *name; name++)
        add_to_index(c, paths, *name, false);
    for (size_t i = 0; i < n; i++) {
        bool custom = kind_custom(all[i]);
        if (!custom && *all[i]->res.group)
            add_to_index(c, paths, arena_printf(c->arena, "apis/%s", all[i]->res.group), false);
        add_to_index(c, paths, group_version_path(c->arena, all[i]->res.group, all[i]->res.version), custom);
    }
    doc = json_pack("{s:o}", "paths", paths);
    struct blob *body = json_blob(doc, 0);
    json_decref(doc);
    call_header(c, "Etag", arena_printf(c->arena, "\"%s\"", document_hash(c, "index", true)));
    return reply_blob(c, 200, "text/plain; charset=utf-8", body);
}

/* Where in Accept a type first stands; SIZE_MAX: nowhere. */
static size_t place(const char *accept, const char *type)
{
    const char *at = strstr(accept, type);

    return at ? (size_t)(at - accept) : SIZE_MAX;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The two forms of a document. */
enum form { FORM_NONE, FORM_AS_JSON, FORM_AS_PROTOBUF };

#define PROTOBUF(version) "application/com.github.proto-openapi.spec." version ".v1.0+protobuf"

/* What is named first, under either of its names; `version`: "v2". Who accepts neither gets an empty 406. */
static enum form form_of(struct call *c, const char *version)
{
    const char *accept = api_request_header(c->q, "accept");
    size_t json, protobuf;

    if (str_empty(accept))
        return FORM_AS_JSON;
    json = smaller(smaller(place(accept, "application/json"), place(accept, "*/*")), place(accept, "application/*"));
    protobuf = smaller(place(accept, arena_printf(c->arena, "spec.%s@v1.0+protobuf", version)),
                       place(accept, arena_printf(c->arena, "spec.%s.v1.0+protobuf", version)));
    return json < protobuf ? FORM_AS_JSON : protobuf < json ? FORM_AS_PROTOBUF : FORM_NONE;
}

static int empty_reply(struct call *c, int status)
{
    return reply_blob(c, status, NULL, blob_new("", 0));
}

static int document_reply(struct call *c, struct blob *body, const char *type, const char *hash)
{
    call_header(c, "Etag", arena_printf(c->arena, "\"%s\"", hash));
    call_header(c, "Vary", "Accept");
    return reply_blob(c, 200, type, body);
}

/* The document of a path below /openapi/v3/; *ret_custom: it holds custom kinds. NULL: there is none. */
static json_t *find_v3(struct call *c, const char *rest, bool *ret_custom)
{
    struct doc d = doc_new(c, true);
    const char *group = str_starts(rest, "api/") ? "" : str_starts(rest, "apis/") ? rest + strlen("apis/") : NULL;
    const char *slash = group ? strchr(*group ? group : rest, '/') : NULL;
    size_t n;
    const struct kind *const *all = kinds_all(c->s->kinds, &n);

    *ret_custom = false;
    if (group && *group && slash)
        group = arena_strndup(c->arena, group, (size_t)(slash - group));
    for (size_t i = 0; group && i < n; i++) {
        if (!streq(all[i]->res.group, group) || (slash && !streq(all[i]->res.version, slash + 1)))
            continue;
        *ret_custom = d.custom = kind_custom(all[i]);
        if (slash)
            add_version(&d, group, slash + 1);
        else if (!*ret_custom)
            openapi_path_of_group(&d, group);
        break;
    }
    if (json_object_size(d.paths) || openapi_path_of_server(&d, rest))
        return finish_v3(&d);
    json_decref(d.paths);
    json_decref(d.definitions);
    dyn_release(&d.wanted);
    return NULL;
}

static int document_v3(struct call *c, const char *rest)
{
    bool custom;
    json_auto_t *doc = find_v3(c, rest, &custom);

    if (!doc)
        return empty_reply(c, 404);
    enum form form = form_of(c, "v3");
    if (form == FORM_NONE)
        return empty_reply(c, 406);
    const char *hash = document_hash(c, rest, custom), *asked = query_get(&c->query, "hash");
    if (asked && !streq(asked, hash)) {
        call_header(c, "Location", arena_printf(c->arena, "/openapi/v3/%s?hash=%s", rest, hash));
        return empty_reply(c, 301);
    }
    if (asked)
        call_header(c, "Cache-Control", "public, immutable");
    return form == FORM_AS_JSON ? document_reply(c, json_blob(doc, 0), "application/json", hash)
                                : document_reply(c, openapi_v3_protobuf(doc), PROTOBUF("v3"), hash);
}

static int document_v2(struct call *c)
{
    enum form form = form_of(c, "v2");
    const char *hash = document_hash(c, "v2", true);

    if (form == FORM_NONE)
        return empty_reply(c, 406);
    json_auto_t *doc = whole_v2(c);
    return form == FORM_AS_JSON ? document_reply(c, json_blob(doc, 0), "application/json", hash)
                                : document_reply(c, openapi_v2_protobuf(doc), PROTOBUF("v2"), hash);
}

int openapi_handle(struct call *c, const char *path)
{
    if (streq(path, "/openapi/v2"))
        return document_v2(c);
    if (streq(path, "/openapi/v3"))
        return index_v3(c);
    if (str_starts(path, "/openapi/v3/"))
        return document_v3(c, path + strlen("/openapi/v3/"));
    return reply_text(c, 404, "text/plain; charset=utf-8", "404 page not found\n");
}
