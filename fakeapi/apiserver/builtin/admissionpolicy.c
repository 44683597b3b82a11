/* ValidatingAdmissionPolicies and their bindings (G-023): what may be written. ../admission/policy.c lets them speak. */
#include "fakeapi/apiserver/builtin/hookrules.h"

#include "fakeapi/apiserver/admission/expressions.h"
#include "kube/names.h"
#include "kube/selector.h"

#define SPEC RULE_AT("spec")

enum { ANNOTATIONS_MAX = 20, ANNOTATION_EXPRESSION_MAX = 5 * 1024 };

static const char *str(const json_t *o, const char *key)
{
    return obj_str(o, key);
}

static bool blank(const char *s)
{
    return s[strspn(s, " \t\r\n\v\f")] == 0;
}

static const char *trimmed(struct arena *a, const char *s)
{
    s += strspn(s, " \t\r\n\v\f");
    size_t n = strlen(s);
    while (n && strchr(" \t\r\n\v\f", s[n - 1]))
        n--;
    return arena_strndup(a, s, n);
}

/* ---- what both have ---------------------------------------------------------------------------------------- */

static void check_selector(struct fielderrs *e, const struct fpath *path, const json_t *match, const char *key)
{
    const json_t *selector = json_object_get(match, key);

    if (!selector)
        fielderr_required(e, FP_CHILD(path, key), "");
    else
        label_selector_validate(e, FP_CHILD(path, key), selector);
}

static void check_match(struct fielderrs *e, const struct fpath *path, const json_t *match)
{
    static const char *const policies[] = { "Equivalent", "Exact", NULL };
    static const char *const lists[] = { "resourceRules", "excludeResourceRules" };
    size_t i;
    json_t *rule;

    if (!match)
        return;
    if (!json_object_get(match, "matchPolicy"))
        fielderr_required(e, FP_CHILD(path, "matchPolicy"), "");
    else
        rule_required_one_of(e, match, path, "matchPolicy", policies);
    check_selector(e, path, match, "namespaceSelector");
    check_selector(e, path, match, "objectSelector");
    for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
        json_array_foreach (json_object_get(match, lists[k]), i, rule)
            hook_rule_validate(e, FP_INDEX(FP_CHILD(path, lists[k]), i), rule);
}

/* ---- the kind of params -------------------------------------------------------------------------------------- */

static const char *joined(struct arena *a, const struct name_problems *p)
{
    const char *text = p->n ? p->v[0] : "";

    for (size_t i = 1; i < p->n; i++)
        text = arena_printf(a, "%s,%s", text, p->v[i]);
    return text;
}

static void check_param_version(struct fielderrs *e, const struct fpath *path, const char *text)
{
    const char *slash = strchr(text, '/'), *version = slash ? slash + 1 : text;
    const char *group = slash ? arena_strndup(e->arena, text, (size_t)(slash - text)) : "";
    struct name_problems problems;

    if (!*text) {
        fielderr_required(e, path, "");
    } else if (slash && strchr(slash + 1, '/')) {
        fielderr_invalid_str(e, path, text, "unexpected GroupVersion string: %s", text);
    } else {
        if (*group && !name_check_str(NAME_DNS1123_SUBDOMAIN, group, &problems))
            fielderr_invalid_str(e, path, group, "%s", joined(e->arena, &problems));
        if (!*version)
            fielderr_invalid_str(e, path, text, "version must be specified");
        else if (!name_check_str(NAME_DNS1035_LABEL, version, &problems))
            fielderr_invalid_str(e, path, version, "%s", joined(e->arena, &problems));
    }
}

