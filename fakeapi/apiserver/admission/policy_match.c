#include "fakeapi/apiserver/admission/policy_priv.h"

#include "fakeapi/apiserver/admission/rule.h"
#include "kube/selector.h"

/* matchConstraints of a policy, matchResources of a binding. */

/* ---- rules -------------------------------------------------------------------------------------------- */

/* Another group or version of what is stored in the same place, that a rule speaks of. */
static const struct kind *equivalent(struct call *c, const json_t *rules, const struct admission *a)
{
    size_t n, i;
    const struct kind *const *all = kinds_all(c->s->kinds, &n);
    json_t *rule;

    json_array_foreach ((json_t *)rules, i, rule) {
        for (size_t k = 0; k < n; k++)
            if (all[k] != a->kind && streq(all[k]->store_prefix, a->kind->store_prefix) &&
                (!a->sub || kind_sub(all[k], a->sub->name)) && admission_rule_matches(rule, a, all[k]))
                return all[k];
    }
    return NULL;
}

/* The kind as which the rules see the request; NULL: they do not. */
static const struct kind *find_kind(struct call *c, const json_t *match, const char *which, const struct admission *a)
{
    const json_t *rules = json_object_get(match, which);
    size_t i;
    json_t *rule;

    json_array_foreach ((json_t *)rules, i, rule)
        if (admission_rule_matches(rule, a, a->kind))
            return a->kind;
    return streq(obj_str(match, "matchPolicy"), "Equivalent") ? equivalent(c, rules, a) : NULL;
}

/* ---- selectors ------------------------------------------------------------------------------------------ */

static int parse(struct call *c, const json_t *selector, struct label_selector *ret)
{
    struct apierr err = APIERR_IN(c->arena);

    if (label_selector_from_object(c->arena, selector, ret, &err) < 0)
        return apierr_set(&c->err, APIERR_INTERNAL_ERROR, "Internal error occurred: %s", err.message);
    return 0;
}

static int namespace_matches(struct call *c, const struct admission *a, const json_t *match)
{
    struct label_selector s;
    struct record rec;
    int r;

    if (!*a->namespace && !a->namespace_itself)
        return 1;
    if ((r = parse(c, json_object_get(match, "namespaceSelector"), &s)) < 0)
        return r;
    if (label_selector_everything(&s))
        return 1;
    if (a->namespace_itself && !a->sub && a->object)
        return label_selector_matches(&s, obj_labels(a->object));
    r = get_record(c, kinds_find(c->s->kinds, "", "v1", "namespaces"), "", a->namespace, &rec);
    return r < 0 ? r : label_selector_matches(&s, obj_labels(value_tree(rec.value)));
}

static int object_matches(struct call *c, const struct admission *a, const json_t *match)
{
    struct label_selector s;
    int r = parse(c, json_object_get(match, "objectSelector"), &s);

    if (r < 0)
        return r;
    return label_selector_everything(&s) || (a->object && label_selector_matches(&s, obj_labels(a->object))) ||
           (a->old && label_selector_matches(&s, obj_labels(a->old)));
}

/* ---- the whole -------------------------------------------------------------------------------------------- */

int policy_matches(struct call *c, const struct admission *a, const json_t *match, const struct kind **ret_kind,
                   const struct kind **ret_body)
{
    int in_namespace = namespace_matches(c, a, match);
    int of_object = in_namespace == 0 ? 0 : object_matches(c, a, match);

    if (in_namespace == 0 || of_object == 0 || find_kind(c, match, "excludeResourceRules", a))
        return 0;
    const struct kind *k = json_array_size(json_object_get(match, "resourceRules"))
                               ? find_kind(c, match, "resourceRules", a) : a->kind;
    if (!k)
        return 0;
    /* An error counts only where the rules concern the request. */
    if (in_namespace < 0 || of_object < 0)
        return in_namespace < 0 ? in_namespace : of_object;
    *ret_kind = k;
    *ret_body = a->body == a->kind ? k : a->body;
    return 1;
}
