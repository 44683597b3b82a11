/* ConfigMaps, Secrets, Leases: keys, sizes, types of secrets, what is immutable (G.2, G.3). */
#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/base64.h"
#include "world/arena.h"

#define DATA_SIZE_MAX 1048576

static const char redacted[] = "<secret contents redacted>";

/* The bytes of a value in binary data; "" where there is none. */
static const char *decoded(struct arena *a, const json_t *map, const char *key, size_t *ret_len)
{
    const json_t *v = json_object_get(map, key);
    struct buf b = BUF_INIT;

    *ret_len = 0;
    if (json_is_string(v))
        base64_decode(&b, json_string_value(v), json_string_length(v));
    char *copy = arena_strndup(a, b.len ? b.data : "", b.len);
    *ret_len = b.len;
    buf_release(&b);
    return copy;
}

/* Keys of one map; returns how many bytes its values have. */
static size_t data_keys(struct fielderrs *e, const json_t *map, const char *field, bool binary, const json_t *other)
{
    size_t total = 0;
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)map, key, v) {
        const struct fpath *at = FP_KEY(RULE_AT(field), key);
        rule_name(e, at, NAME_CONFIG_MAP_KEY, key);
        if (!binary && other && json_object_get(other, key))
            fielderr_invalid_str(e, at, key, "duplicate of key present in binaryData");
        total += binary ? json_string_length(v) / 4 * 3 : json_string_length(v);
        for (size_t n = json_string_length(v); binary && n && json_string_value(v)[n - 1] == '='; n--)
            total--;
    }
    return total;
}

/* ---- ConfigMap ------------------------------------------------------------------------------------ */

static void configmap_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *data = member(obj, "data"), *binary = member(obj, "binaryData");
    size_t total = data_keys(e, data, "data", false, binary);

    total += data_keys(e, binary, "binaryData", true, data);
    if (total > DATA_SIZE_MAX)
        fielderr_too_long(e, FP_KEY((const struct fpath *)NULL, ""), DATA_SIZE_MAX);
}

static void configmap_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                             const json_t *old, struct fielderrs *e)
{
    static const char *const frozen[] = { "data", "binaryData", NULL };

    rule_frozen(e, obj, old, frozen);
    configmap_validate(c, k, obj, e);
}

const struct kind_ops configmap_ops = { .validate = configmap_validate, .validate_update = configmap_update };

/* ---- Secret --------------------------------------------------------------------------------------- */

/* What a type demands: these keys, of these one (SECRET_ANY), not empty (SECRET_FILLED), holding a JSON
 * object (SECRET_JSON). */
enum secret_demand { SECRET_ALL, SECRET_ANY, SECRET_FILLED, SECRET_JSON };
static const struct secret_row {
    const char *type;
    enum secret_demand demand;
    const char *keys[3];
} secret_rows[] = {
    { "kubernetes.io/tls", SECRET_ALL, { "tls.crt", "tls.key" } },
    { "kubernetes.io/basic-auth", SECRET_ANY, { "username", "password" } },
    { "kubernetes.io/ssh-auth", SECRET_FILLED, { "ssh-privatekey" } },
    { "kubernetes.io/dockerconfigjson", SECRET_JSON, { ".dockerconfigjson" } },
    { "kubernetes.io/dockercfg", SECRET_JSON, { ".dockercfg" } },
};

static void secret_json(struct fielderrs *e, const json_t *data, const char *key, const struct fpath *at)
{
    size_t len;
    const char *bytes = decoded(e->arena, data, key, &len);
    struct err why = ERR_IN(e->arena);
    json_auto_t *tree = json_parse(bytes, len, 0, NULL, &why);

    if (!tree)
        fielderr_invalid_str(e, at, redacted, "%s", why.message);
    else if (!json_is_object(tree) && !json_is_null(tree))
        fielderr_invalid_str(e, at, redacted,
                             "json: cannot unmarshal %s into Go value of type map[string]interface {}",
                             json_is_array(tree) ? "array" : json_is_string(tree) ? "string"
                             : json_is_boolean(tree) ? "bool" : "number");
}

