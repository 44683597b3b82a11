/* FlowSchemas and PriorityLevelConfigurations: checked, and then nobody is kept waiting. */
#include "fakeapi/apiserver/builtin/rules.h"

#include <math.h>

#define AT_SPEC(name) FP_CHILD(RULE_AT("spec"), name)

static bool has_star(const json_t *list)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
        if (streq(json_string_value(v), "*"))
            return true;
    return false;
}

/* At least one, and '*' only alone; true where single members are left to look at. */
static bool star_alone(struct fielderrs *e, const json_t *rule, const struct fpath *path, const char *name,
                       const char *missing, const char *others)
{
    const json_t *list = member(rule, name);

    if (!json_array_size(list))
        fielderr_required(e, FP_CHILD(path, name), missing);
    else if (has_star(list) && json_array_size(list) > 1)
        fielderr_invalid(e, FP_CHILD(path, name), list, "if '*' is present, must not specify other %s", others);
    return json_array_size(list) && !has_star(list);
}

static void verbs(struct fielderrs *e, const json_t *rule, const struct fpath *path)
{
    static const char *const known[] = { "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update",
                                         "watch", NULL };
    const json_t *list = member(rule, "verbs");
    size_t i, k;
    json_t *v;

    if (!star_alone(e, rule, path, "verbs", "verbs must contain at least one value", "verbs"))
        return;
    json_array_foreach(list, i, v) {
        for (k = 0; known[k] && !streq(known[k], json_string_value(v)); k++)
            ;
        if (!known[k]) {
            fielderr_not_supported(e, FP_CHILD(path, "verbs"), list, known);
            return;
        }
    }
}

static void namespaces(struct fielderrs *e, const json_t *rule, const struct fpath *path)
{
    const json_t *list = member(rule, "namespaces");
    bool cluster = json_is_true(member(rule, "clusterScope"));
    size_t i;
    json_t *v;

    if (cluster && !json_array_size(list))
        return;
    if (!star_alone(e, rule, path, "namespaces", "resource rules that are not cluster scoped must supply at least one "
                    "namespace", "namespaces"))
        return;
    json_array_foreach(list, i, v) {
        struct name_problems p;
        name_check_json(NAME_DNS1123_LABEL, v, &p);
        for (size_t k = 0; k < p.n; k++)
            fielderr_invalid(e, FP_INDEX(FP_CHILD(path, "namespaces"), i), v,
                             "each member of this list must be '*' or a DNS-1123 label; %s", p.v[k]);
    }
}

static void resource_rule(struct fielderrs *e, const json_t *rule, const struct fpath *path)
{
    verbs(e, rule, path);
    star_alone(e, rule, path, "apiGroups", "resource rules must supply at least one api group", "api groups");
    star_alone(e, rule, path, "resources", "resource rules must supply at least one resource", "resources");
    namespaces(e, rule, path);
}

static const char *url_problem(const char *url)
{
    const char *star = strchr(url, '*');
    size_t len = strlen(url);

    if (!len)
        return "must not be empty";
    if (streq(url, "/"))
        return NULL;
    if (*url != '/')
        return "must start with slash";
    if (strchr(url, ' '))
        return "must not contain white-space";
    if (strstr(url, "//"))
        return "must not contain double slash";
    return star && (star[1] || star[-1] != '/') ? "wildcard can only do suffix matching" : NULL;
}

static void url_rule(struct fielderrs *e, const json_t *rule, const struct fpath *path)
{
    const struct fpath *at = FP_CHILD(path, "nonResourceURLs");
    size_t i;
    json_t *v;

    verbs(e, rule, path);
    if (!star_alone(e, rule, path, "nonResourceURLs", "nonResourceURLs must contain at least one value",
                    "non-resource URLs"))
        return;
    json_array_foreach(member(rule, "nonResourceURLs"), i, v) {
        const char *why = url_problem(json_string_value(v));
        if (why)
            fielderr_invalid(e, FP_INDEX(at, i), v, "%s", why);
    }
}

/* ---- subjects ----------------------------------------------------------------------------------- */

static const struct subject_row {
    const char *kind, *member;
} subject_rows[] = { { "ServiceAccount", "serviceAccount" }, { "User", "user" }, { "Group", "group" } };

static void named_subject(struct fielderrs *e, const json_t *s, const struct fpath *at, const struct subject_row *row)
{
    const char *name = text(s, "name"), *namespace = text(s, "namespace");

    if (!s) {
        const char *why = arena_printf(e->arena, "%s is required when subject kind is '%s'", row->member, row->kind);
        fielderr_required(e, at, why);
        return;
    }
    if (!*name)
        fielderr_required(e, FP_CHILD(at, "name"), "");
    if (!streq(row->kind, "ServiceAccount"))
        return;
    if (*name && !streq(name, "*"))
        rule_name(e, FP_CHILD(at, "name"), NAME_DNS1123_SUBDOMAIN, name);
    if (*namespace)
        rule_name(e, FP_CHILD(at, "namespace"), NAME_DNS1123_LABEL, namespace);
    else
        fielderr_required(e, FP_CHILD(at, "namespace"), "must specify namespace for service account");
}

