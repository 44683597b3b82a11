/* Ingresses, NetworkPolicies, Endpoints and EndpointSlices (G.3, B-178). */
#include "fakeapi/apiserver/builtin/warnings.h"

#include <arpa/inet.h>

#include "kube/selector.h"

#define SPEC RULE_AT("spec")

static const char ip_words[] = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
static const char cidr_words[] = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/* 4, 6, or 0 for what is no address. */
static int ip_family(const char *ip)
{
    unsigned char bits[16];

    return inet_pton(AF_INET, ip, bits) == 1 ? 4 : inet_pton(AF_INET6, ip, bits) == 1 ? 6 : 0;
}

static void port_of(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    int64_t n = json_integer_value(v);

    if (json_is_string(v))
        rule_name(e, path, NAME_PORT, json_string_value(v));
    else if (n < 1 || n > 65535)
        fielderr_invalid_int(e, path, n, "must be between 1 and 65535, inclusive");
}

/* ---- Ingress -------------------------------------------------------------------------------------- */

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
        port_of(e, n, FP_CHILD(FP_CHILD(FP_CHILD(path, "service"), "port"), "number"));
}

static void backend(struct fielderrs *e, const json_t *b, const struct fpath *path)
{
    const json_t *service = member(b, "service"), *resource = member(b, "resource");

    if (service && resource)
        fielderr_invalid_str(e, path, "", "cannot set both resource and service backends");
    else if (!service && !resource)
        fielderr_invalid_str(e, path, "", "resource or service backend is required");
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
    const char *path = text(p, "path"), *type = text(p, "pathType");

    if (!*type) {
        fielderr_required(e, FP_CHILD(at, "pathType"), "pathType must be specified");
    } else if (streq(type, "Exact") || streq(type, "Prefix")) {
        if (*path != '/')
            fielderr_invalid_str(e, FP_CHILD(at, "path"), path, "must be an absolute path");
        for (size_t i = 0; i < ARRAY_SIZE(barred); i++)
            if (strstr(path, barred[i]))
                fielderr_invalid_str(e, FP_CHILD(at, "path"), path, "must not contain '%s'", barred[i]);
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

    if (*host && ip_family(host))
        fielderr_invalid_str(e, FP_CHILD(at, "host"), host, "must be a DNS name, not an IP address");
    else if (*host)
        rule_name(e, FP_CHILD(at, "host"), strchr(host, '*') ? NAME_WILDCARD_SUBDOMAIN : NAME_DNS1123_SUBDOMAIN, host);
    if (http && !json_array_size(json_object_get(http, "paths")))
        fielderr_required(e, list, "");
    json_array_foreach(json_object_get(http, "paths"), i, p)
        ingress_path(e, p, FP_INDEX(list, i));
}

static void ingress_rules(struct fielderrs *e, const json_t *obj)
{
    const json_t *spec = json_object_get(obj, "spec"), *rules = json_object_get(spec, "rules");
    size_t i;
    json_t *r;

    if (!json_array_size(rules) && !member(spec, "defaultBackend"))
        fielderr_invalid(e, SPEC, rule_shown(rules), "either `defaultBackend` or `rules` must be specified");
    json_array_foreach(rules, i, r)
        ingress_rule(e, r, FP_INDEX(FP_CHILD(SPEC, "rules"), i));
    if (member(spec, "defaultBackend"))
        backend(e, member(spec, "defaultBackend"), FP_CHILD(SPEC, "defaultBackend"));
    rule_optional_name(e, spec, SPEC, "ingressClassName", NAME_DNS1123_SUBDOMAIN);
}

static void ingress_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char key[] = "kubernetes.io/ingress.class";
    const char *annotated = obj_annotation(obj, key), *class = obj_str(obj, "spec.ingressClassName");

    if (annotated && *class && !streq(annotated, class))
        fielderr_invalid_str(e, FP_CHILD(RULE_AT("annotations"), key), annotated,
                             "must match `ingressClassName` when both are specified");
    ingress_rules(e, obj);
}

static void ingress_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                           const json_t *old, struct fielderrs *e)
{
    if (!rule_is_status(sub))
        ingress_rules(e, obj);
}

static int ingress_admit(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    if (!old)
        default_ingress_class(c, obj);
    return 0;
}

const struct kind_ops ingress_ops = { .admit = ingress_admit, .validate = ingress_validate, .validate_update = ingress_update,
                                     .warn = ingress_warn };

