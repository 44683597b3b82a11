#include "kube/decode.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

#include "kube/base64.h"
#include "kube/fielderr.h"
#include "kube/gotime.h"
#include "kube/json_priv.h"
#include "kube/quantity.h"

/* Only JSONSchemaProps nests in itself; no real definition comes near this. */
enum { DEPTH_MAX = 200 };

/* Where we are: a chain on the stack, written out only when something is wrong. */
struct at {
    const struct at *up;
    enum { AT_FIELD, AT_KEY, AT_INDEX } kind;
    const struct schema *owner;        /* AT_FIELD: the struct */
    const char *name;
    size_t index;
    unsigned depth;
};

struct decoder {
    struct arena *arena;
    struct decode_notes *notes;
    const char *soft;                  /* the first wrong type: Go goes on, and fails at the end */
    const char *hard;                  /* an UnmarshalJSON that failed: Go stops there */
    bool lenient;                      /* inside a nested decoder, which is never strict */
    const struct at *nested;           /* where the outermost of those stands: what is wrong within is said of it */
};

static json_t *value_of(struct decoder *d, const struct schema *s, json_t *in, const struct at *at);

/* ---- words -------------------------------------------------------------------------------------- */

static void path_text(struct buf *b, const struct at *at)
{
    if (!at)
        return;
    path_text(b, at->up);
    if (at->kind == AT_INDEX)
        buf_printf(b, "[%zu]", at->index);
    else
        buf_printf(b, "%s%s", b->len ? "." : "", at->name);
}

static void fields_text(struct buf *b, const struct at *at)
{
    if (!at)
        return;
    fields_text(b, at->up);
    if (at->kind == AT_FIELD)
        buf_printf(b, "%s%s", b->len ? "." : "", at->name);
}

void decode_note_strict(struct decode_notes *n, const char *text)
{
    if (n->n_strict >= DECODE_STRICT_MAX)
        return;
    for (size_t i = 0; i < n->n_strict; i++)
        if (streq(n->strict[i], text))
            return;
    if (!n->strict)
        n->strict = arena_alloc(n->arena, DECODE_STRICT_MAX * sizeof(*n->strict));
    n->strict[n->n_strict++] = arena_strdup(n->arena, text);
}

static void note_quoted(struct decode_notes *n, const char *what, const char *path, size_t len)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, what);
    go_quote(&b, path, len);
    decode_note_strict(n, b.data);
}

static void note_unknown(struct decoder *d, const struct at *at, const char *key)
{
    cleanup_buf struct buf path = BUF_INIT;
    struct at here = { .up = at, .kind = AT_KEY, .name = key };

    if (d->lenient)
        return;
    path_text(&path, &here);
    note_quoted(d->notes, "unknown field ", path.data ? path.data : "", path.len);
}

const char *decode_strict_error(const struct decode_notes *n)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (!n->n_strict)
        return NULL;
    buf_add_str(&b, "strict decoding error: ");
    for (size_t i = 0; i < n->n_strict; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", n->strict[i]);
    return arena_strndup(n->arena, b.data, b.len);
}

static const char *kind_of(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "object";
    case JSON_ARRAY: return "array";
    case JSON_STRING: return "string";
    case JSON_TRUE: case JSON_FALSE: return "bool";
    case JSON_NULL: return "null";
    default: return "number";
    }
}

static const char *number_text(struct decoder *d, const json_t *v)
{
    const char *text = d->notes->parsed ? json_notes_number(d->notes->parsed, v) : NULL;

    return text ? text : json_arena_text(d->arena, v, 0);
}

static const char *type_error(struct decoder *d, const json_t *v, const char *go_type, const struct at *at,
                              bool with_number)
{
    cleanup_buf struct buf path = BUF_INIT;
    const char *what = kind_of(v);

    at = d->nested ? d->nested : at;
    const struct at *field = at;

    if (with_number && json_is_number(v))
        what = arena_printf(d->arena, "number %s", number_text(d, v));
    while (field && field->kind != AT_FIELD)
        field = field->up;
    if (!field)
        return arena_printf(d->arena, "json: cannot unmarshal %s into Go value of type %s", what, go_type);
    fields_text(&path, at);
    return arena_printf(d->arena, "json: cannot unmarshal %s into Go struct field %s.%s of type %s", what,
                        field->owner->go_name, path.data, go_type);
}

