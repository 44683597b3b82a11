/* What a request asks for, by its path and method alone, and whether its user may. */
#include "fakeapi/apiserver/auth/auth.h"

#include "kube/selector.h"

/* ---- what is asked for -------------------------------------------------------------------------------- */

struct parts {
    const char *v[8];                  /* enough to tell what a path means */
    size_t n;
};

static void split_path(struct arena *a, const char *path, struct parts *ret)
{
    char *p = arena_strdup(a, path);
    size_t len;

    *ret = (struct parts){ 0 };
    while (*p == '/')
        p++;
    len = strlen(p);
    while (len && p[len - 1] == '/')
        p[--len] = '\0';
    while (len && p && ret->n < ARRAY_SIZE(ret->v)) {
        char *slash = strchr(p, '/');
        if (slash)
            *slash++ = '\0';
        ret->v[ret->n++] = p;
        p = slash;
    }
}

static const struct method_row {
    const char *method, *verb;
} method_rows[] = {
    { "POST", "create" }, { "GET", "get" },       { "HEAD", "get" },
    { "PUT", "update" },  { "PATCH", "patch" },   { "DELETE", "delete" },
};

static const char *verb_of(const char *method)
{
    for (size_t i = 0; i < ARRAY_SIZE(method_rows); i++)
        if (streq(method_rows[i].method, method))
            return method_rows[i].verb;
    return "";
}

/* A list of one name, by its field selector, is about that name. */
static const char *selected_name(struct call *c)
{
    const char *text = query_get(&c->query, "fieldSelector");
    struct apierr ignored = APIERR_IN(c->arena);
    struct field_selector fields;

    if (str_empty(text) || field_selector_parse(c->arena, text, strlen(text), &fields, &ignored) < 0)
        return "";
    const char *name = field_selector_exact(&fields, "metadata.name");
    return name && *name && name_check_str(NAME_PATH_SEGMENT, name, NULL) ? name : "";
}

static void settle_verb(struct call *c, struct access *a)
{
    if (*a->name)
        return;
    if (streq(a->verb, "get")) {
        a->verb = query_bool(&c->query, "watch") ? "watch" : "list";
        a->name = selected_name(c);
    } else if (streq(a->verb, "delete")) {
        a->verb = "deletecollection";
    }
}

/* "namespaces/x/status" is a subresource of the namespace x; "namespaces/x/pods" is a resource in it. */
static bool in_namespace(const char *const *v, size_t n)
{
    return n > 2 && !streq(v[2], "status") && !streq(v[2], "finalize");
}

static void settle_resource(struct call *c, struct access *a, const char *const *v, size_t n)
{
    bool special = n && (streq(v[0], "watch") || streq(v[0], "proxy"));

    a->verb = special ? v[0] : verb_of(c->q->method);
    v += special;
    n -= special;
    if (n > 1 && streq(v[0], "namespaces")) {
        a->namespace = v[1];
        if (in_namespace(v, n)) {
            v += 2;
            n -= 2;
        }
    }
    a->resource = n > 0 ? v[0] : "";
    a->name = n > 1 ? v[1] : "";
    a->subresource = n > 2 && !streq(a->verb, "proxy") ? v[2] : "";
    settle_verb(c, a);
}

