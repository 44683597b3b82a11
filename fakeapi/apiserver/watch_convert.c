#include "fakeapi/apiserver/watch_priv.h"

/* Watches that see another version than what is stored, where a webhook converts (F-067): one task for each such
 * version asks it about everything that waits, and the frames go on in their order. */

#define BATCH_MAX 500

struct converter {
    struct apiserver *s;
    const struct kind *kind;           /* held */
    struct waitq wake;
    struct converter *next;
};

/* ---- what was made -------------------------------------------------------------------------------- */

static struct converted *find(const struct watch_event *e, const struct kind *k, bool leaving)
{
    for (size_t i = 0; i < e->converted.n; i++)
        if (e->converted.v[i].kind == k && e->converted.v[i].leaving == leaving)
            return &e->converted.v[i];
    return NULL;
}

json_t *watch_converted(const struct watch *w, const struct frame *f)
{
    struct converted *c = f->event ? find(f->event, w->kind, frame_leaving(f)) : NULL;

    return c ? c->tree : NULL;
}

void watch_converted_release(struct watch_event *e)
{
    for (size_t i = 0; i < e->converted.n; i++) {
        json_decref(e->converted.v[i].tree);
        kind_release(e->converted.v[i].kind);
    }
    dyn_release(&e->converted);
}

/* ---- what waits ----------------------------------------------------------------------------------- */

/* One object to ask about, and the event that keeps it. */
struct waiting {
    struct watch_event *event;
    bool leaving;
};

static bool noted(const struct waiting *v, size_t n, const struct frame *f)
{
    for (size_t i = n; i-- > 0;)
        if (v[i].event == f->event && v[i].leaving == frame_leaving(f))
            return true;
    return false;
}

static size_t collect(struct converter *v, struct waiting *ret, json_t **objects, bool *ret_any_watch)
{
    size_t n = 0;

    for (struct watch *w = v->s->watches; w; w = w->next) {
        if (w->kind != v->kind)
            continue;
        *ret_any_watch = true;
        for (size_t i = 0; i < w->n && n < BATCH_MAX; i++) {
            struct frame *f = watch_frame(w, i);
            if (!f->waits || noted(ret, n, f))
                continue;
            objects[n] = json_incref(frame_tree(f));
            ret[n++] = (struct waiting){ f->event, frame_leaving(f) };
            f->event->refs++;
        }
    }
    return n;
}

/* Whoever waited for one of these goes on, or hears why not. */
static void tell(struct converter *v, const struct apierr *err)
{
    for (struct watch *w = v->s->watches; w; w = w->next) {
        size_t waiting = 0, done = 0;
        for (size_t i = 0; w->kind == v->kind && i < w->n; i++) {
            struct frame *f = watch_frame(w, i);
            waiting += f->waits;
            if (f->waits && watch_converted(w, f)) {
                f->waits = false;
                done++;
            }
        }
        if (err && waiting > done)
            watch_fail(w, err);
        else if (done)
            api_stream_signal(&w->stream);
    }
}

static int ask(struct co *co, struct converter *v, json_t *const *objects, const struct waiting *waiting, size_t n)
{
    cleanup_arena struct arena *a = arena_new();
    json_t **made = arena_alloc(a, n * sizeof(*made));
    char version[API_VERSION_MAX];
    struct call c;

    call_init(&c, v->s, a);
    c.co = co;
    c.internal = true;
    json_t **read = arena_alloc(a, n * sizeof(*read));
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        if ((r = convert_read_stored(&c, v->kind, objects[i], &read[i])) == 0)
            call_keep(&c, read[i]);
    if (r == 0)
        r = convert_ask_hook(&c, v->kind, kind_api_version(v->kind, version), read, n, made);
    for (size_t i = 0; r == 0 && i < n; i++) {
        kind_hold(v->kind);
        *dyn_push(&waiting[i].event->converted) =
            (struct converted){ v->kind, waiting[i].leaving, convert_settle(v->kind, made[i]) };
    }
    if (r != -ERR_CANCELLED)
        tell(v, r < 0 ? &c.err : NULL);
    call_release(&c);
    return r;
}

/* ---- the task ------------------------------------------------------------------------------------- */

static void converter_free(struct converter *v)
{
    for (struct converter **at = &v->s->converters; *at; at = &(*at)->next) {
        if (*at == v) {
            *at = v->next;
            break;
        }
    }
    kind_release(v->kind);
    free(v);
}

/* Ends with the last watch of its version. */
static void run(struct co *co, void *arg)
{
    struct converter *v = arg;
    struct waiting *waiting = xcalloc(BATCH_MAX, sizeof(*waiting));
    json_t **objects = xcalloc(BATCH_MAX, sizeof(*objects));
    bool any = true;
    int r = 0;

    while (r != -ERR_CANCELLED && any) {
        any = false;
        size_t n = collect(v, waiting, objects, &any);
        r = n ? ask(co, v, objects, waiting, n) : any ? waitq_wait(co, &v->wake) : 0;
        for (size_t i = 0; i < n; i++) {
            json_decref(objects[i]);
            watch_event_unref(waiting[i].event);
        }
    }
    free(waiting);
    free(objects);
    converter_free(v);
}

void watch_convert(struct watch *w, struct frame *f)
{
    struct converter *v = w->s->converters;

    if (!convert_needs_hook(w->kind, frame_tree(f)) || watch_converted(w, f))
        return;
    f->waits = true;
    while (v && v->kind != w->kind)
        v = v->next;
    if (v) {
        waitq_wake_all(&v->wake);
        return;
    }
    v = xcalloc(1, sizeof(*v));
    *v = (struct converter){ .s = w->s, .kind = w->kind, .next = w->s->converters };
    kind_hold(w->kind);
    w->s->converters = v;
    co_spawn(w->s->proc, "watch conversion", run, v);
}

void watch_convert_gone(struct watch *w)
{
    for (struct converter *v = w->s->converters; v; v = v->next)
        if (v->kind == w->kind)
            waitq_wake_all(&v->wake);
}
