#include "fakeapi/apiserver/admission/admission.h"
#include "fakeapi/apiserver/builtin/builtin.h"
#include "kube/selector.h"

/* Subresources of pods that are deeds, not states: binding, eviction, log, exec (B-107 to B-110). */

static const struct kind binding_kind = {
    .res = { "", "v1", "Binding", "bindings", true }, .singular = "binding", .list_kind = "BindingList",
    .ops = &plain_ops,
};
static const struct kind eviction_kind = {
    .res = { "policy", "v1", "Eviction", "evictions", true }, .singular = "eviction", .list_kind = "EvictionList",
    .ops = &plain_ops,
};

static const struct kind *pods(struct call *c)
{
    return kinds_find(c->s->kinds, "", "v1", "pods");
}

/* ---- binding ------------------------------------------------------------------------------------ */

static int bind_conflict(struct call *c, const char *resource, const char *name, const char *why)
{
    int r = apierr_conflict(&c->err, "", resource, name, "%s", why);
    return r;
}

/* Its errors are no Status of their own: a 500 with the sentence (B-107 as recorded). */
static int check_target(struct call *c, const json_t *binding)
{
    const char *kind = obj_str(binding, "target.kind");

    if (*kind && !streq(kind, "Node"))
        return apierr_set(&c->err, APIERR_UNKNOWN,
                          "target.kind: Unsupported value: \"%s\": supported values: \"Node\", \"<empty>\"", kind);
    if (!*obj_str(binding, "target.name"))
        return apierr_set(&c->err, APIERR_UNKNOWN, "target.name: Required value");
    return 0;
}

static int check_bindable(struct call *c, const json_t *pod)
{
    const char *name = obj_name(pod), *node = obj_str(pod, "spec.nodeName");

    if (obj_is_deleting(pod))
        return bind_conflict(c, "pods/binding", name,
                             arena_printf(c->arena, "pod %s is being deleted, cannot be assigned to a host", name));
    if (*node)
        return bind_conflict(c, "pods/binding", name,
                             arena_printf(c->arena, "pod %s is already assigned to node \"%s\"", name, node));
    if (obj_count(pod, "spec.schedulingGates"))
        return bind_conflict(c, "pods/binding", name,
                             arena_printf(c->arena, "pod %s has non-empty .spec.schedulingGates", name));
    return 0;
}

static int check_preconditions(struct call *c, const json_t *binding, const json_t *pod)
{
    const char *uid = obj_uid(binding), *rv = obj_resource_version(binding);
    const char *key = call_store_key(c, pods(c), obj_namespace(pod), obj_name(pod));

    if (*uid && !streq(uid, obj_uid(pod)))
        return bind_conflict(c, "pods", obj_name(pod), arena_printf(c->arena,
            "StorageError: invalid object, Code: 4, Key: %s, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
            "UID in precondition: %s, UID in object meta: %s", key, uid, obj_uid(pod)));
    if (*rv && !streq(rv, obj_resource_version(pod)))
        return bind_conflict(c, "pods", obj_name(pod), arena_printf(c->arena,
            "StorageError: invalid object, Code: 4, Key: %s, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
            "ResourceVersion in precondition: %s, ResourceVersion in object meta: %s", key, rv,
            obj_resource_version(pod)));
    return 0;
}

/* Annotations are merged in; the condition says that it is scheduled. */
static void bind(struct call *c, json_t *pod, const json_t *binding)
{
    const char *key;
    json_t *value;

    obj_set(pod, "spec.nodeName", json_string(obj_str(binding, "target.name")));
    json_object_foreach ((json_t *)obj_annotations(binding), key, value)
        obj_set_annotation(pod, key, json_string_value(value));
    json_t *status = json_own_object(pod, "status");
    json_t *conditions = json_own_array(status, "conditions"), *old;
    json_t *scheduled = json_pack("{s:s, s:s, s:n, s:s}", "type", "PodScheduled", "status", "True", "lastProbeTime",
                                  "lastTransitionTime", call_text_time(c));
    size_t i;
    json_array_foreach (conditions, i, old) {
        if (streq(obj_str(old, "type"), "PodScheduled")) {
            json_array_set_new(conditions, i, scheduled);
            return;
        }
    }
    json_array_append_new(conditions, scheduled);
}

