/* openapi_pb.h — the pieces of gnostic's protobuf: members of a JSON tree as fields of a message. Private to openapi_proto*.c.
 *
 * What is absent, or of another type than the field's, is not written.
 */
#pragma once

#include <jansson.h>

#include "world/buf.h"

void pb_varint(struct buf *b, uint64_t v);
void pb_bytes(struct buf *b, unsigned number, const char *data, size_t len);
void pb_text(struct buf *b, unsigned number, const json_t *v);
void pb_texts(struct buf *b, unsigned number, const json_t *list);
void pb_true(struct buf *b, unsigned number, const json_t *v);
void pb_count(struct buf *b, unsigned number, const json_t *v);
void pb_double(struct buf *b, unsigned number, const json_t *v);

/* A message within a message. */
typedef void pb_fill_fn(struct buf *b, const json_t *v);
void pb_message(struct buf *b, unsigned number, const json_t *v, pb_fill_fn *fill);
void pb_each(struct buf *b, unsigned number, const json_t *list, pb_fill_fn *fill);
/* {1: name, 2: value}, once for each member. */
void pb_named(struct buf *b, unsigned number, const json_t *map, pb_fill_fn *fill);
/* The members whose names begin with "x-", so named, as any value. */
void pb_extensions(struct buf *b, unsigned number, const json_t *obj);
/* Any value, as YAML: JSON is YAML. */
void pb_fill_any(struct buf *b, const json_t *v);
