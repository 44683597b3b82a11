#include "kube/fielderr.h"
#include "kube/kcel/libs.h"
#include "kube/netip.h"

/* Addresses and prefixes: net.IP and net.CIDR. */

struct ip_value {
    struct cel_opaque base;
    struct netip ip;
};

struct cidr_value {
    struct cel_opaque base;
    struct netip_prefix net;
};

const struct cel_type kcel_type_ip = { .kind = CEL_TYPE_OPAQUE, .name = "net.IP" };
const struct cel_type kcel_type_cidr = { .kind = CEL_TYPE_OPAQUE, .name = "net.CIDR" };

static struct cel_value same_ip(struct cel_run *run, const struct cel_opaque *a, const struct cel_opaque *b)
{
    return cel_bool(netip_same(&container_of(a, struct ip_value, base)->ip, &container_of(b, struct ip_value, base)->ip));
}

static struct cel_value same_cidr(struct cel_run *run, const struct cel_opaque *a, const struct cel_opaque *b)
{
    const struct netip_prefix *x = &container_of(a, struct cidr_value, base)->net;
    const struct netip_prefix *y = &container_of(b, struct cidr_value, base)->net;

    return cel_bool(x->bits == y->bits && netip_same(&x->addr, &y->addr));
}

static uint64_t ip_size(const struct cel_opaque *o)
{
    return container_of(o, struct ip_value, base)->ip.is6 ? 16 : 4;
}

static uint64_t cidr_size(const struct cel_opaque *o)
{
    return ((uint64_t)container_of(o, struct cidr_value, base)->net.bits + 7) / 8;
}

static const struct cel_opaque_ops ip_ops = { .type = &kcel_type_ip, .equal = same_ip, .size = ip_size };
static const struct cel_opaque_ops cidr_ops = { .type = &kcel_type_cidr, .equal = same_cidr, .size = cidr_size };

static const struct netip *ip_of(struct cel_value v)
{
    const struct cel_opaque *o = kcel_opaque_of(v, &ip_ops);

    return o ? &container_of(o, struct ip_value, base)->ip : NULL;
}

static const struct netip_prefix *cidr_of(struct cel_value v)
{
    const struct cel_opaque *o = kcel_opaque_of(v, &cidr_ops);

    return o ? &container_of(o, struct cidr_value, base)->net : NULL;
}

static struct cel_value ip_value(struct arena *a, const struct netip *ip)
{
    struct ip_value *v = arena_alloc(a, sizeof(*v));

    v->base.ops = &ip_ops;
    v->ip = *ip;
    return cel_opaque(&v->base);
}

static struct cel_value cidr_value(struct arena *a, const struct netip_prefix *net)
{
    struct cidr_value *v = arena_alloc(a, sizeof(*v));

    v->base.ops = &cidr_ops;
    v->net = *net;
    return cel_opaque(&v->base);
}

static const char *quoted(struct arena *a, struct cel_value s)
{
    cleanup_buf struct buf b = BUF_INIT;

    go_quote(&b, s.s, s.len);
    return arena_strndup(a, b.data, b.len);
}

/* ---- reading ---------------------------------------------------------------------------------------- */

static const char *parse_ip(struct arena *a, struct cel_value s, struct netip *ret)
{
    const char *why = netip_parse(a, s.s, s.len, ret);

    if (why)
        return arena_printf(a, "IP Address %s parse error during conversion from string: %s", quoted(a, s), why);
    if (ret->zoned)
        return arena_printf(a, "IP address %s with zone value is not allowed", quoted(a, s));
    if (netip_is_4in6(ret))
        return arena_printf(a, "IPv4-mapped IPv6 address %s is not allowed", quoted(a, s));
    return NULL;
}

static const char *parse_cidr(struct arena *a, struct cel_value s, struct netip_prefix *ret)
{
    const char *why = netip_parse_prefix(a, s.s, s.len, ret);

    if (why)
        return arena_printf(a, "network address parse error during conversion from string: %s", why);
    if (netip_is_4in6(&ret->addr))
        return arena_printf(a, "IPv4-mapped IPv6 address %s is not allowed", quoted(a, s));
    return NULL;
}

