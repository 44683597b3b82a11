#include "fakeapi/apiserver/admission/admission.h"

#include "kube/apply.h"

/* DELETE: preconditions, grace, finalizers, and only then the store (B.7). */

/* ---- options ------------------------------------------------------------------------------------ */

static const char *opt_str(const json_t *body, const char *key)
{
    const char *v = json_string_value(json_object_get(body, key));

    return v;
}

static void from_body(const json_t *body, struct delete_request *d)
{
    const json_t *pre = json_object_get(body, "preconditions"), *grace = json_object_get(body, "gracePeriodSeconds"),
                 *orphan = json_object_get(body, "orphanDependents");

    d->uid = opt_str(pre, "uid");
    d->resource_version = opt_str(pre, "resourceVersion");
    d->propagation = opt_str(body, "propagationPolicy");
    if (json_is_integer(grace)) {
        d->grace_s = json_integer_value(grace);
        d->has_grace = true;
    }
    if (json_is_boolean(orphan))
        d->orphan = json_is_true(orphan);
}

static int from_query(struct call *c, struct delete_request *d)
{
    const char *orphan = query_get(&c->query, "orphanDependents"), *uid = query_get(&c->query, "uid"),
               *version = query_get(&c->query, "resourceVersion");

    d->uid = str_empty(uid) ? NULL : uid;
    d->resource_version = str_empty(version) ? NULL : version;
    d->propagation = query_get(&c->query, "propagationPolicy");
    if (orphan)
        d->orphan = query_bool(&c->query, "orphanDependents");
    return query_int(c, "gracePeriodSeconds", &d->grace_s, &d->has_grace);
}

static void check_dry_run(struct call *c, const json_t *body, struct fielderrs *errs)
{
    static const char *const supported[] = { "All", NULL };
    const json_t *dry = json_object_get(body, "dryRun");
    size_t i;
    json_t *v;
    bool good = true;

    if (!body) {
        options_dry_run_ok(c, errs);
        return;
    }
    c->opt.dry_run = json_array_size(dry) > 0;
    json_array_foreach (dry, i, v)
        good = good && json_is_string(v) && streq(json_string_value(v), "All");
    if (!good)
        fielderr_not_supported(errs, FP_CHILD(NULL, "dryRun"), dry, supported);
}

static void check_policy(const struct delete_request *d, struct fielderrs *errs)
{
    static const char *const policies[] = { "Foreground", "Background", "Orphan", "nil", NULL };
    const struct fpath *at = FP_CHILD(NULL, "propagationPolicy");
    bool known = false;

    if (!d->propagation)
        return;
    if (d->orphan >= 0)
        fielderr_invalid_str(errs, at, d->propagation,
                             "orphanDependents and deletionPropagation cannot be both set");
    for (size_t i = 0; i < 3; i++)
        known = known || streq(policies[i], d->propagation);
    if (!known) {
        json_auto_t *value = json_string(d->propagation);
        fielderr_not_supported(errs, at, value, policies);
    }
}

int delete_options(struct call *c, struct delete_request *d)
{
    int r = decode_delete_options(c, &c->body);

    return r < 0 ? r : delete_options_from(c, c->body, d);
}

int delete_options_from(struct call *c, const json_t *body, struct delete_request *d)
{
    struct fielderrs errs = FIELDERRS_IN(c->arena);
    int r;

    *d = (struct delete_request){ .orphan = -1 };
    if (body)
        from_body(body, d);
    else if ((r = from_query(c, d)) < 0)
        return r;
    check_policy(d, &errs);
    check_dry_run(c, body, &errs);
    return options_invalid(c, "DeleteOptions", &errs);
}

/* ---- preconditions ------------------------------------------------------------------------------ */

