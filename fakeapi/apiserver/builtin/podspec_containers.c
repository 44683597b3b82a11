/* Containers: names, ports, variables, mounts, probes, resources, security. */
#include "fakeapi/apiserver/builtin/internal.h"
#include "fakeapi/apiserver/builtin/podspec_priv.h"

#include <ctype.h>
#include <inttypes.h>

#include "kube/quantity.h"

static const char *const field_paths_env[] = { "metadata.name", "metadata.namespace", "metadata.uid",
                                               "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
                                               "status.hostIPs", "status.podIP", "status.podIPs", NULL };

/* ---- containers -------------------------------------------------------------------------------- */

static void ports(struct fielderrs *e, const json_t *list, const struct fpath *path)
{
    static const char *const protocols[] = { "SCTP", "TCP", "UDP", NULL };
    size_t i;
    json_t *p;

    json_array_foreach(list, i, p) {
        const struct fpath *at = FP_INDEX(path, i);
        const char *name = text(p, "name");
        int64_t port = json_integer_value(json_object_get(p, "containerPort"));
        int64_t host = json_integer_value(json_object_get(p, "hostPort"));
        if (*name) {
            rule_name(e, FP_CHILD(at, "name"), NAME_PORT, name);
            if (name_check_str(NAME_PORT, name, NULL) && name_before(list, i, name))
                fielderr_duplicate_str(e, FP_CHILD(at, "name"), name);
        }
        if (port == 0)
            fielderr_required(e, FP_CHILD(at, "containerPort"), "");
        else
            rule_range(e, p, at, "containerPort", 1, 65535);
        if (host)
            rule_range(e, p, at, "hostPort", 1, 65535);
        if (!*text(p, "protocol"))
            fielderr_required(e, FP_CHILD(at, "protocol"), "");
        else
            rule_one_of(e, p, at, "protocol", protocols);
    }
}

