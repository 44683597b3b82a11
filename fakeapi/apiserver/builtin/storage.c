/* PersistentVolumes and their claims (G.3, B-178, H-103). */
#include "fakeapi/apiserver/builtin/warnings.h"

#include "kube/quantity.h"
#include "kube/selector.h"

#define SPEC RULE_AT("spec")
#define STATUS RULE_AT("status")

static const char *const modes[] = { "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod", NULL };
static const char *const volume_modes[] = { "Block", "Filesystem", NULL };

static bool is_mode(const json_t *list, const char *mode)
{
    size_t i;
    json_t *m;

    json_array_foreach(list, i, m)
        if (streq(json_string_value(m), mode))
            return true;
    return false;
}

static void access_modes(struct fielderrs *e, const json_t *list, const struct fpath *path)
{
    size_t i;
    json_t *m;
    bool other = false;

    json_array_foreach(list, i, m) {
        if (!among(modes, json_string_value(m)))
            fielderr_not_supported(e, path, m, modes);
        else
            other |= !streq(json_string_value(m), "ReadWriteOncePod");
    }
    if (other && is_mode(list, "ReadWriteOncePod"))
        fielderr_forbidden(e, path, "may not use ReadWriteOncePod with other access modes");
}

/* ---- PersistentVolumeClaim ------------------------------------------------------------------------ */

static const char claim_frozen[] =
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

/* dataSource and dataSourceRef say the same unless the reference crosses namespaces. */
static void claim_sources(json_t *spec)
{
    const json_t *source = member(spec, "dataSource"), *ref = member(spec, "dataSourceRef");

    if (source && !ref) {
        json_t *copy = json_clone(source);
        if (!json_object_get(copy, "apiGroup"))
            json_object_set_new(copy, "apiGroup", json_null());
        json_object_set_new(spec, "dataSourceRef", copy);
    } else if (ref && !source && !*text(ref, "namespace")) {
        json_object_set_new(spec, "dataSource", json_clone(ref));
    }
}

/* Claims and snapshots can be a source by name alone; of another the server forgets. */
static bool usable_source(const json_t *source)
{
    const char *group = text(source, "apiGroup"), *kind = text(source, "kind");

    return (!*group && streq(kind, "PersistentVolumeClaim")) ||
           (streq(group, "snapshot.storage.k8s.io") && streq(kind, "VolumeSnapshot"));
}

static void claim_settle_sources(json_t *obj)
{
    const json_t *named = json_path(obj, "spec.dataSource");

    if (*obj_str(obj, "spec.dataSourceRef.namespace"))      /* crosses namespaces, which no gate allows yet */
        obj_set(obj, "spec.dataSourceRef", NULL);
    if (named && !usable_source(named) && !json_path(obj, "spec.dataSourceRef"))
        obj_set(obj, "spec.dataSource", NULL);
    if (json_is_object(json_object_get(obj, "spec")))
        claim_sources(json_own_object(obj, "spec"));
}

static int claim_create(struct call *c, json_t *obj)
{
    (void)c;
    obj_set(obj, "status", json_pack("{s:s}", "phase", "Pending"));
    claim_settle_sources(obj);
    return 0;
}

static int claim_prepare(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    const char *kept = sub ? "spec" : "status";

    (void)c;
    obj_set(obj, kept, json_incref(json_object_get(old, kept)));
    if (!sub && !json_path(old, "spec.dataSource") && !json_path(old, "spec.dataSourceRef"))
        claim_settle_sources(obj);
    else if (!sub && json_is_object(json_object_get(obj, "spec")))
        claim_sources(json_own_object(obj, "spec"));
    return 0;
}

