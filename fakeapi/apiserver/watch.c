#include "fakeapi/apiserver/watch_priv.h"

#include <stdio.h>

#include "kube/proto.h"

/* A watch is a subscription on the store's log with a queue behind it (C.4). What an event becomes for a
 * watcher (its type there, its version, its encoding) is worked out once and shared by all that see the
 * same: `shape` is the key. */

static const char *const frame_text[] = { "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR" };

#define QUEUE_MAX 65536

/* ---- events ------------------------------------------------------------------------------------- */

static struct watch_event *event_new(const struct store_event *e)
{
    struct watch_event *w = xcalloc(1, sizeof(*w));

    w->refs = 1;
    w->revision = e->revision;
    w->type = e->type;
    w->value = value_ref(e->value);
    w->previous = e->previous ? value_ref(e->previous) : NULL;
    return w;
}

void watch_event_unref(struct watch_event *w)
{
    if (!w || --w->refs)
        return;
    value_unref(w->value);
    value_unref(w->previous);
    json_decref(w->leaving);
    for (size_t i = 0; i < w->renderings.n; i++) {
        blob_unref(w->renderings.v[i].blob);
        kind_release(w->renderings.v[i].kind);
    }
    dyn_release(&w->renderings);
    watch_converted_release(w);
    free(w);
}

void watch_event_release(struct apiserver *s)
{
    watch_event_unref(STEAL(s->last_event));
}

/* All watchers hear of one event in one go: the last one made is the one they share. */
static struct watch_event *event_of(struct apiserver *s, const struct store_event *e)
{
    if (!s->last_event || s->last_event->revision != e->revision) {
        watch_event_unref(s->last_event);
        s->last_event = event_new(e);
    }
    s->last_event->refs++;
    return s->last_event;
}

/* An object that left the selection is shown as it was, at the revision at which it left (C-077). */
static json_t *leaving_tree(struct watch_event *e)
{
    char text[24];

    if (!e->leaving) {
        snprintf(text, sizeof(text), "%llu", (unsigned long long)e->revision);
        e->leaving = json_with(value_tree(e->previous), "metadata.resourceVersion", json_string(text));
    }
    return e->leaving;
}

/* ---- the queue ---------------------------------------------------------------------------------- */

static void frame_release(struct frame *f)
{
    watch_event_unref(f->event);
    json_decref(f->object);
    *f = (struct frame){ 0 };
}

static void watch_over(struct watch *w)
{
    w->over = true;
    w->subscription = store_watch_free(w->subscription);
    timer_cancel(&w->end);
    timer_cancel(&w->bookmark);
    api_stream_signal(&w->stream);
}

static void push(struct watch *w, struct frame f)
{
    if (w->n == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 4;
        struct frame *q = xcalloc(cap, sizeof(*q));
        for (size_t i = 0; i < w->n; i++)
            q[i] = w->queue[(w->head + i) % w->cap];
        free(w->queue);
        w->queue = q;
        w->head = 0;
        w->cap = cap;
    }
    w->n++;
    *watch_frame(w, w->n - 1) = f;
    if (f.event)
        watch_convert(w, watch_frame(w, w->n - 1));
}

static bool pop(struct watch *w, struct frame *ret)
{
    if (!w->n || w->queue[w->head].waits)
        return false;
    *ret = w->queue[w->head];
    w->queue[w->head] = (struct frame){ 0 };
    w->head = (w->head + 1) % w->cap;
    w->n--;
    return true;
}

/* ---- what an event is for this watcher ---------------------------------------------------------- */

static bool matches(struct watch *w, struct value *v)
{
    return v && (!w->filter || filter_match(w->filter, w->kind, value_tree(v)));
}

