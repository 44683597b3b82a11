/* An OpenAPI v2 document as gnostic's protobuf: what kubectl before 1.30 reads before it applies or
 * explains. Field numbers are the numbers of that schema. */
#include "fakeapi/apiserver/openapi.h"

#include "fakeapi/apiserver/openapi_pb.h"

#include "kube/json.h"

static void fill_schema(struct buf *b, const json_t *s);

static void fill_schema_or_bool(struct buf *b, const json_t *v)
{
    if (json_is_boolean(v))
        pb_true(b, 2, v);
    else
        pb_message(b, 1, v, fill_schema);
}

static void fill_items(struct buf *b, const json_t *v)
{
    pb_message(b, 1, v, fill_schema);
}

static void fill_type(struct buf *b, const json_t *v)
{
    pb_text(b, 1, v);
}

static void fill_properties(struct buf *b, const json_t *v)
{
    pb_named(b, 1, v, fill_schema);
}

static void fill_schema(struct buf *b, const json_t *s)
{
    pb_text(b, 1, json_object_get(s, "$ref"));
    pb_text(b, 2, json_object_get(s, "format"));
    pb_text(b, 4, json_object_get(s, "description"));
    pb_message(b, 5, json_object_get(s, "default"), pb_fill_any);
    pb_double(b, 6, json_object_get(s, "multipleOf"));
    pb_double(b, 7, json_object_get(s, "maximum"));
    pb_true(b, 8, json_object_get(s, "exclusiveMaximum"));
    pb_double(b, 9, json_object_get(s, "minimum"));
    pb_true(b, 10, json_object_get(s, "exclusiveMinimum"));
    pb_count(b, 11, json_object_get(s, "maxLength"));
    pb_count(b, 12, json_object_get(s, "minLength"));
    pb_text(b, 13, json_object_get(s, "pattern"));
    pb_count(b, 14, json_object_get(s, "maxItems"));
    pb_count(b, 15, json_object_get(s, "minItems"));
    pb_true(b, 16, json_object_get(s, "uniqueItems"));
    pb_count(b, 17, json_object_get(s, "maxProperties"));
    pb_count(b, 18, json_object_get(s, "minProperties"));
    pb_texts(b, 19, json_object_get(s, "required"));
    pb_each(b, 20, json_object_get(s, "enum"), pb_fill_any);
    pb_message(b, 21, json_object_get(s, "additionalProperties"), fill_schema_or_bool);
    pb_message(b, 22, json_object_get(s, "type"), fill_type);
    pb_message(b, 23, json_object_get(s, "items"), fill_items);
    pb_message(b, 25, json_object_get(s, "properties"), fill_properties);
    pb_extensions(b, 31, s);
}

static void fill_in_path(struct buf *b, const json_t *p)
{
    pb_true(b, 1, json_object_get(p, "required"));
    pb_text(b, 2, json_object_get(p, "in"));
    pb_text(b, 3, json_object_get(p, "description"));
    pb_text(b, 4, json_object_get(p, "name"));
    pb_text(b, 5, json_object_get(p, "type"));
    pb_true(b, 19, json_object_get(p, "uniqueItems"));
}

static void fill_query(struct buf *b, const json_t *p)
{
    pb_text(b, 2, json_object_get(p, "in"));
    pb_text(b, 3, json_object_get(p, "description"));
    pb_text(b, 4, json_object_get(p, "name"));
    pb_text(b, 6, json_object_get(p, "type"));
    pb_true(b, 20, json_object_get(p, "uniqueItems"));
}

static void fill_non_body(struct buf *b, const json_t *p)
{
    bool in_path = streq(json_string_value(json_object_get(p, "in")), "path");

    pb_message(b, in_path ? 4 : 3, p, in_path ? fill_in_path : fill_query);
}

static void fill_body(struct buf *b, const json_t *p)
{
    pb_text(b, 2, json_object_get(p, "name"));
    pb_text(b, 3, json_object_get(p, "in"));
    pb_true(b, 4, json_object_get(p, "required"));
    pb_message(b, 5, json_object_get(p, "schema"), fill_schema);
}

