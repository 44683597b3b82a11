#include "kube/crd_check_rules.h"

#include <stdio.h>

#include "kube/json.h"
#include "kube/kcel/declare.h"
#include "kube/kcel/rule.h"
#include "kube/object.h"

#define RULES "x-kubernetes-validations"

enum { RULE_COST_MAX = 10000000, SCHEMA_COST_MAX = 100000000 };

/* ---- words ---------------------------------------------------------------------------------------------------- */

static bool blank(const char *s)
{
    return s[strspn(s, " \t\r\n\v\f")] == 0;
}

/* Without the white space around it, does it have lines? */
static bool has_lines(const char *s)
{
    const char *end = s + strlen(s);

    s += strspn(s, " \t\r\n\v\f");
    while (end > s && strchr(" \t\r\n\v\f", end[-1]))
        end--;
    return memchr(s, '\n', (size_t)(end - s)) || memchr(s, '\r', (size_t)(end - s));
}

static void check_message(struct fielderrs *errs, const struct fpath *path, const json_t *rule)
{
    const char *expression = obj_str(rule, "rule"), *message = obj_str(rule, "message");
    const char *computed = obj_str(rule, "messageExpression");

    if (blank(expression))
        fielderr_required(errs, FP_CHILD(path, "rule"), "rule is not specified");
    else if (*message && blank(message))
        fielderr_invalid_str(errs, FP_CHILD(path, "message"), message, "must be non-empty if specified");
    else if (has_lines(message))
        fielderr_invalid_str(errs, FP_CHILD(path, "message"), message, "must not contain line breaks");
    else if (has_lines(expression) && blank(message))
        fielderr_required(errs, FP_CHILD(path, "message"), "message must be specified if rule contains line breaks");
    if (*computed && blank(computed))
        fielderr_required(errs, FP_CHILD(path, "messageExpression"), "messageExpression must be non-empty if specified");
}

static void check_reason(struct fielderrs *errs, const struct fpath *path, const json_t *rule)
{
    static const char *const reasons[] = { "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid",
                                           "FieldValueRequired", NULL };
    const json_t *reason = json_object_get(rule, "reason");

    for (size_t i = 0; reason && reasons[i]; i++)
        if (streq(obj_str(rule, "reason"), reasons[i]))
            return;
    if (reason)
        fielderr_not_supported(errs, FP_CHILD(path, "reason"), reason, reasons);
}

void rules_check_words(struct fielderrs *errs, const struct fpath *parent, const json_t *node)
{
    size_t i;
    json_t *rule;

    json_array_foreach (json_object_get(node, RULES), i, rule) {
        const struct fpath *path = FP_INDEX(FP_CHILD(parent, RULES), i), *at = FP_CHILD(path, "fieldPath");
        const char *where = obj_str(rule, "fieldPath");
        check_message(errs, path, rule);
        check_reason(errs, path, rule);
        if (*where && blank(where))
            fielderr_invalid_str(errs, at, where, "must be non-empty if specified");
        if (strpbrk(where, "\r\n"))
            fielderr_invalid_str(errs, at, where, "must not contain line breaks");
        if (*where && !kcel_field_path(errs->arena, node, where))
            fielderr_invalid_str(errs, at, where, "must be a valid path");
    }
}

/* ---- sites ---------------------------------------------------------------------------------------------------- */

static bool has_rules(const json_t *node)
{
    return json_array_size(json_object_get(node, RULES)) > 0;
}

struct rules_site rules_site_root(struct rules_check *check, const json_t *node)
{
    return (struct rules_site){ .check = check, .node = node, .in_scope = has_rules(node), .bounded = true, .most = 1 };
}

static uint64_t times(uint64_t a, uint64_t b)
{
    return a && UINT64_MAX / a < b ? UINT64_MAX : a * b;
}

/* By what a node multiplies what is below it; false: nobody knows. */
static bool multiplies(const json_t *node, uint64_t *ret)
{
    const char *type = obj_str(node, "type"), *key = NULL;

    *ret = 1;
    if (streq(type, "array"))
        key = "maxItems";
    else if (streq(type, "object") && json_object_get(node, "additionalProperties"))
        key = "maxProperties";
    if (!key)
        return true;
    const json_t *max = json_object_get(node, key);
    double d = json_number_value(max);
    *ret = d < 0 ? 0 : d < 0x1p64 ? (uint64_t)d : UINT64_MAX;
    return json_is_number(max);
}

