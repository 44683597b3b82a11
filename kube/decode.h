/* decode.h — an object as its sender wrote it becomes the object that a Go server would hold and print.
 *
 * What Go's decoder and encoder do to a struct, done to a tree: unknown members go (and are remembered for
 * strict and warn), wrong types are refused with Go's sentences, zero values vanish where the type says
 * omitempty and appear where it does not, quantities and times get their canonical text, members stand in
 * Go's order and map keys are sorted. What is already as it should be is shared with the input, not copied.
 *
 * Promises
 *  (1) Decoding what was decoded changes nothing.
 *  (2) Neither tree is edited; the result may share nodes with the input.
 *  (3) An error says which Go struct field is wrong (B.5, B-086, J).
 */
#pragma once

#include "kube/json.h"
#include "kube/schema.h"

enum { DECODE_STRICT_MAX = 100 };      /* B-088 */

/* What was noticed on the way; all of it in `arena`. */
struct decode_notes {
    struct arena *arena;                          /* set by the caller */
    const struct json_notes *parsed;              /* of the parser that made the tree; NULL: none */
    /* "unknown field \"spec.foo\"", "duplicate field \"data.a\"": distinct, in order. */
    const char **strict;
    size_t n_strict;
    /* Set by the caller: keep what is gone only once it is stored (empty lists that are printed as null, fields
     * behind a gate), since who sent it owns it. `kept`: there was such a thing, and it must be decoded again. */
    bool as_sent, kept;
    /* With as_sent: empty lists and maps that are not even printed stay too. Without: `dropped` tells that there
     * were some. */
    bool every_empty, dropped;
    /* Set by the caller: the tree was merged as a map, whose numbers were floats or integers already: a whole float is
     * an integer, and what does not fit is cut as a machine cuts it. */
    bool merged;
};
#define DECODE_NOTES_IN(a, p) ((struct decode_notes){ .arena = (a), .parsed = (p) })

/* A built-in kind. `ret` is a new reference. -APIERR_BAD_REQUEST with Go's sentence as the message. */
int decode(const struct schema *s, const json_t *in, struct decode_notes *notes, json_t **ret,
           struct apierr *err);

/* `obj` with the empty lists and maps that `sent` (decoded with every_empty) has where `obj` has nothing: what a
 * server holds in memory between decoding and storing. A new reference, `obj` itself where there are none. */
json_t *decode_with_empties(const struct schema *s, const json_t *obj, const json_t *sent);

/* "strict decoding error: unknown field \"a\", unknown field \"b\""; NULL when there was none. */
const char *decode_strict_error(const struct decode_notes *notes);

/* Adds one (a pruned member of a custom resource); beyond the limit and doubles are dropped. */
void decode_note_strict(struct decode_notes *notes, const char *text);

/* What an absent value of that type prints as when it must be printed: {} with the members that have no
 * omitempty, null, "" ... A new reference. */
json_t *decode_zero(const struct schema *s);
