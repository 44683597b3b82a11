/* yaml.h — YAML to JSON trees and back, as sigs.k8s.io/yaml does it: request bodies, manifests, and what
 * `Accept: application/yaml` gets.
 *
 * YAML 1.1 scalars: yes and on are booleans, 0644 is octal, 1_000 a thousand; a timestamp stays a string;
 * keys become strings. libyaml reads and writes: kube-apiserver's own parser is a port of it, so its
 * sentences ("yaml: line 3: mapping values are not allowed in this context") and its layout are the same.
 *
 * Promises
 *  (1) Nothing recurses; what aliases expand to is bounded as upstream bounds it, depth by YAML_DEPTH_MAX.
 *  (2) A tree that was read shares nothing inside: aliases are copies.
 *  (3) What yaml_write prints, yaml_parse reads back to an equal tree (whole floats become integers).
 */
#pragma once

#include "kube/json.h"

/* Upstream allows 10,000; a parser that looks back over all open levels at each token cannot. */
#define YAML_DEPTH_MAX 256

struct yaml_notes {
    struct arena *arena;                         /* set by the caller */
    /* "line 9: key true already set in map", in order, at most 100. */
    const char **duplicates;
    size_t n_duplicates;
    size_t error_line, error_column;             /* from 1; 0: no place */
};
#define YAML_NOTES_IN(a) ((struct yaml_notes){ .arena = (a) })

/* The first document; JSON null where there is none. NULL with `e`: "yaml: ...". Both may be NULL. */
json_t *yaml_parse(const char *text, size_t len, struct yaml_notes *notes, struct err *e);

/* All documents, as an array; empty ones are left out. */
json_t *yaml_parse_all(const char *text, size_t len, struct yaml_notes *notes, struct err *e);

/* Block style, members in natural order, long lines folded at 80; a newline at the end. Trees deeper than
 * YAML_DEPTH_MAX come as one line of JSON, which is YAML too. */
void yaml_write(struct buf *b, const json_t *v);

/* Why the real server, whose YAML goes by way of JSON, cannot say a tree in it: "yaml: ..."; NULL: it can. */
const char *yaml_write_problem(const json_t *v);