static void check_param_kind(struct fielderrs *e, const struct fpath *path, const json_t *want)
{
    const char *kind = str(want, "kind");
    char *lower = arena_strdup(e->arena, kind);
    struct name_problems problems;

    check_param_version(e, FP_CHILD(path, "apiVersion"), str(want, "apiVersion"));
    for (char *p = lower; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
    if (!*kind)
        fielderr_required(e, FP_CHILD(path, "kind"), "");
    else if (!name_check_str(NAME_DNS1035_LABEL, lower, &problems))
        fielderr_invalid_str(e, FP_CHILD(path, "kind"), kind, "may have mixed case, but should otherwise match: %s",
                             joined(e->arena, &problems));
}

/* ---- expressions ----------------------------------------------------------------------------------------------- */

static void check_expression(struct fielderrs *e, const struct fpath *path, const char *text, enum expression_type type,
                             bool authorizer, struct expression_env *env)
{
    struct expression x;

    expression_compile(env, text, type, authorizer, &x);
    expression_tell(&x, e, path, text);
    expression_release(&x);
}

static bool is_identifier(const char *s)
{
    static const char *const reserved[] = { "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for",
                                            "function", "if", "import", "let", "loop", "package", "namespace", "return",
                                            "var", "void", "while" };
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
        if (streq(s, reserved[i]))
            return false;
    return *s && !s[n] && !(*s >= '0' && *s <= '9');
}

static void check_variable(struct fielderrs *e, const struct fpath *path, const json_t *variable, struct expression_env *env)
{
    const char *name = str(variable, "name"), *text = str(variable, "expression");

    if (blank(name))
        fielderr_required(e, FP_CHILD(path, "name"), "name is not specified");
    else if (!is_identifier(name))
        fielderr_invalid_str(e, FP_CHILD(path, "name"), name, "must be a valid CEL identifier");
    if (blank(text)) {
        fielderr_required(e, FP_CHILD(path, "expression"), "expression is not specified");
        return;
    }
    const struct expression *x = expression_env_add_variable(env, name, text);
    if (x->wrong)
        fielderr_invalid_str(e, FP_CHILD(path, "expression"), text, "%s", x->wrong);
}

static void check_message(struct fielderrs *e, const struct fpath *path, const char *message)
{
    if (*message && blank(message))
        fielderr_invalid_str(e, path, message, "must be non-empty if specified");
    else if (strpbrk(trimmed(e->arena, message), "\r\n"))
        fielderr_invalid_str(e, path, message, "must not contain line breaks");
}

static void check_validation(struct fielderrs *e, const struct fpath *path, const json_t *v, struct expression_env *env)
{
    static const char *const reasons[] = { "Forbidden", "Invalid", "RequestEntityTooLarge", NULL };
    const char *text = str(v, "expression"), *computed = str(v, "messageExpression");

    if (blank(text))
        fielderr_required(e, FP_CHILD(path, "expression"), "expression is not specified");
    else
        check_expression(e, FP_CHILD(path, "expression"), text, EXPRESSION_BOOL, true, env);
    if (*computed && blank(computed))
        fielderr_invalid_str(e, FP_CHILD(path, "messageExpression"), computed, "must be non-empty if specified");
    else if (*computed)
        check_expression(e, FP_CHILD(path, "messageExpression"), computed, EXPRESSION_STRING, false, env);
    check_message(e, FP_CHILD(path, "message"), str(v, "message"));
    if (json_object_get(v, "reason"))
        rule_required_one_of(e, v, path, "reason", reasons);
}

static void check_annotation(struct fielderrs *e, const struct fpath *path, const char *policy, const json_t *v,
                             struct expression_env *env)
{
    const char *key = str(v, "key"), *whole = arena_printf(e->arena, "%s/%s", policy, key);
    const char *text = trimmed(e->arena, str(v, "valueExpression"));
    const struct fpath *at = FP_CHILD(path, "valueExpression");
    struct name_problems problems;
    struct expression x;

    if (!*policy)
        fielderr_invalid_str(e, FP_CHILD(path, "key"), key, "requires metadata.name be non-empty");
    else if (!name_check_str(NAME_QUALIFIED, whole, &problems))
        for (size_t i = 0; i < problems.n; i++)
            fielderr_invalid_str(e, FP_CHILD(path, "key"), whole, "%s", problems.v[i]);
    if (!*text) {
        fielderr_required(e, at, "valueExpression is not specified");
    } else if (strlen(text) > ANNOTATION_EXPRESSION_MAX) {
        fielderr_required(e, at, arena_printf(e->arena, "must not exceed %d bytes in length", ANNOTATION_EXPRESSION_MAX));
    } else {
        expression_compile(env, text, EXPRESSION_STRING_OR_NULL, true, &x);
        expression_tell(&x, e, at, str(v, "valueExpression"));
        expression_release(&x);
    }
}

static const char *const one_of_both = "validations or auditAnnotations must contain at least one item";

/* The annotations as Go prints its own form of them. */
static void too_many_annotations(struct fielderrs *e, const struct fpath *path, const json_t *list)
{
    json_auto_t *shown = json_array();
    size_t i;
    json_t *v;

    json_array_foreach ((json_t *)list, i, v)
        json_array_append_new(shown, json_pack("{s:s, s:s}", "Key", str(v, "key"), "ValueExpression",
                                               str(v, "valueExpression")));
    fielderr_invalid(e, path, shown, "must not have more than %d auditAnnotations", ANNOTATIONS_MAX);
}

static void check_validations(struct fielderrs *e, const char *policy, const json_t *spec, struct expression_env *env)
{
    const json_t *validations = json_object_get(spec, "validations"), *annotations = json_object_get(spec, "auditAnnotations");
    const struct fpath *at = FP_CHILD(SPEC, "auditAnnotations");
    size_t i, k;
    json_t *v;

    if (!json_array_size(validations) && !json_array_size(annotations)) {
        fielderr_required(e, FP_CHILD(SPEC, "validations"), one_of_both);
        fielderr_required(e, at, one_of_both);
    }
    json_array_foreach ((json_t *)validations, i, v)
        check_validation(e, FP_INDEX(FP_CHILD(SPEC, "validations"), i), v, env);
    if (json_array_size(annotations) > ANNOTATIONS_MAX)
        too_many_annotations(e, at, annotations);
    json_array_foreach ((json_t *)annotations, i, v) {
        bool twice = false;
        check_annotation(e, FP_INDEX(at, i), policy, v, env);
        for (k = 0; k < i && i <= 10 * ANNOTATIONS_MAX; k++)
            twice = twice || streq(str(json_array_get(annotations, k), "key"), str(v, "key"));
        if (twice)
            fielderr_duplicate_str(e, FP_CHILD(FP_INDEX(at, i), "key"), str(v, "key"));
    }
}

/* ---- the policy --------------------------------------------------------------------------------------------------- */

static void check_constraints(struct fielderrs *e, const json_t *match)
{
    const struct fpath *path = FP_CHILD(SPEC, "matchConstraints");

    if (!match) {
        fielderr_required(e, path, "");
        return;
    }
    check_match(e, path, match);
    if (!json_array_size(json_object_get(match, "resourceRules")))
        fielderr_required(e, FP_CHILD(path, "resourceRules"), "");
}

/* Conditions that are as they were, of a policy that is not about to be stricter, are let be. */
static bool conditions_kept(const json_t *obj, const json_t *old)
{
    return old && json_same(json_path(obj, "spec.matchConditions"), json_path(old, "spec.matchConditions")) &&
           json_array_size(json_path(obj, "spec.matchConditions")) <= 64 &&
           json_same(json_path(obj, "spec.paramKind"), json_path(old, "spec.paramKind"));
}

static void check_policy(struct call *c, const json_t *obj, const json_t *old, struct fielderrs *e)
{
    static const char *const failures[] = { "Fail", "Ignore", NULL };
    const json_t *spec = json_object_get(obj, "spec"), *params = json_object_get(spec, "paramKind");
    const json_t *variables = json_object_get(spec, "variables");
    size_t i;
    json_t *v;

    if (!json_object_get(spec, "failurePolicy"))
        fielderr_required(e, FP_CHILD(SPEC, "failurePolicy"), "");
    else
        rule_required_one_of(e, spec, SPEC, "failurePolicy", failures);
    if (params)
        check_param_kind(e, FP_CHILD(SPEC, "paramKind"), params);
    check_constraints(e, json_object_get(spec, "matchConstraints"));
    if (!conditions_kept(obj, old))
        hook_conditions_validate(c, e, FP_CHILD(SPEC, "matchConditions"), json_object_get(spec, "matchConditions"), params);
    struct expression_env *env = expression_env_new(c->s, params);
    if (json_array_size(variables))
        expression_env_use_variables(env);
    json_array_foreach ((json_t *)variables, i, v)
        check_variable(e, FP_INDEX(FP_CHILD(SPEC, "variables"), i), v, env);
    check_validations(e, obj_name(obj), spec, env);
    expression_env_free(env);
}

static void policy_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    check_policy(c, obj, NULL, e);
}

