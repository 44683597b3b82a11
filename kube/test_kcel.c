/* The libraries that Kubernetes adds to CEL (F-143): an expression, and what it yields or why not. */
#include "kube/kcel/kcel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "world/buf.h"

static const struct row {
    const char *text, *want;           /* as cel_write() prints it, or "error: ..." */
} rows[] = {
    /* lists */
    { "[1, 2, 2].isSorted()", "true" }, { "[2, 1].isSorted()", "false" }, { "['a', 'b'].isSorted()", "true" },
    { "[1, 3].sum() == 4", "true" }, { "[1.0, 3.5].sum() == 4.5", "true" },
    { "[duration('1m'), duration('1s')].sum() == duration('61s')", "true" },
    { "[9223372036854775807, 1].sum()", "error: integer overflow" },
    { "[1, 3].min()", "1" }, { "['b', 'a'].max()", "\"b\"" }, { "[].min()", "error: min called on empty list" },
    { "[1, 2, 2, 3].indexOf(2)", "1" }, { "[1, 2, 2, 3].lastIndexOf(2)", "2" }, { "['a'].indexOf('b')", "-1" },
    /* messages of protobuf are what they stand for */
    { "google.protobuf.Timestamp{seconds: 1, nanos: 5}.getSeconds()", "1" },
    { "google.protobuf.Timestamp{} == timestamp('1970-01-01T00:00:00Z')", "true" },
    { "google.protobuf.Duration{seconds: 2, nanos: -1} < duration('2s')", "true" },
    { "google.protobuf.Int64Value{value: 3} + 1", "4" }, { "google.protobuf.StringValue{}", "\"\"" },
    { "google.protobuf.Struct{fields: {'a': google.protobuf.Value{number_value: 1.5}}}.a", "1.5" },
    { "google.protobuf.ListValue{values: [1]}[0]", "1" }, { "google.protobuf.Value{} == null", "true" },
    { "google.protobuf.Int32Value{value: 3000000000}",
      "error: field type conversion error for google.protobuf.Int32Value.value value type: integer overflow" },
    { "google.protobuf.Struct{} == {}", "true" }, { "google.protobuf.Value{list_value: [1]} == [1]", "true" },
    /* numbers as text: in no language; %e has six digits, and a width where one would say a precision */
    { "'%e %.2e %.16e'.format([1234.56789, -0.5, 1e-300])", "\"1.234568×10⁰³ -5.000000×10⁻⁰¹  1.000000×10⁻³⁰⁰\"" },
    { "'%.20e|%e|%.2e'.format([1.0 / 3.0, 1.0 / 0.0, double('NaN')])", "\"      3.333333×10⁻⁰¹|     ∞|NaN\"" },
    { "'%e %f %.1f'.format([-0.0, -0.0, -0.01])", "\"0.000000×10⁰⁰ 0.000000 -0.0\"" },
    /* regex */
    { "'abc 123'.find('[0-9]+')", "\"123\"" }, { "'abc'.find('xyz')", "\"\"" },
    { "'123 abc 456'.findAll('[0-9]+')", "[\"123\", \"456\"]" }, { "'123 abc 456'.findAll('[0-9]+', 1)", "[\"123\"]" },
    { "'aXb'.findAll('[a-z]*') == ['a', 'b']", "true" }, { "'ab'.findAll('', -1).size()", "3" },
    { "'a'.findAll('a', 0)", "[]" },
    /* url */
    { "url('https://user:pw@example.com:80/path?q=1#f').getHost()", "\"example.com:80\"" },
    { "url('https://[::1]:80/').getHostname()", "\"::1\"" }, { "url('https://example.com/').getPort()", "\"\"" },
    { "url('/path with spaces/').getEscapedPath()", "\"/path%20with%20spaces/\"" },
    { "url('https://a/b?k1=a&k2=b&k2=c').getQuery()['k2']", "[\"b\", \"c\"]" },
    { "url('https://a/').getScheme() == 'https' && url('https://a/') == url('https://a/')", "true" },
    { "isURL('../relative')", "false" }, { "isURL('/absolute')", "true" },
    { "url('../relative')",
      "error: URL parse error during conversion from string: parse \"../relative\": invalid URI for request" },
    /* ip and cidr */
    { "ip('127.0.0.1').family()", "4" }, { "ip('::1').isLoopback()", "true" },
    { "ip('2001:db8::abcd').isGlobalUnicast()", "true" }, { "ip('ff02::1').isLinkLocalMulticast()", "true" },
    { "isIP('1.2.3')", "false" }, { "ip.isCanonical('2001:DB8::ABCD')", "false" }, { "string(ip('::1'))", "\"::1\"" },
    { "ip('::ffff:1.2.3.4')", "error: IPv4-mapped IPv6 address \"::ffff:1.2.3.4\" is not allowed" },
    { "ip('1.2')", "error: IP Address \"1.2\" parse error during conversion from string: ParseAddr(\"1.2\"): IPv4 address "
                   "too short" },
    { "ip('127.0.0.1') == ip('127.0.0.1')", "true" },
    { "cidr('192.168.0.0/24').containsIP('192.168.0.1')", "true" },
    { "cidr('192.168.0.0/24').containsIP(ip('192.168.1.1'))", "false" },
    { "cidr('192.168.0.0/16').containsCIDR(cidr('192.168.10.0/24'))", "true" },
    { "cidr('192.168.0.0/24').containsCIDR('192.168.0.0/23')", "false" },
    { "cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24')", "true" }, { "cidr('::1/128').prefixLength()", "128" },
    { "string(cidr('192.168.0.1/24').ip())", "\"192.168.0.1\"" }, { "isCIDR('192.168.0.0/33')", "false" },
    { "cidr('10.0.0.0/8').containsIP('x')", "error: no such overload" },
    /* quantity */
    { "quantity('50k').add(quantity('20k')) == quantity('70k')", "true" },
    { "quantity('50k').add(20) == quantity('50020')", "true" }, { "quantity('50k').sub(20000) == quantity('30k')", "true" },
    { "quantity('200M').compareTo(quantity('0.2G'))", "0" }, { "quantity('50M').compareTo(quantity('50Mi'))", "-1" },
    { "quantity('150Mi').isGreaterThan(quantity('100Mi'))", "true" }, { "quantity('50M').isLessThan(quantity('100M'))", "true" },
    { "quantity('50k').asInteger()", "50000" }, { "quantity('50m').isInteger()", "false" },
    { "quantity('9999999999999999999999').isInteger()", "false" }, { "quantity('1Ki').asInteger()", "1024" },
    { "quantity('50m').asInteger()", "error: cannot convert value to integer" },
    { "quantity('1.5').asApproximateFloat() == 1.5", "true" }, { "sign(quantity('-1'))", "-1" },
    { "isQuantity('1.3Gi')", "true" }, { "isQuantity('1.3GiB')", "false" },
    { "quantity('x')", "error: quantities must match the regular expression "
                       "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'" },
    /* format */
    { "format.dns1123Label().validate('my-name').hasValue()", "false" },
    { "format.dns1123Label().validate('My').value().size()", "1" },
    { "format.dns1123LabelPrefix().validate('my-').hasValue()", "false" },
    { "format.uuid().validate('x').value()", "[\"does not match the UUID format\"]" },
    { "format.date().validate('2021-01-01').hasValue()", "false" }, { "format.named('byte').hasValue()", "true" },
    { "format.named('nope').hasValue()", "false" }, { "format.named('uri').value() == format.uri()", "true" },
    { "format.uri().validate('x').value()", "[\"parse \\\"x\\\": invalid URI for request\"]" },
    /* semver */
    { "semver('1.2.3').compareTo(semver('2.0.0'))", "-1" }, { "semver('1.2.3-rc.1').isLessThan(semver('1.2.3'))", "true" },
    { "semver('v1.2', true).minor()", "2" }, { "isSemver('v1.2.3')", "false" }, { "isSemver('v1.2.3', true)", "true" },
    { "semver('1.2')", "error: No Major.Minor.Patch elements found" },
    /* what does not compile */
    { "authorizer.path('/x')", "undeclared reference to 'authorizer' (in container '')" },
    { "quantity(1)", "found no matching overload for 'quantity' applied to '(int)'" },
};

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf b = BUF_INIT;
    struct cel_env *env = kcel_env_new();
    struct cel_issues issues = { .arena = a };
    struct cel_program *p = cel_compile(env, row->text, strlen(row->text), &issues);
    struct cel_run *run = cel_run_new(a);
    struct cel_activation none = { 0 };
    struct cel_result result;

    if (!p) {
        assert_string_equal(issues.v[0].message, row->want);
    } else if (cel_eval(p, &none, a, KCEL_CALL_LIMIT, &result)) {
        cel_write(run, &b, result.value);
        assert_string_equal(b.data, row->want);
    } else {
        assert_string_equal(arena_printf(a, "error: %s", result.value.error), row->want);
    }
    cel_run_free(run);
    cel_program_free(p);
    cel_env_free(env);
}

