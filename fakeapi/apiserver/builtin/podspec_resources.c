/* What containers and whole pods ask for: names, amounts, and how requests, limits and the pod's own fit together. */
#include "fakeapi/apiserver/admission/amounts.h"
#include "fakeapi/apiserver/builtin/podspec_priv.h"
#include "fakeapi/apiserver/builtin/resource_names.h"

static bool huge(const char *name)
{
    return str_starts(name, "hugepages-");
}

/* What a pod may ask for beside its containers. */
static bool of_pods(const char *name)
{
    return streq(name, "cpu") || streq(name, "memory") || huge(name);
}

static void pod_resource_name(struct fielderrs *e, const struct fpath *at, const char *name)
{
    static const char *const supported[] = { "cpu", "hugepages-", "memory", NULL };
    size_t before = e->n;

    rule_resource_name(e, at, name);
    if (e->n != before || of_pods(name))
        return;
    json_auto_t *shown = json_string(name);
    fielderr_not_supported(e, at, shown, supported);
}

/* Whole pages, where the name says how large one is. */
static bool whole_pages(struct arena *a, const char *name, const struct quantity *q)
{
    struct quantity page;

    if (quantity_parse(a, name + strlen("hugepages-"), &page, NULL) < 0 || quantity_is_zero(&page) || page.negative)
        return false;
    int64_t size = quantity_scaled(&page, 0);
    return quantity_scaled(&page, -3) % 1000 == 0 && quantity_scaled(q, 0) % size == 0;
}

static void within_limit(struct fielderrs *e, const json_t *limits, const char *name, const json_t *v,
                         const struct quantity *q, const struct fpath *path)
{
    struct quantity most;

    if (!amounts_parse(e->arena, json_object_get(limits, name), &most)) {
        if (!resource_overcommits(name))
            fielderr_required(e, FP_CHILD(path, "limits"), "Limit must be set for non overcommitable resources");
        return;
    }
    bool equal = !resource_overcommits(name);
    int order = quantity_compare(q, &most);
    if (equal ? order != 0 : order > 0)
        fielderr_invalid(e, FP_CHILD(path, "requests"), v, "must be %s %s limit of %s",
                         equal ? "equal to" : "less than or equal to", name, quantity_text(e->arena, &most));
}

typedef void name_rule_fn(struct fielderrs *e, const struct fpath *at, const char *name);

static void requirements(struct fielderrs *e, const json_t *r, const struct fpath *path, name_rule_fn *name_rule)
{
    static const char *const parts[] = { "limits", "requests" };
    bool pages = false, plain = false;
    const char *name;
    json_t *v;

    for (size_t p = 0; p < ARRAY_SIZE(parts); p++)
        json_object_foreach(json_object_get(r, parts[p]), name, v) {
            const struct fpath *at = FP_KEY(FP_CHILD(path, parts[p]), name);
            struct quantity q;
            name_rule(e, at, name);
            if (!amounts_parse(e->arena, v, &q))
                continue;
            rule_resource_amount(e, at, name, v);
            if (p == 1)
                within_limit(e, json_object_get(r, "limits"), name, v, &q, path);
            if (huge(name) && !whole_pages(e->arena, name, &q))
                fielderr_invalid(e, at, v, "%s is not positive integer multiple of %s", quantity_text(e->arena, &q), name);
            pages |= huge(name);
            plain |= streq(name, "cpu") || streq(name, "memory");
        }
    if (pages && !plain)
        fielderr_forbidden(e, path, "HugePages require cpu or memory");
}

void podspec_container_resources(struct fielderrs *e, const json_t *resources, const struct fpath *path)
{
    requirements(e, resources, path, rule_container_resource_name);
}

/* ---- the pod's own ----------------------------------------------------------------------------------- */

static bool never(const char *name)
{
    (void)name;
    return false;
}

/* All containers together stay within what the pod says: of limits this is asked of huge pages alone. */
static void holds_all(struct fielderrs *e, const json_t *spec, const char *part, const struct fpath *path)
{
    const json_t *own = json_object_get(json_object_get(spec, "resources"), part);
    bool limits = streq(part, "limits");
    amounts_t sum = { 0 };
    struct quantity q;

    amounts_pod(e->arena, spec, part, never, &sum);
    for (size_t i = 0; i < sum.n; i++) {
        const char *name = sum.v[i].name;
        const json_t *v = json_object_get(own, name);
        if ((limits && !huge(name)) || !amounts_parse(e->arena, v, &q) || quantity_compare(&sum.v[i].q, &q) <= 0)
            continue;
        fielderr_invalid(e, FP_KEY(FP_CHILD(path, part), name), v,
                         "must be greater than or equal to aggregate container %s of %s", part,
                         quantity_text(e->arena, &sum.v[i].q));
    }
    dyn_release(&sum);
}