/* Both return NULL, the zero value. */
static json_t *soft(struct decoder *d, const char *message)
{
    if (!d->soft)
        d->soft = message;
    return NULL;
}

static json_t *hard(struct decoder *d, const char *message)
{
    if (!d->hard)
        d->hard = message;
    return NULL;
}

static json_t *wrong_type(struct decoder *d, const struct schema *s, const json_t *in, const struct at *at)
{
    return soft(d, type_error(d, in, s->go_type, at, s->type == SCHEMA_INTEGER));
}

/* ---- scalars ------------------------------------------------------------------------------------ */

/* As amd64 converts: what does not fit is the smallest integer, and of 32 bits the lower are kept. */
static json_t *integer_of_merged(const struct schema *s, json_t *in)
{
    double v = json_number_value(in);
    int64_t n = json_is_integer(in) ? json_integer_value(in) : v < 0x1p63 && v >= -0x1p63 ? (int64_t)v : INT64_MIN;

    if (streq(s->format, "int32"))
        n = (int32_t)n;
    return json_is_integer(in) && n == json_integer_value(in) ? json_incref(in) : json_integer(n);
}

static json_t *integer_of(struct decoder *d, const struct schema *s, json_t *in, const struct at *at)
{
    if (d->notes->merged && json_is_number(in) && json_number_value(in) == trunc(json_number_value(in)))
        return integer_of_merged(s, in);
    if (!json_is_integer(in) || (d->notes->parsed && json_notes_number(d->notes->parsed, in)))
        return wrong_type(d, s, in, at);
    if (streq(s->format, "int32")
        && (json_integer_value(in) > INT32_MAX || json_integer_value(in) < INT32_MIN))
        return wrong_type(d, s, in, at);
    return json_incref(in);
}

/* A float64: 1.0 prints as 1. */
static json_t *float_of(struct decoder *d, const struct schema *s, json_t *in, const struct at *at)
{
    if (!json_is_number(in))
        return wrong_type(d, s, in, at);
    double v = json_number_value(in);
    if (v == (double)(int64_t)v && v > -1e15 && v < 1e15)
        return json_is_integer(in) ? json_incref(in) : json_integer((int64_t)v);
    return json_is_real(in) ? json_incref(in) : json_real(v);
}

/* []byte from an array of numbers, as Go takes it too. */
static json_t *bytes_of_array(struct decoder *d, const json_t *in, const struct at *at)
{
    cleanup_buf struct buf raw = BUF_INIT, text = BUF_INIT;

    for (size_t i = 0; i < json_array_size(in); i++) {
        const json_t *v = json_array_get(in, i);
        int64_t n = json_integer_value(v);
        if (!json_is_null(v) && (!json_is_integer(v) || n < 0 || n > 255))
            return soft(d, type_error(d, v, "uint8", at, true));
        buf_add_char(&raw, (char)n);
    }
    base64_encode(&text, raw.data, raw.len);
    return json_stringn_nocheck(text.data ? text.data : "", text.len);
}

static json_t *bytes_of(struct decoder *d, const struct schema *s, json_t *in, const struct at *at)
{
    cleanup_buf struct buf raw = BUF_INIT, text = BUF_INIT;

    if (json_is_array(in))
        return bytes_of_array(d, in, at);
    if (!json_is_string(in))
        return wrong_type(d, s, in, at);
    int64_t n = base64_decode(&raw, json_string_value(in), json_string_length(in));
    if (n < 0)
        return soft(d, arena_printf(d->arena, "illegal base64 data at input byte %lld", (long long)(-1 - n)));
    base64_encode(&text, raw.data, raw.len);
    if (text.len == json_string_length(in) && memcmp(text.data, json_string_value(in), text.len) == 0)
        return json_incref(in);
    return json_stringn_nocheck(text.data ? text.data : "", text.len);
}

static json_t *same_or_new(json_t *in, const char *text)
{
    return json_is_string(in) && streq(json_string_value(in), text) ? json_incref(in) : json_string_nocheck(text);
}

