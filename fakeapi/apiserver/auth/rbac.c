/* Which rules hold for somebody: bindings name him or a group of his, their roles hold the rules. */
#include "fakeapi/apiserver/auth/auth.h"

#define GROUP "rbac.authorization.k8s.io"

/* ---- does a rule allow it ------------------------------------------------------------------------------- */

static bool list_has(const json_t *list, const char *text)
{
    size_t i;
    json_t *v;

    json_array_foreach ((json_t *)list, i, v)
        if (json_is_string(v) && streq(json_string_value(v), text))
            return true;
    return false;
}

static bool list_allows(const json_t *rule, const char *key, const char *text)
{
    const json_t *list = json_object_get(rule, key);

    return list_has(list, "*") || list_has(list, text);
}

/* "pods", "pods/log", any subresource of that name as in "*" "/log", or all. */
static bool resource_allowed(const json_t *rule, const struct access *a)
{
    const json_t *list = json_object_get(rule, "resources");
    size_t i;
    json_t *v;

    json_array_foreach ((json_t *)list, i, v) {
        const char *text = json_is_string(v) ? json_string_value(v) : "", *slash;
        size_t len = strlen(a->resource);
        if (streq(text, "*"))
            return true;
        if (!*a->subresource) {
            if (streq(text, a->resource))
                return true;
            continue;
        }
        slash = strchr(text, '/');
        if (str_starts(text, "*/") && streq(text + 2, a->subresource))
            return true;
        if (slash && (size_t)(slash - text) == len && strncmp(text, a->resource, len) == 0 &&
            streq(slash + 1, a->subresource))
            return true;
    }
    return false;
}

/* "*" at the end stands for any rest. */
bool rbac_rule_names_path(const json_t *rule, const char *path)
{
    const json_t *list = json_object_get(rule, "nonResourceURLs");
    size_t i;
    json_t *v;

    json_array_foreach ((json_t *)list, i, v) {
        const char *text = json_is_string(v) ? json_string_value(v) : "";
        size_t len = strlen(text);
        if (streq(text, path))
            return true;
        if (!len || text[len - 1] != '*')
            continue;
        while (len && text[len - 1] == '*')
            len--;
        if (strncmp(text, path, len) == 0)
            return true;
    }
    return false;
}

bool rbac_rule_allows(const json_t *rule, const struct access *a)
{
    const json_t *names = json_object_get(rule, "resourceNames");

    if (!list_allows(rule, "verbs", a->verb))
        return false;
    if (a->path)
        return rbac_rule_names_path(rule, a->path);
    return list_allows(rule, "apiGroups", a->group) && resource_allowed(rule, a) &&
           (json_array_size(names) == 0 || list_has(names, a->name));
}

/* ---- whom a binding names --------------------------------------------------------------------------------- */

static bool names_account(const struct api_user *user, const char *namespace, const char *name)
{
    const char *rest = user->name + strlen("system:serviceaccount:");
    size_t len = strlen(namespace);

    return len && str_starts(user->name, "system:serviceaccount:") && strncmp(rest, namespace, len) == 0 &&
           rest[len] == ':' && streq(rest + len + 1, name);
}

static bool names_user(const json_t *subject, const struct api_user *user, const char *namespace)
{
    const char *kind = obj_str(subject, "kind"), *name = obj_str(subject, "name"), *of = obj_str(subject, "namespace");

    if (streq(kind, "User"))
        return streq(user->name, name);
    if (streq(kind, "Group"))
        return user_in_group(user, name);
    return streq(kind, "ServiceAccount") && names_account(user, *of ? of : namespace, name);
}

static const json_t *subject_for(const json_t *binding, const struct api_user *user, const char *namespace)
{
    size_t i;
    json_t *subject;

    json_array_foreach (json_object_get(binding, "subjects"), i, subject)
        if (names_user(subject, user, namespace))
            return subject;
    return NULL;
}

