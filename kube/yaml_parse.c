#include "kube/yaml.h"

#include <stdio.h>
#include <yaml.h>

#include "kube/base64.h"
#include "kube/fielderr.h"
#include "kube/json_priv.h"
#include "kube/nul.h"
#include "kube/yaml_priv.h"

enum { DUPLICATES_MAX = 100 };

/* Upstream's measure: how much of what is decoded may come from aliases. */
enum { ALIASES_FREE = 100, DECODED_FREE = 1000, RATIO_LOW = 400000, RATIO_HIGH = 4000000 };

struct anchor {
    char *name;
    json_t *v;                                   /* a reference; NULL until complete */
    size_t count;                                /* nodes in it */
};

struct frame {
    json_t *v;
    size_t count;                                /* nodes in it so far */
    size_t anchor;                               /* index + 1; 0: none */
    json_t *key;                                 /* of the open member: a scalar, or NULL */
    bool merge;                                  /* the open member is "<<" */
    size_t line;                                 /* where it began, from 0 */
};

struct builder {
    yaml_parser_t parser;
    struct yaml_notes *notes;
    DYN(struct frame) stack;
    DYN(struct anchor) anchors;
    DYN(const char *) duplicates;
    size_t decoded, aliased;
    char *error;                                 /* the first thing that does not decode */
    json_t *root;
};

/* ---- errors ----------------------------------------------------------------------------------- */

static void fail(struct builder *b, const char *fmt, ...) PRINTF(2, 3);
static void fail(struct builder *b, const char *fmt, ...)
{
    va_list args;

    if (b->error)
        return;
    va_start(args, fmt);
    b->error = xvasprintf(fmt, args);
    va_end(args);
}

/* The line as upstream words it: scanner errors count from one, the others from zero. */
static void syntax_error(struct builder *b, struct err *e)
{
    const yaml_parser_t *p = &b->parser;
    size_t line = p->context_mark.line ? p->context_mark.line : p->problem_mark.line;
    const char *problem = p->problem ? p->problem : "unknown problem parsing YAML content";

    if (line && p->error == YAML_SCANNER_ERROR)
        line++;
    if (b->notes && p->error != YAML_READER_ERROR) {
        b->notes->error_line = p->problem_mark.line + 1;
        b->notes->error_column = p->problem_mark.column + 1;
    }
    if (line)
        err_set(e, ERR_INVALID, "yaml: line %zu: %s", line, problem);
    else
        err_set(e, ERR_INVALID, "yaml: %s", problem);
}

static void check_aliasing(struct builder *b)
{
    double ratio = 0.99;

    if (b->decoded >= RATIO_HIGH)
        ratio = 0.10;
    else if (b->decoded > RATIO_LOW)
        ratio = 0.99 - 0.89 * (double)(b->decoded - RATIO_LOW) / (double)(RATIO_HIGH - RATIO_LOW);
    if (b->aliased > ALIASES_FREE && b->decoded > DECODED_FREE &&
        (double)b->aliased / (double)b->decoded > ratio)
        fail(b, "document contains excessive aliasing");
}

/* ---- scalars ---------------------------------------------------------------------------------- */

static const char *short_tag(const yaml_char_t *tag, char ret[64])
{
    const char *text = tag ? (const char *)tag : "";

    if (str_starts(text, "tag:yaml.org,2002:"))
        snprintf(ret, 64, "!!%s", text + strlen("tag:yaml.org,2002:"));
    else
        snprintf(ret, 64, "%s", text);
    return ret;
}

static bool resolvable(const char *tag)
{
    static const char *const tags[] = { "", "!!str", "!!bool", "!!int", "!!float", "!!null",
                                        "!!timestamp", "!!binary" };

    for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
        if (streq(tags[i], tag))
            return true;
    return false;
}

