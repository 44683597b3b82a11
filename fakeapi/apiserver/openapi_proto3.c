/* An OpenAPI v3 document as gnostic's protobuf. Field numbers are the numbers of that schema. */
#include "fakeapi/apiserver/openapi.h"

#include "fakeapi/apiserver/openapi_pb.h"

#include "kube/json.h"

static void fill_reference(struct buf *b, const json_t *v)
{
    pb_text(b, 1, json_object_get(v, "$ref"));
}

/* The thing itself in field 1, or a reference to it in field 2. */
static void fill_or_reference(struct buf *b, const json_t *v, pb_fill_fn *fill)
{
    bool reference = json_object_get(v, "$ref");

    pb_message(b, reference ? 2 : 1, v, reference ? fill_reference : fill);
}

/* ---- schemas -------------------------------------------------------------------------------------- */

static void fill_schema(struct buf *b, const json_t *s);

static void fill_schema_or_reference(struct buf *b, const json_t *v)
{
    fill_or_reference(b, v, fill_schema);
}

static void fill_schema_or_bool(struct buf *b, const json_t *v)
{
    if (json_is_boolean(v))
        pb_true(b, 2, v);
    else
        pb_message(b, 1, v, fill_schema_or_reference);
}

static void fill_items(struct buf *b, const json_t *v)
{
    pb_message(b, 1, v, fill_schema_or_reference);
}

static void fill_schemas(struct buf *b, const json_t *v)
{
    pb_named(b, 1, v, fill_schema_or_reference);
}

/* One of three, and there although it is zero, false or "". */
static void fill_default(struct buf *b, const json_t *v)
{
    pb_double(b, 1, v);
    if (json_is_boolean(v)) {
        pb_varint(b, 2 << 3);
        pb_varint(b, json_is_true(v));
    }
    if (json_is_string(v))
        pb_bytes(b, 3, json_string_value(v), json_string_length(v));
}

static void fill_schema(struct buf *b, const json_t *s)
{
    pb_true(b, 1, json_object_get(s, "nullable"));
    pb_double(b, 10, json_object_get(s, "multipleOf"));
    pb_double(b, 11, json_object_get(s, "maximum"));
    pb_true(b, 12, json_object_get(s, "exclusiveMaximum"));
    pb_double(b, 13, json_object_get(s, "minimum"));
    pb_true(b, 14, json_object_get(s, "exclusiveMinimum"));
    pb_count(b, 15, json_object_get(s, "maxLength"));
    pb_count(b, 16, json_object_get(s, "minLength"));
    pb_text(b, 17, json_object_get(s, "pattern"));
    pb_count(b, 18, json_object_get(s, "maxItems"));
    pb_count(b, 19, json_object_get(s, "minItems"));
    pb_true(b, 20, json_object_get(s, "uniqueItems"));
    pb_count(b, 21, json_object_get(s, "maxProperties"));
    pb_count(b, 22, json_object_get(s, "minProperties"));
    pb_texts(b, 23, json_object_get(s, "required"));
    pb_each(b, 24, json_object_get(s, "enum"), pb_fill_any);
    pb_text(b, 25, json_object_get(s, "type"));
    pb_each(b, 26, json_object_get(s, "allOf"), fill_schema_or_reference);
    pb_each(b, 27, json_object_get(s, "oneOf"), fill_schema_or_reference);
    pb_each(b, 28, json_object_get(s, "anyOf"), fill_schema_or_reference);
    pb_message(b, 29, json_object_get(s, "not"), fill_schema);
    pb_message(b, 30, json_object_get(s, "items"), fill_items);
    pb_message(b, 31, json_object_get(s, "properties"), fill_schemas);
    pb_message(b, 32, json_object_get(s, "additionalProperties"), fill_schema_or_bool);
    pb_message(b, 33, json_object_get(s, "default"), fill_default);
    pb_text(b, 34, json_object_get(s, "description"));
    pb_text(b, 35, json_object_get(s, "format"));
    pb_extensions(b, 36, s);
}

/* ---- operations ----------------------------------------------------------------------------------- */

static void fill_media_type(struct buf *b, const json_t *v)
{
    pb_message(b, 1, json_object_get(v, "schema"), fill_schema_or_reference);
}

