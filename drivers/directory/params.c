#include "drivers/directory/params_priv.h"

#include <jansson.h>

#define PARAMS_MAX 256
#define PARAMS_BYTES_MAX ((size_t)256 << 10)
#define TEXT_MAX 65536
#define OURS "agents.x-k8s.io/"                 /* the controller's keys: unknown ones are ignored */

static const struct key_row {
    const char *key;
    bool is_bucket;
} keys[] = {
    { "bucket", true },     { "s3.bucket", true },  { "gcs.bucket", true },   { "region", false },
    { "s3.region", false }, { "prefix", false },    { CROSS_RESTORE, false },
};

static const struct key_row *find_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (streq(keys[i].key, key))
            return &keys[i];
    return NULL;
}

bool params_text_ok(const char *text)
{
    json_auto_t *as_json = strlen(text) <= TEXT_MAX ? json_string(text) : NULL;

    return as_json != NULL;
}

enum rpc_code params_check(const struct kvmap *parameters, struct arena *a, struct rpc_status *st)
{
    size_t bytes = 0;

    if (parameters->n > PARAMS_MAX)
        return rpc_fail(a, st, RPC_INVALID_ARGUMENT, "%zu parameters: at most %d", parameters->n, PARAMS_MAX);
    for (size_t i = 0; i < parameters->n; i++) {
        const struct kv *kv = &parameters->v[i];
        if (!params_text_ok(kv->key) || !params_text_ok(kv->value))
            return rpc_fail(a, st, RPC_INVALID_ARGUMENT, "a parameter is not UTF-8 text, or too long");
        if (!find_key(kv->key) && !str_starts(kv->key, OURS))
            return rpc_fail(a, st, RPC_INVALID_ARGUMENT, "unknown parameter \"%.200s\"", kv->key);
        bytes += strlen(kv->key) + strlen(kv->value);
    }
    if (bytes > PARAMS_BYTES_MAX)
        return rpc_fail(a, st, RPC_INVALID_ARGUMENT, "the parameters are larger than 256 KiB");
    return rpc_ok(st);
}

/* Three to 63 small letters, digits, '.' and '-', as object stores have them. */
static bool bucket_name_ok(const char *name)
{
    size_t n = strlen(name);

    if (n < 3 || n > 63)
        return false;
    for (; *name; name++)
        if (!((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') || *name == '-' ||
              *name == '.'))
            return false;
    return true;
}

enum rpc_code params_check_target(const struct kvmap *parameters, const char *const *buckets,
                                  size_t n_buckets, struct arena *a, struct rpc_status *st)
{
    for (size_t i = 0; i < parameters->n; i++) {
        const struct kv *kv = &parameters->v[i];
        const struct key_row *row = find_key(kv->key);
        size_t known = 0;
        if (!row || !row->is_bucket)
            continue;
        if (!bucket_name_ok(kv->value))
            return rpc_fail(a, st, RPC_INVALID_ARGUMENT, "parameter %s: \"%.100s\" is not the name of a bucket",
                            kv->key, kv->value);
        while (known < n_buckets && !streq(buckets[known], kv->value))
            known++;
        if (n_buckets && known == n_buckets)
            return rpc_fail(a, st, RPC_PERMISSION_DENIED, "parameter %s: no access to bucket \"%s\"", kv->key,
                            kv->value);
    }
    return rpc_ok(st);
}
