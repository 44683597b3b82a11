/* What is said of a container on Windows: whom it runs as, and whether it is a process of the host. */
#include "fakeapi/apiserver/builtin/podspec_priv.h"

/* ---- who it runs as ---------------------------------------------------------------------------------- */

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return true;
    return false;
}

/* Up to 15 characters with a few excluded, which does not begin with a dot. */
static bool is_netbios(const char *s, size_t len)
{
    size_t n = rune_count(s, len);

    return n >= 1 && n <= 15 && *s != '.' && strcspn(s, "/:*?\"<>|") >= len;
}

/* Labels of letters, digits and dashes within, joined by dots. */
static bool is_dns(const char *s, size_t len)
{
    static const char ends[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                      inner[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    const char *end = s + len;

    for (;; s++) {
        size_t n = strspn(s, inner);
        if (!n || n > 63 || !strchr(ends, s[0]) || !strchr(ends, s[n - 1]))
            return false;
        s += n;
        if (s == end)
            return true;
        if (*s != '.')
            return false;
    }
}

/* "DOMAIN\user", or the user alone. */
static void domain_and_user(struct fielderrs *e, const char *name, const struct fpath *at)
{
    const char *slash = strchr(name, '\\'), *user = slash ? slash + 1 : name;
    size_t domain = slash ? (size_t)(slash - name) : 0;

    if (domain >= 256)
        fielderr_invalid_named(e, at, name, "runAsUserName's Domain length must be under 256 characters");
    if (slash && !is_netbios(name, domain) && !is_dns(name, domain))
        fielderr_invalid_named(e, at, name, "runAsUserName's Domain doesn't match the NetBios nor the DNS format");
    if (!*user)
        fielderr_invalid_named(e, at, name, "runAsUserName's User cannot be empty");
    else if (strlen(user) > 104)
        fielderr_invalid_named(e, at, name, "runAsUserName's User length must not be longer than 104 characters");
    if (*user && !user[strspn(user, ". ")])
        fielderr_invalid_named(e, at, name, "runAsUserName's User cannot contain only periods or spaces");
    if (user[strcspn(user, "\"/\\:;|=,+*?<>@[]")])
        fielderr_invalid_named(e, at, name, "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
}

static void user_name(struct fielderrs *e, const char *name, const struct fpath *at)
{
    const char *slash = strchr(name, '\\');

    if (!*name)
        fielderr_invalid_named(e, at, name, "runAsUserName cannot be an empty string");
    else if (has_control(name))
        fielderr_invalid_named(e, at, name, "runAsUserName cannot contain control characters");
    else if (slash && strchr(slash + 1, '\\'))
        fielderr_invalid_named(e, at, name, "runAsUserName cannot contain more than one backslash");
    else
        domain_and_user(e, name, at);
}

void podspec_windows_options(struct fielderrs *e, const json_t *security, const struct fpath *path)
{
    const json_t *options = member(security, "windowsOptions");
    const struct fpath *in = FP_CHILD(path, "windowsOptions"), *at = FP_CHILD(in, "gmsaCredentialSpec");
    const char *spec = text(options, "gmsaCredentialSpec");
    struct name_problems p;

    name_check_str(NAME_DNS1123_SUBDOMAIN, text(options, "gmsaCredentialSpecName"), &p);
    for (size_t i = 0; member(options, "gmsaCredentialSpecName") && i < p.n; i++)
        fielderr_invalid_named(e, FP_CHILD(in, "gmsaCredentialSpecName"), text(options, "gmsaCredentialSpecName"), "%s", p.v[i]);
    if (member(options, "gmsaCredentialSpec") && !*spec)
        fielderr_invalid_named(e, at, spec, "gmsaCredentialSpec cannot be an empty string");
    else if (strlen(spec) > 64 * 1024)
        fielderr_invalid_named(e, at, spec, "gmsaCredentialSpec size must be under 64 KiB");
    if (member(options, "runAsUserName"))
        user_name(e, text(options, "runAsUserName"), FP_CHILD(in, "runAsUserName"));
}

/* ---- processes of the host ----------------------------------------------------------------------------- */

static const json_t *host_process(const json_t *security)
{
    return member(member(security, "windowsOptions"), "hostProcess");
}

/* All containers are such, or none is, and then they share the network of the host. */
void podspec_host_process(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };
    const json_t *of_pod = host_process(member(spec, "securityContext"));
    size_t all = 0, of_host = 0, i;
    json_t *c;

    for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
        json_array_foreach(json_object_get(spec, lists[l]), i, c) {
            const json_t *own = host_process(member(c, "securityContext"));
            all++;
            of_host += json_is_true(own ? own : of_pod);
            if (of_pod && own && json_is_true(of_pod) != json_is_true(own))
                fielderr_invalid(e, FP_CHILD(FP_CHILD(FP_CHILD(FP_INDEX(FP_CHILD(path, lists[l]), i), "securityContext"),
                                                      "windowsOptions"), "hostProcess"),
                                 own, "pod hostProcess value must be identical if both are specified, was %s",
                                 json_is_true(of_pod) ? "true" : "false");
        }
    if (!of_host)
        return;
    if (of_host != all)
        fielderr_invalid_str(e, path, "",
                             "If pod contains any hostProcess containers then all containers must be HostProcess containers");
    if (!json_is_true(json_object_get(spec, "hostNetwork"))) {
        json_auto_t *off = json_false();
        fielderr_invalid(e, FP_CHILD(path, "hostNetwork"), off,
                         "hostNetwork must be true if pod contains any hostProcess containers");
    }
}
