#include "fakeapi/control/control_priv.h"

#include <strings.h>

#include "kube/gotime.h"

#define ROOT "/dormouse/v1/"

/* ---- what a request says -------------------------------------------------------------------------- */

json_t *ask_refuse(struct ask *a, enum apierr_reason reason, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    apierr_set(&a->err, reason, "%s", arena_vprintf(a->arena, fmt, args));
    va_end(args);
    return NULL;
}

json_t *ask_no_such(struct ask *a)
{
    return ask_refuse(a, APIERR_NOT_FOUND, "there is no %s here: see GET " ROOT, a->q->path);
}

bool ask_body(struct ask *a, const char *const *keys)
{
    const char *key;
    json_t *value;

    json_object_foreach(a->body, key, value) {
        size_t i = 0;
        while (keys[i] && !streq(keys[i], key))
            i++;
        if (!keys[i]) {
            ask_refuse(a, APIERR_BAD_REQUEST, "unknown field \"%s\"", key);
            return false;
        }
    }
    return true;
}

bool ask_text(struct ask *a, const char *key, const char **ret)
{
    const json_t *v = json_object_get(a->body, key);

    *ret = json_string_value(v);
    if (v && !*ret)
        ask_refuse(a, APIERR_BAD_REQUEST, "%s must be a string", key);
    return !v || *ret;
}

bool ask_count(struct ask *a, const char *key, uint64_t max, uint64_t *ret)
{
    const json_t *v = json_object_get(a->body, key);
    json_int_t n = json_integer_value(v);

    if (v && (!json_is_integer(v) || n < 0 || (uint64_t)n > max)) {
        ask_refuse(a, APIERR_BAD_REQUEST, "%s must be a number from 0 to %llu", key, (unsigned long long)max);
        return false;
    }
    if (v)
        *ret = (uint64_t)n;
    return true;
}

#define CENTURY (DURATION_MIN(60) * 24 * 36525)       /* beyond it a clock would reach its end */

bool ask_duration(struct ask *a, const char *key, duration *ret)
{
    const char *text;

    if (!ask_text(a, key, &text))
        return false;
    if (text && (goduration_parse(a->arena, text, strlen(text), ret) || *ret < 0 || *ret > CENTURY)) {
        ask_refuse(a, APIERR_BAD_REQUEST, "%s: %s is no duration: write 250ms, 30s, 5m or 1h30m", key, text);
        return false;
    }
    return true;
}

const char *ask_name(struct ask *a)
{
    const char *name = a->rest + 1;
    size_t len = *a->rest == '/' ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") : 0;

    return len > 0 && len <= 63 && !name[len] ? name : NULL;
}

json_t *json_instant(struct instant t)
{
    char text[TIME_TEXT_MAX];

    time_format_micro(t, text);
    return json_string(text);
}

/* ---- what there is -------------------------------------------------------------------------------- */

static json_t *show_all(struct ask *a);
static json_t *compact(struct ask *a);

/* Idle: whatever happens next, somebody outside begins it, or time does (C-113). */
static json_t *show_activity(struct ask *a)
{
    struct world *w = a->control->world;
    size_t unread, watches = apiserver_watches(a->control->apiserver, &unread);
    struct instant next = world_next_timer(w);
    bool idle = a->control->requests == 0 && unread == 0 && !world_runnable(w);
    json_t *o = json_pack("{s:b, s:I, s:I, s:I}", "idle", idle, "requests", (json_int_t)a->control->requests, "watches",
                          (json_int_t)watches, "unread", (json_int_t)unread);

    if (next.ns != INSTANT_NEVER.ns)
        json_object_set_new(o, "next", json_instant(next));
    return o;
}

