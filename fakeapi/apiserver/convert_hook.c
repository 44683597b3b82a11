#include "fakeapi/apiserver/crd.h"

#include "fakeapi/apiserver/hook.h"

/* Conversion by a webhook: what is sent, and what is believed of the answer (F-062 to F-066). */

#define TIMEOUT DURATION_S(30)

struct conversion {
    struct call *c;
    const char *desired;               /* apiVersion */
    json_t *const *originals;
    size_t n;
    const char *what;                  /* "group/version, Kind=kind" of the first */
};

bool convert_by_hook(const struct kind *k)
{
    return kind_custom(k) && streq(obj_str(k->crd->object, "spec.conversion.strategy"), "Webhook");
}

static int failed(struct conversion *v, const char *fmt, ...) PRINTF(2, 3);
static int failed(struct conversion *v, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *text = arena_vprintf(v->c->arena, fmt, args);
    va_end(args);
    return apierr_set(&v->c->err, APIERR_UNKNOWN, "conversion webhook for %s %s", v->what, text);
}

static const char *gvk_text(struct arena *a, const json_t *o)
{
    const char *version = obj_api_version(o);

    return arena_printf(a, "%s%s, Kind=%s", strchr(version, '/') ? "" : "/", version, obj_kind(o));
}

/* ---- the question --------------------------------------------------------------------------------- */

static const char *review_version(const json_t *webhook)
{
    size_t i;
    json_t *v;

    json_array_foreach (json_object_get(webhook, "conversionReviewVersions"), i, v) {
        if (streq(json_string_value(v), "v1"))
            return "apiextensions.k8s.io/v1";
        if (streq(json_string_value(v), "v1beta1"))
            return "apiextensions.k8s.io/v1beta1";
    }
    return NULL;
}

static json_t *review_of(struct conversion *v, const char *version, const char *uid)
{
    json_t *objects = json_array();

    for (size_t i = 0; i < v->n; i++)
        json_array_append(objects, v->originals[i]);
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:o}, s:{s:s, s:n, s:{s:{}}}}", "kind", "ConversionReview", "apiVersion",
                     version, "request", "uid", uid, "desiredAPIVersion", v->desired, "objects", objects, "response", "uid",
                     "", "convertedObjects", "result", "metadata");
}

/* ---- the answer ----------------------------------------------------------------------------------- */

static const char *quoted(struct arena *a, const char *text)
{
    cleanup_buf struct buf b = BUF_INIT;

    go_quote(&b, text, strlen(text));
    return arena_strdup(a, b.data);
}

/* Of v1 the identity is looked at, of v1beta1 it never was. */
static int check_response(struct conversion *v, const json_t *answer, const char *version, const char *uid)
{
    const json_t *response = json_object_get(answer, "response");
    const char *status = obj_str(response, "result.status"), *message = obj_str(response, "result.message");
    struct arena *a = v->c->arena;
    bool strict = streq(version, "apiextensions.k8s.io/v1");

    if (strict && (!streq(obj_api_version(answer), version) || !streq(obj_kind(answer), "ConversionReview")))
        return failed(v, "failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got %s",
                      gvk_text(a, answer));
    if (!json_is_object(response))
        return failed(v, "failed: no response provided");
    if (strict && !streq(obj_str(response, "uid"), uid))
        return failed(v, "failed: expected response.uid=%s, got %s", quoted(a, uid), quoted(a, obj_str(response, "uid")));
    if (streq(status, "Success"))
        return 0;
    return *message ? failed(v, "failed: %s", message)
                    : failed(v, "failed: response.result.status was '%s', not 'Success'", status);
}

/* What stays what it was, whoever converts. */
static const char *identity_problem(struct arena *a, const json_t *in, const json_t *out)
{
    static const struct { const char *path, *text; } kept[] = {
        { "kind", "kind" }, { "metadata.name", "name" }, { "metadata.namespace", "namespace" }, { "metadata.uid", "UID" }
    };

    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        const char *was = obj_str(in, kept[i].path), *is = obj_str(out, kept[i].path);
        if (!streq(was, is))
            return arena_printf(a, "must have the same %s: %s != %s", kept[i].text, was, is);
    }
    return NULL;
}

static const char *go_type(const json_t *v)
{
    return json_is_object(v) ? "map[string]interface {}" : json_is_array(v) ? "[]interface {}" : json_is_string(v) ? "string"
           : json_is_boolean(v) ? "bool" : json_is_integer(v) ? "int64" : json_is_real(v) ? "float64" : "<nil>";
}

