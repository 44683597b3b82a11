#include <limits.h>
#include <stdio.h>

#include "kube/base64.h"
#include "kube/decode.h"
#include "kube/image_name.h"
#include "kube/json_priv.h"
#include "kube/object.h"
#include "kube/quantity.h"
#include "kube/types_priv.h"

/* A hook gets a shallow copy of the object, its own to edit; below that it copies what it changes. */
struct filler {
    struct arena *arena;
};
typedef void hook_fn(struct filler *d, json_t *o);

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static void fill(json_t *o, const char *key, json_t *value)
{
    const json_t *v = json_object_get(o, key);

    if (v && !json_is_null(v))
        json_decref(value);
    else
        json_object_set_new(o, key, value);
}

static void fill_text(json_t *o, const char *key, const char *value)
{
    if (!*text_of(o, key))
        json_object_set_new(o, key, json_string(value));
}

/* ---- pods -------------------------------------------------------------------------------------- */

/* Always for the tag "latest", said or meant; a digest alone means none, and what is no name has none. */
static const char *pull_policy(const char *image)
{
    size_t len;
    const char *tag = image_name_tag(image, &len);

    return len == 6 && strncmp(tag, "latest", 6) == 0 ? "Always" : "IfNotPresent";
}

static void hook_container(struct filler *d, json_t *o)
{
    fill_text(o, "imagePullPolicy", pull_policy(text_of(o, "image")));
}

static void hook_volume(struct filler *d, json_t *o)
{
    if (json_object_size(o) == (json_object_get(o, "name") ? 1u : 0u))
        json_object_set_new(o, "emptyDir", json_object());
}

/* The name of the service account stands in two places, always the same (G-041). */
static void hook_pod_spec(struct filler *d, json_t *o)
{
    const char *name = text_of(o, "serviceAccountName");

    if (!*name)
        name = text_of(o, "serviceAccount");
    if (!*name)
        return;
    json_t *v = json_string(name);
    json_object_set(o, "serviceAccountName", v);
    json_object_set_new(o, "serviceAccount", v);
}

/* Requests follow from limits, resource by resource, and of a host's network its ports (G-040). */
static void container_of_pod(json_t *c, bool host_network)
{
    json_t *limits = json_object_get(json_object_get(c, "resources"), "limits"), *v;
    const char *key;
    size_t i;

    if (json_object_size(limits)) {
        json_t *requests = json_own_object(json_own_object(c, "resources"), "requests");
        json_object_foreach (limits, key, v)
            if (!json_object_get(requests, key))
                json_object_set(requests, key, v);
    }
    if (!host_network || !json_object_size(c) || !json_array_size(json_object_get(c, "ports")))
        return;
    json_t *ports = json_own_array(c, "ports");
    for (i = 0; i < json_array_size(ports); i++) {
        json_t *port = json_own_element(ports, i);
        if (!json_integer_value(json_object_get(port, "hostPort")) && json_object_get(port, "containerPort"))
            json_object_set(port, "hostPort", json_object_get(port, "containerPort"));
    }
}

static void hook_pod(struct filler *d, json_t *o)
{
    static const char *const lists[] = { "initContainers", "containers" };
    json_t *spec = json_own_object(o, "spec");
    bool host = json_is_true(json_object_get(spec, "hostNetwork"));

    fill(spec, "enableServiceLinks", json_true());
    if (json_integer_value(json_object_get(spec, "terminationGracePeriodSeconds")) < 0)
        json_object_set_new(spec, "terminationGracePeriodSeconds", json_integer(1));
    for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
        if (!json_array_size(json_object_get(spec, lists[k])))
            continue;
        json_t *list = json_own_array(spec, lists[k]);
        for (size_t i = 0; i < json_array_size(list); i++)
            container_of_pod(json_own_element(list, i), host);
    }
}

/* Nothing finer than a thousandth. */
static void hook_resource_list(struct filler *d, json_t *o)
{
    const char *key;
    json_t *v;
    void *next;

    json_object_foreach_safe (o, next, key, v) {
        struct quantity q, rounded;
        if (!json_is_string(v) || quantity_parse(d->arena, json_string_value(v), &q, NULL) < 0)
            continue;
        rounded = quantity_round_up(d->arena, &q, -3);
        if (quantity_compare(&q, &rounded) != 0)
            json_object_set_new(o, key, json_string(quantity_text(d->arena, &rounded)));
    }
}

/* ---- the rest of core ---------------------------------------------------------------------------- */

