#include "kube/proto.h"

#include <stdio.h>

#include "kube/base64.h"
#include "kube/decode.h"
#include "kube/gotime.h"
#include "kube/json_priv.h"

/* Only schemas of custom resources nest in themselves. */
enum { DEPTH_MAX = 100 };

static const char magic[4] = { 'k', '8', 's', 0 };

/* ---- reading the wire --------------------------------------------------------------------------- */

struct reader {
    const uint8_t *at, *end;
    struct arena *arena;
    const char *message;               /* of which kind we are reading: in sentences */
    const char **wrong;                /* the first thing that was wrong, shared by nested readers */
};

struct item {
    uint32_t number, wire;
    uint64_t value;                    /* VARINT, FIXED64 */
    const uint8_t *data;               /* BYTES */
    size_t len;
};

static bool wrong(struct reader *r, const char *text)
{
    if (!*r->wrong)
        *r->wrong = text;
    return false;
}

static bool read_varint(struct reader *r, uint64_t *ret)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->at == r->end)
            return wrong(r, "unexpected EOF");
        uint8_t byte = *r->at++;
        v |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            *ret = v;
            return true;
        }
    }
    return wrong(r, "proto: integer overflow");
}

static bool read_length(struct reader *r, size_t *ret)
{
    uint64_t n;

    if (!read_varint(r, &n))
        return false;
    if (n > INT64_MAX || (int64_t)n > INT64_MAX - (1 << 30))
        return wrong(r, "proto: negative length found during unmarshaling");
    if (n > (uint64_t)(r->end - r->at))
        return wrong(r, "unexpected EOF");
    *ret = (size_t)n;
    return true;
}

static bool skip_bytes(struct reader *r, size_t n)
{
    if ((size_t)(r->end - r->at) < n)
        return wrong(r, "unexpected EOF");
    r->at += n;
    return true;
}

/* What follows a tag; groups are skipped whole, however deep. */
static bool read_payload(struct reader *r, struct item *it)
{
    size_t depth = 0;
    uint64_t tag = 0;

    for (uint32_t wire = it->wire;; wire = tag & 7) {
        switch (wire) {
        case PROTO_VARINT:
            if (!read_varint(r, &it->value))
                return false;
            break;
        case PROTO_FIXED64:
            it->data = r->at;
            if (!skip_bytes(r, 8))
                return false;
            break;
        case PROTO_BYTES:
            if (!read_length(r, &it->len))
                return false;
            it->data = r->at;
            r->at += it->len;
            break;
        case PROTO_GROUP:
            depth++;
            break;
        case PROTO_GROUP_END:
            if (!depth)
                return wrong(r, "proto: unexpected end of group");
            depth--;
            break;
        case PROTO_FIXED32:
            it->data = r->at;
            if (!skip_bytes(r, 4))
                return false;
            break;
        default:
            return wrong(r, arena_printf(r->arena, "proto: illegal wireType %u", wire));
        }
        if (!depth)
            return true;
        if (!read_varint(r, &tag))
            return false;
    }
}

/* The tag alone: fields are looked up before their payload is read, as Go's generated code does. */
static bool next_tag(struct reader *r, struct item *it)
{
    uint64_t tag;

    *it = (struct item){ 0 };
    if (*r->wrong || r->at == r->end || !read_varint(r, &tag))
        return false;
    it->number = (uint32_t)(tag >> 3);
    it->wire = tag & 7;
    if (it->wire == PROTO_GROUP_END)
        return wrong(r, arena_printf(r->arena, "proto: %s: wiretype end group for non-group", r->message));
    if ((int32_t)it->number <= 0)
        return wrong(r, arena_printf(r->arena, "proto: %s: illegal tag %d (wire type %u)", r->message,
                                     (int32_t)it->number, it->wire));
    return true;
}

/* A small message whose fields we know by heart: any order, the last of each wins. */
static bool next_item(struct reader *r, struct item *it)
{
    return next_tag(r, it) && read_payload(r, it);
}

