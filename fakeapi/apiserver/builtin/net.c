/* Ingresses, their classes and NetworkPolicies (G.3, B-178). */
#include "fakeapi/apiserver/builtin/net.h"
#include "fakeapi/apiserver/builtin/warnings.h"

#include "kube/selector.h"

#define SPEC RULE_AT("spec")

void net_port(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    int64_t n = json_integer_value(v);

    if (json_is_string(v))
        rule_name(e, path, NAME_PORT, json_string_value(v));
    else if (n < 1 || n > 65535)
        fielderr_invalid_int(e, path, n, "must be between 1 and 65535, inclusive");
}

/* ---- Ingress -------------------------------------------------------------------------------------- */

/* An object beside this one, by its kind and name. */
static void local_object(struct fielderrs *e, const json_t *ref, const struct fpath *at)
{
    static const char *const names[] = { "kind", "name" };

    if (member(ref, "apiGroup"))
        rule_name(e, FP_CHILD(at, "apiGroup"), NAME_DNS1123_SUBDOMAIN, text(ref, "apiGroup"));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (rule_required_text(e, ref, at, names[i]))
            rule_name(e, FP_CHILD(at, names[i]), NAME_PATH_SEGMENT, text(ref, names[i]));
}

static void backend_port(struct fielderrs *e, const json_t *port, const struct fpath *path)
{
    const json_t *n = member(port, "number");
    bool number = json_integer_value(n) != 0, name = *text(port, "name");

    if (!number && !name)
        fielderr_required(e, path, "port name or number is required");
    else if (number && name)
        fielderr_invalid_str(e, path, "", "cannot set both port name & port number");
    else if (name)
        rule_name(e, FP_CHILD(FP_CHILD(FP_CHILD(path, "service"), "port"), "name"), NAME_PORT, text(port, "name"));
    else
        net_port(e, n, FP_CHILD(FP_CHILD(FP_CHILD(path, "service"), "port"), "number"));
}

static void backend(struct fielderrs *e, const json_t *b, const struct fpath *path)
{
    const json_t *service = member(b, "service"), *resource = member(b, "resource");

    if (service && resource)
        fielderr_invalid_str(e, path, "", "cannot set both resource and service backends");
    else if (!service && !resource)
        fielderr_invalid_str(e, path, "", "resource or service backend is required");
    if (resource && !service)
        local_object(e, resource, FP_CHILD(path, "resource"));
    if (!service || resource)
        return;
    if (rule_required_text(e, service, FP_CHILD(path, "service"), "name"))
        rule_name(e, FP_CHILD(FP_CHILD(path, "service"), "name"), NAME_DNS1035_LABEL, text(service, "name"));
    backend_port(e, member(service, "port"), path);
}

static void ingress_path(struct fielderrs *e, const json_t *p, const struct fpath *at)
{
    static const char *const types[] = { "Exact", "ImplementationSpecific", "Prefix", NULL };
    static const char *const barred[] = { "//", "/./", "/../", "%2f", "%2F" };
    static const char *const ends[] = { "/..", "/." };
    const char *path = text(p, "path"), *type = text(p, "pathType");

    if (!member(p, "pathType")) {
        fielderr_required(e, FP_CHILD(at, "pathType"), "pathType must be specified");
        return;
    }
    if (streq(type, "Exact") || streq(type, "Prefix")) {
        if (*path != '/')
            fielderr_invalid_str(e, FP_CHILD(at, "path"), path, "must be an absolute path");
        for (size_t i = 0; i < ARRAY_SIZE(barred); i++)
            if (strstr(path, barred[i]))
                fielderr_invalid_str(e, FP_CHILD(at, "path"), path, "must not contain '%s'", barred[i]);
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
            if (strlen(path) >= strlen(ends[i]) && streq(path + strlen(path) - strlen(ends[i]), ends[i]))
                fielderr_invalid_str(e, FP_CHILD(at, "path"), path, "cannot end with '%s'", ends[i]);
    } else if (!among(types, type)) {
        rule_one_of(e, p, at, "pathType", types);
    } else if (*path && *path != '/') {
        fielderr_invalid_str(e, FP_CHILD(at, "path"), path, "must be an absolute path");
    }
    backend(e, member(p, "backend"), FP_CHILD(at, "backend"));
}