static int bind_pod(struct call *c, const json_t *binding)
{
    struct record rec;
    int r;

    if (!*obj_name(binding))
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "Name parameter required.");
    if ((r = get_record(c, pods(c), c->route.namespace, obj_name(binding), &rec)) < 0)
        return r;
    const json_t *pod = value_tree(rec.value);
    if ((r = check_preconditions(c, binding, pod)) < 0 || (r = check_bindable(c, pod)) < 0)
        return r;
    json_t *next = json_incref((json_t *)pod);
    bind(c, json_own(&next), binding);
    r = put_object(c, pods(c), &rec, next);
    return r < 0 ? r : reply_created(c);
}

int pod_binding(struct call *c)
{
    json_auto_t *binding = NULL;
    struct admission a;
    int r;

    if ((r = options_create(c)) < 0 || (r = decode_object(c, &binding_kind, &binding)) < 0 ||
        (r = meta_check_namespace(c, &binding_kind, json_own(&binding))) < 0 ||
        (r = managed_update(c, &binding_kind, "binding", &binding, NULL)) < 0 ||
        (r = admission_begin(c, &binding_kind, &a, &binding)) < 0)
        return r;
    if (!streq(obj_name(binding), c->route.name))
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "name in URL does not match name in Binding object");
    if ((r = check_target(c, binding)) < 0 || (r = admission_end(c, &a, binding)) < 0)
        return r;
    return bind_pod(c, binding);
}

/* POST /bindings: the same with the pod's name in the body. */
static int old_binding(struct call *c, json_t *obj)
{
    int r = check_target(c, obj);

    return r < 0 ? r : bind_pod(c, obj);
}

const struct kind_ops binding_ops = { .review = old_binding };

/* ---- eviction ----------------------------------------------------------------------------------- */

static int blocked(struct call *c, const char *detail, int retry_after_s)
{
    int r = apierr_set(&c->err, APIERR_TOO_MANY_REQUESTS,
                       "Cannot evict pod as it would violate the pod's disruption budget.");

    apierr_cause(&c->err, "DisruptionBudget", NULL, "%s", detail);
    c->err.retry_after_s = retry_after_s;
    return r;
}

struct budget {
    const json_t *pod;
    struct arena *arena;
    struct record rec;
    json_t *object;
    size_t n;
};

static bool find_budget(void *arg, const struct record *rec)
{
    struct budget *b = arg;
    const json_t *pdb = value_tree(rec->value);
    struct label_selector sel;
    struct apierr err = APIERR_IN(b->arena);

    if (label_selector_from_object(b->arena, json_path(pdb, "spec.selector"), &sel, &err) < 0)
        return true;
    if (!label_selector_matches(&sel, obj_labels(b->pod)))
        return true;
    if (b->n++ == 0) {
        b->object = json_incref((json_t *)pdb);
        b->rec = *rec;
    }
    return true;
}

static bool pod_ready(const json_t *pod)
{
    return obj_condition_true(pod, "Ready");
}

/* A pod that has ended, was never placed, or is going anyway is nobody's budget (B-108). */
static bool ignores_budget(const json_t *pod)
{
    const char *phase = obj_str(pod, "status.phase");

    return streq(phase, "Succeeded") || streq(phase, "Failed") || streq(phase, "Pending") || obj_is_deleting(pod);
}

