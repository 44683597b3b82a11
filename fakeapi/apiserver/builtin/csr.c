/* CertificateSigningRequests: who asks is written down by the server; approvals add up and never go back
 * (G.3, B-178). Nobody signs anything here. */
#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/base64.h"

#define SPEC RULE_AT("spec")
#define CONDITIONS FP_CHILD(RULE_AT("status"), "conditions")

static int csr_create(struct call *c, json_t *obj)
{
    json_t *groups = json_array();

    for (size_t i = 0; c->user && i < c->user->n_groups; i++)
        json_array_append_new(groups, json_string_nocheck(c->user->groups[i]));
    obj_set(obj, "spec.username", c->user ? json_string_nocheck(c->user->name) : NULL);
    obj_set(obj, "spec.uid", c->user && !str_empty(c->user->uid) ? json_string(c->user->uid) : NULL);
    obj_set(obj, "spec.groups", json_array_size(groups) ? json_incref(groups) : NULL);
    obj_set(obj, "spec.extra", c->user && c->user->extra ? json_incref(c->user->extra) : NULL);
    json_decref(groups);
    return 0;
}

/* Times that a client leaves out are now. */
static void fill_times(struct call *c, json_t *obj)
{
    static const char *const times[] = { "lastUpdateTime", "lastTransitionTime" };
    json_t *list = json_clone(json_path(obj, "status.conditions")), *cond;
    size_t i;

    json_array_foreach(list, i, cond)
        for (size_t k = 0; k < ARRAY_SIZE(times); k++)
            if (!member(cond, times[k]))
                json_object_set_new(cond, times[k], json_string(call_text_time(c)));
    if (list)
        obj_set(obj, "status.conditions", list);
}

/* The spec never changes; /approval changes conditions alone, /status all but the decision. */
static int csr_prepare(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    obj_set(obj, "spec", json_incref(json_object_get(old, "spec")));
    if (!sub) {
        obj_set(obj, "status", json_incref(json_object_get(old, "status")));
        return 0;
    }
    if (!rule_is_status(sub))
        obj_set(obj, "status.certificate", json_incref(json_path(old, "status.certificate")));
    fill_times(c, obj);
    return 0;
}

/* ---- rules ---------------------------------------------------------------------------------------- */

/* The first bad one of the labels that the dots of `part` set apart. */
static void signer_part(struct fielderrs *e, const struct fpath *at, const char *part, unsigned rule)
{
    char *rest = arena_strdup(e->arena, part), *label;
    struct name_problems p = { .n = 0 };

    while (!p.n && (label = strsep(&rest, ".")))
        if (!name_check_str(rule, label, &p))
            for (size_t i = 0; i < p.n; i++)
                fielderr_invalid_str(e, at, part, "validating label \"%s\": %s", label, p.v[i]);
}

static void signer(struct fielderrs *e, const json_t *spec)
{
    const char *name = text(spec, "signerName"), *slash = strchr(name, '/');
    const struct fpath *at = FP_CHILD(SPEC, "signerName");

    if (!*name)
        fielderr_required(e, at, "");
    else if (!slash || strchr(slash + 1, '/') || !slash[1])
        fielderr_invalid_str(e, at, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    else if (streq(name, "kubernetes.io/legacy-unknown"))
        fielderr_invalid_str(e, at, name, "the legacy signerName is not allowed via this API version");
    else {
        signer_part(e, at, arena_strndup(e->arena, name, (size_t)(slash - name)), NAME_DNS1123_LABEL);
        if (!memchr(name, '.', (size_t)(slash - name)))
            fielderr_invalid_str(e, at, arena_strndup(e->arena, name, (size_t)(slash - name)),
                                 "should be a domain with at least two segments separated by dots");
        signer_part(e, at, arena_strdup(e->arena, slash + 1), NAME_DNS1123_SUBDOMAIN);
    }
}

static void usages(struct fielderrs *e, const json_t *list)
{
    static const char *const known[] = {
        "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
        "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
        "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
        "server auth", "signing", "timestamping", NULL,
    };
    const struct fpath *path = FP_CHILD(SPEC, "usages");
    size_t i, k;
    json_t *u;

    if (!json_array_size(list))
        fielderr_required(e, path, "");
    json_array_foreach(list, i, u) {
        if (!among(known, json_string_value(u)))
            fielderr_not_supported(e, FP_INDEX(path, i), u, known);
        for (k = 0; k < i && !json_same(u, json_array_get(list, k)); k++)
            ;
        if (k < i)
            fielderr_duplicate(e, FP_INDEX(path, i), u);
    }
}

static bool holds_pem(const json_t *v, const char *head)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (!json_is_string(v) || base64_decode(&b, json_string_value(v), json_string_length(v)) < 0 || !b.len)
        return false;
    return strstr(b.data, head) != NULL;
}

