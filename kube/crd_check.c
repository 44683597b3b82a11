#include "kube/crd_check.h"

#include <stdio.h>

#include "kube/crd_text.h"
#include "kube/formats.h"
#include "kube/hook_check.h"
#include "kube/names.h"
#include "kube/object.h"

#define SPEC FP_CHILD(NULL, "spec")
#define APPROVED "api-approved.kubernetes.io"
#define APPROVED_SEE "see https://github.com/kubernetes/enhancements/pull/1111"

enum { SELECTABLE_MAX = 8, WARNING_MAX = 256 };

/* ---- small rules ----------------------------------------------------------------------------------- */

static const char *joined(struct arena *a, const struct name_problems *p)
{
    const char *text = p->n ? p->v[0] : "";

    for (size_t i = 1; i < p->n; i++)
        text = arena_printf(a, "%s,%s", text, p->v[i]);
    return text;
}

/* A DNS-1035 label; with mixed case where that is said. */
static void check_label(struct fielderrs *errs, const struct fpath *path, const char *value, bool mixed)
{
    struct name_problems problems;
    char *lower = arena_strdup(errs->arena, value);

    for (char *c = lower; mixed && *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    if (!name_check_str(NAME_DNS1035_LABEL, lower, &problems))
        fielderr_invalid_str(errs, path, value, "%s%s",
                             mixed ? "may have mixed case, but should otherwise match: " : "",
                             joined(errs->arena, &problems));
}

static void check_one_of(struct fielderrs *errs, const struct fpath *path, const char *value, const char *const *allowed)
{
    if (!*value) {
        fielderr_required(errs, path, "");
        return;
    }
    for (size_t i = 0; allowed[i]; i++)
        if (streq(allowed[i], value))
            return;
    json_auto_t *v = json_string(value);
    fielderr_not_supported(errs, path, v, allowed);
}

/* "a.b.c" after the first '.': false with an error where it is no such path. */
static bool simple_path(struct fielderrs *errs, const struct fpath *path, const char *value)
{
    if (value[0] == '.')
        return true;
    fielderr_invalid_str(errs, path, value, "must be a simple json path starting with .");
    return false;
}

/* ---- what versions share ------------------------------------------------------------------------------ */

/* A member that is the same in all versions stands, for errors, beside them and not in them. */
struct shared {
    bool schema, subresources, columns, selectable;
    const struct cel_env *cel;         /* NULL: expressions are not looked at */
    const json_t *before;              /* the versions before an update */
};

static bool all_same(const json_t *versions, const char *key)
{
    const json_t *first = json_object_get(json_array_get(versions, 0), key);

    for (size_t i = 1; i < json_array_size(versions); i++)
        if (!json_same(first, json_object_get(json_array_get(versions, i), key)))
            return false;
    return json_array_size(versions) > 0;
}

static struct shared shared_of(const json_t *versions, const json_t *before, const struct cel_env *cel)
{
    return (struct shared){ .schema = all_same(versions, "schema"), .subresources = all_same(versions, "subresources"),
                            .columns = all_same(versions, "additionalPrinterColumns"),
                            .selectable = all_same(versions, "selectableFields"), .cel = cel, .before = before };
}

/* Had the version of that name the same schema before? */
static bool schema_unchanged(const struct shared *shared, const json_t *version)
{
    size_t i;
    json_t *v;

    json_array_foreach ((json_t *)shared->before, i, v)
        if (streq(obj_str(v, "name"), obj_str(version, "name")))
            return json_same(json_object_get(v, "schema"), json_object_get(version, "schema"));
    return false;
}

/* ---- columns, subresources, selectable fields ------------------------------------------------------------- */

static const char *const column_types[] = { "boolean", "date", "integer", "number", "string", NULL };
static const char *const column_formats[] = { "byte", "date", "date-time", "double", "float", "int32", "int64",
                                              "password", NULL };

static bool in_list(const char *const *list, const char *s)
{
    for (; *list; list++)
        if (streq(*list, s))
            return true;
    return false;
}

static void check_columns(struct fielderrs *errs, const struct fpath *path, const json_t *columns)
{
    size_t i;
    json_t *column;

    json_array_foreach ((json_t *)columns, i, column) {
        const struct fpath *at = FP_INDEX(FP_CHILD(path, "additionalPrinterColumns"), i);
        const char *type = obj_str(column, "type"), *format = obj_str(column, "format"), *where = obj_str(column, "jsonPath");
        if (!*obj_str(column, "name"))
            fielderr_required(errs, FP_CHILD(at, "name"), "");
        if (!*type)
            fielderr_required(errs, FP_CHILD(at, "type"), "must be one of boolean,date,integer,number,string");
        else if (!in_list(column_types, type))
            fielderr_invalid_str(errs, FP_CHILD(at, "type"), type, "must be one of boolean,date,integer,number,string");
        if (*format && !in_list(column_formats, format))
            fielderr_invalid_str(errs, FP_CHILD(at, "format"), format,
                                 "must be one of byte,date,date-time,double,float,int32,int64,password");
        if (!*where)
            fielderr_required(errs, FP_CHILD(at, "JSONPath"), "");
        else
            simple_path(errs, FP_CHILD(at, "JSONPath"), where);
    }
}

static void check_replicas_path(struct fielderrs *errs, const struct fpath *path, const json_t *scale, const char *key,
                                const char *under)
{
    const struct fpath *at = FP_CHILD(FP_CHILD(path, "scale"), key);
    const char *value = obj_str(scale, key);

    if (!*value)
        fielderr_required(errs, at, "");
    else if (simple_path(errs, at, value)
             && (strncmp(value, under, strlen(under)) != 0 || value[strlen(under)] != '.'))
        fielderr_invalid_str(errs, at, value, "should be a json path under %s", under);
}

static void check_subresources(struct fielderrs *errs, const struct fpath *parent, const json_t *subresources)
{
    const struct fpath *path = FP_CHILD(parent, "subresources"), *at = FP_CHILD(FP_CHILD(path, "scale"), "labelSelectorPath");
    const json_t *scale = json_object_get(subresources, "scale");
    const char *selector = obj_str(scale, "labelSelectorPath");

    if (!scale)
        return;
    check_replicas_path(errs, path, scale, "specReplicasPath", ".spec");
    check_replicas_path(errs, path, scale, "statusReplicasPath", ".status");
    if (*selector && simple_path(errs, at, selector) && !str_starts(selector, ".spec.") && !str_starts(selector, ".status."))
        fielderr_invalid_str(errs, at, selector, "should be a json path under either .spec or .status");
}

/* What a path of plain names leads to; NULL with the reason. */
static const json_t *schema_at(struct arena *a, const json_t *schema, const char *path, const char **ret_wrong)
{
    const char *at = path;

    if (*at != '.') {
        *ret_wrong = arena_printf(a, "is an invalid path: expected [ or . but got: %.*s", (int)strcspn(at, ".["), at);
        return NULL;
    }
    while (*at == '.') {
        size_t len = strcspn(++at, ".[");
        if (!*at) {
            *ret_wrong = "is an invalid path: unexpected end of JSON path";
            return NULL;
        }
        const char *name = arena_strndup(a, at, len);
        const json_t *next = json_object_get(json_object_get(schema, "properties"), name);
        if (at[len] == '[') {
            *ret_wrong = "is an invalid path: array notation is not allowed";
            return NULL;
        }
        if (!next || str_starts(path, ".metadata")) {
            *ret_wrong = "is an invalid path: does not refer to a valid field";
            return NULL;
        }
        schema = next;
        at += len;
    }
    return schema;
}

static void check_selectable(struct fielderrs *errs, const struct fpath *parent, const json_t *fields, const json_t *schema)
{
    const struct fpath *path = FP_CHILD(parent, "selectableFields");
    size_t i, k, different = 0;
    json_t *field;

    json_array_foreach ((json_t *)fields, i, field) {
        const struct fpath *at = FP_CHILD(FP_INDEX(path, i), "jsonPath");
        const char *where = obj_str(field, "jsonPath"), *wrong = NULL, *type;
        bool again = false;
        if (!*where) {
            fielderr_required(errs, at, "");
            continue;
        }
        const json_t *node = schema_at(errs->arena, schema, where, &wrong);
        if (!node) {
            fielderr_invalid_str(errs, at, where, "%s", wrong);
            continue;
        }
        type = obj_str(node, "type");
        if (!streq(type, "string") && !streq(type, "boolean") && !streq(type, "integer"))
            fielderr_invalid_str(errs, at, where, "must point to a field of type string, boolean or integer. Enum string "
                                 "fields and strings with formats are allowed.");
        for (k = 0; k < i; k++)
            again = again || streq(obj_str(json_array_get(fields, k), "jsonPath"), where);
        if (again)
            fielderr_duplicate_str(errs, at, where);
        else
            different++;
    }
    if (different > SELECTABLE_MAX)
        fielderr_too_many(errs, path, (int64_t)different, SELECTABLE_MAX);
}

/* A real server has what all versions agree on in one place for all of them, and looks a field up in the schema of the
 * same place only: fields and schema must both be shared, or neither. */
static void check_selectable_in(struct fielderrs *errs, const struct fpath *parent, const json_t *version, bool schema_is_there,
                                const char *otherwise)
{
    const json_t *fields = json_object_get(version, "selectableFields");

    if (schema_is_there)
        check_selectable(errs, parent, fields, json_path(version, "schema.openAPIV3Schema"));
    else if (json_array_size(fields))
        fielderr_invalid_str(errs, FP_CHILD(parent, "selectableFields"), "", "%s", otherwise);
}

/* ---- versions -------------------------------------------------------------------------------------------- */

static void check_warning(struct fielderrs *errs, const struct fpath *path, const json_t *version)
{
    const json_t *v = json_object_get(version, "deprecationWarning");
    const struct fpath *at = FP_CHILD(path, "deprecationWarning");
    size_t len = json_string_length(v);

    if (!v)
        return;
    if (!obj_bool(version, "deprecated", false)) {
        fielderr_invalid(errs, at, v, "can only be set for deprecated versions");
        return;
    }
    if (len > WARNING_MAX)
        fielderr_invalid(errs, at, v, "must be <= 256 characters long");
    if (len == 0)
        fielderr_invalid(errs, at, v, "must not be an empty string");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)json_string_value(v)[i];
        if (c < 0x20 || c == 0x7f) {
            fielderr_invalid(errs, at, v, "must only contain printable UTF-8 characters; non-printable character found "
                             "at index %zu", i);
            return;
        }
    }
}

