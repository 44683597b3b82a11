/* CustomResourceDefinitions before they are served: F-020 to F-047. The sentences are those of a real server. */
#include "kube/crd_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/kcel/kcel.h"
#include "kube/object.h"

#define AT "spec.validation.openAPIV3Schema"
#define X AT ".properties[x]"
#define DNS1035 "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic " \
                "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for " \
                "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
#define GO_VERSION(name, storage) "{\"Name\":\"" name "\",\"Served\":true,\"Storage\":" storage ",\"Deprecated\":false," \
    "\"DeprecationWarning\":null,\"Schema\":null,\"Subresources\":null,\"AdditionalPrinterColumns\":null," \
    "\"SelectableFields\":null}"
#define STORED_NULL "status.storedVersions: Invalid value: null: must have at least one stored version"

/* A definition that is fine; each row changes one thing in it. */
static const char good[] =
    "{\"metadata\":{\"name\":\"widgets.g.example\"},\"spec\":{\"group\":\"g.example\",\"scope\":\"Namespaced\",\"names\":{"
    "\"plural\":\"widgets\",\"singular\":\"widget\",\"kind\":\"Widget\",\"listKind\":\"WidgetList\"},\"versions\":[{\"name\":\"v1\","
    "\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}}}],\"conversion\":{\"strategy\":"
    "\"None\"}},\"status\":{\"storedVersions\":[\"v1\"]}}";

static const struct row {
    const char *name, *path, *value, *errors;
} rows[] = {
    { "all is well", NULL, NULL, "" },
    { "F-020 name", "metadata.name", "\"x\"", "metadata.name: Invalid value: \"x\": must be spec.names.plural+\".\"+spec.group" },
    { "F-021 group without a dot", "spec.group", "\"g\"",
      "[metadata.name: Invalid value: \"widgets.g.example\": must be spec.names.plural+\".\"+spec.group, spec.group: Invalid value: "
      "\"g\": should be a domain with at least one dot]" },
    { "F-022 no storage version", "spec.versions", "[{\"name\":\"v1\",\"served\":true,\"storage\":false,\"schema\":{"
      "\"openAPIV3Schema\":{\"type\":\"object\"}}}]",
      "spec.versions: Invalid value: [" GO_VERSION("v1", "false") "]: must have exactly one version marked as storage version" },
    { "F-022 stored under a name that comes twice", "spec.versions", "[{\"name\":\"v1\",\"served\":true,\"storage\":false,\"schema\":{"
      "\"openAPIV3Schema\":{\"type\":\"object\"}}},{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{"
      "\"openAPIV3Schema\":{\"type\":\"object\"}}}]",
      "[spec.versions: Invalid value: [" GO_VERSION("v1", "false") "," GO_VERSION("v1", "true") "]: must contain unique version names, "
      "status.storedVersions: Invalid value: [\"v1\"]: must have the storage version v1]" },
    { "F-022 no version", "spec.versions", "[]", "[spec.versions: Invalid value: []: must have exactly one version marked as storage "
      "version, status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions; v1 was previously a storage version, and "
      "must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from "
      "status.storedVersions]" },
    { "F-023 no schema", "spec.versions", "[{\"name\":\"v1\",\"served\":true,\"storage\":true}]",
      "spec.versions[0].schema.openAPIV3Schema: Required value" },
    { "F-024 kind", "spec.names.kind", "\"1K\"",
      "spec.names.kind: Invalid value: \"1K\": may have mixed case, but should otherwise match: " DNS1035 },
    { "F-024 kind and list", "spec.names.listKind", "\"Widget\"",
      "spec.names.listKind: Invalid value: \"Widget\": kind and listKind may not be the same" },
    { "F-025 names", "spec.names.singular", "\"\"", "spec.names.singular: Required value" },
    { "F-026 preserveUnknownFields", "spec.preserveUnknownFields", "true",
      "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
      "spec.versions[*].schema instead" },
    { "F-027 conversion by webhook", "spec.conversion", "{\"strategy\":\"Webhook\"}",
      "[spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook, "
      "spec.conversion.conversionReviewVersions: Required value]" },
    { "F-027 url or service", "spec.conversion", "{\"strategy\":\"Webhook\",\"webhook\":{\"clientConfig\":{},"
      "\"conversionReviewVersions\":[\"v2\"]}}",
      "[spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required, "
      "spec.conversion.conversionReviewVersions: Invalid value: [\"v2\"]: must include at least one of v1, v1beta1]" },
    { "F-029 stored versions", "status.storedVersions", "[]", STORED_NULL },
    { "F-046 protected groups", "spec.group", "\"a.k8s.io\"",
      "[metadata.name: Invalid value: \"widgets.g.example\": must be spec.names.plural+\".\"+spec.group, "
      "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "
      "\"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111]" },
    { "scope", "spec.scope", "\"x\"", "spec.scope: Unsupported value: \"x\": supported values: \"Cluster\", \"Namespaced\"" },
};