static void ingress_rule(struct fielderrs *e, const json_t *rule, const struct fpath *at)
{
    const char *host = text(rule, "host");
    const json_t *http = member(rule, "http");
    const struct fpath *list = FP_CHILD(FP_CHILD(at, "http"), "paths");
    size_t i;
    json_t *p;

    if (*host && net_family(host))
        fielderr_invalid_str(e, FP_CHILD(at, "host"), host, "must be a DNS name, not an IP address");
    if (*host)
        rule_name(e, FP_CHILD(at, "host"), strchr(host, '*') ? NAME_WILDCARD_SUBDOMAIN : NAME_DNS1123_SUBDOMAIN, host);
    if (http && !json_array_size(json_object_get(http, "paths")))
        fielderr_required(e, list, "");
    json_array_foreach(json_object_get(http, "paths"), i, p)
        ingress_path(e, p, FP_INDEX(list, i));
}

static bool secret_name(const json_t *tls)
{
    return !*text(tls, "secretName") || name_check_str(NAME_DNS1123_SUBDOMAIN, text(tls, "secretName"), NULL);
}

/* A name of a secret that was bad before may stay so. */
static void ingress_tls(struct fielderrs *e, const json_t *list, const json_t *had)
{
    bool lenient = false;
    size_t i, k;
    json_t *tls, *host;

    json_array_foreach(had, i, tls)
        lenient |= !secret_name(tls);
    json_array_foreach(list, i, tls) {
        const struct fpath *at = FP_INDEX(FP_CHILD(SPEC, "tls"), i);
        json_array_foreach(json_object_get(tls, "hosts"), k, host)
            rule_name(e, FP_INDEX(FP_CHILD(at, "hosts"), k), strchr(json_string_value(host), '*')
                      ? NAME_WILDCARD_SUBDOMAIN : NAME_DNS1123_SUBDOMAIN, json_string_value(host));
        if (!lenient && !secret_name(tls))
            rule_name(e, FP_CHILD(at, "secretName"), NAME_DNS1123_SUBDOMAIN, text(tls, "secretName"));
    }
}

static void ingress_spec(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const json_t *spec = json_object_get(obj, "spec"), *rules = json_object_get(spec, "rules");
    size_t i;
    json_t *r;

    if (!json_array_size(rules) && !member(spec, "defaultBackend"))
        fielderr_invalid(e, SPEC, rule_shown(rules), "either `defaultBackend` or `rules` must be specified");
    if (member(spec, "defaultBackend"))
        backend(e, member(spec, "defaultBackend"), FP_CHILD(SPEC, "defaultBackend"));
    json_array_foreach(rules, i, r)
        ingress_rule(e, r, FP_INDEX(FP_CHILD(SPEC, "rules"), i));
    ingress_tls(e, json_object_get(spec, "tls"), json_path(old, "spec.tls"));
    if (member(spec, "ingressClassName"))
        rule_name(e, FP_CHILD(SPEC, "ingressClassName"), NAME_DNS1123_SUBDOMAIN, text(spec, "ingressClassName"));
}

static bool had_address(const json_t *list, const char *ip)
{
    size_t i;
    json_t *had;

    json_array_foreach(list, i, had)
        if (streq(text(had, "ip"), ip))
            return true;
    return false;
}

void net_balancer(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const json_t *list = json_path(obj, "status.loadBalancer.ingress"), *had = json_path(old, "status.loadBalancer.ingress");
    size_t i;
    json_t *in;

    json_array_foreach(list, i, in) {
        const struct fpath *at = FP_INDEX(FP_CHILD(FP_CHILD(RULE_AT("status"), "loadBalancer"), "ingress"), i);
        const char *ip = text(in, "ip"), *host = text(in, "hostname");
        if (*ip && !net_family(ip) && !had_address(had, ip))
            fielderr_invalid_str(e, FP_CHILD(at, "ip"), ip, "%s", net_ip_words);
        rule_optional_name(e, in, at, "hostname", NAME_DNS1123_SUBDOMAIN);
        if (net_family(host))
            fielderr_invalid_str(e, FP_CHILD(at, "hostname"), host, "must be a DNS name, not an IP address");
    }
}

