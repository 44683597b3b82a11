#include "fakeapi/replay/replay.h"

#include "fakeapi/store/store.h"
#include "kube/json.h"

#include <stdio.h>
#include <strings.h>

/* A stream that a case opened, with the lines that came so far but were not collected. */
struct open_watch {
    char *name;
    struct api_reply reply;
    struct buf pending;
    bool over;
};

struct play {
    struct co *co;
    struct apiserver *server;
    json_t *env;                       /* name -> string */
    DYN(struct open_watch) watches;
};

/* The answer keeps these of the reply's headers, as the recorder did. */
static bool kept_header(const char *name)
{
    static const char *const kept[] = { "content-type", "warning", "retry-after", "location", "allow" };

    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        if (strcasecmp(name, kept[i]) == 0)
            return true;
    return false;
}

/* ---- what is sent ----------------------------------------------------------------------------- */

/* ${name} becomes the captured value; what was never captured stays. In the pass's arena. */
static char *substituted(struct play *p, const char *text, size_t len, size_t *ret_len)
{
    cleanup_buf struct buf out = BUF_INIT;

    for (size_t i = 0; i < len;) {
        const char *end = text[i] == '$' && i + 1 < len && text[i + 1] == '{'
                              ? memchr(text + i, '}', len - i) : NULL;
        const char *value = NULL;
        if (end) {
            cleanup_free char *name = xstrndup(text + i + 2, (size_t)(end - text) - i - 2);
            value = json_string_value(json_object_get(p->env, name));
        }
        if (value) {
            buf_add_str(&out, value);
            i = (size_t)(end - text) + 1;
        } else {
            buf_add_char(&out, text[i++]);
        }
    }
    if (ret_len)
        *ret_len = out.len;
    return arena_strndup(co_arena(p->co), out.len ? out.data : "", out.len);
}

static char *subst(struct play *p, const json_t *text)
{
    return substituted(p, json_string_value(text), json_string_length(text), NULL);
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static char *base64_decoded(struct arena *a, const char *text, size_t *ret_len)
{
    char *out = arena_alloc(a, strlen(text) + 1);
    uint32_t bits = 0;
    size_t n = 0;
    int have = 0;

    for (; *text; text++) {
        int d = base64_digit(*text);
        if (d < 0)
            continue;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have);
        }
    }
    *ret_len = n;
    return out;
}

static const char *step_body(struct play *p, const json_t *step, size_t *ret_len)
{
    const json_t *body = json_object_get(step, "body");

    *ret_len = 0;
    if (!body)
        return NULL;
    if (json_is_string(body))
        return substituted(p, json_string_value(body), json_string_length(body), ret_len);
    if (json_object_get(body, "base64"))
        return base64_decoded(co_arena(p->co), json_string_value(json_object_get(body, "base64")), ret_len);

    cleanup_buf struct buf b = BUF_INIT;
    buf_add_str(&b, subst(p, json_object_get(body, "prefix")));
    for (json_int_t i = json_integer_value(json_object_get(body, "times")); i > 0; i--)
        buf_add_str(&b, json_string_value(json_object_get(body, "repeat")));
    buf_add_str(&b, subst(p, json_object_get(body, "suffix")));
    *ret_len = b.len;
    return arena_strndup(co_arena(p->co), b.data, b.len);
}

/* Splits path and query as a client puts them on the wire. */
static void set_target(struct play *p, const char *target, const json_t *query, struct api_request *q)
{
    char *path = arena_strdup(co_arena(p->co), target), *mark = strchr(path, '?');
    const char *more = query ? subst(p, query) : NULL;

    if (mark)
        *mark++ = '\0';
    q->path = path;
    q->query = mark && more ? arena_printf(co_arena(p->co), "%s&%s", mark, more) : mark ? mark : more;
}

static bool has_header(const struct api_header *h, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(h[i].name, name) == 0)
            return true;
    return false;
}

static void set_headers(struct play *p, const json_t *headers, struct api_request *q)
{
    struct api_header *h = arena_alloc(co_arena(p->co), (json_object_size(headers) + 3) * sizeof(*h));
    const char *k;
    json_t *v;
    size_t n = 0;

    json_object_foreach((json_t *)headers, k, v)
        if (json_is_string(v))
            h[n++] = (struct api_header){ arena_strdup(co_arena(p->co), k), subst(p, v) };
    if (q->body && !has_header(h, n, "Content-Type"))
        h[n++] = (struct api_header){ "Content-Type", "application/json" };
    if (!has_header(h, n, "User-Agent") && !json_object_get(headers, "User-Agent"))
        h[n++] = (struct api_header){ "User-Agent", "exchange/1" };
    h[n++] = (struct api_header){ "Accept-Encoding", "identity" };
    q->headers = h;
    q->n_headers = n;
}

