/* openapi_priv.h — what the makers of one OpenAPI document share: the document, its definitions, its paths.
 *
 * Nothing of the prose of Kubernetes is in here: descriptions are names, or empty.
 */
#pragma once

#include "fakeapi/apiserver/openapi.h"

#include "fakeapi/apiserver/server.h"

/* One document in the making. v3 has components and content types, v2 definitions and consumes. */
struct doc {
    struct call *c;
    bool v3, custom;                   /* custom: it describes custom resources alone */
    json_t *definitions, *paths;
    /* Named types still to be written: their definitions follow those that mention them. */
    DYN(const char *) wanted;
};

#define OPENAPI_META "io.k8s.apimachinery.pkg.apis.meta.v1."

/* ---- openapi_schemas.c ---- */

/* {"$ref": ...}; what it names will be defined. */
json_t *openapi_ref(struct doc *d, const char *name);
/* The definition's name of a kind, built in or custom; NULL: no schema is known. */
const char *openapi_name(struct doc *d, const struct kind *k);
const char *openapi_list_name(struct doc *d, const struct kind *k);
/* A custom kind and its list, which no table has. */
void openapi_define_custom(struct doc *d, const struct kind *k);
/* Everything that was referred to. */
void openapi_define(struct doc *d);
json_t *openapi_gvk(const char *group, const char *version, const char *kind);

/* ---- openapi_paths.c ---- */

void openapi_paths_of_kind(struct doc *d, const struct kind *k);
/* "/apis/apps/v1/" and the like: `group` alone, or with a version. */
void openapi_path_of_group(struct doc *d, const char *group);
void openapi_path_of_version(struct doc *d, const char *group, const char *version);
/* Of the paths that belong to no group, the one whose document is `name` ("version", "api"); NULL: all of them.
 * False: there is none of that name. */
bool openapi_path_of_server(struct doc *d, const char *name);
/* The names of those documents, NULL-terminated. */
extern const char *const openapi_server_documents[];
