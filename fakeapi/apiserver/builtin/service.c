/* Services: addresses and node ports that the server gives out, and what an update keeps of them (G-003, G-046).
 * What is taken is what the stored objects say; nothing is remembered beside them. */
#include "fakeapi/apiserver/builtin/addresses.h"
#include "fakeapi/apiserver/builtin/net.h"
#include "fakeapi/apiserver/builtin/service_priv.h"
#include "fakeapi/apiserver/builtin/warnings.h"

#include <arpa/inet.h>
#include <inttypes.h>

#define SPEC RULE_AT("spec")
#define NODE_PORT_MIN 30000
#define NODE_PORT_MAX 32767

static bool is_type(const json_t *spec, const char *type)
{
    return streq(text(spec, "type"), type);
}

static bool external_name(const json_t *spec)
{
    return is_type(spec, "ExternalName");
}

static bool has_node_ports(const json_t *spec)
{
    return is_type(spec, "NodePort") || is_type(spec, "LoadBalancer");
}

static bool wants_node_ports(const json_t *spec)
{
    return is_type(spec, "NodePort")
           || (is_type(spec, "LoadBalancer") && !json_is_false(json_object_get(spec, "allocateLoadBalancerNodePorts")));
}

static bool needs_health_port(const json_t *spec)
{
    return is_type(spec, "LoadBalancer") && streq(text(spec, "externalTrafficPolicy"), "Local");
}

static bool headless(const json_t *spec)
{
    return streq(text(spec, "clusterIP"), "None");
}

static int64_t number(const json_t *obj, const char *name)
{
    return json_integer_value(json_object_get(obj, name));
}

/* ---- node ports ----------------------------------------------------------------------------------- */

struct taken {
    const char *except;                /* uid of the service that asks */
    bool port[NODE_PORT_MAX - NODE_PORT_MIN + 1];
};

static bool in_range(int64_t port)
{
    return port >= NODE_PORT_MIN && port <= NODE_PORT_MAX;
}

static void take_port(struct taken *t, int64_t port)
{
    if (in_range(port))
        t->port[port - NODE_PORT_MIN] = true;
}

static bool take(void *arg, const struct record *r)
{
    struct taken *t = arg;
    const json_t *obj = value_tree(r->value), *spec = json_object_get(obj, "spec");
    size_t i;
    json_t *v;

    if (streq(obj_uid(obj), t->except))
        return true;
    json_array_foreach(json_object_get(spec, "ports"), i, v)
        take_port(t, number(v, "nodePort"));
    take_port(t, number(spec, "healthCheckNodePort"));
    return true;
}

static struct taken *what_is_taken(struct call *c, const json_t *obj)
{
    struct taken *t = arena_alloc(c->arena, sizeof(*t));

    t->except = obj_uid(obj);
    store_range(c->s->store, "/registry/services/specs/", NULL, 0, 0, take, t, NULL);
    return t;
}

/* ---- giving out ----------------------------------------------------------------------------------- */

static int give_address(struct call *c, json_t *obj)
{
    const char *ip = c->opt.dry_run ? ADDRESS_OF_DRY_RUN : address_free(c, obj);

    if (!ip)
        return internal_error(c, "failed to allocate a serviceIP: range is full");
    obj_set(obj, "spec.clusterIP", json_string(ip));
    obj_set(obj, "spec.clusterIPs", json_pack("[s]", ip));
    return 0;
}

/* At create, the ports of one number share what was asked for one of them, or given to the first. */
static int64_t shared_port(const json_t *ports, int64_t port)
{
    size_t i;
    json_t *v;

    json_array_foreach(ports, i, v)
        if (number(v, "port") == port && number(v, "nodePort"))
            return number(v, "nodePort");
    return 0;
}

