#include "fakeapi/apiserver/admission/podsecurity.h"

#include "kube/object.h"

/* PodSecurity: the labels of a namespace say which pods may be in it (pod-security.kubernetes.io/enforce, audit,
 * warn; I-002). The checks are those of version 1.34, whatever version a label names, but for what it is called. */

enum level { LEVEL_PRIVILEGED, LEVEL_BASELINE, LEVEL_RESTRICTED };
static const char *const level_texts[] = { "privileged", "baseline", "restricted" };

/* ---- words -------------------------------------------------------------------------------------- */

typedef DYN(const char *) names_t;

static void add_name(names_t *list, const char *name)
{
    *dyn_push(list) = name;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Sorted, each once. */
static void make_set(names_t *list)
{
    size_t kept = 0;

    if (list->n)
        qsort(list->v, list->n, sizeof(*list->v), by_text);
    for (size_t i = 0; i < list->n; i++)
        if (!kept || !streq(list->v[kept - 1], list->v[i]))
            list->v[kept++] = list->v[i];
    list->n = kept;
}

/* `"a", "b"`; without quotes where `plain`. In the arena. */
static const char *joined(struct arena *a, const names_t *list, bool plain)
{
    cleanup_buf struct buf b = BUF_INIT;

    for (size_t i = 0; i < list->n; i++)
        buf_printf(&b, plain ? "%s%s" : "%s\"%s\"", i ? ", " : "", list->v[i]);
    return b.len ? arena_strdup(a, b.data) : "";
}

static const char *plural(size_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

/* ---- one check ---------------------------------------------------------------------------------- */

struct check {
    struct arena *a;
    const json_t *spec, *annotations;
    names_t containers, values;        /* found so far: who, and what */
    bool pod;                          /* the pod itself is among them */
    const char *reason, *detail;       /* of the refusal; NULL: allowed */
};

static const char *const container_lists[] = { "initContainers", "containers", "ephemeralContainers" };

typedef void visit_fn(struct check *k, const json_t *container);

static void visit(struct check *k, visit_fn *fn)
{
    size_t i;
    json_t *c;

    for (size_t n = 0; n < ARRAY_SIZE(container_lists); n++)
        json_array_foreach(json_object_get(k->spec, container_lists[n]), i, c)
            fn(k, c);
}

static const json_t *context(const json_t *container, const char *path)
{
    return json_path(json_object_get(container, "securityContext"), path);
}

static const char *named(struct check *k, const names_t *containers)
{
    return arena_printf(k->a, "%s %s", plural(containers->n, "container", "containers"), joined(k->a, containers, false));
}

/* "pod and container \"a\"": NULL where it is nobody. */
static const char *setters(struct check *k)
{
    if (!k->containers.n)
        return k->pod ? "pod" : NULL;
    return arena_printf(k->a, "%s%s", k->pod ? "pod and " : "", named(k, &k->containers));
}

static void refuse(struct check *k, const char *reason, const char *fmt, ...) PRINTF(3, 4);
static void refuse(struct check *k, const char *reason, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    k->detail = arena_vprintf(k->a, fmt, args);
    va_end(args);
    k->reason = reason;
}

static bool windows(const struct check *k)
{
    return streq(obj_str(k->spec, "os.name"), "windows");
}

static void blame(struct check *k, const json_t *container)
{
    add_name(&k->containers, obj_str(container, "name"));
}

/* ---- baseline ----------------------------------------------------------------------------------- */

/* A profile of AppArmor or seccomp: of a container, or of the whole Pod (NULL). */
static void profile_one(struct check *k, const json_t *profile, const json_t *container)
{
    const char *type = obj_str(profile, "type");

    if (!profile || streq(type, "RuntimeDefault") || streq(type, "Localhost"))
        return;
    add_name(&k->values, type);
    if (container)
        blame(k, container);
    else
        k->pod = true;
}

static void apparmor_container(struct check *k, const json_t *c)
{
    profile_one(k, context(c, "appArmorProfile"), c);
}

static void apparmor(struct check *k)
{
    names_t annotations = { 0 };
    const char *key, *who;
    json_t *v;

    profile_one(k, json_path(k->spec, "securityContext.appArmorProfile"), NULL);
    visit(k, apparmor_container);
    make_set(&k->values);
    json_object_foreach((json_t *)k->annotations, key, v) {
        const char *text = json_string_value(v);
        if (str_starts(key, "container.apparmor.security.beta.kubernetes.io/") && *text &&
            !streq(text, "runtime/default") && !str_starts(text, "localhost/"))
            add_name(&annotations, arena_printf(k->a, "%s=\"%s\"", key, text));
    }
    make_set(&annotations);
    for (size_t i = 0; i < annotations.n; i++)
        add_name(&k->values, annotations.v[i]);
    who = setters(k);
    if (annotations.n)
        who = arena_printf(k->a, "%s%s%s", who ? who : "", who ? " and " : "", plural(annotations.n, "annotation", "annotations"));
    dyn_release(&annotations);
    if (who)
        refuse(k, plural(k->values.n, "forbidden AppArmor profile", "forbidden AppArmor profiles"),
               "%s must not set AppArmor profile type to %s", who, joined(k->a, &k->values, false));
}

static void added_capabilities(struct check *k, const json_t *c)
{
    static const char *const fine[] = { "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
                                        "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT" };
    size_t i, before = k->values.n;
    json_t *v;

    json_array_foreach(context(c, "capabilities.add"), i, v) {
        bool known = false;
        for (size_t n = 0; n < ARRAY_SIZE(fine); n++)
            known = known || streq(fine[n], json_string_value(v));
        if (!known)
            add_name(&k->values, json_string_value(v));
    }
    if (k->values.n != before)
        blame(k, c);
}

static void capabilities_baseline(struct check *k)
{
    visit(k, added_capabilities);
    make_set(&k->values);
    if (k->containers.n)
        refuse(k, "non-default capabilities", "%s must not include %s in securityContext.capabilities.add",
               named(k, &k->containers), joined(k->a, &k->values, false));
}

static void host_namespaces(struct check *k)
{
    static const char *const flags[] = { "hostNetwork", "hostPID", "hostIPC" };

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (json_is_true(json_object_get(k->spec, flags[i])))
            add_name(&k->values, arena_printf(k->a, "%s=true", flags[i]));
    if (k->values.n)
        refuse(k, "host namespaces", "%s", joined(k->a, &k->values, true));
}

static void host_paths(struct check *k)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_object_get(k->spec, "volumes"), i, v)
        if (json_object_get(v, "hostPath"))
            add_name(&k->values, obj_str(v, "name"));
    if (k->values.n)
        refuse(k, "hostPath volumes", "%s %s", plural(k->values.n, "volume", "volumes"), joined(k->a, &k->values, false));
}

