/* apply.h — who owns which field, and server-side apply (E.5, E.6).
 *
 * Every write ends here: an update records what it changed, an apply is merged into the live object and
 * records what it says. Pure: objects in, a new object with its metadata.managedFields out; time and names
 * are given. Objects are canonical trees of one version, as the store holds them.
 */
#pragma once

#include "kube/fieldpath.h"
#include "kube/fieldset.h"

/* The same object in another version, new, or NULL where there is none of that name; *ret_schema describes it. */
typedef json_t *apply_convert_fn(void *arg, const json_t *obj, const char *api_version,
                                 const struct schema **ret_schema);

struct apply_write {
    struct arena *arena;
    const struct schema *schema;       /* NULL: not described (lists atomic, maps granular) */
    const char *manager;               /* who writes; "" is allowed for updates only */
    const char *api_version;           /* of the object */
    const char *subresource;           /* "" or "status", "scale" */
    const char *now;                   /* RFC 3339 */
    /* Fields this endpoint never owns (E-122): fieldsV1 as text, {"f:status":{}}; NULL: none. */
    const char *reset_fields;
    apply_convert_fn *convert;         /* NULL: all versions are the same */
    void *convert_arg;
};

/* The manager of a request: the fieldManager parameter, or the user agent up to the first '/', or
 * "unknown" pieces of it as the server does; at most 128 characters. In `a`. */
const char *apply_manager_name(struct arena *a, const char *field_manager, const char *user_agent);

/* A create or update: `next` is what will be stored, `live` what is (for a create: the empty object of the
 * kind). Returns a new reference to `next` with managedFields; both may carry some already. */
json_t *apply_update(const struct apply_write *w, const json_t *live, const json_t *next);

/* An apply of `config` to `live` (for a create: the empty object, with is_new). `*ret` is NULL where
 * nothing changed. -APIERR_CONFLICT with its causes (E-134, E-135), -APIERR_INTERNAL_ERROR for a config
 * that does not fit the schema (E-132), -APIERR_BAD_REQUEST (E-131). */
int apply_merge(const struct apply_write *w, const json_t *live, bool is_new, const json_t *config,
                bool force, json_t **ret, struct apierr *err);

/* Where an object of this version keeps its replicas; n = 0: nowhere. A list of them ends with a NULL version. */
struct scale_path {
    const char *api_version;
    const char *const *path;           /* "f:spec", "f:replicas" */
    size_t n;
};
/* The managedFields of an object as those of its Scale, and back after a write to that (E-121). New; NULL:
 * none. */
json_t *apply_scale_shown(struct arena *a, const json_t *entries, const struct scale_path *paths);
json_t *apply_scale_taken(struct arena *a, const json_t *entries, const json_t *scale_entries,
                          const char *api_version, const struct scale_path *paths);

/* The empty object that a create is compared with: what Go's zero value of the kind looks like. */
json_t *apply_empty_object(const struct schema *s, const char *api_version, const char *kind);

/* True where a and b differ at most in the times of their managedFields: such a write changes nothing. */
bool apply_same_but_times(const json_t *a, const json_t *b);
