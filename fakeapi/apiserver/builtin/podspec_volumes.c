/* Volumes of a pod, and the references that volumes and variables share. */
#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/quantity.h"

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

/* The kubelet keeps names of two dots for itself. */
static void unreserved_path(struct fielderrs *e, const char *value, const struct fpath *path)
{
    podspec_local_path(e, value, path);
    if (str_starts(value, "..") && !str_starts(value, "../"))
        fielderr_invalid_str(e, path, value, "must not start with '..'");
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
            unreserved_path(e, text(item, "path"), FP_CHILD(at, "path"));
        file_mode(e, item, at, "mode");
    }
}

static const char *const field_paths_volume[] = { "metadata.annotations", "metadata.labels", "metadata.name",
                                                  "metadata.namespace", "metadata.uid", NULL };
static const char *const container_resources[] = { "limits.cpu", "limits.ephemeral-storage", "limits.memory",
                                                   "requests.cpu", "requests.ephemeral-storage",
                                                   "requests.memory", NULL };

static const char labels_prefix[] = "metadata.labels['", notes_prefix[] = "metadata.annotations['";

/* Where "['key']" begins that ends a path; NULL where none does. One quote cannot be both. */
static const char *bracket_of(const char *path)
{
    const char *at = strstr(path, "['");

    return at && at != path && str_ends(at + strlen("['"), "']") ? at : NULL;
}

/* metadata.labels['key'] and metadata.annotations['key'] are good everywhere. */
static bool subscripted(const char *path)
{
    return (str_starts(path, labels_prefix) || str_starts(path, notes_prefix)) && bracket_of(path);
}

static void not_supported_text(struct fielderrs *e, const struct fpath *at, const char *value, const char *const *supported)
{
    json_auto_t *shown = json_string(value);

    fielderr_not_supported(e, at, shown, supported);
}

/* The name of a field that had another one. */
static const char *now_called(const char *path)
{
    return streq(path, "spec.host") ? "spec.nodeName" : path;
}

/* The key in that, where it can be one; those of annotations may be in upper case. */
static void subscript(struct fielderrs *e, const char *path, const struct fpath *at)
{
    bool label = str_starts(path, labels_prefix);
    const char *key = path + (label ? strlen(labels_prefix) : strlen(notes_prefix));

    key = arena_strndup(e->arena, key, strlen(key) - strlen("']"));
    rule_name(e, at, NAME_QUALIFIED, label ? key : rule_lower(e->arena, key));
}

/* Fields that the server can name at all, some of which are allowed in one place only. */
static const char *not_a_field(struct arena *a, const char *path)
{
    static const char *const fields[] = {
        "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid", "spec.host",
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.hostIP",
        "status.hostIPs", "status.phase", "status.podIP", "status.podIPs", NULL
    };
    if (bracket_of(path))
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
    const char *version = text(ref, "apiVersion");
    const char *why = streq(version, "v1") ? not_a_field(e->arena, at)
                                           : arena_printf(e->arena, "unsupported pod version: %s", version);
    if (why)
        fielderr_invalid_str(e, FP_CHILD(path, "fieldPath"), at, "error converting fieldPath: %s", why);
    else if (subscripted(at))
        subscript(e, at, path);
    else if (!among(allowed, at = now_called(at)))
        not_supported_text(e, FP_CHILD(path, "fieldPath"), at, allowed);
}

/* An amount is told in units that are round numbers. */
static void divisor(struct fielderrs *e, const json_t *v, const char *resource, const struct fpath *path)
{
    static const char *const of_cpu[] = { "1", "1m", NULL };
    static const char *const of_bytes[] = {
        "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei", NULL,
    };
    static const char cpu_words[] = "1m and 1", byte_words[] = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";
    const char *kind = strchr(resource, '.') + 1;
    bool cpu = streq(kind, "cpu");
    struct quantity q;

    if (!v || quantity_parse_json(e->arena, v, &q, NULL) < 0 || quantity_is_zero(&q)
        || among(cpu ? of_cpu : of_bytes, quantity_text(e->arena, &q)))
        return;
    fielderr_invalid_str(e, path, resource, "only divisor's values %s are supported with the %s resource",
                         cpu ? cpu_words : byte_words,
                         str_starts(kind, "hugepages-") ? "hugepages"
                         : streq(kind, "ephemeral-storage") ? "local ephemeral storage" : kind);
}

void podspec_resource_ref(struct fielderrs *e, const json_t *ref, const struct fpath *path, bool volume)
{
    const char *resource = text(ref, "resource");

    if (volume && !*text(ref, "containerName"))
        fielderr_required(e, FP_CHILD(path, "containerName"), "");
    else if (!*resource)
        fielderr_required(e, FP_CHILD(path, "resource"), "");
    else if (!among(container_resources, resource) && !str_starts(resource, "limits.hugepages-")
             && !str_starts(resource, "requests.hugepages-"))
        fielderr_not_supported(e, FP_CHILD(path, "resource"), json_object_get(ref, "resource"), container_resources);
    else
        divisor(e, member(ref, "divisor"), resource, FP_CHILD(path, "divisor"));
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
            unreserved_path(e, text(item, "path"), FP_CHILD(path, "path"));
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
                fielderr_required(e, FP_CHILD(path, "path"), "");        /* as the real server calls it */
            else
                unreserved_path(e, text(token, "path"), FP_CHILD(path, "path"));
            path_once(e, &seen, text(token, "path"), text(token, "path"), path);
        }
        if (json_object_size(s) > 1)
            fielderr_forbidden(e, at, "may not specify more than 1 volume type per source");
    }
}

