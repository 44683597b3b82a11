#include "fakeapi/apiserver/builtin/cells_priv.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "kube/selector.h"

/* ---- words ------------------------------------------------------------------------------------------ */

const char *human_duration(struct arena *a, duration d)
{
    int64_t s = d / DURATION_S(1), m = s / 60, h = s / 3600, days = h / 24, years = days / 365;

    if (s < -1)
        return "<invalid>";
    if (s < 0)
        return "0s";
    if (s < 120)
        return arena_printf(a, "%" PRId64 "s", s);
    if (m < 10)
        return s % 60 ? arena_printf(a, "%" PRId64 "m%" PRId64 "s", m, s % 60) : arena_printf(a, "%" PRId64 "m", m);
    if (m < 180)
        return arena_printf(a, "%" PRId64 "m", m);
    if (h < 8)
        return m % 60 ? arena_printf(a, "%" PRId64 "h%" PRId64 "m", h, m % 60) : arena_printf(a, "%" PRId64 "h", h);
    if (h < 48)
        return arena_printf(a, "%" PRId64 "h", h);
    if (h < 192)
        return h % 24 ? arena_printf(a, "%" PRId64 "d%" PRId64 "h", days, h % 24) : arena_printf(a, "%" PRId64 "d", days);
    if (days < 730)
        return arena_printf(a, "%" PRId64 "d", days);
    if (years < 8)
        return days % 365 ? arena_printf(a, "%" PRId64 "y%" PRId64 "d", years, days % 365)
                          : arena_printf(a, "%" PRId64 "y", years);
    return arena_printf(a, "%" PRId64 "y", years);
}

const char *human_since(struct arena *a, const char *time_text, struct instant now)
{
    struct instant t;

    if (str_empty(time_text))
        return "<unknown>";
    return time_parse(time_text, &t) ? human_duration(a, instant_sub(now, t)) : "<unknown>";
}

/* "a,b" of a member of each item; `otherwise` where the list is empty. */
static void say_each(struct row *r, const json_t *list, const char *member, const char *otherwise)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
        buf_printf(&b, "%s%s", i ? "," : "", member ? text_at(item, member) : json_string_value(item));
    say_or(r, b.len ? b.data : "", otherwise);
}

static int by_key(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* "a=b,c=d" of a map, by key. */
const char *cells_labels(struct arena *a, const json_t *map)
{
    const char **keys = arena_alloc(a, (json_object_size(map) + 1) * sizeof(*keys)), *key;
    cleanup_buf struct buf b = BUF_INIT;
    size_t n = 0;
    json_t *v;

    json_object_foreach((json_t *)map, key, v)
        keys[n++] = key;
    qsort(keys, n, sizeof(*keys), by_key);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s=%s", i ? "," : "", keys[i], json_string_value(json_object_get(map, keys[i])));
    return n ? arena_strdup(a, b.data) : "<none>";
}

const char *cells_selector(struct arena *a, const json_t *selector)
{
    struct label_selector s;
    const char *text;

    if (!selector || label_selector_from_object(a, selector, &s, NULL) < 0)
        return "<none>";
    text = label_selector_format(a, &s);
    return *text ? text : "<none>";
}

void cells_containers(struct row *r, const char *spec)
{
    const json_t *list = json_object_get(json_path(r->obj, spec), "containers");

    say_each(r, list, "name", "");
    say_each(r, list, "image", "");
}

static const char *access_modes(struct arena *a, const json_t *list)
{
    static const struct { const char *mode, *word; } words[] = {
        { "ReadWriteOnce", "RWO" }, { "ReadOnlyMany", "ROX" }, { "ReadWriteMany", "RWX" }, { "ReadWriteOncePod", "RWOP" },
    };
    cleanup_buf struct buf b = BUF_INIT;
    size_t i;
    json_t *m;

    for (size_t n = 0; n < ARRAY_SIZE(words); n++)
        json_array_foreach(list, i, m)
            if (streq(json_string_value(m), words[n].mode)) {
                buf_printf(&b, "%s%s", b.len ? "," : "", words[n].word);
                break;
            }
    return b.len ? arena_strdup(a, b.data) : "";
}

/* ---- the kinds ---------------------------------------------------------------------------------------- */

static void config_map(struct row *r)
{
    say_name(r);
    say_count(r, (int64_t)(json_object_size(json_object_get(r->obj, "data"))
                           + json_object_size(json_object_get(r->obj, "binaryData"))));
    say_age(r);
}

static void secret(struct row *r)
{
    say_name(r);
    say_text(r, "type");
    say_count(r, (int64_t)json_object_size(json_object_get(r->obj, "data")));
    say_age(r);
}

static void service_account(struct row *r)
{
    say_name(r);
    say_count(r, (int64_t)json_array_size(json_object_get(r->obj, "secrets")));
    say_age(r);
}

static void namespace(struct row *r)
{
    say_name(r);
    say_text(r, "status.phase");
    say_age(r);
}

static const char *node_status(const json_t *node, struct arena *a)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t i;
    json_t *c;

    json_array_foreach(json_path(node, "status.conditions"), i, c)
        if (streq(text_at(c, "type"), "Ready"))
            buf_add_str(&b, streq(text_at(c, "status"), "True") ? "Ready" : "NotReady");
    if (!b.len)
        buf_add_str(&b, "Unknown");
    if (json_is_true(json_path(node, "spec.unschedulable")))
        buf_add_str(&b, ",SchedulingDisabled");
    return arena_strdup(a, b.data);
}

