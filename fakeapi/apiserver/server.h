/* server.h — the server's insides, and one request on its way through it. Private to this folder. */
#pragma once

#include "fakeapi/apiserver/apiserver.h"
#include "fakeapi/apiserver/kinds.h"
#include "fakeapi/apiserver/release.h"
#include "kube/json.h"
#include "kube/object.h"

struct watch;
struct watch_event;
struct crds;
struct auth;
struct event_ttl;

struct apiserver {
    struct world *world;
    struct proc *proc;
    struct store *store;
    struct kinds *kinds;
    const struct release *release;
    struct crds *crds;
    struct cel_env *cel;               /* made when first asked: ask server_cel() */
    struct policies *policies;         /* compiled (admission/policy.c) */
    struct transport transport;
    struct hook_caller *hook_caller;   /* NULL: nobody listens */
    const struct hook_service *hook_services;
    size_t n_hook_services;
    struct auth *auth;                 /* who may do what: auth/auth.h */
    struct watch_event *last_event;    /* shared by all watchers that see it now */
    struct watch *watches;             /* open ones */
    struct converter *converters;      /* of watches that see another version than what is stored */
    size_t streams_held;               /* of them, which had news that was not safe yet */
    bool group_commit;
    duration compact_every;
    struct event_ttl *event_ttl;       /* NULL: events stay */
    struct inflight {
        unsigned n, limit;             /* limit 0: none */
    } inflight[2];                     /* those that read, those that may write */
    struct blob *discovery[4];         /* aggregated documents and their like, by generation */
    uint64_t discovery_generation;
};

/* ---- routing ----------------------------------------------------------------------------------- */

enum route_type {
    ROUTE_RESOURCE,                    /* kind, verb and the names are set */
    ROUTE_OTHER,                       /* a path of its own: other.c knows */
    ROUTE_NOT_FOUND,                   /* a Status */
    ROUTE_NOT_FOUND_TEXT,              /* "404 page not found" */
    ROUTE_METHOD,                      /* 405 by the router */
    ROUTE_METHOD_KIND,                 /* 405 by the handler of custom resources: `verb_text` */
    ROUTE_NO_SUCH_SUB,                 /* 404 by the same */
    ROUTE_NO_NAME,                     /* 400 by the same */
    ROUTE_BAD_ESCAPE,                  /* 400 */
    ROUTE_NO_RESOURCE                  /* 500: a watch of nothing */
};

struct route {
    enum route_type type;
    const char *path;                  /* decoded, in the call's arena */
    const struct kind *kind;
    const struct subresource *sub;     /* NULL: the main resource */
    const char *namespace, *name;      /* never NULL */
    const char *rest;                  /* what follows the subresource (proxy paths); never NULL */
    enum verbs verb;
    const char *verb_text;
    bool needs_namespace;              /* the path has an empty one, where one is needed */
    bool watch_path;                   /* /api/v1/watch/...: a watch whatever the query says */
};

void route_request(struct call *c, struct route *ret);

/* ---- query ------------------------------------------------------------------------------------- */

struct query_item {
    const char *key, *value;           /* decoded */
};
struct query {
    struct query_item *v;
    size_t n;
};
void query_parse(struct arena *a, const char *text, struct query *ret);
const char *query_get(const struct query *q, const char *key);   /* first; NULL: absent */
/* Go's conversion of a query value to bool: absent false; "0" and "false" (any case) false; else true. */
bool query_bool(const struct query *q, const char *key);
/* 0 with *ret unchanged when absent; negative with c->err when it is no int64. */
int query_int(struct call *c, const char *key, int64_t *ret, bool *ret_present);

