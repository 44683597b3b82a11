/* An OpenAPI v2 document as gnostic's protobuf: what kubectl before 1.30 reads before it applies or
 * explains. Field numbers are the numbers of that schema. */
#include "fakeapi/apiserver/openapi.h"

#include "kube/json.h"

static void put_varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_add_char(b, (char)(v | 0x80));
    buf_add_char(b, (char)v);
}

static void put_bytes(struct buf *b, unsigned number, const char *data, size_t len)
{
    put_varint(b, number << 3 | 2);
    put_varint(b, len);
    buf_add(b, data, len);
}

static void put_text(struct buf *b, unsigned number, const json_t *v)
{
    if (json_string_length(v))
        put_bytes(b, number, json_string_value(v), json_string_length(v));
}

static void put_texts(struct buf *b, unsigned number, const json_t *list)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
        put_text(b, number, v);
}

static void put_true(struct buf *b, unsigned number, const json_t *v)
{
    if (json_is_true(v)) {
        put_varint(b, number << 3);
        put_varint(b, 1);
    }
}

static void put_count(struct buf *b, unsigned number, const json_t *v)
{
    if (json_is_integer(v)) {
        put_varint(b, number << 3);
        put_varint(b, (uint64_t)json_integer_value(v));
    }
}

static void put_double(struct buf *b, unsigned number, const json_t *v)
{
    double d = json_number_value(v);
    uint64_t bits;

    if (!json_is_number(v))
        return;
    memcpy(&bits, &d, sizeof(bits));
    put_varint(b, number << 3 | 1);
    for (int i = 0; i < 8; i++)
        buf_add_char(b, (char)(bits >> (8 * i)));
}

/* A message within a message. */
typedef void fill_fn(struct buf *b, const json_t *v);

static void put_message(struct buf *b, unsigned number, const json_t *v, fill_fn *fill)
{
    cleanup_buf struct buf inner = BUF_INIT;

    if (!v)
        return;
    buf_add_str(&inner, "");
    fill(&inner, v);
    put_bytes(b, number, inner.data, inner.len);
}

/* {1: name, 2: value}, once for each member. */
static void put_named(struct buf *b, unsigned number, const json_t *map, fill_fn *fill)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)map, name, v) {
        cleanup_buf struct buf one = BUF_INIT;
        put_bytes(&one, 1, name, strlen(name));
        put_message(&one, 2, v, fill);
        put_bytes(b, number, one.data, one.len);
    }
}

/* Any value, as YAML: JSON is YAML. */
static void fill_any(struct buf *b, const json_t *v)
{
    cleanup_free char *text = json_text(v, 0);

    put_bytes(b, 2, text, strlen(text));
}

static void put_each(struct buf *b, unsigned number, const json_t *list, fill_fn *fill)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
        put_message(b, number, v, fill);
}

static void put_extensions(struct buf *b, unsigned number, const json_t *obj)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)obj, name, v) {
        cleanup_buf struct buf one = BUF_INIT;
        if (!str_starts(name, "x-"))
            continue;
        put_bytes(&one, 1, name, strlen(name));
        put_message(&one, 2, v, fill_any);
        put_bytes(b, number, one.data, one.len);
    }
}

static void fill_schema(struct buf *b, const json_t *s);

static void fill_schema_or_bool(struct buf *b, const json_t *v)
{
    if (json_is_boolean(v))
        put_true(b, 2, v);
    else
        put_message(b, 1, v, fill_schema);
}

static void fill_items(struct buf *b, const json_t *v)
{
    put_message(b, 1, v, fill_schema);
}

static void fill_type(struct buf *b, const json_t *v)
{
    put_text(b, 1, v);
}

static void fill_properties(struct buf *b, const json_t *v)
{
    put_named(b, 1, v, fill_schema);
}

static void fill_schema(struct buf *b, const json_t *s)
{
    put_text(b, 1, json_object_get(s, "$ref"));
    put_text(b, 2, json_object_get(s, "format"));
    put_text(b, 4, json_object_get(s, "description"));
    put_message(b, 5, json_object_get(s, "default"), fill_any);
    put_double(b, 6, json_object_get(s, "multipleOf"));
    put_double(b, 7, json_object_get(s, "maximum"));
    put_true(b, 8, json_object_get(s, "exclusiveMaximum"));
    put_double(b, 9, json_object_get(s, "minimum"));
    put_true(b, 10, json_object_get(s, "exclusiveMinimum"));
    put_count(b, 11, json_object_get(s, "maxLength"));
    put_count(b, 12, json_object_get(s, "minLength"));
    put_text(b, 13, json_object_get(s, "pattern"));
    put_count(b, 14, json_object_get(s, "maxItems"));
    put_count(b, 15, json_object_get(s, "minItems"));
    put_true(b, 16, json_object_get(s, "uniqueItems"));
    put_count(b, 17, json_object_get(s, "maxProperties"));
    put_count(b, 18, json_object_get(s, "minProperties"));
    put_texts(b, 19, json_object_get(s, "required"));
    put_each(b, 20, json_object_get(s, "enum"), fill_any);
    put_message(b, 21, json_object_get(s, "additionalProperties"), fill_schema_or_bool);
    put_message(b, 22, json_object_get(s, "type"), fill_type);
    put_message(b, 23, json_object_get(s, "items"), fill_items);
    put_message(b, 25, json_object_get(s, "properties"), fill_properties);
    put_extensions(b, 31, s);
}

