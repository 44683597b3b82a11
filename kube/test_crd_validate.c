/* Custom resources against their schemas: F-110 to F-133. The sentences are those of a real server. */
#include "kube/crd_scale.h"
#include "kube/crd_validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/formats.h"
#include "kube/regex.h"

#define SPEC(schema) "{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{\"x\":" schema "}}}}"
#define X(value) "{\"spec\":{\"x\":" value "}}"
#define BODY "spec.x in body "
#define BODY_0 "spec.x[0] in body "
#define QUANTITY "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}],\"x-kubernetes-int-or-string\":true}"
#define BLOCKED "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; " \
                "correct the existing errors to complete validation"
#define KEYED "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"string\"},\"n\":{" \
              "\"type\":\"integer\",\"maximum\":5}}},\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"k\"]}"
#define EMBEDDED "{\"type\":\"object\",\"x-kubernetes-embedded-resource\":true}"

static const struct row {
    const char *name, *schema, *object, *errors, *old;
} rows[] = {
    { "F-110 type", SPEC("{\"type\":\"integer\"}"), X("\"a\""),
      "spec.x: Invalid value: \"string\": " BODY "must be of type integer: \"string\"" },
    { "F-110 a fraction is no integer", SPEC("{\"type\":\"integer\"}"), X("1.5"),
      "spec.x: Invalid value: \"number\": " BODY "must be of type integer: \"number\"" },
    { "F-110 1.0 is an integer", SPEC("{\"type\":\"integer\"}"), X("1.0"), "" },
    { "F-110 an integer is a number", SPEC("{\"type\":\"number\"}"), X("1"), "" },
    { "F-111 required", "{\"required\":[\"spec\"]}", "{}", "spec: Required value" },
    { "F-111 required in a list", SPEC("{\"type\":\"array\",\"items\":{\"required\":[\"k\"]}}"), X("[{\"k\":1},{}]"),
      "spec.x[1].k: Required value" },
    { "F-112 enum", SPEC("{\"enum\":[\"B\",\"A\",1]}"), X("\"C\""),
      "spec.x: Unsupported value: \"C\": supported values: \"B\", \"A\", \"1\"" },
    { "F-113 minimum", SPEC("{\"minimum\":1}"), X("0"),
      "spec.x: Invalid value: 0: " BODY "should be greater than or equal to 1" },
    { "F-113 exclusive", SPEC("{\"maximum\":5,\"exclusiveMaximum\":true}"), X("5"),
      "spec.x: Invalid value: 5: " BODY "should be less than 5" },
    { "F-113 integers meet the whole part of a bound", SPEC("{\"maximum\":1.5}"), X("2"),
      "spec.x: Invalid value: 2: " BODY "should be less than or equal to 1" },
    { "F-113 fractions meet all of it", SPEC("{\"maximum\":1.5}"), X("1.6"),
      "spec.x: Invalid value: 1.6: " BODY "should be less than or equal to 1.5" },
    { "F-114 minLength counts characters", SPEC("{\"minLength\":2}"), X("\"\xc3\xa9\""),
      "spec.x: Invalid value: \"\xc3\xa9\": " BODY "should be at least 2 chars long" },
    { "F-115 maxLength", SPEC("{\"maxLength\":1}"), X("\"ab\""), "spec.x: Too long: may not be more than 1 byte" },
    { "F-116 pattern, not anchored", SPEC("{\"pattern\":\"b+\"}"), X("\"abc\""), "" },
    { "F-116 pattern", SPEC("{\"pattern\":\"^b\"}"), X("\"abc\""), "spec.x: Invalid value: \"abc\": " BODY "should match '^b'" },
    { "F-117 maxItems", SPEC("{\"type\":\"array\",\"maxItems\":1}"), X("[1,2]"), "spec.x: Too many: 2: must have at most 1 item" },
    { "F-118 minItems", SPEC("{\"type\":\"array\",\"minItems\":1}"), X("[]"),
      "spec.x: Invalid value: 0: " BODY "should have at least 1 items" },
    { "F-119 maxProperties", SPEC("{\"maxProperties\":1}"), X("{\"a\":1,\"b\":2}"), "spec.x: Too many: 2: must have at most 1 item" },
    { "F-119 minProperties", SPEC("{\"minProperties\":1}"), X("{}"),
      "spec.x: Invalid value: 0: " BODY "should have at least 1 properties" },
    { "F-120 multipleOf of what no float64 holds", SPEC("{\"multipleOf\":3}"), X("9223372036854775807"),
      "spec.x: Invalid value: 9223372036854775807: " BODY "should be a multiple of 3" },
    { "F-120 multipleOf, cleanly divided", SPEC("{\"multipleOf\":3}"), X("9223372036854775806"), "" },
    { "F-120 a bound that is an integer", SPEC("{\"maximum\":9007199254740992}"), X("9223372036854775807"),
      "spec.x: Invalid value: 9223372036854775807: " BODY "should be less than or equal to 9007199254740992" },
    { "F-042 a capture named as Go names it", SPEC("{\"type\":\"string\",\"pattern\":\"^(?<n_1>a+)[(?<]\\\\(?$\"}"), X("\"aa<(\""), "" },
    { "F-042 and matched as one", SPEC("{\"type\":\"string\",\"pattern\":\"^(?<n>a+)$\"}"), X("\"b\""),
      "spec.x: Invalid value: \"b\": " BODY "should match '^(?<n>a+)$'" },
    { "F-120 multipleOf", SPEC("{\"multipleOf\":5}"), X("7"), "spec.x: Invalid value: 7: " BODY "should be a multiple of 5" },
    { "F-121 anyOf tells of the closest", SPEC("{\"anyOf\":[{\"pattern\":\"^a\"},{\"pattern\":\"z$\"}]}"), X("\"m\""),
      "[<nil>: Invalid value: \"\": \"spec.x\" must validate at least one schema (anyOf), spec.x: Invalid value: \"m\": " BODY
      "should match '^a']" },
    { "F-121 oneOf at the root", "{\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{\"a\":1,\"b\":1}",
      "<nil>: Invalid value: \"\": \"\" must validate one and only one schema (oneOf). Found 2 valid alternatives" },
    { "F-121 oneOf, none", "{\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{}",
      "[<nil>: Invalid value: \"\": \"\" must validate one and only one schema (oneOf). Found none valid, a: Required value]" },
    { "F-121 not", SPEC("{\"not\":{\"enum\":[\"a\"]}}"), X("\"a\""),
      "<nil>: Invalid value: \"\": \"spec.x\" must not validate the schema (not)" },
    { "F-121 allOf", SPEC("{\"allOf\":[{\"minimum\":3},{\"maximum\":1}]}"), X("2"),
      "[spec.x: Invalid value: 2: " BODY "should be greater than or equal to 3, spec.x: Invalid value: 2: " BODY
      "should be less than or equal to 1, <nil>: Invalid value: \"\": \"spec.x\" must validate all the schemas (allOf). None validated]" },
    { "F-122 format", SPEC("{\"type\":\"string\",\"format\":\"date-time\"}"), X("\"soon\""),
      "spec.x: Invalid value: \"soon\": " BODY "must be of type date-time: \"soon\"" },
    { "F-122 unknown formats are nobody's business", SPEC("{\"type\":\"string\",\"format\":\"odd\"}"), X("\"?\""), "" },
    { "F-123 int or string", SPEC(QUANTITY), X("true"),
      "[spec.x: Invalid value: \"boolean\": " BODY "must be of type integer,string: \"boolean\", <nil>: Invalid value: \"\": "
      "\"spec.x\" must validate at least one schema (anyOf), spec.x: Invalid value: \"boolean\": " BODY
      "must be of type integer: \"boolean\"]" },
    { "F-124 null", SPEC("{\"type\":\"string\"}"), X("null"),
      "spec.x: Invalid value: \"null\": " BODY "must be of type string: \"null\"" },
    { "F-124 nullable", SPEC("{\"type\":\"string\",\"nullable\":true}"), X("null"), "" },
    { "F-125 sets: the second of a kind is told", SPEC("{\"type\":\"array\",\"x-kubernetes-list-type\":\"set\"}"),
      X("[\"a\",\"b\",\"a\",\"a\"]"), "spec.x[2]: Duplicate value: \"a\"" },
    { "F-126 keyed lists", SPEC(KEYED), X("[{\"n\":1,\"k\":\"a\"},{\"k\":\"a\"}]"), "spec.x[1]: Duplicate value: {\"k\":\"a\"}" },
    { "F-127 embedded resource", SPEC(EMBEDDED), X("{\"apiVersion\":\"a/b/c\"}"),
      "[spec.x.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c, spec.x.kind: Required value]" },
    { "F-129 additionalProperties", SPEC("{\"additionalProperties\":{\"type\":\"integer\"}}"), X("{\"b\":\"1\",\"a/c\":\"2\"}"),
      "[spec.x.a/c: Invalid value: \"string\": spec.x.a/c in body must be of type integer: \"string\", spec.x.b: Invalid value: "
      "\"string\": spec.x.b in body must be of type integer: \"string\"]" },
    { "F-133 what was wrong may stay", SPEC("{\"maximum\":5}"), X("9"), "", X("9") },
    { "F-133 what changed must be right", SPEC("{\"maximum\":5}"), X("8"),
      "spec.x: Invalid value: 8: " BODY "should be less than or equal to 5", X("9") },
    { "F-133 elements of keyed lists are followed by key", SPEC(KEYED), X("[{\"k\":\"b\",\"n\":1},{\"k\":\"a\",\"n\":9}]"), "",
      X("[{\"k\":\"a\",\"n\":9}]") },
    { "F-133 elements of other lists are not", SPEC("{\"type\":\"array\",\"items\":{\"maximum\":5}}"), X("[9,1]"),
      "spec.x[0]: Invalid value: 9: " BODY_0 "should be less than or equal to 5", X("[9]") },
};

