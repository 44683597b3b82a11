/* sock.h — the sockets under gRPC: endpoints, listening, connecting. Non-blocking, close-on-exec. */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "world/err.h"

struct endpoint {
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    } addr;
    socklen_t len;
    bool is_unix;
};

/* See grpc_endpoint_check(). */
int endpoint_parse(const char *text, struct endpoint *ret, struct err *e);

/* A listening socket, or negative. For a unix socket `ret_inode` identifies the file made, so that only
 * our own is removed later. */
struct socket_file {
    uint64_t dev, ino;
};
int sock_listen(const struct endpoint *ep, const char *text, struct socket_file *ret_file, struct err *e);
/* Removes the socket file if it is still the one that sock_listen() made. */
void sock_unlink(const struct endpoint *ep, const struct socket_file *file);

/* The port of a listening TCP socket. */
int sock_port(int fd);

/* A socket that is connected, or (`*ret_connecting`) on its way: writable once it is decided, then ask
 * sock_error(). Negative errno on failure: the caller words it. */
int sock_connect(const struct endpoint *ep, bool *ret_connecting);
int sock_error(int fd);                         /* 0 or an errno */
bool sock_at_end(int fd);                       /* the peer is gone, and nothing is left to read */