static void env_value_from(struct fielderrs *e, const json_t *env, const struct fpath *path)
{
    const json_t *from = member(env, "valueFrom");
    size_t n = 0;

    if (!from)
        return;
    if (member(from, "fieldRef")) {
        n++;
        podspec_field_ref(e, member(from, "fieldRef"), FP_CHILD(path, "fieldRef"), field_paths_env);
    }
    if (member(from, "resourceFieldRef")) {
        n++;
        podspec_resource_ref(e, member(from, "resourceFieldRef"), FP_CHILD(path, "resourceFieldRef"), false);
    }
    static const char *const refs[] = { "configMapKeyRef", "secretKeyRef" };
    for (size_t i = 0; i < ARRAY_SIZE(refs); i++) {
        const json_t *ref = member(from, refs[i]);
        if (!ref)
            continue;
        n++;
        rule_name(e, FP_CHILD(FP_CHILD(path, refs[i]), "name"), NAME_DNS1123_SUBDOMAIN, text(ref, "name"));
        if (!*text(ref, "key"))
            fielderr_required(e, FP_CHILD(FP_CHILD(path, refs[i]), "key"), "");
        else
            rule_name(e, FP_CHILD(FP_CHILD(path, refs[i]), "key"), NAME_CONFIG_MAP_KEY, text(ref, "key"));
    }
    if (member(from, "fileKeyRef"))
        n++;
    if (n == 0)
        fielderr_invalid_str(e, path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` "
                             "or `secretKeyRef`");
    else if (*text(env, "value"))
        fielderr_invalid_str(e, path, "", "may not be specified when `value` is not empty");
    else if (n > 1)
        fielderr_invalid_str(e, path, "", "may not have more than one field specified at a time");
}

static void env_source(struct fielderrs *e, const json_t *ref, const struct fpath *at)
{
    if (ref && !*text(ref, "name"))
        fielderr_required(e, at, "");
    else if (ref)
        rule_name(e, at, NAME_DNS1123_SUBDOMAIN | NAME_IS_PREFIX, text(ref, "name"));
}

static void environment(struct fielderrs *e, const json_t *c, const struct fpath *path)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_object_get(c, "env"), i, v) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "env"), i);
        if (!*text(v, "name"))
            fielderr_required(e, FP_CHILD(at, "name"), "");
        else
            rule_name(e, FP_CHILD(at, "name"), NAME_ENV_VAR, text(v, "name"));
        env_value_from(e, v, FP_CHILD(at, "valueFrom"));
    }
    json_array_foreach(json_object_get(c, "envFrom"), i, v) {
        const struct fpath *list = FP_CHILD(path, "envFrom"), *at = FP_INDEX(list, i);
        const json_t *map = member(v, "configMapRef"), *secret = member(v, "secretRef");
        if (*text(v, "prefix"))
            rule_name(e, FP_CHILD(at, "prefix"), NAME_ENV_VAR, text(v, "prefix"));
        env_source(e, map, FP_CHILD(FP_CHILD(at, "configMapRef"), "name"));
        env_source(e, secret, FP_CHILD(FP_CHILD(at, "secretRef"), "name"));
        if (!map && !secret)
            fielderr_invalid_str(e, list, "", "must specify one of: `configMapRef` or `secretRef`");
        else if (map && secret)
            fielderr_invalid_str(e, list, "", "may not have more than one field specified at a time");
    }
}

static bool privileged(const json_t *c)
{
    return json_is_true(json_path(c, "securityContext.privileged"));
}

static void recursive_read_only(struct fielderrs *e, const json_t *m, const struct fpath *at)
{
    static const char *const ways[] = { "Disabled", "Enabled", "IfPossible", NULL };
    const char *way = text(m, "recursiveReadOnly"), *propagation = text(m, "mountPropagation");

    if (!member(m, "recursiveReadOnly") || streq(way, "Disabled"))
        return;
    if (!among(ways, way)) {
        fielderr_not_supported_named(e, at, way, ways);
        return;
    }
    if (!json_is_true(json_object_get(m, "readOnly")))
        fielderr_forbidden(e, at, "may only be specified when readOnly is true");
    if (*propagation && !streq(propagation, "None"))
        fielderr_forbidden(e, at, "may only be specified when mountPropagation is None or not specified");
}

/* Of mounts, or devices, each volume has one path: the last that is told. */
static bool has_path(const json_t *list, const char *key, const char *path)
{
    size_t i, k;
    json_t *d;

    json_array_foreach(list, i, d) {
        for (k = i + 1; k < json_array_size(list) && !streq(text(json_array_get(list, k), "name"), text(d, "name")); k++)
            ;
        if (k == json_array_size(list) && streq(text(d, key), path))
            return true;
    }
    return false;
}

static void volume_mounts(struct fielderrs *e, const json_t *c, const json_t *vols, const struct fpath *path)
{
    static const char *const propagation[] = { "Bidirectional", "HostToContainer", "None", NULL };
    const json_t *list = json_object_get(c, "volumeMounts"), *devices = json_object_get(c, "volumeDevices");
    size_t i;
    json_t *m;

    json_array_foreach(list, i, m) {
        const struct fpath *at = FP_INDEX(path, i);
        const char *name = text(m, "name"), *mount = text(m, "mountPath");
        bool seen = false;
        if (!*name)
            fielderr_required(e, FP_CHILD(at, "name"), "");
        if (!name_before(vols, json_array_size(vols), name) || !*name)
            fielderr_not_found(e, FP_CHILD(at, "name"), json_object_get(m, "name"));
        if (!*mount)
            fielderr_required(e, FP_CHILD(at, "mountPath"), "");
        for (size_t k = 0; k < i && !seen; k++)
            seen = streq(text(json_array_get(list, k), "mountPath"), mount);
        if (seen)
            fielderr_invalid_str(e, FP_CHILD(at, "mountPath"), mount, "must be unique");
        if (name_before(devices, json_array_size(devices), name))
            fielderr_invalid_str(e, FP_CHILD(at, "name"), name, "must not already exist in volumeDevices");
        if (has_path(devices, "devicePath", mount))
            fielderr_invalid_str(e, FP_CHILD(at, "mountPath"), mount, "must not already exist as a path in volumeDevices");
        if (*text(m, "subPath"))
            podspec_local_path(e, text(m, "subPath"), FP_CHILD(path, "subPath"));
        if (*text(m, "subPathExpr")) {
            if (*text(m, "subPath"))
                fielderr_invalid_str(e, FP_CHILD(at, "subPathExpr"), text(m, "subPathExpr"),
                                     "subPathExpr and subPath are mutually exclusive");
            podspec_local_path(e, text(m, "subPathExpr"), FP_CHILD(path, "subPathExpr"));
        }
        const json_t *p = member(m, "mountPropagation");
        if (p) {
            /* The real server leaves the index out. */
            if (!among(propagation, json_string_value(p)))
                fielderr_not_supported_named(e, FP_CHILD(path, "mountPropagation"), json_string_value(p), propagation);
            if (streq(json_string_value(p), "Bidirectional") && !privileged(c))
                fielderr_forbidden(e, FP_CHILD(path, "mountPropagation"),
                                   "Bidirectional mount propagation is available only to privileged containers");
        }
        recursive_read_only(e, m, FP_CHILD(path, "recursiveReadOnly"));
    }
}

/* A block device is a claim, and nothing else of the container has its name or path. */
static void volume_devices(struct fielderrs *e, const json_t *c, const json_t *vols, const struct fpath *path)
{
    const json_t *list = json_object_get(c, "volumeDevices"), *mounts = json_object_get(c, "volumeMounts");
    size_t i, k;
    json_t *d, *v;

    json_array_foreach(list, i, d) {
        const struct fpath *at = FP_INDEX(path, i);
        const char *name = text(d, "name"), *dev = text(d, "devicePath");
        const json_t *volume = NULL;
        bool twice = false;
        json_array_foreach(vols, k, v)
            if (streq(text(v, "name"), name))
                volume = v;
        if (!*name)
            fielderr_required(e, FP_CHILD(at, "name"), "");
        else if (name_before(list, i, name))
            fielderr_invalid_str(e, FP_CHILD(at, "name"), name, "must be unique");
        if (volume && !member(volume, "persistentVolumeClaim") && !member(volume, "ephemeral"))
            fielderr_invalid_str(e, FP_CHILD(at, "name"), name, "can only use volume source type of PersistentVolumeClaim "
                                 "or Ephemeral for block mode");
        if (!volume)
            fielderr_not_found(e, FP_CHILD(at, "name"), json_object_get(d, "name"));
        if (!*dev)
            fielderr_required(e, FP_CHILD(at, "devicePath"), "");
        for (k = 0; k < i; k++)
            twice |= streq(text(json_array_get(list, k), "devicePath"), dev);
        if (twice)
            fielderr_invalid_str(e, FP_CHILD(at, "devicePath"), dev, "must be unique");
        if (podspec_has_backsteps(dev))
            fielderr_invalid_str(e, FP_CHILD(at, "devicePath"), dev, "can not contain backsteps ('..')");
        if (name_before(mounts, json_array_size(mounts), name))
            fielderr_invalid_str(e, FP_CHILD(at, "name"), name, "must not already exist in volumeMounts");
        if (has_path(mounts, "mountPath", dev))
            fielderr_invalid_str(e, FP_CHILD(at, "devicePath"), dev, "must not already exist as a path in volumeMounts");
    }
}

/* What an action needs: exactly one handler, whole. */
static void http_get(struct fielderrs *e, const json_t *h, const struct fpath *path)
{
    static const char *const schemes[] = { "HTTP", "HTTPS", NULL };
    const json_t *port = member(h, "port");
    size_t i;
    json_t *header;

    if (!*text(h, "path"))
        fielderr_required(e, FP_CHILD(path, "path"), "");
    if (json_is_integer(port) && (json_integer_value(port) < 1 || json_integer_value(port) > 65535))
        fielderr_invalid(e, FP_CHILD(path, "port"), port, "must be between 1 and 65535, inclusive");
    else if (json_is_string(port))
        rule_name(e, FP_CHILD(path, "port"), NAME_PORT, json_string_value(port));
    rule_one_of(e, h, path, "scheme", schemes);
    json_array_foreach(json_object_get(h, "httpHeaders"), i, header)
        rule_name(e, FP_CHILD(path, "httpHeaders"), NAME_HTTP_HEADER, text(header, "name"));
}

static void exec_action(struct fielderrs *e, const json_t *h, const struct fpath *path)
{
    if (!json_array_size(json_object_get(h, "command")))
        fielderr_required(e, FP_CHILD(path, "command"), "");
}

static void tcp_socket(struct fielderrs *e, const json_t *h, const struct fpath *path)
{
    const json_t *port = member(h, "port");

    if (json_is_integer(port) && (json_integer_value(port) < 1 || json_integer_value(port) > 65535))
        fielderr_invalid(e, FP_CHILD(path, "port"), port, "must be between 1 and 65535, inclusive");
    else if (json_is_string(port))
        rule_name(e, FP_CHILD(path, "port"), NAME_PORT, json_string_value(port));
}

static void grpc_action(struct fielderrs *e, const json_t *h, const struct fpath *path)
{
    rule_range(e, h, path, "port", 1, 65535);
}

static void handlers(struct fielderrs *e, const json_t *obj, const struct fpath *path, bool lifecycle,
                     int64_t grace)
{
    static const struct {
        const char *name;
        void (*validate)(struct fielderrs *e, const json_t *h, const struct fpath *path);
    } kinds[] = { { "exec", exec_action }, { "httpGet", http_get }, { "tcpSocket", tcp_socket }, { "grpc", grpc_action } };
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const json_t *h = member(obj, kinds[i].name);
        if (!h || (lifecycle && i == 3))
            continue;
        if (n++)
            fielderr_forbidden(e, FP_CHILD(path, kinds[i].name), "may not specify more than 1 handler type");
        else
            kinds[i].validate(e, h, FP_CHILD(path, kinds[i].name));
    }
    const json_t *sleep = lifecycle ? member(obj, "sleep") : NULL;
    if (sleep) {
        int64_t seconds = json_integer_value(json_object_get(sleep, "seconds"));
        if (n++)
            fielderr_forbidden(e, FP_CHILD(path, "sleep"), "may not specify more than 1 handler type");
        else if (seconds < 0 || seconds > grace)
            fielderr_invalid_int(e, FP_CHILD(path, "sleep"), seconds,
                                 "must be non-negative and less than terminationGracePeriodSeconds (%" PRId64 ")",
                                 grace);
    }
    if (n == 0)
        fielderr_required(e, path, "must specify a handler type");
}

static void probe(struct fielderrs *e, const json_t *c, const struct fpath *path, const char *name,
                  int64_t grace)
{
    static const char *const counts[] = { "initialDelaySeconds", "timeoutSeconds", "periodSeconds",
                                          "successThreshold", "failureThreshold" };
    const json_t *p = member(c, name);
    const struct fpath *at = FP_CHILD(path, name);
    const json_t *grace_seconds = member(p, "terminationGracePeriodSeconds");

    if (!p)
        return;
    handlers(e, p, at, false, grace);
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        rule_not_negative(e, p, at, counts[i]);
    if (grace_seconds && json_integer_value(grace_seconds) <= 0)
        fielderr_invalid(e, FP_CHILD(at, "terminationGracePeriodSeconds"), grace_seconds, "must be greater than 0");
    if (streq(name, "readinessProbe")) {
        if (grace_seconds)
            fielderr_invalid(e, FP_CHILD(at, "terminationGracePeriodSeconds"), grace_seconds,
                             "must not be set for readinessProbes");
    } else if (json_integer_value(json_object_get(p, "successThreshold")) != 1) {
        fielderr_invalid(e, FP_CHILD(at, "successThreshold"), json_object_get(p, "successThreshold"), "must be 1");
    }
}

/* ---- security -------------------------------------------------------------------------------------- */

void podspec_seccomp(struct fielderrs *e, const json_t *profile, const struct fpath *path)
{
    static const char *const types[] = { "Localhost", "RuntimeDefault", "Unconfined", NULL };
    const char *type = text(profile, "type");

    if (!profile)
        return;
    if (!*type)
        fielderr_required(e, FP_CHILD(path, "type"), "type is required when seccompProfile is set");
    else
        rule_one_of(e, profile, path, "type", types);
    if (streq(type, "Localhost")) {
        if (!member(profile, "localhostProfile"))
            fielderr_required(e, FP_CHILD(path, "localhostProfile"), "must be set when seccomp type is Localhost");
        else
            podspec_local_path(e, text(profile, "localhostProfile"), FP_CHILD(path, "localhostProfile"));
    } else if (member(profile, "localhostProfile")) {
        json_auto_t *shown = internal_view("core.SeccompProfile", profile);
        fielderr_invalid(e, FP_CHILD(path, "localhostProfile"), shown, "can only be set when seccomp type is Localhost");
    }
}

static void seccomp_annotation(struct fielderrs *e, const json_t *v, const struct fpath *at)
{
    const char *s = json_string_value(v);

    if (!v || streq(s, "runtime/default") || streq(s, "docker/default") || streq(s, "unconfined"))
        return;
    if (str_starts(s, "localhost/"))
        podspec_local_path(e, s + strlen("localhost/"), at);
    else
        fielderr_invalid_str(e, at, s, "must be a valid seccomp profile");
}

/* What was an annotation before it was a field is still looked at. */
void podspec_seccomp_annotations(struct fielderrs *e, const json_t *annotations, const struct fpath *path)
{
    static const char of_pod[] = "seccomp.security.alpha.kubernetes.io/pod";
    const char *key;
    json_t *v;

    seccomp_annotation(e, json_object_get(annotations, of_pod), FP_CHILD(path, of_pod));
    json_object_foreach((json_t *)annotations, key, v)
        if (str_starts(key, "container.seccomp.security.alpha.kubernetes.io/"))
            seccomp_annotation(e, v, FP_CHILD(path, key));
}

void podspec_app_armor(struct fielderrs *e, const json_t *profile, const struct fpath *path)
{
    static const char *const types[] = { "Localhost", "RuntimeDefault", "Unconfined", NULL };
    const json_t *local = member(profile, "localhostProfile");
    const char *type = text(profile, "type"), *name = text(profile, "localhostProfile");
    const struct fpath *at = FP_CHILD(path, "localhostProfile");

    if (!profile)
        return;
    if (!*type)
        fielderr_required(e, FP_CHILD(path, "type"), "type is required when appArmorProfile is set");
    else if (!among(types, type))
        rule_one_of(e, profile, path, "type", types);
    else if (!streq(type, "Localhost") && local)
        fielderr_invalid(e, at, local, "can only be set when AppArmor type is Localhost");
    else if (streq(type, "Localhost") && rule_padded(name))
        fielderr_invalid(e, at, local, "must not be padded with whitespace");
    else if (streq(type, "Localhost") && !*name)
        fielderr_required(e, at, "must be set when AppArmor type is Localhost");
    if (streq(type, "Localhost") && strlen(name) > 4095)
        fielderr_too_long(e, at, 4095);
}

static void container_security(struct fielderrs *e, const json_t *sc, const struct fpath *path, bool host_users)
{
    static const char *const proc_mounts[] = { "Default", "Unmasked", NULL };
    bool escalation_off = json_is_false(member(sc, "allowPrivilegeEscalation"));
    size_t i;
    json_t *cap;

    if (!sc)
        return;
    rule_range(e, sc, path, "runAsUser", 0, INT32_MAX);
    rule_range(e, sc, path, "runAsGroup", 0, INT32_MAX);
    rule_one_of(e, sc, path, "procMount", proc_mounts);
    if (host_users && streq(text(sc, "procMount"), "Unmasked"))
        fielderr_invalid_str(e, FP_CHILD(path, "procMount"), "Unmasked", "`hostUsers` must be false to use `Unmasked`");
    podspec_seccomp(e, member(sc, "seccompProfile"), FP_CHILD(path, "seccompProfile"));
    json_auto_t *shown = escalation_off ? internal_view("core.SecurityContext", sc) : NULL;
    if (escalation_off && json_is_true(member(sc, "privileged")))
        fielderr_invalid(e, path, shown, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    json_array_foreach(json_path(sc, "capabilities.add"), i, cap)
        if (escalation_off && streq(json_string_value(cap), "CAP_SYS_ADMIN"))
            fielderr_invalid(e, path, shown, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` "
                             "CAP_SYS_ADMIN");
    podspec_windows_options(e, sc, path);
    podspec_app_armor(e, member(sc, "appArmorProfile"), FP_CHILD(path, "appArmorProfile"));
}