static void give_ports(json_t *obj, struct taken *t, bool sharing)
{
    json_t *ports = json_clone(json_path(obj, "spec.ports")), *port;
    unsigned next = 0;
    size_t i;

    json_array_foreach(ports, i, port) {
        int64_t own = number(port, "nodePort");
        if (own >= NODE_PORT_MIN && own <= NODE_PORT_MAX)
            t->port[own - NODE_PORT_MIN] = true;
    }
    json_array_foreach(ports, i, port) {
        int64_t shared = sharing ? shared_port(ports, number(port, "port")) : 0;
        if (number(port, "nodePort"))
            continue;
        if (shared) {
            json_object_set_new(port, "nodePort", json_integer(shared));
            continue;
        }
        while (next + 1 < ARRAY_SIZE(t->port) && t->port[next])
            next++;
        json_object_set_new(port, "nodePort", json_integer(NODE_PORT_MIN + next));
        t->port[next] = true;
    }
    if (ports)
        obj_set(obj, "spec.ports", ports);
}

/* After the ports, which it must not meet. */
static void give_health_port(json_t *obj, struct taken *t)
{
    unsigned i = 0;
    size_t k;
    json_t *port;

    json_array_foreach(json_path(obj, "spec.ports"), k, port)
        take_port(t, number(port, "nodePort"));
    while (i + 1 < ARRAY_SIZE(t->port) && t->port[i])
        i++;
    obj_set(obj, "spec.healthCheckNodePort", json_integer(NODE_PORT_MIN + i));
}

/* An address of a family that is not here is refused for itself. */
static bool wants_other_family(const json_t *spec)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_object_get(spec, "clusterIPs"), i, v)
        if (service_address_family(json_string_value(v)) == FAMILY_6)
            return true;
    return false;
}

static void give_families(json_t *obj)
{
    const json_t *spec = json_object_get(obj, "spec");
    bool dual = headless(spec) && !json_object_size(json_object_get(spec, "selector"))
                && (is_type(spec, "ClusterIP"));

    if (!*text(spec, "ipFamilyPolicy"))
        obj_set(obj, "spec.ipFamilyPolicy",
                json_string(dual && !member(spec, "ipFamilies") ? "RequireDualStack" : "SingleStack"));
    if (!json_array_size(json_object_get(spec, "ipFamilies")) && !wants_other_family(spec))
        obj_set(obj, "spec.ipFamilies", dual && !streq(obj_str(obj, "spec.ipFamilyPolicy"), "SingleStack")
                                        ? json_pack("[s, s]", "IPv4", "IPv6") : json_pack("[s]", "IPv4"));
}

/* It is given one: IPv4 is its first family, and what it says of families and addresses holds. */
static bool lacks_address(struct call *c, const json_t *spec, const json_t *was)
{
    const char *family = json_string_value(json_array_get(json_object_get(spec, "ipFamilies"), 0));
    struct fielderrs wrong = FIELDERRS_IN(c->arena);

    if (*text(spec, "clusterIP") || json_array_size(json_object_get(spec, "clusterIPs")) || !family || !streq(family, "IPv4"))
        return false;
    service_address_rules(&wrong, spec, was);
    return wrong.n == 0;
}

/* `old` NULL at create. */
static int give(struct call *c, json_t *obj, const json_t *old)
{
    const json_t *spec = json_object_get(obj, "spec");
    int r = 0;

    if (external_name(spec))
        obj_set(obj, "spec.internalTrafficPolicy", NULL);       /* which was kept once, and is hidden now */
    if (!json_is_object(spec) || external_name(spec))
        return 0;
    give_families(obj);
    spec = json_object_get(obj, "spec");
    struct taken *t = what_is_taken(c, obj);
    if (lacks_address(c, spec, json_object_get(old, "spec")) && (r = give_address(c, obj)) < 0)
        return r;
    if (wants_node_ports(spec))
        give_ports(obj, t, !old);
    if (needs_health_port(json_object_get(obj, "spec")) && !obj_int(obj, "spec.healthCheckNodePort", 0))
        give_health_port(obj, t);
    return 0;
}

/* The first place before `i` that says the same node port, or `i`. */
static size_t said_first(const json_t *ports, size_t i, bool same_protocol)
{
    const json_t *port = json_array_get(ports, i), *other;
    size_t k;

    for (k = 0; k < i; k++) {
        other = json_array_get(ports, k);
        if (number(other, "nodePort") == number(port, "nodePort")
            && (!same_protocol || streq(text(other, "protocol"), text(port, "protocol"))))
            break;
    }
    return k;
}

