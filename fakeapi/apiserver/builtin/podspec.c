#include "fakeapi/apiserver/builtin/podspec.h"

#include <inttypes.h>
#include <stdio.h>

#include "kube/json.h"
#include "kube/names.h"
#include "kube/quantity.h"

/* ---- small tools ------------------------------------------------------------------------------- */

static const char *text(const json_t *obj, const char *member)
{
    const char *s = json_string_value(json_object_get(obj, member));

    return s ? s : "";
}

static const json_t *member(const json_t *obj, const char *name)
{
    const json_t *v = json_object_get(obj, name);

    return json_is_null(v) ? NULL : v;
}

void validate_name(struct fielderrs *e, const struct fpath *path, unsigned rule, const char *value)
{
    struct name_problems p;

    name_check_str(rule, value, &p);
    for (size_t i = 0; i < p.n; i++)
        fielderr_invalid_str(e, path, value, "%s", p.v[i]);
}

void validate_labels(struct fielderrs *e, const json_t *labels, const struct fpath *path)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)labels, key, v) {
        struct name_problems p;
        validate_name(e, path, NAME_QUALIFIED, key);
        name_check_json(NAME_LABEL_VALUE, v, &p);
        for (size_t i = 0; i < p.n; i++)
            fielderr_invalid(e, path, v, "%s", p.v[i]);
    }
}

void validate_not_negative(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name)
{
    const json_t *v = member(obj, name);

    if (v && json_integer_value(v) < 0)
        fielderr_invalid(e, FP_CHILD(path, name), v, "must be greater than or equal to 0");
}

static bool among(const char *const *list, const char *value)
{
    for (; *list; list++)
        if (streq(*list, value))
            return true;
    return false;
}

void validate_one_of(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name,
                     const char *const *allowed)
{
    const json_t *v = member(obj, name);

    if (v && !among(allowed, json_string_value(v) ? json_string_value(v) : ""))
        fielderr_not_supported(e, FP_CHILD(path, name), v, allowed);
}

static void validate_range(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name,
                           int64_t low, int64_t high)
{
    const json_t *v = member(obj, name);

    if (v && (json_integer_value(v) < low || json_integer_value(v) > high))
        fielderr_invalid(e, FP_CHILD(path, name), v, "must be between %" PRId64 " and %" PRId64 ", inclusive",
                         low, high);
}

/* ---- selectors --------------------------------------------------------------------------------- */

