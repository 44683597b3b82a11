#include "fakeapi/apiserver/openapi_pb.h"

#include "kube/json.h"

void pb_varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_add_char(b, (char)(v | 0x80));
    buf_add_char(b, (char)v);
}

void pb_bytes(struct buf *b, unsigned number, const char *data, size_t len)
{
    pb_varint(b, number << 3 | 2);
    pb_varint(b, len);
    buf_add(b, data, len);
}

void pb_text(struct buf *b, unsigned number, const json_t *v)
{
    if (json_string_length(v))
        pb_bytes(b, number, json_string_value(v), json_string_length(v));
}

void pb_texts(struct buf *b, unsigned number, const json_t *list)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
        pb_text(b, number, v);
}

void pb_true(struct buf *b, unsigned number, const json_t *v)
{
    if (json_is_true(v)) {
        pb_varint(b, number << 3);
        pb_varint(b, 1);
    }
}

void pb_count(struct buf *b, unsigned number, const json_t *v)
{
    if (json_is_integer(v)) {
        pb_varint(b, number << 3);
        pb_varint(b, (uint64_t)json_integer_value(v));
    }
}

void pb_double(struct buf *b, unsigned number, const json_t *v)
{
    double d = json_number_value(v);
    uint64_t bits;

    if (!json_is_number(v))
        return;
    memcpy(&bits, &d, sizeof(bits));
    pb_varint(b, number << 3 | 1);
    for (int i = 0; i < 8; i++)
        buf_add_char(b, (char)(bits >> (8 * i)));
}

void pb_message(struct buf *b, unsigned number, const json_t *v, pb_fill_fn *fill)
{
    cleanup_buf struct buf inner = BUF_INIT;

    if (!v)
        return;
    buf_add_str(&inner, "");
    fill(&inner, v);
    pb_bytes(b, number, inner.data, inner.len);
}

void pb_named(struct buf *b, unsigned number, const json_t *map, pb_fill_fn *fill)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)map, name, v) {
        cleanup_buf struct buf one = BUF_INIT;
        pb_bytes(&one, 1, name, strlen(name));
        pb_message(&one, 2, v, fill);
        pb_bytes(b, number, one.data, one.len);
    }
}

void pb_fill_any(struct buf *b, const json_t *v)
{
    cleanup_free char *text = json_text(v, 0);

    pb_bytes(b, 2, text, strlen(text));
}

void pb_each(struct buf *b, unsigned number, const json_t *list, pb_fill_fn *fill)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
        pb_message(b, number, v, fill);
}

void pb_extensions(struct buf *b, unsigned number, const json_t *obj)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)obj, name, v) {
        cleanup_buf struct buf one = BUF_INIT;
        if (!str_starts(name, "x-"))
            continue;
        pb_bytes(&one, 1, name, strlen(name));
        pb_message(&one, 2, v, pb_fill_any);
        pb_bytes(b, number, one.data, one.len);
    }
}
