/* crd.h — CustomResourceDefinitions at work: what they make the server serve, and their own life cycle.
 *
 * crd.c keeps the register and writes conditions; crd_kind.c turns one definition into kinds; custom.c holds
 * the hooks that all custom kinds share.
 */
#pragma once

#include "fakeapi/apiserver/server.h"

/* What the schema of a version asks of objects, ready to run. */
struct crd_compiled {
    bool done;
    struct crd_validator *validator;
    struct kcel_rules *rules;          /* NULL: there are none */
};

/* One definition as it is served now. Kinds point into it: whoever keeps a kind holds it. */
struct crd {
    unsigned refs;
    struct arena *arena;               /* of everything below */
    const char *name, *group, *storage_version;
    const json_t *object;              /* a reference */
    bool terminating, status_counts;
    struct kind *kinds;                /* one each served version, and behind them those that are not served */
    size_t n_kinds, n_all;
    const json_t *const *version_specs;/* the entry of spec.versions for each kind */
    struct crd_compiled *compiled;     /* of each kind, made when first asked for */
};

/* Reads a definition whose names are accepted. */
struct crd *crd_new(const json_t *object);
struct crd *crd_ref(struct crd *d);
void crd_unref(struct crd *d);         /* NULL is fine */

/* What "group/version" is to this definition, served or not; NULL where it has no such version. */
const struct kind *crd_version(const struct crd *d, const char *api_version);

extern const struct kind_ops custom_ops;         /* custom.c */

const struct crd_compiled *custom_compiled(struct apiserver *s, const struct kind *k);

/* The entry of spec.versions that a custom kind was made of. */
const json_t *custom_version_spec(const struct kind *k);
