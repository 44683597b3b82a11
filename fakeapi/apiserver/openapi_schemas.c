#include "fakeapi/apiserver/openapi_priv.h"

#include "fakeapi/apiserver/crd.h"
#include "kube/types.h"

/* What types and kinds look like in OpenAPI (A.2): from the same tables that decode them. */

#define META OPENAPI_META

json_t *openapi_gvk(const char *group, const char *version, const char *kind)
{
    return json_pack("{s:s, s:s, s:s}", "group", group, "kind", kind, "version", version);
}

static void want(struct doc *d, const char *name)
{
    if (json_object_get(d->definitions, name))
        return;
    json_object_set_new(d->definitions, name, json_null());
    *dyn_push(&d->wanted) = name;
}

json_t *openapi_ref(struct doc *d, const char *name)
{
    want(d, name);
    return json_pack("{s:o}", "$ref", json_sprintf("#/%s/%s", d->v3 ? "components/schemas" : "definitions", name));
}

/* ---- types ---------------------------------------------------------------------------------------- */

static json_t *schema_json(struct doc *d, const struct schema *s);
static json_t *element_json(struct doc *d, const struct schema *s);

static json_t *int_or_string(struct doc *d)
{
    if (d->v3)
        return json_pack("{s:[{s:s}, {s:s}], s:s}", "oneOf", "type", "integer", "type", "string", "format",
                         "int-or-string");
    return json_pack("{s:s, s:s}", "type", "string", "format", "int-or-string");
}

/* JSON forms of their own: a plain type for readers. NULL: nothing special. */
static json_t *form_json(struct doc *d, const struct schema *s)
{
    switch (s->form) {
    case FORM_TIME:
    case FORM_MICROTIME:
        return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
    case FORM_DURATION:
        return json_pack("{s:s}", "type", "string");
    case FORM_QUANTITY:
        return d->v3 ? json_pack("{s:[{s:s}, {s:s}]}", "oneOf", "type", "string", "type", "number")
                     : json_pack("{s:s}", "type", "string");
    case FORM_BYTES:
        return json_pack("{s:s, s:s}", "type", "string", "format", "byte");
    case FORM_INT_OR_STRING:
        return int_or_string(d);
    case FORM_RAW_EXTENSION:
    case FORM_FIELDS_V1:
        return json_pack("{s:s}", "type", "object");
    case FORM_JSON:
    case FORM_SCHEMA_OR_BOOL:
    case FORM_SCHEMA_OR_ARRAY:
    case FORM_SCHEMA_OR_STRINGS:
        return json_object();
    case FORM_STRING_LIST:
        return json_pack("{s:s, s:o}", "type", "array", "items", element_json(d, s->items));
    case FORM_PLAIN:
        break;
    }
    return NULL;
}

static const char *type_word(enum schema_type t)
{
    switch (t) {
    case SCHEMA_OBJECT: return "object";
    case SCHEMA_ARRAY: return "array";
    case SCHEMA_STRING: return "string";
    case SCHEMA_INTEGER: return "integer";
    case SCHEMA_NUMBER: return "number";
    case SCHEMA_BOOLEAN: return "boolean";
    default: return NULL;
    }
}

static json_t *strings(const char *const *v)
{
    json_t *list = json_array();

    for (; v && *v; v++)
        json_array_append_new(list, json_string(*v));
    return list;
}

/* What a value is when nobody says: v3 knows of Go's zero values. NULL: none. */
static json_t *zero_value(const struct schema *s)
{
    switch (s->type) {
    case SCHEMA_STRING: return s->form == FORM_PLAIN && !s->name ? json_string("") : NULL;
    case SCHEMA_INTEGER: return json_integer(0);
    case SCHEMA_NUMBER: return json_integer(0);
    case SCHEMA_BOOLEAN: return json_false();
    case SCHEMA_OBJECT: return s->name && s->form != FORM_RAW_EXTENSION ? json_object() : NULL;
    default: return NULL;
    }
}

/* A type where it is used: a reference where it has a name. */
static json_t *use_json(struct doc *d, const struct schema *s)
{
    if (!s)
        return json_object();
    return s->name ? openapi_ref(d, s->name) : schema_json(d, s);
}

