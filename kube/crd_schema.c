#include "kube/crd_schema.h"

#include "kube/fielderr.h"
#include "kube/object.h"
#include "kube/types.h"

/* ---- reading ------------------------------------------------------------------------------------ */

struct todo {
    const json_t *node;
    struct schema *to;
    bool root;
};
struct reader {
    struct arena *arena;
    DYN(struct todo) todo;
    DYN(struct schema *) made;         /* parents before their children */
};

/* The values of additionalProperties: true. What is inside them nobody knows: it is pruned, as upstream has it. */
static const struct schema anything = { .type = SCHEMA_ANY, .go_type = "interface {}", .nullable = true };
static const struct schema string_schema = { .type = SCHEMA_STRING, .go_type = "string" };

static const struct type_name {
    const char *name, *go;
    enum schema_type type;
} type_names[] = {
    { "object", "map[string]interface {}", SCHEMA_OBJECT }, { "array", "[]interface {}", SCHEMA_ARRAY },
    { "string", "string", SCHEMA_STRING }, { "integer", "int64", SCHEMA_INTEGER },
    { "number", "float64", SCHEMA_NUMBER }, { "boolean", "bool", SCHEMA_BOOLEAN },
};

static void read_type(const json_t *node, struct schema *s)
{
    const char *type = obj_str(node, "type");

    s->go_type = "interface {}";
    for (size_t i = 0; i < ARRAY_SIZE(type_names); i++) {
        if (streq(type_names[i].name, type)) {
            s->type = type_names[i].type;
            s->go_type = type_names[i].go;
        }
    }
    if (json_is_true(json_object_get(node, "x-kubernetes-int-or-string"))) {
        s->type = SCHEMA_INT_OR_STRING;
        s->form = FORM_INT_OR_STRING;
        s->int_or_string = true;
    }
}

static const char *keep(struct arena *a, const json_t *node, const char *key)
{
    const char *v = json_string_value(json_object_get(node, key));

    return v ? arena_strdup(a, v) : NULL;
}

static enum list_type list_type(const json_t *node)
{
    static const char *const names[] = { "", "atomic", "set", "map" };
    const char *v = json_string_value(json_object_get(node, "x-kubernetes-list-type"));

    for (int i = LIST_ATOMIC; v && i <= LIST_MAP; i++)
        if (streq(names[i], v))
            return i;
    return LIST_UNSET;
}

static const char *const *list_keys(struct arena *a, const json_t *node)
{
    const json_t *keys = json_object_get(node, "x-kubernetes-list-map-keys");
    size_t n = json_array_size(keys), i;
    json_t *k;

    if (!n)
        return NULL;
    const char **out = arena_alloc(a, (n + 1) * sizeof(*out));
    json_array_foreach (keys, i, k)
        out[i] = arena_strdup(a, json_string_value(k) ? json_string_value(k) : "");
    return out;
}

static bool required(const json_t *node, const char *name)
{
    size_t i;
    json_t *v;

    json_array_foreach (json_object_get(node, "required"), i, v)
        if (json_is_string(v) && streq(json_string_value(v), name))
            return true;
    return false;
}

static struct schema *later(struct reader *r, const json_t *node)
{
    struct schema *s = arena_alloc(r->arena, sizeof(*s));

    *dyn_push(&r->todo) = (struct todo){ node, s, false };
    *dyn_push(&r->made) = s;
    return s;
}

static void add_field(struct reader *r, const json_t *node, const char *name, const json_t *child,
                      const struct schema *s, struct schema_field *f)
{
    const json_t *def = json_object_get(child, "default");

    *f = (struct schema_field){
        .name = arena_strdup(r->arena, name), .schema = s, .required = required(node, name), .omitempty = true,
        .pointer = true, .list_type = list_type(child), .list_keys = list_keys(r->arena, child),
        .map_atomic = streq(obj_str(child, "x-kubernetes-map-type"), "atomic"),
    };
    if (def)
        f->default_json = json_arena_text(r->arena, def, 0);
}

struct by_name_row {
    const char *name;
    uint16_t at;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct by_name_row *)a)->name, ((const struct by_name_row *)b)->name);
}

static void index_fields(struct arena *a, struct schema *s)
{
    struct by_name_row *rows = arena_alloc(a, (s->n_fields + 1) * sizeof(*rows));
    uint16_t *order = arena_alloc(a, (s->n_fields + 1) * sizeof(*order));

    for (size_t i = 0; i < s->n_fields; i++)
        rows[i] = (struct by_name_row){ s->fields[i].name, (uint16_t)i };
    qsort(rows, s->n_fields, sizeof(*rows), by_name);
    for (size_t i = 0; i < s->n_fields; i++)
        order[i] = rows[i].at;
    s->by_name = order;
}

