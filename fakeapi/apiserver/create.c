#include "fakeapi/apiserver/admission/admission.h"
#include "fakeapi/apiserver/builtin/builtin.h"

#include "kube/nul.h"

/* POST of a collection. The order of checks is the real server's: options, body, namespace, admission,
 * preparation, validation, store (A-143, B.4). */

/* A custom resource is what it says it is, even where that is what is wrong. */
const char *said_group(struct call *c, const struct kind *k, const json_t *obj)
{
    char group[256], version[64];

    if (!kind_custom(k) || !api_version_split(obj_api_version(obj), group, version))
        return kind_internal_group(k);
    return arena_strdup(c->arena, group);
}

static int invalid(struct call *c, const struct kind *k, const struct fielderrs *errs, const json_t *obj)
{
    const json_t *name = json_object_get(obj_metadata(obj), "name");
    const char *text = nul_hide(c->arena, obj_name(obj), json_string_length(name));
    return fielderrs_status(errs, &c->err, said_group(c, k, obj), kind_custom(k) ? obj_kind(obj) : k->res.kind, text);
}

int fill_defaults(struct call *c, const struct kind *k, json_t **obj)
{
    int r = decode_default(c, k, obj);

    if (r == 0 && k->ops->defaults)
        k->ops->defaults(c, json_own(obj));
    return r;
}

/* A status is not the client's to set where there is a resource for it. */
static int prepare(struct call *c, const struct kind *k, json_t **obj)
{
    json_own(obj);
    if ((kind_sub(k, "status") && !(k->flags & KIND_STATUS_AT_CREATE)) || (k->flags & KIND_STATUS_DROPPED))
        json_object_del(*obj, "status");
    podspec_clear_gated(k, *obj);
    if (k->ops->prepare_create)
        return k->ops->prepare_create(c, *obj);
    return 0;
}

static int validate(struct call *c, const struct kind *k, const json_t *obj)
{
    struct fielderrs errs = FIELDERRS_IN(c->arena);

    meta_validate(k, obj, &errs);
    if (k->ops->validate)
        k->ops->validate(c, k, obj, &errs);
    if (!errs.n)
        meta_validate_any(k, obj, &errs);
    return invalid(c, k, &errs, obj);
}

static int already_exists(struct call *c, const struct kind *k, const json_t *obj, struct record *rec,
                          bool generated)
{
    int r = apierr_already_exists(&c->err, k->res.group, k->res.plural, obj_name(obj));

    if (generated) {
        c->err.message = arena_printf(c->arena,
            "%s, the server was not able to generate a unique name for the object", c->err.message);
        c->err.retry_after_s = 1;
    } else if (obj_is_deleting(value_tree(rec->value))) {
        c->err.message = arena_printf(c->arena, "object is being deleted: %s", c->err.message);
    }
    return r;
}

/* Converting may suspend: what is there is looked at afterwards. */
static int store_new_object(struct call *c, const struct kind *k, json_t *obj, bool generated, struct value **ret)
{
    const char *key = call_store_key(c, k, obj_namespace(obj), obj_name(obj));
    json_auto_t *stored = NULL;
    struct record rec;

    uint64_t revision = store_revision(c->s->store);
    int r = convert_to_store(c, k, json_incref(obj), &stored);
    if (r < 0)
        return r;
    if (store_get(c->s->store, key, 0, &rec) == 0)
        return already_exists(c, k, obj, &rec, generated);
    if (!c->opt.dry_run && k->ops->beside && (r = k->ops->beside(c, obj, NULL)) < 0)
        return r;
    if (!c->opt.dry_run && store_revision(c->s->store) != revision)
        meta_set_version(json_own(&stored), store_revision(c->s->store) + 1);
    if (!c->opt.dry_run && (r = store_check_size(c, k, &stored)) < 0)
        return r;
    *ret = value_from_tree(STEAL(stored));
    if (c->opt.dry_run)
        return 0;
    r = store_put(c->s->store, key, value_ref(*ret), 0, NULL);
    if (r == 0)
        return 0;
    value_unref(STEAL(*ret));
    return store_refused(c, r, k, obj_name(obj));
}