static bool has_status(const json_t *version)
{
    return json_object_get(json_object_get(version, "subresources"), "status") != NULL;
}

static const json_t *schema_of(const json_t *version)
{
    return json_path(version, "schema.openAPIV3Schema");
}

static void check_schema(struct fielderrs *errs, const struct fpath *path, const json_t *version, const struct shared *shared,
                         bool status_enabled)
{
    struct crd_check_options o = { .cel = shared->cel, .status_enabled = status_enabled,
                                   .unchanged = schema_unchanged(shared, version) };

    crd_check_schema(schema_of(version), FP_CHILD(path, "openAPIV3Schema"), &o, errs);
}

static void check_version(struct fielderrs *errs, const struct fpath *path, const json_t *version,
                          const struct shared *shared)
{
    struct name_problems problems;

    if (!name_check_json(NAME_DNS1035_LABEL, json_object_get(version, "name"), &problems))
        fielderr_invalid_str(errs, FP_CHILD(path, "name"), obj_str(version, "name"), "%s", joined(errs->arena, &problems));
    check_warning(errs, path, version);
    if (!shared->schema && schema_of(version))
        check_schema(errs, FP_CHILD(path, "schema"), version, shared, has_status(version));
    if (!shared->subresources)
        check_subresources(errs, path, json_object_get(version, "subresources"));
    if (!shared->columns)
        check_columns(errs, path, json_object_get(version, "additionalPrinterColumns"));
    if (!shared->selectable)
        check_selectable_in(errs, path, version, !shared->schema,
                            "may only be set when `version.schema.openAPIV3Schema` is not included");
}

