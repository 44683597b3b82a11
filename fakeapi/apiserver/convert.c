#include "fakeapi/apiserver/server.h"

#include "kube/crd_schema.h"

/* A kind is stored in one version and served in several. For nearly all of them the two are the same and
 * the stored tree or bytes are sent as they are. */

static bool stored_as(const struct kind *k, struct value *v)
{
    char version[API_VERSION_MAX];

    return streq(obj_api_version(value_tree(v)), kind_api_version(k, version));
}

/* A custom resource as its schema is today: pruned and with its defaults, whatever was stored (F-082, F-084).
 * Steals `obj`; what is as it should be comes back itself. */
static json_t *as_of_today(const struct kind *k, json_t *obj)
{
    if (!kind_schema(k))
        return obj;
    crd_prune(kind_schema(k), &obj, NULL);
    crd_default(kind_schema(k), &obj);
    return obj;
}

static bool unchanged(const struct kind *k, struct value *v)
{
    json_auto_t *now = as_of_today(k, json_incref(value_tree(v)));

    return now == value_tree(v);
}

bool convert_is_identity(const struct kind *k, struct value *v)
{
    if (k->ops->from_storage)
        return false;
    return !kind_custom(k) || (stored_as(k, v) && unchanged(k, v));
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
    *ret = as_of_today(k, stored_as(k, v) ? json_incref(value_tree(v))
                                          : json_with(value_tree(v), "apiVersion",
                                                      json_string(kind_api_version(k, version))));
    return 0;
}

int convert_between(struct call *c, const struct kind *from, const struct kind *to, json_t **obj)
{
    json_auto_t *stored = NULL;
    char version[API_VERSION_MAX];
    int r;

    if (kind_custom(from)) {
        json_own(obj);
        json_object_set_new(*obj, "apiVersion", json_string(kind_api_version(to, version)));
        return 0;
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
    if (k->store_version && !streq(k->store_version, obj_api_version(obj))) {
        json_own(ret);
        json_object_set_new(*ret, "apiVersion", json_string(k->store_version));
    }
    return 0;
}
