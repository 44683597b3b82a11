#include <stdio.h>

#include "controller/kinds.h"
#include "controller/sandbox/children.h"

enum ownership ownership_of(const json_t *child, const json_t *sandbox)
{
    const json_t *ref = obj_controller_ref(child);

    if (!ref)
        return OWNERSHIP_NOBODY;
    return streq(obj_str(ref, "uid"), obj_uid(sandbox)) ? OWNERSHIP_OURS : OWNERSHIP_FOREIGN;
}

void name_hash(const json_t *sandbox, char ret[9])
{
    hash8(obj_name(sandbox), ret);
}

bool is_adoptable(const json_t *child, const json_t *sandbox)
{
    const char *adoptable = obj_label(child, KEY_ADOPTABLE), *tracked = obj_label(child, KEY_NAME_HASH);
    char hash[9];

    name_hash(sandbox, hash);
    return (adoptable && streq(adoptable, "true")) || (tracked && streq(tracked, hash));
}

json_t *adoption_patch(const json_t *sandbox, const json_t *child)
{
    const json_t *refs = obj_owner_references(child);
    json_t *next = refs ? json_copy((json_t *)refs) : json_array();

    json_array_append_new(next, owner_ref_new(sandbox, true));
    return json_pack("{s:{s:s, s:s, s:o}}", "metadata", "uid", obj_uid(child), "resourceVersion",
                     obj_resource_version(child), "ownerReferences", next);
}

/* ---- metadata -------------------------------------------------------------------------------- */

static bool is_reserved(const char *key)
{
    return str_starts(key, CORE_GROUP "/") || str_starts(key, EXTENSIONS_GROUP "/");
}

