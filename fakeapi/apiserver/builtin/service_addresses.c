/* The addresses and families of Services: what the real server checks when it gives them out, before and apart
 * from all other rules, and how far an update may go. Here is one family, IPv4, as on a cluster without the other. */
#include "fakeapi/apiserver/builtin/addresses.h"
#include "fakeapi/apiserver/builtin/service_priv.h"

#include <arpa/inet.h>

#define SPEC RULE_AT("spec")
#define IPS FP_CHILD(SPEC, "clusterIPs")
#define FAMILIES FP_CHILD(SPEC, "ipFamilies")
#define POLICY FP_CHILD(SPEC, "ipFamilyPolicy")

static const json_t *list(const json_t *spec, const char *name)
{
    return json_object_get(spec, name);
}

static const char *item(const json_t *spec, const char *name, size_t i)
{
    const char *s = json_string_value(json_array_get(list(spec, name), i));

    return s ? s : "";
}

static size_t count(const json_t *spec, const char *name)
{
    return json_array_size(list(spec, name));
}

static bool policy_is(const json_t *spec, const char *policy)
{
    return streq(text(spec, "ipFamilyPolicy"), policy);
}

enum family service_address_family(const char *ip)
{
    unsigned char bits[16];
    uint32_t four;

    return address_read(ip, &four) ? FAMILY_4 : inet_pton(AF_INET6, ip, bits) == 1 ? FAMILY_6 : FAMILY_NONE;
}

/* clusterIP is the first of clusterIPs. */
static void in_step(struct fielderrs *e, const json_t *spec)
{
    const char *ip = text(spec, "clusterIP");

    if (*ip && !count(spec, "clusterIPs"))
        fielderr_required(e, IPS, "");
    else if (*ip && !streq(item(spec, "clusterIPs", 0), ip))
        fielderr_invalid(e, IPS, list(spec, "clusterIPs"), "first value must match `clusterIP`");
    else if (!*ip && count(spec, "clusterIPs"))
        fielderr_invalid(e, IPS, list(spec, "clusterIPs"), "must be empty when `clusterIP` is not specified");
}

static void families(struct fielderrs *e, const json_t *spec)
{
    static const char *const known[] = { "IPv4", "IPv6", NULL };
    static const char *const policies[] = { "PreferDualStack", "RequireDualStack", "SingleStack", NULL };
    size_t i, k;
    json_t *f;

    json_array_foreach((json_t *)list(spec, "ipFamilies"), i, f) {
        if (!among(known, json_string_value(f)))
            fielderr_not_supported(e, FP_INDEX(FAMILIES, i), f, known);
        for (k = 0; k < i && !streq(item(spec, "ipFamilies", k), json_string_value(f)); k++)
            ;
        if (k < i)
            fielderr_duplicate(e, FP_INDEX(FAMILIES, i), f);
    }
    rule_one_of(e, spec, SPEC, "ipFamilyPolicy", policies);
}

/* Each an address; false where one is none, and nothing more is said of them. */
static bool well_formed(struct fielderrs *e, const json_t *spec)
{
    bool good = true;
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list(spec, "clusterIPs"), i, v) {
        const char *ip = json_string_value(v);
        if (i == 0 && streq(ip, "None")) {
            if (count(spec, "clusterIPs") > 1) {
                good = false;
                fielderr_invalid(e, IPS, list(spec, "clusterIPs"), "'None' must be the first and only value");
            }
        } else if (service_address_family(ip) == FAMILY_NONE) {
            good = false;
            fielderr_invalid_str(e, FP_INDEX(IPS, i), ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
        }
    }
    if (count(spec, "clusterIPs") > 2)
        fielderr_invalid(e, IPS, list(spec, "clusterIPs"), "may only hold up to 2 values");
    return good;
}

static bool dual_stack(const json_t *spec)
{
    bool seen[3] = { false };

    for (size_t i = 0; i < count(spec, "clusterIPs"); i++)
        seen[service_address_family(item(spec, "clusterIPs", i))] = true;
    return seen[FAMILY_4] && seen[FAMILY_6];
}

/* Addresses are of the families that are named, place by place. */
static void fitting(struct fielderrs *e, const json_t *spec)
{
    size_t n = count(spec, "clusterIPs");

    if (n > 1 && !dual_stack(spec))
        fielderr_invalid(e, IPS, list(spec, "clusterIPs"), "may specify no more than one IP for each IP family");
    if (service_headless(spec))
        return;
    for (size_t i = 0; i < n && i < count(spec, "ipFamilies"); i++) {
        const char *ip = item(spec, "clusterIPs", i), *family = item(spec, "ipFamilies", i);
        bool six = service_address_family(ip) == FAMILY_6;
        if (streq(family, six ? "IPv4" : "IPv6"))
            fielderr_invalid_str(e, FP_INDEX(IPS, i), ip, "expected an %s value as indicated by `ipFamilies[%zu]`",
                                 family, i);
    }
}