static const struct door {
    const char *method, *path;
    bool deep;                         /* further parts follow the path */
    ask_fn *fn;
    const char *help;
} doors[] = {
    { "GET", "", false, show_all, "this list" },
    { "GET", "clock", false, lab_clock_show, "the time, and whether it goes on by itself" },
    { "PUT", "clock", false, lab_clock_set, "{\"running\": true, \"rate\": 60}: let virtual time run, or stand still" },
    { "POST", "clock/advance", false, lab_clock_advance,
      "{\"by\": \"1h30m\"} or {\"to\": \"2030-01-01T00:00:00Z\"}; \"jump\": true: in one step" },
    { "GET", "activity", false, show_activity, "what is under way: requests, watches, frames not yet read, the next timer" },
    { "GET", "trace", false, lab_trace_show, "what happened; ?after=N: since line N" },
    { "GET", "faults", false, lab_faults_show, "the faults in force" },
    { "POST", "faults", false, lab_faults_add,
      "{\"method\", \"path\", \"userAgent\", \"skip\", \"times\", \"do\": refuse | drop | loseReply | delay, ...}" },
    { "DELETE", "faults", true, lab_faults_delete, "all of them; faults/ID: one" },
    { "GET", "snapshots", false, lab_snapshots_list, "the snapshots held" },
    { "GET", "snapshots", true, lab_snapshot_show, "snapshots/NAME: as JSON" },
    { "POST", "snapshots", true, lab_snapshot_take, "snapshots/NAME: keep the whole store; .../NAME/restore: go back to it" },
    { "PUT", "snapshots", true, lab_snapshot_put, "snapshots/NAME: as JSON, to restore it here" },
    { "DELETE", "snapshots", true, lab_snapshot_delete, "snapshots/NAME" },
    { "POST", "compact", false, compact, "forget all history: older revisions are answered with 410" },
};

static json_t *show_all(struct ask *a)
{
    json_t *items = json_array();

    (void)a;
    for (size_t i = 1; i < ARRAY_SIZE(doors); i++)
        json_array_append_new(items, json_pack("{s:s, s:s+, s:s}", "method", doors[i].method, "path", ROOT,
                                               doors[i].path, "about", doors[i].help));
    return json_pack("{s:o}", "items", items);
}

static json_t *compact(struct ask *a)
{
    static const char *const keys[] = { NULL };
    struct store *s = apiserver_store(a->control->apiserver);
    uint64_t revision = store_revision(s);

    if (!ask_body(a, keys))
        return NULL;
    if (store_compacted(s) < revision)
        store_compact(s, revision);
    return json_pack("{s:I}", "revision", (json_int_t)revision);
}

/* The door for a request; one without the right method says which there are. */
static const struct door *find_door(struct ask *a)
{
    const char *path = a->q->path + strlen(ROOT), *other = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(doors); i++) {
        const struct door *d = &doors[i];
        size_t len = strlen(d->path);
        if (strncmp(path, d->path, len) != 0 || (path[len] && !(d->deep && path[len] == '/')))
            continue;
        if (!streq(d->method, a->q->method)) {
            other = d->method;
            continue;
        }
        a->rest = path + len;
        return d;
    }
    if (other)
        ask_refuse(a, APIERR_METHOD_NOT_ALLOWED, "%s takes %s, not %s", a->q->path, other, a->q->method);
    else
        ask_no_such(a);
    return NULL;
}

/* ---- answering ------------------------------------------------------------------------------------ */

static int reply_json(struct ask *a, json_t *tree, struct api_reply *ret)
{
    struct buf b = BUF_INIT;

    json_write(&b, tree, JSON_WRITE_PLAIN);
    buf_add_char(&b, '\n');
    json_decref(tree);
    ret->headers = arena_alloc(a->arena, sizeof(*ret->headers));
    ret->headers[0] = (struct api_header){ "Content-Type", "application/json" };
    ret->n_headers = 1;
    ret->body = blob_from_buf(&b);
    ret->status = a->status;
    return 0;
}

static bool read_body(struct ask *a)
{
    struct err e = ERR_IN(a->arena);

    a->body = a->q->body_len ? json_parse(a->q->body, a->q->body_len, 0, NULL, &e) : json_object();
    if (!a->body)
        ask_refuse(a, APIERR_BAD_REQUEST, "the body is no JSON: %s", err_message(&e));
    else if (!json_is_object(a->body))
        ask_refuse(a, APIERR_BAD_REQUEST, "the body must be a JSON object");
    return json_is_object(a->body);
}

