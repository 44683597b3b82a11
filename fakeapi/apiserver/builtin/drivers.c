/* StorageClasses, CSIDrivers, CSINodes and VolumeAttachments (G.3, B-178, H-103). */
#include "fakeapi/apiserver/builtin/warnings.h"

#include <ctype.h>

#define SPEC RULE_AT("spec")

/* ---- StorageClass ---------------------------------------------------------------------------------- */

static void no_value_twice(struct fielderrs *e, const json_t *list, const struct fpath *path)
{
    size_t i, k;
    json_t *v;

    json_array_foreach(list, i, v) {
        for (k = 0; k < i && !json_same(v, json_array_get(list, k)); k++)
            ;
        if (k < i)
            fielderr_duplicate(e, FP_INDEX(path, i), v);
    }
}

static void class_topologies(struct fielderrs *e, const json_t *list)
{
    size_t i, n;
    json_t *term, *req;

    json_array_foreach(list, i, term)
        json_array_foreach(json_object_get(term, "matchLabelExpressions"), n, req) {
            const struct fpath *at = FP_INDEX(FP_CHILD(FP_INDEX(RULE_AT("allowedTopologies"), i),
                                                       "matchLabelExpressions"), n);
            if (!json_array_size(json_object_get(req, "values")))
                fielderr_required(e, FP_CHILD(at, "values"), "");
            no_value_twice(e, json_object_get(req, "values"), FP_CHILD(at, "values"));
            rule_name(e, FP_CHILD(at, "key"), NAME_QUALIFIED, text(req, "key"));
        }
}

static void class_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char *const policies[] = { "Delete", "Retain", NULL };
    static const char *const bindings[] = { "Immediate", "WaitForFirstConsumer", NULL };

    if (rule_required_text(e, obj, NULL, "provisioner"))
        rule_name(e, RULE_AT("provisioner"), NAME_QUALIFIED, rule_lower(e->arena, text(obj, "provisioner")));
    if (json_object_get(json_object_get(obj, "parameters"), ""))
        fielderr_invalid_str(e, RULE_AT("parameters"), "", "field can not be empty.");
    rule_one_of(e, obj, NULL, "reclaimPolicy", policies);
    rule_one_of(e, obj, NULL, "volumeBindingMode", bindings);
    class_topologies(e, member(obj, "allowedTopologies"));
}

static void class_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                         const json_t *old, struct fielderrs *e)
{
    static const char *const forbidden[] = { "parameters", "provisioner", "reclaimPolicy" };

    class_validate(c, k, obj, e);
    for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
        if (!json_same(member(obj, forbidden[i]), member(old, forbidden[i])))
            fielderr_forbidden(e, RULE_AT(forbidden[i]), "updates to %s are forbidden.", forbidden[i]);
    rule_immutable(e, RULE_AT("volumeBindingMode"), member(obj, "volumeBindingMode"), member(old, "volumeBindingMode"));
}

const struct kind_ops storageclass_ops = { .validate = class_validate, .validate_update = class_update,
                                      .warn = storageclass_warn };

/* ---- CSIDriver, CSINode ---------------------------------------------------------------------------- */

static void driver_tokens(struct fielderrs *e, const json_t *list)
{
    size_t i, n;
    json_t *t;

    json_array_foreach(list, i, t) {
        const struct fpath *at = FP_INDEX(FP_CHILD(SPEC, "tokenRequests"), i);
        int64_t lasts = obj_int(t, "expirationSeconds", 600);
        for (n = 0; n < i && !streq(text(json_array_get(list, n), "audience"), text(t, "audience")); n++)
            ;
        if (n < i)
            fielderr_duplicate_str(e, FP_CHILD(at, "audience"), text(t, "audience"));
        else if (lasts < 600)
            fielderr_invalid_int(e, FP_CHILD(at, "expirationSeconds"), lasts,
                                 "may not specify a duration less than 10 minutes");
        else if (lasts > (int64_t)1 << 32)
            fielderr_invalid_int(e, FP_CHILD(at, "expirationSeconds"), lasts,
                                 "may not specify a duration larger than 2^32 seconds");
    }
}

static void driver_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    static const char *const groups[] = { "File", "None", "ReadWriteOnceWithFSType", NULL };
    static const char *const lives[] = { "Persistent", "Ephemeral", NULL };
    const json_t *spec = json_object_get(obj, "spec");
    size_t i;
    json_t *v;

    rule_one_of(e, spec, SPEC, "fsGroupPolicy", groups);
    driver_tokens(e, member(spec, "tokenRequests"));
    json_array_foreach(json_object_get(spec, "volumeLifecycleModes"), i, v)
        if (!among(lives, json_string_value(v)))
            fielderr_not_supported(e, FP_CHILD(SPEC, "volumeLifecycleModes"), v, lives);
}