/* Why it cannot have its i-th node port; NULL: it can. Ports of one number share one at create. */
static const char *port_refused(struct call *c, const struct taken *t, const json_t *ports, size_t i, bool created)
{
    const json_t *port = json_array_get(ports, i);
    int64_t n = number(port, "nodePort");
    size_t first = said_first(ports, i, false);
    bool again = first < i, apart = again && number(json_array_get(ports, first), "port") != number(port, "port");

    if (!n || (again && !(created && apart)) || (c->opt.dry_run && !in_range(n)))    /* a dry run looks at no range */
        return NULL;
    if (!in_range(n))
        return arena_printf(c->arena, "provided port is not in the valid range. The range of valid ports is %d-%d",
                            NODE_PORT_MIN, NODE_PORT_MAX);
    return again || t->port[n - NODE_PORT_MIN] ? "provided port is already allocated" : NULL;
}

/* Before anything is validated, and the first that cannot be had is all that is said. At update the second of one
 * protocol and number is an error without a field, and nothing is looked at after it: *ret_twice. */
static bool node_ports_granted(struct call *c, struct fielderrs *e, const json_t *obj, bool created,
                               const json_t **ret_twice)
{
    const json_t *spec = json_object_get(obj, "spec"), *ports = json_object_get(spec, "ports");
    const struct taken *t;
    const char *why;
    size_t i;
    json_t *port;

    if (!has_node_ports(spec))
        return true;
    t = what_is_taken(c, obj);
    json_array_foreach(ports, i, port) {
        if ((why = port_refused(c, t, ports, i, created))) {
            fielderr_invalid_int(e, FP_CHILD(FP_INDEX(FP_CHILD(SPEC, "ports"), i), "nodePort"), number(port, "nodePort"),
                                 "%s", why);
            return false;
        }
        if (!created && number(port, "nodePort") && said_first(ports, i, true) < i) {
            *ret_twice = port;
            return true;
        }
    }
    return true;
}

/* The port for health checks that somebody asks for: no field's error, for the real server. It comes after the
 * service's own node ports. */
static int check_health_port(struct call *c, const json_t *obj)
{
    const json_t *spec = json_object_get(obj, "spec");
    int64_t port = number(spec, "healthCheckNodePort");
    struct taken *t;
    size_t i;
    json_t *own;

    if (!needs_health_port(spec) || !port || (c->opt.dry_run && !in_range(port)))
        return 0;
    if (!in_range(port))
        return internal_error(c, "failed to allocate requested HealthCheck NodePort %" PRId64 ": provided port is not in the "
                              "valid range. The range of valid ports is %d-%d", port, NODE_PORT_MIN, NODE_PORT_MAX);
    t = what_is_taken(c, obj);
    json_array_foreach(c->opt.dry_run ? NULL : json_object_get(spec, "ports"), i, own)
        take_port(t, number(own, "nodePort"));
    return t->port[port - NODE_PORT_MIN] ? internal_error(c, "failed to allocate requested HealthCheck NodePort %" PRId64
                                                          ": provided port is already allocated", port) : 0;
}

/* An address that was asked for is in a range, and free. */
static bool address_granted(struct call *c, struct fielderrs *e, const json_t *obj)
{
    const json_t *ips = json_path(obj, "spec.clusterIPs");
    const char *ip = json_string_value(json_array_get(ips, 0));
    const char *canonical = ip ? address_canonical(c, ip) : NULL, *why;

    if (!canonical || (c->opt.dry_run && streq(ip, ADDRESS_OF_DRY_RUN)) || !(why = address_refused(c, canonical, obj)))
        return true;
    fielderr_invalid(e, FP_CHILD(SPEC, "clusterIPs"), ips, "failed to allocate IP %s: %s", ip, why);
    return false;
}

