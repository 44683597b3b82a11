/* openapi.h — the OpenAPI documents, v3 and v2, made from what is served when somebody asks (A.2). */
#pragma once

struct call;

/* "/openapi..." by its path. */
int openapi_handle(struct call *c, const char *path);