static int check_preconditions(struct call *c, const struct kind *k, const json_t *obj, const struct delete_request *d)
{
    const char *why = NULL;

    if (d->uid && !streq(d->uid, obj_uid(obj)))
        why = arena_printf(c->arena, "the UID in the precondition (%s) does not match the UID in record (%s). The "
                           "object might have been deleted and then recreated", d->uid, obj_uid(obj));
    else if (d->resource_version && !streq(d->resource_version, obj_resource_version(obj)))
        why = arena_printf(c->arena, "the ResourceVersion in the precondition (%s) does not match the "
                           "ResourceVersion in record (%s). The object might have been modified",
                           d->resource_version, obj_resource_version(obj));
    if (!why)
        return 0;
    return apierr_conflict(&c->err, kind_internal_group(k), k->res.kind, obj_name(obj), "%s", why);
}

/* Kinds that are deleted in two steps look before all others do, in words of their own. */
static int check_first(struct call *c, const struct kind *k, const json_t *obj, const struct delete_request *d)
{
    if (!streq(k->res.kind, "Namespace") && !streq(k->res.kind, "CustomResourceDefinition"))
        return check_preconditions(c, k, obj, d);
    if (d->uid && !streq(d->uid, obj_uid(obj)))
        return apierr_conflict(&c->err, k->res.group, k->res.plural, obj_name(obj), "Precondition failed: UID in "
                               "precondition: %s, UID in object meta: %s", d->uid, obj_uid(obj));
    if (d->resource_version && !streq(d->resource_version, obj_resource_version(obj)))
        return apierr_conflict(&c->err, k->res.group, k->res.plural, obj_name(obj), "Precondition failed: "
                               "ResourceVersion in precondition: %s, ResourceVersion in object meta: %s",
                               d->resource_version, obj_resource_version(obj));
    return 0;
}

/* ---- grace -------------------------------------------------------------------------------------- */

enum grace { GRACE_NONE, GRACE_UPDATE, GRACE_PENDING };

static void set_deletion(struct call *c, json_t *obj, struct instant when, int64_t grace)
{
    char text[TIME_TEXT_MAX];

    (void)c;
    time_format(when, text);
    obj_set_meta_str(obj, "deletionTimestamp", text);
    obj_set_meta(obj, "deletionGracePeriodSeconds", json_integer(grace));
}

static void count_generation(json_t *obj)
{
    if (obj_generation(obj) > 0)
        obj_set_meta(obj, "generation", json_integer(obj_generation(obj) + 1));
}

/* A second DELETE may only shorten what the first one granted (B-133). */
static enum grace shorten(struct call *c, json_t *obj, const struct delete_request *d)
{
    const json_t *have = json_object_get(obj_metadata(obj), "deletionGracePeriodSeconds");
    int64_t old = json_integer_value(have), period = d->grace_s;
    struct instant when;

    if (!have)
        return GRACE_NONE;
    if (!d->has_grace || period >= old || !obj_time(obj, "metadata.deletionTimestamp", &when))
        return GRACE_PENDING;
    when = instant_add(when, DURATION_S(period - old));
    if (instant_before(when, c->now)) {
        when = c->now;
        if (period != 0)
            period = 1;
    }
    set_deletion(c, obj, when, period);
    return GRACE_UPDATE;
}

static enum grace begin_grace(struct call *c, const struct kind *k, json_t *obj, const struct delete_request *d)
{
    if (!k->ops->grace)
        return GRACE_NONE;
    if (obj_is_deleting(obj))
        return shorten(c, obj, d);
    int64_t period = k->ops->grace(c, obj, d->has_grace ? d->grace_s : GRACE_OWN);
    set_deletion(c, obj, instant_add(c->now, DURATION_S(period)), period);
    count_generation(obj);
    return GRACE_UPDATE;
}

/* ---- finalizers --------------------------------------------------------------------------------- */

#define ORPHAN "orphan"
#define FOREGROUND "foregroundDeletion"

static bool wants_orphan(const struct kind *k, const json_t *obj, const struct delete_request *d)
{
    if (k->flags & KIND_NO_GC)
        return false;
    if (d->orphan >= 0)
        return d->orphan;
    if (d->propagation)
        return streq(d->propagation, "Orphan");
    if (obj_has_finalizer(obj, ORPHAN))
        return true;
    if (obj_has_finalizer(obj, FOREGROUND))
        return false;
    return (k->flags & KIND_ORPHANS) != 0;
}

