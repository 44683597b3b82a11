#include "fakeapi/apiserver/admission/admission.h"
#include "fakeapi/apiserver/admission/limits.h"
#include "fakeapi/apiserver/admission/podsecurity.h"
#include "fakeapi/apiserver/admission/priority.h"
#include "fakeapi/apiserver/admission/quota.h"
#include "fakeapi/apiserver/admission/runtimeclass.h"

/* The order of the stages; each is a file of its own. */

const char *admission_op_text(enum admission_op op)
{
    static const char *const texts[] = { [ADMIT_CREATE] = "CREATE", [ADMIT_UPDATE] = "UPDATE", [ADMIT_DELETE] = "DELETE",
                                         [ADMIT_CONNECT] = "CONNECT" };

    return texts[op];
}

/* ---- what is asked -------------------------------------------------------------------------------- */

/* The options of the request, whatever they came as: a patch creates or updates (I-020). */
static const json_t *options_of(struct call *c, enum admission_op op)
{
    static const char *const validations[] = { [VALIDATION_WARN] = "Warn", [VALIDATION_IGNORE] = "Ignore",
                                               [VALIDATION_STRICT] = "Strict" };

    if (op != ADMIT_CREATE && op != ADMIT_UPDATE)
        return NULL;
    json_t *o = json_pack("{s:s, s:s}", "kind", op == ADMIT_CREATE ? "CreateOptions" : "UpdateOptions", "apiVersion",
                          "meta.k8s.io/v1");
    if (c->opt.dry_run)
        json_object_set_new(o, "dryRun", json_pack("[s]", "All"));
    if (*c->opt.field_manager)
        json_object_set_new(o, "fieldManager", json_string(c->opt.field_manager));
    if (query_get(&c->query, "fieldValidation"))
        json_object_set_new(o, "fieldValidation", json_string(validations[c->opt.field_validation]));
    json_decref(c->admission_options);
    return c->admission_options = o;
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

/* The server's own work asks nobody, and what nobody configured costs nothing. */
static bool configured(struct call *c, const struct admission *a)
{
    static const char *const kinds[] = { "mutatingwebhookconfigurations", "validatingwebhookconfigurations",
                                         "validatingadmissionpolicybindings" };

    if (c->internal || !c->co || !admission_configurable(a))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct kind *k = kinds_find(c->s->kinds, "admissionregistration.k8s.io", "v1", kinds[i]);
        if (store_count(c->s->store, k->store_prefix))
            return true;
    }
    return false;
}

/* ---- who may change it ---------------------------------------------------------------------------- */

/* In the real server's order: the namespace's life, its limits, then what the kind itself wants. */
static int built_in(struct call *c, struct admission *a)
{
    int r = 0;

    if (a->op != ADMIT_CREATE && a->op != ADMIT_UPDATE)
        return 0;
    if (!a->old && (r = admit_namespace(c, a->kind, a->namespace, a->object)) < 0)
        return r;
    limits_mutate(c, a);
    if (a->kind->ops->admit && (r = a->kind->ops->admit(c, a->sub, json_own(&a->object), a->old)) < 0)
        return r;
    return runtimeclass_mutate(c, a);
}

static int mutate_twice(struct call *c, struct admission *a)
{
    struct webhook_round *round = webhook_round_new();
    bool changed = false, unused;
    int r = webhooks_mutate(c, a, round, false, &changed);

    if (r == 0 && changed && (r = built_in(c, a)) == 0)
        r = webhooks_mutate(c, a, round, true, &unused);
    webhook_round_free(round);
    return r;
}

/* What a webhook made of managedFields must be some; else they are as they were (I-033). */
static void check_managed(struct call *c, struct admission *a, json_t *before)
{
    const char *why = managed_problem(c, json_object_get(obj_metadata(a->object), "managedFields"));

    if (!why)
        return;
    obj_set_meta(json_own(&a->object), "managedFields", json_incref(before));
    call_warn(c, ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated "
              "mutating admission controller; please fix your requests: %s", why);
}

static int ask_to_mutate(struct call *c, struct admission *a)
{
    if (!a->options)
        a->options = options_of(c, a->op);
    json_auto_t *before = json_incref(a->object);
    int r = mutate_twice(c, a);
    if (r < 0 || !a->object || a->object == before)
        return r;
    check_managed(c, a, json_object_get(obj_metadata(before), "managedFields"));
    meta_dedup_owners(c, json_own(&a->object), " after mutating admission happens");
    return meta_check_namespace(c, a->kind, a->object);
}

int admission_mutate(struct call *c, struct admission *a)
{
    int r = built_in(c, a);

    if (r < 0 || (a->sub && a->sub->view) || !configured(c, a))
        return r;
    return ask_to_mutate(c, a);
}

int admission_mutate_view(struct call *c, const struct kind *k, const struct view_ops *view, const json_t *old,
                          json_t **body)
{
    json_auto_t *shown = NULL;
    struct admission a;
    int r;

    admission_init(c, ADMIT_UPDATE, k, c->route.sub, &a);
    if (!configured(c, &a))
        return 0;
    if ((r = managed_view_show(c, k, view, old, &shown)) < 0)
        return r;
    a.old = shown;
    a.object = STEAL(*body);
    r = ask_to_mutate(c, &a);
    *body = a.object;
    return r;
}

static int ask_to_validate(struct call *c, const struct admission *a)
{
    const struct view_ops *view = a->sub ? a->sub->view : NULL;
    struct admission told = *a;
    json_auto_t *object = NULL, *old = NULL;
    int r;

    if (!configured(c, a))
        return 0;
    if (!told.options)
        told.options = options_of(c, a->op);
    if (!*told.name && a->op == ADMIT_CREATE)
        told.name = obj_name(a->object);
    if (view) {
        if ((r = view->show(c, a->kind, a->object, &object)) < 0 || (r = view->show(c, a->kind, a->old, &old)) < 0)
            return r;
        told.object = object;
        told.old = old;
    }
    r = policies_validate(c, &told);
    return r == 0 ? webhooks_validate(c, &told) : r;
}

int admission_validate(struct call *c, const struct admission *a)
{
    int r = limits_validate(c, a);

    if (r == 0)
        r = podsecurity_admit(c, a);
    if (r == 0)
        r = priority_validate(c, a);
    if (r == 0)
        r = runtimeclass_validate(c, a);
    if (r == 0)
        r = ask_to_validate(c, a);
    return r == 0 ? quota_admit(c, a) : r;
}

/* ---- deeds and connections ------------------------------------------------------------------------ */

int admission_begin(struct call *c, const struct kind *body, struct admission *a, json_t **obj)
{
    admission_init(c, ADMIT_CREATE, c->route.kind, c->route.sub, a);
    a->body = body;
    if (!*a->name)
        a->name = arena_strdup(c->arena, obj_name(*obj));
    if (!configured(c, a))
        return 0;
    a->options = options_of(c, a->op);
    a->object = STEAL(*obj);
    int r = mutate_twice(c, a);
    *obj = a->object;
    return r;
}

int admission_end(struct call *c, struct admission *a, json_t *obj)
{
    a->object = obj;
    return admission_validate(c, a);
}

int admission_connect(struct call *c, const struct kind *body, json_t *options)
{
    struct admission a;

    admission_init(c, ADMIT_CONNECT, c->route.kind, c->route.sub, &a);
    a.body = body;
    a.object = options;
    int r = configured(c, &a) ? mutate_twice(c, &a) : 0;
    if (r == 0)
        r = admission_validate(c, &a);
    json_decref(a.object);
    return r;
}
