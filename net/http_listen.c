#include "net/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096

static int bind_listen(int fd, const struct sockaddr *addr, socklen_t len, const char *text,
                       struct err *e)
{
    int errnum;

    if (bind(fd, addr, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    errnum = errno;
    close(fd);
    return err_set_errno(e, errnum, "listen on %s", text);
}

/* A live server answers a connect; a file that a dead one left refuses it. */
static bool socket_is_dead(const struct sockaddr_un *un)
{
    struct stat st;
    int fd, errnum = 0;

    if (stat(un->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) < 0)
        errnum = errno;
    close(fd);
    return errnum == ECONNREFUSED;
}

static int listen_unix(const char *path, const char *text, char **ret_address, struct err *e)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd;

    if (!*path || strlen(path) >= sizeof(un.sun_path))
        return err_set(e, ERR_INVALID, "listen on %s: a socket path has 1 to %zu bytes", text,
                       sizeof(un.sun_path) - 1);
    strcpy(un.sun_path, path);
    if (socket_is_dead(&un))
        unlink(path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set_errno(e, errno, "listen on %s", text);
    fchmod(fd, 0600);
    fd = bind_listen(fd, (struct sockaddr *)&un, sizeof(un), text, e);
    if (fd >= 0)
        *ret_address = xstrdup(text);
    return fd;
}

/* "HOST:PORT", "[V6]:PORT", ":PORT". The host is copied without its brackets. */
static bool split_host_port(const char *text, char host[256], const char **ret_port)
{
    const char *colon = strrchr(text, ':'), *end = colon;
    uint64_t port;
    size_t len;

    if (!colon || !parse_u64(colon + 1, &port) || port > 65535)
        return false;
    if (*text == '[') {
        text++;
        end--;
        if (end <= text || *end != ']')
            return false;
    } else if (memchr(text, ':', (size_t)(colon - text))) {
        return false;                  /* an IPv6 address without brackets */
    }
    len = (size_t)(end - text);
    if (len >= 256)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    *ret_port = colon + 1;
    return true;
}

static char *bound_address(int fd)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof(addr);
    char host[INET6_ADDRSTRLEN] = "", port[8] = "";

    getsockname(fd, (struct sockaddr *)&addr, &len);
    getnameinfo((struct sockaddr *)&addr, len, host, sizeof(host), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
    return xasprintf(addr.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int listen_tcp(const char *text, char **ret_address, struct err *e)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    char host[256];
    const char *port;
    int fd, r, one = 1;

    if (!split_host_port(text, host, &port))
        return err_set(e, ERR_INVALID, "listen on %s: want HOST:PORT, [IPV6]:PORT or unix:PATH", text);
    r = getaddrinfo(*host ? host : NULL, port, &hints, &found);
    if (r != 0)
        return err_set(e, ERR_INVALID, "listen on %s: %s", text, gai_strerror(r));
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        r = err_set_errno(e, errno, "listen on %s", text);
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        r = bind_listen(fd, found->ai_addr, found->ai_addrlen, text, e);
    }
    freeaddrinfo(found);
    if (r >= 0)
        *ret_address = bound_address(r);
    return r;
}

int http_listen(const char *text, char **ret_address, struct err *e)
{
    if (str_starts(text, "unix:"))
        return listen_unix(text + 5, text, ret_address, e);
    return listen_tcp(text, ret_address, e);
}
