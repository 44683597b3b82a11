/* Nobody gives away what he has not got: what is checked when a role or a binding is written. */
#include "fakeapi/apiserver/auth/auth.h"

#define GROUP "rbac.authorization.k8s.io"
#define PIECES_MAX 20000               /* that are looked at one by one */
#define MISSING_MAX 2000               /* that are told of */

/* ---- what a rule covers --------------------------------------------------------------------------------- */

/* The smallest piece of a rule. */
struct piece {
    const char *group, *resource, *name, *url, *verb;            /* NULL: none */
};

static bool list_has(const json_t *list, const char *text)
{
    size_t i;
    json_t *v;

    json_array_foreach ((json_t *)list, i, v)
        if (json_is_string(v) && streq(json_string_value(v), text))
            return true;
    return false;
}

static const json_t *list_of(const json_t *rule, const char *key)
{
    return json_object_get(rule, key);
}

static bool covers(const json_t *rule, const char *key, const char *text)
{
    return list_has(list_of(rule, key), "*") || list_has(list_of(rule, key), text);
}

static bool covers_resource(struct arena *a, const json_t *rule, const char *text)
{
    const char *slash = strchr(text, '/');

    return covers(rule, "resources", text) ||
           (slash && list_has(list_of(rule, "resources"), arena_printf(a, "*%s", slash)));
}

static bool covers_piece(struct arena *a, const json_t *rule, const struct piece *p)
{
    const json_t *names = list_of(rule, "resourceNames");

    if (!covers(rule, "verbs", p->verb))
        return false;
    if (p->url)
        return rbac_rule_names_path(rule, p->url) && json_array_size(names) == 0;
    return covers(rule, "apiGroups", p->group) && covers_resource(a, rule, p->resource) &&
           (json_array_size(names) == 0 || (p->name && list_has(names, p->name)));
}

/* ---- what is missing --------------------------------------------------------------------------------------- */

/* Pieces that differ only by their verb are told of in one line. */
struct missing {
    struct piece first;
    DYN(const char *) verbs;
};

struct check {
    struct call *c;
    DYN(json_t *) held;                /* the rules of the user: borrowed from the store */
    DYN(const char *) errors;
    DYN(struct missing) missing;
    size_t pieces;
};

/* A role that is missing goes by the name of what is being written: so does the real server say it. */
static const char *not_there(struct call *c, const char *role)
{
    return arena_printf(c->arena, "%s." GROUP " \"%s\" not found", c->route.kind->res.plural, role);
}

static bool collect_rule(void *arg, const struct rule_source *from, const json_t *rule, const char *missing)
{
    struct check *k = arg;

    if (rule)
        *dyn_push(&k->held) = (json_t *)rule;
    else
        *dyn_push(&k->errors) = not_there(k->c, obj_str(from->binding, "roleRef.name"));
    return true;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && streq(a, b));
}

static void add_missing(struct check *k, const struct piece *p)
{
    struct missing *m;

    for (size_t i = 0; !p->url && i < k->missing.n; i++) {
        m = &k->missing.v[i];
        if (same(m->first.group, p->group) && same(m->first.resource, p->resource) && same(m->first.name, p->name)) {
            *dyn_push(&m->verbs) = p->verb;
            return;
        }
    }
    m = dyn_push(&k->missing);
    *m = (struct missing){ .first = *p };
    *dyn_push(&m->verbs) = p->verb;
}

static void look_at(struct check *k, const struct piece *p)
{
    k->pieces++;
    for (size_t i = 0; i < k->held.n; i++)
        if (covers_piece(k->c->arena, k->held.v[i], p))
            return;
    add_missing(k, p);
}

static bool full(const struct check *k)
{
    return k->pieces >= PIECES_MAX || k->missing.n >= MISSING_MAX;
}

static const char *text_at(const json_t *list, size_t i)
{
    return json_string_value(json_array_get(list, i)) ? json_string_value(json_array_get(list, i)) : "";
}

