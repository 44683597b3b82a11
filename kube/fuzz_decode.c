/* Any JSON as a built-in kind: decoding twice is decoding once, defaults hold, protobuf carries what JSON does. */
#include "kube/decode.h"
#include "kube/proto.h"
#include "kube/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Does protobuf carry all of it? Raw JSON comes back as it went, but where a kind is not all in protobuf. */
static void check_proto(struct arena *a, const struct schema *s, const json_t *v)
{
    cleanup_buf struct buf b = BUF_INIT;
    struct proto_envelope e;
    json_t *back = NULL;

    proto_seal(&b, s, "v1", "K", v);
    assert(proto_open(a, b.data, b.len, &e, NULL) == 0);
    if (proto_decode(s, &e, &back, NULL) == 0)
        json_decref(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *a = arena_new();
    struct json_notes parsed = JSON_NOTES_IN(a);
    struct decode_notes notes = DECODE_NOTES_IN(a, &parsed), silent = DECODE_NOTES_IN(a, NULL);
    json_auto_t *in = NULL, *once = NULL, *twice = NULL, *thrice = NULL, *full = NULL, *again = NULL;

    if (size < 1)
        return 0;
    const struct schema *s = types_rows[data[0] % types_n_rows].schema;
    in = json_parse((const char *)data + 1, size - 1, JSON_PARSE_MERGE_DUPLICATES, &parsed, NULL);
    if (!in || decode(s, in, &notes, &once, NULL) < 0)
        return 0;
    /* Once is not always enough: `items: true` of a schema is read as nothing and written as null, as in Go. */
    assert(decode(s, once, &silent, &twice, NULL) == 0 && decode(s, twice, &silent, &thrice, NULL) == 0);
    assert(json_same(twice, thrice) && silent.n_strict == 0);
    full = types_default(s, twice);
    assert(decode(s, full, &silent, &again, NULL) == 0);
    assert(json_same(full, again));
    check_proto(a, s, full);
    return 0;
}
