/* Questions put to the server: who may do what, who is who (G-031, A-138, A-139). Nothing is stored. */
#include "fakeapi/apiserver/auth/auth.h"
#include "fakeapi/apiserver/builtin/builtin.h"
#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/selector.h"

/* ---- the selectors of a question -------------------------------------------------------------------------- */

static void values_of(struct fielderrs *e, const struct fpath *path, const json_t *r)
{
    const char *op = text(r, "operator");
    size_t n = json_array_size(json_object_get(r, "values"));

    if ((streq(op, "In") || streq(op, "NotIn")) && n == 0)
        fielderr_required(e, FP_CHILD(path, "values"), "must be specified when `operator` is 'In' or 'NotIn'");
    if ((streq(op, "Exists") || streq(op, "DoesNotExist")) && n > 0)
        fielderr_forbidden(e, FP_CHILD(path, "values"),
                           "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
}

static void field_requirement(struct fielderrs *e, const struct fpath *path, const json_t *r)
{
    if (!*text(r, "key"))
        fielderr_required(e, FP_CHILD(path, "key"), "must be specified");
    values_of(e, path, r);
}

/* An operator that is not known is no error: the requirement is left out of the question. */
static bool known_operator(const json_t *r)
{
    static const char *const known[] = { "In", "NotIn", "Exists", "DoesNotExist", NULL };

    return among(known, text(r, "operator"));
}

static void label_requirement(struct fielderrs *e, const struct fpath *path, const json_t *r)
{
    if (known_operator(r))
        label_expression_validate(e, path, r);
    else
        label_expression_validate_words(e, path, r);
}

typedef void requirement_fn(struct fielderrs *e, const struct fpath *path, const json_t *r);

static void selector(struct fielderrs *e, const json_t *attributes, const char *name, const char *shown,
                     requirement_fn *check)
{
    const struct fpath *path = FP_CHILD(FP_CHILD(RULE_AT("spec"), "resourceAttributes"), name);
    const json_t *s = json_object_get(attributes, name), *list = json_object_get(s, "requirements");
    size_t i;
    json_t *r;

    if (!json_is_object(s))
        return;
    if (*text(s, "rawSelector") && json_array_size(list))
        fielderr_invalid_str(e, FP_CHILD(path, "rawSelector"), text(s, "rawSelector"),
                             "may not specified at the same time as requirements");
    if (!*text(s, "rawSelector") && !json_array_size(list))
        fielderr_required(e, FP_CHILD(path, "requirements"), shown);
    json_array_foreach ((json_t *)list, i, r)
        check(e, FP_INDEX(FP_CHILD(path, "requirements"), i), r);
}

/* What is left of a selector that is partly not understood. */
enum parsed { PARSED_WHOLE, PARSED_PARTLY, PARSED_NOT };

static enum parsed parse_fields(struct call *c, const json_t *s)
{
    const char *raw = text(s, "rawSelector");
    struct apierr ignored = APIERR_IN(c->arena);
    struct field_selector fields;
    size_t i, good = 0, bad = 0;
    json_t *r;

    if (*raw)
        return field_selector_parse(c->arena, raw, strlen(raw), &fields, &ignored) < 0 ? PARSED_NOT : PARSED_WHOLE;
    json_array_foreach (json_object_get(s, "requirements"), i, r) {
        const char *op = text(r, "operator");
        if ((streq(op, "In") || streq(op, "NotIn")) && json_array_size(json_object_get(r, "values")) == 1)
            good++;
        else
            bad++;
    }
    return !bad ? PARSED_WHOLE : good ? PARSED_PARTLY : PARSED_NOT;
}

static enum parsed parse_labels(struct call *c, const json_t *s)
{
    const char *raw = text(s, "rawSelector");
    struct apierr ignored = APIERR_IN(c->arena);
    struct label_selector labels;
    size_t i, good = 0, bad = 0;
    json_t *r;

    if (*raw)
        return label_selector_parse(c->arena, raw, strlen(raw), &labels, &ignored) < 0 ? PARSED_NOT : PARSED_WHOLE;
    json_array_foreach (json_object_get(s, "requirements"), i, r) {
        good += known_operator(r);
        bad += !known_operator(r);
    }
    return !bad ? PARSED_WHOLE : good ? PARSED_PARTLY : PARSED_NOT;
}

static const char *not_understood(struct call *c, const json_t *attributes)
{
    static const char *const words[] = { [PARSED_PARTLY] = "partially ignored", [PARSED_NOT] = "ignored" };
    enum parsed fields = parse_fields(c, json_object_get(attributes, "fieldSelector"));
    enum parsed labels = parse_labels(c, json_object_get(attributes, "labelSelector"));
    const char *what = "";

    if (fields)
        what = arena_printf(c->arena, "spec.resourceAttributes.fieldSelector %s due to parse error", words[fields]);
    if (labels)
        what = arena_printf(c->arena, "%s%sspec.resourceAttributes.labelSelector %s due to parse error", what,
                            fields ? "; " : "", words[labels]);
    return what;
}

/* ---- may somebody do something ------------------------------------------------------------------------------- */

/* Go shows this struct without the names it has in JSON. */
static void refuse_path(struct fielderrs *e, const json_t *attributes, const char *why)
{
    json_auto_t *shown = json_pack("{s:s, s:s}", "Path", text(attributes, "path"), "Verb", text(attributes, "verb"));

    fielderr_invalid(e, FP_CHILD(RULE_AT("spec"), "nonResourceAttributes"), shown, "%s", why);
}

/* Everything in the metadata but what the server put there. */
static void check_metadata(struct fielderrs *e, const json_t *obj, bool local)
{
    const json_t *meta = obj_metadata(obj);
    const char *key;
    json_t *v;

    json_object_foreach ((json_t *)meta, key, v) {
        if (streq(key, "managedFields") || (local && streq(key, "namespace")))
            continue;
        fielderr_invalid(e, RULE_AT("metadata"), meta, local ? "must be empty except for namespace" : "must be empty");
        return;
    }
}

static int access_validate(struct call *c, const json_t *obj, bool self, bool local)
{
    const json_t *resource = json_path(obj, "spec.resourceAttributes");
    const json_t *path = json_path(obj, "spec.nonResourceAttributes");
    struct fielderrs errs = FIELDERRS_IN(c->arena), *e = &errs;

    if (resource && path)
        refuse_path(e, path, "cannot be specified in combination with resourceAttributes");
    if (!resource && !path)
        fielderr_invalid(e, FP_CHILD(RULE_AT("spec"), "resourceAttributes"), rule_shown(NULL),
                         "exactly one of nonResourceAttributes or resourceAttributes must be specified");
    if (!self && !*obj_str(obj, "spec.user") && !obj_count(obj, "spec.groups"))
        fielderr_invalid_str(e, FP_CHILD(RULE_AT("spec"), "user"), "",
                             "at least one of user or group must be specified");
    selector(e, resource, "fieldSelector", "when spec.resourceAttributes.fieldSelector is specified, requirements or "
             "rawSelector is required", field_requirement);
    selector(e, resource, "labelSelector", "when spec.resourceAttributes.labelSelector is specified, requirements or "
             "rawSelector is required", label_requirement);
    check_metadata(e, obj, local);
    if (local && resource && !streq(text(resource, "namespace"), obj_namespace(obj)))
        fielderr_invalid_str(e, FP_CHILD(FP_CHILD(RULE_AT("spec"), "resourceAttributes"), "namespace"),
                             text(resource, "namespace"), "must match metadata.namespace");
    if (local && path)
        refuse_path(e, path, "disallowed on this kind of request");
    return fielderrs_status(e, &c->err, c->route.kind->res.group, "", "");
}

/* The user that a review asks about, with the groups it names and no others. */
static void asked_user(struct call *c, const json_t *obj, struct api_user *ret)
{
    const json_t *groups = json_path(obj, "spec.groups");
    const char **list = arena_alloc(c->arena, (json_array_size(groups) + 1) * sizeof(*list));
    size_t i;
    json_t *g;

    *ret = (struct api_user){ .name = obj_str(obj, "spec.user"), .groups = list };
    json_array_foreach ((json_t *)groups, i, g)
        list[ret->n_groups++] = json_is_string(g) ? json_string_value(g) : "";
}

static void asked_access(const json_t *obj, const struct api_user *user, struct access *ret)
{
    const json_t *r = json_path(obj, "spec.resourceAttributes"), *path = json_path(obj, "spec.nonResourceAttributes");

    *ret = (struct access){ .user = user, .path = r ? NULL : text(path, "path"), .verb = text(r ? r : path, "verb"),
                            .group = text(r, "group"), .resource = text(r, "resource"),
                            .subresource = text(r, "subresource"), .namespace = text(r, "namespace"),
                            .name = text(r, "name") };
}

static int access_review(struct call *c, json_t *obj)
{
    const char *kind = c->route.kind->res.kind, *reason, *ignored;
    bool self = str_starts(kind, "Self"), local = str_starts(kind, "Local");
    struct api_user user;
    struct access a;

    if (!local)
        obj_set_namespace(obj, "");
    int r = access_validate(c, obj, self, local);
    if (r < 0)
        return r;
    asked_user(c, obj, &user);
    asked_access(obj, self ? c->user : &user, &a);
    json_t *status = json_pack("{s:b}", "allowed", access_allowed(c->s, c->arena, &a, &reason));
    if (*reason)
        json_object_set_new(status, "reason", json_string(reason));
    ignored = not_understood(c, json_path(obj, "spec.resourceAttributes"));
    if (*ignored)
        json_object_set_new(status, "evaluationError", json_string(ignored));
    obj_set(obj, "status", status);
    return 0;
}

const struct kind_ops access_review_ops = { .review = access_review };

/* ---- what somebody may do -------------------------------------------------------------------------------------- */

struct rules {
    json_t *resources, *urls;          /* lists */
    DYN(const char *) missing;
};

static void add_rule(json_t *list, const json_t *rule, const char *const *keys)
{
    json_t *shown = json_object();

    for (; *keys; keys++)
        if (json_array_size(json_object_get(rule, *keys)))
            json_object_set(shown, *keys, json_object_get(rule, *keys));
    json_array_append_new(list, shown);
}

static bool take_rule(void *arg, const struct rule_source *from, const json_t *rule, const char *missing)
{
    static const char *const resource_keys[] = { "verbs", "apiGroups", "resources", "resourceNames", NULL };
    static const char *const url_keys[] = { "verbs", "nonResourceURLs", NULL };
    struct rules *rs = arg;

    if (!rule)
        *dyn_push(&rs->missing) = missing;
    if (json_array_size(json_object_get(rule, "resources")))
        add_rule(rs->resources, rule, resource_keys);
    if (json_array_size(json_object_get(rule, "nonResourceURLs")))
        add_rule(rs->urls, rule, url_keys);
    return true;
}

/* The answer is an object of its own: nothing of the question is in it. */
static int rules_review(struct call *c, json_t *obj)
{
    static const char all[] = "[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"],"
                              "\"nonResourceURLs\":[\"*\"]}]";
    const char *namespace = arena_strdup(c->arena, obj_str(obj, "spec.namespace"));
    struct rules rs = { .resources = json_array(), .urls = json_array() };

    if (c->s->auth->rbac && *namespace) {
        rbac_visit(c->s, c->arena, c->user, namespace, take_rule, &rs);
    } else {
        json_auto_t *any = json_parse_str(all);
        take_rule(&rs, NULL, json_array_get(any, 0), NULL);
    }
    json_t *status = json_pack("{s:o, s:o, s:b}", "resourceRules", rs.resources, "nonResourceRules", rs.urls,
                               "incomplete", 0);
    if (rs.missing.n)
        json_object_set_new(status, "evaluationError", json_string(errors_join(c->arena, rs.missing.v, rs.missing.n)));
    dyn_release(&rs.missing);
    obj_set(obj, "metadata", json_object());
    obj_set(obj, "spec", json_object());
    obj_set(obj, "status", status);
    return *namespace ? 0 : apierr_set(&c->err, APIERR_BAD_REQUEST, "no namespace on request");
}

