/* declare.h — what a structural schema declares: the types of CEL that its data have (F-145).
 *
 * Names of members are escaped; those that cannot be, and members whose type nobody says, are not to be seen. Every
 * type carries its extent (kcel.h): how much data the schema, or a request, lets it hold.
 */
#pragma once

#include "kube/kcel/kcel.h"

/* The type of `node`, an OpenAPI schema; NULL where it declares none. `is_resource`: apiVersion, kind, metadata.name and
 * metadata.generateName are there whether it says so or not. Borrows the schema. */
const struct cel_type *kcel_declare(struct arena *a, const json_t *node, bool is_resource);

/* How often the smallest value of that type fits into a request. */
uint64_t kcel_max_cardinality(const struct cel_type *t);

/* The type of a member by its real name; NULL: not declared. */
const struct cel_type *kcel_member_type(struct arena *a, const struct cel_type *object, const char *name);