static const char *node_roles(const json_t *node, struct arena *a)
{
    static const char prefix[] = "node-role.kubernetes.io/";
    json_t *labels = json_path(node, "metadata.labels"), *v;
    const char **roles = arena_alloc(a, (json_object_size(labels) + 1) * sizeof(*roles)), *key;
    cleanup_buf struct buf b = BUF_INIT;
    size_t n = 0;

    json_object_foreach(labels, key, v)
        if (str_starts(key, prefix) && key[sizeof(prefix) - 1])
            roles[n++] = key + sizeof(prefix) - 1;
        else if (streq(key, "kubernetes.io/role") && json_string_length(v))
            roles[n++] = json_string_value(v);
    qsort(roles, n, sizeof(*roles), by_key);
    for (size_t i = 0; i < n; i++)
        if (!i || !streq(roles[i], roles[i - 1]))
            buf_printf(&b, "%s%s", b.len ? "," : "", roles[i]);
    return b.len ? arena_strdup(a, b.data) : "<none>";
}

static const char *node_address(const json_t *node, const char *type)
{
    size_t i;
    json_t *address;

    json_array_foreach(json_path(node, "status.addresses"), i, address)
        if (streq(text_at(address, "type"), type))
            return text_at(address, "address");
    return "<none>";
}

static void node(struct row *r)
{
    say_name(r);
    say(r, node_status(r->obj, r->a));
    say(r, node_roles(r->obj, r->a));
    say_age(r);
    say_text(r, "status.nodeInfo.kubeletVersion");
    say(r, node_address(r->obj, "InternalIP"));
    say(r, node_address(r->obj, "ExternalIP"));
    say_or(r, text_at(r->obj, "status.nodeInfo.osImage"), "<unknown>");
    say_or(r, text_at(r->obj, "status.nodeInfo.kernelVersion"), "<unknown>");
    say_or(r, text_at(r->obj, "status.nodeInfo.containerRuntimeVersion"), "<unknown>");
}

static void storage_class_of(struct row *r, const char *annotated)
{
    const json_t *old = json_object_get(json_path(r->obj, "metadata.annotations"), annotated);

    say(r, json_is_string(old) ? json_string_value(old) : text_at(r->obj, "spec.storageClassName"));
}

static void claim(struct row *r)
{
    const char *volume = text_at(r->obj, "spec.volumeName"), *phase = text_at(r->obj, "status.phase");

    say_name(r);
    say(r, *text_at(r->obj, "metadata.deletionTimestamp") ? "Terminating" : phase);
    say(r, volume);
    const char *size = text_at(r->obj, "status.capacity.storage");
    say(r, !*volume ? "" : *size ? size : "0");
    say(r, *volume ? access_modes(r->a, json_path(r->obj, "status.accessModes")) : "");
    storage_class_of(r, "volume.beta.kubernetes.io/storage-class");
    say_or(r, text_at(r->obj, "spec.volumeAttributesClassName"), "<unset>");
    say_age(r);
    say_or(r, text_at(r->obj, "spec.volumeMode"), "<unset>");
}

