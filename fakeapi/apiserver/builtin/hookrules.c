/* Rules and match conditions of webhooks and policies (G-086). */
#include "fakeapi/apiserver/builtin/hookrules.h"

#include "fakeapi/apiserver/admission/expressions.h"
#include "kube/names.h"

enum { CONDITIONS_MAX = 64 };

static bool has(const json_t *list, const char *wanted)
{
    size_t i;
    json_t *v;

    json_array_foreach ((json_t *)list, i, v)
        if (streq(json_string_value(v), wanted))
            return true;
    return false;
}

/* One that is any is enough. */
static void wildcard_alone(struct fielderrs *e, const struct fpath *path, const json_t *list, const char *others)
{
    if (json_array_size(list) > 1 && has(list, "*"))
        fielderr_invalid(e, path, list, "if '*' is present, must not specify other %s", others);
}

/* ---- resources ------------------------------------------------------------------------------------------ */

/* "a/b" among the first `n` of a list: is "a/star" or "star/b" there? */
static bool has_pair(const json_t *list, size_t n, const char *resource, size_t len, const char *sub)
{
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i)), *slash = strchr(text, '/');
        if (slash && (size_t)(slash - text) == len && strncmp(text, resource, len) == 0 && streq(slash + 1, sub))
            return true;
    }
    return false;
}

static void check_resource(struct fielderrs *e, const struct fpath *path, const json_t *list, size_t i)
{
    const char *text = json_string_value(json_array_get(list, i)), *slash = strchr(text, '/');

    if (!*text) {
        fielderr_required(e, path, "");
    } else if (slash) {
        size_t len = (size_t)(slash - text);
        if (has_pair(list, i, text, len, "*"))
            fielderr_invalid_str(e, path, text, "if '%.*s/*' is present, must not specify %s", (int)len, text, text);
        if (has_pair(list, i, "*", 1, slash + 1))
            fielderr_invalid_str(e, path, text, "if '*/%s' is present, must not specify %s", slash + 1, text);
    }
}

static void check_resources(struct fielderrs *e, const struct fpath *path, const json_t *list)
{
    bool plain = false;                /* of those without a slash, the last is no star */
    size_t i;
    json_t *v;

    if (!json_array_size(list))
        fielderr_required(e, path, "");
    json_array_foreach ((json_t *)list, i, v) {
        check_resource(e, FP_INDEX(path, i), list, i);
        if (json_string_length(v) && !strchr(json_string_value(v), '/'))
            plain = !streq(json_string_value(v), "*");
    }
    if (json_array_size(list) > 1 && has(list, "*/*"))
        fielderr_invalid(e, path, list, "if '*/*' is present, must not specify other resources");
    if (has(list, "*") && plain)
        fielderr_invalid(e, path, list, "if '*' is present, must not specify other resources without subresources");
}

/* ---- rules ------------------------------------------------------------------------------------------------ */

static void check_operations(struct fielderrs *e, const struct fpath *path, const json_t *list)
{
    static const char *const known[] = { "*", "CONNECT", "CREATE", "DELETE", "UPDATE", NULL };
    size_t i, k;
    json_t *v;

    if (!json_array_size(list))
        fielderr_required(e, path, "");
    wildcard_alone(e, path, list, "operations");
    json_array_foreach ((json_t *)list, i, v) {
        for (k = 0; known[k] && !streq(known[k], json_string_value(v)); k++)
            ;
        if (!known[k])
            fielderr_not_supported(e, FP_INDEX(path, i), v, known);
    }
}

static void check_names(struct fielderrs *e, const struct fpath *path, const json_t *list)
{
    struct name_problems problems;
    size_t i, k;
    json_t *v;

    json_array_foreach ((json_t *)list, i, v) {
        bool twice = false;
        if (!name_check_json(NAME_PATH_SEGMENT, v, &problems))
            for (k = 0; k < problems.n; k++)
                fielderr_invalid(e, FP_INDEX(path, i), v, "%s", problems.v[k]);
        for (k = 0; k < i; k++)
            twice = twice || json_same(json_array_get(list, k), v);
        if (twice)
            fielderr_duplicate(e, FP_INDEX(path, i), v);
    }
}

