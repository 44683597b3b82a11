#include "kube/crd_validate.h"

#include <inttypes.h>
#include <math.h>

#include "kube/formats.h"
#include "kube/gvk.h"
#include "kube/keyed_list.h"
#include "kube/names.h"
#include "kube/object.h"
#include "kube/regex.h"

/* Deeper schemas do not come from the decoder; should one, what is below is not checked. */
enum { DEPTH_MAX = 200, TYPES_MAX = 2 };

struct property {
    const char *name;
    struct crd_validator *schema;
};

struct crd_validator {
    const char *types[TYPES_MAX];      /* "integer", "string"; NULL: any */
    const char *format;
    format_fn *check_format;
    struct regex *pattern;
    const char *pattern_text;
    bool nullable, embedded, rules_below;
    bool has_max, has_min, has_multiple, max_excluded, min_excluded;
    double max, min, multiple;
    int64_t max_length, min_length, max_items, min_items, max_members, min_members;      /* INT64_MAX, INT64_MIN: none */
    const json_t *enumeration, *required;
    struct property *properties;       /* by name */
    size_t n_properties;
    struct crd_validator *additional, *items, *not;
    struct crd_validator **all, **any, **one;
    size_t n_all, n_any, n_one;
    enum { LISTED_PLAIN, LISTED_SET, LISTED_MAP } listed;
    const json_t *list_keys;
};

/* ---- compiling ------------------------------------------------------------------------------------- */

struct compiling {
    struct arena *arena;
    bool for_default;
};

static struct crd_validator *compile(const struct compiling *c, const json_t *node, unsigned depth);

static int64_t count_of(const json_t *node, const char *key, int64_t none)
{
    const json_t *v = json_object_get(node, key);
    double n = json_number_value(v);

    if (!json_is_real(v))
        return json_is_integer(v) ? json_integer_value(v) : none;
    return n >= 9e18 ? INT64_MAX : n <= -9e18 ? INT64_MIN : (int64_t)n;
}

static bool flag(const json_t *node, const char *key)
{
    return json_is_true(json_object_get(node, key));
}

static bool number_of(const json_t *node, const char *key, double *ret)
{
    const json_t *v = json_object_get(node, key);

    *ret = json_number_value(v);
    return json_is_number(v);
}

static struct crd_validator **compile_list(const struct compiling *c, const json_t *list, size_t *ret_n, unsigned depth,
                                           bool *below)
{
    size_t n = json_array_size(list);
    struct crd_validator **v = n ? xcalloc(n, sizeof(struct crd_validator *)) : NULL;

    for (size_t i = 0; i < n; i++) {
        v[i] = compile(c, json_array_get(list, i), depth + 1);
        *below |= v[i]->rules_below;
    }
    *ret_n = n;
    return v;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct property *)a)->name, ((const struct property *)b)->name);
}

static void compile_properties(const struct compiling *c, struct crd_validator *v, const json_t *members, unsigned depth)
{
    const char *name;
    json_t *child;

    if (!json_object_size(members))
        return;
    v->properties = xcalloc(json_object_size(members), sizeof(*v->properties));
    json_object_foreach ((json_t *)members, name, child) {
        struct crd_validator *schema = compile(c, child, depth + 1);
        v->rules_below |= schema->rules_below;
        v->properties[v->n_properties++] = (struct property){ name, schema };
    }
    qsort(v->properties, v->n_properties, sizeof(*v->properties), by_name);
}

static struct crd_validator *compile_one(const struct compiling *c, struct crd_validator *v, const json_t *node, unsigned depth)
{
    if (!json_is_object(node))
        return NULL;
    struct crd_validator *child = compile(c, node, depth + 1);
    v->rules_below |= child->rules_below;
    return child;
}

static void compile_texts(const struct compiling *c, struct crd_validator *v, const json_t *node)
{
    const json_t *pattern = json_object_get(node, "pattern");
    const char *type = obj_str(node, "type"), *wrong, *list = obj_str(node, "x-kubernetes-list-type");

    if (*type) {
        v->types[0] = type;
    } else if (flag(node, "x-kubernetes-int-or-string") && !c->for_default) {
        v->types[0] = "integer";
        v->types[1] = "string";
    }
    v->check_format = format_find(obj_str(node, "format"));
    v->format = v->check_format || c->for_default ? obj_str(node, "format") : "";
    if (json_string_length(pattern)) {
        v->pattern_text = json_string_value(pattern);
        v->pattern = regex_new(c->arena, v->pattern_text, json_string_length(pattern), &wrong);
    }
    v->listed = streq(list, "set") ? LISTED_SET : streq(list, "map") ? LISTED_MAP : LISTED_PLAIN;
    v->list_keys = json_object_get(node, "x-kubernetes-list-map-keys");
}