static void selector_requirement(struct fielderrs *e, const json_t *r, const struct fpath *path)
{
    const char *op = text(r, "operator");
    size_t n = json_array_size(json_object_get(r, "values")), i;
    json_t *v;

    if (streq(op, "In") || streq(op, "NotIn")) {
        if (n == 0)
            fielderr_required(e, FP_CHILD(path, "values"), "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (streq(op, "Exists") || streq(op, "DoesNotExist")) {
        if (n > 0)
            fielderr_forbidden(e, FP_CHILD(path, "values"),
                               "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
        fielderr_invalid(e, FP_CHILD(path, "operator"), json_object_get(r, "operator"),
                         "not a valid selector operator");
    }
    validate_name(e, FP_CHILD(path, "key"), NAME_QUALIFIED, text(r, "key"));
    json_array_foreach(json_object_get(r, "values"), i, v) {
        struct name_problems p;
        name_check_json(NAME_LABEL_VALUE, v, &p);
        for (size_t k = 0; k < p.n; k++)
            fielderr_invalid(e, FP_INDEX(FP_CHILD(path, "values"), i), v, "%s", p.v[k]);
    }
}

void label_selector_validate(struct fielderrs *e, const json_t *selector, const struct fpath *path)
{
    size_t i;
    json_t *r;

    validate_labels(e, member(selector, "matchLabels"), FP_CHILD(path, "matchLabels"));
    json_array_foreach(json_object_get(selector, "matchExpressions"), i, r)
        selector_requirement(e, r, FP_INDEX(FP_CHILD(path, "matchExpressions"), i));
}

static void node_requirement(struct fielderrs *e, const json_t *r, const struct fpath *path)
{
    const char *op = text(r, "operator");
    size_t n = json_array_size(json_object_get(r, "values"));

    if (streq(op, "In") || streq(op, "NotIn")) {
        if (n == 0)
            fielderr_required(e, FP_CHILD(path, "values"), "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (streq(op, "Exists") || streq(op, "DoesNotExist")) {
        if (n > 0)
            fielderr_forbidden(e, FP_CHILD(path, "values"),
                               "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else if (streq(op, "Gt") || streq(op, "Lt")) {
        if (n != 1)
            fielderr_required(e, FP_CHILD(path, "values"),
                              "must be specified single value when `operator` is 'Lt' or 'Gt'");
    } else {
        fielderr_invalid(e, FP_CHILD(path, "operator"), json_object_get(r, "operator"),
                         "not a valid selector operator");
    }
    validate_name(e, FP_CHILD(path, "key"), NAME_QUALIFIED, text(r, "key"));
}

static void node_term(struct fielderrs *e, const json_t *term, const struct fpath *path)
{
    size_t i;
    json_t *r;

    json_array_foreach(json_object_get(term, "matchExpressions"), i, r)
        node_requirement(e, r, FP_INDEX(FP_CHILD(path, "matchExpressions"), i));
}

/* ---- volumes ----------------------------------------------------------------------------------- */

static void file_mode(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name)
{
    const json_t *v = member(obj, name);

    if (v && (json_integer_value(v) < 0 || json_integer_value(v) > 0777))
        fielderr_invalid(e, FP_CHILD(path, name), v, "must be a number between 0 and 0777 (octal), both inclusive");
}

/* Relative, and never upwards. */
static void local_path(struct fielderrs *e, const char *value, const struct fpath *path)
{
    if (value[0] == '/')
        fielderr_invalid_str(e, path, value, "must be a relative path");
    for (const char *at = value; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (streq(at, "..") || str_starts(at, "../")) {
            fielderr_invalid_str(e, path, value, "must not contain '..'");
            break;
        }
    }
}

static void key_to_path(struct fielderrs *e, const json_t *items, const struct fpath *path)
{
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item) {
        const struct fpath *at = FP_INDEX(path, i);
        if (!*text(item, "key"))
            fielderr_required(e, FP_CHILD(at, "key"), "");
        if (!*text(item, "path"))
            fielderr_required(e, FP_CHILD(at, "path"), "");
        else
            local_path(e, text(item, "path"), FP_CHILD(at, "path"));
        file_mode(e, item, at, "mode");
    }
}

static const char *const field_paths_volume[] = { "metadata.annotations", "metadata.labels", "metadata.name",
                                                  "metadata.namespace", "metadata.uid", NULL };
static const char *const field_paths_env[] = { "metadata.name", "metadata.namespace", "metadata.uid",
                                               "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
                                               "status.hostIPs", "status.podIP", "status.podIPs", NULL };
static const char *const container_resources[] = { "limits.cpu", "limits.ephemeral-storage", "limits.memory",
                                                   "requests.cpu", "requests.ephemeral-storage",
                                                   "requests.memory", NULL };

/* metadata.labels['key'] and metadata.annotations['key'] are good everywhere. */
static bool subscripted(const char *path)
{
    return (str_starts(path, "metadata.labels['") || str_starts(path, "metadata.annotations['"))
           && str_ends(path, "']");
}

static void field_ref(struct fielderrs *e, const json_t *ref, const struct fpath *path,
                      const char *const *allowed)
{
    const char *at = text(ref, "fieldPath");

    if (!*text(ref, "apiVersion")) {
        fielderr_required(e, FP_CHILD(path, "apiVersion"), "");
        return;
    }
    if (!*at) {
        fielderr_required(e, FP_CHILD(path, "fieldPath"), "");
        return;
    }
    if (!subscripted(at) && !among(allowed, at))
        fielderr_not_supported(e, FP_CHILD(path, "fieldPath"), json_object_get(ref, "fieldPath"), allowed);
}

static void resource_ref(struct fielderrs *e, const json_t *ref, const struct fpath *path, bool volume)
{
    const char *resource = text(ref, "resource"), *divisor = text(ref, "divisor");

    if (volume && !*text(ref, "containerName")) {
        fielderr_required(e, FP_CHILD(path, "containerName"), "");
        return;
    }
    if (!*resource) {
        fielderr_required(e, FP_CHILD(path, "resource"), "");
        return;
    }
    if (!among(container_resources, resource)) {
        fielderr_not_supported(e, FP_CHILD(path, "resource"), json_object_get(ref, "resource"),
                               container_resources);
        return;
    }
    if (str_ends(resource, ".cpu") && *divisor && !streq(divisor, "0") && !streq(divisor, "1")
        && !streq(divisor, "1m"))
        fielderr_invalid_str(e, FP_CHILD(path, "divisor"), resource,
                             "only divisor's values 1m and 1 are supported with the cpu resource");
}

static void downward_items(struct fielderrs *e, const json_t *source, const struct fpath *path)
{
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(source, "items"), i, item) {
        const json_t *field = member(item, "fieldRef"), *resource = member(item, "resourceFieldRef");
        if (!*text(item, "path"))
            fielderr_required(e, FP_CHILD(path, "path"), "");
        else
            local_path(e, text(item, "path"), FP_CHILD(path, "path"));
        if (field) {
            field_ref(e, field, FP_CHILD(path, "fieldRef"), field_paths_volume);
            if (resource)
                fielderr_invalid_str(e, path, "resource", "fieldRef and resourceFieldRef can not be specified "
                                     "simultaneously");
        } else if (resource) {
            resource_ref(e, resource, FP_CHILD(path, "resourceFieldRef"), true);
        } else {
            fielderr_required(e, path, "one of fieldRef and resourceFieldRef is required");
        }
        file_mode(e, item, path, "mode");
    }
}

/* Two sources of a projected volume must not write the same file. */
struct paths_seen {
    const char *v[256];
    size_t n;
};

static void path_once(struct fielderrs *e, struct paths_seen *seen, const char *path, const struct fpath *at)
{
    for (size_t i = 0; i < seen->n; i++)
        if (*path && streq(seen->v[i], path)) {
            fielderr_invalid_str(e, at, path, "conflicting duplicate paths");
            return;
        }
    if (*path && seen->n < ARRAY_SIZE(seen->v))
        seen->v[seen->n++] = path;
}

static void projected(struct fielderrs *e, const json_t *source, const struct fpath *path)
{
    struct paths_seen seen = { .n = 0 };
    size_t i, k;
    json_t *s, *item;

    file_mode(e, source, path, "defaultMode");
    json_array_foreach(json_object_get(source, "sources"), i, s) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "sources"), i);
        static const char *const named[] = { "secret", "configMap" };
        for (size_t n = 0; n < ARRAY_SIZE(named); n++) {
            const json_t *one = member(s, named[n]);
            if (!one)
                continue;
            if (!*text(one, "name"))
                fielderr_required(e, FP_CHILD(FP_CHILD(at, named[n]), "name"), "");
            key_to_path(e, json_object_get(one, "items"), FP_CHILD(FP_CHILD(at, named[n]), "items"));
            json_array_foreach(json_object_get(one, "items"), k, item)
                path_once(e, &seen, text(item, "path"), path);
        }
        if (member(s, "downwardAPI")) {
            downward_items(e, member(s, "downwardAPI"), FP_CHILD(at, "downwardAPI"));
            json_array_foreach(json_object_get(member(s, "downwardAPI"), "items"), k, item)
                path_once(e, &seen, text(item, "path"), path);
        }
        const json_t *token = member(s, "serviceAccountToken");
        if (token) {
            const struct fpath *in = FP_CHILD(at, "serviceAccountToken");
            const json_t *seconds = member(token, "expirationSeconds");
            if (seconds && json_integer_value(seconds) < 600)
                fielderr_invalid(e, FP_CHILD(in, "expirationSeconds"), seconds,
                                 "may not specify a duration less than 10 minutes");
            if (seconds && json_integer_value(seconds) > INT64_C(1) << 32)
                fielderr_invalid(e, FP_CHILD(in, "expirationSeconds"), seconds,
                                 "may not specify a duration larger than 2^32 seconds");
            if (!*text(token, "path"))
                fielderr_required(e, FP_CHILD(in, "path"), "");
            else
                local_path(e, text(token, "path"), FP_CHILD(in, "path"));
            path_once(e, &seen, text(token, "path"), path);
        }
    }
}