static void container_ports(struct check *k, const json_t *c)
{
    size_t i, before = k->values.n;
    json_t *p;

    json_array_foreach(json_object_get(c, "ports"), i, p) {
        int64_t port = json_integer_value(json_object_get(p, "hostPort"));
        if (port)
            add_name(&k->values, arena_printf(k->a, "%lld", (long long)port));
    }
    if (k->values.n != before)
        blame(k, c);
}

static void host_ports(struct check *k)
{
    visit(k, container_ports);
    make_set(&k->values);
    if (k->containers.n)
        refuse(k, "hostPort", "%s %s %s %s", named(k, &k->containers), plural(k->containers.n, "uses", "use"),
               plural(k->values.n, "hostPort", "hostPorts"), joined(k->a, &k->values, true));
}

static void container_hosts(struct check *k, const json_t *c)
{
    static const char *const handlers[] = { "livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart",
                                            "lifecycle.preStop" };
    static const char *const hosts[] = { "httpGet.host", "tcpSocket.host" };
    size_t before = k->values.n;

    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
        for (size_t n = 0; n < ARRAY_SIZE(hosts); n++)
            if (*obj_str(json_path(c, handlers[i]), hosts[n]))
                add_name(&k->values, obj_str(json_path(c, handlers[i]), hosts[n]));
    if (k->values.n != before)
        blame(k, c);
}

static void probe_hosts(struct check *k)
{
    visit(k, container_hosts);
    make_set(&k->values);
    make_set(&k->containers);
    if (k->containers.n)
        refuse(k, "probe or lifecycle host", "%s %s %s %s", named(k, &k->containers), plural(k->containers.n, "uses", "use"),
               plural(k->values.n, "probe or lifecycle host", "probe or lifecycle hosts"), joined(k->a, &k->values, false));
}

