/* rules.h — rules that several families of kinds share, beside those of podspec.h. */
#pragma once

#include "fakeapi/apiserver/builtin/builtin.h"
#include "fakeapi/apiserver/builtin/internal.h"
#include "fakeapi/apiserver/builtin/podspec_priv.h"
#include "fakeapi/apiserver/server.h"

/* The object's own members: RULE_AT("spec"). */
#define RULE_AT(name) FP_CHILD((const struct fpath *)NULL, name)

static inline bool rule_is_status(const struct subresource *sub)
{
    return sub && streq(sub->name, "status");
}

/* "field is immutable" where the two differ; an absent one is shown as null. */
void rule_immutable(struct fielderrs *e, const struct fpath *path, const json_t *value, const json_t *old);
/* The same, the value shown as the type of internal.h prints it. */
void rule_immutable_as(struct fielderrs *e, const struct fpath *path, const json_t *value, const json_t *old,
                       const char *type);
/* The same for a string, whose absence is "". */
void rule_immutable_text(struct fielderrs *e, const struct fpath *path, const json_t *obj, const json_t *old,
                         const char *name);
/* An immutable object (`immutable: true`): the members named (NULL-terminated) and the flag stay as they are. */
void rule_frozen(struct fielderrs *e, const json_t *obj, const json_t *old, const char *const *names);
/* The whole object twice, as some kinds' updates check it: once for itself, once as part of the change. */
#define RULE_TWICE(name, validate)                                                                              \
    static void name(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,   \
                     const json_t *old, struct fielderrs *e)                                                    \
    {                                                                                                           \
        (void)sub, (void)old;                                                                                   \
        validate(c, k, obj, e);                                                                                 \
        validate(c, k, obj, e);                                                                                 \
    }
/* How an amount compares to zero; what is no amount is one. */
int rule_amount_sign(struct arena *arena, const json_t *amount);
/* Unsupported unless the value is in the list; shown as it is sent, "" where it is absent. */
void rule_required_one_of(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name,
                          const char *const *allowed);
/* Required where the string is absent or empty. */
bool rule_required_text(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name);
/* A name by its rule, where the member is not empty. */
void rule_optional_name(struct fielderrs *e, const json_t *obj, const struct fpath *path, const char *name,
                        unsigned rule);
/* A duplicate with a sentence after it. */
void rule_duplicate(struct fielderrs *e, const struct fpath *path, const json_t *value, const char *detail);
/* The value, or null: what Go prints of a nil pointer. For fielderr_*(), which only look at it. */
const json_t *rule_shown(const json_t *value);
/* A LabelSelector as it is told: what of it is empty is not. New reference. */
json_t *rule_selector_shown(const json_t *selector);
/* The unified difference of two trees, one member a line (diff.c). */
const char *rule_diff(struct arena *arena, const json_t *before, const json_t *after);
/* A number that is not negative, or a percentage; at most 100%; and the number in either. */
/* In lower case, in the arena. */
char *rule_lower(struct arena *a, const char *s);
void rule_int_or_percent(struct fielderrs *e, const json_t *v, const struct fpath *path);
void rule_at_most_all(struct fielderrs *e, const json_t *v, const struct fpath *path);
int64_t rule_percent_value(const json_t *v);

/* Who names no class gets the default one, where there is one (default_class.c). */
void default_storage_class(struct call *c, json_t *claim);
/* The name of a CSI driver (drivers.c). */
void rule_csi_driver(struct fielderrs *e, const char *name, const struct fpath *at);
/* The source of that name in the spec of a PersistentVolume (podspec_sources.c). */
void persistent_source(struct fielderrs *e, const json_t *pv, const char *name, const struct fpath *path);
/* The spec of a claim, or of a template of claims (storage.c). */
void claim_spec_validate(struct fielderrs *e, const json_t *spec, const struct fpath *at);
void default_ingress_class(struct call *c, json_t *ingress);
/* "acme.io/foo", of at most so many bytes. */
void rule_domain_path(struct fielderrs *e, const struct fpath *at, const char *value, size_t most);
/* status.conditions where they are of the type that meta.k8s.io has for them. */
void rule_conditions(struct fielderrs *e, const json_t *list, const struct fpath *path);