static struct api_request request_of(struct play *p, const json_t *step, const char *path_key)
{
    struct api_request q = { .method = json_string_value(json_object_get(step, "method")) };

    if (!q.method)
        q.method = "GET";
    set_target(p, subst(p, json_object_get(step, path_key)), json_object_get(step, "query"), &q);
    if (!streq(path_key, "await"))
        q.body = step_body(p, step, &q.body_len);
    set_headers(p, json_object_get(step, "headers"), &q);
    return q;
}

/* ---- what comes back -------------------------------------------------------------------------- */

static json_t *parse(const char *text, size_t len)
{
    return json_parse(text, len, 0, NULL, NULL);
}

/* How many bytes of a well-formed sequence start at s; *ret_good: it is whole. At least 1 (Unicode, table 3-7). */
static size_t utf8_part(const unsigned char *s, size_t len, bool *ret_good)
{
    static const struct { unsigned char first, last, low, high; size_t more; } forms[] = {
        { 0x00, 0x7f, 0, 0, 0 },          { 0xc2, 0xdf, 0x80, 0xbf, 1 }, { 0xe0, 0xe0, 0xa0, 0xbf, 2 },
        { 0xe1, 0xec, 0x80, 0xbf, 2 },    { 0xed, 0xed, 0x80, 0x9f, 2 }, { 0xee, 0xef, 0x80, 0xbf, 2 },
        { 0xf0, 0xf0, 0x90, 0xbf, 3 },    { 0xf1, 0xf3, 0x80, 0xbf, 3 }, { 0xf4, 0xf4, 0x80, 0x8f, 3 },
    };

    *ret_good = false;
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        size_t n = 1;
        if (s[0] < forms[i].first || s[0] > forms[i].last)
            continue;
        while (n <= forms[i].more && n < len && s[n] >= (n == 1 ? forms[i].low : 0x80) &&
               s[n] <= (n == 1 ? forms[i].high : 0xbf))
            n++;
        *ret_good = n == forms[i].more + 1;
        return n;
    }
    return 1;
}

/* As the recorder read what is no text: each broken part is one U+FFFD. */
static json_t *replaced_utf8(const char *data, size_t len)
{
    cleanup_buf struct buf b = BUF_INIT;
    bool good;

    for (size_t at = 0; at < len;) {
        size_t n = utf8_part((const unsigned char *)data + at, len - at, &good);
        if (good)
            buf_add(&b, data + at, n);
        else
            buf_add_str(&b, "\xef\xbf\xbd");
        at += n;
    }
    return json_stringn(b.data, b.len);
}

static json_t *document(const struct api_reply *r)
{
    json_t *doc;

    if (!r->body || !r->body->len)
        return json_null();
    doc = parse(r->body->data, r->body->len);
    if (!doc && r->body->len >= 20000)
        doc = json_sprintf("<%zu bytes>", r->body->len);
    if (!doc)
        doc = json_stringn(r->body->data, r->body->len);
    return doc ? doc : replaced_utf8(r->body->data, r->body->len);
}

/* RFC 6901 as the recorder read it; borrowed, NULL where there is nothing. */
static json_t *pointer(json_t *doc, const char *ptr)
{
    while (doc && *ptr == '/') {
        struct buf part = BUF_INIT;
        for (ptr++; *ptr && *ptr != '/'; ptr++) {
            if (ptr[0] == '~' && (ptr[1] == '0' || ptr[1] == '1'))
                buf_add_char(&part, *++ptr == '0' ? '~' : '/');
            else
                buf_add_char(&part, *ptr);
        }
        uint64_t index;
        const char *key = part.len ? part.data : "";
        if (json_is_array(doc))
            doc = parse_u64(key, &index) ? json_array_get(doc, index) : NULL;
        else
            doc = json_object_get(doc, key);
        buf_release(&part);
    }
    return doc;
}

static void capture(struct play *p, const json_t *step, json_t *doc)
{
    const char *name;
    json_t *ptr;

    json_object_foreach(json_object_get(step, "capture"), name, ptr) {
        json_t *v = pointer(doc, json_string_value(ptr));
        cleanup_free char *text = json_is_string(v) ? xstrdup(json_string_value(v))
                                  : v ? json_dumps(v, JSON_ENCODE_ANY) : xstrdup("None");
        json_object_set_new(p->env, name, json_string_nocheck(text));
    }
}

static json_t *kept_parts(const json_t *step, json_t *doc)
{
    const json_t *keep = json_object_get(step, "keep");
    json_t *out, *ptr;
    size_t i;

    if (!keep)
        return doc;
    out = json_object();
    json_array_foreach(keep, i, ptr) {
        json_t *v = pointer(doc, json_string_value(ptr));
        json_object_set_new(out, json_string_value(ptr), v ? json_incref(v) : json_null());
    }
    json_decref(doc);
    return out;
}

