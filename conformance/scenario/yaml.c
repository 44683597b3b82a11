#include "conformance/scenario/yaml.h"

#include <errno.h>
#include <libfyaml.h>
#include <math.h>

const struct ynode *ynode_get(const struct ynode *map, const char *key)
{
    if (!map || map->kind != YNODE_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (streq(map->members[i].key, key))
            return map->members[i].value;
    return NULL;
}

const char *ynode_kind_text(enum ynode_kind kind)
{
    static const char *const texts[] = {
        [YNODE_NULL] = "nothing",  [YNODE_BOOL] = "a boolean", [YNODE_INT] = "an integer",
        [YNODE_REAL] = "a number", [YNODE_STRING] = "a string", [YNODE_LIST] = "a list",
        [YNODE_MAP] = "a map",
    };
    return texts[kind];
}

/* No deeper than YAML_DEPTH_MAX, which the parser saw to. */
json_t *ynode_json(const struct ynode *n)
{
    json_t *j;

    switch (n->kind) {
    case YNODE_NULL:
        return json_null();
    case YNODE_BOOL:
        return json_boolean(n->boolean);
    case YNODE_INT:
        return json_integer(n->integer);
    case YNODE_REAL:
        return json_real(n->real);
    case YNODE_STRING:
        return json_string(n->string);
    case YNODE_LIST:
        j = json_array();
        for (size_t i = 0; i < n->n; i++)
            json_array_append_new(j, ynode_json(n->items[i]));
        return j;
    case YNODE_MAP:
        j = json_object();
        for (size_t i = 0; i < n->n; i++)
            json_object_set_new(j, n->members[i].key, ynode_json(n->members[i].value));
        return j;
    }
    return json_null();
}

/* The offset of the first byte that is not UTF-8 (or is NUL), or `len`. libfyaml lets some through. */
static size_t utf8_valid(const unsigned char *s, size_t len);

/* ---- what was wrong -------------------------------------------------------------------------- */

void diags_release(struct diags *d)
{
    dyn_release(&d->list);
}

void diag_add(struct diags *d, const char *file, int line, int col, const char *fmt, ...)
{
    va_list args;
    const char *message;

    if (d->list.n >= DIAG_MAX)
        return;
    va_start(args, fmt);
    message = arena_vprintf(d->arena, fmt, args);
    va_end(args);
    *dyn_push(&d->list) = (struct diag){ .file = file, .message = message, .line = line, .col = col };
}

static void print_source_line(const struct diag *g, const char *text, struct buf *out)
{
    const char *line = text, *end;

    for (int i = 1; i < g->line && line; i++)
        line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
    if (!line || !*line)
        return;
    end = line + strcspn(line, "\r\n");
    if (end - line > 200 ||
        utf8_valid((const unsigned char *)line, (size_t)(end - line)) < (size_t)(end - line))
        return;
    buf_add_str(out, "  ");
    buf_add(out, line, (size_t)(end - line));
    buf_add_str(out, "\n  ");
    for (int i = 1; i < g->col; i++)
        buf_add_char(out, line + i <= end && line[i - 1] == '\t' ? '\t' : ' ');
    buf_add_str(out, "^\n");
}

void diags_print(const struct diags *d, const char *text, struct buf *out)
{
    for (size_t i = 0; i < d->list.n; i++) {
        const struct diag *g = &d->list.v[i];
        if (g->line == 0) {
            buf_printf(out, "%s: %s\n", g->file, g->message);
            continue;
        }
        buf_printf(out, "%s:%d:%d: %s\n", g->file, g->line, g->col, g->message);
        if (text && g->col > 0)
            print_source_line(g, text, out);
    }
}

/* ---- scalars --------------------------------------------------------------------------------- */

/* What YAML 1.1 readers, kubectl among them, take for a boolean or null and 1.2 does not. */
static bool is_ambiguous_word(const char *s)
{
    static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "~", "True", "TRUE", "False",
                                         "FALSE", "Null", "NULL", "Yes", "YES", "No", "NO", "On", "ON",
                                         "Off", "OFF", "Y", "N" };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (streq(s, words[i]))
            return true;
    return false;
}

