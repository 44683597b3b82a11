#include "fakeapi/apiserver/builtin/builtin.h"
#include "fakeapi/apiserver/builtin/cells.h"
#include "fakeapi/apiserver/server.h"
#include "kube/selector.h"

/* Scale: how many there shall be, how many there are, and which (B-104). */

static void scale_cells(struct call *c, const struct kind *k, const json_t *obj, json_t *cells)
{
    (void)k;
    json_array_append_new(cells, json_string(obj_name(obj)));
    json_array_append_new(cells, json_integer(obj_int(obj, "spec.replicas", 0)));
    json_array_append_new(cells, json_integer(obj_int(obj, "status.replicas", 0)));
    json_array_append_new(cells, json_string(human_since(c->arena, obj_str(obj, "metadata.creationTimestamp"),
                                                         world_now(c->s->world))));
}

const struct kind_ops scale_ops = { .cells = scale_cells };

static const struct column scale_columns[] = {
    { "Name", "string", "", COLUMN_NAME_TEXT, 0 },
    { "Desired", "integer", "", "replicas is the desired number of instances for the scaled object.", 0 },
    { "Available", "integer", "", "replicas is the actual number of observed instances of the scaled object.", 0 },
    { "Age", "string", "", COLUMN_CREATED_TEXT, 0 },
};

const struct kind scale_kind = {
    .res = { "autoscaling", "v1", "Scale", "scales", true }, .singular = "scale", .list_kind = "ScaleList",
    .columns = scale_columns, .n_columns = ARRAY_SIZE(scale_columns), .ops = &scale_ops,
};

static const char *selector_text(struct call *c, const json_t *obj)
{
    const json_t *s = json_path(obj, "spec.selector");
    struct label_selector sel;

    if (!s)
        return "";
    if (streq(obj_kind(obj), "ReplicationController"))
        label_selector_from_map(c->arena, s, &sel);
    else if (label_selector_from_object(c->arena, s, &sel, &c->err) < 0)
        return "";
    return label_selector_format(c->arena, &sel);
}

json_t *scale_metadata(const json_t *obj)
{
    static const char *const shown[] = { "name", "namespace", "uid", "resourceVersion", "creationTimestamp" };
    json_t *meta = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
        json_t *v = json_object_get(obj_metadata(obj), shown[i]);
        if (v)
            json_object_set(meta, shown[i], v);
    }
    return meta;
}

static int show(struct call *c, const struct kind *k, const json_t *obj, json_t **ret)
{
    json_t *spec = json_object(), *status = json_object();
    json_t *replicas = json_path(obj, "spec.replicas");
    const char *selector = selector_text(c, obj);

    (void)k;
    if (replicas && json_integer_value(replicas))
        json_object_set(spec, "replicas", replicas);
    json_object_set_new(status, "replicas", json_integer(obj_int(obj, "status.replicas", 0)));
    if (*selector)
        json_object_set_new(status, "selector", json_string(selector));
    *ret = json_pack("{s:s, s:s, s:o, s:o, s:o}", "kind", "Scale", "apiVersion", "autoscaling/v1", "metadata",
                     scale_metadata(obj), "spec", spec, "status", status);
    return 0;
}

static int scale_validate(struct call *c, const json_t *body)
{
    struct fielderrs errs = FIELDERRS_IN(c->arena);
    int64_t n = obj_int(body, "spec.replicas", 0);

    if (n < 0)
        fielderr_invalid_int(&errs, FP_CHILD(FP_CHILD(NULL, "spec"), "replicas"), n,
                             "must be greater than or equal to 0");
    return fielderrs_status(&errs, &c->err, "autoscaling", "Scale", obj_name(body));
}

static int take(struct call *c, const struct kind *k, const json_t *body, const json_t *old, json_t **ret)
{
    int r = scale_validate(c, body);

    if (r < 0)
        return r;
    json_t *obj = json_with(old, "spec.replicas", json_integer(obj_int(body, "spec.replicas", 0)));
    *ret = json_with(obj, "metadata.resourceVersion", json_string(obj_resource_version(body)));
    json_decref(obj);
    return 0;
}

const struct view_ops scale_view = { &scale_kind, show, take };