static bool wants_foreground(const struct kind *k, const json_t *obj, const struct delete_request *d)
{
    if ((k->flags & KIND_NO_GC) || d->orphan >= 0)
        return false;
    if (d->propagation)
        return streq(d->propagation, "Foreground");
    return obj_has_finalizer(obj, FOREGROUND) && !obj_has_finalizer(obj, ORPHAN);
}

/* The garbage collector's finalizers as the policy wants them, last in the list (B-137). True when the
 * set changed. */
bool delete_gc_finalizers(const struct kind *k, json_t *obj, const struct delete_request *d)
{
    bool orphan = wants_orphan(k, obj, d), foreground = wants_foreground(k, obj, d);

    if (orphan == obj_has_finalizer(obj, ORPHAN) && foreground == obj_has_finalizer(obj, FOREGROUND))
        return false;
    obj_remove_finalizer(obj, ORPHAN);
    obj_remove_finalizer(obj, FOREGROUND);
    if (orphan)
        obj_add_finalizer(obj, ORPHAN);
    if (foreground)
        obj_add_finalizer(obj, FOREGROUND);
    return true;
}

void delete_mark(struct call *c, json_t *obj)
{
    struct instant when;

    if (!obj_time(obj, "metadata.deletionTimestamp", &when)) {
        when = c->now;
        count_generation(obj);
    } else if (instant_before(c->now, when)) {
        when = c->now;
    }
    set_deletion(c, obj, when, 0);
}

/* ---- the store ---------------------------------------------------------------------------------- */

int remove_object(struct call *c, const struct kind *k, const char *key, json_t *last, uint64_t expect,
                  struct value **ret)
{
    const char *name = arena_strdup(c->arena, obj_name(last));

    *ret = value_from_tree(last);
    int r = store_delete(c->s->store, key, expect, value_ref(*ret), NULL);
    if (r < 0) {
        value_unref(STEAL(*ret));
        return store_refused(c, r, k, name);
    }
    if (k->ops->deleted)
        k->ops->deleted(c, last);
    return 0;
}

/* *obj, a stored tree with changed metadata, in the order in which it is stored. */
static int settle_stored(struct call *c, const struct kind *k, json_t **obj)
{
    json_t *shown = NULL;
    int r = 0;

    if (!k->ops->from_storage)
        return decode_finish(c, k, obj);
    if ((r = k->ops->from_storage(c, k, *obj, &shown)) < 0)
        return r;
    if ((r = decode_finish(c, k, &shown)) < 0) {
        json_decref(shown);
        return r;
    }
    json_decref(STEAL(*obj));
    return convert_to_store(c, k, shown, obj);
}

/* Writes the intermediate state; the same tree again is no write. */
static int put_state(struct call *c, const struct kind *k, const char *key, json_t **obj, const json_t *old,
                     struct record *rec, struct value **ret)
{
    if (json_same(*obj, old)) {
        *ret = value_ref(rec->value);
        return 0;
    }
    int r = settle_stored(c, k, obj);
    if (r < 0)
        return r;
    if (!c->opt.dry_run)
        meta_set_version(json_own(obj), store_revision(c->s->store) + 1);
    *ret = value_from_tree(json_incref(*obj));
    if (c->opt.dry_run)
        return 0;
    r = store_put(c->s->store, key, value_ref(*ret), rec->mod_revision, rec);
    if (r == 0)
        return 0;
    value_unref(STEAL(*ret));
    return store_refused(c, r, k, obj_name(old));
}

static int remove_now(struct call *c, const struct kind *k, const char *key, const json_t *obj, uint64_t expect,
                      struct value **ret)
{
    json_t *last = json_incref((json_t *)obj);