/* Schemas: the member x of an object. */
static const struct row schemas[] = {
    { "F-033 type", "x", "{}", X ".type: Required value: must not be empty for specified object fields" },
    { "F-033 items", "x", "{\"type\":\"array\"}", X ".items: Required value: must be specified" },
    { "F-033 type of items", "x", "{\"type\":\"array\",\"items\":{}}",
      X ".items.type: Required value: must not be empty for specified array items" },
    { "F-034 in combinations", "x", "{\"type\":\"string\",\"allOf\":[{\"type\":\"string\",\"default\":\"a\"}]}",
      "[" X ".allOf[0].type: Forbidden: must be empty to be structural, " X ".allOf[0].default: Forbidden: must be undefined to be "
      "structural]" },
    { "F-034 int or string may say its types", "x",
      "{\"x-kubernetes-int-or-string\":true,\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}", "" },
    { "F-034 also without the flag", "x", "{\"x-kubernetes-int-or-string\":false,\"anyOf\":[{\"type\":\"integer\"},{\"type\":"
      "\"string\"}]}", X ".type: Required value: must not be empty for specified object fields" },
    { "F-034 also beside a type", "x", "{\"type\":\"string\",\"allOf\":[{\"anyOf\":[{\"type\":\"integer\"},{\"type\":"
      "\"string\"}]}]}", "" },
    { "F-035 the type comes first", "x", "{\"type\":\"frob\",\"id\":\"q\"}", "[" X ".type: Unsupported value: \"frob\": supported "
      "values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\", " X ".id: Forbidden: id is not supported]" },
    { "F-035 what is in definitions", "x", "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"id\":\"q\"},\"definitions\":{"
      "\"a\":{\"type\":\"object\",\"x-kubernetes-list-type\":\"set\"}},\"dependencies\":{\"d\":{\"id\":\"q\"},\"e\":[\"f\"]}}",
      "[" X ".definitions: Forbidden: definitions is not supported, " X ".dependencies: Forbidden: dependencies is not supported, "
      X ".definitions[a].type: Invalid value: \"object\": must be array if x-kubernetes-list-type is specified, "
      X ".items.id: Forbidden: id is not supported, " X ".dependencies[d].id: Forbidden: id is not supported]" },
    { "F-035 $ref", "x", "{\"$ref\":\"y\"}", X ".$ref: Forbidden: $ref is not supported" },
    { "F-035 $schema", "x", "{\"type\":\"string\",\"$schema\":\"y\"}",
      AT ": Invalid value: \"\": OpenAPIV3Schema 'schema' is not supported" },
    { "F-035 both kinds of properties", "x", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
      "\"additionalProperties\":{\"type\":\"string\"}}",
      X ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive" },
    { "F-036 metadata", "metadata", "{\"type\":\"object\",\"required\":[\"name\"]}",
      AT ".properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is "
      "implicitly specified" },
    { "F-036 names may be narrowed", "metadata", "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":5}}}", "" },
    { "F-036 apiVersion", "apiVersion", "{\"type\":\"integer\"}",
      AT ".properties[apiVersion].type: Invalid value: \"integer\": must be string" },
    { "F-037 keyed list without keys", "x", "{\"type\":\"array\",\"items\":{\"type\":\"object\"},\"x-kubernetes-list-type\":\"map\"}",
      X ".x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map" },
    { "F-037 keys are required", "x", "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}},"
      "\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"a\"]}",
      X ".items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default "
      "or be a required property" },
    { "F-037 sets of objects", "x", "{\"type\":\"array\",\"items\":{\"type\":\"object\"},\"x-kubernetes-list-type\":\"set\"}",
      X ".items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set" },
    { "F-037 a set that is no list", "x", "{\"type\":\"object\",\"items\":{\"type\":\"object\"},\"x-kubernetes-list-type\":\"set\"}",
      X ".type: Invalid value: \"object\": must be array if x-kubernetes-list-type is specified" },
    { "F-038 map type", "x", "{\"type\":\"string\",\"x-kubernetes-map-type\":\"atomic\"}",
      X ".type: Invalid value: \"string\": must be object if x-kubernetes-map-type is specified" },
    { "F-039 preserve", "x", "{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":false}",
      X ".x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined" },
    { "F-040 embedded", "x", "{\"type\":\"object\",\"x-kubernetes-embedded-resource\":true}",
      X ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without "
      "x-kubernetes-preserve-unknown-fields" },
    { "F-041 default of a wrong type", "x", "{\"type\":\"integer\",\"default\":\"a\"}",
      X ".default: Invalid value: \"string\":  in body must be of type integer: \"string\"" },
    { "F-041 default with unknown fields", "x", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"default\":{\"b\":1}}",
      X ".default: Invalid value: {\"b\":1}: must not have unknown fields" },
    { "F-042 pattern", "x", "{\"type\":\"string\",\"pattern\":\"(\"}",
      X ".pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `(`" },
    { "F-043 an empty rule", "x", "{\"type\":\"string\",\"x-kubernetes-validations\":[{\"rule\":\" \"}]}",
      X ".x-kubernetes-validations[0].rule: Required value: rule is not specified" },
    { "unknown type", "x", "{\"type\":\"frob\"}",
      X ".type: Unsupported value: \"frob\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"" },
    { "F-043 a rule that does not compile", "x", "{\"type\":\"integer\",\"x-kubernetes-validations\":[{\"rule\":\"self.a\"}]}",
      X ".x-kubernetes-validations[0].rule: Invalid value: {\"Rule\":\"self.a\",\"Message\":\"\",\"MessageExpression\":\"\","
      "\"Reason\":null,\"FieldPath\":\"\",\"OptionalOldSelf\":null}: compilation failed: ERROR: <input>:1:5: type 'int' does not "
      "support field selection\n | self.a\n | ....^" },
    { "F-043 a rule that is no bool", "x", "{\"type\":\"integer\",\"x-kubernetes-validations\":[{\"rule\":\"self\"}]}",
      X ".x-kubernetes-validations[0].rule: Invalid value: {\"Rule\":\"self\",\"Message\":\"\",\"MessageExpression\":\"\","
      "\"Reason\":null,\"FieldPath\":\"\",\"OptionalOldSelf\":null}: cel expression must evaluate to a bool" },
    { "F-043 a message that is no string", "x", "{\"type\":\"integer\",\"x-kubernetes-validations\":[{\"rule\":\"self > 1\","
      "\"messageExpression\":\"self\"}]}", X ".x-kubernetes-validations[0].messageExpression: Invalid value: {\"Rule\":\"self "
      "\\u003e 1\",\"Message\":\"\",\"MessageExpression\":\"self\",\"Reason\":null,\"FieldPath\":\"\",\"OptionalOldSelf\":null}: "
      "messageExpression must evaluate to a string" },
    { "F-043 a pattern that cannot run", "x", "{\"type\":\"string\",\"maxLength\":5,\"x-kubernetes-validations\":[{\"rule\":"
      "\"self.find('(') == ''\"}]}", X ".x-kubernetes-validations[0].rule: Invalid value: {\"Rule\":\"self.find('(') == ''\","
      "\"Message\":\"\",\"MessageExpression\":\"\",\"Reason\":null,\"FieldPath\":\"\",\"OptionalOldSelf\":null}: program "
      "instantiation failed: error parsing regexp: missing closing ): `(`" },
    { "F-043 fieldPath", "x", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"x-kubernetes-validations\":[{"
      "\"rule\":\"true\",\"fieldPath\":\".b\"}]}", X ".x-kubernetes-validations[0].fieldPath: Invalid value: \".b\": must be a "
      "valid path" },
    { "F-043 too dear", "x", "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"x-kubernetes-validations\":[{\"rule\":"
      "\"self.contains('x')\"}]}}", "[" X ".items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds "
      "budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where "
      "arrays, maps, and strings are declared), " X ".items.x-kubernetes-validations[0].rule: Forbidden: contributed to "
      "estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema, " AT ": Forbidden: x-kubernetes-validations "
      "estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x (try simplifying the "
      "rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)]" },
    { "F-043 bounds make it cheap", "x", "{\"type\":\"array\",\"maxItems\":10,\"items\":{\"type\":\"string\",\"maxLength\":100,"
      "\"x-kubernetes-validations\":[{\"rule\":\"self.contains('x')\"}]}}", "" },
    { "F-044 oldSelf in a plain list", "x", "{\"type\":\"array\",\"maxItems\":10,\"items\":{\"type\":\"integer\","
      "\"x-kubernetes-validations\":[{\"rule\":\"self == oldSelf\"}]}}", X ".items.x-kubernetes-validations[0].rule: Invalid "
      "value: \"self == oldSelf\": oldSelf cannot be used on the uncorrelatable portion of the schema within " X },
    { "F-140 optionalOldSelf without it", "x", "{\"type\":\"integer\",\"x-kubernetes-validations\":[{\"rule\":\"self > 1\","
      "\"optionalOldSelf\":true}]}", X ".x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if "
      "oldSelf is not used in rule" },
    { "F-041 a default that breaks a rule", "x", "{\"type\":\"integer\",\"default\":1,\"x-kubernetes-validations\":[{\"rule\":"
      "\"self > 1\"}]}", X ".default: Invalid value: \"integer\": failed rule: self > 1" },
    { "F-145 nothing is known of it", "x", "{\"x-kubernetes-preserve-unknown-fields\":true,\"x-kubernetes-validations\":[{"
      "\"rule\":\"self == 1\"}]}", X ".x-kubernetes-validations: Internal error: internal error: failed to construct type "
      "information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations" },
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
    json_auto_t *crd = json_parse_str(good);

    if (row->path) {
        json_t *changed = json_with(crd, row->path, json_parse_str(row->value));
        json_decref(crd);
        crd = changed;
    }
    crd_check(crd, NULL, NULL, &errs);
    assert_string_equal(joined(a, &errs), row->errors);
}