static json_t *quantity_of_value(struct decoder *d, json_t *in)
{
    struct quantity q;
    struct err e = ERR_IN(d->arena);
    const char *s = json_is_string(in) ? json_string_value(in) : number_text(d, in), *end = s + strlen(s);

    if (json_is_string(in) && json_string_length(in) != strlen(s))
        end = s;                       /* a NUL within: no quantity */
    while (s < end && strchr(" \t\n\r\v\f", *s))
        s++;
    while (s < end && strchr(" \t\n\r\v\f", end[-1]))
        end--;
    if (quantity_parse(d->arena, arena_strndup(d->arena, s, (size_t)(end - s)), &q, &e) < 0)
        return hard(d, err_message(&e));
    return same_or_new(in, quantity_text(d->arena, &q));
}

static json_t *time_of(struct decoder *d, json_t *in, const struct at *at, bool micro)
{
    char text[GOTIME_TEXT_MAX];
    struct gotime t;

    if (!json_is_string(in))
        return hard(d, type_error(d, in, "string", at, false));
    const char *wrong = gotime_parse(d->arena, json_string_value(in), json_string_length(in), micro, &t);
    if (wrong)
        return hard(d, wrong);
    if (gotime_is_zero(t))
        return NULL;
    gotime_format(t, micro, text);
    return same_or_new(in, text);
}

static json_t *int_or_string(struct decoder *d, json_t *in, const struct at *at)
{
    if (json_is_string(in))
        return json_incref(in);
    if (!json_is_integer(in) || json_integer_value(in) > INT32_MAX || json_integer_value(in) < INT32_MIN
        || (d->notes->parsed && json_notes_number(d->notes->parsed, in)))
        return hard(d, type_error(d, in, "int32", at, true));
    return json_incref(in);
}

/* ---- lists and maps ------------------------------------------------------------------------------ */

/* An element or map value that has no value of its own. */
static json_t *zero_element(const struct schema *s)
{
    return s->form == FORM_BYTES ? json_string("") : decode_zero(s);
}

static json_t *list_of(struct decoder *d, const struct schema *items, json_t *in, const struct at *at)
{
    size_t n = json_array_size(in);
    json_t **v = arena_alloc(d->arena, (n + 1) * sizeof(*v));
    struct at here = { .up = at, .kind = AT_INDEX, .depth = at ? at->depth + 1 : 1 };
    bool same = true;
    json_t *out = NULL;

    for (size_t i = 0; i < n && !d->hard; i++) {
        here.index = i;
        v[i] = value_of(d, items, json_array_get(in, i), &here);
        if (!v[i])
            v[i] = zero_element(items);
        same &= v[i] == json_array_get(in, i);
    }
    if (d->hard || same) {
        for (size_t i = 0; i < n; i++)
            json_decref(v[i]);
        return d->hard ? NULL : json_incref(in);
    }
    out = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, v[i]);
    return out;
}

struct member {
    const char *key;
    size_t len;
    json_t *value;
};

static int by_key(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

    return order ? order : x->len < y->len ? -1 : x->len > y->len;
}

static json_t *map_of(struct decoder *d, const struct schema *s, json_t *in, const struct at *at)
{
    size_t n = 0;
    struct member *v = arena_alloc(d->arena, (json_object_size(in) + 1) * sizeof(*v));
    struct at here = { .up = at, .kind = AT_KEY, .depth = at ? at->depth + 1 : 1 };
    bool same = true, sorted = true;
    json_t *out = NULL;

    for (void *it = json_object_iter(in); it && !d->hard; it = json_object_iter_next(in, it), n++) {
        v[n].key = here.name = json_object_iter_key(it);
        v[n].len = json_object_iter_key_len(it);
        v[n].value = value_of(d, s->additional, json_object_iter_value(it), &here);
        if (!v[n].value)
            v[n].value = zero_element(s->additional);
        same &= v[n].value == json_object_iter_value(it);
        sorted &= n == 0 || by_key(&v[n - 1], &v[n]) < 0;
    }
    if (d->hard || (same && sorted)) {
        for (size_t i = 0; i < n; i++)
            json_decref(v[i].value);
        return d->hard ? NULL : json_incref(in);
    }
    if (!sorted)
        qsort(v, n, sizeof(*v), by_key);
    out = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_add_new(out, v[i].key, v[i].len, v[i].value);
    return out;
}

