/* An OpenAPI v3 document as gnostic's protobuf. Field numbers are the numbers of that schema. */
#include "fakeapi/apiserver/openapi.h"

#include "fakeapi/apiserver/openapi_pb.h"

static bool is_reference(const json_t *v)
{
    return json_object_get(v, "$ref");
}

static bool is_no_reference(const json_t *v)
{
    return !is_reference(v);
}

static const struct pb_field reference[] = { { 1, "$ref", pb_text }, { 0 } };

/* The thing itself in field 1, or a reference to it in field 2. */
#define OR_REFERENCE(thing)                                   \
    { 1, PB_ITSELF, pb_message, thing, is_no_reference },     \
    { 2, PB_ITSELF, pb_message, reference, is_reference }

/* ---- schemas -------------------------------------------------------------------------------------- */

static const struct pb_field schema[];            /* schemas stand within schemas */

static const struct pb_field schema_or_reference[] = { OR_REFERENCE(schema), { 0 } };

static const struct pb_field schema_or_bool[] = {
    { 1, PB_ITSELF, pb_message, schema_or_reference, pb_is_no_boolean },
    { 2, PB_ITSELF, pb_true },
    { 0 },
};

static const struct pb_field schema_item[] = { { 1, PB_ITSELF, pb_message, schema_or_reference }, { 0 } };
static const struct pb_field schemas[] = { { 1, PB_ITSELF, pb_named, schema_or_reference }, { 0 } };

/* One of three, and there although it is zero, false or "". */
static const struct pb_field default_value[] = {
    { 1, PB_ITSELF, pb_double },
    { 2, PB_ITSELF, pb_bool_even_false },
    { 3, PB_ITSELF, pb_text_even_empty },
    { 0 },
};

static const struct pb_field schema[] = {
    { 1, "nullable", pb_true },
    { 10, "multipleOf", pb_double },
    { 11, "maximum", pb_double },
    { 12, "exclusiveMaximum", pb_true },
    { 13, "minimum", pb_double },
    { 14, "exclusiveMinimum", pb_true },
    { 15, "maxLength", pb_count },
    { 16, "minLength", pb_count },
    { 17, "pattern", pb_text },
    { 18, "maxItems", pb_count },
    { 19, "minItems", pb_count },
    { 20, "uniqueItems", pb_true },
    { 21, "maxProperties", pb_count },
    { 22, "minProperties", pb_count },
    { 23, "required", pb_texts },
    { 24, "enum", pb_each, pb_any },
    { 25, "type", pb_text },
    { 26, "allOf", pb_each, schema_or_reference },
    { 27, "oneOf", pb_each, schema_or_reference },
    { 28, "anyOf", pb_each, schema_or_reference },
    { 29, "not", pb_message, schema },
    { 30, "items", pb_message, schema_item },
    { 31, "properties", pb_message, schemas },
    { 32, "additionalProperties", pb_message, schema_or_bool },
    { 33, "default", pb_message, default_value },
    { 34, "description", pb_text },
    { 35, "format", pb_text },
    { 36, PB_ITSELF, pb_extensions },
    { 0 },
};

/* ---- operations ----------------------------------------------------------------------------------- */

static const struct pb_field media_type[] = { { 1, "schema", pb_message, schema_or_reference }, { 0 } };
static const struct pb_field media_types[] = { { 1, PB_ITSELF, pb_named, media_type }, { 0 } };

static const struct pb_field parameter[] = {
    { 1, "name", pb_text },
    { 2, "in", pb_text },
    { 3, "description", pb_text },
    { 4, "required", pb_true },
    { 10, "schema", pb_message, schema_or_reference },
    { 0 },
};

static const struct pb_field parameter_or_reference[] = { OR_REFERENCE(parameter), { 0 } };

static const struct pb_field request_body[] = {
    { 2, "content", pb_message, media_types },
    { 3, "required", pb_true },
    { 0 },
};

static const struct pb_field request_body_or_reference[] = { OR_REFERENCE(request_body), { 0 } };

static const struct pb_field response[] = {
    { 1, "description", pb_text },
    { 3, "content", pb_message, media_types },
    { 0 },
};

static const struct pb_field response_or_reference[] = { OR_REFERENCE(response), { 0 } };
static const struct pb_field responses[] = { { 2, PB_ITSELF, pb_named, response_or_reference }, { 0 } };

static const struct pb_field operation[] = {
    { 1, "tags", pb_texts },
    { 3, "description", pb_text },
    { 5, "operationId", pb_text },
    { 6, "parameters", pb_each, parameter_or_reference },
    { 7, "requestBody", pb_message, request_body_or_reference },
    { 8, "responses", pb_message, responses },
    { 13, PB_ITSELF, pb_extensions },
    { 0 },
};

static const struct pb_field path_item[] = {
    { 4, "get", pb_message, operation },
    { 5, "put", pb_message, operation },
    { 6, "post", pb_message, operation },
    { 7, "delete", pb_message, operation },
    { 8, "options", pb_message, operation },
    { 9, "head", pb_message, operation },
    { 10, "patch", pb_message, operation },
    { 13, "parameters", pb_each, parameter_or_reference },
    { 0 },
};

/* ---- the document --------------------------------------------------------------------------------- */

static const struct pb_field info[] = {
    { 1, "title", pb_text },
    { 6, "version", pb_text },
    { 0 },
};

static const struct pb_field paths[] = { { 1, PB_ITSELF, pb_named, path_item }, { 0 } };

static const struct pb_field security_scheme[] = {
    { 1, "type", pb_text },
    { 2, "description", pb_text },
    { 3, "name", pb_text },
    { 4, "in", pb_text },
    { 0 },
};

static const struct pb_field security_scheme_or_reference[] = { OR_REFERENCE(security_scheme), { 0 } };
static const struct pb_field security_schemes[] = { { 1, PB_ITSELF, pb_named, security_scheme_or_reference }, { 0 } };

static const struct pb_field components[] = {
    { 1, "schemas", pb_message, schemas },
    { 7, "securitySchemes", pb_message, security_schemes },
    { 0 },
};

static const struct pb_field document[] = {
    { 1, "openapi", pb_text },
    { 2, "info", pb_message, info },
    { 4, "paths", pb_message, paths },
    { 5, "components", pb_message, components },
    { 0 },
};

struct blob *openapi_v3_protobuf(const json_t *doc)
{
    return pb_document(doc, document);
}