static void claim_source(struct fielderrs *e, const json_t *source, const struct fpath *at)
{
    const char *group = text(source, "apiGroup");

    if (!source)
        return;
    rule_required_text(e, source, at, "name");
    rule_required_text(e, source, at, "kind");
    if (!*group && !streq(text(source, "kind"), "PersistentVolumeClaim"))
        fielderr_invalid_str(e, at, text(source, "kind"),
                             "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
    rule_optional_name(e, source, at, "apiGroup", NAME_DNS1123_SUBDOMAIN);
}

void claim_spec_validate(struct fielderrs *e, const json_t *spec, const struct fpath *at)
{
    const json_t *size = json_path(spec, "resources.requests.storage"), *modes_given = member(spec, "accessModes");
    const json_t *source = member(spec, "dataSource"), *ref = member(spec, "dataSourceRef");

    if (!json_array_size(modes_given))
        fielderr_required(e, FP_CHILD(at, "accessModes"), "at least 1 access mode is required");
    if (member(spec, "selector"))
        label_selector_validate(e, FP_CHILD(at, "selector"), member(spec, "selector"));
    access_modes(e, modes_given, FP_CHILD(at, "accessModes"));
    if (!size)
        fielderr_required(e, FP_KEY(FP_CHILD(at, "resources"), "storage"), "");
    else if (rule_amount_sign(e->arena, size) <= 0)
        fielderr_invalid(e, FP_KEY(FP_CHILD(at, "resources"), "storage"), size, "must be greater than zero");
    rule_optional_name(e, spec, at, "storageClassName", NAME_DNS1123_SUBDOMAIN);
    if (member(spec, "volumeMode"))
        rule_one_of(e, spec, at, "volumeMode", volume_modes);
    claim_source(e, source, FP_CHILD(at, "dataSource"));
    claim_source(e, ref, FP_CHILD(at, "dataSourceRef"));
    if (source && ref && (!streq(text(source, "kind"), text(ref, "kind")) || !streq(text(source, "name"), text(ref, "name"))
                          || !streq(text(source, "apiGroup"), text(ref, "apiGroup")))) {
        fielderr_invalid_raw(e, at, "{}", "must match dataSourceRef");
    }
    rule_optional_name(e, spec, at, "volumeAttributesClassName", NAME_DNS1123_SUBDOMAIN);
}

static void claim_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    claim_spec_validate(e, json_object_get(obj, "spec"), SPEC);
}

static struct quantity amount(struct arena *a, const json_t *v)
{
    struct quantity q;

    return v && quantity_parse_json(a, v, &q, NULL) == 0 ? q : quantity_from_int(a, 0, QUANTITY_BINARY_SI);
}

#define BETA_CLASS "volume.beta.kubernetes.io/storage-class"      /* where a claim named its class once */

static const char *beta_class(const json_t *claim)
{
    const char *class = obj_annotation(claim, BETA_CLASS);

    return class ? class : "";
}

/* A class may be named after the create, if it is the one that the annotation named. */
static bool class_may_be_named(const json_t *old, const char *class)
{
    const char *annotated = obj_annotation(old, BETA_CLASS);

    return !json_path(old, "spec.storageClassName") && (!annotated || streq(annotated, class));
}

/* The class went from the annotation to its field. */
static bool class_moved(const json_t *obj, const json_t *old)
{
    const char *annotated = obj_annotation(old, BETA_CLASS), *class = json_string_value(json_path(obj, "spec.storageClassName"));

    return annotated && class && !json_path(old, "spec.storageClassName") && !obj_annotation(obj, BETA_CLASS) &&
           streq(annotated, class);
}

/* The new spec with what may change put back: compared with the old one, nothing must be left. */
static json_t *claim_unchanged(const json_t *obj, const json_t *old)
{
    json_t *spec = json_clone(json_object_get(obj, "spec")), *was = json_object_get(old, "spec");

    if (!*text(was, "volumeName"))
        obj_set(spec, "volumeName", json_incref(json_object_get(was, "volumeName")));
    if (class_may_be_named(old, obj_str(obj, "spec.storageClassName")))
        obj_set(spec, "storageClassName", NULL);
    if (streq(obj_str(obj, "status.phase"), "Bound")) {
        if (json_path(spec, "resources.requests"))
            obj_set(spec, "resources.requests.storage", json_incref(json_path(was, "resources.requests.storage")));
        if (member(spec, "volumeAttributesClassName"))
            obj_set(spec, "volumeAttributesClassName", json_incref(json_object_get(was, "volumeAttributesClassName")));
    }
    return spec;
}

