#include "kube/crd_scale.h"

#include <string.h>

#include "kube/json.h"
#include "world/base.h"

/* What Go calls the type of a decoded value. */
static const char *go_type(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "map[string]interface {}";
    case JSON_ARRAY: return "[]interface {}";
    case JSON_STRING: return "string";
    case JSON_INTEGER: return "int64";
    case JSON_REAL: return "float64";
    case JSON_NULL: return "<nil>";
    default: return "bool";
    }
}

static const char *accessor_error(struct arena *a, const char *path, size_t len, const json_t *v, const char *want)
{
    cleanup_buf struct buf b = BUF_INIT;

    go_write_value(&b, v);
    return arena_printf(a, "%.*s accessor error: %s is of the type %s, expected %s", (int)len, path, b.data, go_type(v),
                        want);
}

/* The value at ".a.b"; NULL where there is none. *ret_wrong: something on the way is no object. */
static const json_t *nested(struct arena *a, const json_t *obj, const char *path, const char **ret_wrong)
{
    size_t at = 0;

    *ret_wrong = NULL;
    while (path[at]) {
        size_t len = strcspn(path + at + 1, ".");
        if (!obj || json_is_null(obj))
            return NULL;
        if (!json_is_object(obj)) {
            *ret_wrong = accessor_error(a, path, at + 1 + len, obj, "map[string]interface{}");
            return NULL;
        }
        obj = json_object_getn(obj, path + at + 1, len);
        at += 1 + len;
    }
    return obj;
}

static const char *dotted(struct arena *a, const char *path)
{
    return path[0] == '.' ? path : arena_printf(a, ".%s", path);
}

static void check_replicas(const json_t *obj, const char *path, struct fielderrs *errs)
{
    const struct fpath *at = FP_CHILD(NULL, path);
    const char *wrong;

    if (str_empty(path))
        return;
    path = dotted(errs->arena, path);
    const json_t *v = nested(errs->arena, obj, path, &wrong);
    if (v && !json_is_integer(v))
        wrong = accessor_error(errs->arena, path, strlen(path), v, "int64");
    int64_t n = json_integer_value(v);
    if (wrong)
        fielderr_invalid_int(errs, at, 0, "%s", wrong);
    else if (n < 0)
        fielderr_invalid_int(errs, at, n, "should be a non-negative integer");
    else if (n > INT32_MAX)
        fielderr_invalid_int(errs, at, n, "should be less than or equal to %d", INT32_MAX);
}

void crd_validate_scale_spec(const json_t *obj, const char *replicas, struct fielderrs *errs)
{
    check_replicas(obj, replicas, errs);
}

void crd_validate_scale_status(const json_t *obj, const char *replicas, const char *selector, struct fielderrs *errs)
{
    const char *wrong;

    check_replicas(obj, replicas, errs);
    if (str_empty(selector))
        return;
    const char *path = dotted(errs->arena, selector);
    const json_t *v = nested(errs->arena, obj, path, &wrong);
    if (v && !json_is_string(v))
        wrong = accessor_error(errs->arena, path, strlen(path), v, "string");
    if (wrong)
        fielderr_invalid_str(errs, FP_CHILD(NULL, selector), "", "%s", wrong);
}