struct container_context {
    const json_t *spec, *volumes;
    int64_t grace;
    bool init;
};

static void container_common(struct fielderrs *e, const json_t *c, const struct fpath *path,
                             const struct container_context *x)
{
    static const char *const policies[] = { "Always", "IfNotPresent", "Never", NULL };
    static const char *const messages[] = { "File", "FallbackToLogsOnError", NULL };
    const char *name = text(c, "name"), *image = text(c, "image");

    if (!*name)
        fielderr_required(e, FP_CHILD(path, "name"), "");
    else
        rule_name(e, FP_CHILD(path, "name"), NAME_DNS1123_LABEL, name);
    if (!*image)
        fielderr_required(e, FP_CHILD(path, "image"), "");
    rule_one_of(e, c, path, "terminationMessagePolicy", messages);
    ports(e, json_object_get(c, "ports"), FP_CHILD(path, "ports"));
    environment(e, c, path);
    volume_mounts(e, c, x->volumes, FP_CHILD(path, "volumeMounts"));
    volume_devices(e, c, x->volumes, FP_CHILD(path, "volumeDevices"));
    rule_one_of(e, c, path, "imagePullPolicy", policies);
    podspec_container_resources(e, member(c, "resources"), FP_CHILD(path, "resources"));
    podspec_taken_claims(e, member(c, "resources"), x->spec, FP_CHILD(FP_CHILD(path, "resources"), "claims"));
    podspec_resize_policy(e, json_object_get(c, "resizePolicy"), text(x->spec, "restartPolicy"), FP_CHILD(path, "resizePolicy"));
    container_security(e, member(c, "securityContext"), FP_CHILD(path, "securityContext"),
                       !json_is_false(json_object_get(x->spec, "hostUsers")));
}