static bool claim_resource(struct fielderrs *e, const char *name, const struct fpath *at)
{
    static const char *const known[] = { "storage", NULL };
    size_t before = e->n;

    rule_name(e, at, NAME_QUALIFIED, name);
    if (e->n == before && (!strchr(name, '/') || strstr(name, "kubernetes.io/")) && !streq(name, "storage")) {
        json_auto_t *shown = json_string(name);
        fielderr_not_supported(e, at, shown, known);
    }
    return e->n == before;
}

static void claim_amount(struct fielderrs *e, const json_t *v, const struct fpath *at)
{
    struct quantity q = amount(e->arena, v);

    if (rule_amount_sign(e->arena, v) < 0)
        fielderr_invalid_int(e, at, quantity_scaled(&q, 0), "must be a valid resource quantity");
}

static void claim_status(struct fielderrs *e, const json_t *status)
{
    static const char *const resizes[] = { "ControllerResizeInProgress", "ControllerResizeInfeasible",
                                           "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending", NULL };
    const struct fpath *states = FP_CHILD(STATUS, "allocatedResourceStatuses"), *sizes = FP_CHILD(STATUS, "allocatedResources");
    const char *name;
    json_t *v;

    json_object_foreach(json_object_get(status, "capacity"), name, v)
        claim_amount(e, v, FP_KEY(FP_CHILD(STATUS, "capacity"), name));
    json_object_foreach(json_object_get(status, "allocatedResourceStatuses"), name, v) {
        json_auto_t *shown = json_string(name);
        claim_resource(e, name, states);
        if (!among(resizes, json_string_value(v)))
            fielderr_not_supported(e, states, shown, resizes);
    }
    json_object_foreach(json_object_get(status, "allocatedResources"), name, v)
        if (claim_resource(e, name, sizes))
            claim_amount(e, v, FP_KEY(sizes, name));
}

static void claim_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                         const json_t *old, struct fielderrs *e)
{
    if (rule_is_status(sub)) {
        claim_status(e, json_object_get(obj, "status"));
        return;
    }
    claim_validate(c, k, obj, e);
    claim_validate(c, k, obj, e);      /* as the real server does */
    if (!class_moved(obj, old) && !streq(beta_class(obj), beta_class(old)))
        fielderr_invalid_str(e, FP_CHILD(FP_CHILD(RULE_AT("metadata"), "annotations"), BETA_CLASS), beta_class(obj),
                             "field is immutable");
    json_auto_t *spec = claim_unchanged(obj, old);
    if (!json_same(spec, json_object_get(old, "spec"))) {
        json_auto_t *before = internal_view("core.PersistentVolumeClaimSpec", json_object_get(old, "spec")),
                    *after = internal_view("core.PersistentVolumeClaimSpec", spec);
        fielderr_forbidden(e, SPEC, "%s\n%s", claim_frozen, rule_diff(e->arena, before, after));
    }
    struct quantity size = amount(e->arena, json_path(obj, "spec.resources.requests.storage")),
                    had = amount(e->arena, json_path(old, "spec.resources.requests.storage")),
                    real = amount(e->arena, json_path(old, "status.capacity.storage"));
    if (quantity_compare(&size, &had) < 0 && quantity_compare(&size, &real) <= 0)
        fielderr_forbidden(e, FP_CHILD(FP_CHILD(FP_CHILD(SPEC, "resources"), "requests"), "storage"),
                           "field can not be less than status.capacity");
    rule_immutable(e, RULE_AT("volumeMode"), json_path(obj, "spec.volumeMode"), json_path(old, "spec.volumeMode"));
}

/* A bound claim grows only where its class says so. */
static int claim_admit(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    const struct kind *classes = kinds_find(c->s->kinds, "storage.k8s.io", "v1", "storageclasses");
    const char *class = obj_str(old, "spec.storageClassName");
    struct record rec;

    if (!old) {
        default_storage_class(c, obj);
        obj_add_finalizer(obj, "kubernetes.io/pvc-protection");
    }
    if (!old || sub || !streq(obj_str(old, "status.phase"), "Bound"))
        return 0;
    struct quantity size = amount(c->arena, json_path(obj, "spec.resources.requests.storage")),
                    had = amount(c->arena, json_path(old, "spec.resources.requests.storage"));
    if (quantity_compare(&size, &had) <= 0)
        return 0;
    if (*class && store_get(c->s->store, call_store_key(c, classes, "", class), 0, &rec) == 0
        && json_is_true(json_object_get(value_tree(rec.value), "allowVolumeExpansion")))
        return 0;
    int r = apierr_set(&c->err, APIERR_FORBIDDEN, "persistentvolumeclaims \"%s\" is forbidden: only dynamically "
                       "provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
                       obj_name(old));
    c->err.name = arena_strdup(c->arena, obj_name(old));
    c->err.kind = "persistentvolumeclaims";
    return r;
}