static const char *lower(struct arena *a, const char *text)
{
    char *s = arena_strdup(a, text);

    for (char *p = s; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
    return s;
}

void access_of_call(struct call *c, struct access *ret)
{
    struct parts p;
    bool core, groups;

    *ret = (struct access){ .user = c->user, .verb = lower(c->arena, c->q->method), .path = c->route.path, .group = "",
                            .resource = "", .subresource = "", .namespace = "", .name = "" };
    split_path(c->arena, c->route.path, &p);
    core = p.n >= 3 && streq(p.v[0], "api");
    groups = p.n >= 4 && streq(p.v[0], "apis");
    if (!core && !groups)
        return;
    ret->path = NULL;
    ret->group = groups ? p.v[1] : "";
    settle_resource(c, ret, p.v + (groups ? 3 : 2), p.n - (groups ? 3 : 2));
}

/* ---- whether it is allowed ---------------------------------------------------------------------------- */

struct question {
    const struct access *access;
    struct arena *arena;
    bool allowed;
    const char *reason;
    DYN(const char *) missing;
};

static bool ask_rule(void *arg, const struct rule_source *from, const json_t *rule, const char *missing)
{
    struct question *q = arg;

    if (!rule) {
        *dyn_push(&q->missing) = missing;
        return true;
    }
    if (!rbac_rule_allows(rule, q->access))
        return true;
    q->allowed = true;
    q->reason = arena_printf(q->arena, "RBAC: allowed by %s", rule_source_text(q->arena, from));
    return false;
}

bool access_allowed(struct apiserver *s, struct arena *a, const struct access *access, const char **ret_reason)
{
    struct question q = { .access = access, .arena = a, .reason = "" };

    if (ret_reason)
        *ret_reason = "";
    if (!s->auth->rbac || user_in_group(access->user, "system:masters"))
        return true;
    rbac_visit(s, a, access->user, access->namespace, ask_rule, &q);
    if (!q.allowed && q.missing.n)
        q.reason = arena_printf(a, "RBAC: %s", errors_join(a, q.missing.v, q.missing.n));
    dyn_release(&q.missing);
    if (ret_reason)
        *ret_reason = q.reason;
    return q.allowed;
}

/* ---- the refusal --------------------------------------------------------------------------------------- */

/* A message must not look like HTML. */
static void add_safe(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            buf_add_str(b, "&amp;");
        else if (*text == '<')
            buf_add_str(b, "&lt;");
        else if (*text == '>')
            buf_add_str(b, "&gt;");
        else
            buf_add_char(b, *text);
    }
}

static const char *quoted(struct arena *a, const char *text)
{
    cleanup_buf struct buf b = BUF_INIT;

    go_quote(&b, text, strlen(text));
    return arena_strdup(a, b.data);
}

int reply_broken(struct call *c, const char *why)
{
    cleanup_buf struct buf b = BUF_INIT;
    const char *uri = c->q->query ? arena_printf(c->arena, "%s?%s", c->q->path, c->q->query) : c->q->path;

    add_safe(&b, arena_printf(c->arena, "Internal Server Error: %s: %s\n", quoted(c->arena, uri), why));
    return reply_text(c, 500, "text/plain; charset=utf-8", b.data);
}

static const char *describe(struct arena *a, const struct access *s)
{
    const char *user = quoted(a, s->user->name);

    if (s->path)
        return arena_printf(a, "User %s cannot %s path %s", user, s->verb, quoted(a, s->path));
    const char *resource = *s->subresource ? arena_printf(a, "%s/%s", s->resource, s->subresource) : s->resource;
    const char *what = arena_printf(a, "User %s cannot %s resource %s in API group %s", user, s->verb,
                                    quoted(a, resource), quoted(a, s->group));
    if (!*s->namespace)
        return arena_printf(a, "%s at the cluster scope", what);
    return arena_printf(a, "%s in the namespace %s", what, quoted(a, s->namespace));
}

int access_refuse(struct call *c, const struct access *s, const char *reason)
{
    cleanup_buf struct buf b = BUF_INIT;
    int r;

    if (*s->resource || *s->group) {
        buf_printf(&b, *s->group ? "%s.%s" : "%s", s->resource, s->group);
        if (*s->name)
            buf_printf(&b, " %s", quoted(c->arena, s->name));
        buf_add_str(&b, " is ");
    }
    buf_add_str(&b, "forbidden: ");
    add_safe(&b, describe(c->arena, s));
    if (*reason)
        buf_printf(&b, ": %s", reason);
    r = apierr_set(&c->err, APIERR_FORBIDDEN, "%s", b.data);
    c->no_sniff = true;
    c->err.has_details = true;
    c->err.name = *s->name ? arena_strdup(c->arena, s->name) : NULL;
    c->err.group = *s->group ? arena_strdup(c->arena, s->group) : NULL;
    c->err.kind = *s->resource ? arena_strdup(c->arena, s->resource) : NULL;
    return r;
}

int authorize_call(struct call *c)
{
    struct access a;
    const char *reason;

    if (!c->s->auth->rbac)
        return 0;
    access_of_call(c, &a);
    return access_allowed(c->s, c->arena, &a, &reason) ? 0 : access_refuse(c, &a, reason);
}