static void fill_parameter(struct buf *b, const json_t *p)
{
    bool body = streq(json_string_value(json_object_get(p, "in")), "body");

    pb_message(b, body ? 1 : 2, p, body ? fill_body : fill_non_body);
}

static void fill_parameter_item(struct buf *b, const json_t *p)
{
    pb_message(b, 1, p, fill_parameter);
}

static void fill_schema_item(struct buf *b, const json_t *schema)
{
    pb_message(b, 1, schema, fill_schema);
}

static void fill_response(struct buf *b, const json_t *r)
{
    pb_text(b, 1, json_object_get(r, "description"));
    pb_message(b, 2, json_object_get(r, "schema"), fill_schema_item);
}

static void fill_response_value(struct buf *b, const json_t *r)
{
    pb_message(b, 1, r, fill_response);
}

static void fill_responses(struct buf *b, const json_t *all)
{
    pb_named(b, 1, all, fill_response_value);
}

static void fill_operation(struct buf *b, const json_t *op)
{
    pb_texts(b, 1, json_object_get(op, "tags"));
    pb_text(b, 3, json_object_get(op, "description"));
    pb_text(b, 5, json_object_get(op, "operationId"));
    pb_texts(b, 6, json_object_get(op, "produces"));
    pb_texts(b, 7, json_object_get(op, "consumes"));
    pb_each(b, 8, json_object_get(op, "parameters"), fill_parameter_item);
    pb_message(b, 9, json_object_get(op, "responses"), fill_responses);
    pb_texts(b, 10, json_object_get(op, "schemes"));
    pb_extensions(b, 13, op);
}

static void fill_path_item(struct buf *b, const json_t *item)
{
    static const struct { const char *method; unsigned number; } rows[] = {
        { "get", 2 }, { "put", 3 }, { "post", 4 }, { "delete", 5 }, { "options", 6 }, { "head", 7 }, { "patch", 8 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        pb_message(b, rows[i].number, json_object_get(item, rows[i].method), fill_operation);
    pb_each(b, 9, json_object_get(item, "parameters"), fill_parameter_item);
}

static void fill_paths(struct buf *b, const json_t *paths)
{
    pb_named(b, 2, paths, fill_path_item);
}

static void fill_definitions(struct buf *b, const json_t *definitions)
{
    pb_named(b, 1, definitions, fill_schema);
}

static void fill_info(struct buf *b, const json_t *info)
{
    pb_text(b, 1, json_object_get(info, "title"));
    pb_text(b, 2, json_object_get(info, "version"));
}

static void fill_api_key(struct buf *b, const json_t *key)
{
    pb_text(b, 1, json_object_get(key, "type"));
    pb_text(b, 2, json_object_get(key, "name"));
    pb_text(b, 3, json_object_get(key, "in"));
    pb_text(b, 4, json_object_get(key, "description"));
}

static void fill_security(struct buf *b, const json_t *key)
{
    pb_message(b, 2, key, fill_api_key);
}

static void fill_securities(struct buf *b, const json_t *all)
{
    pb_named(b, 1, all, fill_security);
}

static void fill_scopes(struct buf *b, const json_t *list)
{
    pb_texts(b, 1, list);
}

static void fill_requirement(struct buf *b, const json_t *all)
{
    pb_named(b, 1, all, fill_scopes);
}

struct blob *openapi_v2_protobuf(const json_t *doc)
{
    struct buf b = BUF_INIT;

    pb_text(&b, 1, json_object_get(doc, "swagger"));
    pb_message(&b, 2, json_object_get(doc, "info"), fill_info);
    pb_message(&b, 8, json_object_get(doc, "paths"), fill_paths);
    pb_message(&b, 9, json_object_get(doc, "definitions"), fill_definitions);
    pb_each(&b, 12, json_object_get(doc, "security"), fill_requirement);
    pb_message(&b, 13, json_object_get(doc, "securityDefinitions"), fill_securities);
    return blob_from_buf(&b);
}