static void lifecycle_and_probes(struct fielderrs *e, const json_t *c, const struct fpath *path, int64_t grace)
{
    static const char *const hooks[] = { "postStart", "preStop" };
    const json_t *lifecycle = member(c, "lifecycle");

    for (size_t i = 0; lifecycle && i < ARRAY_SIZE(hooks); i++)
        if (member(lifecycle, hooks[i]))
            handlers(e, member(lifecycle, hooks[i]), FP_CHILD(FP_CHILD(path, "lifecycle"), hooks[i]), true, grace);
    probe(e, c, path, "livenessProbe", grace);
    probe(e, c, path, "readinessProbe", grace);
    probe(e, c, path, "startupProbe", grace);
}

/* One port of the node, one container: across the whole Pod. */
static void host_ports(struct fielderrs *e, const json_t *containers, const struct fpath *path)
{
    cleanup_arena struct arena *a = arena_new();
    const char *seen[256];
    size_t i, k, n = 0;
    json_t *c, *p;

    json_array_foreach(containers, i, c)
        json_array_foreach(json_object_get(c, "ports"), k, p) {
            int64_t port = json_integer_value(json_object_get(p, "hostPort"));
            const char *name = arena_printf(a, "%s/%s/%" PRId64, text(p, "protocol"), text(p, "hostIP"), port);
            bool again = false;
            if (!port)
                continue;
            for (size_t s = 0; s < n; s++)
                again |= streq(seen[s], name);
            if (again)
                fielderr_duplicate_str(e, FP_CHILD(FP_INDEX(FP_CHILD(FP_INDEX(path, i), "ports"), k), "hostPort"),
                                       name);
            else if (n < ARRAY_SIZE(seen))
                seen[n++] = name;
        }
}

