#include "net/http_tunnel.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READS_A_TURN 16                /* who sends without end gets no more than others */

struct http_tunnel {
    struct loop_watch *watch;
    int fd;
    http_pull_fn *pull;
    http_take_fn *take;
    void (*over)(void *);
    void *arg, *over_arg;
    struct blob *blob;                 /* being sent */
    size_t at;
    struct buf early;
    bool ended;
};

static void end(struct http_tunnel *t)
{
    if (t->ended)
        return;
    t->ended = true;
    loop_watch_set(t->watch, 0);
    t->over(t->over_arg);
}

/* 1: everything there is has left; 0: the socket is full; negative: over. */
static int send_all(struct http_tunnel *t)
{
    for (;;) {
        if (!t->blob) {
            int r = t->pull(t->arg, &t->blob);
            t->at = 0;
            if (r <= 0)
                return r < 0 ? -1 : 1;
        }
        ssize_t n = send(t->fd, t->blob->data + t->at, t->blob->len - t->at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        t->at += (size_t)n;
        if (t->at == t->blob->len)
            blob_unref(STEAL(t->blob));
    }
}

static bool receive(struct http_tunnel *t)
{
    char data[4096];

    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t n = recv(t->fd, data, sizeof(data), MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0 || !t->take(t->arg, data, (size_t)n))
            return false;
    }
    return true;
}

static void on_event(void *arg, uint32_t events)
{
    struct http_tunnel *t = arg;
    bool goes_on = true;
    int r;

    if (t->early.len)
        goes_on = t->take(t->arg, t->early.data, t->early.len);
    buf_reset(&t->early);
    if (goes_on && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        goes_on = receive(t);
    r = send_all(t);                   /* what it is told at the end, too */
    if (!goes_on || r < 0)
        end(t);
    else
        loop_watch_set(t->watch, r == 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

struct http_tunnel *http_tunnel_new(struct loop *l, int sock, const void *early, size_t n, http_pull_fn *pull,
                                    http_take_fn *take, void *arg, void (*over)(void *), void *over_arg)
{
    struct http_tunnel *t = xcalloc(1, sizeof(*t));

    *t = (struct http_tunnel){ .fd = dup(sock), .pull = pull, .take = take, .over = over, .arg = arg, .over_arg = over_arg };
    buf_add(&t->early, early, n);
    t->watch = loop_watch_new(l, t->fd, EPOLLIN | EPOLLOUT, on_event, t);
    return t;
}

struct http_tunnel *http_tunnel_free(struct http_tunnel *t)
{
    if (!t)
        return NULL;
    loop_watch_free(t->watch);
    close(t->fd);
    blob_unref(t->blob);
    buf_release(&t->early);
    free(t);
    return NULL;
}

void http_tunnel_wake(struct http_tunnel *t)
{
    if (!t->ended)
        loop_watch_set(t->watch, EPOLLIN | EPOLLOUT);
}
