#include "fakeapi/apiserver/admission/expressions.h"

#include "fakeapi/apiserver/auth/auth.h"
#include "kube/fielderr.h"
#include "kube/kcel/rule.h"

struct variable {
    const char *name;
    const struct cel_type *type;
    struct expression expression;
};

struct expression_env {
    struct arena *arena;
    struct cel_env *plain, *authorized;
    struct cel_type variables_type;
    DYN(struct variable *) variables;
};

/* ---- types -------------------------------------------------------------------------------------------- */

static const struct cel_type *string_list(struct arena *a)
{
    return cel_type_list(a, &cel_type_string);
}

static const struct cel_type *object_type(struct arena *a, const char *name, const struct cel_field *fields, size_t n)
{
    return cel_type_object(a, name, arena_memdup(a, fields, n * sizeof(*fields)), n);
}

static const struct cel_type *request_type(struct arena *a)
{
    const struct cel_field kind[] = { { "group", NULL, &cel_type_string }, { "version", NULL, &cel_type_string },
                                      { "kind", NULL, &cel_type_string } };
    const struct cel_field resource[] = { { "group", NULL, &cel_type_string }, { "version", NULL, &cel_type_string },
                                          { "resource", NULL, &cel_type_string } };
    const struct cel_field user[] = {
        { "username", NULL, &cel_type_string }, { "uid", NULL, &cel_type_string }, { "groups", NULL, string_list(a) },
        { "extra", NULL, cel_type_map(a, &cel_type_string, string_list(a)) },
    };
    const struct cel_type *gvk = object_type(a, "kubernetes.GroupVersionKind", kind, ARRAY_SIZE(kind));
    const struct cel_type *gvr = object_type(a, "kubernetes.GroupVersionResource", resource, ARRAY_SIZE(resource));
    const struct cel_field fields[] = {
        { "kind", NULL, gvk }, { "resource", NULL, gvr }, { "subResource", NULL, &cel_type_string },
        { "requestKind", NULL, gvk }, { "requestResource", NULL, gvr }, { "requestSubResource", NULL, &cel_type_string },
        { "name", NULL, &cel_type_string }, { "namespace", NULL, &cel_type_string },
        { "operation", NULL, &cel_type_string },
        { "userInfo", NULL, object_type(a, "kubernetes.UserInfo", user, ARRAY_SIZE(user)) },
        { "dryRun", NULL, &cel_type_bool }, { "options", NULL, &cel_type_dyn },
    };

    return object_type(a, "kubernetes.AdmissionRequest", fields, ARRAY_SIZE(fields));
}

static const struct cel_type *namespace_type(struct arena *a)
{
    const struct cel_type *strings = cel_type_map(a, &cel_type_string, &cel_type_string);
    const struct cel_field spec[] = { { "finalizers", NULL, string_list(a) } };
    const struct cel_field condition[] = {
        { "status", NULL, &cel_type_string }, { "type", NULL, &cel_type_string },
        { "lastTransitionTime", NULL, &cel_type_timestamp }, { "message", NULL, &cel_type_string },
        { "reason", NULL, &cel_type_string },
    };
    const struct cel_field status[] = {
        { "conditions", NULL, cel_type_list(a, object_type(a, "kubernetes.NamespaceCondition", condition,
                                                           ARRAY_SIZE(condition))) },
        { "phase", NULL, &cel_type_string },
    };
    const struct cel_field metadata[] = {
        { "name", NULL, &cel_type_string }, { "generateName", NULL, &cel_type_string },
        { "namespace", NULL, &cel_type_string }, { "labels", NULL, strings }, { "annotations", NULL, strings },
        { "UID", NULL, &cel_type_string }, { "creationTimestamp", NULL, &cel_type_timestamp },
        { "deletionGracePeriodSeconds", NULL, &cel_type_int }, { "deletionTimestamp", NULL, &cel_type_timestamp },
        { "generation", NULL, &cel_type_int }, { "resourceVersion", NULL, &cel_type_string },
        { "finalizers", NULL, string_list(a) },
    };
    const struct cel_field fields[] = {
        { "metadata", NULL, object_type(a, "kubernetes.NamespaceMetadata", metadata, ARRAY_SIZE(metadata)) },
        { "spec", NULL, object_type(a, "kubernetes.NamespaceSpec", spec, ARRAY_SIZE(spec)) },
        { "status", NULL, object_type(a, "kubernetes.NamespaceStatus", status, ARRAY_SIZE(status)) },
    };

    return object_type(a, "kubernetes.Namespace", fields, ARRAY_SIZE(fields));
}

/* ---- environments --------------------------------------------------------------------------------------- */

struct expression_env *expression_env_new(struct apiserver *s, bool params)
{
    struct expression_env *e = xcalloc(1, sizeof(*e));

