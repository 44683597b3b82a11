#include "fakeapi/apiserver/admission/priority.h"

static bool lower_default(void *arg, const struct record *rec)
{
    const json_t **best = arg, *one = value_tree(rec->value);

    if (json_is_true(json_object_get(one, "globalDefault"))
        && (!*best || obj_int(one, "value", 0) < obj_int(*best, "value", 0)))
        *best = one;
    return true;
}

int priority_validate(struct call *c, const struct admission *a)
{
    const json_t *best = NULL;

    if (!a->object || a->sub || !streq(a->kind->res.plural, "priorityclasses") || kind_custom(a->kind)
        || (a->op != ADMIT_CREATE && a->op != ADMIT_UPDATE) || !json_is_true(json_object_get(a->object, "globalDefault")))
        return 0;
    store_range(c->s->store, a->kind->store_prefix, NULL, 0, 0, lower_default, &best, NULL);
    if (!best || (a->op == ADMIT_UPDATE && streq(obj_name(best), obj_name(a->object))))
        return 0;
    return admission_forbidden(c, a, arena_printf(c->arena, "PriorityClass %s is already marked as default. Only one default "
                                                  "can exist", obj_name(best)));
}