/* F-144: the price of an expression before it runs, and after: the real server's own numbers. */
static void costs(void **state)
{
    static const struct {
        const char *text;
        uint64_t least, most, actual;
    } priced[] = {
        { "quantity('1234567890').isInteger()", 2, 2, 2 },
        { "'aaaaaaaaaaaaaaaaaaaa'.find('b*') == ''", 3, 3, 3 },
        { "[1, 2, 3].isSorted()", 13, 13, 3 },
        { "['aaaaaaaaaaaaaaaaaaaa', 'b'].max() == 'b'", 13, 3689348814741910541ull, 3 },
        { "ip('192.168.100.200').family() == 4", 4, 4, 4 },
        { "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", 6, 10, 6 },
        { "url('https://example.com/path').getHost() == 'x'", 5, 5, 5 },
        { "'a,b,c'.split(',').join('-') == ''", 1, 1844674407370955265ull, 2 },
        { "'aaaaaaaaaaaaaaaaaaaa'.replace('a', 'bb').size() == 40", 6, 6, 6 },
        { "format.dns1123Label().validate('abc').hasValue()", 34, 34, 10 },
        { "format.byte().validate('aGVsbG8=') == optional.none()", 35, 1844674407370955298ull, 24 },
        { "semver('1.0.0') == semver('1.0.0')", 3, 3, 3 },
        { "isURL('/absolute')", 1, 1, 1 },
    };
    struct cel_env *env = kcel_env_new();

    for (size_t i = 0; i < ARRAY_SIZE(priced); i++) {
        cleanup_arena struct arena *a = arena_new();
        struct cel_issues issues = { .arena = a };
        struct cel_program *p = cel_compile(env, priced[i].text, strlen(priced[i].text), &issues);
        struct kcel_estimator e;
        struct cel_activation none = { 0 };
        struct cel_result result;
        assert_non_null(p);
        kcel_estimator_init(&e, NULL);
        struct cel_range cost = cel_estimate_cost(p, &e.base);
        assert_true(cel_eval(p, &none, a, KCEL_CALL_LIMIT, &result));
        assert_true(cost.min == priced[i].least && cost.max == priced[i].most && result.cost == priced[i].actual);
        cel_program_free(p);
    }
    cel_env_free(env);
}