    e->arena = arena_new();
    e->plain = cel_env_child(server_cel(s));
    cel_env_add_variable(e->plain, "object", &cel_type_dyn);
    cel_env_add_variable(e->plain, "oldObject", &cel_type_dyn);
    cel_env_add_variable(e->plain, "namespaceObject", namespace_type(e->arena));
    cel_env_add_variable(e->plain, "request", request_type(e->arena));
    if (params)
        cel_env_add_variable(e->plain, "params", &cel_type_dyn);
    e->authorized = cel_env_child(e->plain);
    cel_env_add_variable(e->authorized, "authorizer", &kcel_type_authorizer);
    cel_env_add_variable(e->authorized, "authorizer.requestResource", &kcel_type_resource_check);
    return e;
}

struct expression_env *expression_env_free(struct expression_env *e)
{
    if (!e)
        return NULL;
    for (size_t i = 0; i < e->variables.n; i++)
        expression_release(&e->variables.v[i]->expression);
    dyn_release(&e->variables);
    cel_env_free(e->authorized);
    cel_env_free(e->plain);
    arena_free(e->arena);
    free(e);
    return NULL;
}

struct arena *expression_env_arena(struct expression_env *e)
{
    return e->arena;
}

static size_t find_slot(const struct expression_env *e, const char *name, size_t len)
{
    for (size_t i = e->variables.n; i > 0; i--)
        if (strlen(e->variables.v[i - 1]->name) == len && memcmp(e->variables.v[i - 1]->name, name, len) == 0)
            return i - 1;
    return SIZE_MAX;
}

static bool find_variable_field(const struct cel_type *object, const char *name, size_t len, struct cel_field *ret)
{
    const struct expression_env *e = object->user;
    size_t i = find_slot(e, name, len);

    if (i == SIZE_MAX)
        return false;
    *ret = (struct cel_field){ e->variables.v[i]->name, NULL, e->variables.v[i]->type };
    return true;
}

void expression_env_use_variables(struct expression_env *e)
{
    e->variables_type = (struct cel_type){ .kind = CEL_TYPE_OBJECT, .name = "kubernetes.variables",
                                           .find_field = find_variable_field, .user = e };
    cel_env_add_variable(e->plain, "variables", &e->variables_type);
}

/* What a later expression is told of a variable's type: what it is made of, where that is plain. */
static const struct cel_type *variable_type(const struct expression *x)
{
    const struct cel_type *t = x->program ? cel_program_type(x->program) : &cel_type_dyn;

    switch (t->kind) {
    case CEL_TYPE_BOOL: case CEL_TYPE_BYTES: case CEL_TYPE_DOUBLE: case CEL_TYPE_DURATION: case CEL_TYPE_INT:
    case CEL_TYPE_NULL: case CEL_TYPE_STRING: case CEL_TYPE_TIMESTAMP: case CEL_TYPE_UINT: case CEL_TYPE_LIST:
    case CEL_TYPE_MAP:
        return t;
    default:
        return &cel_type_dyn;
    }
}

const struct expression *expression_env_add_variable(struct expression_env *e, const char *name, const char *text)
{
    struct variable *v = arena_alloc(e->arena, sizeof(*v));

    v->name = arena_strdup(e->arena, name);
    expression_compile(e, text, EXPRESSION_ANY, true, &v->expression);
    v->type = variable_type(&v->expression);
    *dyn_push(&e->variables) = v;
    return &v->expression;
}

/* ---- compiling -------------------------------------------------------------------------------------------- */

static const char *check_type(struct arena *a, const struct cel_type *t, enum expression_type want)
{
    static const char *const wants[] = { [EXPRESSION_BOOL] = "bool", [EXPRESSION_STRING] = "string",
                                         [EXPRESSION_STRING_OR_NULL] = "one of [string null_type]" };

    if (want == EXPRESSION_ANY || (want == EXPRESSION_BOOL && t->kind == CEL_TYPE_BOOL) ||
        (want != EXPRESSION_BOOL && t->kind == CEL_TYPE_STRING) ||
        (want == EXPRESSION_STRING_OR_NULL && t->kind == CEL_TYPE_NULL))
        return NULL;
    return arena_printf(a, "must evaluate to %s but got %s", wants[want], cel_type_full_text(a, t));
}

void expression_compile(struct expression_env *e, const char *text, enum expression_type type, bool authorizer,
                        struct expression *ret)
{
    struct cel_issues issues = { .arena = e->arena };

