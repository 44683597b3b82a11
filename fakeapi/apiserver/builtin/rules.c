#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/quantity.h"

const json_t *rule_shown(const json_t *value)
{
    return value ? value : json_null();
}

void rule_immutable(struct fielderrs *e, const struct fpath *path, const json_t *value, const json_t *old)
{
    if (!json_same(value, old))
        fielderr_invalid(e, path, rule_shown(value), "field is immutable");
}

void rule_immutable_as(struct fielderrs *e, const struct fpath *path, const json_t *value, const json_t *old,
                       const char *type)
{
    if (json_same(value, old))
        return;
    json_auto_t *shown = internal_view(type, value);
    fielderr_invalid(e, path, shown, "field is immutable");
}

void rule_immutable_text(struct fielderrs *e, const struct fpath *path, const json_t *obj, const json_t *old,
                         const char *name)
{
    if (!streq(text(obj, name), text(old, name)))
        fielderr_invalid_str(e, FP_CHILD(path, name), text(obj, name), "field is immutable");
}

void rule_frozen(struct fielderrs *e, const json_t *obj, const json_t *old, const char *const *names)
{
    static const char words[] = "field is immutable when `immutable` is set";

    if (!json_is_true(json_object_get(old, "immutable")))
        return;
    if (!json_is_true(json_object_get(obj, "immutable")))
        fielderr_forbidden(e, RULE_AT("immutable"), "%s", words);
    for (; *names; names++)
        if (!json_same(member(obj, *names), member(old, *names)))
            fielderr_forbidden(e, RULE_AT(*names), "%s", words);
}

int rule_amount_sign(struct arena *arena, const json_t *amount)
{
    struct quantity q, none = quantity_from_int(arena, 0, QUANTITY_DECIMAL_SI);

    if (quantity_parse_json(arena, amount, &q, NULL) < 0)
        return 1;
    return quantity_compare(&q, &none);
}

void rule_required_one_of(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name,
                          const char *const *allowed)
{
    if (among(allowed, text(obj, name)))
        return;
    json_auto_t *shown = json_string(text(obj, name));
    fielderr_not_supported(e, FP_CHILD(path, name), shown, allowed);
}

bool rule_required_text(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name)
{
    if (*text(obj, name))
        return true;
    fielderr_required(e, FP_CHILD(path, name), "");
    return false;
}

void rule_optional_name(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name,
                        unsigned rule)
{
    if (*text(obj, name))
        rule_name(e, FP_CHILD(path, name), rule, text(obj, name));
}

void rule_duplicate(struct fielderrs *e, const struct fpath *path, const json_t *value, const char *detail)
{
    fielderr_duplicate(e, path, value);
    struct apicause *last = &e->v[e->n - 1];
    last->message = arena_printf(e->arena, "%s: %s", last->message, detail);
}

/* ---- numbers or percentages ----------------------------------------------------------------------- */

void rule_int_or_percent(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    if (json_is_integer(v) && json_integer_value(v) < 0)
        fielderr_invalid(e, path, v, "must be greater than or equal to 0");
    else if (json_is_string(v))
        rule_name(e, path, NAME_PERCENT, json_string_value(v));
}

int64_t rule_percent_value(const json_t *v)
{
    return json_is_string(v) ? strtol(json_string_value(v), NULL, 10) : json_integer_value(v);
}

void rule_at_most_all(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    if (json_is_string(v) && rule_percent_value(v) > 100)
        fielderr_invalid(e, path, v, "must not be greater than 100%%");
}

void rule_domain_path(struct fielderrs *e, const struct fpath *at, const char *value, size_t most)
{
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-._~%!$&'()*+,;=:";
    const char *slash = strchr(value, '/');

    if (!*value) {
        fielderr_required(e, at, "");
    } else if (!slash || slash == value || !slash[1]) {
        fielderr_invalid_str(e, at, value, "must be a domain-prefixed path (such as \"acme.io/foo\")");
    } else {
        rule_name(e, at, NAME_DNS1123_SUBDOMAIN, arena_printf(e->arena, "%.*s", (int)(slash - value), value));
        if (strspn(slash + 1, legal) != strlen(slash + 1))
            fielderr_invalid_str(e, at, slash + 1, "Invalid path (regex used for validation is "
                                 "'[A-Za-z0-9/\\-._~%%!$&'()*+,;=:]+')");
    }
    if (strlen(value) > most)
        fielderr_too_long(e, at, most);
}
