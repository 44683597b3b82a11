/* crd_schema.h — the schema of a custom resource at work: read from its definition, what it drops, what it
 * fills in (F.4).
 *
 * The nodes are struct schema, as those of built-in kinds: server-side apply, OpenAPI and the rest ask them
 * alike. Validations stay in the JSON of the definition: schema_rules points there.
 *
 * Promises
 *  (1) Recursion ends where the schema does, at 200 levels at most, whatever the object.
 *  (2) No tree is edited. What had to change is new, the rest is shared; an object that is as it should be
 *      comes back itself, the same pointer.
 */
#pragma once

#include "kube/decode.h"
#include "kube/schema.h"

/* The keywords of a node as its author wrote them; borrowed from the definition. */
struct schema_rules {
    const json_t *node;
};

/* Reads an openAPIV3Schema, the root of an object: apiVersion, kind and metadata are there whether it says
 * so or not. Lives in `arena`; `openapi` must live as long. Never fails: what makes no sense is left out (a
 * definition is checked before it is served). */
const struct schema *crd_schema_parse(struct arena *arena, const json_t *openapi);

/* These take the reference in *obj and put that of the result in its place. */

/* Drops members that the schema does not know, and nulls that it neither allows nor replaces. What was
 * dropped is noted as "unknown field \"spec.a\"", sorted by path; `notes` may be NULL. */
void crd_prune(const struct schema *s, json_t **obj, struct decode_notes *notes);

/* Fills in the defaults, top down. */
void crd_default(const struct schema *s, json_t **obj);

/* metadata as Go decodes it: unknown members go, wrong types are refused with -APIERR_BAD_REQUEST. */
int crd_coerce_metadata(json_t **obj, struct decode_notes *notes, struct apierr *err);
/* The same in the objects inside, where the schema says there are any; their paths are in the notes. */
int crd_coerce_embedded(const struct schema *s, json_t **obj, struct decode_notes *notes, struct apierr *err);
