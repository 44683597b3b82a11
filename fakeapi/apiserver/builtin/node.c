/* Nodes: CIDRs, taints, capacities, and the taint of a node that is not ready yet (G.3, G-052). */
#include "fakeapi/apiserver/builtin/net.h"
#include "fakeapi/apiserver/builtin/resource_names.h"
#include "fakeapi/apiserver/builtin/warnings.h"

#define SPEC RULE_AT("spec")

/* podCIDR is the first of podCIDRs, whichever of the two was sent. */
static void node_defaults(struct call *c, json_t *obj)
{
    const char *cidr = obj_str(obj, "spec.podCIDR");
    json_t *cidrs = json_path(obj, "spec.podCIDRs");
    const char *first = json_string_value(json_array_get(cidrs, 0));

    (void)c;
    if (*cidr && (!first || !streq(first, cidr)))
        obj_set(obj, "spec.podCIDRs", json_pack("[s]", cidr));
    else if (!*cidr && first)
        obj_set(obj, "spec.podCIDR", json_string(first));
}

static int node_admit(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    static const char not_ready[] = "node.kubernetes.io/not-ready";
    json_t *taints = json_path(obj, "spec.taints"), *t;
    size_t i;

    (void)c, (void)sub;
    if (old)
        return 0;
    json_array_foreach(taints, i, t)
        if (streq(text(t, "key"), not_ready))
            return 0;
    json_t *next = taints ? json_copy(taints) : json_array();
    json_array_append_new(next, json_pack("{s:s, s:s}", "key", not_ready, "effect", "NoSchedule"));
    obj_set(obj, "spec.taints", next);
    return 0;
}

static void node_cidrs(struct fielderrs *e, const json_t *cidrs)
{
    const struct fpath *path = FP_CHILD(SPEC, "podCIDRs");
    size_t i, n = json_array_size(cidrs);
    json_t *cidr;

    json_array_foreach(cidrs, i, cidr)
        if (!net_cidr_family(json_string_value(cidr)))
            fielderr_invalid(e, FP_INDEX(path, i), cidr,
                             "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    bool strange = false;
    for (i = 0; i < n && n > 1 && !strange; i++)
        if ((strange = !net_cidr_family(json_string_value(json_array_get(cidrs, i)))))
            fielderr_internal(e, path, "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[%zu]: "
                              "<nil> (invalid CIDR address: %s)", i, json_string_value(json_array_get(cidrs, i)));
    if (strange || n > 2 || (n == 2 && net_cidr_family(json_string_value(json_array_get(cidrs, 0)))
                                       == net_cidr_family(json_string_value(json_array_get(cidrs, 1)))))
        fielderr_invalid(e, path, cidrs, "may specify no more than one CIDR for each IP family");
}

static void node_taints(struct fielderrs *e, const json_t *taints)
{
    static const char *const effects[] = { "NoSchedule", "PreferNoSchedule", "NoExecute", NULL };
    size_t i;
    json_t *t;

    json_array_foreach(taints, i, t) {
        const struct fpath *at = FP_INDEX(FP_CHILD(RULE_AT("metadata"), "taints"), i);
        rule_name(e, FP_CHILD(at, "key"), NAME_QUALIFIED, text(t, "key"));
        rule_name(e, FP_CHILD(at, "value"), NAME_LABEL_VALUE, text(t, "value"));
        if (!*text(t, "effect"))
            fielderr_required(e, FP_CHILD(at, "effect"), "");
        else
            rule_one_of(e, t, at, "effect", effects);
        for (size_t k = 0; k < i; k++) {
            const json_t *other = json_array_get(taints, k);
            if (!streq(text(other, "key"), text(t, "key")) || !streq(text(other, "effect"), text(t, "effect")))
                continue;
            json_auto_t *shown = json_pack("{s:s, s:s, s:s, s:O}", "Key", text(t, "key"), "Value", text(t, "value"),
                                           "Effect", text(t, "effect"), "TimeAdded",
                                           rule_shown(member(t, "timeAdded")));
            rule_duplicate(e, at, shown, "taints must be unique by key and effect pair");
            break;
        }
    }
}

static void node_amounts(struct fielderrs *e, const json_t *obj)
{
    static const char *const lists[] = { "capacity", "allocatable" };
    const char *name;
    json_t *v;

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        json_object_foreach(json_object_get(json_object_get(obj, "status"), lists[i]), name, v)
            rule_resource_amount(e, FP_CHILD(FP_CHILD(RULE_AT("status"), lists[i]), name), name, v);
}

static void node_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    node_taints(e, json_path(obj, "spec.taints"));
    node_amounts(e, obj);
    node_cidrs(e, json_path(obj, "spec.podCIDRs"));
}

static void node_addresses(struct fielderrs *e, const json_t *list)
{
    size_t i;
    json_t *a;

    json_array_foreach(list, i, a)
        for (size_t k = 0; k < i; k++) {
            if (!json_same(a, json_array_get(list, k)))
                continue;
            json_auto_t *shown = json_pack("{s:s, s:s}", "Type", text(a, "type"), "Address", text(a, "address"));
            fielderr_duplicate(e, FP_INDEX(FP_CHILD(RULE_AT("status"), "addresses"), i), shown);
            break;
        }
}

static void node_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                        const json_t *old, struct fielderrs *e)
{
    const json_t *cidrs = json_path(obj, "spec.podCIDRs"), *had = json_path(old, "spec.podCIDRs");
    const char *provider = obj_str(old, "spec.providerID");

    if (!rule_is_status(sub))
        node_validate(c, k, obj, e);
    node_amounts(e, obj);
    node_addresses(e, json_path(obj, "status.addresses"));
    if (json_array_size(had) && !json_same(cidrs, had))
        fielderr_forbidden(e, FP_CHILD(SPEC, "podCIDRs"), "node updates may not change podCIDR except from \"\" to valid");
    if (*provider && !streq(provider, obj_str(obj, "spec.providerID")))
        fielderr_forbidden(e, FP_CHILD(SPEC, "providerID"),
                           "node updates may not change providerID except from \"\" to valid");
    node_taints(e, json_path(obj, "spec.taints"));
    if (!streq(obj_str(obj, "spec.externalID"), obj_str(old, "spec.externalID")))
        fielderr_forbidden(e, FP_CHILD(SPEC, "externalID"), "may not be updated");
}

static void node_warn(struct call *c, const json_t *obj, const json_t *old)
{
    size_t i;
    json_t *v;

    if (rule_is_status(c->route.sub))
        return;
    if (*obj_str(obj, "spec.externalID"))
        call_warn(c, "spec.externalID: this field is deprecated, and is unused by Kubernetes");
    json_array_foreach(json_path(obj, "spec.podCIDRs"), i, v)
        warn_of_cidr(c, json_string_value(v), FP_INDEX(FP_CHILD(SPEC, "podCIDRs"), i));
}

const struct kind_ops node_ops = {
    .defaults = node_defaults, .admit = node_admit, .validate = node_validate, .validate_update = node_update,
    .warn = node_warn,
};
