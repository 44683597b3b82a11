#include "fakeapi/apiserver/admission/admission.h"

/* "pods \"a\" is forbidden: why", as every plugin says no. A name that is still to be made up is shown as its base. */
int admission_forbidden(struct call *c, const struct admission *a, const char *why)
{
    const char *name = *a->name ? a->name : obj_name(a->object);

    if (!*name)
        name = *obj_generate_name(a->object) ? obj_generate_name(a->object) : "Unknown";
    int r = apierr_set(&c->err, APIERR_FORBIDDEN, "%s \"%s\" is forbidden: %s", kind_group_resource(c->arena, a->kind), name,
                       why);
    c->err.has_details = true;
    c->err.name = arena_strdup(c->arena, name);
    c->err.group = a->kind->res.group;
    c->err.kind = a->kind->res.plural;
    return r;
}
