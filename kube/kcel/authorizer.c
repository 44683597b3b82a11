#include "kube/kcel/libs.h"
#include "kube/names.h"

/* authorizer.group('apps').resource('deployments').check('create').allowed(), and its like: checks are built step by
 * step, each a new value, and asked at last. */

struct check_value {                   /* an Authorizer, a PathCheck, a GroupCheck or a ResourceCheck */
    struct cel_opaque base;
    const struct kcel_authority *authority;
    struct kcel_access access;
};

struct decision_value {
    struct cel_opaque base;
    struct kcel_decision decision;
};

#define TYPE(var, n) const struct cel_type var = { .kind = CEL_TYPE_OPAQUE, .name = "kubernetes.authorization." n }
TYPE(kcel_type_authorizer, "Authorizer");
TYPE(kcel_type_path_check, "PathCheck");
TYPE(kcel_type_group_check, "GroupCheck");
TYPE(kcel_type_resource_check, "ResourceCheck");
TYPE(kcel_type_decision, "Decision");

static const struct cel_opaque_ops authorizer_ops = { .type = &kcel_type_authorizer };
static const struct cel_opaque_ops path_ops = { .type = &kcel_type_path_check };
static const struct cel_opaque_ops group_ops = { .type = &kcel_type_group_check };
static const struct cel_opaque_ops resource_ops = { .type = &kcel_type_resource_check };
static const struct cel_opaque_ops decision_ops = { .type = &kcel_type_decision };

static struct check_value *check_new(struct arena *a, const struct cel_opaque_ops *ops, const struct kcel_authority *authority)
{
    struct check_value *v = arena_alloc(a, sizeof(*v));

    v->base.ops = ops;
    v->authority = authority;
    return v;
}

static const struct check_value *check_of(struct cel_value v, const struct cel_opaque_ops *ops)
{
    const struct cel_opaque *o = kcel_opaque_of(v, ops);

    return o ? container_of(o, struct check_value, base) : NULL;
}

struct cel_value kcel_authorizer(struct arena *a, const struct kcel_authority *authority)
{
    return cel_opaque(&check_new(a, &authorizer_ops, authority)->base);
}

struct cel_value kcel_resource_check(struct arena *a, const struct kcel_authority *authority,
                                     const struct kcel_access *access)
{
    struct check_value *v = check_new(a, &resource_ops, authority);

    v->access = *access;
    return cel_opaque(&v->base);
}

/* A copy of the check in args[0] as `to`, and args[1] as text; NULL where they are something else. */
static struct check_value *next(struct cel_run *run, const struct cel_value *args, const struct cel_opaque_ops *from,
                                const struct cel_opaque_ops *to, const char **ret)
{
    const struct check_value *v = check_of(args[0], from);

    if (!v || args[1].kind != CEL_STRING)
        return NULL;
    struct check_value *copy = arena_memdup(cel_arena(run), v, sizeof(*v));
    copy->base.ops = to;
    *ret = arena_strndup(cel_arena(run), args[1].s, args[1].len);
    return copy;
}

static bool blank(const char *s)
{
    return s[strspn(s, " \t\r\n\v\f")] == 0;
}

static struct cel_value path(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const char *text;
    struct check_value *v = next(run, args, &authorizer_ops, &path_ops, &text);

    if (!v)
        return cel_no_such_overload(run);
    v->access.path = text;
    return blank(text) ? cel_error(run, "path must not be empty") : cel_opaque(&v->base);
}

static struct cel_value group(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const char *text;
    struct check_value *v = next(run, args, &authorizer_ops, &group_ops, &text);

    if (!v)
        return cel_no_such_overload(run);
    v->access.group = text;
    return cel_opaque(&v->base);
}

static struct cel_value service_account(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const char *namespace;
    struct check_value *v = next(run, args, &authorizer_ops, &authorizer_ops, &namespace);

    if (!v || args[2].kind != CEL_STRING)
        return cel_no_such_overload(run);
    if (!name_check(NAME_DNS1123_SUBDOMAIN, args[2].s, args[2].len, NULL))
        return cel_error(run, "Invalid service account name");
    if (!name_check_str(NAME_DNS1123_LABEL, namespace, NULL))
        return cel_error(run, "Invalid service account namespace");
    v->access.user = arena_printf(cel_arena(run), "system:serviceaccount:%s:%.*s", namespace, (int)args[2].len, args[2].s);
    return cel_opaque(&v->base);
}

