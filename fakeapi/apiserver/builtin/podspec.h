/* podspec.h — what may stand in a pod's spec, with the sentences of the real server (G.3, B-170).
 *
 * Pure: a tree in, field errors out, in the order in which the real server finds them. Objects have
 * their defaults already. Pods, and everything that carries a pod template, come here.
 */
#pragma once

#include "kube/fielderr.h"

struct podspec_options {
    bool is_template;                  /* of a workload: some rules are for pods alone */
    const char *pod;                   /* its name; NULL: it has none yet */
};

void podspec_validate(struct fielderrs *e, const json_t *spec, const struct fpath *path,
                      const struct podspec_options *o);

/* A pod at create: the whole object but for its metadata. */
void pod_validate_create(struct fielderrs *e, const json_t *pod);

/* metadata.labels and the selector of a workload's template, and the spec below it. */
/* Its labels and annotations alone. */
void pod_template_meta_validate(struct fielderrs *e, const json_t *template, const struct fpath *path);
void pod_template_validate(struct fielderrs *e, const json_t *template, const struct fpath *path);

/* Shared small rules. */
/* Whether white space stands at either end, in Unicode's sense. */
bool rule_padded(const char *s);
void rule_annotation_keys(struct fielderrs *e, const json_t *annotations, const struct fpath *path);
void rule_labels(struct fielderrs *e, const json_t *labels, const struct fpath *path);
void rule_name(struct fielderrs *e, const struct fpath *path, unsigned rule, const char *value);
/* "must be greater than or equal to 0" where the member is there and below zero. */
void rule_not_negative(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *member);
/* Unsupported where the member is a string outside the list (NULL-terminated); absent is fine. */
void rule_one_of(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *member,
                     const char *const *allowed);
/* "must be between low and high, inclusive" where the member is there. */
void rule_range(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *member, int64_t low,
                int64_t high);