/* The three members that every object has. */
static void add_implicit(struct reader *r, struct schema *s, struct schema_field *fields)
{
    static const char *const names[] = { "apiVersion", "kind", "metadata" };

    for (int i = 0; i < 3; i++) {
        const struct schema *type = i == 2 ? types_object_meta() : &string_schema;
        bool there = false;
        for (size_t j = 0; j < s->n_fields; j++) {
            if (!streq(fields[j].name, names[i]))
                continue;
            fields[j].schema = type;
            there = true;
        }
        if (!there)
            fields[s->n_fields++] = (struct schema_field){ .name = names[i], .schema = type, .omitempty = true };
    }
    (void)r;
}

static void read_object(struct reader *r, const json_t *node, struct schema *s, bool root)
{
    const json_t *properties = json_object_get(node, "properties"),
                 *additional = json_object_get(node, "additionalProperties");
    size_t n = json_object_size(properties);
    const char *key;
    json_t *child;

    if (n > UINT16_MAX - 3)
        n = 0;
    struct schema_field *fields = arena_alloc(r->arena, (n + 3) * sizeof(*fields));
    if (n)
        json_object_foreach ((json_t *)properties, key, child)
            add_field(r, node, key, child, later(r, child), &fields[s->n_fields++]);
    if (root || s->embedded_resource)
        add_implicit(r, s, fields);
    s->fields = fields;
    index_fields(r->arena, s);
    if (json_is_object(additional))
        s->additional = later(r, additional);
    else if (json_is_true(additional))
        s->additional = &anything;
}

static void read_node(struct reader *r, const struct todo *t)
{
    const json_t *node = t->node, *items = json_object_get(node, "items");
    struct schema *s = t->to;
    struct schema_rules *rules = arena_alloc(r->arena, sizeof(*rules));

    rules->node = node;
    s->rules = rules;
    read_type(node, s);
    s->format = keep(r->arena, node, "format");
    s->nullable = json_is_true(json_object_get(node, "nullable"));
    s->preserve_unknown = json_is_true(json_object_get(node, "x-kubernetes-preserve-unknown-fields"));
    s->embedded_resource = json_is_true(json_object_get(node, "x-kubernetes-embedded-resource"));
    s->list_type = list_type(node);
    s->list_keys = list_keys(r->arena, node);
    s->map_atomic = streq(obj_str(node, "x-kubernetes-map-type"), "atomic");
    s->default_value = json_object_get(node, "default");
    if (json_is_object(items))
        s->items = later(r, items);
    if (t->root)
        s->type = SCHEMA_OBJECT;
    if (s->type == SCHEMA_OBJECT || s->type == SCHEMA_ANY)
        read_object(r, node, s, t->root);
}

/* Is there a default here or below? Its children know already. */
static void mark_fills(struct schema *s)
{
    s->fills = s->default_value || (s->items && s->items->fills) || (s->additional && s->additional->fills);
    for (size_t i = 0; i < s->n_fields; i++)
        s->fills |= s->fields[i].schema != types_object_meta() && s->fields[i].schema->fills;
}

const struct schema *crd_schema_parse(struct arena *arena, const json_t *openapi)
{
    struct reader r = { .arena = arena };
    struct schema *root = arena_alloc(arena, sizeof(*root));

    *dyn_push(&r.todo) = (struct todo){ openapi, root, true };
    *dyn_push(&r.made) = root;
    while (r.todo.n) {
        struct todo t = r.todo.v[--r.todo.n];
        read_node(&r, &t);
    }
    while (r.made.n)
        mark_fills(r.made.v[--r.made.n]);
    dyn_release(&r.todo);
    dyn_release(&r.made);
    return root;
}

/* ---- walking an object along its schema --------------------------------------------------------- */

/* Definitions do not nest deeper (the decoder sees to it), and beyond their schema objects are not walked. */
enum { DEPTH_MAX = 200 };

struct walk {
    struct arena *arena;
    DYN(const char *) unknown;
};

/* `out`, a new reference to `in` at first, gets a member: a copy is made when one differs. Takes `value`. */
static void put(json_t **out, json_t *in, const char *key, json_t *value)
{
    if (value != json_object_get(in, key)) {
        if (*out == in) {
            json_decref(*out);
            *out = json_copy(in);
        }
        json_object_set(*out, key, value);
    }
    json_decref(value);
}

static void drop(json_t **out, json_t *in, const char *key)
{
    if (*out == in) {
        json_decref(*out);
        *out = json_copy(in);
    }
    json_object_del(*out, key);
}

static void put_element(json_t **out, json_t *in, size_t i, json_t *value)
{
    if (value != json_array_get(in, i)) {
        if (*out == in) {
            json_decref(*out);
            *out = json_copy(in);
        }
        json_array_set(*out, i, value);
    }
    json_decref(value);
}

/* The three members that a resource has anyway. */
static bool is_implicit(const struct schema *s, const char *key, bool root)
{
    return (root || s->embedded_resource) && (streq(key, "metadata") || streq(key, "apiVersion") || streq(key, "kind"));
}

static bool null_is_nothing(const struct schema *s)
{
    return !s->nullable && !s->default_value;
}

static json_t *prune(struct walk *w, const struct schema *s, const struct fpath *at, json_t *in, bool root, unsigned depth);