/* A header's bytes as the recorder read them: each a character of Latin-1. */
static json_t *header_text(const char *value)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "");
    for (const unsigned char *p = (const unsigned char *)value; *p; p++)
        if (*p < 0x80)
            buf_add_char(&b, (char)*p);
        else
            buf_printf(&b, "%c%c", 0xc0 | *p >> 6, 0x80 | (*p & 0x3f));
    return json_string(b.data);
}

static json_t *kept_headers(const struct api_reply *r)
{
    json_t *out = json_object();

    for (size_t i = 0; i < r->n_headers; i++) {
        cleanup_free char *name = xstrdup(r->headers[i].name);
        const char *before;
        if (!kept_header(name))
            continue;
        for (char *c = name; *c; c++)
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c + 32);
        before = json_string_value(json_object_get(out, name));
        json_auto_t *own = header_text(r->headers[i].value);
        json_object_set_new(out, name, before ? json_sprintf("%s\n%s", before, json_string_value(own)) : json_incref(own));
    }
    return out;
}

/* ---- steps ------------------------------------------------------------------------------------ */

static duration seconds(const json_t *v, double otherwise)
{
    return (duration)((json_is_number(v) ? json_number_value(v) : otherwise) * 1e9);
}

/* A watch asked for as if it were a list: the recorder read it to its end, for twenty seconds at most. */
static bool drain(struct play *p, struct api_reply *r)
{
    struct instant deadline = instant_add(world_now(co_world(p->co)), DURATION_S(20));
    cleanup_buf struct buf all = BUF_INIT;
    struct blob *bytes;
    int got;

    while ((got = api_stream_poll_bytes(r->stream, &bytes)) >= 0) {
        if (got > 0) {
            buf_add(&all, bytes->data, bytes->len);
            blob_unref(bytes);
        } else if (waitq_wait_until(p->co, &r->stream->ready, deadline) < 0) {
            return false;
        }
    }
    r->body = blob_from_buf(&all);
    return true;
}

static json_t *do_call(struct play *p, const json_t *step)
{
    struct api_request q = request_of(p, step, "path");
    cleanup_reply struct api_reply r = { 0 };
    json_t *doc;

    if (apiserver_handle(p->co, p->server, &q, false, &r) < 0)
        return json_pack("{s:s}", "failed", "cancelled");
    if (r.stream && !drain(p, &r))
        return json_pack("{s:s}", "failed", "TimeoutError");
    doc = streq(q.method, "HEAD") ? json_null() : document(&r);
    capture(p, step, doc);
    return json_pack("{s:i, s:o, s:o}", "status", r.status, "headers", kept_headers(&r), "body",
                     kept_parts(step, doc));
}

static json_t *do_watch(struct play *p, const json_t *step)
{
    struct api_request q = request_of(p, step, "path");
    struct open_watch *w = dyn_push(&p->watches);

    *w = (struct open_watch){ .name = xstrdup(json_string_value(json_object_get(step, "watch"))) };
    apiserver_handle(p->co, p->server, &q, false, &w->reply);
    if (!w->reply.stream) {
        if (w->reply.body)
            buf_add(&w->pending, w->reply.body->data, w->reply.body->len);
        w->over = true;
    }
    return json_pack("{s:i}", "status", w->reply.status);
}

/* The next line of a stream that is not blank, or NULL at the deadline or the end (then over is set). */
static json_t *next_line(struct play *p, struct open_watch *w, struct instant deadline)
{
    for (;;) {
        char *end = w->pending.len ? memchr(w->pending.data, '\n', w->pending.len) : NULL;
        size_t len = end ? (size_t)(end - w->pending.data) + 1 : w->over ? w->pending.len : 0;
        if (len) {
            json_t *line = parse(w->pending.data, len);
            bool blank = strspn(w->pending.data, " \r\n\t") >= len;
            if (!line && !blank)
                line = json_pack("{s:o}", "<not json>", json_stringn(w->pending.data, len));
            memmove(w->pending.data, w->pending.data + len, w->pending.len - len + 1);
            w->pending.len -= len;
            if (line)
                return line;
            continue;
        }
        if (w->over)
            return NULL;
        struct blob *bytes = NULL;
        int r = api_stream_poll_bytes(w->reply.stream, &bytes);
        if (r > 0) {
            buf_add(&w->pending, bytes->data, bytes->len);
            blob_unref(bytes);
        } else if (r < 0) {
            w->over = true;
        } else if (waitq_wait_until(p->co, &w->reply.stream->ready, deadline) < 0) {
            return NULL;
        }
    }
}

