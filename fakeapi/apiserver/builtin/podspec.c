#include "fakeapi/apiserver/builtin/podspec_priv.h"
#include "fakeapi/apiserver/builtin/rules.h"

#include <ctype.h>
#include <inttypes.h>

#include "kube/selector.h"

/* ---- small tools ------------------------------------------------------------------------------- */

void rule_name(struct fielderrs *e, const struct fpath *path, unsigned rule, const char *value)
{
    struct name_problems p;

    name_check_str(rule, value, &p);
    for (size_t i = 0; i < p.n; i++)
        fielderr_invalid_str(e, path, value, "%s", p.v[i]);
}

void rule_labels(struct fielderrs *e, const json_t *labels, const struct fpath *path)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)labels, key, v) {
        struct name_problems p;
        rule_name(e, path, NAME_QUALIFIED, key);
        name_check_json(NAME_LABEL_VALUE, v, &p);
        for (size_t i = 0; i < p.n; i++)
            fielderr_invalid(e, path, v, "%s", p.v[i]);
    }
}

void rule_not_negative(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name)
{
    const json_t *v = member(obj, name);

    if (v && json_integer_value(v) < 0)
        fielderr_invalid(e, FP_CHILD(path, name), v, "must be greater than or equal to 0");
}

bool among(const char *const *list, const char *value)
{
    for (; *list; list++)
        if (streq(*list, value))
            return true;
    return false;
}

void rule_one_of(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name,
                     const char *const *allowed)
{
    const json_t *v = member(obj, name);

    if (v && !among(allowed, text(obj, name)))
        fielderr_not_supported_named(e, FP_CHILD(path, name), text(obj, name), allowed);
}

void rule_range(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name,
                           int64_t low, int64_t high)
{
    const json_t *v = member(obj, name);

    if (v && (json_integer_value(v) < low || json_integer_value(v) > high))
        fielderr_invalid(e, FP_CHILD(path, name), v, "must be between %" PRId64 " and %" PRId64 ", inclusive",
                         low, high);
}

bool name_before(const json_t *list, size_t i, const char *name)
{
    for (size_t k = 0; k < i; k++)
        if (streq(text(json_array_get(list, k), "name"), name))
            return true;
    return false;
}

/* ---- node selectors ------------------------------------------------------------------------------ */

static void node_requirement(struct fielderrs *e, const json_t *r, const struct fpath *path)
{
    const char *op = text(r, "operator");
    size_t n = json_array_size(json_object_get(r, "values"));

    if (streq(op, "In") || streq(op, "NotIn")) {
        if (n == 0)
            fielderr_required(e, FP_CHILD(path, "values"), "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (streq(op, "Exists") || streq(op, "DoesNotExist")) {
        if (n > 0)
            fielderr_forbidden(e, FP_CHILD(path, "values"),
                               "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else if (streq(op, "Gt") || streq(op, "Lt")) {
        if (n != 1)
            fielderr_required(e, FP_CHILD(path, "values"),
                              "must be specified single value when `operator` is 'Lt' or 'Gt'");
    } else {
        fielderr_invalid_str(e, FP_CHILD(path, "operator"), op, "not a valid selector operator");
    }
    rule_name(e, FP_CHILD(path, "key"), NAME_QUALIFIED, text(r, "key"));
}

static void node_field(struct fielderrs *e, const json_t *r, const struct fpath *path)
{
    const json_t *values = json_object_get(r, "values");
    const char *op = text(r, "operator");
    size_t i;
    json_t *v;

    if (!streq(op, "In") && !streq(op, "NotIn"))
        fielderr_invalid_str(e, FP_CHILD(path, "operator"), op, "not a valid selector operator");
    else if (json_array_size(values) != 1)
        fielderr_required(e, FP_CHILD(path, "values"),
                          "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
    if (!streq(text(r, "key"), "metadata.name")) {
        fielderr_invalid_str(e, FP_CHILD(path, "key"), text(r, "key"), "not a valid field selector key");
        return;
    }
    json_array_foreach(values, i, v)
        rule_name(e, FP_INDEX(FP_CHILD(path, "values"), i), NAME_DNS1123_SUBDOMAIN, json_string_value(v));
}

static void node_term(struct fielderrs *e, const json_t *term, const struct fpath *path, bool required)
{
    size_t i, k;
    json_t *r, *v;

    json_array_foreach(json_object_get(term, "matchExpressions"), i, r) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "matchExpressions"), i);
        node_requirement(e, r, at);
        json_array_foreach(required ? json_object_get(r, "values") : NULL, k, v)
            rule_name(e, FP_INDEX(FP_CHILD(at, "values"), k), NAME_LABEL_VALUE, json_string_value(v));
    }
    json_array_foreach(json_object_get(term, "matchFields"), i, r)
        node_field(e, r, FP_INDEX(FP_CHILD(path, "matchFields"), i));
}

