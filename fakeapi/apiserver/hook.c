#include "fakeapi/apiserver/hook.h"

#include <stdio.h>
#include <strings.h>

#include "fakeapi/apiserver/server.h"
#include "kube/base64.h"
#include "kube/decode.h"
#include "kube/patch_json.h"
#include "kube/types.h"
#include "kube/yaml.h"

#define REQUEST_TIME_MAX DURATION_S(34)
#define TEXT_MAX 2048                  /* of an answer's text that is passed on */

struct hook_caller *hook_caller_free(struct hook_caller *h)
{
    if (h)
        h->ops->free(h);
    return NULL;
}

struct instant hook_deadline(struct call *c)
{
    duration asked;

    if (options_timeout_given(c, &asked) && asked < REQUEST_TIME_MAX)
        return instant_add(c->now, asked);
    return instant_add(c->now, REQUEST_TIME_MAX);
}

/* ---- where ---------------------------------------------------------------------------------------- */

struct place {
    const char *url;                   /* without the query */
    const char *dial, *ca_pem;
    const char *lost;                  /* why there is nobody to dial; NULL: there is */
};

/* Go's path.Join("/", text): envtest's own URLs begin their path with two slashes. */
static const char *clean_path(struct arena *a, const char *text)
{
    char *out = arena_alloc(a, strlen(text) + 2);
    size_t n = 0, len;

    for (const char *at = text; *at; at += len + (at[len] == '/')) {
        len = strcspn(at, "/");
        if (len == 0 || (len == 1 && at[0] == '.'))
            continue;
        if (len == 2 && at[0] == '.' && at[1] == '.') {
            while (n && out[--n] != '/')
                ;
            continue;
        }
        out[n++] = '/';
        memcpy(out + n, at, len);
        n += len;
    }
    if (n == 0)
        out[n++] = '/';
    out[n] = '\0';
    return out;
}

static const json_t *port_of_service(const json_t *service, int port)
{
    size_t i;
    json_t *p;

    json_array_foreach (json_path(service, "spec.ports"), i, p)
        if (obj_int(p, "port", 0) == port)
            return p;
    return NULL;
}

struct search {
    struct call *c;
    const char *service, *port_name;
    const char *found;                 /* HOST:PORT */
};

static bool look_in_slice(void *arg, const struct record *rec)
{
    struct search *s = arg;
    const json_t *slice = value_tree(rec->value);
    const char *of = obj_label(slice, "kubernetes.io/service-name");
    size_t i, j;
    json_t *port, *endpoint;

    if (!of || !streq(of, s->service))
        return true;
    json_array_foreach (json_object_get(slice, "ports"), i, port) {
        if (!streq(obj_str(port, "name"), s->port_name))
            continue;
        json_array_foreach (json_object_get(slice, "endpoints"), j, endpoint) {
            const char *address = json_string_value(json_array_get(json_object_get(endpoint, "addresses"), 0));
            if (!address || !obj_bool(endpoint, "conditions.ready", true))
                continue;
            s->found = arena_printf(s->c->arena, strchr(address, ':') ? "[%s]:%lld" : "%s:%lld", address,
                                    (long long)obj_int(port, "port", 0));
            return false;
        }
    }
    return true;
}

static const char *look_in_endpoints(struct call *c, const json_t *endpoints, const char *port_name)
{
    size_t i, j, k;
    json_t *subset, *port, *address;

    json_array_foreach (json_object_get(endpoints, "subsets"), i, subset)
        json_array_foreach (json_object_get(subset, "ports"), j, port) {
            if (!streq(obj_str(port, "name"), port_name))
                continue;
            json_array_foreach (json_object_get(subset, "addresses"), k, address)
                return arena_printf(c->arena, "%s:%lld", obj_str(address, "ip"), (long long)obj_int(port, "port", 0));
        }
    return NULL;
}

/* A cluster of make-believe has no network of services: one is reached where it was said to stand, under its
 * external name, or at an endpoint. */
