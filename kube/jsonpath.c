#include "kube/jsonpath.h"

#include <ctype.h>
#include <stdlib.h>

#include "kube/json.h"
#include "world/base.h"

/* A path is followed while it is read: `nodes` is what was found so far. Paths within a path (unions, filters) are
 * shorter than the one that holds them, and cannot hold filters of their own. */

static json_t *follow(json_t *nodes, const char *path, size_t len);

static bool append(json_t *out, json_t *v)
{
    if (json_array_size(out) >= JSONPATH_MAX)
        return false;
    json_array_append(out, v);
    return true;
}

static json_t *or_null(json_t *out, bool good)
{
    if (good)
        return out;
    json_decref(out);
    return NULL;
}

/* ---- fields and wildcards ----------------------------------------------------------------------- */

static json_t *members_of(const json_t *nodes, const char *name)
{
    json_t *out = json_array(), *node, *v;
    size_t i;

    json_array_foreach (nodes, i, node)
        if ((v = json_object_get(node, name)))
            append(out, v);
    return out;
}

/* The children of one node: members, elements, or the bytes of a text. */
static bool add_children(json_t *out, const json_t *node)
{
    const char *key;
    json_t *v;
    size_t i;
    bool good = true;

    json_object_foreach ((json_t *)node, key, v)
        good = good && append(out, v);
    json_array_foreach (node, i, v)
        good = good && append(out, v);
    for (i = 0; good && i < json_string_length(node); i++) {
        json_auto_t *byte = json_integer((unsigned char)json_string_value(node)[i]);
        good = append(out, byte);
    }
    return good;
}

static json_t *children_of(const json_t *nodes)
{
    json_t *out = json_array(), *node;
    size_t i;
    bool good = true;

    json_array_foreach (nodes, i, node)
        good = good && add_children(out, node);
    return or_null(out, good);
}

static bool has_children(const json_t *v)
{
    return json_object_size(v) || json_array_size(v) || json_string_length(v);
}

/* Every node below, parents first; the stack is a list in reverse. */
static json_t *descendants_of(const json_t *nodes)
{
    json_t *out = json_array();
    json_auto_t *stack = json_array();
    bool good = true;

    for (size_t i = json_array_size(nodes); i; i--)
        json_array_append(stack, json_array_get(nodes, i - 1));
    while (good && json_array_size(stack)) {
        json_auto_t *node = json_incref(json_array_get(stack, json_array_size(stack) - 1)), *below = json_array();
        json_array_remove(stack, json_array_size(stack) - 1);
        if (!has_children(node))
            continue;
        good = append(out, node) && (json_is_string(node) || add_children(below, node));
        for (size_t i = json_array_size(below); good && i; i--)
            good = append(stack, json_array_get(below, i - 1));
    }
    return or_null(out, good);
}

/* ---- indices ------------------------------------------------------------------------------------ */

struct slice {
    int64_t from, to, step;
    bool has_from, has_to, has_step, single;
};

/* One of the up to three numbers of a slice, from *at on. */
static bool slice_number(const char **at, const char *end, int64_t *ret, bool *ret_has)
{
    const char *p = *at;
    char *stop;

    if (p < end && *p == '-')
        p++;
    while (p < end && isdigit((unsigned char)*p))
        p++;
    *ret_has = p > *at;
    if (*ret_has) {
        cleanup_free char *text = xstrndup(*at, (size_t)(p - *at));
        *ret = strtoll(text, &stop, 10);
        if (*stop || streq(text, "-") || *ret > INT32_MAX || *ret < -INT32_MAX)
            return false;
    }
    *at = p;
    return true;
}

static bool slice_parse(const char *at, const char *end, struct slice *s)
{
    *s = (struct slice){ .single = true };
    if (!slice_number(&at, end, &s->from, &s->has_from))
        return false;
    if (at < end && *at == ':') {
        s->single = false;
        at++;
        if (!slice_number(&at, end, &s->to, &s->has_to))
            return false;
    }
    if (at < end && *at == ':') {
        at++;
        if (!slice_number(&at, end, &s->step, &s->has_step))
            return false;
    }
    return at == end;
}

