/* The admission plugins DefaultStorageClass and DefaultIngressClass (I-002): who names no class gets the default one. */
#include "fakeapi/apiserver/builtin/rules.h"

struct chosen {
    const char *const *marks;
    const json_t *best;
};

static bool is_default(const json_t *class, const char *const *marks)
{
    for (; *marks; marks++)
        if (obj_annotation(class, *marks) && streq(obj_annotation(class, *marks), "true"))
            return true;
    return false;
}

/* The newest; of those of one second, the first by name, in which order they come. */
static bool consider(void *arg, const struct record *r)
{
    struct chosen *c = arg;
    const json_t *class = value_tree(r->value);
    const char *made = obj_str(class, "metadata.creationTimestamp");

    if (is_default(class, c->marks) && (!c->best || strcmp(made, obj_str(c->best, "metadata.creationTimestamp")) > 0))
        c->best = class;
    return true;
}

/* `marks`: annotations that make a class the default, then NULL. */
static void give_default(struct call *c, json_t *obj, const char *prefix, const char *const *marks, const char *path)
{
    struct chosen chosen = { .marks = marks };

    store_range(c->s->store, prefix, NULL, 0, 0, consider, &chosen, NULL);
    if (chosen.best)
        obj_set(obj, path, json_string(obj_name(chosen.best)));
}

void default_storage_class(struct call *c, json_t *claim)
{
    static const char *const marks[] = { "storageclass.kubernetes.io/is-default-class",
                                         "storageclass.beta.kubernetes.io/is-default-class", NULL };

    if (!json_path(claim, "spec.storageClassName") &&
        !obj_annotation(claim, "volume.beta.kubernetes.io/storage-class"))
        give_default(c, claim, "/registry/storageclasses/", marks, "spec.storageClassName");
}

void default_ingress_class(struct call *c, json_t *ingress)
{
    static const char *const marks[] = { "ingressclass.kubernetes.io/is-default-class", NULL };

    if (!json_path(ingress, "spec.ingressClassName") &&
        !obj_annotation(ingress, "kubernetes.io/ingress.class"))
        give_default(c, ingress, "/registry/ingressclasses/", marks, "spec.ingressClassName");
}
