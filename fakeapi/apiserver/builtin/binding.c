/* pods/binding: how a scheduler tells where a Pod runs (B-107). */
#include "fakeapi/apiserver/builtin/builtin.h"
#include "fakeapi/apiserver/server.h"
#include "kube/object.h"

static int conflict(struct call *c, const char *name, const char *why)
{
    return apierr_conflict(&c->err, "", "pods/binding", name, "%s", why);
}

static int check_assignable(struct call *c, const json_t *pod)
{
    const char *name = obj_name(pod), *node = obj_str(pod, "spec.nodeName");

    if (*obj_str(pod, "metadata.deletionTimestamp"))
        return conflict(c, name, arena_printf(c->arena, "pod %s is being deleted, cannot be assigned to a host",
                                              name));
    if (*node)
        return conflict(c, name,
                        arena_printf(c->arena, "pod %s is already assigned to node \"%s\"", name, node));
    if (json_array_size(json_path(pod, "spec.schedulingGates")) > 0)
        return conflict(c, name, arena_printf(c->arena, "pod %s has non-empty .spec.schedulingGates", name));
    return 0;
}

/* The annotations and labels that came with the binding. */
static void merge_metadata(json_t *pod, const json_t *binding, const char *path)
{
    json_t *mine;

    if (json_object_size(json_path(binding, path)) == 0)
        return;
    mine = json_clone(json_path(pod, path));
    if (!mine)
        mine = json_object();
    json_object_update(mine, json_path(binding, path));
    obj_set(pod, path, mine);
}

static int mutate_assign(struct call *c, const json_t *old, void *arg, json_t **ret)
{
    const struct condition scheduled = { .type = "PodScheduled", .status = "True" };
    const json_t *binding = arg;
    json_t *pod, *conditions;
    int r = check_assignable(c, old);

    if (r < 0)
        return r;
    pod = json_clone(old);
    obj_set(pod, "spec.nodeName", json_string(obj_str(binding, "target.name")));
    merge_metadata(pod, binding, "metadata.annotations");
    merge_metadata(pod, binding, "metadata.labels");
    conditions = json_clone(json_path(pod, "status.conditions"));
    if (!conditions)
        conditions = json_array();
    conditions_set(conditions, &scheduled, c->now);
    obj_set(pod, "status.conditions", conditions);
    *ret = pod;
    return 0;
}

bool pod_connects(const struct subresource *sub)
{
    return streq(sub->name, "binding");
}

int pod_connect(struct call *c, const struct subresource *sub)
{
    json_auto_t *binding = NULL;
    struct change ch = { .kind = c->route.kind, .namespace = c->route.namespace, .name = c->route.name,
                         .mutate = mutate_assign };
    struct value *v = NULL;
    bool created;
    int r = decode_body(c, "Binding", &binding);

    (void)sub;
    if (r < 0)
        return r;
    if (!binding || !*obj_str(binding, "target.name"))
        return apierr_set(&c->err, APIERR_INVALID, "Binding \"%s\" is invalid: target.name: Required value",
                          c->route.name);
    ch.arg = binding;
    ch.uid = obj_str(binding, "metadata.uid");
    r = change_object(c, &ch, &v, &created);
    value_unref(v);
    if (r < 0)
        return r;
    return reply_tree(c, 201, json_pack("{s:s, s:s, s:{}, s:s, s:i}", "kind", "Status", "apiVersion", "v1",
                                        "metadata", "status", "Success", "code", 201));
}