static bool add_slice(json_t *out, const json_t *list, const struct slice *s)
{
    int64_t n = (int64_t)json_array_size(list), from = s->has_from ? s->from : 0, to;

    to = s->single ? s->from + 1 : s->has_to ? s->to : n;
    if (from < 0)
        from += n;
    if (to < 0 || (to == 0 && s->single))
        to += n;
    if (from == to)
        return true;
    if (from < 0 || from >= n || to < 0 || to > n || from > to || (s->has_step && s->step <= 0))
        return false;
    for (; from < to; from += s->has_step ? s->step : 1)
        if (!append(out, json_array_get(list, (size_t)from)))
            return false;
    return true;
}

static json_t *elements_of(const json_t *nodes, const struct slice *s)
{
    json_t *out = json_array(), *node;
    size_t i;
    bool good = true;

    json_array_foreach (nodes, i, node)
        good = good && (json_is_null(node) || (json_is_array(node) && add_slice(out, node, s)));
    return or_null(out, good);
}

/* What stands between brackets: "*", an index, a slice, 'a name'. */
static json_t *bracket(json_t *nodes, const char *text, size_t len)
{
    static const struct slice all = { 0 };
    struct slice s;

    while (len && *text == ' ')
        text++, len--;
    while (len && text[len - 1] == ' ')
        len--;
    if (len == 1 && *text == '*')
        return elements_of(nodes, &all);
    if (len >= 2 && text[0] == '\'' && text[len - 1] == '\'' && !memchr(text + 1, '\'', len - 2)) {
        cleanup_free char *field = xasprintf(".%.*s", (int)(len - 2), text + 1);
        return follow(nodes, field, strlen(field));
    }
    return slice_parse(text, text + len, &s) ? elements_of(nodes, &s) : NULL;
}

static json_t *brackets(json_t *nodes, const char *text, size_t len)
{
    json_t *out;

    if (!memchr(text, ',', len))
        return bracket(nodes, text, len);
    out = json_array();
    for (const char *end = text + len; text <= end;) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        size_t part = (size_t)((comma ? comma : end) - text);
        json_auto_t *found = bracket(nodes, text, part);
        if (!found || json_array_size(out) + json_array_size(found) > JSONPATH_MAX)
            return or_null(out, false);
        json_array_extend(out, found);
        text += part + 1;
    }
    return out;
}

/* ---- filters ------------------------------------------------------------------------------------ */

/* < 0, 0, > 0; false where the two cannot be compared. Booleans are only equal or not. */
static bool compare(const json_t *a, const json_t *b, int *ret, bool *ret_ordered)
{
    *ret_ordered = true;
    if (json_is_string(a) && json_is_string(b)) {
        *ret = strcmp(json_string_value(a), json_string_value(b));
    } else if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a), y = json_integer_value(b);
        *ret = x < y ? -1 : x > y;
    } else if (json_is_real(a) && json_is_real(b)) {
        double x = json_real_value(a), y = json_real_value(b);
        *ret = x < y ? -1 : x > y;
    } else if (json_is_boolean(a) && json_is_boolean(b)) {
        *ret = json_is_true(a) - json_is_true(b);
        *ret_ordered = false;
    } else {
        return false;
    }
    return true;
}

static bool passes(const char *op, const json_t *a, const json_t *b, bool *ret)
{
    int order;
    bool ordered;

    if (!compare(a, b, &order, &ordered))
        return false;
    if (streq(op, "==") || streq(op, "!=")) {
        *ret = (order == 0) == (op[0] == '=');
        return true;
    }
    if (!ordered || (!streq(op, "<") && !streq(op, "<=") && !streq(op, ">") && !streq(op, ">=")))
        return false;
    *ret = (op[0] == '<' ? order < 0 : order > 0) || (op[1] == '=' && order == 0);
    return true;
}

