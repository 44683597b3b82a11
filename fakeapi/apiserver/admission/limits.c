#include "fakeapi/apiserver/admission/limits.h"

#include "fakeapi/apiserver/admission/amounts.h"

/* LimitRange (G-093). Several of a namespace count in the order of their names. */

static bool is_kind(const struct admission *a, const char *plural)
{
    return !*a->kind->res.group && streq(a->kind->res.plural, plural);
}

/* Containers can only be set at create, and by the subresource that is there for it. */
static bool handles(const struct admission *a)
{
    if (!a->object || (a->op != ADMIT_CREATE && a->op != ADMIT_UPDATE) || (a->old && obj_is_deleting(a->old)))
        return false;
    if (a->sub)
        return is_kind(a, "pods") && streq(a->sub->name, "resize") && a->op == ADMIT_UPDATE;
    return is_kind(a, "pods") ? a->op == ADMIT_CREATE : is_kind(a, "persistentvolumeclaims");
}

typedef DYN(json_t *) ranges_t;

static bool note_range(void *arg, const struct record *rec)
{
    ranges_t *list = arg;

    *dyn_push(list) = json_incref(value_tree(rec->value));
    return true;
}

static ranges_t ranges_of(struct call *c, const struct admission *a)
{
    ranges_t list = { 0 };

    store_range(c->s->store, arena_printf(c->arena, "/registry/limitranges/%s/", a->namespace), NULL, 0, 0, note_range,
                &list, NULL);
    return list;
}

static void ranges_release(ranges_t *list)
{
    for (size_t i = 0; i < list->n; i++)
        json_decref(list->v[i]);
    dyn_release(list);
}

/* ---- what is asked for when nothing is said ---------------------------------------------------------- */

typedef DYN(const char *) names_t;

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Sets what `container` does not say of one part, and notes the names that it set. */
static void fill_part(const json_t *range, json_t *container, const char *part, const char *defaults, names_t *set)
{
    const char *name;
    json_t *limit, *v;
    size_t i;

    const json_t *own = json_path(container, "resources");
    json_auto_t *before = json_copy(json_object_get(own, part));
    json_array_foreach(json_path(range, "spec.limits"), i, limit) {
        if (!streq(obj_str(limit, "type"), "Container"))
            continue;
        json_object_foreach(json_object_get(limit, defaults), name, v) {
            if (json_object_get(before, name))
                continue;
            json_t *resources = json_own_object(container, "resources"), *amounts = json_own_object(resources, part);
            if (!json_object_get(amounts, name))
                *dyn_push(set) = name;
            json_object_set(amounts, name, v);
        }
    }
}

static void note_set(struct buf *b, names_t *set, const char *what, const char *kind, const char *container)
{
    if (set->n)
        qsort(set->v, set->n, sizeof(*set->v), by_text);
    for (size_t i = 0; i < set->n; i++)
        buf_printf(b, "%s%s", i ? ", " : b->len ? "; " : "", set->v[i]);
    if (set->n)
        buf_printf(b, " %s for %s %s", what, kind, container);
    dyn_release(set);
}

static void fill_containers(const json_t *range, json_t *spec, const char *list, const char *kind, struct buf *b)
{
    json_t *containers = json_own_member(spec, list);

    for (size_t i = 0; i < json_array_size(containers); i++) {
        json_t *container = json_own_element(containers, i);
        names_t requests = { 0 }, limits = { 0 };
        fill_part(range, container, "limits", "default", &limits);
        fill_part(range, container, "requests", "defaultRequest", &requests);
        note_set(b, &requests, "request", kind, obj_str(container, "name"));
        note_set(b, &limits, "limit", kind, obj_str(container, "name"));
    }
}

static void fill_pod(struct call *c, const json_t *range, json_t *pod)
{
    cleanup_buf struct buf b = BUF_INIT;
    json_t *spec = json_own_object(pod, "spec");

    fill_containers(range, spec, "containers", "container", &b);
    fill_containers(range, spec, "initContainers", "init container", &b);
    if (b.len)
        obj_set_annotation(pod, "kubernetes.io/limit-ranger",
                           arena_printf(c->arena, "LimitRanger plugin set: %s", b.data));
}

