/* Volumes that come from outside the cluster: what stands in a pod's volumes and in PersistentVolumes alike. */
#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/regex.h"

struct place {
    bool persistent;                   /* a PersistentVolume: who uses it is elsewhere, so secrets need a namespace */
    const char *volume;                /* its name */
};

static void need(struct fielderrs *e, const json_t *v, const struct fpath *path, const char *name)
{
    if (!*text(v, name) && !json_array_size(member(v, name)))
        fielderr_required(e, FP_CHILD(path, name), "");
}

/* What is named of a secret must be named; a PersistentVolume says also where it is. */
static void secret_ref(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    const json_t *ref = member(v, "secretRef");

    if (!ref)
        return;
    need(e, ref, FP_CHILD(path, "secretRef"), "name");
    if (in->persistent)
        need(e, ref, FP_CHILD(path, "secretRef"), "namespace");
}

static void partition(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    const json_t *n = member(v, "partition");

    if (n && (json_integer_value(n) < 0 || json_integer_value(n) > 255))
        fielderr_invalid(e, FP_CHILD(path, "partition"), n, "must be between 1 and 255, inclusive");
}

static void logical_unit(struct fielderrs *e, const json_t *v, const struct fpath *path)
{
    rule_range(e, v, path, "lun", 0, 255);
}

/* ---- iSCSI ------------------------------------------------------------------------------------------ */

static bool is_like(const char *value, const char *pattern)
{
    cleanup_arena struct arena *a = arena_new();
    const char *wrong;
    struct regex *r = regex_new(a, pattern, strlen(pattern), &wrong);
    bool like = regex_match(r, value, strlen(value));

    regex_free(r);
    return like;
}

