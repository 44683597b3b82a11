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
    put_text(b, 13, json_object_get(s, "pattern"));
    put_texts(b, 19, json_object_get(s, "required"));
    put_message(b, 21, json_object_get(s, "additionalProperties"), fill_schema_or_bool);
    put_message(b, 22, json_object_get(s, "type"), fill_type);
    put_message(b, 23, json_object_get(s, "items"), fill_items);
    put_message(b, 25, json_object_get(s, "properties"), fill_properties);
    put_extensions(b, 31, s);
}

static void fill_query(struct buf *b, const json_t *p)
{
    put_text(b, 2, json_object_get(p, "in"));
    put_text(b, 3, json_object_get(p, "description"));
    put_text(b, 4, json_object_get(p, "name"));
    put_text(b, 6, json_object_get(p, "type"));
}

static void fill_non_body(struct buf *b, const json_t *p)
{
    put_message(b, 3, p, fill_query);
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

static void fill_operation(struct buf *b, const json_t *op)
{
    size_t i;
    json_t *p;

    put_text(b, 5, json_object_get(op, "operationId"));
    put_texts(b, 7, json_object_get(op, "consumes"));
    json_array_foreach(json_object_get(op, "parameters"), i, p)
        put_message(b, 8, p, fill_parameter_item);
    put_extensions(b, 13, op);
}

static void fill_path_item(struct buf *b, const json_t *item)
{
    static const struct { const char *method; unsigned number; } rows[] = {
        { "get", 2 }, { "put", 3 }, { "post", 4 }, { "delete", 5 }, { "patch", 8 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        put_message(b, rows[i].number, json_object_get(item, rows[i].method), fill_operation);
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

struct blob *openapi_v2_protobuf(const json_t *doc)
{
    struct buf b = BUF_INIT;

    put_text(&b, 1, json_object_get(doc, "swagger"));
    put_message(&b, 2, json_object_get(doc, "info"), fill_info);
    put_message(&b, 8, json_object_get(doc, "paths"), fill_paths);
    put_message(&b, 9, json_object_get(doc, "definitions"), fill_definitions);
    return blob_from_buf(&b);
}