static void holds_each(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    const json_t *own = json_object_get(json_object_get(spec, "resources"), "limits");
    const char *name;
    json_t *c, *v;
    size_t i;

    json_array_foreach(json_object_get(spec, "containers"), i, c)
        json_object_foreach(json_object_get(json_object_get(c, "resources"), "limits"), name, v) {
            struct quantity q, most;
            if (amounts_parse(e->arena, v, &q) && amounts_parse(e->arena, json_object_get(own, name), &most) &&
                quantity_compare(&q, &most) > 0)
                fielderr_invalid(e, FP_CHILD(FP_KEY(FP_INDEX(FP_CHILD(path, "containers"), i), name), "limits"), v,
                                 "must be less than or equal to pod limits of %s", quantity_text(e->arena, &most));
        }
}

/* What all containers say together of a part, where the pod says nothing: of huge pages, or of all but them. */
static void take_sums(struct arena *a, json_t *spec, const char *part, bool of_huge, const json_t *except)
{
    amounts_t sum = { 0 };

    amounts_pod(a, spec, part, never, &sum);
    for (size_t i = 0; i < sum.n; i++) {
        const char *name = sum.v[i].name;
        json_t *own = json_object_get(json_object_get(spec, "resources"), part);
        if (of_pods(name) && huge(name) == of_huge && !json_object_get(own, name) && !json_object_get(except, name))
            json_object_set_new(json_own_object(json_own_object(spec, "resources"), part), name,
                                json_string(quantity_text(a, &sum.v[i].q)));
    }
    dyn_release(&sum);
}

void podspec_default_resources(struct arena *a, json_t *spec)
{
    const json_t *own = member(spec, "resources"), *requests = json_object_get(own, "requests");
    const char *name;
    json_t *v;

    if (!json_object_size(json_object_get(own, "limits")) && !json_object_size(requests))
        return;
    take_sums(a, spec, "limits", true, requests);
    json_auto_t *limits = json_incref(json_object_get(json_object_get(spec, "resources"), "limits"));
    if (!json_object_size(limits))
        return;
    take_sums(a, spec, "requests", false, NULL);
    json_object_foreach(limits, name, v)
        if (of_pods(name) && !json_object_get(json_object_get(json_object_get(spec, "resources"), "requests"), name))
            json_object_set(json_own_object(json_own_object(spec, "resources"), "requests"), name, v);
}

void podspec_pod_resources(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    const json_t *own = member(spec, "resources");

    if (!own)
        return;
    if (streq(text(json_object_get(spec, "os"), "name"), "windows")) {
        fielderr_forbidden(e, path, "may not be set for a windows pod");
        return;
    }
    if (member(own, "claims"))
        fielderr_forbidden(e, FP_CHILD(path, "claims"), "claims may not be set for Resources at pod-level");
    requirements(e, own, path, pod_resource_name);
    podspec_taken_claims(e, own, spec, FP_CHILD(path, "claims"));
    holds_all(e, spec, "requests", path);
    holds_all(e, spec, "limits", path);
    holds_each(e, spec, path);
}

/* ---- quality of service ------------------------------------------------------------------------------ */

static const char *const qos_resources[] = { "cpu", "memory" };

/* Adds cpu and memory of one part, where they are more than none; false where one of them is not. */
static bool add_qos(struct arena *a, amounts_t *sum, const json_t *part)
{
    bool both = true;
    struct quantity q;

    for (size_t i = 0; i < ARRAY_SIZE(qos_resources); i++) {
        if (amounts_parse(a, json_object_get(part, qos_resources[i]), &q) && !quantity_is_zero(&q) && !q.negative)
            amounts_add(a, sum, qos_resources[i], &q);
        else
            both = false;
    }
    return both;
}

/* Requests are what the limits are, for each resource. */
static bool all_equal(const amounts_t *requests, const amounts_t *limits)
{
    for (size_t i = 0; i < requests->n; i++) {
        struct amount *limit = amounts_find(limits, requests->v[i].name);
        if (!limit || quantity_compare(&limit->q, &requests->v[i].q) != 0)
            return false;
    }
    return requests->n == limits->n;
}

/* What the pod says for itself decides where it says something, else its containers together. */
const char *pod_qos_class(struct arena *a, const json_t *pod)
{
    static const char *const lists[] = { "spec.containers", "spec.initContainers" };
    const json_t *own = json_path(pod, "spec.resources");
    amounts_t requests = { 0 }, limits = { 0 };
    bool limited = true;
    size_t i;
    json_t *c;

    if (json_is_object(own)) {
        const json_t *part = json_object_get(own, "limits");
        add_qos(a, &requests, json_object_get(own, "requests"));
        limited = !json_object_size(part) || add_qos(a, &limits, part);
    }
    for (size_t l = 0; l < ARRAY_SIZE(lists) && !json_is_object(own); l++)
        json_array_foreach(json_path(pod, lists[l]), i, c) {
            add_qos(a, &requests, json_path(c, "resources.requests"));
            limited &= add_qos(a, &limits, json_path(c, "resources.limits"));
        }
    const char *class = requests.n + limits.n == 0 ? "BestEffort"
                        : limited && all_equal(&requests, &limits) ? "Guaranteed" : "Burstable";
    dyn_release(&requests);
    dyn_release(&limits);
    return class;
}