struct rules_site rules_site_below(struct rules_site *up, const json_t *node, int step, const char *name)
{
    struct rules_site s = { .check = up->check, .up = up, .node = node, .step = step, .name = name, .lost = up->lost };
    uint64_t by;

    if (!s.check)
        return s;
    s.in_scope = up->in_scope || has_rules(node);
    s.bounded = multiplies(up->node, &by) && up->bounded;
    s.most = times(up->most, by);
    return s;
}

static const struct cel_type *type_below(struct arena *a, const struct rules_site *s, const struct cel_type *t)
{
    if (s->step == SITE_MEMBER)
        return kcel_member_type(a, t, s->name);
    return t->n_params ? t->params[t->n_params - 1] : NULL;
}

/* The type of a site: a part of what is above it, or made for it. NULL where the schema declares none. A loop up to what
 * is known, and down again. */
static const struct cel_type *type_of_site(struct rules_site *site)
{
    struct arena *a = site->check->errs.arena;

    for (;;) {
        struct rules_site *s = site;
        if (s->state != TYPE_UNASKED)
            return s->type;
        while (s->up && s->up->in_scope && s->up->state == TYPE_UNASKED)
            s = s->up;
        if (s->up && s->up->in_scope && s->up->state == TYPE_NONE) {
            s->state = TYPE_NONE;
            continue;
        }
        if (s->up && s->up->in_scope)
            s->type = type_below(a, s, s->up->type);
        if (!s->type)
            s->type = kcel_declare(a, s->node, !s->up || json_is_true(json_object_get(s->node,
                                                                                     "x-kubernetes-embedded-resource")));
        s->state = s->type ? TYPE_KNOWN : TYPE_NONE;
    }
}

/* ---- expressions ------------------------------------------------------------------------------------------------ */

static const char *cost_text(struct arena *a, const char *what, uint64_t cost, uint64_t limit)
{
    double factor = (double)cost / (double)limit;
    char text[64];

    if (factor > 100)
        snprintf(text, sizeof(text), "more than 100x");
    else
        snprintf(text, sizeof(text), factor < 1.5 ? "%fx" : "%.1fx", factor);
    return arena_printf(a, "%s exceeds budget by factor of %s (try simplifying the rule, or adding maxItems, maxProperties, "
                           "and maxLength where arrays, maps, and strings are declared)", what, text);
}

static void count(struct rules_check *c, const struct fpath *path, uint64_t cost)
{
    size_t i = c->n_dear;

    c->total = UINT64_MAX - c->total < cost ? UINT64_MAX : c->total + cost;
    if (cost < SCHEMA_COST_MAX / 100)
        return;
    if (i == ARRAY_SIZE(c->dear)) {
        if (c->dear[i - 1].cost >= cost)
            return;
        i--;
    } else {
        c->n_dear++;
    }
    for (; i > 0 && c->dear[i - 1].cost < cost; i--)
        c->dear[i] = c->dear[i - 1];
    c->dear[i].path = fpath_text(c->errs.arena, path);
    c->dear[i].cost = cost;
}

static void add_text(struct buf *b, const char *name, const json_t *v)
{
    const char *s = json_string_value(v) ? json_string_value(v) : "";

    buf_printf(b, "\"%s\":", name);
    json_write_string(b, s, json_string_length(v), 0);
}

const char *crd_rule_text(struct arena *a, const json_t *rule)
{
    cleanup_buf struct buf b = BUF_INIT;
    const json_t *reason = json_object_get(rule, "reason"), *optional = json_object_get(rule, "optionalOldSelf");

    buf_add_char(&b, '{');
    add_text(&b, "Rule", json_object_get(rule, "rule"));
    buf_add_char(&b, ',');
    add_text(&b, "Message", json_object_get(rule, "message"));
    buf_add_char(&b, ',');
    add_text(&b, "MessageExpression", json_object_get(rule, "messageExpression"));
    buf_add_str(&b, ",\"Reason\":");
    buf_add_str(&b, reason ? json_arena_text(a, reason, 0) : "null");
    buf_add_char(&b, ',');
    add_text(&b, "FieldPath", json_object_get(rule, "fieldPath"));
    buf_printf(&b, ",\"OptionalOldSelf\":%s}", !optional ? "null" : json_is_true(optional) ? "true" : "false");
    return arena_strndup(a, b.data, b.len);
}