/* Addresses are given out before anything is validated. False: they cannot be, and that is all that is said. */
static bool addresses_given(struct call *c, struct fielderrs *e, const json_t *obj, const json_t *was)
{
    const json_t *spec = json_object_get(obj, "spec");
    size_t before = e->n;

    if (external_name(spec))
        return true;
    service_address_rules(e, spec, was);
    return e->n == before && ((was && !external_name(was)) || address_granted(c, e, obj));
}

/* Nothing else is said, not even of the metadata, where something cannot be given out. */
static bool given_out(struct call *c, struct fielderrs *e, const json_t *obj, const json_t *was)
{
    struct fielderrs refused = FIELDERRS_IN(e->arena);
    const json_t *twice;

    if (addresses_given(c, &refused, obj, was) && node_ports_granted(c, &refused, obj, !was, &twice))
        return true;
    *e = refused;
    return false;
}

/* What cannot be given out and is no field's error. What is one is told by validation, and goes before. */
static int refused_whole(struct call *c, const json_t *obj, const json_t *was)
{
    struct fielderrs refused = FIELDERRS_IN(c->arena);
    const json_t *twice = NULL;

    if (!addresses_given(c, &refused, obj, was) || !node_ports_granted(c, &refused, obj, !was, &twice))
        return 0;
    if (twice)
        return apierr_set(&c->err, APIERR_UNKNOWN, "duplicate nodePort: {%s %" PRId64 "}", text(twice, "protocol"),
                          number(twice, "nodePort"));
    return was && needs_health_port(was) ? 0 : check_health_port(c, obj);
}

static int service_create(struct call *c, json_t *obj)
{
    const char *ip = obj_str(obj, "spec.clusterIP");

    obj_set(obj, "status", json_pack("{s:{}}", "loadBalancer"));
    if (*ip && !obj_count(obj, "spec.clusterIPs"))
        obj_set(obj, "spec.clusterIPs", json_pack("[s]", ip));
    if (c->route.sub)                            /* what comes about by its status gets no address */
        return 0;
    int r = give(c, obj, NULL);
    return r < 0 ? r : refused_whole(c, obj, NULL);
}

/* ---- what an update keeps ------------------------------------------------------------------------- */

/* A client that speaks of one of clusterIP and clusterIPs means both. */
static void same_addresses(json_t *obj, const json_t *old)
{
    const char *ip = obj_str(obj, "spec.clusterIP"), *was = obj_str(old, "spec.clusterIP");
    json_t *ips = json_path(obj, "spec.clusterIPs"), *had = json_path(old, "spec.clusterIPs");

    if (streq(ip, was) && !json_array_size(ips) && json_array_size(had))
        obj_set(obj, "spec.clusterIPs", json_incref(had));
    else if (!streq(ip, was) && (json_same(ips, had) || json_array_size(ips) + json_array_size(had) == 0))
        obj_set(obj, "spec.clusterIPs", *ip ? json_pack("[s]", ip) : NULL);
}

static void keep(json_t *obj, const json_t *old, const char *path)
{
    if (!json_path(obj, path) && json_path(old, path))
        obj_set(obj, path, json_incref(json_path(old, path)));
}

static void keep_ports(json_t *obj, const json_t *old)
{
    json_t *ports = json_clone(json_path(obj, "spec.ports")), *port, *was;
    size_t i, k;

    json_array_foreach(ports, i, port)
        json_array_foreach(json_path(old, "spec.ports"), k, was)
            if (!number(port, "nodePort") && number(was, "nodePort") && streq(text(port, "name"), text(was, "name"))
                && streq(text(port, "protocol"), text(was, "protocol")) && number(port, "port") == number(was, "port"))
                json_object_set(port, "nodePort", json_object_get(was, "nodePort"));
    if (ports)
        obj_set(obj, "spec.ports", ports);
}

static void drop_ports(json_t *obj, const json_t *old)
{
    json_t *ports = json_clone(json_path(obj, "spec.ports")), *port, *was;
    size_t i, k;

    json_array_foreach(ports, i, port)
        json_array_foreach(json_path(old, "spec.ports"), k, was)
            if (number(port, "nodePort") == number(was, "nodePort"))
                json_object_del(port, "nodePort");
    if (ports)
        obj_set(obj, "spec.ports", ports);
}

