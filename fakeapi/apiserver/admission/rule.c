#include "fakeapi/apiserver/admission/rule.h"

#include "kube/json.h"

static bool lists(const json_t *list, const char *wanted)
{
    size_t i;
    json_t *v;

    json_array_foreach ((json_t *)list, i, v)
        if (streq(json_string_value(v), "*") || streq(json_string_value(v), wanted))
            return true;
    return false;
}

static bool scope_matches(const json_t *rule, const struct admission *a)
{
    const char *scope = obj_str(rule, "scope");
    bool cluster = a->namespace_itself || !*a->namespace;

    if (!*scope || streq(scope, "*"))
        return true;
    return streq(scope, "Cluster") ? cluster : streq(scope, "Namespaced") && !cluster;
}

/* "pods", "pods/status"; a star on either side of the slash is any, without a slash: no subresource. */
static bool resource_matches(const json_t *rule, const char *resource, const char *sub)
{
    size_t i;
    json_t *v;

    json_array_foreach (json_object_get(rule, "resources"), i, v) {
        const char *text = json_string_value(v), *slash = strchr(text, '/'), *wanted = slash ? slash + 1 : "";
        size_t len = slash ? (size_t)(slash - text) : strlen(text);
        bool same = (len == 1 && *text == '*') || (len == strlen(resource) && strncmp(text, resource, len) == 0);
        if (same && (streq(wanted, "*") || streq(wanted, sub)))
            return true;
    }
    return false;
}

static bool name_matches(const json_t *rule, const struct admission *a)
{
    const json_t *names = json_object_get(rule, "resourceNames");
    size_t i;
    json_t *v;

    if (!json_array_size(names))
        return true;
    json_array_foreach ((json_t *)names, i, v)
        if (streq(json_string_value(v), a->name))
            return true;
    return false;
}

bool admission_rule_matches(const json_t *rule, const struct admission *a, const struct kind *k)
{
    return scope_matches(rule, a) && lists(json_object_get(rule, "operations"), admission_op_text(a->op)) &&
           lists(json_object_get(rule, "apiGroups"), k->res.group) &&
           lists(json_object_get(rule, "apiVersions"), k->res.version) &&
           resource_matches(rule, k->res.plural, a->sub ? a->sub->name : "") && name_matches(rule, a);
}
