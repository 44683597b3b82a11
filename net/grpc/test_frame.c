/* What gRPC adds to HTTP/2, as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/grpc/frame.h"

static void a_message_is_framed_and_read_back(void **state)
{
    cleanup_buf struct buf b = BUF_INIT;
    const void *data;
    size_t len;

    grpc_frame_add(&b, "hello", 5);
    assert_int_equal(b.len, 10);
    assert_memory_equal(b.data, "\0\0\0\0\5hello", 10);
    assert_int_equal(grpc_frame_parse(b.data, b.len, &data, &len), FRAME_OK);
    assert_int_equal(len, 5);
    assert_memory_equal(data, "hello", 5);
}

static const struct bad_row {
    const char *bytes;
    size_t len;
    enum grpc_frame_result want;
} bad_rows[] = {
    { "", 0, FRAME_NONE },
    { "\0", 1, FRAME_CUT },
    { "\0\0\0\0", 4, FRAME_CUT },
    { "\0\0\0\0\5hell", 9, FRAME_CUT },
    { "\0\xff\xff\xff\xff" "hell", 9, FRAME_CUT },
    { "\0\0\0\0\1ab", 7, FRAME_MORE },
    { "\1\0\0\0\1a", 6, FRAME_COMPRESSED },
    { "\2\0\0\0\1a", 6, FRAME_BAD_FLAG },
    { "HTTP/1.1 200", 12, FRAME_BAD_FLAG },
};

static void what_is_not_one_message_is_told_apart(void **state)
{
    const void *data;
    size_t len;

    for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++) {
        enum grpc_frame_result got = grpc_frame_parse(bad_rows[i].bytes, bad_rows[i].len, &data, &len);
        assert_int_equal(got, bad_rows[i].want);
        assert_true(*grpc_frame_text(got));
    }
}

static const struct timeout_row {
    duration d;
    const char *text;
} timeout_rows[] = {
    { DURATION_NS(1), "1n" },
    { 0, "1n" },
    { -5, "1n" },
    { 99999999, "99999999n" },
    { 100000000, "100000u" },
    { DURATION_S(5), "5000000u" },
    { DURATION_S(99), "99000000u" },
    { DURATION_S(100), "100000m" },
    { DURATION_MIN(5), "300000m" },
    { DURATION_S(100000), "100000S" },
    { INT64_MAX, "2562047H" },
};

static void timeouts_keep_to_eight_digits(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(timeout_rows); i++) {
        char text[GRPC_TIMEOUT_TEXT];
        duration back;
        grpc_timeout_format(timeout_rows[i].d, text);
        assert_string_equal(text, timeout_rows[i].text);
        assert_true(strlen(text) <= 9);
        assert_true(grpc_timeout_parse(text, strlen(text), &back));
        if (timeout_rows[i].d > 0)
            assert_true(back <= timeout_rows[i].d);
    }
}

static void malformed_timeouts_are_refused(void **state)
{
    static const char *const bad[] = { "", "1", "S", "12", "1x", "-1S", "1.5S", " 1S", "123456789S", "1SS" };
    duration d;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(grpc_timeout_parse(bad[i], strlen(bad[i]), &d));
    assert_true(grpc_timeout_parse("99999999H", 9, &d));
    assert_true(d == INT64_MAX);
}

static void messages_survive_percent_encoding(void **state)
{
    static const char *const texts[] = { "", "plain", "100% sure", "naïve — ü", "line\nbreak\ttab", "%41%" };
    cleanup_arena struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        cleanup_buf struct buf b = BUF_INIT;
        grpc_percent_encode(&b, texts[i], strlen(texts[i]));
        for (size_t k = 0; k < b.len; k++)
            assert_true(b.data[k] >= 0x20 && b.data[k] <= 0x7e);
        assert_string_equal(grpc_percent_decode(a, b.data ? b.data : "", b.len), texts[i]);
    }
}

static void broken_escapes_stay_as_they_are(void **state)
{
    cleanup_arena struct arena *a = arena_new();

    assert_string_equal(grpc_percent_decode(a, "50%", 3), "50%");
    assert_string_equal(grpc_percent_decode(a, "%4", 2), "%4");
    assert_string_equal(grpc_percent_decode(a, "%zz%41", 6), "%zzA");
}

static void codes_of_other_floors(void **state)
{
    assert_int_equal(grpc_code_of_http(404), GRPC_UNIMPLEMENTED);
    assert_int_equal(grpc_code_of_http(503), GRPC_UNAVAILABLE);
    assert_int_equal(grpc_code_of_http(418), GRPC_UNKNOWN);
    assert_int_equal(grpc_code_of_reset(8), GRPC_CANCELLED);
    assert_int_equal(grpc_code_of_reset(7), GRPC_UNAVAILABLE);
    assert_string_equal(grpc_code_text(GRPC_DATA_LOSS), "DATA_LOSS");
    assert_string_equal(grpc_code_text(99), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_framed_and_read_back),
        cmocka_unit_test(what_is_not_one_message_is_told_apart),
        cmocka_unit_test(timeouts_keep_to_eight_digits),
        cmocka_unit_test(malformed_timeouts_are_refused),
        cmocka_unit_test(messages_survive_percent_encoding),
        cmocka_unit_test(broken_escapes_stay_as_they_are),
        cmocka_unit_test(codes_of_other_floors),
    };

    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