static void volume(struct row *r)
{
    const json_t *ref = json_path(r->obj, "spec.claimRef");

    say_name(r);
    say_text(r, "spec.capacity.storage");
    say(r, access_modes(r->a, json_path(r->obj, "spec.accessModes")));
    say_text(r, "spec.persistentVolumeReclaimPolicy");
    say(r, *text_at(r->obj, "metadata.deletionTimestamp") ? "Terminating" : text_at(r->obj, "status.phase"));
    say(r, ref ? arena_printf(r->a, "%s/%s", text_at(ref, "namespace"), text_at(ref, "name")) : "");
    storage_class_of(r, "volume.beta.kubernetes.io/storage-class");
    say_or(r, text_at(r->obj, "spec.volumeAttributesClassName"), "<unset>");
    say_text(r, "status.reason");
    say_age(r);
    say_or(r, text_at(r->obj, "spec.volumeMode"), "<unset>");
}

static const char *service_ports(struct arena *a, const json_t *ports)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t i;
    json_t *p;

    json_array_foreach(ports, i, p) {
        int64_t node_port = json_integer_value(json_object_get(p, "nodePort"));
        buf_printf(&b, "%s%" PRId64, i ? "," : "", (int64_t)json_integer_value(json_object_get(p, "port")));
        if (node_port)
            buf_printf(&b, ":%" PRId64, node_port);
        buf_printf(&b, "/%s", text_at(p, "protocol"));
    }
    return b.len ? arena_strdup(a, b.data) : "<none>";
}

static const char *service_external(struct row *r)
{
    const char *type = text_at(r->obj, "spec.type");
    const json_t *external = json_path(r->obj, "spec.externalIPs"), *ingress = json_path(r->obj, "status.loadBalancer.ingress");
    cleanup_buf struct buf b = BUF_INIT;
    size_t i;
    json_t *v;

    if (streq(type, "ExternalName"))
        return text_at(r->obj, "spec.externalName");
    if (streq(type, "LoadBalancer"))
        json_array_foreach(ingress, i, v)
            buf_printf(&b, "%s%s", b.len ? "," : "", *text_at(v, "ip") ? text_at(v, "ip") : text_at(v, "hostname"));
    json_array_foreach(external, i, v)
        buf_printf(&b, "%s%s", b.len ? "," : "", json_string_value(v));
    if (b.len)
        return arena_strdup(r->a, b.data);
    return streq(type, "LoadBalancer") ? "<pending>" : "<none>";
}

static void service(struct row *r)
{
    say_name(r);
    say_text(r, "spec.type");
    say_or(r, text_at(r->obj, "spec.clusterIP"), "<none>");
    say(r, service_external(r));
    say(r, service_ports(r->a, json_path(r->obj, "spec.ports")));
    say_age(r);
    say(r, cells_labels(r->a, json_path(r->obj, "spec.selector")));
}

static void endpoints(struct row *r)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t i, k, n, shown = 0, more = 0;
    json_t *subset, *port, *address;

    json_array_foreach(json_object_get(r->obj, "subsets"), i, subset) {
        json_t *ports = json_object_get(subset, "ports"), *none = json_array();
        if (!json_array_size(ports))
            json_array_append_new(none, json_object());
        json_array_foreach(json_array_size(ports) ? ports : none, n, port)
            json_array_foreach(json_object_get(subset, "addresses"), k, address) {
                int64_t number = json_integer_value(json_object_get(port, "port"));
                if (shown == 3) {
                    more++;
                    continue;
                }
                buf_printf(&b, "%s%s", shown++ ? "," : "", text_at(address, "ip"));
                if (number)
                    buf_printf(&b, ":%" PRId64, number);
            }
        json_decref(none);
    }
    if (more)
        buf_printf(&b, " + %zu more...", more);
    say_name(r);
    say_or(r, b.len ? b.data : "", "<none>");
    say_age(r);
}