static struct cel_value to_ip(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct netip ip;

    if (args[0].kind != CEL_STRING)
        return cel_no_such_overload(run);
    const char *why = parse_ip(cel_arena(run), args[0], &ip);
    return why ? cel_error(run, "%s", why) : ip_value(cel_arena(run), &ip);
}

static struct cel_value to_cidr(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct netip_prefix net;

    if (args[0].kind != CEL_STRING)
        return cel_no_such_overload(run);
    const char *why = parse_cidr(cel_arena(run), args[0], &net);
    if (why)
        return cel_error(run, "network address parse error during conversion from string: %s", why);
    return cidr_value(cel_arena(run), &net);
}

static struct cel_value is_ip(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct netip ip;

    return args[0].kind == CEL_STRING ? cel_bool(!parse_ip(cel_arena(run), args[0], &ip)) : cel_no_such_overload(run);
}

static struct cel_value is_cidr(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct netip_prefix net;

    return args[0].kind == CEL_STRING ? cel_bool(!parse_cidr(cel_arena(run), args[0], &net)) : cel_no_such_overload(run);
}

static struct cel_value is_canonical(struct cel_run *run, const struct cel_value *args, size_t n)
{
    char text[NETIP_TEXT_MAX];
    struct netip ip;

    if (args[0].kind != CEL_STRING)
        return cel_no_such_overload(run);
    const char *why = parse_ip(cel_arena(run), args[0], &ip);
    if (why)
        return cel_error(run, "%s", why);
    netip_text(&ip, text);
    return cel_bool(strlen(text) == args[0].len && memcmp(text, args[0].s, args[0].len) == 0);
}

static struct cel_value ip_string(struct cel_run *run, const struct cel_value *args, size_t n)
{
    char text[NETIP_TEXT_MAX];

    if (!ip_of(args[0]))
        return cel_no_such_overload(run);
    netip_text(ip_of(args[0]), text);
    return cel_str(arena_strdup(cel_arena(run), text));
}

static struct cel_value cidr_string(struct cel_run *run, const struct cel_value *args, size_t n)
{
    char text[NETIP_TEXT_MAX];

    if (!cidr_of(args[0]))
        return cel_no_such_overload(run);
    netip_prefix_text(cidr_of(args[0]), text);
    return cel_str(arena_strdup(cel_arena(run), text));
}

/* ---- asking ------------------------------------------------------------------------------------------ */

static struct cel_value family(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct netip *ip = ip_of(args[0]);

    return ip ? cel_int(ip->is6 ? 6 : 4) : cel_no_such_overload(run);
}

#define IP_QUESTION(name, predicate)                                                               \
    static struct cel_value name(struct cel_run *run, const struct cel_value *args, size_t n)       \
    {                                                                                               \
        const struct netip *ip = ip_of(args[0]);                                                    \
                                                                                                    \
        return ip ? cel_bool(predicate(ip)) : cel_no_such_overload(run);                            \
    }
IP_QUESTION(is_unspecified, netip_is_unspecified)
IP_QUESTION(is_loopback, netip_is_loopback)
IP_QUESTION(is_link_local_multicast, netip_is_link_local_multicast)
IP_QUESTION(is_link_local_unicast, netip_is_link_local_unicast)
IP_QUESTION(is_global_unicast, netip_is_global_unicast)

static struct cel_value prefix_length(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct netip_prefix *net = cidr_of(args[0]);

    return net ? cel_int(net->bits) : cel_no_such_overload(run);
}

static struct cel_value cidr_ip(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct netip_prefix *net = cidr_of(args[0]);

    return net ? ip_value(cel_arena(run), &net->addr) : cel_no_such_overload(run);
}

