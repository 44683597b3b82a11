#include "fakeapi/apiserver/builtin/rules.h"

#include <ctype.h>

#include "kube/quantity.h"

const json_t *rule_shown(const json_t *value)
{
    return value ? value : json_null();
}

json_t *rule_selector_shown(const json_t *selector)
{
    static const char *const parts[] = { "matchLabels", "matchExpressions" };
    json_t *out = selector ? json_copy((json_t *)selector) : json_null();

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        const json_t *part = json_object_get(out, parts[i]);
        if (part && !json_object_size(part) && !json_array_size(part))
            json_object_del(out, parts[i]);
    }
    return out;
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

char *rule_lower(struct arena *a, const char *s)
{
    char *out = arena_strdup(a, s);

    for (char *p = out; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
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
    const char *s = json_is_string(v) ? json_string_value(v) : "";

    if (streq(s + strspn(s, "0123456789"), "%") && rule_percent_value(v) > 100)
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

/* What Unicode calls White_Space, in UTF-8. */
static const char *const spaces[] = {
    "\t", "\n", "\v", "\f", "\r", " ", "\u00a0", "\xc2\x85", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
    "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000",
};

bool rule_padded(const char *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
        if (str_starts(s, spaces[i]) || str_ends(s, spaces[i]))
            return true;
    return false;
}

/* ---- conditions of the common type ---------------------------------------------------------------- */

static bool is_reason(const char *s)
{
    static const char inner[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_,:";
    size_t n = strlen(s);

    return isalpha((unsigned char)*s) && strspn(s, inner) == n && s[n - 1] != ',' && s[n - 1] != ':';
}

void rule_conditions(struct fielderrs *e, const json_t *list, const struct fpath *path)
{
    static const char *const states[] = { "False", "True", "Unknown", NULL };
    size_t i, k;
    json_t *cond;

    json_array_foreach(list, i, cond) {
        const struct fpath *at = FP_INDEX(path, i);
        const char *reason = text(cond, "reason");
        for (k = 0; k < i && !streq(text(json_array_get(list, k), "type"), text(cond, "type")); k++)
            ;
        if (k < i)
            fielderr_duplicate_str(e, FP_CHILD(at, "type"), text(cond, "type"));
        rule_name(e, FP_CHILD(at, "type"), NAME_QUALIFIED, text(cond, "type"));
        rule_required_one_of(e, cond, at, "status", states);
        if (obj_int(cond, "observedGeneration", 0) < 0)
            fielderr_invalid(e, FP_CHILD(at, "observedGeneration"), member(cond, "observedGeneration"),
                             "must be greater than or equal to zero");
        rule_required_text(e, cond, at, "lastTransitionTime");
        if (rule_required_text(e, cond, at, "reason") && !is_reason(reason))
            fielderr_invalid_str(e, FP_CHILD(at, "reason"), reason, "a condition reason must start with alphabetic character, "
                                 "optionally followed by a string of alphanumeric characters or '_,:', and must end with an "
                                 "alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or "
                                 "'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is "
                                 "'[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')");
        if (strlen(reason) > 1024)
            fielderr_too_long(e, FP_CHILD(at, "reason"), 1024);
        if (strlen(text(cond, "message")) > 32768)
            fielderr_too_long(e, FP_CHILD(at, "message"), 32768);
    }
}
