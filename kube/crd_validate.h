/* crd_validate.h — is a custom resource what its schema says? (F.5)
 *
 * The keywords of OpenAPI as kube-openapi checks and words them, then list types (sets and keyed lists) and
 * embedded resources. On update errors are ratcheted: what was wrong before and did not change is let be
 * (F-133). Rules in CEL are run after all of this: kcel/rules.h.
 *
 * A validator is compiled once for a version of a definition: patterns are expressions ready to run.
 *
 * Promises
 *  (1) Time is linear in the object for each keyword, and so is each pattern.
 *  (2) Errors come in the same order every time: members by name, then what is required.
 */
#pragma once

#include "kube/fielderr.h"
#include "kube/json.h"

struct crd_validator;

/* Of an openAPIV3Schema or any node below one; borrows it. What makes no sense in it is ignored: a definition
 * is checked before it is served. */
struct crd_validator *crd_validator_new(const json_t *openapi);
/* For what stands in the schema as a default: there a format that nobody checks still names the type in sentences, and
 * what may be an integer or a string may be anything. */
struct crd_validator *crd_validator_new_for_default(const json_t *openapi);
struct crd_validator *crd_validator_free(struct crd_validator *v);      /* NULL is fine; returns NULL */

/* Checks `obj` in three steps: the keywords, embedded resources, sets and keyed lists. `path` is where it stands for
 * errors (NULL: it is the object), `old` what stood there before an update (NULL: a create). */
void crd_validate(const struct crd_validator *v, const struct fpath *path, const json_t *obj, const json_t *old,
                  struct fielderrs *errs);
/* Each step by itself: others come between when a request is checked. */
void crd_validate_keywords(const struct crd_validator *v, const struct fpath *path, const json_t *obj, const json_t *old,
                           struct fielderrs *errs);
void crd_validate_embedded(const struct crd_validator *v, const struct fpath *path, const json_t *obj,
                           struct fielderrs *errs);
void crd_validate_lists(const struct crd_validator *v, const struct fpath *path, const json_t *obj, const json_t *old,
                        struct fielderrs *errs);

/* The validator of a member: what /status checks by itself (F-132). NULL where the schema has no such property.
 * Part of `v`: not to be freed. */
const struct crd_validator *crd_validator_property(const struct crd_validator *v, const char *name);

/* True when a rule in CEL stands anywhere in it. */
bool crd_validator_has_rules(const struct crd_validator *v);
/* True when an error is of the kind after which rules are not run (F-100); then this is added: */
bool crd_rules_blocked(const struct fielderrs *errs);
void crd_note_rules_blocked(struct fielderrs *errs);