static const char *joined(struct arena *a, const struct fielderrs *errs)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, errs->n > 1 ? "[" : "");
    for (size_t i = 0; i < errs->n; i++)
        buf_printf(&b, "%s%s: %s", i ? ", " : "", errs->v[i].field, errs->v[i].message);
    buf_add_str(&b, errs->n > 1 ? "]" : "");
    return arena_strndup(a, b.data ? b.data : "", b.len);
}

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *schema = json_parse_str(row->schema), *obj = json_parse_str(row->object);
    json_auto_t *old = row->old ? json_parse_str(row->old) : NULL;

    assert_non_null(schema);
    assert_non_null(obj);
    struct crd_validator *v = crd_validator_new(schema);
    crd_validate(v, NULL, obj, old, &errs);
    crd_validator_free(v);
    assert_string_equal(joined(a, &errs), row->errors);
}

/* F-132: what /status checks stands under "status", but is named from there. */
static void a_member_by_itself(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *schema = json_parse_str("{\"properties\":{\"status\":{\"properties\":{\"n\":{\"maximum\":5}}}}}");
    json_auto_t *status = json_parse_str("{\"n\":9}");
    struct crd_validator *v = crd_validator_new(schema);

    assert_null(crd_validator_property(v, "spec"));
    crd_validate(crd_validator_property(v, "status"), FP_CHILD(NULL, "status"), status, NULL, &errs);
    crd_validator_free(v);
    assert_string_equal(joined(a, &errs), "status.n: Invalid value: 9: n in body should be less than or equal to 5");
}