static struct reader inside(const struct reader *r, const struct item *it, const char *message)
{
    const uint8_t *data = it->data ? it->data : (const uint8_t *)"";

    return (struct reader){ .at = data, .end = data + it->len, .arena = r->arena, .message = message,
                            .wrong = r->wrong };
}

/* ---- messages to trees ---------------------------------------------------------------------------- */

static json_t *text_of(const struct item *it)
{
    return json_stringn_nocheck(it->data ? (const char *)it->data : "", it->len);
}

static bool read_message(struct reader *r, const struct schema *s, size_t level, const uint8_t via[2], json_t *out,
                         unsigned depth);
static json_t *read_value(struct reader *r, const struct schema *s, const struct item *it, json_t *earlier,
                          unsigned depth);

/* Field numbers of the message inside a form: at most a number, a text and a count. */
struct small {
    struct item field[4];
};

static struct small read_small(struct reader *r, const struct schema *s, const struct item *it)
{
    struct reader in = inside(r, it, s->go_name);
    struct small m = { 0 };
    struct item each;

    while (next_item(&in, &each))
        if (each.number < ARRAY_SIZE(m.field))
            m.field[each.number] = each;
    return m;
}

static json_t *time_value(struct reader *r, const struct schema *s, const struct item *it)
{
    struct small m = read_small(r, s, it);
    bool micro = s->form == FORM_MICROTIME;
    struct gotime t = { .s = (int64_t)m.field[1].value, .ns = (int32_t)m.field[2].value };
    char text[GOTIME_TEXT_MAX];

    if (!it->len)                      /* 1970 itself is a time */
        return json_null();
    if (t.s < GOTIME_ZERO.s || t.s > INT64_C(253402300799) || t.ns < 0 || t.ns > 999999999) {
        wrong(r, "Time.MarshalJSON: year outside of range [0,9999]");
        return json_null();
    }
    gotime_format(t, micro, text);
    return json_string_nocheck(text);
}

static json_t *raw_value(struct reader *r, const struct schema *s, const struct item *it)
{
    struct small m = read_small(r, s, it);
    struct err e = ERR_IN(r->arena);
    json_t *v;

    if (!m.field[1].len)
        return json_null();
    v = json_parse((const char *)m.field[1].data, m.field[1].len, 0, NULL, &e);
    if (!v)
        wrong(r, err_message(&e));
    return v ? v : json_null();
}

static json_t *string_list(struct reader *r, const struct schema *s, const struct item *it)
{
    struct reader in = inside(r, it, s->go_type);
    json_t *out = json_array();
    struct item each;

    while (next_item(&in, &each))
        if (each.number == 1 && each.wire == PROTO_BYTES)
            json_array_append_new(out, text_of(&each));
    return out;
}

/* JSONSchemaPropsOr...: one schema, or something else beside it. */
static json_t *schema_or(struct reader *r, const struct schema *s, const struct item *it, unsigned depth)
{
    struct reader in = inside(r, it, s->go_name);
    uint32_t schema_number = s->form == FORM_SCHEMA_OR_BOOL ? 2 : 1;
    json_t *schema = NULL, *list = NULL, *allows = json_false();
    struct item each;

    while (next_item(&in, &each)) {
        if (each.number == schema_number && each.wire == PROTO_BYTES)
            schema = read_value(&in, s->items, &each, schema, depth + 1);
        else if (s->form == FORM_SCHEMA_OR_BOOL && each.number == 1)
            allows = each.value ? json_true() : json_false();
        else if (each.number == 2 && each.wire == PROTO_BYTES) {
            list = list ? list : json_array();
            json_array_append_new(list, s->form == FORM_SCHEMA_OR_STRINGS
                                            ? text_of(&each)
                                            : read_value(&in, s->items, &each, NULL, depth + 1));
        }
    }
    if (list && schema)
        json_decref(schema);
    if (list || schema)
        return list ? list : schema;
    return s->form == FORM_SCHEMA_OR_BOOL ? allows : json_null();
}