static void take_event(struct watch *w, const struct store_event *e)
{
    bool now = e->type != STORE_DELETE && matches(w, e->value);
    bool before = e->type == STORE_DELETE ? matches(w, e->previous ? e->previous : e->value)
                                          : e->previous && matches(w, e->previous);
    enum frame_type type;

    if (!now && !before)
        return;
    if (e->type == STORE_DELETE)
        type = FRAME_DELETED;
    else
        type = now ? (before ? FRAME_MODIFIED : FRAME_ADDED) : FRAME_DELETED;
    push(w, (struct frame){ .type = type, .event = event_of(w->s, e) });
}

static void on_event(void *arg, const struct store_event *e)
{
    struct watch *w = arg;
    size_t before = w->n;

    if (e->revision <= w->seen)
        return;
    w->seen = e->revision;
    take_event(w, e);
    if (w->n > QUEUE_MAX)
        watch_over(w);                 /* too slow: it must take up where it stopped (C-082) */
    else if (w->n != before)
        api_stream_signal(&w->stream);
}

static bool replay_event(void *arg, const struct store_event *e)
{
    struct watch *w = arg;

    if (e->revision > w->seen) {
        w->seen = e->revision;
        take_event(w, e);
    }
    return true;
}

/* ---- frames ------------------------------------------------------------------------------------- */

json_t *frame_tree(struct frame *f)
{
    if (!f->event)
        return f->object;
    if (frame_leaving(f))
        return leaving_tree(f->event);
    return value_tree(f->event->value);
}

/* A call of its own for work after the request is over: conversions and tables. */
static struct call *late_call(struct watch *w, struct arena *a)
{
    struct call *c = arena_alloc(a, sizeof(*c));

    c->s = w->s;
    c->arena = a;
    c->err = APIERR_IN(a);
    c->now = world_now(w->s->world);
    c->out = w->out;
    c->route.kind = w->kind;
    c->route.namespace = c->route.name = "";
    c->include_object = w->include_object;
    return c;
}

/* The object as this watcher sees it; new reference. An Error frame's Status is nobody's view. */
static json_t *view(struct watch *w, struct frame *f, struct call *c)
{
    json_auto_t *obj = NULL;
    json_t *shown = NULL;

    /* One object is no list of them: the watch of somebody who wants lists ends with the first. */
    if (w->out.view == VIEW_PARTIAL_LIST && f->type != FRAME_ERROR)
        return NULL;
    if (f->type == FRAME_ERROR || f->type == FRAME_BOOKMARK) {
        obj = json_incref(f->object);
    } else if (watch_converted(w, f)) {
        obj = json_incref(watch_converted(w, f));
    } else {
        struct value *v = value_from_tree(json_incref(frame_tree(f)));
        int r = convert_from_store(c, w->kind, v, &obj);
        value_unref(v);
        if (r < 0)
            return NULL;
    }
    if (f->type == FRAME_ERROR || w->out.view == VIEW_PLAIN)
        return STEAL(obj);
    if (w->out.view != VIEW_TABLE)
        return partial_of(w->kind, obj, w->out.view_version);
    int r = table_of(c, w->kind, &obj, 1, obj_metadata(obj), !w->sent_columns, &shown);
    w->sent_columns = true;
    return r < 0 ? NULL : shown;
}

static struct blob *encode_frame(enum frame_type type, const json_t *object, struct value *v)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_printf(&b, "{\"type\":\"%s\",\"object\":", frame_text[type]);
    if (v) {
        struct blob *bytes = value_bytes(v);
        buf_add(&b, bytes->data, bytes->len);
    } else {
        json_write(&b, object, 0);
    }
    buf_add_str(&b, "}\n");
    return blob_from_buf(&b);
}

static struct blob *encode_proto_frame(enum frame_type type, const json_t *object)
{
    cleanup_buf struct buf body = BUF_INIT, b = BUF_INIT;

    encode_protobuf(&body, object);
    proto_watch_frame(&b, frame_text[type], body.data, body.len);
    return blob_from_buf(&b);
}

static struct blob *shared_rendering(struct watch *w, struct frame *f)
{
    struct watch_event *e = f->event;

