#include "fakeapi/apiserver/builtin/cells.h"
#include "fakeapi/apiserver/crd_columns.h"
#include "fakeapi/apiserver/server.h"

/* Tables and partial objects: how kubectl and metadata informers want to see things. */

static const struct column default_columns[] = {
    { "Name", "string", "name", COLUMN_NAME_TEXT, 0 },
    { "Created At", "date", "", COLUMN_CREATED_TEXT, 0 },
};

const struct column *column_name(void)
{
    return &default_columns[0];
}

const struct column *column_created(void)
{
    return &default_columns[1];
}

/* Annotations in which a version says what the server keeps in fields: no view shows them, since views are made
 * of what the server keeps. */
static bool annotation_of_version(const struct kind *k, const char *key)
{
    static const struct { const char *group, *version, *plural, *key; } rows[] = {
        { "apps", "v1", "daemonsets", "deprecated.daemonset.template.generation" },
        { "autoscaling", "v1", "horizontalpodautoscalers", "autoscaling.alpha.kubernetes.io/conditions" },
        { "autoscaling", "v1", "horizontalpodautoscalers", "autoscaling.alpha.kubernetes.io/metrics" },
        { "autoscaling", "v1", "horizontalpodautoscalers", "autoscaling.alpha.kubernetes.io/current-metrics" },
        { "autoscaling", "v1", "horizontalpodautoscalers", "autoscaling.alpha.kubernetes.io/behavior" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (streq(rows[i].plural, k->res.plural) && streq(rows[i].group, k->res.group) &&
            streq(rows[i].version, k->res.version) && streq(rows[i].key, key))
            return true;
    return false;
}

/* The metadata that views show; new reference. */
static json_t *view_metadata(const struct kind *k, const json_t *obj)
{
    json_t *meta = (json_t *)obj_metadata(obj), *annotations = json_object_get(meta, "annotations"), *v;
    json_t *kept;
    const char *key;
    bool hides = false;

    json_object_foreach (annotations, key, v)
        hides = hides || annotation_of_version(k, key);
    if (!hides)
        return meta ? json_incref(meta) : json_object();
    kept = json_object();
    json_object_foreach (annotations, key, v)
        if (!annotation_of_version(k, key))
            json_object_set(kept, key, v);
    meta = json_copy(meta);
    if (json_object_size(kept))
        json_object_set(meta, "annotations", kept);
    else
        json_object_del(meta, "annotations");
    json_decref(kept);
    return meta;
}

json_t *partial_of(const struct kind *k, const json_t *obj, const char *version)
{
    json_t *o = json_object();
    cleanup_free char *api = xasprintf("meta.k8s.io/%s", version);

    json_object_set_new(o, "kind", json_string("PartialObjectMetadata"));
    json_object_set_new(o, "apiVersion", json_string(api));
    json_object_set_new(o, "metadata", view_metadata(k, obj));
    return o;
}

static json_t *column_definitions(const struct column *v, size_t n)
{
    json_t *out = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *col = json_object();
        json_object_set_new(col, "name", json_string(v[i].name));
        json_object_set_new(col, "type", json_string(v[i].type));
        json_object_set_new(col, "format", json_string(v[i].format));
        json_object_set_new(col, "description", json_string(v[i].description));
        json_object_set_new(col, "priority", json_integer(v[i].priority));
        json_array_append_new(out, col);
    }
    return out;
}

static json_t *row_cells(struct call *c, const struct kind *k, const json_t *obj)
{
    struct instant now = world_now(c->s->world);
    json_t *cells = kind_custom(k) ? crd_cells(k, obj, now, c->arena) : cells_of(k, obj, now, c->arena);

    if (cells)
        return cells;
    cells = json_array();
    if (k->ops->cells) {
        k->ops->cells(c, k, obj, cells);
        return cells;
    }
    json_array_append_new(cells, json_string(obj_name(obj)));
    const char *created = obj_str(obj, "metadata.creationTimestamp");
    json_array_append_new(cells, json_string(*created ? created : "0001-01-01T00:00:00Z"));
    return cells;
}

enum include { INCLUDE_METADATA, INCLUDE_NONE, INCLUDE_OBJECT };

static int include_object(struct call *c, enum include *ret)
{
    static const char *const words[] = { "Metadata", "None", "Object" };
    const char *v = c->include_object ? c->include_object : query_get(&c->query, "includeObject");

    *ret = INCLUDE_METADATA;
    if (str_empty(v))
        return 0;
    for (int i = 0; i < 3; i++) {
        if (streq(words[i], v)) {
            *ret = i;
            return 0;
        }
    }
    cleanup_buf struct buf q = BUF_INIT;
    go_quote(&q, v, strlen(v));
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "Unable to convert to Table as requested: includeObject: Invalid value: "
                      "%s: must be 'Metadata', 'Object', 'None', or empty", q.data);
}

