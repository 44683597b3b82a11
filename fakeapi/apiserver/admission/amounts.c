#include "fakeapi/apiserver/admission/amounts.h"

#include "kube/json.h"
#include "kube/object.h"

struct amount *amounts_find(const amounts_t *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (streq(list->v[i].name, name))
            return &list->v[i];
    return NULL;
}

void amounts_add(struct arena *a, amounts_t *list, const char *name, const struct quantity *q)
{
    struct amount *have = amounts_find(list, name);

    if (have)
        have->q = quantity_add(a, &have->q, q);
    else
        *dyn_push(list) = (struct amount){ name, *q };
}

bool amounts_parse(struct arena *a, const json_t *v, struct quantity *ret)
{
    return v && quantity_parse_json(a, v, ret, NULL) == 0;
}

void amounts_add_map(struct arena *a, amounts_t *list, const json_t *map)
{
    const char *name;
    struct quantity q;
    json_t *v;

    json_object_foreach((json_t *)map, name, v)
        if (amounts_parse(a, v, &q))
            amounts_add(a, list, name, &q);
}

static void raise_to(amounts_t *list, const amounts_t *other)
{
    for (size_t i = 0; i < other->n; i++) {
        struct amount *have = amounts_find(list, other->v[i].name);
        if (!have)
            *dyn_push(list) = other->v[i];
        else if (quantity_compare(&other->v[i].q, &have->q) > 0)
            have->q = other->v[i].q;
    }
}

static const json_t *part_of(const json_t *container, const char *part)
{
    return json_object_get(json_object_get(container, "resources"), part);
}

/* Init containers run one after another, beside those before them that stay. */
static void add_first(struct arena *a, const json_t *list, const char *part, amounts_t *ret)
{
    amounts_t staying = { 0 }, peak = { 0 };
    size_t i;
    json_t *c;

    json_array_foreach((json_t *)list, i, c) {
        amounts_t now = { 0 };
        bool stays = streq(obj_str(c, "restartPolicy"), "Always");
        if (stays)
            amounts_add_map(a, ret, part_of(c, part));
        amounts_add_map(a, stays ? &staying : &now, part_of(c, part));
        for (size_t k = 0; k < staying.n; k++)
            amounts_add(a, &now, staying.v[k].name, &staying.v[k].q);
        raise_to(&peak, &now);
        dyn_release(&now);
    }
    raise_to(ret, &peak);
    dyn_release(&staying);
    dyn_release(&peak);
}

void amounts_pod(struct arena *a, const json_t *spec, const char *part, bool (*whole)(const char *name), amounts_t *ret)
{
    const char *name;
    struct quantity q;
    size_t i;
    json_t *v;

    json_array_foreach(json_object_get(spec, "containers"), i, v)
        amounts_add_map(a, ret, part_of(v, part));
    add_first(a, json_object_get(spec, "initContainers"), part, ret);
    json_object_foreach((json_t *)part_of(spec, part), name, v) {
        struct amount *have = amounts_find(ret, name);
        if (!whole(name) || !amounts_parse(a, v, &q))
            continue;
        if (have)
            have->q = q;
        else
            *dyn_push(ret) = (struct amount){ name, q };
    }
}
