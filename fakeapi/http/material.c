#include "fakeapi/http/material.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world/buf.h"

#define FILE_MAX (1024 * 1024)

/* ---- files ------------------------------------------------------------------------------------------ */

static int read_text(const char *path, char **ret, struct err *e)
{
    cleanup_buf struct buf b = BUF_INIT;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char part[8192];
    ssize_t n = 0;

    if (fd < 0)
        return err_set_errno(e, errno, "read %s", path);
    while (b.len <= FILE_MAX && (n = read(fd, part, sizeof(part))) > 0)
        buf_add(&b, part, (size_t)n);
    close(fd);
    if (n < 0)
        return err_set_errno(e, errno, "read %s", path);
    if (b.len > FILE_MAX)
        return err_set(e, ERR_INVALID, "%s is longer than %d bytes", path, FILE_MAX);
    buf_add(&b, "", 0);
    *ret = b.data ? buf_steal(&b) : xstrdup("");
    return 0;
}

static int read_file(const char *path, char **ret, struct err *e)
{
    int r = read_text(path, ret, e);

    if (r < 0 || strstr(*ret, "-----BEGIN "))
        return r;
    free(STEAL(*ret));
    return err_set(e, ERR_INVALID, "%s holds no PEM", path);
}

static int write_file(const char *dir, const char *name, const char *text, mode_t mode, struct err *e)
{
    cleanup_free char *path = xasprintf("%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode), r = 0;
    size_t len = strlen(text);

    if (fd < 0)
        return err_set_errno(e, errno, "write %s", path);
    if (write(fd, text, len) != (ssize_t)len)
        r = err_set_errno(e, errno, "write %s", path);
    close(fd);
    return r;
}

/* ---- the server ------------------------------------------------------------------------------------- */

/* The host that a client will name, in the caller's memory; false where the address names all or none. */
static bool listen_host(const char *listen, char host[256])
{
    const char *colon = listen ? strrchr(listen, ':') : NULL;
    size_t len = colon ? (size_t)(colon - listen) : 0;

    if (len > 1 && *listen == '[' && listen[len - 1] == ']') {
        listen++;
        len -= 2;
    }
    if (len == 0 || len >= 256 || str_starts(listen, "unix:"))
        return false;
    memcpy(host, listen, len);
    host[len] = '\0';
    return !streq(host, "0.0.0.0") && !streq(host, "::");
}

static int issue_server(const struct serve_tls *o, const char *listen, const struct tls_pair *authority,
                        struct tls_pair *ret, struct err *e)
{
    static const char *const always[] = { "localhost", "127.0.0.1", "::1", "kubernetes", "kubernetes.default",
                                          "kubernetes.default.svc", "kubernetes.default.svc.cluster.local" };
    DYN(const char *) hosts = { 0 };
    char host[256];
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(always); i++)
        *dyn_push(&hosts) = always[i];
    if (listen_host(listen, host))
        *dyn_push(&hosts) = host;
    for (size_t i = 0; i < o->n_hosts; i++)
        *dyn_push(&hosts) = o->hosts[i];
    struct tls_subject s = { .name = "kube-apiserver", .hosts = hosts.v, .n_hosts = hosts.n };
    r = tls_issue(authority, &s, ret, e);
    dyn_release(&hosts);
    return r;
}

static int read_server(const char *cert_file, const char *key_file, struct material *ret, struct err *e)
{
    int r = read_file(cert_file, &ret->server.cert_pem, e);

    if (r >= 0)
        r = read_file(key_file, &ret->server.key_pem, e);
    if (r < 0)
        return r;
    free(ret->ca_pem);
    ret->ca_pem = xstrdup(ret->server.cert_pem);  /* whoever signed it, its holder can be trusted */
    return 0;
}

static int save_server(const char *dir, const struct material *m, struct err *e)
{
    int r;

    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return err_set_errno(e, errno, "make %s", dir);
    if ((r = write_file(dir, "ca.crt", m->ca_pem, 0644, e)) < 0 ||
        (r = write_file(dir, "apiserver.crt", m->server.cert_pem, 0644, e)) < 0)
        return r;
    return write_file(dir, "apiserver.key", m->server.key_pem, 0600, e);
}

static int make_server(const struct serve_tls *o, const char *listen, const struct tls_pair *authority,
                       struct material *ret, struct err *e)
{
    cleanup_free char *cert = NULL, *key = NULL;
    int r;

