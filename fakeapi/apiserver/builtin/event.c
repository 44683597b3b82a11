/* Events: one thing in two versions, old (v1) and new (events.k8s.io/v1), stored in the old one. Only what has
 * an eventTime is checked in earnest; the old kind is let through but for its namespace (G.3, B-178). */
#include "fakeapi/apiserver/builtin/rules.h"

/* ---- two versions --------------------------------------------------------------------------------- */

/* Members by their names in the new version and the old one, in the order of the new one. */
static const struct rename {
    const char *now, *old;
} renames[] = {
    { "eventTime", "eventTime" }, { "series", "series" }, { "reportingController", "reportingComponent" },
    { "reportingInstance", "reportingInstance" }, { "action", "action" }, { "reason", "reason" },
    { "regarding", "involvedObject" }, { "related", "related" }, { "note", "message" }, { "type", "type" },
    { "deprecatedSource", "source" }, { "deprecatedFirstTimestamp", "firstTimestamp" },
    { "deprecatedLastTimestamp", "lastTimestamp" }, { "deprecatedCount", "count" },
};

static json_t *renamed(const json_t *obj, const char *api_version, bool to_new)
{
    json_t *out = json_object(), *v;

    json_object_set_new(out, "kind", json_string("Event"));
    json_object_set_new(out, "apiVersion", json_string(api_version));
    json_object_set(out, "metadata", json_object_get(obj, "metadata"));
    for (size_t i = 0; i < ARRAY_SIZE(renames); i++)
        if ((v = json_object_get(obj, to_new ? renames[i].old : renames[i].now)))
            json_object_set(out, to_new ? renames[i].now : renames[i].old, v);
    return out;
}

static int event_from_storage(struct call *c, const struct kind *k, const json_t *stored, json_t **ret)
{
    json_t *obj = renamed(stored, "events.k8s.io/v1", true);
    int r = decode_default(c, k, &obj);

    if (r < 0 || (r = decode_finish(c, k, &obj)) < 0) {
        json_decref(obj);
        return r;
    }
    *ret = obj;
    return 0;
}

static int event_to_storage(struct call *c, const struct kind *k, const json_t *obj, json_t **ret)
{
    const struct kind *core = kinds_find(c->s->kinds, "", "v1", "events");

    *ret = renamed(obj, "v1", false);
    int r = decode_default(c, core, ret);
    return r < 0 ? r : decode_finish(c, core, ret);
}

/* ---- rules ---------------------------------------------------------------------------------------- */

/* The messages speak of the old names, whatever the version, but for the controller. */
static const struct rename *rename_of(const char *old)
{
    for (size_t i = 0; i < ARRAY_SIZE(renames); i++)
        if (streq(renames[i].old, old))
            return &renames[i];
    return NULL;
}

static const json_t *event_member(const json_t *obj, bool is_new, const char *old)
{
    return member(obj, is_new ? rename_of(old)->now : old);
}

static const char *event_text(const json_t *obj, bool is_new, const char *old)
{
    const char *s = json_string_value(event_member(obj, is_new, old));

    return s ? s : "";
}

static void event_namespace(struct fielderrs *e, const json_t *obj, bool is_new, bool timed)
{
    const char *about = text(event_member(obj, is_new, "involvedObject"), "namespace"), *own = obj_namespace(obj);
    bool fine = *about ? timed || streq(about, own)
                       : streq(own, "default") || (timed ? streq(own, "kube-system") : !*own);

    if (!fine)
        fielderr_invalid_str(e, FP_CHILD(RULE_AT("involvedObject"), "namespace"), about,
                             "does not match event.namespace");
}

static void at_most(struct fielderrs *e, const char *value, const char *name, size_t max, bool required)
{
    if (required && !*value)
        fielderr_required(e, RULE_AT(name), "");
    if (strlen(value) > max)
        fielderr_invalid_str(e, RULE_AT(name), "", "can have at most %zu characters", max);
}

static void event_series(struct fielderrs *e, const json_t *series)
{
    if (!series)
        return;
    if (json_integer_value(json_object_get(series, "count")) < 2)
        fielderr_invalid_str(e, FP_CHILD(RULE_AT("series"), "count"), "", "should be at least 2");
    if (!member(series, "lastObservedTime"))
        fielderr_required(e, FP_CHILD(RULE_AT("series"), "lastObservedTime"), "");
}