static struct crd_validator *compile(const struct compiling *c, const json_t *node, unsigned depth)
{
    struct crd_validator *v = xcalloc(1, sizeof(*v));

    v->format = "";
    v->max_length = v->max_items = v->max_members = INT64_MAX;
    v->min_length = v->min_items = v->min_members = INT64_MIN;
    if (!json_is_object(node) || depth > DEPTH_MAX)
        return v;
    compile_texts(c, v, node);
    v->nullable = flag(node, "nullable");
    v->embedded = flag(node, "x-kubernetes-embedded-resource");
    v->rules_below = json_array_size(json_object_get(node, "x-kubernetes-validations")) > 0;
    v->has_max = number_of(node, "maximum", &v->max);
    v->has_min = number_of(node, "minimum", &v->min);
    v->has_multiple = number_of(node, "multipleOf", &v->multiple);
    v->max_excluded = flag(node, "exclusiveMaximum");
    v->min_excluded = flag(node, "exclusiveMinimum");
    v->max_length = count_of(node, "maxLength", INT64_MAX);
    v->min_length = count_of(node, "minLength", INT64_MIN);
    v->max_items = count_of(node, "maxItems", INT64_MAX);
    v->min_items = count_of(node, "minItems", INT64_MIN);
    v->max_members = count_of(node, "maxProperties", INT64_MAX);
    v->min_members = count_of(node, "minProperties", INT64_MIN);
    v->enumeration = json_object_get(node, "enum");
    v->required = json_object_get(node, "required");
    compile_properties(c, v, json_object_get(node, "properties"), depth);
    v->additional = compile_one(c, v, json_object_get(node, "additionalProperties"), depth);
    v->items = compile_one(c, v, json_object_get(node, "items"), depth);
    v->not = compile_one(c, v, json_object_get(node, "not"), depth);
    v->all = compile_list(c, json_object_get(node, "allOf"), &v->n_all, depth, &v->rules_below);
    v->any = compile_list(c, json_object_get(node, "anyOf"), &v->n_any, depth, &v->rules_below);
    v->one = compile_list(c, json_object_get(node, "oneOf"), &v->n_one, depth, &v->rules_below);
    return v;
}

struct crd_validator *crd_validator_new(const json_t *openapi)
{
    cleanup_arena struct arena *a = arena_new();

    return compile(&(struct compiling){ a, false }, openapi, 0);
}

struct crd_validator *crd_validator_new_for_default(const json_t *openapi)
{
    cleanup_arena struct arena *a = arena_new();

    return compile(&(struct compiling){ a, true }, openapi, 0);
}

static void free_list(struct crd_validator **v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        crd_validator_free(v[i]);
    free(v);
}

struct crd_validator *crd_validator_free(struct crd_validator *v)
{
    if (!v)
        return NULL;
    regex_free(v->pattern);
    for (size_t i = 0; i < v->n_properties; i++)
        crd_validator_free(v->properties[i].schema);
    free(v->properties);
    crd_validator_free(v->additional);
    crd_validator_free(v->items);
    crd_validator_free(v->not);
    free_list(v->all, v->n_all);
    free_list(v->any, v->n_any);
    free_list(v->one, v->n_one);
    free(v);
    return NULL;
}

const struct crd_validator *crd_validator_property(const struct crd_validator *v, const char *name)
{
    struct property key = { name, NULL }, *found;

    found = v->n_properties ? bsearch(&key, v->properties, v->n_properties, sizeof(key), by_name) : NULL;
    return found ? found->schema : NULL;
}

bool crd_validator_has_rules(const struct crd_validator *v)
{
    return v->rules_below;
}

/* ---- results --------------------------------------------------------------------------------------------- */

/* Alternatives are tried before one knows whether their errors count, so errors wait in lists. */
struct failure {
    struct failure *next;
    enum { BAD_REQUIRED, BAD_ENUM, BAD_LENGTH, BAD_COUNT, BAD_TYPE, BAD_VALUE, BAD_COMBINATION } kind;
    const char *name;                  /* "spec.a[0]": from where the schema starts */
    const json_t *value;
    const char *text;                  /* BAD_TYPE: the value as text, quoted; the others: the sentence */
    const char *message;
    int64_t actual, limit;
    const struct crd_validator *schema;
};