static void look_at_verbs(struct check *k, const json_t *rule, struct piece p)
{
    const json_t *verbs = list_of(rule, "verbs"), *names = list_of(rule, "resourceNames");

    for (size_t v = 0; v < json_array_size(verbs) && !full(k); v++) {
        p.verb = text_at(verbs, v);
        if (p.url || json_array_size(names) == 0)
            look_at(k, &p);
        for (size_t i = 0; !p.url && i < json_array_size(names) && !full(k); i++) {
            p.name = text_at(names, i);
            look_at(k, &p);
        }
    }
}

static void look_at_rule(struct check *k, const json_t *rule)
{
    const json_t *groups = list_of(rule, "apiGroups"), *resources = list_of(rule, "resources");
    const json_t *urls = list_of(rule, "nonResourceURLs");

    for (size_t g = 0; g < json_array_size(groups) && !full(k); g++)
        for (size_t r = 0; r < json_array_size(resources) && !full(k); r++)
            look_at_verbs(k, rule, (struct piece){ .group = text_at(groups, g), .resource = text_at(resources, r) });
    for (size_t u = 0; u < json_array_size(urls) && !full(k); u++)
        look_at_verbs(k, rule, (struct piece){ .url = text_at(urls, u) });
}

/* ---- the message -------------------------------------------------------------------------------------------- */

static void add_list(struct buf *b, const char *label, const char *const *list, size_t n)
{
    if (n == 0 || !list[0])
        return;
    if (b->len > 1)
        buf_add_str(b, ", ");
    buf_printf(b, "%s:[", label);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_char(b, ' ');
        go_quote(b, list[i], strlen(list[i]));
    }
    buf_add_char(b, ']');
}

static const char *missing_text(struct arena *a, const struct missing *m)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_char(&b, '{');
    add_list(&b, "APIGroups", &m->first.group, 1);
    add_list(&b, "Resources", &m->first.resource, 1);
    add_list(&b, "NonResourceURLs", &m->first.url, 1);
    add_list(&b, "ResourceNames", &m->first.name, 1);
    add_list(&b, "Verbs", m->verbs.v, m->verbs.n);
    buf_add_char(&b, '}');
    return arena_strdup(a, b.data);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *complaint(struct check *k)
{
    const struct api_user *u = k->c->user;
    const char **lines = arena_alloc(k->c->arena, (k->missing.n + 1) * sizeof(*lines));
    cleanup_buf struct buf b = BUF_INIT;

    for (size_t i = 0; i < k->missing.n; i++)
        lines[i] = missing_text(k->c->arena, &k->missing.v[i]);
    qsort(lines, k->missing.n, sizeof(*lines), by_text);
    buf_add_str(&b, "user ");
    go_quote(&b, u->name, strlen(u->name));
    buf_add_str(&b, " (groups=[");
    for (size_t i = 0; i < u->n_groups; i++) {
        if (i)
            buf_add_char(&b, ' ');
        go_quote(&b, u->groups[i], strlen(u->groups[i]));
    }
    buf_add_str(&b, "]) is attempting to grant RBAC permissions not currently held:\n");
    for (size_t i = 0; i < k->missing.n; i++)
        if (i == 0 || !streq(lines[i], lines[i - 1]))
            buf_printf(&b, i ? "\n%s" : "%s", lines[i]);
    if (k->errors.n)
        buf_printf(&b, "; resolution errors: [%s]", errors_join(k->c->arena, k->errors.v, k->errors.n));
    return arena_strdup(k->c->arena, b.data);
}

/* What keeps the user from giving these rules away; NULL: nothing, he holds them all. */
static const char *not_held(struct call *c, const char *namespace, const json_t *rules)
{
    struct check k = { .c = c };
    const char *why = NULL;
    size_t i;
    json_t *rule;

    rbac_visit(c->s, c->arena, c->user, namespace, collect_rule, &k);
    json_array_foreach ((json_t *)rules, i, rule)
        look_at_rule(&k, rule);
    if (k.missing.n)
        why = complaint(&k);
    else if (full(&k))
        why = arena_printf(c->arena, "the rules have more than %d parts", PIECES_MAX);
    for (i = 0; i < k.missing.n; i++)
        dyn_release(&k.missing.v[i].verbs);
    dyn_release(&k.missing);
    dyn_release(&k.held);
    dyn_release(&k.errors);
    return why;
}

