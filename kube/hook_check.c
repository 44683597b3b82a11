#include "kube/hook_check.h"

#include "kube/base64.h"
#include "kube/gourl.h"
#include "kube/json.h"
#include "kube/names.h"
#include "kube/object.h"

/* ---- where it is ---------------------------------------------------------------------------------- */

/* A part that is not there has no text at all. */
static const char *part(struct arena *a, struct url_text t)
{
    return t.len ? arena_strndup(a, t.s, t.len) : "";
}

static const char *user_text(struct arena *a, const struct gourl *u)
{
    const char *user = part(a, u->user);

    return u->has_password ? arena_printf(a, "%s:%s", user, part(a, u->password)) : user;
}

static void check_url(struct fielderrs *e, const struct fpath *path, const json_t *url)
{
    static const char form[] = "; desired format: https://host[/path]";
    struct arena *a = e->arena;
    struct gourl u;
    const char *why = gourl_parse(a, json_string_value(url), json_string_length(url), &u);

    if (why) {
        fielderr_required(e, path, arena_printf(a, "url must be a valid URL: %s%s", why, form));
        return;
    }
    if (u.scheme.len != 5 || memcmp(u.scheme.s, "https", 5) != 0)
        fielderr_invalid_str(e, path, part(a, u.scheme), "'https' is the only allowed URL scheme%s", form);
    if (!u.host.len)
        fielderr_invalid_str(e, path, "", "host must be specified%s", form);
    if (u.has_user)
        fielderr_invalid_str(e, path, user_text(a, &u), "user information is not permitted in the URL");
    if (u.fragment.len)
        fielderr_invalid_str(e, path, part(a, u.fragment), "fragments are not permitted in the URL");
    if (u.query.len)
        fielderr_invalid_str(e, path, part(a, u.query), "query parameters are not permitted in the URL");
}

/* Step by step; one slash at the end is free. */
static void check_steps(struct fielderrs *e, const struct fpath *path, const char *text)
{
    const char *rest = text + 1;
    size_t len = strlen(rest), i = 0;

    if (len && rest[len - 1] == '/')
        len--;
    for (const char *step = rest, *end = rest + len; step <= end; i++) {
        size_t n = 0;
        struct name_problems problems;
        while (step + n < end && step[n] != '/')
            n++;
        if (!n) {
            fielderr_invalid_str(e, path, text, "segment[%zu] may not be empty", i);
        } else if (!name_check_str(NAME_DNS1123_SUBDOMAIN, arena_strndup(e->arena, step, n), &problems)) {
            for (size_t k = 0; k < problems.n; k++)
                fielderr_invalid_str(e, path, text, "segment[%zu]: %s", i, problems.v[k]);
        }
        step += n + 1;
    }
}

static void check_service_path(struct fielderrs *e, const struct fpath *path, const char *text)
{
    if (!*text || streq(text, "/"))
        return;
    if (streq(text, "//")) {
        fielderr_invalid_str(e, path, text, "segment[0] may not be empty");
        return;
    }
    if (*text != '/')
        fielderr_invalid_str(e, path, text, "must start with a '/'");
    check_steps(e, path, text);
}

static void check_service(struct fielderrs *e, const struct fpath *path, const json_t *service)
{
    int64_t port = obj_int(service, "port", 443);

    /* The real server takes one for the other when it says what is missing, and so it is said here. */
    if (!*obj_str(service, "namespace"))
        fielderr_required(e, FP_CHILD(path, "name"), "");
    if (!*obj_str(service, "name"))
        fielderr_required(e, FP_CHILD(path, "namespace"), "");
    if (port < 1 || port > 65535)
        fielderr_invalid_int(e, FP_CHILD(path, "port"), port,
                             "port is not valid: must be between 1 and 65535, inclusive");
    check_service_path(e, FP_CHILD(path, "path"), obj_str(service, "path"));
}

void hook_check_place(struct fielderrs *e, const struct fpath *whole, const struct fpath *path, const json_t *config)
{
    const json_t *url = json_object_get(config, "url"), *service = json_object_get(config, "service");

    if (json_is_string(url) == json_is_object(service))
        fielderr_required(e, whole, "exactly one of url or service is required");
    else if (json_is_string(url))
        check_url(e, FP_CHILD(path, "url"), url);
    else
        check_service(e, FP_CHILD(path, "service"), service);
}

/* ---- what it reads -------------------------------------------------------------------------------- */

static bool seen_before(const json_t *list, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (json_same(json_array_get(list, k), json_array_get(list, i)))
            return true;
    return false;
}

void hook_check_versions(struct fielderrs *e, const struct fpath *path, const json_t *versions, const char *required,
                         bool recognized)
{
    bool accepted = false;
    size_t i;
    json_t *v;

    if (!json_array_size(versions)) {
        fielderr_required(e, path, required);
        return;
    }
    json_array_foreach ((json_t *)versions, i, v) {
        struct name_problems problems;
        accepted = accepted || streq(json_string_value(v), "v1") || streq(json_string_value(v), "v1beta1");
        if (seen_before(versions, i))
            fielderr_invalid(e, FP_INDEX(path, i), v, "duplicate version");
        else if (!name_check_json(NAME_DNS1035_LABEL, v, &problems))
            for (size_t k = 0; k < problems.n; k++)
                fielderr_invalid(e, FP_INDEX(path, i), v, "%s", problems.v[k]);
    }
    if (recognized && !accepted)
        fielderr_invalid(e, path, versions, "must include at least one of v1, v1beta1");
}

/* ---- whom to trust -------------------------------------------------------------------------------- */

/* As far as one sees without reading certificates: PEM blocks, each with the length its own DER states. */
static const char *block_problem(struct arena *a, const char *begin, const char *end)
{
    cleanup_buf struct buf text = BUF_INIT, der = BUF_INIT;

    (void)a;
    for (const char *p = begin; p < end; p++)
        if (!strchr(" \t\r\n", *p))
            buf_add_char(&text, *p);
    if (!text.len || base64_decode(&der, text.data, text.len) < 0)
        return "unable to load root certificates: unable to parse bytes as PEM block";
    const unsigned char *d = (const unsigned char *)der.data;
    if (der.len < 64 || d[0] != 0x30 || d[1] != 0x82 || (size_t)(d[2] << 8 | d[3]) + 4 != der.len)
        return "unable to load root certificates: failed to parse certificate: x509: malformed certificate";
    return NULL;
}

const char *hook_ca_problem(struct arena *a, const json_t *base64)
{
    static const char start[] = "-----BEGIN CERTIFICATE-----", stop[] = "-----END CERTIFICATE-----";
    cleanup_buf struct buf pem = BUF_INIT;
    size_t good = 0;

    if (!json_string_length(base64))
        return NULL;
    if (base64_decode(&pem, json_string_value(base64), json_string_length(base64)) < 0 || !pem.len)
        return NULL;                   /* decoding says so */
    for (const char *p = pem.data, *end; (p = strstr(p, start)); p = end) {
        p += strlen(start);
        end = strstr(p, stop);
        if (!end)
            break;
        const char *why = block_problem(a, p, end);
        if (why)
            return why;
        good++;
    }
    return good ? NULL : "unable to load root certificates: unable to parse bytes as PEM block";
}
