/* Proxies to Nodes, Pods and Services: who is meant is looked up and checked, but nobody is there to be reached. */
#include "fakeapi/apiserver/builtin/rules.h"

#include <arpa/inet.h>

int connect_dry_run(struct call *c)
{
    if (!query_get(&c->query, "dryRun"))
        return 0;
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "dryRun is not supported");
}

/* "name", "name:port", "scheme:name:port". */
static bool split_target(struct call *c, const char **ret_name, const char **ret_port)
{
    char *parts[4] = { 0 }, *rest = arena_strdup(c->arena, c->route.name);
    size_t n = 0;

    for (char *next; rest; rest = next) {
        next = strchr(rest, ':');
        if (next)
            *next++ = 0;
        if (n == ARRAY_SIZE(parts) - 1)
            return false;
        parts[n++] = rest;
    }
    *ret_name = n == 3 ? parts[1] : parts[0];
    *ret_port = n == 3 ? parts[2] : n == 2 ? parts[1] : "";
    return **ret_name && (n < 3 || !*parts[0] || streq(parts[0], "http") || streq(parts[0], "https"));
}

static int unreachable(struct call *c, const char *host, const char *port)
{
    return apierr_set(&c->err, APIERR_SERVICE_UNAVAILABLE, "error trying to reach service: dial tcp %s:%s: connect: "
                      "connection refused", host, *port ? port : "80");
}

static bool global_address(const char *ip)
{
    struct in6_addr six;
    struct in_addr four;

    if (inet_pton(AF_INET, ip, &four) == 1) {
        uint32_t a = ntohl(four.s_addr);
        return a && a != UINT32_MAX && a >> 24 != 127 && a >> 28 != 14 && a >> 16 != 0xa9fe;
    }
    return inet_pton(AF_INET6, ip, &six) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&six) && !IN6_IS_ADDR_LOOPBACK(&six) &&
           !IN6_IS_ADDR_MULTICAST(&six) && !IN6_IS_ADDR_LINKLOCAL(&six);
}

static int pod_target(struct call *c, const json_t *pod, const char *port)
{
    const char *ip = obj_str(json_array_get(json_path(pod, "status.podIPs"), 0), "ip");

    if (!global_address(ip))
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "address not allowed");
    return unreachable(c, ip, port);
}

static int service_target(struct call *c, const json_t *service, const char *port)
{
    int64_t number;
    bool found = false;
    size_t i;
    json_t *p;

    json_array_foreach(json_path(service, "spec.ports"), i, p)
        found = found || (parse_i64(port, &number) && json_integer_value(json_object_get(p, "port")) == number);
    if (parse_i64(port, &number) && !found)
        return apierr_set(&c->err, APIERR_SERVICE_UNAVAILABLE, "no service port %s found for service \"%s\"", port,
                          obj_name(service));
    return apierr_set(&c->err, APIERR_SERVICE_UNAVAILABLE, "no endpoints available for service \"%s\"", c->route.name);
}

static int node_target(struct call *c, const json_t *node, const char *port)
{
    (void)node;
    (void)port;
    return apierr_set(&c->err, APIERR_UNKNOWN, "no preferred addresses found; known addresses: []");
}

int proxy_connect(struct call *c)
{
    static const struct target_row {
        const char *plural, *word;
        int (*reach)(struct call *c, const json_t *obj, const char *port);
    } rows[] = {
        { "pods", "pod", pod_target }, { "services", "service", service_target }, { "nodes", "node", node_target },
    };
    const char *name, *port;
    struct record rec;
    int r = connect_dry_run(c);

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++) {
        if (!streq(rows[i].plural, c->route.kind->res.plural))
            continue;
        if (!split_target(c, &name, &port))
            return apierr_set(&c->err, APIERR_BAD_REQUEST, "invalid %s request \"%s\"", rows[i].word, c->route.name);
        if ((r = get_record(c, c->route.kind, c->route.namespace, name, &rec)) < 0)
            return r;
        return rows[i].reach(c, value_tree(rec.value), port);
    }
    return r;
}