static void empty_dir(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    const char *size = text(v, "sizeLimit");

    if (*size == '-')
        fielderr_forbidden(e, FP_CHILD(path, "sizeLimit"), "SizeLimit field must be a valid resource quantity");
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

static void git_repo(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    if (!*text(v, "repository"))
        fielderr_required(e, FP_CHILD(path, "repository"), "");
    podspec_local_path(e, text(v, "directory"), FP_CHILD(path, "directory"));
}

/* Only labels and annotations can be given to the claim that will be made: the others by their Go names. */
static void claim_meta(struct fielderrs *e, const json_t *meta, const struct fpath *path)
{
    static const char *const refused[][2] = {
        { "name", "name" }, { "generateName", "generateName" }, { "namespace", "namespace" }, { "selfLink", "selfLink" },
        { "uid", "uID" }, { "resourceVersion", "resourceVersion" }, { "generation", "generation" },
        { "creationTimestamp", "creationTimestamp" }, { "deletionTimestamp", "deletionTimestamp" },
        { "deletionGracePeriodSeconds", "deletionGracePeriodSeconds" }, { "ownerReferences", "ownerReferences" },
        { "finalizers", "finalizers" }, { "managedFields", "managedFields" },
    };

    rule_annotation_keys(e, member(meta, "annotations"), FP_CHILD(path, "annotations"));
    rule_labels(e, member(meta, "labels"), FP_CHILD(path, "labels"));
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        const json_t *v = member(meta, refused[i][0]);
        bool nothing = !v || (json_is_string(v) && !json_string_length(v)) ||
                       (streq(refused[i][0], "generation") && !json_integer_value(v));
        if (!nothing)
            fielderr_forbidden(e, FP_CHILD(path, refused[i][1]), "cannot be set");
    }
}

static void ephemeral(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    const json_t *template = member(v, "volumeClaimTemplate");
    const struct fpath *at = FP_CHILD(path, "volumeClaimTemplate");

    if (!template) {
        fielderr_required(e, at, "");
        return;
    }
    claim_meta(e, member(template, "metadata"), FP_CHILD(at, "metadata"));
    claim_spec_validate(e, member(template, "spec"), FP_CHILD(at, "spec"));
}

/* The claim is called after the pod and the volume. */
static void ephemeral_name(struct fielderrs *e, const char *pod, const char *volume, const struct fpath *path)
{
    const char *name = arena_printf(e->arena, "%s-%s", pod, volume);
    struct name_problems p;

    if (!*pod || !*volume)
        return;
    name_check_str(NAME_DNS1123_SUBDOMAIN, name, &p);
    for (size_t i = 0; i < p.n; i++)
        fielderr_invalid_str(e, FP_CHILD(path, "name"), volume, "PVC name \"%s\": %s", name, p.v[i]);
}

/* In the order of the checks; what has no function comes from outside (podspec_sources.c). */
static const struct volume_source {
    const char *name;
    void (*validate)(struct fielderrs *e, const json_t *v, const struct fpath *path);
    const char *refused;               /* as the real server calls it where it is one too many; NULL: the name */
} volume_sources[] = {
    { "emptyDir", empty_dir }, { "hostPath" }, { "gitRepo", git_repo }, { "gcePersistentDisk" }, { "awsElasticBlockStore" },
    { "secret", secret_source }, { "nfs" }, { "iscsi" }, { "glusterfs" }, { "flocker" },
    { "persistentVolumeClaim", claim_source }, { "rbd" }, { "cinder" }, { "cephfs", .refused = "cephFS" }, { "quobyte" },
    { "downwardAPI", downward, "downwarAPI" }, { "fc" }, { "flexVolume" }, { "configMap", config_map_source }, { "azureFile" },
    { "vsphereVolume" }, { "photonPersistentDisk" }, { "portworxVolume" }, { "azureDisk" }, { "storageos" },
    { "projected", projected }, { "scaleIO" }, { "csi" }, { "ephemeral", ephemeral },
};

static void volume(struct fielderrs *e, const json_t *v, const char *pod, const struct fpath *path)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(volume_sources); i++) {
        const json_t *given = member(v, volume_sources[i].name);
        if (!given)
            continue;
        if (n++)
            fielderr_forbidden(e, FP_CHILD(path, volume_sources[i].refused ? volume_sources[i].refused : volume_sources[i].name),
                               "may not specify more than 1 volume type");
        else if (volume_sources[i].validate)
            volume_sources[i].validate(e, given, FP_CHILD(path, volume_sources[i].name));
        else
            podspec_outside_source(e, v, volume_sources[i].name, path);
        if (streq(volume_sources[i].name, "ephemeral") && n == 1)
            ephemeral_name(e, pod, text(v, "name"), path);
    }
    if (n == 0)
        fielderr_required(e, path, "must specify a volume type");
}

json_t *podspec_volumes(struct fielderrs *e, const json_t *list, const char *pod, const struct fpath *path)
{
    json_t *usable = json_array();
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v) {
        const struct fpath *at = FP_INDEX(path, i);
        const char *name = text(v, "name");
        struct fielderrs own = FIELDERRS_IN(e->arena);
        volume(&own, v, pod, at);
        if (!*name)
            fielderr_required(&own, FP_CHILD(at, "name"), "");
        else
            rule_name(&own, FP_CHILD(at, "name"), NAME_DNS1123_LABEL, name);
        if (*name && name_before(usable, json_array_size(usable), name))
            fielderr_duplicate_str(&own, FP_CHILD(at, "name"), name);
        if (!own.n)
            json_array_append(usable, v);
        fielderrs_add(e, &own);
    }
    return usable;
}