static void check_status(struct fielderrs *e, const json_t *status)
{
    const struct fpath *path = FP_CHILD(FP_CHILD(RULE_AT("status"), "typeChecking"), "expressionWarnings");
    size_t i;
    json_t *v;

    json_array_foreach (json_path(status, "typeChecking.expressionWarnings"), i, v) {
        if (!*str(v, "warning"))
            fielderr_required(e, FP_CHILD(FP_INDEX(path, i), "warning"), "");
        if (blank(str(v, "fieldRef")))
            fielderr_required(e, FP_CHILD(FP_INDEX(path, i), "fieldRef"), "");
    }
    rule_conditions(e, json_object_get(status, "conditions"), FP_CHILD(RULE_AT("status"), "conditions"));
}

static void policy_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                          const json_t *old, struct fielderrs *e)
{
    if (rule_is_status(sub))
        check_status(e, json_object_get(obj, "status"));
    else
        check_policy(c, obj, old, e);
}

const struct kind_ops admission_policy_ops = { .validate = policy_validate, .validate_update = policy_update };

/* ---- the binding ---------------------------------------------------------------------------------------------------- */

static void check_params(struct fielderrs *e, const struct fpath *path, const json_t *ref)
{
    static const char *const actions[] = { "Deny", "Allow", NULL };
    const json_t *selector = json_object_get(ref, "selector");
    const char *name = str(ref, "name"), *action = str(ref, "parameterNotFoundAction");
    struct name_problems problems;

    if (*name && !name_check_str(NAME_PATH_SEGMENT, name, &problems))
        for (size_t i = 0; i < problems.n; i++)
            fielderr_invalid_str(e, FP_CHILD(path, "name"), name, "%s", problems.v[i]);
    if (*name && selector)
        fielderr_forbidden(e, FP_CHILD(path, "name"), "name and selector are mutually exclusive");
    if (selector)
        label_selector_validate(e, FP_CHILD(path, "selector"), selector);
    if (*name && selector)
        fielderr_forbidden(e, FP_CHILD(path, "selector"), "name and selector are mutually exclusive");
    if (!*name && !selector)
        fielderr_required(e, path, "one of name or selector must be specified");
    if (!*action)
        fielderr_required(e, FP_CHILD(path, "parameterNotFoundAction"), "");
    else
        rule_required_one_of(e, ref, path, "parameterNotFoundAction", actions);
}

