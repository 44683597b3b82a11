#include "kube/crd_text.h"

#include "kube/crd_check_rules.h"
#include "kube/object.h"

enum { DEPTH_MAX = 200 };

/* How a field of Go's is printed, and as what if it is not there. */
enum shape { TEXT, FLAG, NUMBER, ANY, SCHEMA, SCHEMAS, NAMED, ITEMS, OR_BOOL, DEPENDENCIES, DOCS, RULES };

struct field {
    const char *name, *key;
    enum shape shape;
};

static const struct field schema_fields[] = {
    { "ID", "id", TEXT }, { "Schema", "$schema", TEXT }, { "Ref", "$ref", ANY }, { "Description", "description", TEXT },
    { "Type", "type", TEXT }, { "Nullable", "nullable", FLAG }, { "Format", "format", TEXT }, { "Title", "title", TEXT },
    { "Default", "default", ANY }, { "Maximum", "maximum", ANY }, { "ExclusiveMaximum", "exclusiveMaximum", FLAG },
    { "Minimum", "minimum", ANY }, { "ExclusiveMinimum", "exclusiveMinimum", FLAG }, { "MaxLength", "maxLength", ANY },
    { "MinLength", "minLength", ANY }, { "Pattern", "pattern", TEXT }, { "MaxItems", "maxItems", ANY },
    { "MinItems", "minItems", ANY }, { "UniqueItems", "uniqueItems", FLAG }, { "MultipleOf", "multipleOf", ANY },
    { "Enum", "enum", ANY }, { "MaxProperties", "maxProperties", ANY }, { "MinProperties", "minProperties", ANY },
    { "Required", "required", ANY }, { "Items", "items", ITEMS }, { "AllOf", "allOf", SCHEMAS }, { "OneOf", "oneOf", SCHEMAS },
    { "AnyOf", "anyOf", SCHEMAS }, { "Not", "not", SCHEMA }, { "Properties", "properties", NAMED },
    { "AdditionalProperties", "additionalProperties", OR_BOOL }, { "PatternProperties", "patternProperties", NAMED },
    { "Dependencies", "dependencies", DEPENDENCIES }, { "AdditionalItems", "additionalItems", OR_BOOL },
    { "Definitions", "definitions", NAMED }, { "ExternalDocs", "externalDocs", DOCS }, { "Example", "example", ANY },
    { "XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields", ANY },
    { "XEmbeddedResource", "x-kubernetes-embedded-resource", FLAG }, { "XIntOrString", "x-kubernetes-int-or-string", FLAG },
    { "XListMapKeys", "x-kubernetes-list-map-keys", ANY }, { "XListType", "x-kubernetes-list-type", ANY },
    { "XMapType", "x-kubernetes-map-type", ANY }, { "XValidations", "x-kubernetes-validations", RULES },
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **crd_sorted_keys(struct arena *a, const json_t *map, size_t *ret_n)
{
    const char **keys = arena_alloc(a, (json_object_size(map) + 1) * sizeof(*keys)), *key;
    size_t n = 0;
    json_t *v;

    json_object_foreach ((json_t *)map, key, v)
        keys[n++] = key;
    qsort(keys, n, sizeof(*keys), by_text);
    *ret_n = n;
    return keys;
}

static void add_text(struct buf *b, const json_t *v)
{
    json_write_string(b, json_string_value(v) ? json_string_value(v) : "", json_string_length(v), 0);
}

static void add_any(struct buf *b, const json_t *v)
{
    if (v)
        json_write(b, v, JSON_WRITE_SORTED);
    else
        buf_add_str(b, "null");
}

static void add_schema(struct buf *b, const json_t *node, unsigned depth);

static void add_schemas(struct buf *b, const json_t *list, unsigned depth)
{
    size_t i;
    json_t *v;

    buf_add_char(b, '[');
    json_array_foreach ((json_t *)list, i, v) {
        buf_add_str(b, i ? "," : "");
        add_schema(b, v, depth);
    }
    buf_add_char(b, ']');
}

/* Items are one schema or many, additional ones a schema or whether there may be any, dependencies a schema or names. */
static void add_either(struct buf *b, enum shape shape, const json_t *v, unsigned depth)
{
    if (shape == OR_BOOL)
        buf_printf(b, "{\"Allows\":%s,\"Schema\":", json_is_false(v) ? "false" : "true");
    else
        buf_add_str(b, "{\"Schema\":");
    add_schema(b, json_is_object(v) ? v : NULL, depth);
    if (shape != OR_BOOL)
        buf_add_str(b, shape == ITEMS ? ",\"JSONSchemas\":" : ",\"Property\":");
    if (shape == ITEMS && json_is_array(v))
        add_schemas(b, v, depth);
    else if (shape != OR_BOOL)
        add_any(b, json_is_array(v) ? v : NULL);
    buf_add_char(b, '}');
}

static void add_named(struct buf *b, enum shape shape, const json_t *map, unsigned depth)
{
    cleanup_arena struct arena *a = arena_new();
    size_t n;
    const char **keys = crd_sorted_keys(a, map, &n);

    buf_add_char(b, '{');
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_object_get(map, keys[i]);
        buf_add_str(b, i ? "," : "");
        json_write_string(b, keys[i], strlen(keys[i]), 0);
        buf_add_char(b, ':');
        if (shape == DEPENDENCIES)
            add_either(b, shape, v, depth);
        else
            add_schema(b, v, depth);
    }
    buf_add_char(b, '}');
}

