/* openapi_pb.h — JSON as gnostic's protobuf, by tables. Private to openapi_proto*.c.
 *
 * A message is a table of fields, ended by { 0 }. A field says which member of the JSON value it is taken from and how
 * that is written: as a string or a number, or as one more message, whose table then is `below`. What is absent, or of
 * another type than the field's, is not written.
 */
#pragma once

#include <jansson.h>

#include "world/buf.h"

struct pb_field;

typedef void pb_write_fn(struct buf *b, const struct pb_field *f, const json_t *v);
typedef bool pb_when_fn(const json_t *v);

/* The value itself in place of one of its members: gnostic wraps a map, a list or a choice in a message of its own. */
#define PB_ITSELF NULL

struct pb_field {
    unsigned number;
    const char *key;                              /* or PB_ITSELF */
    pb_write_fn *write;
    const struct pb_field *below;
    pb_when_fn *when;                             /* asked about the whole value, for one of several; NULL: always */
};

/* The whole document, whose message is `fields`. */
struct blob *pb_document(const json_t *doc, const struct pb_field *fields);

/* Plain values. proto3 leaves out what is zero: an empty string and false ... */
pb_write_fn pb_text, pb_texts, pb_true, pb_count, pb_double;
/* ... but where one of several is there, it is written even so. */
pb_write_fn pb_text_even_empty, pb_bool_even_false;

/* A message, one for each element, one for each member: {1: name, 2: message}. */
pb_write_fn pb_message, pb_each, pb_named;
/* The members whose names begin with "x-", so named, each as pb_any. */
pb_write_fn pb_extensions;

/* Of a schema that may also be true or false: it is neither. */
pb_when_fn pb_is_no_boolean;

/* The message of any value, as YAML: JSON is YAML. */
extern const struct pb_field pb_any[];
