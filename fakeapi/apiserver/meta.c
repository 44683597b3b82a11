#include "fakeapi/apiserver/server.h"

#include <stdio.h>

/* Metadata: what the server writes, what it forgives, what it refuses (B.1 to B.3). */

/* ---- what the server sets ----------------------------------------------------------------------- */

void meta_set_version(json_t *obj, uint64_t revision)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)revision);
    obj_set_meta_str(obj, "resourceVersion", text);
}

/* Five characters after at most 58 of the base (B-028). */
void meta_generate_name(struct call *c, json_t *obj)
{
    static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
    const char *base = obj_generate_name(obj);
    char suffix[6] = "";

    uint64_t bits = world_identity(c->s->world);
    for (size_t i = 0; i < 5; i++, bits /= sizeof(alphabet) - 1)
        suffix[i] = alphabet[bits % (sizeof(alphabet) - 1)];
    obj_set_name(obj, arena_printf(c->arena, "%.*s%s", (int)(strlen(base) > 58 ? 58 : strlen(base)), base, suffix));
}

/* Equal entries of ownerReferences are one, with a warning (B-012). */
void meta_dedup_owners(struct call *c, json_t *obj, const char *when)
{
    const json_t *refs = obj_owner_references(obj);
    json_t *kept = json_array(), *ref, *have;
    cleanup_buf struct buf uids = BUF_INIT;
    size_t i, j;

    json_array_foreach (refs, i, ref) {
        bool again = false;
        json_array_foreach (kept, j, have)
            again = again || json_same(ref, have);
        if (!again) {
            json_array_append(kept, ref);
            continue;
        }
        const char *uid = obj_str(ref, "uid");
        if (!uids.data || !strstr(uids.data, uid))
            buf_printf(&uids, "%s%s", uids.len ? ", " : "", uid);
    }
    if (!uids.len) {
        json_decref(kept);
        return;
    }
    obj_set_meta(obj, "ownerReferences", kept);
    call_warn(c, ".metadata.ownerReferences contains duplicate entries%s; API server dedups owner references in 1.20+, and "
              "may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: %s", when,
              uids.data);
}

int meta_check_namespace(struct call *c, const struct kind *k, json_t *obj)
{
    const char *given = obj_namespace(obj), *asked = c->route.namespace;

    if (!k->res.namespaced || c->route.needs_namespace) {
        if (*given)
            obj_set_namespace(obj, "");
        return 0;
    }
    if (!*given) {
        obj_set_namespace(obj, asked);
        return 0;
    }
    if (!streq(given, asked))
        return apierr_set(&c->err, APIERR_BAD_REQUEST,
                          "the namespace of the provided object does not match the namespace sent on the request");
    return 0;
}

void meta_wipe(json_t *obj)
{
    static const char *const wiped[] = { "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "uid",
                                         "creationTimestamp" };

    obj_own_metadata(obj);
    for (size_t i = 0; i < ARRAY_SIZE(wiped); i++)
        obj_set_meta(obj, wiped[i], NULL);
}

int meta_prepare_create(struct call *c, const struct kind *k, json_t *obj)
{
    char uid[37];

    obj_own_metadata(obj);
    world_uuid(c->s->world, uid);
    obj_set_meta_str(obj, "uid", uid);
    obj_set_meta_str(obj, "creationTimestamp", call_text_time(c));
    if (k->flags & KIND_GENERATION)
        obj_set_meta(obj, "generation", json_integer(1));
    if (!*obj_name(obj) && *obj_generate_name(obj))
        meta_generate_name(c, obj);
    return 0;
}

/* One of the parts that a generation counts. */
static bool part_differs(const char *path, const json_t *a, const json_t *b)
{
    if (!streq(path, "*"))
        return !json_same(json_path(a, path), json_path(b, path));
    json_auto_t *x = json_copy((json_t *)a), *y = json_copy((json_t *)b);
    json_object_del(x, "metadata");
    json_object_del(y, "metadata");
    return !json_same(x, y);
}