    if (c->opt.dry_run) {
        *ret = value_from_tree(last);
        return 0;
    }
    json_own(&last);
    meta_set_version(last, store_revision(c->s->store) + 1);
    return remove_object(c, k, key, last, expect, ret);
}

/* ---- admission ---------------------------------------------------------------------------------- */

/* Another write came between reading and deleting, while a webhook was asked. */
#define OVERTAKEN 1

/* What the options have become: a kind that knows grace has put its own in (B-131). */
static json_t *options_shown(struct call *c, const struct delete_request *d, const json_t *grace)
{
    json_t *o = json_pack("{s:s, s:s}", "kind", "DeleteOptions", "apiVersion", "meta.k8s.io/v1"), *pre = json_object();

    if (grace)
        json_object_set(o, "gracePeriodSeconds", (json_t *)grace);
    else if (d->has_grace)
        json_object_set_new(o, "gracePeriodSeconds", json_integer(d->grace_s));
    if (d->uid)
        json_object_set_new(pre, "uid", json_string(d->uid));
    if (d->resource_version)
        json_object_set_new(pre, "resourceVersion", json_string(d->resource_version));
    if (json_object_size(pre))
        json_object_set(o, "preconditions", pre);
    json_decref(pre);
    if (d->orphan >= 0)
        json_object_set_new(o, "orphanDependents", json_boolean(d->orphan));
    if (d->propagation)
        json_object_set_new(o, "propagationPolicy", json_string(d->propagation));
    if (c->opt.dry_run)
        json_object_set_new(o, "dryRun", json_pack("[s]", "All"));
    return o;
}

/* Before each write that a DELETE is made of. OVERTAKEN when `old` is no longer what is stored. */
static int ask(struct call *c, const struct kind *k, const char *key, const json_t *old, uint64_t seen,
               const struct delete_request *d, const json_t *grace)
{
    json_auto_t *options = NULL;
    struct admission a;
    struct record rec;
    int r;

    if (d->admitted || c->internal)
        return 0;
    admission_init(c, ADMIT_DELETE, k, NULL, &a);
    a.old = old;
    a.options = options = options_shown(c, d, grace);
    if ((r = admission_mutate(c, &a)) < 0 || (r = admission_validate(c, &a)) < 0)
        return r;
    return store_get(c->s->store, key, 0, &rec) < 0 || rec.mod_revision != seen ? OVERTAKEN : 0;
}

/* The object as the version of the request shows it: what a webhook cannot convert cannot be deleted either. */
static int show_old(struct call *c, const struct kind *k, const char *key, const struct record *seen, json_t **ret)
{
    struct record rec;

    if (c->internal || (!kind_custom(k) && !k->ops->from_storage)) {
        *ret = json_incref(value_tree(seen->value));
        return 0;
    }
    struct value *v = value_ref(seen->value);
    int r = convert_from_store(c, k, v, ret);
    value_unref(v);
    if (r < 0)
        return r;
    return store_get(c->s->store, key, 0, &rec) < 0 || rec.mod_revision != seen->mod_revision ? OVERTAKEN : 0;
}

/* ---- one object --------------------------------------------------------------------------------- */

/* What a dry run shows of an object that would lose its last finalizer and be gone: one that nobody filled in. */
static struct value *nothing_of(const struct kind *k)
{
    char version[API_VERSION_MAX];

    kind_api_version(k, version);
    if (kind_custom(k))
        return value_from_tree(json_pack("{s:s, s:s}", "apiVersion", version, "kind", k->res.kind));
    json_auto_t *zero = apply_empty_object(kind_schema(k), version, k->res.kind);
    json_t *shown = json_pack("{s:s, s:s}", "kind", k->res.kind, "apiVersion", version);
    json_object_update_missing(shown, zero);
    return value_from_tree(shown);
}