static void container_privileged(struct check *k, const json_t *c)
{
    if (json_is_true(context(c, "privileged")))
        blame(k, c);
}

static void privileged(struct check *k)
{
    visit(k, container_privileged);
    if (k->containers.n)
        refuse(k, "privileged", "%s must not set securityContext.privileged=true", named(k, &k->containers));
}

static void container_mounts(struct check *k, const json_t *c)
{
    const char *mount = json_string_value(context(c, "procMount"));

    if (!mount || streq(mount, "Default"))
        return;
    blame(k, c);
    add_name(&k->values, mount);
}

static void proc_mount(struct check *k)
{
    visit(k, container_mounts);
    make_set(&k->values);
    if (k->containers.n)
        refuse(k, "procMount", "%s must not set securityContext.procMount to %s", named(k, &k->containers),
               joined(k->a, &k->values, false));
}

/* Types go among the values; a user or a role is remembered under names that no type has. */
static bool selinux_one(struct check *k, const json_t *options)
{
    static const char *const fine[] = { "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t" };
    const char *type = obj_str(options, "type");
    size_t before = k->values.n;
    bool known = false;

    for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
        known = known || streq(fine[i], type);
    if (!known)
        add_name(&k->values, type);
    if (*obj_str(options, "user"))
        add_name(&k->values, "\x7fu");
    if (*obj_str(options, "role"))
        add_name(&k->values, "\x7fr");
    return k->values.n == before;
}

static void selinux_container(struct check *k, const json_t *c)
{
    if (!selinux_one(k, context(c, "seLinuxOptions")))
        blame(k, c);
}

static bool take_mark(names_t *values, const char *mark)
{
    if (!values->n || !streq(values->v[values->n - 1], mark))
        return false;
    values->n--;
    return true;
}

static void selinux(struct check *k)
{
    cleanup_buf struct buf b = BUF_INIT;

    k->pod = !selinux_one(k, json_path(k->spec, "securityContext.seLinuxOptions"));
    visit(k, selinux_container);
    make_set(&k->values);
    bool user = take_mark(&k->values, "\x7fu"), role = take_mark(&k->values, "\x7fr");
    if (!user)
        user = take_mark(&k->values, "\x7fu");
    if (k->values.n)
        buf_printf(&b, "%s %s", plural(k->values.n, "type", "types"), joined(k->a, &k->values, false));
    if (user)
        buf_printf(&b, "%suser may not be set", b.len ? "; " : "");
    if (role)
        buf_printf(&b, "%srole may not be set", b.len ? "; " : "");
    if (setters(k))
        refuse(k, "seLinuxOptions", "%s set forbidden securityContext.seLinuxOptions: %s", setters(k), b.data);
}

static void seccomp_container(struct check *k, const json_t *c)
{
    profile_one(k, context(c, "seccompProfile"), c);
}

static void seccomp_baseline(struct check *k)
{
    profile_one(k, json_path(k->spec, "securityContext.seccompProfile"), NULL);
    visit(k, seccomp_container);
    make_set(&k->values);
    if (setters(k))
        refuse(k, "seccompProfile", "%s must not set securityContext.seccompProfile.type to %s", setters(k),
               joined(k->a, &k->values, false));
}

static void sysctls(struct check *k)
{
    static const char *const fine[] = {
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    };
    size_t i;
    json_t *v;

    json_array_foreach(json_path(k->spec, "securityContext.sysctls"), i, v) {
        bool known = false;
        for (size_t n = 0; n < ARRAY_SIZE(fine); n++)
            known = known || streq(fine[n], obj_str(v, "name"));
        if (!known)
            add_name(&k->values, obj_str(v, "name"));
    }
    if (k->values.n)
        refuse(k, "forbidden sysctls", "%s", joined(k->a, &k->values, true));
}

static void host_process_container(struct check *k, const json_t *c)
{
    if (json_is_true(context(c, "windowsOptions.hostProcess")))
        blame(k, c);
}

static void host_process(struct check *k)
{
    k->pod = json_is_true(json_path(k->spec, "securityContext.windowsOptions.hostProcess"));
    visit(k, host_process_container);
    if (setters(k))
        refuse(k, "hostProcess", "%s must not set securityContext.windowsOptions.hostProcess=true", setters(k));
}