static int spend_budget(struct call *c, struct budget *b)
{
    const json_t *pdb = b->object;
    int64_t allowed = obj_int(pdb, "status.disruptionsAllowed", 0);

    if (obj_int(pdb, "status.observedGeneration", 0) < obj_generation(pdb))
        return blocked(c, arena_printf(c->arena, "The disruption budget %s is still being processed by the server.",
                                       obj_name(pdb)), 10);
    if (allowed < 0)
        return apierr_set(&c->err, APIERR_FORBIDDEN, "pdb disruptions allowed is negative");
    if (obj_count(pdb, "status.disruptedPods") > 2000)
        return apierr_set(&c->err, APIERR_FORBIDDEN, "DisruptedPods map too big - too many evictions not confirmed by PDB "
                          "controller");
    if (allowed == 0)
        return blocked(c, arena_printf(c->arena, "The disruption budget %s needs %lld healthy pods and has %lld currently",
                                       obj_name(pdb), (long long)obj_int(pdb, "status.desiredHealthy", 0),
                                       (long long)obj_int(pdb, "status.currentHealthy", 0)), 0);
    if (c->opt.dry_run)
        return 0;
    json_t *next = json_incref(b->object);
    json_own(&next);
    json_t *status = json_own_object(next, "status");
    json_object_set_new(status, "disruptionsAllowed", json_integer(allowed - 1));
    json_object_set_new(json_own_object(status, "disruptedPods"), obj_name(b->pod), json_string(call_text_time(c)));
    if (allowed - 1 == 0) {
        struct condition cond = { "DisruptionAllowed", "False", "InsufficientPods", "", obj_generation(pdb) };
        conditions_set(json_own_array(status, "conditions"), &cond, c->now);
    }
    return put_object(c, kinds_find(c->s->kinds, "policy", "v1", "poddisruptionbudgets"), &b->rec, next);
}

static int respect_budgets(struct call *c, const json_t *pod)
{
    const struct kind *k = kinds_find(c->s->kinds, "policy", "v1", "poddisruptionbudgets");
    struct budget b = { .pod = pod, .arena = c->arena };
    int r = 0;

    if (ignores_budget(pod))
        return 0;
    store_range(c->s->store, list_prefix(c, k, c->route.namespace), NULL, 0, 0, find_budget, &b, NULL);
    if (b.n > 1) {
        r = apierr_set(&c->err, APIERR_UNKNOWN, "This pod has more than one PodDisruptionBudget, which the eviction "
                       "subresource does not support.");
    } else if (b.n == 1) {
        /* An unready pod is not counted as healthy: it may go while the others are enough, or always. */
        bool enough = obj_int(b.object, "status.currentHealthy", 0) >= obj_int(b.object, "status.desiredHealthy", 0) &&
                      obj_int(b.object, "status.desiredHealthy", 0) > 0;
        bool always = streq(obj_str(b.object, "spec.unhealthyPodEvictionPolicy"), "AlwaysAllow");
        if (pod_ready(pod) || !(enough || always))
            r = spend_budget(c, &b);
    }
    json_decref(b.object);
    return r;
}

static int decode_eviction(struct call *c, json_t **ret)
{
    int r = decode_object(c, &eviction_kind, ret);

    if (r < 0)
        return r;
    if ((r = meta_check_namespace(c, &eviction_kind, json_own(ret))) < 0)
        return r;
    if (!streq(obj_name(*ret), c->route.name))
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "name in URL does not match name in Eviction object");
    return 0;
}

/* The query and the body may both ask for a dry run, but not for different ones. */
static int agree_on_dry_run(struct call *c, const json_t *options)
{
    const json_t *asked = json_object_get(options, "dryRun");
    json_auto_t *all = json_pack("[s]", "All");

    if (!json_array_size(asked))
        return 0;
    if (c->opt.dry_run && !json_same(asked, all))
        return apierr_set(&c->err, APIERR_UNKNOWN, "Non-matching dry-run options in request and content: [All] and %s",
                          go_value(c->arena, asked));
    c->opt.dry_run = true;
    return 0;
}