static void driver_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                          const json_t *old, struct fielderrs *e)
{
    static const struct { const char *name, *shown; } fixed[] = {
        { "attachRequired", "attachedRequired" }, { "volumeLifecycleModes", "volumeLifecycleModes" },
    };

    driver_validate(c, k, obj, e);
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
        rule_immutable(e, FP_CHILD(SPEC, fixed[i].shown), member(json_object_get(obj, "spec"), fixed[i].name),
                       member(json_object_get(old, "spec"), fixed[i].name));
}

const struct kind_ops csidriver_ops = { .validate = driver_validate, .validate_update = driver_update };

void rule_csi_driver(struct fielderrs *e, const char *name, const struct fpath *at)
{
    struct name_problems p;

    if (!*name)
        fielderr_required(e, at, "");
    if (strlen(name) > 63)
        fielderr_too_long(e, at, 63);
    name_check_str(NAME_DNS1123_SUBDOMAIN, rule_lower(e->arena, name), &p);
    for (size_t i = 0; i < p.n; i++)
        fielderr_invalid_str(e, at, name, "%s", p.v[i]);
}

static void csinode_topology(struct fielderrs *e, const json_t *keys, const struct fpath *at)
{
    size_t i, n;
    json_t *key;

    json_array_foreach(keys, i, key) {
        if (!json_string_length(key))
            fielderr_required(e, at, "");
        for (n = 0; n < i && !json_same(key, json_array_get(keys, n)); n++)
            ;
        if (n < i)
            fielderr_duplicate(e, at, key);
        rule_name(e, at, NAME_QUALIFIED, json_string_value(key));
    }
}

static void csinode_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *list = json_path(obj, "spec.drivers");
    size_t i;
    json_t *d;

    json_array_foreach(list, i, d) {
        const struct fpath *at = FP_INDEX(FP_CHILD(SPEC, "drivers"), i);
        rule_csi_driver(e, text(d, "name"), FP_CHILD(at, "name"));
        rule_required_text(e, d, at, "nodeID");
        if (strlen(text(d, "nodeID")) > 256)
            fielderr_invalid_str(e, FP_CHILD(at, "nodeID"), text(d, "nodeID"), "must be 256 characters or less");
        rule_not_negative(e, member(d, "allocatable"), FP_CHILD(at, "allocatable"), "count");
        if (name_before(list, i, text(d, "name")))
            fielderr_duplicate_str(e, FP_CHILD(at, "name"), text(d, "name"));
        csinode_topology(e, member(d, "topologyKeys"), at);
    }
}

RULE_TWICE(csinode_update, csinode_validate)

const struct kind_ops csinode_ops = { .validate = csinode_validate, .validate_update = csinode_update };

/* ---- VolumeAttachment ------------------------------------------------------------------------------ */

static void attachment_source(struct fielderrs *e, const json_t *source)
{
    static const char one[] = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    const struct fpath *at = FP_CHILD(SPEC, "source");
    bool inlined = member(source, "inlineVolumeSpec"), named = member(source, "persistentVolumeName");

    if (!inlined && !named)
        fielderr_required(e, at, one);
    else if (inlined && named)
        fielderr_forbidden(e, at, "%s", one);
    else if (named && !*text(source, "persistentVolumeName"))
        fielderr_required(e, FP_CHILD(at, "persistentVolumeName"), "must specify non empty persistentVolumeName");
}

static void attachment_checks(struct fielderrs *e, const json_t *obj)
{
    const json_t *spec = json_object_get(obj, "spec");

    rule_required_text(e, spec, SPEC, "attacher");
    attachment_source(e, member(spec, "source"));
    rule_name(e, FP_CHILD(SPEC, "nodeName"), NAME_DNS1123_SUBDOMAIN, text(spec, "nodeName"));
}

/* What v1 asks for beyond what older versions did. */
static void attachment_names(struct fielderrs *e, const json_t *spec)
{
    const json_t *volume = member(member(spec, "source"), "persistentVolumeName");
    const char *name = text(spec, "attacher");

    rule_csi_driver(e, name, FP_CHILD(SPEC, "attacher"));
    if (volume)
        rule_name(e, FP_CHILD(FP_CHILD(SPEC, "source"), "persistentVolumeName"), NAME_DNS1123_SUBDOMAIN,
                  json_string_value(volume));
}

static void attachment_validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    attachment_checks(e, obj);
    attachment_names(e, json_object_get(obj, "spec"));
}

static void attachment_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                              const json_t *old, struct fielderrs *e)
{
    attachment_checks(e, obj);
    if (json_same(json_object_get(obj, "spec"), json_object_get(old, "spec")))
        return;
    json_auto_t *shown = internal_view("storage.VolumeAttachmentSpec", json_object_get(obj, "spec"));
    fielderr_invalid(e, SPEC, shown, "field is immutable");
}

const struct kind_ops attachment_ops = { .validate = attachment_validate, .validate_update = attachment_update };