/* "14", "-3", "2.5", "1e3" are numbers; "014", "1_000", "0x1F", "+5", ".5", "5." and ".inf" ambiguous. */
enum number_like { NOT_NUMBER, NUMBER_INT, NUMBER_REAL, NUMBER_AMBIGUOUS };
static enum number_like number_like(const char *s)
{
    static const char digits[] = "0123456789";
    const char *p = s;
    size_t whole, fraction = 0;
    bool real = false;

    if (streq(s, ".inf") || streq(s, "-.inf") || streq(s, "+.inf") || streq(s, ".nan"))
        return NUMBER_AMBIGUOUS;
    if (*p == '-' || *p == '+')
        p++;
    if (!strchr(digits, *p) || !*p)
        return *p == '.' && p[1] && strchr(digits, p[1]) && strspn(p + 1, digits) == strlen(p + 1)
                   ? NUMBER_AMBIGUOUS
                   : NOT_NUMBER;
    whole = strspn(p, digits);
    if (p[whole] == '\0')
        return *s == '+' || (whole > 1 && *p == '0') ? NUMBER_AMBIGUOUS : NUMBER_INT;
    if (*p == '0' && (p[1] == 'x' || p[1] == 'o') && strspn(p + 2, "0123456789abcdefABCDEF") == strlen(p + 2))
        return NUMBER_AMBIGUOUS;
    if (strspn(p, "0123456789_") == strlen(p))
        return NUMBER_AMBIGUOUS;
    if (strspn(p, "0123456789:") == strlen(p) && p[whole] == ':')
        return NUMBER_AMBIGUOUS;                  /* sexagesimal: 12:30 */
    p += whole;
    if (*p == '.') {
        fraction = strspn(p + 1, digits);
        p += 1 + fraction;
        real = true;
        if (fraction == 0 && *p == '\0')
            return NUMBER_AMBIGUOUS;
    }
    if (*p == 'e' || *p == 'E') {
        p += 1 + (p[1] == '-' || p[1] == '+');
        if (!strspn(p, digits))
            return NOT_NUMBER;
        p += strspn(p, digits);
        real = true;
    }
    if (*p)
        return NOT_NUMBER;                        /* "1.2.3", "10s", "2025-01-01" */
    return real && *s != '+' ? NUMBER_REAL : NUMBER_AMBIGUOUS;
}

struct builder {
    struct arena *arena;
    const char *file;
    struct diags *diags;
    size_t nodes;
    bool failed;
    /* The path of open collections. */
    struct level {
        struct ynode *node;
        DYN(struct ymember) members;
        DYN(struct ynode *) items;
        const char *key;                          /* a key waiting for its value */
        int key_line, key_col;
    } levels[YAML_DEPTH_MAX];
    size_t depth;
    struct ynode *root;
    unsigned documents;
    DYN(struct anchor { const char *name; struct ynode *node; size_t nodes; size_t height; }) anchors;
};

static void fail(struct builder *b, int line, int col, const char *message)
{
    diag_add(b->diags, b->file, line, col, "%s", message);
    b->failed = true;
}

static void plain_scalar(struct builder *b, struct ynode *n, const char *s)
{
    enum number_like like;

    n->kind = YNODE_STRING;
    n->string = s;
    if (*s == '\0' || streq(s, "null")) {
        n->kind = YNODE_NULL;
        return;
    }
    if (streq(s, "true") || streq(s, "false")) {
        n->kind = YNODE_BOOL;
        n->boolean = streq(s, "true");
        return;
    }
    like = number_like(s);
    if (is_ambiguous_word(s) || like == NUMBER_AMBIGUOUS) {
        diag_add(b->diags, b->file, n->line, n->col,
                 "%s means different things to different YAML readers: quote it", s);
        b->failed = true;
    } else if (like == NUMBER_INT) {
        int64_t i;
        if (parse_i64(s, &i)) {
            n->kind = YNODE_INT;
            n->integer = i;
        } else {
            fail(b, n->line, n->col, "this integer does not fit 64 bits");
        }
    } else if (like == NUMBER_REAL) {
        n->kind = YNODE_REAL;
        n->real = strtod(s, NULL);
        if (!isfinite(n->real))
            fail(b, n->line, n->col, "this number is out of range");
    }
}