struct result {
    struct failure *first, *last;
    unsigned matched;                  /* checks that held: which alternative came closest */
};

struct run {
    struct arena *arena;
};

/* Where a value stands; a chain on the stack, written out only for a sentence. */
struct place {
    const struct place *up;
    const char *name;                  /* NULL: an element */
    size_t index;
};

static void place_text(struct buf *b, const struct place *p)
{
    if (!p || !p->up)
        return;
    place_text(b, p->up);
    if (!p->name)
        buf_printf(b, "[%zu]", p->index);
    else
        buf_printf(b, "%s%s", p->up->up ? "." : "", p->name);
}

static const char *place_name(struct run *r, const struct place *p)
{
    cleanup_buf struct buf b = BUF_INIT;

    place_text(&b, p);
    return b.data ? arena_strndup(r->arena, b.data, b.len) : "";
}

static struct failure *fail(struct run *r, struct result *res, int kind, const struct place *p)
{
    struct failure *f = arena_alloc(r->arena, sizeof(*f));

    f->kind = kind;
    f->name = place_name(r, p);
    *(res->last ? &res->last->next : &res->first) = f;
    res->last = f;
    return f;
}

static void merge(struct result *into, struct result from)
{
    if (from.first) {
        *(into->last ? &into->last->next : &into->first) = from.first;
        into->last = from.last;
    }
    into->matched += from.matched;
}

static void bad_value(struct run *r, struct result *res, const struct place *p, const json_t *value, const char *fmt,
                      ...) PRINTF(5, 6);
static void bad_value(struct run *r, struct result *res, const struct place *p, const json_t *value, const char *fmt,
                      ...)
{
    struct failure *f = fail(r, res, BAD_VALUE, p);
    va_list args;

    va_start(args, fmt);
    f->message = arena_printf(r->arena, "%s in body %s", f->name, arena_vprintf(r->arena, fmt, args));
    va_end(args);
    f->value = value;
}

static void bad_type(struct run *r, struct result *res, const struct place *p, const char *want, const char *have,
                     size_t len)
{
    struct failure *f = fail(r, res, BAD_TYPE, p);
    cleanup_buf struct buf b = BUF_INIT;

    go_quote(&b, have, len);
    f->text = arena_strndup(r->arena, b.data, b.len);
    f->message = arena_printf(r->arena, "%s in body must be of type %s: %s", f->name, want, f->text);
}

static void bad_combination(struct run *r, struct result *res, const struct place *p, const char *what)
{
    struct failure *f = fail(r, res, BAD_COMBINATION, p);

    f->message = arena_printf(r->arena, "\"%s\" must %s", f->name, what);
}

static const char *go_number(struct run *r, double d)
{
    cleanup_buf struct buf b = BUF_INIT;
    json_auto_t *v = json_real(d);

    go_write_value(&b, v);
    return arena_strndup(r->arena, b.data, b.len);
}

/* ---- keywords --------------------------------------------------------------------------------------------- */

static struct result validate(struct run *r, const struct crd_validator *v, const json_t *value, const json_t *old,
                              const struct place *p);

static const char *type_of(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "object";
    case JSON_ARRAY: return "array";
    case JSON_STRING: return "string";
    case JSON_INTEGER: return "integer";
    case JSON_REAL: return "number";
    case JSON_NULL: return "null";
    default: return "boolean";
    }
}

static bool has_type(const struct crd_validator *v, const char *type)
{
    return (v->types[0] && streq(v->types[0], type)) || (v->types[1] && streq(v->types[1], type));
}

#define JSON_INTEGER_MAX 9007199254740991.0      /* beyond it a float64 is no whole number to the real server */
#define ROUNDING 1e-9                            /* what calculating may have cost it */

static bool is_whole(double d)
{
    if (!(fabs(d) <= JSON_INTEGER_MAX))
        return false;
    return d == trunc(d) || (d >= 1 && (d - floor(d)) / (d + floor(d)) < ROUNDING);
}

static const char *format_of(const json_t *v)
{
    return json_is_integer(v) ? "int64" : json_is_real(v) ? "float64" : "";
}

/* A format speaks for strings and lists unless a number is asked for; of other values it is told when their type is
 * wrong. */