void limits_mutate(struct call *c, struct admission *a)
{
    if (c->internal || !handles(a) || !is_kind(a, "pods"))
        return;
    ranges_t ranges = ranges_of(c, a);
    for (size_t i = 0; i < ranges.n; i++)
        fill_pod(c, ranges.v[i], json_own(&a->object));
    ranges_release(&ranges);
}

/* ---- what may be asked for --------------------------------------------------------------------------- */

/* What an object asks for, held against one limit; `why` gathers what is wrong. */
struct check {
    struct arena *arena;
    const char *type;
    amounts_t requests, limits;
    bool requests_only;                /* a claim has no limits */
    names_t why;
};

static void complain(struct check *ck, const char *fmt, ...) PRINTF(2, 3);
static void complain(struct check *ck, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *text = arena_vprintf(ck->arena, fmt, args);
    va_end(args);
    for (size_t i = 0; i < ck->why.n; i++)
        if (streq(ck->why.v[i], text))
            return;
    *dyn_push(&ck->why) = text;
}

/* The amounts in thousandths where each of the three fits, else in whole ones, rounded up. */
struct compared {
    const struct amount *request, *limit;
    const char *enforced;
    int64_t requested, limited, bound;
};

static struct compared compare(struct check *ck, const char *name, const struct quantity *bound)
{
    struct compared v = { .request = amounts_find(&ck->requests, name), .limit = amounts_find(&ck->limits, name),
                          .enforced = quantity_text(ck->arena, bound) };
    const struct quantity none = { 0 }, *r = v.request ? &v.request->q : &none, *l = v.limit ? &v.limit->q : &none;
    const int64_t precise = INT64_MAX / 1000;
    int scale = quantity_scaled(r, 0) <= precise && quantity_scaled(l, 0) <= precise &&
                quantity_scaled(bound, 0) <= precise ? -3 : 0;

    v.requested = quantity_scaled(r, scale);
    v.limited = quantity_scaled(l, scale);
    v.bound = quantity_scaled(bound, scale);
    return v;
}

static const char *shown(struct check *ck, const struct amount *a)
{
    return quantity_text(ck->arena, &a->q);
}

static void at_least(struct check *ck, const char *name, const struct quantity *bound)
{
    struct compared v = compare(ck, name, bound);

    if (!v.request)
        complain(ck, "minimum %s usage per %s is %s.  No request is specified", name, ck->type, v.enforced);
    else if (v.requested < v.bound)
        complain(ck, "minimum %s usage per %s is %s, but request is %s", name, ck->type, v.enforced, shown(ck, v.request));
    else if (v.limit && v.limited < v.bound)
        complain(ck, "minimum %s usage per %s is %s, but limit is %s", name, ck->type, v.enforced, shown(ck, v.limit));
}

static void at_most(struct check *ck, const char *name, const struct quantity *bound)
{
    struct compared v = compare(ck, name, bound);

    if (ck->requests_only ? !v.request : !v.limit)
        complain(ck, "maximum %s usage per %s is %s.  No %s is specified", name, ck->type, v.enforced,
                 ck->requests_only ? "request" : "limit");
    else if (v.limit && v.limited > v.bound)
        complain(ck, "maximum %s usage per %s is %s, but limit is %s", name, ck->type, v.enforced, shown(ck, v.limit));
    else if (v.request && v.requested > v.bound)
        complain(ck, "maximum %s usage per %s is %s, but request is %s", name, ck->type, v.enforced, shown(ck, v.request));
}

