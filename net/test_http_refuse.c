/* What Go's server refuses though libmicrohttpd takes it (http_refuse.h); K-005, K-050, K-054. */
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "net/http_refuse.h"

#define HEADERS_MAX 4
#define CUT "400 Bad Request"

static const struct row {
    const char *why, *method, *target, *version;
    struct http_header headers[HEADERS_MAX];     /* up to the first without a name; Host is added */
    int status;
    const char *text;
} rows[] = {
    { "plain", "GET", "/version", "HTTP/1.1", { { 0 } }, 0, NULL },
    { "any token is a method", "b-R.e_w", "/", "HTTP/1.1", { { 0 } }, 0, NULL },
    { "and no other", "G@T", "/", "HTTP/1.1", { { 0 } }, 400, CUT },
    { "no bracket", "G(T", "/", "HTTP/1.1", { { 0 } }, 400, CUT },
    { "none", "", "/", "HTTP/1.1", { { 0 } }, 400, CUT },
    { "bytes above ASCII are a path's own matter", "GET", "/\xc3\xa9\xff", "HTTP/1.1", { { 0 } }, 0, NULL },
    { "escapes too", "GET", "/%00%zz?%zz", "HTTP/1.1", { { 0 } }, 0, NULL },
    { "a space", "GET", "/a b", "HTTP/1.1", { { 0 } }, 400, CUT },
    { "a carriage return", "GET", "/a\rb", "HTTP/1.1", { { 0 } }, 400, CUT },
    { "a control character", "GET", "/a\x7f", "HTTP/1.1", { { 0 } }, 400, CUT },
    { "of the query as well", "GET", "/a?b=\x01", "HTTP/1.1", { { 0 } }, 400, CUT },
    { "the star", "OPTIONS", "*", "HTTP/1.1", { { 0 } }, 0, NULL },
    { "no path", "GET", "version", "HTTP/1.1", { { 0 } }, 400, CUT },
    { "a whole address", "GET", "http://u@y.z:80/version", "HTTP/1.1", { { 0 } }, 0, NULL },
    { "of version 6", "GET", "http://[::1]:80/version", "HTTP/1.1", { { 0 } }, 0, NULL },
    { "without its bracket", "GET", "http://[::1/version", "HTTP/1.1", { { 0 } }, 400, CUT },
    { "where none belongs", "GET", "http://a]/version", "HTTP/1.1", { { 0 } }, 400, CUT },
    { "of no host", "GET", "http://a\"b/", "HTTP/1.1", { { 0 } }, 400, CUT },
    { "a host for a tunnel", "CONNECT", "x:1", "HTTP/1.1", { { 0 } }, 0, NULL },
    { "an unnamed header", "GET", "/", "HTTP/1.1", { { "", "c" } }, 400, CUT },
    { "a name of Latin 1", "GET", "/", "HTTP/1.1", { { "A\xff", "c" } }, 400, CUT },
    { "a spaced name", "GET", "/", "HTTP/1.1", { { "A B", "c" } }, 400, CUT ": invalid header name" },
    { "values of any bytes", "GET", "/", "HTTP/1.1", { { "A", "c\t\xff" } }, 0, NULL },
    { "but a carriage return", "GET", "/", "HTTP/1.1", { { "Audit-ID", "a\rb" } }, 400, CUT },
    { "but control characters", "GET", "/", "HTTP/1.1", { { "Audit-ID", "a\x01" } }, 400, CUT },
    { "two hosts", "GET", "/", "HTTP/1.1", { { "host", "y" } }, 400, CUT },
    { "one length said twice", "PUT", "/", "HTTP/1.1", { { "Content-Length", "7" }, { "content-length", "7" } }, 0, NULL },
    { "two lengths", "PUT", "/", "HTTP/1.1", { { "Content-Length", "7" }, { "content-length", "07" } }, 400, CUT },
    { "chunks have none", "PUT", "/", "HTTP/1.1",
      { { "Content-Length", "7" }, { "Content-Length", "8" }, { "Transfer-Encoding", "Chunked" } }, 0, NULL },
    { "other codings", "PUT", "/", "HTTP/1.1", { { "Transfer-Encoding", "gzip" } }, 501, "Unsupported transfer encoding" },
    { "before chunks", "PUT", "/", "HTTP/1.1", { { "Transfer-Encoding", "gzip, chunked" } }, 501,
      "Unsupported transfer encoding" },
    { "chunks of chunks", "PUT", "/", "HTTP/1.1", { { "Transfer-Encoding", "chunked" }, { "Transfer-Encoding", "chunked" } },
      501, "Unsupported transfer encoding" },
    { "HTTP/1.0 has no codings", "PUT", "/", "HTTP/1.0", { { "Transfer-Encoding", "gzip" } }, 0, NULL },
    { "what clients expect", "PUT", "/", "HTTP/1.1", { { "Expect", "x, 100-Continue" } }, 0, NULL },
    { "and what nobody does", "PUT", "/", "HTTP/1.1", { { "Expect", "100-continued" } }, 417, "" },
};

static void check(const struct http_head *h, const struct row *row)
{
    struct http_refusal got = http_refuse(h);

    if (got.status != row->status || (got.text == NULL) != (row->text == NULL) || (got.text && strcmp(got.text, row->text)))
        fail_msg("%s: %d %s, want %d %s", row->why, got.status, got.text ? got.text : "-", row->status,
                 row->text ? row->text : "-");
}

static void what_go_refuses(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct http_header headers[HEADERS_MAX + 1] = { { "Host", "x" } };
        struct http_head h = { .method = rows[i].method, .target = rows[i].target, .version = rows[i].version,
                               .headers = headers, .n_headers = 1 };

        while (h.n_headers <= HEADERS_MAX && rows[i].headers[h.n_headers - 1].name) {
            headers[h.n_headers] = rows[i].headers[h.n_headers - 1];
            h.n_headers++;
        }
        check(&h, &rows[i]);
    }
}

static void hosts(void **state)
{
    static const struct row missing = { "none", .status = 400, .text = CUT ": missing required Host header" },
        odd = { "odd", .status = 400, .text = CUT ": malformed Host header" }, fine = { "fine" },
        torn = { "torn", .status = 400, .text = CUT };
    struct http_header host = { "Host", "" };
    struct http_head h = { "GET", "/", "HTTP/1.1", &host, 0, false };

    check(&h, &missing);
    h.version = "HTTP/1.0";
    check(&h, &fine);
    h.version = "HTTP/1.1";
    h.n_headers = 1;
    check(&h, &fine);                  /* an empty one is one */
    host.value = "a b";
    check(&h, &odd);
    host.value = "[::1]:80";
    check(&h, &fine);
    h.torn = true;
    check(&h, &torn);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_go_refuses), cmocka_unit_test(hosts) };

    return cmocka_run_group_tests_name("http_refuse", tests, NULL, NULL);
}
