/* patch_merge.h — RFC 7386 as the API server applies it (section E.3), and the patch between two trees.
 *
 * As upstream: nulls are pruned from what a patch adds, also inside the elements of lists (but null
 * elements stay); nulls inside a list that replaces an object stay altogether.
 */
#pragma once

#include "kube/patch_json.h"

/* Like json_patch_apply: the patch as bytes, with its errors (E-041). */
int merge_patch_apply(struct arena *arena, const json_t *doc, const char *patch, size_t len,
                      bool validate, struct patch_notes *ret_notes, json_t **ret, struct apierr *err);

/* A new tree: `doc` after `patch`, both objects; shares with both. */
json_t *merge_patch_merge(const json_t *doc, const json_t *patch);

/* The patch that makes `to` of `from`: new, {} where nothing differs. A null in `to` cannot be said. */
json_t *merge_patch_diff(const json_t *from, const json_t *to);
