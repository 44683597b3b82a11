#include "fakeapi/apiserver/admission/webhook_priv.h"

#include "fakeapi/apiserver/admission/rule.h"
#include "kube/selector.h"

/* Which webhooks there are, and which of them a request concerns (I-004, I-005). */

/* ---- the configured ones -------------------------------------------------------------------------- */

static bool add_config(void *arg, const struct record *rec)
{
    json_array_append(arg, value_tree(rec->value));
    return true;
}

static size_t same_name_before(const json_t *hooks, size_t at)
{
    size_t n = 0;

    for (size_t i = 0; i < at; i++)
        n += streq(obj_str(json_array_get(hooks, i), "name"), obj_str(json_array_get(hooks, at), "name"));
    return n;
}

void webhooks_read(struct call *c, const char *plural, struct webhooks *ret)
{
    const struct kind *k = kinds_find(c->s->kinds, "admissionregistration.k8s.io", "v1", plural);
    size_t i, j, n = 0;
    json_t *config, *hook;

    *ret = (struct webhooks){ 0 };
    if (!store_count(c->s->store, k->store_prefix))
        return;
    ret->configs = json_array();
    store_range(c->s->store, k->store_prefix, NULL, 0, 0, add_config, ret->configs, NULL);
    json_array_foreach (ret->configs, i, config)
        n += json_array_size(json_object_get(config, "webhooks"));
    ret->v = arena_alloc(c->arena, (n + 1) * sizeof(*ret->v));
    json_array_foreach (ret->configs, i, config) {
        const json_t *hooks = json_object_get(config, "webhooks");
        json_array_foreach ((json_t *)hooks, j, hook)
            ret->v[ret->n++] = (struct webhook){
                .config = obj_name(config), .name = obj_str(hook, "name"), .spec = hook,
                .uid = arena_printf(c->arena, "%s/%s/%zu", obj_name(config), obj_str(hook, "name"),
                                    same_name_before(hooks, j)),
            };
    }
}

void webhooks_release(struct webhooks *w)
{
    json_decref(w->configs);
    w->configs = NULL;
}

/* ---- rules ---------------------------------------------------------------------------------------- */

/* Another group or version of what is stored in the same place. */
static const struct kind *equivalent(struct call *c, const json_t *rule, const struct admission *a)
{
    size_t n;
    const struct kind *const *all = kinds_all(c->s->kinds, &n);

    for (size_t i = 0; i < n; i++) {
        const struct kind *k = all[i];
        if (k != a->kind && streq(k->store_prefix, a->kind->store_prefix) && (!a->sub || kind_sub(k, a->sub->name)) &&
            admission_rule_matches(rule, a, k))
            return k;
    }
    return NULL;
}

static bool find_rule(struct call *c, const struct admission *a, const struct webhook *w, struct invocation *ret)
{
    const json_t *rules = json_object_get(w->spec, "rules");
    const struct kind *k = NULL;
    size_t i;
    json_t *rule;

    json_array_foreach ((json_t *)rules, i, rule)
        if (admission_rule_matches(rule, a, a->kind)) {
            *ret = (struct invocation){ a->kind, a->body };
            return true;
        }
    if (!streq(obj_str(w->spec, "matchPolicy"), "Equivalent"))
        return false;
    json_array_foreach ((json_t *)rules, i, rule)
        if ((k = equivalent(c, rule, a)))
            break;
    if (!k)
        return false;
    /* What a subresource is a view of stays the same; all else follows the resource. */
    *ret = (struct invocation){ k, a->body == a->kind ? k : a->body };
    return true;
}

/* ---- selectors ------------------------------------------------------------------------------------ */

static int namespace_labels(struct call *c, const struct admission *a, json_t **ret)
{
    const struct kind *namespaces = kinds_find(c->s->kinds, "", "v1", "namespaces");
    struct record rec;

    if (a->namespace_itself && !a->sub && (a->op == ADMIT_CREATE || a->op == ADMIT_UPDATE)) {
        *ret = json_incref((json_t *)obj_labels(a->object));
        return 0;
    }
    int r = get_record(c, namespaces, "", a->namespace, &rec);
    if (r == 0)
        *ret = json_incref((json_t *)obj_labels(value_tree(rec.value)));
    return r;
}

/* 1 matches, 0 not; negative: the namespace is not there. */
static int namespace_matches(struct call *c, const struct admission *a, const struct webhook *w)
{
    struct label_selector s;
    struct apierr err = APIERR_IN(c->arena);
    json_auto_t *labels = NULL;

    if (!*a->namespace && !a->namespace_itself)
        return 1;
    if (label_selector_from_object(c->arena, json_object_get(w->spec, "namespaceSelector"), &s, &err) < 0)
        return internal_error(c, "%s", err.message);
    if (label_selector_everything(&s))
        return 1;
    int r = namespace_labels(c, a, &labels);
    return r < 0 ? r : label_selector_matches(&s, labels);
}

/* The new state or the old one. */
static int object_matches(struct call *c, const struct admission *a, const struct webhook *w, const json_t *object)
{
    struct label_selector s;
    struct apierr err = APIERR_IN(c->arena);

    if (label_selector_from_object(c->arena, json_object_get(w->spec, "objectSelector"), &s, &err) < 0)
        return internal_error(c, "%s", err.message);
    return label_selector_everything(&s) || (object && obj_metadata(object) && label_selector_matches(&s, obj_labels(object))) ||
           (a->old && label_selector_matches(&s, obj_labels(a->old)));
}

/* ---- the whole ------------------------------------------------------------------------------------ */

int webhook_matches(struct call *c, const struct admission *a, const struct webhook *w, struct versioned *v,
                    struct invocation *ret)
{
    struct apierr before = c->err;
    int in_namespace = namespace_matches(c, a, w), of_object = 1;

    if (in_namespace == 0)
        return 0;
    if (in_namespace > 0)
        of_object = object_matches(c, a, w, v->object ? v->object : a->object);
    if (in_namespace > 0 && of_object == 0)
        return 0;
    /* An error counts only where the webhook would have been called. */
    if (!find_rule(c, a, w, ret)) {
        c->err = before;
        return 0;
    }
    if (in_namespace < 0 || of_object < 0)
        return in_namespace < 0 ? in_namespace : of_object;
    const json_t *conditions = json_object_get(w->spec, "matchConditions");
    if (!json_array_size(conditions))
        return 1;
    int r = versioned_convert(c, a, ret->body, v);
    return r < 0 ? r : match_conditions(c, a, conditions, webhook_ignores_failure(w), v->object, v->old);
}