/* The options of the verb in hand, from the query, validated with the real server's words. */
struct options {
    bool dry_run;
    const char *field_manager;         /* as given; "" = absent */
    enum { VALIDATION_WARN, VALIDATION_IGNORE, VALIDATION_STRICT } field_validation;
    bool force, force_present;
    bool watch, bookmarks, send_initial, send_initial_present;
    const char *label_selector, *field_selector, *resource_version, *match, *cont;       /* never NULL */
    int64_t limit, timeout_s;
    bool has_timeout;
};
int options_create(struct call *c);
int options_update(struct call *c);
int options_patch(struct call *c, bool apply);
int options_list(struct call *c);
int options_timeout(struct call *c);   /* ?timeout= must be a duration */
bool options_timeout_given(struct call *c, duration *ret);
int options_invalid(struct call *c, const char *kind, struct fielderrs *errs);
struct delete_request;
int delete_options(struct call *c, struct delete_request *ret);
/* The same from a decoded body (NULL: the query). */
int delete_options_from(struct call *c, const json_t *body, struct delete_request *ret);
bool options_dry_run_ok(struct call *c, struct fielderrs *errs);
void options_field_manager(struct fielderrs *errs, const char *manager);

/* ---- negotiation ------------------------------------------------------------------------------- */

enum media { MEDIA_JSON, MEDIA_YAML, MEDIA_PROTOBUF };
enum view { VIEW_PLAIN, VIEW_TABLE, VIEW_PARTIAL, VIEW_PARTIAL_LIST };

struct encoding {
    enum media media;
    enum view view;
    const char *view_version;          /* "v1", "v1beta1" of meta.k8s.io */
    bool pretty;
};
/* What the reply to this request shall look like; decides c->out. 0, or -APIERR_NOT_ACCEPTABLE. */
int negotiate(struct call *c);
int negotiate_stream(struct call *c);  /* whether that can be streamed: asked when a watch has begun */
/* The media type of the request's body, -APIERR_UNSUPPORTED_MEDIA_TYPE otherwise. */
int negotiate_body(struct call *c, enum media *ret);
const char *media_type(enum media m, bool stream);
/* The view asked for must fit what is shown: a list or an object. */
int negotiate_check_view(struct call *c, const struct kind *k, bool list);
/* True when the aggregated discovery document is asked for. */
bool negotiate_aggregated(struct call *c, enum media *ret);
/* For error replies when negotiate() has not run or failed: the best guess, JSON else. */
struct encoding negotiate_error(struct call *c);

/* ---- one request ------------------------------------------------------------------------------- */

struct call {
    struct co *co;                     /* may suspend only where a real server waits */
    struct apiserver *s;
    struct arena *arena;               /* the reply's own */
    const struct api_request *q;
    struct api_reply *reply;
    bool want_tree;
    struct instant now;                /* one time for the whole request */
    struct apierr err;
    struct route route;
    struct query query;
    struct options opt;
    struct encoding out;
    const char *user_agent;
    const struct api_user *user;
    DYN(const char *) warnings;
    DYN(struct api_header) headers;
    DYN(json_t *) kept;
    const char *include_object;        /* of a watch that shows Tables; NULL: ask the query */
    const char *status_continue;       /* the error Status's metadata.continue; NULL: absent */
    const char **yaml_duplicates;      /* of a body in YAML, not yet reported */
    size_t n_yaml_duplicates;
    json_t *body;                      /* what a body was decoded to and must live as long as the call */
    const json_t *sent;                /* the object as decoded, with the empty lists and maps that nobody prints */
    json_t *status;                    /* the Status to answer with, word for word; NULL: what `err` says */
    json_t *admission_options;         /* what admission is told of the options */
    bool not_routed;                   /* the router of built-in paths has turned it away */
    bool untyped;                      /* the body says no apiVersion; what it is decoded to always does */
    bool unsettled;                    /* the object holds what storing drops: decode_finish() before validation */
    bool upsert;                       /* a PUT or an apply that creates: less is wiped */
    bool managed_done;                 /* managedFields are as they shall be: an apply saw to them */
    bool head;                         /* HEAD: no body */
    bool no_sniff;                     /* the error's reply says so */
    bool internal;                     /* the server's own call: bootstrap and background work */
    bool out_of_time;                  /* of the client's: client_out_of_time() */
    struct inflight *inflight;         /* where it counts; NULL: nowhere */
};

/* ---- limits (limits.c) ------------------------------------------------------------------------- */