static void check_versions(struct fielderrs *errs, const json_t *versions, const struct shared *shared)
{
    const struct fpath *path = FP_CHILD(SPEC, "versions");
    struct crd_text_hidden hidden = { shared->schema, shared->subresources, shared->columns, shared->selectable };
    size_t storages = 0, i, k;
    bool unique = true;
    json_t *v;

    json_array_foreach ((json_t *)versions, i, v)
        if (!schema_of(v))
            fielderr_required(errs, FP_CHILD(FP_CHILD(FP_INDEX(path, i), "schema"), "openAPIV3Schema"), "");
    json_array_foreach ((json_t *)versions, i, v) {
        storages += obj_bool(v, "storage", false);
        for (k = 0; k < i; k++)
            unique = unique && !streq(obj_str(json_array_get(versions, k), "name"), obj_str(v, "name"));
        check_version(errs, FP_INDEX(path, i), v, shared);
    }
    if (!unique)
        fielderr_invalid_raw(errs, path, crd_versions_text(errs->arena, versions, &hidden), "must contain unique version names");
    if (storages != 1)
        fielderr_invalid_raw(errs, path, crd_versions_text(errs->arena, versions, &hidden),
                             "must have exactly one version marked as storage version");
    const char *first = obj_str(json_array_get(versions, 0), "name");
    if (*first)
        check_label(errs, FP_CHILD(SPEC, "version"), first, false);
}

