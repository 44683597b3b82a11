#include "fakeapi/apiserver/admission/quota.h"

#include "fakeapi/apiserver/admission/amounts.h"
#include "fakeapi/apiserver/builtin/builtin.h"

/* ResourceQuota: what a write would use against what its namespace may (G-093, J-072). */

static void add_count(struct arena *a, amounts_t *list, const char *name, int64_t n)
{
    struct quantity q = quantity_from_int(a, n, QUANTITY_DECIMAL_SI);

    amounts_add(a, list, name, &q);
}

/* ---- what an object uses ------------------------------------------------------------------------ */

static const char *count_name(struct arena *a, const struct kind *k)
{
    return arena_printf(a, "count/%s", kind_group_resource(a, k));
}

static bool of_the_whole_pod(const char *name)
{
    return streq(name, "cpu") || streq(name, "memory") || str_starts(name, "hugepages-");
}

static void pod_sum(struct arena *a, const json_t *spec, const char *part, amounts_t *ret)
{
    amounts_pod(a, spec, part, of_the_whole_pod, ret);
    amounts_add_map(a, ret, json_object_get(spec, "overhead"));
}

static bool compute_name(const char *name)
{
    return streq(name, "cpu") || streq(name, "memory") || streq(name, "ephemeral-storage");
}

/* The names under which a quota speaks of requests and limits. */
static void add_compute(struct arena *a, const amounts_t *requests, const amounts_t *limits, amounts_t *ret)
{
    for (size_t i = 0; i < requests->n; i++) {
        const char *name = requests->v[i].name;
        bool own = compute_name(name) || str_starts(name, "hugepages-");
        if (own)
            amounts_add(a, ret, name, &requests->v[i].q);
        if (own || strchr(name, '/'))
            amounts_add(a, ret, arena_printf(a, "requests.%s", name), &requests->v[i].q);
    }
    for (size_t i = 0; i < limits->n; i++)
        if (compute_name(limits->v[i].name))
            amounts_add(a, ret, arena_printf(a, "limits.%s", limits->v[i].name), &limits->v[i].q);
}

static void pod_usage(struct arena *a, const json_t *pod, amounts_t *ret)
{
    const json_t *spec = json_object_get(pod, "spec");
    const char *phase = obj_str(pod, "status.phase");
    amounts_t requests = { 0 }, limits = { 0 };

    if (streq(phase, "Failed") || streq(phase, "Succeeded"))
        return;
    add_count(a, ret, "pods", 1);
    pod_sum(a, spec, "requests", &requests);
    pod_sum(a, spec, "limits", &limits);
    add_compute(a, &requests, &limits, ret);
    dyn_release(&requests);
    dyn_release(&limits);
}

static void service_usage(struct arena *a, const json_t *service, amounts_t *ret)
{
    const char *type = obj_str(service, "spec.type");
    bool balanced = streq(type, "LoadBalancer");
    bool all = streq(type, "NodePort") || (balanced && !json_is_false(json_path(service, "spec.allocateLoadBalancerNodePorts")));
    int64_t ports = 0;
    size_t i;
    json_t *p;

    json_array_foreach(json_path(service, "spec.ports"), i, p)
        ports += all || (balanced && json_integer_value(json_object_get(p, "nodePort")));
    add_count(a, ret, "services", 1);
    add_count(a, ret, "services.loadbalancers", balanced);
    add_count(a, ret, "services.nodeports", ports);
}

static void claim_usage(struct arena *a, const json_t *claim, amounts_t *ret)
{
    const json_t *annotated = json_object_get(obj_annotations(claim), "volume.beta.kubernetes.io/storage-class");
    const char *class = annotated ? json_string_value(annotated) : obj_str(claim, "spec.storageClassName");
    const json_t *asked = json_path(claim, "spec.resources.requests.storage");
    struct quantity q;

    add_count(a, ret, "persistentvolumeclaims", 1);
    if (*class)
        add_count(a, ret, arena_printf(a, "%s.storageclass.storage.k8s.io/persistentvolumeclaims", class), 1);
    if (!amounts_parse(a, asked, &q))
        return;
    amounts_add(a, ret, "requests.storage", &q);
    if (*class)
        amounts_add(a, ret, arena_printf(a, "%s.storageclass.storage.k8s.io/requests.storage", class), &q);
}

