#include "net/grpc/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world/base.h"

/* ---- endpoints ------------------------------------------------------------------------------- */

static int parse_unix(const char *text, const char *path, struct endpoint *ret, struct err *e)
{
    struct sockaddr_un *un = &ret->addr.un;

    if (!*path)
        return err_set(e, ERR_INVALID, "endpoint \"%s\": the socket's path is missing", text);
    if (strlen(path) >= sizeof(un->sun_path))
        return err_set(e, ERR_INVALID, "endpoint \"%s\": a socket path has at most %zu bytes, this has %zu",
                       text, sizeof(un->sun_path) - 1, strlen(path));
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, strlen(path) + 1);
    ret->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    ret->is_unix = true;
    return 0;
}

/* "host:port" with a numeric host or "localhost"; a v6 address stands in brackets. */
static int parse_tcp(const char *text, const char *rest, struct endpoint *ret, struct err *e)
{
    const char *colon = strrchr(rest, ':');
    char host[64];
    uint64_t port;
    size_t len;

    if (!colon || !parse_u64(colon + 1, &port) || port > 65535)
        return err_set(e, ERR_INVALID, "endpoint \"%s\": want tcp://HOST:PORT", text);
    len = (size_t)(colon - rest);
    if (len >= 2 && rest[0] == '[' && rest[len - 1] == ']') {
        rest++;
        len -= 2;
    }
    if (len >= sizeof(host))
        return err_set(e, ERR_INVALID, "endpoint \"%s\": want a numeric address or localhost", text);
    memcpy(host, rest, len);
    host[len] = '\0';

    struct sockaddr_in *in4 = (struct sockaddr_in *)&ret->addr.storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->addr.storage;
    const char *name = streq(host, "localhost") ? "127.0.0.1" : host;
    bool loopback;

    if (inet_pton(AF_INET, name, &in4->sin_addr) == 1) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons((uint16_t)port);
        ret->len = sizeof(*in4);
        loopback = ntohl(in4->sin_addr.s_addr) >> 24 == 127;
    } else if (inet_pton(AF_INET6, name, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        ret->len = sizeof(*in6);
        loopback = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    } else {
        return err_set(e, ERR_INVALID, "endpoint \"%s\": want a numeric address or localhost", text);
    }
    if (!loopback)
        return err_set(e, ERR_INVALID, "endpoint \"%s\": an address that is not loopback requires mutual "
                       "TLS (DRV-003); use a unix socket or 127.0.0.1", text);
    return 0;
}

int endpoint_parse(const char *text, struct endpoint *ret, struct err *e)
{
    memset(ret, 0, sizeof(*ret));
    if (str_starts(text, "unix://"))
        return parse_unix(text, text + strlen("unix://"), ret, e);
    if (str_starts(text, "unix:"))
        return parse_unix(text, text + strlen("unix:"), ret, e);
    if (str_starts(text, "tcp://"))
        return parse_tcp(text, text + strlen("tcp://"), ret, e);
    return err_set(e, ERR_INVALID, "endpoint \"%s\": want unix:///path or tcp://127.0.0.1:PORT", text);
}

/* ---- listening ------------------------------------------------------------------------------- */

static int new_socket(const struct endpoint *ep)
{
    return socket(ep->addr.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* A file is in the way. A socket that nobody listens on is what a dead server left. */
static int clear_stale(const struct endpoint *ep, const char *text, struct err *e)
{
    const char *path = ep->addr.un.sun_path;
    struct stat st;
    bool connecting;
    int fd;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : err_set_errno(e, errno, "%s", text);
    if (!S_ISSOCK(st.st_mode))
        return err_set(e, ERR_EXISTS, "%s: there is a file of that name, and it is not a socket", text);
    fd = sock_connect(ep, &connecting);
    if (fd >= 0 || fd == -EAGAIN) {
        if (fd >= 0)
            close(fd);
        return err_set(e, ERR_EXISTS, "%s: another process listens on this socket", text);
    }
    if (fd != -ECONNREFUSED)
        return err_set_errno(e, -fd, "%s", text);
    if (unlink(path) < 0 && errno != ENOENT)
        return err_set_errno(e, errno, "%s: remove the socket a dead server left", text);
    return 0;
}

static int bind_unix(int fd, const struct endpoint *ep, const char *text, struct socket_file *ret_file,
                     struct err *e)
{
    struct stat st;
    int r = clear_stale(ep, text, e);

    if (r < 0)
        return r;
    /* The mode of the socket's own inode is what bind() gives the file: it never has another. */
    if (fchmod(fd, 0600) < 0)
        return err_set_errno(e, errno, "%s: set the mode", text);
    if (bind(fd, &ep->addr.any, ep->len) < 0)
        return err_set_errno(e, errno, "%s: bind", text);
    if (lstat(ep->addr.un.sun_path, &st) < 0)
        return err_set_errno(e, errno, "%s", text);
    *ret_file = (struct socket_file){ st.st_dev, st.st_ino };
    return 0;
}

int sock_listen(const struct endpoint *ep, const char *text, struct socket_file *ret_file, struct err *e)
{
    int fd = new_socket(ep), one = 1, r = 0;

    *ret_file = (struct socket_file){ 0 };
    if (fd < 0)
        return err_set_errno(e, errno, "%s: socket", text);
    if (ep->is_unix) {
        r = bind_unix(fd, ep, text, ret_file, e);
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (bind(fd, &ep->addr.any, ep->len) < 0)
            r = err_set_errno(e, errno, "%s: bind", text);
    }
    if (r == 0 && listen(fd, 128) < 0)
        r = err_set_errno(e, errno, "%s: listen", text);
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

void sock_unlink(const struct endpoint *ep, const struct socket_file *file)
{
    struct stat st;

    if (!ep->is_unix || lstat(ep->addr.un.sun_path, &st) < 0)
        return;
    if (st.st_dev == file->dev && st.st_ino == file->ino)
        unlink(ep->addr.un.sun_path);
}

int sock_port(int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof(a);

    if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
        return 0;
    if (a.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&a)->sin_port);
    if (a.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
    return 0;
}

/* ---- connecting ------------------------------------------------------------------------------ */

int sock_connect(const struct endpoint *ep, bool *ret_connecting)
{
    int fd = new_socket(ep), one = 1, r;

    *ret_connecting = false;
    if (fd < 0)
        return -errno;
    if (!ep->is_unix)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, &ep->addr.any, ep->len) == 0)
        return fd;
    if (errno == EINPROGRESS) {
        *ret_connecting = true;
        return fd;
    }
    r = -errno;
    close(fd);
    return r;
}

int sock_error(int fd)
{
    int value = 0;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len) < 0 ? errno : value;
}

bool sock_at_end(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}