static struct result check_type(struct run *r, const struct crd_validator *v, const json_t *value, const struct place *p)
{
    struct result res = { 0 };
    const char *have = type_of(value), *want = v->types[1] ? "integer,string" : v->types[0] ? v->types[0] : "";
    bool formatted = *v->format, text = json_is_string(value) || json_is_array(value);
    bool fits = has_type(v, have) || (json_is_integer(value) && has_type(v, "number"))
                || (json_is_real(value) && has_type(v, "integer") && is_whole(json_real_value(value)));

    if (json_is_null(value))
        fits = v->nullable || !v->types[0];
    else if (formatted && text && !has_type(v, "number") && !has_type(v, "integer"))
        fits = true;
    else if (formatted && !text && !fits && !streq(format_of(value), v->format))
        have = format_of(value), want = v->format;
    res.matched = fits;
    if (!fits)
        bad_type(r, &res, p, want, have, strlen(have));
    return res;
}

static struct result check_combinations(struct run *r, const struct crd_validator *v, const json_t *value,
                                        const struct place *p)
{
    struct result res = { 0 }, best = { 0 }, each;
    unsigned held = 0;
    bool any = false;

    for (size_t i = 0; i < v->n_any && !any; i++) {
        each = validate(r, v->any[i], value, NULL, p);
        any = !each.first;
        if (any || i == 0 || each.matched > best.matched)
            best = any ? (struct result){ 0 } : each;
    }
    if (v->n_any && !any)
        bad_combination(r, &res, p, "validate at least one schema (anyOf)");
    merge(&res, best);
    best = (struct result){ 0 };
    for (size_t i = 0; i < v->n_one; i++) {
        each = validate(r, v->one[i], value, NULL, p);
        held += !each.first;
        if (!each.first)
            best = each;
        else if (!held && (i == 0 || each.matched > best.matched))
            best = each;
    }
    if (v->n_one && held != 1) {
        bad_combination(r, &res, p, held ? arena_printf(r->arena, "validate one and only one schema (oneOf). "
                                                                  "Found %u valid alternatives", held)
                                         : "validate one and only one schema (oneOf). Found none valid");
        if (!held)
            merge(&res, best);
    }
    held = 0;
    for (size_t i = 0; i < v->n_all; i++) {
        each = validate(r, v->all[i], value, NULL, p);
        held += !each.first;
        merge(&res, each);
    }
    if (held != v->n_all)
        bad_combination(r, &res, p, held ? "validate all the schemas (allOf)"
                                         : "validate all the schemas (allOf). None validated");
    if (v->not && !validate(r, v->not, value, NULL, p).first)
        bad_combination(r, &res, p, "not validate the schema (not)");
    return res;
}

static struct result check_string(struct run *r, const struct crd_validator *v, const json_t *value, const struct place *p)
{
    struct result res = { 0 };
    const char *s = json_string_value(value);
    size_t len = json_string_length(value);
    bool counted = v->max_length < INT64_MAX || v->min_length > INT64_MIN;
    int64_t runes = counted ? (int64_t)rune_count(s, len) : 0;

    if (counted && runes > v->max_length)
        fail(r, &res, BAD_LENGTH, p)->limit = v->max_length;
    else if (counted && runes < v->min_length)
        bad_value(r, &res, p, value, "should be at least %lld chars long", (long long)v->min_length);
    else if (v->pattern && !regex_match(v->pattern, s, len))
        bad_value(r, &res, p, value, "should match '%s'", v->pattern_text);
    return res;
}

static struct result check_format(struct run *r, const struct crd_validator *v, const json_t *value, const struct place *p)
{
    struct result res = { 0 };

    if (!v->check_format(json_string_value(value), json_string_length(value)))
        bad_type(r, &res, p, v->format, json_string_value(value), json_string_length(value));
    return res;
}

/* A number as an integer, as Go converts it: its whole part, and beyond int64 what the processor makes of it. */
static int64_t bound_of(double d)
{
    return d >= -0x1p63 && d < 0x1p63 ? (int64_t)d : INT64_MIN;
}

static void must_be_positive(struct run *r, struct result *res, const struct place *p, const char *factor)
{
    struct failure *f = fail(r, res, BAD_VALUE, p);

    f->text = factor;
    f->message = arena_printf(r->arena, "factor MultipleOf declared for %s must be positive: %s", f->name, factor);
}

static const char *integer_text(struct run *r, int64_t n)
{
    return arena_printf(r->arena, "%" PRId64, n);
}

