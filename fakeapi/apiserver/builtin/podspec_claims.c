/* What a pod claims of devices, what its containers take of that, and how a container is resized. */
#include "fakeapi/apiserver/builtin/internal.h"
#include "fakeapi/apiserver/builtin/podspec_priv.h"

static void claim_names(struct fielderrs *e, const json_t *claims, size_t i, const struct fpath *at)
{
    static const char *const names[] = { "resourceClaimName", "resourceClaimTemplateName" };
    const json_t *claim = json_array_get(claims, i);
    const char *name = text(claim, "name");
    bool own = member(claim, names[0]), template = member(claim, names[1]);
    json_auto_t *shown = own == template ? internal_view("core.PodResourceClaim", claim) : NULL;

    if (!*name)
        fielderr_required(e, FP_CHILD(at, "name"), "");
    else if (name_before(claims, i, name))
        fielderr_duplicate_str(e, FP_CHILD(at, "name"), name);
    else
        rule_name(e, FP_CHILD(at, "name"), NAME_DNS1123_LABEL, name);
    if (own && template)
        fielderr_invalid(e, at, shown, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
    if (!own && !template)
        fielderr_invalid(e, at, shown, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
    for (size_t n = 0; n < ARRAY_SIZE(names); n++)
        if (member(claim, names[n]))
            rule_name(e, FP_CHILD(at, names[n]), NAME_DNS1123_SUBDOMAIN, text(claim, names[n]));
}

void podspec_pod_claims(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    const json_t *claims = json_object_get(spec, "resourceClaims");

    for (size_t i = 0; i < json_array_size(claims); i++)
        claim_names(e, claims, i, FP_INDEX(path, i));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* ": a, b", the names that a container may take, each once and in order; what has no name is none. */
static const char *claims_listed(struct arena *a, const json_t *claims)
{
    size_t n = 0;
    const char **names = arena_alloc(a, (json_array_size(claims) + 1) * sizeof(*names)), *out = "";

    for (size_t i = 0; i < json_array_size(claims); i++)
        if (*text(json_array_get(claims, i), "name"))
            names[n++] = text(json_array_get(claims, i), "name");
    qsort(names, n, sizeof(*names), by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !streq(names[i], names[i - 1]))
            out = arena_printf(a, "%s%s%s", out, i ? ", " : ": ", names[i]);
    return n ? out : " which is empty";
}

static void claim_unknown(struct fielderrs *e, const struct fpath *at, const json_t *name, const json_t *claims)
{
    fielderr_not_found(e, at, name);
    struct apicause *last = &e->v[e->n - 1];
    last->message = arena_printf(e->arena, "%s: must be one of the names in pod.spec.resourceClaims%s", last->message,
                                 claims_listed(e->arena, claims));
}

/* Whether an item before takes that request of the claim; NULL: any. */
static bool taken_before(const json_t *list, size_t i, const char *name, const char *request)
{
    for (size_t k = 0; k < i; k++) {
        const json_t *other = json_array_get(list, k);
        if (streq(text(other, "name"), name) && (!request || streq(text(other, "request"), request)))
            return true;
    }
    return false;
}

/* A whole claim once, or different requests of it. */
static void taken_once(struct fielderrs *e, const json_t *list, size_t i, const struct fpath *at)
{
    const char *name = text(json_array_get(list, i), "name"), *request = text(json_array_get(list, i), "request");

    if (taken_before(list, i, name, "")) {
        fielderr_duplicate_str(e, at, name);
        return;
    }
    if (*request)
        rule_name(e, FP_CHILD(at, "request"), NAME_DNS1123_LABEL, request);
    if (taken_before(list, i, name, *request ? request : NULL))
        fielderr_duplicate_str(e, at, *request ? arena_printf(e->arena, "%s/%s", name, request) : name);
}

void podspec_taken_claims(struct fielderrs *e, const json_t *resources, const json_t *spec, const struct fpath *path)
{
    const json_t *claims = member(spec, "resourceClaims"), *list = json_object_get(resources, "claims");
    size_t i;
    json_t *c;

    json_array_foreach(list, i, c) {
        const struct fpath *at = FP_INDEX(path, i);
        const char *name = text(c, "name");
        if (!*name) {
            fielderr_required(e, at, "");
            continue;
        }
        taken_once(e, list, i, at);
        if (!name_before(claims, json_array_size(claims), name))
            claim_unknown(e, at, member(c, "name"), claims);
    }
}

static void resize_word(struct fielderrs *e, const json_t *policy, const char *name, const char *const *known,
                        const struct fpath *path)
{
    json_auto_t *shown = json_string(text(policy, name));

    if (!*text(policy, name))
        fielderr_required(e, path, "");
    else if (!among(known, text(policy, name)))
        fielderr_not_supported(e, path, shown, known);
}

void podspec_resize_policy(struct fielderrs *e, const json_t *list, const char *restart, const struct fpath *path)
{
    static const char *const resources[] = { "cpu", "memory", NULL };
    static const char *const restarts[] = { "NotRequired", "RestartContainer", NULL };
    size_t i, k;
    json_t *p;

    json_array_foreach(list, i, p) {
        for (k = 0; k < i && !streq(text(json_array_get(list, k), "resourceName"), text(p, "resourceName")); k++)
            ;
        if (k < i)
            fielderr_duplicate_str(e, FP_INDEX(path, i), text(p, "resourceName"));
        resize_word(e, p, "resourceName", resources, path);
        resize_word(e, p, "restartPolicy", restarts, path);
        if (streq(restart, "Never") && !streq(text(p, "restartPolicy"), "NotRequired"))
            fielderr_invalid_str(e, path, text(p, "restartPolicy"), "must be 'NotRequired' when `restartPolicy` is 'Never'");
    }
}