static json_t *binary_value(struct builder *b, const char *text, size_t len)
{
    cleanup_buf struct buf data = BUF_INIT, quoted = BUF_INIT;

    if (base64_decode(&data, text, len) < 0) {
        fail(b, "!!binary value contains invalid base64 data");
        return json_null();
    }
    json_write_string(&quoted, data.data ? data.data : "", data.len, 0);   /* as JSON would carry it */
    return json_parse_str(quoted.data);
}

/* A scalar with a core tag must be one; only an integer may be taken for a float. */
static bool fits(const char *tag, const char *kind)
{
    return !*tag || streq(tag, kind) || streq(tag, "!!str") || streq(tag, "!!binary") ||
           (streq(tag, "!!float") && streq(kind, "!!int"));
}

static json_t *scalar_value(struct builder *b, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value, *kind;
    size_t len = event->data.scalar.length;
    char tag_text[64];
    const char *tag = short_tag(event->data.scalar.tag, tag_text);
    json_t *v;

    if ((!*tag && !event->data.scalar.plain_implicit) || !resolvable(tag))
        return json_stringn_nocheck(text, len);
    if (streq(tag, "!!binary"))
        return binary_value(b, text, len);
    v = yaml_resolve(tag, text, len, &kind);
    if (!fits(tag, kind)) {
        fail(b, "cannot decode %s `%s` as a %s", kind, text, tag);
    } else if (!v) {
        fail(b, "json: unsupported value: %s",
             strpbrk(text, "nN") == text + 1 && strpbrk(text, "aA") ? "NaN" : *text == '-' ? "-Inf" : "+Inf");
    }
    return v ? v : json_null();
}

/* ---- members ---------------------------------------------------------------------------------- */

/* The name that a scalar key becomes; false where it becomes none. */
static bool key_text(const json_t *key, struct buf *b)
{
    char text[JSON_NUMBER_MAX];

    switch (json_typeof(key)) {
    case JSON_STRING: nul_hide_into(b, json_string_value(key), json_string_length(key)); return true;
    case JSON_INTEGER: json_write(b, key, 0); return true;
    case JSON_TRUE: buf_add_str(b, "true"); return true;
    case JSON_FALSE: buf_add_str(b, "false"); return true;
    case JSON_REAL:
        go_write_float(text, json_real_value(key), 32);
        buf_add_str(b, text);
        return true;
    default: return false;
    }
}

static void note_duplicate(struct builder *b, const json_t *key, size_t line)
{
    cleanup_buf struct buf text = BUF_INIT;

    if (!b->notes || b->duplicates.n >= DUPLICATES_MAX)
        return;
    if (json_is_string(key))
        go_quote(&text, json_string_value(key), json_string_length(key));
    else
        go_write_value(&text, key);
    *dyn_push(&b->duplicates) = arena_printf(b->notes->arena, "line %zu: key %s already set in map",
                                             line + 1, text.data);
}

static void merge_map(struct builder *b, json_t *into, const json_t *from)
{
    if (!json_is_object(from)) {
        fail(b, "map merge requires map or sequence of maps as the value");
        return;
    }
    for (void *it = json_object_iter((json_t *)from); it; it = json_object_iter_next((json_t *)from, it))
        json_object_setn_new_nocheck(into, json_object_iter_key(it), json_object_iter_key_len(it),
                                     json_clone(json_object_iter_value(it)));
}

/* Earlier maps of a sequence win, so they come last. */
static void merge_value(struct builder *b, json_t *into, const json_t *from)
{
    if (!json_is_array(from)) {
        merge_map(b, into, from);
        return;
    }
    for (size_t i = json_array_size(from); i-- > 0;)
        merge_map(b, into, json_array_get(from, i));
}

static void set_member(struct builder *b, struct frame *f, json_t *value, size_t line)
{
    cleanup_buf struct buf key = BUF_INIT;

    buf_reserve(&key, 1);
    if (!key_text(f->key, &key)) {
        fail(b, "unsupported map key of type: %%!s(<nil>), key: <nil>");
        json_decref(value);
        return;
    }
    if (json_object_getn(f->v, key.data, key.len))
        note_duplicate(b, f->key, line);
    json_object_setn_new_nocheck(f->v, key.data, key.len, value);
}

