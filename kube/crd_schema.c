#include "kube/crd_schema.h"

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
};

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
        s->preserve_unknown = true;
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

const struct schema *crd_schema_parse(struct arena *arena, const json_t *openapi)
{
    struct reader r = { .arena = arena };
    struct schema *root = arena_alloc(arena, sizeof(*root));

    *dyn_push(&r.todo) = (struct todo){ openapi, root, true };
    while (r.todo.n) {
        struct todo t = r.todo.v[--r.todo.n];
        read_node(&r, &t);
    }
    dyn_release(&r.todo);
    return root;
}

/* ---- walking an object along its schema --------------------------------------------------------- */

/* One step of the way to a value, for the names of what was dropped; in the walk's arena. */
struct step {
    const struct step *up;
    const char *key;                   /* NULL: an element */
    size_t index;
};

struct place {
    json_t *value;                     /* a container, ours to edit */
    const struct schema *schema;
    const struct step *at;             /* NULL: the object itself */
};

struct walk {
    struct arena *arena;
    DYN(struct place) todo;
    DYN(const char *) unknown;
};

static void write_path(struct buf *b, const struct step *at, const char *last)
{
    DYN(const struct step *) steps = { 0 };

    for (; at; at = at->up)
        *dyn_push(&steps) = at;
    while (steps.n) {
        const struct step *s = steps.v[--steps.n];
        if (s->key)
            buf_printf(b, "%s%s", b->len ? "." : "", s->key);
        else
            buf_printf(b, "[%zu]", s->index);
    }
    buf_printf(b, "%s%s", b->len ? "." : "", last);
    dyn_release(&steps);
}

static const struct step *step_to(struct walk *w, const struct step *up, const char *key, size_t index)
{
    struct step *s = arena_alloc(w->arena, sizeof(*s));

    *s = (struct step){ up, key ? arena_strdup(w->arena, key) : NULL, index };
    return s;
}

/* The children of a place that are containers and have a schema come next. */
static void descend(struct walk *w, const struct place *p, bool paths)
{
    const char *key;
    size_t i;
    json_t *child;

    if (json_is_object(p->value)) {
        void *next;
        json_object_foreach_safe (p->value, next, key, child) {
            const struct schema *s = schema_member(p->schema, key);
            if (s && (json_is_object(child) || json_is_array(child)))
                *dyn_push(&w->todo) = (struct place){ json_own_member(p->value, key), s,
                                                      paths ? step_to(w, p->at, key, 0) : NULL };
        }
        return;
    }
    if (!p->schema->items)
        return;
    json_array_foreach (p->value, i, child)
        if (json_is_object(child) || json_is_array(child))
            *dyn_push(&w->todo) = (struct place){ json_own_element(p->value, i), p->schema->items,
                                                  paths ? step_to(w, p->at, NULL, i) : NULL };
}

/* The root's own three members are nobody's business here. */
static bool is_metadata(const struct schema *s)
{
    return s == types_object_meta() || s == &string_schema;
}

static bool null_is_nothing(const struct schema *s)
{
    return !s->nullable && !s->default_value && s->type != SCHEMA_ANY && !is_metadata(s);
}

static void prune_object(struct walk *w, const struct place *p)
{
    void *next;
    const char *key;
    json_t *child;

    json_object_foreach_safe (p->value, next, key, child) {
        const struct schema *s = schema_member(p->schema, key);
        if (s && !(json_is_null(child) && null_is_nothing(s)))
            continue;
        if (!s && p->schema->preserve_unknown)
            continue;
        if (!s) {
            cleanup_buf struct buf b = BUF_INIT;
            write_path(&b, p->at, key);
            *dyn_push(&w->unknown) = arena_strdup(w->arena, b.data);
        }
        json_object_del(p->value, key);
    }
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

    if (!json_is_object(*obj))
        return;
    *dyn_push(&w.todo) = (struct place){ json_own(obj), s, NULL };
    while (w.todo.n) {
        struct place p = w.todo.v[--w.todo.n];
        if (is_metadata(p.schema))
            continue;
        if (json_is_object(p.value))
            prune_object(&w, &p);
        descend(&w, &p, true);
    }
    report_unknown(&w, notes);
    dyn_release(&w.todo);
    dyn_release(&w.unknown);
}

static void fill(json_t *obj, const struct schema *s)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        const json_t *have = json_object_get(obj, f->name), *def = f->schema->default_value;
        if (def && !is_metadata(f->schema) && (!have || (json_is_null(have) && !f->schema->nullable)))
            json_object_set_new(obj, f->name, json_clone(def));
    }
}

void crd_default(const struct schema *s, json_t **obj)
{
    struct walk w = { 0 };

    if (!json_is_object(*obj))
        return;
    *dyn_push(&w.todo) = (struct place){ json_own(obj), s, NULL };
    while (w.todo.n) {
        struct place p = w.todo.v[--w.todo.n];
        if (is_metadata(p.schema))
            continue;
        if (json_is_object(p.value))
            fill(p.value, p.schema);
        descend(&w, &p, false);
    }
    dyn_release(&w.todo);
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
