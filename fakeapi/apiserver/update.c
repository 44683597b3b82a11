#include "fakeapi/apiserver/admission/admission.h"
#include "fakeapi/apiserver/builtin/builtin.h"

#include "kube/apply.h"

/* PUT, and the loop under PUT and PATCH: read, change, check, compare-and-swap. */

static int conflict(struct call *c, const struct kind *k, const char *name)
{
    return apierr_conflict(&c->err, k->res.group, k->res.plural, name,
        "the object has been modified; please apply your changes to the latest version and try again");
}

/* A uid in what is sent must be the stored one's (B-045). */
static int check_uid(struct call *c, const struct kind *k, const char *key, const char *name, const char *sent,
                     const char *have)
{
    if (!*sent || streq(sent, have))
        return 0;
    if (!*have && c->route.verb == VERB_PATCH)
        return apierr_conflict(&c->err, k->res.group, k->res.plural, name,
            "uid mismatch: the provided object specified uid %s, and no existing object was found", sent);
    return apierr_conflict(&c->err, k->res.group, k->res.plural, name,
        "StorageError: invalid object, Code: 4, Key: %s, ResourceVersion: 0, AdditionalErrorMsg: Precondition "
        "failed: UID in precondition: %s, UID in object meta: %s", c->opt.dry_run ? key + strlen("/registry") : key, sent,
        have);
}

/* The resourceVersion that was sent, against the stored one (B-053, B-054). */
static int check_version(struct call *c, const struct change *ch, const json_t *obj, const json_t *old)
{
    const struct kind *k = ch->kind;
    const char *sent = obj_resource_version(obj);
    uint64_t revision;
    int r = parse_revision(c, sent, REVISION_RAW, &revision);

    if (r < 0)
        return r;
    if (revision == 0) {
        if (k->flags & KIND_UNCONDITIONAL)
            return 0;
        struct fielderrs errs = FIELDERRS_IN(c->arena);
        fielderr_invalid_int(&errs, FP_CHILD(FP_CHILD(NULL, "metadata"), "resourceVersion"), 0,
                             "must be specified for an update");
        return fielderrs_status(&errs, &c->err, k->res.group, k->res.plural, ch->name);
    }
    if (!streq(sent, obj_resource_version(old)))
        return conflict(c, k, ch->name);
    return 0;
}

/* ---- preparation -------------------------------------------------------------------------------- */

static void keep_member(json_t *obj, const json_t *old, const char *key)
{
    const json_t *was = json_object_get(old, key);

    if (was)
        json_object_set(obj, key, (json_t *)was);
    else
        json_object_del(obj, key);
}

/* /status: only the status counts. A custom resource keeps all its metadata, and so do some built-in ones; the others take
 * labels and annotations along (B-100). */
static void prepare_status(const struct kind *k, json_t *obj, const json_t *old)
{
    const char *key;
    void *next;
    json_t *unused;

    json_object_foreach_safe (obj, next, key, unused) {
        if (streq(key, "status") || streq(key, "metadata") || streq(key, "kind") || streq(key, "apiVersion"))
            continue;
        keep_member(obj, old, key);
    }
    json_object_foreach ((json_t *)old, key, unused)
        if (!json_object_get(obj, key) && !streq(key, "status"))
            json_object_set(obj, key, unused);
    if (k->flags & KIND_STATUS_KEEPS_LABELS)
        obj_set_meta(obj, "labels", json_incref((json_t *)obj_labels(old)));
    if (kind_custom(k) || k->flags & KIND_STATUS_ALONE) {
        json_t *managed = json_incref(json_object_get(obj_metadata(obj), "managedFields"));
        const char *version = obj_resource_version(obj);
        json_t *meta = json_copy((json_t *)obj_metadata(old));
        json_object_del(meta, "managedFields");
        if (managed)                   /* else nobody is known to own anything any more */
            json_object_set_new(meta, "managedFields", managed);
        if (*version)
            json_object_set_new(meta, "resourceVersion", json_string(version));
        json_object_set_new(obj, "metadata", meta);
    }
}

static int prepare(struct call *c, const struct change *ch, json_t *obj, const json_t *old)
{
    const struct kind *k = ch->kind;
    int r = 0;

    if (k->ops->prepare_update)
        r = k->ops->prepare_update(c, ch->sub, obj, old);
    else if (ch->sub && streq(ch->sub->name, "status"))
        prepare_status(k, obj, old);
    else if (!ch->sub && kind_sub(k, "status"))
        keep_member(obj, old, "status");
    podspec_clear_gated(k, obj);
    return r;
}