/* A complete node of `count` nodes: an element, a key, a member's value, or the root. Steals `value`. */
static void put(struct builder *b, json_t *value, size_t count, size_t line, bool is_merge)
{
    struct frame *f = b->stack.n ? &b->stack.v[b->stack.n - 1] : NULL;

    if (!f) {
        json_decref(b->root);
        b->root = value;
        return;
    }
    f->count += count;
    if (json_is_array(f->v)) {
        json_array_append_new(f->v, value);
    } else if (f->merge) {
        merge_value(b, f->v, value);
        json_decref(value);
        f->merge = false;
    } else if (f->key) {
        set_member(b, f, value, line);
        json_decref(f->key);
        f->key = NULL;
    } else if (is_merge) {
        f->merge = true;
        json_decref(value);
    } else {
        if (json_is_object(value) || json_is_array(value))
            fail(b, "invalid map key: %s", json_is_object(value) ? "map[interface {}]interface {}{}"
                                                                 : "[]interface {}{}");
        f->key = value;
        if (json_is_object(value) || json_is_array(value)) {
            json_decref(value);
            f->key = json_string("");
        }
    }
}

/* ---- anchors ---------------------------------------------------------------------------------- */

/* index + 1; 0 for none. A name used again hides the former. */
static size_t add_anchor(struct builder *b, const yaml_char_t *name)
{
    if (!name)
        return 0;
    *dyn_push(&b->anchors) = (struct anchor){ .name = xstrdup((const char *)name) };
    return b->anchors.n;
}

static void complete_anchor(struct builder *b, size_t anchor, const json_t *v, size_t count)
{
    if (!anchor)
        return;
    b->anchors.v[anchor - 1].v = json_incref((json_t *)v);
    b->anchors.v[anchor - 1].count = count;
}

static bool on_alias(struct builder *b, const yaml_event_t *event, struct err *e)
{
    const char *name = (const char *)event->data.alias.anchor;

    for (size_t i = b->anchors.n; i-- > 0;) {
        const struct anchor *a = &b->anchors.v[i];

        if (!streq(a->name, name))
            continue;
        if (!a->v)
            fail(b, "anchor '%s' value contains itself", name);
        b->decoded += 1 + a->count;
        b->aliased += a->count;
        check_aliasing(b);
        put(b, b->error ? json_null() : json_clone(a->v), 1 + a->count, event->start_mark.line, false);
        return true;
    }
    err_set(e, ERR_INVALID, "yaml: unknown anchor '%s' referenced", name);
    return false;
}

/* ---- events ----------------------------------------------------------------------------------- */

static bool is_merge_key(const yaml_event_t *event)
{
    char tag[64];

    return event->data.scalar.length == 2 && memcmp(event->data.scalar.value, "<<", 2) == 0 &&
           (event->data.scalar.plain_implicit ||
            streq(short_tag(event->data.scalar.tag, tag), "!!merge"));
}

static void on_scalar(struct builder *b, const yaml_event_t *event)
{
    size_t anchor = add_anchor(b, event->data.scalar.anchor);
    json_t *v = scalar_value(b, event);

    b->decoded++;
    complete_anchor(b, anchor, v, 1);
    put(b, v, 1, event->start_mark.line, is_merge_key(event));
}

static bool on_open(struct builder *b, json_t *v, const yaml_char_t *anchor, const yaml_event_t *event,
                    struct err *e)
{
    if (b->stack.n >= YAML_DEPTH_MAX) {
        json_decref(v);
        err_set(e, ERR_INVALID, "yaml: exceeded max depth of %d", YAML_DEPTH_MAX);
        return false;
    }
    b->decoded++;
    *dyn_push(&b->stack) = (struct frame){ .v = v, .count = 1, .anchor = add_anchor(b, anchor),
                                           .line = event->start_mark.line };
    return true;
}