/* ---- restricted --------------------------------------------------------------------------------- */

static void container_escalates(struct check *k, const json_t *c)
{
    if (!json_is_false(context(c, "allowPrivilegeEscalation")))
        blame(k, c);
}

static void escalation(struct check *k)
{
    if (windows(k))
        return;
    visit(k, container_escalates);
    if (k->containers.n)
        refuse(k, "allowPrivilegeEscalation != false", "%s must set securityContext.allowPrivilegeEscalation=false",
               named(k, &k->containers));
}

static void container_keeps(struct check *k, const json_t *c)
{
    size_t i;
    json_t *v;

    json_array_foreach(context(c, "capabilities.drop"), i, v)
        if (streq(json_string_value(v), "ALL"))
            return;
    blame(k, c);
}

static void container_adds(struct check *k, const json_t *c)
{
    size_t i, before = k->values.n;
    json_t *v;

    json_array_foreach(context(c, "capabilities.add"), i, v)
        if (!streq(json_string_value(v), "NET_BIND_SERVICE"))
            add_name(&k->values, json_string_value(v));
    if (k->values.n != before)
        blame(k, c);
}

static void capabilities_restricted(struct check *k)
{
    const char *keeping = NULL, *adding = NULL;

    if (windows(k))
        return;
    visit(k, container_keeps);
    if (k->containers.n)
        keeping = arena_printf(k->a, "%s must set securityContext.capabilities.drop=[\"ALL\"]", named(k, &k->containers));
    k->containers.n = 0;
    visit(k, container_adds);
    make_set(&k->values);
    if (k->containers.n)
        adding = arena_printf(k->a, "%s must not include %s in securityContext.capabilities.add", named(k, &k->containers),
                              joined(k->a, &k->values, false));
    if (keeping || adding)
        refuse(k, "unrestricted capabilities", "%s%s%s", keeping ? keeping : "", keeping && adding ? "; " : "",
               adding ? adding : "");
}