static void drop_same(json_t *obj, const json_t *old, const char *path)
{
    if (json_same(json_path(obj, path), json_path(old, path)))
        obj_set(obj, path, NULL);
}

/* What made sense for the type before and makes none now goes, unless the client changed it. */
static void drop_of_type(json_t *obj, const json_t *old)
{
    static const char *const of_cluster[] = { "spec.clusterIP", "spec.clusterIPs", "spec.ipFamilies", "spec.ipFamilyPolicy" };
    static const char *const of_balancer[] = { "spec.allocateLoadBalancerNodePorts", "spec.loadBalancerClass" };
    const json_t *spec = json_object_get(obj, "spec"), *was = json_object_get(old, "spec");
    bool ports = has_node_ports(was) && !has_node_ports(spec);

    for (size_t i = 0; i < ARRAY_SIZE(of_cluster) && external_name(spec) && !external_name(was); i++)
        drop_same(obj, old, of_cluster[i]);
    for (size_t i = 0; i < ARRAY_SIZE(of_balancer) && is_type(was, "LoadBalancer") && !is_type(spec, "LoadBalancer"); i++)
        drop_same(obj, old, of_balancer[i]);
    if (!ports)
        return;
    drop_ports(obj, old);
    drop_same(obj, old, "spec.externalTrafficPolicy");
    drop_same(obj, old, "spec.healthCheckNodePort");
    if (!streq(obj_str(obj, "spec.externalTrafficPolicy"), "Local"))
        obj_set(obj, "spec.externalTrafficPolicy", NULL);
}

static int service_prepare(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    const json_t *spec = json_object_get(obj, "spec"), *was = json_object_get(old, "spec");

    if (rule_is_status(sub)) {
        obj_set(obj, "spec", json_incref(json_object_get(old, "spec")));
        return 0;
    }
    obj_set(obj, "status", json_incref(json_object_get(old, "status")));
    if (!external_name(spec) && !external_name(was)) {
        if (!*obj_str(obj, "spec.clusterIP"))
            obj_set(obj, "spec.clusterIP", json_incref(json_path(old, "spec.clusterIP")));
        if (!obj_count(obj, "spec.clusterIPs"))
            obj_set(obj, "spec.clusterIPs", json_incref(json_path(old, "spec.clusterIPs")));
        keep(obj, old, "spec.ipFamilyPolicy");
    }
    same_addresses(obj, old);
    if (has_node_ports(was) && has_node_ports(json_object_get(obj, "spec"))) {
        keep_ports(obj, old);
        keep(obj, old, "spec.healthCheckNodePort");
    }
    drop_of_type(obj, old);
    int r = give(c, obj, old);
    return r < 0 ? r : refused_whole(c, obj, was);
}

/* ---- rules ---------------------------------------------------------------------------------------- */

static const char range_words[] = "must be between 1 and 65535, inclusive";

static void port_number(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    int64_t n = json_integer_value(v);

    if (json_is_string(v))
        rule_name(e, path, NAME_PORT, json_string_value(v));
    else if (n < 1 || n > 65535)
        fielderr_invalid_int(e, path, n, "%s", range_words);
}

static void service_port(struct fielderrs *e, const json_t *ports, size_t i, const struct fpath *at)
{
    static const char *const protocols[] = { "SCTP", "TCP", "UDP", NULL };
    const json_t *port = json_array_get(ports, i);
    const char *name = text(port, "name");

    if (!*name && json_array_size(ports) > 1)
        fielderr_required(e, FP_CHILD(at, "name"), "");
    if (*name) {
        rule_name(e, FP_CHILD(at, "name"), NAME_DNS1123_LABEL, name);
        if (name_before(ports, i, name))
            fielderr_duplicate_str(e, FP_CHILD(at, "name"), name);
    }
    port_number(e, json_object_get(port, "port"), FP_CHILD(at, "port"));
    rule_required_one_of(e, port, at, "protocol", protocols);
    port_number(e, json_object_get(port, "targetPort"), FP_CHILD(at, "targetPort"));
    if (member(port, "appProtocol"))
        rule_name(e, FP_CHILD(at, "appProtocol"), NAME_QUALIFIED, text(port, "appProtocol"));
}