static void on_close(struct builder *b)
{
    struct frame f = b->stack.v[--b->stack.n];

    json_decref(f.key);
    complete_anchor(b, f.anchor, f.v, f.count);
    put(b, f.v, f.count, f.line, false);
}

static void drop_anchors(struct builder *b)
{
    for (size_t i = 0; i < b->anchors.n; i++) {
        json_decref(b->anchors.v[i].v);
        free(b->anchors.v[i].name);
    }
    b->anchors.n = 0;
}

static bool on_event(struct builder *b, const yaml_event_t *event, struct err *e)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: on_scalar(b, event); return true;
    case YAML_ALIAS_EVENT: return on_alias(b, event, e);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(b, json_array(), event->data.sequence_start.anchor, event, e);
    case YAML_MAPPING_START_EVENT:
        return on_open(b, json_object(), event->data.mapping_start.anchor, event, e);
    case YAML_SEQUENCE_END_EVENT: case YAML_MAPPING_END_EVENT: on_close(b); return true;
    default: return true;
    }
}

/* The next document into b->root. 1; 0 at the end of the stream; negative with `e`. */
static int next_document(struct builder *b, struct err *e)
{
    yaml_event_type_t type;
    bool ok = true;

    do {
        yaml_event_t event;

        if (!yaml_parser_parse(&b->parser, &event)) {
            syntax_error(b, e);
            return -ERR_INVALID;
        }
        type = event.type;
        ok = on_event(b, &event, e);
        yaml_event_delete(&event);
        if (!ok)
            return -ERR_INVALID;
        if (type == YAML_STREAM_END_EVENT)
            return 0;
    } while (type != YAML_DOCUMENT_END_EVENT);
    drop_anchors(b);
    if (b->error)
        return err_set(e, ERR_INVALID, str_starts(b->error, "json:") ? "%s" : "yaml: %s", b->error);
    return 1;
}

static void builder_init(struct builder *b, const char *text, size_t len, struct yaml_notes *notes)
{
    *b = (struct builder){ .notes = notes };
    if (notes)
        *notes = YAML_NOTES_IN(notes->arena);
    if (!yaml_parser_initialize(&b->parser))
        abort();
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)text, len);
}

static void builder_release(struct builder *b)
{
    if (b->notes) {
        b->notes->duplicates = arena_memdup(b->notes->arena, b->duplicates.v,
                                            b->duplicates.n * sizeof(*b->duplicates.v));
        b->notes->n_duplicates = b->duplicates.n;
    }
    while (b->stack.n) {
        struct frame *f = &b->stack.v[--b->stack.n];

        json_decref(f->v);
        json_decref(f->key);
    }
    drop_anchors(b);
    dyn_release(&b->stack);
    dyn_release(&b->anchors);
    dyn_release(&b->duplicates);
    json_decref(b->root);
    free(b->error);
    yaml_parser_delete(&b->parser);
}

json_t *yaml_parse(const char *text, size_t len, struct yaml_notes *notes, struct err *e)
{
    struct builder b;
    json_t *v = NULL;
    int r;

    builder_init(&b, text, len, notes);
    r = next_document(&b, e);
    if (r >= 0)
        v = b.root ? STEAL(b.root) : json_null();
    builder_release(&b);
    return v;
}

json_t *yaml_parse_all(const char *text, size_t len, struct yaml_notes *notes, struct err *e)
{
    struct builder b;
    json_t *all = json_array();
    int r;

    builder_init(&b, text, len, notes);
    while ((r = next_document(&b, e)) > 0)
        if (json_is_null(b.root))
            json_decref(STEAL(b.root));
        else
            json_array_append_new(all, STEAL(b.root));
    builder_release(&b);
    if (r == 0)
        return all;
    json_decref(all);
    return NULL;
}
