#include <stdio.h>

#include "controller/kinds.h"
#include "controller/sandbox/children.h"

/* ---- volume claims --------------------------------------------------------------------------- */

const char *pvc_name(struct arena *arena, const json_t *sandbox, const json_t *claim_template)
{
    return arena_printf(arena, "%s-%s", obj_name(claim_template), obj_name(sandbox));
}

json_t *pvc_build(struct arena *arena, const json_t *sandbox, const json_t *claim_template)
{
    json_t *pvc = obj_new("v1", "PersistentVolumeClaim", obj_namespace(sandbox),
                          pvc_name(arena, sandbox, claim_template));
    json_t *labels = json_clone(obj_labels(claim_template));
    const json_t *annotations = obj_annotations(claim_template);
    json_t *spec = json_clone(json_object_get(claim_template, "spec"));
    char hash[9];

    name_hash(sandbox, hash);
    if (!labels)
        labels = json_object();
    json_object_set_new(labels, KEY_NAME_HASH, json_string(hash));
    obj_set_meta(pvc, "labels", labels);
    if (json_object_size(annotations))
        obj_set_meta(pvc, "annotations", json_clone(annotations));
    obj_set_owner(pvc, sandbox, true);
    json_object_set_new(pvc, "spec", spec ? spec : json_object());
    return pvc;
}

/* ---- ports ----------------------------------------------------------------------------------- */

struct port {
    int64_t number;
    const char *protocol, *name;       /* name "": none was given */
    char generated[32];
};

struct ports {
    DYN(struct port) list;
};

static struct port *port_find(struct ports *p, int64_t number, const char *protocol)
{
    for (size_t i = 0; i < p->list.n; i++)
        if (p->list.v[i].number == number && streq(p->list.v[i].protocol, protocol))
            return &p->list.v[i];
    return NULL;
}

/* Each (port, protocol) once; its first explicit name wins (SBX-061, SBX-062). */
static void collect_ports(struct ports *out, const json_t *container)
{
    const json_t *p;
    size_t i;

    json_array_foreach (json_object_get(container, "ports"), i, p) {
        int64_t number = obj_int(p, "containerPort", 0);
        const char *protocol = *obj_str(p, "protocol") ? obj_str(p, "protocol") : "TCP";
        struct port *port = port_find(out, number, protocol);
        if (number == 0)
            continue;
        if (!port) {
            port = dyn_push(&out->list);
            *port = (struct port){ .number = number, .protocol = protocol, .name = "" };
        }
        if (!*port->name)
            port->name = obj_str(p, "name");
    }
}

static int compare_ports(const void *a, const void *b)
{
    const struct port *x = a, *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return strcmp(x->protocol, y->protocol);
}

static bool name_taken(const struct ports *p, size_t except, const char *name)
{
    for (size_t i = 0; i < p->list.n; i++)
        if (i != except && streq(p->list.v[i].name, name))
            return true;
    return false;
}

static const char *protocol_lower(const char *protocol)
{
    return streq(protocol, "UDP") ? "udp" : streq(protocol, "SCTP") ? "sctp" : "tcp";
}

/* A name that an earlier port has is dropped; who has none gets p-<port>-<proto>, and -2, -3 ... */
static void name_ports(struct ports *p)
{
    for (size_t i = 0; i < p->list.n; i++)
        for (size_t j = 0; j < i; j++)
            if (*p->list.v[i].name && streq(p->list.v[i].name, p->list.v[j].name))
                p->list.v[i].name = "";
    for (size_t i = 0; i < p->list.n; i++) {
        struct port *port = &p->list.v[i];
        if (*port->name)
            continue;
        snprintf(port->generated, sizeof(port->generated), "p-%lld-%s", (long long)port->number,
                 protocol_lower(port->protocol));
        for (int n = 2; name_taken(p, i, port->generated); n++)
            snprintf(port->generated, sizeof(port->generated), "p-%lld-%s-%d", (long long)port->number,
                     protocol_lower(port->protocol), n);
        port->name = port->generated;
    }
}

