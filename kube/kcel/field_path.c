#include "kube/fielderr.h"
#include "kube/json.h"
#include "kube/kcel/rule.h"

/* A rule's fieldPath: members after a dot or in brackets, each of which must be in the schema. */

struct path_reader {
    const char *s;
    const json_t *node;
    struct buf out;
};

/* The next token: '.', '[', ']', a text in single quotes, or what is between those. "" at the end. */
static size_t token(const char *s)
{
    size_t n = 0;

    if (*s == '.' || *s == '[' || *s == ']')
        return 1;
    if (*s == '\'') {
        for (n = 1; s[n] && !(s[n] == '\'' && s[n - 1] != '\\'); n++)
            ;
        return s[n] ? n + 1 : n;
    }
    return strcspn(s, ".[]");
}

/* The text in quotes without them and its escapes; false where one is unknown. */
static bool unquote(struct buf *b, const char *s, size_t len)
{
    static const char letters[] = "abfnrtv'\\", meant[] = "\a\b\f\n\r\t\v'\\";

    for (size_t i = 0; i < len; i++) {
        const char *at = s[i] == '\\' && i + 1 < len && s[i + 1] ? strchr(letters, s[i + 1]) : NULL;
        if (s[i] == '\\' && i + 1 < len && !at)
            return false;
        buf_add_char(b, at ? meant[at - letters] : s[i]);
        i += at != NULL;
    }
    return true;
}

static bool step(struct path_reader *r, const char *name)
{
    const json_t *properties = json_object_get(r->node, "properties");
    const json_t *values = json_object_get(r->node, "additionalProperties");

    if (json_is_object(properties)) {
        r->node = json_object_get(properties, name);
        buf_printf(&r->out, "%s%s", r->out.len ? "." : "", name);
    } else if (json_is_object(values)) {
        r->node = values;
        buf_printf(&r->out, "[%s]", name);
    } else {
        return false;
    }
    return r->node != NULL;
}

static bool step_in_brackets(struct path_reader *r)
{
    cleanup_buf struct buf name = BUF_INIT;
    size_t n = token(r->s);

    if (n < 2 || r->s[0] != '\'' || r->s[n - 1] != '\'' || !unquote(&name, r->s + 1, n - 2) ||
        !step(r, name.data ? name.data : ""))
        return false;
    r->s += n;
    return *r->s++ == ']';
}

static bool step_after_dot(struct path_reader *r, struct arena *a)
{
    size_t n = token(r->s);

    if (!n || !step(r, arena_strndup(a, r->s, n)))
        return false;
    r->s += n;
    return true;
}

const char *kcel_field_path(struct arena *a, const json_t *node, const char *path)
{
    struct path_reader r = { .s = path, .node = node };
    bool good = true;

    while (good && *r.s) {
        char c = *r.s++;
        good = c == '[' ? step_in_brackets(&r) : c == '.' && step_after_dot(&r, a);
    }
    const char *text = good ? arena_strndup(a, r.out.data ? r.out.data : "", r.out.len) : NULL;
    buf_release(&r.out);
    return text;
}
