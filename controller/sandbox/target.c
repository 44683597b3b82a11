#include "controller/sandbox/target.h"

#include "controller/kinds.h"

#define IMPLICIT_TEMPLATE "default"
#define NAME_MAX_LEN 253

void target_release(struct target *t)
{
    json_decref(t->parameters);
    t->parameters = NULL;
}

/* ---- parameters ------------------------------------------------------------------------------ */

json_t *provider_parameters(const json_t *provider)
{
    static const struct {
        const char *key, *path;
    } fields[] = {
        { "gcs.bucket", "spec.gcs.bucket" },
        { "s3.bucket", "spec.s3.bucket" },
        { "s3.region", "spec.s3.region" },
    };
    json_t *out = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (*obj_str(provider, fields[i].path))
            json_object_set_new(out, fields[i].key, json_string(obj_str(provider, fields[i].path)));
    return out;
}

json_t *merge_parameters(const json_t *a, const json_t *b, const char **ret_key)
{
    json_t *out = json_object(), *value;
    const char *key;

    json_object_foreach ((json_t *)a, key, value)
        json_object_set(out, key, value);
    json_object_foreach ((json_t *)b, key, value) {
        const json_t *there = json_object_get(out, key);
        if (there && !json_same(there, value)) {
            *ret_key = key;
            json_decref(out);
            return NULL;
        }
        json_object_set(out, key, value);
    }
    return out;
}

/* A parameter that is the controller's own to set, or NULL (SNP-073). */
static const char *reserved_parameter(const json_t *parameters)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)parameters, key, value)
        if (str_starts(key, PARAMETER_RESERVED))
            return key;
    return NULL;
}

/* ---- which claim ----------------------------------------------------------------------------- */

const char *stamped_claim_name(struct arena *arena, const json_t *sandbox, const char *template_name)
{
    char hash[9];
    char *base = arena_printf(arena, "%s-%s", obj_name(sandbox), template_name);
    size_t len = strlen(base);

    hash8(arena_printf(arena, "%s/%s", obj_uid(sandbox), template_name), hash);
    if (len > NAME_MAX_LEN - 9) {
        len = NAME_MAX_LEN - 9;
        while (len && !strchr("abcdefghijklmnopqrstuvwxyz0123456789", base[len - 1]))
            len--;
        base[len] = 0;
    }
    return arena_printf(arena, "%s-%s", base, hash);
}

json_t *stamped_claim_build(struct arena *arena, const json_t *sandbox, const char *template_name,
                            const json_t *template_obj)
{
    json_t *claim = obj_new(SANDBOX_API_VERSION, "SnapshotClaim", obj_namespace(sandbox),
                            stamped_claim_name(arena, sandbox, template_name));
    const json_t *meta = json_path(template_obj, "spec.metadata");
    json_t *spec = json_clone(json_path(template_obj, "spec.spec"));
    const char *key;
    json_t *value;
    char hash[9];

    json_object_foreach (json_object_get(meta, "labels"), key, value)
        obj_set_label(claim, key, json_string_value(value));
    json_object_foreach (json_object_get(meta, "annotations"), key, value)
        obj_set_annotation(claim, key, json_string_value(value));
    hash8(obj_name(sandbox), hash);
    obj_set_label(claim, KEY_NAME_HASH, hash);
    obj_set_annotation(claim, KEY_CLAIM_TEMPLATE, template_name);
    obj_set_owner(claim, sandbox, true);
    json_object_set_new(claim, "spec", spec ? spec : json_object());
    return claim;
}

/* Newest first, then by name (SNP-023, SNP-070). */
static bool is_newer(const json_t *a, const json_t *b)
{
    struct instant ta = { 0 }, tb = { 0 };

    obj_time(a, "metadata.creationTimestamp", &ta);
    obj_time(b, "metadata.creationTimestamp", &tb);
    if (ta.ns != tb.ns)
        return ta.ns > tb.ns;
    return strcmp(obj_name(a), obj_name(b)) < 0;
}

static const char *namespace_default_claim(struct co *co, struct informer *claims, const char *namespace)
{
    json_auto_t *all = informer_list(co, claims, namespace);
    const json_t *best = NULL, *c;
    size_t i;

    json_array_foreach (all, i, c) {
        const char *mark = obj_annotation(c, KEY_DEFAULT_CLAIM);
        if (mark && streq(mark, "true") && (!best || is_newer(c, best)))
            best = c;
    }
    return best ? arena_strdup(co_arena(co), obj_name(best)) : NULL;
}