    if (o->cert_file || o->key_file) {
        if (!o->cert_file || !o->key_file)
            return err_set(e, ERR_INVALID, "a certificate needs its key, and a key its certificate");
        return read_server(o->cert_file, o->key_file, ret, e);
    }
    if (o->cert_dir) {
        cert = xasprintf("%s/apiserver.crt", o->cert_dir);
        key = xasprintf("%s/apiserver.key", o->cert_dir);
        if (access(cert, F_OK) == 0 && access(key, F_OK) == 0)
            return read_server(cert, key, ret, e);
    }
    r = issue_server(o, listen, authority, &ret->server, e);
    return r < 0 || !o->cert_dir ? r : save_server(o->cert_dir, ret, e);
}

/* ---- certificates ----------------------------------------------------------------------------------- */

static int make_all(const struct serve_tls *o, const char *listen, struct material *ret, struct err *e)
{
    static const char *const masters[] = { "system:masters" };
    struct tls_subject admin = { .name = "kubernetes-admin", .organizations = masters, .n_organizations = 1 };
    cleanup_tls_pair struct tls_pair authority = { 0 };
    cleanup_free char *given = NULL;
    int r;

    if ((r = tls_authority_new("dormouse", &authority, e)) < 0)
        return r;
    ret->ca_pem = xstrdup(authority.cert_pem);
    if ((r = make_server(o, listen, &authority, ret, e)) < 0 || (r = tls_issue(&authority, &admin, &ret->admin, e)) < 0)
        return r;
    if (o->client_ca_file && (r = read_file(o->client_ca_file, &given, e)) < 0)
        return r;
    ret->client_ca_pem = xasprintf("%s%s", authority.cert_pem, given ? given : "");
    return 0;
}

/* ---- who is believed -------------------------------------------------------------------------------- */

static int read_verify_keys(const struct text_files *files, struct material *ret, struct err *e)
{
    cleanup_buf struct buf b = BUF_INIT;

    for (size_t i = 0; i < files->n; i++) {
        cleanup_free char *text = NULL;
        int r = read_file(files->v[i], &text, e);
        if (r < 0)
            return r;
        buf_add_str(&b, text);
        buf_add_char(&b, '\n');
    }
    ret->verify_keys = b.len ? buf_steal(&b) : NULL;
    return 0;
}

/* Without TLS no certificate can say who one is: the kubeconfig's holder has a token. */
static int make_tokens(struct world *w, const struct serve_auth *o, bool tls, struct material *ret, struct err *e)
{
    cleanup_free char *file = NULL;
    char id[37];
    int r = o->token_auth_file ? read_text(o->token_auth_file, &file, e) : 0;

    if (r < 0)
        return r;
    if (o->rbac && !tls) {
        world_uuid(w, id);
        ret->admin_token = xstrdup(id);
        ret->tokens = xasprintf("%s,admin,admin,system:masters\n%s", id, file ? file : "");
    } else {
        ret->tokens = STEAL(file);
    }
    return 0;
}

static int make_auth(struct world *w, const struct serve_auth *o, bool tls, struct material *ret, struct err *e)
{
    int r;

    if ((r = make_tokens(w, o, tls, ret, e)) < 0 ||
        (o->service_account_signing_key_file &&
         (r = read_file(o->service_account_signing_key_file, &ret->signing_key, e)) < 0) ||
        (r = read_verify_keys(&o->service_account_key_files, ret, e)) < 0)
        return r;
    ret->auth = (struct auth_options){
        .rbac = o->rbac, .no_anonymous = o->no_anonymous, .issuer = o->service_account_issuer,
        .audiences = o->api_audiences.v, .n_audiences = o->api_audiences.n, .signing_key = ret->signing_key,
        .verify_keys = ret->verify_keys, .tokens = ret->tokens
    };
    return 0;
}

int material_make(struct world *w, const struct serve_tls *tls, const struct serve_auth *auth, const char *listen,
                  struct material *ret, struct err *e)
{
    int r;

    *ret = (struct material){ 0 };
    r = make_auth(w, auth, tls->on, ret, e);
    if (r == 0 && tls->on)
        r = make_all(tls, listen, ret, e);
    if (r < 0)
        material_release(ret);
    return r;
}

void material_release(struct material *m)
{
    tls_pair_release(&m->server);
    tls_pair_release(&m->admin);
    free(m->admin_token);
    free(m->tokens);
    free(m->signing_key);
    free(m->verify_keys);
    free(m->ca_pem);
    free(m->client_ca_pem);
    *m = (struct material){ 0 };
}
