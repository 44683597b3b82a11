#include "fakeapi/apiserver/admission/webhook_priv.h"

#include "kube/crd_schema.h"
#include "kube/decode.h"
#include "kube/patch_json.h"

/* Calling them: mutating ones one after the other, validating ones together (I-001, I-007, I-024 to I-031). */

/* ---- versions ------------------------------------------------------------------------------------- */

void versioned_release(struct versioned *v)
{
    json_decref(v->object);
    json_decref(v->old);
    *v = (struct versioned){ 0 };
}

static int convert(struct call *c, const struct kind *from, const struct kind *to, const json_t *obj, json_t **ret)
{
    *ret = json_incref((json_t *)obj);
    if (!obj || from == to)
        return 0;
    return convert_between(c, from, to, ret);
}

int versioned_convert(struct call *c, const struct admission *a, const struct kind *to, struct versioned *v)
{
    struct versioned next = { .at = to, .dirty = v->dirty };
    int r;

    if (v->at == to)
        return 0;
    if ((r = convert(c, v->at ? v->at : a->body, to, v->at ? v->object : a->object, &next.object)) < 0 ||
        (r = convert(c, a->body, to, a->old, &next.old)) < 0) {
        versioned_release(&next);
        return internal_error(c, "%s", c->err.message);
    }
    versioned_release(v);
    *v = next;
    return 0;
}

/* ---- mutating ------------------------------------------------------------------------------------- */

/* Which webhooks asked to be called again, and which of them are to be. */
struct webhook_round {
    DYN(const char *) called, again;
    json_t *output;                    /* the object as the last round left it */
};

struct webhook_round *webhook_round_new(void)
{
    return xcalloc(1, sizeof(struct webhook_round));
}

void webhook_round_free(struct webhook_round *r)
{
    dyn_release(&r->called);
    dyn_release(&r->again);
    json_decref(r->output);
    free(r);
}

/* Somebody changed the object: whoever was called before and wants to know is called once more. */
static void round_changed(struct webhook_round *r)
{
    for (size_t i = 0; i < r->called.n; i++)
        *dyn_push(&r->again) = r->called.v[i];
    r->called.n = 0;
}

static bool round_again(const struct webhook_round *r, const struct webhook *w)
{
    for (size_t i = 0; i < r->again.n; i++)
        if (streq(r->again.v[i], w->uid))
            return true;
    return false;
}

/* What the patch made of it, as a Go server would hold it. */
static int decode_next(struct call *c, const struct kind *body, json_t **obj)
{
    struct decode_notes notes = DECODE_NOTES_IN(c->arena, NULL);
    struct apierr err = APIERR_IN(c->arena);
    json_t *next = NULL;

    if (kind_custom(body) || !kind_schema(body))
        return 0;
    if (decode(kind_schema(body), *obj, &notes, &next, &err) < 0)
        return internal_error(c, "%s", err.message);
    json_decref(*obj);
    *obj = next;
    return 0;
}

static bool is_empty_list(const struct verdict *said)
{
    json_auto_t *ops = json_parse(said->patch, said->patch_len, 0, NULL, NULL);

    return json_array_size(ops) == 0;
}

static int apply_patch(struct call *c, const struct webhook *w, const struct kind *body, const struct verdict *said,
                       struct versioned *v, bool *ret_changed)
{
    struct apierr err = APIERR_IN(c->arena);
    struct patch_notes notes = { 0 };
    json_auto_t *next = NULL;
    const json_t *nothing = json_null();

    if (!said->patch_len)
        return 0;
    int r = json_patch_apply(c->arena, v->object ? v->object : nothing, said->patch, said->patch_len, false, &notes, &next,
                             &err);
    if (r < 0 && r != -APIERR_INVALID)
        return webhook_failed(c, w, arena_printf(c->arena, "received undecodable patch in webhook response: %s",
                                                 err.message));
    if (r == 0 && is_empty_list(said))
        return 0;
    if (!v->object)
        return internal_error(c, "admission webhook \"%s\" attempted to modify the object, which is not supported for "
                              "this operation", w->name);
    if (!streq(said->patch_type, "JSONPatch"))
        return webhook_failed(c, w, arena_printf(c->arena, "unsupported patch type \"%s\"", said->patch_type));
    if (r < 0)
        return internal_error(c, "%s", notes.why);
    if ((r = decode_next(c, body, &next)) < 0)
        return r;
    *ret_changed = !json_same(next, v->object);
    if ((r = fill_defaults(c, body, &next)) < 0)
        return r;
    json_decref(v->object);
    v->object = STEAL(next);
    v->dirty = true;
    return 0;
}

static void warn_all(struct call *c, const json_t *warnings)
{
    size_t i;
    json_t *w;

    json_array_foreach ((json_t *)warnings, i, w)
        if (json_is_string(w))
            call_warn(c, "%s", json_string_value(w));
}

/* 0 go on; negative: the request is refused. */
static int call_one(struct call *c, const struct admission *a, const struct webhook *w, const struct invocation *inv,
                    struct versioned *v, bool *ret_changed)
{
    struct verdict said;
    const char *why = NULL;
    int r = 0;

    switch (webhook_ask(c, a, w, inv, v, true, &said, &why)) {
    case ASKED_CANCELLED:
        r = -ERR_CANCELLED;
        break;
    case ASKED_REFUSED:
        r = -(int)c->err.reason;
        break;
    case ASKED_FAILED:
        r = webhook_ignores_failure(w) ? 0 : webhook_failed(c, w, why);
        break;
    case ASKED_ANSWERED:
        warn_all(c, said.warnings);
        r = said.allowed ? apply_patch(c, w, inv->body, &said, v, ret_changed) : webhook_denied(c, w, said.status);
        break;
    }
    json_decref(said.answer);
    return r;
}