static const char *volume_type(const json_t *v)
{
    static const char *const bad[] = {
        "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd", "flexVolume",
        "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte", "azureDisk", "photonPersistentDisk",
        "portworxVolume", "scaleIO", "storageos",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (json_object_get(v, bad[i]))
            return bad[i];
    return "unknown";
}

static void volume_types(struct check *k)
{
    static const char *const fine[] = { "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image",
                                        "persistentVolumeClaim", "projected", "secret" };
    names_t volumes = { 0 };
    size_t i;
    json_t *v;

    json_array_foreach(json_object_get(k->spec, "volumes"), i, v) {
        bool good = false;
        for (size_t n = 0; n < ARRAY_SIZE(fine); n++)
            good = good || json_object_get(v, fine[n]);
        if (good)
            continue;
        add_name(&volumes, obj_str(v, "name"));
        add_name(&k->values, volume_type(v));
    }
    make_set(&k->values);
    if (volumes.n)
        refuse(k, "restricted volume types", "%s %s %s %s %s", plural(volumes.n, "volume", "volumes"),
               joined(k->a, &volumes, false), plural(volumes.n, "uses", "use"),
               plural(k->values.n, "restricted volume type", "restricted volume types"), joined(k->a, &k->values, false));
    dyn_release(&volumes);
}

static void container_as_root(struct check *k, const json_t *c)
{
    if (json_is_false(context(c, "runAsNonRoot")))
        blame(k, c);
}

static void container_mute_on_root(struct check *k, const json_t *c)
{
    if (!context(c, "runAsNonRoot"))
        blame(k, c);
}

static void non_root(struct check *k)
{
    const json_t *whole = json_path(k->spec, "securityContext.runAsNonRoot");

    k->pod = json_is_false(whole);
    visit(k, container_as_root);
    if (setters(k)) {
        refuse(k, "runAsNonRoot != true", "%s must not set securityContext.runAsNonRoot=false", setters(k));
        return;
    }
    if (!json_is_true(whole))
        visit(k, container_mute_on_root);
    if (k->containers.n)
        refuse(k, "runAsNonRoot != true", "pod or %s must set securityContext.runAsNonRoot=true", named(k, &k->containers));
}

static bool is_root(const json_t *user)
{
    return json_is_integer(user) && !json_integer_value(user);
}

static void container_user(struct check *k, const json_t *c)
{
    if (is_root(context(c, "runAsUser")))
        blame(k, c);
}

static void root_user(struct check *k)
{
    k->pod = is_root(json_path(k->spec, "securityContext.runAsUser"));
    visit(k, container_user);
    if (setters(k))
        refuse(k, "runAsUser=0", "%s must not set runAsUser=0", setters(k));
}

static void container_mute_on_seccomp(struct check *k, const json_t *c)
{
    if (!context(c, "seccompProfile"))
        blame(k, c);
}

static void seccomp_restricted(struct check *k)
{
    if (windows(k))
        return;
    seccomp_baseline(k);
    if (k->reason || json_path(k->spec, "securityContext.seccompProfile"))
        return;
    visit(k, container_mute_on_seccomp);
    if (k->containers.n)
        refuse(k, "seccompProfile", "pod or %s must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
               "\"Localhost\"", named(k, &k->containers));
}

/* ---- all of them -------------------------------------------------------------------------------- */

/* In the order of their names, as they are run; a restricted one stands in for its baseline. */
static const struct check_row {
    enum level level;
    void (*run)(struct check *k);
    bool overridden;                   /* at the restricted level, by a stricter one */
} check_rows[] = {
    { LEVEL_BASELINE, apparmor },
    { LEVEL_BASELINE, capabilities_baseline, true },
    { LEVEL_BASELINE, host_namespaces },
    { LEVEL_BASELINE, host_paths, true },
    { LEVEL_BASELINE, host_ports },
    { LEVEL_BASELINE, probe_hosts },
    { LEVEL_BASELINE, privileged },
    { LEVEL_BASELINE, proc_mount },
    { LEVEL_BASELINE, selinux },
    { LEVEL_BASELINE, seccomp_baseline, true },
    { LEVEL_BASELINE, sysctls },
    { LEVEL_BASELINE, host_process },
    { LEVEL_RESTRICTED, escalation },
    { LEVEL_RESTRICTED, capabilities_restricted },
    { LEVEL_RESTRICTED, volume_types },
    { LEVEL_RESTRICTED, non_root },
    { LEVEL_RESTRICTED, root_user },
    { LEVEL_RESTRICTED, seccomp_restricted },
};

/* "reason (detail), ...", or the reasons alone; NULL where all of the level allow it. */
static const char *violations(struct arena *a, enum level level, const json_t *metadata, const json_t *spec, bool details)
{
    cleanup_buf struct buf b = BUF_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(check_rows); i++) {
        const struct check_row *row = &check_rows[i];
        struct check k = { .a = a, .spec = spec, .annotations = json_object_get(metadata, "annotations") };
        if (row->level > level || (row->overridden && level == LEVEL_RESTRICTED))
            continue;
        row->run(&k);
        dyn_release(&k.containers);
        dyn_release(&k.values);
        if (k.reason)
            buf_printf(&b, details ? "%s%s (%s)" : "%s%s", b.len ? ", " : "", k.reason, k.detail);
    }
    return b.len ? arena_strdup(a, b.data) : NULL;
}

/* ---- namespaces --------------------------------------------------------------------------------- */

struct policy {
    enum level level;
    const char *version;
};

static bool level_of(const char *text, enum level *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(level_texts); i++)
        if (streq(level_texts[i], text)) {
            *ret = (enum level)i;
            return true;
        }
    return false;
}

static bool version_fine(const char *text)
{
    size_t n = str_starts(text, "v1.") ? strspn(text + 3, "0123456789") : 0;

    return streq(text, "latest") || (n && !text[3 + n] && (text[3] != '0' || n == 1));
}

static const char *label(const json_t *labels, struct arena *a, const char *name)
{
    const json_t *v = json_object_get(labels, arena_printf(a, "pod-security.kubernetes.io/%s", name));

    return json_is_string(v) ? json_string_value(v) : NULL;
}

/* What the namespace's labels say for "enforce", "audit" or "warn". What cannot be read is as strict as it gets
 * when it is enforced, and nothing else otherwise. */
static struct policy policy_of(struct arena *a, const json_t *labels, const char *mode)
{
    const char *level = label(labels, a, mode), *version = label(labels, a, arena_printf(a, "%s-version", mode));
    struct policy p = { LEVEL_PRIVILEGED, "latest" };