static void containers(struct fielderrs *e, const struct container_context *x, const struct fpath *path)
{
    const json_t *list = json_object_get(x->spec, "containers");
    size_t i;
    json_t *c;

    if (!json_array_size(list)) {
        fielderr_required(e, path, "");
        return;
    }
    json_array_foreach(list, i, c) {
        const struct fpath *at = FP_INDEX(path, i);
        container_common(e, c, at, x);
        if (name_before(list, i, text(c, "name")))
            fielderr_duplicate_str(e, FP_CHILD(at, "name"), text(c, "name"));
        lifecycle_and_probes(e, c, at, x->grace);
    }
    host_ports(e, list, path);
}

static void init_containers(struct fielderrs *e, const struct container_context *x, const struct fpath *path)
{
    static const char *const only_sidecars[] = { "lifecycle", "livenessProbe", "readinessProbe", "startupProbe" };
    static const char *const always[] = { "Always", NULL };
    const json_t *list = json_object_get(x->spec, "initContainers");
    const json_t *regular = json_object_get(x->spec, "containers");
    size_t i;
    json_t *c;

    json_array_foreach(list, i, c) {
        const struct fpath *at = FP_INDEX(path, i);
        const char *name = text(c, "name");
        bool sidecar = streq(text(c, "restartPolicy"), "Always");
        container_common(e, c, at, x);
        rule_one_of(e, c, at, "restartPolicy", always);
        if (*name && (name_before(list, i, name) || name_before(regular, json_array_size(regular), name)))
            fielderr_duplicate_str(e, FP_CHILD(at, "name"), name);
        if (sidecar) {
            lifecycle_and_probes(e, c, at, x->grace);
            continue;
        }
        for (size_t k = 0; k < ARRAY_SIZE(only_sidecars); k++)
            if (member(c, only_sidecars[k]))
                fielderr_forbidden(e, FP_CHILD(at, only_sidecars[k]),
                                   "may not be set for init containers without restartPolicy=Always");
    }
}

