#include "kube/kcel/correlate.h"

#include "kube/object.h"

static const json_t *member_node(const json_t *node, const char *name)
{
    const json_t *values = json_object_get(node, "additionalProperties");
    const json_t *property = json_object_get(json_object_get(node, "properties"), name);

    if (property)
        return property;
    return json_is_object(values) ? values : NULL;
}

struct correlated correlate_member(struct correlated c, const char *name)
{
    struct correlated m = { .now = json_object_get(c.now, name), .was = json_object_get(c.was, name) };

    if (c.node && m.now && m.was)
        m.node = member_node(c.node, name);
    return m;
}

static bool is_keyed(const json_t *node)
{
    return streq(obj_str(node, "x-kubernetes-list-type"), "map");
}

struct correlated correlate_element(struct arena *a, struct correlated c, struct keyed_list *index, const json_t *element)
{
    const json_t *items = json_object_get(c.node, "items");
    struct correlated e = { .now = element };

    if (!c.node || !is_keyed(c.node) || !json_is_array(c.was) || !json_is_object(items))
        return e;
    index->keys = json_object_get(c.node, "x-kubernetes-list-map-keys");
    index->list = c.was;
    e.was = keyed_list_find(a, index, element);
    if (e.was)
        e.node = items;
    return e;
}

static bool same_lists(struct arena *a, struct correlated c)
{
    struct keyed_list index = { 0 };
    size_t i;
    json_t *v;

    if (json_array_size(c.now) != json_array_size(c.was))
        return false;
    if (!is_keyed(c.node))
        return json_same(c.now, c.was);
    json_array_foreach ((json_t *)c.now, i, v) {
        struct correlated e = correlate_element(a, c, &index, v);
        if (!e.node || !correlated_same(a, e))
            return false;
    }
    return true;
}

static bool same_objects(struct arena *a, struct correlated c)
{
    const char *key;
    json_t *v;

    if (json_object_size(c.now) != json_object_size(c.was))
        return false;
    json_object_foreach ((json_t *)c.now, key, v) {
        struct correlated m = correlate_member(c, key);
        if (!m.node || !correlated_same(a, m))
            return false;
    }
    return true;
}

/* No deeper than the schema. */
bool correlated_same(struct arena *a, struct correlated c)
{
    if (!c.node)
        return false;
    if (json_is_array(c.now) && json_is_array(c.was))
        return same_lists(a, c);
    if (json_is_object(c.now) && json_is_object(c.was))
        return same_objects(a, c);
    return json_same(c.now, c.was);
}