/* ---- the rest of the spec ---------------------------------------------------------------------- */

/* Words of the lower case joined by dots or slashes, with dashes and underscores within. */
static bool is_sysctl(const char *s)
{
    static const char ends[] = "abcdefghijklmnopqrstuvwxyz0123456789", inner[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

    if (strlen(s) > 253)
        return false;
    for (;; s++) {
        size_t n = strspn(s, inner);
        if (!n || !strchr(ends, s[0]) || !strchr(ends, s[n - 1]) || (s[n] && s[n] != '.' && s[n] != '/'))
            return false;
        s += n;
        if (!*s)
            return true;
    }
}

static void pod_security(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const change[] = { "Always", "OnRootMismatch", NULL };
    static const char *const groups[] = { "Merge", "Strict", NULL }, *const relabels[] = { "Recursive", NULL };
    const json_t *sc = member(spec, "securityContext");
    size_t i;
    json_t *v;

    rule_range(e, sc, path, "fsGroup", 0, INT32_MAX);
    rule_range(e, sc, path, "runAsUser", 0, INT32_MAX);
    rule_range(e, sc, path, "runAsGroup", 0, INT32_MAX);
    json_array_foreach(json_object_get(sc, "supplementalGroups"), i, v)
        if (json_integer_value(v) < 0 || json_integer_value(v) > INT32_MAX)
            fielderr_invalid(e, FP_INDEX(FP_CHILD(path, "supplementalGroups"), i), v,
                             "must be between 0 and 2147483647, inclusive");
    if (json_is_true(json_object_get(spec, "hostPID")) && json_is_true(json_object_get(spec, "shareProcessNamespace")))
        fielderr_invalid(e, FP_CHILD(path, "shareProcessNamespace"), json_object_get(spec, "shareProcessNamespace"),
                         "ShareProcessNamespace and HostPID cannot both be enabled");
    json_array_foreach(json_object_get(sc, "sysctls"), i, v) {
        const struct fpath *at = FP_CHILD(FP_INDEX(FP_CHILD(path, "sysctls"), i), "name");
        const char *name = text(v, "name");
        if (!*name)
            fielderr_required(e, at, "");
        else if (!is_sysctl(name))
            fielderr_invalid_str(e, at, name, "must have at most 253 characters and match regex %s",
                                 "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
        else if (name_before(json_object_get(sc, "sysctls"), i, name))
            fielderr_duplicate_str(e, at, name);
    }
    rule_one_of(e, sc, path, "fsGroupChangePolicy", change);
    podspec_seccomp(e, member(sc, "seccompProfile"), FP_CHILD(path, "seccompProfile"));
    podspec_windows_options(e, sc, path);
    podspec_app_armor(e, member(sc, "appArmorProfile"), FP_CHILD(path, "appArmorProfile"));
    rule_one_of(e, sc, path, "supplementalGroupsPolicy", groups);
    rule_one_of(e, sc, path, "seLinuxChangePolicy", relabels);
}

static bool expressed_before(const json_t *selector, size_t n, const char *key)
{
    const json_t *list = json_object_get(selector, "matchExpressions");

    for (size_t i = 0; i < n; i++)
        if (streq(text(json_array_get(list, i), "key"), key))
            return true;
    return json_object_get(json_object_get(selector, "matchLabels"), key);
}

/* A key that the selector has by now is there once for it: twice means that the client named it, too. */
static void keys_in_selector(struct fielderrs *e, const json_t *keys, const json_t *selector, const struct fpath *path)
{
    size_t i, k;
    json_t *x;

    json_array_foreach(json_object_get(selector, "matchExpressions"), i, x) {
        const char *key = text(x, "key");
        for (k = json_array_size(keys); k > 0 && !streq(json_string_value(json_array_get(keys, k - 1)), key); k--)
            ;
        if (k > 0 && expressed_before(selector, i, key))
            fielderr_invalid_str(e, FP_INDEX(path, k - 1), key, "exists in both matchLabelKeys and labelSelector");
    }
}

/* Keys whose values are those of the pod itself; they narrow a selector that must be there. */
static void label_keys(struct fielderrs *e, const json_t *term, const struct fpath *path)
{
    static const char *const lists[] = { "matchLabelKeys", "mismatchLabelKeys" };
    const json_t *match = json_object_get(term, lists[0]), *mismatch = json_object_get(term, lists[1]);
    size_t i, k;
    json_t *key, *other;

    for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
        const json_t *list = json_object_get(term, lists[l]);
        if (json_array_size(list) && !member(term, "labelSelector")) {
            fielderr_forbidden(e, FP_CHILD(path, lists[l]), "must not be specified when labelSelector is not set");
            continue;
        }
        json_array_foreach(list, i, key)
            rule_name(e, FP_INDEX(FP_CHILD(path, lists[l]), i), NAME_QUALIFIED, json_string_value(key));
    }
    keys_in_selector(e, match, member(term, "labelSelector"), path);
    json_array_foreach(match, i, key)
        json_array_foreach(mismatch, k, other)
            if (json_same(key, other)) {
                fielderr_invalid(e, FP_INDEX(FP_CHILD(path, lists[0]), i), key,
                                 "exists in both matchLabelKeys and mismatchLabelKeys");
                break;
            }
}

static void affinity_term(struct fielderrs *e, const json_t *term, const struct fpath *path)
{
    const char *key = text(term, "topologyKey");
    size_t i;
    json_t *ns;

    label_selector_validate(e, FP_CHILD(path, "labelSelector"), member(term, "labelSelector"));
    label_selector_validate(e, FP_CHILD(path, "namespaceSelector"), member(term, "namespaceSelector"));
    json_array_foreach(json_object_get(term, "namespaces"), i, ns)
        rule_name(e, FP_CHILD(path, "namespace"), NAME_DNS1123_LABEL, json_string_value(ns));
    label_keys(e, term, path);
    if (!*key)
        fielderr_required(e, FP_CHILD(path, "topologyKey"), "can not be empty");
    rule_name(e, FP_CHILD(path, "topologyKey"), NAME_QUALIFIED, key);
}

static void pod_affinity(struct fielderrs *e, const json_t *a, const struct fpath *path)
{
    static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution",
                      preferred[] = "preferredDuringSchedulingIgnoredDuringExecution";
    size_t i;
    json_t *t;

    json_array_foreach(json_object_get(a, required), i, t)
        affinity_term(e, t, FP_INDEX(FP_CHILD(path, required), i));
    json_array_foreach(json_object_get(a, preferred), i, t) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, preferred), i);
        int64_t weight = json_integer_value(json_object_get(t, "weight"));
        if (weight < 1 || weight > 100)
            fielderr_invalid_int(e, FP_CHILD(at, "weight"), weight, "must be in the range 1-100");
        affinity_term(e, member(t, "podAffinityTerm"), FP_CHILD(at, "podAffinityTerm"));
    }
}