/* ---- events to tree -------------------------------------------------------------------------- */

static void put_value(struct builder *b, struct ynode *n)
{
    struct level *l;

    if (b->depth == 0) {
        b->root = n;
        return;
    }
    l = &b->levels[b->depth - 1];
    if (l->node->kind == YNODE_LIST) {
        *dyn_push(&l->items) = n;
        return;
    }
    *dyn_push(&l->members) = (struct ymember){ l->key, l->key_line, l->key_col, n };
    l->key = NULL;
}

/* True where the node is to be the key of the open map: it must be a scalar then. */
static bool wants_key(const struct builder *b)
{
    const struct level *l;

    if (b->depth == 0)
        return false;
    l = &b->levels[b->depth - 1];
    return l->node->kind == YNODE_MAP && !l->key;
}

static void take_key(struct builder *b, const char *key, int line, int col)
{
    struct level *l = &b->levels[b->depth - 1];

    if (streq(key, "<<"))
        fail(b, line, col, "merge keys are not supported: write the fields out");
    for (size_t i = 0; i < l->members.n; i++)
        if (streq(l->members.v[i].key, key)) {
            diag_add(b->diags, b->file, line, col, "duplicate key %s: it stands already in line %d", key,
                     l->members.v[i].line);
            b->failed = true;
            break;
        }
    l->key = key;
    l->key_line = line;
    l->key_col = col;
}

static struct ynode *new_node(struct builder *b, enum ynode_kind kind, struct fy_event *e)
{
    const struct fy_mark *mark = fy_event_start_mark(e);
    struct ynode *n = arena_alloc(b->arena, sizeof(*n));

    n->kind = kind;
    n->line = mark ? mark->line + 1 : 0;
    n->col = mark ? mark->column + 1 : 0;
    if (++b->nodes > YAML_NODES_MAX)
        fail(b, n->line, n->col, "more nodes than a file may have (10000)");
    return n;
}

static void note_anchor(struct builder *b, struct fy_token *anchor, struct ynode *n)
{
    const char *text;
    size_t len;

    if (!anchor)
        return;
    text = fy_token_get_text(anchor, &len);
    *dyn_push(&b->anchors) =
        (struct anchor){ .name = arena_strndup(b->arena, text, len), .node = n };
}

static void refuse_tag(struct builder *b, struct fy_token *tag, const struct ynode *n)
{
    if (tag)
        fail(b, n->line, n->col, "tags are not supported: quote the value to make it a string");
}

/* The nodes and levels under `n`; the tree is no deeper than YAML_DEPTH_MAX. */
static size_t count_nodes(const struct ynode *n, size_t limit, size_t *ret_height)
{
    size_t total = 1, height = 0, h;

    for (size_t i = 0; i < n->n && total <= limit; i++) {
        if (n->kind == YNODE_LIST)
            total += count_nodes(n->items[i], limit - total, &h);
        else
            total += count_nodes(n->members[i].value, limit - total, &h);
        height = h > height ? h : height;
    }
    *ret_height = height + 1;
    return total;
}