static struct cel_value masked(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct netip_prefix *net = cidr_of(args[0]);

    if (!net)
        return cel_no_such_overload(run);
    struct netip_prefix m = netip_masked(net);
    return cidr_value(cel_arena(run), &m);
}

static struct cel_value contains_ip(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct netip_prefix *net = cidr_of(args[0]);
    const struct netip *ip = ip_of(args[1]);

    return net && ip ? cel_bool(netip_contains(net, ip)) : cel_no_such_overload(run);
}

static struct cel_value contains_cidr(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct netip_prefix *net = cidr_of(args[0]), *other = cidr_of(args[1]);

    return net && other ? cel_bool(netip_overlaps(net, other) && net->bits <= other->bits) : cel_no_such_overload(run);
}

/* A text that is no address has no overload; a text that is no prefix says why. */
static struct cel_value contains_ip_text(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value ip = to_ip(run, args + 1, 1), both[2] = { args[0], ip };

    return contains_ip(run, both, n);
}

static struct cel_value contains_cidr_text(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value net = to_cidr(run, args + 1, 1), both[2] = { args[0], net };

    return cel_is_error(net) ? net : contains_cidr(run, both, n);
}

static const struct cel_overload rows[] = {
    { .function = "ip", .id = "string_to_ip", .signature = "(string) net.IP", .fn = to_ip },
    { .function = "family", .id = "ip_family", .signature = "net.IP.() int", .fn = family },
    { .function = "ip.isCanonical", .id = "ip_is_canonical", .signature = "(string) bool", .fn = is_canonical },
    { .function = "isUnspecified", .id = "ip_is_unspecified", .signature = "net.IP.() bool", .fn = is_unspecified },
    { .function = "isLoopback", .id = "ip_is_loopback", .signature = "net.IP.() bool", .fn = is_loopback },
    { .function = "isLinkLocalMulticast", .id = "ip_is_link_local_multicast", .signature = "net.IP.() bool",
      .fn = is_link_local_multicast },
    { .function = "isLinkLocalUnicast", .id = "ip_is_link_local_unicast", .signature = "net.IP.() bool",
      .fn = is_link_local_unicast },
    { .function = "isGlobalUnicast", .id = "ip_is_global_unicast", .signature = "net.IP.() bool", .fn = is_global_unicast },
    { .function = "isIP", .id = "is_ip", .signature = "(string) bool", .fn = is_ip },
    { .function = "string", .id = "ip_to_string", .signature = "(net.IP) string", .fn = ip_string },
    { .function = "cidr", .id = "string_to_cidr", .signature = "(string) net.CIDR", .fn = to_cidr },
    { .function = "containsIP", .id = "cidr_contains_ip_string", .signature = "net.CIDR.(string) bool",
      .fn = contains_ip_text },
    { .function = "containsIP", .id = "cidr_contains_ip_ip", .signature = "net.CIDR.(net.IP) bool", .fn = contains_ip },
    { .function = "containsCIDR", .id = "cidr_contains_cidr_string", .signature = "net.CIDR.(string) bool",
      .fn = contains_cidr_text },
    { .function = "containsCIDR", .id = "cidr_contains_cidr", .signature = "net.CIDR.(net.CIDR) bool",
      .fn = contains_cidr },
    { .function = "ip", .id = "cidr_ip", .signature = "net.CIDR.() net.IP", .fn = cidr_ip },
    { .function = "prefixLength", .id = "cidr_prefix_length", .signature = "net.CIDR.() int", .fn = prefix_length },
    { .function = "masked", .id = "cidr_masked", .signature = "net.CIDR.() net.CIDR", .fn = masked },
    { .function = "isCIDR", .id = "is_cidr", .signature = "(string) bool", .fn = is_cidr },
    { .function = "string", .id = "cidr_to_string", .signature = "(net.CIDR) string", .fn = cidr_string },
};

const struct kcel_lib kcel_ips = { rows, ARRAY_SIZE(rows) };
