/* target.h — where a Hibernate strategy points: driver, merged parameters, names (SNP-005, SNP-070 to 075).
 *
 * A pure function of what the caches hold. `stamp` changes whenever one of the objects that were looked
 * at, or the set of usable drivers, does: it is what a terminal failure waits for.
 */
#pragma once

#include "controller/runtime/registry.h"
#include "kube/informer.h"
#include "kube/object.h"

struct target_sources {
    struct informer *providers, *classes, *claims;
    const struct registry *registry;
};

struct target {
    bool ready;
    const char *why;                   /* while it is not; in the pass's arena */
    const char *driver, *class_name, *provider_name, *claim_name;    /* "" = none */
    json_t *parameters;                /* new reference */
    uint64_t stamp;
};
void target_release(struct target *t);
#define cleanup_target __attribute__((cleanup(target_release)))

void target_resolve(struct co *co, const struct target_sources *from, const json_t *sandbox,
                    struct target *ret);

/* The claim that the Sandbox's strategy means: "" where none is meant (provider, or no Hibernate). With
 * `ret_template` non-empty the claim is one to be stamped from that template ("default": the implicit one
 * with an empty spec, only where the namespace has no default claim and `implicit` is allowed). */
const char *target_claim_name(struct co *co, const struct target_sources *from, const json_t *sandbox,
                              bool implicit, const char **ret_template);

/* "<sandbox>-<template>-<hash8>", at most 253 characters (SNP-052). */
const char *stamped_claim_name(struct arena *arena, const json_t *sandbox, const char *template_name);
/* The claim to create; `template_obj` NULL is the implicit empty one (SNP-053 to SNP-055). */
json_t *stamped_claim_build(struct arena *arena, const json_t *sandbox, const char *template_name,
                            const json_t *template_obj);

/* Flattened spec of a SnapshotProvider: "s3.bucket" ... (SNP-006). */
json_t *provider_parameters(const json_t *provider);
/* Union of class and claim parameters; NULL with the key that differs in `ret_key` (SNP-037, H-11). */
json_t *merge_parameters(const json_t *a, const json_t *b, const char **ret_key);
