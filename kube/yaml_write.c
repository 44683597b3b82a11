#include "kube/yaml.h"

#include <stdio.h>
#include <yaml.h>

#include "kube/nul.h"
#include "kube/yaml_priv.h"

struct member {
    const char *key;
    size_t len;
    const json_t *v;
};

struct level {
    const json_t *v;
    struct member *members;                      /* sorted; NULL for lists */
    size_t i, n;
};

/* ---- natural order ----------------------------------------------------------------------------- */

/* One UTF-8 character; bytes that are none stand for themselves. */
static unsigned next_rune(const char **s, const char *end)
{
    const unsigned char *p = (const unsigned char *)*s;
    size_t left = (size_t)(end - *s), n = *p < 0xc0 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    unsigned r = n == 1 ? *p : *p & (0x7fu >> n);

    if (n > left)
        n = left;
    for (size_t i = 1; i < n; i++)
        r = r << 6 | (p[i] & 0x3f);
    *s += n;
    return r;
}

static bool is_digit(unsigned r)
{
    return r >= '0' && r <= '9';
}

/* Letters of ASCII, and everything beyond. */
static bool is_letter(unsigned r)
{
    return (r | 32) - 'a' < 26 || r >= 0x80;
}

/* Where both keys hold a number, the smaller number goes first, whatever its digits look like. */
static int compare_numbers(const char *a, const char *a_end, const char *b, const char *b_end)
{
    uint64_t x = 0, y = 0;
    const char *a0 = a, *b0 = b;

    for (; a < a_end && is_digit((unsigned char)*a); a++)
        x = x * 10 + (uint64_t)(*a - '0');
    for (; b < b_end && is_digit((unsigned char)*b); b++)
        y = y * 10 + (uint64_t)(*b - '0');
    if (x != y)
        return x < y ? -1 : 1;
    return (a - a0 > b - b0) - (a - a0 < b - b0);
}

static int compare_members(const void *p, const void *q)
{
    const struct member *x = p, *y = q;
    const char *a = x->key, *b = y->key, *a_end = a + x->len, *b_end = b + y->len;

    while (a < a_end && b < b_end) {
        const char *a0 = a, *b0 = b;
        unsigned ra = next_rune(&a, a_end), rb = next_rune(&b, b_end);
        bool la = is_letter(ra), lb = is_letter(rb);

        if (ra == rb)
            continue;
        if (la && lb)
            return ra < rb ? -1 : 1;
        if (la || lb)
            return lb ? -1 : 1;
        if (is_digit(ra) && is_digit(rb)) {
            while (a0 > x->key && b0 > y->key && is_digit((unsigned char)a0[-1])) {
                a0--;
                b0--;
            }
            return compare_numbers(a0, a_end, b0, b_end);
        }
        return ra < rb ? -1 : 1;
    }
    return (x->len > y->len) - (x->len < y->len);
}

/* ---- events ----------------------------------------------------------------------------------- */

static int write_bytes(void *arg, unsigned char *data, size_t size)
{
    buf_add(arg, data, size);
    return 1;
}

static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
    if (!yaml_emitter_emit(emitter, event))      /* only memory could make it fail: events are in order */
        abort();
}

static void emit_scalar(yaml_emitter_t *emitter, const char *text, size_t len, yaml_scalar_style_t style)
{
    yaml_event_t event;

    yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)len, 1, 1, style);
    emit(emitter, &event);
}

/* Plain only where it would be read back as the string it is. */
static yaml_scalar_style_t string_style(const char *text, size_t len)
{
    const char *kind;
    json_auto_t *v = yaml_resolve("", text, len, &kind);

    if (memchr(text, '\n', len))
        return YAML_LITERAL_SCALAR_STYLE;
    if (streq(kind, "!!str") && !yaml_is_base60(text) && !streq(text, "<<"))
        return YAML_PLAIN_SCALAR_STYLE;
    return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
}

static void emit_string(yaml_emitter_t *emitter, const char *text, size_t len)
{
    emit_scalar(emitter, text, len, string_style(text, len));
}