static json_t *prune_object(struct walk *w, const struct schema *s, const struct fpath *at, json_t *in, bool root,
                            unsigned depth)
{
    json_t *out = json_incref(in), *child;
    const char *key;

    json_object_foreach (in, key, child) {
        const struct schema *below = schema_member(s, key);
        if (is_implicit(s, key, root) || (!below && s->preserve_unknown))
            continue;
        if (!below)
            *dyn_push(&w->unknown) = fpath_text(w->arena, FP_CHILD(at, key));
        if (!below || (json_is_null(child) && null_is_nothing(below)))
            drop(&out, in, key);
        else
            put(&out, in, key, prune(w, below, FP_CHILD(at, key), child, false, depth + 1));
    }
    return out;
}

/* A new reference: `in` itself where nothing had to go. */
static json_t *prune(struct walk *w, const struct schema *s, const struct fpath *at, json_t *in, bool root, unsigned depth)
{
    json_t *out;

    if (depth <= DEPTH_MAX && json_is_object(in))
        return prune_object(w, s, at, in, root, depth);
    if (depth > DEPTH_MAX || !json_is_array(in) || (!s->items && s->preserve_unknown))
        return json_incref(in);
    out = json_incref(in);
    for (size_t i = 0; i < json_array_size(in); i++)
        put_element(&out, in, i, prune(w, s->items ? s->items : &anything, FP_INDEX(at, i), json_array_get(in, i), false,
                                       depth + 1));
    return out;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void report_unknown(struct walk *w, struct decode_notes *notes)
{
    if (w->unknown.n)
        qsort(w->unknown.v, w->unknown.n, sizeof(*w->unknown.v), by_text);
    for (size_t i = 0; notes && i < w->unknown.n; i++)
        decode_note_strict(notes, arena_printf(notes->arena, "unknown field \"%s\"", w->unknown.v[i]));
}

void crd_prune(const struct schema *s, json_t **obj, struct decode_notes *notes)
{
    cleanup_arena struct arena *a = arena_new();
    struct walk w = { .arena = a };
    json_t *out = prune(&w, s, NULL, *obj, true, 0);

    json_decref(*obj);
    *obj = out;
    report_unknown(&w, notes);
    dyn_release(&w.unknown);
}

static json_t *fill(const struct schema *s, json_t *in, unsigned depth);

/* What a member becomes: its default where it is missing or a null that may not be. NULL: nothing. */
static json_t *filled(const struct schema *s, json_t *have, unsigned depth)
{
    bool missing = !have || (json_is_null(have) && !s->nullable);
    json_t *start = missing ? json_clone(s->default_value) : json_incref(have), *out;

    if (!start)
        return json_incref(have);
    out = fill(s, start, depth);
    json_decref(start);
    return out;
}

static json_t *fill_object(const struct schema *s, json_t *in, unsigned depth)
{
    json_t *out = json_incref(in), *child;
    const char *key;

    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema *below = s->fields[i].schema;
        json_t *have = json_object_get(in, s->fields[i].name);
        if (!below->fills || (!have && !below->default_value))
            continue;
        json_t *value = filled(below, have, depth + 1);
        if (value)
            put(&out, in, s->fields[i].name, value);
    }
    if (s->additional && s->additional->fills)
        json_object_foreach (in, key, child)
            if (!schema_field(s, key))
                put(&out, in, key, filled(s->additional, child, depth + 1));
    return out;
}

/* A new reference: `in` itself where nothing was missing. */
static json_t *fill(const struct schema *s, json_t *in, unsigned depth)
{
    json_t *out;

    if (!s->fills || depth > DEPTH_MAX)
        return json_incref(in);
    if (json_is_object(in))
        return fill_object(s, in, depth);
    if (!json_is_array(in) || !s->items)
        return json_incref(in);
    out = json_incref(in);
    for (size_t i = 0; i < json_array_size(in); i++)
        put_element(&out, in, i, filled(s->items, json_array_get(in, i), depth + 1));
    return out;
}

void crd_default(const struct schema *s, json_t **obj)
{
    json_t *out = fill(s, *obj, 0);

    json_decref(*obj);
    *obj = out;
}

/* ---- metadata ----------------------------------------------------------------------------------- */

int crd_coerce_metadata(json_t **obj, struct decode_notes *notes, struct apierr *err)
{
    json_t *meta = json_object_get(*obj, "metadata"), *typed = NULL;
    struct decode_notes inner = DECODE_NOTES_IN(notes->arena, NULL);

    if (!meta || json_is_null(meta))
        return 0;
    int r = decode(types_object_meta(), meta, &inner, &typed, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < inner.n_strict; i++) {
        const char *text = inner.strict[i], *quote = strchr(text, '"');
        decode_note_strict(notes, !quote ? text : arena_printf(notes->arena, "%.*s\"metadata.%s",
                                                               (int)(quote - text), text, quote + 1));
    }
    json_own(obj);
    json_object_set_new(*obj, "metadata", typed);
    return 0;
}
