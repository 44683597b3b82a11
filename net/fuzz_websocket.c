/* What a client may say over a websocket, in pieces of any size (the first byte says how large): nothing crashes, memory
 * stays bounded, only pongs and one goodbye are answered, and after it nothing more is said. */
#include "net/websocket_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(struct websocket_talk *t, size_t *goodbyes)
{
    struct blob *out;

    if (websocket_talk_take(t, &out) <= 0)
        return;
    for (size_t at = 0; at < out->len; at += 2 + (size_t)out->data[at + 1]) {
        unsigned opcode = (unsigned char)out->data[at] & 15;
        assert(at + 2 <= out->len && (opcode == 10 || opcode == 8) && out->data[at + 1] >= 0 && out->data[at + 1] <= 125);
        *goodbyes += opcode == 8;
    }
    blob_unref(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct websocket_talk t = { 0 };
    size_t step = size ? (size_t)data[0] + 1 : 1, goodbyes = 0;

    for (size_t at = 1; at < size; at += step) {
        size_t n = size - at < step ? size - at : step;
        bool hears = websocket_hear(&t, (const char *)data + at, n);
        assert(t.in.len <= 256 + 14 + 125 && t.out.len <= 4096 + 256 * 64);
        if (at % 3 || t.closing)
            check_answer(&t, &goodbyes);
        assert(hears || t.closed);
    }
    assert(goodbyes <= 1);
    websocket_talk_release(&t);
    return 0;
}
