/* The contract's messages to bytes and back. DRV-006, and promise 3 of remote.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/remote/codec.h"

static const struct kv two[] = { { "a", "1" }, { "b", "ü" } };
static const struct kvmap two_map = { two, 2 };

static const struct checkpoint_request checkpoint = {
    .sandbox_name = "s", .sandbox_namespace = "ns", .pod_name = "p", .checkpoint_id = "c-1",
    .sandbox_uid = "su", .pod_uid = "pu", .node_name = "n", .parameters = { two, 2 },
};

static void a_request_comes_back_whole(void **state)
{
    cleanup_buf struct buf b = BUF_INIT;
    cleanup_arena struct arena *a = arena_new();
    struct checkpoint_request back;
    const char *why;

    codec_encode(codec_method(DRIVER_CHECKPOINT)->request, &checkpoint, &b);
    assert_true(codec_decode(codec_method(DRIVER_CHECKPOINT)->request, b.data, b.len, a, &back, &why));
    assert_string_equal(back.sandbox_name, "s");
    assert_string_equal(back.node_name, "n");
    assert_string_equal(back.checkpoint_id, "c-1");
    assert_string_equal(back.pod_uid, "pu");
    assert_true(kvmap_equal(&back.parameters, &two_map));
}

static void the_field_numbers_are_the_tables(void **state)
{
    /* spec table: sandbox_name=1 sandbox_namespace=2 pod_name=3 checkpoint_id=5 sandbox_uid=6 pod_uid=7 */
    static const char want[] = "\x0a\1s\x12\2ns\x1a\1p\x22\6\x0a\1a\x12\1" "1\x22\7\x0a\1b\x12\2\xc3\xbc"
                               "\x2a\3c-1\x32\2su\x3a\2pu\x42\1n";
    cleanup_buf struct buf b = BUF_INIT;

    codec_encode(codec_method(DRIVER_CHECKPOINT)->request, &checkpoint, &b);
    assert_int_equal(b.len, sizeof(want) - 1);
    assert_memory_equal(b.data, want, b.len);
}

static void every_reply_comes_back_whole(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf b = BUF_INIT;
    struct driver_info info = { "dir", "1.0", DRIVER_CHECKPOINT_RESTORE | DRIVER_FREEZE | DRIVER_LIST }, info2;
    struct checkpoint_response c = { "uid", 1 << 30, INT64_C(1735689600123), { two, 2 } }, c2;
    struct snapshot_list_entry entries[] = { { "u1", "c1", 7, 8 }, { "u2", "", 0, -1 } };
    struct snapshot_list_response l = { entries, 2 }, l2;
    const char *why;

    codec_encode(codec_method(DRIVER_GET_INFO)->reply, &info, &b);
    assert_true(codec_decode(codec_method(DRIVER_GET_INFO)->reply, b.data, b.len, a, &info2, &why));
    assert_string_equal(info2.name, "dir");
    assert_int_equal(info2.capabilities, info.capabilities);
    buf_reset(&b);
    codec_encode(codec_method(DRIVER_CHECKPOINT)->reply, &c, &b);
    assert_true(codec_decode(codec_method(DRIVER_CHECKPOINT)->reply, b.data, b.len, a, &c2, &why));
    assert_int_equal(c2.size_bytes, c.size_bytes);
    assert_int_equal(c2.creation_time_unix_ms, c.creation_time_unix_ms);
    assert_true(kvmap_equal(&c2.driver_metadata, &c.driver_metadata));
    buf_reset(&b);
    codec_encode(codec_method(DRIVER_LIST_SNAPSHOTS)->reply, &l, &b);
    assert_true(codec_decode(codec_method(DRIVER_LIST_SNAPSHOTS)->reply, b.data, b.len, a, &l2, &why));
    assert_int_equal(l2.n, 2);
    assert_string_equal(l2.v[0].checkpoint_id, "c1");
    assert_int_equal(l2.v[1].creation_time_unix_ms, -1);
}

static void absent_fields_are_empty_texts(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct restore_request q;
    const char *why;

    assert_true(codec_decode(codec_method(DRIVER_RESTORE)->request, "", 0, a, &q, &why));
    assert_string_equal(q.snapshot_uid, "");
    assert_string_equal(q.pod_name, "");
    assert_int_equal(q.parameters.n, 0);
}

