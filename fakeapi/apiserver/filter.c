#include "fakeapi/apiserver/server.h"

#include "kube/nul.h"

#include "kube/selector.h"

#include <stdio.h>

/* What a list or a watch shows: a label and a field selector (section D). */

struct filter {
    struct arena *own;                 /* of a kept one; NULL: the call's */
    const char *labels_text, *fields_text;
    const struct kind *kind;
    struct label_selector labels;
    struct field_selector fields;
};

/* Cluster-scoped kinds that are custom, or have fields of their own, do not know a namespace; the others do. */
static bool common_field(const struct kind *k, const char *field)
{
    return streq(field, "metadata.name") ||
           (streq(field, "metadata.namespace") && (k->res.namespaced || (!k->n_fields && !kind_custom(k))));
}

/* "=" alone says nothing, and so does "!=". */
static bool empty_term(const struct field_term *t)
{
    return !*t->field && !*t->value;
}

static void drop_empty_terms(struct arena *a, struct field_selector *s)
{
    struct field_term *kept = arena_alloc(a, (s->n + 1) * sizeof(*kept));
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        if (!empty_term(&s->v[i]))
            kept[n++] = s->v[i];
    *s = (struct field_selector){ kept, n };
}

static const struct selectable *own_field(const struct kind *k, const char *field)
{
    for (size_t i = 0; i < k->n_fields; i++)
        if (streq(k->fields[i].label, field))
            return &k->fields[i];
    return NULL;
}

/* Kinds with fields of their own refuse in other words than those without (D-021). */
static int unknown_field(struct call *c, const struct kind *k, const char *field)
{
    if (streq(k->res.group, "batch") && k->n_fields)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "field label \"%s\" not supported for %s", field, k->res.kind);
    if (k->n_fields || kind_custom(k))
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "field label not supported: %s", field);
    return apierr_set(&c->err, APIERR_BAD_REQUEST,
                      "\"%s\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", field);
}

static int parse(struct arena *a, const struct kind *k, const char *labels, const char *fields, struct filter *f,
                 struct apierr *err)
{
    int r;

    f->kind = k;
    f->labels_text = arena_strdup(a, labels);
    f->fields_text = arena_strdup(a, fields);
    char *text = arena_strdup(a, f->labels_text);
    if ((r = label_selector_parse(a, text, nul_show(text), &f->labels, err)) < 0)
        return r;
    if ((r = field_selector_parse(a, f->fields_text, strlen(fields), &f->fields, err)) == 0)
        drop_empty_terms(a, &f->fields);
    return r;
}

int filter_parse(struct call *c, const struct kind *k, const char *labels, const char *fields, struct filter **ret)
{
    struct filter *f = arena_alloc(c->arena, sizeof(*f));

    *ret = NULL;
    if (!*labels && !*fields)
        return 0;
    int r = parse(c->arena, k, labels, fields, f, &c->err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < f->fields.n; i++)
        if (!common_field(k, f->fields.v[i].field) && !own_field(k, f->fields.v[i].field))
            return unknown_field(c, k, f->fields.v[i].field);
    if (f->labels.n || f->labels.nothing || f->fields.n)
        *ret = f;
    return 0;
}

int filter_check(struct call *c, const char *labels, const char *fields)
{
    struct filter *f = arena_alloc(c->arena, sizeof(*f));

    return *labels || *fields ? parse(c->arena, c->route.kind, labels, fields, f, &c->err) : 0;
}

struct filter *filter_keep(const struct filter *f)
{
    if (!f)
        return NULL;
    struct arena *a = arena_new();
    struct filter *kept = arena_alloc(a, sizeof(*kept));
    int r = parse(a, f->kind, f->labels_text, f->fields_text, kept, NULL);
    assert(r == 0);                    /* it was parsed before */
    kept->own = a;
    return kept;
}

struct filter *filter_free(struct filter *f)
{
    if (f)
        arena_free(f->own);
    return NULL;
}

/* ---- matching ----------------------------------------------------------------------------------- */

struct field_source {
    const struct kind *kind;
    const json_t *obj;
    char number[32];
};

static const char *field_value(void *arg, const char *field)
{
    struct field_source *s = arg;

    if (streq(field, "metadata.name"))
        return obj_name(s->obj);
    if (streq(field, "metadata.namespace"))
        return obj_namespace(s->obj);
    const struct selectable *sel = own_field(s->kind, field);
    if (!sel)
        return "";
    const json_t *v = json_path(s->obj, sel->path ? sel->path : sel->label);
    if (sel->otherwise && !json_string_length(v))
        v = json_path(s->obj, sel->otherwise);
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_STRING:
        return json_string_value(v);
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_INTEGER:
        snprintf(s->number, sizeof(s->number), "%lld", (long long)json_integer_value(v));
        return s->number;
    default:
        return sel->absent ? sel->absent : "";
    }
}

bool filter_match(const struct filter *f, const struct kind *k, const json_t *obj)
{
    if (!label_selector_everything(&f->labels) && !label_selector_matches(&f->labels, obj_labels(obj)))
        return false;
    if (!f->fields.n)
        return true;
    struct field_source s = { .kind = k, .obj = obj };
    return field_selector_matches(&f->fields, field_value, &s);
}

const char *filter_name(const struct filter *f)
{
    return f ? field_selector_exact(&f->fields, "metadata.name") : NULL;
}

const char *filter_namespace(const struct filter *f)
{
    return f ? field_selector_exact(&f->fields, "metadata.namespace") : NULL;
}
