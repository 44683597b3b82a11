/* What every file assumes: parsing, strings, buffers, arenas, errors, times. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/buf.h"
#include "world/civil.h"
#include "world/clock.h"
#include "world/err.h"

static void numbers(void **state)
{
    static const struct {
        const char *text;
        bool is_u64, is_i64;
        uint64_t value;
    } rows[] = {
        { "0", true, true, 0 },
        { "7", true, true, 7 },
        { "007", true, true, 7 },
        { "9223372036854775807", true, true, INT64_MAX },
        { "9223372036854775808", true, false, UINT64_C(1) << 63 },
        { "18446744073709551615", true, false, UINT64_MAX },
        { "18446744073709551616", false, false, 0 },
        { "99999999999999999999999", false, false, 0 },
        { "-1", false, true, UINT64_MAX },
        { "-9223372036854775808", false, true, UINT64_C(1) << 63 },
        { "-9223372036854775809", false, false, 0 },
        { "", false, false, 0 },
        { "-", false, false, 0 },
        { "--1", false, false, 0 },
        { "+1", false, false, 0 },
        { " 1", false, false, 0 },
        { "1 ", false, false, 0 },
        { "1x", false, false, 0 },
        { "0x1", false, false, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t u = 99;
        int64_t s = 99;
        assert_int_equal(parse_u64(rows[i].text, &u), rows[i].is_u64);
        assert_int_equal(parse_i64(rows[i].text, &s), rows[i].is_i64);
        assert_true(u == (rows[i].is_u64 ? rows[i].value : 99));
        assert_true((uint64_t)s == (rows[i].is_i64 ? rows[i].value : 99));
    }
}

static void strings(void **state)
{
    cleanup_free char *a = xasprintf("%s-%d", "a", 1), *b = xstrndup("abc", 2), *stolen = NULL;

    assert_string_equal(a, "a-1");
    assert_string_equal(b, "ab");
    assert_true(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("a", "ab"));
    assert_true(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("c", "bc"));
    assert_true(str_empty(NULL) && str_empty("") && !str_empty("x"));
    stolen = STEAL(a);
    assert_null(a);
    assert_string_equal(stolen, "a-1");
}

static void an_array_grows(void **state)
{
    DYN(int) rows = { 0 };

    for (int i = 0; i < 1000; i++)
        *dyn_push(&rows) = i;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rows.v[i], i);
    dyn_release(&rows);
    assert_null(rows.v);
    assert_int_equal(rows.n, 0);
}

/* Published values of FNV-1a: replays and recorded fingerprints depend on them. */
static void hashes(void **state)
{
    assert_true(hash64_str(HASH64_INIT, "") == UINT64_C(0xcbf29ce484222325));
    assert_true(hash64_str(HASH64_INIT, "a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(hash64_str(HASH64_INIT, "foobar") == UINT64_C(0x85944171f73967e8));
}

static void a_buffer_grows(void **state)
{
    cleanup_buf struct buf b = BUF_INIT;
    cleanup_free char *bytes = NULL;
    cleanup_free char *wide = xasprintf("%5000d", 7);

    buf_add(&b, NULL, 0);
    assert_string_equal(b.data, "");
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "%d,", i);
    assert_int_equal(b.len, 290);
    assert_int_equal(b.data[b.len], 0);
    buf_reset(&b);
    assert_string_equal(b.data, "");
    buf_add_char(&b, 'x');
    buf_printf(&b, "%s", wide);
    assert_int_equal(b.len, 5001);
    assert_string_equal(b.data + 1, wide);
    bytes = buf_steal(&b);
    assert_int_equal(strlen(bytes), 5001);
    assert_null(b.data);
    free(STEAL(bytes));
    bytes = buf_steal(&b);
    assert_string_equal(bytes, "");
}

static void a_blob_is_shared(void **state)
{
    struct buf b = BUF_INIT;
    struct blob *blob, *other;

    buf_add(&b, "a\0b", 3);
    blob = blob_from_buf(&b);
    assert_null(b.data);
    assert_int_equal(blob->len, 3);
    assert_memory_equal(blob->data, "a\0b", 4);
    other = blob_ref(blob);
    blob_unref(blob);
    assert_memory_equal(other->data, "a\0b", 4);
    blob_unref(other);
    blob_unref(NULL);
    assert_null(blob_ref(NULL));
}

static void an_arena_is_freed_at_once(void **state)
{
    cleanup_arena struct arena *a = arena_new();

    arena_reset(a);
    for (int round = 0; round < 3; round++) {
        char *first = arena_strdup(a, "first");
        for (size_t size = 0; size < 3000; size += 7) {
            unsigned char *p = arena_alloc(a, size);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xff, size);
        }
        memset(arena_alloc(a, 1000000), 0xff, 1000000);
        assert_string_equal(first, "first");
        assert_string_equal(arena_printf(a, "%s %d", first, 7), "first 7");
        assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
        assert_memory_equal(arena_memdup(a, "a\0b", 3), "a\0b", 3);
        arena_reset(a);
    }
}

