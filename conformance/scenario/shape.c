#include "conformance/scenario/shape.h"

static const struct field *find_field(const struct shape *s, const char *name)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (streq(s->fields[i].name, name))
            return &s->fields[i];
    return NULL;
}

bool duration_parse(const char *text, duration *ret)
{
    static const struct { const char *unit; duration each; } units[] = {
        { "ms", DURATION_MS(1) }, { "s", DURATION_S(1) }, { "m", DURATION_MIN(1) },
        { "h", DURATION_MIN(60) },
    };
    size_t digits = strspn(text, "0123456789");
    cleanup_free char *number = xstrndup(text, digits);
    uint64_t n;

    if (digits == 0 || digits > 7 || !parse_u64(number, &n))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (streq(text + digits, units[i].unit)) {
            *ret = (duration)n * units[i].each;
            return true;
        }
    return false;
}

/* ---- complaints ------------------------------------------------------------------------------ */

/* The number of single-letter edits between two short words: what a typo costs. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);

    if (n >= ARRAY_SIZE(row) || strlen(a) >= ARRAY_SIZE(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

static void unknown_field(struct shape_parse *p, const struct shape *s, const struct ymember *m)
{
    const char *near = NULL;
    size_t best = 3, d;

    for (size_t i = 0; i < s->n_fields; i++) {
        d = edit_distance(m->key, s->fields[i].name);
        if (d < best) {
            best = d;
            near = s->fields[i].name;
        }
    }
    if (near)
        diag_add(p->diags, p->file, m->line, m->col, "unknown field %s in %s; did you mean %s?", m->key,
                 s->name, near);
    else
        diag_add(p->diags, p->file, m->line, m->col, "unknown field %s in %s", m->key, s->name);
}

static const char *join_words(struct arena *a, const char *const *words)
{
    const char *joined = "";

    for (; *words; words++)
        joined = arena_printf(a, "%s%s%s", joined, *joined ? ", " : "", *words);
    return joined;
}

static bool is_kind(struct shape_parse *p, const struct ynode *n, enum ynode_kind kind, const char *what)
{
    if (n->kind == kind)
        return true;
    diag_add(p->diags, p->file, n->line, n->col, "%s must be %s, not %s", what, ynode_kind_text(kind),
             ynode_kind_text(n->kind));
    return false;
}

/* ---- values ---------------------------------------------------------------------------------- */

static json_t *own_json(struct shape_parse *p, const struct ynode *n)
{
    json_t *j = ynode_json(n);

    *dyn_push(&p->jsons) = j;
    return j;
}

static bool parse_word(struct shape_parse *p, const struct field *f, const struct ynode *n, int *ret)
{
    if (!is_kind(p, n, YNODE_STRING, f->name))
        return false;
    for (int i = 0; f->words[i]; i++)
        if (streq(f->words[i], n->string)) {
            *ret = i;
            return true;
        }
    diag_add(p->diags, p->file, n->line, n->col, "%s is none of: %s", n->string,
             join_words(p->arena, f->words));
    return false;
}

static void parse_words(struct shape_parse *p, const struct field *f, const struct ynode *n, unsigned *ret)
{
    int word;

    if (n->kind != YNODE_LIST) {
        if (parse_word(p, f, n, &word))
            *ret = 1u << word;
        return;
    }
    for (size_t i = 0; i < n->n; i++)
        if (parse_word(p, f, n->items[i], &word))
            *ret |= 1u << word;
}

static void parse_strings(struct shape_parse *p, const struct field *f, const struct ynode *n,
                          struct strings *ret)
{
    if (!is_kind(p, n, YNODE_LIST, f->name))
        return;
    ret->v = arena_alloc(p->arena, (n->n + 1) * sizeof(*ret->v));
    ret->at = arena_alloc(p->arena, (n->n + 1) * sizeof(*ret->at));
    for (size_t i = 0; i < n->n; i++) {
        if (!is_kind(p, n->items[i], YNODE_STRING, f->name))
            continue;
        ret->at[ret->n] = (struct at){ n->items[i]->line, n->items[i]->col };
        ret->v[ret->n++] = n->items[i]->string;
    }
}