/* ---- names, group, conversion ------------------------------------------------------------------------------- */

static void check_names(struct fielderrs *errs, const struct fpath *path, const json_t *names)
{
    static const char *const keys[] = { "plural", "singular", "kind", "listKind" };
    const char *kind = obj_str(names, "kind");
    size_t i;
    json_t *v;

    for (i = 0; i < ARRAY_SIZE(keys); i++)
        if (*obj_str(names, keys[i]))
            check_label(errs, FP_CHILD(path, keys[i]), obj_str(names, keys[i]), i >= 2);
    json_array_foreach (json_object_get(names, "shortNames"), i, v)
        check_label(errs, FP_INDEX(FP_CHILD(path, "shortNames"), i), json_string_value(v) ? json_string_value(v) : "", false);
    if (*kind && streq(kind, obj_str(names, "listKind")))
        fielderr_invalid_str(errs, FP_CHILD(path, "listKind"), kind, "kind and listKind may not be the same");
    json_array_foreach (json_object_get(names, "categories"), i, v)
        check_label(errs, FP_INDEX(FP_CHILD(path, "categories"), i), json_string_value(v) ? json_string_value(v) : "", false);
}

static void check_group(struct fielderrs *errs, const char *group)
{
    const struct fpath *path = FP_CHILD(SPEC, "group");
    struct name_problems problems;

    if (!*group)
        fielderr_required(errs, path, "");
    else if (!name_check_str(NAME_DNS1123_SUBDOMAIN, group, &problems))
        fielderr_invalid_str(errs, path, group, "%s", joined(errs->arena, &problems));
    else if (!strchr(group, '.'))
        fielderr_invalid_str(errs, path, group, "should be a domain with at least one dot");
}

static void check_conversion(struct fielderrs *errs, const json_t *conversion, const json_t *old)
{
    static const char *const strategies[] = { "None", "Webhook", NULL };
    const struct fpath *path = FP_CHILD(SPEC, "conversion"), *client = FP_CHILD(path, "webhookClientConfig");
    const json_t *webhook = json_object_get(conversion, "webhook"), *config = json_object_get(webhook, "clientConfig");
    const json_t *bundle = json_object_get(config, "caBundle");

    if (!conversion)
        return;
    check_one_of(errs, FP_CHILD(path, "strategy"), obj_str(conversion, "strategy"), strategies);
    if (!streq(obj_str(conversion, "strategy"), "Webhook")) {
        if (config)
            fielderr_forbidden(errs, client, "should not be set when strategy is not set to Webhook");
        if (json_array_size(json_object_get(webhook, "conversionReviewVersions")))
            fielderr_forbidden(errs, FP_CHILD(path, "conversionReviewVersions"),
                               "should not be set when strategy is not set to Webhook");
        return;
    }
    if (!config)
        fielderr_required(errs, client, "required when strategy is set to Webhook");
    else
        hook_check_place(errs, client, client, config);
    /* At first a bundle that is none only keeps the definition from being served. */
    const char *why = old ? hook_ca_problem(errs->arena, bundle) : NULL;
    if (why && !hook_ca_problem(errs->arena, json_path(old, "webhook.clientConfig.caBundle")))
        fielderr_invalid(errs, FP_CHILD(client, "caBundle"), bundle, "%s", why);
    hook_check_versions(errs, FP_CHILD(path, "conversionReviewVersions"),
                        json_object_get(webhook, "conversionReviewVersions"), "", true);
}

/* ---- status, approval ------------------------------------------------------------------------------------------ */

static bool version_before(const json_t *versions, size_t i)
{
    const char *name = obj_str(json_array_get(versions, i), "name");

    for (size_t k = 0; k < i; k++)
        if (streq(obj_str(json_array_get(versions, k), "name"), name))
            return true;
    return false;
}