static void aliased_usage(struct arena *a, const json_t *obj, amounts_t *ret)
{
    (void)a, (void)obj, (void)ret;     /* its plural alone: usage_of() adds it */
}

/* Kinds that are more than counted. */
static const struct usage_row {
    const char *plural;
    void (*add)(struct arena *a, const json_t *obj, amounts_t *ret);
    bool updates;                      /* counted anew at an update, too */
} usage_rows[] = {
    { "pods", pod_usage, false },
    { "services", service_usage, true },
    { "persistentvolumeclaims", claim_usage, true },
    { "configmaps", aliased_usage, false }, { "secrets", aliased_usage, false },
    { "resourcequotas", aliased_usage, false }, { "replicationcontrollers", aliased_usage, false },
};

static const struct usage_row *usage_row(const struct kind *k)
{
    for (size_t i = 0; !*k->res.group && i < ARRAY_SIZE(usage_rows); i++)
        if (streq(usage_rows[i].plural, k->res.plural))
            return &usage_rows[i];
    return NULL;
}

static void usage_of(struct arena *a, const struct kind *k, const json_t *obj, amounts_t *ret)
{
    const struct usage_row *row = usage_row(k);

    add_count(a, ret, count_name(a, k), 1);
    if (row)
        row->add(a, obj, ret);
    if (row && row->add == aliased_usage)
        add_count(a, ret, row->plural, 1);
}

/* Whether a quota for this resource has to do with the kind at all. */
static bool counts_for(struct arena *a, const struct kind *k, const char *name)
{
    static const char *const of_pods[] = { "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory",
                                           "requests.ephemeral-storage", "limits.cpu", "limits.memory",
                                           "limits.ephemeral-storage", "pods" };
    const struct usage_row *row = usage_row(k);

    if (streq(name, count_name(a, k)))
        return true;
    if (!row)
        return false;
    if (row->add == pod_usage) {
        for (size_t i = 0; i < ARRAY_SIZE(of_pods); i++)
            if (streq(of_pods[i], name))
                return true;
        return str_starts(name, "hugepages-") || str_starts(name, "requests.hugepages-") ||
               (str_starts(name, "requests.") && strchr(name, '/') && !strstr(name, ".storageclass.storage.k8s.io/"));
    }
    if (row->add == service_usage)
        return streq(name, "services") || streq(name, "services.nodeports") || streq(name, "services.loadbalancers");
    if (row->add == claim_usage)
        return streq(name, "persistentvolumeclaims") || streq(name, "requests.storage") ||
               strstr(name, ".storageclass.storage.k8s.io/");
    return streq(name, row->plural);
}

/* ---- scopes ------------------------------------------------------------------------------------- */

static bool crosses(const json_t *terms, const char *inner)
{
    size_t i;
    json_t *t;

    json_array_foreach(terms, i, t) {
        const json_t *term = *inner ? json_object_get(t, inner) : t;
        if (json_array_size(json_object_get(term, "namespaces")) || json_object_get(term, "namespaceSelector"))
            return true;
    }
    return false;
}

static bool crosses_namespaces(const json_t *pod)
{
    static const char *const kinds[] = { "podAffinity", "podAntiAffinity" };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const json_t *of = json_object_get(json_path(pod, "spec.affinity"), kinds[i]);
        if (crosses(json_object_get(of, "requiredDuringSchedulingIgnoredDuringExecution"), "") ||
            crosses(json_object_get(of, "preferredDuringSchedulingIgnoredDuringExecution"), "podAffinityTerm"))
            return true;
    }
    return false;
}

