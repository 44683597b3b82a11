#include "fakeapi/apiserver/builtin/warnings.h"

#include <inttypes.h>

#include "kube/quantity.h"

/* What the server accepts of a pod and yet warns of. */

struct told {
    struct call *c;
    const struct fpath *spec, *meta;
};

#define AT(t, path) fpath_text((t)->c->arena, path)

const char *warn_old_label(const char *key)
{
    static const char *const rows[][2] = {
        { "beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead" },
        { "beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead" },
        { "failure-domain.beta.kubernetes.io/region",
          "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead" },
        { "failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead" },
        { "beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead" },
        { "app.kubernetes.io/created-by", "deprecated since v1.9" },
        { "scheduler.alpha.kubernetes.io/preferAvoidPods", "deprecated since v1.22; use Taints and Tolerations instead" },
        { "node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (streq(rows[i][0], key))
            return rows[i][1];
    return NULL;
}

/* ---- where it may run ---------------------------------------------------------------------------- */

void warn_of_node_term(struct call *c, const json_t *term, bool values, const struct fpath *path)
{
    size_t i, k;
    json_t *x, *v;

    json_array_foreach(json_object_get(term, "matchExpressions"), i, x) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "matchExpressions"), i);
        if (warn_old_label(text(x, "key")))
            call_warn(c, "%s: %s is %s", fpath_text(c->arena, FP_CHILD(at, "key")), text(x, "key"), warn_old_label(text(x, "key")));
        json_array_foreach(json_object_get(x, "values"), k, v) {
            struct name_problems p;
            if (!values || name_check_json(NAME_LABEL_VALUE, v, &p))
                continue;
            for (size_t n = 0; n < p.n; n++)
                call_warn(c, "%s: %s is invalid, %s", fpath_text(c->arena, FP_INDEX(FP_CHILD(at, "values"), k)),
                          json_string_value(v), p.v[n]);
        }
    }
}

static void node_affinity(const struct told *t, const json_t *affinity)
{
    const struct fpath *path = FP_CHILD(FP_CHILD(t->spec, "affinity"), "nodeAffinity");
    static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution",
                      preferred[] = "preferredDuringSchedulingIgnoredDuringExecution";
    size_t i;
    json_t *x;

    json_array_foreach(json_object_get(json_object_get(affinity, required), "nodeSelectorTerms"), i, x)
        warn_of_node_term(t->c, x, false, FP_INDEX(FP_CHILD(FP_CHILD(path, required), "nodeSelectorTerms"), i));
    json_array_foreach(json_object_get(affinity, preferred), i, x)
        warn_of_node_term(t->c, json_object_get(x, "preference"), true,
                          FP_CHILD(FP_INDEX(FP_CHILD(path, preferred), i), "preference"));
}

static void null_selector(const struct told *t, const json_t *x, const struct fpath *path)
{
    if (!member(x, "labelSelector"))
        call_warn(t->c, "%s: a null labelSelector results in matching no pod", AT(t, FP_CHILD(path, "labelSelector")));
}

static void pod_affinity(const struct told *t, const json_t *spec, const char *name)
{
    const struct fpath *path = FP_CHILD(FP_CHILD(t->spec, "affinity"), name);
    const json_t *affinity = json_object_get(json_object_get(spec, "affinity"), name);
    static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution",
                      preferred[] = "preferredDuringSchedulingIgnoredDuringExecution";
    size_t i;
    json_t *x;

    json_array_foreach(json_object_get(affinity, required), i, x)
        null_selector(t, x, FP_INDEX(FP_CHILD(path, required), i));
    json_array_foreach(json_object_get(affinity, preferred), i, x)
        null_selector(t, json_object_get(x, "podAffinityTerm"),
                      FP_CHILD(FP_INDEX(FP_CHILD(path, preferred), i), "podAffinityTerm"));
}