static json_t *form_value(struct reader *r, const struct schema *s, const struct item *it, unsigned depth)
{
    cleanup_buf struct buf b = BUF_INIT;
    struct small m;

    switch (s->form) {
    case FORM_BYTES:
        base64_encode(&b, it->data, it->len);
        return json_stringn_nocheck(b.data ? b.data : "", b.len);
    case FORM_QUANTITY:
        m = read_small(r, s, it);
        return m.field[1].len ? text_of(&m.field[1]) : json_string("0");
    case FORM_INT_OR_STRING:
        m = read_small(r, s, it);
        return m.field[1].value == 1 ? json_stringn_nocheck(m.field[3].data ? (const char *)m.field[3].data : "",
                                                            m.field[3].len)
                                     : json_integer((int32_t)m.field[2].value);
    case FORM_TIME: case FORM_MICROTIME:
        return time_value(r, s, it);
    case FORM_RAW_EXTENSION: case FORM_FIELDS_V1: case FORM_JSON:
        return raw_value(r, s, it);
    case FORM_STRING_LIST:
        return string_list(r, s, it);
    case FORM_SCHEMA_OR_BOOL: case FORM_SCHEMA_OR_ARRAY: case FORM_SCHEMA_OR_STRINGS:
        return schema_or(r, s, it, depth);
    default:
        return json_null();
    }
}

static json_t *read_entry(struct reader *r, const struct schema *s, const struct item *it, json_t *map, unsigned depth)
{
    struct reader in = inside(r, it, s->go_type);
    const struct item nothing = { .number = 2, .wire = PROTO_BYTES, .data = (const uint8_t *)"" };
    struct item each, key = nothing;
    json_t *value = NULL;

    while (next_item(&in, &each)) {
        if (each.number == 1)
            key = each;
        else if (each.number == 2)
            value = read_value(&in, s->additional, &each, value, depth + 1);
    }
    if (!value)                        /* an empty value need not be sent */
        value = read_value(&in, s->additional, &nothing, NULL, depth + 1);
    map = map ? map : json_object();
    json_object_setn_new_nocheck(map, (const char *)key.data, key.data ? key.len : 0, value);
    return map;
}

static json_t *read_number(const struct schema *s, const struct item *it)
{
    uint64_t bits = 0;
    double d;

    if (s->type == SCHEMA_BOOLEAN)
        return json_boolean(it->value != 0);
    if (s->type == SCHEMA_INTEGER)
        return json_integer(streq(s->format, "int32") ? (int32_t)it->value : (int64_t)it->value);
    for (size_t i = 0; it->wire == PROTO_FIXED64 && i < 8; i++)
        bits |= (uint64_t)it->data[i] << (8 * i);
    memcpy(&d, &bits, sizeof(d));
    return d == d && d - d == 0 ? json_real(d) : json_integer(0);
}

/* A list of numbers may come packed. */
static json_t *read_list(struct reader *r, const struct schema *s, const struct item *it, json_t *list, unsigned depth)
{
    struct reader in = inside(r, it, s->go_type);
    struct item each = { 0 };

    list = list ? list : json_array();
    if (it->wire == PROTO_BYTES && s->items->type == SCHEMA_INTEGER) {
        while (in.at < in.end && read_varint(&in, &each.value))
            json_array_append_new(list, read_number(s->items, &each));
        return list;
    }
    json_array_append_new(list, read_value(r, s->items, it, NULL, depth));
    return list;
}

/* Takes `earlier`, what the field has so far: messages merge, lists grow, the rest is replaced. */
static json_t *read_value(struct reader *r, const struct schema *s, const struct item *it, json_t *earlier,
                          unsigned depth)
{
    if (s->form == FORM_PLAIN && s->type == SCHEMA_ARRAY)
        return read_list(r, s, it, earlier, depth);
    if (s->form == FORM_PLAIN && s->additional)
        return read_entry(r, s, it, earlier, depth);
    if (s->form == FORM_PLAIN && s->type == SCHEMA_OBJECT) {
        static const uint8_t top[2];
        struct reader in = inside(r, it, s->go_name);
        earlier = earlier ? earlier : json_object();
        read_message(&in, s, 0, top, earlier, depth + 1);
        return earlier;
    }
    json_decref(earlier);
    if (s->form != FORM_PLAIN)
        return form_value(r, s, it, depth);
    return s->type == SCHEMA_STRING ? text_of(it) : read_number(s, it);
}