    for (size_t i = 0; i < e->renderings.n; i++) {
        struct rendering *r = &e->renderings.v[i];
        if (r->kind == w->kind && r->type == f->type && r->media == w->out.media)
            return blob_ref(r->blob);
    }
    return NULL;
}

static int render(struct watch *w, struct frame *f, struct blob **ret)
{
    bool shared = f->event && w->out.view == VIEW_PLAIN;

    if (shared && (*ret = shared_rendering(w, f)))
        return 1;
    bool leaving = f->event && frame_leaving(f);
    if (shared && w->out.media == MEDIA_JSON && !leaving && convert_is_identity(w->kind, f->event->value)) {
        *ret = encode_frame(f->type, NULL, f->event->value);
    } else {
        cleanup_arena struct arena *a = arena_new();
        json_auto_t *shown = view(w, f, late_call(w, a));
        if (!shown)
            return -ERR_UNAVAILABLE;
        *ret = w->out.media == MEDIA_PROTOBUF ? encode_proto_frame(f->type, shown) : encode_frame(f->type, shown, NULL);
    }
    if (!shared)
        return 1;
    kind_hold(w->kind);
    *dyn_push(&f->event->renderings) =
        (struct rendering){ w->kind, f->type, w->out.media, blob_ref(*ret) };
    return 1;
}

/* ---- the stream --------------------------------------------------------------------------------- */

/* What is told must be safe. Over HTTP it is by the time that bytes are asked for. */
static bool hold(struct watch *w)
{
    if (!w->n || !w->s->group_commit || !durable_pending(w->s))
        return false;
    w->s->streams_held += !w->held;
    w->held = true;
    return true;
}

static void let_go(struct watch *w)
{
    w->s->streams_held -= w->held;
    w->held = false;
}

void watches_release(struct apiserver *s)
{
    for (struct watch *w = s->watches; w && s->streams_held; w = w->next) {
        if (!w->held)
            continue;
        let_go(w);
        api_stream_signal(&w->stream);
    }
}

static int watch_poll(struct api_stream *s, struct api_frame *ret)
{
    struct watch *w = container_of(s, struct watch, stream);
    struct frame f;

    if (hold(w))
        return 0;
    if (!pop(w, &f))
        return w->over && !w->n ? -ERR_UNAVAILABLE : 0;
    cleanup_arena struct arena *a = arena_new();
    json_t *shown = view(w, &f, late_call(w, a));
    ret->type = frame_text[f.type];
    ret->object = shown;
    frame_release(&f);
    if (!shown) {
        watch_over(w);
        return -ERR_UNAVAILABLE;
    }
    return 1;
}

static int watch_poll_bytes(struct api_stream *s, struct blob **ret)
{
    struct watch *w = container_of(s, struct watch, stream);
    struct frame f;

    if (!pop(w, &f))
        return w->over && !w->n ? -ERR_UNAVAILABLE : 0;
    int r = render(w, &f, ret);
    frame_release(&f);
    if (r < 0)
        watch_over(w);
    return r;
}

static void watch_free(struct api_stream *s)
{
    struct watch *w = container_of(s, struct watch, stream);

    let_go(w);
    store_watch_free(w->subscription);
    timer_cancel(&w->end);
    timer_cancel(&w->bookmark);
    while (w->n)
        frame_release(watch_frame(w, --w->n));
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    watch_convert_gone(w);
    filter_free(w->filter);
    kind_release(w->kind);
    free(w->queue);
    free(w->prefix);
    free(w->include_object);
    free(w);
}

static const struct api_stream_ops watch_ops = { watch_poll, watch_poll_bytes, watch_free };

void watches_end(struct apiserver *s, const char *store_prefix)
{
    for (struct watch *w = s->watches; w; w = w->next)
        if (!w->over && (!store_prefix || streq(w->kind->store_prefix, store_prefix)))
            watch_over(w);
}