/* stringData is a way to write data (G-050). */
static void hook_secret(struct filler *d, json_t *o)
{
    json_t *plain = json_object_get(o, "stringData"), *v;
    void *it;

    if (json_object_size(plain)) {
        json_t *data = json_own_object(o, "data");
        for (it = json_object_iter(plain); it; it = json_object_iter_next(plain, it)) {
            cleanup_buf struct buf b = BUF_INIT;
            v = json_object_iter_value(it);
            base64_encode(&b, json_string_value(v), json_string_length(v));
            json_object_setn_new(data, json_object_iter_key(it), json_object_iter_key_len(it),
                                 json_stringn_nocheck(b.data ? b.data : "", b.len));
        }
    }
    json_object_del(o, "stringData");
}

static void hook_namespace(struct filler *d, json_t *o)
{
    json_t *meta = json_object_get(o, "metadata");
    const char *name = text_of(meta, "name");

    if (!*name || streq(text_of(json_object_get(meta, "labels"), "kubernetes.io/metadata.name"), name))
        return;
    json_object_set_new(json_own_object(json_own_object(o, "metadata"), "labels"), "kubernetes.io/metadata.name",
                        json_string(name));
}

static void hook_node_status(struct filler *d, json_t *o)
{
    json_t *capacity = json_object_get(o, "capacity");

    if (json_object_size(capacity) && !json_object_size(json_object_get(o, "allocatable")))
        json_object_set(o, "allocatable", capacity);
}

static void hook_load_balancer_ingress(struct filler *d, json_t *o)
{
    if (*text_of(o, "ip"))
        fill(o, "ipMode", json_string("VIP"));
}

static void service_ports(json_t *spec)
{
    if (!json_array_size(json_object_get(spec, "ports")))
        return;
    json_t *ports = json_own_array(spec, "ports");
    for (size_t i = 0; i < json_array_size(ports); i++) {
        json_t *port = json_own_element(ports, i), *target = json_object_get(port, "targetPort");
        bool set = json_is_string(target) ? json_string_length(target) > 0 : json_integer_value(target) != 0;
        fill_text(port, "protocol", "TCP");
        if (!set && json_object_get(port, "port"))
            json_object_set(port, "targetPort", json_object_get(port, "port"));
    }
}

static void hook_service(struct filler *d, json_t *o)
{
    json_t *spec = json_own_object(o, "spec");
    const char *type;
    bool balanced;

    fill_text(spec, "sessionAffinity", "None");
    fill_text(spec, "type", "ClusterIP");
    type = text_of(spec, "type");
    balanced = streq(type, "LoadBalancer");
    if (streq(text_of(spec, "sessionAffinity"), "None"))
        json_object_del(spec, "sessionAffinityConfig");
    else if (streq(text_of(spec, "sessionAffinity"), "ClientIP"))
        fill(json_own_object(json_own_object(spec, "sessionAffinityConfig"), "clientIP"), "timeoutSeconds",
             json_integer(10800));
    service_ports(spec);
    if (balanced || streq(type, "NodePort")
        || (streq(type, "ClusterIP") && json_array_size(json_object_get(spec, "externalIPs"))))
        fill_text(spec, "externalTrafficPolicy", "Cluster");
    if (balanced || streq(type, "NodePort") || streq(type, "ClusterIP"))
        fill(spec, "internalTrafficPolicy", json_string("Cluster"));
    if (balanced)
        fill(spec, "allocateLoadBalancerNodePorts", json_true());
}

/* Members of `from` that `to` (a member of `o`) lacks. */
static void fill_from(json_t *o, const char *to, const json_t *from)
{
    const char *key;
    json_t *v;

    if (!json_object_size(from))
        return;
    json_t *target = json_own_object(o, to);
    json_object_foreach ((json_t *)from, key, v)
        if (!json_object_get(target, key))
            json_object_set(target, key, v);
}

static void hook_limit_range_item(struct filler *d, json_t *o)
{
    if (!streq(text_of(o, "type"), "Container"))
        return;
    fill_from(o, "default", json_object_get(o, "max"));
    fill_from(o, "defaultRequest", json_object_get(o, "default"));
    fill_from(o, "defaultRequest", json_object_get(o, "min"));
}

static void hook_replication_controller(struct filler *d, json_t *o)
{
    json_t *labels = json_path(o, "spec.template.metadata.labels");

    if (!json_object_size(labels))
        return;
    if (!json_object_size(json_path(o, "spec.selector")))
        json_object_set(json_own_object(o, "spec"), "selector", labels);
    if (!json_object_size(json_path(o, "metadata.labels")))
        json_object_set(json_own_object(o, "metadata"), "labels", labels);
}

/* ---- other groups ---------------------------------------------------------------------------------- */