static void claim_warn(struct call *c, const json_t *obj, const json_t *old)
{
    static const char *const keys[] = { BETA_CLASS,
                                        "volume.beta.kubernetes.io/storage-provisioner" };

    if (rule_is_status(c->route.sub))
        return;
    if (obj_annotation(obj, keys[0]))
        call_warn(c, "metadata.annotations[%s]: deprecated since v1.8; use \"storageClassName\" attribute instead", keys[0]);
    if (obj_annotation(obj, keys[1]))
        call_warn(c, "metadata.annotations[%s]: deprecated since v1.23; use \"volume.kubernetes.io/storage-provisioner\" "
                  "attribute instead", keys[1]);
}

const struct kind_ops claim_ops = {
    .prepare_create = claim_create, .prepare_update = claim_prepare, .admit = claim_admit, .validate = claim_validate,
    .validate_update = claim_update, .warn = claim_warn,
};

/* ---- PersistentVolume ------------------------------------------------------------------------------ */

/* In the order of the checks. */
static const char *const sources[] = {
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte", "cephfs",
    "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume",
    "azureDisk", "scaleIO", "local", "storageos", "csi",
};

/* However it is spelt: "//", "/a/..". */
static bool is_root_path(const char *path)
{
    size_t depth = 0;

    if (*path != '/')
        return false;
    for (const char *p = path + strspn(path, "/"); *p;) {
        size_t len = strcspn(p, "/");
        if (len == 2 && str_starts(p, ".."))
            depth -= depth > 0;
        else if (len != 1 || *p != '.')
            depth++;
        p += len;
        p += strspn(p, "/");
    }
    return depth == 0;
}

static void volume_source(struct fielderrs *e, const json_t *obj, const char *name)
{
    const json_t *spec = json_object_get(obj, "spec"), *v = member(spec, name);
    const struct fpath *at = FP_CHILD(SPEC, name);

    if (!streq(name, "local")) {
        persistent_source(e, obj, name, SPEC);
        return;
    }
    if (rule_required_text(e, v, at, "path"))
        podspec_no_backsteps(e, text(v, "path"), FP_CHILD(at, "path"));
    if (!json_path(spec, "nodeAffinity"))
        fielderr_required(e, FP_CHILD(SPEC, "nodeAffinity"), "Local volume requires node affinity");
}

static void volume_capacity(struct fielderrs *e, const json_t *capacity)
{
    static const char *const storage[] = { "storage", NULL };
    const struct fpath *path = FP_CHILD(SPEC, "capacity");
    const char *name;
    json_t *v;

    if (!json_object_size(capacity))
        fielderr_required(e, path, "");
    if (json_object_size(capacity) != 1 || !json_object_get(capacity, "storage"))
        fielderr_not_supported(e, path, rule_shown(capacity), storage);
    json_object_foreach((json_t *)capacity, name, v) {
        claim_amount(e, v, FP_KEY(path, name));
        if (rule_amount_sign(e->arena, v) <= 0)
            fielderr_invalid(e, FP_KEY(path, name), v, "must be greater than zero");
    }
}