static const json_t *template_metadata(const json_t *sandbox, const char *member)
{
    const json_t *meta = json_path(sandbox, "spec.podTemplate.metadata");
    const json_t *map = json_object_get(meta, member);

    return json_is_object(map) ? map : NULL;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of an object, sorted, joined by commas. */
static json_t *joined_keys(const json_t *map)
{
    size_t n = json_object_size(map), i = 0;
    const char **keys = xcalloc(n + 1, sizeof(*keys)), *key;
    struct buf text = BUF_INIT;
    json_t *value, *out;

    json_object_foreach ((json_t *)map, key, value)
        keys[i++] = key;
    qsort(keys, n, sizeof(*keys), compare_text);
    for (i = 0; i < n; i++) {
        if (i)
            buf_add_char(&text, ',');
        buf_add_str(&text, keys[i]);
    }
    out = json_stringn(text.data, text.len);
    buf_release(&text);
    free(keys);
    return out;
}

/* What of the template's labels or annotations reaches the Pod (SBX-014, SBX-015). */
static json_t *copied_from_template(const json_t *sandbox, const char *member)
{
    json_t *out = json_object(), *value;
    const char *key;

    json_object_foreach ((json_t *)template_metadata(sandbox, member), key, value) {
        if (is_reserved(key) || (streq(member, "annotations") && streq(key, KEY_TRACE_CONTEXT)))
            continue;
        json_object_set(out, key, value);
    }
    return out;
}

static const char *normal_created_by(const char *value)
{
    static const char *const known[] = { "go-client", "python-client", "controller" };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (streq(value, known[i]))
            return known[i];
    return "unknown";
}

static bool in_extensions_group(const json_t *ref)
{
    return str_starts(obj_str(ref, "apiVersion"), EXTENSIONS_GROUP "/");
}

/* The labels of ours that depend on who owns the Sandbox (SBX-017, SBX-018). */
static void add_identity_labels(const json_t *sandbox, json_t *labels)
{
    const json_t *ref = obj_controller_ref(sandbox);
    const char *created_by = obj_label(sandbox, KEY_CREATED_BY);
    const char *pool = obj_label(sandbox, KEY_WARM_POOL);
    const char *template_ref = obj_label(sandbox, KEY_TEMPLATE_REF_HASH);

    if (!str_empty(created_by))
        json_object_set_new(labels, KEY_CREATED_BY, json_string(normal_created_by(created_by)));
    if (!in_extensions_group(ref))
        return;
    if (pool && streq(obj_str(ref, "kind"), "SandboxWarmPool"))
        json_object_set_new(labels, KEY_WARM_POOL, json_string(pool));
    if (template_ref)
        json_object_set_new(labels, KEY_TEMPLATE_REF_HASH, json_string(template_ref));
}

/* All labels and annotations that the controller wants on the Pod. */
static void desired_metadata(const json_t *sandbox, json_t **ret_labels, json_t **ret_annotations)
{
    json_t *labels = copied_from_template(sandbox, "labels");
    json_t *annotations = copied_from_template(sandbox, "annotations");
    json_t *label_keys = json_object_size(labels) ? joined_keys(labels) : NULL;
    json_t *annotation_keys = json_object_size(annotations) ? joined_keys(annotations) : NULL;
    char hash[9];

    if (label_keys)
        json_object_set_new(annotations, KEY_PROPAGATED_LABELS, label_keys);
    if (annotation_keys)
        json_object_set_new(annotations, KEY_PROPAGATED_ANNOTATIONS, annotation_keys);
    add_identity_labels(sandbox, labels);
    name_hash(sandbox, hash);
    json_object_set_new(labels, KEY_NAME_HASH, json_string(hash));
    *ret_labels = labels;
    *ret_annotations = annotations;
}

/* Keys that `list` names ("a,b") and `wanted` no longer has become null in `patch`. */
static void drop_listed(const char *list, const json_t *live, const json_t *wanted, json_t *patch)
{
    cleanup_free char *copy = xstrdup(list ? list : "");
    char *rest = copy, *key;

    while ((key = strsep(&rest, ",")) != NULL) {
        bool kept = streq(key, KEY_NAME_HASH) || streq(key, KEY_PROPAGATED_LABELS) ||
                    streq(key, KEY_PROPAGATED_ANNOTATIONS);
        if (*key && !kept && json_object_get(live, key) && !json_object_get(wanted, key))
            json_object_set_new(patch, key, json_null());
    }
}

static void drop_unwanted(const char *const *keys, size_t n, const json_t *live, const json_t *wanted,
                          json_t *patch)
{
    for (size_t i = 0; i < n; i++)
        if (json_object_get(live, keys[i]) && !json_object_get(wanted, keys[i]))
            json_object_set_new(patch, keys[i], json_null());
}

static void set_differing(const json_t *live, const json_t *wanted, json_t *patch)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)wanted, key, value)
        if (!json_same(json_object_get(live, key), value))
            json_object_set(patch, key, value);
}

json_t *pod_metadata_patch(const json_t *sandbox, const json_t *pod)
{
    static const char *const own_labels[] = { KEY_CREATED_BY, KEY_WARM_POOL, KEY_TEMPLATE_REF_HASH };
    static const char *const own_annotations[] = { KEY_PROPAGATED_LABELS, KEY_PROPAGATED_ANNOTATIONS };
    json_auto_t *labels = NULL, *annotations = NULL;
    json_auto_t *label_patch = json_object(), *annotation_patch = json_object();
    json_t *meta = json_object();

    desired_metadata(sandbox, &labels, &annotations);
    set_differing(obj_labels(pod), labels, label_patch);
    drop_listed(obj_annotation(pod, KEY_PROPAGATED_LABELS), obj_labels(pod), labels, label_patch);
    drop_unwanted(own_labels, ARRAY_SIZE(own_labels), obj_labels(pod), labels, label_patch);
    set_differing(obj_annotations(pod), annotations, annotation_patch);
    drop_listed(obj_annotation(pod, KEY_PROPAGATED_ANNOTATIONS), obj_annotations(pod), annotations,
                annotation_patch);
    drop_unwanted(own_annotations, ARRAY_SIZE(own_annotations), obj_annotations(pod), annotations,
                  annotation_patch);
    if (json_object_size(label_patch))
        json_object_set(meta, "labels", label_patch);
    if (json_object_size(annotation_patch))
        json_object_set(meta, "annotations", annotation_patch);
    if (!json_object_size(meta)) {
        json_decref(meta);
        return NULL;
    }
    return json_pack("{s:o}", "metadata", meta);
}

