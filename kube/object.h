/* object.h — metadata and conditions of an API object, read from any tree, written to one's own.
 *
 * Readers take NULL and never return NULL text: what is absent or of another type reads as "" (0,
 * false). What they return is borrowed from the tree. Writers edit in place: the object must be the
 * caller's own (json_own or json_clone first); below its root they copy what is shared.
 */
#pragma once

#include "kube/json.h"
#include "world/clock.h"

/* ---- reading --------------------------------------------------------------------------------- */

const char *obj_kind(const json_t *o);
const char *obj_api_version(const json_t *o);
const char *obj_name(const json_t *o);
const char *obj_namespace(const json_t *o);
const char *obj_uid(const json_t *o);
const char *obj_resource_version(const json_t *o);
const char *obj_generate_name(const json_t *o);
int64_t obj_generation(const json_t *o);
const json_t *obj_metadata(const json_t *o);     /* NULL when absent */
const json_t *obj_labels(const json_t *o);
const json_t *obj_annotations(const json_t *o);
const char *obj_label(const json_t *o, const char *key);         /* NULL when absent: "" is a value */
const char *obj_annotation(const json_t *o, const char *key);    /* NULL when absent */
bool obj_is_deleting(const json_t *o);           /* deletionTimestamp is set */
bool obj_has_finalizer(const json_t *o, const char *finalizer);
bool obj_time(const json_t *o, const char *path, struct instant *ret);   /* RFC 3339; false: absent */

/* By dotted path (json_path). */
const char *obj_str(const json_t *o, const char *path);
int64_t obj_int(const json_t *o, const char *path, int64_t absent);
bool obj_bool(const json_t *o, const char *path, bool absent);
size_t obj_count(const json_t *o, const char *path);             /* members or elements; 0: absent */

/* "namespace/name", or the name alone; in `arena`. */
const char *obj_key(struct arena *arena, const json_t *o);

/* ---- owners ---------------------------------------------------------------------------------- */

const json_t *obj_owner_references(const json_t *o);             /* array, or NULL */
const json_t *obj_controller_ref(const json_t *o);               /* the entry with controller: true */
const json_t *obj_owner_ref(const json_t *o, const char *uid);
bool obj_controlled_by(const json_t *o, const json_t *owner);    /* by uid */
/* A new entry that names `owner` as the controller (with blockOwnerDeletion), or as a plain owner. */
json_t *owner_ref_new(const json_t *owner, bool controller);
/* Adds or replaces the entry of that uid. False where another controller is in the way. */
bool obj_set_owner(json_t *o, const json_t *owner, bool controller);

/* ---- writing --------------------------------------------------------------------------------- */

json_t *obj_own_metadata(json_t *o);             /* made when absent */
void obj_set_name(json_t *o, const char *name);
void obj_set_namespace(json_t *o, const char *namespace);        /* "" removes */
void obj_set_meta_str(json_t *o, const char *key, const char *value);    /* NULL or "" removes */
void obj_set_meta(json_t *o, const char *key, json_t *value);    /* steals; NULL removes */
void obj_set_label(json_t *o, const char *key, const char *value);       /* NULL removes */
void obj_set_annotation(json_t *o, const char *key, const char *value);  /* NULL removes */
bool obj_add_finalizer(json_t *o, const char *finalizer);        /* true when that changed the object */
bool obj_remove_finalizer(json_t *o, const char *finalizer);
/* Sets what a dotted path names, making objects on the way. Steals; NULL removes. */
void obj_set(json_t *o, const char *path, json_t *value);

/* apiVersion, kind and a name (namespace may be NULL): the start of an object. */
json_t *obj_new(const char *api_version, const char *kind, const char *namespace, const char *name);

/* ---- conditions ------------------------------------------------------------------------------ */

struct condition {
    const char *type, *status, *reason, *message;
    int64_t observed_generation;                 /* 0: left out */
};

/* The entry of `type` in a list of conditions or under status.conditions; NULL when absent. */
const json_t *conditions_find(const json_t *conditions, const char *type);
const json_t *obj_condition(const json_t *o, const char *type);
const char *obj_condition_status(const json_t *o, const char *type);     /* "" when absent */
bool obj_condition_true(const json_t *o, const char *type);

/* As meta.SetStatusCondition: lastTransitionTime moves only when the status does; a new entry goes to
 * the end. `conditions` is the caller's own array. True when anything changed. */
bool conditions_set(json_t *conditions, const struct condition *c, struct instant now);
bool conditions_remove(json_t *conditions, const char *type);
