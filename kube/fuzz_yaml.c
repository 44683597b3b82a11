/* What yaml_write prints, yaml_parse reads back to an equal tree. */
#include "kube/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *a = arena_new();
    struct yaml_notes notes = YAML_NOTES_IN(a);
    struct err e = ERR_IN(a);
    cleanup_buf struct buf printed = BUF_INIT;
    json_auto_t *v = NULL, *again = NULL, *all = NULL;

    json_object_seed(1);
    v = yaml_parse((const char *)data, size, &notes, &e);
    all = yaml_parse_all((const char *)data, size, NULL, NULL);
    if (!v) {
        assert(*err_message(&e) && !all);
        return 0;
    }
    yaml_write(&printed, v);
    again = yaml_parse(printed.data, printed.len, NULL, &e);
    assert(again);
    assert(json_same(v, again));
    return 0;
}