static bool port_used_before(const json_t *ports, size_t i)
{
    const json_t *port = json_array_get(ports, i);

    for (size_t k = 0; k < i; k++) {
        const json_t *other = json_array_get(ports, k);
        if (number(other, "nodePort") == number(port, "nodePort") && streq(text(other, "protocol"), text(port, "protocol")))
            return true;
    }
    return false;
}

static bool same_port(const json_t *a, const json_t *b)
{
    return number(a, "port") == number(b, "port") && streq(text(a, "protocol"), text(b, "protocol"));
}

/* The same number and protocol twice: shown without their names. */
static void port_twice(struct fielderrs *e, const json_t *ports, size_t i, const struct fpath *at)
{
    const json_t *port = json_array_get(ports, i);

    for (size_t k = 0; k < i; k++) {
        if (!same_port(port, json_array_get(ports, k)))
            continue;
        json_auto_t *shown = json_pack("{s:s, s:s, s:n, s:I, s:i, s:i}", "Name", "", "Protocol", text(port, "protocol"),
                                       "AppProtocol", "Port", (json_int_t)number(port, "port"), "TargetPort", 0, "NodePort", 0);
        fielderr_duplicate(e, at, shown);
        return;
    }
}

static void node_ports(struct fielderrs *e, const json_t *spec)
{
    const json_t *ports = json_object_get(spec, "ports");
    size_t i;
    json_t *port;

    json_array_foreach(is_type(spec, "ClusterIP") ? ports : NULL, i, port)
        if (number(port, "nodePort"))
            fielderr_forbidden(e, FP_CHILD(FP_INDEX(FP_CHILD(SPEC, "ports"), i), "nodePort"),
                               "may not be used when `type` is 'ClusterIP'");
    json_array_foreach(ports, i, port)
        if (number(port, "nodePort") && port_used_before(ports, i))
            fielderr_duplicate(e, FP_CHILD(FP_INDEX(FP_CHILD(SPEC, "ports"), i), "nodePort"), member(port, "nodePort"));
}

static void external_ips(struct fielderrs *e, const json_t *list, const json_t *had)
{
    size_t i, k;
    json_t *ip;

    json_array_foreach(list, i, ip) {
        const struct fpath *at = FP_INDEX(FP_CHILD(SPEC, "externalIPs"), i);
        for (k = 0; k < json_array_size(had) && !json_same(ip, json_array_get(had, k)); k++)
            ;
        if (k < json_array_size(had) || net_family(json_string_value(ip)))
            net_not_special(e, json_string_value(ip), at);
        else
            fielderr_invalid(e, at, ip, "%s", net_ip_words);
    }
}

static void source_ranges(struct fielderrs *e, const json_t *spec)
{
    const struct fpath *path = FP_CHILD(SPEC, "LoadBalancerSourceRanges");
    const json_t *list = json_object_get(spec, "loadBalancerSourceRanges");
    size_t i;
    json_t *v;

    if (json_array_size(list) && !is_type(spec, "LoadBalancer"))
        fielderr_forbidden(e, path, "may only be used when `type` is 'LoadBalancer'");
    json_array_foreach(list, i, v) {
        char *range = arena_strdup(e->arena, json_string_value(v));
        range += strspn(range, " \t\n\r");
        for (size_t n = strlen(range); n && strchr(" \t\n\r", range[n - 1]); n--)
            range[n - 1] = '\0';
        if (!net_cidr_family(range))
            fielderr_invalid_str(e, FP_INDEX(path, i), range, "%s", net_cidr_words);
    }
}

static const char balancers_only[] = "may only be used when `type` is 'LoadBalancer'";

static void balancer_class(struct fielderrs *e, const json_t *spec)
{
    const json_t *class = member(spec, "loadBalancerClass");

    if (class && !is_type(spec, "LoadBalancer"))
        fielderr_forbidden(e, FP_CHILD(SPEC, "loadBalancerClass"), "%s", balancers_only);
    else if (class)
        rule_name(e, FP_CHILD(SPEC, "loadBalancerClass"), NAME_QUALIFIED, text(spec, "loadBalancerClass"));
}

