/* What a pod asks of the system under it: names of hosts, its operating system, users of its own. */
#include "fakeapi/apiserver/builtin/net.h"

/* ---- names of hosts ------------------------------------------------------------------------------- */

static void address(struct fielderrs *e, const char *ip, const struct fpath *at)
{
    if (!net_family(ip))
        fielderr_invalid_str(e, at, ip, "%s", net_ip_words);
}

/* Labels that may begin with an underscore and have some within, joined by dots. */
static bool is_search(const char *s)
{
    static const char legal[] = "abcdefghijklmnopqrstuvwxyz0123456789", inner[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

    for (;; s++) {
        size_t n = strcspn(s, "."), from = *s == '_';
        if (n <= from || !strchr(legal, s[from]) || !strchr(legal, s[n - 1]) || strspn(s, inner) < n)
            return false;
        s += n;
        if (!*s)
            return true;
    }
}

static void searches(struct fielderrs *e, const json_t *list, const struct fpath *path)
{
    size_t i, total = 0;
    json_t *v;

    json_array_foreach(list, i, v)
        total += json_string_length(v) + (i > 0);
    if (json_array_size(list) > 32)
        fielderr_invalid(e, path, list, "must not have more than 32 search paths");
    if (total > 2048)
        fielderr_invalid(e, path, list, "must not have more than 2048 characters (including spaces) in the search list");
    json_array_foreach(list, i, v) {
        char *name = arena_strdup(e->arena, json_string_value(v));
        size_t n = strlen(name);
        if (streq(name, "."))
            continue;
        if (n && name[n - 1] == '.')
            name[n - 1] = '\0';
        if (strlen(name) > 253)
            fielderr_invalid_str(e, FP_INDEX(path, i), name, "must be no more than 253 characters");
        if (!is_search(name))
            fielderr_invalid_str(e, FP_INDEX(path, i), name, "a lowercase RFC 1123 subdomain must consist of lower case "
                                 "alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric "
                                 "character (e.g. 'example.com', regex used for validation is "
                                 "'_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')");
    }
}

static void dns_config(struct fielderrs *e, const json_t *config, const struct fpath *path)
{
    const json_t *servers = json_object_get(config, "nameservers");
    size_t i;
    json_t *v;

    if (json_array_size(servers) > 3)
        fielderr_invalid(e, FP_CHILD(path, "nameservers"), servers, "must not have more than 3 nameservers");
    json_array_foreach(servers, i, v)
        address(e, json_string_value(v), FP_INDEX(FP_CHILD(path, "nameservers"), i));
    searches(e, json_object_get(config, "searches"), FP_CHILD(path, "searches"));
    json_array_foreach(json_object_get(config, "options"), i, v)
        if (!*text(v, "name"))
            fielderr_required(e, FP_INDEX(FP_CHILD(path, "options"), i), "must not be empty");
}

void podspec_dns(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    const json_t *config = member(spec, "dnsConfig");
    bool none = streq(text(spec, "dnsPolicy"), "None");

    if (none && !config)
        fielderr_required(e, path, "must provide `dnsConfig` when `dnsPolicy` is None");
    else if (none && !json_array_size(json_object_get(config, "nameservers")))
        fielderr_required(e, FP_CHILD(path, "nameservers"),
                          "must provide at least one DNS nameserver when `dnsPolicy` is None");
    else if (config)
        dns_config(e, config, path);
}

void podspec_host_aliases(struct fielderrs *e, const json_t *list, const struct fpath *path)
{
    size_t i, k;
    json_t *alias, *name;

    json_array_foreach(list, i, alias) {
        const struct fpath *at = FP_INDEX(path, i);
        address(e, text(alias, "ip"), FP_CHILD(at, "ip"));
        json_array_foreach(json_object_get(alias, "hostnames"), k, name)
            rule_name(e, FP_INDEX(FP_CHILD(at, "hostnames"), k), NAME_DNS1123_SUBDOMAIN, json_string_value(name));
    }
}

static const char *const container_lists[] = { "initContainers", "containers", "ephemeralContainers" };

/* ---- users ----------------------------------------------------------------------------------------- */

void podspec_host_users(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const struct { const char *member, *told; } shared[] = {
        { "hostNetwork", "hostNetwork" }, { "hostPID", "HostPID" }, { "hostIPC", "HostIPC" },
    };
    size_t k;
    json_t *c;

    if (!json_is_false(json_object_get(spec, "hostUsers")))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
        if (json_is_true(json_object_get(spec, shared[i].member)))
            fielderr_forbidden(e, FP_CHILD(path, shared[i].told), "when `hostUsers` is false");
    for (size_t l = 0; l < ARRAY_SIZE(container_lists); l++)
        json_array_foreach(json_object_get(spec, container_lists[l]), k, c)
            if (json_array_size(json_object_get(c, "volumeDevices")))
                fielderr_forbidden(e, FP_CHILD(FP_INDEX(FP_CHILD(path, container_lists[l]), k), "volumeDevices"),
                                   "when `hostUsers` is false");
}

/* ---- the operating system --------------------------------------------------------------------------- */

static const struct refusal {
    const char *member;
    bool of_spec;                      /* beside the securityContext, not in it */
} windows_pod[] = {
    { "appArmorProfile", false }, { "seLinuxOptions", false },
    { "hostUsers", true }, { "hostPID", true }, { "hostIPC", true },
    { "seccompProfile", false }, { "fsGroup", false },
    { "fsGroupChangePolicy", false }, { "sysctls", false },
    { "shareProcessNamespace", true }, { "runAsUser", false },
    { "runAsGroup", false }, { "supplementalGroups", false },
    { "supplementalGroupsPolicy", false }, { "seLinuxChangePolicy", false },
};
static const char *const windows_container[] = {
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
};

/* false and the empty list are as good as nothing, of those that are no pointers */
static bool asked(const json_t *obj, const char *name)
{
    const json_t *v = member(obj, name);
    bool plain = streq(name, "hostPID") || streq(name, "hostIPC") || streq(name, "sysctls");

    return v && !(plain && (json_is_false(v) || (json_is_array(v) && !json_array_size(v))));
}

static void refuse(struct fielderrs *e, const json_t *sc, const char *const *names, size_t n, const char *words,
                   const struct fpath *path)
{
    for (size_t i = 0; i < n; i++)
        if (asked(sc, names[i]))
            fielderr_forbidden(e, FP_CHILD(path, names[i]), "%s", words);
}

static void in_containers(struct fielderrs *e, const json_t *spec, const char *const *names, size_t n, const char *words,
                          const struct fpath *path)
{
    size_t i;
    json_t *c;

    for (size_t l = 0; l < ARRAY_SIZE(container_lists); l++)
        json_array_foreach(json_object_get(spec, container_lists[l]), i, c)
            refuse(e, member(c, "securityContext"), names, n, words,
                   FP_CHILD(FP_INDEX(FP_CHILD(path, container_lists[l]), i), "securityContext"));
}

static void windows(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char words[] = "cannot be set for a windows pod";
    const json_t *sc = member(spec, "securityContext");

    for (size_t i = 0; i < ARRAY_SIZE(windows_pod); i++) {
        const struct refusal *r = &windows_pod[i];
        if (asked(r->of_spec ? spec : sc, r->member))
            fielderr_forbidden(e, FP_CHILD(r->of_spec ? path : FP_CHILD(path, "securityContext"), r->member), "%s", words);
    }
    in_containers(e, spec, windows_container, ARRAY_SIZE(windows_container), words, path);
}

void podspec_os(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const known[] = { "linux", "windows", NULL }, *const options[] = { "windowsOptions" };
    static const char words[] = "windows options cannot be set for a linux pod";
    const json_t *os = member(spec, "os");
    const char *name = text(os, "name");

    if (!os)
        return;
    if (!*name) {
        fielderr_required(e, FP_CHILD(FP_CHILD(path, "os"), "name"), "");
    } else if (streq(name, "windows")) {
        windows(e, spec, path);
    } else if (streq(name, "linux")) {
        refuse(e, member(spec, "securityContext"), options, 1, words, FP_CHILD(path, "securityContext"));
        in_containers(e, spec, options, 1, words, path);
    } else {
        fielderr_not_supported(e, FP_CHILD(path, "os"), member(os, "name"), known);
    }
}
