#include "fakeapi/apiserver/crd.h"

#include "fakeapi/apiserver/builtin/builtin.h"
#include "fakeapi/apiserver/builtin/cells.h"

/* Scale of a custom resource: the numbers stand where its definition says (B-104, B-105). */

static const char *scale_path(const struct kind *k, const char *which)
{
    const char *path = obj_str(json_path(custom_version_spec(k), "subresources.scale"), which);

    return *path == '.' ? path + 1 : path;
}

static int no_replicas(struct call *c, const struct kind *k)
{
    return internal_error(c, "the spec replicas field \".%s\" does not exist", scale_path(k, "specReplicasPath"));
}

static json_t *scale_of(const struct kind *k, const json_t *obj)
{
    const char *selector = scale_path(k, "labelSelectorPath");
    const json_t *replicas = json_path(obj, scale_path(k, "specReplicasPath"));
    json_t *spec = json_object(), *status = json_object();

    if (replicas && json_integer_value(replicas))
        json_object_set(spec, "replicas", (json_t *)replicas);
    json_object_set_new(status, "replicas", json_integer(obj_int(obj, scale_path(k, "statusReplicasPath"), 0)));
    if (*selector && *obj_str(obj, selector))
        json_object_set_new(status, "selector", json_string(obj_str(obj, selector)));
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "kind", "Scale", "apiVersion", "autoscaling/v1", "metadata",
                     scale_metadata(obj), "spec", spec, "status", status);
}

static int show(struct call *c, const struct kind *k, const json_t *obj, json_t **ret)
{
    if (!json_path(obj, scale_path(k, "specReplicasPath")) && c->route.verb == VERB_GET)
        return no_replicas(c, k);
    *ret = scale_of(k, obj);
    return 0;
}

/* What may stand there the custom resource says when it is checked. */
static int take(struct call *c, const struct kind *k, const json_t *body, const json_t *old, json_t **ret)
{
    const json_t *replicas = json_path(body, "spec.replicas");

    if (!replicas)
        replicas = json_integer(0);
    else
        json_incref((json_t *)replicas);
    json_t *obj = json_with(old, scale_path(k, "specReplicasPath"), (json_t *)replicas);
    const char *rv = obj_resource_version(body);
    *ret = json_with(obj, "metadata.resourceVersion", json_string(*rv ? rv : obj_resource_version(old)));
    json_decref(obj);
    return 0;
}

static const struct column columns[] = {
    { "Name", "string", "name", COLUMN_NAME_TEXT, 0 },
    { "Desired", "integer", "", "Number of desired replicas", 0 },
    { "Available", "integer", "", "Number of actual replicas", 0 },
    { "Age", "date", "", COLUMN_CREATED_TEXT, 0 },
};

static const struct kind custom_scale_kind = {
    .res = { "autoscaling", "v1", "Scale", "scales", true }, .singular = "scale", .list_kind = "ScaleList",
    .columns = columns, .n_columns = ARRAY_SIZE(columns), .ops = &scale_ops,
};

const struct view_ops custom_scale_view = { &custom_scale_kind, show, take };
