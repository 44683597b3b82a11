#include "controller/snapshot/claim.h"

#include "controller/kinds.h"

struct claim_controller {
    struct manager *manager;
    struct client *client;
    struct informer *claims, *classes;
    struct workq *queue;
};

/* ---- the decision ---------------------------------------------------------------------------- */

static bool is_default(const json_t *class)
{
    const char *mark = obj_annotation(class, KEY_DEFAULT_CLASS);

    return mark && streq(mark, "true");
}

static bool wins_over(const json_t *a, const json_t *b)
{
    struct instant ta = { 0 }, tb = { 0 };

    obj_time(a, "metadata.creationTimestamp", &ta);
    obj_time(b, "metadata.creationTimestamp", &tb);
    return ta.ns != tb.ns ? ta.ns > tb.ns : strcmp(obj_name(a), obj_name(b)) < 0;
}

const json_t *default_class(const json_t *classes)
{
    const json_t *best = NULL, *c;
    size_t i;

    json_array_foreach (classes, i, c)
        if (is_default(c) && (!best || wins_over(c, best)))
            best = c;
    return best;
}

static const json_t *class_named(const json_t *classes, const char *name)
{
    const json_t *c;
    size_t i;

    json_array_foreach (classes, i, c)
        if (*name && streq(obj_name(c), name))
            return c;
    return NULL;
}

/* A parameter that both give, differently (SNP-037). */
static const char *conflicting_key(const json_t *class, const json_t *claim)
{
    const json_t *ours = json_path(claim, "spec.parameters"), *theirs = json_object_get(class, "parameters");
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)ours, key, value) {
        const json_t *other = json_object_get(theirs, key);
        if (other && !json_same(other, value))
            return key;
    }
    return NULL;
}

struct binding claim_bind(const json_t *claim, const json_t *classes)
{
    const char *wanted = obj_str(claim, "spec.snapshotClassName"), *key;
    const json_t *class = NULL;

    if (*wanted) {
        class = class_named(classes, wanted);
        if (!class)
            return (struct binding){ "False", "Failed", "", NULL };
    } else {
        class = class_named(classes, obj_str(claim, "status.snapshotClassName"));
        class = class ? class : default_class(classes);
        if (!class)
            return (struct binding){ "Unknown", "Pending", "", NULL };
    }
    key = conflicting_key(class, claim);
    if (key)
        return (struct binding){ "False", "Failed", "", key };
    return (struct binding){ "True", "Bound", obj_name(class), NULL };
}

/* ---- the reconciler -------------------------------------------------------------------------- */

static const char *binding_message(struct co *co, const json_t *claim, const struct binding *b)
{
    if (b->key)
        return co_printf(co, "parameter %s differs between class and claim", b->key);
    if (streq(b->reason, "Failed"))
        return co_printf(co, "SnapshotClass %s does not exist", obj_str(claim, "spec.snapshotClassName"));
    if (streq(b->reason, "Pending"))
        return "no SnapshotClass is the default";
    return co_printf(co, "bound to SnapshotClass %s", b->class_name);
}

static json_t *claim_status(struct co *co, const json_t *claim, const struct binding *b)
{
    const json_t *old = json_object_get(claim, "status"), *conditions = json_object_get(old, "conditions");
    json_t *status = json_is_object(old) ? json_copy((json_t *)old) : json_object();
    json_t *next = conditions ? json_clone(conditions) : json_array();
    struct condition c = { .type = "Bound", .status = b->status, .reason = b->reason,
                           .message = binding_message(co, claim, b),
                           .observed_generation = obj_generation(claim) };

    conditions_set(next, &c, co_now(co));
    json_object_set_new(status, "conditions", next);
    json_object_set_new(status, "observedGeneration", json_integer(obj_generation(claim)));
    if (*b->class_name)
        json_object_set_new(status, "snapshotClassName", json_string(b->class_name));
    else
        json_object_del(status, "snapshotClassName");
    return status;
}

static int claim_reconcile(struct co *co, void *arg, const struct objkey *key, struct reconcile_result *ret,
                           struct apierr *err)
{
    struct claim_controller *c = arg;
    json_auto_t *claim = informer_get(co, c->claims, key->namespace, key->name);
    json_auto_t *classes = NULL, *status = NULL, *next = NULL;
    struct binding b;
    int r;

    if (!claim || obj_is_deleting(claim))
        return 0;
    classes = informer_list(co, c->classes, NULL);
    b = claim_bind(claim, classes);
    status = claim_status(co, claim, &b);
    if (json_same(status, json_object_get(claim, "status")))
        return 0;                                 /* SNP-044 */
    next = json_copy(claim);
    json_object_set(next, "status", status);
    r = client_update_status(co, c->client, &kind_snapshot_claim, next, NULL, err);
    return apierr_is(r, APIERR_NOT_FOUND) ? 0 : r;
}

/* ---- what wakes a claim ---------------------------------------------------------------------- */

static void claim_changed(void *arg, enum informer_event type, const json_t *old, const json_t *obj)
{
    struct claim_controller *c = arg;
    struct objkey key = { obj_namespace(obj), obj_name(obj) };

    if (type != INFORMER_DELETED)
        workq_add(c->queue, &key);
}

/* Any claim may mean any class: by name, by being bound to it, or by having none yet. */
static void class_changed(void *arg, enum informer_event type, const json_t *old, const json_t *obj)
{
    struct claim_controller *c = arg;
    json_auto_t *claims = informer_list(NULL, c->claims, NULL);
    const json_t *claim;
    size_t i;

    json_array_foreach (claims, i, claim) {
        struct objkey key = { obj_namespace(claim), obj_name(claim) };
        workq_add(c->queue, &key);
    }
}

struct claim_controller *claim_controller_new(struct manager *m)
{
    struct claim_controller *c = xcalloc(1, sizeof(*c));

    c->manager = m;
    c->client = manager_client(m);
    c->queue = controller_queue(manager_add(m, "snapshotclaim", 1, claim_reconcile, c));
    c->claims = manager_informer(m, &kind_snapshot_claim);
    c->classes = manager_informer(m, &kind_snapshot_class);
    informer_add_handler(c->claims, claim_changed, c);
    informer_add_handler(c->classes, class_changed, c);
    return c;
}

struct claim_controller *claim_controller_free(struct claim_controller *c)
{
    free(c);
    return NULL;
}
