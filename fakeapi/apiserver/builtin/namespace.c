#include "fakeapi/apiserver/builtin/rules.h"

/* Namespaces end in two steps: Terminating while the finalizer `kubernetes` stands in their spec, gone
 * when the namespace controller has taken it out through /finalize (B.8). */

static int ns_prepare_create(struct call *c, json_t *obj)
{
    json_t *finalizers = json_path(obj, "spec.finalizers");
    bool have = false;
    size_t i;
    json_t *f;

    (void)c;
    json_array_foreach (finalizers, i, f)
        have = have || (json_is_string(f) && streq(json_string_value(f), "kubernetes"));
    if (!have) {
        json_t *next = finalizers ? json_copy(finalizers) : json_array();
        json_array_append_new(next, json_string("kubernetes"));
        obj_set(obj, "spec.finalizers", next);
    }
    obj_set(obj, "status", json_pack("{s:s}", "phase", "Active"));
    if (*obj_name(obj))
        obj_set_label(obj, "kubernetes.io/metadata.name", obj_name(obj));
    return 0;
}

static void ns_defaults(struct call *c, json_t *obj)
{
    (void)c;
    if (*obj_name(obj))
        obj_set_label(obj, "kubernetes.io/metadata.name", obj_name(obj));
}

static int ns_prepare_update(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    bool status = sub && streq(sub->name, "status"), finalize = sub && streq(sub->name, "finalize");

    (void)c;
    if (!finalize)
        obj_set(obj, "spec", json_incref(json_object_get(old, "spec")));
    if (!status)
        obj_set(obj, "status", json_incref(json_object_get(old, "status")));
    return 0;
}

static int ns_check_delete(struct call *c, const json_t *obj)
{
    static const char *const immortal[] = { "default", "kube-system", "kube-public" };
    const char *name = obj_name(obj);

    for (size_t i = 0; i < ARRAY_SIZE(immortal); i++) {
        if (!streq(name, immortal[i]))
            continue;
        int r = apierr_set(&c->err, APIERR_FORBIDDEN, "namespaces \"%s\" is forbidden: this namespace may not be deleted",
                           name);
        c->err.name = arena_strdup(c->arena, name);
        c->err.kind = "namespaces";
        return r;
    }
    return 0;
}

static int ns_remove(struct call *c, const struct kind *k, json_t *obj, const struct delete_request *d, bool *ret_done)
{
    if (!obj_is_deleting(obj)) {
        delete_gc_finalizers(k, obj, d);
        delete_mark(c, obj);
        obj_set_meta(obj, "deletionGracePeriodSeconds", NULL);
        obj_set(obj, "status.phase", json_string("Terminating"));
        *ret_done = true;
        return 0;
    }
    *ret_done = obj_count(obj, "spec.finalizers") > 0;
    return 0;
}

static void ns_finalizer(struct fielderrs *e, const char *name, const struct fpath *path)
{
    static const char *const standard[] = { "kubernetes", "orphan", "foregroundDeletion", NULL };

    rule_name(e, path, NAME_QUALIFIED, name);
    if (!strchr(name, '/') && !among(standard, name))
        fielderr_invalid_str(e, path, name, "name is neither a standard finalizer name nor is it fully qualified");
}

static void ns_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    size_t i;
    json_t *f;

    json_array_foreach(json_path(obj, "spec.finalizers"), i, f)
        ns_finalizer(e, json_string_value(f), FP_CHILD(RULE_AT("spec"), "finalizers"));
}

/* The phase follows the deletion, never the other way. */
static void ns_phase(struct fielderrs *e, const json_t *obj)
{
    const char *phase = obj_str(obj, "status.phase");
    bool deleting = obj_is_deleting(obj);

    if (!streq(phase, deleting ? "Terminating" : "Active"))
        fielderr_invalid_str(e, FP_CHILD(RULE_AT("status"), "Phase"), phase, deleting
                                 ? "may only be 'Terminating' if `deletionTimestamp` is not empty"
                                 : "may only be 'Active' if `deletionTimestamp` is empty");
}

static void ns_validate_update(struct call *c, const struct kind *k, const struct subresource *sub,
                               const json_t *obj, const json_t *old, struct fielderrs *e)
{
    size_t i;
    json_t *f;

    if (sub && streq(sub->name, "status"))
        ns_phase(e, obj);
    if (!sub || !streq(sub->name, "finalize"))
        return;
    json_array_foreach(json_path(obj, "spec.finalizers"), i, f)
        ns_finalizer(e, json_string_value(f), FP_INDEX(FP_CHILD(RULE_AT("spec"), "finalizers"), i));
}

const struct kind_ops namespace_ops = {
    .validate = ns_validate,
    .validate_update = ns_validate_update,
    .defaults = ns_defaults,
    .prepare_create = ns_prepare_create,
    .prepare_update = ns_prepare_update,
    .check_delete = ns_check_delete,
    .remove = ns_remove,
};