static void add_rules(struct buf *b, const json_t *rules)
{
    cleanup_arena struct arena *a = arena_new();
    size_t i;
    json_t *v;

    buf_add_char(b, '[');
    json_array_foreach ((json_t *)rules, i, v)
        buf_printf(b, "%s%s", i ? "," : "", crd_rule_text(a, v));
    buf_add_char(b, ']');
}

static void add_fields(struct buf *b, const json_t *node, const struct field *fields, size_t n, unsigned depth);

static const struct field docs_fields[] = { { "Description", "description", TEXT }, { "URL", "url", TEXT } };

/* A field that is there, and no null. */
static void add_given(struct buf *b, enum shape shape, const json_t *v, unsigned depth)
{
    switch (shape) {
    case SCHEMA:
        add_schema(b, v, depth);
        break;
    case SCHEMAS:
        add_schemas(b, v, depth);
        break;
    case NAMED:
    case DEPENDENCIES:
        add_named(b, shape, v, depth);
        break;
    case ITEMS:
    case OR_BOOL:
        add_either(b, shape, v, depth);
        break;
    case DOCS:
        add_fields(b, v, docs_fields, ARRAY_SIZE(docs_fields), depth);
        break;
    case RULES:
        add_rules(b, v);
        break;
    default:
        add_any(b, v);
    }
}

static void add_fields(struct buf *b, const json_t *node, const struct field *fields, size_t n, unsigned depth)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_object_get(node, fields[i].key);
        buf_printf(b, "%c\"%s\":", i ? ',' : '{', fields[i].name);
        if (fields[i].shape == TEXT)
            add_text(b, v);
        else if (fields[i].shape == FLAG)
            buf_add_str(b, json_is_true(v) ? "true" : "false");
        else if (!v || json_is_null(v))
            buf_add_str(b, fields[i].shape == NUMBER ? "0" : "null");
        else
            add_given(b, fields[i].shape, v, depth);
    }
    buf_add_char(b, '}');
}

static void add_schema(struct buf *b, const json_t *node, unsigned depth)
{
    if (!json_is_object(node) || depth > DEPTH_MAX)
        buf_add_str(b, "null");
    else
        add_fields(b, node, schema_fields, ARRAY_SIZE(schema_fields), depth + 1);
}

