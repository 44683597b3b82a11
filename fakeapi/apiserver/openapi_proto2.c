/* An OpenAPI v2 document as gnostic's protobuf: what kubectl before 1.30 reads before it applies or
 * explains. Field numbers are the numbers of that schema. */
#include "fakeapi/apiserver/openapi.h"

#include "fakeapi/apiserver/openapi_pb.h"

#include "kube/json.h"

/* ---- schemas -------------------------------------------------------------------------------------- */

static const struct pb_field schema[];            /* schemas stand within schemas */

static const struct pb_field schema_or_bool[] = {
    { 1, PB_ITSELF, pb_message, schema, pb_is_no_boolean },
    { 2, PB_ITSELF, pb_true },
    { 0 },
};

static const struct pb_field schema_item[] = { { 1, PB_ITSELF, pb_message, schema }, { 0 } };
static const struct pb_field schemas[] = { { 1, PB_ITSELF, pb_named, schema }, { 0 } };
static const struct pb_field type_item[] = { { 1, PB_ITSELF, pb_text }, { 0 } };

static const struct pb_field schema[] = {
    { 1, "$ref", pb_text },
    { 2, "format", pb_text },
    { 4, "description", pb_text },
    { 5, "default", pb_message, pb_any },
    { 6, "multipleOf", pb_double },
    { 7, "maximum", pb_double },
    { 8, "exclusiveMaximum", pb_true },
    { 9, "minimum", pb_double },
    { 10, "exclusiveMinimum", pb_true },
    { 11, "maxLength", pb_count },
    { 12, "minLength", pb_count },
    { 13, "pattern", pb_text },
    { 14, "maxItems", pb_count },
    { 15, "minItems", pb_count },
    { 16, "uniqueItems", pb_true },
    { 17, "maxProperties", pb_count },
    { 18, "minProperties", pb_count },
    { 19, "required", pb_texts },
    { 20, "enum", pb_each, pb_any },
    { 21, "additionalProperties", pb_message, schema_or_bool },
    { 22, "type", pb_message, type_item },
    { 23, "items", pb_message, schema_item },
    { 25, "properties", pb_message, schemas },
    { 31, PB_ITSELF, pb_extensions },
    { 0 },
};

/* ---- parameters: body, path and query are three messages ------------------------------------------- */

static bool stands_in(const json_t *parameter, const char *place)
{
    return streq(json_string_value(json_object_get(parameter, "in")), place);
}

static bool in_body(const json_t *parameter)
{
    return stands_in(parameter, "body");
}

static bool not_in_body(const json_t *parameter)
{
    return !stands_in(parameter, "body");
}

static bool in_path(const json_t *parameter)
{
    return stands_in(parameter, "path");
}

static bool not_in_path(const json_t *parameter)
{
    return !stands_in(parameter, "path");
}

static const struct pb_field body_parameter[] = {
    { 2, "name", pb_text },
    { 3, "in", pb_text },
    { 4, "required", pb_true },
    { 5, "schema", pb_message, schema },
    { 0 },
};

static const struct pb_field path_parameter[] = {
    { 1, "required", pb_true },
    { 2, "in", pb_text },
    { 3, "description", pb_text },
    { 4, "name", pb_text },
    { 5, "type", pb_text },
    { 19, "uniqueItems", pb_true },
    { 0 },
};

static const struct pb_field query_parameter[] = {
    { 2, "in", pb_text },
    { 3, "description", pb_text },
    { 4, "name", pb_text },
    { 6, "type", pb_text },
    { 20, "uniqueItems", pb_true },
    { 0 },
};

static const struct pb_field non_body_parameter[] = {
    { 3, PB_ITSELF, pb_message, query_parameter, not_in_path },
    { 4, PB_ITSELF, pb_message, path_parameter, in_path },
    { 0 },
};

static const struct pb_field parameter[] = {
    { 1, PB_ITSELF, pb_message, body_parameter, in_body },
    { 2, PB_ITSELF, pb_message, non_body_parameter, not_in_body },
    { 0 },
};

static const struct pb_field parameter_item[] = { { 1, PB_ITSELF, pb_message, parameter }, { 0 } };

/* ---- operations ----------------------------------------------------------------------------------- */

static const struct pb_field response[] = {
    { 1, "description", pb_text },
    { 2, "schema", pb_message, schema_item },
    { 0 },
};

static const struct pb_field response_item[] = { { 1, PB_ITSELF, pb_message, response }, { 0 } };
static const struct pb_field responses[] = { { 1, PB_ITSELF, pb_named, response_item }, { 0 } };

static const struct pb_field operation[] = {
    { 1, "tags", pb_texts },
    { 3, "description", pb_text },
    { 5, "operationId", pb_text },
    { 6, "produces", pb_texts },
    { 7, "consumes", pb_texts },
    { 8, "parameters", pb_each, parameter_item },
    { 9, "responses", pb_message, responses },
    { 10, "schemes", pb_texts },
    { 13, PB_ITSELF, pb_extensions },
    { 0 },
};

static const struct pb_field path_item[] = {
    { 2, "get", pb_message, operation },
    { 3, "put", pb_message, operation },
    { 4, "post", pb_message, operation },
    { 5, "delete", pb_message, operation },
    { 6, "options", pb_message, operation },
    { 7, "head", pb_message, operation },
    { 8, "patch", pb_message, operation },
    { 9, "parameters", pb_each, parameter_item },
    { 0 },
};

/* ---- the document --------------------------------------------------------------------------------- */

static const struct pb_field info[] = {
    { 1, "title", pb_text },
    { 2, "version", pb_text },
    { 0 },
};

static const struct pb_field paths[] = { { 2, PB_ITSELF, pb_named, path_item }, { 0 } };
static const struct pb_field scopes[] = { { 1, PB_ITSELF, pb_texts }, { 0 } };
static const struct pb_field security_requirement[] = { { 1, PB_ITSELF, pb_named, scopes }, { 0 } };

static const struct pb_field api_key[] = {
    { 1, "type", pb_text },
    { 2, "name", pb_text },
    { 3, "in", pb_text },
    { 4, "description", pb_text },
    { 0 },
};

static const struct pb_field security_item[] = { { 2, PB_ITSELF, pb_message, api_key }, { 0 } };
static const struct pb_field security_definitions[] = { { 1, PB_ITSELF, pb_named, security_item }, { 0 } };

static const struct pb_field document[] = {
    { 1, "swagger", pb_text },
    { 2, "info", pb_message, info },
    { 8, "paths", pb_message, paths },
    { 9, "definitions", pb_message, schemas },
    { 12, "security", pb_each, security_requirement },
    { 13, "securityDefinitions", pb_message, security_definitions },
    { 0 },
};

struct blob *openapi_v2_protobuf(const json_t *doc)
{
    return pb_document(doc, document);
}