static void drv_006_unknown_fields_are_skipped(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct snapshot_delete_request q;
    const char *why;
    static const char bytes[] = "\x0a\1u"             /* snapshot_uid */
                                "\xa2\x06\2\xff\xfe"  /* field 100, bytes that are no text */
                                "\xa8\x06\7"          /* field 101, a number */
                                "\x1a\1c";            /* checkpoint_id */

    assert_true(codec_decode(codec_method(DRIVER_DELETE)->request, bytes, sizeof(bytes) - 1, a, &q, &why));
    assert_string_equal(q.snapshot_uid, "u");
    assert_string_equal(q.checkpoint_id, "c");
}

static void the_last_of_equal_keys_counts(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct snapshot_list_request q;
    const char *why;
    static const char bytes[] = "\x12\6\x0a\1k\x12\1" "1" "\x12\6\x0a\1a\x12\1" "2" "\x12\6\x0a\1k\x12\1" "3";

    assert_true(codec_decode(codec_method(DRIVER_LIST_SNAPSHOTS)->request, bytes, sizeof(bytes) - 1, a, &q,
                             &why));
    assert_int_equal(q.parameters.n, 2);
    assert_string_equal(q.parameters.v[0].key, "a");
    assert_string_equal(kvmap_get(&q.parameters, "k"), "3");
}

static const struct bad_row {
    const char *name, *bytes;
    size_t len;
} bad_rows[] = {
    { "a NUL in a text", "\x0a\3a\0b", 5 },
    { "bytes that are not UTF-8", "\x0a\2\xc3\x28", 4 },
    { "an overlong form", "\x0a\2\xc0\xaf", 4 },
    { "a surrogate", "\x0a\3\xed\xa0\x80", 5 },
    { "beyond Unicode", "\x0a\4\xf4\x90\x80\x80", 6 },
    { "a NUL in a map", "\x12\6\x0a\1\0\x12\1" "1", 8 },
    { "a length beyond the end", "\x0a\x7f" "abc", 5 },
    { "an endless varint", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11 },
    { "field zero", "\x02\1a", 3 },
    { "a group", "\x0b\x0c", 2 },
    { "cut in the middle of a key", "\x0a", 1 },
    { "a text sent as a number", "\x08\1", 2 },
};

static void what_is_not_a_message_is_refused(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++) {
        cleanup_arena struct arena *a = arena_new();
        struct snapshot_list_request q;
        const char *why = NULL;
        /* A text under a wire type it does not have may be skipped as unknown or refused: never used. */
        bool ok = codec_decode(codec_method(DRIVER_LIST_SNAPSHOTS)->request, bad_rows[i].bytes,
                               bad_rows[i].len, a, &q, &why);
        if (ok && *q.sandbox_uid)
            fail_msg("%s was taken", bad_rows[i].name);
        if (ok && i + 1 < ARRAY_SIZE(bad_rows))
            fail_msg("%s was decoded", bad_rows[i].name);
        if (!ok)
            assert_true(*why);
    }
}

static void small_bytes_that_want_much_memory_are_refused(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf b = BUF_INIT;
    struct snapshot_list_request q;
    const char *why;

    for (size_t i = 0; i < GRPC_MESSAGE_MAX / 2; i++)
        buf_add(&b, "\x12\0", 2);      /* two million empty map entries */
    assert_false(codec_decode(codec_method(DRIVER_LIST_SNAPSHOTS)->request, b.data, b.len, a, &q, &why));
}

static void a_flipped_bit_never_crashes(void **state)
{
    cleanup_buf struct buf b = BUF_INIT;

    codec_encode(codec_method(DRIVER_CHECKPOINT)->request, &checkpoint, &b);
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        cleanup_arena struct arena *a = arena_new();
        struct checkpoint_request q;
        const char *why;
        b.data[bit / 8] ^= (char)(1 << bit % 8);
        codec_decode(codec_method(DRIVER_CHECKPOINT)->request, b.data, b.len, a, &q, &why);
        codec_decode(codec_method(DRIVER_CHECKPOINT)->request, b.data, bit / 8, a, &q, &why);
        b.data[bit / 8] ^= (char)(1 << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_comes_back_whole),
        cmocka_unit_test(the_field_numbers_are_the_tables),
        cmocka_unit_test(every_reply_comes_back_whole),
        cmocka_unit_test(absent_fields_are_empty_texts),
        cmocka_unit_test(drv_006_unknown_fields_are_skipped),
        cmocka_unit_test(the_last_of_equal_keys_counts),
        cmocka_unit_test(what_is_not_a_message_is_refused),
        cmocka_unit_test(small_bytes_that_want_much_memory_are_refused),
        cmocka_unit_test(a_flipped_bit_never_crashes),
    };

    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