static void fill_media_types(struct buf *b, const json_t *v)
{
    pb_named(b, 1, v, fill_media_type);
}

static void fill_parameter(struct buf *b, const json_t *p)
{
    pb_text(b, 1, json_object_get(p, "name"));
    pb_text(b, 2, json_object_get(p, "in"));
    pb_text(b, 3, json_object_get(p, "description"));
    pb_true(b, 4, json_object_get(p, "required"));
    pb_message(b, 10, json_object_get(p, "schema"), fill_schema_or_reference);
}

static void fill_parameter_or_reference(struct buf *b, const json_t *p)
{
    fill_or_reference(b, p, fill_parameter);
}

static void fill_request_body(struct buf *b, const json_t *v)
{
    pb_message(b, 2, json_object_get(v, "content"), fill_media_types);
    pb_true(b, 3, json_object_get(v, "required"));
}

static void fill_request_body_or_reference(struct buf *b, const json_t *v)
{
    fill_or_reference(b, v, fill_request_body);
}

static void fill_response(struct buf *b, const json_t *v)
{
    pb_text(b, 1, json_object_get(v, "description"));
    pb_message(b, 3, json_object_get(v, "content"), fill_media_types);
}

static void fill_response_or_reference(struct buf *b, const json_t *v)
{
    fill_or_reference(b, v, fill_response);
}

static void fill_responses(struct buf *b, const json_t *v)
{
    pb_named(b, 2, v, fill_response_or_reference);
}

static void fill_operation(struct buf *b, const json_t *op)
{
    pb_texts(b, 1, json_object_get(op, "tags"));
    pb_text(b, 3, json_object_get(op, "description"));
    pb_text(b, 5, json_object_get(op, "operationId"));
    pb_each(b, 6, json_object_get(op, "parameters"), fill_parameter_or_reference);
    pb_message(b, 7, json_object_get(op, "requestBody"), fill_request_body_or_reference);
    pb_message(b, 8, json_object_get(op, "responses"), fill_responses);
    pb_extensions(b, 13, op);
}

static void fill_path_item(struct buf *b, const json_t *item)
{
    static const struct { const char *method; unsigned number; } rows[] = {
        { "get", 4 }, { "put", 5 }, { "post", 6 }, { "delete", 7 }, { "options", 8 }, { "head", 9 }, { "patch", 10 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        pb_message(b, rows[i].number, json_object_get(item, rows[i].method), fill_operation);
    pb_each(b, 13, json_object_get(item, "parameters"), fill_parameter_or_reference);
}

/* ---- the document --------------------------------------------------------------------------------- */

static void fill_paths(struct buf *b, const json_t *paths)
{
    pb_named(b, 1, paths, fill_path_item);
}

static void fill_security_scheme(struct buf *b, const json_t *v)
{
    pb_text(b, 1, json_object_get(v, "type"));
    pb_text(b, 2, json_object_get(v, "description"));
    pb_text(b, 3, json_object_get(v, "name"));
    pb_text(b, 4, json_object_get(v, "in"));
}

static void fill_scheme_or_reference(struct buf *b, const json_t *v)
{
    fill_or_reference(b, v, fill_security_scheme);
}

static void fill_security_schemes(struct buf *b, const json_t *v)
{
    pb_named(b, 1, v, fill_scheme_or_reference);
}

static void fill_components(struct buf *b, const json_t *v)
{
    pb_message(b, 1, json_object_get(v, "schemas"), fill_schemas);
    pb_message(b, 7, json_object_get(v, "securitySchemes"), fill_security_schemes);
}

static void fill_info(struct buf *b, const json_t *info)
{
    pb_text(b, 1, json_object_get(info, "title"));
    pb_text(b, 6, json_object_get(info, "version"));
}

struct blob *openapi_v3_protobuf(const json_t *doc)
{
    struct buf b = BUF_INIT;

    pb_text(&b, 1, json_object_get(doc, "openapi"));
    pb_message(&b, 2, json_object_get(doc, "info"), fill_info);
    pb_message(&b, 4, json_object_get(doc, "paths"), fill_paths);
    pb_message(&b, 5, json_object_get(doc, "components"), fill_components);
    return blob_from_buf(&b);
}
