/* Values in words: as expressions (cel_write), and as messages show them (cel_value_text). */
#include <math.h>
#include <stdio.h>

#include "kube/cel/cel_priv.h"
#include "kube/json.h"

enum { TEXT_MAX = 1 << 20 };                     /* nobody reads more, and shared values may be huge */

struct writing {
    struct cel_run *run;
    struct buf *b;
    struct cel_value v;
    bool bare;                                   /* strings without quotes: a message */
};

static void write_value(struct writing *w, struct cel_value v);

static void write_quoted(struct buf *b, const char *s, size_t len)
{
    static const char from[] = "\"\\\n\r\t\a\b\f\v", to[] = "\"\\nrtabfv";

    buf_add_char(b, '"');
    for (size_t i = 0; i < len; i++) {
        const char *special = s[i] ? strchr(from, s[i]) : NULL;
        if (special) {
            buf_add_char(b, '\\');
            buf_add_char(b, to[special - from]);
        } else if ((unsigned char)s[i] < 0x20) {
            buf_printf(b, "\\x%02x", (unsigned char)s[i]);
        } else {
            buf_add_char(b, s[i]);
        }
    }
    buf_add_char(b, '"');
}

static void write_bytes(struct buf *b, const char *s, size_t len)
{
    buf_add_str(b, "b\"");
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] >= 0x7f || s[i] == '"' || s[i] == '\\')
            buf_printf(b, "\\%03o", (unsigned char)s[i]);
        else
            buf_add_char(b, s[i]);
    }
    buf_add_char(b, '"');
}

const char *cel_double_text(struct arena *a, double d)
{
    char text[JSON_NUMBER_MAX];

    if (isnan(d) || isinf(d))
        return isnan(d) ? "NaN" : d > 0 ? "+Inf" : "-Inf";
    go_write_float(text, d, 64);
    return arena_strdup(a, text);
}

static void write_double(struct writing *w, double d)
{
    const char *text = cel_double_text(w->run->arena, d);

    if (!w->bare && (isnan(d) || isinf(d)))
        buf_printf(w->b, "double(\"%s\")", isnan(d) ? "NaN" : d > 0 ? "Infinity" : "-Infinity");
    else
        buf_printf(w->b, "%s%s", text, w->bare || strpbrk(text, ".e") ? "" : ".0");
}

static void write_list(struct writing *w, const struct cel_list *l)
{
    buf_add_char(w->b, '[');
    for (size_t i = 0; i < l->n && w->b->len < TEXT_MAX; i++) {
        if (i)
            buf_add_str(w->b, ", ");
        write_value(w, cel_list_get(w->run, l, i));
    }
    buf_add_char(w->b, ']');
}

static void write_map(struct writing *w, const struct cel_map *m)
{
    struct cel_value key, value;
    void *pos = NULL;
    bool first = true;

    if (m->type && !w->bare)
        buf_add_str(w->b, cel_type_name(m->type));
    buf_add_char(w->b, '{');
    while (w->b->len < TEXT_MAX && cel_map_next(w->run, m, &pos, &key, &value)) {
        if (!first)
            buf_add_str(w->b, ", ");
        first = false;
        write_value(w, key);
        buf_add_str(w->b, ": ");
        write_value(w, value);
    }
    buf_add_char(w->b, '}');
}

static void write_optional(struct writing *w, const struct cel_value *v)
{
    if (!v) {
        buf_add_str(w->b, "optional.none()");
        return;
    }
    buf_add_str(w->b, w->bare ? "optional(" : "optional.of(");
    write_value(w, *v);
    buf_add_char(w->b, ')');
}

static void write_inside(void *arg)
{
    struct writing *w = arg;

    switch (w->v.kind) {
    case CEL_LIST: write_list(w, w->v.list); break;
    case CEL_OPTIONAL: write_optional(w, w->v.optional); break;
    default: write_map(w, w->v.map);
    }
}

static void write_opaque(struct writing *w, const struct cel_opaque *o)
{
    struct cel_value s;

    if (o->ops->convert && o->ops->convert(w->run, o, &cel_type_string, &s) && s.kind == CEL_STRING)
        buf_printf(w->b, "%s(\"%.*s\")", cel_type_name(o->ops->type), (int)s.len, s.s);
    else
        buf_printf(w->b, "%s{...}", cel_type_name(o->ops->type));
}

static void write_value(struct writing *w, struct cel_value v)
{
    struct writing inside = { w->run, w->b, v, w->bare };
    struct buf *b = w->b;

    switch (v.kind) {
    case CEL_ERROR: buf_add_str(b, v.error); break;
    case CEL_NULL: buf_add_str(b, w->bare ? "NULL_VALUE" : "null"); break;
    case CEL_BOOL: buf_add_str(b, v.b ? "true" : "false"); break;
    case CEL_INT: buf_printf(b, "%lld", (long long)v.i); break;
    case CEL_UINT: buf_printf(b, "%llu%s", (unsigned long long)v.u, w->bare ? "" : "u"); break;
    case CEL_DOUBLE:
        write_double(w, v.d);
        break;
    case CEL_STRING:
        if (w->bare)
            buf_add(b, v.s, v.len);
        else
            write_quoted(b, v.s, v.len);
        break;
    case CEL_BYTES: write_bytes(b, v.s, v.len); break;
    case CEL_TIMESTAMP:
        buf_printf(b, "%s%s%s", w->bare ? "" : "timestamp(\"", cel_timestamp_text(w->run->arena, v), w->bare ? "" : "\")");
        break;
    case CEL_DURATION:
        buf_printf(b, "%s%s%s", w->bare ? "" : "duration(\"", cel_duration_text(w->run->arena, v.i), w->bare ? "" : "\")");
        break;
    case CEL_TYPE: buf_add_str(b, cel_type_name(v.type)); break;
    case CEL_OPAQUE: write_opaque(w, v.opaque); break;
    case CEL_LIST:
    case CEL_MAP:
    case CEL_OBJECT:
    case CEL_OPTIONAL:
        if (!cel_run_deeper(w->run, write_inside, &inside))
            buf_add_str(b, "...");
    }
}

void cel_write(struct cel_run *run, struct buf *b, struct cel_value v)
{
    write_value(&(struct writing){ .run = run, .b = b }, v);
}

const char *cel_value_text(struct cel_run *run, struct cel_value v)
{
    cleanup_buf struct buf b = BUF_INIT;

    write_value(&(struct writing){ .run = run, .b = &b, .bare = true }, v);
    return b.len ? arena_strndup(run->arena, b.data, b.len) : "";
}