/* v3 lets nothing stand beside a reference, so it stands in an allOf. */
static json_t *beside_reference(struct doc *d, json_t *o)
{
    return d->v3 && json_object_get(o, "$ref") ? json_pack("{s:[o]}", "allOf", o) : o;
}

/* An element of a list or a map. */
static json_t *element_json(struct doc *d, const struct schema *s)
{
    json_t *o = use_json(d, s), *zero = d->v3 && s ? zero_value(s) : NULL;

    if (!zero)
        return o;
    o = beside_reference(d, o);
    json_object_set_new(o, "default", zero);
    return o;
}

/* How lists merge is a fact of the field. */
static void add_list_facts(json_t *o, const struct schema_field *f)
{
    static const char *const words[] = { [LIST_ATOMIC] = "atomic", [LIST_SET] = "set", [LIST_MAP] = "map" };

    if (f->list_type != LIST_UNSET)
        json_object_set_new(o, "x-kubernetes-list-type", json_string(words[f->list_type]));
    if (f->list_keys)
        json_object_set_new(o, "x-kubernetes-list-map-keys", strings(f->list_keys));
    if (f->map_atomic || f->map_granular)
        json_object_set_new(o, "x-kubernetes-map-type", json_string(f->map_atomic ? "atomic" : "granular"));
    if (f->patch_merge_key)
        json_object_set_new(o, "x-kubernetes-patch-merge-key", json_string(f->patch_merge_key));
    if (f->patch_strategy) {
        bool retain = f->patch_strategy & PATCH_STRATEGY_RETAIN_KEYS;
        const char *base = f->patch_strategy & PATCH_STRATEGY_MERGE ? "merge"
                           : f->patch_strategy & PATCH_STRATEGY_REPLACE ? "replace" : "";
        json_object_set_new(o, "x-kubernetes-patch-strategy",
                            json_sprintf("%s%s%s", base, *base && retain ? "," : "", retain ? "retainKeys" : ""));
    }
}

/* The declared default; else the zero value that Go would write anyway. */
static json_t *field_default(const struct schema_field *f)
{
    bool struct_of = f->schema->type == SCHEMA_OBJECT && f->schema->name;

    if (f->default_json)
        return json_parse_str(f->default_json);
    return f->pointer || (f->omitempty && !struct_of) ? NULL : zero_value(f->schema);
}

static json_t *field_json(struct doc *d, const struct schema_field *f)
{
    json_t *o = use_json(d, f->schema), *value = d->v3 ? field_default(f) : NULL;

    if (f->undocumented && !value)
        return o;
    o = beside_reference(d, o);
    json_object_set_new(o, "description", json_string(""));
    add_list_facts(o, f);
    if (value)
        json_object_set_new(o, "default", value);
    return o;
}

static void add_union(json_t *o, const char *text)
{
    json_t *fields = json_object();
    const char *at = strchr(text, ':') + 1;
    size_t word = (size_t)(at - 1 - text);

    while (*at) {
        size_t name = strcspn(at, "="), value = strcspn(at + name + 1, ",");
        json_object_setn_new_nocheck(fields, at, name, json_stringn(at + name + 1, value));
        at += name + 1 + value;
        at += *at == ',';
    }
    json_object_set_new(o, "x-kubernetes-unions", json_pack("[{s:o, s:o}]", "discriminator", json_stringn(text, word),
                                                            "fields-to-discriminateBy", fields));
}

static void add_fields(struct doc *d, const struct schema *s, json_t *o)
{
    json_t *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < s->n_fields; i++) {
        json_object_set_new(properties, s->fields[i].name, field_json(d, &s->fields[i]));
        if (s->fields[i].required)
            json_array_append_new(required, json_string(s->fields[i].name));
    }
    json_object_set_new(o, "properties", properties);
    if (json_array_size(required))
        json_object_set(o, "required", required);
    json_decref(required);
}

static json_t *schema_json(struct doc *d, const struct schema *s)
{
    json_t *o = form_json(d, s);
    const char *type = type_word(s->type);

    if (o)
        return o;
    if (s->type == SCHEMA_INT_OR_STRING)
        return int_or_string(d);
    o = json_object();
    if (type)
        json_object_set_new(o, "type", json_string(type));
    if (s->format)
        json_object_set_new(o, "format", json_string(s->format));
    if (s->values)
        json_object_set_new(o, "enum", strings(s->values));
    if (s->items)
        json_object_set_new(o, "items", element_json(d, s->items));
    if (s->additional)
        json_object_set_new(o, "additionalProperties", element_json(d, s->additional));
    if (s->n_fields)
        add_fields(d, s, o);
    if (s->map_atomic)
        json_object_set_new(o, "x-kubernetes-map-type", json_string("atomic"));
    if (s->union_of)
        add_union(o, s->union_of);
    return o;
}

