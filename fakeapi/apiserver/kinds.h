/* kinds.h — what is served: one struct for each resource, built in or from a CustomResourceDefinition.
 *
 * A kind is data: names, verbs, subresources, schema, columns, selectable fields, and the few hooks
 * where a kind has a will of its own. Everything in this folder goes through it and never asks whether
 * the kind is built in, but where the real server answers differently for custom resources (`custom`).
 *
 * Built-in kinds stand in kinds_builtin.c, their hooks in builtin/; crd.c makes the others.
 */
#pragma once

#include "kube/fielderr.h"
#include "kube/gvk.h"
#include "kube/names.h"
#include "kube/schema.h"

struct call;
struct crd;
struct kind;
struct delete_request;

enum verbs {
    VERB_CREATE = 1, VERB_DELETE = 2, VERB_DELETECOLLECTION = 4, VERB_GET = 8, VERB_LIST = 16,
    VERB_PATCH = 32, VERB_UPDATE = 64, VERB_WATCH = 128,
    VERBS_RW = VERB_GET | VERB_PATCH | VERB_UPDATE,
    VERBS_ALL = 255
};

enum kind_flags {
    KIND_UNCONDITIONAL = 1,            /* PUT without resourceVersion overwrites (B-054) */
    KIND_CREATE_ON_UPDATE = 2,         /* PUT of what is not there creates it (B-052) */
    KIND_GENERATION = 4,               /* generation 1 at create, +1 when spec changes (B-005) */
    KIND_RETURNS_DELETED = 8,          /* DELETE answers with the object (B-060) */
    KIND_ORPHANS = 16,                 /* default propagation is Orphan (B-137) */
    KIND_NO_GC = 32,                   /* propagation means nothing (Event) */
    KIND_REVIEW = 64,                  /* create computes an answer, nothing is stored */
    KIND_STATUS_DROPPED = 128,         /* status cannot be set at create though there is no /status */
    KIND_STATUS_AT_CREATE = 256,       /* status can be set at create though there is a /status */
    KIND_PHASE_READ_BACK = 1024,       /* the phase of a created object is a default: its first update writes it down */
    KIND_GENERATION_LATE = 16384,      /* the same with none at create */
    KIND_STATUS_ALONE = 2048,          /* /status leaves all metadata as it was (B-100) */
    KIND_STATUS_KEEPS_LABELS = 4096,   /* /status leaves the labels as they were, and no other metadata */
    KIND_STATUS_CREATES = 8192,        /* what may create may do so by /status, by an oversight of the real server */
    KIND_TELLS_EMPTY = 512             /* when compared with what is stored, an empty list differs from none */
};

/* A subresource whose body is a view of the object in another kind: Scale. */
struct view_ops {
    const struct kind *body;
    /* What is shown of `obj`; new reference. */
    int (*show)(struct call *c, const struct kind *k, const json_t *obj, json_t **ret);
    /* `old` with what `body` says; new reference. Its resourceVersion is the body's. */
    int (*take)(struct call *c, const struct kind *k, const json_t *body, const json_t *old, json_t **ret);
};

struct subresource {
    const char *name;
    unsigned verbs;
    /* The body's kind where it is not the kind itself; "" = the same. */
    const char *group, *version, *kind;
    const struct view_ops *view;       /* NULL: the body is the object */
    int (*answer)(struct call *c);     /* answers every verb itself: binding, log; NULL: as usual */
};

/* A column of a Table. `cell` returns a new reference. */
struct column {
    const char *name, *type, *format, *description;
    int priority;
};

/* A field that fieldSelector understands beside metadata.name and metadata.namespace. */
struct selectable {
    const char *label;                 /* "status.phase" */
    const char *path;                  /* in the object; NULL: the label is the path */
    const char *absent;                /* what a missing value compares as; NULL: "" */
    const char *otherwise;             /* the path that is looked at where there is nothing; NULL: none */
};