/* ---- structs ------------------------------------------------------------------------------------- */

static bool is_struct(const struct schema *s)
{
    return s->type == SCHEMA_OBJECT && s->form == FORM_PLAIN && !s->additional;
}

static json_t *zero_struct(const struct schema *s);

/* What an absent field prints; NULL: nothing. */
static json_t *zero_field(const struct schema_field *f)
{
    if (f->gated || f->omitzero)
        return NULL;
    if (f->pointer)
        return f->omitempty ? NULL : json_null();
    if (is_struct(f->schema))
        return zero_struct(f->schema);
    switch (f->schema->form) {
    case FORM_TIME: case FORM_MICROTIME: case FORM_QUANTITY: case FORM_INT_OR_STRING: case FORM_RAW_EXTENSION:
    case FORM_JSON: case FORM_DURATION:
        return decode_zero(f->schema);            /* structs to Go: omitempty has no effect */
    default:
        return f->omitempty ? NULL : decode_zero(f->schema);
    }
}

static json_t *zero_struct(const struct schema *s)
{
    json_t *out = json_object();

    for (size_t i = 0; i < s->n_fields; i++) {
        json_t *v = zero_field(&s->fields[i]);
        if (v)
            json_object_add_new(out, s->fields[i].name, strlen(s->fields[i].name), v);
    }
    return out;
}

json_t *decode_zero(const struct schema *s)
{
    switch (s->form) {
    case FORM_QUANTITY: return json_string("0");
    case FORM_INT_OR_STRING: return json_integer(0);
    case FORM_DURATION: return json_string("0s");
    case FORM_PLAIN: break;
    default: return json_null();
    }
    switch (s->type) {
    case SCHEMA_STRING: return json_string("");
    case SCHEMA_INTEGER: case SCHEMA_NUMBER: return json_integer(0);
    case SCHEMA_BOOLEAN: return json_false();
    case SCHEMA_OBJECT: return is_struct(s) ? zero_struct(s) : json_null();
    default: return json_null();
    }
}

/* What omitempty leaves out, seen from the value's side. */
static bool is_zero(const struct schema *s, const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_STRING: return json_string_length(v) == 0 && s->form == FORM_PLAIN;
    case JSON_INTEGER: return json_integer_value(v) == 0 && s->form == FORM_PLAIN;
    case JSON_FALSE: return s->form == FORM_PLAIN;
    case JSON_ARRAY: return json_array_size(v) == 0 && s->type == SCHEMA_ARRAY;
    case JSON_OBJECT: return s->additional && json_object_size(v) == 0;
    default: return false;
    }
}

/* The field as it is printed: takes `v` (NULL: absent), returns a new reference or NULL. */
static json_t *printed(struct decoder *d, const struct schema_field *f, json_t *v)
{
    bool list = (f->schema->type == SCHEMA_ARRAY || f->schema->additional) && !f->keeps_empty;
    bool zero = v && !f->pointer && is_zero(f->schema, v);
    bool drop = v && (f->gated || (zero && (f->omitempty || list)));

    bool silent = zero && f->omitempty && !f->keeps_empty;       /* not even printed */

    if (drop && d->notes && d->notes->as_sent && (!silent || (d->notes->every_empty && list && !f->gated))) {
        d->notes->kept = true;
        return v;
    }
    if (d->notes && silent && list && !f->gated)
        d->notes->dropped = true;
    if (!drop && v)
        return v;
    json_decref(v);
    return zero_field(f);
}

static size_t field_index(const struct schema *s, const char *key, size_t guess)
{
    const struct schema_field *f;

    if (guess < s->n_fields && streq(s->fields[guess].name, key))
        return guess;
    f = schema_field(s, key);
    return f ? (size_t)(f - s->fields) : SIZE_MAX;
}

