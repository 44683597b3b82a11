#include "fakeapi/apiserver/builtin/addresses.h"

#include <arpa/inet.h>

#define ADDRESSES "/registry/ipaddresses/"
#define RANGES "/registry/servicecidrs/"

/* ---- ranges --------------------------------------------------------------------------------------- */

/* The network's own address and that of all its members are nobody's. What lies before `dynamic` is for those who
 * ask for it (KEP-3070). */
struct range {
    uint32_t first, dynamic, last;
};
typedef DYN(struct range) ranges_t;

static uint32_t at_least(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void add_range(ranges_t *list, const char *cidr)
{
    size_t n = strcspn(cidr, "/");
    char ip[INET_ADDRSTRLEN];
    struct in_addr a;
    uint64_t bits;

    if (n >= sizeof(ip) || !cidr[n] || !parse_u64(cidr + n + 1, &bits) || bits < 8 || bits > 30)
        return;
    memcpy(ip, cidr, n);
    ip[n] = '\0';
    if (inet_pton(AF_INET, ip, &a) != 1)
        return;
    uint32_t size = UINT32_C(1) << (32 - bits), base = ntohl(a.s_addr) & ~(size - 1);
    uint32_t offset = at_least(16, size / 16);
    if (offset > 256)
        offset = 256;
    *dyn_push(list) = (struct range){ base + 1, size > 32 ? base + 1 + offset : base + 1, base + size - 2 };
}

static bool add_ranges(void *arg, const struct record *r)
{
    const json_t *obj = value_tree(r->value);
    size_t i;
    json_t *cidr;

    if (!obj_is_deleting(obj))
        json_array_foreach(json_path(obj, "spec.cidrs"), i, cidr)
            add_range(arg, json_string_value(cidr));
    return true;
}

/* The range of the command line is there before the ServiceCIDR that says so. */
static void ranges_read(struct call *c, ranges_t *ret)
{
    add_range(ret, ADDRESS_OF_DRY_RUN "/24");
    store_range(c->s->store, RANGES, NULL, 0, 0, add_ranges, ret, NULL);
}

/* ---- IPAddress ------------------------------------------------------------------------------------ */

static void strict_address(struct fielderrs *e, const char *ip, const struct fpath *path)
{
    char canonical[INET6_ADDRSTRLEN];
    unsigned char bits[16];
    int family = inet_pton(AF_INET, ip, bits) == 1 ? AF_INET : AF_INET6;

    if (inet_pton(family, ip, bits) != 1) {
        fielderr_invalid_str(e, path, ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
        return;
    }
    inet_ntop(family, bits, canonical, sizeof(canonical));
    if (!streq(ip, canonical))
        fielderr_invalid_str(e, path, ip, "must be in canonical form (\"%s\")", canonical);
}

static void address_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *parent = json_path(obj, "spec.parentRef");
    const struct fpath *at = FP_CHILD(RULE_AT("spec"), "parentRef");

    strict_address(e, obj_name(obj), FP_CHILD(RULE_AT("metadata"), "name"));
    if (!parent) {
        fielderr_required(e, at, "");
        return;
    }
    rule_optional_name(e, parent, at, "group", NAME_DNS1123_SUBDOMAIN);
    if (rule_required_text(e, parent, at, "resource"))
        rule_optional_name(e, parent, at, "resource", NAME_PATH_SEGMENT);
    if (rule_required_text(e, parent, at, "name"))
        rule_optional_name(e, parent, at, "name", NAME_PATH_SEGMENT);
    rule_optional_name(e, parent, at, "namespace", NAME_PATH_SEGMENT);
}

static void address_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                           const json_t *old, struct fielderrs *e)
{
    address_validate(c, k, obj, e);
    rule_immutable(e, FP_CHILD(RULE_AT("spec"), "parentRef"), json_path(obj, "spec.parentRef"),
                   json_path(old, "spec.parentRef"));
}

const struct kind_ops ipaddress_ops = { .validate = address_validate, .validate_update = address_update };

/* ---- addresses ------------------------------------------------------------------------------------ */

