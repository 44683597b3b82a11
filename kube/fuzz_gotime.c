/* A time that is taken is printed as the same time, the year beyond four digits aside; a duration that is taken fits in its
 * type, and so does its negative twin but for the least; what is refused is told why. */
#include "kube/gotime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_time(struct arena *a, const char *text, size_t len, bool micro)
{
    char printed[GOTIME_TEXT_MAX];
    struct gotime t, again;
    const char *wrong = gotime_parse(a, text, len, micro, &t);

    if (wrong) {
        assert(*wrong);
        return;
    }
    gotime_format(t, micro, printed);
    if (strlen(printed) == strlen(micro ? "2006-01-02T15:04:05.000000Z" : "2006-01-02T15:04:05Z")) {
        assert(!gotime_parse(a, printed, strlen(printed), micro, &again));
        assert(again.s == t.s);
    }
}

static void check_duration(struct arena *a, const char *text, size_t len)
{
    duration d, negative;
    const char *wrong = goduration_parse(a, text, len, &d);
    const char *twin = arena_printf(a, "-%.*s", (int)len, text);

    if (wrong) {
        assert(*wrong && d == 0);
        return;
    }
    if (len && *text != '-' && *text != '+' && strlen(twin) == len + 1) {
        assert(!goduration_parse(a, twin, len + 1, &negative));
        assert(d == -negative);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *a = arena_new();
    const char *text = arena_strndup(a, (const char *)data, size);

    check_time(a, text, size, false);
    check_time(a, text, size, true);
    check_duration(a, text, size);
    return 0;
}
