/* URLs as net/url reads them: as a request's, as any, and what their parts are (F-143). The rows are its own answers. */
#include "kube/gourl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "world/buf.h"

static const struct row {
    const char *in;
    const char *request_wrong, *wrong;
    const char *parts;                 /* the whole, scheme, host, host name, port, path, and the query by key */
} rows[] = {
    { "", "parse \"\": empty url", "", "||||||" },
    { "/", "", "", "/|||||/|" },
    { "/a b", "", "", "/a%20b|||||/a%20b|" },
    { "*", "", "", "*|||||*|" },
    { "https://example.com", "", "", "https://example.com|https|example.com|example.com|||" },
    { "https://example.com/path?k1=a&k2=b&k2=c", "", "", "https://example.com/path?k1=a&k2=b&k2=c|https|example.com|example.com||/path|k1=[a];k2=[b c];" },
    { "https://user:pass@example.com:80/path?query=val#fragment", "", "", "https://user:pass@example.com:80/path?query=val#fragment|https|example.com:80|example.com|80|/path|query=[val];" },
    { "https://a:b:c/", "parse \"https://a:b:c/\": invalid port \":c\" after host", "parse \"https://a:b:c/\": invalid port \":c\" after host", "" },
    { "ftp://a:b:1/", "", "", "ftp://a:b:1/|ftp|a:b:1|a:b|1|/|" },
    { "../relative", "parse \"../relative\": invalid URI for request", "", "../relative|||||../relative|" },
    { "https://[::1]:80/", "", "", "https://[::1]:80/|https|[::1]:80|::1|80|/|" },
    { "https://[::1]", "", "", "https://[::1]|https|[::1]|::1|||" },
    { "https://[::1/", "parse \"https://[::1/\": missing ']' in host", "parse \"https://[::1/\": missing ']' in host", "" },
    { "https://[1.2.3.4]/", "parse \"https://[1.2.3.4]/\": invalid IP-literal", "parse \"https://[1.2.3.4]/\": invalid IP-literal", "" },
    { "http://[fe80::1%25en0]/", "", "", "http://[fe80::1%25en0]/|http|[fe80::1%en0]|fe80::1%en0||/|" },
    { "http://x/[", "", "", "http://x/[|http|x|x||/[|" },
    { "x://[", "parse \"x://[\": missing ']' in host", "parse \"x://[\": missing ']' in host", "" },
    { "mailto:a@b?x", "", "", "mailto:a@b?x|mailto|||||x=[];" },
    { "a:b", "", "", "a:b|a|||||" },
    { "1:b", "parse \"1:b\": invalid URI for request", "parse \"1:b\": first path segment in URL cannot contain colon", "" },
    { ":b", "parse \":b\": missing protocol scheme", "parse \":b\": missing protocol scheme", "" },
    { "/a:b", "", "", "/a:b|||||/a:b|" },
    { "a/b:c", "parse \"a/b:c\": invalid URI for request", "", "a/b:c|||||a/b:c|" },
    { "a b:c", "parse \"a b:c\": invalid URI for request", "parse \"a b:c\": first path segment in URL cannot contain colon", "" },
    { "http://a b/", "parse \"http://a b/\": invalid character \" \" in host name", "parse \"http://a b/\": invalid character \" \" in host name", "" },
    { "http://a%20b/", "parse \"http://a%20b/\": invalid URL escape \"%20\"", "parse \"http://a%20b/\": invalid URL escape \"%20\"", "" },
    { "http://a%c3%a9/", "", "", "http://a%C3%A9/|http|a\303\251|a\303\251||/|" },
    { "http://h/%zz", "parse \"http://h/%zz\": invalid URL escape \"%zz\"", "parse \"http://h/%zz\": invalid URL escape \"%zz\"", "" },
    { "http://h/%", "parse \"http://h/%\": invalid URL escape \"%\"", "parse \"http://h/%\": invalid URL escape \"%\"", "" },
    { "http://h/a%2fb", "", "", "http://h/a%2fb|http|h|h||/a%2fb|" },
    { "http://h/a%2Fb c", "", "", "http://h/a/b%20c|http|h|h||/a/b%20c|" },
    { "http://h?", "", "", "http://h?|http|h|h|||" },
    { "http://h??", "", "", "http://h??|http|h|h|||?=[];" },
    { "http://h/?a=b#c d", "", "", "http://h/?a=b#c%20d|http|h|h||/|a=[b];" },
    { "http://h/#a%20b", "", "", "http://h/#a%20b|http|h|h||/|" },
    { "http://h/#%zz", "parse \"http://h/#%zz\": invalid URL escape \"%zz\"", "parse \"http://h/#%zz\": invalid URL escape \"%zz\"", "" },
    { "//host/path", "", "", "//host/path||host|host||/path|" },
    { "///path", "", "", "///path|||||///path|" },
    { "http:///path", "", "", "http:///path|http||||/path|" },
    { "http://u@/", "", "", "http://u@/|http||||/|" },
    { "http://u s@h/", "parse \"http://u s@h/\": net/url: invalid userinfo", "parse \"http://u s@h/\": net/url: invalid userinfo", "" },
    { "http://@h", "", "", "http://@h|http|h|h|||" },
    { "http://u:p:q@h/", "", "", "http://u:p%3Aq@h/|http|h|h||/|" },
    { "http://h:port/", "parse \"http://h:port/\": invalid port \":port\" after host", "parse \"http://h:port/\": invalid port \":port\" after host", "" },
    { "http://h:/", "", "", "http://h:/|http|h:|h||/|" },
    { "http://h:80:90/", "", "", "http://h:80:90/|http|h:80:90|h:80|90|/|" },
    { "HTTP://H/", "", "", "http://H/|http|H|H||/|" },
    { "http://h/\177", "parse \"http://h/\\x7f\": net/url: invalid control character in URL", "parse \"http://h/\\x7f\": net/url: invalid control character in URL", "" },
    { "http://h/\n", "parse \"http://h/\\n\": net/url: invalid control character in URL", "parse \"http://h/\\n\": net/url: invalid control character in URL", "" },
    { "http://h/\303\251?\303\251", "", "", "http://h/%C3%A9?\303\251|http|h|h||/%C3%A9|\303\251=[];" },
    { "http://h/a?b=c;d&e=f", "", "", "http://h/a?b=c;d&e=f|http|h|h||/a|e=[f];" },
    { "http://h/?a=%zz&b=+c%20d&&=x&y", "", "", "http://h/?a=%zz&b=+c%20d&&=x&y|http|h|h||/|=[x];b=[ c d];y=[];" },
    { "file:/x", "", "", "file:/x|file||||/x|" },
    { "file:x", "", "", "file:x|file|||||" },
    { "http://h/!$&'()*+,;=:@[]", "", "", "http://h/!$&'()*+,;=:@[]|http|h|h||/!$&'()*+,;=:@[]|" },
    { "http://h/a%5Bb", "", "", "http://h/a%5Bb|http|h|h||/a%5Bb|" },
    { "http://h/<>\"^`{|}", "", "", "http://h/%3C%3E%22%5E%60%7B%7C%7D|http|h|h||/%3C%3E%22%5E%60%7B%7C%7D|" },
    { "http://<h>/", "", "", "http://<h>/|http|<h>|<h>||/|" },
    { "http://h\"/", "", "", "http://h\"/|http|h\"|h\"||/|" },
    { "/path?x#y", "", "", "/path?x#y|||||/path|x=[];" },
    { "?x", "parse \"?x\": invalid URI for request", "", "?x||||||x=[];" },
    { "#x", "parse \"#x\": invalid URI for request", "", "#x||||||" },
    { "a#b", "parse \"a#b\": invalid URI for request", "", "a#b|||||a|" },
    { "http://h/a#", "", "", "http://h/a|http|h|h||/a|" },
    { "http://\303\251/", "", "", "http://%C3%A9/|http|\303\251|\303\251||/|" },
};