json_t *pod_adoption_patch(const json_t *sandbox, const json_t *pod)
{
    json_t *patch = adoption_patch(sandbox, pod);
    json_auto_t *metadata = pod_metadata_patch(sandbox, pod);

    json_object_update(json_object_get(patch, "metadata"), json_object_get(metadata, "metadata"));
    return patch;
}

/* ---- the Pod --------------------------------------------------------------------------------- */

static bool has_volume_named(const json_t *volumes, const char *name)
{
    const json_t *v;
    size_t i;

    json_array_foreach (volumes, i, v)
        if (streq(obj_str(v, "name"), name))
            return true;
    return false;
}

/* The template's volumes that no claim template replaces, then one per claim template (SBX-012). */
static void merge_claim_volumes(const json_t *sandbox, json_t *spec)
{
    const json_t *templates = json_path(sandbox, "spec.volumeClaimTemplates"), *t;
    json_auto_t *claimed = json_array();
    json_t *volumes = json_array(), *v;
    size_t i;

    if (!json_array_size(templates)) {
        json_decref(volumes);
        return;
    }
    json_array_foreach (templates, i, t) {
        const char *name = obj_name(t);
        cleanup_free char *claim = xasprintf("%s-%s", name, obj_name(sandbox));
        json_array_append_new(claimed, json_pack("{s:s, s:{s:s}}", "name", name, "persistentVolumeClaim",
                                                 "claimName", claim));
    }
    json_array_foreach (json_object_get(spec, "volumes"), i, v)
        if (!has_volume_named(claimed, obj_str(v, "name")))
            json_array_append(volumes, v);
    json_array_extend(volumes, claimed);
    json_object_set_new(spec, "volumes", volumes);
}

json_t *pod_build(const json_t *sandbox)
{
    json_t *pod = obj_new("v1", "Pod", obj_namespace(sandbox), obj_name(sandbox));
    json_t *spec = json_clone(json_path(sandbox, "spec.podTemplate.spec"));
    json_t *labels = NULL, *annotations = NULL;

    desired_metadata(sandbox, &labels, &annotations);
    obj_set_meta(pod, "labels", labels);
    if (json_object_size(annotations))
        obj_set_meta(pod, "annotations", annotations);
    else
        json_decref(annotations);
    obj_set_owner(pod, sandbox, true);
    merge_claim_volumes(sandbox, spec);
    json_object_set_new(pod, "spec", spec);
    return pod;
}

void pod_template_hash(const json_t *sandbox, char ret[9])
{
    cleanup_free char *text = json_text(json_path(sandbox, "spec.podTemplate.spec"), JSON_WRITE_SORTED);

    hash8(text, ret);
}

/* ---- what a driver's Restore asks for (DRV-033) ---------------------------------------------- */

struct injection {
    json_t *pod, *spec;
    const char *value;
    struct arena *arena;
};

static json_t *member(json_t *owner, const char *key, json_t *(*make)(void))
{
    if (!json_object_get(owner, key))
        json_object_set_new(owner, key, make());
    return json_object_get(owner, key);
}

/* Puts `item` where an element of the same `key` value stands, or at the end. Steals. */
static void put_keyed(json_t *list, const char *key, json_t *item)
{
    json_t *old;
    size_t i;

    json_array_foreach (list, i, old) {
        if (streq(obj_str(old, key), obj_str(item, key))) {
            json_array_set_new(list, i, item);
            return;
        }
    }
    json_array_append_new(list, item);
}