    *ret = (struct expression){ .text = arena_strdup(e->arena, text) };
    struct cel_program *p = cel_compile(authorizer ? e->authorized : e->plain, ret->text, strlen(text), &issues);
    if (!p) {
        ret->wrong = arena_printf(e->arena, "compilation failed: %s", cel_issues_text(&issues, text, strlen(text)));
        return;
    }
    ret->wrong = check_type(e->arena, cel_program_type(p), type);
    if (!ret->wrong) {
        const char *why = cel_program_wrong(p);
        ret->wrong = why ? arena_printf(e->arena, "program instantiation failed: %s", why) : NULL;
        ret->internal = why;
    }
    ret->program = ret->wrong ? cel_program_free(p) : p;
}

void expression_release(struct expression *x)
{
    x->program = cel_program_free(x->program);
}

void expression_tell(const struct expression *x, struct fielderrs *errs, const struct fpath *path, const char *text)
{
    if (x->wrong && x->internal)
        fielderr_internal(errs, path, "%s", x->wrong);
    else if (x->wrong)
        fielderr_invalid_str(errs, path, text, "%s", x->wrong);
}

/* ---- the request as expressions see it ---------------------------------------------------------------------- */

static json_t *kind_of(const struct kind *k)
{
    return json_pack("{s:s, s:s, s:s}", "group", k->res.group, "version", k->res.version, "kind", k->res.kind);
}

static json_t *resource_of(const struct kind *k)
{
    return json_pack("{s:s, s:s, s:s}", "group", k->res.group, "version", k->res.version, "resource", k->res.plural);
}

static void set_text(json_t *o, const char *key, const char *value)
{
    if (!str_empty(value))
        json_object_set_new(o, key, json_string(value));
}

static json_t *request_of(const struct evaluation *e)
{
    const struct admission *a = e->a;
    json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:b}", "uid", "", "kind", kind_of(e->body), "resource",
                          resource_of(e->kind), "requestKind", kind_of(a->body), "requestResource", resource_of(a->kind),
                          "operation", admission_op_text(a->op), "userInfo", user_info(e->c->user), "dryRun",
                          (int)e->c->opt.dry_run);

    set_text(o, "subResource", a->sub ? a->sub->name : NULL);
    set_text(o, "requestSubResource", a->sub ? a->sub->name : NULL);
    set_text(o, "name", a->name);
    set_text(o, "namespace", a->namespace);
    if (a->options)
        json_object_set(o, "options", (json_t *)a->options);
    return o;
}

/* A Namespace without what expressions are not told. */
static json_t *namespace_of(const json_t *ns)
{
    static const char *const shown[] = { "name", "generateName", "uid", "resourceVersion", "generation",
                                         "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels",
                                         "annotations", "finalizers" };
    json_t *o = json_object(), *metadata = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
        json_t *v = json_object_get(obj_metadata(ns), shown[i]);
        if (v)
            json_object_set(metadata, shown[i], v);
    }
    json_object_set_new(o, "metadata", metadata);
    json_object_set(o, "spec", json_object_get(ns, "spec"));
    json_object_set(o, "status", json_object_get(ns, "status"));
    return o;
}

/* ---- variables ------------------------------------------------------------------------------------------------- */

struct variable_slot {
    bool known;
    struct cel_value value;
};

struct variables_map {
    struct cel_map base;
    struct evaluation *e;
};

static bool find_value(void *arg, struct cel_run *run, const char *name, struct cel_value *ret);

static struct cel_value work_out(struct evaluation *e, struct cel_run *run, size_t i)
{
    const struct variable *v = e->env->variables.v[i];
    struct cel_activation act = { .find = find_value, .arg = e };
    cleanup_buf struct buf name = BUF_INIT;
    struct cel_result result;

    go_quote(&name, v->name, strlen(v->name));
    if (v->expression.wrong)
        return cel_error(run, "composited variable %s fails to compile: %s", name.data, v->expression.wrong);
    bool good = cel_eval(v->expression.program, &act, e->arena, KCEL_CALL_LIMIT, &result);
    e->variables_cost = e->variables_cost > UINT64_MAX - result.cost ? UINT64_MAX : e->variables_cost + result.cost;
    if (good)
        return result.value;
    return cel_error(run, "composited variable %s fails to evaluate: %s", name.data, result.value.error);
}

static bool find_in_variables(struct cel_run *run, const struct cel_map *m, struct cel_value key, struct cel_value *ret)
{
    struct evaluation *e = container_of(m, struct variables_map, base)->e;
    size_t i = key.kind == CEL_STRING ? find_slot(e->env, key.s, key.len) : SIZE_MAX;

    if (i == SIZE_MAX)
        return false;
    if (!e->variables[i].known) {
        e->variables[i].value = work_out(e, run, i);
        e->variables[i].known = true;
    }
    *ret = e->variables[i].value;
    return true;
}

static bool no_next(struct cel_run *run, const struct cel_map *m, void **pos, struct cel_value *ret_key,
                    struct cel_value *ret_value)
{
    return false;
}