static void endpoint_slice(struct row *r)
{
    cleanup_buf struct buf ports = BUF_INIT, addresses = BUF_INIT;
    size_t i, k, shown = 0, more = 0;
    json_t *p, *a;

    json_array_foreach(json_object_get(r->obj, "ports"), i, p) {
        json_t *number = json_object_get(p, "port");
        if (json_is_integer(number))
            buf_printf(&ports, "%s%" PRId64, ports.len ? "," : "", (int64_t)json_integer_value(number));
        else
            buf_printf(&ports, "%s*", ports.len ? "," : "");
    }
    json_array_foreach(json_object_get(r->obj, "endpoints"), i, p)
        json_array_foreach(json_object_get(p, "addresses"), k, a) {
            if (shown == 3)
                more++;
            else
                buf_printf(&addresses, "%s%s", shown++ ? "," : "", json_string_value(a));
        }
    if (more)
        buf_printf(&addresses, " + %zu more...", more);
    say_name(r);
    say_text(r, "addressType");
    say_or(r, ports.len ? ports.data : "", "<unset>");
    say_or(r, addresses.len ? addresses.data : "", "<unset>");
    say_age(r);
}

static void replicas(struct row *r)
{
    say_name(r);
    say_number(r, "spec.replicas");
    say_number(r, "status.replicas");
    say_number(r, "status.readyReplicas");
    say_age(r);
    cells_containers(r, "spec.template.spec");
    say(r, cells_selector(r->a, json_path(r->obj, "spec.selector")));
}

static void deployment(struct row *r)
{
    int64_t ready = json_integer_value(json_path(r->obj, "status.readyReplicas"));
    int64_t desired = json_integer_value(json_path(r->obj, "spec.replicas"));

    say_name(r);
    say(r, arena_printf(r->a, "%" PRId64 "/%" PRId64, ready, desired));
    say_number(r, "status.updatedReplicas");
    say_number(r, "status.availableReplicas");
    say_age(r);
    cells_containers(r, "spec.template.spec");
    say(r, cells_selector(r->a, json_path(r->obj, "spec.selector")));
}

static void stateful_set(struct row *r)
{
    int64_t ready = json_integer_value(json_path(r->obj, "status.readyReplicas"));
    int64_t desired = json_integer_value(json_path(r->obj, "spec.replicas"));

    say_name(r);
    say(r, arena_printf(r->a, "%" PRId64 "/%" PRId64, ready, desired));
    say_age(r);
    cells_containers(r, "spec.template.spec");
}

static void daemon_set(struct row *r)
{
    static const char *const counts[] = { "status.desiredNumberScheduled", "status.currentNumberScheduled",
                                          "status.numberReady", "status.updatedNumberScheduled",
                                          "status.numberAvailable" };

    say_name(r);
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        say_number(r, counts[i]);
    say(r, cells_labels(r->a, json_path(r->obj, "spec.template.spec.nodeSelector")));
    say_age(r);
    cells_containers(r, "spec.template.spec");
    say(r, cells_selector(r->a, json_path(r->obj, "spec.selector")));
}

static void controller_revision(struct row *r)
{
    const char *controller = "<none>";
    size_t i;
    json_t *o;

    json_array_foreach(json_path(r->obj, "metadata.ownerReferences"), i, o)
        if (json_is_true(json_object_get(o, "controller"))) {
            const char *version = text_at(o, "apiVersion"), *slash = strchr(version, '/'), *kind = text_at(o, "kind");
            char *lower = arena_strdup(r->a, kind);
            for (char *p = lower; *p; p++)
                if (*p >= 'A' && *p <= 'Z')
                    *p = (char)(*p + 32);
            controller = slash ? arena_printf(r->a, "%s.%.*s/%s", lower, (int)(slash - version), version, text_at(o, "name"))
                               : arena_printf(r->a, "%s/%s", lower, text_at(o, "name"));
        }
    say_name(r);
    say(r, controller);
    say_number(r, "revision");
    say_age(r);
}

static bool has_condition(const json_t *obj, const char *type)
{
    size_t i;
    json_t *c;

    json_array_foreach(json_path(obj, "status.conditions"), i, c)
        if (streq(text_at(c, "type"), type) && streq(text_at(c, "status"), "True"))
            return true;
    return false;
}

static const char *job_status(const json_t *job)
{
    if (has_condition(job, "Complete"))
        return "Complete";
    if (has_condition(job, "Failed"))
        return "Failed";
    if (*text_at(job, "metadata.deletionTimestamp"))
        return "Terminating";
    if (has_condition(job, "Suspended"))
        return "Suspended";
    if (has_condition(job, "FailureTarget"))
        return "FailureTarget";
    if (has_condition(job, "SuccessCriteriaMet"))
        return "SuccessCriteriaMet";
    return "Running";
}