static void placement(const struct told *t, const json_t *spec)
{
    const char *key;
    json_t *x;
    size_t i;

    json_object_foreach(json_object_get(spec, "nodeSelector"), key, x)
        if (warn_old_label(key))
            call_warn(t->c, "%s: %s", AT(t, FP_KEY(FP_CHILD(t->spec, "nodeSelector"), key)), warn_old_label(key));
    node_affinity(t, json_path(spec, "affinity.nodeAffinity"));
    json_array_foreach(json_object_get(spec, "topologySpreadConstraints"), i, x) {
        const struct fpath *at = FP_INDEX(FP_CHILD(t->spec, "topologySpreadConstraints"), i);
        if (warn_old_label(text(x, "topologyKey")))
            call_warn(t->c, "%s: %s is %s", AT(t, FP_CHILD(at, "topologyKey")), text(x, "topologyKey"),
                      warn_old_label(text(x, "topologyKey")));
        null_selector(t, x, at);
    }
}

static void annotations(const struct told *t, const json_t *meta)
{
    static const char *const rows[][2] = {
        { "scheduler.alpha.kubernetes.io/critical-pod",
          "non-functional in v1.16+; use the \"priorityClassName\" field instead" },
        { "security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead" },
        { "security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (json_object_get(json_object_get(meta, "annotations"), rows[i][0]))
            call_warn(t->c, "%s: %s", AT(t, FP_KEY(FP_CHILD(t->meta, "annotations"), rows[i][0])), rows[i][1]);
}

/* ---- volumes ---------------------------------------------------------------------------------------- */

struct file {
    const char *path, *source;
};

struct files {
    DYN(struct file) v;
};

static bool below(const char *path, const char *other)
{
    size_t len = strlen(other);

    return strncmp(path, other, len) == 0 && (path[len] == '/' || !path[len]);
}

static const char *file_text(struct arena *a, const struct file *f)
{
    return *f->source ? arena_printf(a, "\"%s\" (%s)", f->path, f->source) : arena_printf(a, "\"%s\"", f->path);
}

/* One more file of the volume; those it meets are warned of. */
static void add_file(const struct told *t, struct files *all, const char *volume, const char *kind, const char *path,
                     const char *source)
{
    size_t len = strlen(path);

    while (len && path[len - 1] == '/')
        len--;
    struct file f = { arena_strndup(t->c->arena, path, len), source };
    for (size_t i = 0; len && i < all->v.n; i++) {
        const struct file *o = &all->v.v[i];
        if (*o->path && (below(o->path, f.path) || below(f.path, o->path)))
            call_warn(t->c, "volume \"%s\" (%s): overlapping paths: %s with %s", volume, kind, file_text(t->c->arena, &f),
                      file_text(t->c->arena, o));
    }
    *dyn_push(&all->v) = f;
}

static void add_items(const struct told *t, struct files *all, const char *volume, const char *kind, const json_t *items,
                      const char *source)
{
    size_t i;
    json_t *x;

    json_array_foreach(items, i, x)
        add_file(t, all, volume, kind, text(x, "path"), source);
}

static const char *named(struct arena *a, const char *kind, const char *name)
{
    return arena_printf(a, "%s \"%s\"", kind, name);
}

static void projected(const struct told *t, const json_t *v, struct files *all)
{
    struct arena *a = t->c->arena;
    const char *name = text(v, "name");
    size_t i;
    json_t *s;

    json_array_foreach(json_path(v, "projected.sources"), i, s) {
        const json_t *map = member(s, "configMap"), *secret = member(s, "secret"), *bundle = member(s, "clusterTrustBundle");
        if (!json_object_size(s))
            call_warn(t->c, "volume \"%s\" (Projected) has no sources provided", name);
        else if (json_object_get(map, "items"))
            add_items(t, all, name, "Projected", json_object_get(map, "items"), named(a, "ConfigMap", text(map, "name")));
        else if (json_object_get(secret, "items"))
            add_items(t, all, name, "Projected", json_object_get(secret, "items"), named(a, "Secret", text(secret, "name")));
        else if (json_path(s, "downwardAPI.items"))
            add_items(t, all, name, "Projected", json_path(s, "downwardAPI.items"), "DownwardAPI");
        else if (member(s, "serviceAccountToken"))
            add_file(t, all, name, "Projected", text(member(s, "serviceAccountToken"), "path"), "ServiceAccountToken");
        else if (bundle)
            add_file(t, all, name, "Projected", text(bundle, "path"),
                     named(a, "ClusterTrustBundle", *text(bundle, "name") ? text(bundle, "name") : text(bundle, "signerName")));
    }
}

static void overlaps(const struct told *t, const json_t *v)
{
    struct arena *a = t->c->arena;
    const json_t *map = member(v, "configMap"), *secret = member(v, "secret");
    struct files all = { 0 };

    if (map)
        add_items(t, &all, text(v, "name"), named(a, "ConfigMap", text(map, "name")), json_object_get(map, "items"), "");
    else if (secret)
        add_items(t, &all, text(v, "name"), named(a, "Secret", text(secret, "secretName")), json_object_get(secret, "items"), "");
    else if (member(v, "downwardAPI"))
        add_items(t, &all, text(v, "name"), "DownwardAPI", json_path(v, "downwardAPI.items"), "");
    else
        projected(t, v, &all);
    dyn_release(&all.v);
}

static void volumes(const struct told *t, const json_t *list)
{
    static const char *const rows[][3] = {
        { "photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+" },
        { "gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+" },
        { "scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+" },
        { "flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+" },
        { "storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+" },
        { "quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+" },
        { "glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+" },
        { "cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+" },
        { "rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+" },
    };
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v) {
        const struct fpath *at = FP_INDEX(FP_CHILD(t->spec, "volumes"), i);
        for (size_t r = 0; r < ARRAY_SIZE(rows); r++)
            if (member(v, rows[r][0]))
                call_warn(t->c, "%s: %s", AT(t, FP_CHILD(at, rows[r][1])), rows[r][2]);
        if (json_path(v, "ephemeral.volumeClaimTemplate"))
            warn_of_claim(t->c, json_path(v, "ephemeral.volumeClaimTemplate.spec"),
                          FP_CHILD(FP_CHILD(FP_CHILD(at, "ephemeral"), "volumeClaimTemplate"), "spec"));
    }
    json_array_foreach(list, i, v)
        overlaps(t, v);
}

/* ---- names that come twice -------------------------------------------------------------------------- */

static bool came_before(const json_t *list, size_t n, const char *key, const char *value)
{
    for (size_t i = 0; i < n; i++)
        if (streq(text(json_array_get(list, i), key), value))
            return true;
    return false;
}

static void twice(const struct told *t, const json_t *list, const char *name, const char *key)
{
    size_t i;
    json_t *x;

    json_array_foreach(list, i, x)
        if (came_before(list, i, key, text(x, key)))
            call_warn(t->c, "%s: duplicate %s \"%s\"", AT(t, FP_CHILD(FP_INDEX(FP_CHILD(t->spec, name), i), key)), key,
                      text(x, key));
}

static void pull_secrets(const struct told *t, const json_t *list)
{
    size_t i;
    json_t *x;

    twice(t, list, "imagePullSecrets", "name");
    json_array_foreach(list, i, x)
        if (!*text(x, "name"))
            call_warn(t->c, "%s: invalid empty name \"\"",
                      AT(t, FP_CHILD(FP_INDEX(FP_CHILD(t->spec, "imagePullSecrets"), i), "name")));
}

static void addresses(const struct told *t, const json_t *spec)
{
    size_t i;
    json_t *x;

    json_array_foreach(json_path(spec, "dnsConfig.nameservers"), i, x)
        warn_of_address(t->c, json_string_value(x), FP_INDEX(FP_CHILD(FP_CHILD(t->spec, "dnsConfig"), "nameservers"), i));
    json_array_foreach(json_object_get(spec, "hostAliases"), i, x)
        warn_of_address(t->c, text(x, "ip"), FP_CHILD(FP_INDEX(FP_CHILD(t->spec, "hostAliases"), i), "ip"));
}

void warn_of_fraction(struct call *c, const json_t *map, const struct fpath *path, const char *name)
{
    const json_t *v = json_object_get(map, name);
    struct quantity q;

    if (v && quantity_parse_json(c->arena, v, &q, NULL) == 0 && quantity_scaled(&q, -3) % 1000 != 0)
        call_warn(c, "%s: fractional byte value \"%s\" is invalid, must be an integer",
                  fpath_text(c->arena, FP_KEY(path, name)), json_string_value(v));
}

void warn_of_claim(struct call *c, const json_t *spec, const struct fpath *path)
{
    const struct fpath *at = FP_CHILD(path, "resources");

    warn_of_fraction(c, json_path(spec, "resources.requests"), FP_CHILD(at, "requests"), "storage");
    warn_of_fraction(c, json_path(spec, "resources.limits"), FP_CHILD(at, "limits"), "storage");
}

/* ---- containers --------------------------------------------------------------------------------------- */

static void environment(const struct told *t, const json_t *env, const struct fpath *path)
{
    size_t i;
    json_t *x;

    json_array_foreach(env, i, x) {
        const char *name = text(x, "name"), *value = text(x, "value");
        const char *ref = arena_printf(t->c->arena, "$(%s)", name);
        if (came_before(env, i, "name", name) && (member(x, "valueFrom") || streq(value, ref) || !strstr(value, ref)))
            call_warn(t->c, "%s: hides previous definition of \"%s\", which may be dropped when using apply",
                      AT(t, FP_INDEX(FP_CHILD(path, "env"), i)), name);
    }
}

static void container(const struct told *t, const json_t *c, const struct fpath *path, const json_t *meta)
{
    static const char *const names[] = { "memory", "ephemeral-storage" }, *const lists[] = { "limits", "requests" };
    const char *seccomp = arena_printf(t->c->arena, "container.seccomp.security.alpha.kubernetes.io/%s", text(c, "name"));
    const char *armor = arena_printf(t->c->arena, "container.apparmor.security.beta.kubernetes.io/%s", text(c, "name"));
    const json_t *notes = json_object_get(meta, "annotations");

    if (!json_path(c, "securityContext.seccompProfile") && json_object_get(notes, seccomp))
        call_warn(t->c, "%s: non-functional in v1.27+; use the \"seccompProfile\" field instead",
                  AT(t, FP_KEY(FP_CHILD(t->meta, "annotations"), seccomp)));
    if (t->meta->parent && !json_path(c, "securityContext.appArmorProfile") && json_object_get(notes, armor))
        call_warn(t->c, "%s: deprecated since v1.30; use the \"appArmorProfile\" field instead",
                  AT(t, FP_KEY(FP_CHILD(t->meta, "annotations"), armor)));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
            warn_of_fraction(t->c, json_object_get(json_object_get(c, "resources"), lists[k]),
                             FP_CHILD(FP_CHILD(path, "resources"), lists[k]), names[i]);
    environment(t, json_object_get(c, "env"), path);
}

/* ---- ports -------------------------------------------------------------------------------------------- */

struct port {
    const json_t *p;
    const char *at;
};

struct ports {
    DYN(struct port) v;
};

static int64_t number(const json_t *p, const char *name)
{
    return json_integer_value(json_object_get(p, name));
}

static void meet(const struct told *t, const struct port *now, const struct port *before)
{
    const char *ip = text(now->p, "hostIP"), *other_ip = text(before->p, "hostIP"), *how = NULL;
    int64_t host = number(now->p, "hostPort"), other = number(before->p, "hostPort");

    if (number(now->p, "containerPort") != number(before->p, "containerPort") ||
        !streq(text(now->p, "protocol"), text(before->p, "protocol")))
        return;
    if (streq(ip, other_ip) && host == other)
        how = "duplicate";
    else if (!host || !other)
        how = "overlapping";
    else if (host == other && !*ip != !*other_ip)
        how = "dangerously ambiguous";
    if (how)
        call_warn(t->c, "%s: %s port definition with %s", now->at, how, before->at);
}

static void port_conflicts(const struct told *t, const struct ports *all)
{
    for (size_t i = 0; i < all->v.n; i++) {
        const struct port *one = &all->v.v[i];
        if (*text(one->p, "hostIP") && !number(one->p, "hostPort"))
            call_warn(t->c, "%s: hostIP set without hostPort: {Name:%s HostPort:0 ContainerPort:%" PRId64 " Protocol:%s "
                      "HostIP:%s}", one->at, text(one->p, "name"), number(one->p, "containerPort"), text(one->p, "protocol"),
                      text(one->p, "hostIP"));
        for (size_t k = 0; k < i; k++)
            meet(t, one, &all->v.v[k]);
    }
    for (size_t i = 0; i < all->v.n; i++) {
        const char *name = text(all->v.v[i].p, "name");
        for (size_t k = 0; *name && k < i; k++)
            if (streq(text(all->v.v[k].p, "name"), name)) {
                call_warn(t->c, "%s: duplicate port name \"%s\" with %s, services and probes that select ports by name will "
                          "use %s", all->v.v[i].at, name, all->v.v[k].at, all->v.v[k].at);
                break;
            }
    }
}

static void containers(const struct told *t, const json_t *spec, const json_t *meta)
{
    static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };
    struct ports all = { 0 };
    size_t i, k;
    json_t *c, *p;

    for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
        json_array_foreach(json_object_get(spec, lists[l]), i, c) {
            const struct fpath *at = FP_INDEX(FP_CHILD(t->spec, lists[l]), i);
            container(t, c, at, meta);
            json_array_foreach(json_object_get(c, "ports"), k, p)
                if (all.v.n < 512)
                    *dyn_push(&all.v) = (struct port){ p, AT(t, FP_INDEX(FP_CHILD(at, "ports"), k)) };
        }
    port_conflicts(t, &all);
    dyn_release(&all.v);
}