static bool among_values(const json_t *values, const char *text)
{
    size_t i;
    json_t *v;

    json_array_foreach(values, i, v)
        if (streq(json_string_value(v), text))
            return true;
    return false;
}

static bool in_scope(const json_t *pod, const char *scope, const char *op, const json_t *values)
{
    bool ends = json_integer_value(json_path(pod, "spec.activeDeadlineSeconds")) >= 0 &&
                json_path(pod, "spec.activeDeadlineSeconds");
    bool best = streq(obj_str(pod, "status.qosClass"), "BestEffort");
    const char *priority = obj_str(pod, "spec.priorityClassName");

    if (streq(scope, "Terminating") || streq(scope, "NotTerminating"))
        return ends == streq(scope, "Terminating");
    if (streq(scope, "BestEffort") || streq(scope, "NotBestEffort"))
        return best == streq(scope, "BestEffort");
    if (streq(scope, "CrossNamespacePodAffinity"))
        return crosses_namespaces(pod);
    if (!streq(scope, "PriorityClass"))
        return false;
    if (streq(op, "In"))
        return *priority && among_values(values, priority);
    if (streq(op, "NotIn"))
        return !*priority || !among_values(values, priority);
    return (*priority != 0) == streq(op, "Exists");
}

static bool scopes_match(const struct kind *k, const json_t *quota, const json_t *obj)
{
    const struct usage_row *row = usage_row(k);
    bool pod = row && row->add == pod_usage, all = true;
    size_t i;
    json_t *v;

    json_array_foreach(json_path(quota, "spec.scopes"), i, v)
        all = all && pod && in_scope(obj, json_string_value(v), "Exists", NULL);
    json_array_foreach(json_path(quota, "spec.scopeSelector.matchExpressions"), i, v)
        all = all && pod && in_scope(obj, obj_str(v, "scopeName"), obj_str(v, "operator"), json_object_get(v, "values"));
    return all;
}

/* ---- one quota ---------------------------------------------------------------------------------- */

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

typedef DYN(const char *) names_t;

/* The resources that the quota limits for this kind, sorted. */
static void limited_names(struct arena *a, const struct kind *k, const json_t *quota, names_t *ret)
{
    const char *name;
    json_t *v;

    json_object_foreach(json_path(quota, "status.hard"), name, v)
        if (counts_for(a, k, name))
            *dyn_push(ret) = name;
    if (ret->n)
        qsort(ret->v, ret->n, sizeof(*ret->v), by_text);
}

static bool container_says(const json_t *c, const char *name)
{
    bool limit = str_starts(name, "limits.");
    const char *resource = limit ? name + 7 : str_starts(name, "requests.") ? name + 9 : name;

    return json_object_get(json_path(c, limit ? "resources.limits" : "resources.requests"), resource);
}

static void mute_containers(const json_t *list, const char *name, names_t *ret)
{
    size_t i;
    json_t *c;

    json_array_foreach(list, i, c)
        if (!container_says(c, name))
            *dyn_push(ret) = obj_str(c, "name");
}

/* A limited pod must say what it needs: "must specify limits.cpu for: a,b; ...", NULL where it does. */
static const char *unsaid(struct arena *a, const names_t *limited, const json_t *pod)
{
    static const char *const asked[] = { "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory" };
    cleanup_buf struct buf b = BUF_INIT;

    if (json_object_size(json_path(pod, "spec.resources.requests")) || json_object_size(json_path(pod, "spec.resources.limits")))
        return NULL;
    for (size_t i = 0; i < limited->n; i++) {
        bool must = false;
        names_t mute = { 0 };
        for (size_t k = 0; k < ARRAY_SIZE(asked); k++)
            must = must || streq(asked[k], limited->v[i]);
        if (must) {
            mute_containers(json_path(pod, "spec.containers"), limited->v[i], &mute);
            mute_containers(json_path(pod, "spec.initContainers"), limited->v[i], &mute);
        }
        if (mute.n)
            qsort(mute.v, mute.n, sizeof(*mute.v), by_text);
        for (size_t k = 0; k < mute.n; k++)
            if (!k)
                buf_printf(&b, "%s%s for: %s", b.len ? "; " : "", limited->v[i], mute.v[k]);
            else if (!streq(mute.v[k], mute.v[k - 1]))
                buf_printf(&b, ",%s", mute.v[k]);
        dyn_release(&mute);
    }
    return b.len ? arena_printf(a, "must specify %s", b.data) : NULL;
}