static int delete_once(struct call *c, const struct kind *k, const char *namespace, const char *name,
                       const struct delete_request *d, struct value **ret, bool *ret_gone)
{
    const char *key = call_store_key(c, k, namespace, name);
    json_auto_t *obj = NULL, *old = NULL, *shown = NULL;
    struct record rec;
    int r = get_record(c, k, namespace, name, &rec);

    *ret_gone = false;
    if (r < 0 || (r = show_old(c, k, key, &rec, &shown)) != 0)
        return r;
    uint64_t seen = rec.mod_revision;
    old = json_incref(value_tree(rec.value));
    obj = json_incref(old);
    json_own(&obj);
    if ((k->ops->check_delete && (r = k->ops->check_delete(c, old)) < 0) ||
        (r = check_first(c, k, old, d)) < 0)
        return r;
    if (k->ops->remove) {
        bool done = false;
        struct delete_request own = *d;
        own.uid = own.uid ? own.uid : obj_uid(old);       /* that is what these kinds make of it */
        r = k->ops->remove(c, k, obj, d, &done);
        if (r == 0 && done)
            r = ask(c, k, key, shown, seen, &own, NULL);
        if (r)
            return r;
        if (done)
            return put_state(c, k, key, &obj, old, &rec, ret);
    }
    enum grace grace = begin_grace(c, k, obj, d);
    if (grace == GRACE_PENDING) {
        *ret = value_ref(rec.value);
        return 0;
    }
    bool refinalized = delete_gc_finalizers(k, obj, d), held = obj_count(obj, "metadata.finalizers") > 0;
    if (held && grace == GRACE_NONE)
        delete_mark(c, obj);
    int64_t seconds = obj_int(obj, "metadata.deletionGracePeriodSeconds", 0);
    const json_t *granted = grace == GRACE_UPDATE ? json_path(obj, "metadata.deletionGracePeriodSeconds") : NULL;
    if ((r = ask(c, k, key, shown, seen, d, granted)) != 0)
        return r;
    bool marked = !json_same(obj, old);
    r = put_state(c, k, key, &obj, old, &rec, ret);
    if (r < 0 || held || (grace == GRACE_UPDATE && seconds > 0))
        return r;
    value_unref(STEAL(*ret));
    if (c->opt.dry_run && refinalized && grace == GRACE_NONE) {
        *ret = nothing_of(k);
        return 0;
    }
    if (marked && (r = ask(c, k, key, obj, rec.mod_revision, d, granted)) != 0)
        return r;
    *ret_gone = true;
    return remove_now(c, k, key, obj, rec.mod_revision, ret);
}

int delete_object(struct call *c, const struct kind *k, const char *namespace, const char *name,
                  const struct delete_request *d, struct value **ret, bool *ret_gone)
{
    int r;

    do {
        r = delete_once(c, k, namespace, name, d, ret, ret_gone);
    } while (r == OVERTAKEN);
    return r;
}

void delete_warn(struct call *c, const struct kind *k, const struct delete_request *d)
{
    if ((k->flags & KIND_ORPHANS) && *k->res.group && !d->propagation && d->orphan < 0)
        call_warn(c, "child pods are preserved by default when %s are deleted; set propagationPolicy=Background to remove "
                  "them or set propagationPolicy=Orphan to suppress this warning", k->res.plural);
}

int handle_delete(struct call *c)
{
    const struct kind *k = c->route.kind;
    struct delete_request d;
    struct value *last = NULL;
    bool gone;
    int r;

    if ((r = delete_options(c, &d)) < 0 || (r = check_url_name(c, c->route.name)) < 0)
        return r;
    delete_warn(c, k, &d);
    r = delete_object(c, k, c->route.namespace, c->route.name, &d, &last, &gone);
    if (r < 0)
        return r;
    bool stays = !gone && *obj_name(value_tree(last));
    int status = stays && d.orphan == 0 ? 202 : 200;
    if (gone && !(k->flags & KIND_RETURNS_DELETED))
        r = reply_tree(c, status, status_success(k, c->route.name, obj_uid(value_tree(last))));
    else
        r = reply_value(c, status, last);
    value_unref(last);
    return r;
}