/* The field of that number among those embedded `level` deep under `via`; *ret_embedded: it is a message that
 * stands around fields. */
static const struct schema_field *field_of(const struct schema *s, size_t level, const uint8_t via[2],
                                           uint32_t number, bool *ret_embedded)
{
    for (size_t i = 0; i < s->n_numbers; i++) {
        const struct schema_field *f = &s->fields[s->by_number[i]];
        if ((level > 0 && f->via[0] != via[0]) || (level > 1 && f->via[1] != via[1]))
            continue;
        *ret_embedded = level < 2 && f->via[level];
        if ((*ret_embedded ? f->via[level] : f->number) == number)
            return f;
    }
    return NULL;
}

/* The field's name in Go: for sentences. */
static const char *go_field(struct arena *a, const struct schema_field *f)
{
    static const char *const special[][2] = {
        { "metadata", "ObjectMeta" }, { "uid", "UID" }, { "apiVersion", "APIVersion" }, { "ip", "IP" },
        { "apiGroup", "APIGroup" }, { "apiGroups", "APIGroups" }, { "url", "URL" }, { "caBundle", "CABundle" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(special); i++)
        if (streq(f->name, special[i][0]))
            return i == 0 && streq(f->schema->go_name, "ListMeta") ? "ListMeta" : special[i][1];
    char *name = arena_strdup(a, f->name);
    if (name[0] >= 'a' && name[0] <= 'z')
        name[0] = (char)(name[0] - 32);
    return name;
}

static uint32_t wire_of(const struct schema_field *f, bool embedded)
{
    return embedded || f->schema->additional || f->schema->form != FORM_PLAIN ? PROTO_BYTES : f->wire;
}

static bool read_message(struct reader *r, const struct schema *s, size_t level, const uint8_t via[2], json_t *out,
                         unsigned depth)
{
    struct item it;

    if (depth > DEPTH_MAX)
        return wrong(r, "exceeded max depth");
    while (next_tag(r, &it)) {
        bool embedded = false;
        const struct schema_field *f = field_of(s, level, via, it.number, &embedded);
        bool packed = f && !embedded && f->schema->type == SCHEMA_ARRAY && f->wire == PROTO_VARINT;
        if (f && it.wire != wire_of(f, embedded) && !(packed && it.wire == PROTO_BYTES))
            return wrong(r, arena_printf(r->arena, "proto: wrong wireType = %u for field %s", it.wire,
                                         embedded ? s->go_name : go_field(r->arena, f)));
        if (!read_payload(r, &it))
            return false;
        if (f && embedded) {
            struct reader in = inside(r, &it, s->go_name);
            uint8_t deeper[2] = { level ? via[0] : (uint8_t)it.number, level ? (uint8_t)it.number : 0 };
            read_message(&in, s, level + 1, deeper, out, depth + 1);
        } else if (f) {
            json_t *earlier = json_incref(json_object_get(out, f->name));
            json_object_set_new(out, f->name, read_value(r, f->schema, &it, earlier, depth));
        }
    }
    return !*r->wrong;
}

int proto_decode(const struct schema *s, const struct proto_envelope *e, json_t **ret, struct apierr *err)
{
    static const uint8_t top[2];
    cleanup_arena struct arena *arena = arena_new();
    const char *message = NULL;
    struct reader r = { .at = (const uint8_t *)e->raw, .end = (const uint8_t *)e->raw + e->raw_len, .arena = arena,
                        .message = s->go_name, .wrong = &message };
    struct decode_notes notes = DECODE_NOTES_IN(arena, NULL);
    json_auto_t *tree = json_object();

    if (schema_field(s, "kind") && schema_field(s, "apiVersion")) {
        json_object_set_new(tree, "kind", json_string_nocheck(e->kind));
        json_object_set_new(tree, "apiVersion", json_string_nocheck(e->api_version));
    }
    if (!read_message(&r, s, 0, top, tree, 0))
        return apierr_set(err, APIERR_BAD_REQUEST, "%s", message);
    return decode(s, tree, &notes, ret, err);
}

/* ---- the envelope ---------------------------------------------------------------------------------- */

static const char *arena_text(struct arena *a, const struct item *it)
{
    return it->wire == PROTO_BYTES ? arena_strndup(a, (const char *)it->data, it->len) : "";
}

int proto_open(struct arena *arena, const void *body, size_t len, struct proto_envelope *ret, struct apierr *err)
{
    const char *message = NULL;
    struct reader r = { .arena = arena, .message = "Unknown", .wrong = &message };
    struct proto_envelope e = { "", "", "", 0, "", "" };
    struct item it, each;

    if (len < sizeof(magic) || memcmp(body, magic, sizeof(magic)) != 0)
        return apierr_set(err, APIERR_BAD_REQUEST,
                          len ? "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
                              : "empty data");
    if (len == sizeof(magic))
        return apierr_set(err, APIERR_BAD_REQUEST, "empty body");
    r.at = (const uint8_t *)body + sizeof(magic);
    r.end = (const uint8_t *)body + len;
    while (next_tag(&r, &it)) {
        if (it.number <= 4 && it.wire != PROTO_BYTES) {
            static const char *const names[] = { "", "TypeMeta", "Raw", "ContentEncoding", "ContentType" };
            wrong(&r, arena_printf(arena, "proto: wrong wireType = %u for field %s", it.wire, names[it.number]));
            break;
        }
        if (!read_payload(&r, &it))
            break;
        struct reader meta = inside(&r, &it, "TypeMeta");
        switch (it.number) {
        case 1:
            while (next_item(&meta, &each))
                *(each.number == 1 ? &e.api_version : each.number == 2 ? &e.kind : &(const char *){ 0 }) =
                    arena_text(arena, &each);
            break;
        case 2:
            e.raw = (const char *)it.data;
            e.raw_len = it.len;
            break;
        case 3: e.content_encoding = arena_text(arena, &it); break;
        case 4: e.content_type = arena_text(arena, &it); break;
        default: break;
        }
    }
    if (message)
        return apierr_set(err, APIERR_BAD_REQUEST, "%s", message);
    *ret = e;
    return 0;
}

/* ---- trees to messages: written from the end, so that lengths are known when they are needed ------------- */

struct writer {
    char *data;
    size_t cap, len;                   /* the last `len` bytes of `data` are written */
};

static void put(struct writer *w, const void *bytes, size_t n)
{
    if (w->cap - w->len < n) {
        size_t cap = 2 * w->cap + n + 512;
        char *grown = xmalloc(cap);
        if (w->len)
            memcpy(grown + cap - w->len, w->data + w->cap - w->len, w->len);
        free(w->data);
        w->data = grown;
        w->cap = cap;
    }
    w->len += n;
    if (n)
        memcpy(w->data + w->cap - w->len, bytes, n);
}

static void put_varint(struct writer *w, uint64_t v)
{
    char bytes[10];
    size_t n = 0;

    for (; v >= 128; v >>= 7)
        bytes[n++] = (char)(v | 128);
    bytes[n++] = (char)v;
    put(w, bytes, n);
}

static void put_tag(struct writer *w, uint32_t number, uint32_t wire)
{
    put_varint(w, (uint64_t)number << 3 | wire);
}

static void put_bytes(struct writer *w, uint32_t number, const void *data, size_t len)
{
    put(w, data, len);
    put_varint(w, len);
    put_tag(w, number, PROTO_BYTES);
}

/* Everything since `mark` becomes the content of field `number`. */
static void put_around(struct writer *w, size_t mark, uint32_t number)
{
    put_varint(w, w->len - mark);
    put_tag(w, number, PROTO_BYTES);
}

static void put_int(struct writer *w, uint32_t number, uint64_t v)
{
    put_varint(w, v);
    put_tag(w, number, PROTO_VARINT);
}

static void put_message(struct writer *w, const struct schema *s, size_t from, size_t to, size_t level, const json_t *v);
static void put_field(struct writer *w, const struct schema *s, uint32_t number, const json_t *v);

static void put_text(struct writer *w, uint32_t number, const json_t *v)
{
    put_bytes(w, number, json_is_string(v) ? json_string_value(v) : "", json_string_length(v));
}

static void put_time(struct writer *w, const struct schema *s, const json_t *v)
{
    cleanup_arena struct arena *a = arena_new();
    struct gotime t;

    if (!json_is_string(v) || gotime_parse(a, json_string_value(v), json_string_length(v), s->form == FORM_MICROTIME, &t))
        return;
    put_int(w, 2, (uint64_t)(int64_t)t.ns);
    put_int(w, 1, (uint64_t)t.s);
}

static void put_raw(struct writer *w, const json_t *v)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (!v || json_is_null(v))
        return;
    json_write(&b, v, 0);
    put_bytes(w, 1, b.data, b.len);
}