static void empty_dir(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    const char *size = text(v, "sizeLimit");

    if (*size == '-')
        fielderr_forbidden(e, FP_CHILD(path, "sizeLimit"), "SizeLimit field must be a valid resource quantity");
}

static void host_path(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    static const char *const types[] = { "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File",
                                         "FileOrCreate", "Socket", NULL };

    if (!*text(v, "path")) {
        fielderr_required(e, FP_CHILD(path, "path"), "");
        return;
    }
    for (const char *at = text(v, "path"); at; at = strchr(at, '/')) {
        at += *at == '/';
        if (streq(at, "..") || str_starts(at, "../")) {
            fielderr_invalid_str(e, FP_CHILD(path, "path"), text(v, "path"), "must not contain '..'");
            break;
        }
    }
    validate_one_of(e, v, path, "type", types);
}

static void named_source(struct fielderrs *e, const json_t *v, const struct fpath *path, const char *name)
{
    if (!*text(v, name))
        fielderr_required(e, FP_CHILD(path, name), "");
    file_mode(e, v, path, "defaultMode");
    key_to_path(e, json_object_get(v, "items"), FP_CHILD(path, "items"));
}

static void downward(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    file_mode(e, v, path, "defaultMode");
    downward_items(e, v, path);
}

static void secret_source(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    named_source(e, v, path, "secretName");
}

static void config_map_source(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    named_source(e, v, path, "name");
}

static void claim_source(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    if (!*text(v, "claimName"))
        fielderr_required(e, FP_CHILD(path, "claimName"), "");
}

static void nfs_source(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    if (!*text(v, "server"))
        fielderr_required(e, FP_CHILD(path, "server"), "");
    if (!*text(v, "path"))
        fielderr_required(e, FP_CHILD(path, "path"), "");
    else if (text(v, "path")[0] != '/')
        fielderr_invalid_str(e, FP_CHILD(path, "path"), text(v, "path"), "must be an absolute path");
}

static void csi_source(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    if (!*text(v, "driver"))
        fielderr_required(e, FP_CHILD(path, "driver"), "");
}

static void anything(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
}

static const struct volume_source {
    const char *name;
    void (*validate)(struct fielderrs *e, const json_t *v, const struct fpath *path);
} volume_sources[] = {
    { "emptyDir", empty_dir }, { "hostPath", host_path }, { "gitRepo", anything },
    { "gcePersistentDisk", anything }, { "awsElasticBlockStore", anything }, { "secret", secret_source },
    { "nfs", nfs_source }, { "iscsi", anything }, { "glusterfs", anything }, { "flocker", anything },
    { "persistentVolumeClaim", claim_source }, { "rbd", anything }, { "cinder", anything },
    { "cephfs", anything }, { "quobyte", anything }, { "downwardAPI", downward }, { "fc", anything },
    { "flexVolume", anything }, { "configMap", config_map_source }, { "azureFile", anything },
    { "vsphereVolume", anything }, { "photonPersistentDisk", anything }, { "portworxVolume", anything },
    { "azureDisk", anything }, { "storageos", anything }, { "projected", projected }, { "scaleIO", anything },
    { "csi", csi_source }, { "ephemeral", anything }, { "image", anything },
};

static void volume(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(volume_sources); i++) {
        const json_t *source = member(v, volume_sources[i].name);
        if (!source)
            continue;
        if (n++)
            fielderr_forbidden(e, FP_CHILD(path, volume_sources[i].name), "may not specify more than 1 volume type");
        else
            volume_sources[i].validate(e, source, FP_CHILD(path, volume_sources[i].name));
    }
    if (n == 0)
        fielderr_required(e, path, "must specify a volume type");
}

static bool name_before(const json_t *list, size_t i, const char *name)
{
    for (size_t k = 0; k < i; k++)
        if (streq(text(json_array_get(list, k), "name"), name))
            return true;
    return false;
}

