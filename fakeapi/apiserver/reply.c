#include "fakeapi/apiserver/server.h"

#include "kube/nul.h"
#include "kube/proto.h"
#include "kube/types.h"
#include "kube/yaml.h"

#include <strings.h>

/* What goes back: a tree where the caller takes one, bytes else. */

void call_header(struct call *c, const char *name, const char *value)
{
    *dyn_push(&c->headers) = (struct api_header){ name, value };
}

/* RFC 7234's quoting; what cannot be quoted is dropped (K-054). */
static const char *warning_value(struct arena *a, const char *text)
{
    char *out = arena_alloc(a, 2 * strlen(text) + 16), *w = out;

    w += sprintf(w, "299 - \"");
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f || str_starts(p, NUL_HIDDEN))
            return NULL;
        if (*p == '"' || *p == '\\')
            *w++ = '\\';
        *w++ = *p;
    }
    strcpy(w, "\"");
    return out;
}

void call_warn(struct call *c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *text = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    for (size_t i = 0; i < c->warnings.n; i++)
        if (streq(c->warnings.v[i], text))
            return;
    *dyn_push(&c->warnings) = text;
}

/* At most 4096 runes of warnings; beyond that all are cut to 256 each. */
static const char *cut_runes(struct arena *a, const char *s, size_t max)
{
    size_t n = 0;
    const char *p = s;

    for (; *p; p++)
        if ((*p & 0xc0) != 0x80 && n++ == max)
            break;
    return arena_strndup(a, s, (size_t)(p - s));
}

#define WARNINGS_MAX 4096
#define WARNING_CUT 256

static void add_warning(struct call *c, const char *text, bool cut, size_t *written)
{
    const char *shown = cut ? cut_runes(c->arena, text, WARNING_CUT) : text;
    const char *value = warning_value(c->arena, shown);

    if (!value)
        return;
    *written += rune_count(shown, strlen(shown));
    call_header(c, "Warning", value);
}

/* As they came, while they are few. When they get too many all before are cut, and more are added, cut, until the
 * same length is reached again. */
static void add_warnings(struct call *c)
{
    size_t written = 0, first = c->headers.n;
    bool cut = false;

    for (size_t i = 0; i < c->warnings.n; i++) {
        const char *text = c->warnings.v[i];
        if (cut && written >= WARNINGS_MAX)
            return;
        if (!cut && warning_value(c->arena, text) && written + rune_count(text, strlen(text)) > WARNINGS_MAX) {
            cut = true;
            written = 0;
            c->headers.n = first;
            for (size_t k = 0; k < i; k++)
                add_warning(c, c->warnings.v[k], true, &written);
        }
        add_warning(c, text, cut, &written);
    }
}

/* The last step of every reply. */
static void finish(struct call *c, int status, const char *content_type)
{
    if (content_type)
        call_header(c, "Content-Type", content_type);
    add_warnings(c);
    c->reply->status = status;
    c->reply->headers = arena_memdup(c->arena, c->headers.v, c->headers.n * sizeof(*c->headers.v));
    c->reply->n_headers = c->headers.n;
}

/* ---- encoding ----------------------------------------------------------------------------------- */

/* Tables and custom resources have no protobuf form: they go as JSON. */
bool encode_protobuf(struct buf *b, const json_t *tree)
{
    const char *version = obj_api_version(tree), *kind = obj_kind(tree);
    char group[256], name[64];
    const struct schema *s = api_version_split(version, group, name) ? types_find(group, name, kind) : NULL;

    if (!s || (s->n_fields && !s->n_numbers))
        return false;
    proto_seal(b, s, version, kind, tree);
    return true;
}

struct blob *encode_tree(struct call *c, const json_t *tree, const struct encoding *e)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (e->media == MEDIA_YAML) {
        yaml_write(&b, tree);
        return blob_from_buf(&b);
    }
    if (e->media == MEDIA_PROTOBUF)
        return encode_protobuf(&b, tree) ? blob_from_buf(&b) : NULL;
    json_write(&b, tree, e->pretty ? JSON_WRITE_INDENT : 0);
    if (!e->pretty)                    /* lines end in a newline; what is laid out over many does not */
        buf_add_char(&b, '\n');
    return blob_from_buf(&b);
}

/* What YAML cannot say is told in its place. */
static void say_in_yaml(struct call *c, int *status, json_t **tree)
{
    const char *why = yaml_write_problem(*tree);

    if (!why)
        return;
    json_decref(*tree);
    struct apierr err = APIERR_IN(c->arena);
    apierr_set(&err, APIERR_UNKNOWN, "%s", why);
    *tree = apierr_status(&err);
    *status = *status < 400 ? 500 : *status;
}

static int send_tree(struct call *c, int status, json_t *tree, const struct encoding *e)
{
    struct encoding json = { .media = MEDIA_JSON, .view_version = "", .pretty = e->pretty };

    if (c->want_tree && e->media == MEDIA_JSON) {
        c->reply->object = tree;
        finish(c, status, media_type(MEDIA_JSON, false));
        return 0;
    }
    if (e->media == MEDIA_YAML)
        say_in_yaml(c, &status, &tree);
    c->reply->body = encode_tree(c, tree, e);
    const char *type = media_type(e->media, false);
    if (!c->reply->body) {
        c->reply->body = encode_tree(c, tree, &json);
        type = media_type(MEDIA_JSON, false);
    }
    json_decref(tree);
    finish(c, status, type);
    return 0;
}

