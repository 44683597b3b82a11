/* managers.h — metadata.managedFields as a list of managers, and back (E-110 to E-118).
 *
 * A manager is told from others by its identity alone: name, operation and subresource, and for an updater the
 * version too. In the one place where identities of another kind of object are carried along (Scale), `id` and
 * `api_version` disagree until they are written; otherwise one follows from the other.
 */
#pragma once

#include "kube/fieldset.h"

struct field_manager {
    const char *id;                    /* as Go's encoder prints it: conflicts are listed in its order */
    const char *name, *operation, *api_version, *subresource;
    const char *time;                  /* "": none */
    struct fset *fields;
    bool applied;
};

/* In no particular order until they are written; everything lives in `arena`. */
struct managers {
    struct arena *arena;
    struct field_manager *v;
    size_t n, cap;
};

/* A manager without fields. "" is written as "unknown". */
struct field_manager field_manager_new(struct arena *a, const char *name, bool applied, const char *api_version,
                           const char *subresource);
struct field_manager *managers_find(struct managers *m, const char *id);        /* NULL: not there */
struct field_manager *managers_add(struct managers *m, struct field_manager one);
void managers_remove(struct managers *m, const char *id);
void managers_drop_empty(struct managers *m);

/* The entries of managedFields; none, and false, where one of them cannot be read. */
bool managers_read(struct managers *m, const json_t *entries);
/* The list to be stored, or NULL where there are none. */
json_t *managers_write(struct managers *m);
/* `obj` with them, or without any; a new tree. */
json_t *managers_put(struct managers *m, const json_t *obj);

/* More than ten updaters: the oldest of a version are poured together (E-116). */
void managers_cap(struct managers *m);
