/* Endpoints and EndpointSlices (G.3, B-178). */
#include "fakeapi/apiserver/builtin/net.h"
#include "fakeapi/apiserver/builtin/warnings.h"

static const char *const protocols[] = { "SCTP", "TCP", "UDP", NULL };

static void optional_label(struct fielderrs *e, const json_t *obj, const struct fpath *at, const char *name)
{
    if (member(obj, name))
        rule_name(e, FP_CHILD(at, name), NAME_DNS1123_LABEL, text(obj, name));
}

static void node_name(struct fielderrs *e, const json_t *obj, const struct fpath *at)
{
    if (member(obj, "nodeName"))
        rule_name(e, FP_CHILD(at, "nodeName"), NAME_DNS1123_SUBDOMAIN, text(obj, "nodeName"));
}

static void app_protocol(struct fielderrs *e, const json_t *port, const struct fpath *at)
{
    if (member(port, "appProtocol"))
        rule_name(e, FP_CHILD(at, "appProtocol"), NAME_QUALIFIED, text(port, "appProtocol"));
}

/* ---- Endpoints ------------------------------------------------------------------------------------ */

static void subset_addresses(struct fielderrs *e, const json_t *list, const struct fpath *path)
{
    size_t i;
    json_t *a;

    json_array_foreach(list, i, a) {
        const struct fpath *at = FP_INDEX(path, i), *ip_at = FP_CHILD(at, "ip");
        const char *ip = text(a, "ip");
        bool known = net_family(ip) != 0;
        if (!known)
            fielderr_invalid_str(e, ip_at, ip, "%s", net_ip_words);
        rule_optional_name(e, a, at, "hostname", NAME_DNS1123_LABEL);
        node_name(e, a, at);
        if (known)
            net_not_special(e, ip, ip_at);
        else
            fielderr_invalid_str(e, ip_at, ip, "must be a valid IP address");
    }
}

static void subset_ports(struct fielderrs *e, const json_t *ports, const struct fpath *path)
{
    size_t i;
    json_t *port;

    json_array_foreach(ports, i, port) {
        const struct fpath *at = FP_INDEX(path, i);
        if (!*text(port, "name") && json_array_size(ports) > 1)
            fielderr_required(e, FP_CHILD(at, "name"), "");
        rule_optional_name(e, port, at, "name", NAME_DNS1123_LABEL);
        net_port(e, json_object_get(port, "port"), FP_CHILD(at, "port"));
        if (rule_required_text(e, port, at, "protocol"))
            rule_required_one_of(e, port, at, "protocol", protocols);
        app_protocol(e, port, at);
    }
}

static void subsets(struct fielderrs *e, const json_t *list)
{
    size_t i;
    json_t *s;

    json_array_foreach(list, i, s) {
        const struct fpath *at = FP_INDEX(RULE_AT("subsets"), i);
        const json_t *ready = json_object_get(s, "addresses"), *others = json_object_get(s, "notReadyAddresses");
        if (!json_array_size(ready) && !json_array_size(others))
            fielderr_required(e, at, "must specify `addresses` or `notReadyAddresses`");
        subset_addresses(e, ready, FP_CHILD(at, "addresses"));
        subset_addresses(e, others, FP_CHILD(at, "notReadyAddresses"));
        subset_ports(e, json_object_get(s, "ports"), FP_CHILD(at, "ports"));
    }
}

static void endpoints_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    subsets(e, json_object_get(obj, "subsets"));
}

static void endpoints_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                             const json_t *old, struct fielderrs *e)
{
    if (!json_same(json_object_get(obj, "subsets"), json_object_get(old, "subsets")))
        subsets(e, json_object_get(obj, "subsets"));
}

static void endpoints_warn(struct call *c, const json_t *obj, const json_t *old)
{
    static const char *const lists[] = { "addresses", "notReadyAddresses" };
    size_t i, k;
    json_t *s, *a;

    if (old && json_same(json_object_get(obj, "subsets"), json_object_get(old, "subsets")))
        return;
    json_array_foreach(json_object_get(obj, "subsets"), i, s)
        for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
            json_array_foreach(json_object_get(s, lists[l]), k, a)
                warn_of_address(c, text(a, "ip"),
                                FP_CHILD(FP_INDEX(FP_CHILD(FP_INDEX(RULE_AT("subsets"), i), lists[l]), k), "ip"));
}

const struct kind_ops endpoints_ops = {
    .validate = endpoints_validate, .validate_update = endpoints_update, .warn = endpoints_warn,
};

/* ---- EndpointSlice -------------------------------------------------------------------------------- */

static void slice_address(struct fielderrs *e, const json_t *v, const char *type, const struct fpath *list, size_t i)
{
    const char *s = json_string_value(v);
    int family = net_family(s);

    if (streq(type, "FQDN"))
        rule_name(e, FP_INDEX(list, i), NAME_DNS1123_SUBDOMAIN, s);
    else if (!streq(type, "IPv4") && !streq(type, "IPv6"))
        return;                        /* nobody knows what it should be */
    else if (!family)
        fielderr_invalid_str(e, FP_INDEX(list, i), s, "%s", net_ip_words);
    else {
        if (family != (streq(type, "IPv6") ? 6 : 4))
            fielderr_invalid_str(e, list, s, "must be an %s address", type);
        net_not_special(e, s, FP_INDEX(list, i));
    }
}

