/* hook_check.h — what a configuration says of a webhook: where it is, whom to trust, which reviews it reads. Admission's
 * configurations and CustomResourceDefinitions are held to the same (F-056, G-085).
 */
#pragma once

#include "kube/fielderr.h"

/* Exactly one of `url` and `service`, which then makes sense. `whole` is named where neither or both are there, the
 * parts below `path`. */
void hook_check_place(struct fielderrs *e, const struct fpath *whole, const struct fpath *path, const json_t *config);
/* Review versions: some, each once, one of ours among them. */
void hook_check_versions(struct fielderrs *e, const struct fpath *path, const json_t *versions, const char *required,
                         bool recognized);
/* NULL where `pem` (base64, as it stands in JSON) is a bundle of certificates or nothing; else what Go says of it. */
const char *hook_ca_problem(struct arena *a, const json_t *base64);