/* Counts the request, or answers 429: then the reply has a status. 0 (K-007). */
/* A watch, or a connection to somewhere else: what a path says, whether it is served or not. */
bool call_is_long(struct call *c);
int inflight_enter(struct call *c);
void inflight_leave(struct call *c);
/* The client's ?timeout= is over. A filter sees to it before everything else, and its Status is no Status in full:
 * reply_out_of_time() sends it (K-006). */
int client_out_of_time(struct call *c);
void reply_out_of_time(struct call *c);

/* Adds a Warning header once. */
void call_warn(struct call *c, const char *fmt, ...) PRINTF(2, 3);
/* Steals: the tree lives as long as the call. Returns it. */
json_t *call_keep(struct call *c, json_t *tree);
void call_header(struct call *c, const char *name, const char *value);
static inline char *call_store_key(struct call *c, const struct kind *k, const char *namespace,
                                   const char *name)
{
    if (k->res.namespaced)
        return arena_printf(c->arena, "%s%s/%s", k->store_prefix, namespace, name);
    return arena_printf(c->arena, "%s%s", k->store_prefix, name);
}
static inline const char *call_text_time(struct call *c)
{
    char text[TIME_TEXT_MAX];
    time_format(c->now, text);
    return arena_strdup(c->arena, text);
}

/* ---- replies (reply.c) ------------------------------------------------------------------------- */

/* An object of c->route.kind as stored: converted to the version asked for, viewed and encoded. */
int reply_value(struct call *c, int status, struct value *v);
/* A tree that is not stored (dry run, Status, Scale): as it is, encoded. Steals. `k` NULL: no view. */
int reply_object(struct call *c, int status, const struct kind *k, json_t *obj);
int reply_tree(struct call *c, int status, json_t *tree);
int reply_text(struct call *c, int status, const char *content_type, const char *text);
int reply_blob(struct call *c, int status, const char *content_type, struct blob *body);   /* steals */
int reply_stream(struct call *c, const char *content_type, struct api_stream *stream);        /* steals */
/* The Status for c->err. Always succeeds. */
/* The error of what went wrong within: its words are its cause, too. */
int internal_error(struct call *c, const char *fmt, ...) PRINTF(2, 3);
void reply_error(struct call *c);
/* {"status":"Success"} with details of a deleted object. */
json_t *status_success(const struct kind *k, const char *name, const char *uid);
int reply_created(struct call *c);     /* the Status "Success" with 201 */
/* Encodes a tree for the wire: JSON with a newline at the end, YAML, protobuf. NULL where that kind
 * has no such form. */
struct blob *encode_tree(struct call *c, const json_t *tree, const struct encoding *e);
/* Appends the body that `tree` is in protobuf; false, and nothing, where it has no such form. */
bool encode_protobuf(struct buf *b, const json_t *tree);

/* ---- stored form and versions (convert.c) ------------------------------------------------------- */

/* The tree of a stored value in the version of `k`. New reference; usually the stored tree itself. May suspend where
 * a webhook converts. */
int convert_from_store(struct call *c, const struct kind *k, struct value *v, json_t **ret);
/* The same for many: appended to `items`. A webhook is asked once. */
int convert_all_from_store(struct call *c, const struct kind *k, struct value *const *v, size_t n, json_t *items);
/* The tree to store for an object in version `k`. Steals obj. May suspend. */
int convert_to_store(struct call *c, const struct kind *k, json_t *obj, json_t **ret);
/* A webhook converts the objects of this kind; and must be asked to show this stored one (convert_hook.c). */
bool convert_by_hook(const struct kind *k);
bool convert_needs_hook(const struct kind *k, const json_t *stored);
/* Asks it about all n objects at once: their trees in `api_version` in ret[], or none of them. Suspends. */
int convert_ask_hook(struct call *c, const struct kind *k, const char *api_version, json_t *const *objects, size_t n,
                     json_t **ret);
/* A custom resource as it is read before anybody converts it: by the schema of the version that it is stored in,
 * with its defaults. New reference. */
