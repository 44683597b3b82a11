/* schema.h — the one description of types: what a field is, how lists merge, what is its default.
 *
 * Built-in kinds have it as static tables (kube/types, generated at build time from the facts in
 * kube/types/); CRDs have it parsed from their openAPIV3Schema (kube/crd_schema). Everything that
 * needs to know a field goes through it: strict decoding, pruning, defaulting, validation, OpenAPI,
 * strategic merge, protobuf, server-side apply. So there is no second list of fields anywhere.
 *
 * A schema node is immutable once made. Static ones live for ever; parsed ones live in the arena of
 * the definition they came from.
 */
#pragma once

#include "kube/apierr.h"

enum schema_type {
    SCHEMA_ANY,                        /* no type said: anything goes, nothing is pruned inside */
    SCHEMA_OBJECT,                     /* known fields, or a map when `additional` is set */
    SCHEMA_ARRAY,
    SCHEMA_STRING,
    SCHEMA_INTEGER,
    SCHEMA_NUMBER,
    SCHEMA_BOOLEAN,
    SCHEMA_INT_OR_STRING
};

/* JSON forms of their own: what the string or object stands for. */
enum schema_form {
    FORM_PLAIN, FORM_QUANTITY, FORM_TIME, FORM_MICROTIME, FORM_DURATION, FORM_RAW_EXTENSION,
    FORM_FIELDS_V1, FORM_BYTES, FORM_INT_OR_STRING,
    FORM_JSON,                         /* any JSON value kept as it came (apiextensions' JSON) */
    /* A JSONSchemaProps (`items` here), or else true/false, a list of them, a list of strings. */
    FORM_SCHEMA_OR_BOOL, FORM_SCHEMA_OR_ARRAY, FORM_SCHEMA_OR_STRINGS,
    FORM_STRING_LIST                   /* an array of strings; in protobuf a message around it */
};

enum list_type { LIST_UNSET, LIST_ATOMIC, LIST_SET, LIST_MAP };

struct schema;

struct schema_field {
    const char *name;                  /* JSON name */
    const struct schema *schema;
    uint16_t number;                   /* protobuf; 0 = no protobuf form */
    uint8_t via[2];                    /* protobuf: numbers of the embedded messages around it; 0 = none */
    uint8_t wire;                      /* protobuf wire type: enum proto_wire */
    bool required, undocumented;       /* as OpenAPI says of it */
    bool omitempty, pointer;           /* as the Go struct has it */
    bool omitzero;
    bool keeps_empty;                  /* stored as JSON: an empty list is not the same as none */
    bool gated;                        /* behind a feature gate that is off: checked, then dropped */
    bool deprecated;
    const char *default_json;          /* the type's declared default; NULL: none */
    const char *fill_json;             /* what the server writes where nothing was said (G.2); NULL: nothing */
    /* How lists and maps under this field merge: facts of the field, not of the element type. */
    enum list_type list_type;
    bool map_atomic, map_granular;     /* granular: whatever its type says */
    const char *const *list_keys;      /* NULL-terminated; LIST_MAP */
    const char *patch_merge_key;       /* strategic merge patch */
    uint8_t patch_strategy;            /* PATCH_STRATEGY_*, or-ed */
};
enum { PATCH_STRATEGY_MERGE = 1, PATCH_STRATEGY_REPLACE = 2, PATCH_STRATEGY_RETAIN_KEYS = 4 };

struct schema_rules;                   /* validations of a CRD node; NULL for built-in kinds */

struct schema {
    enum schema_type type;
    enum schema_form form;
    const char *go_type;               /* "v1.PodSpec", "[]string", "int32": what error messages say */
    const char *go_name;               /* of a struct: "PodSpec" */
    const char *name;                  /* OpenAPI definition name "io.k8s.api.core.v1.PodSpec"; NULL */
    const struct schema_field *fields; /* in Go's declaration order */
    const uint16_t *by_name;           /* indices into fields, sorted by name */
    size_t n_fields;
    const uint16_t *by_number;         /* those with a protobuf number, in the order of the wire: by (via, number) */
    size_t n_numbers;
    const struct schema *items;        /* ARRAY */
    const struct schema *additional;   /* OBJECT used as a map: the schema of its values */
    const char *format;                /* "int32", "int64", "byte", "date-time", "double" ...; NULL */
    const char *const *values;         /* of a string type whose constants OpenAPI lists: they, NULL-terminated; or NULL */
    const char *union_of;              /* "type:spec=Spec,url=URL": a discriminator and what it chooses; or NULL */
    bool nullable, preserve_unknown, embedded_resource, int_or_string;
    enum list_type list_type;          /* as x-kubernetes-list-type on the node itself (CRDs) */
    bool map_atomic;
    const char *const *list_keys;
    const json_t *default_value;       /* CRDs; NULL: none */
    const struct schema_rules *rules;
    uint8_t hook;                      /* kube/types/defaults: which function defaults it beyond fill_json */
    bool fills;                        /* something here or below has a fill_json or a hook */
};

const struct schema_field *schema_field(const struct schema *s, const char *name);   /* NULL: unknown */
/* The schema of a member: a field's, a map value's, or NULL where it is unknown. */
const struct schema *schema_member(const struct schema *s, const char *name);