static bool spec_differs(struct arena *arena, const struct kind *k, const json_t *a, const json_t *b)
{
    if (k->ops->spec_differs)
        return k->ops->spec_differs(k, a, b);
    for (char *part = arena_strdup(arena, k->counted ? k->counted : "spec"), *next; part && *part; part = next) {
        next = strchr(part, '+');
        if (next)
            *next++ = 0;
        if (part_differs(part, a, b))
            return true;
    }
    return false;
}

/* What an update cannot change comes back from the old object (B-009). */
void meta_prepare_update(struct call *c, const struct kind *k, json_t *obj, const json_t *old)
{
    static const char *const kept[] = { "generation", "creationTimestamp", "selfLink" };
    const json_t *old_meta = obj_metadata(old);

    obj_own_metadata(obj);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        obj_set_meta(obj, kept[i], json_incref(json_object_get(old_meta, kept[i])));
    if (!*obj_uid(obj))
        obj_set_meta_str(obj, "uid", obj_uid(old));
    if (obj_is_deleting(old)) {
        obj_set_meta(obj, "deletionTimestamp", json_incref(json_object_get(old_meta, "deletionTimestamp")));
        if (!json_object_get(obj_metadata(obj), "deletionGracePeriodSeconds"))
            obj_set_meta(obj, "deletionGracePeriodSeconds",
                         json_incref(json_object_get(old_meta, "deletionGracePeriodSeconds")));
    }
    bool status = c->route.sub && streq(c->route.sub->name, "status");
    if (!status && (k->flags & (KIND_GENERATION | KIND_GENERATION_LATE)) && spec_differs(c->arena, k, obj, old))
        obj_set_meta(obj, "generation", json_integer(obj_generation(old) + 1));
}

/* ---- validation --------------------------------------------------------------------------------- */

static const struct fpath *const meta_path = &(const struct fpath){ .name = "metadata" };

static void check_rule(struct fielderrs *errs, const struct fpath *p, unsigned rule, const json_t *s)
{
    struct name_problems problems;

    if (name_check_json(rule, s, &problems))
        return;
    for (size_t i = 0; i < problems.n; i++)
        fielderr_invalid(errs, p, s, "%s", problems.v[i]);
}

static void validate_names(const struct kind *k, unsigned rule, const json_t *meta, struct fielderrs *errs)
{
    const json_t *name = json_object_get(meta, "name"), *prefix = json_object_get(meta, "generateName");
    const struct fpath *at = FP_CHILD(meta_path, "name");
    size_t len = json_string_length(name);

    if (json_string_length(prefix) && !(k->flags & KIND_REVIEW))
        check_rule(errs, FP_CHILD(meta_path, "generateName"), rule | NAME_IS_PREFIX, prefix);
    if (!len) {
        fielderr_required(errs, at, "name or generateName is required");
        return;
    }
    check_rule(errs, at, rule, name);
}

static void validate_namespace(const struct kind *k, const json_t *meta, struct fielderrs *errs)
{
    const struct fpath *at = FP_CHILD(meta_path, "namespace");
    const json_t *namespace = json_object_get(meta, "namespace");

    if (!k->res.namespaced)
        return;
    if (!json_string_length(namespace))
        fielderr_required(errs, at, "");
    else
        check_rule(errs, at, NAME_DNS1123_LABEL, namespace);
}

static void validate_generation(const json_t *meta, struct fielderrs *errs)
{
    const json_t *generation = json_object_get(meta, "generation");

    if (json_integer_value(generation) < 0)
        fielderr_invalid(errs, FP_CHILD(meta_path, "generation"), generation, "must be greater than or equal to 0");
}

static void validate_labels(const json_t *labels, struct fielderrs *errs)
{
    const struct fpath *at = FP_CHILD(meta_path, "labels");
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)labels, key, value) {
        json_auto_t *k = json_string_nocheck(key);
        check_rule(errs, at, NAME_QUALIFIED, k);
        check_rule(errs, at, NAME_LABEL_VALUE, value);
    }
}