static int validate(struct call *c, const struct change *ch, const json_t *obj, const json_t *old)
{
    const struct kind *k = ch->kind;
    struct fielderrs errs = FIELDERRS_IN(c->arena);

    meta_validate_update(k, ch->sub, obj, old, &errs);
    if (k->ops->validate_update)
        k->ops->validate_update(c, k, ch->sub, obj, old, &errs);
    else if (k->ops->validate)
        k->ops->validate(c, k, obj, &errs);
    return fielderrs_status(&errs, &c->err, said_group(c, k, obj), kind_custom(k) ? obj_kind(obj) : k->res.kind, ch->name);
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* Another write came between reading and writing, while a webhook was asked. */
#define OVERTAKEN 1

static bool overtaken(struct call *c, const char *key, const struct record *seen)
{
    struct record rec;

    return store_get(c->s->store, key, 0, &rec) < 0 || rec.mod_revision != seen->mod_revision;
}

/* A deleting object that nothing holds any more goes with this very write (B-043). */
static bool last_finalizer_gone(const struct kind *k, const json_t *obj, const json_t *old)
{
    if (!obj_is_deleting(old) || obj_count(obj, "metadata.finalizers"))
        return false;
    if (streq(k->res.kind, "Namespace") && obj_count(obj, "spec.finalizers"))
        return false;
    return obj_int(old, "metadata.deletionGracePeriodSeconds", 0) == 0;
}

/* Watchers see the state that was stored last, the writer what he wrote. */
static int write_last(struct call *c, const struct kind *k, const char *key, json_t *obj, struct record *rec,
                      struct value **ret)
{
    json_t *last = json_incref(value_tree(rec->value));
    struct value *seen = NULL;
    json_t *stored = NULL;
    int r = convert_to_store(c, k, json_incref(obj), &stored);

    if (r == 0 && overtaken(c, key, rec))
        r = OVERTAKEN;
    if (r == 0) {
        meta_set_version(json_own(&last), store_revision(c->s->store) + 1);
        r = remove_object(c, k, key, last, rec->mod_revision, &seen);
        value_unref(seen);
    } else {
        json_decref(last);
    }
    if (r)
        json_decref(stored);
    else
        *ret = value_from_tree(stored);
    return r;
}

/* A custom resource as read may have more than its stored form: defaults that its definition got since then, another
 * version. Then a change of nothing is written. */
static int stored_so(struct call *c, const struct kind *k, const json_t *obj, const struct record *rec, bool *ret)
{
    json_auto_t *stored = NULL;
    int r = 0;

    *ret = true;
    if (kind_custom(k) && (r = convert_to_store(c, k, json_incref((json_t *)obj), &stored)) == 0)
        *ret = json_same(stored, value_tree(rec->value));
    return r;
}

/* What was read back with more than was stored is written with it, once. */
static bool owes_read_back(const struct kind *k, const struct record *rec, const json_t *old)
{
    if (rec->version != 1 || !k->ops->read_back)
        return rec->version == 1 && (k->flags & KIND_PHASE_READ_BACK);
    json_auto_t *bare = json_without(old, "metadata.labels");
    k->ops->read_back(json_own(&bare));
    return json_same(bare, old);
}

static int write_back(struct call *c, const struct change *ch, const char *key, json_t **obj,
                      const json_t *old, struct record *rec, struct value **ret)
{
    const struct kind *k = ch->kind;
    json_t *stored = NULL;

    obj_set_meta_str(*obj, "resourceVersion", obj_resource_version(old));
    int r = decode_finish(c, k, obj);
    if (r < 0)
        return r;
    if (overtaken(c, key, rec))
        return OVERTAKEN;
    bool gone = last_finalizer_gone(k, *obj, old);
    if (!gone && apply_same_but_times(*obj, old) && !owes_read_back(k, rec, old)) {
        bool same;
        if ((r = stored_so(c, k, old, rec, &same)) < 0)
            return r;
        if (same) {
            *ret = value_ref(rec->value);
            return 0;
        }
        json_decref(*obj);
        *obj = json_incref((json_t *)old);
    }
    /* What is answered was read back from the store: a spec of old may bring defaults to metadata that is new. */
    if (ch->sub && !kind_custom(k) && (r = decode_default(c, k, obj)) < 0)
        return r;
    if (k->ops->read_back)
        k->ops->read_back(json_own(obj));
    if (c->opt.dry_run) {
        if ((r = convert_to_store(c, k, json_incref(*obj), &stored)) == 0)
            *ret = value_from_tree(stored);
        return r;
    }
    if (gone)
        return write_last(c, k, key, *obj, rec, ret);
    if (k->ops->beside && (r = k->ops->beside(c, *obj, old)) < 0)
        return r;
    uint64_t revision = store_revision(c->s->store);
    meta_set_version(json_own(obj), revision + 1);
    r = convert_to_store(c, k, json_incref(*obj), &stored);
    if (r < 0)
        return r;
    if (store_revision(c->s->store) != revision)
        meta_set_version(json_own(&stored), store_revision(c->s->store) + 1);
    if ((r = store_check_size(c, k, &stored)) < 0) {
        json_decref(stored);
        return r;
    }
    *ret = value_from_tree(stored);
    r = store_put(c->s->store, key, value_ref(*ret), rec->mod_revision, NULL);
    if (r == 0)
        return 0;
    value_unref(STEAL(*ret));
    if (r == -ERR_NOT_FOUND || r == -ERR_INVALID)
        return OVERTAKEN;
    return store_refused(c, r, k, ch->name);
}

static int create_instead(struct call *c, const struct change *ch, struct value **ret, bool *ret_created)
{
    const struct kind *k = ch->kind;
    json_auto_t *obj = NULL;
    int r = ch->mutate(c, NULL, ch->arg, &obj);

    if (r < 0)
        return r;
    const char *key = call_store_key(c, k, ch->namespace, ch->name);
    uint64_t revision;
    r = check_uid(c, k, key, ch->name, obj_uid(obj), "");
    if (r < 0 || (r = parse_revision(c, obj_resource_version(obj), REVISION_RAW, &revision)) < 0)
        return r;
    *ret_created = true;
    c->upsert = true;
    return create_object(c, k, ch->namespace, STEAL(obj), ret);
}

/* What is made of the stored state `old`, admitted and valid. */
static int make_next(struct call *c, const struct change *ch, const json_t *old, json_t **ret)
{
    const struct kind *k = ch->kind;
    json_auto_t *obj = NULL;
    struct admission a;
    int r = ch->mutate(c, old, ch->arg, &obj);

    if (r < 0)
        return r;
    json_own(&obj);
    meta_dedup_owners(c, obj, " after mutating admission happens");
    if (!c->managed_done && (r = managed_update(c, k, ch->sub ? ch->sub->name : "", &obj, old)) < 0)
        return r;
    admission_init(c, ADMIT_UPDATE, k, ch->sub, &a);
    a.old = old;
    a.object = STEAL(obj);
    r = admission_mutate(c, &a);
    obj = a.object;
    if (r < 0 || (r = check_version(c, ch, obj, old)) < 0 || (c->unsettled && (r = decode_finish(c, k, &obj)) < 0))
        return r;
    obj_set_meta_str(json_own(&obj), "resourceVersion", obj_resource_version(old));
    json_auto_t *was = json_incref((json_t *)old);
    bool emptied = decode_regain_empties(c, k, &obj);
    if (!(k->flags & KIND_TELLS_EMPTY))
        decode_regain_empties(c, k, &was);
    if ((r = prepare(c, ch, json_own(&obj), was)) < 0)
        return r;
    meta_prepare_update(c, k, obj, was);
    if ((r = validate(c, ch, obj, was)) < 0 || (emptied && (r = decode_finish(c, k, &obj)) < 0))
        return r;
    if (k->ops->warn)
        k->ops->warn(c, obj, old);
    a.object = obj;
    if ((r = admission_validate(c, &a)) < 0)
        return r;
    *ret = STEAL(obj);
    return 0;
}

bool change_may_create(const struct call *c)
{
    const struct subresource *sub = c->route.sub;

    return !sub || (streq(sub->name, "status") && (c->route.kind->flags & KIND_STATUS_CREATES));
}

static int change_once(struct call *c, const struct change *ch, struct value **ret, bool *ret_created)
{
    const struct kind *k = ch->kind;
    const char *key = call_store_key(c, k, ch->namespace, ch->name);
    json_auto_t *old = NULL, *obj = NULL;
    struct record rec;
    int r = check_key(c, key, ch->namespace);

    if (r < 0)
        return r;
    r = store_get(c->s->store, key, 0, &rec);
    if (r < 0 && ch->allow_create)
        return create_instead(c, ch, ret, ret_created);
    if (r < 0)
        return apierr_not_found(&c->err, k->res.group, k->res.plural, ch->name);
    if (ch->uid && (r = check_uid(c, k, key, ch->name, ch->uid, obj_uid(value_tree(rec.value)))) < 0)
        return r;
    /* From here on others may write: this state is held, and lost when it is no longer the present one. */
    struct value *seen = value_ref(rec.value);
    r = convert_from_store(c, k, seen, &old);
    if (r == 0)
        r = make_next(c, ch, old, &obj);
    rec.value = seen;
    if (r == 0)
        r = write_back(c, ch, key, &obj, old, &rec, ret);
    value_unref(seen);
    return r;
}

/* Whoever is overtaken begins anew with what is there now: a PUT that names its state then has its conflict, the
 * others try again. */
int change_object(struct call *c, const struct change *ch, struct value **ret, bool *ret_created)
{
    int r;

    *ret_created = false;
    do {
        r = change_once(c, ch, ret, ret_created);
    } while (r == OVERTAKEN);
    return r;
}

int put_object(struct call *c, const struct kind *k, const struct record *rec, json_t *obj)
{
    const char *key = arena_strdup(c->arena, rec->key), *name = arena_strdup(c->arena, obj_name(obj));
    json_t *own = obj;
    int r = decode_finish(c, k, &own);

    if (r < 0 || c->opt.dry_run) {
        json_decref(own);
        return r;
    }
    meta_set_version(json_own(&own), store_revision(c->s->store) + 1);
    r = store_put(c->s->store, key, value_from_tree(own), rec->mod_revision, NULL);
    return r < 0 ? store_refused(c, r, k, name) : 0;
}

/* ---- PUT ---------------------------------------------------------------------------------------- */

static int mutate_put(struct call *c, const json_t *old, void *arg, json_t **ret)
{
    const struct subresource *sub = c->route.sub;
    json_auto_t *shown = NULL;
    int r = sub && sub->view ? managed_view_show(c, c->route.kind, sub->view, old, &shown) : 0;

    if (r < 0)
        return r;
    if (shown)
        return managed_view_update(c, c->route.kind, sub, shown, arg, old, ret);
    *ret = json_incref(arg);
    return 0;
}

/* The body's name is the URL's, or nothing is done (J-049). */
int check_object_name(struct call *c, const json_t *obj)
{
    const char *name = obj_name(obj), *asked = c->route.name;

    if (!*name)
        return apierr_set(&c->err, APIERR_BAD_REQUEST,
                          "the name of the object (%s based on URL) was undeterminable: name must be provided", asked);
    if (!streq(name, asked))
        return apierr_set(&c->err, APIERR_BAD_REQUEST,
                          "the name of the object (%s) does not match the name on the URL (%s)", name, asked);
    return 0;
}

/* What is sent and shown: the object, or the view of it that a subresource is. */
const struct kind *body_kind(const struct call *c)
{
    const struct subresource *sub = c->route.sub;

    return sub && sub->view ? sub->view->body : c->route.kind;
}

int handle_update(struct call *c)
{
    const struct kind *k = c->route.kind, *body = body_kind(c);
    json_auto_t *obj = NULL;
    struct value *v = NULL;
    bool created;
    int r;

    if ((r = options_update(c)) < 0 || (r = decode_object(c, body, &obj)) < 0 ||
        (r = meta_check_namespace(c, k, json_own(&obj))) < 0 || (r = check_object_name(c, obj)) < 0 ||
        (r = check_url_name(c, c->route.name)) < 0 || (r = fill_defaults(c, body, &obj)) < 0)
        return r;
    meta_dedup_owners(c, json_own(&obj), "");
    struct change ch = {
        .kind = k, .sub = c->route.sub, .namespace = c->route.namespace, .name = c->route.name,
        .mutate = mutate_put, .arg = obj, .uid = arena_strdup(c->arena, obj_uid(obj)),
        .allow_create = (k->flags & KIND_CREATE_ON_UPDATE) && change_may_create(c),
    };
    r = change_object(c, &ch, &v, &created);
    if (r < 0)
        return r;
    r = reply_value(c, created ? 201 : 200, v);
    value_unref(v);
    return r;
}
