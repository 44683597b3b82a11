#include "fakeapi/apiserver/admission/policy_priv.h"

#include "kube/gvk.h"
#include "kube/selector.h"

/* ValidatingAdmissionPolicies: each with its bindings, each binding with its params, each with all validations; the first
 * refusal is the answer (I-050). */

/* ---- compiled policies ------------------------------------------------------------------------------------ */

static struct expression *compile_all(struct policy *p, const json_t *list, const char *key, enum expression_type type,
                                      bool authorizer, size_t *ret_n)
{
    size_t n = json_array_size(list), i;
    struct expression *v = arena_alloc(expression_env_arena(p->env), (n + 1) * sizeof(*v));
    json_t *entry;

    json_array_foreach ((json_t *)list, i, entry)
        if (*obj_str(entry, key))
            expression_compile(p->env, obj_str(entry, key), type, authorizer, &v[i]);
    *ret_n = n;
    return v;
}

struct policy *policy_new(struct apiserver *s, const json_t *object)
{
    struct policy *p = xcalloc(1, sizeof(*p));
    const json_t *spec = json_object_get(object, "spec"), *validations = json_object_get(spec, "validations");
    size_t i;
    json_t *v;

    p->object = json_incref((json_t *)object);
    p->name = obj_name(object);
    p->env = expression_env_new(s, json_object_get(spec, "paramKind"));
    expression_env_use_variables(p->env);
    json_array_foreach (json_object_get(spec, "variables"), i, v)
        expression_env_add_variable(p->env, obj_str(v, "name"), obj_str(v, "expression"));
    p->conditions = compile_all(p, json_object_get(spec, "matchConditions"), "expression", EXPRESSION_BOOL, true,
                                &p->n_conditions);
    p->validations = compile_all(p, validations, "expression", EXPRESSION_BOOL, true, &p->n_validations);
    p->messages = compile_all(p, validations, "messageExpression", EXPRESSION_STRING, false, &p->n_validations);
    p->annotations = compile_all(p, json_object_get(spec, "auditAnnotations"), "valueExpression", EXPRESSION_STRING_OR_NULL,
                                 true, &p->n_annotations);
    return p;
}

struct policy *policy_free(struct policy *p)
{
    if (!p)
        return NULL;
    for (size_t i = 0; i < p->n_conditions; i++)
        expression_release(&p->conditions[i]);
    for (size_t i = 0; i < p->n_validations; i++) {
        expression_release(&p->validations[i]);
        expression_release(&p->messages[i]);
    }
    for (size_t i = 0; i < p->n_annotations; i++)
        expression_release(&p->annotations[i]);
    expression_env_free(p->env);
    json_decref((json_t *)p->object);
    free(p);
    return NULL;
}

/* Those compiled lately, by the object that they were made of. */
struct policies {
    DYN(struct policy *) compiled;
};

struct policies *policies_free(struct policies *ps)
{
    if (!ps)
        return NULL;
    for (size_t i = 0; i < ps->compiled.n; i++)
        policy_free(ps->compiled.v[i]);
    dyn_release(&ps->compiled);
    free(ps);
    return NULL;
}

static struct policy *compiled(struct apiserver *s, const json_t *object)
{
    struct policies *ps = s->policies ? s->policies : (s->policies = xcalloc(1, sizeof(*ps)));

    for (size_t i = 0; i < ps->compiled.n; i++) {
        struct policy *p = ps->compiled.v[i];
        if (p->object == object)
            return p;
        if (streq(p->name, obj_name(object))) {
            policy_free(p);
            return ps->compiled.v[i] = policy_new(s, object);
        }
    }
    struct policy *p = policy_new(s, object);
    *dyn_push(&ps->compiled) = p;
    return p;
}

/* Policies that are no more. */
static void forget_gone(struct apiserver *s, const json_t *policies)
{
    struct policies *ps = s->policies;
    size_t kept = 0;

    if (!ps || ps->compiled.n <= json_array_size(policies))
        return;
    for (size_t i = 0; i < ps->compiled.n; i++) {
        struct policy *p = ps->compiled.v[i];
        size_t k;
        json_t *object;
        bool there = false;
        json_array_foreach ((json_t *)policies, k, object)
            there = there || object == p->object;
        if (there)
            ps->compiled.v[kept++] = p;
        else
            policy_free(p);
    }
    ps->compiled.n = kept;
}