static void within_ratio(struct check *ck, const char *name, const struct quantity *bound)
{
    struct compared v = compare(ck, name, bound);
    bool precise = quantity_scaled(bound, 0) <= INT64_MAX / 1000;

    if (!v.request || !v.requested) {
        complain(ck, "%s max limit to request ratio per %s is %s, but no request is specified or request is 0", name,
                 ck->type, v.enforced);
        return;
    }
    if (!v.limit || !v.limited) {
        complain(ck, "%s max limit to request ratio per %s is %s, but no limit is specified or limit is 0", name,
                 ck->type, v.enforced);
        return;
    }
    double ratio = (double)v.limited / (double)v.requested;
    if (ratio * (precise ? 1000 : 1) > (double)quantity_scaled(bound, precise ? -3 : 0))
        complain(ck, "%s max limit to request ratio per %s is %s, but provided ratio is %f", name, ck->type, v.enforced,
                 ratio);
}

static void check_part(struct check *ck, const json_t *limit, const char *part,
                       void (*check)(struct check *ck, const char *name, const struct quantity *bound))
{
    struct quantity bound;
    const char *name;
    json_t *v;

    json_object_foreach(json_object_get(limit, part), name, v)
        if (amounts_parse(ck->arena, v, &bound))
            check(ck, name, &bound);
}

static void check_limit(struct check *ck, const json_t *limit)
{
    check_part(ck, limit, "min", at_least);
    check_part(ck, limit, "max", at_most);
    if (!ck->requests_only)
        check_part(ck, limit, "maxLimitRequestRatio", within_ratio);
    ck->requests.n = ck->limits.n = 0;
}

static void check_containers(struct check *ck, const json_t *limit, const json_t *list)
{
    size_t i;
    json_t *container;

    json_array_foreach((json_t *)list, i, container) {
        amounts_add_map(ck->arena, &ck->requests, json_path(container, "resources.requests"));
        amounts_add_map(ck->arena, &ck->limits, json_path(container, "resources.limits"));
        check_limit(ck, limit);
    }
}

static bool of_the_whole_pod(const char *name)
{
    return streq(name, "cpu") || streq(name, "memory");
}

static void check_range(struct check *ck, const struct admission *a, const json_t *range)
{
    const json_t *spec = json_object_get(a->object, "spec");
    bool pod = is_kind(a, "pods");
    size_t i;
    json_t *limit;

    ck->requests_only = !pod;
    json_array_foreach(json_path(range, "spec.limits"), i, limit) {
        ck->type = obj_str(limit, "type");
        if (pod && streq(ck->type, "Container")) {
            check_containers(ck, limit, json_object_get(spec, "containers"));
            check_containers(ck, limit, json_object_get(spec, "initContainers"));
        } else if (pod && streq(ck->type, "Pod")) {
            amounts_pod(ck->arena, spec, "requests", of_the_whole_pod, &ck->requests);
            amounts_pod(ck->arena, spec, "limits", of_the_whole_pod, &ck->limits);
            check_limit(ck, limit);
        } else if (!pod && streq(ck->type, "PersistentVolumeClaim")) {
            amounts_add_map(ck->arena, &ck->requests, json_path(spec, "resources.requests"));
            check_limit(ck, limit);
        }
    }
}

/* As Go joins several errors. */
static const char *all_of(struct arena *arena, const names_t *why)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (why->n == 1)
        return why->v[0];
    for (size_t i = 0; i < why->n; i++)
        buf_printf(&b, "%s%s", i ? ", " : "[", why->v[i]);
    buf_add_char(&b, ']');
    return arena_strdup(arena, b.data);
}

int limits_validate(struct call *c, const struct admission *a)
{
    struct check ck = { .arena = c->arena };
    int r = 0;

    if (c->internal || !handles(a))
        return 0;
    ranges_t ranges = ranges_of(c, a);
    for (size_t i = 0; i < ranges.n && r == 0; i++) {
        check_range(&ck, a, ranges.v[i]);
        if (ck.why.n)
            r = admission_forbidden(c, a, all_of(c->arena, &ck.why));
    }
    ranges_release(&ranges);
    dyn_release(&ck.requests);
    dyn_release(&ck.limits);
    dyn_release(&ck.why);
    return r;
}
