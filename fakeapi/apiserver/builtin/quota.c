/* ResourceQuotas: what may be limited, in which scopes, by how much. What they then refuse: ../admission/quota.c. */
#include "fakeapi/apiserver/builtin/resource_names.h"
#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/quantity.h"

static void quota_name(struct fielderrs *e, const struct fpath *at, const char *name)
{
    rule_resource_name(e, at, name);
    if (!strchr(name, '/') && !(resource_uses(name) & R_QUOTA))
        fielderr_invalid_str(e, at, name, "must be a standard resource for quota");
}

static void quota_amounts(struct fielderrs *e, const json_t *obj, const char *part, const char *list)
{
    const json_t *amounts = json_object_get(json_object_get(obj, part), list);
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)amounts, name, v) {
        const struct fpath *at = FP_KEY(FP_CHILD(RULE_AT(part), list), name);
        quota_name(e, at, name);
        rule_resource_amount(e, at, name, v);
    }
}

/* ---- scopes ------------------------------------------------------------------------------------- */

static const struct scope_row {
    const char *name, *opposite;
    unsigned counts;                   /* flags of the resources it can be applied to */
    bool exists_only;
} scope_rows[] = {
    { "Terminating", "NotTerminating", R_POD_COUNT | R_POD_COMPUTE, true },
    { "NotTerminating", "Terminating", R_POD_COUNT | R_POD_COMPUTE, true },
    { "BestEffort", "NotBestEffort", R_POD_COUNT, true },
    { "NotBestEffort", "BestEffort", R_POD_COUNT | R_POD_COMPUTE, true },
    { "PriorityClass", NULL, R_POD_COUNT | R_POD_COMPUTE, false },
    { "CrossNamespacePodAffinity", NULL, R_POD_COUNT | R_POD_COMPUTE, true },
    { "VolumeAttributesClass", NULL, R_CLAIM, false },
};

static const struct scope_row *scope_row(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(scope_rows); i++)
        if (streq(scope_rows[i].name, name))
            return &scope_rows[i];
    return NULL;
}

/* One complaint for each resource that the scope cannot be applied to. */
static void scope_fits(struct fielderrs *e, const struct fpath *at, const json_t *shown, const struct scope_row *scope,
                       const json_t *hard)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)hard, name, v) {
        bool counted = resource_uses(name) & R_QUOTA;
        if (scope && counted && !(resource_uses(name) & scope->counts))
            fielderr_invalid(e, at, shown, "unsupported scope applied to resource");
    }
}

static void scope_conflicts(struct fielderrs *e, const struct fpath *at, const json_t *shown, const bool *seen)
{
    for (size_t i = 0; i < ARRAY_SIZE(scope_rows); i++)
        for (size_t k = 0; scope_rows[i].opposite && k < i; k++)
            if (seen[i] && seen[k] && streq(scope_rows[k].name, scope_rows[i].opposite))
                fielderr_invalid(e, at, shown, "conflicting scopes");
}

static void quota_scopes(struct fielderrs *e, const json_t *spec)
{
    const json_t *scopes = member(spec, "scopes");
    const struct fpath *at = FP_CHILD(RULE_AT("spec"), "scopes");
    bool seen[ARRAY_SIZE(scope_rows)] = { false };
    size_t i;
    json_t *scope;

    json_array_foreach(scopes, i, scope) {
        const struct scope_row *row = scope_row(json_string_value(scope));
        if (!row)
            fielderr_invalid(e, at, scopes, "unsupported scope");
        else
            seen[row - scope_rows] = true;
        scope_fits(e, at, scopes, row, member(spec, "hard"));
    }
    scope_conflicts(e, at, scopes, seen);
}

static void selector_values(struct fielderrs *e, const struct fpath *at, const json_t *req)
{
    const char *op = text(req, "operator");
    const json_t *values = member(req, "values");

    if (streq(op, "In") || streq(op, "NotIn")) {
        if (!json_array_size(values))
            fielderr_required(e, FP_CHILD(at, "values"), "must be at least one value when `operator` is 'In' or 'NotIn' "
                              "for scope selector");
    } else if (streq(op, "Exists") || streq(op, "DoesNotExist")) {
        if (json_array_size(values))
            fielderr_invalid(e, FP_CHILD(at, "values"), values, "must be no value when `operator` is 'Exist' or "
                             "'DoesNotExist' for scope selector");
    } else {
        fielderr_invalid_str(e, FP_CHILD(at, "operator"), op, "not a valid selector operator");
    }
}

static void quota_selector(struct fielderrs *e, const json_t *spec)
{
    const json_t *selector = member(spec, "scopeSelector"), *list = member(selector, "matchExpressions");
    const struct fpath *at = FP_CHILD(FP_CHILD(RULE_AT("spec"), "scopeSelector"), "matchExpressions");
    bool seen[ARRAY_SIZE(scope_rows)] = { false };
    size_t i;
    json_t *req;

    json_array_foreach(list, i, req) {
        const struct scope_row *row = scope_row(text(req, "scopeName"));
        if (!row)
            fielderr_invalid_str(e, FP_CHILD(at, "scopeName"), text(req, "scopeName"), "unsupported scope");
        else
            seen[row - scope_rows] = true;
        scope_fits(e, at, selector, row, member(spec, "hard"));
        if (row && row->exists_only && !streq(text(req, "operator"), "Exists"))
            fielderr_invalid_str(e, FP_CHILD(at, "operator"), text(req, "operator"), "must be 'Exists' when scope is any of "
                                 "ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
                                 "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
                                 "ResourceQuotaScopeCrossNamespacePodAffinity");
        selector_values(e, at, req);
    }
    scope_conflicts(e, at, rule_shown(member(spec, "scopes")), seen);
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static void quota_spec(struct fielderrs *e, const json_t *obj)
{
    const json_t *spec = member(obj, "spec");

    quota_amounts(e, obj, "spec", "hard");
    quota_scopes(e, spec);
    quota_selector(e, spec);
}

static void quota_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    quota_spec(e, obj);
    quota_amounts(e, obj, "status", "hard");
    quota_amounts(e, obj, "status", "used");
}

static bool has_scope(const json_t *scopes, const json_t *scope)
{
    size_t i;
    json_t *s;

    json_array_foreach(scopes, i, s)
        if (json_same(s, scope))
            return true;
    return false;
}

static bool same_scopes(const json_t *a, const json_t *b)
{
    size_t i;
    json_t *s;

    json_array_foreach(a, i, s)
        if (!has_scope(b, s))
            return false;
    json_array_foreach(b, i, s)
        if (!has_scope(a, s))
            return false;
    return true;
}

static void quota_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                         const json_t *old, struct fielderrs *e)
{
    const json_t *now = json_path(obj, "spec.scopes"), *was = json_path(old, "spec.scopes");

    if (rule_is_status(sub)) {
        quota_amounts(e, obj, "status", "hard");
        quota_amounts(e, obj, "status", "used");
        return;
    }
    quota_spec(e, obj);
    if (!same_scopes(now, was))
        fielderr_invalid(e, FP_CHILD(RULE_AT("spec"), "scopes"), rule_shown(now), "field is immutable");
}

const struct kind_ops quota_ops = { .validate = quota_validate, .validate_update = quota_update };