/* ---- what is decided ---------------------------------------------------------------------------------------- */

struct denial {
    const char *policy, *binding;      /* binding NULL: none is to blame */
    const char *message;
    enum apierr_reason reason;
};

struct dispatch {
    struct call *c;
    const struct admission *a;
    struct denial first;               /* message NULL: nobody refused */
};

struct bound {                         /* one policy and one binding, matched */
    const struct policy *policy;
    const json_t *binding;
    const struct kind *kind, *body;
};

static bool ignores_failure(const struct policy *p)
{
    return streq(obj_str(p->object, "spec.failurePolicy"), "Ignore");
}

static void deny(struct dispatch *d, const struct policy *p, const json_t *binding, enum apierr_reason reason,
                 const char *message)
{
    if (!d->first.message)
        d->first = (struct denial){ arena_strdup(d->c->arena, p->name),
                                    binding ? arena_strdup(d->c->arena, obj_name(binding)) : NULL, message, reason };
}

/* What is wrong with the configuration itself. */
static void misconfigured(struct dispatch *d, const struct policy *p, const json_t *binding, const char *why)
{
    if (!ignores_failure(p))
        deny(d, p, binding, APIERR_INVALID, arena_printf(d->c->arena, "failed to configure %s: %s",
                                                         binding ? "binding" : "policy", why));
}

static void take_action(struct dispatch *d, const struct bound *b, const char *action, enum apierr_reason reason,
                        const char *message)
{
    if (streq(action, "Deny"))
        deny(d, b->policy, b->binding, reason, message);
    else if (streq(action, "Warn"))
        call_warn(d->c, "Validation failed for ValidatingAdmissionPolicy '%s' with binding '%s': %s", b->policy->name,
                  obj_name(b->binding), message);
}

static void refuse(struct dispatch *d, const struct bound *b, enum apierr_reason reason, const char *message)
{
    size_t i;
    json_t *action;

    json_array_foreach (json_path(b->binding, "spec.validationActions"), i, action)
        take_action(d, b, json_string_value(action), reason, message);
}

/* What could not be told. */
static void refuse_error(struct dispatch *d, const struct bound *b, const char *message)
{
    if (!ignores_failure(b->policy))
        refuse(d, b, APIERR_INVALID, message);
}

/* ---- one policy, one binding, one param ------------------------------------------------------------------------ */

static const char *trimmed(struct arena *a, const char *s, size_t len)
{
    while (len && strchr(" \t\r\n\v\f", s[len - 1]) && s[len - 1])
        len--;
    while (len && strchr(" \t\r\n\v\f", *s) && *s)
        s++, len--;
    return arena_strndup(a, s, len);
}

static const char *message_of(struct call *c, const json_t *validation, struct cel_value computed)
{
    const char *message = "", *text = obj_str(validation, "expression");

    if (computed.kind == CEL_STRING) {
        message = trimmed(c->arena, computed.s, computed.len);
        if (strlen(message) > KCEL_MESSAGE_MAX || strchr(message, '\n'))
            message = "";
    }
    if (!*message)
        message = trimmed(c->arena, obj_str(validation, "message"), strlen(obj_str(validation, "message")));
    if (!*message)
        message = arena_printf(c->arena, "failed expression: %s", trimmed(c->arena, text, strlen(text)));
    return message;
}

static enum apierr_reason reason_of(const json_t *validation)
{
    const char *reason = obj_str(validation, "reason");

    if (streq(reason, "Forbidden"))
        return APIERR_FORBIDDEN;
    if (streq(reason, "Unauthorized"))
        return APIERR_UNAUTHORIZED;
    return streq(reason, "RequestEntityTooLarge") ? APIERR_REQUEST_ENTITY_TOO_LARGE : APIERR_INVALID;
}

