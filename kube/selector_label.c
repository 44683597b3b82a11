#include "kube/selector.h"

#include "kube/names.h"
#include "world/buf.h"

/* ---- tokens ----------------------------------------------------------------------------------- */

enum token {
    TOKEN_END, TOKEN_IDENTIFIER, TOKEN_IN, TOKEN_NOT_IN, TOKEN_CLOSE, TOKEN_COMMA, TOKEN_NOT,
    TOKEN_DOUBLE_EQUALS, TOKEN_EQUALS, TOKEN_GREATER, TOKEN_LESS, TOKEN_NOT_EQUALS, TOKEN_OPEN
};

struct item {
    enum token token;
    const char *text;                            /* in the arena */
    size_t len;
};

struct parser {
    struct arena *arena;
    struct apierr *err;
    const char *at, *end;
    struct item now;                             /* looked at, not yet consumed */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_symbol(char c)
{
    return c && strchr("=!(),><", c);
}

static enum token symbol(const char *s, size_t left, size_t *len)
{
    static const struct {
        const char *text;
        enum token token;
    } symbols[] = {
        { "==", TOKEN_DOUBLE_EQUALS }, { "!=", TOKEN_NOT_EQUALS }, { "=", TOKEN_EQUALS },
        { "!", TOKEN_NOT }, { "(", TOKEN_OPEN }, { ")", TOKEN_CLOSE }, { ",", TOKEN_COMMA },
        { ">", TOKEN_GREATER }, { "<", TOKEN_LESS },
    };
    size_t i = 0;

    while (strlen(symbols[i].text) > left || memcmp(s, symbols[i].text, strlen(symbols[i].text)) != 0)
        i++;                                     /* ends: every symbol stands alone in the table */
    *len = strlen(symbols[i].text);
    return symbols[i].token;
}

/* The next item into p->now. A NUL ends the text or the word, as it does for apimachinery. */
static void advance(struct parser *p)
{
    const char *start;
    enum token token = TOKEN_END;
    size_t len = 0;

    while (p->at < p->end && is_space(*p->at))
        p->at++;
    start = p->at;
    if (p->at < p->end && is_symbol(*p->at)) {
        token = symbol(p->at, (size_t)(p->end - p->at), &len);
        p->at += len;
    } else if (p->at < p->end && *p->at) {
        while (p->at < p->end && *p->at && !is_symbol(*p->at) && !is_space(*p->at))
            p->at++;
        len = (size_t)(p->at - start);
        token = len == 2 && !memcmp(start, "in", 2)      ? TOKEN_IN
                : len == 5 && !memcmp(start, "notin", 5) ? TOKEN_NOT_IN
                                                         : TOKEN_IDENTIFIER;
        if (p->at < p->end && !*p->at)
            p->at++;
    }
    p->now = (struct item){ token, arena_strndup(p->arena, start, len), len };
    if (token == TOKEN_END)
        p->at = p->end;
}

static struct item consume(struct parser *p)
{
    struct item item = p->now;