    if (level && !level_of(level, &p.level) && streq(mode, "enforce"))
        p.level = LEVEL_RESTRICTED;
    if (version && version_fine(version))
        p.version = version;
    return p;
}

/* Where nothing says what to warn of, it is what is refused: for what makes pods is not. */
static struct policy policy_warned(struct arena *a, const json_t *labels, const struct policy *enforce)
{
    struct policy p = policy_of(a, labels, "warn");
    const char *refused = label(labels, a, "enforce");
    enum level unused;

    if (label(labels, a, "warn") || !refused || !level_of(refused, &unused))
        return p;
    p.level = enforce->level;
    if (!label(labels, a, "warn-version"))
        p.version = enforce->version;
    return p;
}

static const char *policy_text(struct arena *a, const struct policy *p)
{
    return arena_printf(a, "\"%s:%s\"", level_texts[p->level], p->version);
}

/* What cannot be read among the labels of a namespace. */
static void label_problems(const json_t *labels, struct fielderrs *errs)
{
    static const char *const modes[] = { "enforce", "audit", "warn" };
    static const char *const levels[] = { "privileged", "baseline", "restricted", NULL };
    const struct fpath *at = FP_CHILD(FP_CHILD((const struct fpath *)NULL, "metadata"), "labels");
    struct arena *arena = errs->arena;
    enum level unused;

    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        const char *level = label(labels, arena, modes[i]);
        const char *version = label(labels, arena, arena_printf(arena, "%s-version", modes[i]));
        const char *key = arena_printf(arena, "pod-security.kubernetes.io/%s", modes[i]);
        if (level && !level_of(level, &unused))
            fielderr_invalid_str(errs, FP_KEY(at, key), level, "must be one of %s, %s, %s", levels[0], levels[1],
                                 levels[2]);
        if (version && !version_fine(version))
            fielderr_invalid_str(errs, FP_KEY(at, arena_printf(arena, "%s-version", key)), version,
                                 "must be \"latest\" or \"v1.x\"");
    }
}

static bool same_problems(const struct fielderrs *a, const struct fielderrs *b)
{
    return a->n == b->n && streq(fielderrs_text(a), fielderrs_text(b));
}

/* ---- the pods of a namespace that is made stricter --------------------------------------------------- */

/* Pods that violate the same; the first of them by name. */
struct offence {
    const char *reasons, *pod;
    size_t n;
};

struct survey {
    struct arena *arena;
    const struct policy *policy;
    DYN(struct offence) found;
};

static bool note_pod(void *arg, const struct record *rec)
{
    struct survey *s = arg;
    const json_t *pod = value_tree(rec->value);
    const char *why = violations(s->arena, s->policy->level, obj_metadata(pod), json_object_get(pod, "spec"), false);

    if (!why)
        return true;
    for (size_t i = 0; i < s->found.n; i++)
        if (streq(s->found.v[i].reasons, why)) {
            s->found.v[i].n++;
            return true;
        }
    *dyn_push(&s->found) = (struct offence){ why, arena_strdup(s->arena, obj_name(pod)), 1 };
    return true;
}

static int by_reasons(const void *x, const void *y)
{
    const struct offence *a = x, *b = y;
    int order = strcmp(a->pod, b->pod);

    return order ? order : strcmp(a->reasons, b->reasons);
}

/* Nothing is refused: who is there stays. */
static void warn_of_pods(struct call *c, const char *namespace, const struct policy *p)
{
    struct survey s = { .arena = c->arena, .policy = p };

    store_range(c->s->store, arena_printf(c->arena, "/registry/pods/%s/", namespace), NULL, 0, 0, note_pod, &s, NULL);
    if (s.found.n) {
        call_warn(c, "existing pods in namespace \"%s\" violate the new PodSecurity enforce level %s", namespace,
                  policy_text(c->arena, p));
        qsort(s.found.v, s.found.n, sizeof(*s.found.v), by_reasons);
    }
    for (size_t i = 0; i < s.found.n; i++) {
        const struct offence *o = &s.found.v[i];
        const char *others = o->n < 2 ? "" : o->n == 2 ? " (and 1 other pod)"
                             : arena_printf(c->arena, " (and %zu other pods)", o->n - 1);
        call_warn(c, "%s%s: %s", o->pod, others, o->reasons);
    }
    dyn_release(&s.found);
}