/* The policy that is meant, against what is asked for. */
static void policy(struct fielderrs *e, const json_t *spec, const json_t *was)
{
    const json_t *shown = rule_shown(member(spec, "ipFamilyPolicy"));
    bool single = policy_is(spec, "SingleStack");

    if (was && !single && count(spec, "clusterIPs") && count(spec, "clusterIPs") < count(was, "clusterIPs"))
        fielderr_invalid(e, POLICY, shown, "must be 'SingleStack' to release the secondary cluster IP");
    if (was && !single && count(spec, "ipFamilies") && count(spec, "ipFamilies") < count(was, "ipFamilies"))
        fielderr_invalid(e, POLICY, shown, "must be 'SingleStack' to release the secondary IP family");
    if (single && count(spec, "clusterIPs") == 2)
        fielderr_invalid(e, POLICY, shown,
                         "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified");
    if (single && count(spec, "ipFamilies") == 2)
        fielderr_invalid(e, POLICY, shown,
                         "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified");
    for (size_t i = count(spec, "ipFamilies"); i < count(spec, "clusterIPs"); i++)
        if (service_address_family(item(spec, "clusterIPs", i)) == FAMILY_6)
            fielderr_invalid(e, FP_INDEX(IPS, i), list(spec, "clusterIPs"), "IPv6 is not configured on this cluster");
}

/* What this cluster has. */
static void configured(struct fielderrs *e, const json_t *spec)
{
    size_t i;
    json_t *f;

    if (policy_is(spec, "RequireDualStack"))
        fielderr_invalid(e, POLICY, member(spec, "ipFamilyPolicy"), "this cluster is not configured for dual-stack services");
    json_array_foreach((json_t *)list(spec, "ipFamilies"), i, f)
        if (streq(json_string_value(f), "IPv6"))
            fielderr_invalid(e, FP_INDEX(FAMILIES, i), f, "not configured on this cluster");
}

void service_address_rules(struct fielderrs *e, const json_t *spec, const json_t *was)
{
    size_t before = e->n;

    in_step(e, spec);
    families(e, spec);
    if (well_formed(e, spec))
        fitting(e, spec);
    if (e->n == before)
        policy(e, spec, was);
    if (e->n == before && !(streq(text(spec, "clusterIP"), "None") && !json_object_size(json_object_get(spec, "selector"))))
        configured(e, spec);
}

/* ---- what an update may change ---------------------------------------------------------------------- */

static const char fixed[] = "may not change once set";

static void addresses_kept(struct fielderrs *e, const json_t *spec, const json_t *was)
{
    size_t n = count(spec, "clusterIPs"), had = count(was, "clusterIPs");
    const json_t *shown = rule_shown(list(spec, "clusterIPs"));

    if (service_headless(spec) && service_headless(was))
        return;
    if (had > n && n == 0)
        fielderr_invalid(e, FP_INDEX(IPS, 0), shown, "primary clusterIP can not be unset");
    for (size_t i = 0; i < n && i < had && (i == 0 || n == had); i++)
        if (!streq(item(spec, "clusterIPs", i), item(was, "clusterIPs", i)))
            fielderr_invalid(e, FP_INDEX(IPS, i), shown, fixed);
    if (had > n && n == 1 && !policy_is(spec, "SingleStack"))
        fielderr_invalid(e, POLICY, rule_shown(member(spec, "ipFamilyPolicy")),
                         "must be set to 'SingleStack' when releasing the secondary clusterIP");
}

static void families_kept(struct fielderrs *e, const json_t *spec, const json_t *was)
{
    size_t n = count(spec, "ipFamilies"), had = count(was, "ipFamilies");
    const json_t *shown = rule_shown(list(spec, n == had ? "ipFamilies" : "clusterIPs"));

    if (service_headless(spec) || service_headless(was))
        return;
    for (size_t i = 0; i < n && i < had && (i == 0 || n == had); i++)
        if (!streq(item(spec, "ipFamilies", i), item(was, "ipFamilies", i)))
            fielderr_invalid(e, FP_INDEX(FAMILIES, 0), shown, fixed);
    if (had > n && n == 1 && !policy_is(spec, "SingleStack"))
        fielderr_invalid(e, POLICY, rule_shown(member(spec, "ipFamilyPolicy")),
                         "must be set to 'SingleStack' when releasing the secondary ipFamily");
}

void service_addresses_kept(struct fielderrs *e, const json_t *spec, const json_t *was)
{
    addresses_kept(e, spec, was);
    families_kept(e, spec, was);
}