void warn_of_pod(struct call *c, const json_t *pod, const struct fpath *path)
{
    static const char *const overhead[] = { "memory", "ephemeral-storage" };
    const struct told t = { c, FP_CHILD(path, "spec"), FP_CHILD(path, "metadata") };
    const json_t *spec = json_object_get(pod, "spec"), *meta = json_object_get(pod, "metadata");

    placement(&t, spec);
    annotations(&t, meta);
    volumes(&t, json_object_get(spec, "volumes"));
    twice(&t, json_object_get(spec, "hostAliases"), "hostAliases", "ip");
    pull_secrets(&t, json_object_get(spec, "imagePullSecrets"));
    addresses(&t, spec);
    for (size_t i = 0; i < ARRAY_SIZE(overhead); i++)
        warn_of_fraction(c, json_object_get(spec, "overhead"), FP_CHILD(t.spec, "overhead"), overhead[i]);
    if (!json_path(spec, "securityContext.seccompProfile") &&
        json_object_get(json_object_get(meta, "annotations"), "seccomp.security.alpha.kubernetes.io/pod"))
        call_warn(c, "%s: non-functional in v1.27+; use the \"seccompProfile\" field instead",
                  AT(&t, FP_KEY(FP_CHILD(t.meta, "annotations"), "seccomp.security.alpha.kubernetes.io/pod")));
    containers(&t, spec, meta);
    if (number(spec, "terminationGracePeriodSeconds") < 0)
        call_warn(c, "%s: must be >= 0; negative values are invalid and will be treated as 1",
                  AT(&t, FP_CHILD(t.spec, "terminationGracePeriodSeconds")));
    pod_affinity(&t, spec, "podAffinity");
    pod_affinity(&t, spec, "podAntiAffinity");
}
