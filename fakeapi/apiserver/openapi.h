/* openapi.h — the OpenAPI documents, v3 and v2, made from what is served when somebody asks (A.2). */
#pragma once

#include <jansson.h>

#include "world/buf.h"

struct call;

/* "/openapi..." by its path. */
int openapi_handle(struct call *c, const char *path);

/* openapi_proto.c: a v2 document in gnostic's protobuf; a new blob. */
struct blob *openapi_v2_protobuf(const json_t *doc);