static struct cel_value resource(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const char *text;
    struct check_value *v = next(run, args, &group_ops, &resource_ops, &text);

    if (!v)
        return cel_no_such_overload(run);
    v->access.resource = text;
    return blank(text) ? cel_error(run, "resource must not be empty") : cel_opaque(&v->base);
}

#define NARROWER(fn_name, member)                                                                  \
    static struct cel_value fn_name(struct cel_run *run, const struct cel_value *args, size_t n)    \
    {                                                                                               \
        const char *text;                                                                           \
        struct check_value *v = next(run, args, &resource_ops, &resource_ops, &text);               \
                                                                                                    \
        if (!v)                                                                                     \
            return cel_no_such_overload(run);                                                       \
        v->access.member = text;                                                                    \
        return cel_opaque(&v->base);                                                                \
    }
NARROWER(subresource, subresource)
NARROWER(namespace, namespace)
NARROWER(name, name)
NARROWER(field_selector, field_selector)
NARROWER(label_selector, label_selector)

static struct cel_value ask(struct cel_run *run, const struct cel_value *args, const struct cel_opaque_ops *ops)
{
    const char *verb;
    struct check_value *v = next(run, args, ops, ops, &verb);

    if (!v)
        return cel_no_such_overload(run);
    struct decision_value *d = arena_alloc(cel_arena(run), sizeof(*d));
    d->base.ops = &decision_ops;
    v->access.verb = verb;
    v->authority->decide(v->authority->arg, cel_arena(run), &v->access, &d->decision);
    return cel_opaque(&d->base);
}

static struct cel_value path_check(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return ask(run, args, &path_ops);
}

static struct cel_value resource_check(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return ask(run, args, &resource_ops);
}

static const struct kcel_decision *decision_of(struct cel_value v)
{
    const struct cel_opaque *o = kcel_opaque_of(v, &decision_ops);

    return o ? &container_of(o, struct decision_value, base)->decision : NULL;
}

static struct cel_value errored(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct kcel_decision *d = decision_of(args[0]);

    return d ? cel_bool(d->error) : cel_no_such_overload(run);
}

static struct cel_value error(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct kcel_decision *d = decision_of(args[0]);

    return d ? cel_str(d->error ? d->error : "") : cel_no_such_overload(run);
}

static struct cel_value allowed(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct kcel_decision *d = decision_of(args[0]);

    return d ? cel_bool(d->allowed) : cel_no_such_overload(run);
}

static struct cel_value reason(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct kcel_decision *d = decision_of(args[0]);

    return d ? cel_str(d->reason ? d->reason : "") : cel_no_such_overload(run);
}

#define A "kubernetes.authorization.Authorizer"
#define P "kubernetes.authorization.PathCheck"
#define G "kubernetes.authorization.GroupCheck"
#define R "kubernetes.authorization.ResourceCheck"
#define D "kubernetes.authorization.Decision"
static const struct cel_overload rows[] = {
    { .function = "path", .id = "authorizer_path", .signature = A ".(string) " P, .fn = path },
    { .function = "group", .id = "authorizer_group", .signature = A ".(string) " G, .fn = group },
    { .function = "serviceAccount", .id = "authorizer_serviceaccount", .signature = A ".(string, string) " A,
      .fn = service_account },
    { .function = "resource", .id = "groupcheck_resource", .signature = G ".(string) " R, .fn = resource },
    { .function = "subresource", .id = "resourcecheck_subresource", .signature = R ".(string) " R, .fn = subresource },
    { .function = "namespace", .id = "resourcecheck_namespace", .signature = R ".(string) " R, .fn = namespace },
    { .function = "name", .id = "resourcecheck_name", .signature = R ".(string) " R, .fn = name },
    { .function = "fieldSelector", .id = "authorizer_fieldselector", .signature = R ".(string) " R, .fn = field_selector },
    { .function = "labelSelector", .id = "authorizer_labelselector", .signature = R ".(string) " R, .fn = label_selector },
    { .function = "check", .id = "pathcheck_check", .signature = P ".(string) " D, .fn = path_check },
    { .function = "check", .id = "resourcecheck_check", .signature = R ".(string) " D, .fn = resource_check },
    { .function = "errored", .id = "decision_errored", .signature = D ".() bool", .fn = errored },
    { .function = "error", .id = "decision_error", .signature = D ".() string", .fn = error },
    { .function = "allowed", .id = "decision_allowed", .signature = D ".() bool", .fn = allowed },
    { .function = "reason", .id = "decision_reason", .signature = D ".() string", .fn = reason },
};

const struct kcel_lib kcel_authorizers = { rows, ARRAY_SIZE(rows) };
