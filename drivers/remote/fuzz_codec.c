/* What is decoded encodes to bytes that decode to the same. The first byte says which message. */
#include "drivers/remote/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union any {
    struct driver_info info;
    struct checkpoint_request checkpoint;
    struct checkpoint_response checkpointed;
    struct restore_request restore;
    struct restore_response restored;
    struct snapshot_delete_request remove;
    struct freeze_request freeze;
    struct snapshot_list_request list;
    struct snapshot_list_response listed;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;
    const struct codec_method *m;
    const struct codec_shape *shape;
    union any value, again;
    const char *why = NULL;

    if (!size)
        return 0;
    m = codec_method(data[0] % DRIVER_METHODS);
    shape = data[0] & 0x80 ? m->reply : m->request;
    if (!codec_decode(shape, data + 1, size - 1, a, &value, &why)) {
        assert(*why);
        return 0;
    }
    codec_encode(shape, &value, &first);
    if (!codec_decode(shape, first.data ? first.data : "", first.len, a, &again, &why))
        assert(!"what we encode we decode");
    codec_encode(shape, &again, &second);
    assert(first.len == second.len);
    assert(first.len == 0 || memcmp(first.data, second.data, first.len) == 0);
    return 0;
}
