/* openapi.h — the OpenAPI documents, v3 and v2, made from what is served when somebody asks (A.2). */
#pragma once

#include <jansson.h>

#include "world/buf.h"

struct call;

/* "/openapi..." by its path. */
int openapi_handle(struct call *c, const char *path);

/* A document in gnostic's protobuf (openapi_proto2.c, openapi_proto3.c); a new blob. */
struct blob *openapi_v2_protobuf(const json_t *doc);
struct blob *openapi_v3_protobuf(const json_t *doc);
