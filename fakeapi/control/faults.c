#include "fakeapi/control/control_priv.h"

#include <fnmatch.h>

#define FAULTS_MAX 100

enum fault_kind {
    FAULT_REFUSE,                      /* a Status instead of doing it */
    FAULT_DROP,                        /* neither done nor answered */
    FAULT_LOSE_REPLY,                  /* done, not answered */
    FAULT_DELAY                        /* done, later */
};
static const char *const kind_names[] = { "refuse", "drop", "loseReply", "delay" };

struct fault {
    uint64_t id, skip, times, met, struck;       /* times 0: for ever */
    enum fault_kind kind;
    char *method, *path, *user_agent;  /* patterns with * and ?; NULL: any */
    char *message;
    uint64_t status;
    duration delay;
};

static const struct refusal {
    uint64_t status;
    enum apierr_reason reason;
} refusals[] = {
    { 400, APIERR_BAD_REQUEST },    { 401, APIERR_UNAUTHORIZED },      { 403, APIERR_FORBIDDEN },
    { 404, APIERR_NOT_FOUND },      { 409, APIERR_CONFLICT },          { 410, APIERR_EXPIRED },
    { 429, APIERR_TOO_MANY_REQUESTS }, { 500, APIERR_INTERNAL_ERROR }, { 503, APIERR_SERVICE_UNAVAILABLE },
    { 504, APIERR_TIMEOUT },
};

static const struct refusal *refusal_of(uint64_t status)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        if (refusals[i].status == status)
            return &refusals[i];
    return NULL;
}

static struct fault *fault_free(struct fault *f)
{
    if (f) {
        free(f->method);
        free(f->path);
        free(f->user_agent);
        free(f->message);
        free(f);
    }
    return NULL;
}

static json_t *fault_json(const struct fault *f)
{
    char delay[32];

    snprintf(delay, sizeof(delay), "%lldms", (long long)(f->delay / DURATION_MS(1)));
    return json_pack("{s:I, s:s*, s:s*, s:s*, s:I, s:I, s:s, s:o*, s:s*, s:s*, s:I}", "id", (json_int_t)f->id,
                     "method", f->method, "path", f->path, "userAgent", f->user_agent, "skip", (json_int_t)f->skip,
                     "times", (json_int_t)f->times, "do", kind_names[f->kind], "status",
                     f->kind == FAULT_REFUSE ? json_integer((json_int_t)f->status) : NULL, "message", f->message,
                     "delay", f->kind == FAULT_DELAY ? delay : NULL, "struck", (json_int_t)f->struck);
}

/* ---- asking for them ------------------------------------------------------------------------------ */

json_t *lab_faults_show(struct ask *a)
{
    json_t *items = json_array();

    for (size_t i = 0; i < a->control->faults.list.n; i++)
        json_array_append_new(items, fault_json(a->control->faults.list.v[i]));
    return json_pack("{s:o}", "items", items);
}

static bool read_kind(struct ask *a, const char *text, enum fault_kind *ret)
{
    for (size_t i = 0; text && i < ARRAY_SIZE(kind_names); i++) {
        if (streq(text, kind_names[i])) {
            *ret = (enum fault_kind)i;
            return true;
        }
    }
    ask_refuse(a, APIERR_BAD_REQUEST, "do must be refuse, drop, loseReply or delay");
    return false;
}

static bool read_fault(struct ask *a, struct fault *f)
{
    static const char *const keys[] = { "method", "path", "userAgent", "skip", "times", "do", "status", "message",
                                        "delay", NULL };
    const char *method, *path, *agent, *kind, *message;

    f->status = 503;
    f->times = 1;
    if (!ask_body(a, keys) || !ask_text(a, "method", &method) || !ask_text(a, "path", &path) ||
        !ask_text(a, "userAgent", &agent) || !ask_text(a, "do", &kind) || !ask_text(a, "message", &message) ||
        !ask_count(a, "skip", UINT32_MAX, &f->skip) || !ask_count(a, "times", UINT32_MAX, &f->times) ||
        !ask_count(a, "status", 599, &f->status) || !ask_duration(a, "delay", &f->delay) ||
        !read_kind(a, kind, &f->kind))
        return false;
    if (!refusal_of(f->status))
        ask_refuse(a, APIERR_BAD_REQUEST, "status must be 400, 401, 403, 404, 409, 410, 429, 500, 503 or 504");
    else if (f->kind == FAULT_DELAY && !f->delay)
        ask_refuse(a, APIERR_BAD_REQUEST, "a delay needs a delay, \"2s\" say");
    f->method = method ? xstrdup(method) : NULL;
    f->path = path ? xstrdup(path) : NULL;
    f->user_agent = agent ? xstrdup(agent) : NULL;
    f->message = message ? xstrdup(message) : NULL;
    return a->err.reason == 0;
}