static void balancer_only(struct fielderrs *e, const json_t *spec)
{
    if (member(spec, "allocateLoadBalancerNodePorts") && !is_type(spec, "LoadBalancer"))
        fielderr_forbidden(e, FP_CHILD(SPEC, "allocateLoadBalancerNodePorts"), "%s", balancers_only);
    balancer_class(e, spec);
}

static void session_affinity(struct fielderrs *e, const json_t *spec)
{
    static const char *const affinities[] = { "ClientIP", "None", NULL };
    const struct fpath *at = FP_CHILD(SPEC, "sessionAffinityConfig");
    const json_t *config = member(spec, "sessionAffinityConfig"), *timeout = json_path(config, "clientIP.timeoutSeconds");
    const char *affinity = text(spec, "sessionAffinity");

    rule_required_one_of(e, spec, SPEC, "sessionAffinity", affinities);
    if (streq(affinity, "None") && config)
        fielderr_forbidden(e, at, "must not be set when session affinity is None");
    else if (streq(affinity, "ClientIP") && timeout
             && (json_integer_value(timeout) <= 0 || json_integer_value(timeout) > 86400))
        fielderr_invalid(e, FP_CHILD(FP_CHILD(at, "clientIP"), "timeoutSeconds"), timeout,
                         "must be greater than 0 and less than 86400");
}

static void service_policies(struct fielderrs *e, const json_t *spec)
{
    static const char *const where[] = { "Cluster", "Local", NULL };
    static const char *const spread[] = { "PreferClose", "PreferSameZone", "PreferSameNode", NULL };
    const json_t *external = member(spec, "externalTrafficPolicy");

    if (external && !has_node_ports(spec) && !json_array_size(json_object_get(spec, "externalIPs")))
        fielderr_invalid(e, FP_CHILD(SPEC, "externalTrafficPolicy"), external,
                         "may only be set for externally-accessible services");
    else
        rule_one_of(e, spec, SPEC, "externalTrafficPolicy", where);
    if (!needs_health_port(spec) && number(spec, "healthCheckNodePort"))
        fielderr_invalid(e, FP_CHILD(SPEC, "healthCheckNodePort"), member(spec, "healthCheckNodePort"),
                         "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
    else if (needs_health_port(spec))
        rule_range(e, spec, SPEC, "healthCheckNodePort", 1, 65535);
    rule_one_of(e, spec, SPEC, "internalTrafficPolicy", where);
    rule_one_of(e, spec, SPEC, "trafficDistribution", spread);
}

static void service_external(struct fielderrs *e, const json_t *spec)
{
    static const char words[] = "may not be set for ExternalName services";
    cleanup_free char *name = xstrdup(text(spec, "externalName"));
    size_t n = strlen(name);

    if (json_array_size(json_object_get(spec, "clusterIPs")))
        fielderr_forbidden(e, FP_CHILD(SPEC, "clusterIPs"), "%s", words);
    if (json_array_size(json_object_get(spec, "ipFamilies")))
        fielderr_forbidden(e, FP_CHILD(SPEC, "ipFamilies"), "%s", words);
    if (member(spec, "ipFamilyPolicy"))
        fielderr_forbidden(e, FP_CHILD(SPEC, "ipFamilyPolicy"), "%s", words);
    if (n && name[n - 1] == '.')
        name[n - 1] = '\0';
    if (n)
        rule_name(e, FP_CHILD(SPEC, "externalName"), NAME_DNS1123_SUBDOMAIN, name);
    else
        fielderr_required(e, FP_CHILD(SPEC, "externalName"), "");
}

static void service_rules(const json_t *obj, const json_t *old, struct fielderrs *e)
{
    static const char *const types[] = { "ClusterIP", "ExternalName", "LoadBalancer", "NodePort", NULL };
    const json_t *spec = json_object_get(obj, "spec"), *ports = json_object_get(spec, "ports");
    size_t i;
    json_t *port;

    if (!json_array_size(ports) && !headless(spec) && !external_name(spec))
        fielderr_required(e, FP_CHILD(SPEC, "ports"), "");
    if (has_node_ports(spec) && service_headless(spec))
        fielderr_invalid_str(e, FP_INDEX(FP_CHILD(SPEC, "clusterIPs"), 0), "None",
                             "may not be set to 'None' for %s services", text(spec, "type"));
    if (external_name(spec))
        service_external(e, spec);
    json_array_foreach(ports, i, port)
        service_port(e, ports, i, FP_INDEX(FP_CHILD(SPEC, "ports"), i));
    rule_labels(e, member(spec, "selector"), FP_CHILD(SPEC, "selector"));
    session_affinity(e, spec);
    external_ips(e, json_object_get(spec, "externalIPs"), json_path(old, "spec.externalIPs"));
    rule_required_one_of(e, spec, SPEC, "type", types);
    node_ports(e, spec);
    json_array_foreach(ports, i, port)
        port_twice(e, ports, i, FP_INDEX(FP_CHILD(SPEC, "ports"), i));
    source_ranges(e, spec);
    balancer_only(e, spec);
    service_policies(e, spec);
}

static void service_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    if (given_out(c, e, obj, NULL))
        service_rules(obj, NULL, e);
}