static void find_service(struct call *c, const char *namespace, const char *name, int port, struct place *ret)
{
    const struct kind *services = kinds_find(c->s->kinds, "", "v1", "services"),
                      *endpoints = kinds_find(c->s->kinds, "", "v1", "endpoints"),
                      *slices = kinds_find(c->s->kinds, "discovery.k8s.io", "v1", "endpointslices");
    struct search s = { .c = c, .service = name };
    struct record rec;

    for (size_t i = 0; i < c->s->n_hook_services; i++) {
        const struct hook_service *h = &c->s->hook_services[i];
        if (streq(h->namespace, namespace) && streq(h->name, name) && (!h->port || h->port == port)) {
            ret->dial = h->dial;
            return;
        }
    }
    if (store_get(c->s->store, call_store_key(c, services, namespace, name), 0, &rec) < 0) {
        ret->lost = arena_printf(c->arena, "service \"%s\" not found", name);
        return;
    }
    if (streq(obj_str(value_tree(rec.value), "spec.type"), "ExternalName")) {
        ret->dial = arena_printf(c->arena, "%s:%d", obj_str(value_tree(rec.value), "spec.externalName"), port);
        return;
    }
    const json_t *p = port_of_service(value_tree(rec.value), port);
    if (!p) {
        ret->lost = arena_printf(c->arena, "no service port %d found for service \"%s\"", port, name);
        return;
    }
    s.port_name = obj_str(p, "name");
    if (store_get(c->s->store, call_store_key(c, endpoints, namespace, name), 0, &rec) == 0)
        s.found = look_in_endpoints(c, value_tree(rec.value), s.port_name);
    if (!s.found)
        store_range(c->s->store, list_prefix(c, slices, namespace), NULL, 0, 0, look_in_slice, &s, NULL);
    ret->dial = s.found;
    if (!s.found)
        ret->lost = arena_printf(c->arena, "no endpoints available for service \"%s\"", name);
}

/* White space alone is no bundle. */
static const char *bundle(struct call *c, const json_t *config)
{
    const json_t *text = json_object_get(config, "caBundle");
    cleanup_buf struct buf b = BUF_INIT;

    if (!json_string_length(text) || base64_decode(&b, json_string_value(text), json_string_length(text)) < 0 || !b.len ||
        strspn(b.data, " \t\r\n") == b.len)
        return NULL;
    return arena_strndup(c->arena, b.data, b.len);
}

static void find_place(struct call *c, const json_t *config, struct place *ret)
{
    const json_t *service = json_object_get(config, "service");
    const char *url = obj_str(config, "url");

    *ret = (struct place){ .ca_pem = bundle(c, config) };
    if (service) {
        const char *namespace = obj_str(service, "namespace"), *name = obj_str(service, "name");
        int port = (int)obj_int(service, "port", 443);
        ret->url = arena_printf(c->arena, "https://%s.%s.svc:%d%s", name, namespace, port,
                                clean_path(c->arena, obj_str(service, "path")));
        find_service(c, namespace, name, port, ret);
        return;
    }
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t authority = (size_t)(host - url) + strcspn(host, "/");
    ret->url = arena_printf(c->arena, "%.*s%s", (int)authority, url, clean_path(c->arena, url + authority));
}

/* ---- what came back ------------------------------------------------------------------------------- */

/* Of an answer that is no success: what client-go makes of its code. NULL: the text of the answer itself. */
static const struct status_row {
    int code;
    const char *text;
} status_rows[] = {
    { 400, "the server rejected our request for an unknown reason" },
    { 401, "the server has asked for the client to provide credentials" },
    { 403, NULL },
    { 404, "the server could not find the requested resource" },
    { 405, "the server does not allow this method on the requested resource" },
    { 409, "the server reported a conflict" },
    { 415, NULL },
    { 422, "the server rejected our request due to an error in our request" },
    { 429, "the server has received too many requests and has asked us to try again later" },
    { 503, "the server is currently unable to handle the request" },
    { 504, "the server was unable to return a response in the time allotted, but may still be processing the request" },
};

static const char *trimmed(struct arena *a, const char *text, size_t len)
{
    if (len > TEXT_MAX)
        len = TEXT_MAX;
    while (len && strchr(" \t\r\n", *text))
        text++, len--;
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    return arena_strndup(a, text, len);
}