static void csr_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *spec = json_object_get(obj, "spec"), *lasts = member(spec, "expirationSeconds");

    if (!holds_pem(json_object_get(spec, "request"), "-----BEGIN CERTIFICATE REQUEST-----"))
        fielderr_invalid(e, FP_CHILD(SPEC, "request"), rule_shown(json_object_get(spec, "request")),
                         "PEM block type must be CERTIFICATE REQUEST");
    usages(e, json_object_get(spec, "usages"));
    signer(e, spec);
    if (lasts && json_integer_value(lasts) < 600)
        fielderr_invalid(e, FP_CHILD(SPEC, "expirationSeconds"), lasts,
                         "may not specify a duration less than 600 seconds (10 minutes)");
}

static size_t count_conditions(const json_t *obj, const char *type)
{
    size_t i, n = 0;
    json_t *cond;

    json_array_foreach(json_path(obj, "status.conditions"), i, cond)
        n += streq(text(cond, "type"), type);
    return n;
}

/* A decision is True; it is no other's opposite, and stands once. */
static void csr_condition(struct fielderrs *e, const json_t *list, size_t i)
{
    static const char *const yes[] = { "True", NULL }, *const any[] = { "False", "True", "Unknown", NULL };
    static const char *const decisions[] = { "Approved", "Denied", "Failed", NULL };
    const json_t *cond = json_array_get(list, i);
    const struct fpath *at = FP_INDEX(CONDITIONS, i);
    const char *type = text(cond, "type"), *other = streq(type, "Approved") ? "Denied" : "Approved";
    bool twice = false, opposed = false;

    rule_required_text(e, cond, at, "type");
    if (rule_required_text(e, cond, at, "status"))
        rule_required_one_of(e, cond, at, "status", among(decisions, type) ? yes : any);
    for (size_t n = 0; n < i; n++) {
        const char *before = text(json_array_get(list, n), "type");
        twice |= streq(before, type);
        opposed |= streq(before, other) && (streq(type, "Approved") || streq(type, "Denied"));
    }
    if (opposed)
        fielderr_invalid_str(e, CONDITIONS, type, "Approved and Denied conditions are mutually exclusive");
    if (twice)
        fielderr_duplicate_str(e, FP_CHILD(at, "type"), type);
}

static void csr_conditions(struct fielderrs *e, const json_t *obj, const json_t *old, bool deciding)
{
    static const char *const decisions[] = { "Approved", "Denied", "Failed" };
    const json_t *list = json_path(obj, "status.conditions");

    for (size_t i = 0; i < json_array_size(list); i++)
        csr_condition(e, list, i);
    for (size_t i = 0; i < ARRAY_SIZE(decisions); i++)
        if (count_conditions(obj, decisions[i]) < count_conditions(old, decisions[i]))
            fielderr_forbidden(e, CONDITIONS, "updates may not remove a condition of type \"%s\"", decisions[i]);
    for (size_t i = 0; i < 2 && !deciding; i++)
        if (count_conditions(obj, decisions[i]) > count_conditions(old, decisions[i]))
            fielderr_forbidden(e, CONDITIONS, "updates may not add a condition of type \"%s\"", decisions[i]);
}

static void csr_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                       const json_t *old, struct fielderrs *e)
{
    const json_t *certificate = json_path(obj, "status.certificate"), *had = json_path(old, "status.certificate");
    const struct fpath *at = FP_CHILD(RULE_AT("status"), "certificate");

    if (!sub)
        return;
    csr_conditions(e, obj, old, !rule_is_status(sub));
    if (json_same(certificate, had))
        return;
    if (json_string_length(certificate) && !holds_pem(certificate, "-----BEGIN CERTIFICATE-----"))
        fielderr_invalid_str(e, at, "<certificate data>", "must contain at least one CERTIFICATE PEM block");
    if (json_string_length(had))
        fielderr_forbidden(e, at, "updates may not modify existing certificate content");
}

const struct kind_ops csr_ops = {
    .prepare_create = csr_create, .prepare_update = csr_prepare, .validate = csr_validate,
    .validate_update = csr_update,
};