static const char *printed(struct call *c, uint32_t ip)
{
    return arena_printf(c->arena, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

bool address_read(const char *text, uint32_t *ret)
{
    uint32_t ip = 0;

    for (int part = 0; part < 4; part++) {
        size_t digits = strspn(text, "0123456789");
        unsigned long n = digits && digits < 10 ? strtoul(text, NULL, 10) : 256;
        if (n > 255 || text[digits] != (part < 3 ? '.' : '\0'))
            return false;
        ip = ip << 8 | (uint32_t)n;
        text += digits + (part < 3);
    }
    *ret = ip;
    return true;
}

const char *address_canonical(struct call *c, const char *text)
{
    uint32_t ip;

    return address_read(text, &ip) ? printed(c, ip) : NULL;
}

static json_t *address_new(const char *ip, const json_t *service)
{
    return json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:s}}, s:{s:{s:s, s:s, s:s}}}", "apiVersion", "networking.k8s.io/v1",
        "kind", "IPAddress", "metadata", "name", ip, "labels", "ipaddress.kubernetes.io/ip-family", "IPv4",
        "ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io", "spec", "parentRef", "resource", "services",
        "namespace", obj_namespace(service), "name", obj_name(service));
}

/* The IPAddress is written before the Service is looked at, and refused where the Service's name can be none of a
 * parent. NULL: it is not. */
static const char *parent_refused(struct call *c, const char *ip, const json_t *service)
{
    const struct kind *k = kinds_find(c->s->kinds, "networking.k8s.io", "v1", "ipaddresses");
    json_auto_t *obj = address_new(ip, service);
    struct fielderrs e = FIELDERRS_IN(c->arena);
    struct apierr err = APIERR_IN(c->arena);

    address_validate(c, k, obj, &e);
    return fielderrs_status(&e, &err, k->res.group, k->res.kind, ip) < 0 ? err.message : NULL;
}

static bool taken(struct call *c, const char *ip)
{
    struct record r;

    return store_get(c->s->store, arena_printf(c->arena, ADDRESSES "%s", ip), 0, &r) == 0;
}

const char *address_refused(struct call *c, const char *canonical, const json_t *service)
{
    ranges_t ranges = { 0 };
    struct in_addr a;
    bool inside = false;

    inet_pton(AF_INET, canonical, &a);
    ranges_read(c, &ranges);
    for (size_t i = 0; i < ranges.n; i++)
        inside |= ntohl(a.s_addr) >= ranges.v[i].first && ntohl(a.s_addr) <= ranges.v[i].last;
    dyn_release(&ranges);
    if (!inside)
        return "the provided network does not match the current range";
    const char *why = parent_refused(c, canonical, service);
    return why ? why : taken(c, canonical) ? "provided IP is already allocated" : NULL;
}

static const char *free_between(struct call *c, uint32_t first, uint32_t end)
{
    for (uint32_t ip = first; ip < end; ip++)
        if (!taken(c, printed(c, ip)))
            return printed(c, ip);
    return NULL;
}

const char *address_free(struct call *c, const json_t *service)
{
    ranges_t ranges = { 0 };
    const char *ip = NULL;

    if (parent_refused(c, ADDRESS_OF_DRY_RUN, service))
        return NULL;                   /* whichever is tried */
    ranges_read(c, &ranges);
    for (size_t i = 0; i < ranges.n && !ip; i++) {
        ip = free_between(c, ranges.v[i].dynamic, ranges.v[i].last + 1);
        if (!ip)
            ip = free_between(c, ranges.v[i].first, ranges.v[i].dynamic);
    }
    dyn_release(&ranges);
    return ip;
}

/* ---- the objects ---------------------------------------------------------------------------------- */

/* "" where it has none. */
static const char *address_of(struct call *c, const json_t *service)
{
    const char *ip = obj_str(service, "spec.clusterIP");
    const char *canonical = streq(obj_str(service, "spec.type"), "ExternalName") ? NULL : address_canonical(c, ip);

    return canonical ? canonical : "";
}

static const struct kind *own_call(struct call *own, struct call *c)
{
    const struct kind *k = kinds_find(c->s->kinds, "networking.k8s.io", "v1", "ipaddresses");

    call_init(own, c->s, c->arena);
    own->internal = true;
    own->user_agent = "kube-apiserver";
    own->route.kind = k;
    return k;
}