size_t apiserver_watches(const struct apiserver *s, size_t *ret_unread)
{
    size_t n = 0;

    *ret_unread = 0;
    for (const struct watch *w = s->watches; w; w = w->next) {
        *ret_unread += w->n;
        n++;
    }
    return n;
}

/* ---- bookmarks and the end ---------------------------------------------------------------------- */

/* What the server keeps as a number is never absent, even where nothing is there. */
static void add_internal_zeros(const struct kind *k, json_t *o)
{
    static const char *const counted[] = { "Deployment", "ReplicaSet", "StatefulSet" };

    for (size_t i = 0; i < ARRAY_SIZE(counted); i++)
        if (streq(counted[i], k->res.kind))
            obj_set(o, "spec.replicas", json_integer(0));
    if (streq(k->res.kind, "DaemonSet"))
        json_object_set_new(json_own_object(json_object_get(o, "metadata"), "annotations"),
                            "deprecated.daemonset.template.generation", json_string("0"));
}

static json_t *bookmark_object(struct watch *w, uint64_t revision, bool initial_end)
{
    char version[API_VERSION_MAX], text[24];
    json_t *o = json_object(), *meta = json_object();

    snprintf(text, sizeof(text), "%llu", (unsigned long long)revision);
    json_object_set_new(o, "kind", json_string(w->kind->res.kind));
    json_object_set_new(o, "apiVersion", json_string(kind_api_version(w->kind, version)));
    json_object_set_new(meta, "resourceVersion", json_string(text));
    if (initial_end)
        json_object_set_new(meta, "annotations", json_pack("{s:s}", "k8s.io/initial-events-end", "true"));
    json_object_set_new(o, "metadata", meta);
    if (!kind_custom(w->kind) && streq(w->kind->res.group, "apps"))
        add_internal_zeros(w->kind, o);
    cleanup_arena struct arena *a = arena_new();
    struct call c;
    call_init(&c, w->s, a);
    decode_finish(&c, w->kind, &o);    /* zero values as its type prints them */
    call_release(&c);
    return o;
}

static void send_bookmark(struct watch *w, bool initial_end)
{
    push(w, (struct frame){ .type = FRAME_BOOKMARK,
                            .object = bookmark_object(w, store_revision(w->s->store), initial_end) });
    api_stream_signal(&w->stream);
}

static void on_bookmark(void *arg);

/* Every minute, and once more two seconds before the end (C-076). */
static void schedule_bookmark(struct watch *w)
{
    struct instant now = world_now(w->s->world), last = instant_add(w->ends_at, -DURATION_S(2));
    struct instant next = instant_add(now, DURATION_S(60));

    if (!w->bookmarks || w->over)
        return;
    if (instant_before(last, next))
        next = last;
    if (instant_before(now, next))
        timer_set(w->s->world, &w->bookmark, next, on_bookmark, w);
}

static void on_bookmark(void *arg)
{
    struct watch *w = arg;

    send_bookmark(w, false);
    schedule_bookmark(w);
}

