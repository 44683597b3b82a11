/* selector.h — label selectors and field selectors: parsed, printed, matched (sections D.1 and D.2).
 *
 * Both are plain values in the arena they were parsed into; they point to nothing outside it. Errors
 * are -APIERR_BAD_REQUEST with the sentence of k8s.io/apimachinery.
 *
 * Promises
 *  (1) What the format functions print parses to an equal selector.
 *  (2) Matching reads nothing but the tree it is given and allocates nothing.
 */
#pragma once

#include "kube/fielderr.h"

/* ---- labels ---------------------------------------------------------------------------------- */

enum label_op {
    LABEL_EXISTS, LABEL_ABSENT, LABEL_EQUALS, LABEL_DOUBLE_EQUALS, LABEL_NOT_EQUALS, LABEL_IN,
    LABEL_NOT_IN, LABEL_GREATER, LABEL_LESS
};

struct label_requirement {
    const char *key;
    enum label_op op;
    const char *const *values;                   /* sorted and distinct, as parsed */
    size_t n_values;
    int64_t bound;                               /* of GREATER and LESS */
};

/* All must hold. No requirement: everything matches, unless `nothing`. */
struct label_selector {
    const struct label_requirement *v;           /* sorted by key */
    size_t n;
    bool nothing;
};

/* The query syntax "a=b,c in (d,e),!f" (D-001). */
int label_selector_parse(struct arena *arena, const char *text, size_t len, struct label_selector *ret,
                         struct apierr *err);

/* A metav1.LabelSelector: NULL or null matches nothing, {} everything (D-007). Expects one that
 * label_selector_validate had no complaint about; else -APIERR_BAD_REQUEST. */
int label_selector_from_object(struct arena *arena, const json_t *selector, struct label_selector *ret,
                               struct apierr *err);
/* A plain map of labels, as a Service or ReplicationController has it; NULL or {} is everything. */
void label_selector_from_map(struct arena *arena, const json_t *map, struct label_selector *ret);
void label_selector_validate(struct fielderrs *errs, const struct fpath *path, const json_t *selector);
/* One expression of its matchExpressions. */
void label_expression_validate(struct fielderrs *errs, const struct fpath *path, const json_t *expr);

/* Its key and values alone, whatever the operator. */
void label_expression_validate_words(struct fielderrs *errs, const struct fpath *path, const json_t *expr);

/* `labels` is the map itself, or NULL. */
bool label_selector_matches(const struct label_selector *s, const json_t *labels);
bool label_selector_everything(const struct label_selector *s);
bool label_selector_equal(const struct label_selector *a, const struct label_selector *b);
const char *label_selector_format(struct arena *arena, const struct label_selector *s);

/* ---- fields ---------------------------------------------------------------------------------- */

struct field_term {
    const char *field, *value;
    bool negated;
};
struct field_selector {                          /* all must hold; sorted as apimachinery sorts them */
    const struct field_term *v;
    size_t n;
};

/* "a=b,c!=d" with \, \= and \\ in values (D-020). Whether a kind knows a field is not asked here. */
int field_selector_parse(struct arena *arena, const char *text, size_t len, struct field_selector *ret,
                         struct apierr *err);
const char *field_selector_format(struct arena *arena, const struct field_selector *s);
bool field_selector_equal(const struct field_selector *a, const struct field_selector *b);

/* `get` says the value of a field, "" where it has none (D-045). */
typedef const char *field_value_fn(void *arg, const char *field);
bool field_selector_matches(const struct field_selector *s, field_value_fn *get, void *arg);
/* The value which `field` must have, or NULL where no term says so: a lookup instead of a scan. */
const char *field_selector_exact(const struct field_selector *s, const char *field);
