/* Volumes of a pod, and the references that volumes and variables share. */
#include "fakeapi/apiserver/builtin/podspec_priv.h"

static void file_mode(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name)
{
    const json_t *v = member(obj, name);

    if (v && (json_integer_value(v) < 0 || json_integer_value(v) > 0777))
        fielderr_invalid(e, FP_CHILD(path, name), v, "must be a number between 0 and 0777 (octal), both inclusive");
}

bool podspec_has_backsteps(const char *path)
{
    for (const char *at = path; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (streq(at, "..") || str_starts(at, "../"))
            return true;
    }
    return false;
}

void podspec_no_backsteps(struct fielderrs *e, const char *value, const struct fpath *path)
{
    if (podspec_has_backsteps(value))
        fielderr_invalid_str(e, path, value, "must not contain '..'");
}

/* Relative, and never upwards. */
void podspec_local_path(struct fielderrs *e, const char *value, const struct fpath *path)
{
    if (value[0] == '/')
        fielderr_invalid_str(e, path, value, "must be a relative path");
    podspec_no_backsteps(e, value, path);
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
            podspec_local_path(e, text(item, "path"), FP_CHILD(at, "path"));
        file_mode(e, item, at, "mode");
    }
}

static const char *const field_paths_volume[] = { "metadata.annotations", "metadata.labels", "metadata.name",
                                                  "metadata.namespace", "metadata.uid", NULL };
static const char *const container_resources[] = { "limits.cpu", "limits.ephemeral-storage", "limits.memory",
                                                   "requests.cpu", "requests.ephemeral-storage",
                                                   "requests.memory", NULL };

/* metadata.labels['key'] and metadata.annotations['key'] are good everywhere. */
static bool subscripted(const char *path)
{
    return (str_starts(path, "metadata.labels['") || str_starts(path, "metadata.annotations['"))
           && str_ends(path, "']");
}

/* Fields that the server can name at all, some of which are allowed in one place only. */
static const char *not_a_field(struct arena *a, const char *path)
{
    static const char *const fields[] = {
        "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid", "spec.host",
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.hostIP",
        "status.hostIPs", "status.phase", "status.podIP", "status.podIPs", NULL
    };
    const char *bracket = strstr(path, "['");

    if (bracket && bracket != path && str_ends(path, "']"))
        return subscripted(path) ? NULL : arena_printf(a, "field label does not support subscript: %s", path);
    return among(fields, path) ? NULL : arena_printf(a, "field label not supported: %s", path);
}

void podspec_field_ref(struct fielderrs *e, const json_t *ref, const struct fpath *path,
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
    const char *why = not_a_field(e->arena, at);
    if (why)
        fielderr_invalid_str(e, FP_CHILD(path, "fieldPath"), at, "error converting fieldPath: %s", why);
    else if (!subscripted(at) && !among(allowed, at))
        fielderr_not_supported(e, FP_CHILD(path, "fieldPath"), json_object_get(ref, "fieldPath"), allowed);
}