static void on_end(void *arg)
{
    watch_over(arg);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static bool add_existing(void *arg, const struct record *rec)
{
    struct watch *w = arg;

    if (matches(w, rec->value)) {
        struct store_event e = { .revision = rec->mod_revision, .type = STORE_CREATE, .value = rec->value };
        push(w, (struct frame){ .type = FRAME_ADDED, .event = event_new(&e) });
    }
    return true;
}

static void send_error(struct watch *w, const struct apierr *err)
{
    push(w, (struct frame){ .type = FRAME_ERROR, .object = apierr_status(err) });
    watch_over(w);
}

void watch_fail(struct watch *w, const struct apierr *err)
{
    size_t kept = 0;

    while (kept < w->n && !watch_frame(w, kept)->waits)
        kept++;
    while (w->n > kept)
        frame_release(watch_frame(w, --w->n));
    send_error(w, err);
}

static struct watch *watch_new(struct call *c, struct filter *f)
{
    struct watch *w = xcalloc(1, sizeof(*w));

    w->stream.ops = &watch_ops;
    w->s = c->s;
    w->kind = c->route.kind;
    kind_hold(w->kind);
    w->filter = filter_keep(f);
    w->prefix = xstrdup(list_prefix(c, w->kind, c->route.namespace));
    w->out = c->out;
    const char *include = query_get(&c->query, "includeObject");
    w->include_object = include ? xstrdup(include) : NULL;
    w->bookmarks = c->opt.bookmarks;
    w->next = c->s->watches;
    w->link = &c->s->watches;
    if (w->next)
        w->next->link = &w->next;
    c->s->watches = w;
    return w;
}

/* From the present, its objects first; else from the revision asked for. */
static int fill(struct call *c, struct watch *w, uint64_t revision)
{
    struct store *st = c->s->store;
    bool initial = c->opt.send_initial_present ? c->opt.send_initial : revision == 0;

    if (initial && revision > store_revision(st)) {
        int r = wait_for_revision(c, revision);
        if (r < 0) {
            if (r == -ERR_CANCELLED)
                return r;
            send_error(w, &c->err);
            return 0;
        }
    }
    if (initial) {
        store_range(st, w->prefix, NULL, 0, 0, add_existing, w, NULL);
        w->seen = store_revision(st);
        if (c->opt.bookmarks && c->s->release->watch_list)
            send_bookmark(w, true);
        return 0;
    }
    w->seen = revision ? revision : store_revision(st);
    /* Ahead of the store: whatever comes after it (C-093). */
    if (w->seen <= store_revision(st) && store_replay(st, w->prefix, w->seen, replay_event, w) < 0) {
        struct apierr err = APIERR_IN(c->arena);
        apierr_set(&err, APIERR_EXPIRED, "too old resource version: %llu (%llu)", (unsigned long long)revision,
                   (unsigned long long)store_compacted(st));
        send_error(w, &err);
    }
    return 0;
}

/* A watch of one object by its path is one by its name. */
static int pin_name(struct call *c)
{
    const char *want = arena_printf(c->arena, "metadata.name=%s", c->route.name);
    struct filter *f = NULL;
    int r = *c->opt.field_selector ? filter_parse(c, c->route.kind, "", c->opt.field_selector, &f) : 0;

    if (r < 0)
        return r;
    if (f && (!filter_name(f) || !streq(filter_name(f), c->route.name)))
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "fieldSelector metadata.name doesn't match requested name");
    if (!f)
        c->opt.field_selector = want;
    return 0;
}

int handle_watch(struct call *c)
{
    const struct kind *k = c->route.kind;
    struct filter *f;
    uint64_t revision;
    int r;

    if (*c->route.name && (r = pin_name(c)) < 0)
        return r;
    if ((r = filter_parse(c, k, c->opt.label_selector, c->opt.field_selector, &f)) < 0 ||
        (r = parse_revision(c, c->opt.resource_version, REVISION_GET, &revision)) < 0 || (r = negotiate_stream(c)) < 0 ||
        (r = table_check(c)) < 0)
        return r;
    struct watch *w = watch_new(c, f);
    /* Half an hour to an hour where the client names no end (C-080). */
    int64_t seconds = c->opt.timeout_s > 0 ? c->opt.timeout_s
                                           : 1800 + (int64_t)(world_identity(c->s->world) % 1800);
    w->ends_at = instant_add(c->now, DURATION_S(seconds));
    w->stream.asked = c->opt.timeout_s > 0 && c->opt.timeout_s < 86400 ? DURATION_S(c->opt.timeout_s) : 0;
    r = fill(c, w, revision);
    if (r < 0) {
        api_stream_free(&w->stream);
        return r;
    }
    if (!w->over) {
        w->subscription = store_watch_new(c->s->store, w->prefix, on_event, w);
        timer_set(c->s->world, &w->end, w->ends_at, on_end, w);
        schedule_bookmark(w);
    }
    return reply_stream(c, media_type(c->out.media, true), &w->stream);
}