struct filter_text {
    const char *left, *right;
    size_t left_len, right_len;
    char op[8];                        /* "": is there such a thing? */
};

static void filter_split(const char *text, size_t len, struct filter_text *f)
{
    static const char signs[] = "!<>=";
    size_t left = 0, op;

    *f = (struct filter_text){ .left = text, .left_len = len };
    while (left < len && !strchr(signs, text[left]))
        left++;
    for (op = left; op < len && strchr(signs, text[op]); op++)
        ;
    if (!left || op == left || op == len || op - left >= sizeof(f->op))
        return;
    f->left_len = left;
    memcpy(f->op, text + left, op - left);
    f->right = text + op;
    f->right_len = len - op;
}

/* False where the filter cannot be asked of this item. */
static bool filter_item(const struct filter_text *f, json_t *item, bool *ret)
{
    json_auto_t *one = json_array(), *left = NULL, *right = NULL;

    json_array_append(one, item);
    left = follow(one, f->left, f->left_len);
    *ret = false;
    if (!*f->op) {
        *ret = !left || json_array_size(left);       /* where it cannot go, something is */
        return true;
    }
    if (!left || json_array_size(left) > 1)
        return false;
    if (!json_array_size(left))
        return true;
    right = follow(one, f->right, f->right_len);
    if (!right || json_array_size(right) > 1)
        return false;
    return !json_array_size(right) || passes(f->op, json_array_get(left, 0), json_array_get(right, 0), ret);
}

static json_t *filtered(const json_t *nodes, const char *text, size_t len)
{
    json_t *out = json_array(), *node, *item;
    struct filter_text f;
    size_t i, k;
    bool good = true, pass;

    filter_split(text, len, &f);
    json_array_foreach (nodes, i, node) {
        good = good && json_is_array(node);
        json_array_foreach (node, k, item)
            if (good && (good = filter_item(&f, item, &pass)) && pass)
                good = append(out, item);
    }
    return or_null(out, good);
}

/* The length of a filter up to its ")]", 0 where it has no end. A bracket in quotes does not close it. */
static size_t filter_end(const char *text, size_t len)
{
    char quote = 0;
    bool closed = false;

    for (size_t i = 0; i < len && text[i] != '\n'; i++) {
        if ((text[i] == '"' || text[i] == '\'') && !quote)
            quote = text[i];
        else if (text[i] == quote && text[i - 1] != '\\')
            closed = true;
        else if (text[i] == ')' && (!quote || closed))
            return i + 1 < len && text[i + 1] == ']' ? i : 0;
    }
    return 0;
}

/* ---- steps -------------------------------------------------------------------------------------- */

static bool ends_name(char c)
{
    return !c || strchr(" \t\r\n.,[]$@{}", c);
}

/* A literal stands for itself wherever it is asked. */
static json_t *literal(const json_t *nodes, json_t *value)
{
    json_t *out = json_array();

    for (size_t i = 0; i < json_array_size(nodes); i++)
        json_array_append(out, value);
    json_decref(value);
    return out;
}

static json_t *field_step(const json_t *nodes, const char *path, size_t len, size_t *at)
{
    cleanup_buf struct buf name = BUF_INIT;
    bool star = *at < len && path[*at] == '*' && (*at + 1 == len || ends_name(path[*at + 1]));

    buf_add_str(&name, "");
    for (; *at < len && !ends_name(path[*at]); ++*at) {
        if (path[*at] == '\\' && *at + 1 < len)
            ++*at;
        if (path[*at] != '\\')
            buf_add_char(&name, path[*at]);
    }
    return star ? children_of(nodes) : members_of(nodes, name.data);
}

