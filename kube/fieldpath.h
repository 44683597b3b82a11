/* fieldpath.h — one element of a field path, its fieldsV1 spelling and its printed form. */
#pragma once

#include "kube/schema.h"
#include "world/buf.h"

/* How a value merges: the type of a field as server-side apply sees it. */
struct ftype {
    const struct schema *schema;       /* NULL: not described: lists atomic, maps granular */
    enum list_type list;
    bool map_atomic;
    const char *const *keys;           /* LIST_MAP */
};

struct ftype ftype_root(const struct schema *s);
/* The type of a member of an object of type t; *ret_declared tells a field from a key of a map. */
struct ftype ftype_member(struct ftype t, const char *name, bool *ret_declared);
struct ftype ftype_item(struct ftype t);

enum fkind { F_LEAF, F_MAP, F_LIST };            /* F_LEAF: scalar, or atomic whatever it is */
enum fkind ftype_kind(struct ftype t, const json_t *value);

bool fieldpath_valid(const char *element);
/* ".name", `[port=80,protocol="TCP"]`, `[="x"]`, "[3]". */
void fieldpath_print(struct buf *b, const char *element);

/* "f:name". In `a`. */
const char *fieldpath_field(struct arena *a, const char *name);
/* The element of `item` in a list of type t: its value, or those of its keys that it has or that have a default;
 * NULL where there is none of them. */
const char *fieldpath_item(struct arena *a, struct ftype t, const json_t *item);
