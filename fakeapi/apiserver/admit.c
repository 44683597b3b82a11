#include "fakeapi/apiserver/server.h"

#include "kube/names.h"

/* Nothing new in a namespace that is not there, or is on its way out (B.8). */

static int terminating(struct call *c, const struct kind *k, const char *namespace, const json_t *obj)
{
    const char *name = *obj_name(obj) ? obj_name(obj) : *obj_generate_name(obj) ? obj_generate_name(obj) : "Unknown";

    int r = apierr_set(&c->err, APIERR_FORBIDDEN,
                       "%s \"%s\" is forbidden: unable to create new content in namespace %s because it is being "
                       "terminated", kind_group_resource(c->arena, k), name, namespace);

    c->err.name = arena_strdup(c->arena, name);
    c->err.group = k->res.group;
    c->err.kind = k->res.plural;
    apierr_cause(&c->err, "NamespaceTerminating", "metadata.namespace", "namespace %s is being terminated", namespace);
    return r;
}

/* The real server's own client refuses to ask for such a namespace. */
static int unaskable(struct call *c, const char *namespace, const char *why)
{
    const char *text = arena_printf(c->arena, "invalid resource name \"%s\": [%s]", namespace, why);
    int r = apierr_set(&c->err, APIERR_INTERNAL_ERROR, "Internal error occurred: %s", text);

    apierr_cause(&c->err, "", NULL, "%s", text);
    return r;
}

int admit_namespace(struct call *c, const struct kind *k, const char *namespace, const json_t *obj)
{
    const struct kind *ns = kinds_find(c->s->kinds, "", "v1", "namespaces");
    struct name_problems problems;
    struct record rec;

    if (!k->res.namespaced || (k->flags & KIND_REVIEW) || c->route.needs_namespace)
        return 0;
    if (!name_check_str(NAME_PATH_SEGMENT, namespace, &problems))
        return unaskable(c, namespace, problems.v[0]);
    int r = get_record(c, ns, "", namespace, &rec);
    if (r < 0)
        return r;
    if (streq(obj_str(value_tree(rec.value), "status.phase"), "Terminating"))
        return terminating(c, k, namespace, obj);
    return 0;
}