static void job(struct row *r)
{
    const json_t *completions = json_path(r->obj, "spec.completions");
    int64_t done = json_integer_value(json_path(r->obj, "status.succeeded"));
    int64_t parallel = json_integer_value(json_path(r->obj, "spec.parallelism"));
    const char *start = text_at(r->obj, "status.startTime"), *end = text_at(r->obj, "status.completionTime");
    struct instant from, to;

    say_name(r);
    say(r, job_status(r->obj));
    if (json_is_integer(completions))
        say(r, arena_printf(r->a, "%" PRId64 "/%" PRId64, done, (int64_t)json_integer_value(completions)));
    else
        say(r, parallel > 1 ? arena_printf(r->a, "%" PRId64 "/1 of %" PRId64, done, parallel)
                            : arena_printf(r->a, "%" PRId64 "/1", done));
    if (!time_parse(start, &from))
        say(r, "");
    else
        say(r, human_duration(r->a, instant_sub(time_parse(end, &to) ? to : r->now, from)));
    say_age(r);
    cells_containers(r, "spec.template.spec");
    say(r, cells_selector(r->a, json_path(r->obj, "spec.selector")));
}

static void cron_job(struct row *r)
{
    const char *last = text_at(r->obj, "status.lastScheduleTime");

    say_name(r);
    say_text(r, "spec.schedule");
    say_or(r, text_at(r->obj, "spec.timeZone"), "<none>");
    say(r, json_is_true(json_path(r->obj, "spec.suspend")) ? "True" : "False");
    say_count(r, (int64_t)json_array_size(json_path(r->obj, "status.active")));
    say(r, *last ? human_since(r->a, last, r->now) : "<none>");
    say_age(r);
    cells_containers(r, "spec.jobTemplate.spec.template.spec");
    say(r, cells_selector(r->a, json_path(r->obj, "spec.jobTemplate.spec.selector")));
}

static void pod_template(struct row *r)
{
    say_name(r);
    cells_containers(r, "template.spec");
    say(r, cells_labels(r->a, json_path(r->obj, "template.metadata.labels")));
}

static const char *int_or_string(struct arena *a, const json_t *v, const char *otherwise)
{
    if (json_is_integer(v))
        return arena_printf(a, "%" PRId64, (int64_t)json_integer_value(v));
    return json_is_string(v) ? json_string_value(v) : otherwise;
}

static void disruption_budget(struct row *r)
{
    say_name(r);
    say(r, int_or_string(r->a, json_path(r->obj, "spec.minAvailable"), "N/A"));
    say(r, int_or_string(r->a, json_path(r->obj, "spec.maxUnavailable"), "N/A"));
    say_number(r, "status.disruptionsAllowed");
    say_age(r);
}

static void lease(struct row *r)
{
    say_name(r);
    say_text(r, "spec.holderIdentity");
    say_age(r);
}

/* The subjects of a kind, "a, b"; service accounts as namespace/name. */
static const char *subjects(struct row *r, const char *kind)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t i;
    json_t *s;

    json_array_foreach(json_object_get(r->obj, "subjects"), i, s) {
        if (!streq(text_at(s, "kind"), kind))
            continue;
        buf_add_str(&b, b.len ? ", " : "");
        if (streq(kind, "ServiceAccount"))
            buf_printf(&b, "%s/", text_at(s, "namespace"));
        buf_add_str(&b, text_at(s, "name"));
    }
    return b.len ? arena_strdup(r->a, b.data) : "";
}

static void role_binding(struct row *r)
{
    say_name(r);
    say(r, arena_printf(r->a, "%s/%s", text_at(r->obj, "roleRef.kind"), text_at(r->obj, "roleRef.name")));
    say_age(r);
    say(r, subjects(r, "User"));
    say(r, subjects(r, "Group"));
    say(r, subjects(r, "ServiceAccount"));
}

static void webhooks(struct row *r)
{
    say_name(r);
    say_count(r, (int64_t)json_array_size(json_object_get(r->obj, "webhooks")));
    say_age(r);
}

static void policy_binding(struct row *r)
{
    const json_t *ref = json_path(r->obj, "spec.paramRef");
    const char *ns = text_at(ref, "namespace"), *name = text_at(ref, "name");

    say_name(r);
    say_text(r, "spec.policyName");
    say(r, !ref ? "<unset>" : *ns ? arena_printf(r->a, "%s/%s", ns, name) : *name ? arena_printf(r->a, "*/%s", name)
                                                                                  : "<unset>");
    say_age(r);
}