static json_t *service_ports(const json_t *sandbox)
{
    const json_t *spec = json_path(sandbox, "spec.podTemplate.spec"), *c;
    struct ports ports = { 0 };
    json_t *out = json_array();
    size_t i;

    json_array_foreach (json_object_get(spec, "containers"), i, c)
        collect_ports(&ports, c);
    json_array_foreach (json_object_get(spec, "initContainers"), i, c)
        if (streq(obj_str(c, "restartPolicy"), "Always"))
            collect_ports(&ports, c);
    if (ports.list.n)
        qsort(ports.list.v, ports.list.n, sizeof(*ports.list.v), compare_ports);
    name_ports(&ports);
    for (i = 0; i < ports.list.n; i++) {
        const struct port *p = &ports.list.v[i];
        json_array_append_new(out, json_pack("{s:s, s:s, s:I, s:I}", "name", p->name, "protocol",
                                             p->protocol, "port", (json_int_t)p->number, "targetPort",
                                             (json_int_t)p->number));
    }
    dyn_release(&ports.list);
    return out;
}

/* ---- the Service ----------------------------------------------------------------------------- */

enum service_wish service_wish(const json_t *sandbox)
{
    const json_t *wish = json_path(sandbox, "spec.service");

    return json_is_true(wish) ? SERVICE_YES : json_is_false(wish) ? SERVICE_NO : SERVICE_UNSET;
}

json_t *service_build(const json_t *sandbox)
{
    json_t *service = obj_new("v1", "Service", obj_namespace(sandbox), obj_name(sandbox));
    json_t *ports = service_ports(sandbox);
    char hash[9];

    name_hash(sandbox, hash);
    obj_set_label(service, KEY_NAME_HASH, hash);
    obj_set_owner(service, sandbox, true);
    json_object_set_new(service, "spec", json_pack("{s:s, s:{s:s}}", "clusterIP", "None", "selector",
                                                   KEY_NAME_HASH, hash));
    if (json_array_size(ports))
        obj_set(service, "spec.ports", ports);
    else
        json_decref(ports);
    return service;
}

/* Whether live ports say what is wanted; what the server defaulted in is not looked at. */
static bool ports_equal(const json_t *live, const json_t *wanted)
{
    const json_t *w;
    size_t i;

    if (json_array_size(live) != json_array_size(wanted))
        return false;
    json_array_foreach (wanted, i, w) {
        const json_t *l = json_array_get(live, i);
        const char *key;
        json_t *value;
        json_object_foreach ((json_t *)w, key, value)
            if (!json_same(json_object_get(l, key), value))
                return false;
    }
    return true;
}

json_t *service_patch(const json_t *sandbox, const json_t *service, bool ports_too)
{
    json_auto_t *selector = NULL, *ports = service_ports(sandbox);
    json_t *patch = json_object(), *spec = json_object();
    const char *label = obj_label(service, KEY_NAME_HASH);
    char hash[9];

    name_hash(sandbox, hash);
    selector = json_pack("{s:s}", KEY_NAME_HASH, hash);
    if (!label || !streq(label, hash))
        json_object_set_new(patch, "metadata", json_pack("{s:{s:s}}", "labels", KEY_NAME_HASH, hash));
    if (!json_same(json_path(service, "spec.selector"), selector)) {
        json_t *live = (json_t *)json_path(service, "spec.selector"), *value;
        const char *key;
        json_object_foreach (live, key, value)    /* a merge patch keeps what it does not name */
            if (!streq(key, KEY_NAME_HASH))
                json_object_set_new(selector, key, json_null());
        json_object_set(spec, "selector", selector);
    }
    if (ports_too && !ports_equal(json_path(service, "spec.ports"), ports))
        json_object_set_new(spec, "ports", json_array_size(ports) ? json_incref(ports) : json_null());
    if (json_object_size(spec))
        json_object_set(patch, "spec", spec);
    json_decref(spec);
    if (json_object_size(patch))
        return patch;
    json_decref(patch);
    return NULL;
}

json_t *service_adoption_patch(const json_t *sandbox, const json_t *service)
{
    json_t *patch = adoption_patch(sandbox, service);
    json_auto_t *drift = service_patch(sandbox, service, true);
    const char *key;
    json_t *value;

    json_object_foreach (drift, key, value) {
        if (streq(key, "metadata"))
            json_object_update(json_object_get(patch, "metadata"), value);
        else
            json_object_set(patch, key, value);
    }
    return patch;
}