static void an_error_says_where(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a), bare = { 0 };
    int r = err_set(&e, ERR_NOT_FOUND, "no %s here", "door");

    assert_int_equal(r, -ERR_NOT_FOUND);
    assert_string_equal(err_message(&e), "no door here");
    assert_int_equal(err_wrap(&e, r, "house %d", 7), r);
    assert_string_equal(err_message(&e), "house 7: no door here");
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_int_equal(err_set(NULL, ERR_FULL, "unheard"), -ERR_FULL);
    assert_int_equal(err_wrap(NULL, -ERR_FULL, "unheard"), -ERR_FULL);
    assert_int_equal(err_set(&bare, ERR_FULL, "kept as a code"), -ERR_FULL);
    assert_string_equal(err_message(&bare), "no space left");
    e = ERR_IN(a);
    assert_int_equal(err_wrap(&e, -ERR_TIMEOUT, "call"), -ERR_TIMEOUT);
    assert_int_equal(e.code, ERR_TIMEOUT);
    assert_string_equal(err_message(&e), "call: deadline exceeded");
}

static void an_errno_has_a_code(void **state)
{
    static const struct {
        int errnum;
        enum err_code code;
    } rows[] = {
        { ENOENT, ERR_NOT_FOUND },   { EEXIST, ERR_EXISTS },      { ENOTEMPTY, ERR_EXISTS },
        { EACCES, ERR_ACCESS },      { EPERM, ERR_ACCESS },       { EROFS, ERR_ACCESS },
        { ENOSPC, ERR_FULL },        { EDQUOT, ERR_FULL },        { EFBIG, ERR_FULL },
        { EINVAL, ERR_INVALID },     { ENOTDIR, ERR_INVALID },    { EISDIR, ERR_INVALID },
        { ELOOP, ERR_INVALID },      { ENAMETOOLONG, ERR_INVALID }, { ECONNREFUSED, ERR_UNAVAILABLE },
        { ECONNRESET, ERR_UNAVAILABLE }, { EPIPE, ERR_UNAVAILABLE }, { ETIMEDOUT, ERR_TIMEOUT },
        { EIO, ERR_IO },             { ENXIO, ERR_IO },
    };
    cleanup_arena struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct err e = ERR_IN(a);
        assert_int_equal(err_set_errno(&e, rows[i].errnum, "open %s", "f"), -(int)rows[i].code);
        assert_int_equal(e.code, rows[i].code);
        assert_true(str_starts(err_message(&e), "open f: "));
    }
    assert_string_equal(err_code_text(-ERR_CANCELLED), "cancelled");
    assert_string_equal(err_code_text(-77), "error");
    assert_string_equal(err_code_text(0), "no error");
}

static void instants_saturate(void **state)
{
    struct instant last = { INT64_MAX - 5 }, first = { INT64_MIN + 5 };

    assert_int_equal(instant_add(last, 10).ns, INT64_MAX);
    assert_int_equal(instant_add(first, -10).ns, INT64_MIN);
    assert_int_equal(instant_add(last, -10).ns, INT64_MAX - 15);
    assert_int_equal(instant_sub(last, first), INT64_MAX);
    assert_int_equal(instant_sub(first, last), INT64_MIN);
    assert_true(instant_before(first, last) && !instant_before(last, last));
}