static void storage_class(struct row *r)
{
    const char *policy = text_at(r->obj, "reclaimPolicy"), *mode = text_at(r->obj, "volumeBindingMode");
    const json_t *annotations = json_path(r->obj, "metadata.annotations");
    const json_t *first = json_object_get(annotations, "storageclass.kubernetes.io/is-default-class");

    say(r, json_is_string(first) && streq(json_string_value(first), "true")
               ? arena_printf(r->a, "%s (default)", obj_name(r->obj)) : obj_name(r->obj));
    say_text(r, "provisioner");
    say_or(r, policy, "Delete");
    say_or(r, mode, "Immediate");
    json_array_append_new(r->cells, json_boolean(json_is_true(json_object_get(r->obj, "allowVolumeExpansion"))));
    say_age(r);
}

static void runtime_class(struct row *r)
{
    say_name(r);
    say_text(r, "handler");
    say_age(r);
}

static void api_service(struct row *r)
{
    const json_t *service_ref = json_path(r->obj, "spec.service");
    const char *available = "Unknown", *reason = "";
    size_t i;
    json_t *c;

    json_array_foreach(json_path(r->obj, "status.conditions"), i, c)
        if (streq(text_at(c, "type"), "Available")) {
            available = text_at(c, "status");
            reason = text_at(c, "reason");
        }
    say_name(r);
    say(r, service_ref ? arena_printf(r->a, "%s/%s", text_at(service_ref, "namespace"), text_at(service_ref, "name"))
                       : "Local");
    say(r, streq(available, "True") || !*reason ? available : arena_printf(r->a, "%s (%s)", available, reason));
    say_age(r);
}

static void signing_request(struct row *r)
{
    const json_t *seconds = json_path(r->obj, "spec.expirationSeconds");
    cleanup_buf struct buf b = BUF_INIT;
    bool denied = has_condition(r->obj, "Denied"), approved = has_condition(r->obj, "Approved");

    buf_add_str(&b, denied ? "Denied" : approved ? "Approved" : "Pending");
    if (has_condition(r->obj, "Failed"))
        buf_add_str(&b, ",Failed");
    if (*text_at(r->obj, "status.certificate"))
        buf_add_str(&b, ",Issued");
    say_name(r);
    say_age(r);
    say_or(r, text_at(r->obj, "spec.signerName"), "<none>");
    say_text(r, "spec.username");
    say(r, json_is_integer(seconds) ? human_duration(r->a, DURATION_S(json_integer_value(seconds))) : "<none>");
    say(r, b.data);
}

static void flow_schema(struct row *r)
{
    const char *missing = "?";
    size_t i;
    json_t *c;

    json_array_foreach(json_path(r->obj, "status.conditions"), i, c)
        if (streq(text_at(c, "type"), "Dangling"))
            missing = text_at(c, "status");
    say_name(r);
    say_text(r, "spec.priorityLevelConfiguration.name");
    say_number(r, "spec.matchingPrecedence");
    say_or(r, text_at(r->obj, "spec.distinguisherMethod.type"), "<none>");
    say_age(r);
    say(r, missing);
}

static void say_number_or_none(struct row *r, const char *path)
{
    const json_t *v = json_path(r->obj, path);

    if (json_is_integer(v))
        say_count(r, json_integer_value(v));
    else
        say(r, "<none>");
}

static void priority_level(struct row *r)
{
    say_name(r);
    say_text(r, "spec.type");
    say_number_or_none(r, "spec.limited.nominalConcurrencyShares");
    say_number_or_none(r, "spec.limited.limitResponse.queuing.queues");
    say_number_or_none(r, "spec.limited.limitResponse.queuing.handSize");
    say_number_or_none(r, "spec.limited.limitResponse.queuing.queueLengthLimit");
    say_age(r);
}

enum { HOSTS_SHOWN = 3 };