static void add(struct buf *b, struct url_text t)
{
    buf_add(b, t.s ? t.s : "", t.len);
    buf_add_char(b, '|');
}

static int by_text(const void *a, const void *b)
{
    const struct url_parameter *x = a, *y = b;
    int c = strcmp(x->key.s, y->key.s);

    return c ? c : strcmp(x->value.s, y->value.s);
}

/* "k=[a b];" of all parameters. */
static void add_query(struct arena *a, struct buf *b, const struct gourl *u)
{
    struct url_parameter *p;
    size_t n = gourl_query(a, u, &p);

    qsort(p, n, sizeof(*p), by_text);
    for (size_t i = 0; i < n;) {
        size_t from = i;
        buf_printf(b, "%s=[", p[i].key.s);
        for (; i < n && strcmp(p[i].key.s, p[from].key.s) == 0; i++)
            buf_printf(b, "%s%s", i == from ? "" : " ", p[i].value.s);
        buf_add_str(b, "];");
    }
}

static void url(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf b = BUF_INIT;
    struct gourl u;
    const char *why = gourl_parse_request(a, row->in, strlen(row->in), &u);

    assert_string_equal(why ? why : "", row->request_wrong);
    why = gourl_parse(a, row->in, strlen(row->in), &u);
    assert_string_equal(why ? why : "", row->wrong);
    if (why)
        return;
    add(&b, gourl_text(a, &u));
    add(&b, u.scheme);
    add(&b, u.host);
    add(&b, gourl_hostname(a, &u));
    add(&b, gourl_port(a, &u));
    add(&b, gourl_escaped_path(a, &u));
    add_query(a, &b, &u);
    assert_string_equal(b.data, row->parts);
}

int main(void)
{
    cleanup_arena struct arena *a = arena_new();
    struct CMUnitTest tests[ARRAY_SIZE(rows)];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i] = (struct CMUnitTest){ .name = arena_printf(a, "url %zu", i), .test_func = url,
                                        .initial_state = (void *)&rows[i] };
    return cmocka_run_group_tests_name("gourl", tests, NULL, NULL);
}
