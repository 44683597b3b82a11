#include "fakeapi/store/store.h"

#include "kube/json.h"

static struct value *value_new(json_t *tree, struct blob *bytes)
{
    struct value *v = xcalloc(1, sizeof(*v));

    v->refs = 1;
    v->tree = tree;
    v->bytes = bytes;
    return v;
}

struct value *value_from_tree(json_t *tree)
{
    assert(tree);
    return value_new(tree, NULL);
}

struct value *value_from_bytes(struct blob *bytes)
{
    assert(bytes);
    return value_new(NULL, bytes);
}

struct value *value_ref(struct value *v)
{
    if (v)
        v->refs++;
    return v;
}

void value_unref(struct value *v)
{
    if (!v || --v->refs > 0)
        return;
    json_decref(v->tree);
    blob_unref(v->bytes);
    free(v);
}

/* Bytes in a store were made by our serialiser, or scanned when the log was loaded. */
json_t *value_tree(struct value *v)
{
    if (!v->tree)
        v->tree = json_parse(v->bytes->data, v->bytes->len, 0, NULL, NULL);
    assert(v->tree);
    return v->tree;
}

struct blob *value_bytes(struct value *v)
{
    if (!v->bytes)
        v->bytes = json_blob(v->tree, 0);
    return v->bytes;
}