int reply_tree(struct call *c, int status, json_t *tree)
{
    return send_tree(c, status, tree, &c->out);
}

int reply_object(struct call *c, int status, const struct kind *k, json_t *obj)
{
    json_t *viewed = NULL;

    if (!k || c->out.view == VIEW_PLAIN)
        return reply_tree(c, status, obj);
    int bad = negotiate_check_view(c, k, false);
    if (bad < 0) {
        json_decref(obj);
        return bad;
    }
    if (c->out.view == VIEW_TABLE) {
        int r = table_of(c, k, &obj, 1, NULL, true, &viewed);
        json_decref(obj);
        if (r < 0)
            return r;
    } else {
        viewed = partial_of(k, obj, c->out.view_version);
        json_decref(obj);
    }
    return reply_tree(c, status, viewed);
}

/* The stored bytes and a newline: nothing is parsed or printed. */
static int reply_stored(struct call *c, int status, struct value *v)
{
    if (c->want_tree) {
        c->reply->object = json_incref(value_tree(v));
    } else {
        struct blob *stored = value_bytes(v);
        struct blob *body = xmalloc(sizeof(*body) + stored->len + 2);
        body->refs = 1;
        body->len = stored->len + 1;
        memcpy(body->data, stored->data, stored->len);
        memcpy(body->data + stored->len, "\n", 2);
        c->reply->body = body;
    }
    finish(c, status, media_type(MEDIA_JSON, false));
    return 0;
}

/* What a subresource with a body of its own shows. */
static int reply_view(struct call *c, int status, const struct view_ops *view, struct value *v)
{
    json_auto_t *obj = NULL;
    json_t *shown = NULL;
    int r;

    if ((r = convert_from_store(c, c->route.kind, v, &obj)) < 0 ||
        (r = view->show(c, c->route.kind, obj, &shown)) < 0)
        return r;
    return reply_object(c, status, view->body, shown);
}

int reply_value(struct call *c, int status, struct value *v)
{
    const struct kind *k = c->route.kind;
    json_t *obj = NULL;

    if (c->route.sub && c->route.sub->view)
        return reply_view(c, status, c->route.sub->view, v);
    if (c->out.view == VIEW_PLAIN && c->out.media == MEDIA_JSON && !c->out.pretty && convert_is_identity(k, v))
        return reply_stored(c, status, v);
    int r = convert_from_store(c, k, v, &obj);
    if (r < 0)
        return r;
    return reply_object(c, status, k, obj);
}

int reply_blob(struct call *c, int status, const char *content_type, struct blob *body)
{
    c->reply->body = body;
    finish(c, status, content_type);
    return 0;
}

int reply_text(struct call *c, int status, const char *content_type, const char *text)
{
    call_header(c, "X-Content-Type-Options", "nosniff");
    return reply_blob(c, status, content_type, blob_new(text, strlen(text)));
}

int reply_stream(struct call *c, const char *content_type, struct api_stream *stream)
{
    c->reply->stream = stream;
    finish(c, 200, content_type);
    return 0;
}

int internal_error(struct call *c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *text = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    int r = apierr_set(&c->err, APIERR_INTERNAL_ERROR, "Internal error occurred: %s", text);
    apierr_cause(&c->err, "", NULL, "%s", text);
    return r;
}

void reply_error(struct call *c)
{
    struct encoding e = negotiate_error(c);

    c->headers.n = 0;
    if (c->out_of_time) {
        reply_out_of_time(c);
        return;
    }
    if (c->no_sniff)
        call_header(c, "X-Content-Type-Options", "nosniff");
    if (c->err.retry_after_s > 0)
        call_header(c, "Retry-After", arena_printf(c->arena, "%d", c->err.retry_after_s));
    json_t *status = c->status ? json_incref(c->status) : apierr_status(&c->err);
    if (c->status_continue)
        obj_set(status, "metadata.continue", json_string(c->status_continue));
    send_tree(c, apierr_code(&c->err), status, &e);
}

int reply_created(struct call *c)
{
    return reply_tree(c, 201, json_pack("{s:s, s:s, s:{}, s:s, s:i}", "kind", "Status", "apiVersion", "v1", "metadata",
                                        "status", "Success", "code", 201));
}

json_t *status_success(const struct kind *k, const char *name, const char *uid)
{
    json_t *details = json_pack("{s:s}", "name", name);

    if (*k->res.group)
        json_object_set_new(details, "group", json_string(k->res.group));
    json_object_set_new(details, "kind", json_string(k->res.plural));
    if (!str_empty(uid))
        json_object_set_new(details, "uid", json_string(uid));
    return json_pack("{s:s, s:s, s:{}, s:s, s:o}", "kind", "Status", "apiVersion", "v1", "metadata", "status",
                     "Success", "details", details);
}