/* Only what a debugger needs; nothing that a pod could come to rely on. */
static void ephemeral_containers(struct fielderrs *e, const struct container_context *x, const struct fpath *path)
{
    static const char *const refused[] = { "ports", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe",
                                           "readinessProbe", "startupProbe", "lifecycle" };
    static const char *const subs[] = { "subPath", "subPathExpr" };
    static const char words[] = "cannot be set for an Ephemeral Container";
    const json_t *regular = json_object_get(x->spec, "containers"), *init = json_object_get(x->spec, "initContainers");
    const json_t *list = json_object_get(x->spec, "ephemeralContainers");
    size_t i, k;
    json_t *c, *m;

    json_array_foreach(list, i, c) {
        const struct fpath *at = FP_INDEX(path, i);
        const char *name = text(c, "name"), *target = text(c, "targetContainerName");
        container_common(e, c, at, x);
        podspec_image_trimmed(e, c, at);
        if (name_before(list, i, name) || name_before(regular, json_array_size(regular), name) ||
            name_before(init, json_array_size(init), name))
            fielderr_duplicate_str(e, FP_CHILD(at, "name"), name);
        if (*target && !name_before(regular, json_array_size(regular), target) &&
            !name_before(init, json_array_size(init), target))
            fielderr_not_found(e, FP_CHILD(at, "targetContainerName"), member(c, "targetContainerName"));
        for (size_t r = 0; r < ARRAY_SIZE(refused); r++) {
            if (member(c, refused[r]))
                fielderr_forbidden(e, FP_CHILD(at, refused[r]), "%s", words);
            if (r == 0 && json_object_size(member(c, "resources")))
                fielderr_forbidden(e, FP_CHILD(at, "resources"), "%s", words);
        }
        json_array_foreach(json_object_get(c, "volumeMounts"), k, m)
            for (size_t r = 0; r < ARRAY_SIZE(subs); r++)
                if (*text(m, subs[r]))
                    fielderr_forbidden(e, FP_CHILD(FP_INDEX(FP_CHILD(at, "volumeMounts"), k), subs[r]), "%s", words);
    }
}

void podspec_containers(struct fielderrs *e, const json_t *spec, const json_t *volumes, const struct fpath *path)
{
    const json_t *grace = member(spec, "terminationGracePeriodSeconds");
    struct container_context x = { .spec = spec, .volumes = volumes,
                                   .grace = grace ? json_integer_value(grace) : 30 };

    containers(e, &x, FP_CHILD(path, "containers"));
    init_containers(e, &x, FP_CHILD(path, "initContainers"));
    ephemeral_containers(e, &x, FP_CHILD(path, "ephemeralContainers"));
}