static void put_schema_or(struct writer *w, const struct schema *s, const json_t *v)
{
    bool or_bool = s->form == FORM_SCHEMA_OR_BOOL;

    for (size_t i = json_array_size(v); i-- > 0;)
        if (s->form == FORM_SCHEMA_OR_STRINGS)
            put_text(w, 2, json_array_get(v, i));
        else
            put_field(w, s->items, 2, json_array_get(v, i));
    if (json_is_object(v))
        put_field(w, s->items, or_bool ? 2 : 1, v);
    if (or_bool)
        put_int(w, 1, json_is_object(v) || json_is_true(v));
}

/* The message that a form is. */
static void put_form(struct writer *w, const struct schema *s, const json_t *v)
{
    switch (s->form) {
    case FORM_QUANTITY:
        put_bytes(w, 1, json_is_string(v) ? json_string_value(v) : "0", json_is_string(v) ? json_string_length(v) : 1);
        break;
    case FORM_INT_OR_STRING:
        put_text(w, 3, v);
        put_int(w, 2, (uint64_t)json_integer_value(v));
        put_int(w, 1, json_is_string(v));
        break;
    case FORM_TIME: case FORM_MICROTIME:
        put_time(w, s, v);
        break;
    case FORM_RAW_EXTENSION: case FORM_FIELDS_V1: case FORM_JSON:
        put_raw(w, v);
        break;
    case FORM_STRING_LIST:
        for (size_t i = json_array_size(v); i-- > 0;)
            put_text(w, 1, json_array_get(v, i));
        break;
    case FORM_SCHEMA_OR_BOOL: case FORM_SCHEMA_OR_ARRAY: case FORM_SCHEMA_OR_STRINGS:
        put_schema_or(w, s, v);
        break;
    default:
        break;
    }
}

