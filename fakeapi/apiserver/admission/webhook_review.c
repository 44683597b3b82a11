#include "fakeapi/apiserver/admission/webhook_priv.h"

#include "fakeapi/apiserver/auth/auth.h"
#include "fakeapi/apiserver/hook.h"
#include "kube/base64.h"
#include "kube/decode.h"
#include "kube/types.h"

/* AdmissionReview: what a webhook is told of a request, and how its answer is read (I.2). */

/* ---- errors --------------------------------------------------------------------------------------- */

int webhook_failed(struct call *c, const struct webhook *w, const char *why)
{
    return internal_error(c, "failed calling webhook \"%s\": %s", w->name, why);
}

bool webhook_ignores_failure(const struct webhook *w)
{
    return streq(obj_str(w->spec, "failurePolicy"), "Ignore");
}

int out_of_time(struct call *c)
{
    duration asked;

    if (options_timeout_given(c, &asked) && !instant_before(hook_deadline(c), instant_add(c->now, asked)))
        return client_out_of_time(c);
    apierr_set(&c->err, APIERR_TIMEOUT,
               "Timeout: request did not complete within requested timeout - context deadline exceeded");
    c->err.has_details = true;
    return -APIERR_TIMEOUT;
}

/* The webhook's own Status, made into one of a failure (I-023). */
int webhook_denied(struct call *c, const struct webhook *w, const json_t *status)
{
    json_t *s = json_copy(status ? (json_t *)status : json_null());
    struct decode_notes notes = DECODE_NOTES_IN(c->arena, NULL);
    const char *denied = arena_printf(c->arena, "admission webhook \"%s\" denied the request", w->name);

    if (!json_is_object(s)) {
        json_decref(s);
        s = json_object();
    }
    const char *message = obj_str(s, "message"), *reason = obj_str(s, "reason");
    const char *why = *message ? message : reason;
    int64_t code = obj_int(s, "code", 0);
    denied = *why ? arena_printf(c->arena, "%s: %s", denied, why) : arena_printf(c->arena, "%s without explanation", denied);
    json_object_set_new(s, "kind", json_string("Status"));
    json_object_set_new(s, "apiVersion", json_string("v1"));
    json_object_set_new(s, "message", json_string(denied));
    json_object_set_new(s, "code", json_integer(code < 400 ? 400 : code));
    if (!*obj_str(s, "status") || streq(obj_str(s, "status"), "Success"))
        json_object_set_new(s, "status", json_string("Failure"));
    int r = apierr_set(&c->err, APIERR_UNKNOWN, "%s", denied);
    c->err.code = (int)obj_int(s, "code", 400);
    c->err.retry_after_s = (int)obj_int(s, "details.retryAfterSeconds", 0);
    json_decref(c->status);
    c->status = NULL;
    decode(types_find("", "v1", "Status"), s, &notes, &c->status, NULL);
    json_decref(s);
    return r;
}

/* ---- the question --------------------------------------------------------------------------------- */

static json_t *kind_of(const struct kind *k)
{
    return json_pack("{s:s, s:s, s:s}", "group", k->res.group, "version", k->res.version, "kind", k->res.kind);
}

static json_t *resource_of(const struct kind *k)
{
    return json_pack("{s:s, s:s, s:s}", "group", k->res.group, "version", k->res.version, "resource", k->res.plural);
}

static void set_text(json_t *o, const char *key, const char *value)
{
    if (!str_empty(value))
        json_object_set_new(o, key, json_string(value));
}

/* As Go prints it; what is only on its way may not stand in that order yet. */
static json_t *printed(struct call *c, const struct kind *body, const json_t *object)
{
    json_t *o = json_incref((json_t *)object);

    if (!o)
        return json_null();
    decode_finish(c, body, &o);
    return o;
}

static json_t *request_of(struct call *c, const struct admission *a, const struct invocation *inv,
                          const struct versioned *v, const char *uid)
{
    json_t *q = json_object();
    const char *sub = a->sub ? a->sub->name : "";

    set_text(q, "uid", uid);
    json_object_set_new(q, "kind", kind_of(inv->body));
    json_object_set_new(q, "resource", resource_of(inv->kind));
    set_text(q, "subResource", sub);
    json_object_set_new(q, "requestKind", kind_of(a->body));
    json_object_set_new(q, "requestResource", resource_of(a->kind));
    set_text(q, "requestSubResource", sub);
    set_text(q, "name", a->name);
    set_text(q, "namespace", a->namespace);
    set_text(q, "operation", admission_op_text(a->op));
    json_object_set_new(q, "userInfo", user_info(c->user));
    json_object_set_new(q, "object", printed(c, inv->body, v->object));
    json_object_set_new(q, "oldObject", printed(c, inv->body, v->old));
    json_object_set_new(q, "dryRun", json_boolean(c->opt.dry_run));
    json_object_set_new(q, "options", a->options ? json_incref((json_t *)a->options) : json_null());
    return q;
}

/* The first version of those it takes that we speak; NULL: none. */
static const char *review_version(const struct webhook *w)
{
    size_t i;
    json_t *v;

    json_array_foreach (json_object_get(w->spec, "admissionReviewVersions"), i, v) {
        if (streq(json_string_value(v), "v1"))
            return "admission.k8s.io/v1";
        if (streq(json_string_value(v), "v1beta1"))
            return "admission.k8s.io/v1beta1";
    }
    return NULL;
}