static const struct cel_map_ops variables_ops = { .find = find_in_variables, .next = no_next };

static struct cel_value variables_value(struct evaluation *e)
{
    struct variables_map *m = arena_alloc(e->arena, sizeof(*m));

    m->base = (struct cel_map){ .ops = &variables_ops, .n = e->env->variables.n, .type = &e->env->variables_type };
    m->e = e;
    return (struct cel_value){ .kind = CEL_OBJECT, .map = &m->base };
}

/* ---- the authorizer --------------------------------------------------------------------------------------------- */

static const char *text_or_empty(const char *s)
{
    return s ? s : "";
}

static void decide(void *arg, struct arena *a, const struct kcel_access *access, struct kcel_decision *ret)
{
    const struct evaluation *e = arg;
    struct api_user account = { .name = access->user };
    const char *namespace, *name;
    struct access asked = {
        .user = access->user ? &account : e->c->user, .verb = access->verb, .path = access->path,
        .group = text_or_empty(access->group), .resource = text_or_empty(access->resource),
        .subresource = text_or_empty(access->subresource), .namespace = text_or_empty(access->namespace),
        .name = text_or_empty(access->name),
    };

    if (access->user && account_of_user_name(a, access->user, &namespace, &name))
        account_groups(a, namespace, &account);
    ret->allowed = access_allowed(e->c->s, a, &asked, &ret->reason);
}

static struct cel_value request_resource(struct evaluation *e)
{
    const struct admission *a = e->a;
    struct kcel_access access = { .group = a->kind->res.group, .resource = a->kind->res.plural,
                                  .subresource = a->sub ? a->sub->name : "", .namespace = a->namespace, .name = a->name };

    return kcel_resource_check(e->arena, &e->authority, &access);
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

static struct cel_value value_of(struct evaluation *e, const json_t *v)
{
    return v ? cel_value_json(e->arena, v) : CEL_NULL_VALUE;
}

static bool find_value(void *arg, struct cel_run *run, const char *name, struct cel_value *ret)
{
    struct evaluation *e = arg;

    if (streq(name, "object")) {
        *ret = value_of(e, e->object);
    } else if (streq(name, "oldObject")) {
        *ret = value_of(e, e->old);
    } else if (streq(name, "params")) {
        *ret = value_of(e, e->params);
    } else if (streq(name, "request")) {
        if (!e->request)
            e->request = request_of(e);
        *ret = value_of(e, e->request);
    } else if (streq(name, "namespaceObject")) {
        if (!e->namespace_view && e->namespace_object)
            e->namespace_view = namespace_of(e->namespace_object);
        *ret = value_of(e, e->namespace_view);
    } else if (streq(name, "variables")) {
        *ret = variables_value(e);
    } else if (streq(name, "authorizer")) {
        *ret = kcel_authorizer(e->arena, &e->authority);
    } else if (streq(name, "authorizer.requestResource")) {
        *ret = request_resource(e);
    } else {
        return false;
    }
    return true;
}

void evaluation_begin(struct evaluation *e)
{
    if (!e->arena)
        e->arena = arena_new();
    else
        arena_reset(e->arena);
    e->authority = (struct kcel_authority){ .decide = decide, .arg = e };
    e->variables = arena_alloc(e->arena, (e->env->variables.n + 1) * sizeof(*e->variables));
    e->variables_cost = 0;
}

void evaluation_release(struct evaluation *e)
{
    e->arena = arena_free(e->arena);
    json_decref(e->request);
    json_decref(e->namespace_view);
    e->request = e->namespace_view = NULL;
}

/* 0, or -1 when the budget is spent. */
static int spend(struct evaluation *e, uint64_t cost)
{
    if (cost > INT64_MAX || (int64_t)cost > e->budget)
        return -1;
    e->budget -= (int64_t)cost;
    return 0;
}

int expression_run(struct evaluation *e, const struct expression *x, struct cel_value *ret, const char **ret_wrong)
{
    struct cel_activation act = { .find = find_value, .arg = e };
    struct cel_result result;

    *ret_wrong = NULL;
    if (x->wrong) {
        *ret_wrong = arena_printf(e->c->arena, "compilation error: %s", x->wrong);
        return 0;
    }
    bool good = cel_eval(x->program, &act, e->arena, KCEL_CALL_LIMIT, &result);
    uint64_t beside = e->variables_cost;
    e->variables_cost = 0;
    if (spend(e, beside) < 0 || spend(e, result.cost) < 0) {
        *ret_wrong = "validation failed due to running out of cost budget, no further validation rules will be run";
        return -1;
    }
    if (good)
        *ret = result.value;
    else
        *ret_wrong = arena_printf(e->c->arena, "expression '%s' resulted in error: %s", x->text, result.value.error);
    return 0;
}