static int write_address(struct call *c, const char *ip, const json_t *service)
{
    json_t *obj = address_new(ip, service);
    struct value *v = NULL;
    struct call own;
    const struct kind *k = own_call(&own, c);
    int r = create_object(&own, k, "", obj, &v);

    value_unref(v);
    if (r < 0)
        c->err = own.err;
    call_release(&own);
    return r;
}

static void delete_address(struct call *c, const char *ip)
{
    struct delete_request d = { .orphan = -1 };
    struct value *v = NULL;
    struct call own;
    const struct kind *k = own_call(&own, c);
    bool gone;

    delete_object(&own, k, "", ip, &d, &v, &gone);   /* gone already is as well */
    value_unref(v);
    call_release(&own);
}

int addresses_follow(struct call *c, const json_t *service, const json_t *old)
{
    const char *ip = address_of(c, service), *had = address_of(c, old);
    int r = *ip && !streq(ip, had) ? write_address(c, ip, service) : 0;

    if (r == 0 && *had && !streq(ip, had))
        delete_address(c, had);
    return r;
}

void addresses_release(struct call *c, const json_t *service)
{
    const char *ip = address_of(c, service);

    if (*ip)
        delete_address(c, ip);
}

/* ---- ServiceCIDR ---------------------------------------------------------------------------------- */

/* 4 or 6; 0 where it is no network, which has been said then. */
static int strict_network(struct fielderrs *e, const char *cidr, const struct fpath *path)
{
    size_t n = strcspn(cidr, "/");
    char ip[INET6_ADDRSTRLEN], canonical[INET6_ADDRSTRLEN];
    unsigned char bits[16] = { 0 };
    uint64_t length = 0;
    int family = memchr(cidr, ':', n) ? AF_INET6 : AF_INET;
    unsigned most = family == AF_INET ? 32 : 128;
    bool beyond = false;

    snprintf(ip, sizeof(ip), "%.*s", (int)n, cidr);
    if (n >= sizeof(ip) || !cidr[n] || !parse_u64(cidr + n + 1, &length) || length > most || inet_pton(family, ip, bits) != 1) {
        fielderr_invalid_str(e, path, cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
        return 0;
    }
    for (unsigned i = (unsigned)length; i < most; i++)
        beyond |= bits[i / 8] >> (7 - i % 8) & 1;
    inet_ntop(family, bits, canonical, sizeof(canonical));
    if (beyond)
        fielderr_invalid_str(e, path, cidr, "must not have bits set beyond the prefix length");
    else if (!streq(ip, canonical))
        fielderr_invalid_str(e, path, cidr, "must be in canonical form (\"%s/%u\")", canonical, (unsigned)length);
    return family == AF_INET ? 4 : 6;
}

static void networks(struct fielderrs *e, const json_t *obj)
{
    const json_t *list = json_path(obj, "spec.cidrs");
    const struct fpath *path = FP_CHILD(RULE_AT("spec"), "cidrs");
    int family[2] = { 0 };

    if (!json_array_size(list)) {
        fielderr_required(e, path, "at least one CIDR required");
        return;
    }
    if (json_array_size(list) > 2) {
        json_auto_t *spec = json_pack("{s:O}", "CIDRs", (json_t *)list);
        fielderr_invalid(e, path, spec, "may only hold up to 2 values");
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++)
        family[i] = strict_network(e, json_string_value(json_array_get(list, i)), FP_INDEX(path, i));
    if (family[0] && family[0] == family[1])
        fielderr_invalid(e, path, list, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and "
                         "2001:db8::/64");
}

static void range_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    networks(e, obj);
}

/* What is there stays; a second family may come. */
static void range_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                         const json_t *old, struct fielderrs *e)
{
    const json_t *list = json_path(obj, "spec.cidrs"), *had = json_path(old, "spec.cidrs");
    const struct fpath *path = FP_CHILD(RULE_AT("spec"), "cidrs");
    size_t n = json_array_size(had), more = json_array_size(list);

    if (rule_is_status(sub))
        return;
    if (more != n && !(n == 1 && more == 2)) {
        fielderr_invalid(e, path, rule_shown(list), "field is immutable");
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (!json_same(json_array_get(list, i), json_array_get(had, i)))
            fielderr_invalid(e, FP_INDEX(path, i), json_array_get(list, i), "field is immutable");
    if (more != n)
        networks(e, obj);
}

const struct kind_ops servicecidr_ops = { .validate = range_validate, .validate_update = range_update };