/* ---- roles ---------------------------------------------------------------------------------------------------- */

static int forbid(struct call *c, const struct kind *k, const json_t *obj, const char *why)
{
    const char *name = arena_strdup(c->arena, obj_name(obj));
    int r = apierr_set(&c->err, APIERR_FORBIDDEN, *name ? "%s.%s \"%s\" is forbidden: %s" : "%s.%s%s is forbidden: %s",
                       k->res.plural, k->res.group, name, why);

    c->err.name = name;
    c->err.group = k->res.group;
    c->err.kind = k->res.plural;
    return r;
}

static bool may(struct call *c, const char *verb, const char *resource, const char *namespace, const char *name)
{
    struct access a = { .user = c->user, .verb = verb, .group = GROUP, .resource = resource, .subresource = "",
                        .namespace = namespace, .name = name };

    return access_allowed(c->s, c->arena, &a, NULL);
}

static bool aggregates(const json_t *role)
{
    return role && obj_count(role, "aggregationRule.clusterRoleSelectors");
}

static int check_role(struct call *c, const struct kind *k, const json_t *obj, const json_t *old)
{
    const char *why;

    if (may(c, "escalate", k->res.plural, c->route.namespace, c->route.name))
        return 0;
    if ((why = not_held(c, c->route.namespace, json_object_get(obj, "rules"))))
        return forbid(c, k, obj, why);
    if (aggregates(obj) || aggregates(old)) {
        json_auto_t *all = json_pack("[{s:[s], s:[s], s:[s]}, {s:[s], s:[s]}]", "verbs", "*", "apiGroups", "*",
                                     "resources", "*", "verbs", "*", "nonResourceURLs", "*");
        if (not_held(c, "", all))
            return forbid(c, k, obj, "must have cluster-admin privileges to use the aggregationRule");
    }
    return 0;
}

/* ---- bindings -------------------------------------------------------------------------------------------------- */

static int check_binding(struct call *c, const struct kind *k, const json_t *obj)
{
    const char *kind = obj_str(obj, "roleRef.kind"), *name = obj_str(obj, "roleRef.name"), *why;
    const char *plural = streq(kind, "ClusterRole") ? "clusterroles" : streq(kind, "Role") ? "roles" : NULL;
    const char *namespace = k->res.namespaced ? c->route.namespace : "";
    struct record rec;

    if (!plural)
        return apierr_set(&c->err, APIERR_INTERNAL_ERROR, "unsupported role reference kind: \"%s\"", kind);
    if (streq(obj_str(obj, "roleRef.apiGroup"), GROUP) && may(c, "bind", plural, namespace, name))
        return 0;
    const struct kind *roles = kinds_find(c->s->kinds, GROUP, "v1", plural);
    if (get_record(c, roles, roles->res.namespaced ? namespace : "", name, &rec) < 0)
        return apierr_not_found(&c->err, GROUP, k->res.plural, arena_strdup(c->arena, name));
    why = not_held(c, namespace, json_object_get(value_tree(rec.value), "rules"));
    return why ? forbid(c, k, obj, why) : 0;
}

/* A write that only lets the garbage collector do its work gives nothing to anybody. */
static bool only_for_gc(const json_t *obj, const json_t *old)
{
    static const char *const paths[] = { "metadata.ownerReferences", "metadata.finalizers", "metadata.managedFields" };
    json_t *a = json_incref((json_t *)obj), *b = json_incref((json_t *)old);
    bool equal;

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        json_t *next = json_without(a, paths[i]);
        json_decref(a);
        a = next;
        next = json_without(b, paths[i]);
        json_decref(b);
        b = next;
    }
    equal = json_same(a, b);
    json_decref(a);
    json_decref(b);
    return equal;
}

int escalation_check(struct call *c, const struct kind *k, const json_t *obj, const json_t *old)
{
    if (!c->s->auth->rbac || c->internal || !c->user || user_in_group(c->user, "system:masters"))
        return 0;
    if (old && only_for_gc(obj, old))
        return 0;
    return str_ends(k->res.plural, "bindings") ? check_binding(c, k, obj) : check_role(c, k, obj, old);
}