static void fill_in_path(struct buf *b, const json_t *p)
{
    put_true(b, 1, json_object_get(p, "required"));
    put_text(b, 2, json_object_get(p, "in"));
    put_text(b, 3, json_object_get(p, "description"));
    put_text(b, 4, json_object_get(p, "name"));
    put_text(b, 5, json_object_get(p, "type"));
    put_true(b, 19, json_object_get(p, "uniqueItems"));
}

static void fill_query(struct buf *b, const json_t *p)
{
    put_text(b, 2, json_object_get(p, "in"));
    put_text(b, 3, json_object_get(p, "description"));
    put_text(b, 4, json_object_get(p, "name"));
    put_text(b, 6, json_object_get(p, "type"));
    put_true(b, 20, json_object_get(p, "uniqueItems"));
}

static void fill_non_body(struct buf *b, const json_t *p)
{
    bool in_path = streq(json_string_value(json_object_get(p, "in")), "path");

    put_message(b, in_path ? 4 : 3, p, in_path ? fill_in_path : fill_query);
}

static void fill_body(struct buf *b, const json_t *p)
{
    put_text(b, 2, json_object_get(p, "name"));
    put_text(b, 3, json_object_get(p, "in"));
    put_true(b, 4, json_object_get(p, "required"));
    put_message(b, 5, json_object_get(p, "schema"), fill_schema);
}

static void fill_parameter(struct buf *b, const json_t *p)
{
    bool body = streq(json_string_value(json_object_get(p, "in")), "body");

    put_message(b, body ? 1 : 2, p, body ? fill_body : fill_non_body);
}

static void fill_parameter_item(struct buf *b, const json_t *p)
{
    put_message(b, 1, p, fill_parameter);
}

static void fill_schema_item(struct buf *b, const json_t *schema)
{
    put_message(b, 1, schema, fill_schema);
}

static void fill_response(struct buf *b, const json_t *r)
{
    put_text(b, 1, json_object_get(r, "description"));
    put_message(b, 2, json_object_get(r, "schema"), fill_schema_item);
}

static void fill_response_value(struct buf *b, const json_t *r)
{
    put_message(b, 1, r, fill_response);
}

static void fill_responses(struct buf *b, const json_t *all)
{
    put_named(b, 1, all, fill_response_value);
}

static void fill_operation(struct buf *b, const json_t *op)
{
    put_texts(b, 1, json_object_get(op, "tags"));
    put_text(b, 3, json_object_get(op, "description"));
    put_text(b, 5, json_object_get(op, "operationId"));
    put_texts(b, 6, json_object_get(op, "produces"));
    put_texts(b, 7, json_object_get(op, "consumes"));
    put_each(b, 8, json_object_get(op, "parameters"), fill_parameter_item);
    put_message(b, 9, json_object_get(op, "responses"), fill_responses);
    put_texts(b, 10, json_object_get(op, "schemes"));
    put_extensions(b, 13, op);
}

static void fill_path_item(struct buf *b, const json_t *item)
{
    static const struct { const char *method; unsigned number; } rows[] = {
        { "get", 2 }, { "put", 3 }, { "post", 4 }, { "delete", 5 }, { "options", 6 }, { "head", 7 }, { "patch", 8 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        put_message(b, rows[i].number, json_object_get(item, rows[i].method), fill_operation);
    put_each(b, 9, json_object_get(item, "parameters"), fill_parameter_item);
}

static void fill_paths(struct buf *b, const json_t *paths)
{
    put_named(b, 2, paths, fill_path_item);
}

static void fill_definitions(struct buf *b, const json_t *definitions)
{
    put_named(b, 1, definitions, fill_schema);
}

static void fill_info(struct buf *b, const json_t *info)
{
    put_text(b, 1, json_object_get(info, "title"));
    put_text(b, 2, json_object_get(info, "version"));
}

static void fill_api_key(struct buf *b, const json_t *key)
{
    put_text(b, 1, json_object_get(key, "type"));
    put_text(b, 2, json_object_get(key, "name"));
    put_text(b, 3, json_object_get(key, "in"));
    put_text(b, 4, json_object_get(key, "description"));
}

static void fill_security(struct buf *b, const json_t *key)
{
    put_message(b, 2, key, fill_api_key);
}

static void fill_securities(struct buf *b, const json_t *all)
{
    put_named(b, 1, all, fill_security);
}

static void fill_scopes(struct buf *b, const json_t *list)
{
    put_texts(b, 1, list);
}

static void fill_requirement(struct buf *b, const json_t *all)
{
    put_named(b, 1, all, fill_scopes);
}

struct blob *openapi_v2_protobuf(const json_t *doc)
{
    struct buf b = BUF_INIT;

    put_text(&b, 1, json_object_get(doc, "swagger"));
    put_message(&b, 2, json_object_get(doc, "info"), fill_info);
    put_message(&b, 8, json_object_get(doc, "paths"), fill_paths);
    put_message(&b, 9, json_object_get(doc, "definitions"), fill_definitions);
    put_each(&b, 12, json_object_get(doc, "security"), fill_requirement);
    put_message(&b, 13, json_object_get(doc, "securityDefinitions"), fill_securities);
    return blob_from_buf(&b);
}