static void validate_annotations(const json_t *annotations, const struct fpath *at, struct fielderrs *errs)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)annotations, key, value) {
        char *lower = xstrdup(key);
        for (char *p = lower; *p; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p |= 0x20;
        struct name_problems problems;
        if (!name_check_str(NAME_QUALIFIED, lower, &problems))
            for (size_t i = 0; i < problems.n; i++)
                fielderr_invalid_str(errs, at, key, "%s", problems.v[i]);
        free(lower);
    }
    if (annotations_size(annotations) > ANNOTATIONS_SIZE_MAX)
        fielderr_too_long(errs, at, ANNOTATIONS_SIZE_MAX);
}

static void owner_member(const json_t *ref, const char *key, const struct fpath *at, const char *detail,
                         struct fielderrs *errs)
{
    const json_t *v = json_object_get(ref, key);

    if (json_string_length(v))
        return;
    json_auto_t *empty = json_string("");
    fielderr_invalid(errs, FP_CHILD(at, key), empty, "%s", detail);
}

static void validate_owner(const json_t *ref, const struct fpath *at, struct fielderrs *errs)
{
    const char *version = obj_api_version(ref), *slash = strchr(version, '/'), *last = slash ? slash + 1 : version;

    if (!*last || strchr(last, '/'))
        fielderr_invalid_str(errs, FP_CHILD(at, "apiVersion"), version, "version must not be empty");
    owner_member(ref, "kind", at, "must not be empty", errs);
    owner_member(ref, "name", at, "must not be empty", errs);
    owner_member(ref, "uid", at, "must not be empty", errs);
    if (streq(version, "v1") && streq(obj_kind(ref), "Event"))
        fielderr_invalid(errs, at, ref, "/v1, Kind=Event is disallowed from being an owner");
}

static void validate_owners(const json_t *refs, struct fielderrs *errs)
{
    const struct fpath *at = FP_CHILD(meta_path, "ownerReferences");
    const json_t *controller = NULL;
    size_t i;
    json_t *ref;

    json_array_foreach (refs, i, ref) {
        validate_owner(ref, at, errs);
        if (!json_is_true(json_object_get(ref, "controller")))
            continue;
        if (!controller) {
            controller = ref;
            continue;
        }
        fielderr_invalid(errs, at, refs, "Only one reference can have Controller set to true. Found \"true\" in "
                         "references for %s/%s and %s/%s", obj_kind(controller), obj_str(controller, "name"),
                         obj_kind(ref), obj_str(ref, "name"));
    }
}

static bool standard_finalizer(const char *f)
{
    return streq(f, "orphan") || streq(f, "foregroundDeletion") || streq(f, "kubernetes");
}

static void validate_finalizers(const json_t *finalizers, struct fielderrs *errs)
{
    const struct fpath *at = FP_CHILD(meta_path, "finalizers");
    bool orphan = false, foreground = false;
    size_t i;
    json_t *f;

    json_array_foreach (finalizers, i, f) {
        const char *text = json_string_value(f) ? json_string_value(f) : "";
        check_rule(errs, at, NAME_QUALIFIED, f);
        orphan = orphan || streq(text, "orphan");
        foreground = foreground || streq(text, "foregroundDeletion");
    }
    if (orphan && foreground)
        fielderr_invalid(errs, at, finalizers, "finalizer orphan and foregroundDeletion cannot be both set");
}

/* What only the kinds of the core's making ask of a finalizer's name. */
static void validate_core_finalizers(const json_t *finalizers, struct fielderrs *errs)
{
    const struct fpath *at = FP_CHILD(meta_path, "finalizers");
    size_t i;
    json_t *f;

    json_array_foreach (finalizers, i, f) {
        const char *text = json_string_value(f) ? json_string_value(f) : "";
        if (!strchr(text, '/') && !standard_finalizer(text))
            fielderr_invalid(errs, FP_INDEX(at, i), f,
                             "name is neither a standard finalizer name nor is it fully qualified");
    }
}

