#include "fakeapi/http/kubeconfig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void add_base64(struct buf *b, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i += 3) {
        uint32_t n = (uint32_t)(unsigned char)text[i] << 16;
        if (i + 1 < len)
            n |= (uint32_t)(unsigned char)text[i + 1] << 8;
        if (i + 2 < len)
            n |= (unsigned char)text[i + 2];
        buf_add_char(b, digits[n >> 18]);
        buf_add_char(b, digits[n >> 12 & 63]);
        buf_add_char(b, i + 1 < len ? digits[n >> 6 & 63] : '=');
        buf_add_char(b, i + 2 < len ? digits[n & 63] : '=');
    }
}

static void add_pem(struct buf *b, const char *key, const char *pem)
{
    if (!pem)
        return;
    buf_printf(b, "    %s: ", key);
    add_base64(b, pem);
    buf_add_char(b, '\n');
}

void kubeconfig_format(const struct kubeconfig *k, struct buf *ret)
{
    buf_add_str(ret, "apiVersion: v1\nkind: Config\nclusters:\n- name: dormouse\n  cluster:\n");
    buf_printf(ret, "    server: %s\n", k->server);
    if (strncmp(k->server, "https:", 6) != 0)        /* or the official JavaScript client refuses */
        buf_add_str(ret, "    insecure-skip-tls-verify: true\n");
    add_pem(ret, "certificate-authority-data", k->ca_pem);
    buf_add_str(ret, "users:\n- name: dormouse\n  user:");
    buf_add_str(ret, k->token || k->cert_pem ? "\n" : " {}\n");
    add_pem(ret, "client-certificate-data", k->cert_pem);
    add_pem(ret, "client-key-data", k->key_pem);
    if (k->token)
        buf_printf(ret, "    token: \"%s\"\n", k->token);
    buf_add_str(ret, "contexts:\n- name: dormouse\n  context:\n    cluster: dormouse\n    user: dormouse\n"
                     "    namespace: default\ncurrent-context: dormouse\n");
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int kubeconfig_write(const struct kubeconfig *k, const char *path, struct err *e)
{
    cleanup_free char *part = xasprintf("%s.%d.part", path, getpid());
    cleanup_buf struct buf b = BUF_INIT;
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), r;

    if (fd < 0)
        return err_set_errno(e, errno, "write %s", path);
    kubeconfig_format(k, &b);
    r = write_all(fd, b.data, b.len);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(part, path) < 0)
        r = -errno;
    if (r == 0)
        return 0;
    unlink(part);
    return err_set_errno(e, -r, "write %s", path);
}