/* Whether who asks may: the API server knows (promise 2). False with a->err; -ERR_CANCELLED in *ret_r. */
static bool allowed(struct ask *a, int *ret_r)
{
    static const char *const taken[] = { "authorization", "impersonate-user", "impersonate-group", "user-agent" };
    struct api_header *headers = arena_alloc(a->arena, (a->q->n_headers + 1) * sizeof(*headers));
    struct api_request q = *a->q;
    cleanup_reply struct api_reply reply = { 0 };
    json_auto_t *review = json_pack("{s:s, s:s, s:{s:{s:s, s:s}}}", "apiVersion", "authorization.k8s.io/v1", "kind",
                                    "SelfSubjectAccessReview", "spec", "nonResourceAttributes", "path", a->q->path,
                                    "verb", streq(a->q->method, "GET") ? "get" : "update");

    q.method = "POST";
    q.path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    q.query = NULL;
    q.headers = headers;
    q.n_headers = 0;
    for (size_t i = 0; i < a->q->n_headers; i++)
        for (size_t j = 0; j < ARRAY_SIZE(taken); j++)
            if (strcasecmp(a->q->headers[i].name, taken[j]) == 0)
                headers[q.n_headers++] = a->q->headers[i];
    headers[q.n_headers++] = (struct api_header){ "Content-Type", "application/json" };
    q.body = json_arena_text(a->arena, review, 0);
    q.body_len = strlen(q.body);
    *ret_r = apiserver_handle(a->co, a->control->apiserver, &q, true, &reply);
    if (*ret_r < 0)
        return false;
    if (reply.status != 201)
        apierr_from_status(&a->err, reply.object);
    else if (!json_is_true(json_path(reply.object, "status.allowed")))
        ask_refuse(a, APIERR_FORBIDDEN, "you may not %s %s", a->q->method, a->q->path);
    return a->err.reason == 0;
}

static int answer(struct ask *a, struct api_reply *ret)
{
    int r;
    const struct door *d = allowed(a, &r) ? find_door(a) : NULL;
    json_t *tree = d && read_body(a) ? d->fn(a) : NULL;

    json_decref(a->body);
    if (r < 0 || (!tree && a->err.reason == 0))
        return -ERR_CANCELLED;
    if (!tree) {
        a->status = apierr_code(&a->err);
        tree = apierr_status(&a->err);
    }
    return reply_json(a, tree, ret);
}

int control_handle(struct co *co, struct control *c, const struct api_request *q, struct api_reply *ret)
{
    int r;

    if (strncmp(q->path, ROOT, strlen(ROOT)) == 0) {
        *ret = (struct api_reply){ .arena = arena_new() };
        struct ask a = { .co = co, .control = c, .q = q, .arena = ret->arena, .rest = "",
                         .err = APIERR_IN(ret->arena), .status = 200 };
        r = answer(&a, ret);
    } else {
        c->requests++;
        r = lab_faults_pass(co, c, q, ret);
        c->requests--;
    }
    if (r >= 0)
        lab_trace_request(c, q, ret->status);
    return r;
}

/* ---- life ----------------------------------------------------------------------------------------- */

struct control *control_new(struct world *w, struct apiserver *s, bool virtual_time)
{
    struct control *c = xcalloc(1, sizeof(*c));

    c->world = w;
    c->apiserver = s;
    c->clock = (struct lab_clock){ .virtual = virtual_time, .rate = 1 };
    c->trace.next = 1;
    return c;
}

struct control *control_free(struct control *c)
{
    if (!c)
        return NULL;
    lab_clock_release(&c->clock);
    lab_trace_release(&c->trace);
    lab_faults_release(&c->faults);
    lab_snapshots_release(&c->snapshots);
    free(c);
    return NULL;
}