void podspec_node_selector(struct fielderrs *e, const json_t *selector, const struct fpath *path)
{
    const json_t *terms = json_object_get(selector, "nodeSelectorTerms");
    const struct fpath *list = FP_CHILD(path, "nodeSelectorTerms");
    size_t i;
    json_t *t;

    if (!json_array_size(terms))
        fielderr_required(e, list, "must have at least one node selector term");
    json_array_foreach(terms, i, t)
        node_term(e, t, FP_INDEX(list, i), true);
}

static void affinity(struct fielderrs *e, const json_t *a, const struct fpath *path)
{
    static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution",
                      preferred[] = "preferredDuringSchedulingIgnoredDuringExecution";
    const json_t *node = member(a, "nodeAffinity");
    const struct fpath *at = FP_CHILD(path, "nodeAffinity");
    size_t i;
    json_t *t;

    if (member(node, required))
        podspec_node_selector(e, member(node, required), FP_CHILD(at, required));
    json_array_foreach(json_object_get(node, preferred), i, t) {
        const struct fpath *in = FP_INDEX(FP_CHILD(at, preferred), i);
        int64_t weight = json_integer_value(json_object_get(t, "weight"));
        if (weight < 1 || weight > 100)
            fielderr_invalid_int(e, FP_CHILD(in, "weight"), weight, "must be in the range 1-100");
        node_term(e, member(t, "preference"), FP_CHILD(in, "preference"), false);
    }
    pod_affinity(e, member(a, "podAffinity"), FP_CHILD(path, "podAffinity"));
    pod_affinity(e, member(a, "podAntiAffinity"), FP_CHILD(path, "podAntiAffinity"));
}