static void event_new_style(struct fielderrs *e, const json_t *obj, bool is_new)
{
    const char *controller = event_text(obj, is_new, "reportingComponent");
    const struct fpath *at = RULE_AT(is_new ? "reportingController" : "reportingComponent");

    if (!*controller)
        fielderr_required(e, at, "");
    rule_name(e, at, NAME_QUALIFIED, controller);
    at_most(e, text(obj, "reportingInstance"), "reportingInstance", 128, true);
    at_most(e, text(obj, "action"), "action", 128, true);
    at_most(e, text(obj, "reason"), "reason", 128, true);
    at_most(e, event_text(obj, is_new, "message"), "message", 1024, false);
}

static void event_leftovers(struct fielderrs *e, const json_t *obj)
{
    static const char *const old[] = { "firstTimestamp", "lastTimestamp", "count", "source" };

    for (size_t i = 0; i < ARRAY_SIZE(old); i++) {
        const json_t *v = event_member(obj, true, old[i]);
        bool unset = !v || (json_is_object(v) && !json_object_size(v))
                     || (json_is_integer(v) && !json_integer_value(v));
        if (!unset)
            fielderr_invalid_str(e, RULE_AT(old[i]), "", "needs to be unset");
    }
}

/* What every event is asked, whatever its version. */
static void event_old_rules(struct fielderrs *e, const json_t *obj, bool is_new)
{
    bool timed = member(obj, "eventTime") != NULL;

    event_namespace(e, obj, is_new, timed);
    if (timed)
        event_new_style(e, obj, is_new);
    rule_name(e, RULE_AT("namespace"), NAME_DNS1123_SUBDOMAIN, obj_namespace(obj));
}

static void event_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    bool is_new = *k->res.group != '\0';
    const char *type = text(obj, "type");

    event_old_rules(e, obj, is_new);
    if (!is_new)
        return;
    event_series(e, member(obj, "series"));
    if (!member(obj, "eventTime"))
        fielderr_required(e, RULE_AT("eventTime"), "");
    if (!streq(type, "Normal") && !streq(type, "Warning"))
        fielderr_invalid_str(e, RULE_AT("type"), "", "has invalid value: %s", type);
    event_leftovers(e, obj);
}

/* ---- what an update may not change ------------------------------------------------------------------ */

/* A reference or a source as the server holds it: every member, by its Go name. */
static json_t *in_go(const json_t *v, const char *const (*members)[2])
{
    json_t *out = json_object();

    for (size_t i = 0; members[i][0]; i++)
        json_object_set_new(out, members[i][1], json_string(text(v, members[i][0])));
    return out;
}

static json_t *event_shown(const char *old_name, const json_t *v)
{
    static const char *const reference[][2] = {
        { "kind", "Kind" }, { "namespace", "Namespace" }, { "name", "Name" }, { "uid", "UID" },
        { "apiVersion", "APIVersion" }, { "resourceVersion", "ResourceVersion" }, { "fieldPath", "FieldPath" },
        { NULL, NULL },
    };
    static const char *const source[][2] = { { "component", "Component" }, { "host", "Host" }, { NULL, NULL } };

    if (streq(old_name, "involvedObject") || (streq(old_name, "related") && v))
        return in_go(v, reference);
    if (streq(old_name, "source"))
        return in_go(v, source);
    if (v)
        return json_incref((json_t *)v);
    if (streq(old_name, "count"))
        return json_integer(0);
    return str_ends(old_name, "imestamp") || streq(old_name, "eventTime") || streq(old_name, "related") ? json_null()
                                                                                                         : json_string("");
}

static void event_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                         const json_t *old, struct fielderrs *e)
{
    static const char *const fixed[][2] = {      /* the reason counts twice */
        { "involvedObject", "involvedObject" }, { "reason", "reason" }, { "message", "message" },
        { "source", "source" }, { "firstTimestamp", "firstTimestamp" }, { "lastTimestamp", "lastTimestamp" },
        { "count", "count" }, { "reason", "reason" }, { "type", "type" }, { "eventTime", "eventTime" },
        { "action", "action" }, { "related", "related" }, { "reportingComponent", "reportingController" },
        { "reportingInstance", "reportingInstance" },
    };
    bool is_new = *k->res.group != '\0';

    event_old_rules(e, obj, is_new);
    if (!is_new)
        return;
    if (!json_same(member(obj, "series"), member(old, "series")))
        event_series(e, member(obj, "series"));
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        json_auto_t *now = event_shown(fixed[i][0], event_member(obj, true, fixed[i][0]));
        json_auto_t *was = event_shown(fixed[i][0], event_member(old, true, fixed[i][0]));
        rule_immutable(e, RULE_AT(fixed[i][1]), now, was);
    }
}

const struct kind_ops event_ops = { .validate = event_validate, .validate_update = event_update };
const struct kind_ops new_event_ops = { .validate = event_validate, .validate_update = event_update,
                                        .from_storage = event_from_storage, .to_storage = event_to_storage };
