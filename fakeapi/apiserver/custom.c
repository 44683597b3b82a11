#include "fakeapi/apiserver/crd.h"

#include "kube/crd_validate.h"
#include "kube/kcel/kcel.h"
#include "kube/kcel/rules.h"

/* What all custom resources have in common. */

/* Everything but metadata counts for the generation, the status only where it has no resource of its
 * own (B-007). */
static json_t *counted(const struct kind *k, const json_t *obj)
{
    json_t *out = json_copy((json_t *)obj);

    json_object_del(out, "metadata");
    if (kind_sub(k, "status"))
        json_object_del(out, "status");
    return out;
}

static bool custom_spec_differs(const struct kind *k, const json_t *a, const json_t *b)
{
    json_auto_t *x = counted(k, a), *y = counted(k, b);

    return !json_same(x, y);
}

static int custom_admit(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    const struct kind *k = c->route.kind;

    (void)sub;
    if (old || !k->crd->terminating)
        return 0;
    int r = apierr_set(&c->err, APIERR_FORBIDDEN,
                       "%s \"%s\" is forbidden: create not allowed while custom resource definition is terminating",
                       kind_group_resource(c->arena, k), obj_name(obj));
    c->err.name = arena_strdup(c->arena, obj_name(obj));
    c->err.group = arena_strdup(c->arena, k->res.group);
    c->err.kind = arena_strdup(c->arena, k->res.plural);
    return r;
}

static void type_is(struct fielderrs *errs, const json_t *obj, const char *member, const char *want)
{
    const char *have = obj_str(obj, member);

    if (!streq(have, want))
        fielderr_invalid_str(errs, FP_CHILD(NULL, member), have, "must be %s", want);
}

/* The rules, unless what they would look at is broken already. What was so before is a warning. */
static void apply_rules(struct call *c, const struct kcel_rules *rules, const json_t *obj, const json_t *old,
                        struct fielderrs *errs)
{
    struct fielderrs known = FIELDERRS_IN(c->arena);
    struct kcel_rules_run run = { .obj = obj, .old = old, .ratchet = old != NULL, .budget = KCEL_BUDGET, .errs = errs,
                                  .warnings = &known };

    if (!rules)
        return;
    if (crd_rules_blocked(errs)) {
        crd_note_rules_blocked(errs);
        return;
    }
    kcel_rules_check(rules, &run);
    for (size_t i = 0; i < known.n; i++)
        call_warn(c, "%s: %s", known.v[i].field, known.v[i].message);
}

static void custom_check(struct call *c, const struct kind *k, const json_t *obj, const json_t *old,
                         struct fielderrs *errs)
{
    const struct crd_compiled *compiled = custom_compiled(c->s, k);
    const json_t *scale = json_path(custom_version_spec(k), "subresources.scale");
    char version[API_VERSION_MAX];

    type_is(errs, obj, "kind", k->res.kind);
    type_is(errs, obj, "apiVersion", kind_api_version(k, version));
    crd_validate(compiled->validator, NULL, obj, old, errs);
    crd_validate_scale(obj, obj_str(scale, "specReplicasPath"), obj_str(scale, "statusReplicasPath"), errs);
    apply_rules(c, compiled->rules, obj, old, errs);
}

static void custom_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *errs)
{
    custom_check(c, k, obj, NULL, errs);
}

/* /status looks at the status alone; but rules see the whole (F-132). */
static void custom_validate_update(struct call *c, const struct kind *k, const struct subresource *sub,
                                   const json_t *obj, const json_t *old, struct fielderrs *errs)
{
    const struct crd_compiled *compiled = custom_compiled(c->s, k);
    const struct crd_validator *v = crd_validator_property(compiled->validator, "status");
    const json_t *status = json_object_get(obj, "status");

    if (!sub || !streq(sub->name, "status")) {
        custom_check(c, k, obj, old, errs);
        return;
    }
    if (v && status)
        crd_validate(v, FP_CHILD(NULL, "status"), status, json_object_get(old, "status"), errs);
    apply_rules(c, compiled->rules, obj, old, errs);
}

static void unqualified_finalizers(struct call *c, const json_t *obj, const json_t *old)
{
    size_t i;
    json_t *f;

    json_array_foreach (json_object_get(obj_metadata(obj), "finalizers"), i, f) {
        const char *text = json_string_value(f);
        if (!text || strchr(text, '/') || streq(text, "orphan") || streq(text, "foregroundDeletion") ||
            obj_has_finalizer(old, text))
            continue;
        call_warn(c, "metadata.finalizers: \"%s\": prefer a domain-qualified finalizer name %sto avoid accidental "
                  "conflicts with other finalizer writers", text, strchr(text, '.') ? "including a path (/) " : "");
    }
}

const struct kind_ops custom_ops = {
    .admit = custom_admit,
    .validate = custom_validate,
    .validate_update = custom_validate_update,
    .spec_differs = custom_spec_differs,
    .warn = unqualified_finalizers,
};