static void gates(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    const json_t *list = json_object_get(spec, "schedulingGates");
    size_t i;
    json_t *g;

    json_array_foreach(json_object_get(spec, "readinessGates"), i, g)
        rule_name(e, FP_CHILD(FP_INDEX(FP_CHILD(path, "readinessGates"), i), "conditionType"), NAME_QUALIFIED,
                      text(g, "conditionType"));
    json_array_foreach(list, i, g) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "schedulingGates"), i);
        rule_name(e, at, NAME_QUALIFIED, text(g, "name"));
        if (name_before(list, i, text(g, "name")))
            fielderr_duplicate_str(e, at, text(g, "name"));
    }
}

static void min_domains(struct fielderrs *e, const json_t *c, const struct fpath *at)
{
    const json_t *n = member(c, "minDomains");

    if (n && json_integer_value(n) <= 0)
        fielderr_invalid(e, at, n, "must be greater than zero");
    if (n && !streq(text(c, "whenUnsatisfiable"), "DoNotSchedule"))
        fielderr_invalid(e, at, n, "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not %s",
                         text(c, "whenUnsatisfiable"));
}

static void spread(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const unsatisfiable[] = { "DoNotSchedule", "ScheduleAnyway", NULL };
    static const char *const inclusions[] = { "Honor", "Ignore", NULL };
    const json_t *list = json_object_get(spec, "topologySpreadConstraints");
    size_t i, k;
    json_t *c;

    json_array_foreach(list, i, c) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "topologySpreadConstraints"), i);
        const char *key = text(c, "topologyKey"), *when = text(c, "whenUnsatisfiable");
        if (json_integer_value(json_object_get(c, "maxSkew")) <= 0)
            fielderr_invalid(e, FP_CHILD(at, "maxSkew"), json_object_get(c, "maxSkew"), "must be greater than zero");
        if (!*key)
            fielderr_required(e, FP_CHILD(at, "topologyKey"), "can not be empty");
        rule_one_of(e, c, at, "whenUnsatisfiable", unsatisfiable);
        for (k = i + 1; k < json_array_size(list); k++) {
            const json_t *other = json_array_get(list, k);
            if (streq(text(other, "topologyKey"), key) && streq(text(other, "whenUnsatisfiable"), when)) {
                cleanup_free char *pair = xasprintf("{%s, %s}", key, when);
                fielderr_duplicate_str(e, FP_CHILD(at, "{topologyKey, whenUnsatisfiable}"), pair);
                break;
            }
        }
        min_domains(e, c, FP_CHILD(at, "minDomains"));
        rule_one_of(e, c, at, "nodeAffinityPolicy", inclusions);
        rule_one_of(e, c, at, "nodeTaintsPolicy", inclusions);
        label_keys(e, c, at);
        label_selector_validate(e, FP_CHILD(at, "labelSelector"), member(c, "labelSelector"));
    }
}

void podspec_tolerations(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    static const char *const operators[] = { "Equal", "Exists", NULL };
    static const char *const effects[] = { "NoSchedule", "PreferNoSchedule", "NoExecute", NULL };
    size_t i;
    json_t *t;

    json_array_foreach(json_object_get(spec, "tolerations"), i, t) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "tolerations"), i);
        const char *key = text(t, "key"), *op = text(t, "operator"), *effect = text(t, "effect");
        if (*key)
            rule_name(e, FP_CHILD(at, "key"), NAME_QUALIFIED, key);
        if (!*key && !streq(op, "Exists"))
            fielderr_invalid_str(e, FP_CHILD(at, "operator"), op, "operator must be Exists when `key` is empty, "
                                 "which means \"match all values and all keys\"");
        if (member(t, "tolerationSeconds") && !streq(effect, "NoExecute"))
            fielderr_invalid_str(e, FP_CHILD(at, "effect"), effect,
                                 "effect must be 'NoExecute' when `tolerationSeconds` is set");
        if (streq(op, "Equal") || !*op)
            rule_name(e, FP_CHILD(at, "operator"), NAME_LABEL_VALUE, text(t, "value"));
        else if (streq(op, "Exists") && *text(t, "value"))
            fielderr_invalid_str(e, FP_CHILD(at, "operator"), text(t, "value"), "value must be empty when `operator` is 'Exists'");
        else if (!streq(op, "Exists"))
            fielderr_not_supported(e, FP_CHILD(at, "operator"), json_object_get(t, "operator"), operators);
        if (*effect && !among(effects, effect))
            fielderr_not_supported(e, FP_CHILD(at, "effect"), json_object_get(t, "effect"), effects);
    }
}