static void check_schema_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *schema = json_pack("{s:s,s:{s:o}}", "type", "object", "properties", row->path, json_parse_str(row->value));
    json_auto_t *wrapped = json_pack("{s:O}", "openAPIV3Schema", schema), *crd = json_parse_str(good);
    json_t *version = json_array_get(json_path(crd, "spec.versions"), 0);

    json_object_set(version, "schema", wrapped);
    struct cel_env *cel = kcel_env_new();
    crd_check(crd, NULL, cel, &errs);
    cel_env_free(cel);
    assert_string_equal(joined(a, &errs), row->errors);
}

/* F-028 */
static void what_may_not_change(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *old = json_parse_str(good), *crd = json_with(old, "spec.scope", json_string("Cluster"));

    crd_check(crd, old, NULL, &errs);
    assert_int_equal(errs.n, 0);                  /* before it is established nothing depends on it */
    json_auto_t *established = json_with(old, "status.conditions",
                                         json_parse_str("[{\"type\":\"Established\",\"status\":\"True\"}]"));
    crd_check(crd, established, NULL, &errs);
    assert_string_equal(joined(a, &errs), "spec.scope: Invalid value: \"Cluster\": field is immutable");
}

/* What versions differ in is told where it stands. */
static void versions_that_differ(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *crd = json_parse_str(good);

    json_array_append_new(json_path(crd, "spec.versions"), json_parse_str(
        "{\"name\":\"v2\",\"served\":true,\"storage\":false,\"schema\":{\"openAPIV3Schema\":{\"type\":\"string\"}}}"));
    crd_check(crd, NULL, NULL, &errs);
    assert_string_equal(joined(a, &errs),
                        "spec.versions[1].schema.openAPIV3Schema.type: Invalid value: \"string\": must be object at the root");
}

