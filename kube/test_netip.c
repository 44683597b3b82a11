/* Addresses and prefixes as net/netip reads them: what it prints, or why not (F-143). The rows are its own answers. */
#include "kube/netip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct row {
    const char *in, *wrong, *text;
} addresses[] = {
    { "", "ParseAddr(\"\"): unable to parse IP", "" },
    { "1", "ParseAddr(\"1\"): unable to parse IP", "" },
    { "1.2.3.4", "", "1.2.3.4" },
    { "1.2.3", "ParseAddr(\"1.2.3\"): IPv4 address too short", "" },
    { "1.2.3.4.5", "ParseAddr(\"1.2.3.4.5\"): IPv4 address too long", "" },
    { "01.2.3.4", "ParseAddr(\"01.2.3.4\"): IPv4 field has octet with leading zero", "" },
    { "1.2.3.256", "ParseAddr(\"1.2.3.256\"): IPv4 field has value >255", "" },
    { "1..2.3", "ParseAddr(\"1..2.3\"): IPv4 field must have at least one digit (at \".2.3\")", "" },
    { ".1.2.3", "ParseAddr(\".1.2.3\"): IPv4 field must have at least one digit (at \".1.2.3\")", "" },
    { "1.2.3.", "ParseAddr(\"1.2.3.\"): IPv4 field must have at least one digit (at \".\")", "" },
    { "1.2.3.a", "ParseAddr(\"1.2.3.a\"): unexpected character (at \"a\")", "" },
    { "::", "", "::" },
    { "::1", "", "::1" },
    { "1::", "", "1::" },
    { "2001:db8::68", "", "2001:db8::68" },
    { "2001:db8:0:0:1:0:0:1", "", "2001:db8::1:0:0:1" },
    { "2001:DB8::ABCD", "", "2001:db8::abcd" },
    { "1:2:3:4:5:6:7:8", "", "1:2:3:4:5:6:7:8" },
    { "1:2:3:4:5:6:7", "ParseAddr(\"1:2:3:4:5:6:7\"): address string too short", "" },
    { "1:2:3:4:5:6:7:8:9", "ParseAddr(\"1:2:3:4:5:6:7:8:9\"): trailing garbage after address (at \"9\")", "" },
    { "1:2:3:4:5:6:7::", "", "1:2:3:4:5:6:7:0" },
    { "::2:3:4:5:6:7:8", "", "0:2:3:4:5:6:7:8" },
    { "1::2::3", "ParseAddr(\"1::2::3\"): multiple :: in address (at \":3\")", "" },
    { "12345::", "ParseAddr(\"12345::\"): each group must have 4 or less digits (at \"12345::\")", "" },
    { "::g", "ParseAddr(\"::g\"): each colon-separated field must have at least one digit (at \"g\")", "" },
    { ":1:2", "ParseAddr(\":1:2\"): each colon-separated field must have at least one digit (at \":1:2\")", "" },
    { "1:2:", "ParseAddr(\"1:2:\"): colon must be followed by more characters (at \":\")", "" },
    { "::ffff:1.2.3.4", "", "::ffff:1.2.3.4" },
    { "::1.2.3.4", "", "::102:304" },
    { "1:2:3:4:5:6:1.2.3.4", "", "1:2:3:4:5:6:102:304" },
    { "1:2:3:4:5:6:7:1.2.3.4", "ParseAddr(\"1:2:3:4:5:6:7:1.2.3.4\"): embedded IPv4 address must replace the final 2 fields of the address (at \"1.2.3.4\")", "" },
    { "1.2.3.4::", "ParseAddr(\"1.2.3.4::\"): unexpected character (at \"::\")", "" },
    { "fe80::1%eth0", "", "fe80::1" },
    { "fe80::1%", "ParseAddr(\"fe80::1%\"): zone must be a non-empty string", "" },
    { "%eth0", "ParseAddr(\"%eth0\"): missing IPv6 address", "" },
    { "::ffff:1.2.3", "ParseAddr(\"::ffff:1.2.3\"): IPv4 address too short", "" },
    { "1:2:3:4:5:6:7:8::", "ParseAddr(\"1:2:3:4:5:6:7:8::\"): the :: must expand to at least one field of zeros", "" },
    { "::1:2:3:4:5:6:7:8", "ParseAddr(\"::1:2:3:4:5:6:7:8\"): the :: must expand to at least one field of zeros", "" },
    { "ff02::1", "", "ff02::1" },
    { "\"", "ParseAddr(\"\\\"\"): unable to parse IP", "" },
    { "a.b", "ParseAddr(\"a.b\"): unexpected character (at \"a.b\")", "" },
    { "\303\251::", "ParseAddr(\"\303\251::\"): each colon-separated field must have at least one digit (at \"\303\251::\")", "" },
    { "0:0:0:0:0:0:0:0", "", "::" },
    { "1:0:0:2:0:0:0:3", "", "1:0:0:2::3" },
};