/* ---- custom resources ------------------------------------------------------------------------------ */

/* "io.example.stable.v1.Widget": the group backwards. */
static const char *custom_name(struct doc *d, const struct kind *k)
{
    const char *group = k->res.group, *end = group + strlen(group);
    cleanup_buf struct buf b = BUF_INIT;

    while (end > group) {
        const char *dot = end;
        while (dot > group && dot[-1] != '.')
            dot--;
        buf_add(&b, dot, (size_t)(end - dot));
        buf_add_char(&b, '.');
        end = dot > group ? dot - 1 : dot;
    }
    buf_printf(&b, "%s.%s", k->res.version, k->res.kind);
    return arena_strdup(d->c->arena, b.data);
}

/* What may be null is not required for v2. */
static json_t *v2_required(const json_t *in)
{
    const json_t *properties = json_object_get(in, "properties");
    json_t *out = json_array(), *name;
    size_t i;

    json_array_foreach(json_object_get(in, "required"), i, name)
        if (!json_is_true(json_object_get(json_object_get(properties, json_string_value(name)), "nullable")))
            json_array_append(out, name);
    return out;
}

/* OpenAPI v2 cannot say everything: what it cannot is dropped. */
static json_t *v2_loosened(const json_t *in)
{
    static const char *const dropped[] = { "allOf", "oneOf", "anyOf", "not", "nullable", "default" };
    static const char *const opaque[] = { "type", "items", "properties", "additionalProperties", "required" };
    json_t *out = json_copy((json_t *)in), *v;
    bool blank = json_is_true(json_object_get(in, "nullable"))
                 || json_is_true(json_object_get(in, "x-kubernetes-preserve-unknown-fields"));
    const char *key;

    for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
        json_object_del(out, dropped[i]);
    for (size_t i = 0; blank && i < ARRAY_SIZE(opaque); i++)
        json_object_del(out, opaque[i]);
    if (json_object_get(out, "required"))
        json_object_set_new(out, "required", v2_required(in));
    if (json_object_get(out, "required") && !json_array_size(json_object_get(out, "required")))
        json_object_del(out, "required");
    static const char *const one[] = { "items", "additionalProperties" };
    for (size_t i = 0; i < ARRAY_SIZE(one); i++)
        if (json_is_object(json_object_get(out, one[i])))
            json_object_set_new(out, one[i], v2_loosened(json_object_get(out, one[i])));
    if (json_object_get(out, "properties")) {
        json_t *properties = json_object();
        json_object_foreach(json_object_get(out, "properties"), key, v)
            json_object_set_new(properties, key, v2_loosened(v));
        json_object_set_new(out, "properties", properties);
    }
    return out;
}

static const json_t *custom_schema(const struct kind *k)
{
    size_t at = (size_t)(k - k->crd->kinds);

    return json_path(k->crd->version_specs[at], "schema.openAPIV3Schema");
}

static json_t *described_string(void)
{
    return json_pack("{s:s, s:s}", "description", "", "type", "string");
}

/* A reference with a word beside it. */
static json_t *described_ref(struct doc *d, const char *name)
{
    json_t *o = beside_reference(d, openapi_ref(d, name));

    json_object_set_new(o, "description", json_string(""));
    return o;
}

/* The three members that every object has. */
static void add_object_members(struct doc *d, json_t *schema)
{
    json_t *properties = json_copy(json_object_get(schema, "properties"));

    if (!properties)
        properties = json_object();
    json_object_set_new(properties, "apiVersion", described_string());
    json_object_set_new(properties, "kind", described_string());
    json_object_set_new(properties, "metadata", described_ref(d, META "ObjectMeta"));
    json_object_set_new(schema, "properties", properties);
}

static json_t *with_embedded(struct doc *d, json_t *in);