static void volumes(struct fielderrs *e, const json_t *list, const struct fpath *path)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v) {
        const struct fpath *at = FP_INDEX(path, i);
        const char *name = text(v, "name");
        volume(e, v, at);
        if (!*name)
            fielderr_required(e, FP_CHILD(at, "name"), "");
        else
            validate_name(e, FP_CHILD(at, "name"), NAME_DNS1123_LABEL, name);
        if (*name && name_before(list, i, name))
            fielderr_duplicate_str(e, FP_CHILD(at, "name"), name);
    }
}

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
            validate_name(e, FP_CHILD(at, "name"), NAME_PORT, name);
            if (name_check_str(NAME_PORT, name, NULL) && name_before(list, i, name))
                fielderr_duplicate_str(e, FP_CHILD(at, "name"), name);
        }
        if (port == 0)
            fielderr_required(e, FP_CHILD(at, "containerPort"), "");
        else
            validate_range(e, p, at, "containerPort", 1, 65535);
        if (host)
            validate_range(e, p, at, "hostPort", 1, 65535);
        if (!*text(p, "protocol"))
            fielderr_required(e, FP_CHILD(at, "protocol"), "");
        else
            validate_one_of(e, p, at, "protocol", protocols);
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
        field_ref(e, member(from, "fieldRef"), FP_CHILD(path, "fieldRef"), field_paths_env);
    }
    if (member(from, "resourceFieldRef")) {
        n++;
        resource_ref(e, member(from, "resourceFieldRef"), FP_CHILD(path, "resourceFieldRef"), false);
    }
    static const char *const refs[] = { "configMapKeyRef", "secretKeyRef" };
    for (size_t i = 0; i < ARRAY_SIZE(refs); i++) {
        const json_t *ref = member(from, refs[i]);
        if (!ref)
            continue;
        n++;
        if (!*text(ref, "name"))
            fielderr_required(e, FP_CHILD(FP_CHILD(path, refs[i]), "name"), "");
        if (!*text(ref, "key"))
            fielderr_required(e, FP_CHILD(FP_CHILD(path, refs[i]), "key"), "");
        else
            validate_name(e, FP_CHILD(FP_CHILD(path, refs[i]), "key"), NAME_CONFIG_MAP_KEY, text(ref, "key"));
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

static void environment(struct fielderrs *e, const json_t *c, const struct fpath *path)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_object_get(c, "env"), i, v) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "env"), i);
        if (!*text(v, "name"))
            fielderr_required(e, FP_CHILD(at, "name"), "");
        else
            validate_name(e, FP_CHILD(at, "name"), NAME_ENV_VAR, text(v, "name"));
        env_value_from(e, v, FP_CHILD(at, "valueFrom"));
    }
    json_array_foreach(json_object_get(c, "envFrom"), i, v) {
        const struct fpath *list = FP_CHILD(path, "envFrom"), *at = FP_INDEX(list, i);
        const json_t *map = member(v, "configMapRef"), *secret = member(v, "secretRef");
        if (*text(v, "prefix"))
            validate_name(e, FP_CHILD(at, "prefix"), NAME_ENV_VAR, text(v, "prefix"));
        if (map && !*text(map, "name"))
            fielderr_required(e, FP_CHILD(FP_CHILD(at, "configMapRef"), "name"), "");
        if (secret && !*text(secret, "name"))
            fielderr_required(e, FP_CHILD(FP_CHILD(at, "secretRef"), "name"), "");
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

static void volume_mounts(struct fielderrs *e, const json_t *c, const json_t *vols, const struct fpath *path)
{
    static const char *const propagation[] = { "Bidirectional", "HostToContainer", "None", NULL };
    const json_t *list = json_object_get(c, "volumeMounts");
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
        if (seen && *mount)
            fielderr_invalid_str(e, FP_CHILD(at, "mountPath"), mount, "must be unique");
        if (*text(m, "subPath"))
            local_path(e, text(m, "subPath"), FP_CHILD(FP_INDEX(path, i), "subPath"));
        if (*text(m, "subPathExpr")) {
            if (*text(m, "subPath"))
                fielderr_invalid_str(e, FP_CHILD(at, "subPathExpr"), text(m, "subPathExpr"),
                                     "subPathExpr and subPath are mutually exclusive");
            local_path(e, text(m, "subPathExpr"), FP_CHILD(at, "subPathExpr"));
        }
        const json_t *p = member(m, "mountPropagation");
        if (p) {
            /* The real server leaves the index out. */
            if (!among(propagation, json_string_value(p)))
                fielderr_not_supported(e, FP_CHILD(path, "mountPropagation"), p, propagation);
            if (streq(json_string_value(p), "Bidirectional") && !privileged(c))
                fielderr_forbidden(e, FP_CHILD(path, "mountPropagation"),
                                   "Bidirectional mount propagation is available only to privileged containers");
        }
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
        validate_name(e, FP_CHILD(path, "port"), NAME_PORT, json_string_value(port));
    validate_one_of(e, h, path, "scheme", schemes);
    json_array_foreach(json_object_get(h, "httpHeaders"), i, header)
        validate_name(e, FP_CHILD(path, "httpHeaders"), NAME_HTTP_HEADER, text(header, "name"));
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
        validate_name(e, FP_CHILD(path, "port"), NAME_PORT, json_string_value(port));
}

static void grpc_action(struct fielderrs *e, const json_t *h, const struct fpath *path)
{
    validate_range(e, h, path, "port", 1, 65535);
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
        validate_not_negative(e, p, at, counts[i]);
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

/* ---- resources --------------------------------------------------------------------------------- */

static bool standard_container_resource(const char *name)
{
    return streq(name, "cpu") || streq(name, "memory") || streq(name, "ephemeral-storage")
           || str_starts(name, "hugepages-");
}

static void resource_name(struct fielderrs *e, const char *name, const struct fpath *path)
{
    struct name_problems p;

    name_check_str(NAME_QUALIFIED, name, &p);
    for (size_t i = 0; i < p.n; i++)
        fielderr_invalid_str(e, path, name, "%s", p.v[i]);
    if (p.n)
        return;
    if (!strchr(name, '/')) {
        if (streq(name, "pods") || streq(name, "services") || streq(name, "storage"))
            fielderr_invalid_str(e, path, name, "must be a standard resource for containers");
        else if (!standard_container_resource(name)) {
            fielderr_invalid_str(e, path, name, "must be a standard resource type or fully qualified");
            fielderr_invalid_str(e, path, name, "must be a standard resource for containers");
        }
        return;
    }
    if (str_starts(name, "kubernetes.io/") || strstr(name, ".kubernetes.io/"))
        fielderr_invalid_str(e, path, name, "doesn't follow extended resource name standard");
}

static void amounts(struct fielderrs *e, const json_t *map, const struct fpath *path)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)map, name, v) {
        const struct fpath *at = FP_KEY(path, name);
        struct quantity q;
        resource_name(e, name, at);
        if (quantity_parse(json_string_value(v) ? json_string_value(v) : "", &q) && quantity_sign(&q) < 0)
            fielderr_invalid(e, at, v, "must be greater than or equal to 0");
    }
}