const char *rule_source_text(struct arena *a, const struct rule_source *from)
{
    const json_t *b = from->binding, *s = from->subject;
    const char *namespace = obj_namespace(b), *name = obj_str(s, "name");
    cleanup_buf struct buf t = BUF_INIT;

    if (streq(obj_str(s, "kind"), "ServiceAccount"))
        name = arena_printf(a, "%s/%s", name, *obj_str(s, "namespace") ? obj_str(s, "namespace") : namespace);
    buf_add_str(&t, *namespace ? "RoleBinding " : "ClusterRoleBinding ");
    const char *binding = *namespace ? arena_printf(a, "%s/%s", obj_name(b), namespace) : obj_name(b);
    go_quote(&t, binding, strlen(binding));
    buf_printf(&t, " of %s ", obj_str(b, "roleRef.kind"));
    go_quote(&t, obj_str(b, "roleRef.name"), strlen(obj_str(b, "roleRef.name")));
    buf_printf(&t, " to %s ", obj_str(s, "kind"));
    go_quote(&t, name, strlen(name));
    return arena_strdup(a, t.data);
}

const char *errors_join(struct arena *a, const char *const *errors, size_t n)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t shown = 0;

    for (size_t i = 0; i < n; i++) {
        bool again = false;
        for (size_t j = 0; j < i && !again; j++)
            again = streq(errors[i], errors[j]);
        if (again)
            continue;
        buf_printf(&b, shown++ ? ", %s" : "%s", errors[i]);
    }
    return shown > 1 ? arena_printf(a, "[%s]", b.data) : arena_strdup(a, shown ? b.data : "");
}

/* ---- the visit ---------------------------------------------------------------------------------------------- */

struct visit {
    struct apiserver *s;
    struct arena *arena;
    const struct api_user *user;
    const char *namespace;             /* of the bindings in hand; "": they are for the whole cluster */
    rule_fn *fn;
    void *arg;
    bool stopped;
};

static const struct kind *kind_of(struct apiserver *s, const char *plural)
{
    return kinds_find(s->kinds, GROUP, "v1", plural);
}

/* The role that a reference means. A Role is looked for in the binding's namespace. */
static const json_t *find_role(struct visit *v, const json_t *ref, const char **ret_missing)
{
    bool cluster = streq(obj_str(ref, "kind"), "ClusterRole");
    const char *name = obj_str(ref, "name");
    const struct kind *k = kind_of(v->s, cluster ? "clusterroles" : "roles");
    const char *key = cluster ? arena_printf(v->arena, "%s%s", k->store_prefix, name)
                              : arena_printf(v->arena, "%s%s/%s", k->store_prefix, v->namespace, name);
    struct record rec;

    if (store_get(v->s->store, key, 0, &rec) == 0)
        return value_tree(rec.value);
    *ret_missing = arena_printf(v->arena, "%s." GROUP " \"%s\" not found", cluster ? "clusterrole" : "role", name);
    return NULL;
}

static bool visit_binding(void *arg, const struct record *r)
{
    struct visit *v = arg;
    const json_t *binding = value_tree(r->value), *role;
    struct rule_source from = { binding, subject_for(binding, v->user, v->namespace) };
    const char *missing = NULL;
    size_t i;
    json_t *rule;

    if (!from.subject)
        return true;
    role = find_role(v, json_object_get(binding, "roleRef"), &missing);
    if (!role) {
        v->stopped = !v->fn(v->arg, &from, NULL, missing);
        return !v->stopped;
    }
    json_array_foreach (json_object_get(role, "rules"), i, rule) {
        v->stopped = !v->fn(v->arg, &from, rule, NULL);
        if (v->stopped)
            return false;
    }
    return true;
}

void rbac_visit(struct apiserver *s, struct arena *a, const struct api_user *user, const char *namespace,
                rule_fn *visit, void *arg)
{
    struct visit v = { .s = s, .arena = a, .user = user, .namespace = "", .fn = visit, .arg = arg };

    store_range(s->store, kind_of(s, "clusterrolebindings")->store_prefix, NULL, 0, 0, visit_binding, &v, NULL);
    if (v.stopped || !*namespace)
        return;
    v.namespace = namespace;
    store_range(s->store, arena_printf(a, "%s%s/", kind_of(s, "rolebindings")->store_prefix, namespace), NULL, 0, 0,
                visit_binding, &v, NULL);
}
