#include "fakeapi/apiserver/crd_columns.h"

#include "fakeapi/apiserver/builtin/cells.h"
#include "fakeapi/apiserver/crd.h"
#include "kube/json.h"
#include "kube/object.h"

static const char *text_at(const json_t *v, const char *path)
{
    const char *s = json_string_value(json_path(v, path));

    return s ? s : "";
}

/* ---- JSONPath --------------------------------------------------------------------------------------- */

static json_t *members_of(const json_t *nodes, const char *name)
{
    json_t *out = json_array(), *node;
    size_t i;

    json_array_foreach(nodes, i, node)
        if (json_object_get(node, name))
            json_array_append(out, json_object_get(node, name));
    return out;
}

static json_t *elements_of(const json_t *nodes, const char *index)
{
    json_t *out = json_array(), *node, *v;
    const char *key;
    int64_t n = 0;
    size_t i, k;
    bool all = streq(index, "*");

    if (!all && !parse_i64(index, &n))
        return out;
    json_array_foreach(nodes, i, node) {
        int64_t at = n < 0 ? n + (int64_t)json_array_size(node) : n;
        if (all && json_is_object(node))
            json_object_foreach(node, key, v)
                json_array_append(out, v);
        else if (all)
            json_array_foreach(node, k, v)
                json_array_append(out, v);
        else if (at >= 0 && json_array_get(node, (size_t)at))
            json_array_append(out, json_array_get(node, (size_t)at));
    }
    return out;
}

/* `@.type=="Ready"`: the text between the quotes, and what stands before the comparison. */
static bool filter_split(const char *filter, char **ret_path, char **ret_want, bool *ret_equal)
{
    const char *op = strstr(filter, "==");

    *ret_equal = op != NULL;
    if (!op)
        op = strstr(filter, "!=");
    if (!op || filter[0] != '@')
        return false;
    const char *end = op;
    while (end > filter && end[-1] == ' ')
        end--;
    *ret_path = xstrndup(filter + 1, (size_t)(end - filter - 1));
    op += 2 + strspn(op + 2, " ");
    size_t len = strlen(op);
    while (len && op[len - 1] == ' ')
        len--;
    if (len >= 2 && (op[0] == '\'' || op[0] == '"') && op[len - 1] == op[0]) {
        op++;
        len -= 2;
    }
    *ret_want = xstrndup(op, len);
    return true;
}

static json_t *filtered(const json_t *nodes, const char *filter)
{
    cleanup_free char *path = NULL, *want = NULL;
    json_t *out = json_array(), *node, *item;
    bool equal;
    size_t i, k;

    if (!filter_split(filter, &path, &want, &equal))
        return out;
    json_array_foreach(nodes, i, node)
        json_array_foreach(node, k, item) {
            json_auto_t *hits = column_path_find(item, path);
            const json_t *first = json_array_get(hits, 0);
            cleanup_free char *text = !first ? NULL : json_is_string(first) ? xstrdup(json_string_value(first))
                                                                            : json_text(first, 0);
            if (text && streq(text, want) == equal)
                json_array_append(out, item);
        }
    return out;
}

/* One step in brackets; returns what follows the closing one, NULL where there is none. */
static const char *bracket_step(const char *at, json_t **nodes)
{
    const char *close = at[1] == '?' ? strstr(at, ")]") : strchr(at, ']');
    json_t *next;

    if (!close)
        return NULL;
    if (at[1] == '?') {
        cleanup_free char *filter = xstrndup(at + 3, (size_t)(close - at - 3));
        next = filtered(*nodes, filter);
        close++;
    } else if (at[1] == '\'' || at[1] == '"') {
        cleanup_free char *name = xstrndup(at + 2, close - at > 3 ? (size_t)(close - at - 3) : 0);
        next = members_of(*nodes, name);
    } else {
        cleanup_free char *index = xstrndup(at + 1, (size_t)(close - at - 1));
        next = elements_of(*nodes, index);
    }
    json_decref(*nodes);
    *nodes = next;
    return close + 1;
}

static const char *name_step(const char *at, json_t **nodes)
{
    cleanup_buf struct buf name = BUF_INIT;

    for (at++; *at && *at != '.' && *at != '['; at++) {
        if (*at == '\\' && at[1])
            at++;
        buf_add_char(&name, *at);
    }
    if (name.len) {
        json_t *next = streq(name.data, "*") ? elements_of(*nodes, "*") : members_of(*nodes, name.data);
        json_decref(*nodes);
        *nodes = next;
    }
    return at;
}

json_t *column_path_find(const json_t *obj, const char *path)
{
    json_t *nodes = json_array();

    json_array_append(nodes, (json_t *)obj);
    while (path && *path)
        path = *path == '.' ? name_step(path, &nodes) : *path == '[' ? bracket_step(path, &nodes) : NULL;
    return nodes;
}

/* ---- columns and cells --------------------------------------------------------------------------------- */

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

/* All that was found, as text, with a space between. */
static json_t *string_cell(const json_t *found)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t i;
    json_t *v;

    buf_add_str(&b, "");
    json_array_foreach(found, i, v) {
        if (i)
            buf_add_char(&b, ' ');
        if (json_is_string(v))
            buf_add_str(&b, json_string_value(v));
        else
            json_write(&b, v, JSON_WRITE_SORTED);
    }
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

static json_t *cell(const char *type, const json_t *found, struct instant now, struct arena *a)
{
    json_t *v = json_array_get(found, 0);

    if (!v || json_is_null(v))
        return json_null();
    if (streq(type, "string"))
        return string_cell(found);
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
        json_auto_t *found = column_path_find(obj, text_at(c, "jsonPath"));
        json_array_append_new(cells, cell(text_at(c, "type"), found, now, a));
    }
    return cells;
}