static void check_costs(struct rules_site *site, const struct fpath *path, const struct kcel_rule *r, uint64_t cost)
{
    struct rules_check *c = site->check;
    struct fielderrs *errs = &c->errs;

    if (!c->unchanged && cost > RULE_COST_MAX)
        fielderr_forbidden(errs, FP_CHILD(path, "rule"), "%s", cost_text(errs->arena, "estimated rule cost", cost,
                                                                       RULE_COST_MAX));
    count(c, FP_CHILD(path, "rule"), cost);
    if (r->wrong)
        fielderr_invalid_raw(errs, FP_CHILD(path, "rule"), crd_rule_text(errs->arena, r->node), "%s", r->wrong);
    if (r->message_wrong)
        fielderr_invalid_raw(errs, FP_CHILD(path, "messageExpression"), crd_rule_text(errs->arena, r->node), "%s",
                             r->message_wrong);
    if (!r->message)
        return;
    if (!c->unchanged && r->message_max_cost > RULE_COST_MAX)
        fielderr_forbidden(errs, FP_CHILD(path, "messageExpression"), "%s",
                           cost_text(errs->arena, "estimated messageExpression cost", r->message_max_cost, RULE_COST_MAX));
    count(c, FP_CHILD(path, "messageExpression"), r->message_max_cost);
}

static void check_rule(struct rules_site *site, const struct fpath *path, const struct kcel_rule *r)
{
    struct fielderrs *errs = &site->check->errs;
    const json_t *optional = json_object_get(r->node, "optionalOldSelf");

    check_costs(site, path, r, times(r->max_cost, site->bounded ? site->most : kcel_max_cardinality(site->type)));
    if (r->uses_old && site->lost)
        fielderr_invalid_str(errs, FP_CHILD(path, "rule"), obj_str(r->node, "rule"),
                             "oldSelf cannot be used on the uncorrelatable portion of the schema within %s",
                             fpath_text(errs->arena, site->lost));
    else if (!r->uses_old && optional)
        fielderr_invalid(errs, FP_CHILD(path, "optionalOldSelf"), optional,
                         "may not be set if oldSelf is not used in rule");
}

void rules_check_expressions(struct rules_site *site, const struct fpath *path)
{
    const struct fpath *at = FP_CHILD(path, RULES);
    struct kcel_scope scope;
    size_t i;
    json_t *rule;

    if (!site->check || !has_rules(site->node))
        return;
    const struct cel_type *type = type_of_site(site);
    if (!type) {
        fielderr_internal(&site->check->errs, at, "internal error: failed to construct type information for "
                          "x-kubernetes-validations rules: unable to convert structural schema to CEL declarations");
        return;
    }
    kcel_scope_init(&scope, site->check->env, type);
    json_array_foreach (json_object_get(site->node, RULES), i, rule) {
        struct kcel_rule compiled;
        kcel_rule_compile(&scope, rule, site->check->errs.arena, &compiled);
        check_rule(site, FP_INDEX(at, i), &compiled);
        kcel_rule_release(&compiled);
    }
    kcel_scope_release(&scope);
}

void rules_check_end(struct rules_check *c, const struct fpath *path, struct fielderrs *errs)
{
    fielderrs_add(errs, &c->errs);
    if (c->total <= SCHEMA_COST_MAX)
        return;
    for (size_t i = 0; i < c->n_dear; i++)
        fielderr_forbidden(errs, FP_CHILD(NULL, c->dear[i].path),
                           "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema");
    fielderr_forbidden(errs, path, "%s", cost_text(errs->arena, "x-kubernetes-validations estimated rule cost total for "
                                                                "entire OpenAPIv3 schema", c->total, SCHEMA_COST_MAX));
}
