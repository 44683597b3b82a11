/* What is printed parses again and means the same. The first byte says which kind of selector. */
#include "kube/selector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_labels(struct arena *a, const char *text, size_t len)
{
    struct apierr err = APIERR_IN(a);
    struct label_selector s, again;
    const char *printed;

    if (label_selector_parse(a, text, len, &s, &err) < 0) {
        assert(*err.message);
        return;
    }
    printed = label_selector_format(a, &s);
    assert(label_selector_parse(a, printed, strlen(printed), &again, &err) == 0);
    assert(label_selector_equal(&s, &again));
    label_selector_matches(&s, NULL);
}

static void check_fields(struct arena *a, const char *text, size_t len)
{
    struct apierr err = APIERR_IN(a);
    struct field_selector s, again;
    const char *printed;

    if (memchr(text, 0, len) || field_selector_parse(a, text, len, &s, &err) < 0)
        return;
    printed = field_selector_format(a, &s);
    assert(field_selector_parse(a, printed, strlen(printed), &again, &err) == 0);
    assert(field_selector_equal(&s, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *a = arena_new();

    if (!size)
        return 0;
    if (data[0] == 'f')
        check_fields(a, (const char *)data + 1, size - 1);
    else
        check_labels(a, (const char *)data + 1, size - 1);
    return 0;
}