/* Fields that all versions select are looked up in the schema that all have. */
static void selected_of_versions_that_differ(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *crd = json_parse_str(good), *fields = json_parse_str("[{\"jsonPath\":\".x\"}]");
    json_t *versions = json_path(crd, "spec.versions");

    json_array_append_new(versions, json_parse_str("{\"name\":\"v2\",\"served\":true,\"storage\":false,\"schema\":{"
        "\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\"}}}}}"));
    json_object_set(json_array_get(versions, 0), "selectableFields", fields);
    json_object_set(json_array_get(versions, 1), "selectableFields", fields);
    crd_check(crd, NULL, NULL, &errs);
    assert_string_equal(joined(a, &errs),
                        "spec.selectableFields: Invalid value: \"\": may only be set when validations.schema is included");
}

/* Nor does a schema that all have help where each version selects its own. */
static void selected_apart_from_the_schema(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *crd = json_parse_str(good);
    json_t *versions = json_path(crd, "spec.versions");

    json_array_append_new(versions, json_parse_str("{\"name\":\"v2\",\"served\":true,\"storage\":false,\"selectableFields\":[{"
        "\"jsonPath\":\".x\"}],\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}}}"));
    crd_check(crd, NULL, NULL, &errs);
    assert_string_equal(joined(a, &errs), "spec.versions[1].selectableFields: Invalid value: \"\": may only be set when "
                                          "`version.schema.openAPIV3Schema` is not included");
}

