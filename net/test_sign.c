/* Keys that sign: what one half signed the other one accepts, and nothing else (promises 1 to 3 of sign.h). */
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "net/sign.h"

static void counting(void *arg, size_t n, uint8_t *dst)
{
    uint8_t *next = arg;

    for (size_t i = 0; i < n; i++)
        dst[i] = (*next)++;
}

static void a_source_of_bytes_makes_one_key_and_one_signature(void **state)
{
    struct buf sums[2] = { BUF_INIT, BUF_INIT }, ders[3] = { BUF_INIT, BUF_INIT, BUF_INIT };
    struct sign_key *keys[3];

    for (size_t i = 0; i < 3; i++) {
        uint8_t next = i == 2 ? 9 : 1;
        keys[i] = sign_key_new(counting, &next);
        sign_public_der(keys[i], &ders[i]);
    }
    for (size_t i = 0; i < 2; i++)
        assert_true(sign_text(keys[i], "text", 4, &sums[i]));
    assert_string_equal(sign_algorithm(keys[0]), "ES256");
    assert_int_equal(sums[0].len, 64);
    assert_memory_equal(sums[0].data, sums[1].data, 64);
    assert_memory_equal(ders[0].data, ders[1].data, ders[0].len);
    assert_true(memcmp(ders[0].data, ders[2].data, ders[0].len) != 0);
    assert_true(sign_check(keys[1], "text", 4, sums[0].data, 64));
    assert_false(sign_check(keys[2], "text", 4, sums[0].data, 64));
    assert_false(sign_check(keys[1], "texT", 4, sums[0].data, 64));
    for (size_t len = 0; len < 64; len++)
        assert_false(sign_check(keys[1], "text", 4, sums[0].data, len));
    for (size_t i = 0; i < 64; i++) {
        sums[0].data[i] ^= 1;
        assert_false(sign_check(keys[1], "text", 4, sums[0].data, 64));
        sums[0].data[i] ^= 1;
    }
    for (size_t i = 0; i < 3; i++) {
        sign_key_free(keys[i]);
        buf_release(&ders[i]);
    }
    buf_release(&sums[0]);
    buf_release(&sums[1]);
}

static const struct row {
    const char *name, *algorithm, *curve, *pem;
    size_t first, second;              /* lengths of the public numbers */
} rows[] = {
#include "net/test_sign_keys.inc"
};

static void a_key_from_a_file_signs_and_checks(void **state)
{
    const struct row *row = *state;
    struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    struct buf sum = BUF_INIT, first = BUF_INIT, second = BUF_INIT;
    const char *rest = row->pem, *curve, *pem = sign_next_pem(a, &rest);
    struct sign_key *k = sign_key_read(pem, &e), *other = sign_key_new(NULL, NULL);

    assert_non_null(k);
    assert_null(sign_next_pem(a, &rest));
    assert_string_equal(sign_algorithm(k), row->algorithm);
    sign_public_numbers(k, &curve, &first, &second);
    assert_true(row->curve ? curve && streq(curve, row->curve) : !curve);
    assert_int_equal(first.len, row->first);
    assert_int_equal(second.len, row->second);
    assert_int_equal(sign_text(k, "text", 4, &sum), sign_is_private(k));
    if (sign_is_private(k)) {
        assert_true(sign_check(k, "text", 4, sum.data, sum.len));
        assert_false(sign_check(other, "text", 4, sum.data, sum.len));
        assert_false(sign_check(k, "other", 5, sum.data, sum.len));
    }
    buf_release(&sum);
    buf_release(&first);
    buf_release(&second);
    sign_key_free(k);
    sign_key_free(other);
    arena_free(a);
}

static void noise_is_no_key(void **state)
{
    static const char *const noise[] = {
        "", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    };
    struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    for (size_t i = 0; i < ARRAY_SIZE(noise); i++) {
        assert_null(sign_key_read(noise[i], &e));
        assert_true(*err_message(&e) != '\0');
    }
    arena_free(a);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 2] = {
        cmocka_unit_test(a_source_of_bytes_makes_one_key_and_one_signature),
        cmocka_unit_test(noise_is_no_key),
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i + 2] = (struct CMUnitTest){ .name = rows[i].name, .test_func = a_key_from_a_file_signs_and_checks,
                                            .initial_state = (void *)&rows[i] };
    return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