static json_t *struct_of(struct decoder *d, const struct schema *s, json_t *in, const struct at *at)
{
    json_t **v = arena_alloc(d->arena, (2 * s->n_fields + 1) * sizeof(*v)), **came = v + s->n_fields;
    struct at here = { .up = at, .kind = AT_FIELD, .owner = s, .depth = at ? at->depth + 1 : 1 };
    size_t next = 0, n = 0;
    bool same = true;
    json_t *out;

    for (void *it = json_object_iter(in); it && !d->hard; it = json_object_iter_next(in, it)) {
        size_t i = field_index(s, json_object_iter_key(it), next);
        if (i == SIZE_MAX) {
            note_unknown(d, at, json_object_iter_key(it));
            same = false;
            continue;
        }
        here.name = s->fields[i].name;
        came[i] = json_object_iter_value(it);
        v[i] = value_of(d, s->fields[i].schema, came[i], &here);
        same &= i >= next;
        next = i + 1;
    }
    for (size_t i = 0; i < s->n_fields; i++) {
        v[i] = d->hard ? (json_decref(v[i]), NULL) : printed(d, &s->fields[i], v[i]);
        same &= v[i] == came[i];
        n += v[i] != NULL;
    }
    if (d->hard)
        return NULL;
    if (same) {
        for (size_t i = 0; i < s->n_fields; i++)
            json_decref(v[i]);
        return json_incref(in);
    }
    out = json_object();
    for (size_t i = 0; i < s->n_fields && n; i++)
        if (v[i])
            json_object_add_new(out, s->fields[i].name, strlen(s->fields[i].name), v[i]);
    return out;
}

/* ---- empty is not nothing ------------------------------------------------------------------------- */

static bool is_empty(const json_t *v)
{
    return (json_is_array(v) && !json_array_size(v)) || (json_is_object(v) && !json_object_size(v));
}

/* Not a label selector: the server knows no other form of it than the one that is printed. */
static bool tells_empty(const struct schema *s)
{
    return s && s->form == FORM_PLAIN;
}

/* Into *slot, which is made ours only where something is missing. */
static void add_empties(const struct schema *s, json_t **slot, const json_t *sent, unsigned depth)
{
    const char *key;
    json_t *v;
    size_t i;

    if (sent == *slot || is_empty(sent) || depth > DEPTH_MAX || !tells_empty(s))
        return;
    if (json_is_array(sent) && json_array_size(sent) == json_array_size(*slot)) {
        json_array_foreach(sent, i, v) {
            json_t *mine = json_incref(json_array_get(*slot, i)), *was = mine;
            add_empties(s->items, &mine, v, depth + 1);
            if (mine != was)
                json_array_set(json_own(slot), i, mine);
            json_decref(mine);
        }
    } else if (json_is_object(sent) && json_is_object(*slot)) {
        json_object_foreach((json_t *)sent, key, v) {
            const struct schema_field *f = schema_field(s, key);
            const struct schema *of = f ? f->schema : s->additional;
            json_t *mine = json_incref(json_object_get(*slot, key)), *was = mine;
            bool holds = of && of->form == FORM_PLAIN && (of->items || of->additional) && !(f && f->gated);
            if (holds && is_empty(v) && (!mine || json_is_null(mine)))
                json_object_set(json_own(slot), key, v);
            else if (mine)
                add_empties(of, &mine, v, depth + 1);
            if (mine != was)
                json_object_set(json_own(slot), key, mine);
            json_decref(mine);
        }
    }
}

json_t *decode_with_empties(const struct schema *s, const json_t *obj, const json_t *sent)
{
    json_t *out = json_incref((json_t *)obj);

    if (out && sent)
        add_empties(s, &out, sent, 0);
    return out;
}

/* ---- the forms of apiextensions ------------------------------------------------------------------- */

static json_t *nested_schema(struct decoder *d, const struct schema *s, json_t *in, const struct at *at)
{
    bool lenient = d->lenient;
    json_t *out;

    d->lenient = true;
    out = struct_of(d, s->items, in, at);
    d->lenient = lenient;
    return out;
}

static json_t *strings_only(struct decoder *d, json_t *in, const struct at *at)
{
    size_t i;
    json_t *v;

    json_array_foreach(in, i, v)
        if (!json_is_string(v) && !json_is_null(v))
            return soft(d, type_error(d, v, "string", at, false));
    return json_incref(in);
}