static void add_subresources(struct buf *b, const json_t *subresources)
{
    static const struct field fields[] = { { "SpecReplicasPath", "specReplicasPath", TEXT },
                                           { "StatusReplicasPath", "statusReplicasPath", TEXT },
                                           { "LabelSelectorPath", "labelSelectorPath", ANY } };
    const json_t *scale = json_object_get(subresources, "scale");

    buf_printf(b, "{\"Status\":%s,\"Scale\":", json_is_object(json_object_get(subresources, "status")) ? "{}" : "null");
    if (json_is_object(scale))
        add_fields(b, scale, fields, ARRAY_SIZE(fields), 0);
    else
        buf_add_str(b, "null");
    buf_add_char(b, '}');
}

static void add_list(struct buf *b, const json_t *list, const struct field *fields, size_t n)
{
    size_t i;
    json_t *v;

    buf_add_char(b, '[');
    json_array_foreach ((json_t *)list, i, v) {
        buf_add_str(b, i ? "," : "");
        add_fields(b, v, fields, n, 0);
    }
    buf_add_char(b, ']');
}

/* What a version has beside its schema, where it does not share it. */
static void add_extras(struct buf *b, const json_t *version, const struct crd_text_hidden *hidden)
{
    static const struct field columns[] = { { "Name", "name", TEXT }, { "Type", "type", TEXT }, { "Format", "format", TEXT },
                                            { "Description", "description", TEXT }, { "Priority", "priority", NUMBER },
                                            { "JSONPath", "jsonPath", TEXT } };
    static const struct field selectable[] = { { "JSONPath", "jsonPath", TEXT } };
    const json_t *sub = json_object_get(version, "subresources"), *fields = json_object_get(version, "selectableFields");
    const json_t *printed = json_object_get(version, "additionalPrinterColumns");

    buf_add_str(b, ",\"Subresources\":");
    if (json_is_object(sub) && !hidden->subresources)
        add_subresources(b, sub);
    else
        buf_add_str(b, "null");
    buf_add_str(b, ",\"AdditionalPrinterColumns\":");
    if (json_is_array(printed) && !hidden->columns)
        add_list(b, printed, columns, ARRAY_SIZE(columns));
    else
        buf_add_str(b, "null");
    buf_add_str(b, ",\"SelectableFields\":");
    if (json_is_array(fields) && !hidden->selectable)
        add_list(b, fields, selectable, ARRAY_SIZE(selectable));
    else
        buf_add_str(b, "null");
}

static void add_version(struct buf *b, const json_t *version, const struct crd_text_hidden *hidden)
{
    static const struct field fields[] = { { "Name", "name", TEXT }, { "Served", "served", FLAG }, { "Storage", "storage", FLAG },
                                           { "Deprecated", "deprecated", FLAG },
                                           { "DeprecationWarning", "deprecationWarning", ANY } };
    const json_t *schema = json_path(version, "schema.openAPIV3Schema");

    add_fields(b, version, fields, ARRAY_SIZE(fields), 0);
    b->len--;                                     /* it goes on */
    buf_add_str(b, ",\"Schema\":");
    if (schema && !hidden->schema) {
        buf_add_str(b, "{\"OpenAPIV3Schema\":");
        add_schema(b, schema, 0);
        buf_add_char(b, '}');
    } else {
        buf_add_str(b, "null");
    }
    add_extras(b, version, hidden);
    buf_add_char(b, '}');
}

const char *crd_versions_text(struct arena *a, const json_t *versions, const struct crd_text_hidden *hidden)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t i;
    json_t *v;

    if (!json_is_array(versions))
        return "null";
    buf_add_char(&b, '[');
    json_array_foreach ((json_t *)versions, i, v) {
        buf_add_str(&b, i ? "," : "");
        add_version(&b, v, hidden);
    }
    buf_add_char(&b, ']');
    return arena_strndup(a, b.data, b.len);
}
