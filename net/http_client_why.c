#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

#include "net/http_client_priv.h"

/* A transfer's failure in the words of Go's net, crypto/tls and net/http. */

/* ---- addresses ------------------------------------------------------------------------------------ */

static const char *address_text(struct arena *a, const struct sockaddr_storage *s)
{
    char host[INET6_ADDRSTRLEN] = "";

    if (s->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)s;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        return arena_printf(a, "[%s]:%u", host, ntohs(in6->sin6_port));
    }
    const struct sockaddr_in *in = (const struct sockaddr_in *)s;
    inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
    return arena_printf(a, "%s:%u", host, ntohs(in->sin_port));
}

/* The kernel's sentence, which Go begins with a small letter. */
static const char *errno_text(struct arena *a, int errnum)
{
    char *text = arena_strdup(a, strerror(errnum));

    if (*text >= 'A' && *text <= 'Z' && !(text[1] >= 'A' && text[1] <= 'Z'))
        *text |= 0x20;
    return text;
}

static const char *host_of(struct arena *a, const char *url)
{
    const char *host = strstr(url, "://"), *end;

    host = host ? host + 3 : url;
    if (*host == '[') {
        end = strchr(host, ']');
        return arena_strndup(a, host + 1, end ? (size_t)(end - host - 1) : strlen(host + 1));
    }
    return arena_strndup(a, host, strcspn(host, ":/?#"));
}

static bool is_address(const char *host)
{
    unsigned char any[16];

    return inet_pton(AF_INET, host, any) == 1 || inet_pton(AF_INET6, host, any) == 1;
}

/* ---- certificates --------------------------------------------------------------------------------- */

/* OpenSSL's numbers, which libcurl hands on (X509_V_ERR_...). */
enum { VERIFY_NOT_YET = 9, VERIFY_EXPIRED = 10 };

/* The value of a line "Name:value" about the peer's own certificate; NULL where there is none. */
static const char *certificate_line(struct transfer *t, const struct curl_lib *lib, const char *name)
{
    struct curl_certinfo *info = NULL;
    size_t len = strlen(name);

    lib->easy_getinfo(t->easy, CURLINFO_CERTINFO, &info);
    if (!info || info->num_of_certs < 1)
        return NULL;
    for (struct curl_slist *line = info->certinfo[0]; line; line = line->next)
        if (strncmp(line->data, name, len) == 0 && line->data[len] == ':')
            return line->data + len + 1;
    return NULL;
}

/* "DNS:a, DNS:b, IP Address:10.0.0.1" as Go lists what a certificate is good for. */
static const char *names_in(struct arena *a, const char *alternatives, const char *kind)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t len = strlen(kind);

    for (const char *p = alternatives; p && *p;) {
        size_t item = strcspn(p, ",");
        if (strncmp(p, kind, len) == 0)
            buf_printf(&b, "%s%.*s", b.len ? ", " : "", (int)(item - len), p + len);
        p += item;
        while (*p == ',' || *p == ' ')
            p++;
    }
    return arena_strdup(a, b.data ? b.data : "");
}

static const char *wrong_name(struct transfer *t, const struct curl_lib *lib, struct arena *a)
{
    const char *url = NULL, *alternatives = certificate_line(t, lib, "X509v3 Subject Alternative Name");

    lib->easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    const char *host = host_of(a, url ? url : "");
    if (is_address(host)) {
        const char *valid = names_in(a, alternatives, "IP Address:");
        if (!*valid)
            return arena_printf(a, "x509: cannot validate certificate for %s because it doesn't contain any IP SANs", host);
        return arena_printf(a, "x509: certificate is valid for %s, not %s", valid, host);
    }
    if (!alternatives)
        return "x509: certificate relies on legacy Common Name field, use SANs instead";
    const char *valid = names_in(a, alternatives, "DNS:");
    if (!*valid)
        return arena_printf(a, "x509: certificate is not valid for any names, but wanted to match %s", host);
    return arena_printf(a, "x509: certificate is valid for %s, not %s", valid, host);
}

static const char *not_trusted(struct transfer *t, const struct curl_lib *lib, struct arena *a)
{
    long verify = 0;

    lib->easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
    if (verify == VERIFY_EXPIRED || verify == VERIFY_NOT_YET)
        return "x509: certificate has expired or is not yet valid";
    if (strstr(t->text, "subject name"))
        return wrong_name(t, lib, a);
    return "x509: certificate signed by unknown authority";
}

