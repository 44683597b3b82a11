#include "fakeapi/apiserver/builtin/rules.h"

#include <arpa/inet.h>

/* What a status of a pod may say (B-170). */

#define STATUS RULE_AT("status")

static void not_negative(struct fielderrs *e, const json_t *obj, const struct fpath *path)
{
    int64_t n = obj_int(obj, "observedGeneration", 0);

    if (n < 0)
        fielderr_invalid_int(e, FP_CHILD(path, "observedGeneration"), n, "must be a non-negative integer");
}

static void conditions(struct fielderrs *e, const json_t *list)
{
    static const char *const own[] = { "PodScheduled", "Ready", "Initialized", NULL };
    size_t i;
    json_t *c;

    json_array_foreach(list, i, c) {
        const struct fpath *at = FP_INDEX(FP_CHILD(STATUS, "conditions"), i);
        not_negative(e, c, at);
        if (!among(own, text(c, "type")))
            rule_name(e, FP_CHILD(at, "Type"), NAME_QUALIFIED, text(c, "type"));
    }
}

/* ---- what has ended stays so ------------------------------------------------------------------------- */

static const json_t *find(const json_t *list, const char *name)
{
    size_t i;
    json_t *c;

    json_array_foreach(list, i, c)
        if (streq(text(c, "name"), name))
            return c;
    return NULL;
}

enum container_class { REGULAR, INIT, EPHEMERAL };

static bool may_run_again(const json_t *spec, enum container_class class, const char *name, int64_t exit_code)
{
    const char *policy = text(spec, "restartPolicy");
    const json_t *c = find(json_object_get(spec, class == INIT ? "initContainers" : "containers"), name);

    if (class == EPHEMERAL)
        return false;
    if (class == REGULAR)
        return c && (streq(policy, "Always") || (streq(policy, "OnFailure") && exit_code != 0));
    return streq(policy, "Always") || (streq(policy, "OnFailure") && exit_code != 0) ||
           streq(text(c, "restartPolicy"), "Always");
}

static void transitions(struct fielderrs *e, const json_t *obj, const json_t *old, const char *name,
                        enum container_class class)
{
    const json_t *now = json_object_get(json_object_get(obj, "status"), name);
    size_t i;
    json_t *was;

    json_array_foreach(json_object_get(json_object_get(old, "status"), name), i, was) {
        const json_t *ended = json_path(was, "state.terminated"), *is = find(now, text(was, "name"));
        if (ended && is && !json_path(is, "state.terminated") &&
            !may_run_again(json_object_get(old, "spec"), class, text(was, "name"), obj_int(ended, "exitCode", 0)))
            fielderr_forbidden(e, FP_CHILD(FP_INDEX(FP_CHILD(STATUS, name), i), "state"),
                               "may not be transitioned to non-terminated state");
    }
}

/* ---- addresses ------------------------------------------------------------------------------------------ */

/* 4, 6, or 0 for what is no address. */
static int family(const char *ip)
{
    unsigned char raw[16];

    return inet_pton(AF_INET, ip, raw) == 1 ? 4 : inet_pton(AF_INET6, ip, raw) == 1 ? 6 : 0;
}

static bool had_address(const json_t *list, const char *ip)
{
    size_t i;
    json_t *x;

    json_array_foreach(list, i, x)
        if (streq(text(x, "ip"), ip))
            return true;
    return false;
}