static void time_text(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t seconds;
    } rows[] = {
        { "1970-01-01T00:00:00Z", true, 0 },
        { "2025-01-01T00:00:00Z", true, 1735689600 },
        { "2024-02-29T12:30:05+02:00", true, 1709202605 },
        { "1969-12-31T23:59:59Z", true, -1 },
        { "2023-02-29T00:00:00Z", false, 0 },
        { "2025-01-01 00:00:00Z", false, 0 },
        { "2025-01-01T00:00:00", false, 0 },
        { "2025-01-01T24:00:00Z", false, 0 },
        { "2025-01-01T00:00:00.Z", false, 0 },
        { "2025-01-01T00:00:00Zx", false, 0 },
        { "2025-01-01T00:00:00+24:00", false, 0 },
        { "2025-01-01T00:00:00-00:60", false, 0 },
        { "2025-00-01T00:00:00Z", false, 0 },
        { "2025-13-01T00:00:00Z", false, 0 },
        { "2025-04-31T00:00:00Z", false, 0 },
        { "2025-01-01T00:00:60Z", false, 0 },
        { "2025-01-01", false, 0 },
        { "", false, 0 },
        { "2000-02-29T00:00:00Z", true, 951782400 },
        { "2100-02-29T00:00:00Z", false, 0 },
    };
    struct instant t;
    char text[TIME_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(time_parse(rows[i].text, &t), rows[i].ok);
        if (rows[i].ok)
            assert_int_equal(t.ns, rows[i].seconds * 1000000000);
    }
    time_format((struct instant){ INT64_C(1709202605123456789) }, text);
    assert_string_equal(text, "2024-02-29T10:30:05Z");
    time_format_micro((struct instant){ INT64_C(1709202605123456789) }, text);
    assert_string_equal(text, "2024-02-29T10:30:05.123456Z");
    time_format((struct instant){ -1 }, text);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
}

static void times_beyond_an_instant(void **state)
{
    struct instant t;

    assert_true(time_parse("9999-12-31T23:59:59Z", &t));
    assert_int_equal(t.ns, INSTANT_NEVER.ns);
    assert_true(time_parse("0001-01-01T00:00:00Z", &t));
    assert_int_equal(t.ns, INT64_MIN);
    assert_true(time_parse("2025-01-01T00:00:00.123456789123Z", &t));
    assert_int_equal(t.ns, INT64_C(1735689600123456789));
}

/* What is printed is read back, through four centuries of leap years. */
static void printed_times_are_read_back(void **state)
{
    char text[TIME_TEXT_MAX];

    for (int64_t seconds = -9000000000; seconds < 9000000000; seconds += 86399 * 11) {
        struct instant t = { seconds * 1000000000 + 123456000 }, back;
        time_format_micro(t, text);
        assert_true(time_parse(text, &back));
        assert_int_equal(back.ns, t.ns);
    }
}

/* Every day of a thousand years around 1970, and the ends of what a four-digit year can say. */
static void calendar_goes_both_ways(void **state)
{
    struct civil c;

    for (int64_t day = -182621; day <= 182621; day++) {
        c = civil_from(day * 86400 + 86399);
        assert_int_equal(civil_days(c.year, c.month, c.day), day);
        assert_in_range(c.day, 1, civil_days_in(c.year, c.month));
        assert_int_equal(c.hour * 10000 + c.minute * 100 + c.second, 235959);
    }
    c = civil_from(INT64_C(253402300799));
    assert_int_equal(c.year * 10000 + c.month * 100 + c.day, 99991231);
    c = civil_from(INT64_C(-62167219200));
    assert_int_equal(c.year * 10000 + c.month * 100 + c.day, 101);
    assert_int_equal(civil_days_in(1900, 2) * 100 + civil_days_in(2000, 2), 2829);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(strings),
        cmocka_unit_test(an_array_grows),
        cmocka_unit_test(hashes),
        cmocka_unit_test(a_buffer_grows),
        cmocka_unit_test(a_blob_is_shared),
        cmocka_unit_test(an_arena_is_freed_at_once),
        cmocka_unit_test(an_error_says_where),
        cmocka_unit_test(an_errno_has_a_code),
        cmocka_unit_test(instants_saturate),
        cmocka_unit_test(calendar_goes_both_ways),
        cmocka_unit_test(time_text),
        cmocka_unit_test(times_beyond_an_instant),
        cmocka_unit_test(printed_times_are_read_back),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