const struct kind_ops rules_review_ops = { .review = rules_review };

/* ---- who is who ------------------------------------------------------------------------------------------------- */

static const char *const *texts(struct call *c, const json_t *list, size_t *ret_n)
{
    const char **v = arena_alloc(c->arena, (json_array_size(list) + 1) * sizeof(*v));
    size_t i;
    json_t *t;

    *ret_n = 0;
    json_array_foreach ((json_t *)list, i, t)
        if (json_is_string(t))
            v[(*ret_n)++] = arena_strdup(c->arena, json_string_value(t));
    return v;
}

/* A token is looked at as if it came in a header, so blanks in it cut it short. */
static int token_review(struct call *c, json_t *obj)
{
    const char *token = arena_strdup(c->arena, obj_str(obj, "spec.token")), *why = NULL, *seen;
    struct token_answer answer;
    size_t n;
    const char *const *audiences = texts(c, json_path(obj, "spec.audiences"), &n);
    bool space;

    if (!*token)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "token is required for TokenReview in authentication");
    seen = token_of_header(c, arena_printf(c->arena, "Bearer %s", token), &space);
    if (!seen) {
        obj_set(obj, "status", json_pack("{s:{}}", "user"));
        return 0;
    }
    if (!token_authenticate(c, seen, audiences, n, &answer, &why)) {
        why = why ? arena_printf(c->arena, "[invalid bearer token, %s]", why) : "invalid bearer token";
        obj_set(obj, "status", json_pack("{s:{}, s:s}", "user", "error", why));
        return 0;
    }
    add_authenticated(c, &answer.user);
    json_t *list = json_array();
    for (size_t i = 0; i < answer.n_audiences; i++)
        json_array_append_new(list, json_string(answer.audiences[i]));
    obj_set(obj, "status", json_pack("{s:b, s:o, s:o}", "authenticated", 1, "user", user_info(&answer.user),
                                     "audiences", list));
    return 0;
}

const struct kind_ops token_review_ops = { .review = token_review };

static int self_review(struct call *c, json_t *obj)
{
    obj_set(obj, "metadata", json_pack("{s:s}", "creationTimestamp", call_text_time(c)));
    obj_set(obj, "status", json_pack("{s:o}", "userInfo", user_info(c->user)));
    return 0;
}

const struct kind_ops self_review_ops = { .review = self_review };