static const char *unknown_usage(struct arena *a, const names_t *limited, const json_t *quota)
{
    cleanup_buf struct buf b = BUF_INIT;
    bool known = true;

    for (size_t i = 0; i < limited->n; i++) {
        known = known && json_object_get(json_path(quota, "status.used"), limited->v[i]);
        buf_printf(&b, "%s%s", i ? "," : "", limited->v[i]);
    }
    return known ? NULL : arena_strdup(a, b.data);
}

struct request {
    struct call *c;
    const struct admission *a;
    amounts_t usage, before;           /* of the object, and of the one it replaces */
};

static int refuse(const struct request *q, const char *fmt, ...) PRINTF(2, 3);
static int refuse(const struct request *q, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *why = arena_vprintf(q->c->arena, fmt, args);
    va_end(args);
    return admission_forbidden(q->c, q->a, why);
}

/* What this write adds to what is used of a resource; false where it adds nothing. */
static bool added(const struct request *q, bool counted_before, const char *name, struct quantity *ret)
{
    struct amount *now = amounts_find(&q->usage, name), *was = amounts_find(&q->before, name);

    if (!now)
        return false;
    *ret = counted_before && was ? quantity_sub(q->c->arena, &now->q, &was->q) : now->q;
    return !quantity_is_zero(ret) && !ret->negative;
}

static void add_pair(struct buf *b, const char *name, const char *value)
{
    buf_printf(b, "%s%s=%s", b->len ? "," : "", name, value);
}

/* The quota with the write counted in; *ret NULL where it counts for nothing. */
static int count_in(const struct request *q, const names_t *limited, const json_t *quota, json_t **ret)
{
    struct arena *a = q->c->arena;
    bool counted = q->a->old && scopes_match(q->a->kind, quota, q->a->old);
    cleanup_buf struct buf requested = BUF_INIT, used = BUF_INIT, hard = BUF_INIT;
    json_t *next = json_copy(json_path(quota, "status.used"));
    bool changed = false;

    for (size_t i = 0; i < limited->n; i++) {
        struct quantity more, have, most, sum;
        if (!added(q, counted, limited->v[i], &more) ||
            !amounts_parse(a, json_object_get(json_path(quota, "status.used"), limited->v[i]), &have) ||
            !amounts_parse(a, json_object_get(json_path(quota, "status.hard"), limited->v[i]), &most))
            continue;
        sum = quantity_add(a, &have, &more);
        if (quantity_compare(&sum, &most) > 0) {
            add_pair(&requested, limited->v[i], quantity_text(a, &more));
            add_pair(&used, limited->v[i], quantity_text(a, &have));
            add_pair(&hard, limited->v[i], quantity_text(a, &most));
        }
        json_object_set_new(next, limited->v[i], json_string(quantity_text(a, &sum)));
        changed = true;
    }
    if (requested.len) {
        json_decref(next);
        return refuse(q, "exceeded quota: %s, requested: %s, used: %s, limited: %s", obj_name(quota), requested.data,
                      used.data, hard.data);
    }
    if (!changed) {
        json_decref(next);
        next = NULL;
    }
    *ret = next;
    return 0;
}