int convert_read_stored(struct call *c, const struct kind *k, json_t *tree, json_t **ret);
/* What conversion made: pruned, and nothing else. Steals. */
json_t *convert_settle(const struct kind *k, json_t *obj);
/* *obj, owned, from one kind to another that is stored in the same place. May suspend. */
int convert_between(struct call *c, const struct kind *from, const struct kind *to, json_t **obj);
/* True when what is stored can be sent as it is. */
bool convert_is_identity(const struct kind *k, struct value *v);

/* ---- selection (filter.c) ---------------------------------------------------------------------- */

struct filter;
/* NULL label and field selectors mean everything; *ret NULL then. In the call's arena. */
int filter_parse(struct call *c, const struct kind *k, const char *labels, const char *fields,
                 struct filter **ret);
/* Whether they can be read at all, which is asked before anything else of the options is. */
int filter_check(struct call *c, const char *labels, const char *fields);
bool filter_match(const struct filter *f, const struct kind *k, const json_t *obj);
/* A copy that outlives the call; free it with filter_free. */
struct filter *filter_keep(const struct filter *f);
struct filter *filter_free(struct filter *f);
/* The name or namespace that the field selector pins, or NULL. */
const char *filter_name(const struct filter *f);
const char *filter_namespace(const struct filter *f);

/* ---- bodies (decode.c) ------------------------------------------------------------------------- */

/* The request's body as an object of kind `k`: decoded by its schema, strict errors as the options say,
 * apiVersion and kind checked. A tree of the caller's own. */
int decode_object(struct call *c, const struct kind *k, json_t **ret);
/* The same for a tree (stolen) that a patch made, with what decoding the patch found. */
struct patch_notes;
int decode_patched(struct call *c, const struct kind *k, json_t *tree, const struct patch_notes *notes,
                   const json_t *printed, json_t **ret);
/* The body of an apply: YAML. */
int decode_config(struct call *c, const char *text, size_t len, json_t **ret);
/* What an apply of `config` made, as an object of kind k. Steals the tree. */
int decode_applied(struct call *c, const struct kind *k, const json_t *config, json_t *tree, json_t **ret);
/* A body of a kind that is not served here (Binding, Eviction, Scale, DeleteOptions). NULL tree: no body. */
int decode_body(struct call *c, const char *kind_text, json_t **ret);
/* Go's order of members, zero values where Go prints them; the schema's defaults when `defaults`. */
int decode_default(struct call *c, const struct kind *k, json_t **obj);
/* The form in which an object is stored and shown, after everybody had a hand in it. */
int decode_finish(struct call *c, const struct kind *k, json_t **obj);
/* What validation sees of an object that decode_finish() has seen, or of the stored one beside it: with the empty
 * lists and maps that were sent, which differ from none until they are stored. True when there were any. */
bool decode_regain_empties(const struct call *c, const struct kind *k, json_t **obj);
/* DeleteOptions, or NULL where there is no body. */
int decode_delete_options(struct call *c, json_t **ret);
int check_body_size(struct call *c);
/* Defaults of schema and kind (create.c). */
int fill_defaults(struct call *c, const struct kind *k, json_t **obj);

/* ---- metadata (meta.c) ------------------------------------------------------------------------- */

/* What the server sets and what a client may not (B-001 to B-009). */
void meta_wipe(json_t *obj);           /* what a client may not say at create */
int meta_prepare_create(struct call *c, const struct kind *k, json_t *obj);
void meta_prepare_update(struct call *c, const struct kind *k, json_t *obj, const json_t *old);
int meta_check_namespace(struct call *c, const struct kind *k, json_t *obj);
void meta_validate(const struct kind *k, const json_t *obj, struct fielderrs *errs);   /* as its kind does it */
void meta_validate_map(const char *field, const json_t *map, struct fielderrs *errs);    /* labels or annotations alone */
void meta_validate_any(const struct kind *k, const json_t *obj, struct fielderrs *errs);   /* as all kinds do */
void meta_validate_update(const struct kind *k, const struct subresource *sub, const json_t *obj, const json_t *old,
                          struct fielderrs *errs);
/* `when`: "" for what was sent, " after mutating admission happens" for what a patch made. */
void meta_dedup_owners(struct call *c, json_t *obj, const char *when);
void meta_generate_name(struct call *c, json_t *obj);
void meta_set_version(json_t *obj, uint64_t revision);

