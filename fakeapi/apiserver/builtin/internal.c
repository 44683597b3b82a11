#include "fakeapi/apiserver/builtin/internal.h"

#include "kube/json.h"

/* Types hardly contain themselves; what does is cut here. */
enum { DEPTH_MAX = 40 };

static json_t *struct_view(const struct internal_type *t, const json_t *v, unsigned depth);

static json_t *item_view(const struct internal_field *f, const json_t *v, unsigned depth)
{
    return f->type && json_is_object(v) ? struct_view(f->type, v, depth) : json_incref((json_t *)v);
}

static json_t *present_view(const struct internal_field *f, const json_t *v, unsigned depth)
{
    const char *key;
    json_t *out, *x;
    size_t i;

    if (f->items == INTERNAL_LIST && json_is_array(v)) {
        out = json_array();
        json_array_foreach(v, i, x)
            json_array_append_new(out, item_view(f, x, depth));
        return out;
    }
    if (f->items == INTERNAL_MAP && json_is_object(v)) {
        out = json_object();
        json_object_foreach((json_t *)v, key, x)
            json_object_set_new_nocheck(out, key, item_view(f, x, depth));
        return out;
    }
    return item_view(f, v, depth);
}

static json_t *absent_view(const struct internal_field *f, unsigned depth)
{
    switch (f->shape) {
    case INTERNAL_STRING: return json_string("");
    case INTERNAL_INT: return json_integer(0);
    case INTERNAL_BOOL: return json_false();
    case INTERNAL_QUANTITY: return json_string("0");
    case INTERNAL_STRUCT: return struct_view(f->type, NULL, depth);
    default: return json_null();
    }
}

static void add_members(json_t *out, const struct internal_type *t, const json_t *v, unsigned depth)
{
    const char *key;
    json_t *x;

    for (size_t i = 0; i < t->n && depth < DEPTH_MAX; i++) {
        const struct internal_field *f = &t->fields[i];
        if (f->shape == INTERNAL_INLINE) {
            add_members(out, f->type, v, depth);
            continue;
        }
        if (f->shape == INTERNAL_METADATA) {
            json_object_foreach(json_object_get(v, f->json), key, x)
                if (!json_is_object(x) || json_object_size(x))
                    json_object_set_nocheck(out, key, x);
            continue;
        }
        x = *f->json ? json_object_get(v, f->json) : json_object_get(v, f->name);
        bool said = x && !json_is_null(x);
        json_object_set_new(out, f->name, said ? present_view(f, x, depth + 1) : absent_view(f, depth + 1));
    }
}

/* What the API says of the pod, the server keeps in its security context. */
static json_t *with_host_members(const json_t *spec)
{
    static const char *const moved[][2] = {
        { "hostNetwork", "HostNetwork" }, { "hostPID", "HostPID" }, { "hostIPC", "HostIPC" },
        { "shareProcessNamespace", "ShareProcessNamespace" }, { "hostUsers", "HostUsers" },
    };
    json_t *context = json_copy(json_object_get(spec, "securityContext")), *out = json_copy((json_t *)spec);

    for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
        json_t *v = json_object_get(spec, moved[i][0]);
        if (!v)
            continue;
        if (!context)
            context = json_object();
        json_object_set(context, moved[i][1], v);
    }
    if (context)
        json_object_set_new(out, "securityContext", context);
    return out;
}

static json_t *struct_view(const struct internal_type *t, const json_t *v, unsigned depth)
{
    json_auto_t *pod = v && streq(t->name, "core.PodSpec") ? with_host_members(v) : NULL;
    json_t *out = json_object();

    add_members(out, t, pod ? pod : v, depth);
    return out;
}

json_t *internal_view(const char *name, const json_t *v)
{
    for (size_t i = 0; v && !json_is_null(v) && internal_types[i]; i++)
        if (streq(internal_types[i]->name, name))
            return struct_view(internal_types[i], v, 0);
    return v ? json_incref((json_t *)v) : json_null();
}