static void subject(struct fielderrs *e, const json_t *s, const struct fpath *path)
{
    static const char *const kinds[] = { "Group", "ServiceAccount", "User", NULL };
    const struct subject_row *own = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(subject_rows); i++)
        if (streq(subject_rows[i].kind, text(s, "kind")))
            own = &subject_rows[i];
    if (!own) {
        rule_required_one_of(e, s, path, "kind", kinds);
        return;
    }
    named_subject(e, member(s, own->member), FP_CHILD(path, own->member), own);
    for (size_t i = 0; i < ARRAY_SIZE(subject_rows); i++)
        if (&subject_rows[i] != own && member(s, subject_rows[i].member))
            fielderr_forbidden(e, FP_CHILD(path, subject_rows[i].member), "%s is forbidden when subject kind is not '%s'",
                               subject_rows[i].member, subject_rows[i].kind);
}

static void policy_rule(struct fielderrs *e, const json_t *rule, const struct fpath *path)
{
    const json_t *subjects = member(rule, "subjects"), *resources = member(rule, "resourceRules");
    const json_t *urls = member(rule, "nonResourceRules");
    size_t i;
    json_t *v;

    json_array_foreach(subjects, i, v)
        subject(e, v, FP_INDEX(FP_CHILD(path, "subjects"), i));
    if (!json_array_size(subjects))
        fielderr_required(e, FP_CHILD(path, "subjects"), "subjects must contain at least one value");
    if (!json_array_size(resources) && !json_array_size(urls))
        fielderr_required(e, path, "at least one of resourceRules and nonResourceRules has to be non-empty");
    json_array_foreach(resources, i, v)
        resource_rule(e, v, FP_INDEX(FP_CHILD(path, "resourceRules"), i));
    json_array_foreach(urls, i, v)
        url_rule(e, v, FP_INDEX(FP_CHILD(path, "nonResourceRules"), i));
}

/* ---- FlowSchema --------------------------------------------------------------------------------- */

static void conditions(struct fielderrs *e, const json_t *obj)
{
    const json_t *list = json_path(obj, "status.conditions");
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v) {
        const struct fpath *at = FP_CHILD(FP_INDEX(FP_CHILD(RULE_AT("status"), "conditions"), i), "type");
        for (size_t k = 0; k < i; k++)
            if (streq(text(json_array_get(list, k), "type"), text(v, "type"))) {
                fielderr_duplicate_str(e, at, text(v, "type"));
                break;
            }
        if (!*text(v, "type"))
            fielderr_required(e, at, "");
    }
}

static void schema_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char *const methods[] = { "ByNamespace", "ByUser", NULL };
    const json_t *spec = member(obj, "spec"), *rules = member(spec, "rules"), *method = member(spec, "distinguisherMethod");
    int64_t precedence = json_integer_value(member(spec, "matchingPrecedence"));
    const char *level = text(member(spec, "priorityLevelConfiguration"), "name"), *kind = text(method, "type");
    size_t i;
    json_t *rule;

    if (precedence <= 0)
        fielderr_invalid_int(e, AT_SPEC("matchingPrecedence"), precedence, "must be a positive value");
    if (precedence > 10000)
        fielderr_invalid_int(e, AT_SPEC("matchingPrecedence"), precedence, "must not be greater than 10000");
    if (precedence == 1 && !streq(obj_name(obj), "exempt"))
        fielderr_invalid_int(e, AT_SPEC("matchingPrecedence"), precedence,
                             "only the schema named 'exempt' may have matchingPrecedence 1");
    if (method && !streq(kind, methods[0]) && !streq(kind, methods[1])) {
        json_auto_t *shown = json_pack("{s:s}", "Type", kind);
        fielderr_not_supported(e, FP_CHILD(AT_SPEC("distinguisherMethod"), "type"), shown, methods);
    }
    if (*level)
        rule_name(e, FP_CHILD(AT_SPEC("priorityLevelConfiguration"), "name"), NAME_DNS1123_SUBDOMAIN, level);
    else
        fielderr_required(e, FP_CHILD(AT_SPEC("priorityLevelConfiguration"), "name"), "must reference a priority level");
    json_array_foreach(rules, i, rule)
        policy_rule(e, rule, FP_INDEX(AT_SPEC("rules"), i));
    conditions(e, obj);
}

static void schema_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                          const json_t *old, struct fielderrs *e)
{
    bool fixed = streq(obj_name(obj), "exempt") || streq(obj_name(obj), "catch-all");

    if (rule_is_status(sub)) {
        conditions(e, obj);
        return;
    }
    schema_validate(c, k, obj, e);
    if (fixed && !json_same(member(obj, "spec"), member(old, "spec")))
        fielderr_invalid(e, RULE_AT("spec"), member(obj, "spec"), "spec of '%s' must equal the fixed value", obj_name(obj));
}

const struct kind_ops flowschema_ops = { .validate = schema_validate, .validate_update = schema_update };

/* ---- PriorityLevelConfiguration ------------------------------------------------------------------ */

