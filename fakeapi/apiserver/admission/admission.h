/* admission.h — who else has a say in a write: built-in admission, webhooks, policies, in the real order.
 *
 *   built-in (../admit.c) -> mutating webhooks, and again those that ask for it when something changed
 *   -> [preparation and validation of the object] -> validating policies -> validating webhooks     (I-001)
 *
 * Both calls may suspend where a webhook is asked, and only there: what was read from the store before is stale
 * after. Who writes does so by compare-and-swap, and when it loses runs the whole again, admission included.
 *
 * Each stage is a file of its own: webhook_*.c (I.1, I.2), policy_*.c (I.3).
 */
#pragma once

#include "fakeapi/apiserver/server.h"

enum admission_op { ADMIT_CREATE, ADMIT_UPDATE, ADMIT_DELETE, ADMIT_CONNECT };
const char *admission_op_text(enum admission_op op);             /* "CREATE" ... */

/* One write as admission sees it. */
struct admission {
    enum admission_op op;
    const struct kind *kind;           /* of the resource */
    const struct subresource *sub;     /* NULL: the main resource */
    const struct kind *body;           /* what the objects are: `kind`, or what a subresource is a view of */
    bool namespace_itself;             /* the resource is namespaces */
    const char *namespace;             /* of the request; of a Namespace its own name; "" where there is none */
    const char *name;                  /* "" at a create that has none yet, and in a deletecollection */
    json_t *object;                    /* NULL at DELETE. admission_mutate() owns it and may replace it */
    const json_t *old;                 /* NULL at CREATE and CONNECT */
    const json_t *options;             /* CreateOptions and so on. NULL: made from the call; none at CONNECT */
};

/* Fills all but the objects from the call. */
void admission_init(struct call *c, enum admission_op op, const struct kind *k, const struct subresource *sub,
                    struct admission *ret);

/* Everything that may change the object. Duplicate owners are merged afterwards. At ADMIT_DELETE and
 * ADMIT_CONNECT nothing may change: a webhook that tries is an error. */
int admission_mutate(struct call *c, struct admission *a);
/* The same for a view of the object (Scale): `old` is the object that is shown, *body the view that is written. */
int admission_mutate_view(struct call *c, const struct kind *k, const struct view_ops *view, const json_t *old,
                          json_t **body);
/* Everything that may only refuse. A view is made of the objects where the subresource is one. `a->object` is borrowed. */
int admission_validate(struct call *c, const struct admission *a);

/* A 403 that names what is refused; `why` ends its sentence. */
int admission_forbidden(struct call *c, const struct admission *a, const char *why);

/* ---- the stages ----------------------------------------------------------------------------------- */

/* False where the request is none that configuration may see (I-003): then no stage below is called. */
bool admission_configurable(const struct admission *a);

/* The matchConditions of a webhook or a policy (I-006): 1 all hold, 0 one does not; negative with c->err where it
 * cannot be told and that fails the request; `ignores`: then it is 0. Objects in the version it is told of. */
int match_conditions(struct call *c, const struct admission *a, const json_t *conditions, bool ignores,
                     const json_t *object, const json_t *old);

/* What is created through a subresource that is a deed (binding, eviction, token), or reviewed: a body of kind
 * `body`, admitted in two steps as every object is. Steals nothing; *obj may become another. */
int admission_begin(struct call *c, const struct kind *body, struct admission *a, json_t **obj);
int admission_end(struct call *c, struct admission *a, json_t *obj);
/* A connection to be opened: `options` (stolen) is what it was asked with, of kind `body`. */
int admission_connect(struct call *c, const struct kind *body, json_t *options);

/* Mutating webhooks. *ret_changed: the object is another one now. `again` on the second pass. */
struct webhook_round;
struct webhook_round *webhook_round_new(void);
void webhook_round_free(struct webhook_round *r);
int webhooks_mutate(struct call *c, struct admission *a, struct webhook_round *round, bool again, bool *ret_changed);
int webhooks_validate(struct call *c, const struct admission *a);

/* Validating policies: the first refusal is the answer. */
int policies_validate(struct call *c, const struct admission *a);
struct policies;
struct policies *policies_free(struct policies *ps);             /* NULL is fine; returns NULL */