static void put_map(struct writer *w, const struct schema *s, uint32_t number, const json_t *v)
{
    size_t n = json_object_size(v);
    void **iters = xcalloc(n + 1, sizeof(*iters));

    n = 0;
    for (void *it = json_object_iter((json_t *)v); it; it = json_object_iter_next((json_t *)v, it))
        iters[n++] = it;
    while (n-- > 0) {
        size_t mark = w->len;
        put_field(w, s->additional, 2, json_object_iter_value(iters[n]));
        put_bytes(w, 1, json_object_iter_key(iters[n]), json_object_iter_key_len(iters[n]));
        put_around(w, mark, number);
    }
    free(iters);
}

static void put_scalar(struct writer *w, const struct schema *s, uint32_t number, const json_t *v)
{
    double d = json_number_value(v);
    uint64_t bits;
    char bytes[8];

    switch (s->type) {
    case SCHEMA_BOOLEAN:
        put_int(w, number, json_is_true(v));
        break;
    case SCHEMA_INTEGER:
        put_int(w, number, (uint64_t)json_integer_value(v));
        break;
    case SCHEMA_NUMBER:
        memcpy(&bits, &d, sizeof(bits));
        for (size_t i = 0; i < 8; i++)
            bytes[i] = (char)(bits >> (8 * i));
        put(w, bytes, 8);
        put_tag(w, number, PROTO_FIXED64);
        break;
    default:
        put_text(w, number, v);
        break;
    }
}

