/* Properties: a time that is taken is printed as the same instant; what is refused is refused for good. */
#include "world/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Text of an instant within what an instant holds is read back as the same microsecond. */
static void check_round_trip(struct instant t)
{
    char text[TIME_TEXT_MAX];
    struct instant back;
    bool ok;

    time_format_micro(t, text);
    ok = time_parse(text, &back);
    assert(ok);
    assert(instant_sub(t, back) >= 0 && instant_sub(t, back) < DURATION_US(1));
    time_format(t, text);
    ok = time_parse(text, &back);
    assert(ok);
    assert(instant_sub(t, back) >= 0 && instant_sub(t, back) < DURATION_S(1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_free char *text = xstrndup((const char *)data, size);
    struct instant t, again;
    int64_t raw;

    if (time_parse(text, &t)) {
        bool ok = time_parse(text, &again);
        assert(ok && again.ns == t.ns);
        if (t.ns > INT64_MIN / 2 && t.ns < INT64_MAX / 2)
            check_round_trip(t);
    }
    if (size >= sizeof(raw)) {
        memcpy(&raw, data, sizeof(raw));
        check_round_trip((struct instant){ raw / 2 });
    }
    return 0;
}
