#include "kube/object.h"

static const char *text_of(const json_t *v)
{
    const char *s = json_string_value(v);

    return s ? s : "";
}

static const char *member(const json_t *o, const char *key)
{
    return text_of(json_object_get(o, key));
}

const json_t *obj_metadata(const json_t *o)
{
    return json_object_get(o, "metadata");
}

const char *obj_kind(const json_t *o)
{
    return member(o, "kind");
}

const char *obj_api_version(const json_t *o)
{
    return member(o, "apiVersion");
}

const char *obj_name(const json_t *o)
{
    return member(obj_metadata(o), "name");
}

const char *obj_namespace(const json_t *o)
{
    return member(obj_metadata(o), "namespace");
}

const char *obj_uid(const json_t *o)
{
    return member(obj_metadata(o), "uid");
}

const char *obj_resource_version(const json_t *o)
{
    return member(obj_metadata(o), "resourceVersion");
}

const char *obj_generate_name(const json_t *o)
{
    return member(obj_metadata(o), "generateName");
}

int64_t obj_generation(const json_t *o)
{
    return json_integer_value(json_object_get(obj_metadata(o), "generation"));
}

const json_t *obj_labels(const json_t *o)
{
    return json_object_get(obj_metadata(o), "labels");
}

const json_t *obj_annotations(const json_t *o)
{
    return json_object_get(obj_metadata(o), "annotations");
}

const char *obj_label(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(obj_labels(o), key));
}

const char *obj_annotation(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(obj_annotations(o), key));
}

bool obj_is_deleting(const json_t *o)
{
    return *member(obj_metadata(o), "deletionTimestamp");
}

static size_t index_of(const json_t *list, const char *text)
{
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v)
        if (streq(text_of(v), text))
            return i;
    return SIZE_MAX;
}

bool obj_has_finalizer(const json_t *o, const char *finalizer)
{
    return index_of(json_object_get(obj_metadata(o), "finalizers"), finalizer) != SIZE_MAX;
}

bool obj_time(const json_t *o, const char *path, struct instant *ret)
{
    return time_parse(obj_str(o, path), ret);
}

const char *obj_str(const json_t *o, const char *path)
{
    return text_of(json_path(o, path));
}

int64_t obj_int(const json_t *o, const char *path, int64_t absent)
{
    const json_t *v = json_path(o, path);

    return json_is_integer(v) ? json_integer_value(v) : absent;
}

bool obj_bool(const json_t *o, const char *path, bool absent)
{
    const json_t *v = json_path(o, path);

    return json_is_boolean(v) ? json_is_true(v) : absent;
}

size_t obj_count(const json_t *o, const char *path)
{
    const json_t *v = json_path(o, path);

    return json_is_object(v) ? json_object_size(v) : json_array_size(v);
}

const char *obj_key(struct arena *arena, const json_t *o)
{
    return *obj_namespace(o) ? arena_printf(arena, "%s/%s", obj_namespace(o), obj_name(o))
                             : arena_strdup(arena, obj_name(o));
}

/* ---- owners ---------------------------------------------------------------------------------- */

const json_t *obj_owner_references(const json_t *o)
{
    const json_t *list = json_object_get(obj_metadata(o), "ownerReferences");

    return json_is_array(list) ? list : NULL;
}

const json_t *obj_controller_ref(const json_t *o)
{
    const json_t *ref;
    size_t i;

    json_array_foreach(obj_owner_references(o), i, ref)
        if (json_is_true(json_object_get(ref, "controller")))
            return ref;
    return NULL;
}

const json_t *obj_owner_ref(const json_t *o, const char *uid)
{
    const json_t *ref;
    size_t i;

    json_array_foreach(obj_owner_references(o), i, ref)
        if (streq(member(ref, "uid"), uid))
            return ref;
    return NULL;
}

bool obj_controlled_by(const json_t *o, const json_t *owner)
{
    const json_t *ref = obj_controller_ref(o);

    return ref && *obj_uid(owner) && streq(member(ref, "uid"), obj_uid(owner));
}

json_t *owner_ref_new(const json_t *owner, bool controller)
{
    json_t *ref = json_object();

    json_object_set_new_nocheck(ref, "apiVersion", json_string_nocheck(obj_api_version(owner)));
    json_object_set_new_nocheck(ref, "kind", json_string_nocheck(obj_kind(owner)));
    json_object_set_new_nocheck(ref, "name", json_string_nocheck(obj_name(owner)));
    json_object_set_new_nocheck(ref, "uid", json_string_nocheck(obj_uid(owner)));
    if (controller) {
        json_object_set_new_nocheck(ref, "controller", json_true());
        json_object_set_new_nocheck(ref, "blockOwnerDeletion", json_true());
    }
    return ref;
}

bool obj_set_owner(json_t *o, const json_t *owner, bool controller)
{
    const json_t *other = obj_controller_ref(o), *ref;
    json_t *list;
    size_t i;

    if (controller && other && !streq(member(other, "uid"), obj_uid(owner)))
        return false;
    list = json_own_array(obj_own_metadata(o), "ownerReferences");
    json_array_foreach(list, i, ref)
        if (streq(member(ref, "uid"), obj_uid(owner))) {
            json_array_set_new(list, i, owner_ref_new(owner, controller));
            return true;
        }
    json_array_append_new(list, owner_ref_new(owner, controller));
    return true;
}

/* ---- writing --------------------------------------------------------------------------------- */

json_t *obj_own_metadata(json_t *o)
{
    return json_own_object(o, "metadata");
}