/* How fast it rolls; what is said of another type is kept as numbers that are nothing. Steals the values. */
static void rolling(json_t *o, const char *first, json_t *first_value, const char *second, json_t *second_value)
{
    bool rolls = streq(text_of(o, "type"), "RollingUpdate");

    if (rolls)
        fill(o, "rollingUpdate", json_object());
    if (json_is_object(json_object_get(o, "rollingUpdate"))) {
        json_t *in = json_own_object(o, "rollingUpdate");
        fill(in, first, rolls ? json_incref(first_value) : json_integer(0));
        if (second)
            fill(in, second, rolls ? json_incref(second_value) : json_integer(0));
    }
    json_decref(first_value);
    json_decref(second_value);
}

static void hook_rolling_deployment(struct filler *d, json_t *o)
{
    rolling(o, "maxUnavailable", json_string("25%"), "maxSurge", json_string("25%"));
}

/* Who names the type and not how it rolls is left without. */
static void hook_rolling_stateful_set(struct filler *d, json_t *o)
{
    if (!*text_of(o, "type")) {
        json_object_set_new(o, "type", json_string("RollingUpdate"));
        fill(o, "rollingUpdate", json_object());
    }
    if (json_is_object(json_object_get(o, "rollingUpdate")))
        fill(json_own_object(o, "rollingUpdate"), "partition", json_integer(0));
}

static void hook_rolling_daemon_set(struct filler *d, json_t *o)
{
    rolling(o, "maxUnavailable", json_integer(1), "maxSurge", json_integer(0));
}

/* Claims inside are objects of their own kind. */
static void hook_stateful_set(struct filler *d, json_t *o)
{
    if (!json_array_size(json_object_get(o, "volumeClaimTemplates")))
        return;
    json_t *claims = json_own_array(o, "volumeClaimTemplates");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        json_t *claim = json_own_element(claims, i);
        fill_text(claim, "apiVersion", "v1");
        fill_text(claim, "kind", "PersistentVolumeClaim");
    }
}

static void hook_job(struct filler *d, json_t *o)
{
    json_t *labels = json_path(o, "spec.template.metadata.labels"), *spec = json_own_object(o, "spec");
    bool indexed = json_object_get(spec, "backoffLimitPerIndex"), policy = json_object_get(spec, "podFailurePolicy");

    if (!json_object_get(spec, "completions") && !json_object_get(spec, "parallelism"))
        fill(spec, "completions", json_integer(1));
    fill(spec, "parallelism", json_integer(1));
    fill(spec, "backoffLimit", json_integer(indexed ? INT32_MAX : 6));
    fill(spec, "completionMode", json_string("NonIndexed"));
    fill(spec, "suspend", json_false());
    fill(spec, "podReplacementPolicy", json_string(policy ? "Failed" : "TerminatingOrFailed"));
    if (json_object_size(labels) && !json_object_size(json_path(o, "metadata.labels")))
        json_object_set(json_own_object(o, "metadata"), "labels", labels);
}

static void scaling_rules(json_t *behavior, const char *key, const char *defaults)
{
    json_auto_t *d = json_parse_str(defaults);
    json_t *rules, *v;
    const char *name;

    if (!json_object_get(behavior, key))
        json_object_set_new(behavior, key, json_object());
    rules = json_own_object(behavior, key);
    json_object_foreach (d, name, v)
        if (!json_object_get(rules, name))
            json_object_set(rules, name, v);
}

static void hook_autoscaler(struct filler *d, json_t *o)
{
    if (!json_array_size(json_object_get(o, "metrics")))
        json_object_set_new(o, "metrics", json_parse_str(
            "[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\","
            "\"averageUtilization\":80}}}]"));
    if (!json_object_get(o, "behavior"))
        return;
    json_t *behavior = json_own_object(o, "behavior");
    scaling_rules(behavior, "scaleUp",
                  "{\"stabilizationWindowSeconds\":0,\"selectPolicy\":\"Max\",\"policies\":["
                  "{\"type\":\"Pods\",\"value\":4,\"periodSeconds\":15},"
                  "{\"type\":\"Percent\",\"value\":100,\"periodSeconds\":15}]}");
    scaling_rules(behavior, "scaleDown",
                  "{\"selectPolicy\":\"Max\",\"policies\":[{\"type\":\"Percent\",\"value\":100,\"periodSeconds\":15}]}");
}

static void hook_network_policy(struct filler *d, json_t *o)
{
    if (json_array_size(json_object_get(o, "policyTypes")))
        return;
    json_t *types = json_pack("[s]", "Ingress");
    if (json_array_size(json_object_get(o, "egress")))
        json_array_append_new(types, json_string("Egress"));
    json_object_set_new(o, "policyTypes", types);
}

static void hook_rbac_subject(struct filler *d, json_t *o)
{
    const char *kind = text_of(o, "kind");

    if (streq(kind, "User") || streq(kind, "Group"))
        fill_text(o, "apiGroup", "rbac.authorization.k8s.io");
}

