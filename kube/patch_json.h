/* patch_json.h — RFC 6902 as the API server applies it (section E.2): the odd corners included.
 *
 * Those are: `replace` adds a member that is missing, indices may be negative, a value left out is null,
 * `copy` of a missing member copies null, `test` compares scalars by their spelling ("1" is not "1.0"), a
 * path without leading '/' loses its first step, and "" names the whole document for replace and test only.
 *
 * Promises
 *  (1) The document given is not changed; the result shares with it what no operation touched.
 *  (2) The work is bounded: 10,000 operations, 3 MiB copied, ten million nodes compared; nothing recurses.
 */
#pragma once

#include "kube/json.h"
#include "kube/apierr.h"

#define JSON_PATCH_OPS_MAX 10000
#define JSON_PATCH_COPY_MAX (3 * 1024 * 1024)

/* What decoding a patch told besides the patch. */
struct patch_notes {
    const char **strict;               /* findings of strict decoding, worded for warnings and errors */
    size_t n_strict;
    struct json_notes json;            /* how the patch spelled its numbers */
    const char *why;                   /* of a 422: what Go's library says of the operation that did not apply */
};

/* `validate`: decode strictly first, as fieldValidation Warn and Strict do (other error sentences, and
 * findings in `ret_notes`, which may be NULL). Errors: 400 what is no patch, 413 too many operations, 422
 * with a sentence that says nothing for an operation that does not apply (E-021). */
int json_patch_apply(struct arena *arena, const json_t *doc, const char *patch, size_t len,
                     bool validate, struct patch_notes *ret_notes, json_t **ret, struct apierr *err);

/* The 422 that says nothing. */
int patch_rejected(struct apierr *err);

/* "cannot unmarshal X into": what Go calls the JSON type of a value. */
const char *go_json_type(const json_t *v);

/* Members by key in every object under `root` that nobody else holds: what Go does to the parts that a
 * patch has touched. */
void patch_sort_own(json_t *root);