static struct result check_integer(struct run *r, const struct crd_validator *v, const json_t *value, const struct place *p)
{
    struct result res = { .matched = 1 };
    int64_t n = json_integer_value(value), max = bound_of(v->max), min = bound_of(v->min), factor = bound_of(v->multiple);

    if (v->has_multiple && factor <= 0)
        must_be_positive(r, &res, p, integer_text(r, factor));
    else if (v->has_multiple && n % factor != 0)
        bad_value(r, &res, p, value, "should be a multiple of %s", integer_text(r, factor));
    if (v->has_max && (v->max_excluded ? n >= max : n > max))
        bad_value(r, &res, p, value, "should be less than %s%s", v->max_excluded ? "" : "or equal to ", integer_text(r, max));
    if (v->has_min && (v->min_excluded ? n <= min : n < min))
        bad_value(r, &res, p, value, "should be greater than %s%s", v->min_excluded ? "" : "or equal to ",
                  integer_text(r, min));
    return res;
}

static struct result check_real(struct run *r, const struct crd_validator *v, const json_t *value, const struct place *p)
{
    struct result res = { .matched = 1 };
    double d = json_real_value(value), factor = v->multiple;

    if (v->has_multiple && factor <= 0)
        must_be_positive(r, &res, p, go_number(r, factor));
    else if (v->has_multiple && !is_whole(factor < 1 ? 1 / factor * d : d / factor))
        bad_value(r, &res, p, value, "should be a multiple of %s", go_number(r, factor));
    if (v->has_max && (v->max_excluded ? d >= v->max : d > v->max))
        bad_value(r, &res, p, value, "should be less than %s%s", v->max_excluded ? "" : "or equal to ", go_number(r, v->max));
    if (v->has_min && (v->min_excluded ? d <= v->min : d < v->min))
        bad_value(r, &res, p, value, "should be greater than %s%s", v->min_excluded ? "" : "or equal to ",
                  go_number(r, v->min));
    return res;
}

static void bad_count(struct run *r, struct result *res, const struct place *p, size_t n, int64_t max)
{
    struct failure *f = fail(r, res, BAD_COUNT, p);

    f->actual = (int64_t)n;
    f->limit = max;
}

static void too_few(struct run *r, struct result *res, const struct place *p, size_t n, int64_t min, const char *what)
{
    struct failure *f = fail(r, res, BAD_VALUE, p);

    f->text = arena_printf(r->arena, "%zu", n);
    f->message = arena_printf(r->arena, "%s in body should have at least %lld %s", f->name, (long long)min, what);
}

static struct result check_list(struct run *r, const struct crd_validator *v, const json_t *value, const json_t *old,
                                const struct place *p)
{
    struct result res = { 0 };
    struct keyed_list before = { .keys = v->list_keys, .list = old };
    size_t n = json_array_size(value);

    for (size_t i = 0; v->items && i < n; i++) {
        struct place here = { .up = p, .index = i };
        const json_t *item = json_array_get(value, i), *was = NULL;
        struct result each = validate(r, v->items, item, NULL, &here);
        /* What it was before matters only when something is wrong. */
        if (each.first && v->listed == LISTED_MAP && json_is_array(old)
            && (was = keyed_list_find(r->arena, &before, item)))
            each = validate(r, v->items, item, was, &here);
        merge(&res, each);
    }
    if ((int64_t)n < v->min_items)
        too_few(r, &res, p, n, v->min_items, "items");
    if ((int64_t)n > v->max_items)
        bad_count(r, &res, p, n, v->max_items);
    return res;
}

/* The rune of a number: what Go makes of one that is converted to a string. */
static bool is_rune(const json_t *number, const json_t *text)
{
    int64_t n = json_integer_value(number);
    bool rune = n >= 0 && n <= 0x10ffff && (n < 0xd800 || n > 0xdfff);
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_rune(&b, rune ? (unsigned)n : 0xfffd);
    return json_string_length(text) == b.len && memcmp(json_string_value(text), b.data, b.len) == 0;
}

/* Whether a value is what is allowed, or becomes it when Go converts it to that type. */
static bool is_allowed(const json_t *value, const json_t *allowed)
{
    if (json_is_null(value))
        return false;
    if (json_is_real(value) && json_is_integer(allowed))
        return bound_of(json_real_value(value)) == json_integer_value(allowed);
    if (json_is_integer(value) && json_is_real(allowed))
        return (double)json_integer_value(value) == json_real_value(allowed);
    if (json_is_integer(value) && json_is_string(allowed))
        return is_rune(value, allowed);
    return json_same(allowed, value);
}