/* A hidden NUL is no UTF-8, which the emitter wants. */
static void emit_key(yaml_emitter_t *emitter, const struct member *m)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add(&b, m->key, m->len);
    emit_string(emitter, b.data, nul_show(b.data));
}

static void emit_value(yaml_emitter_t *emitter, const json_t *v)
{
    cleanup_buf struct buf b = BUF_INIT;
    char text[JSON_NUMBER_MAX];

    if (json_is_string(v)) {
        emit_string(emitter, json_string_value(v), json_string_length(v));
        return;
    }
    if (json_is_real(v)) {
        go_write_float(text, json_real_value(v), 64);
        buf_add_str(&b, text);
    } else {
        json_write(&b, v, 0);
    }
    emit_scalar(emitter, b.data, b.len, YAML_PLAIN_SCALAR_STYLE);
}

static struct level open_level(yaml_emitter_t *emitter, const json_t *v)
{
    bool map = json_is_object(v);
    struct level level = { .v = v, .n = map ? json_object_size(v) : json_array_size(v) };
    yaml_event_t event;
    size_t i = 0;

    if (map)
        yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
    else
        yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);
    emit(emitter, &event);
    if (!map)
        return level;
    level.members = xmalloc((level.n + 1) * sizeof(*level.members));
    for (void *it = json_object_iter((json_t *)v); it; it = json_object_iter_next((json_t *)v, it))
        level.members[i++] = (struct member){ json_object_iter_key(it), json_object_iter_key_len(it),
                                              json_object_iter_value(it) };
    qsort(level.members, level.n, sizeof(*level.members), compare_members);
    return level;
}

static void close_level(yaml_emitter_t *emitter, struct level *level)
{
    yaml_event_t event;

    if (level->members)
        yaml_mapping_end_event_initialize(&event);
    else
        yaml_sequence_end_event_initialize(&event);
    emit(emitter, &event);
    free(level->members);
}

static void emit_tree(yaml_emitter_t *emitter, const json_t *v)
{
    DYN(struct level) stack = { 0 };

    for (;;) {
        struct level *top;

        if (json_is_object(v) || json_is_array(v))
            *dyn_push(&stack) = open_level(emitter, v);
        else
            emit_value(emitter, v);
        while (stack.n && stack.v[stack.n - 1].i == stack.v[stack.n - 1].n)
            close_level(emitter, &stack.v[--stack.n]);
        if (!stack.n)
            break;
        top = &stack.v[stack.n - 1];
        if (top->members) {
            emit_key(emitter, &top->members[top->i]);
            v = top->members[top->i++].v;
        } else {
            v = json_array_get(top->v, top->i++);
        }
    }
    dyn_release(&stack);
}

void yaml_write(struct buf *b, const json_t *v)
{
    yaml_emitter_t emitter;
    yaml_event_t event;

    if (json_depth(v) > YAML_DEPTH_MAX) {        /* indented, it would be the square of its size */
        json_write(b, v, JSON_WRITE_SORTED | JSON_WRITE_PLAIN);
        buf_add_char(b, '\n');
        return;
    }
    if (!yaml_emitter_initialize(&emitter))
        abort();
    yaml_emitter_set_output(&emitter, write_bytes, b);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(&emitter, &event);
    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    emit(&emitter, &event);
    emit_tree(&emitter, v);
    yaml_document_end_event_initialize(&event, 1);
    emit(&emitter, &event);
    yaml_stream_end_event_initialize(&event);
    emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
}

/* What JSON leaves as it is and a reader of YAML takes for a control character: DEL, the C1 controls but for NEL, and
 * U+FFFE and U+FFFF. */
static bool is_control(const unsigned char *s)
{
    return s[0] == 0x7f || (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f && s[1] != 0x85)
           || (s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe);
}

const char *yaml_write_problem(const json_t *v)
{
    cleanup_buf struct buf json = BUF_INIT;

    json_write(&json, v, 0);
    for (const char *s = json.data; *s; s++)
        if (is_control((const unsigned char *)s))
            return "yaml: control characters are not allowed";
    return NULL;
}