static void resources(struct fielderrs *e, const json_t *r, const struct fpath *path)
{
    const json_t *limits = member(r, "limits"), *requests = member(r, "requests");
    const char *name;
    json_t *v;
    bool huge = false, plain = false;

    amounts(e, limits, FP_CHILD(path, "limits"));
    amounts(e, requests, FP_CHILD(path, "requests"));
    json_object_foreach((json_t *)requests, name, v) {
        json_t *limit = json_object_get(limits, name);
        struct quantity asked, most;
        if (!limit || !quantity_parse(json_string_value(v), &asked) || !quantity_parse(json_string_value(limit), &most))
            continue;
        bool overcommit = streq(name, "cpu") || streq(name, "memory") || streq(name, "ephemeral-storage");
        if (overcommit ? quantity_compare(&asked, &most) > 0 : quantity_compare(&asked, &most) != 0)
            fielderr_invalid(e, FP_CHILD(path, "requests"), v, "must be %s %s limit of %s",
                             overcommit ? "less than or equal to" : "equal to", name, json_string_value(limit));
    }
    json_object_foreach((json_t *)limits, name, v) {
        huge |= str_starts(name, "hugepages-");
        plain |= streq(name, "cpu") || streq(name, "memory");
    }
    json_object_foreach((json_t *)requests, name, v) {
        huge |= str_starts(name, "hugepages-");
        plain |= streq(name, "cpu") || streq(name, "memory");
    }
    if (huge && !plain)
        fielderr_forbidden(e, path, "HugePages require cpu or memory");
}

static void seccomp(struct fielderrs *e, const json_t *profile, const struct fpath *path)
{
    static const char *const types[] = { "Localhost", "RuntimeDefault", "Unconfined", NULL };
    const char *type = text(profile, "type");

    if (!profile)
        return;
    if (streq(type, "Localhost")) {
        if (!member(profile, "localhostProfile"))
            fielderr_required(e, FP_CHILD(path, "localhostProfile"), "must be set when seccomp type is Localhost");
        else
            local_path(e, text(profile, "localhostProfile"), FP_CHILD(path, "localhostProfile"));
    } else if (member(profile, "localhostProfile")) {
        fielderr_invalid(e, FP_CHILD(path, "localhostProfile"), member(profile, "localhostProfile"),
                         "can only be set when seccomp type is Localhost");
    }
    if (!*type)
        fielderr_required(e, FP_CHILD(path, "type"), "");
    else
        validate_one_of(e, profile, path, "type", types);
}

