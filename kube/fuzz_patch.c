/* Input: a letter (j, m, s: which kind of patch), a document, a NUL, a patch. No patch changes the document
 * it is given; what comes out can be printed; the difference between the two leads from one to the other. */
#include "kube/patch_merge.h"
#include "kube/patch_strategic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A recursive type: lists by key, lists as sets, maps, retained keys. */
static const struct schema string_type = { .type = SCHEMA_STRING, .go_type = "string" };
static const struct schema strings = { .type = SCHEMA_ARRAY, .items = &string_type };
static const struct schema node_type;
static const struct schema nodes = { .type = SCHEMA_ARRAY, .items = &node_type };
static const struct schema map = { .type = SCHEMA_OBJECT, .additional = &string_type };
static const struct schema_field node_fields[] = {
    { "name", &string_type },
    { "list", &nodes, .patch_merge_key = "name", .patch_strategy = PATCH_STRATEGY_MERGE },
    { "set", &strings, .patch_strategy = PATCH_STRATEGY_MERGE },
    { "plain", &nodes },
    { "one", &node_type },
    { "kept", &node_type, .patch_strategy = PATCH_STRATEGY_RETAIN_KEYS },
    { "map", &map },
};
static const struct schema node_type = { .type = SCHEMA_OBJECT, .go_type = "v1.Node", .fields = node_fields,
                                         .n_fields = ARRAY_SIZE(node_fields) };

static int apply(char kind, struct arena *a, const json_t *doc, const char *patch, size_t len,
                 json_t **ret, struct apierr *err)
{
    struct patch_notes notes;
    json_auto_t *used = NULL;

    if (kind == 'j')
        return json_patch_apply(a, doc, patch, len, true, &notes, ret, err);
    if (kind == 'm')
        return merge_patch_apply(a, doc, patch, len, true, &notes, ret, err);
    return strategic_patch_apply(a, doc, &node_type, patch, len, true, &notes, ret, &used, err);
}

static bool has_null(const json_t *v)
{
    cleanup_free char *text = json_text(v, 0);

    return strstr(text, "null");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    cleanup_arena struct arena *a = arena_new();
    json_auto_t *doc = NULL, *result = NULL, *diff = NULL, *there = NULL;
    cleanup_free char *text = NULL;
    struct apierr err = APIERR_IN(a);
    uint64_t before;

    json_object_seed(1);
    if (!nul || nul == data)
        return 0;
    doc = json_parse((const char *)data + 1, (size_t)(nul - data) - 1, 0, NULL, NULL);
    if (!json_is_object(doc))
        return 0;
    before = json_hash(0, doc);
    if (apply((char)data[0], a, doc, (const char *)nul + 1, size - (size_t)(nul - data) - 1, &result,
              &err) < 0)
        assert(err.message);
    assert(json_hash(0, doc) == before);
    if (!result)
        return 0;
    text = json_text(result, 0);
    assert(*text);
    if (!json_is_object(result) || has_null(result))
        return 0;
    diff = merge_patch_diff(doc, result);
    there = merge_patch_merge(doc, diff);
    assert(json_same(there, result));
    return 0;
}
