/* service_priv.h — the two halves of Services: service.c, and the rules of their addresses. */
#pragma once

#include "fakeapi/apiserver/builtin/rules.h"

enum family { FAMILY_NONE, FAMILY_4, FAMILY_6 };

enum family service_address_family(const char *ip);

/* Its one address is "None". */
static inline bool service_headless(const json_t *spec)
{
    const json_t *ips = json_object_get(spec, "clusterIPs");
    const char *ip = json_string_value(json_array_get(ips, 0));

    return json_array_size(ips) == 1 && ip && streq(ip, "None");
}

/* What is wrong with clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy by themselves: where there is something,
 * the real server says nothing else. `was` NULL at create. */
void service_address_rules(struct fielderrs *e, const json_t *spec, const json_t *was);
/* The first address and family of what is and was no ExternalName stay, a second one may come and go. */
void service_addresses_kept(struct fielderrs *e, const json_t *spec, const json_t *was);