/* A sentence about all versions shows the schemas in which they differ. */
static void schemas_that_differ_are_shown(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *crd = json_parse_str(good);

    json_array_append_new(json_path(crd, "spec.versions"), json_parse_str(
        "{\"name\":\"v2\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{"
        "\"l\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"k\":{\"type\":\"object\",\"additionalProperties\":{"
        "\"type\":\"integer\"},\"description\":\"<\"}}}}}"));
    crd_check(crd, NULL, NULL, &errs);
    assert_true(errs.n > 0);
    const char *text = errs.v[0].message;
    assert_non_null(strstr(text, "\"Schema\":{\"OpenAPIV3Schema\":{\"ID\":\"\",\"Schema\":\"\",\"Ref\":null,\"Description\":"
                                 "\"\",\"Type\":\"object\",\"Nullable\":false,"));
    assert_non_null(strstr(text, "\"Properties\":{\"k\":{\"ID\":\"\",\"Schema\":\"\",\"Ref\":null,\"Description\":\"\\u003c\","));
    assert_non_null(strstr(text, "\"AdditionalProperties\":{\"Allows\":true,\"Schema\":{\"ID\":"));
    assert_non_null(strstr(text, "\"Items\":{\"Schema\":{\"ID\":"));
    assert_non_null(strstr(text, "\"XMapType\":null,\"XValidations\":null},\"JSONSchemas\":null}"));
}

/* So are other things in which they differ. */
static void extras_that_differ_are_shown(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a);
    json_auto_t *crd = json_parse_str(good);

    json_array_append_new(json_path(crd, "spec.versions"), json_parse_str(
        "{\"name\":\"v2\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}},\"subresources\":{"
        "\"scale\":{\"specReplicasPath\":\".spec.a\",\"statusReplicasPath\":\".status.b\"}},\"additionalPrinterColumns\":[{"
        "\"name\":\"a\",\"type\":\"string\",\"jsonPath\":\".a\"}]}"));
    crd_check(crd, NULL, NULL, &errs);
    assert_true(errs.n > 0);
    assert_non_null(strstr(errs.v[0].message, "\"Schema\":null,\"Subresources\":{\"Status\":null,\"Scale\":{\"SpecReplicasPath\":"
        "\".spec.a\",\"StatusReplicasPath\":\".status.b\",\"LabelSelectorPath\":null}},\"AdditionalPrinterColumns\":[{\"Name\":\"a\","
        "\"Type\":\"string\",\"Format\":\"\",\"Description\":\"\",\"Priority\":0,\"JSONPath\":\".a\"}],\"SelectableFields\":null}"));
}

/* F-122: formats of strings that nobody enforces are named once. */
static void unknown_formats(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    json_auto_t *crd = json_parse_str(
        "{\"spec\":{\"versions\":[{\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"format\":\"unseen\",\"properties\":{"
        "\"a\":{\"type\":\"string\",\"format\":\"odd\"},\"b\":{\"items\":{\"type\":\"string\",\"format\":\"odd\"}},"
        "\"c\":{\"type\":\"string\",\"format\":\"date\"},\"d\":{\"type\":\"string\",\"format\":\"k8s-short-name\"},"
        "\"e\":{\"format\":\"untyped\"}}}}}]}}");
    size_t n;
    const char *const *formats = crd_unknown_formats(a, crd, &n);

    assert_int_equal(n, 2);
    assert_string_equal(formats[0], "odd");
    assert_string_equal(formats[1], "k8s-short-name");
}

int main(void)
{
    enum { OTHERS = 7 };
    struct CMUnitTest tests[OTHERS + ARRAY_SIZE(rows) + ARRAY_SIZE(schemas)] = {
        { "F-028 what may not change", what_may_not_change, NULL, NULL, NULL },
        cmocka_unit_test(versions_that_differ),
        cmocka_unit_test(selected_of_versions_that_differ),
        cmocka_unit_test(selected_apart_from_the_schema),
        cmocka_unit_test(schemas_that_differ_are_shown),
        cmocka_unit_test(extras_that_differ_are_shown),
        { "F-122 unknown formats", unknown_formats, NULL, NULL, NULL },
    };

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[OTHERS + i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                                 .initial_state = (void *)&rows[i] };
    for (size_t i = 0; i < ARRAY_SIZE(schemas); i++)
        tests[OTHERS + ARRAY_SIZE(rows) + i] = (struct CMUnitTest){ .name = schemas[i].name, .test_func = check_schema_row,
                                                                    .initial_state = (void *)&schemas[i] };
    return cmocka_run_group_tests_name("crd_check", tests, NULL, NULL);
}