static void on_alias(struct builder *b, struct fy_event *e)
{
    const struct fy_mark *mark = fy_event_start_mark(e);
    int line = mark ? mark->line + 1 : 0, col = mark ? mark->column + 1 : 0;
    size_t len, height;
    const char *text = fy_token_get_text(e->alias.anchor, &len);

    for (size_t i = b->anchors.n; i-- > 0;) {
        const struct anchor *a = &b->anchors.v[i];
        if (strlen(a->name) != len || memcmp(a->name, text, len) != 0)
            continue;
        for (size_t d = 0; d < b->depth; d++)
            if (b->levels[d].node == a->node) {
                fail(b, line, col, "this alias contains itself");
                return;
            }
        if (wants_key(b)) {
            fail(b, line, col, "an alias cannot be a key");
            return;
        }
        b->nodes += count_nodes(a->node, YAML_NODES_MAX, &height);
        if (b->nodes > YAML_NODES_MAX)
            fail(b, line, col, "more nodes than a file may have (10000), aliases followed");
        else if (b->depth + height > YAML_DEPTH_MAX)
            fail(b, line, col, "nested too deeply (64 levels), aliases followed");
        else
            put_value(b, a->node);
        return;
    }
    diag_add(b->diags, b->file, line, col, "there is no anchor &%.*s before this alias", (int)len, text);
    b->failed = true;
}

static void on_scalar(struct builder *b, struct fy_event *e)
{
    struct ynode *n = new_node(b, YNODE_STRING, e);
    size_t len;
    const char *text = fy_token_get_text(e->scalar.value, &len);
    char *copy = arena_strndup(b->arena, text ? text : "", text ? len : 0);

    if (strlen(copy) != (text ? len : 0))
        fail(b, n->line, n->col, "a string may not contain NUL");
    refuse_tag(b, e->scalar.tag, n);
    if (e->scalar.value && n->col > 1) {
        enum fy_scalar_style style = fy_scalar_token_get_style(e->scalar.value);
        n->col -= style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;   /* the quote itself */
    }
    n->string = copy;
    if (wants_key(b)) {
        take_key(b, copy, n->line, n->col);
        return;
    }
    note_anchor(b, e->scalar.anchor, n);
    if (!e->scalar.value)
        n->kind = YNODE_NULL;
    else if (fy_scalar_token_get_style(e->scalar.value) == FYSS_PLAIN)
        plain_scalar(b, n, copy);
    put_value(b, n);
}

static void on_open(struct builder *b, struct fy_event *e, enum ynode_kind kind, struct fy_token *anchor,
                    struct fy_token *tag)
{
    struct ynode *n = new_node(b, kind, e);

    refuse_tag(b, tag, n);
    if (wants_key(b)) {
        fail(b, n->line, n->col, "a key must be a string");
        return;
    }
    if (b->depth == YAML_DEPTH_MAX) {
        fail(b, n->line, n->col, "nested too deeply (64 levels)");
        return;
    }
    note_anchor(b, anchor, n);
    put_value(b, n);
    b->levels[b->depth++] = (struct level){ .node = n };
}

static void on_close(struct builder *b)
{
    struct level *l = &b->levels[--b->depth];

    if (l->node->kind == YNODE_LIST) {
        l->node->n = l->items.n;
        if (l->items.n > 0)
            l->node->items = arena_memdup(b->arena, l->items.v, l->items.n * sizeof(*l->items.v));
    } else {
        l->node->n = l->members.n;
        if (l->members.n > 0)
            l->node->members = arena_memdup(b->arena, l->members.v,
                                            l->members.n * sizeof(*l->members.v));
    }
    dyn_release(&l->items);
    dyn_release(&l->members);
}

static void on_event(struct builder *b, struct fy_event *e)
{
    const struct fy_mark *mark = fy_event_start_mark(e);

    switch (e->type) {
    case FYET_DOCUMENT_START:
        if (++b->documents > 1)
            fail(b, mark ? mark->line + 1 : 0, mark ? mark->column + 1 : 0,
                 "a second document: one file holds one");
        break;
    case FYET_ALIAS:
        on_alias(b, e);
        break;
    case FYET_SCALAR:
        on_scalar(b, e);
        break;
    case FYET_MAPPING_START:
        on_open(b, e, YNODE_MAP, e->mapping_start.anchor, e->mapping_start.tag);
        break;
    case FYET_SEQUENCE_START:
        on_open(b, e, YNODE_LIST, e->sequence_start.anchor, e->sequence_start.tag);
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        on_close(b);
        break;
    default:
        break;
    }
}