/* A generated name that is taken is made anew, eight times in all, and asked about again (B-029). */
static int store_under_free_name(struct call *c, const struct kind *k, struct admission *a, json_t **obj, bool generated,
                                 struct value **ret)
{
    for (int attempt = 0;; attempt++) {
        if (!c->opt.dry_run)
            meta_set_version(json_own(obj), store_revision(c->s->store) + 1);
        if (k->ops->read_back)
            k->ops->read_back(json_own(obj));
        int r = decode_finish(c, k, obj);
        if (r == 0)
            r = store_new_object(c, k, *obj, *obj_generate_name(*obj), ret);
        if (r != -APIERR_ALREADY_EXISTS || !generated || attempt == 7)
            return r;
        meta_generate_name(c, json_own(obj));
        obj_set_meta(*obj, "resourceVersion", NULL);
        a->object = *obj;
        if ((r = admission_validate(c, a)) < 0)
            return r;
    }
}

/* What the server and the kind make of it, and whether it may be so. Runs again for each name that is tried. */
static int prepare_and_check(struct call *c, const struct kind *k, struct admission *a, json_t **obj)
{
    int r;

    bool emptied = decode_regain_empties(c, k, obj);
    if ((r = meta_prepare_create(c, k, json_own(obj))) < 0 || (r = prepare(c, k, obj)) < 0 ||
        (r = validate(c, k, *obj)) < 0 || (emptied && (r = decode_finish(c, k, obj)) < 0))
        return r;
    if (k->ops->warn)
        k->ops->warn(c, *obj, NULL);
    a->object = *obj;
    return admission_validate(c, a);
}

static int admit_new(struct call *c, const struct kind *k, const char *namespace, struct admission *a, json_t **obj)
{
    int r;

    admission_init(c, ADMIT_CREATE, k, NULL, a);
    a->name = arena_strdup(c->arena, obj_name(*obj));
    a->namespace = k->res.namespaced ? namespace : a->namespace_itself ? a->name : "";
    a->object = STEAL(*obj);
    r = admission_mutate(c, a);
    *obj = a->object;
    return r;
}

int create_object(struct call *c, const struct kind *k, const char *namespace, json_t *obj, struct value **ret)
{
    json_auto_t *o = obj;
    struct admission a;
    bool generated;
    int r;

    r = fill_defaults(c, k, &o);
    if (r < 0)
        return r;
    generated = !*obj_name(o) && *obj_generate_name(o);
    meta_dedup_owners(c, json_own(&o), "");
    if (!c->upsert)
        meta_wipe(o);
    if ((r = meta_check_namespace(c, k, json_own(&o))) < 0 ||
        (!c->managed_done && (r = managed_update(c, k, "", &o, NULL)) < 0) ||
        (r = admit_new(c, k, namespace, &a, &o)) < 0)
        return r;
    if (c->unsettled && (r = decode_finish(c, k, &o)) < 0)
        return r;
    const char *sent_version = arena_strdup(c->arena, obj_resource_version(o));
    if ((r = prepare_and_check(c, k, &a, &o)) < 0)
        return r;
    uint64_t sent;
    bool versioned = !c->upsert && parse_u64(sent_version, &sent) && sent;
    if (versioned && !c->opt.dry_run)            /* where nobody stores it nobody minds */
        return apierr_set(&c->err, APIERR_UNKNOWN, "resourceVersion should not be set on objects to be created");
    obj_set_meta(json_own(&o), "resourceVersion", versioned ? json_string(sent_version) : NULL);
    return store_under_free_name(c, k, &a, &o, generated, ret);
}

/* A review is worked out, not stored. */
static int handle_review(struct call *c, json_t *obj)
{
    const struct kind *k = c->route.kind;
    json_auto_t *o = obj;
    struct admission a;
    int r;

    if ((r = fill_defaults(c, k, &o)) < 0 || (r = meta_check_namespace(c, k, json_own(&o))) < 0 ||
        (r = managed_update(c, k, "", &o, NULL)) < 0 || (r = admission_begin(c, k, &a, &o)) < 0 ||
        (r = admission_end(c, &a, o)) < 0 || (r = k->ops->review(c, json_own(&o))) < 0)
        return r;
    if (c->reply->status)
        return 0;                      /* it answered with something else */
    r = decode_finish(c, k, &o);
    return r < 0 ? r : reply_object(c, 201, k, STEAL(o));
}

int handle_create(struct call *c)
{
    const struct kind *k = c->route.kind;
    json_t *obj = NULL;
    struct value *v = NULL;
    int r;

    if ((r = options_create(c)) < 0 || (r = decode_object(c, k, &obj)) < 0)
        return r;
    if (k->ops->review)
        return handle_review(c, obj);
    r = create_object(c, k, c->route.namespace, obj, &v);
    if (r < 0)
        return r;
    r = reply_value(c, 201, v);
    value_unref(v);
    return r;
}
