/* Any bytes as a protobuf body: what is read prints to what reads the same. */
#include "kube/gvk.h"
#include "kube/proto.h"
#include "kube/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct schema *schema_of(const struct proto_envelope *e)
{
    char group[256], version[64];

    return api_version_split(e->api_version, group, version) ? types_find(group, version, e->kind) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *a = arena_new();
    struct proto_envelope e, back;
    cleanup_buf struct buf b = BUF_INIT;
    json_auto_t *v = NULL, *again = NULL;

    if (proto_open(a, data, size, &e, NULL) < 0)
        return 0;
    const struct schema *s = schema_of(&e);
    if (!s || proto_decode(s, &e, &v, NULL) < 0)
        return 0;
    proto_seal(&b, s, e.api_version, e.kind, v);
    assert(proto_open(a, b.data, b.len, &back, NULL) == 0);
    assert(streq(back.kind, e.kind) && schema_of(&back) == s);
    assert(proto_decode(s, &back, &again, NULL) == 0);
    assert(json_same(v, again));
    return 0;
}