static void secret_type(struct fielderrs *e, const json_t *data, const struct secret_row *row)
{
    for (size_t i = 0; row->demand == SECRET_ANY && row->keys[i]; i++)
        if (json_object_get(data, row->keys[i]))
            return;
    for (size_t i = 0; row->keys[i]; i++) {
        const json_t *v = json_object_get(data, row->keys[i]);
        const struct fpath *at = FP_KEY(RULE_AT("data"), row->keys[i]);
        if (!v || (row->demand == SECRET_FILLED && !json_string_length(v)))
            fielderr_required(e, at, "");
        else if (row->demand == SECRET_JSON)
            secret_json(e, data, row->keys[i], at);
    }
}

static void secret_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *data = member(obj, "data");
    const char *type = text(obj, "type"), *account = obj_annotation(obj, "kubernetes.io/service-account.name");

    if (data_keys(e, data, "data", true, NULL) > DATA_SIZE_MAX)
        fielderr_too_long(e, RULE_AT("data"), DATA_SIZE_MAX);
    if (streq(type, "kubernetes.io/service-account-token") && str_empty(account))
        fielderr_required(e, FP_KEY(FP_CHILD(RULE_AT("metadata"), "annotations"),
                                    "kubernetes.io/service-account.name"), "");
    for (size_t i = 0; i < ARRAY_SIZE(secret_rows); i++)
        if (streq(secret_rows[i].type, type))
            secret_type(e, data, &secret_rows[i]);
}

static void secret_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                          const json_t *old, struct fielderrs *e)
{
    static const char *const frozen[] = { "data", NULL };

    rule_immutable_text(e, NULL, obj, old, "type");
    rule_frozen(e, obj, old, frozen);
    secret_validate(c, k, obj, e);
}

static void secret_warn(struct call *c, const json_t *obj, const json_t *old)
{
    const json_t *data = member(obj, "data");
    size_t len;

    if (!streq(text(obj, "type"), "kubernetes.io/tls"))
        return;
    if (!strstr(decoded(c->arena, data, "tls.crt", &len), "-----BEGIN "))
        call_warn(c, "tls: failed to find any PEM data in certificate input");
    else if (!strstr(decoded(c->arena, data, "tls.key", &len), "-----BEGIN "))
        call_warn(c, "tls: failed to find any PEM data in key input");
}

const struct kind_ops secret_ops = { .validate = secret_validate, .validate_update = secret_update,
                                     .warn = secret_warn };

/* ---- Lease ---------------------------------------------------------------------------------------- */

static void lease_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *spec = member(obj, "spec"), *lasts = member(spec, "leaseDurationSeconds");

    if (lasts && json_integer_value(lasts) <= 0)
        fielderr_invalid(e, FP_CHILD(RULE_AT("spec"), "leaseDurationSeconds"), lasts, "must be greater than 0");
    rule_not_negative(e, spec, RULE_AT("spec"), "leaseTransitions");
}

const struct kind_ops lease_ops = { .validate = lease_validate };

/* ---- ServiceAccount ------------------------------------------------------------------------------- */

/* A secret is referred to by its name alone. */
static void account_trim(json_t *obj)
{
    const json_t *had = json_object_get(obj, "secrets");
    json_t *list = json_array(), *s;
    size_t i;

    json_array_foreach(had, i, s)
        json_array_append_new(list, *text(s, "name") ? json_pack("{s:s}", "name", text(s, "name")) : json_object());
    if (json_array_size(list))
        obj_set(obj, "secrets", json_incref(list));
    json_decref(list);
}

static int account_create(struct call *c, json_t *obj)
{
    account_trim(obj);
    return 0;
}

static int account_prepare(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    account_trim(obj);
    return 0;
}

const struct kind_ops serviceaccount_ops = { .prepare_create = account_create, .prepare_update = account_prepare };