struct kind_ops {
    /* Defaults that no schema can say. The object is the caller's own. */
    void (*defaults)(struct call *c, json_t *obj);
    /* Before validation at create; clears what a client may not set. 0 or negative with c->err. */
    int (*prepare_create)(struct call *c, json_t *obj);
    /* `sub` NULL: the main resource. Instead of the usual rules of update.c when it is set. 0 or negative with c->err. */
    int (*prepare_update)(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old);
    /* Built-in admission, create and update alike (old NULL at create). */
    int (*admit)(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old);
    void (*validate)(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *errs);
    /* NULL: validate() again. */
    void (*validate_update)(struct call *c, const struct kind *k, const struct subresource *sub,
                            const json_t *obj, const json_t *old, struct fielderrs *errs);
    /* Warnings for what was accepted: call_warn(). old NULL at create. */
    void (*warn)(struct call *c, const json_t *obj, const json_t *old);
    /* The grace period in seconds that a DELETE means; `asked` GRACE_OWN: none was given. NULL: this
     * kind knows no grace. */
    int64_t (*grace)(struct call *c, const json_t *obj, int64_t asked);
    /* Before a DELETE does anything. 0 or negative with c->err. */
    int (*check_delete)(struct call *c, const json_t *obj);
    /* A life cycle of its own at DELETE: when *ret_done comes back true, the state of `obj` (own) is
     * written and that is all. */
    int (*remove)(struct call *c, const struct kind *k, json_t *obj, const struct delete_request *d,
                  bool *ret_done);
    /* What the server writes beside it, when it is about to be stored (old NULL at create). Does not suspend. 0 or
     * negative with c->err. */
    int (*beside)(struct call *c, const json_t *obj, const json_t *old);
    /* After the object is gone from the store (allocations to give back). */
    void (*deleted)(struct call *c, const json_t *obj);
    /* KIND_REVIEW: works out the answer into `obj` (own). */
    int (*review)(struct call *c, json_t *obj);
    /* The cells of a row: `n` of them pushed to `cells`. NULL: name and creation time. */
    void (*cells)(struct call *c, const struct kind *k, const json_t *obj, json_t *cells);
    /* What an object gets when it is read back after a write, and so only then, after all checks. The first update of
     * a created one writes it down, whatever else it changes. */
    void (*read_back)(json_t *obj);
    /* Says whether the spec (what generation counts) differs. NULL: what `counted` says is compared. */
    bool (*spec_differs)(const struct kind *k, const json_t *a, const json_t *b);
    /* Between what is stored and this version; new trees. NULL: only apiVersion differs. */
    int (*from_storage)(struct call *c, const struct kind *k, const json_t *stored, json_t **ret);
    int (*to_storage)(struct call *c, const struct kind *k, const json_t *obj, json_t **ret);
};

struct kind {
    struct resource res;
    const char *singular, *list_kind;
    const char *const *short_names, *const *categories;          /* NULL-terminated, or NULL */
    unsigned verbs, flags;
    const char *counted;               /* what the generation counts the changes of: paths with '+' between them,
                                          "*" for all but metadata; NULL: "spec"; "": nothing */
    enum name_rule name_rule;          /* B-021 to B-024 */
    size_t name_max;                   /* 0: as the rule says */
    const struct subresource *subs;
    size_t n_subs;
    const char *store_prefix;          /* "/registry/pods/" */
    const char *store_version;         /* apiVersion of what is stored; NULL: its own */
    const char *internal_group;        /* where Go keeps the type, which 422s name; NULL: its own group */
    const char *deprecation;           /* the Warning of every request; NULL: none */
    const struct kind_ops *ops;        /* never NULL */
    const struct selectable *fields;
    size_t n_fields;
    const struct column *columns;
    size_t n_columns;
    const struct schema *schema;       /* of a custom version; ask kind_schema() */
    struct crd *crd;                   /* NULL: built in */
};

const char *kind_api_version(const struct kind *k, char ret[API_VERSION_MAX]);
/* "pods", "jobs.batch": as errors spell it. */
const char *kind_group_resource(struct arena *a, const struct kind *k);
/* NULL where nothing describes it. */
const struct schema *kind_schema(const struct kind *k);
const struct subresource *kind_sub(const struct kind *k, const char *name);
/* Custom kinds come and go: who keeps one beyond a step that may suspend holds it. NULL is fine. */
void kind_hold(const struct kind *k);
void kind_release(const struct kind *k);
/* Kube-aware order of versions; < 0: `a` comes first. */
int compare_versions(const char *a, const char *b);
static inline const char *kind_internal_group(const struct kind *k)
{
    return k->internal_group ? k->internal_group : k->res.group;
}
static inline bool kind_custom(const struct kind *k)
{
    return k->crd != NULL;
}

/* ---- the built-in ones ------------------------------------------------------------------------ */

/* In the order of discovery: groups by priority, versions by age, resources by name. */
const struct kind *builtin_kinds(size_t *ret_n);

/* ---- all that is served ----------------------------------------------------------------------- */

struct kinds;

struct kinds *kinds_new(void);
struct kinds *kinds_free(struct kinds *ks);

/* NULL where nothing of that name is served. */
const struct kind *kinds_find(const struct kinds *ks, const char *group, const char *version,
                              const char *plural);
const struct kind *kinds_find_kind(const struct kinds *ks, const char *group, const char *version,
                                   const char *kind);
bool kinds_has_group(const struct kinds *ks, const char *group);
bool kinds_has_version(const struct kinds *ks, const char *group, const char *version);
bool kinds_is_builtin_group(const char *group);

/* Everything served, in the order of discovery. Borrowed until the next kinds_set_custom. */
const struct kind *const *kinds_all(const struct kinds *ks, size_t *ret_n);

/* Changes whenever what is served does. */
uint64_t kinds_generation(const struct kinds *ks);

/* Replaces all custom kinds at once; the pointers are borrowed, in the order of discovery. */
void kinds_set_custom(struct kinds *ks, const struct kind *const *custom, size_t n);