    advance(p);
    return item;
}

/* Everywhere but where an operator is expected "in" and "notin" are words like others. */
static bool is_word(const struct item *item)
{
    return item->token == TOKEN_IDENTIFIER || item->token == TOKEN_IN || item->token == TOKEN_NOT_IN;
}

static int found(struct parser *p, const struct item *item, const char *expected)
{
    return apierr_set(p->err, APIERR_BAD_REQUEST, "found '%s'%s", item->text, expected);
}

/* ---- requirements ----------------------------------------------------------------------------- */

typedef DYN(const char *) values_t;

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted and distinct, in the arena. */
static void keep_values(struct arena *arena, values_t *values, struct label_requirement *r)
{
    size_t n = 0;

    if (values->n)
        qsort(values->v, values->n, sizeof(*values->v), compare_texts);
    for (size_t i = 0; i < values->n; i++)
        if (!n || !streq(values->v[n - 1], values->v[i]))
            values->v[n++] = values->v[i];
    r->values = arena_memdup(arena, values->v, n * sizeof(*values->v));
    r->n_values = n;
}

/* As strconv.ParseInt takes it. */
static bool parse_bound(const char *s, int64_t *ret)
{
    bool negative = *s == '-';
    uint64_t v = 0, max = (uint64_t)INT64_MAX + negative;

    if (*s == '-' || *s == '+')
        s++;
    if (!*s)
        return false;
    for (; *s; s++) {
        unsigned digit = (unsigned)(*s - '0');

        if (digit > 9 || v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

/* Problems of one requirement, each as a field error prints: path, value, sentence. */
struct complaints {
    struct buf text;
    size_t n;
};

static void complain(struct complaints *c, const char *field, size_t index, const char *key,
                     const char *value, const char *why)
{
    if (c->n++)
        buf_add_str(&c->text, ", ");
    if (!field)
        buf_add_str(&c->text, "<nil>");
    else if (key)
        buf_printf(&c->text, "%s[%zu][%s]", field, index, key);
    else
        buf_printf(&c->text, "%s[%zu]", field, index);
    buf_add_str(&c->text, ": Invalid value: ");
    go_quote(&c->text, value, strlen(value));
    buf_printf(&c->text, ": %s", why);
}

static int complaints_error(struct parser *p, struct complaints *c)
{
    int r = 0;

    if (c->n)
        r = apierr_set(p->err, APIERR_BAD_REQUEST, c->n > 1 ? "[%s]" : "%s", c->text.data);
    buf_release(&c->text);
    return r;
}

static int check_key(struct parser *p, const struct item *key)
{
    struct complaints c = { 0 };
    struct name_problems problems;

    if (!name_check(NAME_QUALIFIED, key->text, key->len, &problems)) {
        cleanup_free char *why = name_problems_join(&problems);

        complain(&c, NULL, 0, NULL, key->text, why);
    }
    return complaints_error(p, &c);
}

static int check_values(struct parser *p, struct label_requirement *r)
{
    struct complaints c = { 0 };
    struct name_problems problems;
    bool ordered = r->op == LABEL_GREATER || r->op == LABEL_LESS;

    if (ordered && !parse_bound(r->values[0], &r->bound))
        complain(&c, "values", 0, NULL, r->values[0],
                 "for 'Gt', 'Lt' operators, the value must be an integer");
    for (size_t i = 0; i < r->n_values; i++)
        if (!name_check_str(NAME_LABEL_VALUE, r->values[i], &problems)) {
            cleanup_free char *why = name_problems_join(&problems);

            complain(&c, "values", i, r->key, r->values[i], why);
        }
    return complaints_error(p, &c);
}

static int parse_operator(struct parser *p, enum label_op *ret)
{
    struct item item = consume(p);

    switch (item.token) {
    case TOKEN_IN: *ret = LABEL_IN; return 0;
    case TOKEN_NOT_IN: *ret = LABEL_NOT_IN; return 0;
    case TOKEN_EQUALS: *ret = LABEL_EQUALS; return 0;
    case TOKEN_DOUBLE_EQUALS: *ret = LABEL_DOUBLE_EQUALS; return 0;
    case TOKEN_NOT_EQUALS: *ret = LABEL_NOT_EQUALS; return 0;
    case TOKEN_GREATER: *ret = LABEL_GREATER; return 0;
    case TOKEN_LESS: *ret = LABEL_LESS; return 0;
    default: return found(p, &item, ", expected: in, notin, =, ==, !=, gt, lt");
    }
}

/* After "(": "a,b)", with empty values where nothing stands between commas. */
static int parse_list(struct parser *p, values_t *values)
{
    for (;;) {
        struct item item = consume(p);

        if (is_word(&item)) {
            *dyn_push(values) = item.text;
            if (p->now.token == TOKEN_CLOSE)
                return 0;
            if (p->now.token != TOKEN_COMMA)
                return found(p, &p->now, ", expected: ',' or ')'");
        } else if (item.token == TOKEN_COMMA) {
            if (!values->n)
                *dyn_push(values) = "";
            if (p->now.token == TOKEN_CLOSE || p->now.token == TOKEN_COMMA)
                *dyn_push(values) = "";
            if (p->now.token == TOKEN_CLOSE)
                return 0;
            if (p->now.token == TOKEN_COMMA)
                consume(p);
        } else {
            return found(p, &item, ", expected: ',', or identifier");
        }
    }
}

static int parse_set(struct parser *p, values_t *values)
{
    struct item item = consume(p);
    int r = 0;

    if (item.token != TOKEN_OPEN)
        return found(p, &item, " expected: '('");
    if (p->now.token == TOKEN_CLOSE)
        *dyn_push(values) = "";
    else if (is_word(&p->now) || p->now.token == TOKEN_COMMA)
        r = parse_list(p, values);
    else
        r = found(p, &p->now, ", expected: ',', ')' or identifier");
    if (r == 0)
        consume(p);                              /* the ")" */
    return r;
}

static int parse_exact(struct parser *p, values_t *values)
{
    struct item item;

    if (p->now.token == TOKEN_END || p->now.token == TOKEN_COMMA) {
        *dyn_push(values) = "";
        return 0;
    }
    item = consume(p);
    if (!is_word(&item))
        return found(p, &item, ", expected: identifier");
    *dyn_push(values) = item.text;
    return 0;
}

static int parse_requirement(struct parser *p, struct label_requirement *ret)
{
    bool absent = p->now.token == TOKEN_NOT;
    struct item key;
    values_t values = { 0 };
    int r;

    if (absent)
        consume(p);
    key = consume(p);
    if (!is_word(&key))
        return found(p, &key, ", expected: identifier");
    r = check_key(p, &key);
    if (r < 0)
        return r;
    *ret = (struct label_requirement){ .key = key.text, .op = absent ? LABEL_ABSENT : LABEL_EXISTS };
    if (absent || p->now.token == TOKEN_END || p->now.token == TOKEN_COMMA)
        return 0;
    r = parse_operator(p, &ret->op);
    if (r == 0)
        r = ret->op == LABEL_IN || ret->op == LABEL_NOT_IN ? parse_set(p, &values)
                                                           : parse_exact(p, &values);
    if (r == 0) {
        keep_values(p->arena, &values, ret);
        r = check_values(p, ret);
    }
    dyn_release(&values);
    return r;
}

/* Stable, as the few requirements of a selector are sorted by their insertion. */
static void sort_by_key(struct label_requirement *v, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j && strcmp(v[j - 1].key, v[j].key) > 0; j--) {
            struct label_requirement swap = v[j];

            v[j] = v[j - 1];
            v[j - 1] = swap;
        }
}

typedef DYN(struct label_requirement) requirements_t;

static void keep_selector(struct arena *arena, requirements_t *list, struct label_selector *ret)
{
    sort_by_key(list->v, list->n);
    *ret = (struct label_selector){
        .v = arena_memdup(arena, list->v, list->n * sizeof(*list->v)), .n = list->n
    };
}

static int parse_all(struct parser *p, requirements_t *list)
{
    while (p->now.token != TOKEN_END) {
        struct label_requirement req;
        struct item after;
        int r;

        if (!is_word(&p->now) && p->now.token != TOKEN_NOT)
            return found(p, &p->now, ", expected: !, identifier, or 'end of string'");
        r = parse_requirement(p, &req);
        if (r < 0)
            return apierr_wrap(p->err, r, "unable to parse requirement");
        *dyn_push(list) = req;
        after = consume(p);
        if (after.token == TOKEN_END)
            return 0;
        if (after.token != TOKEN_COMMA)
            return found(p, &after, ", expected: ',' or 'end of string'");
        if (!is_word(&p->now) && p->now.token != TOKEN_NOT)
            return found(p, &p->now, ", expected: identifier after ','");
    }
    return 0;
}

int label_selector_parse(struct arena *arena, const char *text, size_t len, struct label_selector *ret,
                         struct apierr *err)
{
    struct parser p = { .arena = arena, .err = err, .at = text, .end = text + len };
    requirements_t list = { 0 };
    int r;

    advance(&p);
    r = parse_all(&p, &list);
    if (r == 0)
        keep_selector(arena, &list, ret);
    dyn_release(&list);
    return r;
}

/* ---- from objects ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum label_op op;
} object_ops[] = {
    { "In", LABEL_IN }, { "NotIn", LABEL_NOT_IN }, { "Exists", LABEL_EXISTS },
    { "DoesNotExist", LABEL_ABSENT },
};

static const char *text_of(const json_t *v)
{
    const char *s = json_string_value(v);

    return s ? s : "";
}

static bool object_op(const char *name, enum label_op *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(object_ops); i++)
        if (streq(object_ops[i].name, name)) {
            *ret = object_ops[i].op;
            return true;
        }
    return false;
}

static void add_equals(struct arena *arena, requirements_t *list, const char *key, const json_t *value)
{
    const char **values = arena_alloc(arena, sizeof(*values));

    values[0] = arena_strdup(arena, text_of(value));
    *dyn_push(list) = (struct label_requirement){ .key = arena_strdup(arena, key), .op = LABEL_EQUALS,
                                                  .values = values, .n_values = 1 };
}

void label_selector_from_map(struct arena *arena, const json_t *map, struct label_selector *ret)
{
    requirements_t list = { 0 };
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)map, key, value)
        add_equals(arena, &list, key, value);
    keep_selector(arena, &list, ret);
    dyn_release(&list);
}

static int add_expression(struct arena *arena, requirements_t *list, const json_t *expr,
                          struct apierr *err)
{
    const char *op = text_of(json_object_get(expr, "operator"));
    struct label_requirement req = {
        .key = arena_strdup(arena, text_of(json_object_get(expr, "key")))
    };
    values_t values = { 0 };
    const json_t *v;
    size_t i;

    if (!object_op(op, &req.op)) {
        cleanup_buf struct buf quoted = BUF_INIT;

        go_quote(&quoted, op, strlen(op));
        return apierr_set(err, APIERR_BAD_REQUEST, "%s is not a valid label selector operator",
                          quoted.data);
    }
    json_array_foreach(json_object_get(expr, "values"), i, v)
        *dyn_push(&values) = arena_strdup(arena, text_of(v));
    keep_values(arena, &values, &req);
    dyn_release(&values);
    *dyn_push(list) = req;
    return 0;
}

int label_selector_from_object(struct arena *arena, const json_t *selector, struct label_selector *ret,
                               struct apierr *err)
{
    const json_t *expr;
    requirements_t list = { 0 };
    const char *key;
    json_t *value;
    size_t i;
    int r = 0;

    if (!json_is_object(selector)) {
        *ret = (struct label_selector){ .nothing = true };
        return 0;
    }
    json_object_foreach(json_object_get(selector, "matchLabels"), key, value)
        add_equals(arena, &list, key, value);
    json_array_foreach(json_object_get(selector, "matchExpressions"), i, expr)
        if (r == 0)
            r = add_expression(arena, &list, expr, err);
    if (r == 0)
        keep_selector(arena, &list, ret);
    dyn_release(&list);
    return r;
}

static void validate_by_rule(struct fielderrs *errs, const struct fpath *path, enum name_rule rule,
                             const char *text, size_t len)
{
    struct name_problems problems;
    json_auto_t *value = json_stringn_nocheck(text, len);

    name_check(rule, text, len, &problems);
    for (size_t i = 0; i < problems.n; i++)
        fielderr_invalid(errs, path, value, "%s", problems.v[i]);
}

void label_expression_validate(struct fielderrs *errs, const struct fpath *path, const json_t *expr)
{
    const json_t *values = json_object_get(expr, "values");
    const char *name = text_of(json_object_get(expr, "operator"));
    enum label_op op;

    if (!object_op(name, &op))
        fielderr_invalid_str(errs, FP_CHILD(path, "operator"), name, "not a valid selector operator");
    else if ((op == LABEL_IN || op == LABEL_NOT_IN) && !json_array_size(values))
        fielderr_required(errs, FP_CHILD(path, "values"),
                          "must be specified when `operator` is 'In' or 'NotIn'");
    else if ((op == LABEL_EXISTS || op == LABEL_ABSENT) && json_array_size(values))
        fielderr_forbidden(errs, FP_CHILD(path, "values"),
                           "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    label_expression_validate_words(errs, path, expr);
}

void label_expression_validate_words(struct fielderrs *errs, const struct fpath *path, const json_t *expr)
{
    const json_t *values = json_object_get(expr, "values"), *key = json_object_get(expr, "key"), *v;
    size_t i;

    validate_by_rule(errs, FP_CHILD(path, "key"), NAME_QUALIFIED, text_of(key), json_string_length(key));
    json_array_foreach(values, i, v)
        validate_by_rule(errs, FP_INDEX(FP_CHILD(path, "values"), i), NAME_LABEL_VALUE, text_of(v),
                         json_string_length(v));
}

void label_selector_validate(struct fielderrs *errs, const struct fpath *path, const json_t *selector)
{
    json_t *labels = json_object_get(selector, "matchLabels");
    const json_t *expr;
    size_t i;

    for (void *it = json_object_iter(labels); it; it = json_object_iter_next(labels, it)) {
        const json_t *value = json_object_iter_value(it);
        const struct fpath *where = FP_CHILD(path, "matchLabels");

        validate_by_rule(errs, where, NAME_QUALIFIED, json_object_iter_key(it),
                         json_object_iter_key_len(it));
        validate_by_rule(errs, where, NAME_LABEL_VALUE, text_of(value), json_string_length(value));
    }
    json_array_foreach(json_object_get(selector, "matchExpressions"), i, expr)
        label_expression_validate(errs, FP_INDEX(FP_CHILD(path, "matchExpressions"), i), expr);
}

/* ---- matching and printing -------------------------------------------------------------------- */

static bool has_value(const struct label_requirement *r, const char *value)
{
    for (size_t i = 0; i < r->n_values; i++)
        if (streq(r->values[i], value))
            return true;
    return false;
}

static bool requirement_holds(const struct label_requirement *r, const json_t *labels)
{
    const char *value = json_string_value(json_object_get(labels, r->key));
    int64_t number;

    switch (r->op) {
    case LABEL_EXISTS: return value;
    case LABEL_ABSENT: return !value;
    case LABEL_EQUALS: case LABEL_DOUBLE_EQUALS: case LABEL_IN: return value && has_value(r, value);
    case LABEL_NOT_EQUALS: case LABEL_NOT_IN: return !value || !has_value(r, value);
    case LABEL_GREATER: return value && parse_bound(value, &number) && number > r->bound;
    case LABEL_LESS: return value && parse_bound(value, &number) && number < r->bound;
    }
    return false;
}

bool label_selector_matches(const struct label_selector *s, const json_t *labels)
{
    if (s->nothing)
        return false;
    for (size_t i = 0; i < s->n; i++)
        if (!requirement_holds(&s->v[i], labels))
            return false;
    return true;
}

bool label_selector_everything(const struct label_selector *s)
{
    return !s->n && !s->nothing;
}

bool label_selector_equal(const struct label_selector *a, const struct label_selector *b)
{
    if (a->n != b->n || a->nothing != b->nothing)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct label_requirement *x = &a->v[i], *y = &b->v[i];

        if (!streq(x->key, y->key) || x->op != y->op || x->n_values != y->n_values)
            return false;
        for (size_t j = 0; j < x->n_values; j++)
            if (!streq(x->values[j], y->values[j]))
                return false;
    }
    return true;
}

static void format_requirement(struct buf *b, const struct label_requirement *r)
{
    static const char *const ops[] = {
        [LABEL_EXISTS] = "", [LABEL_ABSENT] = "", [LABEL_EQUALS] = "=", [LABEL_DOUBLE_EQUALS] = "==",
        [LABEL_NOT_EQUALS] = "!=", [LABEL_IN] = " in (", [LABEL_NOT_IN] = " notin (",
        [LABEL_GREATER] = ">", [LABEL_LESS] = "<",
    };

    buf_printf(b, "%s%s%s", r->op == LABEL_ABSENT ? "!" : "", r->key, ops[r->op]);
    for (size_t i = 0; i < r->n_values; i++)
        buf_printf(b, "%s%s", i ? "," : "", r->values[i]);
    if (r->op == LABEL_IN || r->op == LABEL_NOT_IN)
        buf_add_char(b, ')');
}

const char *label_selector_format(struct arena *arena, const struct label_selector *s)
{
    cleanup_buf struct buf b = BUF_INIT;

    for (size_t i = 0; i < s->n; i++) {
        if (i)
            buf_add_char(&b, ',');
        format_requirement(&b, &s->v[i]);
    }
    return arena_strndup(arena, b.data ? b.data : "", b.len);
}