void hook_rule_validate(struct fielderrs *e, const struct fpath *path, const json_t *rule)
{
    static const char *const scopes[] = { "*", "Cluster", "Namespaced", NULL };
    const json_t *groups = json_object_get(rule, "apiGroups"), *versions = json_object_get(rule, "apiVersions");
    size_t i;
    json_t *v;

    check_names(e, FP_CHILD(path, "resourceNames"), json_object_get(rule, "resourceNames"));
    check_operations(e, FP_CHILD(path, "operations"), json_object_get(rule, "operations"));
    if (!json_array_size(groups))
        fielderr_required(e, FP_CHILD(path, "apiGroups"), "");
    wildcard_alone(e, FP_CHILD(path, "apiGroups"), groups, "API groups");
    if (!json_array_size(versions))
        fielderr_required(e, FP_CHILD(path, "apiVersions"), "");
    wildcard_alone(e, FP_CHILD(path, "apiVersions"), versions, "API versions");
    json_array_foreach ((json_t *)versions, i, v)
        if (!json_string_length(v))
            fielderr_required(e, FP_INDEX(FP_CHILD(path, "apiVersions"), i), "");
    check_resources(e, FP_CHILD(path, "resources"), json_object_get(rule, "resources"));
    if (json_object_get(rule, "scope"))
        rule_required_one_of(e, rule, path, "scope", scopes);
}

/* ---- match conditions -------------------------------------------------------------------------------------- */

static const char *trimmed(struct arena *a, const char *s)
{
    s += strspn(s, " \t\r\n\v\f");
    size_t n = strlen(s);
    while (n && strchr(" \t\r\n\v\f", s[n - 1]))
        n--;
    return arena_strndup(a, s, n);
}

static void check_condition(struct fielderrs *e, const struct fpath *path, const json_t *condition,
                            struct expression_env *env)
{
    const char *text = trimmed(e->arena, obj_str(condition, "expression")), *name = obj_str(condition, "name");
    struct name_problems problems;
    struct expression x = { 0 };

    if (!*text)
        fielderr_required(e, FP_CHILD(path, "expression"), "");
    else
        expression_compile(env, text, EXPRESSION_BOOL, true, &x);
    expression_tell(&x, e, FP_CHILD(path, "expression"), text);
    expression_release(&x);
    if (!*name)
        fielderr_required(e, FP_CHILD(path, "name"), "");
    else if (!name_check_str(NAME_QUALIFIED, name, &problems))
        for (size_t i = 0; i < problems.n; i++)
            fielderr_invalid_str(e, FP_CHILD(path, "name"), name, "%s", problems.v[i]);
}

void hook_conditions_validate(struct call *c, struct fielderrs *e, const struct fpath *path, const json_t *conditions,
                              bool params)
{
    size_t n = json_array_size(conditions), i, k;
    json_t *v;

    if (n > CONDITIONS_MAX)
        fielderr_too_many(e, path, n, CONDITIONS_MAX);
    if (!n)
        return;
    struct expression_env *env = expression_env_new(c->s, params);
    json_array_foreach ((json_t *)conditions, i, v) {
        const char *name = obj_str(v, "name");
        bool twice = false;
        check_condition(e, FP_INDEX(path, i), v, env);
        for (k = 0; *name && k < i && n <= 10 * CONDITIONS_MAX; k++)
            twice = twice || streq(obj_str(json_array_get(conditions, k), "name"), name);
        if (twice)
            fielderr_duplicate_str(e, FP_CHILD(FP_INDEX(path, i), "name"), name);
    }
    expression_env_free(env);
}