static void host_network(struct fielderrs *e, const json_t *spec, const struct fpath *path, bool template)
{
    size_t i, k;
    json_t *c, *p;

    if (!json_is_true(json_object_get(spec, "hostNetwork")))
        return;
    json_array_foreach(json_object_get(spec, "containers"), i, c)
        json_array_foreach(json_object_get(c, "ports"), k, p) {
            int64_t port = json_integer_value(json_object_get(p, "hostPort"));
            /* In a template none is as good: the pod that is made of it gets one. */
            if ((port || !template) && port != json_integer_value(json_object_get(p, "containerPort")))
                fielderr_invalid_int(e, FP_CHILD(FP_INDEX(FP_CHILD(FP_INDEX(FP_CHILD(path, "containers"), i), "ports"), k),
                                                 "hostPort"),
                                     port, "must match `containerPort` when `hostNetwork` is true");
        }
}

void podspec_validate(struct fielderrs *e, const json_t *spec, const struct fpath *path,
                      const struct podspec_options *o)
{
    static const char *const restarts[] = { "Always", "OnFailure", "Never", NULL };
    static const char *const policies[] = { "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None", NULL };
    static const char *const preemptions[] = { "PreemptLowerPriority", "Never", NULL };

    json_auto_t *volumes = podspec_volumes(e, json_object_get(spec, "volumes"), o->pod ? o->pod : "", FP_CHILD(path, "volumes"));
    podspec_pod_claims(e, spec, FP_CHILD(path, "resourceClaims"));
    podspec_containers(e, spec, volumes, path);
    podspec_pod_resources(e, spec, FP_CHILD(path, "resources"));
    host_network(e, spec, path, o->is_template);
    if (!*text(spec, "restartPolicy"))
        fielderr_required(e, FP_CHILD(path, "restartPolicy"), "");
    else
        rule_one_of(e, spec, path, "restartPolicy", restarts);
    if (!*text(spec, "dnsPolicy"))
        fielderr_required(e, FP_CHILD(path, "dnsPolicy"), "");
    else
        rule_one_of(e, spec, path, "dnsPolicy", policies);
    rule_labels(e, member(spec, "nodeSelector"), FP_CHILD(path, "nodeSelector"));
    pod_security(e, spec, FP_CHILD(path, "securityContext"));
    affinity(e, member(spec, "affinity"), FP_CHILD(path, "affinity"));
    podspec_dns(e, spec, FP_CHILD(path, "dnsConfig"));
    gates(e, spec, path);
    spread(e, spec, path);
    podspec_host_process(e, spec, path);
    podspec_host_users(e, spec, path);
    if (*text(spec, "serviceAccountName"))
        rule_name(e, FP_CHILD(path, "serviceAccountName"), NAME_DNS1123_SUBDOMAIN, text(spec, "serviceAccountName"));
    if (*text(spec, "nodeName"))
        rule_name(e, FP_CHILD(path, "nodeName"), NAME_DNS1123_SUBDOMAIN, text(spec, "nodeName"));
    rule_range(e, spec, path, "activeDeadlineSeconds", 1, INT32_MAX);
    if (*text(spec, "hostname"))
        rule_name(e, FP_CHILD(path, "hostname"), NAME_DNS1123_LABEL, text(spec, "hostname"));
    if (*text(spec, "subdomain"))
        rule_name(e, FP_CHILD(path, "subdomain"), NAME_DNS1123_LABEL, text(spec, "subdomain"));
    podspec_tolerations(e, spec, path);
    podspec_host_aliases(e, json_object_get(spec, "hostAliases"), FP_CHILD(path, "hostAliases"));
    if (*text(spec, "priorityClassName"))
        rule_name(e, FP_CHILD(path, "priorityClassName"), NAME_DNS1123_SUBDOMAIN, text(spec, "priorityClassName"));
    if (member(spec, "runtimeClassName"))
        rule_name(e, FP_CHILD(path, "runtimeClassName"), NAME_DNS1123_SUBDOMAIN, text(spec, "runtimeClassName"));
    if (member(spec, "preemptionPolicy") && !*text(spec, "preemptionPolicy"))
        fielderr_required(e, FP_CHILD(path, "preemptionPolicy"), "");
    else
        rule_one_of(e, spec, path, "preemptionPolicy", preemptions);
    if (member(spec, "overhead")) {
        json_auto_t *as_limits = json_pack("{s:O}", "limits", member(spec, "overhead"));
        podspec_container_resources(e, as_limits, FP_CHILD(path, "overhead"));
    }
    podspec_os(e, spec, path);
}