static void check_stored(struct fielderrs *errs, const json_t *stored, const json_t *versions)
{
    const struct fpath *path = FP_CHILD(FP_CHILD(NULL, "status"), "storedVersions");
    size_t i, k;
    json_t *v, *s;

    if (!json_array_size(stored)) {
        fielderr_invalid_raw(errs, path, "null", "must have at least one stored version");
        return;
    }
    json_array_foreach ((json_t *)versions, i, v) {
        bool there = false;
        /* a stored one answers for one version, not for a second of its name */
        json_array_foreach (version_before(versions, i) ? NULL : (json_t *)stored, k, s)
            there = there || streq(json_string_value(s), obj_str(v, "name"));
        if (!there && obj_bool(v, "storage", false))
            fielderr_invalid(errs, path, stored, "must have the storage version %s", obj_str(v, "name"));
    }
    json_array_foreach ((json_t *)stored, k, s) {
        bool there = false;
        const char *name = json_string_value(s);
        json_array_foreach ((json_t *)versions, i, v)
            there = there || streq(name, obj_str(v, "name"));
        if (!there)
            fielderr_invalid(errs, FP_INDEX(path, k), s, "missing from spec.versions; %s was previously a storage version, "
                             "and must remain in spec.versions until a storage migration ensures no data remains "
                             "persisted in %s and removes %s from status.storedVersions", name, name, name);
    }
}

static bool in_domain(const char *group, const char *domain)
{
    size_t n = strlen(group), m = strlen(domain);

    return streq(group, domain) || (n > m && group[n - m - 1] == '.' && streq(group + n - m, domain));
}

