#include "fakeapi/apiserver/openapi_pb.h"

#include "kube/json.h"

/* How the bytes of a field's value are laid out, beside the field's number. */
enum wire { WIRE_VARINT = 0, WIRE_EIGHT_BYTES = 1, WIRE_LENGTH_AND_BYTES = 2 };

static void add_varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_add_char(b, (char)(v | 0x80));
    buf_add_char(b, (char)v);
}

static void add_tag(struct buf *b, unsigned number, enum wire wire)
{
    add_varint(b, number << 3 | wire);
}

static void add_number(struct buf *b, unsigned number, uint64_t v)
{
    add_tag(b, number, WIRE_VARINT);
    add_varint(b, v);
}

static void add_bytes(struct buf *b, unsigned number, const char *data, size_t len)
{
    add_tag(b, number, WIRE_LENGTH_AND_BYTES);
    add_varint(b, len);
    buf_add(b, data, len);
}

/* ---- plain values --------------------------------------------------------------------------------- */

void pb_text_even_empty(struct buf *b, const struct pb_field *f, const json_t *v)
{
    if (json_is_string(v))
        add_bytes(b, f->number, json_string_value(v), json_string_length(v));
}

void pb_text(struct buf *b, const struct pb_field *f, const json_t *v)
{
    if (json_string_length(v))
        pb_text_even_empty(b, f, v);
}

void pb_texts(struct buf *b, const struct pb_field *f, const json_t *list)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
        pb_text(b, f, v);
}

void pb_bool_even_false(struct buf *b, const struct pb_field *f, const json_t *v)
{
    if (json_is_boolean(v))
        add_number(b, f->number, json_is_true(v));
}

void pb_true(struct buf *b, const struct pb_field *f, const json_t *v)
{
    if (json_is_true(v))
        add_number(b, f->number, 1);
}

void pb_count(struct buf *b, const struct pb_field *f, const json_t *v)
{
    if (json_is_integer(v))
        add_number(b, f->number, (uint64_t)json_integer_value(v));
}

void pb_double(struct buf *b, const struct pb_field *f, const json_t *v)
{
    double d = json_number_value(v);
    uint64_t bits;

    if (!json_is_number(v))
        return;
    memcpy(&bits, &d, sizeof(bits));
    add_tag(b, f->number, WIRE_EIGHT_BYTES);
    for (int i = 0; i < 8; i++)
        buf_add_char(b, (char)(bits >> (8 * i)));
}

static void write_yaml(struct buf *b, const struct pb_field *f, const json_t *v)
{
    cleanup_free char *text = json_text(v, 0);

    add_bytes(b, f->number, text, strlen(text));
}

const struct pb_field pb_any[] = { { 2, PB_ITSELF, write_yaml }, { 0 } };

bool pb_is_no_boolean(const json_t *v)
{
    return !json_is_boolean(v);
}

/* ---- messages ------------------------------------------------------------------------------------- */

static void add_fields(struct buf *b, const struct pb_field *fields, const json_t *v)
{
    for (const struct pb_field *f = fields; f->number; f++) {
        const json_t *member = f->key ? json_object_get(v, f->key) : v;
        if (member && (!f->when || f->when(v)))
            f->write(b, f, member);
    }
}

/* A message that has no field is there all the same. */
static void add_message(struct buf *b, unsigned number, const struct pb_field *fields, const json_t *v)
{
    cleanup_buf struct buf inner = BUF_INIT;

    buf_add_str(&inner, "");
    add_fields(&inner, fields, v);
    add_bytes(b, number, inner.data, inner.len);
}

static void add_named(struct buf *b, unsigned number, const char *name, const struct pb_field *fields, const json_t *v)
{
    cleanup_buf struct buf pair = BUF_INIT;

    add_bytes(&pair, 1, name, strlen(name));
    add_message(&pair, 2, fields, v);
    add_bytes(b, number, pair.data, pair.len);
}

void pb_message(struct buf *b, const struct pb_field *f, const json_t *v)
{
    add_message(b, f->number, f->below, v);
}

void pb_each(struct buf *b, const struct pb_field *f, const json_t *list)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
        add_message(b, f->number, f->below, v);
}

void pb_named(struct buf *b, const struct pb_field *f, const json_t *map)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)map, name, v)
        add_named(b, f->number, name, f->below, v);
}

void pb_extensions(struct buf *b, const struct pb_field *f, const json_t *obj)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)obj, name, v)
        if (str_starts(name, "x-"))
            add_named(b, f->number, name, pb_any, v);
}

struct blob *pb_document(const json_t *doc, const struct pb_field *fields)
{
    struct buf b = BUF_INIT;

    add_fields(&b, fields, doc);
    return blob_from_buf(&b);
}