/* Templates have always been let through with such. */
void podspec_image_trimmed(struct fielderrs *e, const json_t *container, const struct fpath *path)
{
    const char *image = text(container, "image");

    if (rule_padded(image))
        fielderr_invalid_str(e, FP_CHILD(path, "image"), image, "must not have leading or trailing whitespace");
}

static void images_trimmed(struct fielderrs *e, const json_t *spec, const char *list, const struct fpath *path)
{
    size_t i;
    json_t *c;

    json_array_foreach(json_object_get(spec, list), i, c)
        podspec_image_trimmed(e, c, FP_INDEX(FP_CHILD(path, list), i));
}

void podspec_images_trimmed(struct fielderrs *e, const json_t *spec, const struct fpath *path)
{
    images_trimmed(e, spec, "containers", path);
    images_trimmed(e, spec, "initContainers", path);
}

void pod_validate_create(struct fielderrs *e, const json_t *pod)
{
    const json_t *spec = json_object_get(pod, "spec");
    const struct fpath *path = FP_CHILD(NULL, "spec");
    struct podspec_options o = { .pod = obj_name(pod) };
    size_t i, k;
    json_t *v, *s;

    podspec_seccomp_annotations(e, json_path(pod, "metadata.annotations"), FP_CHILD(FP_CHILD(NULL, "metadata"), "annotations"));
    podspec_validate(e, spec, path, &o);
    json_array_foreach(json_object_get(spec, "volumes"), i, v)
        json_array_foreach(json_path(v, "projected.sources"), k, s)
            if (member(s, "serviceAccountToken") && !*text(spec, "serviceAccountName"))
                fielderr_forbidden(e, FP_CHILD(FP_INDEX(FP_CHILD(FP_CHILD(FP_INDEX(FP_CHILD(path, "volumes"), i),
                                                                           "projected"), "sources"), k),
                                               "serviceAccountToken"),
                                   "must not be specified when serviceAccountName is not set");
    podspec_images_trimmed(e, spec, path);
    if (json_array_size(json_object_get(spec, "ephemeralContainers")))
        fielderr_forbidden(e, FP_CHILD(path, "ephemeralContainers"), "cannot be set on create");
    if (*text(spec, "nodeName") && json_array_size(json_object_get(spec, "schedulingGates")))
        fielderr_forbidden(e, FP_CHILD(path, "nodeName"), "cannot be set until all schedulingGates have been cleared");
}

void rule_annotation_keys(struct fielderrs *e, const json_t *annotations, const struct fpath *path)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)annotations, key, v) {
        struct name_problems p;
        name_check_str(NAME_QUALIFIED, rule_lower(e->arena, key), &p);
        for (size_t i = 0; i < p.n; i++)
            fielderr_invalid_str(e, path, key, "%s", p.v[i]);
    }
}

void pod_template_meta_validate(struct fielderrs *e, const json_t *template, const struct fpath *path)
{
    const json_t *meta = json_object_get(template, "metadata");

    rule_labels(e, member(meta, "labels"), FP_CHILD(path, "labels"));
    rule_annotation_keys(e, member(meta, "annotations"), FP_CHILD(path, "annotations"));
    podspec_seccomp_annotations(e, member(meta, "annotations"), FP_CHILD(path, "annotations"));
}

void pod_template_validate(struct fielderrs *e, const json_t *template, const struct fpath *path)
{
    struct podspec_options o = { .is_template = true };
    const json_t *spec = json_object_get(template, "spec");

    pod_template_meta_validate(e, template, path);
    podspec_validate(e, spec, FP_CHILD(path, "spec"), &o);
    if (json_array_size(json_object_get(spec, "ephemeralContainers")))
        fielderr_forbidden(e, FP_CHILD(FP_CHILD(path, "spec"), "ephemeralContainers"),
                           "ephemeral containers not allowed in pod template");
}
