#include "kube/kcel/libs.h"

struct cel_env *kcel_env_new(void)
{
    static const struct { const struct cel_type *type; bool public; } types[] = {
        { &kcel_type_ip, true }, { &kcel_type_cidr, true }, { &kcel_type_url, false }, { &kcel_type_quantity, false },
        { &kcel_type_format, false }, { &kcel_type_semver, false }, { &kcel_type_authorizer, false },
        { &kcel_type_path_check, false }, { &kcel_type_group_check, false }, { &kcel_type_resource_check, false },
        { &kcel_type_decision, false },
    };
    static const struct kcel_lib *const libs[] = {
        &kcel_lists, &kcel_regex, &kcel_urls, &kcel_ips, &kcel_quantities, &kcel_formats, &kcel_semvers,
        &kcel_authorizers,
    };
    struct cel_env *env = cel_env_new(CEL_KUBERNETES);

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        cel_env_add_type(env, types[i].type, types[i].public);
    for (size_t i = 0; i < ARRAY_SIZE(libs); i++)
        cel_env_add_functions(env, libs[i]->v, libs[i]->n);
    cel_env_set_actual_costs(env, kcel_actual_cost);
    return env;
}

const struct cel_opaque *kcel_opaque_of(struct cel_value v, const struct cel_opaque_ops *ops)
{
    return v.kind == CEL_OPAQUE && v.opaque->ops == ops ? v.opaque : NULL;
}