static void parse_string_map(struct shape_parse *p, const struct field *f, const struct ynode *n,
                             struct string_map *ret)
{
    if (!is_kind(p, n, YNODE_MAP, f->name))
        return;
    ret->v = arena_alloc(p->arena, (n->n + 1) * sizeof(*ret->v));
    for (size_t i = 0; i < n->n; i++) {
        const struct ymember *m = &n->members[i];
        if (is_kind(p, m->value, YNODE_STRING, m->key))
            ret->v[ret->n++] = (struct string_pair){ m->key, m->value->string, { m->line, m->col } };
    }
}

static void parse_objects(struct shape_parse *p, const struct field *f, const struct ynode *n,
                          struct objects *ret)
{
    if (!is_kind(p, n, YNODE_LIST, f->name))
        return;
    ret->v = arena_alloc(p->arena, (n->n + 1) * sizeof(*ret->v));
    for (size_t i = 0; i < n->n; i++)
        if (is_kind(p, n->items[i], YNODE_MAP, f->name))
            ret->v[ret->n++] = (struct object_at){ own_json(p, n->items[i]),
                                                   { n->items[i]->line, n->items[i]->col } };
}

static void parse_shapes(struct shape_parse *p, const struct field *f, const struct ynode *n,
                         struct shapes *ret)
{
    if (!is_kind(p, n, YNODE_LIST, f->name))
        return;
    ret->v = arena_alloc(p->arena, (n->n + 1) * sizeof(*ret->v));
    for (size_t i = 0; i < n->n; i++) {
        void *item = shape_parse(p, f->shape, n->items[i]);
        if (item)
            ret->v[ret->n++] = item;
    }
}

static void parse_field(struct shape_parse *p, const struct field *f, const struct ynode *n, void *base)
{
    void *to = (char *)base + f->offset;

    switch (f->type) {
    case FIELD_STRING:
        if (is_kind(p, n, YNODE_STRING, f->name))
            *(const char **)to = n->string;
        break;
    case FIELD_BOOL:
        if (is_kind(p, n, YNODE_BOOL, f->name))
            *(bool *)to = n->boolean;
        break;
    case FIELD_COUNT:
        if (!is_kind(p, n, YNODE_INT, f->name))
            break;
        if (n->integer < 0 || n->integer > 1000000)
            diag_add(p->diags, p->file, n->line, n->col, "%s must lie between 0 and 1000000", f->name);
        else
            *(int64_t *)to = n->integer;
        break;
    case FIELD_DURATION:
        if (is_kind(p, n, YNODE_STRING, f->name) && !duration_parse(n->string, to))
            diag_add(p->diags, p->file, n->line, n->col,
                     "%s is no duration: write 500ms, 30s, 5m or 1h", n->string);
        break;
    case FIELD_WORD:
        parse_word(p, f, n, to);
        break;
    case FIELD_WORDS:
        parse_words(p, f, n, to);
        break;
    case FIELD_STRINGS:
        parse_strings(p, f, n, to);
        break;
    case FIELD_STRING_MAP:
        parse_string_map(p, f, n, to);
        break;
    case FIELD_OBJECT:
        if (is_kind(p, n, YNODE_MAP, f->name))
            *(json_t **)to = own_json(p, n);
        break;
    case FIELD_OBJECTS:
        parse_objects(p, f, n, to);
        break;
    case FIELD_JSON:
        *(json_t **)to = own_json(p, n);
        break;
    case FIELD_SHAPE:
        *(void **)to = shape_parse(p, f->shape, n);
        break;
    case FIELD_SHAPES:
        parse_shapes(p, f, n, to);
        break;
    }
}

/* ---- maps ------------------------------------------------------------------------------------ */

static void check_presence(struct shape_parse *p, const struct shape *s, const struct ynode *n)
{
    const char *choices = "", *first = NULL;
    size_t chosen = 0;

    for (size_t i = 0; i < s->n_fields; i++) {
        const struct field *f = &s->fields[i];
        bool there = ynode_get(n, f->name) != NULL;
        if ((f->flags & FIELD_REQUIRED) && !there)
            diag_add(p->diags, p->file, n->line, n->col, "%s lacks the field %s", s->name, f->name);
        if (!(f->flags & FIELD_ONE_OF))
            continue;
        choices = arena_printf(p->arena, "%s%s%s", choices, *choices ? ", " : "", f->name);
        if (there && chosen++ == 0)
            first = f->name;
        else if (there)
            diag_add(p->diags, p->file, n->line, n->col, "%s may not have %s beside %s", s->name, f->name,
                     first);
    }
    if (*choices && chosen == 0)
        diag_add(p->diags, p->file, n->line, n->col, "%s needs one of: %s", s->name, choices);
}

