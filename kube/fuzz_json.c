/* What json_write prints, json_parse reads back to an equal tree, once whole floats have become integers
 * ("-0.0" prints as "-0"); scanning agrees with parsing. */
#include "kube/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printed(const json_t *v, unsigned flags)
{
    cleanup_free char *text = json_text(v, flags), *again_text = NULL;
    json_auto_t *again = json_parse_str(text), *third = NULL;

    assert(again);
    again_text = json_text(again, flags);
    third = json_parse_str(again_text);
    assert(json_same(again, third));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *a = arena_new();
    struct json_notes notes = JSON_NOTES_IN(a);
    struct err e = ERR_IN(a);
    json_auto_t *v = NULL, *copy = NULL, *merged = NULL;
    size_t scanned;

    json_object_seed(1);
    scanned = json_scan((const char *)data, size, NULL);
    v = json_parse((const char *)data, size, JSON_PARSE_SPELLINGS, &notes, &e);
    merged = json_parse((const char *)data, size, JSON_PARSE_MERGE_DUPLICATES, NULL, NULL);
    assert(!v == !merged);
    if (!v) {
        assert(*err_message(&e));
        return 0;
    }
    assert(scanned && scanned <= size);
    /* What a later member of the same name replaced was read, too. */
    assert(notes.n_duplicates ? notes.depth >= json_depth(v) : notes.depth == json_depth(v));
    assert(notes.n_duplicates || json_same(v, merged));
    copy = json_clone(v);
    assert(json_same(v, copy) && json_hash(0, v) == json_hash(0, copy));
    for (unsigned flags = 0; flags < 8; flags++)
        check_printed(v, flags);
    assert(go_value(a, v));
    return 0;
}
