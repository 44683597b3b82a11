#include "kube/crd_rules.h"

#include "kube/json.h"

#define DEPTH_MAX 200

static bool has(const json_t *o, const char *key)
{
    return json_object_get(o, key) != NULL;
}

static bool has_text(const json_t *o, const char *key)
{
    return json_string_length(json_object_get(o, key)) > 0;
}

/* has(self.f) == has(oldSelf.f) && (!has(self.f) || self.f == oldSelf.f) */
static bool unchanged_member(const json_t *self, const json_t *old, const char *key)
{
    const json_t *now = json_object_get(self, key), *was = json_object_get(old, key);

    return !now == !was && (!now || json_same(now, was));
}

static bool unchanged(const json_t *self, const json_t *old)
{
    return json_same(self, old);
}

static bool parameters_unchanged(const json_t *self, const json_t *old)
{
    return unchanged_member(self, old, "parameters");
}

static bool volume_claim_templates_unchanged(const json_t *self, const json_t *old)
{
    return unchanged_member(self, old, "volumeClaimTemplates");
}

static bool snapshot_spec_unchanged(const json_t *self, const json_t *old)
{
    static const char *const members[] = { "driverName", "snapshotUID", "sourceSandbox", "snapshotClassName",
                                           "snapshotProviderName", "snapshotClaimName", "sourcePodUID",
                                           "parameters", "driverMetadata" };

    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        if (!unchanged_member(self, old, members[i]))
            return false;
    return true;
}

static bool one_backend(const json_t *self, const json_t *old)
{
    (void)old;
    return !(has(self, "s3") && has(self, "gcs"));
}

static bool hibernate_has_its_block(const json_t *self, const json_t *old)
{
    const char *type = json_string_value(json_object_get(self, "type"));

    (void)old;
    return !type || !streq(type, "Hibernate") || has(self, "hibernate");
}

static bool one_reference(const json_t *self, const json_t *old)
{
    (void)old;
    return has(self, "snapshotProviderRef") + has_text(self, "snapshotClaimName") +
               has_text(self, "snapshotClaimTemplateName") <= 1;
}

static bool class_or_provider(const json_t *self, const json_t *old)
{
    (void)old;
    return has_text(self, "snapshotClassName") != has_text(self, "snapshotProviderName");
}

static bool uid_or_checkpoint(const json_t *self, const json_t *old)
{
    (void)old;
    return has_text(self, "snapshotUID") || has_text(self, "checkpointID");
}

static const struct known_rule {
    const char *start;                 /* the rule's text; "..." at the end: it starts so */
    bool transition;
    bool (*holds)(const json_t *self, const json_t *old);
} known_rules[] = {
    { "self == oldSelf", true, unchanged },
    { "has(self.parameters) == has(oldSelf.parameters) && (!has(self.parameters) || self.parameters == "
      "oldSelf.parameters)", true, parameters_unchanged },
    { "has(self.volumeClaimTemplates) == has(oldSelf.volumeClaimTemplates) && "
      "(!has(self.volumeClaimTemplates) || self.volumeClaimTemplates == oldSelf.volumeClaimTemplates)", true,
      volume_claim_templates_unchanged },
    { "self.driverName == oldSelf.driverName && self.snapshotUID == oldSelf.snapshotUID && ...", true,
      snapshot_spec_unchanged },
    { "!(has(self.s3) && has(self.gcs))", false, one_backend },
    { "self.type != 'Hibernate' || has(self.hibernate)", false, hibernate_has_its_block },
    { "(has(self.snapshotProviderRef) ? 1 : 0) + (has(self.snapshotClaimName) && "
      "size(self.snapshotClaimName) > 0 ? 1 : 0) + (has(self.snapshotClaimTemplateName) && "
      "size(self.snapshotClaimTemplateName) > 0 ? 1 : 0) <= 1", false, one_reference },
    { "(has(self.snapshotClassName) && size(self.snapshotClassName) > 0) != "
      "(has(self.snapshotProviderName) && size(self.snapshotProviderName) > 0)", false, class_or_provider },
    { "(has(self.snapshotUID) && size(self.snapshotUID) > 0) || (has(self.checkpointID) && "
      "size(self.checkpointID) > 0)", false, uid_or_checkpoint },
};

static bool is_rule(const struct known_rule *k, const char *text)
{
    size_t len = strlen(k->start);

    return str_ends(k->start, "...") ? strncmp(text, k->start, len - 3) == 0 : streq(text, k->start);
}

static const struct known_rule *find_rule(const char *text)
{
    for (size_t i = 0; text && i < ARRAY_SIZE(known_rules); i++)
        if (is_rule(&known_rules[i], text))
            return &known_rules[i];
    return NULL;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static void check_here(const json_t *node, const struct fpath *path, const json_t *obj, const json_t *old,
                       struct fielderrs *errs)
{
    const json_t *rule;
    size_t i;

    json_array_foreach (json_object_get(node, "x-kubernetes-validations"), i, rule) {
        const struct known_rule *k = find_rule(text_of(rule, "rule"));
        const char *type = text_of(node, "type"), *message = text_of(rule, "message");
        if (!k || (k->transition && !old) || k->holds(obj, old))
            continue;
        if (!*message)
            message = arena_printf(errs->arena, "failed rule: %s", text_of(rule, "rule"));
        fielderr_invalid_raw(errs, path, arena_printf(errs->arena, "\"%s\"", type), "%s", message);
    }
}

/* No deeper than the schema, which is no deeper than a definition may be. Elements of lists have no before:
 * which one they were nobody says. */
static void check(const json_t *node, const struct fpath *path, const json_t *obj, const json_t *old,
                  struct fielderrs *errs, int depth)
{
    const json_t *properties = json_object_get(node, "properties");
    const json_t *items = json_object_get(node, "items");
    const json_t *values = json_object_get(node, "additionalProperties");
    const char *key;
    json_t *member;
    size_t i;

    if (!obj || json_is_null(obj) || depth > DEPTH_MAX)
        return;
    check_here(node, path, obj, old, errs);
    if (json_is_object(obj)) {
        json_object_foreach ((json_t *)obj, key, member) {
            const json_t *below = json_object_get(properties, key);
            if (below)
                check(below, FP_CHILD(path, key), member, json_object_get(old, key), errs, depth + 1);
            else if (json_is_object(values))
                check(values, FP_KEY(path, key), member, json_object_get(old, key), errs, depth + 1);
        }
    } else if (json_is_array(obj) && json_is_object(items)) {
        json_array_foreach (obj, i, member)
            check(items, FP_INDEX(path, i), member, NULL, errs, depth + 1);
    }
}

void crd_rules_check(const json_t *openapi, const struct fpath *path, const json_t *obj, const json_t *old,
                     struct fielderrs *errs)
{
    check(openapi, path, obj, old, errs, 0);
}
