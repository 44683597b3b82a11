/* client.h — typed verbs over a transport: what reconcilers, loops and tests call.
 *
 * A client belongs to one process (a controller replica); once that process is dead every call is
 * refused with -ERR_CANCELLED and reaches nobody. It sets the User-Agent and the field manager, turns
 * a Status into an apierr, and mixes every reply into the task's input hash.
 *
 * All calls suspend. `ret` is a new reference, written only on success, NULL when not wanted; the tree
 * may be shared with the server's store: json_deep_copy (or path copy) before the first edit.
 */
#pragma once

#include "kube/gvk.h"
#include "kube/transport.h"

struct client;

/* Borrows the transport. `name` is the field manager and the user agent. */
struct client *client_new(struct proc *owner, struct transport *t, const char *name);
struct client *client_free(struct client *c);   /* NULL is fine; returns NULL */
const char *client_name(const struct client *c);

/* Which object: a kind of resource, a namespace ("" or NULL: cluster scope), a name. */
struct objref {
    const struct resource *resource;
    const char *namespace, *name;
};

struct delete_options {
    const char *uid, *resource_version;          /* preconditions; NULL = none */
    const char *propagation;                     /* "Background", "Foreground", "Orphan"; NULL = default */
    int64_t grace_s;                             /* -1: the object's own */
};
#define DELETE_DEFAULT ((struct delete_options){ .grace_s = -1 })

struct list_options {
    const char *label_selector, *field_selector, *resource_version, *match;
    int64_t limit;
    const char *cont;                            /* continue token */
};

enum patch_type { PATCH_JSON, PATCH_MERGE, PATCH_STRATEGIC, PATCH_APPLY };

int client_get(struct co *co, struct client *c, const struct objref *o, json_t **ret, struct apierr *err);
int client_list(struct co *co, struct client *c, const struct resource *rs, const char *namespace,
                const struct list_options *opt, json_t **ret, struct apierr *err);
int client_create(struct co *co, struct client *c, const struct resource *rs, const json_t *obj,
                  json_t **ret, struct apierr *err);
/* PUT; carries obj's resourceVersion as it is (absent: unconditional where the kind allows it). */
int client_update(struct co *co, struct client *c, const struct resource *rs, const json_t *obj,
                  json_t **ret, struct apierr *err);
int client_update_status(struct co *co, struct client *c, const struct resource *rs, const json_t *obj,
                         json_t **ret, struct apierr *err);
/* `subresource` NULL or "status", "scale" ... */
int client_patch(struct co *co, struct client *c, const struct objref *o, const char *subresource,
                 enum patch_type type, const json_t *patch, json_t **ret, struct apierr *err);
int client_delete(struct co *co, struct client *c, const struct objref *o,
                  const struct delete_options *opt, struct apierr *err);
/* A subresource by POST: pods/binding, pods/eviction, serviceaccounts/token. */
int client_post(struct co *co, struct client *c, const struct objref *o, const char *subresource,
                const json_t *body, json_t **ret, struct apierr *err);
/* From resource_version on ("" = now, with what is there first). Free the stream. */
int client_watch(struct co *co, struct client *c, const struct resource *rs, const char *namespace,
                 const struct list_options *opt, bool bookmarks, struct api_stream **ret,
                 struct apierr *err);
