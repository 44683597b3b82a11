#include "kube/selector.h"

#include "world/buf.h"

struct part {
    const char *s;
    size_t len;
};

typedef DYN(struct part) parts_t;

static int compare_parts(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    int order = memcmp(x->s, y->s, x->len < y->len ? x->len : y->len);

    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* At the commas that no backslash precedes; sorted, as errors are about the first in that order. */
static void split_terms(const char *text, size_t len, parts_t *parts)
{
    size_t start = 0;
    bool escaped = false;

    for (size_t i = 0; i < len; i++) {
        if (escaped) {
            escaped = false;
        } else if (text[i] == '\\') {
            escaped = true;
        } else if (text[i] == ',') {
            *dyn_push(parts) = (struct part){ text + start, i - start };
            start = i + 1;
        }
    }
    *dyn_push(parts) = (struct part){ text + start, len - start };
    qsort(parts->v, parts->n, sizeof(*parts->v), compare_parts);
}

/* How many bytes the character at `s` has. */
static size_t rune_len(const char *s, size_t left)
{
    unsigned char c = (unsigned char)*s;
    size_t n = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return n < left ? n : left;
}

static int unescape(struct arena *arena, struct part value, const char **ret, struct apierr *err)
{
    char *out = arena_alloc(arena, value.len + 1), *at = out;

    for (size_t i = 0; i < value.len; i++) {
        char c = value.s[i];

        if (c == ',' || c == '=')
            return apierr_set(err, APIERR_BAD_REQUEST,
                              "invalid field selector: unescaped character in value: %d", c);
        if (c == '\\') {
            i++;
            c = i < value.len ? value.s[i] : 0;
            if (i == value.len || (c != '\\' && c != ',' && c != '='))
                return apierr_set(err, APIERR_BAD_REQUEST,
                                  "invalid field selector: invalid escape sequence: \\%.*s",
                                  i < value.len ? (int)rune_len(value.s + i, value.len - i) : 0,
                                  value.s + i);
        }
        *at++ = c;
    }
    *at = 0;
    *ret = out;
    return 0;
}

/* Splits at the first operator. */
static bool split_term(struct arena *arena, struct part term, struct field_term *ret, struct part *value)
{
    for (size_t i = 0; i < term.len; i++) {
        bool twice = i + 1 < term.len && term.s[i + 1] == '=';
        size_t op = term.s[i] == '!' && twice ? 2 : term.s[i] == '=' ? 1 + (size_t)twice : 0;

        if (!op)
            continue;
        ret->field = arena_strndup(arena, term.s, i);
        ret->negated = term.s[i] == '!';
        *value = (struct part){ term.s + i + op, term.len - i - op };
        return true;
    }
    return false;
}

int field_selector_parse(struct arena *arena, const char *text, size_t len, struct field_selector *ret,
                         struct apierr *err)
{
    parts_t parts = { 0 };
    struct field_term *terms;
    size_t n = 0;
    int r = 0;

    split_terms(text, len, &parts);
    terms = arena_alloc(arena, parts.n * sizeof(*terms));
    for (size_t i = 0; i < parts.n && r == 0; i++) {
        struct part value;

        if (!parts.v[i].len)
            continue;
        if (split_term(arena, parts.v[i], &terms[n], &value))
            r = unescape(arena, value, &terms[n++].value, err);
        else
            r = apierr_set(err, APIERR_BAD_REQUEST, "invalid selector: '%.*s'; can't understand '%.*s'",
                           (int)len, text, (int)parts.v[i].len, parts.v[i].s);
    }
    dyn_release(&parts);
    if (r == 0)
        *ret = (struct field_selector){ terms, n };
    return r;
}

const char *field_selector_format(struct arena *arena, const struct field_selector *s)
{
    cleanup_buf struct buf b = BUF_INIT;

    for (size_t i = 0; i < s->n; i++) {
        buf_printf(&b, "%s%s%s", i ? "," : "", s->v[i].field, s->v[i].negated ? "!=" : "=");
        for (const char *v = s->v[i].value; *v; v++) {
            if (strchr("\\,=", *v))
                buf_add_char(&b, '\\');
            buf_add_char(&b, *v);
        }
    }
    return arena_strndup(arena, b.data ? b.data : "", b.len);
}

static size_t count_of(const struct field_selector *s, const struct field_term *t)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        n += s->v[i].negated == t->negated && streq(s->v[i].field, t->field) &&
             streq(s->v[i].value, t->value);
    return n;
}

/* The order of terms means nothing. */
bool field_selector_equal(const struct field_selector *a, const struct field_selector *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (count_of(a, &a->v[i]) != count_of(b, &a->v[i]))
            return false;
    return true;
}

bool field_selector_matches(const struct field_selector *s, field_value_fn *get, void *arg)
{
    for (size_t i = 0; i < s->n; i++)
        if (streq(get(arg, s->v[i].field), s->v[i].value) == s->v[i].negated)
            return false;
    return true;
}

const char *field_selector_exact(const struct field_selector *s, const char *field)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->v[i].negated && streq(s->v[i].field, field))
            return s->v[i].value;
    return NULL;
}
