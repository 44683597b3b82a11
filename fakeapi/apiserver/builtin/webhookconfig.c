/* MutatingWebhookConfiguration, ValidatingWebhookConfiguration: what may be configured (G-085). */
#include "fakeapi/apiserver/builtin/hookrules.h"

#include "kube/hook_check.h"
#include "kube/names.h"
#include "kube/selector.h"

/* Go joins these with a comma and no blank. */
static const char *joined(struct arena *a, const struct name_problems *problems)
{
    const char *text = "";

    for (size_t i = 0; i < problems->n; i++)
        text = arena_printf(a, "%s%s%s", text, i ? "," : "", problems->v[i]);
    return text;
}

static void hook_name(struct fielderrs *e, const struct fpath *path, const char *name)
{
    struct name_problems problems;
    size_t dots = 0;

    for (const char *p = name; *p; p++)
        dots += *p == '.';
    if (!*name)
        fielderr_required(e, path, "");
    else if (!name_check_str(NAME_DNS1123_SUBDOMAIN, name, &problems))
        fielderr_invalid_str(e, path, name, "%s", joined(e->arena, &problems));
    else if (dots < 2)
        fielderr_invalid_str(e, path, name, "should be a domain with at least three segments separated by dots");
}

static void one_of(struct fielderrs *e, const json_t *hook, const struct fpath *path, const char *member,
                   const char *const *known)
{
    if (json_object_get(hook, member))
        rule_required_one_of(e, hook, path, member, known);
}

static void side_effects(struct fielderrs *e, const json_t *hook, const struct fpath *path)
{
    static const char *const harmless[] = { "None", "NoneOnDryRun", NULL };

    const json_t *effects = json_object_get(hook, "sideEffects");

    if (!effects || json_is_null(effects))
        fielderr_required(e, FP_CHILD(path, "sideEffects"), "must specify one of None, NoneOnDryRun");
    else
        rule_required_one_of(e, hook, path, "sideEffects", harmless);
}

static void timeout(struct fielderrs *e, const json_t *hook, const struct fpath *path)
{
    int64_t seconds = obj_int(hook, "timeoutSeconds", 10);

    if (seconds < 1 || seconds > 30)
        fielderr_invalid_int(e, FP_CHILD(path, "timeoutSeconds"), seconds,
                             "the timeout value must be between 1 and 30 seconds");
}

static void hook_validate(struct call *c, struct fielderrs *e, const json_t *hook, const struct fpath *path, bool mutating,
                          bool conditions)
{
    static const char *const failures[] = { "Fail", "Ignore", NULL }, *const matches[] = { "Equivalent", "Exact", NULL },
                      *const reinvocations[] = { "IfNeeded", "Never", NULL };
    size_t i;
    json_t *rule;

    hook_name(e, FP_CHILD(path, "name"), text(hook, "name"));
    json_array_foreach (json_object_get(hook, "rules"), i, rule)
        hook_rule_validate(e, FP_INDEX(FP_CHILD(path, "rules"), i), rule);
    one_of(e, hook, path, "failurePolicy", failures);
    one_of(e, hook, path, "matchPolicy", matches);
    side_effects(e, hook, path);
    timeout(e, hook, path);
    label_selector_validate(e, FP_CHILD(path, "namespaceSelector"), json_object_get(hook, "namespaceSelector"));
    label_selector_validate(e, FP_CHILD(path, "objectSelector"), json_object_get(hook, "objectSelector"));
    if (mutating)
        one_of(e, hook, path, "reinvocationPolicy", reinvocations);
    hook_check_place(e, FP_CHILD(path, "clientConfig"), FP_CHILD(path, "clientConfig"),
                     json_object_get(hook, "clientConfig"));
    if (conditions)
        hook_conditions_validate(c, e, FP_CHILD(path, "matchConditions"), json_object_get(hook, "matchConditions"), false);
}

static bool same_conditions(const json_t *obj, const json_t *old)
{
    const json_t *now = json_object_get(obj, "webhooks"), *before = json_object_get(old, "webhooks");

    if (!old || json_array_size(now) != json_array_size(before))
        return false;
    for (size_t i = 0; i < json_array_size(now); i++)
        if (!json_same(json_object_get(json_array_get(now, i), "matchConditions"),
                       json_object_get(json_array_get(before, i), "matchConditions")))
            return false;
    return true;
}

static void config_validate(struct call *c, const json_t *obj, const json_t *old, bool mutating, struct fielderrs *e)
{
    const json_t *hooks = json_object_get(obj, "webhooks");
    bool conditions = !same_conditions(obj, old);
    size_t i, k;
    json_t *hook;

    json_array_foreach ((json_t *)hooks, i, hook) {
        const struct fpath *path = FP_INDEX(RULE_AT("webhooks"), i);
        bool twice = false;
        hook_validate(c, e, hook, path, mutating, conditions);
        hook_check_versions(e, FP_CHILD(path, "admissionReviewVersions"), json_object_get(hook, "admissionReviewVersions"),
                            "must specify one of v1, v1beta1", true);
        for (k = 0; k < i; k++)
            twice = twice || streq(text(json_array_get(hooks, k), "name"), text(hook, "name"));
        if (twice && *text(hook, "name"))
            fielderr_duplicate_str(e, FP_CHILD(path, "name"), text(hook, "name"));
    }
}

static void mutating_create(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    config_validate(c, obj, NULL, true, e);
}

static void mutating_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                            const json_t *old, struct fielderrs *e)
{
    config_validate(c, obj, old, true, e);
}

static void validating_create(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    config_validate(c, obj, NULL, false, e);
}

static void validating_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                              const json_t *old, struct fielderrs *e)
{
    config_validate(c, obj, old, false, e);
}

const struct kind_ops mutating_config_ops = { .validate = mutating_create, .validate_update = mutating_update };
const struct kind_ops validating_config_ops = { .validate = validating_create, .validate_update = validating_update };
