/* APIServices: which group version is served by whom. Ours serves all of them itself. */
#include "fakeapi/apiserver/builtin/rules.h"

static void service_rules(struct fielderrs *e, const json_t *spec)
{
    const json_t *service = member(spec, "service"), *bundle = member(spec, "caBundle");
    const struct fpath *at = FP_CHILD(RULE_AT("spec"), "service");
    bool skips = json_is_true(member(spec, "insecureSkipTLSVerify"));
    int64_t port = json_integer_value(member(service, "port"));

    if (!service) {
        size_t n = json_string_length(bundle) / 4 * 3;
        for (size_t i = json_string_length(bundle); i && json_string_value(bundle)[i - 1] == '='; i--)
            n--;
        if (n)
            fielderr_invalid_str(e, FP_CHILD(RULE_AT("spec"), "caBundle"), arena_printf(e->arena, "%zu bytes", n),
                                 "local APIServices may not have a caBundle");
        if (skips)
            fielderr_invalid(e, FP_CHILD(RULE_AT("spec"), "insecureSkipTLSVerify"), member(spec, "insecureSkipTLSVerify"),
                             "local APIServices may not have insecureSkipTLSVerify");
        return;
    }
    rule_required_text(e, service, at, "namespace");
    rule_required_text(e, service, at, "name");
    if (port < 1 || port > 65535)
        fielderr_invalid_int(e, FP_CHILD(at, "port"), port, "port is not valid: must be between 1 and 65535, inclusive");
    if (skips && json_string_length(bundle))
        fielderr_invalid(e, FP_CHILD(RULE_AT("spec"), "insecureSkipTLSVerify"), member(spec, "insecureSkipTLSVerify"),
                         "may not be true if caBundle is present");
}

static void priority(struct fielderrs *e, const json_t *spec, const char *name, int64_t most)
{
    int64_t v = json_integer_value(member(spec, name));

    if (v <= 0 || v > most)
        fielderr_invalid_int(e, FP_CHILD(RULE_AT("spec"), name), v, "must be positive and less than %lld",
                             (long long)most);
}

static void apiservice_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *spec = member(obj, "spec");
    const char *group = text(spec, "group"), *version = text(spec, "version");
    const char *name = arena_printf(e->arena, "%s.%s", version, group);

    if (*obj_name(obj) && name_check_str(NAME_PATH_SEGMENT, obj_name(obj), NULL) && !streq(obj_name(obj), name))
        fielderr_invalid_str(e, FP_CHILD(RULE_AT("metadata"), "name"), obj_name(obj),
                             "must be `spec.version+\".\"+spec.group`: \"%s\"", name);
    if (!*group && !streq(version, "v1"))
        fielderr_required(e, FP_CHILD(RULE_AT("spec"), "group"),
                          "only v1 may have an empty group and it better be legacy kube");
    if (*group)
        rule_name(e, FP_CHILD(RULE_AT("spec"), "group"), NAME_DNS1123_SUBDOMAIN, group);
    rule_name(e, FP_CHILD(RULE_AT("spec"), "version"), NAME_DNS1035_LABEL, version);
    priority(e, spec, "groupPriorityMinimum", 20000);
    priority(e, spec, "versionPriority", 1000);
    service_rules(e, spec);
}

static void apiservice_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                              const json_t *old, struct fielderrs *e)
{
    static const char *const known[] = { "False", "True", "Unknown", NULL };
    size_t i;
    json_t *condition;

    if (!rule_is_status(sub)) {
        apiservice_validate(c, k, obj, e);
        return;
    }
    json_array_foreach(json_path(obj, "status.conditions"), i, condition)
        rule_one_of(e, condition, FP_INDEX(FP_CHILD(RULE_AT("status"), "conditions"), i), "status", known);
}

const struct kind_ops apiservice_ops = { .validate = apiservice_validate, .validate_update = apiservice_update };