static void ingress(struct row *r)
{
    cleanup_buf struct buf hosts = BUF_INIT, addresses = BUF_INIT;
    size_t i, shown = 0, more = 0;
    json_t *v;

    json_array_foreach(json_path(r->obj, "spec.rules"), i, v) {
        if (shown == HOSTS_SHOWN)
            more = json_array_size(json_path(r->obj, "spec.rules")) - HOSTS_SHOWN;
        else if (*text_at(v, "host"))
            buf_printf(&hosts, "%s%s", shown++ ? "," : "", text_at(v, "host"));
    }
    if (more)
        buf_printf(&hosts, " + %zu more...", more);
    json_array_foreach(json_path(r->obj, "status.loadBalancer.ingress"), i, v)
        buf_printf(&addresses, "%s%s", addresses.len ? "," : "", *text_at(v, "ip") ? text_at(v, "ip") : text_at(v, "hostname"));
    say_name(r);
    say_or(r, text_at(r->obj, "spec.ingressClassName"), "<none>");
    say_or(r, hosts.len ? hosts.data : "", "*");
    say(r, addresses.len ? addresses.data : "");
    say(r, json_array_size(json_path(r->obj, "spec.tls")) ? "80, 443" : "80");
    say_age(r);
}

static void csi_driver(struct row *r)
{
    static const char *const flags[] = { "spec.attachRequired", "spec.podInfoOnMount", "spec.storageCapacity" };

    say_name(r);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        json_array_append_new(r->cells, json_boolean(i == 0 ? !json_is_false(json_path(r->obj, flags[i]))
                                                            : json_is_true(json_path(r->obj, flags[i]))));
    say_each(r, json_path(r->obj, "spec.tokenRequests"), "audience", "<unset>");
    json_array_append_new(r->cells, json_boolean(json_is_true(json_path(r->obj, "spec.requiresRepublish"))));
    say_each(r, json_path(r->obj, "spec.volumeLifecycleModes"), NULL, "<none>");
    say_age(r);
}

static void csi_node(struct row *r)
{
    say_name(r);
    say_count(r, (int64_t)json_array_size(json_path(r->obj, "spec.drivers")));
    say_age(r);
}

static void volume_attachment(struct row *r)
{
    say_name(r);
    say_text(r, "spec.attacher");
    say_text(r, "spec.source.persistentVolumeName");
    say_text(r, "spec.nodeName");
    json_array_append_new(r->cells, json_boolean(json_is_true(json_path(r->obj, "status.attached"))));
    say_age(r);
}

static const char *first_of(const char *a, const char *b)
{
    return *a ? a : b;
}

/* "3m (x5 over 10m)" of a series, "3m" of a single event. */
static void event(struct row *r)
{
    const json_t *obj = r->obj, *about = json_object_get(obj, "involvedObject");
    int64_t count = json_integer_value(json_object_get(obj, "count"));
    const char *first, *last, *kind, *source;

    if (!about)
        about = json_object_get(obj, "regarding");
    if (!count)
        count = json_integer_value(json_object_get(obj, "deprecatedCount"));
    first = first_of(text_at(obj, "firstTimestamp"), text_at(obj, "deprecatedFirstTimestamp"));
    last = first_of(text_at(obj, "lastTimestamp"), text_at(obj, "deprecatedLastTimestamp"));
    first = human_since(r->a, first_of(first, text_at(obj, "eventTime")), r->now);
    last = *last ? human_since(r->a, last, r->now) : first;
    if (json_object_get(obj, "series")) {
        last = human_since(r->a, text_at(obj, "series.lastObservedTime"), r->now);
        count = json_integer_value(json_path(obj, "series.count"));
    } else if (!count) {
        count = 1;
    }
    kind = arena_strdup(r->a, text_at(about, "kind"));
    for (char *p = (char *)kind; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 32);
    source = first_of(text_at(obj, "source.component"), text_at(obj, "deprecatedSource.component"));
    source = first_of(source, first_of(text_at(obj, "reportingComponent"), text_at(obj, "reportingController")));
    const char *host = first_of(first_of(text_at(obj, "source.host"), text_at(obj, "deprecatedSource.host")),
                                text_at(obj, "reportingInstance"));
    say(r, last);
    say_text(r, "type");
    say_text(r, "reason");
    say(r, *text_at(about, "name") ? arena_printf(r->a, "%s/%s", kind, text_at(about, "name")) : kind);
    say(r, text_at(about, "fieldPath"));
    say(r, *host ? arena_printf(r->a, "%s, %s", source, host) : source);
    cleanup_free char *message = xstrdup(first_of(text_at(obj, "message"), text_at(obj, "note")));
    size_t len = strlen(message);
    while (len && isspace((unsigned char)message[len - 1]))
        message[--len] = '\0';
    say(r, message + strspn(message, " \t\n\v\f\r"));
    say(r, first);
    say_count(r, count);
    say_name(r);
}

