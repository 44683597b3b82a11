/* patch_strategic.h — strategic merge patch of built-in kinds (section E.4), with all its directives:
 * $patch, $retainKeys, $deleteFromPrimitiveList/F, $setElementOrder/F.
 *
 * What merges how is said by the schema: patch_merge_key and patch_strategy of each field.
 *
 * Promises
 *  (1) The document given is not changed; the result shares with it what the patch does not touch.
 *  (2) Lists are merged in time linear in their sizes (but for sorting); depth is bounded.
 */
#pragma once

#include "kube/patch_json.h"
#include "kube/schema.h"

/* Applies `patch` (bytes) to `doc`, an object of type `s`. `ret_patch` (may be NULL) gets the patch as it is
 * after the merge took its directives out of it: what the server prints when the result does not decode;
 * it is written also where the merge fails. Errors: 400 for what is no patch or a malformed directive, the
 * 422 that says nothing for lists of lists and $retainKeys, else 500 with upstream's sentence. */
int strategic_patch_apply(struct arena *arena, const json_t *doc, const struct schema *s,
                          const char *patch, size_t len, bool validate, struct patch_notes *ret_notes,
                          json_t **ret, json_t **ret_patch, struct apierr *err);

/* The same with the patch as a tree, which is not changed. */
int strategic_patch_merge(const json_t *doc, const struct schema *s, const json_t *patch, json_t **ret,
                          struct apierr *err);