static const char *inject_annotation(struct injection *in, const char *key)
{
    if (!*key)
        return "names no annotation";
    obj_set_annotation(in->pod, key, in->value);
    return NULL;
}

static const char *inject_node_selector(struct injection *in, const char *key)
{
    if (!*key)
        return "names no node label";
    json_object_set_new(member(in->spec, "nodeSelector", json_object), key, json_string(in->value));
    return NULL;
}

static const char *inject_volume(struct injection *in, const char *name)
{
    json_t *volume = json_parse_str(in->value);

    if (!*name || strchr(name, '/') || !json_is_object(volume)) {
        json_decref(volume);
        return "is no volume: the key ends in its name, the value is a JSON object";
    }
    json_object_set_new(volume, "name", json_string(name));
    put_keyed(member(in->spec, "volumes", json_array), "name", volume);
    return NULL;
}

/* Splits "<container>/<rest>"; NULL where it is not of that form. */
static const char *split_container(struct injection *in, const char *text, const char **ret_rest)
{
    const char *slash = strchr(text, '/');

    if (!slash || slash == text || !slash[1] || strchr(slash + 1, '/'))
        return NULL;
    *ret_rest = slash + 1;
    return arena_strndup(in->arena, text, (size_t)(slash - text));
}

static const char *inject_env(struct injection *in, const char *text)
{
    const char *name = NULL, *container = split_container(in, text, &name);
    bool found = false;
    json_t *c;
    size_t i;

    if (!container)
        return "is not of the form env/<container>/<NAME>";
    json_array_foreach (json_object_get(in->spec, "containers"), i, c) {
        if (!streq(container, "*") && !streq(obj_str(c, "name"), container))
            continue;
        found = true;
        put_keyed(member(c, "env", json_array), "name",
                  json_pack("{s:s, s:s}", "name", name, "value", in->value));
    }
    return found ? NULL : "names a container that the Pod has not";
}

static const char *inject_mount(struct injection *in, const char *text)
{
    const char *volume = NULL, *container = split_container(in, text, &volume);
    json_t *c;
    size_t i;

    if (!container || !*in->value)
        return "is not of the form mount/<container>/<volume> with a path";
    json_array_foreach (json_object_get(in->spec, "containers"), i, c) {
        if (!streq(obj_str(c, "name"), container))
            continue;
        put_keyed(member(c, "volumeMounts", json_array), "mountPath",
                  json_pack("{s:s, s:s}", "name", volume, "mountPath", in->value));
        return NULL;
    }
    return "names a container that the Pod has not";
}

static const struct injection_form {
    const char *prefix;
    const char *(*apply)(struct injection *in, const char *rest);    /* NULL, or what is wrong */
} injection_forms[] = {
    { "annotation/", inject_annotation },
    { "env/", inject_env },
    { "nodeSelector/", inject_node_selector },
    { "volume/", inject_volume },
    { "mount/", inject_mount },
};

static const char *inject_one(struct injection *in, const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(injection_forms); i++)
        if (str_starts(key, injection_forms[i].prefix))
            return injection_forms[i].apply(in, key + strlen(injection_forms[i].prefix));
    return "is of no known form";
}

bool pod_inject(json_t *pod, const struct kvmap *restore_metadata, struct arena *arena,
                const char **ret_why)
{
    struct injection in = { .pod = pod, .spec = json_object_get(pod, "spec"), .arena = arena };

    for (size_t i = 0; i < restore_metadata->n; i++) {
        in.value = restore_metadata->v[i].value;
        const char *wrong = inject_one(&in, restore_metadata->v[i].key);
        if (wrong) {
            *ret_why = arena_printf(arena, "restore_metadata \"%s\" %s", restore_metadata->v[i].key, wrong);
            return false;
        }
    }
    return true;
}