static json_t *nested_value(struct decoder *d, const struct schema *s, json_t *in, const struct at *at)
{
    json_t *out = NULL;

    if (json_is_object(in))
        return nested_schema(d, s, in, at);
    switch (s->form) {
    case FORM_SCHEMA_OR_BOOL:
        return json_is_boolean(in) ? json_incref(in) : hard(d, "boolean or JSON schema expected");
    case FORM_SCHEMA_OR_STRINGS:
    case FORM_SCHEMA_OR_ARRAY:
        if (!json_is_array(in) || !json_array_size(in))
            return json_null();
        if (s->form == FORM_SCHEMA_OR_STRINGS)
            return strings_only(d, in, at);
        d->lenient ^= true;
        out = list_of(d, s->items, in, at);
        d->lenient ^= true;
        return out;
    default:
        return NULL;
    }
}

static json_t *schema_or(struct decoder *d, const struct schema *s, json_t *in, const struct at *at)
{
    const struct at *outer = d->nested;
    json_t *out = NULL;

    d->nested = outer ? outer : at;
    out = nested_value(d, s, in, at);
    d->nested = outer;
    return out;
}

/* ---- one value -------------------------------------------------------------------------------------- */

static json_t *plain(struct decoder *d, const struct schema *s, json_t *in, const struct at *at)
{
    switch (s->type) {
    case SCHEMA_STRING:
        return json_is_string(in) ? json_incref(in) : wrong_type(d, s, in, at);
    case SCHEMA_BOOLEAN:
        return json_is_boolean(in) ? json_incref(in) : wrong_type(d, s, in, at);
    case SCHEMA_INTEGER:
        return integer_of(d, s, in, at);
    case SCHEMA_NUMBER:
        return float_of(d, s, in, at);
    case SCHEMA_ARRAY:
        return json_is_array(in) ? list_of(d, s->items, in, at) : wrong_type(d, s, in, at);
    case SCHEMA_OBJECT:
        if (!json_is_object(in))
            return wrong_type(d, s, in, at);
        return s->additional ? map_of(d, s, in, at) : struct_of(d, s, in, at);
    default:
        return json_incref(in);
    }
}

/* NULL: the zero value (or an error is set). */
static json_t *value_of(struct decoder *d, const struct schema *s, json_t *in, const struct at *at)
{
    if (json_is_null(in))
        return NULL;
    if (at && at->depth > DEPTH_MAX)
        return hard(d, "exceeded max depth");
    switch (s->form) {
    case FORM_QUANTITY: return quantity_of_value(d, in);
    case FORM_TIME: return time_of(d, in, at, false);
    case FORM_MICROTIME: return time_of(d, in, at, true);
    case FORM_BYTES: return bytes_of(d, s, in, at);
    case FORM_INT_OR_STRING: return int_or_string(d, in, at);
    case FORM_DURATION: return json_is_string(in) ? json_incref(in) : hard(d, type_error(d, in, "string", at, false));
    case FORM_RAW_EXTENSION: case FORM_FIELDS_V1: case FORM_JSON: return json_incref(in);
    case FORM_SCHEMA_OR_BOOL: case FORM_SCHEMA_OR_ARRAY: case FORM_SCHEMA_OR_STRINGS: return schema_or(d, s, in, at);
    default: return plain(d, s, in, at);
    }
}

int decode(const struct schema *s, const json_t *in, struct decode_notes *notes, json_t **ret,
           struct apierr *err)
{
    struct decoder d = { .arena = notes->arena, .notes = notes };
    const struct json_notes *parsed = notes->parsed;
    json_t *out;

    for (size_t i = 0; parsed && i < parsed->n_duplicates; i++)
        note_quoted(notes, "duplicate field ", parsed->duplicates[i], strlen(parsed->duplicates[i]));
    out = value_of(&d, s, (json_t *)in, NULL);
    if (d.hard || d.soft) {
        json_decref(out);
        return apierr_set(err, APIERR_BAD_REQUEST, "%s", d.hard ? d.hard : d.soft);
    }
    *ret = out ? out : decode_zero(s);
    return 0;
}