struct outcome {
    struct cel_value value;
    const char *wrong;                 /* NULL: value says */
};

/* All of a group; -1 with *ret_wrong when the budget is spent. */
static int run_all(struct evaluation *e, const struct expression *x, size_t n, struct outcome *ret, const char **ret_wrong)
{
    evaluation_begin(e);
    for (size_t i = 0; i < n; i++) {
        ret[i] = (struct outcome){ .value = CEL_NULL_VALUE };
        if (x[i].text && expression_run(e, &x[i], &ret[i].value, &ret[i].wrong) < 0) {
            *ret_wrong = ret[i].wrong;
            return -1;
        }
        /* What it yields must outlive the group. */
        if (ret[i].value.kind == CEL_STRING)
            ret[i].value.s = arena_strndup(e->c->arena, ret[i].value.s, ret[i].value.len);
        else if (ret[i].value.kind != CEL_BOOL)
            ret[i].value = CEL_NULL_VALUE;
    }
    return 0;
}

static void validate(struct dispatch *d, const struct bound *b, struct evaluation *e)
{
    const struct policy *p = b->policy;
    const json_t *list = json_path(p->object, "spec.validations");
    struct outcome *results = arena_alloc(d->c->arena, (2 * p->n_validations + 1) * sizeof(*results));
    struct outcome *messages = results + p->n_validations;
    const char *spent = NULL;

    e->budget = KCEL_BUDGET;
    if (run_all(e, p->validations, p->n_validations, results, &spent) < 0) {
        refuse_error(d, b, spent);
        return;
    }
    run_all(e, p->messages, p->n_validations, messages, &spent);
    for (size_t i = 0; i < p->n_validations; i++) {
        const json_t *v = json_array_get(list, i);
        if (results[i].wrong)
            refuse_error(d, b, results[i].wrong);
        else if (spent)
            refuse_error(d, b, arena_printf(d->c->arena, "failed messageExpression: %s", spent));
        else if (!cel_is_true(results[i].value))
            refuse(d, b, reason_of(v), message_of(d->c, v, messages[i].value));
    }
}

/* Nobody keeps an audit log; but what cannot be written there is refused. */
static void annotate(struct dispatch *d, const struct bound *b, struct evaluation *e)
{
    const struct policy *p = b->policy;
    struct outcome *results = arena_alloc(d->c->arena, (p->n_annotations + 1) * sizeof(*results));
    const char *spent;

    e->budget = KCEL_BUDGET;
    if (run_all(e, p->annotations, p->n_annotations, results, &spent) < 0) {
        refuse_error(d, b, spent);
        return;
    }
    for (size_t i = 0; i < p->n_annotations; i++)
        if (results[i].wrong && !ignores_failure(p))
            deny(d, p, b->binding, APIERR_INVALID, results[i].wrong);
}

static void run_policy(struct dispatch *d, const struct bound *b, struct evaluation *e)
{
    const char *wrong = NULL;
    int r = b->policy->n_conditions ? conditions_hold(e, b->policy->conditions, b->policy->n_conditions,
                                                      ignores_failure(b->policy), &wrong) : 1;

    if (r < 0)
        refuse_error(d, b, wrong);
    if (r <= 0)
        return;
    validate(d, b, e);
    annotate(d, b, e);
}

/* ---- params ----------------------------------------------------------------------------------------------------- */

struct param_search {
    struct call *c;
    const struct kind *kind;
    const char *namespace;             /* "" all, or none */
    struct label_selector selector;
    json_t *found;
};

static bool add_param(void *arg, const struct record *rec)
{
    struct param_search *s = arg;
    const json_t *obj = value_tree(rec->value);
    json_t *tree;

    if ((!*s->namespace || streq(obj_namespace(obj), s->namespace)) && label_selector_matches(&s->selector, obj_labels(obj)) &&
        convert_from_store(s->c, s->kind, rec->value, &tree) == 0)
        json_array_append_new(s->found, tree);
    return true;
}

