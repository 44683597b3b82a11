/* yaml.h — a YAML file as a tree whose every node knows where it stands.
 *
 * YAML 1.2 core types, and stricter than YAML where people get hurt: a plain scalar that YAML 1.1
 * readers take for something else (yes, no, on, off, y, n, 014, 1_000, 0x1F, ~) is refused with "quote
 * it"; so are duplicate keys, merge keys, tags, a second document, and invalid UTF-8. A file is at most
 * YAML_FILE_MAX bytes, 64 levels deep, and YAML_NODES_MAX nodes after following aliases.
 *
 * Everything lives in the arena given: nobody frees a node.
 */
#pragma once

#include <jansson.h>

#include "world/arena.h"
#include "world/buf.h"

#define YAML_FILE_MAX (1024 * 1024)
#define YAML_NODES_MAX 10000
#define YAML_DEPTH_MAX 64

enum ynode_kind { YNODE_NULL, YNODE_BOOL, YNODE_INT, YNODE_REAL, YNODE_STRING, YNODE_LIST, YNODE_MAP };

struct ynode;
struct ymember {
    const char *key;
    int line, col;                     /* of the key, from 1 */
    struct ynode *value;
};

struct ynode {
    enum ynode_kind kind;
    int line, col;                     /* from 1; 0 = nowhere */
    union {
        bool boolean;
        int64_t integer;
        double real;
        const char *string;            /* NUL-terminated; a NUL inside is refused */
        struct ynode **items;
        struct ymember *members;
    };
    size_t n;                          /* of items or members */
};

const struct ynode *ynode_get(const struct ynode *map, const char *key);      /* NULL: absent, no map */
const char *ynode_kind_text(enum ynode_kind kind);                            /* "a list" */
json_t *ynode_json(const struct ynode *n);                                    /* a new reference */

/* What was wrong with a file, in the order found. At most DIAG_MAX are kept. */
#define DIAG_MAX 20
struct diag {
    const char *file, *message;
    int line, col;                     /* 0: the file as a whole */
};
struct diags {
    struct arena *arena;
    DYN(struct diag) list;
};
#define DIAGS_IN(a) ((struct diags){ .arena = (a) })
#define cleanup_diags __attribute__((cleanup(diags_release)))
void diags_release(struct diags *d);
void diag_add(struct diags *d, const char *file, int line, int col, const char *fmt, ...) PRINTF(5, 6);

/* "file:line:col: message", the source line and a caret under its column, for each. `text` is the
 * file's content, NULL where there is none. */
void diags_print(const struct diags *d, const char *text, struct buf *out);

/* The tree, or NULL with at least one diag. `file` names it in messages and is borrowed. */
struct ynode *ynode_parse(struct arena *a, const char *file, const char *text, size_t len,
                         struct diags *d);