const char *target_claim_name(struct co *co, const struct target_sources *from, const json_t *sandbox,
                              bool implicit, const char **ret_template)
{
    const json_t *h = json_path(sandbox, "spec.suspensionStrategy.hibernate");
    const char *name;

    *ret_template = "";
    if (!streq(obj_str(sandbox, "spec.suspensionStrategy.type"), "Hibernate") ||
        json_object_get(h, "snapshotProviderRef"))
        return "";
    if (*obj_str(h, "snapshotClaimName"))
        return obj_str(h, "snapshotClaimName");
    if (*obj_str(h, "snapshotClaimTemplateName")) {
        *ret_template = obj_str(h, "snapshotClaimTemplateName");
        return stamped_claim_name(co_arena(co), sandbox, *ret_template);
    }
    name = namespace_default_claim(co, from->claims, obj_namespace(sandbox));
    if (name)
        return name;
    if (!implicit)
        return "";
    *ret_template = IMPLICIT_TEMPLATE;
    return stamped_claim_name(co_arena(co), sandbox, IMPLICIT_TEMPLATE);
}

/* ---- resolution ------------------------------------------------------------------------------ */

static void stamp(struct target *t, const json_t *obj)
{
    t->stamp = hash64_str(t->stamp, obj_uid(obj));
    t->stamp = hash64_str(t->stamp, obj_resource_version(obj));
}

static const char *resolve_provider(struct co *co, const struct target_sources *from,
                                    const json_t *sandbox, struct target *t)
{
    const char *name = obj_str(sandbox, "spec.suspensionStrategy.hibernate.snapshotProviderRef.name");
    json_auto_t *provider = informer_get(co, from->providers, NULL, name);

    stamp(t, provider);
    if (!provider)
        return co_printf(co, "SnapshotProvider %s does not exist", name);
    t->provider_name = co_printf(co, "%s", name);
    t->driver = co_printf(co, "%s", obj_str(provider, "spec.providerType"));
    t->parameters = provider_parameters(provider);
    return NULL;
}

static const char *claim_not_usable(struct co *co, const json_t *claim, const json_t *sandbox,
                                    const char *template_name)
{
    const json_t *bound = obj_condition(claim, "Bound");

    if (*template_name && !obj_controlled_by(claim, sandbox))
        return co_printf(co, "SnapshotClaim %s exists and is not this Sandbox's", obj_name(claim));
    if (!streq(obj_str(bound, "status"), "True"))
        return co_printf(co, "SnapshotClaim %s is not bound", obj_name(claim));
    if (obj_int(bound, "observedGeneration", 0) < obj_generation(claim))
        return co_printf(co, "SnapshotClaim %s has changed since it was bound", obj_name(claim));
    return NULL;
}

static const char *resolve_claim(struct co *co, const struct target_sources *from, const json_t *sandbox,
                                 struct target *t)
{
    const char *template_name, *why, *key;
    const char *name = target_claim_name(co, from, sandbox, true, &template_name);
    json_auto_t *claim = informer_get(co, from->claims, obj_namespace(sandbox), name), *class = NULL;

    stamp(t, claim);
    t->claim_name = co_printf(co, "%s", name);
    if (!claim)
        return co_printf(co, "SnapshotClaim %s does not exist", name);
    why = claim_not_usable(co, claim, sandbox, template_name);
    t->class_name = co_printf(co, "%s", obj_str(claim, "status.snapshotClassName"));
    class = informer_get(co, from->classes, NULL, t->class_name);
    stamp(t, class);
    if (why)
        return why;
    if (!class)
        return co_printf(co, "SnapshotClass %s does not exist", t->class_name);
    t->driver = co_printf(co, "%s", obj_str(class, "provisioner"));
    t->parameters = merge_parameters(json_object_get(class, "parameters"),
                                     json_path(claim, "spec.parameters"), &key);
    if (!t->parameters)
        return co_printf(co, "class and claim differ in parameter %s", key);
    return NULL;
}

void target_resolve(struct co *co, const struct target_sources *from, const json_t *sandbox,
                    struct target *ret)
{
    const json_t *h = json_path(sandbox, "spec.suspensionStrategy.hibernate");
    const char *reserved;
    unsigned capabilities = 0;

    *ret = (struct target){ .driver = "", .class_name = "", .provider_name = "", .claim_name = "",
                            .stamp = HASH64_INIT + registry_generation(from->registry) };
    if (json_object_get(h, "snapshotProviderRef"))
        ret->why = resolve_provider(co, from, sandbox, ret);
    else
        ret->why = resolve_claim(co, from, sandbox, ret);
    if (ret->why)
        return;
    reserved = reserved_parameter(ret->parameters);
    if (reserved)
        ret->why = co_printf(co, "parameter %s is reserved", reserved);
    else if (!registry_find(from->registry, ret->driver, &capabilities, &ret->why))
        ret->why = co_printf(co, "driver %s: %s", ret->driver, ret->why);
    else if (!(capabilities & DRIVER_CHECKPOINT_RESTORE))
        ret->why = co_printf(co, "driver %s does not checkpoint", ret->driver);
    ret->ready = !ret->why;
}