void podspec_resource_ref(struct fielderrs *e, const json_t *ref, const struct fpath *path, bool volume)
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
            podspec_local_path(e, text(item, "path"), FP_CHILD(path, "path"));
        if (field) {
            podspec_field_ref(e, field, FP_CHILD(path, "fieldRef"), field_paths_volume);
            if (resource)
                fielderr_invalid_str(e, path, "resource", "fieldRef and resourceFieldRef can not be specified "
                                     "simultaneously");
        } else if (resource) {
            podspec_resource_ref(e, resource, FP_CHILD(path, "resourceFieldRef"), true);
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

/* `shown`: what the error names, the path or whose it is. */
static void path_once(struct fielderrs *e, struct paths_seen *seen, const char *path, const char *shown,
                      const struct fpath *at)
{
    for (size_t i = 0; i < seen->n; i++)
        if (*path && streq(seen->v[i], path)) {
            fielderr_invalid_str(e, at, shown, "conflicting duplicate paths");
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
                path_once(e, &seen, text(item, "path"), text(one, "name"), path);
        }
        if (member(s, "downwardAPI")) {
            downward_items(e, member(s, "downwardAPI"), FP_CHILD(at, "downwardAPI"));
            json_array_foreach(json_object_get(member(s, "downwardAPI"), "items"), k, item)
                path_once(e, &seen, text(item, "path"), text(item, "path"), path);
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
                podspec_local_path(e, text(token, "path"), FP_CHILD(in, "path"));
            path_once(e, &seen, text(token, "path"), text(token, "path"), path);
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
    podspec_no_backsteps(e, text(v, "path"), FP_CHILD(path, "path"));
    rule_one_of(e, v, path, "type", types);
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
    if (text(v, "path")[0] != '/')
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

static void partition(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    const json_t *n = member(v, "partition");

    if (n && (json_integer_value(n) < 0 || json_integer_value(n) > 255))
        fielderr_invalid(e, FP_CHILD(path, "partition"), n, "must be between 1 and 255, inclusive");
}

static void git_repo(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    podspec_local_path(e, text(v, "directory"), FP_CHILD(path, "directory"));
}

static void secret_named(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    if (member(v, "secretRef") && !*text(member(v, "secretRef"), "name"))
        fielderr_required(e, FP_CHILD(FP_CHILD(path, "secretRef"), "name"), "");
}

/* What of a source must be there, strings and lists, and what is checked then. */
static const struct volume_source {
    const char *name;
    void (*validate)(struct fielderrs *e, const json_t *v, const struct fpath *path);
    const char *required[2];
} volume_sources[] = {
    { "emptyDir", empty_dir }, { "hostPath", host_path }, { "gitRepo", git_repo, { "repository" } },
    { "gcePersistentDisk", partition, { "pdName" } }, { "awsElasticBlockStore", partition, { "volumeID" } },
    { "secret", secret_source }, { "nfs", nfs_source }, { "iscsi", anything },
    { "glusterfs", anything, { "endpoints", "path" } }, { "flocker", anything },
    { "persistentVolumeClaim", claim_source }, { "rbd", anything, { "monitors", "image" } },
    { "cinder", secret_named, { "volumeID" } }, { "cephfs", anything, { "monitors" } }, { "quobyte", anything },
    { "downwardAPI", downward }, { "fc", anything }, { "flexVolume", anything, { "driver" } },
    { "configMap", config_map_source }, { "azureFile", anything, { "secretName", "shareName" } },
    { "vsphereVolume", anything, { "volumePath" } }, { "photonPersistentDisk", anything, { "pdID" } },
    { "portworxVolume", anything, { "volumeID" } }, { "azureDisk", anything }, { "storageos", anything },
    { "projected", projected }, { "scaleIO", anything }, { "csi", csi_source }, { "ephemeral", anything },
    { "image", anything },
};

static void source(struct fielderrs *e, const struct volume_source *s, const json_t *v, const struct fpath *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(s->required) && s->required[i]; i++)
        if (!*text(v, s->required[i]) && !json_array_size(member(v, s->required[i])))
            fielderr_required(e, FP_CHILD(path, s->required[i]), "");
    s->validate(e, v, path);
}

static void volume(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(volume_sources); i++) {
        const json_t *given = member(v, volume_sources[i].name);
        if (!given)
            continue;
        if (n++)
            fielderr_forbidden(e, FP_CHILD(path, volume_sources[i].name), "may not specify more than 1 volume type");
        else
            source(e, &volume_sources[i], given, FP_CHILD(path, volume_sources[i].name));
    }
    if (n == 0)
        fielderr_required(e, path, "must specify a volume type");
}

/* Whether a volume of that name, with nothing wrong with it, came before. */
static bool came_well(const json_t *list, const bool *well, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (well[i] && streq(text(json_array_get(list, i), "name"), name))
            return true;
    return false;
}

void podspec_volumes(struct fielderrs *e, const json_t *list, const struct fpath *path)
{
    bool *well = arena_alloc(e->arena, json_array_size(list) + 1);
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v) {
        const struct fpath *at = FP_INDEX(path, i);
        const char *name = text(v, "name");
        struct fielderrs own = FIELDERRS_IN(e->arena);
        volume(&own, v, at);
        if (!*name)
            fielderr_required(&own, FP_CHILD(at, "name"), "");
        else
            rule_name(&own, FP_CHILD(at, "name"), NAME_DNS1123_LABEL, name);
        if (*name && came_well(list, well, i, name))
            fielderr_duplicate_str(&own, FP_CHILD(at, "name"), name);
        well[i] = own.n == 0;
        fielderrs_add(e, &own);
    }
}