static void hook_custom_resource_definition(struct filler *d, json_t *o)
{
    json_t *names = json_own_object(o, "names");
    const char *kind = text_of(names, "kind");

    if (!*text_of(names, "singular") && *kind) {
        char *lower = arena_strdup(d->arena, kind);
        for (char *p = lower; *p; p++)
            *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
        json_object_set_new(names, "singular", json_string(lower));
    }
    if (*kind)
        fill_text(names, "listKind", arena_printf(d->arena, "%sList", kind));
    if (!json_object_get(o, "conversion"))
        json_object_set_new(o, "conversion", json_pack("{s:s}", "strategy", "None"));
}

static hook_fn *const hooks[HOOK_LIMIT_] = {
#define X(name, function) [HOOK_##name] = hook_##function,
    TYPE_HOOKS(X)
#undef X
};

/* ---- the walk ---------------------------------------------------------------------------------------- */

static json_t *default_value(struct filler *d, const struct schema *s, const json_t *in);

static bool says_nothing(const struct schema_field *f, const json_t *v)
{
    if (!v || json_is_null(v))
        return true;
    if (f->pointer)
        return false;
    return json_is_string(v) ? json_string_length(v) == 0
         : json_is_integer(v) ? json_integer_value(v) == 0 && f->schema->type == SCHEMA_INTEGER
         : json_is_array(v) && json_array_size(v) == 0;
}

/* Members in Go's order. */
static json_t *in_order(const struct schema *s, json_t *o)
{
    json_t *out = json_object();

    for (size_t i = 0; i < s->n_fields; i++) {
        json_t *v = json_object_get(o, s->fields[i].name);
        if (v)
            json_object_add_new(out, s->fields[i].name, strlen(s->fields[i].name), json_incref(v));
    }
    json_decref(o);
    return out;
}

/* What a hook put in may lack the members that are always there. What was kept as it was sent stays. */
static json_t *completed(struct filler *d, const struct schema *s, json_t *o)
{
    struct decode_notes notes = DECODE_NOTES_IN(d->arena, NULL);
    json_t *out = NULL;

    notes.as_sent = true;
    if (decode(s, o, &notes, &out, NULL) < 0)
        return o;
    json_decref(o);
    return out;
}

static json_t *default_struct(struct filler *d, const struct schema *s, const json_t *in)
{
    json_t *o = json_copy((json_t *)in);
    bool changed = false;

    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        if (f->fill_json && says_nothing(f, json_object_get(o, f->name))) {
            json_object_set_new(o, f->name, json_parse_str(f->fill_json));
            changed = true;
        }
    }
    if (s->hook) {
        hooks[s->hook](d, o);
        o = completed(d, s, o);
        if (o->refcount > 1 || s->additional) {
            json_t *own = json_copy(o);
            json_decref(o);
            o = own;
        }
        changed = true;
    }
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        json_t *v = f->schema->fills ? json_object_get(o, f->name) : NULL;
        if (!v)
            continue;
        json_t *next = default_value(d, f->schema, v);
        changed |= next != v;
        json_object_set_new(o, f->name, next);
    }
    if (!changed) {
        json_decref(o);
        return json_incref((json_t *)in);
    }
    return s->n_fields ? in_order(s, o) : o;
}

static json_t *default_list(struct filler *d, const struct schema *items, const json_t *in)
{
    json_t *out = json_copy((json_t *)in);

    for (size_t i = 0; i < json_array_size(out); i++)
        json_array_set_new(out, i, default_value(d, items, json_array_get(out, i)));
    return out;
}

static json_t *default_map(struct filler *d, const struct schema *s, const json_t *in)
{
    json_t *out = json_copy((json_t *)in), *v;
    const char *key;
    void *next;

    if (s->hook)
        hooks[s->hook](d, out);
    if (s->additional->fills)
        json_object_foreach_safe (out, next, key, v)
            json_object_set_new(out, key, default_value(d, s->additional, v));
    return out;
}

static json_t *default_value(struct filler *d, const struct schema *s, const json_t *in)
{
    if (s->fills && s->form == FORM_PLAIN) {
        if (json_is_array(in) && s->items)
            return default_list(d, s->items, in);
        if (json_is_object(in) && s->additional)
            return default_map(d, s, in);
        if (json_is_object(in) && s->type == SCHEMA_OBJECT)
            return default_struct(d, s, in);
    }
    return json_incref((json_t *)in);
}

json_t *types_default(const struct schema *s, const json_t *decoded)
{
    cleanup_arena struct arena *arena = arena_new();
    struct filler d = { .arena = arena };

    return default_value(&d, s, decoded);
}