int table_check(struct call *c)
{
    enum include unused;

    return c->out.view == VIEW_TABLE ? include_object(c, &unused) : 0;
}

static json_t *table_meta(const json_t *list_meta, json_t *const *items, size_t n)
{
    static const char *const taken[] = { "resourceVersion", "continue", "remainingItemCount" };
    json_t *meta = json_object();

    if (!list_meta && n)
        list_meta = obj_metadata(items[0]);
    for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
        json_t *v = json_object_get(list_meta, taken[i]);
        if (v && !(json_is_string(v) && !json_string_length(v)))
            json_object_set(meta, taken[i], v);
    }
    return meta;
}

/* A pod that is over says so, for those who grey it out. */
static void add_row_conditions(const struct kind *k, const json_t *obj, json_t *row)
{
    static const struct { const char *phase, *message; } over[] = {
        { "Succeeded", "The pod has completed successfully." }, { "Failed", "The pod failed." },
    };

    for (size_t i = 0; !*k->res.group && streq(k->res.plural, "pods") && i < ARRAY_SIZE(over); i++)
        if (streq(obj_str(obj, "status.phase"), over[i].phase))
            json_object_set_new(row, "conditions",
                                json_pack("[{s:s, s:s, s:s, s:s}]", "type", "Completed", "status", "True", "reason",
                                          over[i].phase, "message", over[i].message));
}

int table_of(struct call *c, const struct kind *k, json_t *const *items, size_t n, const json_t *list_meta,
             bool with_columns, json_t **ret)
{
    enum include include;
    int r = include_object(c, &include);
    const struct column_set *set = column_set_of(k);
    const struct column *columns = set ? set->columns : k->columns ? k->columns : default_columns;
    size_t n_columns = set ? set->n : k->columns ? k->n_columns : ARRAY_SIZE(default_columns);

    if (kind_custom(k))
        columns = crd_columns(k, c->arena, &n_columns);

    if (r < 0)
        return r;
    json_t *table = json_object(), *rows = json_array();
    json_object_set_new(table, "kind", json_string("Table"));
    json_object_set_new(table, "apiVersion", json_string(arena_printf(c->arena, "meta.k8s.io/%s", c->out.view_version)));
    json_object_set_new(table, "metadata", table_meta(list_meta, items, n));
    json_object_set_new(table, "columnDefinitions", with_columns ? column_definitions(columns, n_columns)
                                                                   : json_null());
    for (size_t i = 0; i < n; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "cells", row_cells(c, k, items[i]));
        add_row_conditions(k, items[i], row);
        if (include == INCLUDE_NONE)
            json_object_set_new(row, "object", json_null());
        else
            json_object_set_new(row, "object", include == INCLUDE_OBJECT ? json_incref(items[i])
                                                                        : partial_of(k, items[i], c->out.view_version));
        json_array_append_new(rows, row);
    }
    /* A kind without columns of its own says null where there is no row; the others say []. */
    if (columns == default_columns && !n) {
        json_decref(rows);
        rows = json_null();
    }
    json_object_set_new(table, "rows", rows);
    *ret = table;
    return 0;
}
