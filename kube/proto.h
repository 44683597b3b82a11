/* proto.h — built-in kinds as Kubernetes' protobuf, driven by the same schemas as JSON.
 *
 * A body is the four bytes "k8s\0" and a runtime.Unknown, which names the kind and holds its message
 * . A watch is a row of frames: a length of four bytes, most significant first, and a WatchEvent
 * whose object is such a body. Messages are written as the Go code generated for them does it: fields in
 * the order of their numbers, all that are no pointers even when zero, map keys sorted.
 *
 * Promises
 *  (1) What proto_encode writes, proto_decode reads back to the same tree.
 *  (2) Hostile bytes are refused with Go's sentence; memory stays below a constant times their length.
 */
#pragma once

#include "kube/json.h"
#include "kube/schema.h"

enum proto_wire { PROTO_VARINT, PROTO_FIXED64, PROTO_BYTES, PROTO_GROUP, PROTO_GROUP_END, PROTO_FIXED32 };

struct proto_envelope {
    const char *api_version, *kind;    /* in the arena; "" when absent */
    const char *raw;                   /* the message: within the body */
    size_t raw_len;
    const char *content_encoding, *content_type;
};

/* -APIERR_BAD_REQUEST: not a protobuf body, "unexpected EOF" ... Strings live in `arena`. */
int proto_open(struct arena *arena, const void *body, size_t len, struct proto_envelope *ret, struct apierr *err);

/* The object of an envelope as decode() leaves one; `s` is the schema of its kind. kind and apiVersion are set as
 * the envelope has them. Fields nobody knows are skipped and not reported. */
int proto_decode(const struct schema *s, const struct proto_envelope *e, json_t **ret, struct apierr *err);

/* The bare message of a tree that decode() left. */
void proto_encode(struct buf *b, const struct schema *s, const json_t *v);
/* A whole body: the envelope and the message. */
void proto_seal(struct buf *b, const struct schema *s, const char *api_version, const char *kind, const json_t *v);
/* One frame of a watch; `body` is a sealed object. */
void proto_watch_frame(struct buf *b, const char *type, const void *body, size_t len);