/* Labels or annotations as the webhook wants them, where they are some. NULL, or what is wrong. */
static const char *take_map(struct arena *a, json_t *meta, const json_t *said, const char *field)
{
    const json_t *next = json_object_get(said, field), *was = json_object_get(meta, field);
    const char *key;
    json_t *value;

    if (!next || json_is_null(next)) {
        json_object_del(meta, field);
        return NULL;
    }
    if (!json_is_object(next))
        return arena_printf(a, "invalid metadata.%s of type %s in converted object", field, go_type(next));
    json_object_foreach ((json_t *)next, key, value)
        if (!json_is_string(value))
            return arena_printf(a, "metadata.%s[%s] must be a string, but is %s in converted object", field, key,
                                go_type(value));
    if (!json_same(next, was)) {
        struct fielderrs errs = FIELDERRS_IN(a);
        meta_validate_map(field, next, &errs);
        if (errs.n)
            return fielderrs_text(&errs);
    }
    json_object_set(meta, field, (json_t *)next);
    return NULL;
}

/* All metadata comes back from the original but labels and annotations (F-065). */
static const char *restore_metadata(struct arena *a, const json_t *in, json_t *out)
{
    const json_t *said = json_object_get(out, "metadata");
    const char *why;

    if (!said)
        return "missing metadata in converted object";
    if (!json_is_object(said))
        return arena_printf(a, "invalid metadata of type %s in converted object", go_type(said));
    json_auto_t *meta = json_copy((json_t *)obj_metadata(in));
    if (!meta)
        meta = json_object();
    if ((why = take_map(a, meta, said, "labels")) || (why = take_map(a, meta, said, "annotations")))
        return why;
    json_object_set(out, "metadata", meta);
    return NULL;
}

/* One converted object: *ret is it, with its metadata restored. */
static int take_one(struct conversion *v, size_t i, const json_t *said, json_t **ret)
{
    const json_t *in = v->originals[i];
    struct arena *a = v->c->arena;
    json_auto_t *out = json_copy((json_t *)said);
    const char *why;

    v->what = gvk_text(a, in);
    if (!json_is_object(out) || !*obj_kind(out))
        return apierr_set(&v->c->err, APIERR_UNKNOWN, "Object 'Kind' is missing in '%s'", json_arena_text(a, said, 0));
    if (!streq(obj_api_version(out), v->desired))
        return failed(v, "returned invalid object at index %zu: invalid groupVersion (expected %s, received %s)", i,
                      v->desired, obj_api_version(out));
    if (!streq(obj_kind(out), obj_kind(in)))
        return failed(v, "returned invalid object at index %zu: invalid kind (expected %s, received %s)", i, obj_kind(in),
                      obj_kind(out));
    if ((why = identity_problem(a, in, out)))
        return failed(v, "returned invalid object: %s", why);
    if ((why = restore_metadata(a, in, out)))
        return failed(v, "returned invalid metadata: %s", why);
    *ret = STEAL(out);
    return 0;
}

static int take_all(struct conversion *v, const json_t *answer, json_t **ret)
{
    const json_t *objects = json_path(answer, "response.convertedObjects");

    if (json_array_size(objects) != v->n)
        return failed(v, "returned %zu objects, expected %zu", json_array_size(objects), v->n);
    for (size_t i = 0; i < v->n; i++) {
        int r = take_one(v, i, json_array_get(objects, i), &ret[i]);
        if (r < 0) {
            while (i)
                json_decref(ret[--i]);
            return r;
        }
    }
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------ */

int convert_ask_hook(struct call *c, const struct kind *k, const char *api_version, json_t *const *objects, size_t n,
                     json_t **ret)
{
    const json_t *webhook = json_path(k->crd->object, "spec.conversion.webhook");
    struct conversion v = { c, api_version, objects, n, gvk_text(c->arena, objects[0]) };
    struct hook_time time = { .timeout = TIMEOUT, .of_client = true };
    const char *version = review_version(webhook), *why = NULL;
    json_auto_t *answer = NULL;
    char uid[37];

    if (!version)
        return apierr_set(&c->err, APIERR_UNKNOWN, "no supported conversion review versions");
    if (!c->co)
        return failed(&v, "failed: nobody can wait for it");
    world_uuid(c->s->world, uid);
    json_auto_t *review = review_of(&v, version, uid);
    kind_hold(k);
    int r = hook_review(c, json_object_get(webhook, "clientConfig"), review, &time, &answer, &why);
    kind_release(k);
    if (r == -ERR_CANCELLED)
        return r;
    if (r < 0)
        return failed(&v, "failed: %s", why);
    r = check_response(&v, answer, version, uid);
    return r < 0 ? r : take_all(&v, answer, ret);
}