static json_t *number_step(const json_t *nodes, const char *path, size_t len, size_t *at)
{
    size_t start = *at;
    int64_t n;

    if (path[*at] == '+' || path[*at] == '-')
        ++*at;
    while (*at < len && (path[*at] == '.' || isdigit((unsigned char)path[*at])))
        ++*at;
    cleanup_free char *text = xstrndup(path + start, *at - start);
    if (parse_i64(text[0] == '+' ? text + 1 : text, &n))
        return literal(nodes, json_integer(n));
    char *stop;
    double d = strtod(text, &stop);
    return *stop || stop == text ? NULL : literal(nodes, json_real(d));
}

static json_t *quote_step(const json_t *nodes, const char *path, size_t len, size_t *at)
{
    char quote = path[*at];
    cleanup_buf struct buf text = BUF_INIT;

    buf_add_str(&text, "");
    for (++*at; *at < len && path[*at] != quote; ++*at) {
        if (path[*at] == '\\' && *at + 1 < len)
            ++*at;
        buf_add_char(&text, path[*at]);
    }
    if (*at == len)
        return NULL;
    ++*at;
    json_t *value = json_string(text.data);
    return value ? literal(nodes, value) : NULL;
}

static json_t *word_step(const json_t *nodes, const char *path, size_t len, size_t *at)
{
    size_t start = *at;

    while (*at < len && !ends_name(path[*at]))
        ++*at;
    if (*at - start == 4 && strncmp(path + start, "true", 4) == 0)
        return literal(nodes, json_true());
    if (*at - start == 5 && strncmp(path + start, "false", 5) == 0)
        return literal(nodes, json_false());
    return NULL;
}

static json_t *bracket_step(json_t *nodes, const char *path, size_t len, size_t *at)
{
    const char *close;

    if (len - *at > 3 && strncmp(path + *at, "[?(", 3) == 0) {
        const char *text = path + *at + 3;
        size_t end = filter_end(text, len - *at - 3);
        *at += 3 + end + 2;
        return end ? filtered(nodes, text, end) : NULL;
    }
    close = memchr(path + *at, ']', len - *at);
    if (!close)
        return NULL;
    const char *text = path + *at + 1;
    *at = (size_t)(close - path) + 1;
    return brackets(nodes, text, (size_t)(close - text));
}

static json_t *descent_step(const json_t *nodes, const char *path, size_t len, size_t *at)
{
    json_auto_t *below = NULL;

    *at += 2;
    if (*at < len && path[*at] == '.')
        return NULL;
    below = descendants_of(nodes);
    if (below && *at < len && (isalnum((unsigned char)path[*at]) || path[*at] == '_'))
        return field_step(below, path, len, at);
    return STEAL(below);
}

static json_t *step(json_t *nodes, const char *path, size_t len, size_t *at)
{
    char c = path[*at];

    if (c == ' ' || c == '@' || c == '$') {
        ++*at;
        return json_incref(nodes);
    }
    if (c == '.' && *at + 1 < len && path[*at + 1] == '.')
        return descent_step(nodes, path, len, at);
    if (c == '.') {
        ++*at;
        return field_step(nodes, path, len, at);
    }
    if (c == '[')
        return bracket_step(nodes, path, len, at);
    if (c == '"' || c == '\'')
        return quote_step(nodes, path, len, at);
    if (c == '+' || c == '-' || isdigit((unsigned char)c))
        return number_step(nodes, path, len, at);
    return isalpha((unsigned char)c) || c == '_' ? word_step(nodes, path, len, at) : NULL;
}

static json_t *follow(json_t *nodes, const char *path, size_t len)
{
    json_t *now = json_incref(nodes);

    for (size_t at = 0; now && at < len;) {
        json_t *next = step(now, path, len, &at);
        json_decref(now);
        now = next;
    }
    return now;
}

json_t *jsonpath_find(const json_t *obj, const char *path)
{
    json_auto_t *root = json_array();

    json_array_append(root, (json_t *)obj);
    return follow(root, path, strlen(path));
}