static void container_security(struct fielderrs *e, const json_t *sc, const struct fpath *path)
{
    static const char *const proc_mounts[] = { "Default", "Unmasked", NULL };
    bool escalation_off = json_is_false(member(sc, "allowPrivilegeEscalation"));
    size_t i;
    json_t *cap;

    if (!sc)
        return;
    validate_range(e, sc, path, "runAsUser", 0, INT32_MAX);
    validate_range(e, sc, path, "runAsGroup", 0, INT32_MAX);
    validate_one_of(e, sc, path, "procMount", proc_mounts);
    seccomp(e, member(sc, "seccompProfile"), FP_CHILD(path, "seccompProfile"));
    if (escalation_off && json_is_true(member(sc, "privileged")))
        fielderr_invalid(e, path, sc, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    json_array_foreach(json_path(sc, "capabilities.add"), i, cap)
        if (escalation_off && streq(json_string_value(cap), "CAP_SYS_ADMIN"))
            fielderr_invalid(e, path, sc, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` "
                             "CAP_SYS_ADMIN");
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
    static const char *const messages[] = { "FallbackToLogsOnError", "File", NULL };
    const char *name = text(c, "name"), *image = text(c, "image");

    if (!*name)
        fielderr_required(e, FP_CHILD(path, "name"), "");
    else
        validate_name(e, FP_CHILD(path, "name"), NAME_DNS1123_LABEL, name);
    if (!*image)
        fielderr_required(e, FP_CHILD(path, "image"), "");
    else if (*image == ' ' || image[strlen(image) - 1] == ' ')
        fielderr_invalid_str(e, FP_CHILD(path, "image"), image, "must not have leading or trailing whitespace");
    validate_one_of(e, c, path, "terminationMessagePolicy", messages);
    ports(e, json_object_get(c, "ports"), FP_CHILD(path, "ports"));
    environment(e, c, path);
    volume_mounts(e, c, x->volumes, FP_CHILD(path, "volumeMounts"));
    validate_one_of(e, c, path, "imagePullPolicy", policies);
    resources(e, member(c, "resources"), FP_CHILD(path, "resources"));
    container_security(e, member(c, "securityContext"), FP_CHILD(path, "securityContext"));
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
        if (*text(c, "name") && name_before(list, i, text(c, "name")))
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
        validate_one_of(e, c, at, "restartPolicy", always);
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

/* ---- the rest of the spec ---------------------------------------------------------------------- */

static void pod_security(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const change[] = { "Always", "OnRootMismatch", NULL };
    const json_t *sc = member(spec, "securityContext");
    size_t i, k;
    json_t *v;

    if (json_is_true(json_object_get(spec, "hostPID")) && json_is_true(json_object_get(spec, "shareProcessNamespace")))
        fielderr_invalid(e, FP_CHILD(path, "shareProcessNamespace"), json_object_get(spec, "shareProcessNamespace"),
                         "ShareProcessNamespace and HostPID cannot both be enabled");
    if (!sc)
        return;
    validate_range(e, sc, path, "fsGroup", 0, INT32_MAX);
    validate_range(e, sc, path, "runAsUser", 0, INT32_MAX);
    validate_range(e, sc, path, "runAsGroup", 0, INT32_MAX);
    json_array_foreach(json_object_get(sc, "supplementalGroups"), i, v)
        if (json_integer_value(v) < 0 || json_integer_value(v) > INT32_MAX)
            fielderr_invalid(e, FP_INDEX(FP_CHILD(path, "supplementalGroups"), i), v,
                             "must be between 0 and 2147483647, inclusive");
    json_array_foreach(json_object_get(sc, "sysctls"), i, v) {
        const struct fpath *at = FP_CHILD(FP_INDEX(FP_CHILD(path, "sysctls"), i), "name");
        const char *name = text(v, "name");
        if (!*name)
            fielderr_required(e, at, "");
        else if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_./") != strlen(name) || strlen(name) > 253)
            fielderr_invalid_str(e, at, name, "must have at most 253 characters and match regex %s",
                                 "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
        for (k = 0; k < i; k++)
            if (streq(text(json_array_get(json_object_get(sc, "sysctls"), k), "name"), name)) {
                fielderr_duplicate_str(e, at, name);
                break;
            }
    }
    validate_one_of(e, sc, path, "fsGroupChangePolicy", change);
    seccomp(e, member(sc, "seccompProfile"), FP_CHILD(path, "seccompProfile"));
}

static void affinity_term(struct fielderrs *e, const json_t *term, const struct fpath *path)
{
    const char *key = text(term, "topologyKey");
    size_t i;
    json_t *ns;

    label_selector_validate(e, member(term, "labelSelector"), FP_CHILD(path, "labelSelector"));
    label_selector_validate(e, member(term, "namespaceSelector"), FP_CHILD(path, "namespaceSelector"));
    json_array_foreach(json_object_get(term, "namespaces"), i, ns)
        validate_name(e, FP_CHILD(path, "namespace"), NAME_DNS1123_LABEL, json_string_value(ns));
    if (!*key)
        fielderr_required(e, FP_CHILD(path, "topologyKey"), "can not be empty");
    validate_name(e, FP_CHILD(path, "topologyKey"), NAME_QUALIFIED, key);
}

static void pod_affinity(struct fielderrs *e, const json_t *a, const struct fpath *path)
{
    static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution",
                      preferred[] = "preferredDuringSchedulingIgnoredDuringExecution";
    size_t i;
    json_t *t;

    json_array_foreach(json_object_get(a, required), i, t)
        affinity_term(e, t, FP_INDEX(FP_CHILD(path, required), i));
    json_array_foreach(json_object_get(a, preferred), i, t) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, preferred), i);
        int64_t weight = json_integer_value(json_object_get(t, "weight"));
        if (weight < 1 || weight > 100)
            fielderr_invalid_int(e, FP_CHILD(at, "weight"), weight, "must be in the range 1-100");
        affinity_term(e, member(t, "podAffinityTerm"), FP_CHILD(at, "podAffinityTerm"));
    }
}

static void affinity(struct fielderrs *e, const json_t *a, const struct fpath *path)
{
    static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution",
                      preferred[] = "preferredDuringSchedulingIgnoredDuringExecution";
    const json_t *node = member(a, "nodeAffinity"), *terms;
    const struct fpath *at = FP_CHILD(path, "nodeAffinity");
    size_t i;
    json_t *t;

    if (member(node, required)) {
        terms = json_object_get(member(node, required), "nodeSelectorTerms");
        const struct fpath *list = FP_CHILD(FP_CHILD(at, required), "nodeSelectorTerms");
        if (!json_array_size(terms))
            fielderr_required(e, list, "must have at least one node selector term");
        json_array_foreach(terms, i, t)
            node_term(e, t, FP_INDEX(list, i));
    }
    json_array_foreach(json_object_get(node, preferred), i, t) {
        const struct fpath *in = FP_INDEX(FP_CHILD(at, preferred), i);
        int64_t weight = json_integer_value(json_object_get(t, "weight"));
        if (weight < 1 || weight > 100)
            fielderr_invalid_int(e, FP_CHILD(in, "weight"), weight, "must be in the range 1-100");
        node_term(e, member(t, "preference"), FP_CHILD(in, "preference"));
    }
    pod_affinity(e, member(a, "podAffinity"), FP_CHILD(path, "podAffinity"));
    pod_affinity(e, member(a, "podAntiAffinity"), FP_CHILD(path, "podAntiAffinity"));
}

static void dns(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    const json_t *config = member(spec, "dnsConfig");

    if (streq(text(spec, "dnsPolicy"), "None")) {
        if (!config)
            fielderr_required(e, path, "must provide `dnsConfig` when `dnsPolicy` is None");
        else if (!json_array_size(json_object_get(config, "nameservers")))
            fielderr_required(e, FP_CHILD(path, "nameservers"),
                              "must provide at least one DNS nameserver when `dnsPolicy` is None");
    }
    if (json_array_size(json_object_get(config, "nameservers")) > 3)
        fielderr_invalid(e, FP_CHILD(path, "nameservers"), json_object_get(config, "nameservers"),
                         "must not have more than 3 nameservers");
}

static void gates(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    const json_t *list = json_object_get(spec, "schedulingGates");
    size_t i;
    json_t *g;

    json_array_foreach(json_object_get(spec, "readinessGates"), i, g)
        validate_name(e, FP_CHILD(FP_INDEX(FP_CHILD(path, "readinessGates"), i), "conditionType"), NAME_QUALIFIED,
                      text(g, "conditionType"));
    json_array_foreach(list, i, g) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "schedulingGates"), i);
        validate_name(e, at, NAME_QUALIFIED, text(g, "name"));
        if (name_before(list, i, text(g, "name")))
            fielderr_duplicate_str(e, at, text(g, "name"));
    }
}

static void spread(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const unsatisfiable[] = { "DoNotSchedule", "ScheduleAnyway", NULL };
    const json_t *list = json_object_get(spec, "topologySpreadConstraints");
    size_t i, k;
    json_t *c;

    json_array_foreach(list, i, c) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "topologySpreadConstraints"), i);
        const char *key = text(c, "topologyKey"), *when = text(c, "whenUnsatisfiable");
        if (json_integer_value(json_object_get(c, "maxSkew")) <= 0)
            fielderr_invalid(e, FP_CHILD(at, "maxSkew"), json_object_get(c, "maxSkew"), "must be greater than zero");
        if (!*key)
            fielderr_required(e, FP_CHILD(at, "topologyKey"), "can not be empty");
        validate_one_of(e, c, at, "whenUnsatisfiable", unsatisfiable);
        for (k = 0; k < i; k++) {
            const json_t *other = json_array_get(list, k);
            if (streq(text(other, "topologyKey"), key) && streq(text(other, "whenUnsatisfiable"), when)) {
                cleanup_free char *pair = xasprintf("{%s, %s}", key, when);
                fielderr_duplicate_str(e, FP_CHILD(at, "{topologyKey, whenUnsatisfiable}"), pair);
                break;
            }
        }
        label_selector_validate(e, member(c, "labelSelector"), FP_CHILD(at, "labelSelector"));
    }
}

static void tolerations(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const operators[] = { "Equal", "Exists", NULL };
    static const char *const effects[] = { "NoSchedule", "PreferNoSchedule", "NoExecute", NULL };
    size_t i;
    json_t *t;

    json_array_foreach(json_object_get(spec, "tolerations"), i, t) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "tolerations"), i);
        const char *key = text(t, "key"), *op = text(t, "operator"), *effect = text(t, "effect");
        if (*key)
            validate_name(e, FP_CHILD(at, "key"), NAME_QUALIFIED, key);
        if (!*key && !streq(op, "Exists"))
            fielderr_invalid_str(e, FP_CHILD(at, "operator"), op, "operator must be Exists when `key` is empty, "
                                 "which means \"match all values and all keys\"");
        if (member(t, "tolerationSeconds") && !streq(effect, "NoExecute"))
            fielderr_invalid_str(e, FP_CHILD(at, "effect"), effect,
                                 "effect must be 'NoExecute' when `tolerationSeconds` is set");
        if (streq(op, "Equal") || !*op)
            validate_name(e, FP_CHILD(at, "operator"), NAME_LABEL_VALUE, text(t, "value"));
        else if (streq(op, "Exists") && *text(t, "value"))
            fielderr_invalid(e, FP_CHILD(at, "operator"), t, "value must be empty when `operator` is 'Exists'");
        else if (!streq(op, "Exists"))
            fielderr_not_supported(e, FP_CHILD(at, "operator"), json_object_get(t, "operator"), operators);
        if (*effect && !among(effects, effect))
            fielderr_not_supported(e, FP_CHILD(at, "effect"), json_object_get(t, "effect"), effects);
    }
}

static void host_network(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    size_t i, k;
    json_t *c, *p;

    if (!json_is_true(json_object_get(spec, "hostNetwork")))
        return;
    json_array_foreach(json_object_get(spec, "containers"), i, c)
        json_array_foreach(json_object_get(c, "ports"), k, p)
            if (json_integer_value(json_object_get(p, "hostPort"))
                != json_integer_value(json_object_get(p, "containerPort")))
                fielderr_invalid(e, FP_CHILD(FP_INDEX(FP_CHILD(FP_INDEX(FP_CHILD(path, "containers"), i), "ports"), k),
                                             "hostPort"),
                                 json_object_get(p, "hostPort"), "must match `containerPort` when `hostNetwork` is true");
}

void podspec_validate(struct fielderrs *e, const json_t *spec, const struct fpath *path,
                      const struct podspec_options *o)
{
    static const char *const restarts[] = { "Always", "OnFailure", "Never", NULL };
    static const char *const policies[] = { "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None", NULL };
    static const char *const preemptions[] = { "Never", "PreemptLowerPriority", NULL };
    const json_t *grace = member(spec, "terminationGracePeriodSeconds");
    struct container_context x = { .spec = spec, .volumes = json_object_get(spec, "volumes"),
                                   .grace = grace ? json_integer_value(grace) : 30 };

    volumes(e, x.volumes, FP_CHILD(path, "volumes"));
    containers(e, &x, FP_CHILD(path, "containers"));
    init_containers(e, &x, FP_CHILD(path, "initContainers"));
    host_network(e, spec, path);
    if (!*text(spec, "restartPolicy"))
        fielderr_required(e, FP_CHILD(path, "restartPolicy"), "");
    else
        validate_one_of(e, spec, path, "restartPolicy", restarts);
    if (!*text(spec, "dnsPolicy"))
        fielderr_required(e, FP_CHILD(path, "dnsPolicy"), "");
    else
        validate_one_of(e, spec, path, "dnsPolicy", policies);
    validate_labels(e, member(spec, "nodeSelector"), FP_CHILD(path, "nodeSelector"));
    pod_security(e, spec, FP_CHILD(path, "securityContext"));
    affinity(e, member(spec, "affinity"), FP_CHILD(path, "affinity"));
    dns(e, spec, FP_CHILD(path, "dnsConfig"));
    gates(e, spec, path);
    spread(e, spec, path);
    if (*text(spec, "serviceAccountName"))
        validate_name(e, FP_CHILD(path, "serviceAccountName"), NAME_DNS1123_SUBDOMAIN, text(spec, "serviceAccountName"));
    if (*text(spec, "nodeName"))
        validate_name(e, FP_CHILD(path, "nodeName"), NAME_DNS1123_SUBDOMAIN, text(spec, "nodeName"));
    validate_range(e, spec, path, "activeDeadlineSeconds", 1, INT32_MAX);
    if (*text(spec, "hostname"))
        validate_name(e, FP_CHILD(path, "hostname"), NAME_DNS1123_LABEL, text(spec, "hostname"));
    if (*text(spec, "subdomain"))
        validate_name(e, FP_CHILD(path, "subdomain"), NAME_DNS1123_LABEL, text(spec, "subdomain"));
    tolerations(e, spec, path);
    if (*text(spec, "priorityClassName"))
        validate_name(e, FP_CHILD(path, "priorityClassName"), NAME_DNS1123_SUBDOMAIN, text(spec, "priorityClassName"));
    if (*text(spec, "runtimeClassName"))
        validate_name(e, FP_CHILD(path, "runtimeClassName"), NAME_DNS1123_SUBDOMAIN, text(spec, "runtimeClassName"));
    validate_one_of(e, spec, path, "preemptionPolicy", preemptions);
}

void pod_validate_create(struct fielderrs *e, const json_t *pod)
{
    const json_t *spec = json_object_get(pod, "spec");
    const struct fpath *path = FP_CHILD(NULL, "spec");
    struct podspec_options o = { .is_template = false };
    size_t i, k;
    json_t *v, *s;

    podspec_validate(e, spec, path, &o);
    if (*text(spec, "nodeName") && json_array_size(json_object_get(spec, "schedulingGates")))
        fielderr_forbidden(e, FP_CHILD(path, "nodeName"), "cannot be set until all schedulingGates have been cleared");
    json_array_foreach(json_object_get(spec, "volumes"), i, v)
        json_array_foreach(json_path(v, "projected.sources"), k, s)
            if (member(s, "serviceAccountToken") && !*text(spec, "serviceAccountName"))
                fielderr_forbidden(e, FP_CHILD(FP_INDEX(FP_CHILD(FP_CHILD(FP_INDEX(FP_CHILD(path, "volumes"), i),
                                                                           "projected"), "sources"), k),
                                               "serviceAccountToken"),
                                   "must not be specified when serviceAccountName is not set");
    if (json_array_size(json_object_get(spec, "ephemeralContainers")))
        fielderr_forbidden(e, FP_CHILD(path, "ephemeralContainers"), "cannot be set on create");
}

void pod_template_validate(struct fielderrs *e, const json_t *template, const struct fpath *path)
{
    struct podspec_options o = { .is_template = true };
    const json_t *spec = json_object_get(template, "spec");

    validate_labels(e, member(json_object_get(template, "metadata"), "labels"),
                    FP_CHILD(FP_CHILD(path, "metadata"), "labels"));
    podspec_validate(e, spec, FP_CHILD(path, "spec"), &o);
    if (json_array_size(json_object_get(spec, "ephemeralContainers")))
        fielderr_forbidden(e, FP_CHILD(FP_CHILD(path, "spec"), "ephemeralContainers"),
                           "ephemeral containers not allowed in pod template");
}
