#include "fakeapi/apiserver/crd.h"

#include "kube/crd_schema.h"

/* A kind is stored in one version and served in several. For nearly all of them the two are the same and
 * the stored tree or bytes are sent as they are. */

static bool stored_as(const struct kind *k, const json_t *tree)
{
    char version[API_VERSION_MAX];

    return streq(obj_api_version(tree), kind_api_version(k, version));
}

bool convert_needs_hook(const struct kind *k, const json_t *stored)
{
    return kind_custom(k) && !stored_as(k, stored) && convert_by_hook(k);
}

json_t *convert_settle(const struct kind *k, json_t *obj)
{
    if (kind_schema(k))
        crd_prune(kind_schema(k), &obj, NULL);
    return obj;
}

/* What is stored as the schema of its own version is today: pruned and with its defaults, whatever was written
 * (F-082, F-084). What is as it should be comes back itself. */
static json_t *at_rest(const struct kind *as, json_t *obj)
{
    if (kind_schema(as)) {
        crd_prune(kind_schema(as), &obj, NULL);
        crd_default(kind_schema(as), &obj);
    }
    return obj;
}

int convert_read_stored(struct call *c, const struct kind *k, json_t *tree, json_t **ret)
{
    const struct kind *as = crd_version(k->crd, obj_api_version(tree));

    if (!as)
        return apierr_set(&c->err, APIERR_UNKNOWN, "request to convert CR from an invalid group/version: %s",
                          obj_api_version(tree));
    *ret = at_rest(as, json_incref(tree));
    return 0;
}

static bool unchanged(const struct kind *k, struct value *v)
{
    json_auto_t *now = at_rest(k, json_incref(value_tree(v)));

    return now == value_tree(v);
}

bool convert_is_identity(const struct kind *k, struct value *v)
{
    if (k->ops->from_storage)
        return false;
    return !kind_custom(k) || (stored_as(k, value_tree(v)) && unchanged(k, v));
}

int convert_from_store(struct call *c, const struct kind *k, struct value *v, json_t **ret)
{
    if (k->ops->from_storage)
        return k->ops->from_storage(c, k, value_tree(v), ret);
    if (!kind_custom(k)) {
        *ret = json_incref(value_tree(v));
        return 0;
    }
    char version[API_VERSION_MAX];
    json_auto_t *read = NULL;
    json_t *obj;
    int r = convert_read_stored(c, k, value_tree(v), &read);

    if (r < 0)
        return r;
    if (stored_as(k, read)) {
        *ret = STEAL(read);
        return 0;
    }
    kind_api_version(k, version);
    if (!convert_by_hook(k))
        obj = json_with(read, "apiVersion", json_string(version));
    else if ((r = convert_ask_hook(c, k, version, &read, 1, &obj)) < 0)
        return r;
    *ret = convert_settle(k, obj);
    return 0;
}

int convert_all_from_store(struct call *c, const struct kind *k, struct value *const *v, size_t n, json_t *items)
{
    json_t **asked = arena_alloc(c->arena, (n + 1) * 2 * sizeof(*asked)), **converted = asked + n + 1, *obj;
    size_t n_asked = 0, next = 0;
    char version[API_VERSION_MAX];
    int r;

    for (size_t i = 0; i < n; i++)
        if (convert_needs_hook(k, value_tree(v[i]))) {
            if ((r = convert_read_stored(c, k, value_tree(v[i]), &asked[n_asked])) < 0)
                return r;
            call_keep(c, asked[n_asked++]);
        }
    if (n_asked && (r = convert_ask_hook(c, k, kind_api_version(k, version), asked, n_asked, converted)) < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        if (convert_needs_hook(k, value_tree(v[i]))) {
            json_array_append_new(items, convert_settle(k, converted[next++]));
            continue;
        }
        if ((r = convert_from_store(c, k, v[i], &obj)) < 0)
            return r;
        json_array_append_new(items, obj);
    }
    return 0;
}

/* A custom resource in another version, by its webhook or by name alone. */
static int convert_custom(struct call *c, const struct kind *k, const char *api_version, json_t **obj)
{
    json_t *in = *obj, *out;

    if (!convert_by_hook(k)) {
        json_object_set_new(json_own(obj), "apiVersion", json_string(api_version));
        return 0;
    }
    int r = convert_ask_hook(c, k, api_version, &in, 1, &out);
    if (r < 0)
        return r;
    json_decref(*obj);
    *obj = out;
    return 0;
}

int convert_between(struct call *c, const struct kind *from, const struct kind *to, json_t **obj)
{
    json_auto_t *stored = NULL;
    char version[API_VERSION_MAX];
    int r;

    if (kind_custom(from)) {
        if ((r = convert_custom(c, from, kind_api_version(to, version), obj)) == 0)
            *obj = convert_settle(to, *obj);
        return r;
    }
    if ((r = convert_to_store(c, from, STEAL(*obj), &stored)) < 0)
        return r;
    struct value *v = value_from_tree(json_incref(stored));
    r = convert_from_store(c, to, v, obj);
    value_unref(v);
    if (r == 0 && !streq(obj_api_version(*obj), kind_api_version(to, version)))
        json_object_set_new(json_own(obj), "apiVersion", json_string(version));
    return r;
}

int convert_to_store(struct call *c, const struct kind *k, json_t *obj, json_t **ret)
{
    if (k->ops->to_storage) {
        int r = k->ops->to_storage(c, k, obj, ret);
        json_decref(obj);
        return r;
    }
    *ret = obj;
    if (kind_custom(k) && k->store_version && !streq(k->store_version, obj_api_version(obj))) {
        int r = convert_custom(c, k, k->store_version, ret);
        const struct kind *as = crd_version(k->crd, k->store_version);
        if (r < 0) {
            json_decref(*ret);
            *ret = NULL;
        } else if (as) {
            *ret = convert_settle(as, *ret);
        }
        return r;
    }
    if (k->store_version && !streq(k->store_version, obj_api_version(obj))) {
        json_own(ret);
        json_object_set_new(*ret, "apiVersion", json_string(k->store_version));
    }
    return 0;
}
