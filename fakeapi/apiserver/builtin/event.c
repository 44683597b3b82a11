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

static void event_namespace(struct fielderrs *e, const json_t *obj, bool is_new)
{
    const char *about = text(event_member(obj, is_new, "involvedObject"), "namespace"), *own = obj_namespace(obj);
    bool fine = *about ? streq(about, own) : streq(own, "default") || !*own;

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

    event_series(e, member(obj, "series"));
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

static void event_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    bool is_new = *k->res.group != '\0', timed = member(obj, "eventTime") != NULL;
    const char *type = text(obj, "type");

    event_namespace(e, obj, is_new);
    if (timed)
        event_new_style(e, obj, is_new);
    if (!is_new)
        return;
    if (!timed)
        fielderr_required(e, RULE_AT("eventTime"), "");
    if (!streq(type, "Normal") && !streq(type, "Warning"))
        fielderr_invalid_str(e, RULE_AT("type"), "", "has invalid value: %s", type);
    event_leftovers(e, obj);
}

const struct kind_ops event_ops = { .validate = event_validate };
const struct kind_ops new_event_ops = { .validate = event_validate, .from_storage = event_from_storage,
                                        .to_storage = event_to_storage };