static json_t *do_collect(struct play *p, const json_t *step)
{
    const char *name = json_string_value(json_object_get(step, "collect"));
    size_t wanted = (size_t)json_integer_value(json_object_get(step, "events"));
    struct instant deadline = instant_add(world_now(co_world(p->co)),
                                          seconds(json_object_get(step, "seconds"), 3));
    struct open_watch *w = NULL;
    json_t *events = json_array();

    for (size_t i = 0; i < p->watches.n; i++)
        if (streq(p->watches.v[i].name, name))
            w = &p->watches.v[i];
    while (w && json_array_size(events) < wanted) {
        json_t *line = next_line(p, w, deadline);
        if (!line) {
            if (w->over)
                json_array_append_new(events, json_string("<end of stream>"));
            break;
        }
        json_array_append_new(events, line);
    }
    const char *type = w ? api_reply_header(&w->reply, "Content-Type") : NULL;
    return json_pack("{s:i, s:{s:s?}, s:o}", "status", w ? w->reply.status : 0, "headers", "content-type",
                     type, "events", events);
}

static json_t *do_await(struct play *p, const json_t *step)
{
    struct instant deadline = instant_add(world_now(co_world(p->co)),
                                          seconds(json_object_get(step, "seconds"), 10));
    const char *ptr = json_string_value(json_object_get(step, "pointer"));
    bool ok = false;

    while (!ok && instant_before(world_now(co_world(p->co)), deadline)) {
        struct api_request q = request_of(p, step, "await");
        cleanup_reply struct api_reply r = { 0 };
        q.method = "GET";
        if (apiserver_handle(p->co, p->server, &q, false, &r) < 0)
            break;
        json_auto_t *doc = document(&r);
        json_t *value = ptr ? pointer(doc, ptr) : NULL, *equals = json_object_get(step, "equals");
        ok = r.status == 200 && (!ptr || (value ? json_equal(value, equals) : json_is_null(equals)));
        if (!ok && co_sleep(p->co, DURATION_MS(50)) < 0)
            break;
    }
    return json_pack("{s:b}", "awaited", ok);
}

static json_t *do_step(struct play *p, const json_t *step)
{
    if (json_object_get(step, "sleep")) {
        co_sleep(p->co, seconds(json_object_get(step, "sleep"), 0));
        return json_pack("{s:b}", "slept", 1);
    }
    if (json_object_get(step, "await"))
        return do_await(p, step);
    if (json_object_get(step, "collect"))
        return do_collect(p, step);
    if (json_object_get(step, "watch"))
        return do_watch(p, step);
    return do_call(p, step);
}

/* A request whose answer nobody compares. */
static void do_quietly(struct play *p, const json_t *steps, const char *method)
{
    size_t i;
    json_t *step;

    json_array_foreach(steps, i, step) {
        struct api_request q = request_of(p, step, "path");
        cleanup_reply struct api_reply r = { 0 };
        if (!json_object_get(step, "method"))
            q.method = method;
        apiserver_handle(p->co, p->server, &q, false, &r);
    }
}

static void call_namespace(struct play *p, const char *method, const char *path, const char *body)
{
    json_auto_t *step = json_pack("{s:s, s:s, s:s*}", "method", method, "path", path, "body", body);
    json_auto_t *steps = json_pack("[O]", step);

    do_quietly(p, steps, method);
}

/* A recorded server had written more than a thousand times before its first case. Texts that quote a revision are
 * compared by its rank, which a short number does not get, and which a number that a case sends must not be. */
#define FIRST_REVISION 1700

static void write_often(struct store *st)
{
    struct value *v = value_from_tree(json_object());

    while (store_revision(st) + 1 < FIRST_REVISION)
        store_put(st, "/early", value_ref(v), STORE_ANY, NULL);
    store_delete(st, "/early", STORE_ANY, v, NULL);
    store_compact(st, store_revision(st));
}

json_t *replay_play(struct co *co, struct apiserver *server, const json_t *c, const char *ns)
{
    struct play p = { .co = co, .server = server, .env = json_pack("{s:s, s:s}", "ns", ns, "pre", ns) };
    json_t *answers = json_array(), *step;
    size_t i;

    write_often(apiserver_store(server));
    call_namespace(&p, "POST", "/api/v1/namespaces",
                   "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"${ns}\"}}");
    do_quietly(&p, json_object_get(c, "setup"), "POST");
    json_array_foreach(json_object_get(c, "steps"), i, step)
        json_array_append_new(answers, do_step(&p, step));
    for (i = 0; i < p.watches.n; i++) {
        free(p.watches.v[i].name);
        buf_release(&p.watches.v[i].pending);
        api_reply_release(&p.watches.v[i].reply);
    }
    do_quietly(&p, json_object_get(c, "cleanup"), "DELETE");
    call_namespace(&p, "DELETE", "/api/v1/namespaces/${ns}", NULL);
    dyn_release(&p.watches);
    json_decref(p.env);
    return answers;
}
