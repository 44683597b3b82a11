/* A path up to the first newline, an object after it: whatever is found is part of the object or a literal, and no
 * more of it than is allowed. */
#include "kube/json.h"
#include "kube/jsonpath.h"
#include "world/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    if (!end)
        return 0;
    cleanup_free char *path = xstrndup((const char *)data, (size_t)(end - data));
    json_auto_t *obj = json_parse((const char *)end + 1, size - (size_t)(end - data) - 1, 0, NULL, &e);
    if (!obj)
        return 0;
    json_auto_t *found = jsonpath_find(obj, path);
    assert(!found || json_array_size(found) <= JSONPATH_MAX);
    return 0;
}