json_t *lab_faults_add(struct ask *a)
{
    struct lab_faults *fs = &a->control->faults;
    struct fault *f;

    if (fs->list.n >= FAULTS_MAX)
        return ask_refuse(a, APIERR_BAD_REQUEST, "there are %d faults already: delete some", FAULTS_MAX);
    f = xcalloc(1, sizeof(*f));
    if (!read_fault(a, f)) {
        fault_free(f);
        return NULL;
    }
    f->id = ++fs->last_id;
    *dyn_push(&fs->list) = f;
    a->status = 201;
    return fault_json(f);
}

json_t *lab_faults_delete(struct ask *a)
{
    struct lab_faults *fs = &a->control->faults;
    bool all = !*a->rest;
    uint64_t id = 0;
    size_t kept = 0, was = fs->list.n;

    if (!all && !(ask_name(a) && parse_u64(ask_name(a), &id)))
        return ask_no_such(a);
    for (size_t i = 0; i < was; i++) {
        struct fault *f = fs->list.v[i];
        if (all || f->id == id)
            fault_free(f);
        else
            fs->list.v[kept++] = f;
    }
    fs->list.n = kept;
    return !all && kept == was ? ask_no_such(a) : lab_faults_show(a);
}

/* ---- being struck --------------------------------------------------------------------------------- */

static bool fits(const char *pattern, const char *text)
{
    return !pattern || fnmatch(pattern, text ? text : "", 0) == 0;
}

/* The first fault in force that the request meets; every one that fits counts it. */
static struct fault *strike(struct control *c, const struct api_request *q)
{
    struct fault *found = NULL;

    for (size_t i = 0; i < c->faults.list.n; i++) {
        struct fault *f = c->faults.list.v[i];
        if (!fits(f->method, q->method) || !fits(f->path, q->path) ||
            !fits(f->user_agent, api_request_header(q, "user-agent")))
            continue;
        if (f->met++ < f->skip || (f->times && f->struck >= f->times) || found)
            continue;
        f->struck++;
        found = f;
    }
    return found;
}

/* As priority and fairness turns away: before any API is reached, so in plain text (A-113 J-083). */
static int throttle(struct api_reply *ret)
{
    static const char text[] = "Too many requests, please try again later.\n";
    static const struct api_header headers[] = { { "Content-Type", "text/plain; charset=utf-8" },
                                                 { "X-Content-Type-Options", "nosniff" }, { "Retry-After", "1" } };
    struct buf b = BUF_INIT;

    *ret = (struct api_reply){ .arena = arena_new(), .status = 429, .n_headers = ARRAY_SIZE(headers) };
    ret->headers = arena_memdup(ret->arena, headers, sizeof(headers));
    buf_add_str(&b, text);
    ret->body = blob_from_buf(&b);
    return 0;
}

static int refuse(const struct fault *f, struct api_reply *ret)
{
    if (f->status == 429 && !f->message)
        return throttle(ret);
    struct buf b = BUF_INIT;
    struct apierr err;

    *ret = (struct api_reply){ .arena = arena_new(), .status = (int)f->status };
    err = APIERR_IN(ret->arena);
    apierr_set(&err, refusal_of(f->status)->reason, "%s", f->message ? f->message : "a fault was asked for here");
    json_auto_t *status = apierr_status(&err);
    json_write(&b, status, 0);
    buf_add_char(&b, '\n');
    ret->headers = arena_alloc(ret->arena, sizeof(*ret->headers));
    ret->headers[0] = (struct api_header){ "Content-Type", "application/json" };
    ret->n_headers = 1;
    ret->body = blob_from_buf(&b);
    return 0;
}

int lab_faults_pass(struct co *co, struct control *c, const struct api_request *q, struct api_reply *ret)
{
    const struct fault *f = c->faults.list.n ? strike(c, q) : NULL;
    enum fault_kind kind = f ? f->kind : FAULT_DELAY;
    int r = 0;

    if (kind == FAULT_REFUSE)
        return refuse(f, ret);
    if (kind == FAULT_DROP) {
        *ret = (struct api_reply){ .arena = arena_new() };
        return 0;
    }
    if (f && kind == FAULT_DELAY)
        r = co_sleep(co, f->delay);    /* `f` may be gone after this */
    if (r == 0)
        r = apiserver_handle(co, c->apiserver, q, false, ret);
    if (r == 0 && kind == FAULT_LOSE_REPLY) {
        api_reply_release(ret);
        *ret = (struct api_reply){ .arena = arena_new() };
    }
    return r;
}

void lab_faults_release(struct lab_faults *fs)
{
    for (size_t i = 0; i < fs->list.n; i++)
        fault_free(fs->list.v[i]);
    dyn_release(&fs->list);
}