static void put_base64(struct writer *w, uint32_t number, const json_t *v)
{
    cleanup_buf struct buf raw = BUF_INIT;

    if (json_is_string(v) && base64_decode(&raw, json_string_value(v), json_string_length(v)) >= 0)
        put_bytes(w, number, raw.data, raw.len);
}

/* `v` NULL: the zero value. */
static void put_field(struct writer *w, const struct schema *s, uint32_t number, const json_t *v)
{
    size_t mark = w->len;

    if (s->form == FORM_BYTES)
        put_base64(w, number, v);
    else if (s->form == FORM_PLAIN && s->additional)
        put_map(w, s, number, v);
    else if (s->form == FORM_PLAIN && s->type == SCHEMA_ARRAY)
        for (size_t i = json_array_size(v); i-- > 0;)
            put_field(w, s->items, number, json_array_get(v, i));
    else if (s->form == FORM_PLAIN && s->type != SCHEMA_OBJECT)
        put_scalar(w, s, number, v);
    else {
        if (s->form == FORM_PLAIN)
            put_message(w, s, 0, s->n_numbers, 0, v);
        else
            put_form(w, s, v);
        put_around(w, mark, number);
    }
}

/* The fields by_number[from..to), all embedded `level` deep in the same messages, the last first. */
static void put_message(struct writer *w, const struct schema *s, size_t from, size_t to, size_t level, const json_t *v)
{
    while (to > from) {
        const struct schema_field *f = &s->fields[s->by_number[to - 1]];
        uint8_t around = level < 2 ? f->via[level] : 0;
        if (around) {
            size_t first = to - 1, mark = w->len;
            while (first > from && s->fields[s->by_number[first - 1]].via[level] == around)
                first--;
            put_message(w, s, first, to, level + 1, v);
            put_around(w, mark, around);
            to = first;
            continue;
        }
        const json_t *member = json_object_get(v, f->name);
        if (json_is_null(member))
            member = NULL;
        if (member || !f->pointer)
            put_field(w, f->schema, f->number, member);
        to--;
    }
}

void proto_encode(struct buf *b, const struct schema *s, const json_t *v)
{
    struct writer w = { 0 };

    put_message(&w, s, 0, s->n_numbers, 0, v);
    buf_add(b, w.data + w.cap - w.len, w.len);
    free(w.data);
}

void proto_seal(struct buf *b, const struct schema *s, const char *api_version, const char *kind, const json_t *v)
{
    struct writer w = { 0 };
    size_t mark;

    put_bytes(&w, 4, "", 0);
    put_bytes(&w, 3, "", 0);
    mark = w.len;
    put_message(&w, s, 0, s->n_numbers, 0, v);
    put_around(&w, mark, 2);
    mark = w.len;
    put_bytes(&w, 2, kind, strlen(kind));
    put_bytes(&w, 1, api_version, strlen(api_version));
    put_around(&w, mark, 1);
    put(&w, magic, sizeof(magic));
    buf_add(b, w.data + w.cap - w.len, w.len);
    free(w.data);
}

void proto_watch_frame(struct buf *b, const char *type, const void *body, size_t len)
{
    struct writer w = { 0 };

    put_bytes(&w, 1, body, len);
    put_around(&w, 0, 2);
    put_bytes(&w, 1, type, strlen(type));
    char head[4] = { (char)(w.len >> 24), (char)(w.len >> 16), (char)(w.len >> 8), (char)w.len };
    put(&w, head, sizeof(head));
    buf_add(b, w.data + w.cap - w.len, w.len);
    free(w.data);
}
