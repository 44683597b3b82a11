/* internal.h — how the server holds a value inside, where a message shows it.
 *
 * Validation works on types without JSON names: what it refuses is printed with all members, by their Go names,
 * null where nothing was said. internal.tsv says what those types are.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* What is printed where the member is absent. */
enum internal_shape {
    INTERNAL_POINTER,                  /* null; lists and maps too */
    INTERNAL_STRING, INTERNAL_INT, INTERNAL_BOOL, INTERNAL_QUANTITY, INTERNAL_TIME, INTERNAL_JSON,
    INTERNAL_STRUCT,                   /* a struct of zeros */
    INTERNAL_INLINE,                   /* the members of a struct stand here */
    INTERNAL_METADATA                  /* those of the metadata, as they are */
};
enum internal_items { INTERNAL_ONE, INTERNAL_LIST, INTERNAL_MAP };

struct internal_type;

struct internal_field {
    const char *name, *json;           /* json "": the server moved it here from elsewhere */
    uint8_t shape, items;
    const struct internal_type *type;  /* NULL: shown as it is */
};

struct internal_type {
    const char *name;                  /* "core.PodSpec" */
    const struct internal_field *fields;
    size_t n;
};

extern const struct internal_type *const internal_types[];       /* ends with NULL */

/* A value of the API as the type `name` prints it; a new tree, null for NULL. */
json_t *internal_view(const char *name, const json_t *v);
