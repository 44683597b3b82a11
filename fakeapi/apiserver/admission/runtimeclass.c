#include "fakeapi/apiserver/admission/runtimeclass.h"

static bool handles(const struct admission *a)
{
    return a->op == ADMIT_CREATE && a->object && !a->sub && !*a->kind->res.group && streq(a->kind->res.plural, "pods");
}

/* Why no request can be made of a name, NULL where one can. */
static const char *not_in_path(struct arena *a, const char *name)
{
    const char *slash = strchr(name, '/') ? "may not contain '/'" : "", *percent = strchr(name, '%') ? "may not contain '%'" : "";

    if (streq(name, ".") || streq(name, ".."))
        return arena_printf(a, "may not be '%s'", name);
    return *slash || *percent ? arena_printf(a, "%s%s%s", slash, *slash && *percent ? " " : "", percent) : NULL;
}

/* NULL where the pod names none. */
static int class_of(struct call *c, const struct admission *a, const json_t **ret)
{
    const struct kind *k = kinds_find(c->s->kinds, "node.k8s.io", "v1", "runtimeclasses");
    const json_t *name = json_path(a->object, "spec.runtimeClassName");
    const char *wrong;
    struct record rec;

    *ret = NULL;
    if (!json_is_string(name))
        return 0;
    if (!json_string_length(name))
        return apierr_set(&c->err, APIERR_UNKNOWN, "resource name may not be empty");
    if ((wrong = not_in_path(c->arena, json_string_value(name))))
        return apierr_set(&c->err, APIERR_UNKNOWN, "invalid resource name \"%s\": [%s]", json_string_value(name), wrong);
    if (store_get(c->s->store, call_store_key(c, k, "", json_string_value(name)), 0, &rec) < 0)
        return admission_forbidden(c, a, arena_printf(c->arena, "pod rejected: RuntimeClass \"%s\" not found",
                                                      json_string_value(name)));
    *ret = value_tree(rec.value);
    return 0;
}

static const char differs[] = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/* ---- scheduling ------------------------------------------------------------------------------------- */

static const char *said(const json_t *obj, const char *name)
{
    const char *s = json_string_value(json_object_get(obj, name));
    return s ? s : "";
}

/* Whatever `t` tolerates, `all` does. */
static bool covers(const json_t *all, const json_t *t)
{
    const json_t *most = json_object_get(all, "tolerationSeconds"), *seconds = json_object_get(t, "tolerationSeconds");
    const char *op = said(all, "operator"), *effect = said(all, "effect");
    bool exists = streq(op, "Exists");

    if (json_same(all, t))
        return true;
    if (!streq(said(t, "key"), said(all, "key")) && !(exists && !*said(all, "key")))
        return false;
    if (*effect && !streq(said(t, "effect"), effect))
        return false;
    if (streq(effect, "NoExecute") && json_is_integer(most)
        && (!json_is_integer(seconds) || json_integer_value(seconds) > json_integer_value(most)))
        return false;
    return exists || (streq(said(t, "operator"), "Equal") && streq(said(t, "value"), said(all, "value")));
}

static json_t *merge_tolerations(const json_t *own, const json_t *more)
{
    json_auto_t *all = own ? json_copy((json_t *)own) : json_array();
    json_t *merged = json_array(), *t, *other;
    size_t i, k;

    json_array_extend(all, (json_t *)more);
    json_array_foreach(all, i, t) {
        bool redundant = false;
        json_array_foreach(merged, k, other)
            redundant |= covers(other, t);
        for (k = i + 1; k < json_array_size(all); k++)
            redundant |= !json_same(json_array_get(all, k), t) && covers(json_array_get(all, k), t);
        if (!redundant)
            json_array_append(merged, t);
    }
    return merged;
}

static int set_scheduling(struct call *c, struct admission *a, const json_t *scheduling)
{
    const json_t *own = json_path(a->object, "spec.nodeSelector");
    json_t *selector = own ? json_clone(own) : json_object(), *tolerations, *v;
    const char *key;

    json_object_foreach(json_object_get(scheduling, "nodeSelector"), key, v) {
        const json_t *has = json_object_get(own, key);
        if (has && !json_same(has, v)) {
            const char *why = arena_printf(c->arena, "conflict: runtimeClass.scheduling.nodeSelector[%s] = %s; "
                                           "pod.spec.nodeSelector[%s] = %s", key, json_string_value(v), key,
                                           json_string_value(has));
            json_decref(selector);
            return admission_forbidden(c, a, why);
        }
        json_object_set(selector, key, v);
    }
    obj_set(json_own(&a->object), "spec.nodeSelector", json_object_size(selector) ? json_incref(selector) : NULL);
    json_decref(selector);
    tolerations = merge_tolerations(json_path(a->object, "spec.tolerations"), json_object_get(scheduling, "tolerations"));
    obj_set(json_own(&a->object), "spec.tolerations", json_array_size(tolerations) ? json_incref(tolerations) : NULL);
    json_decref(tolerations);
    return 0;
}

/* ---- the stages ------------------------------------------------------------------------------------- */

int runtimeclass_mutate(struct call *c, struct admission *a)
{
    const json_t *class = NULL, *overhead, *own;
    int r;

    if (!handles(a))
        return 0;
    if ((r = class_of(c, a, &class)) < 0)
        return r;
    overhead = json_path(class, "overhead");
    own = json_path(a->object, "spec.overhead");
    if (overhead && json_object_size(own) && !json_same(json_object_get(overhead, "podFixed"), own))
        return admission_forbidden(c, a, differs);
    if (overhead)
        obj_set(json_own(&a->object), "spec.overhead", json_incref(json_object_get(overhead, "podFixed")));
    return json_object_get(class, "scheduling") ? set_scheduling(c, a, json_object_get(class, "scheduling")) : 0;
}

int runtimeclass_validate(struct call *c, const struct admission *a)
{
    const json_t *class, *overhead, *own;
    int r;

    if (!handles(a))
        return 0;
    if ((r = class_of(c, a, &class)) < 0)
        return r;
    overhead = json_path(class, "overhead");
    own = json_path(a->object, "spec.overhead");
    if (!own && json_is_object(json_path(c->sent, "spec.overhead")))
        own = json_path(c->sent, "spec.overhead");          /* what is empty is there, too */
    if (!overhead)
        return own ? admission_forbidden(c, a, "pod rejected: Pod Overhead set without corresponding RuntimeClass "
                                         "defined Overhead") : 0;
    return json_same(json_object_get(overhead, "podFixed"), own) ? 0 : admission_forbidden(c, a, differs);
}
