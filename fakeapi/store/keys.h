/* keys.h — the keys of a store in byte order, dead ones included as long as their history is kept.
 *
 * A B+tree of entries. Its shape depends on the order of operations alone, never on an address; no
 * function recurses. Inner nodes count the live entries below them, so that counting a prefix of any
 * size takes a few steps.
 */
#pragma once

#include "fakeapi/store/store.h"

struct revision {
    uint64_t mod, create, version;
    struct value *value;               /* a reference; NULL: deleted here */
};

struct entry {
    DYN(struct revision) revs;         /* oldest first; never empty while the entry is in the tree */
    uint64_t mix;                      /* its share of the fingerprint */
    struct entry *dirty_prev, *dirty_next;
    bool dirty, live;
    char key[];
};

struct entry *entry_new(const char *key);
void entry_free(struct entry *e);

struct node;
struct keys {
    struct node *root, *first;
    unsigned height;                   /* 0: the root is a leaf */
    size_t live;
};

void keys_init(struct keys *k);
void keys_release(struct keys *k);     /* frees the entries too */

struct entry *keys_find(const struct keys *k, const char *key);
void keys_insert(struct keys *k, struct entry *e);              /* its key is not there yet */
void keys_remove(struct keys *k, struct entry *e);              /* takes it out, does not free it */
void keys_set_live(struct keys *k, struct entry *e, bool live);

/* A place between two keys. */
enum bound_side {
    BOUND_AT,                          /* before the key, if it is there */
    BOUND_AFTER,                       /* behind it */
    BOUND_PAST                         /* behind every key that starts with it */
};
struct bound {
    const char *key;
    enum bound_side side;
};

struct cursor {
    const struct node *leaf;
    unsigned i;
};
void keys_seek(const struct keys *k, struct bound b, struct cursor *ret);
struct entry *cursor_next(struct cursor *c);                    /* NULL at the end */
size_t keys_live_before(const struct keys *k, struct bound b);