void obj_set_meta(json_t *o, const char *key, json_t *value)
{
    if (value)
        json_object_set_new_nocheck(obj_own_metadata(o), key, value);
    else if (json_object_get(obj_metadata(o), key))
        json_object_del(obj_own_metadata(o), key);
}

void obj_set_meta_str(json_t *o, const char *key, const char *value)
{
    obj_set_meta(o, key, str_empty(value) ? NULL : json_string_nocheck(value));
}

void obj_set_name(json_t *o, const char *name)
{
    obj_set_meta_str(o, "name", name);
}

void obj_set_namespace(json_t *o, const char *namespace)
{
    obj_set_meta_str(o, "namespace", namespace);
}

/* A member of metadata.labels or metadata.annotations; an empty map is removed with its last member. */
static void set_in_map(json_t *o, const char *map, const char *key, const char *value)
{
    json_t *m;

    if (!value && !json_object_get(json_object_get(obj_metadata(o), map), key))
        return;
    m = json_own_object(obj_own_metadata(o), map);
    if (value) {
        json_object_set_new_nocheck(m, key, json_string_nocheck(value));
        return;
    }
    json_object_del(m, key);
    if (!json_object_size(m))
        json_object_del(obj_own_metadata(o), map);
}

void obj_set_label(json_t *o, const char *key, const char *value)
{
    set_in_map(o, "labels", key, value);
}

void obj_set_annotation(json_t *o, const char *key, const char *value)
{
    set_in_map(o, "annotations", key, value);
}

bool obj_add_finalizer(json_t *o, const char *finalizer)
{
    if (obj_has_finalizer(o, finalizer))
        return false;
    json_array_append_new(json_own_array(obj_own_metadata(o), "finalizers"),
                          json_string_nocheck(finalizer));
    return true;
}

bool obj_remove_finalizer(json_t *o, const char *finalizer)
{
    json_t *list;
    size_t i;

    if (!obj_has_finalizer(o, finalizer))
        return false;
    list = json_own_array(obj_own_metadata(o), "finalizers");
    while ((i = index_of(list, finalizer)) != SIZE_MAX)
        json_array_remove(list, i);
    if (!json_array_size(list))
        json_object_del(obj_own_metadata(o), "finalizers");
    return true;
}

void obj_set(json_t *o, const char *path, json_t *value)
{
    const char *dot;
    json_t *at = o;

    for (; (dot = strchr(path, '.')); path = dot + 1) {
        cleanup_free char *key = xstrndup(path, (size_t)(dot - path));

        if (!value && !json_object_get(at, key))
            return;
        at = json_own_object(at, key);
    }
    if (value)
        json_object_set_new_nocheck(at, path, value);
    else
        json_object_del(at, path);
}

json_t *obj_new(const char *api_version, const char *kind, const char *namespace, const char *name)
{
    json_t *o = json_object();

    json_object_set_new_nocheck(o, "apiVersion", json_string_nocheck(api_version));
    json_object_set_new_nocheck(o, "kind", json_string_nocheck(kind));
    obj_set_name(o, name);
    obj_set_namespace(o, namespace);
    return o;
}

/* ---- conditions ------------------------------------------------------------------------------ */

static size_t condition_index(const json_t *conditions, const char *type)
{
    const json_t *c;
    size_t i;

    json_array_foreach(conditions, i, c)
        if (streq(member(c, "type"), type))
            return i;
    return SIZE_MAX;
}

const json_t *conditions_find(const json_t *conditions, const char *type)
{
    return json_array_get(conditions, condition_index(conditions, type));
}

const json_t *obj_condition(const json_t *o, const char *type)
{
    return conditions_find(json_object_get(json_object_get(o, "status"), "conditions"), type);
}

const char *obj_condition_status(const json_t *o, const char *type)
{
    return member(obj_condition(o, type), "status");
}

bool obj_condition_true(const json_t *o, const char *type)
{
    return streq(obj_condition_status(o, type), "True");
}

static void set_str(json_t *o, const char *key, const char *value)
{
    json_object_set_new_nocheck(o, key, json_string_nocheck(value ? value : ""));
}

/* In the order Go declares the fields of metav1.Condition. */
static json_t *condition_entry(const struct condition *c, const char *transition)
{
    json_t *entry = json_object();

    set_str(entry, "type", c->type);
    set_str(entry, "status", c->status);
    if (c->observed_generation)
        json_object_set_new_nocheck(entry, "observedGeneration", json_integer(c->observed_generation));
    set_str(entry, "lastTransitionTime", transition);
    set_str(entry, "reason", c->reason);
    set_str(entry, "message", c->message);
    return entry;
}

bool conditions_set(json_t *conditions, const struct condition *c, struct instant now)
{
    size_t i = condition_index(conditions, c->type);
    const json_t *old = json_array_get(conditions, i);
    const char *since = member(old, "lastTransitionTime");
    char stamp[TIME_TEXT_MAX];
    json_t *entry;

    time_format(now, stamp);
    if (!old || !*since || !streq(member(old, "status"), c->status))
        since = stamp;
    entry = condition_entry(c, since);
    if (!old) {
        json_array_append_new(conditions, entry);
        return true;
    }
    if (json_same(old, entry)) {
        json_decref(entry);
        return false;
    }
    json_array_set_new(conditions, i, entry);
    return true;
}

bool conditions_remove(json_t *conditions, const char *type)
{
    size_t i = condition_index(conditions, type);

    return i != SIZE_MAX && json_array_remove(conditions, i) == 0;
}