/* ---- NetworkPolicy -------------------------------------------------------------------------------- */

struct cidr {
    int family;
    unsigned char bits[16];
    uint64_t length;
};

static bool cidr_read(const char *s, struct cidr *ret)
{
    const char *slash = strchr(s, '/');
    char ip[64];

    if (!slash || (size_t)(slash - s) >= sizeof ip || !parse_u64(slash + 1, &ret->length))
        return false;
    memcpy(ip, s, (size_t)(slash - s));
    ip[slash - s] = '\0';
    ret->family = ip_family(ip);
    if (ret->family)
        inet_pton(ret->family == 4 ? AF_INET : AF_INET6, ip, ret->bits);
    return ret->family && ret->length <= (ret->family == 4 ? 32 : 128);
}

static bool cidr_inside(const struct cidr *in, const struct cidr *out)
{
    if (in->family != out->family || in->length <= out->length)
        return false;
    for (uint64_t i = 0; i < out->length; i++)
        if ((in->bits[i / 8] ^ out->bits[i / 8]) & (0x80 >> (i % 8)))
            return false;
    return true;
}

static void ip_block(struct fielderrs *e, const json_t *block, const struct fpath *at)
{
    struct cidr whole = { 0 }, part = { 0 };
    size_t i;
    json_t *v;

    if (!rule_required_text(e, block, at, "cidr"))
        return;
    if (!cidr_read(text(block, "cidr"), &whole)) {
        fielderr_invalid_str(e, FP_CHILD(at, "cidr"), text(block, "cidr"), "%s", cidr_words);
        return;
    }
    json_array_foreach(json_object_get(block, "except"), i, v) {
        const struct fpath *one = FP_INDEX(FP_CHILD(at, "except"), i);
        if (!cidr_read(json_string_value(v), &part))
            fielderr_invalid(e, one, v, "%s", cidr_words);
        else if (!cidr_inside(&part, &whole))
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
    if (port)
        port_of(e, port, FP_CHILD(at, "port"));
    if (!end)
        return;
    if (!port)
        fielderr_invalid(e, last, end, "may not be specified when `port` is not specified");
    else if (json_is_string(port))
        fielderr_invalid(e, last, end, "may not be specified when `port` is non-numeric");
    else if (json_integer_value(end) < json_integer_value(port))
        fielderr_invalid(e, last, port, "must be greater than or equal to `port`");
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

const struct kind_ops netpol_ops = { .validate = netpol_validate, .validate_update = netpol_update };

/* ---- Endpoints, EndpointSlice --------------------------------------------------------------------- */

static void not_special(struct fielderrs *e, const char *ip, const struct fpath *at)
{
    if (str_starts(ip, "127.") || streq(ip, "::1"))
        fielderr_invalid_str(e, at, ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    else if (streq(ip, "0.0.0.0") || streq(ip, "::"))
        fielderr_invalid_str(e, at, ip, "may not be unspecified (%s)", ip);
    else if (str_starts(ip, "169.254."))
        fielderr_invalid_str(e, at, ip, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    else if (str_starts(ip, "224.0.0."))
        fielderr_invalid_str(e, at, ip, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
}

static void subset_addresses(struct fielderrs *e, const json_t *list, const struct fpath *path)
{
    size_t i;
    json_t *a;

    json_array_foreach(list, i, a) {
        const struct fpath *at = FP_CHILD(FP_INDEX(path, i), "ip");
        const char *ip = text(a, "ip");
        if (!ip_family(ip)) {
            fielderr_invalid_str(e, at, ip, "%s", ip_words);
            fielderr_invalid_str(e, at, ip, "must be a valid IP address");
        } else {
            not_special(e, ip, at);
        }
        rule_optional_name(e, a, FP_INDEX(path, i), "hostname", NAME_DNS1123_LABEL);
    }
}

static void endpoints_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char *const protocols[] = { "SCTP", "TCP", "UDP", NULL };
    size_t i, n;
    json_t *s, *port;

    json_array_foreach(json_object_get(obj, "subsets"), i, s) {
        const struct fpath *at = FP_INDEX(RULE_AT("subsets"), i);
        const json_t *ports = json_object_get(s, "ports");
        if (!json_array_size(json_object_get(s, "addresses")) && !json_array_size(json_object_get(s, "notReadyAddresses")))
            fielderr_required(e, at, "must specify `addresses` or `notReadyAddresses`");
        subset_addresses(e, json_object_get(s, "addresses"), FP_CHILD(at, "addresses"));
        subset_addresses(e, json_object_get(s, "notReadyAddresses"), FP_CHILD(at, "notReadyAddresses"));
        json_array_foreach(ports, n, port) {
            const struct fpath *one = FP_INDEX(FP_CHILD(at, "ports"), n);
            if (!*text(port, "name") && json_array_size(ports) > 1)
                fielderr_required(e, FP_CHILD(one, "name"), "");
            rule_optional_name(e, port, one, "name", NAME_DNS1123_LABEL);
            port_of(e, json_object_get(port, "port"), FP_CHILD(one, "port"));
            rule_required_one_of(e, port, one, "protocol", protocols);
        }
    }
}

const struct kind_ops endpoints_ops = { .validate = endpoints_validate };

static void slice_address(struct fielderrs *e, const json_t *v, const char *type, const struct fpath *list, size_t i)
{
    const char *s = json_string_value(v);
    int family = ip_family(s);

    if (streq(type, "FQDN"))
        rule_name(e, FP_INDEX(list, i), NAME_DNS1123_SUBDOMAIN, s);
    else if (!family)
        fielderr_invalid_str(e, FP_INDEX(list, i), s, "%s", ip_words);
    else if (family != (streq(type, "IPv6") ? 6 : 4))
        fielderr_invalid_str(e, list, s, "must be an %s address", type);
    else
        not_special(e, s, FP_INDEX(list, i));
}

static void slice_endpoint(struct fielderrs *e, const json_t *p, const char *type, const struct fpath *at)
{
    const json_t *list = json_object_get(p, "addresses");
    size_t i;
    json_t *v;

    if (!json_array_size(list))
        fielderr_required(e, FP_CHILD(at, "addresses"), "must contain at least 1 address");
    json_array_foreach(list, i, v)
        slice_address(e, v, type, FP_CHILD(at, "addresses"), i);
    rule_optional_name(e, p, at, "hostname", NAME_DNS1123_LABEL);
}

static void slice_ports(struct fielderrs *e, const json_t *ports)
{
    static const char *const protocols[] = { "SCTP", "TCP", "UDP", NULL };
    size_t i;
    json_t *port;

    json_array_foreach(ports, i, port) {
        const struct fpath *at = FP_INDEX(RULE_AT("ports"), i);
        rule_optional_name(e, port, at, "name", NAME_DNS1123_LABEL);
        if (name_before(ports, i, text(port, "name")))
            fielderr_duplicate_str(e, FP_CHILD(at, "name"), text(port, "name"));
        rule_one_of(e, port, at, "protocol", protocols);
    }
}

static void slice_checks(struct fielderrs *e, const json_t *obj, bool endpoints)
{
    static const char *const types[] = { "FQDN", "IPv4", "IPv6", NULL };
    size_t i;
    json_t *p;

    if (!rule_required_text(e, obj, NULL, "addressType"))
        return;
    rule_one_of(e, obj, NULL, "addressType", types);
    if (!among(types, text(obj, "addressType")))
        return;
    slice_ports(e, json_object_get(obj, "ports"));
    json_array_foreach(endpoints ? json_object_get(obj, "endpoints") : NULL, i, p)
        slice_endpoint(e, p, text(obj, "addressType"), FP_INDEX(RULE_AT("endpoints"), i));
}

static void slice_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    slice_checks(e, obj, true);
}

static void slice_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                         const json_t *old, struct fielderrs *e)
{
    bool same = json_same(json_object_get(obj, "endpoints"), json_object_get(old, "endpoints"));

    slice_checks(e, obj, !same);       /* what was accepted once is not looked at again */
    rule_immutable_text(e, NULL, obj, old, "addressType");
}

static void slice_warn(struct call *c, const json_t *obj, const json_t *old)
{
    if (streq(text(obj, "addressType"), "FQDN"))
        call_warn(c, "spec.addressType: FQDN endpoints are deprecated");
}

/* All but metadata counts, and the labels of that. */
static bool slice_differs(const struct kind *k, const json_t *a, const json_t *b)
{
    json_auto_t *x = json_without(a, "metadata"), *y = json_without(b, "metadata");

    return !json_same(x, y) || !json_same(obj_labels(a), obj_labels(b));
}

const struct kind_ops slice_ops = { .spec_differs = slice_differs, .validate = slice_validate, .validate_update = slice_update, .warn = slice_warn };