static void find_one(struct param_search *s, const char *name)
{
    struct record rec;
    json_t *tree;

    if (store_get(s->c->s->store, call_store_key(s->c, s->kind, s->namespace, name), 0, &rec) == 0 &&
        convert_from_store(s->c, s->kind, rec.value, &tree) == 0)
        json_array_append_new(s->found, tree);
}

/* The params of a binding, in *ret: an array (new), or NULL where there is one and it is null. NULL, or why not. */
static const char *collect_params(struct dispatch *d, const struct kind *kind, const json_t *ref, json_t **ret)
{
    struct param_search s = { .c = d->c, .kind = kind, .namespace = "" };
    const char *namespace = obj_str(ref, "namespace"), *name = obj_str(ref, "name");
    struct apierr err = APIERR_IN(d->c->arena);

    *ret = NULL;
    if (!kind || !ref)
        return NULL;
    if (kind->res.namespaced)
        s.namespace = *namespace ? namespace : d->a->namespace;
    if (kind->res.namespaced && !*s.namespace)
        return "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources";
    if (!kind->res.namespaced && *namespace)
        return "paramRef.namespace must not be provided for a cluster-scoped `paramKind`";
    if (!*name && label_selector_from_object(d->c->arena, json_object_get(ref, "selector"), &s.selector, &err) < 0)
        return err.message;
    *ret = s.found = json_array();
    if (*name)
        find_one(&s, name);
    else
        store_range(d->c->s->store, kind->store_prefix, NULL, 0, 0, add_param, &s, NULL);
    if (!json_array_size(s.found) && streq(obj_str(ref, "parameterNotFoundAction"), "Deny")) {
        json_decref(STEAL(*ret));
        return "no params found for policy binding with `Deny` parameterNotFoundAction";
    }
    return NULL;
}

/* NULL with *ret_wrong where nothing of that kind is served; NULL alone: no params. */
static const struct kind *param_kind(struct call *c, const struct policy *p, const char **ret_wrong)
{
    const json_t *want = json_path(p->object, "spec.paramKind");
    char group[256], version[64];

    if (!want)
        return NULL;
    api_version_split(obj_str(want, "apiVersion"), group, version);
    const struct kind *k = kinds_find_kind(c->s->kinds, group, version, obj_str(want, "kind"));
    if (!k)
        *ret_wrong = arena_printf(c->arena, "failed to find resource referenced by paramKind: '%s/%s, Kind=%s'", group, version,
                                  obj_str(want, "kind"));
    return k;
}

/* ---- bindings ----------------------------------------------------------------------------------------------------- */

/* The objects in the version that the policy asked for: another apiVersion on the same tree. */
static json_t *in_version(const struct kind *have, const struct kind *want, const json_t *obj)
{
    char text[API_VERSION_MAX];

    if (!obj || have == want)
        return json_incref((json_t *)obj);
    return json_with(obj, "apiVersion", json_string(kind_api_version(want, text)));
}

static int fetch_namespace(struct dispatch *d, json_t **ret)
{
    struct record rec;

    *ret = NULL;
    if (!*d->a->namespace || d->a->namespace_itself)
        return 0;
    int r = get_record(d->c, kinds_find(d->c->s->kinds, "", "v1", "namespaces"), "", d->a->namespace, &rec);
    if (r == 0)
        *ret = json_incref(value_tree(rec.value));
    return r;
}

static int run_binding(struct dispatch *d, const struct bound *b, const json_t *params)
{
    json_auto_t *object = in_version(d->a->body, b->body, d->a->object), *old = in_version(d->a->body, b->body, d->a->old);
    json_auto_t *namespace = NULL;
    struct evaluation e = { .c = d->c, .a = d->a, .env = b->policy->env, .kind = b->kind, .body = b->body, .object = object,
                            .old = old };
    size_t n = params ? json_array_size(params) : 1;
    int r = fetch_namespace(d, &namespace);

    if (r < 0)
        return r;
    e.namespace_object = namespace;
    for (size_t i = 0; i < n; i++) {
        e.params = json_array_get(params, i);
        run_policy(d, b, &e);
    }
    evaluation_release(&e);
    return 0;
}