static void ingress_point(struct fielderrs *e, const json_t *v, const struct fpath *at)
{
    static const char *const ways[] = { "Proxy", "VIP", NULL };
    const char *ip = text(v, "ip"), *host = text(v, "hostname");

    if (*ip && !net_family(ip))
        fielderr_invalid_str(e, FP_CHILD(at, "ip"), ip, "%s", net_ip_words);
    rule_one_of(e, v, at, "ipMode", ways);
    if (*host && net_family(host))
        fielderr_invalid_str(e, FP_CHILD(at, "hostname"), host, "must be a DNS name, not an IP address");
    else if (*host)
        rule_name(e, FP_CHILD(at, "hostname"), NAME_DNS1123_SUBDOMAIN, host);
}

static void service_status(struct fielderrs *e, const json_t *obj)
{
    const json_t *list = json_path(obj, "status.loadBalancer.ingress");
    const struct fpath *path = FP_CHILD(FP_CHILD(RULE_AT("status"), "loadBalancer"), "ingress");
    size_t i;
    json_t *v;

    if (json_array_size(list) && !streq(obj_str(obj, "spec.type"), "LoadBalancer")) {
        fielderr_forbidden(e, path, "may only be used when `spec.type` is 'LoadBalancer'");
        return;
    }
    json_array_foreach(list, i, v)
        ingress_point(e, v, FP_INDEX(path, i));
}

static void service_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                           const json_t *old, struct fielderrs *e)
{
    const json_t *spec = json_object_get(obj, "spec"), *was = json_object_get(old, "spec");

    if (rule_is_status(sub)) {
        service_status(e, obj);
        return;
    }
    if (!given_out(c, e, obj, was))
        return;
    if (!external_name(spec) && !external_name(was))
        service_addresses_kept(e, spec, was);
    if (is_type(spec, "LoadBalancer") && is_type(was, "LoadBalancer") && member(was, "loadBalancerClass")
        && !json_same(member(spec, "loadBalancerClass"), member(was, "loadBalancerClass")))
        fielderr_invalid(e, FP_CHILD(SPEC, "loadBalancerClass"), rule_shown(member(spec, "loadBalancerClass")),
                         "may not change once set");
    if (needs_health_port(spec) && needs_health_port(was)
        && number(spec, "healthCheckNodePort") != number(was, "healthCheckNodePort"))
        fielderr_forbidden(e, FP_CHILD(SPEC, "healthCheckNodePort"), "field is immutable");
    balancer_class(e, spec);           /* and once more among all rules */
    service_rules(obj, old, e);
}

const struct kind_ops service_ops = {
    .prepare_create = service_create, .prepare_update = service_prepare, .validate = service_validate,
    .validate_update = service_update, .warn = service_warn, .beside = addresses_follow, .deleted = addresses_release,
};