/* ---- the file -------------------------------------------------------------------------------- */

static size_t utf8_valid(const unsigned char *s, size_t len)
{
    size_t i = 0;

    while (i < len) {
        unsigned c = s[i];
        size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2
                    : c >= 0xf0 && c < 0xf5 ? 3 : SIZE_MAX;
        if (c == 0 || more == SIZE_MAX || i + more >= len)
            return i;
        for (size_t k = 1; k <= more; k++)
            if ((s[i + k] & 0xc0) != 0x80)
                return i;
        if ((c == 0xe0 && s[i + 1] < 0xa0) || (c == 0xed && s[i + 1] > 0x9f) ||
            (c == 0xf0 && s[i + 1] < 0x90) || (c == 0xf4 && s[i + 1] > 0x8f))
            return i;
        i += more + 1;
    }
    return len;
}

static bool check_bytes(const char *file, const char *text, size_t len, struct diags *d)
{
    int line = 1, col = 1;
    size_t bad;

    if (len > YAML_FILE_MAX) {
        diag_add(d, file, 0, 0, "larger than a file may be (1 MiB)");
        return false;
    }
    bad = utf8_valid((const unsigned char *)text, len);
    if (bad == len)
        return true;
    for (size_t i = 0; i < bad; i++) {
        col = text[i] == '\n' ? 1 : col + 1;
        line += text[i] == '\n';
    }
    diag_add(d, file, line, col, text[bad] ? "this byte is not UTF-8" : "a NUL byte");
    return false;
}

static void collect_syntax_errors(struct fy_diag *diag, const char *file, struct diags *d)
{
    struct fy_diag_error *e;
    void *iter = NULL;
    size_t before = d->list.n;

    while ((e = fy_diag_errors_iterate(diag, &iter)))
        diag_add(d, file, e->line, e->column, "%s", e->msg);
    if (d->list.n == before)
        diag_add(d, file, 0, 0, "not YAML");
}

static void builder_release(struct builder *b)
{
    while (b->depth > 0) {
        b->depth--;
        dyn_release(&b->levels[b->depth].items);
        dyn_release(&b->levels[b->depth].members);
    }
    dyn_release(&b->anchors);
}

static void parse_events(struct builder *b, struct fy_parser *p, struct fy_diag *diag)
{
    struct fy_event *e;
    bool ended = false;

    while (!b->failed && (e = fy_parser_parse(p))) {
        ended = e->type == FYET_STREAM_END;
        on_event(b, e);
        fy_parser_event_free(p, e);
    }
    if (!b->failed && !ended) {
        collect_syntax_errors(diag, b->file, b->diags);
        b->failed = true;
    }
}

struct ynode *ynode_parse(struct arena *a, const char *file, const char *text, size_t len,
                         struct diags *d)
{
    struct builder b = { .arena = a, .file = file, .diags = d };
    struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG };
    struct fy_diag_cfg diag_cfg;
    struct fy_parser *p;

    if (!check_bytes(file, text, len, d))
        return NULL;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    cfg.diag = fy_diag_create(&diag_cfg);
    fy_diag_set_collect_errors(cfg.diag, true);
    p = fy_parser_create(&cfg);
    if (p && fy_parser_set_string(p, text, len) == 0)
        parse_events(&b, p, cfg.diag);
    else
        fail(&b, 0, 0, "cannot be read as YAML");
    fy_parser_destroy(p);
    fy_diag_destroy(cfg.diag);
    builder_release(&b);
    if (!b.failed && !b.root)
        fail(&b, 0, 0, "the file is empty");
    return b.failed ? NULL : b.root;
}
