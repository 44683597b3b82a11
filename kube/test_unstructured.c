#include "kube/unstructured.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct schema string_type = { .type = SCHEMA_STRING, .go_type = "string" },
    int_type = { .type = SCHEMA_INTEGER, .go_type = "*int32" }, bool_type = { .type = SCHEMA_BOOLEAN },
    map_type = { .type = SCHEMA_OBJECT, .additional = &string_type },
    list_type = { .type = SCHEMA_ARRAY, .items = &string_type },
    quantity_type = { .type = SCHEMA_STRING, .form = FORM_QUANTITY },
    time_type = { .type = SCHEMA_STRING, .form = FORM_TIME },
    bytes_type = { .type = SCHEMA_STRING, .form = FORM_BYTES },
    either_type = { .type = SCHEMA_INT_OR_STRING, .form = FORM_INT_OR_STRING };
static const struct schema_field inner_fields[] = { { "s", &string_type } };
static const struct schema inner_type = { .type = SCHEMA_OBJECT, .fields = inner_fields, .n_fields = 1 };
static const struct schema_field fields[] = {
    { "s", &string_type }, { "i", &int_type },  { "b", &bool_type },     { "map", &map_type }, { "list", &list_type },
    { "q", &quantity_type }, { "t", &time_type }, { "bytes", &bytes_type }, { "e", &either_type }, { "in", &inner_type },
};
static const struct schema root = { .type = SCHEMA_OBJECT, .fields = fields, .n_fields = ARRAY_SIZE(fields) };

/* E-067: as smp-types recorded it, and its neighbours. */
static const struct row {
    const char *tree, *want;
} rows[] = {
    { "{\"s\":\"x\",\"i\":1,\"b\":true,\"map\":{\"k\":\"v\"},\"list\":[\"a\"],\"q\":\"1Gi\",\"e\":5,\"in\":{}}", NULL },
    { "{\"s\":null,\"map\":null,\"list\":[null],\"unknown\":[1]}", NULL },
    { "{\"i\":3.0,\"q\":1.5,\"bytes\":\"aGk=\",\"e\":\"50%\"}", NULL },
    { "{\"map\":\"x\"}", "cannot restore map from string" },
    { "{\"map\":[\"x\"]}", "cannot restore map from slice" },
    { "{\"map\":{\"k\":1}}", "cannot convert int64 to string" },
    { "{\"list\":\"x\"}", "cannot restore slice from string" },
    { "{\"list\":{}}", "cannot restore slice from map" },
    { "{\"in\":\"x\"}", "cannot restore struct from: string" },
    { "{\"s\":true}", "unrecognized type: string" },
    { "{\"i\":\"x\"}", "unrecognized type: int32" },
    { "{\"i\":1.5}", "cannot convert float64 to int32" },
    { "{\"b\":\"yes\"}", "unrecognized type: bool" },
    { "{\"bytes\":\"***\"}", "error decoding from json: illegal base64 data at input byte 0" },
    { "{\"q\":\"x\"}", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'" },
    { "{\"t\":\"x\"}", "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\"" },
    { "{\"e\":true}", "json: cannot unmarshal bool into Go value of type int32" },
    { "{\"in\":1,\"s\":[]}", "unrecognized type: string" },
};

static void trees_fit_or_are_refused_in_go_s_words(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cleanup_arena struct arena *a = arena_new();
        json_auto_t *tree = json_parse_str(rows[i].tree);
        const char *why = unstructured_error(a, tree, &root);

        if (!rows[i].want)
            assert_null(why);
        else
            assert_string_equal(why, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(trees_fit_or_are_refused_in_go_s_words) };

    json_object_seed(1);
    return cmocka_run_group_tests_name("unstructured", tests, NULL, NULL);
}