static struct result check_enum(struct run *r, const struct crd_validator *v, const json_t *value, const struct place *p)
{
    struct result res = { 0 };
    size_t i;
    json_t *allowed;

    json_array_foreach ((json_t *)v->enumeration, i, allowed)
        if (is_allowed(value, allowed))
            return res;
    struct failure *f = fail(r, &res, BAD_ENUM, p);
    f->value = value;
    f->schema = v;
    return res;
}

static int by_key_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Members that no property describes, by name. */
static void check_additional(struct run *r, const struct crd_validator *v, const json_t *value, const json_t *old,
                             const struct place *p, struct result *res)
{
    size_t n = 0;
    const char **keys = arena_alloc(r->arena, (json_object_size(value) + 1) * sizeof(*keys)), *key;
    json_t *member;

    json_object_foreach ((json_t *)value, key, member)
        if (!crd_validator_property(v, key))
            keys[n++] = key;
    qsort(keys, n, sizeof(*keys), by_key_text);
    for (size_t i = 0; i < n; i++) {
        struct place here = { .up = p, .name = keys[i] };
        merge(res, validate(r, v->additional, json_object_get(value, keys[i]), json_object_get(old, keys[i]), &here));
    }
}

static struct result check_object(struct run *r, const struct crd_validator *v, const json_t *value, const json_t *old,
                                  const struct place *p)
{
    struct result res = { 0 };
    size_t n = json_object_size(value), i;
    json_t *name;

    if ((int64_t)n < v->min_members)
        too_few(r, &res, p, n, v->min_members, "properties");
    if ((int64_t)n > v->max_members)
        bad_count(r, &res, p, n, v->max_members);
    if (v->additional)
        check_additional(r, v, value, old, p, &res);
    for (i = 0; i < v->n_properties; i++) {
        struct place here = { .up = p, .name = v->properties[i].name };
        const json_t *member = json_object_get(value, here.name);
        if (member)
            merge(&res, validate(r, v->properties[i].schema, member, json_object_get(old, here.name), &here));
    }
    json_array_foreach ((json_t *)v->required, i, name) {
        struct place here = { .up = p, .name = json_string_value(name) };
        if (here.name && !json_object_get(value, here.name))
            fail(r, &res, BAD_REQUIRED, &here);
    }
    return res;
}

static void step(struct result *res, struct result each)
{
    merge(res, each);
    res->matched++;
}

static struct result validate(struct run *r, const struct crd_validator *v, const json_t *value, const json_t *old,
                              const struct place *p)
{
    struct result res = { 0 };

    if (v->types[0] || *v->format)
        step(&res, check_type(r, v, value, p));
    if (!json_is_null(value)) {
        step(&res, check_combinations(r, v, value, p));
        if (json_is_string(value)) {
            step(&res, check_string(r, v, value, p));
            if (v->check_format)
                step(&res, check_format(r, v, value, p));
        }
        if (json_is_integer(value))
            step(&res, check_integer(r, v, value, p));
        if (json_is_real(value))
            step(&res, check_real(r, v, value, p));
        if (json_is_array(value))
            step(&res, check_list(r, v, value, old, p));
    }
    if (json_array_size(v->enumeration))
        step(&res, check_enum(r, v, value, p));
    if (json_is_object(value))
        step(&res, check_object(r, v, value, old, p));
    if (res.first && old && json_same(value, old))       /* F-133: it was so before */
        res.first = res.last = NULL;
    return res;
}

/* ---- results become field errors ---------------------------------------------------------------------- */

static void enum_error(struct fielderrs *errs, const struct fpath *at, const struct failure *f)
{
    const json_t *list = f->schema->enumeration;
    size_t n = json_array_size(list);
    const char **supported = arena_alloc(errs->arena, (n + 1) * sizeof(*supported));

    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        supported[i] = json_is_string(v) ? json_string_value(v) : json_arena_text(errs->arena, v, JSON_WRITE_SORTED);
    }
    json_auto_t *value = json_sorted(f->value);
    fielderr_not_supported(errs, at, value, supported);
}