static bool is_text(const struct hook_reply *r)
{
    return !r->content_type || strncasecmp(r->content_type, "text/", 5) == 0;
}

/* A Status in the body says it better than its code. */
static const char *status_message(struct call *c, const struct hook_reply *r)
{
    json_auto_t *tree = json_parse(r->body, r->len, 0, NULL, NULL);

    if (!json_is_object(tree) || !streq(obj_str(tree, "status"), "Failure") ||
        (json_object_get(tree, "kind") && !streq(obj_kind(tree), "Status")))
        return NULL;
    return arena_strdup(c->arena, obj_str(tree, "message"));
}

static const char *refusal(struct call *c, const struct hook_reply *r)
{
    const char *text = is_text(r) ? trimmed(c->arena, r->body, r->len) : "unknown", *said = status_message(c, r);

    if (said)
        return said;
    for (size_t i = 0; i < ARRAY_SIZE(status_rows); i++)
        if (status_rows[i].code == r->status)
            return status_rows[i].text ? status_rows[i].text : text;
    if (r->status == 406)
        return *text && !streq(text, "unknown") ? text
               : "the server was unable to respond with a content type that the client supports";
    if (r->status < 500)
        return arena_printf(c->arena, "the server responded with the status code %d but did not return more information",
                            r->status);
    cleanup_buf struct buf q = BUF_INIT;
    go_quote(&q, text, strlen(text));
    return arena_printf(c->arena, "an error on the server (%s) has prevented the request from succeeding", q.data);
}

/* The tree of a body: JSON where it looks like it, else YAML, as the real decoder tells them apart. */
static json_t *body_tree(struct call *c, const struct hook_reply *r, const char **ret_why)
{
    struct err e = ERR_IN(c->arena);
    const char *p = r->body + strspn(r->body, " \t\r\n");
    json_t *tree = *p == '{' ? json_parse(r->body, r->len, JSON_PARSE_MERGE_DUPLICATES, NULL, &e)
                             : yaml_parse(r->body, r->len, NULL, &e);

    if (!tree)
        *ret_why = arena_printf(c->arena, "couldn't get version/kind; json parse error: %s", err_message(&e));
    else if (!json_is_object(tree) && !json_is_null(tree))
        *ret_why = arena_printf(c->arena, "couldn't get version/kind; json parse error: json: cannot unmarshal %s into Go "
            "value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string "
            "\"json:\\\"kind,omitempty\\\"\" }", go_json_type(tree));
    else
        return tree;
    json_decref(tree);
    return NULL;
}

/* What is decoded must be of the kind that is wanted; one that does not say is taken for it. */
static const char *wrong_kind(struct call *c, const json_t *tree, const json_t *review)
{
    const char *want = obj_api_version(review), *want_kind = obj_kind(review);
    const char *version = obj_api_version(tree), *kind = obj_kind(tree);
    const char *slash = strchr(want, '/');

    if (!*version)
        version = want;
    if (!*kind)
        kind = want_kind;
    if (streq(version, want) && streq(kind, want_kind))
        return NULL;
    bool ours = strncmp(version, want, (size_t)(slash - want) + 1) == 0 && streq(kind, want_kind);
    const char *short_version = strrchr(version, '/') ? strrchr(version, '/') + 1 : version;
    if ((ours && (streq(short_version, "v1") || streq(short_version, "v1beta1"))) ||
        (streq(kind, "Status") && streq(version, "v1")))
        return arena_printf(c->arena, "converting (%s.%s) to (%s.%s): unknown conversion", short_version, kind, slash + 1,
                            want_kind);
    return arena_printf(c->arena, "no kind \"%s\" is registered for version \"%s\" in scheme \"pkg/runtime/scheme.go:110\"",
                        kind, version);
}