static void volume_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char *const policies[] = { "Delete", "Recycle", "Retain", NULL };
    const json_t *spec = json_object_get(obj, "spec"), *affinity = member(spec, "nodeAffinity");
    size_t n = 0;

    if (!json_array_size(member(spec, "accessModes")))
        fielderr_required(e, FP_CHILD(SPEC, "accessModes"), "");
    access_modes(e, member(spec, "accessModes"), FP_CHILD(SPEC, "accessModes"));
    volume_capacity(e, member(spec, "capacity"));
    if (*text(spec, "persistentVolumeReclaimPolicy"))
        rule_one_of(e, spec, SPEC, "persistentVolumeReclaimPolicy", policies);
    if (affinity && member(affinity, "required"))
        podspec_node_selector(e, member(affinity, "required"), FP_CHILD(FP_CHILD(SPEC, "nodeAffinity"), "required"));
    else if (affinity)
        fielderr_required(e, FP_CHILD(FP_CHILD(SPEC, "nodeAffinity"), "required"), "must specify required node constraints");
    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        if (!member(spec, sources[i]))
            continue;
        if (n++ > 0 && !streq(sources[i], "flexVolume"))
            fielderr_forbidden(e, FP_CHILD(SPEC, streq(sources[i], "cephfs") ? "cephFS" : sources[i]),
                               "may not specify more than 1 volume type");
        else
            volume_source(e, obj, sources[i]);
    }
    if (n == 0)
        fielderr_required(e, SPEC, "must specify a volume type");
    if (is_root_path(obj_str(obj, "spec.hostPath.path")) && streq(text(spec, "persistentVolumeReclaimPolicy"), "Recycle"))
        fielderr_forbidden(e, FP_CHILD(SPEC, "persistentVolumeReclaimPolicy"),
                           "may not be 'recycle' for a hostPath mount of '/'");
    rule_optional_name(e, spec, SPEC, "storageClassName", NAME_DNS1123_SUBDOMAIN);
    rule_one_of(e, spec, SPEC, "volumeMode", volume_modes);
    if (!member(spec, "volumeAttributesClassName"))
        return;
    if (*text(spec, "volumeAttributesClassName"))
        rule_name(e, FP_CHILD(SPEC, "volumeAttributesClassName"), NAME_DNS1123_SUBDOMAIN,
                  text(spec, "volumeAttributesClassName"));
    else
        fielderr_required(e, FP_CHILD(SPEC, "volumeAttributesClassName"), "an empty string is disallowed");
    if (!member(spec, "csi"))
        fielderr_required(e, FP_CHILD(SPEC, "csi"), "has to be specified when using volumeAttributesClassName");
}

static void volume_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                          const json_t *old, struct fielderrs *e)
{
    const json_t *affinity = json_path(old, "spec.nodeAffinity");

    if (rule_is_status(sub))
        return;
    volume_validate(c, k, obj, e);
    volume_validate(c, k, obj, e);     /* as the real server does */
    json_auto_t *before = internal_view("core.PersistentVolumeSource", json_object_get(old, "spec")),
                *after = internal_view("core.PersistentVolumeSource", json_object_get(obj, "spec"));
    if (!json_same(before, after))
        fielderr_forbidden(e, FP_CHILD(SPEC, "persistentvolumesource"),
                           "spec.persistentvolumesource is immutable after creation\n%s",
                           rule_diff(e->arena, before, after));
    rule_immutable(e, RULE_AT("volumeMode"), json_path(obj, "spec.volumeMode"), json_path(old, "spec.volumeMode"));
    if (affinity)
        rule_immutable(e, FP_CHILD(SPEC, "nodeAffinity"), json_path(obj, "spec.nodeAffinity"), affinity);
}

static int volume_create(struct call *c, json_t *obj)
{
    obj_set(obj, "status", json_pack("{s:s, s:s}", "phase", "Pending", "lastPhaseTransitionTime", call_text_time(c)));
    return 0;
}

/* When the phase last changed: now, unless who changes it says so. */
static void note_transition(struct call *c, json_t *obj, const json_t *old)
{
    static const char path[] = "status.lastPhaseTransitionTime";
    bool same = streq(obj_str(obj, "status.phase"), obj_str(old, "status.phase"));
    json_t *said = json_path(obj, path), *had = json_path(old, path);

    if (same && !said && had)
        obj_set(obj, path, json_incref(had));
    else if (!same && (!said || json_same(said, had)))
        obj_set(obj, path, json_string(call_text_time(c)));
}

static int volume_admit(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    if (!old)
        obj_add_finalizer(obj, "kubernetes.io/pv-protection");
    else if (rule_is_status(sub))
        note_transition(c, obj, old);
    return 0;
}

const struct kind_ops volume_ops = {
    .prepare_create = volume_create, .admit = volume_admit, .validate = volume_validate,
    .validate_update = volume_update, .warn = volume_warn,
};
