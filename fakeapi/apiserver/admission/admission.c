#include "fakeapi/apiserver/admission/admission.h"

/* The order of the stages; each is a file of its own. */

const char *admission_op_text(enum admission_op op)
{
    static const char *const texts[] = { [ADMIT_CREATE] = "CREATE", [ADMIT_UPDATE] = "UPDATE", [ADMIT_DELETE] = "DELETE",
                                         [ADMIT_CONNECT] = "CONNECT" };

    return texts[op];
}

void admission_init(struct call *c, enum admission_op op, const struct kind *k, const struct subresource *sub,
                    struct admission *ret)
{
    bool itself = !*k->res.group && streq(k->res.plural, "namespaces");

    *ret = (struct admission){
        .op = op, .kind = k, .sub = sub, .body = sub && sub->view ? sub->view->body : k,
        .namespace_itself = itself, .namespace = itself ? c->route.name : c->route.namespace, .name = c->route.name,
    };
}

/* What the configuration of admission is made of is out of its own reach. */
bool admission_configurable(const struct admission *a)
{
    static const char *const exempt[] = {
        "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"
    };

    if (!streq(a->body->res.group, "admissionregistration.k8s.io"))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(exempt); i++)
        if (streq(a->body->res.kind, exempt[i]))
            return false;
    return true;
}

int admission_mutate(struct call *c, struct admission *a)
{
    if (a->op == ADMIT_CREATE || a->op == ADMIT_UPDATE)
        return admit_object(c, a->kind, a->sub, a->namespace, a->object, a->old);
    return 0;
}

int admission_validate(struct call *c, const struct admission *a)
{
    (void)c, (void)a;
    return 0;
}