static void addresses(struct fielderrs *e, const json_t *obj, const json_t *old, const char *name)
{
    const json_t *list = json_object_get(json_object_get(obj, "status"), name),
                 *before = json_object_get(json_object_get(old, "status"), name);
    const struct fpath *path = FP_CHILD(STATUS, name);
    int seen[2] = { 0 };
    const char *odd = NULL;
    size_t i;
    json_t *x;

    json_array_foreach(list, i, x) {
        const char *ip = text(x, "ip");
        int f = family(ip);
        if (!f && !had_address(before, ip))
            fielderr_invalid_str(e, FP_INDEX(path, i), ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
        if (!f && !odd)
            odd = arena_printf(e->arena, "invalid IP[%zu]: %s", i, ip);
        seen[0] += f == 4;
        seen[1] += f == 6;
    }
    if (json_array_size(list) > 1 && odd)
        fielderr_internal(e, path, "failed to check for dual stack with error:%s", odd);
    if (seen[0] > 1 || seen[1] > 1 || json_array_size(list) > 2 || (json_array_size(list) > 1 && odd)) {
        json_auto_t *shown = json_array();
        json_array_foreach(list, i, x)
            json_array_append_new(shown, internal_view("core.PodIP", x));
        fielderr_invalid(e, path, shown, "may specify no more than one IP for each IP family");
    }
}

static void claim_statuses(struct fielderrs *e, const json_t *obj)
{
    const json_t *list = json_path(obj, "status.resourceClaimStatuses"), *claims = json_path(obj, "spec.resourceClaims");
    size_t i;
    json_t *s;

    json_array_foreach(list, i, s) {
        const struct fpath *at = FP_CHILD(FP_INDEX(FP_CHILD(STATUS, "resourceClaimStatuses"), i), "name");
        if (!name_before(claims, json_array_size(claims), text(s, "name")))
            fielderr_invalid_str(e, at, text(s, "name"), "must match the name of an entry in `spec.resourceClaims`");
        if (name_before(list, i, text(s, "name")))
            fielderr_duplicate_str(e, at, text(s, "name"));
        if (member(s, "resourceClaimName"))
            rule_name(e, at, NAME_DNS1123_SUBDOMAIN, text(s, "resourceClaimName"));
    }
}

/* Whom a container runs as: numbers that can be users and groups, and none on Windows. */
static void users(struct fielderrs *e, const json_t *obj, const char *name)
{
    const char *system = obj_str(obj, "spec.os.name");
    size_t i, k;
    json_t *s, *group;

    json_array_foreach(json_object_get(json_object_get(obj, "status"), name), i, s) {
        const struct fpath *at = FP_CHILD(FP_CHILD(FP_INDEX(FP_CHILD(STATUS, name), i), "user"), "linux");
        const json_t *user = member(member(s, "user"), "linux");
        if (user && streq(system, "windows")) {
            fielderr_forbidden(e, at, "cannot be set for a windows pod");
            continue;
        }
        rule_range(e, user, at, "uid", 0, INT32_MAX);
        rule_range(e, user, at, "gid", 0, INT32_MAX);
        json_array_foreach(json_object_get(user, "supplementalGroups"), k, group)
            if (json_integer_value(group) < 0 || json_integer_value(group) > INT32_MAX)
                fielderr_invalid(e, FP_INDEX(FP_CHILD(at, "supplementalGroups"), k), group,
                                 "must be between 0 and 2147483647, inclusive");
    }
}

void pod_validate_status(struct fielderrs *e, const json_t *obj, const json_t *old)
{
    const char *nominated = obj_str(obj, "status.nominatedNodeName"), *ip = obj_str(obj, "status.hostIP");
    const json_t *hosts = json_path(obj, "status.hostIPs");

    conditions(e, json_path(obj, "status.conditions"));
    if (*nominated && !streq(nominated, obj_str(old, "status.nominatedNodeName")))
        rule_name(e, FP_CHILD(STATUS, "nominatedNodeName"), NAME_DNS1123_SUBDOMAIN, nominated);
    not_negative(e, json_object_get(obj, "status"), STATUS);
    rule_immutable_text(e, STATUS, json_object_get(obj, "status"), json_object_get(old, "status"), "qosClass");
    transitions(e, obj, old, "containerStatuses", REGULAR);
    transitions(e, obj, old, "initContainerStatuses", INIT);
    transitions(e, obj, old, "ephemeralContainerStatuses", EPHEMERAL);
    claim_statuses(e, obj);
    addresses(e, obj, old, "podIPs");
    if (json_array_size(hosts) && !streq(ip, text(json_array_get(hosts, 0), "ip")))
        fielderr_invalid_str(e, FP_CHILD(FP_INDEX(FP_CHILD(STATUS, "hostIPs"), 0), "ip"), text(json_array_get(hosts, 0), "ip"),
                             "must be equal to `hostIP`");
    addresses(e, obj, old, "hostIPs");
    users(e, obj, "containerStatuses");
    users(e, obj, "initContainerStatuses");
    users(e, obj, "ephemeralContainerStatuses");
}