/* How many bits a hand of so many cards from so many says. */
static int64_t entropy(int64_t queues, int64_t hand)
{
    double bits = 0;

    for (int64_t i = 0; i < hand && bits < 1000; i++)
        bits += log2((double)(queues - i));
    return (int64_t)ceil(bits);
}

static void queuing(struct fielderrs *e, const json_t *q, const struct fpath *path)
{
    int64_t limit = json_integer_value(member(q, "queueLengthLimit")), queues = json_integer_value(member(q, "queues"));
    int64_t hand = json_integer_value(member(q, "handSize"));
    const struct fpath *at = FP_CHILD(path, "handSize");

    if (limit <= 0)
        fielderr_invalid_int(e, FP_CHILD(path, "queueLengthLimit"), limit, "must be positive");
    if (queues <= 0)
        fielderr_invalid_int(e, FP_CHILD(path, "queues"), queues, "must be positive");
    else if (queues > 10000000)
        fielderr_invalid_int(e, FP_CHILD(path, "queues"), queues, "must not be greater than 10000000");
    if (hand <= 0)
        fielderr_invalid_int(e, at, hand, "must be positive");
    else if (hand > queues)
        fielderr_invalid_int(e, at, hand, "should not be greater than queues (%lld)", (long long)queues);
    else if (entropy(queues, hand) > 60)
        fielderr_invalid_int(e, at, hand, "required entropy bits of deckSize %lld and handSize %lld should not be greater "
                             "than 60", (long long)queues, (long long)hand);
}

static void limit_response(struct fielderrs *e, const json_t *response, const struct fpath *path)
{
    static const char *const types[] = { "Queue", "Reject", NULL };
    const char *type = text(response, "type");
    const json_t *q = member(response, "queuing");

    if (streq(type, "Reject")) {
        if (q)
            fielderr_forbidden(e, FP_CHILD(path, "queuing"),
                               "must be nil if limited.limitResponse.type is not Limited");
    } else if (!streq(type, "Queue")) {
        rule_required_one_of(e, response, path, "type", types);
    } else if (!q) {
        fielderr_required(e, FP_CHILD(path, "queuing"), "must not be empty if limited.limitResponse.type is Limited");
    } else {
        queuing(e, q, FP_CHILD(path, "queuing"));
    }
}

static void shares(struct fielderrs *e, const json_t *of, const struct fpath *path)
{
    int64_t n = json_integer_value(member(of, "nominalConcurrencyShares"));

    if (n < 0)
        fielderr_invalid_int(e, FP_CHILD(path, "nominalConcurrencyShares"), n, "must be a non-negative integer");
}

static void lendable(struct fielderrs *e, const json_t *of, const struct fpath *path)
{
    int64_t n = json_integer_value(member(of, "lendablePercent"));

    if (n < 0 || n > 100)
        fielderr_invalid_int(e, FP_CHILD(path, "lendablePercent"), n, "must be between 0 and 100, inclusive");
}

static void limited(struct fielderrs *e, const json_t *of, const struct fpath *path)
{
    int64_t borrow = json_integer_value(member(of, "borrowingLimitPercent"));

    shares(e, of, path);
    limit_response(e, member(of, "limitResponse"), FP_CHILD(path, "limitResponse"));
    lendable(e, of, path);
    if (borrow < 0)
        fielderr_invalid_int(e, FP_CHILD(path, "borrowingLimitPercent"), borrow,
                             "if specified, must be a non-negative integer");
}

static void level_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char *const types[] = { "Exempt", "Limited", NULL };
    const json_t *spec = member(obj, "spec"), *bounds = member(spec, "limited"), *exempt = member(spec, "exempt");
    const char *type = text(spec, "type");

    if (streq(obj_name(obj), "exempt") != streq(type, "Exempt"))
        fielderr_invalid_str(e, AT_SPEC("type"), type, "must be 'Exempt' if and only if `name` is 'exempt'");
    if (streq(type, "Exempt")) {
        if (bounds)
            fielderr_forbidden(e, AT_SPEC("limited"), "must be nil if the type is not Limited");
        if (exempt) {
            shares(e, exempt, AT_SPEC("exempt"));
            lendable(e, exempt, AT_SPEC("exempt"));
        }
    } else if (streq(type, "Limited")) {
        if (exempt)
            fielderr_forbidden(e, AT_SPEC("exempt"), "must be nil if the type is Limited");
        if (bounds)
            limited(e, bounds, AT_SPEC("limited"));
        else
            fielderr_required(e, AT_SPEC("limited"), "must not be empty when type is Limited");
    } else {
        rule_required_one_of(e, spec, RULE_AT("spec"), "type", types);
    }
    conditions(e, obj);
}

static void level_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                         const json_t *old, struct fielderrs *e)
{
    if (rule_is_status(sub)) {
        conditions(e, obj);
        return;
    }
    level_validate(c, k, obj, e);
    if (streq(obj_name(obj), "catch-all") && !json_same(member(obj, "spec"), member(old, "spec")))
        fielderr_invalid(e, RULE_AT("spec"), member(obj, "spec"), "spec of 'catch-all' must equal the fixed value");
}

const struct kind_ops prioritylevel_ops = { .validate = level_validate, .validate_update = level_update };
