/* netip.h — IP addresses and prefixes as Go's net/netip reads and prints them.
 *
 * Promises
 *  (1) What is refused is refused with Go's sentence.
 *  (2) The text of an address is canonical: "2001:db8::1", and reads back to the same address.
 */
#pragma once

#include "world/arena.h"

struct netip {
    bool is6;
    bool zoned;                        /* "fe80::1%eth0": the zone itself is not kept */
    uint8_t b[16];                     /* the first 4 of an IPv4 address */
};

struct netip_prefix {
    struct netip addr;
    int bits;
};

#define NETIP_TEXT_MAX 64

/* NULL when all is well, else why not, in `a`. */
const char *netip_parse(struct arena *a, const char *s, size_t len, struct netip *ret);
const char *netip_parse_prefix(struct arena *a, const char *s, size_t len, struct netip_prefix *ret);

void netip_text(const struct netip *ip, char ret[NETIP_TEXT_MAX]);
void netip_prefix_text(const struct netip_prefix *p, char ret[NETIP_TEXT_MAX]);

bool netip_same(const struct netip *a, const struct netip *b);
bool netip_is_4in6(const struct netip *ip);
bool netip_is_unspecified(const struct netip *ip);
bool netip_is_loopback(const struct netip *ip);
bool netip_is_link_local_multicast(const struct netip *ip);
bool netip_is_link_local_unicast(const struct netip *ip);
bool netip_is_global_unicast(const struct netip *ip);

struct netip_prefix netip_masked(const struct netip_prefix *p);
bool netip_contains(const struct netip_prefix *p, const struct netip *ip);
bool netip_overlaps(const struct netip_prefix *a, const struct netip_prefix *b);