static void ingress_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char key[] = "kubernetes.io/ingress.class";
    const char *annotated = obj_annotation(obj, key), *class = obj_str(obj, "spec.ingressClassName");

    ingress_spec(e, obj, NULL);
    if (annotated && *class && !streq(annotated, class))
        fielderr_invalid_str(e, FP_CHILD(RULE_AT("annotations"), key), annotated,
                             "must match `ingressClassName` when both are specified");
}

static void ingress_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                           const json_t *old, struct fielderrs *e)
{
    if (rule_is_status(sub))
        net_balancer(e, obj, old);
    else
        ingress_spec(e, obj, old);
}

static int ingress_admit(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    if (!old)
        default_ingress_class(c, obj);
    return 0;
}

const struct kind_ops ingress_ops = { .admit = ingress_admit, .validate = ingress_validate, .validate_update = ingress_update,
                                     .warn = ingress_warn };

/* ---- IngressClass --------------------------------------------------------------------------------- */

static void class_parameters(struct fielderrs *e, const json_t *ref)
{
    static const char *const scopes[] = { "Cluster", "Namespace", NULL };
    const struct fpath *at = FP_CHILD(SPEC, "parameters");
    const char *scope = text(ref, "scope");

    if (!ref)
        return;
    local_object(e, ref, at);
    if (!member(ref, "scope")) {
        fielderr_required(e, FP_CHILD(at, "scope"), "");
        return;
    }
    rule_required_one_of(e, ref, at, "scope", scopes);
    if (streq(scope, "Namespace") && !member(ref, "namespace"))
        fielderr_required(e, FP_CHILD(at, "namespace"), "`parameters.scope` is set to 'Namespace'");
    else if (streq(scope, "Namespace"))
        rule_name(e, FP_CHILD(at, "namespace"), NAME_DNS1123_LABEL, text(ref, "namespace"));
    if (streq(scope, "Cluster") && member(ref, "namespace"))
        fielderr_forbidden(e, FP_CHILD(at, "namespace"), "`parameters.scope` is set to 'Cluster'");
}

static void class_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *spec = json_object_get(obj, "spec");

    if (strlen(text(spec, "controller")) > 250)
        fielderr_too_long(e, FP_CHILD(SPEC, "controller"), 250);
    rule_domain_path(e, FP_CHILD(SPEC, "controller"), text(spec, "controller"), SIZE_MAX);
    class_parameters(e, member(spec, "parameters"));
}

static void class_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                         const json_t *old, struct fielderrs *e)
{
    rule_immutable_text(e, SPEC, json_object_get(obj, "spec"), json_object_get(old, "spec"), "controller");
    class_validate(c, k, obj, e);
}

const struct kind_ops ingressclass_ops = { .validate = class_validate, .validate_update = class_update };

/* ---- NetworkPolicy -------------------------------------------------------------------------------- */

static void ip_block(struct fielderrs *e, const json_t *block, const struct fpath *at)
{
    struct net_cidr whole = { 0 }, part = { 0 };
    size_t i;
    json_t *v;

    if (!rule_required_text(e, block, at, "cidr"))
        return;
    if (!net_cidr_read(text(block, "cidr"), &whole)) {
        fielderr_invalid_str(e, FP_CHILD(at, "cidr"), text(block, "cidr"), "%s", net_cidr_words);
        return;
    }
    json_array_foreach(json_object_get(block, "except"), i, v) {
        const struct fpath *one = FP_INDEX(FP_CHILD(at, "except"), i);
        if (!net_cidr_read(json_string_value(v), &part))
            fielderr_invalid(e, one, v, "%s", net_cidr_words);
        else if (!net_cidr_inside(&part, &whole))
            fielderr_invalid(e, one, v, "must be a strict subset of `cidr`");
    }
}