/* Types are checked by the description of v1: v1beta1 has the same members. */
static const char *decode_reply(struct call *c, const struct hook_reply *r, const json_t *review, json_t **ret)
{
    char group[256], version[64];
    struct decode_notes notes = DECODE_NOTES_IN(c->arena, NULL);
    struct apierr err = APIERR_IN(c->arena);
    const char *why = NULL;
    json_auto_t *tree = body_tree(c, r, &why), *typed = NULL;

    if (!tree || (json_is_object(tree) && (why = wrong_kind(c, tree, review))))
        return why;
    if (json_is_null(tree)) {
        *ret = json_object();
        return NULL;
    }
    api_version_split(obj_api_version(review), group, version);
    if (decode(types_find(group, "v1", obj_kind(review)), tree, &notes, &typed, &err) < 0)
        return err.message;
    /* What it says it is, and not what it was taken for. */
    json_own(&typed);
    json_object_del(typed, "apiVersion");
    json_object_del(typed, "kind");
    if (json_object_get(tree, "apiVersion"))
        json_object_set(typed, "apiVersion", json_object_get(tree, "apiVersion"));
    if (json_object_get(tree, "kind"))
        json_object_set(typed, "kind", json_object_get(tree, "kind"));
    *ret = STEAL(typed);
    return NULL;
}

static const char *read_reply(struct call *c, const struct hook_reply *r, const json_t *review, json_t **ret)
{
    const char *type = r->content_type;

    if (type && strcspn(type, "; \t") == 0)
        return "Internal error occurred: mime: no media type";
    if (r->status < 200 || r->status > 206)
        return refusal(c, r);
    if (!r->len)
        return arena_printf(c->arena, "0-length response with status code: %d and content type: %s", r->status,
                            type ? type : "application/json");
    return decode_reply(c, r, review, ret);
}

/* ---- the call ------------------------------------------------------------------------------------- */

static int send(struct call *c, const struct hook_request *q, struct hook_reply *ret, struct err *e)
{
    const char *host = strstr(q->url, "://");

    if (c->s->hook_caller)
        return c->s->hook_caller->ops->call(c->co, c->s->hook_caller, q, c->arena, ret, e);
    host = host ? host + 3 : q->url;
    *ret = (struct hook_reply){ .body = "" };
    host = q->dial ? q->dial : arena_strndup(c->arena, host, strcspn(host, "/?"));
    if (*host != '[' && strspn(host, "0123456789.") < strcspn(host, ":"))
        return err_set(e, ERR_UNAVAILABLE, "dial tcp: lookup %.*s: no such host", (int)strcspn(host, ":"), host);
    return err_set(e, ERR_UNAVAILABLE, "dial tcp %s: connect: connection refused", host);
}

static const char *failure(struct call *c, const char *url, const struct hook_reply *r, const struct err *e, int code,
                           const struct hook_time *time)
{
    if (r->began)
        return arena_printf(c->arena, "unexpected error when reading response body. Please retry. Original error: %s",
                            err_message(e));
    return arena_printf(c->arena, "Post \"%s\": %s%s", url, err_message(e),
                        code == -ERR_TIMEOUT && time->of_client ? " (Client.Timeout exceeded while awaiting headers)" : "");
}

int hook_review(struct call *c, const json_t *client_config, const json_t *review, const struct hook_time *time,
                json_t **ret, const char **ret_why)
{
    struct place place;
    struct hook_reply reply = { .body = "" };
    struct err e = ERR_IN(c->arena);
    cleanup_buf struct buf body = BUF_INIT;

    find_place(c, client_config, &place);
    /* The peer is told how long he has, in whole seconds. */
    long long seconds = (long long)((time->timeout + DURATION_S(1) - 1) / DURATION_S(1));
    const char *url = arena_printf(c->arena, "%s?timeout=%llds", place.url, seconds);
    if (place.lost) {
        *ret_why = arena_printf(c->arena, "Post \"%s\": %s", url, place.lost);
        return -ERR_UNAVAILABLE;
    }
    json_write(&body, review, 0);
    buf_add_char(&body, '\n');
    struct hook_request q = { .url = url, .dial = place.dial, .ca_pem = place.ca_pem, .body = body.data, .len = body.len,
                              .timeout = time->timeout };
    int r = send(c, &q, &reply, &e);
    if (r == -ERR_CANCELLED)
        return r;
    *ret_why = r < 0 ? failure(c, url, &reply, &e, r, time) : read_reply(c, &reply, review, ret);
    if (r == 0 && *ret_why)
        r = -ERR_PROTOCOL;
    return r;
}