/* The three families of names that iSCSI knows; in a pod a name of none of them is told which there are. */
static void iscsi_name(struct fielderrs *e, const char *value, const struct fpath *at, const struct place *in)
{
    static const struct { const char *prefix, *pattern; } families[] = {
        { "iqn", "iqn\\.\\d{4}-\\d{2}\\.([[:alnum:]-.]+)(:[^,;*&$|\\s]+)$" },
        { "eui", "^eui.[[:alnum:]]{16}$" },
        { "naa", "^naa.[[:alnum:]]{32}$" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        if (str_starts(value, families[i].prefix)) {
            if (!is_like(value, families[i].pattern))
                fielderr_invalid_str(e, at, value, "must be valid format");
            return;
        }
    fielderr_invalid_str(e, at, value, in->persistent ? "must be valid format"
                                                      : "must be valid format starting with iqn, eui, or naa");
}

static void iscsi_initiator(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    static const char long_words[] = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if "
                                     "iscsi.initiatorName is specified.";
    const char *portal = text(v, "targetPortal");

    if (!member(v, "initiatorName"))
        return;
    iscsi_name(e, text(v, "initiatorName"), FP_CHILD(path, "initiatorname"), in);
    if (strlen(in->volume) + strlen(":") + strlen(portal) <= 64)
        return;
    if (in->persistent)
        fielderr_invalid_str(e, FP_CHILD(path, "targetportal"), portal, "%s", long_words);
    else
        fielderr_invalid_str(e, FP_CHILD(path->parent, "name"), in->volume, "%s", long_words);
}

static void iscsi(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    bool chap = json_is_true(member(v, "chapAuthDiscovery")) || json_is_true(member(v, "chapAuthSession"));

    if (*text(v, "iqn"))
        iscsi_name(e, text(v, "iqn"), FP_CHILD(path, "iqn"), in);
    else
        need(e, v, path, "iqn");
    logical_unit(e, v, path);
    if (chap && !member(v, "secretRef"))
        fielderr_required(e, FP_CHILD(path, "secretRef"), "");
    if (in->persistent && member(v, "secretRef"))
        need(e, member(v, "secretRef"), FP_CHILD(path, "secretRef"), "name");
    iscsi_initiator(e, v, path, in);
}

/* ---- the others -------------------------------------------------------------------------------------- */

static void fibre_channel(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    const json_t *names = member(v, "targetWWNs"), *ids = member(v, "wwids");
    const struct fpath *at = FP_CHILD(path, "targetWWNs");

    if (!json_array_size(names) && !json_array_size(ids))
        fielderr_required(e, at, "must specify either targetWWNs or wwids, but not both");
    if (json_array_size(names) && json_array_size(ids))
        fielderr_invalid(e, at, names, "targetWWNs and wwids can not be specified simultaneously");
    if (!json_array_size(names))
        return;
    if (member(v, "lun"))
        logical_unit(e, v, path);
    else
        fielderr_required(e, FP_CHILD(path, "lun"), "lun is required if targetWWNs is specified");
}

/* "host:port", an address with colons of its own in brackets. */
static bool has_port(const char *pair, size_t len)
{
    const char *end = pair + len, *colon = memrchr(pair, ':', len), *rest = pair;

    if (!colon)
        return false;
    if (*pair == '[') {
        rest = memchr(pair, ']', len);
        if (!rest || rest + 1 != colon || memchr(pair + 1, '[', len - 1))
            return false;
        rest++;
    } else if (memchr(pair, ':', (size_t)(colon - pair)) || memchr(pair, '[', len)) {
        return false;
    }
    return !memchr(rest, ']', (size_t)(end - rest));
}

static void quobyte(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    static const char words[] = "must be a host:port pair or multiple pairs separated by commas";
    const char *registry = text(v, "registry"), *pair = registry;
    const struct fpath *at = FP_CHILD(path, "registry");

    if (!*registry)
        fielderr_required(e, at, words);
    else if (strlen(text(v, "tenant")) >= 65)
        fielderr_required(e, FP_CHILD(path, "tenant"), "must be a UUID and may not exceed a length of 64 characters");
    else
        for (size_t n = strcspn(pair, ",");; pair += n + 1, n = strcspn(pair, ",")) {
            if (!has_port(pair, n))
                fielderr_invalid_str(e, at, registry, "%s", words);
            if (!pair[n])
                break;
        }
    need(e, v, path, "volume");
}

static void glusterfs(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    const struct fpath *at = FP_CHILD(path, "endpointsNamespace");

    if (!in->persistent || !member(v, "endpointsNamespace"))
        return;
    if (*text(v, "endpointsNamespace"))
        rule_name(e, at, NAME_DNS1123_LABEL, text(v, "endpointsNamespace"));
    else
        fielderr_invalid_str(e, at, "", "if the endpointnamespace is set, it must be a valid namespace name");
}

static void flocker(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    const char *name = text(v, "datasetName"), *uuid = text(v, "datasetUUID");

    if (!*name && !*uuid)
        fielderr_required(e, path, "one of datasetName and datasetUUID is required");
    if (*name && *uuid)
        fielderr_invalid_str(e, path, "resource", "datasetName and datasetUUID can not be specified simultaneously");
    if (strchr(name, '/'))
        fielderr_invalid_str(e, FP_CHILD(path, "datasetName"), name, "must not contain '/'");
}

static void flex(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)member(v, "options"), key, value) {
        const char *domain = arena_printf(e->arena, ".%s", rule_lower(e->arena, arena_strndup(e->arena, key, strcspn(key, "/"))));
        if (str_ends(domain, ".kubernetes.io") || str_ends(domain, ".k8s.io"))
            fielderr_invalid_str(e, FP_KEY(FP_CHILD(path, "options"), key), key,
                                 "kubernetes.io and k8s.io namespaces are reserved");
    }
}

static void azure_file(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    if (in->persistent && member(v, "secretNamespace"))
        need(e, v, path, "secretNamespace");
}

/* A managed disk has a place among the subscriptions, any other is a blob. */
static void azure_disk(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    static const char *const cachings[] = { "None", "ReadOnly", "ReadWrite", NULL };
    static const char *const kinds[] = { "Dedicated", "Managed", "Shared", NULL };
    static const char *const managed[] = { "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/"
                                           "microsoft.compute/disks/{disk-id}", NULL };
    static const char *const blob[] = { "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd", NULL };
    bool is_managed = streq(text(v, "kind"), "Managed");
    json_auto_t *uri = json_string(text(v, "diskURI"));

    rule_one_of(e, v, path, "cachingMode", cachings);
    rule_one_of(e, v, path, "kind", kinds);
    if (member(v, "kind") && !str_starts(json_string_value(uri), is_managed ? "/subscriptions/" : "https://"))
        fielderr_not_supported(e, FP_CHILD(path, "diskURI"), uri, is_managed ? managed : blob);
}

static void storageos(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    rule_optional_name(e, v, path, "volumeName", NAME_DNS1123_LABEL);
    rule_optional_name(e, v, path, "volumeNamespace", NAME_DNS1123_LABEL);
    secret_ref(e, v, path, in);
}