static void names(void **state)
{
    static const struct {
        const char *name, *escaped;
    } rows_of_names[] = {
        { "spec", "spec" }, { "a-b", "a__dash__b" }, { "a.b/c", "a__dot__b__slash__c" }, { "namespace", "__namespace__" },
        { "a__b", "a__underscores__b" }, { "_a", "_a" }, { "1a", NULL }, { "a b", NULL }, { "", NULL },
        { "namespace2", "namespace2" }, { "a___b", "a__underscores___b" },
    };
    cleanup_arena struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(rows_of_names); i++) {
        const char *got = kcel_escape(a, rows_of_names[i].name);
        assert_string_equal(got ? got : "-", rows_of_names[i].escaped ? rows_of_names[i].escaped : "-");
    }
}

/* What an evaluation makes ends with it: nothing of it may stay in the program's constants. */
static void a_program_stays_as_it_is(void **state)
{
    static const struct { const char *text, *want; } programs[] = {
        { "[1, 2].map(x, 'a')", "[\"a\", \"a\"]" },
        { "['a'] + [string(dyn(1) == 1)]", "[\"a\", \"true\"]" },
        { "[1, 2, 3, 4, 5, 6, 7, 8, 9].transformMap(i, v, v == 9).filter(k, k > 7)", "[8]" },
        { "[{}, {}].map(m, [1, 2, 3, 4, 5, 6, 7, 8, 9].transformMap(i, v, 1).size() + m.size())", "[9, 9]" },
    };
    struct cel_env *env = kcel_env_new();

    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        cleanup_arena struct arena *kept = arena_new();
        struct cel_issues issues = { .arena = kept };
        struct cel_program *p = cel_compile(env, programs[i].text, strlen(programs[i].text), &issues);
        assert_non_null(p);
        for (int times = 0; times < 3; times++) {
            cleanup_arena struct arena *a = arena_new();
            cleanup_buf struct buf b = BUF_INIT;
            struct cel_activation none = { 0 };
            struct cel_result result;
            struct cel_run *run = cel_run_new(a);
            cel_eval(p, &none, a, KCEL_CALL_LIMIT, &result);
            cel_write(run, &b, result.value);
            assert_string_equal(b.data, programs[i].want);
            cel_run_free(run);
        }
        cel_program_free(p);
    }
    cel_env_free(env);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 3];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = rows[i].text, .test_func = check_row, .initial_state = (void *)&rows[i] };
    tests[n++] = (struct CMUnitTest){ .name = "F-144 costs", .test_func = costs };
    tests[n++] = (struct CMUnitTest){ .name = "F-141 names", .test_func = names };
    tests[n++] = (struct CMUnitTest){ .name = "programs stay", .test_func = a_program_stays_as_it_is };
    return cmocka_run_group_tests_name("kcel", tests, NULL, NULL);
}