/* ---- TLS ------------------------------------------------------------------------------------------ */

static const struct tls_row {
    const char *said, *go;             /* what OpenSSL says; what Go says */
} tls_rows[] = {
    { "wrong version number", "http: server gave HTTP response to HTTPS client" },
    { "http request", "http: server gave HTTP response to HTTPS client" },
    { "alert handshake failure", "remote error: tls: handshake failure" },
    { "alert bad certificate", "remote error: tls: bad certificate" },
    { "alert unknown ca", "remote error: tls: unknown certificate authority" },
    { "certificate required", "remote error: tls: certificate required" },
    { "protocol version", "remote error: tls: protocol version not supported" },
    { "unsupported protocol", "tls: server selected unsupported protocol version" },
    { "alert internal error", "remote error: tls: internal error" },
    { "unrecognized name", "remote error: tls: unrecognized name" },
    { "SSL_ERROR_SYSCALL", "EOF" },
    { "unexpected eof", "EOF" },
};

static const char *tls_text(struct transfer *t, const struct curl_lib *lib, struct arena *a)
{
    long os = 0;

    lib->easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os);
    if (os == ECONNRESET || strstr(t->text, "reset by peer"))
        return arena_printf(a, "read tcp %s: read: connection reset by peer", address_text(a, &t->dialled));
    for (size_t i = 0; i < ARRAY_SIZE(tls_rows); i++)
        if (strstr(t->text, tls_rows[i].said))
            return tls_rows[i].go;
    return arena_printf(a, "tls: %s", t->text);
}

/* ---- the whole ------------------------------------------------------------------------------------ */

static int not_connected(struct transfer *t, const struct curl_lib *lib, struct err *e)
{
    long os = 0;

    lib->easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os);
    return err_set(e, ERR_UNAVAILABLE, "dial tcp %s: connect: %s", address_text(e->arena, &t->dialled),
                   errno_text(e->arena, os ? (int)os : ECONNREFUSED));
}

static int not_found(struct transfer *t, const struct curl_lib *lib, struct err *e)
{
    const char *url = NULL;

    lib->easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    return err_set(e, ERR_UNAVAILABLE, "dial tcp: lookup %s: no such host", host_of(e->arena, url ? url : ""));
}

static int cut_short(struct transfer *t, const struct curl_lib *lib, struct err *e)
{
    long os = 0;

    lib->easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os);
    if (os == ECONNRESET)
        return err_set(e, ERR_PROTOCOL, "read tcp %s: read: connection reset by peer",
                       address_text(e->arena, &t->dialled));
    return err_set(e, ERR_PROTOCOL, "%s", t->headers_done ? "unexpected EOF" : "EOF");
}

int transfer_failure(struct transfer *t, const struct curl_lib *lib, struct err *e)
{
    cleanup_arena struct arena *own = e && e->arena ? NULL : arena_new();
    struct err nobody = ERR_IN(own);

    if (!e || !e->arena)
        e = &nobody;
    switch (t->result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return not_found(t, lib, e);
    case CURLE_COULDNT_CONNECT:
        return not_connected(t, lib, e);
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(e, ERR_TIMEOUT, "context deadline exceeded");
    case CURLE_PEER_FAILED_VERIFICATION:
        return err_set(e, ERR_UNAVAILABLE, "tls: failed to verify certificate: %s", not_trusted(t, lib, e->arena));
    case CURLE_SSL_CACERT_BADFILE:
        return err_set(e, ERR_INVALID, "unable to load root certificates: unable to parse bytes as PEM block");
    case CURLE_SSL_CERTPROBLEM:
        return err_set(e, ERR_INVALID, "tls: failed to find any PEM data in certificate input");
    case CURLE_SSL_CONNECT_ERROR:
        return err_set(e, ERR_UNAVAILABLE, "%s", tls_text(t, lib, e->arena));
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return cut_short(t, lib, e);
    case CURLE_WRITE_ERROR:
        return err_set(e, ERR_TOO_LARGE, "the answer is longer than %zu bytes", t->body_limit);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return err_set(e, ERR_PROTOCOL, "net/http: HTTP/1.x transport connection broken: malformed HTTP response");
    case CURLE_URL_MALFORMAT:
        return err_set(e, ERR_INVALID, "%s", *t->text ? t->text : "invalid URL");
    default:
        return err_set(e, ERR_PROTOCOL, "%s", *t->text ? t->text : lib->easy_strerror(t->result));
    }
}
