#include "fakeapi/apiserver/server.h"

/* Built-in admission, in the real server's order: the namespace's life first (B.8), then what the kind
 * itself wants. */

static int terminating(struct call *c, const struct kind *k, const char *namespace, const char *name)
{
    int r = apierr_set(&c->err, APIERR_FORBIDDEN,
                       "%s \"%s\" is forbidden: unable to create new content in namespace %s because it is being "
                       "terminated", kind_group_resource(c->arena, k), name, namespace);

    c->err.name = arena_strdup(c->arena, name);
    c->err.group = k->res.group;
    c->err.kind = k->res.plural;
    apierr_cause(&c->err, "NamespaceTerminating", "metadata.namespace", "namespace %s is being terminated", namespace);
    return r;
}

static int check_namespace(struct call *c, const struct kind *k, const char *namespace, const json_t *obj)
{
    const struct kind *ns = kinds_find(c->s->kinds, "", "v1", "namespaces");
    struct record rec;

    if (!k->res.namespaced || (k->flags & KIND_REVIEW))
        return 0;
    int r = get_record(c, ns, "", namespace, &rec);
    if (r < 0)
        return r;
    if (streq(obj_str(value_tree(rec.value), "status.phase"), "Terminating"))
        return terminating(c, k, namespace, obj_name(obj));
    return 0;
}

int admit_object(struct call *c, const struct kind *k, const struct subresource *sub, const char *namespace,
                 json_t *obj, const json_t *old)
{
    if (!old) {
        int r = check_namespace(c, k, namespace, obj);
        if (r < 0)
            return r;
    }
    return k->ops->admit ? k->ops->admit(c, sub, obj, old) : 0;
}