/* A webhook may be called a second time, but never for the first time in the second round. */
static int mutate_each(struct call *c, const struct admission *a, const struct webhooks *all, struct webhook_round *round,
                       bool again, struct versioned *v, bool *ret_changed)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct webhook *w = &all->v[i];
        struct invocation inv;
        bool changed = false;
        int r = webhook_matches(c, a, w, v, &inv);
        if (r == 0 || (r > 0 && again && !round_again(round, w)))
            continue;
        if (r < 0 || (r = versioned_convert(c, a, inv.body, v)) < 0 || (r = call_one(c, a, w, &inv, v, &changed)) < 0)
            return r;
        if (changed) {
            round_changed(round);
            *ret_changed = true;
        }
        if (streq(obj_str(w->spec, "reinvocationPolicy"), "IfNeeded"))
            *dyn_push(&round->called) = w->uid;
    }
    return 0;
}

/* Back to the version of the request. A custom resource loses what its schema does not know. */
static int take_back(struct call *c, struct admission *a, struct versioned *v)
{
    json_t *object = NULL;

    if (!v->at || !v->object || !v->dirty)
        return 0;
    if (convert(c, v->at, a->body, v->object, &object) < 0) {
        json_decref(object);
        return internal_error(c, "%s", c->err.message);
    }
    if (kind_custom(a->body) && kind_schema(a->body))
        crd_prune(kind_schema(a->body), &object, NULL);
    json_decref(a->object);
    a->object = object;
    return 0;
}

int webhooks_mutate(struct call *c, struct admission *a, struct webhook_round *round, bool again, bool *ret_changed)
{
    cleanup_webhooks struct webhooks all;
    cleanup_versioned struct versioned v = { 0 };

    webhooks_read(c, "mutatingwebhookconfigurations", &all);
    if (!all.n)
        return 0;
    if (again && !json_same(round->output, a->object))
        round_changed(round);
    int r = mutate_each(c, a, &all, round, again, &v, ret_changed);
    if (r == 0)
        r = take_back(c, a, &v);
    json_decref(round->output);
    round->output = json_incref(a->object);
    return r;
}

/* ---- validating ----------------------------------------------------------------------------------- */

/* One of those that are asked together. */
struct question {
    struct call call;                  /* of its own task: errors and warnings do not mix */
    const struct admission *admission;
    const struct webhook *webhook;
    struct invocation inv;
    struct versioned v;
    struct verdict said;
    const char *why;
    enum asked asked;
    size_t *left;
    struct waitq *done;
};

static void ask(struct question *q)
{
    q->asked = webhook_ask(&q->call, q->admission, q->webhook, &q->inv, &q->v, false, &q->said, &q->why);
}

static void ask_task(struct co *co, void *arg)
{
    struct question *q = arg;

    q->call.co = co;
    ask(q);
    if (--*q->left == 0)
        waitq_wake_all(q->done);
}

/* All at once. Tasks are younger than ours: where the process dies they return before we do. */
static void ask_all(struct call *c, struct question *v, size_t n)
{
    struct waitq done = WAITQ_INIT;
    size_t left = n;

    if (n == 1) {
        ask(&v[0]);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        v[i].left = &left;
        v[i].done = &done;
        co_spawn(co_proc(c->co), "webhook", ask_task, &v[i]);
    }
    while (left && waitq_wait(c->co, &done) == 0)
        ;
    assert(!left);
}

/* The answer to one question: 0, or its refusal in c->err. */
static int settle(struct call *c, struct question *q)
{
    int r = 0;

    if (q->asked == ASKED_REFUSED) {
        c->err = q->call.err;
        c->status = STEAL(q->call.status);
        r = -(int)c->err.reason;
    } else if (q->asked == ASKED_CANCELLED) {
        r = -ERR_CANCELLED;
    } else if (q->asked == ASKED_FAILED) {
        r = webhook_ignores_failure(q->webhook) ? 0 : webhook_failed(c, q->webhook, q->why);
    } else if (!q->said.allowed) {
        r = webhook_denied(c, q->webhook, q->said.status);
    }
    return r;
}

static int find_questions(struct call *c, const struct admission *a, const struct webhooks *all, struct question *v,
                          size_t *ret_n)
{
    for (size_t i = 0; i < all->n; i++) {
        struct question *q = &v[*ret_n];
        *q = (struct question){ .call = *c, .asked = ASKED_FAILED, .why = "it was not asked", .admission = a,
                                .webhook = &all->v[i], .said.patch = "" };
        int r = webhook_matches(c, a, q->webhook, &q->v, &q->inv);
        if (r == 0) {
            versioned_release(&q->v);
            continue;
        }
        ++*ret_n;
        if (r < 0 || (r = versioned_convert(c, a, q->inv.body, &q->v)) < 0)
            return r;
    }
    return 0;
}

int webhooks_validate(struct call *c, const struct admission *a)
{
    cleanup_webhooks struct webhooks all;
    size_t n = 0;

    webhooks_read(c, "validatingwebhookconfigurations", &all);
    if (!all.n)
        return 0;
    struct question *v = arena_alloc(c->arena, all.n * sizeof(*v));
    int r = find_questions(c, a, &all, v, &n);
    if (r == 0 && n)
        ask_all(c, v, n);
    for (size_t i = 0; i < n; i++) {
        if (v[i].asked == ASKED_ANSWERED)
            warn_all(c, v[i].said.warnings);
        if (r == 0)
            r = settle(c, &v[i]);
        versioned_release(&v[i].v);
        json_decref(v[i].said.answer);
        json_decref(v[i].call.status);
    }
    return r;
}
