#include "net/digest.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static void hex(const unsigned char *sum, size_t n, char *ret)
{
    for (size_t i = 0; i < n; i++)
        snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}

/* The examples of FIPS 180-4 for "abc". */
static void known_answers(void **state)
{
    unsigned char sum[64];
    char text[129];

    digest_sha256("abc", 3, sum);
    hex(sum, 32, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha512("abc", 3, sum);
    hex(sum, 64, text);
    assert_string_equal(text, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                              "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(known_answers) };

    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