/* F-100 */
static void rules_are_blocked(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *with = json_parse_str(SPEC("{\"x-kubernetes-validations\":[{\"rule\":\"true\"}]}"));
    json_auto_t *without = json_parse_str(SPEC("{}"));
    struct crd_validator *v = crd_validator_new(with), *w = crd_validator_new(without);

    assert_true(crd_validator_has_rules(v));
    assert_false(crd_validator_has_rules(w));
    crd_validator_free(v);
    crd_validator_free(w);
    fielderr_invalid_str(&errs, NULL, "", "x");
    assert_false(crd_rules_blocked(&errs));
    fielderr_required(&errs, NULL, "");
    assert_true(crd_rules_blocked(&errs));
    errs.n = 0;
    crd_note_rules_blocked(&errs);
    assert_string_equal(joined(a, &errs), BLOCKED);
}

/* F-128 */
static void scale_numbers(void **state)
{
    static const char *const texts[][2] = {
        { "{\"spec\":{\"r\":1}}", "" },
        { "{}", "" },
        { "{\"spec\":{\"r\":-1}}", ".spec.r: Invalid value: -1: should be a non-negative integer" },
        { "{\"spec\":{\"r\":2147483648}}", ".spec.r: Invalid value: 2147483648: should be less than or equal to 2147483647" },
        { "{\"spec\":{\"r\":1.5}}",
          ".spec.r: Invalid value: 0: .spec.r accessor error: 1.5 is of the type float64, expected int64" },
        { "{\"spec\":-3}",
          ".spec.r: Invalid value: 0: .spec.r accessor error: -3 is of the type int64, expected map[string]interface{}" },
        { "{\"spec\":null,\"status\":{\"r\":null}}",
          ".status.r: Invalid value: 0: .status.r accessor error: <nil> is of the type <nil>, expected int64" },
        { "{\"status\":{\"s\":{}}}",
          ".status.s: Invalid value: \"\": .status.s accessor error: map[] is of the type map[string]interface {}, "
          "expected string" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        cleanup_arena struct arena *a = arena_new();
        struct fielderrs errs = FIELDERRS_IN(a);
        json_auto_t *obj = json_parse_str(texts[i][0]);
        crd_validate_scale_spec(obj, ".spec.r", &errs);
        crd_validate_scale_status(obj, ".status.r", ".status.s", &errs);
        assert_string_equal(joined(a, &errs), texts[i][1]);
    }
}

/* F-122: what each format takes, and what it does not. */
static void formats(void **state)
{
    static const char *const texts[][3] = {
        { "ipv4", "01.2.3.4", "1.2.3.256" }, { "ipv4", "255.255.255.255", "1.2.3" }, { "ipv6", "::1", "1.2.3.4" },
        { "ipv6", "fe80::1:2", "g::" }, { "cidr", "10.0.0.0/8", "10.0.0.0" }, { "cidr", "::/0", "10.0.0.0/33" },
        { "mac", "01:23:45:67:89:ab", "01:23" }, { "mac", "0123.4567.89ab", "x" }, { "uuid", "123e4567-e89b-12d3-a456-426614174000", "x" },
        { "uuid4", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000" },
        { "email", "a@b.c", "x" }, { "hostname", "a-b.example", "-a" }, { "hostname", "a", "a_b" }, { "uri", "http://a/b", "x" },
        { "uri", "/a", "a b" }, { "byte", "aGk=", "aGk" }, { "date", "2024-02-29", "2023-02-29" },
        { "date-time", "2024-01-02T03:04:05.5+01:00", "2024-01-02" }, { "duration", "1h30m", "soon" }, { "duration", "0", "1" },
        { "hexcolor", "#fff", "#xyz" }, { "rgbcolor", "rgb(1,2,3)", "rgb(1,2,256)" }, { "isbn", "9783161484100", "123" },
        { "isbn10", "0306406152", "0306406153" }, { "creditcard", "4111 1111 1111 1111", "4111111111111112" },
        { "ssn", "123-45-6789", "1" }, { "bsonobjectid", "507f1f77bcf86cd799439011", "z" }, { "password", "", NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        format_fn *f = format_find(texts[i][0]);
        assert_non_null(f);
        assert_true(f(texts[i][1], strlen(texts[i][1])));
        assert_false(texts[i][2] && f(texts[i][2], strlen(texts[i][2])));
        assert_false(texts[i][2] && f("", 0));
    }
    assert_null(format_find("k8s-short-name"));
}

/* F-042 */
static void bad_patterns(void **state)
{
    static const char *const texts[][2] = {
        { "(", "error parsing regexp: missing closing ): `(`" }, { "[", "error parsing regexp: missing closing ]: `[`" },
        { "*", "error parsing regexp: missing argument to repetition operator: `*`" },
        { "a{2,1}", "error parsing regexp: invalid repeat count: `{2,1}`" },
        { "a(?=b)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`" },
        { "(?P<n", "error parsing regexp: invalid named capture: `(?P<n`" },
        { "x(?<=a)b", "error parsing regexp: invalid named capture: `(?<=a)b`" },
        { "(?<!a>b)c", "error parsing regexp: invalid named capture: `(?<!a>`" },
        { "\\1", "error parsing regexp: invalid escape sequence: `\\1`" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        cleanup_arena struct arena *a = arena_new();
        const char *wrong = NULL;
        assert_null(regex_new(a, texts[i][0], strlen(texts[i][0]), &wrong));
        assert_string_equal(wrong, texts[i][1]);
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 5] = {
        { "F-132 a member by itself", a_member_by_itself, NULL, NULL, NULL },
        { "F-100 rules are blocked", rules_are_blocked, NULL, NULL, NULL },
        { "F-128 scale", scale_numbers, NULL, NULL, NULL },
        { "F-122 formats", formats, NULL, NULL, NULL },
        { "F-042 bad patterns", bad_patterns, NULL, NULL, NULL },
    };

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i + 5] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                            .initial_state = (void *)&rows[i] };
    return cmocka_run_group_tests_name("crd_validate", tests, NULL, NULL);
}
