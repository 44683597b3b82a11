#include "fakeapi/apiserver/server.h"

/* Who set what: the seam to kube/apply. */

const char *managed_manager(struct call *c)
{
    if (!str_empty(c->opt.field_manager))
        return c->opt.field_manager;
    size_t len = strcspn(c->user_agent, "/");
    if (!len)
        return "unknown";
    return arena_strndup(c->arena, c->user_agent, len > 128 ? 128 : len);
}

int managed_update(struct call *c, const struct kind *k, const char *subresource, json_t *obj, const json_t *old)
{
    const json_t *before = json_object_get(obj_metadata(old), "managedFields");

    (void)c, (void)k, (void)subresource;
    obj_set_meta(obj, "managedFields", json_incref((json_t *)before));
    return 0;
}
