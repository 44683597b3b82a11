#include "fakeapi/apiserver/builtin/builtin.h"
#include "fakeapi/apiserver/server.h"

/* A pod that no node runs, or that has ended, needs no grace (B-130, B-131). */
static int64_t pod_grace(struct call *c, const json_t *obj, int64_t asked)
{
    const char *phase = obj_str(obj, "status.phase");
    int64_t period = asked != GRACE_OWN ? asked : obj_int(obj, "spec.terminationGracePeriodSeconds", 30);

    (void)c;
    if (!*obj_str(obj, "spec.nodeName") || streq(phase, "Succeeded") || streq(phase, "Failed"))
        period = 0;
    return period < 0 ? 1 : period;
}

static int pod_prepare_create(struct call *c, json_t *obj)
{
    (void)c;
    obj_set(obj, "status", json_pack("{s:s}", "phase", "Pending"));
    return 0;
}

const struct kind_ops pod_ops = {
    .prepare_create = pod_prepare_create,
    .grace = pod_grace,
};