/* ---- managed fields (managed.c) ---------------------------------------------------------------- */

/* Records who set what, on every write but an apply. `old` NULL at create; subresource "": the object. */
int managed_update(struct call *c, const struct kind *k, const char *subresource, json_t **obj,
                   const json_t *old);
int managed_check_apply(struct call *c, const struct kind *k, const json_t *old, const json_t *config);
struct apply_write;
void managed_describe(struct call *c, const struct kind *k, const char *subresource, struct apply_write *ret);
/* The same for a write to a view of the object, a Scale: it is shown with the managers of what it shows, and
 * they are taken back with what it says (E-121). */
void managed_view_describe(struct call *c, const char *subresource, struct apply_write *ret);
int managed_view_show(struct call *c, const struct kind *k, const struct view_ops *view, const json_t *old,
                      json_t **ret);
int managed_view_take(struct call *c, const struct kind *k, const struct view_ops *view, const json_t *body,
                      const json_t *old, json_t **ret);
int managed_view_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *shown,
                        const json_t *body, const json_t *old, json_t **ret);
/* What is wrong with a list of managed fields, as Go says it; NULL: nothing. */
const char *managed_problem(struct call *c, const json_t *list);
/* The field manager of this request. */
const char *managed_manager(struct call *c);

/* ---- verbs ------------------------------------------------------------------------------------- */

int handle_create(struct call *c);
int handle_get(struct call *c);
int handle_list(struct call *c);
int handle_update(struct call *c);
int handle_patch(struct call *c);
int patch_check_type(struct call *c);  /* 0, or 415 */
int handle_delete(struct call *c);
int handle_deletecollection(struct call *c);
int handle_watch(struct call *c);
int handle_other(struct call *c);      /* discovery, health, version, OpenAPI */

/* Creates `obj` (stolen) as kind k in `namespace`, all checks included; *ret is the stored value. */
int create_object(struct call *c, const struct kind *k, const char *namespace, json_t *obj,
                  struct value **ret);

/* Changes an object: mutate() makes the new tree (own) from the present one. Runs again when the store
 * moved on meanwhile. *ret: the value now stored (the old one where nothing changed). */
/* What *ret holds after an error is released by the caller. */
typedef int mutate_fn(struct call *c, const json_t *old, void *arg, json_t **ret);
struct change {
    const struct kind *kind;
    const struct subresource *sub;
    const char *namespace, *name;
    mutate_fn *mutate;
    void *arg;
    const char *uid;                   /* that the stored object must have; NULL or "": any */
    bool allow_create;                 /* mutate() is called with old NULL where nothing is there */
};
const struct kind *body_kind(const struct call *c);
int change_object(struct call *c, const struct change *ch, struct value **ret, bool *ret_created);
/* Whether the request may name what is not there: one for an object, and few for a status. */
bool change_may_create(const struct call *c);

/* Replaces what is stored without anybody's checks (bindings): `obj` is stolen. */
int put_object(struct call *c, const struct kind *k, const struct record *rec, json_t *obj);

/* Deletes one object as DELETE does. *ret: the last state (new reference); *ret_gone: it is removed. */
struct delete_request {
    const char *uid, *resource_version, *propagation;            /* NULL: not given */
    int64_t grace_s;
    bool has_grace;
    int orphan;                        /* -1: not given */
    bool admitted;                     /* admission has had its say, about what brought this deletion */
};
/* No grace was asked for: the object's own. */
#define GRACE_OWN INT64_MIN
int delete_object(struct call *c, const struct kind *k, const char *namespace, const char *name,
                  const struct delete_request *d, struct value **ret, bool *ret_gone);
/* Says so where the default leaves behind what most want to go. */
void delete_warn(struct call *c, const struct kind *k, const struct delete_request *d);
/* Removes it from the store for good. */
int remove_object(struct call *c, const struct kind *k, const char *key, json_t *last, uint64_t expect,
                  struct value **ret);

