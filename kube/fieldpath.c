#include "kube/fieldpath.h"

#include "kube/json.h"

struct ftype ftype_root(const struct schema *s)
{
    return (struct ftype){ .schema = s, .list = s ? s->list_type : LIST_UNSET,
                           .map_atomic = s && s->map_atomic, .keys = s ? s->list_keys : NULL };
}

static struct ftype of_field(const struct schema_field *f)
{
    struct ftype t = ftype_root(f->schema);

    if (f->list_type != LIST_UNSET)
        t.list = f->list_type;
    if (f->list_keys)
        t.keys = f->list_keys;
    t.map_atomic = (t.map_atomic || f->map_atomic) && !f->map_granular;
    return t;
}

struct ftype ftype_member(struct ftype t, const char *name, bool *ret_declared)
{
    const struct schema_field *f = t.schema ? schema_field(t.schema, name) : NULL;

    *ret_declared = f != NULL;
    if (f)
        return of_field(f);
    return ftype_root(t.schema ? t.schema->additional : NULL);
}

struct ftype ftype_item(struct ftype t)
{
    return ftype_root(t.schema ? t.schema->items : NULL);
}

/* Values with a JSON form of their own are one leaf, whatever they look like. */
static bool opaque(const struct schema *s)
{
    return s && s->form != FORM_PLAIN;
}

enum fkind ftype_kind(struct ftype t, const json_t *value)
{
    bool map = value && !json_is_null(value) ? json_is_object(value)
                                             : t.schema && t.schema->type == SCHEMA_OBJECT;
    bool list = value && !json_is_null(value) ? json_is_array(value)
                                              : t.schema && t.schema->type == SCHEMA_ARRAY;

    if (opaque(t.schema))
        return F_LEAF;
    if (map)
        return t.map_atomic ? F_LEAF : F_MAP;
    if (list)
        return t.list == LIST_SET || t.list == LIST_MAP ? F_LIST : F_LEAF;
    return F_LEAF;
}

bool fieldpath_valid(const char *element)
{
    json_t *v;

    if (!element[0] || element[1] != ':')
        return false;
    switch (element[0]) {
    case 'f':
        return true;
    case 'i':
        for (const char *c = element + 2; *c; c++)
            if (*c < '0' || *c > '9')
                return false;
        return element[2] != '\0';
    case 'k':
    case 'v':
        v = json_parse_str(element + 2);
        bool ok = v && (element[0] == 'v' || json_is_object(v));
        json_decref(v);
        return ok;
    default:
        return false;
    }
}

static void print_value(struct buf *b, const json_t *v)
{
    json_write(b, v, JSON_WRITE_SORTED | JSON_WRITE_PLAIN);
}

void fieldpath_print(struct buf *b, const char *element)
{
    json_auto_t *v = element[0] == 'k' || element[0] == 'v' ? json_parse_str(element + 2) : NULL;
    const char *key, *comma = "";
    json_t *x;

    switch (element[0]) {
    case 'f':
        buf_printf(b, ".%s", element + 2);
        return;
    case 'k':
        buf_add_char(b, '[');
        json_object_foreach(v, key, x) {
            buf_printf(b, "%s%s=", comma, key);
            print_value(b, x);
            comma = ",";
        }
        buf_add_char(b, ']');
        return;
    case 'v':
        buf_add_str(b, "[=");
        print_value(b, v);
        buf_add_char(b, ']');
        return;
    default:
        buf_printf(b, "[%s]", element + 2);
    }
}

const char *fieldpath_field(struct arena *a, const char *name)
{
    size_t len = strlen(name);
    char *out = arena_alloc(a, len + 3);

    out[0] = 'f';
    out[1] = ':';
    memcpy(out + 2, name, len);
    return out;
}

/* The default of a key field: merging by keys must see what the server would fill in. */
static json_t *key_default(struct ftype item, const char *key)
{
    const struct schema_field *f = item.schema ? schema_field(item.schema, key) : NULL;

    if (!f)
        return NULL;
    if (f->default_json)
        return json_parse_str(f->default_json);
    if (f->number && !f->omitempty && !f->pointer && f->schema->form == FORM_PLAIN)      /* Go's zero value */
        return f->schema->type == SCHEMA_STRING ? json_string("")
               : f->schema->type == SCHEMA_INTEGER ? json_integer(0) : NULL;
    return f->schema && f->schema->default_value ? json_incref((json_t *)f->schema->default_value) : NULL;
}

const char *fieldpath_item(struct arena *a, struct ftype t, const json_t *item)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (t.list == LIST_SET) {
        buf_add_str(&b, "v:");
        print_value(&b, item);
        return arena_strndup(a, b.data, b.len);
    }
    json_auto_t *keys = json_object();
    for (const char *const *key = t.keys; key && *key; key++) {
        json_t *v = json_is_object(item) ? json_object_get(item, *key) : NULL;
        v = v ? json_incref(v) : key_default(ftype_item(t), *key);
        if (v)
            json_object_set_new(keys, *key, v);
    }
    if (!json_object_size(keys))
        return NULL;
    buf_add_str(&b, "k:");
    print_value(&b, keys);
    return arena_strndup(a, b.data, b.len);
}