/* At most eight names of a kind of hint, each once; false where that ends the looking. */
static bool slice_hints(struct fielderrs *e, const json_t *list, const struct fpath *path, unsigned rule)
{
    size_t i;
    json_t *h;

    if (json_array_size(list) > 8) {
        fielderr_too_many(e, path, json_array_size(list), 8);
        return false;
    }
    json_array_foreach(list, i, h) {
        const struct fpath *at = FP_CHILD(FP_INDEX(path, i), "name");
        if (name_before(list, i, text(h, "name")))
            fielderr_duplicate_str(e, at, text(h, "name"));
        rule_name(e, at, rule, text(h, "name"));
    }
    return true;
}

static void slice_endpoint(struct fielderrs *e, const json_t *p, const char *type, const struct fpath *at)
{
    const json_t *list = json_object_get(p, "addresses"), *hints = member(p, "hints");
    size_t i;
    json_t *v;

    if (!json_array_size(list))
        fielderr_required(e, FP_CHILD(at, "addresses"), "must contain at least 1 address");
    else if (json_array_size(list) > 100)
        fielderr_too_many(e, FP_CHILD(at, "addresses"), json_array_size(list), 100);
    json_array_foreach(list, i, v)
        slice_address(e, v, type, FP_CHILD(at, "addresses"), i);
    node_name(e, p, at);
    optional_label(e, p, at, "hostname");
    if (slice_hints(e, member(hints, "forZones"), FP_CHILD(FP_CHILD(at, "hints"), "forZones"), NAME_LABEL_VALUE))
        slice_hints(e, member(hints, "forNodes"), FP_CHILD(FP_CHILD(at, "hints"), "forNodes"), NAME_DNS1123_SUBDOMAIN);
}

static void slice_ports(struct fielderrs *e, const json_t *ports)
{
    size_t i;
    json_t *port;

    json_array_foreach(ports, i, port) {
        const struct fpath *at = FP_INDEX(RULE_AT("ports"), i);
        rule_optional_name(e, port, at, "name", NAME_DNS1123_LABEL);
        if (name_before(ports, i, text(port, "name")))
            fielderr_duplicate_str(e, FP_CHILD(at, "name"), text(port, "name"));
        rule_one_of(e, port, at, "protocol", protocols);
        app_protocol(e, port, at);
    }
}

static void slice_checks(struct fielderrs *e, const json_t *obj, bool endpoints)
{
    static const char *const types[] = { "FQDN", "IPv4", "IPv6", NULL };
    size_t i;
    json_t *p;

    if (rule_required_text(e, obj, NULL, "addressType"))
        rule_one_of(e, obj, NULL, "addressType", types);
    if (json_array_size(json_object_get(obj, "ports")) > 20000)
        fielderr_too_many(e, RULE_AT("ports"), json_array_size(json_object_get(obj, "ports")), 20000);
    else
        slice_ports(e, json_object_get(obj, "ports"));
    if (endpoints && json_array_size(json_object_get(obj, "endpoints")) > 1000) {
        fielderr_too_many(e, RULE_AT("endpoints"), json_array_size(json_object_get(obj, "endpoints")), 1000);
        return;
    }
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

/* What was written about topology once is not written any more. */
static void slice_drop_topology(json_t *obj)
{
    json_t *list = json_clone(json_object_get(obj, "endpoints")), *p;
    size_t i;

    json_array_foreach(list, i, p)
        json_object_del(p, "deprecatedTopology");
    if (list)
        obj_set(obj, "endpoints", list);
}

static int slice_create(struct call *c, json_t *obj)
{
    slice_drop_topology(obj);
    return 0;
}

static int slice_prepare(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    if (!json_same(json_object_get(obj, "endpoints"), json_object_get(old, "endpoints")))
        slice_drop_topology(obj);
    return 0;
}

static void slice_warn(struct call *c, const json_t *obj, const json_t *old)
{
    size_t i, k;
    json_t *p, *a;

    if (!old && streq(text(obj, "addressType"), "FQDN"))
        call_warn(c, "spec.addressType: FQDN endpoints are deprecated");
    if (streq(text(obj, "addressType"), "FQDN") ||
        (old && json_same(json_object_get(obj, "endpoints"), json_object_get(old, "endpoints"))))
        return;
    json_array_foreach(json_object_get(obj, "endpoints"), i, p)
        json_array_foreach(json_object_get(p, "addresses"), k, a)
            warn_of_address(c, json_string_value(a),
                            FP_INDEX(FP_CHILD(FP_INDEX(RULE_AT("endpoints"), i), "addresses"), k));
}

/* All but metadata counts, and the labels of that. */
static bool slice_differs(const struct kind *k, const json_t *a, const json_t *b)
{
    json_auto_t *x = json_without(a, "metadata"), *y = json_without(b, "metadata");

    return !json_same(x, y) || !json_same(obj_labels(a), obj_labels(b));
}

const struct kind_ops slice_ops = {
    .prepare_create = slice_create, .prepare_update = slice_prepare, .spec_differs = slice_differs,
    .validate = slice_validate, .validate_update = slice_update, .warn = slice_warn,
};