static int try_binding(struct dispatch *d, struct bound *b, const struct kind *params_kind)
{
    const json_t *match = json_path(b->binding, "spec.matchResources");
    const struct kind *kind, *body;
    json_auto_t *params = NULL;
    int r = match ? policy_matches(d->c, d->a, match, &kind, &body) : 1;

    if (r < 0)
        misconfigured(d, b->policy, b->binding, d->c->err.message);
    if (r <= 0)
        return 0;
    const char *why = collect_params(d, params_kind, json_path(b->binding, "spec.paramRef"), &params);
    if (why) {
        misconfigured(d, b->policy, b->binding, why);
        return 0;
    }
    return run_binding(d, b, params);
}

static int try_policy(struct dispatch *d, const struct policy *p, const json_t *bindings)
{
    const char *wrong = NULL;
    struct bound b = { .policy = p };
    size_t i;
    json_t *binding;
    int r = policy_matches(d->c, d->a, json_path(p->object, "spec.matchConstraints"), &b.kind, &b.body);

    if (r < 0)
        misconfigured(d, p, NULL, d->c->err.message);
    if (r <= 0)
        return 0;
    const struct kind *params_kind = param_kind(d->c, p, &wrong);
    if (wrong) {
        misconfigured(d, p, NULL, wrong);
        return 0;
    }
    json_array_foreach ((json_t *)bindings, i, binding) {
        if (!streq(obj_str(binding, "spec.policyName"), p->name))
            continue;
        b.binding = binding;
        if ((r = try_binding(d, &b, params_kind)) < 0)
            return r;
    }
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static bool add_tree(void *arg, const struct record *rec)
{
    json_array_append(arg, value_tree(rec->value));
    return true;
}

static json_t *read_all(struct call *c, const char *plural)
{
    const struct kind *k = kinds_find(c->s->kinds, "admissionregistration.k8s.io", "v1", plural);
    json_t *all = json_array();

    store_range(c->s->store, k->store_prefix, NULL, 0, 0, add_tree, all, NULL);
    return all;
}

static bool is_bound(const json_t *bindings, const char *policy)
{
    size_t i;
    json_t *b;

    json_array_foreach ((json_t *)bindings, i, b)
        if (streq(obj_str(b, "spec.policyName"), policy))
            return true;
    return false;
}

static const char *name_of(const struct admission *a)
{
    if (*a->name)
        return a->name;
    if (a->object && *obj_name(a->object))
        return obj_name(a->object);
    return a->object && *obj_generate_name(a->object) ? obj_generate_name(a->object) : "Unknown";
}

static int answer(struct dispatch *d)
{
    struct call *c = d->c;
    const struct kind *k = d->a->kind;
    const char *name = arena_strdup(c->arena, name_of(d->a)), *message;
    const char *with = d->first.binding ? arena_printf(c->arena, " with binding '%s'", d->first.binding) : "";

    if (!d->first.message)
        return 0;
    message = arena_printf(c->arena, "ValidatingAdmissionPolicy '%s'%s denied request: %s", d->first.policy, with,
                           d->first.message);
    int r = apierr_set(&c->err, d->first.reason, "%s \"%s\" is forbidden: %s", kind_group_resource(c->arena, k), name, message);
    c->err.name = name;
    c->err.group = arena_strdup(c->arena, k->res.group);
    c->err.kind = arena_strdup(c->arena, k->res.plural);
    apierr_cause(&c->err, NULL, NULL, "%s", message);
    return r;
}

int policies_validate(struct call *c, const struct admission *a)
{
    json_auto_t *bindings = read_all(c, "validatingadmissionpolicybindings"), *policies = NULL;
    struct dispatch d = { .c = c, .a = a };
    struct apierr before = c->err;
    size_t i;
    json_t *object;

    if (!json_array_size(bindings))
        return 0;
    policies = read_all(c, "validatingadmissionpolicies");
    forget_gone(c->s, policies);
    json_array_foreach (policies, i, object) {
        if (!is_bound(bindings, obj_name(object)))
            continue;
        int r = try_policy(&d, compiled(c->s, object), bindings);
        if (r < 0)
            return r;
    }
    c->err = before;
    return answer(&d);
}
