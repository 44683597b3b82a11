#include "kube/unstructured.h"

#include <math.h>

#include "kube/base64.h"
#include "kube/gotime.h"
#include "kube/quantity.h"

/* Deeper than any type but those that contain themselves; those are cut there. */
enum { DEPTH_MAX = 100 };

/* reflect.Kind of an untyped value. */
static const char *kind_of(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "map";
    case JSON_ARRAY: return "slice";
    case JSON_STRING: return "string";
    case JSON_INTEGER: return "int64";
    case JSON_REAL: return "float64";
    default: return "bool";
    }
}

static bool is_text(const json_t *v)
{
    return json_is_string(v);
}

/* ---- values with a form of their own ----------------------------------------------------------- */

static const char *not_a_string(struct arena *arena, const json_t *v)
{
    return arena_printf(arena, "json: cannot unmarshal %s into Go value of type string",
                        json_is_object(v) ? "object" : json_is_array(v) ? "array"
                                                   : json_is_number(v) ? "number" : "bool");
}

static const char *check_form(struct arena *arena, const json_t *v, enum schema_form form)
{
    struct err e = ERR_IN(arena);
    struct quantity q;
    struct gotime t;
    int64_t at;

    switch (form) {
    case FORM_QUANTITY:
        return quantity_parse_json(arena, v, &q, &e) < 0 ? err_message(&e) : NULL;
    case FORM_TIME: case FORM_MICROTIME:
        return is_text(v) ? gotime_parse(arena, json_string_value(v), json_string_length(v),
                                         form == FORM_MICROTIME, &t)
                          : not_a_string(arena, v);
    case FORM_INT_OR_STRING:
        if (is_text(v) || json_is_integer(v))
            return NULL;
        return arena_printf(arena, "json: cannot unmarshal %s into Go value of type int32",
                            json_is_object(v) ? "object" : json_is_array(v) ? "array"
                                                       : json_is_number(v) ? "number" : "bool");
    case FORM_BYTES:
        if (!is_text(v))
            return json_is_array(v) ? NULL : arena_printf(arena, "cannot restore slice from %s", kind_of(v));
        at = base64_decode(NULL, json_string_value(v), json_string_length(v));
        return at >= 0 ? NULL
                       : arena_printf(arena, "error decoding from json: illegal base64 data at input byte %lld",
                                      (long long)(-1 - at));
    default: return NULL;
    }
}

/* ---- plain values ------------------------------------------------------------------------------- */

/* "int32" of "*int32"; the plain name where the type says none. */
static const char *target(const struct schema *s, const char *plain)
{
    const char *name = s->go_type ? s->go_type : plain;

    return *name == '*' ? name + 1 : name;
}

static const char *check_plain(struct arena *arena, const json_t *v, const struct schema *s)
{
    const char *convert = NULL;

    switch (s->type) {
    case SCHEMA_STRING:
        if (is_text(v))
            return NULL;
        if (!json_is_integer(v))
            return arena_printf(arena, "unrecognized type: string");
        convert = target(s, "string");           /* Go would make a rune of an integer */
        break;
    case SCHEMA_INTEGER:
        if (json_is_integer(v) || (json_is_real(v) && json_real_value(v) == trunc(json_real_value(v))))
            return NULL;
        if (!json_is_real(v))
            return arena_printf(arena, "unrecognized type: %s", target(s, "int64"));
        convert = target(s, "int64");
        break;
    case SCHEMA_NUMBER:
        return json_is_number(v) ? NULL : arena_printf(arena, "unrecognized type: float64");
    case SCHEMA_BOOLEAN:
        return json_is_boolean(v) ? NULL : arena_printf(arena, "unrecognized type: bool");
    default: return NULL;
    }
    return arena_printf(arena, "cannot convert %s to %s", kind_of(v), convert);
}

/* ---- containers --------------------------------------------------------------------------------- */

static const char *check(struct arena *arena, const json_t *v, const struct schema *s, int depth);

static const char *check_list(struct arena *arena, const json_t *v, const struct schema *s, int depth)
{
    const char *why = NULL;
    const json_t *element;
    size_t i;

    if (!json_is_array(v))
        return arena_printf(arena, "cannot restore slice from %s", kind_of(v));
    json_array_foreach(v, i, element)
        if ((why = check(arena, element, s->items, depth + 1)))
            return why;
    return NULL;
}

static const char *check_map(struct arena *arena, const json_t *v, const struct schema *s, int depth)
{
    const char *why = NULL;

    if (!json_is_object(v))
        return arena_printf(arena, "cannot restore map from %s", kind_of(v));
    for (void *it = json_object_iter((json_t *)v); it; it = json_object_iter_next((json_t *)v, it))
        if ((why = check(arena, json_object_iter_value(it), s->additional, depth + 1)))
            return why;
    return NULL;
}

static const char *check_struct(struct arena *arena, const json_t *v, const struct schema *s, int depth)
{
    const char *why = NULL;

    if (!json_is_object(v))
        return arena_printf(arena, "cannot restore struct from: %s", kind_of(v));
    for (size_t i = 0; i < s->n_fields; i++) {
        const json_t *member = json_object_get(v, s->fields[i].name);

        if (member && (why = check(arena, member, s->fields[i].schema, depth + 1)))
            return why;
    }
    return NULL;
}

static const char *check(struct arena *arena, const json_t *v, const struct schema *s, int depth)
{
    if (!s || json_is_null(v) || depth > DEPTH_MAX)
        return NULL;
    if (s->form != FORM_PLAIN)
        return check_form(arena, v, s->form);
    switch (s->type) {
    case SCHEMA_ARRAY: return check_list(arena, v, s, depth);
    case SCHEMA_OBJECT: return s->n_fields || !s->additional ? check_struct(arena, v, s, depth)
                                                             : check_map(arena, v, s, depth);
    default: return check_plain(arena, v, s);
    }
}

const char *unstructured_error(struct arena *arena, const json_t *tree, const struct schema *s)
{
    return check(arena, tree, s, 0);
}