/* The labels must be readable, or as unreadable as they were. */
static int check_namespace(struct call *c, const struct admission *a)
{
    struct fielderrs errs = FIELDERRS_IN(c->arena), before = FIELDERRS_IN(c->arena);
    const json_t *labels = obj_labels(a->object), *had = a->old ? obj_labels(a->old) : NULL;
    struct policy now = policy_of(c->arena, labels, "enforce"), was = policy_of(c->arena, had, "enforce");
    bool same_version = streq(now.version, was.version);

    label_problems(labels, &errs);
    label_problems(had, &before);
    if (errs.n && !same_problems(&errs, &before))
        return fielderrs_status(&errs, &c->err, "", "Namespace", obj_name(a->object));
    if (a->old && now.level != LEVEL_PRIVILEGED && !(same_version && now.level <= was.level))
        warn_of_pods(c, obj_name(a->object), &now);
    return 0;
}

/* ---- pods and what makes them -------------------------------------------------------------------- */

/* Where a kind keeps the pods that it will make; "" is a pod itself. */
static const struct maker_row {
    const char *group, *plural, *template;
} maker_rows[] = {
    { "", "pods", "" }, { "", "podtemplates", "template" }, { "", "replicationcontrollers", "spec.template" },
    { "apps", "daemonsets", "spec.template" }, { "apps", "deployments", "spec.template" },
    { "apps", "replicasets", "spec.template" }, { "apps", "statefulsets", "spec.template" },
    { "batch", "jobs", "spec.template" }, { "batch", "cronjobs", "spec.jobTemplate.spec.template" },
};

static const struct maker_row *maker_row(const struct kind *k)
{
    for (size_t i = 0; i < ARRAY_SIZE(maker_rows); i++)
        if (streq(maker_rows[i].plural, k->res.plural) && streq(maker_rows[i].group, k->res.group))
            return &maker_rows[i];
    return NULL;
}

/* An update that changes nothing but what is not looked at, or only images, is let through. */
static bool worth_a_look(const struct admission *a, const json_t *spec)
{
    const json_t *old = a->old ? json_object_get(a->old, "spec") : NULL;

    return !old || !json_same(old, spec) || !json_same(obj_annotations(a->old), obj_annotations(a->object));
}

static int check_pod(struct call *c, const struct admission *a, const json_t *labels, const struct maker_row *row)
{
    bool pod = !*row->template;
    const json_t *template = pod ? a->object : json_path(a->object, row->template);
    const json_t *meta = json_object_get(template, "metadata"), *spec = json_object_get(template, "spec");
    struct policy enforce = policy_of(c->arena, labels, "enforce"), warn = policy_warned(c->arena, labels, &enforce);
    const char *why = NULL;

    if (pod && !worth_a_look(a, spec))
        return 0;
    if (pod && enforce.level && (why = violations(c->arena, enforce.level, meta, spec, true)))
        return admission_forbidden(c, a, arena_printf(c->arena, "violates PodSecurity %s: %s",
                                                      policy_text(c->arena, &enforce), why));
    if (warn.level && (why = violations(c->arena, warn.level, meta, spec, true)))
        call_warn(c, "would violate PodSecurity %s: %s", policy_text(c->arena, &warn), why);
    return 0;
}

int podsecurity_admit(struct call *c, const struct admission *a)
{
    const struct kind *namespaces = kinds_find(c->s->kinds, "", "v1", "namespaces");
    const struct maker_row *row = maker_row(a->kind);
    struct record rec;

    if (c->internal || !a->object || (a->op != ADMIT_CREATE && a->op != ADMIT_UPDATE) || kind_custom(a->kind))
        return 0;
    if (a->sub && !streq(a->sub->name, "ephemeralcontainers"))
        return 0;
    if (a->namespace_itself)
        return a->sub ? 0 : check_namespace(c, a);
    if (!row || store_get(c->s->store, call_store_key(c, namespaces, "", a->namespace), 0, &rec) < 0)
        return 0;
    const json_t *labels = obj_labels(value_tree(rec.value));
    return labels ? check_pod(c, a, labels, row) : 0;
}