static void add_error(struct fielderrs *errs, const struct fpath *path, const struct failure *f)
{
    const struct fpath *nowhere = path ? path : FP_CHILD(NULL, "<nil>");
    const struct fpath *at = *f->name ? FP_CHILD(path, f->name) : nowhere;

    switch (f->kind) {
    case BAD_REQUIRED: fielderr_required(errs, at, ""); break;
    case BAD_ENUM: enum_error(errs, at, f); break;
    case BAD_LENGTH: fielderr_too_long(errs, at, f->limit); break;
    case BAD_COUNT: fielderr_too_many(errs, at, f->actual, f->limit); break;
    case BAD_TYPE: fielderr_type_invalid(errs, at, f->text, "%s", f->message); break;
    case BAD_COMBINATION: fielderr_invalid_str(errs, nowhere, "", "%s", f->message); break;
    case BAD_VALUE:
        if (f->value)
            fielderr_invalid(errs, at, f->value, "%s", f->message);
        else
            fielderr_invalid_raw(errs, at, f->text, "%s", f->message);
        break;
    }
}

/* ---- embedded resources ------------------------------------------------------------------------------- */

static const char kind_rule[] = "may have mixed case, but should otherwise match: %s";

static void check_kind(struct fielderrs *errs, const struct fpath *path, const json_t *kind)
{
    struct name_problems problems;
    char *lower = xstrdup(json_string_value(kind));

    for (char *c = lower; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    if (!name_check_str(NAME_DNS1035_LABEL, lower, &problems))
        fielderr_invalid(errs, path, kind, kind_rule, problems.v[0]);
    free(lower);
}

static void check_names(struct fielderrs *errs, const struct fpath *path, const json_t *map, bool values)
{
    struct name_problems problems;
    const char *key;
    json_t *v;

    json_object_foreach ((json_t *)map, key, v) {
        if (!name_check_str(NAME_QUALIFIED, key, &problems))
            for (size_t i = 0; i < problems.n; i++)
                fielderr_invalid_str(errs, path, key, "%s", problems.v[i]);
        if (values && !name_check_json(NAME_LABEL_VALUE, v, &problems))
            for (size_t i = 0; i < problems.n; i++)
                fielderr_invalid(errs, path, v, "%s", problems.v[i]);
    }
}

static void check_embedded(struct fielderrs *errs, const struct fpath *path, const json_t *obj)
{
    const json_t *version = json_object_get(obj, "apiVersion"), *kind = json_object_get(obj, "kind");
    const json_t *meta = json_object_get(obj, "metadata");
    char group[256], text[64];

    if (!json_string_length(version))
        fielderr_required(errs, FP_CHILD(path, "apiVersion"), "");
    else if (!api_version_split(json_string_value(version), group, text))
        fielderr_invalid(errs, FP_CHILD(path, "apiVersion"), version, "unexpected GroupVersion string: %s",
                         json_string_value(version));
    if (!json_string_length(kind))
        fielderr_required(errs, FP_CHILD(path, "kind"), "");
    else
        check_kind(errs, FP_CHILD(path, "kind"), kind);
    check_names(errs, FP_CHILD(FP_CHILD(path, "metadata"), "labels"), json_object_get(meta, "labels"), true);
    check_names(errs, FP_CHILD(FP_CHILD(path, "metadata"), "annotations"), json_object_get(meta, "annotations"), false);
}

/* ---- sets and keyed lists ------------------------------------------------------------------------------ */

/* What tells an element from the others: itself, or an object of its keys. New reference. */
static json_t *identity(const struct crd_validator *v, const json_t *item)
{
    if (v->listed == LISTED_SET)
        return json_incref((json_t *)item);
    json_t *id = json_object();
    size_t i;
    json_t *key;
    json_array_foreach ((json_t *)v->list_keys, i, key) {
        json_t *part = json_object_get(item, json_string_value(key));
        if (part)
            json_object_set(id, json_string_value(key), part);
    }
    return id;
}

struct hashed {
    uint64_t hash;
    size_t at;
    json_t *id;
};

static int by_hash(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;

    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : (x->at > y->at) - (x->at < y->at);
}

static void check_unique(const struct crd_validator *v, const struct fpath *path, const json_t *list,
                         struct fielderrs *errs)
{
    size_t n = json_array_size(list);
    struct hashed *h = xcalloc(n + 1, sizeof(*h));
    bool *twice = xcalloc(n + 1, sizeof(*twice));

    for (size_t i = 0; i < n; i++) {
        h[i].at = i;
        h[i].id = identity(v, json_array_get(list, i));
        h[i].hash = json_hash(0, h[i].id);
    }
    qsort(h, n, sizeof(*h), by_hash);
    /* The second of a kind is told, not those after it. */
    for (size_t i = 1, first = 0; i < n; i++) {
        if (h[i].hash != h[first].hash || !json_same(h[i].id, h[first].id))
            first = i;
        else if (i == first + 1)
            twice[h[i].at] = true;
    }
    for (size_t i = 0; i < n; i++) {
        json_auto_t *id = twice[i] ? identity(v, json_array_get(list, i)) : NULL;
        if (id) {
            json_auto_t *sorted = json_sorted(id);
            fielderr_duplicate(errs, FP_INDEX(path, i), sorted);
        }
    }
    for (size_t i = 0; i < n; i++)
        json_decref(h[i].id);
    free(h);
    free(twice);
}

/* Keyed elements are objects (or null); else the first that is not is told, and no more. */
static bool check_elements(const struct fpath *path, const json_t *list, struct fielderrs *errs)
{
    size_t i;
    json_t *item;

    json_array_foreach ((json_t *)list, i, item)
        if (!json_is_object(item) && !json_is_null(item)) {
            fielderr_invalid(errs, FP_INDEX(path, i), item, "must be an object for an array of list-type map");
            return false;
        }
    return true;
}

enum walk { WALK_EMBEDDED, WALK_LISTS };

static void walk(const struct crd_validator *v, enum walk what, const struct fpath *path, const json_t *obj,
                 struct fielderrs *errs)
{
    const char *key;
    json_t *child;

    if (json_is_object(obj)) {
        if (what == WALK_EMBEDDED && v->embedded)
            check_embedded(errs, path, obj);
        json_object_foreach ((json_t *)obj, key, child) {
            const struct crd_validator *below = crd_validator_property(v, key);
            if (below)
                walk(below, what, FP_CHILD(path, key), child, errs);
            else if (v->additional)
                walk(v->additional, what, FP_KEY(path, key), child, errs);
        }
    }
    if (json_is_array(obj)) {
        if (what == WALK_LISTS && v->listed != LISTED_PLAIN &&
            (v->listed == LISTED_SET || check_elements(path, obj, errs)))
            check_unique(v, path, obj, errs);
        for (size_t i = 0; v->items && i < json_array_size(obj); i++)
            walk(v->items, what, FP_INDEX(path, i), json_array_get(obj, i), errs);
    }
}

/* ---- the doors -------------------------------------------------------------------------------------------- */

void crd_validate_keywords(const struct crd_validator *v, const struct fpath *path, const json_t *obj, const json_t *old,
                           struct fielderrs *errs)
{
    struct run r = { .arena = errs->arena };
    struct place root = { 0 };
    struct result res = validate(&r, v, obj, old, &root);

    for (const struct failure *f = res.first; f; f = f->next)
        add_error(errs, path, f);
}

void crd_validate_embedded(const struct crd_validator *v, const struct fpath *path, const json_t *obj,
                           struct fielderrs *errs)
{
    walk(v, WALK_EMBEDDED, path, obj, errs);
}

/* Old trouble of any kind excuses all that is new (F-133). */
void crd_validate_lists(const struct crd_validator *v, const struct fpath *path, const json_t *obj, const json_t *old,
                        struct fielderrs *errs)
{
    struct fielderrs before = FIELDERRS_IN(errs->arena);

    if (old)
        walk(v, WALK_LISTS, path, old, &before);
    if (!before.n)
        walk(v, WALK_LISTS, path, obj, errs);
}

void crd_validate(const struct crd_validator *v, const struct fpath *path, const json_t *obj, const json_t *old,
                  struct fielderrs *errs)
{
    crd_validate_keywords(v, path, obj, old, errs);
    crd_validate_embedded(v, path, obj, errs);
    crd_validate_lists(v, path, obj, old, errs);
}

bool crd_rules_blocked(const struct fielderrs *errs)
{
    static const char *const blocking[] = { "FieldValueRequired", "FieldValueTypeInvalid",
                                            "FieldValueNotSupported", "FieldValueTooLong", "FieldValueTooMany" };

    for (size_t i = 0; i < errs->n; i++)
        for (size_t k = 0; k < ARRAY_SIZE(blocking); k++)
            if (streq(errs->v[i].reason, blocking[k]))
                return true;
    return false;
}

void crd_note_rules_blocked(struct fielderrs *errs)
{
    fielderr_invalid_raw(errs, FP_CHILD(NULL, "<nil>"), "null",
                         "some validation rules were not checked because the object was invalid; correct the existing "
                         "errors to complete validation");
}