static void policy_peer(struct fielderrs *e, const json_t *peer, const struct fpath *at)
{
    const json_t *pods = member(peer, "podSelector"), *spaces = member(peer, "namespaceSelector"),
                 *block = member(peer, "ipBlock");

    if (pods)
        label_selector_validate(e, FP_CHILD(at, "podSelector"), pods);
    if (spaces)
        label_selector_validate(e, FP_CHILD(at, "namespaceSelector"), spaces);
    if (block)
        ip_block(e, block, FP_CHILD(at, "ipBlock"));
    if (!pods && !spaces && !block)
        fielderr_required(e, at, "must specify a peer");
    else if (block && (pods || spaces))
        fielderr_forbidden(e, at, "may not specify both ipBlock and another peer");
}

static void policy_port(struct fielderrs *e, const json_t *p, const struct fpath *at)
{
    static const char *const protocols[] = { "TCP", "UDP", "SCTP", NULL };
    const json_t *port = member(p, "port"), *end = member(p, "endPort");
    const struct fpath *last = FP_CHILD(at, "endPort");

    rule_one_of(e, p, at, "protocol", protocols);
    if (end && !port)
        fielderr_invalid(e, last, end, "may not be specified when `port` is not specified");
    else if (end && json_is_string(port))
        fielderr_invalid(e, last, end, "may not be specified when `port` is non-numeric");
    if (port)
        net_port(e, port, FP_CHILD(at, "port"));
    if (!end || !json_is_integer(port))
        return;
    if (json_integer_value(end) < json_integer_value(port))
        fielderr_invalid(e, last, port, "must be greater than or equal to `port`");
    net_port(e, end, last);
}

static void policy_rules(struct fielderrs *e, const json_t *list, const struct fpath *path, const char *peers)
{
    size_t i, k;
    json_t *rule, *v;

    json_array_foreach(list, i, rule) {
        const struct fpath *at = FP_INDEX(path, i);
        json_array_foreach(json_object_get(rule, "ports"), k, v)
            policy_port(e, v, FP_INDEX(FP_CHILD(at, "ports"), k));
        json_array_foreach(json_object_get(rule, peers), k, v)
            policy_peer(e, v, FP_INDEX(FP_CHILD(at, peers), k));
    }
}

static void netpol_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char *const types[] = { "Ingress", "Egress", NULL };
    const json_t *spec = json_object_get(obj, "spec"), *listed = json_object_get(spec, "policyTypes");
    size_t i;
    json_t *v;

    label_selector_validate(e, FP_CHILD(SPEC, "podSelector"), member(spec, "podSelector"));
    policy_rules(e, json_object_get(spec, "ingress"), FP_CHILD(SPEC, "ingress"), "from");
    policy_rules(e, json_object_get(spec, "egress"), FP_CHILD(SPEC, "egress"), "to");
    if (json_array_size(listed) > 2) {
        fielderr_invalid(e, FP_CHILD(SPEC, "policyTypes"), listed, "may not specify more than two policyTypes");
        return;
    }
    json_array_foreach(listed, i, v)
        if (!among(types, json_string_value(v)))
            fielderr_not_supported(e, FP_INDEX(FP_CHILD(SPEC, "policyTypes"), i), v, types);
}

RULE_TWICE(netpol_update, netpol_validate)

static void blocks_warn(struct call *c, const json_t *rules, const struct fpath *path, const char *peers)
{
    size_t i, k, n;
    json_t *rule, *peer, *v;

    json_array_foreach(rules, i, rule)
        json_array_foreach(json_object_get(rule, peers), k, peer) {
            const struct fpath *at = FP_CHILD(FP_INDEX(FP_CHILD(FP_INDEX(path, i), peers), k), "ipBlock");
            const json_t *block = member(peer, "ipBlock");
            warn_of_cidr(c, text(block, "cidr"), FP_CHILD(at, "cidr"));
            json_array_foreach(json_object_get(block, "except"), n, v)
                warn_of_cidr(c, json_string_value(v), FP_INDEX(FP_CHILD(at, "except"), n));
        }
}

static void netpol_warn(struct call *c, const json_t *obj, const json_t *old)
{
    blocks_warn(c, json_path(obj, "spec.ingress"), FP_CHILD(SPEC, "ingress"), "from");
    blocks_warn(c, json_path(obj, "spec.egress"), FP_CHILD(SPEC, "egress"), "to");
}

const struct kind_ops netpol_ops = { .validate = netpol_validate, .validate_update = netpol_update, .warn = netpol_warn };