static void validate_all(const struct kind *k, unsigned rule, const json_t *obj, struct fielderrs *errs)
{
    const json_t *meta = obj_metadata(obj);

    validate_names(k, rule, meta, errs);
    validate_namespace(k, meta, errs);
    validate_generation(meta, errs);
    validate_labels(json_object_get(meta, "labels"), errs);
    validate_annotations(json_object_get(meta, "annotations"), FP_CHILD(meta_path, "annotations"), errs);
    validate_owners(json_object_get(meta, "ownerReferences"), errs);
    validate_finalizers(json_object_get(meta, "finalizers"), errs);
}

/* ---- who checks what ---------------------------------------------------------------------------- */

/* How often a kind's own validation looks at the metadata as a whole and at their change, beside what is done
 * for all kinds: seen in the causes of a 422, which repeat what the message says once. */
struct meta_checks {
    unsigned char create, whole, change, status_whole, status_change;
    bool any_finalizer;                /* need not be standard or qualified */
};

static const struct meta_checks *checks_of(const struct kind *k)
{
    static const struct meta_checks usual = { 1, 1, 1, 0, 1, false }, custom = { 1, 0, 1, 0, 1, true };
    static const struct checks_row {
        const char *group, *plural;    /* plural NULL: all of the group */
        struct meta_checks checks;
    } rows[] = {
        { "", "events", { 0, 0, 0, 0, 0, true } },
        { "", "limitranges", { 1, 1, 0, 0, 0, false } },
        { "", "persistentvolumes", { 1, 2, 0, 0, 1, false } },
        { "", "persistentvolumeclaims", { 1, 2, 1, 0, 1, false } },
        { "", "podtemplates", { 1, 0, 1, 0, 0, false } },
        { "", "resourcequotas", { 1, 0, 1, 0, 1, false } },
        { "", "services", { 1, 0, 1, 0, 1, false } },
        { "admissionregistration.k8s.io", NULL, { 1, 1, 0, 0, 0, true } },
        { "apiextensions.k8s.io", NULL, { 1, 0, 1, 0, 1, true } },
        { "apiregistration.k8s.io", NULL, { 1, 1, 1, 0, 1, true } },
        { "apps", "controllerrevisions", { 1, 1, 1, 0, 0, false } },
        { "apps", NULL, { 1, 0, 1, 0, 1, false } },
        { "autoscaling", NULL, { 1, 0, 1, 0, 1, false } },
        { "batch", "cronjobs", { 1, 0, 1, 0, 0, false } },
        { "certificates.k8s.io", "certificatesigningrequests", { 1, 1, 1, 1, 1, false } },
        { "coordination.k8s.io", NULL, { 1, 0, 1, 0, 0, true } },
        { "discovery.k8s.io", NULL, { 1, 1, 0, 0, 0, false } },
        { "events.k8s.io", NULL, { 1, 0, 1, 0, 0, false } },
        { "flowcontrol.apiserver.k8s.io", NULL, { 1, 1, 0, 0, 0, false } },
        { "networking.k8s.io", "servicecidrs", { 1, 0, 1, 0, 1, false } },
        { "policy", NULL, { 0, 0, 0, 0, 0, true } },
        { "rbac.authorization.k8s.io", NULL, { 1, 2, 1, 0, 0, false } },
        { "resource.k8s.io", "resourceslices", { 1, 0, 1, 0, 0, false } },
        { "scheduling.k8s.io", NULL, { 1, 0, 1, 0, 0, false } },
        { "storage.k8s.io", "csidrivers", { 1, 0, 1, 0, 0, false } },
        { "storage.k8s.io", "csinodes", { 1, 2, 0, 0, 0, false } },
        { "storage.k8s.io", "volumeattachments", { 1, 2, 0, 2, 0, false } },
        { "storage.k8s.io", "volumeattributesclasses", { 1, 2, 1, 0, 0, false } },
    };

    for (size_t i = 0; !kind_custom(k) && i < ARRAY_SIZE(rows); i++)
        if (streq(rows[i].group, k->res.group) && (!rows[i].plural || streq(rows[i].plural, k->res.plural)))
            return &rows[i].checks;
    return kind_custom(k) ? &custom : &usual;
}