static void persistent_secret(struct fielderrs *e, const json_t *ref, const struct fpath *path)
{
    need(e, ref, path, "name");
    rule_optional_name(e, ref, path, "name", NAME_DNS1123_SUBDOMAIN);
    need(e, ref, path, "namespace");
    rule_optional_name(e, ref, path, "namespace", NAME_DNS1123_LABEL);
}

static void csi(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    static const char *const secrets[] = { "controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef",
                                           "nodeExpandSecretRef" };
    const json_t *own = member(v, "nodePublishSecretRef");

    rule_csi_driver(e, text(v, "driver"), FP_CHILD(path, "driver"));
    if (in->persistent) {
        need(e, v, path, "volumeHandle");
        for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
            if (member(v, secrets[i]))
                persistent_secret(e, member(v, secrets[i]), FP_CHILD(path, secrets[i]));
    } else if (own && *text(own, "name")) {
        rule_name(e, FP_CHILD(path, "name"), NAME_DNS1123_SUBDOMAIN, text(own, "name"));
    } else if (own) {
        fielderr_required(e, FP_CHILD(FP_CHILD(path, "nodePublishSecretRef"), "name"), "");
    }
}

static void nfs(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    if (text(v, "path")[0] != '/')
        fielderr_invalid_str(e, FP_CHILD(path, "path"), text(v, "path"), "must be an absolute path");
}

static void host_path(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in)
{
    static const char *const types[] = { "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File",
                                         "FileOrCreate", "Socket", NULL };

    if (!*text(v, "path"))
        return;
    podspec_no_backsteps(e, text(v, "path"), FP_CHILD(path, "path"));
    rule_one_of(e, v, path, "type", types);
}

/* ---- the table ----------------------------------------------------------------------------------------- */

/* What must be there, strings and lists, and what is checked then. */
static const struct source {
    const char *name;
    const char *required[3];
    void (*more)(struct fielderrs *e, const json_t *v, const struct fpath *path, const struct place *in);
    const char *told;                  /* as errors call it; NULL: the name */
} sources[] = {
    { "hostPath", { "path" }, host_path },
    { "gcePersistentDisk", { "pdName" }, partition, "persistentDisk" },
    { "awsElasticBlockStore", { "volumeID" }, partition },
    { "nfs", { "server", "path" }, nfs },
    { "iscsi", { "targetPortal" }, iscsi },
    { "glusterfs", { "endpoints", "path" }, glusterfs },
    { "flocker", { NULL }, flocker },
    { "rbd", { "monitors", "image" }, NULL },
    { "cinder", { "volumeID" }, secret_ref },
    { "cephfs", { "monitors" }, NULL },
    { "quobyte", { NULL }, quobyte },
    { "fc", { NULL }, fibre_channel },
    { "flexVolume", { "driver" }, flex },
    { "azureFile", { "secretName", "shareName" }, azure_file },
    { "vsphereVolume", { "volumePath" }, NULL },
    { "photonPersistentDisk", { "pdID" }, NULL },
    { "portworxVolume", { "volumeID" }, NULL },
    { "azureDisk", { "diskName", "diskURI" }, azure_disk },
    { "storageos", { "volumeName" }, storageos },
    { "scaleIO", { "gateway", "system", "volumeName" }, NULL },
    { "csi", { NULL }, csi },
};

static void outside_source(struct fielderrs *e, const json_t *v, const char *name, const struct fpath *path, const struct place *in)
{
    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        const struct source *s = &sources[i];
        const struct fpath *at = FP_CHILD(path, s->told ? s->told : s->name);
        if (!streq(s->name, name))
            continue;
        for (size_t n = 0; n < ARRAY_SIZE(s->required) && s->required[n]; n++)
            need(e, v, at, s->required[n]);
        if (s->more)
            s->more(e, v, at, in);
    }
}

void podspec_outside_source(struct fielderrs *e, const json_t *volume, const char *name, const struct fpath *path)
{
    outside_source(e, member(volume, name), name, path, &(struct place){ .volume = text(volume, "name") });
}

void persistent_source(struct fielderrs *e, const json_t *pv, const char *name, const struct fpath *path)
{
    outside_source(e, json_object_get(json_object_get(pv, "spec"), name), name, path,
                   &(struct place){ .persistent = true, .volume = obj_name(pv) });
}