static int check_quota(const struct request *q, const json_t *quota, json_t **ret)
{
    struct arena *a = q->c->arena;
    const struct usage_row *row = usage_row(q->a->kind);
    names_t limited = { 0 };
    const char *why;
    int r = 0;

    *ret = NULL;
    limited_names(a, q->a->kind, quota, &limited);
    if (limited.n && scopes_match(q->a->kind, quota, q->a->object)) {
        if (row && row->add == pod_usage && (why = unsaid(a, &limited, q->a->object)))
            r = refuse(q, "failed quota: %s: %s", obj_name(quota), why);
        else if ((why = unknown_usage(a, &limited, quota)))
            r = refuse(q, "status unknown for quota: %s, resources: %s", obj_name(quota), why);
        else
            r = count_in(q, &limited, quota, ret);
    }
    dyn_release(&limited);
    return r;
}

/* ---- all of a namespace -------------------------------------------------------------------------- */

static int mutate_used(struct call *c, const json_t *old, void *arg, json_t **ret)
{
    (void)c;
    *ret = json_with(old, "status.used", json_incref(arg));
    return 0;
}

/* The server writes down itself what is used now. */
static int write_used(struct call *c, const json_t *quota, json_t *used)
{
    const struct kind *k = kinds_find(c->s->kinds, "", "v1", "resourcequotas");
    struct value *v = NULL;
    struct call own;
    bool created;

    call_init(&own, c->s, c->arena);
    own.co = c->co;
    own.q = c->q;
    own.reply = c->reply;
    own.internal = true;
    own.user_agent = "kube-apiserver/v1.34.2";
    own.route.kind = k;
    own.route.sub = kind_sub(k, "status");
    own.route.namespace = arena_strdup(c->arena, obj_namespace(quota));
    own.route.name = arena_strdup(c->arena, obj_name(quota));
    struct change ch = { .kind = k, .sub = own.route.sub, .namespace = own.route.namespace, .name = own.route.name,
                         .mutate = mutate_used, .arg = used };
    int r = change_object(&own, &ch, &v, &created);
    value_unref(v);
    if (r < 0)
        c->err = own.err;
    call_release(&own);
    return r;
}

struct found {
    json_t *quota, *used;
};
typedef DYN(struct found) found_t;

static bool note_quota(void *arg, const struct record *rec)
{
    found_t *list = arg;

    *dyn_push(list) = (struct found){ json_incref(value_tree(rec->value)), NULL };
    return true;
}

static bool handles(const struct admission *a)
{
    const struct usage_row *row = usage_row(a->kind);

    if (!a->kind->res.namespaced || a->kind->flags & KIND_REVIEW || a->sub || !a->object)
        return false;
    if (streq(a->kind->res.kind, "Event"))
        return false;
    return a->op == ADMIT_CREATE || (a->op == ADMIT_UPDATE && row && row->updates);
}

static int check_all(struct request *q, found_t *found)
{
    int r = 0;

    usage_of(q->c->arena, q->a->kind, q->a->object, &q->usage);
    if (q->a->old)
        usage_of(q->c->arena, q->a->kind, q->a->old, &q->before);
    for (size_t i = 0; i < found->n && r == 0; i++)
        r = check_quota(q, found->v[i].quota, &found->v[i].used);
    for (size_t i = 0; i < found->n && r == 0 && !q->c->opt.dry_run; i++)
        if (found->v[i].used)
            r = write_used(q->c, found->v[i].quota, found->v[i].used);
    return r;
}

int quota_admit(struct call *c, const struct admission *a)
{
    found_t found = { 0 };
    struct request q = { .c = c, .a = a };
    int r = 0;

    if (!handles(a) || c->internal)
        return 0;
    store_range(c->s->store, arena_printf(c->arena, "/registry/resourcequotas/%s/", a->namespace), NULL, 0, 0, note_quota,
                &found, NULL);
    if (found.n)
        r = check_all(&q, &found);
    for (size_t i = 0; i < found.n; i++) {
        json_decref(found.v[i].quota);
        json_decref(found.v[i].used);
    }
    dyn_release(&found);
    dyn_release(&q.usage);
    dyn_release(&q.before);
    return r;
}