int pod_eviction(struct call *c)
{
    json_auto_t *eviction = NULL, *pod = NULL;
    struct delete_request d = { .orphan = -1 };
    struct value *last = NULL;
    struct admission a;
    struct record rec;
    bool gone;
    int r;

    if ((r = options_create(c)) < 0 || (r = decode_eviction(c, &eviction)) < 0 ||
        (r = admission_begin(c, &eviction_kind, &a, &eviction)) < 0 || (r = admission_end(c, &a, eviction)) < 0)
        return r;
    const json_t *options = json_object_get(eviction, "deleteOptions");
    if ((r = agree_on_dry_run(c, options)) < 0 ||
        (r = get_record(c, c->route.kind, c->route.namespace, c->route.name, &rec)) < 0)
        return r;
    pod = json_incref(value_tree(rec.value));
    bool dry = c->opt.dry_run;
    if ((r = respect_budgets(c, pod)) < 0 || (options && (r = delete_options_from(c, options, &d)) < 0))
        return r;
    d.admitted = true;
    c->opt.dry_run = dry;
    if ((r = delete_object(c, c->route.kind, c->route.namespace, c->route.name, &d, &last, &gone)) < 0)
        return r;
    value_unref(last);
    return reply_created(c);
}

/* ---- log and connections ------------------------------------------------------------------------ */

static void list_containers(struct buf *b, const json_t *pod, const char *path)
{
    size_t i;
    json_t *ctr;

    json_array_foreach (json_path(pod, path), i, ctr)
        buf_printf(b, "%s%s", b->len ? " " : "", obj_str(ctr, "name"));
}

static bool has_container(const json_t *pod, const char *name)
{
    static const char *const lists[] = { "spec.initContainers", "spec.containers", "spec.ephemeralContainers" };
    size_t i;
    json_t *ctr;

    for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
        json_array_foreach (json_path(pod, lists[l]), i, ctr)
            if (streq(obj_str(ctr, "name"), name))
                return true;
    return false;
}

/* The container that is meant: the one named, or the only one, whatever there is of others. */
static int choose_container(struct call *c, const json_t *pod, const char **ret)
{
    const char *asked = query_get(&c->query, "container");

    *ret = asked;
    if (!str_empty(asked)) {
        if (has_container(pod, asked))
            return 0;
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "container %s is not valid for pod %s", asked, obj_name(pod));
    }
    if (obj_count(pod, "spec.containers") == 1) {
        *ret = obj_str(json_array_get(json_path(pod, "spec.containers"), 0), "name");
        return 0;
    }
    cleanup_buf struct buf names = BUF_INIT;
    list_containers(&names, pod, "spec.initContainers");
    list_containers(&names, pod, "spec.containers");
    list_containers(&names, pod, "spec.ephemeralContainers");
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "a container name must be specified for pod %s, choose one of: [%s]",
                      obj_name(pod), names.data ? names.data : "");
}

static int log_options(struct call *c)
{
    static const struct { const char *name; int64_t least; const char *text; } bounds[] = {
        { "tailLines", 0, "must be greater than or equal to 0" }, { "limitBytes", 1, "must be greater than 0" },
        { "sinceSeconds", 1, "must be greater than 0" }
    };
    struct fielderrs errs = FIELDERRS_IN(c->arena);
    const char *since = query_get(&c->query, "sinceTime");
    struct instant t;
    int64_t n;
    bool have, seconds = false;

    for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
        int r = query_int(c, bounds[i].name, &n, &have);
        if (r < 0)
            return r;
        if (have && n < bounds[i].least)
            fielderr_invalid_int(&errs, FP_CHILD(NULL, bounds[i].name), n, "%s", bounds[i].text);
        seconds = have;
    }
    if (since && !time_parse(since, &t)) {
        cleanup_buf struct buf q = BUF_INIT;
        go_quote(&q, since, strlen(since));
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "parsing time %s as \"2006-01-02T15:04:05Z07:00\": cannot parse %s "
                          "as \"2006\"", q.data, q.data);
    }
    if (since && seconds)
        fielderr_forbidden(&errs, FP_CHILD(NULL, "[]"), "at most one of `sinceTime` or `sinceSeconds` may be specified");
    if (query_get(&c->query, "stream"))
        fielderr_forbidden(&errs, FP_CHILD(NULL, "stream"), "may not be specified");
    return fielderrs_status(&errs, &c->err, "", "PodLogOptions", c->route.name);
}

