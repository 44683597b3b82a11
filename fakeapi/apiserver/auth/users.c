#include "fakeapi/apiserver/auth/auth.h"

#define ACCOUNT_PREFIX "system:serviceaccount:"

bool user_in_group(const struct api_user *u, const char *group)
{
    for (size_t i = 0; i < u->n_groups; i++)
        if (streq(u->groups[i], group))
            return true;
    return false;
}

const char *account_user_name(struct arena *a, const char *namespace, const char *name)
{
    return arena_printf(a, ACCOUNT_PREFIX "%s:%s", namespace, name);
}

bool account_of_user_name(struct arena *a, const char *user, const char **ret_namespace, const char **ret_name)
{
    const char *rest, *colon;

    if (!str_starts(user, ACCOUNT_PREFIX))
        return false;
    rest = user + strlen(ACCOUNT_PREFIX);
    colon = strchr(rest, ':');
    if (!colon || strchr(colon + 1, ':'))
        return false;
    *ret_namespace = arena_strndup(a, rest, (size_t)(colon - rest));
    *ret_name = colon + 1;
    return name_check_str(NAME_DNS1123_LABEL, *ret_namespace, NULL) &&
           name_check_str(NAME_DNS1123_SUBDOMAIN, *ret_name, NULL);
}

void account_groups(struct arena *a, const char *namespace, struct api_user *ret)
{
    const char **groups = arena_alloc(a, 2 * sizeof(*groups));

    groups[0] = "system:serviceaccounts";
    groups[1] = arena_printf(a, "system:serviceaccounts:%s", namespace);
    ret->groups = groups;
    ret->n_groups = 2;
}

void add_authenticated(struct call *c, struct api_user *u)
{
    const char **groups = arena_alloc(c->arena, (u->n_groups + 1) * sizeof(*groups));

    if (streq(u->name, "system:anonymous") || user_in_group(u, "system:authenticated") ||
        user_in_group(u, "system:unauthenticated"))
        return;
    for (size_t i = 0; i < u->n_groups; i++)
        groups[i] = u->groups[i];
    groups[u->n_groups++] = "system:authenticated";
    u->groups = groups;
}

json_t *user_info(const struct api_user *u)
{
    json_t *info = json_object(), *groups = json_array();

    if (*u->name)
        json_object_set_new(info, "username", json_string_nocheck(u->name));
    if (!str_empty(u->uid))
        json_object_set_new(info, "uid", json_string_nocheck(u->uid));
    for (size_t i = 0; i < u->n_groups; i++)
        json_array_append_new(groups, json_string_nocheck(u->groups[i]));
    if (u->n_groups)
        json_object_set(info, "groups", groups);
    json_decref(groups);
    if (u->extra && json_object_size(u->extra))
        json_object_set(info, "extra", u->extra);
    return info;
}