/* The finalizers of the garbage collector as the policy wants them; true when that changed the set. */
bool delete_gc_finalizers(const struct kind *k, json_t *obj, const struct delete_request *d);
/* deletionTimestamp now, one more generation the first time. */
void delete_mark(struct call *c, json_t *obj);

/* Reads one object. -APIERR_NOT_FOUND with c->err. `rec` is valid until the next write. */
/* 500 for a key that a path could make lead elsewhere. */
int check_key(struct call *c, const char *key, const char *namespace);
int get_record(struct call *c, const struct kind *k, const char *namespace, const char *name,
               struct record *rec);

int check_url_name(struct call *c, const char *name);
/* The group that a refusal of `obj` names (create.c). */
const char *said_group(struct call *c, const struct kind *k, const json_t *obj);
/* The name in the object is the one in the URL (J-049). */
int check_object_name(struct call *c, const json_t *obj);
/* Waits for a revision ahead of the store, three seconds at most: then a Timeout. */
int wait_for_revision(struct call *c, uint64_t revision);
/* strconv.ParseUint's view of a resourceVersion, refused in the words of a list (a 400), of a get or a
 * watch, or as they are (both 500). */
enum revision_words { REVISION_LIST, REVISION_GET, REVISION_RAW };
int parse_revision(struct call *c, const char *text, enum revision_words words, uint64_t *ret);
const char *list_prefix(struct call *c, const struct kind *k, const char *namespace);

/* ---- durability (durable.c) ---------------------------------------------------------------------- */

void durable_start(struct apiserver *s, const struct apiserver_options *o);
bool durable_pending(const struct apiserver *s);                /* something written is not safe yet */
/* Suspends until everything written so far is safe. Negative: it never will be. */
int durable_wait(struct co *co, struct apiserver *s);
/* The error for a write that the store refused with `r`. */
int store_refused(struct call *c, int r, const struct kind *k, const char *name);
/* 0, or negative where etcd would not take so large an object. One that is too large only with its managedFields
 * loses them, as there (K-002). */
int store_check_size(struct call *c, const struct kind *k, json_t **stored);

/* ---- the life of Events (event_ttl.c) ------------------------------------------------------------ */

void event_ttl_start(struct apiserver *s, duration ttl);        /* 0: they stay */
void event_ttl_stop(struct apiserver *s);

/* ---- admission --------------------------------------------------------------------------------- */

/* The namespace of what is created is alive. */
int admit_namespace(struct call *c, const struct kind *k, const char *namespace, const json_t *obj);

/* ---- watches ----------------------------------------------------------------------------------- */

void watches_end(struct apiserver *s, const char *store_prefix); /* NULL: all of them */
void watch_event_release(struct apiserver *s);
void watches_release(struct apiserver *s);                      /* what they held back may be told */

/* ---- tables ------------------------------------------------------------------------------------ */

/* One object or the items of a list as a Table; new reference. */
int table_of(struct call *c, const struct kind *k, json_t *const *items, size_t n, const json_t *list_meta,
             bool with_columns, json_t **ret);
json_t *partial_of(const struct kind *k, const json_t *obj, const char *version);   /* PartialObjectMetadata */
int table_check(struct call *c);       /* what ?includeObject= says, where a Table is asked for */

/* ---- discovery --------------------------------------------------------------------------------- */

json_t *discovery_group_list(struct apiserver *s);
json_t *discovery_group(struct apiserver *s, const char *group);
json_t *discovery_resources(struct apiserver *s, const char *group, const char *version);
json_t *discovery_aggregated(struct apiserver *s, bool core);

/* ---- the beginning ----------------------------------------------------------------------------- */

void call_init(struct call *c, struct apiserver *s, struct arena *a);
void call_release(struct call *c);     /* all but the arena */
int bootstrap(struct apiserver *s, const struct apiserver_options *o, struct apierr *err);

/* What expressions in CEL start from, whoever writes them. */
struct cel_env;
const struct cel_env *server_cel(struct apiserver *s);

/* ---- custom resources (crd.c) ------------------------------------------------------------------- */

struct crds *crds_new(struct apiserver *s);
struct crds *crds_free(struct crds *cs);