static void check_approval(struct fielderrs *errs, const json_t *crd, const json_t *old)
{
    const char *group = obj_str(crd, "spec.group"), *value = obj_annotation(crd, APPROVED);
    const struct fpath *path = FP_KEY(FP_CHILD(FP_CHILD(NULL, "metadata"), "annotations"), APPROVED);
    const char *before = old ? obj_annotation(old, APPROVED) : NULL;

    if (!in_domain(group, "k8s.io") && !in_domain(group, "kubernetes.io"))
        return;
    if (old && streq(before ? before : "", value ? value : ""))
        return;
    if (str_empty(value))
        fielderr_required(errs, path, "protected groups must have approval annotation \"" APPROVED "\", " APPROVED_SEE);
    else if (!str_starts(value, "unapproved") && !strstr(value, "://"))
        fielderr_invalid_str(errs, path, value, "protected groups must have approval annotation \"" APPROVED
                             "\" with either a URL or a reason starting with \"unapproved\", " APPROVED_SEE);
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static void check_name(struct fielderrs *errs, const json_t *crd)
{
    const char *name = obj_name(crd);
    const char *want = arena_printf(errs->arena, "%s.%s", obj_str(crd, "spec.names.plural"), obj_str(crd, "spec.group"));

    if (*obj_generate_name(crd) && !streq(obj_generate_name(crd), want))
        fielderr_invalid_str(errs, FP_CHILD(FP_CHILD(NULL, "metadata"), "generateName"), obj_generate_name(crd),
                             "must be spec.names.plural+\".\"+spec.group");
    if (*name && !streq(name, want))
        fielderr_invalid_str(errs, FP_CHILD(FP_CHILD(NULL, "metadata"), "name"), name,
                             "must be spec.names.plural+\".\"+spec.group");
}

static void check_shared(struct fielderrs *errs, const json_t *versions, const struct shared *shared)
{
    const json_t *first = json_array_get(versions, 0);
    bool status = false;
    size_t i;
    json_t *v;

    json_array_foreach ((json_t *)versions, i, v)
        status = status || has_status(v);
    if (shared->schema && schema_of(first))
        check_schema(errs, FP_CHILD(SPEC, "validation"), first, shared, status);
    if (shared->subresources)
        check_subresources(errs, SPEC, json_object_get(first, "subresources"));
    if (shared->columns)
        check_columns(errs, SPEC, json_object_get(first, "additionalPrinterColumns"));
    if (shared->selectable)
        check_selectable_in(errs, SPEC, first, shared->schema && schema_of(first),
                            "may only be set when validations.schema is included");
}

static void check_unchanged(struct fielderrs *errs, const struct fpath *path, const char *now, const char *before)
{
    if (!streq(now, before))
        fielderr_invalid_str(errs, path, now, "field is immutable");
}

static void check_update(struct fielderrs *errs, const json_t *crd, const json_t *old)
{
    const struct fpath *names = FP_CHILD(SPEC, "names");

    if (obj_condition_true(old, "Established")) {
        check_unchanged(errs, FP_CHILD(SPEC, "scope"), obj_str(crd, "spec.scope"), obj_str(old, "spec.scope"));
        check_unchanged(errs, FP_CHILD(names, "kind"), obj_str(crd, "spec.names.kind"), obj_str(old, "spec.names.kind"));
    }
    check_unchanged(errs, FP_CHILD(SPEC, "group"), obj_str(crd, "spec.group"), obj_str(old, "spec.group"));
    check_unchanged(errs, FP_CHILD(names, "plural"), obj_str(crd, "spec.names.plural"), obj_str(old, "spec.names.plural"));
}

void crd_check_status(const json_t *crd, struct fielderrs *errs)
{
    check_names(errs, FP_CHILD(FP_CHILD(NULL, "status"), "acceptedNames"), json_path(crd, "status.acceptedNames"));
}

void crd_check(const json_t *crd, const json_t *old, const struct cel_env *cel, struct fielderrs *errs)
{
    static const char *const scopes[] = { "Cluster", "Namespaced", NULL };
    static const char *const needed[] = { "plural", "singular", "kind", "listKind" };
    const json_t *spec = json_object_get(crd, "spec"), *versions = json_object_get(spec, "versions");
    const json_t *names = json_object_get(spec, "names"), *preserve = json_object_get(spec, "preserveUnknownFields");
    struct shared shared = shared_of(versions, json_path(old, "spec.versions"), cel);

    if (!old)
        check_name(errs, crd);
    check_group(errs, obj_str(spec, "group"));
    check_one_of(errs, FP_CHILD(SPEC, "scope"), obj_str(spec, "scope"), scopes);
    check_versions(errs, versions, &shared);
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
        if (!*obj_str(names, needed[i]))
            fielderr_required(errs, FP_CHILD(FP_CHILD(SPEC, "names"), needed[i]), "");
    check_names(errs, FP_CHILD(SPEC, "names"), names);
    check_shared(errs, versions, &shared);
    check_conversion(errs, json_object_get(spec, "conversion"), json_path(old, "spec.conversion"));
    if (old)
        check_update(errs, crd, old);
    crd_check_status(crd, errs);
    check_stored(errs, json_path(crd, "status.storedVersions"), versions);
    check_approval(errs, crd, old);
    if (json_is_true(preserve) && !json_is_true(json_path(old, "spec.preserveUnknownFields")))
        fielderr_invalid(errs, FP_CHILD(SPEC, "preserveUnknownFields"), preserve,
                         "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
                         "spec.versions[*].schema instead");
}

/* ---- formats --------------------------------------------------------------------------------------------------- */

struct found {
    struct arena *arena;
    const char **v;
    size_t n, cap;
};

static void add_format(struct found *f, const char *name)
{
    if (format_find(name))
        return;
    for (size_t i = 0; i < f->n; i++)
        if (streq(f->v[i], name))
            return;
    if (f->n == f->cap) {
        const char **grown = arena_alloc(f->arena, (2 * f->cap + 8) * sizeof(*grown));
        if (f->n)
            memcpy(grown, f->v, f->n * sizeof(*grown));
        f->v = grown;
        f->cap = 2 * f->cap + 8;
    }
    f->v[f->n++] = name;
}

static void find_formats(struct found *f, const json_t *node, unsigned depth)
{
    static const char *const below[] = { "items", "additionalProperties", "not" };
    static const char *const lists[] = { "allOf", "anyOf", "oneOf" };
    const char *key, *format = json_string_value(json_object_get(node, "format"));
    size_t i;
    json_t *v;

    if (!json_is_object(node) || depth > 200)
        return;
    if (!str_empty(format) && streq(obj_str(node, "type"), "string"))
        add_format(f, format);
    json_object_foreach (json_object_get(node, "properties"), key, v)
        find_formats(f, v, depth + 1);
    for (size_t k = 0; k < ARRAY_SIZE(below); k++)
        find_formats(f, json_object_get(node, below[k]), depth + 1);
    for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
        json_array_foreach (json_object_get(node, lists[k]), i, v)
            find_formats(f, v, depth + 1);
}

const char *const *crd_unknown_formats(struct arena *arena, const json_t *crd, size_t *ret_n)
{
    struct found f = { .arena = arena };
    size_t i;
    json_t *v;

    json_array_foreach (json_path(crd, "spec.versions"), i, v)
        find_formats(&f, schema_of(v), 0);
    *ret_n = f.n;
    return f.v;
}