static void embed_below(struct doc *d, json_t *o)
{
    static const char *const one[] = { "items", "additionalProperties" };
    const char *key;
    json_t *v;

    for (size_t i = 0; i < ARRAY_SIZE(one); i++)
        if (json_is_object(json_object_get(o, one[i])))
            json_object_set_new(o, one[i], with_embedded(d, json_object_get(o, one[i])));
    if (!json_object_get(o, "properties"))
        return;
    json_t *properties = json_object();
    json_object_foreach(json_object_get(o, "properties"), key, v)
        json_object_set_new(properties, key, with_embedded(d, v));
    json_object_set_new(o, "properties", properties);
}

/* v3 says what an embedded object has, wherever one stands: a new tree. */
static json_t *with_embedded(struct doc *d, json_t *in)
{
    json_t *o = json_copy(in);

    embed_below(d, o);
    if (json_is_true(json_object_get(in, "x-kubernetes-embedded-resource"))) {
        add_object_members(d, o);
        json_object_set_new(o, "required", json_pack("[s, s]", "kind", "apiVersion"));
    }
    return o;
}

/* v2 says nothing of a kind that may hold anything. */
static json_t *custom_definition(struct doc *d, const json_t *schema)
{
    bool anything = json_is_true(json_object_get(schema, "x-kubernetes-preserve-unknown-fields"));
    json_t *o;

    if (!d->v3 && anything)
        return json_object();
    o = !schema ? json_object() : d->v3 ? with_embedded(d, (json_t *)schema) : v2_loosened(schema);
    add_object_members(d, o);
    return o;
}

void openapi_define_custom(struct doc *d, const struct kind *k)
{
    const char *name = custom_name(d, k), *list = arena_printf(d->c->arena, "%sList", name);
    json_t *o = custom_definition(d, custom_schema(k)), *element = openapi_ref(d, name);

    json_object_set_new(o, "type", json_string("object"));
    json_object_set_new(o, "x-kubernetes-group-version-kind",
                        json_pack("[o]", openapi_gvk(k->res.group, k->res.version, k->res.kind)));
    json_object_set_new(d->definitions, name, o);
    json_object_set_new(d->definitions, list, json_pack("{s:s, s:s, s:[s], s:{s:o, s:o, s:{s:s, s:s, s:o}, s:o}, s:[o]}",
        "description", "", "type", "object", "required", "items", "properties", "apiVersion", described_string(), "kind",
        described_string(), "items", "description", "", "type", "array", "items", element, "metadata",
        described_ref(d, META "ListMeta"), "x-kubernetes-group-version-kind",
        openapi_gvk(k->res.group, k->res.version, k->list_kind)));
}

/* ---- names ---------------------------------------------------------------------------------------- */

static const char *type_name(const char *group, const char *version, const char *kind)
{
    const struct schema *s = types_find(group, version, kind);

    return s ? s->name : NULL;
}

const char *openapi_name(struct doc *d, const struct kind *k)
{
    return kind_custom(k) ? custom_name(d, k) : type_name(k->res.group, k->res.version, k->res.kind);
}

const char *openapi_list_name(struct doc *d, const struct kind *k)
{
    if (kind_custom(k))
        return arena_printf(d->c->arena, "%sList", custom_name(d, k));
    return type_name(k->res.group, k->res.version, k->list_kind);
}

/* ---- definitions ---------------------------------------------------------------------------------- */

/* Two kinds of requests and replies are known to every group version that ever was, and say so. */
static const char *const everywhere[] = {
    "v1", "admission.k8s.io/v1", "admission.k8s.io/v1beta1", "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1", "admissionregistration.k8s.io/v1beta1", "apiextensions.k8s.io/v1",
    "apiextensions.k8s.io/v1beta1", "apiregistration.k8s.io/v1", "apiregistration.k8s.io/v1beta1", "apps/v1",
    "apps/v1beta1", "apps/v1beta2", "authentication.k8s.io/v1", "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1", "authorization.k8s.io/v1", "authorization.k8s.io/v1beta1", "autoscaling/v1",
    "autoscaling/v2", "autoscaling/v2beta1", "autoscaling/v2beta2", "batch/v1", "batch/v1beta1",
    "certificates.k8s.io/v1", "certificates.k8s.io/v1alpha1", "certificates.k8s.io/v1beta1", "coordination.k8s.io/v1",
    "coordination.k8s.io/v1alpha2", "coordination.k8s.io/v1beta1", "discovery.k8s.io/v1", "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1", "events.k8s.io/v1beta1", "extensions/v1beta1", "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3", "imagepolicy.k8s.io/v1alpha1", "internal.apiserver.k8s.io/v1alpha1",
    "networking.k8s.io/v1", "networking.k8s.io/v1beta1", "node.k8s.io/v1", "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1", "policy/v1", "policy/v1beta1", "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1alpha1", "rbac.authorization.k8s.io/v1beta1", "resource.k8s.io/v1",
    "resource.k8s.io/v1alpha3", "resource.k8s.io/v1beta1", "resource.k8s.io/v1beta2", "scheduling.k8s.io/v1",
    "scheduling.k8s.io/v1alpha1", "scheduling.k8s.io/v1beta1", "storage.k8s.io/v1", "storage.k8s.io/v1alpha1",
    "storage.k8s.io/v1beta1", "storagemigration.k8s.io/v1alpha1",
};

