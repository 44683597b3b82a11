#include "fakeapi/apiserver/crd_columns.h"

#include "fakeapi/apiserver/builtin/cells.h"
#include "fakeapi/apiserver/crd.h"
#include "kube/json.h"
#include "kube/jsonpath.h"
#include "kube/object.h"

static const char *text_at(const json_t *v, const char *path)
{
    const char *s = json_string_value(json_path(v, path));

    return s ? s : "";
}

static const json_t *columns_of(const struct kind *k)
{
    return json_object_get(k->crd->version_specs[k - k->crd->kinds], "additionalPrinterColumns");
}

const struct column *crd_columns(const struct kind *k, struct arena *a, size_t *ret_n)
{
    const json_t *list = columns_of(k);
    size_t n = json_array_size(list), i;
    struct column *v = arena_alloc(a, (n + 2) * sizeof(*v));
    json_t *c;

    v[0] = *column_name();
    if (n == 0) {
        v[1] = (struct column){ "Age", "date", "", column_created()->description, 0 };
        *ret_n = 2;
        return v;
    }
    json_array_foreach(list, i, c) {
        const char *description = text_at(c, "description");
        v[i + 1] = (struct column){
            text_at(c, "name"), text_at(c, "type"), text_at(c, "format"),
            *description ? description : arena_printf(a, "Custom resource definition column (in JSONPath format): %s",
                                                      text_at(c, "jsonPath")),
            (int)json_integer_value(json_object_get(c, "priority"))
        };
    }
    *ret_n = n + 1;
    return v;
}

static json_t *string_cell(const json_t *v)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (json_is_string(v))
        return json_incref((json_t *)v);
    json_write(&b, v, JSON_WRITE_SORTED);
    return json_string(b.data);
}

static json_t *date_cell(const json_t *v, struct instant now, struct arena *a)
{
    struct instant t;

    if (!json_is_string(v))
        return json_null();
    if (!time_parse(json_string_value(v), &t))
        return json_string("<invalid>");
    return json_string(human_since(a, json_string_value(v), now));
}

/* Of what a path finds only the first is shown. */
static json_t *cell(const char *type, json_t *v, struct instant now, struct arena *a)
{
    if (json_is_null(v) && streq(type, "string"))
        return json_string("<no value>");
    if (!v || json_is_null(v))
        return json_null();
    if (streq(type, "string"))
        return string_cell(v);
    if (streq(type, "date"))
        return date_cell(v, now, a);
    if (streq(type, "integer") && json_is_number(v))
        return json_integer(json_is_real(v) ? (json_int_t)json_real_value(v) : json_integer_value(v));
    if (streq(type, "number") && json_is_number(v))
        return json_incref(v);
    return streq(type, "boolean") && json_is_boolean(v) ? json_incref(v) : json_null();
}

json_t *crd_cells(const struct kind *k, const json_t *obj, struct instant now, struct arena *a)
{
    const json_t *list = columns_of(k);
    json_t *cells = json_array(), *c;
    size_t i;

    json_array_append_new(cells, json_string(obj_name(obj)));
    if (!json_array_size(list))
        json_array_append_new(cells, json_string(human_since(a, text_at(obj, "metadata.creationTimestamp"), now)));
    json_array_foreach(list, i, c) {
        json_auto_t *found = jsonpath_find(obj, text_at(c, "jsonPath"));
        json_array_append_new(cells, cell(text_at(c, "type"), json_array_get(found, 0), now, a));
    }
    return cells;
}