/* The text is the prefix, and the prefix with what is beyond its bits gone. */
static const struct row prefixes[] = {
    { "", "netip.ParsePrefix(\"\"): no '/'", "" },
    { "1.2.3.4", "netip.ParsePrefix(\"1.2.3.4\"): no '/'", "" },
    { "1.2.3.4/", "netip.ParsePrefix(\"1.2.3.4/\"): bad bits after slash: \"\"", "" },
    { "1.2.3.4/8", "", "1.2.3.4/8 1.0.0.0/8" },
    { "1.2.3.4/33", "netip.ParsePrefix(\"1.2.3.4/33\"): prefix length out of range", "" },
    { "1.2.3.4/-1", "netip.ParsePrefix(\"1.2.3.4/-1\"): bad bits after slash: \"-1\"", "" },
    { "1.2.3.4/08", "netip.ParsePrefix(\"1.2.3.4/08\"): bad bits after slash: \"08\"", "" },
    { "1.2.3.4/0", "", "1.2.3.4/0 0.0.0.0/0" },
    { "::/129", "netip.ParsePrefix(\"::/129\"): prefix length out of range", "" },
    { "2001:db8::/32", "", "2001:db8::/32 2001:db8::/32" },
    { "fe80::1%e/64", "netip.ParsePrefix(\"fe80::1%e/64\"): IPv6 zones cannot be present in a prefix", "" },
    { "x/8", "netip.ParsePrefix(\"x/8\"): ParseAddr(\"x\"): unable to parse IP", "" },
    { "1.2.3.4/8/9", "netip.ParsePrefix(\"1.2.3.4/8/9\"): ParseAddr(\"1.2.3.4/8\"): unexpected character (at \"/8\")", "" },
    { "1.2.3.4/+8", "netip.ParsePrefix(\"1.2.3.4/+8\"): bad bits after slash: \"+8\"", "" },
    { "1.2.3.4/99999999999999999999", "netip.ParsePrefix(\"1.2.3.4/99999999999999999999\"): bad bits after slash: \"99999999999999999999\"", "" },
    { "::ffff:1.2.3.4/100", "", "::ffff:1.2.3.4/100 ::ffff:0.0.0.0/100" },
    { "1.2.3.4/a", "netip.ParsePrefix(\"1.2.3.4/a\"): bad bits after slash: \"a\"", "" },
};

static void address(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    char text[NETIP_TEXT_MAX] = "";
    struct netip ip;
    const char *why = netip_parse(a, row->in, strlen(row->in), &ip);

    assert_string_equal(why ? why : "", row->wrong);
    if (!why)
        netip_text(&ip, text);
    assert_string_equal(text, row->text);
}

static void prefix(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    char text[NETIP_TEXT_MAX] = "", masked[NETIP_TEXT_MAX] = "";
    struct netip_prefix p;
    const char *why = netip_parse_prefix(a, row->in, strlen(row->in), &p);

    assert_string_equal(why ? why : "", row->wrong);
    if (why)
        return;
    struct netip_prefix m = netip_masked(&p);
    netip_prefix_text(&p, text);
    netip_prefix_text(&m, masked);
    assert_string_equal(arena_printf(a, "%s %s", text, masked), row->text);
}

static struct netip ip_of(const char *text)
{
    cleanup_arena struct arena *a = arena_new();
    struct netip ip;

    assert_null(netip_parse(a, text, strlen(text), &ip));
    return ip;
}

static void kinds_of_addresses(void **state)
{
    static const struct {
        const char *text;
        bool unspecified, loopback, multicast, unicast, global;        /* link-local ones in the middle */
    } rows[] = {
        { "0.0.0.0", true, false, false, false, false },
        { "::", true, false, false, false, false },
        { "127.0.0.1", false, true, false, false, false },
        { "::1", false, true, false, false, false },
        { "224.0.0.1", false, false, true, false, false },
        { "224.0.1.1", false, false, false, false, false },
        { "ff02::1", false, false, true, false, false },
        { "169.254.169.254", false, false, false, true, false },
        { "fe80::1", false, false, false, true, false },
        { "fd80::1", false, false, false, false, true },
        { "192.168.0.1", false, false, false, false, true },
        { "255.255.255.255", false, false, false, false, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct netip ip = ip_of(rows[i].text);
        assert_int_equal(netip_is_unspecified(&ip), rows[i].unspecified);
        assert_int_equal(netip_is_loopback(&ip), rows[i].loopback);
        assert_int_equal(netip_is_link_local_multicast(&ip), rows[i].multicast);
        assert_int_equal(netip_is_link_local_unicast(&ip), rows[i].unicast);
        assert_int_equal(netip_is_global_unicast(&ip), rows[i].global);
    }
}

static void what_is_inside(void **state)
{
    static const struct {
        const char *net, *ip;
        bool inside;
    } rows[] = {
        { "192.168.0.0/24", "192.168.0.1", true }, { "192.168.0.0/24", "192.168.1.0", false },
        { "192.168.0.0/23", "192.168.1.255", true }, { "0.0.0.0/0", "1.2.3.4", true }, { "::/0", "1.2.3.4", false },
        { "2001:db8::/33", "2001:db8:7fff::", true }, { "2001:db8::/33", "2001:db8:8000::", false },
    };
    cleanup_arena struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct netip_prefix p;
        struct netip ip = ip_of(rows[i].ip);
        assert_null(netip_parse_prefix(a, rows[i].net, strlen(rows[i].net), &p));
        assert_int_equal(netip_contains(&p, &ip), rows[i].inside);
    }
}

int main(void)
{
    cleanup_arena struct arena *a = arena_new();
    struct CMUnitTest tests[ARRAY_SIZE(addresses) + ARRAY_SIZE(prefixes) + 2];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
        tests[n++] = (struct CMUnitTest){ .name = arena_printf(a, "address %zu", i), .test_func = address,
                                          .initial_state = (void *)&addresses[i] };
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
        tests[n++] = (struct CMUnitTest){ .name = arena_printf(a, "prefix %zu", i), .test_func = prefix,
                                          .initial_state = (void *)&prefixes[i] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(kinds_of_addresses);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(what_is_inside);
    return cmocka_run_group_tests_name("netip", tests, NULL, NULL);
}
