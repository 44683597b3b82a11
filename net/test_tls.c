/* Certificates that are issued, and what they let their holders do. */
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include <gnutls/x509.h>

#include "net/tls.h"

static gnutls_x509_crt_t read_cert(const char *pem)
{
    gnutls_datum_t d = { (unsigned char *)pem, (unsigned)strlen(pem) };
    gnutls_x509_crt_t cert;

    assert_int_equal(gnutls_x509_crt_init(&cert), 0);
    assert_int_equal(gnutls_x509_crt_import(cert, &d, GNUTLS_X509_FMT_PEM), 0);
    return cert;
}

/* True when `authority` vouches for `cert` in the role that `purpose` names. */
static bool vouches(const struct tls_pair *authority, const struct tls_pair *holder, const char *purpose)
{
    gnutls_x509_crt_t ca = read_cert(authority->cert_pem), cert = read_cert(holder->cert_pem);
    gnutls_x509_trust_list_t list;
    gnutls_typed_vdata_st data = { .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)purpose };
    unsigned status = ~0u;

    gnutls_x509_trust_list_init(&list, 1);
    gnutls_x509_trust_list_add_cas(list, &ca, 1, 0);
    gnutls_x509_trust_list_verify_crt2(list, &cert, 1, &data, 1, 0, &status, NULL);
    gnutls_x509_trust_list_deinit(list, 1);
    gnutls_x509_crt_deinit(cert);
    return status == 0;
}

static void an_authority_vouches_for_what_it_issued_and_for_nothing_else(void **state)
{
    static const char *const hosts[] = { "localhost", "127.0.0.1", "::1" }, *const groups[] = { "g1", "g2" };
    cleanup_tls_pair struct tls_pair mine = { 0 }, other = { 0 }, server = { 0 }, client = { 0 };
    gnutls_x509_crt_t cert;

    assert_int_equal(tls_authority_new("mine", &mine, NULL), 0);
    assert_int_equal(tls_authority_new("mine", &other, NULL), 0);
    assert_int_equal(tls_issue(&mine, &(struct tls_subject){ .name = "s", .hosts = hosts, .n_hosts = 3 }, &server,
                               NULL), 0);
    assert_int_equal(tls_issue(&mine, &(struct tls_subject){ .name = "c", .organizations = groups,
                                                             .n_organizations = 2 }, &client, NULL), 0);
    assert_true(vouches(&mine, &server, GNUTLS_KP_TLS_WWW_SERVER));
    assert_true(vouches(&mine, &client, GNUTLS_KP_TLS_WWW_CLIENT));
    assert_false(vouches(&mine, &server, GNUTLS_KP_TLS_WWW_CLIENT));
    assert_false(vouches(&mine, &client, GNUTLS_KP_TLS_WWW_SERVER));
    assert_false(vouches(&other, &server, GNUTLS_KP_TLS_WWW_SERVER));
    cert = read_cert(server.cert_pem);
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
        assert_true(gnutls_x509_crt_check_hostname(cert, hosts[i]));
    assert_false(gnutls_x509_crt_check_hostname(cert, "127.0.0.2"));
    gnutls_x509_crt_deinit(cert);
}

static void a_broken_authority_issues_nothing(void **state)
{
    cleanup_tls_pair struct tls_pair mine = { 0 }, none = { 0 };
    struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    assert_int_equal(tls_authority_new("mine", &mine, NULL), 0);
    free(mine.key_pem);
    mine.key_pem = xstrdup("no key");
    assert_int_equal(tls_issue(&mine, &(struct tls_subject){ .name = "c" }, &none, &e), -ERR_INVALID);
    assert_non_null(strstr(err_message(&e), "a certificate for c: "));
    assert_null(none.cert_pem);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_authority_vouches_for_what_it_issued_and_for_nothing_else),
        cmocka_unit_test(a_broken_authority_issues_nothing),
    };
    return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