void *shape_parse(struct shape_parse *p, const struct shape *s, const struct ynode *n)
{
    struct at *ret;

    if (!is_kind(p, n, YNODE_MAP, s->name))
        return NULL;
    ret = arena_alloc(p->arena, s->size);
    *ret = (struct at){ n->line, n->col };
    for (size_t i = 0; i < n->n; i++) {
        const struct field *f = find_field(s, n->members[i].key);
        if (f)
            parse_field(p, f, n->members[i].value, ret);
        else
            unknown_field(p, s, &n->members[i]);
    }
    check_presence(p, s, n);
    return ret;
}

void shape_release(struct shape_parse *p)
{
    for (size_t i = 0; i < p->jsons.n; i++)
        json_decref(p->jsons.v[i]);
    dyn_release(&p->jsons);
}

/* ---- schema ---------------------------------------------------------------------------------- */

static json_t *words_schema(const char *const *words)
{
    json_t *list = json_array();

    for (; *words; words++)
        json_array_append_new(list, json_string(*words));
    return json_pack("{s:s, s:o}", "type", "string", "enum", list);
}

static void add_definition(json_t *defs, const struct shape *s);

static json_t *shape_ref(json_t *defs, const struct shape *s)
{
    cleanup_free char *ref = xasprintf("#/$defs/%s", s->name);

    add_definition(defs, s);
    return json_pack("{s:s}", "$ref", ref);
}

static json_t *field_schema(json_t *defs, const struct field *f)
{
    json_t *one;

    switch (f->type) {
    case FIELD_STRING:
        return json_pack("{s:s}", "type", "string");
    case FIELD_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case FIELD_COUNT:
        return json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum", 0, "maximum", 1000000);
    case FIELD_DURATION:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9]{1,7}(ms|s|m|h)$");
    case FIELD_WORD:
        return words_schema(f->words);
    case FIELD_WORDS:
        one = words_schema(f->words);
        return json_pack("{s:[O, {s:s, s:o}]}", "anyOf", one, "type", "array", "items", one);
    case FIELD_STRINGS:
        return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
    case FIELD_STRING_MAP:
        return json_pack("{s:s, s:{s:s}}", "type", "object", "additionalProperties", "type", "string");
    case FIELD_OBJECT:
        return json_pack("{s:s}", "type", "object");
    case FIELD_OBJECTS:
        return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "object");
    case FIELD_JSON:
        return json_object();
    case FIELD_SHAPE:
        return shape_ref(defs, f->shape);
    case FIELD_SHAPES:
        return json_pack("{s:s, s:o}", "type", "array", "items", shape_ref(defs, f->shape));
    }
    return json_object();
}

static json_t *shape_body(json_t *defs, const struct shape *s)
{
    json_t *properties = json_object(), *required = json_array(), *one_of = json_array();
    json_t *body = json_pack("{s:s, s:s, s:o, s:b}", "type", "object", "description", s->doc, "properties",
                             properties, "additionalProperties", 0);

    for (size_t i = 0; i < s->n_fields; i++) {
        const struct field *f = &s->fields[i];
        json_t *schema = field_schema(defs, f);
        json_object_set_new(schema, "description", json_string(f->doc));
        json_object_set_new(properties, f->name, schema);
        if (f->flags & FIELD_REQUIRED)
            json_array_append_new(required, json_string(f->name));
        if (f->flags & FIELD_ONE_OF)
            json_array_append_new(one_of, json_pack("{s:[s]}", "required", f->name));
    }
    if (json_array_size(required) > 0)
        json_object_set(body, "required", required);
    if (json_array_size(one_of) > 0)
        json_object_set(body, "oneOf", one_of);
    json_decref(required);
    json_decref(one_of);
    return body;
}

/* Shapes do not contain themselves, so this ends. */
static void add_definition(json_t *defs, const struct shape *s)
{
    if (!json_object_get(defs, s->name))
        json_object_set_new(defs, s->name, shape_body(defs, s));
}

json_t *shape_schema(const struct shape *s, const char *id, const char *title)
{
    json_t *defs = json_object(), *root = shape_body(defs, s);
    json_t *schema = json_pack("{s:s, s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema",
                               "$id", id, "title", title);

    json_object_update(schema, root);
    json_object_set_new(schema, "$defs", defs);
    json_decref(root);
    return schema;
}