/* Labels or annotations on their own; a converter's errors name annotations in the singular. */
void meta_validate_map(const char *field, const json_t *map, struct fielderrs *errs)
{
    if (streq(field, "labels"))
        validate_labels(map, errs);
    else
        validate_annotations(map, FP_CHILD(meta_path, "annotation"), errs);
}

void meta_validate(const struct kind *k, const json_t *obj, struct fielderrs *errs)
{
    const struct meta_checks *checks = checks_of(k);

    if (!checks->create)
        return;
    validate_all(k, k->name_rule, obj, errs);
    if (!checks->any_finalizer)
        validate_core_finalizers(json_object_get(obj_metadata(obj), "finalizers"), errs);
}

void meta_validate_any(const struct kind *k, const json_t *obj, struct fielderrs *errs)
{
    validate_all(k, NAME_PATH_SEGMENT, obj, errs);
}

/* ---- update ------------------------------------------------------------------------------------- */

static void immutable(const json_t *meta, const json_t *old, const char *key, struct fielderrs *errs)
{
    const json_t *a = json_object_get(meta, key), *b = json_object_get(old, key);

    if (json_same(a, b))
        return;
    fielderr_invalid(errs, FP_CHILD(meta_path, key), a ? a : json_null(), "field is immutable");
}

static void validate_new_finalizers(struct fielderrs *errs, const json_t *obj, const json_t *old)
{
    cleanup_buf struct buf added = BUF_INIT;
    size_t i;
    json_t *f;

    if (!obj_is_deleting(old))
        return;
    json_array_foreach (json_object_get(obj_metadata(obj), "finalizers"), i, f) {
        if (!json_is_string(f) || obj_has_finalizer(old, json_string_value(f)))
            continue;
        if (added.len)
            buf_add_str(&added, ", ");
        go_quote(&added, json_string_value(f), json_string_length(f));
    }
    if (added.len)
        fielderr_forbidden(errs, FP_CHILD(meta_path, "finalizers"),
                           "no new finalizers can be added if the object is being deleted, found new finalizers "
                           "[]string{%s}", added.data);
}

static void validate_change(const json_t *obj, const json_t *old, struct fielderrs *errs)
{
    static const char *const fixed[] = { "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp",
                                         "deletionGracePeriodSeconds" };
    const json_t *meta = obj_metadata(obj), *old_meta = obj_metadata(old);

    validate_new_finalizers(errs, obj, old);
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
        immutable(meta, old_meta, fixed[i], errs);
    validate_labels(json_object_get(meta, "labels"), errs);
    validate_annotations(json_object_get(meta, "annotations"), FP_CHILD(meta_path, "annotations"), errs);
    validate_owners(json_object_get(meta, "ownerReferences"), errs);
}

/* First what is checked for all kinds, then as often again as the kind's own validation does it. */
void meta_validate_update(const struct kind *k, const struct subresource *sub, const json_t *obj, const json_t *old,
                          struct fielderrs *errs)
{
    const struct meta_checks *checks = checks_of(k);
    bool status = sub && (streq(sub->name, "status") || streq(sub->name, "finalize"));
    unsigned whole = status ? checks->status_whole : checks->whole;
    unsigned change = status ? checks->status_change : checks->change;

    validate_all(k, NAME_PATH_SEGMENT, obj, errs);
    validate_change(obj, old, errs);
    for (; change; change--) {
        validate_change(obj, old, errs);
        if (!checks->any_finalizer)
            validate_core_finalizers(json_object_get(obj_metadata(obj), "finalizers"), errs);
    }
    for (; whole; whole--) {
        validate_all(k, k->name_rule, obj, errs);
        if (!checks->any_finalizer)
            validate_core_finalizers(json_object_get(obj_metadata(obj), "finalizers"), errs);
    }
}