/* ---- the answer ----------------------------------------------------------------------------------- */

static const char *quoted(struct call *c, const char *text)
{
    cleanup_buf struct buf b = BUF_INIT;

    go_quote(&b, text, strlen(text));
    return arena_strdup(c->arena, b.data);
}

/* "group/version, Kind=kind" as Go prints the three. */
static const char *gvk_text(struct call *c, const json_t *o)
{
    const char *version = obj_api_version(o);

    return arena_printf(c->arena, "%s%s, Kind=%s", strchr(version, '/') ? "" : "/", version, obj_kind(o));
}

/* Of v1 alone: v1beta1 was never so strict. */
static const char *identity_problem(struct call *c, const json_t *answer, const json_t *response, const char *uid)
{
    if (!streq(obj_str(response, "uid"), uid))
        return arena_printf(c->arena, "expected response.uid=%s, got %s", quoted(c, uid),
                            quoted(c, obj_str(response, "uid")));
    if (!streq(obj_api_version(answer), "admission.k8s.io/v1") || !streq(obj_kind(answer), "AdmissionReview"))
        return arena_printf(c->arena, "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got %s",
                            gvk_text(c, answer));
    return NULL;
}

static const char *patch_problem(struct call *c, const json_t *response, bool mutating, const struct verdict *v)
{
    bool typed = json_is_string(json_object_get(response, "patchType"));

    if (!mutating && v->patch_len)
        return "validating webhook may not return response.patch";
    if (!mutating)
        return typed ? "validating webhook may not return response.patchType" : NULL;
    if (v->patch_len && !typed)
        return "webhook returned response.patch but not response.patchType";
    if (!v->patch_len && typed)
        return "webhook returned response.patchType but not response.patch";
    if (typed && !*v->patch_type)
        return "webhook returned invalid response.patchType of \"\"";
    return NULL;
}

static void read_patch(struct call *c, const json_t *response, struct verdict *v)
{
    const json_t *text = json_object_get(response, "patch");
    cleanup_buf struct buf b = BUF_INIT;

    if (json_string_length(text))
        base64_decode(&b, json_string_value(text), json_string_length(text));
    v->patch = arena_strndup(c->arena, b.data ? b.data : "", b.len);
    v->patch_len = b.len;
    v->patch_type = obj_str(response, "patchType");
}

/* NULL, or what is wrong with it (I-022). */
static const char *read_answer(struct call *c, const char *uid, bool mutating, bool strict, struct verdict *v)
{
    const json_t *response = json_object_get(v->answer, "response");
    const char *why;

    if (!json_is_object(response))
        return "webhook response was absent";
    v->allowed = json_is_true(json_object_get(response, "allowed"));
    v->status = json_object_get(response, "status");
    v->warnings = json_object_get(response, "warnings");
    read_patch(c, response, v);
    if (!strict) {
        v->patch_type = "JSONPatch";
        return NULL;
    }
    why = identity_problem(c, v->answer, response, uid);
    return why ? why : patch_problem(c, response, mutating, v);
}

/* ---- the whole ------------------------------------------------------------------------------------ */

static bool dry_run_allowed(struct call *c, const struct webhook *w)
{
    const char *effects = obj_str(w->spec, "sideEffects");

    if (!c->opt.dry_run || streq(effects, "None") || streq(effects, "NoneOnDryRun"))
        return true;
    apierr_set(&c->err, APIERR_BAD_REQUEST, "admission webhook \"%s\" does not support dry run", w->name);
    return false;
}

enum asked webhook_ask(struct call *c, const struct admission *a, const struct webhook *w, const struct invocation *inv,
                       const struct versioned *v, bool mutating, struct verdict *ret, const char **ret_why)
{
    const char *version = review_version(w), *why = NULL;
    char uid[37];

    *ret = (struct verdict){ .patch = "" };
    if (!dry_run_allowed(c, w))
        return ASKED_REFUSED;
    if (!version) {
        *ret_why = "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)";
        return ASKED_FAILED;
    }
    duration left = instant_sub(hook_deadline(c), world_now(c->s->world));
    duration own = DURATION_S(obj_int(w->spec, "timeoutSeconds", 10));
    if (left <= 0) {
        out_of_time(c);
        return ASKED_REFUSED;
    }
    world_uuid(c->s->world, uid);
    json_auto_t *review = json_pack("{s:s, s:s, s:o}", "kind", "AdmissionReview", "apiVersion", version, "request",
                                    request_of(c, a, inv, v, uid));
    struct hook_time time = { .timeout = own < left ? own : left };
    int r = hook_review(c, json_object_get(w->spec, "clientConfig"), review, &time, &ret->answer, &why);
    if (r == -ERR_CANCELLED)
        return ASKED_CANCELLED;
    if (r == -ERR_TIMEOUT && left <= own) {
        out_of_time(c);
        return ASKED_REFUSED;
    }
    if (r < 0) {
        *ret_why = arena_printf(c->arena, "failed to call webhook: %s", why);
        return ASKED_FAILED;
    }
    why = read_answer(c, uid, mutating, streq(version, "admission.k8s.io/v1"), ret);
    if (!why)
        return ASKED_ANSWERED;
    *ret_why = arena_printf(c->arena, "received invalid webhook response: %s", why);
    return ASKED_FAILED;
}
