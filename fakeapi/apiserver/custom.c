#include "fakeapi/apiserver/crd.h"

#include "kube/crd_scale.h"
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

/* A wrong type is told alone: metadata and schema are not looked at. */
static bool type_is_right(const struct kind *k, const json_t *obj, struct fielderrs *errs)
{
    char text[API_VERSION_MAX];
    const char *kind = obj_kind(obj), *version = obj_api_version(obj), *want = kind_api_version(k, text);

    if (streq(kind, k->res.kind) && streq(version, want))
        return true;
    errs->n = 0;
    if (!streq(kind, k->res.kind))
        fielderr_invalid_str(errs, FP_CHILD(NULL, "kind"), kind, "must be %s", k->res.kind);
    if (!streq(version, want))
        fielderr_invalid_str(errs, FP_CHILD(NULL, "apiVersion"), version, "must be %s", want);
    return false;
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

static void check_schema(const struct kind *k, const struct crd_validator *v, const json_t *obj, const json_t *old,
                         struct fielderrs *errs)
{
    const json_t *scale = json_path(custom_version_spec(k), "subresources.scale");

    if (!type_is_right(k, obj, errs))
        return;
    crd_validate_keywords(v, NULL, obj, old, errs);
    crd_validate_scale_spec(obj, obj_str(scale, "specReplicasPath"), errs);
    crd_validate_scale_status(obj, obj_str(scale, "statusReplicasPath"), obj_str(scale, "labelSelectorPath"), errs);
}

/* /status looks at the status alone (F-132). */
static void check_status_schema(const struct kind *k, const struct crd_validator *v, const json_t *obj,
                                const json_t *old, struct fielderrs *errs)
{
    const json_t *scale = json_path(custom_version_spec(k), "subresources.scale"), *status = json_object_get(obj, "status");
    const struct crd_validator *of_status = crd_validator_property(v, "status");

    if (!type_is_right(k, obj, errs))
        return;
    if (of_status && status)
        crd_validate_keywords(of_status, FP_CHILD(NULL, "status"), status, json_object_get(old, "status"), errs);
    crd_validate_scale_status(obj, obj_str(scale, "statusReplicasPath"), obj_str(scale, "labelSelectorPath"), errs);
}

static void custom_validate_update(struct call *c, const struct kind *k, const struct subresource *sub,
                                   const json_t *obj, const json_t *old, struct fielderrs *errs)
{
    const struct crd_compiled *compiled = custom_compiled(c->s, k);
    const struct crd_validator *v = compiled->validator;

    if (sub && streq(sub->name, "status")) {
        check_status_schema(k, v, obj, old, errs);
    } else {
        check_schema(k, v, obj, old, errs);
        crd_validate_embedded(v, NULL, obj, errs);
    }
    crd_validate_lists(v, NULL, obj, old, errs);
    apply_rules(c, compiled->rules, obj, old, errs);
}

static void custom_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *errs)
{
    custom_validate_update(c, k, NULL, obj, NULL, errs);
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