/* Those that the server of custom resources does not know of. */
static bool elsewhere(const char *group)
{
    static const char *const groups[] = { "admission.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
                                          "imagepolicy.k8s.io" };

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        if (streq(group, groups[i]))
            return true;
    return false;
}

static json_t *every_group_version(struct doc *d, const char *kind)
{
    json_t *list = json_array();
    char group[256], version[64];

    for (size_t i = 0; i < ARRAY_SIZE(everywhere); i++) {
        api_version_split(everywhere[i], group, version);
        if (!d->custom || !elsewhere(group))
            json_array_append_new(list, openapi_gvk(group, version, kind));
    }
    return list;
}

/* The kinds that a type is; those of meta.k8s.io stand in the core group. NULL: none. */
static json_t *kinds_of(struct doc *d, const struct schema *s)
{
    json_t *list = json_array();

    if (streq(s->name, META "DeleteOptions") || streq(s->name, META "WatchEvent")) {
        json_decref(list);
        return every_group_version(d, s->go_name);
    }
    for (size_t i = 0; i < types_n_rows; i++)
        if (types_rows[i].schema == s)
            json_array_append_new(list, openapi_gvk(streq(types_rows[i].group, "meta.k8s.io") ? "" : types_rows[i].group,
                                                    types_rows[i].version, types_rows[i].kind));
    if (json_array_size(list))
        return list;
    json_decref(list);
    return NULL;
}

/* What /version answers: no kind of the API has this type. */
static json_t *version_info(struct doc *d)
{
    static const struct { const char *name; bool required; } fields[] = {
        { "major", true }, { "minor", true }, { "emulationMajor", false }, { "emulationMinor", false },
        { "minCompatibilityMajor", false }, { "minCompatibilityMinor", false }, { "gitVersion", true },
        { "gitCommit", true }, { "gitTreeState", true }, { "buildDate", true }, { "goVersion", true },
        { "compiler", true }, { "platform", true },
    };
    json_t *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        json_t *o = json_pack("{s:s}", "type", "string");
        if (fields[i].required)
            json_array_append_new(required, json_string(fields[i].name));
        if (fields[i].required && d->v3)
            json_object_set_new(o, "default", json_string(""));
        json_object_set_new(properties, fields[i].name, o);
    }
    return json_pack("{s:s, s:s, s:o, s:o}", "description", "Info.", "type", "object", "required", required, "properties",
                     properties);
}

static json_t *define(struct doc *d, const char *name)
{
    const struct schema *s = types_by_name(name);

    if (str_ends(name, ".version.Info"))
        return version_info(d);
    if (!s)                            /* Patch: a name for any object, with no type behind it */
        return json_pack("{s:s, s:s}", "description", "Patch.", "type", "object");
    json_t *o = schema_json(d, s), *kinds = kinds_of(d, s);
    json_object_set_new(o, "description", json_sprintf("%s.", s->go_name ? s->go_name : s->name));
    if (kinds)
        json_object_set_new(o, "x-kubernetes-group-version-kind", kinds);
    return o;
}

void openapi_define(struct doc *d)
{
    for (size_t i = 0; i < d->wanted.n; i++)
        if (json_is_null(json_object_get(d->definitions, d->wanted.v[i])))
            json_object_set_new(d->definitions, d->wanted.v[i], define(d, d->wanted.v[i]));
}
