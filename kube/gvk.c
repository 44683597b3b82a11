#include "kube/gvk.h"

#include <stdio.h>

const char *resource_api_version(const struct resource *rs, char ret[API_VERSION_MAX])
{
    if (str_empty(rs->group))
        snprintf(ret, API_VERSION_MAX, "%s", rs->version);
    else
        snprintf(ret, API_VERSION_MAX, "%s/%s", rs->group, rs->version);
    return ret;
}

bool api_version_split(const char *api_version, char group[256], char version[64])
{
    const char *slash = strchr(api_version, '/');
    const char *v = slash ? slash + 1 : api_version;
    size_t group_len = slash ? (size_t)(slash - api_version) : 0;

    if (strchr(v, '/') || group_len >= 256 || strlen(v) >= 64)
        return false;
    memcpy(group, api_version, group_len);
    group[group_len] = 0;
    strcpy(version, v);
    return true;
}

/* One path segment: what RFC 3986 leaves unreserved stays, and the sub-delimiters clients leave alone. */
static void add_segment(struct arena *arena, char **out, const char *text)
{
    static const char kept[] = "-._~$&+:=@";
    size_t len = strlen(text);
    char *s = arena_alloc(arena, strlen(*out) + 3 * len + 2);
    char *at = s + sprintf(s, "%s/", *out);

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr(kept, c))
            *at++ = (char)c;
        else
            at += sprintf(at, "%%%02X", c);
    }
    *at = 0;
    *out = s;
}

const char *resource_path(struct arena *arena, const struct resource *rs, const char *namespace,
                          const char *name, const char *subresource)
{
    char *path = str_empty(rs->group) ? arena_printf(arena, "/api/%s", rs->version)
                                      : arena_printf(arena, "/apis/%s/%s", rs->group, rs->version);

    if (rs->namespaced && !str_empty(namespace)) {
        add_segment(arena, &path, "namespaces");
        add_segment(arena, &path, namespace);
    }
    add_segment(arena, &path, rs->plural);
    if (!str_empty(name))
        add_segment(arena, &path, name);
    if (!str_empty(subresource))                 /* may hold a slash of its own: pods/proxy/path */
        path = arena_printf(arena, "%s/%s", path, subresource);
    return path;
}

const char *group_resource(struct arena *arena, const char *group, const char *resource)
{
    return str_empty(group) ? arena_strdup(arena, resource)
                            : arena_printf(arena, "%s.%s", resource, group);
}
