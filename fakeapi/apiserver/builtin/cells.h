/* cells.h — what a Table says of a built-in kind (G.4): its columns are facts (columns.tsv), its cells are
 * made here. Kinds without columns of their own show name and creation time. */
#pragma once

#include "fakeapi/apiserver/kinds.h"
#include "world/clock.h"

/* What two columns that nearly every table has say of themselves. */
#define COLUMN_NAME_TEXT \
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a " \
    "client to request the generation of an appropriate name automatically. Name is primarily intended for creation " \
    "idempotence and configuration definition. Cannot be updated. More info: " \
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
#define COLUMN_CREATED_TEXT \
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed " \
    "to be set in happens-before order across separate operations. Clients may not set this value. It is represented " \
    "in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: " \
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"

struct column_set {
    const char *group, *plural;
    const struct column *columns;
    size_t n;
};
extern const struct column_set column_sets[];
extern const size_t n_column_sets;

/* NULL: the kind has no columns of its own. */
const struct column_set *column_set_of(const struct kind *k);
/* The cells of a row, a new array; NULL where the kind has no columns of its own. `now` is the server's. */
json_t *cells_of(const struct kind *k, const json_t *obj, struct instant now, struct arena *a);

/* The two columns of kinds that have none of their own: Name, Created At (table.c). */
const struct column *column_name(void);
const struct column *column_created(void);

/* cells_pod.c */
json_t *pod_cells(const json_t *obj, struct instant now, struct arena *a);

/* "5m", "3h20m", "<invalid>", as people read durations (F-163); and since a time, "<unknown>" without one. */
const char *human_duration(struct arena *a, duration d);
const char *human_since(struct arena *a, const char *time_text, struct instant now);
