#include "fakeapi/apiserver/builtin/net.h"
#include "fakeapi/apiserver/builtin/warnings.h"

#include <arpa/inet.h>

#include "kube/netip.h"

/* Addresses and CIDRs as text. The old fields of the built-in kinds read them generously: zeros may lead the parts of
 * an IPv4 address, and whoever writes such is warned. */

const char net_ip_words[] = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const char net_cidr_words[] = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

#define TEXT_MAX NETIP_TEXT_MAX

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `s` without the zeros that lead the parts of an IPv4 address, "" where it is too long to be one. */
static void plain(const char *s, size_t len, char ret[TEXT_MAX])
{
    bool dots = memchr(s, '.', len), begins = true;
    size_t n = 0;

    for (size_t i = 0; len < TEXT_MAX && i < len; i++) {
        if (dots && begins && s[i] == '0' && i + 1 < len && is_digit(s[i + 1]) && !memchr(s + i, ':', len - i))
            continue;
        begins = !is_digit(s[i]);
        ret[n++] = s[i];
    }
    ret[n] = '\0';
}

static int family_read(const char *s, size_t len, unsigned char bits[16])
{
    char ip[TEXT_MAX];

    plain(s, len, ip);
    return inet_pton(AF_INET, ip, bits) == 1 ? 4 : inet_pton(AF_INET6, ip, bits) == 1 ? 6 : 0;
}

int net_family(const char *ip)
{
    unsigned char bits[16];

    return family_read(ip, strlen(ip), bits);
}

bool net_cidr_read(const char *s, struct net_cidr *ret)
{
    const char *slash = strchr(s, '/');

    if (!slash || !parse_u64(slash + 1, &ret->length))
        return false;
    ret->family = family_read(s, (size_t)(slash - s), ret->bits);
    return ret->family && ret->length <= (ret->family == 4 ? 32 : 128);
}

int net_cidr_family(const char *s)
{
    struct net_cidr cidr;

    return net_cidr_read(s, &cidr) ? cidr.family : 0;
}

bool net_cidr_inside(const struct net_cidr *in, const struct net_cidr *out)
{
    if (in->family != out->family || in->length <= out->length)
        return false;
    for (uint64_t i = 0; i < out->length; i++)
        if ((in->bits[i / 8] ^ out->bits[i / 8]) & (0x80 >> (i % 8)))
            return false;
    return true;
}

/* What is said of both: an IPv4 address within an IPv6 one is that address. */
static struct netip address_of(const unsigned char bits[16], int family)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct netip ip = { .is6 = family == 6 };

    memcpy(ip.b, bits, family == 6 ? 16 : 4);
    if (family == 6 && memcmp(bits, mapped, sizeof mapped) == 0) {
        ip = (struct netip){ 0 };
        memcpy(ip.b, bits + 12, 4);
    }
    return ip;
}

void net_not_special(struct fielderrs *e, const char *text, const struct fpath *at)
{
    static const char multicast[] = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
    unsigned char bits[16];
    int family = family_read(text, strlen(text), bits);

    if (!family)
        return;
    struct netip ip = address_of(bits, family);
    if (netip_is_unspecified(&ip))
        fielderr_invalid_str(e, at, text, "may not be unspecified (%s)", text);
    if (netip_is_loopback(&ip))
        fielderr_invalid_str(e, at, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    if (netip_is_link_local_unicast(&ip))
        fielderr_invalid_str(e, at, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    if (netip_is_link_local_multicast(&ip))
        fielderr_invalid_str(e, at, text, "%s", multicast);
}

/* ---- warnings ------------------------------------------------------------------------------------- */

#define FUTURE "will be considered invalid in a future Kubernetes release: use"

void warn_of_address(struct call *c, const char *text, const struct fpath *at)
{
    unsigned char bits[16];
    int family = family_read(text, strlen(text), bits);
    char canonical[NETIP_TEXT_MAX];
    struct netip strict;

    if (!family)
        return;
    struct netip ip = address_of(bits, family);
    netip_text(&ip, canonical);
    if (netip_parse(c->arena, text, strlen(text), &strict) || netip_is_4in6(&strict))
        call_warn(c, "%s: non-standard IP address \"%s\" " FUTURE " \"%s\"", fpath_text(c->arena, at), text, canonical);
    else if (ip.is6 && !streq(canonical, text))
        call_warn(c, "%s: IPv6 address \"%s\" should be in RFC 5952 canonical format (\"%s\")", fpath_text(c->arena, at), text,
                  canonical);
}

void warn_of_cidr(struct call *c, const char *text, const struct fpath *at)
{
    struct net_cidr cidr;
    char net[NETIP_TEXT_MAX], one[NETIP_TEXT_MAX];

    if (!net_cidr_read(text, &cidr))
        return;
    struct netip ip = address_of(cidr.bits, cidr.family);
    int inner = cidr.family == 6 && !ip.is6 ? 96 : 0;       /* bits before an IPv4 address within an IPv6 one */
    struct netip_prefix given = { ip, (int)cidr.length - inner }, masked = netip_masked(&given), strict;
    const char *where = fpath_text(c->arena, at);
    bool ambiguous = !netip_same(&masked.addr, &ip);

    netip_prefix_text(&masked, net);
    netip_prefix_text(&(struct netip_prefix){ ip, cidr.family == 6 ? 128 : 32 }, one);
    if (ambiguous)
        call_warn(c, "%s: CIDR value \"%s\" is ambiguous in this context (should be \"%s\" or \"%s\"?)", where, text, net, one);
    if (netip_parse_prefix(c->arena, text, strlen(text), &strict) || netip_is_4in6(&strict.addr))
        call_warn(c, "%s: non-standard CIDR value \"%s\" " FUTURE " \"%s\"", where, text, net);
    else if (!ambiguous && ip.is6 && !streq(net, text))
        call_warn(c, "%s: IPv6 CIDR value \"%s\" should be in RFC 5952 canonical format (\"%s\")", where, text, net);
}