static const struct cells_row {
    const char *group, *plural;
    void (*fill)(struct row *r);
} cells_rows[] = {
    { "", "configmaps", config_map },
    { "", "endpoints", endpoints },
    { "", "events", event },
    { "", "namespaces", namespace },
    { "", "nodes", node },
    { "", "persistentvolumeclaims", claim },
    { "", "persistentvolumes", volume },
    { "", "podtemplates", pod_template },
    { "", "secrets", secret },
    { "", "serviceaccounts", service_account },
    { "", "services", service },
    { "admissionregistration.k8s.io", "mutatingwebhookconfigurations", webhooks },
    { "admissionregistration.k8s.io", "validatingadmissionpolicybindings", policy_binding },
    { "admissionregistration.k8s.io", "validatingwebhookconfigurations", webhooks },
    { "apiregistration.k8s.io", "apiservices", api_service },
    { "apps", "controllerrevisions", controller_revision },
    { "apps", "daemonsets", daemon_set },
    { "apps", "deployments", deployment },
    { "apps", "replicasets", replicas },
    { "apps", "statefulsets", stateful_set },
    { "batch", "cronjobs", cron_job },
    { "batch", "jobs", job },
    { "certificates.k8s.io", "certificatesigningrequests", signing_request },
    { "coordination.k8s.io", "leases", lease },
    { "discovery.k8s.io", "endpointslices", endpoint_slice },
    { "events.k8s.io", "events", event },
    { "flowcontrol.apiserver.k8s.io", "flowschemas", flow_schema },
    { "flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", priority_level },
    { "networking.k8s.io", "ingresses", ingress },
    { "node.k8s.io", "runtimeclasses", runtime_class },
    { "policy", "poddisruptionbudgets", disruption_budget },
    { "rbac.authorization.k8s.io", "clusterrolebindings", role_binding },
    { "rbac.authorization.k8s.io", "rolebindings", role_binding },
    { "storage.k8s.io", "csidrivers", csi_driver },
    { "storage.k8s.io", "csinodes", csi_node },
    { "storage.k8s.io", "storageclasses", storage_class },
    { "storage.k8s.io", "volumeattachments", volume_attachment },
    { "", "replicationcontrollers", cells_replication_controller },
    { "", "resourcequotas", cells_quota },
    { "admissionregistration.k8s.io", "validatingadmissionpolicies", cells_admission_policy },
    { "autoscaling", "horizontalpodautoscalers", cells_autoscaler },
    { "networking.k8s.io", "ingressclasses", cells_ingress_class },
    { "networking.k8s.io", "ipaddresses", cells_ip_address },
    { "networking.k8s.io", "networkpolicies", cells_network_policy },
    { "networking.k8s.io", "servicecidrs", cells_service_cidr },
    { "resource.k8s.io", "deviceclasses", cells_name_age },
    { "resource.k8s.io", "resourceclaims", cells_resource_claim },
    { "resource.k8s.io", "resourceclaimtemplates", cells_name_age },
    { "resource.k8s.io", "resourceslices", cells_resource_slice },
    { "scheduling.k8s.io", "priorityclasses", cells_priority_class },
    { "storage.k8s.io", "volumeattributesclasses", cells_attributes_class },
};

const struct column_set *column_set_of(const struct kind *k)
{
    for (size_t i = 0; !kind_custom(k) && i < n_column_sets; i++)
        if (streq(column_sets[i].group, k->res.group) && streq(column_sets[i].plural, k->res.plural))
            return &column_sets[i];
    return NULL;
}

json_t *cells_of(const struct kind *k, const json_t *obj, struct instant now, struct arena *a)
{
    struct row r = { .cells = json_array(), .obj = obj, .now = now, .a = a };

    if (!*k->res.group && streq(k->res.plural, "pods")) {
        json_decref(r.cells);
        return pod_cells(obj, now, a);
    }
    for (size_t i = 0; i < ARRAY_SIZE(cells_rows); i++)
        if (streq(cells_rows[i].group, k->res.group) && streq(cells_rows[i].plural, k->res.plural)) {
            cells_rows[i].fill(&r);
            return r.cells;
        }
    json_decref(r.cells);
    return NULL;
}