int pod_log(struct call *c)
{
    struct record rec;
    const char *container;
    int r;

    if ((r = log_options(c)) < 0 || (r = get_record(c, c->route.kind, c->route.namespace, c->route.name, &rec)) < 0 ||
        (r = choose_container(c, value_tree(rec.value), &container)) < 0)
        return r;
    if (!*obj_str(value_tree(rec.value), "spec.nodeName"))
        return reply_blob(c, 204, NULL, NULL);
    return reply_text(c, 200, "text/plain", "");
}

/* What the query asks of a connection, as admission is told of it. */
static const struct connect_row {
    const char *sub;
    struct kind kind;
} connect_rows[] = {
    { "exec", { .res = { "", "v1", "PodExecOptions", "pods", true }, .ops = &plain_ops } },
    { "attach", { .res = { "", "v1", "PodAttachOptions", "pods", true }, .ops = &plain_ops } },
    { "portforward", { .res = { "", "v1", "PodPortForwardOptions", "pods", true }, .ops = &plain_ops } },
};

static json_t *connect_options(struct call *c, const struct kind *k)
{
    static const char *const flags[] = { "stdin", "stdout", "stderr", "tty" };
    const char *container = query_get(&c->query, "container");
    json_t *o = json_pack("{s:s, s:s}", "kind", k->res.kind, "apiVersion", "v1"), *command = json_array(), *ports = json_array();

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (query_bool(&c->query, flags[i]))
            json_object_set_new(o, flags[i], json_true());
    if (!str_empty(container))
        json_object_set_new(o, "container", json_string(container));
    for (size_t i = 0; i < c->query.n; i++) {
        int64_t port;
        if (streq(c->query.v[i].key, "command"))
            json_array_append_new(command, json_string(c->query.v[i].value));
        else if (streq(c->query.v[i].key, "ports") && parse_i64(c->query.v[i].value, &port))
            json_array_append_new(ports, json_integer(port));
    }
    if (json_array_size(command) && streq(k->res.kind, "PodExecOptions"))
        json_object_set(o, "command", command);
    if (json_array_size(ports))
        json_object_set(o, "ports", ports);
    json_decref(command);
    json_decref(ports);
    return o;
}

static int connect_admitted(struct call *c)
{
    for (size_t i = 0; i < ARRAY_SIZE(connect_rows); i++)
        if (streq(connect_rows[i].sub, c->route.sub->name))
            return admission_connect(c, &connect_rows[i].kind, connect_options(c, &connect_rows[i].kind));
    return 0;
}

/* What the query cannot be made into is told before all else. */
static int check_ports(struct call *c)
{
    for (size_t i = 0; i < c->query.n; i++) {
        const char *value = c->query.v[i].value;
        uint64_t port;
        if (!streq(c->query.v[i].key, "ports") || (parse_u64(value, &port) && port <= UINT16_MAX))
            continue;
        if (!strchr(value, ',') && *value && strspn(value, "0123456789") != strlen(value))
            return apierr_set(&c->err, APIERR_BAD_REQUEST,
                              "cannot convert to []int32: strconv.ParseUint: parsing \"%s\": invalid syntax", value);
    }
    return 0;
}

/* exec, attach, portforward: nobody here speaks to a container over an upgraded connection. */
int pod_connect(struct call *c)
{
    bool forward = streq(c->route.sub->name, "portforward");
    struct record rec;
    const char *container;
    int r = forward ? check_ports(c) : 0;

    if (r < 0 || (r = connect_admitted(c)) < 0)
        return r;

    if ((r = connect_dry_run(c)) < 0 || (r = get_record(c, c->route.kind, c->route.namespace, c->route.name, &rec)) < 0)
        return r;
    const json_t *pod = value_tree(rec.value);
    if (!forward && (r = choose_container(c, pod, &container)) < 0)
        return r;
    if (!*obj_str(pod, "spec.nodeName"))
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "pod %s does not have a host assigned", obj_name(pod));
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "Upgrade request required");
}