static bool names_action(const json_t *list, size_t n, const char *wanted)
{
    for (size_t i = 0; i < n; i++)
        if (streq(json_string_value(json_array_get(list, i)), wanted))
            return true;
    return false;
}

static void check_actions(struct fielderrs *e, const struct fpath *path, const json_t *list)
{
    static const char *const actions[] = { "Audit", "Deny", "Warn", NULL };
    size_t n = json_array_size(list), i;
    json_t *v;

    json_array_foreach ((json_t *)list, i, v) {
        const char *action = json_string_value(v);
        if (!streq(action, "Audit") && !streq(action, "Deny") && !streq(action, "Warn"))
            fielderr_not_supported(e, FP_INDEX(path, i), v, actions);
        if (names_action(list, i < 100 ? i : 100, action))
            fielderr_duplicate(e, FP_INDEX(path, i), v);
    }
    if (names_action(list, n, "Deny") && names_action(list, n, "Warn"))
        fielderr_invalid(e, path, list, "must not contain both Deny and Warn (repeating the same validation failure "
                         "information in the API response and headers serves no purpose)");
    if (!n)
        fielderr_required(e, path, "at least one validation action is required");
}

static void binding_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *spec = json_object_get(obj, "spec"), *ref = json_object_get(spec, "paramRef");
    const char *policy = str(spec, "policyName");
    struct name_problems problems;

    if (!*policy)
        fielderr_required(e, FP_CHILD(SPEC, "policyName"), "");
    else if (!name_check_str(NAME_DNS1123_SUBDOMAIN, policy, &problems))
        for (size_t i = 0; i < problems.n; i++)
            fielderr_invalid_str(e, FP_CHILD(SPEC, "policyName"), policy, "%s", problems.v[i]);
    if (ref)
        check_params(e, FP_CHILD(SPEC, "paramRef"), ref);
    check_match(e, FP_CHILD(SPEC, "matchResources"), json_object_get(spec, "matchResources"));
    check_actions(e, FP_CHILD(SPEC, "validationActions"), json_object_get(spec, "validationActions"));
}

const struct kind_ops policy_binding_ops = { .validate = binding_validate };
